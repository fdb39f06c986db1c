//! Queues (技能组).

use dialplan::flow::name::QueueName;
use serde::Serialize;

use super::StoreError;
use super::setting::{Setting, as_text};
use super::sql::{Arg, Row, args, json};
use crate::centre::QueueRules;

/// A queue as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queue {
    /// Its name.
    #[serde(serialize_with = "as_text")]
    pub name: QueueName,
    /// What it does.
    #[serde(flatten)]
    pub rules: QueueRules,
}

impl Setting for Queue {
    const RESOURCE: &'static str = "queue";
    const TABLE: &'static str = "queues";
    const KEY: &'static str = "name";
    const COLUMNS: &'static [&'static str] = &["rules"];
    const MAX: u64 = 500;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![json(&self.rules)]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { name: row.parsed("name")?, rules: row.json("rules")? })
    }
}
