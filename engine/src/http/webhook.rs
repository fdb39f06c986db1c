//! `webhooks`: endpoints that are sent events. A secret goes out once and never again.

pub mod delivery;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hooks::position::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::event;
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations, forbidden};
use super::page::{Listed, PageQuery};
use super::permission::{EVENTS_READ, WEBHOOKS_READ, WEBHOOKS_WRITE};
use super::precondition::{IfMatch, etag};
use super::principal::Principal;
use super::problem::{FieldError, Problem};
use super::setting::{Edit, Faults};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::setting::{Hidden, Setting as _, Stored};
use crate::store::unix_ms;
use crate::store::webhooks::{DESCRIPTION_MAX, PreviousSecret, Webhook, WebhookPlace, webhook_owner};
use crate::webhooks::pattern::{EventPattern, PATTERNS_MAX};
use crate::webhooks::secret::WebhookSecret;

/// The operations on webhooks.
#[must_use]
pub fn operations() -> Operations {
    delivery::operations()
        .add(Guard::Needs(WEBHOOKS_READ), routes!(list_webhooks))
        .add(Guard::Needs(WEBHOOKS_READ), routes!(read_webhook))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(create_webhook))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(change_webhook))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(delete_webhook))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(rotate_webhook_secret))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(replay_webhook))
}

/// How long the old secret is still used where nothing else is asked for, and at the most: a day and a week.
const OVERLAP_DEFAULT_S: u64 = 86_400;
const OVERLAP_MAX_S: u64 = 7 * 86_400;

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookShown {
    /// A ULID.
    pub id: String,
    /// Where events are sent.
    #[schema(example = "https://crm.example/hooks/calls")]
    pub url: String,
    /// For people.
    pub description: String,
    /// A disabled one is sent nothing, and events are not kept for it.
    pub enabled: bool,
    /// Which events it wants; empty: all.
    #[schema(example = json!(["call.*", "recording.ready"]))]
    pub types: Vec<String>,
    /// It may be on this machine or in a private network, as far as `[webhooks]` allows that.
    pub allow_private: bool,
    /// Until then messages are signed with the old secret, too.
    pub previous_secret_until: Option<Instant>,
    /// How far it has come.
    pub state: WebhookState,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// How far a webhook has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookState {
    /// The last event that was delivered, given up, or not wanted; those after it follow.
    #[schema(example = "default.3.1042")]
    pub position: String,
    /// How many events of the log stand after it, wanted or not.
    pub lag: u64,
    /// The event after `position` that was not taken so far; null where all is well.
    pub failing: Option<WebhookFailing>,
    /// Events that were deleted before it got them; null where there were none since the last replay.
    pub lost: Option<WebhookLost>,
    /// When it answered 410 and was disabled for that; null again when it is enabled.
    pub gone_at: Option<Instant>,
}

/// An event that was not taken so far.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookFailing {
    /// When it was tried first.
    pub since: Instant,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; a change of the webhook brings that forward.
    pub next_attempt_at: Instant,
    /// What the server answered last, if it did.
    pub status: Option<u16>,
    /// What was wrong with it.
    pub error: String,
}

/// Events that a webhook never got: it was disabled or away for longer than they are kept (`webhooks.hold_days`).
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookLost {
    /// When that was found.
    pub at: Instant,
    /// The last event before the gap.
    #[schema(example = "default.3.1042")]
    pub after: String,
    /// Events after this one it gets.
    #[schema(example = "default.5.20000")]
    pub resumed_after: String,
}

/// A webhook with its secret, which is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    #[serde(flatten)]
    pub shown: WebhookShown,
    /// What messages are signed with: `whsec_` and Base64. It is not shown again: write it down.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw")]
    pub secret: String,
}

/// A new webhook. It is sent what happens from now on; a replay sends what was before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// `https://` or `http://`, at most 2,000 bytes.
    #[schema(example = "https://crm.example/hooks/calls")]
    url: String,
    /// For people; up to 200 characters.
    #[serde(default)]
    description: String,
    #[serde(default = "yes")]
    enabled: bool,
    /// Types (`call.ended`) and all below a prefix (`call.*`), at most 64; left out or empty: all events.
    #[serde(default)]
    #[schema(example = json!(["call.*", "recording.ready"]))]
    types: Vec<String>,
    #[serde(default)]
    allow_private: bool,
    /// One's own secret: `whsec_` and 24 to 64 random bytes as Base64; left out, one is made.
    secret: Option<String>,
}

/// What shall be different; what is left out stays (RFC 7396). An event that waits is tried again at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    url: Option<String>,
    description: Option<String>,
    enabled: Option<bool>,
    types: Option<Vec<String>>,
    allow_private: Option<bool>,
}

/// A new secret for a webhook.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// One's own; left out, one is made.
    secret: Option<String>,
    /// So long messages are signed with the old one, too; 0 to 604,800, a day where it is left out.
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_s: Option<u64>,
}

/// From where to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The event before the first that is sent; `TENANT.0.0`: all that are kept.
    #[schema(example = "default.3.1042")]
    after: String,
}

const fn yes() -> bool {
    true
}

/// The webhooks of the tenant, the oldest first.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", params(PageQuery),
    responses((status = 200, body = Listed<WebhookShown>)))]
async fn list_webhooks(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<WebhookShown>>, Problem> {
    let rows = api.store().list::<Webhook>(&principal.tenant, &page.ask()?).await?;
    let places = api.store().webhook_places(&principal.tenant).await?;
    let head = api.journal(&principal.tenant)?.head();
    let place = |id: &str| places.get(id).cloned().unwrap_or_else(|| unplaced(&head));
    Ok(Json(Listed::from_store(rows, |stored| {
        let place = place(&stored.value.id);
        shown(stored, place, &head)
    })))
}

/// One webhook.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = WebhookShown)))]
async fn read_webhook(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    answer(&api, &principal, &id).await
}

/// Makes a webhook. Its secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = WebhookWithSecret)))]
async fn create_webhook(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    reads_events(&principal)?;
    let mut faults = Faults::default();
    check(&api, &mut faults, &new.url, new.allow_private);
    check_description(&mut faults, &new.description);
    let types = patterns(&mut faults, &new.types);
    let secret = secret(&mut faults, new.secret.as_deref());
    faults.check()?;
    let id = new_ulid(unix_ms());
    let webhook = Webhook {
        secret: seal(&api, &principal, &id, &secret),
        id,
        url: new.url,
        description: new.description,
        enabled: new.enabled,
        types,
        allow_private: new.allow_private,
        previous: None,
    };
    let mut edit = Edit::begin(&api, &principal).await?;
    let head = api.journal(&principal.tenant)?.head();
    let stored = edit.tx.create(webhook).await?;
    edit.tx.place_webhook(&stored.value.id, &head).await?;
    edit.finish(&api).await?;
    api.webhooks().changed();
    let headers = [
        (header::LOCATION, format!("/api/v1/webhooks/{}", stored.value.id)),
        (header::ETAG, format!("\"{}\"", stored.version)),
    ];
    let body = WebhookWithSecret { shown: shown(stored, unplaced(&head), &head), secret: secret.to_text() };
    Ok((StatusCode::CREATED, headers, Json(body)))
}

/// Changes a webhook; a merge patch (RFC 7396).
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    request_body = WebhookChange, responses((status = 200, body = WebhookShown)))]
async fn change_webhook(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(change): Body<WebhookChange>,
) -> Result<Response, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut webhook, expect) = edit.found::<Webhook>(&id, &if_match).await?;
    reads_events(&principal)?;
    let mut faults = Faults::default();
    let was_enabled = webhook.enabled;
    webhook.url = change.url.unwrap_or(webhook.url);
    webhook.allow_private = change.allow_private.unwrap_or(webhook.allow_private);
    check(&api, &mut faults, &webhook.url, webhook.allow_private);
    webhook.description = change.description.unwrap_or(webhook.description);
    check_description(&mut faults, &webhook.description);
    webhook.enabled = change.enabled.unwrap_or(webhook.enabled);
    webhook.types = change.types.map_or(webhook.types, |types| patterns(&mut faults, &types));
    faults.check()?;
    if webhook.enabled && !was_enabled {
        edit.tx.note_webhook_gone(&id, None).await?;
    }
    edit.tx.update(webhook, expect).await?;
    edit.finish(&api).await?;
    api.webhooks().changed();
    answer(&api, &principal, &id).await
}

/// Deletes a webhook, with its log and its dead letters.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 204)))]
async fn delete_webhook(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (_, expect) = edit.found::<Webhook>(&id, &if_match).await?;
    edit.tx.forget_webhook(&id).await?;
    let done = edit.delete::<Webhook>(&api, &id, expect).await;
    api.webhooks().changed();
    done
}

/// Gives a webhook another secret, which is in the answer and nowhere else. For a while messages carry the signatures of both.
#[utoipa::path(post, path = "/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = String, Path)),
    request_body = NewSecret, responses((status = 200, body = WebhookWithSecret)))]
async fn rotate_webhook_secret(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(new): Body<NewSecret>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let overlap_s = new.overlap_s.unwrap_or(OVERLAP_DEFAULT_S);
    faults.require("overlap_s", overlap_s <= OVERLAP_MAX_S, "an old secret is used for at most 604,800 s, a week");
    let secret = secret(&mut faults, new.secret.as_deref());
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut webhook, expect) = edit.found::<Webhook>(&id, &if_match).await?;
    let until_ms = unix_ms() + overlap_s * 1_000;
    let old = std::mem::replace(&mut webhook.secret, seal(&api, &principal, &id, &secret));
    webhook.previous = (overlap_s > 0).then_some(PreviousSecret { secret: old, until_ms });
    let stored = edit.tx.update(webhook, expect).await?;
    edit.finish(&api).await?;
    api.webhooks().changed();
    let tag = etag(stored.version);
    let shown = found(&api, &principal, stored).await?;
    Ok(([(header::ETAG, tag)], Json(WebhookWithSecret { shown, secret: secret.to_text() })))
}

/// Sends a webhook the events after a position, in order; those that it got already, again. What fails now is left alone.
#[utoipa::path(post, path = "/webhooks/{id}/replay", tag = "webhooks", params(("id" = String, Path)),
    request_body = Replay, responses((status = 200, body = WebhookShown),
        (status = 410, description = "events after the position are not kept any more")))]
async fn replay_webhook(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(replay): Body<Replay>,
) -> Result<Response, Problem> {
    reads_events(&principal)?;
    let after = event::place(&api, &principal, &replay.after).await?;
    if !api.store().replay_webhook(&id, &after).await? {
        return Err(Problem::not_found(Webhook::RESOURCE));
    }
    tracing::info!(by = principal.by(), webhook = id, %after, "a webhook is sent events again");
    api.webhooks().changed();
    answer(&api, &principal, &id).await
}

/// Who makes a webhook reads events by it, of the whole enterprise and with all numbers.
fn reads_events(principal: &Principal) -> Result<(), Problem> {
    principal.sees_all()?;
    if principal.permissions.allow(EVENTS_READ) { Ok(()) } else { Err(forbidden(EVENTS_READ)) }
}

async fn answer(api: &Api, principal: &Principal, id: &str) -> Result<Response, Problem> {
    let stored = api.store().get::<Webhook>(&principal.tenant, id).await?;
    let tag = etag(stored.version);
    Ok(([(header::ETAG, tag)], Json(found(api, principal, stored).await?)).into_response())
}

async fn found(api: &Api, principal: &Principal, stored: Stored<Webhook>) -> Result<WebhookShown, Problem> {
    let head = api.journal(&principal.tenant)?.head();
    let place = api.store().webhook_place(&principal.tenant, &stored.value.id).await?;
    Ok(shown(stored, place.unwrap_or_else(|| unplaced(&head)), &head))
}

/// A place of a webhook that has had no event.
fn unplaced(head: &Position) -> WebhookPlace {
    WebhookPlace { at: head.clone(), generation: 0, trying: None, lost: None, gone_at_ms: None }
}

fn shown(stored: Stored<Webhook>, place: WebhookPlace, head: &Position) -> WebhookShown {
    let now_ms = unix_ms();
    let webhook = stored.value;
    let failing = place.trying.map(|trying| WebhookFailing {
        since: Instant(trying.since_ms),
        attempts: trying.attempts,
        next_attempt_at: Instant(trying.next_at_ms),
        status: trying.status,
        error: trying.error,
    });
    let lost = place.lost.map(|lost| WebhookLost {
        at: Instant(lost.at_ms),
        after: lost.after.to_string(),
        resumed_after: lost.resumed_after.to_string(),
    });
    let previous = webhook.previous.map(|previous| previous.until_ms).filter(|until_ms| *until_ms > now_ms);
    WebhookShown {
        id: webhook.id,
        url: webhook.url,
        description: webhook.description,
        enabled: webhook.enabled,
        types: webhook.types.iter().map(ToString::to_string).collect(),
        allow_private: webhook.allow_private,
        previous_secret_until: previous.map(Instant),
        state: WebhookState {
            lag: head.number.saturating_sub(place.at.number),
            position: place.at.to_string(),
            failing,
            lost,
            gone_at: place.gone_at_ms.map(Instant),
        },
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
    }
}

fn check(api: &Api, faults: &mut Faults, url: &str, allow_private: bool) {
    let allowed = !allow_private || api.webhooks().may_be_private();
    let mend = "the configuration allows no webhooks to private addresses; see [webhooks] in conf/switchboard.toml";
    faults.require("allow_private", allowed, mend);
    faults.note("url", api.webhooks().check_url(url, allow_private));
}

fn check_description(faults: &mut Faults, text: &str) {
    let fine = text.chars().count() <= DESCRIPTION_MAX && !text.chars().any(char::is_control);
    faults.require("description", fine, "a description has at most 200 characters on one line");
}

fn patterns(faults: &mut Faults, texts: &[String]) -> Vec<EventPattern> {
    faults.require("types", texts.len() <= PATTERNS_MAX, "a webhook names at most 64 types; use prefixes as call.*");
    let parsed = texts.iter().take(PATTERNS_MAX).enumerate();
    parsed.filter_map(|(n, text)| faults.note(&format!("types.{n}"), text.parse())).collect()
}

fn secret(faults: &mut Faults, own: Option<&str>) -> WebhookSecret {
    let own = own.and_then(|text| faults.note("secret", text.parse::<WebhookSecret>()));
    own.unwrap_or_else(WebhookSecret::random)
}

fn seal(api: &Api, principal: &Principal, id: &str, secret: &WebhookSecret) -> Hidden {
    api.secret_key().seal(&webhook_owner(&principal.tenant, id), &secret.to_text())
}

/// An event by its ID.
fn event_of(principal: &Principal, text: &str) -> Result<Position, Problem> {
    let at: Position = text.parse().map_err(|error| Problem::invalid(vec![FieldError::new("event", error)]))?;
    if at.tenant == principal.tenant { Ok(at) } else { Err(Problem::not_found("event")) }
}
