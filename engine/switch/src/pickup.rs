//! Picking up what rings at another extension, by dialling a code (`*8`): the phone takes the place of the one that rings, as with an
//! INVITE with Replaces.

use std::collections::BTreeSet;
use std::sync::Arc;

use dialplan::number::ExtensionNumber;
use dialplan::plan::PickUp;
use hooks::id::CallId;
use sip::flow::Flow;
use sip::message::{Request, StatusCode};
use sip::transaction::ServerKey;

use crate::call::Call;
use crate::config::TenantConfig;
use crate::desk::{LegRef, Refusal};
use crate::replace::{Taker, explained};
use crate::switch::Switch;

/// An extension that wants to pick up a call.
#[derive(Debug)]
pub(crate) struct Pickup {
    pub(crate) tenant: Arc<TenantConfig>,
    pub(crate) by: ExtensionNumber,
    pub(crate) from: PickUp,
}

impl Switch {
    /// Connects a phone with who calls another one.
    ///
    /// # Errors
    /// What it is told; whoever calls goes on ringing.
    pub(crate) fn pick_up(
        &mut self,
        key: ServerKey,
        request: &Request,
        flow: Flow,
        what: &Pickup,
    ) -> Result<(), Refusal> {
        let taker = Taker { tenant: &what.tenant, by: &what.by };
        self.take_place(key, request, flow, taker, |switch| switch.ringing(what))
    }

    /// The leg that rings for it.
    fn ringing(&self, what: &Pickup) -> Result<LegRef, Refusal> {
        let extensions = &what.tenant.extensions;
        match &what.from {
            PickUp::Extension(number) => {
                if !extensions.get(number).is_some_and(|extension| extension.enabled) {
                    return Err(Refusal::phrased(StatusCode::NOT_FOUND, "No Such Extension"));
                }
                let calls = self.desk.engaged.calls_of(&what.tenant.tenant, number.as_str());
                let found = self.first_ringing(&calls, number);
                if let Some(found) = found {
                    self.check_offer_taken(what, number, found)?;
                }
                found.ok_or_else(|| Refusal::phrased(StatusCode::TEMPORARILY_UNAVAILABLE, "Nobody Calls There"))
            }
            PickUp::Group => {
                let group = extensions.get(&what.by).and_then(|extension| extension.pickup_group.as_ref());
                let group =
                    group.ok_or_else(|| Refusal::phrased(StatusCode::FORBIDDEN, "You Are in No Pickup Group"))?;
                let members = extensions
                    .values()
                    .filter(|extension| extension.pickup_group.as_ref() == Some(group) && extension.number != what.by);
                let own = self.desk.engaged.calls_of(&what.tenant.tenant, what.by.as_str());
                let found = members.filter_map(|extension| {
                    let mut calls = self.desk.engaged.calls_of(&what.tenant.tenant, extension.number.as_str());
                    // Nobody picks up whom it calls itself.
                    calls.retain(|call| !own.contains(call));
                    self.first_ringing(&calls, &extension.number)
                });
                let nobody = || Refusal::phrased(StatusCode::TEMPORARILY_UNAVAILABLE, "Nobody Calls Your Group");
                let found = found.min().ok_or_else(nobody)?;
                self.check_agent_takes(what, found)?;
                Ok(found)
            }
        }
    }

    /// What rings by a queue is taken by who is in that queue, or in the pickup group of the extension, and has no call.
    fn check_offer_taken(&self, what: &Pickup, rung: &ExtensionNumber, found: LegRef) -> Result<(), Refusal> {
        let Some(queue) = self.calls.get(&found.call).and_then(Call::waits_in) else { return Ok(()) };
        let tenant = &what.tenant;
        let group = |number: &ExtensionNumber| tenant.extensions.get(number)?.pickup_group.as_ref();
        let same_group = group(&what.by).is_some_and(|own| Some(own) == group(rung));
        let agent = self.desk.floor.on_extension(&tenant.tenant, &what.by);
        let is_member = agent.is_some_and(|agent| self.desk.floor.queues_of(agent).any(|own| own == *queue));
        if !same_group && !is_member {
            return Err(explained(StatusCode::FORBIDDEN, "you are neither in that queue nor in the pickup group"));
        }
        self.check_agent_takes(what, found)
    }

    /// An agent takes what rings by a queue only when a queue could ring him, too (AGT-12).
    fn check_agent_takes(&self, what: &Pickup, found: LegRef) -> Result<(), Refusal> {
        let by_queue = self.calls.get(&found.call).is_some_and(|call| call.waits_in().is_some());
        let agent = self.desk.floor.on_extension(&what.tenant.tenant, &what.by);
        match agent {
            Some(agent) if by_queue && !self.desk.floor.is_free(agent) => Err(explained(
                StatusCode::FORBIDDEN,
                "you take calls of queues only while you are ready and have no call",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The oldest of these calls that rings at the extension.
    fn first_ringing(&self, calls: &BTreeSet<CallId>, extension: &ExtensionNumber) -> Option<LegRef> {
        calls.iter().find_map(|id| {
            let leg = self.calls.get(id)?.rings_at(extension.as_str())?;
            Some(LegRef { call: *id, leg })
        })
    }
}
