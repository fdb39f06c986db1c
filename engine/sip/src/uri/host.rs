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

    /// The host of that shape in `range` of `text`, sharing its bytes.
    pub(super) fn from_shape(shape: HostShape, text: &ByteString, range: std::ops::Range<usize>) -> Self {
        match shape {
            HostShape::Name => Self::Name(text.slice_ref(&text[range])),
            HostShape::V4(address) => Self::V4(address),
            HostShape::V6(address) => Self::V6(address),
        }
    }
}

/// What a host is, before it is kept.
#[derive(Clone, Copy)]
pub(crate) enum HostShape {
    Name,
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl HostShape {
    /// What kind of host this text is; its characters are ASCII if it is one.
    pub(crate) fn of(host: &[u8]) -> Result<Self, UriError> {
        if let [b'[', inner @ ..] = host {
            let inner = inner.strip_suffix(b"]").and_then(|inner| std::str::from_utf8(inner).ok()).ok_or(HOST)?;
            return parse_v6(inner).map(Self::V6).ok_or(HOST);
        }
        let (Some(first), Some(last)) = (host.first(), host.last()) else { return Err(HOST) };
        // Only what begins and ends with a digit can be an IPv4 address.
        if first.is_ascii_digit()
            && last.is_ascii_digit()
            && let Some(address) = parse_v4(host)
        {
            return Ok(Self::V4(address));
        }
        if host.iter().all(|&byte| NAME[usize::from(byte)]) {
            return Ok(Self::Name);
        }
        Err(HOST)
    }
}

const HOST: UriError = UriError("its host is neither a name nor an address");

/// The characters of a domain name, with the underscore that some use.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

/// Four numbers of one to three digits, without leading zeros.
fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut filled, mut digits, mut number) = ([0u8; 4], 0, 0, 0u16);
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits < 3 && !(digits > 0 && number == 0) => {
                number = number * 10 + u16::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && filled < 3 => {
                octets[filled] = u8::try_from(number).ok()?;
                (filled, digits, number) = (filled + 1, 0, 0);
            }
            _ => return None,
        }
    }
    if digits == 0 || filled != 3 {
        return None;
    }
    octets[3] = u8::try_from(number).ok()?;
    Some(Ipv4Addr::from(octets))
}

/// RFC 5118 §4.10: the ABNF of RFC 3261 allowed three colons before an embedded IPv4 address; read them as two.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| text.replacen(":::", "::", 1).parse().ok())
}

impl FromStr for Host {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Ok(match HostShape::of(text.as_bytes())? {
            HostShape::Name => Self::Name(ByteString::from(text)),
            HostShape::V4(address) => Self::V4(address),
            HostShape::V6(address) => Self::V6(address),
        })
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
