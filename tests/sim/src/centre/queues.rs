//! What the facts tell of the queues, and what must be so: each who waits leaves by one exit that has its reason, the first in line is
//! served first, nobody waits while an agent is idle who could have him, and the strategy chose whom it must.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::fact::{
    CallLeftQueue, CallOfferEnded, CallOffered, CallQueued, CallbackEnded, CallbackRequested, CallbackStarted,
    ChoiceRule, Event, OfferOutcome, QueueExit,
};
use hooks::id::CallId;
use switch::config::{Overflow, OwnAgent, OwnAgentRule, Queue};
use switch::queue::{Level, Member, QueueSettings, Strategy};
use switch::view::QueueView;

use super::agents::{Agents, Told};
use super::callbacks::{Callbacks, Lined};
use super::own::OwnAgents;

/// Somebody who waits.
#[derive(Clone, Debug)]
struct Waiter {
    queue: String,
    /// 255 less the priority, when he came by the monotonic clock (less what he waited before), and who was first of those.
    place: (u8, i128, u64),
    since_ms: u64,
    since: Duration,
    before_ms: u64,
    /// He never stood in line: the queue is full, or nobody is there.
    turned_away: bool,
    /// The process was killed, and his phone has not said that it is still there: he is in no line.
    away: bool,
    /// He is not on the line, and is to be called back.
    is_called_back: bool,
    /// The agents who are rung for him.
    rung: Vec<String>,
    /// Of them, his own one, who is rung before all others, and alone.
    own: Option<String>,
    /// Nobody was rung for him yet since he came into this queue.
    is_new: bool,
    /// When the last offer for him ended: who is chosen at that moment may have been so before it.
    freed_at: Option<Duration>,
    /// Who rejected him or could not be rung, until when others come first, and until when he is left alone in any case.
    refused_by: Vec<(String, Duration, Duration)>,
}

/// What is set for a queue.
#[derive(Debug)]
struct Set {
    settings: QueueSettings,
    members: BTreeMap<String, Member>,
    wrap_up_max: Option<Duration>,
    takes_messages: bool,
    calls_back: bool,
    own_agent: OwnAgent,
}

/// Counts of a queue since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    entered: u64,
    answered: u64,
    abandoned: u64,
    overflowed: u64,
    called_back: u64,
}

/// How long an agent has been idle, and what else his turn goes by.
#[derive(Clone, Debug, Default)]
struct Turn {
    idle_since: Option<Duration>,
    /// When that was known: who becomes idle in the very moment in which others are looked for may be overlooked.
    known_at: Duration,
    /// Of the offer that rings him: it was not his doing if another takes it, or the caller goes.
    before: Option<Duration>,
    answered: u32,
    /// The number of his last offer in each queue.
    offers: BTreeMap<String, u64>,
    /// He called a queue that he is in: he may have been chosen for himself, which was taken back and is written down nowhere.
    unsure: bool,
    /// He had an emergency call, which no row of the table says (GEN-18): since when he is idle is not known.
    past_the_table: bool,
}

/// All queues of a world.
#[derive(Debug)]
pub(super) struct Queues {
    settings: BTreeMap<String, Set>,
    waiting: BTreeMap<CallId, Waiter>,
    counts: BTreeMap<String, Counts>,
    turns: BTreeMap<String, Turn>,
    /// Who is signed in, and when that changed last.
    signed_in: BTreeMap<String, bool>,
    signed_at: Duration,
    /// How long each call has waited so far, ms.
    waited: BTreeMap<CallId, u64>,
    entered: u64,
    offers: u64,
    /// The day that is counted, by the tenant's own midnights.
    day: u64,
    pub(super) callbacks: Callbacks,
    pub(super) own: OwnAgents,
    /// Those who came to wait, and of them those whom an agent answered.
    pub(super) queued: usize,
    pub(super) answered: usize,
    pub(super) abandoned: usize,
    pub(super) offered: usize,
    /// Times that a queue was seen to have chosen the agent that it must.
    pub(super) chosen: usize,
    /// Times that a caller was given his own agent.
    pub(super) given_own: usize,
}

impl Waiter {
    fn waited(&self, now: Duration) -> Duration {
        let us = i128::try_from(now.as_micros()).unwrap_or(i128::MAX) - self.place.1;
        Duration::from_micros(u64::try_from(us).unwrap_or(0))
    }

    /// How long of that in this queue: what is too long is counted in each anew.
    fn stayed(&self, now: Duration) -> Duration {
        self.waited(now).saturating_sub(Duration::from_millis(self.before_ms))
    }

    /// Nobody else is rung for him at the moment. Who calls somebody back is rung alone: each would call him.
    fn is_taken(&self, strategy: Strategy) -> bool {
        let alone = strategy != Strategy::RingAll || self.is_called_back || self.own.is_some();
        !self.rung.is_empty() && alone
    }
}

impl Set {
    fn of(queue: Queue) -> Self {
        let members = queue.members.into_iter().map(|(agent, member)| (agent.to_string(), member)).collect();
        let takes_messages = queue.overflow.contains(&Overflow::Voicemail);
        let (calls_back, own_agent) = (queue.callback_key.is_some(), queue.own_agent);
        Self {
            settings: queue.settings,
            members,
            wrap_up_max: queue.wrap_up_max,
            takes_messages,
            calls_back,
            own_agent,
        }
    }
}

impl Queues {
    pub(super) fn new(queues: impl Iterator<Item = Queue>, own: OwnAgents) -> Self {
        Self {
            settings: queues.map(|queue| (queue.name.to_string(), Set::of(queue))).collect(),
            waiting: BTreeMap::new(),
            counts: BTreeMap::new(),
            turns: BTreeMap::new(),
            signed_in: BTreeMap::new(),
            signed_at: Duration::ZERO,
            waited: BTreeMap::new(),
            entered: 0,
            offers: 0,
            day: 0,
            callbacks: Callbacks::default(),
            own,
            queued: 0,
            answered: 0,
            abandoned: 0,
            offered: 0,
            chosen: 0,
            given_own: 0,
        }
    }

    fn settings(&self, queue: &str) -> Result<&Set, String> {
        self.settings.get(queue).ok_or_else(|| format!("queue {queue}, which there is not"))
    }

    /// At midnight nobody has answered anything today, and no queue has had a caller.
    pub(super) fn day_of(&mut self, at_ms: u64) {
        let day = (at_ms + ZONE_MS) / 86_400_000;
        if day > self.day {
            self.day = day;
            self.counts.clear();
            self.turns.values_mut().for_each(|turn| turn.answered = 0);
        }
    }

    pub(super) fn is_waiting(&self, call: CallId) -> bool {
        self.waiting.get(&call).is_some_and(|waiter| !waiter.is_called_back)
    }

    pub(super) fn wrap_up_max(&self, queue: &str) -> Option<Duration> {
        self.settings.get(queue)?.wrap_up_max
    }

    /// Whom nobody takes may leave a message.
    pub(super) fn takes_messages(&self, queue: &str) -> bool {
        self.settings.get(queue).is_some_and(|set| set.takes_messages)
    }

    fn line<'a>(&'a self, queue: &'a str) -> impl Iterator<Item = (&'a CallId, &'a Waiter)> {
        let stands = move |waiter: &Waiter| waiter.queue == queue && !waiter.turned_away && !waiter.is_called_back;
        self.waiting.iter().filter(move |(_, waiter)| stands(waiter) && !waiter.away)
    }

    fn signed_in<'a>(&'a self, queue: &str, agents: &'a Agents) -> usize {
        let members = self.settings.get(queue).map(|queue| &queue.members);
        let members = members.into_iter().flat_map(|members| members.keys());
        members.filter(|agent| agents.told.get(*agent).is_some_and(Told::is_signed_in)).count()
    }

    /// Who waits, in order, and who has been idle longest, whenever that is.
    pub(super) fn likeness(&self, now: Duration) -> String {
        let mut line: Vec<&Waiter> = self.waiting.values().collect();
        line.sort_by_key(|waiter| waiter.place);
        let refusals = |waiter: &Waiter| -> Vec<(String, Duration)> {
            let left = waiter.refused_by.iter().map(|(by, until, _)| (by.clone(), until.saturating_sub(now)));
            left.filter(|(_, left)| *left > Duration::ZERO).collect()
        };
        let line: Vec<_> = line.iter().map(|it| (&it.queue, it.waited(now), &it.rung, refusals(it))).collect();
        let mut turns: Vec<_> = self.turns.iter().map(|(agent, turn)| (turn.idle_since, agent)).collect();
        turns.sort_unstable();
        let turns: Vec<_> = turns.iter().map(|(since, agent)| (since.is_some(), agent)).collect();
        format!("{line:?} {turns:?}")
    }

    /// Somebody comes to wait.
    pub(super) fn entered(&mut self, now: Duration, at_ms: u64, e: &CallQueued, agents: &Agents) -> Result<(), String> {
        let settings = &self.settings(&e.queue)?.settings;
        let turned_away =
            self.line(&e.queue).count() >= settings.max_length as usize || self.signed_in(&e.queue, agents) == 0;
        if self.waited.get(&e.call).copied().unwrap_or(0) != e.waited_ms {
            return Err(format!("{e:?}: it has waited {:?} so far", self.waited.get(&e.call)));
        }
        self.entered += 1;
        self.queued += 1;
        let came = i128::try_from(now.as_micros()).unwrap_or(i128::MAX) - i128::from(e.waited_ms) * 1_000;
        let waiter = Waiter {
            queue: e.queue.clone(),
            place: (u8::MAX - e.priority, came, self.entered),
            since_ms: at_ms,
            since: now,
            before_ms: e.waited_ms,
            turned_away,
            away: false,
            is_called_back: false,
            rung: Vec::new(),
            own: None,
            is_new: true,
            freed_at: None,
            refused_by: Vec::new(),
        };
        if self.waiting.insert(e.call, waiter).is_some() {
            return Err(format!("{e:?}, and it waited already"));
        }
        self.counts.entry(e.queue.clone()).or_default().entered += u64::from(!turned_away);
        Ok(())
    }

    /// Somebody waits no more.
    pub(super) fn left(&mut self, now: Duration, at_ms: u64, e: &CallLeftQueue, agents: &Agents) -> Result<(), String> {
        let waiter = self.waiting.remove(&e.call).ok_or_else(|| format!("{e:?}, and it did not wait"))?;
        let wrong = |what: &str| Err(format!("{what}: {e:?} of {waiter:?}"));
        let settings = self.settings(&e.queue)?.settings.clone();
        if waiter.queue != e.queue || at_ms - waiter.since_ms != e.waited_ms {
            return wrong("a wait that was another one");
        }
        let total_ms = waiter.before_ms + e.waited_ms;
        self.waited.insert(e.call, total_ms);
        let in_time = e.exit == QueueExit::Answered && Duration::from_millis(total_ms) <= settings.target;
        if in_time != e.within_target {
            return wrong("within the target, or not");
        }
        if waiter.away {
            let gone = matches!(e.exit, QueueExit::Closed | QueueExit::Abandoned);
            return if gone { Ok(()) } else { wrong("nobody knew whether he was there") };
        }
        let counts = self.counts.entry(e.queue.clone()).or_default();
        match e.exit {
            QueueExit::Answered => {
                counts.answered += 1;
                self.answered += 1;
                let Some(agent) = e.agent.as_ref().filter(|agent| waiter.rung.contains(agent)) else {
                    return wrong("answered by nobody who was rung");
                };
                self.turns.entry(agent.clone()).or_default().answered += 1;
            }
            QueueExit::Callback => {
                counts.called_back += 1;
                let number = self.own.number_of(e.call).unwrap_or_default().to_owned();
                if let Some(lined) = self.callbacks.left_line(at_ms, e.call, &e.queue, &number)? {
                    self.lines_up(now, now, lined);
                }
            }
            QueueExit::Abandoned | QueueExit::Closed => {
                counts.abandoned += 1;
                self.abandoned += 1;
            }
            QueueExit::MaxWait => {
                counts.overflowed += 1;
                // QUEUE-05; who is being rung for then has this last chance.
                let long = settings.max_wait.is_some_and(|max| waiter.stayed(now) >= max);
                if !long || !waiter.rung.is_empty() {
                    return wrong("given up too early");
                }
            }
            QueueExit::NobodySignedIn if waiter.turned_away => {}
            QueueExit::NobodySignedIn => counts.overflowed += 1,
            QueueExit::Full if waiter.turned_away => {}
            QueueExit::Full => return wrong("there was room"),
            QueueExit::Led => {}
        }
        let nobody = self.signed_in(&e.queue, agents) == 0;
        if (e.exit == QueueExit::NobodySignedIn) && !nobody {
            return wrong("somebody is signed in");
        }
        if waiter.turned_away && !matches!(e.exit, QueueExit::Full | QueueExit::NobodySignedIn) {
            return wrong("he could not stand in line");
        }
        Ok(())
    }

    /// The call is over, or its process was.
    pub(super) fn call_ended(&mut self, now: Duration, call: CallId, interrupted: bool) -> Result<(), String> {
        self.waited.remove(&call);
        self.own.call_ended(call);
        self.callbacks.call_ended(now, call, interrupted)?;
        if self.waiting.get(&call).is_some_and(|waiter| waiter.is_called_back) {
            return Ok(());
        }
        match self.waiting.remove(&call) {
            Some(waiter) if !interrupted => Err(format!("{call} is over, and still waits: {waiter:?}")),
            Some(_) | None => Ok(()),
        }
    }

    /// A queue has an agent rung.
    pub(super) fn offered(
        &mut self,
        now: Duration,
        at_ms: u64,
        e: &CallOffered,
        agents: &Agents,
    ) -> Result<(), String> {
        let Some(queue) = &e.queue else {
            // Whoever called him: he is not idle, and begins to be so anew.
            let turn = self.turns.entry(e.agent.clone()).or_default();
            (turn.idle_since, turn.before) = (None, None);
            return Ok(());
        };
        let why = e.why.as_ref().ok_or_else(|| format!("nobody says why: {e:?}"))?;
        let waits = self.callbacks.waiter_of(e.call, queue);
        if let Some((lined, since)) = self.callbacks.rested_enough(waits, now, at_ms) {
            self.lines_up(now, since, lined);
        }
        let waiter = self.waiting.get(&waits).ok_or_else(|| format!("{e:?}, and it does not wait"))?;
        if waiter.queue != *queue || waiter.turned_away {
            return Err(format!("{e:?} of who waits otherwise: {waiter:?}"));
        }
        let settings = self.settings(queue)?.settings.clone();
        if waiter.is_taken(settings.strategy) {
            return Err(format!("{e:?}, and others are rung: {waiter:?}"));
        }
        let is_own = why.rule == ChoiceRule::OwnAgent;
        if is_own {
            self.check_own(now, e, waiter)?;
        } else if !self.may_have(now, &e.agent, waits, agents, When::ByNow) {
            return Err(format!("{e:?}: {waiter:?} is not for this agent"));
        } else if let Some(own) = self.owner_now(now, waits, waiter, agents) {
            return Err(format!("{e:?}, and {own}, whose customer the caller is, is idle: {waiter:?}"));
        }
        // QUEUE-04: first in, first out within equal priority, among those whom he may have.
        let place = waiter.place;
        let earlier = self.waiting.iter().find(|(call, other)| {
            // Who came, or was given back, at this very moment may not have been seen.
            let is_new = other.since >= now || other.freed_at == Some(now);
            other.place < place && !is_new && self.may_have(now, &e.agent, **call, agents, When::Before)
        });
        if let Some((call, other)) = earlier {
            return Err(format!("{e:?}, and {call} is before: {other:?}, {waiter:?}"));
        }
        if !matches!(why.rule, ChoiceRule::FirstInLine | ChoiceRule::OwnAgent) {
            self.check_choice(now, e, waits, agents)?;
        }
        self.given_own += usize::from(is_own);
        self.offers += 1;
        self.offered += 1;
        let number = self.offers;
        let turn = self.turns.entry(e.agent.clone()).or_default();
        turn.before = turn.idle_since.take();
        turn.offers.insert(queue.clone(), number);
        self.waiting.entry(waits).and_modify(|waiter| {
            waiter.rung.push(e.agent.clone());
            (waiter.own, waiter.is_new) = (is_own.then(|| e.agent.clone()), false);
        });
        Ok(())
    }

    /// IVR-05: who is rung before all others is the caller's own agent, where the queue says so, at once and for the first time.
    fn check_own(&self, now: Duration, e: &CallOffered, waiter: &Waiter) -> Result<(), String> {
        let queue = self.settings(&waiter.queue)?;
        let is_owner = self.own.owner(e.call) == Some(e.agent.as_str());
        let is_last = self.own.has_talked(e.call, &e.agent) && queue.members.contains_key(&e.agent);
        let right = match queue.own_agent.who {
            OwnAgentRule::Nobody => false,
            OwnAgentRule::Owner => is_owner,
            OwnAgentRule::OwnerOrLast { .. } => is_owner || is_last && self.own.owner(e.call).is_none(),
        };
        if right && waiter.is_new && waiter.since == now {
            Ok(())
        } else {
            Err(format!("{e:?} is his own agent? {waiter:?}"))
        }
    }

    /// Whose customer a caller is, where the queue asks for that and he is to be had in the moment in which the caller comes.
    fn owner_now(&self, now: Duration, call: CallId, waiter: &Waiter, agents: &Agents) -> Option<&str> {
        if !waiter.is_new || waiter.since < now || waiter.is_called_back || waiter.before_ms > 0 {
            return None;
        }
        let rule = self.settings.get(&waiter.queue)?.own_agent.who;
        let owner = self.own.owner(call).filter(|_| rule != OwnAgentRule::Nobody)?;
        let told = agents.told.get(owner).filter(|told| told.is_idle() && !told.may_supervise)?;
        let sure = self.turns.get(owner).is_some_and(|turn| turn.known_at < now && !turn.past_the_table);
        (sure && told.legs == 0).then_some(owner)
    }

    /// QUEUE-03: of those who could have been rung, the strategy's own order.
    fn check_choice(&mut self, now: Duration, e: &CallOffered, waits: CallId, agents: &Agents) -> Result<(), String> {
        let Some(queue) = &e.queue else { return Ok(()) };
        let settings = self.settings(queue)?;
        let rank = |agent: &str| {
            let member = settings.members.get(agent);
            let turn = self.turns.get(agent).cloned().unwrap_or_default();
            let first = match settings.settings.strategy {
                Strategy::LongestIdle | Strategy::RingAll => 0,
                Strategy::RoundRobin => turn.offers.get(queue).copied().unwrap_or(0),
                Strategy::FewestToday => u64::from(turn.answered),
                Strategy::FixedOrder => member.map_or(0, |member| u64::from(member.order)),
                Strategy::LevelFirst => member.map_or(0, |member| u64::from(member.level.get())),
            };
            (first, turn.idle_since)
        };
        let chosen = rank(&e.agent);
        let by_turn = settings.settings.strategy == Strategy::RoundRobin;
        let is_sure =
            |agent: &str| self.turns.get(agent).is_none_or(|turn| !(by_turn && turn.unsure || turn.past_the_table));
        if !is_sure(&e.agent) {
            return Ok(());
        }
        let known = |agent: &&str| {
            let is_new = self.turns.get(*agent).is_some_and(|turn| turn.known_at >= now);
            !is_new && is_sure(agent) && !agents.is_on_the_phone(agent)
        };
        let others = settings.members.keys().map(String::as_str).filter(|agent| *agent != e.agent).filter(known);
        let better = others
            .filter(|agent| self.may_have(now, agent, waits, agents, When::Before))
            .map(|agent| (agent, rank(agent)))
            .find(|(_, rank)| *rank < chosen);
        if let Some((agent, rank)) = better {
            return Err(format!(
                "{e:?} by {:?}, and {agent} is before: {rank:?}, {chosen:?}",
                settings.settings.strategy
            ));
        }
        self.chosen += 1;
        Ok(())
    }

    /// An agent himself called a queue.
    pub(super) fn calls_himself(&mut self, agent: &str) {
        self.turns.entry(agent.to_owned()).or_default().unsure = true;
    }

    /// An agent calls for help.
    pub(super) fn calls_for_help(&mut self, agent: &str) {
        self.turns.entry(agent.to_owned()).or_default().past_the_table = true;
    }

    /// An offer by a queue ended.
    pub(super) fn offer_ended(&mut self, now: Duration, e: &CallOfferEnded, by_mobile: bool) -> Result<(), String> {
        let (call, agent, outcome, ring_ms) = (e.call, e.agent.as_str(), e.outcome, e.ring_ms);
        let turn = self.turns.entry(agent.to_owned()).or_default();
        let before = turn.before.take();
        match outcome {
            // Not his doing: he has been idle all the while.
            OfferOutcome::CallerHungUp | OfferOutcome::Taken => (turn.idle_since, turn.known_at) = (before, now),
            OfferOutcome::Answered | OfferOutcome::TimedOut | OfferOutcome::Rejected | OfferOutcome::Failed => {}
        }
        let waits = e.queue.as_ref().map_or(call, |queue| self.callbacks.waiter_of(call, queue));
        let Some(waiter) = self.waiting.get_mut(&waits) else { return Ok(()) };
        waiter.rung.retain(|rung| rung != agent);
        waiter.freed_at = Some(now);
        let was_own = waiter.own.take_if(|own| own == agent).is_some();
        let counts_for = match outcome {
            OfferOutcome::Rejected => Some(REJECTION_REMEMBERED),
            OfferOutcome::Failed => Some(REFUSAL_REST),
            OfferOutcome::Answered | OfferOutcome::CallerHungUp | OfferOutcome::TimedOut | OfferOutcome::Taken => None,
        };
        if let Some(long) = counts_for {
            waiter.refused_by.push((agent.to_owned(), now + long, now + REFUSAL_REST));
        }
        let (queue, waiter) = (waiter.queue.clone(), waiter.clone());
        let set = self.settings(&queue)?;
        let ring_for = if was_own { set.own_agent.ring_for } else { set.settings.ring_timeout };
        let rang = Duration::from_millis(ring_ms);
        // PHONE-13: a mobile that answers, and presses no key in time.
        let silent = by_mobile && rang >= CONFIRM_MAX;
        if outcome == OfferOutcome::TimedOut && rang != ring_for && !silent {
            return Err(format!("agent {agent} was rung for {ring_ms} ms, not {ring_for:?}: {waiter:?}"));
        }
        Ok(())
    }

    /// An agent stands otherwise: since when he is idle goes by that.
    pub(super) fn agent_stands(&mut self, now: Duration, agent: &str, told: &Told) {
        if self.signed_in.insert(agent.to_owned(), told.is_signed_in()) != Some(told.is_signed_in()) {
            self.signed_at = now;
        }
        let turn = self.turns.entry(agent.to_owned()).or_default();
        match (told.is_idle(), turn.idle_since) {
            (true, None) => (turn.idle_since, turn.known_at, turn.past_the_table) = (Some(now), now, false),
            (false, Some(_)) if told.offer.is_none() => turn.idle_since = None,
            (true | false, _) => {}
        }
    }

    /// Nobody waits whom an idle agent could have.
    pub(super) fn check_idle(&self, now: Duration, agents: &Agents) -> Result<(), String> {
        for (call, waiter) in self.waiting.iter().filter(|(_, waiter)| !waiter.away) {
            let Some(queue) = self.settings.get(&waiter.queue) else { continue };
            if waiter.turned_away {
                return Err(format!("{call} could not stand in line, and waits: {waiter:?}"));
            }
            if waiter.is_taken(queue.settings.strategy) {
                continue;
            }
            let mut members = queue.members.keys().map(String::as_str);
            let idle = members
                .find(|agent| !agents.is_on_the_phone(agent) && self.may_have(now, agent, *call, agents, When::Before));
            if let Some(agent) = idle {
                return Err(format!("{call} waits ({waiter:?}), and agent {agent} is idle: {:?}", queue.settings));
            }
            let max_wait = queue.settings.max_wait.filter(|_| !waiter.is_called_back);
            let long = max_wait.is_some_and(|max| waiter.stayed(now) > max + SLACK);
            if long && waiter.rung.is_empty() && waiter.since < now {
                return Err(format!("{call} waits too long: {waiter:?}"));
            }
        }
        Ok(())
    }

    /// What others see of a queue is what is written down.
    pub(super) fn shown(&self, view: &QueueView, agents: &Agents) -> Result<(), String> {
        let mut line: Vec<(&CallId, &Waiter)> = self.line(&view.queue).collect();
        line.sort_by_key(|(_, waiter)| waiter.place);
        let calls: Vec<CallId> = line.iter().map(|(call, _)| **call).collect();
        let shown: Vec<CallId> = view.first.iter().map(|waiting| waiting.call).collect();
        let counts = self.counts.get(&view.queue).copied().unwrap_or_default();
        let today = Counts {
            entered: view.today.entered,
            answered: view.today.answered,
            abandoned: view.today.abandoned,
            overflowed: view.today.overflowed,
            called_back: view.today.called_back,
        };
        self.callbacks.shown(&view.queue, &view.callbacks)?;
        let signed_in = self.signed_in(&view.queue, agents);
        if calls.iter().take(shown.len()).ne(&shown)
            || view.waiting as usize != calls.len()
            || counts != today
            || view.signed_in as usize != signed_in
        {
            return Err(format!("shown {view:?}; waiting {calls:?}, {counts:?}, signed in {signed_in}"));
        }
        Ok(())
    }

    /// The process was killed: who waited is in no line until his call goes on, and the counts begin anew.
    pub(super) fn crashed(&mut self) {
        self.counts.clear();
        self.turns.clear();
        self.own.crashed();
        self.waiting.retain(|_, waiter| !waiter.turned_away && !waiter.is_called_back);
        self.waited.retain(|call, _| self.waiting.contains_key(call));
        for waiter in self.waiting.values_mut() {
            waiter.away = true;
            (waiter.rung, waiter.refused_by, waiter.own) = (Vec::new(), Vec::new(), None);
        }
    }

    /// Somebody who is to be called back stands in line, since that moment.
    fn lines_up(&mut self, now: Duration, since: Duration, lined: Lined) {
        let Lined { callback, queue, priority, waited_ms } = lined;
        self.entered += 1;
        let came = i128::try_from(since.as_micros()).unwrap_or(i128::MAX) - i128::from(waited_ms) * 1_000;
        let waiter = Waiter {
            queue,
            place: (u8::MAX - priority, came, self.entered),
            since_ms: 0,
            since: now,
            before_ms: 0,
            turned_away: false,
            away: false,
            is_called_back: true,
            rung: Vec::new(),
            own: None,
            is_new: false,
            freed_at: None,
            refused_by: Vec::new(),
        };
        self.waiting.insert(callback, waiter);
    }

    /// Those who have rested stand in line again.
    pub(super) fn rested(&mut self, now: Duration, at_ms: u64) {
        for (lined, since) in self.callbacks.rested(now, at_ms) {
            self.lines_up(now, since, lined);
        }
    }

    /// The new process is told of one who is to be called back.
    pub(super) fn callback_restored(&mut self, now: Duration, at_ms: u64, callback: CallId) {
        if let Some(lined) = self.callbacks.restored(callback, at_ms) {
            self.lines_up(now, now, lined);
        }
    }

    /// A caller is to be called back, is being called, or is not any more; so many have answered in the call to him.
    pub(super) fn callback(
        &mut self,
        now: Duration,
        at_ms: u64,
        event: &Event,
        answered: impl Fn(CallId) -> usize,
    ) -> Result<(), String> {
        match event {
            Event::CallbackRequested(e) => self.callback_requested(at_ms, e),
            Event::CallbackStarted(e) => self.callback_started(now, at_ms, e),
            Event::CallbackEnded(e) => self.callback_ended(at_ms, e, answered),
            _ => Ok(()),
        }
    }

    fn callback_requested(&mut self, at_ms: u64, e: &CallbackRequested) -> Result<(), String> {
        let waiter = self.waiting.get(&e.call).ok_or_else(|| format!("{e:?}, and it does not wait"))?;
        let calls_back = self.settings(&e.queue)?.calls_back;
        let right = waiter.queue == e.queue && u8::MAX - e.priority == waiter.place.0 && !waiter.away;
        if !calls_back || !right || self.own.number_of(e.call) != Some(e.number.as_str()) {
            return Err(format!("{e:?} of {waiter:?}"));
        }
        let waited_ms = waiter.before_ms + at_ms - waiter.since_ms;
        self.callbacks.requested(at_ms, e, waited_ms)
    }

    fn callback_started(&mut self, now: Duration, at_ms: u64, e: &CallbackStarted) -> Result<(), String> {
        self.callbacks.started(now, at_ms, e)?;
        self.waiting.remove(&e.callback);
        self.turns.entry(e.agent.clone()).or_default().answered += 1;
        Ok(())
    }

    fn callback_ended(
        &mut self,
        at_ms: u64,
        e: &CallbackEnded,
        answered: impl Fn(CallId) -> usize,
    ) -> Result<(), String> {
        let answered = self.callbacks.called_in(e.call).map_or(0, answered);
        if self.callbacks.ended(at_ms, e, answered)? {
            self.waiting.remove(&e.call);
        }
        Ok(())
    }

    /// How long wrap-up lasts after the calls that wait.
    pub(super) fn rules_of_waiting(&self) -> impl Iterator<Item = (CallId, Option<Duration>)> + '_ {
        let on_the_line = self.waiting.iter().filter(|(_, waiter)| !waiter.is_called_back);
        on_the_line.map(|(call, waiter)| (*call, self.wrap_up_max(&waiter.queue)))
    }

    /// A call goes on: who waited in it stands in line again, as long as he has waited.
    pub(super) fn resumed(&mut self, now: Duration, at_ms: u64, call: CallId, agents: &Agents) {
        let Some(waiter) = self.waiting.get(&call).filter(|waiter| waiter.away) else { return };
        let (queue, waited_ms) = (waiter.queue.clone(), waiter.before_ms + at_ms.saturating_sub(waiter.since_ms));
        let full = self.settings.get(&queue).map_or(0, |set| set.settings.max_length as usize);
        let turned_away = self.line(&queue).count() >= full || self.signed_in(&queue, agents) == 0;
        self.entered += 1;
        let came = i128::try_from(now.as_micros()).unwrap_or(i128::MAX) - i128::from(waited_ms) * 1_000;
        let number = self.entered;
        self.waiting.entry(call).and_modify(|waiter| {
            (waiter.away, waiter.turned_away, waiter.since, waiter.is_new) = (false, turned_away, now, false);
            waiter.place = (waiter.place.0, came, number);
        });
        self.counts.entry(queue).or_default().entered += u64::from(!turned_away);
    }

    /// Whether an agent may be rung for somebody who waits.
    fn may_have(&self, now: Duration, agent: &str, call: CallId, agents: &Agents, when: When) -> bool {
        let (Some(waiter), Some(told)) = (self.waiting.get(&call), agents.told.get(agent)) else { return false };
        if waiter.turned_away || waiter.away || (when == When::Before && !told.is_idle()) {
            return false;
        }
        let Some(queue) = self.settings.get(&waiter.queue) else { return false };
        let Some(member) = queue.members.get(agent) else { return false };
        if waiter.is_taken(queue.settings.strategy) {
            return false;
        }
        let strict = when == When::Before;
        let waited = waiter.waited(now);
        let reached = |after: Duration| if strict { after < waited } else { after <= waited };
        let widening = &queue.settings.widening;
        let open = match widening.iter().rev().find(|widening| reached(widening.after)) {
            Some(widening) => widening.level,
            None if widening.is_empty() => Level::LAST,
            None => Level::FIRST,
        };
        if member.level > open {
            return false;
        }
        let refusals = || waiter.refused_by.iter().filter(|(by, ..)| by == agent);
        if refusals().next().is_none() {
            return true;
        }
        let passed = |at: Duration| if strict { at < now } else { at <= now };
        // Who became the last one in this very moment may not have been seen as that.
        let alone = self.signed_in(&waiter.queue, agents) <= 1 && !(strict && self.signed_at >= now);
        refusals().all(|(_, until, rests_until)| passed(if alone { *rests_until } else { *until }))
    }
}

/// At which moment something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// It may become so at this very moment.
    ByNow,
    /// It was so before.
    Before,
}

/// The tenant's zone, Asia/Shanghai, is so far ahead.
const ZONE_MS: u64 = 8 * 3_600_000;
/// AGT-17, row 11.
const REJECTION_REMEMBERED: Duration = Duration::from_secs(30);
/// Who cannot be rung, or has rejected and is the only one, is left alone so long: his phone would be rung without end.
const REFUSAL_REST: Duration = Duration::from_secs(3);
/// PHONE-13.
const CONFIRM_MAX: Duration = Duration::from_secs(15);
/// Who is given up at the end of an offer is so at once.
const SLACK: Duration = Duration::from_millis(1);
