//! The floor: the agents of all tenants as they stand, the calls that they take part in, and the queues that offer them more.
//!
//! What an agent does in a call is read off the call's legs whenever it is settled ([`Desk::agent_takes_part`]): whoever rings,
//! dials or hangs up, by whatever phone, his state follows. A queue's offer is a lease of the distribution; the call that is offered
//! rings the phones.

mod callbacks;
mod day;
mod mobile;
mod regulars;
mod setting;
mod shown;
mod sign;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dialplan::flow::name::QueueName;
use dialplan::flow::node::QueueFigure;
use dialplan::number::{AgentNumber, Dialled, ExtensionNumber};
use hooks::fact::{AgentSignedIn, AgentStateChanged, CallStatus, ChangeReason, Event, PeerKind, Sign, Talk};
use hooks::id::{CallId, TenantId};

use crate::agent::{Agent, AgentEvent, Missed, Refused, State};
use crate::config::TenantConfig;
use crate::desk::{Desk, TimerKey};
use crate::leg::Peer;
pub(crate) use callbacks::Wanted;
pub(crate) use mobile::Reach;
pub use regulars::REGULARS_MAX;

use crate::queue::{AgentId, Availability, Distribution, EntryId, OfferEnd, OfferId, Presence, QueueId};

/// Agents and queues of every tenant. The numbers that the distribution knows them by are never used twice.
#[derive(Debug, Default)]
pub(crate) struct Floor {
    pub(crate) distribution: Distribution,
    posts: BTreeMap<AgentId, Post>,
    by_number: BTreeMap<(TenantId, AgentNumber), AgentId>,
    /// Those who are signed in, by their extension.
    by_extension: BTreeMap<(TenantId, ExtensionNumber), AgentId>,
    queues: BTreeMap<QueueId, (TenantId, QueueName)>,
    by_name: BTreeMap<(TenantId, QueueName), QueueId>,
    /// The calls that wait.
    entries: BTreeMap<EntryId, CallId>,
    /// The calls that are offered.
    offers: BTreeMap<OfferId, CallId>,
    last_id: u64,
    days: day::Days,
    /// Who is to be called back.
    pub(crate) callbacks: callbacks::Callbacks,
    /// Who talked with whom last.
    pub(crate) regulars: regulars::Regulars,
    changed: Changed,
}

/// What others are to be shown anew.
#[derive(Debug, Default)]
struct Changed {
    agents: BTreeSet<AgentId>,
    queues: BTreeSet<QueueId>,
}

/// An agent, signed in or not.
#[derive(Debug)]
struct Post {
    tenant: TenantId,
    number: AgentNumber,
    agent: Agent,
    /// That he is signed in on.
    extension: Option<ExtensionNumber>,
    /// That he is signed in by, or was.
    mobile: Option<Dialled>,
    /// Since when he is in his state, ms since the Unix epoch.
    since_ms: u64,
    /// The calls that he takes part in, the first one first.
    calls: Vec<(CallId, CallStatus)>,
    /// The queue whose call he has, or wraps up, and since when.
    works: Option<(QueueId, Duration)>,
    /// When something becomes of his state by itself.
    due: Option<Duration>,
    /// He is no agent any more, and goes when his call is over.
    removed: bool,
}

/// What an event of an agent is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regarding {
    /// The call.
    pub(crate) call: Option<CallId>,
    /// Who did it, where that was not himself.
    pub(crate) by: Option<String>,
}

/// How an agent's part in a call ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartEnd {
    /// Where he was only rung.
    pub(crate) missed: Missed,
    /// Where he talked: how long wrap-up may last.
    pub(crate) wrap_up_max: Option<Duration>,
}

impl Post {
    /// What he does, taken over all his calls.
    fn status(&self) -> CallStatus {
        match self.calls.as_slice() {
            [] => CallStatus::None,
            [(_, only)] => *only,
            // One beside another: he asks somebody meanwhile (CALL-17).
            [(_, first), ..] => match first {
                CallStatus::Connected(_) => CallStatus::Connected(Talk::Consulting),
                CallStatus::None | CallStatus::Dialling | CallStatus::Ringing => *first,
            },
        }
    }

    fn availability(&self) -> Availability {
        // An emergency call is dialled in every state, and he has a call then, whatever his state says.
        if self.agent.is_offerable() && self.calls.is_empty() { Availability::Idle } else { Availability::Engaged }
    }

    /// The queue's call that he has done with, wrap-up included.
    fn done(&mut self) -> Option<(QueueId, Duration)> {
        self.works.take_if(|_| self.calls.is_empty() && self.agent.state() != State::WrapUp)
    }

    fn presence(&self) -> Presence {
        if self.agent.sign() == Sign::Out || self.agent.state() == State::Offline {
            Presence::SignedOut
        } else {
            Presence::SignedIn
        }
    }
}

impl Floor {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The agent who is signed in on an extension.
    pub(crate) fn on_extension(&self, tenant: &TenantId, extension: &ExtensionNumber) -> Option<AgentId> {
        self.by_extension.get(&(tenant.clone(), extension.clone())).copied()
    }

    /// The agent at the far end of a leg.
    pub(crate) fn at(&self, tenant: &TenantId, peer: &Peer) -> Option<AgentId> {
        match peer.kind {
            PeerKind::Extension => self.on_extension(tenant, &peer.name.parse().ok()?),
            PeerKind::Trunk | PeerKind::Service => None,
        }
    }

    /// Who that is.
    pub(crate) fn number_of(&self, agent: AgentId) -> Option<&AgentNumber> {
        self.posts.get(&agent).map(|post| &post.number)
    }

    /// Of that number.
    pub(crate) fn agent(&self, tenant: &TenantId, number: &AgentNumber) -> Option<AgentId> {
        self.by_number.get(&(tenant.clone(), number.clone())).copied()
    }

    /// The extension that he is signed in on.
    pub(crate) fn extension_of(&self, agent: AgentId) -> Option<&ExtensionNumber> {
        self.posts.get(&agent)?.extension.as_ref()
    }

    /// How he is signed in.
    pub(crate) fn sign_of(&self, agent: AgentId) -> Option<Sign> {
        self.posts.get(&agent).map(|post| post.agent.sign())
    }

    /// Whether a call may be offered to him (AGT-12).
    pub(crate) fn is_free(&self, agent: AgentId) -> bool {
        self.posts.get(&agent).is_some_and(|post| post.availability() == Availability::Idle)
    }

    /// Whether he may dial now (AGT-06, CALL-06); with a call that runs he may, to ask somebody (CALL-17).
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_dial(&self, agent: AgentId) -> Result<(), Refused> {
        let Some(post) = self.posts.get(&agent) else { return Ok(()) };
        match (post.status(), post.calls.len()) {
            (CallStatus::Connected(_), 1) => Ok(()),
            (CallStatus::Connected(_) | CallStatus::Dialling, _) => Err(Refused::OnCall),
            (CallStatus::Ringing, _) => Err(Refused::Ringing),
            (CallStatus::None, _) => post.agent.may_dial(),
        }
    }

    /// Whether he may be called to dial (CALL-06): with no call at all.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn may_begin(&self, agent: AgentId) -> Result<(), Refused> {
        match self.posts.get(&agent) {
            Some(post) if !post.calls.is_empty() => Err(Refused::OnCall),
            Some(_) | None => self.may_dial(agent),
        }
    }

    /// The queue of that name.
    pub(crate) fn queue(&self, tenant: &TenantId, name: &QueueName) -> Option<QueueId> {
        self.by_name.get(&(tenant.clone(), name.clone())).copied()
    }

    /// The queues that an agent is a member of.
    pub(crate) fn queues_of(&self, agent: AgentId) -> impl Iterator<Item = QueueName> + '_ {
        self.distribution.queues_of(agent).filter_map(|queue| self.queues.get(&queue).map(|(_, name)| name.clone()))
    }

    /// Whether the phones of an extension are a queue member's: of who is signed in there, else of whose extension it is (VM-06).
    pub(crate) fn is_members(&self, tenant: &TenantConfig, extension: &ExtensionNumber, queue: &QueueName) -> bool {
        let Some(queue) = tenant.queues.get(queue) else { return false };
        match self.on_extension(&tenant.tenant, extension).and_then(|agent| self.number_of(agent)) {
            Some(signed_in) => queue.members.contains_key(signed_in),
            None => {
                let owns = |number: &AgentNumber| {
                    tenant.agents.get(number).is_some_and(|agent| agent.extension.as_ref() == Some(extension))
                };
                queue.members.keys().any(owns)
            }
        }
    }

    /// A figure of a queue, for flows.
    pub(crate) fn figure(
        &self,
        tenant: &TenantId,
        name: &QueueName,
        figure: QueueFigure,
        now: Duration,
    ) -> Option<u32> {
        let queue = self.queue(tenant, name)?;
        let figures = self.distribution.now(queue, now)?;
        Some(match figure {
            QueueFigure::Waiting => figures.waiting,
            QueueFigure::LongestWaitS => u32::try_from(figures.longest_wait.as_secs()).unwrap_or(u32::MAX),
            QueueFigure::SignedIn => figures.signed_in,
            QueueFigure::Idle => figures.idle,
        })
    }

    /// A name for a caller who comes to wait.
    pub(crate) fn enter(&mut self, call: CallId) -> EntryId {
        let entry = EntryId(self.next_id());
        self.entries.insert(entry, call);
        entry
    }

    /// Whose call that is, who waits no more.
    pub(crate) fn left(&mut self, entry: EntryId) -> Option<CallId> {
        self.entries.remove(&entry)
    }

    /// The call that waits under that name.
    pub(crate) fn waiting(&self, entry: EntryId) -> Option<CallId> {
        self.entries.get(&entry).copied()
    }

    /// That call is offered.
    pub(crate) fn offered(&mut self, offer: OfferId, call: CallId) {
        self.offers.insert(offer, call);
    }

    /// The call of an offer that is over.
    pub(crate) fn offer_over(&mut self, offer: OfferId) -> Option<CallId> {
        self.offers.remove(&offer)
    }

    /// Something of a queue is to be shown anew.
    pub(crate) fn touch_queue(&mut self, queue: QueueId) {
        self.changed.queues.insert(queue);
    }

    /// Callers who wait or are to be called back, and what they are being offered.
    pub(crate) fn busy(&self) -> usize {
        self.entries.len()
            + self.callbacks.len()
            + self.offers.len()
            + self.posts.values().map(|post| post.calls.len()).sum::<usize>()
    }
}

impl Desk {
    /// Something happens to an agent: it is written down, and he is offered calls or is not.
    ///
    /// # Errors
    /// It may not be; nothing has changed then.
    pub(crate) fn agent_happens(
        &mut self,
        id: AgentId,
        event: AgentEvent,
        regarding: &Regarding,
    ) -> Result<(), Refused> {
        let now = self.now;
        let Some(post) = self.floor.posts.get_mut(&id) else { return Err(Refused::SignedOut) };
        let change = post.agent.handle(now.mono, event)?;
        let extension = post.extension.as_ref().map(ToString::to_string);
        let by_mobile = matches!(post.agent.sign(), Sign::Mobile(_));
        let mobile = post.mobile.as_ref().filter(|_| by_mobile).map(|mobile| mobile.as_str().to_owned());
        if let Some(change) = change {
            if change.from != change.to {
                post.since_ms = now.unix_ms;
            }
            let fact = AgentStateChanged {
                agent: post.number.to_string(),
                extension,
                mobile,
                from: change.from,
                to: change.to,
                call_status: change.call,
                call: regarding.call,
                sign: change.sign,
                reason: change.reason,
                by: regarding.by.clone(),
            };
            let tenant = post.tenant.clone();
            let signed_in = signed_in(&fact);
            self.fact(&tenant, Event::AgentStateChanged(fact));
            if let Some(signed_in) = signed_in {
                self.fact(&tenant, Event::AgentSignedIn(signed_in));
            }
        }
        self.agent_stands(id);
        Ok(())
    }

    /// An offer is not made after all: the caller or the agent cannot have it any more.
    pub(crate) fn give_back(&mut self, offer: OfferId, agent: AgentId) {
        self.floor.offer_over(offer);
        self.floor.distribution.offer_ended(self.now.mono, offer, OfferEnd::CallerGone);
        self.agent_stands(agent);
    }

    /// The distribution, the timers and those who look are told how an agent stands now.
    fn agent_stands(&mut self, id: AgentId) {
        let Some(post) = self.floor.posts.get_mut(&id) else { return };
        if post.agent.sign() == Sign::Out
            && let Some(extension) = post.extension.take()
        {
            self.floor.by_extension.remove(&(post.tenant.clone(), extension));
        }
        let due = post.agent.poll_timeout();
        if due != post.due {
            if let Some(before) = post.due {
                self.timers.stop(before, TimerKey::Agent(id));
            }
            if let Some(due) = due {
                self.timers.start(due, TimerKey::Agent(id));
            }
            post.due = due;
        }
        if let Some((queue, since)) = post.done() {
            self.floor.distribution.handled(queue, self.now.mono.saturating_sub(since));
        }
        let (presence, availability) = (post.presence(), post.availability());
        let is_gone = post.removed && post.calls.is_empty() && post.agent.sign() == Sign::Out;
        self.floor.distribution.set_signed_in(self.now.mono, id, presence);
        self.floor.distribution.set_offerable(self.now.mono, id, availability);
        self.floor.changed.agents.insert(id);
        let queues = self.floor.distribution.queues_of(id);
        self.floor.changed.queues.extend(queues);
        if is_gone {
            self.forget_agent(id);
        }
    }

    /// What becomes of an agent's state by itself.
    pub(crate) fn agent_due(&mut self, id: AgentId) {
        if let Some(post) = self.floor.posts.get_mut(&id) {
            post.due = None;
        }
        // Nothing but time passed: it is refused nowhere.
        let _ = self.agent_happens(id, AgentEvent::Elapsed, &Regarding::default());
    }

    /// An agent answered a call of that queue: how long he has to do with it is what callers are told to expect (QUEUE-04).
    pub(crate) fn agent_works(&mut self, id: AgentId, tenant: &TenantId, queue: &QueueName) {
        let Some(queue) = self.floor.queue(tenant, queue) else { return };
        if let Some(post) = self.floor.posts.get_mut(&id) {
            post.works = Some((queue, self.now.mono));
        }
    }

    /// An agent's part in a call is another one now; `None` = he has none any more.
    pub(crate) fn agent_takes_part(&mut self, id: AgentId, call: CallId, now: Option<CallStatus>, end: PartEnd) {
        let Some(post) = self.floor.posts.get_mut(&id) else { return };
        let known = post.calls.iter().position(|(other, _)| *other == call);
        // He is rung no more; what he does besides, an emergency call, is no answer to that.
        let rang = known.is_some_and(|at| post.calls[at].1 == CallStatus::Ringing) && now.is_none();
        let is_missed = rang && post.agent.call() == CallStatus::Ringing;
        match (known, now) {
            (Some(at), Some(status)) => post.calls[at].1 = status,
            (Some(at), None) => _ = post.calls.remove(at),
            (None, Some(status)) => post.calls.push((call, status)),
            (None, None) => return,
        }
        let shall_be = post.status();
        let other = post.calls.first().map(|(other, _)| *other);
        if is_missed {
            self.agent_becomes(id, call, CallStatus::None, end);
        }
        let about = if is_missed { other } else { Some(call) };
        if let Some(about) = about {
            self.agent_becomes(id, about, shall_be, end);
        }
        self.agent_stands(id);
    }

    /// What he does by his calls is another thing now.
    fn agent_becomes(&mut self, id: AgentId, call: CallId, shall_be: CallStatus, end: PartEnd) {
        let Some(is) = self.floor.posts.get(&id).map(|post| post.agent.call()) else { return };
        let regarding = Regarding { call: Some(call), by: None };
        for event in becoming(is, shall_be, end) {
            // Where it is refused he is in a state in which calls are not offered: an emergency call on a break.
            if self.agent_happens(id, event, &regarding).is_err() {
                break;
            }
        }
    }
}

/// Who signs in, by whatever way, is told apart from all else that changes.
fn signed_in(changed: &AgentStateChanged) -> Option<AgentSignedIn> {
    let AgentStateChanged { agent, extension, mobile, sign, .. } = changed;
    matches!(changed.reason, ChangeReason::Login | ChangeReason::MobileSignIn).then(|| AgentSignedIn {
        agent: agent.clone(),
        extension: extension.clone(),
        mobile: mobile.clone(),
        sign: *sign,
    })
}

/// The events that lead from one status of a call to another.
fn becoming(is: CallStatus, shall_be: CallStatus, end: PartEnd) -> Vec<AgentEvent> {
    use CallStatus as S;
    let talk = |talk: Talk| (talk != Talk::Talking).then_some(AgentEvent::Talk(talk));
    match (is, shall_be) {
        (S::None, S::Ringing) => vec![AgentEvent::Offered],
        (S::None, S::Dialling) => vec![AgentEvent::Dial],
        (S::None, S::Connected(doing)) => {
            [AgentEvent::Dial, AgentEvent::DialAnswered].into_iter().chain(talk(doing)).collect()
        }
        (S::Ringing, S::None) => vec![AgentEvent::Missed(end.missed)],
        (S::Ringing, S::Connected(doing)) => [AgentEvent::Answered].into_iter().chain(talk(doing)).collect(),
        (S::Dialling, S::None) => vec![AgentEvent::DialEnded],
        (S::Dialling, S::Connected(doing)) => [AgentEvent::DialAnswered].into_iter().chain(talk(doing)).collect(),
        (S::Connected(_), S::None) => vec![AgentEvent::CallEnded { wrap_up_max: end.wrap_up_max }],
        (S::Connected(_), S::Connected(doing)) => vec![AgentEvent::Talk(doing)],
        // He takes the call, and whom he calls back is called.
        (S::Ringing, S::Dialling) => vec![AgentEvent::Missed(Missed::Taken), AgentEvent::Dial],
        // What he talked in is over, and he still waits for whom he asked, or the other way round.
        (S::None, S::None)
        | (S::Ringing | S::Dialling | S::Connected(_), S::Ringing)
        | (S::Dialling | S::Connected(_), S::Dialling) => Vec::new(),
    }
}
