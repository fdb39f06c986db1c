//! Chores of the workspace as a library, so that they run as tests too.
//!
//! [`tidy`] holds the rules of the tree that neither the compiler nor clippy knows: crate edges, caps, bans.

pub mod tidy;
