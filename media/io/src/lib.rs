//! RTP sockets and the threads that pace them.
//!
//! Two threads however many calls there are: `media-relay` owns every socket, forwards on arrival and paces
//! players; `media-dsp` encodes prompts and makes recordings. Both sleep while nothing is to be done.

mod clock;
mod dsp;
mod relay_thread;
mod sockets;
mod taps;

use std::sync::mpsc::{Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use media::{Command, Event};

use crate::clock::Clock;
use crate::dsp::{Dsp, Job};
use crate::relay_thread::{Encoded, Inbox, RelayThread};
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

/// Starts the media threads.
///
/// # Errors
/// The operating system gives no thread or no poller.
pub fn start(on_event: OnEvent) -> std::io::Result<MediaHandle> {
    sockets::raise_file_limit();
    let (commands, inbox) = sync_channel(COMMANDS_MAX);
    let (encoded_sender, encoded) = channel::<Encoded>();
    let (jobs, job_inbox) = channel::<Job>();
    let poller = Poller::new()?;
    let waker = poller.waker();
    let taps = Arc::new(Taps::default());
    let clock = Clock::start();

    let dsp = Dsp::new(clock, Arc::clone(&taps), Arc::clone(&on_event), answer(encoded_sender, Arc::clone(&waker)));
    let dsp_thread = Builder::new().name("media-dsp".into()).spawn(move || dsp.run(&job_inbox))?;
    let relay = RelayThread::new(clock, poller, Inbox { commands: inbox, encoded }, jobs, taps, on_event);
    let relay_thread = Builder::new().name("media-relay".into()).spawn(move || relay.run())?;

    let threads = Mutex::new(vec![relay_thread, dsp_thread]);
    Ok(MediaHandle { shared: Arc::new(Shared { commands, waker, threads }) })
}

/// How encoded prompts go back to the relay thread.
fn answer(sender: Sender<Encoded>, waker: Arc<Waker>) -> impl Fn(Encoded) + Send {
    move |encoded| {
        // The relay thread outlives its jobs; at shutdown nobody waits for a prompt.
        if sender.send(encoded).is_ok() {
            waker.wake();
        }
    }
}

impl MediaHandle {
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

/// Commands waiting for the media thread; beyond this `send` refuses. A call set-up takes about ten.
pub const COMMANDS_MAX: usize = 16_384;
