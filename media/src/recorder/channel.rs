//! One channel of a recording: a sum of voices, each with a fader.

use std::collections::VecDeque;

use crate::RecordRate;

/// How much of a voice a channel has: all, nothing, or on its way between.
#[derive(Debug, Default)]
pub(super) struct Fader {
    /// Steps up from nothing, to [`ramp`] at the most.
    level: i32,
    towards: Change,
    /// What is to come, by position, in order.
    changes: VecDeque<(i64, Change)>,
}

/// Which way a voice goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Change {
    /// To be heard.
    In,
    /// To be heard no more.
    #[default]
    Out,
}

/// A sum in 32 bits, which neither wraps nor loses anything: a channel has far fewer than 2^16 voices.
#[derive(Debug, Default)]
pub(super) struct Sum(Vec<i32>);

impl Fader {
    pub(super) fn shut() -> Self {
        Self::default()
    }

    pub(super) fn open(rate: RecordRate) -> Self {
        Self { level: ramp(rate), towards: Change::In, changes: VecDeque::new() }
    }

    /// Begins to go that way at a position; positions never go back.
    pub(super) fn change(&mut self, at: i64, change: Change) {
        let last = self.changes.back().map_or(self.towards, |(_, change)| *change);
        if last == change {
            return;
        }
        let taken_back = self.changes.back().is_some_and(|(pending, _)| *pending == at);
        if taken_back || self.changes.len() >= CHANGES_MAX {
            // The last one counts.
            self.changes.pop_back();
            return self.change(at, change);
        }
        self.changes.push_back((at, change));
    }

    /// Whether nothing is heard and nothing is to come.
    pub(super) fn is_out(&self) -> bool {
        self.level == 0 && self.towards == Change::Out && self.changes.is_empty()
    }
}

impl Sum {
    pub(super) fn begin(&mut self, frames: usize) {
        self.0.clear();
        self.0.resize(frames, 0);
    }

    /// Adds a voice; its first sample stands at `position`.
    pub(super) fn add(&mut self, samples: &[i16], position: i64, fader: &mut Fader, rate: RecordRate) {
        let (ramp, mut at) = (ramp(rate), 0);
        while at < samples.len() {
            let here = position + i64::try_from(at).unwrap_or(i64::MAX);
            while let Some((_, change)) = fader.changes.pop_front_if(|(due, _)| *due <= here) {
                fader.towards = change;
            }
            let next = fader.changes.front().and_then(|(due, _)| usize::try_from(due - position).ok());
            let end = next.unwrap_or(samples.len()).min(samples.len());
            let (sums, samples) = (&mut self.0[at..end], &samples[at..end]);
            at += match (fader.towards, fader.level) {
                (Change::Out, 0) => samples.len(),
                (Change::In, level) if level == ramp => {
                    sums.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += i32::from(*sample));
                    samples.len()
                }
                (towards, _) => {
                    let step = if towards == Change::In { 1 } else { -1 };
                    let mut faded = 0;
                    for (sum, sample) in sums.iter_mut().zip(samples) {
                        fader.level += step;
                        *sum += i32::from(*sample) * fader.level / ramp;
                        faded += 1;
                        if fader.level == 0 || fader.level == ramp {
                            break;
                        }
                    }
                    faded
                }
            };
        }
    }

    /// What is too loud is cut off, not wrapped.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 16 bits")]
    pub(super) fn samples(&self) -> impl Iterator<Item = i16> + '_ {
        self.0.iter().map(|sum| (*sum).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
    }
}

/// Samples from nothing to all: 5 ms.
fn ramp(rate: RecordRate) -> i32 {
    i32::try_from(rate.hz() / 200).expect("a small constant")
}

/// Changes within the time that frames are held back: one a tick of 20 ms, and as many again.
const CHANGES_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn faded(fader: &mut Fader, frames: usize) -> Vec<i16> {
        let mut sum = Sum::default();
        sum.begin(frames);
        sum.add(&vec![8_000; frames], 0, fader, RecordRate::Narrow);
        sum.samples().collect()
    }

    #[test]
    fn a_change_takes_5_ms_from_where_it_begins() {
        let mut fader = Fader::shut();
        fader.change(160, Change::In);
        fader.change(320, Change::Out);
        let heard = faded(&mut fader, 480);
        assert!(heard[..160].iter().all(|sample| *sample == 0));
        assert_eq!((heard[160], heard[179], heard[199], heard[319]), (200, 4_000, 8_000, 8_000));
        assert_eq!((heard[320], heard[339], heard[359], heard[479]), (7_800, 4_000, 0, 0));
        assert!(fader.is_out());
    }

    #[test]
    fn a_change_that_is_taken_back_at_once_is_none() {
        let mut fader = Fader::open(RecordRate::Narrow);
        fader.change(160, Change::Out);
        fader.change(160, Change::In);
        assert!(fader.changes.is_empty());
        for at in 1..1_000 {
            fader.change(at, if at % 2 == 0 { Change::In } else { Change::Out });
        }
        assert!(fader.changes.len() <= CHANGES_MAX);
        assert_eq!(fader.changes.back().map(|(_, change)| *change), Some(Change::Out), "the last one counts");
    }

    #[test]
    fn loud_voices_are_cut_off_and_do_not_wrap() {
        let mut sum = Sum::default();
        sum.begin(2);
        for _ in 0..3 {
            sum.add(&[30_000, -30_000], 0, &mut Fader::open(RecordRate::Narrow), RecordRate::Narrow);
        }
        assert_eq!(sum.samples().collect::<Vec<_>>(), [i16::MAX, i16::MIN]);
    }
}
