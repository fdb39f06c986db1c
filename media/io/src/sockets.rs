//! Sockets and the one poller that watches them. Level-triggered: a socket with more in it is told again, so one
//! `recv` per turn is enough and none is wasted on finding it empty.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::BROWSER_SOCKETS_MAX;
use media::OpenEndpoint;
use media::ice::SharedSocket;
use media::relay::{Bound, Port, Slot};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::net::sockopt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Watches sockets and the waker.
pub(crate) struct Poller {
    epoll: Arc<OwnedFd>,
    waker: Arc<Waker>,
}

/// Room for what a wait finds; stays on one thread.
pub(crate) struct Ready(Vec<Event>);

/// Wakes the relay thread, once until it has looked.
pub(crate) struct Waker {
    eventfd: OwnedFd,
    pending: AtomicBool,
    stopping: AtomicBool,
}

/// Why the poller came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// A socket has a datagram.
    Readable(Slot, Port),
    /// A socket of browsers has some.
    Shared(SharedSocket),
    /// Somebody called [`Waker::wake`].
    Woken,
}

/// The sockets of all endpoints, by slot.
pub(crate) struct Sockets {
    epoll: Arc<OwnedFd>,
    pairs: Vec<Option<Pair>>,
    /// Those of all browsers.
    shared: Vec<Watched>,
}

struct Watched {
    socket: UdpSocket,
    /// IPv4 peers are written as IPv6 addresses to such a socket.
    ipv6: bool,
}

struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// IPv4 peers are written as IPv6 addresses to such a socket.
    ipv6: bool,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &eventfd, EventData::new_u64(WAKER_TOKEN), EventFlags::IN)?;
        let waker = Waker { eventfd, pending: AtomicBool::new(false), stopping: AtomicBool::new(false) };
        Ok(Self { epoll: Arc::new(epoll), waker: Arc::new(waker) })
    }

    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub(crate) fn sockets(&self) -> Sockets {
        Sockets { epoll: Arc::clone(&self.epoll), pairs: Vec::new(), shared: Vec::new() }
    }

    /// Waits until something is ready or `timeout_us` has passed; `None` waits for ever.
    pub(crate) fn wait(&self, ready: &mut Ready, timeout_us: Option<u64>) {
        let timeout = timeout_us.map(|us| Timespec {
            tv_sec: i64::try_from(us / 1_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(us % 1_000_000 * 1_000).unwrap_or(0),
        });
        ready.0.clear();
        // Interrupted by a signal: nothing is ready, the caller comes again.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut ready.0), timeout.as_ref());
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self(Vec::with_capacity(EVENTS_MAX))
    }
}

impl Ready {
    /// What the last [`Poller::wait`] found.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Readiness> + '_ {
        self.0.iter().map(|event| Readiness::from_token(event.data.u64()))
    }
}

impl Readiness {
    fn from_token(token: u64) -> Self {
        if token == WAKER_TOKEN {
            return Self::Woken;
        }
        if let Some(at) = token.checked_sub(SHARED_TOKEN) {
            return Self::Shared(SharedSocket(u8::try_from(at).expect("bounded by BROWSER_SOCKETS_MAX")));
        }
        let slot = Slot(u32::try_from(token >> 1).expect("tokens are made of 32-bit slots"));
        Self::Readable(slot, if token & 1 == 0 { Port::Rtp } else { Port::Rtcp })
    }
}

impl Waker {
    /// Makes the relay thread look into its inbox.
    pub(crate) fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            // Fails only when the counter is full, and then the thread wakes anyway.
            let _ = rustix::io::write(&self.eventfd, &1u64.to_ne_bytes());
        }
    }

    /// Makes the relay thread end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    /// To be called before the inbox is looked into, or a command sent just then would wait for the next wake.
    pub(crate) fn acknowledge(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.eventfd, &mut count);
        self.pending.store(false, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl Sockets {
    /// Binds both sockets of an endpoint and watches them.
    pub(crate) fn bind(&mut self, slot: Slot, open: &OpenEndpoint) -> io::Result<Bound> {
        let token = |port| u64::from(slot.0) << 1 | u64::from(port == Port::Rtcp);
        let rtp = self.watched(token(Port::Rtp), open.rtp)?;
        let rtcp = self.watched(token(Port::Rtcp), open.rtcp)?;
        let bound = Bound { rtp: rtp.local_addr()?, rtcp: rtcp.local_addr()? };
        let at = slot.0 as usize;
        if self.pairs.len() <= at {
            self.pairs.resize_with(at + 1, || None);
        }
        self.pairs[at] = Some(Pair { ipv6: open.rtp.is_ipv6(), rtp, rtcp });
        Ok(bound)
    }

    /// Closes them; the kernel takes closed sockets out of the poller.
    pub(crate) fn unbind(&mut self, slot: Slot) {
        if let Some(pair) = self.pairs.get_mut(slot.0 as usize) {
            *pair = None;
        }
    }

    /// Reads one datagram; `None` if there is none after all, or one that is longer than `buffer`.
    pub(crate) fn receive(&self, slot: Slot, port: Port, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let pair = self.pairs.get(slot.0 as usize)?.as_ref()?;
        read(pair.socket(port), pair.ipv6, buffer)
    }

    /// Sends one datagram; false if the operating system does not take it.
    pub(crate) fn send(&self, slot: Slot, port: Port, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(Some(pair)) = self.pairs.get(slot.0 as usize) else { return false };
        write(pair.socket(port), pair.ipv6, to, datagram)
    }

    /// Opens the sockets that browsers share.
    pub(crate) fn share(&mut self, listen: &[SocketAddr]) -> io::Result<()> {
        if listen.len() > BROWSER_SOCKETS_MAX {
            let problem = format!("more than {BROWSER_SOCKETS_MAX} addresses for browsers");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        for (token, address) in (SHARED_TOKEN..).zip(listen) {
            let socket = self.watched(token, *address)?;
            // A system that gives less loses packets when many browsers speak while this thread waits.
            let _ = sockopt::set_socket_recv_buffer_size(&socket, SHARED_BUFFER_BYTES);
            self.shared.push(Watched { socket, ipv6: address.is_ipv6() });
        }
        Ok(())
    }

    /// Where browsers reach the first of these.
    pub(crate) fn shared_address(&self) -> Option<SocketAddr> {
        self.shared.first()?.socket.local_addr().ok()
    }

    /// As [`Self::receive`], from a socket that browsers share.
    pub(crate) fn receive_shared(&self, socket: SharedSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let shared = self.shared.get(usize::from(socket.0))?;
        read(&shared.socket, shared.ipv6, buffer)
    }

    /// As [`Self::send`], from a socket that browsers share.
    pub(crate) fn send_shared(&self, socket: SharedSocket, to: SocketAddr, datagram: &[u8]) -> bool {
        let shared = self.shared.get(usize::from(socket.0));
        shared.is_some_and(|shared| write(&shared.socket, shared.ipv6, to, datagram))
    }

    fn watched(&self, token: u64, address: SocketAddr) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        // Expedited forwarding (RFC 4594 §4.1); a system that refuses loses nothing but priority.
        let _ = match address {
            SocketAddr::V4(_) => sockopt::set_ip_tos(&socket, TOS_EXPEDITED),
            SocketAddr::V6(_) => sockopt::set_ipv6_tclass(&socket, u32::from(TOS_EXPEDITED)),
        };
        epoll::add(&self.epoll, &socket, EventData::new_u64(token), EventFlags::IN)?;
        Ok(socket)
    }
}

impl Pair {
    fn socket(&self, port: Port) -> &UdpSocket {
        match port {
            Port::Rtp => &self.rtp,
            Port::Rtcp => &self.rtcp,
        }
    }
}

fn read(socket: &UdpSocket, ipv6: bool, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    let (len, mut from) = socket.recv_from(buffer).ok()?;
    if len == buffer.len() {
        return None;
    }
    if ipv6 {
        from.set_ip(from.ip().to_canonical());
    }
    Some((len, from))
}

fn write(socket: &UdpSocket, ipv6: bool, mut to: SocketAddr, datagram: &[u8]) -> bool {
    if ipv6 && let IpAddr::V4(ip) = to.ip() {
        to.set_ip(IpAddr::V6(ip.to_ipv6_mapped()));
    }
    socket.send_to(datagram, to).is_ok()
}

/// Four sockets a call soon pass the usual soft limit of 1,024 files: raises it to what is allowed.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Refused or unlimited: binding says when files run out.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Token of the waker; slots are far below.
const WAKER_TOKEN: u64 = u64::MAX;
/// Tokens of sockets that browsers share begin here, above two for each slot.
const SHARED_TOKEN: u64 = 1 << 40;
/// Room in the kernel for what browsers send while the thread is busy: some thousand packets.
const SHARED_BUFFER_BYTES: usize = 4 << 20;
/// Events taken at once.
const EVENTS_MAX: usize = 256;
/// DSCP 46 in the upper six bits.
const TOS_EXPEDITED: u8 = 46 << 2;
