//! What is set for agents and queues comes to the floor.

use std::collections::{BTreeMap, BTreeSet};

use dialplan::flow::name::QueueName;
use dialplan::number::AgentNumber;
use hooks::id::TenantId;

use super::{Floor, Post, Regarding};
use crate::agent::{Agent, AgentEvent};
use crate::config::{self, TenantConfig};
use crate::desk::Desk;
use crate::queue::{AgentId, Member, QueueId};
use crate::view::View;

impl Desk {
    /// New or changed agents and queues of a tenant.
    pub(crate) fn set_floor(&mut self, tenant: &TenantConfig) {
        self.floor.days.set(&tenant.tenant, &tenant.zone, self.now.unix_ms);
        for queue in tenant.queues.values() {
            self.floor.set_queue(&tenant.tenant, queue);
        }
        for agent in tenant.agents.values() {
            self.floor.set_agent(&tenant.tenant, agent, self.now.unix_ms);
        }
        self.remove_agents(tenant);
        let mut memberships = self.floor.memberships(tenant);
        for id in self.floor.agents_of(&tenant.tenant) {
            let own = memberships.remove(&id).unwrap_or_default();
            self.floor.distribution.set_memberships(self.now.mono, id, &own);
            self.floor.changed.agents.insert(id);
        }
        for queue in self.floor.remove_queues(tenant) {
            self.publish(View::QueueGone(tenant.tenant.clone(), queue.to_string()));
        }
        self.all_phones_changed(tenant);
    }

    fn remove_agents(&mut self, tenant: &TenantConfig) {
        for id in self.floor.agents_of(&tenant.tenant) {
            let Some(post) = self.floor.posts.get_mut(&id) else { continue };
            if tenant.agents.contains_key(&post.number) || post.removed {
                continue;
            }
            post.removed = true;
            // He is told, not asked.
            let _ = self.agent_happens(id, AgentEvent::AccountClosed, &Regarding::default());
        }
    }

    /// He is no agent any more, and has no call.
    pub(super) fn forget_agent(&mut self, id: AgentId) {
        let Some(post) = self.floor.posts.remove(&id) else { return };
        if let Some(due) = post.due {
            self.timers.stop(due, crate::desk::TimerKey::Agent(id));
        }
        self.floor.by_number.remove(&(post.tenant.clone(), post.number.clone()));
        self.floor.distribution.remove_agent(self.now.mono, id);
        self.floor.changed.agents.remove(&id);
        self.publish(View::AgentGone(post.tenant, post.number.to_string()));
    }
}

impl Floor {
    fn set_queue(&mut self, tenant: &TenantId, queue: &config::Queue) {
        let key = (tenant.clone(), queue.name.clone());
        let id = match self.by_name.get(&key) {
            Some(id) => *id,
            None => {
                let id = QueueId(u32::try_from(self.next_id()).unwrap_or(u32::MAX));
                self.by_name.insert(key.clone(), id);
                self.queues.insert(id, key);
                id
            }
        };
        self.distribution.set_queue(id, queue.settings.clone());
        self.changed.queues.insert(id);
    }

    /// The names of those that are gone.
    fn remove_queues(&mut self, tenant: &TenantConfig) -> Vec<QueueName> {
        let gone: Vec<(QueueId, QueueName)> = self
            .queues
            .iter()
            .filter(|(_, (of, name))| *of == tenant.tenant && !tenant.queues.contains_key(name))
            .map(|(id, (_, name))| (*id, name.clone()))
            .collect();
        for (id, name) in &gone {
            self.distribution.remove_queue(*id);
            self.queues.remove(id);
            self.by_name.remove(&(tenant.tenant.clone(), name.clone()));
            self.changed.queues.remove(id);
        }
        gone.into_iter().map(|(_, name)| name).collect()
    }

    fn set_agent(&mut self, tenant: &TenantId, agent: &config::Agent, now_ms: u64) {
        let key = (tenant.clone(), agent.number.clone());
        if let Some(post) = self.by_number.get(&key).and_then(|id| self.posts.get_mut(id)) {
            post.agent.configure(agent.rules);
            post.removed = false;
            return;
        }
        let id = AgentId(u32::try_from(self.next_id()).unwrap_or(u32::MAX));
        let post = Post {
            tenant: tenant.clone(),
            number: agent.number.clone(),
            agent: Agent::new(agent.rules),
            extension: None,
            mobile: None,
            since_ms: now_ms,
            calls: Vec::new(),
            works: None,
            due: None,
            removed: false,
        };
        self.by_number.insert(key, id);
        self.posts.insert(id, post);
    }

    pub(super) fn agents_of(&self, tenant: &TenantId) -> Vec<AgentId> {
        self.posts.iter().filter(|(_, post)| post.tenant == *tenant).map(|(id, _)| *id).collect()
    }

    /// Whose queues are which, as set with the queues.
    fn memberships(&self, tenant: &TenantConfig) -> BTreeMap<AgentId, BTreeMap<QueueId, Member>> {
        let mut all: BTreeMap<AgentId, BTreeMap<QueueId, Member>> = BTreeMap::new();
        let known: BTreeSet<&AgentNumber> = tenant.agents.keys().collect();
        for queue in tenant.queues.values() {
            let Some(id) = self.queue(&tenant.tenant, &queue.name) else { continue };
            for (number, member) in queue.members.iter().filter(|(number, _)| known.contains(number)) {
                if let Some(agent) = self.agent(&tenant.tenant, number) {
                    all.entry(agent).or_default().insert(id, *member);
                }
            }
        }
        all
    }
}
