//! The pieces of a call, from its facts: stays in queues, offers, agents' parts, holds, consults and what else was done. Pure.

use hooks::fact::{AgentStateChanged, CallLeftQueue, CallStatus, Direction, Event, OverflowAnswered, PeerKind};
use hooks::id::LegId;

use crate::store::records::{CallDocument, Segment, SegmentKind};
use crate::store::sql::word;

/// Pieces that a record tells; the facts tell all.
const SEGMENTS_MAX: usize = 500;

/// Takes in a fact of the call.
pub(super) fn happen(document: &mut CallDocument, event: &Event, at_ms: u64) {
    match event {
        Event::CallQueued(event) => {
            let segment = Segment { queue: Some(event.queue.clone()), ..Segment::of(SegmentKind::Queue, at_ms) };
            document.record.queue.get_or_insert_with(|| event.queue.clone());
            push(document, segment);
        }
        Event::CallbackStarted(event) => _ = document.record.queue.get_or_insert_with(|| event.queue.clone()),
        Event::CallLeftQueue(event) => left_queue(document, event, at_ms),
        Event::CallOffered(_) | Event::CallOfferEnded(_) => offered(document, event, at_ms),
        Event::OverflowAnswered(event) => overflowed(document, event, at_ms),
        Event::AgentStateChanged(event) => agent(document, event, at_ms),
        Event::CallParked(event) => {
            begin(document, SegmentKind::Park, event.leg, Some(event.slot.clone()), at_ms);
        }
        Event::CallUnparked(event) => {
            let is_it = |segment: &Segment| segment.number.as_ref() == Some(&event.slot);
            end(document, SegmentKind::Park, is_it, at_ms, Some(word(&event.outcome)));
        }
        Event::CallHeld(_)
        | Event::CallRetrieved(_)
        | Event::ConsultStarted(_)
        | Event::ConsultEnded(_)
        | Event::ThreeWayStarted(_)
        | Event::ThreeWayEnded(_)
        | Event::TransferStarted(_)
        | Event::Transferred(_)
        | Event::TransferFailed(_) => controlled(document, event, at_ms),
        Event::CallSupervised(_) | Event::CallSupervisionEnded(_) => supervised(document, event, at_ms),
        Event::LegAnswered(event) => answered(document, event.leg, at_ms),
        Event::LegEnded(event) => of_leg(document, SegmentKind::Hold, event.leg, at_ms, None),
        Event::CallEnded(_) => over(document, at_ms),
        Event::CallCreated(_)
        | Event::CallBlocked(_)
        | Event::LegStarted(_)
        | Event::LegRinging(_)
        | Event::CallAnswered(_)
        | Event::CallResumed(_)
        | Event::FlowWalked(_)
        | Event::RecordingStarted(_)
        | Event::RecordingReady(_)
        | Event::RecordingFailed(_)
        | Event::RecordingDiscarded(_)
        | Event::VoicemailLeft(_)
        | Event::SurveyInvited(_)
        | Event::CallbackRequested(_)
        | Event::CallbackEnded(_)
        | Event::SurveyCompleted(_)
        | Event::VoicemailListened(_)
        | Event::VoicemailDownloaded(_)
        | Event::VoicemailDeleted(_)
        | Event::RecordingStored(_)
        | Event::RecordingPurged(_)
        | Event::RecordingPaused(_)
        | Event::RecordingResumed(_)
        | Event::ConferenceStarted(_)
        | Event::ConferenceEnded(_)
        | Event::MemberJoined(_)
        | Event::MemberLeft(_)
        | Event::MemberMuted(_)
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

fn offered(document: &mut CallDocument, event: &Event, at_ms: u64) {
    match event {
        Event::CallOffered(event) => {
            let (agent, queue) = (Some(event.agent.clone()), event.queue.clone());
            let why = event.why.clone();
            push(document, Segment { agent, queue, why, ..Segment::of(SegmentKind::Offer, at_ms) });
        }
        Event::CallOfferEnded(event) => {
            let is_it = |segment: &Segment| segment.agent.as_ref() == Some(&event.agent);
            end(document, SegmentKind::Offer, is_it, at_ms, Some(word(&event.outcome)));
        }
        other => unreachable!("no offer: {other:?}"),
    }
}

fn overflowed(document: &mut CallDocument, event: &OverflowAnswered, at_ms: u64) {
    let (queue, number) = (Some(event.queue.clone()), Some(event.number.clone()));
    document.record.overflow_number.clone_from(&number);
    document.record.connected_at_ms.get_or_insert(at_ms);
    push(document, Segment { queue, number, ..Segment::of(SegmentKind::Overflow, at_ms) });
}

fn left_queue(document: &mut CallDocument, event: &CallLeftQueue, at_ms: u64) {
    let waited = document.record.queue_wait_ms.unwrap_or_default() + event.waited_ms;
    document.record.queue_wait_ms = Some(waited);
    let is_it = |segment: &Segment| segment.queue.as_ref() == Some(&event.queue);
    if let Some(segment) = end(document, SegmentKind::Queue, is_it, at_ms, Some(word(&event.exit))) {
        segment.agent.clone_from(&event.agent);
    }
}

/// A party did something with another one.
fn controlled(document: &mut CallDocument, event: &Event, at_ms: u64) {
    match event {
        Event::CallHeld(event) => begin(document, SegmentKind::Hold, event.leg, None, at_ms),
        Event::CallRetrieved(event) => of_leg(document, SegmentKind::Hold, event.leg, at_ms, None),
        Event::ConsultStarted(event) => {
            begin(document, SegmentKind::Consult, event.leg, Some(event.target.clone()), at_ms);
        }
        Event::ConsultEnded(event) => {
            of_leg(document, SegmentKind::Consult, event.leg, at_ms, Some(word(&event.outcome)));
        }
        Event::ThreeWayStarted(event) => begin(document, SegmentKind::Conference, event.leg, None, at_ms),
        Event::ThreeWayEnded(event) => of_leg(document, SegmentKind::Conference, event.leg, at_ms, None),
        Event::TransferStarted(event) => {
            begin(document, SegmentKind::Transfer, event.leg, Some(event.target.clone()), at_ms);
        }
        Event::Transferred(event) => {
            of_leg(document, SegmentKind::Transfer, event.leg, at_ms, Some("transferred".to_owned()));
        }
        Event::TransferFailed(event) => {
            of_leg(document, SegmentKind::Transfer, event.leg, at_ms, Some(word(&event.cause)));
        }
        other => unreachable!("{other:?} is no control"),
    }
}

/// A supervisor did something.
fn supervised(document: &mut CallDocument, event: &Event, at_ms: u64) {
    match event {
        Event::CallSupervised(event) => {
            let done_by = event.supervisor.clone().unwrap_or_else(|| event.by.clone());
            let segment = Segment {
                agent: Some(event.agent.clone()),
                leg: event.leg,
                outcome: Some(word(&event.how)),
                done_by: Some(done_by),
                ..Segment::of(SegmentKind::Supervision, at_ms)
            };
            push(document, segment);
        }
        Event::CallSupervisionEnded(event) => {
            let is_it = |segment: &Segment| segment.done_by.as_ref() == Some(&event.supervisor);
            end(document, SegmentKind::Supervision, is_it, at_ms, None);
        }
        other => unreachable!("{other:?} is no supervision"),
    }
}

/// An agent's part begins when he is connected, and ends when he has no call. Before, he may have dialled.
fn agent(document: &mut CallDocument, event: &AgentStateChanged, at_ms: u64) {
    let is_it = |segment: &Segment| segment.agent.as_ref() == Some(&event.agent);
    let runs = |kind| {
        let mut open = document.segments.iter().filter(|segment| segment.kind == kind && segment.ended_at_ms.is_none());
        open.any(is_it)
    };
    let (talks, dials, lasts) = (runs(SegmentKind::Agent), runs(SegmentKind::Dial), document.record.end.is_none());
    let agent = || Some(event.agent.clone());
    if dials && event.call_status != CallStatus::Dialling {
        end(document, SegmentKind::Dial, is_it, at_ms, None);
    }
    match event.call_status {
        CallStatus::Connected(_) if !talks && lasts => {
            document.record.agent.get_or_insert_with(|| event.agent.clone());
            document.record.connected_at_ms.get_or_insert(at_ms);
            push(document, Segment { agent: agent(), ..Segment::of(SegmentKind::Agent, at_ms) });
        }
        CallStatus::Connected(_) => {}
        CallStatus::None | CallStatus::Dialling | CallStatus::Ringing if talks => {
            end(document, SegmentKind::Agent, is_it, at_ms, None);
        }
        CallStatus::Dialling if !dials && lasts => {
            push(document, Segment { agent: agent(), ..Segment::of(SegmentKind::Dial, at_ms) });
        }
        CallStatus::None | CallStatus::Dialling | CallStatus::Ringing => {}
    }
}

fn push(document: &mut CallDocument, segment: Segment) {
    if document.segments.len() < SEGMENTS_MAX {
        document.segments.push(segment);
    }
}

fn begin(document: &mut CallDocument, kind: SegmentKind, leg: LegId, number: Option<String>, at_ms: u64) {
    push(document, Segment { leg: Some(leg), number, ..Segment::of(kind, at_ms) });
}

fn of_leg(document: &mut CallDocument, kind: SegmentKind, leg: LegId, at_ms: u64, outcome: Option<String>) {
    end(document, kind, |segment| segment.leg == Some(leg), at_ms, outcome);
}

/// Ends the last piece of that kind that lasts.
fn end(
    document: &mut CallDocument,
    kind: SegmentKind,
    is_it: impl Fn(&Segment) -> bool,
    at_ms: u64,
    outcome: Option<String>,
) -> Option<&mut Segment> {
    let lasts = |segment: &&mut Segment| segment.kind == kind && segment.ended_at_ms.is_none() && is_it(segment);
    let segment = document.segments.iter_mut().rev().find(lasts)?;
    segment.ended_at_ms = Some(at_ms);
    if outcome.is_some() {
        segment.outcome = outcome;
    }
    Some(segment)
}

/// What lasts ends with the call.
fn over(document: &mut CallDocument, at_ms: u64) {
    for segment in document.segments.iter_mut().filter(|segment| segment.ended_at_ms.is_none()) {
        segment.ended_at_ms = Some(at_ms);
    }
    document.record.lost = is_lost(document);
}

/// A person answered: a phone, or a number outside. The mobile of an agent who is rung is his only when he is connected.
fn answered(document: &mut CallDocument, leg: LegId, at_ms: u64) {
    let offered = document.segments.iter().any(|it| it.kind == SegmentKind::Offer && it.ended_at_ms.is_none());
    let is_person = document.legs.iter().find(|it| it.leg == leg && !it.caller_side).is_some_and(|it| match it.peer {
        PeerKind::Extension => true,
        PeerKind::Trunk => !offered,
        PeerKind::Service => false,
    });
    if is_person {
        document.record.connected_at_ms.get_or_insert(at_ms);
    }
}

/// LOST-01: it came in for agents or left a message, and no person answered.
fn is_lost(document: &CallDocument) -> bool {
    let has = |kind| document.segments.iter().any(|segment| segment.kind == kind);
    document.record.direction == Direction::Inbound
        && (has(SegmentKind::Queue) || has(SegmentKind::Offer) || !document.voicemails.is_empty())
        && document.record.connected_at_ms.is_none()
}
