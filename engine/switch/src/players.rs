//! What is said to a call or in a conference: one announcement after the other, each by a player of the media side.

use std::collections::{BTreeMap, VecDeque};

use dialplan::say::{Language, Part, Repeat};
use hooks::id::{CallId, ConferenceId, TenantId};

use crate::desk::Desk;
use crate::media::{Audio, MediaCommand, PlayerId};

/// To whom something is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// To one party of it.
    Call(CallId),
    /// To all members.
    Conference(ConferenceId),
}

/// All players that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Players {
    running: BTreeMap<PlayerId, Audience>,
    last: u64,
}

impl Players {
    fn begin(&mut self, audience: Audience) -> PlayerId {
        self.last += 1;
        let player = PlayerId(self.last);
        self.running.insert(player, audience);
        player
    }

    /// A player has ended, or is to end: for whom it played.
    pub(crate) fn remove(&mut self, player: PlayerId) -> Option<Audience> {
        self.running.remove(&player)
    }

    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }
}

impl Desk {
    /// Gets something ready to be played once; it begins when it is heard.
    pub(crate) fn play(
        &mut self,
        audience: Audience,
        tenant: &TenantId,
        language: Language,
        parts: Vec<Part>,
    ) -> PlayerId {
        self.play_so(audience, tenant, language, parts, Repeat::Once)
    }

    /// As [`Self::play`], but it begins again whenever it has ended. Without anything in it, it ends at once.
    pub(crate) fn play_on(
        &mut self,
        audience: Audience,
        tenant: &TenantId,
        language: Language,
        parts: Vec<Part>,
    ) -> PlayerId {
        self.play_so(audience, tenant, language, parts, Repeat::Forever)
    }

    fn play_so(
        &mut self,
        audience: Audience,
        tenant: &TenantId,
        language: Language,
        parts: Vec<Part>,
        repeat: Repeat,
    ) -> PlayerId {
        let player = self.players.begin(audience);
        self.media(MediaCommand::Play { player, tenant: tenant.clone(), language, parts, repeat });
        player
    }

    /// As [`Self::play`], of sound that is no prompt.
    pub(crate) fn play_audio(&mut self, audience: Audience, audio: Audio) -> PlayerId {
        let player = self.players.begin(audience);
        self.media(MediaCommand::PlayAudio { player, audio });
        player
    }

    /// Ends a player that has not ended by itself.
    pub(crate) fn stop_playing(&mut self, player: PlayerId) {
        if self.players.remove(player).is_some() {
            self.media(MediaCommand::StopPlaying(player));
        }
    }
}

/// Announcements to the same ears, in order.
#[derive(Debug, Default)]
pub(crate) struct Speaker {
    playing: Option<PlayerId>,
    next: VecDeque<Vec<Part>>,
}

impl Speaker {
    /// Says it behind all else. What is to be said already is not said twice, and where too much is to be said it is left out: ten
    /// who come at once are announced once or twice.
    pub(crate) fn say(&mut self, parts: Vec<Part>) {
        if self.next.len() < WAITING_MAX && !self.next.contains(&parts) {
            self.next.push_back(parts);
        }
    }

    /// What is heard of it now.
    pub(crate) fn playing(&self) -> Option<PlayerId> {
        self.playing
    }

    /// What is to be played next, if nothing is being played.
    pub(crate) fn take_next(&mut self) -> Option<Vec<Part>> {
        if self.playing.is_some() { None } else { self.next.pop_front() }
    }

    /// That is what plays it.
    pub(crate) fn began(&mut self, player: PlayerId) {
        self.playing = Some(player);
    }

    /// A player has ended by itself; whether it was this one's.
    pub(crate) fn ended(&mut self, player: PlayerId) -> bool {
        self.playing.take_if(|playing| *playing == player).is_some()
    }

    /// Whether nothing is being said, nor to be said.
    pub(crate) fn is_silent(&self) -> bool {
        self.playing.is_none() && self.next.is_empty()
    }

    /// Leaves out what has not been said; the player that is to be stopped.
    pub(crate) fn hush(&mut self) -> Option<PlayerId> {
        self.next.clear();
        self.playing.take()
    }

    /// Leaves out what is being said.
    pub(crate) fn skip(&mut self) -> Option<PlayerId> {
        self.playing.take()
    }
}

/// Announcements that may wait for those before them.
const WAITING_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use dialplan::say::defaults;

    use super::*;

    #[test]
    fn announcements_come_one_after_the_other_and_none_waits_twice() {
        let mut speaker = Speaker::default();
        let said = |name| vec![Part::Prompt(name)];
        speaker.say(said(defaults::CONFERENCE_JOINED));
        let first = speaker.take_next();
        speaker.began(PlayerId(1));
        speaker.say(said(defaults::CONFERENCE_JOINED));
        speaker.say(said(defaults::CONFERENCE_LEFT));
        speaker.say(said(defaults::CONFERENCE_JOINED));
        assert_eq!((first, speaker.take_next()), (Some(said(defaults::CONFERENCE_JOINED)), None));
        assert!(!speaker.ended(PlayerId(2)) && speaker.ended(PlayerId(1)) && !speaker.is_silent());
        assert_eq!(speaker.take_next(), Some(said(defaults::CONFERENCE_JOINED)));
        assert_eq!(speaker.take_next(), Some(said(defaults::CONFERENCE_LEFT)));
        assert!(speaker.is_silent());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut speaker = Speaker::default();
        for number in 0..100 {
            speaker.say(vec![Part::Number(number)]);
        }
        assert_eq!(speaker.next.len(), WAITING_MAX);
        assert_eq!((speaker.hush(), speaker.is_silent()), (None, true));
    }
}
