//! Time as an argument.

/// One instant, on both clocks; taken once per batch of packets by `media-io`, made up by tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Microseconds since an origin of the caller's choice; never goes back.
    pub mono_us: u64,
    /// Microseconds since 1970-01-01 UTC; goes into RTCP sender reports only.
    pub unix_us: u64,
}

impl Now {
    /// The 64-bit NTP time stamp of this instant, 32.32 fixed point since 1900. RFC 3550 §4.
    #[must_use]
    pub fn ntp(self) -> u64 {
        let seconds = self.unix_us / MICROS_PER_SECOND + NTP_UNIX_OFFSET_S;
        let fraction = ((self.unix_us % MICROS_PER_SECOND) << 32) / MICROS_PER_SECOND;
        (seconds << 32) | fraction
    }

    /// The middle 32 bits of [`Now::ntp`], in units of 1/65536 s. RFC 3550 §4.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the middle 32 bits are what is asked for")]
    pub fn ntp_middle(self) -> u32 {
        (self.ntp() >> 16) as u32
    }

    /// Microseconds from `earlier` to this instant on the monotonic clock, 0 if `earlier` is later.
    #[must_use]
    pub fn since_us(self, earlier: Now) -> u64 {
        self.mono_us.saturating_sub(earlier.mono_us)
    }
}

/// Microseconds in a second.
pub const MICROS_PER_SECOND: u64 = 1_000_000;
/// Seconds between the NTP epoch (1900) and the Unix epoch (1970).
const NTP_UNIX_OFFSET_S: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_time_counts_from_1900() {
        let now = Now { mono_us: 0, unix_us: 500_000 };
        assert_eq!(now.ntp(), (2_208_988_800 << 32) | 0x8000_0000);
        assert_eq!(now.ntp_middle(), 0x7E80_8000);
    }
}
