//! Time as an argument: what o'clock it is never comes from inside a pure crate.

use std::time::Duration;

/// The instant at which a core handles an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic time since the process (or the simulated world) began. All timers are counted on this clock.
    pub mono: Duration,
    /// Wall time in milliseconds since the Unix epoch, UTC. Written into facts; it may jump, so no timer uses it.
    pub unix_ms: u64,
}

impl Now {
    /// The monotonic instant `delay` after this one: what a timer is set to.
    #[must_use]
    pub fn after(&self, delay: Duration) -> Duration {
        self.mono.saturating_add(delay)
    }
}
