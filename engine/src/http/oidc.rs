//! Signing in by a provider of OpenID Connect. A browser is sent there and comes back with a code; what it comes to is told to the
//! console in the address that the browser is sent on to. It makes no employees, and lets nobody in whom a password would not.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hooks::id::TenantId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use super::extract::Query;
use super::operation::{Guard, Operations};
use super::problem::{Kind, Problem};
use super::session::{self, Caller};
use super::state::Api;
use crate::config::{OidcConfig, OidcMatch};
use crate::oidc::{Begun, CameBack, Oidc, OidcError, PENDING_MS};
use crate::store::employees::{Account, AccountField, Employment, LoginOutcome};
use crate::store::logins::{LoginWay, SignInWay};
use crate::store::unix_ms;

/// The operations.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Public, routes!(begin_oidc)).add(Guard::Public, routes!(end_oidc))
}

/// Holds the browser's half of a sign-in while it is at the provider.
const COOKIE: &str = "switchboard_oidc";
/// The console; what a sign-in came to stands behind it.
const CONSOLE: &str = "/?sign_in=";
/// What stands there when one is signed in, else the last part of a problem's type.
const DONE: &str = "done";

/// Who wants to sign in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OidcAsk {
    /// By what one takes part in calls, for the login log.
    #[param(inline)]
    sign_in: Option<SignInWay>,
}

/// With what a browser comes back (RFC 6749 §4.1.2). Providers add parameters of their own.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OidcAnswer {
    /// For the token endpoint.
    code: Option<String>,
    /// Which sign-in it is.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Whose answer it is (RFC 9207).
    iss: Option<String>,
}

/// Sends a browser to the provider, or back to the console (`/?sign_in=too-many`, `unavailable`) where that cannot be.
#[utoipa::path(get, path = "/session/oidc", tag = "session", params(OidcAsk),
    responses((status = 303, description = "on to the provider, or back to the console with what is in the way"),
        (status = 409, description = "there is no provider: sign in with a password")))]
async fn begin_oidc(State(api): State<Api>, caller: Caller, Query(asked): Query<OidcAsk>) -> Result<Response, Problem> {
    let oidc = provider(&api)?;
    if let Err(problem) = session::slow_down(&api, &caller) {
        return Ok(back(problem.kind.slug(), Vec::new()));
    }
    match oidc.begin(asked.sign_in).await {
        Ok(Begun { url, browser }) => Ok(see(&url, vec![cookie(&browser, PENDING_MS / 1_000, &caller)])),
        Err(error) => Ok(back(told(&error).slug(), Vec::new())),
    }
}

/// Takes a browser that comes back from the provider, and sends it on to the console: to `/?sign_in=done` with the cookie of a session
/// that began, else to `/?sign_in=` with the last part of a problem's type: `unauthenticated` (nobody here, left, locked, or nothing that
/// proves anything), `forbidden` (has not joined yet: LOGIN-04), `refused` (on a call in another session), `unavailable`, `too-many`.
#[utoipa::path(get, path = "/session/oidc/callback", tag = "session", params(OidcAnswer),
    responses((status = 303, description = "on to the console, signed in or with what is in the way"),
        (status = 409, description = "there is no provider: sign in with a password")))]
async fn end_oidc(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Query(answer): Query<OidcAnswer>,
) -> Result<Response, Problem> {
    let oidc = provider(&api)?;
    let mut cookies = vec![cookie("", 0, &caller)];
    let word = match enter(&api, oidc, &caller.by(LoginWay::Oidc), &headers, &answer).await {
        Ok(session) => {
            cookies.push(session);
            DONE
        }
        Err(problem) => problem.kind.slug(),
    };
    Ok(back(word, cookies))
}

/// The cookie of the session that begins.
async fn enter(
    api: &Api,
    oidc: &Oidc,
    caller: &Caller,
    headers: &HeaderMap,
    answer: &OidcAnswer,
) -> Result<HeaderValue, Problem> {
    session::slow_down(api, caller)?;
    let back = CameBack {
        code: answer.code.as_deref().ok_or(answer.error.as_deref().unwrap_or("it sent no code")),
        state: answer.state.as_deref().unwrap_or_default(),
        issuer: answer.iss.as_deref(),
        browser: &kept(headers),
    };
    let named = oidc.end(back).await.map_err(|error| refused(&error))?;
    let caller = caller.taking_part_by(named.sign_in);
    let account = admitted(api, &caller, oidc.config(), &named.claim).await?;
    // And the beginning: an office that comes to work behind one address is none that guesses.
    session::forgive(api, &caller);
    session::forgive(api, &caller);
    let (cookie, _) = session::begin(api, &caller, account, unix_ms()).await?;
    Ok(cookie)
}

/// The account of whom the provider names, if he may come in (LOGIN-04, LOGIN-06, LOGIN-09).
async fn admitted(api: &Api, caller: &Caller, config: &OidcConfig, claim: &str) -> Result<Account, Problem> {
    let tenant = tenant(api, config).await?;
    let field = match config.matches {
        OidcMatch::Login => AccountField::Login(claim),
        OidcMatch::Number => AccountField::Number(claim),
        OidcMatch::Mobile => AccountField::Mobile(claim),
        OidcMatch::Email => AccountField::Email(claim),
    };
    let account = api.store().account_with(&tenant, field).await?;
    let Some(account) = session::unlocked(api, account, unix_ms()).await? else {
        session::log(api, &tenant, caller, None, claim, LoginOutcome::Failed).await?;
        return Err(nobody());
    };
    let outcome = match (account.locked_at_ms, account.employee.value.employment) {
        (Some(_), _) => LoginOutcome::Locked,
        (None, Employment::Left) => LoginOutcome::Failed,
        (None, Employment::Active) if account.joined_at_ms.is_none() && api.sms().is_some() => {
            return Err(session::not_joined());
        }
        (None, Employment::Active) => return Ok(account),
    };
    let number = account.employee.value.employee_no.as_str();
    session::log(api, &tenant, caller, Some(number), claim, outcome).await?;
    Err(nobody())
}

async fn tenant(api: &Api, config: &OidcConfig) -> Result<TenantId, Problem> {
    let tenants = api.store().tenants().await?;
    let found = match (&config.tenant, tenants.as_slice()) {
        (Some(named), all) => all.iter().map(|tenant| &tenant.value.slug).find(|slug| *slug == named),
        (None, [only]) => Some(&only.value.slug),
        (None, _) => None,
    };
    found.cloned().ok_or_else(|| {
        tracing::warn!(
            "nobody signs in by the provider: oidc.tenant names no tenant that there is, and there is not one alone"
        );
        nobody()
    })
}

fn provider(api: &Api) -> Result<&Oidc, Problem> {
    api.oidc()
        .ok_or_else(|| Problem::new(Kind::Refused, "there is no provider here; sign in with user name and password"))
}

/// LOGIN-07: one answer for all of it.
fn nobody() -> Problem {
    Problem::new(Kind::Unauthenticated, "the provider names nobody who may sign in here")
}

fn refused(error: &OidcError) -> Problem {
    Problem::new(told(error), error.to_string())
}

/// What the console says of it. An administrator finds the reason in the log; it holds no token and no code.
fn told(error: &OidcError) -> Kind {
    match error {
        OidcError::Away(_) => {
            tracing::warn!(%error, "nobody signs in by the provider");
            Kind::Unavailable
        }
        OidcError::Refused(_) | OidcError::Unknown | OidcError::Token(_) => {
            tracing::info!(%error, "a sign-in by the provider came to nothing");
            Kind::Unauthenticated
        }
    }
}

/// What the browser kept.
fn kept(headers: &HeaderMap) -> String {
    super::principal::cookie(headers, COOKIE).unwrap_or_default().to_owned()
}

/// The cookie comes back with a navigation from another site, so it is `Lax`; it opens nothing by itself.
fn cookie(value: &str, max_age_s: u64, caller: &Caller) -> HeaderValue {
    let secure = if caller.is_secure() { "; Secure" } else { "" };
    let path = "/api/v1/session/oidc";
    let text = format!("{COOKIE}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).expect("hexadecimal digits are a header value")
}

fn back(word: &str, cookies: Vec<HeaderValue>) -> Response {
    see(&format!("{CONSOLE}{word}"), cookies)
}

fn see(place: &str, cookies: Vec<HeaderValue>) -> Response {
    let place = HeaderValue::from_str(place).expect("an address that was written by the URL parser or here is ASCII");
    let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response();
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
