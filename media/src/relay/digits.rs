//! Keys that are pressed toward a party: by telephone events where it has those, else by sounds in the place of what it hears.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Deadline, Output, Port, Relay, Slot};
use crate::command::DIGITS_MAX;
use crate::encoded::FRAME_US;
use crate::inband;
use crate::out_stream::KeyPacket;
use crate::prompt::{Clip, Playlist, Prompt};
use crate::telephone_event::{event_of, payload};
use crate::{Now, PlayerId, RecordRate};

/// Keys on their way to one party.
pub(super) struct Pressing {
    waiting: VecDeque<char>,
    how: How,
}

enum How {
    /// Packets of an event, `sent` of them so far; the next is due then.
    Event { key: char, sent: u16, due_us: u64 },
    /// The sound of a key.
    Sound,
}

impl Pressing {
    /// When the next packet is due.
    pub(super) fn due(&self) -> Option<u64> {
        match self.how {
            How::Event { due_us, .. } => Some(due_us),
            How::Sound => None,
        }
    }

    /// Whether a key sounds in the place of what is heard.
    pub(super) fn sounds(&self) -> bool {
        matches!(self.how, How::Sound)
    }
}

impl Relay {
    pub(super) fn send_digits(&mut self, now: Now, slot: Slot, digits: &str, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let keys = digits.chars().filter(|key| event_of(*key).is_some());
        if let Some(pressing) = &mut endpoint.pressing {
            let room = DIGITS_MAX.saturating_sub(pressing.waiting.len());
            pressing.waiting.extend(keys.take(room));
            return;
        }
        self.press_next(now, slot, keys.take(DIGITS_MAX).collect(), out);
    }

    fn press_next(&mut self, now: Now, slot: Slot, mut waiting: VecDeque<char>, out: &mut impl Output) {
        let Some(key) = waiting.pop_front() else { return };
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let id = endpoint.id;
        if endpoint.events(0).is_some() {
            let due_us = now.mono_us;
            endpoint.pressing = Some(Box::new(Pressing { waiting, how: How::Event { key, sent: 0, due_us } }));
            self.deadlines.insert((due_us, Deadline::Key(slot)));
        } else if endpoint.encodable().is_some() && self.start_player(tone_of(slot), sound(key), out).is_ok() {
            if let Some(endpoint) = self.endpoint_mut(slot) {
                endpoint.pressing = Some(Box::new(Pressing { waiting, how: How::Sound }));
            }
            self.rehear(now, id, out);
        }
    }

    /// The sound of a key is over.
    pub(super) fn end_tone(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let stopped = self.stop_player(now, tone_of(slot), out);
        debug_assert!(stopped.is_ok(), "a tone plays until it ends or its endpoint closes");
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let id = endpoint.id;
        let waiting = endpoint.pressing.take().map(|pressing| pressing.waiting).unwrap_or_default();
        self.rehear(now, id, out);
        self.press_next(now, slot, waiting, out);
    }

    /// An endpoint closes: its tone does not go on.
    pub(super) fn drop_tone(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let sounds = self.endpoint_mut(slot).and_then(|endpoint| endpoint.pressing.as_ref().map(|it| it.sounds()));
        if sounds == Some(true) {
            let stopped = self.stop_player(now, tone_of(slot), out);
            debug_assert!(stopped.is_ok(), "a tone plays until it ends or its endpoint closes");
        }
    }

    /// Sends the next packet of an event: one each 20 ms while the key is down, its end three times, then a pause.
    pub(super) fn send_key(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else { return };
        let to = endpoint.destination();
        let audio_hz = endpoint.session().and_then(|session| session.formats.first()).map_or(0, |f| f.codec.clock_hz());
        let events = endpoint.events(audio_hz);
        let Some(pressing) = &mut endpoint.pressing else { return };
        let How::Event { key, sent, due_us } = &mut pressing.how else { return };
        let nth = *sent;
        *sent += 1;
        *due_us += FRAME_US;
        let (due_us, key) = (*due_us, *key);
        if nth >= PACKETS + PAUSE_FRAMES {
            let waiting = endpoint.pressing.take().map(|pressing| pressing.waiting).unwrap_or_default();
            return self.press_next(now, slot, waiting, out);
        }
        self.deadlines.insert((due_us, Deadline::Key(slot)));
        let (Some(event), Some((send_as, clock_hz)), Some(to)) = (event_of(key), events, to) else { return };
        if nth >= PACKETS {
            return;
        }
        let frames = u32::from((nth + 1).min(DOWN_FRAMES));
        let duration = u16::try_from(frames * (clock_hz / 50)).unwrap_or(u16::MAX);
        let packet = if nth == 0 { KeyPacket::Begins(send_as) } else { KeyPacket::Goes(send_as) };
        let header = endpoint.out.key(now.mono_us, clock_hz, packet);
        let payload = payload(event, duration, nth + 1 >= DOWN_FRAMES);
        let datagram = header.build(&payload, &mut self.scratch.0);
        let sent = endpoint.transmit(slot, Port::Rtp, to, datagram, out);
        endpoint.count_sent(sent, payload.len());
    }
}

/// The player of the keys that sound toward an endpoint.
pub(super) fn tone_of(slot: Slot) -> PlayerId {
    PlayerId(TONES | u64::from(slot.0))
}

/// The endpoint of such a player.
pub(super) fn toned(player: PlayerId) -> Option<Slot> {
    let slot = player.0.checked_sub(TONES)?;
    u32::try_from(slot).ok().map(Slot)
}

fn sound(key: char) -> Playlist {
    let samples: Arc<[i16]> = inband::render(&key.to_string(), RecordRate::Narrow).into();
    let clip = Clip { name: TONES | u64::from(u32::from(key)), samples, rate: RecordRate::Narrow };
    Playlist::once(vec![Prompt::Clip(clip)])
}

/// Names of players and clips from here on are those of keys; the switch and its bridge count from 1.
const TONES: u64 = 1 << 62;
/// A key is down for 120 ms: receivers must hear 40.
const DOWN_FRAMES: u16 = 6;
/// Of which the last has the end, which is sent three times.
const PACKETS: u16 = DOWN_FRAMES + 2;
/// Between two keys.
const PAUSE_FRAMES: u16 = 4;
