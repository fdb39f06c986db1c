//! Calls through the switch, as ladders in virtual time.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod chaos;
mod farewell;
mod identity;
mod ladder;
mod matrix;
mod media;
mod messages;
mod phone;
mod reasons;
mod redirects;
mod refusals;
mod registration;
mod transfers;
mod trunks;
mod two_party;
