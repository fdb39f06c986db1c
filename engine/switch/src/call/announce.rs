//! What an agent alone hears before he is connected with a caller of a queue: for which queue it is. The caller hears music meanwhile.

use std::time::Duration;

use dialplan::say::{Part, defaults};

use super::{Call, Stage};
use crate::desk::{Desk, LegIndex, TimerKey};
use crate::media::{PlayerId, Sound, Source};

/// It is being said.
#[derive(Debug)]
pub(super) struct Whisper {
    agent: LegIndex,
    player: PlayerId,
    until: Duration,
}

impl Call {
    /// Tells who answered for which queue the call is, if that is wanted there.
    pub(super) fn tell_agent(&mut self, desk: &mut Desk, agent: LegIndex) {
        let name = self.queueing.last.as_ref().and_then(|queue| queue.agent_announcement.clone());
        let Some(name) = name else { return };
        let parts = vec![Part::Prompt(defaults::QUEUE_CALL_FOR), Part::Prompt(name)];
        let player = self.say(desk, parts);
        let until = desk.start_timer(WHISPER_MAX, TimerKey::Whisper(self.id));
        self.queueing.whisper = Some(Whisper { agent, player, until });
    }

    /// The two are to be connected, but one is being told something first. False where they hear each other.
    pub(super) fn rewire_whisper(&mut self, desk: &mut Desk, caller: LegIndex, callee: LegIndex) -> bool {
        let Some(whisper) = &self.queueing.whisper else { return false };
        let (agent, player) = (whisper.agent, whisper.player);
        let other = match agent {
            _ if agent == caller => callee,
            _ if agent == callee => caller,
            _ => return false,
        };
        self.hear(desk, agent, vec![Source::Player(player)]);
        self.hear(desk, other, vec![Source::Sound(Sound::HoldMusic)]);
        true
    }

    /// It was said to its end. False if it is not that.
    pub(super) fn played_to_agent(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        if self.queueing.whisper.as_ref().is_none_or(|whisper| whisper.player != player) {
            return false;
        }
        self.whisper_elapsed(desk);
        true
    }

    /// It was said, or was not in time: they hear each other.
    pub(crate) fn whisper_elapsed(&mut self, desk: &mut Desk) {
        self.hush_whisper(desk);
        if matches!(self.stage, Stage::Talking { .. }) {
            self.rewire(desk);
        }
    }

    /// Nothing is said any more.
    pub(super) fn hush_whisper(&mut self, desk: &mut Desk) {
        if let Some(whisper) = self.queueing.whisper.take() {
            desk.timers.stop(whisper.until, TimerKey::Whisper(self.id));
            desk.stop_playing(whisper.player);
        }
    }
}

/// How long an agent may be told something: a prompt of that length names more than a queue.
const WHISPER_MAX: Duration = Duration::from_secs(10);
