//! A captured message as a packet: IP and UDP headers of our making around it, whatever brought it, so that tools read it.

use std::net::{IpAddr, SocketAddr};

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};

/// A message as it was on the wire, without its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// By us.
    pub sent: bool,
    /// Whom it came from.
    pub from: SocketAddr,
    /// Whom it went to.
    pub to: SocketAddr,
    /// The message.
    pub message: Vec<u8>,
}

/// The longest message that fits a datagram with its headers.
const MESSAGE_MAX: usize = 65_535 - 40 - 8;
/// Hops left of what we sent; what came in has one less, which says the direction.
const HOPS_SENT: u8 = 64;
const HOPS_RECEIVED: u8 = 63;

/// The packet of a message; one that is too long for a datagram is cut.
pub(super) fn encode(captured: &Captured, out: &mut Vec<u8>) {
    let Captured { from, to, message, sent, .. } = captured;
    let message = &message[..message.len().min(MESSAGE_MAX)];
    let hops = if *sent { HOPS_SENT } else { HOPS_RECEIVED };
    let builder = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), hops),
        (from, to) => PacketBuilder::ipv6(as_v6(from), as_v6(to), hops),
    };
    builder
        .udp(from.port(), to.port())
        .write(out, message)
        .expect("a vector takes everything, and the message fits a datagram");
}

fn as_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The message of a packet; `None` for bytes that are none of ours.
pub(super) fn decode(at_us: u64, packet: &[u8]) -> Option<Captured> {
    let sliced = SlicedPacket::from_ip(packet).ok()?;
    let (from, to, hops) = match sliced.net? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()), header.ttl())
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()), header.hop_limit())
        }
        NetSlice::Arp(_) => return None,
    };
    let TransportSlice::Udp(udp) = sliced.transport? else { return None };
    Some(Captured {
        at_us,
        sent: hops == HOPS_SENT,
        from: SocketAddr::new(from.to_canonical(), udp.source_port()),
        to: SocketAddr::new(to.to_canonical(), udp.destination_port()),
        message: udp.payload().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let long = vec![b'a'; 70_000];
        for (from, to, message, sent) in [
            ("10.0.0.1:5060", "10.0.0.2:5062", &b"OPTIONS"[..], true),
            ("[::1]:5060", "[2001:db8::1]:1", b"x", false),
            ("10.0.0.1:1", "10.0.0.2:2", &long, false),
        ] {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            let captured = Captured { at_us: 7, sent, from, to, message: message.to_vec() };
            let mut packet = Vec::new();
            encode(&captured, &mut packet);
            let message = message[..message.len().min(MESSAGE_MAX)].to_vec();
            assert_eq!(decode(7, &packet), Some(Captured { message, ..captured }));
        }
    }

    #[test]
    fn what_is_none_is_not() {
        for bad in [&b""[..], b"\x45", &[0; 40]] {
            assert_eq!(decode(0, bad), None);
        }
    }
}
