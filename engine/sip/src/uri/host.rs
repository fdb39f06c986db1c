//! The host of a URI or a sent-by.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use bytestring::ByteString;

use super::UriError;

/// A host: a name, an IPv4 or an IPv6 address. Names compare without regard to case.
#[derive(Clone, Debug)]
pub enum Host {
    /// A domain name as it came.
    Name(ByteString),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    /// The address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Parses the host in `range` of `text`, sharing its bytes.
    pub(super) fn parse_shared(text: &ByteString, range: std::ops::Range<usize>) -> Result<Self, UriError> {
        let host = text.get(range).ok_or(HOST)?;
        match parse_ip(host)? {
            Some(ip) => Ok(ip),
            None if is_name(host) => Ok(Self::Name(text.slice_ref(host))),
            None => Err(HOST),
        }
    }
}

const HOST: UriError = UriError("its host is neither a name nor an address");

fn parse_ip(host: &str) -> Result<Option<Host>, UriError> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(HOST)?;
        return Ok(Some(Host::V6(parse_v6(inner).ok_or(HOST)?)));
    }
    // Only what begins and ends with a digit can be an IPv4 address.
    let (Some(first), Some(last)) = (host.as_bytes().first(), host.as_bytes().last()) else {
        return Err(HOST);
    };
    if first.is_ascii_digit() && last.is_ascii_digit() {
        return Ok(host.parse().ok().map(Host::V4));
    }
    Ok(None)
}

/// RFC 5118 §4.10: the ABNF of RFC 3261 allowed three colons before an embedded IPv4 address; read them as two.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| text.replacen(":::", "::", 1).parse().ok())
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

impl FromStr for Host {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        match parse_ip(text)? {
            Some(ip) => Ok(ip),
            None if is_name(text) => Ok(Self::Name(ByteString::from(text))),
            None => Err(HOST),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(left), Self::Name(right)) => left.eq_ignore_ascii_case(right),
            (Self::V4(left), Self::V4(right)) => left == right,
            (Self::V6(left), Self::V6(right)) => left == right,
            (Self::Name(_) | Self::V4(_) | Self::V6(_), _) => false,
        }
    }
}

impl Eq for Host {}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Host {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |host: &Self| match host {
            Self::Name(name) => (None, Some(name.to_ascii_lowercase())),
            Self::V4(address) => (Some(IpAddr::V4(*address)), None),
            Self::V6(address) => (Some(IpAddr::V6(*address)), None),
        };
        key(self).cmp(&key(other))
    }
}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => name.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase())),
            Self::V4(address) => address.hash(state),
            Self::V6(address) => address.hash(state),
        }
    }
}
