//! `calls/{id}/hold` and its kin: what is done to a live call for one of its parties, whatever phone it has (section 5 of the
//! requirements).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::id::{CallId, LegId};
use serde::{Deserialize, Serialize};
use switch::input::{CallOrder, Command, Party, Picker};
use switch::output::Done;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::call::call_id;
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::permission::{CALLS_CONTROL, CALLS_DIAL};
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::setting::Faults;
use super::sight;
use super::state::Api;

/// The operations. Who may dial may control the calls of his own; others' calls need [`CALLS_CONTROL`].
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALLS_DIAL), routes!(hold_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(retrieve_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(transfer_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(consult))
        .add(Guard::Needs(CALLS_DIAL), routes!(complete_consult))
        .add(Guard::Needs(CALLS_DIAL), routes!(cancel_consult))
        .add(Guard::Needs(CALLS_DIAL), routes!(join_three_way))
        .add(Guard::Needs(CALLS_DIAL), routes!(cancel_three_way))
        .add(Guard::Needs(CALLS_DIAL), routes!(evaluate))
        .add(Guard::Needs(CALLS_DIAL), routes!(park_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(pick_up_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(hang_up_party))
        .add(Guard::Needs(CALLS_DIAL), routes!(send_digits))
}

/// For which party of the call; one of them at most. Left out, for the agent who asks, else for the only extension in it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PartyQuery {
    /// An agent's employee number.
    agent: Option<String>,
    /// An extension.
    extension: Option<String>,
    /// A leg's ID.
    leg: Option<String>,
}

/// A number to dial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DialledNumber {
    /// An extension, a queue's or a room's number, or one outside; spaces, `-`, `.` and parentheses are taken out.
    #[schema(example = "1002")]
    to: String,
}

/// Who joins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Joining {
    /// An extension, which is rung while the two go on talking; left out, whoever is being consulted.
    #[schema(example = "1003")]
    to: Option<String>,
}

/// Who shall take the call; one of them. Left out, the agent who asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PickedUpBy {
    /// An agent's employee number: he is rung wherever he is signed in.
    #[schema(example = "10002")]
    agent: Option<String>,
    /// An extension.
    #[schema(example = "1003")]
    extension: Option<String>,
}

/// Where a party is parked now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkedAt {
    /// Any phone takes it by dialling this.
    #[schema(example = "701")]
    slot: String,
}

/// The other party hears music (CALL-12).
#[utoipa::path(post, path = "/calls/{id}/hold", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it")))]
async fn hold_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::Hold).await
}

/// The other party hears this one again.
#[utoipa::path(post, path = "/calls/{id}/retrieve", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it")))]
async fn retrieve_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::Retrieve).await
}

/// Hands the other party on; this one is out of the call at once (CALL-14). Where nobody answers in 20 s, the customer of an agent goes to
/// the front of the queue (CALL-16).
#[utoipa::path(post, path = "/calls/{id}/transfer", tag = "calls", params(("id" = String, Path), PartyQuery),
    request_body = DialledNumber,
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it, or the agent is not available")))]
async fn transfer_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
    Body(body): Body<DialledNumber>,
) -> Result<StatusCode, Problem> {
    let to = number(&body.to)?;
    order(&api, principal, &id, &party, CallOrder::Transfer(to)).await
}

/// Asks somebody, while the other party hears music (CALL-17). Answers as soon as it is rung.
#[utoipa::path(post, path = "/calls/{id}/consult", tag = "calls", params(("id" = String, Path), PartyQuery),
    request_body = DialledNumber,
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it, or the agent is not available")))]
async fn consult(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
    Body(body): Body<DialledNumber>,
) -> Result<StatusCode, Problem> {
    let to = number(&body.to)?;
    order(&api, principal, &id, &party, CallOrder::Consult(to)).await
}

/// The other party goes on with who was asked, and this one leaves (CALL-19).
#[utoipa::path(post, path = "/calls/{id}/consult/complete", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "who is asked has not answered")))]
async fn complete_consult(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::CompleteConsult).await
}

/// Goes back to the other party (CALL-18).
#[utoipa::path(post, path = "/calls/{id}/consult/cancel", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "nobody is asked")))]
async fn cancel_consult(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::CancelConsult).await
}

/// Three talk: who is being asked joins, or an extension does (CALL-21).
#[utoipa::path(post, path = "/calls/{id}/conference", tag = "calls", params(("id" = String, Path), PartyQuery),
    request_body = Joining,
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it, or the agent is not available")))]
async fn join_three_way(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
    Body(body): Body<Joining>,
) -> Result<StatusCode, Problem> {
    let to = body.to.as_deref().map(number).transpose()?;
    order(&api, principal, &id, &party, CallOrder::ThreeWay(to)).await
}

/// The third leaves; where another of the three asks for it, it ends for all (CALL-22, CALL-23).
#[utoipa::path(post, path = "/calls/{id}/conference/cancel", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "there are no three")))]
async fn cancel_three_way(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::CancelThreeWay).await
}

/// The agent is out of the call at once, and the customer hears the survey of the queue (评价, CALL-25). An outside customer only, and only
/// where the queue has a survey.
#[utoipa::path(post, path = "/calls/{id}/survey", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "the phase does not allow it, or there is no survey")))]
async fn evaluate(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::Evaluate).await
}

/// The other party waits at a place with a number and hears music; this one is out of the call at once. Any phone takes it by dialling the
/// number. Where nobody does in time (`[park] timeout_s`), who parked it is rung; then it goes on as after a transfer to nobody.
#[utoipa::path(post, path = "/calls/{id}/park", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 200, body = ParkedAt),
        (status = 409, description = "the phase of the call does not allow it, or every place is taken")))]
async fn park_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<Json<ParkedAt>, Problem> {
    match ordered(&api, principal, &id, &party, CallOrder::Park).await? {
        Done::Parked(slot) => Ok(Json(ParkedAt { slot: slot.to_string() })),
        Done::Ok | Done::Call(_) | Done::TrunkTested(_) => {
            Err(Problem::internal(&"the switch parked a call without naming the place"))
        }
    }
}

/// Rings an agent or an extension for a call that rings elsewhere, or is parked; who answers first has it. Answers as soon as it rings.
#[utoipa::path(post, path = "/calls/{id}/pickup", tag = "calls", params(("id" = String, Path)),
    request_body = PickedUpBy,
    responses((status = 204), (status = 409, description = "it neither rings nor is parked, or who shall take it is not available")))]
async fn pick_up_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(body): Body<PickedUpBy>,
) -> Result<StatusCode, Problem> {
    let call = call_id(&id)?;
    let by = picker(&principal, &body)?;
    api.switch().command(principal.tenant, Command::PickUp { call, by }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hangs up for a party, as the phase says: rejects what rings, cancels what is dialled, ends a consult alone, leaves three or ends the
/// call. `hangup` without `party` ends the call for everybody.
#[utoipa::path(post, path = "/calls/{id}/hangup/party", tag = "calls", params(("id" = String, Path), PartyQuery),
    responses((status = 204), (status = 409, description = "the party is not in the call")))]
async fn hang_up_party(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &id, &party, CallOrder::HangUp).await
}

/// Keys to press.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DigitsToSend {
    /// 1 to 32 of 0-9, *, # and A-D.
    #[schema(example = "123#")]
    digits: String,
    /// Toward the party of this leg (needs `calls.control`); left out, toward the other party of whom this is ordered for.
    leg: Option<String>,
}

/// Presses keys for a party (CALL-04): the other party hears them, whom it asks, or both others where three talk; each by its own way:
/// telephone events, INFO, or sounds. Where nobody is named and who asks is no agent in the call, the called party hears them, or the only
/// one there is. Answers before all are pressed.
#[utoipa::path(post, path = "/calls/{id}/dtmf", tag = "calls", params(("id" = String, Path), PartyQuery),
    request_body = DigitsToSend,
    responses((status = 204), (status = 409, description = "the phase of the call does not allow it")))]
async fn send_digits(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(party): Query<PartyQuery>,
    Body(keys): Body<DigitsToSend>,
) -> Result<StatusCode, Problem> {
    let call = call_id(&id)?;
    let mut faults = Faults::default();
    let fine = (1..=DIGITS_MAX).contains(&keys.digits.len())
        && keys.digits.chars().all(|key| "0123456789*#ABCD".contains(key));
    faults.require("digits", fine, "1 to 32 of 0-9, *, # and A-D");
    let leg = keys.leg.map(|leg| faults.note("leg", leg.parse::<LegId>()));
    faults.check()?;
    let (leg, digits) = (leg.flatten(), keys.digits);
    let command = match leg {
        Some(_) if !principal.permissions.allow(CALLS_CONTROL) => return Err(not_ones_own()),
        Some(_) => {
            sight::call(&api, &principal, call).await?;
            Command::SendDigits { call, leg, digits }
        }
        None => match party_of(&api, &principal, call, &party).await? {
            Some(party) => Command::Call { call, party: Some(party), order: CallOrder::Press(digits) },
            None => Command::SendDigits { call, leg: None, digits },
        },
    };
    api.switch().command(principal.tenant, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn order(
    api: &Api,
    principal: Principal,
    id: &str,
    party: &PartyQuery,
    order: CallOrder,
) -> Result<StatusCode, Problem> {
    ordered(api, principal, id, party, order).await.map(|_| StatusCode::NO_CONTENT)
}

async fn ordered(
    api: &Api,
    principal: Principal,
    id: &str,
    party: &PartyQuery,
    order: CallOrder,
) -> Result<Done, Problem> {
    let call = call_id(id)?;
    let party = party_of(api, &principal, call, party).await?;
    Ok(api.switch().command(principal.tenant, Command::Call { call, party, order }).await?)
}

/// Who shall take a call; nobody without [`CALLS_CONTROL`] says so of others.
fn picker(principal: &Principal, body: &PickedUpBy) -> Result<Picker, Problem> {
    let mut faults = Faults::default();
    let named = match (&body.agent, &body.extension) {
        (None, None) => None,
        (Some(agent), None) => faults.note("agent", agent.parse::<AgentNumber>()).map(Picker::Agent),
        (None, Some(number)) => faults.note("extension", number.parse::<ExtensionNumber>()).map(Picker::Extension),
        (Some(_), Some(_)) => {
            faults.require("agent", false, "name one of `agent` and `extension`");
            None
        }
    };
    faults.check()?;
    let own = principal.agent().map(Picker::Agent);
    match named.or_else(|| own.clone()) {
        Some(by) if own.as_ref() == Some(&by) || principal.permissions.allow(CALLS_CONTROL) => Ok(by),
        Some(_) => Err(not_ones_own()),
        None => {
            let detail = "you are no agent: name the `agent` or the `extension` that shall take the call";
            Err(Problem::invalid(vec![FieldError::new("extension", detail)]))
        }
    }
}

/// For whom; nobody without [`CALLS_CONTROL`] orders for others.
async fn party_of(
    api: &Api,
    principal: &Principal,
    call: CallId,
    query: &PartyQuery,
) -> Result<Option<Party>, Problem> {
    let own = principal.agent();
    let mut faults = Faults::default();
    let named = match (&query.agent, &query.extension, &query.leg) {
        (None, None, None) => None,
        (Some(agent), None, None) => faults.note("agent", agent.parse::<AgentNumber>()).map(Party::Agent),
        (None, Some(number), None) => faults.note("extension", number.parse::<ExtensionNumber>()).map(Party::Extension),
        (None, None, Some(leg)) => faults.note("leg", leg.parse::<LegId>()).map(Party::Leg),
        (_, _, _) => {
            faults.require("agent", false, "name one of `agent`, `extension` and `leg`");
            None
        }
    };
    faults.check()?;
    let may_all = principal.permissions.allow(CALLS_CONTROL);
    let own = own.map(Party::Agent);
    match named {
        Some(party) if Some(&party) == own.as_ref() => Ok(Some(party)),
        Some(party) if may_all => sight::call(api, principal, call).await.map(|()| Some(party)),
        Some(_) => Err(not_ones_own()),
        None if may_all && !takes_part(api, principal, call) => sight::call(api, principal, call).await.map(|()| None),
        None => own.map(Some).ok_or_else(not_ones_own),
    }
}

/// Others' calls are out of sight (GEN-09).
fn not_ones_own() -> Problem {
    let detail = format!("there is no such live call of your own; the calls of others need {}", CALLS_CONTROL.0);
    Problem::new(Kind::NotFound, detail)
}

/// Whether who asks is an agent in that call.
fn takes_part(api: &Api, principal: &Principal, call: CallId) -> bool {
    let own = principal.agent().and_then(|number| api.live().agent(&principal.tenant, number.as_str()));
    own.is_some_and(|agent| agent.calls.contains(&call))
}

fn number(text: &str) -> Result<Dialled, Problem> {
    let mut faults = Faults::default();
    let to = faults.note("to", Dialled::clean(text));
    faults.check()?;
    Ok(to.expect("what could not be read was noted as a fault"))
}

/// Keys of one request: a card number and more.
const DIGITS_MAX: usize = 32;
