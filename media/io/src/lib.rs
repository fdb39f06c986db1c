//! RTP sockets and the threads that pace them.
//!
//! Two threads however many calls there are: `media-relay` owns every socket, forwards on arrival and paces
//! players; `media-dsp` encodes prompts and makes recordings. Both sleep while nothing is to be done.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use media::{Command, Event};

/// Called on media threads with each event; must not block.
pub type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;

/// Gives orders to the media threads. Cheap to clone; the threads end after [`MediaHandle::shutdown`] or when
/// the last handle is dropped.
#[derive(Clone)]
pub struct MediaHandle {
    commands: SyncSender<Command>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// A command that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The media thread is behind by [`COMMANDS_MAX`] commands: refuse the call.
    #[error("media is behind by {COMMANDS_MAX} commands; refuse new calls")]
    Busy(Command),
    /// The media threads have ended.
    #[error("media has been shut down")]
    Down(Command),
}

/// Starts the media threads.
///
/// # Errors
/// The operating system gives no thread or no poller.
pub fn start(on_event: OnEvent) -> std::io::Result<MediaHandle> {
    let (commands, inbox) = sync_channel(COMMANDS_MAX);
    let thread = std::thread::Builder::new().name("media-relay".into()).spawn(move || skeleton(&inbox, &on_event))?;
    Ok(MediaHandle { commands, threads: Arc::new(Mutex::new(vec![thread])) })
}

impl MediaHandle {
    /// Hands over a command; never waits.
    ///
    /// # Errors
    /// The queue is full or the threads have ended; the command comes back.
    #[expect(clippy::result_large_err, reason = "the command comes back to whoever sent it")]
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        self.commands.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(command) => SendError::Busy(command),
            TrySendError::Disconnected(command) => SendError::Down(command),
        })
    }

    /// Closes every endpoint, finishes every recording and waits for the threads to end.
    pub fn shutdown(self) {
        let Self { commands, threads } = self;
        drop(commands);
        let threads = std::mem::take(&mut *threads.lock().expect("no thread panics while holding it"));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

fn skeleton(inbox: &Receiver<Command>, on_event: &OnEvent) {
    while let Ok(command) = inbox.recv() {
        match command {
            Command::Open(open) => {
                on_event(Event::Opened { endpoint: open.endpoint, rtp: open.rtp, rtcp: open.rtcp });
            }
            Command::Close(endpoint) => {
                on_event(Event::Closed { endpoint, stats: media::EndpointStats::default() });
            }
            Command::Configure { .. }
            | Command::StartPlayer { .. }
            | Command::StopPlayer(_)
            | Command::Hear(_)
            | Command::StartRecorder(_)
            | Command::StopRecorder(_) => {}
        }
    }
}

/// Commands waiting for the media thread; beyond this `send` refuses. A call set-up takes about ten.
pub const COMMANDS_MAX: usize = 16_384;
