//! Recording files: format, repair, checksum, and how and where they are kept when they are finished ([`Storage`],
//! [`encode_opus`], [`seal`]).
//!
//! [`Recordings`] owns one thread that writes all files and one that finishes them; a [`Recorder`] is the sink that media
//! hands frames to, and never blocks. A full disk or queue costs audio, never a call: what is missing is silence in its place,
//! and the result says so. Files are stereo 16-bit PCM WAV (REC-09: left the outside party, right the inner one) at
//! `ROOT/TENANT/YYYY/MM/DD/ID.wav`, and are playable while they grow. A file that is not confirmed as written down has a
//! marker in `ROOT/TENANT/open`; [`repair`] finds those after a crash.

mod disk;
pub mod failpoint;
mod finish;
mod layout;
mod opus;
mod repair;
mod result;
mod sealed;
mod sink;
mod storage;
mod wav;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

pub use disk::{DiskFloor, DiskSpace, disk_space};
pub use finish::sha256_of;
pub use layout::NameError;
pub use opus::{DecodeError, EncodeError, decode_opus, encode_opus};
pub use repair::repair;
pub use result::{Finished, Gap, Outcome, RecordingFile};
pub use sealed::{KeysError, OpenError, SealKeys, seal};
pub use sink::Recorder;
pub use storage::{AudioStream, Place, S3Options, Storage, StorageError};

use layout::Layout;
use sink::Backlog;
use writer::{Job, Writer};

/// What to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSpec {
    /// The tenant's slug: a folder.
    pub tenant: String,
    /// The recording's ULID: the file's name.
    pub id: String,
    /// When it begins, ms since the Unix epoch: names the folders of year, month and day (UTC).
    pub started_at_ms: u64,
    /// The rate of the frames that will come.
    pub rate: media::RecordRate,
}

/// Where recordings lie and where their files are cut.
#[derive(Clone, Debug)]
pub struct RecordingsOptions {
    /// The folder of all recordings.
    pub root: PathBuf,
    /// A file with this much audio, bytes, is followed by another part: at most [`Self::AUDIO_BYTES_MAX`].
    pub audio_bytes_max: u64,
}

impl RecordingsOptions {
    /// A WAV file counts its bytes in 32 bits; 1 MiB is left for its header and for whole chunks. 37 hours at 8 kHz.
    pub const AUDIO_BYTES_MAX: u64 = (4 << 30) - (1 << 20);

    /// Files as long as WAV allows.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), audio_bytes_max: Self::AUDIO_BYTES_MAX }
    }
}

/// The writer of all recordings of a process. Dropped, it finishes every file and reports it, then ends.
#[derive(Debug)]
pub struct Recordings {
    jobs: mpsc::Sender<Job>,
    backlog: Arc<Backlog>,
    next_key: AtomicU64,
    threads: Vec<JoinHandle<()>>,
}

impl Recordings {
    /// Starts the threads. `on_finished` is called for each file on the finishing thread: it should write the outcome down
    /// (`recording.ready` or `recording.failed`) and then [`Self::confirm`] it.
    ///
    /// Call [`repair`] first: it takes every marker for what a crash left.
    ///
    /// # Errors
    /// The folder cannot be made, or no thread.
    pub fn start(
        options: RecordingsOptions,
        mut on_finished: impl FnMut(Finished) + Send + 'static,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(&options.root)?;
        let (jobs, writer_jobs) = mpsc::channel();
        let (to_finish, finisher_jobs) = mpsc::channel();
        let backlog = Arc::new(Backlog::default());
        let writer = Writer::new(options, Arc::clone(&backlog), to_finish);
        let spawn =
            |name: &str, work: Box<dyn FnOnce() + Send>| thread::Builder::new().name(name.to_owned()).spawn(work);
        let finisher = spawn("recording-end", Box::new(move || finish::run(&finisher_jobs, &mut on_finished)))?;
        let writer = spawn("recording", Box::new(move || writer.run(&writer_jobs)))?;
        Ok(Self { jobs, backlog, next_key: AtomicU64::new(0), threads: vec![writer, finisher] })
    }

    /// A sink for one recording; its file is made on the writer's thread. Dropped, it ends the recording.
    ///
    /// # Errors
    /// The tenant or id cannot be part of a path.
    pub fn begin(&self, spec: &RecordingSpec) -> Result<Recorder, NameError> {
        let layout = Layout::new(spec)?;
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        // The writer lives as long as this handle; a failure would show as frames lost.
        let _ = self.jobs.send(Job::Begin { key, layout });
        Ok(Recorder::new(key, spec.rate, self.jobs.clone(), Arc::clone(&self.backlog)))
    }

    /// The outcome is written down: the next start need not look at the file.
    pub fn confirm(&self, finished: &Finished) {
        let _ = self.jobs.send(Job::Confirm { tenant: finished.tenant.clone(), marker: finished.marker.clone() });
    }

    /// Chunks (half a second of one recording) that wait for the disk.
    #[must_use]
    pub fn waiting_chunks(&self) -> usize {
        self.backlog.chunks.load(Ordering::Relaxed)
    }
}

impl Drop for Recordings {
    fn drop(&mut self) {
        let _ = self.jobs.send(Job::Stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the recordings panicked: this is our bug");
            }
        }
    }
}
