//! How far each plugin has come in each tenant's journal, as it says itself by asking for what follows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hooks::id::TenantId;
use hooks::position::Position;

/// The places. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Passed(Arc<Mutex<BTreeMap<(&'static str, TenantId), Position>>>);

impl Passed {
    /// The plugin has stored everything up to here.
    pub fn note(&self, plugin: &'static str, position: &Position) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.insert((plugin, position.tenant.clone()), position.clone());
    }

    /// Where a plugin stands; `None` while it has not said.
    #[must_use]
    pub fn of(&self, plugin: &'static str, tenant: &TenantId) -> Option<Position> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(plugin, tenant.clone())).cloned()
    }

    /// Where the plugins stand in a tenant's journal, by name.
    #[must_use]
    pub fn of_tenant(&self, tenant: &TenantId) -> Vec<(String, Position)> {
        let passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_it = passed.iter().filter(|((_, other), _)| other == tenant);
        of_it.map(|((plugin, _), position)| ((*plugin).to_owned(), position.clone())).collect()
    }
}
