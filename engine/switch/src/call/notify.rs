//! What who sent a REFER is told about it: NOTIFYs of its implicit subscription (RFC 3515 §2.4.4).

use sip::headers::{EventPackage, HeaderName, NameAddr, SubscriptionState};
use sip::message::{Method, StatusCode};
use sip::sipfrag;

use super::Call;
use crate::desk::{Desk, LegIndex};
use crate::leg::LegState;
use crate::nat;

/// The subscription that a REFER made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    /// The CSeq of the REFER: the `id` of its event (RFC 3515 §2.4.6).
    pub(crate) id: u32,
}

impl Call {
    /// Keeps the subscription and sends its first NOTIFY, which must come at once (RFC 3515 §2.4.4).
    pub(crate) fn subscribe(&mut self, desk: &mut Desk, leg: LegIndex, subscription: Subscription) {
        if let LegState::Up(up) = &mut self.legs[leg.at()].state {
            up.referring = Some(subscription);
        }
        self.report(desk, leg, StatusCode::TRYING);
    }

    /// Tells who sent the REFER how far it is. A final status ends the subscription.
    pub(crate) fn report(&mut self, desk: &mut Desk, leg: LegIndex, status: StatusCode) {
        let user = self.own_user(leg);
        let LegState::Up(up) = &mut self.legs[leg.at()].state else { return };
        let Some(Subscription { id }) = up.referring else { return };
        let state = if status.is_provisional() {
            SubscriptionState::active(SUBSCRIPTION_S)
        } else {
            up.referring = None;
            SubscriptionState::terminated("noresource")
        };
        let mut notify = up.dialog.request(Method::Notify);
        let contact = nat::contact(&desk.node, &up.flow, &user, up.dialog.remote_target());
        notify.headers.push(HeaderName::Contact, NameAddr::new(contact.into()));
        notify.headers.push(HeaderName::Event, EventPackage::refer(id));
        notify.headers.push(HeaderName::SubscriptionState, state);
        notify.set_body(sipfrag::CONTENT_TYPE, sipfrag::status_line(status, status.default_reason()));
        // Who does not hear of it finds out by the call itself.
        let _ = up.send(desk, notify);
    }
}

/// How long a transfer may take at the most: ringing, calling back, and some.
const SUBSCRIPTION_S: u32 = 120;
