//! The registry of operations. A handler gets into the router only together with who may call it, so an operation without a
//! declared guard does not compile; the same declaration goes into the OpenAPI document as `x-permission`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Extensions as RequestExtensions;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hooks::plugin::PermissionKey;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::response::Response as ApiResponse;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::field::{Eyes, Fields};
use super::mask::Masker;
use super::peer;
use super::principal::{Principal, Replaced, Who};
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
        let Some(principal) = principal else { return Err(nobody(request.extensions())) };
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

/// Why nobody is there behind a request.
pub(super) fn nobody(request: &RequestExtensions) -> Problem {
    if request.get::<Replaced>().is_none() {
        return unauthenticated();
    }
    let detail = "you signed in elsewhere, which ended this session; if that was not you, change your password";
    Problem::new(Kind::SessionReplaced, detail)
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
            let reads = [&mut item.get, &mut item.head, &mut item.options, &mut item.trace];
            let writes = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            reads.into_iter().flatten().for_each(|operation| declare(guard, Does::Read, operation));
            writes.into_iter().flatten().for_each(|operation| declare(guard, Does::Write, operation));
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
/// fields (ORG-32), and what a plugin does of numbers (GEN-07).
async fn check(guard: Guard, fields: Option<Arc<Fields>>, request: Request, next: Next) -> Response {
    if let Err(problem) = guard.admit(&request) {
        return problem.into_response();
    }
    let masker = request.extensions().get::<Masker>().cloned();
    let eyes = request.extensions().get::<Principal>().and_then(|principal| Eyes::of(principal, masker));
    match (fields, eyes) {
        (Some(fields), Some(eyes)) => fields.pass(&eyes, request, next).await,
        (_, None) | (None, _) => next.run(request).await,
    }
}

/// Whether an operation changes anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Read,
    Write,
}

/// Writes the guard into the operation's description, with the errors that the guard, the layers around all operations and the extractors
/// give. What its handler adds stands with the handler. No operation documents 5xx: any may be met by a fault of ours.
fn declare(guard: Guard, does: Does, operation: &mut Operation) {
    let named = Extensions::builder().add("x-permission", guard.name()).build();
    operation.extensions.get_or_insert_with(Extensions::default).merge(named);
    let none: [&str; 0] = [];
    operation.security = Some(match guard {
        Guard::Public => Vec::new(),
        Guard::SignedIn | Guard::Own | Guard::Needs(_) | Guard::LocalOr(_) => {
            vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("session", none)]
        }
    });
    let places = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(&parameter.parameter_in),
        RefOr::Ref(_) => None,
    });
    let (in_path, others): (Vec<_>, Vec<_>) = places.partition(|place| **place == ParameterIn::Path);
    let (takes_body, writes) = (operation.request_body.is_some(), does == Does::Write);
    let given = [
        (Kind::Malformed, takes_body),
        (Kind::Unauthenticated, guard != Guard::Public),
        (Kind::Forbidden, writes || !matches!(guard, Guard::Public | Guard::SignedIn)),
        (Kind::NotFound, !in_path.is_empty()),
        (Kind::Refused, writes),
        (Kind::VersionMismatch, writes),
        (Kind::TooLarge, takes_body),
        (Kind::UnsupportedMediaType, takes_body),
        (Kind::Invalid, writes || !others.is_empty()),
    ];
    let answers = &mut operation.responses.responses;
    for (kind, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
        let answer = RefOr::Ref(Ref::from_response_name(kind.slug()));
        answers.entry(kind.status().as_u16().to_string()).or_insert(answer);
    }
    for (status, answer) in answers {
        if let RefOr::T(answer) = answer
            && status.as_str() >= "400"
            && answer.content.is_empty()
        {
            answer.content.insert(PROBLEM.to_owned(), problem_content().into());
        }
    }
}

const PROBLEM: &str = "application/problem+json";

fn problem_content() -> Content {
    Content::new(Some(Ref::from_schema_name("Problem")))
}

/// The errors that operations refer to by name.
pub fn errors() -> impl Iterator<Item = (&'static str, ApiResponse)> {
    Kind::ALL.into_iter().filter(|kind| kind.status().is_client_error()).map(|kind| {
        let answer = ApiResponse::builder().description(kind.title()).content(PROBLEM, problem_content());
        (kind.slug(), answer.build())
    })
}
