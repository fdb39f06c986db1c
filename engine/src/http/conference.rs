//! `conferences`: who is in which room now, and what can be done to them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dialplan::number::RoomNumber;
use hooks::fact::MemberRole;
use hooks::id::CallId;
use serde::{Deserialize, Serialize};
use switch::input::{Command, ConferenceOrder};
use switch::media::Decibels;
use switch::view::{ConferenceView, MemberView};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::call::PeerName;
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{CONFERENCES_CONTROL, CONFERENCES_READ};
use super::principal::Principal;
use super::problem::Problem;
use super::setting::Faults;
use super::state::Api;
use super::time_text::Instant;

/// The operations on conferences.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(CONFERENCES_READ), routes!(list_conferences))
        .add(Guard::Needs(CONFERENCES_READ), routes!(read_conference))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(mute_member))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(unmute_member))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(kick_member))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(change_member))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(lock_conference))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(unlock_conference))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(record_conference))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(stop_recording_conference))
        .add(Guard::Needs(CONFERENCES_CONTROL), routes!(end_conference))
}

/// A conference that runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConferenceShown {
    /// A ULID; another one each time somebody comes into the empty room.
    pub id: String,
    /// The room's number.
    pub room: String,
    /// When its first member came.
    pub started_at: Instant,
    /// Only moderators come in.
    pub locked: bool,
    /// The recording that runs, a ULID.
    pub recording: Option<String>,
    /// Its members, who came first, first.
    pub members: Vec<MemberShown>,
}

/// A member of a conference.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberShown {
    /// Its call, a ULID: what it is named by here and under `calls`.
    pub call: String,
    /// Its leg, a ULID.
    pub leg: String,
    /// What is at the far end.
    pub peer: PeerName,
    /// The extension's number or the trunk's name.
    pub peer_name: String,
    /// The number of the far end.
    #[schema(extensions(("x-field" = json!("conferences.number"))))]
    pub number: String,
    /// What it may do.
    pub role: RoleName,
    /// The others do not hear it.
    pub muted: bool,
    /// Its phone holds: it neither hears nor is heard.
    pub held: bool,
    /// How much louder the others hear it, dB.
    pub gain_db: i8,
    /// When it came.
    pub joined_at: Instant,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Speak, and mute itself.
    Participant,
    /// Besides, what concerns others.
    Moderator,
}

/// What shall be different about a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// How much louder the others hear it, dB, -60 to 12.
    gain_db: i8,
}

impl From<&MemberView> for MemberShown {
    fn from(view: &MemberView) -> Self {
        Self {
            call: view.call.to_string(),
            leg: view.leg.to_string(),
            peer: view.peer.into(),
            peer_name: view.peer_name.clone(),
            number: view.number.clone(),
            role: match view.role {
                MemberRole::Participant => RoleName::Participant,
                MemberRole::Moderator => RoleName::Moderator,
            },
            muted: view.muted,
            held: view.held,
            gain_db: view.gain.db(),
            joined_at: Instant(view.joined_ms),
        }
    }
}

impl From<&ConferenceView> for ConferenceShown {
    fn from(view: &ConferenceView) -> Self {
        Self {
            id: view.conference.to_string(),
            room: view.room.clone(),
            started_at: Instant(view.started_ms),
            locked: view.locked,
            recording: view.recording.map(|recording| recording.to_string()),
            members: view.members.iter().map(MemberShown::from).collect(),
        }
    }
}

/// The conferences of the tenant that run, by room.
#[utoipa::path(get, path = "/conferences", tag = "conferences", params(PageQuery),
    responses((status = 200, body = Listed<ConferenceShown>)))]
async fn list_conferences(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<ConferenceShown>>, Problem> {
    let rows = api.live().conferences(&principal.tenant, page.after()?, page.limit() + 1);
    Ok(Json(Listed::cut(rows, page.limit(), |row| row.room.clone(), |row| ConferenceShown::from(&*row))))
}

/// The conference that runs in a room; 404 while nobody is in it.
#[utoipa::path(get, path = "/conferences/{number}", tag = "conferences", params(("number" = String, Path)),
    responses((status = 200, body = ConferenceShown)))]
async fn read_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<Json<ConferenceShown>, Problem> {
    let view = api.live().conference(&principal.tenant, &number).ok_or_else(no_conference)?;
    Ok(Json(ConferenceShown::from(&*view)))
}

/// The others do not hear this member any more; it still hears them.
#[utoipa::path(post, path = "/conferences/{number}/members/{id}/mute", tag = "conferences",
    params(("number" = String, Path), ("id" = String, Path)), responses((status = 204)))]
async fn mute_member(
    State(api): State<Api>,
    principal: Principal,
    Path((number, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Mute(member(&id)?)).await
}

/// The others hear this member again.
#[utoipa::path(post, path = "/conferences/{number}/members/{id}/unmute", tag = "conferences",
    params(("number" = String, Path), ("id" = String, Path)), responses((status = 204)))]
async fn unmute_member(
    State(api): State<Api>,
    principal: Principal,
    Path((number, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Unmute(member(&id)?)).await
}

/// Sends a member away: its call ends.
#[utoipa::path(post, path = "/conferences/{number}/members/{id}/kick", tag = "conferences",
    params(("number" = String, Path), ("id" = String, Path)), responses((status = 204)))]
async fn kick_member(
    State(api): State<Api>,
    principal: Principal,
    Path((number, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Kick(member(&id)?)).await
}

/// Changes how loud the others hear a member.
#[utoipa::path(patch, path = "/conferences/{number}/members/{id}", tag = "conferences",
    params(("number" = String, Path), ("id" = String, Path)), request_body = MemberChange, responses((status = 204)))]
async fn change_member(
    State(api): State<Api>,
    principal: Principal,
    Path((number, id)): Path<(String, String)>,
    Body(change): Body<MemberChange>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    faults.require("gain_db", (-60..=12).contains(&change.gain_db), "a gain is -60 to 12 dB");
    faults.check()?;
    let gain = Decibels::new(change.gain_db);
    order(&api, principal, &number, ConferenceOrder::SetGain(member(&id)?, gain)).await
}

/// From now on only moderators come in.
#[utoipa::path(post, path = "/conferences/{number}/lock", tag = "conferences", params(("number" = String, Path)),
    responses((status = 204)))]
async fn lock_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Lock).await
}

/// All who know the PIN come in again.
#[utoipa::path(post, path = "/conferences/{number}/unlock", tag = "conferences", params(("number" = String, Path)),
    responses((status = 204)))]
async fn unlock_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Unlock).await
}

/// Records from now on, outside parties on the left, inner ones on the right; nothing where it is recorded already.
#[utoipa::path(post, path = "/conferences/{number}/record", tag = "conferences", params(("number" = String, Path)),
    responses((status = 204)))]
async fn record_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::Record).await
}

/// Records no more. Recording again makes another file.
#[utoipa::path(post, path = "/conferences/{number}/record/stop", tag = "conferences", params(("number" = String, Path)),
    responses((status = 204)))]
async fn stop_recording_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::StopRecording).await
}

/// Sends all away.
#[utoipa::path(post, path = "/conferences/{number}/end", tag = "conferences", params(("number" = String, Path)),
    responses((status = 204)))]
async fn end_conference(
    State(api): State<Api>,
    principal: Principal,
    Path(number): Path<String>,
) -> Result<StatusCode, Problem> {
    order(&api, principal, &number, ConferenceOrder::End).await
}

async fn order(api: &Api, principal: Principal, room: &str, order: ConferenceOrder) -> Result<StatusCode, Problem> {
    let room: RoomNumber = room.parse().map_err(|_| no_conference())?;
    api.switch().command(principal.tenant, Command::Conference(room, order)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn member(text: &str) -> Result<CallId, Problem> {
    text.parse().map_err(|_| Problem::not_found("member of the conference"))
}

fn no_conference() -> Problem {
    Problem::not_found("conference")
}
