//! Ogg/Opus of a finished recording (RFC 7845): stereo stays stereo, at a tenth to a fifth of the size.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Cursor, Write as _};
use std::path::Path;

use audiopus::coder::Encoder;
use audiopus::{Application, Bitrate, Channels, SampleRate};
use media::RecordRate;
use media::codec::Coder;
use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};

/// Why there is no Opus of a file.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Not a recording: stereo of 16 bits at 8, 16 or 48 kHz.
    #[error("it is no WAV file of a recording: {0}")]
    Wav(hound::Error),
    /// Of another rate or number of channels.
    #[error("a recording is stereo of 16 bits at 8, 16 or 48 kHz")]
    Format,
    /// libopus.
    #[error("libopus: {0}")]
    Opus(audiopus::Error),
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<hound::Error> for EncodeError {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => Self::Io(error),
            other => Self::Wav(other),
        }
    }
}

impl From<audiopus::Error> for EncodeError {
    fn from(error: audiopus::Error) -> Self {
        Self::Opus(error)
    }
}

/// Writes the Opus of the WAV file `from` to `to`, whole on disk when this returns. Some hundredths of the audio's length.
///
/// # Errors
/// See [`EncodeError`]; nothing is left at `to`.
pub fn encode_opus(from: &Path, to: &Path) -> Result<(), EncodeError> {
    encode(from, to).inspect_err(|_| drop(fs::remove_file(to)))
}

fn encode(from: &Path, to: &Path) -> Result<(), EncodeError> {
    let wav = hound::WavReader::new(BufReader::new(File::open(from)?))?;
    let spec = wav.spec();
    if spec.channels != 2 || spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        return Err(EncodeError::Format);
    }
    let (rate, bitrate) = match spec.sample_rate {
        8_000 => (SampleRate::Hz8000, 32_000),
        16_000 => (SampleRate::Hz16000, 48_000),
        48_000 => (SampleRate::Hz48000, 96_000),
        _ => return Err(EncodeError::Format),
    };
    let mut encoder = Encoder::new(rate, Channels::Stereo, Application::Audio)?;
    encoder.set_bitrate(Bitrate::BitsPerSecond(bitrate))?;
    // Two parties are two channels: never folded into one, however alike they are or low the rate is.
    encoder.set_force_channels(Channels::Stereo)?;
    let mut out = Out { ogg: PacketWriter::new(BufWriter::new(File::create(to)?)), serial: serial(from) };
    // What a player is to skip, at Opus's clock.
    let to_clock = u64::from(CLOCK_HZ / spec.sample_rate);
    let pre_skip = u64::from(encoder.lookahead()?) * to_clock;
    out.heads(spec.sample_rate, u16::try_from(pre_skip).unwrap_or(u16::MAX))?;
    let total = u64::from(wav.duration());
    // The encoder is late by its look-ahead: the last samples come out of silence behind them.
    let frame = u64::from(spec.sample_rate) / FRAMES_PER_SECOND;
    let frames = (total + pre_skip / to_clock).div_ceil(frame).max(1);
    let mut samples = wav.into_samples::<i16>();
    let (mut pcm, mut packet) = (Vec::new(), vec![0; PACKET_BYTES_MAX]);
    for n in 1..=frames {
        pcm.clear();
        for sample in samples.by_ref().take(usize::try_from(2 * frame).unwrap_or(usize::MAX)) {
            pcm.push(sample?);
        }
        pcm.resize(usize::try_from(2 * frame).unwrap_or(usize::MAX), 0);
        let length = encoder.encode(&pcm, &mut packet)?;
        // RFC 7845 §4: the granule position of the last page may be less than what its packets hold; the rest is cut off.
        let granule = (n * frame * to_clock).min(pre_skip + total * to_clock);
        let end = match n {
            n if n == frames => PacketWriteEndInfo::EndStream,
            n if n % FRAMES_PER_SECOND == 0 => PacketWriteEndInfo::EndPage,
            _ => PacketWriteEndInfo::NormalPacket,
        };
        out.packet(packet[..length].to_vec(), end, granule)?;
    }
    let mut file = out.ogg.into_inner();
    file.flush()?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// Why an Opus file can't be heard.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not Ogg, or broken off.
    #[error("it is no Ogg file: {0}")]
    Ogg(#[from] ogg::OggReadError),
    /// No Opus in it.
    #[error("it is no Opus file of a recording")]
    NotOpus,
    /// libopus.
    #[error("there is no memory to decode Opus")]
    NoMemory,
}

/// What [`encode_opus`] wrote, mixed to one channel at 16 kHz; no more than so many samples.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_opus(file: &[u8], samples_max: usize) -> Result<Vec<i16>, DecodeError> {
    let mut packets = PacketReader::new(Cursor::new(file));
    let head = packets.read_packet()?.ok_or(DecodeError::NotOpus)?;
    if !head.data.starts_with(b"OpusHead") {
        return Err(DecodeError::NotOpus);
    }
    let pre_skip = head.data.get(10..12).map(|skip| u16::from_le_bytes([skip[0], skip[1]])).unwrap_or_default();
    packets.read_packet()?.ok_or(DecodeError::NotOpus)?;
    let decimation = (CLOCK_HZ / HEARD_HZ) as usize;
    let skip = usize::from(pre_skip) / decimation;
    let mut decoder = Coder::OPUS.decoder(RecordRate::Wide).ok_or(DecodeError::NoMemory)?;
    let (mut samples, mut end) = (Vec::new(), 0);
    while let Some(packet) = packets.read_packet()? {
        decoder.decode(&packet.data, &mut samples);
        end = usize::try_from(packet.absgp_page()).unwrap_or(usize::MAX) / decimation;
        if samples.len() >= skip.saturating_add(samples_max) {
            break;
        }
    }
    samples.truncate(end.min(skip.saturating_add(samples_max)));
    samples.drain(..skip.min(samples.len()));
    Ok(samples)
}

struct Out {
    ogg: PacketWriter<'static, BufWriter<File>>,
    serial: u32,
}

impl Out {
    /// RFC 7845 §5.1 and §5.2, a page each.
    fn heads(&mut self, rate_hz: u32, pre_skip: u16) -> io::Result<()> {
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend(pre_skip.to_le_bytes());
        head.extend(rate_hz.to_le_bytes());
        // No gain; mapping family 0: left and right.
        head.extend([0, 0, 0]);
        self.packet(head, PacketWriteEndInfo::EndPage, 0)?;
        let vendor = b"switchboard";
        let mut tags = b"OpusTags".to_vec();
        tags.extend((vendor.len() as u32).to_le_bytes());
        tags.extend(vendor);
        tags.extend(0_u32.to_le_bytes());
        self.packet(tags, PacketWriteEndInfo::EndPage, 0)
    }

    fn packet(&mut self, packet: Vec<u8>, end: PacketWriteEndInfo, granule: u64) -> io::Result<()> {
        self.ogg.write_packet(packet, self.serial, end, granule)
    }
}

/// Any number will do for the only stream of a file: of its name, so that the same file gives the same bytes.
fn serial(from: &Path) -> u32 {
    let name = from.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
    // FNV-1a.
    name.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

const CLOCK_HZ: u32 = 48_000;
/// The rate at which it is decoded.
const HEARD_HZ: u32 = 16_000;
/// Of 20 ms.
const FRAMES_PER_SECOND: u64 = 50;
/// More than any frame of 20 ms of two channels takes.
const PACKET_BYTES_MAX: usize = 4_000;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;
    use std::process::Command;

    use super::*;

    /// Left a tone, right another, 2.5 s.
    fn wav(path: &Path, rate: u32, pitches: [f64; 2]) -> u32 {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        let frames = rate * 5 / 2 + 17;
        for n in 0..frames {
            for hz in pitches {
                writer.write_sample((8_000.0 * (f64::from(n) * hz * TAU / f64::from(rate)).sin()) as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        frames
    }

    fn level(samples: &[f64], rate: u32, hz: f64) -> f64 {
        let phase = |n: usize| n as f64 * hz * TAU / f64::from(rate);
        let re: f64 = samples.iter().enumerate().map(|(n, s)| s * phase(n).cos()).sum();
        let im: f64 = samples.iter().enumerate().map(|(n, s)| s * phase(n).sin()).sum();
        2.0 * re.hypot(im) / samples.len() as f64
    }

    /// ffmpeg is a decoder that we did not write.
    #[test]
    fn another_decoder_finds_each_party_in_its_channel_at_its_pitch_and_place() {
        let folder = tempfile::tempdir().unwrap();
        for rate in [8_000, 16_000, 48_000] {
            let [from, to, back] = ["a.wav", "a.ogg", "b.wav"].map(|name| folder.path().join(name));
            let frames = wav(&from, rate, [440.0, 1_300.0]);
            encode_opus(&from, &to).unwrap();
            let sizes = [&from, &to].map(|path| fs::metadata(path).unwrap().len());
            assert!(sizes[1] * 5 < sizes[0], "{sizes:?}");
            let run = Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(&to).arg(&back).output().unwrap();
            assert!(run.status.success() && run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
            let decoded = hound::WavReader::open(&back).unwrap();
            assert_eq!((decoded.spec().channels, decoded.spec().sample_rate), (2, 48_000));
            assert_eq!(decoded.duration(), frames * (48_000 / rate), "exactly as long as it was");
            let samples: Vec<f64> = decoded.into_samples::<i16>().map(|sample| f64::from(sample.unwrap())).collect();
            let channel = |n: usize| samples.iter().skip(n).step_by(2).copied().collect::<Vec<_>>();
            for (n, own, other) in [(0, 440.0, 1_300.0), (1, 1_300.0, 440.0)] {
                let middle = &channel(n)[24_000..96_000];
                let (own, other) = (level(middle, 48_000, own), level(middle, 48_000, other));
                assert!((6_000.0..9_000.0).contains(&own), "{rate} channel {n}: {own}");
                assert!(other < own / 50.0, "{rate} channel {n}: {other} of the other party beside {own}");
            }
        }
    }

    #[test]
    fn what_is_no_recording_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a.wav", "a.ogg"].map(|name| folder.path().join(name));
        fs::write(&from, b"RIFF").unwrap();
        assert!(encode_opus(&from, &to).is_err());
        wav(&from, 44_100, [440.0, 440.0]);
        assert!(matches!(encode_opus(&from, &to), Err(EncodeError::Format)));
        let whole = {
            wav(&from, 8_000, [440.0, 440.0]);
            fs::read(&from).unwrap()
        };
        fs::write(&from, &whole[..whole.len() / 2]).unwrap();
        assert!(encode_opus(&from, &to).is_err(), "it is cut");
        assert!(!to.exists());
    }

    #[test]
    fn what_is_decoded_is_as_long_and_as_loud_as_what_was_coded_and_what_is_no_opus_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for rate in [8_000, 16_000, 48_000] {
            let (from, to) = (folder.path().join("a.wav"), folder.path().join("a.opus"));
            let frames = wav(&from, rate, [440.0, 440.0]);
            encode_opus(&from, &to).unwrap();
            let file = fs::read(&to).unwrap();
            let whole = decode_opus(&file, usize::MAX).unwrap();
            let expected = u64::from(frames) * 16_000 / u64::from(rate);
            assert!(expected.abs_diff(whole.len() as u64) <= 1, "{rate}: {} of {expected}", whole.len());
            let middle: Vec<f64> = whole[8_000..24_000].iter().map(|sample| f64::from(*sample)).collect();
            let heard = level(&middle, 16_000, 440.0);
            assert!((7_000.0..9_000.0).contains(&heard), "{rate}: {heard}");
            assert_eq!(decode_opus(&file, 1_000).unwrap(), whole[..1_000]);
            assert!(decode_opus(&file[..40], usize::MAX).is_err());
            assert!(matches!(decode_opus(&fs::read(&from).unwrap(), usize::MAX), Err(DecodeError::Ogg(_))));
        }
    }
}
