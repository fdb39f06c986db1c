//! An agent's mobile answered: whether it is he is shown by a key (PHONE-13), so that a mailbox never takes a call. Until then it rings,
//! for the caller as for everybody else.

use std::time::Duration;

use dialplan::say::{Part, defaults};
use hooks::fact::{EndCause, PeerKind};
use sip::message::StatusCode;

use super::{Call, Verdict};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::media::{Detect, PlayerId, Source};

/// A mobile that answered and has not pressed the key.
#[derive(Debug)]
pub(super) struct Unconfirmed {
    leg: LegIndex,
    /// It is told what to press.
    player: PlayerId,
    until: Duration,
}

impl Call {
    /// Asks who answered to press the key, if it is the mobile of an agent for whom that is set. False if there is nothing to ask.
    pub(super) fn asks_to_confirm(&mut self, desk: &mut Desk, leg: LegIndex) -> bool {
        let this = &self.legs[leg.at()];
        let agent = this.agent.filter(|_| this.peer.kind == PeerKind::Trunk && !self.is_supervisor(leg));
        let set = agent.and_then(|agent| desk.floor.number_of(agent)).and_then(|number| self.tenant.agents.get(number));
        if !set.is_some_and(|agent| agent.mobile_confirm_key) {
            return false;
        }
        let until = desk.start_timer(CONFIRM_MAX, TimerKey::Confirm(self.leg_ref(leg)));
        if let Some(session) = self.legs[leg.at()].session_mut() {
            session.listen(desk, Detect::On);
        }
        let player = self.ask_for_key(desk, leg);
        self.unconfirmed.push(Unconfirmed { leg, player, until });
        self.changed = true;
        self.rewire(desk);
        true
    }

    fn ask_for_key(&mut self, desk: &mut Desk, leg: LegIndex) -> PlayerId {
        let words = vec![Part::Prompt(defaults::MOBILE_CONFIRM)];
        let player = self.say(desk, words);
        self.hear(desk, leg, vec![Source::Player(player)]);
        player
    }

    /// Whether that leg is a mobile that has yet to press the key.
    pub(super) fn is_unconfirmed(&self, leg: LegIndex) -> bool {
        self.unconfirmed.iter().any(|one| one.leg == leg)
    }

    /// It was said to its end: it is said again. False if it is not that.
    pub(super) fn played_to_confirm(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let Some(at) = self.unconfirmed.iter().position(|one| one.player == player) else { return false };
        let player = self.ask_for_key(desk, self.unconfirmed[at].leg);
        self.unconfirmed[at].player = player;
        true
    }

    /// A mobile pressed a key. False if it was not asked for one.
    pub(super) fn pressed_to_confirm(&mut self, desk: &mut Desk, leg: LegIndex, key: char) -> bool {
        if !self.is_unconfirmed(leg) {
            return false;
        }
        if key == CONFIRM_KEY {
            self.forget_unconfirmed(desk, leg);
            if let Some(session) = self.legs[leg.at()].session_mut() {
                session.listen(desk, Detect::Off);
            }
            self.hear(desk, leg, Vec::new());
            self.taken_by(desk, leg);
        }
        true
    }

    /// Nobody pressed it in time.
    pub(crate) fn confirm_elapsed(&mut self, desk: &mut Desk, leg: LegIndex) {
        let status = StatusCode::TEMPORARILY_UNAVAILABLE;
        self.lost_unconfirmed(desk, leg, Verdict { status, cause: EndCause::NoAnswer });
    }

    /// It hung up instead. False if it was not asked for a key.
    pub(super) fn unconfirmed_gone(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) -> bool {
        if !self.is_unconfirmed(leg) {
            return false;
        }
        let verdict = if matches!(cause, EndCause::Normal | EndCause::Cancelled) {
            self.finish_leg(desk, leg, EndCause::Rejected);
            Verdict { status: StatusCode::DECLINE, cause: EndCause::Rejected }
        } else {
            Verdict { status: StatusCode::TEMPORARILY_UNAVAILABLE, cause }
        };
        self.lost_unconfirmed(desk, leg, verdict);
        true
    }

    fn lost_unconfirmed(&mut self, desk: &mut Desk, leg: LegIndex, verdict: Verdict) {
        self.forget_unconfirmed(desk, leg);
        self.hang_up_leg(desk, leg, verdict.cause);
        if self.third_failed(desk, leg, verdict) {
            return;
        }
        self.note(verdict);
        self.end_if_all_failed(desk);
    }

    /// It rings there no more: another one answered, or nobody is to. False if it was not asked for a key.
    pub(super) fn cancel_unconfirmed(&mut self, desk: &mut Desk, leg: LegIndex, cause: EndCause) {
        if self.is_unconfirmed(leg) {
            self.forget_unconfirmed(desk, leg);
            self.hang_up_leg(desk, leg, cause);
        }
    }

    fn forget_unconfirmed(&mut self, desk: &mut Desk, leg: LegIndex) {
        let key = TimerKey::Confirm(self.leg_ref(leg));
        for one in self.unconfirmed.extract_if(.., |one| one.leg == leg) {
            desk.timers.stop(one.until, key);
            desk.stop_playing(one.player);
        }
        self.changed = true;
    }

    /// The call ends, and all its legs with it.
    pub(super) fn drop_unconfirmed(&mut self, desk: &mut Desk) {
        for leg in self.unconfirmed.iter().map(|one| one.leg).collect::<Vec<_>>() {
            self.forget_unconfirmed(desk, leg);
        }
    }
}

/// "You have a call. Press 1 to take it."
const CONFIRM_KEY: char = '1';
/// How long a mobile may take to press it: long enough to hear what to press twice.
const CONFIRM_MAX: Duration = Duration::from_secs(15);
