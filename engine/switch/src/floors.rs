//! The switch and its floor: what the distribution decides is done, what is asked of agents goes to them.

use dialplan::number::AgentNumber;
use hooks::id::TenantId;

use crate::input::AgentOrder;
use crate::output::Refused;
use crate::queue::Decision;
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

    /// The phones of an extension may be others now.
    pub(crate) fn phones_changed(&mut self, aor: &Aor) {
        if let Some(tenant) = self.tenant(&aor.tenant) {
            self.desk.phones_changed(&tenant, aor);
        }
    }
}
