//! A process that appends is stopped at every kind of moment; what it had been told was written is there afterwards.
//!
//! The child is this test binary itself, run again with [`FOLDER`] set. It appends numbered records and, after each append
//! returned, writes the number into a file of its own, as a caller who saw the effect would: the log to compare with.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::journal::{Fold, FoldError, Journal, JournalOptions};
use hooks::id::TenantId;
use hooks::position::Position;

const FOLDER: &str = "JOURNAL_CRASH_FOLDER";

/// Small, so that a short run rotates often.
const SEGMENT_BYTES: u64 = 600;

/// How many records there are, and that none is missing between.
#[derive(Default)]
struct Count(u64);

impl Fold for Count {
    fn load(&mut self, carry: &[u8]) -> Result<(), FoldError> {
        self.0 = carry.try_into().map_or(0, u64::from_le_bytes);
        Ok(())
    }

    fn apply(&mut self, position: &Position, payload: &[u8]) -> Result<(), FoldError> {
        self.0 += 1;
        assert_eq!((position.number, payload), (self.0, record(self.0).as_slice()));
        Ok(())
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }
}

fn record(number: u64) -> Vec<u8> {
    format!("record {number} ").repeat(1 + usize::try_from(number).unwrap() % 5).into_bytes()
}

fn open(folder: &Path) -> (Journal, Count) {
    let mut count = Count::default();
    let options = JournalOptions { segment_bytes: SEGMENT_BYTES, ..JournalOptions::new(folder, TenantId::first()) };
    let journal = Journal::open(&options, &mut count).unwrap();
    (journal, count)
}

/// Not a test by itself: appends until it is stopped.
#[test]
fn child_that_appends_until_it_is_stopped() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let (mut journal, mut count) = open(folder);
    let handle = journal.handle();
    let mut seen = File::options().append(true).create(true).open(folder.join("seen")).unwrap();
    loop {
        let batch: Vec<_> = (count.0 + 1..=count.0 + 1 + count.0 % 3).map(record).collect();
        journal.append(&batch, |out| count.save(out)).unwrap();
        count.0 += batch.len() as u64;
        seen.write_all(format!("{}\n", count.0).as_bytes()).unwrap();
        // No faster than the disk: else thousands of these tiny segments wait for a flush.
        _ = handle.durable_past_blocking(count.0.saturating_sub(50), Duration::from_secs(10));
    }
}

fn start_child(folder: &Path, fail_points: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_appends_until_it_is_stopped", "--nocapture"])
        .env(FOLDER, folder)
        .env("SWITCHBOARD_FAILPOINTS", fail_points)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// In memory where the machine has that: a killed process leaves the same there, and sooner.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn last_seen(folder: &Path) -> u64 {
    let seen = fs::read_to_string(folder.join("seen")).unwrap_or_default();
    seen.lines().last().map_or(0, |line| line.parse().unwrap())
}

/// Compares the journal with what its user saw; gives how many records there are.
fn check(folder: &Path, when: &str) -> u64 {
    let (journal, count) = open(folder);
    let seen = last_seen(folder);
    assert!(count.0 >= seen, "{when}: {} records, but {seen} were seen", count.0);
    assert!(count.0 <= seen + 3, "{when}: at most one batch was on its way: {} of {seen}", count.0);
    let mut reader = journal.handle().reader_of_all().unwrap();
    let mut read = 0;
    while let Some(entry) = reader.next_entry().unwrap() {
        read += 1;
        assert_eq!((entry.position.number, entry.payload), (read, record(read)), "{when}");
    }
    assert_eq!(read, count.0, "{when}");
    read
}

#[test]
fn a_process_stopped_at_any_fail_point_loses_no_record_it_was_told_of() {
    let folder = folder();
    let points = [
        "journal.append.before_write",
        "journal.append.mid_write",
        "journal.append.after_write",
        "journal.flush.before",
        "journal.flush.after",
        "journal.rotate.before",
        "journal.rotate.created",
        "journal.rotate.after",
        "journal.open.created",
    ];
    let mut before = 0;
    for point in points {
        for pass in [1, 2, 5] {
            let pass = if point == "journal.open.created" { 1 } else { pass };
            let when = format!("{point}=abort:{pass}");
            let status = start_child(folder.path(), &when).wait().unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{when} was not reached");
            let after = check(folder.path(), &when);
            assert!(after >= before, "{when}");
            before = after;
        }
    }
    assert!(before > 20, "the children wrote something: {before}");
}

#[test]
fn a_process_stopped_while_a_torn_tail_is_cut_starts_the_next_time() {
    let folder = folder();
    for when in ["journal.append.mid_write=abort:4", "journal.open.before_cut=abort:1"] {
        assert!(!start_child(folder.path(), when).wait().unwrap().success());
    }
    assert!(check(folder.path(), "after the second start") > 0);
}

#[test]
fn a_killed_process_loses_no_record_it_was_told_of() {
    let folder = folder();
    let mut before = 0;
    for round in 0..8_u64 {
        let mut child = start_child(folder.path(), "");
        let deadline = Instant::now() + Duration::from_secs(30);
        // Some way in, at another number each time: the moment within an append is chance.
        while last_seen(folder.path()) < before + 20 + round * 13 {
            assert!(Instant::now() < deadline, "the child writes nothing");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before = check(folder.path(), &format!("kill {round}"));
    }
}
