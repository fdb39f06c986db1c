//! After a crash: what the last process left open is closed, what it left on disk is repaired, before anything new begins.

use anyhow::Context;
use hooks::fact::RegistrationBound;
use hooks::id::TenantId;
use recordings::Finished;

use crate::config::Config;
use crate::journal::JournalOptions;
use crate::journal::facts::FactJournal;
use crate::recorder;

/// What is there to begin with.
pub(super) struct Recovered {
    /// The open journals, with every call of the last process ended.
    pub(super) journals: Vec<FactJournal>,
    /// The registrations that may still hold.
    pub(super) bindings: Vec<(TenantId, RegistrationBound)>,
    /// The recordings that were repaired and are written down.
    pub(super) repaired: Vec<Finished>,
}

pub(super) fn recover(config: &Config, tenants: &[TenantId]) -> anyhow::Result<Recovered> {
    let folder = &config.recording.dir;
    std::fs::create_dir_all(folder)
        .and_then(|()| recordings::repair(folder))
        .with_context(|| format!("cannot read the recordings in {}", folder.display()))
        .and_then(|repaired| with_repaired(config, tenants, repaired))
}

fn with_repaired(config: &Config, tenants: &[TenantId], repaired: Vec<Finished>) -> anyhow::Result<Recovered> {
    let mut journals = Vec::new();
    let mut bindings = Vec::new();
    for tenant in tenants {
        let mut journal = FactJournal::open(&JournalOptions::new(&config.journal_dir(), tenant.clone()))?;
        let open = journal.open_state();
        let bound = open.registrations.values().flat_map(|contacts| contacts.values());
        bindings.extend(bound.map(|binding| (tenant.clone(), binding.clone())));
        let alive_until_ms = recorder::heard_until_ms(tenant, &repaired).max(open.last_at_ms);
        let mut facts = open.interrupted(tenant, alive_until_ms);
        facts.extend(recorder::interrupted(tenant, open, &repaired, alive_until_ms));
        if !facts.is_empty() {
            tracing::warn!(%tenant, calls = open.calls.len(), "the last process was killed: its open calls are closed");
            journal.append(&facts)?;
        }
        journals.push(journal);
    }
    Ok(Recovered { journals, bindings, repaired })
}
