//! Brings finished recordings to the place and into the form in which they are kept, and deletes those whose time is over.
//!
//! What is to be done is read from the database each time, and each step may be taken twice: a process that is killed anywhere
//! between leaves nothing but work for the next one. A file is deleted from the disk only after the fact that says where the
//! recording is kept was written, and that only after the storage has it.

mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use hooks::fact::{AudioFormat, AudioPlace, Event, Fact, RecordingPurged, RecordingStored};
use hooks::id::{RecordingId, TenantId};
use recordings::failpoint::fail_point;
use recordings::{AudioStream, Place, Storage, StorageError};
use tokio::sync::watch;

use crate::data_lock::Deletions;
use crate::store::recordings::{Recording, RecordingFile, RecordingState, StoredAudio};
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError, unix_ms};
use crate::writer::{Inbox, InboxError};
use form::{Form, kept_path, kept_paths, make, parts, written_path};

/// Who writes facts down: the writer, or a test's own journal.
pub trait FactSink: Send + Sync {
    /// Returns when they are in the journal.
    fn facts(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), InboxError>>;
}

impl FactSink for Inbox {
    fn facts(&self, facts: Vec<Fact>) -> BoxFuture<'_, Result<(), InboxError>> {
        Box::pin(Inbox::facts(self, facts))
    }
}

/// What holds for tenants that have no setting of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepOptions {
    /// How recordings are kept.
    pub format: AudioFormat,
    /// For how many days; 0 for ever.
    pub keep_days: u64,
}

/// Why a round ended early. The next one begins anew.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Database(#[from] StoreError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("cannot work on a recording: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Journal(#[from] InboxError),
}

/// The work on recordings that are over.
pub struct Keeper<J> {
    store: Store,
    journal: J,
    storage: Storage,
    options: KeepOptions,
    deletions: Deletions,
    /// Those that are done, or cannot be, though the database does not say so yet.
    settled: BTreeMap<RecordingId, Settled>,
    /// Files whose recordings are kept elsewhere since the last round.
    left_over: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Stored,
    Purged,
    /// There is no file.
    Lost,
}

impl<J: FactSink> Keeper<J> {
    /// Nothing is done until [`Self::run`].
    #[must_use]
    pub fn new(store: Store, journal: J, storage: Storage, options: KeepOptions, deletions: Deletions) -> Self {
        Self { store, journal, storage, options, deletions, settled: BTreeMap::new(), left_over: Vec::new() }
    }

    /// A round every few seconds until told to stop; after a failure later and later.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut pause = EVERY;
        let mut swept = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopping.changed() => return,
            }
            let work = async {
                if !swept {
                    self.sweep().await?;
                    swept = true;
                }
                self.round(unix_ms()).await
            };
            // What is half done is done again by the next process.
            let done = tokio::select! {
                done = work => done,
                _ = stopping.changed() => return,
            };
            pause = match done {
                Ok(()) => EVERY,
                Err(error) => {
                    let next = (pause * 2).min(RETRY_MAX);
                    tracing::warn!(%error, again_s = next.as_secs(), "recordings wait to be stored or deleted");
                    next
                }
            };
        }
    }

    /// Deletes what a process before this one left though its recording is kept elsewhere.
    async fn sweep(&self) -> Result<(), KeepError> {
        let Some(_leave) = self.deletions.begin() else { return Ok(()) };
        for tenant in self.store.tenants().await? {
            for recording in self.store.recordings_stored(&tenant.value.slug, SWEPT_MAX).await? {
                if let RecordingState::Ready(RecordingFile { path, stored: Some(stored), .. }) = &recording.state {
                    let written = written_path(path);
                    if stored.place == AudioPlace::S3 || written != *path {
                        remove(&self.storage.file(&written)?).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn round(&mut self, now_ms: u64) -> Result<(), KeepError> {
        let tenants = self.store.tenants().await?;
        // A backup that runs has all that its copy of the database names.
        if let Some(_leave) = self.deletions.begin() {
            for file in std::mem::take(&mut self.left_over) {
                remove(&file).await?;
            }
            for tenant in &tenants {
                self.purge_old(&tenant.value, now_ms).await?;
                self.purge_discarded(&tenant.value.slug).await?;
            }
        }
        for tenant in &tenants {
            self.store_new(&tenant.value).await?;
        }
        Ok(())
    }

    async fn store_new(&mut self, tenant: &Tenant) -> Result<(), KeepError> {
        let form =
            Form { format: tenant.recording_format.unwrap_or(self.options.format), keys: self.storage.keys().cloned() };
        if self.storage.place() == Place::Directory && form.is_as_written() {
            return Ok(());
        }
        loop {
            let limit = BATCH + self.settled.len() as u64;
            let waiting = self.store.recordings_to_store(&tenant.slug, limit).await?;
            let still: Vec<Recording> =
                waiting.into_iter().filter(|waiting| !self.settled.contains_key(&waiting.recording)).collect();
            if still.is_empty() {
                return Ok(());
            }
            for recording in still {
                let form = of_recording(&form, &recording);
                let settled = self.store_one(&tenant.slug, &recording, &form).await?;
                self.settle(recording.recording, settled);
            }
        }
    }

    async fn store_one(&mut self, tenant: &TenantId, recording: &Recording, form: &Form) -> Result<Settled, KeepError> {
        let RecordingState::Ready(file) = &recording.state else { return Ok(Settled::Lost) };
        let written = self.storage.file(&file.path)?;
        let made = match make(written.clone(), form.clone()).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::error!(recording = %recording.recording, "the file of a recording is gone: it is not stored");
                return Ok(Settled::Lost);
            }
            made => made?,
        };
        let path = kept_path(&file.path, &made);
        let place = match self.storage.place() {
            Place::S3 => {
                self.storage.upload(&made.file, &path).await?;
                if made.file != written {
                    remove(&made.file).await?;
                }
                AudioPlace::S3
            }
            Place::Directory => {
                let to = self.storage.file(&path)?;
                if made.file == written {
                    // It could not be coded: kept as it is.
                    return self.tell_stored(tenant, recording, (file, made, path, AudioPlace::Directory)).await;
                }
                tokio::fs::rename(&made.file, &to).await?;
                if let Some(folder) = to.parent() {
                    tokio::fs::File::open(folder).await?.sync_all().await?;
                }
                AudioPlace::Directory
            }
        };
        fail_point("recording.stored.before_fact");
        let settled = self.tell_stored(tenant, recording, (file, made, path, place)).await?;
        fail_point("recording.stored.after_fact");
        // In the next round: by then the index says where it is read from, and the fact is on the disk.
        self.left_over.push(written);
        Ok(settled)
    }

    async fn tell_stored(
        &self,
        tenant: &TenantId,
        recording: &Recording,
        (file, made, path, place): (&RecordingFile, form::Made, String, AudioPlace),
    ) -> Result<Settled, KeepError> {
        let event = Event::RecordingStored(RecordingStored {
            recording: recording.recording,
            call: recording.call,
            place,
            path,
            format: made.format,
            bytes: made.bytes,
            sha256: made.sha256.unwrap_or_else(|| file.sha256.clone()),
            sealed_by: made.sealed_by,
        });
        self.tell(tenant, event).await?;
        Ok(Settled::Stored)
    }

    /// REC-06. Deleted first, told then: what was deleted and not told is deleted again, which does nothing, and told.
    async fn purge_old(&mut self, tenant: &Tenant, now_ms: u64) -> Result<(), KeepError> {
        let kept_days = tenant.recording_keep_days.unwrap_or(self.options.keep_days);
        if kept_days == 0 {
            return Ok(());
        }
        let before_ms = now_ms.saturating_sub(kept_days.saturating_mul(DAY_MS));
        loop {
            let limit = BATCH + self.settled.len() as u64;
            let old = self.store.recordings_before(&tenant.slug, before_ms, limit).await?;
            let still: Vec<Recording> = old.into_iter().filter(|old| !self.waits(old)).collect();
            if still.is_empty() {
                return Ok(());
            }
            self.purge(&tenant.slug, still, kept_days).await?;
        }
    }

    /// What came to nothing: a message that is too short.
    async fn purge_discarded(&mut self, tenant: &TenantId) -> Result<(), KeepError> {
        loop {
            let limit = BATCH + self.settled.len() as u64;
            let discarded = self.store.recordings_discarded(tenant, limit).await?;
            let still: Vec<Recording> = discarded.into_iter().filter(|it| !self.waits(it)).collect();
            if still.is_empty() {
                return Ok(());
            }
            self.purge(tenant, still, 0).await?;
        }
    }

    async fn purge(&mut self, tenant: &TenantId, recordings: Vec<Recording>, kept_days: u64) -> Result<(), KeepError> {
        for recording in recordings {
            if let RecordingState::Ready(file) = &recording.state {
                self.delete(file).await?;
                fail_point("recording.purged.before_fact");
                let (id, call) = (recording.recording, recording.call);
                let purged = RecordingPurged { recording: id, call, kept_days };
                self.tell(tenant, Event::RecordingPurged(purged)).await?;
                self.settle(id, Settled::Purged);
            }
        }
        Ok(())
    }

    /// Whether the database has yet to hear what became of it.
    fn waits(&self, recording: &Recording) -> bool {
        match (self.settled.get(&recording.recording), &recording.state) {
            (Some(Settled::Purged), _) => true,
            (Some(Settled::Stored), RecordingState::Ready(file)) => file.stored.is_none(),
            (Some(Settled::Stored | Settled::Lost) | None, _) => false,
        }
    }

    /// All there is of it, wherever a process was killed while it was moved.
    async fn delete(&self, file: &RecordingFile) -> Result<(), KeepError> {
        let written = written_path(&file.path);
        match &file.stored {
            Some(StoredAudio { place, .. }) => self.storage.delete(shown(*place), &file.path).await?,
            // Perhaps it was brought there and the process was killed before it could say so.
            None => {
                for path in kept_paths(&written) {
                    self.storage.delete(self.storage.place(), &path).await?;
                }
            }
        }
        for path in parts(&self.storage.file(&written)?) {
            remove(&path).await?;
        }
        remove(&self.storage.file(&written)?).await?;
        Ok(())
    }

    async fn tell(&self, tenant: &TenantId, event: Event) -> Result<(), KeepError> {
        let fact = Fact { tenant: tenant.clone(), at_ms: unix_ms(), event };
        Ok(self.journal.facts(vec![fact]).await?)
    }

    fn settle(&mut self, recording: RecordingId, settled: Settled) {
        // By now the database has heard of the first.
        while self.settled.len() >= SETTLED_MAX {
            self.settled.pop_first();
        }
        self.settled.insert(recording, settled);
    }
}

/// A message is kept as WAV: phones play it.
fn of_recording(form: &Form, recording: &Recording) -> Form {
    let format = if recording.mailbox.is_some() { AudioFormat::Wav } else { form.format };
    Form { format, keys: form.keys.clone() }
}

/// A range of what is heard of a recording.
///
/// # Errors
/// See [`StorageError`].
pub async fn open(storage: &Storage, file: &RecordingFile, range: Range<u64>) -> Result<AudioStream, StorageError> {
    match &file.stored {
        None => storage.read(Place::Directory, &file.path, range).await,
        Some(StoredAudio { place, sealed_by: None }) => storage.read(shown(*place), &file.path, range).await,
        Some(StoredAudio { place, sealed_by: Some(_) }) => storage.read_sealed(shown(*place), &file.path, range).await,
    }
}

/// All of it.
///
/// # Errors
/// See [`StorageError`].
pub async fn read_whole(storage: &Storage, file: &RecordingFile) -> Result<Vec<u8>, StorageError> {
    let mut stream = open(storage, file, 0..file.bytes).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The same place under the storage's name.
fn shown(place: AudioPlace) -> Place {
    match place {
        AudioPlace::Directory => Place::Directory,
        AudioPlace::S3 => Place::S3,
    }
}

async fn remove(file: &std::path::Path) -> io::Result<()> {
    match tokio::fs::remove_file(file).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Calls end all day; a recording may be a few seconds where it was written.
const EVERY: Duration = Duration::from_secs(5);
/// The longest pause after failures.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// Rows read at a time.
const BATCH: u64 = 50;
/// Remembered of what the database does not say yet.
const SETTLED_MAX: usize = 10_000;
/// Files looked for at a start; what was left over before those was swept by the starts before.
const SWEPT_MAX: u64 = 10_000;
const DAY_MS: u64 = 86_400_000;
