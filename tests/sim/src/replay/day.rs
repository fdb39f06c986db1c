//! What a recorded day was like: who called which queue and how long he would wait, how agents answered, how long they talked and wrapped
//! up, and when they were there. What the queues were set to is read off what they did.

use std::collections::{BTreeMap, BTreeSet};

use hooks::fact::{
    AgentState, AgentStateChanged, CallLeftQueue, CallOfferEnded, CallOffered, CallQueued, CallStatus, ChoiceRule,
    Event, Fact, OfferOutcome, QueueExit, Sign,
};
use hooks::id::CallId;
use switch::queue::Strategy;

/// A day.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Who called queues, in order.
    pub arrivals: Vec<Arrival>,
    /// When each agent was there for them, by employee number.
    pub agents: BTreeMap<String, Vec<(u64, Stance)>>,
    /// What is known of each queue.
    pub queues: BTreeMap<String, Known>,
    /// When the first of all that was, ms since the Unix epoch; all other times are counted from then.
    pub began_ms: u64,
}

/// Whether an agent can be offered calls, but for those that he has from queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// He can.
    Ready,
    /// He has a break, is busy, or talks with somebody who called no queue.
    Away,
    /// He is not signed in, or offline.
    Gone,
}

/// Somebody who called.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When, ms.
    pub at: u64,
    /// The queue.
    pub queue: String,
    /// With what priority.
    pub priority: u8,
    /// What became of his waiting there.
    pub left: Left,
    /// How those behaved who were rung for him: who, for how long, and what they did.
    pub offers: Vec<(String, u64, OfferOutcome)>,
    /// How long he talked with the agent, and how long that one wrapped up, ms.
    pub handled: Option<(u64, u64)>,
}

/// How somebody left the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// After so long, ms.
    pub waited: u64,
    /// How; `None` where the process was killed.
    pub exit: Option<QueueExit>,
}

/// What is known of a queue.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Who was ever rung by it, and at which level.
    pub members: BTreeMap<String, u8>,
    /// The rule that chose.
    pub strategy: Option<Strategy>,
    /// The shortest wait that was too long, ms.
    pub max_wait: Option<u64>,
    /// The levels that were asked, and the shortest wait after which each was, ms.
    pub levels: BTreeMap<u8, u64>,
    /// How many waited when it was full.
    pub max_length: Option<u32>,
    /// How long an agent was rung who did not answer, ms.
    pub ring: Option<u64>,
    /// The longest wait within the target, ms.
    pub target: Option<u64>,
    line: u32,
}

/// A call as it is read.
#[derive(Debug)]
struct Open {
    arrival: Option<usize>,
    /// It waits in that queue.
    queue: Option<String>,
    /// The agent who answered, and since when he talks.
    talks: Option<(String, u64)>,
}

/// What is known of an agent while facts are read.
#[derive(Debug, Default)]
struct Seen {
    /// The arrival whose call he has, or wraps up after; since when that is.
    arrival: Option<usize>,
    wraps_since: Option<u64>,
    stance: Option<Stance>,
}

/// Reads it.
#[derive(Debug, Default)]
struct Reading {
    day: Day,
    open: BTreeMap<CallId, Open>,
    seen: BTreeMap<String, Seen>,
    offers: BTreeMap<(CallId, String), u64>,
}

impl Day {
    /// The day that these facts tell of.
    #[must_use]
    pub fn of(facts: &[Fact]) -> Self {
        let mut reading = Reading::default();
        reading.day.began_ms = facts.first().map_or(0, |fact| fact.at_ms);
        for fact in facts {
            reading.take(fact.at_ms.saturating_sub(reading.day.began_ms), &fact.event);
        }
        let mut day = reading.day;
        let called: BTreeSet<&String> = day.queues.values().flat_map(|queue| queue.members.keys()).collect();
        // Who was never rung by a queue is no agent of it.
        let called: BTreeSet<String> = called.into_iter().cloned().collect();
        day.agents.retain(|agent, _| called.contains(agent));
        day
    }

    /// The mean of what is known of the calls: how long until an answer, of the talk, and of the wrap-up after it, ms.
    #[must_use]
    pub fn means(&self) -> (u64, u64, u64) {
        let answers =
            self.arrivals.iter().flat_map(|one| &one.offers).filter(|(.., how)| *how == OfferOutcome::Answered);
        let handled = || self.arrivals.iter().filter_map(|one| one.handled);
        (
            mean(answers.map(|(_, ms, _)| *ms)),
            mean(handled().map(|(talk, _)| talk)),
            mean(handled().map(|(_, wrap)| wrap)),
        )
    }
}

impl Reading {
    fn take(&mut self, at: u64, event: &Event) {
        match event {
            Event::CallQueued(e) => self.queued(at, e),
            Event::CallLeftQueue(e) => self.left(at, e),
            Event::CallOffered(e) => self.offered(at, e),
            Event::CallOfferEnded(e) => self.offer_ended(e),
            Event::AgentStateChanged(e) => self.stands(at, e),
            Event::CallEnded(e) => {
                let open = self.open.remove(&e.call);
                let Some(Open { arrival: Some(nth), queue: Some(queue), .. }) = open else { return };
                // It waited when its process was killed.
                let arrival = &mut self.day.arrivals[nth];
                arrival.left = Left { waited: at.saturating_sub(arrival.at), exit: None };
                self.known(&queue).line = self.known(&queue).line.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn known(&mut self, queue: &str) -> &mut Known {
        self.day.queues.entry(queue.to_owned()).or_default()
    }

    /// Where somebody overflows to another queue, that is the queue's doing: only the first one is called.
    fn queued(&mut self, at: u64, e: &CallQueued) {
        self.known(&e.queue).line += 1;
        let open = self.open.entry(e.call).or_insert(Open { arrival: None, queue: None, talks: None });
        open.queue = Some(e.queue.clone());
        if open.arrival.is_none() && e.waited_ms == 0 {
            open.arrival = Some(self.day.arrivals.len());
            self.day.arrivals.push(Arrival {
                at,
                queue: e.queue.clone(),
                priority: e.priority,
                left: Left { waited: 0, exit: None },
                offers: Vec::new(),
                handled: None,
            });
        } else {
            // He waits in another one, which is not replayed.
            open.arrival = None;
        }
    }

    fn left(&mut self, at: u64, e: &CallLeftQueue) {
        let known = self.known(&e.queue);
        known.line = known.line.saturating_sub(1);
        match e.exit {
            QueueExit::MaxWait => known.max_wait = Some(known.max_wait.map_or(e.waited_ms, |ms| ms.min(e.waited_ms))),
            QueueExit::Full => known.max_length = Some(known.line),
            QueueExit::Answered if e.within_target => known.target = known.target.max(Some(e.waited_ms)),
            QueueExit::Answered
            | QueueExit::Abandoned
            | QueueExit::NobodySignedIn
            | QueueExit::Led
            | QueueExit::Closed
            | QueueExit::Callback => {}
        }
        let Some(open) = self.open.get_mut(&e.call) else { return };
        open.queue = None;
        open.talks = e.agent.clone().map(|agent| (agent, at));
        let Some(nth) = open.arrival else { return };
        self.day.arrivals[nth].left = Left { waited: e.waited_ms, exit: Some(e.exit) };
    }

    fn offered(&mut self, at: u64, e: &CallOffered) {
        self.offers.insert((e.call, e.agent.clone()), at);
        let (Some(queue), Some(why)) = (&e.queue, &e.why) else { return };
        let level = why.candidates.iter().find(|one| one.agent == e.agent).map_or(why.level, |one| one.level);
        let known = self.known(queue);
        known.members.insert(e.agent.clone(), level);
        let asked = known.levels.entry(why.level).or_insert(why.waited_ms);
        *asked = why.waited_ms.min(*asked);
        for one in &why.candidates {
            known.members.insert(one.agent.clone(), one.level);
        }
        let strategy = match why.rule {
            ChoiceRule::LongestIdle => Some(Strategy::LongestIdle),
            ChoiceRule::RoundRobin => Some(Strategy::RoundRobin),
            ChoiceRule::FewestToday => Some(Strategy::FewestToday),
            ChoiceRule::FixedOrder => Some(Strategy::FixedOrder),
            ChoiceRule::LevelFirst => Some(Strategy::LevelFirst),
            ChoiceRule::RingAll => Some(Strategy::RingAll),
            ChoiceRule::FirstInLine | ChoiceRule::OwnAgent => None,
        };
        known.strategy = strategy.or(known.strategy);
    }

    fn offer_ended(&mut self, e: &CallOfferEnded) {
        self.offers.remove(&(e.call, e.agent.clone()));
        let Some(queue) = &e.queue else { return };
        if e.outcome == OfferOutcome::TimedOut {
            let known = self.known(queue);
            known.ring = known.ring.max(Some(e.ring_ms));
        }
        if let Some(nth) = self.open.get(&e.call).and_then(|open| open.arrival) {
            self.day.arrivals[nth].offers.push((e.agent.clone(), e.ring_ms, e.outcome));
        }
    }

    /// An agent's call from a queue is the queue's; all else is when he is there.
    fn stands(&mut self, at: u64, e: &AgentStateChanged) {
        let by_queue = |call: CallId| self.open.get(&call).and_then(|open| open.arrival);
        let seen = self.seen.entry(e.agent.clone()).or_default();
        let of_queue = e.call.and_then(by_queue);
        match (e.call_status, of_queue) {
            // Rung or in a talk by a queue: he is there.
            (CallStatus::Ringing | CallStatus::Connected(_), Some(nth)) => {
                seen.arrival = Some(nth);
                return;
            }
            (CallStatus::Ringing, None) | (CallStatus::Dialling | CallStatus::Connected(_), _) => {
                return self.turns(at, &e.agent, Stance::Away);
            }
            (CallStatus::None, _) => {}
        }
        let talked = e.call.and_then(|call| self.open.get_mut(&call)).and_then(|open| {
            let (_, since) = open.talks.take_if(|(agent, _)| *agent == e.agent)?;
            Some((open.arrival?, at.saturating_sub(since)))
        });
        if let Some((nth, talk)) = talked {
            self.day.arrivals[nth].handled = Some((talk, 0));
            if e.to == AgentState::WrapUp {
                (seen.arrival, seen.wraps_since) = (Some(nth), Some(at));
                return;
            }
        } else if let (Some(since), Some(nth)) = (seen.wraps_since.take(), seen.arrival.take()) {
            let talk = self.day.arrivals[nth].handled.map_or(0, |(talk, _)| talk);
            self.day.arrivals[nth].handled = Some((talk, at.saturating_sub(since)));
        }
        let stance = match (e.sign, e.to) {
            (Sign::Out, _) | (_, AgentState::Offline) => Stance::Gone,
            (Sign::Phone(_) | Sign::Mobile(_), AgentState::Ready) => Stance::Ready,
            (Sign::Phone(_) | Sign::Mobile(_), AgentState::NotReady | AgentState::OnBreak | AgentState::WrapUp) => {
                Stance::Away
            }
        };
        self.turns(at, &e.agent, stance);
    }

    fn turns(&mut self, at: u64, agent: &str, stance: Stance) {
        let seen = self.seen.entry(agent.to_owned()).or_default();
        if seen.stance.replace(stance) == Some(stance) {
            return;
        }
        let stances = self.day.agents.entry(agent.to_owned()).or_default();
        // What was so for no time at all was not.
        match stances.last_mut().filter(|(before, _)| *before == at) {
            Some(last) => last.1 = stance,
            None => stances.push((at, stance)),
        }
    }
}

fn mean(all: impl Iterator<Item = u64>) -> u64 {
    let (sum, count) = all.fold((0, 0), |(sum, count), ms| (sum + ms, count + 1));
    sum.checked_div(count).unwrap_or(0)
}
