//! The one place that reads the clocks for the cores.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sip::time::Now;

/// Monotonic time since the process began, and wall time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { mono: self.began.elapsed(), unix_ms: unix_ms() }
    }
}

/// Wall time, ms since the Unix epoch; 0 on a machine whose clock stands before it.
#[must_use]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
