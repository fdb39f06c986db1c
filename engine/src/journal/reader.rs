//! Reading a journal in order, across segments, up to the last record written; any number of readers beside the one writer.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooks::position::Position;

use super::segment::{Header, Next, SegmentName, Window};
use super::shared::Shared;

/// Reads records in order. Never waits: see [`super::JournalHandle::written_past`].
pub struct Reader {
    shared: Arc<Shared>,
    segment: Open,
    /// The place of the last record given, or where reading was begun: epoch, number.
    at: (u64, u64),
}

/// A record and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// What was appended.
    pub payload: Vec<u8>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Records after the position were deleted by retention: begin anew from the oldest, or from a backup.
    #[error("the records after {after} are deleted, the oldest kept is {oldest}: begin from there")]
    Gone {
        /// Where reading should begin.
        after: Position,
        /// The oldest record there is.
        oldest: Position,
    },
    /// The journal ends before the position: it is not the journal in which the position was taken.
    #[error(
        "the log ends at {head}, before {after}: the position belongs to another log or to one newer than this backup"
    )]
    Ahead {
        /// Where reading should begin.
        after: Position,
        /// The last record there is.
        head: Position,
    },
    /// The position is one of another tenant.
    #[error("{after} is a position of another tenant")]
    OtherTenant {
        /// Where reading should begin.
        after: Position,
    },
    /// A segment is damaged in its middle; `switchboard` can salvage what is left of it.
    #[error("{path} is damaged at byte {offset}: restore it from a backup, or salvage what is left")]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// The system refuses the file.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which segment.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

struct Open {
    name: SegmentName,
    path: PathBuf,
    file: File,
    window: Window,
    salvaged: bool,
    /// The number of the next record.
    next: u64,
    followed_by: Option<SegmentName>,
    /// What the window holds may be given up to this number: beyond it the writer was still at work when it was filled.
    whole_to: u64,
}

impl Reader {
    pub(super) fn after(shared: Arc<Shared>, position: &Position) -> Result<Self, ReadError> {
        if position.tenant != shared.tenant {
            return Err(ReadError::OtherTenant { after: position.clone() });
        }
        let at = (position.epoch, position.number);
        let head = (shared.epoch, shared.written().get());
        if at > head {
            return Err(ReadError::Ahead { after: position.clone(), head: shared.position(head.0, head.1) });
        }
        let (name, oldest) = shared.segment_for(at.0, at.1);
        if at < (oldest.epoch, oldest.first) && at.1 + 1 < oldest.first {
            let oldest = shared.position(oldest.epoch, oldest.first);
            return Err(ReadError::Gone { after: position.clone(), oldest });
        }
        Ok(Self { segment: Open::new(&shared, name)?, shared, at })
    }

    pub(super) fn of_all(shared: Arc<Shared>) -> Result<Self, ReadError> {
        let (_, oldest) = shared.segment_for(0, 0);
        Ok(Self { segment: Open::new(&shared, oldest)?, shared, at: (0, 0) })
    }

    /// The place of the last record given, or where reading was begun.
    #[must_use]
    pub fn position(&self) -> Position {
        self.shared.position(self.at.0, self.at.1)
    }

    /// The next record; `None` where the last one written was given.
    ///
    /// # Errors
    /// [`ReadError::Damaged`], [`ReadError::Io`], or [`ReadError::Gone`] where what follows was deleted meanwhile; the reader stays where
    /// it is.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            let written = self.shared.written().get();
            if let Some((number, payload)) = self.segment.next_record(self.limit(written))? {
                if let Some(entry) = self.take(number, payload) {
                    return Ok(Some(entry));
                }
            } else if let Some(next) = self.segment.followed_by {
                self.go_on(next)?;
            } else {
                // Looked up before the last read of this segment: what the writer put here meanwhile is not passed over.
                self.segment.followed_by = self.shared.segment_after(self.segment.name);
                if self.segment.followed_by.is_none() {
                    return if self.segment.next <= written { Err(self.segment.damaged()) } else { Ok(None) };
                }
            }
        }
    }

    /// Opens the segment after this one. Where this one is deleted already, those that followed it may be, too: that is told, not passed
    /// over. Numbers that are missing behind a segment that is there were lost in a power cut.
    fn go_on(&mut self, next: SegmentName) -> Result<(), ReadError> {
        let lacks = next.first > self.segment.next && !self.segment.salvaged;
        if lacks && !self.shared.is_kept(self.segment.name) {
            let oldest = self.shared.position(next.epoch, next.first);
            return Err(ReadError::Gone { after: self.position(), oldest });
        }
        self.segment = Open::new(&self.shared, next)?;
        Ok(())
    }

    /// Up to which number the open segment may be read: an older epoch's whole, ours as far as it is written.
    fn limit(&self, written: u64) -> u64 {
        if self.segment.name.epoch < self.shared.epoch { u64::MAX } else { written }
    }

    /// `None` for a record at or before the place where reading was begun.
    fn take(&mut self, number: u64, payload: Vec<u8>) -> Option<Entry> {
        let at = (self.segment.name.epoch, number);
        if at <= self.at {
            return None;
        }
        self.at = at;
        Some(Entry { position: self.shared.position(at.0, at.1), payload })
    }
}

impl Open {
    fn new(shared: &Shared, name: SegmentName) -> Result<Self, ReadError> {
        let path = name.path(&shared.folder);
        let io = |source| ReadError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(io)?;
        let Some((header, sealed)) = Header::read(&file, name, shared.tenant.as_str()).map_err(io)? else {
            return Err(ReadError::Damaged { path, offset: 0 });
        };
        let window = Window::new(sealed);
        let (salvaged, next) = (header.salvaged, name.first);
        Ok(Self { name, path, file, window, salvaged, next, followed_by: None, whole_to: 0 })
    }

    /// The next record numbered `limit` or less; `None` at the end.
    fn next_record(&mut self, limit: u64) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        if self.next > limit {
            return Ok(None);
        }
        if self.next > self.whole_to || !self.window.holds_next() {
            self.window.forget();
            self.whole_to = limit;
        }
        match self.window.next(&self.file) {
            Ok(Next::End) => Ok(None),
            Ok(Next::Record(number, payload)) if number == self.next || (self.salvaged && number > self.next) => {
                self.next = number + 1;
                Ok(Some((number, payload.to_vec())))
            }
            Ok(Next::Record(..) | Next::Broken) => Err(self.damaged()),
            Err(source) => Err(ReadError::Io { path: self.path.clone(), source }),
        }
    }

    fn damaged(&self) -> ReadError {
        ReadError::Damaged { path: self.path.clone(), offset: self.window.offset() }
    }
}

pub(super) fn created_ms(shared: &Shared, name: SegmentName) -> io::Result<u64> {
    let path: &Path = &name.path(&shared.folder);
    let header = Header::read(&File::open(path)?, name, shared.tenant.as_str())?;
    // A damaged segment keeps the one before it.
    Ok(header.map_or(u64::MAX, |(header, _)| header.created_ms))
}
