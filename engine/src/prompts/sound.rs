//! From an uploaded file to what is played: decoded, one channel, evened out in loudness, at 8, 16 and 48 kHz.

use std::io::Cursor;

use ebur128::{EbuR128, Mode};
use rubato::{FftFixedIn, Resampler as _};
use symphonia::core::audio::SampleBuffer;
use symphonia::core::codecs::DecoderOptions;
use symphonia::core::errors::Error as Broken;
use symphonia::core::formats::FormatOptions;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;

/// What a prompt is, and so how loud it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// -20 LUFS: as loud as a party on the telephone.
    Speech,
    /// -26 LUFS: softer than speech; follows on itself, so its ends are not faded.
    Music,
}

/// A sound as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// At 48 kHz.
    pub full: Vec<i16>,
    /// At 16 kHz.
    pub wide: Vec<i16>,
    /// At 8 kHz.
    pub narrow: Vec<i16>,
}

/// Why a file can't be a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// Neither WAV nor MP3, or in a coding that is not read.
    #[error("the file is neither WAV (PCM of 8 to 32 bits, float, A-law or mu-law) nor MP3")]
    Unknown,
    /// It breaks off or its parts do not fit together.
    #[error("the file is damaged: its sound cannot be read")]
    Damaged,
    /// A sampling rate out of bounds.
    #[error("the file has a sampling rate outside 4,000 to 192,000 Hz")]
    Rate,
    /// Under [`LENGTH_MIN_MS`].
    #[error("the sound is shorter than 100 ms")]
    TooShort,
    /// Over [`LENGTH_MAX_S`].
    #[error("the sound is longer than 10 minutes")]
    TooLong,
    /// Nothing to be heard.
    #[error("there is nothing but silence in the file")]
    Silent,
}

/// Reads a file and makes a prompt of it. Seconds of work for a long one: not for a thread that serves others.
///
/// # Errors
/// See [`SoundError`].
pub fn take_in(file: Vec<u8>, kind: Kind) -> Result<Sound, SoundError> {
    let (samples, rate) = decode(file)?;
    if (samples.len() as u64) < u64::from(rate) * LENGTH_MIN_MS / 1_000 {
        return Err(SoundError::TooShort);
    }
    let mut full = resample(&samples, rate, FULL_HZ)?;
    if kind == Kind::Speech {
        fade_ends(&mut full);
    }
    even_out(&mut full, kind)?;
    let at = |hz| resample(&full, FULL_HZ, hz).map(|samples| to_16_bits(&samples));
    Ok(Sound { wide: at(16_000)?, narrow: at(8_000)?, full: to_16_bits(&full) })
}

/// A recording as it was written, mixed to one channel at 16 kHz; as loud as it is. Seconds of work for a long one.
///
/// # Errors
/// See [`SoundError`].
pub fn as_recorded(file: Vec<u8>) -> Result<Vec<i16>, SoundError> {
    let (samples, rate) = decode(file)?;
    Ok(to_16_bits(&resample(&samples, rate, 16_000)?))
}

/// The sound of a file, mixed to one channel, and its rate.
fn decode(file: Vec<u8>) -> Result<(Vec<f32>, u32), SoundError> {
    let source = MediaSourceStream::new(Box::new(Cursor::new(file)), Default::default());
    let gapless = FormatOptions { enable_gapless: true, ..FormatOptions::default() };
    let probed = symphonia::default::get_probe()
        .format(&Hint::new(), source, &gapless, &MetadataOptions::default())
        .map_err(|_| SoundError::Unknown)?;
    let mut format = probed.format;
    let track = format.default_track().ok_or(SoundError::Unknown)?;
    let track_id = track.id;
    let rate = track.codec_params.sample_rate.ok_or(SoundError::Unknown)?;
    if !(4_000..=192_000).contains(&rate) {
        return Err(SoundError::Rate);
    }
    let mut decoder = symphonia::default::get_codecs()
        .make(&track.codec_params, &DecoderOptions::default())
        .map_err(|_| SoundError::Unknown)?;
    let samples_max = rate as usize * LENGTH_MAX_S;
    let mut samples = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(packet) => packet,
            // The end of a file comes as one that is not expected.
            Err(Broken::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(_) => return Err(SoundError::Damaged),
        };
        if packet.track_id() != track_id {
            continue;
        }
        let audio = decoder.decode(&packet).map_err(|_| SoundError::Damaged)?;
        let channels = audio.spec().channels.count().max(1);
        let mut interleaved = SampleBuffer::<f32>::new(audio.capacity() as u64, *audio.spec());
        interleaved.copy_interleaved_ref(audio);
        let mixed =
            interleaved.samples().chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
        samples.extend(mixed.map(|sample| if sample.is_finite() { sample } else { 0.0 }));
        if samples.len() > samples_max {
            return Err(SoundError::TooLong);
        }
    }
    Ok((samples, rate))
}

fn resample(samples: &[f32], from_hz: u32, to_hz: u32) -> Result<Vec<f32>, SoundError> {
    if from_hz == to_hz {
        return Ok(samples.to_vec());
    }
    let mut resampler =
        FftFixedIn::<f32>::new(from_hz as usize, to_hz as usize, CHUNK, 2, 1).map_err(|_| SoundError::Rate)?;
    let delay = resampler.output_delay();
    let wanted = samples.len() * to_hz as usize / from_hz as usize;
    let (mut out, mut at) = (Vec::with_capacity(delay + wanted), 0);
    while out.len() < delay + wanted {
        let need = resampler.input_frames_next();
        let mut chunk = samples[at.min(samples.len())..(at + need).min(samples.len())].to_vec();
        chunk.resize(need, 0.0);
        at += need;
        let given = resampler.process(&[chunk], None).map_err(|_| SoundError::Rate)?;
        out.extend_from_slice(&given[0]);
    }
    out.drain(..delay);
    out.truncate(wanted);
    Ok(out)
}

/// A cut in the middle of a sound clicks.
fn fade_ends(samples: &mut [f32]) {
    let ramp = (FULL_HZ as usize * FADE_MS / 1_000).min(samples.len() / 2);
    let last = samples.len() - 1;
    for at in 0..ramp {
        let gain = at as f32 / ramp as f32;
        samples[at] *= gain;
        samples[last - at] *= gain;
    }
}

/// Brings a sound to the loudness of its kind, its true peak below -1 dB.
fn even_out(samples: &mut [f32], kind: Kind) -> Result<(), SoundError> {
    let target = match kind {
        Kind::Speech => SPEECH_LUFS,
        Kind::Music => MUSIC_LUFS,
    };
    // Where a few loud moments are limited, the whole becomes softer: once more.
    for _ in 0..3 {
        let loudness = loudness(samples).filter(|loudness| *loudness > SILENCE_LUFS).ok_or(SoundError::Silent)?;
        let gain = 10f64.powf((target - loudness) / 20.0) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
        limit(samples);
    }
    Ok(())
}

/// Integrated loudness in LUFS (ITU-R BS.1770) at 48 kHz; what is too short to be measured is measured as if it were repeated.
fn loudness(samples: &[f32]) -> Option<f64> {
    let mut meter = EbuR128::new(1, FULL_HZ, Mode::I).ok()?;
    for _ in 0..(3 * FULL_HZ as usize).div_ceil(samples.len().max(1)).min(30) {
        meter.add_frames_f32(samples).ok()?;
    }
    meter.loudness_global().ok()
}

/// Keeps every sample below [`CEILING`]: the gain goes down ahead of what is too loud and up again after it, in 5 ms.
fn limit(samples: &mut [f32]) {
    let wanted: Vec<f32> = samples.iter().map(|sample| (CEILING / sample.abs().max(CEILING)).min(1.0)).collect();
    if wanted.iter().all(|gain| *gain >= 1.0) {
        return;
    }
    let reach = FULL_HZ as usize * LOOK_AHEAD_MS / 1_000;
    // The least gain within reach; smoothed over the same reach it is never above what is wanted.
    let mut least = vec![1f32; wanted.len()];
    for (at, gain) in wanted.iter().enumerate().filter(|(_, gain)| **gain < 1.0) {
        for near in &mut least[at.saturating_sub(reach)..(at + reach + 1).min(wanted.len())] {
            *near = near.min(*gain);
        }
    }
    let sums: Vec<f64> = std::iter::once(0.0)
        .chain(least.iter().scan(0.0, |sum, gain| {
            *sum += f64::from(*gain);
            Some(*sum)
        }))
        .collect();
    for (at, sample) in samples.iter_mut().enumerate() {
        let (from, to) = (at.saturating_sub(reach), (at + reach + 1).min(least.len()));
        *sample *= ((sums[to] - sums[from]) / (to - from) as f64) as f32;
    }
}

fn to_16_bits(samples: &[f32]) -> Vec<i16> {
    #[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest value in range")]
    samples.iter().map(|sample| (sample * 32_767.0).round() as i16).collect()
}

/// The shortest sound that says anything.
pub const LENGTH_MIN_MS: u64 = 100;
/// The longest: a piece of music.
pub const LENGTH_MAX_S: usize = 600;
const FULL_HZ: u32 = 48_000;
/// Frames resampled at a time.
const CHUNK: usize = 1_024;
const FADE_MS: usize = 5;
const SPEECH_LUFS: f64 = -20.0;
const MUSIC_LUFS: f64 = -26.0;
/// Softer than this is silence.
const SILENCE_LUFS: f64 = -65.0;
/// -2 dB: between the samples and at other rates it may be a little more, so that the true peak stays below -1 dB.
const CEILING: f32 = 0.794;
const LOOK_AHEAD_MS: usize = 5;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// A WAV file: format code, bits and channels as given, every sample made of a value of -1 to 1.
    fn wav(code: u16, bits: u16, channels: u16, hz: u32, samples: impl Iterator<Item = f64>) -> Vec<u8> {
        let mut data = Vec::new();
        for sample in samples {
            for _ in 0..channels {
                match (code, bits) {
                    (1, 8) => data.push((sample * 127.0 + 128.0) as u8),
                    (1, 16) => data.extend(((sample * 32_767.0) as i16).to_le_bytes()),
                    (1, 24) => data.extend(&((sample * 8_388_607.0) as i32).to_le_bytes()[..3]),
                    (3, 32) => data.extend((sample as f32).to_le_bytes()),
                    (6, 8) => data.push(media::codec::g711::to_alaw((sample * 32_767.0) as i16)),
                    (7, 8) => data.push(media::codec::g711::to_ulaw((sample * 32_767.0) as i16)),
                    other => panic!("{other:?}"),
                }
            }
        }
        let block = channels * bits / 8;
        // What is not PCM has a format chunk of 18 bytes.
        let extra: &[u8] = if code == 1 { &[] } else { &[0, 0] };
        let mut file = b"RIFF".to_vec();
        file.extend((36 + extra.len() as u32 + data.len() as u32).to_le_bytes());
        file.extend(b"WAVEfmt ");
        file.extend((16 + extra.len() as u32).to_le_bytes());
        file.extend(code.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(hz.to_le_bytes());
        file.extend((hz * u32::from(block)).to_le_bytes());
        file.extend(block.to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(extra);
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn tone(hz: f64, rate: u32, seconds: f64, level: f64) -> impl Iterator<Item = f64> {
        (0..(f64::from(rate) * seconds) as u32).map(move |i| level * (f64::from(i) * hz * TAU / f64::from(rate)).sin())
    }

    fn level(samples: &[i16], rate: u32, hz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, sample) in samples.iter().enumerate() {
            let phase = i as f64 * hz * TAU / f64::from(rate);
            re += f64::from(*sample) * phase.cos();
            im += f64::from(*sample) * phase.sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    fn measured(samples: &[i16], rate: u32) -> (f64, f64) {
        let mut meter = EbuR128::new(1, rate, Mode::I | Mode::TRUE_PEAK).unwrap();
        meter.add_frames_i16(samples).unwrap();
        (meter.loudness_global().unwrap(), 20.0 * meter.true_peak(0).unwrap().log10())
    }

    #[test]
    fn every_coding_and_rate_is_read_and_stands_at_its_loudness_at_all_three_rates() {
        let files = [
            (1, 8, 1, 8_000),
            (1, 16, 1, 11_025),
            (1, 16, 2, 44_100),
            (1, 24, 2, 48_000),
            (3, 32, 1, 96_000),
            (6, 8, 1, 8_000),
            (7, 8, 1, 16_000),
        ];
        for (code, bits, channels, hz) in files {
            for (kind, target) in [(Kind::Speech, -20.0), (Kind::Music, -26.0)] {
                let file = wav(code, bits, channels, hz, tone(1_000.0, hz, 2.0, 0.1));
                let sound = take_in(file, kind).unwrap();
                for (samples, rate) in [(&sound.narrow, 8_000), (&sound.wide, 16_000), (&sound.full, 48_000)] {
                    assert_eq!(samples.len(), 2 * rate as usize, "{code} {bits} {hz}");
                    let (loudness, peak) = measured(samples, rate);
                    assert!((loudness - target).abs() < 0.5, "{code} {bits} {hz} at {rate}: {loudness} LUFS");
                    assert!(peak < -1.0, "{peak} dBTP");
                    let there = level(&samples[rate as usize / 2..rate as usize], rate, 1_000.0);
                    assert!(there > 1_000.0, "{code} {bits} {hz} at {rate}: {there}");
                }
            }
        }
    }

    /// How far everything that is not the tone lies below it, in dB, the ends left out.
    fn purity(samples: &[f32], rate: u32, hz: f64) -> f64 {
        let part = &samples[samples.len() / 8..samples.len() * 7 / 8];
        let phase = |i: usize| i as f64 * hz * TAU / f64::from(rate);
        // Least squares, since the part holds no whole number of periods.
        let [mut cc, mut ss, mut cs, mut xc, mut xs] = [0.0; 5];
        for (i, sample) in part.iter().enumerate() {
            let (sin, cos) = phase(i).sin_cos();
            (cc, ss, cs) = (cc + cos * cos, ss + sin * sin, cs + cos * sin);
            (xc, xs) = (xc + f64::from(*sample) * cos, xs + f64::from(*sample) * sin);
        }
        let det = cc * ss - cs * cs;
        let (a, b) = ((xc * ss - xs * cs) / det, (xs * cc - xc * cs) / det);
        let rest = |(i, sample): (usize, &f32)| (f64::from(*sample) - a * phase(i).cos() - b * phase(i).sin()).powi(2);
        let rest: f64 = part.iter().enumerate().map(rest).sum();
        10.0 * ((a * a + b * b) / 2.0 * part.len() as f64 / rest).log10()
    }

    #[test]
    fn images_of_the_resampler_lie_60_db_below_what_they_are_images_of() {
        let from = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 96_000];
        let pairs = from.map(|hz| (hz, FULL_HZ)).into_iter().chain([(FULL_HZ, 16_000), (FULL_HZ, 8_000)]);
        for (from, to) in pairs {
            let nyquist = f64::from(from.min(to)) / 2.0;
            let samples = |hz| tone(hz, from, 1.0, 0.5).map(|sample| sample as f32).collect::<Vec<_>>();
            for hz in [0.05, 0.3, 0.5, 0.7, 0.85].map(|part| (part * nyquist).round()) {
                let out = resample(&samples(hz), from, to).unwrap();
                let below = purity(&out, to, hz);
                assert!(below > 60.0, "{hz} Hz from {from} to {to}: {below} dB");
            }
            for hz in
                [1.1, 1.3, 1.6, 2.5].map(|part| part * nyquist).into_iter().filter(|hz| *hz < f64::from(from) / 2.0)
            {
                let out = resample(&samples(hz), from, to).unwrap();
                let part = &out[out.len() / 8..out.len() * 7 / 8];
                let power = part.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / part.len() as f64;
                let below = 10.0 * (0.125 / power).log10();
                assert!(below > 60.0, "{hz} Hz from {from} to {to}: an image at {below} dB");
            }
        }
    }

    /// Numbers that look drawn by lot, the same each time.
    struct Lot(u64);

    impl Lot {
        fn below(&mut self, bound: usize) -> usize {
            // xorshift64, Marsaglia 2003.
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    #[test]
    fn no_mutated_file_makes_the_decoder_panic_or_give_more_than_is_allowed() {
        let short = |code, bits, channels| wav(code, bits, channels, 8_000, tone(400.0, 8_000, 0.15, 0.5));
        let mut seeds = vec![short(1, 16, 1), short(1, 24, 2), short(3, 32, 1), short(6, 8, 1), short(7, 8, 2)];
        seeds.push(include_bytes!("../../tests/data/tone-1khz.mp3")[..1_500].to_vec());
        let mut lot = Lot(0x5EED);
        let (mut read, mut refused) = (0, 0);
        for round in 0..MUTATIONS {
            let mut file = seeds[round % seeds.len()].clone();
            for _ in 0..=lot.below(6) {
                // Half of the changes hit the header.
                let reach = if lot.below(2) == 0 { 64.min(file.len()) } else { file.len() };
                let at = lot.below(reach);
                match lot.below(6) {
                    0 => file[at] = lot.below(256) as u8,
                    1 => file[at] ^= 1 << lot.below(8),
                    2 => file[at] = [0, 0x7F, 0x80, 0xFF][lot.below(4)],
                    3 => file.truncate(at.max(12)),
                    4 => drop(file.drain(at..(at + 1 + lot.below(8)).min(file.len()))),
                    _ => {
                        let copied = file[at..(at + 16).min(file.len())].to_vec();
                        file.splice(at..at, copied);
                    }
                }
                if file.is_empty() {
                    break;
                }
            }
            let shown = format!("mutation {round}");
            match std::panic::catch_unwind(|| decode(file)) {
                Ok(Ok((samples, rate))) => {
                    read += 1;
                    assert!(samples.len() <= rate as usize * LENGTH_MAX_S, "{shown}");
                    assert!(samples.iter().all(|sample| sample.is_finite()), "{shown}");
                }
                Ok(Err(_)) => refused += 1,
                Err(_) => panic!("{shown} panics"),
            }
        }
        assert!(read > MUTATIONS / 20 && refused > MUTATIONS / 20, "{read} read, {refused} refused");
    }

    const MUTATIONS: usize = 6_000;

    #[test]
    fn what_is_above_the_new_rate_is_not_heard_as_something_else() {
        // 6 kHz in a file at 44.1 kHz would be heard at 2 kHz where it is kept at 8 kHz.
        let both = tone(1_000.0, 44_100, 2.0, 0.1).zip(tone(6_000.0, 44_100, 2.0, 0.1)).map(|(low, high)| low + high);
        let sound = take_in(wav(1, 16, 1, 44_100, both), Kind::Speech).unwrap();
        let part = &sound.narrow[4_000..12_000];
        let (wanted, image) = (level(part, 8_000, 1_000.0), level(part, 8_000, 2_000.0));
        assert!(20.0 * (wanted / image).log10() > 60.0, "{wanted} against {image}");
        assert!(level(&sound.wide[8_000..24_000], 16_000, 6_000.0) > wanted * 0.9);
    }

    #[test]
    fn loud_moments_are_limited_and_not_cut() {
        // Soft for most of the time, with one short cry 30 dB above it.
        let hz = 48_000;
        let samples = tone(400.0, hz, 4.0, 0.02).enumerate().map(|(i, soft)| {
            let t = i as f64 / f64::from(hz);
            if (2.0..2.05).contains(&t) { 0.9 * (t * 1_100.0 * TAU).sin() } else { soft }
        });
        let sound = take_in(wav(1, 16, 1, hz, samples), Kind::Speech).unwrap();
        let (_, peak) = measured(&sound.full, hz);
        assert!(peak < -1.0, "{peak} dBTP");
        let cry = &sound.full[96_480..97_920];
        let (tone, third) = (level(cry, hz, 1_100.0), level(cry, hz, 3_300.0));
        assert!(20.0 * (tone / third).log10() > 40.0, "distorted: {tone} against {third}");
        assert!(measured(&sound.narrow, 8_000).1 < -1.0 && measured(&sound.wide, 16_000).1 < -1.0);
    }

    #[test]
    fn what_is_no_prompt_is_refused_by_its_reason() {
        let silence = wav(1, 16, 1, 8_000, std::iter::repeat_n(0.0, 8_000));
        assert_eq!(take_in(silence, Kind::Speech), Err(SoundError::Silent));
        assert_eq!(
            take_in(wav(1, 16, 1, 8_000, tone(400.0, 8_000, 0.05, 0.5)), Kind::Speech),
            Err(SoundError::TooShort)
        );
        let long = wav(1, 8, 1, 4_000, std::iter::repeat_n(0.5, 4_000 * LENGTH_MAX_S + 4_000));
        assert_eq!(take_in(long, Kind::Speech), Err(SoundError::TooLong));
        assert_eq!(take_in(wav(1, 16, 1, 2_000, tone(400.0, 2_000, 1.0, 0.5)), Kind::Speech), Err(SoundError::Rate));
        for garbage in [&b""[..], b"RIFF", b"hello, world", &[0xFF; 4_000]] {
            assert!(take_in(garbage.to_vec(), Kind::Speech).is_err());
        }
        let mut cut = wav(1, 16, 1, 8_000, tone(400.0, 8_000, 2.0, 0.5));
        cut.truncate(cut.len() / 2);
        assert_eq!(take_in(cut, Kind::Speech).map(|sound| sound.narrow.len()), Ok(7_989), "what is there of it");
    }

    #[test]
    fn a_short_word_is_as_loud_as_a_long_one() {
        let sound = |seconds| take_in(wav(1, 16, 1, 16_000, tone(700.0, 16_000, seconds, 0.3)), Kind::Speech).unwrap();
        let loud = |sound: Sound| level(&sound.wide[800..1_600], 16_000, 700.0);
        let (short, long) = (loud(sound(0.15)), loud(sound(3.0)));
        assert!((20.0 * (short / long).log10()).abs() < 1.5, "{short} and {long}");
    }

    #[test]
    fn mp3_is_read() {
        let sound = take_in(include_bytes!("../../tests/data/tone-1khz.mp3").to_vec(), Kind::Speech).unwrap();
        assert!((15_500..16_700).contains(&sound.wide.len()), "{}", sound.wide.len());
        assert!(level(&sound.wide[4_000..12_000], 16_000, 1_000.0) > 2_000.0);
    }
}
