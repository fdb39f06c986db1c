//! The journal: every fact of a tenant, in order, on local disk before any effect of it leaves the process.
//!
//! A folder of segment files per tenant. [`Journal`] is the one writer; [`JournalHandle`] gives readers, waits and retention
//! to everybody else; [`facts`] puts typed facts on top. Records are bytes here. A `write()` has happened when
//! [`Journal::append`] returns, so a killed process loses nothing; a thread flushes within 20 ms, and that is what a power cut
//! can cost. It never blocks on a reader, and never reads a clock but to date a segment.

pub mod checkpoints;
pub mod facts;
mod flush;
pub mod fold;
mod frame;
mod open;
pub mod open_state;
mod reader;
mod salvage;
mod segment;
mod shared;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hooks::id::TenantId;
use hooks::position::Position;
use recordings::failpoint::{fail_point, fail_point_io, is_armed};

pub use fold::{Fold, FoldError};
pub use frame::PAYLOAD_MAX;
pub use open::{OpenError, last_position};
pub use reader::{Entry, ReadError, Reader};
pub use salvage::{Salvaged, salvage};
pub use segment::CARRY_MAX;

use flush::Flusher;
use segment::{Header, Sealed, SegmentName};
use shared::Shared;

/// Where a tenant's journal lies and how it is cut.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// The folder of all journals: a tenant's lies in `FOLDER/TENANT`.
    pub folder: PathBuf,
    /// Whose.
    pub tenant: TenantId,
    /// A segment this large, bytes, is followed by another.
    pub segment_bytes: u64,
    /// What the records must survive.
    pub survives: Survives,
}

/// What records must survive once they are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// A power cut, but for the last 20 ms: a thread flushes.
    PowerCut,
    /// The end of the process, however it comes: the kernel has them, and writes them when it likes.
    Process,
}

impl JournalOptions {
    /// 16 MiB: some fifty thousand facts; a restart reads them in less than a second.
    pub const SEGMENT_BYTES: u64 = 16 << 20;

    /// Segments of [`Self::SEGMENT_BYTES`].
    #[must_use]
    pub fn new(folder: &Path, tenant: TenantId) -> Self {
        Self { folder: folder.to_owned(), tenant, segment_bytes: Self::SEGMENT_BYTES, survives: Survives::PowerCut }
    }
}

/// The one writer of a tenant's journal. Holds the folder's lock; dropped, it flushes what is left.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    segment: Live,
    segment_bytes: u64,
    survives: Survives,
    next: u64,
    batch: Vec<u8>,
    flusher: Flusher,
    _lock: File,
}

/// The segment being written.
#[derive(Debug)]
struct Live {
    name: SegmentName,
    file: Arc<File>,
    sealed: Sealed,
    bytes: u64,
}

/// Why records were not appended. None of them is in the journal then.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Our bug: a record of no bytes, or of more than [`PAYLOAD_MAX`].
    #[error("a record has 1 to {PAYLOAD_MAX} bytes, not {bytes}")]
    Size {
        /// What was given.
        bytes: usize,
    },
    /// The disk refused; the next append may succeed. No new call may be taken meanwhile.
    #[error("cannot write {path}, make room or mend the disk: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A flush failed earlier, or a failed write could not be taken back: only a restart tells what the disk holds.
    #[error("the journal cannot be trusted after a failed flush: mend the disk and restart")]
    Broken,
}

impl Journal {
    /// Appends the records in order with one `write()` and gives the place of the last. All of them or none. Where the segment
    /// is full, another one is begun first, and `carry` writes what all records before this batch amount to.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn append<P: AsRef<[u8]>>(
        &mut self,
        payloads: &[P],
        carry: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Position, AppendError> {
        if self.shared.is_broken() {
            return Err(AppendError::Broken);
        }
        let records: u64 = payloads.iter().map(|payload| (frame::HEADER_BYTES + payload.as_ref().len()) as u64).sum();
        if self.next > self.segment.name.first && self.segment.bytes + records > self.segment_bytes {
            self.rotate(carry)?;
        }
        self.batch.clear();
        for (payload, number) in payloads.iter().zip(self.next..) {
            let payload = payload.as_ref();
            if payload.is_empty() || payload.len() > PAYLOAD_MAX {
                return Err(AppendError::Size { bytes: payload.len() });
            }
            frame::encode(self.segment.sealed.seed, number, payload, &mut self.batch);
        }
        self.write_batch()?;
        self.next += payloads.len() as u64;
        self.batch.shrink_to(BATCH_KEPT_BYTES);
        self.shared.written().advance(self.next - 1);
        match self.survives {
            Survives::PowerCut => self.flusher.wake(),
            Survives::Process => {}
        }
        Ok(self.head())
    }

    /// The place of the last record, or before the first.
    #[must_use]
    pub fn head(&self) -> Position {
        self.shared.position(self.segment.name.epoch, self.next - 1)
    }

    /// True after a failed flush: nothing is accepted until a restart.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.shared.is_broken()
    }

    /// For everybody but the writer.
    #[must_use]
    pub fn handle(&self) -> JournalHandle {
        JournalHandle { shared: Arc::clone(&self.shared) }
    }

    fn write_batch(&mut self) -> Result<(), AppendError> {
        let Live { file, bytes, .. } = &mut self.segment;
        fail_point("journal.append.before_write");
        let written = fail_point_io("journal.append.write").and_then(|()| write_stoppable(file, &self.batch, *bytes));
        if let Err(source) = written {
            // Nothing half-written stays: the next append begins where this one did.
            if file.set_len(*bytes).is_err() {
                self.shared.set_broken();
            }
            return Err(AppendError::Write { path: self.segment.name.path(&self.shared.folder), source });
        }
        *bytes += self.batch.len() as u64;
        fail_point("journal.append.after_write");
        Ok(())
    }

    fn rotate(&mut self, carry: impl FnOnce(&mut Vec<u8>)) -> Result<(), AppendError> {
        fail_point("journal.rotate.before");
        let mut carried = Vec::new();
        carry(&mut carried);
        let name = SegmentName { epoch: self.segment.name.epoch, first: self.next };
        let live = Live::create(&self.shared.folder, name, self.shared.tenant.as_str(), carried)
            .map_err(|source| AppendError::Write { path: name.path(&self.shared.folder), source })?;
        fail_point("journal.rotate.created");
        self.flusher.rotate(Arc::clone(&live.file));
        self.shared.push_segment(name);
        self.segment = live;
        fail_point("journal.rotate.after");
        Ok(())
    }
}

impl Live {
    /// Makes a segment with no records. Where that fails, no file of it stays.
    fn create(folder: &Path, name: SegmentName, tenant: &str, carry: Vec<u8>) -> io::Result<Self> {
        let path = name.path(folder);
        let (header, sealed) = Header { name, salvaged: false, created_ms: unix_ms(), carry }.encode(tenant);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        let written = fail_point_io("journal.rotate.write").and_then(|()| write_stoppable(&file, &header, 0));
        if let Err(error) = written {
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self { name, file: Arc::new(file), sealed, bytes: sealed.bytes })
    }
}

/// What readers and keepers of a tenant's journal hold.
#[derive(Clone, Debug)]
pub struct JournalHandle {
    shared: Arc<Shared>,
}

impl JournalHandle {
    /// Whose journal.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.shared.tenant
    }

    /// The place of the last record written.
    #[must_use]
    pub fn head(&self) -> Position {
        self.shared.position(self.shared.epoch, self.shared.written().get())
    }

    /// The place before the oldest record kept.
    #[must_use]
    pub fn start(&self) -> Position {
        let (_, oldest) = self.shared.segment_for(0, 0);
        self.shared.position(oldest.epoch, oldest.first.saturating_sub(1))
    }

    /// The number of the last record that a power cut would spare; the rest of [`Self::head`] is on its way to the disk.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.shared.durable().get()
    }

    /// True after a failed flush: nothing is accepted until a restart.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.shared.is_broken()
    }

    /// A reader that begins after `position`.
    ///
    /// # Errors
    /// [`ReadError::Gone`] where records after it were deleted, [`ReadError::Ahead`] where the journal ends before it.
    pub fn reader_after(&self, position: &Position) -> Result<Reader, ReadError> {
        Reader::after(Arc::clone(&self.shared), position)
    }

    /// A reader that begins with the oldest record kept.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn reader_of_all(&self) -> Result<Reader, ReadError> {
        Reader::of_all(Arc::clone(&self.shared))
    }

    /// Waits until a record beyond `number` is written; gives the last one's number. Loses nothing when dropped.
    pub async fn written_past(&self, number: u64) -> u64 {
        self.shared.written().wait_past(self.known(number)).await
    }

    /// As [`Self::written_past`] for a thread: gives up after `timeout`.
    #[must_use]
    pub fn written_past_blocking(&self, number: u64, timeout: Duration) -> u64 {
        self.shared.written().wait_past_blocking(self.known(number), timeout)
    }

    /// A number beyond the last one was of a record that a power cut took: all of this epoch came after it.
    fn known(&self, number: u64) -> u64 {
        if number > self.shared.written().get() { self.shared.began_after } else { number }
    }

    /// Waits until a record beyond `number` is safe from a power cut; gives the last such number.
    pub async fn durable_past(&self, number: u64) -> u64 {
        self.shared.durable().wait_past(number).await
    }

    /// As [`Self::durable_past`] for a thread: gives up after `timeout`.
    #[must_use]
    pub fn durable_past_blocking(&self, number: u64, timeout: Duration) -> u64 {
        self.shared.durable().wait_past_blocking(number, timeout)
    }

    /// Deletes segments that were full before `before_ms` (Unix time, ms) and whose records every consumer is past: `passed` is
    /// the least cursor of all. Gives the deleted files, oldest first.
    ///
    /// # Errors
    /// What the system says about reading a segment's date or deleting it.
    pub fn delete_old(&self, before_ms: u64, passed: &Position) -> io::Result<Vec<PathBuf>> {
        self.shared.delete_oldest(|oldest, next| {
            // The next segment was begun when this one was full, with the number after its last.
            let all_read = (oldest.epoch, next.first) <= (passed.epoch, passed.number.saturating_add(1));
            Ok(all_read && reader::created_ms(&self.shared, next)? < before_ms)
        })
    }
}

/// One `write()`, unless a test wants to stop in its middle.
fn write_stoppable(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    if !is_armed("journal.append.mid_write") {
        return file.write_all_at(bytes, offset);
    }
    let (first, second) = bytes.split_at(bytes.len() / 2);
    file.write_all_at(first, offset)?;
    fail_point("journal.append.mid_write");
    file.write_all_at(second, offset + first.len() as u64)
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A batch buffer larger than this, bytes, is given back after use.
const BATCH_KEPT_BYTES: usize = 256 << 10;
