//! Parameters of a header field value: `;name`, `;name=token`, `;name="quoted"` (RFC 3261 §25.1 generic-param).

use std::borrow::Cow;

use bytes::Bytes;

use super::scan::{is_token, is_token_byte, push_quoted, quoted_len, trim, trim_start, unquote};

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
        Self::check(&text)?;
        Ok(Self(text))
    }

    /// Says what is wrong with the text of parameters, without keeping it.
    pub(crate) fn check(text: &[u8]) -> Result<(), &'static str> {
        let mut rest = trim(text);
        while !rest.is_empty() {
            rest = split_raw(rest)?.1;
        }
        Ok(())
    }

    /// Parameters that were checked before.
    pub(crate) fn checked(text: Bytes) -> Self {
        Self(text)
    }

    /// Every parameter in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.raw().filter_map(|raw| Some(Param { name: std::str::from_utf8(raw.name).ok()?, value: raw.value }))
    }

    fn raw(&self) -> impl Iterator<Item = RawParam<'_>> {
        let mut rest: &[u8] = trim(&self.0);
        std::iter::from_fn(move || {
            let (param, after) = split_raw(rest).ok()?;
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

    fn find(&self, name: &str) -> Option<RawParam<'_>> {
        self.raw().find(|param| param.name.eq_ignore_ascii_case(name.as_bytes()))
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

/// A parameter whose name is known to be a token but not yet looked at as text.
struct RawParam<'a> {
    name: &'a [u8],
    value: Option<&'a [u8]>,
}

/// The first parameter of a text that begins with `;`, and what follows it from its `;` on. Most are `;name=value` without
/// white space: that is read in one pass.
fn split_raw(text: &[u8]) -> Result<(RawParam<'_>, &[u8]), &'static str> {
    let [b';', text @ ..] = text else { return Err("a parameter begins with a semicolon") };
    let text = trim_start(text);
    let name_len = text.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(text.len());
    let (name, after) = text.split_at(name_len);
    if name.is_empty() {
        return Err("a parameter's name is no token");
    }
    match trim_start(after) {
        after @ ([] | [b';', ..]) => Ok((RawParam { name, value: None }, after)),
        [b'=', value @ ..] => split_value(name, trim_start(value)),
        _ => Err("a parameter's name is no token"),
    }
}

fn split_value<'a>(name: &'a [u8], text: &'a [u8]) -> Result<(RawParam<'a>, &'a [u8]), &'static str> {
    let len = match text.first() {
        Some(b'"') => quoted_len(text).ok_or("a quoted string does not end")?,
        _ => text.iter().position(|&byte| ends_value(byte)).unwrap_or(text.len()),
    };
    let (value, rest) = text.split_at(len);
    let rest = trim_start(rest);
    if !matches!(rest, [] | [b';', ..]) {
        return Err("a parameter's value must be quoted");
    }
    Ok((RawParam { name, value: Some(value) }, rest))
}

const fn ends_value(byte: u8) -> bool {
    ENDS_VALUE[byte as usize]
}

/// What a value without quotes may not hold.
const ENDS_VALUE: [bool; 256] = {
    let mut table = [false; 256];
    let (bytes, mut at) = (b"; \t\",<>", 0);
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};
