//! SRTP keys in the session description: `a=crypto` (RFC 4568, "SDES"). Whoever reads the description knows the keys, so it is
//! for signalling over TLS.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::MediaDescription;
use crate::random::Random;

/// The name of the attribute.
pub(super) const CRYPTO: &str = "crypto";

/// The most `a=crypto` lines of one m-line that are looked at.
pub const CRYPTO_MAX: usize = 16;

/// How packets are encrypted and authenticated (RFC 4568 §6.2, RFC 6188, RFC 7714).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CryptoSuite {
    /// `AES_CM_128_HMAC_SHA1_80`: what everybody has.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: with a shorter tag.
    AesCm128HmacSha1_32,
    /// `AES_256_CM_HMAC_SHA1_80`.
    AesCm256HmacSha1_80,
    /// `AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM`.
    AeadAes256Gcm,
}

impl CryptoSuite {
    /// Those that we offer, the preferred first.
    pub const OFFERED: [Self; 4] =
        [Self::AeadAes128Gcm, Self::AesCm128HmacSha1_80, Self::AesCm256HmacSha1_80, Self::AesCm128HmacSha1_32];

    const ALL: [Self; 5] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::AesCm256HmacSha1_80,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of its master key.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AesCm256HmacSha1_80 | Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of its master salt.
    #[must_use]
    pub fn salt_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 | Self::AesCm256HmacSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }
}

/// A master key and its salt, one after the other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterKey(Vec<u8>);

impl MasterKey {
    /// The bytes: the key, then the salt.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Keys do not get into logs.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({} bytes)", self.0.len())
    }
}

/// One `a=crypto` line: what its sender encrypts with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crypto {
    /// Names the line: an answer has the tag of the line of the offer that it takes.
    pub tag: u32,
    /// How.
    pub suite: CryptoSuite,
    /// The key.
    pub key: MasterKey,
}

impl Crypto {
    /// A line with a new key.
    #[must_use]
    pub fn new(tag: u32, suite: CryptoSuite, random: &mut Random) -> Self {
        let mut key = vec![0; suite.key_bytes() + suite.salt_bytes()];
        random.fill(&mut key);
        Self { tag, suite, key: MasterKey(key) }
    }

    /// The lines of an offer.
    #[must_use]
    pub fn offered(random: &mut Random) -> Vec<Self> {
        (1..).zip(CryptoSuite::OFFERED).map(|(tag, suite)| Self::new(tag, suite, random)).collect()
    }

    /// Parses an attribute's value. `None` where it is malformed, or asks for what we do not do: an unknown suite or key method,
    /// several keys, an MKI, or a session parameter that may not be ignored (RFC 4568 §6.3.7).
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= TAG_DIGITS_MAX)?.parse().ok()?;
        let name = words.next()?;
        let suite = CryptoSuite::ALL.into_iter().find(|suite| suite.as_str().eq_ignore_ascii_case(name))?;
        let (method, keys) = words.next()?.split_once(':')?;
        let mut parts = keys.split('|');
        let encoded = parts.next()?;
        // What follows is a lifetime, which outlasts any call, or `MKI:length`.
        let is_plain = method.eq_ignore_ascii_case("inline") && !keys.contains(';');
        if !is_plain || parts.any(|part| part.contains(':')) || words.any(|parameter| !parameter.starts_with('-')) {
            return None;
        }
        let key = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
        let fits = key.len() == suite.key_bytes() + suite.salt_bytes();
        fits.then_some(Self { tag, suite, key: MasterKey(key) })
    }

    /// The attribute's value.
    #[must_use]
    pub fn value(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.as_str(), STANDARD.encode(&self.key.0))
    }
}

impl MediaDescription {
    /// Its `a=crypto` lines that we can do, in order.
    pub fn crypto(&self) -> impl Iterator<Item = Crypto> + '_ {
        let lines = self.attributes.iter().filter(|attribute| attribute.name == CRYPTO).take(CRYPTO_MAX);
        lines.filter_map(|attribute| Crypto::parse(attribute.value.as_deref()?))
    }
}

/// RFC 4568 §9.1: `1*9DIGIT`.
const TAG_DIGITS_MAX: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    #[test]
    fn the_lines_of_rfc_4568_are_read_and_written() {
        // §4.1, §5.1.2, §6.1: with and without lifetime.
        for value in [
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|1048576 -UNKNOWN=1"),
            format!("1  aes_cm_128_hmac_sha1_80  INLINE:{KEY}"),
        ] {
            let crypto = Crypto::parse(&value).unwrap_or_else(|| panic!("{value}"));
            assert_eq!((crypto.tag, crypto.suite), (1, CryptoSuite::AesCm128HmacSha1_80));
            assert_eq!(crypto.key.as_bytes(), b"YS___semctl () {\t220;}\n}\nunles");
            assert_eq!(crypto.value(), format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"));
        }
    }

    #[test]
    fn what_we_do_not_do_is_not_taken() {
        for value in [
            String::new(),
            "1".to_owned(),
            format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}"),
            format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", &KEY[..39]),
            format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}*", &KEY[..39]),
            format!("x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
            format!("1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        ] {
            assert_eq!(Crypto::parse(&value), None, "{value}");
        }
    }

    #[test]
    fn keys_are_new_and_do_not_show_in_debug_output() {
        let mut random = Random::from_seed([7; 32]);
        let offered = Crypto::offered(&mut random);
        for (at, crypto) in offered.iter().enumerate() {
            assert!(offered[..at].iter().all(|other| other.key != crypto.key && other.tag != crypto.tag));
            assert_eq!(Crypto::parse(&crypto.value()).as_ref(), Some(crypto));
            assert!(!format!("{crypto:?}").contains('['), "{crypto:?}");
        }
    }
}
