//! The steps of a flow (IVR-03), as they are written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::{FlowName, HoursName, Key, Mailbox, NodeName, QueueName, RoomName, SurveyName, VariableName};
use super::template::{Spoken, Template};
use crate::hours::{Opening, Span, WeekDay, Zone};

macro_rules! steps {
    ($($(#[$doc:meta])* $kind:ident = $word:literal;)*) => {
        /// One step. `step` names its kind.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(tag = "step")]
        pub enum Node {
            $($(#[$doc])* #[serde(rename = $word)] $kind($kind),)*
        }

        impl Node {
            /// The kinds there are.
            pub const KINDS: &[&str] = &[$($word),*];

            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $word,)* }
            }

            /// Reads a node of a kind from the rest of its table; `None` when there is no such kind.
            pub(super) fn read(kind: &str, rest: serde_json::Value) -> Option<Result<Self, (String, String)>> {
                match kind {
                    $($word => Some(super::read::table::<$kind>(rest).map(Self::$kind)),)*
                    _ => None,
                }
            }
        }
    };
}

steps! {
    /// Plays prompts.
    Play = "play";
    /// Says prompts, numbers and digits.
    Say = "say";
    /// Lets the caller choose by a key.
    Menu = "menu";
    /// Lets the caller type digits.
    Collect = "collect";
    /// Sets variables.
    Set = "set";
    /// Goes on by what is so.
    Condition = "condition";
    /// Asks a server by HTTP.
    Lookup = "lookup";
    /// Waits for an agent of a skill group.
    Queue = "queue";
    /// Rings an extension.
    Extension = "extension";
    /// Rings the agent with a number.
    Agent = "agent";
    /// Rings a number outside.
    Outside = "outside";
    /// Takes a message.
    Voicemail = "voicemail";
    /// Asks how it was.
    Survey = "survey";
    /// Joins a conference.
    Conference = "conference";
    /// Goes through another flow.
    Subflow = "subflow";
    /// Goes back to the flow that called this one.
    Return = "return";
    /// Ends the call.
    HangUp = "hang_up";
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    )*};
}

tables! {
    /// Plays prompts.
    Play {
        /// One after another.
        prompts: Vec<crate::say::PromptName>,
        /// A key ends them; it is kept for the next menu.
        #[serde(default = "yes")]
        barge_in: bool,
        /// Then.
        next: NodeName,
    }

    /// Says prompts, numbers and digits.
    Say {
        /// One after another.
        parts: Vec<Spoken>,
        /// A key ends them; it is kept for the next menu.
        #[serde(default = "yes")]
        barge_in: bool,
        /// Then.
        next: NodeName,
    }

    /// Lets the caller choose by a key; the first one ends what is said.
    Menu {
        /// What the keys mean; said at each try.
        prompt: Vec<Spoken>,
        /// Said after a key that means nothing.
        #[serde(default)]
        wrong: Vec<Spoken>,
        /// Said when no key was pressed.
        #[serde(default)]
        silent: Vec<Spoken>,
        /// Where each key leads.
        keys: BTreeMap<Key, NodeName>,
        /// How often it is said in all, 1 to 9.
        #[serde(default = "tries")]
        tries: u8,
        /// How long a key is waited for after what was said, 1 to 60.
        #[serde(default = "timeout_s")]
        timeout_s: u32,
        /// After the last try.
        no_choice: NodeName,
    }

    /// Lets the caller type digits. `#` ends them, `*` begins anew.
    Collect {
        /// What to type; said at each try.
        prompt: Vec<Spoken>,
        /// Said when too few were typed.
        #[serde(default)]
        wrong: Vec<Spoken>,
        /// Where they are put.
        into: VariableName,
        /// At least, 1 to 32.
        #[serde(default = "one")]
        min: u8,
        /// At most, 1 to 32; with so many it goes on without `#`.
        #[serde(default = "digits_max")]
        max: u8,
        /// How often it is said in all, 1 to 9.
        #[serde(default = "tries")]
        tries: u8,
        /// How long each digit is waited for, 1 to 60.
        #[serde(default = "timeout_s")]
        timeout_s: u32,
        /// With the digits.
        next: NodeName,
        /// After the last try.
        failed: NodeName,
    }

    /// Sets variables. `language` is the language of what is said from then on.
    Set {
        /// All see the values from before.
        values: BTreeMap<VariableName, Template>,
        /// Then.
        next: NodeName,
    }

    /// Goes on by what is so.
    Condition {
        /// The first that holds counts.
        cases: Vec<Case>,
        /// When none holds.
        otherwise: NodeName,
    }

    /// A case of a condition.
    Case {
        /// All of these must hold.
        when: Vec<Test>,
        /// Then.
        go: NodeName,
    }

    /// Asks a server by HTTP (GET, JSON). The shell does it.
    Lookup {
        /// Where, `https://` or `http://`; variables are percent-encoded.
        url: Template,
        /// How long it is waited for, 100 to 10,000.
        #[serde(default = "lookup_timeout_ms")]
        timeout_ms: u32,
        /// Which fields of the answer are put where.
        fields: BTreeMap<VariableName, Field>,
        /// With the answer.
        next: NodeName,
        /// Without one, all fields having their defaults.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<NodeName>,
    }

    /// A field of an answer.
    Field {
        /// Where it stands in the answer (JSON Pointer, RFC 6901): `/customer/name`.
        pointer: String,
        /// Its value when it is not there.
        #[serde(default)]
        default: String,
    }

    /// Waits for an agent of a skill group. An exit that is not written is the queue's own overflow (QUEUE-06).
    Queue {
        /// Which.
        queue: QueueName,
        /// Higher ones go first, 0 to 9.
        #[serde(default)]
        priority: u8,
        /// After the talk with the agent, when the agent hung up; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered: Option<NodeName>,
        /// After the longest wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_wait: Option<NodeName>,
        /// When too many wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        full: Option<NodeName>,
        /// When nobody is signed in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nobody: Option<NodeName>,
        /// Keys by which the caller leaves.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        keys: BTreeMap<Key, NodeName>,
    }

    /// Rings somebody: an extension, an agent or a number outside.
    Ring {
        /// The extension's number, the agent's employee number, or the number outside as it is dialled.
        number: Template,
        /// How long it rings, 5 to 120; [`RING_S`], outside [`OUTSIDE_RING_S`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ring_s: Option<u32>,
        /// After the talk, when the other side hung up; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered: Option<NodeName>,
        /// When it is busy, or the agent is not idle; else as `failed`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        busy: Option<NodeName>,
        /// When nobody answers; else as `failed`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        no_answer: Option<NodeName>,
        /// When it cannot be rung, or the agent is not online.
        failed: NodeName,
    }

    /// Takes a message (VM-05).
    Voicemail {
        /// Whose.
        mailbox: Mailbox,
        /// Said before the tone.
        #[serde(default)]
        greeting: Vec<Spoken>,
        /// Then; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<NodeName>,
    }

    /// Asks how it was (SURVEY-02).
    Survey {
        /// Which.
        survey: SurveyName,
        /// Then; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<NodeName>,
    }

    /// Joins a conference.
    Conference {
        /// Which.
        room: RoomName,
        /// After it; else the call ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<NodeName>,
    }

    /// Goes through another flow.
    Subflow {
        /// Which.
        flow: FlowName,
        /// When it returns; without one it does not come back here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<NodeName>,
    }

    /// Goes back to the flow that called this one; in one that nobody called it ends the call.
    Return {}

    /// Ends the call.
    HangUp {
        /// Said before.
        #[serde(default)]
        parts: Vec<Spoken>,
        /// How it ends.
        #[serde(default)]
        cause: Cause,
    }
}

/// Rings an extension.
pub type Extension = Ring;
/// Rings an agent, if he is online and idle.
pub type Agent = Ring;
/// Rings a number outside.
pub type Outside = Ring;

/// How long an extension or an agent rings where nothing else is said.
pub const RING_S: u32 = 20;
/// How long a number outside does.
pub const OUTSIDE_RING_S: u32 = 60;

/// How a flow ends a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// As calls end.
    #[default]
    Normal,
    /// Busy.
    Busy,
    /// Refused.
    Rejected,
    /// The call centre cannot serve it: also what a flow with a fault ends with.
    Failure,
}

/// What may be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Opening hours are in a state.
    Hours {
        /// Which.
        name: HoursName,
        /// In this state.
        #[serde(default = "open")]
        is: Opening,
    },
    /// It is a time of day.
    Time {
        /// In this zone.
        zone: Zone,
        /// On these days of the week; without any, on all.
        #[serde(default)]
        days: Vec<WeekDay>,
        /// Between these times.
        between: Span,
    },
    /// The caller's number begins so (`prefix = ""` is any that is shown).
    Caller {
        /// So.
        prefix: String,
    },
    /// A variable compares to a value: as numbers where both are whole numbers, else as texts.
    Variable {
        /// Which.
        name: VariableName,
        /// How.
        is: Comparison,
        /// To what.
        value: Template,
    },
    /// A figure of a queue compares to a number.
    Queue {
        /// Which.
        name: QueueName,
        /// What of it.
        figure: QueueFigure,
        /// How.
        is: Comparison,
        /// To what.
        value: u32,
    },
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they say it all")]
pub enum Comparison {
    Equal,
    NotEqual,
    AtLeast,
    AtMost,
}

/// A figure of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueFigure {
    /// Callers who wait.
    Waiting,
    /// How long the one at the front has waited, in seconds.
    LongestWaitS,
    /// Agents signed in.
    SignedIn,
    /// Agents signed in and idle.
    Idle,
}

fn yes() -> bool {
    true
}

fn one() -> u8 {
    1
}

fn tries() -> u8 {
    3
}

fn timeout_s() -> u32 {
    5
}

fn digits_max() -> u8 {
    20
}

fn lookup_timeout_ms() -> u32 {
    2_000
}

fn open() -> Opening {
    Opening::Open
}
