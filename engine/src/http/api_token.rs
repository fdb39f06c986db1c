//! `tokens`: long-lived credentials of programs. A token is shown once, and gives nothing that its maker does not have.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{Permissions, TOKENS_READ, TOKENS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::Problem;
use super::rights;
use super::setting::{Edit, Faults};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::{new_token, new_ulid, token_hash};
use crate::store::api_tokens::ApiToken;
use crate::store::roles::DataPermission;
use crate::store::setting::{Hidden, Stored};
use crate::store::unix_ms;

/// The operations on API tokens.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(TOKENS_READ), routes!(list_tokens))
        .add(Guard::Needs(TOKENS_READ), routes!(read_token))
        .add(Guard::Needs(TOKENS_WRITE), routes!(create_token))
        .add(Guard::Needs(TOKENS_WRITE), routes!(revoke_token))
}

/// An API token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenShown {
    /// A ULID.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Permission keys; `*` stands for all.
    pub permissions: Vec<String>,
    /// Whose rows it sees.
    pub data: DataPermission,
    /// When it stops to work; null for never.
    pub expires_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

/// A token with its secret, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenWithSecret {
    /// The token.
    #[serde(flatten)]
    pub shown: TokenShown,
    /// For `Authorization: Bearer`. It is not kept: write it down.
    pub token: String,
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for: 1 to 64 characters. It stands in the audit log.
    #[schema(example = "wallboard")]
    name: String,
    /// Permission keys that one has oneself; `*` stands for all.
    #[schema(example = json!(["calls.read"]))]
    permissions: Vec<String>,
    /// Whose rows it sees, of those that one sees oneself; left out, all of these. `own` stays false: a program is in no department.
    data: Option<DataPermission>,
    /// When it stops to work; left out, never.
    expires_at: Option<Instant>,
}

impl From<Stored<ApiToken>> for TokenShown {
    fn from(stored: Stored<ApiToken>) -> Self {
        Self {
            id: stored.value.id,
            name: stored.value.name,
            permissions: stored.value.permissions,
            data: stored.value.data,
            expires_at: stored.value.expires_at_ms.map(Instant),
            created_at: Instant(stored.created_at_ms),
        }
    }
}

/// The API tokens of the tenant, the oldest first.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(PageQuery),
    responses((status = 200, body = Listed<TokenShown>)))]
async fn list_tokens(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<TokenShown>>, Problem> {
    let rows = api.store().list::<ApiToken>(&principal.tenant, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, TokenShown::from)))
}

/// One API token.
#[utoipa::path(get, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 200, body = TokenShown)))]
async fn read_token(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<TokenShown>, Problem> {
    Ok(Json(api.store().get::<ApiToken>(&principal.tenant, &id).await?.into()))
}

/// Makes an API token. Its secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = TokenWithSecret)))]
async fn create_token(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewToken>,
) -> Result<impl IntoResponse, Problem> {
    let now_ms = unix_ms();
    let mut faults = Faults::default();
    let named = (1..=64).contains(&new.name.chars().count()) && !new.name.chars().any(char::is_control);
    faults.require("name", named, "a name is 1 to 64 characters on one line");
    faults.require("expires_at", new.expires_at.is_none_or(|at| at.0 > now_ms), "this time is past");
    for (n, key) in new.permissions.iter().enumerate() {
        faults.require(
            &format!("permissions.{n}"),
            api.registry().knows(key),
            "there is no such permission key; see GET /api/v1/permissions",
        );
    }
    let own = matches!(new.data, Some(DataPermission::Departments { own: true, .. }));
    faults.require("data.own", !own, "a program is in no department; name departments");
    faults.check()?;
    let data = new.data.unwrap_or_else(|| rights::whole(&principal.scope));
    rights::check_departments(&api, &principal, &data, "data.departments").await?;
    let permissions = Permissions::from_texts(new.permissions);
    // A token has no rights on fields: it sees all of them.
    principal.sees_numbers()?;
    rights::covers(&principal, &permissions, &data)?;
    let secret = new_token();
    let token = ApiToken {
        id: new_ulid(now_ms),
        name: new.name,
        token_hash: Hidden::new(token_hash(&secret)),
        permissions: permissions.to_texts(),
        data,
        expires_at_ms: new.expires_at.map(|at| at.0),
    };
    let mut edit = Edit::begin(&api, &principal).await?;
    let stored = edit.tx.create(token).await?;
    edit.finish(&api).await?;
    let location = [(header::LOCATION, format!("/api/v1/tokens/{}", stored.value.id))];
    Ok((StatusCode::CREATED, location, Json(TokenWithSecret { shown: stored.into(), token: secret })))
}

/// Revokes an API token at once.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204)))]
async fn revoke_token(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let stored = edit.tx.find::<ApiToken>(&id).await?.ok_or_else(|| Problem::not_found("token"))?;
    edit.tx.delete::<ApiToken>(&id, if_match.expect(stored.version)?).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}
