//! Signing in by a provider of OpenID Connect (Core 1.0): the authorization code flow with PKCE (RFC 7636). It says whom the provider
//! names, and never who that is here, nor whether he may come in: that is `http::oidc`.

mod pending;
mod provider;
mod token;

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;

use crate::config::OidcConfig;
use crate::names::Names;
use crate::secrets::{random_bytes, to_hex};
use crate::store::logins::SignInWay;
use crate::store::unix_ms;
use crate::tls::TlsClient;
use crate::web_client::{Reach, WebClient};
use pending::{Pending, SignIns};
use provider::Provider;

pub use pending::{PENDING_MAX, PENDING_MS};

/// What lets the provider be nearer.
const MEND: &str = "oidc.allow_private lets the provider be there";

/// Why nobody was named.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be reached, does not answer in time, or answers nonsense.
    #[error("the provider is away: {0}")]
    Away(String),
    /// It, or the person there, did not let him in.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// What came back does not belong to a sign-in that this browser began here a while ago.
    #[error("no such sign-in goes on")]
    Unknown,
    /// The ID token proves nothing.
    #[error("the ID token is none for us: {0}")]
    Token(String),
}

/// A sign-in that begins.
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// What the browser keeps meanwhile, and shows when it comes back.
    pub browser: String,
}

/// With what the browser comes back (RFC 6749 §4.1.2).
pub struct CameBack<'a> {
    /// The provider's code, or why there is none.
    pub code: Result<&'a str, &'a str>,
    /// Which sign-in this is.
    pub state: &'a str,
    /// Who sends it, where he says so (RFC 9207).
    pub issuer: Option<&'a str>,
    /// What the browser kept.
    pub browser: &'a str,
}

/// Whom the provider names.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The value of `oidc.claim`.
    pub claim: String,
    /// By what he takes part in calls, as he said when he began.
    pub sign_in: Option<SignInWay>,
}

/// The provider of an installation. Cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    config: OidcConfig,
    provider: Provider,
    pending: SignIns,
}

impl Oidc {
    /// The provider that the configuration names.
    #[must_use]
    pub fn new(config: OidcConfig, names: Arc<Names>, tls: Arc<TlsClient>) -> Self {
        let reach = if config.allow_private { Reach::Everywhere } else { Reach::Public };
        let provider = Provider::new(config.clone(), WebClient::new(reach, MEND, names, tls));
        Self(Arc::new(Inner { config, provider, pending: SignIns::default() }))
    }

    /// `[oidc]`.
    #[must_use]
    pub fn config(&self) -> &OidcConfig {
        &self.0.config
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub async fn begin(&self, sign_in: Option<SignInWay>) -> Result<Begun, OidcError> {
        let endpoint = self.0.provider.metadata().await?.authorization_endpoint;
        let mut url =
            Url::parse(&endpoint).map_err(|error| OidcError::Away(format!("authorization_endpoint: {error}")))?;
        let [state, nonce, verifier, browser] = [(); 4].map(|()| to_hex(&random_bytes::<32>()));
        let OidcConfig { client_id, redirect, scopes, .. } = &self.0.config;
        // OpenID Connect Core 1.0 §3.1.2.1, RFC 7636 §4.3.
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", scopes)
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge(&verifier))
            .append_pair("code_challenge_method", "S256");
        self.0.pending.put(state, Pending { nonce, verifier, browser: browser.clone(), sign_in }, unix_ms());
        Ok(Begun { url: url.into(), browser })
    }

    /// Ends a sign-in: it is gone afterwards, whatever it comes to.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn end(&self, back: CameBack<'_>) -> Result<Named, OidcError> {
        // RFC 6749 §10.12: what comes back is taken only from the browser that began, and once.
        let pending = self.0.pending.take(back.state, back.browser, unix_ms()).ok_or(OidcError::Unknown)?;
        // RFC 9207 §2.4: "clients MUST reject" an issuer that is not the one asked; whoever mixes up two providers is found out.
        if back.issuer.is_some_and(|issuer| issuer.trim_end_matches('/') != self.0.config.issuer) {
            return Err(OidcError::Token("it comes from another issuer".to_owned()));
        }
        let code = back.code.map_err(|reason| OidcError::Refused(reason.to_owned()))?;
        let id_token = self.0.provider.exchange(code, &pending.verifier).await?;
        let claim = self.0.provider.verify(&id_token, &pending.nonce).await?;
        Ok(Named { claim, sign_in: pending.sign_in })
    }
}

/// RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let challenge = challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
