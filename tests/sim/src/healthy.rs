//! A healthy call outlives its process: where all its phones speak over UDP, nothing was lost and nobody did anything, it must go on.

use std::time::Duration;

use hooks::id::CallId;
use switch::checkpoint::CallCheckpoint;
use switch::input::Admission;

use crate::phone::{Hold, Lived, Transport};
use crate::world::World;

/// How long both far ends have to say that they are still there, and the way there and back.
const RESUMED_WITHIN: Duration = Duration::from_secs(6);

/// A call that must go on.
#[derive(Debug)]
pub(crate) struct Healthy {
    call: CallId,
    /// The phones and the Call-IDs of their dialogs.
    parties: Vec<(usize, String)>,
    /// How often it had gone on before.
    resumed: usize,
    crashed_at: Duration,
}

impl World {
    /// The process was killed: this call must go on if nothing comes between.
    pub(crate) fn expect_to_go_on(&mut self, checkpoint: &CallCheckpoint) {
        let mut legs = self.records.sip_call_ids(checkpoint.legs().into_iter());
        // A room is always there.
        let far_ends = if legs.remove("") { 1 } else { 2 };
        let talks = |call_id: String| {
            let at = self.phones.iter().position(|phone| phone.dialogs.contains_key(&call_id))?;
            let phone = &self.phones[at];
            let dialog = &phone.dialogs[&call_id];
            let reached = self.now < phone.parted_at || self.now >= phone.reachable_at;
            let idle = matches!(dialog.hold, Hold::None | Hold::Holding);
            let healthy = phone.transport == Transport::Udp && !phone.gone && reached && dialog.is_up() && idle;
            healthy.then_some((at, call_id))
        };
        let parties: Option<Vec<_>> = legs.into_iter().map(talks).collect();
        // Ports that cannot be bound, and a node that stops, end calls for reasons of their own.
        let fair = self.bind_failures == 0 && self.admission != Admission::Draining;
        if let Some(parties) = parties.filter(|parties| parties.len() == far_ends && fair) {
            let call = checkpoint.call;
            let resumed = self.records.calls[&call].resumed;
            self.healthy.push(Healthy { call, parties, resumed, crashed_at: self.now });
        }
    }

    /// CALL: what must have gone on by now has.
    pub(crate) fn check_resumed(&mut self) -> Result<(), String> {
        let now = self.now;
        let due: Vec<Healthy> =
            self.healthy.extract_if(.., |healthy| now >= healthy.crashed_at + RESUMED_WITHIN).collect();
        for healthy in due {
            let record = &self.records.calls[&healthy.call];
            let resumed = record.resumed > healthy.resumed;
            let undisturbed = healthy.parties.iter().all(|party| self.was_undisturbed(party, healthy.crashed_at));
            let stopped = self.commanded.contains(&healthy.call) || self.admission == Admission::Draining;
            self.story.healthy += usize::from(undisturbed && !stopped);
            if !resumed && undisturbed && !stopped {
                return Err(format!("a healthy call did not outlive its process: {healthy:?}, {record:?}"));
            }
        }
        Ok(())
    }

    /// Nothing was lost on the way to or from the phone, and it did nothing of its own accord.
    fn was_undisturbed(&self, (phone, call_id): &(usize, String), since: Duration) -> bool {
        let lost = self.net.lost_at(*phone).is_some_and(|at| at >= since);
        let phone = &self.phones[*phone];
        let parted = phone.parted_at <= self.now && phone.reachable_at >= since;
        let asked = phone.dialogs.get(call_id).is_none_or(|dialog| dialog.asked_at >= since);
        let hung_up = phone.log.iter().any(|note| note.call_id == *call_id && note.lived == Lived::HungUp);
        !lost && !parted && !asked && !hung_up && !phone.gone
    }
}
