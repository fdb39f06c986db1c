//! How many calls a trunk has one way, and how fast they came.

use std::collections::VecDeque;
use std::time::Duration;

use crate::config::Lane;
use crate::view::TrunkLaneView;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Load {
    live: u32,
    total: u64,
    pub(super) refused: u64,
    /// When those began that began within the last [`WINDOW`], the oldest first; at most [`PER_SECOND_MAX`].
    starts: VecDeque<Duration>,
}

impl Load {
    /// A leg begins.
    pub(crate) fn began(&mut self, now: Duration) {
        self.live = self.live.saturating_add(1);
        self.total += 1;
        self.pass(now);
        if self.starts.len() < PER_SECOND_MAX {
            self.starts.push_back(now);
        }
    }

    /// A leg ended.
    pub(crate) fn ended(&mut self) {
        // One that began before the trunk was taken out and made anew is not counted.
        self.live = self.live.saturating_sub(1);
    }

    /// Whether another call would be one too many.
    pub(super) fn is_full(&mut self, limits: Lane, now: Duration) -> bool {
        self.pass(now);
        let started = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        limits.calls.is_some_and(|most| self.live >= most) || limits.per_second.is_some_and(|most| started >= most)
    }

    pub(super) fn view(&self) -> TrunkLaneView {
        TrunkLaneView { live: self.live, total: self.total, refused: self.refused }
    }

    fn pass(&mut self, now: Duration) {
        while self.starts.front().is_some_and(|start| *start + WINDOW <= now) {
            self.starts.pop_front();
        }
    }
}

/// The second in "calls per second".
const WINDOW: Duration = Duration::from_secs(1);
/// More starts than any limit allows are not told apart.
const PER_SECOND_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_full_by_calls_at_a_time_or_by_calls_within_a_second() {
        let ms = Duration::from_millis;
        let mut load = Load::default();
        let two = Lane { calls: Some(2), per_second: None };
        let slow = Lane { calls: None, per_second: Some(2) };
        load.began(ms(0));
        assert!(!load.is_full(two, ms(0)) && !load.is_full(slow, ms(0)));
        load.began(ms(600));
        assert!(load.is_full(two, ms(600)) && load.is_full(slow, ms(999)));
        assert!(!load.is_full(slow, ms(1_000)), "the first is a second ago");
        load.ended();
        assert!(!load.is_full(two, ms(1_000)));
        assert!(!load.is_full(Lane::default(), ms(1_000)));
        load.ended();
        load.ended();
        assert_eq!(load.view(), TrunkLaneView { live: 0, total: 2, refused: 0 });
    }
}
