//! Making up what is missing: the last period again and again, fading away.

use super::pitch::{crossfaded, likeness, of_us, period, period_near};
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

    /// Makes up `samples` between what was heard and what comes next: both sides go on toward each other in their own periods, bent
    /// so that each meets the other in phase, and one fades into the other. `None` where too little is known of either.
    pub(super) fn between(&mut self, samples: usize, next: &[i16]) -> Option<Vec<i16>> {
        let least = of_us(self.rate, NEXT_US);
        if self.made_up.is_some() || self.past.len() < of_us(self.rate, PAST_US) || next.len() < least {
            return None;
        }
        let ahead = Ahead::of(&self.past, self.rate);
        let mirrored: Vec<i16> = next.iter().rev().copied().collect();
        let past_mirrored: Vec<i16> = self.past.iter().rev().copied().collect();
        let back = Ahead { past: &mirrored, period: period_near(&mirrored, ahead.period) };
        let from_past = ahead.reaching(samples, next, self.rate);
        let mut from_next = back.reaching(samples, &past_mirrored, self.rate);
        from_next.reverse();
        let made = crossfaded(&from_past, &from_next);
        self.remember(&made);
        Some(made)
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

/// A sound that goes on in its last period.
struct Ahead<'a> {
    past: &'a [i16],
    period: usize,
}

impl<'a> Ahead<'a> {
    fn of(past: &'a [i16], rate: RecordRate) -> Self {
        let (period, longest) = (period(past, rate), of_us(rate, LONGEST_US));
        let window = past.len() - longest;
        let like = likeness(&past[window..], &past[window - period..past.len() - period]);
        // A hiss that came again each few ms would be a tone.
        Self { past, period: if like < LIKE { longest } else { period } }
    }

    /// So many samples of it, without a step at the beginning.
    fn go_on(&self, samples: usize, rate: RecordRate) -> Vec<i16> {
        let cycle = &self.past[self.past.len() - self.period..];
        let before = self.past.len() - self.period - 1;
        let step = i32::from(self.past[self.past.len() - 1]) - i32::from(self.past[before]);
        let smooth = of_us(rate, SMOOTH_US);
        let mut sound = Vec::with_capacity(samples);
        for at in 0..samples {
            let left = i32::try_from(smooth.saturating_sub(at)).unwrap_or(0);
            let bent = i32::from(cycle[at % self.period]) + step * left / i32::try_from(smooth).unwrap_or(1);
            sound.push(i16::try_from(bent.clamp(i32::from(i16::MIN), i32::from(i16::MAX))).unwrap_or(0));
        }
        sound
    }

    /// `samples` of it, stretched or pressed by a twentieth at most, so that what would follow is most like `target`.
    fn reaching(&self, samples: usize, target: &[i16], rate: RecordRate) -> Vec<i16> {
        let slack = samples / BENT_PART;
        let window = of_us(rate, NEXT_US).min(target.len());
        let sound = self.go_on(samples + slack + window, rate);
        let likest = (samples - slack..=samples + slack)
            .map(|length| (length, likeness(&sound[length..length + window], &target[..window])))
            .max_by(|(one_at, one), (other_at, other)| {
                one.total_cmp(other).then_with(|| other_at.abs_diff(samples).cmp(&one_at.abs_diff(samples)))
            });
        let length = likest.filter(|(_, likeness)| *likeness > LIKE).map_or(samples, |(length, _)| length);
        stretched(&sound[..=length], samples)
    }
}

/// A sound as `samples` samples, read between its own.
fn stretched(sound: &[i16], samples: usize) -> Vec<i16> {
    let length = sound.len() - 1;
    let read = |at: usize| {
        let (whole, part) = (at * length / samples, (at * length % samples) as i64);
        let (one, other) = (i64::from(sound[whole]), i64::from(sound[(whole + 1).min(length)]));
        let parts = samples as i64;
        i16::try_from((one * (parts - part) + other * part) / parts).unwrap_or(0)
    };
    (0..samples).map(read).collect()
}

/// So much of the sound behind a gap is met.
const NEXT_US: u32 = 10_000;
/// Over how long a step is smoothed.
const SMOOTH_US: u32 = 2_000;
/// A sound is bent by one part in so many at most: one hears a wrong pitch more than a seam.
const BENT_PART: usize = 20;
/// What is less like itself a period ago, or like what it is to meet, is no voice.
const LIKE: f32 = 0.5;
/// The longest period there is.
const LONGEST_US: u32 = 15_000;
/// Two of the longest periods and room to compare.
const PAST_US: u32 = 40_000;
/// Over how long real sound takes over.
const OVERLAP_US: u32 = 4_000;
/// Made up at full level for so long, then fading. G.711 appendix I.
const WHOLE_US: u32 = 10_000;
/// Silent from then on. G.711 appendix I.
const END_US: u32 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// A voice whose pitch and loudness rise; from `at` on.
    fn voice(at: usize, samples: usize) -> Vec<i16> {
        let mut phase = 0.0f64;
        let sound = (0..at + samples).map(|at| {
            let rise = f64::from(u32::try_from(at).unwrap()) / 4_000.0;
            phase += std::f64::consts::TAU * (110.0 + 30.0 * rise) / 8_000.0;
            let tones = phase.sin() + 0.5 * (2.0 * phase).sin() + 0.3 * (5.0 * phase).sin();
            ((1_000.0 + 4_000.0 * rise) * tones) as i16
        });
        sound.skip(at).collect()
    }

    fn error(made: &[i16], said: &[i16]) -> f64 {
        let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>().sqrt();
        let wrong = power(&mut made.iter().zip(said).map(|(one, other)| f64::from(*one) - f64::from(*other)));
        wrong / power(&mut said.iter().map(|sample| f64::from(*sample)))
    }

    #[test]
    fn a_gap_is_made_up_better_from_both_of_its_ends() {
        for gap in [160, 320, 480] {
            let mut concealer = Concealer::new(RecordRate::Narrow);
            concealer.heard(&mut voice(2_000, 800));
            let (said, next) = (voice(2_800, gap), voice(2_800 + gap, 160));
            let mut alone = Vec::new();
            concealer.clone().make_up(gap, &mut alone);
            let both = concealer.between(gap, &next).unwrap();
            let (alone, both_wrong) = (error(&alone, &said), error(&both, &said));
            assert!(both_wrong < 0.8 * alone, "{gap}: {both_wrong} of the voice is wrong, {alone} by one end alone");
            // No step at either end beyond the largest of the voice itself.
            let around = [&voice(2_790, 10)[..], &both, &next[..10]].concat();
            let step = |sound: &[i16]| sound.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max();
            assert!(step(&around) <= step(&[&said[..], &next].concat()).map(|step| step * 3 / 2), "{gap}");
        }
    }

    #[test]
    fn of_too_little_nothing_is_made_up_from_both_ends() {
        let mut concealer = Concealer::new(RecordRate::Narrow);
        assert_eq!(concealer.between(160, &voice(0, 160)), None, "nothing was heard");
        concealer.heard(&mut voice(0, 800));
        assert_eq!(concealer.between(160, &voice(960, 40)), None, "too little comes");
        assert_eq!(concealer.between(160, &[0; 160]).map(|made| made.len()), Some(160));
        let silence = concealer.between(160, &[0; 80]).unwrap();
        assert_eq!(silence.len(), 160);
    }
}
