//! The folder of capture files: which are there, which may go, and what is in them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::packet::Captured;
use super::segment::{self, Open};
use super::{LADDER_MESSAGES_MAX, scan};

/// A file is closed after so long, and the next one begun: what is kept for days may go in pieces of this size.
pub(super) const SEGMENT_TIME: Duration = Duration::from_secs(600);
/// Or when it is as large as this.
pub(super) const SEGMENT_BYTES: u64 = 64 << 20;

/// A message may be captured so long before its call exists, or after its leg ended (retransmissions, the last 200).
const SLACK_MS: u64 = 40_000;

/// What was captured; read by the API, written by the capture's thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Captures {
    folder: Arc<Path>,
    open: Arc<Mutex<Option<Open>>>,
}

impl Captures {
    /// Of a folder, which is made when it is needed.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder: folder.into(), open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        // Valid between any two statements.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages of some dialogs within a time, in their order; a few more than [`LADDER_MESSAGES_MAX`] at most. Blocks:
    /// reads files.
    ///
    /// # Errors
    /// What the system says about a file that is there and cannot be read.
    pub fn of_dialogs(&self, call_ids: &[&str], from_ms: u64, to_ms: u64) -> io::Result<Vec<Captured>> {
        let (from_ms, to_ms) = (from_ms.saturating_sub(SLACK_MS), to_ms.saturating_add(SLACK_MS));
        let hashes: Vec<u64> = call_ids.iter().map(|call_id| segment::hash(call_id.as_bytes())).collect();
        let segments = self.segments()?;
        let fits = |captured: &Captured| {
            let in_time = (from_ms..=to_ms).contains(&(captured.at_us / 1_000));
            let call_id = scan::head(&captured.message).map(|head| head.call_id);
            in_time && call_ids.iter().any(|wanted| call_id == Some(wanted.as_bytes()))
        };
        let mut found = Vec::new();
        for (index, (began_ms, path)) in segments.iter().enumerate() {
            let ended_ms = segments.get(index + 1).map_or(u64::MAX, |next| next.0);
            if *began_ms > to_ms || ended_ms < from_ms {
                continue;
            }
            match self.in_segment(path, &hashes) {
                Ok(messages) => found.extend(messages.into_iter().filter(&fits)),
                // It was deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            // The files are in the order of time: nothing beyond is shown.
            if found.len() > LADDER_MESSAGES_MAX {
                break;
            }
        }
        found.sort_by_key(|captured| captured.at_us);
        Ok(found)
    }

    fn in_segment(&self, path: &Path, hashes: &[u64]) -> io::Result<Vec<Captured>> {
        let open = self.open().as_ref().filter(|open| open.path() == path).map(|open| open.find(hashes));
        let mut places = match open {
            Some(places) => places,
            None => segment::find(path, hashes)?,
        };
        places.truncate(LADDER_MESSAGES_MAX + 1);
        segment::read(path, &places)
    }

    /// The files by the time they were begun, ms since the Unix epoch, oldest first.
    fn segments(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut segments = Vec::new();
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(segments),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let began = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let Some(began_ms) = began.filter(|_| path.extension().is_some_and(|extension| extension == "pcap")) {
                segments.push((began_ms, path));
            }
        }
        segments.sort();
        Ok(segments)
    }

    /// Makes the indexes that a crash has left out.
    pub(super) fn repair(&self) -> io::Result<()> {
        for (_, path) in self.segments()? {
            if !segment::index_path(&path).exists() {
                segment::rebuild_index(&path)?;
            }
        }
        Ok(())
    }

    /// Appends records; begins a file where none is open, and closes it when it is full or old.
    pub(super) fn append(&self, now_ms: u64, records: &[u8], entries: &[(u64, u32)]) -> io::Result<()> {
        let mut open = self.open();
        if open.is_none() {
            std::fs::create_dir_all(&self.folder)?;
            *open = Some(Open::create(self.folder.join(format!("{now_ms:013}.pcap")))?);
        }
        if let Some(open) = open.as_mut() {
            open.append(records, entries)?;
        }
        Ok(())
    }

    /// Closes the open file if it is full, older than a file may be, or `always`.
    pub(super) fn close_old(&self, now_ms: u64, always: bool) -> io::Result<()> {
        let mut open = self.open();
        let is_over = open.as_ref().is_some_and(|open| {
            let began_ms = open.path().file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let age_ms = now_ms.saturating_sub(began_ms.unwrap_or(0));
            always || open.bytes() >= SEGMENT_BYTES || u128::from(age_ms) >= SEGMENT_TIME.as_millis()
        });
        if is_over && let Some(closed) = open.take() {
            closed.close()?;
        }
        Ok(())
    }

    /// Deletes what was begun before `before_ms`, and the oldest until all is no larger than `bytes_max`; the open file stays.
    pub(super) fn delete_old(&self, before_ms: u64, bytes_max: u64) -> io::Result<usize> {
        let open = self.open().as_ref().map(|open| open.path().to_owned());
        let mut total = 0;
        let mut deleted = 0;
        for (index, (began_ms, path)) in self.segments()?.iter().rev().enumerate() {
            total += std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            let is_open = open.as_ref() == Some(path);
            if !is_open && (*began_ms < before_ms || (total > bytes_max && index > 0)) {
                std::fs::remove_file(path)?;
                // It may never have been made.
                let _ = std::fs::remove_file(segment::index_path(path));
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::encode;
    use super::super::segment::write_record;
    use super::*;

    fn put(captures: &Captures, at_ms: u64, call_id: &str) {
        put_hashed(captures, at_ms, call_id, call_id);
    }

    fn put_hashed(captures: &Captures, at_ms: u64, call_id: &str, hashed: &str) {
        let (from, to) = ("10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5060".parse().unwrap());
        let message = format!("INVITE sip:1@h SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\n\r\n").into_bytes();
        let (mut packet, mut records) = (Vec::new(), Vec::new());
        encode(&Captured { at_us: at_ms * 1_000, sent: false, from, to, message }, &mut packet);
        write_record(at_ms * 1_000, &packet, &mut records);
        captures.append(at_ms, &records, &[(segment::hash(hashed.as_bytes()), 0)]).unwrap();
    }

    fn times(captures: &Captures, call_ids: &[&str], from_ms: u64, to_ms: u64) -> Vec<u64> {
        let found = captures.of_dialogs(call_ids, from_ms, to_ms).unwrap();
        found.iter().map(|captured| captured.at_us / 1_000).collect()
    }

    #[test]
    fn messages_are_found_in_open_closed_and_torn_files() {
        let folder = tempfile::tempdir().unwrap();
        let captures = Captures::new(folder.path().join("ladders"));
        assert_eq!(times(&captures, &["a"], 0, 5_000_000), [0; 0]);
        put(&captures, 1_000_000, "a");
        put(&captures, 1_000_001, "b");
        captures.close_old(1_700_000, false).unwrap();
        put(&captures, 1_700_001, "a");
        assert_eq!(times(&captures, &["a"], 1_000_000, 1_700_001), [1_000_000, 1_700_001]);
        assert_eq!(times(&captures, &["a", "b"], 1_000_000, 1_000_001), [1_000_000, 1_000_001]);
        assert_eq!(times(&captures, &["c"], 1_000_000, 1_700_001), [0; 0]);
        // kill -9: no index, and the last record torn.
        drop(captures);
        let torn = folder.path().join("ladders").join("0000001700001.pcap");
        let length = std::fs::metadata(&torn).unwrap().len();
        let captures = Captures::new(folder.path().join("ladders"));
        assert!(captures.of_dialogs(&["a"], 1_000_000, 1_700_001).unwrap().len() < 2);
        std::fs::OpenOptions::new().append(true).open(&torn).unwrap().set_len(length + 9).unwrap();
        captures.repair().unwrap();
        assert_eq!(times(&captures, &["a"], 1_000_000, 1_700_001), [1_000_000, 1_700_001]);
    }

    #[test]
    fn a_call_id_that_only_hashes_alike_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let captures = Captures::new(folder.path().to_owned());
        put(&captures, 1_000_000, "a");
        put_hashed(&captures, 1_000_000, "other", "a");
        assert_eq!(captures.of_dialogs(&["a"], 1_000_000, 1_000_000).unwrap().len(), 1);
    }

    #[test]
    fn no_more_is_read_than_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let captures = Captures::new(folder.path().to_owned());
        for file in 0..3_u64 {
            for _ in 0..=LADDER_MESSAGES_MAX / 2 {
                put(&captures, 1_000_000 + file, "a");
            }
            captures.close_old(1_000_000 + file, true).unwrap();
        }
        // Two files hold more than are shown: the third is not opened.
        let found = times(&captures, &["a"], 1_000_000, 1_000_002);
        assert_eq!((found.len(), found.last()), (LADDER_MESSAGES_MAX + 2, Some(&1_000_001)));
    }

    #[test]
    fn old_files_go_and_the_open_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let captures = Captures::new(folder.path().to_owned());
        for minute in [0_u64, 10, 20, 30] {
            put(&captures, 1_000_000 + minute * 60_000, "a");
            captures.close_old(1_000_000 + minute * 60_000, minute < 30).unwrap();
        }
        assert_eq!(captures.delete_old(1_000_000, u64::MAX).unwrap(), 0);
        assert_eq!(captures.delete_old(1_000_000 + 60_000, u64::MAX).unwrap(), 1);
        assert_eq!(times(&captures, &["a"], 0, 9_000_000).len(), 3);
        assert_eq!(captures.delete_old(0, 150).unwrap(), 2);
        assert_eq!(times(&captures, &["a"], 0, 9_000_000), [1_000_000 + 1_800_000]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "indexes go with their files");
    }
}
