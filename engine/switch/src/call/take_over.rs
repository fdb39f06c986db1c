//! A phone takes the place of another one in the call (INVITE with Replaces, RFC 3891): of one that talks, which is hung up then, or
//! of one that rings, which is cancelled.

use hooks::fact::{EndCause, EndedBy, PeerKind, TransferKind};
use sip::message::StatusCode;

use super::transfer::{Purpose, Transfer};
use super::{Arrival, Call, End, LEGS_MAX, Stage};
use crate::desk::{Desk, LegIndex, Refusal};
use crate::leg::{LegState, Side};
use crate::replace::{Replacement, explained};

impl Call {
    /// Whether a leg of this call that is over had this tag of ours.
    pub(crate) fn had_dialog(&self, tag: &str) -> bool {
        self.legs.iter().any(|leg| leg.is_ended() && *leg.tag == *tag)
    }

    /// Whether the place of this leg may be taken.
    ///
    /// # Errors
    /// What RFC 3891 §3 says, 403 where it is none of the phone's business, 491 while the call is on its way to somebody else.
    pub(crate) fn may_be_replaced(&self, leg: LegIndex, what: &Replacement) -> Result<(), Refusal> {
        let this = self.leg(leg).ok_or(StatusCode::CALL_DOES_NOT_EXIST)?;
        let talks = match &this.state {
            // An early dialog that we did not begin.
            LegState::Incoming(_) => return Err(StatusCode::CALL_DOES_NOT_EXIST.into()),
            LegState::Outgoing(_) => false,
            LegState::Up(_) if what.replaces.early_only => return Err(StatusCode::BUSY_HERE.into()),
            LegState::Up(_) => true,
            LegState::Service | LegState::Ended { .. } => return Err(StatusCode::DECLINE.into()),
        };
        if this.peer.kind != PeerKind::Extension {
            return Err(explained(StatusCode::FORBIDDEN, "only the place of an extension can be taken"));
        }
        if talks && !what.may_follow(&this.peer.name) {
            return Err(explained(StatusCode::FORBIDDEN, "whose place is taken must have sent you"));
        }
        if self.legs.len() >= LEGS_MAX {
            return Err(Refusal::busy_node());
        }
        match &self.stage {
            Stage::Seeking(_) if talks || self.answered_by().is_some() => Err(StatusCode::REQUEST_PENDING.into()),
            Stage::Seeking(_) => Ok(()),
            Stage::Talking { .. } | Stage::Served { .. } | Stage::Summoning { .. } | Stage::Begun => {
                self.may_hand_on(leg).map_err(Refusal::from)
            }
            Stage::Ending { .. } | Stage::Over => Err(StatusCode::DECLINE.into()),
        }
    }

    /// The leg by which this call rings at an extension and can be picked up.
    pub(crate) fn rings_at(&self, extension: &str) -> Option<LegIndex> {
        let sought = matches!(self.stage, Stage::Seeking(_)) && self.answered_by().is_none();
        let waits = sought || self.waiting_leg().is_some();
        let rings = |leg: &LegIndex| {
            let peer = &self.legs[leg.at()].peer;
            peer.kind == PeerKind::Extension && peer.name == extension
        };
        self.called().into_iter().find(rings).filter(|_| waits && self.legs.len() < LEGS_MAX)
    }

    /// Answers the phone that takes the place of this leg.
    ///
    /// # Errors
    /// What it is told; the call goes on as it was.
    pub(crate) fn take_over(&mut self, desk: &mut Desk, replaced: LegIndex, arrival: Arrival) -> Result<(), Refusal> {
        if self.parked_leg().is_some() {
            return self.unpark(desk, arrival);
        }
        let talks = self.legs[replaced.at()].is_up();
        let (seats, side, choices) = if talks {
            let seats = self.seats(replaced)?;
            (Some(seats), seats.seat, self.choices_for(replaced))
        } else {
            (None, Side::Callee, vec![self.proposal()])
        };
        let number = arrival.peer.number.clone();
        let leg_ref = self.leg_ref(self.next_index());
        let (leg, sip_call_id) = arrival.into_leg(desk, &self.tenant.tenant, leg_ref, side)?;
        let new = self.push_leg(desk, leg, &sip_call_id);
        if !self.answer_with(desk, new, &choices) {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            self.refuse_leg(desk, new, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
            return Ok(());
        }
        match (seats, &self.stage) {
            (Some(seats), _) => {
                self.begin_transfer(desk, replaced, TransferKind::Pickup, &number, None);
                let purpose = Purpose::HandOn(TransferKind::Pickup);
                let transfer = Transfer { by: replaced, seat: seats.seat, purpose, answered_ms: seats.answered_ms };
                self.handed_on(desk, transfer, seats.stays, new);
                self.rewire(desk);
                self.start_recording(desk);
            }
            (None, Stage::Seeking(seeking)) => {
                let caller = seeking.caller;
                self.connect(desk, caller, new);
            }
            (None, _) => self.picked_up(desk, new),
        }
        Ok(())
    }
}
