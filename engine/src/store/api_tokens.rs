//! Long-lived tokens of the API. Only a hash of each is kept.

use hooks::id::TenantId;
use hooks::scope::Scope;
use serde::Serialize;

use super::roles::DataPermission;
use super::scope::scope_of;
use super::setting::{Hidden, Setting, Stored, stored};
use super::sql::{Arg, Row, args, json};
use super::{Store, StoreError};

/// A token as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApiToken {
    /// A ULID.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the token (see [`crate::secrets::token_hash`]).
    pub token_hash: Hidden,
    /// Permission keys; `*` means all.
    pub permissions: Vec<String>,
    /// Whose rows it sees; `own` means nothing for a program.
    pub data: DataPermission,
    /// When it stops to work, ms since the Unix epoch.
    pub expires_at_ms: Option<u64>,
}

impl Setting for ApiToken {
    const RESOURCE: &'static str = "token";
    const TABLE: &'static str = "api_tokens";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["name", "token_hash", "permissions", "data", "expires_at_ms"];
    /// More than any one has systems to connect.
    const MAX: u64 = 1_000;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.name.as_str(),
            self.token_hash.expose(),
            json(&self.permissions),
            json(&self.data),
            self.expires_at_ms,
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        vec![&self.token_hash]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            name: row.text("name")?,
            token_hash: Hidden::new(row.text("token_hash")?),
            permissions: row.json("permissions")?,
            data: row.json("data")?,
            expires_at_ms: row.opt_unsigned("expires_at_ms")?,
        })
    }
}

/// A token somebody showed: whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenOwner {
    /// In which tenant.
    pub tenant: TenantId,
    /// Which token.
    pub token: Stored<ApiToken>,
    /// Whose rows it sees.
    pub scope: Scope,
}

impl Store {
    /// The token with this hash, unless it expired; it is noted as used. Finds out the tenant, so it takes none.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn api_token(&self, token_hash: &str, now_ms: u64) -> Result<Option<TokenOwner>, StoreError> {
        let sql = "SELECT * FROM api_tokens WHERE token_hash = $1 AND (expires_at_ms IS NULL OR expires_at_ms > $2)";
        let mut conn = self.pool.read().await?;
        let Some(row) = conn.first(sql, args![token_hash, now_ms]).await? else { return Ok(None) };
        let (tenant, token): (TenantId, Stored<ApiToken>) = (row.parsed("tenant")?, stored(&row)?);
        let scope = scope_of(&mut conn, &tenant, &token.value.data, None).await?;
        drop(conn);
        let owner = TokenOwner { tenant, token, scope };
        let last_used: Option<u64> = row.opt_unsigned("last_used_at_ms")?;
        if last_used.is_none_or(|at| at + USED_EVERY_MS <= now_ms) {
            let mut tx = self.pool.write().await?;
            let sql = "UPDATE api_tokens SET last_used_at_ms = $3 WHERE tenant = $1 AND id = $2";
            tx.execute(sql, args![owner.tenant.as_str(), owner.token.value.id.as_str(), now_ms]).await?;
            tx.commit().await?;
        }
        Ok(Some(owner))
    }

    /// When a token was used last, to the minute.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn api_token_last_used(&self, tenant: &TenantId, id: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT last_used_at_ms FROM api_tokens WHERE tenant = $1 AND id = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), id]).await?;
        row.ok_or_else(|| StoreError::NotFound { resource: ApiToken::RESOURCE, id: id.to_owned() })?
            .opt_unsigned("last_used_at_ms")
    }
}

/// The use of a token is written down at most this often.
const USED_EVERY_MS: u64 = 60_000;
