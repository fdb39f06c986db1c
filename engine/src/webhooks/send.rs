//! One attempt: a signed POST, and what its answer means.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use hooks::fact::CloudEvent;
use hooks::id::TenantId;
use reqwest::{Response, header};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Webhooks;
use super::secret::{NoSecret, WebhookSecret};
use crate::secrets::{SecretError, SecretKey};
use crate::store::unix_ms;
use crate::store::webhooks::{Webhook, webhook_owner};
use crate::web_client::WebError;

/// The longest event that is sent, bytes of its envelope; a longer one goes to the dead letters at once.
pub const BODY_MAX: usize = 256 << 10;
/// So much of an answer is read, so that the connection can be used again; what it says does not matter.
const ANSWER_MAX: usize = 16 << 10;
/// CloudEvents 1.0, HTTP protocol binding §3.2: structured mode.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// Where to send, and how.
#[derive(Clone, Debug)]
pub struct Target {
    url: String,
    allow_private: bool,
    secret: WebhookSecret,
    /// The one before, until then, ms since the Unix epoch.
    previous: Option<(WebhookSecret, u64)>,
}

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Its secret cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] SecretError),
    /// What was decrypted is none.
    #[error(transparent)]
    Secret(#[from] NoSecret),
}

impl Target {
    /// A webhook's, with its secrets.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn new(webhook: &Webhook, tenant: &TenantId, key: &SecretKey) -> Result<Self, TargetError> {
        let owner = webhook_owner(tenant, &webhook.id);
        let open = |sealed| -> Result<WebhookSecret, TargetError> { Ok(key.unseal(&owner, sealed)?.parse()?) };
        let previous = webhook.previous.as_ref().map(|previous| Ok((open(&previous.secret)?, previous.until_ms)));
        Ok(Self {
            url: webhook.url.clone(),
            allow_private: webhook.allow_private,
            secret: open(&webhook.secret)?,
            previous: previous.transpose().map_err(|error: TargetError| error)?,
        })
    }

    /// The signatures of all secrets that are valid now, the newest first.
    fn signatures(&self, message: &Message, at_ms: u64) -> String {
        let previous = self.previous.as_ref().filter(|(_, until_ms)| at_ms < *until_ms).map(|(secret, _)| secret);
        let secrets = [&self.secret].into_iter().chain(previous);
        let signed = secrets.map(|secret| secret.sign(&message.id, at_ms / 1_000, &message.body));
        signed.collect::<Vec<_>>().join(" ")
    }
}

/// An event as it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// `webhook-id`: the same however often it is sent.
    pub id: String,
    /// The CloudEvent.
    pub body: String,
}

impl Message {
    /// An event in structured mode.
    ///
    /// # Panics
    /// Never: an event has only texts for keys.
    #[must_use]
    pub fn of(event: &CloudEvent) -> Self {
        let body = serde_json::to_string(event).expect("an event has only texts for keys");
        Self { id: event.id.clone(), body }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, ms since the Unix epoch.
    pub at_ms: u64,
    /// How long it took.
    pub duration: Duration,
    /// What the server answered, if it did.
    pub status: Option<u16>,
    /// What that means.
    pub verdict: Verdict,
    /// What was wrong.
    pub error: Option<String>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx: it has the event.
    Delivered,
    /// It has it not.
    Failed {
        /// What a 429 or 503 asks for.
        retry_after: Option<Duration>,
    },
    /// 410: it wants no more.
    Gone,
    /// The event is longer than what is sent.
    TooLong,
}

impl Webhooks {
    /// Sends a message once, within `webhooks.timeout_s` from resolving the name to the head of the answer.
    pub async fn attempt(&self, target: &Target, message: Message) -> Attempt {
        let (at_ms, began) = (unix_ms(), Instant::now());
        if message.body.len() > BODY_MAX {
            let error = format!("the event has {} bytes, more than the {BODY_MAX} that are sent", message.body.len());
            let (duration, verdict) = (Duration::ZERO, Verdict::TooLong);
            return Attempt { at_ms, duration, status: None, verdict, error: Some(error) };
        }
        let limit = self.config.timeout;
        let answered = tokio::time::timeout(limit, self.post(target, message, at_ms)).await;
        let duration = began.elapsed();
        metrics::histogram!("switchboard_webhook_duration_seconds").record(duration.as_secs_f64());
        let (status, verdict, error) = match answered {
            Ok(Ok(response)) => {
                let (status, verdict) = (response.status(), verdict(&response));
                let left = limit.saturating_sub(duration);
                let _ = tokio::time::timeout(left, drain(response)).await;
                let error = (verdict != Verdict::Delivered).then(|| format!("the server answered {}", status.as_u16()));
                (Some(status.as_u16()), verdict, error)
            }
            Ok(Err(error)) => (None, Verdict::Failed { retry_after: None }, Some(error.to_string())),
            Err(_late) => {
                let error = format!("no answer within {} ms", limit.as_millis());
                (None, Verdict::Failed { retry_after: None }, Some(error))
            }
        };
        Attempt { at_ms, duration, status, verdict, error }
    }

    async fn post(&self, target: &Target, message: Message, at_ms: u64) -> Result<Response, WebError> {
        let client = self.client(target.allow_private);
        let signatures = target.signatures(&message, at_ms);
        let request = client.client()?.post(client.url(&target.url)?);
        let request = request
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header("webhook-id", message.id)
            .header("webhook-timestamp", at_ms / 1_000)
            .header("webhook-signature", signatures)
            .body(message.body);
        Ok(request.send().await?)
    }
}

/// Standard Webhooks, "Delivery success and failure".
fn verdict(response: &Response) -> Verdict {
    match response.status() {
        status if status.is_success() => Verdict::Delivered,
        StatusCode::GONE => Verdict::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let text = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            Verdict::Failed { retry_after: text.and_then(|text| retry_after(text, unix_ms())) }
        }
        _ => Verdict::Failed { retry_after: None },
    }
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn retry_after(text: &str, now_ms: u64) -> Option<Duration> {
    if let Ok(seconds) = u64::from_str(text.trim()) {
        return Some(Duration::from_secs(seconds));
    }
    let at = OffsetDateTime::parse(text.trim(), &Rfc2822).ok()?;
    let at_ms = u64::try_from(at.unix_timestamp()).ok()?.saturating_mul(1_000);
    Some(Duration::from_millis(at_ms.saturating_sub(now_ms)))
}

async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_MAX {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_time_in_seconds_or_by_a_date() {
        let now_ms = 784_111_777_000;
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now_ms), expected.map(Duration::from_secs), "{text}");
        }
    }
}
