//! `callers`: callers who are known: who goes first in queues, and whose customer he is (IVR-05). Who waits keeps his place.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::caller::PRIORITY_MAX;
use dialplan::number::Dialled;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{CALLERS_READ, CALLERS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::Problem;
use super::setting::{Edit, Faults, Tagged, delete, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::agents::Agent;
use crate::store::blocks::{BlockKind, NOTE_MAX, kept};
use crate::store::callers::CallerEntry;
use crate::store::setting::Stored;
use crate::store::unix_ms;

/// The operations on known callers.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALLERS_READ), routes!(list_callers))
        .add(Guard::Needs(CALLERS_READ), routes!(read_caller))
        .add(Guard::Needs(CALLERS_WRITE), routes!(create_caller))
        .add(Guard::Needs(CALLERS_WRITE), routes!(replace_caller))
        .add(Guard::Needs(CALLERS_WRITE), routes!(delete_caller))
}

/// A caller who is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallerShown {
    /// A ULID.
    pub id: String,
    /// Who he is.
    #[serde(flatten)]
    pub rule: CallerRule,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// Who is known, and what that brings him.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerRule {
    /// `exact`: this number; `prefix`: all that begin so.
    #[serde(default)]
    kind: BlockKind,
    /// Compared in the normal form (GEN-06): `01012345678` is `+861012345678`, and the prefix `138` takes `+86138...`.
    #[schema(example = "+8613800138000")]
    #[schema(extensions(("x-field" = json!("callers.number"))))]
    number: String,
    /// In queues, higher goes first, 0 to 9. Where a flow says more, that holds.
    #[serde(default)]
    priority: u8,
    /// The agent whose customer he is: in a queue he is rung first, if he is online and idle.
    #[serde(default)]
    #[schema(example = "10001")]
    owner: Option<String>,
    /// Who he is, for people; up to 200 characters.
    #[serde(default)]
    note: String,
}

impl From<Stored<CallerEntry>> for CallerShown {
    fn from(stored: Stored<CallerEntry>) -> Self {
        let read_only = stored.is_read_only();
        let CallerEntry { id, kind, number, priority, owner, note } = stored.value;
        Self {
            id,
            rule: CallerRule { kind, number: number.to_string(), priority, owner, note },
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The known callers, oldest first.
#[utoipa::path(get, path = "/callers", tag = "callers", params(PageQuery),
    responses((status = 200, body = Listed<CallerShown>)))]
async fn list_callers(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<CallerShown>>, Problem> {
    list::<CallerEntry, _>(&api, &principal, &page).await
}

/// One of them.
#[utoipa::path(get, path = "/callers/{id}", tag = "callers", params(("id" = String, Path)),
    responses((status = 200, body = CallerShown)))]
async fn read_caller(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<CallerShown>, Problem> {
    read::<CallerEntry, _>(&api, &principal, &id).await
}

/// Makes a caller known.
#[utoipa::path(post, path = "/callers", tag = "callers", request_body = CallerRule,
    responses((status = 201, body = CallerShown)))]
async fn create_caller(
    State(api): State<Api>,
    principal: Principal,
    Body(rule): Body<CallerRule>,
) -> Result<impl IntoResponse, Problem> {
    let entry = entry(new_ulid(unix_ms()), rule)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    check_owner(&mut edit, &entry).await?;
    let stored = edit.tx.create(entry).await?;
    edit.finish(&api).await?;
    let id = stored.value.id.clone();
    Ok(Tagged::<CallerShown>::from(stored).created("/api/v1/callers", &id))
}

/// Changes who is known, or what that brings him.
#[utoipa::path(put, path = "/callers/{id}", tag = "callers", params(("id" = String, Path)), request_body = CallerRule,
    responses((status = 200, body = CallerShown)))]
async fn replace_caller(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(rule): Body<CallerRule>,
) -> Result<Tagged<CallerShown>, Problem> {
    let entry = entry(id.clone(), rule)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<CallerEntry>(&id, &if_match).await?;
    check_owner(&mut edit, &entry).await?;
    let stored = edit.tx.update(entry, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Knows a caller no more.
#[utoipa::path(delete, path = "/callers/{id}", tag = "callers", params(("id" = String, Path)),
    responses((status = 204)))]
async fn delete_caller(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    delete::<CallerEntry>(&api, &principal, &id, &if_match).await
}

async fn check_owner(edit: &mut Edit, entry: &CallerEntry) -> Result<(), Problem> {
    let mut faults = Faults::default();
    if let Some(owner) = &entry.owner {
        let there = edit.tx.find::<Agent>(owner).await?.is_some();
        faults.require("owner", there, &format!("{owner} is no agent; make the employee one first"));
    }
    faults.check()
}

fn entry(id: String, rule: CallerRule) -> Result<CallerEntry, Problem> {
    let CallerRule { kind, number, priority, owner, note } = rule;
    let mut faults = Faults::default();
    let number = faults.note("number", Dialled::clean(&number));
    faults.require("priority", priority <= PRIORITY_MAX, "write 0 to 9");
    faults.require("note", note.chars().count() <= NOTE_MAX, "a note has at most 200 characters");
    faults.check()?;
    let number = kept(kind, &number.expect("a number that is none was noted as a fault"));
    Ok(CallerEntry { id, kind, number, priority, owner, note })
}
