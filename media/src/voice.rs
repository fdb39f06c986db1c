//! Whether a party says something: by the level of its sound alone, so that a tone or music counts as well.

use crate::RecordRate;

/// Listens to the sound of one party.
#[derive(Debug, Clone)]
pub struct VoiceDetector {
    /// Samples in a block.
    block: usize,
    /// Of the block that is not whole yet: how many samples, their sum and the sum of their squares.
    samples: usize,
    sum: f64,
    squares: f64,
    /// Loud blocks in a row, up to [`BLOCKS_TO_BEGIN`].
    loud: u8,
}

impl VoiceDetector {
    /// Listens to sound at `rate`.
    #[must_use]
    pub fn new(rate: RecordRate) -> Self {
        Self { block: (rate.hz() / BLOCKS_PER_S) as usize, samples: 0, sum: 0.0, squares: 0.0, loud: 0 }
    }

    /// Takes the next samples; true if in them somebody speaks: a click is too short for that.
    pub fn receive(&mut self, samples: &[i16]) -> bool {
        let mut speaks = false;
        for sample in samples {
            let sample = f64::from(*sample);
            self.sum += sample;
            self.squares += sample * sample;
            self.samples += 1;
            if self.samples == self.block {
                speaks |= self.end_block();
            }
        }
        speaks
    }

    fn end_block(&mut self) -> bool {
        let count = self.block as f64;
        let mean = self.sum / count;
        // An offset is nothing that is heard.
        let power = self.squares / count - mean * mean;
        (self.samples, self.sum, self.squares) = (0, 0.0, 0.0);
        let is_loud = power > LEAST_RMS * LEAST_RMS;
        self.loud = if is_loud { (self.loud + 1).min(BLOCKS_TO_BEGIN) } else { 0 };
        self.loud == BLOCKS_TO_BEGIN
    }
}

/// Blocks of 20 ms.
const BLOCKS_PER_S: u32 = 50;
/// 60 ms: longer than a click, shorter than a syllable.
const BLOCKS_TO_BEGIN: u8 = 3;
/// -45 dBov: 20 dB and more below somebody who talks (ITU-T P.56 speech is near -26 dBov), above the noise of a quiet line.
const LEAST_RMS: f64 = 184.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sine;

    fn speaks(rate: RecordRate, sound: &[i16]) -> Vec<bool> {
        let mut detector = VoiceDetector::new(rate);
        sound.chunks((rate.hz() / 50) as usize).map(|frame| detector.receive(frame)).collect()
    }

    fn noise(rms: f64, seconds: f64) -> Vec<i16> {
        let mut seed = 7u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let even = f64::from(seed >> 8) / f64::from(1 << 23) - 1.0;
            (even * rms * 3f64.sqrt()).round() as i16
        };
        (0..(8_000.0 * seconds) as usize).map(|_| next()).collect()
    }

    #[test]
    fn who_talks_is_heard_at_each_rate_and_a_quiet_line_is_silence() {
        for rate in [RecordRate::Narrow, RecordRate::Wide] {
            let quiet = vec![0; rate.hz() as usize / 10];
            let sound = [quiet.clone(), sine(rate.hz(), 300.0, 1_000.0, 0.2), quiet].concat();
            let heard = speaks(rate, &sound);
            assert_eq!(heard.iter().position(|speaks| *speaks), Some(7), "60 ms after it begins at 100 ms");
            assert_eq!(heard.iter().rposition(|speaks| *speaks), Some(14), "{heard:?}");
        }
        assert!(!speaks(RecordRate::Narrow, &noise(60.0, 10.0)).contains(&true), "-55 dBov of noise");
        assert!(speaks(RecordRate::Narrow, &noise(400.0, 0.1)).contains(&true), "-38 dBov");
    }

    #[test]
    fn a_click_and_an_offset_are_nothing() {
        let mut click = vec![0; 800];
        click[400..640].fill(20_000);
        assert!(!speaks(RecordRate::Narrow, &click).contains(&true), "30 ms");
        assert!(!speaks(RecordRate::Narrow, &[3_000; 8_000]).contains(&true));
    }

    #[test]
    fn packets_of_any_length_come_to_the_same() {
        let sound = sine(8_000, 440.0, 800.0, 0.5);
        for length in [80, 160, 240, 331] {
            let mut detector = VoiceDetector::new(RecordRate::Narrow);
            let heard = sound.chunks(length).map(|packet| detector.receive(packet));
            assert!(heard.filter(|speaks| *speaks).count() > 400 / 50, "{length}");
        }
    }
}
