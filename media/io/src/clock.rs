//! The clock of all media threads.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media::Now;

/// Reads both clocks by one system clock and the offset at the start: RTCP needs them to go together, not to follow
/// every step of the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
    unix_us_at_origin: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: Instant::now(), unix_us_at_origin: u64::try_from(unix.as_micros()).unwrap_or(0) }
    }

    /// A time of ours as the system's.
    pub(crate) fn instant(self, mono_us: u64) -> Instant {
        self.origin + Duration::from_micros(mono_us)
    }

    /// A time of the system's as ours, never before it: who waits until then finds it past.
    pub(crate) fn micros(self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin).as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
    }

    pub(crate) fn now(self) -> Now {
        let mono_us = u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX);
        Now { mono_us, unix_us: self.unix_us_at_origin + mono_us }
    }
}
