//! Durations as people are told them.

/// GEN-04: durations are cut down to whole seconds.
pub const SECOND_MS: u64 = 1_000;

/// A duration in ms, cut down to whole seconds.
#[must_use]
pub fn whole_seconds(ms: u64) -> u64 {
    ms / SECOND_MS * SECOND_MS
}

/// How long a talk is that began and ended so: at least a second, where somebody answered (GEN-04).
#[must_use]
pub fn talk(from_ms: u64, to_ms: u64) -> u64 {
    whole_seconds(to_ms.saturating_sub(from_ms)).max(SECOND_MS)
}

/// A duration in ms as people read it: `HH:MM:SS`, with more hours where they do not fit (GEN-04).
#[must_use]
pub fn clock(ms: u64) -> String {
    let seconds = ms / SECOND_MS;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_and_a_talk_has_one() {
        assert_eq!([0, 999, 1_000, 1_999].map(whole_seconds), [0, 0, 1_000, 1_000]);
        assert_eq!([0, 61_999, 359_999_000, 360_000_000].map(clock), ["00:00:00", "00:01:01", "99:59:59", "100:00:00"]);
        assert_eq!((talk(5_000, 5_001), talk(5_000, 7_999), talk(5, 4)), (1_000, 2_000, 1_000));
    }
}
