//! Players: playlists sent frame by frame to whoever hears them.

use super::endpoint::{Heard, Made};
use super::{Deadline, Output, PLAYERS_MAX, Relay, Slot, Tap};
use crate::codec::Coder;
use crate::encoded::{FRAME_US, Portion, SILENCE_FRAMES};
use crate::event::Refusal;
use crate::prompt::{Playlist, PromptKey, Repeat};
use crate::rtp::Header;
use crate::{EndpointId, Event, Now, PlayerId, Source, Spoken};

/// One playing playlist.
pub(super) struct Player {
    playlist: Playlist,
    /// At which frame each prompt ends, counted from the beginning.
    ends: Vec<u64>,
    position: Position,
}

/// How far it is.
#[derive(Clone, Copy)]
enum Position {
    /// Begins when the first sink can hear it.
    Waiting,
    Playing {
        since_us: u64,
        /// When it has been played once, if that is all.
        ends_us: Option<u64>,
    },
}

/// A player's way to one sink.
#[derive(Clone)]
pub(super) struct Feed {
    pub(super) player: PlayerId,
    state: FeedState,
}

#[derive(Clone, Copy)]
enum FeedState {
    /// The sink has no codec yet, or none that can be encoded.
    NoCodec,
    /// The first frame is being encoded.
    Encoding {
        coder: Coder,
        send_as: u8,
    },
    Playing {
        coder: Coder,
        send_as: u8,
        due_us: u64,
    },
}

impl Player {
    fn new(playlist: Playlist) -> Self {
        let ends = playlist.prompts.iter().scan(0, |end, prompt| {
            *end += prompt.frames();
            Some(*end)
        });
        Self { ends: ends.collect(), playlist, position: Position::Waiting }
    }

    /// How many frames it has until it ends or begins again.
    fn frames(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Which prompt a frame belongs to, and which frame of that it is; `None` after the end.
    fn locate(&self, index: u64) -> Option<(PromptKey, u64)> {
        let frames = self.frames();
        if frames == 0 || (self.playlist.repeat == Repeat::Once && index >= frames) {
            return None;
        }
        let index = index % frames;
        let nth = self.ends.partition_point(|end| *end <= index);
        let start = if nth == 0 { 0 } else { self.ends[nth - 1] };
        match self.playlist.prompts[nth].key() {
            PromptKey::Silence => Some((PromptKey::Silence, (index - start) % SILENCE_FRAMES)),
            key @ (PromptKey::Tone(..) | PromptKey::Clip(_) | PromptKey::Loop(_)) => Some((key, index - start)),
        }
    }
}

impl Relay {
    pub(super) fn start_player(
        &mut self,
        player: PlayerId,
        playlist: Playlist,
        out: &mut impl Output,
    ) -> Result<(), Refusal> {
        if self.players.len() >= PLAYERS_MAX {
            out.event(Event::PlayerEnded { player });
            return Err(Refusal::Full("player"));
        }
        self.graph.add_player(player)?;
        self.encodings.hold(&playlist.prompts);
        let started = Player::new(playlist);
        let nothing = started.frames() == 0;
        self.players.insert(player, started);
        if nothing {
            self.remove_player(player)?;
            out.event(Event::PlayerEnded { player });
        }
        Ok(())
    }

    pub(super) fn stop_player(&mut self, now: Now, player: PlayerId, out: &mut impl Output) -> Result<(), Refusal> {
        let sinks: Vec<EndpointId> = self.graph.hearers_of(Source::Player(player)).collect();
        self.remove_player(player)?;
        for sink in sinks {
            self.rehear(now, sink, out);
        }
        Ok(())
    }

    fn remove_player(&mut self, player: PlayerId) -> Result<(), Refusal> {
        self.graph.remove_player(player)?;
        if let Some(stopped) = self.players.remove(&player) {
            if let Position::Playing { ends_us: Some(end), .. } = stopped.position {
                self.deadlines.remove(&(end, Deadline::End(player)));
            }
            self.encodings.release(&stopped.playlist.prompts);
        }
        Ok(())
    }

    pub(super) fn end_player(&mut self, now: Now, player: PlayerId, out: &mut impl Output) {
        if let Some(slot) = super::digits::toned(player) {
            return self.end_tone(now, slot, out);
        }
        if self.stop_player(now, player, out).is_ok() {
            out.event(Event::PlayerEnded { player });
        }
    }

    /// The next portion of a prompt asked for by [`Output::encode`] is ready.
    pub fn prompt_encoded(&mut self, now: Now, key: PromptKey, coder: Coder, portion: &Portion) {
        if !self.encodings.append(key, coder, portion) {
            return;
        }
        let waiting: Vec<Slot> =
            self.by_id.values().copied().filter(|slot| self.waits_for(*slot, key, coder)).collect();
        for slot in waiting {
            self.begin_feed(now, slot);
        }
    }

    fn waits_for(&self, slot: Slot, key: PromptKey, wanted: Coder) -> bool {
        let Some(Heard::Player(feed)) = self.endpoint(slot).map(|endpoint| &endpoint.heard) else { return false };
        match feed.state {
            FeedState::Encoding { coder, .. } => {
                let first = self.players.get(&feed.player).and_then(|player| player.locate(0));
                coder == wanted && first.is_some_and(|(first, _)| first == key)
            }
            FeedState::NoCodec | FeedState::Playing { .. } => false,
        }
    }

    /// Lets a sink hear a player, as soon as it can be heard in the sink's codec.
    pub(super) fn start_feed(&mut self, now: Now, slot: Slot, player: PlayerId, out: &mut impl Output) {
        let Some(sink) = self.endpoint_mut(slot) else { return };
        let Some((coder, send_as)) = sink.encodable() else {
            let agreed = sink.session().is_some_and(|session| !session.formats.is_empty());
            sink.hear(Heard::Player(Feed { player, state: FeedState::NoCodec }));
            if agreed {
                // Nobody will ever hear it here, yet it ends.
                self.begin_player(now.mono_us, player);
            }
            return;
        };
        sink.hear(Heard::Player(Feed { player, state: FeedState::Encoding { coder, send_as } }));
        if self.can_begin(player, coder, out) {
            self.begin_feed(now, slot);
        }
    }

    /// Whether a player plays already or its first frame is there; asks for what is not.
    fn can_begin(&mut self, player: PlayerId, coder: Coder, out: &mut impl Output) -> bool {
        let Some(playing) = self.players.get(&player) else { return false };
        self.encodings.want(&playing.playlist.prompts, coder, out);
        match playing.position {
            Position::Playing { .. } => true,
            Position::Waiting => {
                let first = playing.locate(0);
                first.is_some_and(|(key, index)| self.encodings.frame(key, coder, index).is_some())
            }
        }
    }

    /// A player's frame that belongs to an instant; the player begins there if nobody has heard it yet.
    pub(super) fn frame_at(
        &mut self,
        at_us: u64,
        player: PlayerId,
        coder: Coder,
        out: &mut impl Output,
    ) -> Option<&[u8]> {
        if !self.can_begin(player, coder, out) {
            return None;
        }
        let since_us = self.begin_player(at_us, player)?;
        let (key, index) = self.players.get(&player)?.locate(at_us.saturating_sub(since_us) / FRAME_US)?;
        self.encodings.frame(key, coder, index)
    }

    /// When a player began: now, if nobody has heard it yet.
    fn begin_player(&mut self, at_us: u64, id: PlayerId) -> Option<u64> {
        let player = self.players.get_mut(&id)?;
        Some(match player.position {
            Position::Playing { since_us, .. } => since_us,
            Position::Waiting => {
                let ends_us = match player.playlist.repeat {
                    Repeat::Once => Some(at_us + player.frames() * FRAME_US),
                    Repeat::Forever => None,
                };
                player.position = Position::Playing { since_us: at_us, ends_us };
                self.deadlines.extend(ends_us.map(|end| (end, Deadline::End(id))));
                at_us
            }
        })
    }

    /// Schedules the first frame of a feed.
    fn begin_feed(&mut self, now: Now, slot: Slot) {
        let Some(Heard::Player(feed)) = self.endpoint(slot).map(|endpoint| &endpoint.heard) else { return };
        let FeedState::Encoding { coder, send_as } = feed.state else { return };
        let id = feed.player;
        let Some(since_us) = self.begin_player(now.mono_us, id) else { return };
        let due_us = since_us + now.mono_us.saturating_sub(since_us).next_multiple_of(FRAME_US);
        self.deadlines.insert((due_us, Deadline::Frame(slot)));
        if let Some(sink) = self.endpoint_mut(slot) {
            sink.heard = Heard::Player(Feed { player: id, state: FeedState::Playing { coder, send_as, due_us } });
        }
    }

    /// Takes a feed's deadline away; what the sink hears is the caller's to set.
    pub(super) fn stop_feed(&mut self, slot: Slot) {
        let Some(Heard::Player(feed)) = self.endpoint(slot).map(|endpoint| &endpoint.heard) else { return };
        if let FeedState::Playing { due_us, .. } = feed.state {
            self.deadlines.remove(&(due_us, Deadline::Frame(slot)));
        }
    }

    /// Sends the frame that is due to a sink and schedules the next one by the player's own clock: after a stall,
    /// frames are skipped, not sent in a bunch.
    pub(super) fn send_frame(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(sink) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else { return };
        let to = sink.destination();
        let Heard::Player(feed) = &mut sink.heard else { return };
        let Some(player) = self.players.get(&feed.player) else { return };
        let Position::Playing { since_us, .. } = player.position else { return };
        let FeedState::Playing { coder, send_as, due_us } = &mut feed.state else { return };
        let index = now.mono_us.saturating_sub(since_us) / FRAME_US;
        let Some((key, index_there)) = player.locate(index) else { return };
        *due_us = since_us + (index + 1) * FRAME_US;
        self.deadlines.insert((*due_us, Deadline::Frame(slot)));
        // What the encoder has not come to yet, is left out.
        let payload = self.encodings.frame(key, *coder, index_there).filter(|payload| !payload.is_empty());
        let (Some(to), Some(payload)) = (to, payload) else { return };
        let made = Made { coder: *coder, send_as: *send_as, at_ms: index * (FRAME_US / 1_000), payload };
        sink.send_made(now, slot, to, &made, &mut self.scratch.0, out);
        if sink.told_taps > 0 {
            tap_told(now, sink.id, &made, out);
        }
    }
}

/// Gives recorders what was said to a party: a stream of its own, whose time is the player's.
fn tap_told(now: Now, endpoint: EndpointId, made: &Made<'_>, out: &mut impl Output) {
    let frame = made.at_ms / (FRAME_US / 1_000);
    let units = frame.wrapping_mul(u64::from(made.coder.clock_hz()) / (1_000_000 / FRAME_US));
    // RFC 3550 §5.1: both wrap.
    let (sequence, timestamp) = (frame as u16, units as u32);
    let header = Header { payload_type: made.send_as, sequence, timestamp, ..Header::default() };
    let (spoken, coder) = (Spoken::ToParty, Some(made.coder));
    out.tap(Tap { endpoint, spoken, mono_us: now.mono_us, coder, header, payload: made.payload });
}
