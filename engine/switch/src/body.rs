//! The session description in a body, whatever it is wrapped in, and what to say about other bodies.

use bytes::Bytes;
use sip::headers::{HeaderName, Headers};
use sip::message::StatusCode;
use sip::multipart;
use sip::sdp::SessionDescription;

use crate::desk::Refusal;

/// The session description in a body, alone or as a part (RFC 5621 §3); `None` if there is no body.
///
/// # Errors
/// 415 with Accept (or Accept-Encoding) for another type of body that must be understood (RFC 3261 §8.2.3), 400 for one that
/// cannot be read.
pub(crate) fn session(headers: &Headers, body: &Bytes) -> Result<Option<SessionDescription>, Refusal> {
    if body.is_empty() {
        return Ok(None);
    }
    let encoded = headers.get_text(&HeaderName::ContentEncoding);
    if encoded.is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        let refusal = Refusal::from(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Err(refusal.with(HeaderName::AcceptEncoding, "identity"));
    }
    if !headers.contains(&HeaderName::ContentType) {
        return Err(StatusCode::BAD_REQUEST.into());
    }
    match multipart::find(headers, body, "application", "sdp") {
        Ok(Some(part)) => SessionDescription::parse(&part.body).map(Some).map_err(|_| StatusCode::BAD_REQUEST.into()),
        Ok(None) if may_be_left_out(headers) => Ok(None),
        Ok(None) => {
            let refusal = Refusal::from(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            Err(refusal.with(HeaderName::Accept, "application/sdp"))
        }
        Err(_) => Err(StatusCode::BAD_REQUEST.into()),
    }
}

/// RFC 3261 §20.11.
fn may_be_left_out(headers: &Headers) -> bool {
    headers
        .get_text(&HeaderName::ContentDisposition)
        .is_some_and(|disposition| disposition.to_ascii_lowercase().contains("handling=optional"))
}
