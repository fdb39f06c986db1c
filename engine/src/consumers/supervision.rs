//! What supervisors do to calls and agents, as entries of the audit log (MON-29, LOG-08).

use hooks::fact::{AgentStateChanged, CallSupervised, ChangeReason, Event};
use hooks::plugin::Recorded;
use serde_json::json;

use crate::store::audit::Entry;
use crate::store::setting::Action;

/// The entry that a fact comes to, if it is one of these. Its ID is made of the fact's place in the log, so a fact that is read again comes to
/// the same entry.
pub(super) fn entry(recorded: &Recorded) -> Option<Entry> {
    let fact = &recorded.fact;
    let id = ulid::Ulid::from_parts(fact.at_ms, u128::from(recorded.position.number)).to_string();
    match &fact.event {
        Event::CallSupervised(supervised) => Some(of_call(id, fact.at_ms, supervised)),
        Event::AgentStateChanged(changed) if changed.reason == ChangeReason::Forced => {
            Some(of_agent(id, fact.at_ms, changed))
        }
        _ => None,
    }
}

fn of_call(id: String, at_ms: u64, supervised: &CallSupervised) -> Entry {
    Entry {
        id,
        at_ms,
        by: supervised.by.clone(),
        resource: "call".to_owned(),
        resource_id: supervised.call.to_string(),
        action: Action::Supervised,
        before: None,
        after: Some(json!({"how": supervised.how, "agent": supervised.agent, "supervisor": supervised.supervisor})),
    }
}

fn of_agent(id: String, at_ms: u64, changed: &AgentStateChanged) -> Entry {
    Entry {
        id,
        at_ms,
        by: changed.by.clone().unwrap_or_default(),
        resource: "agent_state".to_owned(),
        resource_id: changed.agent.clone(),
        action: Action::Forced,
        before: Some(json!({"state": changed.from})),
        after: Some(json!({"state": changed.to})),
    }
}
