//! A call centre in the simulator: agents with phones on their desks, queues of every kind, and people outside who call and lose
//! patience. It is judged by the facts and by what the phones themselves saw, not by what the switch knows.

mod agents;
mod callbacks;
pub mod day;
pub mod erlang;
mod happen;
mod own;
mod people;
mod queues;
pub(crate) mod replay;
mod settings;
mod supervisors;
mod surveys;
mod table;
pub mod theory;
mod watch;
#[cfg(test)]
mod whole_table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hooks::fact::{
    AgentStateChanged, CallSource, CallStatus, CallbackRequested, ChangeReason, EndCause, Event, Fact, LegStarted,
    PeerKind, QueueExit, Sign, Supervision, VoicemailLeft,
};
use hooks::id::{CallId, LegId};
use switch::agent::AgentRules;
use switch::config::TenantConfig;
use switch::input::AgentOrder;
use switch::queue::QueueSettings;
use switch::view::{AgentView, QueueView};

use agents::Agents;
use own::OwnAgents;
use queues::Queues;
use supervisors::Supervisors;
use surveys::Surveys;

use crate::text::Text;

pub(crate) use happen::Act;
pub(crate) use people::centre_by_chance;
pub(crate) use settings::Site;

/// Two agents who are ready, a queue, and three who may call.
pub(crate) fn small_floor(tells: bool) -> Result<crate::world::World, String> {
    let settings = QueueSettings {
        ring_timeout: Duration::from_secs(10),
        max_wait: Some(Duration::from_secs(25)),
        ..QueueSettings::default()
    };
    let rules = AgentRules { missed_limit: 2, ..AgentRules::default() };
    let mut world = erlang::led_floor(&Site::new(2, 1, 3), settings, rules, Some(Duration::from_secs(5)))?;
    world.tells = tells;
    Ok(world)
}

/// What the facts tell of a call centre.
#[derive(Debug)]
pub(crate) struct Centre {
    pub(crate) site: Site,
    agents: Agents,
    queues: Queues,
    surveys: Surveys,
    supervisors: Supervisors,
    /// In which an agent has ordered that the customer is asked.
    evaluates: BTreeMap<CallId, String>,
    /// The queues that each call left, and how.
    left_queues: BTreeMap<CallId, Vec<(String, QueueExit)>>,
    messages: usize,
    /// Calls that are open, and their legs that are: the extension or trunk, the Call-ID.
    open: BTreeMap<CallId, Open>,
    /// Calls in which something was ordered.
    pub(crate) ordered: BTreeSet<CallId>,
    /// The dialogs by which agents were rung.
    offered: BTreeSet<String>,
}

/// A call that is not over.
#[derive(Debug, Default)]
struct Open {
    emergency: bool,
    /// It calls somebody back: who called is the agent.
    calls_back: bool,
    legs: BTreeMap<LegId, OpenLeg>,
    /// Who holds, by order and by phone.
    held_by: Vec<LegId>,
    /// A third person is there, or is sought.
    third: bool,
}

/// A leg that is not over.
#[derive(Debug)]
struct OpenLeg {
    extension: Option<String>,
    call_id: String,
    /// It called.
    calls: bool,
    answered: bool,
    /// It is rung because a queue offers the call.
    offered: bool,
}

/// What a call centre lived through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) queued: usize,
    pub(crate) answered: usize,
    pub(crate) abandoned: usize,
    pub(crate) offered: usize,
    pub(crate) chosen: usize,
    pub(crate) asked: usize,
    pub(crate) rated: usize,
    pub(crate) supervised: usize,
    pub(crate) messages: usize,
    pub(crate) called_back: usize,
    pub(crate) given_own: usize,
    pub(crate) rows: u64,
}

impl Centre {
    pub(crate) fn new(site: Site, tenant: &TenantConfig, now_ms: u64) -> Self {
        let agents = tenant.agents.values().map(|agent| {
            let extension = agent.extension.as_ref().expect("each agent has an extension here");
            let is_fixed = tenant.extensions.get(extension).is_some_and(|found| found.static_contact.is_some());
            (agent.number.to_string(), extension.to_string(), agent.rules, is_fixed)
        });
        let own = OwnAgents::new(tenant, (0..site.callers).map(settings::number_of));
        Self {
            site,
            agents: Agents::new(agents, now_ms),
            queues: Queues::new(tenant.queues.values().map(|queue| queue.as_ref().clone()), own),
            surveys: Surveys::new(tenant),
            supervisors: Supervisors::default(),
            evaluates: BTreeMap::new(),
            left_queues: BTreeMap::new(),
            messages: 0,
            open: BTreeMap::new(),
            ordered: BTreeSet::new(),
            offered: BTreeSet::new(),
        }
    }

    /// What it lived through.
    pub(crate) fn figures(&self) -> Figures {
        let Queues { queued, answered, abandoned, offered, chosen, given_own, .. } = self.queues;
        let called_back = self.queues.callbacks.reached;
        let (asked, rated) = (self.surveys.asked, self.surveys.rated);
        let (supervised, messages, rows) = (self.supervisors.count, self.messages, self.agents.rows);
        Figures {
            queued,
            answered,
            abandoned,
            offered,
            chosen,
            asked,
            rated,
            supervised,
            messages,
            called_back,
            given_own,
            rows,
        }
    }

    /// Takes in the next fact.
    ///
    /// # Errors
    /// It must not be.
    pub(crate) fn apply(&mut self, now: Duration, fact: &Fact) -> Result<(), String> {
        let at_ms = fact.at_ms;
        self.queues.day_of(at_ms);
        self.queues.rested(now, at_ms);
        match &fact.event {
            Event::AgentStateChanged(e) => self.agent_changed(now, at_ms, e)?,
            Event::AgentSignedIn(e) => self.agents.signed_in(e)?,
            Event::RegistrationBound(e) => self.bound(now, &e.extension, &e.contact, true),
            Event::RegistrationUnbound(e) => self.bound(now, &e.extension, &e.contact, false),
            Event::CallQueued(e) => {
                self.queues.entered(now, at_ms, e, &self.agents)?;
                self.surveys.waits(e.call, &e.queue);
                let own = self.open.get(&e.call).and_then(Open::caller);
                if let Some((agent, _)) = own.and_then(|extension| self.agents.of_extension(extension)) {
                    self.queues.calls_himself(agent);
                }
                self.agents.wrap_up_of.insert(e.call, self.queues.wrap_up_max(&e.queue));
            }
            Event::CallLeftQueue(e) => {
                self.left_queues.entry(e.call).or_default().push((e.queue.clone(), e.exit));
                self.queues.left(now, at_ms, e, &self.agents)?;
            }
            Event::CallOffered(e) => {
                if self.supervisors.is_on(&e.agent) {
                    return Err(format!("{e:?}, and he supervises"));
                }
                self.queues.offered(now, at_ms, e, &self.agents)?;
                let moved = self.mark_offered(e.call, &e.agent)?;
                self.agents.offered(e, moved, at_ms)?;
            }
            Event::CallOfferEnded(e) => {
                if self.agents.ends_cut_off(at_ms, e)? {
                    return Ok(());
                }
                if e.queue.is_some() {
                    let by_mobile = matches!(self.agents.get(&e.agent)?.sign, Sign::Mobile(_));
                    self.queues.offer_ended(now, e, by_mobile)?;
                }
                self.agents.offer_ended(at_ms, e, self.queues.callbacks.is_called_in(e.call))?;
            }
            Event::CallResumed(e) => self.queues.resumed(now, at_ms, e.call, &self.agents),
            Event::SurveyInvited(e) => {
                let asks =
                    self.evaluates.get(&e.subject.call).is_some_and(|agent| Some(agent) == e.subject.agent.as_ref());
                let open = self.open.get(&e.subject.call);
                let agent = e.subject.agent.as_ref().and_then(|agent| self.agents.told.get(agent));
                // His leg is open until its figures are there.
                let is_there = agent.is_some_and(|told| open.is_some_and(|open| open.has(&told.extension)));
                self.surveys.invited(now, e, open.and_then(Open::customer), (asks, is_there))?;
            }
            Event::SurveyCompleted(e) => self.surveys.completed(e)?,
            Event::CallSupervised(e) => {
                self.supervisors.begins(e, &self.agents)?;
                // Who takes over talks now, be it in a state in which he would not be rung.
                if let Some(supervisor) = e.supervisor.as_ref().filter(|_| e.how == Supervision::Takeover) {
                    self.surveys.talks(e.call, supervisor);
                }
            }
            Event::CallSupervisionEnded(e) => self.supervisors.ends(e)?,
            Event::CallbackRequested(_) | Event::CallbackStarted(_) | Event::CallbackEnded(_) => {
                self.of_callback(now, at_ms, &fact.event)?;
            }
            Event::VoicemailLeft(e) => self.message_left(e)?,
            event => self.of_call(now, event)?,
        }
        Ok(())
    }

    fn agent_changed(&mut self, now: Duration, at_ms: u64, e: &AgentStateChanged) -> Result<(), String> {
        self.agents.changed(now, at_ms, e)?;
        self.supervisors.changed(e)?;
        if let Some(call) = e.call.filter(|_| e.reason == ChangeReason::Answer) {
            self.surveys.talks(call, &e.agent);
        }
        if let Some(call) = e.call.filter(|_| matches!(e.call_status, CallStatus::Connected(_))) {
            self.queues.own.talks(call, &e.agent);
        }
        let told = self.agents.get(&e.agent)?;
        self.queues.agent_stands(now, &e.agent, told);
        if self.open.values().any(|open| open.emergency && open.has(&told.extension)) {
            self.queues.calls_for_help(&e.agent);
        }
        Ok(())
    }

    fn of_callback(&mut self, now: Duration, at_ms: u64, event: &Event) -> Result<(), String> {
        if let Event::CallbackStarted(e) = event {
            self.surveys.waits(e.call, &e.queue);
            self.agents.wrap_up_of.insert(e.call, self.queues.wrap_up_max(&e.queue));
        }
        let answered = |call: CallId| self.open.get(&call).map_or(0, Open::answered);
        self.queues.callback(now, at_ms, event, answered)
    }

    /// VM: who is led to the box of a queue comes from that queue, which does so with those whom nobody takes.
    fn message_left(&mut self, e: &VoicemailLeft) -> Result<(), String> {
        let Some(queue) = e.mailbox.strip_prefix("queue:") else { return Ok(()) };
        self.messages += 1;
        let overflows = self.queues.takes_messages(queue);
        let left = self.left_queues.get(&e.call).map(Vec::as_slice).unwrap_or_default();
        // Where it went on to another queue, the first one's chain is what counts.
        let given_up = [QueueExit::MaxWait, QueueExit::Full, QueueExit::NobodySignedIn];
        let by_queue = left.iter().any(|(of, exit)| of == queue && given_up.contains(exit));
        let last = left.last().is_some_and(|(_, exit)| given_up.contains(exit));
        if by_queue && last && overflows { Ok(()) } else { Err(format!("{e:?}, and it left {left:?}")) }
    }

    /// A message of somebody's reaches the switch.
    pub(crate) fn overhear(&mut self, text: &Text) {
        self.surveys.overhear(text);
    }

    /// The switch says what became of an INFO.
    pub(crate) fn info_answered(&mut self, text: &Text) {
        self.surveys.info_answered(text);
    }

    /// A key by the media reaches the switch.
    pub(crate) fn pressed(&mut self, call_id: &str, key: char) {
        self.surveys.pressed(call_id, key);
    }

    /// An agent orders that the customer is asked.
    pub(crate) fn evaluates(&mut self, call: CallId, agent: &str) {
        self.evaluates.insert(call, agent.to_owned());
    }

    fn leg_started(&mut self, e: &LegStarted) {
        let extension = (e.peer == PeerKind::Extension).then(|| e.peer_name.clone());
        if let Some(extension) = &extension {
            self.agents.legs(extension, |legs| legs + 1);
        }
        let helped = self.call(e.call).emergency.then_some(extension.as_deref()).flatten();
        if let Some((agent, _)) = helped.and_then(|extension| self.agents.of_extension(extension)) {
            self.queues.calls_for_help(agent);
        }
        let (call_id, calls) = (e.sip_call_id.clone(), e.caller_side);
        // The next trunk is tried for a mobile that is rung already.
        let calls_back = self.call(e.call).calls_back;
        let offered = e.peer == PeerKind::Trunk && calls == calls_back && self.agents.rings_mobile(e.call);
        if offered {
            self.offered.insert(call_id.clone());
        }
        let leg = OpenLeg { extension, call_id, calls, answered: false, offered };
        self.call(e.call).legs.insert(e.leg, leg);
    }

    fn of_call(&mut self, now: Duration, event: &Event) -> Result<(), String> {
        match event {
            Event::CallCreated(e) => {
                let calls_back = e.source == CallSource::Callback;
                self.open.insert(e.call, Open { emergency: e.emergency, calls_back, ..Open::default() });
                self.queues.own.created(e);
                if calls_back {
                    self.queues.callbacks.made(e.call, &e.callee);
                }
            }
            Event::LegStarted(e) => self.leg_started(e),
            Event::LegAnswered(e) => {
                if let Some(leg) = self.call(e.call).legs.get_mut(&e.leg) {
                    leg.answered = true;
                }
            }
            Event::LegEnded(e) => {
                if let Some(extension) = self.call(e.call).legs.remove(&e.leg).and_then(|leg| leg.extension) {
                    self.agents.legs(&extension, |legs| legs - 1);
                }
            }
            Event::CallHeld(e) => self.call(e.call).held_by.push(e.leg),
            Event::CallRetrieved(e) => {
                let held_by = &mut self.call(e.call).held_by;
                if let Some(at) = held_by.iter().position(|leg| *leg == e.leg) {
                    held_by.remove(at);
                }
            }
            // What became of the one call becomes of the other.
            Event::TransferStarted(e) => {
                if let Some(left) = e.joined.and_then(|joined| self.left_queues.get(&joined)).cloned() {
                    self.left_queues.entry(e.call).or_default().extend(left);
                }
                if let Some(joined) = e.joined {
                    self.surveys.joins(e.call, joined);
                    self.queues.own.joins(e.call, joined);
                }
            }
            Event::ConsultStarted(e) => self.call(e.call).third = true,
            Event::ThreeWayStarted(e) => self.call(e.call).third = true,
            Event::ConsultEnded(e) => self.call(e.call).third = false,
            Event::ThreeWayEnded(e) => self.call(e.call).third = false,
            Event::CallEnded(e) => {
                let legs = self.open.remove(&e.call).into_iter().flat_map(|open| open.legs.into_values());
                for extension in legs.filter_map(|leg| leg.extension) {
                    self.agents.legs(&extension, |legs| legs - 1);
                }
                let interrupted = e.cause == EndCause::Interrupted;
                self.queues.call_ended(now, e.call, interrupted)?;
                self.surveys.call_ended(e.call, interrupted)?;
                self.supervisors.call_ended(e.call, interrupted)?;
                self.left_queues.remove(&e.call);
                let rung = self
                    .agents
                    .told
                    .iter()
                    .find(|(_, told)| told.offer.as_ref().is_some_and(|(call, ..)| *call == e.call));
                if let Some((agent, _)) = rung.filter(|_| !interrupted) {
                    return Err(format!("{} is over, and still offered to {agent}", e.call));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, call: CallId) -> &mut Open {
        self.open.entry(call).or_default()
    }

    fn bound(&mut self, now: Duration, extension: &str, contact: &str, is_there: bool) {
        self.agents.bound(now, extension, contact, is_there);
        if let Some((agent, told)) = self.agents.of_extension(extension) {
            self.queues.agent_stands(now, agent, told);
        }
    }

    /// Notes the legs by which an agent is rung. True if his phone rang by one of them before, in another call.
    fn mark_offered(&mut self, call: CallId, agent: &str) -> Result<bool, String> {
        let mut moved = false;
        let told = self.agents.get(agent)?;
        // His mobile is behind a trunk.
        let reached = Some(told.extension.clone()).filter(|_| !matches!(told.sign, Sign::Mobile(_)));
        let calls_back = self.queues.callbacks.is_made(call);
        let legs = self.open.get_mut(&call).into_iter().flat_map(|open| open.legs.values_mut());
        for leg in legs.filter(|leg| !leg.answered && leg.calls == calls_back && leg.extension == reached) {
            leg.offered = true;
            moved |= !self.offered.insert(leg.call_id.clone());
        }
        Ok(moved)
    }

    /// Everything that a step brought is known.
    ///
    /// # Errors
    /// Something must not be so any more, or not yet.
    pub(crate) fn step_over(&mut self, now: Duration, now_ms: u64) -> Result<(), String> {
        if self.agents.is_restoring() {
            return Ok(());
        }
        self.queues.rested(now, now_ms);
        self.agents.check_due(now)?;
        self.supervisors.check(&self.agents)?;
        self.queues.check_idle(now, &self.agents)
    }

    pub(crate) fn agent_shown(&self, view: &AgentView) -> Result<(), String> {
        self.agents.shown(view)
    }

    pub(crate) fn queue_shown(&mut self, view: &QueueView, now_ms: u64) -> Result<(), String> {
        self.queues.day_of(now_ms);
        if self.agents.is_restoring() { Ok(()) } else { self.queues.shown(view, &self.agents) }
    }

    /// Something is asked of an agent.
    pub(crate) fn asks(&mut self, agent: &str, order: &AgentOrder) -> Result<Option<bool>, String> {
        let may = self.agents.may(agent, order)?;
        self.agents.asks(agent, order);
        Ok(may)
    }

    /// What came of it.
    pub(crate) fn answered(&mut self, now: Duration, agent: &str, done: bool) -> Result<(), String> {
        let extension = self.agents.get(agent)?.extension.clone();
        let is_on_call = self.open.values().any(|open| open.has(&extension));
        self.agents.answered(now, done, is_on_call)
    }

    /// The process was killed. Those who were signed in, as the journal's state of what is open has them.
    pub(crate) fn crashed(&mut self, now: Duration, now_ms: u64) -> Vec<(AgentStateChanged, u64)> {
        self.agents.crashed(now, now_ms);
        self.queues.crashed();
        let waits: BTreeSet<CallId> = self.queues.rules_of_waiting().map(|(call, _)| call).collect();
        self.surveys.crashed(|call| waits.contains(&call));
        self.supervisors.crashed();
        self.agents.wrap_up_of.clear();
        for open in self.open.values_mut() {
            open.held_by.clear();
            open.third = false;
        }
        self.agents.told.values().filter_map(|told| Some((told.last.clone()?, told.since_ms))).collect()
    }

    /// Those who are to be called back, as the journal has them.
    pub(crate) fn callbacks(&mut self) -> Vec<(CallbackRequested, u64, u8)> {
        self.queues.callbacks.crashed()
    }

    /// One of them is given to the new process.
    pub(crate) fn callback_restored(&mut self, now: Duration, now_ms: u64, callback: CallId) {
        self.queues.callback_restored(now, now_ms, callback);
    }

    /// Which callers a queue is to call back.
    pub(crate) fn to_call_back(&self) -> Vec<(CallId, String)> {
        self.queues.callbacks.open().map(|(call, queue)| (*call, queue.to_owned())).collect()
    }

    /// They are given back to the new process.
    pub(crate) fn restored(&mut self, now: Duration) {
        self.agents.restored();
        // Calls that wait go on with the rules of their queues; what was cut off ended without.
        self.agents.wrap_up_of.extend(self.queues.rules_of_waiting());
        for (agent, told) in &self.agents.told {
            self.queues.agent_stands(now, agent, told);
        }
    }

    /// Whether a call waits in a queue.
    pub(crate) fn is_waiting(&self, call: CallId) -> bool {
        self.queues.is_waiting(call)
    }

    /// What states of a small call centre have in common that are explored once.
    pub(crate) fn likeness(&self, now: Duration) -> String {
        let agents: Vec<String> = self.agents.told.values().map(|told| told.likeness(now)).collect();
        format!("{agents:?} {}", self.queues.likeness(now))
    }

    /// Nobody waits, nobody is rung, and nobody has a call.
    pub(crate) fn left_over(&self) -> Result<(), String> {
        if let Some((call, queue)) = self.queues.callbacks.open().next() {
            return Err(format!("all is over, and queue {queue} still calls back who asked in {call}"));
        }
        let busy = self.agents.told.iter().find(|(_, told)| told.offer.is_some() || told.call != CallStatus::None);
        match (busy, self.open.is_empty()) {
            (None, true) => Ok(()),
            (Some((agent, told)), _) => Err(format!("all is over, and agent {agent} has a call: {told:?}")),
            (None, false) => Err(format!("calls that are not over: {:?}", self.open)),
        }
    }
}

impl Open {
    /// The extension that called.
    fn caller(&self) -> Option<&str> {
        self.legs.values().find(|leg| leg.calls).and_then(|leg| leg.extension.as_deref())
    }

    /// The dialog of who is outside, where there is no doubt: a mobile is outside, too.
    fn customer(&self) -> Option<String> {
        if self.calls_back {
            return None;
        }
        let outside =
            || self.legs.values().filter(|leg| leg.extension.is_none() && leg.answered && !leg.call_id.is_empty());
        let one = |mut legs: Vec<&OpenLeg>| legs.pop().filter(|_| legs.is_empty()).map(|leg| leg.call_id.clone());
        one(outside().collect()).or_else(|| one(outside().filter(|leg| leg.calls).collect()))
    }

    fn answered(&self) -> usize {
        self.legs.values().filter(|leg| leg.answered).count()
    }

    fn has(&self, extension: &str) -> bool {
        self.legs.values().any(|leg| leg.extension.as_deref() == Some(extension))
    }
}
