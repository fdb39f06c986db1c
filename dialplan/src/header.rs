//! Header fields that a trunk wants in what is sent to it, with values made from the call.

use std::fmt;
use std::str::FromStr;

/// A header field with a value that may name parts of the call: `X-Account: acme-{caller}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate {
    name: String,
    value: String,
}

/// What a value may name.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// `{caller}`: the number shown as the caller's.
    pub caller: &'a str,
    /// `{called}`: the number sent.
    pub called: &'a str,
    /// `{trunk}`: the trunk's name.
    pub trunk: &'a str,
    /// `{tenant}`: the tenant's slug.
    pub tenant: &'a str,
}

/// What is wrong with a header template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No colon.
    #[error("write a header as `Name: value`")]
    Form,
    /// Not a name.
    #[error("`{0}` is no header name: 2 to 64 letters, digits, - and _")]
    Name(String),
    /// A header that the switch writes by itself.
    #[error("`{0}` is written by the switch itself, take another name")]
    Reserved(String),
    /// A value with more than visible characters on one line.
    #[error("a header value is 1 to 256 visible characters and spaces on one line")]
    Value,
    /// A placeholder that means nothing.
    #[error("there is no {{{0}}}; there are {{caller}}, {{called}}, {{trunk}} and {{tenant}}")]
    Placeholder(String),
}

impl HeaderTemplate {
    /// A template of a name and a value.
    ///
    /// # Errors
    /// [`HeaderError`], with what to write instead.
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        let (name, value) = (name.trim(), value.trim());
        let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        // One letter is the compact form of a header of RFC 3261 §7.3.3 or a later one.
        if !(2..=NAME_MAX).contains(&name.len()) || !name.bytes().all(token) {
            return Err(HeaderError::Name(name.to_owned()));
        }
        if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
            return Err(HeaderError::Reserved(name.to_owned()));
        }
        if !(1..=VALUE_MAX).contains(&value.len()) || value.chars().any(char::is_control) {
            return Err(HeaderError::Value);
        }
        let probe = Parts { caller: "", called: "", trunk: "", tenant: "" };
        fill(value, &probe).map_err(|unknown| HeaderError::Placeholder(unknown.to_owned()))?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field's value as it was written.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.value
    }

    /// The field's value for a call. What a part of it holds cannot end the line: control characters are left out.
    #[must_use]
    pub fn value(&self, parts: &Parts<'_>) -> String {
        let filled = fill(&self.value, parts).unwrap_or_default();
        filled.chars().filter(|c| !c.is_control()).take(FILLED_MAX).collect()
    }
}

/// The value with its placeholders filled in, or the first that means nothing.
fn fill<'t>(template: &'t str, parts: &Parts<'_>) -> Result<String, &'t str> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or(after)?;
        filled.push_str(before);
        filled.push_str(match name {
            "caller" => parts.caller,
            "called" => parts.called,
            "trunk" => parts.trunk,
            "tenant" => parts.tenant,
            _ => return Err(name),
        });
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

impl FromStr for HeaderTemplate {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, HeaderError> {
        let (name, value) = text.split_once(':').ok_or(HeaderError::Form)?;
        Self::new(name, value)
    }
}

impl fmt::Display for HeaderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

const NAME_MAX: usize = 64;
const VALUE_MAX: usize = 256;
/// Characters of a value with its parts in it.
const FILLED_MAX: usize = 512;

/// What a dialog, a transaction, a body, a sign-in or an identity stands in: never a template's to write.
const RESERVED: [&str; 45] = [
    "Accept",
    "Alert-Info",
    "Allow",
    "Authorization",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "CSeq",
    "Date",
    "Diversion",
    "Event",
    "Expires",
    "From",
    "History-Info",
    "Identity",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Path",
    "Privacy",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Refer-To",
    "Referred-By",
    "Replaces",
    "Require",
    "Route",
    "RSeq",
    "Session-Expires",
    "Supported",
    "To",
    "Unsupported",
    "User-Agent",
    "Via",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARTS: Parts<'_> = Parts { caller: "1001", called: "+8613800000000", trunk: "lines", tenant: "default" };

    #[test]
    fn a_value_names_parts_of_the_call() {
        let header: HeaderTemplate = "X-Account: {tenant}/{trunk};from={caller};to={called}".parse().unwrap();
        assert_eq!(
            (header.name(), header.value(&PARTS).as_str()),
            ("X-Account", "default/lines;from=1001;to=+8613800000000")
        );
        assert_eq!(header.to_string(), "X-Account: {tenant}/{trunk};from={caller};to={called}");
    }

    #[test]
    fn what_the_switch_writes_itself_and_what_is_no_header_is_refused() {
        let wrong = |text: &str| text.parse::<HeaderTemplate>().unwrap_err();
        assert_eq!(wrong("X-Account"), HeaderError::Form);
        assert_eq!(wrong("via: x"), HeaderError::Reserved("via".into()));
        assert_eq!(wrong("P-Asserted-Identity: x"), HeaderError::Reserved("P-Asserted-Identity".into()));
        for name in ["v", "", "X Y", "X\r\nVia"] {
            assert!(matches!(HeaderTemplate::new(name, "x"), Err(HeaderError::Name(_))), "{name}");
        }
        for value in ["", "a\r\nVia: b", "a\0"] {
            assert_eq!(HeaderTemplate::new("X-Account", value), Err(HeaderError::Value), "{value:?}");
        }
        assert_eq!(wrong("X-A: {password}"), HeaderError::Placeholder("password".into()));
        assert!(matches!(wrong("X-A: {caller"), HeaderError::Placeholder(_)));
    }

    proptest! {
        #[test]
        fn no_part_of_a_call_ends_the_line(caller in "[\\r\\n\\x00\\u{85}a:]{0,8}", called in any::<String>()) {
            let header: HeaderTemplate = "X-A: {caller}|{called}".parse().unwrap();
            let value = header.value(&Parts { caller: &caller, called: &called, ..PARTS });
            prop_assert!(!value.contains(['\r', '\n', '\0']), "{value:?}");
        }
    }
}
