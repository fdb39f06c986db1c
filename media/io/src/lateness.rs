//! How late the relay's deadlines are met: rooms that mix, players that pace, reports.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Deadlines met so far, by how late.
#[derive(Debug, Default)]
pub(crate) struct Lateness {
    counts: [AtomicU64; LATENESS_US.len() + 1],
}

impl Lateness {
    /// One was met so late.
    pub(crate) fn note(&self, late_us: u64) {
        let at = LATENESS_US.partition_point(|bound| *bound < late_us);
        self.counts[at].fetch_add(1, Relaxed);
    }

    /// How many were met within each of [`LATENESS_US`]; the last is of those that were later still.
    pub(crate) fn read(&self) -> [u64; LATENESS_US.len() + 1] {
        std::array::from_fn(|at| self.counts[at].load(Relaxed))
    }
}

/// Bounds of the counts, in microseconds, each included.
pub const LATENESS_US: [u64; 8] = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_deadline_is_counted_once_where_it_belongs() {
        let lateness = Lateness::default();
        for late_us in [0, 100, 101, 2_000, 2_001, 20_000, 20_001, u64::MAX] {
            lateness.note(late_us);
        }
        assert_eq!(lateness.read(), [2, 1, 0, 0, 1, 1, 0, 1, 2]);
    }
}
