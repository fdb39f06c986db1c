//! The listeners: plain and TLS, with limits on connections, headers and time. HTTP/1.1, which WebSockets need.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::peer::Peer;
use crate::tls::{ACME_TLS, HANDSHAKE_MAX};

/// Connections open at a time on one listener; beyond, new ones wait to be accepted.
const CONNECTIONS_MAX: u32 = 2_048;
/// A client sends its request's head within this time.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// Headers of one request.
const HEADERS_MAX: usize = 100;
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Requests that run when the server stops may take so long.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// After the system refused a connection (no file descriptors), the next is tried after this time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How connections are secured.
#[derive(Clone)]
pub enum Security {
    /// Not at all.
    Plain,
    /// By TLS.
    Tls(TlsAcceptor),
}

/// Serves until `stop` turns true or its sender is gone, then lets running requests end.
pub async fn serve(listener: TcpListener, security: Security, router: Router, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    while let Some((stream, address, place)) = accept(&listener, &places, &mut stop).await {
        let (security, router, stop) = (security.clone(), router.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, address, security, router, stop).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_MAX, places.acquire_many(CONNECTIONS_MAX)).await.is_err() {
        tracing::info!("requests were cut off: they did not end in time");
    }
}

/// The next connection, once there is a place for it; `None` at the end.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &mut watch::Receiver<bool>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = tokio::select! {
        place = Arc::clone(places).acquire_owned() => place.expect("the semaphore is never closed"),
        () = stopped(stop) => return None,
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(stop) => return None,
        };
        match accepted {
            Ok((stream, address)) => return Some((stream, address, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    security: Security,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    // Answers are small and one at a time: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    match security {
        Security::Plain => http(stream, Peer { address, local, secure: false }, router, stop).await,
        Security::Tls(acceptor) => match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
            // RFC 8737 §3: the handshake was all that was wanted.
            Ok(Ok(mut stream)) if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) => {
                let _ = tokio::time::timeout(HANDSHAKE_MAX, stream.shutdown()).await;
            }
            Ok(Ok(stream)) => http(stream, Peer { address, local, secure: true }, router, stop).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn http<S>(stream: S, peer: Peer, router: Router, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
