//! Requests that come inside a dialog: BYE, re-INVITE, INFO and what else a peer may send.

use hooks::fact::EndCause;
use sip::dialog::{DialogId, Incoming as Taken};
use sip::flow::Flow;
use sip::headers::HeaderName;
use sip::message::{Method, Request, Response, StatusCode};
use sip::transaction::ServerKey;

use super::provisional::Pracked;
use super::{Call, End};
use crate::desk::{Desk, LegIndex};
use crate::invite::ALLOW;
use crate::leg::LegState;

/// What became of a request that names a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered.
    Taken,
    /// It names another dialog by Call-ID or the peer's tag: 481.
    Unknown,
    /// Its sender wants to hand its other party on, which may concern other calls.
    Refer,
}

impl Call {
    /// Takes a request that names a leg's dialog.
    pub(crate) fn requested(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        server: ServerKey,
        request: &Request,
        flow: Flow,
    ) -> Outcome {
        let Some(this) = self.legs.get_mut(leg.at()) else { return Outcome::Unknown };
        // RFC 3261 §15: the called party must not send BYE before its 2xx.
        if request.method == Method::Bye && matches!(this.state, LegState::Outgoing(_)) {
            return Outcome::Unknown;
        }
        let Some(dialog) = this.state.dialog_of(request) else { return Outcome::Unknown };
        let received = dialog.receive(request);
        let mut reached_again = false;
        if let LegState::Up(up) = &mut this.state {
            reached_again = up.flow.connection.is_none() && flow.connection.is_some();
            // Where its last message came from is where it is reached.
            up.flow = flow;
        }
        match received {
            Ok(Taken::Other) if request.method == Method::Refer => return Outcome::Refer,
            Ok(taken) => self.taken(desk, leg, server, request, taken),
            Err(rejection) => {
                let response = rejection.response(request, &mut desk.random);
                desk.respond(server, response);
            }
        }
        self.ask_next(desk, leg);
        if reached_again {
            self.is_back(desk, leg);
            self.reached_again(desk, leg);
        }
        Outcome::Taken
    }

    /// The ACK of a 2xx, found by its dialog.
    pub(crate) fn is_ack_of(&self, leg: LegIndex, ack: &Request) -> bool {
        let Some(LegState::Up(up)) = self.leg(leg).map(|leg| &leg.state) else { return false };
        DialogId::of_request(ack).as_ref() == Some(up.dialog.id())
    }

    fn taken(&mut self, desk: &mut Desk, leg: LegIndex, server: ServerKey, request: &Request, taken: Taken) {
        match taken {
            Taken::Invite { .. } => self.reinvited(desk, leg, server, request),
            Taken::Bye => {
                desk.respond(server, Response::to_request(request, StatusCode::OK, None));
                self.heard_bye(leg, &request.headers);
                self.bye(desk, leg);
            }
            Taken::Update { .. } => self.updated(desk, leg, server, request),
            Taken::Other => {
                let relayed = self.relayed(desk, leg, request);
                let response = relayed.unwrap_or_else(|| answer_other(request));
                if let Some(dialog) = self.legs[leg.at()].state.dialog_of(request) {
                    dialog.responded(request, &response);
                }
                desk.respond(server, response);
            }
            Taken::Prack { offer, answer, answer_missing } => {
                self.pracked(desk, leg, server, request, Pracked { offer, answer, answer_missing });
            }
            Taken::Ack { .. } | Taken::StrayAck => {}
        }
    }

    /// The far end of a leg hung up.
    fn bye(&mut self, desk: &mut Desk, leg: LegIndex) {
        if matches!(self.legs[leg.at()].state, LegState::Incoming(_)) {
            return self.cancelled(desk);
        }
        if self.is_handing_on(leg) {
            // Who hands the other party on need not wait for what becomes of it (RFC 5589 §6.1).
            return self.finish_leg(desk, leg, EndCause::Transferred);
        }
        let cause = if self.is_talking() { EndCause::Normal } else { EndCause::Cancelled };
        self.leg_gone(desk, leg, cause);
    }

    /// The caller gave up before the answer: by CANCEL, or by BYE in its early dialog (RFC 3261 §15).
    pub(crate) fn cancelled(&mut self, desk: &mut Desk) {
        let refusal = StatusCode::REQUEST_TERMINATED.into();
        self.end(desk, &End { cause: EndCause::Cancelled, by: hooks::fact::EndedBy::Caller, refusal });
    }
}

/// INFO is taken whatever it says (phones that send DTMF so want no more); the rest is answered as outside a dialog.
fn answer_other(request: &Request) -> Response {
    let status = match &request.method {
        Method::Info | Method::Options => StatusCode::OK,
        Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
        // RFC 6665 §4.5: a subscription has a dialog of its own, and we subscribed to nothing here.
        Method::Subscribe => StatusCode::FORBIDDEN,
        Method::Notify => StatusCode::CALL_DOES_NOT_EXIST,
        Method::Invite
        | Method::Ack
        | Method::Bye
        | Method::Cancel
        | Method::Register
        | Method::Prack
        | Method::Publish
        | Method::Refer
        | Method::Message
        | Method::Update => StatusCode::METHOD_NOT_ALLOWED,
    };
    Response::to_request(request, status, None).with(HeaderName::Allow, ALLOW)
}
