//! What the API reads of the switch: one published snapshot per entity, replaced as a whole, and the way commands take.
//!
//! The writer's thread calls [`Live::apply`] for each view before it answers the command that caused it (decision 2); readers
//! take a few snapshots by key and never the whole world.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::future::BoxFuture;
use hooks::fact::SettingsChanged;
use hooks::id::{CallId, TenantId};
use switch::config::TenantConfig;
use switch::input::Command;
use switch::output::{Done, Refused};
use switch::view::{AgentView, BanView, CallView, ConferenceView, QueueView, RegistrationView, TrunkView, View};

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The switch looked at it and says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The switch did not take it: its queue is full. Nothing was done.
    #[error("the switch is busy; try again in a moment")]
    Busy,
    /// The process is stopping. Nothing was done.
    #[error("the switch is stopping")]
    Stopping,
}

/// The way to the writer. The shell implements it over the writer's queue, tests with a fake.
pub trait SwitchHandle: Send + Sync + 'static {
    /// Asks for something. Resolves after the views that the command changed are published.
    fn command(&self, tenant: TenantId, command: Command) -> BoxFuture<'_, Result<Done, CommandError>>;

    /// Hands over a tenant's new settings and the facts to write down about them. Resolves when the writer has taken them: what
    /// comes after sees them. Waits where the writer is busy.
    fn settings(
        &self,
        settings: Arc<TenantConfig>,
        changed: Vec<SettingsChanged>,
    ) -> BoxFuture<'_, Result<(), CommandError>>;
}

/// A registration's place among the others of its tenant: extension, then Contact.
pub type RegistrationKey = (String, String);

/// The snapshots, by tenant and key, in order.
#[derive(Debug, Default)]
pub struct Live {
    calls: Table<(TenantId, CallId), CallView>,
    registrations: Table<(TenantId, RegistrationKey), RegistrationView>,
    conferences: Table<(TenantId, String), ConferenceView>,
    bans: Table<IpAddr, BanView>,
    trunks: Table<(TenantId, String), TrunkView>,
    agents: Table<(TenantId, String), AgentView>,
    queues: Table<(TenantId, String), QueueView>,
}

impl Live {
    /// Nothing published yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over one view. Called by the writer's thread only; microseconds.
    pub fn apply(&self, view: View) {
        match view {
            View::Call(call) => self.calls.put((call.tenant.clone(), call.call), call),
            View::CallGone(tenant, call) => self.calls.remove(&(tenant, call)),
            View::Conference(conference) => {
                self.conferences.put((conference.tenant.clone(), conference.room.clone()), *conference);
            }
            View::ConferenceGone(tenant, room) => self.conferences.remove(&(tenant, room)),
            View::Registration(binding) => {
                let key = (binding.extension.clone(), binding.contact.clone());
                self.registrations.put((binding.tenant.clone(), key), binding);
            }
            View::RegistrationGone(tenant, extension, contact) => {
                self.registrations.remove(&(tenant, (extension, contact)));
            }
            View::Ban(ban) => self.bans.put(ban.source, ban),
            View::BanGone(source) => self.bans.remove(&source),
            View::Trunk(trunk) => self.trunks.put((trunk.tenant.clone(), trunk.trunk.clone()), *trunk),
            View::TrunkGone(tenant, trunk) => self.trunks.remove(&(tenant, trunk)),
            View::Agent(agent) => self.agents.put((agent.tenant.clone(), agent.agent.clone()), *agent),
            View::AgentGone(tenant, agent) => self.agents.remove(&(tenant, agent)),
            View::Queue(queue) => self.queues.put((queue.tenant.clone(), queue.queue.clone()), *queue),
            View::QueueGone(tenant, queue) => self.queues.remove(&(tenant, queue)),
        }
    }

    /// A live call of the tenant.
    #[must_use]
    pub fn call(&self, tenant: &TenantId, call: CallId) -> Option<Arc<CallView>> {
        self.calls.get(&(tenant.clone(), call))
    }

    /// Up to `limit` live calls of the tenant after `after`, the oldest first.
    #[must_use]
    pub fn calls(&self, tenant: &TenantId, after: Option<CallId>, limit: usize) -> Vec<Arc<CallView>> {
        let from = (tenant.clone(), after.unwrap_or_else(|| CallId::new(0, 0)));
        let from = if after.is_some() { Bound::Excluded(from) } else { Bound::Included(from) };
        self.calls.range(from, limit, |(owner, _)| owner == tenant)
    }

    /// Up to `limit` live calls of the tenant after `after` that `wanted` takes, the oldest first.
    #[must_use]
    pub fn calls_among(
        &self,
        tenant: &TenantId,
        after: Option<CallId>,
        limit: usize,
        wanted: impl Fn(&CallView) -> bool,
    ) -> Vec<Arc<CallView>> {
        let mut calls = self.calls(tenant, after, usize::MAX);
        calls.retain(|view| wanted(view));
        calls.truncate(limit);
        calls
    }

    /// The conference that runs in a room of the tenant.
    #[must_use]
    pub fn conference(&self, tenant: &TenantId, room: &str) -> Option<Arc<ConferenceView>> {
        self.conferences.get(&(tenant.clone(), room.to_owned()))
    }

    /// Up to `limit` conferences of the tenant after the room `after`, by room.
    #[must_use]
    pub fn conferences(&self, tenant: &TenantId, after: Option<String>, limit: usize) -> Vec<Arc<ConferenceView>> {
        let from = Bound::Excluded((tenant.clone(), after.unwrap_or_default()));
        self.conferences.range(from, limit, |(owner, _)| owner == tenant)
    }

    /// Up to `limit` registrations of the tenant after `after`, by extension.
    #[must_use]
    pub fn registrations(
        &self,
        tenant: &TenantId,
        after: Option<RegistrationKey>,
        limit: usize,
    ) -> Vec<Arc<RegistrationView>> {
        let from = Bound::Excluded((tenant.clone(), after.unwrap_or_default()));
        self.registrations.range(from, limit, |(owner, _)| owner == tenant)
    }

    /// Up to `limit` bans after `after`, by address. A ban holds for the whole process.
    #[must_use]
    pub fn bans(&self, after: Option<IpAddr>, limit: usize) -> Vec<Arc<BanView>> {
        self.bans.range(after.map_or(Bound::Unbounded, Bound::Excluded), limit, |_| true)
    }

    /// A trunk of the tenant as it stands.
    #[must_use]
    pub fn trunk(&self, tenant: &TenantId, trunk: &str) -> Option<Arc<TrunkView>> {
        self.trunks.get(&(tenant.clone(), trunk.to_owned()))
    }

    /// An agent of the tenant as he stands.
    #[must_use]
    pub fn agent(&self, tenant: &TenantId, agent: &str) -> Option<Arc<AgentView>> {
        self.agents.get(&(tenant.clone(), agent.to_owned()))
    }

    /// A queue of the tenant as it stands.
    #[must_use]
    pub fn queue(&self, tenant: &TenantId, queue: &str) -> Option<Arc<QueueView>> {
        self.queues.get(&(tenant.clone(), queue.to_owned()))
    }

    /// Up to `limit` agents of the tenant, by employee number.
    #[must_use]
    pub fn agents(&self, tenant: &TenantId, limit: usize) -> Vec<Arc<AgentView>> {
        let from = Bound::Included((tenant.clone(), String::new()));
        self.agents.range(from, limit, |(owner, _)| owner == tenant)
    }

    /// Up to `limit` queues of the tenant, by name.
    #[must_use]
    pub fn queues(&self, tenant: &TenantId, limit: usize) -> Vec<Arc<QueueView>> {
        let from = Bound::Included((tenant.clone(), String::new()));
        self.queues.range(from, limit, |(owner, _)| owner == tenant)
    }

    /// How many live calls, registrations and bans there are in the whole process.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { calls: self.calls.len(), registrations: self.registrations.len(), bans: self.bans.len() }
    }
}

/// See [`Live::counts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Live calls.
    pub calls: usize,
    /// Registered phones.
    pub registrations: usize,
    /// Banned sources.
    pub bans: usize,
}

/// One kind of entity. There is one writer, so the lock is held for one insertion or one page of a list at most.
#[derive(Debug)]
struct Table<K, V>(RwLock<BTreeMap<K, Arc<V>>>);

impl<K: Ord + Clone, V> Table<K, V> {
    fn put(&self, key: K, value: V) {
        self.write().insert(key, Arc::new(value));
    }

    fn remove(&self, key: &K) {
        self.write().remove(key);
    }

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.read().get(key).cloned()
    }

    fn len(&self) -> usize {
        self.read().len()
    }

    fn range(&self, from: Bound<K>, limit: usize, mine: impl Fn(&K) -> bool) -> Vec<Arc<V>> {
        let table = self.read();
        let rows = table.range((from, Bound::Unbounded));
        rows.take_while(|(key, _)| mine(key)).take(limit).map(|(_, value)| value.clone()).collect()
    }

    // A map is whole between its operations, so a panic elsewhere does not spoil it.
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<K, Arc<V>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<K, Arc<V>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hooks::fact::Direction;
    use switch::view::CallPhase;

    fn call(tenant: &TenantId, n: u128) -> CallView {
        CallView {
            tenant: tenant.clone(),
            call: CallId::new(1, n),
            direction: Direction::Internal,
            phase: CallPhase::Ringing,
            caller: "1001".into(),
            caller_name: String::new(),
            callee: "1002".into(),
            emergency: false,
            created_ms: 1,
            answered_ms: None,
            recording: false,
            recording_paused: false,
            survey: false,
            parked: None,
            legs: Vec::new(),
            offers: Vec::new(),
            supervisors: Vec::new(),
        }
    }

    #[test]
    fn a_list_goes_on_after_its_cursor_and_stays_in_its_tenant() {
        let live = Live::new();
        let (ours, theirs): (TenantId, TenantId) = ("b".parse().unwrap(), "c".parse().unwrap());
        for n in 1..=5 {
            live.apply(View::Call(call(&ours, n)));
            live.apply(View::Call(call(&theirs, 100 + n)));
        }
        let first = live.calls(&ours, None, 3);
        assert_eq!(first.iter().map(|c| c.call).collect::<Vec<_>>(), [1, 2, 3].map(|n| CallId::new(1, n)));
        let rest = live.calls(&ours, Some(first[2].call), 10);
        assert_eq!(rest.iter().map(|c| c.call).collect::<Vec<_>>(), [4, 5].map(|n| CallId::new(1, n)));
        assert!(live.call(&ours, CallId::new(1, 101)).is_none());
    }

    #[test]
    fn what_is_gone_is_not_seen() {
        let live = Live::new();
        let tenant = TenantId::first();
        live.apply(View::Call(call(&tenant, 1)));
        live.apply(View::CallGone(tenant.clone(), CallId::new(1, 1)));
        assert_eq!(live.counts(), Counts { calls: 0, registrations: 0, bans: 0 });
        assert!(live.calls(&tenant, None, 1).is_empty());
    }
}
