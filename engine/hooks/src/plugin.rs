//! The two traits of the boundary: what a plugin gives, and what it gets from its host.

use std::sync::Arc;

use crate::directory::Employee;
use crate::fact::Fact;
use crate::id::{CallId, TenantId};
use crate::lookup::Lookups;
use crate::number;
use crate::operation::{Operation, Problem, Request, Response};
use crate::position::Position;
use crate::sms::{Message, NotSent};
use crate::task::{Export, Import};

/// What lets somebody do something: declared beside the operation it guards, in the engine or in a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionKey(pub &'static str);

/// A field of an object that roles have rights on (字段权限).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldKey {
    /// Of what: `customers`.
    pub object: &'static str,
    /// Which: `mobile`.
    pub field: &'static str,
    /// It holds phone numbers, which may be masked.
    pub phone: bool,
}

impl FieldKey {
    /// As roles name it: `object.field`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.object, self.field)
    }
}

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
    /// The directory could not be read; the plugin may try again.
    #[error("cannot read the directory: {0}")]
    Directory(String),
    /// The host is stopping: the plugin shall return.
    #[error("the host is stopping")]
    Stopping,
}

/// Why nobody was called. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDialled(pub String);

/// What a plugin gets. Called on the plugin's own threads, never on one that serves calls; each question may wait for the database.
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

    /// The wall clock, ms since the Unix epoch, UTC.
    fn now_ms(&self) -> u64;

    /// When the day of the tenant's time zone began in which `at_ms` lies (GEN-03), ms since the Unix epoch.
    ///
    /// # Errors
    /// [`HostError::Directory`].
    fn day_began_ms(&self, tenant: &TenantId, at_ms: u64) -> Result<u64, HostError>;

    /// The employee of that number; `None` where there never was one.
    ///
    /// # Errors
    /// [`HostError::Directory`].
    fn employee(&self, tenant: &TenantId, number: &str) -> Result<Option<Employee>, HostError>;

    /// A number in the normal form by which numbers are compared (GEN-06): E.164 with the tenant's country, short and service numbers and
    /// extensions as they are, the empty text for a withheld one.
    fn normal(&self, number: &str) -> String;

    /// Where a number is at home (归属地, CDR-09), such as `广东省深圳市`; empty where that is not known.
    fn location(&self, number: &str) -> String;

    /// A number as it is shown to those who may not see it whole (GEN-07).
    fn mask(&self, number: &str) -> String {
        number::masked(number)
    }

    /// Rings the phone that the employee is signed in on and calls `number` for him.
    ///
    /// # Errors
    /// [`NotDialled`] with the reason: he is signed in on no phone, his state does not allow it, the number leads nowhere.
    fn dial(&self, tenant: &TenantId, employee: &str, number: &str) -> Result<CallId, NotDialled>;

    /// Whether an employee in service other than this one holds the key.
    ///
    /// # Errors
    /// [`HostError::Directory`].
    fn another_may(&self, tenant: &TenantId, key: PermissionKey, employee: &str) -> Result<bool, HostError>;

    /// Hands a short message to the installation's gateway, and waits until that has taken it. It may have arrived though this fails.
    ///
    /// # Errors
    /// [`NotSent`].
    fn send_sms(&self, message: &Message) -> Result<(), NotSent>;
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

    /// What its paths below `/api/v1/` and its permission keys may begin with, beside its name. Nobody else may have it.
    fn roots(&self) -> &'static [&'static str] {
        &[]
    }

    /// The keys that guard its operations, each with what it lets one do. Each begins with the plugin's name or a root and a dot.
    fn permission_keys(&self) -> &'static [(PermissionKey, &'static str)] {
        &[]
    }

    /// Its operations in the HTTP API; the same each time.
    fn operations(&self) -> Vec<Operation> {
        Vec::new()
    }

    /// The schemas that those of its operations refer to as `#/components/schemas/NAME`, by name.
    fn schemas(&self) -> Vec<(&'static str, serde_json::Value)> {
        Vec::new()
    }

    /// Answers a request to one of [`Plugin::operations`]. Called on threads of its own, several at a time, also while
    /// [`Plugin::run`] is not running. What takes too long is not waited for, and a panic is caught.
    ///
    /// # Errors
    /// [`Problem`], which the host shows to who asked.
    fn handle(&self, host: &dyn Host, request: &Request) -> Result<Response, Problem> {
        let _ = host;
        unreachable!("{} has no operation {}", self.name(), request.operation)
    }

    /// The fields that roles have rights on.
    fn fields(&self) -> &'static [FieldKey] {
        &[]
    }

    /// What answers the lookups of calls, if it answers any.
    fn lookups(&self) -> Option<&dyn Lookups> {
        None
    }

    /// What may be taken out of it as a file. The host outlives them.
    fn exports(&self, host: &Arc<dyn Host>) -> Vec<Arc<dyn Export>> {
        let _ = host;
        Vec::new()
    }

    /// What may be taken into it from a file.
    fn imports(&self, host: &Arc<dyn Host>) -> Vec<Arc<dyn Import>> {
        let _ = host;
        Vec::new()
    }

    /// Works until the host stops. Runs on a thread of its own; a panic is caught and it is started again.
    ///
    /// # Errors
    /// Whatever keeps it from going on; it is started again after a pause.
    fn run(&self, host: &dyn Host) -> Result<(), PluginError>;
}
