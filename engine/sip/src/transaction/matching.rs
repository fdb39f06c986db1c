//! What makes two messages parts of one transaction (RFC 3261 §17.1.3, §17.2.3), folded into 128 bits.
//!
//! A key is the keyed SipHash of what the RFC compares. With the keys secret nobody can choose colliding branches, and
//! by chance two of a million transactions collide with a probability of about 10^-27.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::headers::{HeaderError, HeaderName, Via};
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
    via: Via,
    /// From tag, Call-ID and CSeq number, folded.
    call: MatchKey,
    pub(crate) has_to_tag: bool,
}

/// The tag of a From or To, without a look at its address: a parameter outside quotes and angle brackets.
pub(crate) fn tag_of(value: &[u8]) -> Option<&[u8]> {
    let (mut quoted, mut angled) = (false, false);
    let mut at = 0;
    while at < value.len() {
        match value[at] {
            b'\\' if quoted => at += 1,
            b'"' if !angled => quoted = !quoted,
            b'<' if !quoted => angled = true,
            b'>' if !quoted => angled = false,
            b';' if !quoted && !angled => {
                if let Some(tag) = tag_param(&value[at + 1..]) {
                    return Some(tag);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The value if the text begins with a `tag` parameter that has one.
fn tag_param(text: &[u8]) -> Option<&[u8]> {
    let (name, text) = text.trim_ascii_start().split_at_checked(3)?;
    let text = text.trim_ascii_start().strip_prefix(b"=").filter(|_| name.eq_ignore_ascii_case(b"tag"))?;
    let tag = text[..memchr::memchr(b';', text).unwrap_or(text.len())].trim_ascii();
    (!tag.is_empty()).then_some(tag)
}

impl Matcher {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut secret = || [random.next_u64(), random.next_u64()];
        Self { secrets: [secret(), secret()] }
    }

    /// Reads the parts; an error if one that every request must have (RFC 3261 §8.1.1) is missing or unusable, or if the
    /// CSeq names another method (§8.1.1.5). Addresses are left to the parser and the TU.
    pub(crate) fn identity(&self, request: &Request, via: Via) -> Result<RequestIdentity, HeaderError> {
        let headers = &request.headers;
        let cseq = headers.cseq()?;
        if cseq.method != request.method {
            return Err(HeaderError::Malformed(HeaderName::CSeq, "its method is not the request's"));
        }
        let from = headers.get(&HeaderName::From).ok_or(HeaderError::Missing(HeaderName::From))?;
        let to = headers.get(&HeaderName::To).ok_or(HeaderError::Missing(HeaderName::To))?;
        let call_id = headers.call_id()?;
        let call = self.key(|hasher| ("call", tag_of(from), call_id, cseq.seq).hash(hasher));
        Ok(RequestIdentity { via, call, has_to_tag: tag_of(to).is_some() })
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
            ("2543", request.uri.as_str(), identity.call.0).hash(hasher);
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
        self.key(|hasher| (identity.call.0, method).hash(hasher))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_found_outside_quotes_and_brackets_only() {
        let check = |value: &str, tag: Option<&str>| {
            assert_eq!(tag_of(value.as_bytes()), tag.map(str::as_bytes), "{value}");
        };
        check("<sip:a@b>;tag=x", Some("x"));
        check("sip:a@b;tag=x", Some("x"));
        check("\"A\" <sip:a@b;tag=no>; TAG = x ;y", Some("x"));
        check("\"A;tag=no\\\";tag=no\" <sip:a@b>;q=\";tag=no\";tag=x", Some("x"));
        check("A <sip:a@b>;tagged=no;tag=x", Some("x"));
        for none in ["<sip:a@b;tag=no>", "<sip:a@b>", "<sip:a@b>;tag", "<sip:a@b>;tag=", "<sip:a@b>;ta", "\"", ""] {
            check(none, None);
        }
    }
}
