//! Calls through the switch, as ladders in virtual time.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chaos;
mod farewell;
mod ladder;
mod matrix;
mod media;
mod phone;
mod refusals;
mod registration;
mod trunk_choice;
mod trunk_upkeep;
mod trunks;
mod two_party;
