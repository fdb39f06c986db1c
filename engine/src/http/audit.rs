//! `audit`: who changed which setting, when, from what to what, and what supervisors did. Read only (LOG-08).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::Query;
use super::operation::{Guard, Operations};
use super::page::{self, Listed, PageQuery};
use super::permission::AUDIT_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::audit::{AuditFilter, Entry};
use crate::store::setting::Action;

/// The operations on the audit log.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(AUDIT_READ), routes!(list_audit))
}

/// One change, or what a supervisor did to a call or an agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// A ULID.
    pub id: String,
    /// When.
    pub at: Instant,
    /// A login name, `token:NAME`, `provision`, `setup` or `cli`.
    pub by: String,
    /// `extension`, `trunk`, ...; `call` and `agent_state` for what a supervisor did.
    pub resource: String,
    /// Which one.
    pub resource_id: String,
    /// `created`, `updated` or `deleted`; of a call `supervised`, of an agent's state `forced`.
    pub action: String,
    /// How it was, secrets hidden; null where it is new.
    #[schema(value_type = Option<Object>)]
    pub before: Option<serde_json::Value>,
    /// How it is, secrets hidden; null where it is gone.
    #[schema(value_type = Option<Object>)]
    pub after: Option<serde_json::Value>,
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// At this time or later.
    from: Option<Instant>,
    /// Before this time.
    to: Option<Instant>,
    /// Done by: a login name, `token:NAME`, `provision`, `setup` or `cli`.
    by: Option<String>,
    /// Only of this kind: `extension`, `trunk`, `route`, `call`, ...
    resource: Option<String>,
    /// Only of the one with this key.
    resource_id: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        let action = match entry.action {
            Action::Created => "created",
            Action::Updated => "updated",
            Action::Deleted => "deleted",
            Action::Supervised => "supervised",
            Action::Forced => "forced",
        };
        Self {
            id: entry.id,
            at: Instant(entry.at_ms),
            by: entry.by,
            resource: entry.resource,
            resource_id: entry.resource_id,
            action: action.to_owned(),
            before: entry.before,
            after: entry.after,
        }
    }
}

/// The audit log of the tenant, newest first. For those who see the data of all.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Listed<AuditEntry>)))]
async fn list_audit(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Listed<AuditEntry>>, Problem> {
    principal.sees_all()?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let filter = AuditFilter {
        from_ms: query.from.map(|at| at.0),
        to_ms: query.to.map(|at| at.0),
        by: query.by,
        resource: query.resource,
        resource_id: query.resource_id,
    };
    let rows = api.store().audit(&principal.tenant, &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, AuditEntry::from)))
}
