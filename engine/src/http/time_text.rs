//! Times as they travel: RFC 3339 in UTC with milliseconds. Inside, they are ms since the Unix epoch.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// ms since the Unix epoch, UTC; on the wire `2026-11-22T08:30:00.000Z`. Read with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

/// The last instant that is written with four digits of year: 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;

impl Instant {
    /// From a column, which holds no time before 1970.
    #[must_use]
    pub fn from_column(ms: i64) -> Self {
        Self(u64::try_from(ms).unwrap_or_default())
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = i128::from(self.0.min(LAST_MS)) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a time up to the year 9999 is in range");
        let (date, time) = (at.date(), at.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

impl std::str::FromStr for Instant {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| EXPECTED)?;
        u64::try_from(at.unix_timestamp_nanos() / 1_000_000).map(Self).map_err(|_| EXPECTED)
    }
}

const EXPECTED: &str = "a time is written as in RFC 3339, such as 2026-11-22T08:30:00Z, and is not before 1970";

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Instant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_ms_and_read_with_any_offset() {
        assert_eq!(Instant(1_795_336_200_007).to_string(), "2026-11-22T08:30:00.007Z");
        assert_eq!("2026-11-22T16:30:00.007+08:00".parse(), Ok(Instant(1_795_336_200_007)));
        assert_eq!(Instant(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Instant(u64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
        for bad in ["", "yesterday", "2026-11-22", "1969-12-31T23:59:59Z"] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }
}
