//! Bodies and queries, read strictly: what is unknown, missing or of the wrong type is answered with its field named.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::problem::{FieldError, Kind, Problem};

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The query's parameters.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// Parameters of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Kind::UnsupportedMediaType, "send JSON, with Content-Type: application/json"));
        }
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status().as_u16() {
                413 => Problem::new(Kind::TooLarge, "the body is larger than this operation takes"),
                _ => Problem::new(Kind::Malformed, "the body could not be read to its end"),
            })?;
        json(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(query) => Ok(Self(query.0)),
            Err(rejection) => Err(query_problem(&rejection.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|_| Problem::not_found("thing at this path"))
    }
}

/// Reads JSON.
///
/// # Errors
/// [`Kind::Malformed`] when it is none, [`Kind::Invalid`] with the field when it is not what is wanted.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if error.inner().is_data() {
            let path = error.path().to_string();
            let field = if path == "." { String::new() } else { path };
            Problem::invalid(vec![FieldError::new(field, without_place(&error.inner().to_string()))])
        } else {
            Problem::new(Kind::Malformed, format!("the body is not JSON: {}", error.inner()))
        }
    })?;
    reader.end().map_err(|_| Problem::new(Kind::Malformed, "the body goes on after its JSON value"))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// axum names the parameter between its own words and the reason: `...: limit: invalid digit found in string`.
fn query_problem(text: &str) -> Problem {
    let reason = text.split_once(": ").map_or(text, |(_, reason)| reason);
    let (field, detail) = reason.split_once(": ").unwrap_or(("", reason));
    Problem::invalid(vec![FieldError::new(field, detail)])
}

fn without_place(text: &str) -> &str {
    text.rsplit_once(" at line ").map_or(text, |(reason, _)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only read by serde")]
    struct Inner {
        ring_ms: u32,
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let problem = json::<Outer>(br#"{"inner":{"ring_ms":"x"}}"#).unwrap_err();
        assert_eq!(problem.kind, Kind::Invalid);
        assert_eq!(problem.errors[0].field, "inner.ring_ms");
        assert_eq!(problem.errors[0].detail, "invalid type: string \"x\", expected u32");
        assert_eq!(json::<Outer>(b"{").unwrap_err().kind, Kind::Malformed);
        assert_eq!(json::<Outer>(br#"{"inner":{"ring_ms":1}} x"#).unwrap_err().kind, Kind::Malformed);
        assert_eq!(json::<Outer>(br#"{"inner":{"ring_ms":1},"other":1}"#).unwrap_err().errors[0].field, "other");
    }
}
