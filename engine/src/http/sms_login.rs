//! Signing in by a code that is sent to the mobile (短信登录, LOGIN-01 to LOGIN-04), and joining an enterprise with it (加入企业).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::Body;
use super::operation::{Guard, Operations};
use super::problem::{FieldError, Kind, Problem};
use super::session::{self, Caller, SignedIn};
use super::state::Api;
use crate::secrets::random_bytes;
use crate::sms::{Sms, SmsError};
use crate::store::employees::{Invited, LoginOutcome, normal};
use crate::store::logins::LoginWay;
use crate::store::scope::Sight;
use crate::store::setting::Hidden;
use crate::store::sms_codes::{CODE_MS, CodePurpose, MaySend, NewCode};
use crate::store::unix_ms;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Public, routes!(send_sign_in_code))
        .add(Guard::Public, routes!(sign_in_by_code))
        .add(Guard::Public, routes!(join_enterprise))
}

/// After so long without choosing an enterprise one begins anew.
const TICKET_MS: u64 = 600_000;
/// What a ticket is encrypted for.
const TICKET_OWNER: &str = "sms-ticket";

/// Who wants a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeAsk {
    /// The mobile, in whatever form it is dialled.
    #[schema(example = "139 0013 9000")]
    mobile: String,
}

/// A code that came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeSignIn {
    /// The mobile to which it was sent.
    mobile: String,
    /// Its 6 digits.
    #[schema(example = "123456")]
    code: String,
}

/// What a right code came to: a session, or enterprises to choose from.
#[derive(Serialize, ToSchema)]
pub struct CodeAccepted {
    /// The session that began, where there is one enterprise only and one has joined it.
    pub session: Option<SignedIn>,
    /// Else the enterprises that invite this mobile (LOGIN-03).
    pub enterprises: Vec<Enterprise>,
    /// For `POST session/join`, for 10 minutes.
    pub ticket: Option<String>,
}

/// An enterprise that invites.
#[derive(Serialize, ToSchema)]
pub struct Enterprise {
    /// For `POST session/join`.
    #[schema(example = "default")]
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// One has joined it before.
    pub joined: bool,
}

/// Which enterprise one joins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    ticket: String,
    tenant: String,
}

/// Sends a code to a mobile (获取验证码): 6 digits, for 5 minutes. The answer is the same whether anybody has that mobile or not.
#[utoipa::path(post, path = "/session/sms-code", tag = "session", request_body = CodeAsk,
    responses((status = 204), (status = 409, description = "no codes are sent here: sign in with a password"),
        (status = 429, description = "a code was sent less than 60 s ago, or ten within a day; or too many asks from this address")))]
async fn send_sign_in_code(
    State(api): State<Api>,
    caller: Caller,
    Body(asked): Body<CodeAsk>,
) -> Result<StatusCode, Problem> {
    session::slow_down(&api, &caller)?;
    send_code(&api, &asked.mobile, CodePurpose::SignIn, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a code for this purpose that `owner` may use.
pub(super) async fn send_code(api: &Api, mobile: &str, purpose: CodePurpose, owner: &str) -> Result<(), Problem> {
    let sms = gateway(api)?;
    let number = normal(mobile).filter(|number| sms.reaches(number)).ok_or_else(|| {
        Problem::invalid(vec![FieldError::new(
            "mobile",
            "codes are not sent to this number; write a mobile of this country",
        )])
    })?;
    let code = new_code();
    let sealed = api.secret_key().seal(&number, &code);
    let noted = NewCode { mobile: &number, purpose, owner, sealed, at_ms: unix_ms() };
    if let MaySend::After(wait_ms) = api.store().note_code(&noted).await? {
        let seconds = u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
        let detail = "a code was just sent to this mobile, or ten of them today; wait, then ask again";
        return Err(Problem::new(Kind::TooMany, detail).retry_after(seconds));
    }
    if let Err(error) = sms.send_code(&number, &code, CODE_MS / 60_000).await {
        api.store().take_code_back(&noted).await?;
        tracing::warn!(%error, "a code was not sent");
        let detail = match error {
            SmsError::Refused(_) => "the gateway of short messages refused this number; ask your administrator",
            SmsError::Unreachable(_) | SmsError::Busy => "the gateway of short messages does not answer; try again",
        };
        return Err(Problem::new(Kind::Unavailable, detail).retry_after(5));
    }
    Ok(())
}

/// Uses a code up; whether it was right.
pub(super) async fn is_right_code(
    api: &Api,
    mobile: &str,
    code: &str,
    purpose: CodePurpose,
    owner: &str,
) -> Result<bool, Problem> {
    let Some(number) = normal(mobile) else { return Ok(false) };
    let Some(sealed) = api.store().try_code(&number, purpose, owner, unix_ms()).await? else { return Ok(false) };
    let sent = api.secret_key().unseal(&number, &sealed).map_err(|error| Problem::internal(&error))?;
    Ok(sent == code.trim() && api.store().use_code(&number, &sealed).await?)
}

fn gateway(api: &Api) -> Result<&Sms, Problem> {
    api.sms().ok_or_else(|| Problem::new(Kind::Refused, "no codes are sent here; sign in with user name and password"))
}

/// Six digits, all equally likely.
fn new_code() -> String {
    const CODES: u64 = 1_000_000;
    // The remainder of 64 bits favours no code by more than one in ten billion.
    format!("{:06}", u64::from_be_bytes(random_bytes()) % CODES)
}

/// Signs in with a code. One enterprise that one has joined: the session begins. Else `POST session/join` follows.
#[utoipa::path(post, path = "/session/sms", tag = "session", request_body = CodeSignIn,
    responses((status = 200, body = CodeAccepted),
        (status = 401, description = "the code is wrong, used, void after 5 wrong tries or older than 5 minutes; or the account is locked"),
        (status = 403, description = "no enterprise invites this mobile: ask your administrator"),
        (status = 409, description = "no codes are sent here, or one is on a call in a session that goes on"),
        (status = 429, description = "too many wrong tries from this address")))]
async fn sign_in_by_code(
    State(api): State<Api>,
    caller: Caller,
    Body(asked): Body<CodeSignIn>,
) -> Result<impl IntoResponse, Problem> {
    gateway(&api)?;
    session::slow_down(&api, &caller)?;
    if !is_right_code(&api, &asked.mobile, &asked.code, CodePurpose::SignIn, "").await? {
        for invited in invited(&api, &asked.mobile).await? {
            let number = Some(invited.employee_no.as_str());
            let caller = caller.by(LoginWay::Sms);
            session::log(&api, &invited.tenant, &caller, number, &asked.mobile, LoginOutcome::Failed).await?;
        }
        return Err(wrong_code());
    }
    // And the asking for the code: an office that comes to work behind one address is none that guesses.
    session::forgive(&api, &caller);
    session::forgive(&api, &caller);
    let found = invited(&api, &asked.mobile).await?;
    if found.is_empty() {
        let detail = "no enterprise has invited this mobile; ask your administrator";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    if let [only] = found.as_slice()
        && only.joined
    {
        let (headers, session) = enter(&api, &caller, only, &asked.mobile).await?;
        return Ok((headers, Json(CodeAccepted { session: Some(session), enterprises: Vec::new(), ticket: None })));
    }
    let enterprises = found.into_iter().map(|invited| Enterprise {
        tenant: invited.tenant.to_string(),
        name: invited.tenant_name,
        joined: invited.joined,
    });
    let ticket = ticket(&api, &asked.mobile);
    let accepted = CodeAccepted { session: None, enterprises: enterprises.collect(), ticket: Some(ticket) };
    Ok((HeaderMap::new(), Json(accepted)))
}

/// Joins an enterprise that invites the mobile of the ticket (加入企业), and signs in to it.
#[utoipa::path(post, path = "/session/join", tag = "session", request_body = Join,
    responses((status = 200, body = SignedIn),
        (status = 401, description = "the ticket is none of ours or older than 10 minutes; or the account is locked"),
        (status = 403, description = "this enterprise does not invite the mobile"),
        (status = 409, description = "no codes are sent here, or one is on a call in a session that goes on"),
        (status = 429, description = "too many wrong tries from this address")))]
async fn join_enterprise(
    State(api): State<Api>,
    caller: Caller,
    Body(asked): Body<Join>,
) -> Result<impl IntoResponse, Problem> {
    gateway(&api)?;
    session::slow_down(&api, &caller)?;
    let mobile = mobile_of(&api, &asked.ticket).ok_or_else(|| {
        Problem::new(Kind::Unauthenticated, "this sign-in took longer than 10 minutes; ask for another code")
    })?;
    session::forgive(&api, &caller);
    let found = invited(&api, &mobile).await?;
    let chosen = found.iter().find(|invited| invited.tenant.as_str() == asked.tenant).ok_or_else(|| {
        Problem::new(Kind::Forbidden, "this enterprise has not invited this mobile; ask its administrator")
    })?;
    let (headers, session) = enter(&api, &caller, chosen, &mobile).await?;
    Ok((headers, Json(session)))
}

async fn invited(api: &Api, mobile: &str) -> Result<Vec<Invited>, Problem> {
    match normal(mobile) {
        Some(number) => Ok(api.store().invited(&number).await?),
        None => Ok(Vec::new()),
    }
}

/// Begins the session of somebody whose mobile is proved; he has joined from now on.
async fn enter(api: &Api, caller: &Caller, invited: &Invited, mobile: &str) -> Result<(HeaderMap, SignedIn), Problem> {
    let caller = caller.by(LoginWay::Sms);
    let (tenant, number): (&TenantId, _) = (&invited.tenant, invited.employee_no.as_str());
    let account = api.store().employee(Sight::whole(tenant), number).await?;
    let account = session::unlocked(api, account, unix_ms()).await?;
    let Some(account) = account.filter(|account| account.locked_at_ms.is_none()) else {
        session::log(api, tenant, &caller, Some(number), mobile, LoginOutcome::Locked).await?;
        return Err(wrong_code());
    };
    api.store().join(tenant, number, unix_ms()).await?;
    let (cookie, session) = session::begin(api, &caller, account, unix_ms()).await?;
    Ok((HeaderMap::from_iter([(header::SET_COOKIE, cookie)]), session))
}

/// LOGIN-06, LOGIN-07: a locked account gets the same answer as a wrong code.
fn wrong_code() -> Problem {
    let detail = "this code does not let you in: it is wrong, used or older than 5 minutes, or the account is locked; ask for \
                  another code, or your administrator";
    Problem::new(Kind::Unauthenticated, detail)
}

/// Says for a while that somebody has this mobile; only this server can make one.
fn ticket(api: &Api, mobile: &str) -> String {
    let until_ms = unix_ms() + TICKET_MS;
    api.secret_key().seal(TICKET_OWNER, &format!("{until_ms} {mobile}")).expose().to_owned()
}

fn mobile_of(api: &Api, ticket: &str) -> Option<String> {
    let plain = api.secret_key().unseal(TICKET_OWNER, &Hidden::new(ticket.to_owned())).ok()?;
    let (until_ms, mobile) = plain.split_once(' ')?;
    (until_ms.parse::<u64>().ok()? > unix_ms()).then(|| mobile.to_owned())
}
