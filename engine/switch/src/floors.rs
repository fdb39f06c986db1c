//! The switch and its floor: what the distribution decides is done, what is asked of agents goes to them.

use dialplan::flow::name::QueueName;
use dialplan::number::AgentNumber;
use hooks::fact::{CallbackOutcome, EndCause, EndedBy, WhyAgent};
use hooks::id::{CallId, TenantId};
use sip::message::StatusCode;

use crate::call::{Call, End};
use crate::floor::Wanted;
use crate::input::AgentOrder;
use crate::output::Refused;
use crate::queue::{Decision, Offer};
use crate::registrar::Aor;
use crate::switch::Switch;

impl Switch {
    pub(crate) fn order_agent(
        &mut self,
        tenant: &TenantId,
        agent: &AgentNumber,
        order: &AgentOrder,
        by: Option<String>,
    ) -> Result<(), Refused> {
        let tenant = self.tenant(tenant).ok_or(Refused::NoSuchAgent)?;
        self.desk.order_agent(&tenant, agent, order, by)
    }

    /// Does what the distribution decides, and what it decides after that; then shows what has changed.
    pub(crate) fn settle_floor(&mut self) {
        while let Some(decision) = self.desk.floor.distribution.poll_decision() {
            self.decided(decision);
            self.pump();
            self.settle_rooms();
        }
        self.desk.publish_floor();
    }

    fn decided(&mut self, decision: Decision) {
        match decision {
            Decision::Offer(offer) => {
                let why = self.desk.floor.why(&offer.why);
                if let Some(wanted) = self.desk.floor.callbacks.of(offer.entry) {
                    return self.call_back(&wanted, &offer, why);
                }
                let waiting = self.desk.floor.waiting(offer.entry).filter(|call| self.calls.contains_key(call));
                // Since it was decided he may have got a call: one that he dialled, into this very queue.
                match waiting.filter(|_| self.desk.floor.is_free(offer.agent)) {
                    Some(call) => {
                        self.desk.floor.offered(offer.offer, call);
                        self.with_call(call, |call, desk| call.offer(desk, &offer, why));
                    }
                    None => self.desk.give_back(offer.offer, offer.agent),
                }
            }
            Decision::Withdraw { offer, end } => {
                if let Some(call) = self.desk.floor.offer_over(offer) {
                    self.with_call(call, |call, desk| call.withdraw(desk, offer, end));
                }
            }
            Decision::Overflow { entry, exit } => {
                if let Some(wanted) = self.desk.floor.callbacks.of(entry) {
                    return self.desk.callback_overdue(wanted.callback, exit);
                }
                if let Some(call) = self.desk.floor.left(entry) {
                    self.with_call(call, |call, desk| call.given_up(desk, exit));
                }
            }
            Decision::Announce { entry, position, expected_wait } => {
                if let Some(call) = self.desk.floor.waiting(entry) {
                    self.with_call(call, |call, desk| call.announce_place(desk, position, expected_wait));
                }
            }
        }
    }

    /// An agent is rung for who is to be called back.
    fn call_back(&mut self, wanted: &Wanted, offer: &Offer, why: WhyAgent) {
        if !self.desk.floor.is_free(offer.agent) {
            return self.desk.give_back(offer.offer, offer.agent);
        }
        match self.tenant(&wanted.tenant).filter(|_| self.check_admission().is_ok()) {
            Some(tenant) => {
                let call = Call::calling_back(&mut self.desk, &tenant, wanted, offer, why);
                self.keep(call);
            }
            None => self.desk.callback_refused(offer.offer, offer.agent),
        }
    }

    /// Somebody who asked to be called back is not.
    pub(crate) fn cancel_callback(
        &mut self,
        tenant: &TenantId,
        queue: &QueueName,
        callback: CallId,
        by: String,
    ) -> Result<(), Refused> {
        let under_way = self.desk.callback_of(tenant, queue, callback)?;
        self.desk.end_callback(callback, CallbackOutcome::Cancelled, Some(by));
        if let Some(call) = under_way {
            let refusal = StatusCode::TEMPORARILY_UNAVAILABLE.into();
            let end = End { cause: EndCause::Command, by: EndedBy::System, refusal };
            self.with_call(call, |call, desk| call.end(desk, &end));
        }
        Ok(())
    }

    /// The phones of an extension may be others now.
    pub(crate) fn phones_changed(&mut self, aor: &Aor) {
        if let Some(tenant) = self.tenant(&aor.tenant) {
            self.desk.phones_changed(&tenant, aor);
        }
    }
}
