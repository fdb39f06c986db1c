//! `flows`: what callers go through (IVR-03). A draft is saved as it is, with what is wrong with it; a draft without problems is
//! published as a version, which never changes. New calls walk the last version, calls that run go on in theirs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialplan::flow::Flow;
use dialplan::flow::check::Problem as FlowProblem;
use dialplan::flow::draw::draw;
use dialplan::flow::name::FlowName;
use dialplan::flow::node::Node;
use dialplan::flow::rehearse::{Line, What};
use dialplan::plan::Destination;
use serde::{Deserialize, Serialize};
use switch::config::Overflow;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{FLOWS_READ, FLOWS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::setting::{Edit, Tagged, list};
use super::state::Api;
use super::time_text::Instant;
use crate::flow_check;
use crate::rehearsal::Rehearsal;
use crate::store::flows::{FlowVersion, StoredFlow};
use crate::store::hours::StoredHours;
use crate::store::queues::Queue;
use crate::store::routes::Route;
use crate::store::setting::{Setting, Stored};
use crate::store::unix_ms;

/// The operations on flows.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(FLOWS_READ), routes!(list_flows))
        .add(Guard::Needs(FLOWS_READ), routes!(read_flow))
        .add(Guard::Needs(FLOWS_WRITE), large(routes!(save_flow)))
        .add(Guard::Needs(FLOWS_WRITE), routes!(publish_flow))
        .add(Guard::Needs(FLOWS_WRITE), routes!(delete_flow))
        .add(Guard::Needs(FLOWS_READ), routes!(read_flow_version))
        .add(Guard::Needs(FLOWS_READ), routes!(draw_flow))
        .add(Guard::Needs(FLOWS_READ), routes!(simulate_flow))
}

/// A flow has up to 500 nodes.
fn large((schemas, paths, methods): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    (schemas, paths, methods.layer(DefaultBodyLimit::max(FLOW_BYTES_MAX)))
}

/// Half a kilobyte a node, and some.
const FLOW_BYTES_MAX: usize = 512 * 1024;

/// A flow, without what is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowListed {
    /// Its name, by which routes (`flow:main`) and other flows lead to it.
    #[schema(example = "main")]
    pub name: String,
    /// Its name for people; may be empty.
    pub title: String,
    /// The version that new calls walk; null: none.
    pub published: Option<u32>,
    /// There is a draft.
    pub has_draft: bool,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A flow with its draft, or with its published version where nothing has been changed since.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowShown {
    #[serde(flatten)]
    about: FlowListed,
    /// The flow: `start` and `nodes`, as in the files that `switchboard simulate` reads.
    #[schema(value_type = Object)]
    flow: Option<Flow>,
    /// Why the draft cannot be published.
    problems: Vec<FlowFault>,
}

/// A version of a flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowVersionShown {
    /// Its number, from 1.
    number: u32,
    /// The flow.
    #[schema(value_type = Object)]
    flow: Flow,
    /// When it was published.
    published_at: Instant,
}

/// Something that is wrong with a flow.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlowFault {
    /// At this node; null where the whole flow is meant.
    node: Option<String>,
    /// What, and how to mend it.
    what: String,
}

/// What shall be drawn.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// A version; the draft where it is left out, else what is published.
    version: Option<u32>,
}

impl From<Stored<StoredFlow>> for FlowListed {
    fn from(stored: Stored<StoredFlow>) -> Self {
        let read_only = stored.is_read_only();
        let value = stored.value;
        Self {
            name: value.name.to_string(),
            title: value.title,
            published: value.published,
            has_draft: value.draft.is_some(),
            read_only,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

impl From<FlowProblem> for FlowFault {
    fn from(problem: FlowProblem) -> Self {
        Self { node: problem.node, what: problem.what }
    }
}

/// The flows of the tenant, by name.
#[utoipa::path(get, path = "/flows", tag = "flows", params(PageQuery),
    responses((status = 200, body = Listed<FlowListed>)))]
async fn list_flows(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<FlowListed>>, Problem> {
    list::<StoredFlow, _>(&api, &principal, &page).await
}

/// One flow.
#[utoipa::path(get, path = "/flows/{name}", tag = "flows", params(("name" = String, Path)),
    responses((status = 200, body = FlowShown)))]
async fn read_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<FlowShown>, Problem> {
    let stored = api.store().get::<StoredFlow>(&principal.tenant, &name).await?;
    show(&api, &principal, stored).await
}

/// Saves the draft of a flow, which is made if there is none; what hinders its publication is in `problems`.
#[utoipa::path(put, path = "/flows/{name}", tag = "flows", params(("name" = String, Path)),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = FlowShown), (status = 201, body = FlowShown)))]
async fn save_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(flow): Body<serde_json::Value>,
) -> Result<Response, Problem> {
    let flow = Flow::read(flow).map_err(invalid)?;
    if flow.name.as_str() != name {
        return Err(Problem::invalid(vec![FieldError::new("name", "it is another name than that of the path")]));
    }
    let mut edit = Edit::begin(&api, &principal).await?;
    let title = flow.title.clone();
    let (stored, is_new) = match edit.tx.find::<StoredFlow>(&name).await? {
        None => {
            let new = StoredFlow { name: flow.name.clone(), title, draft: Some(flow), published: None };
            (edit.tx.create(new).await?, true)
        }
        Some(before) => {
            let expect = if_match.expect(before.version)?;
            let changed = StoredFlow { title, draft: Some(flow), ..before.value };
            (edit.tx.update(changed, expect).await?, false)
        }
    };
    edit.finish(&api).await?;
    let shown = show(&api, &principal, stored).await?;
    Ok(if is_new { shown.created("/api/v1/flows", &name).into_response() } else { shown.into_response() })
}

/// Publishes the draft of a flow as a version: new calls walk it from now on.
#[utoipa::path(post, path = "/flows/{name}/publish", tag = "flows", params(("name" = String, Path)),
    responses((status = 200, body = FlowShown)))]
async fn publish_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<Tagged<FlowShown>, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (flow, expect) = edit.found::<StoredFlow>(&name, &if_match).await?;
    let Some(draft) = flow.draft.clone() else {
        return Err(Problem::new(Kind::Refused, "there is no draft to publish; save one first"));
    };
    let problems = problems(&api, &principal, &draft).await?;
    if !problems.is_empty() {
        return Err(invalid(problems));
    }
    let number = flow.published.map_or(1, |last| last + 1);
    edit.tx.create(FlowVersion { flow: flow.name.clone(), number, definition: draft }).await?;
    let stored = edit.tx.update(StoredFlow { draft: None, published: Some(number), ..flow }, expect).await?;
    edit.finish(&api).await?;
    show(&api, &principal, stored).await
}

/// Deletes a flow with its versions, where no route and no other flow leads to it. Calls in it go on.
#[utoipa::path(delete, path = "/flows/{name}", tag = "flows", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (flow, expect) = edit.found::<StoredFlow>(&name, &if_match).await?;
    let routes = edit.tx.all::<Route>().await?;
    if let Some(route) = routes.iter().find(|route| leads_to(&route.value, &flow.name)) {
        let detail = format!("route {} leads to it; change or delete the route first", route.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    for FlowVersion { flow: other, definition, .. } in api.store().published_flows(&principal.tenant).await? {
        let calls = |node: &Node| matches!(node, Node::Subflow(into) if into.flow == flow.name);
        if other != flow.name && definition.nodes.values().any(calls) {
            return Err(Problem::new(Kind::InUse, format!("flow {other} leads to it; change that first")));
        }
    }
    let overflows = |queue: &Stored<Queue>| queue.value.rules.steps().contains(&Overflow::Flow(flow.name.clone()));
    if let Some(queue) = edit.tx.all::<Queue>().await?.iter().find(|queue| overflows(queue)) {
        let detail = format!("queue {} overflows to it; change that first", queue.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.tx.delete_flow(&flow, expect).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A version of a flow.
#[utoipa::path(get, path = "/flows/{name}/versions/{number}", tag = "flows",
    params(("name" = String, Path), ("number" = u32, Path)), responses((status = 200, body = FlowVersionShown)))]
async fn read_flow_version(
    State(api): State<Api>,
    principal: Principal,
    Path((name, number)): Path<(String, u32)>,
) -> Result<Json<FlowVersionShown>, Problem> {
    let stored = api.store().get::<FlowVersion>(&principal.tenant, &FlowVersion::id(&name, number)).await?;
    let FlowVersion { number, definition, .. } = stored.value;
    Ok(Json(FlowVersionShown { number, flow: definition, published_at: Instant(stored.created_at_ms) }))
}

/// A drawing of a flow (SVG).
#[utoipa::path(get, path = "/flows/{name}/picture", tag = "flows", params(("name" = String, Path), Picture),
    responses((status = 200, content_type = "image/svg+xml", body = String)))]
async fn draw_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    Query(picture): Query<Picture>,
) -> Result<Response, Problem> {
    let flow = match picture.version {
        Some(number) => Some(version(&api, &principal, &name, number).await?),
        None => {
            let stored = api.store().get::<StoredFlow>(&principal.tenant, &name).await?;
            standing(&api, &principal, &stored.value).await?
        }
    };
    let flow = flow.ok_or_else(|| Problem::not_found(FlowVersion::RESOURCE))?;
    let svg = [(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"))];
    Ok((svg, draw(&flow)).into_response())
}

/// What a caller does in a flow that is tried, and what everybody else does. What is left out has its default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Simulation {
    /// A version; the draft where it is left out, else what is published.
    version: Option<u32>,
    /// Keys pressed, a group each time the flow waits for keys: `1,2#` is 1 at the first, 2 and # at the second.
    #[schema(example = "1,2#")]
    keys: String,
    /// The caller's number.
    caller: String,
    /// The number called.
    called: String,
    /// The language that it begins with: `zh-CN` or `en`.
    language: String,
    /// How queues are left: `answered`, `max_wait`, `full`, `nobody`.
    queue: String,
    /// How ringing somebody ends: `answered`, `busy`, `no_answer`, `failed`.
    dial: String,
    /// What servers answer, one after the other.
    #[schema(value_type = Vec<Object>)]
    answers: Vec<serde_json::Value>,
    /// Opening hours in another state than they are in at that time: `office=closed`.
    #[schema(example = json!(["office=holiday"]))]
    hours: Vec<String>,
    /// Figures of queues: `sales.waiting=12`, `.longest_wait_s`, `.signed_in`, `.idle`; else nobody waits and one agent is idle.
    figures: Vec<String>,
    /// When the call comes; now where it is left out.
    at: Option<Instant>,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            version: None,
            keys: String::new(),
            caller: "13800138000".to_owned(),
            called: "+861012345678".to_owned(),
            language: "zh-CN".to_owned(),
            queue: "answered".to_owned(),
            dial: "answered".to_owned(),
            answers: Vec::new(),
            hours: Vec::new(),
            figures: Vec::new(),
            at: None,
        }
    }
}

/// What went on while a flow was tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct Simulated {
    /// In order; the last one ends the call.
    lines: Vec<SimulatedLine>,
}

/// One thing that went on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SimulatedLine {
    /// Since the call began; how long prompts take is guessed.
    at_ms: u64,
    /// Where the caller was.
    node: Option<String>,
    /// The flow did it; else it happened to it.
    by_flow: bool,
    /// What.
    #[schema(example = "play zh-CN [ivr_welcome]")]
    what: String,
}

impl From<Line> for SimulatedLine {
    fn from(line: Line) -> Self {
        let (by_flow, what) = match line.what {
            What::Does(what) => (true, what),
            What::Happens(what) => (false, what),
        };
        let at_ms = u64::try_from(line.at.as_millis()).unwrap_or(u64::MAX);
        Self { at_ms, node: line.node.map(|node| node.to_string()), by_flow, what }
    }
}

/// Tries a flow without a phone, as `switchboard simulate` does: its draft, with the published flows and the opening hours of the
/// tenant. Nothing is rung, asked or written.
#[utoipa::path(post, path = "/flows/{name}/simulate", tag = "flows", params(("name" = String, Path)),
    request_body = Simulation, responses((status = 200, body = Simulated)))]
async fn simulate_flow(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    Body(asked): Body<Simulation>,
) -> Result<Json<Simulated>, Problem> {
    let flow = match asked.version {
        Some(number) => Some(version(&api, &principal, &name, number).await?),
        None => {
            let stored = api.store().get::<StoredFlow>(&principal.tenant, &name).await?;
            standing(&api, &principal, &stored.value).await?
        }
    };
    let flow = flow.ok_or_else(|| Problem::not_found(FlowVersion::RESOURCE))?;
    let published = api.store().published_flows(&principal.tenant).await?;
    let others = published.into_iter().map(|version| (version.flow, Arc::new(version.definition)));
    let name = flow.name.clone();
    let flows = others.chain([(name.clone(), Arc::new(flow))]).collect();
    let hours = api.store().all::<StoredHours>(&principal.tenant).await?;
    let hours = hours.into_iter().map(|stored| (stored.value.name, stored.value.hours)).collect();
    let at_ms = asked.at.map_or_else(unix_ms, |at| at.0);
    let Simulation { keys, caller, called, language, queue, dial, answers, hours: said, figures, .. } = asked;
    let rehearsal = Rehearsal { keys, caller, called, language, queue, dial, answers, hours: said, figures };
    let lines = rehearsal.walk(&name, &flows, &hours, i64::try_from(at_ms).unwrap_or(i64::MAX));
    let lines = lines.map_err(|wrong| {
        let field = if wrong.field == "figure" { "figures" } else { wrong.field };
        Problem::invalid(vec![FieldError::new(field, wrong.what)])
    })?;
    Ok(Json(Simulated { lines: lines.into_iter().map(SimulatedLine::from).collect() }))
}

async fn show(api: &Api, principal: &Principal, stored: Stored<StoredFlow>) -> Result<Tagged<FlowShown>, Problem> {
    let flow = standing(api, principal, &stored.value).await?;
    let problems = match &stored.value.draft {
        Some(draft) => problems(api, principal, draft).await?,
        None => Vec::new(),
    };
    let problems = problems.into_iter().map(FlowFault::from).collect();
    Ok(Tagged::<FlowListed>::from(stored).map(|about| FlowShown { about, flow, problems }))
}

/// What there is to be seen of a flow: its draft, else what is published.
async fn standing(api: &Api, principal: &Principal, stored: &StoredFlow) -> Result<Option<Flow>, Problem> {
    match (&stored.draft, stored.published) {
        (Some(draft), _) => Ok(Some(draft.clone())),
        (None, Some(number)) => version(api, principal, stored.name.as_str(), number).await.map(Some),
        (None, None) => Ok(None),
    }
}

async fn version(api: &Api, principal: &Principal, name: &str, number: u32) -> Result<Flow, Problem> {
    let stored = api.store().get::<FlowVersion>(&principal.tenant, &FlowVersion::id(name, number)).await?;
    Ok(stored.value.definition)
}

/// What is wrong with a flow in this tenant.
async fn problems(api: &Api, principal: &Principal, flow: &Flow) -> Result<Vec<FlowProblem>, Problem> {
    let mut standing = flow_check::Standing { store: api.store(), tenant: &principal.tenant };
    let mut known = flow_check::known(&mut standing).await?;
    known.flows.remove(&flow.name);
    Ok(flow_check::problems(flow, &known))
}

fn leads_to(route: &Route, name: &FlowName) -> bool {
    route.targets().any(|to| matches!(to, Destination::Flow(flow) if flow == name))
}

fn invalid(problems: Vec<FlowProblem>) -> Problem {
    let field = |problem: &FlowProblem| problem.node.as_ref().map_or("flow".to_owned(), |node| format!("nodes.{node}"));
    Problem::invalid(problems.iter().map(|problem| FieldError::new(field(problem), &problem.what)).collect())
}
