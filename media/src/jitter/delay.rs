//! How late packets come, and so how long they are waited for.

/// What is known of the way from one sender.
#[derive(Debug, Clone)]
pub(super) struct Delay {
    /// Least transit (arrival less time stamp, µs) of the last window and of this one.
    least: [Option<i64>; 2],
    window_ends_us: u64,
    /// Packets by how much later than the least they came.
    lateness: [u16; BINS],
    seen: u16,
    /// Packets that were missed among those seen, fading with them.
    missed: u16,
    target_us: i64,
}

impl Delay {
    /// Begins with a guess of how long to wait.
    pub(super) fn new(target_us: i64) -> Self {
        let target_us = target_us.clamp(TARGET_MIN_US, TARGET_MAX_US);
        Self { least: [None; 2], window_ends_us: 0, lateness: [0; BINS], seen: 0, missed: 0, target_us }
    }

    /// The time stamps begin anew: what is known of the lateness stays true.
    pub(super) fn rebase(&mut self) {
        self.least = [None; 2];
    }

    /// Takes in the transit of a packet that has just come.
    pub(super) fn observe(&mut self, mono_us: u64, transit_us: i64) {
        if mono_us >= self.window_ends_us {
            self.least = [self.least[1], None];
            self.window_ends_us = mono_us + WINDOW_US;
        }
        let least = self.least[1].map_or(transit_us, |least| least.min(transit_us));
        self.least[1] = Some(least);
        let late = (transit_us - self.base_us().unwrap_or(transit_us)) / BIN_US;
        self.lateness[usize::try_from(late).unwrap_or(0).min(BINS - 1)] += 1;
        self.seen += 1;
        if self.seen >= SEEN_MAX {
            // The past fades: half of it goes.
            self.lateness.iter_mut().for_each(|count| *count /= 2);
            self.seen = self.lateness.iter().sum();
            self.missed /= 2;
        }
        if self.seen >= SEEN_MIN && self.seen.is_multiple_of(REVIEW) {
            self.review();
        }
    }

    /// Packets never came.
    pub(super) fn miss(&mut self, packets: u64) {
        self.missed = self.missed.saturating_add(u16::try_from(packets).unwrap_or(u16::MAX)).min(SEEN_MAX);
    }

    /// Least transit of late, in µs; `None` before the first packet.
    pub(super) fn base_us(&self) -> Option<i64> {
        match self.least {
            [Some(before), Some(now)] => Some(before.min(now)),
            [before, now] => now.or(before),
        }
    }

    /// How much later than the fastest a packet may come and still be heard in time.
    pub(super) fn target_us(&self) -> i64 {
        self.target_us
    }

    fn review(&mut self) {
        let too_late = self.seen / LATE_PART;
        let mut beyond = 0;
        let mut bin = BINS - 1;
        while bin > 0 && beyond + self.lateness[bin] <= too_late {
            beyond += self.lateness[bin];
            bin -= 1;
        }
        let wanted = (i64::try_from(bin).expect("few bins") + 1) * BIN_US;
        let least = if self.missed > self.seen / MISSED_PART { TARGET_LOSSY_US } else { TARGET_MIN_US };
        self.target_us = wanted.clamp(least, TARGET_MAX_US);
    }
}

/// Less than a frame is not waited for.
pub(super) const TARGET_MIN_US: i64 = 20_000;
/// Where packets are lost the next one is waited for, so that a gap is made up from both of its ends.
const TARGET_LOSSY_US: i64 = 40_000;
/// More than one packet in so many missed is a lossy way.
const MISSED_PART: u16 = 100;
/// Whoever comes later still is late.
pub(super) const TARGET_MAX_US: i64 = 200_000;
/// Width of a bin of the lateness.
const BIN_US: i64 = 5_000;
/// Up to 240 ms.
const BINS: usize = 48;
/// One packet in so many may come too late.
const LATE_PART: u16 = 100;
/// The least transit is of the last one to two windows: long enough for a fast packet to be among them, short enough
/// that a drifting clock (100 ppm are 0.2 ms) is followed.
const WINDOW_US: u64 = 2_000_000;
/// Ten seconds of packets are remembered, at most.
const SEEN_MAX: u16 = 512;
/// Fewer say nothing.
const SEEN_MIN: u16 = 16;
/// The target is looked at again each so many packets.
const REVIEW: u16 = 8;
