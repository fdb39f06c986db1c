//! The other end of the connection that a request came by. What a request says of itself (`X-Forwarded-For`) is not believed.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::request::Parts;

/// Put beside each request by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Our own address on the connection.
    pub local: SocketAddr,
    /// It came over TLS.
    pub secure: bool,
}

/// The address, as limits count it: IPv4 whole, IPv6 by its /64, which one customer has to himself. `::` where no connection
/// stands behind the request.
#[must_use]
pub fn source(parts: &Parts) -> IpAddr {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.address.ip().to_canonical());
    match address {
        Some(IpAddr::V6(v6)) => IpAddr::from((v6.to_bits() & !u128::from(u64::MAX)).to_be_bytes()),
        Some(v4) => v4,
        None => IpAddr::from([0_u8; 16]),
    }
}

/// Whether the request came over TLS.
#[must_use]
pub fn is_secure(parts: &Parts) -> bool {
    parts.extensions.get::<Peer>().is_some_and(|peer| peer.secure)
}

/// Whether a program on this machine asks, and not a proxy for somebody else.
#[must_use]
pub fn is_local(request: &Request) -> bool {
    let proxied =
        ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| request.headers().contains_key(*name));
    !proxied && request.extensions().get::<Peer>().is_some_and(|peer| peer.address.ip().to_canonical().is_loopback())
}
