//! The engine as one plugin sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dialplan::number::Dialled;
use dialplan::number_map;
use hooks::directory::Employee;
use hooks::id::{CallId, TenantId};
use hooks::plugin::{Host, HostError, NotDialled, PermissionKey, Recorded};
use hooks::position::Position;
use hooks::sms::{Message, NotSent};
use recordings::failpoint::fail_point;
use switch::input::Command;
use switch::output::Done;
use tokio::runtime::Handle;

use crate::http::permission::EVERYTHING;
use crate::journal::facts::FactReader;
use crate::journal::{JournalHandle, ReadError};
use crate::live::{Live, SwitchHandle};
use crate::locations::Locations;
use crate::passed::Passed;
use crate::sms::Sms;
use crate::store::departments::Department;
use crate::store::employees::{self, Employment};
use crate::store::roles::Role;
use crate::store::tenants::Tenant;
use crate::store::{Store, StoreError, unix_ms};

/// How long a plugin is made to wait for facts before it may do other work, and the host looks whether it stops.
const WAIT: Duration = Duration::from_millis(500);

/// After the first new fact, so long for more: a plugin stores a few times a second whatever the load is, and a screen pop
/// comes no later than anybody sees.
const GATHER: Duration = Duration::from_millis(200);

/// How often somebody who waits looks whether the process stops.
const LOOK: Duration = Duration::from_millis(50);

/// The longest that the database or the switch is waited for.
const ASK_MAX: Duration = Duration::from_secs(3);

/// What a plugin's host is made of.
#[derive(Clone)]
pub struct HostParts {
    /// The database.
    pub store: Store,
    /// The switch's published snapshots.
    pub live: Arc<Live>,
    /// The way to the writer.
    pub switch: Arc<dyn SwitchHandle>,
    /// The journal of each tenant.
    pub journals: BTreeMap<TenantId, JournalHandle>,
    /// Where numbers are at home.
    pub locations: Arc<Locations>,
    /// The gateway of short messages, if there is one.
    pub sms: Option<Sms>,
    /// Who has read how far.
    pub passed: Passed,
    /// True once the process stops.
    pub stopping: Arc<AtomicBool>,
}

/// What one plugin sees.
pub struct PluginHost {
    plugin: &'static str,
    parts: HostParts,
    /// Readers stay where they are between two calls.
    readers: Mutex<BTreeMap<TenantId, (Position, FactReader)>>,
    folder: PathBuf,
    runtime: Handle,
}

impl PluginHost {
    /// For the plugin of that name, which keeps its files in `folder`. To be called within tokio: what is asked of the database runs
    /// there.
    #[must_use]
    pub fn new(plugin: &'static str, parts: HostParts, folder: PathBuf) -> Self {
        Self { plugin, parts, readers: Mutex::default(), folder, runtime: Handle::current() }
    }

    /// Whether the process stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.parts.stopping.load(Ordering::Acquire)
    }

    /// Sleeps until then, or until the process stops.
    pub fn pause_until(&self, until: Instant) {
        while !self.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// A reader of what follows. Where that was deleted before the plugin has read it (it is new here, or stood still for weeks), the
    /// oldest kept is the next best place.
    fn reader(&self, journal: &JournalHandle, after: &Position) -> Result<FactReader, HostError> {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).remove(&after.tenant);
        if let Some((position, reader)) = kept
            && position == *after
        {
            return Ok(reader);
        }
        let reader = match journal.reader_after(after) {
            Err(gone @ ReadError::Gone { .. }) => {
                tracing::warn!(plugin = self.plugin, reason = %gone, "a plugin misses facts that were deleted before it read them");
                journal.reader_of_all()
            }
            other => other,
        };
        reader.map(FactReader::from).map_err(|error| HostError::Log(error.to_string()))
    }

    /// Waits for an answer of the database on the plugin's own thread.
    fn ask<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, HostError> {
        let late = || HostError::Directory(format!("no answer within {} s", ASK_MAX.as_secs()));
        let answer = self.runtime.block_on(async { tokio::time::timeout(ASK_MAX, answer).await });
        answer.map_err(|_elapsed| late())?.map_err(|error| HostError::Directory(error.to_string()))
    }
}

impl Host for PluginHost {
    fn tenants(&self) -> Vec<TenantId> {
        self.parts.journals.keys().cloned().collect()
    }

    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError> {
        if self.is_stopping() {
            return Err(HostError::Stopping);
        }
        fail_point("plugin.facts");
        self.parts.passed.note(self.plugin, after);
        let journal = self
            .parts
            .journals
            .get(&after.tenant)
            .ok_or_else(|| HostError::Log(format!("there is no tenant {}", after.tenant)))?;
        let mut reader = self.reader(journal, after)?;
        let limit_number = after.number.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX));
        let written = journal.written_past_blocking(after.number, WAIT);
        if (after.number + 1..limit_number).contains(&written) {
            self.pause_until(Instant::now() + GATHER);
        }
        let facts = reader.next_facts(limit).map_err(|error| HostError::Log(error.to_string()))?;
        let position = facts.last().map_or_else(|| after.clone(), |last| last.position.clone());
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.insert(after.tenant.clone(), (position, reader));
        Ok(facts)
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.clone()
    }

    fn now_ms(&self) -> u64 {
        unix_ms()
    }

    fn day_began_ms(&self, tenant: &TenantId, at_ms: u64) -> Result<u64, HostError> {
        let found = self.ask(self.parts.store.get::<Tenant>(tenant, tenant.as_str()))?;
        Ok(found.value.day_began_ms(at_ms))
    }

    fn employee(&self, tenant: &TenantId, number: &str) -> Result<Option<Employee>, HostError> {
        let store = &self.parts.store;
        let Some(stored) = self.ask(store.find::<employees::Employee>(tenant, number))? else { return Ok(None) };
        let employee = stored.value;
        let department = self.ask(store.find::<Department>(tenant, &employee.department.to_string()))?;
        Ok(Some(Employee {
            number: employee.employee_no,
            name: employee.name,
            active: match employee.employment {
                Employment::Active => true,
                Employment::Left => false,
            },
            department: department
                .map(|stored| hooks::directory::Department { id: stored.value.id, name: stored.value.name }),
        }))
    }

    fn normal(&self, number: &str) -> String {
        Dialled::clean(number)
            .map_or_else(|_| number.to_owned(), |number| number_map::normal(&number).as_str().to_owned())
    }

    fn location(&self, number: &str) -> String {
        self.parts.locations.of_any(number)
    }

    fn dial(&self, tenant: &TenantId, employee: &str, number: &str) -> Result<CallId, NotDialled> {
        let refused = |why: &dyn std::fmt::Display| NotDialled(why.to_string());
        let agent = self.parts.live.agent(tenant, employee);
        let extension = agent.and_then(|agent| agent.extension.clone());
        let extension =
            extension.ok_or_else(|| refused(&"sign in on a phone first: it is rung before the number is called"))?;
        let from = extension.parse().map_err(|error| refused(&error))?;
        let to = Dialled::clean(number).map_err(|error| refused(&error))?;
        let command = self.parts.switch.command(tenant.clone(), Command::Originate { from, to });
        let done = self.runtime.block_on(async { tokio::time::timeout(ASK_MAX, command).await });
        match done.map_err(|_elapsed| refused(&"the switch did not answer in time; look whether the phone rings"))? {
            Ok(Done::Call(call)) => Ok(call),
            Ok(Done::Ok | Done::Parked(_) | Done::TrunkTested(_)) => {
                Err(refused(&"the switch started a call without naming it"))
            }
            Err(error) => Err(refused(&error)),
        }
    }

    fn another_may(&self, tenant: &TenantId, key: PermissionKey, employee: &str) -> Result<bool, HostError> {
        let store = &self.parts.store;
        let roles = self.ask(store.all::<Role>(tenant))?;
        let holding = |role: &Role| role.permissions.contains(EVERYTHING) || role.permissions.contains(key.0);
        let holding: BTreeSet<String> =
            roles.into_iter().filter(|stored| holding(&stored.value)).map(|stored| stored.value.id).collect();
        let employees = self.ask(store.all::<employees::Employee>(tenant))?;
        Ok(employees.iter().map(|stored| &stored.value).any(|other| {
            other.employee_no != employee && other.employment == Employment::Active && holding.contains(&other.role)
        }))
    }

    fn send_sms(&self, message: &Message) -> Result<(), NotSent> {
        let none = "no gateway sends short messages here: an administrator names one in [sms] of the configuration";
        let sms = self.parts.sms.as_ref().ok_or_else(|| NotSent::NoGateway(none.to_owned()))?;
        if !sms.reaches(&message.to) {
            let detail = "messages to such numbers are not sent: see prefixes in [sms] of the configuration";
            return Err(NotSent::NoGateway(detail.to_owned()));
        }
        let message = crate::sms::Message {
            to: message.to.clone(),
            text: message.text.clone(),
            signature: message.signature.clone(),
            template: message.template.clone(),
            parameters: message.parameters.clone(),
        };
        self.runtime.block_on(sms.send(&message)).map_err(|error| NotSent::Failed(error.to_string()))
    }
}
