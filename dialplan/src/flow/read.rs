//! Reads flows, and says all that is wrong with one at once: with the node, the key and how to mend it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Flow;
use super::check::Problem;
use super::name::{FlowName, NodeName, VariableName};
use super::node::Node;
use crate::nearest;

/// Nodes of a flow.
pub const NODES_MAX: usize = 500;
/// Variables of a run.
pub const VARIABLES_MAX: usize = 64;

impl Flow {
    /// Reads a flow from JSON, or from TOML as JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(value: Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(mut table) = value else { return Err(vec![Problem::of_flow("a flow is a table")]) };
        let mut problems = Vec::new();
        for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let hint = nearest::among(key, KEYS.iter().copied());
            problems.push(Problem::of_flow(format!("there is no key `{key}`{hint}{}", all_where(&hint, &KEYS))));
        }
        let name = field::<FlowName>(&mut table, "name", &mut problems);
        let start = field::<NodeName>(&mut table, "start", &mut problems);
        let title = optional::<String>(&mut table, "title", &mut problems).unwrap_or_default();
        let inputs = optional::<Vec<VariableName>>(&mut table, "inputs", &mut problems).unwrap_or_default();
        if title.chars().count() > TITLE_MAX {
            problems.push(Problem::of_flow(format!("`title` has at most {TITLE_MAX} characters")));
        }
        let written = optional::<Map<String, Value>>(&mut table, "nodes", &mut problems).unwrap_or_default();
        if written.is_empty() || written.len() > NODES_MAX {
            problems.push(Problem::of_flow(format!("a flow has 1 to {NODES_MAX} nodes, write them as [nodes.NAME]")));
        }
        let mut nodes = std::collections::BTreeMap::new();
        for (name, value) in written.into_iter().take(NODES_MAX) {
            match named_node(&name, value) {
                Ok((name, node)) => drop(nodes.insert(name, node)),
                Err(what) => problems.push(Problem { node: Some(name), what }),
            }
        }
        match (name, start) {
            (Some(name), Some(start)) if problems.is_empty() => {
                let flow = Self { name, title, start, inputs, nodes };
                let wrong = super::limits::check(&flow);
                if wrong.is_empty() { Ok(flow) } else { Err(wrong) }
            }
            _ => Err(problems),
        }
    }
}

const KEYS: [&str; 5] = ["name", "title", "start", "inputs", "nodes"];
/// Characters of a title.
const TITLE_MAX: usize = 128;

fn named_node(name: &str, value: Value) -> Result<(NodeName, Node), String> {
    let name: NodeName = name.parse().map_err(|error: super::name::NameError| error.to_string())?;
    let Value::Object(mut table) = value else { return Err("a node is a table".to_owned()) };
    let kinds = Node::KINDS.join(", ");
    let Some(Value::String(kind)) = table.remove("step") else {
        return Err(format!("`step` is missing, write one of {kinds}"));
    };
    match Node::read(&kind, Value::Object(table)) {
        Some(Ok(node)) => Ok((name, node)),
        Some(Err((path, what))) if path == "." => Err(what),
        Some(Err((path, what))) => Err(format!("`{path}`: {what}")),
        None => {
            let hint = nearest::among(&kind, Node::KINDS.iter().copied());
            Err(format!("there is no step `{kind}`{hint}{}", all_where(&hint, Node::KINDS)))
        }
    }
}

fn field<T: DeserializeOwned>(table: &mut Map<String, Value>, key: &str, problems: &mut Vec<Problem>) -> Option<T> {
    if !table.contains_key(key) {
        problems.push(Problem::of_flow(format!("`{key}` is missing, write it")));
    }
    optional(table, key, problems)
}

fn optional<T: DeserializeOwned>(table: &mut Map<String, Value>, key: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match table_of(table.remove(key)?) {
        Ok(value) => Some(value),
        Err((_, what)) => {
            problems.push(Problem::of_flow(format!("`{key}`: {what}")));
            None
        }
    }
}

/// A value of a type, or where in it something is wrong (`.` for the whole) and what.
pub(super) fn table<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    table_of(value)
}

fn table_of<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| (error.path().to_string(), mended(&error.inner().to_string())))
}

/// A message of serde's with the nearest known name, in our words.
fn mended(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let [first, known @ ..] = quoted.as_slice() else { return message.to_owned() };
    let hint = nearest::among(first, known.iter().copied());
    let all = all_where(&hint, known);
    if message.starts_with("unknown field") {
        format!("there is no key `{first}`{hint}{all}")
    } else if message.starts_with("unknown variant") {
        format!("there is no `{first}`{hint}{all}")
    } else if message.starts_with("missing field") {
        format!("`{first}` is missing, write it")
    } else {
        message.to_owned()
    }
}

/// All names there are, where none is near.
fn all_where(hint: &str, names: &[&str]) -> String {
    if hint.is_empty() && !names.is_empty() { format!("; there are {}", names.join(", ")) } else { String::new() }
}
