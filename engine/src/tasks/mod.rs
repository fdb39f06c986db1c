//! Exports and imports as tasks (TASK-01 to TASK-05): who has what to take out or in, what waits and runs, and the files.
//!
//! At most two of a tenant run at a time, the oldest first. A task that a process left unfinished is marked failed by the next
//! one, and what there is of its file goes. Files are kept for some days.

mod runner;
pub mod table;
pub mod xlsx;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use hooks::id::TenantId;
use hooks::task::{Export, Import};
use tokio::sync::Notify;

use crate::data_lock::Deletions;
use crate::lookups::Hooks;
use crate::store::Store;

pub use runner::run;

/// Tasks of a tenant that run at a time (TASK-05).
pub const RUNNING_MAX: usize = 2;
/// Tasks of a tenant that may wait.
pub const WAITING_MAX: u64 = 100;
/// Rows of a file that goes in.
pub const IMPORT_ROWS_MAX: usize = 50_000;
/// Rows of a file that comes out: five sheets full.
pub const EXPORT_ROWS_MAX: u64 = 5_000_000;

/// Why a task that somebody cancelled has failed.
#[must_use]
pub fn cancelled(by: &str) -> String {
    format!("cancelled by {by}")
}

/// The tasks of a process. Cheap to clone.
#[derive(Clone)]
pub struct Tasks(Arc<Inner>);

struct Inner {
    store: Store,
    folder: PathBuf,
    keep_days: u64,
    deletions: Deletions,
    hooks: OnceLock<Arc<Hooks>>,
    exports: RwLock<BTreeMap<&'static str, Arc<dyn Export>>>,
    imports: RwLock<BTreeMap<&'static str, Arc<dyn Import>>>,
    running: Mutex<BTreeMap<(TenantId, String), Cancel>>,
    wake: Notify,
}

/// Tells a running task to end: why.
#[derive(Clone, Debug, Default)]
struct Cancel(Arc<Mutex<Option<String>>>);

impl Cancel {
    fn say(&self, why: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn said(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tasks {
    /// With files in `data_dir/tasks`, kept for so many days.
    #[must_use]
    pub fn new(store: Store, data_dir: &Path, keep_days: u64) -> Self {
        Self(Arc::new(Inner {
            store,
            folder: data_dir.join("tasks"),
            keep_days,
            deletions: Deletions::of(data_dir),
            hooks: OnceLock::new(),
            exports: RwLock::default(),
            imports: RwLock::default(),
            running: Mutex::default(),
            wake: Notify::new(),
        }))
    }

    /// From now on these are asked which numbers a file shows masked (`number.mask`).
    pub fn mask_by(&self, hooks: Arc<Hooks>) {
        // A second API over the same tasks asks the same plugins.
        let _already = self.0.hooks.set(hooks);
    }

    /// From now on this may be taken out.
    pub fn register_export(&self, export: Arc<dyn Export>) {
        self.0.exports.write().unwrap_or_else(PoisonError::into_inner).insert(export.module(), export);
    }

    /// From now on this may be taken in.
    pub fn register_import(&self, import: Arc<dyn Import>) {
        self.0.imports.write().unwrap_or_else(PoisonError::into_inner).insert(import.module(), import);
    }

    /// All that may be taken out, by name.
    #[must_use]
    pub fn exports(&self) -> Vec<Arc<dyn Export>> {
        self.0.exports.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// All that may be taken in, by name.
    #[must_use]
    pub fn imports(&self) -> Vec<Arc<dyn Import>> {
        self.0.imports.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// What of this name may be taken out.
    #[must_use]
    pub fn export(&self, module: &str) -> Option<Arc<dyn Export>> {
        self.0.exports.read().unwrap_or_else(PoisonError::into_inner).get(module).cloned()
    }

    /// What of this name may be taken in.
    #[must_use]
    pub fn import(&self, module: &str) -> Option<Arc<dyn Import>> {
        self.0.imports.read().unwrap_or_else(PoisonError::into_inner).get(module).cloned()
    }

    /// Looks for tasks that wait.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Tells a running task to end; whether it runs.
    #[must_use]
    pub fn cancel(&self, tenant: &TenantId, id: &str, by: &str) -> bool {
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        let cancel = running.get(&(tenant.clone(), id.to_owned()));
        if let Some(cancel) = cancel {
            cancel.say(cancelled(by));
        }
        cancel.is_some()
    }

    /// What comes out of a task: the rows of an export, or those that an import did not take.
    #[must_use]
    pub fn file(&self, tenant: &TenantId, id: &str) -> PathBuf {
        self.0.folder.join(tenant.as_str()).join(format!("{id}.xlsx"))
    }

    /// What goes into an import.
    #[must_use]
    pub fn upload(&self, tenant: &TenantId, id: &str) -> PathBuf {
        self.0.folder.join(tenant.as_str()).join(format!("{id}.upload"))
    }

    /// What is being written.
    fn partial(&self, tenant: &TenantId, id: &str) -> PathBuf {
        self.0.folder.join(tenant.as_str()).join(format!("{id}.part"))
    }
}
