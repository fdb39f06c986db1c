//! Whom a call was meant for before it came here: Diversion (RFC 5806) and History-Info (RFC 7044).

use std::borrow::Cow;

use bytes::Bytes;

use super::name_addr::NameAddr;
use super::scan::{is_token, parse_clamped, parse_exact};
use super::simple::Reason;
use super::value::HeaderValue;
use crate::uri::Uri;

/// One element of Diversion (RFC 5806 §4): who sent the call on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Who sent it on, with every parameter as it came.
    pub address: NameAddr,
}

impl Diversion {
    /// A diversion by that address, for a reason of RFC 5806 §4: `unconditional`, `user-busy`, `no-answer`, `deflection`, ...
    #[must_use]
    pub fn new(address: NameAddr, reason: &str) -> Self {
        let mut address = address;
        address.set_param("reason", reason);
        Self { address }
    }

    /// Why, without quotes; `None` if it is not said or no text.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let reason = self.address.params().get_unquoted("reason")?;
        std::str::from_utf8(&reason).ok().filter(|reason| !reason.is_empty()).map(str::to_owned)
    }

    /// How many diversions this element stands for; 1 if it is not said (RFC 5806 §4).
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.address.params().get("counter").and_then(|text| parse_clamped(text.as_bytes())).unwrap_or(1)
    }

    /// True if who sent it on must not be shown (RFC 5806 §4, `privacy`): anything but `off`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let privacy = self.address.params().get_unquoted("privacy");
        privacy.is_some_and(|privacy| !privacy.eq_ignore_ascii_case(b"off"))
    }

    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        Ok(Self { address: NameAddr::parse(value)? })
    }
}

impl From<&Diversion> for HeaderValue {
    fn from(value: &Diversion) -> Self {
        Self::from(&value.address)
    }
}

impl From<Diversion> for HeaderValue {
    fn from(value: Diversion) -> Self {
        Self::from(&value)
    }
}

/// How an entry of History-Info came of another (RFC 7044 §5): the parameter says by which rule, its value from which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retargeted {
    /// `rc`: a contact of the same user, as a registrar knows it.
    Contact,
    /// `mp`: another user took the place of the first: a diversion.
    Mapped,
    /// `np`: the same target, sent on without a change.
    Unchanged,
}

impl Retargeted {
    const ALL: [Self; 3] = [Self::Contact, Self::Mapped, Self::Unchanged];

    fn name(self) -> &'static str {
        match self {
            Self::Contact => "rc",
            Self::Mapped => "mp",
            Self::Unchanged => "np",
        }
    }
}

/// One entry of History-Info (RFC 7044 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Whom the request was meant for; the URI has no headers any more.
    pub address: NameAddr,
    /// Its place in the tree of targets: `1`, `1.1`, `1.2`. Empty if it is missing or malformed.
    pub index: Vec<u32>,
    /// How it came of another entry, and that one's index as it came.
    pub retargeted: Option<(Retargeted, String)>,
    /// Why the request was not answered there and went on.
    pub reason: Option<Reason>,
    /// True if it must not leave our trust domain (RFC 7044 §10.1).
    pub private: bool,
}

/// The deepest index of History-Info that is read: a call is not retargeted so often in a row.
pub const HISTORY_DEPTH_MAX: usize = 32;

impl HistoryEntry {
    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let mut address = NameAddr::parse(value)?;
        let params = address.params();
        let index = params.get("index").map(parse_index).unwrap_or_default();
        let retargeted = Retargeted::ALL
            .into_iter()
            .find_map(|kind| Some((kind, params.get(kind.name()).filter(|from| !from.is_empty())?.to_owned())));
        let (mut reason, mut private) = (None, false);
        if let Uri::Sip(uri) = &address.uri {
            reason = uri.header("Reason").and_then(|value| Reason::parse(&value.into()).ok());
            let privacy = uri.header("Privacy").unwrap_or_default();
            private = privacy.split(|byte| *byte == b';').any(|word| word.eq_ignore_ascii_case(b"history"));
            address.uri = uri.without_headers().into();
        }
        for name in ["index", "rc", "mp", "np"] {
            address.remove_param(name);
        }
        Ok(Self { address, index, retargeted, reason, private })
    }

    /// The index as text; `None` if there is none.
    #[must_use]
    pub fn index_text(&self) -> Option<Cow<'static, str>> {
        if self.index.is_empty() {
            return None;
        }
        Some(self.index.iter().map(u32::to_string).collect::<Vec<_>>().join(".").into())
    }
}

fn parse_index(text: &str) -> Vec<u32> {
    let parts = text.split('.').take(HISTORY_DEPTH_MAX + 1).map(|part| parse_exact(part.as_bytes()));
    parts.collect::<Option<Vec<u32>>>().filter(|parts| parts.len() <= HISTORY_DEPTH_MAX).unwrap_or_default()
}

impl From<&HistoryEntry> for HeaderValue {
    fn from(entry: &HistoryEntry) -> Self {
        let mut address = entry.address.clone();
        if let Uri::Sip(uri) = &entry.address.uri {
            let mut uri = uri.clone();
            if let Some(reason) = &entry.reason {
                uri = uri.with_header("Reason", Self::from(reason).as_bytes());
            }
            if entry.private {
                uri = uri.with_header("Privacy", b"history");
            }
            address.uri = uri.into();
        }
        if let Some(index) = entry.index_text() {
            address.set_param("index", &index);
        }
        if let Some((kind, from)) = entry.retargeted.as_ref().filter(|(_, from)| is_token(from.as_bytes())) {
            address.set_param(kind.name(), from);
        }
        Self::from(address)
    }
}

impl From<HistoryEntry> for HeaderValue {
    fn from(entry: HistoryEntry) -> Self {
        Self::from(&entry)
    }
}
