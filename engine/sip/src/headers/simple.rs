//! Small header field values: sequence numbers, intervals, reasons, media types.

use std::borrow::Cow;

use bytes::Bytes;

use super::params::Params;
use super::scan::{is_token, parse_clamped, parse_exact, quoted_len, split_word, trim, unquote};
use super::value::HeaderValue;
use crate::message::Method;

/// CSeq (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// The sequence number, below 2^31.
    pub seq: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let (seq, rest) = split_word(text);
        let seq = parse_exact(seq).filter(|&seq| seq < 1 << 31).ok_or("its number is not in 0 to 2^31 - 1")?;
        let (method, rest) = split_word(rest);
        let method = Method::from_bytes(method).ok_or("its method is no token")?;
        if rest.is_empty() { Ok(Self { seq, method }) } else { Err("text follows its method") }
    }
}

impl From<&CSeq> for HeaderValue {
    fn from(cseq: &CSeq) -> Self {
        Self::from(format!("{} {}", cseq.seq, cseq.method))
    }
}

impl From<CSeq> for HeaderValue {
    fn from(cseq: CSeq) -> Self {
        Self::from(&cseq)
    }
}

/// RAck (RFC 3262 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// The RSeq of the response that is acknowledged.
    pub rseq: u32,
    /// The CSeq of that response.
    pub cseq: CSeq,
}

impl RAck {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let (rseq, rest) = split_word(text);
        Ok(Self { rseq: parse_exact(rseq).ok_or("its first number is malformed")?, cseq: CSeq::parse(rest)? })
    }
}

impl From<&RAck> for HeaderValue {
    fn from(rack: &RAck) -> Self {
        Self::from(format!("{} {} {}", rack.rseq, rack.cseq.seq, rack.cseq.method))
    }
}

/// Reason (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The protocol: `SIP`, `Q.850` or another token.
    pub protocol: String,
    /// The cause in that protocol's numbers.
    pub cause: Option<u32>,
    /// The text for people, in whatever encoding it came.
    pub text: Option<Vec<u8>>,
}

impl Reason {
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let (protocol, params) = token_and_params(value)?;
        Ok(Self {
            protocol,
            cause: params.get("cause").and_then(|cause| parse_clamped(cause.as_bytes())),
            text: params.get_unquoted("text").map(Cow::into_owned),
        })
    }
}

impl From<&Reason> for HeaderValue {
    fn from(reason: &Reason) -> Self {
        // RFC 3326 §2: the protocol is a token; what is none cannot be said.
        let protocol = if is_token(reason.protocol.as_bytes()) { reason.protocol.as_str() } else { "SIP" };
        let mut out = protocol.as_bytes().to_vec();
        if let Some(cause) = reason.cause {
            out.extend_from_slice(format!(";cause={cause}").as_bytes());
        }
        if let Some(text) = &reason.text {
            out.extend_from_slice(b";text=");
            super::scan::push_quoted(&mut out, text);
        }
        Self::from(Bytes::from(out))
    }
}

impl From<Reason> for HeaderValue {
    fn from(reason: Reason) -> Self {
        Self::from(&reason)
    }
}

/// Retry-After (RFC 3261 §20.33).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds to wait.
    pub seconds: u32,
    /// How many seconds the callee will then be there.
    pub duration: Option<u32>,
}

impl RetryAfter {
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
        let seconds = parse_clamped(&value[..end]).ok_or("it is no number of seconds")?;
        let rest = trim(&value[end..]);
        // A comment in parentheses may stand between the number and the parameters.
        let rest = match rest.first() {
            Some(b'(') => memchr::memchr(b';', rest).map_or(&[][..], |at| &rest[at..]),
            _ => rest,
        };
        let params = Params::parse(value.slice_ref(rest))?;
        Ok(Self { seconds, duration: params.get("duration").and_then(|text| parse_clamped(text.as_bytes())) })
    }
}

/// Who refreshes a session (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

/// Session-Expires (RFC 4028 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// The interval in seconds.
    pub seconds: u32,
    /// Who refreshes, if it is said.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let seconds = parse_clamped(trim(&value[..end])).ok_or("it is no number of seconds")?;
        let params = Params::parse(value.slice(end..))?;
        let refresher = params.get("refresher").and_then(|text| match text.to_ascii_lowercase().as_str() {
            "uac" => Some(Refresher::Uac),
            "uas" => Some(Refresher::Uas),
            _ => None,
        });
        Ok(Self { seconds, refresher })
    }
}

impl From<&SessionExpires> for HeaderValue {
    fn from(value: &SessionExpires) -> Self {
        let refresher = match value.refresher {
            None => "",
            Some(Refresher::Uac) => ";refresher=uac",
            Some(Refresher::Uas) => ";refresher=uas",
        };
        Self::from(format!("{}{refresher}", value.seconds))
    }
}

/// One Warning (RFC 3261 §20.43).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Three digits: 304 "media type not available", 305 "incompatible media format", ...
    pub code: u16,
    /// Who warns: a host or a pseudonym.
    pub agent: String,
    /// The text for people.
    pub text: String,
}

impl Warning {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let (code, rest) = split_word(text);
        let (agent, rest) = split_word(rest);
        if code.len() != 3 || agent.is_empty() || rest.first() != Some(&b'"') || quoted_len(rest) != Some(rest.len()) {
            return Err("it is not a code, an agent and a quoted text");
        }
        let code = parse_exact(code).and_then(|code| u16::try_from(code).ok()).ok_or("its code is no number")?;
        Ok(Self {
            code,
            agent: String::from_utf8_lossy(agent).into_owned(),
            text: String::from_utf8_lossy(&unquote(rest)).into_owned(),
        })
    }
}

impl From<&Warning> for HeaderValue {
    fn from(value: &Warning) -> Self {
        let mut out = format!("{:03} {} ", value.code, value.agent).into_bytes();
        super::scan::push_quoted(&mut out, value.text.as_bytes());
        Self::from(Bytes::from(out))
    }
}

/// A media type: Content-Type or an element of Accept (RFC 3261 §20.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The type, lower case: `application`.
    pub kind: String,
    /// The subtype, lower case: `sdp`.
    pub subtype: String,
    /// The parameters: `boundary`, `charset`, ...
    pub params: Params,
}

impl MediaType {
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let slash = memchr::memchr(b'/', &value[..end]).ok_or("it is not a type and a subtype")?;
        let (kind, subtype) = (trim(&value[..slash]), trim(&value[slash + 1..end]));
        if !is_token(kind) || !is_token(subtype) {
            return Err("it is not a type and a subtype");
        }
        let lower = |text: &[u8]| String::from_utf8_lossy(text).to_ascii_lowercase();
        Ok(Self { kind: lower(kind), subtype: lower(subtype), params: Params::parse(value.slice(end..))? })
    }

    /// True for this type and subtype, given in lower case.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }
}

pub(super) fn token_and_params(value: &Bytes) -> Result<(String, Params), &'static str> {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let token = trim(&value[..end]);
    if !is_token(token) {
        return Err("it begins with no token");
    }
    Ok((String::from_utf8_lossy(token).into_owned(), Params::parse(value.slice(end..))?))
}
