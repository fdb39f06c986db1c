//! Who the agents on the boards are (MON-20): their names, departments and queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use hooks::id::TenantId;

use super::problem::Problem;
use super::state::Api;
use crate::store::queues::Queue;

/// The agents of a tenant by employee number.
pub(super) type Roster = BTreeMap<String, OnRoster>;

/// An agent as the directory knows him.
#[derive(Clone, Debug, Default)]
pub struct OnRoster {
    /// His name.
    pub(super) name: String,
    /// The name of his department.
    pub(super) department: String,
    /// The queues that he is a member of, by name.
    pub(super) groups: Vec<String>,
}

/// The agents of a tenant as the directory knew them a few seconds ago.
pub(super) async fn roster(api: &Api, tenant: &TenantId) -> Result<Arc<Roster>, Problem> {
    if let Some(roster) = api.boards().rosters.fresh(tenant) {
        return Ok(roster);
    }
    let known = api.store().board_names(tenant).await?;
    let on_roster = |(agent, name, department)| (agent, OnRoster { name, department, groups: Vec::new() });
    let mut roster: Roster = known.into_iter().map(on_roster).collect();
    for queue in api.store().all::<Queue>(tenant).await? {
        for member in &queue.value.rules.members {
            if let Some(agent) = roster.get_mut(&member.agent) {
                agent.groups.push(queue.value.name.to_string());
            }
        }
    }
    let roster = Arc::new(roster);
    api.boards().rosters.keep(tenant, roster.clone());
    Ok(roster)
}
