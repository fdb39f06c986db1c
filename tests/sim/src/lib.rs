//! The seeded simulator: text phones, a bad network and invariants around the real cores.
//!
//! One seed gives one world in virtual time; a failing seed replays byte for byte.

pub mod centre;
mod dialogs;
pub mod ears;
pub mod explore;
mod happen;
mod healthy;
mod logs;
pub mod net;
pub mod phone;
pub mod records;
pub mod replay;
pub mod rng;
mod rooms;
pub mod settings;
mod stream;
pub mod text;
mod watch;
pub mod wire;
pub mod world;
