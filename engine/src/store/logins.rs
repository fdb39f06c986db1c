//! The login log (LOG-06, LOG-07, LOGIN-12), and how long logs are kept.

use std::collections::BTreeSet;

use hooks::id::DepartmentId;
use serde::{Deserialize, Serialize};

use super::employees::LoginOutcome;
use super::records::Condition;
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk};
use super::sql::{Row, args, word};
use super::{Store, StoreError, audit};

/// By which credential somebody signed in, or tried to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginWay {
    /// User name and password.
    #[default]
    Password,
    /// A code sent to the mobile.
    Sms,
    /// A provider of OpenID Connect.
    Oidc,
}

/// By what the employee takes part in calls (PHONE-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInWay {
    /// The browser (网页电话).
    Browser,
    /// A desk phone (话机).
    Desk,
    /// His mobile (手机签入).
    Mobile,
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
    /// By which credential.
    pub way: LoginWay,
    /// By what he takes part in calls, where he said so.
    pub sign_in: Option<SignInWay>,
}

/// Which entries a list shows (LOG-07); `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginFilter {
    /// At this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// Of this employee.
    pub employee_no: Option<String>,
    /// Of employees who were in one of these departments then.
    pub departments: Option<BTreeSet<DepartmentId>>,
    /// That came to this.
    pub outcome: Option<LoginOutcome>,
}

/// Entries older than these go, ms since the Unix epoch; 0: none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogsBefore {
    /// The login log.
    pub logins_ms: u64,
    /// The audit log, and who heard which recording.
    pub audit_ms: u64,
    /// The agent state log; a stay that lasts stays.
    pub agent_states_ms: u64,
}

impl Store {
    /// A page of the login log, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn logins(
        &self,
        sight: Sight<'_>,
        filter: &LoginFilter,
        ask: &PageAsk,
    ) -> Result<Page<LoginEntry>, StoreError> {
        let owner = Owner::Then { employee: "logins.employee_no", at_ms: "logins.at_ms" };
        let mut condition = Condition::of(sight, "tenant", owner);
        condition.and("id < ?", ask.after.clone().unwrap_or_else(|| audit::LAST.to_owned()));
        if let Some(from_ms) = filter.from_ms {
            condition.and("at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            condition.and("at_ms < ?", to_ms);
        }
        if let Some(employee_no) = &filter.employee_no {
            condition.and("employee_no = ?", employee_no.as_str());
        }
        if let Some(departments) = &filter.departments {
            condition.of_departments(departments, owner);
        }
        if let Some(outcome) = &filter.outcome {
            condition.and("outcome = ?", word(outcome));
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM logins WHERE {condition} ORDER BY id DESC LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |entry| entry.id.clone()))
    }

    /// Deletes what is older, of all tenants; how many entries.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn sweep_logs(&self, before: LogsBefore) -> Result<u64, StoreError> {
        let mut tx = self.pool.write().await?;
        let mut gone = 0;
        for (sql, before_ms) in [
            ("DELETE FROM logins WHERE at_ms < $1", before.logins_ms),
            ("DELETE FROM audit WHERE at_ms < $1", before.audit_ms),
            ("DELETE FROM recording_uses WHERE at_ms < $1", before.audit_ms),
            ("DELETE FROM agent_states WHERE ended_at_ms < $1", before.agent_states_ms),
        ] {
            gone += tx.execute(sql, args![before_ms]).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }
}

fn entry(row: &Row) -> Result<LoginEntry, StoreError> {
    Ok(LoginEntry {
        id: row.text("id")?,
        at_ms: row.unsigned("at_ms")?,
        employee_no: row.opt_text("employee_no")?,
        login: row.text("login")?,
        address: row.text("address")?,
        outcome: row.word("outcome")?,
        way: row.word("way")?,
        sign_in: row.opt_word("sign_in")?,
    })
}
