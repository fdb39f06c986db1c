//! Agents and queues as the switch wants them.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialplan::flow::name::QueueName;
use dialplan::number::{AgentNumber, ExtensionNumber};
use hooks::id::TenantId;
use switch::config;

use crate::store::agents::Agent;
use crate::store::queues::Queue;
use crate::store::{Store, StoreError};

/// A tenant's agents and queues.
pub(super) struct Acd {
    pub(super) agents: BTreeMap<AgentNumber, config::Agent>,
    pub(super) queues: BTreeMap<QueueName, Arc<config::Queue>>,
    /// The queues that phones can call.
    pub(super) numbers: BTreeMap<ExtensionNumber, QueueName>,
}

/// Who has left the enterprise is no agent any more.
pub(super) async fn read(store: &Store, tenant: &TenantId) -> Result<Acd, StoreError> {
    let mut names = store.agent_names(tenant).await?;
    let agents: Vec<Agent> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let queues: Vec<Queue> = store.all(tenant).await?.into_iter().map(|stored| stored.value).collect();
    let mut acd = Acd { agents: BTreeMap::new(), queues: BTreeMap::new(), numbers: BTreeMap::new() };
    for agent in agents {
        let Some(name) = names.remove(agent.employee_no.as_str()) else { continue };
        let rules = agent.rules();
        let number = agent.employee_no;
        let built =
            config::Agent { number: number.clone(), name, extension: agent.extension, mobile: agent.mobile, rules };
        acd.agents.insert(number, built);
    }
    for queue in queues {
        if let Some(number) = &queue.number {
            acd.numbers.insert(number.clone(), queue.name.clone());
        }
        acd.queues.insert(queue.name.clone(), Arc::new(queue.for_switch()));
    }
    Ok(acd)
}
