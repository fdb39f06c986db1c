//! The hashes of RFC 7616 §3.4: HA1, HA2 and the response.

use std::fmt;

use md5::Md5;
use sha2::digest::Output as DigestOutput;
use sha2::{Sha256, Sha512_256};

/// A digest algorithm of RFC 7616 §3.3 and RFC 8760 §2, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// `MD5`: also meant where a challenge names none.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`, as client only.
    Sha512Trunc256,
}

impl Algorithm {
    /// The algorithm of that name in any case; `None` for those not known here, the `-sess` ones among them.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256, Self::Sha512Trunc256]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The name as it stands in a challenge.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512Trunc256 => "SHA-512-256",
        }
    }

    /// The hash of `parts` joined by colons, in lower-case hexadecimal.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Hex {
        match self {
            Self::Md5 => Hex::of(&joined::<Md5>(parts)),
            Self::Sha256 => Hex::of(&joined::<Sha256>(parts)),
            Self::Sha512Trunc256 => Hex::of(&joined::<Sha512_256>(parts)),
        }
    }
}

fn joined<D: sha2::Digest>(parts: &[&[u8]]) -> DigestOutput<D> {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    hash.finalize()
}

/// MD5 of `user:realm:password`: 16 bytes. As good as the password for this realm, so never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ha1Md5(pub [u8; 16]);

/// SHA-256 of `user:realm:password`: 32 bytes. As good as the password for this realm, so never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ha1Sha256(pub [u8; 32]);

/// What is stored of an account's password: both HA1s, for one user name and one realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ha1 {
    /// For phones that know only MD5.
    pub md5: Ha1Md5,
    /// For all others.
    pub sha256: Ha1Sha256,
}

/// Both HA1s of a password (RFC 7616 §3.4.2, without `-sess`).
#[must_use]
pub fn ha1(user: &str, realm: &str, password: &str) -> Ha1 {
    let parts = [user.as_bytes(), realm.as_bytes(), password.as_bytes()];
    Ha1 { md5: Ha1Md5(joined::<Md5>(&parts).into()), sha256: Ha1Sha256(joined::<Sha256>(&parts).into()) }
}

impl Ha1 {
    pub(crate) fn hex(&self, algorithm: Algorithm) -> Option<Hex> {
        match algorithm {
            Algorithm::Md5 => Some(Hex::of(&self.md5.0)),
            Algorithm::Sha256 => Some(Hex::of(&self.sha256.0)),
            Algorithm::Sha512Trunc256 => None,
        }
    }
}

impl fmt::Debug for Ha1Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1Md5(..)")
    }
}

impl fmt::Debug for Ha1Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1Sha256(..)")
    }
}

/// Up to 32 bytes in lower-case hexadecimal, without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    digits: [u8; HEX_MAX],
    len: usize,
}

impl Hex {
    /// `bytes` are at most 32; what is longer is cut.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hex = Self { digits: [0; HEX_MAX], len: 0 };
        for (pair, byte) in hex.digits.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
            hex.len += 2;
        }
        hex
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("hexadecimal digits are ASCII")
    }
}

const HEX_MAX: usize = 64;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What the response is a hash of, beside HA1 (RFC 7616 §3.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseSpec<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) method: &'a str,
    /// The digest-uri as it stands in the credentials.
    pub(crate) uri: &'a [u8],
    pub(crate) nonce: &'a [u8],
    pub(crate) protection: Protection<'a>,
}

/// The quality of protection and what goes with it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protection<'a> {
    /// RFC 2069: no qop, so no nonce count.
    Legacy,
    /// `qop=auth`. The count is the eight digits as sent, the qop the token as sent.
    Auth { qop: &'a [u8], nc: &'a [u8], cnonce: &'a [u8] },
    /// `qop=auth-int`, as client only: the body is protected, too.
    AuthInt { nc: &'a [u8], cnonce: &'a [u8], body: &'a [u8] },
}

/// The value of `response` (RFC 7616 §3.4.1; RFC 2617 §3.2.2.1 without qop).
pub(crate) fn response(ha1: &Hex, spec: &ResponseSpec<'_>) -> Hex {
    let ha2 = match spec.protection {
        Protection::Legacy | Protection::Auth { .. } => spec.algorithm.hash(&[spec.method.as_bytes(), spec.uri]),
        // RFC 7616 §3.4.3: the entity body is what follows the header fields, an empty one included.
        Protection::AuthInt { body, .. } => {
            spec.algorithm.hash(&[spec.method.as_bytes(), spec.uri, spec.algorithm.hash(&[body]).as_bytes()])
        }
    };
    match spec.protection {
        Protection::Legacy => spec.algorithm.hash(&[ha1.as_bytes(), spec.nonce, ha2.as_bytes()]),
        Protection::Auth { qop, nc, cnonce } => {
            spec.algorithm.hash(&[ha1.as_bytes(), spec.nonce, nc, cnonce, qop, ha2.as_bytes()])
        }
        Protection::AuthInt { nc, cnonce, .. } => {
            spec.algorithm.hash(&[ha1.as_bytes(), spec.nonce, nc, cnonce, b"auth-int", ha2.as_bytes()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector<'a> {
        algorithm: Algorithm,
        user: &'a str,
        realm: &'a str,
        password: &'a str,
        spec: ResponseSpec<'a>,
    }

    fn check(vector: &Vector<'_>, expected: &str) {
        let ha1 = vector.algorithm.hash(&[vector.user.as_bytes(), vector.realm.as_bytes(), vector.password.as_bytes()]);
        if let Some(stored) = super::ha1(vector.user, vector.realm, vector.password).hex(vector.algorithm) {
            assert_eq!(stored.as_str(), ha1.as_str());
        }
        assert_eq!(response(&ha1, &vector.spec).as_str(), expected);
    }

    fn rfc_7616(algorithm: Algorithm) -> Vector<'static> {
        Vector {
            algorithm,
            user: "Mufasa",
            realm: "http-auth@example.org",
            password: "Circle of Life",
            spec: ResponseSpec {
                algorithm,
                method: "GET",
                uri: b"/dir/index.html",
                nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                protection: Protection::Auth {
                    qop: b"auth",
                    nc: b"00000001",
                    cnonce: b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                },
            },
        }
    }

    /// RFC 7616 §3.9.1.
    #[test]
    fn rfc_7616_examples() {
        check(&rfc_7616(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        check(&rfc_7616(Algorithm::Sha256), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
        // RFC 7616 has no plain example of it; computed apart with Python's hashlib.
        check(&rfc_7616(Algorithm::Sha512Trunc256), "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0");
    }

    fn rfc_2617(password: &'static str, protection: Protection<'static>) -> Vector<'static> {
        Vector {
            algorithm: Algorithm::Md5,
            user: "Mufasa",
            realm: "testrealm@host.com",
            password,
            spec: ResponseSpec {
                algorithm: Algorithm::Md5,
                method: "GET",
                uri: b"/dir/index.html",
                nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
                protection,
            },
        }
    }

    /// RFC 2617 §3.5, and the same without qop (computed apart with openssl).
    #[test]
    fn rfc_2617_example() {
        let auth = Protection::Auth { qop: b"auth", nc: b"00000001", cnonce: b"0a4f113b" };
        check(&rfc_2617("Circle Of Life", auth), "6629fae49393a05397450978507c4ef1");
        check(&rfc_2617("Circle Of Life", Protection::Legacy), "670fd8c2df070c60b045671b8b24ff02");
    }

    /// Computed apart with Python's hashlib; the values of RFC 7616 §3.9.1 otherwise.
    #[test]
    fn auth_int_protects_the_body() {
        for (algorithm, body, expected) in [
            (Algorithm::Md5, &b"v=0\r\n"[..], "d1b8e2ac3f6782372de4bf3d8735b406"),
            (Algorithm::Md5, b"", "8804a53d3640a40a4f73cea12c5ba451"),
            (Algorithm::Sha256, b"v=0\r\n", "385d2de062660ced11876f42d9497c69cacf5caaf3d951dd424aee9f7157d563"),
            (Algorithm::Sha256, b"", "8bdf6f15638e260831e905028de5450562816d093c9bfc5c13d3a46adcdde940"),
        ] {
            let mut vector = rfc_7616(algorithm);
            let cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            vector.spec.protection = Protection::AuthInt { nc: b"00000001", cnonce, body };
            check(&vector, expected);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", ha1("1001", "x", "y")), "Ha1 { md5: Ha1Md5(..), sha256: Ha1Sha256(..) }");
    }
}
