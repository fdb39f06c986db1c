//! The form in which a recording is kept: coded and sealed, on a thread of the least priority.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooks::fact::AudioFormat;
use recordings::{EncodeError, SealKeys, encode_opus, seal, sha256_of};

use crate::background;

/// What is to become of a WAV file.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) format: AudioFormat,
    pub(super) keys: Option<Arc<SealKeys>>,
}

impl Form {
    /// Whether it is kept as it was written.
    pub(super) fn is_as_written(&self) -> bool {
        self.format == AudioFormat::Wav && self.keys.is_none()
    }
}

/// A file in its form, beside the one it was made of, under a name that ends with `.part`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) file: PathBuf,
    pub(super) format: AudioFormat,
    /// Of what is heard.
    pub(super) bytes: u64,
    /// Of what is heard; `None` where it is what was written.
    pub(super) sha256: Option<String>,
    /// The name of the key.
    pub(super) sealed_by: Option<String>,
}

/// Makes it, on a thread of its own: at most one core, and that only while nobody else wants it.
///
/// # Errors
/// The disk.
pub(super) async fn make(from: PathBuf, form: Form) -> io::Result<Made> {
    background::run("recording-form", LEAST_PRIORITY, move || work(&from, &form)).await?
}

fn work(from: &Path, form: &Form) -> io::Result<Made> {
    let mut made = coded(from, form.format)?;
    let Some(keys) = &form.keys else { return Ok(made) };
    let sealed = from.with_extension(SEALED_PART);
    let mut out = BufWriter::new(File::create(&sealed)?);
    seal(keys, &mut BufReader::new(File::open(&made.file)?), made.bytes, &mut out)?;
    out.flush()?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    if made.file != from {
        fs::remove_file(&made.file)?;
    }
    (made.file, made.sealed_by) = (sealed, Some(keys.sealing().to_owned()));
    Ok(made)
}

fn coded(from: &Path, format: AudioFormat) -> io::Result<Made> {
    let as_written =
        |bytes| Made { file: from.to_owned(), format: AudioFormat::Wav, bytes, sha256: None, sealed_by: None };
    let bytes = fs::metadata(from)?.len();
    match format {
        AudioFormat::Wav => Ok(as_written(bytes)),
        AudioFormat::Opus => {
            let file = from.with_extension(OPUS_PART);
            match encode_opus(from, &file) {
                Ok(()) => {
                    let (bytes, sha256) = (fs::metadata(&file)?.len(), sha256_of(&file)?);
                    Ok(Made { file, format, bytes, sha256: Some(sha256), sealed_by: None })
                }
                Err(EncodeError::Io(error)) => Err(error),
                Err(error) => {
                    tracing::warn!(%error, file = %from.display(), "a recording stays WAV");
                    Ok(as_written(bytes))
                }
            }
        }
    }
}

/// The name under which it is kept.
pub(super) fn kept_path(written: &str, made: &Made) -> String {
    let stem = written.strip_suffix(".wav").unwrap_or(written);
    let coding = match made.format {
        AudioFormat::Wav => "wav",
        AudioFormat::Opus => "ogg",
    };
    let sealed = if made.sealed_by.is_some() { ".sealed" } else { "" };
    format!("{stem}.{coding}{sealed}")
}

/// The name under which a recording was written that is kept as `kept`.
pub(super) fn written_path(kept: &str) -> String {
    let coded = kept.strip_suffix(".sealed").unwrap_or(kept);
    let stem = coded.strip_suffix(".ogg").or_else(|| coded.strip_suffix(".wav")).unwrap_or(coded);
    format!("{stem}.wav")
}

/// Every name under which it may be kept.
pub(super) fn kept_paths(written: &str) -> [String; 4] {
    let stem = written.strip_suffix(".wav").unwrap_or(written);
    ["wav", "ogg", "wav.sealed", "ogg.sealed"].map(|ending| format!("{stem}.{ending}"))
}

/// What is there while it is made.
pub(super) fn parts(written: &Path) -> [PathBuf; 2] {
    [OPUS_PART, SEALED_PART].map(|ending| written.with_extension(ending))
}

const OPUS_PART: &str = "ogg.part";
const SEALED_PART: &str = "sealed.part";
/// The most that one can be nice.
const LEAST_PRIORITY: i32 = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_it_was_written_under_is_found_from_the_one_it_is_kept_under() {
        for format in [AudioFormat::Wav, AudioFormat::Opus] {
            for sealed_by in [None, Some("a".to_owned())] {
                let made = Made { file: PathBuf::new(), format, bytes: 0, sha256: None, sealed_by };
                for written in ["default/2026/11/25/01ABC.wav", "default/2026/11/25/01ABC-2.wav"] {
                    let kept = kept_path(written, &made);
                    assert_eq!(written_path(&kept), written);
                    assert!(kept_paths(written).contains(&kept));
                }
            }
        }
    }
}
