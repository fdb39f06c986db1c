//! What is kept of an authority, in `tls/acme` of the data folder: the account and its key, for each name one file with certificate, chain and
//! key, and how the tries went. All of mode 0600, each replaced at once.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::secrets::write_private;
use crate::tls::CertificateFiles;

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// The account with an authority.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptAccount {
    /// Whom the authority was told that it may write to.
    pub contact: Option<String>,
    /// Its address there, and its key.
    pub credentials: AccountCredentials,
}

impl Folder {
    /// The one below `tls`.
    #[must_use]
    pub(super) fn below(tls: &Path) -> Self {
        Self(tls.join("acme"))
    }

    /// Where the certificate of a name lies with its key: in one file, or a crash could part them.
    #[must_use]
    pub(super) fn files(&self, name: &str) -> CertificateFiles {
        let file = self.0.join(format!("{name}.pem"));
        CertificateFiles { certificate: file.clone(), key: file }
    }

    /// Keeps a certificate with its key.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_certificate(&self, name: &str, pem: &str) -> io::Result<()> {
        write_private(&self.files(name).certificate, pem.as_bytes())
    }

    /// The account with the authority of this directory.
    #[must_use]
    pub(super) fn account(&self, directory: &str) -> Option<KeptAccount> {
        read(&self.account_file(directory))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_account(&self, directory: &str, account: &KeptAccount) -> io::Result<()> {
        write_private(&self.account_file(directory), &serde_json::to_vec_pretty(account)?)
    }

    /// The authority knows it no longer.
    pub(super) fn forget_account(&self, directory: &str) {
        let _ = std::fs::remove_file(self.account_file(directory));
    }

    /// How the tries went, by name.
    #[must_use]
    pub(super) fn standings(&self) -> BTreeMap<String, Standing> {
        read(&self.standings_file()).unwrap_or_default()
    }

    /// Keeps that.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_standings(&self, standings: &BTreeMap<String, Standing>) -> io::Result<()> {
        write_private(&self.standings_file(), &serde_json::to_vec_pretty(standings)?)
    }

    fn standings_file(&self) -> PathBuf {
        self.0.join("tries.json")
    }

    /// Another directory is another authority.
    fn account_file(&self, directory: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let slug: String = directory.trim_start_matches("https://").chars().map(plain).collect();
        self.0.join(format!("account-{slug}.json"))
    }
}

/// What cannot be read is made anew.
fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "a file of [acme] cannot be read and is made anew");
            return None;
        }
    };
    let read = serde_json::from_slice(&bytes);
    read.inspect_err(
        |error| tracing::warn!(file = %file.display(), %error, "a file of [acme] is none and is made anew"),
    )
    .ok()
}
