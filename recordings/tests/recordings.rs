//! Recordings from the first frame to the confirmed file: what is in it, what a full disk costs, how long ones are cut.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use media::{RecordRate, RecordSink};
use recordings::{Finished, Gap, Outcome, RecordingFile, RecordingSpec, Recordings, RecordingsOptions, repair};

/// The left channel counts frames, the right one counts them backwards: any frame tells where it belongs.
fn frames(range: std::ops::Range<u64>) -> Vec<i16> {
    range.flat_map(|n| [left(n), !left(n)]).collect()
}

fn left(n: u64) -> i16 {
    (n % 30_000) as i16 + 1
}

fn spec(id: &str) -> RecordingSpec {
    let (tenant, id) = ("default".to_owned(), id.to_owned());
    RecordingSpec { tenant, id, started_at_ms: 1_709_164_800_000, rate: RecordRate::Narrow }
}

fn start(root: &Path) -> (Recordings, mpsc::Receiver<Finished>) {
    start_with(RecordingsOptions::new(root))
}

fn start_with(options: RecordingsOptions) -> (Recordings, mpsc::Receiver<Finished>) {
    let (send, receive) = mpsc::channel();
    (Recordings::start(options, move |finished| send.send(finished).unwrap()).unwrap(), receive)
}

fn next(finished: &mpsc::Receiver<Finished>) -> Finished {
    finished.recv_timeout(Duration::from_secs(20)).unwrap()
}

fn ready(finished: &Finished) -> &RecordingFile {
    let Outcome::Ready(file) = &finished.outcome else { panic!("{finished:?}") };
    file
}

/// Read by another's code.
fn samples(root: &Path, file: &RecordingFile) -> Vec<i16> {
    let mut reader = hound::WavReader::open(root.join(&file.path)).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.bits_per_sample, spec.sample_rate), (2, 16, file.rate_hz));
    reader.samples().map(Result::unwrap).collect()
}

fn markers(root: &Path) -> usize {
    fs::read_dir(root.join("default/open")).unwrap().count()
}

/// Proves REC-09.
#[test]
fn what_is_recorded_is_in_the_file_left_and_right() {
    let root = tempfile::tempdir().unwrap();
    let (recordings, finished) = start(root.path());
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    // 12,345 frames in uneven pieces.
    for piece in (0..12_345).step_by(799) {
        recorder.frames(&frames(piece..(piece + 799).min(12_345)));
    }
    drop(recorder);
    let done = next(&finished);
    let file = ready(&done);
    assert_eq!((done.tenant.as_str(), done.id.as_str(), done.part), ("default", "A1", 1));
    assert_eq!(file.path, "default/2024/02/29/A1.wav");
    assert_eq!((file.frames, file.duration_ms, file.bytes), (12_345, 1_543, 44 + 4 * 12_345));
    assert_eq!((file.partial.as_ref(), file.gaps.len(), file.lost_ms), (None, 0, 0));
    assert_eq!(samples(root.path(), file), frames(0..12_345));
    let sum = std::process::Command::new("sha256sum").arg(root.path().join(&file.path)).output().unwrap();
    assert_eq!(String::from_utf8(sum.stdout).unwrap()[..64], file.sha256);
    assert_eq!(std::fs::metadata(root.path().join(&file.path)).unwrap().len(), file.bytes);
    assert_eq!(markers(root.path()), 1);
    recordings.confirm(&done);
    drop(recordings);
    assert_eq!(markers(root.path()), 0);
    assert!(repair(root.path()).unwrap().is_empty());
}

#[test]
fn a_running_recording_is_playable() {
    let root = tempfile::tempdir().unwrap();
    let (recordings, finished) = start(root.path());
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    recorder.frames(&frames(0..4_000));
    while recordings.waiting_chunks() > 0 {
        std::thread::yield_now();
    }
    let reader = hound::WavReader::open(root.path().join("default/2024/02/29/A1.wav")).unwrap();
    assert_eq!(reader.duration(), 4_000, "half a second is in the file before the next one begins");
    drop(recorder);
    next(&finished);
}

#[test]
fn recordings_end_with_their_writer() {
    let root = tempfile::tempdir().unwrap();
    let (recordings, finished) = start(root.path());
    let mut recorders: Vec<_> = ["A", "B", "C"].map(|id| recordings.begin(&spec(id)).unwrap()).into();
    recorders.iter_mut().for_each(|recorder| recorder.frames(&frames(0..4_000)));
    drop(recordings);
    let ids: Vec<_> = finished.try_iter().map(|done| (ready(&done).frames, done.id)).collect();
    assert_eq!(ids, [(4_000, "A".to_owned()), (4_000, "B".to_owned()), (4_000, "C".to_owned())]);
    recorders.iter_mut().for_each(|recorder| recorder.frames(&frames(0..8_000)));
}

#[test]
fn a_recording_longer_than_a_file_goes_on_in_another() {
    let root = tempfile::tempdir().unwrap();
    let options = RecordingsOptions { audio_bytes_max: 10_000 * 4, ..RecordingsOptions::new(root.path()) };
    let (recordings, finished) = start_with(options);
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    for piece in 0..25 {
        recorder.frames(&frames(piece * 1_000..(piece + 1) * 1_000));
    }
    drop(recorder);
    let parts = [next(&finished), next(&finished), next(&finished)];
    let all: Vec<_> = parts.iter().flat_map(|part| samples(root.path(), ready(part))).collect();
    assert_eq!(all, frames(0..25_000));
    assert_eq!(parts.each_ref().map(|part| part.part), [1, 2, 3]);
    assert!(ready(&parts[1]).path.ends_with("A1-2.wav"));
    parts.iter().for_each(|part| recordings.confirm(part));
    drop(recordings);
    assert_eq!(markers(root.path()), 0);
}

#[test]
fn a_path_of_a_foreign_name_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (recordings, _finished) = start(root.path());
    assert!(recordings.begin(&spec("../../etc/passwd")).is_err());
}

#[test]
fn a_file_that_cannot_be_made_at_first_begins_with_silence_once_it_can() {
    let root = tempfile::tempdir().unwrap();
    let (recordings, finished) = start(root.path());
    // A file where a folder must be: as good as a full disk, for root too.
    fs::create_dir_all(root.path().join("default")).unwrap();
    fs::write(root.path().join("default/open"), "in the way").unwrap();
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    recorder.frames(&frames(0..4_000));
    while recordings.waiting_chunks() > 0 {
        std::thread::yield_now();
    }
    fs::remove_file(root.path().join("default/open")).unwrap();
    recorder.frames(&frames(4_000..8_000));
    drop(recorder);
    let done = next(&finished);
    let file = ready(&done);
    assert_eq!(file.gaps, [Gap { at_ms: 0, lost_ms: 500 }]);
    assert_eq!(file.lost_ms, 500);
    assert!(file.partial.is_some(), "{file:?}");
    assert_eq!(samples(root.path(), file), [vec![0; 8_000], frames(4_000..8_000)].concat());
}

#[test]
fn a_recording_of_which_nothing_was_kept_has_failed_and_says_why() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("default")).unwrap();
    fs::write(root.path().join("default/open"), "in the way").unwrap();
    let (recordings, finished) = start(root.path());
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    recorder.frames(&frames(0..9_000));
    drop(recorder);
    let done = next(&finished);
    let Outcome::Failed { reason } = &done.outcome else { panic!("{done:?}") };
    assert!(reason.contains("exists") || reason.contains("directory"), "{reason}");
    recordings.confirm(&done);
}

/// A real full disk: a file system of 256 kB.
#[test]
fn a_full_disk_leaves_silence_and_the_recording_says_so() {
    let root = tempfile::tempdir().unwrap();
    let disk = root.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = |args: &[&str]| std::process::Command::new("mount").args(args).arg(&disk).status();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).is_ok_and(|status| status.success());
    if !mounted {
        // Only root may mount: the same path is proved by the fail points in `crash.rs`.
        return;
    }
    let (recordings, finished) = start(&disk);
    let mut recorder = recordings.begin(&spec("A1")).unwrap();
    let filler = disk.join("filler");
    let hand_over = |recorder: &mut recordings::Recorder, range| {
        recorder.frames(&frames(range));
        while recordings.waiting_chunks() > 0 {
            std::thread::yield_now();
        }
    };
    hand_over(&mut recorder, 0..4_000);
    let _full = fs::write(&filler, vec![1; 1 << 20]).unwrap_err();
    hand_over(&mut recorder, 4_000..8_000);
    hand_over(&mut recorder, 8_000..12_000);
    fs::remove_file(&filler).unwrap();
    hand_over(&mut recorder, 12_000..16_000);
    drop(recorder);
    let done = next(&finished);
    let file = ready(&done).clone();
    let read = samples(&disk, &file);
    drop(recordings);
    assert!(std::process::Command::new("umount").arg(&disk).status().unwrap().success());
    assert!(file.partial.as_ref().is_some_and(|reason| reason.contains("No space")), "{file:?}");
    assert_eq!((file.frames, file.lost_ms), (16_000, 1_000));
    assert_eq!(file.gaps, [Gap { at_ms: 500, lost_ms: 1_000 }]);
    assert_eq!(read[..8_000], frames(0..4_000));
    assert_eq!(read[24_000..], frames(12_000..16_000), "what follows stands at its own time");
}
