//! The facts on their way to the journal. What the journal refuses waits here, in order.

use std::collections::BTreeMap;

use hooks::fact::Fact;
use hooks::id::TenantId;

use crate::journal::AppendError;
use crate::journal::facts::FactJournal;

/// Facts that wait for a journal that cannot be written: some ten thousand calls. Only running calls make facts then, so a
/// full disk is mended long before. Beyond it the newest are given up, with a line in the log for each batch.
pub const PENDING_FACTS_MAX: usize = 100_000;

/// Whether the journal can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Failing,
}

/// The journals of all tenants, and what waits for them.
pub struct FactLog {
    journals: BTreeMap<TenantId, FactJournal>,
    pending: BTreeMap<TenantId, Vec<Fact>>,
    state: State,
}

impl FactLog {
    /// Over the open journals.
    #[must_use]
    pub fn new(journals: Vec<FactJournal>) -> Self {
        let journals = journals.into_iter().map(|journal| (journal.handle().tenant().clone(), journal)).collect();
        Self { journals, pending: BTreeMap::new(), state: State::Good }
    }

    /// Takes a fact to be written with the next [`Self::write`].
    pub fn push(&mut self, fact: Fact) {
        let pending = self.pending.entry(fact.tenant.clone()).or_default();
        if pending.len() < PENDING_FACTS_MAX {
            pending.push(fact);
        } else {
            tracing::error!(tenant = %fact.tenant, "a fact is lost: the journal has failed for too long");
        }
    }

    /// Writes what waits, one `write()` a tenant.
    pub fn write(&mut self) {
        let mut failed = None;
        for (tenant, facts) in self.pending.iter_mut().filter(|(_, facts)| !facts.is_empty()) {
            let Some(journal) = self.journals.get_mut(tenant) else {
                tracing::error!(%tenant, facts = facts.len(), "facts of a tenant without a journal are lost");
                facts.clear();
                continue;
            };
            match journal.append(facts) {
                Ok(_position) => facts.clear(),
                Err(error) => failed = Some(error),
            }
        }
        self.note(failed);
    }

    /// True while facts wait for a journal that cannot be written, and from a failed flush on: no new call may be taken.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        match self.state {
            State::Good => self.journals.values().any(FactJournal::is_broken),
            State::Failing => true,
        }
    }

    fn note(&mut self, failed: Option<AppendError>) {
        match (self.state, failed) {
            (State::Good, None) | (State::Failing, Some(_)) => {}
            (State::Good, Some(error)) => {
                self.state = State::Failing;
                tracing::error!(%error, "the journal cannot be written: facts wait, no new call is taken");
            }
            (State::Failing, None) => {
                self.state = State::Good;
                tracing::info!("the journal can be written again");
            }
        }
    }
}
