//! What a legal sequence of facts is: one record a call, each leg begun and ended once, nothing after the end.

use std::collections::{BTreeMap, BTreeSet};

use hooks::fact::{EndCause, Event, Fact};
use hooks::id::{CallId, LegId, RecordingId};

/// How long after its end a leg's fact may be written.
const LATE_MS: u64 = 3_000;

/// A call as its facts tell it.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// When it was created, ms.
    pub created_ms: u64,
    /// Open legs.
    pub open_legs: BTreeSet<LegId>,
    /// The Call-IDs of all its legs.
    pub sip_call_ids: Vec<String>,
    /// Two parties talked.
    pub answered: bool,
    /// How it ended.
    pub ended: Option<EndCause>,
}

/// All calls of a world.
#[derive(Debug, Default)]
pub struct Records {
    /// By call.
    pub calls: BTreeMap<CallId, Record>,
    recordings: BTreeMap<RecordingId, bool>,
    last_ms: u64,
}

impl Records {
    /// Takes in the next fact.
    ///
    /// # Errors
    /// It cannot stand after the ones before.
    pub fn apply(&mut self, fact: &Fact) -> Result<(), String> {
        // A leg's end waits for its media's figures, and is dated when it was.
        let late = if matches!(fact.event, Event::LegEnded(_) | Event::CallEnded(_)) { LATE_MS } else { 0 };
        if fact.at_ms + late < self.last_ms {
            return Err(format!("a fact before the one before it: {fact:?}"));
        }
        self.last_ms = self.last_ms.max(fact.at_ms);
        self.step(fact).map_err(|wrong| format!("{wrong}: {fact:?}"))
    }

    /// What is unfinished at the end of the world.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        let calls = self.calls.iter().filter(|(_, record)| record.ended.is_none()).map(|(id, _)| format!("call {id}"));
        let recordings = self.recordings.iter().filter(|(_, done)| !**done).map(|(id, _)| format!("recording {id}"));
        calls.chain(recordings).collect()
    }

    /// Calls that have not ended.
    #[must_use]
    pub fn open_calls(&self) -> Vec<CallId> {
        self.calls.iter().filter(|(_, record)| record.ended.is_none()).map(|(id, _)| *id).collect()
    }

    /// The process died: the repair at its start finishes every recording.
    pub fn close_recordings(&mut self) {
        self.recordings.values_mut().for_each(|done| *done = true);
    }

    fn step(&mut self, fact: &Fact) -> Result<(), &'static str> {
        match &fact.event {
            Event::CallCreated(e) => {
                let record = Record { created_ms: fact.at_ms, ..Record::default() };
                if self.calls.insert(e.call, record).is_some() {
                    return Err("a call created twice");
                }
            }
            Event::LegStarted(e) => {
                let record = self.live(e.call)?;
                record.sip_call_ids.push(e.sip_call_id.clone());
                if !record.open_legs.insert(e.leg) {
                    return Err("a leg started twice");
                }
            }
            Event::LegRinging(e) => self.open_leg(e.call, e.leg)?,
            Event::LegAnswered(e) => self.open_leg(e.call, e.leg)?,
            Event::CallHeld(e) | Event::CallRetrieved(e) => self.open_leg(e.call, e.leg)?,
            Event::CallAnswered(e) => {
                self.open_leg(e.call, e.leg)?;
                if std::mem::replace(&mut self.live(e.call)?.answered, true) {
                    return Err("a call answered twice");
                }
            }
            Event::LegEnded(e) => {
                if !self.live(e.call)?.open_legs.remove(&e.leg) {
                    return Err("a leg ended that was not open");
                }
            }
            Event::CallEnded(e) => {
                let record = self.live(e.call)?;
                if !record.open_legs.is_empty() && e.cause != EndCause::Interrupted {
                    return Err("a call ended before its legs");
                }
                record.ended = Some(e.cause);
            }
            Event::RecordingStarted(e) => {
                self.live(e.call)?;
                if self.recordings.insert(e.recording, false).is_some() {
                    return Err("a recording started twice");
                }
            }
            Event::RecordingReady(e) => self.recorded(e.recording)?,
            Event::RecordingFailed(e) => self.recorded(e.recording)?,
            Event::RegistrationBound(_)
            | Event::RegistrationUnbound(_)
            | Event::SourceBanned(_)
            | Event::SettingsChanged(_) => {}
        }
        Ok(())
    }

    fn live(&mut self, call: CallId) -> Result<&mut Record, &'static str> {
        let record = self.calls.get_mut(&call).ok_or("a call that was never created")?;
        if record.ended.is_some() { Err("something after the end of its call") } else { Ok(record) }
    }

    fn open_leg(&mut self, call: CallId, leg: LegId) -> Result<(), &'static str> {
        if self.live(call)?.open_legs.contains(&leg) { Ok(()) } else { Err("a leg that is not open") }
    }

    fn recorded(&mut self, recording: RecordingId) -> Result<(), &'static str> {
        match self.recordings.insert(recording, true) {
            Some(false) => Ok(()),
            Some(true) => Err("a recording ended twice"),
            None => Err("a recording that never started"),
        }
    }
}
