//! What comes in a dialog: requests of the peer, and our answers to them.

use super::offer::{Conflict, Event};
use super::reliable::Reliable;
use super::{Dialog, InviteUse, Stage, contact, has_session};
use crate::headers::HeaderName;
use crate::message::{Method, Request, Response, StatusCode};
use crate::random::Random;

/// A request that the dialog took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A re-INVITE. With an offer, the 2xx carries the answer; without, the 2xx carries our offer.
    Invite {
        /// It carries an offer.
        offer: bool,
    },
    /// An UPDATE (RFC 3311).
    Update {
        /// It carries an offer.
        offer: bool,
    },
    /// The ACK of the 2xx that waited for it.
    Ack {
        /// It answers the offer in our 2xx.
        answer: bool,
        /// Our 2xx had an offer and the ACK has no answer: the session cannot be (end it by BYE).
        answer_missing: bool,
    },
    /// An ACK nothing waits for: a repeated one.
    StrayAck,
    /// The PRACK of a provisional response of ours that waited for it (RFC 3262).
    Prack {
        /// It carries an offer: the 2xx carries the answer.
        offer: bool,
        /// It answers the offer in our response.
        answer: bool,
        /// Our response had an offer and the PRACK has no answer: the session cannot be.
        answer_missing: bool,
    },
    /// BYE: the dialog is over.
    Bye,
    /// Any other.
    Other,
}

/// Why a request in a dialog is refused, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Its CSeq is lower than one that came before (RFC 3261 §12.2.2): 500.
    OutOfOrder,
    /// Another INVITE or offer of the peer waits for our answer (RFC 3261 §14.2, RFC 3311 §5.2): 500 with Retry-After.
    Overlapping,
    /// Our own INVITE or offer is under way (RFC 3261 §14.2): 491.
    Glare,
    /// The dialog is over (RFC 3261 §15.1.2): 481.
    Over,
    /// A PRACK that nothing waits for (RFC 3262 §3): 481.
    StrayPrack,
    /// A header field it must have cannot be used: 400.
    Malformed,
}

impl Rejection {
    /// The response that says so. The Retry-After is chosen at random from 0 to 10 s (RFC 3261 §14.2).
    #[must_use]
    pub fn response(self, request: &Request, random: &mut Random) -> Response {
        let status = match self {
            Self::OutOfOrder | Self::Overlapping => StatusCode::SERVER_INTERNAL_ERROR,
            Self::Glare => StatusCode::REQUEST_PENDING,
            Self::Over | Self::StrayPrack => StatusCode::CALL_DOES_NOT_EXIST,
            Self::Malformed => StatusCode::BAD_REQUEST,
        };
        let response = Response::to_request(request, status, None);
        match self {
            Self::OutOfOrder | Self::Overlapping => {
                let seconds = u32::try_from(random.next_u64() % 11).unwrap_or(0);
                response.with(HeaderName::RetryAfter, seconds)
            }
            Self::Glare | Self::Over | Self::StrayPrack | Self::Malformed => response,
        }
    }
}

impl Dialog {
    /// Takes a request that came in this dialog (never the INVITE that began it, never CANCEL): checks its order, refreshes
    /// the remote target, and notes INVITE and offer.
    ///
    /// # Errors
    /// [`Rejection`] says how to answer it; the dialog is as before, but for the CSeq.
    pub fn receive(&mut self, request: &Request) -> Result<Incoming, Rejection> {
        let cseq = request.headers.cseq().map_err(|_| Rejection::Malformed)?.seq;
        let session = has_session(&request.headers, &request.body);
        if request.method == Method::Ack {
            return Ok(self.receive_ack(cseq, session));
        }
        if self.stage == Stage::Terminated {
            return Err(Rejection::Over);
        }
        // RFC 3261 §12.2.2. A PRACK is known by what its RAck names, and its peer sends no second one: one that a later
        // request overtook on the way is taken, or the call would fail for want of it.
        if self.remote_cseq.is_some_and(|last| cseq < last) && request.method != Method::Prack {
            return Err(Rejection::OutOfOrder);
        }
        self.remote_cseq = self.remote_cseq.max(Some(cseq));
        let incoming = match &request.method {
            Method::Invite => self.receive_invite(cseq, session)?,
            Method::Update => {
                if session {
                    self.negotiate(Event::OfferReceived).map_err(rejection)?;
                }
                Incoming::Update { offer: session }
            }
            Method::Prack => self.receive_prack(&request.headers, session)?,
            Method::Bye => {
                self.stage = Stage::Terminated;
                Incoming::Bye
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Other(_) => Incoming::Other,
        };
        self.refresh_target(request);
        Ok(incoming)
    }

    /// Notes a response that we send to a request of this dialog, the INVITE that began it included.
    pub fn responded(&mut self, request: &Request, response: &Response) {
        if response.status.is_provisional() {
            return;
        }
        let session = has_session(&response.headers, &response.body);
        match &request.method {
            Method::Invite => self.answered_invite(response.status, session),
            // The offer of an INVITE that waits is not answered by the 200 to an UPDATE without one.
            Method::Update | Method::Prack if !has_session(&request.headers, &request.body) => {}
            Method::Update | Method::Prack => {
                let event = if response.status.is_success() { Event::AnswerSent } else { Event::Refused };
                if matches!(self.negotiation, super::Negotiation::RemoteOffer { .. }) {
                    self.negotiate_leniently(event);
                }
            }
            Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Other(_) => {}
        }
    }

    /// Notes that the ACK for our 2xx never came ([`crate::transaction::Output::AckMissing`]). The dialog stands; end it by BYE
    /// (RFC 3261 §13.3.1.4).
    pub fn ack_missing(&mut self) {
        if matches!(self.invite, InviteUse::AckAwaited { .. }) {
            self.invite = InviteUse::Idle;
            self.negotiate_leniently(Event::Refused);
        }
    }

    fn receive_ack(&mut self, cseq: u32, session: bool) -> Incoming {
        let InviteUse::AckAwaited { cseq: awaited } = self.invite else { return Incoming::StrayAck };
        if cseq != awaited {
            return Incoming::StrayAck;
        }
        self.invite = InviteUse::Idle;
        let offered = matches!(self.negotiation, super::Negotiation::LocalOffer { .. });
        if offered {
            self.negotiate_leniently(if session { Event::AnswerReceived } else { Event::Refused });
        }
        Incoming::Ack { answer: offered && session, answer_missing: offered && !session }
    }

    fn receive_invite(&mut self, cseq: u32, session: bool) -> Result<Incoming, Rejection> {
        match self.invite {
            InviteUse::Idle => {}
            InviteUse::Sent { .. } | InviteUse::AckDue { .. } => return Err(Rejection::Glare),
            InviteUse::Received { .. } => return Err(Rejection::Overlapping),
            // RFC 5407 §3.1.5: a re-INVITE that overtook the ACK shows that the 2xx arrived; unless the ACK carries the answer.
            InviteUse::AckAwaited { .. } => {
                if matches!(self.negotiation, super::Negotiation::LocalOffer { .. }) {
                    return Err(Rejection::Glare);
                }
            }
        }
        if session {
            self.negotiate(Event::OfferReceived).map_err(rejection)?;
        } else {
            match self.negotiation {
                super::Negotiation::Empty | super::Negotiation::Agreed => {}
                super::Negotiation::LocalOffer { .. } => return Err(Rejection::Glare),
                super::Negotiation::RemoteOffer { .. } => return Err(Rejection::Overlapping),
            }
        }
        self.invite = InviteUse::Received { cseq };
        self.reliable = Reliable::default();
        Ok(Incoming::Invite { offer: session })
    }

    fn answered_invite(&mut self, status: StatusCode, session: bool) {
        let InviteUse::Received { cseq } = self.invite else { return };
        let settled = std::mem::take(&mut self.reliable.settled);
        let offered = !settled && matches!(self.negotiation, super::Negotiation::RemoteOffer { .. });
        if !status.is_success() {
            self.invite = InviteUse::Idle;
            if offered {
                self.negotiate_leniently(Event::Refused);
            }
            if self.stage == Stage::Early {
                self.stage = Stage::Terminated;
            }
            return;
        }
        self.invite = InviteUse::AckAwaited { cseq };
        if self.stage == Stage::Early {
            self.stage = Stage::Confirmed;
        }
        if offered {
            self.negotiate_leniently(Event::AnswerSent);
        } else if session && !settled {
            self.negotiate_leniently(Event::OfferSent);
        }
    }

    /// RFC 3261 §12.2.2, RFC 3311 §5.1, RFC 6665 §4.4.1: the Contact of a target refresh request is the new remote target.
    pub(super) fn refresh_target(&mut self, request: &Request) {
        let refreshes = matches!(
            request.method,
            Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
        );
        if refreshes && let Ok(Some(target)) = contact(&request.headers) {
            self.remote_target = target;
        }
    }
}

pub(super) fn rejection(conflict: Conflict) -> Rejection {
    match conflict {
        Conflict::OursOutstanding => Rejection::Glare,
        Conflict::TheirsOutstanding | Conflict::NothingOffered => Rejection::Overlapping,
    }
}
