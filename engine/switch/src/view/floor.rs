//! What others may see of agents and queues.

use hooks::fact::{AgentState, CallStatus, Sign, WhyAgent};
use hooks::id::{CallId, TenantId};

use crate::queue::Figures;

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentView {
    /// Whose.
    pub tenant: TenantId,
    /// The employee number.
    pub agent: String,
    /// The extension that he is signed in on.
    pub extension: Option<String>,
    /// His state.
    pub state: AgentState,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
    /// The status of his call.
    pub call_status: CallStatus,
    /// The calls that he takes part in, the first one first.
    pub calls: Vec<CallId>,
    /// The mobile that he is signed in by.
    pub mobile: Option<String>,
    /// He supervises a call of another.
    pub supervises: bool,
    /// How he is signed in.
    pub sign: Sign,
    /// The state that he chose for after his call.
    pub kept: Option<AgentState>,
    /// How long he is rung for what a queue offers him.
    pub rings: Option<RingView>,
}

/// How long an offer rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingView {
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
    /// Up to when, ms since the Unix epoch.
    pub until_ms: u64,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// Whose.
    pub tenant: TenantId,
    /// Its name.
    pub queue: String,
    /// Callers who wait, those who are being offered included.
    pub waiting: u32,
    /// The first of them, in their order.
    pub first: Vec<WaitingView>,
    /// Members who are signed in.
    pub signed_in: u32,
    /// Of these, those who are idle.
    pub idle: u32,
    /// Those who are to be called back, the first to be called first.
    pub callbacks: Vec<CallbackView>,
    /// What came of those who entered today.
    pub today: Figures,
}

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingView {
    /// His call.
    pub call: CallId,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
}

/// An agent who is rung for somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferView {
    /// The employee number.
    pub agent: String,
    /// Since when, ms since the Unix epoch.
    pub since_ms: u64,
    /// Why he.
    pub why: WhyAgent,
}

/// Somebody who is to be called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackView {
    /// The call in which he asked for it.
    pub call: CallId,
    /// His number.
    pub number: String,
    /// Since when he has waited, ms since the Unix epoch.
    pub since_ms: u64,
    /// How often he was called.
    pub attempts: u8,
    /// The call for him that is under way.
    pub under_way: Option<CallId>,
}
