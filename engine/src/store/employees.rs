//! Employees: who may sign in, what they may do, and what their sign-ins came to.

use hooks::id::TenantId;
use serde::{Deserialize, Serialize};

use super::setting::{Change, Expect, Hidden, Page, PageAsk, Setting, SettingsTx, Stored, stored};
use super::sql::{Arg, Row, args, json, word};
use super::{Store, StoreError, audit};
use crate::secrets::new_ulid;

/// Wrong passwords in a row that lock an account (LOGIN-06).
pub const FAILED_LOGINS_MAX: u64 = 5;

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
    /// The employee number (工号), unique in the tenant.
    pub employee_no: String,
    /// The user name, unique in the tenant (LOGIN-04).
    pub login: String,
    /// The name for people.
    pub name: String,
    /// Argon2id, as a PHC string.
    pub password_hash: Hidden,
    /// The next sign-in asks for a new password (LOGIN-05).
    pub must_change: bool,
    /// Permission keys; `*` means all.
    pub permissions: Vec<String>,
    /// Whether they work here.
    pub employment: Employment,
}

impl Setting for Employee {
    const RESOURCE: &'static str = "employee";
    const TABLE: &'static str = "employees";
    const KEY: &'static str = "employee_no";
    const COLUMNS: &'static [&'static str] =
        &["login", "name", "password_hash", "must_change", "permissions", "employment"];
    /// As many as extensions.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.employee_no.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.login.as_str(),
            self.name.as_str(),
            self.password_hash.expose(),
            self.must_change,
            json(&self.permissions),
            word(&self.employment),
        ]
    }

    fn secrets(&self) -> Vec<&Hidden> {
        vec![&self.password_hash]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            employee_no: row.text("employee_no")?,
            login: row.text("login")?,
            name: row.text("name")?,
            password_hash: Hidden::new(row.text("password_hash")?),
            must_change: row.flag("must_change")?,
            permissions: row.json("permissions")?,
            employment: row.word("employment")?,
        })
    }
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

/// An entry of the login log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginEntry {
    /// A ULID.
    pub id: String,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// Who, where the login is known.
    pub employee_no: Option<String>,
    /// What was typed.
    pub login: String,
    /// From where.
    pub address: String,
    /// What came of it.
    pub outcome: LoginOutcome,
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
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

impl Store {
    /// The account that a typed user name or employee number means (LOGIN-04); the user name goes first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn account(&self, tenant: &TenantId, login: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT * FROM employees WHERE tenant = $1 AND (login = $2 OR employee_no = $2) \
                   ORDER BY CASE WHEN login = $2 THEN 0 ELSE 1 END LIMIT 1";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), login]).await?;
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
        unlock(&mut tx, employee_no).await?;
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
        let stored: Stored<Employee> = tx.find(employee_no).await?.ok_or_else(|| not_found(employee_no))?;
        let (password_hash, must_change) = match password {
            NewPassword::Chosen(hash) => (hash, false),
            NewPassword::Initial(hash) => (hash, true),
        };
        let employee = Employee { password_hash, must_change, ..stored.value };
        tx.update(employee, Expect::Version(stored.version)).await?;
        unlock(&mut tx, employee_no).await?;
        let (conn, change) = tx.parts();
        let sql = "DELETE FROM sessions WHERE tenant = $1 AND employee_no = $2";
        conn.execute(sql, args![change.tenant.as_str(), employee_no]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes an entry into the login log (LOGIN-12).
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn log_login(&self, tenant: &TenantId, seen: &LoginSeen<'_>) -> Result<(), StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "INSERT INTO logins (tenant, id, at_ms, employee_no, login, address, outcome) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let employee_no = seen.employee_no.map(str::to_owned);
        let id = new_ulid(seen.at_ms);
        let args = args![tenant.as_str(), id, seen.at_ms, employee_no, seen.login, seen.address, word(&seen.outcome)];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// A page of the login log, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn logins(&self, tenant: &TenantId, ask: &PageAsk) -> Result<Page<LoginEntry>, StoreError> {
        let after = ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned());
        let sql = "SELECT * FROM logins WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str(), after, ask.rows()]).await?;
        let items = rows.iter().map(login_entry).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |entry| entry.id.clone()))
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

async fn unlock(tx: &mut SettingsTx, employee_no: &str) -> Result<(), StoreError> {
    let (conn, change) = tx.parts();
    let tenant = change.tenant.clone();
    let row = conn
        .first("SELECT * FROM employees WHERE tenant = $1 AND employee_no = $2", args![tenant.as_str(), employee_no])
        .await?;
    let locked = account(&row.ok_or_else(|| not_found(employee_no))?)?.locked_at_ms.is_some();
    let sql = "UPDATE employees SET failed_logins = 0, locked_at_ms = NULL WHERE tenant = $1 AND employee_no = $2";
    conn.execute(sql, args![tenant.as_str(), employee_no]).await?;
    if !locked {
        return Ok(());
    }
    let before = audit::shown(&Lock { locked: true });
    tx.note_update(Employee::RESOURCE, employee_no, before, audit::shown(&Lock { locked: false })).await
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
    })
}

fn login_entry(row: &Row) -> Result<LoginEntry, StoreError> {
    Ok(LoginEntry {
        id: row.text("id")?,
        at_ms: row.unsigned("at_ms")?,
        employee_no: row.opt_text("employee_no")?,
        login: row.text("login")?,
        address: row.text("address")?,
        outcome: row.word("outcome")?,
    })
}
