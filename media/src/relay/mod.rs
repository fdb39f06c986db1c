//! The packet plane: obeys commands, forwards packets, mixes rooms, feeds players, reports. No sockets, no clock.
//!
//! `media-io` drives it with real packets; tests drive it with made-up ones. It answers through [`Output`].

mod browsers;
mod digits;
mod ear;
mod encodings;
mod endpoint;
mod hearing;
mod packets;
mod players;
mod reports;
mod rooms;
mod sizes;
mod sound_keys;
mod spoken;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::codec::Coder;
use crate::dtls::Dtls;
use crate::event::Refusal;
use crate::ice::SharedSocket;
use crate::rtp::{Header, PACKET_BYTES_MAX};
use crate::{
    Activity, Channels, Command, Detect, EndpointId, Event, Graph, Hear, Now, OpenEndpoint, PlayerId, Prompt,
    RecorderId, Spoken, StartRecorder,
};
use browsers::Browsers;
pub use browsers::Burden;
use encodings::Encodings;
use endpoint::Endpoint;
use players::Player;
use rooms::{RoomId, Rooms};
pub use sizes::Sizes;

/// What the relay makes happen.
pub trait Output {
    /// Binds the sockets of an endpoint; the error is the operating system's words.
    ///
    /// # Errors
    /// The ports are taken or the address is not ours.
    fn bind(&mut self, slot: Slot, open: &OpenEndpoint) -> Result<Bound, String>;
    /// Closes them.
    fn unbind(&mut self, slot: Slot);
    /// Sends a datagram; false if the operating system would not take it.
    fn send(&mut self, slot: Slot, port: Port, to: SocketAddr, datagram: &[u8]) -> bool;
    /// Where browsers reach us; `None` where no socket is open to them.
    fn shared_address(&self) -> Option<SocketAddr> {
        None
    }
    /// Sends a datagram from a socket that browsers share; false if the operating system would not take it.
    fn send_shared(&mut self, _: SharedSocket, _: SocketAddr, _: &[u8]) -> bool {
        false
    }
    /// Begins a DTLS association with a browser; `None` where no socket is open to them.
    fn dtls(&mut self, _: Now) -> Option<Box<dyn Dtls>> {
        None
    }
    /// Tells an event.
    fn event(&mut self, event: Event);
    /// Asks for a prompt to be encoded elsewhere; answered by [`Relay::prompt_encoded`], portion by portion.
    fn encode(&mut self, prompt: &Prompt, coder: Coder);
    /// A recording begins: taps of its endpoints follow.
    fn start_recorder(&mut self, now: Now, start: StartRecorder);
    /// Others are recorded.
    fn record_from(&mut self, now: Now, recorder: RecorderId, channels: Channels);
    /// Silence is recorded, or no more.
    fn pause_recorder(&mut self, now: Now, recorder: RecorderId, pause: Pause);
    /// A recording ends: all its taps have been given.
    fn stop_recorder(&mut self, now: Now, recorder: RecorderId);
    /// An audio packet of an endpoint that is being recorded, or 20 ms of what a player says to it.
    fn tap(&mut self, tap: Tap<'_>);
}

/// Place of an endpoint in the relay's table; used again after the endpoint is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// Which of an endpoint's two sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// The even one, for RTP (and RTCP of peers that multiplex).
    Rtp,
    /// The odd one, for RTCP.
    Rtcp,
}

/// What becomes of a recording that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Silence is recorded.
    Begins,
    /// What is said is recorded again.
    Ends,
}

/// Where sockets are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// RTP.
    pub rtp: SocketAddr,
    /// RTCP.
    pub rtcp: SocketAddr,
}

/// A packet as a recorder wants it.
#[derive(Debug, Clone, Copy)]
pub struct Tap<'a> {
    /// At which endpoint.
    pub endpoint: EndpointId,
    /// Whether its party said it, or was told it.
    pub spoken: Spoken,
    /// When it came, or went, on the monotonic clock.
    pub mono_us: u64,
    /// How to decode it; `None` if nothing can.
    pub coder: Option<Coder>,
    /// Header as it came.
    pub header: Header,
    /// Payload as it came.
    pub payload: &'a [u8],
}

/// The packet plane.
#[derive(Default)]
pub struct Relay {
    graph: Graph,
    slots: Vec<Option<Box<Endpoint>>>,
    free: Vec<Slot>,
    by_id: BTreeMap<EndpointId, Slot>,
    players: BTreeMap<PlayerId, Player>,
    rooms: Rooms,
    encodings: Encodings,
    browsers: Browsers,
    deadlines: BTreeSet<(u64, Deadline)>,
    scratch: Scratch,
}

/// What is due at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deadline {
    /// Rooms to be formed anew.
    Rooms,
    /// A room's next 20 ms.
    Room(RoomId),
    /// A player's next frame to an endpoint.
    Frame(Slot),
    /// An RTCP report.
    Report(Slot),
    /// The end of a stretch whose quality is told.
    Stretch(Slot),
    /// A look at whether the peer has been silent too long.
    Silence(Slot),
    /// A look at a browser: its silence, its handshake.
    Browser(Slot),
    /// A look at whether a party has fallen silent.
    Pause(Slot),
    /// The next packet of a key that is pressed toward an endpoint.
    Key(Slot),
    /// The end of a playlist that plays once.
    End(PlayerId),
}

/// Room for one packet being made.
struct Scratch([u8; PACKET_BYTES_MAX]);

impl Default for Scratch {
    fn default() -> Self {
        Self([0; PACKET_BYTES_MAX])
    }
}

impl Relay {
    /// Obeys a command; what cannot be obeyed gives [`Event::Refused`].
    pub fn handle(&mut self, now: Now, command: Command, out: &mut impl Output) {
        let obeyed = match command {
            Command::Open(open) => self.open(now, &open, out),
            Command::OpenBrowser(open) => self.open_browser(now, open, out),
            Command::RestartIce { endpoint, local } => self.restart_ice(endpoint, local),
            Command::Configure { endpoint, session } => {
                self.slot(endpoint).map(|slot| self.configure(now, slot, session, out))
            }
            Command::Close(endpoint) => self.slot(endpoint).map(|slot| self.close(now, slot, out)),
            Command::StartPlayer { player, playlist } => self.start_player(player, playlist, out),
            Command::StopPlayer(player) => self.stop_player(now, player, out),
            Command::Hear(hear) => self.hear(now, &hear, out),
            Command::SetGain(edge) => self.set_gain(now, &edge, out),
            Command::SendDigits { endpoint, digits } => {
                self.slot(endpoint).map(|slot| self.send_digits(now, slot, &digits, out))
            }
            Command::DetectKeys { endpoint, detect } => self.slot(endpoint).map(|slot| self.detect_keys(slot, detect)),
            Command::DetectVoice { endpoint, detect } => {
                self.slot(endpoint).map(|slot| self.detect_voice(slot, detect))
            }
            Command::StartRecorder(start) => self.start_recorder(now, start, out),
            Command::RecordFrom { recorder, channels } => self.record_from(now, recorder, channels, out),
            Command::PauseRecorder(recorder) => self.pause_recorder(now, recorder, Pause::Begins, out),
            Command::ResumeRecorder(recorder) => self.pause_recorder(now, recorder, Pause::Ends, out),
            Command::StopRecorder(recorder) => self.stop_recorder(now, recorder, out),
        };
        if let Err(reason) = obeyed {
            out.event(Event::Refused { reason });
        }
    }

    /// When [`Relay::handle_timeout`] wants to be called, on the monotonic clock in µs; `None` while nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// Does what has become due.
    pub fn handle_timeout(&mut self, now: Now, out: &mut impl Output) {
        // Whatever is scheduled in here lies in the future, but for rooms to be formed once, so this ends.
        while let Some((due, deadline)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now.mono_us) {
            self.deadlines.remove(&(due, deadline));
            match deadline {
                Deadline::Rooms => self.form_rooms(now),
                Deadline::Room(room) => self.tick(now, room, out),
                Deadline::Frame(slot) => self.send_frame(now, slot, out),
                Deadline::Report(slot) => self.send_report(now, slot, out),
                Deadline::Stretch(slot) => self.close_stretch(now, slot, out),
                Deadline::Silence(slot) => self.check_silence(now, slot, out),
                Deadline::Pause(slot) => self.look_for_pause(now, slot, out),
                Deadline::Browser(slot) => self.look_at_browser(now, slot, out),
                Deadline::Key(slot) => self.send_key(now, slot, out),
                Deadline::End(player) => self.end_player(now, player, out),
            }
        }
    }

    /// Closes everything, as at shutdown.
    pub fn close_all(&mut self, now: Now, out: &mut impl Output) {
        let recorders: Vec<RecorderId> = self.graph.recorders().map(|(recorder, _)| recorder).collect();
        for recorder in recorders {
            self.handle(now, Command::StopRecorder(recorder), out);
        }
        let endpoints: Vec<EndpointId> = self.by_id.keys().copied().collect();
        for endpoint in endpoints {
            self.handle(now, Command::Close(endpoint), out);
        }
        self.form_rooms(now);
        self.deadlines.retain(|(_, deadline)| *deadline != Deadline::Rooms);
    }

    /// Who hears whom.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    fn slot(&self, endpoint: EndpointId) -> Result<Slot, Refusal> {
        self.by_id.get(&endpoint).copied().ok_or(Refusal::NoSuchEndpoint(endpoint))
    }

    fn endpoint(&self, slot: Slot) -> Option<&Endpoint> {
        self.slots.get(slot.0 as usize)?.as_deref()
    }

    fn endpoint_mut(&mut self, slot: Slot) -> Option<&mut Endpoint> {
        self.slots.get_mut(slot.0 as usize)?.as_deref_mut()
    }

    fn open(&mut self, now: Now, open: &OpenEndpoint, out: &mut impl Output) -> Result<(), Refusal> {
        let slot = self.free_slot(open.endpoint)?;
        match out.bind(slot, open) {
            Ok(bound) => self.install(now, slot, Endpoint::new(now, open.endpoint, open.seed), bound, out),
            Err(reason) => {
                self.free.push(slot);
                out.event(Event::OpenFailed { endpoint: open.endpoint, reason });
                Ok(())
            }
        }
    }

    /// A place for a new endpoint.
    fn free_slot(&mut self, id: EndpointId) -> Result<Slot, Refusal> {
        if self.by_id.contains_key(&id) {
            return Err(Refusal::EndpointExists(id));
        }
        if self.by_id.len() >= ENDPOINTS_MAX {
            return Err(Refusal::Full("endpoint"));
        }
        Ok(self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot(u32::try_from(self.slots.len() - 1).expect("bounded by ENDPOINTS_MAX"))
        }))
    }

    fn install(
        &mut self,
        now: Now,
        slot: Slot,
        endpoint: Endpoint,
        bound: Bound,
        out: &mut impl Output,
    ) -> Result<(), Refusal> {
        let (id, mut endpoint) = (endpoint.id, Box::new(endpoint));
        self.graph.add_endpoint(id)?;
        self.by_id.insert(id, slot);
        self.deadlines.insert((endpoint.first_report(now), Deadline::Report(slot)));
        self.deadlines.insert((endpoint.observer.due_us(), Deadline::Stretch(slot)));
        self.slots[slot.0 as usize] = Some(endpoint);
        out.event(Event::Opened { endpoint: id, rtp: bound.rtp, rtcp: bound.rtcp });
        Ok(())
    }

    fn configure(&mut self, now: Now, slot: Slot, session: crate::Session, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let old_due = endpoint.silence_due();
        let browser = session.browser.clone();
        let new_due = endpoint.configure(now, session);
        let (id, listeners) = (endpoint.id, endpoint.listeners.clone());
        endpoint.transcodes = false;
        if let Some(due) = old_due {
            self.deadlines.remove(&(due, Deadline::Silence(slot)));
        }
        self.deadlines.extend(new_due.map(|due| (due, Deadline::Silence(slot))));
        if let Some(peer) = browser {
            self.agree_browser(now, slot, &peer, out);
        }
        let relayed: Vec<EndpointId> =
            listeners.into_iter().filter_map(|sink| self.endpoint(sink)).map(|sink| sink.id).collect();
        for sink in relayed.into_iter().chain(self.mixed_hearers(id)).chain([id]) {
            self.rehear(now, sink, out);
        }
    }

    fn close(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        self.send_bye(now, slot, out);
        self.drop_tone(now, slot, out);
        let Some(id) = self.endpoint(slot).map(|endpoint| endpoint.id) else { return };
        let mixed = self.mixed_hearers(id);
        let nothing = Hear { sink: id, sources: Vec::new() };
        let (deaf, removed) = (self.graph.hear(&nothing), self.graph.remove_endpoint(id));
        debug_assert!(deaf.is_ok() && removed.is_ok(), "table and graph hold the same endpoints");
        self.rehear(now, id, out);
        let Some(mut endpoint) = self.slots.get_mut(slot.0 as usize).and_then(Option::take) else { return };
        self.by_id.remove(&id);
        for (due, deadline) in endpoint.deadlines(slot) {
            self.deadlines.remove(&(due, deadline));
        }
        if let Some(browser) = &endpoint.browser {
            self.close_browser(slot, browser);
        }
        let relayed: Vec<EndpointId> =
            endpoint.listeners.iter().filter_map(|sink| self.endpoint(*sink)).map(|sink| sink.id).collect();
        for sink in relayed.into_iter().chain(mixed) {
            self.rehear(now, sink, out);
        }
        self.free.push(slot);
        out.unbind(slot);
        let totals = endpoint.totals();
        let timeline = endpoint.observer.finish(now, totals);
        out.event(Event::Closed { endpoint: id, stats: endpoint.stats(), timeline });
    }

    fn close_stretch(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let totals = endpoint.totals();
        let (id, sample) = (endpoint.id, endpoint.observer.close_stretch(now, totals));
        let due = endpoint.observer.due_us();
        self.deadlines.insert((due, Deadline::Stretch(slot)));
        if let Some(sample) = sample {
            out.event(Event::Measured { endpoint: id, sample });
        }
    }

    fn start_recorder(&mut self, now: Now, start: StartRecorder, out: &mut impl Output) -> Result<(), Refusal> {
        if self.graph.recorders().len() >= RECORDERS_MAX {
            return Err(Refusal::Full("recorder"));
        }
        self.graph.add_recorder(start.recorder, &start.channels)?;
        self.count_taps(&start.channels, |taps| taps + 1);
        out.start_recorder(now, start);
        Ok(())
    }

    fn record_from(
        &mut self,
        now: Now,
        recorder: RecorderId,
        channels: Channels,
        out: &mut impl Output,
    ) -> Result<(), Refusal> {
        let before = self.recorded_by(recorder)?;
        self.graph.record_from(recorder, &channels)?;
        // The new ones' packets come after the order, those of the ones that go before it.
        out.record_from(now, recorder, channels.clone());
        self.count_taps(&channels, |taps| taps + 1);
        self.count_taps(&before, |taps| taps.saturating_sub(1));
        Ok(())
    }

    fn pause_recorder(
        &mut self,
        now: Now,
        recorder: RecorderId,
        pause: Pause,
        out: &mut impl Output,
    ) -> Result<(), Refusal> {
        self.graph.pause_recorder(recorder, pause == Pause::Begins)?;
        out.pause_recorder(now, recorder, pause);
        Ok(())
    }

    fn stop_recorder(&mut self, now: Now, recorder: RecorderId, out: &mut impl Output) -> Result<(), Refusal> {
        let recorded = self.recorded_by(recorder)?;
        self.graph.remove_recorder(recorder)?;
        self.count_taps(&recorded, |taps| taps.saturating_sub(1));
        out.stop_recorder(now, recorder);
        Ok(())
    }

    fn recorded_by(&self, recorder: RecorderId) -> Result<Channels, Refusal> {
        let recorded = self.graph.recorder(recorder).ok_or(Refusal::NoSuchRecorder(recorder))?;
        Ok(recorded.channels.clone())
    }

    fn detect_keys(&mut self, slot: Slot, detect: Detect) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        match detect {
            Detect::On => drop(endpoint.sound_keys.get_or_insert_default()),
            Detect::Off => endpoint.sound_keys = None,
        }
    }

    fn detect_voice(&mut self, slot: Slot, detect: Detect) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        match detect {
            Detect::On => drop(endpoint.spoken.get_or_insert_default()),
            Detect::Off => {
                let due = endpoint.spoken.take().and_then(|spoken| spoken.due_us());
                due.into_iter().for_each(|due| _ = self.deadlines.remove(&(due, Deadline::Pause(slot))));
            }
        }
    }

    fn look_for_pause(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let Some(spoken) = &mut endpoint.spoken else { return };
        if spoken.look(now.mono_us) {
            out.event(Event::Voice { endpoint: endpoint.id, activity: Activity::Silence });
        } else if let Some(due) = spoken.take_look() {
            self.deadlines.insert((due, Deadline::Pause(slot)));
        }
    }

    fn count_taps(&mut self, channels: &Channels, change: impl Fn(u32) -> u32) {
        for (id, spoken) in channels.voices() {
            let Some(endpoint) = self.slot(id).ok().and_then(|slot| self.endpoint_mut(slot)) else { continue };
            let taps = match spoken {
                Spoken::ByParty => &mut endpoint.taps,
                Spoken::ToParty => &mut endpoint.told_taps,
            };
            *taps = change(*taps);
        }
    }

    fn check_silence(&mut self, now: Now, slot: Slot, out: &mut impl Output) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        match endpoint.check_silence(now) {
            endpoint::Silence::TooLong => out.event(Event::TimedOut { endpoint: endpoint.id }),
            endpoint::Silence::LookAgain(due) => {
                self.deadlines.insert((due, Deadline::Silence(slot)));
            }
            endpoint::Silence::NotWatched => {}
        }
    }
}

/// Endpoints of one relay: beyond this the node has no ports left anyway.
pub const ENDPOINTS_MAX: usize = 32_768;
/// Recordings at once.
pub const RECORDERS_MAX: usize = 16_384;
/// Players at once.
pub const PLAYERS_MAX: usize = 16_384;

#[cfg(test)]
mod tests;
