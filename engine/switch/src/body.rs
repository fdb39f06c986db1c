//! The session description in a body, whatever it is wrapped in, and what to say about other bodies.

use bytes::Bytes;
use sip::headers::{HeaderName, Headers};
use sip::message::StatusCode;
use sip::sdp::SessionDescription;

use crate::desk::Refusal;

/// The session description in a body; `None` if there is no body.
///
/// # Errors
/// 415 with Accept (or Accept-Encoding) for another type of body that must be understood (RFC 3261 §8.2.3), 400 for one that cannot be read.
pub(crate) fn session(headers: &Headers, body: &Bytes) -> Result<Option<SessionDescription>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    // RFC 3261 §8.2.3.
    let encoded = headers.get_text(&HeaderName::ContentEncoding);
    if encoded.is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let refusal = Refusal::from(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Err(refusal.with(HeaderName::AcceptEncoding, "identity"));
    }
    let media_type = headers.content_type().map_err(|_| bad())?.ok_or_else(bad)?;
    if media_type.is("application", "sdp") {
        return SessionDescription::parse(body).map(Some).map_err(|_| bad());
    }
    if media_type.kind == "multipart" {
        let boundary = media_type.params.get_unquoted("boundary").ok_or_else(bad)?;
        let part = sdp_part(body, &boundary).ok_or_else(unsupported)?;
        return SessionDescription::parse(part).map(Some).map_err(|_| bad());
    }
    // RFC 3261 §20.11: a body that may be left out.
    let optional = headers
        .get_text(&HeaderName::ContentDisposition)
        .is_some_and(|disposition| disposition.to_ascii_lowercase().contains("handling=optional"));
    if optional { Ok(None) } else { Err(unsupported()) }
}

/// The first part of type `application/sdp` (RFC 5621 §3, RFC 2046 §5.1.1).
fn sdp_part<'a>(body: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    let delimiter = [b"--", boundary].concat();
    let mut rest = after(body, &delimiter)?;
    for _ in 0..PARTS_MAX {
        let end = find(rest, &delimiter)?;
        let part = &rest[..end];
        if let Some((head, content)) = split_head(part)
            && String::from_utf8_lossy(head).to_ascii_lowercase().contains("application/sdp")
        {
            return Some(content);
        }
        rest = &rest[end + delimiter.len()..];
    }
    None
}

fn split_head(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let crlf = find(part, b"\r\n\r\n").map(|at| (at, 4));
    let (at, gap) = crlf.or_else(|| find(part, b"\n\n").map(|at| (at, 2)))?;
    Some((&part[..at], &part[at + gap..]))
}

fn after<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    find(text, wanted).map(|at| &text[at + wanted.len()..])
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

fn bad() -> Refusal {
    StatusCode::BAD_REQUEST.into()
}

fn unsupported() -> Refusal {
    Refusal::from(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(HeaderName::Accept, "application/sdp")
}

/// Parts of a multipart body that are looked at.
const PARTS_MAX: usize = 16;
