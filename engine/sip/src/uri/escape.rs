//! Percent escapes (RFC 3261 §19.1.2).

use std::borrow::Cow;

/// The text with every `%HH` replaced by its byte; a `%` without two hex digits stays. Bytes that are then no UTF-8
/// become U+FFFD.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let plain = decode_bytes(text.as_bytes());
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

pub(super) fn decode_bytes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%'
            && let [high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            plain.push(high << 4 | low);
            rest = after;
        } else {
            plain.push(*first);
        }
    }
    plain
}

/// True if two hex digits follow the `%` at that place.
pub(super) fn escapes_at(text: &[u8], place: usize) -> bool {
    text.get(place + 1..place + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The text as a user part: everything outside unreserved and user-unreserved is escaped (RFC 3261 §25.1).
#[must_use]
pub fn encode_user(text: &str) -> Cow<'_, str> {
    encode(text, is_user_byte)
}

/// The text as a URI parameter's value.
pub(super) fn encode_param(text: &str) -> Cow<'_, str> {
    encode(text, is_param_byte)
}

/// The bytes as a header's name or value after the `?` of a URI.
pub(super) fn encode_header(text: &[u8]) -> String {
    encode_bytes(text, is_header_byte)
}

fn encode(text: &str, keep: fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(keep) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(encode_bytes(text.as_bytes(), keep))
}

fn encode_bytes(text: &[u8], keep: fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut escaped = String::with_capacity(text.len() + 8);
    for &byte in text {
        if keep(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push(char::from(HEX[usize::from(byte >> 4)]));
            escaped.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    escaped
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

const fn is_user_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

const fn is_param_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

/// RFC 3261 §25.1: hnv-unreserved and unreserved.
const fn is_header_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$')
}
