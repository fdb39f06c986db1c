//! Facts of a third person in a call: asked, or talking with both.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, LegId};

/// A party asks somebody else; the other one hears music meanwhile (CALL-17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultStarted {
    /// The call.
    pub call: CallId,
    /// Who asks.
    pub leg: LegId,
    /// The number dialled.
    pub target: String,
}

/// How a consult ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsultOutcome {
    /// Who asked left; the other party goes on with who was asked (CALL-19).
    Completed,
    /// Who asked went back to the other party (CALL-18).
    Cancelled,
    /// Who was asked joined the two (CALL-21).
    Joined,
    /// Nobody answered in time.
    NoAnswer,
    /// It was busy, or rejected.
    Busy,
    /// It could not be rung.
    Failed,
    /// Who was asked hung up.
    HungUp,
    /// The other party hung up; the two that consult go on (CALL-20).
    PartyLeft,
    /// The whole call ended.
    CallEnded,
}

/// A consult ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultEnded {
    /// The call.
    pub call: CallId,
    /// Who asked.
    pub leg: LegId,
    /// How.
    pub outcome: ConsultOutcome,
}

/// Three talk (CALL-21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreeWayStarted {
    /// The call.
    pub call: CallId,
    /// The third person.
    pub leg: LegId,
}

/// They do so no more (CALL-22, CALL-23).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreeWayEnded {
    /// The call.
    pub call: CallId,
    /// The third person.
    pub leg: LegId,
}
