//! Digest as client: answers to the challenges of trunks.

use std::fmt;

use super::hash::{Algorithm, Protection, ResponseSpec, response};
use super::{Challenger, between_quotes};
use crate::headers::{AuthParams, AuthScheme, HeaderValue};
use crate::message::{Request, Response};
use crate::random::Random;

/// What a trunk gave us to authenticate with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password; never shown.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The peer refused credentials made with its own fresh nonce: user name or password is wrong.
    #[error("the peer refuses the user name or password, check the trunk's credentials")]
    Rejected,
    /// No challenge is for Digest with an algorithm and qop that are known here.
    #[error("the peer offers no digest algorithm known here")]
    NothingUsable,
}

/// Answers challenges for one account at one peer, and counts up the nonces it was given.
#[derive(Clone, Debug)]
pub struct DigestClient {
    credentials: Credentials,
    /// At most [`REALMS_MAX`].
    sessions: Vec<Session>,
}

/// Realms on the way to one peer: its own and those of proxies. Challenges of further ones are not answered.
pub const REALMS_MAX: usize = 4;

/// A nonce of a realm.
#[derive(Clone, Debug)]
struct Session {
    challenger: Challenger,
    challenge: Challenge,
    /// Times the nonce was used.
    count: u32,
    tried: Tried,
}

/// How the last credentials for a realm came about: a refusal of them means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tried {
    /// With a nonce of an earlier request, which may have become too old.
    Beforehand,
    /// With the nonce of this request's own challenge.
    Answered,
    /// With that of a second challenge, which said `stale`.
    AfterStale,
}

/// A challenge that can be answered.
#[derive(Clone, Debug)]
struct Challenge {
    algorithm: Algorithm,
    /// Whether the challenge named the algorithm: an old server wants none in the answer.
    names_algorithm: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: Qop,
    stale: bool,
}

/// What credentials protect (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qop {
    /// RFC 2069: the challenge names none.
    None,
    /// `auth`: method and Request-URI.
    Auth,
    /// `auth-int`: the body, too.
    AuthInt,
}

impl DigestClient {
    /// Knows no nonce yet.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, sessions: Vec::new() }
    }

    /// Adds credentials for the realms already known, so that a request need not be challenged first. To be called for each
    /// new request, with the next count of its nonce.
    pub fn authorize(&mut self, request: &mut Request, random: &mut Random) {
        for session in &mut self.sessions {
            session.tried = Tried::Beforehand;
        }
        self.write(request, random);
    }

    /// Puts credentials for the challenges of a 401 or 407 into `request`, the one that was challenged, in the place of those
    /// it had. The caller sends it again with a higher CSeq and the body it has now. Each realm is answered by the topmost
    /// challenge that is known here (RFC 8760 §2.4), and twice only if the peer says the nonce was stale.
    ///
    /// # Errors
    /// [`AnswerError`] if it is no use to send it again.
    pub fn answer(
        &mut self,
        challenge: &Response,
        request: &mut Request,
        random: &mut Random,
    ) -> Result<(), AnswerError> {
        let mut answered = false;
        for challenger in [Challenger::Server, Challenger::Proxy] {
            for challenge in topmost(challenger.challenges(&challenge.headers)) {
                answered |= self.take(challenger, challenge)?;
            }
        }
        if !answered {
            return Err(AnswerError::NothingUsable);
        }
        self.write(request, random);
        Ok(())
    }

    fn take(&mut self, challenger: Challenger, challenge: Challenge) -> Result<bool, AnswerError> {
        let known = self
            .sessions
            .iter_mut()
            .find(|session| session.challenger == challenger && session.challenge.realm == challenge.realm);
        let Some(session) = known else {
            if self.sessions.len() >= REALMS_MAX {
                return Ok(false);
            }
            self.sessions.push(Session { challenger, challenge, count: 0, tried: Tried::Answered });
            return Ok(true);
        };
        let tried = match (session.tried, challenge.stale) {
            (Tried::Beforehand, _) => Tried::Answered,
            (Tried::Answered, true) => Tried::AfterStale,
            (Tried::Answered, false) | (Tried::AfterStale, _) => {
                // The next request begins anew.
                session.tried = Tried::Beforehand;
                return Err(AnswerError::Rejected);
            }
        };
        *session = Session { challenger, challenge, count: 0, tried };
        Ok(true)
    }

    fn write(&mut self, request: &mut Request, random: &mut Random) {
        for challenger in [Challenger::Server, Challenger::Proxy] {
            request.headers.remove(&challenger.credentials_name());
        }
        for session in &mut self.sessions {
            session.count += 1;
            let value = session.value(&self.credentials, request, &random.token());
            request.headers.push(session.challenger.credentials_name(), value);
        }
    }
}

impl Session {
    fn value(&self, credentials: &Credentials, request: &Request, cnonce: &str) -> HeaderValue {
        let Challenge { algorithm, realm, nonce, .. } = &self.challenge;
        let uri = request.uri.as_str();
        let nc = format!("{:08x}", self.count);
        let ha1 = algorithm.hash(&[credentials.username.as_bytes(), realm.as_bytes(), credentials.password.as_bytes()]);
        let protection = match self.challenge.qop {
            Qop::None => Protection::Legacy,
            Qop::Auth => Protection::Auth { qop: b"auth", nc: nc.as_bytes(), cnonce: cnonce.as_bytes() },
            Qop::AuthInt => Protection::AuthInt { nc: nc.as_bytes(), cnonce: cnonce.as_bytes(), body: &request.body },
        };
        let digest = response(
            &ha1,
            &ResponseSpec {
                algorithm: *algorithm,
                method: request.method.as_str(),
                uri: uri.as_bytes(),
                nonce: nonce.as_bytes(),
                protection,
            },
        );
        let username = credentials.username.replace('\\', "\\\\").replace('"', "\\\"");
        let mut value = format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{}\"",
            digest.as_str()
        );
        if self.challenge.names_algorithm {
            value.push_str(", algorithm=");
            value.push_str(algorithm.name());
        }
        let qop = match self.challenge.qop {
            Qop::None => None,
            Qop::Auth => Some("auth"),
            Qop::AuthInt => Some("auth-int"),
        };
        if let Some(qop) = qop {
            value.push_str(&format!(", cnonce=\"{cnonce}\", qop={qop}, nc={nc}"));
        }
        if let Some(opaque) = &self.challenge.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        HeaderValue::from(value)
    }
}

/// The first challenge of each realm that can be answered, in the order of the realms.
fn topmost(challenges: Vec<AuthParams>) -> Vec<Challenge> {
    let mut chosen: Vec<Challenge> = Vec::new();
    for challenge in challenges.iter().filter_map(Challenge::read) {
        // RFC 8760 §2.4: the server puts what it prefers on top.
        if chosen.iter().all(|earlier| earlier.realm != challenge.realm) {
            chosen.push(challenge);
        }
    }
    chosen
}

impl Challenge {
    /// `None` for a scheme, algorithm or qop that is not known here.
    fn read(params: &AuthParams) -> Option<Self> {
        if params.scheme() != AuthScheme::Digest {
            return None;
        }
        let text =
            |name| between_quotes(params, name).and_then(|text| std::str::from_utf8(text).ok()).map(str::to_owned);
        let named = params.get("algorithm");
        let qop = params.get("qop");
        let offers = |name| {
            qop.as_deref().is_some_and(|offered| offered.split(',').any(|qop| qop.trim().eq_ignore_ascii_case(name)))
        };
        // `auth` first: a body that is changed on the way (by an ALG, by a proxy) would make `auth-int` wrong.
        let qop = match () {
            () if qop.is_none() => Qop::None,
            () if offers("auth") => Qop::Auth,
            () if offers("auth-int") => Qop::AuthInt,
            () => return None,
        };
        Some(Self {
            algorithm: match &named {
                None => Algorithm::Md5,
                Some(name) => Algorithm::from_name(name)?,
            },
            names_algorithm: named.is_some(),
            realm: text("realm")?,
            nonce: text("nonce")?,
            opaque: text("opaque"),
            qop,
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}
