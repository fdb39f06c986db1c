//! The journal as its users see it: order, restarts, torn tails, damage, full disks, retention.

#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::journal::{AppendError, Fold, FoldError, Journal, JournalOptions, OpenError, ReadError, Reader, salvage};
use hooks::id::TenantId;
use hooks::position::Position;
use proptest::prelude::*;
use recordings::failpoint::with_fail_points;
use tempfile::TempDir;

/// Remembers every payload it ever saw: an oracle for carry-over and recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct All(Vec<Vec<u8>>);

impl Fold for All {
    fn load(&mut self, carry: &[u8]) -> Result<(), FoldError> {
        self.0 = carry.split(|byte| *byte == b'\n').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect();
        Ok(())
    }

    fn apply(&mut self, _position: &Position, payload: &[u8]) -> Result<(), FoldError> {
        self.0.push(payload.to_vec());
        Ok(())
    }

    fn save(&self, out: &mut Vec<u8>) {
        *out = self.0.join(&b'\n');
    }
}

/// A journal beside what it should hold.
struct Model {
    folder: TempDir,
    segment_bytes: u64,
    journal: Option<Journal>,
    all: All,
}

impl Model {
    fn new(segment_bytes: u64) -> Self {
        let mut model = Self { folder: folder(), segment_bytes, journal: None, all: All::default() };
        model.reopen();
        model
    }

    fn options(&self) -> JournalOptions {
        let options = JournalOptions::new(self.folder.path(), TenantId::first());
        JournalOptions { segment_bytes: self.segment_bytes, ..options }
    }

    fn reopen(&mut self) {
        self.journal = None;
        let mut found = All::default();
        self.journal = Some(Journal::open(&self.options(), &mut found).unwrap());
        assert_eq!(found, self.all);
    }

    fn append(&mut self, payloads: &[Vec<u8>]) -> Result<Position, AppendError> {
        let all = &self.all;
        let position = self.journal.as_mut().unwrap().append(payloads, |out| all.save(out))?;
        self.all.0.extend_from_slice(payloads);
        Ok(position)
    }

    fn numbered(&mut self, count: usize) {
        for _ in 0..count {
            let payload = format!("fact {}", self.all.0.len() + 1).into_bytes();
            self.append(&[payload]).unwrap();
        }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().unwrap()
    }

    fn segments(&self) -> Vec<PathBuf> {
        files(&self.folder.path().join("default"), ".seg")
    }
}

/// In memory where the machine has that: these tests are about bytes, not about how long a disk takes.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn files(folder: &Path, holding: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| match holding.strip_prefix('*') {
        Some(part) => path.to_str().unwrap().contains(part),
        None => path.to_str().unwrap().ends_with(holding),
    });
    paths.sort();
    paths
}

fn rest(reader: &mut Reader) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| reader.next_entry().unwrap()).map(|entry| entry.payload).collect()
}

#[test]
fn records_are_numbered_on_over_segments_and_restarts() {
    let mut model = Model::new(200);
    model.numbered(10);
    assert_eq!(model.journal().head().to_string(), "default.1.10");
    model.reopen();
    let last = model.append(&[b"a".to_vec(), b"b".to_vec()]).unwrap();
    assert_eq!(last.to_string(), "default.2.12");
    assert!(model.segments().len() >= 3);
    let mut reader = model.journal().handle().reader_of_all().unwrap();
    assert_eq!(rest(&mut reader), model.all.0);
    let after_nine = Position { epoch: 1, number: 9, ..last.clone() };
    let mut reader = model.journal().handle().reader_after(&after_nine).unwrap();
    let places: Vec<_> =
        std::iter::from_fn(|| reader.next_entry().unwrap()).map(|entry| entry.position.to_string()).collect();
    assert_eq!(places, ["default.1.10", "default.2.11", "default.2.12"]);
}

#[test]
fn a_start_that_writes_nothing_leaves_one_empty_segment() {
    let mut model = Model::new(1000);
    for _ in 0..5 {
        model.reopen();
    }
    assert_eq!(model.segments().len(), 1);
    assert_eq!(model.append(&[b"x".to_vec()]).unwrap().to_string(), "default.6.1");
}

#[test]
fn a_second_process_is_refused() {
    let model = Model::new(1000);
    let second = Journal::open(&model.options(), &mut All::default());
    assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
}

#[test]
fn a_tail_torn_at_any_byte_leaves_exactly_the_whole_records_before_it() {
    let mut whole = Model::new(10_000);
    whole.numbered(6);
    whole.journal = None;
    let path = whole.segments().pop().unwrap();
    let bytes = fs::read(&path).unwrap();
    let record = 16 + "fact 1".len();
    let header = bytes.len() - 6 * record;
    for length in header..bytes.len() {
        let mut torn = Model { folder: folder(), segment_bytes: 10_000, journal: None, all: All::default() };
        let folder = torn.folder.path().join("default");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(path.file_name().unwrap()), &bytes[..length]).unwrap();
        let kept = (length - header) / record;
        torn.all.0 = whole.all.0[..kept].to_vec();
        torn.reopen();
        assert_eq!(rest(&mut torn.journal().handle().reader_of_all().unwrap()), torn.all.0, "{length}");
        let next = torn.append(&[b"goes on".to_vec()]).unwrap();
        assert_eq!(next.number as usize, kept + 1, "{length}");
        let cut: usize = files(&folder, "*.cut-at-").iter().map(|path| fs::read(path).unwrap().len()).sum();
        assert_eq!(cut, (length - header) % record, "the cut bytes are kept aside at {length}");
    }
}

#[test]
fn a_segment_whose_header_is_torn_is_set_aside() {
    let mut model = Model::new(200);
    model.numbered(7);
    model.journal = None;
    let last = model.segments().pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    fs::write(&last, &bytes[..30]).unwrap();
    let mut found = All::default();
    let journal = Journal::open(&model.options(), &mut found).unwrap();
    assert_eq!(found.0, model.all.0[..found.0.len()]);
    assert_eq!(journal.head().number as usize, found.0.len());
    assert_eq!(files(&model.folder.path().join("default"), ".seg.torn").len(), 1);
    assert_eq!(journal.head().epoch, 2);
}

#[test]
fn a_power_cut_over_a_rotation_keeps_both_sides() {
    let mut model = Model::new(200);
    model.numbered(7);
    model.journal = None;
    let segments = model.segments();
    let before = &segments[segments.len() - 2];
    let length = fs::metadata(before).unwrap().len();
    fs::OpenOptions::new().write(true).open(before).unwrap().set_len(length - 3).unwrap();
    let mut found = All::default();
    let journal = Journal::open(&model.options(), &mut found).unwrap();
    assert_eq!(found, model.all, "the carry-over of the last segment knows them all");
    let read = rest(&mut journal.handle().reader_of_all().unwrap());
    assert_eq!(read.len(), model.all.0.len() - 1);
}

#[test]
fn a_consumer_that_was_past_what_a_power_cut_took_gets_what_follows() {
    let mut model = Model::new(10_000);
    model.numbered(5);
    let cursor = model.journal().head();
    model.journal = None;
    let path = model.segments().pop().unwrap();
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 30).unwrap();
    model.all.0.truncate(3);
    model.reopen();
    let handle = model.journal().handle();
    let mut reader = handle.reader_after(&cursor).unwrap();
    assert!(reader.next_entry().unwrap().is_none());
    model.append(&[b"after the cut".to_vec()]).unwrap();
    assert_eq!(handle.written_past_blocking(cursor.number, Duration::from_secs(10)), 4, "it is not waited for 6");
    let entry = reader.next_entry().unwrap().unwrap();
    assert_eq!((entry.position.to_string().as_str(), entry.payload.as_slice()), ("default.2.4", &b"after the cut"[..]));
}

#[test]
fn a_full_disk_fails_the_append_and_leaves_nothing_half_written() {
    let mut model = Model::new(10_000);
    model.numbered(2);
    let path = model.segments().pop().unwrap();
    let length = fs::metadata(&path).unwrap().len();
    with_fail_points("journal.append.write=enospc:1", || {
        let error = model.append(&[b"lost".to_vec()]).unwrap_err();
        assert!(matches!(&error, AppendError::Write { .. }), "{error}");
        assert!(error.to_string().contains("make room"), "{error}");
    });
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    assert_eq!(model.journal().head().number, 2);
    model.numbered(1);
    model.reopen();
}

#[test]
fn a_full_disk_at_rotation_fails_the_append_and_leaves_no_segment() {
    let mut model = Model::new(150);
    model.numbered(1);
    with_fail_points("journal.rotate.write=enospc:1", || while model.append(&[b"record".to_vec()]).is_ok() {});
    let segments = model.segments().len();
    assert_eq!(segments, 1);
    model.numbered(1);
    assert_eq!(model.segments().len(), 2);
    model.reopen();
}

#[test]
fn a_record_of_impossible_size_is_refused_and_nothing_of_its_batch_stays() {
    let mut model = Model::new(1_000);
    for bad in [Vec::new(), vec![0; engine::journal::PAYLOAD_MAX + 1]] {
        let error = model.append(&[b"good".to_vec(), bad]).unwrap_err();
        assert!(matches!(error, AppendError::Size { .. }));
    }
    assert_eq!(model.append(&[b"good".to_vec()]).unwrap().number, 1);
    model.reopen();
}

#[test]
fn a_damaged_older_segment_is_named_and_can_be_salvaged() {
    let mut model = Model::new(300);
    model.numbered(40);
    let segments = model.segments();
    let path = &segments[1];
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() - 40;
    bytes[middle] ^= 0x10;
    fs::write(path, &bytes).unwrap();
    let mut reader = model.journal().handle().reader_of_all().unwrap();
    let mut read = Vec::new();
    let error = loop {
        match reader.next_entry() {
            Ok(entry) => read.push(entry.expect("the damage comes before the end").payload),
            Err(error) => break error,
        }
    };
    assert_eq!(read, model.all.0[..read.len()]);
    let ReadError::Damaged { path: named, offset } = &error else { panic!("{error}") };
    assert_eq!(named, path);
    assert!(*offset <= middle as u64 && middle as u64 - offset < 40, "{error}");

    let salvaged = salvage(path, "default").unwrap();
    assert!(salvaged.kept >= 1 && salvaged.lost_bytes > 0);
    assert_eq!(fs::read(&salvaged.original).unwrap(), bytes);
    let all = rest(&mut model.journal().handle().reader_of_all().unwrap());
    assert_eq!(all.len(), 39, "one record was lost");
    assert!(all.iter().all(|payload| model.all.0.contains(payload)));
    model.reopen();
}

#[test]
fn a_position_of_another_log_is_refused() {
    let mut model = Model::new(300);
    model.numbered(3);
    let handle = model.journal().handle();
    let ahead = Position { number: 4, ..handle.head() };
    assert!(matches!(handle.reader_after(&ahead), Err(ReadError::Ahead { .. })));
    let other = Position { tenant: "other".parse().unwrap(), ..handle.head() };
    assert!(matches!(handle.reader_after(&other), Err(ReadError::OtherTenant { .. })));
    assert!(handle.reader_after(&handle.head()).unwrap().next_entry().unwrap().is_none());
}

#[test]
fn old_segments_go_when_every_consumer_is_past_them_and_not_before() {
    let mut model = Model::new(300);
    model.numbered(40);
    let handle = model.journal().handle();
    let start = Position::start(TenantId::first());
    let count = model.segments().len();
    assert!(handle.delete_old(u64::MAX, &start).unwrap().is_empty(), "nobody has read");
    assert!(handle.delete_old(0, &handle.head()).unwrap().is_empty(), "nothing is old");
    let mut at_the_start = handle.reader_of_all().unwrap();
    let middle = Position { number: 20, ..handle.head() };
    let deleted = handle.delete_old(u64::MAX, &middle).unwrap();
    assert!(!deleted.is_empty() && deleted.len() < count);
    assert_eq!(model.segments().len(), count - deleted.len());
    assert_eq!(rest(&mut handle.reader_after(&middle).unwrap()), model.all.0[20..]);
    assert!(matches!(handle.reader_after(&start), Err(ReadError::Gone { .. })));
    let oldest = handle.reader_of_all().unwrap().next_entry().unwrap().unwrap().position;
    assert!(oldest.number > 1 && oldest.number <= 21);
    assert!(at_the_start.next_entry().unwrap().is_some(), "what is open stays readable");
    handle.delete_old(u64::MAX, &handle.head()).unwrap();
    assert_eq!(model.segments().len(), 1, "the one being written stays");
    // A reader that was left behind is told of the gap, and stays at it.
    for _ in 0..2 {
        let gap = std::iter::from_fn(|| at_the_start.next_entry().transpose()).find_map(Result::err);
        assert!(matches!(gap, Some(ReadError::Gone { .. })), "{gap:?}");
    }
    let start = handle.start();
    assert!(start.number > at_the_start.position().number && start.number < handle.head().number);
    assert_eq!(rest(&mut handle.reader_after(&start).unwrap()), rest(&mut handle.reader_of_all().unwrap()));
    model.reopen();
}

#[test]
fn a_reader_follows_the_writer_over_rotations() {
    let mut model = Model::new(400);
    let handle = model.journal().handle();
    let mut reader = handle.reader_of_all().unwrap();
    let thread = std::thread::spawn(move || {
        let mut read = Vec::new();
        while read.len() < 2_000 {
            match reader.next_entry().unwrap() {
                Some(entry) => read.push(entry.payload),
                None => _ = handle.written_past_blocking(read.len() as u64, Duration::from_secs(10)),
            }
        }
        read
    });
    // One carry-over for all: what it holds is not looked at here.
    let journal = model.journal.as_mut().unwrap();
    let sent: Vec<_> = (0..2_000_u32).map(|n| vec![b'x'; 1 + n as usize % 90]).collect();
    for batch in sent.chunks(3) {
        journal.append(batch, |_| {}).unwrap();
    }
    assert_eq!(thread.join().unwrap(), sent);
}

#[tokio::test]
async fn records_become_durable_soon_after() {
    let mut model = Model::new(10_000);
    model.numbered(3);
    let handle = model.journal().handle();
    let durable = tokio::time::timeout(Duration::from_secs(10), handle.durable_past(2)).await.unwrap();
    assert_eq!(durable, 3);
    assert_eq!(handle.durable(), 3);
    assert_eq!(handle.written_past(0).await, 3);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    DiskFull,
    Reopen,
    Read,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec(1..120_usize, 0..5).prop_map(Step::Append),
        1 => Just(Step::DiskFull),
        1 => Just(Step::Reopen),
        2 => Just(Step::Read),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_journal_holds_what_was_accepted(steps in steps()) {
        let mut model = Model::new(700);
        let mut reader = model.journal().handle().reader_of_all().unwrap();
        let mut read = Vec::new();
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let payloads: Vec<_> = sizes.iter().map(|size| vec![b'a' + (*size % 26) as u8; *size]).collect();
                    model.append(&payloads).unwrap();
                }
                Step::DiskFull => {
                    let failed = with_fail_points("journal.append.write=enospc:1", || model.append(&[b"never".to_vec()]));
                    prop_assert!(failed.is_err());
                }
                Step::Reopen => {
                    model.reopen();
                    reader = model.journal().handle().reader_after(&reader.position()).unwrap();
                }
                Step::Read => {
                    read.extend(rest(&mut reader));
                    prop_assert_eq!(&read, &model.all.0);
                }
            }
        }
        read.extend(rest(&mut reader));
        prop_assert_eq!(&read, &model.all.0);
        model.reopen();
    }

    #[test]
    fn flipped_bits_never_give_a_wrong_record(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4)) {
        let mut model = Model::new(300);
        model.numbered(25);
        model.journal = None;
        let segments = model.segments();
        for (segment, bit) in flips {
            let path = &segments[segment.index(segments.len())];
            let mut bytes = fs::read(path).unwrap();
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(path, &bytes).unwrap();
        }
        let mut found = All::default();
        let journal = Journal::open(&model.options(), &mut found).unwrap();
        prop_assert_eq!(&found.0[..], &model.all.0[..found.0.len()]);
        let Ok(mut reader) = journal.handle().reader_of_all() else { return Ok(()) };
        while let Ok(Some(entry)) = reader.next_entry() {
            let expected = format!("fact {}", entry.position.number).into_bytes();
            prop_assert_eq!(entry.payload, expected);
        }
    }
}
