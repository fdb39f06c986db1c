//! What is known of one call so far. It is kept as JSON beside the cursor, so that a call goes on where the last batch of facts ended.

use hooks::fact::{
    AgentStateChanged, CallCreated, CallEnded, CallOfferEnded, CallSource, CallStatus, ConsultEnded, ConsultOutcome,
    ConsultStarted, Direction, EndCause, EndedBy, Event, LegEnded, LegStarted, OfferOutcome, OverflowAnswered,
    PeerKind, RecordingStarted, SurveyAnswer, SurveyCompleted,
};
use hooks::id::{CallId, LegId, RecordingId};
use serde::{Deserialize, Serialize};

/// Pieces of each kind that are kept of one call; the log of facts has all.
const PIECES_MAX: usize = 500;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallState {
    pub(super) call: CallId,
    pub(super) direction: Direction,
    pub(super) source: CallSource,
    pub(super) caller: String,
    pub(super) callee: String,
    pub(super) trunk: Option<String>,
    pub(super) created_at_ms: u64,
    pub(super) legs: Vec<Leg>,
    /// When two parties talked first, be one of them a menu.
    pub(super) answered_at_ms: Option<u64>,
    /// When a person answered first.
    pub(super) connected_at_ms: Option<u64>,
    pub(super) stays: Vec<Stay>,
    pub(super) offers: Vec<Offer>,
    pub(super) parts: Vec<Part>,
    pub(super) consults: Vec<Consult>,
    pub(super) overflow: Option<Overflow>,
    pub(super) voicemail: bool,
    pub(super) surveys: Vec<Survey>,
    pub(super) recordings: Vec<Recording>,
    pub(super) end: Option<End>,
}

/// A leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leg {
    pub(super) leg: LegId,
    pub(super) caller_side: bool,
    pub(super) peer: PeerKind,
    pub(super) peer_name: String,
    pub(super) number: String,
    pub(super) ringing_at_ms: Option<u64>,
    pub(super) answered_at_ms: Option<u64>,
    pub(super) end: Option<(u64, EndCause)>,
}

/// A stay in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stay {
    pub(super) queue: String,
    pub(super) from_ms: u64,
    /// Unknown while it lasts.
    pub(super) waited_ms: Option<u64>,
}

/// An offer to an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    pub(super) agent: String,
    pub(super) queue: Option<String>,
    pub(super) from_ms: u64,
    pub(super) end: Option<OfferEnd>,
}

/// How an offer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OfferEnd {
    pub(super) at_ms: u64,
    pub(super) outcome: OfferOutcome,
    pub(super) ring_ms: u64,
}

/// From when an agent dials or is connected until he has no call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) agent: String,
    pub(super) extension: Option<String>,
    pub(super) mobile: Option<String>,
    pub(super) from_ms: u64,
    pub(super) connected_at_ms: Option<u64>,
    pub(super) to_ms: Option<u64>,
}

/// Somebody is asked while the other party waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consult {
    pub(super) leg: LegId,
    pub(super) target: String,
    pub(super) from_ms: u64,
    pub(super) end: Option<(u64, ConsultOutcome)>,
}

/// A number outside answered in place of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Overflow {
    pub(super) queue: String,
    pub(super) number: String,
    pub(super) at_ms: u64,
}

/// A customer was asked how it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Survey {
    pub(super) agent: Option<String>,
    pub(super) answer: Option<SurveyAnswer>,
}

/// A recording of a talk; messages are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recording {
    pub(super) recording: RecordingId,
    pub(super) left: LegId,
    pub(super) right: LegId,
    pub(super) from_ms: u64,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) at_ms: u64,
    pub(super) cause: EndCause,
    pub(super) by: EndedBy,
}

/// What may be told of a call that is over: what ended with it, its message, its survey and its recordings.
fn comes_after_the_end(event: &Event) -> bool {
    let is_end_of_part =
        |event: &AgentStateChanged| matches!(event.call_status, CallStatus::None | CallStatus::Ringing);
    match event {
        Event::AgentStateChanged(event) => is_end_of_part(event),
        other => matches!(
            other,
            Event::LegEnded(_)
                | Event::CallLeftQueue(_)
                | Event::CallOfferEnded(_)
                | Event::ConsultEnded(_)
                | Event::VoicemailLeft(_)
                | Event::SurveyInvited(_)
                | Event::SurveyCompleted(_)
                | Event::RecordingStarted(_)
                | Event::RecordingDiscarded(_)
        ),
    }
}

/// The call that a fact is about.
pub(crate) fn call_of(event: &Event) -> Option<CallId> {
    match event {
        Event::AgentStateChanged(event) => event.call,
        other => other.call(),
    }
}

impl CallState {
    /// A call that begins.
    #[must_use]
    pub fn new(event: &CallCreated, at_ms: u64) -> Self {
        Self {
            call: event.call,
            direction: event.direction,
            source: event.source,
            caller: event.caller.clone(),
            callee: event.callee.clone(),
            trunk: event.trunk.clone(),
            created_at_ms: at_ms,
            legs: Vec::new(),
            answered_at_ms: None,
            connected_at_ms: None,
            stays: Vec::new(),
            offers: Vec::new(),
            parts: Vec::new(),
            consults: Vec::new(),
            overflow: None,
            voicemail: false,
            surveys: Vec::new(),
            recordings: Vec::new(),
            end: None,
        }
    }

    /// Which call.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.call
    }

    /// When it ended, ms since the Unix epoch; `None` while it runs.
    #[must_use]
    pub fn ended_at_ms(&self) -> Option<u64> {
        self.end.as_ref().map(|end| end.at_ms)
    }

    /// Takes a fact of this call in. Nothing begins in a call that is over, so that it is lost or not for good.
    pub fn take(&mut self, event: &Event, at_ms: u64) {
        if self.end.is_some() && !comes_after_the_end(event) {
            return;
        }
        match event {
            Event::LegStarted(event) => self.leg_started(event),
            Event::LegRinging(event) => {
                if let Some(leg) = self.leg_mut(event.leg) {
                    leg.ringing_at_ms.get_or_insert(at_ms);
                }
            }
            Event::LegAnswered(event) => self.leg_answered(event.leg, at_ms),
            Event::LegEnded(event) => self.leg_ended(event, at_ms),
            Event::CallAnswered(_) => _ = self.answered_at_ms.get_or_insert(at_ms),
            Event::CallQueued(_) | Event::CallLeftQueue(_) | Event::CallOffered(_) | Event::CallOfferEnded(_) => {
                self.distributed(event, at_ms);
            }
            Event::AgentStateChanged(event) => self.agent(event, at_ms),
            Event::ConsultStarted(event) => self.consult_started(event, at_ms),
            Event::ConsultEnded(event) => self.consult_ended(event, at_ms),
            Event::OverflowAnswered(event) => self.overflowed(event, at_ms),
            Event::VoicemailLeft(_) => self.voicemail = true,
            Event::SurveyInvited(event) => {
                push(&mut self.surveys, Survey { agent: event.subject.agent.clone(), answer: None });
            }
            Event::SurveyCompleted(event) => self.survey_completed(event),
            Event::RecordingStarted(event) => self.recording_started(event, at_ms),
            Event::RecordingDiscarded(event) => self.recordings.retain(|it| it.recording != event.recording),
            Event::CallEnded(event) => self.ended(event, at_ms),
            // What the lists do not show.
            Event::CallCreated(_)
            | Event::CallHeld(_)
            | Event::CallRetrieved(_)
            | Event::TransferStarted(_)
            | Event::Transferred(_)
            | Event::TransferFailed(_)
            | Event::CallParked(_)
            | Event::CallUnparked(_)
            | Event::FlowWalked(_)
            | Event::ThreeWayStarted(_)
            | Event::ThreeWayEnded(_)
            | Event::CallSupervised(_)
            | Event::CallSupervisionEnded(_)
            | Event::CallbackRequested(_)
            | Event::CallbackStarted(_)
            | Event::CallbackEnded(_)
            | Event::CallResumed(_)
            | Event::CallBlocked(_)
            | Event::RecordingReady(_)
            | Event::RecordingFailed(_)
            | Event::RecordingStored(_)
            | Event::RecordingPurged(_)
            | Event::RecordingPaused(_)
            | Event::RecordingResumed(_)
            | Event::VoicemailListened(_)
            | Event::VoicemailDownloaded(_)
            | Event::VoicemailDeleted(_)
            | Event::MemberJoined(_)
            | Event::MemberLeft(_)
            | Event::MemberMuted(_) => {}
            // What is about no call.
            Event::ConferenceStarted(_)
            | Event::ConferenceEnded(_)
            | Event::RegistrationBound(_)
            | Event::RegistrationUnbound(_)
            | Event::SourceBanned(_)
            | Event::SettingsChanged(_)
            | Event::AgentSignedIn(_)
            | Event::DirectoryChanged(_)
            | Event::TrunkUp(_)
            | Event::TrunkDown(_) => {}
        }
    }

    /// A queue or an offer did something.
    fn distributed(&mut self, event: &Event, at_ms: u64) {
        match event {
            Event::CallQueued(event) => {
                push(&mut self.stays, Stay { queue: event.queue.clone(), from_ms: at_ms, waited_ms: None });
            }
            Event::CallLeftQueue(event) => {
                let is_it = |stay: &&mut Stay| stay.waited_ms.is_none() && stay.queue == event.queue;
                if let Some(stay) = self.stays.iter_mut().rev().find(is_it) {
                    stay.waited_ms = Some(event.waited_ms);
                }
            }
            Event::CallOffered(event) => {
                let (agent, queue) = (event.agent.clone(), event.queue.clone());
                push(&mut self.offers, Offer { agent, queue, from_ms: at_ms, end: None });
            }
            Event::CallOfferEnded(event) => self.offer_ended(event, at_ms),
            other => unreachable!("no distribution: {other:?}"),
        }
    }

    fn consult_started(&mut self, event: &ConsultStarted, at_ms: u64) {
        let (leg, target) = (event.leg, event.target.clone());
        push(&mut self.consults, Consult { leg, target, from_ms: at_ms, end: None });
    }

    fn survey_completed(&mut self, event: &SurveyCompleted) {
        if let Some(survey) = self.surveys.last_mut() {
            survey.answer.clone_from(&event.answer);
        }
    }

    fn consult_ended(&mut self, event: &ConsultEnded, at_ms: u64) {
        let is_it = |consult: &&mut Consult| consult.end.is_none() && consult.leg == event.leg;
        if let Some(consult) = self.consults.iter_mut().rev().find(is_it) {
            consult.end = Some((at_ms, event.outcome));
        }
    }

    pub(super) fn leg(&self, leg: LegId) -> Option<&Leg> {
        self.legs.iter().find(|it| it.leg == leg)
    }

    fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|it| it.leg == leg)
    }

    fn leg_started(&mut self, event: &LegStarted) {
        if event.peer == PeerKind::Trunk && self.trunk.is_none() {
            self.trunk = Some(event.peer_name.clone());
        }
        let leg = Leg {
            leg: event.leg,
            caller_side: event.caller_side,
            peer: event.peer,
            peer_name: event.peer_name.clone(),
            number: event.number.clone(),
            ringing_at_ms: None,
            answered_at_ms: None,
            end: None,
        };
        push(&mut self.legs, leg);
    }

    /// A phone that answers is a person, and so is a number outside; but the mobile of an agent who is rung becomes one only when he is
    /// connected.
    fn leg_answered(&mut self, leg: LegId, at_ms: u64) {
        let offered = self.offers.iter().any(|offer| offer.end.is_none());
        let Some(leg) = self.leg_mut(leg) else { return };
        leg.answered_at_ms.get_or_insert(at_ms);
        let is_person = match leg.peer {
            PeerKind::Extension => !leg.caller_side,
            PeerKind::Trunk => !leg.caller_side && !offered,
            PeerKind::Service => false,
        };
        if is_person {
            self.connected_at_ms.get_or_insert(at_ms);
        }
    }

    fn leg_ended(&mut self, event: &LegEnded, at_ms: u64) {
        if let Some(leg) = self.leg_mut(event.leg) {
            leg.end.get_or_insert((at_ms, event.cause));
        }
    }

    fn offer_ended(&mut self, event: &CallOfferEnded, at_ms: u64) {
        let is_it = |offer: &&mut Offer| offer.end.is_none() && offer.agent == event.agent;
        if let Some(offer) = self.offers.iter_mut().rev().find(is_it) {
            offer.end = Some(OfferEnd { at_ms, outcome: event.outcome, ring_ms: event.ring_ms });
        }
    }

    fn agent(&mut self, event: &AgentStateChanged, at_ms: u64) {
        let runs = |part: &&mut Part| part.to_ms.is_none() && part.agent == event.agent;
        let running = self.parts.iter_mut().rev().find(runs);
        match (event.call_status, running) {
            (CallStatus::Connected(_), Some(part)) => {
                if part.connected_at_ms.is_none() {
                    part.connected_at_ms = Some(at_ms);
                    self.connected_at_ms.get_or_insert(at_ms);
                }
            }
            (CallStatus::Connected(_), None) => {
                self.connected_at_ms.get_or_insert(at_ms);
                push(&mut self.parts, Part { connected_at_ms: Some(at_ms), ..Part::begun(event, at_ms) });
            }
            (CallStatus::Dialling, None) => push(&mut self.parts, Part::begun(event, at_ms)),
            (CallStatus::Dialling, Some(_)) => {}
            (CallStatus::None | CallStatus::Ringing, Some(part)) => part.to_ms = Some(at_ms),
            (CallStatus::None | CallStatus::Ringing, None) => {}
        }
    }

    fn overflowed(&mut self, event: &OverflowAnswered, at_ms: u64) {
        self.connected_at_ms.get_or_insert(at_ms);
        let (queue, number) = (event.queue.clone(), event.number.clone());
        self.overflow.get_or_insert(Overflow { queue, number, at_ms });
    }

    fn recording_started(&mut self, event: &RecordingStarted, from_ms: u64) {
        if event.mailbox.is_none() {
            let RecordingStarted { recording, left, right, .. } = *event;
            push(&mut self.recordings, Recording { recording, left, right, from_ms });
        }
    }

    fn ended(&mut self, event: &CallEnded, at_ms: u64) {
        self.end.get_or_insert(End { at_ms, cause: event.cause, by: event.by });
    }
}

impl Part {
    fn begun(event: &AgentStateChanged, from_ms: u64) -> Self {
        Self {
            agent: event.agent.clone(),
            extension: event.extension.clone(),
            mobile: event.mobile.clone(),
            from_ms,
            connected_at_ms: None,
            to_ms: None,
        }
    }

    /// Whether that leg is his.
    pub(super) fn is_at(&self, leg: &Leg) -> bool {
        match leg.peer {
            PeerKind::Extension => self.extension.as_ref() == Some(&leg.peer_name),
            PeerKind::Trunk => self.mobile.as_ref() == Some(&leg.number),
            PeerKind::Service => false,
        }
    }
}

fn push<T>(pieces: &mut Vec<T>, piece: T) {
    if pieces.len() < PIECES_MAX {
        pieces.push(piece);
    }
}
