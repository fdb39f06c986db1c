//! What is asked of the provider: its metadata, its keys, and an ID token for a code.

use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::template::url_escaped;
use jsonwebtoken::jwk::JwkSet;
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, Semaphore};

use super::{OidcError, token};
use crate::config::{CredentialUnreadable, OidcConfig};
use crate::store::unix_ms;
use crate::web_client::{self, Answer, WebClient, WebError};

/// How long the provider may take for one request.
const PROVIDER_MAX: Duration = Duration::from_secs(8);
/// Requests to it at a time; beyond, who signs in is told to try again.
const AT_ONCE_MAX: usize = 16;
/// Of an answer no more is read.
const ANSWER_MAX: usize = 256 << 10;
/// Metadata and keys are asked for again after this time; keys at once where a token names one that is not among them.
const KEPT_MS: u64 = 3_600_000;

/// Of the metadata (OpenID Connect Discovery 1.0 §3), what is used.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    /// As default `client_secret_basic` alone.
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The answer of the token endpoint (OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Something, and when it was asked for.
struct Kept<T> {
    at_ms: u64,
    value: T,
}

impl<T: Clone> Kept<T> {
    fn fresh(held: Option<&Self>, now_ms: u64) -> Option<T> {
        held.filter(|kept| kept.at_ms + KEPT_MS > now_ms).map(|kept| kept.value.clone())
    }
}

/// The provider.
pub(super) struct Provider {
    config: OidcConfig,
    web: WebClient,
    turns: Semaphore,
    metadata: Mutex<Option<Kept<Metadata>>>,
    keys: Mutex<Option<Kept<Arc<JwkSet>>>>,
}

impl Provider {
    pub(super) fn new(config: OidcConfig, web: WebClient) -> Self {
        let turns = Semaphore::new(AT_ONCE_MAX);
        Self { config, web, turns, metadata: Mutex::default(), keys: Mutex::default() }
    }

    /// Its metadata. Asked for by one at a time; the others wait for the answer.
    pub(super) async fn metadata(&self) -> Result<Metadata, OidcError> {
        let mut held = self.metadata.lock().await;
        let now_ms = unix_ms();
        if let Some(metadata) = Kept::fresh(held.as_ref(), now_ms) {
            return Ok(metadata);
        }
        let url = format!("{}/.well-known/openid-configuration", self.config.issuer);
        let metadata: Metadata = self.document(&url).await?;
        // OpenID Connect Discovery 1.0 §4.3: the issuer "MUST exactly match" the URL it was asked at. A slash at its end we forgive.
        if metadata.issuer.trim_end_matches('/') != self.config.issuer {
            return Err(OidcError::Away("its metadata name another issuer than oidc.issuer".to_owned()));
        }
        *held = Some(Kept { at_ms: now_ms, value: metadata.clone() });
        Ok(metadata)
    }

    /// Gives a code for an ID token (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) async fn exchange(&self, code: &str, verifier: &str) -> Result<String, OidcError> {
        let metadata = self.metadata().await?;
        let OidcConfig { client_id, redirect, client_secret, .. } = &self.config;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        let secret = match client_secret {
            Some(secret) => Some(secret.read().await?),
            None => None,
        };
        let request = self.web.client()?.post(self.web.url(&metadata.token_endpoint)?);
        let methods = metadata.token_endpoint_auth_methods_supported.unwrap_or_else(|| vec![BASIC.to_owned()]);
        let request = match &secret {
            // RFC 6749 §2.3.1: both are encoded as in a form before they become user and password.
            Some(secret) if methods.iter().any(|method| method == BASIC) => {
                request.basic_auth(url_escaped(client_id), Some(url_escaped(secret)))
            }
            Some(secret) => {
                form.extend([("client_id", client_id.as_str()), ("client_secret", secret.as_str())]);
                request
            }
            None => {
                form.push(("client_id", client_id));
                request
            }
        };
        let answer = self.ask(request.form(&form)).await?;
        match answer.status {
            200 => Ok(read::<Tokens>(&answer.body)?.id_token),
            status @ 400..=499 => {
                let said =
                    serde_json::from_slice(&answer.body).map_or_else(|_| status.to_string(), |r: Refusal| r.error);
                Err(OidcError::Refused(said))
            }
            status => Err(OidcError::Away(format!("its token endpoint answers {status}"))),
        }
    }

    /// The claim that names somebody, of an ID token that is the provider's, for us, and of this sign-in.
    pub(super) async fn verify(&self, id_token: &str, nonce: &str) -> Result<String, OidcError> {
        let issuer = self.metadata().await?.issuer;
        let header = token::header(id_token)?;
        let now_ms = unix_ms();
        let mut held = self.keys.lock().await;
        let kept = Kept::fresh(held.as_ref(), now_ms).and_then(|keys| token::key(&keys, &header).cloned());
        let key = match kept {
            Some(key) => key,
            // OpenID Connect Core 1.0 §10.1.1: who sees an unfamiliar key ID asks for the keys again.
            None => {
                let keys: Arc<JwkSet> = Arc::new(self.document(&self.metadata().await?.jwks_uri).await?);
                *held = Some(Kept { at_ms: now_ms, value: Arc::clone(&keys) });
                token::key(&keys, &header)
                    .cloned()
                    .ok_or_else(|| OidcError::Token("it is signed by none of the provider's keys".to_owned()))?
            }
        };
        drop(held);
        token::verify(id_token, &key, token::Wanted { issuer: &issuer, config: &self.config, nonce })
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, OidcError> {
        let answer = self.ask(self.web.client()?.get(self.web.url(url)?)).await?;
        match answer.status {
            200 => read(&answer.body),
            status => Err(OidcError::Away(format!("{url} answers {status}"))),
        }
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Answer, OidcError> {
        let _turn = self.turns.try_acquire().map_err(|_| OidcError::Away("too many sign in at a time".to_owned()))?;
        let asked = async { web_client::read(request.send().await?, ANSWER_MAX).await };
        let answer = tokio::time::timeout(PROVIDER_MAX, asked).await;
        Ok(answer.map_err(|_| OidcError::Away("no answer in 8 s".to_owned()))??)
    }
}

const BASIC: &str = "client_secret_basic";

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, OidcError> {
    serde_json::from_slice(body)
        .map_err(|error| OidcError::Away(format!("its answer is not what is asked for: {error}")))
}

impl From<WebError> for OidcError {
    fn from(error: WebError) -> Self {
        Self::Away(error.to_string())
    }
}

impl From<CredentialUnreadable> for OidcError {
    fn from(error: CredentialUnreadable) -> Self {
        Self::Away(error.to_string())
    }
}
