//! Between the media threads and the recording files: a sink for each recording, its end as an event for the switch, and
//! what a crash left behind as facts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use hooks::fact::{Event, Fact, RecordingFailed, RecordingReady};
use hooks::id::{RecordingId, TenantId};
use media::{RecordRate, RecordSink};
use recordings::{Finished, NameError, Outcome, RecordingSpec, Recordings, RecordingsOptions};
use switch::media::{MediaEvent, RecordingOutcome};

use crate::journal::open_state::OpenState;
use crate::writer::Inbox;

/// Files whose outcome is not in the journal yet, by recording.
type Unconfirmed = Arc<Mutex<BTreeMap<RecordingId, Finished>>>;

/// Writes the recordings of the process.
pub struct Recorder {
    recordings: Recordings,
    unconfirmed: Unconfirmed,
}

impl Recorder {
    /// Starts the threads that write. What a crash left behind must have been repaired.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn start(folder: &Path, inbox: Inbox) -> anyhow::Result<Self> {
        let unconfirmed = Unconfirmed::default();
        let finished = Arc::clone(&unconfirmed);
        let recordings = Recordings::start(RecordingsOptions::new(folder), move |file| finish(&inbox, &finished, file))
            .with_context(|| format!("cannot record in {}; change recording.dir", folder.display()))?;
        Ok(Self { recordings, unconfirmed })
    }

    /// A sink for a recording; dropped, it ends it.
    ///
    /// # Errors
    /// The tenant or the id cannot be part of a path.
    pub fn begin(
        &self,
        tenant: &str,
        recording: RecordingId,
        rate: RecordRate,
    ) -> Result<Box<dyn RecordSink>, NameError> {
        let spec = RecordingSpec {
            tenant: tenant.to_owned(),
            id: recording.to_string(),
            started_at_ms: recording.unix_ms(),
            rate,
        };
        Ok(Box::new(self.recordings.begin(&spec)?))
    }

    /// The outcome is in the journal.
    pub fn confirm(&self, recording: RecordingId) {
        if let Some(finished) = lock(&self.unconfirmed).remove(&recording) {
            self.recordings.confirm(&finished);
        }
    }

    /// What was repaired at the start is in the journal.
    pub fn confirm_repaired(&self, repaired: &[Finished]) {
        repaired.iter().for_each(|finished| self.recordings.confirm(finished));
    }
}

/// Runs on the thread that finishes files.
fn finish(inbox: &Inbox, unconfirmed: &Unconfirmed, finished: Finished) {
    let Ok(recording) = finished.id.parse::<RecordingId>() else { return };
    let outcome = match &finished.outcome {
        Outcome::Ready(file) => RecordingOutcome::Ready {
            bytes: file.bytes,
            duration_ms: file.duration_ms,
            sha256: file.sha256.clone(),
            partial: file.partial.is_some(),
        },
        Outcome::Failed { reason } => RecordingOutcome::Failed { reason: reason.clone() },
    };
    lock(unconfirmed).insert(recording, finished);
    inbox.media(MediaEvent::Recorded { recording, outcome });
}

/// What the journal has to be told of the recordings that a crash interrupted: each open one is ready (and partial) or failed.
#[must_use]
pub fn interrupted(tenant: &TenantId, open: &OpenState, repaired: &[Finished], at_ms: u64) -> Vec<Fact> {
    let file_of = |id: &RecordingId| {
        let id = id.to_string();
        repaired.iter().find(|file| file.tenant == tenant.as_str() && file.id == id)
    };
    let event = |(id, recording): (&RecordingId, &crate::journal::open_state::OpenRecording)| {
        let call = recording.started.call;
        match file_of(id).map(|file| &file.outcome) {
            Some(Outcome::Ready(file)) => Event::RecordingReady(RecordingReady {
                recording: *id,
                call,
                path: file.path.clone(),
                bytes: file.bytes,
                duration_ms: file.duration_ms,
                sha256: file.sha256.clone(),
                partial: file.partial.is_some(),
            }),
            Some(Outcome::Failed { reason }) => {
                Event::RecordingFailed(RecordingFailed { recording: *id, call, reason: reason.clone() })
            }
            None => Event::RecordingFailed(RecordingFailed {
                recording: *id,
                call,
                reason: "the process ended before anything was written".to_owned(),
            }),
        }
    };
    let facts = open.recordings.iter().map(event);
    facts.map(|event| Fact { tenant: tenant.clone(), at_ms, event }).collect()
}

/// The last moment that a repaired recording of the tenant tells of, ms since the Unix epoch; 0 for none.
#[must_use]
pub fn heard_until_ms(tenant: &TenantId, repaired: &[Finished]) -> u64 {
    let until = |file: &Finished| match (&file.outcome, file.id.parse::<RecordingId>()) {
        (Outcome::Ready(audio), Ok(id)) => id.unix_ms() + audio.duration_ms,
        (Outcome::Ready(_) | Outcome::Failed { .. }, _) => 0,
    };
    repaired.iter().filter(|file| file.tenant == tenant.as_str()).map(until).max().unwrap_or(0)
}

fn lock(unconfirmed: &Unconfirmed) -> MutexGuard<'_, BTreeMap<RecordingId, Finished>> {
    // A map is whole between two statements, so a panic elsewhere does not spoil it.
    unconfirmed.lock().unwrap_or_else(PoisonError::into_inner)
}
