//! Agents: employees who take calls.

use dialplan::number::AgentNumber;
use serde::Serialize;

use super::records::Condition;
use super::scope::{Owner, Sight};
use super::setting::{Page, PageAsk, Setting, Stored, as_text, stored};
use super::sql::{Arg, Row, args, json};
use super::{Store, StoreError};
use crate::centre::AgentRules;

/// An agent as he is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agent {
    /// The employee number.
    #[serde(serialize_with = "as_text")]
    pub agent: AgentNumber,
    /// How he is treated.
    #[serde(flatten)]
    pub rules: AgentRules,
}

impl Setting for Agent {
    const RESOURCE: &'static str = "agent";
    const TABLE: &'static str = "agents";
    const KEY: &'static str = "agent";
    const COLUMNS: &'static [&'static str] = &["rules"];
    /// A decision of the distribution costs < 100 µs with so many.
    const MAX: u64 = 5_000;

    fn key(&self) -> String {
        self.agent.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![json(&self.rules)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { agent: row.parsed("agent")?, rules: row.json("rules")? })
    }
}

impl Store {
    /// The number and the name of each agent who is seen, by number; no more than there may be ([`Setting::MAX`]).
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn agent_names(&self, sight: Sight<'_>) -> Result<Vec<(String, String)>, StoreError> {
        let mut condition = Condition::of(sight, "agents.tenant", Owner::Now { employee: "agents.agent" });
        let limit = condition.bind(Agent::MAX);
        let (condition, args) = condition.into_parts();
        let sql = format!(
            "SELECT agents.agent AS agent, employees.name AS name FROM agents \
             JOIN employees ON employees.tenant = agents.tenant AND employees.employee_no = agents.agent \
             WHERE {condition} ORDER BY agents.agent LIMIT {limit}"
        );
        let rows = self.pool.read().await?.all(sql, args).await?;
        rows.iter().map(|row| Ok((row.text("agent")?, row.text("name")?))).collect()
    }

    /// A page of the agents who are seen, by number.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn agents(&self, sight: Sight<'_>, ask: &PageAsk) -> Result<Page<Stored<Agent>>, StoreError> {
        let mut condition = Condition::of(sight, "tenant", Owner::Now { employee: "agents.agent" });
        condition.and("agent > ?", ask.after.clone().unwrap_or_default());
        let limit = condition.bind(ask.rows());
        let (condition, args) = condition.into_parts();
        let sql = format!("SELECT * FROM agents WHERE {condition} ORDER BY agent LIMIT {limit}");
        let rows = self.pool.read().await?.all(sql, args).await?;
        let items = rows.iter().map(stored::<Agent>).collect::<Result<Vec<_>, _>>()?;
        Ok(ask.page(items, |stored| stored.value.key()))
    }
}
