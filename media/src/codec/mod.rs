//! Codecs: their names on the wire and their coders.

pub mod g711;
pub mod g722;
pub mod l16;
pub mod opus;
pub mod resample;

use std::sync::Arc;

use crate::RecordRate;
use g711::G711;
pub use g711::Law;
pub use opus::OpusSettings;
use resample::Resampled;

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
    /// Linear samples at 8, 16 or 48 kHz (RFC 3551 §4.5.11): never offered; prompts are kept so for mixing.
    L16 {
        /// RTP clock and sampling rate.
        rate: RecordRate,
    },
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
            ("l16", 8_000) => Self::L16 { rate: RecordRate::Narrow },
            ("l16", 16_000) => Self::L16 { rate: RecordRate::Wide },
            ("l16", 48_000) => Self::L16 { rate: RecordRate::Full },
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
            Self::L16 { rate } => rate.hz(),
            Self::TelephoneEvent { clock_hz } | Self::Other { clock_hz, .. } => *clock_hz,
        }
    }

    /// What encodes and decodes it, if anything does here; Opus as it is where nothing else is said.
    #[must_use]
    pub fn coder(&self) -> Option<Coder> {
        match self {
            Self::Pcmu => Some(Coder::G711(Law::Mu)),
            Self::Pcma => Some(Coder::G711(Law::A)),
            Self::G722 => Some(Coder::G722),
            Self::Opus => Some(Coder::OPUS),
            Self::L16 { rate } => Some(Coder::L16(*rate)),
            Self::TelephoneEvent { .. } | Self::Other { .. } => None,
        }
    }

    /// Whether it carries audio (not telephone events).
    #[must_use]
    pub fn is_audio(&self) -> bool {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 | Self::Opus | Self::L16 { .. } | Self::Other { .. } => true,
            Self::TelephoneEvent { .. } => false,
        }
    }
}

/// The codecs there are coders for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coder {
    /// G.711 in either law.
    G711(Law),
    /// G.722 at 64 kbit/s.
    G722,
    /// Opus, encoded so.
    Opus(OpusSettings),
    /// Linear samples, big end first.
    L16(RecordRate),
}

impl Coder {
    /// Opus as it is where nothing else is said.
    pub const OPUS: Self = Self::Opus(OpusSettings::DEFAULT);

    /// Sampling rate of what the encoder takes.
    #[must_use]
    pub fn encoder_rate(self) -> RecordRate {
        match self {
            Self::G711(_) => RecordRate::Narrow,
            Self::G722 => RecordRate::Wide,
            Self::Opus(OpusSettings { rate, .. }) | Self::L16(rate) => rate,
        }
    }

    /// RTP clock in Hz.
    #[must_use]
    pub fn clock_hz(self) -> u32 {
        match self {
            Self::G711(_) | Self::G722 => 8_000,
            Self::Opus(_) => 48_000,
            Self::L16(rate) => rate.hz(),
        }
    }

    /// The same, where it is Opus, encoded and heard as said.
    #[must_use]
    pub fn with_opus(self, settings: OpusSettings) -> Self {
        match self {
            Self::Opus(_) => Self::Opus(settings),
            Self::G711(_) | Self::G722 | Self::L16(_) => self,
        }
    }

    /// A fresh encoder; `None` if its library has no memory.
    #[must_use]
    pub fn encoder(self) -> Option<Box<dyn Encoder>> {
        Some(match self {
            Self::G711(law) => Box::new(G711(law)),
            Self::G722 => Box::new(g722::G722Encoder::default()),
            Self::Opus(settings) => Box::new(opus::MonoToOpus::new(settings)?),
            Self::L16(_) => Box::new(l16::L16),
        })
    }

    /// A fresh decoder whose samples come at `rate`; `None` if its library has no memory.
    #[must_use]
    pub fn decoder(self, rate: RecordRate) -> Option<Box<dyn Decoder>> {
        Some(match self {
            Self::G711(law) => heard_at(G711(law), RecordRate::Narrow, rate),
            Self::G722 => heard_at(g722::G722Decoder::default(), RecordRate::Wide, rate),
            Self::L16(own) => heard_at(l16::L16, own, rate),
            Self::Opus(_) => Box::new(opus::OpusToMono::new(rate)?),
        })
    }
}

fn heard_at(decoder: impl Decoder + 'static, own: RecordRate, rate: RecordRate) -> Box<dyn Decoder> {
    if own == rate { Box::new(decoder) } else { Box::new(Resampled::new(decoder, own, rate)) }
}

/// Makes payloads out of samples; keeps state from frame to frame.
pub trait Encoder: Send {
    /// Appends the payload of one frame of 20 ms, mono, at the coder's [`Coder::encoder_rate`].
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>);

    /// A second encoder that goes on from the same state; `None` where that can't be copied.
    fn fork(&self) -> Option<Box<dyn Encoder>>;
}

/// Makes samples out of payloads; keeps state from packet to packet.
pub trait Decoder: Send {
    /// Appends the samples of one payload, mono; a payload that makes no sense gives none.
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>);

    /// Appends `samples` that go on from what was decoded, in place of a packet that is missing; false and nothing where
    /// the codec has no way of its own.
    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> bool {
        let _ = (samples, out);
        false
    }

    /// Appends `samples` of the missing packet that `next` follows, out of what `next` repeats of it (forward error
    /// correction); false and nothing where it repeats nothing.
    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) -> bool {
        let _ = (next, samples, out);
        false
    }
}
