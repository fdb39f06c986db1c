//! Between 8 and 16 kHz: one symmetric half-band filter, both ways.

use super::Decoder;

/// Doubles the rate.
pub struct Doubler {
    past: [f32; HALF_TAPS * 2],
}

/// Halves the rate.
#[derive(Clone)]
pub struct Halver {
    past: [f32; HALF_TAPS * 2],
    /// The even samples, which only the centre tap sees, delayed to its place.
    centre: [f32; HALF_TAPS],
    /// A sample still waiting for the second of its pair.
    odd_one: Option<i16>,
}

impl Default for Doubler {
    fn default() -> Self {
        Self { past: [0.0; HALF_TAPS * 2] }
    }
}

impl Default for Halver {
    fn default() -> Self {
        Self { past: [0.0; HALF_TAPS * 2], centre: [0.0; HALF_TAPS], odd_one: None }
    }
}

impl Doubler {
    /// Appends two samples for each one of `samples`; delayed by about 1 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for sample in samples {
            shift_in(&mut self.past, f32::from(*sample));
            out.push(round(self.past[HALF_TAPS - 1]));
            out.push(round(2.0 * side_taps(&self.past)));
        }
    }
}

impl Halver {
    /// Appends one sample for each two of `samples`, over all calls together; delayed by about 1 ms.
    pub fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for sample in samples {
            let Some(first) = self.odd_one.take() else {
                self.odd_one = Some(*sample);
                continue;
            };
            // Taps at odd distance from the centre see the second samples, the centre the first ones.
            shift_in(&mut self.past, f32::from(first));
            let centre = self.centre[0];
            shift_in(&mut self.centre, f32::from(*sample));
            out.push(round(0.5 * centre + side_taps(&self.past)));
        }
    }
}

/// A decoder at 8 kHz heard at 16 kHz.
pub struct Doubled<D> {
    decoder: D,
    doubler: Doubler,
    scratch: Vec<i16>,
}

/// A decoder at 16 kHz heard at 8 kHz.
pub struct Halved<D> {
    decoder: D,
    halver: Halver,
    scratch: Vec<i16>,
}

impl<D> Doubled<D> {
    /// Around a decoder whose output is at 8 kHz.
    pub fn new(decoder: D) -> Self {
        Self { decoder, doubler: Doubler::default(), scratch: Vec::new() }
    }
}

impl<D> Halved<D> {
    /// Around a decoder whose output is at 16 kHz.
    pub fn new(decoder: D) -> Self {
        Self { decoder, halver: Halver::default(), scratch: Vec::new() }
    }
}

impl<D: Decoder> Decoder for Doubled<D> {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        self.scratch.clear();
        self.decoder.decode(payload, &mut self.scratch);
        self.doubler.process(&self.scratch, out);
    }
}

impl<D: Decoder> Decoder for Halved<D> {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        self.scratch.clear();
        self.decoder.decode(payload, &mut self.scratch);
        self.halver.process(&self.scratch, out);
    }
}

/// Newest last.
fn shift_in<const N: usize>(line: &mut [f32; N], sample: f32) {
    line.copy_within(1.., 0);
    line[N - 1] = sample;
}

/// The symmetric taps at odd distance around the centre.
fn side_taps(past: &[f32; HALF_TAPS * 2]) -> f32 {
    let (older, newer) = past.split_at(HALF_TAPS);
    TAPS.iter().zip(newer).zip(older.iter().rev()).map(|((tap, new), old)| tap * (new + old)).sum()
}

#[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest value in range")]
fn round(value: f32) -> i16 {
    value.round() as i16
}

/// Taps on each side that are not zero.
const HALF_TAPS: usize = 8;
/// Half-band low-pass, taps at distance 1, 3, 5 ... 15: sin(πn/2)/(πn) under a Blackman window of 33, scaled to a
/// gain of 1/2 together: -0.3 dB at 3.2 kHz, -6 dB at 4, -39 dB at 5, -74 dB from 5.5 on.
const TAPS: [f32; HALF_TAPS] =
    [0.313_274_1, -0.09191101, 0.04246806, -0.020_170_8, 0.00878936, -0.00322900, 0.00085394, -0.00007464];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{level, sine};

    #[test]
    fn speech_passes_both_ways_and_what_would_alias_does_not() {
        let mut up = Vec::new();
        Doubler::default().process(&sine(8_000, 1_000.0, 10_000.0, 1.0), &mut up);
        assert_eq!(up.len(), 16_000);
        assert!((9_700.0..10_300.0).contains(&level(&up[1_000..], 16_000, 1_000.0)));
        assert!(level(&up[1_000..], 16_000, 7_000.0) < 60.0, "image");

        let mut down = Vec::new();
        let mut halver = Halver::default();
        for chunk in sine(16_000, 1_000.0, 10_000.0, 1.0).chunks(321) {
            halver.process(chunk, &mut down);
        }
        assert_eq!(down.len(), 8_000);
        assert!((9_700.0..10_300.0).contains(&level(&down[1_000..], 8_000, 1_000.0)));

        let mut alias = Vec::new();
        Halver::default().process(&sine(16_000, 6_000.0, 10_000.0, 1.0), &mut alias);
        assert!(level(&alias[1_000..], 8_000, 2_000.0) < 60.0, "alias");
    }
}
