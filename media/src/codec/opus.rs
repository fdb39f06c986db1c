//! Opus (RFC 6716) by libopus.

pub mod framing;

use audiopus::coder::{Decoder as OpusDecoder, Encoder as OpusEncoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, MutSignals, SampleRate};

use super::{Decoder, Encoder};
use crate::RecordRate;
use crate::mix::frame_samples;

/// How Opus is encoded toward a peer, and at which rate it is heard here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpusSettings {
    /// Sampling rate of what is encoded and decoded: what a room is mixed at for it.
    pub rate: RecordRate,
    /// Average of what is sent, bit/s; one of [`OPUS_BITRATES`] or what the node is set to.
    pub bits_per_second: u32,
    /// How hard libopus tries, 0 to 10.
    pub complexity: u8,
    /// Frames of 10 ms rather than of 20, for a peer that takes no longer packets.
    pub short_frames: bool,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl OpusSettings {
    /// Wideband speech; the complexity is a good compromise: 190 µs a frame at 48 kHz, far less at 16 kHz.
    pub const DEFAULT: Self =
        Self { rate: RecordRate::Wide, bits_per_second: 32_000, complexity: 5, short_frames: false };

    /// These, for a peer that takes no more than so many bit/s and plays no higher rate than so many Hz (RFC 7587 §6.1). The bit
    /// rate is stepped down through [`OPUS_BITRATES`], so that peers with like limits share what is encoded.
    #[must_use]
    pub fn within(self, bits_per_second_max: Option<u32>, playback_hz_max: Option<u32>) -> Self {
        let stepped =
            |most: u32| OPUS_BITRATES.into_iter().rev().find(|step| *step <= most).unwrap_or(OPUS_BITRATES[0]);
        let bits_per_second = match bits_per_second_max {
            Some(most) if most < self.bits_per_second => stepped(most),
            Some(_) | None => self.bits_per_second,
        };
        let rate = match playback_hz_max {
            Some(..16_000) => RecordRate::Narrow,
            Some(16_000..48_000) => self.rate.min(RecordRate::Wide),
            Some(48_000..) | None => self.rate,
        };
        Self { bits_per_second, rate, ..self }
    }

    /// What matters for hearing: all who are heard at one rate share a decoder's settings.
    #[must_use]
    pub fn heard(self) -> Self {
        Self { rate: self.rate, ..Self::default() }
    }
}

/// Mono speech and music in, packets of 20 ms out: of one frame, or of two of 10 ms.
pub struct MonoToOpus {
    encoder: OpusEncoder,
    settings: OpusSettings,
    /// The last samples encoded, at most [`WARM_UP_FRAMES`] of them.
    recent: Vec<i16>,
}

impl MonoToOpus {
    /// `None` if libopus has no memory.
    #[must_use]
    pub fn new(settings: OpusSettings) -> Option<Self> {
        let mut encoder = OpusEncoder::new(library_rate(settings.rate), Channels::Mono, Application::Audio).ok()?;
        encoder.set_complexity(settings.complexity.min(COMPLEXITY_MAX)).ok()?;
        let bits_per_second = i32::try_from(settings.bits_per_second.clamp(6_000, 510_000)).ok()?;
        encoder.set_bitrate(Bitrate::BitsPerSecond(bits_per_second)).ok()?;
        Some(Self { encoder, settings, recent: Vec::new() })
    }

    fn frame(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + PACKET_BYTES_MAX, 0);
        let written = self.encoder.encode(samples, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    }
}

impl Encoder for MonoToOpus {
    /// A frame libopus refuses comes out empty.
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        if self.settings.short_frames {
            let (first, second) = frame.split_at(frame.len() / 2);
            let mut packets = [Vec::new(), Vec::new()];
            self.frame(first, &mut packets[0]);
            self.frame(second, &mut packets[1]);
            if let Some(joined) = framing::join(&[&packets[0], &packets[1]]) {
                out.extend(joined);
            }
        } else {
            self.frame(frame, out);
        }
        let kept = (WARM_UP_FRAMES - 1) * frame.len();
        self.recent.drain(..self.recent.len().saturating_sub(kept));
        self.recent.extend_from_slice(frame);
    }

    /// libopus gives no safe way to copy its state, so another encoder is brought near it by the last samples.
    fn fork(&self) -> Option<Box<dyn Encoder>> {
        let mut other = Self::new(self.settings)?;
        let mut unheard = Vec::new();
        for frame in self.recent.chunks_exact(frame_samples(self.settings.rate)) {
            other.encode(frame, &mut unheard);
        }
        Some(Box::new(other))
    }
}

/// Packets in, mono samples at 8, 16 or 48 kHz out; libopus resamples and mixes stereo down.
pub struct OpusToMono {
    decoder: OpusDecoder,
    samples_max: usize,
}

impl OpusToMono {
    /// `None` if libopus has no memory.
    #[must_use]
    pub fn new(rate: RecordRate) -> Option<Self> {
        // RFC 6716 §3.4: a packet is 120 ms at most.
        let samples_max = 6 * frame_samples(rate);
        Some(Self { decoder: OpusDecoder::new(library_rate(rate), Channels::Mono).ok()?, samples_max })
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

fn library_rate(rate: RecordRate) -> SampleRate {
    match rate {
        RecordRate::Narrow => SampleRate::Hz8000,
        RecordRate::Wide => SampleRate::Hz16000,
        RecordRate::Full => SampleRate::Hz48000,
    }
}

/// Steps of what a peer's `maxaveragebitrate` leaves of the node's bit rate.
pub const OPUS_BITRATES: [u32; 8] = [6_000, 8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000];
/// libopus knows no more.
const COMPLEXITY_MAX: u8 = 10;
/// Frames that another encoder is warmed up with: 100 ms.
const WARM_UP_FRAMES: usize = 5;
/// A frame of 20 ms cannot be longer. RFC 6716 §3.2.1.
const PACKET_BYTES_MAX: usize = 1_275;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_survives_at_every_rate() {
        let mut encoder = MonoToOpus::new(OpusSettings::default()).unwrap();
        let mut decoders = [RecordRate::Narrow, RecordRate::Wide, RecordRate::Full]
            .map(|rate| (rate, OpusToMono::new(rate).unwrap(), Vec::new()));
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
