//! `queues`: skill groups (技能组) as they are set, and who waits in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::check::Known;
use dialplan::flow::name::{Mailbox, QueueName};
use dialplan::plan::Destination;
use serde::{Deserialize, Serialize};
use switch::config::Overflow;
use switch::input::Command;
use switch::view::QueueView;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{CALLS_CONTROL, QUEUES_READ, QUEUES_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged};
use super::sight::People;
use super::state::Api;
use super::time_text::Instant;
use super::waiting::{WaitingCaller, callers};
use crate::centre::QueueRules;
use crate::flow_check;
use crate::store::agents::Agent;
use crate::store::extensions::Extension;
use crate::store::flows::{FlowVersion, StoredFlow};
use crate::store::queues::Queue;
use crate::store::rooms::Room;
use crate::store::routes::Route;
use crate::store::setting::Stored;
use crate::store::surveys::StoredSurvey;

/// The operations on queues.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(QUEUES_READ), routes!(list_queues))
        .add(Guard::Needs(QUEUES_READ), routes!(read_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(create_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(change_queue))
        .add(Guard::Needs(QUEUES_WRITE), routes!(delete_queue))
        .add(Guard::Needs(CALLS_CONTROL), routes!(cancel_callback))
}

/// A queue: what it does, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueShown {
    /// Its name.
    #[schema(example = "support")]
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub rules: QueueRules,
    /// How it stands now.
    pub now: QueueNow,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// How a queue stands.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct QueueNow {
    /// Callers who wait, those who are being offered included.
    pub waiting: u32,
    /// The first 100 of them, in their order.
    pub callers: Vec<WaitingCaller>,
    /// Those who are to be called back, the first to be called first. They are not counted in `waiting`.
    pub callbacks: Vec<WaitingCallback>,
    /// Members who are signed in.
    pub signed_in: u32,
    /// Of these, those who are idle.
    pub idle: u32,
    /// Callers who entered since the process started, at most since the day began.
    pub entered: u64,
    /// Of these, answered by an agent.
    pub answered: u64,
    /// Of these, within the target.
    pub within_target: u64,
    /// Hung up while they waited.
    pub abandoned: u64,
    /// Left by time-out or overflow.
    pub overflowed: u64,
    /// Asked to be called back.
    pub called_back: u64,
    /// The mean wait of those answered, ms.
    pub mean_wait_ms: u64,
}

/// Somebody who is to be called back.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingCallback {
    /// The call in which he asked for it; names the callback.
    pub call: String,
    /// His number.
    #[schema(extensions(("x-field" = json!("callbacks.number"))))]
    pub number: String,
    /// Since when he waits.
    pub since: Instant,
    /// How often he was called.
    pub attempts: u8,
    /// The call to him that is under way: an agent is rung for it, or has answered.
    pub under_way: Option<String>,
}

/// A new queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQueue {
    /// 1 to 64 characters of a-z, 0-9, _ and -.
    #[schema(example = "sales")]
    name: String,
    /// What it does.
    #[serde(default)]
    rules: QueueRules,
}

impl QueueNow {
    fn of(api: &Api, view: &QueueView, people: &People) -> Self {
        let today = view.today;
        let callback = |it: &switch::view::CallbackView| WaitingCallback {
            call: it.call.to_string(),
            number: it.number.clone(),
            since: Instant(it.since_ms),
            attempts: it.attempts,
            under_way: it.under_way.map(|call| call.to_string()),
        };
        Self {
            callbacks: view.callbacks.iter().map(callback).collect(),
            waiting: view.waiting,
            callers: callers(api.live(), view, people),
            signed_in: view.signed_in,
            idle: view.idle,
            entered: today.entered,
            answered: today.answered,
            within_target: today.within_target,
            abandoned: today.abandoned,
            overflowed: today.overflowed,
            called_back: today.called_back,
            mean_wait_ms: today.answered_wait_ms.checked_div(today.answered).unwrap_or(0),
        }
    }
}

fn shown(api: &Api, principal: &Principal, people: &People, stored: Stored<Queue>) -> QueueShown {
    let read_only = stored.is_read_only();
    let view = api.live().queue(&principal.tenant, stored.value.name.as_str());
    QueueShown {
        name: stored.value.name.to_string(),
        rules: stored.value.rules,
        now: view.map(|view| QueueNow::of(api, &view, people)).unwrap_or_default(),
        read_only,
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
    }
}

async fn tagged(api: &Api, principal: &Principal, stored: Stored<Queue>) -> Result<Tagged<QueueShown>, Problem> {
    let people = People::of(api, principal).await?;
    Ok(Tagged::<Stored<Queue>>::from(stored).map(|stored| shown(api, principal, &people, stored)))
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
    let people = People::of(&api, &principal).await?;
    Ok(Json(Listed::from_store(rows, |stored| shown(&api, &principal, &people, stored))))
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
    tagged(&api, &principal, stored).await
}

/// Makes a queue.
#[utoipa::path(post, path = "/queues", tag = "queues", request_body = NewQueue,
    responses((status = 201, body = QueueShown)))]
async fn create_queue(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewQueue>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let name = faults.note("name", new.name.parse::<QueueName>());
    check_rules(&mut faults, &new.rules);
    faults.check()?;
    let name = name.expect("a name that is none was noted as a fault");
    let queue = Queue { name: name.clone(), rules: new.rules };
    let mut edit = Edit::begin(&api, &principal).await?;
    check_ends(&mut edit, &queue).await?;
    let stored = edit.tx.create(queue).await?;
    edit.finish(&api).await?;
    Ok(tagged(&api, &principal, stored).await?.created("/api/v1/queues", name.as_str()))
}

/// Sets a queue anew. What is left out has its default. Who waits keeps his place.
#[utoipa::path(put, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)), request_body = QueueRules,
    responses((status = 200, body = QueueShown)))]
async fn change_queue(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
    Body(rules): Body<QueueRules>,
) -> Result<Tagged<QueueShown>, Problem> {
    let mut faults = Faults::default();
    check_rules(&mut faults, &rules);
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (queue, expect) = edit.found::<Queue>(&name, &if_match).await?;
    let queue = Queue { rules, ..queue };
    check_ends(&mut edit, &queue).await?;
    let stored = edit.tx.update(queue, expect).await?;
    edit.finish(&api).await?;
    tagged(&api, &principal, stored).await
}

/// Deletes a queue to which nothing leads. Who waits in it is told that nobody is there.
#[utoipa::path(delete, path = "/queues/{name}", tag = "queues", params(("name" = String, Path)), responses((status = 204)))]
async fn delete_queue(
    State(api): State<Api>,
    principal: Principal,
    Path(name): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (queue, expect) = edit.found::<Queue>(&name, &if_match).await?;
    if let Some(detail) = used_by(&api, &principal, &mut edit, &queue.name).await? {
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Queue>(&api, &name, expect).await
}

/// Calls back no more who asked for it; the call to him that is under way ends.
#[utoipa::path(delete, path = "/queues/{name}/callbacks/{call}", tag = "queues",
    params(("name" = String, Path), ("call" = String, Path)), responses((status = 204)))]
async fn cancel_callback(
    State(api): State<Api>,
    principal: Principal,
    Path((name, call)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let queue = name.parse::<QueueName>().map_err(|_| Problem::not_found("queue"))?;
    let callback = call.parse().map_err(|_| Problem::not_found("callback"))?;
    let by = principal.by();
    api.switch().command(principal.tenant, Command::CancelCallback { queue, callback, by }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The queue that phones call by that number.
pub(super) async fn numbered(edit: &mut Edit, number: &str) -> Result<Option<Queue>, Problem> {
    let queues = edit.tx.all::<Queue>().await?;
    let is_its = |queue: &Stored<Queue>| queue.value.rules.number.as_deref() == Some(number);
    Ok(queues.into_iter().find(is_its).map(|queue| queue.value))
}

/// What leads to a queue.
async fn used_by(
    api: &Api,
    principal: &Principal,
    edit: &mut Edit,
    name: &QueueName,
) -> Result<Option<String>, Problem> {
    let is_it = |to: &Destination| match to {
        Destination::Queue(queue) | Destination::Voicemail(Mailbox::Queue(queue)) => queue == name,
        Destination::Extension(_)
        | Destination::Room(_)
        | Destination::Flow(_)
        | Destination::Voicemail(Mailbox::Extension(_))
        | Destination::Outside(_)
        | Destination::EchoTest => false,
    };
    let leads = |route: &Route| route.targets().any(is_it);
    if let Some(route) = edit.tx.all::<Route>().await?.iter().find(|route| leads(&route.value)) {
        return Ok(Some(format!("route {} leads to it; change or delete the route first", route.value.name)));
    }
    let overflows = |queue: &Queue| queue.name != *name && queue.rules.steps().contains(&Overflow::Queue(name.clone()));
    if let Some(queue) = edit.tx.all::<Queue>().await?.iter().find(|queue| overflows(&queue.value)) {
        return Ok(Some(format!("queue {} overflows to it; change that first", queue.value.name)));
    }
    for FlowVersion { flow, definition, .. } in api.store().published_flows(&principal.tenant).await? {
        if Known::assumed(&[Arc::new(definition)]).queues.contains(name) {
            return Ok(Some(format!("flow {flow} names it; change that first")));
        }
    }
    Ok(None)
}

/// A queue leads to what is there, and its number is its own.
async fn check_ends(edit: &mut Edit, queue: &Queue) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let queues = edit.tx.all::<Queue>().await?;
    if let Some(number) = &queue.rules.number {
        let taken = edit.tx.find::<Extension>(number).await?.is_some() || edit.tx.find::<Room>(number).await?.is_some();
        let other =
            |other: &Stored<Queue>| other.value.name != queue.name && other.value.rules.number.as_ref() == Some(number);
        let fine = !taken && !queues.iter().any(other);
        faults.require("number", fine, "an extension, a room or another queue has this number; take another");
    }
    for member in &queue.rules.members {
        let there = edit.tx.find::<Agent>(&member.agent).await?.is_some();
        faults.require("members", there, &format!("{} is no agent; make the employee one first", member.agent));
    }
    let prompts = flow_check::prompts(&mut edit.tx).await?;
    for step in queue.rules.steps() {
        let there = match &step {
            Overflow::Queue(name) => *name != queue.name && queues.iter().any(|other| other.value.name == *name),
            Overflow::Flow(name) => {
                let flow = edit.tx.find::<StoredFlow>(name.as_str()).await?;
                flow.is_some_and(|flow| flow.value.published.is_some())
            }
            Overflow::Say(prompt) => prompts.contains(prompt),
            Overflow::Number(_) | Overflow::Voicemail => true,
        };
        faults.require("overflow", there, "a step leads to a queue, a published flow or a prompt that is not there");
    }
    if let Some(survey) = &queue.rules.survey {
        let there = edit.tx.find::<StoredSurvey>(survey).await?.is_some();
        faults.require("survey", there, "there is no such survey; make it first");
    }
    let named = [
        ("recording_announcement", &queue.rules.recording_announcement),
        ("welcome", &queue.rules.welcome),
        ("music", &queue.rules.music),
        ("voicemail_greeting", &queue.rules.voicemail_greeting),
        ("agent_announcement", &queue.rules.agent_announcement),
    ];
    for (field, prompt) in named {
        let there = prompt.as_deref().and_then(|name| name.parse().ok()).is_none_or(|name| prompts.contains(&name));
        faults.require(field, there, "there is no such prompt; upload it first");
    }
    faults.check()
}

fn check_rules(faults: &mut Faults, rules: &QueueRules) {
    for (field, wrong) in rules.faults() {
        faults.require(field, false, &wrong);
    }
}
