//! Measuring sound in tests, in f64.

use std::f64::consts::TAU;

/// Amplitude of the sine of `hz` in `samples`, by Goertzel's algorithm.
pub(crate) fn level(samples: &[i16], rate_hz: u32, hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(rate_hz)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) + coefficient * one - two;
        two = one;
        one = next;
    }
    let power = one * one + two * two - coefficient * one * two;
    2.0 * power.max(0.0).sqrt() / samples.len() as f64
}

/// A sine of `seconds`.
pub(crate) fn sine(rate_hz: u32, hz: f64, amplitude: f64, seconds: f64) -> Vec<i16> {
    let samples = (f64::from(rate_hz) * seconds) as u32;
    (0..samples).map(|i| (amplitude * (f64::from(i) * hz * TAU / f64::from(rate_hz)).sin()).round() as i16).collect()
}

/// Root mean square.
pub(crate) fn rms(samples: &[i16]) -> f64 {
    (samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}
