//! `/sip`: SIP over WebSocket (RFC 7118), at the same address as the console. Who calls signs in by SIP, not by HTTP.

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::{Router, routing};
use sip::flow::Transport;
use tokio::sync::Semaphore;

use super::metric;
use super::origin;
use super::peer::Peer;
use super::problem::{Kind, Problem};
use crate::sip_io::{SipDoor, WEBSOCKET_MESSAGE_MAX};

/// Browsers connected at a time; beyond: 503.
pub const BROWSERS_MAX: usize = 8_192;

/// The subprotocol's name (RFC 7118 §4).
const SUBPROTOCOL: &str = "sip";

#[derive(Clone)]
struct Entrance {
    door: SipDoor,
    places: Arc<Semaphore>,
}

/// The path, to be merged beside the API.
pub fn router(door: SipDoor) -> Router {
    let entrance = Entrance { door, places: Arc::new(Semaphore::new(BROWSERS_MAX)) };
    Router::new().route("/sip", routing::get(open)).layer(from_fn(metric::count)).with_state(entrance)
}

async fn open(
    State(entrance): State<Entrance>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    // A WebSocket is no subject to the same-origin policy (RFC 6455 §10.2).
    origin::own_origin(&headers)?;
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("open a WebSocket for SIP (RFC 7118) here: {}", rejection.body_text());
        Problem::new(Kind::UpgradeRequired, detail)
    })?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        // RFC 7118 §4: a client names it, or speaks something else.
        return Err(Problem::new(Kind::UpgradeRequired, "name the subprotocol: Sec-WebSocket-Protocol: sip"));
    }
    let place = Arc::clone(&entrance.places).try_acquire_owned().map_err(|_| {
        Problem::new(Kind::Unavailable, "too many browsers are connected for SIP; try later").retry_after(30)
    })?;
    let upgrade = upgrade.max_message_size(WEBSOCKET_MESSAGE_MAX).max_frame_size(WEBSOCKET_MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let transport = if peer.secure { Transport::Wss } else { Transport::Ws };
        entrance.door.serve(transport, peer.local, peer.address, socket).await;
        drop(place);
    }))
}
