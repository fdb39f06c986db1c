//! The echo test (`*43`): the caller is answered at once and hears itself.

use hooks::fact::{EndCause, EndedBy};
use sip::message::StatusCode;

use super::transfer::Transfer;
use super::{Call, End, Service, Stage};
use crate::desk::{Desk, LegIndex};

impl Call {
    /// Connects the caller with itself.
    pub(super) fn echo(&mut self, desk: &mut Desk, caller: LegIndex, transfer: Option<Transfer>) {
        let up = self.legs[caller.at()].is_up();
        if !up && !self.answer_caller(desk, caller, None) {
            let refusal = StatusCode::NOT_ACCEPTABLE_HERE.into();
            return self.end(desk, &End { cause: EndCause::NotAcceptable, by: EndedBy::System, refusal });
        }
        let number = self.about.callee.clone();
        let answered_ms = self.serve(desk, caller, &number, transfer);
        self.stage = Stage::Served { caller, answered_ms, by: Service::Echo };
        self.rewire(desk);
    }
}
