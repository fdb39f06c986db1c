//! Where a message came from and where one is sent to: a transport address, or a connection that is kept.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// How a message travels. TLS and WebSocket flows are connections as TCP is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams; messages are retransmitted by the transactions.
    Udp,
    /// A stream framed by Content-Length (RFC 3261 §18.3).
    Tcp,
    /// TCP under TLS.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket under TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// True where the transport itself delivers (RFC 3261 §17: timers A, E and G do not run there).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => true,
        }
    }

    /// The name as it stands in a Via (`UDP`, `TCP`, `TLS`, `WS`, `WSS`).
    #[must_use]
    pub fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }
}

/// A connection of this process, numbered by the shell; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A path to a peer: the pair of addresses and, on a stream, the connection (RFC 5626 calls this a flow).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// How messages travel on it.
    pub transport: Transport,
    /// Our own address on it, as bound (not as advertised).
    pub local: SocketAddr,
    /// The peer's transport address: the source of what was received, the destination of what is sent.
    pub peer: SocketAddr,
    /// The connection, if one is open. `None` on UDP, and on a stream that the shell shall open (or reuse) to `peer`.
    pub connection: Option<ConnectionId>,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport.via_name(), self.peer)
    }
}
