//! G.722 at 64 kbit/s: two sub-bands of ADPCM. ITU-T G.722 (09/2012); block names are the recommendation's.
//!
//! Written after the public-domain code of Steve Underwood and Carnegie Mellon University (spandsp, libg722);
//! compared bit by bit with `ezk-g722` in `media/io/tests`.

use super::{Decoder, Encoder};

/// 16 kHz samples to one byte per two samples.
#[derive(Clone)]
pub struct G722Encoder {
    low: Band,
    high: Band,
    /// Transmit QMF delay line, newest last.
    line: [i32; QMF_TAPS],
}

/// One byte to two 16 kHz samples.
pub struct G722Decoder {
    low: Band,
    high: Band,
    /// Receive QMF delay line, newest last.
    line: [i32; QMF_TAPS],
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self { low: Band::new(32), high: Band::new(8), line: [0; QMF_TAPS] }
    }
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self { low: Band::new(32), high: Band::new(8), line: [0; QMF_TAPS] }
    }
}

impl Encoder for G722Encoder {
    /// An odd last sample is dropped.
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        for pair in frame.chunks_exact(2) {
            let (odd, even) = qmf(&mut self.line, i32::from(pair[0]), i32::from(pair[1]));
            let low = self.low.quantize_low((even + odd) >> 14);
            let high = self.high.quantize_high((even - odd) >> 14);
            out.push(high << 6 | low);
        }
    }

    fn fork(&self) -> Option<Box<dyn Encoder>> {
        Some(Box::new(self.clone()))
    }
}

impl Decoder for G722Decoder {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        for code in payload {
            let low = self.low.dequantize_low(code & 0x3F);
            let high = self.high.dequantize_high(code >> 6);
            let (second, first) = qmf(&mut self.line, low + high, low - high);
            out.push(to_sample(first >> 11));
            out.push(to_sample(second >> 11));
        }
    }
}

/// One sub-band's adaptive quantizer and predictor.
#[derive(Clone)]
struct Band {
    /// Predicted signal.
    predicted: i32,
    /// The zero section's part of it.
    zeros: i32,
    /// Reconstructed signal with its delays.
    reconstructed: [i32; 3],
    /// Pole section coefficients; index 0 is unused, as in the recommendation.
    poles: [i32; 3],
    /// Partial reconstruction with its delays.
    partial: [i32; 3],
    /// Quantized differences with their delays.
    differences: [i32; 7],
    /// Zero section coefficients; index 0 is unused.
    zero_taps: [i32; 7],
    /// Logarithmic scale factor.
    log_scale: i32,
    /// Scale factor.
    scale: i32,
}

impl Band {
    fn new(scale: i32) -> Self {
        Self {
            predicted: 0,
            zeros: 0,
            reconstructed: [0; 3],
            poles: [0; 3],
            partial: [0; 3],
            differences: [0; 7],
            zero_taps: [0; 7],
            log_scale: 0,
            scale,
        }
    }

    /// Blocks 1L to 4L of the encoder: six bits.
    fn quantize_low(&mut self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let level = Q6[1..30].iter().position(|step| magnitude < (step * self.scale) >> 12).unwrap_or(29);
        // Code words of tables 12 and 14, counted down as the magnitude goes up; the two highest negative ones are 63, 62.
        let code = match (error < 0, level) {
            (true, 0 | 1) => 63 - level,
            (true, _) => 33 - level,
            (false, _) => 61 - level,
        };
        let code = u8::try_from(code).expect("six bits");
        self.adapt_low(code >> 2);
        code
    }

    /// Blocks 1H to 4H of the encoder: two bits.
    fn quantize_high(&mut self, sample: i32) -> u8 {
        let error = saturate(sample - self.predicted);
        let magnitude = if error >= 0 { error } else { -(error + 1) };
        let large = magnitude >= (564 * self.scale) >> 12;
        let code = match (error < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.adapt_high(code);
        code
    }

    /// Blocks 2L to 6L of the decoder.
    fn dequantize_low(&mut self, code: u8) -> i32 {
        let difference = (self.scale * QM6[usize::from(code)]) >> 15;
        let sample = (self.predicted + difference).clamp(-16_384, 16_383);
        self.adapt_low(code >> 2);
        sample
    }

    /// Blocks 2H to 6H of the decoder.
    fn dequantize_high(&mut self, code: u8) -> i32 {
        let difference = (self.scale * QM2[usize::from(code)]) >> 15;
        let sample = (self.predicted + difference).clamp(-16_384, 16_383);
        self.adapt_high(code);
        sample
    }

    /// INVQAL, LOGSCL, SCALEL and the predictor, from the four bits that steer them.
    fn adapt_low(&mut self, code: u8) {
        let code = usize::from(code);
        let difference = (self.scale * QM4[code]) >> 15;
        self.log_scale = (((self.log_scale * 127) >> 7) + WL[RL42[code]]).clamp(0, 18_432);
        self.scale = scale_of(self.log_scale, 8);
        self.predict(difference);
    }

    /// INVQAH, LOGSCH, SCALEH and the predictor.
    fn adapt_high(&mut self, code: u8) {
        let code = usize::from(code);
        let difference = (self.scale * QM2[code]) >> 15;
        self.log_scale = (((self.log_scale * 127) >> 7) + WH[RH2[code]]).clamp(0, 22_528);
        self.scale = scale_of(self.log_scale, 10);
        self.predict(difference);
    }

    /// Block 4: adapts the predictor to a quantized difference and predicts the next sample.
    fn predict(&mut self, difference: i32) {
        self.differences[0] = difference;
        self.reconstructed[0] = saturate(self.predicted + difference); // RECONS
        self.partial[0] = saturate(self.zeros + difference); // PARREC
        let poles = self.adapted_poles();
        self.adapt_zeros(difference);
        // DELAYA
        self.differences.copy_within(0..6, 1);
        self.reconstructed.copy_within(0..2, 1);
        self.partial.copy_within(0..2, 1);
        self.poles = [0, poles.0, poles.1];
        // FILTEP, FILTEZ, PREDIC
        let pole = |tap: i32, signal: i32| (tap * saturate(signal + signal)) >> 15;
        let from_poles =
            saturate(pole(self.poles[1], self.reconstructed[1]) + pole(self.poles[2], self.reconstructed[2]));
        let zeros = (1..7).map(|i| pole(self.zero_taps[i], self.differences[i])).sum();
        self.zeros = saturate(zeros);
        self.predicted = saturate(from_poles + self.zeros);
    }

    /// UPPOL2 and UPPOL1: both pole coefficients.
    fn adapted_poles(&self) -> (i32, i32) {
        let same = |delay: usize| (self.partial[0] < 0) == (self.partial[delay] < 0);
        let doubled = saturate(self.poles[1] << 2);
        let toward = (if same(1) { -doubled } else { doubled }).min(32_767);
        let second = (toward >> 7) + if same(2) { 128 } else { -128 } + ((self.poles[2] * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let first = saturate(if same(1) { 192 } else { -192 } + ((self.poles[1] * 32_640) >> 15));
        let limit = saturate(15_360 - second);
        (first.clamp(-limit, limit), second)
    }

    /// UPZERO: the zero section's coefficients.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for i in 1..7 {
            let same = (self.differences[i] < 0) == (difference < 0);
            let toward = if same { step } else { -step };
            self.zero_taps[i] = saturate(toward + ((self.zero_taps[i] * 32_640) >> 15));
        }
    }
}

/// SCALEL and SCALEH: linear scale factor of a logarithmic one.
fn scale_of(log_scale: i32, shift: i32) -> i32 {
    let mantissa = ILB[usize::try_from((log_scale >> 6) & 31).expect("five bits")];
    let shift = shift - (log_scale >> 11);
    (if shift < 0 { mantissa << -shift } else { mantissa >> shift }) << 2
}

/// Shifts two values into the delay line and gives the sums over its odd and even places.
fn qmf(line: &mut [i32; QMF_TAPS], first: i32, second: i32) -> (i32, i32) {
    line.copy_within(2.., 0);
    line[QMF_TAPS - 2] = first;
    line[QMF_TAPS - 1] = second;
    let (mut odd, mut even) = (0, 0);
    for (i, tap) in QMF.iter().enumerate() {
        odd += line[2 * i] * tap;
        even += line[QMF_TAPS - 1 - 2 * i] * tap;
    }
    (odd, even)
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

fn to_sample(value: i32) -> i16 {
    i16::try_from(saturate(value)).expect("saturated to 16 bits")
}

/// Length of the QMF delay lines.
const QMF_TAPS: usize = 24;
/// Half of the symmetric QMF coefficients. G.722 table 11.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Decision levels of the six-bit quantizer. G.722 table 14.
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339,
    1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
/// Logarithmic step multipliers, lower band.
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
/// Which of them a four-bit code takes.
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
/// Logarithmic step multipliers, upper band.
const WH: [i32; 3] = [0, -214, 798];
/// Which of them a two-bit code takes.
const RH2: [usize; 4] = [2, 1, 2, 1];
/// Antilogarithm table.
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
    3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
/// Inverse two-bit quantizer.
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
/// Inverse four-bit quantizer.
const QM4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
/// Inverse six-bit quantizer.
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
    -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
    -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
    4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
