//! The header fields of a message in their order, with typed and lazily parsed access to the known ones.
//!
//! A parsed message's values are ranges of the datagram it came in; nothing is copied unless it was folded.

mod auth;
mod diverted;
mod event;
mod name;
mod name_addr;
mod params;
mod privacy;
mod refer;
mod scan;
mod simple;
mod typed;
mod value;
mod via;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

pub use auth::{AuthParams, AuthScheme};
pub use diverted::{Diversion, HISTORY_DEPTH_MAX, HistoryEntry, Retargeted};
pub use event::{EventPackage, SubscriptionState, Substate};
pub use name::{HeaderName, OtherName};
pub use name_addr::{Contacts, NameAddr};
pub use params::{Param, Params};
pub use privacy::Privacy;
pub use refer::{ReferTo, Replaces};
pub(crate) use scan::{is_token, parse_exact, split_commas, trim, trim_start};
pub use simple::{CSeq, MediaType, RAck, Reason, Refresher, RetryAfter, SessionExpires, Warning};
pub use value::HeaderValue;
pub use via::{BRANCH_COOKIE, Rport, Via};

use crate::message::StatusCode;

/// The most header fields (lines) a message may have. Real messages have fewer than 60; beyond this a request gets 400.
pub const HEADERS_MAX: usize = 256;

/// A header field that cannot be used. The sender of the message is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The message must have it and has not.
    #[error("the {0} header field is missing")]
    Missing(HeaderName),
    /// Its value does not follow the grammar.
    #[error("the {0} header field is malformed: {1}")]
    Malformed(HeaderName, &'static str),
    /// It came more than once and may not (RFC 3261 §7.3.1).
    #[error("the {0} header field came more than once")]
    Repeated(HeaderName),
}

impl HeaderError {
    /// What a request with this fault is answered with: always 400.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }

    /// The header field at fault.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        match self {
            Self::Missing(name) | Self::Malformed(name, _) | Self::Repeated(name) => name,
        }
    }
}

/// Where a value's bytes are.
#[derive(Clone, Debug)]
enum Stored {
    /// In `Headers::source`.
    Range { start: u32, end: u32 },
    /// On their own: added, or unfolded.
    Own(Bytes),
}

#[derive(Clone, Debug)]
struct Field {
    name: HeaderName,
    stored: Stored,
}

/// The header fields of a message in their order.
#[derive(Clone, Default)]
pub struct Headers {
    source: Bytes,
    fields: Vec<Field>,
}

/// Fields an ordinary message has; more grow the list.
const FIELDS_USUAL: usize = 20;

impl Headers {
    /// No header fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many header fields (lines) there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Every field in order: name and value, unfolded and without white space at its ends.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.fields.iter().map(|field| (&field.name, self.slice(field)))
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&[u8]> {
        self.find(name).map(|field| self.slice(field))
    }

    /// The value of the first field of that name as text; bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn get_text(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        self.get(name).map(String::from_utf8_lossy)
    }

    /// The value of the first field of that name, sharing the message's buffer.
    #[must_use]
    pub fn get_shared(&self, name: &HeaderName) -> Option<Bytes> {
        self.find(name).map(|field| self.shared(field))
    }

    /// The values of all fields of that name, a line each and in order.
    pub fn get_all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| field.name == *name).map(|field| self.slice(field))
    }

    /// The elements of all fields of that name: several on a line are split at commas outside quotes and angle brackets.
    pub fn elements<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).flat_map(split_commas)
    }

    /// True if there is a field of that name.
    #[must_use]
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.find(name).is_some()
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.fields.push(Field { name, stored: Stored::Own(value.into().into_bytes()) });
    }

    /// Adds a field before the first of its name, or at the very top if there is none: a Via, a Route, a Record-Route.
    pub fn prepend(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        let at = self.fields.iter().position(|field| field.name == name).unwrap_or(0);
        self.fields.insert(at, Field { name, stored: Stored::Own(value.into().into_bytes()) });
    }

    /// Makes this the only field of its name, in the place of the first one or at the end.
    pub fn replace(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        let stored = Stored::Own(value.into().into_bytes());
        let Some(first) = self.fields.iter().position(|field| field.name == name) else {
            self.fields.push(Field { name, stored });
            return;
        };
        self.fields[first].stored = stored;
        let mut at = 0;
        self.fields.retain(|field| {
            at += 1;
            at - 1 == first || field.name != name
        });
    }

    /// Removes every field of that name and says whether there was one.
    pub fn remove(&mut self, name: &HeaderName) -> bool {
        let before = self.fields.len();
        self.fields.retain(|field| field.name != *name);
        before != self.fields.len()
    }

    /// Adds copies of the other message's fields of that name at the end.
    pub fn append_copies(&mut self, from: &Self, name: &HeaderName) {
        for field in from.fields.iter().filter(|field| field.name == *name) {
            let copy = self.adopt(from, field);
            self.fields.push(copy);
        }
    }

    /// A new list with copies of the fields of these names, name by name in the order given.
    #[must_use]
    pub fn copied(&self, names: &[HeaderName]) -> Self {
        let mut copy = Self { source: self.source.clone(), fields: Vec::with_capacity(FIELDS_USUAL) };
        for name in names {
            copy.append_copies(self, name);
        }
        copy
    }

    /// Removes the first element of the first Via field (RFC 3261 §16.7 step 3). False if there was none.
    pub fn pop_via(&mut self) -> bool {
        self.pop_first(&HeaderName::Via)
    }

    /// Removes the first element of the first field of that name, leaving others of the same line. False if there was none.
    pub fn pop_first(&mut self, name: &HeaderName) -> bool {
        let Some(at) = self.fields.iter().position(|field| field.name == *name) else {
            return false;
        };
        let value = self.shared(&self.fields[at]);
        let mut elements = split_commas(&value);
        elements.next();
        match elements.next() {
            None => {
                self.fields.remove(at);
            }
            Some(second) => {
                let start = second.as_ptr().addr() - value.as_ptr().addr();
                self.fields[at].stored = Stored::Own(value.slice(start..));
            }
        }
        true
    }

    /// Replaces the first element of the first field of that name, leaving others of the same line; adds it on top if none.
    pub fn replace_first(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.pop_first(&name);
        self.prepend(name, value);
    }

    /// Adds a tag to the To field if it has none (RFC 3261 §8.2.6.2). A To that cannot be read is left alone.
    pub fn add_to_tag(&mut self, tag: &str) {
        let Ok(mut to) = self.to() else { return };
        if to.tag().is_none() {
            to.set_param("tag", tag);
            self.replace(HeaderName::To, &to);
        }
    }

    pub(crate) fn remove_body_description(&mut self) {
        self.fields.retain(|field| {
            !matches!(
                field.name,
                HeaderName::ContentType
                    | HeaderName::ContentDisposition
                    | HeaderName::ContentEncoding
                    | HeaderName::ContentLanguage
                    | HeaderName::ContentLength
            )
        });
    }

    pub(crate) fn from_source(source: Bytes) -> Self {
        Self { source, fields: Vec::with_capacity(FIELDS_USUAL) }
    }

    pub(crate) fn clear(&mut self) {
        self.fields.clear();
    }

    /// Adds a field whose value is a range of the source, free of line ends and NUL.
    pub(crate) fn push_range(&mut self, name: HeaderName, range: std::ops::Range<usize>) {
        let (Ok(start), Ok(end)) = (u32::try_from(range.start), u32::try_from(range.end)) else {
            return;
        };
        self.fields.push(Field { name, stored: Stored::Range { start, end } });
    }

    fn find(&self, name: &HeaderName) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == *name)
    }

    fn slice<'a>(&'a self, field: &'a Field) -> &'a [u8] {
        match &field.stored {
            Stored::Range { start, end } => &self.source[*start as usize..*end as usize],
            Stored::Own(value) => value,
        }
    }

    fn shared(&self, field: &Field) -> Bytes {
        match &field.stored {
            Stored::Range { start, end } => self.source.slice(*start as usize..*end as usize),
            Stored::Own(value) => value.clone(),
        }
    }

    /// The buffer that the field's value is a slice of.
    fn backing<'a>(&'a self, field: &'a Field) -> &'a Bytes {
        match &field.stored {
            Stored::Range { .. } => &self.source,
            Stored::Own(value) => value,
        }
    }

    fn adopt(&self, from: &Self, field: &Field) -> Field {
        let same_source = self.source.as_ptr() == from.source.as_ptr() && self.source.len() == from.source.len();
        match &field.stored {
            Stored::Range { .. } if !same_source => {
                Field { name: field.name.clone(), stored: Stored::Own(from.shared(field)) }
            }
            Stored::Range { .. } | Stored::Own(_) => field.clone(),
        }
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value)))).finish()
    }
}
