//! Opening hours (IVR-02): kept as the document that people write.

use dialplan::flow::name::HoursName;
use dialplan::hours::Hours;
use serde::Serialize;

use super::StoreError;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args, json};

/// Opening hours as they are set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoredHours {
    /// Their name.
    #[serde(serialize_with = "as_text")]
    pub name: HoursName,
    /// When it is open.
    #[serde(flatten)]
    pub hours: Hours,
}

impl Setting for StoredHours {
    const RESOURCE: &'static str = "hours";
    const TABLE: &'static str = "hours";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &["definition"];
    /// The switch holds all of them.
    const MAX: u64 = 200;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![json(&self.hours)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { name: row.parsed("name")?, hours: row.json("definition")? })
    }
}
