//! Transfers, however they are asked for.

use serde::{Deserialize, Serialize};

use super::EndCause;
use crate::id::{CallId, LegId};

/// How a party is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// To a number, which is called then (CALL-14).
    Blind,
    /// To the party of a call that was made before (REFER with Replaces, RFC 5589 §7).
    Attended,
    /// A phone took the call over (INVITE with Replaces, RFC 3891).
    Pickup,
}

/// See [`super::Event::TransferStarted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStarted {
    /// The call.
    pub call: CallId,
    /// Who hands the other party on.
    pub leg: LegId,
    /// How.
    pub kind: TransferKind,
    /// The number it is handed on to.
    pub target: String,
    /// The call that the new party comes from, where it was called before.
    pub joined: Option<CallId>,
}

/// See [`super::Event::Transferred`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// The call.
    pub call: CallId,
    /// Who handed the other party on.
    pub leg: LegId,
    /// The new party.
    pub to: LegId,
    /// How.
    pub kind: TransferKind,
}

/// See [`super::Event::TransferFailed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFailed {
    /// The call.
    pub call: CallId,
    /// Who handed the other party on.
    pub leg: LegId,
    /// Why.
    pub cause: EndCause,
    /// What the new party answered; 0 when nothing.
    pub sip_status: u16,
}
