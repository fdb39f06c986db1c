//! SIP over TLS: handshakes, bounded in number and time. What comes after one is a stream like any other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use metrics::counter;
use sip::flow::Transport;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::streams::{Ends, Opened, Streams, accept, bind};
use crate::tls::HANDSHAKE_MAX;

/// Handshakes at a time. Each costs about a millisecond of a core; beyond, new connections are closed at once and counted.
pub(super) const HANDSHAKES_MAX: usize = 256;

/// How handshakes went.
const HANDSHAKES: &str = "switchboard_sip_tls_handshakes_total";

/// What a listener needs.
#[derive(Clone)]
struct Door {
    streams: Arc<Streams>,
    acceptor: TlsAcceptor,
}

/// Listens; gives the address bound.
pub(super) fn listen(
    streams: Arc<Streams>,
    address: SocketAddr,
    config: Arc<rustls::ServerConfig>,
) -> io::Result<SocketAddr> {
    let listener = bind(address)?;
    let local = listener.local_addr()?;
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let door = Door { streams, acceptor: TlsAcceptor::from(config) };
    tokio::spawn(async move { door.stand_open(&listener, &places).await });
    Ok(local)
}

impl Door {
    async fn stand_open(&self, listener: &TcpListener, places: &Arc<Semaphore>) {
        loop {
            let (stream, peer) = accept(listener).await;
            match Arc::clone(places).try_acquire_owned() {
                Ok(place) => {
                    tokio::spawn(self.clone().shake(stream, peer, place));
                }
                Err(_full) => {
                    counter!(HANDSHAKES, "result" => "refused").increment(1);
                    tracing::debug!(limit = HANDSHAKES_MAX, "too many TLS handshakes at a time, one more closed");
                }
            }
        }
    }

    async fn shake(self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let Ok(local) = stream.local_addr() else { return };
        let result = match tokio::time::timeout(HANDSHAKE_MAX, self.acceptor.accept(stream)).await {
            Ok(Ok(secured)) => {
                let ends = Ends { transport: Transport::Tls, local, peer };
                let (read, write) = tokio::io::split(secured);
                self.streams.open(ends, Opened::ByPeer, read, write);
                "ok"
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake for SIP failed");
                "failed"
            }
            Err(_elapsed) => "timeout",
        };
        counter!(HANDSHAKES, "result" => result).increment(1);
        drop(place);
    }
}
