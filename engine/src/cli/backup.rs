//! `switchboard backup`: a copy that a server can be started on. The database goes first and the journal after it, so the
//! journal in the copy is never behind what the database has read of it; what it has more is read at the next start.

use std::fs;
use std::io;
use std::path::Path;

use super::CliError;
use crate::config::Config;
use crate::store::Store;

/// What goes into a backup beside database, journal and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    /// The audio files, too.
    Recordings,
    /// What the database knows of them.
    IndexOnly,
}

pub(super) async fn run(config: &Config, to: &Path, with: With) -> Result<String, CliError> {
    if to.exists() {
        return Err(CliError::Usage(format!("{} exists already, name a new folder", to.display())));
    }
    fs::create_dir_all(to).map_err(|source| failed(to, &source))?;
    let store = Store::open(&config.storage).await?;
    let copied = store.copy_to(&to.join("switchboard.db")).await;
    store.close().await;
    let mut notes = String::new();
    if !copied? {
        notes.push_str("; the database is PostgreSQL: back it up with pg_dump now, before the journal moves on");
    }
    let mut files = copy_tree(&config.journal_dir(), &to.join("journal"))?;
    files += copy_file(&config.key_file(), &to.join("secret.key"))?;
    if with == With::Recordings {
        files += copy_tree(&config.recording.dir, &to.join("recordings"))?;
    }
    Ok(format!("{} holds the backup: {files} files beside the database{notes}", to.display()))
}

/// Copies a folder with all below it; how many files. A missing folder is an empty one, and a file that goes meanwhile
/// (a segment past its time) is none.
fn copy_tree(from: &Path, to: &Path) -> Result<u64, CliError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(from, &error)),
    };
    fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
    let mut files = 0;
    for entry in entries {
        let entry = entry.map_err(|error| failed(from, &error))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            files += copy_tree(&path, &target)?;
        } else {
            files += copy_file(&path, &target)?;
        }
    }
    Ok(files)
}

fn copy_file(from: &Path, to: &Path) -> Result<u64, CliError> {
    match fs::copy(from, to) {
        Ok(_) => Ok(1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(failed(from, &error)),
    }
}

fn failed(path: &Path, error: &io::Error) -> CliError {
    CliError::Failed(format!("cannot copy {}: {error}", path.display()))
}
