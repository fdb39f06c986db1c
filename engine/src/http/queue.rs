//! `queues`: where callers wait for agents, as they are set and as they stand.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::check::Known;
use dialplan::number::{AgentNumber, ExtensionNumber};
use dialplan::plan::Destination;
use dialplan::say::PromptName;
use serde::Serialize;
use switch::view::QueueView;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{QUEUES_READ, QUEUES_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged};
use super::state::Api;
use super::time_text::Instant;
use crate::store::agents::Agent;
use crate::store::extensions::Extension;
use crate::store::flows::StoredFlow;
use crate::store::queues::{OverflowTo, Queue};
use crate::store::rooms::Room;
use crate::store::routes::{Route, RouteRule};
use crate::store::setting::Stored;

/// The operations on queues.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(QUEUES_READ), routes!(list_queues))
        .add(Guard::Needs(QUEUES_READ), routes!(read_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(create_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(replace_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(delete_queue))
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueShown {
    /// As it is set.
    #[serde(flatten)]
    pub settings: Queue,
    /// As it stands; null where the switch does not know it (yet).
    pub live: Option<QueueLive>,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A queue at an instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueLive {
    /// Callers who wait, those who are being offered included.
    pub waiting: u32,
    /// The first of them, 100 at most, in their order.
    pub callers: Vec<WaitingCaller>,
    /// Members who are signed in.
    pub signed_in: u32,
    /// Of these, those who are idle.
    pub idle: u32,
    /// What came of those who entered today.
    pub today: QueueFigures,
}

/// Somebody who waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingCaller {
    /// The call, a ULID.
    pub call: String,
    /// Since when.
    pub since: Instant,
}

/// What came of those who entered a queue today.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueFigures {
    /// Entered.
    pub entered: u64,
    /// Answered by an agent.
    pub answered: u64,
    /// Of these within the target.
    pub within_target: u64,
    /// Hung up.
    pub abandoned: u64,
    /// Left by time-out or overflow.
    pub overflowed: u64,
    /// Waited by those who were answered, all together, ms.
    pub answered_wait_ms: u64,
}

impl From<&QueueView> for QueueLive {
    fn from(view: &QueueView) -> Self {
        let caller =
            |it: &switch::view::WaitingView| WaitingCaller { call: it.call.to_string(), since: Instant(it.since_ms) };
        Self {
            waiting: view.waiting,
            callers: view.first.iter().map(caller).collect(),
            signed_in: view.signed_in,
            idle: view.idle,
            today: QueueFigures {
                entered: view.today.entered,
                answered: view.today.answered,
                within_target: view.today.within_target,
                abandoned: view.today.abandoned,
                overflowed: view.today.overflowed,
                answered_wait_ms: view.today.answered_wait_ms,
            },
        }
    }
}

fn shown(api: &Api, principal: &Principal, stored: Stored<Queue>) -> QueueShown {
    let live = api.live().queue(&principal.tenant, stored.value.name.as_str());
    QueueShown {
        live: live.map(|view| QueueLive::from(&*view)),
        read_only: stored.is_read_only(),
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
        settings: stored.value,
    }
}

fn tagged(api: &Api, principal: &Principal, stored: Stored<Queue>) -> Tagged<QueueShown> {
    Tagged::<Stored<Queue>>::from(stored).map(|stored| shown(api, principal, stored))
}

/// The queues of the tenant, by name.
#[utoipa::path(get, path = "/queues", tag = "queues", params(PageQuery),
    responses((status = 200, body = Listed<QueueShown>)))]
async fn list_queues(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<QueueShown>>, Problem> {
    let rows = api.store().list::<Queue>(&principal.tenant, &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, |stored| shown(&api, &principal, stored))))
}

/// One queue.
#[utoipa::path(get, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)),
    responses((status = 200, body = QueueShown)))]
async fn read_queue(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<Tagged<QueueShown>, Problem> {
    let stored = api.store().get::<Queue>(&principal.tenant, &name).await?;
    Ok(tagged(&api, &principal, stored))
}

/// Makes a queue of agents that are there.
#[utoipa::path(post, path = "/queues", tag = "queues", request_body = Queue,
    responses((status = 201, body = QueueShown)))]
async fn create_queue(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<Queue>,
) -> Result<impl IntoResponse, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    check(&api, &principal, &mut edit, &new).await?;
    let stored = edit.tx.create(new).await?;
    edit.finish(&api).await?;
    let name = stored.value.name.clone();
    Ok(tagged(&api, &principal, stored).created("/api/v1/queues", name.as_str()))
}

/// Replaces what is set for a queue. Who waits in it goes on waiting.
#[utoipa::path(put, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)),
    request_body = Queue, responses((status = 200, body = QueueShown)))]
async fn replace_queue(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(new): Body<Queue>,
) -> Result<Tagged<QueueShown>, Problem> {
    let mut faults = Faults::default();
    faults.require("name", new.name.as_str() == name, "name the same queue as in the path");
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Queue>(&name, &if_match).await?;
    check(&api, &principal, &mut edit, &new).await?;
    let stored = edit.tx.update(new, expect).await?;
    edit.finish(&api).await?;
    Ok(tagged(&api, &principal, stored))
}

/// Deletes a queue that no route, no flow and no other queue leads to. Who waits in it leaves it.
#[utoipa::path(delete, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)),
    responses((status = 204)))]
async fn delete_queue(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (queue, expect) = edit.found::<Queue>(&name, &if_match).await?;
    let in_use = |what: String| Err(Problem::new(Kind::InUse, format!("{what} leads to it; change that first")));
    let leads_to = |rule: &RouteRule| match rule {
        RouteRule::Inbound { to, .. } => matches!(to.destination(), Destination::Queue(to) if *to == queue.name),
        RouteRule::Outbound { .. } => false,
    };
    let routes = edit.tx.all::<Route>().await?;
    if let Some(route) = routes.iter().find(|route| leads_to(&route.value.rule)) {
        return in_use(format!("route {}", route.value.name));
    }
    let to = OverflowTo::Queue(queue.name.clone());
    let queues = edit.tx.all::<Queue>().await?;
    if let Some(other) = queues.iter().find(|other| other.value.leads_to(&to)) {
        return in_use(format!("queue {}", other.value.name));
    }
    for version in api.store().published_flows(&principal.tenant).await? {
        if Known::assumed(&[Arc::new(version.definition)]).queues.contains(&queue.name) {
            return in_use(format!("flow {}", version.flow));
        }
    }
    edit.tx.delete::<Queue>(&name, expect).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A queue names only what is there, and nobody else has its number.
async fn check(api: &Api, principal: &Principal, edit: &mut Edit, queue: &Queue) -> Result<(), Problem> {
    let mut faults = Faults::default();
    for (field, wrong) in queue.faults() {
        faults.require(field, false, &wrong);
    }
    if let Some(number) = &queue.number {
        let taken = edit.tx.find::<Extension>(number.as_str()).await?.is_some()
            || edit.tx.find::<Room>(number.as_str()).await?.is_some()
            || has_number(edit, number.as_str()).await?.is_some_and(|other| other.name != queue.name);
        faults.require("number", !taken, "an extension, a room or another queue has this number; take another");
    }
    let prompts = api.prompts().names(&principal.tenant);
    let is_prompt = |name: &PromptName| prompts.contains(name);
    let welcome = queue.welcome.as_ref().and_then(|name| name.parse().ok());
    let known = welcome.as_ref().is_none_or(is_prompt);
    faults.require("welcome", known, "there is no such prompt; upload it first");
    for (n, step) in queue.overflow.iter().enumerate() {
        let there = match &step.to {
            OverflowTo::Queue(other) => edit.tx.find::<Queue>(other.as_str()).await?.is_some(),
            OverflowTo::Flow(flow) => {
                let flow = edit.tx.find::<StoredFlow>(flow.as_str()).await?;
                flow.is_some_and(|flow| flow.value.published.is_some())
            }
            OverflowTo::Prompt(prompt) => is_prompt(prompt),
            OverflowTo::Number(_) => true,
        };
        let wrong = "there is no such queue, published flow or prompt; make it first";
        faults.require(&format!("overflow.{n}.to"), there, wrong);
    }
    let agents: Vec<Stored<Agent>> = edit.tx.all().await?;
    let agents: BTreeSet<&AgentNumber> = agents.iter().map(|agent| &agent.value.employee_no).collect();
    for (n, member) in queue.members.iter().enumerate().filter(|(_, member)| !agents.contains(&member.agent)) {
        let wrong = format!("{} is no agent; make the employee one first", member.agent);
        faults.require(&format!("members.{n}.agent"), false, &wrong);
    }
    faults.check()
}

/// The queue that is called by this number.
///
/// # Errors
/// When the database is away.
pub async fn has_number(edit: &mut Edit, number: &str) -> Result<Option<Queue>, Problem> {
    let queues = edit.tx.all::<Queue>().await?;
    let has = |queue: &Queue| queue.number.as_ref().is_some_and(|own: &ExtensionNumber| own.as_str() == number);
    Ok(queues.into_iter().map(|stored| stored.value).find(has))
}
