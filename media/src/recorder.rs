//! Two parties on one stereo time line: each packet where it belongs by the wall clock, silence where none came.

mod track;

use crate::relay::Tap;
use crate::{Now, RecordRate};
use track::Track;

/// One running recording. Frames are final `HOLD_BACK_US` after they were spoken.
pub struct Recorder {
    rate: RecordRate,
    start_us: u64,
    /// Frames given out.
    done: u64,
    left: Track,
    right: Track,
}

/// A channel of the recording. REC-09 says who is on which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The outside party, or the caller.
    Left,
    /// The agent or inner party.
    Right,
}

impl Recorder {
    /// Begins now.
    #[must_use]
    pub fn new(now: Now, rate: RecordRate) -> Self {
        Self { rate, start_us: now.mono_us, done: 0, left: Track::new(rate), right: Track::new(rate) }
    }

    /// Takes a packet of one side, in the order of arrival.
    pub fn receive(&mut self, side: Side, tap: &Tap<'_>) {
        let arrival = self.position(tap.mono_us);
        let done = self.done.cast_signed();
        match side {
            Side::Left => self.left.receive(arrival, done, tap),
            Side::Right => self.right.receive(arrival, done, tap),
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

    /// Frames given out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.done
    }

    /// Packets that could not be decoded or found no room.
    #[must_use]
    pub fn lost_packets(&self) -> u64 {
        self.left.lost_packets() + self.right.lost_packets()
    }

    fn give_until(&mut self, mono_us: u64, interleaved: &mut Vec<i16>) {
        let until = u64::try_from(self.position(mono_us)).unwrap_or(0);
        let Some(frames) = until.checked_sub(self.done).and_then(|frames| usize::try_from(frames).ok()) else { return };
        let done = self.done.cast_signed();
        let left = self.left.fill(done, frames);
        let right = self.right.fill(done, frames);
        interleaved.extend(left.iter().zip(right).flat_map(|(left, right)| [*left, *right]));
        self.left.drop_filled(frames);
        self.right.drop_filled(frames);
        self.done = until;
    }

    /// The frame that belongs to an instant; negative before the start.
    fn position(&self, mono_us: u64) -> i64 {
        let us = mono_us.cast_signed() - self.start_us.cast_signed();
        us * i64::from(self.rate.hz()) / 1_000_000
    }
}

/// How long frames are kept back for packets that come late or in disorder.
pub const HOLD_BACK_US: u64 = 200_000;

#[cfg(test)]
mod tests;
