//! Digest answers as a phone computes them (RFC 7616, RFC 8760), from the formulas and nothing else.

use anyhow::{Context as _, Result, bail};
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// Which hash a phone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `algorithm=MD5`, or none named.
    Md5,
    /// `algorithm=SHA-256`.
    Sha256,
}

impl Hash {
    fn hex(self, text: &str) -> String {
        let bytes = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The `response` that a server computes for `qop=auth`, from what it knows and what was sent.
    #[must_use]
    pub fn response(self, account: &Account<'_>, method: &str, sent: &Sent<'_>) -> String {
        let Account { user, realm, password } = account;
        let Sent { uri, nonce, count, client } = sent;
        let (first, second) = (self.hex(&format!("{user}:{realm}:{password}")), self.hex(&format!("{method}:{uri}")));
        self.hex(&format!("{first}:{nonce}:{count}:{client}:auth:{second}"))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }
}

/// An account as a server knows it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// User name.
    pub user: &'a str,
    /// Realm.
    pub realm: &'a str,
    /// Password.
    pub password: &'a str,
}

/// What credentials carry beside the response, as text.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// `uri`.
    pub uri: &'a str,
    /// `nonce`.
    pub nonce: &'a str,
    /// `nc`, eight hexadecimal digits.
    pub count: &'a str,
    /// `cnonce`.
    pub client: &'a str,
}

/// Who answers a challenge, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// User name.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Its request URI.
    pub uri: &'a str,
    /// How often this nonce has been used, from 1.
    pub count: u32,
}

impl Answer<'_> {
    /// The value of `Authorization` for the first of `challenges` whose hash is `hash`.
    ///
    /// # Errors
    /// When no challenge names that hash, or it lacks realm or nonce.
    pub fn to(&self, challenges: &[&str], hash: Hash) -> Result<String> {
        let fits = |challenge: &&&str| {
            let named = parameter(challenge, "algorithm").unwrap_or_else(|| "MD5".to_owned());
            named.eq_ignore_ascii_case(hash.name())
        };
        let Some(challenge) = challenges.iter().find(fits) else { bail!("no {} among {challenges:?}", hash.name()) };
        let realm = parameter(challenge, "realm").context("a challenge without a realm")?;
        let nonce = parameter(challenge, "nonce").context("a challenge without a nonce")?;
        let (user, uri, count, client) = (self.user, self.uri, self.count, "0a4f113b");
        let first = hash.hex(&format!("{user}:{realm}:{}", self.password));
        let second = hash.hex(&format!("{}:{uri}", self.method));
        let response = match parameter(challenge, "qop") {
            Some(_) => hash.hex(&format!("{first}:{nonce}:{count:08x}:{client}:auth:{second}")),
            None => hash.hex(&format!("{first}:{nonce}:{second}")),
        };
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            hash.name()
        );
        if parameter(challenge, "qop").is_some() {
            value.push_str(&format!(", qop=auth, nc={count:08x}, cnonce=\"{client}\""));
        }
        if let Some(opaque) = parameter(challenge, "opaque") {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        Ok(value)
    }
}

/// A parameter of a challenge, without quotes.
#[must_use]
pub fn parameter(challenge: &str, name: &str) -> Option<String> {
    let rest = challenge.trim_start().split_once(' ')?.1;
    let mut quoted = false;
    let parts = rest.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let mut pairs = parts.filter_map(|part| part.trim().split_once('='));
    pairs
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2617 §3.5, whose client nonce is ours.
    #[test]
    fn the_example_of_the_rfc_comes_out() {
        let challenge = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let answer =
            Answer { user: "Mufasa", password: "Circle Of Life", method: "GET", uri: "/dir/index.html", count: 1 };
        let value = answer.to(&[challenge], Hash::Md5).unwrap();
        assert!(value.contains("response=\"6629fae49393a05397450978507c4ef1\""), "{value}");
        assert!(answer.to(&[challenge], Hash::Sha256).is_err());
    }
}
