//! Sign-ins that wait for their browser to come back from the provider.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::store::logins::SignInWay;

/// Sign-ins that wait at a time; beyond, the one that began longest ago is forgotten.
pub const PENDING_MAX: usize = 4_096;
/// After so long at the provider one begins anew.
pub const PENDING_MS: u64 = 600_000;

/// What is kept of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    /// What the ID token must hold.
    pub(super) nonce: String,
    /// What proves to the provider that who shows the code began the sign-in.
    pub(super) verifier: String,
    /// What the browser keeps.
    pub(super) browser: String,
    /// By what he takes part in calls.
    pub(super) sign_in: Option<SignInWay>,
}

/// Those that wait, by their state.
#[derive(Debug, Default)]
pub(super) struct SignIns(Mutex<BTreeMap<String, (u64, Pending)>>);

impl SignIns {
    pub(super) fn put(&self, state: String, pending: Pending, now_ms: u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= PENDING_MAX {
            waiting.retain(|_, (began_ms, _)| *began_ms + PENDING_MS > now_ms);
        }
        if waiting.len() >= PENDING_MAX
            && let Some(oldest) =
                waiting.iter().min_by_key(|(_, (began_ms, _))| *began_ms).map(|(state, _)| state.clone())
        {
            waiting.remove(&oldest);
        }
        waiting.insert(state, (now_ms, pending));
    }

    /// Takes the one with this state out, if it is this browser's and did not wait for too long. Another browser's stays.
    pub(super) fn take(&self, state: &str, browser: &str, now_ms: u64) -> Option<Pending> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.get(state)?.1.browser != browser {
            return None;
        }
        let (began_ms, pending) = waiting.remove(state)?;
        (began_ms + PENDING_MS > now_ms).then_some(pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(browser: &str) -> Pending {
        Pending { nonce: String::new(), verifier: String::new(), browser: browser.to_owned(), sign_in: None }
    }

    #[test]
    fn one_is_taken_once_by_its_browser_and_in_time() {
        let waiting = SignIns::default();
        waiting.put("a".to_owned(), of("mine"), 0);
        assert_eq!(waiting.take("a", "yours", 1), None);
        assert_eq!(waiting.take("a", "mine", PENDING_MS - 1), Some(of("mine")));
        assert_eq!(waiting.take("a", "mine", PENDING_MS - 1), None);
        waiting.put("b".to_owned(), of("mine"), 0);
        assert_eq!(waiting.take("b", "mine", PENDING_MS), None);
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_goes() {
        let waiting = SignIns::default();
        for n in 0..=PENDING_MAX {
            waiting.put(n.to_string(), of("mine"), n as u64);
        }
        assert_eq!(waiting.0.lock().unwrap().len(), PENDING_MAX);
        assert_eq!(waiting.take("0", "mine", 1), None);
        assert!(waiting.take("1", "mine", 1).is_some());
    }
}
