//! Flows: what a caller goes through before, between and after people (IVR-03).
//!
//! A [`Flow`] is a graph of named [`node::Node`]s. It is read from TOML or JSON ([`Flow::read`]), checked before it is published
//! ([`check`]), and walked by a [`run::Run`], which takes events and time and gives actions. What a run walks is a published version,
//! and that never changes ([`version::Versions`]).

pub mod action;
pub mod check;
pub mod draw;
mod limits;
pub mod name;
pub mod node;
mod paths;
mod read;
pub mod rehearse;
pub mod run;
mod step;
pub mod template;
pub mod trail;
mod value;
pub mod version;
mod world;

use std::collections::BTreeMap;

use serde::Serialize;

use name::{FlowName, NodeName, VariableName};
use node::Node;

pub use read::{NODES_MAX, VARIABLES_MAX};

/// A flow as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// Its name for people, at most 128 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The node it begins with.
    pub start: NodeName,
    /// Variables that whoever calls it as a subflow has set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<VariableName>,
    /// Its nodes, 1 to [`NODES_MAX`].
    pub nodes: BTreeMap<NodeName, Node>,
}

/// Variables that each run begins with.
pub const GIVEN: [&str; 5] = ["caller", "caller_name", "called", "trunk", "language"];

#[cfg(test)]
mod tests;
