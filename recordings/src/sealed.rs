//! Encryption at rest: a recording is sealed in chunks by AES-256-GCM, so that a range is opened without the rest.
//!
//! A sealed file is a header of 64 bytes and then chunks of 64 KiB, each followed by its tag of 16 bytes:
//! `SWE1`, the key's name (16 bytes, ended by zeros), a salt (32), the length of what is sealed (8, big end first), 4 zeros.
//! Each file has a key of its own, drawn from the named one and the salt by HKDF-SHA256, so the nonce is the chunk's number and
//! whether it is the last (STREAM; Hoang, Reyhanitabar, Rogaway, Vizár 2015). The header is authenticated with every chunk: chunks
//! that are changed, moved, left out or of another file do not open.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// Keys by name. The first seals; all open, so that a key is replaced by putting another before it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKeys(Vec<(String, [u8; KEY_BYTES])>);

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What is wrong with a list of keys. It never shows a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not `NAME KEY`.
    #[error(
        "line {0}: write NAME KEY; a name is 1 to 16 of a-z, 0-9 and -, a key 64 hexadecimal digits (openssl rand -hex 32)"
    )]
    Line(usize),
    /// Two keys of one name.
    #[error("the key `{0}` stands there twice")]
    Twice(String),
    /// No key.
    #[error("there is no key: write NAME KEY on a line")]
    None,
}

impl SealKeys {
    /// Reads one key a line: `NAME KEY`; what begins with `#` is not read.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<(String, [u8; KEY_BYTES])> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, key) = one_key(line).ok_or(KeysError::Line(at + 1))?;
            if keys.iter().any(|(other, _)| *other == name) {
                return Err(KeysError::Twice(name));
            }
            keys.push((name, key));
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(Self(keys)) }
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn sealing(&self) -> &str {
        &self.0[0].0
    }
}

fn one_key(line: &str) -> Option<(String, [u8; KEY_BYTES])> {
    let (name, digits) = line.split_once(char::is_whitespace)?;
    let digits = digits.trim();
    let fits = (1..=NAME_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits || digits.len() != 2 * KEY_BYTES || !digits.is_ascii() {
        return None;
    }
    let mut key = [0; KEY_BYTES];
    for (n, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).ok()?;
    }
    Some((name.to_owned(), key))
}

/// Why something sealed does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No header of ours.
    #[error("the file is not sealed, or its beginning is damaged")]
    Header,
    /// The key that sealed it is not among those that are known.
    #[error("it is sealed by the key `{0}`, which is not among recording.encryption_keys")]
    UnknownKey(String),
    /// It was changed, or the key is another than it was.
    #[error("it does not open: the key `{0}` is another than it was, or the file was changed")]
    Refused(String),
    /// It ends before its end.
    #[error("the sealed file is cut")]
    Cut,
}

/// Seals `length` bytes of `from` into `to` by the first key.
///
/// # Errors
/// Reading or writing fails; `from` ends before `length`.
pub fn seal(keys: &SealKeys, from: &mut impl Read, length: u64, to: &mut impl Write) -> io::Result<()> {
    let (name, key) = &keys.0[0];
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| io::Error::other("the system gives no randomness"))?;
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(MAGIC);
    header[4..4 + name.len()].copy_from_slice(name.as_bytes());
    header[20..52].copy_from_slice(&salt);
    header[52..60].copy_from_slice(&length.to_be_bytes());
    to.write_all(&header)?;
    let opener = Opener::with_key(name, key, header);
    let mut chunk = Vec::with_capacity(SEALED_CHUNK);
    for index in 0..opener.chunks() {
        let count = CHUNK_BYTES.min(length - index * CHUNK_BYTES);
        chunk.resize(usize::try_from(count).unwrap_or(usize::MAX), 0);
        from.read_exact(&mut chunk)?;
        let (nonce, aad) = (opener.nonce(index), Aad::from(&opener.header));
        let sealed = opener.key.seal_in_place_append_tag(nonce, aad, &mut chunk);
        sealed.map_err(|_| io::Error::other("a chunk cannot be sealed"))?;
        to.write_all(&chunk)?;
    }
    Ok(())
}

/// Opens ranges of one sealed file.
pub(crate) struct Opener {
    key: LessSafeKey,
    name: String,
    header: [u8; HEADER_BYTES],
    length: u64,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("name", &self.name).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Opener {
    /// By the first [`HEADER_BYTES`] of a sealed file. Whether the key is the right one shows at the first chunk.
    ///
    /// # Errors
    /// [`OpenError::Header`], [`OpenError::UnknownKey`].
    pub(crate) fn new(keys: &SealKeys, header: &[u8]) -> Result<Self, OpenError> {
        let header: [u8; HEADER_BYTES] = header.try_into().map_err(|_| OpenError::Header)?;
        let name = header[4..20].split(|byte| *byte == 0).next().and_then(|name| std::str::from_utf8(name).ok());
        let name = name.filter(|_| header[..4] == *MAGIC).ok_or(OpenError::Header)?;
        let (name, key) =
            keys.0.iter().find(|(known, _)| known == name).ok_or_else(|| OpenError::UnknownKey(name.to_owned()))?;
        Ok(Self::with_key(name, key, header))
    }

    fn with_key(name: &str, key: &[u8; KEY_BYTES], header: [u8; HEADER_BYTES]) -> Self {
        let drawn = Salt::new(HKDF_SHA256, &header[20..52]).extract(key);
        let info = [&b"switchboard recording"[..]];
        let own = drawn.expand(&info, &AES_256_GCM).expect("HKDF gives 32 bytes");
        let length = u64::from_be_bytes(header[52..60].try_into().expect("eight bytes are eight"));
        Self { key: LessSafeKey::new(UnboundKey::from(own)), name: name.to_owned(), header, length }
    }

    /// Where in the sealed file the chunks lie that hold `range` of what is sealed, and the number of the first.
    #[must_use]
    pub(crate) fn sealed_range(&self, range: &Range<u64>) -> (Range<u64>, u64) {
        let at = |chunk: u64| HEADER_BYTES as u64 + chunk.saturating_mul(SEALED_CHUNK as u64);
        let first = range.start / CHUNK_BYTES;
        let end = range.end.min(self.length).div_ceil(CHUNK_BYTES);
        let all = at(self.chunks() - 1).saturating_add(self.chunk_bytes(self.chunks() - 1) as u64);
        (at(first)..at(end).min(all), first)
    }

    /// How long a chunk is in the sealed file.
    #[must_use]
    pub(crate) fn chunk_bytes(&self, index: u64) -> usize {
        let left = self.length.saturating_sub(index.saturating_mul(CHUNK_BYTES)).min(CHUNK_BYTES);
        usize::try_from(left).unwrap_or(usize::MAX) + TAG_BYTES
    }

    /// What a chunk holds.
    ///
    /// # Errors
    /// [`OpenError::Refused`].
    pub(crate) fn open<'c>(&self, index: u64, sealed: &'c mut [u8]) -> Result<&'c [u8], OpenError> {
        let opened = self.key.open_in_place(self.nonce(index), Aad::from(&self.header), sealed);
        opened.map(|plain| &*plain).map_err(|_| OpenError::Refused(self.name.clone()))
    }

    fn chunks(&self) -> u64 {
        self.length.div_ceil(CHUNK_BYTES).max(1)
    }

    fn nonce(&self, index: u64) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[3..11].copy_from_slice(&index.to_be_bytes());
        nonce[11] = u8::from(index + 1 >= self.chunks());
        Nonce::assume_unique_for_key(nonce)
    }
}

const MAGIC: &[u8; 4] = b"SWE1";
const KEY_BYTES: usize = 32;
const NAME_BYTES: usize = 16;
const SALT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// At the beginning of each sealed file.
pub(crate) const HEADER_BYTES: usize = 64;
/// Of what is sealed, in each chunk but the last.
pub(crate) const CHUNK_BYTES: u64 = 64 << 10;
const SEALED_CHUNK: usize = CHUNK_BYTES as usize + TAG_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> SealKeys {
        SealKeys::parse(text).unwrap()
    }

    fn one(name: &str, digit: char) -> String {
        format!("{name} {}\n", digit.to_string().repeat(64))
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|n| (n * 7 % 251) as u8).collect()
    }

    fn sealed(keys: &SealKeys, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal(keys, &mut &plain[..], plain.len() as u64, &mut out).unwrap();
        out
    }

    /// A range by nothing but the chunks that hold it.
    fn open(keys: &SealKeys, sealed: &[u8], range: Range<u64>) -> Result<Vec<u8>, OpenError> {
        let opener = Opener::new(keys, &sealed[..HEADER_BYTES.min(sealed.len())])?;
        let (extent, first) = opener.sealed_range(&range);
        let part = sealed.get(extent.start as usize..extent.end as usize).ok_or(OpenError::Cut)?;
        let (mut part, mut plain, mut index) = (part.to_vec(), Vec::new(), first);
        let mut rest = &mut part[..];
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at_mut(opener.chunk_bytes(index).min(rest.len()));
            plain.extend_from_slice(opener.open(index, chunk)?);
            (rest, index) = (behind, index + 1);
        }
        let skip = (range.start - first * CHUNK_BYTES) as usize;
        Ok(plain[skip..skip + (range.end - range.start) as usize].to_vec())
    }

    #[test]
    fn every_range_opens_to_what_was_sealed() {
        let keys = keys(&one("a", '1'));
        const C: usize = CHUNK_BYTES as usize;
        for length in [1, 44, C - 1, C, C + 1, 3 * C, 3 * C + 100] {
            let plain = bytes(length);
            let sealed = sealed(&keys, &plain);
            assert_eq!(sealed.len(), HEADER_BYTES + length + length.div_ceil(C) * TAG_BYTES);
            assert!(length < 100 || !sealed.windows(40).any(|part| plain[..100].windows(40).any(|p| p == part)));
            for (start, end) in [(0, length), (0, 1), (length - 1, length), (length / 3, length / 2 + 1), (C, C + 1)] {
                if start < end && end <= length {
                    let opened = open(&keys, &sealed, start as u64..end as u64).unwrap();
                    assert_eq!(opened, &plain[start..end], "{start}..{end} of {length}");
                }
            }
        }
    }

    #[test]
    fn a_key_that_was_replaced_opens_what_it_sealed() {
        let old = keys(&one("2025", '1'));
        let file = sealed(&old, b"hello");
        let rotated = keys(&format!("# since May\n{}\n{}", one("2026", '2'), one("2025", '1')));
        assert_eq!(rotated.sealing(), "2026");
        assert_eq!(open(&rotated, &file, 0..5).unwrap(), b"hello");
        assert_eq!(open(&keys(&one("2026", '2')), &file, 0..5), Err(OpenError::UnknownKey("2025".to_owned())));
        assert_eq!(open(&keys(&one("2025", '3')), &file, 0..5), Err(OpenError::Refused("2025".to_owned())));
        assert_ne!(sealed(&old, b"hello"), file, "each file has a key of its own");
    }

    #[test]
    fn what_was_changed_moved_or_cut_does_not_open() {
        let keys = keys(&one("a", '1'));
        const C: usize = CHUNK_BYTES as usize;
        let file = sealed(&keys, &bytes(2 * C + 10));
        let all = 0..(2 * C + 10) as u64;
        for at in [21, 59, 60, HEADER_BYTES, HEADER_BYTES + C + 20, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&keys, &changed, all.clone()).is_err(), "byte {at}");
        }
        let chunk = |n: usize| &file[HEADER_BYTES + n * SEALED_CHUNK..HEADER_BYTES + (n + 1) * SEALED_CHUNK];
        let swapped = [&file[..HEADER_BYTES], chunk(1), chunk(0), &file[HEADER_BYTES + 2 * SEALED_CHUNK..]].concat();
        assert!(open(&keys, &swapped, all.clone()).is_err());
        // Cut between chunks, with a header that says so.
        let mut cut = file[..HEADER_BYTES + SEALED_CHUNK].to_vec();
        cut[52..60].copy_from_slice(&(C as u64).to_be_bytes());
        assert!(open(&keys, &cut, 0..C as u64).is_err());
        assert_eq!(open(&keys, &file[..200], all.clone()), Err(OpenError::Cut));
        assert_eq!(open(&keys, b"RIFF", all), Err(OpenError::Header));
    }

    #[test]
    fn a_list_of_keys_is_read_or_refused_without_showing_any() {
        let digits = "ab".repeat(32);
        for (text, error) in [
            (String::new(), KeysError::None),
            ("# a".to_owned(), KeysError::None),
            ("a".to_owned(), KeysError::Line(1)),
            (format!("\nA {digits}"), KeysError::Line(2)),
            (format!("a {}", &digits[1..]), KeysError::Line(1)),
            (format!("a {}", digits.replace("ab", "xy")), KeysError::Line(1)),
            (format!("abcdefghijklmnopq {digits}"), KeysError::Line(1)),
            (format!("a {digits}\na {digits}"), KeysError::Twice("a".to_owned())),
        ] {
            assert_eq!(SealKeys::parse(&text).map(|keys| format!("{keys:?}")), Err(error), "{text}");
        }
        assert!(!format!("{:?}", keys(&format!("a {digits}"))).contains("ab"));
    }
}
