//! `blocks`: numbers from which nobody is let in, and numbers that are not called (GEN-19). Calls that run go on.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::block::Treatment;
use dialplan::number::Dialled;
use hooks::fact::BlockedSide;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{BLOCKS_READ, BLOCKS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::Problem;
use super::setting::{Edit, Faults, Tagged, delete, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::blocks::{BlockEntry, BlockKind, NOTE_MAX, kept};
use crate::store::setting::Stored;
use crate::store::unix_ms;

/// The operations on block lists.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(BLOCKS_READ), routes!(list_blocks))
        .add(Guard::Needs(BLOCKS_READ), routes!(read_block))
        .add(Guard::Needs(BLOCKS_WRITE), routes!(create_block))
        .add(Guard::Needs(BLOCKS_WRITE), routes!(replace_block))
        .add(Guard::Needs(BLOCKS_WRITE), routes!(delete_block))
}

/// A number that is blocked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockShown {
    /// A ULID.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub rule: BlockRule,
    /// Its time is over: it blocks nothing any more.
    pub expired: bool,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What is blocked, and how.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRule {
    /// `caller`: who calls so from outside is not let in; `callee`: the number outside is not called.
    #[schema(value_type = String, example = "caller")]
    side: BlockedSide,
    /// `exact`: this number; `prefix`: all that begin so.
    #[serde(default)]
    kind: BlockKind,
    /// Compared in the normal form (GEN-06): `01012345678` is `+861012345678`, and the prefix `138` takes `+86138...`.
    #[schema(example = "+8613800138000")]
    #[schema(extensions(("x-field" = json!("blocks.number"))))]
    number: String,
    /// What its calls get: `busy` (486), `prompt` ("your call cannot be taken"), `hang_up` (603).
    #[serde(default)]
    #[schema(value_type = String, example = "busy")]
    treatment: Treatment,
    /// From then on it blocks nothing; for ever where it is left out.
    #[serde(default)]
    expires_at: Option<Instant>,
    /// Why, for people; up to 200 characters.
    #[serde(default)]
    note: String,
}

impl From<Stored<BlockEntry>> for BlockShown {
    fn from(stored: Stored<BlockEntry>) -> Self {
        let read_only = stored.is_read_only();
        let BlockEntry { id, side, kind, number, treatment, expires_at_ms, note } = stored.value;
        Self {
            id,
            rule: BlockRule {
                side,
                kind,
                number: number.to_string(),
                treatment,
                expires_at: expires_at_ms.map(Instant),
                note,
            },
            expired: expires_at_ms.is_some_and(|at_ms| at_ms <= unix_ms()),
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The numbers that are blocked, oldest first.
#[utoipa::path(get, path = "/blocks", tag = "blocks", params(PageQuery),
    responses((status = 200, body = Listed<BlockShown>)))]
async fn list_blocks(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<BlockShown>>, Problem> {
    list::<BlockEntry, _>(&api, &principal, &page).await
}

/// One of them.
#[utoipa::path(get, path = "/blocks/{id}", tag = "blocks", params(("id" = String, Path)),
    responses((status = 200, body = BlockShown)))]
async fn read_block(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<BlockShown>, Problem> {
    read::<BlockEntry, _>(&api, &principal, &id).await
}

/// Blocks a number.
#[utoipa::path(post, path = "/blocks", tag = "blocks", request_body = BlockRule,
    responses((status = 201, body = BlockShown)))]
async fn create_block(
    State(api): State<Api>,
    principal: Principal,
    Body(rule): Body<BlockRule>,
) -> Result<impl IntoResponse, Problem> {
    let entry = entry(new_ulid(unix_ms()), rule)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let stored = edit.tx.create(entry).await?;
    edit.finish(&api).await?;
    let id = stored.value.id.clone();
    Ok(Tagged::<BlockShown>::from(stored).created("/api/v1/blocks", &id))
}

/// Changes what is blocked, or how.
#[utoipa::path(put, path = "/blocks/{id}", tag = "blocks", params(("id" = String, Path)), request_body = BlockRule,
    responses((status = 200, body = BlockShown)))]
async fn replace_block(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(rule): Body<BlockRule>,
) -> Result<Tagged<BlockShown>, Problem> {
    let entry = entry(id.clone(), rule)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<BlockEntry>(&id, &if_match).await?;
    let stored = edit.tx.update(entry, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Blocks a number no more.
#[utoipa::path(delete, path = "/blocks/{id}", tag = "blocks", params(("id" = String, Path)),
    responses((status = 204)))]
async fn delete_block(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    delete::<BlockEntry>(&api, &principal, &id, &if_match).await
}

fn entry(id: String, rule: BlockRule) -> Result<BlockEntry, Problem> {
    let BlockRule { side, kind, number, treatment, expires_at, note } = rule;
    let mut faults = Faults::default();
    let number = faults.note("number", Dialled::clean(&number));
    faults.require("note", note.chars().count() <= NOTE_MAX, "a note has at most 200 characters");
    faults.check()?;
    let number = kept(kind, &number.expect("a number that is none was noted as a fault"));
    Ok(BlockEntry { id, side, kind, number, treatment, expires_at_ms: expires_at.map(|at| at.0), note })
}
