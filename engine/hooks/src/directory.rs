//! Who works here, as a plugin is told it by its host.

use serde::{Deserialize, Serialize};

use crate::id::DepartmentId;

/// An employee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Employee {
    /// The employee number (工号).
    pub number: String,
    /// The name for people.
    pub name: String,
    /// False once he has left (离职).
    pub active: bool,
    /// Where he works; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Department>,
}

/// A department (部门).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Department {
    /// Which.
    pub id: DepartmentId,
    /// The name for people.
    pub name: String,
}
