//! The checkpoints of running calls on their way to disk. What the disk refuses costs no call; it would only not outlive the
//! process.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::id::TenantId;
use sip::time::Now;
use switch::checkpoint::Checkpointed;

use crate::journal::AppendError;
use crate::journal::checkpoints::CheckpointJournal;

/// How often a process with running calls notes that it lives: so exact is the beginning of an interruption.
const ALIVE_EVERY: Duration = Duration::from_secs(1);

/// Whether checkpoints can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Good,
    Failing,
}

/// The checkpoints of all tenants.
pub struct CheckpointLog {
    journals: BTreeMap<TenantId, CheckpointJournal>,
    said: BTreeMap<TenantId, Vec<Checkpointed>>,
    alive_due: Duration,
    state: State,
}

impl CheckpointLog {
    /// Over the open journals.
    #[must_use]
    pub fn new(journals: BTreeMap<TenantId, CheckpointJournal>) -> Self {
        Self { journals, said: BTreeMap::new(), alive_due: Duration::ZERO, state: State::Good }
    }

    /// Takes one to be written with the next [`Self::write`].
    pub fn push(&mut self, said: Checkpointed) {
        let tenant = match &said {
            Checkpointed::Kept(checkpoint) => &checkpoint.tenant,
            Checkpointed::Gone(tenant, _) => tenant,
        };
        self.said.entry(tenant.clone()).or_default().push(said);
    }

    /// Writes those of a step, one `write()` a tenant, and now and then that the process lives.
    pub fn write(&mut self, now: Now) {
        let mut result = None;
        for (tenant, said) in self.said.iter_mut().filter(|(_, said)| !said.is_empty()) {
            // A tenant made since the start gets its journal with the next one.
            if let Some(journal) = self.journals.get_mut(tenant) {
                result = Some(journal.append(said)).filter(Result::is_err).or(result.or(Some(Ok(()))));
            }
            said.clear();
        }
        if now.mono >= self.alive_due {
            self.alive_due = now.mono + ALIVE_EVERY;
            for journal in self.journals.values_mut().filter(|journal| !journal.is_empty()) {
                result = Some(journal.alive(now.unix_ms)).filter(Result::is_err).or(result.or(Some(Ok(()))));
            }
        }
        if let Some(result) = result {
            self.note(result);
        }
    }

    fn note(&mut self, result: Result<(), AppendError>) {
        match (self.state, result) {
            (State::Good, Ok(())) | (State::Failing, Err(_)) => {}
            (State::Good, Err(error)) => {
                self.state = State::Failing;
                tracing::error!(%error, "checkpoints cannot be written: calls would not outlive the process");
            }
            (State::Failing, Ok(())) => {
                self.state = State::Good;
                tracing::info!("checkpoints can be written again");
            }
        }
    }
}
