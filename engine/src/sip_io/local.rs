//! Which address of ours a peer sees: a socket bound to all addresses does not know.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Peers remembered; beyond, all are forgotten and asked anew.
const PEERS_MAX: usize = 4_096;

/// Finds the local address that leads to a peer; remembers it.
#[derive(Debug)]
pub(super) struct LocalAddress {
    bound: SocketAddr,
    known: BTreeMap<IpAddr, IpAddr>,
}

impl LocalAddress {
    pub(super) fn new(bound: SocketAddr) -> Self {
        Self { bound, known: BTreeMap::new() }
    }

    /// The bound address, or, where that is "any", the one the routing table gives for the peer.
    pub(super) fn toward(&mut self, peer: IpAddr) -> SocketAddr {
        if !self.bound.ip().is_unspecified() {
            return self.bound;
        }
        if let Some(known) = self.known.get(&peer) {
            return SocketAddr::new(*known, self.bound.port());
        }
        let Some(found) = route_source(peer) else { return self.bound };
        if self.known.len() >= PEERS_MAX {
            self.known.clear();
        }
        self.known.insert(peer, found);
        SocketAddr::new(found, self.bound.port())
    }
}

/// The source address the kernel would use toward a peer: connecting a UDP socket sends nothing.
#[must_use]
pub fn route_source(peer: IpAddr) -> Option<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((peer, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_bound_to_all_addresses_is_seen_under_the_routed_one() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let mut local = LocalAddress::new(([0, 0, 0, 0], 5060).into());
        assert_eq!(local.toward(loopback), (loopback, 5060).into());
        let mut fixed = LocalAddress::new(([127, 0, 0, 9], 5060).into());
        assert_eq!(fixed.toward(loopback), ([127, 0, 0, 9], 5060).into());
    }
}
