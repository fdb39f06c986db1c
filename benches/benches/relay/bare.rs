//! The least a relay can cost here: one thread that receives each packet and sends it on, nothing else.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// A running loop.
pub(crate) struct Bare {
    addresses: Vec<SocketAddr>,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Bare {
    /// A socket for each phone; what comes for one of a pair goes to the other.
    pub(crate) fn start(phones: &[SocketAddr]) -> Result<Self> {
        let sockets = phones.iter().map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<Result<Vec<_>, _>>()?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        for (i, socket) in sockets.iter().enumerate() {
            socket.set_nonblocking(true)?;
            epoll::add(&epoll, socket, EventData::new_u64(i as u64), EventFlags::IN)?;
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let (stop, phones) = (Arc::clone(&stopping), phones.to_vec());
        let thread = std::thread::spawn(move || {
            let mut ready = Vec::with_capacity(256);
            let mut buffer = [0; 2_048];
            let timeout = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
            while !stop.load(Ordering::Relaxed) {
                ready.clear();
                let _ = epoll::wait(&epoll, spare_capacity(&mut ready), Some(&timeout));
                for event in &ready {
                    let event: &epoll::Event = event;
                    let Ok(at) = usize::try_from(event.data.u64()) else { continue };
                    if let Ok(len) = sockets[at].recv(&mut buffer) {
                        let _ = sockets[at ^ 1].send_to(&buffer[..len], phones[at ^ 1]);
                    }
                }
            }
        });
        Ok(Self { addresses, stopping, thread })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = self.thread.join();
    }
}
