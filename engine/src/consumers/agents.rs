//! From facts to the agent state log (LOG-01). Pure.

use std::collections::BTreeMap;

use hooks::fact::{AgentStateChanged, ChangeReason, Event};
use hooks::plugin::Recorded;

use crate::store::agent_states::AgentStay;

/// The stays that last, and what changed since it was last saved.
#[derive(Debug, Default)]
pub struct AgentFold {
    open: BTreeMap<String, AgentStay>,
    changed: BTreeMap<u64, AgentStay>,
}

impl AgentFold {
    /// One that goes on with what the store has.
    #[must_use]
    pub fn of(open: Vec<AgentStay>) -> Self {
        Self { open: open.into_iter().map(|stay| (stay.agent.clone(), stay)).collect(), changed: BTreeMap::new() }
    }

    /// Takes a fact in. Each stay of an agent ends when the next one begins, so that they add up.
    pub fn apply(&mut self, recorded: &Recorded) {
        let Event::AgentStateChanged(event) = &recorded.fact.event else { return };
        if !is_new_stay(event) {
            return;
        }
        let at_ms = recorded.fact.at_ms;
        if let Some(mut before) = self.open.remove(&event.agent) {
            before.ended_at_ms = Some(at_ms);
            self.changed.insert(before.number, before);
        }
        let stay = AgentStay {
            number: recorded.position.number,
            agent: event.agent.clone(),
            state: event.to,
            began_at_ms: at_ms,
            ended_at_ms: None,
            reason: event.reason,
            done_by: event.by.clone(),
            extension: event.extension.clone(),
            mobile: event.mobile.clone(),
        };
        self.changed.insert(stay.number, stay.clone());
        self.open.insert(event.agent.clone(), stay);
    }

    /// What has changed since [`AgentFold::saved`].
    #[must_use]
    pub fn derived(&self) -> Vec<AgentStay> {
        self.changed.values().cloned().collect()
    }

    /// It is stored.
    pub fn saved(&mut self) {
        self.changed.clear();
    }
}

/// A call changes the status beside the state, which begins no stay; signing in and out does, also where the state stays as it is.
fn is_new_stay(event: &AgentStateChanged) -> bool {
    match event.reason {
        ChangeReason::Login
        | ChangeReason::Logout
        | ChangeReason::MobileSignIn
        | ChangeReason::MobileSignOut
        | ChangeReason::AccountClosed => true,
        ChangeReason::Manual
        | ChangeReason::Ring
        | ChangeReason::Answer
        | ChangeReason::RingEnd
        | ChangeReason::MissedCalls
        | ChangeReason::Dial
        | ChangeReason::DialEnd
        | ChangeReason::CallEnd
        | ChangeReason::WrapUpTimeout
        | ChangeReason::Forced
        | ChangeReason::ConnectionLost => event.from != event.to,
    }
}
