//! Between 8, 16 and 48 kHz: one symmetric half-band filter for the factor two, one polyphase filter for the factor three.
//!
//! What would alias, and the images, are 60 dB below: from 4.6 kHz on where 8 kHz are concerned (voice ends at 3.4), and
//! from 9 kHz on where 16 are.

use super::Decoder;
use crate::RecordRate;

/// Doubles the rate.
#[derive(Clone)]
pub struct Doubler {
    line: Line,
}

/// Halves the rate.
#[derive(Clone)]
pub struct Halver {
    /// First samples of the pairs: what the taps beside the centre see.
    firsts: Line,
    /// Second samples, which only the centre tap sees, delayed to its place.
    seconds: Line,
    /// A sample still waiting for the second of its pair.
    odd_one: Option<i16>,
}

/// Triples the rate.
#[derive(Clone)]
pub struct Tripler {
    line: Line,
}

/// Takes a third of the rate.
#[derive(Clone)]
pub struct Thirder {
    line: Line,
    /// Samples since the last one that was given.
    phase: usize,
}

impl Default for Doubler {
    fn default() -> Self {
        Self { line: Line::new(2 * HALF_TAPS - 1) }
    }
}

impl Default for Halver {
    fn default() -> Self {
        Self { firsts: Line::new(2 * HALF_TAPS - 1), seconds: Line::new(HALF_TAPS), odd_one: None }
    }
}

impl Default for Tripler {
    fn default() -> Self {
        Self { line: Line::new(THIRD_REACH / 3 * 2) }
    }
}

impl Default for Thirder {
    fn default() -> Self {
        Self { line: Line::new(2 * THIRD_REACH), phase: 0 }
    }
}

impl Doubler {
    /// Appends two samples for each one of `samples`; delayed by 2 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().map(|sample| f32::from(*sample)));
        out.extend(self.line.windows(2 * HALF_TAPS).flat_map(|past| {
            let between = 2.0 * side_taps(past);
            [round(past[HALF_TAPS - 1]), round(between)]
        }));
        self.line.keep();
    }
}

impl Halver {
    /// Appends one sample for each two of `samples`, over all calls together; delayed by 2 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for sample in samples {
            match self.odd_one.take() {
                None => self.odd_one = Some(*sample),
                Some(first) => {
                    self.firsts.extend([f32::from(first)]);
                    self.seconds.extend([f32::from(*sample)]);
                }
            }
        }
        let centres = self.seconds.samples.iter();
        out.extend(
            self.firsts.windows(2 * HALF_TAPS).zip(centres).map(|(past, centre)| round(0.5 * centre + side_taps(past))),
        );
        self.firsts.keep();
        self.seconds.keep();
    }
}

impl Tripler {
    /// Appends three samples for each one of `samples`; delayed by 1 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().map(|sample| f32::from(*sample)));
        out.extend(self.line.windows(THIRD_REACH / 3 * 2 + 1).flat_map(|past| {
            // Each of the three sees every third tap; where a tap would lie beyond the end it is 0.
            [-1i32, 0, 1].map(|phase| {
                let taps = (-REACH_OF_ONE..=REACH_OF_ONE).map(|step| third_tap(3 * step + phase));
                round(3.0 * past.iter().rev().zip(taps).map(|(sample, tap)| sample * tap).sum::<f32>())
            })
        }));
        self.line.keep();
    }
}

impl Thirder {
    /// Appends one sample for each three of `samples`, over all calls together; delayed by 1 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.line.extend(samples.iter().map(|sample| f32::from(*sample)));
        let skipped = (3 - self.phase) % 3;
        out.extend(self.line.windows(2 * THIRD_REACH + 1).skip(skipped).step_by(3).map(|past| {
            let (older, newer) = (past[..THIRD_REACH].iter().rev(), &past[THIRD_REACH + 1..]);
            let sides = older.zip(newer).zip(&THIRD_TAPS[1..]).map(|((old, new), tap)| (old + new) * tap).sum::<f32>();
            round(past[THIRD_REACH] * THIRD_TAPS[0] + sides)
        }));
        self.phase = (self.phase + samples.len()) % 3;
        self.line.keep();
    }
}

/// Samples not yet filtered, behind as many old ones as the filter looks back.
#[derive(Clone)]
struct Line {
    samples: Vec<f32>,
    back: usize,
}

impl Line {
    fn new(back: usize) -> Self {
        Self { samples: vec![0.0; back], back }
    }

    fn extend(&mut self, samples: impl IntoIterator<Item = f32>) {
        self.samples.extend(samples);
    }

    fn windows(&self, length: usize) -> std::slice::Windows<'_, f32> {
        self.samples.windows(length)
    }

    fn keep(&mut self) {
        self.samples.drain(..self.samples.len() - self.back);
    }
}

/// From any of the rates to any other.
#[derive(Clone)]
pub struct Resampler {
    from: RecordRate,
    to: RecordRate,
    steps: Steps,
}

#[derive(Clone)]
enum Steps {
    None,
    One(Step),
    /// With what lies between.
    Two(Step, Step, Vec<i16>),
}

#[derive(Clone)]
enum Step {
    Double(Doubler),
    Halve(Halver),
    Triple(Tripler),
    Third(Thirder),
}

impl Resampler {
    /// From one rate to another; nothing is changed where they are the same.
    #[must_use]
    pub fn new(from: RecordRate, to: RecordRate) -> Self {
        use RecordRate::{Full, Narrow, Wide};
        let (double, halve) = (|| Step::Double(Doubler::default()), || Step::Halve(Halver::default()));
        let (triple, third) = (|| Step::Triple(Tripler::default()), || Step::Third(Thirder::default()));
        let steps = match (from, to) {
            (Narrow, Narrow) | (Wide, Wide) | (Full, Full) => Steps::None,
            (Narrow, Wide) => Steps::One(double()),
            (Wide, Narrow) => Steps::One(halve()),
            (Wide, Full) => Steps::One(triple()),
            (Full, Wide) => Steps::One(third()),
            (Narrow, Full) => Steps::Two(double(), triple(), Vec::new()),
            (Full, Narrow) => Steps::Two(third(), halve(), Vec::new()),
        };
        Self { from, to, steps }
    }

    /// The rate of what it takes.
    #[must_use]
    pub fn from(&self) -> RecordRate {
        self.from
    }

    /// The rate of what it gives.
    #[must_use]
    pub fn to(&self) -> RecordRate {
        self.to
    }

    /// Appends as many samples as the rates make of `samples`, over all calls together; delayed by at most 3 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        match &mut self.steps {
            Steps::None => out.extend_from_slice(samples),
            Steps::One(step) => step.process(samples, out),
            Steps::Two(first, second, between) => {
                between.clear();
                first.process(samples, between);
                second.process(between, out);
            }
        }
    }
}

impl Step {
    fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        match self {
            Self::Double(doubler) => doubler.process(samples, out),
            Self::Halve(halver) => halver.process(samples, out),
            Self::Triple(tripler) => tripler.process(samples, out),
            Self::Third(thirder) => thirder.process(samples, out),
        }
    }
}

/// A decoder heard at another rate than its own.
pub struct Resampled<D> {
    decoder: D,
    resampler: Resampler,
    scratch: Vec<i16>,
}

impl<D> Resampled<D> {
    /// Around a decoder whose output is at `own`, heard at `rate`.
    pub fn new(decoder: D, own: RecordRate, rate: RecordRate) -> Self {
        Self { decoder, resampler: Resampler::new(own, rate), scratch: Vec::new() }
    }
}

impl<D: Decoder> Decoder for Resampled<D> {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        self.scratch.clear();
        self.decoder.decode(payload, &mut self.scratch);
        self.resampler.process(&self.scratch, out);
    }
}

/// The symmetric taps at odd distance around the centre; newest last.
fn side_taps(past: &[f32]) -> f32 {
    let (older, newer) = past.split_at(HALF_TAPS);
    TAPS.iter().zip(newer).zip(older.iter().rev()).map(|((tap, new), old)| tap * (new + old)).sum()
}

/// The tap at a distance from the centre of the filter for thirds.
fn third_tap(distance: i32) -> f32 {
    THIRD_TAPS.get(distance.unsigned_abs() as usize).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest value in range")]
fn round(value: f32) -> i16 {
    (value + 0.5f32.copysign(value)) as i16
}

/// Taps on each side that are not zero.
const HALF_TAPS: usize = 15;
/// Half-band low-pass, taps at distance 1, 3, 5 ... 29: sin(πn/2)/(πn) under a Kaiser window (β = 6.2), scaled to a gain of 1/2
/// together. At 16 kHz: flat to 3.4 kHz, -65 dB from 4.6 on.
const TAPS: [f32; HALF_TAPS] = [
    0.317_233_68,
    -0.103_104_144,
    0.058_793_522,
    -0.038_878_605,
    0.027_242_355,
    -0.019_512_445,
    0.014_016_652,
    -0.009_973_597,
    0.006_961_129_6,
    -0.004_721_582,
    0.003_079_757_8,
    -0.001_905_292,
    0.001_094_586_7,
    -0.000_562_071_5,
    0.000_236_069_46,
];
/// Taps on each side of the filter for thirds.
const THIRD_REACH: usize = 51;
/// The same in samples of the lower rate.
const REACH_OF_ONE: i32 = 17;
/// Low-pass at 7.95 of 48 kHz from the centre on: sin(2πfn)/(πn) under a Kaiser window (β = 6) of 101, scaled to a gain of 1.
/// Flat to 7 kHz, -62 dB from 9 on.
const THIRD_TAPS: [f32; THIRD_REACH] = [
    0.331_232_55,
    0.274_301_92,
    0.138_247_76,
    0.002_062_648_3,
    -0.066_667_54,
    -0.054_622_713,
    -0.002_001_941_2,
    0.036_287_032,
    0.033_037_756,
    0.001_904_086_1,
    -0.023_696_86,
    -0.022_771_064,
    -0.001_773_825_6,
    0.016_645_458,
    0.016_594_26,
    0.001_617_334_8,
    -0.012_078_272,
    -0.012_393_137,
    -0.001_441_803_3,
    0.008_873_458,
    0.009_329_054,
    0.001_254_959_8,
    -0.006_521_019_6,
    -0.007_004_07,
    -0.001_064_578_1,
    0.004_753_131_4,
    0.005_203_961,
    0.000_878_000_7,
    -0.003_412_428_3,
    -0.003_800_827,
    -0.000_701_721_1,
    0.002_397_180_8,
    0.002_710_751,
    0.000_541_048_94,
    -0.001_635_948_5,
    -0.001_873_593_8,
    -0.000_399_883_52,
    0.001_075_004_1,
    0.001_242_783_4,
    0.000_280_605_25,
    -0.000_671_817,
    -0.000_780_018_6,
    -0.000_184_086_43,
    0.000_391_591_08,
    0.000_452_542_42,
    0.000_109_811_13,
    -0.000_205_401_58,
    -0.000_231_803,
    -0.000_056_086_465,
    0.000_089_168_796,
    0.000_092_862_334,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{level, sine};

    /// How far below a tone of `hz` what it must not become is heard, in dB.
    struct Passage {
        from_hz: u32,
        to_hz: u32,
        process: fn(&[i16]) -> Vec<i16>,
    }

    fn in_parts(samples: &[i16], mut process: impl FnMut(&[i16], &mut Vec<i16>)) -> Vec<i16> {
        let mut out = Vec::new();
        samples.chunks(317).for_each(|part| process(part, &mut out));
        out
    }

    const UP_2: Passage = Passage {
        from_hz: 8_000,
        to_hz: 16_000,
        process: |samples| {
            let mut doubler = Doubler::default();
            in_parts(samples, |part, out| doubler.process(part, out))
        },
    };
    const DOWN_2: Passage = Passage {
        from_hz: 16_000,
        to_hz: 8_000,
        process: |samples| {
            let mut halver = Halver::default();
            in_parts(samples, |part, out| halver.process(part, out))
        },
    };
    const UP_3: Passage = Passage {
        from_hz: 16_000,
        to_hz: 48_000,
        process: |samples| {
            let mut tripler = Tripler::default();
            in_parts(samples, |part, out| tripler.process(part, out))
        },
    };
    const DOWN_3: Passage = Passage {
        from_hz: 48_000,
        to_hz: 16_000,
        process: |samples| {
            let mut thirder = Thirder::default();
            in_parts(samples, |part, out| thirder.process(part, out))
        },
    };
    const UP_6: Passage =
        Passage { from_hz: 8_000, to_hz: 48_000, process: |samples| (UP_3.process)(&(UP_2.process)(samples)) };
    const DOWN_6: Passage =
        Passage { from_hz: 48_000, to_hz: 8_000, process: |samples| (DOWN_2.process)(&(DOWN_3.process)(samples)) };

    impl Passage {
        fn sound(&self, hz: f64) -> Vec<i16> {
            let out = (self.process)(&sine(self.from_hz, hz, 12_000.0, 0.6));
            let wanted = self.to_hz as usize * 6 / 10;
            assert!(out.len().abs_diff(wanted) <= 1, "{} samples for {wanted}", out.len());
            // Half a second, behind the beginning.
            out[self.to_hz as usize / 20..][..self.to_hz as usize / 2].to_vec()
        }

        /// A tone passes, and its images do not.
        fn assert_clean(&self, hz: f64) {
            let sound = self.sound(hz);
            let passed = level(&sound, self.to_hz, hz);
            assert!((11_800.0..12_200.0).contains(&passed), "{} to {}: {hz} Hz at {passed}", self.from_hz, self.to_hz);
            let base = f64::from(self.from_hz);
            let images = (1..=3).flat_map(|nth| [f64::from(nth) * base - hz, f64::from(nth) * base + hz]);
            for image in images.filter(|image| *image < f64::from(self.to_hz) / 2.0) {
                let level = level(&sound, self.to_hz, image);
                let below = 20.0 * (12_000.0 / level.max(1e-3)).log10();
                assert!(
                    below >= 60.0,
                    "{} to {}: {hz} Hz is heard at {image} Hz, {below} dB below",
                    self.from_hz,
                    self.to_hz
                );
            }
        }

        /// A tone above half the lower rate is not heard at all.
        fn assert_gone(&self, hz: f64) {
            let level = crate::testing::rms(&self.sound(hz)) * 2f64.sqrt();
            let below = 20.0 * (12_000.0 / level.max(1e-3)).log10();
            assert!(below >= 60.0, "{} to {}: {hz} Hz is heard, {below} dB below", self.from_hz, self.to_hz);
        }
    }

    #[test]
    fn images_are_60_db_below_from_8_to_16_to_48_khz() {
        for hz in (100..=3_400).step_by(110) {
            UP_2.assert_clean(f64::from(hz));
            UP_6.assert_clean(f64::from(hz));
        }
        for hz in (100..=7_000).step_by(230) {
            UP_3.assert_clean(f64::from(hz));
        }
    }

    #[test]
    fn aliases_are_60_db_below_from_48_to_16_to_8_khz() {
        for hz in (100..=3_400).step_by(110) {
            DOWN_2.assert_clean(f64::from(hz));
            DOWN_6.assert_clean(f64::from(hz));
        }
        for hz in (100..=7_000).step_by(230) {
            DOWN_3.assert_clean(f64::from(hz));
        }
        for hz in (4_600..8_000).step_by(110) {
            DOWN_2.assert_gone(f64::from(hz));
        }
        for hz in (9_000..24_000).step_by(370) {
            DOWN_3.assert_gone(f64::from(hz));
            DOWN_6.assert_gone(f64::from(hz));
        }
    }
}
