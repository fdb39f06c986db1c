//! What the writer, the flusher and the readers of one tenant's journal know together.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io};

use hooks::id::TenantId;
use hooks::position::Position;

use super::segment::SegmentName;

/// The part of an open journal that every thread may use.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) tenant: TenantId,
    pub(super) folder: PathBuf,
    /// The epoch being written.
    pub(super) epoch: u64,
    /// The number of the last record before this epoch.
    pub(super) began_after: u64,
    /// Which segments there are, in order; the last is the one being written. Held for moments: at rotation, at the end of a
    /// segment, and while old ones are deleted.
    segments: Mutex<Vec<SegmentName>>,
    written: Progress,
    durable: Progress,
    broken: AtomicBool,
}

impl Shared {
    /// `last` is the number of the last record there is, 0 for none.
    pub(super) fn new(tenant: TenantId, folder: PathBuf, segments: Vec<SegmentName>, last: u64) -> Self {
        let epoch = segments.last().map_or(0, |name| name.epoch);
        Self {
            tenant,
            folder,
            epoch,
            began_after: last,
            segments: Mutex::new(segments),
            written: Progress::new(last),
            durable: Progress::new(last),
            broken: AtomicBool::new(false),
        }
    }

    pub(super) fn written(&self) -> &Progress {
        &self.written
    }

    pub(super) fn durable(&self) -> &Progress {
        &self.durable
    }

    pub(super) fn position(&self, epoch: u64, number: u64) -> Position {
        Position { tenant: self.tenant.clone(), epoch, number }
    }

    /// After a failed flush nobody knows what the disk holds: nothing more is accepted until a restart reads it again.
    pub(super) fn set_broken(&self) {
        self.broken.store(true, Ordering::Release);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    pub(super) fn push_segment(&self, name: SegmentName) {
        self.segments().push(name);
    }

    /// The segment after this one, `None` while this one is being written.
    pub(super) fn segment_after(&self, name: SegmentName) -> Option<SegmentName> {
        let segments = self.segments();
        segments.get(segments.partition_point(|other| *other <= name)).copied()
    }

    /// Whether a segment is there still. Those after it are, too, for they are deleted from the oldest on.
    pub(super) fn is_kept(&self, name: SegmentName) -> bool {
        self.segments().binary_search(&name).is_ok()
    }

    /// The segment in which to look for the first record after the given place, and the oldest there is.
    pub(super) fn segment_for(&self, epoch: u64, number: u64) -> (SegmentName, SegmentName) {
        let segments = self.segments();
        let oldest = *segments.first().expect("an open journal has the segment being written");
        let after = segments.partition_point(|name| (name.epoch, name.first) <= (epoch, number));
        (segments[after.saturating_sub(1)], oldest)
    }

    /// Deletes segments from the oldest on while `may_go(segment, the one after it)` says so; the one being written stays.
    pub(super) fn delete_oldest(
        &self,
        mut may_go: impl FnMut(SegmentName, SegmentName) -> io::Result<bool>,
    ) -> io::Result<Vec<PathBuf>> {
        let mut deleted = Vec::new();
        loop {
            let [oldest, next] = match self.segments().as_slice() {
                [oldest, next, ..] => [*oldest, *next],
                [_] | [] => return Ok(deleted),
            };
            if !may_go(oldest, next)? {
                return Ok(deleted);
            }
            // First out of the list, then off the disk: a reader never looks for a file that is gone.
            self.segments().remove(0);
            let path = oldest.path(&self.folder);
            fs::remove_file(&path)?;
            deleted.push(path);
        }
    }

    fn segments(&self) -> std::sync::MutexGuard<'_, Vec<SegmentName>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A record number that only grows, and those who wait for it to.
#[derive(Debug)]
pub(super) struct Progress {
    number: AtomicU64,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    changed: Condvar,
    notify: tokio::sync::Notify,
}

impl Progress {
    fn new(number: u64) -> Self {
        Self {
            number: AtomicU64::new(number),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            changed: Condvar::new(),
            notify: tokio::sync::Notify::new(),
        }
    }

    pub(super) fn get(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    pub(super) fn advance(&self, number: u64) {
        self.number.store(number, Ordering::SeqCst);
        // SeqCst on both sides: either we see the sleeper, or it sees the number before it sleeps.
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
        }
        self.notify.notify_waiters();
    }

    /// Blocks until the number is beyond `seen` or the time is over; gives it.
    pub(super) fn wait_past_blocking(&self, seen: u64, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.get() <= seen {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            guard = self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(guard);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        self.get()
    }

    /// Waits until the number is beyond `seen`; gives it. Loses nothing when dropped.
    pub(super) async fn wait_past(&self, seen: u64) -> u64 {
        loop {
            let changed = self.notify.notified();
            let number = self.get();
            if number > seen {
                return number;
            }
            changed.await;
        }
    }
}

/// Makes names made or removed in a folder last through a power cut.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
