//! The seeded simulator: text phones, a bad network and invariants around the real cores.
//!
//! One seed gives one world in virtual time; a failing seed replays byte for byte.

pub mod phone;
pub mod rng;
pub mod text;
