//! Voices that can be recognised, and the ear that recognises them.
//!
//! A voice is an endless row of chirps of 100 ms in a band of its own. Each chirp is one of eight symbols (four bands,
//! swept up or down); their order is a de Bruijn sequence, in which any three symbols in a row stand exactly
//! once in 512. So three chirps that were heard tell who spoke and what moment of the speech they are: order, delay,
//! gaps and repetitions all follow. The ear is a matched filter in `f64`.

use std::f64::consts::TAU;
use std::sync::OnceLock;

/// Length of a chirp.
pub const CHIRP_MS: f64 = 100.0;
const SYMBOLS: usize = 8;
const SEQUENCE: usize = SYMBOLS * SYMBOLS * SYMBOLS;
/// Peak of a speaking voice: -9 dBFS, as loud speech is.
const AMPLITUDE: f64 = 0.35;
/// Rise and fall at both ends of a chirp, so that it does not click.
const FADE_MS: f64 = 4.0;
/// Share of a stretch's energy that must look like the chirp; two voices at once leave about a half.
const LIKENESS_MIN: f64 = 0.25;
/// Step of the coarse search; a chirp of 250 Hz stands out over about 4 ms.
const COARSE_STEP_MS: f64 = 2.0;
/// Two chirps in a row lie 100 ms apart, give or take this.
const SPACING_TOLERANCE_MS: f64 = 45.0;
/// Below the median level by this much is silence.
const SILENCE_BELOW_DB: f64 = 20.0;
/// Windows in which silence is looked for.
const WINDOW_MS: f64 = 5.0;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// 400 to 1400 Hz.
    Low,
    /// 1700 to 2700 Hz.
    High,
    /// 2850 to 3850 Hz: for those who hear it without resampling.
    Top,
    /// 2750 to 3390 Hz, narrower: beside the others it passes every telephone band, resampled or not.
    Third,
}

/// A chirp that was recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Which chirp of the speech: 0 begins at its first sample.
    pub index: usize,
    /// When it began, in seconds from the first sample listened to.
    pub at_s: f64,
    /// Its level in dB below a full-scale sine.
    pub level_db: f64,
}

/// What an ear made of a sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Hearing {
    /// Every chirp recognised, in the order heard.
    pub chirps: Vec<Heard>,
    /// The longest silence between the first and the last chirp, in ms. Any sound ends it, not only this voice.
    pub silence_ms: f64,
}

impl Voice {
    fn low_hz(self) -> f64 {
        match self {
            Self::Low => 400.0,
            Self::High => 1_700.0,
            Self::Top => 2_850.0,
            Self::Third => 2_750.0,
        }
    }

    /// Width of each of its four bands.
    fn band_hz(self) -> f64 {
        match self {
            Self::Low | Self::High | Self::Top => 250.0,
            Self::Third => 160.0,
        }
    }

    /// The first `seconds` of its speech (rounded to whole chirps), in -1.0..=1.0.
    #[must_use]
    pub fn speak(self, rate: u32, seconds: f64) -> Vec<f64> {
        let chirps = ordinal((seconds * 1_000.0 / CHIRP_MS).round());
        let symbols = sequence();
        (0..chirps).flat_map(|index| self.chirp(rate, symbols[index % SEQUENCE])).collect()
    }

    fn chirp(self, rate: u32, symbol: usize) -> Vec<f64> {
        let length = samples(rate, CHIRP_MS);
        let fade = samples(rate, FADE_MS);
        let phase = self.phases(rate, symbol);
        let sample = |n: usize| {
            let edge = n.min(length - 1 - n);
            let gain =
                if edge < fade { 0.5 - 0.5 * (TAU / 2.0 * (edge as f64 + 0.5) / fade as f64).cos() } else { 1.0 };
            AMPLITUDE * gain * phase[n].sin()
        };
        (0..length).map(sample).collect()
    }

    /// The phase of a symbol at each of its samples.
    fn phases(self, rate: u32, symbol: usize) -> Vec<f64> {
        let duration = CHIRP_MS / 1_000.0;
        let width = self.band_hz();
        let band = self.low_hz() + width * (symbol / 2) as f64;
        let (from, slope) = if symbol.is_multiple_of(2) { (band, width) } else { (band + width, -width) };
        let phase = |n: usize| {
            let t = n as f64 / f64::from(rate);
            TAU * (from * t + slope * t * t / (2.0 * duration))
        };
        (0..samples(rate, CHIRP_MS)).map(phase).collect()
    }

    /// Listens for this voice in `sound`.
    #[must_use]
    pub fn listen(self, rate: u32, sound: &[f64]) -> Hearing {
        let ear = Ear::new(self, rate);
        let chirps = place(&ear.candidates(sound));
        let silence_ms = match (chirps.first(), chirps.last()) {
            (Some(first), Some(last)) => {
                let at = |seconds: f64| ordinal((seconds.max(0.0) * f64::from(rate)).round()).min(sound.len());
                longest_silence_ms(rate, &sound[at(first.at_s)..at(last.at_s + CHIRP_MS / 1_000.0)])
            }
            _ => 0.0,
        };
        Hearing { chirps, silence_ms }
    }
}

impl Hearing {
    /// True when this voice was not heard at all.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.chirps.is_empty()
    }

    /// True when no chirp was heard before one that was spoken earlier, or twice.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        self.chirps.windows(2).all(|pair| pair[0].index < pair[1].index)
    }

    /// The largest hole in ms: silence, or the time by which two neighbours lie further apart than one chirp.
    #[must_use]
    pub fn largest_gap_ms(&self) -> f64 {
        let apart = |pair: &[Heard]| (pair[1].at_s - pair[0].at_s) * 1_000.0 - CHIRP_MS;
        self.chirps.windows(2).map(apart).fold(self.silence_ms, f64::max)
    }

    /// The largest jump in ms: by how much the distance between two neighbours as heard differs from that as spoken.
    /// Audio that was cut out or repeated shows here although no silence was heard.
    #[must_use]
    pub fn largest_jump_ms(&self) -> f64 {
        let jump = |pair: &[Heard]| {
            let spoken = (pair[1].index as f64 - pair[0].index as f64) * CHIRP_MS;
            ((pair[1].at_s - pair[0].at_s) * 1_000.0 - spoken).abs()
        };
        self.chirps.windows(2).map(jump).fold(0.0, f64::max)
    }

    /// By how many ms each chirp was heard later than in `earlier`, on one clock. Empty when they share no chirp.
    #[must_use]
    pub fn delays_ms(&self, earlier: &Self) -> Vec<f64> {
        let spoken = |index: usize| earlier.chirps.iter().find(|chirp| chirp.index == index);
        let delay = |chirp: &Heard| spoken(chirp.index).map(|first| (chirp.at_s - first.at_s) * 1_000.0);
        self.chirps.iter().filter_map(delay).collect()
    }

    /// The median level in dB below a full-scale sine.
    #[must_use]
    pub fn level_db(&self) -> Option<f64> {
        median(self.chirps.iter().map(|chirp| chirp.level_db).collect())
    }

    /// How many seconds of speech were recognised.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.chirps.len() as f64 * CHIRP_MS / 1_000.0
    }
}

/// The middle one of `values`.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Matched filters for the eight symbols of a voice.
struct Ear {
    rate: u32,
    length: usize,
    /// For each symbol its sine and its cosine.
    filters: Vec<(Vec<f64>, Vec<f64>)>,
}

/// A stretch that looks like a chirp.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: usize,
    at_s: f64,
    symbol: usize,
    likeness: f64,
    level_db: f64,
}

impl Ear {
    fn new(voice: Voice, rate: u32) -> Self {
        let pair = |symbol| {
            let phases = voice.phases(rate, symbol);
            (phases.iter().map(|p| p.sin()).collect(), phases.iter().map(|p| p.cos()).collect())
        };
        Self { rate, length: samples(rate, CHIRP_MS), filters: (0..SYMBOLS).map(pair).collect() }
    }

    /// Peaks of likeness, at most one per half chirp, in order of time.
    fn candidates(&self, sound: &[f64]) -> Vec<Candidate> {
        let step = samples(self.rate, COARSE_STEP_MS);
        let ends = sound.len().saturating_sub(self.length);
        let looked = (0..=ends).step_by(step).filter_map(|at| self.best(sound, at));
        let mut peaks: Vec<Candidate> = Vec::new();
        for found in looked {
            match peaks.last_mut() {
                Some(last) if found.at - last.at < self.length / 2 => {
                    if found.likeness > last.likeness {
                        *last = found;
                    }
                }
                _ => peaks.push(found),
            }
        }
        peaks.iter().map(|peak| self.refine(sound, *peak, step)).collect()
    }

    /// The symbol that the stretch at `at` looks most like, if it looks like any.
    fn best(&self, sound: &[f64], at: usize) -> Option<Candidate> {
        let found = (0..SYMBOLS).filter_map(|symbol| self.compare(sound, at, symbol));
        found.max_by(|a, b| a.likeness.total_cmp(&b.likeness))
    }

    fn compare(&self, sound: &[f64], at: usize, symbol: usize) -> Option<Candidate> {
        let stretch = sound.get(at..at + self.length)?;
        let energy: f64 = stretch.iter().map(|s| s * s).sum();
        // -70 dBFS: below it there is no voice to compare with, only noise of the codec.
        if energy < 1e-7 * self.length as f64 {
            return None;
        }
        let power = self.power(stretch, symbol);
        let likeness = power / energy;
        let level_db = 10.0 * (2.0 * power / self.length as f64).log10();
        let at_s = at as f64 / f64::from(self.rate);
        (likeness >= LIKENESS_MIN).then_some(Candidate { at, at_s, symbol, likeness, level_db })
    }

    /// Energy of the part of `stretch` that is this chirp, whatever its phase.
    fn power(&self, stretch: &[f64], symbol: usize) -> f64 {
        let (sine, cosine) = &self.filters[symbol];
        let product = |filter: &[f64]| stretch.iter().zip(filter).map(|(s, f)| s * f).sum::<f64>();
        let (a, b) = (product(sine), product(cosine));
        (a * a + b * b) * 2.0 / self.length as f64
    }

    fn refine(&self, sound: &[f64], peak: Candidate, step: usize) -> Candidate {
        let around = peak.at.saturating_sub(step)..=peak.at + step;
        let found = around.filter_map(|at| self.compare(sound, at, peak.symbol));
        found.max_by(|a, b| a.likeness.total_cmp(&b.likeness)).unwrap_or(peak)
    }
}

/// Gives each candidate its place in the speech; those that stand alone or in no known order are noise.
fn place(candidates: &[Candidate]) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut rest = candidates;
    while let Some(run) = run_at(rest) {
        heard.extend(run.iter().copied());
        rest = &rest[run.len().max(1)..];
    }
    // The speech repeats after 51.2 s: what comes later stands later.
    for at in 1..heard.len() {
        let (before, now): (Heard, &mut Heard) = (heard[at - 1], &mut heard[at]);
        let spoken = before.index as f64 + (now.at_s - before.at_s) * 1_000.0 / CHIRP_MS;
        while (now.index as f64) + SEQUENCE as f64 / 2.0 < spoken {
            now.index += SEQUENCE;
        }
    }
    heard
}

/// The chirps at the beginning of `rest` that follow one another as spoken; empty when there are fewer than three, and
/// nothing at the end.
fn run_at(rest: &[Candidate]) -> Option<Vec<Heard>> {
    rest.first()?;
    let Some([first, second, third]) = rest.first_chunk::<3>() else { return Some(Vec::new()) };
    let follows = |a: &Candidate, b: &Candidate| ((b.at_s - a.at_s) * 1_000.0 - CHIRP_MS).abs() <= SPACING_TOLERANCE_MS;
    if !(follows(first, second) && follows(second, third)) {
        return Some(Vec::new());
    }
    let start = index_of([first.symbol, second.symbol, third.symbol]);
    let mut run = Vec::new();
    for (offset, candidate) in rest.iter().enumerate() {
        let expected = sequence()[(start + offset) % SEQUENCE];
        let apart = offset > 0 && !follows(&rest[offset - 1], candidate);
        if candidate.symbol != expected || apart {
            break;
        }
        run.push(Heard { index: start + offset, at_s: candidate.at_s, level_db: candidate.level_db });
    }
    Some(run)
}

fn longest_silence_ms(rate: u32, sound: &[f64]) -> f64 {
    let window = samples(rate, WINDOW_MS);
    let level = |part: &[f64]| 10.0 * (part.iter().map(|s| s * s).sum::<f64>() / part.len() as f64 + 1e-12).log10();
    let levels: Vec<f64> = sound.chunks_exact(window).map(level).collect();
    let floor = median(levels.clone()).unwrap_or_default() - SILENCE_BELOW_DB;
    let (mut longest, mut running) = (0_usize, 0_usize);
    for level in levels {
        running = if level < floor { running + 1 } else { 0 };
        longest = longest.max(running);
    }
    longest as f64 * WINDOW_MS
}

fn samples(rate: u32, ms: f64) -> usize {
    ordinal((f64::from(rate) * ms / 1_000.0).round())
}

fn ordinal(value: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times and lengths, small and positive"
    )]
    let whole = value as usize;
    whole
}

/// The place of three symbols in the sequence.
fn index_of(symbols: [usize; 3]) -> usize {
    static PLACES: OnceLock<Vec<usize>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let row = sequence();
        let mut places = vec![0; SEQUENCE];
        for at in 0..SEQUENCE {
            places[key([row[at], row[(at + 1) % SEQUENCE], row[(at + 2) % SEQUENCE]])] = at;
        }
        places
    });
    places[key(symbols)]
}

fn key([a, b, c]: [usize; 3]) -> usize {
    (a * SYMBOLS + b) * SYMBOLS + c
}

/// The de Bruijn sequence B(8, 3), "prefer the largest": never repeats a triple.
fn sequence() -> &'static [usize] {
    static ROW: OnceLock<Vec<usize>> = OnceLock::new();
    ROW.get_or_init(|| {
        let mut row = vec![0, 0, 0];
        let mut seen = vec![false; SEQUENCE];
        seen[0] = true;
        while row.len() < SEQUENCE {
            let (a, b) = (row[row.len() - 2], row[row.len() - 1]);
            let Some(next) = (0..SYMBOLS).rev().find(|c| !seen[key([a, b, *c])]) else { break };
            seen[key([a, b, next])] = true;
            row.push(next);
        }
        row
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::{self, Law};

    const RATE: u32 = 8_000;

    #[test]
    fn any_three_symbols_stand_once_in_the_sequence() {
        let row = sequence();
        assert_eq!(row.len(), SEQUENCE);
        let mut seen = vec![false; SEQUENCE];
        for at in 0..SEQUENCE {
            let triple = key([row[at], row[(at + 1) % SEQUENCE], row[(at + 2) % SEQUENCE]]);
            assert!(!std::mem::replace(&mut seen[triple], true), "twice at {at}");
        }
    }

    #[test]
    fn a_voice_through_g711_is_heard_whole_and_only_as_itself() {
        for (voice, other) in [(Voice::Low, Voice::High), (Voice::High, Voice::Low)] {
            for law in [Law::Mu, Law::A] {
                let spoken = voice.speak(RATE, 5.0);
                let wire: Vec<f64> = g711::encode(law, &spoken).iter().map(|byte| law.decode(*byte)).collect();
                let hearing = voice.listen(RATE, &wire);
                assert_eq!(hearing.chirps.iter().map(|c| c.index).collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
                assert!(hearing.chirps.iter().all(|c| (c.at_s - c.index as f64 * 0.1).abs() < 0.002), "{hearing:?}");
                assert!(hearing.largest_gap_ms() < 10.0 && hearing.largest_jump_ms() < 3.0, "{hearing:?}");
                assert!((hearing.level_db().unwrap() + 9.4).abs() < 0.5, "{:?}", hearing.level_db());
                assert!(other.listen(RATE, &wire).is_nobody());
            }
        }
    }

    #[test]
    fn a_late_start_a_hole_a_cut_and_a_repetition_are_told_apart() {
        let spoken = Voice::Low.speak(RATE, 6.0);
        let late = Voice::Low.listen(RATE, &spoken[8_000..]);
        assert_eq!(late.chirps[0].index, 10);

        let mut hole = spoken.clone();
        hole[16_000..16_480].fill(0.0);
        let hearing = Voice::Low.listen(RATE, &hole);
        assert!((50.0..=70.0).contains(&hearing.largest_gap_ms()), "{}", hearing.largest_gap_ms());

        let cut = [&spoken[..16_000], &spoken[16_640..]].concat();
        let hearing = Voice::Low.listen(RATE, &cut);
        assert!((75.0..=85.0).contains(&hearing.largest_jump_ms()), "{}", hearing.largest_jump_ms());

        let repeated = [&spoken[..24_000], &spoken[16_000..]].concat();
        assert!(!Voice::Low.listen(RATE, &repeated).is_in_order());
    }

    #[test]
    fn two_voices_at_once_are_both_heard() {
        let (low, high) = (Voice::Low.speak(RATE, 4.0), Voice::High.speak(RATE, 4.0));
        let mixed: Vec<f64> = low.iter().zip(&high).map(|(a, b)| a + b).collect();
        assert!(Voice::Low.listen(RATE, &mixed).chirps.len() >= 38);
        assert!(Voice::High.listen(RATE, &mixed).chirps.len() >= 38);
    }

    #[test]
    fn delay_is_measured_to_the_millisecond() {
        let spoken = Voice::High.speak(RATE, 3.0);
        let delayed = [vec![0.0; 1_000], spoken.clone()].concat();
        let delays = Voice::High.listen(RATE, &delayed).delays_ms(&Voice::High.listen(RATE, &spoken));
        assert!(delays.len() >= 28);
        assert!(delays.iter().all(|ms| (ms - 125.0).abs() < 1.0), "{delays:?}");
    }

    #[test]
    fn speech_beyond_the_sequence_keeps_counting() {
        let spoken = Voice::Low.speak(RATE, 53.0);
        let hearing = Voice::Low.listen(RATE, &spoken);
        assert_eq!(hearing.chirps.len(), 530);
        assert!(hearing.is_in_order());
    }

    #[test]
    fn noise_and_tones_are_nobody() {
        let tone: Vec<f64> = (0..16_000).map(|n| 0.3 * (TAU * 425.0 * f64::from(n) / 8_000.0).sin()).collect();
        assert!(Voice::Low.listen(RATE, &tone).chirps.len() < 3);
        assert!(Voice::Low.listen(RATE, &vec![0.0; 8_000]).is_nobody());
    }
}
