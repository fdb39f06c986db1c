//! Digest as server: challenges, and the check of what comes back.

use std::time::Duration;

use subtle::{Choice, ConstantTimeEq};

use super::hash::{Algorithm, Ha1, Hex, Protection, ResponseSpec, ha1, response};
use super::nonce::{NonceMint, Standing, UsedCounts};
use super::{Challenger, between_quotes};
use crate::headers::{AuthParams, AuthScheme, HeaderValue};
use crate::message::{Request, Response};
use crate::random::Random;
use crate::time::Now;

/// Authenticates the requests of one realm.
pub struct DigestServer {
    challenger: Challenger,
    realm: String,
    opaque: String,
    mint: NonceMint,
    used: UsedCounts,
    /// In the place of an unknown user's.
    dummy: Ha1,
}

/// How long a nonce is good: 5 minutes. A phone that comes later gets `stale` and retries by itself.
pub const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// Digest credentials for our realm, as a request brought them. Nothing in it is proved.
#[derive(Clone, Debug)]
pub struct Claim(AuthParams);

impl Claim {
    /// The user it claims to be; empty if it names none or the name is no UTF-8.
    #[must_use]
    pub fn username(&self) -> String {
        self.0.get("username").map(std::borrow::Cow::into_owned).unwrap_or_default()
    }
}

/// Why a request is not authenticated, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Wrong password, unknown user, unknown algorithm, or credentials out of order: challenge anew. It counts against the
    /// source.
    #[error("the credentials are wrong")]
    Wrong,
    /// The password is right, but the nonce is too old, of an earlier process, or used with this count before: challenge
    /// with `stale`, upon which a phone retries without asking its user.
    #[error("the nonce is stale")]
    Stale,
    /// The password is right, but the credentials were made for another user part of the Request-URI: answer 400 (RFC 7616
    /// §3.4.6).
    #[error("the credentials are for another request")]
    OtherRequest,
}

impl DigestServer {
    /// For one realm. `key` signs nonces; `random` makes the server differ from one with the same key in an earlier process,
    /// so that no count that was forgotten counts as fresh.
    #[must_use]
    pub fn new(challenger: Challenger, realm: &str, key: &[u8; 32], random: &mut Random) -> Self {
        let mut process_key = *key;
        let mut epoch = [0; 32];
        random.fill(&mut epoch);
        for (byte, epoch) in process_key.iter_mut().zip(epoch) {
            *byte ^= epoch;
        }
        Self {
            challenger,
            realm: realm.to_owned(),
            opaque: random.token(),
            mint: NonceMint::new(&process_key, realm, NONCE_LIFETIME),
            used: UsedCounts::default(),
            dummy: ha1("", realm, &random.token()),
        }
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The 401 (or 407) for a request, with a challenge for SHA-256 first and one for MD5 (RFC 8760 §2.4: the preferred one
    /// first), both with one nonce; with one for MD5 alone to phones that give up when they see any other.
    pub fn challenge(&mut self, now: Now, request: &Request, to_tag: &str, why: Option<Refusal>) -> Response {
        let stale = why == Some(Refusal::Stale);
        let nonce = self.mint.issue(now.mono);
        let mut answer = Response::to_request(request, self.challenger.status(), Some(to_tag));
        for &algorithm in offered_to(request) {
            answer.headers.push(self.challenger.challenge_name(), self.challenge_value(algorithm, &nonce, stale));
        }
        answer
    }

    /// The Digest credentials for our realm in a request; `None` if it has none: challenge it.
    #[must_use]
    pub fn claim(&self, request: &Request) -> Option<Claim> {
        self.challenger
            .credentials(&request.headers)
            .into_iter()
            .find(|params| {
                params.scheme() == AuthScheme::Digest && params.get("realm").is_some_and(|realm| realm == self.realm)
            })
            .map(Claim)
    }

    /// Checks a claim against the HA1s of the user it names, or against `None` for an unknown user: that takes as long and
    /// says the same as a wrong password. A nonce counts up: each count is good once.
    ///
    /// Credentials without `qop` (RFC 2069) are taken for MD5, once for a nonce.
    ///
    /// # Errors
    /// [`Refusal`] says what to do.
    pub fn verify(&mut self, now: Now, request: &Request, claim: &Claim, ha1: Option<&Ha1>) -> Result<(), Refusal> {
        let parts = Parts::read(&claim.0).ok_or(Refusal::Wrong)?;
        let stored = ha1.unwrap_or(&self.dummy).hex(parts.algorithm).ok_or(Refusal::Wrong)?;
        let spec = ResponseSpec {
            algorithm: parts.algorithm,
            method: request.method.as_str(),
            uri: parts.uri,
            nonce: parts.nonce,
            protection: parts.protection,
        };
        let equal = same(&response(&stored, &spec), parts.response);
        let known = Choice::from(u8::from(ha1.is_some()));
        if !bool::from(equal & known) {
            return Err(Refusal::Wrong);
        }
        if !same_user(request, parts.uri) {
            return Err(Refusal::OtherRequest);
        }
        let Standing::Good(nonce) = self.mint.check(now.mono, parts.nonce) else { return Err(Refusal::Stale) };
        if self.used.take(nonce, parts.count, self.mint.horizon_us(now.mono)) { Ok(()) } else { Err(Refusal::Stale) }
    }

    /// How long the sender of a claim that was verified took to answer our challenge: the network's round trip and its own
    /// time. `None` where the nonce was used before (then nobody was challenged for this request), or without qop, which
    /// counts nothing.
    #[must_use]
    pub fn answered_after(&self, now: Now, claim: &Claim) -> Option<Duration> {
        let parts = Parts::read(&claim.0)?;
        let first = matches!(parts.protection, Protection::Auth { .. }) && parts.count == 1;
        if first { self.mint.age(now.mono, parts.nonce) } else { None }
    }

    /// Nonces whose counts are remembered now; bounded.
    #[must_use]
    pub fn nonces_in_use(&self) -> usize {
        self.used.len()
    }

    fn challenge_value(&self, algorithm: Algorithm, nonce: &str, stale: bool) -> HeaderValue {
        let realm = self.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let stale = if stale { ", stale=true" } else { "" };
        HeaderValue::from(format!(
            "Digest realm=\"{realm}\", nonce=\"{nonce}\", opaque=\"{}\", algorithm={}, qop=\"auth\"{stale}",
            self.opaque,
            algorithm.name(),
        ))
    }
}

impl std::fmt::Debug for DigestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DigestServer").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// What a phone is challenged for. RFC 8760 §2.4 lets a phone pass over a challenge whose algorithm it does not know; these
/// do not (seen: baresip 1.0 of Debian 12 fails with "Function not implemented", SIPp and sipsak 0.9 read
/// the first challenge only).
fn offered_to(request: &Request) -> &'static [Algorithm] {
    const MD5_ONLY: [&str; 4] = ["baresip v0.", "baresip v1.", "SIPp", "sipsak 0."];
    match request.headers.user_agent() {
        Some(agent) if MD5_ONLY.iter().any(|known| agent.starts_with(known)) => &[Algorithm::Md5],
        Some(_) | None => &[Algorithm::Sha256, Algorithm::Md5],
    }
}

/// The parameters of credentials that the response is made of.
struct Parts<'a> {
    algorithm: Algorithm,
    nonce: &'a [u8],
    uri: &'a [u8],
    response: &'a [u8],
    protection: Protection<'a>,
    /// The nonce count as a number; 1 without qop.
    count: u32,
}

impl<'a> Parts<'a> {
    fn read(params: &'a AuthParams) -> Option<Self> {
        let algorithm = match params.get("algorithm") {
            Some(name) => Algorithm::from_name(&name)?,
            None => Algorithm::Md5,
        };
        let (protection, count) = match between_quotes(params, "qop") {
            None if algorithm == Algorithm::Md5 => (Protection::Legacy, 1),
            None => return None,
            Some(qop) if qop.eq_ignore_ascii_case(b"auth") => {
                let nc = between_quotes(params, "nc")?;
                let count = u32::from_str_radix(std::str::from_utf8(nc).ok()?, 16).ok().filter(|&count| count > 0)?;
                (Protection::Auth { qop, nc, cnonce: between_quotes(params, "cnonce")? }, count)
            }
            Some(_) => return None,
        };
        Some(Self {
            algorithm,
            nonce: between_quotes(params, "nonce")?,
            uri: between_quotes(params, "uri")?,
            response: between_quotes(params, "response")?,
            protection,
            count,
        })
    }
}

/// Constant-time, whatever the case of the digits.
fn same(expected: &Hex, given: &[u8]) -> Choice {
    expected.as_bytes().ct_eq(&given.to_ascii_lowercase())
}

/// RFC 7616 §3.4.6 wants the digest-uri to be the Request-URI. Phones leave out ports and parameters, an edge in front
/// rewrites the host, and SIPp and others name only the server, so only the user part, which is who is called, is compared,
/// where there is one. The nonce count keeps a captured answer from being used for another call.
fn same_user(request: &Request, digest_uri: &[u8]) -> bool {
    let Ok(digest_uri) = crate::uri::Uri::parse_shared(&bytes::Bytes::copy_from_slice(digest_uri)) else {
        return false;
    };
    digest_uri.user().is_none() || digest_uri.user() == request.uri.user()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::digest::{Credentials, DigestClient};
    use crate::headers::HeaderName;
    use crate::message::{Message, Method};
    use crate::parse::parse_datagram;

    fn offered(agent: &str) -> &'static [Algorithm] {
        let text = format!(
            "REGISTER sip:pbx SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1@pbx>;tag=1\r\n\
             To: <sip:1@pbx>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n{agent}Content-Length: 0\r\n\r\n"
        );
        match parse_datagram(Bytes::from(text)).unwrap() {
            Message::Request(request) => offered_to(&request),
            Message::Response(response) => panic!("{response:?}"),
        }
    }

    #[test]
    fn phones_that_choke_on_sha_256_are_offered_md5_alone() {
        assert_eq!(offered("User-Agent: baresip v1.0.0 (x86_64/linux)\r\n"), [Algorithm::Md5]);
        assert_eq!(offered("User-Agent: SIPp\r\n"), [Algorithm::Md5]);
        assert_eq!(offered("User-Agent: sipsak 0.9.8.1\r\n"), [Algorithm::Md5]);
        assert_eq!(offered("User-Agent: baresip v3.1.0\r\n"), [Algorithm::Sha256, Algorithm::Md5]);
        assert_eq!(offered(""), [Algorithm::Sha256, Algorithm::Md5]);
    }

    #[test]
    fn unknown_user_is_refused_even_if_the_stand_in_password_is_guessed() {
        let mut random = Random::from_seed([1; 32]);
        let mut server = DigestServer::new(Challenger::Server, "realm", &[2; 32], &mut random);
        server.dummy = ha1("1001", "realm", "guessed");
        let now = Now { mono: Duration::ZERO, unix_ms: 0 };
        let mut request = Request::new(Method::Register, "sip:realm".parse().unwrap())
            .with(HeaderName::To, "<sip:1001@realm>")
            .with(HeaderName::CSeq, "1 REGISTER");
        let challenge = server.challenge(now, &request, "tag", None);
        let credentials = Credentials { username: "1001".into(), password: "guessed".into() };
        DigestClient::new(credentials).answer(&challenge, &mut request, &mut random).unwrap();
        let claim = server.claim(&request).unwrap();
        assert_eq!(server.verify(now, &request, &claim, None), Err(Refusal::Wrong));
        let stored = server.dummy;
        assert_eq!(server.verify(now, &request, &claim, Some(&stored)), Ok(()));
    }
}
