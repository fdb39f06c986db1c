//! What others see of the floor.

use std::time::Duration;

use hooks::fact::{CallStatus, ChoiceRule, WhyAgent, WhyCandidate};

use super::{Floor, Post};
use crate::desk::Desk;
use crate::queue::{AgentId, Candidate, Level, QueueId, Rule, Strategy, Why};
use crate::view::{AgentView, QueueView, RingView, View, WaitingView};

impl Desk {
    /// Publishes what has changed since it was published last.
    pub(crate) fn publish_floor(&mut self) {
        let changed = std::mem::take(&mut self.floor.changed);
        for agent in changed.agents {
            if let Some(view) = self.agent_view(agent) {
                self.publish(View::Agent(Box::new(view)));
            }
        }
        for queue in changed.queues {
            if let Some(view) = self.queue_view(queue) {
                self.publish(View::Queue(Box::new(view)));
            }
        }
    }

    fn agent_view(&self, id: AgentId) -> Option<AgentView> {
        let post = self.floor.posts.get(&id)?;
        let unix_ms = |at: Duration| match at.checked_sub(self.now.mono) {
            Some(ahead) => self.now.unix_ms.saturating_add(ms(ahead)),
            None => self.now.unix_ms.saturating_sub(ms(self.now.mono.saturating_sub(at))),
        };
        let rings = self.floor.distribution.rings(id);
        Some(AgentView {
            tenant: post.tenant.clone(),
            agent: post.number.to_string(),
            extension: post.extension.as_ref().map(ToString::to_string),
            state: post.agent.state(),
            since_ms: post.since_ms,
            call_status: status(post),
            calls: post.calls.iter().map(|(call, _)| *call).collect(),
            mobile: self.floor.mobile_of(id).map(|mobile| mobile.as_str().to_owned()),
            supervises: post.agent.supervises(),
            sign: post.agent.sign(),
            kept: post.agent.kept(),
            rings: rings.map(|rings| RingView { since_ms: unix_ms(rings.since), until_ms: unix_ms(rings.until) }),
        })
    }

    fn queue_view(&self, id: QueueId) -> Option<QueueView> {
        let (tenant, name) = self.floor.queues.get(&id)?;
        let distribution = &self.floor.distribution;
        let now = distribution.now(id, self.now.mono)?;
        let waiting = distribution.waiting(id).filter(|entry| self.floor.waiting(*entry).is_some());
        let waiting = waiting.take(WAITING_SHOWN_MAX).filter_map(|entry| {
            let waited_ms = ms(distribution.waited(entry, self.now.mono)?);
            let call = self.floor.waiting(entry)?;
            Some(WaitingView { call, since_ms: self.now.unix_ms.saturating_sub(waited_ms) })
        });
        Some(QueueView {
            tenant: tenant.clone(),
            queue: name.to_string(),
            waiting: now.waiting,
            first: waiting.collect(),
            signed_in: now.signed_in,
            idle: now.idle,
            callbacks: self.floor.callbacks.shown(tenant, name),
            today: distribution.figures(id).unwrap_or_default(),
        })
    }
}

impl Floor {
    /// Why an agent was chosen, in words that last.
    pub(crate) fn why(&self, why: &Why) -> WhyAgent {
        let (rule, level) = match why.rule {
            Rule::Agent(strategy, level) => (rule_of(strategy), level),
            Rule::FirstInLine => (ChoiceRule::FirstInLine, Level::LAST),
            Rule::Own => (ChoiceRule::OwnAgent, Level::LAST),
        };
        let candidate = |candidate: &Candidate| {
            Some(WhyCandidate {
                agent: self.number_of(candidate.agent)?.to_string(),
                level: candidate.level.get(),
                idle_ms: ms(candidate.idle_for),
                answered_today: candidate.answered_today,
                rejected: candidate.rejected,
            })
        };
        WhyAgent {
            rule,
            level: level.get(),
            waited_ms: ms(why.waited),
            idle: why.idle,
            candidates: why.candidates.iter().filter_map(candidate).collect(),
        }
    }
}

fn rule_of(strategy: Strategy) -> ChoiceRule {
    match strategy {
        Strategy::LongestIdle => ChoiceRule::LongestIdle,
        Strategy::RoundRobin => ChoiceRule::RoundRobin,
        Strategy::FewestToday => ChoiceRule::FewestToday,
        Strategy::FixedOrder => ChoiceRule::FixedOrder,
        Strategy::LevelFirst => ChoiceRule::LevelFirst,
        Strategy::RingAll => ChoiceRule::RingAll,
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn status(post: &Post) -> CallStatus {
    // An emergency call is one, whatever the state says.
    match post.agent.call() {
        CallStatus::None => post.status(),
        status @ (CallStatus::Dialling | CallStatus::Ringing | CallStatus::Connected(_)) => status,
    }
}

/// Waiting callers that are shown one by one; all are counted.
const WAITING_SHOWN_MAX: usize = 100;
