//! Bytes to messages. Tolerant of what the field sends, exact about whose fault a refusal is.
//!
//! A request that is bad but still says where its answer goes comes back as [`ParseError::BadRequest`], from which the
//! answer is made. Nothing here panics, whatever the bytes.

mod head;
mod stream;

use bytes::Bytes;

use crate::headers::{HeaderError, Headers};
use crate::message::{MESSAGE_BYTES_MAX, Message, Method, Request, Response, StatusCode};
use head::{Head, StartLine};

pub use stream::{StreamEvent, StreamFramer};

/// Bytes that are no message to be handled.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ParseError {
    /// Only line ends: the peer keeps its flow alive (RFC 5626 §3.5.1, §4.4.1).
    #[error("keep-alive")]
    KeepAlive(KeepAlive),
    /// A request at fault whose sender can be told so: answer it with [`BadRequest::response`].
    #[error("bad request: {}", .0.reason)]
    BadRequest(Box<BadRequest>),
    /// A response at fault: dropped, since nobody answers a response (RFC 3261 §18.1.2).
    #[error("bad response from the peer, dropped: {0}")]
    BadResponse(String),
    /// No SIP: dropped.
    #[error("not SIP, dropped: {0}")]
    NotSip(&'static str),
}

/// A keep-alive of line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Two line ends or more: on a stream answered with one (RFC 5626 §4.4.1); on UDP nothing is due.
    Ping,
    /// One line end: the answer to our ping.
    Pong,
}

/// A request that cannot be handled, and what is left of it.
#[derive(Clone, Debug)]
pub struct BadRequest {
    /// What it is answered with: 400, 501, 505 or 513.
    pub status: StatusCode,
    /// What is wrong, for the reason phrase and the log; lower case.
    pub reason: String,
    /// Its method, if it could be read.
    pub method: Option<Method>,
    /// Every header field that could be read.
    pub headers: Headers,
}

impl BadRequest {
    /// The answer with `to_tag` in its To (RFC 3261 §8.2.6.2: as much of the header fields as could be read). `None` if no
    /// answer is due: an ACK never gets one (§17), nor does a request that does not say where it came from (no Via).
    #[must_use]
    pub fn response(&self, to_tag: &str) -> Option<Response> {
        if self.method == Some(Method::Ack) || self.headers.vias().next().is_none() {
            return None;
        }
        let response = Response::to_headers(&self.headers, self.status, Some(to_tag));
        if self.status == StatusCode::BAD_REQUEST {
            // RFC 3261 §21.4.1: the reason phrase should say what is wrong.
            return Some(response.with_reason(&format!("Bad Request: {}", self.reason)));
        }
        Some(response)
    }
}

/// Parses one datagram (or one WebSocket message, RFC 7118 §5) as one message.
///
/// Without a Content-Length the body is the rest; with a smaller one what follows is dropped; with a larger one the
/// message is cut and refused (RFC 3261 §18.3).
///
/// # Errors
/// [`ParseError`] if it is no message to be handled.
pub fn parse_datagram(datagram: Bytes) -> Result<Message, ParseError> {
    let start = datagram.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(datagram.len());
    if start == datagram.len() {
        return Err(keep_alive(&datagram));
    }
    if datagram.len() > MESSAGE_BYTES_MAX {
        return Err(ParseError::NotSip("longer than a message may be"));
    }
    // RFC 3261 §7.5: line ends before the start line are ignored.
    let message = if start == 0 { datagram } else { datagram.slice(start..) };
    finish(head::parse(&message), &message)
}

/// The header fields of a body part and what follows them. Lines that are none are passed over.
pub(crate) fn parse_part_headers(part: &Bytes) -> (Headers, Bytes) {
    let (headers, body_start) = head::parse_fields(part);
    (headers, part.slice(body_start..))
}

fn keep_alive(line_ends: &[u8]) -> ParseError {
    let count = memchr::memchr_iter(b'\n', line_ends).count();
    match count {
        0 => ParseError::NotSip("empty"),
        1 => ParseError::KeepAlive(KeepAlive::Pong),
        _ => ParseError::KeepAlive(KeepAlive::Ping),
    }
}

/// A head and the bytes it came in to a message, or to the fault that it has.
fn finish(head: Head, message: &Bytes) -> Result<Message, ParseError> {
    let Head { start_line, headers, body_start, fault } = head;
    match start_line {
        StartLine::NotSip(reason) => Err(ParseError::NotSip(reason)),
        StartLine::BadResponse(reason) => Err(ParseError::BadResponse(reason.to_owned())),
        StartLine::Response { status, reason } => {
            if let Some(fault) = fault {
                return Err(ParseError::BadResponse(fault.to_owned()));
            }
            let bad = |error: Fault| ParseError::BadResponse(error.reason);
            let body = body_of(&headers, message, body_start).map_err(bad)?;
            check_essentials(&headers, None).map_err(bad)?;
            Ok(Message::Response(Response { status, reason, headers, body }))
        }
        StartLine::BadRequest { method, status, reason } => {
            let reason = reason.to_owned();
            Err(ParseError::BadRequest(Box::new(BadRequest { status, reason, method, headers })))
        }
        StartLine::Request { method, uri } => {
            let checked = match fault {
                Some(fault) => Err(Fault::from(fault)),
                None => body_of(&headers, message, body_start)
                    .and_then(|body| check_essentials(&headers, Some(&method)).map(|()| body)),
            };
            match checked {
                Ok(body) => Ok(Message::Request(Request { method, uri, headers, body })),
                Err(Fault { status, reason }) => {
                    Err(ParseError::BadRequest(Box::new(BadRequest { status, reason, method: Some(method), headers })))
                }
            }
        }
    }
}

struct Fault {
    status: StatusCode,
    reason: String,
}

impl From<&'static str> for Fault {
    fn from(reason: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: reason.to_owned() }
    }
}

impl From<HeaderError> for Fault {
    fn from(error: HeaderError) -> Self {
        Self { status: error.status(), reason: error.to_string() }
    }
}

fn body_of(headers: &Headers, message: &Bytes, body_start: usize) -> Result<Bytes, Fault> {
    let rest = message.len() - body_start;
    let length = headers.content_length()?.map_or(rest, |length| length as usize);
    if length > rest {
        return Err(Fault::from("it is shorter than its content-length says"));
    }
    Ok(message.slice(body_start..body_start + length))
}

/// What is missing or wrong for a transaction to be found; a request's CSeq must name its method.
fn check_essentials(headers: &Headers, method: Option<&Method>) -> Result<(), Fault> {
    let cseq = headers.check_essentials()?;
    match method {
        // RFC 4475 §3.1.2.17: the method in the CSeq must be that of the request.
        Some(method) if cseq.method != *method => {
            let mut fault = Fault::from("the method in its cseq is another");
            // RFC 4475 §3.1.2.18: 501 "has better future-proof characteristics" for a method that nobody knows.
            if matches!(method, Method::Other(_)) {
                fault.status = StatusCode::NOT_IMPLEMENTED;
            }
            Err(fault)
        }
        Some(_) | None => Ok(()),
    }
}
