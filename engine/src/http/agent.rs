//! `agents`: who takes calls, as it is set and as it stands. What is ordered of an agent is in [`super::agent_order`].

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::flow::node::Node;
use hooks::fact::{AgentState, CallStatus, Console, Sign, Talk, Way};
use serde::{Deserialize, Serialize};
use switch::view::AgentView;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{AGENTS_READ, AGENTS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged};
use super::state::Api;
use super::time_text::Instant;
use crate::store::agents::{Agent, MISSED_LIMIT_MAX};
use crate::store::employees::{Employee, Employment};
use crate::store::extensions::Extension;
use crate::store::queues::Queue;
use crate::store::setting::Stored;

/// The operations on agents as they are set.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(AGENTS_READ), routes!(list_agents))
        .add(Guard::Needs(AGENTS_READ), routes!(read_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(create_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(replace_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(delete_agent))
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentShown {
    /// As it is set.
    #[serde(flatten)]
    pub settings: Agent,
    /// The employee's name; null for one who has left and is an agent no more.
    pub name: Option<String>,
    /// As the agent stands; null where the switch does not know the agent (yet).
    pub live: Option<AgentLive>,
    /// It comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// An agent at an instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentLive {
    /// The state (AGT-01).
    pub state: StateName,
    /// Since when.
    pub since: Instant,
    /// The status of the call beside it (AGT-11).
    pub call_status: CallStatusName,
    /// What a connected agent does.
    pub talk: Option<TalkName>,
    /// The calls that the agent takes part in, ULIDs, the first one first.
    pub calls: Vec<String>,
    /// The extension signed in on.
    pub extension: Option<String>,
    /// How the agent is signed in.
    pub sign: SignName,
    /// With which kind of phone the console was opened; null where it is not.
    pub way: Option<WayName>,
    /// The state chosen for after the call.
    pub kept: Option<StateName>,
}

/// The five states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Online; idle while there is no call.
    Ready,
    /// Busy.
    NotReady,
    /// Break.
    OnBreak,
    /// Wrap-up.
    WrapUp,
    /// Offline.
    Offline,
}

/// The status of an agent's call.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatusName {
    /// No call.
    None,
    /// The agent dials.
    Dialling,
    /// A call is offered.
    Ringing,
    /// Connected; `talk` says more.
    Connected,
}

/// What a connected agent does.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TalkName {
    /// Talks.
    Talking,
    /// The other side is held.
    Held,
    /// Asks somebody else meanwhile.
    Consulting,
    /// Three talk.
    ThreeWay,
}

/// How an agent is signed in.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignName {
    /// Not at all.
    Out,
    /// By the phone that was named at the sign-in.
    Phone,
    /// By mobile.
    Mobile,
}

/// A kind of phone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayName {
    /// The phone in the browser.
    Web,
    /// A phone on the desk.
    Desk,
}

impl From<AgentState> for StateName {
    fn from(state: AgentState) -> Self {
        match state {
            AgentState::Ready => Self::Ready,
            AgentState::NotReady => Self::NotReady,
            AgentState::OnBreak => Self::OnBreak,
            AgentState::WrapUp => Self::WrapUp,
            AgentState::Offline => Self::Offline,
        }
    }
}

impl From<StateName> for AgentState {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Ready => Self::Ready,
            StateName::NotReady => Self::NotReady,
            StateName::OnBreak => Self::OnBreak,
            StateName::WrapUp => Self::WrapUp,
            StateName::Offline => Self::Offline,
        }
    }
}

impl From<Way> for WayName {
    fn from(way: Way) -> Self {
        match way {
            Way::Web => Self::Web,
            Way::Desk => Self::Desk,
        }
    }
}

impl From<WayName> for Way {
    fn from(way: WayName) -> Self {
        match way {
            WayName::Web => Self::Web,
            WayName::Desk => Self::Desk,
        }
    }
}

impl From<Talk> for TalkName {
    fn from(talk: Talk) -> Self {
        match talk {
            Talk::Talking => Self::Talking,
            Talk::Held => Self::Held,
            Talk::Consulting => Self::Consulting,
            Talk::ThreeWay => Self::ThreeWay,
        }
    }
}

impl From<&AgentView> for AgentLive {
    fn from(view: &AgentView) -> Self {
        let (call_status, talk) = match view.call_status {
            CallStatus::None => (CallStatusName::None, None),
            CallStatus::Dialling => (CallStatusName::Dialling, None),
            CallStatus::Ringing => (CallStatusName::Ringing, None),
            CallStatus::Connected(talk) => (CallStatusName::Connected, Some(talk.into())),
        };
        let (sign, way) = match view.sign {
            Sign::Out => (SignName::Out, None),
            Sign::Phone(way) => (SignName::Phone, Some(way)),
            Sign::Mobile(Console::Closed) => (SignName::Mobile, None),
            Sign::Mobile(Console::Open(way) | Console::Returned(way)) => (SignName::Mobile, Some(way)),
        };
        Self {
            state: view.state.into(),
            since: Instant(view.since_ms),
            call_status,
            talk,
            calls: view.calls.iter().map(ToString::to_string).collect(),
            extension: view.extension.clone(),
            sign,
            way: way.map(WayName::from),
            kept: view.kept.map(StateName::from),
        }
    }
}

fn shown(api: &Api, principal: &Principal, stored: Stored<Agent>, name: Option<String>) -> AgentShown {
    let live = api.live().agent(&principal.tenant, stored.value.employee_no.as_str());
    AgentShown {
        name,
        live: live.map(|view| AgentLive::from(&*view)),
        read_only: stored.is_read_only(),
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
        settings: stored.value,
    }
}

/// With the employee's name, if the employee works here.
async fn tagged(api: &Api, principal: &Principal, stored: Stored<Agent>) -> Result<Tagged<AgentShown>, Problem> {
    let employee = api.store().find::<Employee>(&principal.tenant, stored.value.employee_no.as_str()).await?;
    let name = employee.map(|it| it.value).filter(|it| it.employment == Employment::Active).map(|it| it.name);
    Ok(Tagged::<Stored<Agent>>::from(stored).map(|stored| shown(api, principal, stored, name)))
}

/// The agents of the tenant, by employee number.
#[utoipa::path(get, path = "/agents", tag = "agents", params(PageQuery),
    responses((status = 200, body = Listed<AgentShown>)))]
async fn list_agents(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<AgentShown>>, Problem> {
    let rows = api.store().list::<Agent>(&principal.tenant, &page.ask()?).await?;
    let names = api.store().agent_names(&principal.tenant).await?;
    let show = |stored: Stored<Agent>| {
        let name = names.get(stored.value.employee_no.as_str()).cloned();
        shown(&api, &principal, stored, name)
    };
    Ok(Json(Listed::from_store(rows, show)))
}

/// One agent.
#[utoipa::path(get, path = "/agents/{number}", tag = "agents", params(("number" = String, Path)),
    responses((status = 200, body = AgentShown)))]
async fn read_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<Tagged<AgentShown>, Problem> {
    let stored = api.store().get::<Agent>(&principal.tenant, &number).await?;
    tagged(&api, &principal, stored).await
}

/// Makes an employee an agent.
#[utoipa::path(post, path = "/agents", tag = "agents", request_body = Agent,
    responses((status = 201, body = AgentShown)))]
async fn create_agent(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<Agent>,
) -> Result<impl IntoResponse, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    check(&mut edit, &new).await?;
    let stored = edit.tx.create(new).await?;
    edit.finish(&api).await?;
    let number = stored.value.employee_no.clone();
    Ok(tagged(&api, &principal, stored).await?.created("/api/v1/agents", number.as_str()))
}

/// Replaces what is set for an agent. Who is signed in stays so.
#[utoipa::path(put, path = "/agents/{number}", tag = "agents", params(("number" = String, Path)),
    request_body = Agent, responses((status = 200, body = AgentShown)))]
async fn replace_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
    Body(new): Body<Agent>,
) -> Result<Tagged<AgentShown>, Problem> {
    let mut faults = Faults::default();
    faults.require("employee_no", new.employee_no.as_str() == number, "name the same agent as in the path");
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Agent>(&number, &if_match).await?;
    check(&mut edit, &new).await?;
    let stored = edit.tx.update(new, expect).await?;
    edit.finish(&api).await?;
    tagged(&api, &principal, stored).await
}

/// Makes an agent an ordinary employee again, where no queue and no flow names the agent. Who is signed in is signed out; a running
/// call goes on.
#[utoipa::path(delete, path = "/agents/{number}", tag = "agents", params(("number" = String, Path)),
    responses((status = 204)))]
async fn delete_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (agent, expect) = edit.found::<Agent>(&number, &if_match).await?;
    let queues = edit.tx.all::<Queue>().await?;
    let has = |queue: &&Stored<Queue>| queue.value.members.iter().any(|member| member.agent == agent.employee_no);
    if let Some(queue) = queues.iter().find(has) {
        let detail = format!("queue {} has the agent as a member; take the agent out of it first", queue.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    for version in api.store().published_flows(&principal.tenant).await? {
        let rings = |node: &Node| matches!(node, Node::Agent(ring) if ring.number.fixed() == Some(number.as_str()));
        if version.definition.nodes.values().any(rings) {
            let detail = format!("flow {} rings the agent; change that first", version.flow);
            return Err(Problem::new(Kind::InUse, detail));
        }
    }
    edit.tx.delete::<Agent>(&number, expect).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The employee works here, and the extension is there.
async fn check(edit: &mut Edit, agent: &Agent) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let limit = agent.missed_limit <= MISSED_LIMIT_MAX;
    faults.require("missed_limit", limit, "a limit of missed offers is 0 to 10; 0 is never");
    let employee = edit.tx.find::<Employee>(agent.employee_no.as_str()).await?;
    let works = employee.is_some_and(|it| it.value.employment == Employment::Active);
    faults.require("employee_no", works, "there is no such employee, or the employee has left; make the account first");
    if let Some(extension) = &agent.extension {
        let there = edit.tx.find::<Extension>(extension.as_str()).await?.is_some();
        faults.require("extension", there, "there is no such extension; make it first");
    }
    faults.check()
}
