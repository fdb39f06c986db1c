//! SIP sockets: reading and parsing happen here, off the writer's thread.
//!
//! Never decides anything about a call: a message goes to the writer with the flow it came on, bytes of the writer go out on
//! the flow it named. What cannot be sent comes back as an input.

mod local;
mod tcp;
mod udp;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};

use crate::writer::Inbox;

pub use local::route_source;
pub use tcp::STREAMS_MAX;

/// Where SIP is listened for.
#[derive(Clone, Debug)]
pub struct SipListen {
    /// UDP sockets.
    pub udp: Vec<SocketAddr>,
    /// TCP listeners.
    pub tcp: Vec<SocketAddr>,
}

/// The bound sockets; sends what the writer says.
pub struct SipIo {
    udp: Vec<udp::UdpPort>,
    tcp: Arc<tcp::Streams>,
    inbox: Inbox,
}

impl SipIo {
    /// Binds and starts reading.
    ///
    /// # Errors
    /// An address that cannot be bound, with the address in the message.
    pub async fn start(listen: &SipListen, inbox: Inbox) -> anyhow::Result<Self> {
        let mut ports = Vec::new();
        for address in &listen.udp {
            ports.push(udp::UdpPort::start(*address, inbox.clone()).with_context(|| {
                format!("cannot listen for SIP on udp {address}; change sip.udp or stop who has it")
            })?);
        }
        let streams = tcp::Streams::new(inbox.clone(), tokio::runtime::Handle::current());
        for address in &listen.tcp {
            Arc::clone(&streams).listen(*address).await.with_context(|| {
                format!("cannot listen for SIP on tcp {address}; change sip.tcp or stop who has it")
            })?;
        }
        Ok(Self { udp: ports, tcp: streams, inbox })
    }

    /// The UDP addresses bound, with the ports the system chose where 0 was asked for.
    #[must_use]
    pub fn udp_addresses(&self) -> Vec<SocketAddr> {
        self.udp.iter().map(udp::UdpPort::address).collect()
    }

    /// The TCP addresses bound.
    #[must_use]
    pub fn tcp_addresses(&self) -> Vec<SocketAddr> {
        self.tcp.addresses()
    }

    /// Sends or queues the bytes; never blocks. A failure comes back as [`switch::input::Input::SendFailed`].
    pub fn send(&self, flow: Flow, bytes: Bytes) {
        match flow.transport {
            Transport::Udp => self.send_udp(flow, bytes),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                Arc::clone(&self.tcp).send(flow, bytes);
            }
        }
    }

    /// Closes a connection; what is queued for it is dropped.
    pub fn close(&self, connection: ConnectionId) {
        self.tcp.close(connection);
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
