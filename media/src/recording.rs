//! Where recordings go, and at what rate.

use crate::Codec;

/// Takes the frames of one recording, on the recording thread.
///
/// It must return at once (hand over to a writer of its own): blocking here delays other recordings, though
/// never a call. Dropped after the last frame, just before `RecordingStopped`.
pub trait RecordSink: Send {
    /// Interleaved stereo: left, right, left, right; an even number of samples, about 100 ms each time,
    /// contiguous from the first call to the last.
    fn frames(&mut self, interleaved: &[i16]);
}

/// Sampling rate of sound: of a recording (8 or 16 kHz) or of what is mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordRate {
    /// 8 kHz: both legs G.711.
    Narrow,
    /// 16 kHz: a leg has wideband.
    Wide,
    /// 48 kHz: rooms of parties whose Opus has all of it. Nothing is recorded so.
    Full,
}

impl RecordRate {
    /// 8 kHz unless one of the codecs is wideband. Telephone events and unknown codecs do not count.
    #[must_use]
    pub fn for_codecs<'a>(codecs: impl IntoIterator<Item = &'a Codec>) -> Self {
        let wide = codecs.into_iter().any(|codec| match codec {
            Codec::G722 | Codec::Opus => true,
            Codec::L16 { rate } => *rate > Self::Narrow,
            Codec::Pcmu | Codec::Pcma | Codec::TelephoneEvent { .. } | Codec::Other { .. } => false,
        });
        if wide { Self::Wide } else { Self::Narrow }
    }

    /// Frames per second.
    #[must_use]
    pub fn hz(self) -> u32 {
        match self {
            Self::Narrow => 8_000,
            Self::Wide => 16_000,
            Self::Full => 48_000,
        }
    }
}
