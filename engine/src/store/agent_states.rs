//! The agent state log (LOG-01 to LOG-03): one row a stay in a state. Written by the consumer of the journal only.

use std::collections::BTreeSet;

use hooks::fact::{AgentState, ChangeReason};
use hooks::id::{DepartmentId, TenantId};

use super::records::{Condition, DerivedTable};
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk};
use super::sql::{Arg, Row, args, word};
use super::{Store, StoreError};

/// A stay in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentStay {
    /// The number of the fact that began it: stays sort by it.
    pub number: u64,
    /// The employee number.
    pub agent: String,
    /// The state.
    pub state: AgentState,
    /// When it began, ms since the Unix epoch.
    pub began_at_ms: u64,
    /// When it ended; `None` while it lasts.
    pub ended_at_ms: Option<u64>,
    /// Why the state before was left for this one (切换原因).
    pub reason: ChangeReason,
    /// Who did that, where it was a supervisor.
    pub done_by: Option<String>,
    /// The extension that he was signed in on.
    pub extension: Option<String>,
    /// The mobile that he was signed in by.
    pub mobile: Option<String>,
}

/// Which stays a list shows; `None` shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StayFilter {
    /// Began at this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Began before this time.
    pub to_ms: Option<u64>,
    /// Of this agent.
    pub agent: Option<String>,
    /// Of agents who were in one of these departments then.
    pub departments: Option<BTreeSet<DepartmentId>>,
    /// In this state.
    pub state: Option<AgentState>,
    /// Begun for this reason.
    pub reason: Option<ChangeReason>,
}

impl Store {
    /// A page of the log, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn agent_stays(
        &self,
        sight: Sight<'_>,
        filter: &StayFilter,
        ask: &PageAsk,
    ) -> Result<Page<AgentStay>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", OWNER);
        if let Some(after) = ask.after.as_deref().and_then(|key| key.parse::<u64>().ok()) {
            condition.and("number < ?", after);
        }
        if let Some(from_ms) = filter.from_ms {
            condition.and("began_at_ms >= ?", from_ms);
        }
        if let Some(to_ms) = filter.to_ms {
            condition.and("began_at_ms < ?", to_ms);
        }
        if let Some(agent) = &filter.agent {
            condition.and("agent = ?", agent.as_str());
        }
        if let Some(departments) = &filter.departments {
            condition.of_departments(departments, OWNER);
        }
        if let Some(state) = &filter.state {
            condition.and("state = ?", word(state));
        }
        if let Some(reason) = &filter.reason {
            condition.and("reason = ?", word(reason));
        }
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM agent_states WHERE {condition} ORDER BY number DESC LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(stay).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |stay| stay.number.to_string()))
    }

    /// The stays that last.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn open_stays(&self, tenant: &TenantId) -> Result<Vec<AgentStay>, StoreError> {
        let sql = "SELECT * FROM agent_states WHERE tenant = $1 AND ended_at_ms IS NULL ORDER BY number";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str()]).await?;
        rows.iter().map(stay).collect()
    }
}

/// Whose a stay is.
const OWNER: Owner = Owner::Then { employee: "agent_states.agent", at_ms: "agent_states.began_at_ms" };

pub(super) const TABLE: DerivedTable = DerivedTable {
    name: "agent_states",
    key: &["tenant", "number"],
    rest: &["agent", "state", "began_at_ms", "ended_at_ms", "reason", "done_by", "extension", "mobile"],
};

pub(super) fn args_of(tenant: &TenantId, stay: &AgentStay) -> Vec<Arg> {
    args![
        tenant.as_str(),
        stay.number,
        stay.agent.as_str(),
        word(&stay.state),
        stay.began_at_ms,
        stay.ended_at_ms,
        word(&stay.reason),
        stay.done_by.clone(),
        stay.extension.clone(),
        stay.mobile.clone(),
    ]
}

fn stay(row: &Row) -> Result<AgentStay, StoreError> {
    Ok(AgentStay {
        number: row.unsigned("number")?,
        agent: row.text("agent")?,
        state: row.word("state")?,
        began_at_ms: row.unsigned("began_at_ms")?,
        ended_at_ms: row.opt_unsigned("ended_at_ms")?,
        reason: row.word("reason")?,
        done_by: row.opt_text("done_by")?,
        extension: row.opt_text("extension")?,
        mobile: row.opt_text("mobile")?,
    })
}
