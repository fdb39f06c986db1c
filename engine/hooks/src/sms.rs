//! Short messages that a plugin has sent.

use std::collections::BTreeMap;

/// A message to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// In the normal form (GEN-06), with its `+`.
    pub to: String,
    /// The text without its signature, for a gateway that takes texts.
    pub text: String,
    /// The sender's name (短信签名).
    pub signature: String,
    /// The name of a template at the gateway, for one that takes nothing else; may be empty.
    pub template: String,
    /// What stands in that template's places.
    pub parameters: BTreeMap<String, String>,
}

/// Why a message was not taken. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The installation has none, or it may not send to such a number.
    #[error("{0}")]
    NoGateway(String),
    /// It took the message in and refused it, or could not be reached.
    #[error("{0}")]
    Failed(String),
}
