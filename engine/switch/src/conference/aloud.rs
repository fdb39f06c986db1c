//! What is said aloud in a conference: to all, who comes and goes; to one member, what was done to it.

use dialplan::say::{Part, PromptName, defaults, people};
use hooks::id::{CallId, ConferenceId};

use super::{Conference, Conferences, Lock};
use crate::desk::Desk;
use crate::media::PlayerId;
use crate::players::Audience;

impl Conferences {
    /// What is being said to all. Who is told something of its own meanwhile does not hear it.
    pub(crate) fn announcement(&self, id: ConferenceId) -> Option<PlayerId> {
        self.running.get(&id).and_then(|conference| conference.speaker.playing())
    }

    /// Somebody hears it.
    pub(crate) fn announcement_is_heard(&mut self, id: ConferenceId) {
        if let Some(conference) = self.running.get_mut(&id) {
            conference.speaker_is_heard = true;
        }
    }

    /// It was said to its end: what is to be said next follows.
    pub(crate) fn played(&mut self, id: ConferenceId, player: PlayerId) {
        if let Some(conference) = self.running.get_mut(&id)
            && conference.speaker.ended(player)
        {
            self.stale.insert(id);
        }
    }

    /// A member's call, and what it is to be told.
    pub(crate) fn take_told(&mut self) -> Option<(CallId, PromptName)> {
        self.told.pop_front()
    }
}

impl Conference {
    /// What somebody is told who has just come in; `None` where nothing is said aloud.
    pub(crate) fn welcome(&self) -> Option<Vec<Part>> {
        if !self.room.announce {
            return None;
        }
        let mut parts = vec![Part::Prompt(defaults::CONFERENCE_WELCOME)];
        match self.members.len() {
            0 | 1 => parts.push(Part::Prompt(defaults::CONFERENCE_ALONE)),
            members => parts.extend(people(self.language, members as u64)),
        }
        if self.is_recorded() {
            parts.push(Part::Prompt(defaults::CONFERENCE_RECORDING));
        }
        Some(parts)
    }
}

impl Desk {
    /// Says something to all members.
    pub(crate) fn tell_room(&mut self, id: ConferenceId, prompt: PromptName) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        if conference.room.announce && conference.ending.is_none() {
            conference.speaker.say(vec![Part::Prompt(prompt)]);
            self.conferences.stale.insert(id);
        }
    }

    /// Locks or unlocks, and says so.
    pub(crate) fn lock_room(&mut self, id: ConferenceId, lock: Lock) {
        self.conferences.lock(id, lock);
        self.tell_room(
            id,
            match lock {
                Lock::On => defaults::CONFERENCE_LOCKED,
                Lock::Off => defaults::CONFERENCE_UNLOCKED,
            },
        );
    }

    /// Begins what is to be said to all next. Its members are to hear anew after it, and [`Self::skip_unheard`] is to follow.
    pub(crate) fn speak_in_room(&mut self, id: ConferenceId) {
        let Some(conference) = self.conferences.running.get_mut(&id) else { return };
        conference.speaker_is_heard = false;
        let Some(parts) = conference.speaker.take_next() else { return };
        let (tenant, language) = (conference.tenant.clone(), conference.language);
        let player = self.play(Audience::Conference(id), &tenant, language, parts);
        if let Some(conference) = self.conferences.running.get_mut(&id) {
            conference.speaker.began(player);
        }
    }

    /// Leaves out what nobody hears: it would never end, and it would be old news to those who hear again later.
    pub(crate) fn skip_unheard(&mut self, id: ConferenceId) {
        let Some(conference) = self.conferences.running.get_mut(&id).filter(|it| !it.speaker_is_heard) else { return };
        if let Some(player) = conference.speaker.skip() {
            self.conferences.stale.insert(id);
            self.stop_playing(player);
        }
    }
}
