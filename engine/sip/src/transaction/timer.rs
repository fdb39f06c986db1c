//! The timers of RFC 3261 §17 and RFC 6026 §7: their lengths, and the queue of those that run.

use std::collections::BTreeSet;
use std::time::Duration;

use super::output::TransactionKey;

/// A timer by its letter in RFC 3261 table 4 and RFC 6026, or by its purpose where the RFC gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// INVITE retransmission.
    A,
    /// INVITE without any response.
    B,
    /// INVITE without a final response.
    C,
    /// Wait for retransmitted failures.
    D,
    /// Request retransmission.
    E,
    /// Request without a final response.
    F,
    /// Failure retransmission.
    G,
    /// Wait for the ACK of a failure.
    H,
    /// Wait for retransmitted ACKs.
    I,
    /// Wait for retransmitted requests.
    J,
    /// Wait for retransmitted responses.
    K,
    /// Wait for retransmitted INVITEs after a 2xx (RFC 6026).
    L,
    /// Wait for more 2xx (RFC 6026).
    M,
    /// 200 ms until the automatic 100.
    Trying,
    /// 2xx retransmission (RFC 3261 §13.3.1.4).
    Resend,
    /// CANCEL without a final response of the INVITE (RFC 3261 §9.1).
    Cancelled,
    /// Until the 100 to a request that is no INVITE (RFC 4320 §4.1).
    Late,
    /// Request that the TU never answered, from the 100 on.
    Abandoned,
}

/// Which of a transaction's clocks a timer runs on; one timer at a time on each, a new one replaces the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// Short: something is sent again.
    Resend,
    /// The transaction fails when it ends.
    Pending,
    /// The transaction is finished and lingers until it ends.
    Linger,
}

impl Timer {
    fn lane(self) -> Lane {
        match self {
            Self::A | Self::E | Self::G | Self::Trying | Self::Resend => Lane::Resend,
            Self::B | Self::C | Self::F | Self::Cancelled | Self::Late | Self::Abandoned => Lane::Pending,
            Self::D | Self::H | Self::I | Self::J | Self::K | Self::L | Self::M => Lane::Linger,
        }
    }
}

/// Lengths of the timers. The defaults are RFC 3261 table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerConfig {
    /// Estimate of the round trip; 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions; 4 s.
    pub t2: Duration,
    /// Longest life of a message in the network; 5 s.
    pub t4: Duration,
    /// Timer C: a call that rings longer without any new provisional response is cancelled. More than 3 minutes (RFC 3261
    /// §16.6 step 11). The TU's own ring time-out comes before it.
    pub c: Duration,
    /// Time the TU has before an INVITE is answered with 100; 200 ms (RFC 3261 §17.2.1).
    pub trying: Duration,
}

impl Default for TimerConfig {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            c: Duration::from_secs(185),
            trying: Duration::from_millis(200),
        }
    }
}

impl TimerConfig {
    /// Length of a timer on its `round`th start (0 is the first). `None` where the timer does not run on this transport;
    /// zero where it ends at once.
    pub(crate) fn length(&self, timer: Timer, round: u8, reliable: bool) -> Option<Duration> {
        let doubled = self.t1.saturating_mul(1 << round.min(DOUBLINGS_MAX));
        let unreliable_only = |length| if reliable { Duration::ZERO } else { length };
        match timer {
            Timer::A => (!reliable).then_some(doubled),
            Timer::E | Timer::G => (!reliable).then_some(doubled.min(self.t2)),
            // RFC 3261 §13.3.1.4: the 2xx is retransmitted on every transport: a proxy may change it on the way.
            Timer::Resend => Some(doubled.min(self.t2)),
            Timer::Trying => Some(self.trying),
            Timer::C => Some(self.c),
            Timer::B | Timer::F | Timer::H | Timer::L | Timer::M | Timer::Cancelled => Some(self.t1.saturating_mul(64)),
            Timer::Late => Some(self.late()),
            Timer::Abandoned => Some(self.t1.saturating_mul(64).saturating_sub(self.late())),
            // RFC 3261 §17.1.1.2: at least 32 s; 64*T1 is that by default.
            Timer::D | Timer::J => Some(unreliable_only(self.t1.saturating_mul(64))),
            Timer::I | Timer::K => Some(unreliable_only(self.t4)),
        }
    }
}

impl TimerConfig {
    /// RFC 4320 §4.1: how long it takes until a client's timer E is T2: 3.5 s by default.
    fn late(&self) -> Duration {
        (0..=DOUBLINGS_MAX).map(|round| self.t1.saturating_mul(1 << round)).take_while(|length| *length < self.t2).sum()
    }
}

/// 2^6 is 64*T1, which no retransmission outlives.
const DOUBLINGS_MAX: u8 = 6;

/// What runs for one transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clocks {
    resend: Option<Armed>,
    expiry: Option<Armed>,
    /// Starts of the timer on the resend lane so far.
    pub(crate) round: u8,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    at: Duration,
    timer: Timer,
}

/// The running timers of all transactions; every operation is O(log n), and stopped ones leave at once.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    resend: BTreeSet<(Duration, TransactionKey)>,
    pending: BTreeSet<(Duration, TransactionKey)>,
    linger: BTreeSet<(Duration, TransactionKey)>,
}

impl TimerQueue {
    /// Starts `timer` to end at `at`, in place of the one on the same clock.
    pub(crate) fn start(&mut self, key: TransactionKey, clocks: &mut Clocks, timer: Timer, at: Duration) {
        let clock = match timer.lane() {
            Lane::Resend => &mut clocks.resend,
            Lane::Pending | Lane::Linger => &mut clocks.expiry,
        };
        if let Some(old) = clock.replace(Armed { at, timer }) {
            self.lane(old.timer).remove(&(old.at, key));
        }
        self.lane(timer).insert((at, key));
    }

    /// Stops the timer, if it is the one that runs on its clock.
    pub(crate) fn stop(&mut self, key: TransactionKey, clocks: &mut Clocks, timer: Timer) {
        let clock = match timer.lane() {
            Lane::Resend => &mut clocks.resend,
            Lane::Pending | Lane::Linger => &mut clocks.expiry,
        };
        if let Some(armed) = clock.take_if(|armed| armed.timer == timer) {
            self.lane(timer).remove(&(armed.at, key));
        }
    }

    /// Stops whatever runs for the transaction.
    pub(crate) fn stop_all(&mut self, key: TransactionKey, clocks: &mut Clocks) {
        for armed in [clocks.resend.take(), clocks.expiry.take()].into_iter().flatten() {
            self.lane(armed.timer).remove(&(armed.at, key));
        }
    }

    /// The earliest end.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.first().map(|(at, _)| at)
    }

    /// The transaction whose timer has ended by `now`, the earliest first.
    pub(crate) fn due(&self, now: Duration) -> Option<TransactionKey> {
        self.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    /// The finished transaction that would leave next.
    pub(crate) fn first_lingering(&self) -> Option<TransactionKey> {
        self.linger.first().map(|(_, key)| *key)
    }

    /// Takes the timer of this transaction that has ended by `now`, the earlier one first.
    pub(crate) fn take_due(&mut self, key: TransactionKey, clocks: &mut Clocks, now: Duration) -> Option<Timer> {
        let earlier = match (&clocks.resend, &clocks.expiry) {
            (Some(resend), Some(expiry)) if expiry.at <= resend.at => &mut clocks.expiry,
            (Some(_), Some(_) | None) => &mut clocks.resend,
            (None, _) => &mut clocks.expiry,
        };
        let armed = earlier.take_if(|armed| armed.at <= now)?;
        self.lane(armed.timer).remove(&(armed.at, key));
        Some(armed.timer)
    }

    fn first(&self) -> Option<(Duration, TransactionKey)> {
        [&self.resend, &self.pending, &self.linger].into_iter().filter_map(|lane| lane.first().copied()).min()
    }

    fn lane(&mut self, timer: Timer) -> &mut BTreeSet<(Duration, TransactionKey)> {
        match timer.lane() {
            Lane::Resend => &mut self.resend,
            Lane::Pending => &mut self.pending,
            Lane::Linger => &mut self.linger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_table_4() {
        let config = TimerConfig::default();
        let lengths = |timer, reliable| -> Vec<u128> {
            (0..9).map_while(|round| config.length(timer, round, reliable)).map(|length| length.as_millis()).collect()
        };
        assert_eq!(lengths(Timer::A, false), [500, 1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000]);
        assert_eq!(lengths(Timer::E, false)[..5], [500, 1000, 2000, 4000, 4000]);
        assert_eq!(lengths(Timer::G, false)[..5], [500, 1000, 2000, 4000, 4000]);
        assert_eq!(lengths(Timer::Resend, true)[..5], [500, 1000, 2000, 4000, 4000]);
        for timer in [Timer::A, Timer::E, Timer::G] {
            assert!(lengths(timer, true).is_empty());
        }
        for timer in [Timer::D, Timer::I, Timer::J, Timer::K] {
            assert_eq!(config.length(timer, 0, true), Some(Duration::ZERO));
        }
        for timer in [Timer::B, Timer::D, Timer::F, Timer::H, Timer::J, Timer::L, Timer::M] {
            assert_eq!(config.length(timer, 0, false), Some(Duration::from_secs(32)));
        }
        assert_eq!(config.length(Timer::I, 0, false), Some(Duration::from_secs(5)));
        assert_eq!(config.length(Timer::K, 0, false), Some(Duration::from_secs(5)));
    }
}
