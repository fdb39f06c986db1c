//! `employees`: who works here (ORG-20 to ORG-30). One sees and changes those whose data one sees, and nobody who may do more than oneself.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::id::DepartmentId;
use serde::{Deserialize, Serialize};
use switch::input::Command;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::agent::check_extension;
use super::avatar;
use super::department;
use super::extract::{Body, Path, Query};
use super::operation::{Guard, Operations, forbidden};
use super::page::{self, Listed, PageQuery};
use super::permission::{AGENTS_WRITE, EMPLOYEES_READ, EMPLOYEES_WRITE};
use super::precondition::{IfMatch, etag};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use super::rights;
use super::session::{self, hashed, is_acceptable};
use super::setting::{Edit, Faults, NAME_RULE, is_name};
use super::sip_credential;
use super::state::Api;
use super::time_text::Instant;
use crate::centre::AgentRules;
use crate::mail::check_address;
use crate::secrets::hash_password;
use crate::store::agents::Agent;
use crate::store::departments::Department;
use crate::store::employees::{
    Account, Employee, EmployeeFilter, Employment, NUMBER_RULE, NewPassword, USER_NAME_RULE, is_employee_number,
    is_user_name, normal,
};
use crate::store::roles::Role;
use crate::store::setting::{Expect, Setting as _};

/// The operations on employees.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Needs(EMPLOYEES_READ), routes!(list_employees))
        .add(Guard::Needs(EMPLOYEES_READ), routes!(read_employee))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(create_employee))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(change_employee))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(move_employee))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(set_status))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(unlock_employee))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(give_password))
        .add(Guard::Needs(EMPLOYEES_READ), routes!(read_employee_avatar))
        .add(Guard::Needs(EMPLOYEES_WRITE), avatar::large(routes!(replace_employee_avatar)))
        .add(Guard::Needs(EMPLOYEES_WRITE), routes!(delete_employee_avatar))
}

/// An employee.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmployeeShown {
    /// The employee number.
    #[schema(example = "10001")]
    pub number: String,
    /// The user name.
    pub login: String,
    /// The name.
    pub name: String,
    /// The nickname; may be empty.
    pub nickname: String,
    /// The mobile, as it was typed.
    #[schema(example = "138 0000 0000")]
    #[schema(extensions(("x-field" = json!("employees.mobile"))))]
    pub mobile: Option<String>,
    /// The e-mail address; may be empty.
    pub email: String,
    /// The ID of the role.
    pub role: String,
    /// The ID of the department.
    pub department: String,
    /// Where the picture is; null where there is none.
    #[schema(example = "/api/v1/employees/10001/avatar")]
    pub avatar: Option<String>,
    /// `in_service` or `left`.
    pub status: StatusName,
    /// Since when the account is locked, by wrong passwords.
    pub locked_at: Option<Instant>,
    /// The next sign-in asks for a password of his own.
    pub password_change_required: bool,
    /// How he is treated as an agent: after-call state, extension and more; null where he is none.
    pub agent: Option<AgentRules>,
    /// When he was made.
    pub created_at: Instant,
    /// When he was changed last.
    pub updated_at: Instant,
}

/// Whether somebody works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    /// In service (在职).
    InService,
    /// Left (离职).
    Left,
}

/// A new employee.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEmployee {
    /// The employee number (工号): 10000 to 99999999, never used before, and never changed.
    #[schema(example = "10001")]
    number: String,
    /// The name: 1 to 64 characters.
    #[schema(example = "Li Ming")]
    name: String,
    /// The initial password: 6 to 64 characters, with at least one letter and one digit. He changes it at his first sign-in.
    password: String,
    /// The mobile; nobody else has it.
    #[schema(example = "13800000000")]
    #[schema(extensions(("x-field" = json!("employees.mobile"))))]
    mobile: String,
    /// The ID of the role.
    role: String,
    /// The ID of the department.
    department: String,
    /// The user name; left out, the number. 2 to 32 characters; nobody else has it, in whatever case.
    login: Option<String>,
    /// The nickname; at most 64 characters.
    #[serde(default)]
    nickname: String,
    /// The e-mail address.
    #[serde(default)]
    email: String,
    /// Makes him an agent, with his after-call state and, if he has one, his extension. Needs `agents.write`.
    agent: Option<AgentRules>,
}

/// What shall be different; what is left out stays. Number and department are not changed here (ORG-28).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmployeeChange {
    name: Option<String>,
    login: Option<String>,
    nickname: Option<String>,
    #[schema(extensions(("x-field" = json!("employees.mobile"))))]
    mobile: Option<String>,
    email: Option<String>,
    role: Option<String>,
    /// How he is treated as an agent, which he becomes where he is none. Needs `agents.write`.
    agent: Option<AgentRules>,
}

/// Where somebody shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentChoice {
    /// The ID of the department.
    department: String,
}

/// Whether somebody shall work here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChoice {
    status: StatusName,
}

/// A password that somebody is given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InitialPassword {
    /// 6 to 64 characters, with at least one letter and one digit.
    password: String,
}

/// Which employees are wanted (ORG-26).
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmployeeQuery {
    /// This is part of the name, without case.
    name: Option<String>,
    /// This is part of the nickname, without case.
    nickname: Option<String>,
    /// Of exactly this employee number.
    number: Option<String>,
    /// With this mobile, in whatever form it is written.
    phone: Option<String>,
    /// With the role of this ID.
    role: Option<String>,
    /// In service or left.
    status: Option<StatusName>,
    /// In the department of this ID, or in one below it.
    department: Option<String>,
    /// How many at most: 1 to 200, 50 where it is left out.
    #[serde(default, deserialize_with = "page::limit")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<StatusName> for Employment {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::InService => Self::Active,
            StatusName::Left => Self::Left,
        }
    }
}

impl From<Employment> for StatusName {
    fn from(employment: Employment) -> Self {
        match employment {
            Employment::Active => Self::InService,
            Employment::Left => Self::Left,
        }
    }
}

fn shown(account: Account, agent: Option<AgentRules>) -> EmployeeShown {
    let (stored, locked_at) = (account.employee, account.locked_at_ms.map(Instant));
    let employee = stored.value;
    EmployeeShown {
        avatar: employee.avatar.map(|_| format!("/api/v1/employees/{}/avatar", employee.employee_no)),
        number: employee.employee_no,
        login: employee.login,
        name: employee.name,
        nickname: employee.nickname,
        mobile: employee.mobile.map(|mobile| mobile.as_str().to_owned()),
        email: employee.email,
        role: employee.role,
        department: employee.department.to_string(),
        status: employee.employment.into(),
        locked_at,
        password_change_required: employee.must_change,
        agent,
        created_at: Instant(stored.created_at_ms),
        updated_at: Instant(stored.updated_at_ms),
    }
}

/// One who is seen.
async fn seen(api: &Api, principal: &Principal, id: &str) -> Result<Account, Problem> {
    let found = api.store().employee(principal.sight(), id).await?;
    found.ok_or_else(|| Problem::not_found(Employee::RESOURCE))
}

/// The answer that shows him, with his `ETag`.
async fn answer(api: &Api, principal: &Principal, id: &str) -> Result<impl IntoResponse + use<>, Problem> {
    let account = seen(api, principal, id).await?;
    let agent = api.store().find::<Agent>(&principal.tenant, id).await?.map(|stored| stored.value.rules);
    let tag = etag(account.employee.version);
    Ok(([(axum::http::header::ETAG, tag)], Json(shown(account, agent))))
}

/// The employees whose data one sees, by number.
#[utoipa::path(get, path = "/employees", tag = "people", params(EmployeeQuery),
    responses((status = 200, body = Listed<EmployeeShown>)))]
async fn list_employees(
    State(api): State<Api>,
    principal: Principal,
    Query(query): Query<EmployeeQuery>,
) -> Result<Json<Listed<EmployeeShown>>, Problem> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor };
    let departments = match query.department {
        Some(department) => Some(department::with_lower(&api, &principal, &department, "department").await?),
        None => None,
    };
    let filter = EmployeeFilter {
        name: query.name,
        nickname: query.nickname,
        employee_no: query.number,
        mobile: query.phone,
        role: query.role,
        employment: query.status.map(Employment::from),
        departments,
    };
    let rows = api.store().employees(principal.sight(), &filter, &page.ask()?).await?;
    let agents = api.store().all::<Agent>(&principal.tenant).await?;
    let rules = |number: &str| {
        let found = agents.iter().find(|agent| agent.value.agent.as_str() == number);
        found.map(|agent| agent.value.rules.clone())
    };
    Ok(Json(Listed::from_store(rows, |account| {
        let agent = rules(&account.employee.value.employee_no);
        shown(account, agent)
    })))
}

/// One employee.
#[utoipa::path(get, path = "/employees/{id}", tag = "people", params(("id" = String, Path)),
    responses((status = 200, body = EmployeeShown)))]
async fn read_employee(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    answer(&api, &principal, &id).await
}

/// Makes an employee. He signs in with the initial password and chooses another.
#[utoipa::path(post, path = "/employees", tag = "people", request_body = NewEmployee,
    responses((status = 201, body = EmployeeShown), (status = 409, description = "the number was used before")))]
async fn create_employee(
    State(api): State<Api>,
    principal: Principal,
    Body(new): Body<NewEmployee>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    faults.require("number", is_employee_number(&new.number), NUMBER_RULE);
    faults.require("password", is_acceptable(&new.password), session::RULE);
    let mobile = check_mobile(&mut faults, &new.mobile);
    let department = faults.note("department", new.department.parse::<DepartmentId>());
    let change = EmployeeChange {
        name: Some(new.name),
        login: Some(new.login.unwrap_or_else(|| new.number.clone())),
        nickname: Some(new.nickname),
        email: Some(new.email),
        agent: new.agent,
        ..EmployeeChange::default()
    };
    change.check(&mut faults, &new.number);
    faults.check()?;
    let department = department.expect("an ID that is none was noted as a fault");
    check_agent(&principal, change.agent.as_ref())?;
    let hash = hashed(&api, move || hash_password(&new.password)).await?;
    let made = Employee { mobile, role: new.role, department, ..Employee::new(&new.number, hash) };
    let (made, agent) = change.apply(made);
    let mut edit = Edit::begin(&api, &principal).await?;
    check_department(&mut edit, &principal, department).await?;
    rights::covers_named(&mut edit, &principal, &made.role, "role").await?;
    if edit.tx.find::<Employee>(&made.employee_no).await?.is_none() {
        check_free(&mut edit, &made).await?;
    }
    check_extension(&mut edit, "agent.extension", agent.as_ref()).await?;
    edit.tx.create(made).await?;
    set_agent(&mut edit, &new.number, agent).await?;
    edit.finish(&api).await?;
    let location = [(axum::http::header::LOCATION, format!("/api/v1/employees/{}", new.number))];
    Ok((StatusCode::CREATED, location, answer(&api, &principal, &new.number).await?))
}

/// Changes an employee. His role holds at once.
#[utoipa::path(patch, path = "/employees/{id}", tag = "people", params(("id" = String, Path)),
    request_body = EmployeeChange,
    responses((status = 200, body = EmployeeShown), (status = 409, description = "he is the last administrator")))]
async fn change_employee(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(mut change): Body<EmployeeChange>,
) -> Result<impl IntoResponse, Problem> {
    let mut faults = Faults::default();
    let mobile = change.mobile.take().map(|mobile| check_mobile(&mut faults, &mobile));
    change.check(&mut faults, &id);
    faults.check()?;
    check_agent(&principal, change.agent.as_ref())?;
    let mut edit = Edit::begin(&api, &principal).await?;
    let (mut employee, expect) = found(&mut edit, &principal, &id, &if_match).await?;
    if let Some(role) = change.role.take().filter(|role| *role != employee.role) {
        rights::covers_named(&mut edit, &principal, &role, "role").await?;
        if employee.role == Role::ADMINISTRATOR {
            check_last_administrator(&mut edit, &employee).await?;
        }
        employee.role = role;
    }
    if let Some(mobile) = mobile {
        employee.mobile = mobile;
    }
    let (employee, agent) = change.apply(employee);
    check_free(&mut edit, &employee).await?;
    check_extension(&mut edit, "agent.extension", agent.as_ref()).await?;
    edit.tx.update(employee, expect).await?;
    set_agent(&mut edit, &id, agent).await?;
    edit.finish(&api).await?;
    answer(&api, &principal, &id).await
}

/// Moves an employee to another department. What he has done stays where it was done; what he sees changes with his next sign-in (ORG-25,
/// ORG-29).
#[utoipa::path(put, path = "/employees/{id}/department", tag = "people", params(("id" = String, Path)),
    request_body = DepartmentChoice, responses((status = 204)))]
async fn move_employee(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(choice): Body<DepartmentChoice>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    let department = faults.note("department", choice.department.parse::<DepartmentId>());
    faults.check()?;
    let department = department.expect("an ID that is none was noted as a fault");
    let mut edit = Edit::begin(&api, &principal).await?;
    let (employee, expect) = found(&mut edit, &principal, &id, &if_match).await?;
    check_department(&mut edit, &principal, department).await?;
    edit.tx.update(Employee { department, ..employee }, expect).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets an employee to left (离职), or back to in service. Who left cannot sign in; his sessions, his phones and his sign-in by mobile end at
/// once, and a call that he has may finish. What he did stays his.
#[utoipa::path(put, path = "/employees/{id}/status", tag = "people", params(("id" = String, Path)),
    request_body = StatusChoice,
    responses((status = 204), (status = 409, description = "he is the last administrator")))]
async fn set_status(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Body(choice): Body<StatusChoice>,
) -> Result<StatusCode, Problem> {
    let employment = Employment::from(choice.status);
    let mut edit = Edit::begin(&api, &principal).await?;
    let (employee, expect) = found(&mut edit, &principal, &id, &if_match).await?;
    let leaves = employment == Employment::Left;
    if leaves && employee.role == Role::ADMINISTRATOR {
        check_last_administrator(&mut edit, &employee).await?;
    }
    edit.tx.update(Employee { employment, ..employee }, expect).await?;
    let mut phones: BTreeSet<ExtensionNumber> = BTreeSet::new();
    if leaves {
        edit.tx.end_sessions(&id).await?;
        let own = edit.tx.find::<Agent>(&id).await?.and_then(|agent| agent.value.rules.extension);
        let used = api.live().agent(&principal.tenant, &id).and_then(|agent| agent.extension.clone());
        phones.extend([own, used].into_iter().flatten().filter_map(|extension| extension.parse().ok()));
    }
    edit.finish(&api).await?;
    if leaves {
        sip_credential::revoke_all_of(&api, &principal.tenant, &id).await;
        for extension in phones {
            // What the switch refuses here is that it stops, and then no phone is registered either.
            let _ = api.switch().command(principal.tenant.clone(), Command::Unbind(extension)).await;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Lifts the lock of an account (解锁).
#[utoipa::path(post, path = "/employees/{id}/unlock", tag = "people", params(("id" = String, Path)),
    responses((status = 204)))]
async fn unlock_employee(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    found(&mut edit, &principal, &id, &IfMatch::Any).await?;
    edit.tx.unlock(&id).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an employee a new initial password and lifts a lock. His sessions end; he chooses another at his next sign-in.
#[utoipa::path(post, path = "/employees/{id}/password", tag = "people", params(("id" = String, Path)),
    request_body = InitialPassword, responses((status = 204)))]
async fn give_password(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    Body(given): Body<InitialPassword>,
) -> Result<StatusCode, Problem> {
    let mut faults = Faults::default();
    faults.require("password", is_acceptable(&given.password), session::RULE);
    faults.check()?;
    let hash = hashed(&api, move || hash_password(&given.password)).await?;
    let mut edit = Edit::begin(&api, &principal).await?;
    found(&mut edit, &principal, &id, &IfMatch::Any).await?;
    edit.tx.set_password(&id, NewPassword::Initial(hash)).await?;
    edit.finish(&api).await?;
    sip_credential::revoke_all_of(&api, &principal.tenant, &id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The picture of an employee.
#[utoipa::path(get, path = "/employees/{id}/avatar", tag = "people", params(("id" = String, Path)),
    responses((status = 200, description = "JPEG or PNG", content_type = "image/png"),
        (status = 304, description = "it is the one of `If-None-Match`")))]
async fn read_employee_avatar(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let employee = seen(&api, &principal, &id).await?.employee.value;
    avatar::serve(&api, &principal.tenant, &id, employee.avatar.as_deref(), &headers).await
}

/// Sets the picture of an employee: the body is a JPEG or PNG of at most 1 MB.
#[utoipa::path(put, path = "/employees/{id}/avatar", tag = "people", params(("id" = String, Path)),
    request_body(content = Vec<u8>, content_type = "image/png"), responses((status = 204)))]
async fn replace_employee_avatar(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let picture = avatar::uploaded(bytes)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    found(&mut edit, &principal, &id, &IfMatch::Any).await?;
    edit.tx.set_avatar(&id, Some(&picture)).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the picture of an employee away.
#[utoipa::path(delete, path = "/employees/{id}/avatar", tag = "people", params(("id" = String, Path)),
    responses((status = 204)))]
async fn delete_employee_avatar(
    State(api): State<Api>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let mut edit = Edit::begin(&api, &principal).await?;
    found(&mut edit, &principal, &id, &IfMatch::Any).await?;
    edit.tx.set_avatar(&id, None).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One who is to be changed: he is seen, and may do nothing that who changes him may not.
async fn found(
    edit: &mut Edit,
    principal: &Principal,
    id: &str,
    if_match: &IfMatch,
) -> Result<(Employee, Expect), Problem> {
    let none = || Problem::not_found(Employee::RESOURCE);
    let stored = edit.tx.find::<Employee>(id).await?.ok_or_else(none)?;
    if !principal.scope.holds(Some(id), Some(stored.value.department)) {
        return Err(none());
    }
    let expect = if_match.expect(stored.version)?;
    if let Some(role) = edit.tx.find::<Role>(&stored.value.role).await? {
        rights::covers_role(principal, &role.value)?;
    }
    Ok((stored.value, expect))
}

async fn check_department(edit: &mut Edit, principal: &Principal, department: DepartmentId) -> Result<(), Problem> {
    let there = edit.tx.find::<Department>(&department.to_string()).await?.is_some();
    let mut faults = Faults::default();
    faults.require("department", there, "there is no such department; see GET /api/v1/departments");
    faults.check()?;
    rights::holds(principal, department)
}

/// Who is no agent's administrator makes no agents.
fn check_agent(principal: &Principal, agent: Option<&AgentRules>) -> Result<(), Problem> {
    match agent {
        Some(_) if !principal.permissions.allow(AGENTS_WRITE) => Err(forbidden(AGENTS_WRITE)),
        Some(_) | None => Ok(()),
    }
}

/// ORG-38: somebody can always administer.
async fn check_last_administrator(edit: &mut Edit, employee: &Employee) -> Result<(), Problem> {
    if employee.employment == Employment::Active && edit.tx.administrators_beside(&employee.employee_no).await? == 0 {
        return Err(Problem::new(Kind::InUse, "he is the last administrator in service; make another one first"));
    }
    Ok(())
}

/// A mobile that can be told from all others (GEN-06).
pub(super) fn check_mobile(faults: &mut Faults, text: &str) -> Option<Dialled> {
    let mobile = faults.note("mobile", Dialled::clean(text))?;
    let is_whole = normal(mobile.as_str()).is_some_and(|normal| normal.starts_with('+'));
    faults.require("mobile", is_whole, "write a whole number, abroad with + and the country's code");
    Some(mobile)
}

/// User name and mobile are nobody else's.
pub(super) async fn check_free(edit: &mut Edit, employee: &Employee) -> Result<(), Problem> {
    let taken = edit.tx.taken(employee).await?;
    let mut faults = Faults::default();
    faults.require("login", !taken.login, "somebody has this user name, or it is his number; choose another");
    faults.require("mobile", !taken.mobile, "somebody has this mobile");
    faults.check()
}

/// Sets how he is treated as an agent, which he becomes where he is none.
pub(super) async fn set_agent(edit: &mut Edit, number: &str, rules: Option<AgentRules>) -> Result<(), Problem> {
    let Some(rules) = rules else { return Ok(()) };
    let Ok(agent) = number.parse::<AgentNumber>() else { return Ok(()) };
    match edit.tx.find::<Agent>(number).await? {
        Some(before) => _ = edit.tx.update(Agent { agent, rules }, Expect::Version(before.version)).await?,
        None => _ = edit.tx.create(Agent { agent, rules }).await?,
    }
    Ok(())
}

impl EmployeeChange {
    fn check(&self, faults: &mut Faults, number: &str) {
        faults.require("name", self.name.as_deref().is_none_or(is_name), NAME_RULE);
        check_login(faults, self.login.as_deref(), number);
        check_nickname(faults, self.nickname.as_deref());
        if let Some(email) = self.email.as_deref().filter(|email| !email.is_empty()) {
            faults.note("email", check_address(email));
        }
        for (field, wrong) in self.agent.iter().flat_map(AgentRules::faults) {
            faults.require(&format!("agent.{field}"), false, &wrong);
        }
    }

    /// With what differs, but for mobile and role.
    fn apply(self, employee: Employee) -> (Employee, Option<AgentRules>) {
        let trimmed = |text: Option<String>, before: String| text.map_or(before, |text| text.trim().to_owned());
        let changed = Employee {
            name: trimmed(self.name, employee.name),
            login: trimmed(self.login, employee.login),
            nickname: trimmed(self.nickname, employee.nickname),
            email: trimmed(self.email, employee.email),
            ..employee
        };
        (changed, self.agent)
    }
}

/// LOGIN-04. A user name of digits would be taken for somebody's number or mobile.
pub(super) fn check_login(faults: &mut Faults, login: Option<&str>, number: &str) {
    let Some(login) = login else { return };
    faults.require("login", is_user_name(login), USER_NAME_RULE);
    let digits = login.chars().all(|c| c.is_ascii_digit() || c == '+');
    faults.require("login", !digits || login == number, "a user name of digits alone is one's own number");
}

pub(super) fn check_nickname(faults: &mut Faults, nickname: Option<&str>) {
    let fine = nickname.is_none_or(|nickname| nickname.trim().is_empty() || is_name(nickname));
    faults.require("nickname", fine, NAME_RULE);
}
