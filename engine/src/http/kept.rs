//! What is read once for all who look at boards: an answer by tenant that is no older than a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hooks::id::TenantId;
use tokio::time::Instant;

/// The answers, as many as there are tenants.
#[derive(Debug)]
pub struct Kept<T> {
    every: Duration,
    by_tenant: Mutex<BTreeMap<TenantId, (Instant, T)>>,
}

impl<T: Clone> Kept<T> {
    /// Answers that are read anew after `every`.
    #[must_use]
    pub fn for_a(every: Duration) -> Self {
        Self { every, by_tenant: Mutex::default() }
    }

    /// The tenant's, while it is young enough.
    pub fn fresh(&self, tenant: &TenantId) -> Option<T> {
        let kept = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(tenant).filter(|(at, _)| at.elapsed() < self.every).map(|(_, value)| value.clone())
    }

    /// It was just read.
    pub fn keep(&self, tenant: &TenantId, value: T) {
        let mut kept = self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(tenant.clone(), (Instant::now(), value));
    }
}
