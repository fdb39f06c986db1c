//! Who talked with which caller last (IVR-05): remembered as long as there is room, the oldest forgotten first.

use std::collections::{BTreeMap, BTreeSet};

use dialplan::number::{AgentNumber, Dialled};
use hooks::id::TenantId;

/// The last agent of each caller.
#[derive(Debug, Default)]
pub(crate) struct Regulars {
    last: BTreeMap<(TenantId, Dialled), Talked>,
    by_age: BTreeSet<(u64, TenantId, Dialled)>,
}

#[derive(Debug)]
struct Talked {
    agent: AgentNumber,
    /// Since when, ms since the Unix epoch.
    at_ms: u64,
}

impl Regulars {
    /// An agent talks with a caller, since then.
    pub(crate) fn remember(&mut self, tenant: &TenantId, caller: Dialled, agent: AgentNumber, at_ms: u64) {
        let key = (tenant.clone(), caller);
        if let Some(before) = self.last.get(&key) {
            if before.at_ms > at_ms {
                return;
            }
            self.by_age.remove(&(before.at_ms, key.0.clone(), key.1.clone()));
        } else if self.last.len() >= REGULARS_MAX
            && let Some((_, tenant, caller)) = self.by_age.pop_first()
        {
            self.last.remove(&(tenant, caller));
        }
        self.by_age.insert((at_ms, key.0.clone(), key.1.clone()));
        self.last.insert(key, Talked { agent, at_ms });
    }

    /// Who talked with a caller last, if that was not before `since_ms`.
    pub(crate) fn last(&self, tenant: &TenantId, caller: Dialled, since_ms: u64) -> Option<&AgentNumber> {
        let talked = self.last.get(&(tenant.clone(), caller))?;
        (talked.at_ms >= since_ms).then_some(&talked.agent)
    }
}

/// Callers of all tenants whose last agent is remembered: some 20 MB.
pub const REGULARS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_talk_counts_and_the_oldest_caller_is_forgotten() {
        let tenant = TenantId::first();
        let caller = |number: usize| -> Dialled { format!("+{number}").parse().unwrap() };
        let agent = |number: &str| -> AgentNumber { number.parse().unwrap() };
        let mut regulars = Regulars::default();
        regulars.remember(&tenant, caller(1), agent("10001"), 5);
        regulars.remember(&tenant, caller(1), agent("10002"), 9);
        regulars.remember(&tenant, caller(1), agent("10003"), 7);
        assert_eq!(regulars.last(&tenant, caller(1), 9), Some(&agent("10002")), "in whatever order they are told");
        assert_eq!(regulars.last(&tenant, caller(1), 10), None, "too long ago");
        for number in 2..=REGULARS_MAX + 1 {
            regulars.remember(&tenant, caller(number), agent("10001"), 10);
        }
        assert_eq!((regulars.last.len(), regulars.by_age.len()), (REGULARS_MAX, REGULARS_MAX));
        assert_eq!(regulars.last(&tenant, caller(1), 0), None);
        assert!(regulars.last(&tenant, caller(2), 0).is_some());
    }
}
