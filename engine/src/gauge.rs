//! Gauges of how many of something there are.

/// Shows a count; what no gauge can show is shown as the most it can.
pub fn set(name: &'static str, count: usize) {
    metrics::gauge!(name).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
