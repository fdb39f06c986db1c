//! What may happen next in a small world.

use crate::net::To;

/// One event. Calls are named by their phone and by how many that phone had before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// A person does something about a call of a phone.
    Do(usize, usize, Act),
    /// The next message on this way arrives.
    Arrive(To),
    /// It is lost.
    Lose(To),
    /// It arrives, and will arrive once more.
    Repeat(To),
    /// The one behind it overtakes it.
    Overtake(To),
    /// Nothing happens until the next timer.
    Wait,
}

impl Act {
    /// Only so much of it is done on one way through a world, by whomever.
    pub(super) fn is_shared(self) -> bool {
        match self {
            Self::Hold | Self::Refer | Self::Consult => true,
            Self::Answer | Self::Reject | Self::GiveUp | Self::HangUp | Self::Retrieve | Self::HandOver => false,
        }
    }
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Takes the call.
    Answer,
    /// Declines it.
    Reject,
    /// Hangs up before the answer.
    GiveUp,
    /// Hangs up.
    HangUp,
    /// Holds.
    Hold,
    /// Takes back whom it held.
    Retrieve,
    /// Hands the other party on to the third.
    Refer,
    /// Calls the third to ask.
    Consult,
    /// Connects the two others, from the call that was made to ask.
    HandOver,
}
