//! Reading a file for a player, and deleting it when its time is over.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// A file open for reading: HTTP ranges are cut from it by its length.
#[derive(Debug)]
pub struct Audio {
    /// At its beginning.
    pub file: File,
    /// Its length now; a recording that is still running grows.
    pub bytes: u64,
}

/// Why there is no audio.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The path leads out of the folder of recordings: our bug, or an index that was tampered with.
    #[error("`{path}` is no path of a recording")]
    Path {
        /// As given.
        path: String,
    },
    /// It was deleted, by retention or by hand (REC-06).
    #[error("the recording is no longer there")]
    Gone,
    /// The system refuses it.
    #[error("cannot read a recording: {0}")]
    Io(io::Error),
}

/// Opens a recording by the path that [`crate::RecordingFile`] gave.
///
/// # Errors
/// See [`AudioError`].
pub fn open_audio(root: &Path, path: &str) -> Result<Audio, AudioError> {
    let file = File::open(checked(root, path)?).map_err(gone_or_io)?;
    let bytes = file.metadata().map_err(AudioError::Io)?.len();
    Ok(Audio { file, bytes })
}

/// Deletes a recording by the path that [`crate::RecordingFile`] gave.
///
/// # Errors
/// See [`AudioError`].
pub fn delete_audio(root: &Path, path: &str) -> Result<(), AudioError> {
    std::fs::remove_file(checked(root, path)?).map_err(gone_or_io)
}

fn checked(root: &Path, path: &str) -> Result<PathBuf, AudioError> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let is_wav = Path::new(path).extension().is_some_and(|ending| ending == "wav");
    if inside && is_wav { Ok(root.join(path)) } else { Err(AudioError::Path { path: path.to_owned() }) }
}

fn gone_or_io(error: io::Error) -> AudioError {
    if error.kind() == io::ErrorKind::NotFound { AudioError::Gone } else { AudioError::Io(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        for path in ["../x.wav", "/etc/passwd", "a/../../x.wav", "", "default/open/marker"] {
            assert!(matches!(open_audio(root.path(), path), Err(AudioError::Path { .. })), "{path}");
        }
        assert!(matches!(open_audio(root.path(), "default/x.wav"), Err(AudioError::Gone)));
    }
}
