//! The way of a call through flows: the nodes that it entered, what was pressed there, and by which exit it left.

use serde::{Deserialize, Serialize};

use super::action::Fault;
use super::name::{FlowName, Key, NodeName};

/// A node that a call entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The flow.
    pub flow: FlowName,
    /// Its version.
    pub version: u32,
    /// The node.
    pub node: NodeName,
    /// Its kind, as in flows: `menu`; empty where there is no such node.
    pub step: String,
    /// When it was entered, milliseconds since 1970.
    pub at_ms: i64,
    /// The keys pressed at a menu, in their order, at most [`KEYS_MAX`].
    pub keys: String,
    /// How many keys were typed where digits are collected. Which ones is not kept: they may be a PIN or a card's number.
    pub typed: u32,
    /// By which exit it was left, as [`super::node::Node::exits`] calls it, [`INTO`], [`BACK`] or [`AGAIN`]. None of the node where the call stands,
    /// or stood last.
    pub exit: Option<String>,
    /// Why the flow ended here, where that is a fault of it.
    pub fault: Option<Fault>,
}

/// The exit of a node that goes through another flow.
pub const INTO: &str = "flow";
/// The exit of a node that goes back to the flow that called this one.
pub const BACK: &str = "return";
/// The exit of a node that began again in a new process.
pub const AGAIN: &str = "again";

/// What has not been told yet of the way of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// The node where the call stands is among them even where it was told, as long as it has not left it.
    visits: Vec<Visit>,
    /// When the first node was entered that was not told.
    since_ms: Option<i64>,
    /// Whether there is anything to tell.
    is_new: bool,
    /// Nodes entered in all.
    entered: u32,
}

impl Trail {
    pub(super) fn enter(&mut self, visit: Visit) {
        self.entered += 1;
        if self.entered <= VISITS_MAX {
            self.since_ms.get_or_insert(visit.at_ms);
            self.is_new = true;
            self.visits.push(visit);
        }
    }

    pub(super) fn pressed(&mut self, key: Key) {
        self.note(|visit| {
            if visit.keys.len() < KEYS_MAX {
                visit.keys.push(key.as_char());
            }
        });
    }

    pub(super) fn typed(&mut self) {
        self.note(|visit| visit.typed += 1);
    }

    pub(super) fn leave(&mut self, exit: &str) {
        self.note(|visit| visit.exit = Some(exit.to_owned()));
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.note(|visit| visit.fault = Some(fault));
    }

    /// Something about the node in which the call stands; of one beyond [`VISITS_MAX`] nothing is kept.
    fn note(&mut self, what: impl FnOnce(&mut Visit)) {
        let Some(visit) = self.visits.last_mut().filter(|visit| visit.exit.is_none() && visit.fault.is_none()) else {
            return;
        };
        what(visit);
        self.is_new = true;
    }

    /// How many nodes there are to tell of, and when the first of those was entered that were not told, milliseconds since 1970; `None`
    /// where none was entered since.
    #[must_use]
    pub fn untold(&self) -> Option<(usize, i64)> {
        self.since_ms.map(|since_ms| (self.visits.len(), since_ms))
    }

    /// What there is to tell, if anything is new. The node in which the call stands is told of again, once there is more to say of it.
    pub fn tell(&mut self) -> Vec<Visit> {
        self.since_ms = None;
        if !std::mem::take(&mut self.is_new) {
            return Vec::new();
        }
        let stands = self.visits.last().filter(|visit| visit.exit.is_none() && visit.fault.is_none()).cloned();
        std::mem::replace(&mut self.visits, stands.into_iter().collect())
    }
}

/// Nodes of one run that are kept; a caller who goes round for longer is beyond telling.
pub const VISITS_MAX: u32 = 256;
/// Keys at one menu: more than its nine tries can take.
pub const KEYS_MAX: usize = 16;
