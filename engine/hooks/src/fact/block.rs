//! What is told of numbers that are blocked.

use serde::{Deserialize, Serialize};

use crate::id::CallId;

/// Whose number is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockedSide {
    /// Who calls from outside.
    Caller,
    /// Who is called outside.
    Callee,
}

/// What a blocked call gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockTreatment {
    /// Busy (486).
    Busy,
    /// A prompt, then the end.
    Prompt,
    /// Refused at once (603).
    HangUp,
}

/// See [`super::Event::CallBlocked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBlocked {
    /// The call.
    pub call: CallId,
    /// Whose number.
    pub side: BlockedSide,
    /// The number, as it came or was dialled.
    pub number: String,
    /// What its caller gets.
    pub treatment: BlockTreatment,
}
