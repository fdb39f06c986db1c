//! Who is offered what: the decisions, and the ends of offers.

use std::time::Duration;

use super::entry::{Alone, Entry, Open, Place};
use super::idle::Rank;
use super::why::CANDIDATES_SHOWN;
use super::{
    AgentId, Candidate, Decision, Distribution, EntryId, Exit, Join, JoinRefused, Lease, Level, Offer, OfferEnd,
    OfferId, QueueId, REFUSAL_REST, REJECTION_REMEMBERED, RING_ALL_MAX, Rings, Rule, Strategy, Timer, Waits, Why,
};

impl Distribution {
    /// Somebody comes to wait.
    ///
    /// # Errors
    /// He can't wait there.
    pub fn enter(&mut self, now: Duration, join: &Join) -> Result<(), JoinRefused> {
        let queue = self.queues.get_mut(&join.queue).ok_or(JoinRefused::NoSuchQueue)?;
        if self.entries.contains_key(&join.entry) {
            return Err(JoinRefused::Waits);
        }
        let place = Place::new(join.entry, join.priority, now, join.waited);
        let (max_wait_at, announce_at) = match join.waits {
            Waits::OnTheLine => {
                if queue.line.len() - queue.to_call_back >= queue.settings.max_length as usize {
                    return Err(JoinRefused::Full);
                }
                if queue.signed_in == 0 {
                    return Err(JoinRefused::NobodySignedIn);
                }
                queue.figures.entered += 1;
                let max_wait_at = queue.settings.max_wait.map(|max| now + max.saturating_sub(join.stayed));
                (max_wait_at, queue.settings.announcements.map(|announcements| now + announcements.first))
            }
            Waits::ForCallback { at_most } => {
                queue.to_call_back += 1;
                (Some(now + at_most), None)
            }
        };
        queue.line.join(place);
        let open = match join.sticky {
            Some(sticky) => Open::Only { agent: sticky.agent, until: now + sticky.wait, ring_for: sticky.ring_for },
            None => Open::Level(queue.settings.open_level(place.waited(now))),
        };
        let entry = Entry {
            queue: join.queue,
            waits: join.waits,
            place,
            open,
            offers: Vec::new(),
            refusals: Vec::new(),
            look_at: None,
            max_wait_at,
            announce_at,
            overdue: false,
        };
        if let Some(at) = max_wait_at {
            self.timers.start(at, Timer::MaxWait(join.entry));
        }
        if let Some(at) = announce_at {
            self.timers.start(at, Timer::Announce(join.entry));
        }
        self.entries.insert(join.entry, entry);
        let own = join.sticky.map(|sticky| sticky.agent);
        match own.filter(|own| self.agents.get(own).is_some_and(|agent| agent.idle.is_some())) {
            Some(own) => self.offer(now, join.entry, own, Rule::Own),
            None => self.look(now, join.entry),
        }
        Ok(())
    }

    /// Somebody leaves by himself, or is led elsewhere.
    pub fn leave(&mut self, entry: EntryId, exit: Exit) {
        self.remove(entry, exit);
    }

    /// An agent took somebody who waits though another one is rung for him: he has left the queue, and the offers for him end.
    pub fn picked_up(&mut self, now: Duration, entry: EntryId, agent: AgentId) {
        self.count_answer(now, entry, agent);
        self.remove(entry, Exit::Answered(agent));
    }

    /// An offer ended. False if it had ended before: whoever asks is too late.
    pub fn offer_ended(&mut self, now: Duration, offer: OfferId, end: OfferEnd) -> bool {
        let Some(lease) = self.end_lease(offer) else { return false };
        let Some(entry) = self.entries.get_mut(&lease.entry) else { return true };
        match end {
            OfferEnd::Answered => {
                self.count_answer(now, lease.entry, lease.agent);
                self.remove(lease.entry, Exit::Answered(lease.agent));
                return true;
            }
            OfferEnd::Rejected => entry.refused(lease.agent, now, REJECTION_REMEMBERED),
            // What fails at once would fail at once again.
            OfferEnd::Failed => entry.refused(lease.agent, now, REFUSAL_REST),
            // Not his doing: he has been idle all the while.
            OfferEnd::CallerGone | OfferEnd::Taken => {
                if let Some(agent) = self.agents.get_mut(&lease.agent).filter(|agent| agent.idle.is_none()) {
                    agent.idle_before = Some(lease.idle_since);
                }
            }
            OfferEnd::TimedOut => {}
        }
        // His own agent had his chance.
        if let Open::Only { .. } = entry.open {
            entry.open = Open::Level(Level::FIRST);
        }
        if entry.overdue && entry.offers.is_empty() {
            self.overflow(lease.entry, Exit::MaxWait);
        } else {
            self.look(now, lease.entry);
        }
        true
    }

    /// What [`Self::poll_timeout`] said has come.
    pub fn elapsed(&mut self, now: Duration) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Lease(offer) => {
                    self.decisions.push_back(Decision::Withdraw { offer, end: OfferEnd::TimedOut });
                    self.offer_ended(now, offer, OfferEnd::TimedOut);
                }
                Timer::Look(entry) => {
                    if let Some(entry) = self.entries.get_mut(&entry) {
                        entry.look_at = None;
                    }
                    self.look(now, entry);
                }
                Timer::MaxWait(entry) => self.waited_enough(entry),
                Timer::Announce(entry) => self.announce(now, entry),
            }
        }
    }

    fn waited_enough(&mut self, id: EntryId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.max_wait_at = None;
        if entry.offers.is_empty() {
            self.overflow(id, Exit::MaxWait);
        } else {
            entry.overdue = true;
        }
    }

    fn announce(&mut self, now: Duration, id: EntryId) {
        let Some(position) = self.position(id) else { return };
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let queue = entry.queue;
        let every = self.queues.get(&queue).and_then(|queue| queue.settings.announcements);
        entry.announce_at = every.map(|announcements| now + announcements.every);
        if let Some(at) = entry.announce_at {
            self.timers.start(at, Timer::Announce(id));
        }
        // Who is being rung for hears that soon enough.
        if entry.offers.is_empty() {
            let expected_wait = self.expected_wait(queue, position);
            self.decisions.push_back(Decision::Announce { entry: id, position, expected_wait });
        }
    }

    /// What may be done for somebody who waits, now.
    pub(super) fn look(&mut self, now: Duration, id: EntryId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Some(queue) = self.queues.get_mut(&entry.queue) else { return };
        let rings_all = entry.rings_all(queue.settings.strategy);
        // His own agent is rung alone (IVR-05), also where all would be.
        let waits_for_own = matches!(entry.open, Open::Only { .. });
        if !entry.offers.is_empty() && (!rings_all || waits_for_own) {
            return;
        }
        let waited = entry.place.waited(now);
        let old = entry.open;
        if let Open::Only { until, .. } = entry.open
            && until <= now
        {
            entry.open = Open::Level(queue.settings.open_level(waited));
        }
        if let Open::Level(_) = entry.open {
            entry.open = Open::Level(queue.settings.open_level(waited));
        }
        let refusals = entry.refusals.iter().flat_map(|refusal| [refusal.rests_until, refusal.until]);
        let forgotten = refusals.filter(|until| *until > now);
        let (open, place) = (entry.open, entry.place);
        let wider = match open {
            Open::Level(level) => {
                queue.line.open(place, level);
                queue.settings.next_widening(waited).map(|after| place.when_waited(after))
            }
            Open::Only { until, .. } => Some(until),
        };
        let look_at = forgotten.chain(wider).min();
        if let Some(at) = std::mem::replace(&mut entry.look_at, look_at) {
            self.timers.stop(at, Timer::Look(id));
        }
        if let Some(at) = look_at {
            self.timers.start(at, Timer::Look(id));
        }
        self.index_own(old, open, place);
        match open {
            Open::Only { agent, .. } => {
                if self.agents.get(&agent).is_some_and(|agent| agent.idle.is_some()) {
                    self.offer(now, id, agent, Rule::Own);
                }
            }
            Open::Level(level) => self.choose_agents(now, id, level),
        }
    }

    fn index_own(&mut self, old: Open, open: Open, place: Place) {
        if let Open::Only { agent, .. } = old
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.own.remove(&place);
        }
        if let Open::Only { agent, .. } = open
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.own.insert(place);
        }
    }

    fn choose_agents(&mut self, now: Duration, id: EntryId, level: Level) {
        loop {
            let (Some(entry), Some(chosen)) = (self.entries.get(&id), self.best_agent(now, id, level)) else { return };
            let Some(strategy) = self.queues.get(&entry.queue).map(|queue| queue.settings.strategy) else { return };
            let more = entry.rings_all(strategy) && entry.offers.len() + 1 < RING_ALL_MAX;
            self.offer(now, id, chosen, Rule::Agent(strategy, level));
            if !more {
                return;
            }
        }
    }

    /// The idle agent whose turn it is, of those up to a level.
    fn best_agent(&self, now: Duration, id: EntryId, level: Level) -> Option<AgentId> {
        let entry = self.entries.get(&id)?;
        let queue = self.queues.get(&entry.queue)?;
        // A rejection counts while somebody else is there (AGT-17 row 11).
        let alone = queue.alone();
        let refused = |agent: AgentId| entry.is_refused_by(agent, now, alone);
        let mut firsts = level.up_to().filter_map(|level| queue.idle.at(level).find(|(_, _, id)| !refused(*id)));
        let best: Option<Rank> = match queue.settings.strategy {
            Strategy::LevelFirst => firsts.next(),
            Strategy::LongestIdle
            | Strategy::RoundRobin
            | Strategy::FewestToday
            | Strategy::FixedOrder
            | Strategy::RingAll => firsts.min(),
        };
        best.map(|(_, _, agent)| agent)
    }

    /// Somebody became idle: he gets who waits for him alone, else the first in line of all his queues.
    pub(super) fn serve(&mut self, now: Duration, id: AgentId) {
        let Some(agent) = self.agents.get(&id).filter(|agent| agent.idle.is_some()) else { return };
        if let Some(own) = agent.own.first() {
            return self.offer(now, own.entry(), id, Rule::Own);
        }
        let first = agent.memberships.iter().filter_map(|(queue, membership)| {
            let queue = self.queues.get(queue)?;
            let alone = queue.alone();
            let may = |place: &Place| {
                let Some(entry) = self.entries.get(&place.entry()) else { return false };
                entry.offers.len() < RING_ALL_MAX && !entry.is_refused_by(id, now, alone)
            };
            queue.line.for_level(membership.member.level).filter_map(|mut places| places.find(may)).min()
        });
        if let Some(first) = first.min() {
            self.offer(now, first.entry(), id, Rule::FirstInLine);
        }
    }

    fn offer(&mut self, now: Duration, entry_id: EntryId, agent_id: AgentId, rule: Rule) {
        let Some(why) = self.why(now, entry_id, agent_id, rule) else { return };
        let Some(idle) = self.agents.get(&agent_id).and_then(|agent| agent.idle) else { return };
        let Some(entry) = self.entries.get_mut(&entry_id) else { return };
        let (queue_id, place, open) = (entry.queue, entry.place, entry.open);
        self.last_offer += 1;
        let offer = OfferId(self.last_offer);
        entry.offers.push(offer);
        let Some(queue) = self.queues.get_mut(&queue_id) else { return };
        let ring_for = match open {
            Open::Only { ring_for, .. } => ring_for,
            Open::Level(_) => queue.settings.ring_timeout,
        };
        if !entry.rings_all(queue.settings.strategy) {
            queue.line.close(place);
        }
        if let Open::Only { agent, .. } = open
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.own.remove(&place);
        }
        let number = self.last_offer;
        self.change_idle(agent_id, |agent| {
            (agent.idle, agent.lease) = (None, Some(offer));
            if let Some(membership) = agent.memberships.get_mut(&queue_id) {
                membership.last_offer = number;
            }
        });
        let rings = Rings { since: now, until: now + ring_for };
        self.offers.insert(offer, Lease { entry: entry_id, agent: agent_id, rings, idle_since: idle.since });
        self.timers.start(rings.until, Timer::Lease(offer));
        let offer = Offer { offer, entry: entry_id, queue: queue_id, agent: agent_id, ring_for, why };
        self.decisions.push_back(Decision::Offer(offer));
    }

    fn why(&self, now: Duration, entry: EntryId, agent: AgentId, rule: Rule) -> Option<Why> {
        let entry = self.entries.get(&entry)?;
        let queue = self.queues.get(&entry.queue)?;
        let level = match rule {
            Rule::Agent(_, level) => level,
            Rule::FirstInLine | Rule::Own => Level::LAST,
        };
        let mut ranks: Vec<(Level, Rank)> = level
            .up_to()
            .flat_map(|level| queue.idle.at(level).take(CANDIDATES_SHOWN).map(move |rank| (level, rank)))
            .collect();
        if queue.settings.strategy != Strategy::LevelFirst {
            ranks.sort_unstable_by_key(|(_, rank)| *rank);
        }
        // The chosen one is named also where he stands behind, or is no member.
        let chosen = ranks.iter().position(|(_, (_, _, id))| *id == agent);
        if chosen.is_none_or(|at| at >= CANDIDATES_SHOWN) {
            ranks.truncate(CANDIDATES_SHOWN - 1);
            ranks.extend(self.agents.get(&agent).map(|known| {
                let level = known.memberships.get(&entry.queue).map_or(Level::LAST, |found| found.member.level);
                (level, (0, known.idle.map_or(now, |idle| idle.since), agent))
            }));
        }
        ranks.truncate(CANDIDATES_SHOWN);
        let candidate = |(level, (_, since, id)): (Level, Rank)| Candidate {
            agent: id,
            level,
            idle_for: now.saturating_sub(since),
            answered_today: self.agents.get(&id).map_or(0, |agent| agent.answered_today),
            rejected: entry.is_refused_by(id, now, Alone::No),
        };
        Some(Why {
            rule,
            waited: entry.place.waited(now),
            idle: u32::try_from(queue.idle.len_up_to(level)).unwrap_or(u32::MAX),
            candidates: ranks.into_iter().map(candidate).collect(),
        })
    }

    fn end_lease(&mut self, offer: OfferId) -> Option<Lease> {
        let lease = self.offers.remove(&offer)?;
        self.timers.stop(lease.rings.until, Timer::Lease(offer));
        if let Some(agent) = self.agents.get_mut(&lease.agent) {
            agent.lease = None;
        }
        if let Some(entry) = self.entries.get_mut(&lease.entry) {
            entry.offers.retain(|other| *other != offer);
        }
        Some(lease)
    }

    fn count_answer(&mut self, now: Duration, entry: EntryId, agent: AgentId) {
        let Some(entry) = self.entries.get(&entry) else { return };
        let waited = entry.place.waited(now);
        if let Some(queue) = self.queues.get_mut(&entry.queue).filter(|_| entry.waits == Waits::OnTheLine) {
            queue.figures.answered += 1;
            queue.figures.within_target += u64::from(waited <= queue.settings.target);
            queue.figures.answered_wait_ms += u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        }
        self.change_idle(agent, |agent| agent.answered_today += 1);
    }

    pub(super) fn overflow(&mut self, entry: EntryId, exit: Exit) {
        if self.remove(entry, exit) {
            self.decisions.push_back(Decision::Overflow { entry, exit });
        }
    }

    /// Somebody is no longer in his queue; who is rung for him is not any more.
    fn remove(&mut self, id: EntryId, exit: Exit) -> bool {
        let Some(entry) = self.entries.remove(&id) else { return false };
        for (at, timer) in [
            (entry.look_at, Timer::Look(id)),
            (entry.max_wait_at, Timer::MaxWait(id)),
            (entry.announce_at, Timer::Announce(id)),
        ] {
            if let Some(at) = at {
                self.timers.stop(at, timer);
            }
        }
        if let Some(queue) = self.queues.get_mut(&entry.queue) {
            queue.line.leave(entry.place);
            match (entry.waits, exit) {
                (Waits::ForCallback { .. }, _) => queue.to_call_back -= 1,
                (Waits::OnTheLine, Exit::Answered(_) | Exit::Led) => {}
                (Waits::OnTheLine, Exit::CalledBack) => queue.figures.called_back += 1,
                (Waits::OnTheLine, Exit::HungUp) => queue.figures.abandoned += 1,
                (Waits::OnTheLine, Exit::MaxWait | Exit::NobodySignedIn | Exit::QueueGone) => {
                    queue.figures.overflowed += 1;
                }
            }
        }
        if let Open::Only { agent, .. } = entry.open
            && let Some(agent) = self.agents.get_mut(&agent)
        {
            agent.own.remove(&entry.place);
        }
        let end = match exit {
            Exit::Answered(_) => OfferEnd::Taken,
            Exit::HungUp | Exit::MaxWait | Exit::NobodySignedIn | Exit::Led | Exit::CalledBack | Exit::QueueGone => {
                OfferEnd::CallerGone
            }
        };
        for offer in entry.offers {
            self.withdraw(offer, end);
        }
        true
    }

    /// Not the agent's doing: he has been idle all the while.
    fn withdraw(&mut self, offer: OfferId, end: OfferEnd) {
        let Some(lease) = self.end_lease(offer) else { return };
        if let Some(agent) = self.agents.get_mut(&lease.agent).filter(|agent| agent.idle.is_none()) {
            agent.idle_before = Some(lease.idle_since);
        }
        self.decisions.push_back(Decision::Withdraw { offer, end });
    }

    /// Whom an offer is about.
    #[must_use]
    pub fn offered(&self, offer: OfferId) -> Option<(EntryId, AgentId)> {
        self.offers.get(&offer).map(|lease| (lease.entry, lease.agent))
    }

    /// Where somebody waits.
    #[must_use]
    pub fn queue_of(&self, entry: EntryId) -> Option<QueueId> {
        self.entries.get(&entry).map(|entry| entry.queue)
    }
}
