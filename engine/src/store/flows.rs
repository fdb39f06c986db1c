//! Flows: what callers go through. A draft that changes, and versions that never do.

use dialplan::flow::Flow;
use dialplan::flow::name::FlowName;
use hooks::id::TenantId;
use serde::Serialize;

use super::setting::{Expect, Setting, SettingsTx, as_text, stored};
use super::sql::{Arg, Conn, Row, args, json};
use super::{Store, StoreError};

/// A flow through its life.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredFlow {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub name: FlowName,
    /// Its name for people: the draft's, else the published version's.
    pub title: String,
    /// What is being worked on.
    pub draft: Option<Flow>,
    /// The version that new calls walk.
    pub published: Option<u32>,
}

/// A version of a flow: what calls walk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlowVersion {
    /// Of which flow.
    #[serde(serialize_with = "as_text")]
    pub flow: FlowName,
    /// From 1.
    pub number: u32,
    /// What it is.
    pub definition: Flow,
}

impl FlowVersion {
    /// The key of a version.
    #[must_use]
    pub fn id(flow: &str, number: u32) -> String {
        format!("{flow}.{number}")
    }
}

impl Store {
    /// The versions that new calls walk, one of each flow that was ever published.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Corrupt`].
    pub async fn published_flows(&self, tenant: &TenantId) -> Result<Vec<FlowVersion>, StoreError> {
        published(&mut self.pool.read().await?, tenant).await
    }
}

impl SettingsTx {
    /// As [`Store::published_flows`], as this transaction sees them.
    ///
    /// # Errors
    /// As [`Store::published_flows`].
    pub async fn published_flows(&mut self) -> Result<Vec<FlowVersion>, StoreError> {
        let (conn, change) = self.parts();
        published(conn, &change.tenant).await
    }

    /// Deletes a flow with its versions.
    ///
    /// # Errors
    /// As [`SettingsTx::delete`].
    pub async fn delete_flow(&mut self, flow: &StoredFlow, expect: Expect) -> Result<(), StoreError> {
        self.delete::<StoredFlow>(flow.name.as_str(), expect).await?;
        for number in 1..=flow.published.unwrap_or_default() {
            self.delete::<FlowVersion>(&FlowVersion::id(flow.name.as_str(), number), Expect::Any).await?;
        }
        Ok(())
    }
}

async fn published(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<FlowVersion>, StoreError> {
    let sql = "SELECT v.* FROM flow_versions v JOIN flows f \
               ON f.tenant = v.tenant AND f.name = v.flow AND f.published = v.number WHERE v.tenant = $1 ORDER BY v.flow";
    let rows = conn.all(sql, args![tenant.as_str()]).await?;
    rows.iter().map(|row| stored::<FlowVersion>(row).map(|version| version.value)).collect()
}

impl Setting for StoredFlow {
    const RESOURCE: &'static str = "flow";
    const TABLE: &'static str = "flows";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &["title", "draft", "published"];
    /// The switch holds the published version of each.
    const MAX: u64 = 200;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![self.title.as_str(), self.draft.as_ref().map(json), self.published.map(u64::from)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let draft = row.opt_text("draft")?.map(|text| definition("draft", &text)).transpose()?;
        let published = row.opt_unsigned("published")?;
        Ok(Self { name: row.parsed("name")?, title: row.text("title")?, draft, published })
    }
}

impl Setting for FlowVersion {
    const RESOURCE: &'static str = "flow_version";
    const TABLE: &'static str = "flow_versions";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["flow", "number", "definition"];
    /// Fifty of each flow.
    const MAX: u64 = 10_000;

    fn key(&self) -> String {
        Self::id(self.flow.as_str(), self.number)
    }

    fn args(&self) -> Vec<Arg> {
        args![self.flow.as_str(), self.number, json(&self.definition)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let definition = definition("definition", &row.text("definition")?)?;
        Ok(Self { flow: row.parsed("flow")?, number: row.unsigned("number")?, definition })
    }
}

fn definition(column: &str, text: &str) -> Result<Flow, StoreError> {
    let value = serde_json::from_str(text).map_err(|error| StoreError::corrupt(column, error))?;
    Flow::read(value).map_err(|problems| {
        let first = problems.first().map(ToString::to_string);
        StoreError::corrupt(column, first.unwrap_or_default())
    })
}
