//! What is wrong with a flow before any call walks it. Each problem names its node and says how to mend it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::name::{FlowName, HoursName, Mailbox, NodeName, QueueName, RoomName, SurveyName, VariableName};
use super::node::{Node, Test};
use super::{Flow, GIVEN};
use crate::nearest;
use crate::number::{Dialled, ExtensionNumber};
use crate::say::PromptName;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The node; none where the whole flow is meant.
    pub node: Option<String>,
    /// What is wrong and how to mend it.
    pub what: String,
}

/// What there is that a flow may name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Prompts, default ones too.
    pub prompts: BTreeSet<PromptName>,
    /// Skill groups.
    pub queues: BTreeSet<QueueName>,
    /// Extensions.
    pub extensions: BTreeSet<ExtensionNumber>,
    /// Opening hours.
    pub hours: BTreeSet<HoursName>,
    /// Surveys.
    pub surveys: BTreeSet<SurveyName>,
    /// Conference rooms.
    pub rooms: BTreeSet<RoomName>,
    /// The other flows, in the version that a call would walk.
    pub flows: BTreeMap<FlowName, Arc<Flow>>,
}

impl Known {
    /// All that some flows name, the flows among it: what is left to find is what is wrong with the flows themselves.
    #[must_use]
    pub fn assumed(flows: &[Arc<Flow>]) -> Self {
        let mut known = Self::default();
        for flow in flows {
            known.flows.insert(flow.name.clone(), Arc::clone(flow));
            flow.nodes.values().for_each(|node| known.assume(node));
        }
        known
    }

    fn assume(&mut self, node: &Node) {
        self.prompts.extend(node.prompts().into_iter().cloned());
        self.hours.extend(node.hours().into_iter().cloned());
        match node {
            Node::Queue(node) => drop(self.queues.insert(node.queue.clone())),
            Node::Survey(node) => drop(self.surveys.insert(node.survey.clone())),
            Node::Conference(node) => drop(self.rooms.insert(node.room.clone())),
            Node::Extension(node) => self.extensions.extend(node.number.fixed().and_then(|number| number.parse().ok())),
            Node::Voicemail(node) => match &node.mailbox {
                Mailbox::Queue(queue) => drop(self.queues.insert(queue.clone())),
                Mailbox::Extension(number) => drop(self.extensions.insert(number.clone())),
            },
            Node::Condition(node) => {
                for test in node.cases.iter().flat_map(|case| &case.when) {
                    match test {
                        Test::Queue { name, .. } => drop(self.queues.insert(name.clone())),
                        Test::Hours { .. } | Test::Time { .. } | Test::Caller { .. } | Test::Variable { .. } => {}
                    }
                }
            }
            Node::Play(_) | Node::Say(_) | Node::Menu(_) | Node::Collect(_) | Node::Set(_) | Node::Lookup(_) => {}
            Node::Agent(_) | Node::Outside(_) | Node::Subflow(_) | Node::Return(_) | Node::HangUp(_) => {}
        }
    }
}

impl Problem {
    pub(super) fn of_flow(what: impl Into<String>) -> Self {
        Self { node: None, what: what.into() }
    }

    fn at(node: &NodeName, what: impl Into<String>) -> Self {
        Self { node: Some(node.to_string()), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{node}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// All problems of a flow, ordered by node.
#[must_use]
pub fn check(flow: &Flow, known: &Known) -> Vec<Problem> {
    let mut problems = missing_nodes(flow);
    for (name, node) in &flow.nodes {
        problems.extend(missing_things(node, known, &flow.name).into_iter().map(|what| Problem::at(name, what)));
    }
    // The rest walks the graph: it must have no holes.
    if problems.iter().all(|problem| !problem.what.starts_with(NO_NODE)) {
        problems.extend(unreachable(flow));
        problems.extend(endless(flow, known));
        problems.extend(recursion(flow, known));
        problems.extend(unset(flow, known));
    }
    problems.sort();
    problems.dedup();
    problems
}

const NO_NODE: &str = "there is no node";

fn missing_nodes(flow: &Flow) -> Vec<Problem> {
    let names = || flow.nodes.keys().map(NodeName::as_str);
    let missing = |to: &NodeName, by: &str| {
        let hint = nearest::among(to.as_str(), names());
        format!("{NO_NODE} `{to}`{hint}, where `{by}` leads; write it, or lead elsewhere")
    };
    let mut problems = Vec::new();
    if !flow.nodes.contains_key(&flow.start) {
        problems.push(Problem::of_flow(missing(&flow.start, "start")));
    }
    for (name, node) in &flow.nodes {
        let holes = node.exits().into_iter().filter(|exit| !flow.nodes.contains_key(exit.to));
        problems.extend(holes.map(|exit| Problem::at(name, missing(exit.to, &exit.label))));
        if let Node::Menu(menu) = node
            && menu.keys.is_empty()
        {
            problems.push(Problem::at(name, "a menu without keys leads nowhere; write `keys`, or make it a `say`"));
        }
    }
    problems
}

fn missing_things(node: &Node, known: &Known, own: &FlowName) -> Vec<String> {
    let mut wrong = Vec::new();
    for prompt in node.prompts().into_iter().filter(|name| !known.prompts.contains(*name)) {
        let hint = nearest::among(prompt.as_str(), known.prompts.iter().map(PromptName::as_str));
        wrong.push(format!("there is no prompt `{prompt}`{hint}; upload it, or name another"));
    }
    let mut named = |kind: &str, name: &str, there: bool, names: Vec<&str>| {
        if !there {
            wrong.push(format!("there is no {kind} `{name}`{}; make it, or name another", nearest::among(name, names)));
        }
    };
    let queues = || known.queues.iter().map(QueueName::as_str).collect();
    let extensions = || known.extensions.iter().map(ExtensionNumber::as_str).collect();
    let queue = |name: &QueueName| known.queues.contains(name);
    match node {
        Node::Queue(node) => named("queue", node.queue.as_str(), queue(&node.queue), queues()),
        Node::Voicemail(node) => match &node.mailbox {
            Mailbox::Queue(name) => named("queue", name.as_str(), queue(name), queues()),
            Mailbox::Extension(number) => {
                named("extension", number.as_str(), known.extensions.contains(number), extensions());
            }
        },
        Node::Extension(node) => {
            if let Some(number) = node.number.fixed() {
                let there = number.parse().is_ok_and(|number| known.extensions.contains(&number));
                named("extension", number, there, extensions());
            }
        }
        Node::Survey(node) => {
            let names = known.surveys.iter().map(SurveyName::as_str).collect();
            named("survey", node.survey.as_str(), known.surveys.contains(&node.survey), names);
        }
        Node::Conference(node) => {
            let names = known.rooms.iter().map(RoomName::as_str).collect();
            named("room", node.room.as_str(), known.rooms.contains(&node.room), names);
        }
        Node::Subflow(node) => {
            let names = known.flows.keys().chain([own]).map(FlowName::as_str).collect();
            named("flow", node.flow.as_str(), node.flow == *own || known.flows.contains_key(&node.flow), names);
        }
        Node::Condition(node) => {
            for test in node.cases.iter().flat_map(|case| &case.when) {
                match test {
                    Test::Hours { name, .. } => {
                        let names = known.hours.iter().map(HoursName::as_str).collect();
                        named("set of hours", name.as_str(), known.hours.contains(name), names);
                    }
                    Test::Queue { name, .. } => named("queue", name.as_str(), queue(name), queues()),
                    Test::Time { .. } | Test::Caller { .. } | Test::Variable { .. } => {}
                }
            }
        }
        Node::Outside(node) => {
            if let Some(number) = node.number.fixed()
                && Dialled::clean(number).is_err()
            {
                wrong.push(format!("`{number}` is no number that can be dialled"));
            }
        }
        Node::Play(_) | Node::Say(_) | Node::Menu(_) | Node::Collect(_) | Node::Set(_) | Node::Lookup(_) => {}
        Node::Agent(_) | Node::Return(_) | Node::HangUp(_) => {}
    }
    wrong
}

fn reached<'f>(
    flow: &'f Flow,
    from: impl IntoIterator<Item = &'f NodeName>,
    through: &dyn Fn(&Node) -> bool,
) -> BTreeSet<&'f NodeName> {
    let mut seen: BTreeSet<&NodeName> = BTreeSet::new();
    let mut open: Vec<&NodeName> = from.into_iter().collect();
    while let Some(name) = open.pop() {
        if let Some(node) = flow.nodes.get(name)
            && seen.insert(name)
            && through(node)
        {
            open.extend(node.exits().into_iter().map(|exit| exit.to));
        }
    }
    seen
}

fn unreachable(flow: &Flow) -> Vec<Problem> {
    let reached = reached(flow, [&flow.start], &|_| true);
    let lost = flow.nodes.keys().filter(|name| !reached.contains(name));
    lost.map(|name| Problem::at(name, "no way leads here; lead one here, or take the node out")).collect()
}

/// Loops that a call would run through without ever waiting for anybody: until it hangs up, or the run is stopped.
fn endless(flow: &Flow, known: &Known) -> Vec<Problem> {
    let idle = |node: &Node| !node.waits() && !subflow_waits(node, known);
    let mut problems = Vec::new();
    for (name, node) in flow.nodes.iter().filter(|(_, node)| idle(node)) {
        let exits: Vec<&NodeName> = node.exits().into_iter().map(|exit| exit.to).collect();
        if reached(flow, exits, &idle).contains(name) {
            let what =
                "it comes back here without waiting for the caller; put a menu, a collect or an end into the loop";
            problems.push(Problem::at(name, what));
        }
    }
    problems
}

/// True when a call cannot come back from a subflow without having waited in it.
fn subflow_waits(node: &Node, known: &Known) -> bool {
    let Node::Subflow(subflow) = node else { return false };
    let Some(flow) = known.flows.get(&subflow.flow) else { return false };
    let idle = |node: &Node| !node.waits();
    let through = reached(flow, [&flow.start], &idle);
    !through.iter().any(|name| matches!(flow.nodes.get(*name), Some(Node::Return(_))))
}

/// Flows that come back to themselves. One that is called goes deeper each time; one that is gone to must wait on its way.
fn recursion(flow: &Flow, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, node) in &flow.nodes {
        let Node::Subflow(first) = node else { continue };
        let found = comes_back(flow, known, &first.flow);
        if !found.contains_key(&flow.name) {
            continue;
        }
        let route = found.get(&flow.name).copied().unwrap_or_default();
        if first.next.is_some() || route.calls {
            let what = format!(
                "the flow comes back to itself through `{}` and goes deeper each time; leave `next` out where it need not come back",
                first.flow
            );
            problems.push(Problem::at(name, what));
        } else if !route.waits && reached(flow, [&flow.start], &|node| !node.waits()).contains(name) {
            let what = format!(
                "the flow comes back to itself through `{}` without waiting for the caller; put a menu or an end on the way",
                first.flow
            );
            problems.push(Problem::at(name, what));
        }
    }
    problems
}

/// How a flow is come to: by a call on the way, and whether each way waits.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    calls: bool,
    waits: bool,
}

/// The flows that can be come to from one.
fn comes_back<'k>(own: &'k Flow, known: &'k Known, from: &'k FlowName) -> BTreeMap<&'k FlowName, Way> {
    let mut ways: BTreeMap<&FlowName, Way> = BTreeMap::from([(from, Way { calls: false, waits: true })]);
    ways.insert(from, Way::default());
    // Each flow's way changes at most twice: from no call to a call, from waiting to not waiting.
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if *at == own.name {
            continue;
        }
        let Some(flow) = known.flows.get(at) else { continue };
        let way = ways.get(at).copied().unwrap_or_default();
        let idle = reached(flow, [&flow.start], &|node| !node.waits());
        for (name, node) in &flow.nodes {
            let Node::Subflow(subflow) = node else { continue };
            let next = Way { calls: way.calls || subflow.next.is_some(), waits: way.waits || !idle.contains(name) };
            let changed = match ways.get(&subflow.flow) {
                None => Some(next),
                Some(old) => {
                    let joined = Way { calls: old.calls || next.calls, waits: old.waits && next.waits };
                    (joined.calls != old.calls || joined.waits != old.waits).then_some(joined)
                }
            };
            if let Some(joined) = changed {
                ways.insert(&subflow.flow, joined);
                open.push(&subflow.flow);
            }
        }
    }
    ways
}

/// Variables that are read where some way has not set them.
fn unset(flow: &Flow, known: &Known) -> Vec<Problem> {
    let begin: BTreeSet<VariableName> =
        GIVEN.iter().filter_map(|name| name.parse().ok()).chain(flow.inputs.iter().cloned()).collect();
    let mut memo = BTreeMap::new();
    let surely = surely_set(flow, known, begin, &mut memo);
    let mut problems = Vec::new();
    for (name, node) in &flow.nodes {
        let Some(set) = surely.get(name) else { continue };
        for variable in node.reads().into_iter().filter(|variable| !set.contains(*variable)) {
            let hint = nearest::among(variable.as_str(), set.iter().map(VariableName::as_str));
            let what = format!("`{variable}` is read here, but not every way here has set it{hint}; set it before");
            problems.push(Problem::at(name, what));
        }
        if let Node::Subflow(subflow) = node
            && let Some(called) = known.flows.get(&subflow.flow)
        {
            for variable in called.inputs.iter().filter(|variable| !set.contains(*variable)) {
                let what = format!(
                    "flow `{}` needs `{variable}`, which not every way here has set; set it before",
                    called.name
                );
                problems.push(Problem::at(name, what));
            }
        }
    }
    problems
}

/// What flows surely set before they return; each is looked into once, and one that is being looked into counts for nothing.
type Memo = BTreeMap<FlowName, BTreeSet<VariableName>>;

/// What is surely set when a node is come to: a set only shrinks, so this ends.
fn surely_set<'f>(
    flow: &'f Flow,
    known: &Known,
    begin: BTreeSet<VariableName>,
    memo: &mut Memo,
) -> BTreeMap<&'f NodeName, BTreeSet<VariableName>> {
    let mut surely = BTreeMap::from([(&flow.start, begin)]);
    let mut open = vec![&flow.start];
    while let Some(name) = open.pop() {
        let (Some(node), Some(before)) = (flow.nodes.get(name), surely.get(name).cloned()) else { continue };
        for exit in node.exits() {
            let mut after = before.clone();
            after.extend(node.sets_by(&exit.label).into_iter().cloned());
            if let Node::Subflow(subflow) = node {
                after.extend(set_by_flow(known, &subflow.flow, memo));
            }
            let shrunk = match surely.get(exit.to) {
                None => Some(after),
                Some(old) => Some(old.intersection(&after).cloned().collect()).filter(|both: &BTreeSet<_>| both != old),
            };
            if let Some(set) = shrunk {
                surely.insert(exit.to, set);
                open.push(exit.to);
            }
        }
    }
    surely
}

/// What a flow surely sets before it returns.
fn set_by_flow(known: &Known, name: &FlowName, memo: &mut Memo) -> BTreeSet<VariableName> {
    if let Some(set) = memo.get(name) {
        return set.clone();
    }
    let Some(flow) = known.flows.get(name) else { return BTreeSet::new() };
    memo.insert(name.clone(), BTreeSet::new());
    let surely = surely_set(flow, known, BTreeSet::new(), memo);
    let returns = surely.into_iter().filter(|(node, _)| matches!(flow.nodes.get(*node), Some(Node::Return(_))));
    let set = returns.map(|(_, set)| set).reduce(|a, b| a.intersection(&b).cloned().collect()).unwrap_or_default();
    memo.insert(name.clone(), set.clone());
    set
}
