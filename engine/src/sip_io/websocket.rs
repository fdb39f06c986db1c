//! SIP over WebSocket (RFC 7118): one message a frame, whose end is the frame's. Browsers open the connection; a request to one
//! goes out on the connection that it registered by.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use sip::flow::{Flow, Transport};
use tokio::time::{Instant, sleep_until, timeout};

use super::streams::{Ends, Opened, Registered, Streams, WRITE_TIMEOUT};

/// No message is longer, bytes: as in a datagram.
pub const MESSAGE_MAX: usize = 65_535;

/// How often a ping asks whether the browser is there; below the minute in which many proxies close what is idle.
const PING_EVERY: Duration = Duration::from_secs(25);

/// A browser that says nothing for so long, not even to pings, is gone.
const SILENT_MAX: Duration = Duration::from_secs(60);

/// RFC 5626 §4.4.1, RFC 7118 §6: the keep-alive of a client, and the answer.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

/// Where WebSockets come in that have been opened for SIP. Cheap to clone.
#[derive(Clone)]
pub struct SipDoor(Arc<Streams>);

/// What a frame means.
enum Frame {
    /// A message, or an attempt at one.
    Sip(Bytes),
    /// A keep-alive that wants an answer.
    Ping,
    /// Anything else of a peer that is there.
    Alive,
    /// The connection ends.
    End,
}

impl SipDoor {
    pub(super) fn new(streams: Arc<Streams>) -> Self {
        Self(streams)
    }

    /// Serves a connection by this transport, from our address to the peer's, until its end.
    pub async fn serve(self, transport: Transport, local: SocketAddr, peer: SocketAddr, mut socket: WebSocket) {
        let ends = Ends { transport, local, peer };
        // Dropped, it is closed.
        let Some(registered) = self.0.register(ends, Opened::ByPeer) else { return };
        let id = registered.id;
        self.talk(registered, &mut socket).await;
        self.0.ended(id).await;
        // Best effort: who does not take it is left alone.
        let _ = timeout(WRITE_TIMEOUT, socket.send(Message::Close(None))).await;
    }

    async fn talk(&self, registered: Registered, socket: &mut WebSocket) {
        let Registered { flow, mut queued, mut closed, .. } = registered;
        let mut heard = Instant::now();
        let mut ping_at = heard + PING_EVERY;
        loop {
            tokio::select! {
                received = socket.recv() => {
                    heard = Instant::now();
                    match read(received) {
                        Frame::Sip(bytes) => self.take(flow, bytes).await,
                        Frame::Ping => if !send(socket, text_or_binary(Bytes::from_static(PONG))).await { return },
                        Frame::Alive => {}
                        Frame::End => return,
                    }
                }
                bytes = queued.recv() => match bytes {
                    Some(bytes) => if !send(socket, text_or_binary(bytes)).await { return },
                    None => return,
                },
                () = sleep_until(ping_at) => {
                    if heard.elapsed() >= SILENT_MAX || !send(socket, Message::Ping(Bytes::new())).await {
                        return;
                    }
                    ping_at = Instant::now() + PING_EVERY;
                }
                _ = closed.changed() => return,
            }
        }
    }

    /// RFC 7118 §5.2: as in a datagram, the message ends where its frame does.
    async fn take(&self, flow: Flow, bytes: Bytes) {
        let message = sip::parse::parse_datagram(bytes.clone());
        self.0.received(flow, &bytes, message).await;
    }
}

fn read(received: Option<Result<Message, axum::Error>>) -> Frame {
    let bytes = match received {
        Some(Ok(Message::Text(text))) => Bytes::from(text),
        Some(Ok(Message::Binary(bytes))) => bytes,
        // The library answers pings.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Frame::Alive,
        Some(Ok(Message::Close(_)) | Err(_)) | None => return Frame::End,
    };
    match bytes.as_ref() {
        PING => Frame::Ping,
        blank if blank.iter().all(u8::is_ascii_whitespace) => Frame::Alive,
        _ => Frame::Sip(bytes),
    }
}

/// RFC 7118 §5.2: either kind of frame carries a message; JavaScript reads text with less trouble, and only UTF-8 is text.
fn text_or_binary(bytes: Bytes) -> Message {
    match axum::extract::ws::Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    }
}

/// False when the peer does not take it.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    timeout(WRITE_TIMEOUT, socket.send(message)).await.is_ok_and(|sent| sent.is_ok())
}
