//! What a run is given: who calls, and what it sees of the call centre.

use std::sync::Arc;

use super::Flow;
use super::name::{FlowName, HoursName, QueueName};
use super::node::QueueFigure;
use crate::hours::Opening;
use crate::say::Language;

/// What a run sees of the call centre.
pub trait World {
    /// The version of a flow that new calls walk.
    fn current(&self, flow: &FlowName) -> Option<u32>;
    /// A version of a flow.
    fn flow(&self, flow: &FlowName, version: u32) -> Option<Arc<Flow>>;
    /// The state of opening hours at a time, milliseconds since 1970.
    fn opening(&self, hours: &HoursName, now_ms: i64) -> Option<Opening>;
    /// A figure of a queue.
    fn queue(&self, queue: &QueueName, figure: QueueFigure) -> Option<u32>;
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The number in its normal form; empty when it is withheld.
    pub number: String,
    /// The name shown.
    pub name: String,
    /// The number called (DID).
    pub called: String,
    /// The trunk it came by.
    pub trunk: String,
    /// The language to begin with.
    pub language: Language,
}
