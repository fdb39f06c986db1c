//! The two traits of the boundary: what a plugin gives, and what it gets from its host.

use crate::fact::Fact;
use crate::id::TenantId;
use crate::lookup::Lookups;
use crate::position::Position;

/// What lets somebody do something: declared beside the operation it guards, in the engine or in a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionKey(pub &'static str);

/// A fact with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stands.
    pub position: Position,
    /// What happened.
    pub fact: Fact,
}

/// Why the host could not serve a plugin.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The log could not be read; the plugin may try again from the same position.
    #[error("cannot read the log of facts: {0}")]
    Log(String),
    /// The host is stopping: the plugin shall return.
    #[error("the host is stopping")]
    Stopping,
}

/// What a plugin gets. Called on the plugin's own thread, never on a thread that serves calls.
pub trait Host: Send + Sync {
    /// The tenants there are.
    fn tenants(&self) -> Vec<TenantId>;

    /// Up to `limit` facts after `after`, in order. Waits for the first one and gathers for a moment those that follow it;
    /// returns an empty list after the host's own interval without any, so that a plugin can do other work. Asking says that
    /// everything up to `after` is stored: facts that every consumer is past are deleted after a while.
    ///
    /// # Errors
    /// [`HostError::Stopping`] ends the plugin; [`HostError::Log`] may pass.
    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError>;

    /// The folder in which the plugin keeps its own database; it exists.
    fn data_dir(&self) -> std::path::PathBuf;
}

/// Why a plugin stopped by itself. The host logs it, waits and starts the plugin again.
#[derive(Debug, thiserror::Error)]
#[error("plugin {plugin}: {reason}")]
pub struct PluginError {
    /// Which plugin.
    pub plugin: &'static str,
    /// What it says.
    pub reason: String,
}

/// What a plugin gives.
pub trait Plugin: Send + Sync {
    /// A short name: it stands in logs and paths.
    fn name(&self) -> &'static str;

    /// The keys that guard its operations.
    fn permission_keys(&self) -> &'static [PermissionKey];

    /// What answers the lookups of calls, if it answers any.
    fn lookups(&self) -> Option<&dyn Lookups> {
        None
    }

    /// Works until the host stops. Runs on a thread of its own; a panic is caught and it is started again.
    ///
    /// # Errors
    /// Whatever keeps it from going on; it is started again after a pause.
    fn run(&self, host: &dyn Host) -> Result<(), PluginError>;
}
