//! Flows, as calls walk them.

use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::flow::check::Problem;
use dialplan::flow::node::Node;

/// A version of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// What it is.
    pub flow: Arc<Flow>,
}

/// The steps of a flow that no call can take yet: one that comes to such a step ends with a fault.
pub fn unserved(flow: &Flow) -> impl Iterator<Item = Problem> {
    flow.nodes.iter().filter_map(|(name, node)| match node {
        Node::Lookup(_) => {
            let what = format!("`{}` is not served yet; lead elsewhere", node.kind());
            Some(Problem { node: Some(name.to_string()), what })
        }
        Node::Play(_)
        | Node::Say(_)
        | Node::Menu(_)
        | Node::Collect(_)
        | Node::Set(_)
        | Node::Condition(_)
        | Node::Queue(_)
        | Node::Agent(_)
        | Node::Extension(_)
        | Node::Outside(_)
        | Node::Voicemail(_)
        | Node::Survey(_)
        | Node::Conference(_)
        | Node::Subflow(_)
        | Node::Return(_)
        | Node::HangUp(_) => None,
    })
}
