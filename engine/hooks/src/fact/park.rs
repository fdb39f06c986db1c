//! Facts of parties who are parked.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, LegId};

/// See [`super::Event::CallParked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallParked {
    /// The call.
    pub call: CallId,
    /// The place, by the number that a phone dials to take him.
    pub slot: String,
    /// Who waits there.
    pub leg: LegId,
    /// Who parked him, and is out of the call.
    pub by: LegId,
}

/// How somebody left his place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkEnd {
    /// A phone took him.
    Retrieved,
    /// Who had parked him was rung when the time was over, and took him back.
    Returned,
    /// Nobody took him in time: he went on as after a transfer that failed.
    TimedOut,
    /// He hung up, or the call ended for another reason.
    Left,
}

/// See [`super::Event::CallUnparked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallUnparked {
    /// The call.
    pub call: CallId,
    /// The place.
    pub slot: String,
    /// How he left it.
    pub outcome: ParkEnd,
    /// Who took him, if somebody did.
    pub to: Option<LegId>,
    /// How long he was there.
    pub waited_ms: u64,
}
