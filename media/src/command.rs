//! What the media is told. Declarative: a repeated command changes nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::{
    BrowserPeer, Codec, EndpointId, Gain, IceCredentials, OpenBrowser, OpusSettings, PacketTime, PayloadType, PlayerId,
    Playlist, RecordRate, RecordSink, RecorderId, Source, SrtpKeys,
};

/// One order. Orders on unknown or closed nodes are answered by [`crate::Event::Refused`].
#[derive(Debug)]
pub enum Command {
    /// Bind sockets and make an endpoint; answered by `Opened` or `OpenFailed`.
    Open(OpenEndpoint),
    /// Make an endpoint on the sockets of all browsers; answered by `Opened` or `OpenFailed`.
    OpenBrowser(OpenBrowser),
    /// Give a browser's endpoint new credentials of ours; the old ones stay good until the browser nominates with the new.
    RestartIce {
        /// An open endpoint of a browser.
        endpoint: EndpointId,
        /// The new ones; the fragment must not be in use.
        local: IceCredentials,
    },
    /// What SDP agreed, at first and after each re-INVITE. Until then the endpoint hears and says nothing.
    Configure {
        /// An open endpoint.
        endpoint: EndpointId,
        /// All of it, each time.
        session: Session,
    },
    /// Close sockets, leave all edges, end feeds; answered by `Closed` with the figures.
    Close(EndpointId),
    /// Begin a playlist; it is heard by whoever is told to, at its current position.
    StartPlayer {
        /// A new name.
        player: PlayerId,
        /// What to play; where there is nothing in it, it ends at once.
        playlist: Playlist,
    },
    /// End a player; sinks hear nothing until told otherwise.
    StopPlayer(PlayerId),
    /// Say what one endpoint hears; replaces what it heard before. An edge that stays keeps its gain. A player that has ended is
    /// no fault: nothing is heard of it.
    Hear(Hear),
    /// Say how loud an endpoint hears one of its sources; unity until then.
    SetGain(EdgeGain),
    /// Listen for keys in the sound of an endpoint's party, or no more. Nothing comes of it while telephone events are
    /// agreed with the party: what it presses then comes as those, and one digit is one digit.
    DetectKeys {
        /// Whose.
        endpoint: EndpointId,
        /// From when on.
        detect: Detect,
    },
    /// Listen whether an endpoint's party speaks, or no more. It counts as silent until it is heard.
    DetectVoice {
        /// Whose.
        endpoint: EndpointId,
        /// From when on.
        detect: Detect,
    },
    /// Press keys toward an endpoint's party, one after the other behind those that are still being pressed: as telephone
    /// events (RFC 4733) where those are agreed with it, else as sounds, which it hears in the place of what it heard.
    SendDigits {
        /// Whose party hears them.
        endpoint: EndpointId,
        /// Of `0`-`9`, `*`, `#`, `A`-`D`; others are left out, and so is what goes beyond [`DIGITS_MAX`].
        digits: String,
    },
    /// Record what endpoints receive.
    StartRecorder(StartRecorder),
    /// Record others from the next 20 ms on; whoever comes or goes is faded over 5 ms.
    RecordFrom {
        /// A running recording.
        recorder: RecorderId,
        /// All of it, each time.
        channels: Channels,
    },
    /// Record silence from this 20 ms on, until resumed.
    PauseRecorder(RecorderId),
    /// Record what is said again.
    ResumeRecorder(RecorderId),
    /// End a recording now; answered by `RecordingStopped` after the sink has had all frames.
    StopRecorder(RecorderId),
}

/// Sockets and first values of an endpoint.
#[derive(Debug, Clone)]
pub struct OpenEndpoint {
    /// A new name.
    pub endpoint: EndpointId,
    /// Local address and port of RTP; port 0 lets the kernel choose (tests).
    pub rtp: SocketAddr,
    /// Local address and port of RTCP.
    pub rtcp: SocketAddr,
    /// Random number: SSRC, first sequence number, first time stamp and RTCP name are derived from it.
    pub seed: u64,
}

/// What SDP agreed for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Where the peer's SDP wants RTP and RTCP; `None` while unknown (delayed offer) or 0.0.0.0.
    pub remote: Option<Remote>,
    /// Agreed formats, the preferred audio codec first; at most [`FORMATS_MAX`], the rest is ignored.
    pub formats: Vec<Format>,
    /// Seen from here: whether RTP is sent to and expected from the peer.
    pub direction: Direction,
    /// Whether the peer may send from elsewhere than its SDP says.
    pub source_rule: SourceRule,
    /// Silence longer than this, while RTP is expected, gives `TimedOut`; `None` = never. Default 30 s.
    pub rtp_timeout: Option<Duration>,
    /// How long the packets are that are made here for the peer; those that are relayed to it stay as they came.
    pub packet_time: PacketTime,
    /// The longest packet that the peer takes, in milliseconds: longer ones are not relayed to it but made anew.
    pub packet_ms_max: Option<u32>,
    /// How Opus is encoded for the peer and heard from it; how long its frames are follows from `packet_time`.
    pub opus: OpusSettings,
    /// The keys, where packets are encrypted.
    pub srtp: Option<SrtpKeys>,
    /// Who is at the other end of a browser's endpoint; `remote`, `source_rule` and `srtp` mean nothing there.
    pub browser: Option<Box<BrowserPeer>>,
}

impl Session {
    /// A session both ways, 30 s time-out, source learnt, packets of 20 ms.
    #[must_use]
    pub fn new(remote: Option<Remote>, formats: Vec<Format>) -> Self {
        Self {
            remote,
            formats,
            direction: Direction::SendReceive,
            source_rule: SourceRule::Learn { signalling: None },
            rtp_timeout: Some(RTP_TIMEOUT),
            packet_time: PacketTime::default(),
            packet_ms_max: None,
            opus: OpusSettings::default(),
            srtp: None,
            browser: None,
        }
    }
}

/// Addresses out of the peer's SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// `c=` and `m=` port.
    pub rtp: SocketAddr,
    /// `a=rtcp` (RFC 3605), else RTP port + 1; equal to `rtp` where `a=rtcp-mux` was agreed.
    pub rtcp: SocketAddr,
}

impl Remote {
    /// RTCP on the next port, as RFC 3550 §11 has it.
    #[must_use]
    pub fn new(rtp: SocketAddr) -> Self {
        let mut rtcp = rtp;
        rtcp.set_port(rtp.port().wrapping_add(1));
        Self { rtp, rtcp }
    }
}

/// One agreed payload format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// What it is.
    pub codec: Codec,
    /// The number the peer sends it with: the one in *our* SDP.
    pub receive: PayloadType,
    /// The number we send it with: the one in *the peer's* SDP.
    pub send: PayloadType,
}

impl Format {
    /// The same number both ways.
    #[must_use]
    pub fn new(codec: Codec, number: PayloadType) -> Self {
        Self { codec, receive: number, send: number }
    }
}

/// `a=sendrecv` and its kin (RFC 8866 §6.7), seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// We send and expect RTP.
    SendReceive,
    /// We send only: the peer is on hold or listens.
    SendOnly,
    /// We receive only: the peer has put us on hold.
    ReceiveOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether we may send RTP to the peer.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::SendOnly)
    }

    /// Whether silence from the peer is a fault.
    #[must_use]
    pub fn expects(self) -> bool {
        matches!(self, Self::SendReceive | Self::ReceiveOnly)
    }
}

/// Where RTP may come from. Whatever is chosen, the source is locked to address, port and SSRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceRule {
    /// Address and port of the SDP, nothing else: trunks.
    Sdp,
    /// Behind NAT: learnt within 5 s after the configuration; later only from the address below.
    Learn {
        /// Where the peer's SIP came from: preferred to strangers, and believed even after the window.
        signalling: Option<IpAddr>,
    },
}

/// What one endpoint hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hear {
    /// Who hears.
    pub sink: EndpointId,
    /// What it hears; empty = nothing. Itself = echo. At most [`SOURCES_MAX`].
    pub sources: Vec<Source>,
}

/// Whether something is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detect {
    /// From now on.
    On,
    /// No more.
    Off,
}

/// The gain of one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeGain {
    /// Who hears.
    pub sink: EndpointId,
    /// Whom; one of what it hears.
    pub source: Source,
    /// How loud; [`Gain::MUTE`] = not at all.
    pub gain: Gain,
}

/// Who is recorded where: what these say, added up. What they hear is not recorded, so that a whisper to one of them is in
/// no channel unless the one who whispers is named; nor is what players play, unless it is named to whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Channels {
    /// On the left: the outside party, or the caller of an internal call (REC-09).
    pub left: BTreeSet<EndpointId>,
    /// On the right: the agent or inner party (REC-09).
    pub right: BTreeSet<EndpointId>,
    /// One of them: what a player alone says to it is on the right, too (REC-08: an announcement to the outside party).
    pub said_to: Option<EndpointId>,
}

impl Channels {
    /// Everybody in a channel, each once, in order of name.
    pub fn all(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.left.union(&self.right).copied()
    }

    /// Whether an endpoint is in a channel.
    #[must_use]
    pub fn names(&self, endpoint: EndpointId) -> bool {
        self.left.contains(&endpoint) || self.right.contains(&endpoint)
    }

    /// Whether what is spoken at an endpoint is on the left, and whether it is on the right.
    #[must_use]
    pub fn shares(&self, endpoint: EndpointId, spoken: Spoken) -> [bool; 2] {
        match spoken {
            Spoken::ByParty => [self.left.contains(&endpoint), self.right.contains(&endpoint)],
            Spoken::ToParty => [false, self.said_to == Some(endpoint)],
        }
    }

    /// All that is recorded, each once, in order.
    pub fn voices(&self) -> impl Iterator<Item = (EndpointId, Spoken)> + '_ {
        let said = self.said_to.map(|endpoint| (endpoint, Spoken::ToParty));
        self.all().map(|endpoint| (endpoint, Spoken::ByParty)).chain(said)
    }
}

/// What is recorded of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spoken {
    /// What its party says.
    ByParty,
    /// What a player says to its party.
    ToParty,
}

/// Begin of a recording.
pub struct StartRecorder {
    /// A new name.
    pub recorder: RecorderId,
    /// Who is recorded where.
    pub channels: Channels,
    /// Frames per second of the result: [`RecordRate::for_codecs`].
    pub rate: RecordRate,
    /// Where frames go.
    pub sink: Box<dyn RecordSink>,
}

impl fmt::Debug for StartRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartRecorder")
            .field("recorder", &self.recorder)
            .field("channels", &self.channels)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// Keys that wait to be pressed toward one endpoint.
pub const DIGITS_MAX: usize = 64;
/// Sources one endpoint hears at once: a full room and a few players.
pub const SOURCES_MAX: usize = 256;
/// Formats kept per endpoint; the rest of a longer list is ignored.
pub const FORMATS_MAX: usize = 16;
/// Default time without RTP after which a leg is given up.
pub const RTP_TIMEOUT: Duration = Duration::from_secs(30);
