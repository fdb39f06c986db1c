//! The configuration as a tree of values that know where they were written: the file, then the environment over it.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What may stand in a configuration.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// A kind that no key of ours takes: a float, a date. Its name.
    Other(&'static str),
}

impl Value {
    /// For messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Int(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

impl Node {
    /// As JSON, for what serde reads.
    ///
    /// # Errors
    /// The place of something that JSON has no word for, and what to write.
    pub(super) fn json(&self) -> Result<serde_json::Value, (Place, String)> {
        Ok(match &self.value {
            Value::Text(text) => text.as_str().into(),
            Value::Int(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::List(items) => items.iter().map(Self::json).collect::<Result<Vec<_>, _>>()?.into(),
            Value::Table(table) => json_of(table)?.into(),
            Value::Other(kind) => return Err((self.place.clone(), format!("write a text in quotes, not {kind}"))),
        })
    }

    /// It was read from this file.
    pub(super) fn move_to(&mut self, file: &Path) {
        self.place = self.place.clone().in_file(file);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_to(file)),
            Value::Table(table) => table.values_mut().for_each(|item| item.move_to(file)),
            Value::Text(_) | Value::Int(_) | Value::Flag(_) | Value::Other(_) => {}
        }
    }

    /// The deepest node on a way down, by keys and by places in lists.
    pub(super) fn deepest<'n>(&'n self, way: &[String]) -> &'n Self {
        let below = way.split_first().and_then(|(step, rest)| match &self.value {
            Value::Table(table) => table.get(step).map(|node| (node, rest)),
            Value::List(items) => step.parse().ok().and_then(|n: usize| items.get(n)).map(|node| (node, rest)),
            Value::Text(_) | Value::Int(_) | Value::Flag(_) | Value::Other(_) => None,
        });
        below.map_or(self, |(node, rest)| node.deepest(rest))
    }
}

/// As [`Node::json`], of a table.
pub(super) fn json_of(
    table: &BTreeMap<String, Node>,
) -> Result<serde_json::Map<String, serde_json::Value>, (Place, String)> {
    table.iter().map(|(key, node)| Ok((key.clone(), node.json()?))).collect()
}

/// The prefix of variables that override keys: `SWITCHBOARD__SIP__UDP` is `sip.udp`.
const ENV_PREFIX: &str = "SWITCHBOARD__";

/// Reads the file's text and lays the environment over it.
pub(super) fn read(
    text: &str,
    env: impl IntoIterator<Item = (String, String)>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Node> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = Place::Line(error.span().map_or(1, |span| lines.at(span.start)));
        problems.push(Problem { place, message: format!("this is not TOML: {}", error.message().replace('\n', "; ")) });
    }
    let mut root = from_table(table.into_inner(), &lines);
    let mut overrides: Vec<(String, String)> =
        env.into_iter().filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
    overrides.sort();
    for (name, text) in overrides {
        lay_over(&mut root, name, &text, problems);
    }
    root
}

fn lay_over(root: &mut BTreeMap<String, Node>, name: String, text: &str, problems: &mut Vec<Problem>) {
    let path = name[ENV_PREFIX.len()..].to_ascii_lowercase();
    let steps: Vec<&str> = path.split("__").collect();
    let (key, folders) = steps.split_last().expect("a split gives at least one part");
    let place = Place::Env(name);
    let mut table = root;
    for folder in folders {
        let node = table
            .entry((*folder).to_owned())
            .or_insert_with(|| Node { place: place.clone(), value: Value::Table(BTreeMap::new()) });
        let kind = node.value.kind();
        let Value::Table(inner) = &mut node.value else {
            problems.push(Problem { place, message: format!("`{path}` is no key: `{folder}` is {kind}") });
            return;
        };
        table = inner;
    }
    table.insert((*key).to_owned(), Node { value: env_value(text, &place), place });
}

/// Lists and tables are written as in TOML, anything else as it is.
fn env_value(text: &str, place: &Place) -> Value {
    let looks_like_toml = text.starts_with(['[', '{', '"']);
    match DeValue::parse(text) {
        Ok(value) if looks_like_toml => {
            let mut node = from_value(&value, &Lines::of(""));
            stamp(&mut node, place);
            node.value
        }
        Ok(_) | Err(_) => Value::Text(text.to_owned()),
    }
}

fn stamp(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| stamp(item, place)),
        Value::Table(table) => table.values_mut().for_each(|item| stamp(item, place)),
        Value::Text(_) | Value::Int(_) | Value::Flag(_) | Value::Other(_) => {}
    }
}

fn from_table(table: DeTable<'_>, lines: &Lines) -> BTreeMap<String, Node> {
    let mut entries = BTreeMap::new();
    for (key, value) in table {
        let mut node = from_value(&value, lines);
        node.place = Place::Line(lines.at(key.span().start));
        entries.insert(key.get_ref().to_string(), node);
    }
    entries
}

fn from_value(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Node {
    let place = Place::Line(lines.at(value.span().start));
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Other("a number out of range"),
        },
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Float(_) => Value::Other("a number with a point"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.iter().map(|item| from_value(item, lines)).collect()),
        DeValue::Table(table) => Value::Table(from_table(table.clone(), lines)),
    };
    Node { place, value }
}

/// Byte offsets at which lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line of a byte, from 1.
    fn at(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}
