//! What happens to an agent, and what comes of it.

use std::time::Duration;

use super::kind::{CallStatus, Missed, Reason, State, Talk, Way};
use super::{Force, Sign};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// He logged in with a valid extension (PHONE-05); whether its phone is there is told by [`AgentEvent::PhoneRegistered`].
    Login(Way),
    /// He logged out, or his session ended.
    Logout,
    /// He picks a state at the top right.
    Pick(State),
    /// A call is offered to him.
    Offered,
    /// He answers the offer.
    Answered,
    /// The offer ended in another way.
    Missed(Missed),
    /// He dials.
    Dial,
    /// Whom he dialled answers.
    DialAnswered,
    /// Whom he dialled does not.
    DialEnded,
    /// What he does in his call.
    Talk(Talk),
    /// His part of an answered call ended.
    CallEnded {
        /// How long wrap-up may last; `None` = as long as he likes.
        wrap_up_max: Option<Duration>,
    },
    /// A supervisor changes his state.
    Force(Force),
    /// The phone on his extension registered.
    PhoneRegistered,
    /// It is gone, or the connection to it.
    PhoneLost,
    /// He signs in by mobile.
    MobileSignIn,
    /// He signs out of it.
    MobileSignOut,
    /// He begins to listen to another's call, or to talk in it, as a supervisor.
    Supervises,
    /// He does so no more.
    SupervisedEnough,
    /// He left the enterprise.
    AccountClosed,
    /// What [`super::Agent::poll_timeout`] said has come.
    Elapsed,
}

/// How an agent stands after something happened. Written down as it is (LOG-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: State,
    /// After; often the same.
    pub to: State,
    /// The status of his call.
    pub call: CallStatus,
    /// How he is signed in.
    pub sign: Sign,
    /// Why.
    pub reason: Reason,
}

/// Why something may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// He is not signed in.
    #[error("sign in first")]
    SignedOut,
    /// He is offline: from there only online can be picked (AGT-10).
    #[error("you are offline; go online first")]
    Offline,
    /// He has a break (AGT-02).
    #[error("you are on a break; go online or busy first")]
    OnBreak,
    /// He has a call.
    #[error("a call is running; end it first")]
    OnCall,
    /// A call rings.
    #[error("a call is ringing; answer or reject it first")]
    Ringing,
    /// There is no such call.
    #[error("there is no call")]
    NoCall,
    /// His phone is not there (PHONE-06).
    #[error("the phone is not registered; check the phone on the extension")]
    PhoneNotRegistered,
    /// He can't be offered a call now (AGT-12).
    #[error("agent not available")]
    NotAvailable,
    /// Not in this state (AGT-16).
    #[error("not possible while the agent is in this state")]
    NotInThisState,
    /// Nothing would change.
    #[error("already so")]
    Already,
    /// His account is closed.
    #[error("the account is closed")]
    Closed,
}
