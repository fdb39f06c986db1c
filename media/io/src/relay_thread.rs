//! The thread that owns every socket: receives, forwards, paces.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use media::codec::Coder;
use media::dtls::Dtls;
use media::ice::SharedSocket;
use media::relay::{Bound, Burden, Output, Pause, Port, Relay, Slot, Tap};
use media::rtp::PACKET_BYTES_MAX;
use media::{Channels, Command, Event, Now, OpenEndpoint, Prompt, RecorderId, StartRecorder};

use crate::OnEvent;
use crate::clock::Clock;
use crate::dtls::Associations;
use crate::lateness::Lateness;
use crate::occupancy::Occupancy;
use crate::prompts::{Encoded, Wanted};
use crate::recording::Job;
use crate::sockets::{Poller, Readiness, Ready, Sockets, Waker};
use crate::taps::Taps;

/// What others have for this thread; looked into when woken.
pub(crate) struct Inbox {
    pub(crate) commands: Receiver<Command>,
    pub(crate) encoded: Receiver<Encoded>,
}

/// What this thread has for others. Not bounded by themselves: one job per order about a recorder and one per prompt.
pub(crate) struct Orders {
    pub(crate) recordings: Sender<Job>,
    pub(crate) prompts: Sender<Wanted>,
}

/// What others may see of this thread.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) lateness: Lateness,
    pub(crate) occupancy: Occupancy,
}

/// The relay with its sockets.
pub(crate) struct RelayThread {
    clock: Clock,
    poller: Poller,
    waker: Arc<Waker>,
    inbox: Inbox,
    relay: Relay,
    world: World,
    figures: Arc<Figures>,
    buffer: Box<[u8; PACKET_BYTES_MAX]>,
}

/// What the relay acts upon.
pub(crate) struct World {
    sockets: Sockets,
    /// There if sockets are open to browsers.
    associations: Option<Associations>,
    orders: Orders,
    taps: Arc<Taps>,
    on_event: OnEvent,
}

impl RelayThread {
    pub(crate) fn new(clock: Clock, poller: Poller, inbox: Inbox, world: World, figures: Arc<Figures>) -> Self {
        let waker = poller.waker();
        let buffer = Box::new([0; PACKET_BYTES_MAX]);
        Self { clock, poller, waker, inbox, relay: Relay::default(), world, figures, buffer }
    }

    /// Until [`Waker::stop`]; then closes everything. The other threads end when their orders do.
    pub(crate) fn run(mut self) {
        let mut ready = Ready::default();
        while !self.waker.is_stopping() {
            let timeout_us = self.relay.poll_timeout().map(|due| due.saturating_sub(self.clock.now().mono_us));
            self.poller.wait(&mut ready, timeout_us);
            let mut woken = false;
            for readiness in ready.iter() {
                match readiness {
                    Readiness::Readable(slot, port) => {
                        let Some((len, from)) = self.world.sockets.receive(slot, port, &mut self.buffer[..]) else {
                            continue;
                        };
                        let now = self.clock.now();
                        self.relay.receive(now, slot, port, from, &mut self.buffer[..len], &mut self.world);
                    }
                    Readiness::Shared(socket) => self.receive_shared(socket),
                    Readiness::Woken => woken = true,
                }
            }
            if woken {
                self.read_inbox();
            }
            let now = self.clock.now();
            if let Some(due) = self.relay.poll_timeout().filter(|due| *due <= now.mono_us) {
                self.figures.lateness.note(now.mono_us - due);
                self.relay.handle_timeout(now, &mut self.world);
            }
            self.figures.occupancy.note(self.relay.sizes());
        }
        self.read_inbox();
        self.relay.close_all(self.clock.now(), &mut self.world);
    }

    /// One socket brings the packets of many browsers, so it has some in a row; a handshake ends its turn.
    fn receive_shared(&mut self, socket: SharedSocket) {
        for _ in 0..SHARED_PER_TURN {
            let Some((len, from)) = self.world.sockets.receive_shared(socket, &mut self.buffer[..]) else { return };
            let (now, datagram) = (self.clock.now(), &mut self.buffer[..len]);
            match self.relay.receive_shared(now, socket, from, datagram, &mut self.world) {
                Burden::Light => {}
                Burden::Heavy => return,
            }
        }
    }

    fn read_inbox(&mut self) {
        self.waker.acknowledge();
        while let Ok(Encoded { key, coder, portion }) = self.inbox.encoded.try_recv() {
            self.relay.prompt_encoded(self.clock.now(), key, coder, &portion);
        }
        // Packets wait meanwhile, so a flood of commands is taken in portions.
        for _ in 0..COMMANDS_PER_TURN {
            match self.inbox.commands.try_recv() {
                Ok(command) => self.relay.handle(self.clock.now(), command, &mut self.world),
                Err(_) => return,
            }
        }
        self.waker.wake();
    }
}

impl Output for World {
    fn bind(&mut self, slot: Slot, open: &OpenEndpoint) -> Result<Bound, String> {
        self.sockets.bind(slot, open).map_err(|error| error.to_string())
    }

    fn unbind(&mut self, slot: Slot) {
        self.sockets.unbind(slot);
    }

    fn send(&mut self, slot: Slot, port: Port, to: SocketAddr, datagram: &[u8]) -> bool {
        self.sockets.send(slot, port, to, datagram)
    }

    fn shared_address(&self) -> Option<SocketAddr> {
        self.sockets.shared_address()
    }

    fn send_shared(&mut self, socket: SharedSocket, to: SocketAddr, datagram: &[u8]) -> bool {
        self.sockets.send_shared(socket, to, datagram)
    }

    fn dtls(&mut self, now: Now) -> Option<Box<dyn Dtls>> {
        Some(self.associations.as_ref()?.begin(now))
    }

    fn event(&mut self, event: Event) {
        (self.on_event)(event);
    }

    fn encode(&mut self, prompt: &Prompt, coder: Coder) {
        let given = self.orders.prompts.send(Wanted { prompt: prompt.clone(), coder });
        debug_assert!(given.is_ok(), "the prompt thread outlives this one");
    }

    fn start_recorder(&mut self, now: Now, start: StartRecorder) {
        self.give(Job::Start { now, start });
    }

    fn record_from(&mut self, now: Now, recorder: RecorderId, channels: Channels) {
        self.give(Job::From { now, recorder, channels });
    }

    fn pause_recorder(&mut self, now: Now, recorder: RecorderId, pause: Pause) {
        self.give(Job::Pause { now, recorder, pause });
    }

    fn stop_recorder(&mut self, now: Now, recorder: RecorderId) {
        self.give(Job::Stop { now, recorder });
    }

    fn tap(&mut self, tap: Tap<'_>) {
        self.taps.push(tap);
    }
}

impl World {
    pub(crate) fn new(
        sockets: Sockets,
        associations: Option<Associations>,
        orders: Orders,
        taps: Arc<Taps>,
        on_event: OnEvent,
    ) -> Self {
        Self { sockets, associations, orders, taps, on_event }
    }

    fn give(&self, job: Job) {
        let given = self.orders.recordings.send(job);
        debug_assert!(given.is_ok(), "the recording thread outlives this one");
    }
}

/// Datagrams read from a socket of browsers before the others have their turn.
const SHARED_PER_TURN: usize = 32;
/// Commands obeyed before packets are looked at again: about a millisecond with sockets to be bound.
const COMMANDS_PER_TURN: usize = 64;
