//! The API's description of itself: OpenAPI 3.1 made from the code, and a page to read it that needs no other host.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::PartialSchema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, License, OpenApi, RefOr, Schema};
use utoipa_axum::routes;

use super::operation::{Guard, Operations, errors};
use super::principal::COOKIE;
use super::problem::{FieldError, ProblemBody};
use super::state::Api;

/// The document itself.
#[must_use]
pub fn operations() -> Operations {
    Operations::new().add(Guard::Public, routes!(openapi_json))
}

/// The page to read it, which stands beside the versions of the API.
#[must_use]
pub fn page_operations() -> Operations {
    Operations::new().add(Guard::Public, routes!(docs_page)).add(Guard::Public, routes!(docs_script))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "reference",
    responses((status = 200, content_type = "application/json", description = "OpenAPI 3.1")))]
async fn openapi_json(State(api): State<Api>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], api.document().to_owned())
}

/// The reference, for people.
#[utoipa::path(get, path = "/api/docs", tag = "reference",
    responses((status = 200, content_type = "text/html", description = "a page")))]
async fn docs_page() -> impl IntoResponse {
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'";
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, include_str!("docs.html"))
}

/// What draws the reference.
#[utoipa::path(get, path = "/api/docs/docs.js", tag = "reference",
    responses((status = 200, content_type = "text/javascript", description = "a script")))]
async fn docs_script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("docs.js"))
}

/// The document as it is served and committed: two spaces of indentation, a line break at the end.
///
/// # Panics
/// Never: the document is JSON.
#[must_use]
pub fn text(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().expect("an OpenAPI document serialises");
    text.push('\n');
    text
}

/// Adds what no single operation says: title, ways to sign in, the shape of errors.
#[must_use]
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Switchboard")
        .version("1")
        .description(Some(ABOUT))
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(COOKIE));
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer).into());
    components.security_schemes.insert("session".to_owned(), SecurityScheme::ApiKey(cookie).into());
    let shapes: [(&str, RefOr<Schema>); 2] = [("Problem", ProblemBody::schema()), ("FieldError", FieldError::schema())];
    for (name, schema) in shapes {
        components.schemas.insert(name.to_owned(), schema);
    }
    for (name, answer) in errors() {
        components.responses.insert(name.to_owned(), answer.into());
    }
    open_parts(&mut components.schemas);
    document
}

/// What other shapes are made of (`allOf`) stands there among members that it does not know, so it cannot say that there are no others. A request
/// with members that are unknown is refused all the same.
fn open_parts(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let wholes = schemas.values().filter_map(|schema| match schema {
        RefOr::T(Schema::AllOf(whole)) => Some(&whole.items),
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    let parts = wholes.flatten().filter_map(|part| match part {
        RefOr::Ref(part) => part.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    });
    for name in parts.collect::<Vec<_>>() {
        if let Some(RefOr::T(Schema::Object(part))) = schemas.get_mut(&name) {
            part.additional_properties = None;
        }
    }
}

const ABOUT: &str = "Times are RFC 3339 in UTC, durations are in ms. Lists take `limit` and `cursor` and give `items` and \
`next_cursor`. Errors are RFC 9457 problem details with a stable `type`; any operation may also be answered with 500, 503 (with \
`Retry-After`) or 504, in the same shape, where the server is at fault or something that it needs is away. Writes take `Idempotency-Key`; \
changes take `If-Match` with the `ETag` that was read. `x-permission` names the permission that an operation needs.";
