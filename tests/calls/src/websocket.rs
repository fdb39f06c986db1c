//! A WebSocket client for SIP (RFC 7118) that is not ours: tungstenite's, over TCP or over OpenSSL's TLS.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{HandshakeError, Message, WebSocket};

use crate::openssl::Secured;

/// How a browser would open it.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The server, as `Host` says it.
    pub server: SocketAddr,
    /// The page that asks.
    pub origin: Option<&'a str>,
    /// The subprotocol it names.
    pub subprotocol: Option<&'a str>,
}

impl Opening<'_> {
    /// As a page of the server itself opens it.
    #[must_use]
    pub fn of(server: SocketAddr) -> Self {
        Self { server, origin: None, subprotocol: Some("sip") }
    }
}

/// A connection under a WebSocket.
trait Line: Read + Write + Send + fmt::Debug {
    fn patience(&self, at_most: Duration) -> std::io::Result<()>;
}

impl Line for TcpStream {
    fn patience(&self, at_most: Duration) -> std::io::Result<()> {
        self.set_read_timeout(Some(at_most))
    }
}

/// OpenSSL in between.
#[derive(Debug)]
struct OverTls(Secured);

impl Read for OverTls {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.line.read(buffer)
    }
}

impl Write for OverTls {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.line.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.line.flush()
    }
}

impl Line for OverTls {
    fn patience(&self, at_most: Duration) -> std::io::Result<()> {
        self.0.line.set_read_timeout(Some(at_most))
    }
}

/// An open one.
#[derive(Debug)]
pub struct Socket {
    web: WebSocket<Box<dyn Line>>,
    secure: bool,
}

impl Socket {
    /// Opens one at `/sip`, plain.
    ///
    /// # Errors
    /// When the server refuses, with the status and body it refuses with.
    pub fn open(opening: Opening<'_>) -> Result<Self> {
        let stream = TcpStream::connect(opening.server).with_context(|| format!("nobody at {}", opening.server))?;
        stream.set_nodelay(true)?;
        Self::shake(opening, Box::new(stream), false)
    }

    /// Opens one over TLS.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_secured(opening: Opening<'_>, secured: Secured) -> Result<Self> {
        Self::shake(opening, Box::new(OverTls(secured)), true)
    }

    fn shake(opening: Opening<'_>, line: Box<dyn Line>, secure: bool) -> Result<Self> {
        line.patience(crate::phone::PATIENCE)?;
        let scheme = if secure { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{}/sip", opening.server).into_client_request()?;
        let fields = [("Origin", opening.origin), ("Sec-WebSocket-Protocol", opening.subprotocol)];
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            request.headers_mut().insert(name, value.parse()?);
        }
        match tungstenite::client(request, line) {
            Ok((web, _)) => Ok(Self { web, secure }),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let body = response.body().clone().unwrap_or_default();
                Err(anyhow!("{} {}", response.status().as_u16(), String::from_utf8_lossy(&body)))
            }
            Err(other) => Err(anyhow!("no WebSocket: {other}")),
        }
    }

    /// Whether it is over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Sends bytes as one frame: text where they are UTF-8.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let message = match std::str::from_utf8(bytes) {
            Ok(text) => Message::text(text),
            Err(_) => Message::binary(bytes.to_vec()),
        };
        self.web.send(message).context("the WebSocket is gone")
    }

    /// The next frame with something in it; `None` when none comes in time.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn receive(&mut self, at_most: Duration) -> Result<Option<String>> {
        self.web.get_ref().patience(at_most)?;
        match self.web.read() {
            Ok(Message::Text(text)) => Ok(Some(text.to_string())),
            Ok(Message::Binary(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Ok(Message::Close(_)) => bail!("the server closed the WebSocket"),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).context("the WebSocket broke"),
        }
    }
}
