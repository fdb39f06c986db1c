//! Facts of supervisors in the calls of agents (section 30 of the requirements).

use serde::{Deserialize, Serialize};

use crate::id::{CallId, LegId};

/// What a supervisor does in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supervision {
    /// He hears both sides, and nobody hears him (监听, MON-24).
    Monitor,
    /// He hears both sides, and the agent alone hears him (密语, MON-30).
    Whisper,
    /// All three talk (强插, MON-25).
    Barge,
    /// He takes the agent's place (MON-30).
    Takeover,
    /// He ended the call (强拆, MON-27).
    HangUp,
}

/// A supervisor does that from now on, or did it: a takeover and a hang-up are done at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSupervised {
    /// The call.
    pub call: CallId,
    /// The employee number of the agent whose call it is.
    pub agent: String,
    /// What.
    pub how: Supervision,
    /// The employee number of the supervisor whose phone takes part; `None` where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<String>,
    /// By which leg.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<LegId>,
    /// Who asked for it: a login name or `token:NAME`.
    pub by: String,
}

/// He listens, whispers or talks in it no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSupervisionEnded {
    /// The call.
    pub call: CallId,
    /// The employee number of the agent.
    pub agent: String,
    /// That of the supervisor.
    pub supervisor: String,
    /// What he did.
    pub how: Supervision,
}
