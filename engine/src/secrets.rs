//! Randomness, hashes and encryption of the shell: passwords, tokens, ULIDs, and the key file for secrets that must be sent.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use aws_lc_rs::digest;

use crate::store::setting::Hidden;

/// Why a secret could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key file cannot be read or made.
    #[error("cannot use the key file {path}: {source}")]
    KeyFile {
        /// Where it lies.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The key file is not ours.
    #[error("the key file {path} does not hold 32 bytes, put the right one back: without it stored secrets are lost")]
    KeyLength {
        /// Where it lies.
        path: String,
    },
    /// What was stored was encrypted with another key, or for something else.
    #[error("a stored secret cannot be decrypted with this key file, set the secret anew")]
    Sealed,
    /// A stored password hash is none.
    #[error("a stored password hash is unreadable, set the password anew")]
    PasswordHash,
}

/// Fills an array from the system's generator.
///
/// # Panics
/// Where the system gives no randomness: nothing can be safe then.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives randomness");
    bytes
}

/// A ULID of this time. Within a process each is greater than the one before, also in one ms or with the clock set back.
///
/// # Panics
/// Never: nothing panics while the lock is held.
#[must_use]
pub fn new_ulid(unix_ms: u64) -> String {
    static LAST: Mutex<u128> = Mutex::new(0);
    let fresh = ulid::Ulid::from_parts(unix_ms, u128::from_be_bytes(random_bytes())).0;
    let mut last = LAST.lock().expect("no one panics while holding it");
    *last = if fresh > *last { fresh } else { *last + 1 };
    ulid::Ulid(*last).array_to_str(&mut [0; ulid::ULID_LEN]).to_owned()
}

/// A token: 32 random bytes, written with a prefix so that people and scanners see what it is.
#[must_use]
pub fn new_token() -> String {
    format!("sb_{}", to_hex(&random_bytes::<32>()))
}

/// What is stored of a token: its SHA-256. It needs no salt, a token has 256 random bits.
#[must_use]
pub fn token_hash(token: &str) -> String {
    to_hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// A random password that people can read out and type: letters and digits without those that look alike. 95 bits.
#[must_use]
pub fn new_password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const LENGTH: usize = 16;
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        // Bytes beyond the last whole multiple are thrown away, or some letters would come more often.
        let whole = 256 / LETTERS.len() * LETTERS.len();
        let bytes = random_bytes::<32>();
        let fair = bytes.iter().map(|b| usize::from(*b)).filter(|b| *b < whole);
        password.extend(fair.take(LENGTH - password.len()).map(|b| char::from(LETTERS[b % LETTERS.len()])));
    }
    password
}

/// Hashes a password with argon2id at the crate's default cost (19 MiB, 2 passes): some 20 ms of CPU, so call it where that
/// blocks nobody.
///
/// # Panics
/// Never: the parameters are the crate's own.
#[must_use]
pub fn hash_password(password: &str) -> Hidden {
    let salt: [u8; 16] = random_bytes();
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    Hidden::new(hash.expect("argon2 takes any password and 16 bytes of salt").to_string())
}

/// Whether the password is the one that was hashed. As slow as [`hash_password`], right or wrong.
///
/// # Errors
/// [`SecretError::PasswordHash`] when what is stored is no hash.
pub fn verify_password(hash: &Hidden, password: &str) -> Result<bool, SecretError> {
    let parsed = PasswordHash::new(hash.expose()).map_err(|_| SecretError::PasswordHash)?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// Encrypts secrets that must be sent (a trunk's password): AES-256-GCM with a key file in the data folder.
pub struct SecretKey(RandomizedNonceKey);

impl SecretKey {
    /// Reads the key file, or makes it (mode 0600) where there is none.
    ///
    /// # Errors
    /// [`SecretError::KeyFile`], [`SecretError::KeyLength`].
    pub fn open(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::KeyFile { path: path.display().to_string(), source };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = random_bytes::<KEY_LEN>().to_vec();
                write_private(path, &bytes).map_err(failed)?;
                bytes
            }
            Err(error) => return Err(failed(error)),
        };
        Self::from_bytes(&bytes).ok_or_else(|| SecretError::KeyLength { path: path.display().to_string() })
    }

    /// A key of 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, bytes).ok().map(Self)
    }

    /// Encrypts a secret of `owner` (`TENANT/trunk/NAME`); what comes out is hexadecimal and fits this owner only.
    ///
    /// # Panics
    /// Never: a password is far shorter than what the cipher takes.
    #[must_use]
    pub fn seal(&self, owner: &str, secret: &str) -> Hidden {
        let mut bytes = secret.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(owner), &mut bytes).expect("a short text is encrypted");
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Hidden::new(to_hex(&sealed))
    }

    /// Decrypts what [`SecretKey::seal`] made for the same owner.
    ///
    /// # Errors
    /// [`SecretError::Sealed`].
    pub fn unseal(&self, owner: &str, sealed: &Hidden) -> Result<String, SecretError> {
        let bytes = hex_bytes(sealed.expose()).filter(|bytes| bytes.len() > NONCE_LEN).ok_or(SecretError::Sealed)?;
        let (nonce, text) = bytes.split_at(NONCE_LEN);
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::Sealed)?;
        let mut text = text.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(owner), &mut text).map_err(|_| SecretError::Sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|_| SecretError::Sealed)
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

const KEY_LEN: usize = 32;

/// Writes a file that only its owner reads (mode 0600), in one step: whoever looks sees all of it or the old one. It is on the
/// disk when this returns.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = Path::new(&new);
    let _ = fs::remove_file(new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Two lower-case digits a byte.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes written by [`to_hex`].
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex_bytes(text)?.try_into().ok()
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// Proves LOGIN-11 (its hash).
    #[test]
    fn a_password_is_kept_as_argon2id_and_recognised() {
        let hash = hash_password("correct horse");
        assert!(hash.expose().starts_with("$argon2id$"), "{}", hash.expose());
        assert!(verify_password(&hash, "correct horse").unwrap());
        assert!(!verify_password(&hash, "wrong horse").unwrap());
        assert_ne!(hash.expose(), hash_password("correct horse").expose());
        assert!(verify_password(&Hidden::new("plain".into()), "plain").is_err());
    }

    #[test]
    fn a_secret_opens_only_with_its_key_and_for_its_owner() {
        let key = SecretKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.seal("default/trunk/lines", "hunter2");
        assert!(!sealed.expose().contains("hunter2"));
        assert_eq!(key.unseal("default/trunk/lines", &sealed).unwrap(), "hunter2");
        assert!(key.unseal("other/trunk/lines", &sealed).is_err());
        assert!(SecretKey::from_bytes(&[8; 32]).unwrap().unseal("default/trunk/lines", &sealed).is_err());
        for broken in ["", "zz", "00", &sealed.expose()[..40]] {
            assert!(key.unseal("default/trunk/lines", &Hidden::new(broken.to_owned())).is_err(), "{broken}");
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/secret.key");
        let sealed = SecretKey::open(&path).unwrap().seal("a", "b");
        assert_eq!(SecretKey::open(&path).unwrap().unseal("a", &sealed).unwrap(), "b");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, b"short").unwrap();
        assert!(matches!(SecretKey::open(&path), Err(SecretError::KeyLength { .. })));
    }

    #[test]
    fn ulids_of_one_moment_are_in_order() {
        let ids: Vec<String> = (0..100).map(|_| new_ulid(5)).collect();
        assert!(ids.is_sorted());
        assert!(new_ulid(1) > ids[99], "the clock was set back");
    }

    #[test]
    fn a_password_is_readable_and_never_the_same() {
        let password = new_password();
        assert_eq!(password.len(), 16);
        assert!(!password.contains(['0', 'O', 'o', 'l', '1', 'I']));
        assert_ne!(password, new_password());
    }
}
