//! Our codecs against those of others, bit by bit, over minutes of what sounds like speech.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use media::codec::g722::{G722Decoder, G722Encoder};
use media::codec::{Decoder as _, Encoder as _};

const RATE: f64 = 16_000.0;
const MINUTES: usize = 3;

/// A voice that talks: pulses of a wandering pitch through three wandering resonances, hisses, pauses, and now and then
/// as loud as it can be.
fn speech() -> Vec<i16> {
    let mut noise = 1u32;
    let mut random = move || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(noise >> 8) / f64::from(1 << 23) - 1.0
    };
    let mut memory = [[0.0f64; 2]; 3];
    let (mut phase, mut sound) = (0.0, Vec::with_capacity(MINUTES * 960_000));
    for at in 0..MINUTES * 960_000 {
        let t = at as f64 / RATE;
        let syllable = (t * 4.3).fract();
        phase += (115.0 + 35.0 * (t * 2.1).sin() + 15.0 * (t * 0.37).sin()) / RATE;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase = phase.fract();
        let hiss = if (t * 1.7).fract() > 0.8 { random() * 0.12 } else { random() * 0.002 };
        let mut voice = 0.0;
        for (nth, memory) in memory.iter_mut().enumerate() {
            let centre = [550.0, 1_500.0, 3_600.0][nth] * (1.0 + 0.3 * (t * [3.1, 2.3, 1.9][nth]).sin());
            let (width, turn) = (0.985, std::f64::consts::TAU * centre / RATE);
            let next = pulse + hiss + 2.0 * width * turn.cos() * memory[0] - width * width * memory[1];
            *memory = [next, memory[0]];
            voice += next * [1.0, 0.5, 0.25][nth];
        }
        let loudness = if (t * 0.11).fract() > 0.9 { 90_000.0 } else { 6_000.0 };
        let envelope = if (t * 0.23).fract() > 0.85 { 0.0 } else { (syllable * std::f64::consts::PI).sin() };
        sound.push((voice * envelope * loudness).clamp(-32_768.0, 32_767.0) as i16);
    }
    sound
}

/// Builds spandsp's side; `make packages-test` brings its library.
fn oracle() -> Result<PathBuf> {
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("g722_oracle_{}", std::process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codecs/g722_oracle.c");
    let built = Command::new("cc").arg("-O1").arg("-o").arg(&to).arg(source).args(["-lspandsp", "-lm"]).output()?;
    ensure!(built.status.success(), "no spandsp (make packages-test): {}", String::from_utf8_lossy(&built.stderr));
    Ok(to)
}

fn through(oracle: &Path, way: &str, input: Vec<u8>) -> Result<Vec<u8>> {
    let mut child = Command::new(oracle).arg(way).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut stdin, mut stdout) = (child.stdin.take().context("piped")?, child.stdout.take().context("piped")?);
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let mut output = Vec::new();
    stdout.read_to_end(&mut output)?;
    feeder.join().ok().context("the feeder panicked")??;
    ensure!(child.wait()?.success(), "{way} failed");
    Ok(output)
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

fn ensure_same<T: PartialEq + std::fmt::Debug>(ours: &[T], theirs: &[T]) -> Result<()> {
    ensure!(ours.len() == theirs.len(), "{} here, {} there", ours.len(), theirs.len());
    let first = ours.iter().zip(theirs).position(|(one, other)| one != other);
    ensure!(first.is_none(), "first difference: {:?}", first.map(|at| (at, &ours[at], &theirs[at])));
    Ok(())
}

#[test]
fn g722_is_that_of_spandsp_bit_by_bit() -> Result<()> {
    let oracle = oracle()?;
    let speech = speech();
    let loud = speech.iter().filter(|sample| sample.unsigned_abs() > 32_000).count();
    ensure!(loud > 10_000 && speech.iter().filter(|sample| **sample == 0).count() > 100_000, "all levels are in it");
    let mut coded = Vec::new();
    let mut encoder = G722Encoder::default();
    speech.chunks(320).for_each(|frame| encoder.encode(frame, &mut coded));
    let bytes = speech.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    ensure_same(&coded, &through(&oracle, "encode", bytes)?).context("encoding")?;

    // What was coded, and then bytes no encoder would give.
    let mut state = 7u32;
    coded.extend((0..1_000_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    let mut decoded = Vec::new();
    let mut decoder = G722Decoder::default();
    coded.chunks(160).for_each(|payload| decoder.decode(payload, &mut decoded));
    let mut theirs = samples(&through(&oracle, "decode", coded)?);
    // What is too loud for 16 bits is cut here, and wraps there: the sign has turned.
    let mut cut = 0;
    for (ours, theirs) in decoded.iter().zip(&mut theirs) {
        if (*ours == i16::MAX && *theirs < 0) || (*ours == i16::MIN && *theirs > 0) {
            *theirs = *ours;
            cut += 1;
        }
    }
    ensure!(cut * 20 < decoded.len(), "{cut} samples cut");
    ensure_same(&decoded, &theirs).context("decoding")?;
    std::fs::remove_file(oracle)?;
    Ok(())
}
