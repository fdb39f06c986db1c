//! Via: where a response goes back to (RFC 3261 §20.42, RFC 3581).

use std::net::IpAddr;

use bytes::Bytes;
use bytestring::ByteString;

use super::params::Params;
use super::scan::{is_token, parse_exact, split_word, trim, trim_start};
use super::value::HeaderValue;
use crate::flow::Transport;
use crate::uri::{Host, HostShape};

/// One Via element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The transport as it came: `UDP`, `TCP`, `TLS`, `WS`, `WSS` or another token.
    pub transport: ByteString,
    /// The sent-by host.
    pub host: Host,
    /// The sent-by port.
    pub port: Option<u16>,
    params: Params,
}

/// What the `rport` parameter says (RFC 3581).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// Not there: the response goes to the sent-by port.
    Absent,
    /// There without a value: the client asks for the response on the port that it sent from.
    Asked,
    /// Filled in by who received the request.
    Filled(u16),
}

/// Every branch made by RFC 3261 §8.1.1.7 begins with this.
pub const BRANCH_COOKIE: &str = "z9hG4bK";

impl Via {
    /// A Via with a branch and nothing else.
    #[must_use]
    pub fn new(transport: Transport, host: Host, port: Option<u16>, branch: &str) -> Self {
        let mut params = Params::default();
        params.set("branch", branch);
        Self { transport: ByteString::from_static(transport.via_name()), host, port, params }
    }

    /// The transport, if it is one of ours.
    #[must_use]
    pub fn known_transport(&self) -> Option<Transport> {
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
            .into_iter()
            .find(|transport| self.transport.eq_ignore_ascii_case(transport.via_name()))
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Sets or replaces a parameter; see [`Params::set`].
    pub fn set_param(&mut self, name: &str, value: &str) {
        self.params.set(name, value);
    }

    /// The `branch` parameter.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// The branch if it names a transaction by RFC 3261 §17.2.3 (it begins with the magic cookie and has more).
    #[must_use]
    pub fn rfc3261_branch(&self) -> Option<&str> {
        self.branch().filter(|branch| branch.len() > BRANCH_COOKIE.len() && branch.starts_with(BRANCH_COOKIE))
    }

    /// The `received` address, with or without brackets (RFC 5118 §4.5). `None` if absent or no address.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Writes the address that the request came from (RFC 3261 §18.2.1).
    pub fn set_received(&mut self, address: IpAddr) {
        self.params.set("received", &address.to_string());
    }

    /// The `rport` parameter.
    #[must_use]
    pub fn rport(&self) -> Rport {
        match self.params.get("rport") {
            None => Rport::Absent,
            Some(text) => text.parse().map_or(Rport::Asked, Rport::Filled),
        }
    }

    /// Writes the port that the request came from (RFC 3581 §4).
    pub fn set_rport(&mut self, port: u16) {
        self.params.set("rport", &port.to_string());
    }

    /// The `maddr` parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<&str> {
        self.params.get("maddr")
    }

    /// The `ttl` parameter.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.params.get("ttl")?.parse().ok()
    }

    /// The element as text.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("SIP/2.0/{} {}", self.transport, self.host).into_bytes();
        if let Some(port) = self.port {
            out.extend_from_slice(format!(":{port}").as_bytes());
        }
        self.params.write(&mut out);
        out
    }

    /// Parses an element that is a slice of `backing`, whose bytes the Via then shares.
    pub(crate) fn parse_in(backing: &Bytes, element: &[u8]) -> Result<Self, &'static str> {
        let layout = ViaLayout::of(element)?;
        let text = |part| ByteString::try_from(backing.slice_ref(part)).map_err(|_| SENT_BY);
        Ok(Self {
            transport: match known_name(layout.transport) {
                Some(name) => ByteString::from_static(name),
                None => text(layout.transport)?,
            },
            host: match layout.host_shape {
                HostShape::Name => Host::Name(text(layout.host)?),
                HostShape::V4(address) => Host::V4(address),
                HostShape::V6(address) => Host::V6(address),
            },
            port: layout.port,
            params: Params::checked(backing.slice_ref(layout.params)),
        })
    }

    /// Says what is wrong with a Via, without keeping it.
    pub(crate) fn check(value: &[u8]) -> Result<(), &'static str> {
        ViaLayout::of(value).map(|_| ())
    }
}

fn known_name(transport: &[u8]) -> Option<&'static str> {
    ["UDP", "TCP", "TLS", "WSS", "WS"].into_iter().find(|name| name.as_bytes() == transport)
}

/// The parts of a Via, before it is kept.
struct ViaLayout<'a> {
    transport: &'a [u8],
    host: &'a [u8],
    host_shape: HostShape,
    port: Option<u16>,
    params: &'a [u8],
}

const PROTOCOL: &str = "a Via begins with SIP/2.0/ and a transport";
const SENT_BY: &str = "the sent-by of a Via is no host and port";

impl<'a> ViaLayout<'a> {
    /// Any protocol name and version is let through, so that a request of another version can be answered with 505.
    fn of(text: &'a [u8]) -> Result<Self, &'static str> {
        let (transport, rest) = match text.strip_prefix(b"SIP/2.0/") {
            Some(rest) => split_word(rest),
            None => split_protocol(text)?,
        };
        if !is_token(transport) {
            return Err(PROTOCOL);
        }
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = (trim(&rest[..end]), trim(&rest[end..]));
        let host_end = match sent_by.first() {
            Some(b'[') => sent_by.iter().position(|&byte| byte == b']').ok_or(SENT_BY)? + 1,
            _ => sent_by.iter().position(|&byte| byte == b':').unwrap_or(sent_by.len()),
        };
        let host = trim(&sent_by[..host_end]);
        let port = match trim_start(&sent_by[host_end..]) {
            [] => None,
            [b':', port @ ..] => {
                Some(parse_exact(trim(port)).and_then(|port| u16::try_from(port).ok()).ok_or(SENT_BY)?)
            }
            _ => return Err(SENT_BY),
        };
        Params::check(params)?;
        Ok(Self { transport, host, host_shape: HostShape::of(host).map_err(|_| SENT_BY)?, port, params })
    }
}

/// The transport and what follows it, for a protocol with white space in it or another name or version.
fn split_protocol(text: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let slash = |text: &[u8]| memchr::memchr(b'/', text).ok_or(PROTOCOL);
    let first = slash(text)?;
    let second = first + 1 + slash(&text[first + 1..])?;
    if !is_token(trim(&text[..first])) || !is_token(trim(&text[first + 1..second])) {
        return Err(PROTOCOL);
    }
    Ok(split_word(&text[second + 1..]))
}

impl From<&Via> for HeaderValue {
    fn from(via: &Via) -> Self {
        Self::from(Bytes::from(via.to_bytes()))
    }
}

impl From<Via> for HeaderValue {
    fn from(via: Via) -> Self {
        Self::from(&via)
    }
}
