//! `[[provision.agent]]` and `[[provision.queue]]`.

use dialplan::flow::name::QueueName;
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::id::TenantId;

use super::{PlainPassword, needed, tenant};
use crate::centre::{
    AfterCallName, AgentRules, QueueMember, QueueRules, STICKY_DAYS_MAX, StickyName, StrategyName, WideningStep,
};
use crate::config::reader::Reader;

/// One `[[provision.agent]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedAgent {
    /// Whose.
    pub tenant: TenantId,
    /// The employee number.
    pub number: AgentNumber,
    /// The name of the employee who is made where there is none of this number.
    pub name: Option<String>,
    /// His first password, which he must change; without one he signs in nowhere until he is given one.
    pub password: Option<PlainPassword>,
    /// How he is treated.
    pub rules: AgentRules,
}

/// One `[[provision.queue]]`.
#[derive(Clone, Debug)]
pub struct ProvisionedQueue {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub name: QueueName,
    /// What it does.
    pub rules: QueueRules,
}

pub(super) fn agent(mut reader: Reader<'_>) -> Option<ProvisionedAgent> {
    let tenant = tenant(&mut reader);
    let number = reader.parsed("number");
    let number = needed(&reader, "number", number);
    let (name, password) = (reader.text("name"), reader.text("password").map(PlainPassword));
    let extension = reader.parsed::<ExtensionNumber>("extension").map(|number| number.to_string());
    let mobile = reader.parsed::<Dialled>("mobile").map(|number| number.as_str().to_owned());
    let mobile_confirm_key = reader.flag("mobile_confirm_key").unwrap_or(AgentRules::default().mobile_confirm_key);
    let auto_answer = reader.flag("auto_answer").unwrap_or(AgentRules::default().auto_answer);
    let after_call = reader.word("after_call", &AfterCallName::WORDS).unwrap_or_default();
    let limit = reader.whole("missed_limit", 0..=10).and_then(|limit| u8::try_from(limit).ok());
    let missed_limit = limit.unwrap_or(AgentRules::default().missed_limit);
    reader.finish();
    Some(ProvisionedAgent {
        tenant,
        number: number?,
        name,
        password,
        rules: AgentRules { extension, mobile, mobile_confirm_key, auto_answer, after_call, missed_limit },
    })
}

pub(super) fn queue(mut reader: Reader<'_>) -> Option<ProvisionedQueue> {
    let tenant = tenant(&mut reader);
    let name = reader.parsed("name");
    let name = needed(&reader, "name", name);
    let other = QueueRules::default();
    let mut whole = |key, range: std::ops::RangeInclusive<u64>, other: u32| {
        reader.whole(key, range).and_then(|value| u32::try_from(value).ok()).unwrap_or(other)
    };
    let ring_timeout_s = whole("ring_timeout_s", 5..=120, other.ring_timeout_s);
    let max_wait_s = whole("max_wait_s", 0..=86_400, other.max_wait_s);
    let max_length = whole("max_length", 1..=1_000, other.max_length);
    let target_s = whole("target_s", 1..=3_600, other.target_s);
    let announce_first_s = whole("announce_first_s", 0..=3_600, other.announce_first_s);
    let announce_every_s = whole("announce_every_s", 10..=3_600, other.announce_every_s);
    let sticky_wait_s = whole("sticky_wait_s", 5..=120, other.sticky_wait_s);
    let sticky_days = whole("sticky_days", 1..=u64::from(STICKY_DAYS_MAX), other.sticky_days);
    let wrap_up_max_s = whole("wrap_up_max_s", 0..=3_600, other.wrap_up_max_s);
    let callback_key = reader.parsed::<char>("callback_key");
    let members = reader.list("members", |text| text.parse::<QueueMember>()).unwrap_or_default();
    let rules = QueueRules {
        number: reader.parsed::<ExtensionNumber>("number").map(|number| number.to_string()),
        strategy: reader.word("strategy", &StrategyName::WORDS).unwrap_or_default(),
        ring_timeout_s,
        max_wait_s,
        max_length,
        widening: reader.list("widening", |text| text.parse::<WideningStep>()).unwrap_or_default(),
        target_s,
        announce_first_s,
        announce_every_s,
        sticky: reader.word("sticky", &StickyName::WORDS).unwrap_or_default(),
        sticky_wait_s,
        sticky_days,
        callback_key,
        agent_announcement: reader.text("agent_announcement"),
        wrap_up_max_s,
        record: reader.flag("record").unwrap_or(other.record),
        caller_number: super::caller_number(&mut reader),
        recording_announcement: reader.text("recording_announcement"),
        welcome: reader.text("welcome"),
        music: reader.text("music"),
        survey: reader.text("survey"),
        survey_after_hangup: reader.flag("survey_after_hangup").unwrap_or(other.survey_after_hangup),
        voicemail_greeting: reader.text("voicemail_greeting"),
        voicemail_email: reader.text("voicemail_email"),
        overflow: reader.list("overflow", |text| Ok(text.to_owned())).unwrap_or_default(),
        members: members.into_iter().zip(1..).map(|(member, order)| QueueMember { order, ..member }).collect(),
    };
    for (field, wrong) in rules.faults() {
        reader.problem(reader.place_of(field).clone(), format!("`{field}`: {wrong}"));
    }
    reader.finish();
    Some(ProvisionedQueue { tenant, name: name?, rules })
}
