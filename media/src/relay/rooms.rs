//! Rooms: those who hear more than one source, or one whose codec they do not have, and how they come and go.
//!
//! All who hear a party in a mix are in one room, so that the party is decoded once. A room ticks each 20 ms from its
//! own beginning on, and only while somebody is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::ear::Ear;
use super::endpoint::{Endpoint, Heard, Made};
use super::{Deadline, Output, Relay};
use crate::codec::Coder;
use crate::encoded::FRAME_US;
use crate::mix::{Portion, Room, Wish, frame_samples};
use crate::{EndpointId, Now, PlayerId, RecordRate, Source};

/// Name of a room, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct RoomId(u64);

/// All rooms.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomId, Running>,
    named: u64,
    /// Sinks whose wishes have changed or that have left.
    stale: BTreeSet<EndpointId>,
    of_sink: BTreeMap<EndpointId, RoomId>,
}

#[cfg(test)]
impl Rooms {
    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.stale.is_empty() && self.of_sink.is_empty()
    }

    /// What all rooms have cost together.
    pub(super) fn work(&self) -> crate::mix::Work {
        self.rooms.values().fold(crate::mix::Work::default(), |sum, running| {
            let work = running.room.work();
            crate::mix::Work { additions: sum.additions + work.additions, encodes: sum.encodes + work.encodes }
        })
    }

    pub(super) fn count(&self) -> usize {
        self.rooms.len()
    }
}

struct Running {
    room: Room,
    due_us: u64,
    /// Endpoints that are listened to for this room.
    ears: BTreeSet<EndpointId>,
    /// Frames of this tick, in the order of the room's sources.
    frames: Vec<Frame>,
}

/// 20 ms of one source.
#[derive(Default)]
struct Frame {
    samples: Vec<i16>,
    silent: bool,
}

/// What a mixed sink is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) coder: Coder,
    pub(super) send_as: u8,
    /// The only party it hears: whose key presses are sent on.
    pub(super) only: Option<EndpointId>,
}

impl Relay {
    /// A sink's place in a room is to be looked at before the next packet.
    pub(super) fn reseat(&mut self, now: Now, sink: EndpointId) {
        self.rooms.stale.insert(sink);
        self.deadlines.insert((now.mono_us, Deadline::Rooms));
    }

    /// Sinks that are in a room with a source.
    pub(super) fn mixed_hearers(&self, source: EndpointId) -> Vec<EndpointId> {
        let ear = self.slot(source).ok().and_then(|slot| self.endpoint(slot)?.ear.as_ref());
        let Some(room) = ear.and_then(|ear| self.rooms.rooms.get(&ear.room)) else { return Vec::new() };
        room.room
            .sinks()
            .filter(|sink| self.graph.heard_by(*sink).any(|heard| heard == Source::Endpoint(source)))
            .collect()
    }

    /// Forms rooms anew around the sinks that have changed.
    pub(super) fn form_rooms(&mut self, now: Now) {
        let stale = std::mem::take(&mut self.rooms.stale);
        let mut dissolved: BTreeSet<RoomId> = BTreeSet::new();
        for sink in &stale {
            dissolved.extend(self.rooms.of_sink.get(sink));
            for source in self.graph.heard_by(*sink) {
                let Source::Endpoint(source) = source else { continue };
                let ear = self.slot(source).ok().and_then(|slot| self.endpoint(slot)?.ear.as_ref());
                dissolved.extend(ear.map(|ear| ear.room));
            }
        }
        let mut sinks: BTreeSet<EndpointId> = stale;
        for id in &dissolved {
            sinks.extend(self.rooms.rooms.get(id).into_iter().flat_map(|running| running.room.sinks()));
        }
        let mut claimed: BTreeSet<RoomId> = BTreeSet::new();
        for (members, sources) in self.groups(&sinks) {
            let room = members.iter().find_map(|sink| self.rooms.of_sink.get(sink)).filter(|id| !claimed.contains(id));
            let id = room.copied().unwrap_or_else(|| self.begin_room(now));
            claimed.insert(id);
            for sink in &members {
                self.take_seat(*sink, id);
                sinks.remove(sink);
            }
            for source in sources {
                self.listen(source, id);
            }
        }
        // Those that are mixed no more.
        for sink in sinks {
            self.leave(sink);
        }
        for id in dissolved {
            self.end_if_empty(id);
        }
    }

    /// Sinks that belong together, with the parties that they hear.
    fn groups(&self, sinks: &BTreeSet<EndpointId>) -> Vec<(Vec<EndpointId>, BTreeSet<EndpointId>)> {
        let mut groups: Vec<(Vec<EndpointId>, BTreeSet<EndpointId>)> = Vec::new();
        let mut of_source: BTreeMap<EndpointId, usize> = BTreeMap::new();
        for sink in sinks.iter().filter(|sink| self.seat(**sink).is_some()) {
            let sources: BTreeSet<EndpointId> = self.graph.heard_by(*sink).filter_map(party).collect();
            let near: BTreeSet<usize> = sources.iter().filter_map(|source| of_source.get(source).copied()).collect();
            let mut near = near.into_iter();
            let into = near.next().unwrap_or_else(|| {
                groups.push(Default::default());
                groups.len() - 1
            });
            for other in near {
                let (members, parties) = std::mem::take(&mut groups[other]);
                of_source.extend(parties.iter().map(|source| (*source, into)));
                groups[into].0.extend(members);
                groups[into].1.extend(parties);
            }
            for source in &sources {
                // Known sources lead to this group already.
                of_source.entry(*source).or_insert(into);
            }
            groups[into].0.push(*sink);
            groups[into].1.extend(sources);
        }
        groups.retain(|(members, _)| !members.is_empty());
        groups
    }

    fn seat(&self, sink: EndpointId) -> Option<Seat> {
        match self.endpoint(self.slot(sink).ok()?)?.heard {
            Heard::Mix(seat) => seat,
            Heard::Nothing | Heard::Endpoint(_) | Heard::Player(_) => None,
        }
    }

    fn begin_room(&mut self, now: Now) -> RoomId {
        self.rooms.named += 1;
        let id = RoomId(self.rooms.named);
        let due_us = now.mono_us + FRAME_US;
        let running = Running { room: Room::default(), due_us, ears: BTreeSet::new(), frames: Vec::new() };
        self.rooms.rooms.insert(id, running);
        self.deadlines.insert((due_us, Deadline::Room(id)));
        id
    }

    fn take_seat(&mut self, sink: EndpointId, id: RoomId) {
        let Some(Seat { coder, .. }) = self.seat(sink) else { return };
        let wish = Wish { edges: self.graph.edges(sink).collect(), coder };
        let before = self.rooms.of_sink.insert(sink, id);
        if before == Some(id) {
            if let Some(running) = self.rooms.rooms.get_mut(&id) {
                running.room.set(sink, wish);
            }
            return;
        }
        let heard = before.and_then(|before| self.rooms.rooms.get_mut(&before)?.room.remove(sink)).unwrap_or_default();
        if let Some(running) = self.rooms.rooms.get_mut(&id) {
            running.room.admit(sink, wish, heard);
        }
        if let Some(endpoint) = self.slot(sink).ok().and_then(|slot| self.endpoint_mut(slot)) {
            // The other room's frames are counted otherwise.
            endpoint.break_feed();
        }
    }

    fn leave(&mut self, sink: EndpointId) {
        let Some(id) = self.rooms.of_sink.remove(&sink) else { return };
        if let Some(running) = self.rooms.rooms.get_mut(&id) {
            running.room.remove(sink);
        }
    }

    /// Listens to a party for a room.
    fn listen(&mut self, source: EndpointId, id: RoomId) {
        if let Some(endpoint) = self.slot(source).ok().and_then(|slot| self.endpoint_mut(slot)) {
            match &mut endpoint.ear {
                Some(ear) => ear.room = id,
                None => endpoint.ear = Some(Box::new(Ear::new(id, endpoint.reception.jitter_ms()))),
            }
        }
        if let Some(running) = self.rooms.rooms.get_mut(&id) {
            running.ears.insert(source);
        }
    }

    fn end_if_empty(&mut self, id: RoomId) {
        if self.rooms.rooms.get(&id).is_none_or(|running| !running.room.is_empty()) {
            return;
        }
        let Some(running) = self.rooms.rooms.remove(&id) else { return };
        self.deadlines.remove(&(running.due_us, Deadline::Room(id)));
        for source in running.ears {
            self.close_ear(source, id);
        }
    }

    fn close_ear(&mut self, source: EndpointId, id: RoomId) {
        let Some(endpoint) = self.slot(source).ok().and_then(|slot| self.endpoint_mut(slot)) else { return };
        if endpoint.ear.as_ref().is_some_and(|ear| ear.room == id) {
            endpoint.close_ear();
        }
    }

    /// Mixes 20 ms of a room and sends them.
    pub(super) fn tick(&mut self, now: Now, id: RoomId, out: &mut impl Output) {
        let Some(mut running) = self.rooms.rooms.remove(&id) else { return };
        let due_us = running.due_us;
        self.gather(now, id, &mut running, out);
        let mut frames = running.frames.iter();
        running.room.tick(
            |_| frames.next().filter(|frame| !frame.silent).map(|frame| frame.samples.as_slice()),
            |portion| self.send_portion(now, due_us / FRAME_US, &portion, out),
        );
        let sources: BTreeSet<EndpointId> = running.room.sources().iter().copied().filter_map(party).collect();
        for source in running.ears.difference(&sources) {
            self.close_ear(*source, id);
        }
        running.ears.retain(|source| sources.contains(source));
        // After a stall frames are skipped, not sent in a bunch.
        let behind = now.mono_us.saturating_sub(due_us) / FRAME_US;
        running.due_us = due_us + (behind + 1) * FRAME_US;
        self.deadlines.insert((running.due_us, Deadline::Room(id)));
        self.rooms.rooms.insert(id, running);
    }

    /// Takes 20 ms from each source of a room.
    fn gather(&mut self, now: Now, id: RoomId, running: &mut Running, out: &mut impl Output) {
        let rate = running.room.rate();
        let Running { room, frames, due_us, .. } = running;
        let sources = room.sources();
        frames.resize_with(sources.len(), Frame::default);
        for (source, frame) in sources.iter().zip(frames) {
            frame.samples.clear();
            frame.silent = match *source {
                Source::Endpoint(source) => {
                    let endpoint = self.slot(source).ok().and_then(|slot| self.endpoint_mut(slot));
                    !endpoint.is_some_and(|endpoint| endpoint.listen(now, id, rate, &mut frame.samples))
                }
                Source::Player(player) => !self.player_frame(*due_us, player, rate, &mut frame.samples, out),
            };
            debug_assert!(frame.silent || frame.samples.len() == frame_samples(rate), "a frame is 20 ms");
        }
    }

    /// Appends a player's frame that belongs to an instant; false if there is none.
    fn player_frame(
        &mut self,
        due_us: u64,
        player: PlayerId,
        rate: RecordRate,
        samples: &mut Vec<i16>,
        out: &mut impl Output,
    ) -> bool {
        let Some(payload) = self.frame_at(due_us, player, Coder::L16(rate), out) else { return false };
        samples.extend(payload.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])));
        true
    }

    fn send_portion(&mut self, now: Now, index: u64, portion: &Portion<'_>, out: &mut impl Output) {
        for sink in portion.sinks {
            let Ok(slot) = self.slot(*sink) else { continue };
            let Some(sink) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else { continue };
            let (Heard::Mix(Some(seat)), Some(to)) = (&sink.heard, sink.destination()) else { continue };
            let Portion { coder, payload, .. } = *portion;
            let made = Made { coder, send_as: seat.send_as, at_ms: index * (FRAME_US / 1_000), payload };
            if portion.payload.is_empty() {
                sink.counts.unsent += 1;
                continue;
            }
            sink.send_made(now, slot, to, &made, &mut self.scratch.0, out);
        }
    }
}

impl Endpoint {
    /// Appends 20 ms of its party for a room; false and nothing where there is nothing to be heard.
    fn listen(&mut self, now: Now, room: RoomId, rate: RecordRate, samples: &mut Vec<i16>) -> bool {
        let Some(ear) = self.ear.as_mut().filter(|ear| ear.room == room) else { return false };
        let heard = ear.pull(now.mono_us, rate, samples);
        if heard {
            self.observer.hear_frame(samples);
        }
        heard
    }

    /// Nobody listens any more; what was counted stays.
    pub(super) fn close_ear(&mut self) {
        if let Some(ear) = self.ear.take() {
            self.buffered = self.buffered.and(ear.stats());
        }
    }
}

fn party(source: Source) -> Option<EndpointId> {
    match source {
        Source::Endpoint(endpoint) => Some(endpoint),
        Source::Player(_) => None,
    }
}
