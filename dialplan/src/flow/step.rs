//! Where a step of a run leads.

use super::action::{DialEnd, Fault, QueueLeft};
use super::name::{FlowName, NodeName};
use super::node::{Cause, Node};
use super::run::Doing;

/// Where a step leads.
pub(super) enum Step {
    /// By this exit to this node.
    Go { by: String, to: NodeName },
    /// Something has been begun: an event will follow.
    Wait(Doing),
    /// The call ends.
    End(Cause),
    /// Through another flow.
    Into { flow: FlowName, comes_back: bool },
    /// To the flow that called this one.
    Back,
    /// The flow is wrong.
    Fault(Fault),
}

/// By an exit.
pub(super) fn go(by: &str, to: &NodeName) -> Step {
    Step::Go { by: by.to_owned(), to: to.clone() }
}

/// The exit called `next`; without one the call ends.
pub(super) fn next_or_end(node: &Node) -> Step {
    exit_or(node, "next", Step::End(Cause::Normal))
}

/// Where it goes on after a queue.
pub(super) fn left(node: &Node, how: QueueLeft) -> Step {
    let other = match how {
        QueueLeft::Answered => Step::End(Cause::Normal),
        QueueLeft::MaxWait | QueueLeft::Full | QueueLeft::Nobody => Step::Fault(Fault::Exit),
    };
    exit_or(node, how.word(), other)
}

/// Where it goes on after somebody was rung.
pub(super) fn dialled(node: &Node, how: DialEnd) -> Step {
    let other = match how {
        DialEnd::Answered => Step::End(Cause::Normal),
        DialEnd::Busy | DialEnd::NoAnswer | DialEnd::Failed => {
            exit_or(node, DialEnd::Failed.word(), Step::Fault(Fault::Exit))
        }
    };
    exit_or(node, how.word(), other)
}

/// The exit that is called so, or what happens without one.
fn exit_or(node: &Node, label: &str, other: Step) -> Step {
    node.exits().into_iter().find(|exit| exit.label == label).map_or(other, |exit| go(label, exit.to))
}
