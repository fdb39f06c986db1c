//! `agents`: who takes calls, how each stands, and what is ordered of his state (section 4 of the requirements).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::fact::{AgentState, CallStatus, Sign, Way};
use hooks::id::CallId;
use serde::{Deserialize, Serialize};
use switch::agent::Force;
use switch::input::{AgentOrder, Command, SignIn};
use switch::view::AgentView;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{AGENTS_READ, AGENTS_SUPERVISE, AGENTS_WRITE, CALLS_DIAL};
use super::precondition::IfMatch;
use super::principal::{Principal, Who};
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults, Tagged};
use super::sight;
use super::state::Api;
use super::time_text::Instant;
use crate::centre::AgentRules;
use crate::store::agents::Agent;
use crate::store::employees::Employee;
use crate::store::extensions::Extension;
use crate::store::queues::Queue;
use crate::store::setting::{Expect, Setting as _, Stored};

/// The operations. Who may dial may order his own state; others' need [`AGENTS_SUPERVISE`].
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(AGENTS_READ), routes!(list_agents))
        .add(Guard::Needs(AGENTS_READ), routes!(read_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(create_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(change_agent))
        .add(Guard::Needs(AGENTS_WRITE), routes!(delete_agent))
        .add(Guard::Needs(CALLS_DIAL), routes!(sign_in_agent))
        .add(Guard::Needs(CALLS_DIAL), routes!(sign_out_agent))
        .add(Guard::Needs(CALLS_DIAL), routes!(pick_state))
        .add(Guard::Needs(AGENTS_SUPERVISE), routes!(force_state))
        .add(Guard::Needs(CALLS_DIAL), routes!(sign_in_by_mobile))
        .add(Guard::Needs(CALLS_DIAL), routes!(sign_out_of_mobile))
}

/// An agent: how he is treated, and how he stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentShown {
    /// The employee number.
    #[schema(example = "10001")]
    pub agent: String,
    /// How he is treated.
    #[serde(flatten)]
    pub rules: AgentRules,
    /// How he stands now.
    pub now: AgentNow,
    /// He comes from the configuration file and is changed there.
    pub read_only: bool,
    /// When he was made one.
    pub created_at: Instant,
    /// When that was changed last.
    pub updated_at: Instant,
}

/// How an agent stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgentNow {
    /// `ready`, `not_ready`, `on_break`, `wrap_up` or `offline`.
    #[schema(value_type = StateName)]
    pub state: AgentState,
    /// Since when; `None` until he signs in for the first time.
    pub since: Option<Instant>,
    /// `none`, `dialling`, `ringing` or `{"connected": "talking" | "held" | "consulting" | "three_way"}`.
    #[schema(value_type = serde_json::Value)]
    pub call_status: CallStatus,
    /// The calls that he takes part in.
    pub calls: Vec<String>,
    /// The mobile that he is signed in by.
    #[schema(extensions(("x-field" = json!("agents.mobile"))))]
    pub mobile: Option<String>,
    /// He supervises a call of another (MON-29).
    pub supervises: bool,
    /// `out`, `{"phone": "web" | "desk"}` or `{"mobile": ...}`.
    #[schema(value_type = serde_json::Value)]
    pub sign: Sign,
    /// The extension that he is signed in on.
    pub signed_in_on: Option<String>,
    /// The state that he chose for after his call (AGT-10).
    #[schema(value_type = Option<StateName>)]
    pub kept: Option<AgentState>,
}

/// A state that can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// Online (电话在线).
    Ready,
    /// Busy (电话忙碌).
    NotReady,
    /// Break (电话小休).
    OnBreak,
    /// Wrap-up (电话后处理).
    WrapUp,
    /// Offline (电话离线).
    Offline,
}

/// A new agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// The number of an employee.
    #[schema(example = "10001")]
    agent: String,
    /// How he is treated.
    #[serde(default)]
    rules: AgentRules,
}

/// With which phone somebody signs in (PHONE-01).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningIn {
    /// `web` or `desk`.
    way: WayName,
    /// On which extension; his own where none is given.
    extension: Option<String>,
}

/// What kind of phone.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayName {
    /// The phone in the browser (USB耳机).
    Web,
    /// A phone on the desk (外置电话机).
    Desk,
}

/// A state to be in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatePick {
    /// From offline only `ready`; during a call it is kept for after it (AGT-10).
    state: StateName,
}

/// A state that a supervisor forces (AGT-16).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateForce {
    /// `not_ready` (强置忙), `ready` (强置闲) or `sign_out` (强签出).
    force: ForceName,
}

/// What a supervisor forces.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForceName {
    /// Busy.
    NotReady,
    /// Idle.
    Ready,
    /// Signed out.
    SignOut,
}

/// A mobile to sign in by.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MobileSigningIn {
    /// That of his settings where none is given.
    mobile: Option<String>,
}

impl From<StateName> for AgentState {
    fn from(name: StateName) -> Self {
        match name {
            StateName::Ready => Self::Ready,
            StateName::NotReady => Self::NotReady,
            StateName::OnBreak => Self::OnBreak,
            StateName::WrapUp => Self::WrapUp,
            StateName::Offline => Self::Offline,
        }
    }
}

impl From<ForceName> for Force {
    fn from(name: ForceName) -> Self {
        match name {
            ForceName::NotReady => Self::Busy,
            ForceName::Ready => Self::Ready,
            ForceName::SignOut => Self::SignOut,
        }
    }
}

impl AgentNow {
    pub(super) fn of(view: Option<&AgentView>) -> Self {
        let state = view.map_or(AgentState::Offline, |view| view.state);
        Self {
            state,
            since: view.map(|view| Instant(view.since_ms)),
            call_status: view.map_or(CallStatus::None, |view| view.call_status),
            calls: view.map(|view| view.calls.iter().map(CallId::to_string).collect()).unwrap_or_default(),
            mobile: view.and_then(|view| view.mobile.clone()),
            supervises: view.is_some_and(|view| view.supervises),
            sign: view.map_or(Sign::Out, |view| view.sign),
            signed_in_on: view.and_then(|view| view.extension.clone()),
            kept: view.and_then(|view| view.kept),
        }
    }
}

fn shown(api: &Api, principal: &Principal, stored: Stored<Agent>) -> AgentShown {
    let read_only = stored.is_read_only();
    let view = api.live().agent(&principal.tenant, stored.value.agent.as_str());
    AgentShown {
        agent: stored.value.agent.to_string(),
        rules: stored.value.rules,
        now: AgentNow::of(view.as_deref()),
        read_only,
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
    }
}

fn tagged(api: &Api, principal: &Principal, stored: Stored<Agent>) -> Tagged<AgentShown> {
    Tagged::<Stored<Agent>>::from(stored).map(|stored| shown(api, principal, stored))
}

/// The agents whose data one sees, by employee number.
#[utoipa::path(get, path = "/agents", tag = "agents", params(PageQuery),
    responses((status = 200, body = Listed<AgentShown>)))]
async fn list_agents(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<AgentShown>>, Problem> {
    let rows = api.store().agents(principal.sight(), &page.ask()?).await?;
    Ok(Json(Listed::from_store(rows, |stored| shown(&api, &principal, stored))))
}

/// One agent.
#[utoipa::path(get, path = "/agents/{id}", tag = "agents", params(("id" = String, Path)),
    responses((status = 200, body = AgentShown)))]
async fn read_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<AgentShown>, Problem> {
    sight::agent(&api, &principal, &id).await?;
    let stored = api.store().get::<Agent>(&principal.tenant, &id).await?;
    Ok(tagged(&api, &principal, stored))
}

/// Makes an employee an agent.
#[utoipa::path(post, path = "/agents", tag = "agents", request_body = NewAgent,
    responses((status = 201, body = AgentShown)))]
async fn create_agent(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewAgent>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let number = faults.note("agent", new.agent.parse::<AgentNumber>());
    check_rules(&mut faults, &new.rules);
    faults.check()?;
    let agent = number.expect("a number that is none was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    let mut faults = Faults::default();
    let employee = edit.tx.find::<Employee>(agent.as_str()).await?.map(|stored| stored.value);
    let seen = |it: Employee| principal.scope.holds(Some(&it.employee_no), Some(it.department));
    let there = employee.is_some_and(seen);
    faults.require("agent", there, "there is no such employee; make the employee first");
    faults.check()?;
    check_extension(&mut edit, "rules.extension", Some(&new.rules)).await?;
    let key = agent.to_string();
    let stored = edit.tx.create(Agent { agent, rules: new.rules }).await?;
    edit.finish(&api).await?;
    Ok(tagged(&api, &principal, stored).created("/api/v1/agents", &key))
}

/// Sets anew how an agent is treated. What is left out has its default.
#[utoipa::path(put, path = "/agents/{id}", tag = "agents", params(("id" = String, Path)), request_body = AgentRules,
    responses((status = 200, body = AgentShown)))]
async fn change_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(rules): Body<AgentRules>,
) -> Result<Tagged<AgentShown>, Problem> {
    let mut faults = Faults::default();
    check_rules(&mut faults, &rules);
    faults.check()?;
    sight::agent(&api, &principal, &id).await?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (agent, expect) = edit.found::<Agent>(&id, &if_match).await?;
    check_extension(&mut edit, "extension", Some(&rules)).await?;
    let stored = edit.tx.update(Agent { rules, ..agent }, expect).await?;
    edit.finish(&api).await?;
    Ok(tagged(&api, &principal, stored))
}

/// An employee is no agent any more; a call that he has goes on. Refused while a queue has him.
#[utoipa::path(delete, path = "/agents/{id}", tag = "agents", params(("id" = String, Path)), responses((status = 204)))]
async fn delete_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    sight::agent(&api, &principal, &id).await?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Agent>(&id, &if_match).await?;
    let queues = edit.tx.all::<Queue>().await?;
    if let Some(queue) = queues.iter().find(|queue| queue.value.rules.members.iter().any(|member| member.agent == id)) {
        let detail = format!("queue {} has him as a member; take him out there first", queue.value.name);
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Agent>(&api, &id, expect).await
}

/// Signs in with a phone. With a web phone he is ready as soon as it is registered, with one on the desk offline until he picks `ready`.
#[utoipa::path(post, path = "/agents/{id}/sign-in", tag = "agents", params(("id" = String, Path)), request_body = SigningIn,
    responses((status = 204), (status = 409, description = "the extension is taken or takes no such phone, or he is signed in")))]
async fn sign_in_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(body): Body<SigningIn>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    let extension = body.extension.map(|text| faults.note("extension", text.parse::<ExtensionNumber>()));
    faults.check()?;
    let way = match body.way {
        WayName::Web => Way::Web,
        WayName::Desk => Way::Desk,
    };
    order(&api, principal, &id, AgentOrder::SignIn(SignIn { way, extension: extension.flatten() })).await
}

/// Signs out.
#[utoipa::path(post, path = "/agents/{id}/sign-out", tag = "agents", params(("id" = String, Path)),
    responses((status = 204), (status = 409, description = "he is on a call, or not signed in")))]
async fn sign_out_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, AgentOrder::SignOut).await
}

/// Picks a state (AGT-10).
#[utoipa::path(post, path = "/agents/{id}/state", tag = "agents", params(("id" = String, Path)), request_body = StatePick,
    responses((status = 204), (status = 409, description = "not from the state that he is in")))]
async fn pick_state(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(body): Body<StatePick>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, AgentOrder::Pick(body.state.into())).await
}

/// A supervisor forces a state (AGT-16); the log names him.
#[utoipa::path(post, path = "/agents/{id}/force", tag = "agents", params(("id" = String, Path)), request_body = StateForce,
    responses((status = 204), (status = 409, description = "not from the state that he is in")))]
async fn force_state(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(body): Body<StateForce>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, AgentOrder::Force(body.force.into())).await
}

/// Signs in by mobile (PHONE-07): calls ring there, and on no phone, until he signs out of it or a phone takes over (PHONE-10,
/// PHONE-11). A number that is named is kept where the agent has none of his own.
#[utoipa::path(post, path = "/agents/{id}/mobile-sign-in", tag = "agents", params(("id" = String, Path)),
    request_body = MobileSigningIn,
    responses((status = 204), (status = 409, description = "he is on a call")))]
async fn sign_in_by_mobile(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(body): Body<MobileSigningIn>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    let mobile = body.mobile.map(|text| faults.note("mobile", Dialled::clean(&text)));
    faults.check()?;
    let mobile = mobile.flatten();
    let done = order(&api, principal.clone(), &id, AgentOrder::MobileSignIn(mobile.clone())).await?;
    if let Some(mobile) = mobile {
        keep_mobile(&api, &principal, &id, &mobile).await?;
    }
    Ok(done)
}

/// PHONE-07: who has no mobile, neither in his personal settings nor for his calls, has this one from now on.
async fn keep_mobile(api: &Api, principal: &Principal, id: &str, mobile: &Dialled) -> Result<(), Problem> {
    let mut edit = Edit::begin(api, principal).await?;
    let stored = edit.tx.find::<Agent>(id).await?;
    let Some(stored) = stored.filter(|stored| stored.value.rules.mobile.is_none() && !stored.is_read_only()) else {
        return Ok(());
    };
    let employee = edit.tx.find::<Employee>(id).await?;
    if employee.is_some_and(|employee| employee.value.mobile.is_some()) {
        return Ok(());
    }
    let rules = AgentRules { mobile: Some(mobile.as_str().to_owned()), ..stored.value.rules };
    edit.tx.update(Agent { rules, ..stored.value }, Expect::Version(stored.version)).await?;
    edit.finish(api).await
}

/// Signs out of the mobile.
#[utoipa::path(post, path = "/agents/{id}/mobile-sign-out", tag = "agents", params(("id" = String, Path)),
    responses((status = 204), (status = 409, description = "he is not signed in by mobile")))]
async fn sign_out_of_mobile(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, AgentOrder::MobileSignOut).await
}

async fn order(api: &Api, principal: Principal, id: &str, order: AgentOrder) -> Result<StatusCode, Problem> {
    let is_own = matches!(&principal.who, Who::Employee { number, .. } if number == id);
    let no_agent = || Problem::not_found(Agent::RESOURCE);
    // Others are out of sight (GEN-09).
    if !is_own && !principal.permissions.allow(AGENTS_SUPERVISE) {
        return Err(no_agent());
    }
    if !is_own {
        sight::agent(api, &principal, id).await?;
    }
    let agent: AgentNumber = id.parse().map_err(|_| no_agent())?;
    let by = (!is_own).then(|| principal.by());
    api.switch().command(principal.tenant, Command::Agent { agent, order, by }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_rules(faults: &mut Faults, rules: &AgentRules) {
    for (field, wrong) in rules.faults() {
        faults.require(field, false, &wrong);
    }
}

/// Whether the extension on which he signs in by himself is there: as none is deleted that an agent has, none has one that is not.
pub(super) async fn check_extension(edit: &mut Edit, field: &str, rules: Option<&AgentRules>) -> Result<(), Problem> {
    let Some(extension) = rules.and_then(|rules| rules.extension.as_deref()) else { return Ok(()) };
    let there = edit.tx.find::<Extension>(extension).await?.is_some();
    let mut faults = Faults::default();
    faults.require(field, there, "there is no such extension; make it first");
    faults.check()
}
