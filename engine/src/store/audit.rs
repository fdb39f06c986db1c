//! The audit log: who changed which setting, when, from what to what. Written with the change, never changed (LOG-08).

use hooks::id::TenantId;

use super::setting::{Action, Change, Page, PageAsk};
use super::sql::{Conn, Row, args, word};
use super::{Store, StoreError};
use crate::secrets::new_ulid;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// A ULID: entries sort by it.
    pub id: String,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// A login name, `token:NAME`, `provision`, `setup` or `cli`.
    pub by: String,
    /// `extension`, `trunk`, ...
    pub resource: String,
    /// Its key.
    pub resource_id: String,
    /// What was done.
    pub action: Action,
    /// How it was, secrets hidden; `None` where it is new.
    pub before: Option<serde_json::Value>,
    /// How it is, secrets hidden; `None` where it is gone.
    pub after: Option<serde_json::Value>,
}

impl Entry {
    pub(super) fn of(
        change: &Change,
        resource: &str,
        resource_id: String,
        action: Action,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) -> Self {
        Self {
            id: new_ulid(change.at_ms),
            at_ms: change.at_ms,
            by: change.by.clone(),
            resource: resource.to_owned(),
            resource_id,
            action,
            before,
            after,
        }
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let json = |column| match row.opt_text(column)? {
            None => Ok(None),
            Some(_) => row.json(column).map(Some),
        };
        Ok(Self {
            id: row.text("id")?,
            at_ms: row.unsigned("at_ms")?,
            by: row.text("changed_by")?,
            resource: row.text("resource")?,
            resource_id: row.text("resource_id")?,
            action: row.word("action")?,
            before: json("before")?,
            after: json("after")?,
        })
    }
}

/// A setting as the log shows it.
pub(super) fn shown<S: serde::Serialize>(value: &S) -> serde_json::Value {
    serde_json::to_value(value).expect("settings serialise")
}

pub(super) async fn insert(conn: &mut Conn, tenant: &TenantId, entry: &Entry) -> Result<(), StoreError> {
    let text = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    conn.execute(
        "INSERT INTO audit (tenant, id, at_ms, changed_by, resource, resource_id, action, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            tenant.as_str(),
            entry.id.as_str(),
            entry.at_ms,
            entry.by.as_str(),
            entry.resource.as_str(),
            entry.resource_id.as_str(),
            word(&entry.action),
            text(&entry.before),
            text(&entry.after),
        ],
    )
    .await?;
    Ok(())
}

impl Store {
    /// A page of the audit log, newest first; only of one resource where one is named.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn audit(
        &self,
        tenant: &TenantId,
        resource: Option<&str>,
        ask: &PageAsk,
    ) -> Result<Page<Entry>, StoreError> {
        let after = ask.after.clone().unwrap_or_else(|| LAST.to_owned());
        let rows = self
            .pool
            .read()
            .await?
            .all(
                "SELECT * FROM audit WHERE tenant = $1 AND id < $2 AND ($3 = '' OR resource = $3) ORDER BY id DESC LIMIT $4",
                args![tenant.as_str(), after, resource.unwrap_or_default(), ask.rows()],
            )
            .await?;
        let items = rows.iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |entry| entry.id.clone()))
    }
}

/// Sorts behind every ULID.
pub(super) const LAST: &str = "~";
