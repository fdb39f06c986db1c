//! Telephone numbers as URIs (RFC 3966).

use bytestring::ByteString;

use super::UriError;

/// A `tel:` URI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TelUri {
    text: ByteString,
    number_end: usize,
}

const SCHEME_LEN: usize = 4;

impl TelUri {
    /// The URI as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number as it came, visual separators included; a global one begins with `+`.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.text[SCHEME_LEN..self.number_end]
    }

    /// True for a global number (`+`).
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number().starts_with('+')
    }

    /// The number without visual separators (RFC 3966 §5.1.1), upper case.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number().chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).map(|c| c.to_ascii_uppercase()).collect()
    }

    /// The value of a parameter; empty if it has none.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The parameters in order; the value is empty where there is none.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text[self.number_end..].split(';').skip(1).map(|param| param.split_once('=').unwrap_or((param, "")))
    }

    /// Compares by RFC 3966 §4: numbers without separators, parameters as a set.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let set = |uri: &Self| {
            let mut set: Vec<(String, String)> =
                uri.params().map(|(name, value)| (name.to_ascii_lowercase(), value.to_ascii_lowercase())).collect();
            set.sort_unstable();
            set
        };
        self.digits() == other.digits() && set(self) == set(other)
    }

    /// The URI whose number ends there.
    pub(super) fn from_layout(text: ByteString, number_end: usize) -> Self {
        Self { text, number_end }
    }

    /// Where the number ends.
    pub(super) fn layout(text: &[u8]) -> Result<usize, UriError> {
        let rest = &text[SCHEME_LEN..];
        let number_len = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let number = &rest[..number_len];
        let digits = number.strip_prefix(b"+").unwrap_or(number);
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#');
        let is_separator = |byte: &u8| matches!(byte, b'-' | b'.' | b'(' | b')');
        if !digits.iter().all(|byte| is_digit(byte) || is_separator(byte)) || !digits.iter().any(is_digit) {
            return Err(UriError("its telephone number has other characters than digits and separators"));
        }
        if rest.iter().any(|&byte| byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 127)) {
            return Err(UriError("it has white space, quotes or angle brackets"));
        }
        Ok(SCHEME_LEN + number_len)
    }
}
