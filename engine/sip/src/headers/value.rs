//! A header field value that cannot end its line: header injection is refused by construction.

use bytes::Bytes;
use bytestring::ByteString;

/// The value of one header field line. Never holds CR, LF or NUL: text made into a value has them replaced by spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue(Bytes);

impl HeaderValue {
    /// The value, byte for byte.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value, byte for byte.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The value if it holds no CR, LF or NUL; `None` for one that would end its line or be cut by the peer.
    #[must_use]
    pub fn try_new(value: Bytes) -> Option<Self> {
        if breaks_line(&value) { None } else { Some(Self(value)) }
    }

    fn sanitised(value: Bytes) -> Self {
        if !breaks_line(&value) {
            return Self(value);
        }
        let clean: Vec<u8> = value.iter().map(|&byte| if is_line_breaking(byte) { b' ' } else { byte }).collect();
        Self(clean.into())
    }
}

fn is_line_breaking(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

fn breaks_line(value: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, value).is_some()
}

impl From<Bytes> for HeaderValue {
    fn from(value: Bytes) -> Self {
        Self::sanitised(value)
    }
}

impl From<ByteString> for HeaderValue {
    fn from(value: ByteString) -> Self {
        Self::sanitised(value.into_bytes())
    }
}

impl From<String> for HeaderValue {
    fn from(value: String) -> Self {
        Self::sanitised(value.into())
    }
}

impl From<&str> for HeaderValue {
    fn from(value: &str) -> Self {
        Self::sanitised(Bytes::copy_from_slice(value.as_bytes()))
    }
}

impl From<u32> for HeaderValue {
    fn from(value: u32) -> Self {
        Self(value.to_string().into())
    }
}
