//! What makes two messages parts of one transaction (RFC 3261 §17.1.3, §17.2.3), folded into 128 bits.
//!
//! A key is the keyed SipHash of what the RFC compares. With the keys secret nobody can choose colliding branches, and
//! by chance two of a million transactions collide with a probability of about 10^-27.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::headers::{HeaderError, Headers, Via};
use crate::message::{Method, Request};
use crate::random::Random;

/// What is compared, as 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MatchKey(u128);

/// Makes keys; one secret for each half.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    secrets: [[u64; 2]; 2],
}

/// The parts of a request by which it is matched, read once.
#[derive(Clone, Debug)]
pub(crate) struct RequestIdentity {
    /// The top Via, with `received` and `rport` filled in.
    pub(crate) via: Via,
    /// Key of the transaction by RFC 3261 §17.2.3, ACK and CANCEL counted as INVITE where `as_method` says so.
    from_tag: String,
    call_id: String,
    cseq: u32,
    pub(crate) has_to_tag: bool,
}

impl RequestIdentity {
    /// Reads the parts; an error if one that every request must have (RFC 3261 §8.1.1) is missing or unusable, or if the
    /// CSeq names another method (§8.1.1.5).
    pub(crate) fn read(request: &Request, via: Via) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        let cseq = headers.cseq()?;
        if cseq.method != request.method {
            return Err(HeaderError::Malformed(crate::headers::HeaderName::CSeq, "its method is not the request's"));
        }
        Ok(Self {
            via,
            from_tag: headers.from()?.tag().unwrap_or_default().to_owned(),
            call_id: call_id(headers)?,
            cseq: cseq.seq,
            has_to_tag: headers.to()?.tag().is_some(),
        })
    }
}

fn call_id(headers: &Headers) -> Result<String, HeaderError> {
    Ok(headers.call_id()?.to_string())
}

impl Matcher {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut secret = || [random.next_u64(), random.next_u64()];
        Self { secrets: [secret(), secret()] }
    }

    /// RFC 3261 §17.2.3: branch, sent-by and method, where the branch has the magic cookie; else, as RFC 2543 did, Request-URI,
    /// From tag, Call-ID, CSeq number and top Via. The To tag that RFC 2543 compares for ACK is left out: the other
    /// parts name the transaction already. ACK is matched as INVITE; CANCEL as itself.
    pub(crate) fn server(&self, request: &Request, identity: &RequestIdentity) -> MatchKey {
        let method = match &request.method {
            Method::Ack => &Method::Invite,
            other => other,
        };
        self.server_as(request, identity, method)
    }

    /// The key that `request` would have with another method: the INVITE that a CANCEL is for (RFC 3261 §9.2).
    pub(crate) fn server_as(&self, request: &Request, identity: &RequestIdentity, method: &Method) -> MatchKey {
        let via = &identity.via;
        if let Some(branch) = via.rfc3261_branch() {
            return self.key(|hasher| ("3261", branch, &via.host, via.port, method).hash(hasher));
        }
        self.key(|hasher| {
            ("2543", request.uri.as_str(), &identity.from_tag, &identity.call_id, identity.cseq).hash(hasher);
            (via.branch(), &via.host, via.port, method).hash(hasher);
        })
    }

    /// RFC 3261 §8.2.2.2: From tag, Call-ID and CSeq, by which the same request is known on another path; also what an ACK
    /// shares with the INVITE whose 2xx it acknowledges (§13.2.2.4).
    pub(crate) fn call(&self, identity: &RequestIdentity, method: &Method) -> MatchKey {
        let method = match method {
            Method::Ack => &Method::Invite,
            other => other,
        };
        self.key(|hasher| ("call", &identity.from_tag, &identity.call_id, identity.cseq, method).hash(hasher))
    }

    /// RFC 3261 §17.1.3: the branch of the top Via and the method of the CSeq.
    pub(crate) fn client(&self, branch: &str, method: &Method) -> MatchKey {
        self.key(|hasher| ("client", branch, method).hash(hasher))
    }

    /// A To tag for answers without a transaction: the same for each retransmission (RFC 3261 §8.2.7).
    pub(crate) fn stateless_tag(&self, key: MatchKey) -> String {
        let MatchKey(folded) = self.key(|hasher| ("tag", key.0).hash(hasher));
        format!("{STATELESS_TAG_PREFIX}{folded:032x}")
    }

    fn key(&self, feed: impl Fn(&mut DefaultHasher)) -> MatchKey {
        let half = |secret: &[u64; 2]| {
            let mut hasher = DefaultHasher::new();
            secret.hash(&mut hasher);
            feed(&mut hasher);
            u128::from(hasher.finish())
        };
        MatchKey(half(&self.secrets[0]) << 64 | half(&self.secrets[1]))
    }
}

/// Begins every tag given without a transaction.
const STATELESS_TAG_PREFIX: &str = "sl-";
