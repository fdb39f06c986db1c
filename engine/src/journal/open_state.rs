//! What is not over yet: calls with their legs, conferences, recordings, registrations. Carried from segment to segment, so that a restart
//! knows at once what the last process left open.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use hooks::fact::{
    AgentStateChanged, CallCreated, CallEnded, CallbackRequested, CallbackStarted, ConferenceEnd, ConferenceEnded,
    ConferenceStarted, EndCause, EndedBy, Event, Fact, LeftReason, LegAnswered, LegEnded, LegStarted, MemberJoined,
    MemberLeft, RecordingStarted, RegistrationBound, Sign,
};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId, TenantId};
use serde::{Deserialize, Serialize};

/// What is open after some fact. Times are ms since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenState {
    /// Calls that have not ended.
    pub calls: BTreeMap<CallId, OpenCall>,
    /// Conferences that have not ended.
    pub conferences: BTreeMap<ConferenceId, OpenConference>,
    /// Recordings that are neither ready nor failed; their call may have ended.
    pub recordings: BTreeMap<RecordingId, OpenRecording>,
    /// Registrations by extension, then Contact; those that were not refreshed leave with the next segment at the latest.
    pub registrations: BTreeMap<String, BTreeMap<String, RegistrationBound>>,
    /// Agents who are signed in, by employee number (AGT-15).
    pub agents: BTreeMap<String, OpenAgent>,
    /// Callers who are to be called back, by the call in which they asked for it.
    pub callbacks: BTreeMap<CallId, OpenCallback>,
    /// The time of the latest fact: the process lived then.
    pub last_at_ms: u64,
}

/// An agent who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAgent {
    /// What was written down of him last.
    pub changed: AgentStateChanged,
    /// Since when he is in that state.
    pub since_ms: u64,
}

/// A caller who is to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCallback {
    /// What he asked for.
    pub requested: CallbackRequested,
    /// When.
    pub requested_at_ms: u64,
    /// How often he was called.
    pub attempts: u8,
}

/// A call that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCall {
    /// How it began.
    pub created: CallCreated,
    /// When.
    pub created_at_ms: u64,
    /// When two parties talked for the first time.
    pub answered_at_ms: Option<u64>,
    /// Its legs that have not ended.
    pub legs: BTreeMap<LegId, OpenLeg>,
    /// The time of its latest fact.
    pub last_at_ms: u64,
}

/// A leg that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLeg {
    /// How it began.
    pub started: LegStarted,
    /// When.
    pub started_at_ms: u64,
    /// When it answered.
    pub answered_at_ms: Option<u64>,
}

/// A conference that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenConference {
    /// The room's number.
    pub room: String,
    /// Its members: call and leg.
    pub members: BTreeMap<CallId, LegId>,
    /// The most members it had at a time.
    pub most_members: u32,
}

/// A recording that is neither ready nor failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecording {
    /// Of what.
    pub started: RecordingStarted,
    /// When it began.
    pub started_at_ms: u64,
    /// Where it is a message: it is said whether it is kept.
    #[serde(default)]
    pub is_decided: bool,
}

impl OpenState {
    fn joined(&mut self, joined: &MemberJoined) {
        if let Some(conference) = self.conferences.get_mut(&joined.conference) {
            conference.members.insert(joined.call, joined.leg);
            conference.most_members = conference.most_members.max(joined.members);
        }
    }

    fn leg_started(&mut self, started: &LegStarted, at_ms: u64) {
        let leg = OpenLeg { started: started.clone(), started_at_ms: at_ms, answered_at_ms: None };
        self.of_call(started.call, |call| _ = call.legs.insert(started.leg, leg));
    }

    fn leg_answered(&mut self, answered: &LegAnswered, at_ms: u64) {
        self.of_call(answered.call, |call| {
            if let Some(leg) = call.legs.get_mut(&answered.leg) {
                leg.answered_at_ms.get_or_insert(at_ms);
            }
        });
    }

    fn recording_started(&mut self, started: &RecordingStarted, at_ms: u64) {
        let recording = OpenRecording { started: started.clone(), started_at_ms: at_ms, is_decided: false };
        self.recordings.insert(started.recording, recording);
    }

    fn bind(&mut self, bound: &RegistrationBound) {
        let of_extension = self.registrations.entry(bound.extension.clone()).or_default();
        of_extension.insert(bound.contact.clone(), bound.clone());
    }

    fn callback_requested(&mut self, requested: &CallbackRequested, at_ms: u64) {
        let open = OpenCallback { requested: requested.clone(), requested_at_ms: at_ms, attempts: 0 };
        self.callbacks.insert(requested.call, open);
    }

    fn callback_started(&mut self, started: &CallbackStarted) {
        if let Some(open) = self.callbacks.get_mut(&started.callback) {
            open.attempts = started.attempt;
        }
    }

    fn decided(&mut self, recording: RecordingId) {
        if let Some(open) = self.recordings.get_mut(&recording) {
            open.is_decided = true;
        }
    }

    /// Takes in the next fact.
    pub fn take(&mut self, fact: &Fact) {
        let at_ms = fact.at_ms;
        self.last_at_ms = self.last_at_ms.max(at_ms);
        if let Some(call) = fact.event.call().and_then(|call| self.calls.get_mut(&call)) {
            call.last_at_ms = call.last_at_ms.max(at_ms);
        }
        match &fact.event {
            Event::CallCreated(created) => self.create(created, at_ms),
            Event::LegStarted(started) => self.leg_started(started, at_ms),
            Event::LegAnswered(answered) => self.leg_answered(answered, at_ms),
            Event::LegEnded(ended) => self.of_call(ended.call, |call| _ = call.legs.remove(&ended.leg)),
            Event::CallAnswered(answered) => {
                self.of_call(answered.call, |call| _ = call.answered_at_ms.get_or_insert(at_ms));
            }
            Event::CallEnded(ended) => _ = self.calls.remove(&ended.call),
            Event::ConferenceStarted(started) => self.conference_started(started),
            Event::MemberJoined(joined) => self.joined(joined),
            Event::MemberLeft(left) => self.left(left),
            Event::ConferenceEnded(ended) => _ = self.conferences.remove(&ended.conference),
            Event::RecordingStarted(started) => self.recording_started(started, at_ms),
            Event::RecordingReady(ready) => _ = self.recordings.remove(&ready.recording),
            Event::RecordingFailed(failed) => _ = self.recordings.remove(&failed.recording),
            Event::VoicemailLeft(left) => self.decided(left.voicemail),
            Event::RecordingDiscarded(discarded) => self.decided(discarded.recording),
            Event::RegistrationBound(bound) => self.bind(bound),
            Event::CallbackRequested(requested) => self.callback_requested(requested, at_ms),
            Event::CallbackStarted(started) => self.callback_started(started),
            Event::CallbackEnded(ended) => _ = self.callbacks.remove(&ended.call),
            Event::AgentStateChanged(changed) => self.agent(changed, at_ms),
            Event::RegistrationUnbound(unbound) => self.unbind(&unbound.extension, &unbound.contact),
            Event::CallParked(_)
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
            | Event::VoicemailListened(_)
            | Event::VoicemailDownloaded(_)
            | Event::VoicemailDeleted(_)
            | Event::RecordingStored(_)
            | Event::RecordingPurged(_)
            | Event::RecordingPaused(_)
            | Event::RecordingResumed(_)
            | Event::LegRinging(_)
            | Event::CallHeld(_)
            | Event::CallRetrieved(_)
            | Event::TransferStarted(_)
            | Event::Transferred(_)
            | Event::TransferFailed(_)
            | Event::CallResumed(_)
            | Event::MemberMuted(_)
            | Event::SourceBanned(_)
            | Event::SettingsChanged(_)
            | Event::AgentSignedIn(_)
            | Event::DirectoryChanged(_)
            | Event::TrunkUp(_)
            | Event::TrunkDown(_) => {}
        }
    }

    fn conference_started(&mut self, started: &ConferenceStarted) {
        let conference = OpenConference { room: started.room.clone(), ..OpenConference::default() };
        self.conferences.insert(started.conference, conference);
    }

    fn left(&mut self, left: &MemberLeft) {
        if let Some(conference) = self.conferences.get_mut(&left.conference) {
            conference.members.remove(&left.call);
        }
    }

    /// The facts that close every open call after a crash, to be appended before anything else: for each call its open legs'
    /// `call.leg_ended`, then `call.ended`, as `interrupted`. They carry the last time at which the call is known to have
    /// lived: that of the latest fact, or `alive_until_ms` if later (0 when nothing else, such as a recording, tells).
    #[must_use]
    pub fn interrupted(&self, tenant: &TenantId, alive_until_ms: u64) -> Vec<Fact> {
        let at_ms = self.last_at_ms.max(alive_until_ms);
        let mut facts = Vec::new();
        for (&call, open) in &self.calls {
            let ended = |&leg: &LegId| {
                Event::LegEnded(LegEnded {
                    call,
                    leg,
                    cause: EndCause::Interrupted,
                    sip_status: 0,
                    reason: None,
                    quality: None,
                })
            };
            let call_ended =
                Event::CallEnded(CallEnded { call, cause: EndCause::Interrupted, by: EndedBy::System, sip_status: 0 });
            let events = open.legs.keys().map(ended).chain([call_ended]);
            facts.extend(events.map(|event| Fact { tenant: tenant.clone(), at_ms, event }));
        }
        facts
    }

    /// The facts that empty every open conference after a crash but of the calls that go on, to be appended before those calls are
    /// closed: each other member's `conference.member_left` as lost, and `conference.ended` where nobody is left. Dated as
    /// [`Self::interrupted`] dates.
    #[must_use]
    pub fn left_rooms(&self, tenant: &TenantId, alive_until_ms: u64, going_on: &BTreeSet<CallId>) -> Vec<Fact> {
        let at_ms = self.last_at_ms.max(alive_until_ms);
        let mut events = Vec::new();
        for (&conference, open) in &self.conferences {
            let mut members = u32::try_from(open.members.len()).unwrap_or(u32::MAX);
            for (&call, &leg) in open.members.iter().filter(|(call, _)| !going_on.contains(call)) {
                members -= 1;
                let (room, reason) = (open.room.clone(), LeftReason::Lost);
                events.push(Event::MemberLeft(MemberLeft { conference, room, call, leg, reason, members }));
            }
            if members == 0 {
                let OpenConference { room, most_members, .. } = open.clone();
                let reason = ConferenceEnd::Empty;
                events.push(Event::ConferenceEnded(ConferenceEnded { conference, room, reason, most_members }));
            }
        }
        events.into_iter().map(|event| Fact { tenant: tenant.clone(), at_ms, event }).collect()
    }

    /// Without the registrations that ended by themselves before the latest fact.
    pub(super) fn without_expired(&self) -> Cow<'_, Self> {
        let expired = |bound: &RegistrationBound| bound.expires_at_ms < self.last_at_ms;
        if !self.registrations.values().flat_map(BTreeMap::values).any(expired) {
            return Cow::Borrowed(self);
        }
        let mut open = self.clone();
        open.registrations.retain(|_, contacts| {
            contacts.retain(|_, bound| !expired(bound));
            !contacts.is_empty()
        });
        Cow::Owned(open)
    }

    fn agent(&mut self, changed: &AgentStateChanged, at_ms: u64) {
        if changed.sign == Sign::Out {
            self.agents.remove(&changed.agent);
            return;
        }
        let before = self.agents.get(&changed.agent).filter(|_| changed.from == changed.to);
        let since_ms = before.map_or(at_ms, |before| before.since_ms);
        self.agents.insert(changed.agent.clone(), OpenAgent { changed: changed.clone(), since_ms });
    }

    fn create(&mut self, created: &CallCreated, at_ms: u64) {
        let call = OpenCall {
            created: created.clone(),
            created_at_ms: at_ms,
            answered_at_ms: None,
            legs: BTreeMap::new(),
            last_at_ms: at_ms,
        };
        self.calls.insert(created.call, call);
    }

    /// A fact of a call that is not open (its beginning was salvaged away) changes nothing.
    fn of_call(&mut self, call: CallId, change: impl FnOnce(&mut OpenCall)) {
        if let Some(call) = self.calls.get_mut(&call) {
            change(call);
        }
    }

    fn unbind(&mut self, extension: &str, contact: &str) {
        if let Some(contacts) = self.registrations.get_mut(extension) {
            contacts.remove(contact);
            if contacts.is_empty() {
                self.registrations.remove(extension);
            }
        }
    }
}
