//! WebSockets that only send: what each of them does alike.

use std::future::Future;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use hooks::plugin::PermissionKey;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until, timeout};
use utoipa::ToSchema;

use super::field::{Eyes, Shape};
use super::mask::Masker;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::state::Api;

/// Why a stream ends (RFC 6455 §7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client left.
    Left,
    /// 1013: it does not take what is sent.
    TooSlow,
    /// 1008: the session ended, or the permission was taken away.
    SignedOut,
    /// 1011: our fault.
    Failed,
}

impl End {
    /// In figures.
    fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::TooSlow => "too_slow",
            Self::SignedOut => "signed_out",
            Self::Failed => "failed",
        }
    }
}

/// A client that does not take a message for so long is closed.
const SEND_MAX: Duration = Duration::from_secs(10);

/// How often is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often is sent what has not changed (MON-01).
const SEND_EVERY: Duration = Duration::from_secs(2);
/// How often is asked whether who looks still may.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// The longest message that is read: nothing is expected.
const HEARD_MAX: usize = 4 * 1024;

/// A snapshot that is pushed.
pub(super) struct Snapshot<T> {
    /// What it says but for the time: by this a change is known.
    pub(super) said: String,
    /// The whole of it.
    pub(super) whole: T,
}

/// What somebody looks at as it changes.
pub(super) trait Watched: Send {
    /// The permission without which nobody looks.
    const KEY: PermissionKey;
    /// The whole of a snapshot.
    type Whole: Serialize + ToSchema + Send;

    /// How it stands; none while the database is away.
    fn look(&self, api: &Api) -> impl Future<Output = Option<Snapshot<Self::Whole>>> + Send;

    /// Who looks stands like this now (ORG-37).
    fn renewed(&mut self, api: &Api, principal: Principal) -> impl Future<Output = ()> + Send;
}

/// Pushes snapshots until the client leaves or may look no more: the first at once, then at each change, and every two seconds in any
/// case.
pub(super) async fn push<W: Watched>(api: Api, principal: Principal, mut watched: W, mut socket: WebSocket) {
    let end = pushed(&api, &principal, &mut watched, &mut socket).await;
    close(&mut socket, end).await;
}

async fn pushed<W: Watched>(api: &Api, principal: &Principal, watched: &mut W, socket: &mut WebSocket) -> End {
    let (mut last, mut sent_at) = (String::new(), Instant::now());
    let eyes_of = |principal: &Principal| Eyes::of(principal, Masker::of(api, principal));
    let (shape, mut eyes) = (Shape::of::<W::Whole>(), eyes_of(principal));
    let mut ask_at = Instant::now() + ASK_EVERY;
    loop {
        let now = Instant::now();
        if let Some(seen) = watched.look(api).await.filter(|seen| seen.said != last || now >= sent_at + SEND_EVERY) {
            let Ok(whole) = serde_json::to_value(&seen.whole) else { return End::Failed };
            let text = shape.text(eyes.as_ref(), whole).await;
            if let Err(end) = send(socket, Message::text(text)).await {
                return end;
            }
            (last, sent_at) = (seen.said, now);
        }
        if now >= ask_at {
            match still_there(api, principal, socket, W::KEY).await {
                Ok(Some(principal)) => {
                    eyes = eyes_of(&principal);
                    watched.renewed(api, principal).await;
                }
                Ok(None) => {}
                Err(end) => return end,
            }
            ask_at = now + ASK_EVERY;
        }
        tokio::select! {
            () = sleep_until(now + LOOK_EVERY) => {}
            received = socket.recv() => if let Some(end) = heard(received) { return end },
        }
    }
}

/// A WebSocket that only sends, and its place among those that are open.
///
/// # Errors
/// 426 where none was asked for; 503 where too many are open, with what to do `otherwise`.
pub(super) fn open(
    api: &Api,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    otherwise: &str,
) -> Result<(WebSocketUpgrade, OwnedSemaphorePermit), Problem> {
    let upgrade = upgradable(upgrade)?;
    let permit = api.streams().clone().try_acquire_owned().map_err(|_| {
        let detail = format!("too many streams are open; {otherwise}, or try later");
        Problem::new(Kind::Unavailable, detail).retry_after(30)
    })?;
    Ok((upgrade.max_message_size(HEARD_MAX), permit))
}

/// The upgrade that was asked for.
///
/// # Errors
/// 426 where none was.
fn upgradable(upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Result<WebSocketUpgrade, Problem> {
    upgrade.map_err(|rejection| {
        Problem::new(Kind::UpgradeRequired, format!("open a WebSocket (RFC 6455) here: {}", rejection.body_text()))
    })
}

/// Sends a message, within a bound.
pub(super) async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SEND_MAX, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Left),
        Err(_) => Err(End::TooSlow),
    }
}

/// What a client says means nothing, but that it leaves; pongs are answered by the library.
pub(super) fn heard(received: Option<Result<Message, axum::Error>>) -> Option<End> {
    match received {
        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => None,
        Some(Ok(Message::Close(_)) | Err(_)) | None => Some(End::Left),
    }
}

/// Pings, and looks whether the principal still may read: as he stands now, if that could be found out.
pub(super) async fn still_there(
    api: &Api,
    principal: &Principal,
    socket: &mut WebSocket,
    key: PermissionKey,
) -> Result<Option<Principal>, End> {
    send(socket, Message::Ping(axum::body::Bytes::new())).await?;
    match super::principal::renewed(api, principal).await {
        Ok(Some(now)) if now.permissions.allow(key) => Ok(Some(now)),
        Ok(Some(_) | None) => Err(End::SignedOut),
        // The database is away: who was let in stays.
        Err(_) => Ok(None),
    }
}

/// Says why, if anybody listens.
pub(super) async fn close(socket: &mut WebSocket, end: End) {
    metrics::counter!("switchboard_http_streams_ended_total", "reason" => end.word()).increment(1);
    let (code, reason) = match end {
        End::Left => return,
        End::TooSlow => (1013, "too slow; come back, events with the position of the last one"),
        End::SignedOut => (1008, "the session ended"),
        End::Failed => (1011, "what is streamed cannot be read"),
    };
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // Best effort: the client is about to lose the connection anyway.
    let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(Some(frame)))).await;
}
