//! Privacy: what the caller wants hidden (RFC 3323 §4.2, RFC 3325 §9.3).

use serde::{Deserialize, Serialize};

use super::value::HeaderValue;
use super::{HeaderName, Headers};

/// What a caller asks to have hidden. The default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a set of words on the wire, any of which may be there")]
pub struct Privacy {
    /// `id`: the asserted identity must not reach the called party (RFC 3325 §9.3).
    pub id: bool,
    /// `user`: whatever the caller's user agent tells of the caller.
    pub user: bool,
    /// `header`: header fields that tell where the caller is.
    pub header: bool,
    /// `session`: the address of the media. A B2BUA shows its own in any case.
    pub session: bool,
    /// `history`: whom the call was meant for before (RFC 7044 §10.1).
    pub history: bool,
    /// `critical`: rather no call than one without this.
    pub critical: bool,
}

impl Privacy {
    /// What the Privacy fields of a message ask for; unknown words ask for nothing, and `none` hides nothing.
    #[must_use]
    pub fn of(headers: &Headers) -> Self {
        let mut asked = Self::default();
        for word in headers.privacy() {
            match word.to_ascii_lowercase().as_str() {
                "id" => asked.id = true,
                "user" => asked.user = true,
                "header" => asked.header = true,
                "session" => asked.session = true,
                "history" => asked.history = true,
                "critical" => asked.critical = true,
                // RFC 3323 §4.2: none must stand alone, and says that nothing be done.
                "none" => return Self::default(),
                _ => {}
            }
        }
        asked
    }

    /// True if the called party must not learn who calls.
    #[must_use]
    pub fn hides_caller(self) -> bool {
        self.id || self.user || self.header
    }

    /// The value of the header field; `None` if it asks for nothing, so that there is none.
    #[must_use]
    pub fn to_value(self) -> Option<HeaderValue> {
        let words = [
            (self.header, "header"),
            (self.session, "session"),
            (self.user, "user"),
            (self.id, "id"),
            (self.history, "history"),
            (self.critical, "critical"),
        ];
        let asked: Vec<&str> = words.into_iter().filter(|(asked, _)| *asked).map(|(_, word)| word).collect();
        (!asked.is_empty()).then(|| HeaderValue::from(asked.join(";")))
    }

    /// Makes this what the headers ask for.
    pub fn put_in(self, headers: &mut Headers) {
        match self.to_value() {
            Some(value) => headers.replace(HeaderName::Privacy, value),
            None => {
                headers.remove(&HeaderName::Privacy);
            }
        }
    }
}
