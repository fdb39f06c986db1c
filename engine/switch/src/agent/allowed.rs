//! Which control works in which phase of a call (section 5 of the requirements), and what a supervisor may do (AGT-16).

use super::kind::{CallStatus, State, Talk};

/// The phase of an agent's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// No call.
    None,
    /// A call is offered.
    Ringing,
    /// He dials.
    Dialling,
    /// He talks.
    Talking,
    /// The other side is held.
    Held,
    /// He consults; the consulted person has not answered yet.
    ConsultRinging,
    /// He consults, and talks with the consulted person.
    Consulting,
    /// Three talk.
    ThreeWay,
}

impl Phase {
    /// What is so in it, for people.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Self::None => "there is no such call of this party",
            Self::Ringing => "the call is still ringing",
            Self::Dialling => "nobody has answered yet, or somebody else decides",
            Self::Talking => "the parties talk, and nobody is held or asked",
            Self::Held => "the other party is on hold; retrieve it first",
            Self::ConsultRinging => "who is to be asked has not answered yet",
            Self::Consulting => "somebody is being asked; complete or cancel that first",
            Self::ThreeWay => "three are talking; end that first",
        }
    }

    /// The phase of a status; a consult counts as answered.
    #[must_use]
    pub fn of(call: CallStatus) -> Self {
        match call {
            CallStatus::None => Self::None,
            CallStatus::Ringing => Self::Ringing,
            CallStatus::Dialling => Self::Dialling,
            CallStatus::Connected(Talk::Talking) => Self::Talking,
            CallStatus::Connected(Talk::Held) => Self::Held,
            CallStatus::Connected(Talk::Consulting) => Self::Consulting,
            CallStatus::Connected(Talk::ThreeWay) => Self::ThreeWay,
        }
    }
}

/// A control of the bar that the server does; the others are the console's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// Dial a number (键盘).
    Dial,
    /// Send a key of the keypad.
    Dtmf,
    /// Sign in by mobile (手机签入).
    MobileSignIn,
    /// Sign out of it (手机签出).
    MobileSignOut,
    /// Hang up (挂断).
    HangUp,
    /// Hold (保持).
    Hold,
    /// Retrieve.
    Retrieve,
    /// Hand the other side on (转接).
    Transfer,
    /// Ask somebody (询问).
    Consult,
    /// Back to the other side (取消询问).
    CancelConsult,
    /// Hand the other side to the consulted (确定询问).
    ConfirmConsult,
    /// Three together (三方).
    ThreeWay,
    /// End that (取消三方).
    CancelThreeWay,
    /// Ask for an evaluation (评价).
    Evaluate,
    /// Park the other side.
    Park,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Dial,
        Self::Dtmf,
        Self::MobileSignIn,
        Self::MobileSignOut,
        Self::HangUp,
        Self::Hold,
        Self::Retrieve,
        Self::Transfer,
        Self::Consult,
        Self::CancelConsult,
        Self::ConfirmConsult,
        Self::ThreeWay,
        Self::CancelThreeWay,
        Self::Evaluate,
        Self::Park,
    ];

    /// What it does, for people.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Dtmf => "send keys",
            Self::MobileSignIn => "sign in by mobile",
            Self::MobileSignOut => "sign out of the mobile",
            Self::HangUp => "hang up",
            Self::Hold => "hold",
            Self::Retrieve => "retrieve",
            Self::Transfer => "transfer",
            Self::Consult => "consult",
            Self::CancelConsult => "cancel a consult",
            Self::ConfirmConsult => "complete a consult",
            Self::ThreeWay => "make it a three-way call",
            Self::CancelThreeWay => "end a three-way call",
            Self::Evaluate => "ask for an evaluation",
            Self::Park => "park the other party",
        }
    }

    /// Whether it works in a phase.
    #[must_use]
    pub fn works_in(self, phase: Phase) -> bool {
        use Phase as P;
        match self {
            Self::Dial | Self::MobileSignIn | Self::MobileSignOut => phase == P::None,
            Self::Dtmf => matches!(phase, P::Talking | P::Consulting | P::ThreeWay),
            Self::HangUp => phase != P::None,
            Self::Hold => phase == P::Talking,
            Self::Retrieve => phase == P::Held,
            Self::Transfer | Self::Consult | Self::Evaluate | Self::Park => matches!(phase, P::Talking | P::Held),
            Self::CancelConsult => matches!(phase, P::ConsultRinging | P::Consulting),
            Self::ConfirmConsult => phase == P::Consulting,
            Self::ThreeWay => matches!(phase, P::Talking | P::Consulting),
            Self::CancelThreeWay => phase == P::ThreeWay,
        }
    }
}

/// A state that a supervisor forces on an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Force {
    /// Force busy (强置忙).
    Busy,
    /// Force idle (强置闲).
    Ready,
    /// Force sign-out (强签出).
    SignOut,
}

/// Whether a supervisor may force it (AGT-16, rows 23 to 25 of AGT-17).
#[must_use]
pub fn supervisor_may(force: Force, state: State, call: CallStatus) -> bool {
    if call != CallStatus::None {
        return false;
    }
    match (state, force) {
        (State::Ready, Force::Busy | Force::SignOut)
        | (State::NotReady, Force::Ready | Force::SignOut)
        | (State::WrapUp | State::OnBreak, Force::Busy | Force::Ready | Force::SignOut) => true,
        (State::Ready, Force::Ready) | (State::NotReady, Force::Busy) | (State::Offline, _) => false,
    }
}
