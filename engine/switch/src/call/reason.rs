//! Why a peer says that it hangs up, gives up or refuses (RFC 3326, RFC 6432), and why we say that we do.

use std::collections::BTreeMap;

use hooks::fact::EndCause;
use sip::headers::{HeaderValue, Headers, Reason};

use super::Call;
use crate::desk::LegIndex;

/// What the peers said.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    /// For the record, by leg.
    texts: BTreeMap<LegIndex, String>,
    /// The cause of the telephone network in the BYE that ended the call, to be handed on.
    q850: Option<u32>,
    /// The caller's CANCEL said that somebody else took the call, in another system.
    taken_elsewhere: bool,
}

impl Call {
    /// Keeps what the far end of a leg says; the last word counts.
    pub(super) fn heard_reason(&mut self, leg: LegIndex, headers: &Headers) {
        let said: Vec<Reason> = headers.reasons().flatten().take(REASONS_MAX).collect();
        let Some(first) = said.first() else { return };
        let text = HeaderValue::from(first);
        let text = String::from_utf8_lossy(text.as_bytes()).chars().take(REASON_TEXT_MAX).collect();
        self.reasons.texts.insert(leg, text);
    }

    /// Keeps what a BYE says, and hands its cause on to the other party.
    pub(super) fn heard_bye(&mut self, leg: LegIndex, headers: &Headers) {
        self.heard_reason(leg, headers);
        let q850 = headers.reasons().flatten().find(|reason| reason.protocol.eq_ignore_ascii_case("Q.850"));
        self.reasons.q850 = q850.and_then(|reason| reason.cause).filter(|cause| (1..=Q850_MAX).contains(cause));
    }

    /// Keeps what the caller's CANCEL says; phones that another system's phone answered for are told.
    pub(crate) fn heard_cancel(&mut self, leg: LegIndex, headers: &Headers) {
        self.heard_reason(leg, headers);
        self.reasons.taken_elsewhere = headers
            .reasons()
            .flatten()
            .any(|reason| reason.protocol.eq_ignore_ascii_case("SIP") && reason.cause == Some(200));
    }

    /// RFC 3326 §3.1: the phones that another one answered for must not show a missed call.
    pub(super) fn cancel_reason(&self, cause: EndCause) -> Option<HeaderValue> {
        let elsewhere =
            cause == EndCause::AnsweredElsewhere || cause == EndCause::Cancelled && self.reasons.taken_elsewhere;
        elsewhere.then(|| HeaderValue::from("SIP;cause=200;text=\"Call completed elsewhere\""))
    }

    /// What the far end of a leg said.
    pub(super) fn reason_of(&self, leg: LegIndex) -> Option<String> {
        self.reasons.texts.get(&leg).cloned()
    }

    /// The Reason of a BYE of ours, where the peer cannot know it otherwise.
    pub(super) fn bye_reason(&self, cause: EndCause) -> Option<HeaderValue> {
        let ours = |status, text: &str| {
            let text = Some(text.as_bytes().to_vec());
            Some(HeaderValue::from(Reason { protocol: "SIP".to_owned(), cause: Some(status), text }))
        };
        match cause {
            EndCause::MediaTimeout => ours(408, "No media"),
            EndCause::NotAcceptable => ours(488, "No common codec"),
            EndCause::Congestion => ours(503, "No resources"),
            EndCause::Interrupted | EndCause::Stopped => ours(503, "Service stopped"),
            // The other party's network knows best why it hung up.
            EndCause::Normal | EndCause::Cancelled => {
                let cause = Some(self.reasons.q850?);
                Some(HeaderValue::from(Reason { protocol: "Q.850".to_owned(), cause, text: None }))
            }
            EndCause::AnsweredElsewhere
            | EndCause::Busy
            | EndCause::Rejected
            | EndCause::NoAnswer
            | EndCause::Unreachable
            | EndCause::Refused
            | EndCause::PeerLost
            | EndCause::Command
            | EndCause::Transferred
            | EndCause::Reconnected
            | EndCause::Failed => None,
        }
    }
}

/// Reasons of one message that are looked at.
const REASONS_MAX: usize = 4;
/// Characters of a reason that are kept.
const REASON_TEXT_MAX: usize = 128;
/// ITU-T Q.850: causes have seven bits.
const Q850_MAX: u32 = 127;
