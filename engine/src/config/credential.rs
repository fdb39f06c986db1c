//! Secrets of the configuration: in it, or in a file that it names.

use std::io;
use std::path::PathBuf;

use super::reader::Reader;
use crate::store::setting::Hidden;

/// A secret, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Itself.
    Text(Hidden),
    /// The first line of a file, read each time it is used.
    File(PathBuf),
}

/// The file of a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret cannot be read from {}: {source}", path.display())]
pub struct CredentialUnreadable {
    path: PathBuf,
    source: io::Error,
}

impl Credential {
    /// The secret.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub async fn read(&self) -> Result<String, CredentialUnreadable> {
        match self {
            Self::Text(text) => Ok(text.expose().to_owned()),
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|source| CredentialUnreadable { path: path.clone(), source })?;
                Ok(text.lines().next().unwrap_or_default().trim_end().to_owned())
            }
        }
    }
}

/// A secret by its key, or by that of the file which holds it; not by both.
pub(super) fn read(reader: &mut Reader<'_>, [key, file_key]: [&'static str; 2]) -> Option<Credential> {
    let text = reader.text(key).filter(|text| !text.is_empty());
    let file = reader.text(file_key).filter(|text| !text.is_empty());
    match (text, file) {
        (Some(_), Some(_)) => {
            let place = reader.place_of(file_key);
            reader.problem(place, format!("set `{key}` or `{file_key}`, not both"));
            None
        }
        (Some(text), None) => Some(Credential::Text(Hidden::new(text))),
        (None, file) => file.map(|path| Credential::File(PathBuf::from(path))),
    }
}
