//! A span of times of a day, to the minute.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::HoursError;

/// From a time of a day (included) to another (excluded), past midnight where the end is not after the begin: `09:00-18:00`,
/// `22:00-06:00`, `00:00-24:00`. It is never empty: `09:00-09:00` is a day long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    /// Minutes from midnight, 0 to 1439.
    from: u16,
    /// Minutes from midnight, 0 to 1440.
    to: u16,
}

impl Span {
    /// True when a minute of the day on which it begins lies in it.
    pub(super) fn holds(self, minute: u16) -> bool {
        self.from <= minute && (self.is_past_midnight() || minute < self.to)
    }

    /// True when a minute of the day after the one on which it begins lies in it.
    pub(super) fn reaches(self, minute: u16) -> bool {
        self.is_past_midnight() && minute < self.to
    }

    /// True when it goes on on the next day.
    pub(super) fn is_past_midnight(self) -> bool {
        self.to <= self.from
    }

    pub(super) fn from(self) -> u16 {
        self.from
    }

    pub(super) fn until(self) -> u16 {
        self.to
    }
}

impl FromStr for Span {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let wrong = || HoursError::Span(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minutes(from.trim()).ok_or_else(wrong)?, minutes(to.trim()).ok_or_else(wrong)?);
        if from == MIDNIGHT { Err(wrong()) } else { Ok(Self { from, to }) }
    }
}

const MIDNIGHT: u16 = 24 * 60;

/// `9:30`, `09:30` or `24:00` in minutes.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MIDNIGHT).then_some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, self.to / 60, self.to % 60)
    }
}

impl TryFrom<String> for Span {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}
