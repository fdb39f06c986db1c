//! Who supervises: he is in the call of an agent who talks, for as long as that one does; it is no call of his own, and changes nobody's
//! state (MON-24 to MON-30).

use std::collections::BTreeMap;

use hooks::fact::{AgentStateChanged, CallStatus, CallSupervised, CallSupervisionEnded, ChangeReason, Supervision};
use hooks::id::{CallId, LegId};

use super::agents::Agents;

/// What a supervisor does.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) call: CallId,
    pub(super) agent: String,
    pub(super) how: Supervision,
    pub(super) leg: LegId,
}

/// All of them, by employee number.
#[derive(Debug, Default)]
pub(super) struct Supervisors {
    on: BTreeMap<String, Session>,
    pub(super) count: usize,
}

impl Supervisors {
    /// One begins, takes over or hangs up.
    pub(super) fn begins(&mut self, e: &CallSupervised, agents: &Agents) -> Result<(), String> {
        self.count += 1;
        if !agents.get(&e.agent)?.is_connected() {
            return Err(format!("{e:?}, and that agent does not talk"));
        }
        if e.how == Supervision::HangUp {
            return Ok(());
        }
        let (Some(supervisor), Some(leg)) = (&e.supervisor, e.leg) else {
            return Err(format!("{e:?}: by nobody's phone"));
        };
        if *supervisor == e.agent || agents.get(supervisor)?.call != CallStatus::None {
            return Err(format!("{e:?}: he has a call himself"));
        }
        if let Some(other) = self.on.get(supervisor) {
            return Err(format!("{e:?}, and he is in another one: {other:?}"));
        }
        let talks = |how: Supervision| matches!(how, Supervision::Whisper | Supervision::Barge);
        if talks(e.how) && self.on.values().any(|other| other.call == e.call && talks(other.how)) {
            return Err(format!("{e:?}, and another one is heard there"));
        }
        if e.how != Supervision::Takeover {
            let session = Session { call: e.call, agent: e.agent.clone(), how: e.how, leg };
            self.on.insert(supervisor.clone(), session);
        }
        Ok(())
    }

    /// One leaves.
    pub(super) fn ends(&mut self, e: &CallSupervisionEnded) -> Result<(), String> {
        match self.on.remove(&e.supervisor) {
            Some(session) if session.call == e.call && session.agent == e.agent && session.how == e.how => Ok(()),
            session => Err(format!("{e:?}, and what he did is {session:?}")),
        }
    }

    /// He is offered nothing meanwhile, dials nothing, and has no call by it.
    pub(super) fn changed(&self, e: &AgentStateChanged) -> Result<(), String> {
        let Some(session) = self.on.get(&e.agent) else { return Ok(()) };
        match e.reason {
            ChangeReason::Ring
            | ChangeReason::Answer
            | ChangeReason::RingEnd
            | ChangeReason::MissedCalls
            | ChangeReason::Dial
            | ChangeReason::DialEnd
            | ChangeReason::CallEnd => Err(format!("{e:?} of who supervises: {session:?}")),
            ChangeReason::Login
            | ChangeReason::Manual
            | ChangeReason::WrapUpTimeout
            | ChangeReason::Forced
            | ChangeReason::ConnectionLost
            | ChangeReason::Logout
            | ChangeReason::MobileSignIn
            | ChangeReason::MobileSignOut
            | ChangeReason::AccountClosed => Ok(()),
        }
    }

    pub(super) fn is_on(&self, agent: &str) -> bool {
        self.on.contains_key(agent)
    }

    /// Nobody is listened to who does not talk.
    pub(super) fn check(&self, agents: &Agents) -> Result<(), String> {
        for session in self.on.values() {
            if !agents.get(&session.agent)?.is_connected() {
                return Err(format!("{session:?}, and he does not talk any more"));
            }
        }
        Ok(())
    }

    /// The call is over, and whoever was in it has left.
    pub(super) fn call_ended(&mut self, call: CallId, interrupted: bool) -> Result<(), String> {
        let left = self.on.iter().find(|(_, session)| session.call == call);
        if let Some((supervisor, session)) = left.filter(|_| !interrupted) {
            return Err(format!("{call} is over, and {supervisor} is in it: {session:?}"));
        }
        self.on.retain(|_, session| session.call != call);
        Ok(())
    }

    /// The process was killed: their legs are lost.
    pub(super) fn crashed(&mut self) {
        self.on.clear();
    }

    /// Those who are alone in supervising their call.
    pub(super) fn alone(&self) -> impl Iterator<Item = &Session> {
        self.on.values().filter(|one| self.on.values().filter(|other| other.call == one.call).count() == 1)
    }
}
