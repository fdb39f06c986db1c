//! Addresses with a display name and parameters: From, To, Contact, Route and their kin (RFC 3261 §20.10).

use std::borrow::Cow;

use bytes::Bytes;

use super::params::Params;
use super::scan::{is_token_byte, parse_clamped, push_quoted, quoted_len, trim, unquote};
use super::value::HeaderValue;
use crate::uri::{Uri, UriError, UriLayout};

/// An address: optional display name, URI, parameters of the header field (not of the URI).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    display: Bytes,
    /// The URI, with its own parameters.
    pub uri: Uri,
    params: Params,
}

/// What the Contact fields of a message say (RFC 3261 §10.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts {
    /// `Contact: *`: all bindings, to be removed.
    Wildcard,
    /// Addresses in order; empty if there is no Contact.
    List(Vec<NameAddr>),
}

impl Contacts {
    /// The first address: the remote target of a dialog.
    #[must_use]
    pub fn first(&self) -> Option<&NameAddr> {
        match self {
            Self::Wildcard => None,
            Self::List(list) => list.first(),
        }
    }
}

impl NameAddr {
    /// An address without display name and parameters.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self { display: Bytes::new(), uri, params: Params::default() }
    }

    /// The same address with a display name; it is quoted, and control characters become spaces.
    #[must_use]
    pub fn with_display(mut self, display: impl AsRef<[u8]>) -> Self {
        let display = display.as_ref();
        let mut quoted = Vec::with_capacity(display.len() + 2);
        if !display.is_empty() {
            push_quoted(&mut quoted, display);
        }
        self.display = quoted.into();
        self
    }

    /// The same address with a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", tag);
        self
    }

    /// The display name without quotes and backslashes, in whatever encoding it came; empty if there is none.
    #[must_use]
    pub fn display(&self) -> Cow<'_, [u8]> {
        unquote(&self.display)
    }

    /// The parameters after the address.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Sets or replaces a parameter; see [`Params::set`].
    pub fn set_param(&mut self, name: &str, value: &str) {
        self.params.set(name, value);
    }

    /// Removes a parameter.
    pub fn remove_param(&mut self, name: &str) {
        self.params.remove(name);
    }

    /// The `tag` parameter (RFC 3261 §19.3); `None` if absent or empty.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// A contact's `expires` in seconds, clamped to 32 bits. `None` if absent or no number (RFC 3261 §10.2.1.1: then a
    /// default applies).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        parse_clamped(self.params.get("expires")?.as_bytes())
    }

    /// A contact's `q` in thousandths, 0 to 1000. `None` if absent or malformed.
    #[must_use]
    pub fn q(&self) -> Option<u16> {
        parse_q(self.params.get("q")?)
    }

    /// `+sip.instance` without quotes and angle brackets (RFC 5626 §4.1).
    #[must_use]
    pub fn instance(&self) -> Option<String> {
        let value = self.params.get_unquoted("+sip.instance")?;
        let text = std::str::from_utf8(&value).ok()?;
        let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// `reg-id` (RFC 5626 §4.2), 1 to 2^31 - 1.
    #[must_use]
    pub fn reg_id(&self) -> Option<u32> {
        parse_clamped(self.params.get("reg-id")?.as_bytes()).filter(|id| (1..=0x7fff_ffff).contains(id))
    }

    /// The address as text for a header field, always in angle brackets.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.display.len() + self.uri.as_str().len() + 48);
        if !self.display.is_empty() {
            if self.display.starts_with(b"\"") || self.display.iter().all(|&b| is_token_byte(b) || b == b' ') {
                out.extend_from_slice(&self.display);
            } else {
                // RFC 4475 §3.1.2.15: one who infers missing quotes must not pass the error on.
                push_quoted(&mut out, &self.display);
            }
            out.push(b' ');
        }
        out.push(b'<');
        out.extend_from_slice(self.uri.as_str().as_bytes());
        out.push(b'>');
        self.params.write(&mut out);
        out
    }

    /// Parses a whole value.
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        Self::parse_in(value, value)
    }

    /// Parses an element that is a slice of `backing`, whose bytes the address then shares.
    pub(crate) fn parse_in(backing: &Bytes, element: &[u8]) -> Result<Self, &'static str> {
        let layout = NameAddrLayout::of(element)?;
        Ok(Self {
            display: backing.slice_ref(layout.display),
            uri: Uri::from_layout(backing.slice_ref(layout.uri), layout.uri_layout).map_err(UriError::reason)?,
            params: Params::checked(backing.slice_ref(layout.params)),
        })
    }

    /// Says what is wrong with an address, without keeping it.
    pub(crate) fn check(value: &[u8]) -> Result<(), &'static str> {
        NameAddrLayout::of(value).map(|_| ())
    }
}

/// The parts of an address, before it is kept.
struct NameAddrLayout<'a> {
    display: &'a [u8],
    uri: &'a [u8],
    uri_layout: UriLayout,
    params: &'a [u8],
}

impl<'a> NameAddrLayout<'a> {
    fn of(text: &'a [u8]) -> Result<Self, &'static str> {
        let open = match text.first() {
            Some(b'"') => {
                let len = quoted_len(text).ok_or("a quoted string does not end")?;
                let gap = text[len..].iter().position(|&byte| !matches!(byte, b' ' | b'\t'));
                Some(len + gap.filter(|gap| text[len + gap] == b'<').ok_or("an address must follow the display name")?)
            }
            // Without a display name it is the first byte.
            Some(b'<') => Some(0),
            _ => memchr::memchr(b'<', text),
        };
        let Some(open) = open else { return Self::bare(text) };
        let close = memchr::memchr(b'>', &text[open..]).ok_or("an angle bracket is not closed")?;
        let (uri, params) = (trim(&text[open + 1..open + close]), trim(&text[open + close + 1..]));
        let display = trim(&text[..open]);
        if !display.starts_with(b"\"") && display.iter().any(|byte| matches!(byte, b'"' | b'>')) {
            return Err("a display name has a stray quote or bracket");
        }
        Self::with(display, uri, params)
    }

    /// RFC 3261 §20.10: without angle brackets everything from the first `;` on belongs to the header field, and a URI
    /// with `?` or `,` must not stand so.
    fn bare(text: &'a [u8]) -> Result<Self, &'static str> {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        let uri = trim(&text[..end]);
        if uri.iter().any(|byte| matches!(byte, b'?' | b',')) {
            return Err("a URI with a question mark or comma needs angle brackets");
        }
        Self::with(&[], uri, &text[end..])
    }

    fn with(display: &'a [u8], uri: &'a [u8], params: &'a [u8]) -> Result<Self, &'static str> {
        Params::check(params)?;
        let uri_layout = UriLayout::of(uri).map_err(UriError::reason)?;
        Ok(Self { display, uri, uri_layout, params })
    }
}

fn parse_q(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = part.bytes().zip([100, 10, 1]).map(|(digit, unit)| u16::from(digit - b'0') * unit).sum::<u16>();
    match (whole, thousandths) {
        ("0" | "", _) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

impl From<&NameAddr> for HeaderValue {
    fn from(address: &NameAddr) -> Self {
        Self::from(Bytes::from(address.to_bytes()))
    }
}

impl From<NameAddr> for HeaderValue {
    fn from(address: NameAddr) -> Self {
        Self::from(&address)
    }
}
