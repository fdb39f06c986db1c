//! Sign-in tries per address (LOGIN-07): wrong ones count, for a while.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Wrong tries of one address within [`WINDOW_MS`] before it has to wait (LOGIN-07).
pub const TRIES_MAX: usize = 20;
/// LOGIN-07: 5 minutes.
pub const WINDOW_MS: u64 = 300_000;
/// Addresses remembered at a time; beyond, the one that tried longest ago is forgotten.
const SOURCES_MAX: usize = 10_000;

/// Remembers tries.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<BTreeMap<IpAddr, VecDeque<u64>>>);

/// The address has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// After this time another try is looked at.
    pub wait_ms: u64,
}

impl Throttle {
    /// Counts a try before it is looked at, so that tries at the same time count, too. A right one is taken back by
    /// [`Throttle::forgive`].
    ///
    /// # Errors
    /// [`TooMany`] when the address has to wait; that try does not count.
    pub fn begin(&self, source: IpAddr, now_ms: u64) -> Result<(), TooMany> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= SOURCES_MAX && !tries.contains_key(&source) {
            forget_one(&mut tries, now_ms);
        }
        let mine = tries.entry(source).or_default();
        while mine.front().is_some_and(|at| at + WINDOW_MS <= now_ms) {
            mine.pop_front();
        }
        if let (true, Some(oldest)) = (mine.len() >= TRIES_MAX, mine.front()) {
            return Err(TooMany { wait_ms: oldest + WINDOW_MS - now_ms });
        }
        mine.push_back(now_ms);
        Ok(())
    }

    /// The last try was right.
    pub fn forgive(&self, source: IpAddr) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = tries.get_mut(&source) {
            mine.pop_back();
            if mine.is_empty() {
                tries.remove(&source);
            }
        }
    }
}

fn forget_one(tries: &mut BTreeMap<IpAddr, VecDeque<u64>>, now_ms: u64) {
    tries.retain(|_, mine| mine.back().is_some_and(|at| at + WINDOW_MS > now_ms));
    if tries.len() >= SOURCES_MAX
        && let Some(longest_ago) = tries.iter().min_by_key(|(_, mine)| mine.back().copied()).map(|(source, _)| *source)
    {
        tries.remove(&longest_ago);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Proves LOGIN-07.
    #[test]
    fn the_21st_wrong_try_within_five_minutes_waits() {
        let throttle = Throttle::default();
        for n in 0..20 {
            assert_eq!(throttle.begin(SOURCE, n), Ok(()));
        }
        assert_eq!(throttle.begin(SOURCE, 1_000), Err(TooMany { wait_ms: WINDOW_MS - 1_000 }));
        assert_eq!(throttle.begin("192.0.2.1".parse().unwrap(), 1_000), Ok(()));
        assert_eq!(throttle.begin(SOURCE, WINDOW_MS), Ok(()));
        assert!(throttle.begin(SOURCE, WINDOW_MS).is_err());
    }

    #[test]
    fn right_tries_do_not_count() {
        let throttle = Throttle::default();
        for n in 0..100 {
            assert_eq!(throttle.begin(SOURCE, n), Ok(()));
            throttle.forgive(SOURCE);
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..SOURCES_MAX as u32 + 10 {
            throttle.begin(IpAddr::from(n.to_be_bytes()), u64::from(n) / 1_000).unwrap();
        }
        assert!(throttle.0.lock().unwrap().len() <= SOURCES_MAX);
    }
}
