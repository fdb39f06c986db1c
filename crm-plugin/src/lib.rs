//! The CRM, which knows the engine only through its hooks.
//!
//! So far it keeps the lists of calls: call records, missed calls, lost calls and those that a mobile answered, and it sends short
//! messages. The lists are derived from the log of facts; its cursor stands in its own `crm.db`, written in one transaction with what it
//! derives: a crash between two facts loses none and doubles none.

mod api;
mod consume;
mod fold;
mod sender;
mod store;

use std::sync::{Arc, Mutex, PoisonError};

use hooks::operation::{Operation, Problem, Request, Response};
use hooks::plugin::{FieldKey, Host, HostError, PermissionKey, Plugin, PluginError};
use hooks::task::Export;

pub use fold::CallState;
pub use store::{CrmStore, StoreError};

/// The plugin. All it knows is in its database.
#[derive(Debug, Default)]
pub struct Crm {
    shelf: Arc<Shelf>,
    /// Rung where a short message waits.
    bell: sender::Bell,
}

/// Where the database is, which is opened when it is needed first.
#[derive(Debug, Default)]
struct Shelf(Mutex<Option<Arc<CrmStore>>>);

/// Stands in logs and paths.
const NAME: &str = "crm";

impl Shelf {
    fn store(&self, host: &dyn Host) -> Result<Arc<CrmStore>, StoreError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref() {
            Some(store) => Ok(Arc::clone(store)),
            None => {
                let store = Arc::new(CrmStore::open(&host.data_dir())?);
                *held = Some(Arc::clone(&store));
                Ok(store)
            }
        }
    }
}

impl Crm {
    /// Hands over the short messages that wait, which [`Plugin::run`] does by itself.
    ///
    /// # Errors
    /// [`StoreError`]; what waits is sent later.
    pub fn send_waiting(&self, host: &dyn Host) -> Result<(), StoreError> {
        sender::send_waiting(&*self.shelf.store(host)?, host, || false)
    }
}

impl Plugin for Crm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn roots(&self) -> &'static [&'static str] {
        &["sms"]
    }

    fn permission_keys(&self) -> &'static [(PermissionKey, &'static str)] {
        api::KEYS
    }

    fn operations(&self) -> Vec<Operation> {
        api::operations()
    }

    fn schemas(&self) -> Vec<(&'static str, serde_json::Value)> {
        api::schemas()
    }

    fn handle(&self, host: &dyn Host, request: &Request) -> Result<Response, Problem> {
        let store = self.shelf.store(host).map_err(|error| api::store_problem(&error))?;
        api::handle(&store, host, &self.bell, request)
    }

    fn fields(&self) -> &'static [FieldKey] {
        api::FIELDS
    }

    fn exports(&self, host: &Arc<dyn Host>) -> Vec<Arc<dyn Export>> {
        api::exports(&self.shelf, host)
    }

    fn run(&self, host: &dyn Host) -> Result<(), PluginError> {
        let ended = match self.shelf.store(host) {
            Ok(store) => sender::beside(&store, host, &self.bell, || consume::run(&store, host)),
            Err(error) => Err(error.into()),
        };
        match ended {
            Err(consume::RunError::Host(HostError::Stopping)) => Ok(()),
            Err(error) => Err(PluginError { plugin: NAME, reason: error.to_string() }),
            Ok(never) => match never {},
        }
    }
}
