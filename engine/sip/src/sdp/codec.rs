//! Codecs as a session description names them, and the static payload types (RFC 3551 §6).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An RTP payload type, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct PayloadType(u8);

impl PayloadType {
    /// The payload type, if it fits in 7 bits.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A number above 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payload type is 0 to 127")]
pub struct PayloadTypeTooLarge;

impl TryFrom<u8> for PayloadType {
    type Error = PayloadTypeTooLarge;

    fn try_from(number: u8) -> Result<Self, PayloadTypeTooLarge> {
        Self::new(number).ok_or(PayloadTypeTooLarge)
    }
}

impl From<PayloadType> for u8 {
    fn from(payload_type: PayloadType) -> Self {
        payload_type.number()
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An encoding's name, compared without regard to case (RFC 8866 §6.6).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Encoding {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722; its RTP clock says 8000 though it samples at 16 kHz (RFC 3551 §4.5.2).
    G722,
    /// Opus (RFC 7587): always 48000 and two channels in the description.
    Opus,
    /// Key presses (RFC 4733).
    TelephoneEvent,
    /// Linear 16 bit.
    L16,
    /// G.729.
    G729,
    /// Any other, as it came.
    Other(String),
}

impl Encoding {
    const KNOWN: [Self; 7] =
        [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus, Self::TelephoneEvent, Self::L16, Self::G729];

    /// The encoding of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
            .unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus => "opus",
            Self::TelephoneEvent => "telephone-event",
            Self::L16 => "L16",
            Self::G729 => "G729",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for Encoding {
    fn from(name: String) -> Self {
        Self::from_name(&name)
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.as_str().to_owned()
    }
}

impl PartialEq for Encoding {
    fn eq(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for Encoding {}

/// A codec under the payload type that one side gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// The payload type that who wrote this wants to receive it with.
    pub payload_type: PayloadType,
    /// The encoding.
    pub encoding: Encoding,
    /// The RTP clock in Hz.
    pub clock_hz: u32,
    /// Channels, 1 to 255.
    pub channels: u8,
    /// `a=fmtp` after the payload type.
    pub fmtp: Option<String>,
}

impl Codec {
    const fn plain(number: u8, encoding: Encoding, clock_hz: u32, channels: u8) -> Self {
        Self { payload_type: PayloadType(number), encoding, clock_hz, channels, fmtp: None }
    }

    /// PCMU under 0.
    #[must_use]
    pub const fn pcmu() -> Self {
        Self::plain(0, Encoding::Pcmu, 8_000, 1)
    }

    /// PCMA under 8.
    #[must_use]
    pub const fn pcma() -> Self {
        Self::plain(8, Encoding::Pcma, 8_000, 1)
    }

    /// G.722 under 9.
    #[must_use]
    pub const fn g722() -> Self {
        Self::plain(9, Encoding::G722, 8_000, 1)
    }

    /// G.729 under 18.
    #[must_use]
    pub const fn g729() -> Self {
        Self::plain(18, Encoding::G729, 8_000, 1)
    }

    /// Opus (RFC 7587 §7) with in-band error correction, in packets of 10 ms or more.
    #[must_use]
    pub fn opus(payload_type: PayloadType) -> Self {
        Self {
            payload_type,
            fmtp: Some("minptime=10;useinbandfec=1".to_owned()),
            ..Self::plain(0, Encoding::Opus, 48_000, 2)
        }
    }

    /// Key presses 0 to 16 (RFC 4733 §2.4.1) at the clock of the audio they go with.
    #[must_use]
    pub fn telephone_event(payload_type: PayloadType, clock_hz: u32) -> Self {
        Self { payload_type, fmtp: Some("0-16".to_owned()), ..Self::plain(0, Encoding::TelephoneEvent, clock_hz, 1) }
    }

    /// True for key presses.
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.encoding == Encoding::TelephoneEvent
    }

    /// True for comfort noise and redundancy, which are no codec of their own (RFC 3389, RFC 2198).
    #[must_use]
    pub fn is_auxiliary(&self) -> bool {
        ["CN", "red"].iter().any(|name| self.encoding.as_str().eq_ignore_ascii_case(name))
    }

    /// True if packets of one can be read as the other: encoding, clock and channels agree, whatever the payload types.
    #[must_use]
    pub fn is_same_format(&self, other: &Self) -> bool {
        // RFC 7587 §7: Opus is always described with two channels; some leave that out.
        self.encoding == other.encoding
            && self.clock_hz == other.clock_hz
            && (self.channels == other.channels || self.encoding == Encoding::Opus)
    }

    /// What a static payload type stands for without an `rtpmap` (RFC 3551 §6, tables 4 and 5: audio).
    #[must_use]
    pub fn from_static(payload_type: PayloadType) -> Option<Self> {
        let other = |name: &str, clock_hz| Self::plain(payload_type.0, Encoding::Other(name.to_owned()), clock_hz, 1);
        Some(match payload_type.0 {
            0 => Self::pcmu(),
            3 => other("GSM", 8_000),
            4 => other("G723", 8_000),
            5 => other("DVI4", 8_000),
            6 => other("DVI4", 16_000),
            7 => other("LPC", 8_000),
            8 => Self::pcma(),
            9 => Self::g722(),
            10 => Self::plain(10, Encoding::L16, 44_100, 2),
            11 => Self::plain(11, Encoding::L16, 44_100, 1),
            12 => other("QCELP", 8_000),
            13 => other("CN", 8_000),
            14 => other("MPA", 90_000),
            15 => other("G728", 8_000),
            16 => other("DVI4", 11_025),
            17 => other("DVI4", 22_050),
            18 => Self::g729(),
            _ => return None,
        })
    }
}
