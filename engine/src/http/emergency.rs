//! Emergency calls that are under way: supervisors are told of them wherever they look (GEN-18).

use hooks::fact::PeerKind;
use hooks::id::TenantId;
use serde::Serialize;
use switch::view::CallView;
use utoipa::ToSchema;

use super::sight::AGENTS_MAX;
use super::time_text::Instant;
use crate::live::Live;

/// An emergency call that is under way.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmergencyCall {
    /// The call.
    pub call: String,
    /// The number dialled.
    #[schema(example = "110")]
    pub number: String,
    /// The extension that calls.
    pub extension: Option<String>,
    /// The employee number of the agent who calls.
    pub agent: Option<String>,
    /// Since when.
    pub since: Instant,
}

/// The emergency calls of a tenant, the oldest first. Whoever is told of them is told of all: where help is needed no data scope counts.
pub(super) fn emergencies(live: &Live, tenant: &TenantId) -> Vec<EmergencyCall> {
    let calls = live.calls_among(tenant, None, SHOWN_MAX, |view| view.emergency);
    if calls.is_empty() {
        return Vec::new();
    }
    let agents = live.agents(tenant, AGENTS_MAX);
    let shown = |view: &CallView| {
        let phone = view.legs.iter().find(|leg| leg.peer == PeerKind::Extension);
        let agent = agents.iter().find(|agent| agent.calls.contains(&view.call));
        EmergencyCall {
            call: view.call.to_string(),
            number: view.callee.clone(),
            extension: phone.map(|leg| leg.peer_name.clone()),
            agent: agent.map(|agent| agent.agent.clone()),
            since: Instant(view.created_ms),
        }
    };
    calls.iter().map(|view| shown(view)).collect()
}

/// Told at a time; more help is not called at once by one enterprise.
const SHOWN_MAX: usize = 20;
