//! Reads typed values out of the tree, and remembers every key that was asked for: what is left over is unknown and refused
//! with the nearest name.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::problem::{Place, Problem};
use super::tree::{Node, Value};

/// What all readers of one configuration share.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: RefCell<Vec<Problem>>,
    /// Full paths of all keys there are, for `conf/switchboard.toml`'s completeness.
    known: RefCell<Vec<String>>,
}

impl Findings {
    pub(super) fn push(&self, place: Place, message: String) {
        self.problems.borrow_mut().push(Problem { place, message });
    }

    pub(super) fn into_parts(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems.into_inner(), self.known.into_inner())
    }
}

/// One table of the configuration.
pub(super) struct Reader<'t> {
    path: String,
    table: Option<&'t BTreeMap<String, Node>>,
    place: Place,
    known: Vec<&'static str>,
    findings: &'t Findings,
}

impl<'t> Reader<'t> {
    pub(super) fn root(table: &'t BTreeMap<String, Node>, findings: &'t Findings) -> Self {
        Self { path: String::new(), table: Some(table), place: Place::Line(1), known: Vec::new(), findings }
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where this table begins.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Where a key stands; the table's own place where it is missing.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.table.and_then(|table| table.get(key)).map_or_else(|| self.place.clone(), |node| node.place.clone())
    }

    pub(super) fn problem(&self, place: Place, message: String) {
        self.findings.push(place, message);
    }

    /// A value as it stands in the tree.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'t Node> {
        self.known.push(key);
        self.findings.known.borrow_mut().push(self.full(key));
        self.table?.get(key)
    }

    /// A value through `parse`, which says what is wrong with it.
    pub(super) fn get<T>(&mut self, key: &'static str, parse: impl Fn(&Node) -> Result<T, String>) -> Option<T> {
        let node = self.node(key)?;
        match parse(node) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.problem(node.place.clone(), format!("`{}`: {reason}", self.full(key)));
                None
            }
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.get(key, |node| text_of(node).map(str::to_owned))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.get(key, |node| match &node.value {
            Value::Flag(flag) => Ok(*flag),
            Value::Text(text) if text == "true" => Ok(true),
            Value::Text(text) if text == "false" => Ok(false),
            other => Err(format!("write true or false, not {}", other.kind())),
        })
    }

    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let (low, high) = (*range.start(), *range.end());
        let wanted = format!("write a whole number from {low} to {high}");
        self.get(key, |node| whole_of(node).filter(|number| range.contains(number)).ok_or_else(|| wanted.clone()))
    }

    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        self.get(key, |node| text_of(node)?.parse().map_err(|error: T::Err| error.to_string()))
    }

    /// A list of texts; one text stands for a list of one (or, with commas, of several), the empty text for none.
    pub(super) fn list<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        self.get(key, |node| match &node.value {
            Value::List(items) => items.iter().map(|item| text_of(item).and_then(&parse)).collect(),
            Value::Text(text) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(&parse).collect(),
            other => Err(format!("write a list of texts, not {}", other.kind())),
        })
    }

    /// A list of texts that may hold commas; one text stands for a list of one.
    pub(super) fn texts<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        self.get(key, |node| match &node.value {
            Value::List(items) => items.iter().map(|item| text_of(item).and_then(&parse)).collect(),
            Value::Text(text) => Ok(vec![parse(text)?]),
            other => Err(format!("write a list of texts, not {}", other.kind())),
        })
    }

    /// A list of whole numbers.
    pub(super) fn wholes(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<Vec<u64>> {
        let (low, high) = (*range.start(), *range.end());
        let wanted = format!("write a list of whole numbers from {low} to {high}, as [{low}, {high}]");
        let fits = |number: u64| Some(number).filter(|number| range.contains(number)).ok_or_else(|| wanted.clone());
        self.get(key, |node| match &node.value {
            Value::List(items) => {
                items.iter().map(|item| fits(whole_of(item).ok_or_else(|| wanted.clone())?)).collect()
            }
            Value::Text(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| fits(part.parse().map_err(|_| wanted.clone())?))
                .collect(),
            Value::Int(_) | Value::Flag(_) | Value::Table(_) | Value::Other(_) => Err(wanted.clone()),
        })
    }

    /// A value as serde reads it. What is wrong is told where it stands.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        let read = node.json().and_then(|json| {
            serde_path_to_error::deserialize(json).map_err(|error| {
                let way: Vec<String> =
                    error.path().iter().map(|step| step.to_string().replace(['[', ']'], "")).collect();
                (node.deepest(&way).place.clone(), error.into_inner().to_string())
            })
        });
        read.map_err(|(place, reason)| self.problem(place, format!("`{}`: {reason}", self.full(key)))).ok()
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        self.get(key, |node| {
            let text = text_of(node)?;
            let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
            found.ok_or_else(|| {
                let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!("`{text}` is none of {}", names.join(", "))
            })
        })
    }

    /// A table below this one; an empty one where it is missing.
    pub(super) fn section(&mut self, key: &'static str) -> Reader<'t> {
        let node = self.node(key);
        self.below(key, node)
    }

    /// A list of tables: `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Reader<'t>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.problem(node.place.clone(), format!("write `[[{}]]`, a list of tables", self.full(key)));
            return Vec::new();
        };
        items.iter().map(|item| self.below(key, Some(item))).collect()
    }

    fn below(&self, key: &str, node: Option<&'t Node>) -> Reader<'t> {
        let table = match node.map(|node| (node, &node.value)) {
            None => None,
            Some((_, Value::Table(table))) => Some(table),
            Some((node, other)) => {
                let message = format!("`{}` is a table, not {}", self.full(key), other.kind());
                self.problem(node.place.clone(), message);
                None
            }
        };
        Reader {
            path: self.full(key),
            table,
            place: node.map_or_else(|| self.place.clone(), |node| node.place.clone()),
            known: Vec::new(),
            findings: self.findings,
        }
    }

    /// Refuses what was never asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, node) in table.iter().filter(|(key, _)| !self.known.contains(&key.as_str())) {
            let hint = nearest(key, &self.known);
            self.problem(node.place.clone(), format!("there is no key `{}`{hint}", self.full(key)));
        }
    }
}

fn whole_of(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.parse().ok(),
        Value::Flag(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => None,
    }
}

/// The text that stands there.
pub(super) fn text_of(node: &Node) -> Result<&str, String> {
    match &node.value {
        Value::Text(text) => Ok(text),
        other => Err(format!("write a text in quotes, not {}", other.kind())),
    }
}

/// `, did you mean ...?` with the most similar name, or all names where none is similar.
fn nearest(word: &str, names: &[&'static str]) -> String {
    let scored = names.iter().map(|name| (strsim::normalized_damerau_levenshtein(word, name), *name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > SIMILAR);
    match best {
        Some((_, name)) => format!(", did you mean `{name}`?"),
        None if names.is_empty() => String::new(),
        None => format!("; there are {}", names.join(", ")),
    }
}

/// A name is worth suggesting when fewer than half of its letters would have to change.
const SIMILAR: f64 = 0.5;
