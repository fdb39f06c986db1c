//! A recording process is stopped at every kind of moment; afterwards every file plays to the last half second that was
//! written, is what was said, and is told of once it is repaired.
//!
//! The child is this test binary itself, run again with [`ROOT`] set. It records two voices that count frames, and writes down
//! how many frames of each recording are in the file, as a listener would find: the log to compare with.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use media::{RecordRate, RecordSink};
use recordings::{Finished, Outcome, RecordingSpec, Recordings, RecordingsOptions, repair};

const ROOT: &str = "RECORDINGS_CRASH_ROOT";

/// How many recordings run at a time.
const AT_ONCE: u64 = 3;

fn frames(range: std::ops::Range<u64>) -> Vec<i16> {
    range.flat_map(|n| [sample(n), !sample(n)]).collect()
}

fn sample(n: u64) -> i16 {
    (n % 30_000) as i16 + 1
}

/// Not a test by itself: records until it is stopped, each recording 20 chunks long.
#[test]
fn child_that_records_until_it_is_stopped() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let root = Path::new(&root);
    let mut seen = File::options().append(true).create(true).open(root.join("seen")).unwrap();
    let mut told = File::options().append(true).create(true).open(root.join("told")).unwrap();
    let handle: Arc<OnceLock<Recordings>> = Arc::default();
    let confirming = Arc::clone(&handle);
    let recordings = Recordings::start(RecordingsOptions::new(root), move |finished: Finished| {
        told.write_all(format!("{}\n", finished.id).as_bytes()).unwrap();
        confirming.wait().confirm(&finished);
    });
    let recordings = handle.get_or_init(|| recordings.unwrap());
    let first = std::process::id();
    for round in 0_u64.. {
        let ids: Vec<_> = (0..AT_ONCE).map(|n| format!("P{first}R{round}N{n}")).collect();
        let mut recorders: Vec<_> = ids.iter().map(|id| recordings.begin(&spec(id)).unwrap()).collect();
        for chunk in 0..20 {
            for recorder in &mut recorders {
                recorder.frames(&frames(chunk * 4_000..(chunk + 1) * 4_000));
            }
            while recordings.waiting_chunks() > 0 {
                std::thread::yield_now();
            }
            for id in &ids {
                seen.write_all(format!("{id} {}\n", (chunk + 1) * 4_000).as_bytes()).unwrap();
            }
        }
    }
}

fn spec(id: &str) -> RecordingSpec {
    let (tenant, id) = ("default".to_owned(), id.to_owned());
    RecordingSpec { tenant, id, started_at_ms: 1_709_164_800_000, rate: RecordRate::Narrow }
}

fn start_child(root: &Path, fail_points: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_records_until_it_is_stopped", "--nocapture"])
        .env(ROOT, root)
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

/// The frames that the child saw in each file, and the lines it wrote.
fn seen(root: &Path) -> (BTreeMap<String, u64>, usize) {
    let text = fs::read_to_string(root.join("seen")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let most = lines.map(|(id, frames)| (id.to_owned(), frames.parse().unwrap())).collect();
    (most, text.lines().count())
}

/// Repairs, and compares what is there with what the child saw.
fn check(root: &Path, when: &str) {
    let repaired = repair(root).unwrap();
    let told = fs::read_to_string(root.join("told")).unwrap_or_default();
    for (id, frames_seen) in seen(root).0 {
        let path = root.join(format!("default/2024/02/29/{id}.wav"));
        let mut reader = hound::WavReader::open(&path).unwrap();
        let read: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        let length = read.len() as u64 / 2;
        assert!(length >= frames_seen, "{when}: {id} has {length} frames, {frames_seen} were seen");
        assert!(read == frames(0..length), "{when}: {id} holds what was said");
        assert_eq!(fs::metadata(&path).unwrap().len(), 44 + 4 * length, "{when}: {id}");
        let is_told = told.lines().any(|line| line == id) || repaired.iter().any(|finished| finished.id == id);
        assert!(is_told, "{when}: {id} is forgotten");
    }
    for finished in &repaired {
        if let Outcome::Ready(file) = &finished.outcome {
            assert!(file.partial.is_some() || file.frames == 80_000, "{when}: a cut recording says so");
            assert_eq!(fs::metadata(root.join(&file.path)).unwrap().len(), file.bytes, "{when}");
        }
    }
    let again = repair(root).unwrap();
    let facts = |all: &[Finished]| all.iter().map(|one| (one.id.clone(), one.outcome.clone())).collect::<Vec<_>>();
    assert_eq!(facts(&again), facts(&repaired), "{when}: repairing again changes nothing");
    // As an engine that starts: all are written down, then confirmed.
    let recordings = Recordings::start(RecordingsOptions::new(root), |_| {}).unwrap();
    repaired.iter().for_each(|finished| recordings.confirm(finished));
    drop(recordings);
    assert!(repair(root).unwrap().is_empty(), "{when}: all are confirmed");
}

#[test]
fn a_process_stopped_at_any_fail_point_leaves_recordings_that_play_to_what_was_written() {
    let points = [
        "recording.marked",
        "recording.made",
        "recording.written",
        "recording.counted",
        "recording.finish.before",
        "recording.finish.hashed",
        "recording.finish.after",
        "recording.confirm",
    ];
    for point in points {
        for pass in [1, 2, 5] {
            let when = format!("{point}=abort:{pass}");
            let folder = folder();
            let status = start_child(folder.path(), &when).wait().unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{when} was not reached");
            check(folder.path(), &when);
        }
    }
}

#[test]
fn a_killed_process_leaves_recordings_that_play_to_what_was_written() {
    for round in 0..6 {
        let folder = folder();
        let mut child = start_child(folder.path(), "");
        let deadline = Instant::now() + Duration::from_secs(30);
        // Some way in, further each time: the moment within a write is chance.
        while seen(folder.path()).1 < 10 + round * 37 {
            assert!(Instant::now() < deadline, "the child records nothing");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        check(folder.path(), &format!("kill {round}"));
    }
}
