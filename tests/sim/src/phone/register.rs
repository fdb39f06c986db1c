//! Registration as a phone does it: REGISTER, the challenge, again before it expires.

use std::time::Duration;

/// What is known of the registration.
#[derive(Clone, Debug, Default)]
pub(super) struct Registration {
    /// One Call-ID for all REGISTERs since the phone booted (RFC 3261 §10.2.4).
    pub(super) call_id: String,
    /// The last CSeq used.
    pub(super) cseq: u32,
    /// Until when the switch said it holds.
    pub(super) until: Option<Duration>,
    /// The challenge was answered once.
    pub(super) tried_password: bool,
}
