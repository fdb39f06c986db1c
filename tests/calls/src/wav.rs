//! WAV files in and out, 16 bit PCM, by the `hound` crate: not by the writer that is under test.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// A sound: one vector of samples in -1.0..=1.0 for each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples per second.
    pub rate: u32,
    /// Samples by channel; all of one length.
    pub channels: Vec<Vec<f64>>,
}

impl Sound {
    /// A sound of one channel.
    #[must_use]
    pub fn mono(rate: u32, samples: Vec<f64>) -> Self {
        Self { rate, channels: vec![samples] }
    }

    /// How long it lasts, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.channels.first().map_or(0.0, |c| c.len() as f64 / f64::from(self.rate))
    }
}

/// Reads a file of 16 bit PCM.
///
/// # Errors
/// When it is no such file, or its last frame is torn.
pub fn read(path: &Path) -> Result<Sound> {
    let mut reader = hound::WavReader::open(path).with_context(|| format!("{} is no WAV file", path.display()))?;
    let spec = reader.spec();
    ensure!(spec.bits_per_sample == 16, "{}: {} bits, 16 wanted", path.display(), spec.bits_per_sample);
    let mut channels = vec![Vec::new(); usize::from(spec.channels)];
    let count = channels.len();
    for (index, sample) in reader.samples::<i16>().enumerate() {
        let sample = sample.with_context(|| format!("{} is torn at sample {index}", path.display()))?;
        channels[index % count].push(f64::from(sample) / 32_768.0);
    }
    Ok(Sound { rate: spec.sample_rate, channels })
}

/// Writes `sound` as 16 bit PCM.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, sound: &Sound) -> Result<()> {
    let spec = hound::WavSpec {
        channels: u16::try_from(sound.channels.len()).context("too many channels")?,
        sample_rate: sound.rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer =
        hound::WavWriter::create(path, spec).with_context(|| format!("{} cannot be made", path.display()))?;
    let frames = sound.channels.first().map_or(0, Vec::len);
    for frame in 0..frames {
        for channel in &sound.channels {
            writer.write_sample(to_i16(channel[frame])).context("a sample cannot be written")?;
        }
    }
    writer.finalize().context("the WAV header cannot be written")
}

/// A sample as 16 bit PCM, clipped.
#[must_use]
pub fn to_i16(sample: f64) -> i16 {
    let scaled = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range just above")]
    let pcm = scaled as i16;
    pcm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stereo_sound_survives_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let sound = Sound { rate: 8_000, channels: vec![vec![0.0, 0.5, -1.0], vec![0.25, -0.25, 0.125]] };
        write(&path, &sound).unwrap();
        assert_eq!(read(&path).unwrap(), sound);
    }
}
