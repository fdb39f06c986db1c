//! What a leg is like to listen to, stretch by stretch: counts, and a rating by the E-model (ITU-T G.107).
//!
//! The rating is that of one leg alone, between its phone and us; mouth to ear there are two. It is on the narrowband scale:
//! G.113 has no values on it for wideband codecs, which are rated as G.711 with concealment is.

use crate::Now;
use crate::codec::{Coder, Law, g711};

/// What a leg was like, from when something first flowed to its end.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// When it begins, ms since the Unix epoch.
    pub from_ms: u64,
    /// How long it is.
    pub length_ms: u64,
    /// In order, without a hole; at most 24. Each is 5 s, or 10, 20, ... where the leg was long; the last may be shorter.
    pub samples: Vec<Sample>,
}

/// What a stretch was like. Counts are of the stretch alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Since the beginning of the timeline. It ends where the next one begins.
    pub from_ms: u64,
    /// What came from the peer.
    pub received: Received,
    /// What went to it.
    pub sent: Sent,
    /// By the peer's reports (RTCP) in this stretch.
    pub round_trip_ms: Option<f32>,
    /// How loud the peer was, in dBov: 0 is the loudest square wave. Known of G.711, and of what was decoded for a mix.
    pub level_dbov: Option<f32>,
}

/// What came from the peer, measured here.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Received {
    /// Packets that came.
    pub packets: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came too late to be heard, where we listened.
    pub late: u64,
    /// Sound made up in their place, where we listened.
    pub concealed_ms: u64,
    /// Interarrival jitter at the end of the stretch (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// Estimated mean opinion score, 1 to 4.5; `None` where nothing was to be heard.
    pub mos: Option<f32>,
}

/// What went to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sent {
    /// Packets that went.
    pub packets: u64,
    /// How they came there; `None` where no report of the peer came in this stretch.
    pub reported: Option<Reported>,
}

/// What the peer's reports in a stretch said of what had come there since the report before. Its own word.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reported {
    /// Packets that should have come.
    pub expected: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came and were thrown away by its jitter buffer (RFC 3611 §4.7.1); 0 of peers that do not say.
    pub late: u64,
    /// Interarrival jitter there.
    pub jitter_ms: f32,
    /// Estimated mean opinion score there, 1 to 4.5; `None` where nothing was to be heard.
    pub mos: Option<f32>,
}

impl Sample {
    /// Both as one stretch: what is no count is the worse of the two, or the louder.
    fn and(self, later: Self) -> Self {
        Self {
            from_ms: self.from_ms,
            received: self.received.and(later.received),
            sent: self.sent.and(later.sent),
            round_trip_ms: both(self.round_trip_ms, later.round_trip_ms, f32::max),
            level_dbov: both(self.level_dbov, later.level_dbov, f32::max),
        }
    }
}

impl Received {
    fn and(self, later: Self) -> Self {
        Self {
            packets: self.packets + later.packets,
            lost: self.lost + later.lost,
            late: self.late + later.late,
            concealed_ms: self.concealed_ms + later.concealed_ms,
            jitter_ms: self.jitter_ms.max(later.jitter_ms),
            mos: both(self.mos, later.mos, f32::min),
        }
    }
}

impl Sent {
    fn and(self, later: Self) -> Self {
        let reported = both(self.reported, later.reported, |one, other| Reported {
            expected: one.expected + other.expected,
            lost: one.lost + other.lost,
            late: one.late + other.late,
            jitter_ms: one.jitter_ms.max(other.jitter_ms),
            mos: both(one.mos, other.mos, f32::min),
        });
        Self { packets: self.packets + later.packets, reported }
    }
}

/// What both come to, or the one that is there.
fn both<T>(one: Option<T>, other: Option<T>, join: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(join(one, other)),
        (one, other) => one.or(other),
    }
}

/// Figures of an endpoint since it was opened, and as they are now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) late: u64,
    pub(crate) concealed_ms: u64,
    pub(crate) sent: u64,
    pub(crate) jitter_ms: f32,
    /// How long we wait for packets, where we listen.
    pub(crate) buffer_ms: Option<u64>,
    pub(crate) remote: RemoteTotals,
}

/// What the peer has reported.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RemoteTotals {
    /// How many reports.
    pub(crate) reports: u64,
    /// Packets of ours that should have come there.
    pub(crate) expected: u64,
    pub(crate) lost: u64,
    pub(crate) late: u64,
    pub(crate) jitter_ms: f32,
    /// How long it waits for packets, where it says so.
    pub(crate) buffer_ms: Option<u64>,
    pub(crate) round_trip_ms: Option<f32>,
}

/// Watches one endpoint. Bounded: a long life is told in fewer and longer stretches.
#[derive(Debug, Clone)]
pub(crate) struct Observer {
    timeline: Timeline,
    /// How many stretches of 5 s make one sample.
    coarseness: u32,
    /// How many the last sample has.
    filled: u32,
    begun: Moment,
    due_us: u64,
    /// What has been told of.
    told: Totals,
    meter: Meter,
}

/// An instant on both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    mono_us: u64,
    unix_ms: u64,
}

impl Observer {
    pub(crate) fn new(now: Now) -> Self {
        Self {
            timeline: Timeline::default(),
            coarseness: 1,
            filled: 1,
            begun: now.into(),
            due_us: now.mono_us + STRETCH_US,
            told: Totals::default(),
            meter: Meter::default(),
        }
    }

    /// When the stretch that runs is over.
    pub(crate) fn due_us(&self) -> u64 {
        self.due_us
    }

    /// Takes note of a packet of the peer.
    pub(crate) fn hear(&mut self, coder: Option<Coder>, payload: &[u8]) {
        self.meter.hear(coder, payload);
    }

    /// Takes note of a frame of the peer that was decoded for a mix.
    pub(crate) fn hear_frame(&mut self, samples: &[i16]) {
        self.meter.hear_frame(samples);
    }

    /// The stretch is over, another begins. `None` before anything has flowed.
    pub(crate) fn close_stretch(&mut self, now: Now, totals: Totals) -> Option<Sample> {
        let before = self.due_us.saturating_sub(STRETCH_US);
        let more = now.mono_us.saturating_sub(before) / STRETCH_US;
        self.due_us = before + (more + 1) * STRETCH_US;
        let mut sample = self.told.sample_until(totals);
        sample.level_dbov = std::mem::take(&mut self.meter).level_dbov();
        if self.timeline.samples.is_empty() {
            if totals.received == 0 && totals.sent == 0 {
                self.begun = now.into();
                return None;
            }
            self.timeline.from_ms = self.begun.unix_ms;
        }
        sample.from_ms = self.timeline.length_ms;
        self.timeline.length_ms = now.mono_us.saturating_sub(self.begun.mono_us) / 1_000;
        match self.timeline.samples.last_mut() {
            Some(last) if self.filled < self.coarseness => {
                *last = last.and(sample);
                self.filled += 1;
            }
            Some(_) | None => {
                self.timeline.samples.push(sample);
                self.filled = 1;
            }
        }
        if self.timeline.samples.len() > SAMPLES_MAX {
            self.coarsen();
        }
        Some(sample)
    }

    /// The last stretch ends now. `None` where nothing has flowed.
    pub(crate) fn finish(&mut self, now: Now, totals: Totals) -> Option<Timeline> {
        let begun_us = self.begun.mono_us + self.timeline.length_ms * 1_000;
        // Nothing is said of a moment.
        if now.mono_us.saturating_sub(begun_us) >= 1_000 || self.timeline.samples.is_empty() {
            self.close_stretch(now, totals);
        }
        let timeline = std::mem::take(&mut self.timeline);
        (!timeline.samples.is_empty()).then_some(timeline)
    }

    /// Half as many samples, each twice as long; the last one stays open.
    fn coarsen(&mut self) {
        let samples = &mut self.timeline.samples;
        if samples.len().is_multiple_of(2) {
            self.filled += self.coarseness;
        }
        self.coarseness *= 2;
        *samples = samples.chunks(2).filter_map(|pair| pair.iter().copied().reduce(Sample::and)).collect();
    }
}

impl From<Now> for Moment {
    fn from(now: Now) -> Self {
        Self { mono_us: now.mono_us, unix_ms: now.unix_us / 1_000 }
    }
}

impl Totals {
    /// What is new since the last look, which this one becomes. A count that goes back (what was lost comes after all) is made
    /// good by what follows, so that all stretches add up.
    fn sample_until(&mut self, now: Self) -> Sample {
        let received = news(&mut self.received, now.received);
        let sent = news(&mut self.sent, now.sent);
        let lost = news(&mut self.lost, now.lost);
        let late = news(&mut self.late, now.late);
        let concealed_ms = news(&mut self.concealed_ms, now.concealed_ms);
        let half_way_ms = now.remote.round_trip_ms.map_or(0.0, |ms| f64::from(ms) / 2.0);
        let here_ms = half_way_ms + wait_ms(now.buffer_ms, now.jitter_ms);
        let remote = now.remote;
        let reported = news(&mut self.remote.reports, remote.reports) > 0;
        let reported = reported.then(|| {
            let expected = news(&mut self.remote.expected, remote.expected);
            let lost = news(&mut self.remote.lost, remote.lost);
            let late = news(&mut self.remote.late, remote.late);
            let there_ms = half_way_ms + wait_ms(remote.buffer_ms, remote.jitter_ms);
            Reported { expected, lost, late, jitter_ms: remote.jitter_ms, mos: score(lost + late, expected, there_ms) }
        });
        let mos = score(lost + late, received + lost, here_ms);
        Sample {
            received: Received { packets: received, lost, late, concealed_ms, jitter_ms: now.jitter_ms, mos },
            sent: Sent { packets: sent, reported },
            round_trip_ms: reported.and(remote.round_trip_ms),
            ..Sample::default()
        }
    }
}

/// How much more it is than has been told.
fn news(told: &mut u64, now: u64) -> u64 {
    let more = now.saturating_sub(*told);
    *told += more;
    more
}

/// A receiver that does not say how long it waits waits about twice the jitter.
#[expect(clippy::cast_precision_loss, reason = "some hundred ms")]
fn wait_ms(known: Option<u64>, jitter_ms: f32) -> f64 {
    known.map_or(2.0 * f64::from(jitter_ms), |ms| ms as f64)
}

/// The score of so many packets missing of those expected, `way_ms` after they were sent.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a percentage; 1 to 4.5")]
fn score(missing: u64, expected: u64, way_ms: f64) -> Option<f32> {
    let loss_percent = (expected > 0).then(|| (100.0 * missing as f64 / expected as f64).min(100.0))?;
    let one_way_ms = way_ms + PACKET_MS;
    Some(mos_of(rating(&Conditions { one_way_ms, loss_percent, impairment: Impairment::CONCEALED_G711 })) as f32)
}

/// What the E-model is told; all else has its default values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// From mouth to ear, without echo.
    pub one_way_ms: f64,
    /// Of packets, at random.
    pub loss_percent: f64,
    /// Of the codec.
    pub impairment: Impairment,
}

/// What a codec does to a voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impairment {
    /// Equipment impairment without loss, `Ie`.
    pub ie: f64,
    /// Packet-loss robustness, `Bpl`.
    pub bpl: f64,
}

impl Impairment {
    /// G.711 without concealment. G.113 appendix I.
    pub const PLAIN_G711: Self = Self { ie: 0.0, bpl: 4.3 };
    /// G.711 with concealment. G.113 appendix I.
    pub const CONCEALED_G711: Self = Self { ie: 0.0, bpl: 25.1 };
}

/// The transmission rating factor R, 0 to 93.2.
#[must_use]
pub fn rating(conditions: &Conditions) -> f64 {
    let Conditions { one_way_ms, loss_percent, impairment: Impairment { ie, bpl } } = *conditions;
    // Ie-eff with a burst ratio of 1: losses at random.
    let equipment = ie + (95.0 - ie) * loss_percent / (loss_percent + bpl);
    (R_DEFAULT - delay(one_way_ms) - equipment).max(0.0)
}

/// `Idd`: what too long a delay does to a conversation.
fn delay(one_way_ms: f64) -> f64 {
    if one_way_ms <= 100.0 {
        return 0.0;
    }
    let x = (one_way_ms / 100.0).log2();
    let term = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (term(x) - 3.0 * term(x / 3.0) + 2.0)
}

/// The mean opinion score that goes with a rating.
#[must_use]
pub fn mos_of(rating: f64) -> f64 {
    let r = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// How loud somebody is: each eighth packet or frame is looked at.
#[derive(Debug, Clone, Default)]
struct Meter {
    heard: u32,
    samples: u64,
    squares: u64,
}

impl Meter {
    fn hear(&mut self, coder: Option<Coder>, payload: &[u8]) {
        let table = match coder {
            Some(Coder::G711(Law::Mu)) => &g711::ULAW_TO_LINEAR,
            Some(Coder::G711(Law::A)) => &g711::ALAW_TO_LINEAR,
            Some(Coder::G722 | Coder::Opus(_) | Coder::L16(_)) | None => return,
        };
        if self.is_turn() {
            self.add(payload.iter().map(|code| table[usize::from(*code)]));
        }
    }

    fn hear_frame(&mut self, samples: &[i16]) {
        if self.is_turn() {
            self.add(samples.iter().copied());
        }
    }

    fn is_turn(&mut self) -> bool {
        self.heard = self.heard.wrapping_add(1);
        self.heard.is_multiple_of(METER_EACH)
    }

    fn add(&mut self, samples: impl ExactSizeIterator<Item = i16>) {
        self.samples += samples.len() as u64;
        self.squares += samples.map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum::<u64>();
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "decibels for people")]
    fn level_dbov(self) -> Option<f32> {
        let mean = self.squares as f64 / (self.samples > 0).then_some(self.samples as f64)?;
        Some((10.0 * (mean.max(1.0) / FULL_SCALE.powi(2)).log10()) as f32)
    }
}

/// R with all values at their default. G.107 (06/2015) §7.7.
const R_DEFAULT: f64 = 93.2;
/// Of a full-scale square wave.
const FULL_SCALE: f64 = 32_768.0;
/// A packet is sent when its first sample is so old.
const PACKET_MS: f64 = 20.0;
/// One packet in so many is measured.
const METER_EACH: u32 = 8;
/// A look each so often.
const STRETCH_US: u64 = 5_000_000;
/// Kept of one endpoint: two minutes in stretches of 5 s, four in those of 10 s, and so on.
const SAMPLES_MAX: usize = 24;

#[cfg(test)]
mod tests;
