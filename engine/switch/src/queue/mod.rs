//! Automatic call distribution (技能组): who waits, who is idle, and who is offered what.
//!
//! It decides and keeps count; it rings nobody. An offer is a lease: it has an end of its own, an agent has one at most, and
//! each ends in exactly one way. A decision costs a few lookups, however many wait.

mod decide;
mod entry;
mod idle;
mod settings;
pub mod staffing;
mod why;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::timers::Timers;

pub use entry::{Exit, Join, JoinRefused, Sticky, Waits};
pub use settings::{Announcements, Level, Member, QueueSettings, Strategy, Widening};
pub use why::{Candidate, Rule, Why};

use entry::{Alone, Entry, Line, Place};
use idle::{Idle, IdleAgents};

/// A queue (skill group), by a number that the caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u32);

/// An agent, by a number that the caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u32);

/// Somebody who waits, by a number that the caller gives; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

/// An offer, by a number that is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfferId(pub u64);

/// What the distribution wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Ring this agent for this caller.
    Offer(Offer),
    /// Stop ringing: the caller is gone, has another agent, or the time is over.
    Withdraw {
        /// Which offer.
        offer: OfferId,
        /// Why it ended.
        end: OfferEnd,
    },
    /// The caller has waited as long as he may, or nobody is there for him any more; he has left the queue.
    Overflow {
        /// Who.
        entry: EntryId,
        /// Why.
        exit: Exit,
    },
    /// Tell a caller where he stands.
    Announce {
        /// Whom.
        entry: EntryId,
        /// His place, 1 = next.
        position: u32,
        /// How long it may take, where that is known.
        expected_wait: Option<Duration>,
    },
}

/// A lease of an agent for a caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its name.
    pub offer: OfferId,
    /// Who waits.
    pub entry: EntryId,
    /// Where.
    pub queue: QueueId,
    /// Who is rung.
    pub agent: AgentId,
    /// For how long.
    pub ring_for: Duration,
    /// Why this agent.
    pub why: Why,
}

/// How an offer ended. Each does in exactly one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferEnd {
    /// The agent answered; the caller has left the queue.
    Answered,
    /// He did not in time.
    TimedOut,
    /// He, or his phone, rejected it.
    Rejected,
    /// His phone could not be rung.
    Failed,
    /// The caller left the queue otherwise.
    CallerGone,
    /// Another of those rung at once answered.
    Taken,
}

/// The distribution of a tenant.
#[derive(Debug)]
pub struct Distribution {
    queues: BTreeMap<QueueId, Queue>,
    agents: BTreeMap<AgentId, Agent>,
    entries: BTreeMap<EntryId, Entry>,
    offers: BTreeMap<OfferId, Lease>,
    timers: Timers<Timer>,
    decisions: VecDeque<Decision>,
    last_offer: u64,
}

#[derive(Debug)]
struct Queue {
    settings: QueueSettings,
    line: Line,
    idle: IdleAgents,
    /// How many of the line are to be called back.
    to_call_back: usize,
    /// Members that are signed in.
    signed_in: u32,
    /// The mean time that an agent has to do with a call, as it was lately.
    handle_time: Option<Duration>,
    figures: Figures,
}

/// What came of those who entered a queue since it was made or since [`Distribution::new_day`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Entered.
    pub entered: u64,
    /// Answered by an agent.
    pub answered: u64,
    /// Of these within the target.
    pub within_target: u64,
    /// Hung up.
    pub abandoned: u64,
    /// Left by time-out or overflow.
    pub overflowed: u64,
    /// Asked to be called back.
    pub called_back: u64,
    /// Waited, ms, of those answered.
    pub answered_wait_ms: u64,
}

#[derive(Debug)]
struct Agent {
    memberships: BTreeMap<QueueId, Membership>,
    signed_in: bool,
    idle: Option<Idle>,
    /// The offer that he has; while it lives he is not idle, whatever else is said of him.
    lease: Option<OfferId>,
    answered_today: u32,
    /// The last offer ended without his doing: he has been idle since then when he is idle again.
    idle_before: Option<Duration>,
    /// Callers who wait for him alone.
    own: BTreeSet<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Membership {
    member: Member,
    /// The number of the last offer that he had from this queue.
    last_offer: u64,
}

/// How long an agent is rung for an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    /// Since when.
    pub since: Duration,
    /// Up to when; nobody waits longer for his answer.
    pub until: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    entry: EntryId,
    agent: AgentId,
    rings: Rings,
    /// Since when the agent had been idle.
    idle_since: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Lease(OfferId),
    /// Something of an entry may have become possible: its level widens, its own agent is given up, a rejection is forgotten.
    Look(EntryId),
    MaxWait(EntryId),
    Announce(EntryId),
}

impl Default for Distribution {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue {
    /// Whether no more than one agent is there.
    fn alone(&self) -> Alone {
        if self.signed_in <= 1 { Alone::Yes } else { Alone::No }
    }
}

impl Distribution {
    /// Without queues.
    #[must_use]
    pub fn new() -> Self {
        Self {
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            entries: BTreeMap::new(),
            offers: BTreeMap::new(),
            timers: Timers::new(),
            decisions: VecDeque::new(),
            last_offer: 0,
        }
    }

    /// The next thing to do.
    pub fn poll_decision(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    /// When [`Self::elapsed`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Makes a queue or changes its settings. Who waits keeps his place; a new limit holds for those who come.
    pub fn set_queue(&mut self, queue: QueueId, settings: QueueSettings) {
        match self.queues.get_mut(&queue) {
            Some(known) if known.settings.strategy == settings.strategy => known.settings = settings,
            Some(_) => {
                let members: Vec<AgentId> = self.members(queue);
                for agent in &members {
                    self.drop_idle(*agent, queue);
                }
                if let Some(known) = self.queues.get_mut(&queue) {
                    known.settings = settings;
                }
                for agent in members {
                    self.put_idle(agent, queue);
                }
            }
            None => {
                let new = Queue {
                    settings,
                    line: Line::default(),
                    idle: IdleAgents::default(),
                    to_call_back: 0,
                    signed_in: 0,
                    handle_time: None,
                    figures: Figures::default(),
                };
                self.queues.insert(queue, new);
                for agent in self.members(queue) {
                    self.put_idle(agent, queue);
                    if self.is_signed_in(agent) {
                        self.count(queue, Presence::SignedIn);
                    }
                }
            }
        }
    }

    /// Takes a queue away; who waits in it leaves it by [`Exit::QueueGone`].
    pub fn remove_queue(&mut self, queue: QueueId) {
        let waiting: Vec<EntryId> =
            self.entries.iter().filter(|(_, entry)| entry.queue == queue).map(|(id, _)| *id).collect();
        for entry in waiting {
            self.overflow(entry, Exit::QueueGone);
        }
        self.queues.remove(&queue);
    }

    /// Makes an agent a member of exactly these queues.
    pub fn set_memberships(&mut self, now: Duration, agent: AgentId, members: &BTreeMap<QueueId, Member>) {
        let queues: Vec<QueueId> = self.agent_queues(agent);
        for queue in &queues {
            self.drop_idle(agent, *queue);
        }
        let known = self.agents.entry(agent).or_insert_with(Agent::new);
        let old = std::mem::take(&mut known.memberships);
        known.memberships = members
            .iter()
            .map(|(queue, member)| {
                let last_offer = old.get(queue).map_or(0, |membership| membership.last_offer);
                (*queue, Membership { member: *member, last_offer })
            })
            .collect();
        if self.is_signed_in(agent) {
            queues.iter().for_each(|queue| self.count(*queue, Presence::SignedOut));
            members.keys().for_each(|queue| self.count(*queue, Presence::SignedIn));
        }
        for queue in members.keys() {
            self.put_idle(agent, *queue);
        }
        self.serve(now, agent);
    }

    /// He signed in, or out: whether there is anybody for a queue at all. Who waits where nobody is left, leaves (QUEUE-06); where one is
    /// left, what that one rejected counts no more (AGT-17 row 11).
    pub fn set_signed_in(&mut self, now: Duration, agent: AgentId, presence: Presence) {
        let known = self.agents.entry(agent).or_insert_with(Agent::new);
        if known.signed_in == (presence == Presence::SignedIn) {
            return;
        }
        known.signed_in = presence == Presence::SignedIn;
        for queue in self.agent_queues(agent) {
            self.count(queue, presence);
            let left = self.queues.get(&queue).map_or(0, |queue| queue.signed_in);
            if left > 1 || presence == Presence::SignedIn {
                continue;
            }
            let waiting: Vec<EntryId> = self.waiting(queue).collect();
            for entry in waiting {
                match left {
                    0 if self.is_on_the_line(entry) => self.overflow(entry, Exit::NobodySignedIn),
                    _ => self.look(now, entry),
                }
            }
        }
    }

    /// Calls may be offered to him from now on, or may not. Said while he has an offer it means nothing: how he stands is said anew
    /// when that has ended.
    pub fn set_offerable(&mut self, now: Duration, agent: AgentId, availability: Availability) {
        let known = self.agents.entry(agent).or_insert_with(Agent::new);
        match (availability, known.idle) {
            (Availability::Idle, None) if known.lease.is_some() => {}
            (Availability::Idle, None) => {
                known.idle = Some(Idle { since: known.idle_before.take().unwrap_or(now) });
                for queue in self.agent_queues(agent) {
                    self.put_idle(agent, queue);
                }
                self.serve(now, agent);
            }
            (Availability::Engaged, Some(_)) => {
                for queue in self.agent_queues(agent) {
                    self.drop_idle(agent, queue);
                }
                if let Some(known) = self.agents.get_mut(&agent) {
                    known.idle = None;
                }
            }
            // He does something else since his last offer ended.
            (Availability::Engaged, None) if known.lease.is_none() => known.idle_before = None,
            (Availability::Idle, Some(_)) | (Availability::Engaged, None) => {}
        }
    }

    /// A new day begins for these agents and queues: nobody has answered anything today.
    pub fn new_day(&mut self, agents: &[AgentId], queues: &[QueueId]) {
        for agent in agents {
            self.change_idle(*agent, |agent| agent.answered_today = 0);
        }
        for queue in queues {
            if let Some(queue) = self.queues.get_mut(queue) {
                queue.figures = Figures::default();
            }
        }
    }

    /// An agent has answered so many calls today before the process began.
    pub fn answered_before(&mut self, agent: AgentId, calls: u32) {
        self.change_idle(agent, |agent| agent.answered_today = agent.answered_today.saturating_add(calls));
    }

    /// How long an agent had to do with a call of a queue, wrap-up included.
    pub fn handled(&mut self, queue: QueueId, took: Duration) {
        let Some(queue) = self.queues.get_mut(&queue) else { return };
        // The mean of about the last ten.
        let mean = queue.handle_time.map_or(took, |mean| (mean * 9 + took) / 10);
        queue.handle_time = Some(mean);
    }

    /// What came of those who entered.
    #[must_use]
    pub fn figures(&self, queue: QueueId) -> Option<Figures> {
        self.queues.get(&queue).map(|queue| queue.figures)
    }

    /// Who waits in a queue, first come first; those that are being offered included.
    pub fn waiting(&self, queue: QueueId) -> impl Iterator<Item = EntryId> + '_ {
        self.queues.get(&queue).into_iter().flat_map(|queue| queue.line.everybody())
    }

    /// His place in the line, 1 = next; `None` if he waits nowhere. Costs as many steps as people stand before him.
    #[must_use]
    pub fn position(&self, entry: EntryId) -> Option<u32> {
        let queue = self.entries.get(&entry)?.queue;
        let at = self.waiting(queue).position(|other| other == entry)?;
        u32::try_from(at + 1).ok()
    }

    fn is_on_the_line(&self, entry: EntryId) -> bool {
        self.entries.get(&entry).is_some_and(|entry| entry.waits == Waits::OnTheLine)
    }

    /// How long he has waited by now.
    #[must_use]
    pub fn waited(&self, entry: EntryId, now: Duration) -> Option<Duration> {
        self.entries.get(&entry).map(|entry| entry.place.waited(now))
    }

    /// How long an agent is rung for the offer that he has; `None` while he has none.
    #[must_use]
    pub fn rings(&self, agent: AgentId) -> Option<Rings> {
        let lease = self.agents.get(&agent)?.lease?;
        self.offers.get(&lease).map(|lease| lease.rings)
    }

    /// How a queue stands.
    #[must_use]
    pub fn now(&self, queue: QueueId, now: Duration) -> Option<Standing> {
        let found = self.queues.get(&queue)?;
        let first = found.line.everybody().find(|entry| self.is_on_the_line(*entry));
        Some(Standing {
            waiting: u32::try_from(found.line.len() - found.to_call_back).unwrap_or(u32::MAX),
            longest_wait: first.and_then(|first| self.waited(first, now)).unwrap_or_default(),
            signed_in: found.signed_in,
            idle: u32::try_from(found.idle.len_up_to(Level::LAST)).unwrap_or(u32::MAX),
        })
    }

    /// The queues that an agent is a member of.
    pub fn queues_of(&self, agent: AgentId) -> impl Iterator<Item = QueueId> + use<> {
        self.agent_queues(agent).into_iter()
    }

    /// Somebody is no agent any more; he is signed out and has no offer.
    pub fn remove_agent(&mut self, now: Duration, agent: AgentId) {
        self.set_signed_in(now, agent, Presence::SignedOut);
        for queue in self.agent_queues(agent) {
            self.drop_idle(agent, queue);
        }
        self.agents.remove(&agent);
    }

    /// How long the caller at a place will wait: the mean handle time, shared by those signed in.
    #[must_use]
    pub fn expected_wait(&self, queue: QueueId, position: u32) -> Option<Duration> {
        let queue = self.queues.get(&queue)?;
        Some(queue.handle_time? * position / queue.signed_in.max(1))
    }

    /// Live offers.
    #[must_use]
    pub fn offers(&self) -> usize {
        self.offers.len()
    }

    fn members(&self, queue: QueueId) -> Vec<AgentId> {
        let member = |(id, agent): (&AgentId, &Agent)| agent.memberships.contains_key(&queue).then_some(*id);
        self.agents.iter().filter_map(member).collect()
    }

    fn agent_queues(&self, agent: AgentId) -> Vec<QueueId> {
        self.agents.get(&agent).map(|agent| agent.memberships.keys().copied().collect()).unwrap_or_default()
    }

    fn is_signed_in(&self, agent: AgentId) -> bool {
        self.agents.get(&agent).is_some_and(|agent| agent.signed_in)
    }

    fn count(&mut self, queue: QueueId, presence: Presence) {
        let Some(queue) = self.queues.get_mut(&queue) else { return };
        queue.signed_in = match presence {
            Presence::SignedIn => queue.signed_in + 1,
            Presence::SignedOut => queue.signed_in.saturating_sub(1),
        };
    }
}

impl Agent {
    fn new() -> Self {
        Self {
            memberships: BTreeMap::new(),
            signed_in: false,
            idle: None,
            lease: None,
            answered_today: 0,
            idle_before: None,
            own: BTreeSet::new(),
        }
    }
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Callers who wait on the line, those who are being offered included.
    pub waiting: u32,
    /// How long the one at the front has waited.
    pub longest_wait: Duration,
    /// Members who are signed in.
    pub signed_in: u32,
    /// Of these, those who are idle.
    pub idle: u32,
}

/// Whether an agent is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In any state but offline.
    SignedIn,
    /// Offline, or not there.
    SignedOut,
}

/// Whether calls may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Ready, and without a call.
    Idle,
    /// Not so.
    Engaged,
}

/// How long a call is not offered again to who rejected it, while others are signed in (AGT-17 row 11).
pub const REJECTION_REMEMBERED: Duration = Duration::from_secs(30);
/// How long an agent who rejected a caller, or could not be rung for him, is not rung for him even where nobody else is there: a phone that
/// answers at once would be rung without end.
pub const REFUSAL_REST: Duration = Duration::from_secs(3);
/// Agents that one caller rings at once at most.
pub const RING_ALL_MAX: usize = 50;
