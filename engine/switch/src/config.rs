//! What the switch is told about its world. A tenant is replaced as a whole; running calls keep what they began with.

mod agent;
mod flow;
mod room;
mod trunk;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dialplan::block::BlockLists;
use dialplan::caller::KnownCallers;
use dialplan::flow::name::{FlowName, HoursName, Mailbox, QueueName, SurveyName};
use dialplan::hours::{Hours, Zone};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber, PickupGroup, RoomNumber, TrunkName};
use dialplan::plan::Plan;
use dialplan::say::{Language, PromptName};
use dialplan::survey::Survey;
use hooks::fact::Way;
use hooks::id::TenantId;
use sip::digest::{Ha1Md5, Ha1Sha256};
use sip::flow::Transport;
use sip::sdp::Fingerprint;
use sip::session_timer::Policy;

pub use agent::{Agent, NumberSight, OVERFLOW_MAX, OVERFLOW_RING, Overflow, OwnAgent, OwnAgentRule, Queue};
pub use flow::Version;
pub use room::{MEMBERS_MAX, Pin, PinError, Room};
pub use trunk::{
    CallerShown, Choice, Credentials, Health, Lane, Limits as TrunkLimits, Numbers, Registration, Trunk, TrunkPolicy,
    WhenFull,
};

/// What holds for the whole node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The digest realm, and the host in the From of what we send. The configured `sip.domain`.
    pub domain: String,
    /// `User-Agent` and `Server` of what we send.
    pub product: String,
    /// The sockets the shell listens on, by which calls go out to where no flow leads yet. An unspecified address is taken
    /// for the loopback one, so the shell names one for each address it is reached at.
    pub sockets: Vec<ListeningSocket>,
    /// What we write into Via and Contact, per transport and address family; the bound address stands in where none is set.
    pub advertise: Vec<Advertised>,
    /// Where the media threads bind.
    pub rtp_bind: Vec<IpAddr>,
    /// What SDP shows to peers outside `local_nets`; the bound address (or the one the peer reaches us at) where none is set.
    pub rtp_advertise: Vec<IpAddr>,
    /// Who is not behind NAT: for these, Contact and SDP addresses are believed.
    pub local_nets: Vec<Network>,
    /// Even ports for RTP, the next odd one for RTCP; both ends included.
    pub rtp_ports: (u16, u16),
    /// The ringing plan of the country.
    pub tones: TonePlan,
    /// How long a call may ring before 480 to the caller, unless the extension says otherwise (CALL-10: at most 60 s out).
    pub ring_timeout: Duration,
    /// How long an answered leg that should send may be silent.
    pub rtp_timeout: Duration,
    /// How long a session may go without a refresh (RFC 4028).
    pub session_timer: Policy,
    /// What a REGISTER may ask for.
    pub expiry: ExpiryBounds,
    /// How long calls wait for whoever answers the lookups of hooks.
    pub lookups: LookupTimes,
    /// Where browsers reach our media; `None`: no phone is a browser, and none of their offers is taken.
    pub browsers: Option<Browsers>,
    /// The table sizes.
    pub limits: Limits,
}

/// How long a call waits for the answer to each lookup; `None`: nobody answers it, and it is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupTimes {
    /// `caller.lookup`: asked when a call comes in; a queue is entered when it is answered.
    pub caller: Option<Duration>,
    /// `dial.authorize`: asked before a number outside is called.
    pub authorize: Option<Duration>,
}

/// What browsers are told of our media. One UDP port is enough for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Browsers {
    /// Where we are reached, the default one first; never empty.
    pub candidates: Vec<SocketAddr>,
    /// Our DTLS certificate.
    pub fingerprint: Fingerprint,
}

/// One socket that SIP comes in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListeningSocket {
    /// What is spoken on it.
    pub transport: Transport,
    /// Where it is bound: what [`sip::flow::Flow::local`] says on it.
    pub local: SocketAddr,
}

/// One address of ours as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// For messages on this transport.
    pub transport: Transport,
    /// Host or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its address.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

impl Network {
    /// Whether the address lies in it. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                let bits = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
                net.to_bits() & bits == a.to_bits() & bits
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => {
                let bits = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                net.to_bits() & bits == a.to_bits() & bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Which country's tones are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TonePlan {
    /// 450 Hz, 1 s on, 4 s off.
    #[default]
    Cn,
    /// 440 + 480 Hz, 2 s on, 4 s off.
    Us,
}

/// RFC 3261 §10.2.8, §10.3 step 6: shorter asks get 423 with Min-Expires, longer ones are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryBounds {
    /// The least.
    pub min: Duration,
    /// The most.
    pub max: Duration,
    /// Where the phone says nothing.
    pub default: Duration,
}

/// Beyond each of these the switch refuses rather than drowns; each refusal is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at a time; beyond: 503 with Retry-After.
    pub calls: usize,
    /// SIP transactions that wait for something; beyond: 503 with Retry-After.
    pub pending_transactions: usize,
    /// Finished transactions kept for retransmissions; beyond: the oldest go first.
    pub finished_transactions: usize,
    /// Contacts of one extension; beyond: the oldest is replaced.
    pub contacts_per_extension: usize,
    /// Failed sign-ins of one source within [`Limits::ban_window`] before it is banned.
    pub auth_failures: u32,
    /// See [`Limits::auth_failures`].
    pub ban_window: Duration,
    /// How long a ban lasts.
    pub ban: Duration,
    /// Sources that are watched for failed sign-ins at a time.
    pub watched_sources: usize,
}

/// One tenant's settings.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    /// Whose.
    pub tenant: TenantId,
    /// SIP domains that mean this tenant (decision 8); an IP address or an unknown host means the only tenant there is.
    pub domains: Vec<String>,
    /// Its extensions.
    pub extensions: BTreeMap<ExtensionNumber, Extension>,
    /// Its trunks.
    pub trunks: BTreeMap<TrunkName, Trunk>,
    /// Its conference rooms.
    pub rooms: BTreeMap<RoomNumber, Arc<Room>>,
    /// Its flows, each in the version that new calls walk.
    pub flows: BTreeMap<FlowName, Version>,
    /// Its agents.
    pub agents: BTreeMap<AgentNumber, Agent>,
    /// Its queues.
    pub queues: BTreeMap<QueueName, Arc<Queue>>,
    /// Its opening hours (IVR-02).
    pub hours: BTreeMap<HoursName, Arc<Hours>>,
    /// Its surveys.
    pub surveys: BTreeMap<SurveyName, Arc<Survey>>,
    /// Who is not let in, and who is not called (GEN-19).
    pub blocks: Arc<BlockLists>,
    /// Who goes first in its queues, and whose customers they are (IVR-05).
    pub callers: Arc<KnownCallers>,
    /// Whose clocks tell its days.
    pub zone: Zone,
    /// Where numbers lead.
    pub plan: Plan,
    /// In which language its callers are spoken to.
    pub language: Language,
    /// The caller number of an outbound call where neither extension nor trunk has one (CALL-08: the default line).
    pub caller_number: Option<String>,
    /// Record every call between two extensions, whatever [`Extension::record`] says of them.
    pub record_internal: bool,
}

impl TenantConfig {
    /// Whether there is such a box for messages.
    #[must_use]
    pub fn has_box(&self, mailbox: &Mailbox) -> bool {
        match mailbox {
            Mailbox::Queue(queue) => self.queues.contains_key(queue),
            Mailbox::Extension(number) => self.extensions.get(number).is_some_and(|extension| extension.enabled),
        }
    }

    /// Whether the audio of an extension's phones is encrypted.
    #[must_use]
    pub fn srtp_of_extension(&self, number: &str) -> Srtp {
        let extension = number.parse().ok().and_then(|number: ExtensionNumber| self.extensions.get(&number));
        extension.map(|extension| extension.srtp).unwrap_or_default()
    }

    /// Whether the audio of a trunk is encrypted.
    #[must_use]
    pub fn srtp_of_trunk(&self, name: &str) -> Srtp {
        let trunk = name.parse().ok().and_then(|name: TrunkName| self.trunks.get(&name));
        trunk.map(|trunk| trunk.policy.srtp).unwrap_or_default()
    }
}

/// An extension: an account for phones.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its number, which is also its SIP user name.
    pub number: ExtensionNumber,
    /// Shown to the called party; may be empty.
    pub display_name: String,
    /// Digest secrets; the password itself is not kept.
    pub ha1_md5: Ha1Md5,
    /// Digest secrets; the password itself is not kept.
    pub ha1_sha256: Ha1Sha256,
    /// A disabled one can neither register nor call nor be called.
    pub enabled: bool,
    /// How long it rings; the node's time where none is set.
    pub ring_timeout: Option<Duration>,
    /// Its calls with the outside are recorded (REC-04).
    pub record: bool,
    /// Shown outside as the caller's number (CALL-08).
    pub caller_number: Option<String>,
    /// A phone that never registers and is always reached here, beside those that do.
    pub static_contact: Option<StaticContact>,
    /// What becomes of its calls where it does not take them (AGT-18).
    pub handling: CallHandling,
    /// Whether its audio is encrypted.
    pub srtp: Srtp,
    /// Whose calls it picks up by `*8`, and who picks up its own; nobody where there is none.
    pub pickup_group: Option<PickupGroup>,
    /// By which kinds of phone it is used (PHONE-05).
    pub ways: Ways,
}

/// By which kinds of phone an extension is used (PHONE-05). The others are refused whatever they ask for, and nobody signs in with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ways {
    /// By phones in browsers and by SIP phones.
    #[default]
    Both,
    /// By phones in browsers alone (WebRTC).
    Web,
    /// By SIP phones alone.
    Desk,
}

impl Ways {
    /// Whether that kind is among them.
    #[must_use]
    pub fn allow(self, way: Way) -> bool {
        match self {
            Self::Both => true,
            Self::Web => way == Way::Web,
            Self::Desk => way == Way::Desk,
        }
    }

    /// Whether what comes by that transport is of a kind among them: a browser speaks over a WebSocket, a SIP phone otherwise.
    #[must_use]
    pub fn allow_by(self, transport: Transport) -> bool {
        self.allow(way_of(transport))
    }
}

/// What kind of phone speaks so.
#[must_use]
pub fn way_of(transport: Transport) -> Way {
    match transport {
        Transport::Ws | Transport::Wss => Way::Web,
        Transport::Udp | Transport::Tcp | Transport::Tls => Way::Desk,
    }
}

/// Whether audio is encrypted by keys in the session description (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Srtp {
    /// Where the far end offers it; we offer it without.
    #[default]
    Optional,
    /// We offer it so alone, and take no other offer.
    Required,
}

/// What becomes of an extension's calls where it does not take them (AGT-18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallHandling {
    /// It rings while it has a call; without, a further call finds it busy.
    pub call_waiting: bool,
    /// Every call finds it busy.
    pub do_not_disturb: bool,
    /// Every call goes there; it never rings.
    pub forward_always: Option<Dialled>,
    /// Where calls go that find it busy, or that it rejects.
    pub forward_busy: Option<Dialled>,
    /// Where calls go that it does not answer in its ring time, or that reach no phone of it.
    pub forward_no_answer: Option<Dialled>,
    /// Who is not taken, nor sent on, may leave a message.
    pub voicemail: bool,
    /// Said to him before he is asked to, in the place of the usual words.
    pub voicemail_greeting: Option<PromptName>,
}

impl Default for CallHandling {
    /// It rings, and nothing goes elsewhere.
    fn default() -> Self {
        Self {
            call_waiting: true,
            do_not_disturb: false,
            forward_always: None,
            forward_busy: None,
            forward_no_answer: None,
            voicemail: false,
            voicemail_greeting: None,
        }
    }
}

/// Where a phone is that never registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticContact {
    /// The Request-URI to send, `sip:1000@192.0.2.7:5060`.
    pub uri: String,
    /// How.
    pub transport: Transport,
    /// Its address, resolved by the shell.
    pub target: SocketAddr,
}
