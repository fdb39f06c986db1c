//! G.711 µ-law and A-law, by table. ITU-T G.711 (11/88), tables 1a to 2b.

use super::{Decoder, Encoder};

/// A companding law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// µ-law: payload type 0.
    Mu,
    /// A-law: payload type 8.
    A,
}

/// µ-law code of a 16-bit linear sample. G.711 tables 2a and 2b, their 14 bits shifted left by 2.
#[must_use]
pub const fn to_ulaw(sample: i16) -> u8 {
    let absolute = sample.unsigned_abs();
    let magnitude = if absolute > ULAW_CLIP { ULAW_CLIP } else { absolute } + ULAW_BIAS;
    // The bias puts the highest bit at 7 to 14: that is the segment.
    let segment = magnitude.ilog2() as u16 - 7;
    let code = (segment << 4 | (magnitude >> (segment + 3)) & 0x0F) as u8;
    // All bits are inverted on the line, so the sign bit is 1 for positive samples.
    !(if sample < 0 { code | SIGN } else { code })
}

/// A-law code of a 16-bit linear sample. G.711 tables 1a and 1b, their 13 bits shifted left by 3.
#[must_use]
pub const fn to_alaw(sample: i16) -> u8 {
    let magnitude = (if sample < 0 { !sample } else { sample }) as u16 >> 3;
    let code = if magnitude < 32 {
        (magnitude >> 1) as u8
    } else {
        let segment = magnitude.ilog2() as u16 - 4;
        (segment << 4 | (magnitude >> segment) & 0x0F) as u8
    };
    (if sample < 0 { code } else { code | SIGN }) ^ ALAW_INVERT
}

/// Linear 16-bit samples of all µ-law codes.
pub static ULAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_level(code as u8);
        code += 1;
    }
    table
};

/// Linear 16-bit samples of all A-law codes.
pub static ALAW_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_level(code as u8);
        code += 1;
    }
    table
};

/// A-law code of each µ-law code, by nearest level.
pub static ULAW_TO_ALAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = to_alaw(ulaw_level(code as u8));
        code += 1;
    }
    table
};

/// µ-law code of each A-law code, by nearest level.
pub static ALAW_TO_ULAW: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = to_ulaw(alaw_level(code as u8));
        code += 1;
    }
    table
};

/// Writes `payload` into `out`, translated from one law to the other; `from` names the law of `payload`.
/// Returns how many bytes were written: the shorter of the two.
pub fn transcode(from: Law, payload: &[u8], out: &mut [u8]) -> usize {
    let table = match from {
        Law::Mu => &ULAW_TO_ALAW,
        Law::A => &ALAW_TO_ULAW,
    };
    for (to, code) in out.iter_mut().zip(payload) {
        *to = table[usize::from(*code)];
    }
    out.len().min(payload.len())
}

/// One law as a coder at 8 kHz; keeps no state.
#[derive(Debug, Clone, Copy)]
pub struct G711(pub Law);

impl Encoder for G711 {
    fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        match self.0 {
            Law::Mu => out.extend(frame.iter().map(|sample| to_ulaw(*sample))),
            Law::A => out.extend(frame.iter().map(|sample| to_alaw(*sample))),
        }
    }

    fn fork(&self) -> Option<Box<dyn Encoder>> {
        Some(Box::new(*self))
    }
}

impl Decoder for G711 {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let table = match self.0 {
            Law::Mu => &ULAW_TO_LINEAR,
            Law::A => &ALAW_TO_LINEAR,
        };
        out.extend(payload.iter().map(|code| table[usize::from(*code)]));
    }
}

const fn ulaw_level(code: u8) -> i16 {
    let code = !code;
    let step = (code & 0x0F) as i16;
    let segment = (code & 0x70) >> 4;
    let level = (((step << 3) + ULAW_BIAS as i16) << segment) - ULAW_BIAS as i16;
    if code & SIGN == 0 { level } else { -level }
}

const fn alaw_level(code: u8) -> i16 {
    let code = code ^ ALAW_INVERT;
    let step = (code & 0x0F) as i16;
    let segment = (code & 0x70) >> 4;
    let level = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & SIGN == 0 { -level } else { level }
}

/// Added before the segment is looked for: 33 in 14 bits.
const ULAW_BIAS: u16 = 33 << 2;
/// Greatest magnitude that does not overflow with the bias.
const ULAW_CLIP: u16 = 32_635;
/// The sign bit of a code.
const SIGN: u8 = 0x80;
/// Even bits are inverted on the line. G.711 table 1a, note 2.
const ALAW_INVERT: u8 = 0x55;

#[cfg(test)]
mod tests {
    use super::*;

    /// One row of the recommendation's tables in f64: decision values around a magnitude, and its level.
    struct Row {
        from: f64,
        to: f64,
        level: f64,
    }

    /// G.711 table 2a: decision values 2^s (2n + 32) - 33 in 14 bits, level in the middle.
    fn ulaw_rows() -> Vec<Row> {
        let value = |segment: i32, half_steps: f64| (2f64.powi(segment) * half_steps - 33.0).max(0.0) * 4.0;
        let mut rows = Vec::new();
        for (segment, step) in (0..8).flat_map(|segment| (0..16).map(move |step| (segment, 2.0 * f64::from(step)))) {
            let level = value(segment, step + 33.0);
            rows.push(Row { from: value(segment, step + 32.0), to: value(segment, step + 34.0), level });
        }
        rows
    }

    /// G.711 table 1a: 32 equal steps up to 64 (of 4096), then 16 steps in each octave, level in the middle.
    fn alaw_rows() -> Vec<Row> {
        let mut rows = Vec::new();
        for (segment, step) in (0..8).flat_map(|segment| (0..16).map(move |step| (segment, f64::from(step)))) {
            let (unit, first) = if segment == 0 { (16.0, 0.0) } else { (2f64.powi(segment - 1) * 16.0, 16.0) };
            let from = (first + step) * unit;
            rows.push(Row { from, to: from + unit, level: from + unit / 2.0 });
        }
        rows
    }

    fn check(rows: &[Row], sample: i16, decoded: i16) {
        let level = f64::from(decoded).abs();
        let row = rows.iter().find(|row| (row.level - level).abs() < 0.5).expect("a level of the table");
        let magnitude = f64::from(sample).abs().min(rows[127].to);
        assert!((row.from..=row.to).contains(&magnitude), "{sample}: {level} is for {} to {}", row.from, row.to);
        assert!(level == 0.0 || (decoded < 0) == (sample < 0), "{sample}: {decoded}");
    }

    #[test]
    fn every_sample_gets_the_level_of_its_interval() {
        let (ulaw, alaw) = (ulaw_rows(), alaw_rows());
        for sample in i16::MIN..=i16::MAX {
            check(&ulaw, sample, ULAW_TO_LINEAR[usize::from(to_ulaw(sample))]);
            check(&alaw, sample, ALAW_TO_LINEAR[usize::from(to_alaw(sample))]);
        }
    }

    #[test]
    fn every_code_comes_back_and_silence_is_as_the_tables_say() {
        for code in 0..=255u8 {
            assert_eq!(to_alaw(ALAW_TO_LINEAR[usize::from(code)]), code);
            let back = to_ulaw(ULAW_TO_LINEAR[usize::from(code)]);
            // Minus zero, 0x7F, is written as plus zero.
            assert_eq!(back, if code == 0x7F { 0xFF } else { code });
        }
        assert_eq!((to_ulaw(0), to_alaw(0)), (0xFF, 0xD5));
        assert_eq!((ULAW_TO_LINEAR[0x00], ULAW_TO_LINEAR[0x80]), (-32_124, 32_124));
        assert_eq!((ALAW_TO_LINEAR[0x2A], ALAW_TO_LINEAR[0xAA]), (-32_256, 32_256));
    }

    #[test]
    fn translation_is_decoding_and_encoding() {
        let codes: Vec<u8> = (0..=255).collect();
        let mut out = [0; 256];
        assert_eq!(transcode(Law::Mu, &codes, &mut out), 256);
        for (code, translated) in codes.iter().zip(out) {
            let (wanted, got) = (ULAW_TO_LINEAR[usize::from(*code)], ALAW_TO_LINEAR[usize::from(translated)]);
            assert!((i32::from(wanted) - i32::from(got)).abs() <= 512 && (wanted < 0) == (got < 0), "{code:#x}");
        }
        assert_eq!(transcode(Law::A, &codes, &mut out[..10]), 10);
    }
}
