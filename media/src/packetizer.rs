//! Packets of the length that a peer asks for, out of frames of 20 ms.

use crate::codec::Coder;
use crate::codec::opus::framing;

/// How much sound goes into a packet (RFC 8866 §6.4 `ptime`): 10 to 60 ms in steps of 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketTime(u8);

impl Default for PacketTime {
    /// 20 ms.
    fn default() -> Self {
        Self(20)
    }
}

impl PacketTime {
    /// The step at or below so many milliseconds; the least below 10, the most above 60.
    #[must_use]
    pub fn from_ms(ms: u8) -> Self {
        Self((ms / 10 * 10).clamp(10, 60))
    }

    /// Milliseconds.
    #[must_use]
    pub fn ms(self) -> u8 {
        self.0
    }
}

/// Joins and cuts what is sent to one peer.
#[derive(Debug, Clone)]
pub(crate) struct Packetizer {
    time: PacketTime,
    /// Of what is held: its codec, when it began and when it ends, in milliseconds of the feed.
    held: Option<Held>,
    /// Payloads of G.711, G.722 or L16, one behind the other.
    bytes: Vec<u8>,
    /// Frames of Opus.
    frames: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    coder: Coder,
    begins_ms: u64,
    ends_ms: u64,
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut<'a> {
    /// When it begins, in milliseconds of the feed.
    pub(crate) at_ms: u64,
    /// How long it is.
    pub(crate) ms: u32,
    /// What is in it.
    pub(crate) payload: &'a [u8],
}

impl Packetizer {
    pub(crate) fn new(time: PacketTime) -> Self {
        Self { time, held: None, bytes: Vec::new(), frames: Vec::new() }
    }

    /// Forgets what is held: something else is sent from now on.
    pub(crate) fn clear(&mut self) {
        self.held = None;
        self.bytes.clear();
        self.frames.clear();
    }

    /// Takes a frame of 20 ms that begins at `at_ms`; gives the packets that are full by it. What does not go on from the frame
    /// before, or is of another codec, begins a packet of its own; what was held then goes first, as short as it is.
    pub(crate) fn push(&mut self, coder: Coder, at_ms: u64, payload: &[u8], mut emit: impl FnMut(Cut<'_>)) {
        if self.held.is_some_and(|held| held.coder != coder || held.ends_ms != at_ms) {
            self.flush(&mut emit);
        }
        match coder {
            Coder::G711(_) | Coder::G722 | Coder::L16(_) => self.bytes.extend_from_slice(payload),
            Coder::Opus(settings) if settings.short_frames => self.frames.extend(framing::split(payload)),
            Coder::Opus(_) => {
                // libopus changed the kind of its frames: they go into no packet together.
                let changed = self.frames.last().is_some_and(|last| last.first() != payload.first());
                if changed {
                    self.flush(&mut emit);
                }
                self.frames.push(payload.to_vec());
            }
        }
        let begins_ms = self.held.map_or(at_ms, |held| held.begins_ms);
        self.held = Some(Held { coder, begins_ms, ends_ms: at_ms + FRAME_MS });
        match coder {
            Coder::Opus(settings) => {
                let frame_ms = if settings.short_frames { FRAME_MS / 2 } else { FRAME_MS };
                let together = (u64::from(self.time.ms()) / frame_ms).max(1);
                self.cut_frames(frame_ms, usize::try_from(together).unwrap_or(1), &mut emit);
            }
            Coder::G711(_) | Coder::G722 | Coder::L16(_) => self.cut_bytes(payload.len(), &mut emit),
        }
    }

    /// Cuts what every byte of is as long as any other.
    fn cut_bytes(&mut self, bytes_per_frame: usize, emit: &mut impl FnMut(Cut<'_>)) {
        let Some(held) = &mut self.held else { return };
        let length = bytes_per_frame * usize::from(self.time.ms()) / 20;
        if length == 0 {
            return;
        }
        let mut done = 0;
        for payload in self.bytes.chunks_exact(length) {
            emit(Cut { at_ms: held.begins_ms, ms: u32::from(self.time.ms()), payload });
            held.begins_ms += u64::from(self.time.ms());
            done += length;
        }
        self.bytes.drain(..done);
        if self.bytes.is_empty() {
            self.held = None;
        }
    }

    fn cut_frames(&mut self, frame_ms: u64, together: usize, emit: &mut impl FnMut(Cut<'_>)) {
        let Some(held) = &mut self.held else { return };
        while self.frames.len() >= together {
            let frames: Vec<Vec<u8>> = self.frames.drain(..together).collect();
            let ms = frame_ms * together as u64;
            join(&frames, held.begins_ms, frame_ms, emit);
            held.begins_ms += ms;
        }
        if self.frames.is_empty() {
            self.held = None;
        }
    }

    /// Gives what is held, short as it is.
    fn flush(&mut self, emit: &mut impl FnMut(Cut<'_>)) {
        let Some(held) = self.held.take() else { return };
        let ms = held.ends_ms - held.begins_ms;
        if !self.bytes.is_empty() {
            emit(Cut { at_ms: held.begins_ms, ms: u32::try_from(ms).unwrap_or(0), payload: &self.bytes });
        }
        let frames = std::mem::take(&mut self.frames);
        if !frames.is_empty() {
            join(&frames, held.begins_ms, ms / frames.len() as u64, emit);
        }
        self.clear();
    }
}

/// Frames in one packet, or each in its own where they are not of one kind.
fn join(frames: &[Vec<u8>], begins_ms: u64, frame_ms: u64, emit: &mut impl FnMut(Cut<'_>)) {
    let ms = u32::try_from(frame_ms).unwrap_or(0);
    let views: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    if let Some(payload) = framing::join(&views) {
        let ms = ms * u32::try_from(frames.len()).unwrap_or(1);
        return emit(Cut { at_ms: begins_ms, ms, payload: &payload });
    }
    for (payload, nth) in views.into_iter().zip(0..) {
        emit(Cut { at_ms: begins_ms + nth * frame_ms, ms, payload });
    }
}

/// How long a packet is, in milliseconds rounded up; `None` for codecs whose packets do not tell.
pub(crate) fn duration_ms(coder: Coder, payload: &[u8]) -> Option<u32> {
    let bytes_per_ms = match coder {
        Coder::G711(_) | Coder::G722 => 8,
        Coder::L16(rate) => 2 * rate.hz() / 1_000,
        Coder::Opus(_) => return Some(framing::duration_ms(payload)),
    };
    Some(u32::try_from(payload.len()).unwrap_or(u32::MAX).div_ceil(bytes_per_ms))
}

/// Milliseconds of a frame.
const FRAME_MS: u64 = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec::{Law, OpusSettings};

    const MU: Coder = Coder::G711(Law::Mu);

    fn cut(packetizer: &mut Packetizer, coder: Coder, at_ms: u64, payload: &[u8]) -> Vec<(u64, u32, Vec<u8>)> {
        let mut packets = Vec::new();
        packetizer.push(coder, at_ms, payload, |cut| packets.push((cut.at_ms, cut.ms, cut.payload.to_vec())));
        packets
    }

    #[test]
    fn times_are_steps_of_ten() {
        for (asked, given) in [(0, 10), (9, 10), (10, 10), (29, 20), (30, 30), (60, 60), (255, 60)] {
            assert_eq!(PacketTime::from_ms(asked).ms(), given);
        }
    }

    proptest! {
        /// Every byte comes out once, in order, at its time, in packets of the length asked for.
        #[test]
        fn bytes_are_cut_and_joined(ms in 10u8..=60, frames in 1u64..40, begins in 0u64..1_000) {
            let mut packetizer = Packetizer::new(PacketTime::from_ms(ms));
            let ms = u32::from(PacketTime::from_ms(ms).ms());
            let sound: Vec<u8> = (0..frames * 160).map(|at| (at % 251) as u8).collect();
            let (mut heard, mut next) = (Vec::new(), begins * 20);
            for (nth, frame) in sound.chunks(160).enumerate() {
                for (at_ms, length, payload) in cut(&mut packetizer, MU, (begins + nth as u64) * 20, frame) {
                    prop_assert_eq!((at_ms, length, payload.len()), (next, ms, 8 * ms as usize));
                    next += u64::from(ms);
                    heard.extend(payload);
                }
            }
            prop_assert_eq!(&heard[..], &sound[..heard.len()]);
            prop_assert!(sound.len() - heard.len() < 8 * ms as usize);
        }
    }

    #[test]
    fn what_does_not_go_on_is_not_joined() {
        let mut packetizer = Packetizer::new(PacketTime::from_ms(60));
        assert_eq!(cut(&mut packetizer, MU, 100, &[1; 160]), []);
        assert_eq!(cut(&mut packetizer, MU, 140, &[2; 160]), [(100, 20, vec![1; 160])], "a frame is missing");
        let a = Coder::G711(Law::A);
        assert_eq!(cut(&mut packetizer, a, 160, &[3; 160]), [(140, 20, vec![2; 160])], "another codec");
        packetizer.clear();
        assert_eq!(cut(&mut packetizer, a, 180, &[4; 160]), [], "forgotten");
        assert_eq!(cut(&mut packetizer, a, 200, &[5; 160]), []);
        let whole = [[4u8; 160], [5; 160], [6; 160]].concat();
        assert_eq!(cut(&mut packetizer, a, 220, &[6; 160]), [(180, 60, whole)]);
    }

    /// Opus in packets of each length: as many frames, at their times, and what is decoded is the tone.
    #[test]
    fn opus_is_joined_and_cut() {
        for (ms, together, every) in [(10, 1, 10), (20, 1, 20), (30, 1, 20), (40, 2, 40), (50, 2, 40), (60, 3, 60)] {
            let coder = Coder::Opus(OpusSettings { short_frames: ms == 10, ..OpusSettings::DEFAULT });
            let mut encoder = coder.encoder().unwrap();
            let mut packetizer = Packetizer::new(PacketTime::from_ms(ms));
            let tone = crate::testing::sine(16_000, 440.0, 8_000.0, 1.2);
            let (mut packets, mut frame) = (Vec::new(), Vec::new());
            for (nth, samples) in tone.chunks(320).enumerate() {
                frame.clear();
                encoder.encode(samples, &mut frame);
                packets.extend(cut(&mut packetizer, coder, nth as u64 * 20, &frame));
            }
            assert_eq!(packets.len(), 1_200 / every, "{ms}");
            let (mut decoder, mut heard) = (coder.decoder(crate::RecordRate::Wide).unwrap(), Vec::new());
            for (nth, (at_ms, length, payload)) in packets.iter().enumerate() {
                assert_eq!((*at_ms, *length), ((nth * every) as u64, every as u32), "{ms}");
                assert_eq!(duration_ms(coder, payload), Some(*length));
                assert_eq!(audiopus::packet::nb_frames(payload.as_slice().try_into().unwrap()).unwrap(), together);
                decoder.decode(payload, &mut heard);
            }
            assert_eq!(heard.len(), tone.len());
            let level = crate::testing::level(&heard[8_000..], 16_000, 440.0);
            assert!((7_000.0..9_000.0).contains(&level), "{ms}: {level}");
        }
    }
}
