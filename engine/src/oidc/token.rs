//! ID tokens (OpenID Connect Core 1.0 §2): whose key signed one, and whether it is for us.

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::OidcError;
use crate::config::OidcConfig;

/// How tokens may be signed: by a key that the provider alone has. OpenID Connect Core 1.0 §2 allows `none` too, where a client asked for
/// it at registration; we never do. HMAC would be by our own secret, which anybody who knows it could use.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Clocks may differ by so much.
const LEEWAY_S: u64 = 60;

/// What a token has to say.
pub(super) struct Wanted<'a> {
    /// Whose it is.
    pub(super) issuer: &'a str,
    /// For whom, and which claim names somebody.
    pub(super) config: &'a OidcConfig,
    /// Of which sign-in it is.
    pub(super) nonce: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    azp: Option<String>,
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// RFC 7519 §4.1.3.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

pub(super) fn header(id_token: &str) -> Result<Header, OidcError> {
    decode_header(id_token).map_err(|error| OidcError::Token(error.to_string()))
}

/// The key that a token says it is signed by; where it names none, the only one that could have (OpenID Connect Core 1.0 §10.1).
pub(super) fn key<'k>(keys: &'k JwkSet, header: &Header) -> Option<&'k Jwk> {
    let signs = |jwk: &&Jwk| !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption));
    let fits = |jwk: &&Jwk| match &header.kid {
        Some(kid) => jwk.common.key_id.as_ref() == Some(kid),
        None => DecodingKey::from_jwk(jwk).is_ok_and(|key| key.family() == header.alg.family()),
    };
    let mut fitting = keys.keys.iter().filter(signs).filter(fits);
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

/// OpenID Connect Core 1.0 §3.1.3.7. The claim that names somebody.
pub(super) fn verify(id_token: &str, jwk: &Jwk, wanted: Wanted<'_>) -> Result<String, OidcError> {
    let wrong = |what: &str| OidcError::Token(what.to_owned());
    let Wanted { issuer, config, nonce } = wanted;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| wrong("the provider's key is of a kind that is not known"))?;
    let mut rules = Validation::new_for_family(key.family());
    rules.algorithms.retain(|algorithm| ALGORITHMS.contains(algorithm));
    // 2 and 3: issuer and audience; 9: the time.
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[&config.client_id]);
    rules.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    rules.validate_nbf = true;
    rules.leeway = LEEWAY_S;
    let claims = decode::<Claims>(id_token, &key, &rules).map_err(|error| wrong(&error.to_string()))?.claims;
    // 3 to 5: audiences beside us are none that we trust, unless the token was given out to us.
    let is_shared = match &claims.aud {
        Audience::One(one) => *one != config.client_id,
        Audience::Several(all) => all.iter().any(|one| *one != config.client_id),
    };
    match &claims.azp {
        Some(azp) if *azp != config.client_id => return Err(wrong("it was given out to another client")),
        None if is_shared => return Err(wrong("it is for others, too, and does not say whom it was given out to")),
        Some(_) | None => {}
    }
    // 11: the nonce.
    if claims.nonce.as_deref() != Some(nonce) {
        return Err(wrong("it is of another sign-in"));
    }
    named(&claims.others, &config.claim)
}

/// §5.1: an address or number that the provider has not proved to be the person's names nobody.
fn named(claims: &Map<String, Value>, claim: &str) -> Result<String, OidcError> {
    let proof = match claim {
        "email" => Some("email_verified"),
        "phone_number" => Some("phone_number_verified"),
        _ => None,
    };
    if proof.is_some_and(|proof| claims.get(proof) != Some(&Value::Bool(true))) {
        return Err(OidcError::Token(format!("its `{claim}` is not verified")));
    }
    match claims.get(claim) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) | None => Err(OidcError::Token(format!("it has no `{claim}`"))),
    }
}
