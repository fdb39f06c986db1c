//! `recordings`: what there is to hear. Listening and taking a copy are permissions of their own, and each use is logged
//! (REC-05).

use std::collections::BTreeMap;
use std::io::SeekFrom;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hooks::id::RecordingId;
use serde::Serialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::byte_range::{self, Part};
use super::extract::Path;
use super::operation::{Guard, Operations};
use super::permission::{RECORDINGS_DOWNLOAD, RECORDINGS_PLAY, RECORDINGS_READ};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::state::Api;
use super::time_text::Instant;
use crate::store::recordings::{Mark, MarkKind, Recording, RecordingFile, RecordingState, RecordingUse};
use crate::store::unix_ms;

/// The operations on recordings.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(RECORDINGS_READ), routes!(read_recording))
        .add(Guard::Needs(RECORDINGS_PLAY), routes!(play_recording))
        .add(Guard::Needs(RECORDINGS_DOWNLOAD), routes!(download_recording))
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
}

impl From<Recording> for RecordingShown {
    fn from(recording: Recording) -> Self {
        let id = recording.recording.to_string();
        let (state, reason, file) = match recording.state {
            RecordingState::Running => (RecordingStateName::Running, None, None),
            RecordingState::Ready(file) => (RecordingStateName::Ready, None, Some(file)),
            RecordingState::Failed { reason } => (RecordingStateName::Failed, Some(reason), None),
        };
        Self {
            audio: file.is_some().then(|| format!("/api/v1/recordings/{id}/audio")),
            id,
            call_id: recording.call.to_string(),
            part: recording.part,
            started_at: Instant(recording.started_at_ms),
            state,
            reason,
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

/// The audio, to listen to. Takes `Range` and `If-Range`.
#[utoipa::path(get, path = "/recordings/{id}/audio", tag = "recordings", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 409, description = "it is still being written, or there is none"),
        (status = 410, description = "the file is not kept any more"),
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
        (status = 410, description = "the file is not kept any more"),
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
    api.store().recording(&principal.tenant, id).await?.ok_or_else(none)
}

async fn serve(
    api: &Api,
    principal: &Principal,
    id: &str,
    headers: &HeaderMap,
    kind: RecordingUse,
) -> Result<Response, Problem> {
    let recording = find(api, principal, id).await?;
    let file = match recording.state {
        RecordingState::Ready(file) => file,
        RecordingState::Running => {
            return Err(Problem::new(Kind::NotReady, "it is still being written; ask again when its call has ended"));
        }
        RecordingState::Failed { reason } => {
            return Err(Problem::new(Kind::NotReady, format!("there is nothing to hear: {reason}")));
        }
    };
    let (opened, length) = open(api.recordings(), &file).await?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", file.sha256)).map_err(|error| Problem::internal(&error))?;
    let part = byte_range::asked(headers, length, &etag);
    if part != Part::None && api.uses().is_new(principal, recording.recording, kind) {
        // REC-05: not given out unless it is logged.
        api.store().log_recording_use(&principal.tenant, &principal.by(), recording.recording, kind).await?;
    }
    let mut response = answer(opened, length, part).await?;
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if kind == RecordingUse::Download {
        let name = format!("attachment; filename=\"{}.wav\"", recording.recording);
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).expect("a ULID is a header value"));
    }
    Ok(response)
}

async fn open(folder: &FilePath, file: &RecordingFile) -> Result<(File, u64), Problem> {
    let path = below(folder, &file.path).ok_or_else(|| Problem::internal(&"a recording's path leaves its folder"))?;
    let opened = File::open(&path).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Problem::new(Kind::Gone, "the file is not kept any more; the call record stays")
        } else {
            Problem::internal(&error)
        }
    })?;
    let length = opened.metadata().await.map_err(|error| Problem::internal(&error))?.len();
    Ok((opened, length))
}

/// A path of the index below `folder`, unless it leads elsewhere.
fn below(folder: &FilePath, path: &str) -> Option<PathBuf> {
    let path = FilePath::new(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then(|| folder.join(path))
}

pub(super) async fn answer(mut file: File, length: u64, part: Part) -> Result<Response, Problem> {
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
    file.seek(SeekFrom::Start(first)).await.map_err(|error| Problem::internal(&error))?;
    let mut response = Response::new(Body::from_stream(chunks(file, count)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/wav"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", first + count - 1);
        headers.insert(header::CONTENT_RANGE, HeaderValue::try_from(range).expect("digits are a header value"));
    }
    Ok(response)
}

/// Bytes read at a time: as much as waits for a slow client.
const CHUNK: usize = 64 * 1024;

fn chunks(file: File, count: u64) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK))];
        let read = file.read(&mut chunk).await?;
        if read == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        chunk.truncate(read);
        let left = left.saturating_sub(read as u64);
        Ok(Some((Bytes::from(chunk), (file, left))))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_index_stays_in_its_folder() {
        let folder = FilePath::new("/data/recordings");
        assert_eq!(below(folder, "default/a.wav"), Some(PathBuf::from("/data/recordings/default/a.wav")));
        for bad in ["../secret.key", "/etc/passwd", "default/../../x", "./x"] {
            assert_eq!(below(folder, bad), None, "{bad}");
        }
    }
}
