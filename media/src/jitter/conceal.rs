//! Making up what is missing: the last period again and again, fading away.

use super::pitch::{crossfaded, of_us, period};
use crate::RecordRate;

/// Follows what is heard, and goes on with it.
#[derive(Debug, Clone)]
pub(super) struct Concealer {
    rate: RecordRate,
    /// The last 40 ms that were heard, made up or not.
    past: Vec<i16>,
    made_up: Option<MadeUp>,
}

/// A stretch that is being made up.
#[derive(Debug, Clone)]
struct MadeUp {
    /// One period, its end bent so that it leads to its beginning.
    cycle: Vec<i16>,
    /// Samples so far.
    done: usize,
}

impl Concealer {
    pub(super) fn new(rate: RecordRate) -> Self {
        Self { rate, past: Vec::new(), made_up: None }
    }

    pub(super) fn rate(&self) -> RecordRate {
        self.rate
    }

    /// Real sound comes: its beginning is blended with what was being made up.
    pub(super) fn heard(&mut self, sound: &mut [i16]) {
        if let Some(made_up) = self.made_up.take() {
            let overlap = of_us(self.rate, OVERLAP_US).min(sound.len());
            let mut tail = Vec::new();
            made_up.go_on(self.rate, overlap, &mut tail);
            let blended = crossfaded(&tail, &sound[..overlap]);
            sound[..overlap].copy_from_slice(&blended);
        }
        self.remember(sound);
    }

    /// Makes up `samples`.
    pub(super) fn make_up(&mut self, samples: usize, out: &mut Vec<i16>) {
        let from = out.len();
        let mut made_up = match self.made_up.take() {
            Some(made_up) => made_up,
            None => MadeUp::after(&self.past, self.rate),
        };
        made_up.go_on(self.rate, samples, out);
        made_up.done += samples;
        self.made_up = Some(made_up);
        let made = out[from..].to_vec();
        self.remember(&made);
    }

    /// Something else made it up.
    pub(super) fn was_made_up(&mut self, sound: &[i16]) {
        self.made_up = None;
        self.remember(sound);
    }

    /// Silence was heard: there is nothing to go on with.
    pub(super) fn silence(&mut self) {
        self.past.clear();
        self.made_up = None;
    }

    fn remember(&mut self, sound: &[i16]) {
        let kept = of_us(self.rate, PAST_US);
        self.past.extend_from_slice(sound);
        self.past.drain(..self.past.len().saturating_sub(kept));
    }
}

impl MadeUp {
    fn after(past: &[i16], rate: RecordRate) -> Self {
        if past.len() < of_us(rate, PAST_US) {
            return Self { cycle: vec![0], done: 0 };
        }
        let period = period(past, rate);
        let start = past.len() - period;
        let mut cycle = past[start..].to_vec();
        let seam = period / 4;
        let lead = &past[start - seam..start];
        let bent = crossfaded(&cycle[period - seam..], lead);
        cycle[period - seam..].copy_from_slice(&bent);
        Self { cycle, done: 0 }
    }

    fn go_on(&self, rate: RecordRate, samples: usize, out: &mut Vec<i16>) {
        let (whole, end) = (of_us(rate, WHOLE_US), of_us(rate, END_US));
        out.extend((self.done..self.done + samples).map(|at| {
            let left = end.saturating_sub(at.max(whole));
            let faded = i64::from(self.cycle[at % self.cycle.len()]) * left as i64 / (end - whole) as i64;
            i16::try_from(faded).unwrap_or(0)
        }));
    }
}

/// Two of the longest periods and room to compare.
const PAST_US: u32 = 40_000;
/// Over how long real sound takes over.
const OVERLAP_US: u32 = 4_000;
/// Made up at full level for so long, then fading. G.711 appendix I.
const WHOLE_US: u32 = 10_000;
/// Silent from then on. G.711 appendix I.
const END_US: u32 = 60_000;
