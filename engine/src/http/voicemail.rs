//! `voicemails`: messages that callers left (留言列表). Whoever belongs to a box sees and hears what is in it (VM-06); all others need the
//! permissions, and see the boxes of those whose data they see. Each first use is marked (VM-02) and logged (REC-05).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dialplan::flow::name::Mailbox;
use hooks::id::RecordingId;
use hooks::plugin::PermissionKey;
use serde::{Deserialize, Serialize};
use switch::input::{Command, VoicemailUse};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::{Path, Query};
use super::operation::{Guard, Operations, forbidden};
use super::page::{self, Listed, PageQuery};
use super::permission::{VOICEMAILS_DELETE, VOICEMAILS_DOWNLOAD, VOICEMAILS_PLAY, VOICEMAILS_READ};
use super::principal::Principal;
use super::problem::{FieldError, Problem};
use super::recording::{RecordingStateName, give_out};
use super::state::Api;
use super::time_text::Instant;
use crate::store::recordings::{Recording, RecordingState, RecordingUse};
use crate::store::scope::Sight;
use crate::store::voicemails::{FirstUse, Voicemail, VoicemailFilter};

/// The operations on messages.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Own, routes!(list_voicemails))
        .add(Guard::Own, routes!(read_voicemail))
        .add(Guard::Own, routes!(delete_voicemail))
        .add(Guard::Own, routes!(play_voicemail))
        .add(Guard::Own, routes!(download_voicemail))
}

/// A message that a caller left.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoicemailShown {
    /// A ULID.
    pub id: String,
    /// The call in which it was left.
    pub call_id: String,
    /// For whom: `extension:1001`, `queue:support`.
    #[schema(example = "queue:support")]
    pub mailbox: String,
    /// Who left it (主叫号码); empty when withheld.
    #[schema(extensions(("x-field" = json!("voicemails.caller"))))]
    pub caller: String,
    /// His name; may be empty.
    #[schema(extensions(("x-field" = json!("voicemails.caller"))))]
    pub caller_name: String,
    /// The number that he dialled (被叫号码).
    #[schema(extensions(("x-field" = json!("voicemails.callee"))))]
    pub callee: String,
    /// When it was over.
    pub left_at: Instant,
    /// How long he talked (留言时长).
    pub length_ms: u64,
    /// Somebody has listened to it.
    pub listened: bool,
    /// Who did first, and when.
    pub first_listened: Option<FirstUseShown>,
    /// Somebody has taken a copy.
    pub downloaded: bool,
    /// Who did first, and when.
    pub first_downloaded: Option<FirstUseShown>,
    /// What became of its audio: `running` for a moment, then `ready` or `failed`; `purged` once its time was over.
    pub state: RecordingStateName,
    /// Where it is heard; null while there is nothing to hear. With `/file` in the place of `/audio` it is a file to keep.
    #[schema(example = "/api/v1/voicemails/01JD9Z4E6N8Q2R5T7V9X1B3D5F/audio")]
    pub audio: Option<String>,
}

/// Who did something first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FirstUseShown {
    /// When.
    pub at: Instant,
    /// A login name, `token:NAME` or, by phone, `extension:1001`.
    pub by: String,
}

impl From<FirstUse> for FirstUseShown {
    fn from(used: FirstUse) -> Self {
        Self { at: Instant(used.at_ms), by: used.by }
    }
}

/// Which messages are wanted (VM-02).
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VoicemailQuery {
    /// In this box.
    #[param(example = "queue:support")]
    mailbox: Option<String>,
    /// Left by exactly this number.
    caller: Option<String>,
    /// He dialled exactly this number.
    callee: Option<String>,
    /// Somebody has listened to it, or nobody.
    listened: Option<bool>,
    /// Somebody has a copy, or nobody.
    downloaded: Option<bool>,
    /// At least so long.
    length_min_ms: Option<u64>,
    /// At most so long.
    length_max_ms: Option<u64>,
    /// Left at this time or later.
    from: Option<Instant>,
    /// Left before this time.
    to: Option<Instant>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<VoicemailQuery> for VoicemailFilter {
    fn from(query: VoicemailQuery) -> Self {
        Self {
            mailbox: query.mailbox,
            caller: query.caller,
            callee: query.callee,
            listened: query.listened,
            downloaded: query.downloaded,
            length_min_ms: query.length_min_ms,
            length_max_ms: query.length_max_ms,
            from_ms: query.from.map(|at| at.0),
            to_ms: query.to.map(|at| at.0),
        }
    }
}

fn shown(message: Voicemail, recording: Option<&Recording>) -> VoicemailShown {
    let state = match recording.map(|recording| &recording.state) {
        Some(RecordingState::Ready(_)) => RecordingStateName::Ready,
        Some(RecordingState::Failed { .. }) => RecordingStateName::Failed,
        Some(RecordingState::Purged { .. }) => RecordingStateName::Purged,
        Some(RecordingState::Running) | None => RecordingStateName::Running,
    };
    let is_ready = matches!(state, RecordingStateName::Ready);
    VoicemailShown {
        id: message.voicemail.to_string(),
        call_id: message.call.to_string(),
        mailbox: message.mailbox,
        caller: message.caller,
        caller_name: message.caller_name,
        callee: message.callee,
        left_at: Instant(message.left_at_ms),
        length_ms: message.length_ms,
        listened: message.listened.is_some(),
        first_listened: message.listened.map(FirstUseShown::from),
        downloaded: message.downloaded.is_some(),
        first_downloaded: message.downloaded.map(FirstUseShown::from),
        state,
        audio: is_ready.then(|| format!("/api/v1/voicemails/{}/audio", message.voicemail)),
    }
}

/// The messages, newest first: with the permission `voicemails.read` those of the extensions and queues of all whose data one sees, else those of
/// one's own extension and queues (VM-06).
#[utoipa::path(get, path = "/voicemails", tag = "voicemails", params(VoicemailQuery),
    responses((status = 200, body = Listed<VoicemailShown>)))]
async fn list_voicemails(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<VoicemailQuery>,
) -> Result<Json<Listed<VoicemailShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = query.mailbox.clone().map(|text| {
        let mailbox = text.parse::<Mailbox>();
        mailbox.map_err(|error| Problem::invalid(vec![FieldError::new("mailbox", error.to_string())]))
    });
    let wanted = wanted.transpose()?.map(|mailbox| mailbox.to_string());
    let filter = VoicemailFilter { mailbox: wanted, ..VoicemailFilter::from(query) };
    let (own, all) = (principal.own_scope(), principal.permissions.allow(VOICEMAILS_READ));
    let sight = Sight { tenant: &principal.tenant, scope: if all { &principal.scope } else { &own } };
    let rows = api.store().voicemails(sight, &filter, &page.ask()?).await?;
    let calls: Vec<_> = rows.items.iter().map(|message| message.call).collect();
    let recordings = api.store().recordings_of(&principal.tenant, &calls).await?;
    Ok(Json(Listed::from_store(rows, |message| {
        let recording = recordings.iter().find(|recording| recording.recording == message.voicemail);
        shown(message, recording)
    })))
}

/// One message.
#[utoipa::path(get, path = "/voicemails/{id}", tag = "voicemails", params(("id" = String, Path)),
    responses((status = 200, body = VoicemailShown)))]
async fn read_voicemail(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<VoicemailShown>, Problem> {
    let message = find(&api, &principal, &id, VOICEMAILS_READ).await?;
    let recording = api.store().recording(Sight::whole(&principal.tenant), message.voicemail).await?;
    Ok(Json(shown(message, recording.as_ref())))
}

/// Deletes a message: nobody sees it any more, and its audio goes when its time is over.
#[utoipa::path(delete, path = "/voicemails/{id}", tag = "voicemails", params(("id" = String, Path)),
    responses((status = 204)))]
async fn delete_voicemail(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let message = find(&api, &principal, &id, VOICEMAILS_DELETE).await?;
    mark(&api, &principal, &message, VoicemailUse::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The audio, to listen to. Takes `Range` and `If-Range`. The first one who does is noted.
#[utoipa::path(get, path = "/voicemails/{id}/audio", tag = "voicemails", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 409, description = "it is still being written, or there is none"),
        (status = 410, description = "it was deleted when its time was over, or is lost"),
        (status = 416, description = "no byte lies in the asked range")))]
async fn play_voicemail(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&api, &principal, &id, &headers, RecordingUse::Play).await
}

/// The audio as a file to keep. Takes `Range` and `If-Range`. The first one who does is noted.
#[utoipa::path(get, path = "/voicemails/{id}/file", tag = "voicemails", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 409, description = "it is still being written, or there is none"),
        (status = 410, description = "it was deleted when its time was over, or is lost"),
        (status = 416, description = "no byte lies in the asked range")))]
async fn download_voicemail(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&api, &principal, &id, &headers, RecordingUse::Download).await
}

async fn serve(
    api: &Api,
    principal: &Principal,
    id: &str,
    headers: &HeaderMap,
    kind: RecordingUse,
) -> Result<Response, Problem> {
    let (key, what) = match kind {
        RecordingUse::Play => (VOICEMAILS_PLAY, VoicemailUse::Listen),
        RecordingUse::Download => (VOICEMAILS_DOWNLOAD, VoicemailUse::Download),
    };
    let message = find(api, principal, id, key).await?;
    let is_marked = match kind {
        RecordingUse::Play => message.listened.is_some(),
        RecordingUse::Download => message.downloaded.is_some(),
    };
    let recording = api.store().recording(Sight::whole(&principal.tenant), message.voicemail).await?;
    let recording = recording.ok_or_else(|| Problem::not_found("voicemail"))?;
    let (response, is_new) = give_out(api, principal, recording, headers, kind).await?;
    if is_new && !is_marked {
        mark(api, principal, &message, what).await?;
    }
    Ok(response)
}

async fn mark(api: &Api, principal: &Principal, message: &Voicemail, what: VoicemailUse) -> Result<(), Problem> {
    let command = Command::Voicemail { voicemail: message.voicemail, call: message.call, what, by: principal.by() };
    api.switch().command(principal.tenant.clone(), command).await?;
    Ok(())
}

/// A message that the principal may do this with: it is in a box of his own, or he has the key. One that he may not even see is none.
pub(super) async fn find(api: &Api, principal: &Principal, id: &str, key: PermissionKey) -> Result<Voicemail, Problem> {
    let none = || Problem::not_found("voicemail; it is written a moment after it was left");
    let id = id.parse::<RecordingId>().map_err(|_| none())?;
    let own = principal.own_scope();
    if let Some(message) = api.store().voicemail(Sight { tenant: &principal.tenant, scope: &own }, id).await? {
        return Ok(message);
    }
    if !principal.permissions.allow(VOICEMAILS_READ) {
        return Err(none());
    }
    let message = api.store().voicemail(principal.sight(), id).await?.ok_or_else(none)?;
    if principal.permissions.allow(key) { Ok(message) } else { Err(forbidden(key)) }
}
