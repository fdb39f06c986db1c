//! Wall time as a date, UTC: for paths of recordings and the Date header.

/// A date and a time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: u64,
    /// 1 to 12.
    pub(crate) month: u64,
    /// 1 to 31.
    pub(crate) day: u64,
    /// Seconds since midnight.
    pub(crate) second_of_day: u64,
    /// 0 is Monday.
    pub(crate) weekday: usize,
}

impl Civil {
    /// The UTC date of a time in ms since the Unix epoch. By Hinnant's `civil_from_days`, for dates from 1970 on.
    pub(crate) fn of(unix_ms: u64) -> Self {
        let seconds = unix_ms / 1_000;
        let days = seconds / SECONDS_PER_DAY;
        let shifted = days + DAYS_FROM_0000_03_01;
        let era = shifted / DAYS_PER_ERA;
        let day_of_era = shifted % DAYS_PER_ERA;
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            second_of_day: seconds % SECONDS_PER_DAY,
            weekday: usize::try_from((days + THURSDAY) % 7).unwrap_or_default(),
        }
    }

    /// `yyyy/mm/dd`.
    pub(crate) fn path(self) -> String {
        format!("{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }

    /// As a Date header has it (RFC 3261 §20.17): `Sat, 13 Nov 2010 23:29:00 GMT`.
    pub(crate) fn http_date(self) -> String {
        let (hour, minute, second) =
            (self.second_of_day / 3_600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        let month = usize::try_from(self.month - 1).unwrap_or_default();
        format!(
            "{}, {:02} {} {:04} {hour:02}:{minute:02}:{second:02} GMT",
            WEEKDAYS[self.weekday % 7],
            self.day,
            MONTHS[month % 12],
            self.year
        )
    }
}

const SECONDS_PER_DAY: u64 = 86_400;
const DAYS_FROM_0000_03_01: u64 = 719_468;
const DAYS_PER_ERA: u64 = 146_097;
/// The first day of 1970.
const THURSDAY: u64 = 3;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // By `date -u -d @N`.
        for (seconds, path, date) in [
            (0, "1970/01/01", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "2000/02/29", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_289_690_940, "2010/11/13", "Sat, 13 Nov 2010 23:29:00 GMT"),
            (1_795_334_399, "2026/11/22", "Sun, 22 Nov 2026 07:59:59 GMT"),
            (4_107_542_399, "2100/02/28", "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] {
            let civil = Civil::of(seconds * 1_000 + 999);
            assert_eq!((civil.path().as_str(), civil.http_date().as_str()), (path, date));
        }
    }
}
