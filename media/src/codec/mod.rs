//! Codecs: their names on the wire and their coders.

use std::sync::Arc;

/// RTP payload type, 0 to 127 (RFC 3551 §6); 64 to 95 are refused, they collide with RTCP (RFC 5761 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(u8);

impl PayloadType {
    /// `None` above 127 and from 64 to 95.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number < 64 || (96..128).contains(&number)).then_some(Self(number))
    }

    /// The number, 0 to 127.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

/// What a payload type stands for. Two endpoints can be relayed without decoding where these are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.722 at 64 kbit/s: audio at 16 kHz, RTP clock 8000 (RFC 3551 §4.5.2).
    G722,
    /// Opus, RTP clock 48000 whatever the audio (RFC 7587 §4.1).
    Opus,
    /// RFC 4733 telephone events.
    TelephoneEvent {
        /// RTP clock of the events, that of the audio codec beside them.
        clock_hz: u32,
    },
    /// Anything else: passed through between endpoints that both have it, never decoded.
    Other {
        /// Encoding name in lower case, with format parameters where they matter: `g729`, `ilbc;mode=20`.
        name: Arc<str>,
        /// RTP clock.
        clock_hz: u32,
    },
}

impl Codec {
    /// From an `a=rtpmap` (RFC 8866 §6.6): encoding name in any case and clock rate in Hz.
    #[must_use]
    pub fn from_rtpmap(encoding: &str, clock_hz: u32) -> Self {
        match (encoding.to_ascii_lowercase().as_str(), clock_hz) {
            ("pcmu", 8_000) => Self::Pcmu,
            ("pcma", 8_000) => Self::Pcma,
            ("g722", 8_000) => Self::G722,
            ("opus", 48_000) => Self::Opus,
            ("telephone-event", _) => Self::TelephoneEvent { clock_hz },
            (name, _) => Self::Other { name: Arc::from(name), clock_hz },
        }
    }

    /// RTP clock in Hz.
    #[must_use]
    pub fn clock_hz(&self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => 8_000,
            Self::Opus => 48_000,
            Self::TelephoneEvent { clock_hz } | Self::Other { clock_hz, .. } => *clock_hz,
        }
    }

    /// Whether it carries audio (not telephone events).
    #[must_use]
    pub fn is_audio(&self) -> bool {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 | Self::Opus | Self::Other { .. } => true,
            Self::TelephoneEvent { .. } => false,
        }
    }
}
