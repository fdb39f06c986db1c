//! Calls through the switch, as ladders in virtual time.
#![allow(clippy::too_many_lines, reason = "a ladder is as long as it is")]

mod ladder;
mod media;
mod phone;
mod refusals;
mod registration;
mod trunks;
mod two_party;
