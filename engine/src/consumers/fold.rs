//! From facts to call records, recordings and registrations. Pure: the same facts on the same documents always give the same.

use std::collections::{BTreeMap, BTreeSet};

use hooks::duration::{talk, whole_seconds};
use hooks::fact::{
    AudioFormat, CallCreated, CallEnded, CallResumed, Direction, Event, Fact, LegEnded, LegRinging, LegStarted,
    PeerKind, RecordingFailed, RecordingMark, RecordingPurged, RecordingReady, RecordingStarted, RecordingStored,
    RegistrationBound,
};
use hooks::id::{CallId, LegId, RecordingId};
use hooks::plugin::Recorded;

use super::{flows, segments};
use crate::store::recordings::{Mark, MarkKind, Recording, RecordingFile, RecordingState, StoredAudio};
use crate::store::records::{
    CallDocument, CallEnd, CallLeg, CallRecord, Derived, Interruption, LegAnswer, LegEnd, SurveyResult,
};
use crate::store::registrations::RegistrationChange;

use super::voicemail::{self, Use};

/// Calls that are running, as far as the facts have come, and what changed since it was last saved.
#[derive(Debug, Default)]
pub struct CallFold {
    calls: BTreeMap<CallId, CallDocument>,
    touched: BTreeSet<CallId>,
    registrations: BTreeMap<(String, String), RegistrationChange>,
}

impl CallFold {
    /// Calls that these facts speak of and that are not held: read them from the store and [`CallFold::hold`] them first.
    #[must_use]
    pub fn missing(&self, facts: &[Recorded]) -> Vec<CallId> {
        let mut created = BTreeSet::new();
        let mut missing = BTreeSet::new();
        for event in facts.iter().map(|recorded| &recorded.fact.event) {
            let Some(call) = call_of(event) else { continue };
            if matches!(event, Event::CallCreated(_)) {
                created.insert(call);
            } else if !created.contains(&call) && !self.calls.contains_key(&call) {
                missing.insert(call);
            }
        }
        missing.into_iter().collect()
    }

    /// Takes documents from the store.
    pub fn hold(&mut self, documents: Vec<CallDocument>) {
        self.calls.extend(documents.into_iter().map(|document| (document.record.call, document)));
    }

    /// Calls that are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.calls.len()
    }

    /// Takes a fact in. One about a call that nobody knows (its beginning was deleted from the journal) comes to nothing.
    pub fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::CallCreated(event) => self.create(event, fact.at_ms),
            Event::RegistrationBound(binding) => self.bind(binding, fact.at_ms),
            Event::RegistrationUnbound(event) => {
                let (extension, contact) = (event.extension.clone(), event.contact.clone());
                let key = (extension.clone(), contact.clone());
                self.registrations.insert(key, RegistrationChange::Unbound { extension, contact });
            }
            Event::AgentStateChanged(event) => event.call.into_iter().for_each(|call| self.happen(call, fact)),
            Event::AgentSignedIn(_)
            | Event::ConferenceStarted(_)
            | Event::ConferenceEnded(_)
            | Event::SourceBanned(_)
            | Event::SettingsChanged(_)
            | Event::DirectoryChanged(_)
            | Event::TrunkUp(_)
            | Event::TrunkDown(_) => {}
            Event::LegStarted(_)
            | Event::LegRinging(_)
            | Event::LegAnswered(_)
            | Event::LegEnded(_)
            | Event::CallAnswered(_)
            | Event::CallHeld(_)
            | Event::CallRetrieved(_)
            | Event::TransferStarted(_)
            | Event::Transferred(_)
            | Event::TransferFailed(_)
            | Event::CallParked(_)
            | Event::CallUnparked(_)
            | Event::FlowWalked(_)
            | Event::ConsultStarted(_)
            | Event::ConsultEnded(_)
            | Event::ThreeWayStarted(_)
            | Event::ThreeWayEnded(_)
            | Event::CallSupervised(_)
            | Event::CallSupervisionEnded(_)
            | Event::CallQueued(_)
            | Event::CallBlocked(_)
            | Event::SurveyInvited(_)
            | Event::SurveyCompleted(_)
            | Event::CallLeftQueue(_)
            | Event::CallOffered(_)
            | Event::CallOfferEnded(_)
            | Event::OverflowAnswered(_)
            | Event::CallbackRequested(_)
            | Event::CallbackStarted(_)
            | Event::CallbackEnded(_)
            | Event::CallResumed(_)
            | Event::MemberJoined(_)
            | Event::MemberLeft(_)
            | Event::MemberMuted(_)
            | Event::CallEnded(_)
            | Event::RecordingStarted(_)
            | Event::RecordingReady(_)
            | Event::RecordingFailed(_)
            | Event::RecordingStored(_)
            | Event::RecordingPurged(_)
            | Event::RecordingDiscarded(_)
            | Event::VoicemailLeft(_)
            | Event::VoicemailListened(_)
            | Event::VoicemailDownloaded(_)
            | Event::VoicemailDeleted(_)
            | Event::RecordingPaused(_)
            | Event::RecordingResumed(_) => {
                let call = fact.event.call().expect("these events belong to a call");
                self.happen(call, fact);
            }
        }
    }

    fn bind(&mut self, binding: &RegistrationBound, at_ms: u64) {
        let key = (binding.extension.clone(), binding.contact.clone());
        self.registrations.insert(key, RegistrationChange::Bound { at_ms, binding: binding.clone() });
    }

    fn happen(&mut self, call: CallId, fact: &Fact) {
        if let Some(document) = self.calls.get_mut(&call) {
            happen(document, &fact.event, fact.at_ms);
            segments::happen(document, &fact.event, fact.at_ms);
            self.touched.insert(call);
        }
    }

    fn create(&mut self, event: &CallCreated, at_ms: u64) {
        self.touched.insert(event.call);
        self.calls.insert(event.call, CallDocument::of(created(event, at_ms)));
    }

    /// What has changed since [`CallFold::saved`].
    #[must_use]
    pub fn derived(&self) -> Derived {
        Derived {
            calls: self.touched.iter().filter_map(|call| self.calls.get(call)).cloned().collect(),
            registrations: self.registrations.values().cloned().collect(),
            ..Derived::default()
        }
    }

    /// What [`CallFold::derived`] gave is stored. Calls that are over are let go; a late fact reads them again.
    pub fn saved(&mut self) {
        self.registrations.clear();
        for call in std::mem::take(&mut self.touched) {
            if self.calls.get(&call).is_some_and(|document| document.record.end.is_some()) {
                self.calls.remove(&call);
            }
        }
    }
}

/// The call that a fact is about.
fn call_of(event: &Event) -> Option<CallId> {
    match event {
        Event::AgentStateChanged(event) => event.call,
        other => other.call(),
    }
}

fn created(event: &CallCreated, at_ms: u64) -> CallRecord {
    CallRecord {
        call: event.call,
        direction: event.direction,
        source: event.source,
        caller: event.caller.clone(),
        caller_name: event.caller_name.clone(),
        callee: event.callee.clone(),
        trunk: event.trunk.clone(),
        emergency: event.emergency,
        caller_extension: None,
        callee_extension: None,
        created_at_ms: at_ms,
        ringing_at_ms: None,
        answered_at_ms: None,
        interruptions: Vec::new(),
        queue: None,
        queue_wait_ms: None,
        connected_at_ms: None,
        agent: None,
        overflow_number: None,
        lost: false,
        survey: None,
        end: None,
    }
}

fn happen(document: &mut CallDocument, event: &Event, at_ms: u64) {
    match event {
        Event::LegStarted(event) => leg_started(document, event, at_ms),
        Event::LegRinging(event) => leg_ringing(document, event, at_ms),
        Event::LegAnswered(event) => {
            if let Some(leg) = leg_of(document, event.leg) {
                leg.answer.get_or_insert(LegAnswer { at_ms, codec: event.codec.clone() });
            }
        }
        Event::LegEnded(event) => leg_ended(document, event, at_ms),
        Event::CallAnswered(event) => answered(document, event.leg, at_ms),
        Event::CallResumed(event) => resumed(document, event),
        Event::CallEnded(event) => call_ended(document, event, at_ms),
        Event::RecordingStarted(event) => recording_started(document, event, at_ms),
        Event::RecordingReady(event) => recording_ready(document, event, at_ms),
        Event::RecordingFailed(event) => recording_failed(document, event, at_ms),
        Event::RecordingStored(event) => recording_stored(document, event),
        Event::RecordingPurged(event) => recording_purged(document, event, at_ms),
        Event::RecordingDiscarded(event) => recording_of(document, event.recording, at_ms).discarded = true,
        Event::SurveyInvited(event) => document.record.survey = Some(SurveyResult::of(event)),
        Event::SurveyCompleted(event) => document.record.survey.iter_mut().for_each(|survey| survey.take(event)),
        Event::VoicemailLeft(event) => voicemail::left(document, event, at_ms),
        Event::VoicemailListened(event) => voicemail::used(document, event, at_ms, Use::Listened),
        Event::VoicemailDownloaded(event) => voicemail::used(document, event, at_ms, Use::Downloaded),
        Event::VoicemailDeleted(event) => voicemail::used(document, event, at_ms, Use::Deleted),
        Event::FlowWalked(event) => flows::walked(document, event),
        Event::RecordingPaused(event) => recording_marked(document, event, at_ms, MarkKind::Paused),
        Event::RecordingResumed(event) => recording_marked(document, event, at_ms, MarkKind::Resumed),
        Event::CallCreated(_)
        | Event::AgentStateChanged(_)
        | Event::AgentSignedIn(_)
        | Event::CallParked(_)
        | Event::CallUnparked(_)
        | Event::ConsultStarted(_)
        | Event::ConsultEnded(_)
        | Event::ThreeWayStarted(_)
        | Event::ThreeWayEnded(_)
        | Event::CallSupervised(_)
        | Event::CallSupervisionEnded(_)
        | Event::CallQueued(_)
        | Event::CallBlocked(_)
        | Event::CallLeftQueue(_)
        | Event::CallOffered(_)
        | Event::CallOfferEnded(_)
        | Event::OverflowAnswered(_)
        | Event::CallbackRequested(_)
        | Event::CallbackStarted(_)
        | Event::CallbackEnded(_)
        | Event::CallHeld(_)
        | Event::CallRetrieved(_)
        | Event::TransferStarted(_)
        | Event::Transferred(_)
        | Event::TransferFailed(_)
        | Event::ConferenceStarted(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::MemberMuted(_)
        | Event::ConferenceEnded(_)
        | Event::RegistrationBound(_)
        | Event::RegistrationUnbound(_)
        | Event::SourceBanned(_)
        | Event::SettingsChanged(_)
        | Event::DirectoryChanged(_)
        | Event::TrunkUp(_)
        | Event::TrunkDown(_) => {}
    }
}

fn leg_of(document: &mut CallDocument, leg: LegId) -> Option<&mut CallLeg> {
    document.legs.iter_mut().find(|it| it.leg == leg)
}

fn leg_started(document: &mut CallDocument, event: &LegStarted, at_ms: u64) {
    if document.legs.iter().any(|leg| leg.leg == event.leg) {
        return;
    }
    let record = &mut document.record;
    match (event.peer, event.caller_side) {
        (PeerKind::Extension, true) => record.caller_extension = Some(event.peer_name.clone()),
        // Once somebody has answered, others that ring do not take the place.
        (PeerKind::Extension, false) if record.answered_at_ms.is_none() => {
            record.callee_extension = Some(event.peer_name.clone());
        }
        (PeerKind::Trunk, _) if record.trunk.is_none() => record.trunk = Some(event.peer_name.clone()),
        (PeerKind::Extension | PeerKind::Trunk | PeerKind::Service, _) => {}
    }
    document.legs.push(CallLeg {
        leg: event.leg,
        caller_side: event.caller_side,
        peer: event.peer,
        peer_name: event.peer_name.clone(),
        number: event.number.clone(),
        sip_call_id: event.sip_call_id.clone(),
        started_at_ms: at_ms,
        ringing_at_ms: None,
        early_media: false,
        answer: None,
        end: None,
    });
}

fn leg_ringing(document: &mut CallDocument, event: &LegRinging, at_ms: u64) {
    let Some(leg) = leg_of(document, event.leg) else { return };
    leg.ringing_at_ms.get_or_insert(at_ms);
    leg.early_media |= event.early_media;
    if !leg.caller_side {
        document.record.ringing_at_ms.get_or_insert(at_ms);
    }
}

fn leg_ended(document: &mut CallDocument, event: &LegEnded, at_ms: u64) {
    if let Some(leg) = leg_of(document, event.leg) {
        let end = LegEnd { at_ms, cause: event.cause, sip_status: event.sip_status, quality: event.quality.clone() };
        leg.end.get_or_insert(end);
    }
}

fn answered(document: &mut CallDocument, leg: LegId, at_ms: u64) {
    document.record.answered_at_ms.get_or_insert(at_ms);
    let Some(leg) = document.legs.iter().find(|it| it.leg == leg && !it.caller_side) else { return };
    match leg.peer {
        PeerKind::Extension => document.record.callee_extension = Some(leg.peer_name.clone()),
        // The trunk that took the call, after others that did not; what came in stays with the one that it came by.
        PeerKind::Trunk if document.record.direction != Direction::Inbound => {
            document.record.trunk = Some(leg.peer_name.clone());
        }
        PeerKind::Trunk | PeerKind::Service => {}
    }
}

fn resumed(document: &mut CallDocument, event: &CallResumed) {
    let from_ms = event.interrupted_at_ms;
    let interruption = Interruption { from_ms, to_ms: from_ms.saturating_add(event.gap_ms) };
    if document.record.interruptions.len() < INTERRUPTIONS_MAX {
        document.record.interruptions.push(interruption);
    }
}

fn call_ended(document: &mut CallDocument, event: &CallEnded, at_ms: u64) {
    let record = &mut document.record;
    if record.end.is_some() {
        return;
    }
    let rang_until = record.answered_at_ms.unwrap_or(at_ms);
    record.end = Some(CallEnd {
        at_ms,
        cause: event.cause,
        by: event.by,
        sip_status: event.sip_status,
        ring_duration_ms: record.ringing_at_ms.map_or(0, |at| whole_seconds(rang_until.saturating_sub(at))),
        talk_duration_ms: record.answered_at_ms.map_or(0, |at| talk(at, at_ms)),
        total_duration_ms: whole_seconds(at_ms.saturating_sub(record.created_at_ms)),
    });
    // After a crash nobody saw them end.
    for leg in document.legs.iter_mut().filter(|leg| leg.end.is_none()) {
        leg.end = Some(LegEnd { at_ms, cause: event.cause, sip_status: 0, quality: None });
    }
}

/// A record tells no more interruptions than these; a process that is killed more often during one call is beyond telling.
const INTERRUPTIONS_MAX: usize = 100;

fn recording_of(document: &mut CallDocument, id: RecordingId, started_at_ms: u64) -> &mut Recording {
    let at = document.recordings.iter().position(|it| it.recording == id).unwrap_or_else(|| {
        // Its beginning was not told: it failed at once, or only its file was found after a crash.
        document.recordings.push(Recording {
            recording: id,
            call: document.record.call,
            left: None,
            right: None,
            part: 1,
            started_at_ms,
            marks: Vec::new(),
            mailbox: None,
            discarded: false,
            state: RecordingState::Running,
        });
        document.recordings.len() - 1
    });
    &mut document.recordings[at]
}

fn recording_started(document: &mut CallDocument, event: &RecordingStarted, at_ms: u64) {
    let recording = recording_of(document, event.recording, at_ms);
    (recording.left, recording.right) = (Some(event.left), Some(event.right));
    recording.part = event.part;
    recording.mailbox.clone_from(&event.mailbox);
}

fn recording_ready(document: &mut CallDocument, event: &RecordingReady, at_ms: u64) {
    let recording = recording_of(document, event.recording, at_ms.saturating_sub(event.duration_ms));
    recording.state = RecordingState::Ready(RecordingFile {
        path: event.path.clone(),
        bytes: event.bytes,
        duration_ms: event.duration_ms,
        sha256: event.sha256.clone(),
        partial: event.partial,
        format: AudioFormat::Wav,
        stored: None,
    });
}

fn recording_stored(document: &mut CallDocument, event: &RecordingStored) {
    if let Some(file) = file_of(document, event.recording) {
        (file.path, file.bytes, file.sha256) = (event.path.clone(), event.bytes, event.sha256.clone());
        (file.format, file.stored) =
            (event.format, Some(StoredAudio { place: event.place, sealed_by: event.sealed_by.clone() }));
    }
}

fn recording_purged(document: &mut CallDocument, event: &RecordingPurged, at_ms: u64) {
    if let Some(file) = file_of(document, event.recording).cloned() {
        recording_of(document, event.recording, at_ms).state = RecordingState::Purged { file, at_ms };
    }
}

fn file_of(document: &mut CallDocument, id: RecordingId) -> Option<&mut RecordingFile> {
    match &mut document.recordings.iter_mut().find(|it| it.recording == id)?.state {
        RecordingState::Ready(file) => Some(file),
        RecordingState::Running | RecordingState::Failed { .. } | RecordingState::Purged { .. } => None,
    }
}

fn recording_marked(document: &mut CallDocument, event: &RecordingMark, at_ms: u64, kind: MarkKind) {
    let recording = recording_of(document, event.recording, at_ms.saturating_sub(event.offset_ms));
    let mark = Mark { kind, at_ms, offset_ms: event.offset_ms, by: event.by.clone() };
    // A fact may be told again after a crash of this consumer.
    if recording.marks.len() < MARKS_MAX && !recording.marks.contains(&mark) {
        recording.marks.push(mark);
    }
}

/// A recording shows no more marks than these; the facts tell all.
const MARKS_MAX: usize = 200;

fn recording_failed(document: &mut CallDocument, event: &RecordingFailed, at_ms: u64) {
    let recording = recording_of(document, event.recording, at_ms);
    // What is playable stays playable.
    if recording.state == RecordingState::Running {
        recording.state = RecordingState::Failed { reason: event.reason.clone() };
    }
}
