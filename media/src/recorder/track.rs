//! One side of a recording: from packets with time stamps of the peer's clock to samples on ours.
//!
//! A packet's place is its time stamp plus an anchor, and the anchor is the least delay seen: jitter then moves
//! nothing, and both sides of a call stand where the packets that were fastest say. Time stamps that leap or a peer's
//! clock that drifts move the anchor.

use std::collections::BTreeMap;

use super::HOLD_BACK_US;
use crate::RecordRate;
use crate::codec::{Coder, Decoder};
use crate::relay::Tap;
use crate::rtp::Header;

/// One side. Positions are frames since the start of the recording.
pub(super) struct Track {
    rate: RecordRate,
    stream: Option<Stream>,
    /// Packets not yet decoded, by stream and extended sequence number.
    queue: BTreeMap<(u32, i64), Queued>,
    decoders: Vec<(Coder, Box<dyn Decoder>)>,
    /// Samples from the first frame not given out yet.
    pcm: Vec<i16>,
    scratch: Vec<i16>,
    lost_packets: u64,
}

struct Queued {
    place: Place,
    coder: Coder,
    payload: Vec<u8>,
}

/// Where the first sample of a packet belongs.
#[derive(Clone, Copy)]
enum Place {
    /// By the anchor of the current stream.
    ByAnchor(i64),
    /// Settled, as its stream has ended.
    At(i64),
}

/// One run of time stamps that go together.
struct Stream {
    number: u32,
    ssrc: u32,
    clock_hz: u32,
    /// Extended number and time stamp of the newest packet.
    sequence: i64,
    timestamp: i64,
    newest: Header,
    /// Position of time stamp 0.
    anchor: i64,
    /// Until this arrival position the anchor is still being found.
    fresh_until: i64,
    /// Least delay of the current window, and where the window ends.
    window_least: i64,
    window_ends: i64,
    /// Packets in a row that came too late for their place.
    late_run: u32,
}

impl Track {
    pub(super) fn new(rate: RecordRate) -> Self {
        Self {
            rate,
            stream: None,
            queue: BTreeMap::new(),
            decoders: Vec::new(),
            pcm: Vec::new(),
            scratch: Vec::new(),
            lost_packets: 0,
        }
    }

    pub(super) fn lost_packets(&self) -> u64 {
        self.lost_packets
    }

    /// Queues a packet that arrived at position `arrival`, when frames before `done` had been given out.
    pub(super) fn receive(&mut self, arrival: i64, done: i64, tap: &Tap<'_>) {
        let Some(coder) = tap.coder.filter(|_| self.queue.len() < QUEUE_MAX) else {
            self.lost_packets += 1;
            return;
        };
        let frames = Frames { per_second: i64::from(self.rate.hz()) };
        let follows = self.stream.as_ref().is_some_and(|stream| stream.follows(&tap.header, coder, arrival, frames));
        if !follows {
            self.begin_stream(arrival, coder, &tap.header, frames);
        }
        let Some(stream) = &mut self.stream else { return };
        let (sequence, place) = stream.place(&tap.header, arrival, done, frames);
        let queued = Queued { place: Place::ByAnchor(place), coder, payload: tap.payload.to_vec() };
        self.queue.insert((stream.number, sequence), queued);
    }

    /// Decodes what belongs before `done + frames` and gives that many samples from `done` on.
    pub(super) fn fill(&mut self, done: i64, frames: usize) -> &[i16] {
        let until = done + i64::try_from(frames).unwrap_or(i64::MAX);
        while let Some(entry) = self.queue.first_entry() {
            let anchor = self.stream.as_ref().map_or(0, |stream| stream.anchor);
            let at = entry.get().place.position(anchor);
            if at >= until {
                break;
            }
            let queued = entry.remove();
            self.decode(&queued, at - done);
        }
        if self.pcm.len() < frames {
            self.pcm.resize(frames, 0);
        }
        &self.pcm[..frames]
    }

    /// Forgets the samples that [`Track::fill`] gave.
    pub(super) fn drop_filled(&mut self, frames: usize) {
        self.pcm.drain(..frames.min(self.pcm.len()));
    }

    /// Writes a packet's samples at `offset` from the first frame not given out; what would lie before is cut off.
    fn decode(&mut self, queued: &Queued, offset: i64) {
        let Some(decoder) = decoder_of(&mut self.decoders, queued.coder, self.rate) else {
            self.lost_packets += 1;
            return;
        };
        self.scratch.clear();
        decoder.decode(&queued.payload, &mut self.scratch);
        let cut = usize::try_from(-offset).unwrap_or(0).min(self.scratch.len());
        let samples = &self.scratch[cut..];
        let start = usize::try_from(offset).unwrap_or(0);
        let end = start + samples.len();
        if self.pcm.len() < end {
            self.pcm.resize(end, 0);
        }
        self.pcm[start..end].copy_from_slice(samples);
    }

    fn begin_stream(&mut self, arrival: i64, coder: Coder, header: &Header, frames: Frames) {
        let number = match &self.stream {
            Some(old) => {
                for queued in self.queue.values_mut() {
                    queued.place = Place::At(queued.place.position(old.anchor));
                }
                old.number + 1
            }
            None => 0,
        };
        self.stream = Some(Stream::begin(number, arrival, coder, header, frames));
    }
}

impl Place {
    fn position(self, anchor: i64) -> i64 {
        match self {
            Self::ByAnchor(place) => anchor + place,
            Self::At(position) => position,
        }
    }
}

/// The recording's own rate.
#[derive(Clone, Copy)]
struct Frames {
    per_second: i64,
}

impl Frames {
    fn of_ms(self, ms: i64) -> i64 {
        ms * self.per_second / 1_000
    }

    fn of_rtp(self, units: i64, clock_hz: u32) -> i64 {
        units * self.per_second / i64::from(clock_hz)
    }
}

impl Stream {
    fn begin(number: u32, arrival: i64, coder: Coder, header: &Header, frames: Frames) -> Self {
        let timestamp = i64::from(header.timestamp);
        let hold_back_ms = i64::try_from(HOLD_BACK_US / 1_000).expect("a small constant");
        Self {
            number,
            ssrc: header.ssrc,
            clock_hz: coder.clock_hz(),
            sequence: i64::from(header.sequence),
            timestamp,
            newest: *header,
            anchor: arrival - frames.of_rtp(timestamp, coder.clock_hz()),
            fresh_until: arrival + frames.of_ms(hold_back_ms),
            window_least: i64::MAX,
            window_ends: arrival + frames.of_ms(WINDOW_MS),
            late_run: 0,
        }
    }

    /// Whether a packet goes on in this stream: same source and clock, and if its delay is far off, then only because
    /// the network was slow and not because its time stamps have leapt.
    fn follows(&self, header: &Header, coder: Coder, arrival: i64, frames: Frames) -> bool {
        if header.ssrc != self.ssrc || coder.clock_hz() != self.clock_hz {
            return false;
        }
        let (sequence_step, timestamp_step) = self.steps(header);
        if sequence_step.abs() > SEQUENCE_LEAP {
            return false;
        }
        let delay = arrival - frames.of_rtp(self.timestamp + timestamp_step, self.clock_hz);
        let off = delay - self.anchor;
        if off.abs() <= frames.of_ms(DELAY_LEAP_MS) {
            return true;
        }
        // Up to 120 ms a packet are plausible (RFC 7587 §4.2); a pause of the sender shows in the delay as nothing.
        let plausible = i64::from(self.clock_hz) * 120 / 1_000 * sequence_step.abs().max(1);
        off <= frames.of_ms(STALL_MS) && timestamp_step.abs() <= plausible
    }

    /// From the newest packet to this one, without wraps.
    fn steps(&self, header: &Header) -> (i64, i64) {
        let sequence = header.sequence.wrapping_sub(self.newest.sequence).cast_signed();
        let timestamp = header.timestamp.wrapping_sub(self.newest.timestamp).cast_signed();
        (i64::from(sequence), i64::from(timestamp))
    }

    /// Extended sequence number and place of a packet that follows; learns from its delay.
    fn place(&mut self, header: &Header, arrival: i64, done: i64, frames: Frames) -> (i64, i64) {
        let (sequence_step, timestamp_step) = self.steps(header);
        let (sequence, timestamp) = (self.sequence + sequence_step, self.timestamp + timestamp_step);
        if sequence_step > 0 {
            (self.sequence, self.timestamp, self.newest) = (sequence, timestamp, *header);
        }
        let place = frames.of_rtp(timestamp, self.clock_hz);
        self.learn(arrival - place, arrival, frames);
        // Late again and again: the way has become longer.
        if self.anchor + place + frames.of_ms(LATE_MS) < done {
            self.late_run += 1;
            if self.late_run >= LATE_RUN {
                self.anchor = arrival - place;
                self.late_run = 0;
            }
        } else {
            self.late_run = 0;
        }
        (sequence, place)
    }

    fn learn(&mut self, delay: i64, arrival: i64, frames: Frames) {
        let tolerance = if arrival < self.fresh_until { 0 } else { frames.of_ms(TOLERANCE_MS) };
        if delay < self.anchor - tolerance {
            self.anchor = delay;
        }
        self.window_least = self.window_least.min(delay);
        if arrival >= self.window_ends {
            if self.window_least > self.anchor + frames.of_ms(TOLERANCE_MS) {
                self.anchor = self.window_least;
            }
            self.window_least = i64::MAX;
            self.window_ends = arrival + frames.of_ms(WINDOW_MS);
        }
    }
}

fn decoder_of(
    decoders: &mut Vec<(Coder, Box<dyn Decoder>)>,
    coder: Coder,
    rate: RecordRate,
) -> Option<&mut Box<dyn Decoder>> {
    let at = match decoders.iter().position(|(known, _)| *known == coder) {
        Some(at) => at,
        None => {
            decoders.push((coder, coder.decoder(rate)?));
            decoders.len() - 1
        }
    };
    Some(&mut decoders[at].1)
}

/// Packets waiting on one side: 20 are usual, more come behind a stall; further ones are dropped and counted.
const QUEUE_MAX: usize = 512;
/// A greater step of the sequence number is another stream. RFC 3550 §A.1.
const SEQUENCE_LEAP: i64 = 3_000;
/// A packet whose delay is further from the anchor is looked at twice.
const DELAY_LEAP_MS: i64 = 200;
/// A network slower than this is not waited for: what comes then begins anew.
const STALL_MS: i64 = 1_000;
/// The anchor stands while the least delay is within this of it.
const TOLERANCE_MS: i64 = 10;
/// Over how long the least delay is looked for.
const WINDOW_MS: i64 = 5_000;
/// A packet this much behind what has been given out is late.
const LATE_MS: i64 = 20;
/// So many late packets in a row move the anchor.
const LATE_RUN: u32 = 10;
