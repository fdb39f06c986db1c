//! Employees: who may sign in, what they are, and what their sign-ins came to.

use std::collections::BTreeSet;

use dialplan::caller::remembered;
use dialplan::number::Dialled;
use hooks::id::{DepartmentId, TenantId};
use serde::{Deserialize, Serialize};

use super::departments::Department;
use super::logins::{LoginWay, SignInWay};
use super::records::Condition;
use super::roles::Role;
use super::scope::{Owner, Sight};
use super::setting::{Change, Expect, Hidden, Page, PageAsk, Setting, SettingsTx, Stored, caseless, stored};
use super::sql::{Arg, Conn, Row, args, word};
use super::tenants::Tenant;
use super::{Store, StoreError, audit};
use crate::secrets::new_ulid;

/// Wrong passwords in a row that lock an account (LOGIN-06).
pub const FAILED_LOGINS_MAX: u64 = 5;

/// Who lifts locks by itself, in the audit log.
const AUTO_UNLOCK: &str = "auto_unlock";

/// Whether somebody works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Employment {
    /// In service.
    Active,
    /// Left (离职): cannot sign in (LOGIN-09).
    Left,
}

/// An employee as set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Employee {
    /// The employee number (工号), unique in the tenant and never given to another (ORG-22).
    pub employee_no: String,
    /// The user name, unique in the tenant without case (LOGIN-04).
    pub login: String,
    /// The name for people.
    pub name: String,
    /// The nickname; may be empty.
    pub nickname: String,
    /// Argon2id, as a PHC string.
    pub password_hash: Hidden,
    /// The next sign-in asks for a new password (LOGIN-05).
    pub must_change: bool,
    /// The mobile as it was typed; in its normal form unique in the tenant (ORG-20). None of those whom no administrator made.
    pub mobile: Option<Dialled>,
    /// The e-mail address; may be empty.
    pub email: String,
    /// His role (ORG-24).
    pub role: String,
    /// His department.
    pub department: DepartmentId,
    /// The SHA-256 of his picture.
    pub avatar: Option<String>,
    /// Whether they work here.
    pub employment: Employment,
}

impl Employee {
    /// An agent in the root department, of whom nothing but number and initial password is known.
    #[must_use]
    pub fn new(employee_no: &str, password_hash: Hidden) -> Self {
        Self {
            employee_no: employee_no.to_owned(),
            login: employee_no.to_owned(),
            name: employee_no.to_owned(),
            nickname: String::new(),
            password_hash,
            must_change: true,
            mobile: None,
            email: String::new(),
            role: Role::AGENT.to_owned(),
            department: Department::root_id(),
            avatar: None,
            employment: Employment::Active,
        }
    }
}

impl Setting for Employee {
    const RESOURCE: &'static str = "employee";
    const TABLE: &'static str = "employees";
    const KEY: &'static str = "employee_no";
    const COLUMNS: &'static [&'static str] = &[
        "login",
        "login_key",
        "name",
        "name_key",
        "nickname",
        "nickname_key",
        "password_hash",
        "must_change",
        "mobile",
        "mobile_key",
        "email",
        "role",
        "department",
        "avatar",
        "employment",
    ];
    /// As many as extensions.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.employee_no.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.login.as_str(),
            caseless(&self.login),
            self.name.as_str(),
            caseless(&self.name),
            self.nickname.as_str(),
            caseless(&self.nickname),
            self.password_hash.expose(),
            self.must_change,
            self.mobile.as_ref().map(|mobile| mobile.as_str().to_owned()),
            self.mobile.as_ref().and_then(|mobile| normal(mobile.as_str())),
            self.email.as_str(),
            self.role.as_str(),
            self.department.to_string(),
            self.avatar.clone(),
            word(&self.employment),
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        vec![&self.password_hash]
    }

    /// In which department he was when: what he did there stays there.
    fn beside(change: &Change, before: Option<&Self>, after: Option<&Self>) -> Vec<(&'static str, Vec<Arg>)> {
        let Some(after) = after.filter(|after| before.is_none_or(|before| before.department != after.department))
        else {
            return Vec::new();
        };
        let (tenant, number) = (change.tenant.as_str(), after.employee_no.as_str());
        let begin = "INSERT INTO employee_departments (tenant, employee_no, from_ms, to_ms, department) \
                     VALUES ($1, $2, $3, NULL, $4) \
                     ON CONFLICT (tenant, employee_no, from_ms) DO UPDATE SET department = excluded.department, to_ms = NULL";
        let from_ms = if before.is_some() { change.at_ms } else { 0 };
        let begin = (begin, args![tenant, number, from_ms, after.department.to_string()]);
        let end = "UPDATE employee_departments SET to_ms = $3 WHERE tenant = $1 AND employee_no = $2 AND to_ms IS NULL";
        match before {
            Some(_) => vec![(end, args![tenant, number, change.at_ms]), begin],
            None => vec![begin],
        }
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            employee_no: row.text("employee_no")?,
            login: row.text("login")?,
            name: row.text("name")?,
            nickname: row.text("nickname")?,
            password_hash: Hidden::new(row.text("password_hash")?),
            must_change: row.flag("must_change")?,
            mobile: row.opt_parsed("mobile")?,
            email: row.text("email")?,
            role: row.text("role")?,
            department: row.parsed("department")?,
            avatar: row.opt_text("avatar")?,
            employment: row.word("employment")?,
        })
    }
}

/// Whether a text is an employee number (ORG-22).
#[must_use]
pub fn is_employee_number(text: &str) -> bool {
    (5..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

/// What [`is_employee_number`] asks for.
pub const NUMBER_RULE: &str = "an employee number is a whole number from 10000 to 99999999";

/// The number after the highest there is.
#[must_use]
pub fn next_number(employees: &[Stored<Employee>]) -> String {
    let numbers = employees.iter().map(|stored| stored.value.employee_no.as_str()).filter(|no| is_employee_number(no));
    let highest = numbers.filter_map(|number| number.parse::<u32>().ok()).max();
    highest.map_or(NUMBER_MIN, |highest| highest + 1).to_string()
}

/// ORG-22.
const NUMBER_MIN: u32 = 10_000;

/// Whether a text may be a user name (LOGIN-04).
#[must_use]
pub fn is_user_name(text: &str) -> bool {
    (2..=32).contains(&text.chars().count()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// What [`is_user_name`] asks for.
pub const USER_NAME_RULE: &str = "a user name is 2 to 32 characters without spaces";

/// A number in the form in which mobiles are compared (GEN-06).
#[must_use]
pub fn normal(number: &str) -> Option<String> {
    remembered(number).map(|number| number.as_str().to_owned())
}

/// Which employees a list shows (ORG-26); `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmployeeFilter {
    /// This is part of the name, without case.
    pub name: Option<String>,
    /// This is part of the nickname, without case.
    pub nickname: Option<String>,
    /// Of this number.
    pub employee_no: Option<String>,
    /// With this mobile, in whatever form.
    pub mobile: Option<String>,
    /// With this role.
    pub role: Option<String>,
    /// In service or left.
    pub employment: Option<Employment>,
    /// In one of these departments.
    pub departments: Option<BTreeSet<DepartmentId>>,
}

/// An employee with what signing in needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who.
    pub employee: Stored<Employee>,
    /// Wrong passwords in a row.
    pub failed_logins: u64,
    /// Since when it is locked.
    pub locked_at_ms: Option<u64>,
    /// When the employee joined (LOGIN-03); before, where codes are sent, no password lets in.
    pub joined_at_ms: Option<u64>,
}

/// By what an employee is named from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountField<'a> {
    /// The user name, without case.
    Login(&'a str),
    /// The employee number.
    Number(&'a str),
    /// The mobile, in whatever form.
    Mobile(&'a str),
    /// The e-mail address, without case of its Latin letters. Two employees may have one.
    Email(&'a str),
}

/// An employee in service whose mobile was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The enterprise.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: String,
    /// Who.
    pub employee_no: String,
    /// Whether he has joined.
    pub joined: bool,
}

/// What came of a wrong password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedLogin {
    /// So many in a row.
    Counted(u64),
    /// This one, or an earlier one, locked the account.
    Locked,
}

/// What a sign-in came to (LOGIN-12, LOG-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginOutcome {
    /// Signed in.
    Login,
    /// Signed out.
    Logout,
    /// Wrong user or password.
    Failed,
    /// The account is locked, or was by this try.
    Locked,
    /// Another sign-in of the same employee took its place (LOGIN-10).
    Replaced,
    /// 12 h without activity (LOGIN-11).
    Expired,
}

/// What is written into the login log.
#[derive(Clone, Debug)]
pub struct LoginSeen<'a> {
    /// Who, where the login is known.
    pub employee_no: Option<&'a str>,
    /// What was typed.
    pub login: &'a str,
    /// From where.
    pub address: &'a str,
    /// What came of it.
    pub outcome: LoginOutcome,
    /// By which credential.
    pub way: LoginWay,
    /// By what he takes part in calls, where he said so.
    pub sign_in: Option<SignInWay>,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

impl Store {
    /// The account that a typed user name, employee number or mobile means (LOGIN-04), in this order.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn account(&self, tenant: &TenantId, login: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT * FROM employees WHERE tenant = $1 AND (login_key = $2 OR employee_no = $3 OR mobile_key = $4) \
                   ORDER BY CASE WHEN login_key = $2 THEN 0 WHEN employee_no = $3 THEN 1 ELSE 2 END LIMIT 1";
        let args = args![tenant.as_str(), caseless(login), login.trim(), normal(login)];
        let row = self.pool.read().await?.first(sql, args).await?;
        row.as_ref().map(account).transpose()
    }

    /// The account that one field of an employee means; none where several have it.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn account_with(&self, tenant: &TenantId, with: AccountField<'_>) -> Result<Option<Account>, StoreError> {
        let (condition, value) = match with {
            AccountField::Login(login) => ("login_key = $2", Some(caseless(login))),
            AccountField::Number(number) => ("employee_no = $2", Some(number.to_owned())),
            AccountField::Mobile(mobile) => ("mobile_key = $2", normal(mobile)),
            AccountField::Email(address) => ("email <> '' AND LOWER(email) = LOWER($2)", Some(address.to_owned())),
        };
        let Some(value) = value else { return Ok(None) };
        let sql = format!("SELECT * FROM employees WHERE tenant = $1 AND {condition} LIMIT 2");
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), value]).await?;
        match rows.as_slice() {
            [only] => account(only).map(Some),
            _ => Ok(None),
        }
    }

    /// The employees in service, of all tenants, with this mobile in its normal form: those who are invited by it (LOGIN-03).
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn invited(&self, mobile: &str) -> Result<Vec<Invited>, StoreError> {
        let sql = "SELECT employees.tenant, employees.employee_no, employees.joined_at_ms, tenants.name AS tenant_name \
                   FROM employees JOIN tenants ON tenants.tenant = employees.tenant \
                   WHERE employees.mobile_key = $1 AND employees.employment = 'active' ORDER BY employees.tenant";
        let rows = self.pool.read().await?.all(sql, args![mobile]).await?;
        let invited = |row: &Row| {
            Ok(Invited {
                tenant: row.parsed("tenant")?,
                tenant_name: row.text("tenant_name")?,
                employee_no: row.text("employee_no")?,
                joined: row.opt_unsigned::<u64>("joined_at_ms")?.is_some(),
            })
        };
        rows.iter().map(invited).collect()
    }

    /// The employee has joined, if he had not before (LOGIN-03).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn join(&self, tenant: &TenantId, employee_no: &str, now_ms: u64) -> Result<(), StoreError> {
        let sql =
            "UPDATE employees SET joined_at_ms = $3 WHERE tenant = $1 AND employee_no = $2 AND joined_at_ms IS NULL";
        let mut tx = self.pool.write().await?;
        tx.execute(sql, args![tenant.as_str(), employee_no, now_ms]).await?;
        tx.commit().await
    }

    /// A page of employees with what is locked, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn employees(
        &self,
        sight: Sight<'_>,
        filter: &EmployeeFilter,
        ask: &PageAsk,
    ) -> Result<Page<Account>, StoreError> {
        let owner = Owner::Now { employee: "employees.employee_no" };
        let mut condition = Condition::of(sight, "tenant", owner);
        condition.and("employee_no > ?", ask.after.clone().unwrap_or_default());
        for (column, part) in [("name_key", &filter.name), ("nickname_key", &filter.nickname)] {
            if let Some(part) = part {
                condition.and(&format!("{column} LIKE ? ESCAPE '\\'"), contains(part));
            }
        }
        for (column, value) in [("employee_no", &filter.employee_no), ("role", &filter.role)] {
            if let Some(value) = value {
                condition.and(&format!("{column} = ?"), value.as_str());
            }
        }
        if let Some(mobile) = &filter.mobile {
            condition.and("mobile_key = ?", normal(mobile).unwrap_or_else(|| mobile.clone()));
        }
        if let Some(employment) = &filter.employment {
            condition.and("employment = ?", word(employment));
        }
        if let Some(departments) = &filter.departments {
            condition.of_departments(departments, owner);
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM employees WHERE {condition} ORDER BY employee_no LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(account).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |account| account.employee.value.employee_no.clone()))
    }

    /// One employee, if he is seen.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn employee(&self, sight: Sight<'_>, employee_no: &str) -> Result<Option<Account>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", Owner::Now { employee: "employees.employee_no" });
        condition.and("employee_no = ?", employee_no);
        let (condition, args) = condition.into_parts();
        let row = self.pool.read().await?.first(format!("SELECT * FROM employees WHERE {condition}"), args).await?;
        row.as_ref().map(account).transpose()
    }

    /// Counts a wrong password; the fifth in a row locks (LOGIN-06). Atomic: tries at the same time all count.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn login_failed(
        &self,
        tenant: &TenantId,
        employee_no: &str,
        now_ms: u64,
    ) -> Result<FailedLogin, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE employees SET failed_logins = failed_logins + 1, \
                   locked_at_ms = CASE WHEN locked_at_ms IS NULL AND failed_logins + 1 >= $3 THEN $4 ELSE locked_at_ms END \
                   WHERE tenant = $1 AND employee_no = $2 RETURNING failed_logins, locked_at_ms";
        let row = tx.first(sql, args![tenant.as_str(), employee_no, FAILED_LOGINS_MAX, now_ms]).await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| not_found(employee_no))?;
        let locked: Option<u64> = row.opt_unsigned("locked_at_ms")?;
        Ok(if locked.is_some() { FailedLogin::Locked } else { FailedLogin::Counted(row.unsigned("failed_logins")?) })
    }

    /// Lifts the locks of a tenant that have lasted for as long as its `auto_unlock_min` says (LOGIN-06); how many there were. Called when
    /// somebody who is locked signs in, and from time to time.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn lift_locks(&self, tenant: &TenantId, now_ms: u64) -> Result<usize, StoreError> {
        let minutes = self.get::<Tenant>(tenant, tenant.as_str()).await?.value.auto_unlock_min;
        if minutes == 0 {
            return Ok(0);
        }
        let until_ms = now_ms.saturating_sub(minutes * 60_000);
        let sql = "SELECT employee_no FROM employees WHERE tenant = $1 AND locked_at_ms <= $2";
        let due = self.pool.read().await?.all(sql, args![tenant.as_str(), until_ms]).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut tx = self.change(Change::by(tenant.clone(), AUTO_UNLOCK)).await?;
        for row in &due {
            tx.unlock(&row.text("employee_no")?).await?;
        }
        tx.commit().await?;
        Ok(due.len())
    }

    /// A right password resets the count. A lock stays (LOGIN-06).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn login_succeeded(&self, tenant: &TenantId, employee_no: &str) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "UPDATE employees SET failed_logins = 0 WHERE tenant = $1 AND employee_no = $2 AND failed_logins > 0";
        tx.execute(sql, args![tenant.as_str(), employee_no]).await?;
        tx.commit().await
    }

    /// Lifts the lock of an account (LOGIN-06), with an audit entry. Nothing happens where there is none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn unlock(&self, change: Change, employee_no: &str) -> Result<(), StoreError> {
        let mut tx = self.change(change).await?;
        tx.unlock(employee_no).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets a new password and lifts a lock, with an audit entry. The employee's sessions end.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn set_password(
        &self,
        change: Change,
        employee_no: &str,
        password: NewPassword,
    ) -> Result<(), StoreError> {
        let mut tx = self.change(change).await?;
        tx.set_password(employee_no, password).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes an entry into the login log (LOGIN-12).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn log_login(&self, tenant: &TenantId, seen: &LoginSeen<'_>) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        insert_login(&mut tx, tenant, seen).await?;
        tx.commit().await
    }
}

/// A new password, hashed by [`crate::secrets::hash_password`].
#[derive(Clone, Debug)]
pub enum NewPassword {
    /// The employee chose it.
    Chosen(Hidden),
    /// An administrator gave it: the next sign-in asks for another (LOGIN-05).
    Initial(Hidden),
}

/// What the audit log shows of a lock.
#[derive(Serialize)]
struct Lock {
    locked: bool,
}

impl SettingsTx {
    /// Sets a new password and lifts a lock. The employee's sessions end.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn set_password(&mut self, employee_no: &str, password: NewPassword) -> Result<(), StoreError> {
        let stored: Stored<Employee> = self.find(employee_no).await?.ok_or_else(|| not_found(employee_no))?;
        let (password_hash, must_change) = match password {
            NewPassword::Chosen(hash) => (hash, false),
            NewPassword::Initial(hash) => (hash, true),
        };
        let employee = Employee { password_hash, must_change, ..stored.value };
        self.update(employee, Expect::Version(stored.version)).await?;
        self.unlock(employee_no).await?;
        self.end_sessions(employee_no).await
    }

    /// The employee is born joined (LOGIN-04): made by the first start, the command line or the configuration.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_born_joined(&mut self, employee_no: &str) -> Result<(), StoreError> {
        let (conn, change) = self.parts();
        let sql = "UPDATE employees SET joined_at_ms = $3 WHERE tenant = $1 AND employee_no = $2";
        conn.execute(sql, args![change.tenant.as_str(), employee_no, change.at_ms]).await.map(|_| ())
    }

    /// Lifts a lock (LOGIN-06). Nothing happens where there is none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Database`].
    pub async fn unlock(&mut self, employee_no: &str) -> Result<(), StoreError> {
        let (conn, change) = self.parts();
        let tenant = change.tenant.clone();
        let sql = "SELECT * FROM employees WHERE tenant = $1 AND employee_no = $2";
        let row = conn.first(sql, args![tenant.as_str(), employee_no]).await?;
        let locked = account(&row.ok_or_else(|| not_found(employee_no))?)?.locked_at_ms.is_some();
        let sql = "UPDATE employees SET failed_logins = 0, locked_at_ms = NULL WHERE tenant = $1 AND employee_no = $2";
        conn.execute(sql, args![tenant.as_str(), employee_no]).await?;
        if !locked {
            return Ok(());
        }
        let before = audit::shown(&Lock { locked: true });
        self.note_update(Employee::RESOURCE, employee_no, before, audit::shown(&Lock { locked: false })).await
    }

    /// Ends all sessions of an employee (LOGIN-09).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_sessions(&mut self, employee_no: &str) -> Result<(), StoreError> {
        let (conn, change) = self.parts();
        let sql = "DELETE FROM sessions WHERE tenant = $1 AND employee_no = $2";
        conn.execute(sql, args![change.tenant.as_str(), employee_no]).await.map(|_| ())
    }

    /// How many employees have a role; of those who left, too.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn employees_with_role(&mut self, role: &str) -> Result<u64, StoreError> {
        self.count("role = $2", args![role]).await
    }

    /// How many employees are in a department; those who left count (ORG-04).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn employees_in(&mut self, department: DepartmentId) -> Result<u64, StoreError> {
        self.count("department = $2", args![department.to_string()]).await
    }

    /// How many administrators in service there are beside this employee (ORG-38).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn administrators_beside(&mut self, employee_no: &str) -> Result<u64, StoreError> {
        let condition = "role = $2 AND employment = $3 AND employee_no <> $4";
        self.count(condition, args![Role::ADMINISTRATOR, word(&Employment::Active), employee_no]).await
    }

    /// What of this employee somebody else has already.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn taken(&mut self, employee: &Employee) -> Result<Taken, StoreError> {
        let number = employee.employee_no.as_str();
        let login = "(login_key = $2 OR employee_no = $2) AND employee_no <> $3";
        let login = self.count(login, args![caseless(&employee.login), number]).await?;
        let mobile = employee.mobile.as_ref().and_then(|mobile| normal(mobile.as_str()));
        let mobile = self.count("mobile_key = $2 AND employee_no <> $3", args![mobile, number]).await?;
        Ok(Taken { login: login > 0, mobile: mobile > 0 })
    }

    async fn count(&mut self, condition: &'static str, values: Vec<Arg>) -> Result<u64, StoreError> {
        let (conn, change) = self.parts();
        let mut args = args![change.tenant.as_str()];
        args.extend(values);
        let sql = format!("SELECT COUNT(*) AS n FROM employees WHERE tenant = $1 AND {condition}");
        conn.first(sql, args).await?.map_or(Ok(0), |row| row.unsigned("n"))
    }
}

/// What somebody else has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The user name, or it is another's number.
    pub login: bool,
    /// The mobile.
    pub mobile: bool,
}

/// A pattern of LIKE for texts with this part in them, whatever its characters are.
fn contains(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in caseless(part).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn not_found(employee_no: &str) -> StoreError {
    StoreError::NotFound { resource: Employee::RESOURCE, id: employee_no.to_owned() }
}

fn account(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        tenant: row.parsed("tenant")?,
        employee: stored(row)?,
        failed_logins: row.unsigned("failed_logins")?,
        locked_at_ms: row.opt_unsigned("locked_at_ms")?,
        joined_at_ms: row.opt_unsigned("joined_at_ms")?,
    })
}

/// Writes an entry into the login log.
pub(super) async fn insert_login(conn: &mut Conn, tenant: &TenantId, seen: &LoginSeen<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO logins (tenant, id, at_ms, employee_no, login, address, outcome, way, sign_in) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (id, employee_no) = (new_ulid(seen.at_ms), seen.employee_no.map(str::to_owned));
    let mut args = args![tenant.as_str(), id, seen.at_ms, employee_no, seen.login, seen.address, word(&seen.outcome)];
    args.extend(args![word(&seen.way), seen.sign_in.map(|way| word(&way))]);
    conn.execute(sql, args).await?;
    Ok(())
}
