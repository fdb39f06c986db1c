//! Callers who are known (IVR-05): who goes first, and which agent is rung for whom before all others.

use std::time::Duration;

use dialplan::caller::{KnownCaller, remembered};
use hooks::fact::{CallSource, Direction, PeerKind};

use super::Call;
use crate::config::{OwnAgentRule, Queue};
use crate::desk::{Desk, LegIndex};
use crate::queue::{AgentId, Sticky};

impl Call {
    /// The number of a party from outside.
    pub(super) fn outside_number(&self, leg: LegIndex) -> Option<&str> {
        let peer = &self.leg(leg)?.peer;
        (peer.kind == PeerKind::Trunk).then_some(peer.number.as_str())
    }

    fn known(&self, caller: LegIndex) -> Option<&KnownCaller> {
        self.tenant.callers.find(self.outside_number(caller)?)
    }

    /// The priority in a queue: that which the way there says, or a higher one that the caller has himself.
    pub(super) fn priority_of(&self, caller: LegIndex, priority: u8) -> u8 {
        let listed = self.known(caller).map_or(0, |known| known.priority);
        let found = self.outside_number(caller).map_or(0, |_| self.hooked.found().priority);
        priority.max(listed).max(found)
    }

    /// The agent who is rung for a caller before all others: his own one, if that is idle now.
    pub(super) fn own_agent(&self, desk: &Desk, caller: LegIndex, queue: &Queue) -> Option<Sticky> {
        let tenant = &self.tenant.tenant;
        let found = self.outside_number(caller).and_then(|_| self.hooked.owner());
        let owner = found.or_else(|| self.known(caller).and_then(|known| known.owner.as_ref()));
        let last = |within: Duration| {
            let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            let since_ms = desk.now.unix_ms.saturating_sub(within);
            let last = desk.floor.regulars.last(tenant, remembered(self.outside_number(caller)?)?, since_ms)?;
            queue.members.contains_key(last).then_some(last)
        };
        let own = match queue.own_agent.who {
            OwnAgentRule::Nobody => None,
            OwnAgentRule::Owner => owner,
            OwnAgentRule::OwnerOrLast { within } => owner.or_else(|| last(within)),
        };
        let agent = desk.floor.agent(tenant, own?).filter(|agent| desk.floor.is_free(*agent))?;
        Some(Sticky { agent, wait: Duration::ZERO, ring_for: queue.own_agent.ring_for })
    }

    /// An agent talks with who called from outside: he is the caller's last agent.
    pub(super) fn remember_agent(&self, desk: &mut Desk, agent: AgentId) {
        let caller = match (self.about.direction, self.about.source) {
            (Direction::Inbound, _) => &self.about.caller,
            (Direction::Outbound, CallSource::Callback) => &self.about.callee,
            (Direction::Outbound, CallSource::Dialled | CallSource::Api) | (Direction::Internal, _) => return,
        };
        let number = desk.floor.number_of(agent).cloned();
        if let (Some(number), Some(caller)) = (number, remembered(caller)) {
            desk.floor.regulars.remember(&self.tenant.tenant, caller, number, desk.now.unix_ms);
        }
    }
}
