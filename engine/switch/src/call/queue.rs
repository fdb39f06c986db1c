//! A call that waits in a queue (QUEUE-02): the caller hears music and where he stands, agents are rung for him, and he leaves it by
//! exactly one exit. Whose turn it is, and who is rung, is decided by the distribution on the floor.

mod heard;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::action::{Event as FlowEvent, QueueLeft};
use dialplan::flow::name::{Key, Mailbox, QueueName};
use dialplan::say::{Part, defaults};
use hooks::fact::{CallLeftQueue, CallOfferEnded, CallQueued, EndCause, Event, OfferOutcome, QueueExit, WhyAgent};
use hooks::id::CallId;

use self::heard::Music;
use super::room::NOWHERE;
use super::transfer::Transfer;
use super::voicemail::After;
use super::{Call, Service, Stage};
use crate::checkpoint::QueueCheckpoint;
use crate::config::{Queue, TenantConfig};
use crate::desk::{Desk, LegIndex};
use crate::floor::Reach;
use crate::invite::Summons;
use crate::leg::{Leg, Side};
use crate::players::Speaker;
use crate::queue::{AgentId, EntryId, Exit, Join, JoinRefused, Offer, OfferEnd, OfferId, Sticky, Waits};
use crate::target::Target;
use crate::trunk;
use crate::view::OfferView;

/// What is known of a call that waits, or has waited, in queues.
#[derive(Debug, Default)]
pub(super) struct Queueing {
    /// The last queue that it was in: whose rules hold for the talk that follows.
    pub(super) last: Option<Arc<Queue>>,
    /// How long it has waited in all, ms.
    waited_ms: u64,
    /// Which agents queues have rung for it.
    pub(super) rung: Vec<Rung>,
    /// Whom it calls back, until he has answered: the call in which he asked for it.
    pub(super) calls_back: Option<CallId>,
    /// What is left of the overflow of the queue that gave it up first (QUEUE-06).
    pub(super) overflow: Option<super::overflow::Chain>,
    /// He has heard that the call is recorded.
    knows_recorded: bool,
}

impl Queueing {
    /// Of one who had waited there.
    pub(super) fn after(last: Option<Arc<Queue>>) -> Self {
        Self { last, ..Self::default() }
    }
}

/// An agent who is rung.
#[derive(Debug)]
pub(super) struct Rung {
    offer: OfferId,
    agent: AgentId,
    queue: QueueName,
    why: WhyAgent,
    /// How the queue took it back, if it did: that goes before what his phones say.
    taken_back: Option<OfferEnd>,
    /// Since when, ms since the Unix epoch.
    since_ms: u64,
    /// The other ways to his mobile, if he is signed in by it.
    lines: VecDeque<Target>,
}

impl Rung {
    pub(super) fn new(offer: &Offer, queue: QueueName, why: WhyAgent, since_ms: u64) -> Self {
        let (offer, agent) = (offer.offer, offer.agent);
        Self { offer, agent, queue, why, taken_back: None, since_ms, lines: VecDeque::new() }
    }

    /// Which offer, and who is rung.
    pub(super) fn lease(&self) -> (OfferId, AgentId) {
        (self.offer, self.agent)
    }

    /// As others see it; `None` once the queue has taken it back.
    pub(super) fn view(&self, desk: &Desk) -> Option<OfferView> {
        let agent = desk.floor.number_of(self.agent).filter(|_| self.taken_back.is_none())?.to_string();
        Some(OfferView { agent, since_ms: self.since_ms, why: self.why.clone() })
    }
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Wait {
    /// His name in the line; `None` while nobody knows whether he is still there, or who he is.
    pub(super) entry: Option<EntryId>,
    /// Whether it was written down that he waits.
    is_told: bool,
    /// He has not heard to its end yet that the call is recorded: until then he stands in no line (REC-08).
    is_owed: bool,
    pub(super) queue: Arc<Queue>,
    pub(super) priority: u8,
    /// Since when in this queue, ms since the Unix epoch.
    since_ms: u64,
    /// What the flow that led here takes care of.
    by_flow: Vec<QueueLeft>,
    /// The keys by which he leaves for the flow.
    pub(super) flow_keys: Vec<Key>,
    pub(super) speaker: Speaker,
    music: Music,
}

/// How somebody comes to wait.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) queue: QueueName,
    pub(super) priority: u8,
    /// What the flow that leads here takes care of.
    pub(super) by_flow: Vec<QueueLeft>,
    /// The keys by which the caller leaves for the flow.
    pub(super) flow_keys: Vec<Key>,
}

impl Queued {
    /// No flow leads here.
    pub(super) fn without_flow(queue: QueueName, priority: u8) -> Self {
        Self { queue, priority, by_flow: Vec::new(), flow_keys: Vec::new() }
    }
}

impl Call {
    /// Answers the caller and lets him wait.
    pub(super) fn enter_queue(&mut self, desk: &mut Desk, caller: LegIndex, how: Queued, transfer: Option<Transfer>) {
        if !self.tenant.queues.contains_key(&how.queue) {
            return self.not_served(desk, caller, transfer, NOWHERE);
        }
        if let Some(answered_ms) = self.answer_and_serve(desk, caller, how.queue.as_str(), transfer) {
            self.wait_in(desk, caller, answered_ms, how);
        }
    }

    /// Lets a caller wait who is served already.
    pub(super) fn wait_in(&mut self, desk: &mut Desk, caller: LegIndex, answered_ms: u64, how: Queued) {
        let found = self.tenant.queues.get(&how.queue).cloned();
        let (Some(queue), Some(_)) = (found, desk.floor.queue(&self.tenant.tenant, &how.queue)) else {
            // It was there when the flow or the overflow was set.
            return match how.by_flow.contains(&QueueLeft::Nobody) {
                true => self.tell_flow(desk, FlowEvent::QueueLeft(QueueLeft::Nobody)),
                false => self.overflow(desk, caller, answered_ms, QueueExit::Closed),
            };
        };
        let mut speaker = Speaker::default();
        let recorded = queue.recording_announcement.as_ref().filter(|_| !self.queueing.knows_recorded);
        recorded.iter().for_each(|prompt| speaker.say(vec![Part::Prompt((*prompt).clone())]));
        let is_owed = recorded.is_some();
        queue.welcome.iter().for_each(|prompt| speaker.say(vec![Part::Prompt(prompt.clone())]));
        self.queueing.last = Some(queue.clone());
        let wait = Wait {
            entry: None,
            is_told: false,
            is_owed,
            music: Music::of(&queue),
            queue,
            priority: how.priority,
            since_ms: desk.now.unix_ms,
            by_flow: how.by_flow,
            flow_keys: how.flow_keys,
            speaker,
        };
        self.stage = Stage::Served { caller, answered_ms, by: Service::Queue(Box::new(wait)) };
        self.changed = true;
        if self.may_stand_in_line() { self.join_queue(desk) } else { self.rewire(desk) }
    }

    /// Whether he may stand in line: who he is says how far he goes before others, and who is rung first; what he is owed, he hears before
    /// it is anybody's turn.
    fn may_stand_in_line(&self) -> bool {
        self.wait().is_some_and(|(_, wait)| !wait.is_told && !wait.is_owed) && !self.is_caller_looked_up()
    }

    /// It is known who waits, as far as it ever will be, and he has heard what must be heard: he stands in line, from now on.
    pub(super) fn join_queue(&mut self, desk: &mut Desk) {
        let Some((caller, wait)) = self.wait().filter(|_| self.may_stand_in_line()) else { return };
        let queue = wait.queue.clone();
        let priority = self.priority_of(caller, wait.priority);
        let sticky = self.own_agent(desk, caller, &queue);
        let since_ms = desk.now.unix_ms;
        if let Some(wait) = self.wait_mut() {
            (wait.is_told, wait.priority, wait.since_ms) = (true, priority, since_ms);
        }
        let name = queue.name.to_string();
        let queued = CallQueued { call: self.id, queue: name, priority, waited_ms: self.queueing.waited_ms };
        self.fact(desk, Event::CallQueued(queued));
        if self.stand_in_line(desk, sticky) {
            self.rewire(desk);
        }
    }

    /// He stands in line as long as he has waited. False where no line takes him.
    fn stand_in_line(&mut self, desk: &mut Desk, sticky: Option<Sticky>) -> bool {
        let Some((_, wait)) = self.wait() else { return false };
        let stayed = Duration::from_millis(desk.now.unix_ms.saturating_sub(wait.since_ms));
        let waited = Duration::from_millis(self.waited_ms_by(desk.now.unix_ms));
        let priority = wait.priority;
        let Some(queue) = desk.floor.queue(&self.tenant.tenant, &wait.queue.name) else {
            self.give_up(desk, QueueExit::Closed);
            return false;
        };
        let entry = desk.floor.enter(self.id);
        if let Some(wait) = self.wait_mut() {
            wait.entry = Some(entry);
        }
        let join = Join { entry, queue, priority, waited, stayed, sticky, waits: Waits::OnTheLine };
        match desk.floor.distribution.enter(desk.now.mono, &join) {
            Ok(()) => desk.floor.touch_queue(queue),
            Err(refused) => {
                self.give_up(desk, refused_as(refused));
                return false;
            }
        }
        true
    }

    pub(super) fn wait(&self) -> Option<(LegIndex, &Wait)> {
        let (caller, Service::Queue(wait)) = self.served()? else { return None };
        Some((caller, wait))
    }

    pub(super) fn wait_mut(&mut self) -> Option<&mut Wait> {
        let (_, Service::Queue(wait)) = self.served_mut()? else { return None };
        Some(wait)
    }

    /// The queue that it waits in.
    pub(crate) fn waits_in(&self) -> Option<&QueueName> {
        self.wait().map(|(_, wait)| &wait.queue.name)
    }

    /// The party that waits, for whom agents are rung.
    pub(super) fn waiting_leg(&self) -> Option<LegIndex> {
        self.wait().map(|(caller, _)| caller)
    }

    /// Which queue has an agent rung for this call, and why him.
    pub(super) fn offer_of(&self, agent: AgentId) -> Option<(&QueueName, &WhyAgent)> {
        let rung = self.queueing.rung.iter().find(|rung| rung.agent == agent)?;
        Some((&rung.queue, &rung.why))
    }

    /// The distribution offers the call to an agent: his phones ring.
    pub(crate) fn offer(&mut self, desk: &mut Desk, offer: &Offer, why: WhyAgent) {
        let agent = offer.agent;
        let Some((_, wait)) = self.wait() else {
            return desk.give_back(offer.offer, agent);
        };
        let queue = wait.queue.name.clone();
        self.queueing.rung.push(Rung::new(offer, queue, why, desk.now.unix_ms));
        let mut is_rung = false;
        let shown = self.shown().into_owned();
        match desk.reach(&self.tenant, agent, &shown) {
            Reach::Phones(phones) => {
                for phone in phones {
                    is_rung |= self.call_target(desk, phone, Summons::Ring).is_ok();
                }
            }
            Reach::Mobile(ways) => {
                if let Some(rung) = self.queueing.rung.last_mut() {
                    rung.lines = ways;
                }
                is_rung = self.ring_mobile(desk, agent);
            }
        }
        if !is_rung {
            self.not_rung(desk, agent);
        }
        self.changed = true;
    }

    /// Calls the mobile of an agent who is rung by the next way. False where there is none.
    fn ring_mobile(&mut self, desk: &mut Desk, agent: AgentId) -> bool {
        loop {
            let rung = self.queueing.rung.iter_mut().find(|rung| rung.agent == agent);
            let Some(target) = rung.and_then(|rung| rung.lines.pop_front()) else { return false };
            let is_full = match &target {
                Target::Trunk(line) => trunk::is_full(desk, &self.tenant.tenant, &line.trunk),
                Target::Phone(_) => false,
            };
            if !is_full && self.call_target(desk, target, Summons::Ring).is_ok() {
                return true;
            }
        }
    }

    /// A way to the mobile of an agent who is rung by a queue failed: the next one is tried.
    pub(super) fn ring_next_line(&mut self, desk: &mut Desk, failed: LegIndex) {
        if let Some(agent) = self.legs[failed.at()].agent {
            self.ring_mobile(desk, agent);
        }
    }

    /// Whether there is one.
    pub(super) fn has_more_lines(&self, leg: LegIndex) -> bool {
        let agent = self.legs[leg.at()].agent;
        self.queueing.rung.iter().any(|rung| Some(rung.agent) == agent && !rung.lines.is_empty())
    }

    /// What must survive of the wait (AGT-15 for callers): his place, and who is being rung for him.
    pub(super) fn queue_checkpoint(&self, desk: &Desk) -> Option<QueueCheckpoint> {
        let (caller, wait) = self.wait().filter(|(_, wait)| wait.is_told)?;
        // Who has not acknowledged our answer may send his INVITE once more, which begins another call in the next process.
        self.legs[caller.at()].up().filter(|up| up.unacknowledged.is_none())?;
        let rung = self.queueing.rung.iter();
        let rung = rung.filter_map(|rung| Some((desk.floor.number_of(rung.agent)?.clone(), rung.since_ms)));
        Some(QueueCheckpoint {
            service: self.legs[self.service()?.at()].id,
            queue: wait.queue.name.clone(),
            priority: wait.priority,
            since_ms: wait.since_ms,
            waited_ms: self.queueing.waited_ms,
            rung: rung.collect(),
        })
    }

    /// The wait of a call of a killed process. He is in no line until he has said that he is still there.
    pub(super) fn restored_wait(tenant: &TenantConfig, kept: &QueueCheckpoint) -> Option<(Service, Queueing)> {
        let queue = tenant.queues.get(&kept.queue)?.clone();
        let queueing = Queueing { last: Some(queue.clone()), waited_ms: kept.waited_ms, ..Queueing::default() };
        let wait = Wait {
            entry: None,
            is_told: true,
            is_owed: false,
            music: Music::of(&queue),
            queue,
            priority: kept.priority,
            since_ms: kept.since_ms,
            by_flow: Vec::new(),
            flow_keys: Vec::new(),
            speaker: Speaker::default(),
        };
        Some((Service::Queue(Box::new(wait)), queueing))
    }

    /// The queue's own leg is there again; nobody is rung any more for whom the killed process had phones rung.
    pub(super) fn return_to_queue(&mut self, desk: &mut Desk, caller: LegIndex, kept: &QueueCheckpoint, at_ms: u64) {
        let side = match self.legs[caller.at()].side {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        };
        let service = Leg::service(kept.service, side, kept.queue.as_str());
        desk.leg_began(&self.tenant.tenant, self.id, &service);
        self.legs.push(service);
        for (agent, since_ms) in &kept.rung {
            let ended = CallOfferEnded {
                call: self.id,
                agent: agent.to_string(),
                queue: Some(kept.queue.to_string()),
                // Not his doing: it is no missed call.
                outcome: OfferOutcome::Taken,
                ring_ms: at_ms.saturating_sub(*since_ms),
            };
            desk.fact_at(&self.tenant.tenant, at_ms, Event::CallOfferEnded(ended));
        }
    }

    /// He is still there: he stands in line again as long as he has waited.
    pub(super) fn rejoin_queue(&mut self, desk: &mut Desk) {
        self.stand_in_line(desk, None);
    }

    /// The distribution takes an offer back.
    pub(crate) fn withdraw(&mut self, desk: &mut Desk, offer: OfferId, end: OfferEnd) {
        let Some(rung) = self.queueing.rung.iter_mut().find(|rung| rung.offer == offer) else { return };
        let agent = rung.agent;
        rung.taken_back = Some(end);
        let cause = match end {
            OfferEnd::TimedOut => EndCause::NoAnswer,
            OfferEnd::Rejected => EndCause::Rejected,
            OfferEnd::CallerGone => EndCause::Cancelled,
            OfferEnd::Answered | OfferEnd::Taken => EndCause::AnsweredElsewhere,
            OfferEnd::Failed => EndCause::Failed,
        };
        for leg in self.called() {
            if self.legs[leg.at()].agent == Some(agent) {
                self.cancel_leg(desk, leg, cause);
            }
        }
        self.callback_withdrawn(desk, cause);
    }

    /// How the queue took back that it had him rung.
    pub(super) fn taken_back(&self, agent: AgentId) -> Option<OfferOutcome> {
        let rung = self.queueing.rung.iter().find(|rung| rung.agent == agent)?;
        Some(match rung.taken_back? {
            OfferEnd::TimedOut => OfferOutcome::TimedOut,
            OfferEnd::Rejected => OfferOutcome::Rejected,
            OfferEnd::Failed => OfferOutcome::Failed,
            OfferEnd::CallerGone => OfferOutcome::CallerHungUp,
            OfferEnd::Answered | OfferEnd::Taken => OfferOutcome::Taken,
        })
    }

    /// An agent whom a queue had rung answered, or is rung no more: his lease ends. The queue, if one had him rung.
    pub(super) fn queue_offer_ended(
        &mut self,
        desk: &mut Desk,
        agent: AgentId,
        outcome: OfferOutcome,
    ) -> Option<QueueName> {
        let at = self.queueing.rung.iter().position(|rung| rung.agent == agent)?;
        let Rung { offer, queue, .. } = self.queueing.rung.remove(at);
        self.changed = true;
        let end = match outcome {
            OfferOutcome::Answered => OfferEnd::Answered,
            OfferOutcome::CallerHungUp => OfferEnd::CallerGone,
            OfferOutcome::TimedOut => OfferEnd::TimedOut,
            OfferOutcome::Rejected => OfferEnd::Rejected,
            OfferOutcome::Failed => OfferEnd::Failed,
            OfferOutcome::Taken => OfferEnd::Taken,
        };
        desk.floor.offer_over(offer);
        // Where it had ended before, by the distribution's own decision, that is that.
        desk.floor.distribution.offer_ended(desk.now.mono, offer, end);
        if end == OfferEnd::Answered {
            desk.agent_works(agent, &self.tenant.tenant, &queue);
        }
        Some(queue)
    }

    /// A phone of an agent who was rung answered: the caller has left the queue and talks with him.
    pub(super) fn agent_took(&mut self, desk: &mut Desk, leg: LegIndex) {
        let agent = self.legs[leg.at()].agent;
        let rung = agent.and_then(|agent| self.queueing.rung.iter().find(|rung| rung.agent == agent));
        let offer = rung.map(|rung| rung.offer);
        let is_in_time =
            offer.is_some_and(|offer| desk.floor.distribution.offer_ended(desk.now.mono, offer, OfferEnd::Answered));
        let Some((caller, _)) = self.wait().filter(|_| is_in_time) else {
            return self.hang_up_leg(desk, leg, EndCause::AnsweredElsewhere);
        };
        for other in self.called() {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        self.talks_with(desk, caller, leg, QueueExit::Answered);
    }

    /// A phone took the place of one that is rung for the caller who waits (`*8`): the offers to others end, and he talks with it.
    pub(super) fn picked_up(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some((caller, entry)) = self.wait().map(|(caller, wait)| (caller, wait.entry)) else { return };
        let agent = self.legs[leg.at()].agent;
        let exit = match (agent, entry) {
            (Some(agent), Some(entry)) => {
                desk.floor.distribution.picked_up(desk.now.mono, entry, agent);
                QueueExit::Answered
            }
            (None, Some(entry)) => {
                desk.floor.distribution.leave(entry, Exit::Led);
                QueueExit::Led
            }
            (_, None) => QueueExit::Led,
        };
        for other in self.called() {
            self.cancel_leg(desk, other, EndCause::AnsweredElsewhere);
        }
        self.talks_with(desk, caller, leg, exit);
    }

    /// The caller leaves the line and talks with who is at that leg.
    fn talks_with(&mut self, desk: &mut Desk, caller: LegIndex, leg: LegIndex, exit: QueueExit) {
        let agent = self.legs[leg.at()].agent;
        let number = agent.and_then(|agent| desk.floor.number_of(agent)).map(ToString::to_string);
        let Some(answered_ms) = self.leave_line(desk, exit, number) else { return };
        let service = self.service();
        self.legs[leg.at()].side = service.map_or(self.legs[leg.at()].side, |service| self.legs[service.at()].side);
        self.stage = Stage::Talking { caller, callee: leg, answered_ms };
        if let Some(service) = service {
            self.finish_leg(desk, service, EndCause::Transferred);
        }
        self.changed = true;
        self.tell_agent(desk, leg);
        self.rewire(desk);
        self.start_recording(desk);
    }

    /// How long he has waited in all by then, ms.
    pub(super) fn waited_ms_by(&self, now_ms: u64) -> u64 {
        let here = self.wait().map_or(0, |(_, wait)| now_ms.saturating_sub(wait.since_ms));
        self.queueing.waited_ms + here
    }

    /// The caller is in the line no more; that is written down. Since when he has been served; the stage is to be changed by who
    /// calls this.
    pub(super) fn leave_line(&mut self, desk: &mut Desk, exit: QueueExit, agent: Option<String>) -> Option<u64> {
        let Stage::Served { answered_ms, by: Service::Queue(wait), .. } = &mut self.stage else { return None };
        let answered_ms = *answered_ms;
        // Whatever becomes of the call, and whatever one of his phones said before: it is not the doing of who is still rung.
        let end = if exit == QueueExit::Answered { OfferEnd::Taken } else { OfferEnd::CallerGone };
        for rung in &mut self.queueing.rung {
            rung.taken_back.get_or_insert(end);
        }
        if let Some(player) = wait.speaker.hush() {
            desk.stop_playing(player);
        }
        if let Music::Playing(player) = wait.music {
            desk.stop_playing(player);
        }
        if !wait.is_told {
            // He was gone before anybody knew who he was: he stood in no line.
            return Some(answered_ms);
        }
        let waited_ms = desk.now.unix_ms.saturating_sub(wait.since_ms);
        let target = u64::try_from(wait.queue.settings.target.as_millis()).unwrap_or(u64::MAX);
        let within_target = exit == QueueExit::Answered && self.queueing.waited_ms + waited_ms <= target;
        let (entry, queue) = (wait.entry, wait.queue.name.clone());
        let left = CallLeftQueue { call: self.id, queue: queue.to_string(), exit, waited_ms, agent, within_target };
        self.queueing.waited_ms += waited_ms;
        entry.map(|entry| desk.floor.left(entry));
        if let Some(id) = desk.floor.queue(&self.tenant.tenant, &queue) {
            desk.floor.touch_queue(id);
        }
        self.fact(desk, Event::CallLeftQueue(left));
        Some(answered_ms)
    }

    /// The call ends while the caller waits.
    pub(super) fn abandon_queue(&mut self, desk: &mut Desk, cause: EndCause) {
        let Some((_, wait)) = self.wait() else { return };
        if let Some(entry) = wait.entry {
            desk.floor.distribution.leave(entry, Exit::HungUp);
        }
        let by_us = matches!(cause, EndCause::Stopped | EndCause::Interrupted);
        let exit = if by_us { QueueExit::Closed } else { QueueExit::Abandoned };
        self.leave_line(desk, exit, None);
    }

    /// The caller is led elsewhere by the flow that let him wait.
    pub(super) fn leave_queue_for_flow(&mut self, desk: &mut Desk) {
        let Some((caller, wait)) = self.wait() else { return };
        if let Some(entry) = wait.entry {
            desk.floor.distribution.leave(entry, Exit::Led);
        }
        self.leave_line(desk, QueueExit::Led, None);
        self.serve_by_flow(caller);
    }

    /// CALL-16: a party whom an agent handed on to nobody goes to the front of the queue that it came from, else of the agent's own,
    /// else it leaves a message for the agent's extension if that takes any, else it is told. False where no agent handed it on.
    pub(super) fn fall_back(&mut self, desk: &mut Desk, transfer: Transfer, stays: LegIndex) -> bool {
        let Some(agent) = self.legs[transfer.by.at()].agent else { return false };
        let own = || desk.floor.queues_of(agent).find(|name| self.tenant.queues.contains_key(name));
        let queue = self.queueing.last.as_ref().map(|queue| queue.name.clone()).or_else(own);
        let own_box = desk.floor.extension_of(agent).filter(|number| self.takes_messages(number)).cloned();
        let own_box = own_box.map(Mailbox::Extension);
        let name = match (&queue, &own_box) {
            (Some(queue), _) => queue.to_string(),
            (None, Some(mailbox)) => mailbox.to_string(),
            (None, None) => self.about.callee.clone(),
        };
        let service = self.push_service(desk, &name);
        self.legs[service.at()].side = transfer.seat;
        match queue {
            Some(queue) => {
                let how = Queued::without_flow(queue, FRONT);
                self.wait_in(desk, stays, transfer.answered_ms, how);
            }
            None => match own_box {
                Some(mailbox) => {
                    self.take_message(desk, stays, transfer.answered_ms, (mailbox, After::End), Vec::new());
                }
                None => self.say_last(desk, stays, transfer.answered_ms, defaults::CALL_UNAVAILABLE),
            },
        }
        true
    }

    /// The distribution gave the caller up: he is in no line any more.
    pub(crate) fn given_up(&mut self, desk: &mut Desk, exit: Exit) {
        let exit = match exit {
            Exit::MaxWait => QueueExit::MaxWait,
            Exit::NobodySignedIn => QueueExit::NobodySignedIn,
            Exit::HungUp => QueueExit::Abandoned,
            Exit::Led => QueueExit::Led,
            Exit::CalledBack => QueueExit::Callback,
            Exit::Answered(_) | Exit::QueueGone => QueueExit::Closed,
        };
        self.give_up(desk, exit);
    }

    /// No agent takes the caller: he goes where the flow says that led here, else where the queue says (QUEUE-06).
    fn give_up(&mut self, desk: &mut Desk, exit: QueueExit) {
        let Some((caller, wait)) = self.wait() else { return };
        let way = match exit {
            QueueExit::MaxWait => Some(QueueLeft::MaxWait),
            QueueExit::Full => Some(QueueLeft::Full),
            QueueExit::NobodySignedIn | QueueExit::Closed => Some(QueueLeft::Nobody),
            QueueExit::Answered | QueueExit::Abandoned | QueueExit::Led | QueueExit::Callback => None,
        };
        let way = way.filter(|way| wait.by_flow.contains(way));
        let Some(answered_ms) = self.leave_line(desk, exit, None) else { return };
        match way {
            Some(way) => {
                self.serve_by_flow(caller);
                self.tell_flow(desk, FlowEvent::QueueLeft(way));
            }
            None => self.overflow(desk, caller, answered_ms, exit),
        }
    }
}

/// Before all others.
const FRONT: u8 = u8::MAX;

fn refused_as(refused: JoinRefused) -> QueueExit {
    match refused {
        JoinRefused::Full => QueueExit::Full,
        JoinRefused::NobodySignedIn => QueueExit::NobodySignedIn,
        JoinRefused::NoSuchQueue | JoinRefused::Waits => QueueExit::Closed,
    }
}
