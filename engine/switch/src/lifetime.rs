//! How long the session of an answered leg lives without a refresh (RFC 4028): what the two sides agreed, and the timer that
//! runs for it. What is done when it ends stands in `call/refresh.rs`.

use std::time::Duration;

use sip::headers::{HeaderName, Headers};
use sip::session_timer::{Policy, Proposal, Refused, Terms};

use crate::desk::{Desk, LegRef, Refusal, TimerKey};

/// The session timer of an answered leg. It always runs: a peer that knows nothing of timers is refreshed by us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// What we want of this peer; it remembers what the peer insists on.
    policy: Policy,
    terms: Terms,
    /// When something is due, on the monotonic clock.
    due: Duration,
}

impl Lifetime {
    /// The session is agreed now.
    pub(crate) fn begin(desk: &mut Desk, leg: LegRef, policy: Policy, terms: Terms) -> Self {
        let due = desk.start_timer(terms.due_after(), TimerKey::Session(leg));
        Self { policy, terms, due }
    }

    /// What must survive of it: the rest is the time of the next refresh, and a call that is picked up is refreshed at once.
    pub(crate) fn checkpoint(&self) -> (Policy, Terms) {
        (self.policy, self.terms)
    }

    /// The session is refreshed now, on these terms.
    pub(crate) fn renew(&mut self, desk: &mut Desk, leg: LegRef, terms: Terms) {
        self.stop(desk, leg);
        *self = Self::begin(desk, leg, self.policy, terms);
    }

    /// The leg goes on under another name.
    pub(crate) fn rename(&self, desk: &mut Desk, from: LegRef, to: LegRef) {
        desk.timers.stop(self.due, TimerKey::Session(from));
        desk.timers.start(self.due, TimerKey::Session(to));
    }

    /// The leg is over.
    pub(crate) fn stop(&self, desk: &mut Desk, leg: LegRef) {
        desk.timers.stop(self.due, TimerKey::Session(leg));
    }

    pub(crate) fn terms(&self) -> Terms {
        self.terms
    }

    /// What a request of ours in the dialog says.
    pub(crate) fn proposal(&self) -> Proposal {
        self.policy.keep(self.terms)
    }

    /// A request of the peer may insist on longer intervals.
    pub(crate) fn mind(&mut self, headers: &Headers) {
        self.policy = self.policy.minding(headers);
    }

    /// The peer refused our proposal by 422. False if it cannot be mended (RFC 4028 §7.3).
    pub(crate) fn raise(&mut self, too_small: &Headers) -> bool {
        let raised = self.proposal().raised(too_small);
        if let Some(raised) = raised {
            self.policy = raised.policy();
        }
        raised.is_some()
    }
}

/// 422 with Min-SE, or 400.
pub(crate) fn refusal(refused: &Refused) -> Refusal {
    let refusal = Refusal::from(refused.status());
    match refused.min_se() {
        Some(min_s) => refusal.with(HeaderName::MinSe, min_s),
        None => refusal,
    }
}
