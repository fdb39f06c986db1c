//! `bans`: addresses that are refused for a while after failed sign-ins. They hold for the whole process.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use switch::input::Command;
use switch::view::BanView;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery, bad_cursor};
use super::permission::{BANS_READ, BANS_WRITE};
use super::principal::Principal;
use super::problem::Problem;
use super::state::Api;
use super::time_text::Instant;

/// The operations on bans.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Needs(BANS_READ), routes!(list_bans)).add(Guard::Needs(BANS_WRITE), routes!(lift_ban))
}

/// A source that is refused for a while.
#[derive(Debug, Serialize, ToSchema)]
pub struct BanShown {
    /// Its IP address.
    #[schema(example = "192.0.2.1")]
    pub address: String,
    /// Until when.
    pub until: Instant,
    /// Failed sign-ins counted.
    pub failures: u32,
}

impl From<&BanView> for BanShown {
    fn from(view: &BanView) -> Self {
        Self { address: view.source.to_string(), until: Instant(view.until_ms), failures: view.failures }
    }
}

/// The banned addresses.
#[utoipa::path(get, path = "/bans", tag = "bans", params(PageQuery),
    responses((status = 200, body = Listed<BanShown>)))]
async fn list_bans(State(api): State<Api>, Query(page): Query<PageQuery>) -> Result<Json<Listed<BanShown>>, Problem> {
    let after = page.after()?.map(|key| key.parse::<IpAddr>()).transpose().map_err(|_| bad_cursor())?;
    let rows = api.live().bans(after, page.limit() + 1);
    Ok(Json(Listed::cut(rows, page.limit(), |row| row.source.to_string(), |row| BanShown::from(&*row))))
}

/// Lifts a ban at once.
#[utoipa::path(delete, path = "/bans/{address}", tag = "bans", params(("address" = String, Path)),
    responses((status = 204)))]
async fn lift_ban(
    State(api): State<Api>,
    principal: Principal,
    Path(address): Path<String>,
) -> Result<StatusCode, Problem> {
    let address = address.parse().map_err(|_| Problem::not_found("ban"))?;
    api.switch().command(principal.tenant, Command::LiftBan(address)).await?;
    Ok(StatusCode::NO_CONTENT)
}
