//! Provisional responses that are made sure of (RFC 3262): numbered by RSeq and acknowledged by PRACK, ours and the peer's.

use super::offer::Event;
use super::{Dialog, Incoming, InviteUse, Negotiation, Rejection, has_session};
use crate::headers::{HeaderName, Headers, RAck};
use crate::message::{Method, Request, Response};
use crate::random::Random;

/// How far the reliable provisional responses to the INVITE that is under way are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reliable {
    /// Our last one.
    sent: Option<Sent>,
    /// The RSeq of the peer's last one that came in its turn.
    heard: Option<u32>,
    /// The RSeq of one that our PRACK is due for.
    owed: Option<u32>,
    /// Offer and answer of the INVITE were exchanged in one of them: what a later response to it describes is no news.
    pub(super) settled: bool,
}

/// A response of ours.
#[derive(Clone, Copy, Debug)]
struct Sent {
    rseq: u32,
    acknowledgement: Acknowledgement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledgement {
    Awaited,
    Came,
}

/// What is made of a provisional response of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nobody makes sure of it; it is taken as it comes.
    Unreliable,
    /// It comes in its turn.
    Next,
    /// It came before, or one before it is missing (RFC 3262 §4): it is not to be heard.
    Stale,
}

/// A response cannot be made sure of while another waits for its PRACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a provisional response waits for its prack, send this one when that has come")]
pub struct PrackAwaited;

impl Dialog {
    /// Makes a provisional response to the INVITE that the peer sent one that the peer must acknowledge by PRACK, and notes an
    /// answer or offer in it. It is to be sent again until the PRACK comes.
    ///
    /// # Errors
    /// [`PrackAwaited`]: one at a time (RFC 3262 §3).
    pub fn make_reliable(&mut self, response: &mut Response, random: &mut Random) -> Result<(), PrackAwaited> {
        if self.awaits_prack() {
            return Err(PrackAwaited);
        }
        let rseq = match self.reliable.sent {
            Some(sent) => sent.rseq + 1,
            // RFC 3262 §3: the first is chosen from 1 to 2^31 - 1; half of that leaves room for all that follow.
            None => u32::try_from(1 + (random.next_u64() >> 34)).unwrap_or(1),
        };
        self.reliable.sent = Some(Sent { rseq, acknowledgement: Acknowledgement::Awaited });
        response.headers.push(HeaderName::Require, OPTION_TAG);
        response.headers.push(HeaderName::RSeq, rseq);
        if has_session(&response.headers, &response.body) {
            let answers = matches!(self.negotiation, Negotiation::RemoteOffer { .. });
            self.negotiate_leniently(if answers { Event::AnswerSent } else { Event::OfferSent });
            self.reliable.settled = true;
        }
        Ok(())
    }

    /// Whether a provisional response of ours waits for its PRACK.
    #[must_use]
    pub fn awaits_prack(&self) -> bool {
        self.reliable.sent.is_some_and(|sent| sent.acknowledgement == Acknowledgement::Awaited)
    }

    /// Whether offer and answer of the INVITE under way were exchanged before its final response: this describes nothing then
    /// (RFC 6337 §3.1.1).
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.reliable.settled
    }

    /// The PRACK for a provisional response of the peer that was just heard, if it wants one and has not had it.
    pub fn prack(&mut self, response: &Response) -> Option<Request> {
        let rseq = self.reliable.owed.take()?;
        let cseq = response.headers.cseq().ok()?;
        let mut request = self.request(Method::Prack);
        request.headers.push(HeaderName::RAck, &RAck { rseq, cseq });
        Some(request)
    }

    /// In which order a provisional response to our INVITE comes.
    pub(super) fn turn_of(&self, response: &Response) -> Turn {
        match (rseq(response), self.reliable.heard) {
            (None, _) => Turn::Unreliable,
            (Some(_), None) => Turn::Next,
            (Some(rseq), Some(heard)) if heard.checked_add(1) == Some(rseq) => Turn::Next,
            (Some(_), Some(_)) => Turn::Stale,
        }
    }

    /// Notes one that comes in its turn, and the answer or offer in it.
    pub(super) fn hear_reliable(&mut self, response: &Response) {
        self.reliable.heard = rseq(response);
        self.reliable.owed = self.reliable.heard;
        if self.reliable.settled || !has_session(&response.headers, &response.body) {
            return;
        }
        let answers = matches!(self.negotiation, Negotiation::LocalOffer { .. });
        self.negotiate_leniently(if answers { Event::AnswerReceived } else { Event::OfferReceived });
        self.reliable.settled = true;
    }

    /// A PRACK of the peer.
    pub(super) fn receive_prack(&mut self, headers: &Headers, session: bool) -> Result<Incoming, Rejection> {
        let named = headers.rack().map_err(|_| Rejection::Malformed)?.ok_or(Rejection::Malformed)?;
        // The INVITE may have its final response by now (RFC 3262 §3).
        let sent = self.reliable.sent.as_mut().filter(|sent| {
            sent.acknowledgement == Acknowledgement::Awaited
                && sent.rseq == named.rseq
                && named.cseq.method == Method::Invite
        });
        let invite = match self.invite {
            InviteUse::Received { cseq } | InviteUse::AckAwaited { cseq } => Some(cseq),
            InviteUse::Idle | InviteUse::Sent { .. } | InviteUse::AckDue { .. } => None,
        };
        let Some(sent) = sent.filter(|_| invite.is_none_or(|cseq| cseq == named.cseq.seq)) else {
            return Err(Rejection::StrayPrack);
        };
        sent.acknowledgement = Acknowledgement::Came;
        if matches!(self.negotiation, Negotiation::LocalOffer { .. }) {
            self.negotiate_leniently(if session { Event::AnswerReceived } else { Event::Refused });
            return Ok(Incoming::Prack { offer: false, answer: session, answer_missing: !session });
        }
        if session {
            self.negotiate(Event::OfferReceived).map_err(super::incoming::rejection)?;
        }
        Ok(Incoming::Prack { offer: session, answer: false, answer_missing: false })
    }
}

/// RFC 3262 §4: reliable is what requires the option; a 100 never is (§3).
fn rseq(response: &Response) -> Option<u32> {
    let reliable = (101..200).contains(&response.status.code())
        && response.headers.require().any(|tag| tag.eq_ignore_ascii_case(OPTION_TAG));
    if reliable { response.headers.rseq().ok().flatten() } else { None }
}

/// RFC 3262 §8.1.
const OPTION_TAG: &str = "100rel";
