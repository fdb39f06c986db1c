//! Who shall call whom: Refer-To (RFC 3515) and Replaces (RFC 3891), which may stand in the URI of a Refer-To.

use bytes::Bytes;

use super::name_addr::NameAddr;
use super::params::Params;
use super::scan::trim;
use super::value::HeaderValue;
use crate::dialog::DialogId;
use crate::message::Method;
use crate::uri::{SipUri, Uri, decode};

/// Refer-To (RFC 3515 §2.1), with what the headers in its URI ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// Whom to call; the URI has no headers and no `method` any more.
    pub address: NameAddr,
    /// What to send there: INVITE unless a `method` parameter of the URI says otherwise.
    pub method: Method,
    /// The dialog that the new one takes the place of: an attended transfer (RFC 5589 §7).
    pub replaces: Option<Replaces>,
}

impl ReferTo {
    /// A blind transfer to this address.
    #[must_use]
    pub fn to(address: NameAddr) -> Self {
        Self { address, method: Method::Invite, replaces: None }
    }

    /// Other headers in the URI are dropped: RFC 3261 §19.1.5 leaves to us which of them are honoured.
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let mut address = match (memchr::memchr(b'<', value), memchr::memchr(b'?', value)) {
            // Some phones leave out the angle brackets that RFC 3515 §2.1 asks for.
            (None, Some(_)) => NameAddr::parse(&[b"<", &value[..], b">"].concat().into())?,
            (_, _) => NameAddr::parse(value)?,
        };
        let Uri::Sip(uri) = &address.uri else { return Ok(Self::to(address)) };
        let replaces = Replaces::in_uri(uri)?;
        let method = match uri.param("method") {
            None => Method::Invite,
            Some(method) => Method::from_bytes(decode(method).as_bytes()).ok_or("the method in its URI is no token")?,
        };
        address.uri = uri.without_headers().without_param("method").into();
        Ok(Self { address, method, replaces })
    }
}

impl From<&ReferTo> for HeaderValue {
    fn from(value: &ReferTo) -> Self {
        let mut address = value.address.clone();
        if let Uri::Sip(uri) = &value.address.uri {
            let mut uri = uri.clone();
            if value.method != Method::Invite {
                uri = uri.with_param("method", value.method.as_str());
            }
            if let Some(replaces) = &value.replaces {
                uri = replaces.put_in(&uri);
            }
            address.uri = uri.into();
        }
        Self::from(address)
    }
}

impl From<ReferTo> for HeaderValue {
    fn from(value: ReferTo) -> Self {
        Self::from(&value)
    }
}

/// Replaces (RFC 3891).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// The Call-ID of the dialog to be replaced.
    pub call_id: String,
    /// The tag that is local to who receives this.
    pub to_tag: String,
    /// The tag that is remote to who receives this.
    pub from_tag: String,
    /// `early-only`: a confirmed dialog must not be replaced.
    pub early_only: bool,
}

impl Replaces {
    /// Parses the value of a Replaces field, or of a Replaces header in a Refer-To URI once its escapes are replaced.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let call_id = std::str::from_utf8(trim(&value[..end])).map_err(|_| "its Call-ID is no text")?;
        if call_id.is_empty() || call_id.bytes().any(|byte| byte <= b' ' || byte == 127) {
            return Err("its Call-ID is no word");
        }
        let params = Params::parse(value.slice(end..))?;
        Ok(Self {
            call_id: call_id.to_owned(),
            to_tag: only_tag(&params, "to-tag").ok_or("it has not exactly one to-tag")?,
            from_tag: only_tag(&params, "from-tag").ok_or("it has not exactly one from-tag")?,
            early_only: params.contains("early-only"),
        })
    }

    /// The Replaces among the headers of a URI.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn in_uri(uri: &SipUri) -> Result<Option<Self>, &'static str> {
        let named = uri.headers().filter(|(name, _)| decode(name).eq_ignore_ascii_case("Replaces"));
        // RFC 3891 §3: more than one is a mistake.
        if named.count() > 1 {
            return Err("its URI has more than one Replaces");
        }
        uri.header("Replaces").map(|value| Self::parse(&value.into())).transpose()
    }

    /// The same URI with this among its headers, escaped.
    #[must_use]
    pub fn put_in(&self, uri: &SipUri) -> SipUri {
        uri.with_header("Replaces", HeaderValue::from(self).as_bytes())
    }

    /// True if this, in a request that came to us, names that dialog of ours (RFC 3891 §3): Call-ID, our tag, the peer's.
    #[must_use]
    pub fn names(&self, dialog: &DialogId) -> bool {
        // RFC 3891 §6.1: a tag of zero matches both zero and none.
        let same = |given: &str, ours: &str| given == ours || given == "0" && ours.is_empty();
        self.call_id == dialog.call_id
            && same(&self.to_tag, &dialog.local_tag)
            && same(&self.from_tag, &dialog.remote_tag)
    }
}

/// RFC 3891 §6.1: exactly one of each.
fn only_tag(params: &Params, name: &str) -> Option<String> {
    let mut found = params.iter().filter(|param| param.name.eq_ignore_ascii_case(name));
    let tag = std::str::from_utf8(found.next()?.value?).ok()?;
    (found.next().is_none() && !tag.is_empty() && !tag.starts_with('"')).then(|| tag.to_owned())
}

impl From<&Replaces> for HeaderValue {
    fn from(value: &Replaces) -> Self {
        let early = if value.early_only { ";early-only" } else { "" };
        Self::from(format!("{};to-tag={};from-tag={}{early}", value.call_id, value.to_tag, value.from_tag))
    }
}

impl From<Replaces> for HeaderValue {
    fn from(value: Replaces) -> Self {
        Self::from(&value)
    }
}
