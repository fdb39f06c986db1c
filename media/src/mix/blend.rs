//! Adding up: sums in 32 bits, which neither wrap nor lose anything, and the cut to 16 at the end.

use super::frame_samples;
use super::plan::{Plan, Recipe};
use crate::RecordRate;
use crate::gain::{Gain, SHIFT};

/// Room for sums and one output.
#[derive(Default)]
pub(super) struct Blend {
    sums: Vec<Vec<i32>>,
    output: Vec<i32>,
    samples: Vec<i16>,
    length: usize,
}

/// One output of one tick.
pub(super) struct Mixed<'a> {
    pub(super) samples: &'a [i16],
    pub(super) additions: u64,
}

impl Blend {
    /// Adds up what outputs share; gives the number of additions.
    pub(super) fn sum_up(&mut self, plan: &Plan, frames: &[Option<&[i16]>], rate: RecordRate) -> u64 {
        self.length = frame_samples(rate);
        self.sums.resize_with(plan.sums.len(), Vec::new);
        let mut additions = 0;
        for (sum, members) in self.sums.iter_mut().zip(&plan.sums) {
            sum.clear();
            sum.resize(self.length, 0);
            for frame in members.iter().filter_map(|source| frames[*source]) {
                add(sum, frame);
                additions += 1;
            }
        }
        additions
    }

    /// Makes one output. `fades` are what to add at first and less and less of: source and steps.
    pub(super) fn mix(&mut self, recipe: &Recipe, fades: &[(usize, i32)], frames: &[Option<&[i16]>]) -> Mixed<'_> {
        self.output.clear();
        match recipe.sum {
            Some(sum) => self.output.extend_from_slice(&self.sums[sum]),
            None => self.output.resize(self.length, 0),
        }
        let mut additions = u64::from(recipe.sum.is_some());
        let unity = Gain::UNITY.steps();
        for (source, steps) in &recipe.terms {
            let Some(frame) = frames[*source] else { continue };
            match *steps {
                0 => continue,
                steps if steps == unity => add(&mut self.output, frame),
                steps if steps == -unity => subtract(&mut self.output, frame),
                steps => add_scaled(&mut self.output, frame, steps),
            }
            additions += 1;
        }
        for (source, steps) in fades {
            let Some(frame) = frames[*source] else { continue };
            add_fading(&mut self.output, frame, *steps, self.length / RAMP_PART);
            additions += 1;
        }
        self.samples.clear();
        self.samples.extend(self.output.iter().map(|sum| saturate(*sum)));
        Mixed { samples: &self.samples, additions }
    }
}

fn add(sum: &mut [i32], frame: &[i16]) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum += i32::from(*sample);
    }
}

fn subtract(sum: &mut [i32], frame: &[i16]) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum -= i32::from(*sample);
    }
}

fn add_scaled(sum: &mut [i32], frame: &[i16], steps: i32) {
    for (sum, sample) in sum.iter_mut().zip(frame) {
        *sum += scaled(*sample, steps);
    }
}

/// From all of `steps` at the first sample to nothing at sample number `ramp`.
fn add_fading(sum: &mut [i32], frame: &[i16], steps: i32, ramp: usize) {
    let ramp = i32::try_from(ramp).expect("a part of a frame");
    for ((sum, sample), left) in sum.iter_mut().zip(frame).zip((1..=ramp).rev()) {
        *sum += scaled(*sample, steps * left / ramp);
    }
}

/// At most 8 in either direction, so 2^15 times 2^15 fits.
fn scaled(sample: i16, steps: i32) -> i32 {
    (i32::from(sample) * steps + (1 << (SHIFT - 1))) >> SHIFT
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
fn saturate(sum: i32) -> i16 {
    sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// A change fades over this part of a tick: 5 ms.
pub(super) const RAMP_PART: usize = 4;
