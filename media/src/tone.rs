//! Call progress tones as samples: one period of each, to be repeated without a seam.

use std::f64::consts::TAU;

use crate::RecordRate;
use crate::prompt::{Tone, TonePlan};

/// Frequencies and cadence of one tone. All frequencies are whole in each `on` period of the repeated part or the
/// tone stops between, so that repeating makes no click.
struct Pattern {
    hz: &'static [f64],
    /// Level of each frequency in dBm0.
    dbm0: f64,
    /// Milliseconds of sound, then of silence.
    on_ms: u32,
    off_ms: u32,
    /// How often that makes one period.
    times: u32,
}

/// One period of a tone at `rate`.
#[must_use]
pub fn render(plan: TonePlan, tone: Tone, rate: RecordRate) -> Vec<i16> {
    let pattern = pattern(plan, tone);
    let per_ms = rate.hz() / 1_000;
    let (sounding, silent) = (pattern.on_ms * per_ms, pattern.off_ms * per_ms);
    let peak = f64::from(i16::MAX) * 10f64.powf((pattern.dbm0 - FULL_SCALE_DBM0) / 20.0);
    let ramp = if tone == Tone::Dial { 0 } else { RAMP_MS * per_ms };
    let mut samples: Vec<i16> = (0..sounding)
        .map(|i| {
            let t = f64::from(i) / f64::from(rate.hz());
            let edge = i.min(sounding - 1 - i);
            let gain = if edge < ramp { f64::from(edge) / f64::from(ramp) } else { 1.0 };
            round(gain * peak * pattern.hz.iter().map(|hz| (TAU * hz * t).sin()).sum::<f64>())
        })
        .collect();
    samples.resize(samples.len() + silent as usize, 0);
    samples.repeat(pattern.times as usize)
}

/// Milliseconds of what [`render`] gives.
#[must_use]
pub fn period_ms(plan: TonePlan, tone: Tone) -> u32 {
    let pattern = pattern(plan, tone);
    (pattern.on_ms + pattern.off_ms) * pattern.times
}

fn pattern(plan: TonePlan, tone: Tone) -> Pattern {
    let once = |hz, dbm0, on_ms, off_ms| Pattern { hz, dbm0, on_ms, off_ms, times: 1 };
    match (plan, tone) {
        // GB/T 3380-1982: 450 Hz ±25, -10 ±3 dBm0.
        (TonePlan::China, Tone::Dial) => once(&[450.0], -10.0, 1_000, 0),
        (TonePlan::China, Tone::Ringback) => once(&[450.0], -10.0, 1_000, 4_000),
        (TonePlan::China, Tone::Busy) => once(&[450.0], -10.0, 350, 350),
        (TonePlan::China, Tone::Congestion) => once(&[450.0], -10.0, 700, 700),
        (TonePlan::China, Tone::Confirm) => Pattern { times: 3, ..once(&[450.0], -10.0, 100, 100) },
        // The precise tone plan: levels are per frequency.
        (TonePlan::UnitedStates, Tone::Dial) => once(&[350.0, 440.0], -13.0, 1_000, 0),
        (TonePlan::UnitedStates, Tone::Ringback) => once(&[440.0, 480.0], -19.0, 2_000, 4_000),
        (TonePlan::UnitedStates, Tone::Busy) => once(&[480.0, 620.0], -24.0, 500, 500),
        (TonePlan::UnitedStates, Tone::Congestion) => once(&[480.0, 620.0], -24.0, 250, 250),
        (TonePlan::UnitedStates, Tone::Confirm) => Pattern { times: 3, ..once(&[350.0, 440.0], -13.0, 100, 100) },
        // In no plan: a caller is to speak after it, as after the tone of an answering machine.
        (TonePlan::China | TonePlan::UnitedStates, Tone::Beep) => once(&[1_000.0], -13.0, 400, 0),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest value in range")]
fn round(value: f64) -> i16 {
    value.round() as i16
}

/// Level of a sine at full scale: G.711 table 5 (A-law) has 3.14 dBm0.
const FULL_SCALE_DBM0: f64 = 3.139;
/// Sound fades in and out over this, or it clicks.
const RAMP_MS: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{level, rms};

    const ALL: [Tone; 6] = [Tone::Ringback, Tone::Busy, Tone::Congestion, Tone::Dial, Tone::Confirm, Tone::Beep];

    fn dbm0(amplitude: f64) -> f64 {
        20.0 * (amplitude / 32_767.0).log10() + 3.139
    }

    /// The oracle: the table of GB/T 3380 and of the precise tone plan, written down a second time.
    #[test]
    fn frequencies_levels_and_cadences_are_the_plans() {
        type Row = (TonePlan, Tone, &'static [f64], f64, usize, usize, usize);
        let rows: [Row; 12] = [
            (TonePlan::China, Tone::Ringback, &[450.0], -10.0, 1_000, 4_000, 1),
            (TonePlan::China, Tone::Busy, &[450.0], -10.0, 350, 350, 1),
            (TonePlan::China, Tone::Congestion, &[450.0], -10.0, 700, 700, 1),
            (TonePlan::China, Tone::Dial, &[450.0], -10.0, 1_000, 0, 1),
            (TonePlan::UnitedStates, Tone::Ringback, &[440.0, 480.0], -19.0, 2_000, 4_000, 1),
            (TonePlan::UnitedStates, Tone::Busy, &[480.0, 620.0], -24.0, 500, 500, 1),
            (TonePlan::UnitedStates, Tone::Congestion, &[480.0, 620.0], -24.0, 250, 250, 1),
            (TonePlan::UnitedStates, Tone::Dial, &[350.0, 440.0], -13.0, 1_000, 0, 1),
            (TonePlan::China, Tone::Confirm, &[450.0], -10.0, 100, 100, 3),
            (TonePlan::UnitedStates, Tone::Confirm, &[350.0, 440.0], -13.0, 100, 100, 3),
            (TonePlan::China, Tone::Beep, &[1_000.0], -13.0, 400, 0, 1),
            (TonePlan::UnitedStates, Tone::Beep, &[1_000.0], -13.0, 400, 0, 1),
        ];
        for (plan, tone, frequencies, wanted, on_ms, off_ms, times) in rows {
            for rate in [RecordRate::Narrow, RecordRate::Wide] {
                let per_ms = rate.hz() as usize / 1_000;
                let samples = render(plan, tone, rate);
                assert_eq!(samples.len(), (on_ms + off_ms) * times * per_ms);
                assert_eq!(samples.len(), period_ms(plan, tone) as usize * per_ms);
                for burst in samples.chunks((on_ms + off_ms) * per_ms) {
                    let (on, off) = burst.split_at(on_ms * per_ms);
                    // A whole number of periods of every frequency, off the ramps, as far as it is that long.
                    let steady = &on[10 * per_ms..210.min(on_ms - 10) * per_ms];
                    for hz in frequencies {
                        let got = dbm0(level(steady, rate.hz(), *hz));
                        assert!((got - wanted).abs() < 0.5, "{plan:?} {tone:?} {hz} Hz: {got} dBm0");
                    }
                    if steady.len() == 200 * per_ms {
                        assert!(level(steady, rate.hz(), 1_400.0) < 20.0, "{plan:?} {tone:?}");
                    }
                    assert!(off.iter().all(|sample| *sample == 0));
                    assert!(rms(steady) > 1_000.0);
                }
            }
        }
    }

    #[test]
    fn every_period_is_whole_frames_and_repeats_without_a_click() {
        for plan in [TonePlan::China, TonePlan::UnitedStates] {
            for tone in ALL {
                let once = render(plan, tone, RecordRate::Narrow);
                assert_eq!(once.len() % 160, 0, "whole frames of 20 ms");
                let twice = [once.clone(), once].concat();
                let steepest = twice.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
                // The steepest step of 450 Hz at -10 dBm0 and of the louder sums stays below this.
                assert!(steepest < Some(7_500), "{plan:?} {tone:?}: {steepest:?}");
            }
        }
    }
}
