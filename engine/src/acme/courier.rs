//! Carries requests to an authority by our own client, and notes for how long the authority wants to be left alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::store::unix_ms;
use crate::web_client::{self, WebClient, WebError};

/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request or an answer; a chain of certificates has some ten thousand.
const BYTES_MAX: usize = 256 * 1024;

/// Cheap to clone; clones share what they noted.
#[derive(Clone)]
pub(super) struct Courier {
    web: WebClient,
    wait_until_ms: Arc<Mutex<Option<u64>>>,
}

impl Courier {
    /// By this client.
    #[must_use]
    pub(super) fn new(web: WebClient) -> Self {
        Self { web, wait_until_ms: Arc::default() }
    }

    /// Until when the authority wants us to wait, ms since the Unix epoch; what it said last.
    #[must_use]
    pub(super) fn wait_until_ms(&self) -> Option<u64> {
        *self.wait_until_ms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let body = to_bytes(Body::new(body), BYTES_MAX).await.map_err(|error| Error::Other(Box::new(error)))?;
        let other = |error: WebError| Error::Other(Box::new(error));
        let url = self.web.url(&head.uri.to_string()).map_err(other)?;
        let request = self.web.client().map_err(other)?.request(head.method, url);
        let sent = request.headers(head.headers).body(body).timeout(REQUEST_MAX).send().await;
        let answer = sent.map_err(|error| other(error.into()))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.note(status, &headers);
        let answer = web_client::read(answer, BYTES_MAX).await.map_err(other)?;
        let mut response = Response::new(Body::from(answer.body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }

    fn note(&self, status: StatusCode, headers: &HeaderMap) {
        if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
            let asked = headers.get(RETRY_AFTER).and_then(|value| asked_ms(value.to_str().ok()?, unix_ms()));
            *self.wait_until_ms.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        }
    }
}

impl HttpClient for Courier {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let courier = self.clone();
        Box::pin(async move { courier.carry(request).await.map(BytesResponse::from) })
    }
}

/// RFC 9110 §10.2.3: seconds from now, or a date.
fn asked_ms(text: &str, now_ms: u64) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(now_ms.saturating_add(seconds.saturating_mul(1_000)));
    }
    let at = OffsetDateTime::parse(text.trim(), &Rfc2822).ok()?;
    u64::try_from(at.unix_timestamp()).ok().map(|seconds| seconds.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_names_the_time_in_seconds_or_as_a_date() {
        for (text, expected) in [
            ("120", Some(121_000)),
            (" 0 ", Some(1_000)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(946_684_799_000)),
            ("99999999999999999999", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(asked_ms(text, 1_000), expected, "{text}");
        }
    }
}
