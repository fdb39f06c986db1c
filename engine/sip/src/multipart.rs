//! Bodies of several parts: the part that is a session description is found, the others are passed over (RFC 5621 §3).

use bytes::Bytes;

use crate::headers::{HeaderError, HeaderName, Headers, MediaType};
use crate::parse::parse_part_headers;

/// The most parts of a body that are looked at.
pub const PARTS_MAX: usize = 32;

/// How deep parts may hold parts (RFC 5621 §3.1.1 lets them nest).
pub const DEPTH_MAX: usize = 4;

/// A part of a body, or the whole of a body that has no parts.
#[derive(Clone, Debug)]
pub struct Part {
    /// The header fields of the part; those of the message for a body without parts.
    pub headers: Headers,
    /// What it is; `None` if it does not say (RFC 2046 §5.1: then it is plain text).
    pub content_type: Option<MediaType>,
    /// Its bytes, sharing the message's buffer.
    pub body: Bytes,
}

/// The part of that type, given in lower case: the body itself, or the first such part of a multipart body.
///
/// # Errors
/// [`HeaderError`] if the message's Content-Type cannot be read.
pub fn find(headers: &Headers, body: &Bytes, kind: &str, subtype: &str) -> Result<Option<Part>, HeaderError> {
    let content_type = headers.content_type()?;
    let whole = Part { headers: headers.copied(&[HeaderName::ContentType]), content_type, body: body.clone() };
    Ok(find_in(whole, kind, subtype, 0))
}

fn find_in(part: Part, kind: &str, subtype: &str, depth: usize) -> Option<Part> {
    let content_type = part.content_type.as_ref()?;
    if content_type.is(kind, subtype) {
        return Some(part);
    }
    if content_type.kind != "multipart" || depth >= DEPTH_MAX {
        return None;
    }
    let boundary = content_type.params.get_unquoted("boundary")?;
    split(&part.body, &boundary).into_iter().find_map(|inner| find_in(inner, kind, subtype, depth + 1))
}

/// The parts between the boundaries (RFC 2046 §5.1.1), without what stands before the first and after the last. A last part
/// that has no closing boundary goes to the end. At most [`PARTS_MAX`].
#[must_use]
pub fn split(body: &Bytes, boundary: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    if boundary.is_empty() {
        return parts;
    }
    let delimiter = [b"--", boundary].concat();
    let mut begun: Option<usize> = None;
    let mut at = 0;
    while at < body.len() && parts.len() < PARTS_MAX {
        let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |len| at + len + 1);
        if let Some(after) = body[at..end].strip_prefix(&delimiter[..]) {
            let closing = after.starts_with(b"--");
            // What follows may only be white space, else a longer boundary begins so.
            if closing || after.iter().all(u8::is_ascii_whitespace) {
                // In an empty part the line end before the boundary is that of the boundary before.
                parts.extend(begun.map(|begun| read_part(&body.slice(begun..without_line_end(body, at).max(begun)))));
                begun = (!closing).then_some(end);
                if closing {
                    return parts;
                }
            }
        }
        at = end;
    }
    if parts.len() < PARTS_MAX {
        parts.extend(begun.map(|begun| read_part(&body.slice(begun..))));
    }
    parts
}

/// RFC 2046 §5.1.1: the line end before a boundary belongs to the boundary.
fn without_line_end(body: &[u8], at: usize) -> usize {
    let line_end = match &body[..at] {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    at - line_end
}

fn read_part(bytes: &Bytes) -> Part {
    let (headers, body) = parse_part_headers(bytes);
    let content_type = headers.content_type().ok().flatten();
    Part { headers, content_type, body }
}
