//! G.711 from the definition, with `f64` maths: an oracle that shares nothing with the product's tables.

/// Which of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// PCMU, payload type 0.
    Mu,
    /// PCMA, payload type 8.
    A,
}

impl Law {
    /// The static payload type (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// The law of a static payload type, if it is one of the two.
    #[must_use]
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Mu),
            8 => Some(Self::A),
            _ => None,
        }
    }

    /// The sample (-1.0..=1.0) that a byte stands for.
    #[must_use]
    pub fn decode(self, byte: u8) -> f64 {
        match self {
            Self::Mu => decode_mu(byte),
            Self::A => decode_a(byte),
        }
    }

    /// The byte whose sample lies nearest.
    #[must_use]
    pub fn encode(self, sample: f64) -> u8 {
        // 256 candidates, so that no table and no bit trick can be wrong: this is an oracle, not a codec.
        let distance = |byte: &u8| (self.decode(*byte) - sample).abs();
        (0..=u8::MAX).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or_default()
    }
}

/// ITU-T G.711 table 2a: value = (33 + 2 m) 2^e - 33, on a scale of 8192, all bits inverted.
fn decode_mu(byte: u8) -> f64 {
    let bits = !byte;
    let (exponent, mantissa) = (i32::from((bits >> 4) & 7), f64::from(bits & 15));
    let magnitude = (33.0 + 2.0 * mantissa) * 2f64.powi(exponent) - 33.0;
    if bits & 0x80 == 0 { magnitude / 8_192.0 } else { -magnitude / 8_192.0 }
}

/// ITU-T G.711 table 1a: segments on a scale of 4096, even bits inverted.
fn decode_a(byte: u8) -> f64 {
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (i32::from((bits >> 4) & 7), f64::from(bits & 15));
    let magnitude = match exponent {
        0 => 2.0 * mantissa + 1.0,
        _ => (2.0 * mantissa + 33.0) * 2f64.powi(exponent - 1),
    };
    if bits & 0x80 == 0 { -magnitude / 4_096.0 } else { magnitude / 4_096.0 }
}

/// Encodes a whole sound; a table made once keeps it quick.
#[must_use]
pub fn encode(law: Law, samples: &[f64]) -> Vec<u8> {
    let mut sorted: Vec<(f64, u8)> = (0..=u8::MAX).map(|byte| (law.decode(byte), byte)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    samples.iter().map(|sample| nearest(&sorted, *sample)).collect()
}

fn nearest(sorted: &[(f64, u8)], sample: f64) -> u8 {
    let above = sorted.partition_point(|(value, _)| *value < sample).clamp(1, sorted.len() - 1);
    let (low, high) = (sorted[above - 1], sorted[above]);
    if (sample - low.0).abs() <= (high.0 - sample).abs() { low.1 } else { high.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_of_both_laws() {
        assert_eq!(Law::Mu.decode(0xff), 0.0);
        assert_eq!(Law::Mu.decode(0x80) * 8_192.0, 8_031.0);
        assert_eq!(Law::Mu.decode(0x00) * 8_192.0, -8_031.0);
        assert_eq!(Law::A.decode(0xd5) * 4_096.0, 1.0);
        assert_eq!(Law::A.decode(0xaa) * 4_096.0, 4_032.0);
        assert_eq!(Law::A.decode(0x2a) * 4_096.0, -4_032.0);
    }

    #[test]
    fn the_quick_encoder_agrees_with_the_definition() {
        for law in [Law::Mu, Law::A] {
            let samples: Vec<f64> = (-500..=500).map(|n| f64::from(n) / 499.0).collect();
            let quick = encode(law, &samples);
            for (sample, byte) in samples.iter().zip(quick) {
                let (ours, best) = (law.decode(byte), law.decode(law.encode(*sample)));
                assert!(((ours - sample).abs() - (best - sample).abs()).abs() < 1e-12, "{law:?} {sample}");
            }
        }
    }
}
