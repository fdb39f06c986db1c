//! `switchboard backup`: a copy that a server can be started on, made while the server runs.
//!
//! The order makes it consistent. The databases go first and the journal after them, so the journal in the copy is never behind
//! what a database has read of it; what it has more is read at the next start. The files go last, and nobody deletes any
//! meanwhile: so each row has its file, and a file that nothing names is the worst there may be. The manifest goes last of all:
//! a folder without one is no backup.

pub(super) mod manifest;
pub(super) mod restore;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::CliError;
use crate::config::{Config, StorageUrl};
use crate::data_lock::{BackupLock, LockError};
use crate::journal;
use crate::store::{DatabaseKind, Store, unix_ms};
use manifest::{FORMAT, Manifest};

/// What goes into a backup beside databases, journal, keys and prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    /// The audio files, too.
    Recordings,
    /// What the database knows of them.
    IndexOnly,
}

/// The database in a backup, whichever kind the server uses.
const DATABASE: &str = "switchboard.db";
const JOURNAL: &str = "journal";
const RECORDINGS: &str = "recordings";
const PLUGINS: &str = "plugins";
/// Files and folders of the data folder that are copied as they are, after the journal.
const PLAIN: [&str; 4] = ["secret.key", "tls", "prompts", "tasks"];
/// How long a backup waits for somebody who deletes files.
const WAIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(config: &Config, config_file: &Path, to: &Path, with: With) -> Result<String, CliError> {
    if to.exists() {
        return Err(CliError::Usage(format!("{} exists already, name a new folder", to.display())));
    }
    if !config.data_dir.is_dir() {
        let folder = config.data_dir.display();
        return Err(CliError::Usage(format!(
            "there is no data folder {folder}; start the server once, or name its file"
        )));
    }
    let _nobody_deletes = lock(&config.data_dir).await?;
    // It holds secrets.
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(to).map_err(|error| failed("make", to, &error))?;
    let (database, schema) = copy_database(config, to).await?;
    copy_plugins(&config.data_dir.join(PLUGINS), &to.join(PLUGINS)).await?;
    copy_tree(&config.journal_dir(), &to.join(JOURNAL))?;
    for name in PLAIN {
        copy_any(&config.data_dir.join(name), &to.join(name))?;
    }
    let mut left_out = vec![
        config_file.display().to_string(),
        config.checkpoint_dir().display().to_string(),
        config.ladder_dir().display().to_string(),
    ];
    match with {
        With::Recordings => copy_tree(&config.recording.dir, &to.join(RECORDINGS)).map(drop)?,
        With::IndexOnly => left_out.push(config.recording.dir.display().to_string()),
    }
    if config.recording.s3.is_some() {
        left_out.push("recordings in the bucket".to_owned());
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema,
        made_at_ms: unix_ms(),
        database,
        journals: positions(&to.join(JOURNAL))?,
        left_out,
        files: manifest::files(to)?,
    };
    manifest.write(to)?;
    let (files, bytes) = (manifest.files.len(), manifest.files.iter().map(|file| file.bytes).sum::<u64>());
    let without = manifest.left_out.join(", ");
    Ok(format!("{} holds the backup: {files} files, {bytes} bytes; not in it: {without}", to.display()))
}

async fn lock(data_dir: &Path) -> Result<BackupLock, CliError> {
    let until = Instant::now() + WAIT;
    loop {
        match BackupLock::take(data_dir) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Busy { .. }) if Instant::now() < until => tokio::time::sleep(LOOK).await,
            Err(error) => return Err(CliError::Failed(format!("{error}; another backup may be running"))),
        }
    }
}

/// The database as a file of SQLite, whatever it is now; and how far its schema is.
async fn copy_database(config: &Config, to: &Path) -> Result<(DatabaseKind, i64), CliError> {
    let store = Store::open_as_it_is(&config.storage).await?;
    let copied = async {
        let schema = store.schema_step().await?;
        if store.copy_to(&to.join(DATABASE)).await? {
            return Ok((DatabaseKind::Sqlite, schema));
        }
        if schema != Store::LAST_STEP {
            return Err(CliError::Failed(
                "the schema of the database is another version's: run switchboard migrate".into(),
            ));
        }
        let copy = Store::open(&StorageUrl::Sqlite(to.join(DATABASE))).await?;
        let all = store.copy_all(&copy).await;
        copy.close().await;
        all.map_err(|error| CliError::Failed(error.to_string()))?;
        Ok((DatabaseKind::Postgres, schema))
    };
    let copied = copied.await;
    store.close().await;
    copied
}

/// Each plugin's folder: its databases by their own means, all else as it is.
async fn copy_plugins(from: &Path, to: &Path) -> Result<(), CliError> {
    for plugin in listed(from)?.into_iter().filter(|path| path.is_dir()) {
        let target = to.join(plugin.file_name().unwrap_or_default());
        fs::create_dir_all(&target).map_err(|error| failed("make", &target, &error))?;
        for path in listed(&plugin)? {
            let name = path.file_name().unwrap_or_default().to_owned();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("db") => {
                    let store = Store::open_as_it_is(&StorageUrl::Sqlite(path)).await?;
                    let copied = store.copy_to(&target.join(name)).await;
                    store.close().await;
                    copied?;
                }
                // They belong to an open database.
                Some("db-wal" | "db-shm") => {}
                Some(_) | None => copy_any(&path, &target.join(name))?,
            }
        }
    }
    Ok(())
}

/// How far each tenant's journal in the copy goes.
fn positions(folder: &Path) -> Result<Vec<String>, CliError> {
    let mut positions = Vec::new();
    for tenant in listed(folder)? {
        let name = tenant.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        let Some(name) = name else { continue };
        let last = journal::last_position(folder, &name).map_err(|error| CliError::Failed(error.to_string()))?;
        positions.extend(last.map(|position| position.to_string()));
    }
    Ok(positions)
}

fn copy_any(from: &Path, to: &Path) -> Result<(), CliError> {
    if from.is_dir() { copy_tree(from, to) } else { copy_file(from, to) }
}

/// Copies a folder with all below it. A missing folder is an empty one. What there is is listed before anything is copied, and
/// copied in the order of the names: of a journal's segments only the last grows, so no gap comes before a segment that
/// was begun meanwhile.
fn copy_tree(from: &Path, to: &Path) -> Result<(), CliError> {
    for path in listed(from)? {
        fs::create_dir_all(to).map_err(|error| failed("make", to, &error))?;
        copy_any(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// What is in a folder, by name; nothing where there is none.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder, &error)),
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|error| failed("read", folder, &error))?;
    paths.sort();
    Ok(paths)
}

/// A file that goes meanwhile (one of a recording that is being brought into its form) is none.
fn copy_file(from: &Path, to: &Path) -> Result<(), CliError> {
    match fs::copy(from, to).and_then(|_| fs::File::open(to)?.sync_all()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("copy", from, &error)),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> CliError {
    CliError::Failed(format!("cannot {what} {}, see its owner, mode and disk: {error}", path.display()))
}
