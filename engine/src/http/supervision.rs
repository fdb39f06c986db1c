//! `calls/{id}/monitor` and its kin: what a supervisor does in the call of an agent (section 30 of the requirements). Each has a permission
//! of its own, and the fact `call.supervised` names who did it.

use axum::extract::State;
use axum::http::StatusCode;
use dialplan::number::AgentNumber;
use hooks::fact::Supervision;
use hooks::id::CallId;
use hooks::scope::Scope;
use serde::{Deserialize, Serialize};
use switch::input::{Command, Supervise};
use switch::view::SupervisorView;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::call::call_id;
use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::permission::{
    AGENTS_SUPERVISE, CALLS_BARGE, CALLS_FORCE_HANGUP, CALLS_MONITOR, CALLS_TAKEOVER, CALLS_WHISPER,
};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::Faults;
use super::sight::{self, People};
use super::state::Api;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALLS_MONITOR), routes!(monitor_call))
        .add(Guard::Needs(CALLS_WHISPER), routes!(whisper_in_call))
        .add(Guard::Needs(CALLS_BARGE), routes!(barge_into_call))
        .add(Guard::Needs(CALLS_TAKEOVER), routes!(take_over_call))
        .add(Guard::Needs(CALLS_FORCE_HANGUP), routes!(force_hang_up))
}

/// Whose call, and whose phone takes part.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SupervisionQuery {
    /// The agent's employee number; left out, the only agent who talks in the call.
    agent: Option<String>,
    /// The supervisor's; left out, that of who asks. Another one's needs `agents.supervise`.
    supervisor: Option<String>,
}

/// The agent whose call is ended.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SupervisedQuery {
    /// The agent's employee number; left out, the only agent who talks in the call.
    agent: Option<String>,
}

/// A supervisor in a live call.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupervisorShown {
    /// The employee number.
    #[schema(example = "10009")]
    supervisor: String,
    /// `monitor`, `whisper` or `barge`.
    #[schema(value_type = String)]
    how: Supervision,
}

impl From<&SupervisorView> for SupervisorShown {
    fn from(view: &SupervisorView) -> Self {
        Self { supervisor: view.supervisor.clone(), how: view.how }
    }
}

/// Listens to both sides; neither hears it (监听, MON-24). The supervisor's phone is called and answers by itself; hanging up there ends
/// it. He has to be signed in, and is offered no call meanwhile.
#[utoipa::path(post, path = "/calls/{id}/monitor", tag = "calls", params(("id" = String, Path), SupervisionQuery),
    responses((status = 204), (status = 409, description = "the agent does not talk, or the supervisor is not free")))]
async fn monitor_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<SupervisionQuery>,
) -> Result<StatusCode, Problem> {
    supervise(&api, principal, &id, query, Supervision::Monitor).await
}

/// As `monitor`, and the agent hears the supervisor (密语, MON-30).
#[utoipa::path(post, path = "/calls/{id}/whisper", tag = "calls", params(("id" = String, Path), SupervisionQuery),
    responses((status = 204), (status = 409, description = "as `monitor`, or another supervisor is heard, or three talk")))]
async fn whisper_in_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<SupervisionQuery>,
) -> Result<StatusCode, Problem> {
    supervise(&api, principal, &id, query, Supervision::Whisper).await
}

/// All three talk (强插, MON-25); when the supervisor leaves, the two talk on.
#[utoipa::path(post, path = "/calls/{id}/barge", tag = "calls", params(("id" = String, Path), SupervisionQuery),
    responses((status = 204), (status = 409, description = "as `monitor`, or another supervisor is heard, or three talk")))]
async fn barge_into_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<SupervisionQuery>,
) -> Result<StatusCode, Problem> {
    supervise(&api, principal, &id, query, Supervision::Barge).await
}

/// The supervisor talks in the agent's place, who is out of the call (MON-30). Who monitors, whispers or barges in already takes over by
/// the same phone, at once.
#[utoipa::path(post, path = "/calls/{id}/takeover", tag = "calls", params(("id" = String, Path), SupervisionQuery),
    responses((status = 204), (status = 409, description = "as `monitor`, or another supervisor is heard, or three talk")))]
async fn take_over_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<SupervisionQuery>,
) -> Result<StatusCode, Problem> {
    supervise(&api, principal, &id, query, Supervision::Takeover).await
}

/// Ends an agent's call for everybody (强拆, MON-27); the record names who did it.
#[utoipa::path(post, path = "/calls/{id}/hangup/force", tag = "calls", params(("id" = String, Path), SupervisedQuery),
    responses((status = 204), (status = 409, description = "the agent does not talk")))]
async fn force_hang_up(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(query): Query<SupervisedQuery>,
) -> Result<StatusCode, Problem> {
    let query = SupervisionQuery { agent: query.agent, supervisor: None };
    supervise(&api, principal, &id, query, Supervision::HangUp).await
}

async fn supervise(
    api: &Api,
    principal: Principal,
    id: &str,
    query: SupervisionQuery,
    how: Supervision,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    let mut faults = Faults::default();
    let mut number = |field, text: Option<String>| text.map(|text| faults.note(field, text.parse::<AgentNumber>()));
    let agent = number("agent", query.agent).flatten();
    let named = number("supervisor", query.supervisor).flatten();
    faults.check()?;
    let own = principal.agent();
    let supervisor = match (how, named) {
        (Supervision::HangUp, _) => None,
        (_, Some(named)) if Some(&named) == own.as_ref() || principal.permissions.allow(AGENTS_SUPERVISE) => {
            Some(named)
        }
        (_, Some(_)) => {
            let detail = format!("the phone of another supervisor is rung only with {}", AGENTS_SUPERVISE.0);
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        (_, None) => own,
    };
    let agent = supervised(api, &principal, call, agent).await?;
    let order = Supervise { call, agent, supervisor, how, by: principal.by() };
    api.switch().command(principal.tenant, Command::Supervise(Box::new(order))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose call it is for who asks: an agent whom he sees. Where none is named and he does not see all, those in the call whom he does.
async fn supervised(
    api: &Api,
    principal: &Principal,
    call: CallId,
    named: Option<AgentNumber>,
) -> Result<Option<AgentNumber>, Problem> {
    if principal.scope == Scope::Tenant {
        return Ok(named);
    }
    if let Some(agent) = named {
        return sight::agent(api, principal, agent.as_str()).await.map(|()| Some(agent));
    }
    let people = People::of(api, principal).await?;
    let agents = api.live().agents(&principal.tenant, sight::AGENTS_MAX);
    let mut seen = agents.iter().filter(|view| view.calls.contains(&call) && people.has(&view.agent));
    let first = seen.next().ok_or_else(|| Problem::not_found("live call"))?;
    match seen.next() {
        // The switch says that there are several.
        Some(_) => Ok(None),
        None => Ok(first.agent.parse().ok()),
    }
}
