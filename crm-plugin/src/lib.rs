//! The CRM, which knows the engine only through its hooks.
//!
//! So far it reads every fact exactly once and counts it. Its cursor stands in its own `crm.db`, written in one transaction
//! with what it derives: a crash between two facts loses none and doubles none.

mod store;

use std::collections::BTreeMap;

use hooks::plugin::{Host, HostError, PermissionKey, Plugin, PluginError, Recorded};

pub use store::{CrmStore, StoreError};

/// The plugin. It holds nothing between two runs: all it knows is in its database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crm;

/// Facts taken in by one transaction: SQLite does ten times as many in batches as alone.
const FACTS_AT_ONCE: usize = 500;

/// Stands in logs and paths.
const NAME: &str = "crm";

impl Plugin for Crm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn permission_keys(&self) -> &'static [PermissionKey] {
        &[]
    }

    fn run(&self, host: &dyn Host) -> Result<(), PluginError> {
        match consume(host) {
            Err(RunError::Host(HostError::Stopping)) => Ok(()),
            Err(error) => Err(PluginError { plugin: NAME, reason: error.to_string() }),
            Ok(never) => match never {},
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Goes round the tenants for ever. The host makes it wait where there is nothing new.
fn consume(host: &dyn Host) -> Result<std::convert::Infallible, RunError> {
    let mut store = CrmStore::open(&host.data_dir())?;
    let mut cursors = BTreeMap::new();
    loop {
        for tenant in host.tenants() {
            let cursor = match cursors.remove(&tenant) {
                Some(cursor) => cursor,
                None => store.cursor(&tenant)?,
            };
            let facts = host.facts_after(&cursor, FACTS_AT_ONCE)?;
            let reached = facts.last().map_or_else(|| cursor.clone(), |last| last.position.clone());
            store.take(&cursor, &reached, &counted(&facts))?;
            cursors.insert(tenant, reached);
        }
    }
}

/// How many facts of each type there are.
fn counted(facts: &[Recorded]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for recorded in facts {
        *counts.entry(kind(recorded)).or_default() += 1;
    }
    counts
}

/// The type as it is written in the log, such as `call.created`.
fn kind(recorded: &Recorded) -> String {
    let event = serde_json::to_value(&recorded.fact.event).unwrap_or_default();
    event["type"].as_str().unwrap_or("unknown").to_owned()
}
