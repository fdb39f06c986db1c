//! What the operations' schemas, parameters and values have in common.

use hooks::operation::{Expected, Parameter, Shape};
use hooks::plugin::FieldKey;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::LIMIT_MAX;

/// The last instant that is written with four digits of year: 9999-12-31T23:59:59.999Z.
const LAST_MS: u64 = 253_402_300_799_999;

/// A time as it travels: RFC 3339 in UTC with milliseconds.
pub(super) fn instant(ms: u64) -> String {
    let nanos = i128::from(ms.min(LAST_MS)) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a time up to the year 9999 is in range");
    let (date, time) = (at.date(), at.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second, milli) = (time.hour(), time.minute(), time.second(), time.millisecond());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// A department of a row, as the row keeps it.
pub(super) fn department_value(id: Option<&String>, name: Option<&String>) -> Value {
    id.map_or(Value::Null, |id| json!({"id": id, "name": name}))
}

/// Where recordings are had.
pub(super) fn recording_links(ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| format!("/api/v1/recordings/{id}")).collect()
}

pub(super) fn department() -> Value {
    object(&[("id", text("a ULID")), ("name", text("as it was then"))])
}

/// An object of which every member is always there.
pub(super) fn object(members: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

pub(super) fn text(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

/// A number that roles have a right on: the host hides and masks it.
pub(super) fn number_of(field: FieldKey, about: &str) -> Value {
    json!({"type": "string", "description": about, "x-field": field.name()})
}

pub(super) fn maybe_text(about: &str) -> Value {
    json!({"type": ["string", "null"], "description": about})
}

pub(super) fn word(about: &str, words: &[&str]) -> Value {
    json!({"type": "string", "enum": words, "description": about})
}

pub(super) fn flag(about: &str) -> Value {
    json!({"type": "boolean", "description": about})
}

pub(super) fn whole(about: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": about})
}

pub(super) fn time(about: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": about})
}

pub(super) fn maybe_time(about: &str) -> Value {
    json!({"type": ["string", "null"], "format": "date-time", "description": about})
}

pub(super) fn texts(about: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": about})
}

pub(super) fn maybe_department() -> Value {
    json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/CrmDepartment"}],
        "description": "where the agent worked; null where that is not known"})
}

pub(super) fn list_of(name: &str) -> Value {
    let items = json!({"type": "array", "items": reference(name)});
    object(&[("items", items), ("next_cursor", maybe_text("send it as `cursor` for what follows; null at the end"))])
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// 200 with a schema.
pub(super) fn ok(about: &'static str, name: &str) -> Vec<Expected> {
    vec![Expected { status: 200, about, schema: Some(reference(name)) }]
}

/// What comes of an operation that dials.
pub(super) fn dialled() -> Vec<Expected> {
    ok("the employee's phone rings", "CrmDialled")
}

pub(super) fn dialled_schema() -> Value {
    object(&[("call", text("the call"))])
}

pub(super) fn parameter(name: &'static str, about: &'static str, shape: Shape) -> Parameter {
    Parameter { name, about, shape }
}

/// The view and its agent (GEN-08).
pub(super) fn view() -> Vec<Parameter> {
    vec![
        parameter(
            "view",
            "`all`: what one's data scope holds (全部数据), `mine`: one's own (我的数据); `all` where it is left out",
            Shape::OneOf(&["all", "mine"]),
        ),
        parameter("agent", "of this employee number; in view `all` alone", Shape::Text),
    ]
}

/// Time and page, which every list has (GEN-10).
pub(super) fn common() -> Vec<Parameter> {
    let limit = Shape::Whole { least: 1, most: LIMIT_MAX };
    vec![
        parameter("from", "began at this time or later; without `from` and `to`: today", Shape::Time),
        parameter("to", "began before this time", Shape::Time),
        parameter("limit", "how many at most, 50 where it is left out", limit),
        parameter("cursor", "`next_cursor` of the page before", Shape::Cursor),
    ]
}

pub(super) fn number(about: &'static str) -> Parameter {
    parameter("number", about, Shape::Text)
}

pub(super) fn talk() -> Vec<Parameter> {
    let most = Shape::Whole { least: 0, most: u64::from(u32::MAX) };
    vec![
        parameter("talk_min_ms", "talked for at least so long", most),
        parameter("talk_max_ms", "talked for at most so long", most),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_with_ms() {
        assert_eq!(instant(1_795_336_200_007), "2026-11-22T08:30:00.007Z");
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(instant(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
