//! Who is idle, in the order in which a queue rings.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Agent, AgentId, Distribution, Level, Membership, QueueId, Strategy};

/// Idle since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) since: Duration,
}

/// What an agent's turn goes by; the least is rung first.
pub(super) type Rank = (u64, Duration, AgentId);

/// The idle agents of a queue by level.
#[derive(Debug, Default)]
pub(super) struct IdleAgents {
    by_level: [BTreeSet<Rank>; 9],
}

impl IdleAgents {
    pub(super) fn at(&self, level: Level) -> impl Iterator<Item = Rank> + '_ {
        self.by_level[level.at()].iter().copied()
    }

    pub(super) fn len_up_to(&self, level: Level) -> usize {
        level.up_to().map(|level| self.by_level[level.at()].len()).sum()
    }
}

fn rank(strategy: Strategy, id: AgentId, agent: &Agent, membership: &Membership, idle: Idle) -> Rank {
    let first = match strategy {
        Strategy::LongestIdle | Strategy::LevelFirst | Strategy::RingAll => 0,
        Strategy::RoundRobin => membership.last_offer,
        Strategy::FewestToday => u64::from(agent.answered_today),
        Strategy::FixedOrder => u64::from(membership.member.order),
    };
    (first, idle.since, id)
}

impl Distribution {
    /// Puts an idle member where the queue looks for him.
    pub(super) fn put_idle(&mut self, agent: AgentId, queue: QueueId) {
        if let Some((queue, level, rank)) = self.ranked(agent, queue) {
            queue.idle.by_level[level.at()].insert(rank);
        }
    }

    /// Takes him away from there.
    pub(super) fn drop_idle(&mut self, agent: AgentId, queue: QueueId) {
        if let Some((queue, level, rank)) = self.ranked(agent, queue) {
            queue.idle.by_level[level.at()].remove(&rank);
        }
    }

    /// Changes what his turn goes by.
    pub(super) fn change_idle(&mut self, id: AgentId, change: impl FnOnce(&mut Agent)) {
        let queues = self.agent_queues(id);
        for queue in &queues {
            self.drop_idle(id, *queue);
        }
        if let Some(agent) = self.agents.get_mut(&id) {
            change(agent);
        }
        for queue in queues {
            self.put_idle(id, queue);
        }
    }

    fn ranked(&mut self, id: AgentId, queue: QueueId) -> Option<(&mut super::Queue, Level, Rank)> {
        let agent = self.agents.get(&id)?;
        let (idle, membership) = (agent.idle?, agent.memberships.get(&queue)?);
        let queue = self.queues.get_mut(&queue)?;
        let rank = rank(queue.settings.strategy, id, agent, membership, idle);
        Some((queue, membership.member.level, rank))
    }
}
