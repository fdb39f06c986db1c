//! A host over a log of facts that is a list, and requests to the plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crm_plugin::Crm;
use hooks::directory::{Department, Employee};
use hooks::fact::{Event, Fact};
use hooks::id::{CallId, DepartmentId, TenantId};
use hooks::operation::{Caller, Content, Fault, Keys, Problem, Request, Response};
use hooks::plugin::{Host, HostError, NotDialled, PermissionKey, Plugin, Recorded};
use hooks::position::Position;
use hooks::scope::Scope;
use hooks::sms::{Message, NotSent};
use serde_json::{Map, Value};

/// 2026-11-22T08:30:00Z, and when that day began in Shanghai.
pub(crate) const NOW: u64 = 1_795_336_200_000;
pub(crate) const DAY: u64 = NOW - (16 * 60 + 30) * 60_000;

/// How a run of the plugin ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Stopping,
    Damaged,
    Panic,
}

/// A host of one tenant, or of as many as its facts name.
pub(crate) struct FakeHost {
    folder: PathBuf,
    log: Mutex<BTreeMap<TenantId, Vec<Recorded>>>,
    pub(crate) employees: Mutex<BTreeMap<String, Employee>>,
    /// Sizes of the batches, again and again.
    pub(crate) batches: Vec<usize>,
    /// How many facts before the cursor are given once more.
    pub(crate) again: u64,
    /// Batches until the run ends, and how; without it ends when the log does.
    pub(crate) ends: Mutex<Option<(usize, RunEnd)>>,
    pub(crate) asked: Mutex<usize>,
    pub(crate) now_ms: Mutex<u64>,
    pub(crate) dialled: Mutex<Vec<(String, String)>>,
    /// What the gateway took, and what it says instead.
    pub(crate) sent: Mutex<Vec<Message>>,
    pub(crate) refuses: Mutex<Option<NotSent>>,
    /// Who reviews templates.
    pub(crate) reviewers: Mutex<BTreeSet<String>>,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::first()
}

pub(crate) fn sales() -> DepartmentId {
    DepartmentId::new(1, 1)
}

pub(crate) fn support() -> DepartmentId {
    DepartmentId::new(1, 2)
}

impl FakeHost {
    pub(crate) fn new(folder: &Path, facts: Vec<Fact>) -> Self {
        let employee = |number: &str, name: &str, department: (DepartmentId, &str)| {
            let department = Department { id: department.0, name: department.1.to_owned() };
            let (number, name) = (number.to_owned(), name.to_owned());
            (number.clone(), Employee { number, name, active: true, department: Some(department) })
        };
        let employees = [
            employee("10001", "Ann", (sales(), "Sales")),
            employee("10002", "Ben", (support(), "Support")),
            employee("10003", "Cai", (support(), "Support")),
        ];
        let host = Self {
            folder: folder.to_owned(),
            log: Mutex::new(BTreeMap::from([(tenant(), Vec::new())])),
            employees: Mutex::new(employees.into()),
            batches: vec![500],
            again: 0,
            ends: Mutex::default(),
            asked: Mutex::default(),
            now_ms: Mutex::new(NOW),
            dialled: Mutex::default(),
            sent: Mutex::default(),
            refuses: Mutex::default(),
            reviewers: Mutex::default(),
        };
        host.append(facts);
        host
    }

    pub(crate) fn append(&self, facts: Vec<Fact>) {
        let mut log = self.log.lock().unwrap();
        for fact in facts {
            let log = log.entry(fact.tenant.clone()).or_default();
            let number = log.len() as u64 + 1;
            let position = Position { tenant: fact.tenant.clone(), epoch: 1 + number / 100, number };
            log.push(Recorded { position, fact });
        }
    }
}

impl Host for FakeHost {
    fn tenants(&self) -> Vec<TenantId> {
        self.log.lock().unwrap().keys().cloned().collect()
    }

    fn facts_after(&self, after: &Position, limit: usize) -> Result<Vec<Recorded>, HostError> {
        let log = self.log.lock().unwrap();
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        if let Some((left, end)) = &mut *self.ends.lock().unwrap() {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => match end {
                    RunEnd::Stopping => return Err(HostError::Stopping),
                    RunEnd::Damaged => return Err(HostError::Log("damaged".to_owned())),
                    RunEnd::Panic => {
                        drop((log, asked));
                        panic!("a bug in a plugin")
                    }
                },
            }
        }
        let is_last = log.keys().next_back() == Some(&after.tenant);
        let log = &log[&after.tenant];
        if after.number >= log.len() as u64 {
            return if is_last { Err(HostError::Stopping) } else { Ok(Vec::new()) };
        }
        let size = self.batches[*asked % self.batches.len()].min(limit);
        let from = after.number.saturating_sub(self.again);
        let to = (after.number as usize + size).min(log.len());
        let given = log[from as usize..to].to_vec();
        for recorded in &given {
            // He has left, as his fact says.
            if let Event::DirectoryChanged(changed) = &recorded.fact.event {
                self.employees.lock().unwrap().get_mut(&changed.id).unwrap().active = false;
            }
        }
        Ok(given)
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.clone()
    }

    fn now_ms(&self) -> u64 {
        *self.now_ms.lock().unwrap()
    }

    fn day_began_ms(&self, _: &TenantId, _: u64) -> Result<u64, HostError> {
        Ok(DAY)
    }

    fn employee(&self, _: &TenantId, number: &str) -> Result<Option<Employee>, HostError> {
        Ok(self.employees.lock().unwrap().get(number).cloned())
    }

    fn normal(&self, number: &str) -> String {
        let digits = number.trim_start_matches("+86").trim_start_matches('0');
        if digits.len() == 11 { format!("+86{digits}") } else { number.to_owned() }
    }

    fn location(&self, number: &str) -> String {
        if self.normal(number).starts_with("+86138") { "北京市".to_owned() } else { String::new() }
    }

    fn dial(&self, _: &TenantId, employee: &str, number: &str) -> Result<CallId, NotDialled> {
        if employee == "10003" {
            return Err(NotDialled("sign in on a phone first".to_owned()));
        }
        self.dialled.lock().unwrap().push((employee.to_owned(), number.to_owned()));
        Ok(CallId::new(9, 9))
    }

    fn another_may(&self, _: &TenantId, _: PermissionKey, employee: &str) -> Result<bool, HostError> {
        Ok(self.reviewers.lock().unwrap().iter().any(|reviewer| reviewer != employee))
    }

    fn send_sms(&self, message: &Message) -> Result<(), NotSent> {
        match self.refuses.lock().unwrap().clone() {
            Some(refused) => Err(refused),
            None => {
                self.sent.lock().unwrap().push(message.clone());
                Ok(())
            }
        }
    }
}

/// In memory, where there is room: hundreds of databases are made here.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The plugin over facts, read to their end.
pub(crate) struct Centre {
    pub(crate) host: FakeHost,
    pub(crate) crm: Crm,
    _folder: Option<tempfile::TempDir>,
}

impl Centre {
    pub(crate) fn over(facts: Vec<Fact>) -> Self {
        let folder = folder();
        let host = FakeHost::new(folder.path(), facts);
        let centre = Self { host, crm: Crm::default(), _folder: Some(folder) };
        centre.crm.run(&centre.host).unwrap();
        centre
    }

    pub(crate) fn reopened(folder: &Path, facts: Vec<Fact>) -> Self {
        Self { host: FakeHost::new(folder, facts), crm: Crm::default(), _folder: None }
    }

    /// More facts come.
    pub(crate) fn goes_on(&self, facts: Vec<Fact>) {
        self.host.append(facts);
        self.crm.run(&self.host).unwrap();
    }

    pub(crate) fn ask(
        &self,
        who: &Caller,
        operation: &'static str,
        id: &str,
        query: &[(&str, Value)],
    ) -> Result<Response, Problem> {
        let query: Map<String, Value> = query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.request(who, operation, id, query, Value::Null)
    }

    fn request(
        &self,
        who: &Caller,
        operation: &'static str,
        id: &str,
        query: Map<String, Value>,
        body: Value,
    ) -> Result<Response, Problem> {
        let path = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        let (caller, at_ms) = (who.clone(), self.host.now_ms());
        self.crm.handle(&self.host, &Request { operation, caller, path, query, body, if_match: None, at_ms })
    }

    /// What an order with a body came to: the value, or what is at fault with the field or the words.
    pub(crate) fn order(
        &self,
        who: &Caller,
        operation: &'static str,
        id: &str,
        body: Value,
    ) -> Result<Value, (Fault, String)> {
        match self.request(who, operation, id, Map::new(), body) {
            Ok(Response { content: Content::One(value), .. }) => Ok(value),
            Ok(_) => Ok(Value::Null),
            Err(problem) => Err((problem.fault, problem.field.unwrap_or(problem.detail))),
        }
    }

    /// All items of a list.
    pub(crate) fn list(&self, who: &Caller, operation: &'static str, query: &[(&str, Value)]) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = query.to_vec();
            query.extend(after.map(|next| ("cursor", next.into())));
            match self.ask(who, operation, "", &query).unwrap().content {
                Content::List { items: more, next } => {
                    items.extend(more);
                    after = next;
                }
                other => panic!("{other:?}"),
            }
            if after.is_none() {
                return items;
            }
        }
    }

    /// One value, or what is at fault and the words.
    pub(crate) fn one(&self, who: &Caller, operation: &'static str, id: &str) -> Result<Value, (Fault, String)> {
        match self.ask(who, operation, id, &[]) {
            Ok(Response { content: Content::One(value), .. }) => Ok(value),
            Ok(other) => panic!("{other:?}"),
            Err(problem) => Err((problem.fault, problem.detail)),
        }
    }
}

/// An employee who sees the whole tenant and may do everything.
pub(crate) fn chief(number: &str) -> Caller {
    let (by, employee) = (number.to_owned(), Some(number.to_owned()));
    Caller { tenant: tenant(), employee, by, scope: Scope::Tenant, keys: Keys::All }
}

/// An agent who sees his own rows and those of these departments.
pub(crate) fn agent(number: &str, departments: &[DepartmentId]) -> Caller {
    let departments: BTreeSet<DepartmentId> = departments.iter().copied().collect();
    Caller { scope: Scope::Some { own: Some(number.to_owned()), departments }, ..chief(number) }
}

/// The values of one member.
pub(crate) fn each(items: &[Value], member: &str) -> Vec<Value> {
    items.iter().map(|item| item[member].clone()).collect()
}
