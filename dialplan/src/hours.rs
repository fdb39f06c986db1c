//! Opening hours (IVR-02): weekly times, holidays and make-up working days (调休) in a time zone.
//!
//! A day is decided in this order: a make-up day, then a holiday, then the weekly times. Times are wall-clock times of the
//! zone, so that a change of the clock moves no opening: the hour that is left out in spring is never, the one that comes
//! twice in autumn is open or closed twice.

mod date;
mod span;

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

pub use date::{Day, DayRange, WeekDay};
pub use span::Span;

/// Opening hours of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The zone of all times.
    pub zone: Zone,
    /// When it is open on a usual day of the week; a day that is missing is closed.
    #[serde(default)]
    pub weekly: BTreeMap<WeekDay, Vec<Span>>,
    /// Closed all day, at most [`DAYS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<DayRange>,
    /// Open though the day of the week or a holiday says otherwise, at most [`DAYS_MAX`]; the first of a date counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub make_up: Vec<MakeUp>,
}

/// A working day that makes up for a holiday (调休): it has the times of another day of the week, or its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenMakeUp", into = "WrittenMakeUp")]
pub struct MakeUp {
    /// The date.
    pub date: Day,
    /// Which times it has.
    pub times: MakeUpTimes,
}

/// The times of a make-up day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MakeUpTimes {
    /// Those of this day of the week.
    Like(WeekDay),
    /// These.
    Times(Vec<Span>),
}

/// A make-up day as it is written: `{ date = "2026-10-10", like = "mon" }` or `{ date = ..., times = ["09:00-12:00"] }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMakeUp {
    date: Day,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    like: Option<WeekDay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<Vec<Span>>,
}

/// Whether it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// Open.
    Open,
    /// Outside the times of an ordinary day.
    Closed,
    /// Closed, and the day is a holiday.
    Holiday,
}

/// A time zone of the IANA database, which is part of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// What is wrong with opening hours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not a zone.
    #[error("`{0}` is no time zone{1}; write it as Asia/Shanghai")]
    Zone(String, String),
    /// Not a span of times.
    #[error("`{0}` is no span of times, write it as 09:00-18:00, past midnight as 22:00-06:00, all day as 00:00-24:00")]
    Span(String),
    /// Not a day.
    #[error("`{0}` is no day, write it as 2026-10-01, each year as 10-01, several as 2026-10-01..2026-10-07")]
    Day(String),
    /// Not a day of the week.
    #[error("`{0}` is no day of the week, write mon, tue, wed, thu, fri, sat or sun")]
    WeekDay(String),
    /// Not a date with a year.
    #[error("`{0}` is no date, write it as 2026-10-10")]
    Date(String),
    /// The end stands before the begin, or one of both has no year.
    #[error(
        "`{0}` ends before it begins, or only one end has a year; write it as 2026-10-01..2026-10-07 or 12-30..01-02"
    )]
    Range(String),
    /// A make-up day without times, or with both.
    #[error("the make-up day {0} takes either `like`, a day of the week, or `times`")]
    MakeUp(Day),
    /// More than there is room for.
    #[error("there are {count} {what}, at most {max} are kept")]
    TooMany {
        /// What of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
}

/// Holidays, and make-up days, of one set of hours: ten years of a country's, day by day.
pub const DAYS_MAX: usize = 400;
/// Spans of one day.
pub const SPANS_MAX: usize = 16;

impl Hours {
    /// Hours that are open from Monday to Friday, as most are.
    #[must_use]
    pub fn office(zone: Zone, span: Span) -> Self {
        let days = [WeekDay::Mon, WeekDay::Tue, WeekDay::Wed, WeekDay::Thu, WeekDay::Fri];
        Self { zone, weekly: days.map(|day| (day, vec![span])).into(), holidays: Vec::new(), make_up: Vec::new() }
    }

    /// Checks the limits.
    ///
    /// # Errors
    /// [`HoursError::TooMany`].
    pub fn check(&self) -> Result<(), HoursError> {
        let most = |what, count, max| {
            if count > max { Err(HoursError::TooMany { what, count, max }) } else { Ok(()) }
        };
        most("holidays", self.holidays.len(), DAYS_MAX)?;
        most("make-up days", self.make_up.len(), DAYS_MAX)?;
        let own = self.make_up.iter().filter_map(|day| match &day.times {
            MakeUpTimes::Times(spans) => Some(spans),
            MakeUpTimes::Like(_) => None,
        });
        self.weekly.values().chain(own).try_for_each(|spans| most("spans of a day", spans.len(), SPANS_MAX))
    }

    /// Whether it is open at a time, milliseconds since 1970 in UTC. A time out of the years -9999 to 9999 is closed.
    #[must_use]
    pub fn at(&self, unix_ms: i64) -> Opening {
        let Some(local) = self.zone.local(unix_ms) else { return Opening::Closed };
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let (today, holiday) = self.of_day(local.date());
        if today.iter().any(|span| span.holds(minute)) {
            return Opening::Open;
        }
        // A span past midnight belongs to the day on which it began.
        let yesterday = local.date().yesterday().map(|date| self.of_day(date).0).unwrap_or_default();
        if yesterday.iter().any(|span| span.reaches(minute)) {
            return Opening::Open;
        }
        if holiday { Opening::Holiday } else { Opening::Closed }
    }

    /// When it opens or closes next after a time, within the next [`LOOK_AHEAD_DAYS`].
    #[must_use]
    pub fn next_change(&self, unix_ms: i64) -> Option<i64> {
        let now = self.at(unix_ms);
        let first = self.zone.local(unix_ms)?.date();
        let days = std::iter::successors(first.yesterday().ok().or(Some(first)), |day| day.tomorrow().ok());
        for day in days.take(LOOK_AHEAD_DAYS + 2) {
            let edges = self.edges(day);
            // What changes the clock may change the state, too: its moment is an edge of its own.
            let shift = self.zone.shift(day);
            let mut moments: Vec<i64> = edges.chain(shift).filter(|moment| *moment > unix_ms).collect();
            moments.sort_unstable();
            if let Some(moment) = moments.into_iter().find(|moment| self.at(*moment) != now) {
                return Some(moment);
            }
        }
        None
    }

    /// The moments at which a day's state may change: midnight and the ends of the spans that touch it.
    fn edges(&self, day: Date) -> impl Iterator<Item = i64> {
        let before = day.yesterday().map(|date| self.of_day(date).0).unwrap_or_default();
        let overnight = before.iter().filter(|span| span.is_past_midnight()).map(|span| span.until());
        let own = self.of_day(day).0.iter().flat_map(|span| [span.from(), span.until()]);
        let minutes: Vec<u16> = overnight.chain(own).chain([0]).filter(|minute| *minute < 24 * 60).collect();
        minutes.into_iter().flat_map(move |minute| self.zone.moments(day, minute))
    }

    /// The spans that begin on a day, and whether it is a holiday.
    fn of_day(&self, date: Date) -> (&[Span], bool) {
        if let Some(day) = self.make_up.iter().find(|day| day.date.date() == date) {
            return match &day.times {
                MakeUpTimes::Like(weekday) => (self.weekly(*weekday), false),
                MakeUpTimes::Times(spans) => (spans, false),
            };
        }
        match self.holidays.iter().any(|holiday| holiday.holds(date)) {
            true => (&[], true),
            false => (self.weekly(date.weekday().into()), false),
        }
    }

    fn weekly(&self, day: WeekDay) -> &[Span] {
        self.weekly.get(&day).map_or(&[], Vec::as_slice)
    }
}

/// Whether a time, milliseconds since 1970, lies between two times of day in a zone; on some days of the week, or on all where
/// none is named. A span past midnight belongs to the day on which it begins.
#[must_use]
pub fn is_within(zone: &Zone, days: &[WeekDay], between: Span, unix_ms: i64) -> bool {
    let days = if days.is_empty() { &WeekDay::ALL[..] } else { days };
    let weekly = days.iter().map(|day| (*day, vec![between])).collect();
    let hours = Hours { zone: zone.clone(), weekly, holidays: Vec::new(), make_up: Vec::new() };
    hours.at(unix_ms) == Opening::Open
}

/// How far [`Hours::next_change`] looks: a year and a holiday week.
pub const LOOK_AHEAD_DAYS: usize = 375;

impl Zone {
    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What the calendar and the clock of the zone show: `2026-11-27 09:05:00`. Empty where the calendar ends.
    #[must_use]
    pub fn text(&self, unix_ms: i64) -> String {
        self.local(unix_ms).map(|local| local.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    /// The day in which a time lies: its first moment, and that of the next one. Where the calendar ends it lasts for ever.
    #[must_use]
    pub fn day(&self, unix_ms: i64) -> (i64, i64) {
        let begins = |day: Option<Date>| {
            let midnight = self.0.to_zoned(day?.at(0, 0, 0, 0)).ok()?;
            midnight.start_of_day().ok().map(|moment| moment.timestamp().as_millisecond())
        };
        let today = self.local(unix_ms).map(|local| local.date());
        let next = today.and_then(|day| day.tomorrow().ok());
        (begins(today).unwrap_or(i64::MIN), begins(next).unwrap_or(i64::MAX))
    }

    /// What the clock of the zone shows: the day of the week, and the minute of the day. `None` where the calendar ends.
    #[must_use]
    pub fn clock(&self, unix_ms: i64) -> Option<(WeekDay, u16)> {
        let local = self.local(unix_ms)?;
        let minute = u16::try_from(i16::from(local.hour()) * 60 + i16::from(local.minute())).ok()?;
        Some((local.weekday().into(), minute))
    }

    /// The wall clock of the zone.
    fn local(&self, unix_ms: i64) -> Option<DateTime> {
        Timestamp::from_millisecond(unix_ms).ok().map(|moment| self.0.to_datetime(moment))
    }

    /// The moments, none to two, at which the clock shows a time on a day.
    fn moments(&self, day: Date, minute: u16) -> Vec<i64> {
        let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let ambiguous = self.0.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
        let both = [ambiguous.earlier(), ambiguous.later()];
        let mut moments: Vec<i64> = both.into_iter().flatten().map(Timestamp::as_millisecond).collect();
        moments.dedup();
        moments
    }

    /// The moment on a day at which the clock is changed.
    fn shift(&self, day: Date) -> Option<i64> {
        let midnight = self.0.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
        let next = self.0.following(midnight).next()?.timestamp();
        (self.0.to_datetime(next).date() == day).then(|| next.as_millisecond())
    }
}

impl FromStr for Zone {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let database = TimeZoneDatabase::bundled();
        // `Local` and the like would be the machine's own.
        match database.get(text).ok().filter(|zone| zone.iana_name() == Some(text)) {
            Some(zone) => Ok(Self(zone)),
            None => {
                let known: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
                let hint = crate::nearest::among(text, known.iter().map(String::as_str));
                Err(HoursError::Zone(text.to_owned(), hint))
            }
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl TryFrom<WrittenMakeUp> for MakeUp {
    type Error = HoursError;

    fn try_from(written: WrittenMakeUp) -> Result<Self, HoursError> {
        let times = match (written.like, written.times) {
            (Some(day), None) => MakeUpTimes::Like(day),
            (None, Some(spans)) => MakeUpTimes::Times(spans),
            (Some(_), Some(_)) | (None, None) => return Err(HoursError::MakeUp(written.date)),
        };
        Ok(Self { date: written.date, times })
    }
}

impl From<MakeUp> for WrittenMakeUp {
    fn from(day: MakeUp) -> Self {
        match day.times {
            MakeUpTimes::Like(like) => Self { date: day.date, like: Some(like), times: None },
            MakeUpTimes::Times(times) => Self { date: day.date, like: None, times: Some(times) },
        }
    }
}

impl From<Weekday> for WeekDay {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

#[cfg(test)]
mod tests;
