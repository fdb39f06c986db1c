//! Callers who are not let in: outside the opening hours of their route (IVR-02), or because a number is blocked (GEN-19).

use dialplan::block::Treatment;
use dialplan::hours::Opening;
use dialplan::plan::{Closed, Destination, InboundRoute};
use dialplan::say::{PromptName, defaults};
use hooks::fact::{BlockTreatment, BlockedSide, CallBlocked, EndCause, EndedBy, Event};
use sip::message::StatusCode;

use super::forward::ENGAGED;
use super::overflow::Then;
use super::transfer::Transfer;
use super::{Call, End, Route, Verdict};
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex};
use crate::incoming::led_to;

/// What becomes of a caller whose route is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shut {
    /// Said to him.
    prompt: Option<PromptName>,
    /// Where he goes then; nowhere: the call ends.
    to: Option<Route>,
}

/// A number that is on a block list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) side: BlockedSide,
    pub(crate) number: String,
    pub(crate) treatment: Treatment,
}

/// Where an inbound route leads now. Hours that are not there count as open: a caller is rather rung through than lost.
pub(crate) fn led(tenant: &TenantConfig, route: &InboundRoute, now_ms: u64) -> Route {
    let inside = |to: &Destination| led_to(tenant, to, now_ms);
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let Some(by) = &route.hours else { return inside(&route.to) };
    let opening = tenant.hours.get(&by.name).map_or(Opening::Open, |hours| hours.at(now_ms));
    let Closed { prompt, holiday_prompt, to } = &by.closed;
    let prompt = match opening {
        Opening::Open => return inside(&route.to),
        Opening::Closed => prompt,
        Opening::Holiday => holiday_prompt.as_ref().map_or(prompt, |_| holiday_prompt),
    };
    match (prompt, to) {
        (None, Some(to)) => inside(to),
        (prompt, to) => Route::Shut(Box::new(Shut { prompt: prompt.clone(), to: to.as_ref().map(inside) })),
    }
}

impl Call {
    /// The route of the caller is closed.
    pub(super) fn shut_out(&mut self, desk: &mut Desk, caller: LegIndex, shut: &Shut, transfer: Option<Transfer>) {
        let Shut { prompt: Some(prompt), to } = shut else {
            return self.not_served(desk, caller, transfer, SHUT);
        };
        let number = self.about.callee.clone();
        let Some(answered_ms) = self.answer_and_serve(desk, caller, &number, transfer) else { return };
        let then = match to {
            Some(route) => Then::Go(route.clone()),
            None => Then::End(Box::new(ended(EndCause::Normal))),
        };
        self.say_then(desk, caller, answered_ms, prompt.clone(), then);
    }

    /// A number of the call is blocked: that is written down, and the caller gets what is set for it.
    pub(super) fn block(&mut self, desk: &mut Desk, caller: LegIndex, blocked: &Blocked, transfer: Option<Transfer>) {
        let treatment = match blocked.treatment {
            Treatment::Busy => BlockTreatment::Busy,
            Treatment::Prompt => BlockTreatment::Prompt,
            Treatment::HangUp => BlockTreatment::HangUp,
        };
        let (call, side, number) = (self.id, blocked.side, blocked.number.clone());
        self.fact(desk, Event::CallBlocked(CallBlocked { call, side, number, treatment }));
        match blocked.treatment {
            Treatment::Busy => self.not_served(desk, caller, transfer, ENGAGED),
            Treatment::HangUp => self.not_served(desk, caller, transfer, REFUSED),
            Treatment::Prompt => {
                let number = self.about.callee.clone();
                let Some(answered_ms) = self.answer_and_serve(desk, caller, &number, transfer) else { return };
                let then = Then::End(Box::new(ended(EndCause::Refused)));
                self.say_then(desk, caller, answered_ms, defaults::CALL_BLOCKED, then);
            }
        }
    }
}

fn ended(cause: EndCause) -> End {
    End { cause, by: EndedBy::System, refusal: StatusCode::REQUEST_TERMINATED.into() }
}

/// Closed, and nothing is said.
const SHUT: Verdict = Verdict { status: StatusCode::TEMPORARILY_UNAVAILABLE, cause: EndCause::Refused };
/// Blocked, and nothing is said.
const REFUSED: Verdict = Verdict { status: StatusCode::DECLINE, cause: EndCause::Refused };
