//! Roles (角色): what an employee may do, which fields he sees, and whose rows (ORG-31 to ORG-38).

use std::collections::{BTreeMap, BTreeSet};

use hooks::id::DepartmentId;
use hooks::number;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::setting::{Setting, caseless};
use super::sql::{Arg, Row, args, json};

/// A role as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    /// A ULID.
    pub id: String,
    /// Its name, which no other role has.
    pub name: String,
    /// For people.
    pub description: String,
    /// Permission keys (功能权限); `*` means all.
    pub permissions: BTreeSet<String>,
    /// Rights on fields (字段权限), by `object.field`; what is not named is read and written.
    pub fields: BTreeMap<String, FieldRight>,
    /// Whose rows (数据权限).
    pub data: DataPermission,
    /// The role that the first start made: it is neither deleted nor stripped (ORG-38).
    pub administrator: bool,
}

/// What one may do with a field (ORG-32), the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldRight {
    /// It is not shown.
    Hidden,
    /// Only of phone numbers: the first 3 and the last 4 characters are shown (GEN-07).
    Masked,
    /// It is shown.
    Read,
    /// It is shown, and may be changed.
    Write,
}

impl FieldRight {
    /// What is shown of a text; `None` where nothing is. A text without a digit is no number, and is not masked.
    #[must_use]
    pub fn shown(self, text: &str) -> Option<String> {
        match self {
            Self::Hidden => None,
            Self::Masked => Some(number::masked_text(text)),
            Self::Read | Self::Write => Some(text.to_owned()),
        }
    }
}

/// Whose rows one sees beside one's own (数据权限, ORG-33). Departments count with every lower one; those that one manages come on
/// top (GEN-09).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "scope", rename_all = "snake_case", deny_unknown_fields)]
pub enum DataPermission {
    /// Everybody's.
    All,
    /// Those of departments.
    Departments {
        /// One's own department.
        #[serde(default)]
        own: bool,
        /// These.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        departments: BTreeSet<DepartmentId>,
    },
}

impl DataPermission {
    /// The own department.
    #[must_use]
    pub fn own() -> Self {
        Self::Departments { own: true, departments: BTreeSet::new() }
    }

    /// The departments that it names itself.
    #[must_use]
    pub fn named(&self) -> Option<&BTreeSet<DepartmentId>> {
        match self {
            Self::All => None,
            Self::Departments { departments, .. } => Some(departments),
        }
    }
}

impl Role {
    /// The administrator's role in every tenant (ORG-38).
    pub const ADMINISTRATOR: &'static str = "00000000000000000000000001";
    /// The role of agents that the first start makes.
    pub const AGENT: &'static str = "00000000000000000000000002";

    /// The administrator's role, which may do everything.
    #[must_use]
    pub fn administrator() -> Self {
        Self {
            id: Self::ADMINISTRATOR.to_owned(),
            name: "Administrator".to_owned(),
            description: "May do everything.".to_owned(),
            permissions: ["*".to_owned()].into(),
            fields: BTreeMap::new(),
            data: DataPermission::All,
            administrator: true,
        }
    }

    /// What an agent needs to work: calls, his own state, and how his colleagues stand.
    #[must_use]
    pub fn agent() -> Self {
        let keys = ["call.dial", "calls.read", "agents.read", "queues.read", "extensions.read", "extensions.use"];
        Self {
            id: Self::AGENT.to_owned(),
            name: "Agent".to_owned(),
            description: "Takes calls.".to_owned(),
            permissions: keys.map(str::to_owned).into(),
            fields: BTreeMap::new(),
            data: DataPermission::own(),
            administrator: false,
        }
    }
}

impl Setting for Role {
    const RESOURCE: &'static str = "role";
    const TABLE: &'static str = "roles";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] =
        &["name", "name_key", "description", "permissions", "fields", "data", "administrator"];
    /// More than any one tells apart.
    const MAX: u64 = 500;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.name.as_str(),
            caseless(&self.name),
            self.description.as_str(),
            json(&self.permissions),
            json(&self.fields),
            json(&self.data),
            self.administrator,
        ]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text("id")?,
            name: row.text("name")?,
            description: row.text("description")?,
            permissions: row.json("permissions")?,
            fields: row.json("fields")?,
            data: row.json("data")?,
            administrator: row.flag("administrator")?,
        })
    }
}
