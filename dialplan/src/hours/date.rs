//! Days as people write them: one, a range, each year.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::HoursError;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs, reason = "they say it all")]
pub enum WeekDay {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl WeekDay {
    /// All of them, from Monday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As people write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

// Read by way of a text, as its neighbours are: so what is wrong below a day is told with the day's name.
impl TryFrom<String> for WeekDay {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        Self::ALL.into_iter().find(|day| day.word() == text).ok_or(HoursError::WeekDay(text))
    }
}

impl From<WeekDay> for String {
    fn from(day: WeekDay) -> Self {
        day.word().to_owned()
    }
}

/// A date: `2026-10-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

/// Days: `2026-10-01`, `2026-10-01..2026-10-07`, and each year `10-01` and `12-30..01-02`. The 29th of February of each year
/// is not there in most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayRange(Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Dated { first: Date, last: Date },
    Yearly { first: MonthDay, last: MonthDay },
}

/// Month and day.
type MonthDay = (i8, i8);

impl Day {
    pub(super) fn date(self) -> Date {
        self.0
    }
}

impl DayRange {
    pub(super) fn holds(self, date: Date) -> bool {
        match self.0 {
            Form::Dated { first, last } => first <= date && date <= last,
            Form::Yearly { first, last } => {
                let day = (date.month(), date.day());
                if first <= last { first <= day && day <= last } else { first <= day || day <= last }
            }
        }
    }
}

impl FromStr for Day {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        dated(text).map(Self).ok_or_else(|| HoursError::Date(text.to_owned()))
    }
}

impl FromStr for DayRange {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let wrong = || HoursError::Day(text.to_owned());
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        let form = match (dated(first), dated(last)) {
            (Some(first), Some(last)) if first <= last => Form::Dated { first, last },
            (None, None) => {
                Form::Yearly { first: yearly(first).ok_or_else(wrong)?, last: yearly(last).ok_or_else(wrong)? }
            }
            (Some(_), Some(_)) => return Err(HoursError::Range(text.to_owned())),
            (Some(_), None) => return Err(yearly(last).map_or_else(wrong, |_| HoursError::Range(text.to_owned()))),
            (None, Some(_)) => return Err(yearly(first).map_or_else(wrong, |_| HoursError::Range(text.to_owned()))),
        };
        Ok(Self(form))
    }
}

/// `2026-10-01`.
fn dated(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = yearly(rest)?;
    let year = number(year, 4)?;
    Date::new(year, month, day).ok()
}

/// `10-01`.
fn yearly(text: &str) -> Option<MonthDay> {
    let (month, day) = text.split_once('-')?;
    let (month, day) = (number(month, 2)?, number(day, 2)?);
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    // A leap year has every day there is.
    Date::new(2024, month, day).ok().map(|_| (month, day))
}

fn number(text: &str, digits: usize) -> Option<i16> {
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DayRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |(month, day): MonthDay| format!("{month:02}-{day:02}");
        let (first, last) = match self.0 {
            Form::Dated { first, last } => (first.to_string(), last.to_string()),
            Form::Yearly { first, last } => (day(first), day(last)),
        };
        if first == last { f.write_str(&first) } else { write!(f, "{first}..{last}") }
    }
}

impl TryFrom<String> for Day {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl TryFrom<String> for DayRange {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<DayRange> for String {
    fn from(days: DayRange) -> Self {
        days.to_string()
    }
}
