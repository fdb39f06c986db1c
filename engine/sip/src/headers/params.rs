//! Parameters of a header field value: `;name`, `;name=token`, `;name="quoted"` (RFC 3261 §25.1 generic-param).

use std::borrow::Cow;

use bytes::Bytes;

use super::scan::{is_token, is_token_byte, push_quoted, quoted_len, trim, unquote};

/// Parameters in their order. The syntax was checked when they were parsed; names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Bytes);

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as it came.
    pub name: &'a str,
    /// The value as it came, quotes included; `None` without `=`.
    pub value: Option<&'a [u8]>,
}

impl Params {
    /// Parses text that is empty or begins with `;`. Says what is wrong otherwise.
    pub(crate) fn parse(text: Bytes) -> Result<Self, &'static str> {
        let mut rest: &[u8] = trim(&text);
        while !rest.is_empty() {
            rest = split_param(rest)?.1;
        }
        Ok(Self(text))
    }

    /// Every parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        let mut rest: &[u8] = trim(&self.0);
        std::iter::from_fn(move || {
            let (param, after) = split_param(rest).ok()?;
            rest = after;
            Some(param)
        })
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if there is a parameter of that name, with a value or without.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value as it came, quotes included; empty for a parameter without one. `None` if absent or no UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.find(name)?.value.unwrap_or_default()).ok()
    }

    /// The value without quotes and backslashes; empty for a parameter without one.
    #[must_use]
    pub fn get_unquoted(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        Some(unquote(self.find(name)?.value.unwrap_or_default()))
    }

    /// Sets or replaces a parameter. An empty value writes the name alone; one that is no token or host is quoted.
    /// A name that is no token is ignored.
    pub fn set(&mut self, name: &str, value: &str) {
        if !is_token(name.as_bytes()) {
            return;
        }
        let mut text = self.without(name);
        text.push(b';');
        text.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            text.push(b'=');
            if value.bytes().all(is_plain_byte) {
                text.extend_from_slice(value.as_bytes());
            } else {
                push_quoted(&mut text, value.as_bytes());
            }
        }
        self.0 = text.into();
    }

    /// Removes a parameter.
    pub fn remove(&mut self, name: &str) {
        self.0 = self.without(name).into();
    }

    /// The text: empty, or beginning with `;`, without folding or white space between the parts.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for param in self.iter() {
            write_param(out, param);
        }
    }

    fn find(&self, name: &str) -> Option<Param<'_>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    fn without(&self, name: &str) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.0.len() + 32);
        for param in self.iter().filter(|param| !param.name.eq_ignore_ascii_case(name)) {
            write_param(&mut text, param);
        }
        text
    }
}

/// What may stand in a value without quotes: token characters and those of a host (`[`, `]`, `:`) and a q or time.
fn is_plain_byte(byte: u8) -> bool {
    is_token_byte(byte) || matches!(byte, b'[' | b']' | b':' | b'/' | b'@')
}

fn write_param(out: &mut Vec<u8>, param: Param<'_>) {
    out.push(b';');
    out.extend_from_slice(param.name.as_bytes());
    if let Some(value) = param.value {
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// The first parameter of a text that begins with `;`, and what follows it from its `;` on.
fn split_param(text: &[u8]) -> Result<(Param<'_>, &[u8]), &'static str> {
    let [b';', text @ ..] = text else {
        return Err("a parameter begins with a semicolon");
    };
    let name_end = memchr::memchr2(b';', b'=', text).unwrap_or(text.len());
    let name = trim(&text[..name_end]);
    if !is_token(name) {
        return Err("a parameter's name is no token");
    }
    let name = std::str::from_utf8(name).map_err(|_| "a parameter's name is no token")?;
    if text.get(name_end) != Some(&b'=') {
        return Ok((Param { name, value: None }, &text[name_end..]));
    }
    let after = super::scan::trim_start(&text[name_end + 1..]);
    if after.first() == Some(&b'"') {
        let len = quoted_len(after).ok_or("a quoted string does not end")?;
        let rest = trim(&after[len..]);
        if !matches!(rest, [] | [b';', ..]) {
            return Err("text follows a quoted string");
        }
        return Ok((Param { name, value: Some(&after[..len]) }, rest));
    }
    let end = memchr::memchr(b';', after).unwrap_or(after.len());
    let value = trim(&after[..end]);
    if value.iter().any(|&byte| matches!(byte, b' ' | b'\t' | b'"' | b',' | b'<' | b'>')) {
        return Err("a parameter's value must be quoted");
    }
    Ok((Param { name, value: Some(value) }, &after[end..]))
}
