//! Journals and event logs outlive versions: each kind of fact is read as it was once written. `data/facts.jsonl` is added to and never changed.

use std::collections::BTreeSet;

use hooks::fact::Fact;
use serde_json::Value;

const WRITTEN: &str = include_str!("data/facts.jsonl");
/// The page on which every type stands, written off the types by `cargo xtask events`.
const PAGE: &str = include_str!("../../../docs/events.md");

/// What `old` says, `new` says too; `new` may say more.
fn is_kept(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(name, value)| new.get(name).is_some_and(|other| is_kept(value, other)))
        }
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_kept(old, new))
        }
        (old, new) => old == new,
    }
}

/// Nothing is taken away, renamed or given another form (docs/events.md): what a plugin or a journal has kept means the same for ever.
#[test]
fn each_fact_is_read_as_it_was_written() {
    for (nth, line) in WRITTEN.lines().enumerate() {
        let old: Value = serde_json::from_str(line).unwrap();
        let fact: Fact = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}: {line}", nth + 1));
        let new = serde_json::to_value(&fact).unwrap();
        assert!(is_kept(&old, &new), "line {}:\n{old}\n{new}", nth + 1);
    }
}

/// A new kind of fact is added to the file in the form in which it is first written.
#[test]
fn each_kind_of_fact_is_in_the_file() {
    let kinds: BTreeSet<&str> =
        PAGE.lines().filter_map(|line| line.strip_prefix("## ")).filter(|title| title.contains('.')).collect();
    let types =
        WRITTEN.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned());
    let written: BTreeSet<String> = types.collect();
    let missing: Vec<&&str> = kinds.iter().filter(|kind| !written.contains(**kind)).collect();
    assert!(kinds.len() > 50 && missing.is_empty(), "{} kinds, and none of {missing:?} in the file", kinds.len());
}

/// The check itself finds what it is for.
#[test]
fn what_is_taken_away_or_changed_is_found() {
    let old = serde_json::json!({"data": {"call": "x", "legs": [{"leg": 1}]}});
    assert!(is_kept(&old, &serde_json::json!({"data": {"call": "x", "legs": [{"leg": 1, "more": 2}]}})));
    for new in [
        serde_json::json!({"data": {"legs": [{"leg": 1}]}}),
        serde_json::json!({"data": {"call": "y", "legs": [{"leg": 1}]}}),
        serde_json::json!({"data": {"call": "x", "legs": [{"leg": "1"}]}}),
        serde_json::json!({"data": {"call": "x", "legs": []}}),
    ] {
        assert!(!is_kept(&old, &new), "{new}");
    }
}
