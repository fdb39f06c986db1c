//! Queues (技能组): who waits where, and which agents are rung.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use dialplan::flow::name::{FlowName, QueueName};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use dialplan::say::PromptName;
use serde::{Deserialize, Serialize};
use switch::config::{self, OVERFLOW_MAX};
use switch::queue::{self, Level, QueueSettings};
use utoipa::ToSchema;

use super::StoreError;
use super::setting::Setting;
use super::sql::{Arg, Row, args, json};

/// A queue as set. One shape for the database, the API and the configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// A slug: 1 to 64 characters of a-z, 0-9, _ and -.
    #[schema(value_type = String, example = "support")]
    pub name: QueueName,
    /// What people call it; may be empty.
    #[serde(default)]
    pub title: String,
    /// What phones dial for it: 2 to 10 digits, optionally after a `*`; no extension's, room's or other queue's.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "7000")]
    pub number: Option<ExtensionNumber>,
    /// Who of several idle agents is rung (QUEUE-03).
    #[serde(default)]
    pub strategy: Strategy,
    /// How long an agent is rung, 5 to 120 s.
    #[serde(default = "ring_timeout_s")]
    pub ring_timeout_s: u64,
    /// How long one may wait, ringing included, s; 0 for ever, a day at most.
    #[serde(default = "max_wait_s")]
    pub max_wait_s: u64,
    /// How many may wait, 1 to 1000.
    #[serde(default = "max_length")]
    pub max_length: u32,
    /// From which waiting time on agents of which level are rung, too. Empty: all from the beginning.
    #[serde(default)]
    pub widening: Vec<Widening>,
    /// An answer within so many seconds is within the service level, 1 to 3600.
    #[serde(default = "target_s")]
    pub target_s: u64,
    /// When callers are told their place; null for never (QUEUE-04).
    #[serde(default)]
    pub announcements: Option<Announcements>,
    /// How long wrap-up lasts after one of its calls, s; 0 for as long as the agent likes (AGT-09).
    #[serde(default)]
    pub wrap_up_max_s: u64,
    /// Its answered calls are recorded (REC-04).
    #[serde(default = "record")]
    pub record: bool,
    /// A prompt for who comes in, before the music: that the call is recorded, for one (REC-08).
    #[serde(default)]
    pub welcome: Option<String>,
    /// Where a caller goes whom no agent takes, in order (QUEUE-06); after the last the caller is told so, and the call ends.
    #[serde(default)]
    pub overflow: Vec<Overflow>,
    /// The agents in it.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// Who of several idle agents is rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Who has been idle longest.
    #[default]
    LongestIdle,
    /// One after the other.
    RoundRobin,
    /// Who has answered least today.
    FewestToday,
    /// By the order of the members.
    FixedOrder,
    /// Who has the best level.
    LevelFirst,
    /// All at once, as many as may be.
    RingAll,
}

/// From a waiting time on, more agents are rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Widening {
    /// Waited so long, s.
    pub after_s: u64,
    /// All up to this level, 1 to 9.
    pub level: u8,
}

/// When callers are told where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// After so much waiting, 5 to 3600 s.
    pub first_s: u64,
    /// Then each, 5 to 3600 s.
    pub every_s: u64,
}

/// One step of an overflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overflow {
    /// `queue:sales`, `number:13800000000`, `flow:night` or `prompt:queue_busy`.
    #[schema(value_type = String, example = "queue:sales")]
    pub to: OverflowTo,
}

/// Where a step of an overflow leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OverflowTo {
    /// To another queue.
    Queue(QueueName),
    /// To a number outside.
    Number(Dialled),
    /// Into a flow.
    Flow(FlowName),
    /// A prompt is said, and the call ends.
    Prompt(PromptName),
}

/// Why a text is no step of an overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an overflow leads to `queue:sales`, `number:13800000000`, `flow:night` or `prompt:queue_busy`")]
pub struct OverflowError;

/// An agent in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The employee number.
    #[schema(value_type = String, example = "10001")]
    pub agent: AgentNumber,
    /// 1 (best) to 9.
    #[serde(default = "best")]
    pub level: u8,
    /// The place in the fixed order.
    #[serde(default)]
    pub order: u16,
}

/// Members of a queue at most: what a body takes.
pub const MEMBERS_MAX: usize = 1_000;
/// A day: nobody waits, or wraps up, longer.
const DAY_S: u64 = 86_400;
/// Callers who wait in one queue.
const LENGTH_MAX: u32 = 1_000;

fn ring_timeout_s() -> u64 {
    QueueSettings::default().ring_timeout.as_secs()
}

fn max_wait_s() -> u64 {
    QueueSettings::default().max_wait.unwrap_or_default().as_secs()
}

fn max_length() -> u32 {
    QueueSettings::default().max_length
}

fn target_s() -> u64 {
    QueueSettings::default().target.as_secs()
}

fn record() -> bool {
    true
}

fn best() -> u8 {
    Level::FIRST.get()
}

impl Queue {
    /// A queue without members and with everything else at its default.
    #[must_use]
    pub fn new(name: QueueName) -> Self {
        Self {
            name,
            title: String::new(),
            number: None,
            strategy: Strategy::default(),
            ring_timeout_s: ring_timeout_s(),
            max_wait_s: max_wait_s(),
            max_length: max_length(),
            widening: Vec::new(),
            target_s: target_s(),
            announcements: None,
            wrap_up_max_s: 0,
            record: record(),
            welcome: None,
            overflow: Vec::new(),
            members: Vec::new(),
        }
    }

    /// What is wrong with it whatever else there is, by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let own = |step: &Overflow| matches!(&step.to, OverflowTo::Queue(queue) if *queue == self.name);
        let steps = self.widening.iter().all(|it| (1..=DAY_S).contains(&it.after_s) && Level::new(it.level).is_some());
        let in_order =
            self.widening.windows(2).all(|two| two[0].after_s < two[1].after_s && two[0].level < two[1].level);
        let told = |it: &Announcements| (5..=3_600).contains(&it.first_s) && (5..=3_600).contains(&it.every_s);
        let agents: BTreeSet<&AgentNumber> = self.members.iter().map(|member| &member.agent).collect();
        let welcome = self.welcome.as_ref().is_none_or(|name| name.parse::<PromptName>().is_ok());
        let title = self.title.chars().count() <= 64 && !self.title.chars().any(char::is_control);
        let checks = [
            ("title", title, "a title is at most 64 characters on one line"),
            ("ring_timeout_s", (5..=120).contains(&self.ring_timeout_s), "an agent is rung for 5 to 120 s"),
            ("max_wait_s", self.max_wait_s <= DAY_S, "one waits 86400 s at most, 0 for ever"),
            ("max_length", (1..=LENGTH_MAX).contains(&self.max_length), "1 to 1000 callers may wait"),
            (
                "widening",
                steps && in_order,
                "up to 8 steps with ever later times (up to 86400 s) and ever higher levels (1 to 9)",
            ),
            ("target_s", (1..=3_600).contains(&self.target_s), "the target is 1 to 3600 s"),
            ("announcements", self.announcements.as_ref().is_none_or(told), "the times are 5 to 3600 s"),
            ("wrap_up_max_s", self.wrap_up_max_s <= DAY_S, "wrap-up lasts 86400 s at most, 0 for ever"),
            ("welcome", welcome, "a prompt's name is 1 to 64 characters of a-z, 0-9, _ and -"),
            ("overflow", self.overflow.len() <= OVERFLOW_MAX, "an overflow has 16 steps at most"),
            ("overflow", !self.overflow.iter().any(own), "a queue cannot overflow into itself"),
            ("members", self.members.len() <= MEMBERS_MAX, "a queue has 1000 members at most"),
            ("members", agents.len() == self.members.len(), "an agent stands there twice; take one out"),
            ("members", self.members.iter().all(|it| Level::new(it.level).is_some()), "a level is 1 (best) to 9"),
        ];
        checks.into_iter().filter(|(_, fine, _)| !fine).map(|(field, _, wrong)| (field, wrong.to_owned())).collect()
    }

    /// As the switch wants it. What is out of its range was refused when it was set, and is left out here.
    #[must_use]
    pub fn for_switch(&self) -> config::Queue {
        let longest = |s: u64| (s > 0).then(|| Duration::from_secs(s));
        let widening = |it: &Widening| {
            Some(queue::Widening { after: Duration::from_secs(it.after_s), level: Level::new(it.level)? })
        };
        let member =
            |it: &Member| Some((it.agent.clone(), queue::Member { level: Level::new(it.level)?, order: it.order }));
        config::Queue {
            name: self.name.clone(),
            settings: QueueSettings {
                strategy: self.strategy.for_switch(),
                ring_timeout: Duration::from_secs(self.ring_timeout_s),
                max_wait: longest(self.max_wait_s),
                max_length: self.max_length,
                widening: self.widening.iter().filter_map(widening).collect(),
                target: Duration::from_secs(self.target_s),
                announcements: self.announcements.map(|it| queue::Announcements {
                    first: Duration::from_secs(it.first_s),
                    every: Duration::from_secs(it.every_s),
                }),
            },
            members: self.members.iter().filter_map(member).collect(),
            wrap_up_max: longest(self.wrap_up_max_s),
            record: self.record,
            welcome: self.welcome.as_ref().and_then(|name| name.parse().ok()),
            overflow: self.overflow.iter().map(|step| step.to.for_switch()).collect(),
        }
    }

    /// Whether its overflow leads there.
    #[must_use]
    pub fn leads_to(&self, to: &OverflowTo) -> bool {
        self.overflow.iter().any(|step| step.to == *to)
    }
}

impl Strategy {
    /// As the configuration file has them.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("longest_idle", Self::LongestIdle),
        ("round_robin", Self::RoundRobin),
        ("fewest_today", Self::FewestToday),
        ("fixed_order", Self::FixedOrder),
        ("level_first", Self::LevelFirst),
        ("ring_all", Self::RingAll),
    ];

    fn for_switch(self) -> queue::Strategy {
        match self {
            Self::LongestIdle => queue::Strategy::LongestIdle,
            Self::RoundRobin => queue::Strategy::RoundRobin,
            Self::FewestToday => queue::Strategy::FewestToday,
            Self::FixedOrder => queue::Strategy::FixedOrder,
            Self::LevelFirst => queue::Strategy::LevelFirst,
            Self::RingAll => queue::Strategy::RingAll,
        }
    }
}

impl OverflowTo {
    fn for_switch(&self) -> config::Overflow {
        match self {
            Self::Queue(queue) => config::Overflow::Queue(queue.clone()),
            Self::Number(number) => config::Overflow::Number(number.clone()),
            Self::Flow(flow) => config::Overflow::Flow(flow.clone()),
            Self::Prompt(prompt) => config::Overflow::Say(prompt.clone()),
        }
    }
}

impl FromStr for OverflowTo {
    type Err = OverflowError;

    fn from_str(text: &str) -> Result<Self, OverflowError> {
        let (kind, name) = text.split_once(':').ok_or(OverflowError)?;
        let to = match kind {
            "queue" => name.parse().ok().map(Self::Queue),
            "number" => name.parse().ok().map(Self::Number),
            "flow" => name.parse().ok().map(Self::Flow),
            "prompt" => name.parse().ok().map(Self::Prompt),
            _ => None,
        };
        to.ok_or(OverflowError)
    }
}

impl TryFrom<String> for OverflowTo {
    type Error = OverflowError;

    fn try_from(text: String) -> Result<Self, OverflowError> {
        text.parse()
    }
}

impl From<OverflowTo> for String {
    fn from(to: OverflowTo) -> Self {
        to.to_string()
    }
}

impl fmt::Display for OverflowTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(queue) => write!(f, "queue:{queue}"),
            Self::Number(number) => write!(f, "number:{number}"),
            Self::Flow(flow) => write!(f, "flow:{flow}"),
            Self::Prompt(prompt) => write!(f, "prompt:{prompt}"),
        }
    }
}

impl Setting for Queue {
    const RESOURCE: &'static str = "queue";
    const TABLE: &'static str = "queues";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &["number", "settings"];
    /// Each agent may be in all of them.
    const MAX: u64 = 1_000;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![self.number.as_ref().map(ToString::to_string), json(self)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.json("settings")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn support() -> Queue {
        Queue::new("support".parse().unwrap())
    }

    fn read(text: &str) -> Queue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(read(r#"{"name": "support"}"#), support());
        assert_eq!(support().faults(), []);
        let config = support().for_switch();
        assert_eq!(config.settings, QueueSettings::default());
        assert!(config.record && config.wrap_up_max.is_none());
        let endless = Queue { max_wait_s: 0, wrap_up_max_s: 30, ..support() }.for_switch();
        assert_eq!((endless.settings.max_wait, endless.wrap_up_max), (None, Some(Duration::from_secs(30))));
    }

    #[test]
    fn an_overflow_is_read_as_it_is_written() {
        for text in ["queue:sales", "number:+8613800000000", "flow:night", "prompt:queue_busy"] {
            assert_eq!(text.parse::<OverflowTo>().unwrap().to_string(), text);
        }
        for bad in ["sales", "queue:", "queue:A B", "number:bob", "room:8000"] {
            assert_eq!(bad.parse::<OverflowTo>(), Err(OverflowError), "{bad}");
        }
    }

    #[test]
    fn what_is_out_of_its_range_is_named_by_its_field() {
        let bad = r#"{"name": "support", "title": "a\nb", "ring_timeout_s": 4, "max_wait_s": 86401, "max_length": 0,
            "widening": [{"after_s": 30, "level": 3}, {"after_s": 30, "level": 4}], "target_s": 0,
            "announcements": {"first_s": 4, "every_s": 30}, "wrap_up_max_s": 86401, "welcome": "A",
            "overflow": [{"to": "queue:support"}],
            "members": [{"agent": "10001", "level": 10}, {"agent": "10001"}]}"#;
        let fields: Vec<&str> = read(bad).faults().into_iter().map(|(field, _)| field).collect();
        let expected = [
            "title",
            "ring_timeout_s",
            "max_wait_s",
            "max_length",
            "widening",
            "target_s",
            "announcements",
            "wrap_up_max_s",
            "welcome",
            "overflow",
            "members",
            "members",
        ];
        assert_eq!(fields, expected);
    }
}
