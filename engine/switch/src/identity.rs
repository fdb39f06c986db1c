//! Who a call is from, beside its number: what the caller wants hidden (RFC 3323, RFC 3325), and who sent the call on before
//! it came to us (RFC 5806, RFC 7044).

use serde::{Deserialize, Serialize};
use sip::headers::{Diversion, HeaderName, Headers, HistoryEntry, NameAddr, Privacy, Retargeted};
use sip::uri::{Host, SipUri};

use crate::call::About;
use crate::incoming;

/// What an INVITE says of the caller beside its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// What the called party must not learn.
    pub(crate) privacy: Privacy,
    /// The number that the call was meant for before, where somebody sent it on to us.
    pub(crate) diverted_from: Option<String>,
}

impl Identity {
    /// Of a call by one of our phones.
    pub(crate) fn of_phone(headers: &Headers) -> Self {
        Self { privacy: Privacy::of(headers), diverted_from: None }
    }

    /// Of a call by a trunk.
    pub(crate) fn of_trunk(headers: &Headers) -> Self {
        Self { privacy: Privacy::of(headers), diverted_from: diverted_from(headers) }
    }
}

/// Whether the called party must not learn who calls. Emergency services always do.
pub(crate) fn is_hidden(about: &About) -> bool {
    !about.emergency && (about.caller.is_empty() || about.identity.privacy.hides_caller())
}

/// Tells a trusted trunk who calls, and that it must not tell the called party if that is hidden (RFC 3325 §9.1, §9.3). No
/// other trunk may hear more than From says (RFC 3325 §7).
pub(crate) fn assert(headers: &mut Headers, about: &About, shown: &str, host: &Host) {
    let identity = NameAddr::new(SipUri::new(Some(shown), host, None).into());
    headers.push(HeaderName::PAssertedIdentity, identity);
    let hidden = is_hidden(about);
    Privacy { id: hidden, critical: hidden && about.identity.privacy.critical, ..Privacy::default() }.put_in(headers);
}

/// Who sent the call on last, unless that is private.
fn diverted_from(headers: &Headers) -> Option<String> {
    let address = match headers.diversions().flatten().next() {
        Some(diversion) => Some(diversion).filter(|diversion| !Diversion::is_private(diversion))?.address,
        None => of_history(headers)?.address,
    };
    let number = incoming::number(&address.uri).ok()?;
    let number: String = number.chars().filter(|letter| !letter.is_control()).take(DIVERTED_FROM_MAX).collect();
    (!number.is_empty()).then_some(number)
}

/// The entry whose place another user took (RFC 7044 §5: `mp` names it), or that says why the call went on.
fn of_history(headers: &Headers) -> Option<HistoryEntry> {
    let entries: Vec<HistoryEntry> = headers.history().flatten().take(HISTORY_MAX).collect();
    let parent = entries.iter().rev().find_map(|entry| match &entry.retargeted {
        Some((Retargeted::Mapped, parent)) => Some(parent.as_str()),
        Some((Retargeted::Contact | Retargeted::Unchanged, _)) | None => None,
    });
    let by_index = |entry: &&HistoryEntry| entry.index_text().as_deref() == parent;
    let entry = match parent {
        Some(_) => entries.iter().find(by_index),
        None => entries.iter().rev().find(|entry| entry.reason.is_some()),
    };
    entry.filter(|entry| !entry.private).cloned()
}

/// Entries of History-Info that are looked at.
const HISTORY_MAX: usize = 32;
/// Characters that are kept of the number that sent the call on.
const DIVERTED_FROM_MAX: usize = 64;
