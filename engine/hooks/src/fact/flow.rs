//! Facts of callers in flows.

use serde::{Deserialize, Serialize};

use crate::id::CallId;

/// See [`super::Event::FlowWalked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowWalked {
    /// The call.
    pub call: CallId,
    /// Nodes in the order in which they were entered, at most 16. The first one may be the last one of the event before (the same flow, node and
    /// `at_ms`), of which more is known by now: it takes its place.
    pub steps: Vec<FlowStep>,
}

/// A node of a flow that a caller went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// The flow.
    pub flow: String,
    /// Its version.
    pub version: u32,
    /// The node.
    pub node: String,
    /// Its kind, as in flows: `menu`, `queue`, ...; empty where there is no such node.
    pub step: String,
    /// When it was entered, ms since the Unix epoch.
    pub at_ms: u64,
    /// The keys pressed at a menu, in their order; missing where there were none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub keys: String,
    /// How many keys were typed where digits are collected; which ones is kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<u32>,
    /// By which exit it was left, as flows call it: `1`, `no_choice`, `case 2`; `flow` into another one and `return` out of it. Missing where
    /// the caller stands, or stood last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<String>,
    /// Why the flow ended here, where that is a fault of it: `missing`, `endless`, `deep` or `exit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
