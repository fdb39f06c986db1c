//! Facts from a file: one JSON value after the other. Each is a fact as the journal has it, an event as `GET /api/v1/events` gives it, or a
//! whole page of those.

use hooks::fact::Fact;
use hooks::id::TenantId;
use serde_json::{Value, json};

/// The facts in a text, in order.
///
/// # Errors
/// Something in it is neither; says which one.
pub fn facts(text: &str) -> Result<Vec<Fact>, String> {
    let mut facts = Vec::new();
    for (nth, value) in serde_json::Deserializer::from_str(text).into_iter::<Value>().enumerate() {
        let value = value.map_err(|wrong| format!("value {} is no JSON: {wrong}", nth + 1))?;
        match value.get("items").and_then(Value::as_array) {
            Some(items) => {
                for item in items {
                    facts.extend(fact(item, nth)?);
                }
            }
            None => facts.extend(fact(&value, nth)?),
        }
    }
    Ok(facts)
}

/// One of them; none for a kind of fact that is not known here.
fn fact(value: &Value, nth: usize) -> Result<Option<Fact>, String> {
    let wrong = |what: &str| format!("value {}: {what}", nth + 1);
    if value.get("specversion").is_none() {
        return serde_json::from_value(value.clone()).map(Some).map_err(|error| wrong(&error.to_string()));
    }
    let time = value.get("time").and_then(Value::as_str).and_then(unix_ms);
    let at_ms = time.ok_or_else(|| wrong("an event without a time in UTC, as 2026-11-26T08:00:00.000Z"))?;
    let (kind, data) = (value.get("type").cloned().unwrap_or_default(), value.get("data").cloned().unwrap_or_default());
    // One whose kind came later is nothing that a replay needs.
    let Ok(event) = serde_json::from_value(json!({"type": kind, "data": data})) else { return Ok(None) };
    Ok(Some(Fact { tenant: TenantId::first(), at_ms, event }))
}

/// RFC 3339 in UTC, to ms since the Unix epoch.
fn unix_ms(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let ms = match text.get(19..)? {
        "Z" => 0,
        fraction => format!("{:0<3}", fraction.strip_prefix('.')?.strip_suffix('Z')?).get(..3)?.parse().ok()?,
    };
    // Days since 1970, by years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = (365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day).checked_sub(719_469)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + ms)
}

#[cfg(test)]
mod tests {
    use hooks::fact::Event;

    use super::*;

    #[test]
    fn facts_are_read_as_the_journal_and_as_the_api_have_them() {
        let plain = r#"{"tenant":"default","at_ms":1000,"type":"call.left_queue","data":{"call":"01M808VJFAABWNX4WB1XC3MJXR","queue":"q","exit":"abandoned","waited_ms":5}}"#;
        let known = facts(plain).unwrap();
        let event = serde_json::to_value(&known[0].event).unwrap();
        let (kind, data) = (&event["type"], &event["data"]);
        let cloud = json!({"specversion": "1.0", "time": "2026-11-22T00:00:00.250Z", "type": kind, "data": data});
        let new = json!({"specversion": "1.0", "time": "2026-11-22T00:00:01Z", "type": "call.sung", "data": {}});
        let page = json!({"items": [cloud, new], "next_cursor": "default.1.2"});
        let read = facts(&format!("{plain}\n{page}\n{cloud}")).unwrap();
        assert_eq!(read.len(), 3);
        assert!(read.iter().all(|fact| fact.event == known[0].event && matches!(fact.event, Event::CallLeftQueue(_))));
        assert_eq!(
            read.iter().map(|fact| fact.at_ms).collect::<Vec<_>>(),
            [1_000, 1_795_305_600_250, 1_795_305_600_250]
        );
        assert!(facts("{\"at_ms\": 1}").unwrap_err().starts_with("value 1: "));
    }
}
