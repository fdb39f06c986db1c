//! Writes of the API that were seen before: an `Idempotency-Key`, whose it is, and what was answered.

use hooks::id::TenantId;

use super::sql::args;
use super::{Store, StoreError};

/// An answer is kept so long.
pub const KEPT_MS: u64 = 24 * 3_600_000;

/// A key as a client sent it.
#[derive(Clone, Debug)]
pub struct Key<'a> {
    /// In which tenant.
    pub tenant: &'a TenantId,
    /// Whose: keys of two principals never meet.
    pub principal: &'a str,
    /// The header's text.
    pub key: &'a str,
    /// Hash of method, path and body: the same key with another request is an error of the client.
    pub request_hash: &'a str,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: it is noted now, go ahead and call [`Store::answered`].
    New,
    /// The same request is being worked on, or the process died in it.
    Running,
    /// The same request was answered so.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Another request had this key.
    OtherRequest,
}

impl Store {
    /// Looks a key up and notes it where it is new, in one step.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn seen(&self, key: &Key<'_>) -> Result<Seen, StoreError> {
        let mut tx = self.pool.write().await?;
        let expired = key.at_ms.saturating_sub(KEPT_MS);
        tx.execute("DELETE FROM idempotency WHERE at_ms <= $1", args![expired]).await?;
        let sql = "INSERT INTO idempotency (tenant, principal, idempotency_key, request_hash, at_ms) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, principal, idempotency_key) DO NOTHING";
        let args = args![key.tenant.as_str(), key.principal, key.key, key.request_hash, key.at_ms];
        if tx.execute(sql, args).await? == 1 {
            tx.commit().await?;
            return Ok(Seen::New);
        }
        let sql = "SELECT request_hash, status, body FROM idempotency \
                   WHERE tenant = $1 AND principal = $2 AND idempotency_key = $3";
        let row = tx.first(sql, args![key.tenant.as_str(), key.principal, key.key]).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(Seen::Running) };
        if row.text("request_hash")? != key.request_hash {
            return Ok(Seen::OtherRequest);
        }
        Ok(match row.opt_unsigned::<u16>("status")? {
            Some(status) => Seen::Answered { status, body: row.opt_text("body")?.unwrap_or_default() },
            None => Seen::Running,
        })
    }

    /// Keeps the answer of a key.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn answered(&self, key: &Key<'_>, status: u16, body: &str) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE idempotency SET status = $4, body = $5 \
                   WHERE tenant = $1 AND principal = $2 AND idempotency_key = $3";
        tx.execute(sql, args![key.tenant.as_str(), key.principal, key.key, status, body]).await?;
        tx.commit().await
    }

    /// Forgets a key whose request failed for a reason that may pass, so that it can be tried again.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget(&self, key: &Key<'_>) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "DELETE FROM idempotency WHERE tenant = $1 AND principal = $2 AND idempotency_key = $3";
        tx.execute(sql, args![key.tenant.as_str(), key.principal, key.key]).await?;
        tx.commit().await
    }
}
