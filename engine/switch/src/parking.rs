//! Who is parked where, in all tenants.

use std::collections::BTreeMap;
use std::sync::Arc;

use dialplan::number::ExtensionNumber;
use dialplan::park::ParkPlace;
use hooks::id::{CallId, TenantId};
use sip::flow::Flow;
use sip::message::{Request, StatusCode};
use sip::transaction::ServerKey;

use crate::config::TenantConfig;
use crate::desk::Refusal;
use crate::output::Refused;
use crate::replace::Taker;
use crate::switch::Switch;

/// The places where somebody waits.
#[derive(Debug, Default)]
pub(crate) struct Parking(BTreeMap<(TenantId, ExtensionNumber), CallId>);

impl Parking {
    /// How many are parked.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose place that is.
    pub(crate) fn at(&self, tenant: &TenantId, slot: &ExtensionNumber) -> Option<CallId> {
        self.0.get(&(tenant.clone(), slot.clone())).copied()
    }

    pub(crate) fn take(&mut self, tenant: &TenantId, slot: ExtensionNumber, call: CallId) {
        self.0.insert((tenant.clone(), slot), call);
    }

    pub(crate) fn leave(&mut self, tenant: &TenantId, slot: &ExtensionNumber) {
        self.0.remove(&(tenant.clone(), slot.clone()));
    }

    /// The place that somebody would get. One whose number leads elsewhere is none.
    ///
    /// # Errors
    /// It is taken, or all are.
    pub(crate) fn free(&self, tenant: &TenantConfig, place: &ParkPlace) -> Result<ExtensionNumber, Refused> {
        let park = tenant.plan.park.as_ref().ok_or(Refused::ParkFull)?;
        let is_free = |slot: &&ExtensionNumber| self.at(&tenant.tenant, slot).is_none();
        match place {
            ParkPlace::Slot(slot) => Some(slot).filter(is_free).cloned().ok_or(Refused::SlotTaken),
            ParkPlace::Any => park
                .slots
                .iter()
                .filter(is_free)
                .find(|slot| tenant.plan.is_slot(slot))
                .cloned()
                .ok_or(Refused::ParkFull),
        }
    }
}

/// An extension that dials a place.
#[derive(Debug)]
pub(crate) struct Unparker {
    pub(crate) tenant: Arc<TenantConfig>,
    pub(crate) by: ExtensionNumber,
}

impl Switch {
    /// Connects a phone that dials a place with who waits there.
    ///
    /// # Errors
    /// What it is told.
    pub(crate) fn unpark(
        &mut self,
        key: ServerKey,
        request: &Request,
        flow: Flow,
        what: &Unparker,
        place: &ParkPlace,
    ) -> Result<(), Refusal> {
        let taker = Taker { tenant: &what.tenant, by: &what.by };
        self.take_place(key, request, flow, taker, |switch| match place {
            ParkPlace::Any => Err(Refusal::phrased(StatusCode::TEMPORARILY_UNAVAILABLE, "Transfer a Call Here")),
            ParkPlace::Slot(slot) => {
                let call = switch.desk.parking.at(&what.tenant.tenant, slot);
                let parked = call.and_then(|call| switch.calls.get(&call)?.parked_place());
                parked.ok_or_else(|| Refusal::phrased(StatusCode::TEMPORARILY_UNAVAILABLE, "Nobody Is Parked There"))
            }
        })
    }
}
