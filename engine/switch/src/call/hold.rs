//! Re-INVITEs: hold and retrieve, new addresses, new codecs. We answer them ourselves; the other party is not asked, it hears
//! music instead (CALL-12).

use hooks::fact::{Event, LegOfCall};
use sip::headers::{HeaderName, NameAddr};
use sip::message::{Request, Response, StatusCode};
use sip::sdp::Codec;
use sip::transaction::ServerKey;

use super::{Call, Service, Stage};
use crate::body;
use crate::desk::{Desk, LegIndex, Refusal};
use crate::invite::ALLOW;
use crate::leg::{Hold, Leg, LegMedia, LegState};
use crate::lifetime;
use crate::nat;
use crate::requests::{REQUIRABLE, SUPPORTED, check_required};
use crate::session::{self, Session};

impl Call {
    /// Answers a re-INVITE that the dialog took. A refusal leaves the session as it was (RFC 3261 §14.2).
    pub(super) fn reinvited(&mut self, desk: &mut Desk, leg: LegIndex, server: ServerKey, request: &Request) {
        let before = self.legs[leg.at()].hold();
        let described = check_required(&request.headers, REQUIRABLE).and_then(|()| {
            let timer = desk.node.session_timer.answer(&request.headers).map_err(|error| lifetime::refusal(&error))?;
            let description = match body::session(&request.headers, &request.body)? {
                Some(offer) => self.answer_reoffer(desk, leg, &offer)?,
                None => self.offer_again(leg)?,
            };
            Ok((description, timer))
        });
        let user = self.own_user(leg);
        let leg_ref = self.leg_ref(leg);
        let LegState::Up(up) = &mut self.legs[leg.at()].state else { return };
        up.refresh_by.learn(&request.headers);
        match described {
            Ok((description, timer)) => {
                let contact = nat::contact(&desk.node, &up.flow, &user, &request.uri);
                let mut response = Response::to_request(request, StatusCode::OK, None)
                    .with(HeaderName::Contact, NameAddr::new(contact.into()))
                    .with(HeaderName::Allow, ALLOW)
                    .with(HeaderName::Supported, SUPPORTED);
                timer.write(&mut response);
                response.set_body("application/sdp", description);
                up.dialog.responded(request, &response);
                up.lifetime.mind(&request.headers);
                up.lifetime.renew(desk, leg_ref, timer.terms());
                desk.servers.insert(server, leg_ref);
                desk.respond(server, response);
                self.hold_changed(desk, leg, before);
            }
            Err(refusal) => {
                let response = refusal.response(request);
                up.dialog.responded(request, &response);
                desk.respond(server, response);
            }
        }
    }

    /// Writes down that a party began or ceased to hold, and lets both hear accordingly.
    pub(super) fn hold_changed(&mut self, desk: &mut Desk, leg: LegIndex, before: Hold) {
        self.changed = true;
        let this = &self.legs[leg.at()];
        let after = this.hold();
        if after != before && matches!(self.stage, Stage::Talking { .. } | Stage::Served { by: Service::Room(_), .. }) {
            let id = LegOfCall { call: self.id, leg: this.id };
            let event = match after {
                Hold::On => Event::CallHeld(id),
                Hold::Off => Event::CallRetrieved(id),
            };
            self.fact(desk, event);
        }
        self.rewire(desk);
    }

    /// Answers an offer in a session that is there.
    pub(super) fn answer_reoffer(
        &mut self,
        desk: &mut Desk,
        leg: LegIndex,
        offer: &sip::sdp::SessionDescription,
    ) -> Result<bytes::Bytes, Refusal> {
        let choices = self.choices_for(leg);
        let agent = desk.node.domain.clone();
        let LegMedia::Open(session) = &mut self.legs[leg.at()].media else {
            return Err(StatusCode::SERVER_INTERNAL_ERROR.into());
        };
        session.answer(desk, offer, &choices).map_err(|error| not_acceptable(error, &agent))
    }

    /// A re-INVITE without an offer: ours goes into the 200.
    fn offer_again(&mut self, leg: LegIndex) -> Result<bytes::Bytes, Refusal> {
        let LegMedia::Open(session) = &mut self.legs[leg.at()].media else {
            return Err(StatusCode::SERVER_INTERNAL_ERROR.into());
        };
        let codecs = session.agreed_codecs().unwrap_or_else(session::g711);
        Ok(session.offer(&codecs))
    }

    /// What a leg may agree to: what the other party has, so that packets pass as they are; alone, what it had.
    pub(super) fn choices_for(&self, leg: LegIndex) -> Vec<Vec<Codec>> {
        // Who may be in the mixer soon, or is, takes what that takes.
        if self.third.is_some() || self.is_supervised() || self.is_unconfirmed(leg) {
            return vec![session::mixed(None)];
        }
        let other = match &self.stage {
            Stage::Seeking(seeking) if seeking.caller == leg => self.early_media(),
            Stage::Seeking(seeking) => Some(seeking.caller),
            Stage::Served {
                by:
                    Service::Room(_)
                    | Service::Flow
                    | Service::Queue(_)
                    | Service::Park(_)
                    | Service::Voicemail(_)
                    | Service::Survey(_)
                    | Service::Messages(_)
                    | Service::LastWords(_),
                ..
            } => return vec![session::mixed(None)],
            Stage::Begun
            | Stage::Summoning { .. }
            | Stage::Talking { .. }
            | Stage::Served { by: Service::Echo, .. }
            | Stage::Ending { .. }
            | Stage::Over => self.partner(leg),
        };
        other
            .and_then(|other| self.leg(other))
            .and_then(Leg::session)
            .map_or_else(|| vec![session::g711()], Session::choices)
    }

    /// The user part of our Contact toward a leg.
    pub(super) fn own_user(&self, leg: LegIndex) -> String {
        match self.legs[leg.at()].side {
            crate::leg::Side::Caller => self.about.callee.clone(),
            crate::leg::Side::Callee => self.about.caller.clone(),
        }
    }
}

/// 488 with a Warning that says why (RFC 3261 §21.4.26).
pub(crate) fn not_acceptable(error: sip::sdp::NegotiationError, agent: &str) -> Refusal {
    Refusal::from(StatusCode::NOT_ACCEPTABLE_HERE).with(HeaderName::Warning, &error.warning(agent))
}
