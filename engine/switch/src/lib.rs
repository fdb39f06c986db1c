//! The switch: one writer over one closed input enum. Registrar, calls and legs.
//!
//! Pure: [`Switch::handle`](switch::Switch::handle) takes an [`input::Input`] and the time, then
//! [`poll_output`](switch::Switch::poll_output) is called until it gives nothing more. It never sees RTP: it says what
//! shall be heard ([`media::MediaCommand`]) and is told what was heard ([`media::MediaEvent`]).

// The ladders of `tests/calls` for what only the crate itself can ask for.
#[cfg(test)]
use crate as under_test;
#[cfg(test)]
#[allow(dead_code, reason = "each test takes what it needs of it")]
#[path = "../tests/calls/ladder.rs"]
mod ladder;
#[cfg(test)]
#[allow(dead_code, reason = "each test takes what it needs of it")]
#[path = "../tests/calls/phone.rs"]
mod phone;

pub mod agent;
mod asking;
mod auth;
mod bans;
mod body;
mod calendar;
mod call;
pub mod checkpoint;
mod command;
mod conference;
pub mod config;
mod desk;
mod engaged;
mod farewell;
mod floor;
mod floors;
mod identity;
mod incoming;
pub mod input;
mod invite;
mod leg;
mod lifetime;
pub mod media;
mod messages;
pub mod metrics;
mod nat;
pub mod output;
mod parking;
pub mod passes;
mod pickup;
mod players;
mod ports;
mod presence;
pub mod queue;
mod refer;
mod registrar;
mod registration;
mod replace;
mod requests;
mod rooms;
mod session;
mod sight;
mod supervise;
pub mod switch;
mod target;
mod tenants;
mod timers;
mod trunk;
pub mod view;
