//! `Idempotency-Key` on writes: a request that is sent again gets the answer of the first one. Only answers of success are
//! kept, for 24 h; after any other nothing was done and the key is free again. Answers may hold secrets that are shown once, so
//! they are kept encrypted.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hooks::id::TenantId;
use serde::{Deserialize, Serialize};

use super::principal::Principal;
use super::problem::{FieldError, Kind, Problem};
use super::state::Api;
use crate::secrets::token_hash;
use crate::store::idempotency::{Key, Seen};
use crate::store::setting::Hidden;
use crate::store::unix_ms;

/// The header, as in draft-ietf-httpapi-idempotency-key-header.
pub const HEADER: &str = "idempotency-key";
/// Put on an answer that was given before.
pub const REPLAYED: &str = "idempotency-replayed";

/// A key is 1 to 255 printable ASCII characters.
const KEY_MAX: usize = 255;
/// No body of ours that is kept is larger.
const ANSWER_MAX: usize = 256 * 1024;
/// No request body is larger than this anywhere (see [`super::BODY_MAX`]).
const REQUEST_MAX: usize = super::BODY_MAX;
/// Headers that are kept with an answer.
const KEPT: [HeaderName; 4] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::SET_COOKIE];

/// Runs a write to its end even when the client goes away, and once for each key.
pub async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let key = match key(request.headers()) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    // A write that has begun is finished: a client that hangs up must not leave half of it.
    let written = tokio::spawn(async move {
        match (key, request.extensions().get::<Principal>().cloned()) {
            (Some(key), Some(principal)) => keyed(&api, &principal, key, request, next).await,
            (Some(_) | None, _) => next.run(request).await,
        }
    });
    written.await.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

/// A key with all that makes it one.
struct Asked {
    tenant: TenantId,
    principal: String,
    key: String,
    request_hash: String,
    at_ms: u64,
}

impl Asked {
    fn key(&self) -> Key<'_> {
        Key {
            tenant: &self.tenant,
            principal: &self.principal,
            key: &self.key,
            request_hash: &self.request_hash,
            at_ms: self.at_ms,
        }
    }

    fn owner(&self) -> String {
        format!("{}/idempotency/{}", self.tenant, self.principal)
    }
}

async fn keyed(api: &Api, principal: &Principal, key: String, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, REQUEST_MAX).await else {
        return Problem::new(Kind::TooLarge, "the body is larger than this operation takes").into_response();
    };
    let asked = Asked {
        tenant: principal.tenant.clone(),
        principal: principal.key(),
        key,
        request_hash: fingerprint(&parts, &body),
        at_ms: unix_ms(),
    };
    match api.store().seen(&asked.key()).await {
        Ok(Seen::New) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            keep(api, &asked, response).await
        }
        Ok(Seen::Answered { status, body }) => replay(api, &asked, status, body),
        Ok(Seen::Running) => Problem::new(
            Kind::IdempotencyUnfinished,
            "the first request with this key still runs, or the server stopped in it; look whether it was done, then use a new key",
        )
        .into_response(),
        Ok(Seen::OtherRequest) => {
            Problem::new(Kind::IdempotencyMismatch, "use a new key for each new request").into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=KEY_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => {
            let rule = "an idempotency key is 1 to 255 printable ASCII characters, such as a UUID";
            Err(Problem::invalid(vec![FieldError::new("Idempotency-Key", rule)]))
        }
    }
}

fn fingerprint(parts: &axum::http::request::Parts, body: &Bytes) -> String {
    let body = token_hash(&String::from_utf8_lossy(body));
    token_hash(&format!("{} {} {body}", parts.method, parts.uri))
}

/// Keeps an answer of success; frees the key after any other.
async fn keep(api: &Api, asked: &Asked, response: Response) -> Response {
    if !response.status().is_success() {
        if let Err(error) = api.store().forget(&asked.key()).await {
            tracing::warn!(%error, "an idempotency key stays taken for 24 h");
        }
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, ANSWER_MAX).await {
        Ok(body) => body,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let kept = KEPT.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = Answer { headers: kept.collect(), body: String::from_utf8_lossy(&body).into_owned() };
    let text = serde_json::to_string(&answer).expect("an answer serialises");
    let sealed = api.secret_key().seal(&asked.owner(), &text);
    if let Err(error) = api.store().answered(&asked.key(), parts.status.as_u16(), sealed.expose()).await {
        tracing::warn!(%error, "an answer is not kept: the same request sent again will be refused");
    }
    Response::from_parts(parts, Body::from(body))
}

fn replay(api: &Api, asked: &Asked, status: u16, sealed: String) -> Response {
    let opened = api.secret_key().unseal(&asked.owner(), &Hidden::new(sealed));
    let answer = opened.ok().and_then(|text| serde_json::from_str::<Answer>(&text).ok());
    let (Some(answer), Ok(status)) = (answer, StatusCode::from_u16(status)) else {
        return Problem::internal(&"a kept answer cannot be read").into_response();
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
