//! Facts of callers who are called back: they keep their place in the line of a queue without a call.

use serde::{Deserialize, Serialize};

use crate::id::CallId;

/// A caller who waited in a queue asked to be called back. The call in which he did names the callback from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRequested {
    /// The call.
    pub call: CallId,
    /// The queue's name.
    pub queue: String,
    /// The number that is called.
    pub number: String,
    /// Higher goes first, 0 to 255.
    pub priority: u8,
    /// How long he had waited by then, ms: it counts on.
    pub waited_ms: u64,
}

/// An agent took the call that calls him back, and his number is dialled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackStarted {
    /// The call to him.
    pub call: CallId,
    /// The call in which he asked for it.
    pub callback: CallId,
    /// The queue's name.
    pub queue: String,
    /// The number that is called.
    pub number: String,
    /// The employee number.
    pub agent: String,
    /// 1 = the first.
    pub attempt: u8,
    /// How long he has waited in all, ms.
    pub waited_ms: u64,
}

/// How a callback ends, in exactly one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackOutcome {
    /// He answered.
    Answered,
    /// He did not, as often as he was called.
    Unanswered,
    /// Somebody took it back by order.
    Cancelled,
    /// No agent took it in a day.
    Expired,
    /// His queue was taken away.
    QueueGone,
}

/// Nobody is to be called back any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackEnded {
    /// The call in which he asked for it.
    pub call: CallId,
    /// The queue's name.
    pub queue: String,
    /// The number.
    pub number: String,
    /// How.
    pub outcome: CallbackOutcome,
    /// How often he was called.
    pub attempts: u8,
    /// How long he has waited in all, ms.
    pub waited_ms: u64,
    /// Who took it back: a login name or `token:NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}
