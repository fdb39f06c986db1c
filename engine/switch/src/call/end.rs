//! How calls and legs end, for whatever reason, at whatever moment.

use std::time::Duration;

use hooks::fact::{CallEnded, EndCause, EndedBy, Event, LegEnded, MediaQuality};
use sip::dialog::Dialog;
use sip::flow::Flow;
use sip::headers::HeaderName;
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::ClientKey;

use super::resume::Over;
use super::{Call, Ended, Stage};
use crate::desk::{Desk, LegIndex, Refusal, TimerKey};
use crate::farewell;
use crate::leg::{Leg, LegMedia, LegState, Patience, Side};
use crate::media::{BrowserLoss, EndpointId, MediaCommand};
use crate::nat;

/// Why a call ends, and what a caller is told who was not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) cause: EndCause,
    pub(crate) by: EndedBy,
    pub(crate) refusal: Refusal,
}

/// A final failure of a called party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) status: StatusCode,
    pub(crate) cause: EndCause,
}

impl Verdict {
    /// What a failure response means.
    pub(crate) fn of(status: StatusCode) -> Self {
        let cause = match status.code() {
            486 | 600 => EndCause::Busy,
            403 | 603 | 607 | 608 => EndCause::Rejected,
            408 | 480 => EndCause::NoAnswer,
            404 | 410 | 484 | 485 | 604 => EndCause::Unreachable,
            415 | 488 | 606 => EndCause::NotAcceptable,
            503 => EndCause::Congestion,
            _ => EndCause::Failed,
        };
        Self { status, cause }
    }

    /// The better of two to tell the caller, by RFC 3261 §16.7 step 6: a 6xx, else the lowest class, and within a class what
    /// says most.
    pub(crate) fn better(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }

    fn rank(self) -> u16 {
        match self.status.code() {
            600..=699 => 0,
            // Somebody is there.
            486 => 1,
            // RFC 3261 §16.7 step 6: of 4xx preferably those that tell how to mend the request.
            401 | 407 | 415 | 420 | 484 => 3,
            408 | 480 | 487 => 4,
            300..=499 => 2,
            _ => 5,
        }
    }

    /// What the caller is told: what concerns only us and the called party is hidden.
    pub(crate) fn refusal(self) -> Refusal {
        match self.status.code() {
            // A B2BUA does not hand on redirections, nor challenges meant for itself.
            300..=399 | 408 | 430 | 487 => StatusCode::TEMPORARILY_UNAVAILABLE.into(),
            401 | 407 => StatusCode::SERVER_INTERNAL_ERROR.into(),
            // RFC 3261 §16.7 step 6: 503 would speak for the whole of us.
            503 => StatusCode::SERVER_INTERNAL_ERROR.into(),
            _ => self.status.into(),
        }
    }
}

impl Call {
    /// Ends the call: every leg gets what its state calls for, once. A call that ends already goes on ending.
    pub(crate) fn end(&mut self, desk: &mut Desk, end: &End) {
        match &self.stage {
            Stage::Ending { .. } | Stage::Over => return,
            Stage::Summoning { ring_until, .. } => desk.timers.stop(*ring_until, TimerKey::Ring(self.id)),
            Stage::Seeking(seeking) => desk.timers.stop(seeking.ring_until, TimerKey::Ring(self.id)),
            Stage::Served { .. } => self.leave_service(desk, end.cause),
            Stage::Begun | Stage::Talking { .. } => {}
        }
        self.not_called_back(desk);
        self.leave_flow(desk);
        self.hush_announcement(desk);
        self.drop_third(desk);
        self.drop_supervisors(desk);
        self.drop_unconfirmed(desk);
        self.stop_recording(desk);
        self.stop_probation(desk);
        let mut status = self.caller_status();
        for leg in self.live() {
            let told = self.hang_up(desk, leg, end);
            if self.legs[leg.at()].side == Side::Caller && status == 0 {
                status = told;
            }
        }
        let closing_until = desk.start_timer(CLOSING_MAX, TimerKey::Closing(self.id));
        let end = Ended { cause: end.cause, by: end.by, status, at_ms: desk.now.unix_ms };
        self.stage = Stage::Ending { end, closing_until };
        self.changed = true;
        desk.metrics.calls_ended += 1;
    }

    /// The far end of a leg hung up by BYE, or is gone: the call ends with it.
    pub(crate) fn leg_gone(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        let by = match (cause, self.legs[leg.at()].side) {
            (EndCause::Normal | EndCause::Cancelled, Side::Caller) => EndedBy::Caller,
            (EndCause::Normal | EndCause::Cancelled, Side::Callee) => EndedBy::Callee,
            (_, Side::Caller | Side::Callee) => EndedBy::System,
        };
        if self.unconfirmed_gone(desk, leg, cause)
            || self.supervisor_gone(desk, leg, cause)
            || self.gone_beside_third(desk, leg, cause)
        {
            return;
        }
        self.stop_recording(desk);
        self.leave_message(desk);
        self.leave_survey(desk);
        self.finish_leg(desk, leg, cause);
        if cause == EndCause::Normal && (self.ask_after_hang_up(desk, leg) || self.back_to_flow(desk, leg)) {
            return;
        }
        self.end(desk, &End { cause, by, refusal: StatusCode::REQUEST_TERMINATED.into() });
    }

    /// No RTP came from a leg that should send, for too long.
    pub(crate) fn silent(&mut self, desk: &mut Desk, leg: LegIndex) {
        self.media_lost(desk, leg, EndCause::MediaTimeout);
    }

    /// The browser of a leg went without a word, or did not prove to be the one that described itself.
    pub(crate) fn browser_gone(&mut self, desk: &mut Desk, leg: LegIndex, reason: BrowserLoss) {
        match reason {
            BrowserLoss::Silent => {
                desk.metrics.browsers_gone += 1;
                self.media_lost(desk, leg, EndCause::MediaTimeout);
            }
            BrowserLoss::Handshake | BrowserLoss::Certificate => {
                desk.metrics.browsers_unproven += 1;
                self.media_lost(desk, leg, EndCause::Failed);
            }
        }
    }

    fn media_lost(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        // It has its own time to come back.
        if self.is_away(leg) {
            return;
        }
        if self.is_handing_on(leg) {
            return self.hang_up_leg(desk, leg, cause);
        }
        if self.unconfirmed_gone(desk, leg, cause)
            || self.third_lost(desk, leg, cause)
            || self.supervisor_gone(desk, leg, cause)
        {
            return;
        }
        if self.leg(leg).is_some_and(Leg::is_up) {
            let refusal = StatusCode::REQUEST_TIMEOUT.into();
            self.end(desk, &End { cause, by: EndedBy::System, refusal });
        }
    }

    /// Whether it can still be ended.
    pub(crate) fn is_live(&self) -> bool {
        match &self.stage {
            Stage::Summoning { .. }
            | Stage::Begun
            | Stage::Seeking(_)
            | Stage::Talking { .. }
            | Stage::Served { .. } => true,
            Stage::Ending { .. } | Stage::Over => false,
        }
    }

    /// Media of the ended call did not report in time: it ends without figures.
    pub(crate) fn closing_elapsed(&mut self, desk: &mut Desk) {
        for leg in 0..self.legs.len() {
            if self.legs[leg].is_closing() {
                desk.metrics.media_close_timeouts += 1;
                self.report_leg(desk, leg, None);
            }
        }
    }

    /// The media side closed an endpoint.
    pub(crate) fn endpoint_closed(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        endpoint: EndpointId,
        quality: MediaQuality,
    ) {
        if let Some(LegMedia::Closing { endpoint: closing, agreed }) = self.leg(leg).map(|leg| &leg.media)
            && *closing == endpoint
        {
            let quality = agreed.then_some(quality);
            self.report_leg(desk, leg.at(), quality);
        }
    }

    /// Once every leg has reported, the end of the call is written down.
    pub(super) fn finish_if_closed(&mut self, desk: &mut Desk) {
        let Stage::Ending { end, closing_until } = &self.stage else { return };
        if self.legs.iter().any(Leg::is_closing) {
            return;
        }
        desk.timers.stop(*closing_until, TimerKey::Closing(self.id));
        let Over { cause, by, at_ms } = self.outcome(Over { cause: end.cause, by: end.by, at_ms: end.at_ms });
        let ended = CallEnded { call: self.id, cause, by, sip_status: end.status };
        desk.fact_at(&self.tenant.tenant, at_ms, Event::CallEnded(ended));
        self.stage = Stage::Over;
    }

    /// Tells the far end of a leg that it is over, by what its state calls for, and gives the status it saw.
    fn hang_up(&mut self, desk: &mut Desk, leg: LegIndex, end: &End) -> u16 {
        let reason = self.cancel_reason(end.cause);
        let this = &mut self.legs[leg.at()];
        match &mut this.state {
            LegState::Incoming(incoming) => {
                let mut response = Response::to_request(&incoming.invite, end.refusal.status, Some(&this.tag));
                if let Some(phrase) = end.refusal.phrase {
                    response = response.with_reason(phrase);
                }
                for (name, value) in &end.refusal.headers {
                    response.headers.push(name.clone(), value.clone());
                }
                desk.respond(incoming.server, response);
                this.status = end.refusal.status.code();
            }
            LegState::Outgoing(outgoing) => {
                let client = outgoing.client;
                desk.transactions.cancel(desk.now, client, reason);
            }
            LegState::Up(_) => return self.part(desk, leg, end.cause),
            LegState::Service | LegState::Ended { .. } => {}
        }
        let status = this.status;
        self.finish_leg(desk, leg, end.cause);
        status
    }

    /// Ends a leg that is up, and gives the status its INVITE ended with.
    fn part(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) -> u16 {
        let ended = LegState::Ended { cause, at_ms: desk.now.unix_ms };
        let reason = self.bye_reason(cause);
        let leg_ref = self.leg_ref(leg);
        let this = &mut self.legs[leg.at()];
        let status = this.status;
        match std::mem::replace(&mut this.state, ended) {
            LegState::Up(up) => {
                farewell::leave(desk, leg_ref, &up);
                farewell::say(desk, *up, reason);
            }
            LegState::Incoming(_) | LegState::Outgoing(_) | LegState::Service | LegState::Ended { .. } => {}
        }
        self.clear_leg(desk, leg);
        status
    }

    /// Refuses a leg that waits, while the call goes on.
    pub(super) fn refuse_leg(&mut self, desk: &mut Desk, leg: LegIndex, end: &End) {
        self.hang_up(desk, leg, end);
    }

    /// Ends one leg that is up while the call goes on.
    pub(super) fn hang_up_leg(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        let end = End { cause, by: EndedBy::System, refusal: StatusCode::NOT_ACCEPTABLE_HERE.into() };
        self.hang_up(desk, leg, &end);
    }

    /// Something that we need does not work: the call ends.
    pub(super) fn end_failed(&mut self, desk: &mut Desk) {
        let refusal = StatusCode::SERVER_INTERNAL_ERROR.into();
        self.end(desk, &End { cause: EndCause::Failed, by: EndedBy::System, refusal });
    }

    /// Cancels a leg that rings while the call goes on.
    pub(super) fn cancel_leg(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        if let Some(outgoing) = self.legs[leg.at()].outgoing() {
            desk.transactions.cancel(desk.now, outgoing.client, self.cancel_reason(cause));
            return self.finish_leg(desk, leg, cause);
        }
        self.cancel_unconfirmed(desk, leg, cause);
    }

    /// A leg is over: its endpoint closes, its entries leave the tables. Its end is written down when media has reported.
    pub(super) fn finish_leg(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        let leg_ref = self.leg_ref(leg);
        let this = &mut self.legs[leg.at()];
        if this.is_ended() {
            return;
        }
        if let Some(outgoing) = this.outgoing()
            && let Patience::Until(at) = outgoing.patience
        {
            desk.timers.stop(at, TimerKey::NoResponse(leg_ref));
        }
        if let LegState::Incoming(incoming) = &mut this.state {
            incoming.acknowledged(desk, leg_ref);
        }
        if let Some(up) = this.up_mut() {
            farewell::leave(desk, leg_ref, up);
        }
        this.state = LegState::Ended { cause, at_ms: desk.now.unix_ms };
        self.clear_leg(desk, leg);
    }

    /// Closes the endpoint of a leg that is over and takes it out of the tables.
    fn clear_leg(&mut self, desk: &mut Desk, leg: LegIndex) {
        let this = &mut self.legs[leg.at()];
        desk.dialogs.remove(&this.tag);
        desk.leg_ended(&self.tenant.tenant, self.id, this);
        self.changed = true;
        match std::mem::replace(&mut this.media, LegMedia::None) {
            LegMedia::Open(session) => {
                let (endpoint, agreed) = (session.endpoint(), session.is_agreed());
                this.media = LegMedia::Closing { endpoint, agreed };
                desk.media(MediaCommand::Close(endpoint));
            }
            media @ LegMedia::Closing { .. } => this.media = media,
            LegMedia::None => self.report_leg(desk, leg.at(), None),
        }
    }

    fn report_leg(&mut self, desk: &mut Desk, at: usize, quality: Option<MediaQuality>) {
        let reason = u16::try_from(at).ok().and_then(|at| self.reason_of(LegIndex(at)));
        let leg = &mut self.legs[at];
        leg.media = LegMedia::None;
        let LegState::Ended { cause, at_ms } = leg.state else { return };
        let (id, sip_status) = (leg.id, leg.status);
        let Over { cause, at_ms, .. } = self.outcome(Over { cause, by: EndedBy::System, at_ms });
        let ended = LegEnded { call: self.id, leg: id, cause, sip_status, reason, quality };
        desk.fact_at(&self.tenant.tenant, at_ms, Event::LegEnded(ended));
    }

    /// The final status of the caller's INVITE, if there is one yet.
    fn caller_status(&self) -> u16 {
        // A phone whose answer was no use is no caller.
        let useless = |leg: &Leg| matches!(leg.state, LegState::Ended { cause: EndCause::NotAcceptable, .. });
        let caller = self.legs.iter().find(|leg| leg.side == Side::Caller && leg.status != 0 && !useless(leg));
        caller.map_or(0, |leg| leg.status)
    }
}

/// A response to a request of ours whose leg is over, or has another dialog. A 2xx to an INVITE is acknowledged, and ended if
/// its dialog is not over already.
pub(crate) fn late_success(desk: &mut Desk, client: ClientKey, response: &Response) {
    let is_invite = response.headers.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
    if !is_invite || !response.status.is_success() {
        return;
    }
    let Some(used) = desk.clients.get_mut(&client) else { return };
    let flow = used.flow;
    match used.left.take() {
        None => stray_success(desk, flow, Some(client), response),
        Some(mut left) => {
            left.dialog.heard(response);
            let ack = left.dialog.ack(&left.invite, None);
            let hop = desk.hop(nat::next_flow(&desk.node, &flow, left.dialog.next_hop()));
            desk.transactions.send_ack(client, ack, &hop);
        }
    }
}

/// A 2xx to an INVITE that nobody waits for: it crossed a CANCEL, or came from a second phone behind a forking proxy. It is
/// acknowledged and ended at once (RFC 3261 §13.2.2.4). While the INVITE lingers as `client`, its repetitions are acknowledged
/// there.
pub(crate) fn stray_success(desk: &mut Desk, flow: Flow, client: Option<ClientKey>, response: &Response) {
    let headers = &response.headers;
    let target = headers.contacts().ok().and_then(|contacts| contacts.first().map(|contact| contact.uri.clone()));
    let Some(target) = target else { return };
    // What a dialog needs of the INVITE is in its response, too.
    let mut invite = Request::new(Method::Invite, target);
    invite.headers.append_copies(headers, &HeaderName::From);
    invite.headers.append_copies(headers, &HeaderName::CSeq);
    let Ok(mut dialog) = Dialog::from_response(&invite, response) else { return };
    let flow = nat::next_flow(&desk.node, &flow, dialog.next_hop());
    let ack = dialog.ack(&invite, None);
    let hop = desk.hop(flow);
    match client {
        Some(client) => desk.transactions.send_ack(client, ack, &hop),
        None => _ = desk.transactions.send_outside(ack, &hop),
    }
    let bye = dialog.request(Method::Bye);
    // As in `hang_up`: the far end finds out by silence.
    let _ = desk.send(bye, flow);
}

/// How long the end of a call waits for the figures of its media.
const CLOSING_MAX: Duration = Duration::from_secs(2);
