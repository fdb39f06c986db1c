//! Short messages by a gateway, where `[sms]` names one (SMS-10). So far they are codes (LOGIN-02, ORG-45).

mod aliyun;
mod http;
mod outbox;
mod smpp;
pub mod template;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{CredentialUnreadable, SmsConfig, SmsDriver};
use crate::names::Names;
use crate::tls::TlsClient;
use crate::web_client::{Reach, WebClient, WebError};
use aliyun::Aliyun;
use http::HttpGateway;
use outbox::Outbox;
use smpp::Smpp;

/// How long a gateway may take for one message.
const GATEWAY_MAX: Duration = Duration::from_secs(10);
/// Messages under way at a time; beyond, who asks is told to try again.
const AT_ONCE_MAX: usize = 16;
/// What lets messages go to more servers.
const MEND: &str = "sms.allow_private lets messages go there";

/// A message for one mobile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// In E.164, with its `+`.
    pub to: String,
    /// What is said, where the gateway takes whole texts.
    pub text: String,
    /// The sender's name (短信签名), as the gateway has approved it; may be empty.
    pub signature: String,
    /// The gateway's own template, where it takes nothing else; may be empty.
    pub template: String,
    /// What stands in the template's places.
    pub parameters: BTreeMap<String, String>,
}

impl Message {
    /// The text with its signature before it, for gateways that add none of their own.
    #[must_use]
    pub fn signed_text(&self) -> String {
        let Self { text, signature, .. } = self;
        if signature.is_empty() { text.clone() } else { format!("【{signature}】{text}") }
    }
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// It cannot be reached, or does not answer in time. The same message may be taken later.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// It took the message in and refused it.
    #[error("the gateway refused the message: {0}")]
    Refused(String),
    /// Too many are under way.
    #[error("too many messages are under way")]
    Busy,
}

impl From<WebError> for SmsError {
    fn from(error: WebError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

impl From<CredentialUnreadable> for SmsError {
    fn from(error: CredentialUnreadable) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// What a way of sending gives.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), SmsError>> + Send + 'a>>;

/// A way of sending.
pub trait Gateway: Send + Sync {
    /// Hands a message over; done when the gateway has taken it.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}

/// The gateway of an installation. Cheap to clone.
#[derive(Clone)]
pub struct Sms {
    gateway: Arc<dyn Gateway>,
    turns: Arc<tokio::sync::Semaphore>,
    config: Arc<SmsConfig>,
}

impl Sms {
    /// The gateway that the configuration names.
    #[must_use]
    pub fn new(config: SmsConfig, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        let reach = if config.allow_private { Reach::Everywhere } else { Reach::Public };
        let gateway: Arc<dyn Gateway> = match config.driver.clone() {
            SmsDriver::File(path) => Arc::new(Outbox::new(path)),
            SmsDriver::Http(http) => Arc::new(HttpGateway::new(*http, WebClient::new(reach, MEND, names, tls))),
            SmsDriver::Aliyun(aliyun) => Arc::new(Aliyun::new(aliyun, WebClient::new(reach, MEND, names, tls))),
            SmsDriver::Smpp(smpp) => Arc::new(Smpp::new(smpp, reach, names, tls)),
        };
        Self { gateway, turns: Arc::new(tokio::sync::Semaphore::new(AT_ONCE_MAX)), config: Arc::new(config) }
    }

    /// Whether codes are sent to this number (E.164): only where `sms.prefixes` allow it, or a stranger could make others pay.
    #[must_use]
    pub fn reaches(&self, number: &str) -> bool {
        self.config.prefixes.iter().any(|prefix| number.starts_with(prefix.as_str()))
    }

    /// Sends a code that is valid for so many minutes.
    ///
    /// # Errors
    /// [`SmsError`]; the code never stands in it.
    pub async fn send_code(&self, to: &str, code: &str, minutes: u64) -> Result<(), SmsError> {
        let minutes = minutes.to_string();
        let text = self.config.code_text.replace("{code}", code).replace("{minutes}", &minutes);
        let parameters = [("code".to_owned(), code.to_owned())].into();
        let (signature, template) = (self.config.signature.clone(), self.config.code_template.clone());
        let message = Message { to: to.to_owned(), text, signature, template, parameters };
        self.send(&message).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SmsError`].
    pub async fn send(&self, message: &Message) -> Result<(), SmsError> {
        let _turn = self.turns.try_acquire().map_err(|_| SmsError::Busy)?;
        let sent = tokio::time::timeout(GATEWAY_MAX, self.gateway.send(message)).await;
        let sent = sent.unwrap_or_else(|_| Err(SmsError::Unreachable("no answer in 10 s".to_owned())));
        let result = match &sent {
            Ok(()) => "sent",
            Err(SmsError::Refused(_)) => "refused",
            Err(SmsError::Unreachable(_) | SmsError::Busy) => "unreachable",
        };
        metrics::counter!("switchboard_sms_messages_total", "result" => result).increment(1);
        sent
    }
}

/// A number without its `+`.
fn digits(number: &str) -> String {
    number.trim_start_matches('+').to_owned()
}

/// A number as it is written in its country: those of China without 86, all others with their country's code.
fn national(number: &str) -> String {
    number.strip_prefix("+86").map_or_else(|| digits(number), str::to_owned)
}
