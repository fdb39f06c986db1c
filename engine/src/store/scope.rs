//! Whose rows somebody sees: the one place where a data scope (GEN-09) becomes SQL. Every list of people's rows is asked with a
//! [`Sight`], and its `WHERE` cannot be begun without saying whose a row is.

use std::collections::BTreeSet;

use hooks::id::{DepartmentId, TenantId};
use hooks::scope::Scope;
use serde::{Deserialize, Serialize};

use super::agents::Agent;
use super::departments::{Department, Tree};
use super::employees::Employee;
use super::queues::Queue;
use super::records::Condition;
use super::roles::DataPermission;
use super::setting::{all, find};
use super::sql::Conn;
use super::{Store, StoreError};

/// With whose eyes a list is read.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Of this tenant.
    pub tenant: &'a TenantId,
    /// These rows of it.
    pub scope: &'a Scope,
}

impl<'a> Sight<'a> {
    /// All rows of the tenant: for the process itself, never for somebody who asks.
    #[must_use]
    pub fn whole(tenant: &'a TenantId) -> Self {
        Self { tenant, scope: &Scope::Tenant }
    }
}

/// Whose a row is. Columns are named as the statement has them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// The employee in one column, of the department in which he was at the time in another.
    Then { employee: &'static str, at_ms: &'static str },
    /// The employee in this column, of the department in which he is now.
    Now { employee: &'static str },
    /// Every agent who dialled, was offered or talked in the call in this column, each of his department at that time.
    Call { call: &'static str },
}

impl Condition {
    /// Rows that are seen.
    pub(super) fn seen(&mut self, scope: &Scope, owner: Owner) {
        let Scope::Some { own, departments } = scope else { return };
        let text = self.owned(owner, own.as_deref(), departments);
        self.plain(&text);
    }

    /// Rows of these departments.
    pub(super) fn of_departments(&mut self, departments: &BTreeSet<DepartmentId>, owner: Owner) {
        let text = self.owned(owner, None, departments);
        self.plain(&text);
    }

    fn owned(&mut self, owner: Owner, own: Option<&str>, departments: &BTreeSet<DepartmentId>) -> String {
        let places: Vec<String> = departments.iter().map(|id| self.bind(id.to_string())).collect();
        // NULL is in no list and no list is empty in SQL.
        let departments = if places.is_empty() { "NULL".to_owned() } else { places.join(", ") };
        let own = own.map_or_else(|| "NULL".to_owned(), |own| self.bind(own));
        let then = |employee: &str, at_ms: &str| {
            format!(
                "({employee} = {own} OR EXISTS (SELECT 1 FROM employee_departments d WHERE d.tenant = $1 \
                 AND d.employee_no = {employee} AND d.from_ms <= {at_ms} AND (d.to_ms IS NULL OR d.to_ms > {at_ms}) \
                 AND d.department IN ({departments})))"
            )
        };
        match owner {
            Owner::Then { employee, at_ms } => then(employee, at_ms),
            Owner::Now { employee } => format!(
                "({employee} = {own} OR EXISTS (SELECT 1 FROM employees e WHERE e.tenant = $1 \
                 AND e.employee_no = {employee} AND e.department IN ({departments})))"
            ),
            // `IS TRUE`: SQLite makes a join of an EXISTS that stands by itself, and reads every segment of a kind for each call (ADR 0281).
            Owner::Call { call } => format!(
                "(EXISTS (SELECT 1 FROM call_segments o WHERE o.tenant = $1 AND o.call = {call} \
                 AND o.kind IN ('agent', 'dial', 'offer') AND {})) IS TRUE",
                then("o.agent", "o.started_at_ms")
            ),
        }
    }
}

/// The departments of a session, as they were at its sign-in (ORG-03, ORG-29), each with every lower one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignedInWith {
    /// His own.
    #[serde(default)]
    own: BTreeSet<DepartmentId>,
    /// Those that he manages.
    #[serde(default)]
    managed: BTreeSet<DepartmentId>,
}

impl SignedInWith {
    /// As they are now; nobody has none.
    pub(super) async fn now(conn: &mut Conn, tenant: &TenantId, employee_no: &str) -> Result<Self, StoreError> {
        let Some(employee) = find::<Employee>(conn, tenant, employee_no).await? else { return Ok(Self::default()) };
        let departments = all::<Department>(conn, tenant).await?;
        let tree = Tree::of(&departments);
        let is_his = |department: &&Department| department.managers.contains(employee_no);
        let managed = departments.iter().map(|stored| &stored.value).filter(is_his);
        Ok(Self {
            own: tree.below([&employee.value.department]),
            managed: tree.below(managed.map(|department| &department.id)),
        })
    }
}

/// The scope of a role or token; of an employee with what he signed in with (GEN-09).
pub(super) async fn scope_of(
    conn: &mut Conn,
    tenant: &TenantId,
    data: &DataPermission,
    employee: Option<(String, SignedInWith)>,
) -> Result<Scope, StoreError> {
    let DataPermission::Departments { own, departments: named } = data else { return Ok(Scope::Tenant) };
    let mut departments = BTreeSet::new();
    if !named.is_empty() {
        departments = Tree::of(&all::<Department>(conn, tenant).await?).below(named);
    }
    let number = employee.map(|(number, with)| {
        departments.extend(with.managed);
        if *own {
            departments.extend(with.own);
        }
        number
    });
    Ok(Scope::Some { own: number, departments })
}

impl Store {
    /// The numbers of the employees whose rows are seen, of those who left, too; `None` where everybody's are.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn people(&self, sight: Sight<'_>) -> Result<Option<BTreeSet<String>>, StoreError> {
        people(&mut self.pool.read().await?, sight).await
    }
}

async fn people(conn: &mut Conn, sight: Sight<'_>) -> Result<Option<BTreeSet<String>>, StoreError> {
    if *sight.scope == Scope::Tenant {
        return Ok(None);
    }
    let condition = Condition::of(sight, "tenant", Owner::Now { employee: "employees.employee_no" });
    let (condition, args) = condition.into_parts();
    let rows = conn.all(format!("SELECT employee_no FROM employees WHERE {condition}"), args).await?;
    rows.iter().map(|row| row.text("employee_no")).collect::<Result<_, _>>().map(Some)
}

/// The boxes for messages of the people whose rows are seen: those of their extensions, and of the queues of which they are members
/// (VM-06). `None` where all are.
pub(super) async fn boxes(conn: &mut Conn, sight: Sight<'_>) -> Result<Option<Vec<String>>, StoreError> {
    let Some(people) = people(conn, sight).await? else { return Ok(None) };
    let agents = all::<Agent>(conn, sight.tenant).await?.into_iter().map(|stored| stored.value);
    let extensions = agents
        .filter(|agent| people.contains(agent.agent.as_str()))
        .filter_map(|agent| agent.rules.extension.map(|number| format!("extension:{number}")));
    let queues = all::<Queue>(conn, sight.tenant).await?.into_iter().map(|stored| stored.value);
    let queues = queues
        .filter(|queue| queue.rules.members.iter().any(|member| people.contains(&member.agent)))
        .map(|queue| format!("queue:{}", queue.name));
    Ok(Some(extensions.chain(queues).collect()))
}
