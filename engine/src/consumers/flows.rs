//! The way of a call through flows, from its facts. Pure.

use hooks::fact::{FlowStep, FlowWalked};

use crate::store::records::CallDocument;

/// Takes in a piece of the way. The node where the call stood comes again at the head of the next piece, with more said of it.
pub(super) fn walked(document: &mut CallDocument, event: &FlowWalked) {
    for step in &event.steps {
        if document.flow_path.last().is_some_and(|last| is_again(last, step)) {
            document.flow_path.pop();
        }
        if document.flow_path.len() < STEPS_MAX {
            document.flow_path.push(step.clone());
        }
    }
}

fn is_again(last: &FlowStep, step: &FlowStep) -> bool {
    last.exit.is_none() && (&last.flow, &last.node, last.at_ms) == (&step.flow, &step.node, step.at_ms)
}

/// Nodes that a record tells, of all flows of the call; the facts tell all.
const STEPS_MAX: usize = 500;
