//! Speech of G.711 over a bad network, as a person would rate it: PESQ of what the jitter buffer makes of it, against the same
//! packets through a plain relay. Offline and seeded: each run hears the same.

mod speech;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use calls::impair::{Fate, Impairment};
use calls::rtp::{Packet, played};
use media::codec::{Coder, Law};
use media::jitter::JitterBuffer;
use media::rtp::Header;
use speech::Language;

/// Samples of G.711 in a packet of 20 ms.
const PACKET: usize = 160;
/// What the requirement asks of the mixed path at 5 % loss, of the English voice.
const ENGLISH_MIN: f64 = 3.6;
/// The Mandarin voice of espeak-ng is worth 4.04 to PESQ already where nothing is lost.
const MANDARIN_MIN: f64 = 3.2;
/// G.711 alone; less would mean that the measure is off.
const CLEAN_MIN: [f64; 2] = [4.2, 4.0];

/// A packet of the speech with when it comes, if it does.
struct Flight {
    arrives_us: u64,
    header: Header,
    payload: Vec<u8>,
}

/// The speech in packets of 20 ms through a bad network, in order of arrival.
fn flights(speech: &[i16], impairment: Impairment) -> Vec<Flight> {
    let coder = Coder::G711(Law::Mu);
    let mut encoder = coder.encoder().expect("G.711 has an encoder");
    let mut fates = impairment.fates();
    let mut flights: Vec<Flight> = (0u16..)
        .zip(speech.chunks_exact(PACKET))
        .filter_map(|(nth, frame)| {
            let mut payload = Vec::new();
            encoder.encode(frame, &mut payload);
            let header = Header { sequence: nth, timestamp: u32::from(nth) * 160, ssrc: 7, ..Header::default() };
            let spoken_us = 1_000_000 + u64::from(nth) * 20_000;
            match fates.next()? {
                Fate::Lost => None,
                Fate::Comes { after_us } => Some(Flight { arrives_us: spoken_us + after_us, header, payload }),
            }
        })
        .collect();
    flights.sort_by_key(|flight| flight.arrives_us);
    flights
}

/// What a sink in a mix gets: pulled each 20 ms, encoded again.
fn mixed(flights: &[Flight], seconds: usize) -> Vec<i16> {
    let coder = Coder::G711(Law::Mu);
    let (mut encoder, mut decoder) =
        (coder.encoder().expect("G.711"), coder.decoder(media::RecordRate::Narrow).expect("G.711"));
    let mut buffer = JitterBuffer::new(20);
    let mut flights = flights.iter().peekable();
    let mut heard = Vec::new();
    for tick in 0..(seconds as u64 + 1) * 50 {
        let now_us = 1_003_000 + tick * 20_000;
        while let Some(flight) = flights.next_if(|flight| flight.arrives_us <= now_us) {
            buffer.receive(flight.arrives_us, &flight.header, coder, &flight.payload);
        }
        let (mut frame, mut payload) = (Vec::new(), Vec::new());
        buffer.pull(now_us, &mut frame);
        encoder.encode(&frame, &mut payload);
        decoder.decode(&payload, &mut heard);
    }
    heard
}

/// What a phone with a fixed buffer and no concealment plays of packets that were only relayed.
fn relayed(flights: &[Flight]) -> Vec<i16> {
    let packet = |flight: &Flight| Packet {
        at_s: flight.arrives_us as f64 / 1e6,
        marker: false,
        payload_type: 0,
        sequence: flight.header.sequence,
        timestamp: flight.header.timestamp,
        ssrc: flight.header.ssrc,
        payload: flight.payload.clone(),
    };
    let packets: Vec<Packet> = flights.iter().map(packet).collect();
    played(&packets).channels[0].iter().map(|sample| (sample * 32_767.0) as i16).collect()
}

/// Where PESQ is installed; `tests/setup/packages.sh test` does it.
fn interpreter() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup/pesq.sh");
    let out = Command::new(script).output().context("tests/setup/pesq.sh cannot be run")?;
    ensure!(out.status.success(), "no PESQ: {}", String::from_utf8_lossy(&out.stderr));
    Ok(PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()))
}

/// Reads pairs of 16 bit samples (length, reference, heard) and prints a score each.
const SCRIPT: &str = "
import struct, sys, numpy, pesq
data = sys.stdin.buffer
while head := data.read(8):
    reference, heard = (numpy.frombuffer(data.read(2 * count), dtype='<i2') for count in struct.unpack('<II', head))
    print(pesq.pesq(8000, reference, heard, 'nb'))
";

/// PESQ (narrow band, MOS-LQO) of each pair of what was said and what was heard.
fn scores(pairs: &[(&Vec<i16>, Vec<i16>)]) -> Result<Vec<f64>> {
    let mut input = Vec::new();
    for (said, heard) in pairs {
        for sound in [*said, heard] {
            input.extend(u32::try_from(sound.len())?.to_le_bytes());
        }
        for sound in [*said, heard] {
            input.extend(sound.iter().flat_map(|sample| sample.to_le_bytes()));
        }
    }
    let mut child =
        Command::new(interpreter()?).args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("piped")?.write_all(&input)?;
    let out = child.wait_with_output()?;
    ensure!(out.status.success(), "PESQ failed");
    let lines = String::from_utf8(out.stdout)?;
    lines.lines().map(|line| line.trim().parse().context("a score")).collect()
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

const LOSSY: Impairment = Impairment { seed: 0, lost_per_mille: 50, jitter_ms: 0 };
const SEEDS: std::ops::RangeInclusive<u64> = 1..=6;

/// Scores of one language over all seeds.
#[derive(Debug)]
struct Compared {
    mixed: Vec<f64>,
    relayed: Vec<f64>,
}

fn compare(language: Language, impairment: Impairment) -> Result<Compared> {
    let said = speech::of(language)?;
    let (mut mixes, mut relays) = (Vec::new(), Vec::new());
    for seed in SEEDS {
        let flights = flights(&said, Impairment { seed, ..impairment });
        mixes.push((&said, mixed(&flights, said.len() / 8_000)));
        relays.push((&said, relayed(&flights)));
    }
    Ok(Compared { mixed: scores(&mixes)?, relayed: scores(&relays)? })
}

#[test]
fn five_percent_lost_of_g711_are_hardly_heard_in_a_mix() -> Result<()> {
    for (language, least) in [(Language::English, ENGLISH_MIN), (Language::Mandarin, MANDARIN_MIN)] {
        let compared = compare(language, LOSSY)?;
        ensure!(mean(&compared.mixed) >= least, "{language:?}: {compared:.3?}");
        let mut both = compared.mixed.iter().zip(&compared.relayed);
        ensure!(both.all(|(mixed, relayed)| mixed >= relayed), "{language:?}: {compared:.3?}");
    }
    Ok(())
}

#[test]
fn jitter_of_60_ms_on_top_costs_little() -> Result<()> {
    for language in [Language::English, Language::Mandarin] {
        let (lossy, compared) = (compare(language, LOSSY)?, compare(language, Impairment { jitter_ms: 60, ..LOSSY })?);
        ensure!(mean(&compared.mixed) >= mean(&lossy.mixed) - 0.2, "{language:?}: {compared:.3?}, without {lossy:.3?}");
        ensure!(mean(&compared.mixed) >= mean(&compared.relayed) + 0.5, "{language:?}: {compared:.3?}");
    }
    Ok(())
}

#[test]
fn the_measure_takes_g711_alone_for_good() -> Result<()> {
    for (language, least) in [Language::English, Language::Mandarin].into_iter().zip(CLEAN_MIN) {
        let compared = compare(language, Impairment { lost_per_mille: 0, ..LOSSY })?;
        ensure!(
            compared.mixed.iter().chain(&compared.relayed).all(|score| *score >= least),
            "{language:?}: {compared:.3?}"
        );
    }
    Ok(())
}
