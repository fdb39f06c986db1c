//! Who waits, and in which order.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{AgentId, EntryId, Level, OfferId, QueueId, REFUSAL_REST, Strategy};

/// Somebody comes to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// His name; never used before.
    pub entry: EntryId,
    /// Where.
    pub queue: QueueId,
    /// Higher goes first.
    pub priority: u8,
    /// He has waited so long already: in another queue, or before a restart.
    pub waited: Duration,
    /// How long of that in this queue, before a restart: how long he may wait is counted in each queue anew (QUEUE-05).
    pub stayed: Duration,
    /// The agent that he shall have if that one is to be had.
    pub sticky: Option<Sticky>,
    /// How he waits.
    pub waits: Waits,
}

impl Entry {
    /// Whether several agents are rung for him at once: each would call him back.
    pub(super) fn rings_all(&self, strategy: Strategy) -> bool {
        strategy == Strategy::RingAll && self.waits == Waits::OnTheLine
    }
}

/// How somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// He is on the line: he may find the queue full or without agents, waits no longer than its settings say, and is counted.
    OnTheLine,
    /// He is to be called back: he takes no room, waits also while nobody is signed in, and has been counted.
    ForCallback {
        /// How long, from now on.
        at_most: Duration,
    },
}

/// An agent of one's own (IVR-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sticky {
    /// Who.
    pub agent: AgentId,
    /// How long only he is waited for, from now on, where he is engaged.
    pub wait: Duration,
    /// How long he is rung.
    pub ring_for: Duration,
}

/// Why nobody can wait there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinRefused {
    /// There is no such queue.
    #[error("there is no such queue")]
    NoSuchQueue,
    /// As many wait as may.
    #[error("the queue is full")]
    Full,
    /// None of its agents is signed in.
    #[error("no agent of the queue is signed in")]
    NobodySignedIn,
    /// He waits already.
    #[error("the caller waits already")]
    Waits,
}

/// How somebody leaves a queue. Everybody does in exactly one way (QUEUE-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// An agent answered.
    Answered(AgentId),
    /// He hung up.
    HungUp,
    /// He waited as long as one may.
    MaxWait,
    /// The last agent signed out.
    NobodySignedIn,
    /// He was led elsewhere: by a key, a supervisor, a pickup.
    Led,
    /// He asked to be called back.
    CalledBack,
    /// The queue was taken away.
    QueueGone,
}

/// Where one stands in a line: priority, then who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// 255 less the priority.
    behind: u8,
    /// When he came, in microseconds of the monotonic clock; negative for who came before the process.
    came_us: i64,
    entry: EntryId,
}

impl Place {
    pub(super) fn new(entry: EntryId, priority: u8, now: Duration, waited: Duration) -> Self {
        let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Self { behind: u8::MAX - priority, came_us: us(now).saturating_sub(us(waited)), entry }
    }

    pub(super) fn entry(self) -> EntryId {
        self.entry
    }

    pub(super) fn waited(self, now: Duration) -> Duration {
        let now_us = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        Duration::from_micros(u64::try_from(now_us.saturating_sub(self.came_us)).unwrap_or(0))
    }

    /// The instant of the monotonic clock at which he will have waited so long; at once if that has passed.
    pub(super) fn when_waited(self, waited: Duration) -> Duration {
        let at = self.came_us.saturating_add(i64::try_from(waited.as_micros()).unwrap_or(i64::MAX));
        Duration::from_micros(u64::try_from(at).unwrap_or(0))
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) queue: QueueId,
    pub(super) waits: Waits,
    pub(super) place: Place,
    pub(super) open: Open,
    /// Rings for him; more than one where all are rung at once.
    pub(super) offers: Vec<OfferId>,
    /// Who did not take him, and until when that counts.
    pub(super) refusals: Vec<Refusal>,
    pub(super) look_at: Option<Duration>,
    pub(super) max_wait_at: Option<Duration>,
    pub(super) announce_at: Option<Duration>,
    /// He has waited as long as he may, while somebody is rung for him: it is his last chance.
    pub(super) overdue: bool,
}

impl Entry {
    /// Whether an agent is not to be rung for him again yet.
    pub(super) fn is_refused_by(&self, agent: AgentId, now: Duration, alone: Alone) -> bool {
        let counts = |refusal: &Refusal| match alone {
            Alone::Yes => refusal.rests_until > now,
            Alone::No => refusal.until > now,
        };
        self.refusals.iter().any(|refusal| refusal.by == agent && counts(refusal))
    }

    /// An agent rejected him, or could not be rung.
    pub(super) fn refused(&mut self, by: AgentId, now: Duration, for_long: Duration) {
        // One that fails after it was rejected is still rejected.
        let before = self.refusals.iter().filter(|refusal| refusal.by == by).map(|refusal| refusal.until).max();
        let until = before.unwrap_or_default().max(now + for_long);
        self.refusals.retain(|refusal| refusal.by != by && refusal.until > now);
        self.refusals.push(Refusal { by, until, rests_until: now + REFUSAL_REST });
    }
}

/// An agent did not take a caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) by: AgentId,
    /// Until when others come first.
    pub(super) until: Duration,
    /// Until when he is left alone even if there is nobody else.
    pub(super) rests_until: Duration,
}

/// Whether an agent is the only one of a queue who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    Yes,
    No,
}

/// For whom somebody who waits may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// To agents up to a level.
    Level(Level),
    /// To one agent until then.
    Only { agent: AgentId, until: Duration, ring_for: Duration },
}

/// The line of a queue.
#[derive(Debug, Default)]
pub(super) struct Line {
    all: BTreeSet<Place>,
    /// Those who may be offered now, by the last level that they are open to.
    open: [BTreeSet<Place>; 9],
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn join(&mut self, place: Place) {
        self.all.insert(place);
    }

    pub(super) fn leave(&mut self, place: Place) {
        self.all.remove(&place);
        self.close(place);
    }

    /// He may be offered to agents up to this level.
    pub(super) fn open(&mut self, place: Place, level: Level) {
        self.close(place);
        self.open[level.at()].insert(place);
    }

    /// He may not be offered now.
    pub(super) fn close(&mut self, place: Place) {
        for open in &mut self.open {
            open.remove(&place);
        }
    }

    /// Those who may be offered to an agent of this level, in each of the line's parts first come first.
    pub(super) fn for_level(&self, level: Level) -> impl Iterator<Item = impl Iterator<Item = Place> + '_> + '_ {
        level.and_beyond().map(|level| self.open[level.at()].iter().copied())
    }

    pub(super) fn everybody(&self) -> impl Iterator<Item = EntryId> + '_ {
        self.all.iter().map(|place| place.entry)
    }
}
