//! Checkpoints of running calls over restarts: what the last process left is found, whatever the segments and torn tails.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use engine::journal::JournalOptions;
use engine::journal::checkpoints::{CheckpointJournal, Left};
use hooks::id::{CallId, TenantId};
use switch::checkpoint::{CallCheckpoint, Checkpointed};

/// As the switch says it of a call between two phones; also what an older version of this one wrote.
const CALL: &str = include_str!("data/checkpoint.json");
const CALL_ID: &str = "01M8149T00SN8KD6F5HD8M95JR";

fn id(n: u128) -> CallId {
    CallId::new(1_795_334_400_000, n)
}

/// The call number `n` in its `state`-th state.
fn kept(n: u128, state: u32) -> Checkpointed {
    let text =
        CALL.replace(CALL_ID, &id(n).to_string()).replace("\"local_cseq\":1", &format!("\"local_cseq\":{state}"));
    let checkpoint: CallCheckpoint = serde_json::from_str(&text).unwrap();
    Checkpointed::Kept(Arc::new(checkpoint))
}

fn gone(n: u128) -> Checkpointed {
    Checkpointed::Gone(TenantId::first(), id(n))
}

fn open(folder: &Path) -> (CheckpointJournal, Left) {
    open_cut_at(folder, CheckpointJournal::options(folder, TenantId::first()).segment_bytes)
}

fn open_cut_at(folder: &Path, segment_bytes: u64) -> (CheckpointJournal, Left) {
    let options = CheckpointJournal::options(folder, TenantId::first());
    CheckpointJournal::open(&JournalOptions { segment_bytes, ..options }).unwrap()
}

fn segments(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder.join("default")).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
    segments.sort();
    segments
}

fn is_left(left: &Left, wanted: &[Checkpointed]) -> bool {
    let wanted = wanted.iter().map(|said| match said {
        Checkpointed::Kept(checkpoint) => checkpoint.as_ref().clone(),
        Checkpointed::Gone(..) => unreachable!("only calls are left"),
    });
    left.calls == wanted.collect::<Vec<_>>()
}

#[test]
fn the_last_state_of_each_call_that_is_not_over_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, left) = open(folder.path());
    assert!(left.calls.is_empty() && left.alive_at_ms == 0);
    journal.append(&[kept(1, 1), kept(2, 1), kept(3, 1)]).unwrap();
    journal.append(&[gone(2), kept(1, 5), gone(9)]).unwrap();
    journal.alive(1_000).unwrap();
    journal.append(&[kept(3, 7)]).unwrap();
    journal.alive(2_000).unwrap();
    drop(journal);
    let (journal, left) = open(folder.path());
    assert!(is_left(&left, &[kept(1, 5), kept(3, 7)]), "{:?}", left.calls);
    assert_eq!(left.alive_at_ms, 2_000);
    assert!(journal.is_empty(), "its successor says anew what it keeps");
    drop(journal);
    let (_, left) = open(folder.path());
    assert!(left.calls.is_empty(), "a call is tried once");
}

#[test]
fn segments_begin_with_what_is_left_and_old_ones_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open_cut_at(folder.path(), 10_000);
    journal.append(&[kept(1, 1)]).unwrap();
    journal.alive(77).unwrap();
    for n in 2..40 {
        journal.append(&[kept(n, 1)]).unwrap();
        journal.append(&[gone(n)]).unwrap();
        assert!(segments(folder.path()).len() == 1, "{:?}", segments(folder.path()));
    }
    assert!(fs::metadata(&segments(folder.path())[0]).unwrap().len() < 20_000);
    assert_eq!(journal.len(), 1);
    drop(journal);
    let (_, left) = open(folder.path());
    assert!(is_left(&left, &[kept(1, 1)]) && left.alive_at_ms == 77, "{left:?}");
}

#[test]
fn nothing_is_noted_while_nobody_talks() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    let before = fs::metadata(&segments(folder.path())[0]).unwrap().len();
    journal.alive(1_000).unwrap();
    journal.append(&[gone(1)]).unwrap();
    assert_eq!(fs::metadata(&segments(folder.path())[0]).unwrap().len(), before);
}

#[test]
fn a_torn_or_damaged_tail_costs_its_last_record_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[kept(1, 1)]).unwrap();
    journal.append(&[kept(2, 1)]).unwrap();
    drop(journal);
    let segment = segments(folder.path()).pop().unwrap();
    let length = fs::metadata(&segment).unwrap().len();
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(length - 5).unwrap();
    let (_, left) = open(folder.path());
    assert!(is_left(&left, &[kept(1, 1)]), "{:?}", left.calls);
}

#[test]
fn what_another_version_wrote_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let options = CheckpointJournal::options(folder.path(), TenantId::first());
    let mut foreign = engine::journal::Journal::open(&options, &mut engine::journal::fold::NoFold).unwrap();
    let records = ["?", "+", "@", &format!("+{}{{}}", id(1)), &format!("+{}{CALL}", id(2)), &format!("-{}", id(3))];
    foreign.append(&records.map(str::as_bytes), |_| {}).unwrap();
    drop(foreign);
    let (_, left) = open(folder.path());
    assert_eq!(left.calls.len(), 1, "the one that can be read");
}

#[test]
fn a_call_too_large_to_be_kept_is_not_left_in_an_older_state() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path());
    journal.append(&[kept(1, 1)]).unwrap();
    let text = CALL.replace(CALL_ID, &id(1).to_string()).replace("Alice", &"A".repeat(70_000));
    journal.append(&[Checkpointed::Kept(Arc::new(serde_json::from_str(&text).unwrap()))]).unwrap();
    assert!(journal.is_empty());
    drop(journal);
    assert!(open(folder.path()).1.calls.is_empty());
}
