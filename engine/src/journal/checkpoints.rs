//! The second stream: of each call in which two parties talk, what a process needs that takes the place of this one.
//!
//! Segment files as the facts have, in a folder of their own. A record says that a call is so now, that it is no more, or that
//! the process lives; only the last one of a call matters, so each segment begins with those that are left, and the ones
//! before it are deleted. Nothing is flushed: it must survive the process, not the machine, which takes longer to come back
//! than any phone waits.

use std::collections::BTreeMap;

use hooks::id::{CallId, TenantId};
use hooks::position::Position;
use switch::checkpoint::{CallCheckpoint, Checkpointed};

use super::fold::{Fold, FoldError};
use super::{AppendError, Journal, JournalOptions, OpenError, Survives};

/// The one writer of a tenant's checkpoints.
#[derive(Debug)]
pub struct CheckpointJournal {
    journal: Journal,
    kept: Kept,
    records: Vec<Vec<u8>>,
}

/// What the last process left.
#[derive(Debug, Default)]
pub struct Left {
    /// Its calls in which two parties talked.
    pub calls: Vec<CallCheckpoint>,
    /// When it is known to have lived last, ms since the Unix epoch; 0 if nothing tells.
    pub alive_at_ms: u64,
}

/// The last record of each call, as it stands on disk.
#[derive(Debug, Default)]
struct Kept {
    calls: BTreeMap<CallId, Vec<u8>>,
    alive_at_ms: u64,
}

impl CheckpointJournal {
    /// How its journal lies and is cut: long segments, since each begins with all that is left.
    #[must_use]
    pub fn options(folder: &std::path::Path, tenant: TenantId) -> JournalOptions {
        let options = JournalOptions::new(folder, tenant);
        JournalOptions { segment_bytes: SEGMENT_BYTES, survives: Survives::Process, ..options }
    }

    /// Opens a tenant's checkpoints and takes out what the last process left: its successor says anew what it keeps. So a call
    /// that makes the process die is tried once, not for ever.
    ///
    /// # Errors
    /// See [`OpenError`]. What cannot be understood (another version wrote it) is left out, with a line in the log.
    pub fn open(options: &JournalOptions) -> Result<(Self, Left), OpenError> {
        let mut left = Leaving(Kept::default());
        let journal = Journal::open(options, &mut left)?;
        let Kept { calls, alive_at_ms } = left.0;
        let calls = calls.values().filter_map(|record| read(record)).collect();
        let this = Self { journal, kept: Kept::default(), records: Vec::new() };
        this.delete_old();
        Ok((this, Left { calls, alive_at_ms }))
    }

    /// Appends what became of checkpoints in one step, with one `write()`.
    ///
    /// # Errors
    /// See [`AppendError`]. The calls go on; those concerned cannot be picked up again.
    pub fn append(&mut self, said: &[Checkpointed]) -> Result<(), AppendError> {
        self.records.clear();
        for said in said {
            self.records.extend(self.kept.record(said));
        }
        self.write()
    }

    /// Notes that the process lives. Writes nothing while no call is kept: nobody would ask.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub fn alive(&mut self, now_ms: u64) -> Result<(), AppendError> {
        if self.kept.calls.is_empty() {
            return Ok(());
        }
        self.records.clear();
        self.records.push([&[ALIVE], now_ms.to_le_bytes().as_slice()].concat());
        self.write()
    }

    /// Calls that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.calls.len()
    }

    /// True if no call is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.calls.is_empty()
    }

    fn write(&mut self) -> Result<(), AppendError> {
        if self.records.is_empty() {
            return Ok(());
        }
        let mut rotated = false;
        let kept = &self.kept;
        let written = self.journal.append(&self.records, |out| {
            rotated = true;
            kept.save(out);
        });
        // What the disk refused is known all the same: it stands at the head of the next segment.
        self.records.drain(..).for_each(|record| self.kept.take(record));
        if rotated {
            self.delete_old();
        }
        written.map(drop)
    }

    /// The segments before the one being written say nothing that it does not.
    fn delete_old(&self) {
        if let Err(error) = self.journal.handle().delete_old(u64::MAX, &self.journal.head()) {
            tracing::warn!(%error, "an old segment of checkpoints cannot be deleted");
        }
    }
}

impl Kept {
    /// The record that says it; `None` where it would be one too many.
    fn record(&self, said: &Checkpointed) -> Option<Vec<u8>> {
        match said {
            Checkpointed::Gone(_, call) => self.calls.contains_key(call).then(|| head(GONE, *call)),
            Checkpointed::Kept(checkpoint) => {
                if self.calls.len() >= CALLS_MAX && !self.calls.contains_key(&checkpoint.call) {
                    tracing::warn!(call = %checkpoint.call, "too many calls to keep: this one would not outlive the process");
                    return None;
                }
                let mut record = head(KEPT, checkpoint.call);
                serde_json::to_writer(&mut record, checkpoint.as_ref()).expect("a checkpoint has no maps");
                if record.len() > RECORD_BYTES_MAX {
                    tracing::warn!(call = %checkpoint.call, "a call is too large to be kept: it would not outlive the process");
                    // The one before is out of date.
                    record = head(GONE, checkpoint.call);
                }
                Some(record)
            }
        }
    }

    /// Takes in the next record. One that is none of ours is passed over.
    fn take(&mut self, record: Vec<u8>) {
        match (record.first(), call_of(&record)) {
            (Some(&KEPT), Some(call)) => _ = self.calls.insert(call, record),
            (Some(&GONE), Some(call)) => _ = self.calls.remove(&call),
            (Some(&ALIVE), _) => {
                if let Some(bytes) = record.get(1..9).and_then(|bytes| bytes.first_chunk::<8>()) {
                    self.alive_at_ms = self.alive_at_ms.max(u64::from_le_bytes(*bytes));
                }
            }
            (Some(_) | None, _) => tracing::warn!("passed over a checkpoint record that this version does not know"),
        }
    }

    /// One record after the other, each after its length.
    fn save(&self, out: &mut Vec<u8>) {
        let alive = [&[ALIVE], self.alive_at_ms.to_le_bytes().as_slice()].concat();
        for record in [&alive].into_iter().chain(self.calls.values()) {
            let length = u32::try_from(record.len()).expect("a record is at most RECORD_BYTES_MAX bytes");
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(record);
        }
    }

    fn load(&mut self, mut carry: &[u8]) {
        while let Some((length, rest)) = carry.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let Some((record, rest)) = rest.split_at_checked(length) else { return };
            self.take(record.to_vec());
            carry = rest;
        }
    }
}

/// Reads what is left, and leaves nothing for the next segment.
struct Leaving(Kept);

impl Fold for Leaving {
    fn load(&mut self, carry: &[u8]) -> Result<(), FoldError> {
        self.0.load(carry);
        Ok(())
    }

    fn apply(&mut self, _position: &Position, payload: &[u8]) -> Result<(), FoldError> {
        self.0.take(payload.to_vec());
        Ok(())
    }

    fn save(&self, _out: &mut Vec<u8>) {}
}

fn head(kind: u8, call: CallId) -> Vec<u8> {
    let mut record = vec![kind];
    record.extend_from_slice(call.to_string().as_bytes());
    record
}

fn call_of(record: &[u8]) -> Option<CallId> {
    std::str::from_utf8(record.get(1..HEAD_BYTES)?).ok()?.parse().ok()
}

fn read(record: &[u8]) -> Option<CallCheckpoint> {
    match serde_json::from_slice(record.get(HEAD_BYTES..)?) {
        Ok(checkpoint) => Some(checkpoint),
        Err(error) => {
            tracing::warn!(%error, "a checkpoint cannot be read: its call does not go on");
            None
        }
    }
}

/// What a record says, its first byte. After KEPT and GONE comes the call, then what is kept as JSON; after ALIVE the time.
const KEPT: u8 = b'+';
const GONE: u8 = b'-';
const ALIVE: u8 = b'@';
/// The kind, and a ULID as text.
const HEAD_BYTES: usize = 27;

/// Far above any call: two session descriptions, two route sets.
const RECORD_BYTES_MAX: usize = 64 << 10;

/// Calls kept at once, of one tenant: some 3 kB each. Beyond it a call does not outlive the process.
const CALLS_MAX: usize = 10_000;

/// Some twenty thousand checkpoints; what is left is copied as often as this is full.
const SEGMENT_BYTES: u64 = 64 << 20;
