//! What others may see of the switch: one view per entity, published whenever it changes, replaced as a whole.

mod conference;
mod floor;
mod trunk;

use std::net::IpAddr;

use hooks::fact::{Direction, PeerKind, Supervision};
use hooks::id::{CallId, LegId, TenantId};

pub use conference::{ConferenceView, MemberView};
pub use floor::{AgentView, CallbackView, OfferView, QueueView, RingView, WaitingView};
pub use trunk::{TrunkAnswer, TrunkLaneView, TrunkRegistrationView, TrunkStanding, TrunkTargetView, TrunkView};

/// A published view, or the news that an entity is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// A live call.
    Call(CallView),
    /// A call is over.
    CallGone(TenantId, CallId),
    /// A conference that runs.
    Conference(Box<ConferenceView>),
    /// A conference is over: tenant, room.
    ConferenceGone(TenantId, String),
    /// A binding of an extension.
    Registration(RegistrationView),
    /// A binding ended: tenant, extension, contact.
    RegistrationGone(TenantId, String, String),
    /// A source is banned.
    Ban(BanView),
    /// A ban was lifted or ran out.
    BanGone(IpAddr),
    /// A trunk.
    Trunk(Box<TrunkView>),
    /// An agent.
    Agent(Box<AgentView>),
    /// Somebody is no agent any more: tenant, employee number.
    AgentGone(TenantId, String),
    /// A queue.
    Queue(Box<QueueView>),
    /// A queue was taken out of the settings: tenant, name.
    QueueGone(TenantId, String),
    /// A trunk was taken out of the settings: tenant, name.
    TrunkGone(TenantId, String),
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallPhase {
    /// Nobody answered yet.
    Ringing,
    /// Two parties talk.
    Talking,
    /// One party put the other on hold.
    Held,
    /// One party asks somebody else; the other one hears music.
    Consulting,
    /// Three talk.
    ThreeWay,
    /// A party was handed on and waits for the new one.
    Transferring,
    /// A party is parked.
    Parked,
    /// Hung up; the last messages are on their way.
    Ending,
}

/// A live call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub call: CallId,
    /// Which way it goes.
    pub direction: Direction,
    /// Where it is.
    pub phase: CallPhase,
    /// The caller's number; empty when withheld.
    pub caller: String,
    /// His name, as his own side or who knows him says; empty where nobody does.
    pub caller_name: String,
    /// The number dialled.
    pub callee: String,
    /// An emergency number was dialled (GEN-18).
    pub emergency: bool,
    /// When it was created, ms since the Unix epoch.
    pub created_ms: u64,
    /// When it was answered.
    pub answered_ms: Option<u64>,
    /// It is being recorded.
    pub recording: bool,
    /// And that is paused.
    pub recording_paused: bool,
    /// Its customer may be asked how it was (CALL-25): he is outside, and a survey is set.
    pub survey: bool,
    /// Where a party is parked, if one is.
    pub parked: Option<ParkView>,
    /// Its live legs, the caller's first; those of supervisors are not among them.
    pub legs: Vec<LegView>,
    /// The agents whom a queue has rung for it.
    pub offers: Vec<OfferView>,
    /// Who supervises it, and how. Not for the agent's eyes.
    pub supervisors: Vec<SupervisorView>,
}

/// A party that is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkView {
    /// The number that takes it.
    pub slot: String,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
    /// Who parked it: the extension's number, or the trunk's name of a mobile.
    pub by: String,
}

/// A supervisor in a live call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorView {
    /// The employee number.
    pub supervisor: String,
    /// What he does.
    pub how: Supervision,
}

/// A live leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegView {
    /// Which.
    pub leg: LegId,
    /// What is at the far end.
    pub peer: PeerKind,
    /// The extension's number or the trunk's name.
    pub peer_name: String,
    /// It rings, it is up, or it is on hold.
    pub phase: LegPhase,
    /// The codec, once agreed.
    pub codec: Option<String>,
}

/// Where a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegPhase {
    /// The INVITE is out or in; no ringing yet.
    Calling,
    /// It rings.
    Ringing,
    /// It is answered.
    Up,
    /// The far end put us on hold.
    Held,
    /// It is being ended.
    Ending,
}

/// One phone registered on an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationView {
    /// Whose.
    pub tenant: TenantId,
    /// Which extension.
    pub extension: String,
    /// Its Contact.
    pub contact: String,
    /// `UDP 192.0.2.1:5060`.
    pub source: String,
    /// The User-Agent header.
    pub user_agent: String,
    /// When it was bound first, ms since the Unix epoch.
    pub since_ms: u64,
    /// When it ends unless refreshed, ms since the Unix epoch.
    pub expires_at_ms: u64,
    /// How long the phone took to answer our last challenge, µs: the network's round trip and the phone's own time. `None`
    /// until it was challenged, and after a restart until it is again.
    pub round_trip_us: Option<u64>,
}

/// A source that is refused for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanView {
    /// Who.
    pub source: IpAddr,
    /// Until when, ms since the Unix epoch.
    pub until_ms: u64,
    /// Failed sign-ins counted.
    pub failures: u32,
}
