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

use crate::config::TenantConfig;
use crate::desk::{LegRef, Refusal};
use crate::replace::Taker;
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
                found.min().ok_or_else(nobody)
            }
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
