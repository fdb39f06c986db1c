//! INFO and MESSAGE in the dialog of one party, for the other: text, and key presses by INFO (as many phones and gateways send
//! them) where it takes those, are handed on as they came. The sender is answered at once; what the other party says to it concerns nobody.

use sip::headers::{HeaderName, Headers};
use sip::message::{Method, Request, Response, StatusCode};

use super::Call;
use super::digits::pressed;
use crate::desk::{Desk, LegIndex};
use crate::leg::Leg;
use crate::messages::MESSAGE_BODY_MAX;

impl Call {
    /// Hands a request on to the other party if it is one of these, and gives its answer.
    pub(super) fn relayed(&mut self, desk: &mut Desk, leg: LegIndex, request: &Request) -> Option<Response> {
        let accepted = match &request.method {
            Method::Info if request.headers.contains(&HeaderName::InfoPackage) => {
                // RFC 6086 §4.2.2: we take no packages, and say so.
                let response = Response::to_request(request, StatusCode::BAD_INFO_PACKAGE, None);
                return Some(response.with(HeaderName::RecvInfo, "nil"));
            }
            Method::Info if is_key_press(&request.headers) => StatusCode::OK,
            // RFC 3428 §7: handed on, but nobody knows yet whether it arrives.
            Method::Message => StatusCode::ACCEPTED,
            Method::Info
            | Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Refer
            | Method::Update
            | Method::Other(_) => return None,
        };
        if request.method == Method::Info
            && request.body.len() <= MESSAGE_BODY_MAX
            && let Some(key) = pressed(request)
            && self.pressed_by_info(desk, leg, key)
        {
            return Some(Response::to_request(request, accepted, None));
        }
        let other = self.partner(leg).filter(|other| self.leg(*other).is_some_and(Leg::is_up));
        let status = match other {
            _ if request.body.len() > MESSAGE_BODY_MAX => StatusCode::REQUEST_ENTITY_TOO_LARGE,
            Some(other) => {
                self.hand_over(desk, other, request);
                accepted
            }
            // Keys pressed into nothing are no mistake; a text that nobody reads is.
            None if request.method == Method::Info => accepted,
            None => StatusCode::TEMPORARILY_UNAVAILABLE,
        };
        Some(Response::to_request(request, status, None))
    }

    /// Sends the same within the dialog of another leg.
    fn hand_over(&mut self, desk: &mut Desk, to: LegIndex, request: &Request) {
        let Some(up) = self.legs.get_mut(to.at()).and_then(Leg::up_mut) else { return };
        let mut copy = up.dialog.request(request.method.clone());
        copy.headers.append_copies(&request.headers, &HeaderName::ContentType);
        copy.headers.append_copies(&request.headers, &HeaderName::ContentDisposition);
        copy.body = request.body.clone();
        // A full table loses a key press, as the network may.
        let _ = up.send(desk, copy);
    }
}

/// `application/dtmf-relay` (`Signal=5`, `Duration=160`) and `application/dtmf` (`5`): no RFC, every phone.
fn is_key_press(headers: &Headers) -> bool {
    headers
        .content_type()
        .ok()
        .flatten()
        .is_some_and(|kind| kind.is("application", "dtmf-relay") || kind.is("application", "dtmf"))
}
