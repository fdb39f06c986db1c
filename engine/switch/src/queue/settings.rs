//! What is set for a queue, and for an agent in it.

use std::time::Duration;

/// Settings of a queue (QUEUE-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Who of several idle agents is rung.
    pub strategy: Strategy,
    /// How long an agent is rung.
    pub ring_timeout: Duration,
    /// How long one may wait here, ringing included; what one has waited elsewhere does not count. `None` = for ever.
    pub max_wait: Option<Duration>,
    /// How many may wait.
    pub max_length: u32,
    /// From which waiting time on agents of which level are rung, too; in the order of times. Empty = all from the beginning.
    pub widening: Vec<Widening>,
    /// An answer within it is within the service level.
    pub target: Duration,
    /// When callers are told where they stand.
    pub announcements: Option<Announcements>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            strategy: Strategy::LongestIdle,
            ring_timeout: Duration::from_secs(20),
            max_wait: Some(Duration::from_secs(120)),
            max_length: 50,
            widening: Vec::new(),
            target: Duration::from_secs(20),
            announcements: None,
        }
    }
}

impl QueueSettings {
    /// The last level whose agents are rung for who has waited so long.
    pub(super) fn open_level(&self, waited: Duration) -> Level {
        let reached = self.widening.iter().rev().find(|widening| widening.after <= waited);
        match (reached, self.widening.first()) {
            (Some(widening), _) => widening.level,
            (None, Some(_)) => Level::FIRST,
            (None, None) => Level::LAST,
        }
    }

    /// The waiting time at which more are rung.
    pub(super) fn next_widening(&self, waited: Duration) -> Option<Duration> {
        self.widening.iter().map(|widening| widening.after).find(|after| *after > waited)
    }
}

/// Who of several idle agents is rung (QUEUE-03).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Who has been idle longest.
    #[default]
    LongestIdle,
    /// One after the other.
    RoundRobin,
    /// Who has answered least today; of equals who has been idle longest.
    FewestToday,
    /// By the order that is set.
    FixedOrder,
    /// Who has the best level; of equals who has been idle longest.
    LevelFirst,
    /// All at once, [`super::RING_ALL_MAX`] at most.
    RingAll,
}

/// An agent's level in a queue: 1 (best) to 9 (QUEUE-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// The best.
    pub const FIRST: Self = Self(1);
    /// The last.
    pub const LAST: Self = Self(9);

    /// `None` outside 1 to 9.
    #[must_use]
    pub fn new(level: u8) -> Option<Self> {
        (1..=9).contains(&level).then_some(Self(level))
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }

    /// All up to this one, best first.
    pub(super) fn up_to(self) -> impl Iterator<Item = Self> {
        (1..=self.0).map(Self)
    }

    /// All from this one on, best first.
    pub(super) fn and_beyond(self) -> impl Iterator<Item = Self> {
        (self.0..=9).map(Self)
    }

    pub(super) fn at(self) -> usize {
        usize::from(self.0 - 1)
    }
}

/// From a waiting time on, more agents are rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widening {
    /// Waited so long.
    pub after: Duration,
    /// All up to this level.
    pub level: Level,
}

/// When callers are told where they stand (QUEUE-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcements {
    /// After so much waiting.
    pub first: Duration,
    /// Then each.
    pub every: Duration,
}

/// An agent in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// How good he is at it.
    pub level: Level,
    /// His place in the fixed order.
    pub order: u16,
}
