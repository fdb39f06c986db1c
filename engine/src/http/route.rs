//! `routes`: where a DID leads, and which trunks a dialled number goes by.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::name::{HoursName, Mailbox};
use dialplan::number::TrunkName;
use dialplan::plan::Destination;
use dialplan::say::PromptName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{ROUTES_READ, ROUTES_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::Problem;
use super::setting::{Edit, Faults, Tagged, delete, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::flow_check;
use crate::store::extensions::Extension;
use crate::store::flows::StoredFlow;
use crate::store::hours::StoredHours;
use crate::store::queues::Queue;
use crate::store::rooms::Room;
use crate::store::routes::{ClosedRule, Did, Route, RouteName, RouteRule, RouteTarget, check_prefix};
use crate::store::setting::Stored;
use crate::store::trunks::Trunk;

/// The operations on routes.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(ROUTES_READ), routes!(list_routes))
        .add(Guard::Needs(ROUTES_READ), routes!(read_route))
        .add(Guard::Needs(ROUTES_WRITE), routes!(create_route))
        .add(Guard::Needs(ROUTES_WRITE), routes!(replace_route))
        .add(Guard::Needs(ROUTES_WRITE), routes!(delete_route))
}

/// What a route does.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "direction", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// From a trunk to us. The most specific DID wins.
    Inbound {
        /// Only from this trunk; null for any.
        trunk: Option<String>,
        /// A number, or a prefix with `*` at its end; `*` alone takes all.
        #[schema(example = "+8610123456*")]
        did: String,
        /// An extension's number, `room:8000`, `queue:support`, `flow:main`, `voicemail:queue:support`, `voicemail:extension:1001`,
        /// `number:13800138000` (outside, by the outbound routes) or
        /// `echo`.
        #[schema(example = "1001")]
        to: String,
        /// Opening hours that it obeys; always open without.
        #[serde(default)]
        #[schema(example = "office")]
        hours: Option<String>,
        /// What callers get outside of them; left out: the usual words (`ivr_closed`, `ivr_holiday`), and the end.
        #[serde(default)]
        closed: Option<WhenClosed>,
    },
    /// From us to trunks. The longest prefix wins.
    Outbound {
        /// The number dialled begins so; the empty prefix takes all.
        #[serde(default)]
        prefix: String,
        /// How many leading characters are cut off before sending.
        #[serde(default)]
        strip: u32,
        /// What is put in front after cutting.
        #[serde(default)]
        prepend: String,
        /// Tried in order.
        trunks: Vec<String>,
    },
}

/// What callers get while a route is closed (IVR-02): a prompt, then another place or the end.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhenClosed {
    /// A prompt that is said first; nothing is said without.
    #[schema(example = "ivr_closed")]
    prompt: Option<String>,
    /// The same on a holiday; as on other days where it is left out.
    #[schema(example = "ivr_holiday")]
    holiday_prompt: Option<String>,
    /// Where they go then, written as `to` of the route; without it the call ends.
    #[schema(example = "voicemail:queue:support")]
    to: Option<String>,
}

/// A route.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteShown {
    /// Its name.
    pub name: String,
    /// Among routes that match equally well the lowest place wins, then the name.
    pub place: u32,
    /// What it does.
    #[serde(flatten)]
    pub rule: Rule,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A new route.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewRoute {
    /// 1 to 32 characters of a-z, 0-9, - and _.
    #[schema(example = "main-line")]
    name: String,
    #[serde(default)]
    place: u32,
    #[serde(flatten)]
    rule: Rule,
}

/// A route as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RouteReplacement {
    #[serde(default)]
    place: u32,
    #[serde(flatten)]
    rule: Rule,
}

impl From<Stored<Route>> for RouteShown {
    fn from(stored: Stored<Route>) -> Self {
        let read_only = stored.is_read_only();
        let rule = match stored.value.rule {
            RouteRule::Inbound { trunk, did, to, hours, closed } => Rule::Inbound {
                trunk: trunk.map(|name| name.to_string()),
                did: did.to_string(),
                to: to.to_string(),
                hours: hours.map(|name| name.to_string()),
                closed: closed.map(WhenClosed::from),
            },
            RouteRule::Outbound { prefix, strip, prepend, trunks } => {
                Rule::Outbound { prefix, strip, prepend, trunks: trunks.iter().map(ToString::to_string).collect() }
            }
        };
        Self {
            name: stored.value.name.to_string(),
            place: stored.value.place,
            rule,
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// The routes of the tenant, by name.
#[utoipa::path(get, path = "/routes", tag = "routes", params(PageQuery),
    responses((status = 200, body = Listed<RouteShown>)))]
async fn list_routes(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<RouteShown>>, Problem> {
    list::<Route, _>(&api, &principal, &page).await
}

/// One route.
#[utoipa::path(get, path = "/routes/{name}", tag = "routes", params(("name" = String, Path)),
    responses((status = 200, body = RouteShown)))]
async fn read_route(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<RouteShown>, Problem> {
    read::<Route, _>(&api, &principal, &name).await
}

/// Makes a route to an extension, or by trunks, that are there.
#[utoipa::path(post, path = "/routes", tag = "routes", request_body = NewRoute,
    responses((status = 201, body = RouteShown)))]
async fn create_route(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewRoute>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let name = faults.note("name", new.name.parse::<RouteName>());
    let rule = rule(&mut faults, new.rule);
    faults.check()?;
    let (name, rule) = name.zip(rule).expect("what could not be read was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    check_ends(&mut edit, &rule).await?;
    let stored = edit.tx.create(Route { name, place: new.place, rule }).await?;
    edit.finish(&api).await?;
    let name = stored.value.name.clone();
    Ok(Tagged::<RouteShown>::from(stored).created("/api/v1/routes", name.as_str()))
}

/// Replaces a route by another of its name.
#[utoipa::path(put, path = "/routes/{name}", tag = "routes", params(("name" = String, Path)),
    request_body = RouteReplacement, responses((status = 200, body = RouteShown)))]
async fn replace_route(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(new): Body<RouteReplacement>,
) -> Result<Tagged<RouteShown>, Problem> {
    let mut faults = Faults::default();
    let rule = rule(&mut faults, new.rule);
    faults.check()?;
    let rule = rule.expect("a rule that could not be read was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    let (old, expect) = edit.found::<Route>(&name, &if_match).await?;
    check_ends(&mut edit, &rule).await?;
    let stored = edit.tx.update(Route { name: old.name, place: new.place, rule }, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a route. Running calls go on.
#[utoipa::path(delete, path = "/routes/{name}", tag = "routes", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_route(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    delete::<Route>(&api, &principal, &name, &if_match).await
}

fn rule(faults: &mut Faults, rule: Rule) -> Option<RouteRule> {
    match rule {
        Rule::Inbound { trunk, did, to, hours, closed } => {
            let trunk = trunk.map(|name| faults.note("trunk", name.parse::<TrunkName>()));
            let did = faults.note("did", did.parse::<Did>());
            let to = faults.note("to", to.parse::<RouteTarget>());
            let hours = hours.and_then(|name| faults.note("hours", name.parse::<HoursName>()));
            let closed = closed.map(|closed| when_closed(faults, &closed));
            let of_none = closed.is_some() && hours.is_none();
            faults.require("closed", !of_none, "a route without `hours` is never closed; name the hours, too");
            Some(RouteRule::Inbound { trunk: trunk.flatten(), did: did?, to: to?, hours, closed })
        }
        Rule::Outbound { prefix, strip, prepend, trunks } => {
            faults.note("prefix", check_prefix(&prefix));
            faults.note("prepend", check_prefix(&prepend));
            faults.require("strip", strip <= 24, "at most 24 characters can be cut off: a number has no more");
            let fine = (1..=TRUNKS_MAX).contains(&trunks.len());
            faults.require("trunks", fine, "an outbound route has 1 to 16 trunks");
            let names = trunks.iter().take(TRUNKS_MAX).enumerate();
            let trunks = names.filter_map(|(n, name)| faults.note(&format!("trunks.{n}"), name.parse())).collect();
            Some(RouteRule::Outbound { prefix, strip, prepend, trunks })
        }
    }
}

fn when_closed(faults: &mut Faults, closed: &WhenClosed) -> ClosedRule {
    let mut prompt = |field, name: &Option<String>| faults.note(field, name.as_deref()?.parse::<PromptName>());
    let (open, holiday) =
        (prompt("closed.prompt", &closed.prompt), prompt("closed.holiday_prompt", &closed.holiday_prompt));
    let to = closed.to.as_deref().and_then(|to| faults.note("closed.to", to.parse::<RouteTarget>()));
    ClosedRule { prompt: open, holiday_prompt: holiday, to }
}

impl From<ClosedRule> for WhenClosed {
    fn from(rule: ClosedRule) -> Self {
        let text = |name: Option<PromptName>| name.map(|name| name.to_string());
        Self {
            prompt: text(rule.prompt),
            holiday_prompt: text(rule.holiday_prompt),
            to: rule.to.map(|to| to.to_string()),
        }
    }
}

/// A caller does not wait for more to fail.
const TRUNKS_MAX: usize = 16;

/// A route leads to what is there.
async fn check_ends(edit: &mut Edit, rule: &RouteRule) -> Result<(), Problem> {
    let mut faults = Faults::default();
    match rule {
        RouteRule::Inbound { trunk, did, to, hours, closed } => {
            let free = !edit.tx.is_anothers(did).await?;
            faults.require("did", free, "this number is another tenant's; write one of your own");
            if let Some(name) = trunk {
                check_trunk(edit, &mut faults, "trunk".to_owned(), name).await?;
            }
            check_target(edit, &mut faults, "to", to.destination()).await?;
            if let Some(name) = hours {
                let there = edit.tx.find::<StoredHours>(name.as_str()).await?.is_some();
                faults.require("hours", there, "there are no such opening hours; make them first");
            }
            if let Some(closed) = closed {
                check_closed(edit, &mut faults, closed).await?;
            }
        }
        RouteRule::Outbound { trunks, .. } => {
            for (n, name) in trunks.iter().enumerate() {
                check_trunk(edit, &mut faults, format!("trunks.{n}"), name).await?;
            }
        }
    }
    faults.check()
}

async fn check_closed(edit: &mut Edit, faults: &mut Faults, closed: &ClosedRule) -> Result<(), Problem> {
    let prompts = flow_check::prompts(&mut edit.tx).await?;
    for (field, prompt) in [("closed.prompt", &closed.prompt), ("closed.holiday_prompt", &closed.holiday_prompt)] {
        let there = prompt.as_ref().is_none_or(|name| prompts.contains(name));
        faults.require(field, there, "there is no such prompt; upload it first");
    }
    match &closed.to {
        Some(to) => check_target(edit, faults, "closed.to", to.destination()).await,
        None => Ok(()),
    }
}

async fn check_target(edit: &mut Edit, faults: &mut Faults, field: &str, to: &Destination) -> Result<(), Problem> {
    match to {
        Destination::Extension(number) => {
            let there = edit.tx.find::<Extension>(number.as_str()).await?.is_some();
            faults.require(field, there, "there is no such extension; make it first");
        }
        Destination::Room(number) => {
            let there = edit.tx.find::<Room>(number.as_str()).await?.is_some();
            faults.require(field, there, "there is no such room; make it first");
        }
        Destination::Flow(name) => {
            let there = edit.tx.find::<StoredFlow>(name.as_str()).await?;
            let there = there.is_some_and(|flow| flow.value.published.is_some());
            faults.require(field, there, "there is no such flow, or it was never published; publish it first");
        }
        Destination::Queue(name) => {
            let there = edit.tx.find::<Queue>(name.as_str()).await?.is_some();
            faults.require(field, there, "there is no such queue; make it first");
        }
        Destination::Voicemail(Mailbox::Extension(number)) => {
            let there = edit.tx.find::<Extension>(number.as_str()).await?.is_some();
            faults.require(field, there, "there is no such extension; make it first");
        }
        Destination::Voicemail(Mailbox::Queue(name)) => {
            let there = edit.tx.find::<Queue>(name.as_str()).await?.is_some();
            faults.require(field, there, "there is no such queue; make it first");
        }
        // By which trunk it goes is seen when somebody calls: the outbound routes may come later.
        Destination::Outside(_) | Destination::EchoTest => {}
    }
    Ok(())
}

async fn check_trunk(edit: &mut Edit, faults: &mut Faults, field: String, name: &TrunkName) -> Result<(), Problem> {
    let there = edit.tx.find::<Trunk>(name.as_str()).await?.is_some();
    faults.require(&field, there, "there is no such trunk; make it first");
    Ok(())
}
