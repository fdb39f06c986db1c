//! The echo test (`*43`): the caller is answered at once and hears itself.

use hooks::fact::{CallAnswered, EndCause, EndedBy, Event, PeerKind};
use sip::message::StatusCode;

use super::transfer::Transfer;
use super::{Call, End, Stage};
use crate::desk::{Desk, LegIndex};
use crate::leg::{Leg, LegMedia, LegState, Peer, Side};

impl Call {
    /// Connects the caller with itself.
    pub(super) fn echo(&mut self, desk: &mut Desk, caller: LegIndex, transfer: Option<Transfer>) {
        let up = self.legs[caller.at()].is_up();
        if !up && !self.answer_caller(desk, caller, None) {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            return self.end(desk, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
        }
        let number = self.about.callee.clone();
        let service = Leg {
            id: desk.leg_id(),
            side: Side::Callee,
            peer: Peer { kind: PeerKind::Service, name: number.clone(), number },
            tag: Box::default(),
            state: LegState::Service,
            media: LegMedia::None,
            status: 0,
        };
        let service = self.push_leg(desk, service, "");
        if let Some(transfer) = transfer {
            self.handed_on(desk, transfer, caller, service);
            self.stage = Stage::Echo { caller, answered_ms: transfer.answered_ms };
        } else {
            self.stage = Stage::Echo { caller, answered_ms: desk.now.unix_ms };
            let answered = CallAnswered { call: self.id, leg: self.legs[service.at()].id };
            self.fact(desk, Event::CallAnswered(answered));
            desk.metrics.calls_answered += 1;
        }
        self.rewire(desk);
    }
}
