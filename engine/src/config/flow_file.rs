//! Flows as people write them, in a file of their own or in the configuration: read with the line of each node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::flow::check::Problem as FlowProblem;

use super::problem::{Place, Problem};
use super::tree::{self, Node, Value};

/// A flow, and where it is written.
#[derive(Clone, Debug)]
pub struct WrittenFlow {
    /// The flow.
    pub flow: Arc<Flow>,
    lines: Lines,
}

/// Where the parts of a flow stand.
#[derive(Clone, Debug)]
struct Lines {
    whole: Place,
    nodes: BTreeMap<String, Place>,
}

impl Lines {
    fn told(&self, problem: &FlowProblem) -> Problem {
        let place = problem.node.as_ref().and_then(|node| self.nodes.get(node)).unwrap_or(&self.whole);
        Problem { place: place.clone(), message: problem.to_string() }
    }
}

impl WrittenFlow {
    /// What is wrong with it, at its line.
    #[must_use]
    pub fn told(&self, problem: &FlowProblem) -> Problem {
        self.lines.told(problem)
    }

    /// Reads a flow from a file: TOML, or JSON where its name ends so.
    ///
    /// # Errors
    /// All that is wrong with it, at its lines; what is wrong with a flow in JSON stands at its first.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let at = |line: usize, message: String| Problem { place: Place::In(file.to_owned(), line), message };
        let text = text_of(file).map_err(|what| vec![at(1, what)])?;
        let whole = Place::In(file.to_owned(), 1);
        if file.extension().is_some_and(|extension| extension == "json") {
            let value = serde_json::from_str(&text)
                .map_err(|error| vec![at(error.line().max(1), format!("this is no JSON: {error}"))])?;
            return Self::of_json(value, Lines { whole, nodes: BTreeMap::new() });
        }
        let mut problems = Vec::new();
        let mut table = tree::read(&text, [], &mut problems);
        table.values_mut().for_each(|node| node.move_to(file));
        if problems.is_empty() {
            return Self::of_table(&table, whole);
        }
        let moved = |problem: Problem| Problem { place: problem.place.in_file(file), ..problem };
        Err(problems.into_iter().map(moved).collect())
    }

    /// Reads a flow from a table of the configuration.
    pub(super) fn of_table(table: &BTreeMap<String, Node>, whole: Place) -> Result<Self, Vec<Problem>> {
        let json = tree::json_of(table).map_err(|(place, message)| vec![Problem { place, message }])?;
        let nodes = match table.get("nodes").map(|node| &node.value) {
            Some(Value::Table(nodes)) => nodes.iter().map(|(name, node)| (name.clone(), node.place.clone())).collect(),
            _none => BTreeMap::new(),
        };
        Self::of_json(json.into(), Lines { whole, nodes })
    }

    fn of_json(value: serde_json::Value, lines: Lines) -> Result<Self, Vec<Problem>> {
        match Flow::read(value) {
            Ok(flow) => Ok(Self { flow: Arc::new(flow), lines }),
            Err(problems) => Err(problems.iter().map(|problem| lines.told(problem)).collect()),
        }
    }
}

fn text_of(file: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}; name another file");
    if std::fs::metadata(file).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(format!("a flow has at most {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(file).map_err(unreadable)
}

/// Bytes of a file with a flow.
const FILE_BYTES_MAX: u64 = 1 << 20;
