//! Where the sound of uploaded prompts lies: `FOLDER/TENANT/FILE-{8,16,48}k.wav`, mono, 16 bits.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hooks::id::TenantId;

use super::sound::Sound;
use crate::data_lock::Deletions;

/// The folder of all prompts.
#[derive(Clone, Debug)]
pub struct PromptFiles(PathBuf, Option<Deletions>);

impl PromptFiles {
    /// Below this folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self(folder, None)
    }

    /// Deletes nothing while a backup copies the folder.
    #[must_use]
    pub fn sparing(self, deletions: Deletions) -> Self {
        Self(self.0, Some(deletions))
    }

    /// Writes a sound under a name that was never used: it is whole on disk when this returns.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, tenant: &TenantId, file: &str, sound: &Sound) -> io::Result<()> {
        std::fs::create_dir_all(self.0.join(tenant.as_str()))?;
        for (khz, samples) in [(8, &sound.narrow), (16, &sound.wide), (48, &sound.full)] {
            let path = self.path(tenant, file, khz);
            let mut writer = hound::WavWriter::create(&path, spec(khz)).map_err(wrong)?;
            let mut all = writer.get_i16_writer(u32::try_from(samples.len()).unwrap_or(u32::MAX));
            samples.iter().for_each(|sample| all.write_sample(*sample));
            all.flush().map_err(wrong)?;
            writer.finalize().map_err(wrong)?;
            std::fs::File::open(&path)?.sync_all()?;
        }
        std::fs::File::open(self.0.join(tenant.as_str()))?.sync_all()
    }

    /// The sound that is played, at 16 kHz.
    ///
    /// # Errors
    /// It is not there or not what [`Self::write`] wrote.
    pub fn read(&self, tenant: &TenantId, file: &str) -> io::Result<Arc<[i16]>> {
        let reader = hound::WavReader::open(self.path(tenant, file, 16)).map_err(wrong)?;
        if reader.spec() != spec(16) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is not mono of 16 bits at 16 kHz"));
        }
        reader.into_samples::<i16>().collect::<Result<Vec<i16>, _>>().map(Arc::from).map_err(wrong)
    }

    /// The file to listen to: at 48 kHz.
    #[must_use]
    pub fn best(&self, tenant: &TenantId, file: &str) -> PathBuf {
        self.path(tenant, file, 48)
    }

    /// Deletes a sound that nothing names any more. What cannot be deleted costs disk, nothing else.
    pub fn delete(&self, tenant: &TenantId, file: &str) {
        let leave = self.1.as_ref().map(Deletions::begin);
        if let Some(None) = leave {
            tracing::info!(file, "the files of a prompt stay: a backup copies them");
            return;
        }
        for khz in [8, 16, 48] {
            let path = self.path(tenant, file, khz);
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "the file of a prompt cannot be deleted");
            }
        }
    }

    fn path(&self, tenant: &TenantId, file: &str, khz: u32) -> PathBuf {
        self.0.join(tenant.as_str()).join(Path::new(&format!("{file}-{khz}k.wav")))
    }
}

fn spec(khz: u32) -> hound::WavSpec {
    hound::WavSpec {
        channels: 1,
        sample_rate: khz * 1_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    }
}

fn wrong(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
