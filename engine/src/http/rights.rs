//! Nobody gives away what he does not have: of permissions, of rows, and of power over those who have more.

use hooks::id::DepartmentId;
use hooks::scope::Scope;

use super::permission::Permissions;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::setting::{Edit, Faults};
use super::state::Api;
use crate::store::departments::{Department, Tree};
use crate::store::roles::{DataPermission, FieldRight, Role};

/// The data permission of all that one sees oneself, but for one's own rows.
pub(super) fn whole(scope: &Scope) -> DataPermission {
    match scope {
        Scope::Tenant => DataPermission::All,
        Scope::Some { departments, .. } => DataPermission::Departments { own: false, departments: departments.clone() },
    }
}

/// Whether one may give these rights away.
///
/// # Errors
/// [`Kind::Forbidden`] where one does not have all of it.
pub(super) fn covers(principal: &Principal, permissions: &Permissions, data: &DataPermission) -> Result<(), Problem> {
    if !principal.permissions.cover(permissions) {
        let detail = "you give nothing that you do not have; leave those permissions out";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let seen = match data.named() {
        None => principal.scope == Scope::Tenant,
        Some(named) => named.iter().all(|department| principal.scope.holds(None, Some(*department))),
    };
    if !seen {
        let detail = "you let nobody see what you do not see; leave those departments out";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    Ok(())
}

/// Whether one may give, take or change a role, and whoever has it.
///
/// # Errors
/// [`Kind::Forbidden`] where the role has what one does not.
pub(super) fn covers_role(principal: &Principal, role: &Role) -> Result<(), Problem> {
    let more =
        |(field, own): (&String, &FieldRight)| role.fields.get(field).copied().unwrap_or(FieldRight::Write) > *own;
    if principal.narrowed().is_some_and(|own| own.iter().any(more)) {
        let detail = "you let nobody see or change fields that your own role keeps from you; ask an administrator";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    covers(principal, &Permissions::from_texts(role.permissions.iter().cloned()), &role.data)
}

/// As [`covers_role`], by the role's ID; one that is not there is a fault of `field`.
///
/// # Errors
/// As [`covers_role`]; when there is none, or the database is away.
pub(super) async fn covers_named(
    edit: &mut Edit,
    principal: &Principal,
    role: &str,
    field: &str,
) -> Result<(), Problem> {
    let found = edit.tx.find::<Role>(role).await?;
    let mut faults = Faults::default();
    faults.require(field, found.is_some(), "there is no such role; see GET /api/v1/roles");
    faults.check()?;
    found.map_or(Ok(()), |role| covers_role(principal, &role.value))
}

/// Whether the rows of a department are one's to give.
///
/// # Errors
/// [`Kind::Forbidden`] where they are not.
pub(super) fn holds(principal: &Principal, department: DepartmentId) -> Result<(), Problem> {
    if principal.scope.holds(None, Some(department)) {
        return Ok(());
    }
    Err(Problem::new(Kind::Forbidden, "this department is not among those whose data you see; ask an administrator"))
}

/// That there are the departments which a data permission names.
///
/// # Errors
/// [`Kind::Invalid`] where one is missing; when the database is away.
pub(super) async fn check_departments(
    api: &Api,
    principal: &Principal,
    data: &DataPermission,
    field: &str,
) -> Result<(), Problem> {
    let Some(named) = data.named().filter(|named| !named.is_empty()) else { return Ok(()) };
    let tree = Tree::of(&api.store().all::<Department>(&principal.tenant).await?);
    let mut faults = Faults::default();
    let there = named.iter().all(|department| tree.depth(*department) > 0);
    faults.require(field, there, "there is no such department; see GET /api/v1/departments");
    faults.check()
}
