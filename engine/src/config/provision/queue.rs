//! One `[[provision.queue]]`.

use hooks::id::TenantId;

use super::{needed, tenant};
use crate::config::reader::Reader;
use crate::store::queues::{Announcements, Member, Overflow, Queue, Strategy, Widening};

/// One `[[provision.queue]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedQueue {
    /// Whose.
    pub tenant: TenantId,
    /// What is set.
    pub queue: Queue,
}

pub(super) fn read(mut reader: Reader<'_>) -> Option<ProvisionedQueue> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let title = reader.text("title").unwrap_or_default();
    let number = reader.parsed("number");
    let strategy = reader.word("strategy", &Strategy::WORDS).unwrap_or_default();
    let ring_timeout_s = reader.whole("ring_timeout_s", 5..=120);
    let max_wait_s = reader.whole("max_wait_s", 0..=86_400);
    let max_length = reader.whole("max_length", 1..=1_000).and_then(|it| u32::try_from(it).ok());
    let widening = reader.texts("widening", widening).unwrap_or_default();
    let target_s = reader.whole("target_s", 1..=3_600);
    let announcements = announcements(&mut reader);
    let wrap_up_max_s = reader.whole("wrap_up_max_s", 0..=86_400);
    let record = reader.flag("record");
    let welcome = reader.text("welcome");
    let step = |text: &str| text.parse().map(|to| Overflow { to }).map_err(|error| format!("{error}"));
    let overflow = reader.texts("overflow", step).unwrap_or_default();
    let mut members = reader.texts("members", member).unwrap_or_default();
    for (order, member) in (1..).zip(&mut members) {
        member.order = order;
    }
    let queue = name.map(|name| {
        let plain = Queue::new(name);
        Queue {
            title,
            number,
            strategy,
            ring_timeout_s: ring_timeout_s.unwrap_or(plain.ring_timeout_s),
            max_wait_s: max_wait_s.unwrap_or(plain.max_wait_s),
            max_length: max_length.unwrap_or(plain.max_length),
            widening,
            target_s: target_s.unwrap_or(plain.target_s),
            announcements,
            wrap_up_max_s: wrap_up_max_s.unwrap_or(plain.wrap_up_max_s),
            record: record.unwrap_or(plain.record),
            welcome,
            overflow,
            members,
            name: plain.name,
        }
    });
    for (field, wrong) in queue.iter().flat_map(Queue::faults) {
        reader.problem(reader.place_of(field).clone(), format!("`{field}`: {wrong}"));
    }
    reader.finish();
    Some(ProvisionedQueue { tenant, queue: queue? })
}

/// One without the other has the other's time.
fn announcements(reader: &mut Reader<'_>) -> Option<Announcements> {
    let first_s = reader.whole("announce_first_s", 5..=3_600);
    let every_s = reader.whole("announce_every_s", 5..=3_600);
    let first_s = first_s.or(every_s)?;
    Some(Announcements { first_s, every_s: every_s.unwrap_or(first_s) })
}

/// `10001`, or `10001:2` with a level.
fn member(text: &str) -> Result<Member, String> {
    let (agent, level) = text.split_once(':').unwrap_or((text, "1"));
    let agent = agent.parse().map_err(|error| format!("`{text}`: {error}"))?;
    let level = level.parse().map_err(|_| format!("`{text}` has no level of 1 to 9, write it as 10001:2"))?;
    Ok(Member { agent, level, order: 0 })
}

/// `30:2`: after 30 s up to level 2.
fn widening(text: &str) -> Result<Widening, String> {
    let step = text
        .split_once(':')
        .and_then(|(after_s, level)| Some(Widening { after_s: after_s.parse().ok()?, level: level.parse().ok()? }));
    step.ok_or_else(|| format!("`{text}` is no step, write 30:2 for agents up to level 2 after 30 s"))
}
