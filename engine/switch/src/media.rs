//! What shall be heard, and what was heard. The switch knows no packet: it names endpoints, players and recorders, and says for
//! each endpoint whom it hears.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dialplan::say::{Language, Part, Repeat};
use hooks::fact::MediaQuality;
use hooks::id::{RecordingId, TenantId};
pub use sip::sdp::{BrowserPeer, Fingerprint, IceCredentials};
use sip::sdp::{CryptoSuite, MasterKey, OpusLimits};

/// A pair of RTP and RTCP ports with a far end; one per leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u64);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sound {
    /// Ringback of the tone plan.
    RingbackCn,
    /// Ringback of the tone plan.
    RingbackUs,
    /// Music on hold.
    HoldMusic,
}

/// Something that is being played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerId(pub u64);

/// Sound in memory: one channel at 16 kHz.
#[derive(Clone, PartialEq, Eq)]
pub struct Audio(pub Arc<[i16]>);

impl fmt::Debug for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Audio({} samples)", self.0.len())
    }
}

/// Something an endpoint hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// What this endpoint receives; an endpoint that hears itself is the echo test.
    Endpoint(EndpointId),
    /// A sound, from its beginning.
    Sound(Sound),
    /// What a player plays, from when the first endpoint hears it; nothing once it has ended.
    Player(PlayerId),
}

/// How much louder or softer than it comes, dB, -60 to 12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decibels(i8);

impl Decibels {
    /// The nearest there is.
    #[must_use]
    pub fn new(db: i8) -> Self {
        Self(db.clamp(-60, 12))
    }

    /// The number.
    #[must_use]
    pub fn db(self) -> i8 {
        self.0
    }
}

/// Whether something is listened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// From now on.
    On,
    /// No more.
    Off,
}

/// What a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It says something.
    Speech,
    /// It has said nothing for a moment, or sends nothing.
    Silence,
}

/// Whether packets may flow, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flows {
    /// We may send.
    pub send: bool,
    /// We expect to receive; no RTP time-out runs otherwise.
    pub receive: bool,
}

/// A codec as agreed on one leg: the payload type is the receiver's choice on each side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreedCodec {
    /// The SDP encoding name, upper case: `PCMU`, `PCMA`, `G722`, `OPUS`, ...
    pub name: String,
    /// The RTP clock, Hz.
    pub clock: u32,
    /// What we put into packets we send.
    pub send_pt: u8,
    /// What we expect in packets we receive.
    pub receive_pt: u8,
}

/// Where the packets of a far end may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceRule {
    /// Only from `remote_rtp`'s address: it lies in `local_nets`, where nobody is behind NAT.
    AsAgreed,
    /// It may sit behind NAT: its real address is learnt from its first packets (symmetric RTP).
    Learn {
        /// Where its SIP comes from: the likeliest place.
        signalling: IpAddr,
    },
}

/// With what an endpoint's packets are encrypted (RFC 3711).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// How.
    pub suite: CryptoSuite,
    /// Of what we send.
    pub send: MasterKey,
    /// Of what we receive.
    pub receive: MasterKey,
}

/// Why a browser counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserLoss {
    /// No authenticated Binding request for 30 s.
    Silent,
    /// No keys could be agreed with it.
    Handshake,
    /// It showed another certificate than its description said.
    Certificate,
}

/// What was agreed with the far end of an endpoint by offer and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Where to send RTP; `None` while unknown.
    pub remote_rtp: Option<SocketAddr>,
    /// Where to send RTCP.
    pub remote_rtcp: Option<SocketAddr>,
    /// Where its packets may come from.
    pub source: SourceRule,
    /// The codecs, the one to send with first.
    pub codecs: Vec<AgreedCodec>,
    /// telephone-event (RFC 4733) payload types with their clocks.
    pub telephone_events: Vec<AgreedCodec>,
    /// Packet time to send, ms: what the far end asks for, as far as it takes packets so long.
    pub ptime_ms: u8,
    /// The longest packet that the far end takes, ms; `None` where it has not said.
    pub ptime_ms_max: Option<u16>,
    /// What it says of the Opus that it receives.
    pub opus: OpusLimits,
    /// The direction.
    pub flows: Flows,
    /// The keys, where packets are encrypted by keys out of the description.
    pub srtp: Option<SrtpKeys>,
    /// The far end, where it is a browser; `remote_rtp`, `remote_rtcp` and `srtp` are `None` then.
    pub browser: Option<Box<BrowserPeer>>,
}

/// What the media side shall do. Commands about one endpoint take effect in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaCommand {
    /// Binds `port` (RTP) and `port + 1` (RTCP).
    Open {
        /// The new endpoint.
        endpoint: EndpointId,
        /// Where to bind.
        bind: IpAddr,
        /// Even.
        port: u16,
    },
    /// Makes an endpoint on the node's sockets of all browsers; [`MediaEvent::BindFailed`] where there are none.
    OpenBrowser {
        /// The new endpoint.
        endpoint: EndpointId,
        /// Ours.
        local: IceCredentials,
    },
    /// Gives a browser's endpoint new credentials of ours; the old ones stay good until the browser nominates with the new.
    RestartIce {
        /// The endpoint.
        endpoint: EndpointId,
        /// The new ones.
        local: IceCredentials,
    },
    /// What was agreed, first or anew.
    Agree {
        /// Of which endpoint.
        endpoint: EndpointId,
        /// What.
        agreement: Agreement,
    },
    /// From now on `endpoint` hears exactly these; an empty list is silence.
    Hear {
        /// Who hears.
        endpoint: EndpointId,
        /// Whose music on hold, where that is among them.
        tenant: TenantId,
        /// Whom.
        sources: Vec<Source>,
    },
    /// How loud `endpoint` hears one of its sources; as it comes until then. An edge that stays keeps it.
    SetGain {
        /// Who hears.
        endpoint: EndpointId,
        /// Whom.
        source: Source,
        /// How loud.
        gain: Decibels,
    },
    /// Listen for keys in the sound of an endpoint, where it has no telephone events to press them by.
    DetectKeys {
        /// Whose.
        endpoint: EndpointId,
        /// Whether.
        detect: Detect,
    },
    /// Listen whether the party of an endpoint speaks; it counts as silent until it is heard.
    DetectVoice {
        /// Whose.
        endpoint: EndpointId,
        /// Whether.
        detect: Detect,
    },
    /// Gets something ready to be played to a call; it begins as soon as an endpoint hears it.
    Play {
        /// The new player.
        player: PlayerId,
        /// Whose prompts.
        tenant: TenantId,
        /// In which language.
        language: Language,
        /// What, in order. A prompt that is not there is left out.
        parts: Vec<Part>,
        /// How often.
        repeat: Repeat,
    },
    /// Gets a sound ready to be played once to a call, as [`MediaCommand::Play`] does what is said.
    PlayAudio {
        /// The new player.
        player: PlayerId,
        /// What.
        audio: Audio,
    },
    /// Ends a player; no event follows. Nothing, where it has ended by itself.
    StopPlaying(PlayerId),
    /// Press keys toward an endpoint's far end, behind those still under way: as telephone events where those are agreed, else as
    /// sounds.
    SendDigits {
        /// Whose far end.
        endpoint: EndpointId,
        /// Of `0`-`9`, `*`, `#`, `A`-`D`.
        digits: String,
    },
    /// Writes what endpoints say, left and right (REC-09), until stopped. What they hear is in no channel: a whisper or a
    /// monitor is recorded only where it is named.
    Record {
        /// The recording.
        recording: RecordingId,
        /// Its path below the recordings folder, with the tenant in it.
        path: String,
        /// The outside party, or the caller; added up where there are several.
        left: Vec<EndpointId>,
        /// The inner party.
        right: Vec<EndpointId>,
    },
    /// From now on a running recording takes in exactly these.
    RecordFrom {
        /// The recording.
        recording: RecordingId,
        /// As in [`MediaCommand::Record`].
        left: Vec<EndpointId>,
        /// As in [`MediaCommand::Record`].
        right: Vec<EndpointId>,
        /// One of them: what a player says to it is on the right, too (REC-08).
        said_to: Option<EndpointId>,
    },
    /// Silence is recorded until resumed (REC-08).
    PauseRecording(RecordingId),
    /// What is said is recorded again.
    ResumeRecording(RecordingId),
    /// Ends a recording; [`MediaEvent::Recorded`] follows.
    StopRecording(RecordingId),
    /// Frees the ports; [`MediaEvent::Closed`] follows.
    Close(EndpointId),
}

/// What the media side reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaEvent {
    /// The ports could not be bound: they are somebody else's.
    BindFailed(EndpointId),
    /// No RTP from an endpoint that should send, for [`crate::config::NodeConfig::rtp_timeout`].
    Silent(EndpointId),
    /// A browser has gone; its endpoint stays open. Once, until the browser comes again or something is agreed anew.
    BrowserGone {
        /// Its endpoint.
        endpoint: EndpointId,
        /// Why.
        reason: BrowserLoss,
    },
    /// A player has ended by itself, or nothing of it could be played.
    Played(PlayerId),
    /// A digit by RFC 4733, or heard as a sound where that was asked for: once for each press.
    Digit {
        /// Who pressed.
        endpoint: EndpointId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
    },
    /// The party of an endpoint that is listened to began to speak, or has fallen silent.
    Voice {
        /// Its endpoint.
        endpoint: EndpointId,
        /// What it does now.
        activity: Activity,
    },
    /// The endpoint is closed, its ports are free.
    Closed {
        /// Which.
        endpoint: EndpointId,
        /// What its media was like.
        quality: MediaQuality,
    },
    /// A recording is complete on disk.
    Recorded {
        /// Which.
        recording: RecordingId,
        /// What it is.
        outcome: RecordingOutcome,
    },
}

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingOutcome {
    /// The file is whole.
    Ready {
        /// Size of the file.
        bytes: u64,
        /// Length of the audio.
        duration_ms: u64,
        /// Of the whole file, hexadecimal.
        sha256: String,
        /// It ends before the call did.
        partial: bool,
    },
    /// There is nothing to hear.
    Failed {
        /// For an administrator.
        reason: String,
    },
}
