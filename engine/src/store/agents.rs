//! Agents: employees who take calls.

use dialplan::number::AgentNumber;
use serde::Serialize;

use super::StoreError;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args, json};
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
