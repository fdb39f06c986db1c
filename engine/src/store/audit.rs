//! The audit log: who changed which setting, when, from what to what, written with the change; and what supervisors did, derived from the
//! facts. Never changed (LOG-08).

use hooks::id::TenantId;

use super::records::{Condition, DerivedTable};
use super::setting::{Action, Change, Page, PageAsk};
use super::sql::{Arg, Conn, Row, args, word};
use super::{Store, StoreError};
use crate::secrets::new_ulid;

/// One change, or what was done to a call or an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// A ULID: entries sort by it.
    pub id: String,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// A login name, `token:NAME`, `provision`, `setup` or `cli`.
    pub by: String,
    /// `extension`, `trunk`, ...; `call` or `agent_state` for what a supervisor did.
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
    conn.execute(
        "INSERT INTO audit (tenant, id, at_ms, changed_by, resource, resource_id, action, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args_of(tenant, entry),
    )
    .await?;
    Ok(())
}

pub(super) const TABLE: DerivedTable = DerivedTable {
    name: "audit",
    key: &["tenant", "id"],
    rest: &["at_ms", "changed_by", "resource", "resource_id", "action", "before", "after"],
};

pub(super) fn args_of(tenant: &TenantId, entry: &Entry) -> Vec<Arg> {
    let text = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
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
    ]
}

/// Which entries a page shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// At this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// Done by him: a login name, `token:NAME`, ...
    pub by: Option<String>,
    /// Of this kind.
    pub resource: Option<String>,
    /// Of the one with this key.
    pub resource_id: Option<String>,
}

impl AuditFilter {
    /// Everything of one kind.
    #[must_use]
    pub fn of(resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..Self::default() }
    }
}

impl Store {
    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn audit(
        &self,
        tenant: &TenantId,
        filter: &AuditFilter,
        ask: &PageAsk,
    ) -> Result<Page<Entry>, StoreError> {
        let mut condition = Condition::of_tenant(tenant);
        condition.and("id < ?", ask.after.clone().unwrap_or_else(|| LAST.to_owned()));
        if let Some(from_ms) = filter.from_ms {
            condition.and("at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            condition.and("at_ms < ?", to_ms);
        }
        for (comparison, wanted) in [
            ("changed_by = ?", &filter.by),
            ("resource = ?", &filter.resource),
            ("resource_id = ?", &filter.resource_id),
        ] {
            if let Some(wanted) = wanted {
                condition.and(comparison, wanted.as_str());
            }
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM audit WHERE {condition} ORDER BY id DESC LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(Entry::from_row).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |entry| entry.id.clone()))
    }
}

/// Sorts behind every ULID.
pub(super) const LAST: &str = "~";
