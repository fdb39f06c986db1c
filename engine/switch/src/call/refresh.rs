//! Session timers (RFC 4028): sessions are refreshed, and those whose refresher is gone end.

use sip::message::{Response, StatusCode};
use sip::session_timer::Duty;

use super::Call;
use crate::asking::Ask;
use crate::desk::{Desk, LegIndex};
use crate::leg::Leg;

impl Call {
    /// Half of a session is over that we refresh, or all of one that the far end should have refreshed.
    pub(crate) fn session_due(&mut self, desk: &mut Desk, leg: LegIndex) {
        let Some(up) = self.leg(leg).and_then(Leg::up) else { return };
        match up.lifetime.terms().duty() {
            Duty::Ours => self.ask(desk, leg, Ask::Refresh),
            // RFC 4028 §10: "it SHOULD send a BYE to terminate the session, slightly before the session expiration".
            Duty::Theirs => self.peer_lost(desk, leg),
        }
    }

    /// Repeats the INVITE of a called leg with the interval that a 422 asks for (RFC 4028 §7.3). False if that is of no use.
    pub(super) fn lengthen(&mut self, desk: &mut Desk, leg: LegIndex, response: &Response) -> bool {
        if response.status != StatusCode::SESSION_INTERVAL_TOO_SMALL {
            return false;
        }
        let Some(outgoing) = self.legs[leg.at()].outgoing_mut() else { return false };
        if outgoing.raised >= RAISED_MAX {
            return false;
        }
        let Some(raised) = outgoing.timer.raised(&response.headers) else { return false };
        outgoing.timer = raised;
        outgoing.raised += 1;
        let mut request = outgoing.forks.invite().clone();
        raised.write(&mut request.headers);
        if let Some(login) = &mut outgoing.login {
            login.authorize(&mut request, &mut desk.random);
        }
        self.invite_again(desk, leg, request)
    }
}

/// How often one INVITE is sent again with a longer interval: each proxy on the way may have a wish of its own.
const RAISED_MAX: u8 = 3;
