//! The agents who take part in a call: what each does in it is read off its legs whenever the call is settled.

use std::collections::BTreeMap;

use hooks::fact::{CallOfferEnded, CallOffered, CallStatus, EndCause, Event, OfferOutcome, Talk};

use super::third::Standing;
use super::{Call, Seeking, Stage};
use crate::agent::Missed;
use crate::desk::{Desk, LegIndex};
use crate::floor::PartEnd;
use crate::leg::{Leg, LegState};
use crate::queue::AgentId;

/// What an agent does in a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    status: CallStatus,
    /// Since when, ms since the Unix epoch.
    since_ms: u64,
}

impl Call {
    /// Tells the floor which agents take part in the call now, and how; what was offered to one, and what came of it, is written
    /// down.
    pub(super) fn take_stock(&mut self, desk: &mut Desk) {
        let now = self.parts_now();
        if now.is_empty() && self.parts.is_empty() {
            return;
        }
        let gone: Vec<AgentId> = self.parts.keys().filter(|agent| !now.contains_key(agent)).copied().collect();
        for agent in gone {
            let Some(before) = self.parts.remove(&agent) else { continue };
            let outcome = self.taken_back(agent).unwrap_or_else(|| self.missed_by(agent));
            if before.status == CallStatus::Ringing {
                self.offer_ended(desk, agent, before, outcome);
            }
            desk.agent_takes_part(agent, self.id, None, self.part_end(outcome));
        }
        for (agent, status) in now {
            let before = self.parts.get(&agent).copied();
            if before.is_some_and(|before| before.status == status) {
                continue;
            }
            let part = Part { status, since_ms: desk.now.unix_ms };
            self.parts.insert(agent, part);
            if matches!(status, CallStatus::Connected(_)) {
                self.remember_agent(desk, agent);
            }
            match before {
                None if status == CallStatus::Ringing => self.offered_to(desk, agent),
                Some(before) if before.status == CallStatus::Ringing => {
                    self.offer_ended(desk, agent, before, OfferOutcome::Answered);
                }
                Some(_) | None => {}
            }
            desk.agent_takes_part(agent, self.id, Some(status), self.part_end(OfferOutcome::Answered));
        }
    }

    fn part_end(&self, outcome: OfferOutcome) -> PartEnd {
        PartEnd {
            missed: missed(outcome),
            wrap_up_max: self.queueing.last.as_ref().and_then(|queue| queue.wrap_up_max),
        }
    }

    fn parts_now(&self) -> BTreeMap<AgentId, CallStatus> {
        let mut parts: BTreeMap<AgentId, CallStatus> = BTreeMap::new();
        for (at, leg) in self.legs.iter().enumerate() {
            let Some(agent) = leg.agent else { continue };
            let at = LegIndex(u16::try_from(at).expect("a call has at most LEGS_MAX legs"));
            // Who supervises has no call (MON-29).
            if self.is_supervisor(at) {
                continue;
            }
            let Some(status) = self.status_of(at, leg) else { continue };
            let known = parts.entry(agent).or_insert(status);
            if rank(status) > rank(*known) {
                *known = status;
            }
        }
        parts
    }

    /// What whoever is at the far end of a leg does in the call.
    fn status_of(&self, at: LegIndex, leg: &Leg) -> Option<CallStatus> {
        let up = match &leg.state {
            LegState::Service | LegState::Ended { .. } => return None,
            LegState::Incoming(_) => return Some(CallStatus::Dialling),
            LegState::Outgoing(_) => false,
            LegState::Up(_) => !self.is_unconfirmed(at),
        };
        match (&self.stage, up) {
            (Stage::Summoning { .. }, false) if self.calls_back() => Some(CallStatus::Ringing),
            (Stage::Begun | Stage::Summoning { .. }, _) => Some(CallStatus::Dialling),
            (_, false) => Some(CallStatus::Ringing),
            (Stage::Seeking(Seeking { caller, transfer: None, .. }), true) if *caller == at => {
                Some(CallStatus::Dialling)
            }
            (Stage::Talking { .. }, true) => Some(CallStatus::Connected(self.talk_of(at, leg))),
            (Stage::Seeking(_) | Stage::Served { .. }, true) => Some(CallStatus::Connected(Talk::Talking)),
            (Stage::Ending { .. } | Stage::Over, true) => None,
        }
    }

    fn talk_of(&self, at: LegIndex, leg: &Leg) -> Talk {
        match self.standing() {
            Some(Standing::Calling { by } | Standing::Asking { by, .. }) if by == at => Talk::Consulting,
            Some(Standing::Together { .. }) => Talk::ThreeWay,
            Some(Standing::Calling { .. } | Standing::Asking { .. } | Standing::Inviting) | None => {
                if leg.is_holding() { Talk::Held } else { Talk::Talking }
            }
        }
    }

    /// Why an agent who was rung is rung no more.
    fn missed_by(&self, agent: AgentId) -> OfferOutcome {
        let over = self.legs.iter().rev().find_map(|leg| match leg.state {
            LegState::Ended { cause, .. } if leg.agent == Some(agent) => Some((cause, leg.status)),
            LegState::Ended { .. } | LegState::Incoming(_) | LegState::Outgoing(_) => None,
            LegState::Up(_) | LegState::Service => None,
        });
        match over {
            // AGT-19: what his phone answers is his answer.
            Some((_, status)) if REJECTIONS.contains(&status) => OfferOutcome::Rejected,
            Some((EndCause::Busy | EndCause::Rejected, _)) => OfferOutcome::Rejected,
            Some((EndCause::NoAnswer, _)) => OfferOutcome::TimedOut,
            Some((EndCause::AnsweredElsewhere, _)) => OfferOutcome::Taken,
            Some((
                EndCause::Cancelled
                | EndCause::Normal
                | EndCause::Command
                | EndCause::Transferred
                | EndCause::Stopped
                | EndCause::MediaTimeout
                | EndCause::PeerLost,
                _,
            )) => OfferOutcome::CallerHungUp,
            Some((
                EndCause::Unreachable
                | EndCause::NotAcceptable
                | EndCause::Refused
                | EndCause::Congestion
                | EndCause::Reconnected
                | EndCause::Interrupted
                | EndCause::Failed,
                _,
            ))
            | None => OfferOutcome::Failed,
        }
    }

    /// Writes down that an agent is rung.
    pub(super) fn offered_to(&self, desk: &mut Desk, agent: AgentId) {
        let Some(number) = desk.floor.number_of(agent).map(ToString::to_string) else { return };
        let (queue, why) = match self.offer_of(agent) {
            Some((queue, why)) => (Some(queue.to_string()), Some(why.clone())),
            None => (None, None),
        };
        self.fact(desk, Event::CallOffered(CallOffered { call: self.id, agent: number, queue, why }));
    }

    /// Writes down what came of it, and ends the lease.
    fn offer_ended(&mut self, desk: &mut Desk, agent: AgentId, part: Part, outcome: OfferOutcome) {
        let queue = self.queue_offer_ended(desk, agent, outcome).map(|queue| queue.to_string());
        let Some(number) = desk.floor.number_of(agent).map(ToString::to_string) else { return };
        let ring_ms = desk.now.unix_ms.saturating_sub(part.since_ms);
        let ended = CallOfferEnded { call: self.id, agent: number, queue, outcome, ring_ms };
        self.fact(desk, Event::CallOfferEnded(ended));
    }

    /// An agent could not even be rung: no port, no transaction, no phone.
    pub(super) fn not_rung(&mut self, desk: &mut Desk, agent: AgentId) {
        let part = Part { status: CallStatus::Ringing, since_ms: desk.now.unix_ms };
        self.offered_to(desk, agent);
        desk.agent_takes_part(agent, self.id, Some(part.status), self.part_end(OfferOutcome::Failed));
        self.offer_ended(desk, agent, part, OfferOutcome::Failed);
        desk.agent_takes_part(agent, self.id, None, self.part_end(OfferOutcome::Failed));
    }
}

/// Who has several phones does what the busiest of them does.
fn rank(status: CallStatus) -> u8 {
    match status {
        CallStatus::None => 0,
        CallStatus::Ringing => 1,
        CallStatus::Dialling => 2,
        CallStatus::Connected(_) => 3,
    }
}

fn missed(outcome: OfferOutcome) -> Missed {
    match outcome {
        OfferOutcome::CallerHungUp => Missed::CallerHungUp,
        OfferOutcome::TimedOut => Missed::TimedOut,
        OfferOutcome::Rejected => Missed::Rejected,
        OfferOutcome::Failed => Missed::Failed,
        OfferOutcome::Answered | OfferOutcome::Taken => Missed::Taken,
    }
}

/// What a phone says that does not want the call; 300 to 302 send it elsewhere, where an offer never goes (AGT-19).
const REJECTIONS: [u16; 7] = [300, 301, 302, 480, 486, 600, 603];
