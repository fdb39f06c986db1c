//! What others may see of a trunk.

use std::net::SocketAddr;

use hooks::id::TenantId;

/// A trunk as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkView {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub trunk: String,
    /// How it stands.
    pub standing: TrunkStanding,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
    /// Why it is down; empty otherwise.
    pub reason: String,
    /// Where it is to be registered with.
    pub registration: Option<TrunkRegistrationView>,
    /// Its addresses, best first.
    pub targets: Vec<TrunkTargetView>,
    /// What went wrong last, the oldest first; bounded.
    pub troubles: Vec<TrunkAnswer>,
    /// Calls from it.
    pub inbound: TrunkLaneView,
    /// Calls by it.
    pub outbound: TrunkLaneView,
}

/// How a trunk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkStanding {
    /// Nothing was heard yet, or it is neither registered with nor watched.
    Unknown,
    /// It is registered with, and answers, as far as either is asked for.
    Up,
    /// No address answers, or the registration ran out or was never granted.
    Down,
    /// It is switched off.
    Disabled,
}

/// Our registration with a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkRegistrationView {
    /// The address of record.
    pub address_of_record: String,
    /// Until when the carrier has us, ms since the Unix epoch; `None` while it has not.
    pub until_ms: Option<u64>,
    /// When we ask next, ms since the Unix epoch; `None` while an answer is awaited.
    pub next_ms: Option<u64>,
    /// Failures in a row.
    pub failures: u32,
}

/// One address of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkTargetView {
    /// The address.
    pub address: SocketAddr,
    /// Calls leave it out.
    pub is_out: bool,
    /// Unanswered questions in a row.
    pub misses: u32,
    /// What the last OPTIONS came to.
    pub last: Option<TrunkAnswer>,
}

/// What a request of ours came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkAnswer {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// The final status; 0 when none came.
    pub status: u16,
    /// What it means, for an administrator.
    pub text: String,
    /// From the request to the answer, µs; `None` when none came.
    pub round_trip_us: Option<u64>,
}

/// Calls one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrunkLaneView {
    /// Live legs.
    pub live: u32,
    /// Legs since the trunk was set up.
    pub total: u64,
    /// Calls turned away by its limits.
    pub refused: u64,
}
