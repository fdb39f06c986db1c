//! Keys as sounds (ITU-T Q.23, Q.24): made, and heard in a voice, one press one digit.

use std::f64::consts::TAU;

use crate::RecordRate;
use crate::codec::resample::Resampler;

/// Hears keys in the sound of one party.
pub struct InbandDetector {
    /// For sound at 16 kHz.
    resampler: Resampler,
    narrow: Vec<i16>,
    /// Of the rows, then of the columns, for Goertzel's algorithm.
    coefficients: [f32; 8],
    /// Samples of a block that is not whole yet.
    block: Vec<i16>,
    /// What the last block was.
    last: Option<Likeness>,
    /// The key that is down, and how many blocks ago it was last heard.
    down: Option<(char, u8)>,
}

/// A block that sounds like a key.
#[derive(Clone, Copy)]
struct Likeness {
    key: char,
    /// Also its row and its column are as loud as those of a key are, seen through no leakage.
    sure: bool,
}

/// Sums of one block.
struct Spectrum {
    rows: [f32; 4],
    columns: [f32; 4],
    energy: f32,
}

impl InbandDetector {
    /// Listens to sound at `rate`.
    #[must_use]
    pub fn new(rate: RecordRate) -> Self {
        let resampler = Resampler::new(rate, RecordRate::Narrow);
        let mut coefficients = [0.0; 8];
        for (coefficient, hz) in coefficients.iter_mut().zip(ROWS_HZ.iter().chain(&COLUMNS_HZ)) {
            #[expect(clippy::cast_possible_truncation, reason = "up to 2")]
            let of_tone = (2.0 * (TAU * hz / 8_000.0).cos()) as f32;
            *coefficient = of_tone;
        }
        let block = Vec::with_capacity(BLOCK);
        Self { resampler, narrow: Vec::new(), coefficients, block, last: None, down: None }
    }

    /// Takes the next samples; gives each key once, when it has been heard for two blocks (26 ms).
    pub fn receive(&mut self, samples: &[i16], mut pressed: impl FnMut(char)) {
        self.narrow.clear();
        self.resampler.process(samples, &mut self.narrow);
        let narrow = std::mem::take(&mut self.narrow);
        let mut rest = &narrow[..];
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(part);
            rest = after;
            if self.block.len() == BLOCK {
                let key = self.key();
                self.block.clear();
                self.follow(key).into_iter().for_each(&mut pressed);
            }
        }
        self.narrow = narrow;
    }

    /// What is heard in the block.
    fn key(&self) -> Option<Likeness> {
        let energy: f32 = self.block.iter().map(|sample| f32::from(*sample).powi(2)).sum();
        // Most of what people say is silence.
        if energy / BLOCK_F > LEAST_MEAN_SQUARE {
            Spectrum::of(&self.block, &self.coefficients, energy).key()
        } else {
            None
        }
    }

    /// What a block adds: a key, if it has just become one.
    fn follow(&mut self, heard: Option<Likeness>) -> Option<char> {
        let last = std::mem::replace(&mut self.last, heard);
        // One of the two may be beside what was sent.
        let twice = heard.zip(last).is_some_and(|(now, last)| now.key == last.key && (now.sure || last.sure));
        let key = heard.filter(|now| now.sure || twice).map(|now| now.key);
        match &mut self.down {
            Some((down, missed)) if Some(*down) == key => *missed = 0,
            // Released after 26 ms without it, or where another key has come up; a shorter hole is the line's.
            Some((_, missed)) if *missed + 1 < RELEASE_BLOCKS && !twice => *missed += 1,
            Some(_) | None => self.down = None,
        }
        let new = key.filter(|_| twice && self.down.is_none());
        self.down = new.map(|key| (key, 0)).or(self.down);
        new
    }
}

impl Spectrum {
    /// Energies of the tones in a block, by Goertzel's algorithm: that of the whole block if there is nothing else. All in one go, so
    /// that the compiler takes four tones at a time.
    fn of(block: &[i16], coefficients: &[f32; 8], energy: f32) -> Self {
        let (mut one, mut two) = ([0.0f32; 8], [0.0f32; 8]);
        for sample in block {
            let sample = f32::from(*sample);
            for tone in 0..8 {
                let next = sample + coefficients[tone] * one[tone] - two[tone];
                two[tone] = one[tone];
                one[tone] = next;
            }
        }
        let power = |tone: usize| {
            let (one, two) = (one[tone], two[tone]);
            2.0 * (one * one + two * two - coefficients[tone] * one * two) / BLOCK_F
        };
        Self { rows: [0, 1, 2, 3].map(power), columns: [4, 5, 6, 7].map(power), energy }
    }

    /// Whether the block, which is loud enough, is one row and one column tone, and little else.
    fn key(&self) -> Option<Likeness> {
        let (row, low) = strongest(&self.rows);
        let (column, high) = strongest(&self.columns);
        // Both tones together are nearly all there is.
        let pure = low + high > PURE * self.energy;
        let twisted = |spare: f32| low < high * REVERSE_TWIST * spare && high < low * NORMAL_TWIST * spare;
        let clear = |powers: &[f32; 4], best: usize| {
            powers.iter().enumerate().all(|(at, power)| at == best || power * CLEAR < powers[best])
        };
        let alike = pure && twisted(LEAKAGE) && clear(&self.rows, row) && clear(&self.columns, column);
        alike.then(|| Likeness { key: KEYS[row][column], sure: twisted(1.0) })
    }
}

fn strongest(powers: &[f32; 4]) -> (usize, f32) {
    let mut best = (0, powers[0]);
    for (at, power) in powers.iter().enumerate() {
        if *power > best.1 {
            best = (at, *power);
        }
    }
    best
}

/// The sound of keys, 100 ms each with 100 ms between (Q.24 asks receivers for 40); other characters are pauses.
#[must_use]
pub fn render(keys: &str, rate: RecordRate) -> Vec<i16> {
    let length = (rate.hz() / 10) as usize;
    let mut sound = Vec::new();
    for key in keys.chars() {
        let at =
            KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|known| *known == key)?)));
        if let Some((row, column)) = at {
            sound.extend((0..length).map(|at| {
                let t = at as f64 / f64::from(rate.hz());
                let wave = |hz: f64, peak: f64| peak * (TAU * hz * t).sin();
                let value = wave(ROWS_HZ[row], LOW_PEAK) + wave(COLUMNS_HZ[column], HIGH_PEAK);
                #[expect(clippy::cast_possible_truncation, reason = "both peaks together are below 32,767")]
                let sample = value.round() as i16;
                sample
            }));
        }
        sound.resize(sound.len() + length, 0);
    }
    sound
}

const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// ITU-T Q.23.
const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS_HZ: [f64; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// 13 ms at 8 kHz: two of them fit into the shortest press of 40 ms wherever it begins.
const BLOCK: usize = 104;
const BLOCK_F: f32 = BLOCK as f32;
/// Blocks without a key after which it is up.
const RELEASE_BLOCKS: u8 = 2;
/// About -36 dBm0.
const LEAST_MEAN_SQUARE: f32 = 130.0 * 130.0;
/// Part of the energy that both tones must have.
const PURE: f32 = 0.8;
/// The column may be 8 dB above the row, and the row 4 dB above the column, with something to spare.
const NORMAL_TWIST: f32 = 8.0;
const REVERSE_TWIST: f32 = 3.2;
/// In a block of 13 ms each tone leaks into the other: what is measured is up to 2 dB beside what was sent.
const LEAKAGE: f32 = 1.6;
/// The other rows and columns are below by 8 dB.
const CLEAR: f32 = 6.3;
/// -9 dBm0 and -7 dBm0.
const LOW_PEAK: f64 = 8_050.0;
const HIGH_PEAK: f64 = 10_130.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Coder, Law};
    use proptest::prelude::*;

    fn heard(sound: &[i16], rate: RecordRate) -> String {
        let (mut detector, mut keys) = (InbandDetector::new(rate), String::new());
        sound.chunks((rate.hz() / 50) as usize).for_each(|frame| detector.receive(frame, |key| keys.push(key)));
        keys
    }

    /// Keys of any length, level, twist and place on the clock.
    fn press(sound: &mut Vec<i16>, key: char, milliseconds: usize, peaks: (f64, f64)) {
        let (row, column) = (0..16).map(|at| (at / 4, at % 4)).find(|at| KEYS[at.0][at.1] == key).unwrap();
        let start = sound.len();
        sound.extend((0..milliseconds * 8).map(|at| {
            let t = (start + at) as f64 / 8_000.0;
            let wave = |hz: f64, peak: f64| peak * (TAU * hz * t).sin();
            (wave(ROWS_HZ[row], peaks.0) + wave(COLUMNS_HZ[column], peaks.1)) as i16
        }));
    }

    const ALL: &str = "1234567890*#ABCD";

    #[test]
    fn what_is_made_is_heard_in_every_codec() {
        for coder in [Coder::G711(Law::Mu), Coder::G711(Law::A), Coder::G722, Coder::OPUS] {
            let rate = coder.encoder_rate();
            let (mut encoder, mut decoder) = (coder.encoder().unwrap(), coder.decoder(rate).unwrap());
            let mut sound = Vec::new();
            for frame in render(&format!("{ALL}5511"), rate).chunks((rate.hz() / 50) as usize) {
                let mut payload = Vec::new();
                encoder.encode(frame, &mut payload);
                decoder.decode(&payload, &mut sound);
            }
            assert_eq!(heard(&sound, rate), format!("{ALL}5511"), "{coder:?}");
        }
    }

    #[test]
    fn a_key_that_is_held_or_has_a_hole_is_one_key() {
        let mut sound = vec![0; 77];
        press(&mut sound, '5', 2_000, (6_000.0, 6_000.0));
        let hole = sound.len() / 2;
        sound[hole..hole + 70].fill(0);
        assert_eq!(heard(&sound, RecordRate::Narrow), "5");
    }

    #[test]
    fn what_is_too_short_too_soft_or_too_uneven_is_no_key() {
        for (milliseconds, peaks) in
            [(12, (6_000.0, 6_000.0)), (100, (60.0, 60.0)), (100, (2_000.0, 9_000.0)), (100, (6_000.0, 2_000.0))]
        {
            let mut sound = vec![0; 50];
            press(&mut sound, '8', milliseconds, peaks);
            sound.resize(sound.len() + 800, 0);
            assert_eq!(heard(&sound, RecordRate::Narrow), "", "{milliseconds} ms at {peaks:?}");
        }
    }

    /// Ten minutes of a voice: pulses of a wandering pitch through wandering resonances.
    #[test]
    fn a_voice_presses_no_key() {
        let (mut memory, mut phase) = ([[0.0f64; 2]; 3], 0.0);
        let sound: Vec<i16> = (0..600 * 8_000)
            .map(|at| {
                let t = f64::from(at) / 8_000.0;
                phase += (140.0 + 60.0 * (t * 2.1).sin() + 25.0 * (t * 0.37).sin()) / 8_000.0;
                let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
                phase = phase.fract();
                let mut voice = 0.0;
                for (nth, memory) in memory.iter_mut().enumerate() {
                    let centre = [600.0, 1_350.0, 2_500.0][nth] * (1.0 + 0.4 * (t * [3.1, 2.3, 1.9][nth]).sin());
                    let next = pulse + 1.94 * (TAU * centre / 8_000.0).cos() * memory[0] - 0.9409 * memory[1];
                    *memory = [next, memory[0]];
                    voice += next * [1.0, 0.8, 0.3][nth];
                }
                (voice * 4_000.0 * (t * 4.3 * std::f64::consts::PI).sin()).clamp(-32_768.0, 32_767.0) as i16
            })
            .collect();
        assert!(crate::testing::rms(&sound) > 1_000.0);
        assert_eq!(heard(&sound, RecordRate::Narrow), "");
    }

    /// Key, length, pause, level and twist of a press.
    type Press = (usize, usize, usize, f64, f64);

    /// They are pressed after so many samples, through mu-law with noise 20 dB below; what was pressed.
    fn through_noise(presses: &[Press], lead: usize, mut noise: u32) -> (Vec<i16>, String) {
        let (mut sound, mut pressed) = (vec![0; lead], String::new());
        for (key, on_ms, off_ms, db, twist_db) in presses {
            let key = ALL.chars().nth(*key).unwrap();
            pressed.push(key);
            let low = 9_000.0 * 10f64.powf(db / 20.0);
            let (low, high) = (low * 10f64.powf(-twist_db.max(0.0) / 20.0), low * 10f64.powf(twist_db.min(0.0) / 20.0));
            let start = sound.len();
            press(&mut sound, key, *on_ms, (low, high));
            for sample in &mut sound[start..] {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = f64::from(noise >> 8) / f64::from(1 << 23) - 1.0;
                let loud = (low * low / 2.0 + high * high / 2.0).sqrt() * 0.1 * 3f64.sqrt();
                let dirty = (f64::from(*sample) + wave * loud) as i16;
                *sample = crate::codec::g711::ULAW_TO_LINEAR[usize::from(crate::codec::g711::to_ulaw(dirty))];
            }
            sound.resize(sound.len() + off_ms * 8, 0);
        }
        (sound, pressed)
    }

    /// Of the two blocks of the second press one is measured with 5.6 dB of twist and one with 9.1, where 6.9 were sent.
    #[test]
    fn a_short_press_is_heard_though_one_of_its_blocks_is_beside_what_was_sent() {
        let presses = [(0, 90, 59, 0.0, 0.0), (10, 42, 42, 0.0, 6.874_217_042_945_954)];
        let (sound, pressed) = through_noise(&presses, 180, 143_147_197);
        assert_eq!(heard(&sound, RecordRate::Narrow), pressed);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Presses and pauses from 42 ms on, of any level from -30 dBm0 and any allowed twist, through mu-law with noise
        /// 20 dB below: each is heard once.
        #[test]
        fn each_press_is_one_digit(
            presses in prop::collection::vec((0usize..16, 42usize..150, 42usize..120, -24f64..0.0, -3.0f64..7.0), 1..12),
            lead in 0usize..400,
            noise: u32,
        ) {
            let (sound, pressed) = through_noise(&presses, lead, noise);
            prop_assert_eq!(heard(&sound, RecordRate::Narrow), pressed);
        }
    }
}
