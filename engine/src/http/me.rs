//! `me`: personal settings (个人设置, ORG-45, ORG-46). The password is changed by `POST session/password`, which asks for the old one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use dialplan::number::Dialled;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::avatar;
use super::employee::{check_free, check_login, check_mobile, check_nickname, set_agent};
use super::extract::Body;
use super::operation::{Guard, Operations, unauthenticated};
use super::permission::EMPLOYEES_WRITE;
use super::principal::{Principal, Who};
use super::problem::{FieldError, Kind, Problem};
use super::setting::{Edit, Faults, NAME_RULE, is_name};
use super::sms_login::{is_right_code, send_code};
use super::state::Api;
use crate::centre::{AfterCallName, AgentRules};
use crate::store::agents::Agent;
use crate::store::departments::Department;
use crate::store::employees::Employee;
use crate::store::roles::Role;
use crate::store::scope::Sight;
use crate::store::setting::{Expect, Stored};
use crate::store::sms_codes::CodePurpose;

/// The operations on one's own settings.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Own, routes!(read_me))
        .add(Guard::Own, routes!(change_me))
        .add(Guard::Own, routes!(send_mobile_code))
        .add(Guard::Own, routes!(read_my_avatar))
        .add(Guard::Own, avatar::large(routes!(replace_my_avatar)))
        .add(Guard::Own, routes!(delete_my_avatar))
}

/// Oneself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The employee number.
    #[schema(example = "10001")]
    pub number: String,
    /// The user name.
    pub login: String,
    /// The name.
    pub name: String,
    /// The nickname; may be empty.
    pub nickname: String,
    /// The mobile.
    pub mobile: Option<String>,
    /// The e-mail address; may be empty.
    pub email: String,
    /// The name of the role.
    pub role: Option<String>,
    /// The name of the department.
    pub department: Option<String>,
    /// Where the picture is; null where there is none.
    #[schema(example = "/api/v1/me/avatar")]
    pub avatar: Option<String>,
    /// What follows an answered call; null where one is no agent.
    pub after_call: Option<AfterCallName>,
    /// The extension that one signs in on where one names none; null without one, and where one is no agent.
    #[schema(example = "1001")]
    pub extension: Option<String>,
}

/// What shall be different; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MyChange {
    name: Option<String>,
    nickname: Option<String>,
    /// 2 to 32 characters; nobody else has it, in whatever case.
    login: Option<String>,
    /// What follows an answered call, from the next sign-in on. Of agents.
    after_call: Option<AfterCallName>,
    /// Together with the code that was sent to it (`POST me/mobile-code`), or with `employees.write`.
    mobile: Option<String>,
    /// That code.
    mobile_code: Option<String>,
}

/// A mobile that shall be one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MobileAsk {
    /// In whatever form it is dialled.
    #[schema(example = "139 0013 9000")]
    mobile: String,
}

/// One's own employee number.
fn own(principal: &Principal) -> Result<&str, Problem> {
    match &principal.who {
        Who::Employee { number, .. } => Ok(number),
        Who::Token { .. } => Err(Problem::new(Kind::Refused, "an API token is no employee and has no settings")),
    }
}

async fn shown(api: &Api, principal: &Principal) -> Result<Json<Me>, Problem> {
    let (number, tenant) = (own(principal)?, &principal.tenant);
    let account = api.store().employee(Sight::whole(tenant), number).await?.ok_or_else(unauthenticated)?;
    let employee = account.employee.value;
    let agent = api.store().find::<Agent>(tenant, number).await?;
    let role = api.store().find::<Role>(tenant, &employee.role).await?;
    let department = api.store().find::<Department>(tenant, &employee.department.to_string()).await?;
    Ok(Json(Me {
        number: employee.employee_no,
        login: employee.login,
        name: employee.name,
        nickname: employee.nickname,
        mobile: employee.mobile.map(|mobile| mobile.as_str().to_owned()),
        email: employee.email,
        role: role.map(|role| role.value.name),
        department: department.map(|department| department.value.name),
        avatar: employee.avatar.map(|_| "/api/v1/me/avatar".to_owned()),
        after_call: agent.as_ref().map(|agent| agent.value.rules.after_call),
        extension: agent.and_then(|agent| agent.value.rules.extension),
    }))
}

/// One's own settings.
#[utoipa::path(get, path = "/me", tag = "people",
    responses((status = 200, body = Me), (status = 409, description = "an API token is no employee")))]
async fn read_me(State(api): State<Api>, principal: Principal) -> Result<Json<Me>, Problem> {
    shown(&api, &principal).await
}

/// Changes one's own settings.
#[utoipa::path(patch, path = "/me", tag = "people", request_body = MyChange,
    responses((status = 200, body = Me), (status = 403, description = "the mobile is an administrator's to change"),
        (status = 409, description = "an API token is no employee")))]
async fn change_me(
    State(api): State<Api>,
    principal: Principal,
    Body(change): Body<MyChange>,
) -> Result<Json<Me>, Problem> {
    let number = own(&principal)?;
    let mut faults = Faults::default();
    faults.require("name", change.name.as_deref().is_none_or(is_name), NAME_RULE);
    check_nickname(&mut faults, change.nickname.as_deref());
    check_login(&mut faults, change.login.as_deref(), number);
    let mobile = change.mobile.as_deref().map(|mobile| check_mobile(&mut faults, mobile));
    faults.check()?;
    if let Some(mobile) = &mobile {
        // Before the change begins: a try of a code is a change of its own.
        let own = api.store().find::<Employee>(&principal.tenant, number).await?.ok_or_else(unauthenticated)?;
        if own.value.mobile != *mobile {
            prove_mobile(&api, &principal, mobile.as_ref(), change.mobile_code.as_deref()).await?;
        }
    }
    let mut edit = Edit::begin(&api, &principal).await?;
    let before: Stored<Employee> = edit.tx.find(number).await?.ok_or_else(unauthenticated)?;
    let mut employee = before.value;
    let set = |into: &mut String, text: Option<String>| {
        if let Some(text) = text {
            text.trim().clone_into(into);
        }
    };
    set(&mut employee.name, change.name);
    set(&mut employee.nickname, change.nickname);
    set(&mut employee.login, change.login);
    let is_new = mobile.as_ref().is_some_and(|mobile| *mobile != employee.mobile);
    if let Some(mobile) = mobile {
        employee.mobile = mobile;
    }
    check_free(&mut edit, &employee).await?;
    edit.tx.update(employee, Expect::Version(before.version)).await?;
    if is_new {
        ring_it(&mut edit, number).await?;
    }
    if let Some(after_call) = change.after_call {
        let agent = edit.tx.find::<Agent>(number).await?;
        let mut faults = Faults::default();
        faults.require("after_call", agent.is_some(), "you are no agent");
        faults.check()?;
        let rules = agent.map(|agent| AgentRules { after_call, ..agent.value.rules });
        set_agent(&mut edit, number, rules).await?;
    }
    edit.finish(&api).await?;
    shown(&api, &principal).await
}

/// PHONE-07: it is the one that calls ring from now on, whatever he named when he signed in by a mobile once.
async fn ring_it(edit: &mut Edit, number: &str) -> Result<(), Problem> {
    let Some(agent) = edit.tx.find::<Agent>(number).await?.filter(|agent| !agent.is_read_only()) else { return Ok(()) };
    if agent.value.rules.mobile.is_none() {
        return Ok(());
    }
    set_agent(edit, number, Some(AgentRules { mobile: None, ..agent.value.rules })).await
}

/// ORG-45: a new mobile is one's own when a code that was sent to it comes back; who may change employees vouches for it.
async fn prove_mobile(
    api: &Api,
    principal: &Principal,
    mobile: Option<&Dialled>,
    code: Option<&str>,
) -> Result<(), Problem> {
    if principal.permissions.allow(EMPLOYEES_WRITE) {
        return Ok(());
    }
    let wrong = |detail: &str| Problem::invalid(vec![FieldError::new("mobile_code", detail)]);
    if api.sms().is_none() {
        let detail =
            "a new mobile must be proved, which this installation cannot do; ask an administrator to change it";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let (Some(mobile), Some(code)) = (mobile, code) else {
        return Err(wrong("ask for a code by POST /api/v1/me/mobile-code and send it along"));
    };
    match is_right_code(api, mobile.as_str(), code, CodePurpose::Mobile, &owner(principal)).await? {
        true => Ok(()),
        false => {
            Err(wrong("this code is wrong, used, void after 5 wrong tries or older than 5 minutes; ask for another"))
        }
    }
}

/// Who may use a code of his.
fn owner(principal: &Principal) -> String {
    format!("{}/{}", principal.tenant, principal.key())
}

/// Sends a code to a mobile that shall be one's own: 6 digits, for 5 minutes.
#[utoipa::path(post, path = "/me/mobile-code", tag = "people", request_body = MobileAsk,
    responses((status = 204), (status = 409, description = "no codes are sent here; or an API token is no employee"),
        (status = 429, description = "a code was sent less than 60 s ago, or ten within a day")))]
async fn send_mobile_code(
    State(api): State<Api>,
    principal: Principal,
    Body(asked): Body<MobileAsk>,
) -> Result<StatusCode, Problem> {
    own(&principal)?;
    send_code(&api, &asked.mobile, CodePurpose::Mobile, &owner(&principal)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own picture.
#[utoipa::path(get, path = "/me/avatar", tag = "people",
    responses((status = 200, description = "JPEG or PNG", content_type = "image/png"),
        (status = 304, description = "it is the one of `If-None-Match`"),
        (status = 404, description = "one has no picture"), (status = 409, description = "an API token is no employee")))]
async fn read_my_avatar(State(api): State<Api>, principal: Principal, headers: HeaderMap) -> Result<Response, Problem> {
    let (number, tenant) = (own(&principal)?, &principal.tenant);
    let account = api.store().employee(Sight::whole(tenant), number).await?.ok_or_else(unauthenticated)?;
    avatar::serve(&api, tenant, number, account.employee.value.avatar.as_deref(), &headers).await
}

/// Sets one's own picture: the body is a JPEG or PNG of at most 1 MB.
#[utoipa::path(put, path = "/me/avatar", tag = "people",
    request_body(content = Vec<u8>, content_type = "image/png"), responses((status = 204)))]
async fn replace_my_avatar(
    State(api): State<Api>,
    principal: Principal,
    bytes: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let number = own(&principal)?;
    let picture = avatar::uploaded(bytes)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    edit.tx.set_avatar(number, Some(&picture)).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes one's own picture away.
#[utoipa::path(delete, path = "/me/avatar", tag = "people", responses((status = 204)))]
async fn delete_my_avatar(State(api): State<Api>, principal: Principal) -> Result<StatusCode, Problem> {
    let number = own(&principal)?;
    let mut edit = Edit::begin(&api, &principal).await?;
    edit.tx.set_avatar(number, None).await?;
    edit.finish(&api).await?;
    Ok(StatusCode::NO_CONTENT)
}
