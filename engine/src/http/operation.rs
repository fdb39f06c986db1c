//! The registry of operations. A handler gets into the router only together with who may call it, so an operation without a
//! declared guard does not compile; the same declaration goes into the OpenAPI document as `x-permission`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hooks::plugin::PermissionKey;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Response as ApiResponse;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::field::{Fields, Rights};
use super::peer;
use super::principal::{Principal, Who};
use super::problem::{Kind, Problem};
use super::state::Api;

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, without signing in.
    Public,
    /// Anybody who is signed in: operations on one's own session.
    SignedIn,
    /// Anybody who is signed in, and not by an initial password (LOGIN-05): what is one's own.
    Own,
    /// Who has this key.
    Needs(PermissionKey),
    /// A program on this very machine, or who has this key: for scrapers.
    LocalOr(PermissionKey),
}

/// `x-permission` of [`Guard::Public`].
pub const PUBLIC: &str = "public";
/// `x-permission` of [`Guard::SignedIn`].
pub const SIGNED_IN: &str = "signed-in";

impl Guard {
    /// As it stands in the OpenAPI document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => PUBLIC,
            Self::SignedIn | Self::Own => SIGNED_IN,
            Self::Needs(key) | Self::LocalOr(key) => key.0,
        }
    }

    fn admit(self, request: &Request) -> Result<(), Problem> {
        let principal = request.extensions().get::<Principal>();
        let key = match self {
            Self::Public => return Ok(()),
            Self::SignedIn | Self::Own => None,
            Self::LocalOr(_) if peer::is_local(request) => return Ok(()),
            Self::Needs(key) | Self::LocalOr(key) => Some(key),
        };
        let Some(principal) = principal else { return Err(unauthenticated()) };
        if self == Self::Own && matches!(principal.who, Who::Employee { must_change: true, .. }) {
            let detail = "choose a password of your own first, by POST /api/v1/session/password";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        match key {
            Some(key) if !principal.permissions.allow(key) => Err(forbidden(key)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Nobody is signed in.
#[must_use]
pub fn unauthenticated() -> Problem {
    Problem::new(
        Kind::Unauthenticated,
        "sign in by POST /api/v1/session, or send a valid token as Authorization: Bearer",
    )
}

/// The key is missing.
#[must_use]
pub fn forbidden(key: PermissionKey) -> Problem {
    Problem::new(Kind::Forbidden, format!("this needs the permission {}; ask an administrator for it", key.0))
}

/// Operations with their guards.
pub struct Operations(OpenApiRouter<Api>);

impl Operations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self(OpenApiRouter::default())
    }

    /// Adds operations under one guard. `routes` comes from [`utoipa_axum::routes!`].
    #[must_use]
    pub fn add(self, guard: Guard, routes: UtoipaMethodRouter<Api>) -> Self {
        let (schemas, mut paths, methods) = routes;
        for item in paths.paths.values_mut() {
            let operations = [
                &mut item.get,
                &mut item.put,
                &mut item.post,
                &mut item.delete,
                &mut item.patch,
                &mut item.head,
                &mut item.options,
                &mut item.trace,
            ];
            operations.into_iter().flatten().for_each(|operation| declare(guard, operation));
        }
        let fields = Fields::of(&schemas, &paths).map(Arc::new);
        let check = move |request: Request, next: Next| check(guard, fields.clone(), request, next);
        let methods = methods.route_layer(from_fn(check));
        Self(self.0.routes((schemas, paths, methods)))
    }

    /// Adds another resource's operations.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self(self.0.merge(other.0))
    }

    /// Puts them all below `path`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        Self(OpenApiRouter::default().nest(path, self.0))
    }

    /// The router, and the document that describes it.
    pub fn split(self) -> (Router<Api>, OpenApi) {
        self.0.split_for_parts()
    }
}

impl Default for Operations {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets a request through if its sender may call the operation, and between him and it only what his role lets him see and change of
/// fields (ORG-32).
async fn check(guard: Guard, fields: Option<Arc<Fields>>, request: Request, next: Next) -> Response {
    if let Err(problem) = guard.admit(&request) {
        return problem.into_response();
    }
    let rights: Option<Rights> = request.extensions().get::<Principal>().and_then(Principal::narrowed).cloned();
    match (fields, rights) {
        (Some(fields), Some(rights)) => fields.pass(&rights, request, next).await,
        (_, None) | (None, _) => next.run(request).await,
    }
}

/// Writes the guard into the operation's description, with the answers it brings.
fn declare(guard: Guard, operation: &mut Operation) {
    let named = Extensions::builder().add("x-permission", guard.name()).build();
    operation.extensions.get_or_insert_with(Extensions::default).merge(named);
    let answers: &[(&str, &str)] = match guard {
        Guard::Public => {
            operation.security = Some(Vec::new());
            &[("default", "any other error")]
        }
        Guard::SignedIn | Guard::Own => &[("401", "not signed in"), ("default", "any other error")],
        Guard::Needs(_) | Guard::LocalOr(_) => {
            &[("401", "not signed in"), ("403", "the permission is missing"), ("default", "any other error")]
        }
    };
    if guard != Guard::Public {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("session", none)]);
    }
    for (status, text) in answers {
        let problem = RefOr::T(
            ApiResponse::builder()
                .description(*text)
                .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
                .build(),
        );
        operation.responses.responses.entry((*status).to_owned()).or_insert(problem);
    }
}
