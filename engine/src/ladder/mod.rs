//! What went over the wire, kept with the record of each call for a while: captured as it passes, without credentials, in
//! files that Wireshark reads, and shown as a ladder.
//!
//! Never in the way of a call: the capture is a copy of a pointer; everything else happens on a thread of its own, and what
//! that one cannot keep up with is dropped and counted.

mod capture;
mod packet;
mod redact;
mod scan;
mod segment;
mod show;
mod store;
mod svg;

pub use capture::{Capture, CaptureOptions, Tap};
pub use packet::Captured;
pub use show::{Arrow, Ladder, LadderLeg};
pub use store::Captures;

/// Messages of one call that are shown at most; the rest is in the files.
pub const LADDER_MESSAGES_MAX: usize = 2_000;
