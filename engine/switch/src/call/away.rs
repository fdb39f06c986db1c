//! A browser whose connection closed while it talks: its page was loaded again, or its network broke. Its leg stays for
//! [`AWAY_MAX`], and so does what everybody hears: where only the connection broke, its audio goes on; where the page is gone,
//! the other party hears silence. When the same phone registers again from a page that knows nothing of the call, it is sent an
//! INVITE that it answers by itself, and the new leg takes the place of the old one.

use std::time::Duration;

use hooks::fact::{EndCause, EndedBy};
use sip::flow::ConnectionId;
use sip::message::StatusCode;
use sip::sdp::Codec;

use super::resume::Reconnected;
use super::{Call, End, LEGS_MAX, Stage, Verdict};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::invite::{Return, Summons};
use crate::leg::{Leg, LegState};
use crate::registrar::{Device, Lost};
use crate::session::Session;
use crate::target::Target;

/// The phone of a leg is away.
#[derive(Debug)]
pub(crate) struct Away {
    /// Who may come back.
    device: Device,
    /// When it is given up.
    pub(crate) until: Duration,
    /// The INVITE that asks it back.
    asked_back: Option<LegIndex>,
}

impl Call {
    /// The connection that some legs may be on is gone; what is sent to them next opens one to the same peer, or uses the
    /// one that there is by then (RFC 3261 §18.1.1). A browser cannot be connected to: it has to come.
    pub(crate) fn connection_closed(&mut self, desk: &mut Desk, connection: ConnectionId, lost: &[Lost]) {
        for leg in self.live() {
            let Some(flow) = self.legs[leg.at()].state.flow_mut() else { continue };
            if flow.connection != Some(connection) {
                continue;
            }
            flow.connection = None;
            self.lose(desk, leg, lost);
        }
    }

    fn lose(&mut self, desk: &mut Desk, leg: LegIndex, lost: &[Lost]) {
        let leg_ref = self.leg_ref(leg);
        let seated = self.is_seated(leg);
        let tenant = self.tenant.tenant.clone();
        let this = &mut self.legs[leg.at()];
        let is_browser = this.session().is_some_and(Session::is_browser);
        let own = |lost: &&Lost| lost.aor.tenant == tenant && lost.aor.extension.as_str() == this.peer.name;
        let Some(device) = lost.iter().find(own).map(|lost| lost.device.clone()) else { return };
        if let (true, true, LegState::Up(up)) = (is_browser, seated, &mut this.state)
            && up.away.is_none()
        {
            let until = desk.start_timer(AWAY_MAX, TimerKey::Away(leg_ref));
            up.away = Some(Box::new(Away { device, until, asked_back: None }));
            desk.metrics.browsers_away += 1;
        }
    }

    /// Whether another leg could sit where this one does.
    fn is_seated(&self, leg: LegIndex) -> bool {
        match &self.stage {
            Stage::Talking { caller, callee, .. } => *caller == leg || *callee == leg,
            Stage::Served { caller, .. } => *caller == leg,
            Stage::Begun | Stage::Summoning { .. } | Stage::Seeking(_) | Stage::Ending { .. } | Stage::Over => false,
        }
    }

    /// Whether the phone of one of the legs is away.
    pub(super) fn is_somebody_away(&self) -> bool {
        self.legs.iter().filter_map(Leg::up).any(|up| up.away.is_some())
    }

    /// Whether the phone of this leg is away.
    pub(super) fn is_away(&self, leg: LegIndex) -> bool {
        self.leg(leg).and_then(Leg::up).is_some_and(|up| up.away.is_some())
    }

    /// The page of a leg lives, and is reached again.
    pub(super) fn is_back(&mut self, desk: &mut Desk, leg: LegIndex) {
        let key = TimerKey::Away(self.leg_ref(leg));
        let Some(away) = self.legs[leg.at()].up_mut().and_then(|up| up.away.take()) else { return };
        desk.timers.stop(away.until, key);
        if let Some(asked) = away.asked_back {
            self.cancel_leg(desk, asked, EndCause::AnsweredElsewhere);
        }
    }

    /// The phone of a leg registers from a page that knows nothing of the call: it is asked back.
    pub(super) fn ask_back(&mut self, desk: &mut Desk, leg: LegIndex, phone: &Reconnected<'_>) {
        let full = self.legs.len() >= LEGS_MAX;
        let Some(away) = self.legs[leg.at()].up().and_then(|up| up.away.as_deref()) else { return };
        if phone.device != Some(&away.device) || full {
            return;
        }
        if let Some(asked) = away.asked_back.and_then(|asked| Some((asked, self.leg(asked)?.outgoing()?))) {
            if asked.1.flow == phone.target.flow {
                return;
            }
            self.cancel_leg(desk, asked.0, EndCause::Unreachable);
        }
        let side = self.legs[leg.at()].side;
        let summons = Summons::Return(Return { leg, side, call: self.id });
        // Where nothing can be sent the phone may come again; it is given up in time.
        let asked = self.call_target(desk, Target::Phone(phone.target.clone()), summons).ok();
        if let Some(away) = self.legs[leg.at()].up_mut().and_then(|up| up.away.as_deref_mut()) {
            away.asked_back = asked;
        }
    }

    /// What it is offered: what the other party has, so that packets pass as they are.
    pub(super) fn proposal_back(&self, leg: LegIndex) -> Option<Vec<Codec>> {
        let beside = self.partner(leg).unwrap_or(leg);
        self.leg(beside)?.session()?.agreed_codecs()
    }

    /// The leg of a phone that is away, where this one was called to ask it back.
    fn asked_back_by(&self, new: LegIndex) -> Option<LegIndex> {
        self.live().into_iter().find(|leg| {
            let away = self.leg(*leg).and_then(Leg::up).and_then(|up| up.away.as_deref());
            away.is_some_and(|away| away.asked_back == Some(new))
        })
    }

    /// A phone that was asked back answered: its leg takes the place of the old one. False if it was not asked back.
    pub(super) fn came_back(&mut self, desk: &mut Desk, new: LegIndex) -> bool {
        let Some(old) = self.asked_back_by(new) else { return false };
        for seat in self.seats_mut().into_iter().flatten() {
            if *seat == old {
                *seat = new;
            }
        }
        desk.metrics.browsers_back += 1;
        self.changed = true;
        self.record_from(desk);
        self.rewire(desk);
        // No BYE: nobody is there who knows the dialog.
        self.finish_leg(desk, old, EndCause::Reconnected);
        true
    }

    fn seats_mut(&mut self) -> [Option<&mut LegIndex>; 2] {
        match &mut self.stage {
            Stage::Talking { caller, callee, .. } => [Some(caller), Some(callee)],
            Stage::Served { caller, .. } => [Some(caller), None],
            Stage::Begun | Stage::Summoning { .. } | Stage::Seeking(_) | Stage::Ending { .. } | Stage::Over => {
                [None, None]
            }
        }
    }

    /// A phone that was asked back cannot, or does not want to. False if it was not asked back.
    pub(super) fn stayed_away(&mut self, desk: &mut Desk, new: LegIndex, verdict: Verdict) -> bool {
        let Some(old) = self.asked_back_by(new) else { return false };
        self.finish_leg(desk, new, verdict.cause);
        match verdict.cause {
            // Its page was loaded once more: it may come again.
            EndCause::Unreachable | EndCause::NoAnswer | EndCause::Congestion => {}
            EndCause::Normal
            | EndCause::Cancelled
            | EndCause::AnsweredElsewhere
            | EndCause::Busy
            | EndCause::Rejected
            | EndCause::NotAcceptable
            | EndCause::Refused
            | EndCause::MediaTimeout
            | EndCause::PeerLost
            | EndCause::Command
            | EndCause::Transferred
            | EndCause::Reconnected
            | EndCause::Interrupted
            | EndCause::Stopped
            | EndCause::Failed => self.away_elapsed(desk, old),
        }
        true
    }

    /// It did not come back in time.
    pub(crate) fn away_elapsed(&mut self, desk: &mut Desk, leg: LegIndex) {
        if self.is_away(leg) {
            let refusal = StatusCode::REQUEST_TIMEOUT.into();
            self.end(desk, &End { cause: EndCause::PeerLost, by: EndedBy::System, refusal });
        }
    }
}

/// How long the call of a browser waits for it.
const AWAY_MAX: Duration = Duration::from_secs(30);
