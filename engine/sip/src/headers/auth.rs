//! Challenges and credentials: `Digest name=value, name="value"` (RFC 3261 §20.7, §20.44; RFC 7616 §3).

use std::borrow::Cow;

use bytes::Bytes;

use super::scan::{is_token, quoted_len, split_word, trim, trim_start, unquote};

/// An authentication scheme, compared without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// `Digest`.
    Digest,
    /// Any other; see [`AuthParams::scheme_text`].
    Other,
}

/// One challenge or one set of credentials: the scheme and its parameters, syntax checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthParams {
    scheme_text: Bytes,
    params: Bytes,
}

impl AuthParams {
    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> AuthScheme {
        if self.scheme_text.eq_ignore_ascii_case(b"digest") { AuthScheme::Digest } else { AuthScheme::Other }
    }

    /// The scheme as it came.
    #[must_use]
    pub fn scheme_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.scheme_text)
    }

    /// The value of a parameter without quotes; `None` if absent or no UTF-8. Names compare without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        match unquote(self.get_raw(name)?) {
            Cow::Borrowed(value) => std::str::from_utf8(value).ok().map(Cow::Borrowed),
            Cow::Owned(value) => String::from_utf8(value).ok().map(Cow::Owned),
        }
    }

    /// The value of a parameter as it came, quotes and backslashes included: what a digest is computed over (RFC 7616
    /// §3.4) is the text between the quotes.
    #[must_use]
    pub fn get_raw(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Every parameter in order, values as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut rest: &[u8] = trim(&self.params);
        std::iter::from_fn(move || {
            let (name, value, after) = split_param(rest).ok()??;
            rest = after;
            Some((name, value))
        })
    }

    pub(crate) fn parse(value: &Bytes) -> Result<Self, &'static str> {
        let (scheme, params) = split_word(value);
        if !is_token(scheme) {
            return Err("it begins with no scheme");
        }
        let parsed = Self { scheme_text: value.slice_ref(scheme), params: value.slice_ref(params) };
        if parsed.scheme() == AuthScheme::Digest {
            let mut rest = params;
            while let Some((_, _, after)) = split_param(rest)? {
                rest = after;
            }
        }
        Ok(parsed)
    }
}

/// A parameter's name, its value, and the text after its comma.
type Split<'a> = (&'a str, &'a [u8], &'a [u8]);

/// The first parameter and what follows its comma; `None` at the end.
fn split_param(text: &[u8]) -> Result<Option<Split<'_>>, &'static str> {
    let mut text = trim_start(text);
    while let [b',', rest @ ..] = text {
        text = trim_start(rest);
    }
    if text.is_empty() {
        return Ok(None);
    }
    let equals = memchr::memchr(b'=', text).ok_or("a parameter has no value")?;
    let name = std::str::from_utf8(trim(&text[..equals])).unwrap_or_default();
    if !is_token(name.as_bytes()) {
        return Err("a parameter's name is no token");
    }
    let after = trim_start(&text[equals + 1..]);
    if after.first() == Some(&b'"') {
        let len = quoted_len(after).ok_or("a quoted string does not end")?;
        return match trim_start(&after[len..]) {
            [] => Ok(Some((name, &after[..len], &[]))),
            [b',', rest @ ..] => Ok(Some((name, &after[..len], rest))),
            _ => Err("text follows a quoted string"),
        };
    }
    let end = memchr::memchr(b',', after).unwrap_or(after.len());
    Ok(Some((name, trim(&after[..end]), after.get(end + 1..).unwrap_or_default())))
}
