//! Prompts as payloads: encoded once, sent to whoever hears them.

use crate::codec::Coder;
use crate::codec::resample::{Doubler, Halver};
use crate::mix::frame_samples;
use crate::prompt::{Clip, Prompt, Repeat};
use crate::{RecordRate, music, tone};

/// A prompt in one codec, in frames of 20 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPrompt {
    payloads: Vec<u8>,
    /// Where each frame ends in `payloads`.
    ends: Vec<usize>,
    repeat: Repeat,
}

impl EncodedPrompt {
    /// Renders and encodes: milliseconds for tones in G.711, tenths of a second for long prompts in Opus. An encoder
    /// that can't be had gives an empty prompt.
    #[must_use]
    pub fn encode(prompt: &Prompt, coder: Coder) -> Self {
        let rate = coder.encoder_rate();
        let (samples, repeat) = match prompt {
            Prompt::Tone { plan, tone } => (tone::render(*plan, *tone, rate), Repeat::Forever),
            Prompt::HoldMusic => (music::render(rate), Repeat::Forever),
            Prompt::Clip(clip) => (at_rate(clip, rate), clip.repeat),
        };
        let mut encoded = Self { payloads: Vec::new(), ends: Vec::new(), repeat };
        let Some(mut encoder) = coder.encoder() else { return encoded };
        // What repeats is encoded twice and only the second time kept: an adaptive encoder then stands at the beginning
        // as it will at the end, and the seam is not heard.
        let passes = match (repeat, coder) {
            (Repeat::Once, _) | (Repeat::Forever, Coder::G711(_) | Coder::L16(_)) => 1,
            (Repeat::Forever, Coder::G722 | Coder::Opus) => 2,
        };
        for _ in 0..passes {
            encoded.payloads.clear();
            encoded.ends.clear();
            for frame in samples.chunks(frame_samples(rate)) {
                let mut whole = frame.to_vec();
                whole.resize(frame_samples(rate), 0);
                encoder.encode(&whole, &mut encoded.payloads);
                encoded.ends.push(encoded.payloads.len());
            }
        }
        encoded
    }

    /// The payload of a frame counted from the start; `None` when the prompt has ended.
    #[must_use]
    pub fn frame(&self, index: u64) -> Option<&[u8]> {
        let frames = self.frames();
        if frames == 0 || (self.repeat == Repeat::Once && index >= frames) {
            return None;
        }
        let at = usize::try_from(index % frames).expect("less than a length");
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.payloads[start..self.ends[at]])
    }

    /// Frames until it ends or begins again.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Whether it ends by itself.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.repeat == Repeat::Once
    }
}

fn at_rate(clip: &Clip, rate: RecordRate) -> Vec<i16> {
    let mut samples = Vec::new();
    match (clip.rate, rate) {
        (RecordRate::Narrow, RecordRate::Wide) => Doubler::default().process(&clip.samples, &mut samples),
        (RecordRate::Wide, RecordRate::Narrow) => Halver::default().process(&clip.samples, &mut samples),
        (RecordRate::Narrow, RecordRate::Narrow) | (RecordRate::Wide, RecordRate::Wide) => {
            samples.extend_from_slice(&clip.samples);
        }
    }
    samples
}

/// Microseconds of a frame.
pub const FRAME_US: u64 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Law;
    use crate::prompt::{Tone, TonePlan};
    use crate::testing::{level, sine};

    const BUSY: Prompt = Prompt::Tone { plan: TonePlan::China, tone: Tone::Busy };
    const CODERS: [Coder; 4] = [Coder::G711(Law::Mu), Coder::G711(Law::A), Coder::G722, Coder::Opus];

    fn clip(repeat: Repeat) -> Prompt {
        Prompt::Clip(Clip {
            name: 1,
            samples: sine(8_000, 700.0, 8_000.0, 0.5).into(),
            rate: RecordRate::Narrow,
            repeat,
        })
    }

    #[test]
    fn a_tone_is_heard_over_and_over_in_every_codec() {
        for coder in CODERS {
            let encoded = EncodedPrompt::encode(&BUSY, coder);
            assert_eq!((encoded.frames(), encoded.ends()), (35, false));
            let mut decoder = coder.decoder(RecordRate::Narrow).unwrap();
            let mut heard = Vec::new();
            for index in 0..70 {
                decoder.decode(encoded.frame(index).unwrap(), &mut heard);
            }
            assert_eq!(heard.len(), 70 * 160);
            for period in heard.chunks(35 * 160) {
                let on = level(&period[400..2_400], 8_000, 450.0);
                assert!((6_300.0..8_200.0).contains(&on), "{coder:?}: {on}");
                assert!(level(&period[3_200..5_500], 8_000, 450.0) < 60.0, "{coder:?}");
            }
        }
    }

    #[test]
    fn a_clip_played_once_ends_and_one_for_ever_does_not() {
        for coder in CODERS {
            let once = EncodedPrompt::encode(&clip(Repeat::Once), coder);
            assert_eq!((once.frames(), once.frame(25), once.ends()), (25, None, true));
            let forever = EncodedPrompt::encode(&clip(Repeat::Forever), coder);
            assert_eq!(forever.frame(25), forever.frame(0));
        }
    }

    #[test]
    fn an_empty_clip_has_no_frame() {
        let empty =
            Prompt::Clip(Clip { name: 2, samples: Vec::new().into(), rate: RecordRate::Wide, repeat: Repeat::Forever });
        assert_eq!(EncodedPrompt::encode(&empty, Coder::G722).frame(0), None);
    }
}
