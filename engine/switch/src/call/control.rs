//! What is ordered of a call for one of its parties: the same for every kind of phone (section 5 of the requirements). What the phase
//! of the call does not allow is refused.

use dialplan::number::Dialled;
use hooks::fact::{ConsultOutcome, EndCause, EndedBy, Event, LegOfCall, PeerKind, TransferKind};
use sip::message::StatusCode;

use super::third::{How, Standing};
use super::transfer::{Purpose, Transfer};
use super::{Call, End, Route, Seeking, Stage, Verdict};
use crate::agent::{Control, Phase};
use crate::desk::{Desk, LegIndex};
use crate::incoming::routed;
use crate::input::CallOrder;
use crate::leg::{Hold, Leg, LegState};
use crate::output::Refused;

impl Call {
    /// Does what is ordered for the party of a leg.
    ///
    /// # Errors
    /// Why it may not be; nothing has changed then.
    pub(crate) fn ordered(&mut self, desk: &mut Desk, leg: LegIndex, order: &CallOrder) -> Result<(), Refused> {
        if self.is_on_probation() || self.is_somebody_away() {
            return Err(Refused::NotNow);
        }
        let (control, phase) = (control(order), self.phase_of(leg));
        if self.is_supervisor(leg) {
            if control != Control::HangUp {
                return Err(Refused::Supervises);
            }
            self.leave_supervision(desk, leg);
            return Ok(());
        }
        if !control.works_in(phase) {
            return Err(Refused::OutOfPhase { control, phase });
        }
        // The phases of a service are those of a talk, but there is nobody to be held or handed on.
        if !matches!(self.stage, Stage::Talking { .. }) && control != Control::HangUp {
            return Err(Refused::NotTalking);
        }
        match order {
            CallOrder::Hold => self.hold_by_order(desk, leg, Hold::On),
            CallOrder::Retrieve => self.hold_by_order(desk, leg, Hold::Off),
            CallOrder::Transfer(to) => return self.transfer_by_order(desk, leg, to),
            CallOrder::Consult(to) => {
                self.release(leg);
                return self.bring_in(desk, leg, How::Consult, to);
            }
            CallOrder::CompleteConsult => self.complete_consult(desk),
            CallOrder::CancelConsult => self.end_third(desk, ConsultOutcome::Cancelled),
            CallOrder::ThreeWay(to) => return self.three_way_by_order(desk, leg, phase, to.as_ref()),
            CallOrder::CancelThreeWay => self.cancel_three_way(desk, leg),
            CallOrder::Park => return self.park_by_order(desk, leg),
            CallOrder::HangUp => self.hang_up_by_order(desk, leg, phase),
            CallOrder::Evaluate => return self.evaluate(desk, leg),
            CallOrder::Press(digits) => return self.press_by_order(desk, leg, digits),
        }
        Ok(())
    }

    /// The phase of the call, seen from one of its parties.
    fn phase_of(&self, leg: LegIndex) -> Phase {
        let Some(this) = self.leg(leg) else { return Phase::None };
        if self.is_unconfirmed(leg) {
            return Phase::Ringing;
        }
        match &this.state {
            LegState::Service | LegState::Ended { .. } => return Phase::None,
            LegState::Incoming(_) => return Phase::Dialling,
            LegState::Outgoing(_) if matches!(self.stage, Stage::Summoning { .. }) => return Phase::Dialling,
            LegState::Outgoing(_) => return Phase::Ringing,
            LegState::Up(_) => {}
        }
        match &self.stage {
            Stage::Begun | Stage::Summoning { .. } => Phase::Dialling,
            // Who is handed on, or hands on, waits for somebody as who dials does.
            Stage::Seeking(Seeking { .. }) => Phase::Dialling,
            Stage::Served { .. } => Phase::Talking,
            Stage::Talking { .. } => match self.standing() {
                Some(Standing::Calling { by }) if by == leg => Phase::ConsultRinging,
                Some(Standing::Asking { by, .. }) if by == leg => Phase::Consulting,
                Some(Standing::Together { .. }) => Phase::ThreeWay,
                // Who is asked, or waits for who asks: the talk is not its own to change.
                Some(Standing::Calling { .. } | Standing::Asking { .. } | Standing::Inviting) => Phase::Dialling,
                None if this.holds == Hold::On => Phase::Held,
                None => Phase::Talking,
            },
            Stage::Ending { .. } | Stage::Over => Phase::None,
        }
    }

    fn hold_by_order(&mut self, desk: &mut Desk, leg: LegIndex, hold: Hold) {
        let this = &mut self.legs[leg.at()];
        this.holds = hold;
        let id = LegOfCall { call: self.id, leg: this.id };
        let event = match hold {
            Hold::On => Event::CallHeld(id),
            Hold::Off => Event::CallRetrieved(id),
        };
        self.fact(desk, event);
        self.changed = true;
        self.rewire(desk);
    }

    /// Who holds does so no more: it does something else with the other party.
    fn release(&mut self, leg: LegIndex) {
        self.legs[leg.at()].holds = Hold::Off;
    }

    /// CALL-14: the connection of who hands on ends at that moment.
    fn transfer_by_order(&mut self, desk: &mut Desk, by: LegIndex, to: &Dialled) -> Result<(), Refused> {
        let (route, _, emergency) = routed(&self.tenant, to, desk.now.unix_ms);
        self.may_send_to(desk, &route)?;
        self.seats(by).map_err(|_| Refused::NotNow)?;
        self.about.emergency |= emergency;
        self.send_on(desk, by, to.as_str(), &route)
    }

    /// The other party goes there, and this one is out of the call.
    pub(super) fn send_on(&mut self, desk: &mut Desk, by: LegIndex, to: &str, route: &Route) -> Result<(), Refused> {
        let seats = self.seats(by).map_err(|_| Refused::NotNow)?;
        self.release(by);
        self.begin_transfer(desk, by, TransferKind::Blind, to, None);
        self.hang_up_leg(desk, by, EndCause::Transferred);
        let purpose = Purpose::HandOn(TransferKind::Blind);
        let transfer = Transfer { by, seat: seats.seat, purpose, answered_ms: seats.answered_ms };
        self.seek_for(desk, seats.stays, route, Some(transfer));
        Ok(())
    }

    fn three_way_by_order(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        phase: Phase,
        to: Option<&Dialled>,
    ) -> Result<(), Refused> {
        match (phase, to) {
            (Phase::Consulting, None) => {
                self.join_third(desk);
                Ok(())
            }
            (Phase::Consulting, Some(_)) => Err(Refused::OutOfPhase { control: Control::ThreeWay, phase }),
            (_, Some(to)) => self.bring_in(desk, leg, How::Join, to),
            (_, None) => Err(Refused::NoThird),
        }
    }

    /// CALL-22, CALL-23: the third leaves, or it ends for all.
    fn cancel_three_way(&mut self, desk: &mut Desk, leg: LegIndex) {
        match self.standing() {
            Some(Standing::Together { third }) if third == leg => self.end_third(desk, ConsultOutcome::HungUp),
            Some(_) | None => self.end_by(desk, leg),
        }
    }

    /// Hangs up as the phase says: rejects, cancels, ends the consult alone, or ends the call.
    fn hang_up_by_order(&mut self, desk: &mut Desk, leg: LegIndex, phase: Phase) {
        match phase {
            Phase::None => {}
            Phase::Ringing => self.reject(desk, leg),
            Phase::ConsultRinging | Phase::Consulting => self.end_third(desk, ConsultOutcome::Cancelled),
            Phase::ThreeWay => self.cancel_three_way(desk, leg),
            Phase::Dialling | Phase::Talking | Phase::Held => match self.standing() {
                // Who is asked hangs up.
                Some(Standing::Asking { third, .. }) if third == leg => {
                    self.end_third(desk, ConsultOutcome::HungUp);
                }
                Some(_) | None => self.end_by(desk, leg),
            },
        }
    }

    /// The phones of who is rung on this leg ring no more.
    fn reject(&mut self, desk: &mut Desk, leg: LegIndex) {
        let (agent, name) = (self.legs[leg.at()].agent, self.legs[leg.at()].peer.name.clone());
        let verdict = Verdict { status: StatusCode::DECLINE, cause: EndCause::Rejected };
        let same = |leg: &Leg| leg.peer.name == name && leg.agent == agent;
        let rung: Vec<LegIndex> = self.called().into_iter().filter(|at| same(&self.legs[at.at()])).collect();
        for leg in rung {
            self.cancel_leg(desk, leg, EndCause::Rejected);
            if self.third_failed(desk, leg, verdict) {
                return;
            }
        }
        self.note(verdict);
        self.end_if_all_failed(desk);
    }

    fn end_by(&mut self, desk: &mut Desk, leg: LegIndex) {
        let by = match self.legs[leg.at()].side {
            crate::leg::Side::Caller => EndedBy::Caller,
            crate::leg::Side::Callee => EndedBy::Callee,
        };
        let cause = if self.is_talking() { EndCause::Normal } else { EndCause::Cancelled };
        let refusal = StatusCode::REQUEST_TERMINATED.into();
        self.end(desk, &End { cause, by, refusal });
    }

    /// The leg of the only extension that takes part.
    pub(crate) fn only_extension(&self) -> Option<LegIndex> {
        let is_extension = |leg: &Leg| leg.peer.kind == PeerKind::Extension;
        let names: std::collections::BTreeSet<&str> = self
            .live()
            .into_iter()
            .filter(|at| !self.is_supervisor(*at))
            .map(|at| &self.legs[at.at()])
            .filter(|leg| is_extension(leg))
            .map(|leg| leg.peer.name.as_str())
            .collect();
        if names.len() == 1 { self.leg_of(is_extension) } else { None }
    }

    /// The leg of a party by which it takes part: what is ordered for it is done there.
    pub(crate) fn leg_of(&self, is_its: impl Fn(&Leg) -> bool) -> Option<LegIndex> {
        let own: Vec<LegIndex> = self.live().into_iter().filter(|at| is_its(&self.legs[at.at()])).collect();
        own.iter().copied().find(|at| self.legs[at.at()].is_up()).or_else(|| own.first().copied())
    }
}

fn control(order: &CallOrder) -> Control {
    match order {
        CallOrder::Hold => Control::Hold,
        CallOrder::Retrieve => Control::Retrieve,
        CallOrder::Transfer(_) => Control::Transfer,
        CallOrder::Consult(_) => Control::Consult,
        CallOrder::CompleteConsult => Control::ConfirmConsult,
        CallOrder::CancelConsult => Control::CancelConsult,
        CallOrder::ThreeWay(_) => Control::ThreeWay,
        CallOrder::CancelThreeWay => Control::CancelThreeWay,
        CallOrder::Park => Control::Park,
        CallOrder::HangUp => Control::HangUp,
        CallOrder::Evaluate => Control::Evaluate,
        CallOrder::Press(_) => Control::Dtmf,
    }
}
