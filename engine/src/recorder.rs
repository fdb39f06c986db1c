//! Between the media threads and the recording files: a sink for each recording, its end as an event for the switch, and
//! what a crash left behind as facts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use hooks::fact::{Event, Fact, RecordingDiscarded, RecordingFailed, RecordingReady, VoicemailLeft};
use hooks::id::{RecordingId, TenantId};
use media::{RecordRate, RecordSink};
use recordings::{Finished, NameError, Outcome, RecordingSpec, Recordings, RecordingsOptions};
use switch::media::{MediaEvent, RecordingOutcome};

use crate::journal::open_state::{OpenRecording, OpenState};
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
    let event = |(id, recording): (&RecordingId, &OpenRecording)| {
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
    let facts = open.recordings.iter().flat_map(|(id, recording)| {
        let event = event((id, recording));
        let message = message(open, recording, &event);
        [Some(event), message].into_iter().flatten()
    });
    facts.map(|event| Fact { tenant: tenant.clone(), at_ms, event }).collect()
}

/// A message that was being left when the process died counts as far as it goes.
fn message(open: &OpenState, recording: &OpenRecording, end: &Event) -> Option<Event> {
    let started = &recording.started;
    let mailbox = started.mailbox.clone().filter(|_| !recording.is_decided)?;
    let Event::RecordingReady(ready) = end else { return None };
    let least = u64::from(dialplan::voicemail::Rules::default().min_ms);
    let created = open.calls.get(&started.call).map(|call| &call.created).filter(|_| ready.duration_ms >= least);
    Some(match created {
        Some(created) => Event::VoicemailLeft(VoicemailLeft {
            voicemail: started.recording,
            call: started.call,
            mailbox,
            caller: created.caller.clone(),
            caller_name: created.caller_name.clone(),
            callee: created.callee.clone(),
            length_ms: ready.duration_ms,
        }),
        None => Event::RecordingDiscarded(RecordingDiscarded { recording: started.recording, call: started.call }),
    })
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

#[cfg(test)]
mod tests {
    use hooks::fact::{CallCreated, CallSource, Direction, RecordingStarted};
    use hooks::id::{CallId, LegId};

    use super::*;

    /// What is told of a message that was being left, after it was `is_decided` what becomes of it.
    fn told(duration_ms: u64, is_decided: bool) -> &'static str {
        let (call, recording, leg) = (CallId::new(1, 1), RecordingId::new(1, 2), LegId::new(1, 3));
        let created = CallCreated {
            call,
            direction: Direction::Inbound,
            source: CallSource::Dialled,
            caller: "13800000000".to_owned(),
            caller_name: String::new(),
            callee: "8610".to_owned(),
            trunk: None,
            emergency: false,
            diverted_from: None,
        };
        let mailbox = Some("queue:support".to_owned());
        let started = RecordingStarted { recording, call, left: leg, right: leg, part: 1, conference: None, mailbox };
        let mut events = vec![Event::CallCreated(created), Event::RecordingStarted(started)];
        events.extend(is_decided.then_some(Event::RecordingDiscarded(RecordingDiscarded { recording, call })));
        let mut open = OpenState::default();
        events.into_iter().for_each(|event| open.take(&Fact { tenant: TenantId::first(), at_ms: 5, event }));
        let ready = RecordingReady {
            recording,
            call,
            path: String::new(),
            bytes: 44,
            duration_ms,
            sha256: String::new(),
            partial: true,
        };
        match message(&open, &open.recordings[&recording], &Event::RecordingReady(ready)) {
            None => "nothing",
            Some(Event::RecordingDiscarded(_)) => "discarded",
            Some(Event::VoicemailLeft(left)) => {
                assert_eq!((left.mailbox.as_str(), left.length_ms), ("queue:support", duration_ms));
                assert_eq!((left.caller.as_str(), left.callee.as_str()), ("13800000000", "8610"));
                "left"
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_that_was_being_left_counts_as_far_as_it_goes() {
        assert_eq!(told(2_000, false), "left");
        assert_eq!(told(1_999, false), "discarded");
        assert_eq!(told(2_000, true), "nothing", "that was said before");
    }
}
