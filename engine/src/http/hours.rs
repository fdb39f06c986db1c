//! `hours`: opening hours (IVR-02), by which flows branch and routes lead elsewhere. Calls that run keep those that they began with.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::name::HoursName;
use dialplan::hours::{DayRange, Hours, MakeUp, Opening, Span, WeekDay, Zone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{HOURS_READ, HOURS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::store::hours::StoredHours;
use crate::store::routes::{Route, RouteRule};
use crate::store::setting::Stored;
use crate::store::unix_ms;

/// The operations on opening hours.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(HOURS_READ), routes!(list_hours))
        .add(Guard::Needs(HOURS_READ), routes!(read_hours))
        .add(Guard::Needs(HOURS_READ), routes!(read_hours_state))
        .add(Guard::Needs(HOURS_WRITE), routes!(create_hours))
        .add(Guard::Needs(HOURS_WRITE), routes!(replace_hours))
        .add(Guard::Needs(HOURS_WRITE), routes!(delete_hours))
}

/// Opening hours.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoursShown {
    /// Their name, by which flows and routes ask for them.
    #[schema(example = "office")]
    pub name: String,
    /// When it is open.
    #[serde(flatten)]
    pub times: Times,
    /// They come from the configuration file and are changed there.
    pub read_only: bool,
    /// When they were made.
    pub created_at: Instant,
    /// When they were changed last.
    pub updated_at: Instant,
}

/// When it is open. A day is decided in this order: a make-up day, then a holiday, then the weekly times.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The IANA time zone of all times.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    zone: Zone,
    /// Spans of times by day: `mon` to `sun`; a day that is missing is closed. `22:00-06:00` goes on past midnight.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Vec<String>>, example = json!({"mon": ["09:00-12:00", "13:30-18:00"]}))]
    weekly: BTreeMap<WeekDay, Vec<Span>>,
    /// Closed all day, at most 400: `2026-10-01..2026-10-07`, each year as `10-01`.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["2026-10-01..2026-10-07", "01-01"]))]
    holidays: Vec<DayRange>,
    /// Open though the day of the week or a holiday says otherwise (调休), at most 400: `{"date": "2026-10-10", "like": "mon"}` or
    /// `{"date": "2026-10-10", "times": ["09:00-12:00"]}`.
    #[serde(default)]
    #[schema(value_type = Vec<Object>, example = json!([{"date": "2026-10-10", "like": "mon"}]))]
    make_up: Vec<MakeUp>,
}

/// New opening hours.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHours {
    /// 1 to 64 characters of a-z, 0-9, _ and -.
    #[schema(example = "office")]
    name: String,
    /// As in an answer.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    zone: Zone,
    /// As in an answer.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    weekly: BTreeMap<WeekDay, Vec<Span>>,
    /// As in an answer.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    holidays: Vec<DayRange>,
    /// As in an answer.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    make_up: Vec<MakeUp>,
}

/// At which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct At {
    /// RFC 3339; now where it is left out.
    #[param(value_type = Option<String>, example = "2026-10-01T09:00:00+08:00")]
    at: Option<Instant>,
}

/// The state of opening hours at a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoursState {
    /// At this time.
    at: Instant,
    /// `open`, `closed` or `holiday`.
    state: OpeningShown,
    /// When it is another one next; null if not within a year.
    changes_at: Option<Instant>,
    /// What it is then.
    changes_to: Option<OpeningShown>,
}

/// Whether it is open.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpeningShown {
    /// Open.
    Open,
    /// Outside the times of an ordinary day.
    Closed,
    /// Closed, and the day is a holiday.
    Holiday,
}

impl From<Opening> for OpeningShown {
    fn from(opening: Opening) -> Self {
        match opening {
            Opening::Open => Self::Open,
            Opening::Closed => Self::Closed,
            Opening::Holiday => Self::Holiday,
        }
    }
}

impl From<Hours> for Times {
    fn from(hours: Hours) -> Self {
        let Hours { zone, weekly, holidays, make_up } = hours;
        Self { zone, weekly, holidays, make_up }
    }
}

impl From<Times> for Hours {
    fn from(times: Times) -> Self {
        let Times { zone, weekly, holidays, make_up } = times;
        Self { zone, weekly, holidays, make_up }
    }
}

impl From<Stored<StoredHours>> for HoursShown {
    fn from(stored: Stored<StoredHours>) -> Self {
        Self {
            read_only: stored.is_read_only(),
            name: stored.value.name.to_string(),
            times: stored.value.hours.into(),
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The opening hours of the tenant, by name.
#[utoipa::path(get, path = "/hours", tag = "hours", params(PageQuery),
    responses((status = 200, body = Listed<HoursShown>)))]
async fn list_hours(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<HoursShown>>, Problem> {
    list::<StoredHours, _>(&api, &principal, &page).await
}

/// One set of opening hours.
#[utoipa::path(get, path = "/hours/{name}", tag = "hours", params(("name" = String, Path)),
    responses((status = 200, body = HoursShown)))]
async fn read_hours(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<HoursShown>, Problem> {
    read::<StoredHours, _>(&api, &principal, &name).await
}

/// Whether it is open at a time, and when that changes.
#[utoipa::path(get, path = "/hours/{name}/state", tag = "hours", params(("name" = String, Path), At),
    responses((status = 200, body = HoursState)))]
async fn read_hours_state(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    Query(at): Query<At>,
) -> Result<Json<HoursState>, Problem> {
    let hours = api.store().get::<StoredHours>(&principal.tenant, &name).await?.value.hours;
    let at = at.at.unwrap_or_else(|| Instant(unix_ms()));
    let at_ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    let change = hours.next_change(at_ms);
    Ok(Json(HoursState {
        at,
        state: hours.at(at_ms).into(),
        changes_at: change.map(Instant::from_column),
        changes_to: change.map(|ms| hours.at(ms).into()),
    }))
}

/// Makes opening hours.
#[utoipa::path(post, path = "/hours", tag = "hours", request_body = NewHours,
    responses((status = 201, body = HoursShown)))]
async fn create_hours(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewHours>,
) -> Result<impl IntoResponse, Problem> {
    let NewHours { name, zone, weekly, holidays, make_up } = new;
    let hours = Hours { zone, weekly, holidays, make_up };
    let mut faults = Faults::default();
    let name = faults.note("name", name.parse::<HoursName>());
    check(&mut faults, &hours);
    faults.check()?;
    let name = name.expect("a name that is none was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    let stored = edit.tx.create(StoredHours { name: name.clone(), hours }).await?;
    edit.finish(&api).await?;
    Ok(Tagged::<HoursShown>::from(stored).created("/api/v1/hours", name.as_str()))
}

/// Replaces opening hours by others of their name.
#[utoipa::path(put, path = "/hours/{name}", tag = "hours", params(("name" = String, Path)),
    request_body = Times, responses((status = 200, body = HoursShown)))]
async fn replace_hours(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(times): Body<Times>,
) -> Result<Tagged<HoursShown>, Problem> {
    let hours = Hours::from(times);
    let mut faults = Faults::default();
    check(&mut faults, &hours);
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (old, expect) = edit.found::<StoredHours>(&name, &if_match).await?;
    let stored = edit.tx.update(StoredHours { name: old.name, hours }, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes opening hours that no published flow asks for and no route obeys.
#[utoipa::path(delete, path = "/hours/{name}", tag = "hours", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_hours(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (hours, expect) = edit.found::<StoredHours>(&name, &if_match).await?;
    for version in edit.tx.published_flows().await? {
        let nodes = &version.definition.nodes;
        if let Some((node, _)) = nodes.iter().find(|(_, node)| node.hours().contains(&&hours.name)) {
            let detail = format!("flow {} asks for them at node {node}; change that first", version.flow);
            return Err(Problem::new(Kind::InUse, detail));
        }
    }
    let obeys = |route: &Route| match &route.rule {
        RouteRule::Inbound { hours: own, .. } => own.as_ref() == Some(&hours.name),
        RouteRule::Outbound { .. } => false,
    };
    if let Some(route) = edit.tx.all::<Route>().await?.iter().find(|route| obeys(&route.value)) {
        let detail = format!("route {} obeys them; change that first", route.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<StoredHours>(&api, &name, expect).await
}

fn check(faults: &mut Faults, hours: &Hours) {
    // The error says what there are too many of.
    faults.note("", hours.check());
}
