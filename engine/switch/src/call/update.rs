//! UPDATE (RFC 3311), before the answer and after it: a new offer, a new target, or just a sign of life.

use bytes::Bytes;
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Request, Response, StatusCode};
use sip::session_timer;
use sip::transaction::ServerKey;

use super::Call;
use crate::body;
use crate::desk::{Desk, LegIndex, Refusal};
use crate::invite::ALLOW;
use crate::leg::LegState;
use crate::lifetime;
use crate::nat;
use crate::requests::{REQUIRABLE, SUPPORTED, check_required};

/// What an UPDATE is answered with.
struct Updated {
    /// The answer to its offer.
    answer: Option<Bytes>,
    timer: session_timer::Answer,
}

impl Call {
    /// Answers an UPDATE that the dialog took. A refusal leaves the session as it was (RFC 3311 §5.2).
    pub(super) fn updated(&mut self, desk: &mut Desk, leg: LegIndex, server: ServerKey, request: &Request) {
        let before = self.legs[leg.at()].hold();
        let updated = self.update(desk, leg, request);
        let user = self.own_user(leg);
        let leg_ref = self.leg_ref(leg);
        let state = &mut self.legs[leg.at()].state;
        let response = match (updated, state.flow()) {
            (Ok(updated), Some(flow)) => {
                let contact = nat::contact(&desk.node, &flow, &user, &request.uri);
                let mut response = Response::to_request(request, StatusCode::OK, None)
                    .with(HeaderName::Contact, NameAddr::new(contact.into()))
                    .with(HeaderName::Allow, ALLOW)
                    .with(HeaderName::Supported, SUPPORTED);
                if let LegState::Up(up) = state {
                    updated.timer.write(&mut response);
                    up.refresh_by.learn(&request.headers);
                    up.lifetime.mind(&request.headers);
                    up.lifetime.renew(desk, leg_ref, updated.timer.terms());
                }
                if let Some(answer) = updated.answer {
                    response.set_body("application/sdp", answer);
                }
                response
            }
            (Err(refusal), _) => refusal.response(request),
            (Ok(_), None) => Refusal::from(StatusCode::CALL_DOES_NOT_EXIST).response(request),
        };
        if let Some(dialog) = state.dialog_of(request) {
            dialog.responded(request, &response);
        }
        if let (LegState::Outgoing(outgoing), true) = (state, response.status.is_success() && !response.body.is_empty())
        {
            outgoing.early.current = request.headers.from().ok().and_then(|from| from.tag().map(str::to_owned));
        }
        desk.respond(server, response);
        self.hold_changed(desk, leg, before);
    }

    fn update(&mut self, desk: &mut Desk, leg: LegIndex, request: &Request) -> Result<Updated, Refusal> {
        check_required(&request.headers, REQUIRABLE)?;
        let timer = desk.node.session_timer.answer(&request.headers).map_err(|error| lifetime::refusal(&error))?;
        let answer = match body::session(&request.headers, &request.body)? {
            Some(offer) => Some(self.answer_reoffer(desk, leg, &offer)?),
            None => None,
        };
        Ok(Updated { answer, timer })
    }
}
