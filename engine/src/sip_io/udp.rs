//! One UDP socket and the thread that reads and parses what comes in on it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::flow::{Flow, Transport};

use super::local::LocalAddress;
use crate::ladder::Tap;
use crate::writer::Inbox;

/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_535;

/// A burst of retransmissions must fit while the reader is not scheduled.
const SOCKET_BUFFER: usize = 4 << 20;

/// How often a quiet reader looks whether the process stops.
const STOP_CHECK: Duration = Duration::from_millis(500);

/// A bound UDP socket.
pub(super) struct UdpPort {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
}

impl UdpPort {
    pub(super) fn start(address: SocketAddr, inbox: Inbox, tap: Tap) -> io::Result<Self> {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // The kernel cuts what it does not allow; less room is no reason not to start.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        socket.bind(&address.into())?;
        let socket: Arc<UdpSocket> = Arc::new(socket.into());
        socket.set_read_timeout(Some(STOP_CHECK))?;
        let address = socket.local_addr()?;
        let reader = Arc::clone(&socket);
        std::thread::Builder::new()
            .name("sip-udp".to_owned())
            .spawn(move || read(&reader, LocalAddress::new(address), &inbox, &tap))?;
        Ok(Self { socket, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a flow's local address is this socket's.
    pub(super) fn serves(&self, local: SocketAddr) -> bool {
        local.port() == self.address.port()
            && local.is_ipv4() == self.address.is_ipv4()
            && (self.address.ip().is_unspecified() || local.ip() == self.address.ip())
    }

    /// False when the kernel refuses. A full socket buffer counts as loss on the way, which retransmission mends.
    pub(super) fn send(&self, peer: SocketAddr, bytes: &[u8]) -> bool {
        let socket = socket2::SockRef::from(&*self.socket);
        match socket.send_to_with_flags(bytes, &peer.into(), libc::MSG_DONTWAIT) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

fn read(socket: &UdpSocket, mut local: LocalAddress, inbox: &Inbox, tap: &Tap) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while !inbox.is_closed() {
        let (length, peer) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) => {
                pause_on(&error);
                continue;
            }
        };
        let flow = Flow { transport: Transport::Udp, local: local.toward(peer.ip()), peer, connection: None };
        let bytes = Bytes::copy_from_slice(&buffer[..length]);
        tap.received(flow, &bytes);
        let message = sip::parse::parse_datagram(bytes);
        inbox.offer_datagram(flow, message);
    }
}

/// A time-out is the normal quiet; anything else must not spin.
fn pause_on(error: &io::Error) {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
        _ => {
            tracing::warn!(%error, "reading SIP over UDP failed");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
