//! Provisional responses to the caller that surely arrive (RFC 3262): sent again until the PRACK comes, and before it no 2xx, where
//! they describe the session.

use std::time::Duration;

use hooks::fact::{EndCause, EndedBy};
use sip::headers::{HeaderName, Headers};
use sip::message::{Request, Response, StatusCode};
use sip::transaction::ServerKey;

use super::{Call, End, Stage};
use crate::body;
use crate::desk::{Desk, LegIndex, LegRef, TimerKey};
use crate::invite::ALLOW;
use crate::leg::{Incoming, LegMedia, LegState, Progress};

/// Whether provisional responses to an INVITE can be made sure of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sureness {
    /// The caller does not know how.
    Impossible,
    /// It does: those are that describe the session.
    Possible,
    /// It insists: all are.
    Required,
}

impl Sureness {
    /// What the caller said of it.
    pub(super) fn wanted(headers: &Headers) -> Self {
        let is_ours = |tag: &str| tag.eq_ignore_ascii_case(OPTION_TAG);
        if headers.require().any(is_ours) {
            Self::Required
        } else if headers.has_option(OPTION_TAG) {
            Self::Possible
        } else {
            Self::Impossible
        }
    }
}

/// A provisional response that is sent until its PRACK comes.
#[derive(Debug)]
pub(crate) struct Repeated {
    response: Response,
    interval: Duration,
    /// The end of the timer that runs.
    until: Duration,
    gives_up_at: Duration,
}

/// What a PRACK brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pracked {
    pub(super) offer: bool,
    pub(super) answer: bool,
    pub(super) answer_missing: bool,
}

impl Incoming {
    /// Sends a provisional response so that it surely arrives. None waits for its PRACK now.
    pub(super) fn send_surely(&mut self, desk: &mut Desk, leg: LegRef, mut response: Response) {
        if self.dialog.make_reliable(&mut response, &mut desk.random).is_ok() {
            let until = desk.start_timer(INTERVAL_FIRST, TimerKey::Prack(leg));
            let gives_up_at = desk.now.mono + REPEATED_MAX;
            let repeated = Repeated { response: response.clone(), interval: INTERVAL_FIRST, until, gives_up_at };
            self.repeated = Some(Box::new(repeated));
        }
        desk.respond(self.server, response);
    }

    /// What was repeated need not be any more.
    pub(super) fn acknowledged(&mut self, desk: &mut Desk, leg: LegRef) {
        if let Some(repeated) = self.repeated.take() {
            desk.timers.stop(repeated.until, TimerKey::Prack(leg));
        }
    }
}

impl Call {
    /// Whether the caller must not be answered yet: it has not acknowledged what describes the session (RFC 3262 §3).
    pub(super) fn awaits_prack(&self, caller: LegIndex) -> bool {
        match self.leg(caller).map(|leg| &leg.state) {
            Some(LegState::Incoming(incoming)) => incoming.dialog.awaits_prack() && incoming.dialog.is_settled(),
            Some(LegState::Outgoing(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. }) | None => false,
        }
    }

    /// The called party answered, but the caller cannot be told before its PRACK.
    pub(super) fn keep_answer(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) {
        if let LegState::Incoming(incoming) = &mut self.legs[caller.at()].state {
            incoming.answered_by = Some(callee);
        }
        self.stop_ringing(desk);
        for other in self.called() {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        self.rewire(desk);
    }

    /// The called party that answered while the caller waits to hear of it.
    pub(super) fn answered_by(&self) -> Option<LegIndex> {
        let Stage::Seeking(seeking) = &self.stage else { return None };
        match self.leg(seeking.caller).map(|leg| &leg.state) {
            Some(LegState::Incoming(incoming)) => incoming.answered_by,
            Some(LegState::Outgoing(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. }) | None => None,
        }
    }

    /// No PRACK came yet: once more, or the INVITE is refused.
    pub(crate) fn prack_awaited(&mut self, desk: &mut Desk, leg: LegIndex) {
        let leg_ref = self.leg_ref(leg);
        let Some(LegState::Incoming(incoming)) = self.legs.get_mut(leg.at()).map(|leg| &mut leg.state) else { return };
        let server = incoming.server;
        let Some(repeated) = &mut incoming.repeated else { return };
        if desk.now.mono >= repeated.gives_up_at {
            let refusal = StatusCode::SERVER_TIME_OUT.into();
            return self.end(desk, &End { cause: EndCause::PeerLost, by: EndedBy::System, refusal });
        }
        let response = repeated.response.clone();
        repeated.interval *= 2;
        let left = repeated.gives_up_at.saturating_sub(desk.now.mono);
        repeated.until = desk.start_timer(repeated.interval.min(left), TimerKey::Prack(leg_ref));
        desk.respond(server, response);
    }

    /// The PRACK came that a provisional response waited for.
    pub(super) fn pracked(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        server: ServerKey,
        request: &Request,
        what: Pracked,
    ) {
        let leg_ref = self.leg_ref(leg);
        let before = self.legs[leg.at()].hold();
        let description = body::session(&request.headers, &request.body);
        let response = match description {
            Ok(Some(offer)) if what.offer => match self.answer_reoffer(desk, leg, &offer) {
                Ok(answer) => {
                    let mut response = Response::to_request(request, StatusCode::OK, None);
                    response.set_body("application/sdp", answer);
                    response
                }
                Err(refusal) => refusal.response(request),
            },
            Err(refusal) if what.offer => refusal.response(request),
            Ok(_) | Err(_) => Response::to_request(request, StatusCode::OK, None),
        };
        let state = &mut self.legs[leg.at()].state;
        if let LegState::Incoming(incoming) = state {
            incoming.acknowledged(desk, leg_ref);
        }
        if let Some(dialog) = state.dialog_of(request) {
            dialog.responded(request, &response);
        }
        desk.respond(server, response.with(HeaderName::Allow, ALLOW));
        if (what.answer || what.answer_missing) && !self.take_prack_answer(desk, leg, request) {
            return self.end_not_acceptable(desk);
        }
        self.hold_changed(desk, leg, before);
        self.tell_more(desk, leg);
    }

    /// Takes the answer in a PRACK to the offer in our provisional response. False if there is none that we can take.
    fn take_prack_answer(&mut self, desk: &mut Desk, leg: LegIndex, prack: &Request) -> bool {
        let LegMedia::Open(session) = &mut self.legs[leg.at()].media else { return false };
        let answer = body::session(&prack.headers, &prack.body).ok().flatten();
        answer.is_some_and(|answer| session.take_answer(desk, &answer).is_ok())
    }

    /// Tells the caller what happened while a provisional response waited for its PRACK.
    fn tell_more(&mut self, desk: &mut Desk, caller: LegIndex) {
        if let Some(callee) = self.answered_by() {
            return self.connect(desk, caller, callee);
        }
        if let Some(called) = self.early_media() {
            self.tell_caller(desk, called, Progress::EarlyMedia);
            self.rewire(desk);
        }
    }
}

/// RFC 3262 §8.1.
const OPTION_TAG: &str = "100rel";
/// T1 of RFC 3261 §17.1.1.1; it doubles each time (RFC 3262 §3).
const INTERVAL_FIRST: Duration = Duration::from_millis(500);
/// 64 times T1: then the INVITE is refused by a 5xx (RFC 3262 §3).
const REPEATED_MAX: Duration = Duration::from_secs(32);
