//! Which rows of a tenant somebody may see: one rule for all lists and reports (GEN-09).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::DepartmentId;

/// The data scope (数据权限) of somebody: worked out once by the engine, from his role, his department and the departments that he
/// manages, and asked wherever rows leave the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All rows of the tenant.
    Tenant,
    /// His own rows, and those of these departments.
    Some {
        /// His employee number (工号); none for a program, which has no rows of its own.
        own: Option<String>,
        /// The departments, with every lower one already among them.
        departments: BTreeSet<DepartmentId>,
    },
}

impl Scope {
    /// Whether a row is in it that belongs to the employee `number` and, as the row says, to `department`. A row of nobody is for
    /// those who see the whole tenant.
    #[must_use]
    pub fn holds(&self, number: Option<&str>, department: Option<DepartmentId>) -> bool {
        match self {
            Self::Tenant => true,
            Self::Some { own, departments } => {
                (number.is_some() && number == own.as_deref())
                    || department.is_some_and(|department| departments.contains(&department))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_seen_by_its_owner_and_by_who_may_see_its_department() {
        let (sales, support) = (DepartmentId::new(1, 1), DepartmentId::new(1, 2));
        let scope = Scope::Some { own: Some("10001".to_owned()), departments: [sales].into() };
        assert!(scope.holds(Some("10001"), Some(support)));
        assert!(scope.holds(Some("10002"), Some(sales)));
        assert!(!scope.holds(Some("10002"), Some(support)));
        assert!(!scope.holds(None, None));
        let program = Scope::Some { own: None, departments: BTreeSet::new() };
        assert!(!program.holds(None, None));
        assert!(Scope::Tenant.holds(None, None));
    }
}
