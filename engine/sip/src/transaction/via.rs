//! The top Via: what we put there, what we fill in, and where a response goes (RFC 3261 §18, RFC 3581).

use std::net::{IpAddr, SocketAddr};

use crate::flow::{Flow, Transport};
use crate::headers::{Headers, Rport, Via};
use crate::uri::Host;

/// How we name ourselves on a flow: the sent-by of our Via. As advertised, not as bound; a name ending in `.invalid` is for
/// browsers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentBy {
    /// Our address or name as the peer sees it.
    pub host: Host,
    /// The port on which we take requests; `None` for the transport's default.
    pub port: Option<u16>,
}

impl From<SocketAddr> for SentBy {
    fn from(address: SocketAddr) -> Self {
        Self { host: Host::from(address.ip()), port: Some(address.port()) }
    }
}

/// Where a request is sent: the next hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The path to the peer.
    pub flow: Flow,
    /// How we name ourselves on it.
    pub sent_by: SentBy,
}

impl Hop {
    /// Our Via for a request with that branch, with `rport` asked for (RFC 3581 §3).
    pub(crate) fn via(&self, branch: &str) -> Via {
        let mut via = Via::new(self.flow.transport, self.sent_by.host.clone(), self.sent_by.port, branch);
        via.set_param("rport", "");
        via
    }
}

/// Fills `received` and `rport` into the top Via of what came on `flow` (or of a response to it), and gives the flow on
/// which the response goes. `None` if there is no usable Via.
///
/// RFC 3261 §18.2.1: `received` where the sent-by is not the source address. RFC 3581 §4: where `rport` is asked for, both,
/// always.
pub fn stamp(headers: &mut Headers, flow: &Flow) -> Option<Flow> {
    stamped(headers, flow).map(|stamped| stamped.reply_to)
}

/// The top Via as filled in, and where responses go.
pub(crate) struct Stamped {
    pub(crate) via: Via,
    pub(crate) reply_to: Flow,
    /// Where a response goes when the connection is gone (RFC 3261 §18.2.2); `None` on UDP and for browsers.
    pub(crate) fallback: Option<SocketAddr>,
}

pub(crate) fn stamped(headers: &mut Headers, flow: &Flow) -> Option<Stamped> {
    let mut via = headers.top_via().ok()?;
    let source = unmapped(flow.peer.ip());
    let asked = via.rport() != Rport::Absent;
    let other_host = via.host.ip().map(unmapped) != Some(source);
    if asked {
        via.set_rport(flow.peer.port());
    }
    if asked || other_host {
        via.set_received(source);
        headers.replace_first(crate::headers::HeaderName::Via, &via);
    }
    let sent_by = SocketAddr::new(flow.peer.ip(), via.port.unwrap_or(default_port(flow.transport)));
    Some(match flow.transport {
        // RFC 3261 §18.2.2 would send to maddr; we don't: it is for multicast, and else aims our answers at anyone.
        Transport::Udp => {
            let peer = if asked { flow.peer } else { sent_by };
            Stamped { via, reply_to: Flow { peer, ..*flow }, fallback: None }
        }
        Transport::Tcp | Transport::Tls => Stamped { via, reply_to: *flow, fallback: Some(sent_by) },
        Transport::Ws | Transport::Wss => Stamped { via, reply_to: *flow, fallback: None },
    })
}

/// An IPv4 address that a dual-stack socket shows as IPv6, as the IPv4 address it is.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// RFC 3261 §19.1.2, RFC 7118 §5.2.
#[must_use]
pub fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
        Transport::Ws => 80,
        Transport::Wss => 443,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::flow::ConnectionId;
    use crate::headers::HeaderName;
    use crate::message::Message;
    use crate::parse::parse_datagram;

    /// The Via `sent` comes from `peer`; it becomes `filled`, and the response goes to `reply_to`.
    #[track_caller]
    fn check(transport: Transport, peer: &str, sent: &str, filled: &str, reply_to: &str) {
        let text = format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: {sent}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let mut message = parse_datagram(Bytes::from(text)).unwrap();
        let flow = Flow {
            transport,
            local: "192.0.2.9:5060".parse().unwrap(),
            peer: peer.parse().unwrap(),
            connection: transport.is_reliable().then_some(ConnectionId(4)),
        };
        let reply = stamp(message.headers_mut(), &flow).unwrap();
        assert_eq!(reply, Flow { peer: reply_to.parse().unwrap(), ..flow });
        let Message::Request(request) = message else { panic!("a request") };
        let vias: Vec<String> =
            request.headers.get_all(&HeaderName::Via).map(|via| String::from_utf8_lossy(via).into_owned()).collect();
        assert_eq!(vias.join(", "), filled);
    }

    const FROM: &str = "198.51.100.7:40000";

    #[test]
    fn response_on_udp_goes_to_source_and_port_by_rport_or_sent_by() {
        let check = |sent, filled, reply_to| check(Transport::Udp, FROM, sent, filled, reply_to);
        check(
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;rport",
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;rport=40000;received=198.51.100.7",
            "198.51.100.7:40000",
        );
        check(
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa",
            "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa;received=198.51.100.7",
            "198.51.100.7:5070",
        );
        check(
            "SIP/2.0/UDP phone.example.com;branch=z9hG4bKa",
            "SIP/2.0/UDP phone.example.com;branch=z9hG4bKa;received=198.51.100.7",
            "198.51.100.7:5060",
        );
        check(
            "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKa",
            "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKa",
            "198.51.100.7:5070",
        );
    }

    #[test]
    fn received_that_the_peer_wrote_itself_is_not_believed() {
        check(
            Transport::Udp,
            FROM,
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;received=203.0.113.1;rport=7;maddr=203.0.113.2",
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;maddr=203.0.113.2;rport=40000;received=198.51.100.7",
            "198.51.100.7:40000",
        );
    }

    #[test]
    fn only_the_top_via_is_filled_in() {
        check(
            Transport::Udp,
            FROM,
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;rport, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb;rport",
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;rport=40000;received=198.51.100.7, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb;rport",
            "198.51.100.7:40000",
        );
    }

    #[test]
    fn response_on_a_connection_goes_back_on_it() {
        check(
            Transport::Wss,
            FROM,
            "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKa",
            "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKa;received=198.51.100.7",
            FROM,
        );
    }

    #[test]
    fn ipv6_source_is_written_as_rfc_3261_wants_it() {
        check(
            Transport::Udp,
            "[2001:db8::7]:40000",
            "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKa;rport",
            "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKa;rport=40000;received=2001:db8::7",
            "[2001:db8::7]:40000",
        );
        check(
            Transport::Udp,
            "[::ffff:198.51.100.7]:40000",
            "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKa",
            "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKa",
            "[::ffff:198.51.100.7]:5070",
        );
    }
}
