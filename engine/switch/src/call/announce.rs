//! What is said after the answer, before the two hear each other: to an agent alone for which queue the call is, and to who was called
//! outside that it is recorded.

use std::time::Duration;

use dialplan::number::TrunkName;
use dialplan::say::{Part, PromptName, defaults};
use hooks::fact::{Direction, PeerKind};

use super::{Call, Stage};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::leg::Leg;
use crate::media::{EndpointId, PlayerId, Sound, Source};

/// It is being said.
#[derive(Debug)]
pub(super) struct Announcement {
    to: LegIndex,
    other: Meanwhile,
    player: PlayerId,
    until: Duration,
}

/// What the other party hears of it.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    /// Nothing: music.
    Music,
    /// All, so that he knows when he is heard.
    TheSame,
}

impl Call {
    /// Tells who answered for which queue the call is, if that is wanted there. The caller hears music meanwhile.
    pub(super) fn tell_agent(&mut self, desk: &mut Desk, agent: LegIndex) {
        let name = self.queueing.last.as_ref().and_then(|queue| queue.agent_announcement.clone());
        let Some(name) = name else { return };
        let parts = vec![Part::Prompt(defaults::QUEUE_CALL_FOR), Part::Prompt(name)];
        self.announce(desk, agent, Meanwhile::Music, parts, WHISPER_MAX);
    }

    /// Tells who was called by a trunk that he is recorded, if he is and that is wanted there (REC-08). Help is not kept waiting.
    pub(super) fn tell_recorded(&mut self, desk: &mut Desk, called: LegIndex) {
        let is_outbound = self.about.direction == Direction::Outbound && !self.about.emergency;
        if !is_outbound || !self.tape.is_running() {
            return;
        }
        let Some(name) = self.recording_announcement(called) else { return };
        self.announce(desk, called, Meanwhile::TheSame, vec![Part::Prompt(name)], RECORDED_MAX);
        self.record_from(desk);
        self.rewire(desk);
    }

    /// What the trunk of that leg says to customers; an agent on his mobile is none.
    fn recording_announcement(&self, leg: LegIndex) -> Option<PromptName> {
        let leg = self.leg(leg).filter(|leg| leg.peer.kind == PeerKind::Trunk && leg.agent.is_none())?;
        let name: TrunkName = leg.peer.name.parse().ok()?;
        self.tenant.trunks.get(&name)?.policy.recording_announcement.clone()
    }

    fn announce(&mut self, desk: &mut Desk, to: LegIndex, other: Meanwhile, parts: Vec<Part>, longest: Duration) {
        self.hush_announcement(desk);
        let player = self.say(desk, parts);
        let until = desk.start_timer(longest, TimerKey::Announcement(self.id));
        self.announcement = Some(Announcement { to, other, player, until });
    }

    /// Who is told what both hear, and so is in the recording; not who is about to go.
    pub(super) fn told_aloud(&self, gone: Option<LegIndex>) -> Option<EndpointId> {
        let announcement = self.announcement.as_ref()?;
        let to = Some(announcement.to).filter(|to| Some(*to) != gone)?;
        match announcement.other {
            Meanwhile::Music => None,
            Meanwhile::TheSame => self.leg(to).and_then(Leg::endpoint),
        }
    }

    /// The two are to be connected, but something is said first. False where they hear each other.
    pub(super) fn rewire_announcement(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) -> bool {
        let Some(Announcement { to, other: meanwhile, player, .. }) = self.announcement else { return false };
        let other = match to {
            _ if to == caller => callee,
            _ if to == callee => caller,
            _ => return false,
        };
        self.hear(desk, to, vec![Source::Player(player)]);
        let heard = match meanwhile {
            Meanwhile::Music => Source::Sound(Sound::HoldMusic),
            Meanwhile::TheSame => Source::Player(player),
        };
        self.hear(desk, other, vec![heard]);
        true
    }

    /// It was said to its end. False if it is not that.
    pub(super) fn played_announcement(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        if self.announcement.as_ref().is_none_or(|announcement| announcement.player != player) {
            return false;
        }
        self.announcement_elapsed(desk);
        true
    }

    /// It was said, or was not in time: they hear each other.
    pub(crate) fn announcement_elapsed(&mut self, desk: &mut Desk) {
        self.hush_announcement(desk);
        if matches!(self.stage, Stage::Talking { .. }) {
            self.rewire(desk);
        }
    }

    /// Nothing is said any more.
    pub(super) fn hush_announcement(&mut self, desk: &mut Desk) {
        if let Some(announcement) = self.announcement.take() {
            desk.timers.stop(announcement.until, TimerKey::Announcement(self.id));
            desk.stop_playing(announcement.player);
            if matches!(announcement.other, Meanwhile::TheSame) {
                self.record_from(desk);
            }
        }
    }
}

/// How long an agent may be told something: a prompt of that length names more than a queue.
const WHISPER_MAX: Duration = Duration::from_secs(10);
/// How long it may take to say that a call is recorded; what takes longer is cut off.
const RECORDED_MAX: Duration = Duration::from_secs(30);
