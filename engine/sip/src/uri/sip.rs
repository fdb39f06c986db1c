//! SIP and SIPS URIs (RFC 3261 §19.1).

use std::borrow::Cow;

use bytestring::ByteString;

use super::escape::{self, decode, decode_bytes, encode_header, encode_param, escapes_at};
use super::host::HostShape;
use super::{Host, UriError};

/// `sip:` or `sips:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `sip:`.
    Sip,
    /// `sips:`: every hop over TLS.
    Sips,
}

/// A SIP or SIPS URI: its text, and where the parts stand in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipUri {
    text: ByteString,
    scheme: Scheme,
    /// Where the user part begins; the text before is the scheme.
    user_start: usize,
    /// Where the `@` stands, if there is one.
    at: Option<usize>,
    host: Host,
    port: Option<u16>,
    /// Where the parameters begin, at their `;`, or where the headers or the end follow.
    params_start: usize,
    /// Where the headers begin, at their `?`, or the end.
    headers_start: usize,
}

/// One parameter of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriParam<'a> {
    /// The name as it came, escapes included.
    pub name: &'a str,
    /// The value as it came, escapes included; `None` without `=`.
    pub value: Option<&'a str>,
}

impl SipUri {
    /// A `sip:` URI; the user part is escaped where it must be.
    #[must_use]
    pub fn new(user: Option<&str>, host: &Host, port: Option<u16>) -> Self {
        Self::with_scheme(Scheme::Sip, user, host, port)
    }

    /// A `sip:` or `sips:` URI; the user part is escaped where it must be.
    #[must_use]
    pub fn with_scheme(scheme: Scheme, user: Option<&str>, host: &Host, port: Option<u16>) -> Self {
        let mut text = String::from(match scheme {
            Scheme::Sip => "sip:",
            Scheme::Sips => "sips:",
        });
        let user_start = text.len();
        let at = user.filter(|user| !user.is_empty()).map(|user| {
            text.push_str(&escape::encode_user(user));
            text.push('@');
            text.len() - 1
        });
        text.push_str(&host.to_string());
        if let Some(port) = port {
            text.push_str(&format!(":{port}"));
        }
        let end = text.len();
        Self {
            text: text.into(),
            scheme,
            user_start,
            at,
            host: host.clone(),
            port,
            params_start: end,
            headers_start: end,
        }
    }

    /// The URI as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `sip:` or `sips:`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// True for `sips:`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::Sips
    }

    /// The user part as it came, escapes included, without a password.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let info = self.user_info()?;
        Some(info.split_once(':').map_or(info, |(user, _)| user))
    }

    /// The user part with escapes replaced.
    #[must_use]
    pub fn user_decoded(&self) -> Option<Cow<'_, str>> {
        self.user().map(decode)
    }

    /// The password as it came. RFC 3261 §19.1.1 advises against it; kept, never used.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        Some(self.user_info()?.split_once(':')?.1)
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, if given.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The URI parameters in order.
    pub fn params(&self) -> impl Iterator<Item = UriParam<'_>> {
        self.text[self.params_start..self.headers_start].split(';').skip(1).map(|param| match param.split_once('=') {
            Some((name, value)) => UriParam { name, value: Some(value) },
            None => UriParam { name: param, value: None },
        })
    }

    /// The value of a URI parameter as it came; empty if it has none. Names compare without regard to case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        if self.params_start == self.headers_start {
            return None;
        }
        self.params().find(|param| decode(param.name).eq_ignore_ascii_case(name)).map(|param| param.value.unwrap_or(""))
    }

    /// True if the `lr` parameter is there (RFC 3261 §19.1.1): the element is a loose router.
    #[must_use]
    pub fn is_loose_router(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The headers after `?`: names and values as they came.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.text[self.headers_start..].strip_prefix('?').unwrap_or("");
        text.split('&').filter(|header| !header.is_empty()).map(|header| header.split_once('=').unwrap_or((header, "")))
    }

    /// The value of the first header of that name after `?`, escapes replaced. Names compare without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.headers().find(|(found, _)| decode(found).eq_ignore_ascii_case(name));
        found.map(|(_, value)| decode_bytes(value.as_bytes()))
    }

    /// The same URI with one more header at the end, escaped where it must be.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &[u8]) -> Self {
        let before = &self.text[self.headers_start..];
        let joint = if before.is_empty() { "?" } else { "&" };
        let (name, value) = (encode_header(name.as_bytes()), encode_header(value));
        let headers = format!("{before}{joint}{name}={value}");
        self.with_tail(&self.text[self.params_start..self.headers_start], &headers)
    }

    /// True if headers follow a `?`; a Request-URI must have none (RFC 3261 §19.1.1).
    #[must_use]
    pub fn has_headers(&self) -> bool {
        self.headers_start < self.text.len()
    }

    /// The same URI with a parameter set or replaced; an empty value writes the name alone.
    #[must_use]
    pub fn with_param(&self, name: &str, value: &str) -> Self {
        let mut params = self.params_without(name);
        params.push(';');
        params.push_str(&encode_param(name));
        if !value.is_empty() {
            params.push('=');
            params.push_str(&encode_param(value));
        }
        self.with_tail(&params, &self.text[self.headers_start..])
    }

    /// The same URI without a parameter.
    #[must_use]
    pub fn without_param(&self, name: &str) -> Self {
        self.with_tail(&self.params_without(name), &self.text[self.headers_start..])
    }

    /// The same URI without parameters and headers: an address of record (RFC 3261 §10.3 step 5).
    #[must_use]
    pub fn without_params(&self) -> Self {
        self.with_tail("", "")
    }

    /// The same URI without headers: what may stand as a Request-URI.
    #[must_use]
    pub fn without_headers(&self) -> Self {
        self.with_tail(&self.text[self.params_start..self.headers_start], "")
    }

    fn with_tail(&self, params: &str, headers: &str) -> Self {
        let text = format!("{}{params}{headers}", &self.text[..self.params_start]);
        Self { text: text.into(), headers_start: self.params_start + params.len(), ..self.clone() }
    }

    fn params_without(&self, name: &str) -> String {
        let mut text = String::new();
        for param in self.params().filter(|param| !decode(param.name).eq_ignore_ascii_case(name)) {
            text.push(';');
            text.push_str(param.name);
            if let Some(value) = param.value {
                text.push('=');
                text.push_str(value);
            }
        }
        text
    }

    fn user_info(&self) -> Option<&str> {
        self.at.map(|at| &self.text[self.user_start..at])
    }

    /// The URI of that layout.
    pub(super) fn from_layout(text: ByteString, layout: SipLayout) -> Self {
        let SipLayout { scheme, at, host, host_range, port, params_start, headers_start } = layout;
        let host = Host::from_shape(host, &text, host_range);
        Self { scheme, user_start: user_start(scheme), at, host, port, params_start, headers_start, text }
    }
}

/// Where the parts of a SIP URI stand, before it is kept.
pub(crate) struct SipLayout {
    scheme: Scheme,
    at: Option<usize>,
    host: HostShape,
    host_range: std::ops::Range<usize>,
    port: Option<u16>,
    params_start: usize,
    headers_start: usize,
}

const fn user_start(scheme: Scheme) -> usize {
    match scheme {
        Scheme::Sip => 4,
        Scheme::Sips => 5,
    }
}

impl SipLayout {
    pub(super) fn of(bytes: &[u8], scheme: Scheme) -> Result<Self, UriError> {
        let user_start = user_start(scheme);
        let at = find_at(bytes, user_start)?;
        if at == Some(user_start) {
            return Err(UriError("its user part is empty"));
        }
        let host_start = at.map_or(user_start, |at| at + 1);
        let host_end = host_start + host_len(&bytes[host_start..])?;
        let host = HostShape::of(&bytes[host_start..host_end])?;
        let params_start = host_end + port_len(&bytes[host_end..]);
        let port = parse_port(&bytes[host_end..params_start])?;
        if !matches!(bytes.get(params_start), None | Some(b';' | b'?')) {
            return Err(UriError("text follows its host"));
        }
        let headers_start = memchr::memchr(b'?', &bytes[params_start..]);
        let headers_start = headers_start.map_or(bytes.len(), |found| params_start + found);
        Ok(Self { scheme, at, host, host_range: host_start..host_end, port, params_start, headers_start })
    }
}

/// What a byte of a URI means to the pass that looks at every one.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    At,
    Percent,
    Refused,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Plain; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = Class::Refused;
        byte += 1;
    }
    table[b'<' as usize] = Class::Refused;
    table[b'>' as usize] = Class::Refused;
    table[b'"' as usize] = Class::Refused;
    table[127] = Class::Refused;
    table[b'@' as usize] = Class::At;
    table[b'%' as usize] = Class::Percent;
    table
};

/// Where the first `@` stands, in the pass that looks at every byte.
fn find_at(bytes: &[u8], start: usize) -> Result<Option<usize>, UriError> {
    let mut at = None;
    let mut place = start;
    while let Some(rest) = bytes.get(place..) {
        let Some(found) = rest.iter().position(|&byte| !matches!(CLASS[usize::from(byte)], Class::Plain)) else {
            break;
        };
        place += found;
        match CLASS[usize::from(bytes[place])] {
            Class::Plain => {}
            Class::At => at = at.or(Some(place)),
            Class::Percent if escapes_at(bytes, place) => {}
            Class::Percent => return Err(UriError("a percent sign needs two hex digits after it")),
            Class::Refused => return Err(UriError("it has white space, quotes or angle brackets")),
        }
        place += 1;
    }
    Ok(at)
}

fn host_len(text: &[u8]) -> Result<usize, UriError> {
    if text.first() == Some(&b'[') {
        let close =
            text.iter().position(|&byte| byte == b']').ok_or(UriError("a bracket of its host is not closed"))?;
        return Ok(close + 1);
    }
    Ok(text.iter().position(|&byte| ENDS_HOST[usize::from(byte)]).unwrap_or(text.len()))
}

/// What ends a host: a port, parameters or headers.
const ENDS_HOST: [bool; 256] = {
    let mut table = [false; 256];
    table[b':' as usize] = true;
    table[b';' as usize] = true;
    table[b'?' as usize] = true;
    table
};

fn port_len(text: &[u8]) -> usize {
    if text.first() != Some(&b':') {
        return 0;
    }
    text.iter().position(|&byte| matches!(byte, b';' | b'?')).unwrap_or(text.len())
}

fn parse_port(text: &[u8]) -> Result<Option<u16>, UriError> {
    let [b':', digits @ ..] = text else { return Ok(None) };
    let port = crate::headers::parse_exact(digits).and_then(|port| u16::try_from(port).ok());
    port.map(Some).ok_or(UriError("its port is no number from 0 to 65535"))
}

/// RFC 3261 §19.1.4.
impl SipUri {
    /// Compares by RFC 3261 §19.1.4: user and password with regard to case, everything else without; escapes are what they
    /// stand for; `user`, `ttl`, `method`, `maddr` and `transport` must be in both or neither, other parameters agree if in
    /// both; headers must be the same set. A default port is not the same as none.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && same_decoded(self.user_info(), other.user_info())
            && self.host == other.host
            && self.port == other.port
            && params_agree(self, other)
            && params_agree(other, self)
            && headers_agree(self, other)
    }
}

fn same_decoded(left: Option<&str>, right: Option<&str>) -> bool {
    match (left, right) {
        (None, None) => true,
        (Some(left), Some(right)) => left == right || decode_bytes(left.as_bytes()) == decode_bytes(right.as_bytes()),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn params_agree(left: &SipUri, right: &SipUri) -> bool {
    const MUST_BE_IN_BOTH: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
    left.params().all(|param| {
        let name = decode(param.name);
        match right.param(&name) {
            Some(value) => decode(value).eq_ignore_ascii_case(&decode(param.value.unwrap_or(""))),
            None => !MUST_BE_IN_BOTH.iter().any(|must| must.eq_ignore_ascii_case(&name)),
        }
    })
}

fn headers_agree(left: &SipUri, right: &SipUri) -> bool {
    let set = |uri: &SipUri| {
        let mut set: Vec<(String, Vec<u8>)> = uri
            .headers()
            .map(|(name, value)| (decode(name).to_ascii_lowercase(), decode_bytes(value.as_bytes())))
            .collect();
        set.sort_unstable();
        set
    };
    left.has_headers() == right.has_headers() && (!left.has_headers() || set(left) == set(right))
}
