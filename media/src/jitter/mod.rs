//! From packets that come when they like to 20 ms of sound each 20 ms.
//!
//! A packet is heard at its time stamp plus the least transit of late plus a target, which follows how late packets come.
//! What is missing is made up; when that turns out to have been a delay and no loss, nothing is dropped: one hears it later,
//! and the delay is taken back by leaving out single periods of the voice. A sender's clock that drifts is followed
//! in the same way, and a pause of the sender is used to begin anew on time.

mod conceal;
mod delay;
mod pitch;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::RecordRate;
use crate::codec::resample::Resampler;
use crate::codec::{Coder, Decoder};
use crate::mix::frame_samples;
use crate::rtp::Header;
use conceal::Concealer;
use delay::Delay;
use pitch::Urgency;

/// The sound of one sender.
pub struct JitterBuffer {
    delay: Delay,
    stream: Option<Stream>,
    /// By sequence number without wraps.
    queue: BTreeMap<i64, Queued>,
    state: State,
    decoders: Vec<(Coder, Box<dyn Decoder>)>,
    /// Of the last packet that was heard.
    decoder: usize,
    /// Decoded and not given out yet.
    ready: Vec<i16>,
    concealer: Concealer,
    stats: JitterStats,
}

/// What a buffer has done, and how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterStats {
    /// Packets heard.
    pub played: u64,
    /// Packets that came when others had been heard in their place.
    pub late: u64,
    /// Packets that never came in time, each a gap.
    pub gaps: u64,
    /// Of these, made good from the packet that followed (forward error correction).
    pub recovered: u64,
    /// Sound made up, ms.
    pub concealed_ms: u64,
    /// Sound left out to take delay back, ms.
    pub shortened_ms: u64,
    /// Sound added to gain delay, ms.
    pub lengthened_ms: u64,
    /// Packets dropped because too many waited.
    pub dropped: u64,
    /// How late a packet may be now and still be heard, ms.
    pub target_ms: u64,
}

impl JitterStats {
    /// Both together: a buffer that has ended and the one that followed it.
    #[must_use]
    pub fn and(self, later: Self) -> Self {
        Self {
            played: self.played + later.played,
            late: self.late + later.late,
            gaps: self.gaps + later.gaps,
            recovered: self.recovered + later.recovered,
            concealed_ms: self.concealed_ms + later.concealed_ms,
            shortened_ms: self.shortened_ms + later.shortened_ms,
            lengthened_ms: self.lengthened_ms + later.lengthened_ms,
            dropped: self.dropped + later.dropped,
            target_ms: later.target_ms,
        }
    }
}

/// 20 ms that were pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// Rate of the samples.
    pub rate: RecordRate,
    /// Whether all of it is silence because the sender says nothing.
    pub silent: bool,
}

struct Queued {
    /// Time stamp without wraps.
    timestamp: i64,
    /// `None` for what is no audio and only accounts for its number.
    audio: Option<(Coder, Vec<u8>)>,
}

/// Numbers of the newest packet, without wraps.
struct Stream {
    ssrc: u32,
    clock_hz: i64,
    sequence: i64,
    timestamp: i64,
    /// Packets in a row that were behind what had been heard.
    behind: u32,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing is being said, as far as is known. What comes before this sequence number has been heard or given up.
    Silent {
        next_sequence: Option<i64>,
    },
    Talking(Talk),
}

#[derive(Debug, Clone, Copy)]
struct Talk {
    /// Time stamp and sequence number of what is to be heard next.
    timestamp: i64,
    sequence: i64,
    /// Made up while nothing had come, in time stamp units: not yet known whether it was lost or is late.
    owed: i64,
}

impl JitterBuffer {
    /// Waits for packets that come up to `target_ms` late at first.
    #[must_use]
    pub fn new(target_ms: u32) -> Self {
        Self {
            delay: Delay::new(i64::from(target_ms) * 1_000),
            stream: None,
            queue: BTreeMap::new(),
            state: State::Silent { next_sequence: None },
            decoders: Vec::new(),
            decoder: 0,
            ready: Vec::new(),
            concealer: Concealer::new(RecordRate::Narrow),
            stats: JitterStats::default(),
        }
    }

    /// Takes an audio packet.
    pub fn receive(&mut self, mono_us: u64, header: &Header, coder: Coder, payload: &[u8]) {
        let clock_hz = i64::from(coder.clock_hz());
        let (sequence, timestamp) = self.place(mono_us, header, clock_hz);
        let transit_us = mono_us.cast_signed() - timestamp * 1_000_000 / clock_hz;
        if self.queue.contains_key(&sequence) {
            return;
        }
        let behind = match self.state {
            State::Silent { next_sequence: Some(next) } | State::Talking(Talk { sequence: next, .. })
                if sequence < next =>
            {
                self.delay.observe(mono_us, transit_us);
                self.stats.late += 1;
                return;
            }
            State::Talking(talk) => timestamp < talk.timestamp,
            State::Silent { .. } => false,
        };
        let Some(stream) = &mut self.stream else { return };
        stream.behind = if behind { stream.behind + 1 } else { 0 };
        if stream.behind >= BEHIND_RUN {
            // No packet is late: the sender's time stamps have stepped back.
            stream.behind = 0;
            self.begin_anew();
        } else if behind {
            self.stats.late += 1;
            return;
        }
        self.delay.observe(mono_us, transit_us);
        self.queue.insert(sequence, Queued { timestamp, audio: Some((coder, payload.to_vec())) });
        if self.queue.len() > QUEUE_MAX {
            self.queue.pop_first();
            self.stats.dropped += 1;
        }
    }

    /// Takes note of a packet that is no audio, so that its number is not missed.
    pub fn pass(&mut self, header: &Header) {
        let Some(stream) = &mut self.stream else { return };
        let step = header.sequence.wrapping_sub(low_16(stream.sequence)).cast_signed();
        if header.ssrc != stream.ssrc || i64::from(step).abs() > SEQUENCE_LEAP || self.queue.len() >= QUEUE_MAX {
            return;
        }
        let sequence = stream.sequence + i64::from(step);
        stream.sequence = stream.sequence.max(sequence);
        self.queue.entry(sequence).or_insert(Queued { timestamp: stream.timestamp, audio: None });
    }

    /// Appends 20 ms, whatever has come. To be called each 20 ms.
    pub fn pull(&mut self, mono_us: u64, out: &mut Vec<i16>) -> Pulled {
        let mut silent = self.ready.is_empty();
        while self.ready.len() < frame_samples(self.concealer.rate()) {
            silent &= self.advance(mono_us) == Sound::Silence;
        }
        let rate = self.concealer.rate();
        out.extend(self.ready.drain(..frame_samples(rate)));
        Pulled { rate, silent }
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> JitterStats {
        JitterStats { target_ms: self.delay.target_us().unsigned_abs() / 1_000, ..self.stats }
    }

    /// Numbers of a packet without wraps; what does not go on from the newest begins a new stream.
    fn place(&mut self, mono_us: u64, header: &Header, clock_hz: i64) -> (i64, i64) {
        if let Some(stream) = &mut self.stream
            && stream.ssrc == header.ssrc
            && stream.clock_hz == clock_hz
        {
            let sequence_step = i64::from(header.sequence.wrapping_sub(low_16(stream.sequence)).cast_signed());
            let timestamp_step = i64::from(header.timestamp.wrapping_sub(low_32(stream.timestamp)).cast_signed());
            let (sequence, timestamp) = (stream.sequence + sequence_step, stream.timestamp + timestamp_step);
            let transit_us = mono_us.cast_signed() - timestamp * 1_000_000 / clock_hz;
            let off_us = transit_us - self.delay.base_us().unwrap_or(transit_us);
            if sequence_step.abs() <= SEQUENCE_LEAP && off_us.abs() <= TRANSIT_LEAP_US {
                if sequence_step > 0 {
                    (stream.sequence, stream.timestamp) = (sequence, timestamp);
                }
                return (sequence, timestamp);
            }
        }
        self.begin_anew();
        let (sequence, timestamp) = (i64::from(header.sequence), i64::from(header.timestamp));
        self.stream = Some(Stream { ssrc: header.ssrc, clock_hz, sequence, timestamp, behind: 0 });
        (sequence, timestamp)
    }

    /// What waits belongs to numbers that are no more.
    fn begin_anew(&mut self) {
        self.queue.clear();
        self.state = State::Silent { next_sequence: None };
        self.delay.rebase();
    }

    /// Makes some more sound ready.
    fn advance(&mut self, mono_us: u64) -> Sound {
        while self.queue.first_key_value().is_some_and(|(_, queued)| queued.audio.is_none()) {
            let Some((sequence, _)) = self.queue.pop_first() else { break };
            match &mut self.state {
                State::Talking(talk) => talk.sequence = talk.sequence.max(sequence + 1),
                State::Silent { next_sequence } => *next_sequence = Some(sequence + 1),
            }
        }
        match self.state {
            State::Silent { .. } => self.wait(mono_us),
            State::Talking(talk) => match self.queue.first_key_value().map(|(at, queued)| (*at, queued.timestamp)) {
                None => self.run_dry(talk),
                Some((_, timestamp)) if timestamp < talk.timestamp => {
                    self.queue.pop_first();
                    self.stats.late += 1;
                    Sound::Voice
                }
                Some((sequence, timestamp)) if timestamp > talk.timestamp => self.bridge(talk, sequence, timestamp),
                Some(_) => self.play(mono_us, talk),
            },
        }
    }

    /// Silence until the first packet is due.
    fn wait(&mut self, mono_us: u64) -> Sound {
        let missing = frame_samples(self.concealer.rate()) - self.ready.len();
        let first = self.queue.first_key_value().map(|(sequence, queued)| (*sequence, queued.timestamp));
        let due_in = first.map(|(_, timestamp)| self.to_samples(timestamp - self.due(mono_us)) - self.ready_len());
        match (first, due_in) {
            (Some((sequence, timestamp)), Some(due_in)) if due_in < missing.cast_signed() as i64 => {
                let length = self.ready.len() + usize::try_from(due_in).unwrap_or(0);
                self.ready.resize(length, 0);
                if let State::Silent { next_sequence: Some(next) } = self.state {
                    self.missed((sequence - next).unsigned_abs());
                }
                self.state = State::Talking(Talk { timestamp, sequence, owed: 0 });
            }
            _ => self.ready.resize(self.ready.len() + missing, 0),
        }
        self.concealer.silence();
        Sound::Silence
    }

    /// Nothing has come for what is to be heard now: goes on as well as it can, and waits.
    fn run_dry(&mut self, talk: Talk) -> Sound {
        let waited = self.to_samples(talk.owed);
        if waited >= i64::try_from(pitch::of_us(self.concealer.rate(), DRY_US)).unwrap_or(0) {
            self.state = State::Silent { next_sequence: Some(talk.sequence) };
            return Sound::Silence;
        }
        let samples = frame_samples(self.concealer.rate());
        self.conceal(samples);
        self.state = State::Talking(Talk { owed: talk.owed + self.to_units(samples), ..talk });
        Sound::Voice
    }

    /// A later packet is there, not the one to be heard now: a pause of the sender, or a loss.
    fn bridge(&mut self, talk: Talk, sequence: i64, timestamp: i64) -> Sound {
        if sequence <= talk.sequence {
            // A pause: begins anew on time, unless it is a sender that counts carelessly.
            let careless = self.to_samples(timestamp - talk.timestamp) < samples_of(self.concealer.rate(), 5);
            self.state = match careless {
                true => State::Talking(Talk { timestamp, ..talk }),
                false => State::Silent { next_sequence: Some(sequence) },
            };
            return Sound::Silence;
        }
        let lost = sequence - talk.sequence;
        let gap = timestamp - talk.timestamp;
        let made_up = talk.owed.min(gap);
        if made_up > 0 {
            self.stats.concealed_ms += self.to_ms(made_up);
        }
        if gap == made_up {
            self.missed(lost.unsigned_abs());
            self.state = State::Talking(Talk { timestamp, sequence, owed: talk.owed - made_up });
            return Sound::Voice;
        }
        let part = gap - made_up;
        let mut samples = usize::try_from(self.to_samples(part)).unwrap_or(0).max(1);
        let recovered = lost == 1 && made_up == 0 && self.recover(sequence, part);
        if !recovered {
            let both_ends = made_up == 0 && self.bridge_between(sequence, samples);
            if !both_ends {
                samples = samples.min(frame_samples(self.concealer.rate()));
                self.conceal(samples);
            }
            self.stats.concealed_ms += self.to_ms(self.to_units(samples));
        }
        let filled = if recovered { part } else { self.to_units(samples).max(1) };
        let reached = talk.timestamp + made_up + filled;
        self.state = if recovered || reached >= timestamp {
            self.missed(lost.unsigned_abs());
            self.stats.recovered += u64::from(recovered);
            State::Talking(Talk { timestamp, sequence, owed: 0 })
        } else {
            State::Talking(Talk { timestamp: reached, owed: 0, ..talk })
        };
        Sound::Voice
    }

    /// Packets did not come in time.
    fn missed(&mut self, packets: u64) {
        self.stats.gaps += packets;
        self.delay.miss(packets);
    }

    /// Makes up what is missing before a packet that is there, out of what stands on both sides. Only of codecs whose packets
    /// can be decoded on their own.
    fn bridge_between(&mut self, sequence: i64, samples: usize) -> bool {
        let rate = self.concealer.rate();
        let Some(Queued { audio: Some((coder @ (Coder::G711(_) | Coder::L16(_)), payload)), .. }) =
            self.queue.get(&sequence)
        else {
            return false;
        };
        if coder.encoder_rate() != rate || samples > pitch::of_us(rate, BETWEEN_US) {
            return false;
        }
        let Some((_, decoder)) = self.decoders.iter_mut().find(|(known, _)| known == coder) else { return false };
        let mut next = Vec::with_capacity(frame_samples(rate));
        decoder.decode(payload, &mut next);
        let Some(made) = self.concealer.between(samples, &next) else { return false };
        self.ready.extend(made);
        true
    }

    /// Decodes the packet whose turn it is.
    fn play(&mut self, mono_us: u64, talk: Talk) -> Sound {
        let Some((sequence, Queued { timestamp, audio: Some((coder, payload)) })) = self.queue.pop_first() else {
            return Sound::Voice;
        };
        let mut sound = Vec::with_capacity(frame_samples(coder.encoder_rate()));
        if let Some(decoder) = self.decoder_of(coder) {
            decoder.decode(&payload, &mut sound);
        }
        if sound.is_empty() {
            // No sense in it: as if it had not come.
            let length = self.to_units(frame_samples(self.concealer.rate()));
            self.state = State::Talking(Talk { timestamp: timestamp + length.max(1), sequence: sequence + 1, ..talk });
            self.stats.gaps += 1;
            let samples = frame_samples(self.concealer.rate());
            self.conceal(samples);
            return Sound::Voice;
        }
        self.stats.played += 1;
        self.missed((sequence - talk.sequence).max(0).unsigned_abs());
        let length = self.to_units(sound.len());
        // What was made up while it was waited for was a delay.
        if talk.owed > 0 {
            self.stats.lengthened_ms += self.to_ms(talk.owed);
        }
        let behind_us = self.behind_us(mono_us, timestamp);
        self.state = State::Talking(Talk { timestamp: timestamp + length, sequence: sequence + 1, owed: 0 });
        self.concealer.heard(&mut sound);
        self.keep_pace(behind_us, sound);
        Sound::Voice
    }

    /// Makes a sound shorter or longer where the delay is not what it should be.
    fn keep_pace(&mut self, behind_us: i64, sound: Vec<i16>) {
        let rate = self.concealer.rate();
        let urgency = if behind_us.abs() > URGENT_US { Urgency::High } else { Urgency::None };
        let changed = if behind_us > SLACK_US {
            pitch::shortened(&sound, rate, urgency)
        } else if behind_us < -SLACK_US {
            pitch::lengthened(&sound, rate, urgency)
        } else {
            None
        };
        let Some(changed) = changed else {
            self.ready.extend(sound);
            return;
        };
        let ms = |samples: usize| (samples * 1_000 / rate.hz() as usize) as u64;
        self.stats.shortened_ms += ms(sound.len().saturating_sub(changed.len()));
        self.stats.lengthened_ms += ms(changed.len().saturating_sub(sound.len()));
        self.ready.extend(changed);
    }

    fn conceal(&mut self, samples: usize) {
        let from = self.ready.len();
        let by_codec = match self.decoders.get_mut(self.decoder) {
            Some((_, decoder)) => decoder.conceal(samples, &mut self.ready),
            None => false,
        };
        if by_codec {
            let made = self.ready[from..].to_vec();
            self.concealer.was_made_up(&made);
        } else {
            self.concealer.make_up(samples, &mut self.ready);
        }
    }

    /// Makes good the packet before `sequence`, `units` long, out of what that one says of it.
    fn recover(&mut self, sequence: i64, units: i64) -> bool {
        let samples = usize::try_from(self.to_samples(units)).unwrap_or(0);
        let Some(Queued { audio: Some((coder, payload)), .. }) = self.queue.get(&sequence) else { return false };
        let Some((_, decoder)) = self.decoders.iter_mut().find(|(known, _)| known == coder) else { return false };
        let mut sound = Vec::new();
        if samples > FEC_FRAMES_MAX * frame_samples(coder.encoder_rate())
            || !decoder.recover(payload, samples, &mut sound)
        {
            return false;
        }
        self.concealer.heard(&mut sound);
        self.ready.extend(sound);
        true
    }

    /// The decoder of a codec; sound already made is brought to its rate.
    fn decoder_of(&mut self, coder: Coder) -> Option<&mut Box<dyn Decoder>> {
        let rate = coder.encoder_rate();
        if rate != self.concealer.rate() {
            let made = std::mem::take(&mut self.ready);
            Resampler::new(self.concealer.rate(), rate).process(&made, &mut self.ready);
            self.concealer = Concealer::new(rate);
        }
        self.decoder = match self.decoders.iter().position(|(known, _)| *known == coder) {
            Some(at) => at,
            None => {
                self.decoders.push((coder, coder.decoder(rate)?));
                self.decoders.len() - 1
            }
        };
        self.decoders.get_mut(self.decoder).map(|(_, decoder)| decoder)
    }

    /// The time stamp to be heard at an instant.
    fn due(&self, mono_us: u64) -> i64 {
        let base = self.delay.base_us().unwrap_or(0);
        (mono_us.cast_signed() - base - self.delay.target_us()) * self.clock_hz() / 1_000_000
    }

    /// How much later than it should a time stamp is heard that comes next.
    fn behind_us(&self, mono_us: u64, timestamp: i64) -> i64 {
        let due = self.due(mono_us) + self.to_units(self.ready.len());
        (due - timestamp) * 1_000_000 / self.clock_hz()
    }

    fn clock_hz(&self) -> i64 {
        self.stream.as_ref().map_or(8_000, |stream| stream.clock_hz)
    }

    fn ready_len(&self) -> i64 {
        i64::try_from(self.ready.len()).unwrap_or(i64::MAX)
    }

    fn to_samples(&self, units: i64) -> i64 {
        units * i64::from(self.concealer.rate().hz()) / self.clock_hz()
    }

    fn to_units(&self, samples: usize) -> i64 {
        i64::try_from(samples).unwrap_or(i64::MAX) * self.clock_hz() / i64::from(self.concealer.rate().hz())
    }

    fn to_ms(&self, units: i64) -> u64 {
        (units * 1_000 / self.clock_hz()).unsigned_abs()
    }
}

/// What was made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Silence,
    Voice,
}

fn samples_of(rate: RecordRate, ms: i64) -> i64 {
    i64::from(rate.hz()) * ms / 1_000
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sequence numbers are modulo 2^16")]
fn low_16(sequence: i64) -> u16 {
    sequence as u16
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "RTP time is modulo 2^32")]
fn low_32(timestamp: i64) -> u32 {
    timestamp as u32
}

/// Packets waiting: a second of 10 ms each. Beyond this the oldest go and are counted.
const QUEUE_MAX: usize = 100;
/// A greater step of the sequence number is another stream. RFC 3550 §A.1.
const SEQUENCE_LEAP: i64 = 3_000;
/// A packet this much earlier or later than the fastest has had its time stamps changed.
const TRANSIT_LEAP_US: i64 = 2_000_000;
/// So many packets in a row behind what was heard are no late packets.
const BEHIND_RUN: u32 = 5;
/// So long is made up while nothing comes; then there is silence.
const DRY_US: u32 = 100_000;
/// A longer gap is not made up from both of its ends.
const BETWEEN_US: u32 = 60_000;
/// The delay may be this far off before it is corrected.
const SLACK_US: i64 = 15_000;
/// Further off it is corrected whatever one may hear of that.
const URGENT_US: i64 = 80_000;
/// Frames of 20 ms that a packet can say of the one before it.
const FEC_FRAMES_MAX: usize = 3;
