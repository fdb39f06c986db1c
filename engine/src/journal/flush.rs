//! The thread that makes written records last through a power cut, several at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use recordings::failpoint::{fail_point, fail_point_io};

use super::shared::{Shared, sync_folder};

/// How long records gather before one flush takes them all: half of the 20 ms promised, the disk has the other half.
const GATHER: Duration = Duration::from_millis(10);

/// The flusher of one journal. Dropped, it flushes what is left and ends.
#[derive(Debug)]
pub(super) struct Flusher {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    shared: Arc<Shared>,
    /// The files to flush, in the order they were written; the last is the one being written.
    files: Mutex<VecDeque<Arc<File>>>,
    pending: AtomicBool,
    stop: AtomicBool,
}

impl Flusher {
    /// Starts the thread.
    pub(super) fn start(shared: Arc<Shared>, file: Arc<File>) -> io::Result<Self> {
        let files = Mutex::new(VecDeque::from([file]));
        let state = State { shared, files, pending: AtomicBool::new(false), stop: AtomicBool::new(false) };
        let state = Arc::new(state);
        let of_thread = Arc::clone(&state);
        let thread = thread::Builder::new().name("journal-flush".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// Something was written: a flush follows.
    pub(super) fn wake(&self) {
        if !self.state.pending.swap(true, Ordering::AcqRel)
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
    }

    /// Writing goes on in another file.
    pub(super) fn rotate(&self, file: Arc<File>) {
        self.state.files().push_back(file);
        self.wake();
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the journal's flusher panicked: this is our bug");
            }
        }
    }
}

impl State {
    fn run(&self) {
        while !self.stopping() {
            if !self.pending.load(Ordering::Acquire) {
                thread::park();
                continue;
            }
            self.gather();
            if !self.flush() {
                return;
            }
        }
        self.flush();
    }

    fn gather(&self) {
        let until = Instant::now() + GATHER;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stopping() {
                return;
            }
            thread::park_timeout(left);
        }
    }

    /// False after a failure: the kernel may have dropped what it could not write, so trying again would prove nothing.
    fn flush(&self) -> bool {
        self.pending.store(false, Ordering::Release);
        let upto = self.shared.written().get();
        let files: Vec<_> = self.files().iter().cloned().collect();
        fail_point("journal.flush.before");
        if let Err(error) = fail_point_io("journal.flush.sync").and_then(|()| self.sync(&files)) {
            tracing::error!(tenant = %self.shared.tenant, %error, "cannot flush the journal: no call is taken until a restart");
            self.shared.set_broken();
            return false;
        }
        fail_point("journal.flush.after");
        self.files().drain(..files.len() - 1);
        self.shared.durable().advance(upto);
        true
    }

    fn sync(&self, files: &[Arc<File>]) -> io::Result<()> {
        for file in files {
            file.sync_data()?;
        }
        // A new file's name must last too.
        if files.len() > 1 { sync_folder(&self.shared.folder) } else { Ok(()) }
    }

    fn files(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<File>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
