//! What a call asks of hooks: who calls (`caller.lookup`), and whether a number may be called (`dial.authorize`). Whoever answers has
//! a time; when it is over the call goes on as if nothing were known.

use std::time::Duration;

use dialplan::caller::PRIORITY_MAX;
use dialplan::number::AgentNumber;
use hooks::fact::{Direction, EndCause, EndedBy, PeerKind};
use hooks::lookup::{Answer, CallerFound, CallerLookup, DialAuthorize, DialVerdict, Question};
use sip::message::StatusCode;

use super::{Call, End, Route, Stage, Verdict};
use crate::desk::{Desk, TimerKey};
use crate::input::LookUpId;
use crate::leg::Peer;
use crate::replace::explained;

/// What hooks are asked, and have said.
#[derive(Debug, Default)]
pub(super) struct Hooked {
    /// Who calls: asked, and until when an answer is of use.
    caller: Option<(LookUpId, Duration)>,
    found: CallerFound,
    owner: Option<AgentNumber>,
    /// Whether the call may be led there.
    dial: Option<(LookUpId, Duration, Route)>,
}

/// The longest name of a caller, characters: what does not fit on a phone's display is cut off.
const NAME_MAX: usize = 64;

impl Hooked {
    /// What is known of the caller.
    pub(super) fn found(&self) -> &CallerFound {
        &self.found
    }

    /// Whose customer he is.
    pub(super) fn owner(&self) -> Option<&AgentNumber> {
        self.owner.as_ref()
    }
}

impl Call {
    /// Asks who calls from outside. Where he is led goes on meanwhile; a queue is entered when it is known.
    pub(crate) fn ask_who_calls(&mut self, desk: &mut Desk, route: &Route) {
        let Some(timeout) = desk.node.lookups.caller else { return };
        let is_blocked = matches!(route, Route::Blocked(_));
        if self.about.direction != Direction::Inbound || self.about.caller.is_empty() || is_blocked {
            return;
        }
        let question = Question::Caller(CallerLookup {
            tenant: self.tenant.tenant.clone(),
            call: self.id,
            caller: self.about.caller.clone(),
            called: self.about.callee.clone(),
        });
        self.hooked.caller = Some(desk.ask(question, timeout, TimerKey::CallerLookup(self.id)));
    }

    /// Whether it is still being asked who calls.
    pub(super) fn is_caller_looked_up(&self) -> bool {
        self.hooked.caller.is_some()
    }

    /// A hook answered, or said that it knows nothing.
    pub(crate) fn answered_by_hook(&mut self, desk: &mut Desk, id: LookUpId, answer: Option<Answer>) {
        if let Some((_, until)) = self.hooked.caller.take_if(|(asked, _)| *asked == id) {
            desk.timers.stop(until, TimerKey::CallerLookup(self.id));
            if let Some(Answer::Caller(found)) = answer {
                self.know_caller(found);
            }
            return self.join_queue(desk);
        }
        if let Some((_, until, route)) = self.hooked.dial.take_if(|(asked, _, _)| *asked == id) {
            desk.timers.stop(until, TimerKey::Authorize(self.id));
            match answer {
                Some(Answer::Authorize(verdict)) if !verdict.allowed => self.refuse_to_dial(desk, &verdict),
                Some(Answer::Authorize(_) | Answer::Caller(_)) | None => self.dial_on(desk, &route),
            }
        }
    }

    /// Nobody said in time who calls.
    pub(crate) fn caller_unknown(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        if self.hooked.caller.take_if(|(_, until)| *until <= now).is_some() {
            desk.metrics.lookups_late += 1;
            self.join_queue(desk);
        }
    }

    /// Nobody said in time whether the number may be called: the engine's own rules have said yes before.
    pub(crate) fn not_authorized(&mut self, desk: &mut Desk) {
        let now = desk.now.mono;
        if let Some((_, _, route)) = self.hooked.dial.take_if(|(_, until, _)| *until <= now) {
            desk.metrics.lookups_late += 1;
            self.dial_on(desk, &route);
        }
    }

    fn know_caller(&mut self, mut found: CallerFound) {
        found.priority = found.priority.min(PRIORITY_MAX);
        self.hooked.owner = found.owner.as_ref().and_then(|owner| owner.parse().ok());
        let name = found.name.iter().flat_map(|name| name.chars()).filter(|letter| !letter.is_control());
        let name: String = name.take(NAME_MAX).collect();
        if !name.trim().is_empty() {
            self.about.caller_name = name.trim().to_owned();
            self.changed = true;
        }
        self.hooked.found = found;
    }

    /// Asks whether an extension may have this number called, if it is one outside. False where nobody is to be asked.
    pub(super) fn ask_whether_to_dial(&mut self, desk: &mut Desk, route: &Route) -> bool {
        let Some(timeout) = desk.node.lookups.authorize else { return false };
        // GEN-18: nobody has a say in an emergency call.
        let Route::Lines(attempts) = route else { return false };
        let Some(first) = attempts.first().filter(|_| !self.about.emergency) else { return false };
        let Some(dials) = self.who_dials().filter(|peer| peer.kind == PeerKind::Extension).cloned() else {
            return false;
        };
        let agent = desk.floor.at(&self.tenant.tenant, &dials);
        let question = Question::Authorize(DialAuthorize {
            tenant: self.tenant.tenant.clone(),
            call: self.id,
            extension: dials.number,
            agent: agent.and_then(|agent| desk.floor.number_of(agent)).map(ToString::to_string),
            number: first.number.clone(),
        });
        let (id, until) = desk.ask(question, timeout, TimerKey::Authorize(self.id));
        self.hooked.dial = Some((id, until, route.clone()));
        true
    }

    /// Who has the called party sought: who hands somebody on, else the caller.
    fn who_dials(&self) -> Option<&Peer> {
        let Stage::Seeking(seeking) = &self.stage else { return None };
        let by = seeking.transfer.map_or(seeking.caller, |transfer| transfer.by);
        self.leg(by).map(|leg| &leg.peer)
    }

    /// The number may be called, if it is still sought.
    fn dial_on(&mut self, desk: &mut Desk, route: &Route) {
        if matches!(self.stage, Stage::Seeking(_)) {
            self.ring(desk, route);
            self.rewire(desk);
        }
    }

    fn refuse_to_dial(&mut self, desk: &mut Desk, verdict: &DialVerdict) {
        let Stage::Seeking(seeking) = &self.stage else { return };
        desk.metrics.refused_by_hook += 1;
        let refused = Verdict { status: StatusCode::FORBIDDEN, cause: EndCause::Rejected };
        if seeking.transfer.is_some() {
            return self.nobody(desk, refused);
        }
        // It stands between quotes in a header (RFC 3261 §20.43).
        let may_stand = |letter: &char| !letter.is_control() && !['"', '\\'].contains(letter);
        let reason: String = verdict.reason.chars().filter(may_stand).take(NAME_MAX).collect();
        let refusal = match reason.trim() {
            "" => explained(StatusCode::FORBIDDEN, "this number may not be called"),
            reason => explained(StatusCode::FORBIDDEN, reason),
        };
        self.end(desk, &End { cause: refused.cause, by: EndedBy::System, refusal });
    }
}
