//! `calls`: live calls, from the switch's published snapshots, and what can be done to them.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use dialplan::number::{Dialled, ExtensionNumber};
use hooks::fact::{Direction, PeerKind};
use hooks::id::CallId;
use hooks::lookup::DialResolve;
use serde::{Deserialize, Serialize};
use switch::input::{Command, RecordAction};
use switch::output::Done;
use switch::view::{CallPhase, CallView, LegPhase, LegView};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::dial_record::{self, Named};
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery, bad_cursor};
use super::permission::{CALLS_CONTROL, CALLS_DIAL, CALLS_MONITOR, CALLS_READ, CALLS_RECORD};
use super::principal::Principal;
use super::problem::Problem;
use super::setting::Faults;
use super::sight::{self, Calls};
use super::state::Api;
use super::supervision::SupervisorShown;
use super::time_text::Instant;
use crate::locations::Locations;

/// The operations on live calls.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CALLS_READ), routes!(list_calls))
        .add(Guard::Needs(CALLS_READ), routes!(read_call))
        .add(Guard::Needs(CALLS_DIAL), routes!(originate_call))
        .add(Guard::Needs(CALLS_CONTROL), routes!(hang_up_call))
        .add(Guard::Needs(CALLS_RECORD), routes!(record_call))
}

/// A live call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallShown {
    /// A ULID.
    pub id: String,
    /// `inbound`, `outbound` or `internal`.
    pub direction: DirectionName,
    /// Where it is.
    pub phase: CallPhaseName,
    /// The caller's number; empty when withheld.
    #[schema(extensions(("x-field" = json!("calls.caller"))))]
    pub caller: String,
    /// His name, as his own side or a hook that knows him says; empty where nobody does.
    #[schema(extensions(("x-field" = json!("calls.caller"))))]
    pub caller_name: String,
    /// The number dialled.
    #[schema(extensions(("x-field" = json!("calls.callee"))))]
    pub callee: String,
    /// Where the number outside is at home (CALL-30): that of the caller, or of whom an extension called. Empty where that is not known.
    pub location: String,
    /// An emergency number was dialled (GEN-18).
    pub emergency: bool,
    /// When it was created.
    pub created_at: Instant,
    /// When it was answered.
    pub answered_at: Option<Instant>,
    /// It is being recorded.
    pub recording: bool,
    /// And that is paused: silence is recorded.
    pub recording_paused: bool,
    /// Its customer may be asked how it was (CALL-25): he is outside, and the queue has a survey.
    pub survey: bool,
    /// Where a party is parked, if one is.
    pub parked: Option<ParkShown>,
    /// Its live legs, the caller's first.
    pub legs: Vec<LiveLeg>,
    /// Who supervises it; left out for those who may not (`calls.monitor`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervisors: Option<Vec<SupervisorShown>>,
}

/// A party that is parked.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParkShown {
    /// The number that takes it, dialled from any phone.
    #[schema(example = "701")]
    pub slot: String,
    /// Since when.
    pub since: Instant,
    /// Who parked it: an extension, or the trunk of a mobile.
    pub by: String,
}

/// A live leg.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveLeg {
    /// A ULID.
    pub id: String,
    /// What is at the far end.
    pub peer: PeerName,
    /// The extension's number or the trunk's name.
    pub peer_name: String,
    /// Where it is.
    pub phase: LegPhaseName,
    /// The codec, once agreed.
    pub codec: Option<String>,
}

/// Which way a call goes, seen from the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DirectionName {
    /// From a trunk.
    Inbound,
    /// To a trunk.
    Outbound,
    /// Between extensions, or to a service.
    Internal,
}

/// Where a live call is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallPhaseName {
    /// Nobody answered yet.
    Ringing,
    /// Two parties talk.
    Talking,
    /// One party put the other on hold.
    Held,
    /// One party asks somebody else; the other one hears music.
    Consulting,
    /// Three talk.
    ThreeWay,
    /// A party was handed on and waits for the new one.
    Transferring,
    /// A party is parked.
    Parked,
    /// Hung up; the last messages are on their way.
    Ending,
}

/// Where a live leg is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegPhaseName {
    /// No ringing yet.
    Calling,
    /// It rings.
    Ringing,
    /// It is answered.
    Up,
    /// The far end put us on hold.
    Held,
    /// It is being ended.
    Ending,
}

/// What is at the far end of a leg.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeerName {
    /// A registered extension.
    Extension,
    /// The outside, through a trunk.
    Trunk,
    /// A service of the switch itself.
    Service,
}

/// A call to start: rings the extension's phones first, then dials (CALL-09).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Origination {
    /// Whose phones.
    #[schema(example = "1001")]
    from: String,
    /// What to dial; spaces, `-`, `.` and parentheses are taken out.
    #[schema(example = "13800000000")]
    to: Option<String>,
    /// Instead of `to`: a record whose number is to be dialled, which need not be shown to who dials. Of those that he sees:
    /// `call-records/ID`, `missed-offers/CALL`, `voicemails/ID` (the other side) and `employees/NUMBER` (his mobile). Any other one is a
    /// record of the customer file: whoever answers `dial.resolve` knows its number.
    #[schema(example = "call-records/01JD9Z4E6N8Q2R5T7V9X1B3D5F")]
    record: Option<String>,
}

/// The longest name of a record, characters.
const RECORD_MAX: usize = 128;

/// The number that is to be dialled, as it was given or as the record's owner says; else the field that is wrong, and why.
async fn dialled(api: &Api, principal: &Principal, new: &Origination) -> Result<Dialled, (&'static str, String)> {
    let (record, number) = match (&new.to, &new.record) {
        (Some(to), None) => return Dialled::clean(to).map_err(|error| ("to", error.to_string())),
        (None, None) | (Some(_), Some(_)) => return Err(("to", "name either `to` or `record`".to_owned())),
        (None, Some(record)) if record.is_empty() || record.chars().count() > RECORD_MAX => {
            return Err(("record", format!("a record has 1 to {RECORD_MAX} characters")));
        }
        (None, Some(record)) => match dial_record::number(api, principal, record).await {
            Ok(Named::Here(number)) => (record, number),
            Ok(Named::Elsewhere) => {
                let (tenant, by) = (principal.tenant.clone(), principal.by());
                (record, api.hooks().resolve(DialResolve { tenant, by, record: record.clone() }).await)
            }
            Err(away) => return Err(("record", away.detail)),
        },
    };
    let number = number.ok_or_else(|| ("record", format!("nobody knows a number for `{record}`")))?;
    // The number itself is not told: who dials need not know it.
    Dialled::clean(&number).map_err(|_| ("record", format!("what is known for `{record}` cannot be dialled")))
}

impl From<Direction> for DirectionName {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
            Direction::Internal => Self::Internal,
        }
    }
}

impl From<PeerKind> for PeerName {
    fn from(peer: PeerKind) -> Self {
        match peer {
            PeerKind::Extension => Self::Extension,
            PeerKind::Trunk => Self::Trunk,
            PeerKind::Service => Self::Service,
        }
    }
}

impl From<CallPhase> for CallPhaseName {
    fn from(phase: CallPhase) -> Self {
        match phase {
            CallPhase::Ringing => Self::Ringing,
            CallPhase::Talking => Self::Talking,
            CallPhase::Held => Self::Held,
            CallPhase::Consulting => Self::Consulting,
            CallPhase::ThreeWay => Self::ThreeWay,
            CallPhase::Transferring => Self::Transferring,
            CallPhase::Parked => Self::Parked,
            CallPhase::Ending => Self::Ending,
        }
    }
}

impl From<LegPhase> for LegPhaseName {
    fn from(phase: LegPhase) -> Self {
        match phase {
            LegPhase::Calling => Self::Calling,
            LegPhase::Ringing => Self::Ringing,
            LegPhase::Up => Self::Up,
            LegPhase::Held => Self::Held,
            LegPhase::Ending => Self::Ending,
        }
    }
}

impl From<&LegView> for LiveLeg {
    fn from(view: &LegView) -> Self {
        Self {
            id: view.leg.to_string(),
            peer: view.peer.into(),
            peer_name: view.peer_name.clone(),
            phase: view.phase.into(),
            codec: view.codec.clone(),
        }
    }
}

impl CallShown {
    pub(super) fn of(view: &CallView, principal: &Principal, locations: &Locations) -> Self {
        let location = match view.direction {
            Direction::Inbound => locations.of_any(&view.caller),
            Direction::Outbound => locations.of_any(&view.callee),
            Direction::Internal => String::new(),
        };
        let may_see = principal.permissions.allow(CALLS_MONITOR);
        Self {
            id: view.call.to_string(),
            direction: view.direction.into(),
            phase: view.phase.into(),
            caller: view.caller.clone(),
            caller_name: view.caller_name.clone(),
            callee: view.callee.clone(),
            location,
            emergency: view.emergency,
            created_at: Instant(view.created_ms),
            answered_at: view.answered_ms.map(Instant),
            recording: view.recording,
            recording_paused: view.recording_paused,
            survey: view.survey,
            parked: view.parked.as_ref().map(|it| ParkShown {
                slot: it.slot.clone(),
                since: Instant(it.since_ms),
                by: it.by.clone(),
            }),
            legs: view.legs.iter().map(LiveLeg::from).collect(),
            supervisors: may_see.then(|| view.supervisors.iter().map(SupervisorShown::from).collect()),
        }
    }
}

/// The live calls that one sees, the oldest first: those of the agents whose data one sees, and of one's own extension.
#[utoipa::path(get, path = "/calls", tag = "calls", params(PageQuery),
    responses((status = 200, body = Listed<CallShown>)))]
async fn list_calls(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<CallShown>>, Problem> {
    let after = page.after()?.map(|key| key.parse::<CallId>()).transpose().map_err(|_| bad_cursor())?;
    let seen = Calls::of(&api, &principal).await?;
    let rows = api.live().calls_among(&principal.tenant, after, page.limit() + 1, |view| seen.has(view));
    Ok(Json(Listed::cut(
        rows,
        page.limit(),
        |row| row.call.to_string(),
        |row| CallShown::of(&row, &principal, api.locations()),
    )))
}

/// One live call. When it is over, its record is under `call-records`.
#[utoipa::path(get, path = "/calls/{id}", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = CallShown)))]
async fn read_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<CallShown>, Problem> {
    let call = call_id(&id)?;
    sight::call(&api, &principal, call).await?;
    let view = api.live().call(&principal.tenant, call).ok_or_else(no_call)?;
    Ok(Json(CallShown::of(&view, &principal, api.locations())))
}

/// Rings the extension's phones, then dials the number, or that of a record. Answers as soon as the call exists.
#[utoipa::path(post, path = "/calls", tag = "calls", request_body = Origination,
    responses((status = 201, body = CallStarted)))]
async fn originate_call(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<Origination>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let from = faults.note("from", new.from.parse::<ExtensionNumber>());
    let to = match dialled(&api, &principal, &new).await {
        Ok(to) => Some(to),
        Err((field, why)) => faults.note(field, Err(why)),
    };
    faults.check()?;
    let (from, to) = from.zip(to).expect("what could not be read was noted as a fault");
    match api.switch().command(principal.tenant, Command::Originate { from, to }).await? {
        Done::Call(call) => {
            let location = [(header::LOCATION, format!("/api/v1/calls/{call}"))];
            Ok((StatusCode::CREATED, location, Json(CallStarted { id: call.to_string() })))
        }
        Done::Ok | Done::Parked(_) | Done::TrunkTested(_) => {
            Err(Problem::internal(&"the switch started a call without naming it"))
        }
    }
}

/// A call that was started.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallStarted {
    /// A ULID: `calls/{id}` while it lives, `call-records/{id}` afterwards.
    pub id: String,
}

/// Ends a call for everybody.
#[utoipa::path(post, path = "/calls/{id}/hangup", tag = "calls", params(("id" = String, Path)),
    responses((status = 204)))]
async fn hang_up_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let call = call_id(&id)?;
    sight::call(&api, &principal, call).await?;
    api.switch().command(principal.tenant, Command::Hangup(call)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is to become of the recording of a call (REC-08).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOrder {
    /// `start`, `stop`, `pause` or `resume`.
    action: RecordActionName,
}

/// What is to become of the recording of a call.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordActionName {
    /// Records a call that is not; it stays so when a party is handed on.
    Start,
    /// Ends the recording; what was recorded is kept.
    Stop,
    /// Silence is recorded from now on.
    Pause,
    /// What is said is recorded again.
    Resume,
}

impl From<RecordActionName> for RecordAction {
    fn from(name: RecordActionName) -> Self {
        match name {
            RecordActionName::Start => Self::Start,
            RecordActionName::Stop => Self::Stop,
            RecordActionName::Pause => Self::Pause,
            RecordActionName::Resume => Self::Resume,
        }
    }
}

/// Starts, stops, pauses or resumes the recording of a call. A pause leaves silence and a mark (card numbers).
#[utoipa::path(post, path = "/calls/{id}/record", tag = "calls", params(("id" = String, Path)),
    request_body = RecordOrder,
    responses((status = 204), (status = 409, description = "two parties do not talk, or it is so already")))]
async fn record_call(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(order): Body<RecordOrder>,
) -> Result<StatusCode, Problem> {
    let call = call_id(&id)?;
    sight::call(&api, &principal, call).await?;
    let command = Command::Record { call, action: order.action.into(), by: principal.by() };
    api.switch().command(principal.tenant, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn call_id(text: &str) -> Result<CallId, Problem> {
    text.parse().map_err(|_| no_call())
}

fn no_call() -> Problem {
    Problem::not_found("live call")
}
