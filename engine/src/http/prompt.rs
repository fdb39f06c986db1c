//! `prompts`: what callers hear, in each language, and the music on hold. An upload is live at once; what is being played goes on as
//! it began.

use std::io::SeekFrom;
use std::ops::Range;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dialplan::say::{Language, PromptName};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use super::byte_range;
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{PROMPTS_READ, PROMPTS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::recording;
use super::setting::{Edit, Faults, Tagged, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::prompts::sound::{self, Sound};
use crate::prompts::{HOLD_MUSIC, PromptKey};
use crate::secrets::new_ulid;
use crate::store::prompts::StoredPrompt;
use crate::store::setting::Stored;
use crate::store::unix_ms;

/// The operations on prompts.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(PROMPTS_READ), routes!(list_prompts))
        .add(Guard::Needs(PROMPTS_READ), routes!(read_prompt))
        .add(Guard::Needs(PROMPTS_READ), routes!(hear_prompt))
        .add(Guard::Needs(PROMPTS_WRITE), large(routes!(create_prompt)))
        .add(Guard::Needs(PROMPTS_WRITE), large(routes!(replace_prompt_audio)))
        .add(Guard::Needs(PROMPTS_WRITE), routes!(change_prompt))
        .add(Guard::Needs(PROMPTS_WRITE), routes!(delete_prompt))
}

/// The body of these is a file.
fn large((schemas, paths, methods): UtoipaMethodRouter<Api>) -> UtoipaMethodRouter<Api> {
    (schemas, paths, methods.layer(DefaultBodyLimit::max(UPLOAD_BYTES_MAX)))
}

/// An uploaded prompt.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromptShown {
    /// Language and name.
    #[schema(example = "zh-CN.queue_welcome")]
    pub id: String,
    /// `zh-CN` or `en`.
    pub language: String,
    /// That of a default prompt takes the default's place; `hold_music` is the music on hold.
    pub name: String,
    /// For people.
    pub description: String,
    /// How long it is.
    pub duration_ms: u64,
    /// Where it is heard, as WAV.
    pub audio: String,
    /// When it was uploaded first.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl From<Stored<StoredPrompt>> for PromptShown {
    fn from(stored: Stored<StoredPrompt>) -> Self {
        let value = stored.value;
        let id = format!("{}.{}", value.language, value.name);
        Self {
            audio: format!("/api/v1/prompts/{id}/audio"),
            id,
            language: value.language.to_string(),
            name: value.name.to_string(),
            description: value.description,
            duration_ms: value.duration_ms,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// What an upload is to be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewPrompt {
    /// `zh-CN` or `en`.
    language: String,
    /// 1 to 64 of `a-z`, `0-9`, `_` and `-`.
    name: String,
    /// For people; at most 200 characters.
    #[serde(default)]
    description: String,
}

/// What shall be different.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptChange {
    description: Option<String>,
}

/// The uploaded prompts of the tenant. Default prompts are not listed.
#[utoipa::path(get, path = "/prompts", tag = "prompts", params(PageQuery),
    responses((status = 200, body = Listed<PromptShown>)))]
async fn list_prompts(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<PromptShown>>, Problem> {
    list::<StoredPrompt, _>(&api, &principal, &page).await
}

/// One uploaded prompt.
#[utoipa::path(get, path = "/prompts/{id}", tag = "prompts", params(("id" = String, Path)),
    responses((status = 200, body = PromptShown)))]
async fn read_prompt(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<PromptShown>, Problem> {
    read::<StoredPrompt, _>(&api, &principal, &id).await
}

/// The sound of an uploaded prompt as WAV: one channel, 48 kHz, evened out in loudness. Takes `Range` and `If-Range`.
#[utoipa::path(get, path = "/prompts/{id}/audio", tag = "prompts", params(("id" = String, Path)),
    responses((status = 200, description = "the whole file", content_type = "audio/wav"),
        (status = 206, description = "the asked range", content_type = "audio/wav"),
        (status = 416, description = "no byte lies in the asked range")))]
async fn hear_prompt(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let prompt = api.store().get::<StoredPrompt>(&principal.tenant, &id).await?.value;
    let path = api.prompts().files().best(&principal.tenant, &prompt.file);
    let mut opened = tokio::fs::File::open(path).await.map_err(|error| Problem::internal(&error))?;
    let length = opened.metadata().await.map_err(|error| Problem::internal(&error))?.len();
    let etag = HeaderValue::from_str(&format!("\"{}\"", prompt.file)).map_err(|error| Problem::internal(&error))?;
    let part = byte_range::asked(&headers, length, &etag);
    let open = async |range: Range<u64>| {
        opened.seek(SeekFrom::Start(range.start)).await.map_err(|error| Problem::internal(&error))?;
        Ok(ReaderStream::with_capacity(opened.take(range.end - range.start), CHUNK))
    };
    let mut response = recording::answer(length, part, "audio/wav", open).await?;
    response.headers_mut().insert(header::ETAG, etag);
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

/// Bytes read at a time: as much as waits for a slow client.
const CHUNK: usize = 64 * 1024;

/// Uploads a prompt: the body is a WAV (PCM, float, A-law, mu-law; any rate) or MP3 file of at most 24 MiB and 10 minutes. It is mixed
/// to one channel and brought to -20 LUFS (music on hold: -26), its true peak below -1 dB.
#[utoipa::path(post, path = "/prompts", tag = "prompts", params(NewPrompt),
    request_body(content = Vec<u8>, content_type = "audio/wav"), responses((status = 201, body = PromptShown)))]
async fn create_prompt(
    State(api): State<Api>,
    principal: Principal,
    Query(new): Query<NewPrompt>,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let language = faults.note("language", new.language.parse::<Language>());
    let name = faults.note("name", new.name.parse::<PromptName>());
    check_description(&mut faults, Some(&new.description));
    faults.check()?;
    let (Some(language), Some(name)) = (language, name) else { return Err(Problem::invalid(Vec::new())) };
    let kept = keep(&api, &principal, &name, bytes).await?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let prompt = StoredPrompt {
        language,
        name,
        description: new.description,
        file: kept.file.clone(),
        duration_ms: kept.duration_ms(),
    };
    let made = async {
        check_total(&mut edit, &prompt).await?;
        let stored = edit.tx.create(prompt).await?;
        edit.finish(&api).await.map(|()| stored)
    };
    let stored = made.await.inspect_err(|_| api.prompts().files().delete(&principal.tenant, &kept.file))?;
    kept.play(&api, &principal, &stored.value);
    let id = format!("{}.{}", stored.value.language, stored.value.name);
    Ok(Tagged::<PromptShown>::from(stored).created("/api/v1/prompts", &id))
}

/// Replaces the sound of a prompt, as in an upload. Who is hearing the old one hears it to its end.
#[utoipa::path(put, path = "/prompts/{id}/audio", tag = "prompts", params(("id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "audio/wav"), responses((status = 200, body = PromptShown)))]
async fn replace_prompt_audio(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Tagged<PromptShown>, Problem> {
    let name = api.store().get::<StoredPrompt>(&principal.tenant, &id).await?.value.name;
    let kept = keep(&api, &principal, &name, bytes).await?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let changed = async {
        let (mut prompt, expect) = edit.found::<StoredPrompt>(&id, &if_match).await?;
        let before = std::mem::replace(&mut prompt.file, kept.file.clone());
        prompt.duration_ms = kept.duration_ms();
        check_total(&mut edit, &prompt).await?;
        let stored = edit.tx.update(prompt, expect).await?;
        edit.finish(&api).await.map(|()| (stored, before))
    };
    let (stored, before) =
        changed.await.inspect_err(|_| api.prompts().files().delete(&principal.tenant, &kept.file))?;
    kept.play(&api, &principal, &stored.value);
    api.prompts().files().delete(&principal.tenant, &before);
    Ok(stored.into())
}

/// Changes what is said about a prompt; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/prompts/{id}", tag = "prompts", params(("id" = String, Path)),
    request_body = PromptChange, responses((status = 200, body = PromptShown)))]
async fn change_prompt(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(change): Body<PromptChange>,
) -> Result<Tagged<PromptShown>, Problem> {
    let mut faults = Faults::default();
    check_description(&mut faults, change.description.as_deref());
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut prompt, expect) = edit.found::<StoredPrompt>(&id, &if_match).await?;
    prompt.description = change.description.unwrap_or(prompt.description);
    let stored = edit.tx.update(prompt, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a prompt. Where its name is that of a default prompt, that one is heard again.
#[utoipa::path(delete, path = "/prompts/{id}", tag = "prompts", params(("id" = String, Path)), responses((status = 204)))]
async fn delete_prompt(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<StoredPrompt>(&id, &if_match).await?;
    let gone = edit.tx.delete::<StoredPrompt>(&id, expect).await?;
    edit.finish(&api).await?;
    api.prompts().remove(&key(&principal, &gone));
    api.prompts().files().delete(&principal.tenant, &gone.file);
    Ok(StatusCode::NO_CONTENT)
}

/// A sound that lies on disk under a new name.
struct Kept {
    file: String,
    sound: Sound,
}

impl Kept {
    fn duration_ms(&self) -> u64 {
        self.sound.narrow.len() as u64 / 8
    }

    fn play(self, api: &Api, principal: &Principal, prompt: &StoredPrompt) {
        api.prompts().put(key(principal, prompt), self.sound.wide.into(), media::RecordRate::Wide);
    }
}

fn key(principal: &Principal, prompt: &StoredPrompt) -> PromptKey {
    PromptKey { tenant: principal.tenant.clone(), language: prompt.language, name: prompt.name.clone() }
}

/// Makes a sound of an upload and writes it down.
async fn keep(
    api: &Api,
    principal: &Principal,
    name: &PromptName,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Kept, Problem> {
    let bytes = bytes.map_err(|rejection| match rejection.status().as_u16() {
        413 => Problem::new(Kind::TooLarge, "a prompt's file has at most 24 MiB"),
        _ => Problem::new(Kind::Malformed, "the body could not be read to its end"),
    })?;
    let kind = if name.as_str() == HOLD_MUSIC { sound::Kind::Music } else { sound::Kind::Speech };
    let (files, tenant, file) = (api.prompts().files().clone(), principal.tenant.clone(), new_ulid(unix_ms()));
    // One at a time: a long one takes some hundred MiB and a core for seconds.
    let _turn = api.prompts().turn().await;
    let made = tokio::task::spawn_blocking(move || {
        let sound =
            sound::take_in(bytes.to_vec(), kind).map_err(|error| Problem::invalid(vec![FieldError::new("", error)]))?;
        files.write(&tenant, &file, &sound).map_err(|error| Problem::internal(&error))?;
        Ok(Kept { file, sound })
    });
    made.await.map_err(|error| Problem::internal(&error))?
}

/// What is uploaded is held in memory: 30 minutes of a tenant are 58 MB.
async fn check_total(edit: &mut Edit, new: &StoredPrompt) -> Result<(), Problem> {
    let others = edit.tx.all::<StoredPrompt>().await?;
    let is_new = |other: &StoredPrompt| (other.language, &other.name) == (new.language, &new.name);
    let total_ms: u64 =
        others.iter().map(|other| &other.value).filter(|other| !is_new(other)).map(|p| p.duration_ms).sum();
    if total_ms + new.duration_ms > TENANT_TOTAL_MS {
        return Err(Problem::new(
            Kind::LimitReached,
            "the prompts of a tenant have at most 30 minutes in all; delete some first",
        ));
    }
    Ok(())
}

fn check_description(faults: &mut Faults, description: Option<&str>) {
    let fine = description.is_none_or(|text| text.chars().count() <= 200 && !text.chars().any(char::is_control));
    faults.require("description", fine, "a description is at most 200 characters on one line");
}

/// Ten minutes of mono at 16 bits and 20 kHz, or of MP3 at any rate.
const UPLOAD_BYTES_MAX: usize = 24 << 20;
/// Of all prompts of a tenant together.
const TENANT_TOTAL_MS: u64 = 30 * 60 * 1_000;
