//! `departments`: the tree of the enterprise (ORG-01 to ORG-04). Who manages a department sees the data of it and of all below it, from his
//! next sign-in on.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use hooks::id::DepartmentId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{DEPARTMENTS_READ, DEPARTMENTS_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::rights;
use super::setting::{Edit, Faults, NAME_RULE, Tagged, is_name, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::store::departments::{Department, Tree};
use crate::store::employees::Employee;
use crate::store::roles::Role;
use crate::store::setting::{Setting as _, Stored, caseless};
use crate::store::unix_ms;

/// The operations on departments.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(DEPARTMENTS_READ), routes!(list_departments))
        .add(Guard::Needs(DEPARTMENTS_READ), routes!(read_department))
        .add(Guard::Needs(DEPARTMENTS_WRITE), routes!(create_department))
        .add(Guard::Needs(DEPARTMENTS_WRITE), routes!(change_department))
        .add(Guard::Needs(DEPARTMENTS_WRITE), routes!(delete_department))
}

/// A department.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentShown {
    /// A ULID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The ID of the department that it is part of; null for the root.
    pub parent: Option<String>,
    /// The employee numbers of its managers.
    #[schema(example = json!(["10001"]))]
    pub managers: BTreeSet<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl From<Stored<Department>> for DepartmentShown {
    fn from(stored: Stored<Department>) -> Self {
        Self {
            id: stored.value.id.to_string(),
            name: stored.value.name,
            parent: stored.value.parent.map(|parent| parent.to_string()),
            managers: stored.value.managers,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// A new department.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDepartment {
    /// 1 to 64 characters; no department beside it has this name.
    #[schema(example = "Sales")]
    name: String,
    /// The ID of the department that it is part of.
    parent: String,
    /// The employee numbers of its managers.
    #[serde(default)]
    managers: BTreeSet<String>,
}

/// What shall be different. A department is not moved.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentChange {
    name: Option<String>,
    /// All of its managers.
    managers: Option<BTreeSet<String>>,
}

/// From the root down so many departments lie below each other.
const DEPTH_MAX: usize = 20;
/// Managers of one department.
const MANAGERS_MAX: usize = 100;

/// The departments of the tenant, the oldest first.
#[utoipa::path(get, path = "/departments", tag = "people", params(PageQuery),
    responses((status = 200, body = Listed<DepartmentShown>)))]
async fn list_departments(
    State(api): State<Api>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<DepartmentShown>>, Problem> {
    list::<Department, _>(&api, &principal, &page).await
}

/// One department.
#[utoipa::path(get, path = "/departments/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 200, body = DepartmentShown)))]
async fn read_department(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<DepartmentShown>, Problem> {
    read::<Department, _>(&api, &principal, &id).await
}

/// Makes a department below another.
#[utoipa::path(post, path = "/departments", tag = "people", request_body = NewDepartment,
    responses((status = 201, body = DepartmentShown), (status = 409, description = "a department beside it has this name")))]
async fn create_department(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewDepartment>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    faults.require("name", is_name(&new.name), NAME_RULE);
    let parent = faults.note("parent", new.parent.parse::<DepartmentId>());
    faults.check()?;
    let parent = parent.expect("an ID that is none was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    let departments = edit.tx.all::<Department>().await?;
    let depth = Tree::of(&departments).depth(parent);
    let mut faults = Faults::default();
    faults.require("parent", depth > 0, "there is no such department");
    faults.require("parent", depth < DEPTH_MAX, "departments lie at most 20 deep");
    faults.check()?;
    rights::holds(&principal, parent)?;
    let name = new.name.trim().to_owned();
    check_name(&departments, parent, None, &name)?;
    check_managers(&mut edit, &new.managers).await?;
    let id = DepartmentId::new(unix_ms(), random());
    let made = Department { id, name, parent: Some(parent), managers: new.managers };
    let stored = edit.tx.create(made).await?;
    edit.finish(&api).await?;
    Ok(Tagged::<DepartmentShown>::from(stored).created("/api/v1/departments", &id.to_string()))
}

/// Renames a department, or sets who manages it (经理设置). Who is named sees its data from his next sign-in on.
#[utoipa::path(patch, path = "/departments/{id}", tag = "people", params(("id" = String, Path)),
    request_body = DepartmentChange,
    responses((status = 200, body = DepartmentShown), (status = 409, description = "a department beside it has this name")))]
async fn change_department(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(change): Body<DepartmentChange>,
) -> Result<Tagged<DepartmentShown>, Problem> {
    let mut faults = Faults::default();
    faults.require("name", change.name.as_deref().is_none_or(is_name), NAME_RULE);
    faults.check()?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut department, expect) = edit.found::<Department>(&id, &if_match).await?;
    rights::holds(&principal, department.id)?;
    if let Some(name) = change.name {
        name.trim().clone_into(&mut department.name);
        if let Some(parent) = department.parent {
            let departments = edit.tx.all::<Department>().await?;
            check_name(&departments, parent, Some(department.id), &department.name)?;
        }
    }
    if let Some(managers) = change.managers {
        check_managers(&mut edit, &managers).await?;
        department.managers = managers;
    }
    let stored = edit.tx.update(department, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a department in which nobody is, be it that he left, and below which there is none. What was done in it counts as done in the one
/// above it.
#[utoipa::path(delete, path = "/departments/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 204), (status = 409, description = "somebody or something belongs to it, or it is the root")))]
async fn delete_department(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (department, expect) = edit.found::<Department>(&id, &if_match).await?;
    rights::holds(&principal, department.id)?;
    if let Some(detail) = needed_by(&mut edit, &department).await? {
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Department>(&api, &department.key(), expect).await
}

/// Why a department cannot go (ORG-04).
async fn needed_by(edit: &mut Edit, department: &Department) -> Result<Option<String>, Problem> {
    if department.parent.is_none() {
        return Ok(Some("this is the root, which there always is".to_owned()));
    }
    let people = edit.tx.employees_in(department.id).await?;
    if people > 0 {
        let detail = format!("{people} employees are in it, those who left among them; move them to another first");
        return Ok(Some(detail));
    }
    let departments = edit.tx.all::<Department>().await?;
    if let Some(lower) = departments.iter().find(|lower| lower.value.parent == Some(department.id)) {
        return Ok(Some(format!("department {} is below it; delete that first", lower.value.name)));
    }
    let roles = edit.tx.all::<Role>().await?;
    let names = |role: &&Stored<Role>| role.value.data.named().is_some_and(|named| named.contains(&department.id));
    Ok(roles.iter().find(names).map(|role| format!("role {} names it; change that first", role.value.name)))
}

/// ORG-02.
fn check_name(
    departments: &[Stored<Department>],
    parent: DepartmentId,
    own: Option<DepartmentId>,
    name: &str,
) -> Result<(), Problem> {
    let is_taken = |other: &Stored<Department>| {
        other.value.parent == Some(parent)
            && Some(other.value.id) != own
            && caseless(&other.value.name) == caseless(name)
    };
    match departments.iter().any(is_taken) {
        true => Err(Problem::new(Kind::AlreadyExists, "a department beside it has this name; choose another")),
        false => Ok(()),
    }
}

async fn check_managers(edit: &mut Edit, managers: &BTreeSet<String>) -> Result<(), Problem> {
    let mut faults = Faults::default();
    faults.require("managers", managers.len() <= MANAGERS_MAX, "a department has at most 100 managers");
    for manager in managers.iter().take(MANAGERS_MAX) {
        let there = edit.tx.find::<Employee>(manager).await?.is_some();
        faults.require("managers", there, &format!("{manager} is no employee; make him one first"));
    }
    faults.check()
}

/// The department of a query with every lower one, of a log that is asked for an agent or a department, not both (LOG-02, LOG-07).
pub(super) async fn asked(
    api: &Api,
    principal: &Principal,
    agent: Option<&str>,
    department: Option<&str>,
) -> Result<Option<BTreeSet<DepartmentId>>, Problem> {
    let mut faults = Faults::default();
    faults.require("department", agent.is_none() || department.is_none(), "name an agent or a department, not both");
    faults.check()?;
    match department {
        Some(department) => with_lower(api, principal, department, "department").await.map(Some),
        None => Ok(None),
    }
}

/// A department with every lower one, as a query names it.
pub(super) async fn with_lower(
    api: &Api,
    principal: &Principal,
    text: &str,
    field: &str,
) -> Result<BTreeSet<DepartmentId>, Problem> {
    let id = text.parse::<DepartmentId>();
    let id = id.map_err(|error| Problem::invalid(vec![FieldError::new(field, error)]))?;
    let found = Tree::of(&api.store().all::<Department>(&principal.tenant).await?).below([&id]);
    if found.is_empty() {
        return Err(Problem::invalid(vec![FieldError::new(field, "there is no such department")]));
    }
    Ok(found)
}

fn random() -> u128 {
    u128::from_be_bytes(crate::secrets::random_bytes())
}
