//! The built-in hold music: a small piece written for this, rendered when first needed.
//!
//! Eight bars in C of broken chords over a bass, soft plucked voices that die away, made to follow on itself.

use std::f64::consts::TAU;

use crate::RecordRate;

/// One bar: bass note and the four notes of its broken chord, as MIDI numbers (69 = A4 = 440 Hz).
struct Bar {
    bass: u8,
    chord: [u8; 4],
    /// A note of melody in the second half.
    melody: u8,
}

/// The whole loop at `rate`: [`LENGTH_MS`], a whole number of 20 ms frames.
#[must_use]
pub fn render(rate: RecordRate) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let length = (BAR_SECONDS * hz).round() * SONG.len() as f64;
    let mut sound = vec![0f64; to_index(length)];
    for (number, bar) in SONG.iter().enumerate() {
        let start = number as f64 * BAR_SECONDS;
        pluck(&mut sound, hz, &Note { at: start, midi: bar.bass, gain: 0.9, fade_s: 1.4 });
        for eighth in 0..8 {
            let midi = bar.chord[[0, 1, 2, 3, 2, 1, 2, 1][eighth]];
            pluck(
                &mut sound,
                hz,
                &Note { at: start + eighth as f64 * BAR_SECONDS / 8.0, midi, gain: 0.5, fade_s: 0.6 },
            );
        }
        pluck(&mut sound, hz, &Note { at: start + BAR_SECONDS / 2.0, midi: bar.melody, gain: 0.7, fade_s: 0.9 });
    }
    let loudest = sound.iter().fold(1e-9, |loudest: f64, sample| loudest.max(sample.abs()));
    sound.iter().map(|sample| round(sample / loudest * PEAK)).collect()
}

struct Note {
    at: f64,
    midi: u8,
    gain: f64,
    /// Time in which it falls to 1/e.
    fade_s: f64,
}

/// Adds a plucked note; what rings past the end rings at the beginning, as the piece is a loop.
fn pluck(sound: &mut [f64], hz: f64, note: &Note) {
    let pitch = 440.0 * 2f64.powf((f64::from(note.midi) - 69.0) / 12.0);
    let start = to_index(note.at * hz);
    for i in 0..to_index(note.fade_s * 5.0 * hz) {
        let t = i as f64 / hz;
        let attack = (t / 0.006).min(1.0);
        let overtones: f64 =
            [(1.0, 1.0), (2.0, 0.35), (3.0, 0.12)].iter().map(|(nth, part)| part * (TAU * pitch * nth * t).sin()).sum();
        let at = (start + i) % sound.len();
        sound[at] += note.gain * attack * (-t / note.fade_s).exp() * overtones;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^32")]
fn to_index(value: f64) -> usize {
    value.round() as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest value in range")]
fn round(value: f64) -> i16 {
    value.round() as i16
}

/// How long it is.
pub const LENGTH_MS: u32 = 16_000;
/// Two seconds a bar: 120 quarter notes a minute.
const BAR_SECONDS: f64 = 2.0;
/// Loudest sample: music on hold should be softer than speech.
const PEAK: f64 = 9_000.0;
/// C, A minor, F, G; C, E minor, F, G.
const SONG: [Bar; 8] = [
    Bar { bass: 48, chord: [60, 64, 67, 72], melody: 76 },
    Bar { bass: 45, chord: [57, 60, 64, 69], melody: 72 },
    Bar { bass: 41, chord: [57, 60, 65, 69], melody: 77 },
    Bar { bass: 43, chord: [59, 62, 67, 71], melody: 74 },
    Bar { bass: 48, chord: [60, 64, 67, 72], melody: 79 },
    Bar { bass: 40, chord: [59, 64, 67, 71], melody: 76 },
    Bar { bass: 41, chord: [60, 65, 69, 72], melody: 74 },
    Bar { bass: 43, chord: [59, 62, 67, 71], melody: 71 },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rms;

    #[test]
    fn the_loop_is_sixteen_seconds_never_silent_and_has_no_seam() {
        for rate in [RecordRate::Narrow, RecordRate::Wide] {
            let music = render(rate);
            assert_eq!(music.len(), 16 * rate.hz() as usize);
            for second in music.chunks(rate.hz() as usize / 2) {
                assert!((400.0..6_000.0).contains(&rms(second)), "{}", rms(second));
            }
            let seam = (i32::from(music[0]) - i32::from(music[music.len() - 1])).abs();
            assert!(seam < 1_500, "{seam}");
        }
    }
}
