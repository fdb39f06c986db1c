//! `roles`: what employees may do, which fields they see, and whose rows (ORG-31 to ORG-38). A change holds at once. `permissions` tells
//! what there is to be ticked.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations};
use super::page::{Listed, PageQuery};
use super::permission::{ROLES_READ, ROLES_WRITE};
use super::precondition::IfMatch;
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::rights;
use super::setting::{Edit, Faults, NAME_RULE, Tagged, is_name, list, read};
use super::state::Api;
use super::time_text::Instant;
use crate::secrets::new_ulid;
use crate::store::roles::{DataPermission, FieldRight, Role};
use crate::store::setting::{Expect, Stored, caseless};
use crate::store::unix_ms;

/// The operations on roles.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(ROLES_READ), routes!(list_roles))
        .add(Guard::Needs(ROLES_READ), routes!(read_role))
        .add(Guard::Needs(ROLES_WRITE), routes!(create_role))
        .add(Guard::Needs(ROLES_WRITE), routes!(replace_role))
        .add(Guard::Needs(ROLES_WRITE), routes!(delete_role))
        .add(Guard::Needs(ROLES_READ), routes!(list_permissions))
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleShown {
    /// A ULID.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub rules: RoleRules,
    /// The role of the first administrator: it is neither deleted nor stripped.
    pub administrator: bool,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What a role is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRules {
    /// 1 to 64 characters; no other role has this name.
    #[schema(example = "Team leader")]
    name: String,
    /// For people; at most 200 characters.
    #[serde(default)]
    description: String,
    /// Permission keys (功能权限), of those that one has oneself; `*` stands for all.
    #[serde(default)]
    #[schema(example = json!(["call_records.read", "recordings.play"]))]
    permissions: BTreeSet<String>,
    /// Rights on fields (字段权限), by `object.field`. What is not named is read and written.
    #[serde(default)]
    #[schema(example = json!({"call_records.caller": "masked"}))]
    fields: BTreeMap<String, FieldRight>,
    /// Whose rows (数据权限), of those that one sees oneself; left out, the own department's.
    #[serde(default = "DataPermission::own")]
    data: DataPermission,
}

impl From<Stored<Role>> for RoleShown {
    fn from(stored: Stored<Role>) -> Self {
        let Role { id, name, description, permissions, fields, data, administrator } = stored.value;
        Self {
            id,
            rules: RoleRules { name, description, permissions, fields, data },
            administrator,
            created_at: Instant(stored.created_at_ms),
            updated_at: Instant(stored.updated_at_ms),
        }
    }
}

/// What roles are made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionsShown {
    /// Every permission key, by key.
    pub permissions: Vec<PermissionShown>,
    /// Every field that rights are set for, by name.
    pub fields: Vec<FieldShown>,
}

/// A permission key.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionShown {
    /// As roles and tokens name it.
    #[schema(example = "call_records.read")]
    pub key: &'static str,
    /// What it lets one do.
    pub words: &'static str,
}

/// A field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldShown {
    /// As roles name it.
    #[schema(example = "call_records.caller")]
    pub name: String,
    /// It holds phone numbers, and may be masked.
    pub phone: bool,
}

/// The roles of the tenant.
#[utoipa::path(get, path = "/roles", tag = "people", params(RoleQuery),
    responses((status = 200, body = Listed<RoleShown>)))]
async fn list_roles(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<RoleQuery>,
) -> Result<Json<Listed<RoleShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let Some(part) = query.name.as_deref().map(caseless) else {
        return list::<Role, _>(&api, &principal, &page).await;
    };
    let after = page.after()?.unwrap_or_default();
    let mut rows = api.store().all::<Role>(&principal.tenant).await?;
    rows.retain(|role| role.value.id > after && caseless(&role.value.name).contains(&part));
    Ok(Json(Listed::cut(rows, page.limit(), |role| role.value.id.clone(), RoleShown::from)))
}

/// Which roles are wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoleQuery {
    /// This is part of the name, without case.
    name: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "super::page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One role.
#[utoipa::path(get, path = "/roles/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 200, body = RoleShown)))]
async fn read_role(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Tagged<RoleShown>, Problem> {
    read::<Role, _>(&api, &principal, &id).await
}

/// Makes a role.
#[utoipa::path(post, path = "/roles", tag = "people", request_body = RoleRules,
    responses((status = 201, body = RoleShown), (status = 409, description = "there is one of that name")))]
async fn create_role(
    State(api): State<Api>,
    principal: Principal,
    Body(rules): Body<RoleRules>,
) -> Result<impl IntoResponse, Problem> {
    check(&api, &principal, &rules).await?;
    let role = rules.role(new_ulid(unix_ms()), false);
    rights::covers_role(&principal, &role)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let stored = edit.tx.create(role).await?;
    edit.finish(&api).await?;
    let id = stored.value.id.clone();
    Ok(Tagged::<RoleShown>::from(stored).created("/api/v1/roles", &id))
}

/// Sets a role anew; it holds at once for all who have it. Of the administrator's role only name and description change.
#[utoipa::path(put, path = "/roles/{id}", tag = "people", params(("id" = String, Path)), request_body = RoleRules,
    responses((status = 200, body = RoleShown),
        (status = 409, description = "there is one of that name, or it is the administrator's")))]
async fn replace_role(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(rules): Body<RoleRules>,
) -> Result<Tagged<RoleShown>, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (before, expect) = found(&mut edit, &principal, &id, &if_match).await?;
    check(&api, &principal, &rules).await?;
    let role = rules.role(before.id, before.administrator);
    let stripped = role.permissions != before.permissions || role.fields != before.fields || role.data != before.data;
    if before.administrator && stripped {
        let detail = "the administrator's role keeps all its rights; only its name and description change";
        return Err(Problem::new(Kind::InUse, detail));
    }
    rights::covers_role(&principal, &role)?;
    let stored = edit.tx.update(role, expect).await?;
    edit.finish(&api).await?;
    Ok(stored.into())
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/roles/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 204), (status = 409, description = "somebody has it, or it is the administrator's")))]
async fn delete_role(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    let (role, expect) = found(&mut edit, &principal, &id, &if_match).await?;
    if role.administrator {
        return Err(Problem::new(Kind::InUse, "the administrator's role is always there"));
    }
    let people = edit.tx.employees_with_role(&role.id).await?;
    if people > 0 {
        let detail = format!("{people} employees have it, those who left among them; give them another first");
        return Err(Problem::new(Kind::InUse, detail));
    }
    edit.delete::<Role>(&api, &id, expect).await
}

/// Every permission key with what it lets one do, and every field that rights are set for.
#[utoipa::path(get, path = "/permissions", tag = "people", responses((status = 200, body = PermissionsShown)))]
async fn list_permissions(State(api): State<Api>) -> Json<PermissionsShown> {
    let key = |(key, words): (&'static str, &'static str)| PermissionShown { key, words: words.trim() };
    let registry = api.registry();
    Json(PermissionsShown {
        permissions: registry.keys().map(key).collect(),
        fields: registry.fields().map(|(name, it)| FieldShown { name: name.to_owned(), phone: it.phone }).collect(),
    })
}

impl RoleRules {
    fn role(self, id: String, administrator: bool) -> Role {
        let Self { name, description, permissions, fields, data } = self;
        Role { id, name: name.trim().to_owned(), description, permissions, fields, data, administrator }
    }
}

/// A role that is to be changed, by somebody who has all of its rights.
async fn found(
    edit: &mut Edit,
    principal: &Principal,
    id: &str,
    if_match: &IfMatch,
) -> Result<(Role, Expect), Problem> {
    let (role, expect) = edit.found::<Role>(id, if_match).await?;
    rights::covers_role(principal, &role)?;
    Ok((role, expect))
}

/// Of a description, characters.
const DESCRIPTION_MAX: usize = 200;

async fn check(api: &Api, principal: &Principal, rules: &RoleRules) -> Result<(), Problem> {
    let mut faults = Faults::default();
    faults.require("name", is_name(&rules.name), NAME_RULE);
    let short = rules.description.chars().count() <= DESCRIPTION_MAX;
    faults.require("description", short, "a description has at most 200 characters");
    for key in &rules.permissions {
        let told = format!("there is no permission key {key}; see GET /api/v1/permissions");
        faults.require("permissions", api.registry().knows(key), &told);
    }
    for (name, right) in &rules.fields {
        if let Some(fault) = api.registry().field_fault(name, *right) {
            faults.require(&format!("fields.{name}"), false, fault);
        }
    }
    faults.check()?;
    rights::check_departments(api, principal, &rules.data, "data.departments").await
}
