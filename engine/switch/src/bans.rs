//! Sources of failed sign-ins: first answered slowly, then refused for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use sip::time::Now;

use crate::config::Limits;
use crate::view::BanView;

/// What a failed sign-in brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Penalty {
    /// The answer goes out after this time; zero for the first few.
    Slowed(Duration),
    /// The source is refused from now on.
    Banned(BanView),
}

/// Failed sign-ins by source. A source is forgotten when its window, or its ban, has run out.
#[derive(Debug)]
pub(crate) struct Bans {
    limits: Limits,
    watched: BTreeMap<IpAddr, Watch>,
    by_end: BTreeSet<(Duration, IpAddr)>,
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    failures: u32,
    standing: Standing,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    /// Failures are counted until then.
    Counted { until: Duration },
    /// Refused until then.
    Banned { until: Duration, until_ms: u64 },
}

impl Watch {
    fn until(self) -> Duration {
        match self.standing {
            Standing::Counted { until } | Standing::Banned { until, .. } => until,
        }
    }
}

impl Bans {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, watched: BTreeMap::new(), by_end: BTreeSet::new() }
    }

    /// Whether the source is refused now.
    pub(crate) fn is_banned(&self, source: IpAddr, now: Now) -> bool {
        self.watched.get(&source.to_canonical()).is_some_and(|watch| match watch.standing {
            Standing::Counted { .. } => false,
            Standing::Banned { until, .. } => now.mono < until,
        })
    }

    /// Counts a failed sign-in.
    pub(crate) fn failed(&mut self, source: IpAddr, now: Now) -> Penalty {
        let source = source.to_canonical();
        let old = self.forget(source);
        let (failures, until) = match old {
            Some(watch) if watch.until() > now.mono => (watch.failures.saturating_add(1), watch.until()),
            Some(_) | None => (1, now.after(self.limits.ban_window)),
        };
        self.make_room();
        let banned = failures >= self.limits.auth_failures;
        let watch = if banned {
            let ban_ms = u64::try_from(self.limits.ban.as_millis()).unwrap_or(u64::MAX);
            let until_ms = now.unix_ms.saturating_add(ban_ms);
            Watch { failures, standing: Standing::Banned { until: now.after(self.limits.ban), until_ms } }
        } else {
            Watch { failures, standing: Standing::Counted { until } }
        };
        self.by_end.insert((watch.until(), source));
        self.watched.insert(source, watch);
        match watch.standing {
            Standing::Counted { .. } => Penalty::Slowed(slowness(failures)),
            Standing::Banned { until_ms, .. } => Penalty::Banned(BanView { source, until_ms, failures }),
        }
    }

    /// Lifts the ban; false if there was none.
    pub(crate) fn lift(&mut self, source: IpAddr, now: Now) -> bool {
        let source = source.to_canonical();
        self.is_banned(source, now) && self.forget(source).is_some()
    }

    /// When the next source is forgotten.
    pub(crate) fn next_end(&self) -> Option<Duration> {
        self.by_end.first().map(|(until, _)| *until)
    }

    /// Forgets one source whose time has run out, and says whether it was banned.
    pub(crate) fn expire_one(&mut self, now: Now) -> Option<(IpAddr, bool)> {
        let (until, source) = *self.by_end.first()?;
        if until > now.mono {
            return None;
        }
        let watch = self.forget(source)?;
        Some((source, matches!(watch.standing, Standing::Banned { .. })))
    }

    /// Sources watched or banned.
    pub(crate) fn len(&self) -> usize {
        self.watched.len()
    }

    fn forget(&mut self, source: IpAddr) -> Option<Watch> {
        let watch = self.watched.remove(&source)?;
        self.by_end.remove(&(watch.until(), source));
        Some(watch)
    }

    /// At the limit the one that would be forgotten next goes first.
    fn make_room(&mut self) {
        if self.watched.len() >= self.limits.watched_sources.max(1)
            && let Some((_, source)) = self.by_end.first().copied()
        {
            self.forget(source);
        }
    }
}

/// Nothing for the first three (a mistyped password), then doubling from 250 ms.
fn slowness(failures: u32) -> Duration {
    match failures.checked_sub(UNSLOWED) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => SLOWED_FIRST.saturating_mul(1 << (beyond - 1).min(DOUBLINGS_MAX)).min(SLOWED_MAX),
    }
}

/// Failures answered at once.
const UNSLOWED: u32 = 3;
const SLOWED_FIRST: Duration = Duration::from_millis(250);
/// Well below the 32 s in which a client gives up (RFC 3261 §17.1.2.2, timer F).
const SLOWED_MAX: Duration = Duration::from_secs(4);
const DOUBLINGS_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            calls: 1,
            pending_transactions: 1,
            finished_transactions: 1,
            contacts_per_extension: 1,
            auth_failures: 6,
            ban_window: Duration::from_secs(60),
            ban: Duration::from_secs(600),
            watched_sources: 2,
        }
    }

    fn at(seconds: u64) -> Now {
        Now { mono: Duration::from_secs(seconds), unix_ms: seconds * 1_000 }
    }

    const EVE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66));

    #[test]
    fn failures_are_slowed_then_banned_then_forgotten() {
        let mut bans = Bans::new(limits());
        let penalties: Vec<Penalty> = (0..6).map(|_| bans.failed(EVE, at(1))).collect();
        let slow = |ms| Penalty::Slowed(Duration::from_millis(ms));
        let banned = Penalty::Banned(BanView { source: EVE, until_ms: 601_000, failures: 6 });
        assert_eq!(penalties, [slow(0), slow(0), slow(0), slow(250), slow(500), banned]);
        assert!(bans.is_banned(EVE, at(600)));
        assert!(bans.is_banned("::ffff:192.0.2.66".parse().unwrap(), at(600)));
        assert_eq!(bans.expire_one(at(600)), None);
        assert_eq!(bans.expire_one(at(601)), Some((EVE, true)));
        assert!(!bans.is_banned(EVE, at(601)));
        assert_eq!(bans.len(), 0);
    }

    #[test]
    fn slow_failures_in_different_windows_do_not_add_up() {
        let mut bans = Bans::new(limits());
        for round in 0..20 {
            assert_eq!(bans.failed(EVE, at(round * 61)), Penalty::Slowed(Duration::ZERO));
        }
    }

    #[test]
    fn a_ban_can_be_lifted_once() {
        let mut bans = Bans::new(limits());
        for _ in 0..6 {
            bans.failed(EVE, at(1));
        }
        assert!(bans.lift(EVE, at(2)));
        assert!(!bans.lift(EVE, at(2)));
        assert!(!bans.is_banned(EVE, at(2)));
    }

    #[test]
    fn the_table_is_bounded() {
        let mut bans = Bans::new(limits());
        for host in 0..100_u8 {
            bans.failed(IpAddr::from([10, 0, 0, host]), at(u64::from(host)));
            assert!(bans.len() <= 2);
        }
        assert_eq!(bans.by_end.len(), bans.watched.len());
    }
}
