//! Changes of settings, live without restart: stored with their audit entry, handed to the writer, then answered.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hooks::id::TenantId;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::OwnedMutexGuard;

use super::page::{Listed, PageQuery};
use super::precondition::{IfMatch, etag};
use super::principal::Principal;
use super::problem::{FieldError, Problem};
use super::state::Api;
use crate::store::setting::{Change, Expect, Setting, SettingsTx, Stored};

/// A setting as it is shown, with the `ETag` of its version.
#[derive(Debug)]
pub struct Tagged<T> {
    tag: HeaderValue,
    shown: T,
}

impl<T> Tagged<T> {
    /// The answer to a request that made it: 201 with its place, `PATH/KEY`.
    pub fn created(self, path: &str, key: &str) -> (StatusCode, [(HeaderName, String); 1], Self) {
        (StatusCode::CREATED, [(header::LOCATION, format!("{path}/{key}"))], self)
    }

    /// Shown as something else of the same version.
    pub fn map<U>(self, show: impl FnOnce(T) -> U) -> Tagged<U> {
        Tagged { tag: self.tag, shown: show(self.shown) }
    }
}

impl<S, T: From<Stored<S>>> From<Stored<S>> for Tagged<T> {
    fn from(stored: Stored<S>) -> Self {
        Self { tag: etag(stored.version), shown: stored.into() }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, self.tag)], Json(self.shown)).into_response()
    }
}

/// A page of the tenant's settings of one kind.
///
/// # Errors
/// When the cursor is none of ours or the database is away.
pub async fn list<S: Setting, T: From<Stored<S>>>(
    api: &Api,
    principal: &Principal,
    page: &PageQuery,
) -> Result<Json<Listed<T>>, Problem> {
    let rows = api.store().list::<S>(&principal.tenant, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, T::from)))
}

/// One of the tenant's settings.
///
/// # Errors
/// When there is none, or the database is away.
pub async fn read<S: Setting, T: From<Stored<S>>>(
    api: &Api,
    principal: &Principal,
    key: &str,
) -> Result<Tagged<T>, Problem> {
    Ok(api.store().get::<S>(&principal.tenant, key).await?.into())
}

/// Deletes one of the tenant's settings that nothing else needs.
///
/// # Errors
/// As [`Edit::found`] and [`Edit::delete`].
pub async fn delete<S: Setting>(
    api: &Api,
    principal: &Principal,
    key: &str,
    if_match: &IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(api, principal).await?;
    let (_, expect) = edit.found::<S>(key, if_match).await?;
    edit.delete::<S>(api, key, expect).await
}

/// A change of one tenant's settings on its way. Changes of a tenant take turns from the database to the writer, so the
/// writer never gets an older state after a newer one. Dropped without [`Edit::finish`], nothing happened.
pub struct Edit {
    /// The transaction.
    pub tx: SettingsTx,
    tenant: TenantId,
    _turn: OwnedMutexGuard<()>,
}

impl Edit {
    /// Waits for the tenant's turn and begins.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin(api: &Api, principal: &Principal) -> Result<Self, Problem> {
        Self::begin_as(api, Change::by(principal.tenant.clone(), principal.by())).await
    }

    /// As [`Self::begin`], for work that goes on after its request.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub async fn begin_as(api: &Api, change: Change) -> Result<Self, Problem> {
        let tenant = change.tenant.clone();
        let turn = api.turn(&tenant).lock_owned().await;
        let tx = api.store().change(change).await?;
        Ok(Self { tx, tenant, _turn: turn })
    }

    /// What shall be changed or deleted, and the version it must still have then.
    ///
    /// # Errors
    /// When there is none, when `If-Match` names another version, or when the database is away.
    pub async fn found<S: Setting>(&mut self, key: &str, if_match: &IfMatch) -> Result<(S, Expect), Problem> {
        let stored = self.tx.find::<S>(key).await?.ok_or_else(|| Problem::not_found(S::RESOURCE))?;
        let expect = if_match.expect(stored.version)?;
        Ok((stored.value, expect))
    }

    /// Deletes one that was found, and answers: 204.
    ///
    /// # Errors
    /// As [`Self::finish`]; and when the version is another one by now.
    pub async fn delete<S: Setting>(mut self, api: &Api, key: &str, expect: Expect) -> Result<StatusCode, Problem> {
        self.tx.delete::<S>(key, expect).await?;
        self.finish(api).await?;
        Ok(StatusCode::NO_CONTENT)
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
        let settings = api.tenant_config(&self.tenant).await?;
        api.switch().settings(Arc::new(settings), changed).await?;
        Ok(())
    }
}

/// Whether a text is a name for people.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
}

/// What [`is_name`] asks for.
pub const NAME_RULE: &str = "a name is 1 to 64 characters on one line";

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
