//! The ranges of the numbers in a flow.

use super::check::Problem;
use super::node::Node;
use super::template::Spoken;
use super::{Flow, VARIABLES_MAX};

/// Parts of what is said at once.
const PARTS_MAX: usize = 32;
/// Cases of a condition, tests of a case, values that are set, fields of an answer.
const LIST_MAX: usize = 32;

/// Every number out of its range.
pub(super) fn check(flow: &Flow) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, node) in &flow.nodes {
        let mut range = |key: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                let what = format!("`{key}` is {value}, write {low} to {high}");
                problems.push(Problem { node: Some(name.to_string()), what });
            }
        };
        for (key, said) in said(node) {
            range(key, said, usize::from(key == "prompts" || key == "parts" && node.kind() == "say"), PARTS_MAX);
        }
        match node {
            Node::Menu(menu) => {
                range("tries", menu.tries.into(), 1, 9);
                range("timeout_s", menu.timeout_s as usize, 1, 60);
            }
            Node::Collect(collect) => {
                range("tries", collect.tries.into(), 1, 9);
                range("timeout_s", collect.timeout_s as usize, 1, 60);
                range("max", collect.max.into(), 1, 32);
                range("min", collect.min.into(), 1, collect.max.into());
            }
            Node::Set(set) => range("values", set.values.len(), 1, LIST_MAX),
            Node::Condition(condition) => {
                range("cases", condition.cases.len(), 1, LIST_MAX);
                condition.cases.iter().for_each(|case| range("when", case.when.len(), 1, LIST_MAX));
            }
            Node::Lookup(lookup) => {
                range("timeout_ms", lookup.timeout_ms as usize, 100, 10_000);
                range("fields", lookup.fields.len(), 1, LIST_MAX);
            }
            Node::Queue(queue) => range("priority", queue.priority.into(), 0, 9),
            Node::Extension(ring) | Node::Agent(ring) | Node::Outside(ring) => {
                ring.ring_s.into_iter().for_each(|ring_s| range("ring_s", ring_s as usize, 5, 120));
            }
            Node::Play(_) | Node::Say(_) | Node::Voicemail(_) | Node::Survey(_) | Node::Conference(_) => {}
            Node::Subflow(_) | Node::Return(_) | Node::HangUp(_) => {}
        }
        if let Node::Lookup(lookup) = node
            && !["https://", "http://"].iter().any(|scheme| lookup.url.to_string().starts_with(scheme))
        {
            let what = "`url` begins with https:// or http://".to_owned();
            problems.push(Problem { node: Some(name.to_string()), what });
        }
    }
    let set: std::collections::BTreeSet<_> = flow.nodes.values().flat_map(Node::sets).collect();
    if set.len() + flow.inputs.len() > VARIABLES_MAX - super::GIVEN.len() {
        problems.push(Problem::of_flow(format!("it has {} variables, a run keeps {VARIABLES_MAX}", set.len())));
    }
    problems
}

/// What a node says: the key and how many parts.
fn said(node: &Node) -> Vec<(&'static str, usize)> {
    let of = |key: &'static str, parts: &Vec<Spoken>| (key, parts.len());
    match node {
        Node::Play(play) => vec![("prompts", play.prompts.len())],
        Node::Say(say) => vec![of("parts", &say.parts)],
        Node::Menu(menu) => vec![of("prompt", &menu.prompt), of("wrong", &menu.wrong), of("silent", &menu.silent)],
        Node::Collect(collect) => vec![of("prompt", &collect.prompt), of("wrong", &collect.wrong)],
        Node::Voicemail(voicemail) => vec![of("greeting", &voicemail.greeting)],
        Node::HangUp(end) => vec![of("parts", &end.parts)],
        Node::Set(_) | Node::Condition(_) | Node::Lookup(_) | Node::Queue(_) | Node::Extension(_) => Vec::new(),
        Node::Agent(_) | Node::Outside(_) | Node::Survey(_) | Node::Conference(_) => Vec::new(),
        Node::Subflow(_) | Node::Return(_) => Vec::new(),
    }
}
