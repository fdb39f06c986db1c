//! Who works on a data folder: one process at a time may serve it, restore into it or move its database, and while a backup
//! copies it nobody deletes a file. Locks of the kernel, so that a killed process leaves none behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held by whoever may change the folder as a whole.
const LOCK: &str = "lock";
/// Held exclusively by a backup, shared by whoever deletes files.
const BACKUP_LOCK: &str = "backup.lock";
/// Stands there while a restore is at work: what is there is not whole.
const RESTORING: &str = "restoring";

/// The files by which the folder is locked: they belong to no backup, and a folder that has none else is empty.
pub const LOCK_FILES: [&str; 3] = [LOCK, BACKUP_LOCK, RESTORING];

/// Why the folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{folder} is in use by a running server or another command: stop that one first")]
    Busy {
        /// Which folder.
        folder: PathBuf,
    },
    /// A restore was cut off.
    #[error("a restore into {folder} was cut off: empty the folder and restore again")]
    HalfRestored {
        /// Which folder.
        folder: PathBuf,
    },
    /// The system refuses.
    #[error("cannot use {path}, see its owner and mode: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The one process that serves, restores or moves. Dropped, it lets go.
#[derive(Debug)]
pub struct DataLock {
    folder: PathBuf,
    _file: File,
}

impl DataLock {
    /// Takes the folder, which is made where missing.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let lock = Self::take_any(folder)?;
        if folder.join(RESTORING).exists() {
            return Err(LockError::HalfRestored { folder: folder.to_owned() });
        }
        Ok(lock)
    }

    /// As [`Self::take`] for a restore, which may follow one that was cut off.
    ///
    /// # Errors
    /// [`LockError::Busy`], [`LockError::Io`].
    pub fn take_any(folder: &Path) -> Result<Self, LockError> {
        fs::create_dir_all(folder).map_err(|source| LockError::Io { path: folder.to_owned(), source })?;
        let path = folder.join(LOCK);
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Busy { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }

    /// From now on the folder is not whole.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin_restore(&self) -> io::Result<()> {
        File::create(self.folder.join(RESTORING))?.sync_all()
    }

    /// The folder is whole again.
    ///
    /// # Errors
    /// What the system says.
    pub fn end_restore(&self) -> io::Result<()> {
        fs::remove_file(self.folder.join(RESTORING))
    }
}

/// Held while a folder is copied: what is in it is not deleted.
#[derive(Debug)]
pub struct BackupLock {
    _file: File,
}

impl BackupLock {
    /// Takes it, unless somebody deletes at this moment or another backup runs.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(BACKUP_LOCK);
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Busy { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
        }
    }
}

/// Asks before files of a data folder are deleted.
#[derive(Clone, Debug)]
pub struct Deletions {
    lock: PathBuf,
}

/// May be held while files are deleted; a backup waits for its end.
#[derive(Debug)]
pub struct MayDelete {
    _file: Option<File>,
}

impl Deletions {
    /// Of this data folder.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self { lock: data_dir.join(BACKUP_LOCK) }
    }

    /// Leave to delete; `None` while a backup runs: try again later. A folder that cannot be locked is not backed up either.
    #[must_use]
    pub fn begin(&self) -> Option<MayDelete> {
        let Ok(file) = open(&self.lock) else { return Some(MayDelete { _file: None }) };
        match file.try_lock_shared() {
            Ok(()) => Some(MayDelete { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(MayDelete { _file: None }),
        }
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    opened.map_err(|source| LockError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_the_folder_and_nobody_deletes_during_a_backup() {
        let folder = tempfile::tempdir().unwrap();
        let lock = DataLock::take(folder.path()).unwrap();
        assert!(matches!(DataLock::take(folder.path()), Err(LockError::Busy { .. })));
        lock.begin_restore().unwrap();
        drop(lock);
        assert!(matches!(DataLock::take(folder.path()), Err(LockError::HalfRestored { .. })));
        DataLock::take_any(folder.path()).unwrap().end_restore().unwrap();
        drop(DataLock::take(folder.path()).unwrap());

        let deletions = Deletions::of(folder.path());
        let (one, two) = (deletions.begin().unwrap(), deletions.begin().unwrap());
        assert!(matches!(BackupLock::take(folder.path()), Err(LockError::Busy { .. })));
        drop((one, two));
        let backup = BackupLock::take(folder.path()).unwrap();
        assert!(deletions.begin().is_none());
        drop(backup);
        assert!(deletions.begin().is_some());
        assert!(Deletions::of(Path::new("/no/such/folder")).begin().is_some());
    }
}
