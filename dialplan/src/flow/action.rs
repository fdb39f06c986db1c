//! What a run wants, and what it is told.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{Key, Mailbox, NodeName, QueueName, RoomName, SurveyName, VariableName};
use super::node::{Cause, Field};
use crate::say::{Language, Part};

/// What a run wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Play this once. [`Event::Played`] follows, unless it is stopped before.
    Play {
        /// In this language.
        language: Language,
        /// One after another.
        parts: Vec<Part>,
    },
    /// Stop what is played. An [`Event::Played`] of it that is on its way must be dropped.
    StopPlaying,
    /// A key is waited for: nothing to do, for whoever shows what goes on.
    Collect {
        /// Those that mean something.
        keys: Vec<Key>,
    },
    /// Ask a server. [`Event::LookupDone`] follows.
    Lookup {
        /// By GET.
        url: String,
        /// No longer than this.
        timeout_ms: u32,
        /// What is read out of the answer.
        fields: BTreeMap<VariableName, Field>,
    },
    /// Let the caller wait for an agent. [`Event::QueueLeft`] follows.
    Queue {
        /// Which.
        queue: QueueName,
        /// Higher ones go first, 0 to 9.
        priority: u8,
        /// The overflows that the flow takes care of; the others are the queue's own.
        leaves: Vec<QueueLeft>,
        /// Keys by which the caller leaves.
        keys: Vec<Key>,
    },
    /// Take the caller out of the queue: he has pressed a key.
    LeaveQueue,
    /// Ring somebody and connect. [`Event::DialEnded`] follows.
    Dial {
        /// Whom.
        to: DialTarget,
        /// How long.
        ring_s: u32,
    },
    /// Take a message. [`Event::Done`] follows.
    Voicemail {
        /// Whose.
        mailbox: Mailbox,
        /// Said before the tone.
        greeting: Vec<Part>,
    },
    /// Ask how it was. [`Event::Done`] follows.
    Survey(SurveyName),
    /// Join a conference. [`Event::Done`] follows.
    Conference(RoomName),
    /// A variable has been set: for the record of the call.
    SetVariable {
        /// Which.
        name: VariableName,
        /// To this.
        value: String,
    },
    /// The flow has a fault: for the log.
    Fault {
        /// At this node.
        node: NodeName,
        /// This.
        fault: Fault,
    },
    /// End the call. Nothing follows.
    HangUp(Cause),
}

/// Whom to ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialTarget {
    /// The extension with this number.
    Extension(String),
    /// The agent with this employee number.
    Agent(String),
    /// This number outside.
    Outside(String),
}

/// What is wrong with a flow that is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The flow, the version or the node is not there.
    #[error("there is no such flow or node")]
    Missing,
    /// It went on and on without the caller.
    #[error("too many steps without waiting for the caller")]
    Endless,
    /// Subflows in subflows.
    #[error("too many flows within one another")]
    Deep,
    /// A variable more than a run keeps; it is not set, and the run goes on.
    #[error("too many variables")]
    Variables,
    /// The queue was left in a way that the flow does not know.
    #[error("no exit for what happened")]
    Exit,
}

/// What a run is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was played has ended, or could not be played.
    Played,
    /// The caller pressed a key.
    Digit(Key),
    /// The time of [`super::run::Run::poll_timeout`] has come.
    TimedOut,
    /// The answer of a server; none when it gave none in time.
    LookupDone(Option<serde_json::Value>),
    /// The caller is no longer in the queue.
    QueueLeft(QueueLeft),
    /// The other side is gone, or was never there.
    DialEnded(DialEnd),
    /// The message has been left, the survey answered, the conference left.
    Done,
    /// The caller hung up.
    CallerGone,
}

/// How a queue was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueLeft {
    /// An agent answered, they have talked, and the agent hung up.
    Answered,
    /// It took too long.
    MaxWait,
    /// Too many wait.
    Full,
    /// Nobody is signed in.
    Nobody,
}

/// How ringing somebody ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialEnd {
    /// They have talked, and the other side hung up.
    Answered,
    /// Busy.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// It could not be rung.
    Failed,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Play { language, parts } => write!(f, "play {language} {}", said(parts)),
            Self::StopPlaying => f.write_str("stop playing"),
            Self::Collect { keys } => write!(f, "wait for {}", joined(keys)),
            Self::Lookup { url, timeout_ms, fields } => {
                write!(f, "look up {url} within {timeout_ms} ms for {}", joined(fields.keys()))
            }
            Self::Queue { queue, priority, leaves, keys } => {
                let leaves: Vec<&str> = leaves.iter().map(|way| way.word()).collect();
                write!(f, "queue {queue} priority {priority} leaves [{}] keys [{}]", leaves.join(" "), joined(keys))
            }
            Self::LeaveQueue => f.write_str("leave the queue"),
            Self::Dial { to, ring_s } => write!(f, "ring {to} for {ring_s} s"),
            Self::Voicemail { mailbox, greeting } => write!(f, "voicemail {mailbox} {}", said(greeting)),
            Self::Survey(name) => write!(f, "survey {name}"),
            Self::Conference(name) => write!(f, "conference {name}"),
            Self::SetVariable { name, value } => write!(f, "set {name} = {value:?}"),
            Self::Fault { node, fault } => write!(f, "fault at {node}: {fault}"),
            Self::HangUp(cause) => write!(f, "hang up {}", cause.word()),
        }
    }
}

impl fmt::Display for DialTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(number) => write!(f, "extension {number}"),
            Self::Agent(number) => write!(f, "agent {number}"),
            Self::Outside(number) => write!(f, "outside {number}"),
        }
    }
}

impl DialEnd {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Busy, Self::NoAnswer, Self::Failed];

    /// As in flows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Failed => "failed",
        }
    }
}

impl QueueLeft {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Answered, Self::MaxWait, Self::Full, Self::Nobody];

    /// As in flows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::MaxWait => "max_wait",
            Self::Full => "full",
            Self::Nobody => "nobody",
        }
    }
}

impl Fault {
    /// As in facts and records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Endless => "endless",
            Self::Deep => "deep",
            Self::Variables => "variables",
            Self::Exit => "exit",
        }
    }
}

impl Cause {
    /// As in flows.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Busy => "busy",
            Self::Rejected => "rejected",
            Self::Failure => "failure",
        }
    }
}

fn joined<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

/// `[welcome number:3 digits:138 tone:Beep silence:500ms]`.
pub(crate) fn said(parts: &[Part]) -> String {
    let words = parts.iter().map(|part| match part {
        Part::Prompt(name) => name.to_string(),
        Part::Number(number) => format!("number:{number}"),
        Part::Digits(text) => format!("digits:{text}"),
        Part::Tone(tone) => format!("tone:{tone:?}").to_lowercase(),
        Part::Silence(pause) => format!("silence:{}ms", pause.as_millis()),
    });
    format!("[{}]", joined(words))
}
