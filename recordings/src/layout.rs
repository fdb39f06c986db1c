//! Where a recording's file and marker lie.
//!
//! The marker is an empty file `ROOT/TENANT/open/YYYYMMDD-ID-PART-RATE`, made before the audio file and removed when its
//! outcome is written down; with the ending `.done` the file is finished, and what it holds is why it is partial.

use std::path::{Path, PathBuf};

use crate::RecordingSpec;

/// Names one file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) tenant: String,
    pub(crate) id: String,
    pub(crate) part: u32,
    pub(crate) rate_hz: u32,
    /// `YYYYMMDD`, UTC.
    day: String,
}

/// Why a recording cannot have a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be part of a recording's path: 1 to 64 characters of a-z, A-Z, 0-9, in a tenant also -")]
pub struct NameError(String);

/// The folder of markers, in a tenant's folder.
pub(crate) const OPEN_FOLDER: &str = "open";

/// The ending of a finished file's marker.
pub(crate) const DONE: &str = ".done";

impl Layout {
    pub(crate) fn new(spec: &RecordingSpec) -> Result<Self, NameError> {
        check(&spec.tenant, |b| b.is_ascii_alphanumeric() || b == b'-')?;
        check(&spec.id, |b| b.is_ascii_alphanumeric())?;
        let day = day_of(spec.started_at_ms);
        Ok(Self { tenant: spec.tenant.clone(), id: spec.id.clone(), part: 1, rate_hz: spec.rate.hz(), day })
    }

    pub(crate) fn next_part(&self) -> Self {
        Self { part: self.part + 1, ..self.clone() }
    }

    /// The audio file below the root, with `/`.
    pub(crate) fn path(&self) -> String {
        let Self { tenant, id, part, day, .. } = self;
        let part = if *part == 1 { String::new() } else { format!("-{part}") };
        format!("{tenant}/{}/{}/{}/{id}{part}.wav", &day[..4], &day[4..6], &day[6..])
    }

    /// The marker's name in the folder of markers.
    pub(crate) fn marker(&self) -> String {
        format!("{}-{}-{}-{}", self.day, self.id, self.part, self.rate_hz)
    }

    pub(crate) fn from_marker(tenant: &str, marker: &str) -> Option<Self> {
        let mut parts = marker.split('-');
        let (day, id) = (parts.next()?, parts.next()?);
        let (part, rate_hz) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let is_day = day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit());
        let layout = Self { tenant: tenant.to_owned(), id: id.to_owned(), part, rate_hz, day: day.to_owned() };
        (is_day && rate_hz > 0 && layout.marker() == marker).then_some(layout)
    }
}

pub(crate) fn marker_path(root: &Path, tenant: &str, marker: &str) -> PathBuf {
    root.join(tenant).join(OPEN_FOLDER).join(marker)
}

fn check(name: &str, allowed: impl Fn(u8) -> bool) -> Result<(), NameError> {
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(allowed);
    if fits { Ok(()) } else { Err(NameError(name.to_owned())) }
}

/// `YYYYMMDD` in UTC. Days are counted from 0000-03-01, so that a leap day is the last of its year.
fn day_of(unix_ms: u64) -> String {
    let days = unix_ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(tenant: &str, id: &str) -> RecordingSpec {
        let started_at_ms = 1_709_164_800_000;
        RecordingSpec { tenant: tenant.to_owned(), id: id.to_owned(), started_at_ms, rate: media::RecordRate::Narrow }
    }

    /// The dates are those of `date -u -d @SECONDS`.
    #[test]
    fn days_are_those_of_the_calendar() {
        let cases = [
            (0, "19700101"),
            (951_782_399, "20000228"),
            (951_782_400, "20000229"),
            (951_868_800, "20000301"),
            (1_709_164_800, "20240229"),
            (1_767_225_599, "20251231"),
            (1_767_225_600, "20260101"),
            (4_107_542_400, "21000301"),
        ];
        for (seconds, day) in cases {
            assert_eq!(day_of(seconds * 1_000), day, "{seconds}");
        }
    }

    #[test]
    fn a_marker_names_its_file() {
        let layout = Layout::new(&spec("default", "01HQXYZ")).unwrap();
        assert_eq!(layout.path(), "default/2024/02/29/01HQXYZ.wav");
        assert_eq!(layout.next_part().path(), "default/2024/02/29/01HQXYZ-2.wav");
        assert_eq!(Layout::from_marker("default", &layout.marker()), Some(layout));
        for other in ["", "x", "20240229-a-1", "20240229-a-1-8000.done", "2024022x-a-1-8000", "20240229-a-01-8000"] {
            assert_eq!(Layout::from_marker("default", other), None, "{other}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for (tenant, id) in [("..", "a"), ("a/b", "a"), ("a", "../b"), ("a", ""), ("", "a"), ("a", "a.b")] {
            assert!(Layout::new(&spec(tenant, id)).is_err(), "{tenant} {id}");
        }
    }
}
