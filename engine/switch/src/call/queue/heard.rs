//! What is heard by who waits in a queue: music, and where he stands.

use std::time::Duration;

use dialplan::say::{Part, PromptName, defaults};

use super::super::{Call, Service, Stage};
use crate::config::Queue;
use crate::desk::Desk;
use crate::leg::Hold;
use crate::media::{Detect, PlayerId, Sound, Source};
use crate::players::Audience;

/// What is heard between what is said (QUEUE-05).
#[derive(Debug)]
pub(super) enum Music {
    /// That of every line.
    Stock,
    /// The queue's own, which was not heard yet.
    Own(PromptName),
    /// The queue's own.
    Playing(PlayerId),
}

impl Music {
    pub(super) fn of(queue: &Queue) -> Self {
        queue.music.clone().map_or(Self::Stock, Self::Own)
    }
}

impl Call {
    /// The caller is told where he stands (QUEUE-04).
    pub(crate) fn announce_place(&mut self, desk: &mut Desk, position: u32, expected_wait: Option<Duration>) {
        let Some(wait) = self.wait_mut() else { return };
        wait.speaker.say(place(position, expected_wait));
        self.rewire(desk);
    }

    /// What is said to who waits was said to its end. False if it is not what the queue says.
    pub(in crate::call) fn played_in_queue(&mut self, desk: &mut Desk, player: PlayerId) -> bool {
        let Some(wait) = self.wait_mut() else { return false };
        // Music goes on for ever, unless there is none in it.
        let is_music = matches!(wait.music, Music::Playing(music) if music == player);
        if is_music {
            wait.music = Music::Stock;
        }
        let is_said = wait.speaker.ended(player);
        let is_its = is_music || is_said;
        if is_said && std::mem::take(&mut wait.is_owed) {
            self.queueing.knows_recorded = true;
            if self.may_stand_in_line() {
                self.join_queue(desk);
                return true;
            }
        }
        if is_its {
            self.rewire(desk);
        }
        is_its
    }

    /// Says what the caller hears: what is to be said, else music.
    pub(in crate::call) fn rewire_queue(&mut self, desk: &mut Desk) {
        let (id, tenant) = (self.id, self.tenant.clone());
        let Stage::Served { caller, by: Service::Queue(wait), .. } = &mut self.stage else { return };
        let caller = *caller;
        let leg = &mut self.legs[caller.at()];
        if leg.hold() == Hold::Off
            && let Some(parts) = wait.speaker.take_next()
        {
            wait.speaker.began(desk.play(Audience::Call(id), &tenant.tenant, tenant.language, parts));
        }
        let said = wait.speaker.playing();
        if let (None, Music::Own(music)) = (said, &wait.music) {
            let parts = vec![Part::Prompt(music.clone())];
            wait.music = Music::Playing(desk.play_on(Audience::Call(id), &tenant.tenant, tenant.language, parts));
        }
        let heard = match (said, &wait.music) {
            (Some(player), _) => Source::Player(player),
            (None, Music::Playing(player)) => Source::Player(*player),
            (None, Music::Stock | Music::Own(_)) => Source::Sound(Sound::HoldMusic),
        };
        if let Some(session) = leg.session_mut() {
            session.listen(desk, Detect::On);
        }
        self.hear(desk, caller, vec![heard]);
    }
}

/// "You are number 3 in line. The expected wait is 2 minutes."
fn place(position: u32, expected_wait: Option<Duration>) -> Vec<Part> {
    let place = match position {
        0 | 1 => vec![Part::Prompt(defaults::YOU_ARE_NEXT)],
        _ => vec![Part::Prompt(defaults::YOU_ARE), Part::Number(u64::from(position)), Part::Prompt(defaults::IN_LINE)],
    };
    let wait = expected_wait.map(|wait| wait.as_secs() / 60).map_or(Vec::new(), |minutes| match minutes {
        0 => vec![Part::Prompt(defaults::WAIT_UNDER_A_MINUTE)],
        _ => {
            vec![Part::Prompt(defaults::EXPECTED_WAIT), Part::Number(minutes), Part::Prompt(defaults::MINUTES)]
        }
    });
    place.into_iter().chain(wait).collect()
}
