//! Callers who are to be called back: each stands in the line of his queue as if he waited on it, and when his turn comes an agent is rung
//! for a call to him. Written down from the asking to the end, so that a restart forgets none.

use std::collections::BTreeMap;
use std::time::Duration;

use dialplan::flow::name::QueueName;
use dialplan::number::Dialled;
use hooks::fact::{CallbackEnded, CallbackOutcome, CallbackRequested, CallbackStarted, Event};
use hooks::id::{CallId, TenantId};

use crate::desk::{Desk, TimerKey};
use crate::output::Refused;
use crate::queue::{AgentId, EntryId, Exit, Join, OfferEnd, OfferId, QueueId, Waits};
use crate::view::CallbackView;

/// All of them, by the call in which each asked for it.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    open: BTreeMap<CallId, Callback>,
    by_entry: BTreeMap<EntryId, CallId>,
}

/// Who is to be called back.
#[derive(Debug)]
struct Callback {
    tenant: TenantId,
    queue: QueueName,
    number: Dialled,
    priority: u8,
    /// Since when he has waited, what he waited before he asked included, ms since the Unix epoch.
    since_ms: u64,
    /// When nobody calls him any more, ms since the Unix epoch.
    until_ms: u64,
    /// How often he was called.
    attempts: u8,
    place: Place,
}

/// Where he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the line; an agent may be rung for him, in that call.
    InLine { entry: EntryId, call: Option<CallId> },
    /// An agent has taken the call, and he is being called in it.
    Called(CallId),
    /// He did not answer, and stands in line again then.
    Resting { until: Duration },
}

/// What an agent is rung for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) callback: CallId,
    pub(crate) tenant: TenantId,
    pub(crate) queue: QueueName,
    pub(crate) number: Dialled,
}

/// The queue calls back as many as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Callbacks {
    /// The callback that stands in line under that name.
    pub(crate) fn of(&self, entry: EntryId) -> Option<Wanted> {
        let callback = *self.by_entry.get(&entry)?;
        let of = self.open.get(&callback)?;
        Some(Wanted { callback, tenant: of.tenant.clone(), queue: of.queue.clone(), number: of.number.clone() })
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    fn of_queue<'a>(
        &'a self,
        tenant: &'a TenantId,
        queue: &'a QueueName,
    ) -> impl Iterator<Item = (&'a CallId, &'a Callback)> {
        self.open.iter().filter(move |(_, of)| of.tenant == *tenant && of.queue == *queue)
    }

    /// Those of a queue, the first to be called first.
    pub(crate) fn shown(&self, tenant: &TenantId, queue: &QueueName) -> Vec<CallbackView> {
        let mut shown: Vec<(u8, u64, CallbackView)> = self
            .of_queue(tenant, queue)
            .map(|(call, of)| {
                let under_way = match of.place {
                    Place::InLine { call, .. } => call,
                    Place::Called(call) => Some(call),
                    Place::Resting { .. } => None,
                };
                let number = of.number.as_str().to_owned();
                let view =
                    CallbackView { call: *call, number, since_ms: of.since_ms, attempts: of.attempts, under_way };
                (u8::MAX - of.priority, of.since_ms, view)
            })
            .collect();
        shown.sort_by_key(|(behind, since_ms, view)| (*behind, *since_ms, view.call));
        shown.into_iter().map(|(_, _, view)| view).collect()
    }
}

impl Desk {
    /// Somebody who waited in that queue is to be called back by that number. Who asks once more keeps the place that he has.
    ///
    /// # Errors
    /// [`TooMany`].
    pub(crate) fn ask_callback(
        &mut self,
        tenant: &TenantId,
        (queue, number): (QueueName, Dialled),
        asked: CallbackRequested,
    ) -> Result<(), TooMany> {
        let of_queue = || self.floor.callbacks.of_queue(tenant, &queue);
        if of_queue().any(|(_, other)| other.number == number) {
            return Ok(());
        }
        if of_queue().count() >= CALLBACKS_MAX {
            return Err(TooMany);
        }
        let (call, now_ms) = (asked.call, self.now.unix_ms);
        self.keep_callback(tenant, &asked, (queue, number), now_ms, 0);
        self.fact(tenant, Event::CallbackRequested(asked));
        self.line_up(call);
        Ok(())
    }

    /// As the log remembers him, with the time at which he asked and how often he was called since.
    pub(crate) fn restore_callback(
        &mut self,
        tenant: &TenantId,
        asked: &CallbackRequested,
        asked_ms: u64,
        attempts: u8,
    ) {
        let (Ok(queue), Ok(number)) = (asked.queue.parse::<QueueName>(), asked.number.parse::<Dialled>()) else {
            return;
        };
        self.keep_callback(tenant, asked, (queue, number), asked_ms, attempts);
        // The process may have ended while he was called for the last time.
        if attempts >= CALLBACK_ATTEMPTS_MAX {
            return self.end_callback(asked.call, CallbackOutcome::Unanswered, None);
        }
        self.line_up(asked.call);
    }

    fn keep_callback(
        &mut self,
        tenant: &TenantId,
        asked: &CallbackRequested,
        (queue, number): (QueueName, Dialled),
        asked_ms: u64,
        attempts: u8,
    ) {
        let callback = Callback {
            tenant: tenant.clone(),
            queue,
            number,
            priority: asked.priority,
            since_ms: asked_ms.saturating_sub(asked.waited_ms),
            until_ms: asked_ms.saturating_add(CALLBACK_MAX_MS),
            attempts,
            place: Place::Resting { until: self.now.mono },
        };
        self.floor.callbacks.open.insert(asked.call, callback);
    }

    /// He stands in line, as long as he has waited.
    fn line_up(&mut self, callback: CallId) {
        let now = self.now;
        let entry = EntryId(self.floor.next_id());
        let Some(of) = self.floor.callbacks.open.get_mut(&callback) else { return };
        let queue = self.floor.by_name.get(&(of.tenant.clone(), of.queue.clone())).copied();
        of.place = Place::InLine { entry, call: None };
        let ms = |from: u64, to: u64| Duration::from_millis(to.saturating_sub(from));
        let join = queue.map(|queue| Join {
            entry,
            queue,
            priority: of.priority,
            waited: ms(of.since_ms, now.unix_ms),
            stayed: Duration::ZERO,
            sticky: None,
            waits: Waits::ForCallback { at_most: ms(now.unix_ms, of.until_ms) },
        });
        self.floor.callbacks.by_entry.insert(entry, callback);
        match join.filter(|join| self.floor.distribution.enter(now.mono, join).is_ok()) {
            Some(join) => self.floor.touch_queue(join.queue),
            None => self.end_callback(callback, CallbackOutcome::QueueGone, None),
        }
    }

    /// An agent is rung for him, in that call.
    pub(crate) fn callback_offered(&mut self, callback: CallId, in_call: CallId) {
        self.callback_is(callback, |place| match place {
            Place::InLine { entry, .. } => Place::InLine { entry, call: Some(in_call) },
            other @ (Place::Called(_) | Place::Resting { .. }) => other,
        });
    }

    /// The agent took the call: he has left the line, and is called.
    pub(crate) fn callback_taken(&mut self, callback: CallId, in_call: CallId, agent: AgentId) {
        self.callback_is(callback, |_| Place::Called(in_call));
        let agent = self.floor.number_of(agent).map(ToString::to_string).unwrap_or_default();
        let Some(of) = self.floor.callbacks.open.get_mut(&callback) else { return };
        of.attempts += 1;
        let started = CallbackStarted {
            call: in_call,
            callback,
            queue: of.queue.to_string(),
            number: of.number.as_str().to_owned(),
            agent,
            attempt: of.attempts,
            waited_ms: self.now.unix_ms.saturating_sub(of.since_ms),
        };
        let tenant = of.tenant.clone();
        self.fact(&tenant, Event::CallbackStarted(started));
    }

    /// The call for him is over without his answer: he is called again later, if he was not called often enough.
    pub(crate) fn callback_failed(&mut self, callback: CallId) {
        let Some(of) = self.floor.callbacks.open.get(&callback) else { return };
        match of.place {
            // No agent took it: he has been in line all the while.
            Place::InLine { entry, .. } => self.callback_is(callback, |_| Place::InLine { entry, call: None }),
            Place::Called(_) if of.attempts >= CALLBACK_ATTEMPTS_MAX => {
                self.end_callback(callback, CallbackOutcome::Unanswered, None);
            }
            Place::Called(_) => {
                let until = self.start_timer(CALLBACK_REST, TimerKey::Callback(callback));
                self.callback_is(callback, |_| Place::Resting { until });
            }
            Place::Resting { .. } => {}
        }
    }

    /// He has rested.
    pub(crate) fn callback_due(&mut self, callback: CallId) {
        let Some(of) = self.floor.callbacks.open.get(&callback) else { return };
        if of.until_ms <= self.now.unix_ms {
            return self.end_callback(callback, CallbackOutcome::Expired, None);
        }
        self.line_up(callback);
    }

    /// The line gave him up.
    pub(crate) fn callback_overdue(&mut self, callback: CallId, exit: Exit) {
        let outcome = match exit {
            Exit::QueueGone => CallbackOutcome::QueueGone,
            Exit::MaxWait | Exit::NobodySignedIn | Exit::HungUp | Exit::Led | Exit::CalledBack | Exit::Answered(_) => {
                CallbackOutcome::Expired
            }
        };
        self.end_callback(callback, outcome, None);
    }

    /// The call under way for a callback of that queue, if any.
    ///
    /// # Errors
    /// [`Refused::NoSuchCallback`].
    pub(crate) fn callback_of(
        &self,
        tenant: &TenantId,
        queue: &QueueName,
        callback: CallId,
    ) -> Result<Option<CallId>, Refused> {
        let of = self.floor.callbacks.open.get(&callback);
        let of = of.filter(|of| of.tenant == *tenant && of.queue == *queue).ok_or(Refused::NoSuchCallback)?;
        Ok(match of.place {
            Place::InLine { call, .. } => call,
            Place::Called(call) => Some(call),
            Place::Resting { .. } => None,
        })
    }

    /// No call can be made now: the agent is rung for him again after a moment.
    pub(crate) fn callback_refused(&mut self, offer: OfferId, agent: AgentId) {
        self.floor.offer_over(offer);
        self.floor.distribution.offer_ended(self.now.mono, offer, OfferEnd::Failed);
        self.agent_stands(agent);
    }

    /// He is called back no more.
    pub(crate) fn end_callback(&mut self, callback: CallId, outcome: CallbackOutcome, by: Option<String>) {
        self.callback_is(callback, |place| place);
        let Some(of) = self.floor.callbacks.open.remove(&callback) else { return };
        match of.place {
            Place::InLine { entry, .. } => {
                self.floor.callbacks.by_entry.remove(&entry);
                self.floor.distribution.leave(entry, Exit::CalledBack);
            }
            Place::Resting { until } => self.timers.stop(until, TimerKey::Callback(callback)),
            Place::Called(_) => {}
        }
        let ended = CallbackEnded {
            call: callback,
            queue: of.queue.to_string(),
            number: of.number.as_str().to_owned(),
            outcome,
            attempts: of.attempts,
            waited_ms: self.now.unix_ms.saturating_sub(of.since_ms),
            by,
        };
        self.fact(&of.tenant, Event::CallbackEnded(ended));
    }

    /// The process stops: the log remembers them for the next one.
    pub(crate) fn drop_callbacks(&mut self) {
        for (callback, of) in std::mem::take(&mut self.floor.callbacks.open) {
            match of.place {
                Place::InLine { entry, .. } => self.floor.distribution.leave(entry, Exit::CalledBack),
                Place::Resting { until } => self.timers.stop(until, TimerKey::Callback(callback)),
                Place::Called(_) => {}
            }
        }
        self.floor.callbacks.by_entry.clear();
    }

    /// Changes where he is, and shows his queue anew.
    fn callback_is(&mut self, callback: CallId, change: impl FnOnce(Place) -> Place) {
        let Some(of) = self.floor.callbacks.open.get_mut(&callback) else { return };
        let before = of.place;
        of.place = change(before);
        let queue: Option<QueueId> = self.floor.by_name.get(&(of.tenant.clone(), of.queue.clone())).copied();
        if let (Place::InLine { entry, .. }, false) = (before, matches!(of.place, Place::InLine { .. })) {
            self.floor.callbacks.by_entry.remove(&entry);
        }
        queue.into_iter().for_each(|queue| self.floor.touch_queue(queue));
    }
}

/// Callers whom one queue calls back at a time; beyond: the caller is told that he cannot be called back.
const CALLBACKS_MAX: usize = 100;
/// How often a caller is called who does not answer.
pub(crate) const CALLBACK_ATTEMPTS_MAX: u8 = 3;
/// How long he is left in peace in between.
const CALLBACK_REST: Duration = Duration::from_secs(300);
/// How long somebody is called back at most, from his asking on, ms: a day.
const CALLBACK_MAX_MS: u64 = 86_400_000;
