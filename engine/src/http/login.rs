//! `logins`: the login log (坐席登录日志, LOG-06, LOG-07), newest first. Nobody changes it, and it has no export (LOG-08).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::department;
use super::extract::Query;
use super::operation::{Guard, Operations};
use super::page::{self, Listed, PageQuery};
use super::permission::LOGINS_READ;
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;
use crate::store::employees::LoginOutcome;
use crate::store::logins::{LoginEntry, LoginFilter, LoginWay, SignInWay};

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(LOGINS_READ), routes!(list_logins))
}

/// A sign-in, a sign-out, or what came in its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginShown {
    /// A ULID.
    pub id: String,
    /// When.
    pub at: Instant,
    /// The employee number; null where nobody has that login.
    pub employee_no: Option<String>,
    /// What was typed.
    pub login: String,
    /// The address that it came from.
    pub address: String,
    /// `login`, `logout`, `failed`, `locked`, `replaced` (ended by a new sign-in) or `expired` (12 h without activity).
    #[schema(value_type = String, example = "login")]
    pub status: LoginOutcome,
    /// By which credential.
    pub way: LoginWay,
    /// By what he takes part in calls; null where he did not say.
    pub sign_in: Option<SignInWay>,
}

impl From<LoginEntry> for LoginShown {
    fn from(entry: LoginEntry) -> Self {
        Self {
            id: entry.id,
            at: Instant(entry.at_ms),
            employee_no: entry.employee_no,
            login: entry.login,
            address: entry.address,
            status: entry.outcome,
            way: entry.way,
            sign_in: entry.sign_in,
        }
    }
}

/// Which entries are wanted (LOG-07).
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// At this time or later.
    from: Option<Instant>,
    /// Before this time.
    to: Option<Instant>,
    /// Of the agent of this employee number.
    agent: Option<String>,
    /// Of agents who were in this department then, or in one below it; not together with `agent`.
    department: Option<String>,
    /// That came to this.
    #[param(value_type = Option<String>, example = "failed")]
    status: Option<LoginOutcome>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The login log of the tenant, newest first.
#[utoipa::path(get, path = "/logins", tag = "audit", params(LoginQuery),
    responses((status = 200, body = Listed<LoginShown>)))]
async fn list_logins(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<LoginQuery>,
) -> Result<Json<Listed<LoginShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let departments = department::asked(&api, &principal, query.agent.as_deref(), query.department.as_deref()).await?;
    let filter = LoginFilter {
        from_ms: query.from.map(|at| at.0),
        to_ms: query.to.map(|at| at.0),
        employee_no: query.agent,
        departments,
        outcome: query.status,
    };
    let rows = api.store().logins(principal.sight(), &filter, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, LoginShown::from)))
}
