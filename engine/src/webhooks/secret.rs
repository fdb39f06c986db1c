//! Signatures by the Standard Webhooks scheme, version 1: HMAC-SHA256 over `ID.TIMESTAMP.BODY`, with a secret that is written as
//! `whsec_` and Base64.

use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secrets::random_bytes;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Standard Webhooks, "Signature scheme": at least 24 bytes, at most 64 (512 bits).
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What a webhook is signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

/// The text is no secret.
#[derive(Debug, thiserror::Error)]
#[error("a secret is whsec_ and 24 to 64 random bytes as Base64; leave it out and one is made")]
pub struct NoSecret;

impl WebhookSecret {
    /// A new one of 32 bytes.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bytes::<32>().to_vec())
    }

    /// As it is given to who receives.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// The signature of a message as the header has it: `v1,BASE64`. `at_s` is in seconds since the Unix epoch.
    #[must_use]
    pub fn sign(&self, id: &str, at_s: u64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("{id}.{at_s}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

impl FromStr for WebhookSecret {
    type Err = NoSecret;

    fn from_str(text: &str) -> Result<Self, NoSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(NoSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoSecret)?;
        if BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(NoSecret) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature is what the reference library computes (`standardwebhooks` 1.1.0 of PyPI).
    #[test]
    fn a_message_is_signed_as_the_reference_library_does() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw".parse().unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,q6KMVIJHk4Gs770FfR5f591Ftx7uVJSGl5wHV1ri978=");
    }

    #[test]
    fn a_secret_is_read_as_it_is_written_and_has_enough_bytes() {
        let secret = WebhookSecret::random();
        assert_eq!(secret.to_text().parse::<WebhookSecret>().unwrap(), secret);
        assert_ne!(secret, WebhookSecret::random());
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes])).parse::<WebhookSecret>();
        assert!(of(23).is_err() && of(24).is_ok() && of(64).is_ok() && of(65).is_err());
        let bare = STANDARD.encode([7; 32]);
        assert!(bare.parse::<WebhookSecret>().is_err() && "whsec_?".parse::<WebhookSecret>().is_err());
    }
}
