//! `recordings`: what there is to hear. Listening and taking a copy are permissions of their own, and each use is logged
//! (REC-05).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Json};
use hooks::fact::AudioFormat;
use hooks::id::RecordingId;
use recordings::{AudioStream, Storage, StorageError};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::byte_range::{self, Part};
use super::extract::{Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{AUDIT_READ, RECORDINGS_DOWNLOAD, RECORDINGS_PLAY, RECORDINGS_READ};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::state::Api;
use super::time_text::Instant;
use crate::keeper;
use crate::store::recordings::{Mark, MarkKind, Recording, RecordingFile, RecordingState, RecordingUse, RecordingUsed};
use crate::store::unix_ms;

/// The operations on recordings.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(RECORDINGS_READ), routes!(read_recording))
        .add(Guard::Needs(RECORDINGS_PLAY), routes!(play_recording))
        .add(Guard::Needs(RECORDINGS_DOWNLOAD), routes!(download_recording))
        .add(Guard::Needs(AUDIT_READ), routes!(list_recording_uses))
}

/// A recording of a stretch of a call: stereo, the outside party left (REC-09).
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingShown {
    /// A ULID.
    pub id: String,
    /// Of which call.
    pub call_id: String,
    /// Which recording of its call it is, from 1: another begins after the switch was killed, and when a party is handed on.
    pub part: u32,
    /// When it began.
    pub started_at: Instant,
    /// What became of it.
    pub state: RecordingStateName,
    /// Why there is none, for an administrator.
    pub reason: Option<String>,
    /// When its audio was deleted.
    pub purged_at: Option<Instant>,
    /// `wav` or `opus`.
    #[schema(value_type = Option<String>)]
    pub format: Option<AudioFormat>,
    /// It is encrypted where it is kept.
    pub encrypted: bool,
    /// Length of the audio.
    pub duration_ms: Option<u64>,
    /// Size of the file.
    pub bytes: Option<u64>,
    /// Of the whole file, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// It ends before the call did.
    pub partial: bool,
    /// Where it was paused and resumed, in order: from a pause to the next mark it is silent.
    pub marks: Vec<MarkShown>,
    /// Where it is heard; null while there is nothing to hear.
    #[schema(example = "/api/v1/recordings/01JD9Z4E6N8Q2R5T7V9X1B3D5F/audio")]
    pub audio: Option<String>,
}

/// A place in a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkShown {
    /// `paused` or `resumed`.
    pub kind: MarkKind,
    /// When.
    pub at: Instant,
    /// Where in the audio.
    pub offset_ms: u64,
    /// Who did it; null where a part began as the one before it ended.
    pub by: Option<String>,
}

impl From<Mark> for MarkShown {
    fn from(mark: Mark) -> Self {
        Self { kind: mark.kind, at: Instant(mark.at_ms), offset_ms: mark.offset_ms, by: mark.by }
    }
}

/// Somebody heard it, or took a copy.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingUseShown {
    /// A ULID.
    pub id: String,
    /// When.
    pub at: Instant,
    /// Who: a login name or `token:NAME`.
    pub by: String,
    /// `play` or `download`.
    pub kind: RecordingUse,
}

impl From<RecordingUsed> for RecordingUseShown {
    fn from(used: RecordingUsed) -> Self {
        Self { id: used.id, at: Instant(used.at_ms), by: used.by, kind: used.kind }
    }
}

/// What became of a recording.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingStateName {
    /// It is being written.
    Running,
    /// It can be played.
    Ready,
    /// There is none; the call went on without it.
    Failed,
    /// Its audio was deleted, since its time was over.
    Purged,
}

impl From<Recording> for RecordingShown {
    fn from(recording: Recording) -> Self {
        let id = recording.recording.to_string();
        let mut purged_at = None;
        let (state, reason, file) = match recording.state {
            RecordingState::Running => (RecordingStateName::Running, None, None),
            RecordingState::Ready(file) => (RecordingStateName::Ready, None, Some(file)),
            RecordingState::Failed { reason } => (RecordingStateName::Failed, Some(reason), None),
            RecordingState::Purged { file, at_ms } => {
                purged_at = Some(Instant(at_ms));
                (RecordingStateName::Purged, None, Some(file))
            }
        };
        Self {
            audio: matches!(state, RecordingStateName::Ready).then(|| format!("/api/v1/recordings/{id}/audio")),
            id,
            call_id: recording.call.to_string(),
            part: recording.part,
            started_at: Instant(recording.started_at_ms),
            state,
            reason,
            purged_at,
            format: file.as_ref().map(|file| file.format),
            encrypted: file.as_ref().and_then(|file| file.stored.as_ref()).is_some_and(|kept| kept.sealed_by.is_some()),
            duration_ms: file.as_ref().map(|file| file.duration_ms),
            bytes: file.as_ref().map(|file| file.bytes),
            partial: file.as_ref().is_some_and(|file| file.partial),
            sha256: file.map(|file| file.sha256),
            marks: recording.marks.into_iter().map(MarkShown::from).collect(),
        }
    }
}

/// What is known of a recording.
#[utoipa::path(get, path = "/recordings/{id}", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, body = RecordingShown)))]
async fn read_recording(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<RecordingShown>, Problem> {
    Ok(Json(find(&api, &principal, &id).await?.into()))
}

/// Who heard a recording or took a copy, the latest first (REC-05).
#[utoipa::path(get, path = "/recordings/{id}/uses", tag = "audit", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listed<RecordingUseShown>)))]
async fn list_recording_uses(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<RecordingUseShown>>, Problem> {
    let recording = find(&api, &principal, &id).await?.recording;
    let uses = api.store().recording_uses(&principal.tenant, recording, &page.ask()?).await?;
    Ok(Json(Listed::from_store(uses, RecordingUseShown::from)))
}

/// The audio, to listen to. Takes `Range` and `If-Range`.
#[utoipa::path(get, path = "/recordings/{id}/audio", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 409, description = "it is still being written, or there is none"),
        (status = 410, description = "it was deleted when its time was over, or is lost"),
        (status = 416, description = "no byte lies in the asked range")))]
async fn play_recording(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&api, &principal, &id, &headers, RecordingUse::Play).await
}

/// The audio as a file to keep. Takes `Range` and `If-Range`.
#[utoipa::path(get, path = "/recordings/{id}/file", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 409, description = "it is still being written, or there is none"),
        (status = 410, description = "it was deleted when its time was over, or is lost"),
        (status = 416, description = "no byte lies in the asked range")))]
async fn download_recording(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    serve(&api, &principal, &id, &headers, RecordingUse::Download).await
}

async fn find(api: &Api, principal: &Principal, id: &str) -> Result<Recording, Problem> {
    let none = || Problem::not_found("recording");
    let id = id.parse::<RecordingId>().map_err(|_| none())?;
    let found = api.store().recording(principal.sight(), id).await?;
    // A message is under `voicemails`, for those who may hear it.
    found.filter(|recording| recording.mailbox.is_none()).ok_or_else(none)
}

async fn serve(
    api: &Api,
    principal: &Principal,
    id: &str,
    headers: &HeaderMap,
    kind: RecordingUse,
) -> Result<Response, Problem> {
    let recording = find(api, principal, id).await?;
    Ok(give_out(api, principal, recording, headers, kind).await?.0)
}

/// The audio of a recording, or the asked part of it, and whether this is a new use: that is logged before.
pub(super) async fn give_out(
    api: &Api,
    principal: &Principal,
    recording: Recording,
    headers: &HeaderMap,
    kind: RecordingUse,
) -> Result<(Response, bool), Problem> {
    let file = match recording.state {
        RecordingState::Ready(file) => file,
        RecordingState::Running => {
            return Err(Problem::new(Kind::NotReady, "it is still being written; ask again when its call has ended"));
        }
        RecordingState::Failed { reason } => {
            return Err(Problem::new(Kind::NotReady, format!("there is nothing to hear: {reason}")));
        }
        RecordingState::Purged { at_ms, .. } => {
            let said =
                format!("its audio was deleted at {}, when its time was over; the call record stays", Instant(at_ms));
            return Err(Problem::new(Kind::Gone, said));
        }
    };
    let length = file.bytes;
    let etag = HeaderValue::from_str(&format!("\"{}\"", file.sha256)).map_err(|error| Problem::internal(&error))?;
    let part = byte_range::asked(headers, length, &etag);
    let is_new = part != Part::None && api.uses().is_new(principal, recording.recording, kind);
    if is_new {
        // REC-05: not given out unless it is logged.
        api.store().log_recording_use(&principal.tenant, &principal.by(), recording.recording, kind).await?;
    }
    let (coding, ending) = match file.format {
        AudioFormat::Wav => ("audio/wav", "wav"),
        AudioFormat::Opus => ("audio/ogg", "ogg"),
    };
    let mut response = answer(length, part, coding, async |range| open(api.storage(), &file, range).await).await?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if kind == RecordingUse::Download {
        let name = format!("attachment; filename=\"{}.{ending}\"", recording.recording);
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a ULID is a header value"));
    }
    Ok((response, is_new))
}

async fn open(storage: &Storage, file: &RecordingFile, range: Range<u64>) -> Result<AudioStream, Problem> {
    let opened = keeper::open(storage, file, range).await;
    opened.map_err(|error| match error {
        StorageError::Gone => Problem::new(Kind::Gone, "the file is not kept any more; the call record stays"),
        StorageError::NoBucket | StorageError::NoKeys | StorageError::Sealed(_) => {
            tracing::error!(%error, path = file.path, "a recording cannot be read");
            Problem::new(Kind::Unreadable, format!("the recording cannot be read: {error}"))
        }
        StorageError::Store(_) => {
            tracing::warn!(%error, path = file.path, "a recording cannot be read");
            Problem::new(Kind::Unavailable, "the storage of recordings does not answer; try again").retry_after(10)
        }
        StorageError::Path(_) | StorageError::Size { .. } | StorageError::Io(_) => Problem::internal(&error),
    })
}

/// The asked part of `length` bytes; `open` gives those of a range.
pub(super) async fn answer<S, E>(
    length: u64,
    part: Part,
    content_type: &'static str,
    open: impl AsyncFnOnce(Range<u64>) -> Result<S, Problem>,
) -> Result<Response, Problem>
where
    S: futures_util::TryStream<Ok = Bytes, Error = E> + Send + 'static,
    E: Into<BoxError>,
{
    let (status, first, count) = match part {
        Part::Whole => (StatusCode::OK, 0, length),
        Part::Range { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::None => {
            let problem = Problem::new(Kind::RangeNotSatisfiable, format!("the file has {length} bytes"));
            let mut response = problem.into_response();
            let range = HeaderValue::try_from(format!("bytes */{length}")).expect("digits are a header value");
            response.headers_mut().insert(header::CONTENT_RANGE, range);
            return Ok(response);
        }
    };
    let mut response = Response::new(Body::from_stream(open(first..first + count).await?));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", first + count - 1);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(range).expect("digits are a header value"));
    }
    Ok(response)
}

/// Uses that were logged a moment ago. A player asks for a file in many ranges: that is one use.
#[derive(Debug, Default)]
pub struct Uses(Mutex<BTreeMap<UseKey, u64>>);

type UseKey = (String, String, RecordingId, bool);

/// Requests of one principal for one recording within this time of each other are one use.
const ONE_USE_MS: u64 = 60_000;
/// Uses remembered; beyond, all are forgotten, and some use is logged twice.
const USES_MAX: usize = 10_000;

impl Uses {
    /// Whether this request begins a use.
    fn is_new(&self, principal: &Principal, recording: RecordingId, kind: RecordingUse) -> bool {
        let now_ms = unix_ms();
        let key = (principal.tenant.to_string(), principal.key(), recording, kind == RecordingUse::Download);
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() >= USES_MAX {
            uses.retain(|_, at| *at + ONE_USE_MS > now_ms);
        }
        if uses.len() >= USES_MAX {
            uses.clear();
        }
        uses.insert(key, now_ms).is_none_or(|before| before + ONE_USE_MS <= now_ms)
    }
}
