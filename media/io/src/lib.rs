//! RTP sockets and the threads that pace them.
//!
//! Three threads however many calls there are: `media-relay` owns every socket, forwards on arrival, mixes rooms and paces players;
//! `media-record` makes recordings; `media-prompt` encodes prompts. All sleep while nothing is to be done.

mod certificate;
mod clock;
mod dtls;
mod lateness;
mod occupancy;
mod prompts;
mod recording;
mod relay_thread;
mod sockets;
mod taps;

use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use media::relay::Sizes;
use media::{Command, Event};

pub use crate::certificate::{DtlsCertificate, NoCertificate};
use crate::clock::Clock;
use crate::dtls::Associations;
pub use crate::lateness::LATENESS_US;
use crate::recording::Recording;
use crate::relay_thread::{Figures, Inbox, Orders, RelayThread, World};
use crate::sockets::{Poller, Waker};
use crate::taps::Taps;

/// Called on media threads with each event; must not block.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// Gives orders to the media threads. Cheap to clone; the threads end after [`MediaHandle::shutdown`] or when
/// the last handle is dropped.
#[derive(Clone)]
pub struct MediaHandle {
    shared: Arc<Shared>,
}

struct Shared {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    figures: Arc<Figures>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A command that was not taken; it is dropped, with a recorder's sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The media thread is behind by [`COMMANDS_MAX`] commands: refuse the call.
    #[error("media is behind by {COMMANDS_MAX} commands; refuse new calls")]
    Busy,
    /// The media threads have ended.
    #[error("media has been shut down")]
    Down,
}

/// How browsers reach us.
#[derive(Debug, Clone)]
pub struct BrowserPorts {
    /// UDP addresses that all browsers share, at most [`BROWSER_SOCKETS_MAX`]; port 0 lets the kernel choose. An address of its
    /// own for each that is told to browsers: from `0.0.0.0` a host with several addresses answers with another one than it was
    /// asked at, and browsers do not believe that.
    pub listen: Vec<SocketAddr>,
    /// What is shown to them.
    pub certificate: DtlsCertificate,
}

/// Starts the media threads; without ports for browsers there are no browsers.
///
/// # Errors
/// The operating system gives no thread, no poller or not the ports for browsers.
pub fn start(on_event: OnEvent, browsers: Option<BrowserPorts>) -> std::io::Result<MediaHandle> {
    sockets::raise_file_limit();
    let (commands, inbox) = sync_channel(COMMANDS_MAX);
    let (encoded_sender, encoded) = channel();
    let (recordings, recording_jobs) = channel();
    let (prompts, wanted) = channel();
    let poller = Poller::new()?;
    let waker = poller.waker();
    let taps = Arc::new(Taps::default());
    let clock = Clock::start();

    let recording = Recording::new(clock, Arc::clone(&taps), Arc::clone(&on_event));
    let recording = Builder::new().name("media-record".into()).spawn(move || recording.run(&recording_jobs))?;
    let waker_of_prompts = Arc::clone(&waker);
    let prompt = Builder::new()
        .name("media-prompt".into())
        .spawn(move || prompts::run(&wanted, &encoded_sender, &waker_of_prompts))?;
    let (inbox, orders) = (Inbox { commands: inbox, encoded }, Orders { recordings, prompts });
    let mut sockets = poller.sockets();
    let associations = match browsers {
        None => None,
        Some(BrowserPorts { listen, certificate }) => {
            sockets.share(&listen)?;
            Some(Associations::new(clock, certificate))
        }
    };
    let world = World::new(sockets, associations, orders, taps, on_event);
    let figures = Arc::new(Figures::default());
    let relay = RelayThread::new(clock, poller, inbox, world, Arc::clone(&figures));
    let relay = Builder::new().name("media-relay".into()).spawn(move || relay.run())?;

    let threads = Mutex::new(vec![relay, recording, prompt]);
    Ok(MediaHandle { shared: Arc::new(Shared { commands, waker, figures, threads }) })
}

impl MediaHandle {
    /// How many of the relay's deadlines (rooms, players, reports) were met within each of [`LATENESS_US`] so far; the last is of
    /// those that were later still.
    #[must_use]
    pub fn lateness(&self) -> [u64; LATENESS_US.len() + 1] {
        self.shared.figures.lateness.read()
    }

    /// How full the relay's tables are.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.shared.figures.occupancy.read()
    }

    /// Hands over a command; never waits.
    ///
    /// # Errors
    /// The queue is full or the threads have ended.
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.shared.commands.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(_) => SendError::Busy,
            TrySendError::Disconnected(_) => SendError::Down,
        })?;
        self.shared.waker.wake();
        Ok(())
    }

    /// Closes every endpoint, finishes every recording (their events are given) and waits for the threads to end.
    pub fn shutdown(self) {
        self.shared.waker.stop();
        let threads = match self.shared.threads.lock() {
            Ok(mut threads) => std::mem::take(&mut *threads),
            Err(_) => return,
        };
        for thread in threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.waker.stop();
    }
}

/// Sockets that browsers share.
pub const BROWSER_SOCKETS_MAX: usize = 16;
/// Commands waiting for the media thread; beyond this `send` refuses. A call set-up takes about ten.
pub const COMMANDS_MAX: usize = 16_384;
