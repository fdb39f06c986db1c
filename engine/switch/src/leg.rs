//! A leg: one dialog with one phone or trunk, and its media. What is done with it is in `call`.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::fact::{EndCause, PeerKind};
use hooks::id::LegId;
use serde::{Deserialize, Serialize};
use sip::dialog::{Dialog, DialogId, Forks};
use sip::digest::DigestClient;
use sip::flow::Flow;
use sip::headers::Headers;
use sip::message::Request;
use sip::sdp::SessionDescription;
use sip::session_timer::{self, Proposal};
use sip::transaction::{ClientKey, SendError, ServerKey};

use crate::asking::Asking;
use crate::call::{Away, Repeated, Subscription};
use crate::desk::{Desk, LegIndex};
use crate::invite::Summons;
use crate::lifetime::Lifetime;
use crate::media::EndpointId;
use crate::nat;
use crate::queue::AgentId;
use crate::session::Session;
use crate::target::Target;
use crate::view::{LegPhase, LegView};

/// A leg of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) side: Side,
    pub(crate) peer: Peer,
    /// The agent at the far end, if one is.
    pub(crate) agent: Option<AgentId>,
    /// Our tag in its dialog; empty on a service.
    pub(crate) tag: Box<str>,
    pub(crate) state: LegState,
    pub(crate) media: LegMedia,
    /// The final status of its INVITE; 0 while there is none.
    pub(crate) status: u16,
    /// By order it holds the other party; what its own phone does of that is in its session.
    pub(crate) holds: Hold,
}

/// On which side of the call a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Its INVITE came to us, or the API rings it first.
    Caller,
    /// We called it.
    Callee,
}

/// What is at the far end of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    /// The extension's number, the trunk's name, or the service's number.
    pub(crate) name: String,
    /// The number shown to or dialled at the far end.
    pub(crate) number: String,
}

/// How far a leg is.
#[derive(Debug)]
pub(crate) enum LegState {
    /// Its INVITE came in and has no final answer.
    Incoming(Box<Incoming>),
    /// Its INVITE is out and has no final answer.
    Outgoing(Box<Outgoing>),
    /// Answered.
    Up(Box<Up>),
    /// A service of our own; it has neither dialog nor media.
    Service,
    /// Over.
    Ended {
        cause: EndCause,
        /// When, ms since the Unix epoch.
        at_ms: u64,
    },
}

/// A caller who waits.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) server: ServerKey,
    pub(crate) invite: Request,
    pub(crate) flow: Flow,
    pub(crate) dialog: Dialog,
    pub(crate) offer: Offered,
    /// What our 2xx will say of the session timer.
    pub(crate) timer: session_timer::Answer,
    pub(crate) progress: Progress,
    /// A provisional response that waits for its PRACK.
    pub(crate) repeated: Option<Box<Repeated>>,
    /// The party that answered, while our 2xx waits for that PRACK.
    pub(crate) answered_by: Option<LegIndex>,
}

/// What the caller's INVITE brought.
#[derive(Debug)]
pub(crate) enum Offered {
    /// An offer that is not answered yet.
    Open(Box<SessionDescription>),
    /// An offer that was answered in a 183; the 200 repeats the answer (RFC 3261 §13.2.1).
    Answered,
    /// An offer that was answered, or ours that was made, in a provisional response that surely arrives (RFC 3262 §5); the 200
    /// describes nothing.
    Exchanged,
    /// No offer: ours goes into the 200, its answer comes in the ACK.
    Nothing,
}

/// What a leg's far end was told, or told us, before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// Nothing.
    Silent,
    /// 180.
    Ringing,
    /// 183 (or 180) with a session description.
    EarlyMedia,
}

/// A party that is called.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) client: ClientKey,
    pub(crate) forks: Forks,
    pub(crate) flow: Flow,
    pub(crate) target: Target,
    pub(crate) summons: Summons,
    pub(crate) progress: Progress,
    pub(crate) early: Early,
    pub(crate) patience: Patience,
    /// What its INVITE says of the session timer.
    pub(crate) timer: Proposal,
    /// How often that was raised for a 422.
    pub(crate) raised: u8,
    /// Signs in at a trunk that asked for it.
    pub(crate) login: Option<Box<DigestClient>>,
}

/// What the forks of a called party described before the answer.
#[derive(Debug, Default)]
pub(crate) struct Early {
    /// Their answers to our offer, by their tag.
    pub(crate) answers: BTreeMap<String, SessionDescription>,
    /// The fork with which the session is agreed now.
    pub(crate) current: Option<String>,
}

/// How long a target may give no sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until then; a timer runs.
    Until(Duration),
    /// It answered something, or nothing else could be tried instead.
    Unlimited,
}

/// An answered leg.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) dialog: Dialog,
    /// Where its last message came from.
    pub(crate) flow: Flow,
    /// Signs in at a trunk that asked for it.
    pub(crate) login: Option<Box<DigestClient>>,
    /// The INVITE that we answered, until the ACK comes: no BYE before (RFC 3261 §15).
    pub(crate) unacknowledged: Option<ServerKey>,
    /// Its REFER is being done.
    pub(crate) referring: Option<Subscription>,
    /// What we ask of the far end.
    pub(crate) asking: Asking,
    pub(crate) refresh_by: RefreshBy,
    pub(crate) lifetime: Lifetime,
    /// Its connection is gone, and it may come back.
    pub(crate) away: Option<Box<Away>>,
}

/// What refreshes the session of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefreshBy {
    /// UPDATE (RFC 3311): the far end's Allow names it. Nothing is offered, so that nothing can go wrong with it.
    Update,
    /// A re-INVITE that offers what there is.
    Reinvite,
}

impl RefreshBy {
    /// By the Allow of what the far end sent last; without one, as before.
    pub(crate) fn learn(&mut self, headers: &Headers) {
        let mut allowed = headers.allow().peekable();
        if allowed.peek().is_some() {
            *self = if allowed.any(|method| method == "UPDATE") { Self::Update } else { Self::Reinvite };
        }
    }

    /// The same for the first message of the far end; RFC 3261 §20.5: without an Allow nothing is known.
    pub(crate) fn of(headers: &Headers) -> Self {
        let mut by = Self::Reinvite;
        by.learn(headers);
        by
    }
}

/// Whether the far end of a leg takes no media from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// It does not.
    On,
    /// It does.
    Off,
}

/// The media of a leg.
#[derive(Debug)]
pub(crate) enum LegMedia {
    /// It never had any, or its end is written down.
    None,
    /// It has an endpoint.
    Open(Box<Session>),
    /// The endpoint is told to close; the end of the leg is written down when it has.
    Closing {
        endpoint: EndpointId,
        /// Something was agreed, so media may have flowed.
        agreed: bool,
    },
}

impl Leg {
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.media {
            LegMedia::Open(session) => Some(session),
            LegMedia::None | LegMedia::Closing { .. } => None,
        }
    }

    pub(crate) fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.media {
            LegMedia::Open(session) => Some(session),
            LegMedia::None | LegMedia::Closing { .. } => None,
        }
    }

    /// The endpoint, while it is open.
    pub(crate) fn endpoint(&self) -> Option<EndpointId> {
        self.session().map(Session::endpoint)
    }

    pub(crate) fn outgoing(&self) -> Option<&Outgoing> {
        match &self.state {
            LegState::Outgoing(outgoing) => Some(outgoing),
            LegState::Incoming(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    pub(crate) fn outgoing_mut(&mut self) -> Option<&mut Outgoing> {
        match &mut self.state {
            LegState::Outgoing(outgoing) => Some(outgoing),
            LegState::Incoming(_) | LegState::Up(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    pub(crate) fn up_mut(&mut self) -> Option<&mut Up> {
        match &mut self.state {
            LegState::Up(up) => Some(up),
            LegState::Incoming(_) | LegState::Outgoing(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    pub(crate) fn up(&self) -> Option<&Up> {
        match &self.state {
            LegState::Up(up) => Some(up),
            LegState::Incoming(_) | LegState::Outgoing(_) | LegState::Service | LegState::Ended { .. } => None,
        }
    }

    /// One that stands for a service.
    pub(crate) fn service(id: LegId, side: Side, name: &str) -> Self {
        Self {
            id,
            side,
            peer: Peer { kind: PeerKind::Service, name: name.to_owned(), number: name.to_owned() },
            agent: None,
            tag: Box::default(),
            state: LegState::Service,
            media: LegMedia::None,
            holds: Hold::Off,
            status: 0,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, LegState::Up(_))
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.state, LegState::Ended { .. })
    }

    /// Whether its end is still to be written down.
    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.media, LegMedia::Closing { .. })
    }

    /// Whether the far end put us on hold.
    pub(crate) fn hold(&self) -> Hold {
        if self.session().is_some_and(Session::is_held_by_peer) { Hold::On } else { Hold::Off }
    }

    /// Whether it holds the other party, by its phone or by order.
    pub(crate) fn is_holding(&self) -> bool {
        self.hold() == Hold::On || self.holds == Hold::On
    }

    /// What others see of it; `None` when it is over.
    pub(crate) fn view(&self) -> Option<LegView> {
        let phase = match &self.state {
            LegState::Incoming(incoming) if incoming.progress == Progress::Silent => LegPhase::Calling,
            LegState::Incoming(_) => LegPhase::Ringing,
            LegState::Outgoing(outgoing) if outgoing.progress == Progress::Silent => LegPhase::Calling,
            LegState::Outgoing(_) => LegPhase::Ringing,
            LegState::Up(_) if self.is_holding() => LegPhase::Held,
            LegState::Up(_) | LegState::Service => LegPhase::Up,
            LegState::Ended { .. } if self.is_closing() => LegPhase::Ending,
            LegState::Ended { .. } => return None,
        };
        Some(LegView {
            leg: self.id,
            peer: self.peer.kind,
            peer_name: self.peer.name.clone(),
            phase,
            codec: self.session().and_then(Session::codec_name).map(str::to_owned),
        })
    }
}

impl Up {
    /// Sends a request in the dialog, signed where the far end asked for it.
    ///
    /// # Errors
    /// The table of transactions is full.
    pub(crate) fn send(&mut self, desk: &mut Desk, mut request: Request) -> Result<ClientKey, SendError> {
        if let Some(login) = &mut self.login {
            login.authorize(&mut request, &mut desk.random);
        }
        let flow = nat::next_flow(&desk.node, &self.flow, self.dialog.next_hop());
        desk.send(request, flow)
    }
}

impl LegState {
    /// The dialog that a request of the far end names. A called party that has not answered may have several, one a fork.
    pub(crate) fn dialog_of(&mut self, request: &Request) -> Option<&mut Dialog> {
        let named = DialogId::of_request(request)?;
        let dialog = match self {
            Self::Incoming(incoming) => Some(&mut incoming.dialog),
            Self::Outgoing(outgoing) => outgoing.forks.dialog_mut(&named.remote_tag),
            Self::Up(up) => Some(&mut up.dialog),
            Self::Service | Self::Ended { .. } => None,
        };
        dialog.filter(|dialog| *dialog.id() == named)
    }

    /// Where the far end's last message came from, or our INVITE went.
    pub(crate) fn flow(&self) -> Option<Flow> {
        match self {
            Self::Incoming(incoming) => Some(incoming.flow),
            Self::Outgoing(outgoing) => Some(outgoing.flow),
            Self::Up(up) => Some(up.flow),
            Self::Service | Self::Ended { .. } => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn flow_mut(&mut self) -> Option<&mut Flow> {
        match self {
            Self::Incoming(incoming) => Some(&mut incoming.flow),
            Self::Outgoing(outgoing) => Some(&mut outgoing.flow),
            Self::Up(up) => Some(&mut up.flow),
            Self::Service | Self::Ended { .. } => None,
        }
    }
}

impl LegIndex {
    /// The place in the list of legs.
    pub(crate) fn at(self) -> usize {
        usize::from(self.0)
    }
}
