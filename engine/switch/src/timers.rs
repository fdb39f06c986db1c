//! The switch's own timers: ringing, waiting for media, slowed answers. Those of SIP transactions are in `sip`.

use std::collections::BTreeSet;
use std::time::Duration;

/// Timers in the order of their ends. A timer is known by its end and its key, so whoever starts one keeps the end.
#[derive(Debug)]
pub(crate) struct Timers<Key> {
    running: BTreeSet<(Duration, Key)>,
}

impl<Key: Ord + Copy> Timers<Key> {
    pub(crate) fn new() -> Self {
        Self { running: BTreeSet::new() }
    }

    /// Starts a timer that ends at `at`, on the monotonic clock.
    pub(crate) fn start(&mut self, at: Duration, key: Key) {
        self.running.insert((at, key));
    }

    /// Stops the timer, if it still runs.
    pub(crate) fn stop(&mut self, at: Duration, key: Key) {
        self.running.remove(&(at, key));
    }

    /// Stops every timer of these keys.
    pub(crate) fn stop_all(&mut self, mut these: impl FnMut(&Key) -> bool) {
        self.running.retain(|(_, key)| !these(key));
    }

    /// The earliest end.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.running.first().map(|(at, _)| *at)
    }

    /// Takes the earliest timer that has ended by `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Key> {
        if self.next()? > now {
            return None;
        }
        self.running.pop_first().map(|(_, key)| key)
    }

    /// Timers running.
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_end_in_order_and_stopped_ones_never() {
        let mut timers = Timers::new();
        let second = Duration::from_secs;
        timers.start(second(3), 'c');
        timers.start(second(1), 'a');
        timers.start(second(2), 'b');
        timers.stop(second(2), 'b');
        assert_eq!(timers.next(), Some(second(1)));
        assert_eq!(timers.pop_due(second(0)), None);
        assert_eq!(timers.pop_due(second(5)), Some('a'));
        assert_eq!(timers.pop_due(second(5)), Some('c'));
        assert_eq!((timers.pop_due(second(5)), timers.len()), (None, 0));
    }
}
