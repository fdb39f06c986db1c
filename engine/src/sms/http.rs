//! Any gateway that takes a message by one HTTP request, which the configuration describes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{self, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::template::{Escape, Values};
use super::{Gateway, Message, Sending, SmsError, digits, national};
use crate::config::{HttpSms, SmsBody};
use crate::secrets::{random_bytes, to_hex};
use crate::web_client::{self, Answer, WebClient, WebError};

/// Of an answer no more is read.
pub(super) const ANSWER_MAX: usize = 64 << 10;
/// Characters of what an answer says that are told on.
const SAID_MAX: usize = 64;

/// Sends by requests made from templates.
pub(super) struct HttpGateway {
    config: HttpSms,
    web: WebClient,
}

impl HttpGateway {
    pub(super) fn new(config: HttpSms, web: WebClient) -> Self {
        Self { config, web }
    }

    async fn request(&self, message: &Message) -> Result<(), SmsError> {
        let secret = match &self.config.secret {
            Some(secret) => secret.read().await?,
            None => String::new(),
        };
        let values = self.values(message, secret);
        let url = self.web.url(&self.config.url.fill(&values, Escape::Percent))?;
        let client = self.web.client()?;
        let mut request = match &self.config.body {
            None => client.get(url),
            Some(SmsBody { kind, template, escape }) => {
                client.post(url).header(header::CONTENT_TYPE, *kind).body(template.fill(&values, *escape))
            }
        };
        for (name, value) in &self.config.headers {
            let value = HeaderValue::from_str(&value.fill(&values, Escape::Plain));
            let mut value = value.map_err(|_| SmsError::Refused(format!("the value of {name} is none of a header")))?;
            value.set_sensitive(true);
            request = request.header(HeaderName::clone(name), value);
        }
        let answer = web_client::read(request.send().await.map_err(WebError::from)?, ANSWER_MAX).await?;
        self.verdict(&answer, &values)
    }

    fn values(&self, message: &Message, secret: String) -> Values {
        let Message { to, text, signature, template, parameters } = message;
        let user = self.config.user.clone();
        Values::from([
            ("to", to.clone()),
            ("to_digits", digits(to)),
            ("to_national", national(to)),
            ("text", text.clone()),
            ("signature", signature.clone()),
            ("template", template.clone()),
            ("parameters", json!(parameters).to_string()),
            ("code", parameters.get("code").cloned().unwrap_or_default()),
            ("id", to_hex(&random_bytes::<16>())),
            ("basic", STANDARD.encode(format!("{user}:{secret}"))),
            ("user", user),
            ("secret", secret),
        ])
    }

    /// Taken: by its status and, where the configuration names one, by a member of its JSON.
    fn verdict(&self, answer: &Answer, values: &Values) -> Result<(), SmsError> {
        let status = answer.status;
        match status {
            200..=299 => {}
            429 | 500.. => return Err(SmsError::Unreachable(status.to_string())),
            _ => return Err(SmsError::Refused(status.to_string())),
        }
        let Some(success) = &self.config.success else { return Ok(()) };
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = match json.pointer(&success.pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        if success.values.contains(&said) {
            return Ok(());
        }
        // What it says may repeat what was sent: then it is told to nobody.
        let repeats = ["code", "text", "secret", "basic", "to_national"].iter().any(|name| {
            let value = values.get(name).map_or("", String::as_str);
            !value.is_empty() && said.contains(value)
        });
        let said: String = said.chars().filter(|letter| !letter.is_control()).take(SAID_MAX).collect();
        let told = if repeats { String::new() } else { format!(" {said}") };
        Err(SmsError::Refused(format!("{status}{told}")))
    }
}

impl Gateway for HttpGateway {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(self.request(message))
    }
}
