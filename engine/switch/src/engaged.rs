//! Which extensions have a call, and which calls these are.

use std::collections::{BTreeMap, BTreeSet};

use hooks::fact::PeerKind;
use hooks::id::{CallId, TenantId};

use crate::desk::Desk;
use crate::leg::Leg;
use crate::trunk;

impl Desk {
    /// A leg begins: it counts against its trunk, or engages its extension.
    pub(crate) fn leg_began(&mut self, tenant: &TenantId, call: CallId, leg: &Leg) {
        trunk::leg_began(self, tenant, leg);
        self.engaged.leg_began(tenant, call, leg);
    }

    /// A leg that began has ended, or goes on in another call.
    pub(crate) fn leg_ended(&mut self, tenant: &TenantId, call: CallId, leg: &Leg) {
        trunk::leg_ended(self, tenant, leg);
        self.engaged.leg_ended(tenant, call, leg);
    }
}

/// The calls of extensions, by tenant and number: one entry for each leg, with which it goes.
#[derive(Debug, Default)]
pub(crate) struct Engaged(BTreeMap<TenantId, BTreeMap<String, Vec<CallId>>>);

impl Engaged {
    /// A leg begins.
    fn leg_began(&mut self, tenant: &TenantId, call: CallId, leg: &Leg) {
        if leg.peer.kind != PeerKind::Extension {
            return;
        }
        if !self.0.contains_key(tenant) {
            self.0.insert(tenant.clone(), BTreeMap::new());
        }
        if let Some(extensions) = self.0.get_mut(tenant) {
            extensions.entry(leg.peer.name.clone()).or_default().push(call);
        }
    }

    /// A leg that began has ended.
    fn leg_ended(&mut self, tenant: &TenantId, call: CallId, leg: &Leg) {
        if leg.peer.kind != PeerKind::Extension {
            return;
        }
        let Some(extensions) = self.0.get_mut(tenant) else { return };
        if let Some(calls) = extensions.get_mut(&leg.peer.name) {
            if let Some(at) = calls.iter().position(|known| *known == call) {
                calls.swap_remove(at);
            }
            if calls.is_empty() {
                extensions.remove(&leg.peer.name);
            }
        }
        if extensions.is_empty() {
            self.0.remove(tenant);
        }
    }

    /// Whether an extension has a call, be it that it rings or dials.
    pub(crate) fn is(&self, tenant: &TenantId, extension: &str) -> bool {
        self.0.get(tenant).is_some_and(|extensions| extensions.contains_key(extension))
    }

    /// The calls of an extension, each once.
    pub(crate) fn calls_of(&self, tenant: &TenantId, extension: &str) -> BTreeSet<CallId> {
        let calls = self.0.get(tenant).and_then(|extensions| extensions.get(extension));
        calls.into_iter().flatten().copied().collect()
    }

    /// Extensions that have a call.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }
}
