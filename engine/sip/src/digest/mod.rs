//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): as server with SHA-256 and MD5, as client with SHA-512-256 too.
//!
//! Passwords of our own accounts never get here: an account is its two HA1s. What the server compares, it compares in
//! constant time, and an unknown user costs and answers the same as a wrong password.

mod client;
mod hash;
mod nonce;
mod server;

pub use client::{AnswerError, Credentials, DigestClient, REALMS_MAX};
pub use hash::{Algorithm, Ha1, Ha1Md5, Ha1Sha256, ha1};
pub use server::{Claim, DigestServer, NONCE_LIFETIME, Refusal};

use crate::headers::{AuthParams, HeaderName, Headers};
use crate::message::StatusCode;

/// Who asks for credentials: it decides the status code and the header fields (RFC 3261 §22.2, §22.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Challenger {
    /// A user agent server or registrar: 401, WWW-Authenticate, Authorization.
    Server,
    /// A proxy: 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

impl Challenger {
    /// The status code of its challenge.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Server => StatusCode::UNAUTHORIZED,
            Self::Proxy => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        }
    }

    /// The field with its challenge.
    #[must_use]
    pub fn challenge_name(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    /// The field with the credentials for it.
    #[must_use]
    pub fn credentials_name(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }

    fn challenges(self, headers: &Headers) -> Vec<AuthParams> {
        match self {
            Self::Server => headers.www_authenticates().flatten().take(CHALLENGES_MAX).collect(),
            Self::Proxy => headers.proxy_authenticates().flatten().take(CHALLENGES_MAX).collect(),
        }
    }

    fn credentials(self, headers: &Headers) -> Vec<AuthParams> {
        match self {
            Self::Server => headers.authorizations().flatten().take(CHALLENGES_MAX).collect(),
            Self::Proxy => headers.proxy_authorizations().flatten().take(CHALLENGES_MAX).collect(),
        }
    }
}

/// Challenges or credentials looked at in one message; the others are ignored.
const CHALLENGES_MAX: usize = 16;

/// The text between the quotes of a parameter, or the token: what digests are computed over (RFC 7616 §3.4).
fn between_quotes<'a>(params: &'a AuthParams, name: &str) -> Option<&'a [u8]> {
    let raw = params.get_raw(name)?;
    Some(raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\"")).unwrap_or(raw))
}
