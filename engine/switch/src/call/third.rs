//! A third person in a call of two (CALL-17 to CALL-24): asked beside it (consult), or talking with both (three-way). It is brought
//! in by one of the two, by the server, whatever phones they have.

use std::collections::VecDeque;
use std::time::Duration;

use dialplan::number::Dialled;
use hooks::fact::{
    ConsultEnded, ConsultOutcome, ConsultStarted, EndCause, Event, ThreeWayEnded, ThreeWayStarted, TransferKind,
};
use hooks::id::LegId;

use super::transfer::{Purpose, Transfer};
use super::{Call, Route, Seeking, Stage, Verdict};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::incoming::routed;
use crate::invite::Summons;
use crate::leg::Side;
use crate::output::Refused;
use crate::target::Target;

/// Somebody beside the two parties.
#[derive(Debug)]
pub(super) struct Third {
    /// Who brings it in.
    by: LegIndex,
    how: How,
    /// The number dialled.
    target: String,
    state: State,
}

/// What for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is asked, while the other party hears music.
    Consult,
    /// It joins the two, who go on talking while it is rung.
    Join,
}

/// How far it is.
#[derive(Debug)]
enum State {
    /// It is rung.
    Ringing {
        legs: Vec<LegIndex>,
        /// Tried when those that are rung have failed.
        queue: VecDeque<Target>,
        until: Duration,
    },
    /// Who brought it in talks with it alone.
    Asked(LegIndex),
    /// All three talk.
    Together(LegIndex),
}

/// How the two and the third stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The third is rung to be asked; the other party hears music.
    Calling { by: LegIndex },
    /// It is rung to join; the two talk.
    Inviting,
    /// It is asked.
    Asking { by: LegIndex, third: LegIndex },
    /// All talk.
    Together { third: LegIndex },
}

impl Call {
    /// How the two stand to a third, if there is one.
    pub(super) fn standing(&self) -> Option<Standing> {
        let third = self.third.as_deref()?;
        Some(match (&third.state, third.how) {
            (State::Ringing { .. }, How::Consult) => Standing::Calling { by: third.by },
            (State::Ringing { .. }, How::Join) => Standing::Inviting,
            (State::Asked(leg), _) => Standing::Asking { by: third.by, third: *leg },
            (State::Together(leg), _) => Standing::Together { third: *leg },
        })
    }

    /// Who has brought a third person in, or wants to.
    pub(super) fn brings_in(&self) -> Option<LegIndex> {
        self.third.as_ref().map(|third| third.by)
    }

    fn is_of_third(&self, leg: LegIndex) -> bool {
        match self.third.as_deref().map(|third| &third.state) {
            Some(State::Ringing { legs, .. }) => legs.contains(&leg),
            Some(State::Asked(third) | State::Together(third)) => *third == leg,
            None => false,
        }
    }

    /// Rings a third person.
    ///
    /// # Errors
    /// The number leads to nobody who can be rung now; nothing has changed then.
    pub(super) fn bring_in(
        &mut self,
        desk: &mut Desk,
        by: LegIndex,
        how: How,
        number: &Dialled,
    ) -> Result<(), Refused> {
        // CALL-24: three at most.
        if self.is_barged_in() {
            return Err(Refused::BargedIn);
        }
        let (route, _, emergency) = routed(&self.tenant, number, desk.now.unix_ms);
        match (&route, how) {
            (Route::Extension(_), _) | (Route::Lines(_), How::Consult) => {}
            (Route::Lines(_), How::Join) => return Err(Refused::OutsideByConsult),
            (Route::Blocked(_), _) => return Err(Refused::Blocked),
            (
                Route::Room(_)
                | Route::Flow(_)
                | Route::Queue(_)
                | Route::Voicemail(_)
                | Route::Shut(_)
                | Route::Park(_)
                | Route::Messages(_)
                | Route::EchoTest
                | Route::Nowhere,
                _,
            ) => return Err(Refused::NoRoute),
        }
        let until = desk.start_timer(THIRD_RING_MAX, TimerKey::Third(self.id));
        let state = State::Ringing { legs: Vec::new(), queue: VecDeque::new(), until };
        // It is there before it is rung: so it is shown who asks.
        self.third = Some(Box::new(Third { by, how, target: number.as_str().to_owned(), state }));
        let found = self.targets(desk, &route);
        *self.sought() = None;
        let refused = match found {
            Ok((route, targets, _)) => self.ring_third(desk, &route, targets).err(),
            Err(verdict) if verdict.cause == EndCause::Busy => Some(Refused::NotAvailable),
            Err(_) => Some(Refused::NotRegistered),
        };
        if let Some(refused) = refused {
            self.third = None;
            desk.timers.stop(until, TimerKey::Third(self.id));
            return Err(refused);
        }
        self.about.emergency |= emergency;
        self.changed = true;
        if how == How::Consult {
            self.stop_recording(desk);
            let (leg, target) = (self.legs[by.at()].id, number.as_str().to_owned());
            self.fact(desk, Event::ConsultStarted(ConsultStarted { call: self.id, leg, target }));
        }
        self.rewire(desk);
        Ok(())
    }

    fn ring_third(&mut self, desk: &mut Desk, route: &Route, targets: Vec<Target>) -> Result<(), Refused> {
        let at_once = matches!(route, Route::Extension(_));
        let mut later: VecDeque<Target> = targets.into();
        while let Some(target) = later.pop_front() {
            if let Ok(leg) = self.call_target(desk, target, Summons::Ring) {
                self.note_third(leg);
                if !at_once {
                    break;
                }
            }
        }
        match self.third.as_deref_mut().map(|third| &mut third.state) {
            Some(State::Ringing { legs, queue, .. }) if !legs.is_empty() => {
                *queue = later;
                Ok(())
            }
            Some(State::Ringing { .. } | State::Asked(_) | State::Together(_)) | None => Err(Refused::Full),
        }
    }

    fn note_third(&mut self, leg: LegIndex) {
        if let Some(State::Ringing { legs, .. }) = self.third.as_deref_mut().map(|third| &mut third.state) {
            legs.push(leg);
        }
    }

    /// A phone is called anew by another leg.
    pub(super) fn leg_replaced(&mut self, old: LegIndex, new: LegIndex) {
        if self.is_of_third(old) {
            self.note_third(new);
        }
        self.supervisor_replaced(old, new);
    }

    /// A leg that was called while two talk answered. False if it is not the third's.
    pub(super) fn third_answered(&mut self, desk: &mut Desk, leg: LegIndex) -> bool {
        if !self.is_of_third(leg) {
            return false;
        }
        let Some(third) = self.third.as_deref_mut() else { return false };
        let State::Ringing { until, legs, .. } = &mut third.state else { return false };
        desk.timers.stop(*until, TimerKey::Third(self.id));
        let others: Vec<LegIndex> = legs.iter().copied().filter(|other| *other != leg).collect();
        let how = third.how;
        third.state = match how {
            How::Consult => State::Asked(leg),
            How::Join => State::Together(leg),
        };
        for other in others {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        self.changed = true;
        match how {
            How::Consult => self.start_recording(desk),
            How::Join => self.three_way_started(desk, leg),
        }
        self.rewire(desk);
        true
    }

    fn three_way_started(&mut self, desk: &mut Desk, leg: LegIndex) {
        let third = self.legs[leg.at()].id;
        self.fact(desk, Event::ThreeWayStarted(ThreeWayStarted { call: self.id, leg: third }));
        self.record_from(desk);
    }

    /// A leg of the third failed: the next is tried, or there is no third. False if it is not the third's.
    pub(super) fn third_failed(&mut self, desk: &mut Desk, leg: LegIndex, verdict: Verdict) -> bool {
        if !self.is_of_third(leg) {
            return false;
        }
        loop {
            let Some(State::Ringing { legs, queue, .. }) = self.third.as_deref_mut().map(|third| &mut third.state)
            else {
                return true;
            };
            legs.retain(|other| *other != leg);
            if !legs.is_empty() {
                break;
            }
            let Some(target) = queue.pop_front() else {
                self.end_third(desk, outcome(verdict));
                break;
            };
            if let Ok(next) = self.call_target(desk, target, Summons::Ring) {
                self.note_third(next);
            }
        }
        self.rewire(desk);
        true
    }

    /// It did not answer in time (CALL-20).
    pub(crate) fn third_elapsed(&mut self, desk: &mut Desk) {
        self.end_third(desk, ConsultOutcome::NoAnswer);
    }

    /// There is no third any more: the two go on as before.
    pub(super) fn end_third(&mut self, desk: &mut Desk, outcome: ConsultOutcome) {
        if let Some(State::Asked(leg) | State::Together(leg)) = self.third.as_deref().map(|third| &third.state) {
            let leg = *leg;
            self.record_without(desk, leg);
        }
        let Some(third) = self.third.take() else { return };
        let (how, id) = (third.how, self.legs[third.by.at()].id);
        let was_together = self.part_third(desk, *third);
        match (was_together, how) {
            (Some(leg), _) => self.three_way_ended(desk, leg),
            (None, How::Consult) => self.consult_ended(desk, id, outcome),
            // Nothing had changed for the two.
            (None, How::Join) => {}
        }
        self.changed = true;
        self.rewire(desk);
        match (was_together, how) {
            (Some(_), _) => self.record_from(desk),
            (None, How::Consult) => {
                self.stop_recording(desk);
                self.start_recording(desk);
            }
            (None, How::Join) => {}
        }
    }

    /// Hangs up on the third, and gives its leg if all three talked.
    fn part_third(&mut self, desk: &mut Desk, third: Third) -> Option<LegId> {
        match third.state {
            State::Ringing { legs, until, .. } => {
                desk.timers.stop(until, TimerKey::Third(self.id));
                for leg in legs {
                    self.cancel_leg(desk, leg, EndCause::Cancelled);
                }
                None
            }
            State::Asked(leg) => {
                self.hang_up_leg(desk, leg, EndCause::Normal);
                None
            }
            State::Together(leg) => {
                let id = self.legs[leg.at()].id;
                self.hang_up_leg(desk, leg, EndCause::Normal);
                Some(id)
            }
        }
    }

    fn consult_ended(&mut self, desk: &mut Desk, leg: LegId, outcome: ConsultOutcome) {
        self.fact(desk, Event::ConsultEnded(ConsultEnded { call: self.id, leg, outcome }));
    }

    fn three_way_ended(&mut self, desk: &mut Desk, leg: LegId) {
        self.fact(desk, Event::ThreeWayEnded(ThreeWayEnded { call: self.id, leg }));
    }

    /// The call ends, and all its legs with it.
    pub(super) fn drop_third(&mut self, desk: &mut Desk) {
        let Some(third) = self.third.take() else { return };
        let by = self.legs[third.by.at()].id;
        match (third.state, third.how) {
            (State::Ringing { until, .. }, how) => {
                desk.timers.stop(until, TimerKey::Third(self.id));
                if how == How::Consult {
                    self.consult_ended(desk, by, ConsultOutcome::CallEnded);
                }
            }
            (State::Asked(_), _) => self.consult_ended(desk, by, ConsultOutcome::CallEnded),
            (State::Together(leg), _) => {
                let leg = self.legs[leg.at()].id;
                self.three_way_ended(desk, leg);
            }
        }
    }

    /// All three talk from now on (CALL-21).
    pub(super) fn join_third(&mut self, desk: &mut Desk) {
        let Some(third) = self.third.as_deref_mut() else { return };
        let State::Asked(leg) = third.state else { return };
        third.state = State::Together(leg);
        let by = self.legs[third.by.at()].id;
        self.changed = true;
        self.stop_recording(desk);
        self.consult_ended(desk, by, ConsultOutcome::Joined);
        self.three_way_started(desk, leg);
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// Who asked leaves, and the other party talks with whom it asked (CALL-19).
    pub(super) fn complete_consult(&mut self, desk: &mut Desk) {
        let Some(third) = self.third.take() else { return };
        let Third { by, target, .. } = *third;
        let State::Asked(leg) = third.state else { return };
        let id = self.legs[by.at()].id;
        self.consult_ended(desk, id, ConsultOutcome::Completed);
        let Ok(seats) = self.seats_of(by) else { return };
        self.begin_transfer(desk, by, TransferKind::Attended, &target, None);
        let purpose = Purpose::HandOn(TransferKind::Attended);
        let transfer = Transfer { by, seat: seats.seat, purpose, answered_ms: seats.answered_ms };
        self.handed_on(desk, transfer, seats.stays, leg);
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// A party hung up while a third is there. True if the call goes on.
    pub(super) fn gone_beside_third(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) -> bool {
        let Some(third) = self.third.as_deref() else { return false };
        let by = third.by;
        if self.is_of_third(leg) {
            self.record_without(desk, leg);
            self.finish_leg(desk, leg, cause);
            self.end_third(desk, ConsultOutcome::HungUp);
            return true;
        }
        match (&third.state, third.how) {
            // CALL-19, by hanging up.
            (State::Asked(_), _) if leg == by => {
                self.record_without(desk, leg);
                self.finish_leg(desk, leg, EndCause::Transferred);
                self.complete_consult(desk);
                true
            }
            // CALL-20: who asked stays with whom he asks.
            (State::Asked(asked), _) => {
                let asked = *asked;
                self.left_with_third(desk, leg, by, asked, cause);
                true
            }
            // Who asked is gone before there is an answer: the other party is handed on to whoever answers.
            (State::Ringing { .. }, How::Consult) if leg == by => {
                self.hand_on_to_third(desk, by, cause);
                true
            }
            // CALL-23: it ends for all.
            (State::Ringing { .. } | State::Together(_), _) => false,
        }
    }

    fn left_with_third(&mut self, desk: &mut Desk, gone: LegIndex, by: LegIndex, asked: LegIndex, cause: EndCause) {
        let Stage::Talking { caller, answered_ms, .. } = self.stage else { return };
        let id = self.legs[by.at()].id;
        self.third = None;
        self.consult_ended(desk, id, ConsultOutcome::PartyLeft);
        self.finish_leg(desk, gone, cause);
        let (caller, callee) = if caller == by { (by, asked) } else { (asked, by) };
        self.legs[asked.at()].side = if caller == asked { Side::Caller } else { Side::Callee };
        self.stage = Stage::Talking { caller, callee, answered_ms };
        self.changed = true;
        self.rewire(desk);
    }

    fn hand_on_to_third(&mut self, desk: &mut Desk, by: LegIndex, cause: EndCause) {
        let Ok(seats) = self.seats_of(by) else { return };
        let Some(third) = self.third.take() else { return };
        let Third { target, state: State::Ringing { queue, until, .. }, .. } = *third else { return };
        desk.timers.stop(until, TimerKey::Third(self.id));
        desk.timers.start(until, TimerKey::Ring(self.id));
        let id = self.legs[by.at()].id;
        self.consult_ended(desk, id, ConsultOutcome::Completed);
        self.begin_transfer(desk, by, TransferKind::Blind, &target, None);
        let purpose = Purpose::HandOn(TransferKind::Blind);
        let transfer = Transfer { by, seat: seats.seat, purpose, answered_ms: seats.answered_ms };
        let caller = seats.stays;
        self.stage =
            Stage::Seeking(Seeking { caller, queue, verdict: None, ring_until: until, transfer: Some(transfer) });
        self.finish_leg(desk, by, cause);
        self.changed = true;
        self.rewire(desk);
    }

    /// A third's far end is lost: only it goes. False if the leg is not the third's.
    pub(super) fn third_lost(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) -> bool {
        if !self.is_of_third(leg) {
            return false;
        }
        self.record_without(desk, leg);
        self.hang_up_leg(desk, leg, cause);
        self.end_third(desk, ConsultOutcome::HungUp);
        true
    }
}

fn outcome(verdict: Verdict) -> ConsultOutcome {
    match verdict.cause {
        EndCause::Busy | EndCause::Rejected => ConsultOutcome::Busy,
        EndCause::NoAnswer => ConsultOutcome::NoAnswer,
        EndCause::Normal
        | EndCause::Cancelled
        | EndCause::AnsweredElsewhere
        | EndCause::Unreachable
        | EndCause::NotAcceptable
        | EndCause::Refused
        | EndCause::Congestion
        | EndCause::MediaTimeout
        | EndCause::PeerLost
        | EndCause::Command
        | EndCause::Transferred
        | EndCause::Reconnected
        | EndCause::Interrupted
        | EndCause::Stopped
        | EndCause::Failed => ConsultOutcome::Failed,
    }
}

/// How long a third is rung (CALL-20, CALL-21).
const THIRD_RING_MAX: Duration = Duration::from_secs(20);
