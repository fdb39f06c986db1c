//! Sessions of the console and the API. Only a hash of each token is kept.

use hooks::id::TenantId;
use hooks::scope::Scope;

use super::employees::{Employee, LoginOutcome, LoginSeen, insert_login};
use super::logins::LoginWay;
use super::roles::Role;
use super::scope::{SignedInWith, scope_of};
use super::setting::{Stored, find, stored};
use super::sql::{args, json, word};
use super::{Store, StoreError};

/// A session ends after so long without activity (LOGIN-11).
pub const SESSION_IDLE_MS: u64 = 12 * 3_600_000;

/// Activity is written down at most this often.
const TOUCH_EVERY_MS: u64 = 60_000;

/// A session to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose.
    pub employee_no: String,
    /// SHA-256 of its token (see [`crate::secrets::token_hash`]).
    pub token_hash: String,
    /// From where.
    pub address: String,
    /// With what.
    pub user_agent: String,
    /// By which credential.
    pub way: LoginWay,
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
}

/// A session somebody showed the token of.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who, as they are now.
    pub employee: Stored<Employee>,
    /// His role as it is now: a change holds at once (ORG-37).
    pub role: Role,
    /// Whose rows he sees: by his role as it is, and by his department and those that he manages as they were when he signed in
    /// (ORG-03, ORG-29).
    pub scope: Scope,
    /// By which credential it began.
    pub way: LoginWay,
    /// When it began, ms since the Unix epoch.
    pub created_at_ms: u64,
    /// When it was used last, to the minute.
    pub last_seen_at_ms: u64,
}

impl Store {
    /// Begins a session. The employee's older ones end (LOGIN-10); how many there were.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn open_session(&self, tenant: &TenantId, session: &NewSession) -> Result<u64, StoreError> {
        let mut tx = self.pool.write().await?;
        let kept = "INSERT INTO replaced_sessions (token_hash, tenant, replaced_at_ms) \
                    SELECT token_hash, tenant, $3 FROM sessions WHERE tenant = $1 AND employee_no = $2";
        tx.execute(kept, args![tenant.as_str(), session.employee_no.as_str(), session.at_ms]).await?;
        let older = "DELETE FROM sessions WHERE tenant = $1 AND employee_no = $2";
        let ended = tx.execute(older, args![tenant.as_str(), session.employee_no.as_str()]).await?;
        let departments = SignedInWith::now(&mut tx, tenant, &session.employee_no).await?;
        tx.execute(
            "INSERT INTO sessions (tenant, token_hash, employee_no, created_at_ms, last_seen_at_ms, address, user_agent, \
             departments, way) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)",
            args![
                tenant.as_str(),
                session.token_hash.as_str(),
                session.employee_no.as_str(),
                session.at_ms,
                session.address.as_str(),
                session.user_agent.as_str(),
                json(&departments),
                word(&session.way),
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// The session with this token's hash, unless it was idle for too long, or the employee left or is locked; its activity
    /// is noted. Finds out the tenant, so it takes none.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn session(&self, token_hash: &str, now_ms: u64) -> Result<Option<Session>, StoreError> {
        let sql = "SELECT employees.*, sessions.created_at_ms AS session_created_at_ms, sessions.last_seen_at_ms, \
                   sessions.departments, sessions.way FROM sessions JOIN employees ON employees.tenant = sessions.tenant \
                   AND employees.employee_no = sessions.employee_no \
                   WHERE sessions.token_hash = $1 AND sessions.last_seen_at_ms > $2 \
                   AND employees.employment = 'active' AND employees.locked_at_ms IS NULL";
        let oldest = now_ms.saturating_sub(SESSION_IDLE_MS);
        let mut conn = self.pool.read().await?;
        let Some(row) = conn.first(sql, args![token_hash, oldest]).await? else { return Ok(None) };
        let tenant: TenantId = row.parsed("tenant")?;
        let employee: Stored<Employee> = stored(&row)?;
        let role = find::<Role>(&mut conn, &tenant, &employee.value.role).await?;
        let role = role.ok_or_else(|| StoreError::corrupt("role", "there is no such role"))?.value;
        let with = (employee.value.employee_no.clone(), row.json::<SignedInWith>("departments")?);
        let scope = scope_of(&mut conn, &tenant, &role.data, Some(with)).await?;
        drop(conn);
        let session = Session {
            tenant,
            employee,
            role,
            scope,
            way: row.word("way")?,
            created_at_ms: row.unsigned("session_created_at_ms")?,
            last_seen_at_ms: row.unsigned("last_seen_at_ms")?,
        };
        if session.last_seen_at_ms + TOUCH_EVERY_MS <= now_ms {
            let mut tx = self.pool.write().await?;
            let sql = "UPDATE sessions SET last_seen_at_ms = $3 WHERE tenant = $1 AND token_hash = $2";
            tx.execute(sql, args![session.tenant.as_str(), token_hash, now_ms]).await?;
            tx.commit().await?;
        }
        Ok(Some(session))
    }

    /// Whether [`Self::session`] would find it. It is not noted as activity.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn is_session_live(&self, token_hash: &str, now_ms: u64) -> Result<bool, StoreError> {
        let sql = "SELECT sessions.last_seen_at_ms FROM sessions JOIN employees ON employees.tenant = sessions.tenant \
                   AND employees.employee_no = sessions.employee_no \
                   WHERE sessions.token_hash = $1 AND sessions.last_seen_at_ms > $2 \
                   AND employees.employment = 'active' AND employees.locked_at_ms IS NULL";
        let oldest = now_ms.saturating_sub(SESSION_IDLE_MS);
        Ok(self.pool.read().await?.first(sql, args![token_hash, oldest]).await?.is_some())
    }

    /// Whether another sign-in of the same employee ended the session with this token's hash (LOGIN-10), as long as it could have lasted.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn was_replaced(&self, token_hash: &str, now_ms: u64) -> Result<bool, StoreError> {
        let sql = "SELECT replaced_at_ms FROM replaced_sessions WHERE token_hash = $1 AND replaced_at_ms > $2";
        let oldest = now_ms.saturating_sub(SESSION_IDLE_MS);
        Ok(self.pool.read().await?.first(sql, args![token_hash, oldest]).await?.is_some())
    }

    /// When the session of an employee was used last, to the minute; none where there is none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn session_seen(&self, tenant: &TenantId, employee_no: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT MAX(last_seen_at_ms) AS seen_ms FROM sessions WHERE tenant = $1 AND employee_no = $2";
        let row = self.pool.read().await?.first(sql, args![tenant.as_str(), employee_no]).await?;
        row.map_or(Ok(None), |row| row.opt_unsigned("seen_ms"))
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn close_session(&self, tenant: &TenantId, token_hash: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.write().await?;
        let sql = "DELETE FROM sessions WHERE tenant = $1 AND token_hash = $2";
        let ended = tx.execute(sql, args![tenant.as_str(), token_hash]).await?;
        tx.commit().await?;
        Ok(ended > 0)
    }

    /// Deletes what was idle for too long, of all tenants, and writes that into the login log (LOG-06); to be called from time to
    /// time. How many there were.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn sweep_sessions(&self, now_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.pool.write().await?;
        let oldest = now_ms.saturating_sub(SESSION_IDLE_MS);
        let sql = "SELECT sessions.tenant, sessions.employee_no, sessions.address, sessions.last_seen_at_ms, \
                   COALESCE(employees.login, sessions.employee_no) AS login \
                   FROM sessions LEFT JOIN employees ON employees.tenant = sessions.tenant \
                   AND employees.employee_no = sessions.employee_no WHERE last_seen_at_ms <= $1";
        for row in tx.all(sql, args![oldest]).await? {
            let (tenant, number) = (row.parsed("tenant")?, row.text("employee_no")?);
            let (login, address) = (row.text("login")?, row.text("address")?);
            let seen = LoginSeen {
                employee_no: Some(&number),
                login: &login,
                address: &address,
                outcome: LoginOutcome::Expired,
                way: LoginWay::default(),
                sign_in: None,
                at_ms: row.unsigned::<u64>("last_seen_at_ms")? + SESSION_IDLE_MS,
            };
            insert_login(&mut tx, &tenant, &seen).await?;
        }
        let gone = tx.execute("DELETE FROM sessions WHERE last_seen_at_ms <= $1", args![oldest]).await?;
        tx.execute("DELETE FROM replaced_sessions WHERE replaced_at_ms <= $1", args![oldest]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
