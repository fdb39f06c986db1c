//! Who asks: made here and nowhere else. Every operation receives it from the one middleware [`authenticate`].

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dialplan::number::AgentNumber;
use hooks::id::TenantId;
use hooks::scope::Scope;

use super::field::Rights;
use super::mask::Masker;
use super::operation::nobody;
use super::origin;
use super::permission::Permissions;
use super::problem::{Kind, Problem};
use super::state::Api;
use crate::secrets::token_hash;
use crate::store::logins::LoginWay;
use crate::store::roles::FieldRight;
use crate::store::scope::Sight;
use crate::store::unix_ms;

/// The name of the session's cookie.
pub const COOKIE: &str = "switchboard_session";

/// Somebody who is signed in, or a program with a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose rows they may see; never from the request itself.
    pub tenant: TenantId,
    /// Which operations they may call.
    pub permissions: Permissions,
    /// Which of the tenant's rows they may see (GEN-09).
    pub scope: Scope,
    /// Who they are.
    pub who: Who,
}

/// What stands behind a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An employee with a session.
    Employee {
        /// The employee number (工号).
        number: String,
        /// The user name.
        login: String,
        /// The hash of the session's token.
        session: String,
        /// By which credential it began.
        way: LoginWay,
        /// The password is an administrator's and must be changed first (LOGIN-05).
        must_change: bool,
        /// What his role says of fields (ORG-32).
        fields: Rights,
    },
    /// A program with an API token.
    Token {
        /// The token's ID.
        id: String,
        /// As named by who made it.
        name: String,
        /// Its hash.
        hash: String,
    },
}

impl Principal {
    /// The agent that he is, if he is one.
    #[must_use]
    pub fn agent(&self) -> Option<AgentNumber> {
        match &self.who {
            Who::Employee { number, .. } => number.parse().ok(),
            Who::Token { .. } => None,
        }
    }

    /// With whose eyes lists of the store are read.
    #[must_use]
    pub fn sight(&self) -> Sight<'_> {
        Sight { tenant: &self.tenant, scope: &self.scope }
    }

    /// The scope of one's own rows alone.
    #[must_use]
    pub fn own_scope(&self) -> Scope {
        let own = match &self.who {
            Who::Employee { number, .. } => Some(number.clone()),
            Who::Token { .. } => None,
        };
        Scope::Some { own, departments: BTreeSet::new() }
    }

    /// What his role keeps from him of fields (ORG-32); `None` where that is nothing.
    #[must_use]
    pub fn narrowed(&self) -> Option<&Rights> {
        match &self.who {
            Who::Employee { fields, .. } => {
                Some(fields).filter(|fields| fields.values().any(|it| *it < FieldRight::Write))
            }
            Who::Token { .. } => None,
        }
    }

    /// For what tells of numbers and cannot be narrowed: messages, facts, the files of others.
    ///
    /// # Errors
    /// Where a field is hidden or masked for him.
    pub fn sees_numbers(&self) -> Result<(), Problem> {
        let hidden = self.narrowed().is_some_and(|fields| fields.values().any(|right| *right < FieldRight::Read));
        if !hidden {
            return Ok(());
        }
        let detail =
            "this shows numbers as they are: it needs a role that hides and masks no field; ask an administrator";
        Err(Problem::new(Kind::Forbidden, detail))
    }

    /// For what tells of the whole tenant at once and cannot be narrowed.
    ///
    /// # Errors
    /// Where one does not see all of it.
    pub fn sees_all(&self) -> Result<(), Problem> {
        self.sees_numbers()?;
        match self.scope {
            Scope::Tenant => Ok(()),
            Scope::Some { .. } => Err(Problem::new(
                Kind::Forbidden,
                "this tells of the whole enterprise: it needs a role, or a token, whose data permission is `all`",
            )),
        }
    }

    /// As it stands in the audit log: a login name or `token:NAME`.
    #[must_use]
    pub fn by(&self) -> String {
        match &self.who {
            Who::Employee { login, .. } => login.clone(),
            Who::Token { name, .. } => format!("token:{name}"),
        }
    }

    /// Names the principal among all of its tenant: what is bound to a principal is stored under this.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.who {
            Who::Employee { number, .. } => format!("employee:{number}"),
            Who::Token { id, .. } => format!("token:{id}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| nobody(&parts.extensions))
    }
}

/// Put beside a request whose session another sign-in ended (LOGIN-10).
#[derive(Clone, Copy, Debug)]
pub struct Replaced;

/// How the credentials came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// `Authorization: Bearer`: a program put it there.
    Bearer,
    /// A cookie: the browser adds it to whatever site asks.
    Cookie,
}

/// What a request shows of itself: only the hash of its token is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Presented {
    carrier: Carrier,
    hash: String,
}

/// Finds out who asks and puts the [`Principal`] where guards and handlers find it. Credentials that are not valid count as
/// none, so public operations still answer.
pub async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(presented) = presented(request.headers()) else {
        return next.run(request).await;
    };
    if presented.carrier == Carrier::Cookie
        && let Err(problem) = origin::same_site(request.method(), request.headers())
    {
        return problem.into_response();
    }
    match principal(&api, &presented.hash).await {
        Ok(found) => {
            match found {
                Some(principal) => {
                    if let Some(masker) = Masker::of(&api, &principal) {
                        request.extensions_mut().insert(masker);
                    }
                    request.extensions_mut().insert(principal);
                }
                None => match api.store().was_replaced(&presented.hash, unix_ms()).await {
                    Ok(true) => {
                        request.extensions_mut().insert(Replaced);
                    }
                    Ok(false) => {}
                    Err(error) => return Problem::from(error).into_response(),
                },
            }
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The principal that a token with this hash stands for, `None` when it is not valid (any more).
///
/// # Errors
/// When the database cannot be asked.
pub async fn principal(api: &Api, hash: &str) -> Result<Option<Principal>, Problem> {
    let now_ms = unix_ms();
    if let Some(session) = api.store().session(hash, now_ms).await? {
        let employee = session.employee.value;
        // LOGIN-05: with an initial password nothing is allowed but to choose another. A code is no password.
        let must_change = employee.must_change && session.way == LoginWay::Password;
        let permissions = if must_change { BTreeSet::new() } else { session.role.permissions };
        let who = Who::Employee {
            number: employee.employee_no,
            login: employee.login,
            session: hash.to_owned(),
            way: session.way,
            must_change,
            fields: session.role.fields,
        };
        let permissions = Permissions::from_texts(permissions);
        return Ok(Some(Principal { tenant: session.tenant, permissions, scope: session.scope, who }));
    }
    let Some(owner) = api.store().api_token(hash, now_ms).await? else { return Ok(None) };
    let token = owner.token.value;
    let permissions = Permissions::from_texts(token.permissions);
    let who = Who::Token { id: token.id, name: token.name, hash: hash.to_owned() };
    Ok(Some(Principal { tenant: owner.tenant, permissions, scope: owner.scope, who }))
}

/// The same principal as it stands now; `None` when its session or token ended.
///
/// # Errors
/// When the database cannot be asked.
pub async fn renewed(api: &Api, old: &Principal) -> Result<Option<Principal>, Problem> {
    let hash = match &old.who {
        Who::Employee { session, .. } => session,
        Who::Token { hash, .. } => hash,
    };
    principal(api, hash).await
}

/// The credentials of a request: a bearer token goes before a cookie.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let shown = |carrier, token: &str| Some(Presented { carrier, hash: token_hash(token) });
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return if scheme.eq_ignore_ascii_case("bearer") { shown(Carrier::Bearer, token.trim()) } else { None };
    }
    cookie(headers, COOKIE).and_then(|value| shown(Carrier::Cookie, value))
}

/// The value of a cookie; of several with one name, the first.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<(Carrier, String)> {
        let headers = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        presented(&headers.collect()).map(|presented| (presented.carrier, presented.hash))
    }

    #[test]
    fn a_bearer_token_goes_before_a_cookie() {
        let cookie = ("cookie", "a=b; switchboard_session=sb_y");
        assert_eq!(read(&[("authorization", "bearer sb_x"), cookie]), Some((Carrier::Bearer, token_hash("sb_x"))));
        assert_eq!(read(&[cookie]), Some((Carrier::Cookie, token_hash("sb_y"))));
        assert_eq!(read(&[("authorization", "Basic eDp5")]), None);
        assert_eq!(read(&[("cookie", "a=b")]), None);
    }
}
