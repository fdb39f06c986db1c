//! What the lists show of a call, read off its state.

use hooks::duration::{talk, whole_seconds};
use hooks::fact::{CallSource, ConsultOutcome, Direction, EndCause, EndedBy, OfferOutcome};
use serde::{Deserialize, Serialize};

use super::state::{CallState, Consult, End, Offer, Part};

/// What a row of the call records is (CDR-02, CDR-07). Reports count the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallKind {
    /// From outside (呼入).
    Inbound,
    /// To the outside (呼出).
    Outbound,
    /// Between extensions, or to a service.
    Internal,
    /// Somebody was asked during a call.
    Consult,
}

/// A row of the call records (CDR-06). Times are ms since the Unix epoch, durations whole seconds in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallRow {
    /// Which of the call's rows, from 1.
    pub(crate) part: u32,
    pub(crate) kind: CallKind,
    pub(crate) source: CallSource,
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) trunk: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) started_at_ms: u64,
    pub(crate) ring_at_ms: Option<u64>,
    pub(crate) answered_at_ms: Option<u64>,
    pub(crate) ended_at_ms: u64,
    pub(crate) queue_wait_ms: u64,
    pub(crate) ring_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) total_ms: u64,
    /// Who ended the call, on its last row.
    pub(crate) ended_by: Option<EndedBy>,
    pub(crate) cause: EndCause,
    /// The label of the answer, or one of [`NOT_RATED`] and [`NOT_INVITED`].
    pub(crate) satisfaction: String,
    pub(crate) recordings: Vec<String>,
}

/// The customer was asked and gave no answer.
pub(crate) const NOT_RATED: &str = "not_rated";
/// He was not asked.
pub(crate) const NOT_INVITED: &str = "not_invited";

/// An offer that its agent did not take (MISS-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    /// Which of the call's offers, from 1.
    pub(crate) offer: u32,
    pub(crate) agent: String,
    pub(crate) queue: Option<String>,
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) ring_at_ms: u64,
    pub(crate) ring_ended_at_ms: u64,
    pub(crate) ring_ms: u64,
    pub(crate) outcome: OfferOutcome,
}

/// A call that no person answered (LOST-01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostCall {
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) trunk: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) began_at_ms: u64,
    pub(crate) ended_at_ms: u64,
    pub(crate) voicemail: bool,
}

/// A call that an overflow mobile answered (LOSTANS-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnsweredOutside {
    pub(crate) caller: String,
    pub(crate) trunk: Option<String>,
    pub(crate) queue: String,
    pub(crate) mobile: String,
    pub(crate) began_at_ms: u64,
    pub(crate) answered_at_ms: u64,
    pub(crate) ended_at_ms: u64,
    pub(crate) talk_ms: u64,
    pub(crate) recordings: Vec<String>,
}

/// An agent's part, or the whole call where no agent took part.
struct Piece<'s> {
    kind: CallKind,
    agent: Option<&'s Part>,
    caller: String,
    callee: String,
    from_ms: u64,
    ring_at_ms: Option<u64>,
    answered_at_ms: Option<u64>,
    to_ms: u64,
    offer: Option<&'s Offer>,
    cause: Option<EndCause>,
}

/// The rows of a call that is over (CDR-07): one for each part of an agent, one for each time that somebody was asked, and one where no
/// agent took part. None while it runs.
pub(crate) fn call_rows(state: &CallState) -> Vec<CallRow> {
    let Some(end) = &state.end else { return Vec::new() };
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for part in &state.parts {
        match state.consults.iter().find(|consult| is_asked(state, consult, part)) {
            None => pieces.push(of_agent(state, part, part.from_ms, end)),
            Some(consult) => {
                let joined = consult.end.filter(|(_, how)| goes_on(*how)).map(|(at_ms, _)| at_ms);
                if let Some(from_ms) = joined.filter(|from_ms| *from_ms < part.to_ms.unwrap_or(end.at_ms)) {
                    pieces.push(of_agent(state, part, from_ms, end));
                }
            }
        }
    }
    if pieces.is_empty() {
        pieces.push(without_agent(state, end));
    }
    pieces.sort_by_key(|piece| piece.from_ms);
    let talks = pieces.len();
    pieces.extend(state.consults.iter().map(|consult| of_consult(state, consult, end)));
    rows(state, end, &pieces, talks)
}

/// Who was asked goes on with the customer.
fn goes_on(outcome: ConsultOutcome) -> bool {
    match outcome {
        ConsultOutcome::Completed | ConsultOutcome::Joined => true,
        ConsultOutcome::Cancelled
        | ConsultOutcome::NoAnswer
        | ConsultOutcome::Busy
        | ConsultOutcome::Failed
        | ConsultOutcome::HungUp
        | ConsultOutcome::PartyLeft
        | ConsultOutcome::CallEnded => false,
    }
}

/// Whether a part of an agent began as the other side of that consult.
fn is_asked(state: &CallState, consult: &Consult, part: &Part) -> bool {
    let until_ms = consult.end.map_or(u64::MAX, |(at_ms, _)| at_ms);
    let asks = state.leg(consult.leg).is_some_and(|leg| part.is_at(leg));
    (consult.from_ms..=until_ms).contains(&part.from_ms) && !asks
}

fn of_agent<'s>(state: &'s CallState, part: &'s Part, from_ms: u64, end: &End) -> Piece<'s> {
    let to_ms = part.to_ms.unwrap_or(end.at_ms);
    let offer = state.offers.iter().rev().find(|offer| offer.agent == part.agent && offer.from_ms <= part.from_ms);
    let is_first = state.parts.first() == Some(part);
    // CDR-08: the called side answers. Who dials is connected when it does; who is called back has been before.
    let (ring_at_ms, answered_at_ms) = match (state.direction, is_first) {
        (Direction::Outbound, true) => (first_ring(state), state.answered_at_ms.filter(|at_ms| *at_ms <= to_ms)),
        (Direction::Internal, true) if offer.is_none() => (first_ring(state), part.connected_at_ms),
        (Direction::Inbound | Direction::Outbound | Direction::Internal, _) => {
            (offer.map(|offer| offer.from_ms), part.connected_at_ms.map(|at_ms| at_ms.max(from_ms)))
        }
    };
    let cause =
        state.legs.iter().filter(|leg| part.is_at(leg)).filter_map(|leg| leg.end).map(|(_, cause)| cause).next();
    Piece {
        kind: kind(state.direction),
        agent: Some(part),
        caller: state.caller.clone(),
        callee: state.callee.clone(),
        from_ms,
        ring_at_ms,
        answered_at_ms,
        to_ms,
        offer,
        cause,
    }
}

fn without_agent<'s>(state: &'s CallState, end: &End) -> Piece<'s> {
    let answered_at_ms = match state.direction {
        Direction::Inbound => state.connected_at_ms,
        Direction::Outbound | Direction::Internal => state.answered_at_ms,
    };
    Piece {
        kind: kind(state.direction),
        agent: None,
        caller: state.caller.clone(),
        callee: state.callee.clone(),
        from_ms: state.created_at_ms,
        ring_at_ms: first_ring(state),
        answered_at_ms,
        to_ms: end.at_ms,
        offer: state.offers.last(),
        cause: None,
    }
}

fn of_consult<'s>(state: &'s CallState, consult: &'s Consult, end: &End) -> Piece<'s> {
    let agent = state.parts.iter().find(|part| is_asked(state, consult, part));
    let asks = state.leg(consult.leg);
    let by_agent = asks.and_then(|leg| state.parts.iter().find(|part| part.is_at(leg)));
    let to_ms = consult.end.map_or(end.at_ms, |(at_ms, _)| at_ms);
    // A number outside has no agent; the leg that was called meanwhile says when it answered.
    let called = || {
        let during = |at_ms: &u64| (consult.from_ms..=to_ms).contains(at_ms);
        state.legs.iter().filter(|leg| !leg.caller_side).find_map(|leg| leg.answered_at_ms.filter(during))
    };
    let caller = asks.map(|leg| leg.peer_name.clone()).or_else(|| by_agent.and_then(|part| part.extension.clone()));
    Piece {
        kind: CallKind::Consult,
        agent,
        caller: caller.unwrap_or_default(),
        callee: consult.target.clone(),
        from_ms: consult.from_ms,
        ring_at_ms: Some(consult.from_ms),
        answered_at_ms: agent.and_then(|part| part.connected_at_ms).or_else(called),
        to_ms,
        offer: None,
        cause: Some(EndCause::Normal),
    }
}

fn kind(direction: Direction) -> CallKind {
    match direction {
        Direction::Inbound => CallKind::Inbound,
        Direction::Outbound => CallKind::Outbound,
        Direction::Internal => CallKind::Internal,
    }
}

fn first_ring(state: &CallState) -> Option<u64> {
    state.legs.iter().filter(|leg| !leg.caller_side).filter_map(|leg| leg.ringing_at_ms).min()
}

/// `talks` of the pieces are no consults, and stand first.
fn rows(state: &CallState, end: &End, pieces: &[Piece<'_>], talks: usize) -> Vec<CallRow> {
    let mut stays = state.stays.iter().peekable();
    let mut rows: Vec<CallRow> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let (mut queue, mut queue_wait_ms) = (piece.offer.and_then(|offer| offer.queue.clone()), 0);
        if at < talks {
            let is_last = at + 1 == talks;
            while let Some(stay) = stays.next_if(|stay| is_last || stay.from_ms <= piece.from_ms) {
                queue_wait_ms += stay.waited_ms.unwrap_or_default();
                queue.get_or_insert_with(|| stay.queue.clone());
            }
        }
        let is_last =
            at < talks && piece.to_ms == pieces[..talks].iter().map(|it| it.to_ms).max().unwrap_or(piece.to_ms);
        let started_at_ms = if at == 0 { state.created_at_ms } else { piece.ring_at_ms.unwrap_or(piece.from_ms) };
        let started_at_ms = started_at_ms.min(piece.from_ms);
        rows.push(CallRow {
            part: u32::try_from(at + 1).unwrap_or(u32::MAX),
            kind: piece.kind,
            source: state.source,
            caller: piece.caller.clone(),
            callee: piece.callee.clone(),
            trunk: state.trunk.clone(),
            agent: piece.agent.map(|part| part.agent.clone()),
            queue,
            started_at_ms,
            ring_at_ms: piece.ring_at_ms,
            answered_at_ms: piece.answered_at_ms,
            ended_at_ms: piece.to_ms,
            queue_wait_ms: whole_seconds(queue_wait_ms),
            ring_ms: piece.ring_at_ms.map_or(0, |from| between(from, piece.answered_at_ms.unwrap_or(piece.to_ms))),
            talk_ms: piece.answered_at_ms.map_or(0, |from| talk(from, piece.to_ms)),
            total_ms: between(started_at_ms, piece.to_ms),
            ended_by: is_last.then_some(end.by),
            cause: if is_last { end.cause } else { piece.cause.unwrap_or(EndCause::Transferred) },
            satisfaction: NOT_INVITED.to_owned(),
            recordings: Vec::new(),
        });
    }
    rate(state, &mut rows[..talks]);
    file(state, pieces, &mut rows);
    rows
}

/// Each survey belongs to the last row of the agent whom it was about.
fn rate(state: &CallState, rows: &mut [CallRow]) {
    for survey in &state.surveys {
        let of_agent = rows.iter().rposition(|row| survey.agent.is_some() && row.agent == survey.agent);
        let at = of_agent.unwrap_or(rows.len() - 1);
        let answer = survey.answer.as_ref().map_or(NOT_RATED, |answer| &answer.label);
        answer.clone_into(&mut rows[at].satisfaction);
    }
}

/// Each recording belongs to the row of the agent on one of its channels, where there is none to the last row that had begun.
fn file(state: &CallState, pieces: &[Piece<'_>], rows: &mut [CallRow]) {
    for recording in &state.recordings {
        let legs = [recording.left, recording.right].map(|leg| state.leg(leg));
        let began = |piece: &Piece<'_>| piece.from_ms <= recording.from_ms && recording.from_ms <= piece.to_ms;
        let is_of = |piece: &Piece<'_>| {
            began(piece) && piece.agent.is_some_and(|part| legs.iter().flatten().any(|leg| part.is_at(leg)))
        };
        let at = pieces.iter().rposition(is_of).or_else(|| pieces.iter().rposition(began)).unwrap_or(0);
        rows[at].recordings.push(recording.recording.to_string());
    }
}

/// The offers of a call that ended and were not taken, also while the call runs (MISS-02).
pub(crate) fn missed(state: &CallState) -> Vec<Missed> {
    let ended = state.offers.iter().enumerate().filter_map(|(at, offer)| Some((at, offer, offer.end.as_ref()?)));
    let missed = ended.filter(|(_, _, end)| is_missed(end.outcome));
    missed
        .map(|(at, offer, end)| Missed {
            offer: u32::try_from(at + 1).unwrap_or(u32::MAX),
            agent: offer.agent.clone(),
            queue: offer.queue.clone(),
            caller: state.caller.clone(),
            callee: state.callee.clone(),
            ring_at_ms: offer.from_ms,
            ring_ended_at_ms: end.at_ms,
            ring_ms: whole_seconds(end.ring_ms),
            outcome: end.outcome,
        })
        .collect()
}

fn is_missed(outcome: OfferOutcome) -> bool {
    match outcome {
        OfferOutcome::CallerHungUp | OfferOutcome::TimedOut | OfferOutcome::Rejected | OfferOutcome::Failed => true,
        OfferOutcome::Answered | OfferOutcome::Taken => false,
    }
}

/// The call as a lost one, if it is over and was lost (LOST-01): it came from outside, waited, rang an agent or left a message, and no
/// person answered.
pub(crate) fn lost(state: &CallState) -> Option<LostCall> {
    let end = state.end.as_ref()?;
    let was_for_agents = !state.stays.is_empty() || !state.offers.is_empty() || state.voicemail;
    let is_lost = state.direction == Direction::Inbound && was_for_agents && state.connected_at_ms.is_none();
    let queue = || {
        let of_offer = state.offers.first().and_then(|offer| offer.queue.clone());
        state.stays.first().map(|stay| stay.queue.clone()).or(of_offer)
    };
    is_lost.then(|| LostCall {
        caller: state.caller.clone(),
        callee: state.callee.clone(),
        trunk: state.trunk.clone(),
        queue: queue(),
        began_at_ms: state.created_at_ms,
        ended_at_ms: end.at_ms,
        voicemail: state.voicemail,
    })
}

/// The call as one that a mobile answered in place of an agent, if it is over and was (LOSTANS-01).
pub(crate) fn answered_outside(state: &CallState) -> Option<AnsweredOutside> {
    let (end, overflow) = (state.end.as_ref()?, state.overflow.as_ref()?);
    // The mobile's own leg may end before the caller's: he is sent on to a survey then.
    let leg = state.legs.iter().find(|leg| leg.answered_at_ms.is_some() && leg.number == overflow.number);
    let ended_at_ms = leg.and_then(|leg| leg.end).map_or(end.at_ms, |(at_ms, _)| at_ms);
    let since = state.recordings.iter().filter(|recording| recording.from_ms >= overflow.at_ms);
    Some(AnsweredOutside {
        caller: state.caller.clone(),
        trunk: state.trunk.clone(),
        queue: overflow.queue.clone(),
        mobile: overflow.number.clone(),
        began_at_ms: state.created_at_ms,
        answered_at_ms: overflow.at_ms,
        ended_at_ms,
        talk_ms: talk(overflow.at_ms, ended_at_ms),
        recordings: since.map(|recording| recording.recording.to_string()).collect(),
    })
}

fn between(from_ms: u64, to_ms: u64) -> u64 {
    whole_seconds(to_ms.saturating_sub(from_ms))
}
