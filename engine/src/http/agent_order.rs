//! `agents/{number}/sign-in` and its kin: what is asked of an agent's state. The switch decides (AGT-17).

use axum::extract::State;
use axum::http::StatusCode;
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use serde::Deserialize;
use switch::agent::Force;
use switch::input::{AgentOrder, Command, SignIn};
use switch::output::Refused;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::agent::{StateName, WayName};
use super::extract::{Body, Path};
use super::operation::{Guard, Operations};
use super::permission::{AGENTS_SUPERVISE, AGENTS_WORK};
use super::principal::{Principal, Who};
use super::problem::{FieldError, Kind, Problem};
use super::setting::Faults;
use super::state::Api;
use crate::live::CommandError;

/// The operations. Everybody orders for himself; others need [`AGENTS_SUPERVISE`], too.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(AGENTS_WORK), routes!(sign_in_agent))
        .add(Guard::Needs(AGENTS_WORK), routes!(sign_out_agent))
        .add(Guard::Needs(AGENTS_WORK), routes!(pick_agent_state))
        .add(Guard::Needs(AGENTS_WORK), routes!(sign_in_mobile))
        .add(Guard::Needs(AGENTS_WORK), routes!(sign_out_mobile))
        .add(Guard::Needs(AGENTS_SUPERVISE), routes!(force_agent_state))
}

/// With which phone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneSignIn {
    /// What kind of phone.
    way: WayName,
    /// On which extension; the agent's own where it is left out.
    #[schema(example = "1001")]
    extension: Option<String>,
}

/// A state to be in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateChoice {
    /// Which (AGT-10).
    state: StateName,
}

/// A state to be forced into.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForcedState {
    /// Which.
    force: ForceName,
}

/// What a supervisor makes of an agent's state (AGT-16).
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForceName {
    /// Idle.
    Ready,
    /// Busy.
    NotReady,
    /// Signed out.
    SignOut,
}

/// By which mobile.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MobileSignIn {
    /// The number; that of the agent's settings where it is left out.
    #[schema(example = "13800000000")]
    mobile: Option<String>,
}

/// Signs an agent in on a phone (PHONE-01): offline with a phone on the desk, ready with a web phone.
#[utoipa::path(post, path = "/agents/{number}/sign-in", tag = "agents", params(("number" = String, Path)),
    request_body = PhoneSignIn,
    responses((status = 204), (status = 409, description = "the extension is taken, or the agent is signed in already")))]
async fn sign_in_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    Body(body): Body<PhoneSignIn>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    let extension = body.extension.map(|text| faults.note("extension", text.parse::<ExtensionNumber>()));
    faults.check()?;
    let how = SignIn { way: body.way.into(), extension: extension.flatten() };
    order(&api, principal, &number, AgentOrder::SignIn(how)).await
}

/// Signs an agent out.
#[utoipa::path(post, path = "/agents/{number}/sign-out", tag = "agents", params(("number" = String, Path)),
    responses((status = 204), (status = 409, description = "the agent has a call, or is not signed in")))]
async fn sign_out_agent(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, AgentOrder::SignOut).await
}

/// Picks a state (AGT-10). During a call it is kept for when the call ends.
#[utoipa::path(post, path = "/agents/{number}/state", tag = "agents", params(("number" = String, Path)),
    request_body = StateChoice,
    responses((status = 204), (status = 409, description = "the present state does not allow it")))]
async fn pick_agent_state(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    Body(body): Body<StateChoice>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, AgentOrder::Pick(body.state.into())).await
}

/// Signs an agent in by mobile (PHONE-07).
#[utoipa::path(post, path = "/agents/{number}/mobile-sign-in", tag = "agents", params(("number" = String, Path)),
    request_body = MobileSignIn,
    responses((status = 204), (status = 409, description = "the present state does not allow it")))]
async fn sign_in_mobile(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    Body(body): Body<MobileSignIn>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    let mobile = body.mobile.map(|text| faults.note("mobile", Dialled::clean(&text)));
    faults.check()?;
    order(&api, principal, &number, AgentOrder::MobileSignIn(mobile.flatten())).await
}

/// Signs an agent out of the mobile.
#[utoipa::path(post, path = "/agents/{number}/mobile-sign-out", tag = "agents", params(("number" = String, Path)),
    responses((status = 204), (status = 409, description = "the present state does not allow it")))]
async fn sign_out_mobile(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, AgentOrder::MobileSignOut).await
}

/// Forces an agent without a call idle, busy or out (AGT-16); the log names who did.
#[utoipa::path(post, path = "/agents/{number}/state/force", tag = "agents", params(("number" = String, Path)),
    request_body = ForcedState,
    responses((status = 204), (status = 409, description = "the present state does not allow it")))]
async fn force_agent_state(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
    Body(body): Body<ForcedState>,
) -> Result<StatusCode, Problem> {
    let force = match body.force {
        ForceName::Ready => Force::Ready,
        ForceName::NotReady => Force::Busy,
        ForceName::SignOut => Force::SignOut,
    };
    let agent = number.parse().map_err(|_| Problem::not_found("agent"))?;
    let by = Some(principal.by());
    send(&api, principal, Command::Agent { agent, order: AgentOrder::Force(force), by }).await
}

/// Orders for oneself, or for another with [`AGENTS_SUPERVISE`].
async fn order(api: &Api, principal: Principal, number: &str, order: AgentOrder) -> Result<StatusCode, Problem> {
    let agent: AgentNumber = number.parse().map_err(|_| Problem::not_found("agent"))?;
    let is_own = matches!(&principal.who, Who::Employee { number: own, .. } if own == number);
    if !is_own && !principal.permissions.allow(AGENTS_SUPERVISE) {
        // Others are out of sight (GEN-09).
        let detail = format!("you are not this agent; orders for others need {}", AGENTS_SUPERVISE.0);
        return Err(Problem::new(Kind::NotFound, detail));
    }
    let by = (!is_own).then(|| principal.by());
    send(api, principal, Command::Agent { agent, order, by }).await
}

async fn send(api: &Api, principal: Principal, command: Command) -> Result<StatusCode, Problem> {
    api.switch().command(principal.tenant, command).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the body is at fault for is said of its field.
fn problem(error: CommandError) -> Problem {
    let detail = error.to_string();
    match error {
        CommandError::Refused(Refused::NoSuchExtension) => Problem::invalid(vec![FieldError::new("extension", detail)]),
        CommandError::Refused(Refused::NoMobile) => Problem::new(Kind::Refused, detail),
        CommandError::Refused(_) | CommandError::Busy | CommandError::Stopping => error.into(),
    }
}
