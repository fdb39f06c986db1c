//! Bodies of type message/sipfrag (RFC 3420), of which a NOTIFY about a REFER needs the status line (RFC 3515 §2.4.5).

use bytes::Bytes;

use crate::headers::HeaderValue;
use crate::message::{Response, StatusCode};

/// The Content-Type of what [`status_line`] writes.
pub const CONTENT_TYPE: &str = "message/sipfrag;version=2.0";

/// The body that tells how far the referred call is: a status line.
#[must_use]
pub fn status_line(status: StatusCode, reason: &str) -> Bytes {
    let mut line = format!("SIP/2.0 {} ", status.code()).into_bytes();
    line.extend_from_slice(HeaderValue::from(reason).as_bytes());
    line.extend_from_slice(b"\r\n");
    line.into()
}

/// The status line that a body begins with, as a response without header fields; `None` if it begins with none. Empty lines
/// before it are skipped, and a reason phrase may be missing.
#[must_use]
pub fn read_status_line(body: &Bytes) -> Option<Response> {
    let start = body.iter().position(|&byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t'))?;
    let end = memchr::memchr2(b'\r', b'\n', &body[start..]).map_or(body.len(), |end| start + end);
    let line = body.slice(start..end);
    let (version, rest) = line.split_at_checked(VERSION.len())?;
    if !version.eq_ignore_ascii_case(VERSION) {
        return None;
    }
    let (code, reason) = rest.split_at_checked(CODE_LEN)?;
    let status = StatusCode::new(std::str::from_utf8(code).ok()?.parse().ok()?)?;
    let reason = match reason {
        [] => reason,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    Some(Response { reason: line.slice_ref(reason), ..Response::new(status) })
}

const VERSION: &[u8] = b"SIP/2.0 ";
const CODE_LEN: usize = 3;
