//! Which extensions have a call.

use std::collections::BTreeMap;

use hooks::fact::PeerKind;
use hooks::id::TenantId;

use crate::desk::Desk;
use crate::leg::Leg;
use crate::trunk;

impl Desk {
    /// A leg begins: it counts against its trunk, or engages its extension.
    pub(crate) fn leg_began(&mut self, tenant: &TenantId, leg: &Leg) {
        trunk::leg_began(self, tenant, leg);
        self.engaged.leg_began(tenant, leg);
    }

    /// A leg that began has ended, or goes on in another call.
    pub(crate) fn leg_ended(&mut self, tenant: &TenantId, leg: &Leg) {
        trunk::leg_ended(self, tenant, leg);
        self.engaged.leg_ended(tenant, leg);
    }
}

/// Legs of extensions, by tenant and number. An entry goes with its last leg.
#[derive(Debug, Default)]
pub(crate) struct Engaged(BTreeMap<TenantId, BTreeMap<String, u32>>);

impl Engaged {
    /// A leg begins.
    fn leg_began(&mut self, tenant: &TenantId, leg: &Leg) {
        if leg.peer.kind != PeerKind::Extension {
            return;
        }
        if !self.0.contains_key(tenant) {
            self.0.insert(tenant.clone(), BTreeMap::new());
        }
        if let Some(legs) = self.0.get_mut(tenant) {
            *legs.entry(leg.peer.name.clone()).or_default() += 1;
        }
    }

    /// A leg that began has ended.
    fn leg_ended(&mut self, tenant: &TenantId, leg: &Leg) {
        if leg.peer.kind != PeerKind::Extension {
            return;
        }
        let Some(legs) = self.0.get_mut(tenant) else { return };
        if let Some(count) = legs.get_mut(&leg.peer.name) {
            *count -= 1;
            if *count == 0 {
                legs.remove(&leg.peer.name);
            }
        }
        if legs.is_empty() {
            self.0.remove(tenant);
        }
    }

    /// Whether an extension has a call, be it that it rings or dials.
    pub(crate) fn is(&self, tenant: &TenantId, extension: &str) -> bool {
        self.0.get(tenant).is_some_and(|legs| legs.contains_key(extension))
    }

    /// Extensions that have a call.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }
}
