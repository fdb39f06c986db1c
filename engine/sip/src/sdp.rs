//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264) for audio.
//!
//! Everything here is values and functions over them: no state of a dialog, no port taken, no address resolved.

mod browser;
mod codec;
mod fingerprint;
mod negotiate;
mod opus;
mod parse;
mod reoffer;
mod sdes;
mod write;

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

pub use browser::{BrowserFault, BrowserPeer, IceCredentials, LocalBrowser, OfferedSetup};
pub use codec::{Codec, Encoding, PayloadType, PayloadTypeTooLarge};
pub use fingerprint::Fingerprint;
pub use negotiate::{
    CodecOrder, LocalMedia, Negotiated, NegotiatedCodec, NegotiatedCrypto, NegotiationError, PacketTimes, Policy,
    accept_answer, answer, negotiate, offer, offered, offered_times, offers_crypto, offers_dtls,
};
pub use opus::OpusLimits;
pub use reoffer::reoffer;
pub use sdes::{CRYPTO_MAX, Crypto, CryptoSuite, MasterKey};

/// The most media descriptions (m-lines) a session description may have; an answer must have as many.
pub const MEDIA_MAX: usize = 32;

/// The most lines a session description may have.
pub const LINES_MAX: usize = 2_048;

/// Bytes that are no session description. The peer is at fault: a request with them gets 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed session description: {0}")]
pub struct SdpError(&'static str);

impl SdpError {
    /// What is wrong, without the prefix.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.0
    }
}

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`: whose session this is and which version of it.
    pub origin: Origin,
    /// `s=`; `-` where there is nothing to say.
    pub name: String,
    /// `c=` at session level.
    pub connection: Option<ConnectionAddress>,
    /// The direction at session level: the default of every m-line.
    pub direction: Option<Direction>,
    /// All other attributes at session level, in order.
    pub attributes: Vec<Attribute>,
    /// The media descriptions in order.
    pub media: Vec<MediaDescription>,
}

/// `o=` (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user name; `-` where there is none.
    pub username: String,
    /// The session's number as it came: digits of any length.
    pub session_id: String,
    /// The version: one more for each change (RFC 3264 §8).
    pub version: u64,
    /// The address of who made it; never used to send to.
    pub address: ConnectionAddress,
}

/// Where media shall go: `c=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionAddress {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A domain name; what it stands for is not known here.
    Name(String),
}

impl ConnectionAddress {
    /// The address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

/// Which way media flows, seen from who says it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ways; the default.
    #[default]
    SendRecv,
    /// Only from who says it.
    SendOnly,
    /// Only to who says it.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// True if who says it sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// True if who says it receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow seen from the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::SendRecv => Self::SendRecv,
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }

    /// What both allow: RFC 3264 §6.1 lets an answer take away, never add.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.sends() && other.sends(), self.receives() && other.receives()) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// An attribute that is not interpreted: `a=name` or `a=name:value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value after the colon.
    pub value: Option<String>,
}

/// What kind of media an m-line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`.
    Audio,
    /// `video`.
    Video,
    /// `image`: fax by T.38.
    Image,
    /// `application`: data channels and the like.
    Application,
    /// Any other.
    Other(String),
}

impl MediaKind {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Application => "application",
            Self::Other(name) => name,
        }
    }
}

/// How an m-line's media travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `RTP/AVP`.
    RtpAvp,
    /// `RTP/AVPF` (RFC 4585).
    RtpAvpf,
    /// `RTP/SAVP`: SRTP keyed by SDES (RFC 3711, RFC 4568).
    RtpSavp,
    /// `RTP/SAVPF` (RFC 5124).
    RtpSavpf,
    /// `UDP/TLS/RTP/SAVP`: SRTP keyed by DTLS (RFC 5764).
    UdpTlsRtpSavp,
    /// `UDP/TLS/RTP/SAVPF` (RFC 5764): browsers.
    UdpTlsRtpSavpf,
    /// Any other: `udptl`, `UDP/DTLS/SCTP`, ...
    Other(String),
}

impl Protocol {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::UdpTlsRtpSavp => "UDP/TLS/RTP/SAVP",
            Self::UdpTlsRtpSavpf => "UDP/TLS/RTP/SAVPF",
            Self::Other(name) => name,
        }
    }

    /// True if its formats are RTP payload types.
    #[must_use]
    pub fn is_rtp(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// `a=rtcp` (RFC 3605).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rtcp {
    /// The port that RTCP shall go to.
    pub port: u16,
    /// The address, if it is another than that of RTP.
    pub address: Option<ConnectionAddress>,
}

/// A media description: an m-line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    /// What kind of media.
    pub kind: MediaKind,
    /// The port to send to; 0 means refused or ended (RFC 3264 §6, §8.2).
    pub port: u16,
    /// How the media travels.
    pub protocol: Protocol,
    /// The formats as they came: payload types where the protocol is RTP.
    pub formats: Vec<String>,
    /// What the payload types stand for, in the order of the formats; a dynamic one without `rtpmap` is left out.
    pub codecs: Vec<Codec>,
    /// `c=` of this m-line.
    pub connection: Option<ConnectionAddress>,
    /// `a=ptime` in milliseconds.
    pub ptime_ms: Option<u16>,
    /// `a=maxptime` in milliseconds.
    pub max_ptime_ms: Option<u16>,
    /// The direction of this m-line, if it says one.
    pub direction: Option<Direction>,
    /// `a=rtcp`, if there is one.
    pub rtcp: Option<Rtcp>,
    /// `a=rtcp-mux` (RFC 5761).
    pub rtcp_mux: bool,
    /// All other attributes, in order.
    pub attributes: Vec<Attribute>,
}

impl MediaDescription {
    /// The value of the first attribute of that name that is kept in `attributes`; empty if it has none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|found| found.name == name).map(|found| found.value.as_deref().unwrap_or(""))
    }
}

impl SessionDescription {
    /// Where the m-line's RTP shall go. `None` if it is refused (port 0), has no address, a name, or asks for hold by the
    /// unspecified address (RFC 3264 §8.4: `c=0.0.0.0`).
    #[must_use]
    pub fn rtp_address(&self, media: &MediaDescription) -> Option<SocketAddr> {
        let address = media.connection.as_ref().or(self.connection.as_ref())?.ip()?;
        (media.port != 0 && !address.is_unspecified()).then(|| SocketAddr::new(address, media.port))
    }

    /// Where the m-line's RTCP shall go if it has a port of its own: `a=rtcp` (RFC 3605), else the port after RTP's.
    #[must_use]
    pub fn own_rtcp_address(&self, media: &MediaDescription) -> Option<SocketAddr> {
        let rtp = self.rtp_address(media)?;
        match &media.rtcp {
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
            Some(Rtcp { port: 0, .. }) => None,
            Some(Rtcp { port, address: None }) => Some(SocketAddr::new(rtp.ip(), *port)),
            Some(Rtcp { port, address: Some(address) }) => Some(SocketAddr::new(address.ip()?, *port)),
        }
    }

    /// The m-line's direction: its own, else that of the session, else both ways. RFC 3264 §8.4: the address 0.0.0.0 says
    /// that nothing is to be sent there, as phones of RFC 2543 ask for hold; but an ICE agent says so that it is still looking
    /// for its addresses (RFC 8839 §4.4.1.1.1: never to ask for hold).
    #[must_use]
    pub fn direction_of(&self, media: &MediaDescription) -> Direction {
        let said = media.direction.or(self.direction).unwrap_or_default();
        if browser::is_dtls(&media.protocol) {
            return said;
        }
        let address = media.connection.as_ref().or(self.connection.as_ref()).and_then(ConnectionAddress::ip);
        if address.is_some_and(|address| address.is_unspecified()) { said.and(Direction::SendOnly) } else { said }
    }

    /// The value of the first session attribute of that name that is kept in `attributes`; empty if it has none.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|found| found.name == name).map(|found| found.value.as_deref().unwrap_or(""))
    }

    /// Numbers this description as the one after `previous`: the same version if nothing else changed, else one more
    /// (RFC 3264 §8). Session number and user name stay.
    pub fn follow(&mut self, previous: &Self) {
        self.origin = previous.origin.clone();
        if *self != *previous {
            self.origin.version = previous.origin.version.saturating_add(1);
        }
    }
}
