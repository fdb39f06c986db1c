//! What was sent to a webhook, what was given up, and sending by hand.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hooks::fact::CloudEvent;
use hooks::position::Position;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{event_of, reads_events};
use crate::http::extract::{Path, Query};
use crate::http::operation::{Guard, Operations};
use crate::http::page::{Listed, PageQuery};
use crate::http::permission::{WEBHOOKS_READ, WEBHOOKS_WRITE};
use crate::http::principal::Principal;
use crate::http::problem::{Kind, Problem};
use crate::http::state::Api;
use crate::http::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::unix_ms;
use crate::store::webhooks::{DeadLetter, Delivery, DeliveryOutcome, Webhook};
use crate::webhooks::{Attempt, Message, Target, Verdict};

/// The operations on deliveries.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(WEBHOOKS_READ), routes!(list_deliveries))
        .add(Guard::Needs(WEBHOOKS_READ), routes!(list_dead_letters))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(test_webhook))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(retry_dead_letter))
        .add(Guard::Needs(WEBHOOKS_WRITE), routes!(delete_dead_letter))
}

/// The type of the event that a test sends.
pub const TEST: &str = "webhook.test";

/// An attempt to deliver an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryShown {
    /// A ULID; they are in order.
    pub id: String,
    /// The event's ID, which is also its `webhook-id`.
    #[schema(example = "default.3.1042")]
    pub event: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "call.ended")]
    pub kind: String,
    /// The how manieth attempt it was, from 1.
    pub attempt: u32,
    /// When it began.
    pub at: Instant,
    /// What the server answered; null where it did not.
    pub status: Option<u16>,
    /// From resolving the name to the head of the answer.
    pub duration_ms: u64,
    /// What became of it.
    pub outcome: DeliveryOutcome,
    /// What was wrong.
    pub error: Option<String>,
}

/// An event that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterShown {
    /// The event's ID.
    #[schema(example = "default.3.1042")]
    pub event: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "call.ended")]
    pub kind: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When first.
    pub first_attempt_at: Instant,
    /// When it was given up.
    pub dead_at: Instant,
    /// What the server answered last; null where it did not.
    pub status: Option<u16>,
    /// What was wrong then.
    pub error: String,
}

/// What became of an event that was sent by request.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentNow {
    /// The event's ID.
    pub event: String,
    /// The server took it.
    pub delivered: bool,
    /// What it answered; null where it did not.
    pub status: Option<u16>,
    /// How long that took.
    pub duration_ms: u64,
    /// What was wrong.
    pub error: Option<String>,
}

impl From<Delivery> for DeliveryShown {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, event, kind, attempt, at_ms, status, duration_ms, outcome, error } = delivery;
        Self { id, event, kind, attempt, at: Instant(at_ms), status, duration_ms, outcome, error }
    }
}

impl From<DeadLetter> for DeadLetterShown {
    fn from(letter: DeadLetter) -> Self {
        Self {
            event: letter.at.to_string(),
            kind: letter.kind,
            attempts: letter.attempts,
            first_attempt_at: Instant(letter.first_at_ms),
            dead_at: Instant(letter.dead_at_ms),
            status: letter.status,
            error: letter.error,
        }
    }
}

/// What was sent to a webhook, the newest first: the last 1,000 attempts, of a week at the most.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listed<DeliveryShown>)))]
async fn list_deliveries(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<DeliveryShown>>, Problem> {
    api.store().get::<Webhook>(&principal.tenant, &id).await?;
    let log = api.store().webhook_deliveries(&principal.tenant, &id, &page.ask()?).await?;
    Ok(Json(Listed::from_store(log, DeliveryShown::from)))
}

/// Events that were given up, in their order: the last 1,000. Those that follow one were delivered all the same.
#[utoipa::path(get, path = "/webhooks/{id}/dead-letters", tag = "webhooks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Listed<DeadLetterShown>)))]
async fn list_dead_letters(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<DeadLetterShown>>, Problem> {
    api.store().get::<Webhook>(&principal.tenant, &id).await?;
    let after = match page.after()? {
        Some(after) => event_of(&principal, &after)?,
        None => Position::start(principal.tenant.clone()),
    };
    let limit = page.limit();
    let letters = api.store().dead_letters(&id, &after, limit as u64 + 1).await?;
    Ok(Json(Listed::cut(letters, limit, |letter| letter.at.to_string(), DeadLetterShown::from)))
}

/// Sends a `webhook.test` event now, also where the webhook is disabled, and tells what came back.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)),
    responses((status = 200, body = SentNow)))]
async fn test_webhook(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<SentNow>, Problem> {
    let sender = Sender::new(&api, &principal, &id).await?;
    let now_ms = unix_ms();
    let event = CloudEvent {
        specversion: "1.0".to_owned(),
        id: format!("test-{}", new_ulid(now_ms)),
        source: format!("/tenants/{}", principal.tenant),
        kind: TEST.to_owned(),
        time: Instant(now_ms).to_string(),
        subject: None,
        datacontenttype: "application/json".to_owned(),
        data: serde_json::json!({"webhook": id, "by": principal.by()}),
    };
    sender.send(Message::of(&event), TEST, 1).await.map(Json)
}

/// Sends a dead letter now, out of the order of events, and tells what came back. One that is taken is dead no more.
#[utoipa::path(post, path = "/webhooks/{id}/dead-letters/{event}/retry", tag = "webhooks",
    params(("id" = String, Path), ("event" = String, Path)), responses((status = 200, body = SentNow)))]
async fn retry_dead_letter(
    State(api): State<Api>,
    principal: Principal,
    Path((id, event)): Path<(String, String)>,
) -> Result<Json<SentNow>, Problem> {
    let at = event_of(&principal, &event)?;
    reads_events(&principal)?;
    let sender = Sender::new(&api, &principal, &id).await?;
    let letter = api.store().dead_letter(&id, &at).await?.ok_or_else(|| Problem::not_found("dead letter"))?;
    let message = Message { id: letter.at.to_string(), body: letter.body };
    let sent = sender.send(message, &letter.kind, letter.attempts.saturating_add(1)).await?;
    if sent.delivered {
        api.store().delete_dead_letter(&id, &at).await?;
    }
    Ok(Json(sent))
}

/// Deletes a dead letter: nobody needs it.
#[utoipa::path(delete, path = "/webhooks/{id}/dead-letters/{event}", tag = "webhooks",
    params(("id" = String, Path), ("event" = String, Path)), responses((status = 204)))]
async fn delete_dead_letter(
    State(api): State<Api>,
    principal: Principal,
    Path((id, event)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let at = event_of(&principal, &event)?;
    api.store().get::<Webhook>(&principal.tenant, &id).await?;
    match api.store().delete_dead_letter(&id, &at).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("dead letter")),
    }
}

/// Sends one message by request.
struct Sender<'a> {
    api: &'a Api,
    principal: &'a Principal,
    id: &'a str,
    target: Target,
    _place: OwnedSemaphorePermit,
}

impl<'a> Sender<'a> {
    async fn new(api: &'a Api, principal: &'a Principal, id: &'a str) -> Result<Self, Problem> {
        let webhook = api.store().get::<Webhook>(&principal.tenant, id).await?.value;
        let target = Target::new(&webhook, &principal.tenant, api.secret_key());
        let target = target.map_err(|error| Problem::new(Kind::Unreadable, error.to_string()))?;
        let place = api.webhooks().by_request().clone().try_acquire_owned().map_err(|_| {
            Problem::new(Kind::Unavailable, "other tests of webhooks are running; try again in a moment").retry_after(5)
        })?;
        Ok(Self { api, principal, id, target, _place: place })
    }

    async fn send(&self, message: Message, kind: &str, attempt: u32) -> Result<SentNow, Problem> {
        let event = message.id.clone();
        let sent: Attempt = self.api.webhooks().attempt(&self.target, message).await;
        let delivered = sent.verdict == Verdict::Delivered;
        let outcome = if delivered { DeliveryOutcome::Delivered } else { DeliveryOutcome::Failed };
        let entry = sent.logged(event.clone(), kind.to_owned(), attempt, outcome);
        self.api.store().log_delivery(&self.principal.tenant, self.id, &entry).await?;
        let Delivery { status, duration_ms, error, .. } = entry;
        Ok(SentNow { event, delivered, status, duration_ms, error })
    }
}
