//! Players: prompts sent frame by frame to whoever hears them.

use std::sync::Arc;

use super::endpoint::Heard;
use super::{Deadline, Output, PLAYERS_MAX, Port, Relay, Slot};
use crate::codec::Coder;
use crate::encoded::{EncodedPrompt, FRAME_US};
use crate::event::Refusal;
use crate::out_stream::PlayedFrame;
use crate::prompt::Prompt;
use crate::{EndpointId, Event, Now, PlayerId, Source};

/// One playing prompt.
pub(super) struct Player {
    prompt: Prompt,
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

#[derive(Clone)]
enum FeedState {
    /// The sink has no codec yet, or none that can be encoded.
    NoCodec,
    /// The prompt is being encoded.
    Encoding {
        coder: Coder,
        send_as: u8,
    },
    Playing {
        coder: Coder,
        send_as: u8,
        frames: Arc<EncodedPrompt>,
        due_us: u64,
    },
}

impl Relay {
    pub(super) fn start_player(&mut self, player: PlayerId, prompt: Prompt) -> Result<(), Refusal> {
        if self.players.len() >= PLAYERS_MAX {
            return Err(Refusal::Full("player"));
        }
        self.graph.add_player(player)?;
        self.players.insert(player, Player { prompt, position: Position::Waiting });
        Ok(())
    }

    pub(super) fn stop_player(&mut self, now: Now, player: PlayerId, out: &mut impl Output) -> Result<(), Refusal> {
        let sinks: Vec<EndpointId> = self.graph.hearers_of(Source::Player(player)).collect();
        self.graph.remove_player(player)?;
        for sink in sinks {
            self.rehear(now, sink, out);
        }
        if let Some(stopped) = self.players.remove(&player) {
            if let Position::Playing { ends_us: Some(end), .. } = stopped.position {
                self.deadlines.remove(&(end, Deadline::End(player)));
            }
            self.forget_clip(&stopped.prompt);
        }
        Ok(())
    }

    pub(super) fn end_player(&mut self, now: Now, player: PlayerId, out: &mut impl Output) {
        if self.stop_player(now, player, out).is_ok() {
            out.event(Event::PlayerEnded { player });
        }
    }

    /// A prompt asked for by [`Output::encode`] is ready.
    pub fn prompt_encoded(&mut self, now: Now, prompt: &Prompt, coder: Coder, encoded: EncodedPrompt) {
        // A clip nobody plays any more has been forgotten.
        let Some(entry) = self.prompts.get_mut(&(prompt.clone(), coder)) else { return };
        let encoded = Arc::new(encoded);
        *entry = Some(Arc::clone(&encoded));
        let waiting: Vec<Slot> =
            self.by_id.values().copied().filter(|slot| self.waits_for(*slot, prompt, coder)).collect();
        for slot in waiting {
            self.begin_feed(now, slot, &encoded);
        }
    }

    fn waits_for(&self, slot: Slot, prompt: &Prompt, wanted: Coder) -> bool {
        let Some(Heard::Player(feed)) = self.endpoint(slot).map(|endpoint| &endpoint.heard) else { return false };
        match feed.state {
            FeedState::Encoding { coder, .. } => {
                coder == wanted && self.players.get(&feed.player).is_some_and(|player| player.prompt == *prompt)
            }
            FeedState::NoCodec | FeedState::Playing { .. } => false,
        }
    }

    /// Lets a sink hear a player, as soon as its prompt is there in the sink's codec.
    pub(super) fn start_feed(&mut self, now: Now, slot: Slot, player: PlayerId, out: &mut impl Output) {
        let Some(prompt) = self.players.get(&player).map(|player| player.prompt.clone()) else { return };
        let Some(sink) = self.endpoint_mut(slot) else { return };
        let Some((coder, send_as)) = sink.encodable() else {
            sink.hear(Heard::Player(Feed { player, state: FeedState::NoCodec }));
            return;
        };
        sink.hear(Heard::Player(Feed { player, state: FeedState::Encoding { coder, send_as } }));
        if let Some(encoded) = self.encoded(prompt, coder, out) {
            self.begin_feed(now, slot, &encoded);
        }
    }

    /// A player's prompt in a codec; asks for it if it is not there yet.
    pub(super) fn prompt_of(
        &mut self,
        player: PlayerId,
        coder: Coder,
        out: &mut impl Output,
    ) -> Option<Arc<EncodedPrompt>> {
        let prompt = self.players.get(&player)?.prompt.clone();
        self.encoded(prompt, coder, out)
    }

    fn encoded(&mut self, prompt: Prompt, coder: Coder, out: &mut impl Output) -> Option<Arc<EncodedPrompt>> {
        match self.prompts.get(&(prompt.clone(), coder)) {
            Some(encoded) => encoded.clone(),
            None => {
                out.encode(&prompt, coder);
                self.prompts.insert((prompt, coder), None);
                None
            }
        }
    }

    /// Which frame of a player belongs to an instant; it begins there if nobody has heard it yet.
    pub(super) fn position_of(&mut self, at_us: u64, player: PlayerId, frames: &EncodedPrompt) -> Option<u64> {
        let since_us = self.begin_player(at_us, player, frames)?;
        Some(at_us.saturating_sub(since_us) / FRAME_US)
    }

    /// When a player began: now, if nobody has heard it yet.
    fn begin_player(&mut self, at_us: u64, id: PlayerId, frames: &EncodedPrompt) -> Option<u64> {
        let player = self.players.get_mut(&id)?;
        Some(match player.position {
            Position::Playing { since_us, .. } => since_us,
            Position::Waiting => {
                let ends_us = frames.ends().then(|| at_us + frames.frames() * FRAME_US);
                player.position = Position::Playing { since_us: at_us, ends_us };
                self.deadlines.extend(ends_us.map(|end| (end, Deadline::End(id))));
                at_us
            }
        })
    }

    /// Schedules the first frame of a feed that waits for `frames`.
    fn begin_feed(&mut self, now: Now, slot: Slot, frames: &Arc<EncodedPrompt>) {
        let Some(Heard::Player(feed)) = self.endpoint(slot).map(|endpoint| &endpoint.heard) else { return };
        let FeedState::Encoding { coder, send_as } = feed.state else { return };
        let id = feed.player;
        let Some(since_us) = self.begin_player(now.mono_us, id, frames) else { return };
        let due_us = since_us + now.mono_us.saturating_sub(since_us).next_multiple_of(FRAME_US);
        self.deadlines.insert((due_us, Deadline::Frame(slot)));
        if let Some(sink) = self.endpoint_mut(slot) {
            let state = FeedState::Playing { coder, send_as, frames: Arc::clone(frames), due_us };
            sink.heard = Heard::Player(Feed { player: id, state });
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
        let Some(Player { position: Position::Playing { since_us, .. }, .. }) = self.players.get(&feed.player) else {
            return;
        };
        let FeedState::Playing { coder, send_as, frames, due_us } = &mut feed.state else { return };
        let index = now.mono_us.saturating_sub(*since_us) / FRAME_US;
        let Some(payload) = frames.frame(index) else { return };
        *due_us = since_us + (index + 1) * FRAME_US;
        self.deadlines.insert((*due_us, Deadline::Frame(slot)));
        let Some(to) = to else { return };
        let clock_hz = coder.clock_hz();
        let frame = PlayedFrame { index, samples: clock_hz / 50, clock_hz, send_as: *send_as };
        let header = sink.out.play(now.mono_us, frame);
        let payload_bytes = payload.len();
        let datagram = header.build(payload, &mut self.scratch.0);
        let sent = sink.transmit(slot, Port::Rtp, to, datagram, out);
        sink.count_sent(sent, payload_bytes);
    }

    /// Clips go with their last player; tones and music stay encoded, there are few.
    fn forget_clip(&mut self, prompt: &Prompt) {
        let used = self.players.values().any(|player| player.prompt == *prompt);
        match prompt {
            Prompt::Clip(_) if !used => self.prompts.retain(|(kept, _), _| kept != prompt),
            Prompt::Clip(_) | Prompt::Tone { .. } | Prompt::HoldMusic => {}
        }
    }
}
