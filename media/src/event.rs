//! What the media tells.

use std::net::SocketAddr;

use crate::jitter::JitterStats;
use crate::quality::{Sample, Timeline};
use crate::{BrowserLoss, EndpointId, PlayerId, RecorderId};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Sockets are bound; the addresses carry the ports the kernel chose where 0 was asked.
    Opened {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Bound RTP address.
        rtp: SocketAddr,
        /// Bound RTCP address.
        rtcp: SocketAddr,
    },
    /// No sockets: take another port pair.
    OpenFailed {
        /// Which endpoint; it does not exist.
        endpoint: EndpointId,
        /// The operating system's words.
        reason: String,
    },
    /// The peer's real source is known; sent again when it moves.
    SourceLocked {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Where its RTP comes from and ours goes to.
        source: SocketAddr,
    },
    /// A key was pressed: a telephone event began (RFC 4733), or the sound of a key that was listened for.
    Digit(DigitPressed),
    /// A party that is listened to began to speak, or has fallen silent.
    Voice {
        /// Its endpoint.
        endpoint: EndpointId,
        /// What it does now.
        activity: Activity,
    },
    /// No RTP for the configured time while some was expected; once until RTP comes again.
    TimedOut {
        /// Which endpoint.
        endpoint: EndpointId,
    },
    /// A browser is gone; once until it is heard of again or agreed upon anew.
    BrowserGone {
        /// Which endpoint; it stays open.
        endpoint: EndpointId,
        /// Why.
        reason: BrowserLoss,
    },
    /// The endpoint is gone and its ports are free.
    Closed {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Its figures.
        stats: EndpointStats,
        /// What it was like, stretch by stretch; `None` where nothing flowed.
        timeline: Option<Timeline>,
    },
    /// What an endpoint was like in the last 5 s, or until it closed; nothing before anything has flowed.
    Measured {
        /// The endpoint.
        endpoint: EndpointId,
        /// The figures.
        sample: Sample,
    },
    /// A playlist that plays once has ended.
    PlayerEnded {
        /// Which player.
        player: PlayerId,
    },
    /// The recording is complete; its sink has been dropped.
    RecordingStopped {
        /// Which recorder.
        recorder: RecorderId,
        /// Stereo frames given to the sink.
        frames: u64,
        /// Packets that came but could not be decoded or found no room.
        lost_packets: u64,
    },
    /// A command could not be obeyed; nothing changed.
    Refused {
        /// Why.
        reason: Refusal,
    },
}

/// What a party does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It says something.
    Speech,
    /// It has said nothing for a moment, or sends nothing.
    Silence,
}

/// A key pressed on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigitPressed {
    /// Whose phone.
    pub endpoint: EndpointId,
    /// One of `0`-`9`, `*`, `#`, `A`-`D`.
    pub digit: char,
}

/// Why a command was not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Named an endpoint that is not open.
    #[error("endpoint {} is not open; open it first", .0.0)]
    NoSuchEndpoint(EndpointId),
    /// Named a player that does not play.
    #[error("player {} does not play; start it first", .0.0)]
    NoSuchPlayer(PlayerId),
    /// Named a recorder that does not run.
    #[error("recorder {} does not run; start it first", .0.0)]
    NoSuchRecorder(RecorderId),
    /// Named an endpoint of another kind.
    #[error("endpoint {} is not a browser's; open it as one", .0.0)]
    NoBrowser(EndpointId),
    /// A fragment that would not tell one browser from another.
    #[error("the ICE fragment for endpoint {} is in use; make another", .0.0)]
    FragmentInUse(EndpointId),
    /// The name is taken.
    #[error("endpoint {} is open already; choose another name", .0.0)]
    EndpointExists(EndpointId),
    /// The name is taken.
    #[error("player {} plays already; choose another name", .0.0)]
    PlayerExists(PlayerId),
    /// The name is taken.
    #[error("recorder {} runs already; choose another name", .0.0)]
    RecorderExists(RecorderId),
    /// More sources than one endpoint can hear at once.
    #[error("endpoint {} was to hear more than {} sources at once; give it fewer", .0.0, crate::command::SOURCES_MAX)]
    TooManySources(EndpointId),
    /// A gain for an edge that is not there.
    #[error("endpoint {} does not hear that source; let it hear it first", .0.0)]
    NotHeard(EndpointId),
    /// The table is full.
    #[error("no room for another {0}; close some first")]
    Full(&'static str),
}

/// Figures of an endpoint, from its opening to its closing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EndpointStats {
    /// RTP packets accepted from the peer.
    pub received_packets: u64,
    /// Their payload bytes.
    pub received_bytes: u64,
    /// RTP packets sent to the peer.
    pub sent_packets: u64,
    /// Their payload bytes.
    pub sent_bytes: u64,
    /// Packets expected and not received, RFC 3550 §A.3; duplicates do not hide losses.
    pub lost_packets: u64,
    /// Packets that came after a later one.
    pub out_of_order_packets: u64,
    /// Packets that came twice.
    pub duplicate_packets: u64,
    /// Interarrival jitter in ms, RFC 3550 §6.4.1.
    pub jitter_ms: f32,
    /// Packets dropped because they came from a stranger.
    pub rejected_packets: u64,
    /// Packets dropped because they were no RTP or of a format not agreed.
    pub malformed_packets: u64,
    /// Packets that could not be sent on: no common format, or the socket refused.
    pub unsent_packets: u64,
    /// What the peer last reported lost of ours in RTCP: packets since the start.
    pub remote_lost_packets: u32,
    /// The peer's last reported jitter in ms.
    pub remote_jitter_ms: f32,
    /// Last round trip in ms by RTCP (RFC 3550 §6.4.1), if one was measured.
    pub round_trip_ms: Option<f32>,
    /// While it was mixed or transcoded: what was late, missing and made up of what the peer said.
    pub buffered: JitterStats,
}
