//! Departments (部门): a tree with one root for each tenant.

use std::collections::{BTreeMap, BTreeSet};

use hooks::id::DepartmentId;
use serde::Serialize;

use super::StoreError;
use super::setting::{Change, Setting, Stored, caseless};
use super::sql::{Arg, Row, args, json};

/// A department as it is set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Department {
    /// Which.
    pub id: DepartmentId,
    /// Its name, which none of its siblings has (ORG-02).
    pub name: String,
    /// The department that it is part of; `None` for the root.
    pub parent: Option<DepartmentId>,
    /// The employee numbers of its managers (ORG-03).
    pub managers: BTreeSet<String>,
}

impl Department {
    /// The root's id, in every tenant.
    #[must_use]
    pub fn root_id() -> DepartmentId {
        DepartmentId::new(0, 1)
    }

    /// The root of a tenant: nobody manages it yet.
    #[must_use]
    pub fn root(name: &str) -> Self {
        Self { id: Self::root_id(), name: name.to_owned(), parent: None, managers: BTreeSet::new() }
    }
}

impl Setting for Department {
    const RESOURCE: &'static str = "department";
    const TABLE: &'static str = "departments";
    const KEY: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["name", "name_key", "parent", "managers"];
    /// All are read at each sign-in.
    const MAX: u64 = 2_000;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn args(&self) -> Vec<Arg> {
        args![
            self.name.as_str(),
            caseless(&self.name),
            self.parent.map(|parent| parent.to_string()),
            json(&self.managers),
        ]
    }

    /// What belonged to a department that is gone belongs to the one above it.
    fn beside(change: &Change, before: Option<&Self>, after: Option<&Self>) -> Vec<(&'static str, Vec<Arg>)> {
        let (Some(gone), None) = (before, after) else { return Vec::new() };
        let Some(parent) = gone.parent else { return Vec::new() };
        let sql = "UPDATE employee_departments SET department = $3 WHERE tenant = $1 AND department = $2";
        vec![(sql, args![change.tenant.as_str(), gone.id.to_string(), parent.to_string()])]
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            name: row.text("name")?,
            parent: row.opt_parsed("parent")?,
            managers: row.json("managers")?,
        })
    }
}

/// The departments of a tenant, each with the one above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<DepartmentId, Option<DepartmentId>>);

impl Tree {
    /// Of all the departments of a tenant.
    #[must_use]
    pub fn of(departments: &[Stored<Department>]) -> Self {
        Self(departments.iter().map(|stored| (stored.value.id, stored.value.parent)).collect())
    }

    /// These departments with every lower one. Those that there are not (any more) are left out.
    #[must_use]
    pub fn below<'d>(&self, tops: impl IntoIterator<Item = &'d DepartmentId>) -> BTreeSet<DepartmentId> {
        let tops: BTreeSet<&DepartmentId> = tops.into_iter().collect();
        self.0.keys().filter(|id| self.path(**id).any(|above| tops.contains(&above))).copied().collect()
    }

    /// How many departments there are from the root down to this one, itself included; 0 where there is none.
    #[must_use]
    pub fn depth(&self, id: DepartmentId) -> usize {
        self.path(id).count()
    }

    /// A department, the one above it, and so on up to the root. Ends in any case, should the rows go round in a circle.
    fn path(&self, from: DepartmentId) -> impl Iterator<Item = DepartmentId> {
        let first = self.0.contains_key(&from).then_some(from);
        std::iter::successors(first, |id| self.0.get(id).copied().flatten()).take(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_is_seen_with_all_that_is_below_it() {
        let id = |n| DepartmentId::new(1, n);
        // 1 has 2 and 3, 3 has 4, 4 has 5; 8 and 9 go round.
        let rows = [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(3)), (5, Some(4)), (8, Some(9)), (9, Some(8))];
        let tree = Tree(rows.into_iter().map(|(n, parent)| (id(n), parent.map(id))).collect());
        let below = |tops: &[u128]| {
            let tops: Vec<DepartmentId> = tops.iter().map(|n| id(*n)).collect();
            tree.below(&tops)
        };
        assert_eq!(below(&[3]), [3, 4, 5].map(id).into());
        assert_eq!(below(&[2, 5]), [2, 5].map(id).into());
        assert_eq!(below(&[1]), [1, 2, 3, 4, 5].map(id).into());
        assert_eq!((below(&[7]), below(&[])), (BTreeSet::new(), BTreeSet::new()));
        assert_eq!((tree.depth(id(1)), tree.depth(id(5)), tree.depth(id(7))), (1, 4, 0));
    }
}
