//! Changes of settings, live without restart: stored with their audit entry, handed to the writer, then answered.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use tokio::sync::OwnedMutexGuard;

use super::principal::Principal;
use super::problem::{FieldError, Problem};
use super::state::Api;
use crate::store::setting::{Change, SettingsTx};

/// A change of one tenant's settings on its way. Changes of a tenant take turns from the database to the writer, so the
/// writer never gets an older state after a newer one. Dropped without [`Edit::finish`], nothing happened.
pub struct Edit {
    /// The transaction.
    pub tx: SettingsTx,
    principal: Principal,
    _turn: OwnedMutexGuard<()>,
}

impl Edit {
    /// Waits for the tenant's turn and begins.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin(api: &Api, principal: &Principal) -> Result<Self, Problem> {
        let turn = api.turn(&principal.tenant).lock_owned().await;
        let tx = api.store().change(Change::by(principal.tenant.clone(), principal.by())).await?;
        Ok(Self { tx, principal: principal.clone(), _turn: turn })
    }

    /// Commits, and returns after the writer took the new settings.
    ///
    /// # Errors
    /// When the database or the writer is away. A change that was committed is taken at the next start at the latest.
    pub async fn finish(self, api: &Api) -> Result<(), Problem> {
        let changed = self.tx.commit().await?;
        if changed.is_empty() {
            return Ok(());
        }
        let settings = api.tenant_config(&self.principal.tenant).await?;
        api.switch().settings(Arc::new(settings), changed).await?;
        Ok(())
    }
}

/// Reads a member of a merge patch (RFC 7396): left out is `None`, null is `Some(None)`.
///
/// # Errors
/// When the value is not of its type.
#[allow(clippy::option_option, reason = "a merge patch tells null from left out")]
pub fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Collects what is wrong with a body, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// Notes an error under its field and goes on without the value.
    pub fn note<T, E: std::fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.0.push(FieldError::new(field, error))).ok()
    }

    /// Notes `detail` unless `fine`.
    pub fn require(&mut self, field: &str, fine: bool, detail: &str) {
        if !fine {
            self.0.push(FieldError::new(field, detail));
        }
    }

    /// Ends the check.
    ///
    /// # Errors
    /// When anything was noted.
    pub fn check(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
