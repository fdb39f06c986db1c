//! Identifiers nobody can guess, from an injected seed: the same seed gives the same call centre again.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A seeded generator of branches, tags, Call-IDs and nonces. In production the shell seeds it from the operating system,
/// in the simulator from the seed of the run. ChaCha8 is a generator fit for secrets: what was sent tells nothing
/// about what comes (RFC 3261 §19.3 asks for cryptographically random tags of at least 32 bits).
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// A generator that gives the same stream for the same 32 bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// Splits off a generator with a stream of its own, so that two parts do not disturb each other's sequence.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Self::from_seed(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }

    /// A token of [`TOKEN_LEN`] characters out of `a-z` and `2-7`: 80 random bits, fit for a tag, a branch (after the magic
    /// cookie), a cnonce or the left half of a Call-ID.
    pub fn token(&mut self) -> String {
        let mut bits = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        let mut token = String::with_capacity(TOKEN_LEN);
        for _ in 0..TOKEN_LEN {
            token.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        token
    }
}

/// Characters in a token: five bits each.
pub const TOKEN_LEN: usize = 16;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_tokens_and_they_differ() {
        let mut a = Random::from_seed([7; 32]);
        let mut b = Random::from_seed([7; 32]);
        let first = a.token();
        assert_eq!(first, b.token());
        assert_eq!(first.len(), TOKEN_LEN);
        assert_ne!(first, a.token());
        assert_ne!(a.fork().token(), b.token());
    }
}
