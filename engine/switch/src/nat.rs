//! Addresses: what we show to a peer, and where what we send to it goes. Peers in `local_nets` are believed; of all others
//! only the address counts that their messages come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use sip::flow::{Flow, Transport};
use sip::transaction::SentBy;
use sip::transaction::via::default_port;
use sip::uri::{Host, Scheme, SipUri, Uri};

use crate::config::NodeConfig;

/// Where a leg's media is bound, and the address that its SDP shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MediaAddress {
    pub(crate) bind: IpAddr,
    pub(crate) shown: IpAddr,
}

/// Whether the peer's own word about its addresses is believed.
pub(crate) fn is_local(node: &NodeConfig, peer: IpAddr) -> bool {
    node.local_nets.iter().any(|net| net.contains(peer))
}

/// How we name ourselves in Via and Contact on this flow.
pub(crate) fn sent_by(node: &NodeConfig, flow: &Flow) -> SentBy {
    let bound = flow.local.ip().to_canonical();
    let reachable = !bound.is_unspecified();
    if reachable && is_local(node, flow.peer.ip()) {
        return SentBy { host: Host::from(bound), port: Some(flow.local.port()) };
    }
    let fits = |host: &Host| host.ip().is_none_or(|ip| ip.is_ipv4() == flow.peer.ip().to_canonical().is_ipv4());
    let advertised = node
        .advertise
        .iter()
        .filter(|advertised| advertised.transport == flow.transport)
        .filter_map(|advertised| Some((advertised.host.parse::<Host>().ok()?, advertised.port)))
        .find(|(host, _)| fits(host));
    match advertised {
        Some((host, port)) => SentBy { host, port: Some(port) },
        None if reachable => SentBy { host: Host::from(bound), port: Some(flow.local.port()) },
        None => SentBy { host: Host::from(loopback(flow.peer.ip())), port: Some(flow.local.port()) },
    }
}

/// Whether a flow is secured.
pub(crate) fn is_secure(flow: &Flow) -> bool {
    match flow.transport {
        Transport::Tls | Transport::Wss => true,
        Transport::Udp | Transport::Tcp | Transport::Ws => false,
    }
}

/// Whether the phone on this flow is taken for a browser: it speaks SIP over WebSocket.
pub(crate) fn is_browser(node: &NodeConfig, flow: &Flow) -> bool {
    let speaks = match flow.transport {
        Transport::Ws | Transport::Wss => true,
        Transport::Udp | Transport::Tcp | Transport::Tls => false,
    };
    speaks && node.browsers.is_some()
}

/// Whether a request may be sent to this URI on this flow. RFC 5630 §3.1.3: a `sips:` URI is reached over TLS or not at all.
pub(crate) fn may_carry(flow: &Flow, uri: &Uri) -> bool {
    is_secure(flow) || !uri.as_sip().is_some_and(SipUri::is_secure)
}

/// Our Contact on this flow, in a dialog begun by a request to `target`. RFC 3261 §8.1.1.8, §12.1.1: `sips:` where that is.
pub(crate) fn contact(node: &NodeConfig, flow: &Flow, user: &str, target: &Uri) -> SipUri {
    let ours = sent_by(node, flow);
    let scheme = if target.as_sip().is_some_and(SipUri::is_secure) { Scheme::Sips } else { Scheme::Sip };
    let uri = SipUri::with_scheme(scheme, Some(user), &ours.host, ours.port);
    // RFC 3261 §26.2.2: in `sips:` the scheme says TLS; a parameter for it is deprecated.
    if scheme == Scheme::Sips && flow.transport == Transport::Tls {
        return uri;
    }
    match flow.transport {
        Transport::Udp => uri,
        Transport::Tcp => uri.with_param("transport", "tcp"),
        Transport::Tls => uri.with_param("transport", "tls"),
        // RFC 7118 §5.2: `ws` for both; the flow says which.
        Transport::Ws | Transport::Wss => uri.with_param("transport", "ws"),
    }
}

/// Where the media of a leg on this flow is bound and what its SDP shows.
pub(crate) fn media_address(node: &NodeConfig, flow: &Flow) -> MediaAddress {
    let peer = flow.peer.ip().to_canonical();
    let same_family = |ip: &&IpAddr| ip.is_ipv4() == peer.is_ipv4();
    let bind = node.rtp_bind.iter().find(same_family).copied().unwrap_or_else(|| unspecified(peer));
    let reached_at = Some(flow.local.ip().to_canonical()).filter(|ip| same_family(&ip));
    let own = [Some(bind), reached_at].into_iter().flatten().find(|ip| !ip.is_unspecified());
    let advertised = node.rtp_advertise.iter().find(same_family).copied();
    let shown = if is_local(node, peer) { own.or(advertised) } else { advertised.or(own) };
    MediaAddress { bind, shown: shown.unwrap_or_else(|| loopback(peer)) }
}

/// A path to an address to which no flow leads yet: UDP, or a stream to be opened. `None` if we have no such socket.
pub(crate) fn new_flow(node: &NodeConfig, transport: Transport, peer: SocketAddr) -> Option<Flow> {
    let fits = |socket: &&crate::config::ListeningSocket| {
        socket.transport == transport
            && (socket.local.ip().to_canonical().is_ipv4() == peer.ip().to_canonical().is_ipv4()
                || socket.local.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    };
    // A loopback peer is reached from a loopback socket where there is one, and no other is.
    let suits = |socket: &&crate::config::ListeningSocket| {
        socket.local.ip().is_unspecified()
            || socket.local.ip().to_canonical().is_loopback() == peer.ip().to_canonical().is_loopback()
    };
    let mut fitting = node.sockets.iter().filter(fits);
    let socket = fitting.clone().find(suits).or_else(|| fitting.next())?;
    Some(Flow { transport, local: socket.local, peer, connection: None })
}

/// Where a request inside a dialog goes. `next_hop` is the first route, or else the remote target (RFC 3261 §12.2.1.1);
/// `flow` is the one that the peer's last message came on.
pub(crate) fn next_flow(node: &NodeConfig, flow: &Flow, next_hop: &Uri) -> Flow {
    let Some(uri) = next_hop.as_sip() else { return *flow };
    let Some(ip) = uri.host().ip() else { return *flow };
    // A connection is kept, and so is what the far end asks to be kept (RFC 5626 §4.3: `ob`); behind NAT the address in a
    // Contact means nothing to us.
    if flow.connection.is_some() || uri.param("ob").is_some() || !is_local(node, flow.peer.ip()) {
        return *flow;
    }
    let port = uri.port().unwrap_or_else(|| default_port(flow.transport));
    Flow { peer: SocketAddr::new(ip, port), ..*flow }
}

fn unspecified(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

fn loopback(like: IpAddr) -> IpAddr {
    if like.to_canonical().is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}
