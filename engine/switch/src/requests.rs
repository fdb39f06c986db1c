//! Requests outside dialogs that begin nothing: OPTIONS, and those we do not take.

use sip::headers::{HeaderName, Headers};
use sip::message::{Request, Response, StatusCode};
use sip::transaction::ServerKey;

use crate::desk::Refusal;
use crate::invite::ALLOW;
use crate::presence::ALLOW_EVENTS;
use crate::switch::Switch;

impl Switch {
    /// RFC 3261 §11.2.
    pub(crate) fn options(&mut self, key: ServerKey, request: &Request) {
        if let Err(refusal) = check_required(&request.headers, &[]) {
            return self.desk.refuse(key, request, refusal);
        }
        let tag = self.desk.random.token();
        let response = Response::to_request(request, StatusCode::OK, Some(&tag))
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::Accept, "application/sdp")
            .with(HeaderName::AllowEvents, ALLOW_EVENTS)
            .with(HeaderName::Supported, SUPPORTED_ANYWHERE);
        self.desk.respond(key, response);
    }

    /// A request that belongs in a dialog, without one (RFC 3261 §12.2.2, §15.1.2), or is not taken at all.
    pub(crate) fn outside_dialog(&mut self, key: ServerKey, request: &Request) {
        match &request.method {
            sip::message::Method::Bye
            | sip::message::Method::Info
            | sip::message::Method::Prack
            | sip::message::Method::Update
            // RFC 6665 §4.1.3: we subscribed to nothing.
            | sip::message::Method::Notify => {
                self.desk.refuse(key, request, StatusCode::CALL_DOES_NOT_EXIST.into());
            }
            sip::message::Method::Invite
            | sip::message::Method::Ack
            | sip::message::Method::Cancel
            | sip::message::Method::Register
            | sip::message::Method::Options
            | sip::message::Method::Subscribe
            | sip::message::Method::Publish
            | sip::message::Method::Refer
            | sip::message::Method::Message
            | sip::message::Method::Other(_) => self.not_allowed(key, request),
        }
    }

    /// A method that we know and do not take (RFC 3261 §8.2.1).
    pub(crate) fn not_allowed(&mut self, key: ServerKey, request: &Request) {
        let refusal = Refusal::from(StatusCode::METHOD_NOT_ALLOWED).with(HeaderName::Allow, ALLOW);
        self.desk.refuse(key, request, refusal);
    }
}

/// A method that we do not know (RFC 3261 §21.5.2).
pub(crate) fn not_implemented() -> Refusal {
    Refusal::from(StatusCode::NOT_IMPLEMENTED).with(HeaderName::Allow, ALLOW)
}

/// 420 with Unsupported for each option tag in Require that is not among `known` (RFC 3261 §8.2.2.3).
///
/// # Errors
/// That refusal.
pub(crate) fn check_required(headers: &Headers, known: &[&str]) -> Result<(), Refusal> {
    let unknown: Vec<&str> = headers
        .require()
        .filter(|tag| !known.iter().any(|ours| ours.eq_ignore_ascii_case(tag)))
        .take(UNSUPPORTED_MAX)
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Refusal::from(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, unknown.join(", ")))
}

/// Option tags that an INVITE may require.
pub(crate) const REQUIRABLE: &[&str] = &["timer", "100rel", "replaces"];
/// The same in the Supported of what begins a dialog.
pub(crate) const SUPPORTED: &str = "timer, 100rel, replaces";
/// Those, and the option tags that a REGISTER may require.
const SUPPORTED_ANYWHERE: &str = "timer, 100rel, replaces, path, outbound";
/// Option tags named in one Unsupported.
const UNSUPPORTED_MAX: usize = 16;
