//! Plain counters: what the switch did and what it refused. The shell shows them under `/metrics`.

/// Counters since the start of the process; none ever falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Calls created.
    pub calls_created: u64,
    /// Calls in which two parties talked, or a service answered.
    pub calls_answered: u64,
    /// Calls that went on after the process was killed.
    pub calls_resumed: u64,
    /// Conferences begun.
    pub conferences_started: u64,
    /// Flows that ended a call by a fault of theirs.
    pub flow_faults: u64,
    /// Calls ended.
    pub calls_ended: u64,
    /// Calls refused because [`crate::config::Limits::calls`] were running.
    pub refused_calls_full: u64,
    /// Calls to the outside that a hook refused.
    pub refused_by_hook: u64,
    /// Lookups of hooks that were not answered in time.
    pub lookups_late: u64,
    /// Calls refused because every RTP port was in use.
    pub refused_ports_exhausted: u64,
    /// Calls refused because new ones are not accepted (disk, journal, stopping).
    pub refused_not_admitted: u64,
    /// Requests refused because too many transactions were pending.
    pub refused_transactions_full: u64,
    /// Requests refused because their source is banned.
    pub refused_banned: u64,
    /// Calls from trunks refused because the trunk had as many, or as many within a second, as it may.
    pub refused_trunk_inbound: u64,
    /// Calls not sent by a trunk because it had as many, or as many within a second, as it may: the next one was tried.
    pub refused_trunk_outbound: u64,
    /// Requests that could not be parsed and were answered 400 or 505.
    pub refused_malformed: u64,
    /// Messages that could neither be parsed nor answered.
    pub dropped_malformed: u64,
    /// Failed sign-ins.
    pub auth_failures: u64,
    /// Challenges sent.
    pub auth_challenges: u64,
    /// Sources banned.
    pub bans: u64,
    /// Bindings made, refreshes not counted.
    pub registrations_bound: u64,
    /// Bindings replaced: the phone moved, or its extension had too many.
    pub contacts_replaced: u64,
    /// Ports that could not be bound.
    pub bind_failures: u64,
    /// Browsers that went from a call without a word.
    pub browsers_gone: u64,
    /// Browsers whose connection closed while they talked.
    pub browsers_away: u64,
    /// Of these, pages loaded again that came back to their call.
    pub browsers_back: u64,
    /// Browsers with which no keys could be agreed, or that had another certificate than they said.
    pub browsers_unproven: u64,
    /// Subscriptions refused because there were as many as there may be.
    pub refused_subscriptions_full: u64,
    /// What watching phones were told.
    pub notifies_sent: u64,
    /// Subscriptions that ended because their phone did not take a NOTIFY.
    pub notifies_failed: u64,
    /// Endpoints whose closing was not reported in time.
    pub media_close_timeouts: u64,
}
