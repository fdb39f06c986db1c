//! Dialogs (RFC 3261 §12): what two user agents keep of each other between INVITE and BYE.
//!
//! A [`Dialog`] numbers and routes the requests we send in it, checks the order of those that come, and knows whose INVITE
//! and whose offer is outstanding. It sends nothing and knows no time: requests it makes go to
//! [`crate::transaction::Transactions`], and the switch shows it every request and response of the dialog.

mod checkpoint;
mod forks;
mod incoming;
mod offer;
mod outgoing;
mod reliable;
mod route;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use checkpoint::{Checkpoint, RestoreError};
pub use forks::{FORKS_MAX, ForkEvent, Forks};
pub use incoming::{Incoming, Rejection};
pub use offer::{Before, Negotiation};
pub use outgoing::{Body, NotNow};
pub use reliable::PrackAwaited;

use crate::headers::{HeaderError, HeaderName, Headers, NameAddr, Replaces};
use crate::message::{Request, Response};
use crate::random::Random;
use crate::uri::Uri;

/// What names a dialog (RFC 3261 §12): Call-ID and both tags, ours first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// Call-ID as it came; compared byte for byte.
    pub call_id: String,
    /// The tag that we gave.
    pub local_tag: String,
    /// The tag of the peer; empty for a peer that follows RFC 2543.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a received request belongs to; `None` if its To has no tag (so it begins one) or cannot be read.
    #[must_use]
    pub fn of_request(request: &Request) -> Option<Self> {
        let local_tag = request.headers.to().ok()?.tag()?.to_owned();
        let remote_tag = request.headers.from().ok()?.tag().unwrap_or_default().to_owned();
        Some(Self { call_id: request.headers.call_id().ok()?.to_owned(), local_tag, remote_tag })
    }

    /// The dialog that a received response belongs to; `None` if its To has no tag (as in a 100) or it cannot be read.
    #[must_use]
    pub fn of_response(response: &Response) -> Option<Self> {
        let local_tag = response.headers.from().ok()?.tag()?.to_owned();
        let remote_tag = response.headers.to().ok()?.tag()?.to_owned();
        Some(Self { call_id: response.headers.call_id().ok()?.to_owned(), local_tag, remote_tag })
    }

    /// What names this dialog in a Replaces that we send to its peer (RFC 3891 §3): the to-tag is the peer's own.
    #[must_use]
    pub fn as_replaces(&self) -> Replaces {
        // RFC 3891 §6.1: a tag of zero stands for none.
        let tag = |tag: &String| if tag.is_empty() { "0".to_owned() } else { tag.clone() };
        Replaces {
            call_id: self.call_id.clone(),
            to_tag: tag(&self.remote_tag),
            from_tag: tag(&self.local_tag),
            early_only: false,
        }
    }
}

/// Who began the dialog, and so owns its Call-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Began {
    /// We sent the first INVITE.
    Locally,
    /// The peer sent it.
    Remotely,
}

/// How far the dialog is (RFC 3261 §12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The first INVITE has no final response.
    Early,
    /// It was answered 2xx.
    Confirmed,
    /// Over: BYE was sent or received, or the INVITE failed, or the peer does not know the dialog.
    Terminated,
}

/// The INVITE (first or re-INVITE) that is under way in a dialog. There is at most one (RFC 3261 §14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteUse {
    /// None.
    Idle,
    /// Ours, without a final response.
    Sent {
        /// Its CSeq.
        cseq: u32,
    },
    /// Ours was answered 2xx and the ACK is to be sent.
    AckDue {
        /// Its CSeq.
        cseq: u32,
    },
    /// The peer's, which we have not answered finally.
    Received {
        /// Its CSeq.
        cseq: u32,
    },
    /// We answered the peer's with 2xx, and its ACK has not come.
    AckAwaited {
        /// Its CSeq.
        cseq: u32,
    },
}

/// A message that makes no dialog. The peer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A header field is missing or unusable.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The response has no To tag, or is none that makes a dialog (101 to 299).
    #[error("the response makes no dialog, it is a 100 or a failure or has no to tag")]
    MakesNone,
}

/// One dialog, as seen from our side.
#[derive(Clone, Debug)]
pub struct Dialog {
    id: DialogId,
    began: Began,
    /// From of our requests, with our tag.
    local: NameAddr,
    /// To of our requests, with the peer's tag.
    remote: NameAddr,
    /// CSeq of the last request we sent.
    local_cseq: u32,
    /// CSeq of the last request that came; `None` before the first.
    remote_cseq: Option<u32>,
    route_set: Vec<NameAddr>,
    remote_target: Uri,
    secure: bool,
    stage: Stage,
    invite: InviteUse,
    negotiation: Negotiation,
    reliable: reliable::Reliable,
}

impl Dialog {
    /// The dialog of an INVITE that we received and will answer with `local_tag` (RFC 3261 §12.1.1). Its offer, if it has one,
    /// is outstanding from here on.
    ///
    /// # Errors
    /// [`DialogError`] if From, To, Call-ID, CSeq, Contact or Record-Route cannot be used: answer 400.
    pub fn from_request(invite: &Request, local_tag: &str) -> Result<Self, DialogError> {
        let headers = &invite.headers;
        let cseq = headers.cseq()?.seq;
        let remote = headers.from()?;
        let remote_target = contact(headers)?.ok_or(HeaderError::Missing(HeaderName::Contact))?;
        Ok(Self {
            id: DialogId {
                call_id: headers.call_id()?.to_owned(),
                local_tag: local_tag.to_owned(),
                remote_tag: remote.tag().unwrap_or_default().to_owned(),
            },
            began: Began::Remotely,
            local: headers.to()?.with_tag(local_tag),
            remote,
            // RFC 3261 §12.2.1.1: any start below 2^31.
            local_cseq: 0,
            remote_cseq: Some(cseq),
            route_set: headers.record_routes()?,
            remote_target,
            secure: is_secure(&invite.uri),
            stage: Stage::Early,
            invite: InviteUse::Received { cseq },
            negotiation: if has_session(headers, &invite.body) {
                Negotiation::RemoteOffer { before: Before::Nothing }
            } else {
                Negotiation::Empty
            },
            reliable: reliable::Reliable::default(),
        })
    }

    /// The dialog of a SUBSCRIBE that we received and will accept with `local_tag` (RFC 6665 §4.4.1). Nothing is early in it,
    /// and nothing described.
    ///
    /// # Errors
    /// [`DialogError`] as for [`Self::from_request`]: answer 400.
    pub fn of_subscription(subscribe: &Request, local_tag: &str) -> Result<Self, DialogError> {
        let dialog = Self::from_request(subscribe, local_tag)?;
        Ok(Self { stage: Stage::Confirmed, invite: InviteUse::Idle, negotiation: Negotiation::Empty, ..dialog })
    }

    /// The dialog that a 101-199 or 2xx response makes of an INVITE that we sent (RFC 3261 §12.1.2), with that response heard.
    /// Without a Contact (seen in 18x of old gateways) the Request-URI stays the target.
    ///
    /// # Errors
    /// [`DialogError`] if the response makes none, or its From, To, Call-ID or Record-Route cannot be used.
    pub fn from_response(invite: &Request, response: &Response) -> Result<Self, DialogError> {
        let code = response.status.code();
        let id =
            DialogId::of_response(response).filter(|_| (101..300).contains(&code)).ok_or(DialogError::MakesNone)?;
        let cseq = invite.headers.cseq()?.seq;
        let mut route_set = response.headers.record_routes()?;
        route_set.reverse();
        let mut dialog = Self {
            id,
            began: Began::Locally,
            local: invite.headers.from()?,
            remote: response.headers.to()?,
            local_cseq: cseq,
            remote_cseq: None,
            route_set,
            remote_target: contact(&response.headers)?.unwrap_or_else(|| invite.uri.clone()),
            secure: is_secure(&invite.uri),
            stage: Stage::Early,
            invite: InviteUse::Sent { cseq },
            negotiation: if has_session(&invite.headers, &invite.body) {
                Negotiation::LocalOffer { before: Before::Nothing }
            } else {
                Negotiation::Empty
            },
            reliable: reliable::Reliable::default(),
        };
        dialog.heard(response);
        Ok(dialog)
    }

    /// What names it.
    #[must_use]
    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// Who began it.
    #[must_use]
    pub fn began(&self) -> Began {
        self.began
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The INVITE that is under way.
    #[must_use]
    pub fn invite_use(&self) -> InviteUse {
        self.invite
    }

    /// Who has an offer outstanding.
    #[must_use]
    pub fn negotiation(&self) -> Negotiation {
        self.negotiation
    }

    /// True if it was begun with a SIPS Request-URI: every request in it goes over TLS (RFC 3261 §12.1).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The peer's address and name, with its tag.
    #[must_use]
    pub fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Our address and name, with our tag.
    #[must_use]
    pub fn local(&self) -> &NameAddr {
        &self.local
    }

    /// Where the peer wants its requests: its last Contact.
    #[must_use]
    pub fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The URI whose host the next request is sent to: the first of the route set, else the remote target (RFC 3261 §8.1.2).
    /// A dialog on a connection of a browser or a phone behind NAT is sent on that flow instead (RFC 5626 §5.3).
    #[must_use]
    pub fn next_hop(&self) -> &Uri {
        self.route_set.first().map_or(&self.remote_target, |route| &route.uri)
    }

    /// How long to wait after a 491 before the re-INVITE is tried again (RFC 3261 §14.1), so that the two sides do not meet
    /// again: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other, in steps of 10 ms.
    #[must_use]
    pub fn glare_delay(&self, random: &mut Random) -> Duration {
        let steps = match self.began {
            Began::Locally => 210 + random.next_u64() % 191,
            Began::Remotely => random.next_u64() % 201,
        };
        Duration::from_millis(10 * steps)
    }

    fn negotiate(&mut self, event: offer::Event) -> Result<(), offer::Conflict> {
        self.negotiation = offer::next(self.negotiation, event)?;
        Ok(())
    }

    /// As `negotiate`, where an event that does not fit changes nothing: a second answer, an answer to nothing.
    fn negotiate_leniently(&mut self, event: offer::Event) {
        if let Ok(next) = offer::next(self.negotiation, event) {
            self.negotiation = next;
        }
    }
}

fn contact(headers: &Headers) -> Result<Option<Uri>, HeaderError> {
    Ok(headers.contacts()?.first().map(|contact| contact.uri.clone()))
}

fn is_secure(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(crate::uri::SipUri::is_secure)
}

/// True if the body holds a session description, alone or in a multipart.
fn has_session(headers: &Headers, body: &[u8]) -> bool {
    !body.is_empty()
        && headers.content_type().ok().flatten().is_some_and(|media_type| {
            media_type.is("application", "sdp")
                || media_type.is("multipart", "mixed")
                || media_type.is("multipart", "alternative")
        })
}
