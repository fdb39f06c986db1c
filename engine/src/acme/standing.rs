//! When the authority is asked for a certificate: at two thirds of the life of the one there is, and again after failures, ever more seldom.
//! Pure: the time and what chance draws are arguments.

use serde::{Deserialize, Serialize};

use crate::tls::Validity;

/// How it stands with the certificate of one name. Kept over restarts, or a process that fails to start again and again would ask each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Why the last try failed; none once one went well.
    pub failure: Option<Failure>,
    /// How many failed one after another.
    failures: u32,
    /// Nothing is tried before, ms since the Unix epoch.
    not_before_ms: u64,
}

/// Why there is no newer certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When it was tried, ms since the Unix epoch.
    pub at_ms: u64,
    /// What went wrong.
    pub reason: String,
}

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failed {
    /// Why, and when.
    pub failure: Failure,
    /// Until when the authority wants us to wait (RFC 8555 §6.6), ms since the Unix epoch.
    pub asked_to_wait_ms: Option<u64>,
    /// What chance draws.
    pub draw: u64,
}

impl Standing {
    /// When the next try is due, ms since the Unix epoch; `renewal_ms` of the certificate there is.
    #[must_use]
    pub(super) fn due_ms(&self, renewal_ms: Option<u64>) -> u64 {
        renewal_ms.unwrap_or_default().max(self.not_before_ms)
    }

    /// One more try failed.
    pub(super) fn fail(&mut self, failed: Failed) {
        let Failed { failure, asked_to_wait_ms, draw } = failed;
        let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << self.failures.min(DOUBLINGS_MAX)).min(LONGEST_PAUSE_MS);
        let asked_ms = asked_to_wait_ms.unwrap_or_default().min(failure.at_ms + ASKED_MAX_MS);
        self.not_before_ms = (failure.at_ms + pause_ms + draw % (pause_ms / 4)).max(asked_ms);
        self.failures = self.failures.saturating_add(1);
        self.failure = Some(failure);
    }

    /// Somebody has mended something: nothing is waited for.
    pub(super) fn try_now(&mut self) {
        self.not_before_ms = 0;
    }
}

/// When a certificate is to be replaced, ms since the Unix epoch: two thirds of its life are over, and up to a twentieth of it more by what
/// chance draws, so that not all names and servers ask at once.
#[must_use]
pub(super) fn renewal_ms(validity: &Validity, draw: u64) -> u64 {
    let life_ms = validity.not_after_ms.saturating_sub(validity.not_before_ms);
    validity.not_before_ms + life_ms / 3 * 2 + draw % (life_ms / 20).max(1)
}

/// After the first failure. With a doubling after each that makes four tries in an hour: Let's Encrypt takes five that fail.
const FIRST_PAUSE_MS: u64 = 5 * 60 * 1_000;
/// However many failed. A certificate of a week is still asked for five times in the third of its life that is left.
const LONGEST_PAUSE_MS: u64 = 12 * HOUR_MS;
/// Beyond, the pause is the longest one anyway.
const DOUBLINGS_MAX: u32 = 16;
/// An authority that wants us to wait longer is asked again after this time.
const ASKED_MAX_MS: u64 = 7 * 24 * HOUR_MS;
const HOUR_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;
    const DAY_MS: u64 = 86_400_000;
    const START_MS: u64 = 1_800_000_000_000;

    fn certificate(not_before_ms: u64, days: u64) -> Validity {
        let (name, issuer) = (None, String::new());
        let not_after_ms = not_before_ms + days * DAY_MS;
        Validity { name, path: "x".into(), issuer, self_signed: false, not_before_ms, not_after_ms }
    }

    /// Two years, looked at each minute: when it was tried, and the least time that a certificate had left, ms.
    fn live(days: u64, answers: impl Fn(u64) -> Result<(), Option<u64>>) -> (Vec<u64>, u64) {
        let (mut standing, mut held, mut tried) = (Standing::default(), None::<Validity>, Vec::new());
        let mut least_ms = u64::MAX;
        for now_ms in (START_MS..START_MS + 730 * DAY_MS).step_by(MINUTE_MS as usize) {
            let renewal = held.as_ref().map(|held| renewal_ms(held, 12_345_678_901));
            if standing.due_ms(renewal) <= now_ms {
                tried.push(now_ms - START_MS);
                match answers(now_ms - START_MS) {
                    Ok(()) => (standing, held) = (Standing::default(), Some(certificate(now_ms, days))),
                    Err(asked_to_wait_ms) => {
                        let failure = Failure { at_ms: now_ms, reason: "no".to_owned() };
                        let asked_to_wait_ms = asked_to_wait_ms.map(|ms| START_MS + ms);
                        standing.fail(Failed { failure, asked_to_wait_ms, draw: now_ms });
                    }
                }
            }
            if let Some(held) = &held {
                least_ms = least_ms.min(held.not_after_ms.saturating_sub(now_ms));
            }
        }
        (tried, least_ms)
    }

    #[test]
    fn certificates_are_renewed_when_two_thirds_of_their_life_are_over() {
        let (tried, least_ms) = live(90, |_| Ok(()));
        let gaps: Vec<u64> = tried.windows(2).map(|pair| (pair[1] - pair[0]) / DAY_MS).collect();
        assert_eq!(tried[0], 0);
        assert!(gaps.iter().all(|days| (60..65).contains(days)), "{gaps:?}");
        assert!(least_ms > 25 * DAY_MS, "{least_ms}");
        // Those of six days, too.
        let (_, least_ms) = live(6, |_| Ok(()));
        assert!(least_ms > DAY_MS, "{least_ms}");
    }

    #[test]
    fn an_authority_that_is_away_for_weeks_is_asked_seldom_and_in_time() {
        // Away while the first renewal is due.
        let away = 55 * DAY_MS..80 * DAY_MS;
        let (tried, least_ms) = live(90, |at| if away.contains(&at) { Err(None) } else { Ok(()) });
        assert!(least_ms > 8 * DAY_MS, "{least_ms}");
        let failed: Vec<u64> = tried.into_iter().filter(|at| away.contains(at)).collect();
        assert!((35..60).contains(&failed.len()), "{}", failed.len());
        for at in &failed {
            let hour = failed.iter().filter(|other| (*at..at + 60 * MINUTE_MS).contains(other)).count();
            assert!(hour <= 4, "{hour} within an hour");
        }
        let gaps: Vec<u64> = failed.windows(2).map(|pair| (pair[1] - pair[0]) / MINUTE_MS).collect();
        assert!(gaps.iter().max().is_some_and(|longest| (720..=901).contains(longest)), "{gaps:?}");
    }

    #[test]
    fn an_authority_that_names_a_time_is_not_asked_before() {
        let until = 3 * DAY_MS;
        let (tried, _) = live(90, |at| if at < until { Err(Some(until)) } else { Ok(()) });
        assert_eq!(tried[..2], [0, until]);
        // Not for ever.
        let (tried, _) = live(90, |at| if at == 0 { Err(Some(600 * DAY_MS)) } else { Ok(()) });
        assert_eq!(tried[1], 7 * DAY_MS);
        let mut standing = Standing::default();
        let failure = Failure { at_ms: START_MS, reason: "no".to_owned() };
        standing.fail(Failed { failure, asked_to_wait_ms: Some(START_MS + DAY_MS), draw: 0 });
        assert_eq!(standing.due_ms(None), START_MS + DAY_MS);
        standing.try_now();
        assert_eq!(standing.due_ms(None), 0);
        assert!(standing.failure.is_some());
    }
}
