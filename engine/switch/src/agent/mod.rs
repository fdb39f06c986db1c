//! An agent (坐席): the state that he is in and the status of his call beside it (AGT-11, AGT-17).
//!
//! It decides what becomes of a state; it rings nobody, dials nothing and knows no phone but by what it is told of one.

mod allowed;
mod change;
mod kind;
mod table;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use allowed::{Control, Force, Phase, supervisor_may};
pub use change::{AgentEvent, Change, Refused};
pub use kind::{AfterCall, CallStatus, Console, Missed, Reason, Sign, State, Talk, Way};

/// What is set for an agent (座席设置).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentRules {
    /// What follows an answered call. A change takes effect at the next sign-in of the phone (AGT-07).
    pub after_call: AfterCall,
    /// So many missed offers in a row make the agent not ready; 0 = never (AGT-13).
    pub missed_limit: u8,
}

impl Default for AgentRules {
    fn default() -> Self {
        Self { after_call: AfterCall::WrapUp, missed_limit: MISSED_LIMIT }
    }
}

/// An agent at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    rules: AgentRules,
    /// What is in effect until the next sign-in.
    after_call: AfterCall,
    sign: Sign,
    stay: Stay,
    call: CallStatus,
    phone: Phone,
    /// The state that he chose during a call (AGT-10).
    kept: Option<State>,
    /// He has left the enterprise; his running call may finish.
    closed: bool,
    missed_in_a_row: u8,
    /// He listens to another agent's call, or talks in it, as a supervisor (MON-29).
    supervises: bool,
}

/// A state, with what only that state knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Ready,
    NotReady,
    OnBreak,
    WrapUp { until: Option<Duration>, then: AfterWrapUp },
    Offline,
}

/// What follows wrap-up when its time is over (AGT-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterWrapUp {
    Ready,
    NotReady,
}

/// The phone or browser on the agent's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phone {
    Registered,
    /// Lost; it counts as gone from then on (PHONE-17).
    Losing {
        until: Duration,
    },
    Gone,
    /// Gone, and its agent is ready as soon as it registers: he logged in with a web phone.
    Awaited,
}

impl Agent {
    /// One who is not signed in.
    #[must_use]
    pub fn new(rules: AgentRules) -> Self {
        Self {
            rules,
            after_call: rules.after_call,
            sign: Sign::Out,
            stay: Stay::Offline,
            call: CallStatus::None,
            phone: Phone::Gone,
            kept: None,
            closed: false,
            missed_in_a_row: 0,
            supervises: false,
        }
    }

    /// One as the log remembers him after a restart, without a call. His phone has [`RESTART_GRACE`] to come back (AGT-15).
    #[must_use]
    pub fn restored(rules: AgentRules, sign: Sign, state: State, now: Duration) -> Self {
        let stay = match state {
            State::Ready => Stay::Ready,
            State::NotReady => Stay::NotReady,
            State::OnBreak => Stay::OnBreak,
            State::WrapUp => Stay::WrapUp { until: None, then: AfterWrapUp::Ready },
            State::Offline => Stay::Offline,
        };
        Self { sign, stay, phone: Phone::Losing { until: now + RESTART_GRACE }, ..Self::new(rules) }
    }

    /// With the call that he had before the restart; its end is to follow.
    #[must_use]
    pub fn on_call(self, call: CallStatus) -> Self {
        Self { call, ..self }
    }

    /// New settings. What follows a call changes at the next sign-in (AGT-07).
    pub fn configure(&mut self, rules: AgentRules) {
        self.rules = rules;
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> State {
        match self.stay {
            Stay::Ready => State::Ready,
            Stay::NotReady => State::NotReady,
            Stay::OnBreak => State::OnBreak,
            Stay::WrapUp { .. } => State::WrapUp,
            Stay::Offline => State::Offline,
        }
    }

    /// The status of his call.
    #[must_use]
    pub fn call(&self) -> CallStatus {
        self.call
    }

    /// How he is signed in.
    #[must_use]
    pub fn sign(&self) -> Sign {
        self.sign
    }

    /// The state that he chose during his call, if he did.
    #[must_use]
    pub fn kept(&self) -> Option<State> {
        self.kept
    }

    /// Whether he listens to another's call as a supervisor.
    #[must_use]
    pub fn supervises(&self) -> bool {
        self.supervises
    }

    /// Calls may be offered to him: ready, without a call, and somewhere to ring (AGT-05, AGT-12, QUEUE-03).
    #[must_use]
    pub fn is_offerable(&self) -> bool {
        let reachable = match self.sign {
            Sign::Out => false,
            Sign::Phone(_) => self.phone == Phone::Registered,
            Sign::Mobile(_) => true,
        };
        self.stay == Stay::Ready && self.call == CallStatus::None && reachable && !self.closed && !self.supervises
    }

    /// When [`AgentEvent::Elapsed`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let wrap_up = match self.stay {
            Stay::WrapUp { until, .. } => until.filter(|_| self.call == CallStatus::None),
            Stay::Ready | Stay::NotReady | Stay::OnBreak | Stay::Offline => None,
        };
        let lost = match self.phone {
            Phone::Losing { until } => Some(until),
            Phone::Registered | Phone::Gone | Phone::Awaited => None,
        };
        wrap_up.into_iter().chain(lost).min()
    }
}

/// Missed offers in a row that make an agent not ready, where nothing else is set (AGT-13).
pub const MISSED_LIMIT: u8 = 3;
/// How long a phone may be lost before its agent is offline (PHONE-17).
pub const LOST_GRACE: Duration = Duration::from_secs(30);
/// How long a phone may take to come back after the engine was started again (AGT-15).
pub const RESTART_GRACE: Duration = Duration::from_secs(60);
/// How long wrap-up lasts without a limit where no console is open to end it (PHONE-14).
pub const WRAP_UP_ALONE: Duration = Duration::from_secs(30);
