//! What must survive of a call in which two parties talk, or one is in a conference, waits in a queue or is parked, so that a process that takes this one's place goes on with it.
//!
//! The switch says what it is ([`crate::output::Output::Checkpoint`]) whenever something of it changes; the shell keeps the
//! last one of each call, and gives those of a killed process back ([`crate::input::Input::Resume`]).

use std::net::SocketAddr;
use std::sync::Arc;

use dialplan::flow::name::QueueName;
use dialplan::number::{AgentNumber, ExtensionNumber};
use hooks::fact::PeerKind;
use hooks::id::{CallId, ConferenceId, LegId, TenantId};
use serde::{Deserialize, Serialize};
use sip::dialog::Checkpoint as DialogCheckpoint;
use sip::flow::Transport;
use sip::sdp::Negotiated;
use sip::session_timer::{Policy, Terms};

use crate::call::{About, Reel};
use crate::conference::MemberCheckpoint;
use crate::leg::{Peer, RefreshBy};

/// A call in which two parties talk, or one is in a conference, waits in a queue or is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCheckpoint {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub call: CallId,
    pub(crate) about: About,
    /// When they began to talk, ms since the Unix epoch.
    pub(crate) answered_ms: u64,
    pub(crate) caller: LegCheckpoint,
    #[serde(flatten)]
    pub(crate) other: Other,
    /// It is being recorded.
    pub(crate) recorded: bool,
    /// The recordings of it so far.
    #[serde(flatten)]
    pub(crate) reel: Reel,
    /// How often its parties were handed on.
    pub(crate) transfers: u8,
}

impl CallCheckpoint {
    /// Its two legs, the caller's or visitor's first.
    #[must_use]
    pub fn legs(&self) -> [LegId; 2] {
        match &self.other {
            Other::Callee(callee) => [self.caller.leg, callee.leg],
            Other::Room(room) => [self.caller.leg, room.service],
            Other::Queue(queue) => [self.caller.leg, queue.service],
            Other::Park(park) => [self.caller.leg, park.service],
        }
    }

    /// The conference that it is in.
    #[must_use]
    pub fn conference(&self) -> Option<ConferenceId> {
        self.member().map(|(_, member)| member.conference)
    }

    /// What it is there, by which leg.
    pub(crate) fn member(&self) -> Option<(LegId, &MemberCheckpoint)> {
        match &self.other {
            Other::Callee(_) | Other::Queue(_) | Other::Park(_) => None,
            Other::Room(room) => Some((self.caller.leg, &room.member)),
        }
    }

    /// The legs that lead to a far end.
    pub(crate) fn far_ends(&self) -> impl Iterator<Item = &LegCheckpoint> {
        let callee = match &self.other {
            Other::Callee(callee) => Some(callee.as_ref()),
            Other::Room(_) | Other::Queue(_) | Other::Park(_) => None,
        };
        std::iter::once(&self.caller).chain(callee)
    }
}

/// What the caller talks with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Other {
    Callee(Box<LegCheckpoint>),
    Room(RoomCheckpoint),
    Queue(QueueCheckpoint),
    Park(Box<ParkCheckpoint>),
}

/// Where the `caller` of a call is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ParkCheckpoint {
    /// The leg of the place.
    pub(crate) service: LegId,
    pub(crate) slot: ExtensionNumber,
    /// Since when, ms since the Unix epoch.
    pub(crate) since_ms: u64,
    /// Who parked him: a leg that is over.
    pub(crate) by: LegId,
    pub(crate) by_peer: Peer,
    pub(crate) by_agent: Option<AgentNumber>,
    /// The queue that he had waited in last.
    pub(crate) queue: Option<QueueName>,
}

/// Where the `caller` of a call waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueCheckpoint {
    /// The queue's own leg.
    pub(crate) service: LegId,
    pub(crate) queue: QueueName,
    pub(crate) priority: u8,
    /// Since when, ms since the Unix epoch.
    pub(crate) since_ms: u64,
    /// How long he had waited before, in other queues, ms.
    pub(crate) waited_ms: u64,
    /// The agents who are rung, and since when.
    pub(crate) rung: Vec<(AgentNumber, u64)>,
}

/// The room of a call whose `caller` is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoomCheckpoint {
    /// The room's own leg.
    pub(crate) service: LegId,
    #[serde(flatten)]
    pub(crate) member: MemberCheckpoint,
}

/// What becomes of the checkpoint of a call.
#[derive(Clone, Debug)]
pub enum Checkpointed {
    /// This one takes the place of any before.
    Kept(Arc<CallCheckpoint>),
    /// There is none any more: nothing could go on.
    Gone(TenantId, CallId),
}

/// A leg that is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LegCheckpoint {
    pub(crate) leg: LegId,
    pub(crate) caller_side: bool,
    pub(crate) peer: PeerKind,
    pub(crate) peer_name: String,
    pub(crate) number: String,
    /// The agent whose mobile it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mobile_of: Option<AgentNumber>,
    /// The final status of its INVITE.
    pub(crate) status: u16,
    pub(crate) dialog: DialogCheckpoint,
    pub(crate) transport: Transport,
    /// Our own address on its flow.
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) session: SessionCheckpoint,
    /// What was agreed on the session timer, and what the peer insists on.
    pub(crate) timer: (Policy, Terms),
    pub(crate) refresh_by: RefreshBy,
}

/// The media of a leg: what both sides know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionCheckpoint {
    /// Our RTP port; RTCP is the next one.
    pub(crate) port: u16,
    /// Of our descriptions (RFC 8866 §5.2), for the life of the dialog.
    pub(crate) session_id: u64,
    /// Of the last of them that was sent, one that was refused included.
    pub(crate) version: u64,
    /// The one that was answered, or is an answer.
    pub(crate) described: String,
    pub(crate) agreed: Negotiated,
}
