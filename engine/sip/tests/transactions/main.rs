//! Transactions in virtual time: every timer, every race.

#![allow(clippy::unwrap_used, reason = "test helpers")]

mod client;
mod ladder;
mod limits;
mod properties;
mod server;
