//! The period of a voice, and what it is good for: making sound shorter or longer unnoticed, and making it up.

use crate::RecordRate;

/// A sound shortened by one of its periods; `None` where no period is found that would pass unnoticed.
pub(super) fn shortened(sound: &[i16], rate: RecordRate, urgency: Urgency) -> Option<Vec<i16>> {
    let lag = seamless_lag(sound, rate, urgency)?;
    let overlap = lag.min(sound.len() - lag);
    let mut out = crossfaded(&sound[..overlap], &sound[lag..lag + overlap]);
    out.extend_from_slice(&sound[lag + overlap..]);
    Some(out)
}

/// A sound in which one of its periods is heard twice.
pub(super) fn lengthened(sound: &[i16], rate: RecordRate, urgency: Urgency) -> Option<Vec<i16>> {
    let lag = seamless_lag(sound, rate, urgency)?;
    let overlap = lag.min(sound.len() - lag);
    let mut out = sound[..lag].to_vec();
    out.extend(crossfaded(&sound[lag..lag + overlap], &sound[..overlap]));
    out.extend_from_slice(&sound[overlap..]);
    Some(out)
}

/// How much may be heard of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Nothing: wait for a clear period, or silence.
    None,
    /// Delay hurts more than a seam.
    High,
}

/// From one to the other, both of one length.
pub(super) fn crossfaded(from: &[i16], to: &[i16]) -> Vec<i16> {
    let steps = i32::try_from(from.len()).unwrap_or(i32::MAX).max(1);
    let weighed = |((from, to), at): ((&i16, &i16), i32)| {
        let mixed = (i32::from(*from) * (steps - at) + i32::from(*to) * at) / steps;
        i16::try_from(mixed).unwrap_or(0)
    };
    from.iter().zip(to).zip(0..).map(weighed).collect()
}

/// The lag at which the end of `sound` is most like what came before it, 2.5 to 15 ms as far as it is long enough.
pub(super) fn period(sound: &[i16], rate: RecordRate) -> usize {
    let (least, most) = (of_us(rate, 2_500), of_us(rate, 15_000).min(sound.len() / 2));
    let window = sound.len().saturating_sub(most);
    (least..=most.max(least))
        .map(|lag| (lag, likeness(&sound[sound.len() - window..], &sound[sound.len() - window - lag.min(most)..])))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map_or(least, |(lag, _)| lag.min(most).max(1))
}

/// As [`period`] where it is known to be about `expected`: of a sound too short to find it alone.
pub(super) fn period_near(sound: &[i16], expected: usize) -> usize {
    let most = (expected * 4 / 3).min(sound.len() - sound.len() / 4);
    let least = (expected * 3 / 4).min(most).max(1);
    (least..=most)
        .map(|lag| (lag, likeness(&sound[lag..], &sound[..sound.len() - lag])))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map_or(least, |(lag, _)| lag)
}

/// Samples in so many microseconds.
pub(super) fn of_us(rate: RecordRate, us: u32) -> usize {
    (u64::from(rate.hz()) * u64::from(us) / 1_000_000) as usize
}

fn seamless_lag(sound: &[i16], rate: RecordRate, urgency: Urgency) -> Option<usize> {
    let (least, most) = (of_us(rate, 2_500), of_us(rate, 10_000).min(sound.len() / 2));
    if least > most {
        return None;
    }
    let quiet = sound.iter().all(|sample| sample.unsigned_abs() < QUIET);
    if quiet {
        return Some(most);
    }
    let window = sound.len() - most;
    let (lag, like) = (least..=most)
        .map(|lag| (lag, likeness(&sound[..window], &sound[lag..lag + window])))
        .max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    (like > LIKE_ENOUGH || urgency == Urgency::High).then_some(lag)
}

/// Correlation from -1 to 1, over the length of the shorter.
#[expect(clippy::cast_precision_loss, reason = "a measure")]
pub(super) fn likeness(one: &[i16], other: &[i16]) -> f32 {
    let (mut product, mut power, mut other_power) = (0i64, 1i64, 1i64);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (i64::from(*a), i64::from(*b));
        product += a * b;
        power += a * a;
        other_power += b * b;
    }
    product as f32 / ((power as f32).sqrt() * (other_power as f32).sqrt())
}

/// About -56 dB of full scale.
const QUIET: u16 = 50;
/// What differs less is the same sound.
const LIKE_ENOUGH: f32 = 0.85;
