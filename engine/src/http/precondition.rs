//! Optimistic locking: `ETag` out, `If-Match` in (RFC 9110 §8.8.3, §13.1.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};

use super::problem::{Kind, Problem};
use crate::store::setting::Expect;

/// The version of a row as `ETag` shows it.
#[must_use]
pub fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("a quoted number is a header value")
}

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// No header, or `*`: any version will do.
    Any,
    /// One of these versions.
    OneOf(Vec<u64>),
}

impl IfMatch {
    /// What a write shall find, given what was read.
    ///
    /// # Errors
    /// [`Kind::VersionMismatch`] when `current` is not among those named.
    pub fn expect(&self, current: u64) -> Result<Expect, Problem> {
        match self {
            Self::Any => Ok(Expect::Any),
            Self::OneOf(versions) if versions.contains(&current) => Ok(Expect::Version(current)),
            Self::OneOf(_) => Err(mismatch()),
        }
    }
}

/// Somebody else changed the row first.
#[must_use]
pub fn mismatch() -> Problem {
    Problem::new(
        Kind::VersionMismatch,
        "somebody changed it meanwhile; read it again, then send your change with its new ETag",
    )
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut versions = Vec::new();
        let mut lines = parts.headers.get_all(header::IF_MATCH).iter().peekable();
        if lines.peek().is_none() {
            return Ok(Self::Any);
        }
        for tag in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim) {
            if tag == "*" {
                return Ok(Self::Any);
            }
            // A weak tag never matches (RFC 9110 §13.1.1), nor does one we did not give.
            versions
                .extend(tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse::<u64>().ok()));
        }
        Ok(Self::OneOf(versions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn read(value: Option<&str>) -> IfMatch {
        let request = Request::builder();
        let request = value.into_iter().fold(request, |request, value| request.header("if-match", value));
        IfMatch::from_request_parts(&mut request.body(()).unwrap().into_parts().0, &()).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_named_version_is_written() {
        assert_eq!(read(None).await, IfMatch::Any);
        assert_eq!(read(Some("*")).await, IfMatch::Any);
        let named = read(Some("\"3\", \"4\"")).await;
        assert_eq!(named.expect(4), Ok(Expect::Version(4)));
        assert_eq!(named.expect(5).unwrap_err().kind, Kind::VersionMismatch);
        assert!(read(Some("W/\"3\"")).await.expect(3).is_err());
        assert!(read(Some("nonsense")).await.expect(3).is_err());
    }
}
