//! Flows, as calls walk them.

use std::sync::Arc;

use dialplan::flow::Flow;

/// A version of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// What it is.
    pub flow: Arc<Flow>,
}
