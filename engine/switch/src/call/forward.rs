//! Where an extension wants the calls to go that it does not take (AGT-18): always, when it is busy, when nobody answers.
//! They go by the tenant's own plan, as if the phone itself had sent them on, and the same bounds hold.

use dialplan::flow::name::Mailbox;
use dialplan::number::{Dialled, ExtensionNumber};
use hooks::fact::EndCause;
use sip::message::StatusCode;

use super::redirect::Diverted;
use super::{Call, Route, Stage, Verdict};
use crate::config::{CallHandling, Extension};
use crate::desk::Desk;

impl Call {
    /// What an extension says to a call before any phone of it rings: that it is busy, or nothing.
    pub(super) fn is_engaged(&self, desk: &Desk, extension: &Extension) -> bool {
        // AGT-18: what is set for the extension holds while nobody is signed in on it.
        if let Some(agent) = desk.floor.on_extension(&self.tenant.tenant, &extension.number) {
            return !desk.floor.is_free(agent);
        }
        let CallHandling { call_waiting, do_not_disturb, .. } = extension.handling;
        do_not_disturb || (!call_waiting && desk.engaged.is(&self.tenant.tenant, extension.number.as_str()))
    }

    /// Where a route leads once extensions that never take their calls have sent it on; `None` where that leads nowhere.
    pub(super) fn forwarded_always(&mut self, desk: &Desk, route: &Route) -> Option<Route> {
        let mut route = route.clone();
        while let Route::Extension(number) = &route {
            if desk.floor.on_extension(&self.tenant.tenant, number).is_some() {
                break;
            }
            let extension = self.tenant.extensions.get(number).filter(|extension| extension.enabled);
            let Some(to) = extension.and_then(|extension| extension.handling.forward_always.clone()) else { break };
            let by = number.clone();
            route = self.divert(desk, by, &to, "unconditional")?;
        }
        Some(route)
    }

    /// Calls whom the extension that was sought names for such a failure; what still rings there is given up. False where it
    /// names nobody who can be called: then the call has failed.
    pub(super) fn forwarded(&mut self, desk: &mut Desk, verdict: Verdict) -> bool {
        if !matches!(self.stage, Stage::Seeking(_)) {
            return false;
        }
        let ringing = self.called();
        let cause = verdict.cause;
        let mut verdict = verdict;
        while let Some(by) = self.sought().take() {
            let Some(route) = self.way_on(desk, &by, verdict) else {
                return self.ask_for_message(desk, by, verdict, cause);
            };
            match self.follow(desk, &route) {
                Ok(()) => {
                    for leg in ringing {
                        self.cancel_leg(desk, leg, cause);
                    }
                    // From here on it counts what becomes of the call there.
                    if let Stage::Seeking(seeking) = &mut self.stage {
                        seeking.verdict = None;
                    }
                    return true;
                }
                Err(next) => verdict = next,
            }
        }
        false
    }

    /// Lets the caller leave a message for an extension that did not take the call, if it has its box open. False if not, or if the
    /// caller is one who is handed on, or whom a flow leads: those go back where they came from. What still rings elsewhere is given up
    /// for the cause `given_up`.
    fn ask_for_message(&mut self, desk: &mut Desk, by: ExtensionNumber, verdict: Verdict, given_up: EndCause) -> bool {
        let Stage::Seeking(seeking) = &self.stage else { return false };
        let (caller, is_led) = (seeking.caller, seeking.transfer.is_some());
        let extension = self.tenant.extensions.get(&by).filter(|extension| extension.enabled);
        let is_open = extension.is_some_and(|extension| extension.handling.voicemail)
            && desk.floor.on_extension(&self.tenant.tenant, &by).is_none();
        if is_led || !is_open || !is_missed(verdict.cause) || self.awaits_prack(caller) {
            return false;
        }
        self.stop_ringing(desk);
        for leg in self.called() {
            self.cancel_leg(desk, leg, given_up);
        }
        self.enter_voicemail(desk, caller, &Mailbox::Extension(by), None);
        true
    }

    /// Where an extension sends a call that failed so.
    fn way_on(&mut self, desk: &Desk, by: &ExtensionNumber, verdict: Verdict) -> Option<Route> {
        if desk.floor.on_extension(&self.tenant.tenant, by).is_some() {
            return None;
        }
        let handling = &self.tenant.extensions.get(by)?.handling;
        let (to, reason) = match verdict.cause {
            EndCause::Busy | EndCause::Rejected if handling.do_not_disturb => {
                (&handling.forward_busy, "do-not-disturb")
            }
            EndCause::Busy | EndCause::Rejected => (&handling.forward_busy, "user-busy"),
            EndCause::NoAnswer => (&handling.forward_no_answer, "no-answer"),
            EndCause::Unreachable => (&handling.forward_no_answer, "unavailable"),
            EndCause::Normal
            | EndCause::Cancelled
            | EndCause::AnsweredElsewhere
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
            | EndCause::Failed => return None,
        };
        let to = to.clone()?;
        self.divert(desk, by.clone(), &to, reason)
    }

    /// Notes that an extension sends the call to a number; where that leads.
    fn divert(&mut self, desk: &Desk, by: ExtensionNumber, to: &Dialled, reason: &str) -> Option<Route> {
        let dialled = self.about.callee.clone();
        let route = self.way_to(desk, to, &[dialled, by.to_string()])?;
        self.diverted_by(Diverted { by, reason: reason.to_owned() });
        Some(route)
    }
}

/// Whether the extension could have taken the call, and did not.
fn is_missed(cause: EndCause) -> bool {
    match cause {
        EndCause::Busy | EndCause::Rejected | EndCause::NoAnswer | EndCause::Unreachable => true,
        EndCause::Normal
        | EndCause::Cancelled
        | EndCause::AnsweredElsewhere
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
        | EndCause::Failed => false,
    }
}

/// What the caller is told where the extension is busy.
pub(super) const ENGAGED: Verdict = Verdict { status: StatusCode::BUSY_HERE, cause: EndCause::Busy };
