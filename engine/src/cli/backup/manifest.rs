//! `manifest.json`: what a backup holds, so that a restore knows whether it still does.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{CliError, failed, listed};
use crate::secrets::to_hex;
use crate::store::DatabaseKind;

/// The layout that is written and read.
pub(super) const FORMAT: u32 = 1;
const FILE: &str = "manifest.json";
/// Read at once, bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// [`FORMAT`].
    pub(super) format: u32,
    /// The version of switchboard that made it.
    pub(super) version: String,
    /// The last step of the schema that its database has taken.
    pub(super) schema: i64,
    /// When it was made, ms since the Unix epoch.
    pub(super) made_at_ms: u64,
    /// What the server's database was; the backup's is a file of SQLite.
    pub(super) database: DatabaseKind,
    /// How far the journal of each tenant goes: `TENANT.EPOCH.NUMBER`.
    pub(super) journals: Vec<String>,
    /// What is not in it.
    pub(super) left_out: Vec<String>,
    /// Every file but this one, by path.
    pub(super) files: Vec<FileSum>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileSum {
    /// Below the backup's folder, with `/`.
    pub(super) path: String,
    /// Its length.
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

impl Manifest {
    /// Writes it; from then on the folder is a backup.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CliError> {
        let (path, new) = (folder.join(FILE), folder.join("manifest.json.new"));
        let text = serde_json::to_vec_pretty(self).expect("a manifest has only strings for keys");
        let written = fs::write(&new, text)
            .and_then(|()| fs::File::open(&new)?.sync_all())
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| fs::File::open(folder)?.sync_all());
        written.map_err(|error| failed("write", &path, &error))
    }

    /// Reads it from a backup.
    pub(super) fn read(folder: &Path) -> Result<Self, CliError> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let what = "it has no manifest.json: the backup was not finished, or this is another folder";
                return Err(CliError::Usage(format!("{} is no backup, {what}", folder.display())));
            }
            Err(error) => return Err(failed("read", &path, &error)),
        };
        serde_json::from_slice(&text).map_err(|error| damaged(&path, &format!("it cannot be read: {error}")))
    }

    /// Every file is there and is what it was. The first that is not is named.
    pub(super) fn verify(&self, folder: &Path) -> Result<(), CliError> {
        for file in &self.files {
            let path = folder.join(&file.path);
            // Nobody is led out of the backup by what stands in it.
            let is_below = Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
            if !is_below {
                return Err(damaged(&folder.join(FILE), &format!("it names {}", file.path)));
            }
            if !path.is_file() {
                return Err(damaged(&path, "it is missing"));
            }
            let (bytes, sha256) = sum(&path)?;
            if (bytes, &sha256) != (file.bytes, &file.sha256) {
                return Err(damaged(&path, "it is not what was backed up (checksum)"));
            }
        }
        Ok(())
    }
}

fn damaged(path: &Path, what: &str) -> CliError {
    CliError::Failed(format!("the backup is damaged, {}: {what}; take another backup", path.display()))
}

/// Every file below a folder.
pub(super) fn files(folder: &Path) -> Result<Vec<FileSum>, CliError> {
    let mut files = Vec::new();
    gather(folder, "", &mut files)?;
    Ok(files)
}

fn gather(folder: &Path, above: &str, files: &mut Vec<FileSum>) -> Result<(), CliError> {
    for path in listed(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let below = format!("{above}{name}");
        if path.is_dir() {
            gather(&path, &format!("{below}/"), files)?;
        } else {
            let (bytes, sha256) = sum(&path)?;
            files.push(FileSum { path: below, bytes, sha256 });
        }
    }
    Ok(())
}

fn sum(path: &Path) -> Result<(u64, String), CliError> {
    let read = || {
        let mut file = fs::File::open(path)?;
        let (mut context, mut chunk, mut bytes) = (Context::new(&SHA256), vec![0; CHUNK_BYTES], 0);
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok((bytes, to_hex(context.finish().as_ref())));
            }
            context.update(&chunk[..read]);
            bytes += read as u64;
        }
    };
    read().map_err(|error| failed("read", path, &error))
}
