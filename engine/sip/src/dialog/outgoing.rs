//! What we send in a dialog: requests, and the peer's answers to them.

use bytes::Bytes;

use super::offer::Event;
use super::reliable::{Reliable, Turn};
use super::{Dialog, InviteUse, Negotiation, Stage, contact, has_session, route};
use crate::headers::{CSeq, HeaderName};
use crate::message::{Method, Request, Response, StatusCode};

/// A body and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The value of Content-Type.
    pub content_type: &'static str,
    /// Byte for byte.
    pub bytes: Bytes,
}

impl Body {
    /// A session description.
    #[must_use]
    pub fn sdp(bytes: impl Into<Bytes>) -> Self {
        Self { content_type: "application/sdp", bytes: bytes.into() }
    }
}

/// Why a re-INVITE or an offer cannot be sent now. Wait until what it names is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// An INVITE is under way in the dialog, ours or the peer's (RFC 3261 §14.1).
    #[error("an invite is under way in this dialog, wait for its end")]
    InviteUnderWay,
    /// An offer waits for its answer (RFC 3264 §4).
    #[error("an offer is outstanding in this dialog, wait for its answer")]
    OfferOutstanding,
    /// The dialog is over, or (for a re-INVITE) not confirmed yet.
    #[error("the dialog is not confirmed")]
    NotConfirmed,
}

impl Dialog {
    /// A request in the dialog (RFC 3261 §12.2.1.1) with the next CSeq: for BYE, INFO, REFER, NOTIFY, OPTIONS, MESSAGE. The
    /// caller adds Contact and a body where it wants them. After BYE the dialog is over for us (§15.1.1).
    pub fn request(&mut self, method: Method) -> Request {
        if method == Method::Bye {
            self.stage = Stage::Terminated;
        }
        self.local_cseq += 1;
        self.build(method, self.local_cseq)
    }

    /// A re-INVITE, with an offer or without (then the 2xx brings the offer and the ACK our answer). The caller adds Contact.
    ///
    /// # Errors
    /// [`NotNow`] if there must be none now.
    pub fn reinvite(&mut self, offer: Option<Body>) -> Result<Request, NotNow> {
        self.may_reinvite()?;
        self.note_offer(offer.is_some())?;
        let mut request = self.request(Method::Invite);
        self.invite = InviteUse::Sent { cseq: self.local_cseq };
        self.reliable = Reliable::default();
        if let Some(offer) = offer {
            request.set_body(offer.content_type, offer.bytes);
        }
        Ok(request)
    }

    /// Whether a re-INVITE may be sent now.
    ///
    /// # Errors
    /// [`NotNow`] if not.
    pub fn may_reinvite(&self) -> Result<(), NotNow> {
        if self.stage != Stage::Confirmed {
            return Err(NotNow::NotConfirmed);
        }
        if self.invite != InviteUse::Idle {
            return Err(NotNow::InviteUnderWay);
        }
        self.may_offer()
    }

    /// An UPDATE (RFC 3311), with an offer or without (as a session refresh). The caller adds Contact.
    ///
    /// # Errors
    /// [`NotNow`] if there must be none now.
    pub fn update(&mut self, offer: Option<Body>) -> Result<Request, NotNow> {
        if self.stage == Stage::Terminated {
            return Err(NotNow::NotConfirmed);
        }
        if offer.is_some() {
            self.note_offer(true)?;
        }
        let mut request = self.request(Method::Update);
        if let Some(offer) = offer {
            request.set_body(offer.content_type, offer.bytes);
        }
        Ok(request)
    }

    /// The ACK for a 2xx to `invite`, which we sent in (or to begin) this dialog: its CSeq and its credentials (RFC 3261
    /// §13.2.2.4). `answer` answers an offer that came in the 2xx.
    pub fn ack(&mut self, invite: &Request, answer: Option<Body>) -> Request {
        let cseq = invite.headers.cseq().map_or(self.local_cseq, |cseq| cseq.seq);
        let mut ack = self.build(Method::Ack, cseq);
        ack.headers.append_copies(&invite.headers, &HeaderName::Authorization);
        ack.headers.append_copies(&invite.headers, &HeaderName::ProxyAuthorization);
        if self.invite == (InviteUse::AckDue { cseq }) {
            self.invite = InviteUse::Idle;
            if matches!(self.negotiation, Negotiation::RemoteOffer { .. }) {
                self.negotiate_leniently(if answer.is_some() { Event::AnswerSent } else { Event::Refused });
            }
        }
        if let Some(answer) = answer {
            ack.set_body(answer.content_type, answer.bytes);
        }
        ack
    }

    /// Notes a response to a request that we sent in this dialog, or to the INVITE that began it: refreshes the target,
    /// confirms or ends the dialog, and notes an answer, or the offer in a 2xx. A 2xx to INVITE must be acknowledged then.
    pub fn heard(&mut self, response: &Response) {
        let Ok(cseq) = response.headers.cseq() else { return };
        match &cseq.method {
            Method::Invite => self.heard_invite(cseq.seq, response),
            Method::Update => self.heard_update(response),
            Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Other(_) => {}
        }
        // RFC 3261 §12.2.1.2: the peer does not know the dialog, or is gone.
        if matches!(response.status, StatusCode::CALL_DOES_NOT_EXIST | StatusCode::REQUEST_TIMEOUT) {
            self.stage = Stage::Terminated;
        }
    }

    /// Notes that a request of ours had no final response, which ends the dialog (RFC 3261 §8.1.3.1: as a 408; §12.2.1.2).
    pub fn timed_out(&mut self) {
        self.unsent();
        self.stage = Stage::Terminated;
    }

    /// Notes that our re-INVITE or UPDATE could not be sent, or was lost with its connection (RFC 3261 §8.1.3.1: as a 503): what
    /// held before still holds.
    pub fn unsent(&mut self) {
        if matches!(self.invite, InviteUse::Sent { .. }) {
            self.invite = InviteUse::Idle;
        }
        if matches!(self.negotiation, Negotiation::LocalOffer { .. }) {
            self.negotiate_leniently(Event::Refused);
        }
    }

    fn heard_invite(&mut self, cseq: u32, response: &Response) {
        if self.invite != (InviteUse::Sent { cseq }) {
            return;
        }
        if response.status.is_provisional() {
            match self.turn_of(response) {
                Turn::Unreliable => {}
                Turn::Next => self.hear_reliable(response),
                Turn::Stale => return,
            }
            if let Ok(Some(target)) = contact(&response.headers) {
                self.remote_target = target;
            }
            return;
        }
        let settled = std::mem::take(&mut self.reliable.settled);
        let offered = !settled && matches!(self.negotiation, Negotiation::LocalOffer { .. });
        if !response.status.is_success() {
            self.invite = InviteUse::Idle;
            if offered {
                self.negotiate_leniently(Event::Refused);
            }
            if self.stage == Stage::Early {
                self.stage = Stage::Terminated;
            }
            return;
        }
        if self.stage == Stage::Early {
            // RFC 3261 §13.2.2.4: the 2xx decides the route set anew, for a proxy may have left since the 18x.
            if let Ok(mut route_set) = response.headers.record_routes() {
                route_set.reverse();
                self.route_set = route_set;
            }
            self.stage = Stage::Confirmed;
        }
        if let Ok(Some(target)) = contact(&response.headers) {
            self.remote_target = target;
        }
        self.invite = InviteUse::AckDue { cseq };
        if offered {
            // RFC 3261 §13.2.1: the answer is in this 2xx, or came before in an 18x of some peers.
            self.negotiate_leniently(Event::AnswerReceived);
        } else if !settled && has_session(&response.headers, &response.body) {
            self.negotiate_leniently(Event::OfferReceived);
        }
    }

    fn heard_update(&mut self, response: &Response) {
        if response.status.is_provisional() {
            return;
        }
        let success = response.status.is_success();
        if matches!(self.negotiation, Negotiation::LocalOffer { .. }) && matches!(self.invite, InviteUse::Idle) {
            self.negotiate_leniently(if success { Event::AnswerReceived } else { Event::Refused });
        }
        if success && let Ok(Some(target)) = contact(&response.headers) {
            self.remote_target = target;
        }
    }

    fn may_offer(&self) -> Result<(), NotNow> {
        match self.negotiation {
            Negotiation::LocalOffer { .. } | Negotiation::RemoteOffer { .. } => Err(NotNow::OfferOutstanding),
            Negotiation::Empty | Negotiation::Agreed => Ok(()),
        }
    }

    fn note_offer(&mut self, offers: bool) -> Result<(), NotNow> {
        self.may_offer()?;
        if offers {
            self.negotiate(Event::OfferSent).map_err(|_| NotNow::OfferOutstanding)?;
        }
        Ok(())
    }

    fn build(&self, method: Method, cseq: u32) -> Request {
        let mut request = route::routed(method.clone(), &self.remote_target, &self.route_set);
        request.headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        request.headers.push(HeaderName::From, &self.local);
        request.headers.push(HeaderName::To, &self.remote);
        request.headers.push(HeaderName::CallId, self.id.call_id.as_str());
        request.headers.push(HeaderName::CSeq, CSeq { seq: cseq, method });
        request
    }
}

/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u32 = 70;
