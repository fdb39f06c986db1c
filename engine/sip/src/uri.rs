//! URIs: SIP and SIPS, `tel:`, and any other scheme kept as text (RFC 3261 §19.1, RFC 3966).

mod escape;
mod host;
mod sip;
mod tel;

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use bytestring::ByteString;

pub use escape::{decode, encode_user};
pub use host::Host;
pub(crate) use host::HostShape;
pub use sip::{Scheme, SipUri, UriParam};
pub use tel::TelUri;

/// Text that is no URI. Whoever sent or typed it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed URI: {0}")]
pub struct UriError(&'static str);

impl UriError {
    /// What is wrong, without the prefix.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.0
    }
}

/// A URI. `==` compares text; [`Uri::matches`] compares by the rules of its scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Uri {
    /// `sip:` and `sips:`.
    Sip(SipUri),
    /// `tel:`.
    Tel(TelUri),
    /// Any other scheme.
    Other(OtherUri),
}

/// A URI of a scheme that this crate does not interpret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherUri {
    text: ByteString,
    scheme_end: usize,
}

impl OtherUri {
    /// The scheme as it came.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme_end]
    }
}

impl Uri {
    /// Parses a URI that shares its bytes with the buffer it came in.
    ///
    /// # Errors
    /// [`UriError`] if it is no URI.
    pub fn parse_shared(bytes: &Bytes) -> Result<Self, UriError> {
        Self::parse_owned(bytes.clone())
    }

    /// As [`Uri::parse_shared`], without a count of the buffer's owners more.
    pub(crate) fn parse_owned(bytes: Bytes) -> Result<Self, UriError> {
        let layout = UriLayout::of(&bytes)?;
        Self::from_layout(bytes, layout)
    }

    /// The URI of that layout.
    pub(crate) fn from_layout(bytes: Bytes, layout: UriLayout) -> Result<Self, UriError> {
        let text = ByteString::try_from(bytes).map_err(|_| NO_TEXT)?;
        Ok(match layout {
            UriLayout::Sip(layout) => Self::Sip(SipUri::from_layout(text, layout)),
            UriLayout::Tel(number_end) => Self::Tel(TelUri::from_layout(text, number_end)),
            UriLayout::Other(scheme_end) => Self::Other(OtherUri { text, scheme_end }),
        })
    }

    /// The URI as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip(uri) => uri.as_str(),
            Self::Tel(uri) => uri.as_str(),
            Self::Other(uri) => &uri.text,
        }
    }

    /// The SIP or SIPS URI, if it is one.
    #[must_use]
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other(_) => None,
        }
    }

    /// The user part or telephone number, percent-decoded, if there is one: what a number plan looks at.
    #[must_use]
    pub fn user(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.user_decoded(),
            Self::Tel(uri) => Some(uri.number().into()),
            Self::Other(_) => None,
        }
    }

    /// Compares by RFC 3261 §19.1.4 (SIP) and RFC 3966 §4 (tel). Not transitive, so not `==`.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(left), Self::Sip(right)) => left.matches(right),
            (Self::Tel(left), Self::Tel(right)) => left.matches(right),
            (Self::Other(left), Self::Other(right)) => left.text == right.text,
            (Self::Sip(_) | Self::Tel(_) | Self::Other(_), _) => false,
        }
    }
}

const NO_TEXT: UriError = UriError("it is no UTF-8");

/// Where the parts of a URI stand: enough to say that it is one, before it is kept.
pub(crate) enum UriLayout {
    Sip(sip::SipLayout),
    /// Where the number ends.
    Tel(usize),
    /// Where the scheme ends.
    Other(usize),
}

impl UriLayout {
    /// Looks at every byte once and keeps none.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, UriError> {
        if !bytes.is_ascii() && std::str::from_utf8(bytes).is_err() {
            return Err(NO_TEXT);
        }
        if let [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] = bytes {
            return sip::SipLayout::of(bytes, Scheme::Sip).map(Self::Sip);
        }
        let colon = memchr::memchr(b':', bytes).ok_or(UriError("it has no scheme"))?;
        let scheme = &bytes[..colon];
        if scheme.eq_ignore_ascii_case(b"sips") {
            sip::SipLayout::of(bytes, Scheme::Sips).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case(b"tel") {
            TelUri::layout(bytes).map(Self::Tel)
        } else {
            check_other(bytes, colon).map(|()| Self::Other(colon))
        }
    }
}

fn check_other(text: &[u8], scheme_end: usize) -> Result<(), UriError> {
    let scheme = &text[..scheme_end];
    let scheme_ok = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !scheme_ok {
        return Err(UriError("its scheme is malformed"));
    }
    if text.len() == scheme_end + 1 {
        return Err(UriError("nothing follows its scheme"));
    }
    if text.iter().any(|&byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 127)) {
        return Err(UriError("it has white space, quotes or angle brackets"));
    }
    Ok(())
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse_owned(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}
