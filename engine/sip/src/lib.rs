//! SIP on bytes: messages, transactions, dialogs, digest and SDP.
//!
//! Pure: no sockets, no clock, no randomness, no files. What arrives is passed in with the [`time::Now`] at which it
//! arrived; what shall be sent is polled out.

pub mod dialog;
pub mod digest;
pub mod flow;
pub mod headers;
pub mod message;
pub mod multipart;
pub mod parse;
pub mod random;
#[cfg(feature = "rsip")]
pub mod rsip_types;
pub mod sdp;
pub mod session_timer;
pub mod sipfrag;
pub mod time;
pub mod transaction;
pub mod uri;
mod write;
