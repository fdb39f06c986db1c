//! `session`: signing in and out, and choosing a password of one's own.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use hooks::fact::{Sign, Way};
use hooks::id::TenantId;
use hooks::scope::Scope;
use serde::{Deserialize, Serialize};
use switch::input::{AgentOrder, Command};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::Body;
use super::operation::{Guard, Operations, unauthenticated};
use super::peer;
use super::principal::{self, COOKIE, Principal, Who};
use super::problem::{FieldError, Kind, Problem};
use super::setting::Faults;
use super::sip_credential;
use super::state::Api;
use crate::background;
use crate::secrets::{hash_password, new_token, token_hash, verify_password};
use crate::store::employees::{Account, Employee, Employment, FailedLogin, LoginOutcome, LoginSeen, NewPassword};
use crate::store::logins::{LoginWay, SignInWay};
use crate::store::roles::FieldRight;
use crate::store::scope::Sight;
use crate::store::sessions::{NewSession, SESSION_IDLE_MS};
use crate::store::setting::{Change, Hidden};
use crate::store::tenants::Tenant;
use crate::store::unix_ms;

/// The operations on one's own session.
#[must_use]
pub fn operations() -> Operations {
    Operations::new()
        .add(Guard::Public, routes!(sign_in))
        .add(Guard::Public, routes!(list_ways))
        .add(Guard::SignedIn, routes!(read_session))
        .add(Guard::SignedIn, routes!(sign_out))
        .add(Guard::SignedIn, routes!(choose_password))
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user name or employee number.
    #[schema(example = "admin")]
    login: String,
    password: String,
    /// Only where the installation has several tenants.
    tenant: Option<String>,
    /// By what one takes part in calls, for the login log.
    sign_in: Option<SignInWay>,
}

/// How one may sign in here, beside user name and password.
#[derive(Serialize, ToSchema)]
pub struct Ways {
    /// Codes are sent to mobiles (LOGIN-01).
    pub sms: bool,
    /// By a provider of OpenID Connect, at `GET session/oidc`: what stands on its button. Null where there is none.
    #[schema(example = "SSO")]
    pub oidc: Option<String>,
    /// This request came by TLS with a certificate that signed itself: browsers warn about it unless they were told to believe it.
    pub self_signed: bool,
}

/// A session that began. The cookie carries the same token.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer`. Ends after 12 h without use, and with the next sign-in of the same employee.
    pub token: String,
    /// Who one is.
    #[serde(flatten)]
    pub session: SessionShown,
}

/// Who one is and what one may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionShown {
    /// Whose rows one sees.
    pub tenant: String,
    /// The user name, or `token:NAME`.
    pub login: String,
    /// The employee number; null for an API token. It is the agent's, where the employee is one.
    #[schema(example = "10001")]
    pub employee: Option<String>,
    /// The name for people; null for an API token.
    pub name: Option<String>,
    /// In which times are shown (GEN-03).
    #[schema(example = "Asia/Shanghai")]
    pub time_zone: String,
    /// Permission keys; `*` stands for all.
    pub permissions: Vec<String>,
    /// Rights on fields, by `object.field`; what is not named is read and written.
    pub fields: BTreeMap<String, FieldRight>,
    /// Whose rows one sees.
    pub data: ScopeShown,
    /// Nothing else is allowed before `POST session/password` (LOGIN-05).
    pub password_change_required: bool,
}

/// Whose rows one sees, as it holds in this session: one's own department and those that one manages are those of the sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum ScopeShown {
    /// Everybody's.
    All,
    /// One's own, and those of these departments.
    Departments {
        /// Their IDs, every lower one among them.
        departments: Vec<String>,
    },
}

impl From<&Scope> for ScopeShown {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::Tenant => Self::All,
            Scope::Some { departments, .. } => {
                Self::Departments { departments: departments.iter().map(ToString::to_string).collect() }
            }
        }
    }
}

/// A password of one's own choice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChoice {
    old_password: String,
    /// At least 6 and at most 64 characters, with a letter and a digit.
    new_password: String,
}

/// Where a request comes from, for limits and the login log.
pub(super) struct Caller {
    way: LoginWay,
    sign_in: Option<SignInWay>,
    source: std::net::IpAddr,
    secure: bool,
    user_agent: String,
}

impl Caller {
    /// Whether he came over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The same, who says by what he takes part in calls.
    pub(super) fn taking_part_by(&self, sign_in: Option<SignInWay>) -> Self {
        Self { sign_in, ..self.by(self.way) }
    }

    /// The same with this credential.
    pub(super) fn by(&self, way: LoginWay) -> Self {
        let user_agent = self.user_agent.clone();
        Self { way, user_agent, source: self.source, secure: self.secure, sign_in: self.sign_in }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let user_agent =
            parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let user_agent = user_agent.chars().take(USER_AGENT_MAX).collect();
        Ok(Self {
            way: LoginWay::Password,
            sign_in: None,
            source: peer::source(parts),
            secure: peer::is_secure(parts),
            user_agent,
        })
    }
}

/// Of a User-Agent header, what is kept.
const USER_AGENT_MAX: usize = 200;
/// A password is not hashed beyond this: nobody has one, and each byte costs.
const PASSWORD_MAX: usize = 256;
/// A nice value: a hash takes all of a core for a tenth of a second, and media wants its turn each 20 ms.
const HASHING_PRIORITY: i32 = 10;
/// How long a sign-in waits for its turn to be hashed.
const HASHING_WAIT: Duration = Duration::from_secs(5);
/// The hash of nobody's password, with the cost of a real one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3dpdGNoYm9hcmQtbm9ib2R5$gc4QnBEuZ1HBcfpuWmTVgcWQnq5cIdbkBRkK7a5K6Oc";

/// Signs in. Wrong user, wrong password and a locked account get the same answer.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = 401, description = "wrong user or password, or locked"),
        (status = 403, description = "the account has not joined yet: sign in by a code first"),
        (status = 409, description = "on a call in another session that is connected"),
        (status = 429, description = "too many wrong tries from this address")))]
async fn sign_in(
    State(api): State<Api>,
    caller: Caller,
    Body(asked): Body<SignIn>,
) -> Result<impl IntoResponse, Problem> {
    let now_ms = unix_ms();
    let caller = Caller { sign_in: asked.sign_in, ..caller };
    let tenant = tenant(&api, asked.tenant.as_deref()).await?;
    slow_down(&api, &caller)?;
    let account = match &tenant {
        Some(tenant) => unlocked(&api, api.store().account(tenant, &asked.login).await?, now_ms).await?,
        None => None,
    };
    let hash =
        account.as_ref().map_or_else(|| Hidden::new(NOBODY.to_owned()), |a| a.employee.value.password_hash.clone());
    let right = verify(&api, hash, asked.password).await?;
    let Some(account) = account else {
        if let Some(tenant) = &tenant {
            log(&api, tenant, &caller, None, &asked.login, LoginOutcome::Failed).await?;
        }
        return Err(wrong());
    };
    admit(&api, &caller, &account, &asked.login, right, now_ms).await?;
    forgive(&api, &caller);
    let (cookie, session) = begin(&api, &caller, account, now_ms).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(session)))
}

/// How one may sign in here: for the page that asks.
#[utoipa::path(get, path = "/session/ways", tag = "session", responses((status = 200, body = Ways)))]
async fn list_ways(State(api): State<Api>, caller: Caller, headers: HeaderMap) -> Json<Ways> {
    let oidc = api.oidc().map(|oidc| oidc.config().name.clone());
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = asked.rsplit_once(':').map_or(asked, |(host, _port)| host);
    Json(Ways { sms: api.sms().is_some(), oidc, self_signed: caller.secure && api.health().is_self_signed(host) })
}

/// LOGIN-07: an address that was wrong too often waits. The try counts until it is forgiven.
pub(super) fn slow_down(api: &Api, caller: &Caller) -> Result<(), Problem> {
    api.throttle().begin(caller.source, unix_ms()).map_err(|too_many| {
        let seconds = u32::try_from(too_many.wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
        Problem::new(Kind::TooMany, "too many wrong tries from this address; wait, then try again").retry_after(seconds)
    })
}

/// The last try of the address was right.
pub(super) fn forgive(api: &Api, caller: &Caller) {
    api.throttle().forgive(caller.source);
}

/// The tenant one signs in to; `None` where one is named that there is not, which is answered like a wrong password.
async fn tenant(api: &Api, named: Option<&str>) -> Result<Option<TenantId>, Problem> {
    let tenants = api.store().tenants().await?;
    match (named, tenants.as_slice()) {
        (Some(named), all) => Ok(all.iter().map(|t| &t.value.slug).find(|slug| slug.as_str() == named).cloned()),
        (None, [only]) => Ok(Some(only.value.slug.clone())),
        (None, []) => Ok(None),
        (None, _) => {
            Err(Problem::invalid(vec![FieldError::new("tenant", "this installation has several; name yours")]))
        }
    }
}

/// Hashes where it blocks nobody, a few at a time.
async fn verify(api: &Api, hash: Hidden, password: String) -> Result<bool, Problem> {
    if password.len() > PASSWORD_MAX {
        return Ok(false);
    }
    hashed(api, move || verify_password(&hash, &password)).await?.map_err(|error| Problem::internal(&error))
}

pub(super) async fn hashed<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let busy = || Problem::new(Kind::Unavailable, "too many people sign in at this moment; try again").retry_after(5);
    let permit = tokio::time::timeout(HASHING_WAIT, api.hashing().acquire()).await.map_err(|_| busy())?;
    let _permit = permit.map_err(|_| busy())?;
    background::run("password-hash", HASHING_PRIORITY, work).await.map_err(|error| Problem::internal(&error))
}

/// The account, without a lock that has lasted for as long as the tenant says (LOGIN-06).
pub(super) async fn unlocked(api: &Api, account: Option<Account>, now_ms: u64) -> Result<Option<Account>, Problem> {
    let Some(account) = account else { return Ok(None) };
    if account.locked_at_ms.is_none() || api.store().lift_locks(&account.tenant, now_ms).await? == 0 {
        return Ok(Some(account));
    }
    let number = account.employee.value.employee_no.as_str();
    Ok(api.store().employee(Sight::whole(&account.tenant), number).await?)
}

/// Counts a wrong password, and lets nobody in who is locked out or left.
async fn admit(
    api: &Api,
    caller: &Caller,
    account: &Account,
    login: &str,
    right: bool,
    now_ms: u64,
) -> Result<(), Problem> {
    let employee = &account.employee.value;
    let number = employee.employee_no.as_str();
    let outcome = if account.locked_at_ms.is_some() {
        LoginOutcome::Locked
    } else if !right {
        match api.store().login_failed(&account.tenant, number, now_ms).await? {
            FailedLogin::Counted(_) => LoginOutcome::Failed,
            FailedLogin::Locked => LoginOutcome::Locked,
        }
    } else {
        match employee.employment {
            Employment::Active if account.joined_at_ms.is_none() && api.sms().is_some() => {
                log(api, &account.tenant, caller, Some(number), login, LoginOutcome::Failed).await?;
                return Err(not_joined());
            }
            Employment::Active => return Ok(api.store().login_succeeded(&account.tenant, number).await?),
            Employment::Left => LoginOutcome::Failed,
        }
    };
    log(api, &account.tenant, caller, Some(number), login, outcome).await?;
    Err(wrong())
}

/// Begins a session; its cookie, too. An older one of the same employee ends, but not in the middle of a call (LOGIN-10).
pub(super) async fn begin(
    api: &Api,
    caller: &Caller,
    account: Account,
    now_ms: u64,
) -> Result<(HeaderValue, SignedIn), Problem> {
    let token = new_token();
    let employee = account.employee.value;
    let session = NewSession {
        employee_no: employee.employee_no.clone(),
        token_hash: token_hash(&token),
        address: caller.source.to_string(),
        user_agent: caller.user_agent.clone(),
        way: caller.way,
        at_ms: now_ms,
    };
    if is_busy_elsewhere(api, &account.tenant, &employee.employee_no, now_ms).await? {
        let number = Some(employee.employee_no.as_str());
        log(api, &account.tenant, caller, number, &employee.login, LoginOutcome::Failed).await?;
        let detail = "you are on a call in another session; end the call or sign out there first";
        return Err(Problem::new(Kind::Refused, detail));
    }
    let replaced = api.store().open_session(&account.tenant, &session).await?;
    let number = Some(employee.employee_no.as_str());
    if replaced > 0 {
        sip_credential::revoke_all_of(api, &account.tenant, &employee.employee_no).await;
        log(api, &account.tenant, caller, number, &employee.login, LoginOutcome::Replaced).await?;
    }
    log(api, &account.tenant, caller, number, &employee.login, LoginOutcome::Login).await?;
    let cookie = cookie(&token, SESSION_IDLE_MS / 1_000, caller.secure);
    let begun = principal::principal(api, &session.token_hash).await?;
    // Somebody may have ended it this very moment.
    let begun = begun.ok_or_else(unauthenticated)?;
    Ok((cookie, SignedIn { token, session: shown(api, begun).await? }))
}

/// LOGIN-10: who is connected in a session and on a call is not cut off by another sign-in.
async fn is_busy_elsewhere(api: &Api, tenant: &TenantId, number: &str, now_ms: u64) -> Result<bool, Problem> {
    let Some(view) = api.live().agent(tenant, number).filter(|view| !view.calls.is_empty()) else { return Ok(false) };
    let Some(seen_ms) = api.store().session_seen(tenant, number).await? else { return Ok(false) };
    let talks_there = matches!(view.sign, Sign::Phone(Way::Web));
    Ok(talks_there || now_ms.saturating_sub(seen_ms) <= CONNECTED_MS)
}

/// A session that was used within this time counts as connected; its use is noted to the minute.
const CONNECTED_MS: u64 = 120_000;

/// Who one is.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = SessionShown)))]
async fn read_session(State(api): State<Api>, principal: Principal) -> Result<Json<SessionShown>, Problem> {
    Ok(Json(shown(&api, principal).await?))
}

async fn shown(api: &Api, principal: Principal) -> Result<SessionShown, Problem> {
    let (fields, must_change, employee) = match &principal.who {
        Who::Employee { fields, must_change, number, .. } => (fields.clone(), *must_change, Some(number.clone())),
        Who::Token { .. } => (BTreeMap::new(), false, None),
    };
    let name = match &employee {
        Some(number) => Some(api.store().get::<Employee>(&principal.tenant, number).await?.value.name),
        None => None,
    };
    Ok(SessionShown {
        tenant: principal.tenant.to_string(),
        login: principal.by(),
        employee,
        name,
        time_zone: api.store().get::<Tenant>(&principal.tenant, principal.tenant.as_str()).await?.value.time_zone,
        permissions: principal.permissions.to_texts(),
        fields,
        data: ScopeShown::from(&principal.scope),
        password_change_required: must_change,
    })
}

/// Signs out: the session's token ends. An agent goes offline, unless he is signed in by his mobile (PHONE-12).
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204), (status = 409, description = "on a call: end it first; or an API token, which has no session")))]
async fn sign_out(State(api): State<Api>, caller: Caller, principal: Principal) -> Result<impl IntoResponse, Problem> {
    let Employed { number, login, session, way } = employee(&principal)?;
    go_offline(&api, &principal).await?;
    api.store().close_session(&principal.tenant, session).await?;
    sip_credential::revoke(&api, session).await;
    log(&api, &principal.tenant, &caller.by(way), Some(number), login, LoginOutcome::Logout).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", 0, caller.secure))]))
}

/// LOGIN-08.
async fn go_offline(api: &Api, principal: &Principal) -> Result<(), Problem> {
    let Some(agent) = principal.agent() else { return Ok(()) };
    let Some(view) = api.live().agent(&principal.tenant, agent.as_str()) else { return Ok(()) };
    if !view.calls.is_empty() || view.supervises {
        return Err(Problem::new(Kind::Refused, "you are on a call; end it first, then sign out"));
    }
    match view.sign {
        Sign::Out => Ok(()),
        // Who is signed in by his mobile stays so; only his console has gone.
        Sign::Phone(_) | Sign::Mobile(_) => {
            let order = Command::Agent { agent, order: AgentOrder::SignOut, by: None };
            api.switch().command(principal.tenant.clone(), order).await?;
            Ok(())
        }
    }
}

/// Chooses a new password. All sessions of the employee end: sign in with it.
#[utoipa::path(post, path = "/session/password", tag = "session", request_body = PasswordChoice,
    responses((status = 204)))]
async fn choose_password(
    State(api): State<Api>,
    caller: Caller,
    principal: Principal,
    Body(asked): Body<PasswordChoice>,
) -> Result<impl IntoResponse, Problem> {
    let Employed { number, login, .. } = employee(&principal)?;
    let mut faults = Faults::default();
    faults.require("new_password", is_acceptable(&asked.new_password), RULE);
    faults.require("new_password", asked.new_password != asked.old_password, "choose another than the old one");
    faults.check()?;
    let account = api.store().account(&principal.tenant, login).await?.ok_or_else(unauthenticated)?;
    let right = verify(&api, account.employee.value.password_hash.clone(), asked.old_password).await?;
    if !right {
        // Counts like a wrong sign-in: a stolen session shall not be a way to try passwords.
        api.store().login_failed(&principal.tenant, number, unix_ms()).await?;
        return Err(Problem::invalid(vec![FieldError::new("old_password", "this is not the old password")]));
    }
    let hash = hashed(&api, move || hash_password(&asked.new_password)).await?;
    let change = Change::by(principal.tenant.clone(), principal.by());
    api.store().set_password(change, number, NewPassword::Chosen(hash)).await?;
    sip_credential::revoke_all_of(&api, &principal.tenant, number).await;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", 0, caller.secure))]))
}

/// ORG-23.
pub(super) const RULE: &str = "a password has 6 to 64 characters, with at least one letter and one digit";

pub(super) fn is_acceptable(password: &str) -> bool {
    (6..=64).contains(&password.chars().count())
        && password.len() <= PASSWORD_MAX
        && password.chars().any(char::is_alphabetic)
        && password.chars().any(char::is_numeric)
}

/// Whose session it is.
struct Employed<'p> {
    number: &'p str,
    login: &'p str,
    session: &'p str,
    way: LoginWay,
}

fn employee(principal: &Principal) -> Result<Employed<'_>, Problem> {
    match &principal.who {
        Who::Employee { number, login, session, way, .. } => Ok(Employed { number, login, session, way: *way }),
        Who::Token { .. } => {
            Err(Problem::new(Kind::Refused, "an API token has no session; revoke it by DELETE /api/v1/tokens/{id}"))
        }
    }
}

/// LOGIN-04: said only to who knows the password.
pub(super) fn not_joined() -> Problem {
    let detail =
        "sign in by a code to your mobile once, and join the enterprise; from then on your password lets you in";
    Problem::new(Kind::Forbidden, detail)
}

/// LOGIN-07: one message for all of it.
fn wrong() -> Problem {
    let detail =
        "wrong user or password; after 5 wrong passwords an account is locked until an administrator unlocks it";
    Problem::new(Kind::Unauthenticated, detail)
}

pub(super) async fn log(
    api: &Api,
    tenant: &TenantId,
    caller: &Caller,
    employee_no: Option<&str>,
    login: &str,
    outcome: LoginOutcome,
) -> Result<(), Problem> {
    let login: String = login.chars().take(LOGIN_SHOWN_MAX).collect();
    let address = caller.source.to_string();
    let (way, sign_in) = (caller.way, caller.sign_in);
    let seen = LoginSeen { employee_no, login: &login, address: &address, outcome, way, sign_in, at_ms: unix_ms() };
    Ok(api.store().log_login(tenant, &seen).await?)
}

/// Of a typed login, what is kept.
const LOGIN_SHOWN_MAX: usize = 64;

fn cookie(token: &str, max_age_s: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).expect("our own tokens are header values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves ORG-23.
    #[test]
    fn a_password_has_letters_and_digits() {
        assert!(is_acceptable("abc123"));
        for bad in ["abcdef", "123456", "ab1", &format!("a1{}", "x".repeat(63))] {
            assert!(!is_acceptable(bad), "{bad}");
        }
    }

    #[test]
    fn the_hash_of_nobody_costs_as_much_as_a_real_one() {
        let real = hash_password("x");
        let cost = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(cost(real.expose()), cost(NOBODY));
        assert_eq!(verify_password(&Hidden::new(NOBODY.to_owned()), "x").ok(), Some(false));
    }
}
