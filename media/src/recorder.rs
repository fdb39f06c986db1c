//! Parties on one stereo time line: each packet where it belongs by the wall clock, silence where none came.
//!
//! A channel is a set of parties, added up. What a party hears is in no channel: whoever shall be recorded is named, and so is to whom
//! what a player says is recorded.

mod channel;
mod track;

use std::collections::BTreeMap;

use crate::relay::Tap;
use crate::{Channels, EndpointId, Now, RecordRate, Spoken};
use channel::{Change, Fader, Sum};
use track::Track;

/// One running recording. Frames are final `HOLD_BACK_US` after they were spoken.
pub struct Recorder {
    rate: RecordRate,
    start_us: u64,
    /// Frames given out.
    done: u64,
    channels: Channels,
    flow: Flow,
    voices: BTreeMap<(EndpointId, Spoken), Voice>,
    sums: [Sum; 2],
    /// What parties that have left had lost.
    lost_packets: u64,
}

/// Whether the recording takes in what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Running,
    /// Silence is recorded in its place.
    Paused,
}

/// A party with its share in each channel: left, right.
struct Voice {
    track: Track,
    faders: [Fader; 2],
}

impl Recorder {
    /// Begins now.
    #[must_use]
    pub fn new(now: Now, rate: RecordRate, channels: Channels) -> Self {
        let voices = channels.voices().map(|of| (of, Voice::from_the_first(rate, channels.shares(of.0, of.1))));
        Self {
            rate,
            start_us: now.mono_us,
            done: 0,
            voices: voices.collect(),
            channels,
            flow: Flow::Running,
            sums: Default::default(),
            lost_packets: 0,
        }
    }

    /// Records others from the next 20 ms on; who was there before and is not named fades out, who is new fades in.
    pub fn record_from(&mut self, now: Now, channels: Channels) {
        for voice in channels.voices() {
            self.voices.entry(voice).or_insert_with(|| Voice::new(self.rate));
        }
        self.channels = channels;
        self.change(now);
    }

    /// Silence from this 20 ms on, until [`Recorder::resume`].
    pub fn pause(&mut self, now: Now) {
        self.flow = Flow::Paused;
        self.change(now);
    }

    /// What is said is recorded again from the next 20 ms on.
    pub fn resume(&mut self, now: Now) {
        self.flow = Flow::Running;
        self.change(now);
    }

    /// Takes a packet of one party, in the order of arrival; that of a party in no channel is not looked at.
    pub fn receive(&mut self, tap: &Tap<'_>) {
        let (arrival, done) = (self.position(tap.mono_us), self.done.cast_signed());
        if let Some(voice) = self.voices.get_mut(&(tap.endpoint, tap.spoken)) {
            voice.track.receive(arrival, done, tap);
        }
    }

    /// Appends the frames that have become final by now: interleaved, left first.
    pub fn advance(&mut self, mono_us: u64, interleaved: &mut Vec<i16>) {
        self.give_until(mono_us.saturating_sub(HOLD_BACK_US), interleaved);
    }

    /// Appends all frames up to now: the last of the recording. Whatever comes later is not recorded.
    pub fn finish(&mut self, mono_us: u64, interleaved: &mut Vec<i16>) {
        self.give_until(mono_us, interleaved);
    }

    /// Whose packets it wants: those in a channel, and those that were until a moment ago.
    pub fn parties(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.voices.keys().filter(|(_, spoken)| *spoken == Spoken::ByParty).map(|(endpoint, _)| *endpoint)
    }

    /// Frames given out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.done
    }

    /// Packets that could not be decoded or found no room.
    #[must_use]
    pub fn lost_packets(&self) -> u64 {
        self.lost_packets + self.voices.values().map(|voice| voice.track.lost_packets()).sum::<u64>()
    }

    /// Whoever is where it was goes on as it was.
    fn change(&mut self, now: Now) {
        let tick = i64::from(self.rate.hz() / 50);
        // What shall not be recorded goes from the tick that runs, what shall from the next on.
        let here = self.position(now.mono_us).div_euclid(tick) * tick;
        let at = match self.flow {
            Flow::Running => here + tick,
            Flow::Paused => here,
        };
        let at = at.max(self.done.cast_signed());
        for ((endpoint, spoken), voice) in &mut self.voices {
            let named = self.channels.shares(*endpoint, *spoken);
            for (fader, named) in voice.faders.iter_mut().zip(named) {
                let change = if named && self.flow == Flow::Running { Change::In } else { Change::Out };
                fader.change(at, change);
            }
        }
    }

    fn give_until(&mut self, mono_us: u64, interleaved: &mut Vec<i16>) {
        let until = u64::try_from(self.position(mono_us)).unwrap_or(0);
        let Some(frames) = until.checked_sub(self.done).and_then(|frames| usize::try_from(frames).ok()) else { return };
        let done = self.done.cast_signed();
        self.sums.iter_mut().for_each(|sum| sum.begin(frames));
        for voice in self.voices.values_mut() {
            let samples = voice.track.fill(done, frames);
            for (fader, sum) in voice.faders.iter_mut().zip(&mut self.sums) {
                sum.add(samples, done, fader, self.rate);
            }
            voice.track.drop_filled(frames);
        }
        let [left, right] = &self.sums;
        interleaved.extend(left.samples().zip(right.samples()).flat_map(<[i16; 2]>::from));
        self.done = until;
        self.forget_departed();
    }

    fn forget_departed(&mut self) {
        let Self { voices, channels, lost_packets, .. } = self;
        voices.retain(|(endpoint, spoken), voice| {
            let stays =
                channels.shares(*endpoint, *spoken).contains(&true) || voice.faders.iter().any(|fader| !fader.is_out());
            *lost_packets += if stays { 0 } else { voice.track.lost_packets() };
            stays
        });
    }

    /// The frame that belongs to an instant; negative before the start.
    fn position(&self, mono_us: u64) -> i64 {
        let us = mono_us.cast_signed() - self.start_us.cast_signed();
        us * i64::from(self.rate.hz()) / 1_000_000
    }
}

impl Voice {
    /// One that comes while the recording runs.
    fn new(rate: RecordRate) -> Self {
        Self { track: Track::new(rate), faders: [Fader::shut(), Fader::shut()] }
    }

    /// One that is there from the beginning: nothing was before, so nothing fades.
    fn from_the_first(rate: RecordRate, shares: [bool; 2]) -> Self {
        let faders = shares.map(|named| if named { Fader::open(rate) } else { Fader::shut() });
        Self { track: Track::new(rate), faders }
    }
}

/// How long frames are kept back for packets that come late or in disorder.
pub const HOLD_BACK_US: u64 = 200_000;

#[cfg(test)]
mod tests;
