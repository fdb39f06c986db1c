//! Calls back: a caller who waits presses a key and hangs up; when it is his turn an agent's phone is rung, and once the agent answers the
//! caller is called by the outbound routes. Who stands in line without a call is on the floor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::name::Key;
use dialplan::number::Dialled;
use dialplan::number_map::forms;
use dialplan::say::{Part, defaults};
use hooks::fact::{CallSource, CallbackOutcome, CallbackRequested, Direction, EndCause, EndedBy, QueueExit, WhyAgent};
use sip::message::StatusCode;

use super::queue::Rung;
use super::{About, Call, End, Route, Stage};
use crate::config::TenantConfig;
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::floor::{Reach, Wanted};
use crate::identity::Identity;
use crate::incoming::{HOPS, routed};
use crate::invite::Summons;
use crate::queue::{Exit, Offer, OfferEnd};

impl Call {
    /// The caller pressed a key while he waits. False if it is not the one by which he is called back.
    pub(super) fn pressed_to_be_called_back(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        let Some((caller, wait)) = self.wait() else { return false };
        if caller != leg
            || wait.queue.callback_key != Some(key)
            || Key::new(key).is_some_and(|key| wait.flow_keys.contains(&key))
        {
            return false;
        }
        // Nobody knows for the moment whether he is still there.
        let Some(entry) = wait.entry else { return true };
        let (queue, priority) = (wait.queue.name.clone(), wait.priority);
        let waited_ms = self.waited_ms_by(desk.now.unix_ms);
        let number =
            self.outside_number(caller).and_then(|number| dialled_back(&self.tenant, number, desk.now.unix_ms));
        let tenant = self.tenant.tenant.clone();
        let asked = number.map(|number| {
            let (call, name, digits) = (self.id, queue.to_string(), number.as_str().to_owned());
            let asked = CallbackRequested { call, queue: name, number: digits, priority, waited_ms };
            desk.ask_callback(&tenant, (queue, number), asked)
        });
        match asked {
            Some(Ok(())) => {
                desk.floor.distribution.leave(entry, Exit::CalledBack);
                let Some(answered_ms) = self.leave_line(desk, QueueExit::Callback, None) else { return true };
                let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
                let end = End { cause: EndCause::Normal, by: EndedBy::System, refusal };
                self.leave_flow(desk);
                self.say_finally(desk, caller, answered_ms, defaults::QUEUE_CALLBACK_ACCEPTED, end);
            }
            Some(Err(_)) | None => {
                if let Some(wait) = self.wait_mut() {
                    wait.speaker.say(vec![Part::Prompt(defaults::QUEUE_CALLBACK_REFUSED)]);
                }
                self.rewire(desk);
            }
        }
        true
    }

    /// A call of which the phones of an agent ring first, for a caller whose turn it is.
    pub(crate) fn calling_back(
        desk: &mut Desk,
        tenant: &Arc<TenantConfig>,
        wanted: &Wanted,
        offer: &Offer,
        why: WhyAgent,
    ) -> Self {
        let agent = offer.agent;
        let extension = desk.floor.extension_of(agent).and_then(|number| tenant.extensions.get(number));
        let about = About {
            direction: Direction::Outbound,
            source: CallSource::Callback,
            caller: extension.map(|extension| extension.number.to_string()).unwrap_or_default(),
            caller_name: extension.map(|extension| extension.display_name.clone()).unwrap_or_default(),
            callee: wanted.number.as_str().to_owned(),
            trunk: None,
            emergency: false,
            identity: Identity::default(),
            hops: HOPS,
        };
        let (route, _, _) = routed(tenant, &wanted.number, desk.now.unix_ms);
        let id = desk.call_id();
        let mut call = Self::new(desk, id, tenant.clone(), about);
        desk.floor.offered(offer.offer, call.id);
        desk.callback_offered(wanted.callback, call.id);
        call.queueing.calls_back = Some(wanted.callback);
        call.queueing.last = tenant.queues.get(&wanted.queue).cloned();
        call.queueing.rung.push(Rung::new(offer, wanted.queue.clone(), why, desk.now.unix_ms));
        let ring_until = desk.start_timer(offer.ring_for, TimerKey::Ring(call.id));
        let (phones, queue) = match desk.reach(tenant, agent, &call.about) {
            Reach::Phones(phones) => (phones, VecDeque::new()),
            Reach::Mobile(ways) => (Vec::new(), ways),
        };
        call.stage = Stage::Summoning { route, queue, verdict: None, ring_until };
        for phone in phones {
            // A phone that cannot be called is one that does not answer.
            let _ = call.call_target(desk, phone, Summons::RingFirst);
        }
        call.call_next(desk);
        if call.called().is_empty() {
            call.not_rung(desk, agent);
        }
        call.end_if_all_failed(desk);
        call
    }

    /// Whether it is one that calls somebody back who has not answered yet.
    pub(super) fn calls_back(&self) -> bool {
        self.queueing.calls_back.is_some()
    }

    /// The agent answered: he has taken the callback. False where he was too late, and the call ends.
    pub(super) fn agent_took_callback(&mut self, desk: &mut Desk) -> bool {
        let Some(callback) = self.queueing.calls_back else { return true };
        let rung = self.queueing.rung.first().map(Rung::lease);
        let Some((offer, agent)) =
            rung.filter(|(offer, _)| desk.floor.distribution.offer_ended(desk.now.mono, *offer, OfferEnd::Answered))
        else {
            let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
            self.end(desk, &End { cause: EndCause::AnsweredElsewhere, by: EndedBy::System, refusal });
            return false;
        };
        desk.floor.offer_over(offer);
        desk.callback_taken(callback, self.id, agent);
        true
    }

    /// The caller answered: he has been called back.
    pub(super) fn called_back(&mut self, desk: &mut Desk) {
        if let Some(callback) = self.queueing.calls_back.take() {
            desk.end_callback(callback, CallbackOutcome::Answered, None);
        }
    }

    /// The call ends: where the caller has not answered, he is called again.
    pub(super) fn not_called_back(&mut self, desk: &mut Desk) {
        if let Some(callback) = self.queueing.calls_back.take() {
            desk.callback_failed(callback);
        }
    }

    /// The queue took back that it had the agent rung: nobody is called any more.
    pub(super) fn callback_withdrawn(&mut self, desk: &mut Desk, cause: EndCause) {
        if self.calls_back() && matches!(self.stage, Stage::Summoning { .. }) {
            let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
            self.end(desk, &End { cause, by: EndedBy::System, refusal });
        }
    }
}

/// The number by which the outbound routes lead to who called so.
fn dialled_back(tenant: &TenantConfig, number: &str, now_ms: u64) -> Option<Dialled> {
    let forms = forms(number).filter_map(|form| Dialled::clean(&form).ok());
    forms.into_iter().find(|form| matches!(routed(tenant, form, now_ms), (Route::Lines(_), _, false)))
}

/// How long a caller is rung who is called back.
pub(super) const CALLBACK_RING: Duration = Duration::from_secs(30);
