//! Lookups: what the engine asks of who knows more, in the middle of a call. Each has a time limit and a default, so that nobody who is
//! slow, wrong or away can hurt a call.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, TenantId};

/// `caller.lookup`: who calls from outside? Default: nothing is known of him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerLookup {
    /// Whose call.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// The caller's number as it came; never empty.
    pub caller: String,
    /// The number that he called.
    pub called: String,
}

/// What is known of a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallerFound {
    /// His name: shown to whoever is rung for him, instead of what his own side says of itself.
    pub name: Option<String>,
    /// Whose customer he is: the number of an agent.
    pub owner: Option<String>,
    /// How far before others he goes in queues: 0 to 9. A lower one than he has otherwise changes nothing.
    pub priority: u8,
}

/// `dial.resolve`: which number does a record stand for? Default: none, and the call is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialResolve {
    /// Whose record.
    pub tenant: TenantId,
    /// Who dials: the login name of an employee.
    pub by: String,
    /// The record, as whoever answers names his records.
    pub record: String,
}

/// `dial.authorize`: may an extension call this number outside? Default: the engine's own rules decide alone. Never asked for an emergency
/// call (GEN-18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialAuthorize {
    /// Whose call.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// The extension that calls.
    pub extension: String,
    /// The agent who is signed in on it.
    pub agent: Option<String>,
    /// The number, as it would be sent by the first trunk that is tried.
    pub number: String,
}

/// What is said to [`DialAuthorize`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialVerdict {
    /// Whether it may be called.
    pub allowed: bool,
    /// Why not, for who dialled.
    #[serde(default)]
    pub reason: String,
}

/// `number.mask`: who may see a number in full? Default: as his role says of the field in which it stands (GEN-07).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberMask {
    /// Whose number.
    pub tenant: TenantId,
    /// Who looks: the login name of an employee.
    pub viewer: String,
    /// The number.
    pub number: String,
}

/// Who answers lookups. Called on threads that serve no call; an answer that comes too late is not waited for, and a panic is no answer.
/// `None` says that nothing is known: the default holds.
pub trait Lookups: Send + Sync {
    /// `caller.lookup`.
    fn caller(&self, asked: &CallerLookup) -> Option<CallerFound> {
        let _ = asked;
        None
    }

    /// `dial.resolve`: the number.
    fn resolve(&self, asked: &DialResolve) -> Option<String> {
        let _ = asked;
        None
    }

    /// `dial.authorize`.
    fn authorize(&self, asked: &DialAuthorize) -> Option<DialVerdict> {
        let _ = asked;
        None
    }

    /// Whether it answers `number.mask`. Only then it is asked, of all numbers of an answer that a role shows in full.
    fn masks_numbers(&self) -> bool {
        false
    }

    /// `number.mask`: whether it is shown masked.
    fn masks(&self, asked: &NumberMask) -> Option<bool> {
        let _ = asked;
        None
    }
}

/// What the switch asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Who calls.
    Caller(CallerLookup),
    /// May it be called.
    Authorize(DialAuthorize),
}

impl Question {
    /// The name of the hook.
    #[must_use]
    pub fn hook(&self) -> &'static str {
        match self {
            Self::Caller(_) => "caller.lookup",
            Self::Authorize(_) => "dial.authorize",
        }
    }

    /// Whose call asks.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Caller(asked) => &asked.tenant,
            Self::Authorize(asked) => &asked.tenant,
        }
    }

    /// The call that asks.
    #[must_use]
    pub fn call(&self) -> CallId {
        match self {
            Self::Caller(asked) => asked.call,
            Self::Authorize(asked) => asked.call,
        }
    }
}

/// What is said to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Caller`].
    Caller(CallerFound),
    /// To [`Question::Authorize`].
    Authorize(DialVerdict),
}
