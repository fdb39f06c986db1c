//! How an agent is treated and what a queue does: one shape for the database, the API and the configuration file.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use dialplan::flow::name::{FlowName, QueueName, SurveyName};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use dialplan::say::PromptName;
use serde::{Deserialize, Serialize};
use switch::agent::{AfterCall, AgentRules as Rules};
use switch::config::{self, OVERFLOW_MAX, Overflow, OwnAgent, OwnAgentRule};
use switch::queue::{Announcements, Level, Member, QueueSettings, Strategy, Widening};
use utoipa::ToSchema;

use crate::mail::check_address;

/// How an agent is treated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentRules {
    /// The extension that he signs in on where he names none (PHONE-01).
    #[schema(example = "1001")]
    pub extension: Option<String>,
    /// His mobile (PHONE-07).
    #[schema(example = "13800000000")]
    #[schema(extensions(("x-field" = json!("agents.mobile"))))]
    pub mobile: Option<String>,
    /// Where his mobile answers, a call is his only after he has pressed 1, so that no mailbox takes it (PHONE-13).
    pub mobile_confirm_key: bool,
    /// The web phone answers by itself what rings at it, while he is signed in with it (CALL-11). The page is told so in the INVITE.
    pub auto_answer: bool,
    /// What follows an answered call; a change takes effect at the next sign-in (AGT-07).
    pub after_call: AfterCallName,
    /// So many missed offers in a row make him busy, 0 to 10; 0 = never (AGT-13).
    pub missed_limit: u8,
}

/// What follows an answered call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterCallName {
    /// Wrap-up (后处理).
    #[default]
    WrapUp,
    /// The state before the call (就绪).
    Ready,
}

impl AfterCallName {
    /// As the configuration file has them.
    pub const WORDS: [(&'static str, Self); 2] = [("wrap_up", Self::WrapUp), ("ready", Self::Ready)];
}

impl Default for AgentRules {
    fn default() -> Self {
        Self {
            extension: None,
            mobile: None,
            mobile_confirm_key: true,
            auto_answer: false,
            after_call: AfterCallName::WrapUp,
            missed_limit: MISSED_LIMIT,
        }
    }
}

/// Missed offers in a row that make an agent busy, where nothing else is set.
const MISSED_LIMIT: u8 = switch::agent::MISSED_LIMIT;
/// No limit is higher.
const MISSED_LIMIT_MAX: u8 = 10;

impl AgentRules {
    /// What is wrong with it, by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let extension = self.extension.as_deref().and_then(|text| text.parse::<ExtensionNumber>().err());
        let mobile = self.mobile.as_deref().and_then(|text| text.parse::<Dialled>().err());
        let limit = (self.missed_limit > MISSED_LIMIT_MAX).then(|| "write 0 to 10".to_owned());
        let extension = extension.map(|error| ("extension", error.to_string()));
        let mobile = mobile.map(|error| ("mobile", error.to_string()));
        extension.into_iter().chain(mobile).chain(limit.map(|text| ("missed_limit", text))).collect()
    }

    /// As the switch wants it.
    #[must_use]
    pub fn for_switch(&self, number: &AgentNumber, name: &str) -> config::Agent {
        let after_call = match self.after_call {
            AfterCallName::WrapUp => AfterCall::WrapUp,
            AfterCallName::Ready => AfterCall::Ready,
        };
        config::Agent {
            number: number.clone(),
            name: name.to_owned(),
            extension: self.extension.as_deref().and_then(|text| text.parse().ok()),
            mobile: self.mobile.as_deref().and_then(|text| text.parse().ok()),
            mobile_confirm_key: self.mobile_confirm_key,
            auto_answer: self.auto_answer,
            numbers: config::NumberSight::default(),
            rules: Rules { after_call, missed_limit: self.missed_limit },
        }
    }
}

/// What a queue does (QUEUE-05). Times are seconds; 0 is none where that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRules {
    /// Phones call it by this number, which nobody else has.
    #[schema(example = "7000")]
    pub number: Option<String>,
    /// Who of several idle agents is rung (QUEUE-03).
    pub strategy: StrategyName,
    /// How long an agent is rung, 5 to 120.
    pub ring_timeout_s: u32,
    /// How long one may wait, ringing included, 0 (for ever) to 86,400.
    pub max_wait_s: u32,
    /// How many may wait, 1 to 1,000.
    pub max_length: u32,
    /// From which waiting time on agents of which level are rung, too, in the order of times; empty: all from the beginning. At most 8.
    pub widening: Vec<WideningStep>,
    /// An answer within it is within the service level, 1 to 3,600.
    pub target_s: u32,
    /// Callers are told where they stand after so much waiting, 0 (never) to 3,600 (QUEUE-04).
    pub announce_first_s: u32,
    /// Then each, 10 to 3,600.
    pub announce_every_s: u32,
    /// A caller's own agent is rung first, if he is online and idle (IVR-05): with `owner` the owner of a known caller, with `last` else the
    /// member who talked with him last.
    pub sticky: StickyName,
    /// How long he alone is rung, 5 to 120.
    pub sticky_wait_s: u32,
    /// A talk longer ago does not count, days, 1 to 30.
    pub sticky_days: u32,
    /// Who presses this key while he waits is called back instead, and keeps his place: one of 0-9, * and #. Say so in `welcome`. Where a flow
    /// led to the queue, its keys are the flow's.
    #[schema(value_type = Option<String>, example = "2")]
    pub callback_key: Option<char>,
    /// A prompt that the agent alone hears after "A call for", before he is connected: the queue's name, spoken.
    pub agent_announcement: Option<String>,
    /// How long wrap-up lasts after its calls, 0 (as long as the agent likes) to 3,600 (AGT-09).
    pub wrap_up_max_s: u32,
    /// Its answered calls are recorded (REC-04).
    pub record: bool,
    /// Shown outside as the caller's number of its agents' calls, where the extension has none of its own and the trunk shows the extension's
    /// number; of several queues the first by name that has one (CALL-08).
    #[schema(example = "+861012345678")]
    pub caller_number: Option<String>,
    /// A prompt that says that the call is recorded: a caller hears it to its end before he stands in line, once in a call (REC-08).
    #[schema(example = "call_recorded")]
    pub recording_announcement: Option<String>,
    /// A prompt that who comes in hears before the music.
    #[schema(example = "queue_welcome")]
    pub welcome: Option<String>,
    /// A prompt that is heard by who waits, again and again, in the place of the stock music (QUEUE-05).
    pub music: Option<String>,
    /// What its callers are asked after the talk (SURVEY-01): when the agent asks for it (CALL-25), or by a flow.
    #[schema(example = "service")]
    pub survey: Option<String>,
    /// They are also asked when the agent hangs up first.
    pub survey_after_hangup: bool,
    /// A prompt that a caller hears before he may leave a message for it.
    #[schema(example = "queue_closed")]
    pub voicemail_greeting: Option<String>,
    /// Who is told by mail of a message that was left for it, where `[smtp]` is set.
    #[schema(example = "service@example.com")]
    pub voicemail_email: Option<String>,
    /// Where a caller goes whom no agent takes, one after another (QUEUE-06): `queue:sales`, `number:13800000000` (rung for 20 s),
    /// `flow:night`, `voicemail` (he may leave a message, then the end), `prompt:queue_busy` (said, then the end). At most 16.
    #[schema(extensions(("x-field" = json!("queues.overflow"))))]
    pub overflow: Vec<String>,
    /// Its agents. At most 1,000.
    pub members: Vec<QueueMember>,
}

/// Who of several idle agents is rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    /// Who has been idle longest.
    #[default]
    LongestIdle,
    /// One after the other.
    RoundRobin,
    /// Who has answered least today.
    FewestToday,
    /// By the members' `order`.
    FixedOrder,
    /// Who has the best level.
    LevelFirst,
    /// All at once, 50 at most.
    RingAll,
}

impl StrategyName {
    /// As the configuration file has them.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("longest_idle", Self::LongestIdle),
        ("round_robin", Self::RoundRobin),
        ("fewest_today", Self::FewestToday),
        ("fixed_order", Self::FixedOrder),
        ("level_first", Self::LevelFirst),
        ("ring_all", Self::RingAll),
    ];
}

/// Which agent is a caller's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StickyName {
    /// None.
    #[default]
    Off,
    /// The one whose customer he is, as the known callers have it.
    Owner,
    /// That one, else the one who talked with him last.
    Last,
}

impl StickyName {
    /// As the configuration file has them.
    pub const WORDS: [(&'static str, Self); 3] = [("off", Self::Off), ("owner", Self::Owner), ("last", Self::Last)];
}

/// No talk longer ago is remembered, days.
pub const STICKY_DAYS_MAX: u32 = 30;

/// More agents are rung from a waiting time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WideningStep {
    /// Waited so long, seconds.
    pub after_s: u32,
    /// All up to this level, 1 to 9.
    pub level: u8,
}

/// An agent of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueMember {
    /// The employee number.
    pub agent: String,
    /// How good he is at it: 1 (best) to 9.
    #[serde(default = "best")]
    pub level: u8,
    /// His place in the fixed order.
    #[serde(default)]
    pub order: u16,
}

fn best() -> u8 {
    1
}

/// `10001`, or `10001:2` with the level; the order is that of the list.
impl FromStr for QueueMember {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (agent, level) = text.split_once(':').unwrap_or((text, "1"));
        let level = level.parse().ok().filter(|level| Level::new(*level).is_some());
        let level = level.ok_or_else(|| format!("`{text}`: a level is 1 to 9, write it as 10001:2"))?;
        agent.parse::<AgentNumber>().map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { agent: agent.to_owned(), level, order: 0 })
    }
}

/// `30:2`: from 30 seconds on all up to level 2.
impl FromStr for WideningStep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.split_once(':').and_then(|(after, level)| Some((after.parse().ok()?, level.parse().ok()?)));
        let (after_s, level) = read.ok_or_else(|| format!("`{text}`: write it as 30:2, seconds and level"))?;
        Ok(Self { after_s, level })
    }
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            number: None,
            strategy: StrategyName::LongestIdle,
            ring_timeout_s: 20,
            max_wait_s: 120,
            max_length: 50,
            widening: Vec::new(),
            target_s: 20,
            announce_first_s: 0,
            announce_every_s: 60,
            sticky: StickyName::Off,
            sticky_wait_s: 20,
            sticky_days: 7,
            callback_key: None,
            agent_announcement: None,
            wrap_up_max_s: 0,
            record: true,
            caller_number: None,
            recording_announcement: None,
            welcome: None,
            music: None,
            survey: None,
            survey_after_hangup: false,
            voicemail_greeting: None,
            voicemail_email: None,
            overflow: Vec::new(),
            members: Vec::new(),
        }
    }
}

impl QueueRules {
    /// What is wrong with it, by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let ranges = [
            ("ring_timeout_s", self.ring_timeout_s, 5, 120),
            ("max_wait_s", self.max_wait_s, 0, 86_400),
            ("max_length", self.max_length, 1, 1_000),
            ("target_s", self.target_s, 1, 3_600),
            ("announce_first_s", self.announce_first_s, 0, 3_600),
            ("announce_every_s", self.announce_every_s, 10, 3_600),
            ("sticky_wait_s", self.sticky_wait_s, 5, 120),
            ("sticky_days", self.sticky_days, 1, STICKY_DAYS_MAX),
            ("wrap_up_max_s", self.wrap_up_max_s, 0, 3_600),
        ];
        let outside = ranges.into_iter().filter(|(_, value, low, high)| !(low..=high).contains(&value));
        let mut faults: Vec<(&'static str, String)> =
            outside.map(|(field, _, low, high)| (field, format!("write {low} to {high}"))).collect();
        let number = self.number.as_deref().and_then(|text| text.parse::<ExtensionNumber>().err());
        faults
            .extend(number.map(|_| ("number", "a queue's number is 2 to 10 digits, optionally after a *".to_owned())));
        let caller_number = self.caller_number.as_deref().and_then(|text| text.parse::<Dialled>().err());
        faults.extend(caller_number.map(|error| ("caller_number", error.to_string())));
        let survey = self.survey.as_deref().and_then(|text| text.parse::<SurveyName>().err());
        faults.extend(survey.map(|error| ("survey", error.to_string())));
        if self.survey_after_hangup && self.survey.is_none() {
            faults.push(("survey_after_hangup", "name the `survey`, too".to_owned()));
        }
        if self.callback_key.is_some_and(|key| !CALLBACK_KEYS.contains(key)) {
            faults.push(("callback_key", "write one of 0-9, * and #".to_owned()));
        }
        let prompts = [
            ("recording_announcement", &self.recording_announcement),
            ("welcome", &self.welcome),
            ("music", &self.music),
            ("voicemail_greeting", &self.voicemail_greeting),
            ("agent_announcement", &self.agent_announcement),
        ];
        for (field, prompt) in prompts {
            let wrong = prompt.as_deref().and_then(|text| text.parse::<PromptName>().err());
            faults.extend(wrong.map(|error| (field, error.to_string())));
        }
        let email = self.voicemail_email.as_deref().and_then(|text| check_address(text).err());
        faults.extend(email.map(|error| ("voicemail_email", error)));
        faults
            .extend(self.overflow.iter().filter_map(|step| step.parse::<Step>().err()).map(|text| ("overflow", text)));
        if self.overflow.len() > OVERFLOW_MAX {
            faults.push(("overflow", format!("take at most {OVERFLOW_MAX} steps")));
        }
        faults.extend(self.widening_fault().map(|text| ("widening", text)));
        faults.extend(self.member_fault().map(|text| ("members", text)));
        faults
    }

    fn widening_fault(&self) -> Option<String> {
        let rising =
            self.widening.windows(2).all(|pair| pair[0].after_s < pair[1].after_s && pair[0].level < pair[1].level);
        let levels = self.widening.iter().all(|step| Level::new(step.level).is_some());
        let fine = rising && levels && self.widening.len() <= WIDENING_MAX;
        (!fine).then(|| "write at most 8 steps with rising times and levels from 1 to 9".to_owned())
    }

    fn member_fault(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        for member in &self.members {
            if let Err(error) = member.agent.parse::<AgentNumber>() {
                return Some(format!("{}: {error}", member.agent));
            }
            if Level::new(member.level).is_none() {
                return Some(format!("{}: a level is 1 to 9", member.agent));
            }
            if !seen.insert(member.agent.as_str()) {
                return Some(format!("{} is named twice", member.agent));
            }
        }
        (self.members.len() > MEMBERS_MAX).then(|| format!("take at most {MEMBERS_MAX} members"))
    }

    /// Other things of the tenant that it names.
    #[must_use]
    pub fn steps(&self) -> Vec<Overflow> {
        self.overflow.iter().filter_map(|step| step.parse::<Step>().ok()).map(|step| step.0).collect()
    }

    /// As the switch wants it.
    #[must_use]
    pub fn for_switch(&self, name: &QueueName) -> config::Queue {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let some = |value: u32| (value > 0).then(|| seconds(value));
        let every = seconds(self.announce_every_s);
        let widening = self
            .widening
            .iter()
            .filter_map(|step| Some(Widening { after: seconds(step.after_s), level: Level::new(step.level)? }));
        let members = self.members.iter().filter_map(|member| {
            let level = Level::new(member.level)?;
            Some((member.agent.parse().ok()?, Member { level, order: member.order }))
        });
        config::Queue {
            name: name.clone(),
            settings: QueueSettings {
                strategy: self.strategy.into(),
                ring_timeout: seconds(self.ring_timeout_s),
                max_wait: some(self.max_wait_s),
                max_length: self.max_length,
                widening: widening.collect(),
                target: seconds(self.target_s),
                announcements: some(self.announce_first_s).map(|first| Announcements { first, every }),
            },
            members: members.collect(),
            own_agent: OwnAgent {
                ring_for: seconds(self.sticky_wait_s),
                who: match self.sticky {
                    StickyName::Off => OwnAgentRule::Nobody,
                    StickyName::Owner => OwnAgentRule::Owner,
                    StickyName::Last => {
                        OwnAgentRule::OwnerOrLast { within: seconds(self.sticky_days.saturating_mul(86_400)) }
                    }
                },
            },
            callback_key: self.callback_key,
            agent_announcement: self.agent_announcement.as_deref().and_then(|text| text.parse().ok()),
            wrap_up_max: some(self.wrap_up_max_s),
            record: self.record,
            caller_number: self.caller_number.clone(),
            recording_announcement: self.recording_announcement.as_deref().and_then(|text| text.parse().ok()),
            welcome: self.welcome.as_deref().and_then(|text| text.parse().ok()),
            music: self.music.as_deref().and_then(|text| text.parse().ok()),
            survey: self.survey.as_deref().and_then(|text| text.parse().ok()),
            survey_after_hang_up: self.survey_after_hangup,
            voicemail_greeting: self.voicemail_greeting.as_deref().and_then(|text| text.parse().ok()),
            overflow: self.steps(),
        }
    }
}

impl From<StrategyName> for Strategy {
    fn from(name: StrategyName) -> Self {
        match name {
            StrategyName::LongestIdle => Self::LongestIdle,
            StrategyName::RoundRobin => Self::RoundRobin,
            StrategyName::FewestToday => Self::FewestToday,
            StrategyName::FixedOrder => Self::FixedOrder,
            StrategyName::LevelFirst => Self::LevelFirst,
            StrategyName::RingAll => Self::RingAll,
        }
    }
}

/// A step of an overflow as it is written.
struct Step(Overflow);

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error: &dyn fmt::Display| format!("`{text}`: {error}");
        let step = match text.split_once(':') {
            Some(("queue", name)) => Overflow::Queue(name.parse().map_err(|error| wrong(&error))?),
            Some(("number", number)) => Overflow::Number(Dialled::clean(number).map_err(|error| wrong(&error))?),
            Some(("flow", name)) => Overflow::Flow(name.parse::<FlowName>().map_err(|error| wrong(&error))?),
            Some(("prompt", name)) => Overflow::Say(name.parse::<PromptName>().map_err(|error| wrong(&error))?),
            None if text == "voicemail" => Overflow::Voicemail,
            _ => {
                return Err(format!("`{text}`: write queue:NAME, number:NUMBER, flow:NAME, voicemail or prompt:NAME"));
            }
        };
        Ok(Self(step))
    }
}

/// What may be pressed to be called back.
const CALLBACK_KEYS: &str = "0123456789*#";
/// Steps of a widening.
const WIDENING_MAX: usize = 8;
/// Members of a queue.
const MEMBERS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_queue_is_named_by_field() {
        assert_eq!(QueueRules::default().faults(), []);
        let member = |agent: &str, level| QueueMember { agent: agent.into(), level, order: 0 };
        let wrong = QueueRules {
            number: Some("x".into()),
            ring_timeout_s: 4,
            max_length: 0,
            welcome: Some("No Prompt".into()),
            overflow: vec!["mobile:1".into()],
            widening: vec![WideningStep { after_s: 30, level: 2 }, WideningStep { after_s: 20, level: 3 }],
            members: vec![member("10001", 1), member("10001", 2)],
            ..QueueRules::default()
        };
        let fields: Vec<_> = wrong.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["ring_timeout_s", "max_length", "number", "welcome", "overflow", "widening", "members"]);
        assert_eq!(AgentRules::default().faults(), []);
        let wrong = AgentRules {
            extension: Some("a".into()),
            mobile: Some("b".into()),
            missed_limit: 11,
            ..AgentRules::default()
        };
        assert_eq!(wrong.faults().len(), 3);
    }

    /// Proves QUEUE-05 (what is so where nothing is set: ring 20 s, wait 120 s, 50 callers, no survey).
    #[test]
    fn a_queue_of_which_nothing_is_set_has_the_defaults() {
        let queue = QueueRules::default().for_switch(&"support".parse().unwrap());
        let (ring, wait) = (Duration::from_secs(20), Duration::from_secs(120));
        assert_eq!(
            (queue.settings.ring_timeout, queue.settings.max_wait, queue.settings.max_length),
            (ring, Some(wait), 50)
        );
        assert_eq!(queue.settings.strategy, Strategy::LongestIdle);
        assert_eq!((queue.survey, queue.music, queue.wrap_up_max, queue.overflow), (None, None, None, Vec::new()));
        assert_eq!(
            (queue.own_agent.who, queue.callback_key, queue.agent_announcement),
            (OwnAgentRule::Nobody, None, None)
        );
    }

    #[test]
    fn a_queue_reaches_the_switch_as_it_is_written() {
        let rules = QueueRules {
            strategy: StrategyName::LevelFirst,
            max_wait_s: 0,
            announce_first_s: 15,
            wrap_up_max_s: 30,
            overflow: vec!["queue:sales".into(), "number:138-0000-0000".into(), "prompt:queue_busy".into()],
            members: vec!["10001:2".parse().unwrap()],
            widening: vec!["0:1".parse().unwrap(), "30:9".parse().unwrap()],
            ..QueueRules::default()
        };
        assert_eq!(rules.faults(), []);
        let queue = rules.for_switch(&"support".parse().unwrap());
        assert_eq!((queue.settings.max_wait, queue.settings.strategy), (None, Strategy::LevelFirst));
        assert_eq!(queue.settings.announcements.unwrap().first, Duration::from_secs(15));
        assert_eq!(queue.wrap_up_max, Some(Duration::from_secs(30)));
        assert_eq!(queue.overflow[1], Overflow::Number("13800000000".parse().unwrap()));
        assert_eq!(queue.members[&"10001".parse().unwrap()].level.get(), 2);
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<QueueRules>(&text).unwrap(), rules);
    }
}
