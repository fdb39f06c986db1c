//! Prompts as payloads: encoded once, portion by portion, sent to whoever hears them.

use crate::codec::resample::Resampler;
use crate::codec::{Coder, Encoder};
use crate::mix::frame_samples;
use crate::prompt::{Clip, Prompt};
use crate::{RecordRate, tone};

/// What there is of a prompt in one codec, in frames of 20 ms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedPrompt {
    payloads: Vec<u8>,
    /// Where each frame ends in `payloads`.
    ends: Vec<usize>,
}

impl EncodedPrompt {
    /// All of a prompt at once.
    #[must_use]
    pub fn encode(prompt: &Prompt, coder: Coder) -> Self {
        let mut whole = Self::default();
        if let Some(mut encoding) = Encoding::begin(prompt, coder) {
            while let Some(portion) = encoding.next_portion(u32::MAX) {
                whole.append(&portion);
            }
        }
        whole
    }

    /// Appends the portion that follows; any other is one that is there already, of a second encoding of the same.
    pub fn append(&mut self, portion: &Portion) {
        if portion.first != self.ends.len() {
            return;
        }
        let start = self.payloads.len();
        self.payloads.extend_from_slice(&portion.payloads);
        self.ends.extend(portion.ends.iter().map(|end| start + end));
    }

    /// The payload of a frame counted from the start; `None` where it has not been encoded yet or the prompt has ended.
    #[must_use]
    pub fn frame(&self, index: u64) -> Option<&[u8]> {
        let at = usize::try_from(index).ok()?;
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        Some(&self.payloads[start..end])
    }

    /// Frames that are there.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.payloads.len() + self.ends.len() * size_of::<usize>()
    }
}

/// Some frames of a prompt.
#[derive(Debug, Clone)]
pub struct Portion {
    /// How many frames come before it.
    first: usize,
    payloads: Vec<u8>,
    ends: Vec<usize>,
}

/// A prompt while it is being encoded.
pub struct Encoding {
    encoder: Box<dyn Encoder>,
    coder: Coder,
    samples: Vec<i16>,
    done: usize,
}

impl Encoding {
    /// Renders a prompt; `None` where an encoder can't be had.
    #[must_use]
    pub fn begin(prompt: &Prompt, coder: Coder) -> Option<Self> {
        let rate = coder.encoder_rate();
        let frame = frame_samples(rate);
        let mut samples = match prompt {
            Prompt::Tone { plan, tone } => tone::render(*plan, *tone, rate),
            Prompt::Clip(clip) | Prompt::Loop(clip) => at_rate(clip, rate),
            Prompt::Silence { .. } => vec![0; frame * SILENCE_FRAMES as usize],
        };
        samples.resize(samples.len().next_multiple_of(frame), 0);
        let mut encoder = coder.encoder()?;
        // What follows on itself has no seam when an adaptive encoder begins where it will stand at the end.
        if adapts(coder) && follows_itself(prompt) {
            let mut unheard = Vec::new();
            for frame in samples[samples.len().saturating_sub(WARM_UP_FRAMES * frame)..].chunks(frame) {
                unheard.clear();
                encoder.encode(frame, &mut unheard);
            }
        }
        Some(Self { encoder, coder, samples, done: 0 })
    }

    /// The next frames, at most `frames_max`; `None` after the last.
    pub fn next_portion(&mut self, frames_max: u32) -> Option<Portion> {
        let frame = frame_samples(self.coder.encoder_rate());
        let left = self.samples.len() / frame - self.done;
        let take = left.min(frames_max as usize);
        if take == 0 {
            return None;
        }
        let mut portion = Portion { first: self.done, payloads: Vec::new(), ends: Vec::with_capacity(take) };
        for samples in self.samples[self.done * frame..(self.done + take) * frame].chunks(frame) {
            self.encoder.encode(samples, &mut portion.payloads);
            portion.ends.push(portion.payloads.len());
        }
        self.done += take;
        Some(portion)
    }
}

fn follows_itself(prompt: &Prompt) -> bool {
    match prompt {
        Prompt::Tone { .. } | Prompt::Loop(_) | Prompt::Silence { .. } => true,
        Prompt::Clip(_) => false,
    }
}

fn adapts(coder: Coder) -> bool {
    match coder {
        Coder::G711(_) | Coder::L16(_) => false,
        Coder::G722 | Coder::Opus(_) => true,
    }
}

fn at_rate(clip: &Clip, rate: RecordRate) -> Vec<i16> {
    let mut samples = Vec::new();
    Resampler::new(clip.rate, rate).process(&clip.samples, &mut samples);
    samples
}

/// Microseconds of a frame.
pub const FRAME_US: u64 = 20_000;
/// Frames that stand for silence of any length: an adaptive decoder makes a hum of one frame that is repeated.
pub const SILENCE_FRAMES: u64 = 50;
/// Frames from its end that an adaptive encoder has heard before the beginning: half a second.
const WARM_UP_FRAMES: usize = 25;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Law;
    use crate::prompt::{Tone, TonePlan};
    use crate::testing::{level, rms, sine};

    const BUSY: Prompt = Prompt::Tone { plan: TonePlan::China, tone: Tone::Busy };
    const CODERS: [Coder; 4] = [Coder::G711(Law::Mu), Coder::G711(Law::A), Coder::G722, Coder::OPUS];

    fn clip(samples: Vec<i16>) -> Clip {
        Clip { name: 1, samples: samples.into(), rate: RecordRate::Narrow }
    }

    #[test]
    fn a_tone_is_heard_over_and_over_in_every_codec() {
        for coder in CODERS {
            let encoded = EncodedPrompt::encode(&BUSY, coder);
            assert_eq!((encoded.frames(), BUSY.frames(), encoded.frame(35)), (35, 35, None));
            let mut decoder = coder.decoder(RecordRate::Narrow).unwrap();
            let mut heard = Vec::new();
            for index in 0..70 {
                decoder.decode(encoded.frame(index % 35).unwrap(), &mut heard);
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
    fn portions_together_are_the_whole() {
        for coder in CODERS {
            let prompt = Prompt::Clip(clip(sine(8_000, 700.0, 8_000.0, 0.5)));
            let whole = EncodedPrompt::encode(&prompt, coder);
            assert_eq!((whole.frames(), prompt.frames()), (25, 25));
            let (mut joined, mut encoding) = (EncodedPrompt::default(), Encoding::begin(&prompt, coder).unwrap());
            while let Some(portion) = encoding.next_portion(7) {
                joined.append(&portion);
                // A second encoding of the same changes nothing.
                joined.append(&portion);
            }
            assert_eq!(joined, whole);
        }
    }

    #[test]
    fn what_repeats_has_no_seam() {
        for coder in CODERS {
            let encoded = EncodedPrompt::encode(&Prompt::Loop(clip(sine(8_000, 400.0, 8_000.0, 1.0))), coder);
            let (mut decoder, mut heard) = (coder.decoder(RecordRate::Narrow).unwrap(), Vec::new());
            (0..150).for_each(|index| decoder.decode(encoded.frame(index % 50).unwrap(), &mut heard));
            for (nth, part) in heard[8_000..].chunks(400).enumerate() {
                let residue = rms(part) / (level(part, 8_000, 400.0) / 2f64.sqrt());
                assert!(residue < 1.1, "{coder:?}, part {nth}: {residue}");
            }
        }
    }

    #[test]
    fn an_empty_clip_has_no_frame() {
        let empty = Prompt::Clip(clip(Vec::new()));
        assert_eq!(EncodedPrompt::encode(&empty, Coder::G722).frame(0), None);
    }
}
