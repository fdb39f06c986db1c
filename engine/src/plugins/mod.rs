//! What plugins are given, and how they are asked: [`PluginHost`] is the engine as one plugin sees it, a [`Desk`] is where its requests
//! are answered. Neither shares anything with the writer but the journal's files, the published snapshots and the queue of commands, so
//! that a plugin can't hurt a call.

mod desk;
mod host;

pub use desk::{Desk, Desks, NoAnswer, REQUESTS_MAX};
pub use host::{HostParts, PluginHost};
