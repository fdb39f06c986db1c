//! `switchboard restore`: a backup into an empty data folder. Nothing is written before all of the backup is seen to be whole.

use std::fs;
use std::path::Path;

use super::manifest::{FORMAT, Manifest};
use super::{CliError, DATABASE, JOURNAL, PLAIN, PLUGINS, RECORDINGS, copy_any, copy_file, copy_tree, failed, listed};
use crate::config::{Config, StorageUrl};
use crate::data_lock::{DataLock, LOCK_FILES};
use crate::store::Store;

/// A file system of its own has it; it holds nothing of anybody.
const LOST_AND_FOUND: &str = "lost+found";

pub(in crate::cli) async fn run(config: &Config, from: &Path) -> Result<String, CliError> {
    if !from.is_dir() {
        return Err(CliError::Usage(format!("there is no folder {}, name that of a backup", from.display())));
    }
    let manifest = Manifest::read(from)?;
    if manifest.format != FORMAT || manifest.schema > Store::LAST_STEP {
        let version = &manifest.version;
        return Err(CliError::Failed(format!(
            "the backup was made by a newer version, {version} (schema {} of {}): restore it with that one",
            manifest.schema,
            Store::LAST_STEP
        )));
    }
    manifest.verify(from)?;
    let lock = DataLock::take_any(&config.data_dir).map_err(|error| CliError::Failed(error.to_string()))?;
    must_be_empty(&config.data_dir)?;
    must_be_empty(&config.recording.dir)?;
    if let StorageUrl::Sqlite(path) = &config.storage
        && path.exists()
    {
        return Err(CliError::Usage(format!("the database {} exists, move it away", path.display())));
    }
    lock.begin_restore().map_err(|error| failed("write into", &config.data_dir, &error))?;
    put_database(config, &from.join(DATABASE)).await?;
    copy_tree(&from.join(JOURNAL), &config.journal_dir())?;
    copy_tree(&from.join(PLUGINS), &config.data_dir.join(PLUGINS))?;
    for name in PLAIN {
        copy_any(&from.join(name), &config.data_dir.join(name))?;
    }
    copy_tree(&from.join(RECORDINGS), &config.recording.dir)?;
    lock.end_restore().map_err(|error| failed("finish", &config.data_dir, &error))?;
    let (files, journals) = (manifest.files.len(), manifest.journals.join(", "));
    let without = manifest.left_out.join(", ");
    Ok(format!(
        "{} holds what was backed up: {files} files, the journal up to {journals}; it was backed up without {without}",
        config.data_dir.display()
    ))
}

fn must_be_empty(folder: &Path) -> Result<(), CliError> {
    let is_ours = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        LOCK_FILES.contains(&name) || name == LOST_AND_FOUND
    };
    match listed(folder)?.into_iter().find(|path| !is_ours(path)) {
        None => Ok(()),
        Some(found) => {
            let (found, folder) = (found.display(), folder.display());
            Err(CliError::Usage(format!("{folder} is not empty, {found} is there: name an empty one, or move it away")))
        }
    }
}

/// A file for SQLite; for PostgreSQL every row of it, into an empty database.
async fn put_database(config: &Config, from: &Path) -> Result<(), CliError> {
    match &config.storage {
        StorageUrl::Sqlite(path) => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| failed("make", folder, &error))?;
            }
            copy_file(from, path)
        }
        StorageUrl::Postgres(_) => {
            // The copy is brought up to date, not the backup.
            let copy = config.data_dir.join("restored.db");
            copy_file(from, &copy)?;
            let source = Store::open(&StorageUrl::Sqlite(copy.clone())).await?;
            let target = Store::open(&config.storage).await?;
            let copied = source.copy_all(&target).await;
            source.close().await;
            target.close().await;
            for name in ["restored.db", "restored.db-wal", "restored.db-shm"] {
                // Gone already, where SQLite has cleared up.
                let _ = fs::remove_file(config.data_dir.join(name));
            }
            copied.map(drop).map_err(|error| CliError::Failed(error.to_string()))
        }
    }
}
