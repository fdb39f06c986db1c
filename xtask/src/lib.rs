//! Chores of the workspace as a library, so that they run as tests too.
//!
//! [`events`] writes a page of the documents, [`locations`] the table of where numbers are at home. [`tidy`] holds the rules of the tree
//! that neither the compiler nor clippy knows: crate edges, caps, bans.

pub mod events;
pub mod locations;
pub mod tidy;
