//! Two-step dialling (CALL-09): the phones of whom the API calls ring first and answer by themselves; then the number is
//! dialled, and the first party hears how far that is.

use std::sync::Arc;
use std::time::Duration;

use super::{About, Call, Route, Stage};
use crate::config::{Extension, TenantConfig};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::invite::Summons;
use crate::target;

impl Call {
    /// A call of which the phones of `from` ring first.
    pub(crate) fn originated(
        desk: &mut Desk,
        tenant: &Arc<TenantConfig>,
        about: About,
        from: &Extension,
        route: Route,
    ) -> Self {
        let id = desk.call_id();
        let mut call = Self::new(desk, id, tenant.clone(), about);
        let ring_until = desk.start_timer(SUMMONS_MAX, TimerKey::Ring(call.id));
        let mobile = desk.floor.on_extension(&tenant.tenant, &from.number);
        // PHONE-15: the mobile of who is signed in by it.
        let lines = mobile.and_then(|agent| desk.mobile_lines(tenant, agent, &call.about));
        let phones = if lines.is_none() { target::phones(desk, tenant, from) } else { Vec::new() };
        let queue = lines.unwrap_or_default().into();
        call.stage = Stage::Summoning { route, queue, verdict: None, ring_until };
        for phone in phones {
            // A phone that cannot be called is one that does not answer.
            let _ = call.call_target(desk, phone, Summons::AutoAnswer);
        }
        call.call_next(desk);
        call.end_if_all_failed(desk);
        call
    }

    /// The first party answered: its other phones stop ringing, and the number is dialled.
    pub(super) fn summoned(&mut self, desk: &mut Desk, caller: LegIndex) {
        if !self.agent_took_callback(desk) {
            return;
        }
        self.stop_ringing(desk);
        for other in self.called() {
            self.cancel_leg(desk, other, hooks::fact::EndCause::AnsweredElsewhere);
        }
        let Stage::Summoning { route, .. } = &self.stage else { return };
        let route = route.clone();
        self.seek(desk, caller, &route);
    }
}

/// How long the phones of whom the API calls first may ring.
const SUMMONS_MAX: Duration = Duration::from_secs(30);
