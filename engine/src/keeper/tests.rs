//! The keeper between a real journal, a real database and a folder.

use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, TryStreamExt as _};
use hooks::fact::{CallCreated, CallSource, Direction, RecordingReady, RecordingStarted};
use hooks::id::{CallId, LegId};
use recordings::{SealKeys, sha256_of};

use super::*;
use crate::config::StorageUrl;
use crate::consumers::call_records::CallRecords;
use crate::journal::facts::FactJournal;
use crate::journal::{JournalHandle, JournalOptions};
use crate::store::scope::Sight;
use crate::store::setting::{Change, Expect, Origin};

/// A journal that is written at once.
#[derive(Clone)]
struct Journal(Arc<Mutex<FactJournal>>);

impl FactSink for Journal {
    fn facts(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), InboxError>> {
        self.0.lock().unwrap().append(&facts).unwrap();
        std::future::ready(Ok(())).boxed()
    }
}

impl Journal {
    fn handle(&self) -> JournalHandle {
        self.0.lock().unwrap().handle()
    }

    fn count(&self) -> u64 {
        self.handle().head().number
    }
}

struct House {
    folder: tempfile::TempDir,
    journal: Journal,
    store: Store,
    records: CallRecords,
    keys: Option<Arc<SealKeys>>,
}

const AT_MS: u64 = 1_795_336_200_000;
const DAY: u64 = 86_400_000;

impl House {
    /// With one recording of two tones, half a second, whose outcome is in the journal and in the database.
    async fn new(keys: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StorageUrl::Sqlite(folder.path().join("test.db"))).await.unwrap();
        let tenant = TenantId::first();
        let change = Change::system(tenant.clone(), Origin::Setup);
        store.create(change, Tenant::new(tenant.clone(), "Default")).await.unwrap();
        let options = JournalOptions::new(&folder.path().join("journal"), tenant);
        let journal = Journal(Arc::new(Mutex::new(FactJournal::open(&options).unwrap())));
        let records = CallRecords::new(store.clone(), journal.handle());
        let keys = keys.map(|text| Arc::new(SealKeys::parse(text).unwrap()));
        let mut house = Self { folder, journal, store, records, keys };
        house.record().await;
        house
    }

    fn recordings(&self) -> PathBuf {
        self.folder.path().join("recordings")
    }

    async fn record(&mut self) {
        let path = "default/2026/11/22/01ABC.wav";
        let file = self.recordings().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        for n in 0..4_000 {
            for hz in [440.0, 1_300.0] {
                writer.write_sample((8_000.0 * (f64::from(n) * hz * TAU / 8_000.0).sin()) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        let (call, recording, leg) = (CallId::new(AT_MS, 1), RecordingId::new(AT_MS, 2), LegId::new(AT_MS, 3));
        let created = CallCreated {
            call,
            direction: Direction::Internal,
            source: CallSource::Dialled,
            caller: "1001".to_owned(),
            caller_name: String::new(),
            callee: "1002".to_owned(),
            trunk: None,
            emergency: false,
            diverted_from: None,
        };
        let started =
            RecordingStarted { recording, call, left: leg, right: leg, part: 1, conference: None, mailbox: None };
        let ready = RecordingReady {
            recording,
            call,
            path: path.to_owned(),
            bytes: std::fs::metadata(&file).unwrap().len(),
            duration_ms: 500,
            sha256: sha256_of(&file).unwrap(),
            partial: false,
        };
        let events = [Event::CallCreated(created), Event::RecordingStarted(started), Event::RecordingReady(ready)];
        let facts = events.map(|event| Fact { tenant: TenantId::first(), at_ms: AT_MS, event });
        self.journal.facts(facts.to_vec()).await.unwrap();
        self.derive().await;
    }

    /// The database hears of everything.
    async fn derive(&mut self) {
        while self.records.step().await.unwrap() > 0 {}
    }

    fn keeper(&self, format: AudioFormat, keep_days: u64) -> Keeper<Journal> {
        let options = KeepOptions { format, keep_days };
        let deletions = crate::data_lock::Deletions::of(self.folder.path());
        Keeper::new(self.store.clone(), self.journal.clone(), self.storage(), options, deletions)
    }

    fn storage(&self) -> Storage {
        Storage::new(&self.recordings(), None, self.keys.clone()).unwrap()
    }

    async fn state(&self) -> RecordingState {
        let found = self.store.recording(Sight::whole(&TenantId::first()), RecordingId::new(AT_MS, 2)).await.unwrap();
        found.unwrap().state
    }

    async fn file(&self) -> RecordingFile {
        match self.state().await {
            RecordingState::Ready(file) => file,
            other => panic!("{other:?}"),
        }
    }

    fn files(&self) -> Vec<String> {
        let folder = self.recordings().join("default/2026/11/22");
        let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn key(name: &str) -> String {
    format!("{name} {}", "5f".repeat(32))
}

#[tokio::test]
async fn a_recording_is_coded_sealed_and_read_again_and_its_first_form_goes_last() {
    let mut house = House::new(Some(&key("2026"))).await;
    let before = house.file().await;
    let mut keeper = house.keeper(AudioFormat::Opus, 0);
    keeper.round(AT_MS).await.unwrap();
    assert_eq!(house.files(), ["01ABC.ogg.sealed", "01ABC.wav"], "the index does not name the new one yet");
    keeper.round(AT_MS).await.unwrap();
    assert_eq!(house.journal.count(), 4, "told once, though the database is late");
    house.derive().await;
    assert_eq!(house.files(), ["01ABC.ogg.sealed"]);
    let file = house.file().await;
    assert_eq!(file.path, "default/2026/11/22/01ABC.ogg.sealed");
    assert_eq!((file.format, file.duration_ms), (AudioFormat::Opus, before.duration_ms));
    let stored = StoredAudio { place: AudioPlace::Directory, sealed_by: Some("2026".to_owned()) };
    assert_eq!(file.stored, Some(stored));
    let heard = house.storage().read_sealed(Place::Directory, &file.path, 0..file.bytes).await.unwrap();
    let heard = heard.try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!((&heard[..4], heard.len() as u64), (&b"OggS"[..], file.bytes));
    let copy = house.folder.path().join("copy.ogg");
    std::fs::write(&copy, &heard).unwrap();
    assert_eq!(sha256_of(&copy).unwrap(), file.sha256);
    let on_disk = std::fs::read(house.recordings().join(&file.path)).unwrap();
    assert!(!on_disk.windows(8).any(|part| part == b"OpusHead"), "it is not encrypted");
}

#[tokio::test]
async fn what_a_killed_process_left_is_done_by_the_next() {
    let mut house = House::new(Some(&key("2026"))).await;
    // Killed before the fact: its work lies there.
    let left = house.recordings().join("default/2026/11/22");
    for name in ["01ABC.ogg.part", "01ABC.sealed.part", "01ABC.ogg.sealed"] {
        std::fs::write(left.join(name), b"half").unwrap();
    }
    house.keeper(AudioFormat::Opus, 0).round(AT_MS).await.unwrap();
    house.derive().await;
    assert_eq!(house.file().await.path, "default/2026/11/22/01ABC.ogg.sealed");
    // Killed after the fact: the first form lies there still.
    assert_eq!(house.files(), ["01ABC.ogg.sealed", "01ABC.wav"]);
    let next = house.keeper(AudioFormat::Opus, 0);
    next.sweep().await.unwrap();
    assert_eq!(house.files(), ["01ABC.ogg.sealed"]);
}

#[tokio::test]
async fn a_recording_that_cannot_be_coded_or_need_not_stays_as_it_was_written() {
    let mut house = House::new(None).await;
    house.keeper(AudioFormat::Wav, 0).round(AT_MS).await.unwrap();
    assert_eq!((house.journal.count(), house.file().await.stored), (3, None));
    std::fs::write(house.recordings().join("default/2026/11/22/01ABC.wav"), b"RIFF and no more").unwrap();
    let mut keeper = house.keeper(AudioFormat::Opus, 0);
    keeper.round(AT_MS).await.unwrap();
    house.derive().await;
    keeper.round(AT_MS).await.unwrap();
    let file = house.file().await;
    assert_eq!(
        (file.format, file.stored.is_some(), house.files()),
        (AudioFormat::Wav, true, vec!["01ABC.wav".to_owned()])
    );
    assert_eq!(house.journal.count(), 4);
}

#[tokio::test]
async fn a_message_is_sealed_but_stays_wav() {
    let mut house = House::new(Some(&key("2026"))).await;
    let leg = LegId::new(AT_MS, 3);
    let (recording, call, mailbox) = (RecordingId::new(AT_MS, 2), CallId::new(AT_MS, 1), Some("queue:support".into()));
    let started = RecordingStarted { recording, call, left: leg, right: leg, part: 1, conference: None, mailbox };
    let fact = Fact { tenant: TenantId::first(), at_ms: AT_MS, event: Event::RecordingStarted(started) };
    house.journal.facts(vec![fact]).await.unwrap();
    house.derive().await;
    let mut keeper = house.keeper(AudioFormat::Opus, 0);
    keeper.round(AT_MS).await.unwrap();
    house.derive().await;
    keeper.round(AT_MS).await.unwrap();
    assert_eq!((house.file().await.format, house.files()), (AudioFormat::Wav, vec!["01ABC.wav.sealed".to_owned()]));
}

/// Proves REC-06.
#[tokio::test]
async fn audio_goes_when_its_days_are_over_and_its_record_says_so() {
    let mut house = House::new(None).await;
    let mut keeper = house.keeper(AudioFormat::Wav, 180);
    keeper.round(AT_MS + 180 * DAY).await.unwrap();
    assert_eq!(house.files(), ["01ABC.wav"], "to the day");
    keeper.round(AT_MS + 180 * DAY + 1).await.unwrap();
    keeper.round(AT_MS + 180 * DAY + 2).await.unwrap();
    assert_eq!((house.files(), house.journal.count()), (Vec::new(), 4), "told once, though the database is late");
    house.derive().await;
    let RecordingState::Purged { file, .. } = house.state().await else { panic!() };
    assert_eq!(file.duration_ms, 500, "what it was is still told");
    house.keeper(AudioFormat::Opus, 1).round(AT_MS + 999 * DAY).await.unwrap();
    assert_eq!(house.journal.count(), 4);
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_deleted_whatever_the_tenant_keeps() {
    let mut house = House::new(None).await;
    let (recording, call) = (RecordingId::new(AT_MS, 2), CallId::new(AT_MS, 1));
    let discarded = Event::RecordingDiscarded(hooks::fact::RecordingDiscarded { recording, call });
    let fact = Fact { tenant: TenantId::first(), at_ms: AT_MS, event: discarded };
    house.journal.facts(vec![fact]).await.unwrap();
    house.derive().await;
    let mut keeper = house.keeper(AudioFormat::Opus, 0);
    keeper.round(AT_MS).await.unwrap();
    keeper.round(AT_MS).await.unwrap();
    assert_eq!((house.files(), house.journal.count()), (Vec::new(), 5), "told once, though the database is late");
    house.derive().await;
    assert!(matches!(house.state().await, RecordingState::Purged { .. }));
}

#[tokio::test]
async fn a_purge_that_was_cut_before_its_fact_is_told_by_the_next_process() {
    let mut house = House::new(Some(&key("a"))).await;
    let mut keeper = house.keeper(AudioFormat::Opus, 0);
    keeper.round(AT_MS).await.unwrap();
    keeper.round(AT_MS).await.unwrap();
    house.derive().await;
    std::fs::remove_file(house.recordings().join("default/2026/11/22/01ABC.ogg.sealed")).unwrap();
    house.keeper(AudioFormat::Opus, 1).round(AT_MS + 2 * DAY).await.unwrap();
    house.derive().await;
    assert!(matches!(house.state().await, RecordingState::Purged { .. }));
}

#[tokio::test]
async fn a_purge_finds_what_was_brought_away_untold() {
    let house = House::new(Some(&key("a"))).await;
    for name in ["01ABC.ogg.sealed", "01ABC.ogg.part"] {
        std::fs::write(house.recordings().join("default/2026/11/22").join(name), b"x").unwrap();
    }
    house.keeper(AudioFormat::Opus, 1).round(AT_MS + 2 * DAY).await.unwrap();
    assert_eq!(house.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_tenant_has_its_own_say() {
    for (days, left) in [(Some(0), 1), (Some(3), 0), (None, 0)] {
        let house = House::new(None).await;
        let tenant = Tenant { recording_keep_days: days, ..Tenant::new(TenantId::first(), "Default") };
        let change = Change::system(TenantId::first(), Origin::Setup);
        house.store.update(change, tenant, Expect::Any).await.unwrap();
        house.keeper(AudioFormat::Wav, 2).round(AT_MS + 3 * DAY + 1).await.unwrap();
        assert_eq!(house.files().len(), left, "{days:?}");
    }
}
