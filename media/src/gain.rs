//! How loud an edge of the graph is.

/// A factor on samples in steps of 1/4096, from silence to four times (+12 dB).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gain(u16);

impl Gain {
    /// As it is.
    pub const UNITY: Self = Self(1 << SHIFT);
    /// Nothing is heard; the edge stays.
    pub const MUTE: Self = Self(0);
    /// The loudest: +12 dB.
    pub const MAX: Self = Self(4 << SHIFT);

    /// The nearest gain; what is louder than [`Gain::MAX`] becomes that, below about -78 dB is [`Gain::MUTE`].
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is cast to the nearest in range"
    )]
    pub fn from_db(db: f32) -> Self {
        let factor = 10f32.powf(db / 20.0) * f32::from(Self::UNITY.0);
        Self((factor.round() as u16).min(Self::MAX.0))
    }

    /// The factor, 0 to 4.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / f64::from(Self::UNITY.0)
    }

    /// In units of 1/4096.
    pub(crate) fn steps(self) -> i32 {
        i32::from(self.0)
    }
}

impl Default for Gain {
    fn default() -> Self {
        Self::UNITY
    }
}

/// Bits behind the point.
pub(crate) const SHIFT: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_become_factors_within_bounds() {
        assert_eq!(Gain::from_db(0.0), Gain::UNITY);
        assert_eq!(Gain::from_db(f32::NEG_INFINITY), Gain::MUTE);
        assert_eq!(Gain::from_db(f32::NAN), Gain::MUTE);
        assert_eq!((Gain::from_db(60.0), Gain::from_db(-90.0)), (Gain::MAX, Gain::MUTE));
        assert!((Gain::from_db(-6.0).factor() - 0.501).abs() < 0.001);
    }
}
