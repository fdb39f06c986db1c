//! Agents (坐席): employees who take calls.

use std::collections::BTreeMap;

use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use switch::agent::{AfterCall, AgentRules};
use utoipa::ToSchema;

use super::setting::Setting;
use super::sql::{Arg, Row, args, word};
use super::{Store, StoreError};

/// An agent as set. One shape for the database, the API and the configuration file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// The employee number; the employee is there and works here.
    #[schema(value_type = String, example = "10001")]
    pub employee_no: AgentNumber,
    /// The extension to sign in on where none is named (PHONE-01).
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "1001")]
    pub extension: Option<ExtensionNumber>,
    /// The mobile (PHONE-07).
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "13800000000")]
    pub mobile: Option<Dialled>,
    /// What follows an answered call: `wrap_up`, or `ready` for the state before the call. Holds from the next sign-in on (AGT-07).
    #[serde(default)]
    #[schema(value_type = String, example = "wrap_up")]
    pub after_call: AfterCall,
    /// So many missed offers in a row make the agent not ready: 0 to 10, 0 for never (AGT-13).
    #[serde(default = "missed_limit")]
    pub missed_limit: u8,
}

/// No limit of missed offers is higher.
pub const MISSED_LIMIT_MAX: u8 = 10;

fn missed_limit() -> u8 {
    AgentRules::default().missed_limit
}

impl Agent {
    /// An agent with everything else at its default.
    #[must_use]
    pub fn new(employee_no: AgentNumber) -> Self {
        let AgentRules { after_call, missed_limit } = AgentRules::default();
        Self { employee_no, extension: None, mobile: None, after_call, missed_limit }
    }

    /// How the switch treats the agent.
    #[must_use]
    pub fn rules(&self) -> AgentRules {
        AgentRules { after_call: self.after_call, missed_limit: self.missed_limit }
    }
}

impl Setting for Agent {
    const RESOURCE: &'static str = "agent";
    const TABLE: &'static str = "agents";
    const KEY: &'static str = "employee_no";
    const COLUMNS: &'static [&'static str] = &["extension", "mobile", "after_call", "missed_limit"];
    /// As many as employees.
    const MAX: u64 = 20_000;

    fn key(&self) -> String {
        self.employee_no.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.extension.as_ref().map(ToString::to_string),
            self.mobile.as_ref().map(ToString::to_string),
            word(&self.after_call),
            u32::from(self.missed_limit),
        ]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            employee_no: row.parsed("employee_no")?,
            extension: row.opt_parsed("extension")?,
            mobile: row.opt_parsed("mobile")?,
            after_call: row.word("after_call")?,
            missed_limit: row.unsigned("missed_limit")?,
        })
    }
}

impl Store {
    /// The names of the agents who work here, by employee number. Without a row here an agent takes no calls.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn agent_names(&self, tenant: &TenantId) -> Result<BTreeMap<String, String>, StoreError> {
        let sql = "SELECT e.employee_no, e.name FROM employees e \
                   JOIN agents a ON a.tenant = e.tenant AND a.employee_no = e.employee_no \
                   WHERE e.tenant = $1 AND e.employment = 'active'";
        let rows = self.pool.read().await?.all(sql, args![tenant.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("employee_no")?, row.text("name")?))).collect()
    }
}
