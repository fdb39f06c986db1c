//! Nonces that prove by themselves that they are ours and how old they are, and the counts already used with them.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::hash::Hex;

/// What identifies a nonce: when it was made (µs on the monotonic clock) and its running number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NonceId {
    issued_us: u64,
    serial: u64,
}

/// What a nonce that came back is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Ours and young enough.
    Good(NonceId),
    /// Not ours (of another process, of another realm, or made up), or too old.
    Stale,
}

/// Makes nonces and knows them again, without keeping any: time and number signed with HMAC-SHA256.
#[derive(Clone)]
pub(crate) struct NonceMint {
    mac: Hmac<Sha256>,
    lifetime: Duration,
    next_serial: u64,
}

impl NonceMint {
    /// `key` must differ from process to process, or a restart would take counts again that it has forgotten.
    pub(crate) fn new(key: &[u8; 32], realm: &str, lifetime: Duration) -> Self {
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(realm.as_bytes());
        mac.update(&[0]);
        Self { mac, lifetime, next_serial: 0 }
    }

    /// A new nonce of [`NONCE_LEN`] hexadecimal digits.
    pub(crate) fn issue(&mut self, mono: Duration) -> String {
        let id = NonceId { issued_us: micros(mono), serial: self.next_serial };
        self.next_serial += 1;
        let mut bytes = [0; NONCE_BYTES];
        bytes[..8].copy_from_slice(&id.issued_us.to_be_bytes());
        bytes[8..16].copy_from_slice(&id.serial.to_be_bytes());
        bytes[16..].copy_from_slice(&self.sign(id));
        Hex::of(&bytes).as_str().to_owned()
    }

    /// Whether the nonce is ours and young enough. The signature is compared in constant time.
    pub(crate) fn check(&self, mono: Duration, nonce: &[u8]) -> Standing {
        let Some(bytes) = unhex(nonce) else { return Standing::Stale };
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(word)
        };
        let id = NonceId { issued_us: word(0), serial: word(8) };
        let signed: bool = subtle::ConstantTimeEq::ct_eq(&bytes[16..], &self.sign(id)[..]).into();
        let age_us = micros(mono).checked_sub(id.issued_us);
        let lifetime_us = micros(self.lifetime);
        if signed && age_us.is_some_and(|age_us| age_us <= lifetime_us) { Standing::Good(id) } else { Standing::Stale }
    }

    /// How long ago a nonce of ours was made; `None` for one that is not good.
    pub(crate) fn age(&self, mono: Duration, nonce: &[u8]) -> Option<Duration> {
        match self.check(mono, nonce) {
            Standing::Good(id) => Some(mono.saturating_sub(Duration::from_micros(id.issued_us))),
            Standing::Stale => None,
        }
    }

    /// The oldest issue time, in µs, that is still good.
    pub(crate) fn horizon_us(&self, mono: Duration) -> u64 {
        micros(mono).saturating_sub(micros(self.lifetime))
    }

    fn sign(&self, id: NonceId) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(&id.issued_us.to_be_bytes());
        mac.update(&id.serial.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let mut half = [0; 16];
        half.copy_from_slice(&tag[..16]);
        half
    }
}

/// Bytes of a nonce: time, number, and 128 bits of the signature.
const NONCE_BYTES: usize = 32;

/// Digits of a nonce.
#[cfg(test)]
pub(crate) const NONCE_LEN: usize = 2 * NONCE_BYTES;

fn unhex(digits: &[u8]) -> Option<[u8; NONCE_BYTES]> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; NONCE_BYTES];
    if digits.len() != 2 * NONCE_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The counts used with each nonce that authenticated someone (RFC 7616 §3.4.6): a window below the highest, so that
/// requests overtaking each other on UDP are not refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedCounts {
    windows: BTreeMap<NonceId, Window>,
    /// Nonces up to this one were dropped for want of room: no longer good.
    forgotten: Option<NonceId>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    highest: u32,
    /// Bit n: the count `highest - n` was used.
    used: u64,
}

impl UsedCounts {
    /// Takes the count for this nonce; false if it was taken before, or is so far below the highest that nobody knows.
    /// `horizon_us` is the issue time before which nonces are too old to matter.
    pub(crate) fn take(&mut self, nonce: NonceId, count: u32, horizon_us: u64) -> bool {
        self.drop_before(horizon_us);
        if self.forgotten.is_some_and(|forgotten| nonce <= forgotten) {
            return false;
        }
        let Some(window) = self.windows.get_mut(&nonce) else {
            self.make_room();
            self.windows.insert(nonce, Window { highest: count, used: 1 });
            return true;
        };
        window.take(count)
    }

    /// Nonces remembered.
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }

    fn drop_before(&mut self, horizon_us: u64) {
        while let Some(oldest) = self.windows.first_entry() {
            if oldest.key().issued_us >= horizon_us {
                break;
            }
            oldest.remove();
        }
    }

    fn make_room(&mut self) {
        if self.windows.len() >= NONCES_MAX
            && let Some((dropped, _)) = self.windows.pop_first()
        {
            self.forgotten = Some(dropped);
        }
    }
}

/// Nonces in use at one time; beyond it the oldest becomes stale. At 300 s of life that is 218 sign-ins a second.
pub(crate) const NONCES_MAX: usize = 65_536;

impl Window {
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let shift = count - self.highest;
            self.used = self.used.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let Some(bit) = 1_u64.checked_shl(self.highest - count) else { return false };
        let fresh = self.used & bit == 0;
        self.used |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn mint() -> NonceMint {
        NonceMint::new(&[3; 32], "example.org", LIFETIME)
    }

    fn id(issued_us: u64, serial: u64) -> NonceId {
        NonceId { issued_us, serial }
    }

    #[test]
    fn nonce_is_good_until_its_age() {
        let mut mint = mint();
        let nonce = mint.issue(Duration::from_secs(10));
        assert_eq!(nonce.len(), NONCE_LEN);
        assert_ne!(nonce, mint.issue(Duration::from_secs(10)));
        let good = Standing::Good(id(10_000_000, 0));
        assert_eq!(mint.check(Duration::from_secs(10), nonce.as_bytes()), good);
        assert_eq!(mint.check(Duration::from_secs(310), nonce.as_bytes()), good);
        assert_eq!(mint.check(Duration::from_micros(310_001), nonce.as_bytes()), Standing::Stale);
        assert_eq!(mint.check(Duration::from_secs(9), nonce.as_bytes()), Standing::Stale);
        assert_eq!(mint.age(Duration::from_micros(10_000_250), nonce.as_bytes()), Some(Duration::from_micros(250)));
        assert_eq!(mint.age(Duration::from_millis(310_001), nonce.as_bytes()), None);
    }

    #[test]
    fn forged_nonce_is_not_ours() {
        let mut mint = mint();
        let now = Duration::from_secs(10);
        let nonce = mint.issue(now);
        for at in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(mint.check(now, &forged), Standing::Stale, "digit {at}");
        }
        assert_eq!(mint.check(now, b""), Standing::Stale);
        assert_eq!(mint.check(now, &[0xff; NONCE_LEN]), Standing::Stale);
        let other_realm = NonceMint::new(&[3; 32], "example.com", LIFETIME);
        assert_eq!(other_realm.check(now, nonce.as_bytes()), Standing::Stale);
        let other_key = NonceMint::new(&[4; 32], "example.org", LIFETIME);
        assert_eq!(other_key.check(now, nonce.as_bytes()), Standing::Stale);
    }

    #[test]
    fn count_is_taken_once_in_any_order() {
        let mut used = UsedCounts::default();
        let nonce = id(1, 0);
        for count in [1, 3, 2, 70, 69] {
            assert!(used.take(nonce, count, 0), "{count}");
        }
        for count in [1, 2, 3, 69, 70, 5] {
            assert!(!used.take(nonce, count, 0), "{count} is used or lies below the window");
        }
        assert!(used.take(nonce, u32::MAX, 0));
        assert!(used.take(id(1, 1), 1, 0), "another nonce counts for itself");
    }

    #[test]
    fn counts_are_bounded_and_what_is_dropped_is_refused() {
        let mut used = UsedCounts::default();
        for serial in 0..NONCES_MAX as u64 + 10 {
            assert!(used.take(id(5, serial), 1, 0));
        }
        assert_eq!(used.len(), NONCES_MAX);
        assert!(!used.take(id(5, 3), 2, 0), "dropped, so its counts are unknown");
        assert!(used.take(id(5, 20), 2, 0));
        assert!(used.take(id(9, 0), 1, 6));
        assert_eq!(used.len(), 1, "too old ones leave");
    }
}
