//! SIP sockets: reading and parsing happen here, off the writer's thread.
//!
//! Never decides anything about a call: a message goes to the writer with the flow it came on, bytes of the writer go out on
//! the flow it named. What cannot be sent comes back as an input.

mod local;
mod streams;
mod tls;
mod udp;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};

use crate::ladder::Tap;
use crate::names::Names;
use crate::tls::TlsClient;
use crate::writer::Inbox;

pub use local::route_source;
pub use streams::STREAMS_MAX;
pub use websocket::{MESSAGE_MAX as WEBSOCKET_MESSAGE_MAX, SipDoor};

/// Where SIP is listened for.
#[derive(Clone, Debug)]
pub struct SipListen {
    /// UDP sockets.
    pub udp: Vec<SocketAddr>,
    /// TCP listeners.
    pub tcp: Vec<SocketAddr>,
    /// TLS listeners.
    pub tls: Vec<SocketAddr>,
}

/// What secures connections.
pub struct SipTls {
    /// For those that come in.
    pub server: Arc<rustls::ServerConfig>,
    /// For those that go out.
    pub client: Arc<TlsClient>,
    /// Who is behind an address that we connect to.
    pub names: Arc<Names>,
}

/// The bound sockets; sends what the writer says.
pub struct SipIo {
    udp: Vec<udp::UdpPort>,
    streams: Arc<streams::Streams>,
    tls: Vec<SocketAddr>,
    inbox: Inbox,
    tap: Tap,
}

impl SipIo {
    /// Binds and starts reading.
    ///
    /// # Errors
    /// An address that cannot be bound, with the address in the message.
    pub fn start(listen: &SipListen, tls: SipTls, inbox: Inbox, tap: Tap) -> anyhow::Result<Self> {
        let mut ports = Vec::new();
        for address in &listen.udp {
            ports.push(udp::UdpPort::start(*address, inbox.clone(), tap.clone()).with_context(|| {
                format!("cannot listen for SIP on udp {address}; change sip.udp or stop who has it")
            })?);
        }
        let streams = streams::Streams::new(inbox.clone(), tap.clone(), tls.client, tls.names);
        for address in &listen.tcp {
            Arc::clone(&streams).listen(*address).with_context(|| {
                format!("cannot listen for SIP on tcp {address}; change sip.tcp or stop who has it")
            })?;
        }
        let mut secured = Vec::new();
        for address in &listen.tls {
            let bound = tls::listen(Arc::clone(&streams), *address, Arc::clone(&tls.server));
            secured.push(bound.with_context(|| {
                format!("cannot listen for SIP on tls {address}; change sip.tls or stop who has it")
            })?);
        }
        Ok(Self { udp: ports, streams, tls: secured, inbox, tap })
    }

    /// The UDP addresses bound, with the ports the system chose where 0 was asked for.
    #[must_use]
    pub fn udp_addresses(&self) -> Vec<SocketAddr> {
        self.udp.iter().map(udp::UdpPort::address).collect()
    }

    /// The TCP addresses bound.
    #[must_use]
    pub fn tcp_addresses(&self) -> Vec<SocketAddr> {
        self.streams.addresses()
    }

    /// The TLS addresses bound.
    #[must_use]
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.tls.clone()
    }

    /// Where WebSockets come in.
    #[must_use]
    pub fn door(&self) -> SipDoor {
        SipDoor::new(Arc::clone(&self.streams))
    }

    /// Sends or queues the bytes; never blocks. A failure comes back as [`switch::input::Input::SendFailed`].
    pub fn send(&self, flow: Flow, bytes: Bytes) {
        self.tap.sent(flow, &bytes);
        match flow.transport {
            Transport::Udp => self.send_udp(flow, bytes),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                Arc::clone(&self.streams).send(flow, bytes);
            }
        }
    }

    /// Closes a connection; what is queued for it is dropped.
    pub fn close(&self, connection: ConnectionId) {
        self.streams.close(connection);
    }

    fn send_udp(&self, flow: Flow, bytes: Bytes) {
        let port = self
            .udp
            .iter()
            .find(|port| port.serves(flow.local))
            .or_else(|| self.udp.iter().find(|port| port.address().is_ipv4() == flow.peer.is_ipv4()));
        let sent = port.is_some_and(|port| port.send(flow.peer, &bytes));
        if !sent {
            self.inbox.send_failed(flow, bytes);
        }
    }
}
