//! Opus (RFC 6716) by libopus.

use audiopus::coder::{Decoder as OpusDecoder, Encoder as OpusEncoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, MutSignals, SampleRate};

use super::{Decoder, Encoder};
use crate::RecordRate;

/// Mono speech and music at 16 kHz in, packets of one frame out.
pub struct Opus16kEncoder {
    encoder: OpusEncoder,
    /// The last samples encoded, at most [`WARM_UP`].
    recent: Vec<i16>,
}

impl Opus16kEncoder {
    /// `None` if libopus has no memory.
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut encoder = OpusEncoder::new(SampleRate::Hz16000, Channels::Mono, Application::Audio).ok()?;
        encoder.set_complexity(COMPLEXITY).ok()?;
        encoder.set_bitrate(Bitrate::BitsPerSecond(BITS_PER_SECOND)).ok()?;
        Some(Self { encoder, recent: Vec::with_capacity(WARM_UP) })
    }
}

impl Encoder for Opus16kEncoder {
    /// `frame` has 320 samples (20 ms); a frame libopus refuses comes out empty.
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + PACKET_BYTES_MAX, 0);
        let written = self.encoder.encode(frame, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
        let kept = WARM_UP.saturating_sub(frame.len());
        self.recent.drain(..self.recent.len().saturating_sub(kept));
        self.recent.extend_from_slice(&frame[..frame.len().min(WARM_UP)]);
    }

    /// libopus gives no safe way to copy its state, so another encoder is brought near it by the last samples.
    fn fork(&self) -> Option<Box<dyn Encoder>> {
        let mut other = Self::new()?;
        let mut unheard = Vec::new();
        for frame in self.recent.chunks_exact(FRAME) {
            other.encode(frame, &mut unheard);
        }
        Some(Box::new(other))
    }
}

/// Packets in, mono samples at 8 or 16 kHz out; libopus resamples and mixes stereo down.
pub struct OpusToMono {
    decoder: OpusDecoder,
    samples_max: usize,
}

impl OpusToMono {
    /// `None` if libopus has no memory.
    #[must_use]
    pub fn new(rate: RecordRate) -> Option<Self> {
        let (hz, samples_max) = match rate {
            RecordRate::Narrow => (SampleRate::Hz8000, 960),
            RecordRate::Wide => (SampleRate::Hz16000, 1_920),
        };
        Some(Self { decoder: OpusDecoder::new(hz, Channels::Mono).ok()?, samples_max })
    }
}

impl Decoder for OpusToMono {
    /// A packet that is no Opus gives nothing.
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let start = out.len();
        let Ok(packet) = Packet::try_from(payload) else { return };
        out.resize(start + self.samples_max, 0);
        let decoded = MutSignals::try_from(&mut out[start..])
            .and_then(|room| self.decoder.decode(Some(packet), room, false))
            .unwrap_or(0);
        out.truncate(start + decoded);
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> bool {
        self.without(None, samples, out)
    }

    fn recover(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) -> bool {
        repeats_the_last(next) && self.without(Some(next), samples, out)
    }
}

impl OpusToMono {
    /// Appends `samples` in place of a missing packet, by means of the next one if that is there.
    fn without(&mut self, next: Option<&[u8]>, samples: usize, out: &mut Vec<i16>) -> bool {
        // libopus does it in steps of 2.5 ms.
        if samples == 0 || samples > self.samples_max || !samples.is_multiple_of(self.samples_max / 48) {
            return false;
        }
        let start = out.len();
        out.resize(start + samples, 0);
        let next = next.and_then(|payload| Packet::try_from(payload).ok());
        let fec = next.is_some();
        let made = MutSignals::try_from(&mut out[start..])
            .and_then(|room| self.decoder.decode(next, room, fec))
            .is_ok_and(|made| made == samples);
        if !made {
            out.truncate(start);
        }
        made
    }
}

/// Whether a packet repeats the frame before it at low rate (LBRR). Read for one SILK or hybrid frame in mono, as others
/// send it.
fn repeats_the_last(packet: &[u8]) -> bool {
    let &[toc, first, ..] = packet else { return false };
    let (config, code) = (toc >> 3, toc & 3);
    // RFC 6716: first comes a flag for the voice of each 20 ms, then the one for LBRR.
    let voice_flags = match config {
        0..=11 => [1, 1, 2, 3][usize::from(config % 4)],
        12..=15 => 1,
        _ => return false,
    };
    code == 0 && first & 0x80 >> voice_flags != 0
}

/// A good compromise for prompts: 190 µs a frame at 48 kHz, far less at 16 kHz.
const COMPLEXITY: u8 = 5;
/// Wideband mono.
const BITS_PER_SECOND: i32 = 32_000;
/// Samples of 20 ms.
const FRAME: usize = 320;
/// Samples that another encoder is warmed up with: 100 ms.
const WARM_UP: usize = 5 * FRAME;
/// A frame of 20 ms cannot be longer. RFC 6716 §3.2.1.
const PACKET_BYTES_MAX: usize = 1_275;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_survives_at_both_rates() {
        let mut encoder = Opus16kEncoder::new().unwrap();
        let mut decoders =
            [RecordRate::Narrow, RecordRate::Wide].map(|rate| (rate, OpusToMono::new(rate).unwrap(), Vec::new()));
        for frame in 0..50 {
            let tone: Vec<i16> = (0..320)
                .map(|i| {
                    (8_000.0 * (f64::from(frame * 320 + i) * 440.0 * std::f64::consts::TAU / 16_000.0).sin()) as i16
                })
                .collect();
            let mut packet = Vec::new();
            encoder.encode(&tone, &mut packet);
            assert!(!packet.is_empty());
            for (_, decoder, pcm) in &mut decoders {
                decoder.decode(&packet, pcm);
            }
        }
        for (rate, _, pcm) in decoders {
            assert_eq!(pcm.len(), rate.hz() as usize);
            let half = &pcm[pcm.len() / 2..];
            let at_440 = crate::testing::level(half, rate.hz(), 440.0);
            assert!((7_000.0..9_000.0).contains(&at_440), "{rate:?}: {at_440}");
        }
    }

    #[test]
    fn garbage_gives_nothing_or_one_packet_of_samples() {
        let mut decoder = OpusToMono::new(RecordRate::Wide).unwrap();
        for garbage in [&[][..], &[0xFF; 3], &[0x03], &[7; 400]] {
            let mut pcm = Vec::new();
            decoder.decode(garbage, &mut pcm);
            assert!(pcm.len() <= 1_920);
        }
    }
}
