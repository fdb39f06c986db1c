//! WebSockets that only send: what each of them does alike.

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use hooks::plugin::PermissionKey;
use tokio::time::timeout;

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

/// A client that does not take a message for so long is closed.
const SEND_MAX: Duration = Duration::from_secs(10);

/// The upgrade that was asked for.
///
/// # Errors
/// 426 where none was.
pub(super) fn upgradable(
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, Problem> {
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

/// Pings, and looks whether the principal still may read.
pub(super) async fn still_there(
    api: &Api,
    principal: &Principal,
    socket: &mut WebSocket,
    key: PermissionKey,
) -> Result<(), End> {
    send(socket, Message::Ping(axum::body::Bytes::new())).await?;
    match super::principal::renewed(api, principal).await {
        Ok(Some(now)) if now.permissions.allow(key) => Ok(()),
        Ok(Some(_) | None) => Err(End::SignedOut),
        // The database is away: who was let in stays.
        Err(_) => Ok(()),
    }
}

/// Says why, if anybody listens.
pub(super) async fn close(socket: &mut WebSocket, end: End) {
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
