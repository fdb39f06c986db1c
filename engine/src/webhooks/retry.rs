//! When an event that was not taken is tried again, and when it is given up.

use std::time::Duration;

/// How long, how often and with which pauses an event is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// The pause after the first attempt; doubled after each further one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// From its first attempt on so long an event is tried.
    pub span: Duration,
    /// And so often at the most.
    pub attempts: u32,
}

/// What becomes of an event after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It is tried again then, ms since the Unix epoch.
    Again(u64),
    /// It goes to the dead letters.
    Dead,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed {
    /// The how manieth it was, from 1.
    pub(super) attempt: u32,
    /// When the first one was, ms since the Unix epoch.
    pub(super) since_ms: u64,
    /// Now.
    pub(super) now_ms: u64,
    /// What the server asks for.
    pub(super) retry_after: Option<Duration>,
    /// Any number.
    pub(super) random: u32,
}

impl RetryRules {
    /// What follows. A pause is between half of the doubled one and all of it, so that endpoints that failed together are not tried
    /// together; a server that asks for a longer one gets it, up to the longest.
    pub(super) fn after(&self, failed: Failed) -> After {
        let doubled = 1_u32.checked_shl(failed.attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(doubled).min(self.longest);
        let half = whole / 2;
        let jittered = half + half.mul_f64(f64::from(failed.random) / f64::from(u32::MAX));
        let asked = failed.retry_after.unwrap_or_default().min(self.longest);
        let at_ms = failed.now_ms.saturating_add(millis(jittered.max(asked)));
        let until_ms = failed.since_ms.saturating_add(millis(self.span));
        if failed.attempt >= self.attempts || at_ms > until_ms { After::Dead } else { After::Again(at_ms) }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: RetryRules = RetryRules {
        first: Duration::from_secs(5),
        longest: Duration::from_secs(3_600),
        span: Duration::from_secs(86_400),
        attempts: 60,
    };

    fn failed(attempt: u32, random: u32) -> Failed {
        Failed { attempt, since_ms: 1_000, now_ms: 1_000, retry_after: None, random }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_differ_by_half() {
        for (attempt, seconds) in [(1, 5), (2, 10), (3, 20), (10, 2_560), (11, 3_600), (33, 3_600), (59, 3_600)] {
            let most = 1_000 + seconds * 1_000;
            assert_eq!(RULES.after(failed(attempt, u32::MAX)), After::Again(most), "{attempt}");
            assert_eq!(RULES.after(failed(attempt, 0)), After::Again(1_000 + seconds * 500), "{attempt}");
        }
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_up_to_the_longest_pause() {
        let asks = |seconds| Failed { retry_after: Some(Duration::from_secs(seconds)), ..failed(1, 0) };
        assert_eq!(RULES.after(asks(1)), After::Again(3_500));
        assert_eq!(RULES.after(asks(120)), After::Again(121_000));
        assert_eq!(RULES.after(asks(1_000_000)), After::Again(3_601_000));
    }

    #[test]
    fn an_event_is_given_up_after_the_span_or_the_last_attempt() {
        assert_eq!(RULES.after(failed(60, 0)), After::Dead);
        let late = |now_ms| Failed { now_ms, ..failed(12, u32::MAX) };
        assert_eq!(RULES.after(late(1_000 + 82_800_000)), After::Again(1_000 + 86_400_000));
        assert_eq!(RULES.after(late(1_001 + 82_800_000)), After::Dead);
        // All of the usual span by the usual pauses.
        let (mut now_ms, mut attempt) = (1_000, 1);
        while let After::Again(at_ms) = RULES.after(Failed { attempt, now_ms, ..failed(1, u32::MAX / 2) }) {
            (now_ms, attempt) = (at_ms, attempt + 1);
        }
        assert!((35..60).contains(&attempt) && now_ms > 82_000_000, "{attempt} attempts in {now_ms} ms");
    }
}
