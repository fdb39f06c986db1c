//! `events`: the hooks. CloudEvents 1.0 envelopes in one ordered, durable log: pulled by position, or streamed over a WebSocket
//! that goes on where the last one ended.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::http::HeaderMap;
use axum::response::Response;
use hooks::fact::CloudEvent;
use hooks::position::Position;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::extract::Query;
use super::operation::{Guard, Operations};
use super::origin;
use super::page;
use super::permission::EVENTS_READ;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::socket::{self, End};
use super::state::Api;
use crate::events::Feed;
use crate::journal::ReadError;

/// The operations on events.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(EVENTS_READ), routes!(pull_events))
        .add(Guard::Needs(EVENTS_READ), routes!(stream_events))
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// In order.
    #[schema(value_type = Vec<CloudEventShown>)]
    pub items: Vec<CloudEvent>,
    /// Send it as `after` for what follows. Never null: events go on.
    #[schema(example = "default.3.1042")]
    pub next_cursor: String,
}

/// A CloudEvents 1.0 envelope. The schema of [`CloudEvent`], which knows no web framework.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CloudEvent)]
pub struct CloudEventShown {
    /// Always `1.0`.
    pub specversion: String,
    /// The position, unique and ordered.
    #[schema(example = "default.3.1042")]
    pub id: String,
    /// `/tenants/TENANT`.
    #[schema(example = "/tenants/default")]
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "call.answered")]
    pub kind: String,
    /// RFC 3339, UTC, with ms.
    pub time: super::time_text::Instant,
    /// The call, where there is one: events of one subject are in order.
    pub subject: Option<String>,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// What the event holds; more members may come.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Which events are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PullQuery {
    /// The position of the last event one has; left out, all that are kept.
    #[param(example = "default.3.1042")]
    after: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// How long to wait for the first event where there is none yet; at most 25,000.
    #[param(minimum = 0, maximum = 25_000)]
    wait_ms: Option<u64>,
}

/// From where to stream.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The position of the last event one has; left out, only what happens from now on.
    #[param(example = "default.3.1042")]
    after: Option<String>,
}

/// Below the time in which a request must be answered.
const WAIT_MAX_MS: u64 = 25_000;
/// How often a ping asks whether the client is there, and the session whether it still holds.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Events read and sent at a time.
const BATCH: usize = 64;

/// Events after a position, in order. Waits where there are none. For those who see the data of all.
#[utoipa::path(get, path = "/events", tag = "events", params(PullQuery),
    responses((status = 200, body = EventPage), (status = 404, description = "the position is another tenant's"),
        (status = 410, description = "events after the position are not kept any more")))]
async fn pull_events(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<PullQuery>,
) -> Result<Json<EventPage>, Problem> {
    principal.sees_all()?;
    let wait_ms = query.wait_ms.unwrap_or_default();
    if wait_ms > WAIT_MAX_MS {
        return Err(Problem::invalid(vec![FieldError::new("wait_ms", "wait at most 25,000 ms, then ask again")]));
    }
    let deadline = Instant::now() + Duration::from_millis(wait_ms);
    let limit = query.limit.unwrap_or(page::LIMIT_DEFAULT) as usize;
    let mut feed = open(&api, &principal, query.after.as_deref()).await?;
    loop {
        let (back, items) = read(feed, limit).await?;
        feed = back;
        if !items.is_empty() || tokio::time::timeout_at(deadline, feed.changed()).await.is_err() {
            let next_cursor = feed.position().to_string();
            api.parked().park(feed);
            return Ok(Json(EventPage { items, next_cursor }));
        }
    }
}

/// Events as they happen: each a text message with one CloudEvent. A client that is too slow is closed with 1013 and comes
/// back with its position.
#[utoipa::path(get, path = "/events/stream", tag = "events", params(StreamQuery),
    responses((status = 101, description = "a WebSocket follows"), (status = 404, description = "the position is another tenant's"),
        (status = 410, description = "events after the position are not kept any more"),
        (status = 426, description = "ask for a WebSocket")))]
async fn stream_events(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    // A WebSocket is no subject to the same-origin policy, but the cookie travels with it.
    principal.sees_all()?;
    origin::own_origin(&headers)?;
    let after = match query.after {
        Some(after) => after,
        None => api.journal(&principal.tenant)?.head().to_string(),
    };
    let feed = open(&api, &principal, Some(&after)).await?;
    let (upgrade, permit) = socket::open(&api, upgrade, "pull events instead")?;
    Ok(upgrade.on_upgrade(move |socket| stream(api, principal, feed, socket, permit)))
}

/// A position after which events can be read; the place before the oldest where its number is 0.
///
/// # Errors
/// When it is none, is another tenant's, is not kept any more, or is yet to come.
pub(super) async fn place(api: &Api, principal: &Principal, after: &str) -> Result<Position, Problem> {
    let journal = api.journal(&principal.tenant)?.clone();
    let after = position(principal, after)?;
    if after.number == 0 {
        return Ok(journal.start());
    }
    blocking(move || Feed::after(&journal, &after).map(|_| after)).await
}

fn position(principal: &Principal, text: &str) -> Result<Position, Problem> {
    let after: Position = text.parse().map_err(|error| Problem::invalid(vec![FieldError::new("after", error)]))?;
    if after.tenant == principal.tenant { Ok(after) } else { Err(Problem::not_found("position")) }
}

/// Finds the place; in the client's own tenant only.
async fn open(api: &Api, principal: &Principal, after: Option<&str>) -> Result<Feed, Problem> {
    let journal = api.journal(&principal.tenant)?.clone();
    let Some(after) = after else {
        return blocking(move || Feed::of_all(&journal)).await;
    };
    let after = position(principal, after)?;
    if let Some(feed) = api.parked().take(&after) {
        return Ok(feed);
    }
    if after.number == 0 {
        return blocking(move || Feed::of_all(&journal)).await;
    }
    blocking(move || Feed::after(&journal, &after)).await
}

async fn read(mut feed: Feed, limit: usize) -> Result<(Feed, Vec<CloudEvent>), Problem> {
    blocking(move || feed.read(limit).map(|events| (feed, events))).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?;
    done.map_err(|error| match &error {
        ReadError::Gone { .. } => Problem::new(Kind::Gone, error.to_string()),
        ReadError::Ahead { .. } => Problem::invalid(vec![FieldError::new("after", error)]),
        ReadError::OtherTenant { .. } => Problem::not_found("position"),
        ReadError::Damaged { .. } | ReadError::Io { .. } => Problem::internal(&error),
    })
}

async fn stream(api: Api, principal: Principal, feed: Feed, mut socket: WebSocket, _permit: OwnedSemaphorePermit) {
    let end = run(&api, &principal, feed, &mut socket).await;
    socket::close(&mut socket, end).await;
}

async fn run(api: &Api, principal: &Principal, mut feed: Feed, socket: &mut WebSocket) -> End {
    let mut ping_at = Instant::now() + PING_EVERY;
    loop {
        let events = match read(feed, BATCH).await {
            Ok((back, events)) => {
                feed = back;
                events
            }
            Err(_) => return End::Failed,
        };
        let idle = events.is_empty();
        for event in events {
            let Ok(text) = serde_json::to_string(&event) else { return End::Failed };
            if let Err(end) = socket::send(socket, Message::text(text)).await {
                return end;
            }
        }
        if Instant::now() >= ping_at {
            match socket::still_there(api, principal, socket, EVENTS_READ).await {
                Ok(Some(now)) if now.sees_all().is_err() => return End::SignedOut,
                Ok(Some(_) | None) => {}
                Err(end) => return end,
            }
            ping_at = Instant::now() + PING_EVERY;
        }
        if idle {
            tokio::select! {
                () = feed.changed() => {}
                () = sleep_until(ping_at) => {}
                received = socket.recv() => if let Some(end) = socket::heard(received) { return end },
            }
        }
    }
}
