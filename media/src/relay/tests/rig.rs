//! A relay with made-up packets, a made-up clock, and parties that speak and hear.

use super::super::*;
use crate::encoded::Encoding;
use crate::prompt::Playlist;
use crate::rtp::{Packet, is_rtcp};
use crate::{Codec, Format, PayloadType, RecordRate, RecordSink, Remote, Session, Source};

pub(super) const A: EndpointId = EndpointId(1);
pub(super) const B: EndpointId = EndpointId(2);
pub(super) const MUSIC: PlayerId = PlayerId(1);
pub(super) const EVENTS: Codec = Codec::TelephoneEvent { clock_hz: 8_000 };

/// Two seconds that follow on themselves.
pub(super) fn music() -> Prompt {
    let samples = crate::testing::sine(16_000, 440.0, 6_000.0, 2.0).into();
    Prompt::Loop(crate::Clip { name: 9_999, samples, rate: RecordRate::Wide })
}

/// Everything the relay did.
#[derive(Default)]
pub(super) struct World {
    pub(super) sent: Vec<Datagram>,
    pub(super) events: Vec<Event>,
    pub(super) encode: Vec<(Prompt, Coder)>,
    pub(super) taps: Vec<(EndpointId, Vec<u8>)>,
    /// What players said to recorded parties, and when.
    pub(super) told: Vec<(EndpointId, u64, Header, Vec<u8>)>,
    pub(super) recorders: Vec<String>,
    pub(super) taken: bool,
    /// No sockets are open to browsers.
    pub(super) no_browsers: bool,
    /// Sent to browsers.
    pub(super) shared: Vec<(SharedSocket, SocketAddr, Vec<u8>)>,
    /// Associations that were begun.
    pub(super) associations: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Datagram {
    pub(super) slot: Slot,
    pub(super) port: Port,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

impl Output for World {
    fn bind(&mut self, _: Slot, open: &OpenEndpoint) -> Result<Bound, String> {
        if self.taken { Err("taken".into()) } else { Ok(Bound { rtp: open.rtp, rtcp: open.rtcp }) }
    }

    fn unbind(&mut self, _: Slot) {}

    fn send(&mut self, slot: Slot, port: Port, to: SocketAddr, datagram: &[u8]) -> bool {
        self.sent.push(Datagram { slot, port, to, bytes: datagram.to_vec() });
        true
    }

    fn shared_address(&self) -> Option<SocketAddr> {
        (!self.no_browsers).then(|| SocketAddr::from(([10, 0, 0, 1], 3_478)))
    }

    fn send_shared(&mut self, socket: SharedSocket, to: SocketAddr, datagram: &[u8]) -> bool {
        self.shared.push((socket, to, datagram.to_vec()));
        true
    }

    fn dtls(&mut self, _: Now) -> Option<Box<dyn Dtls>> {
        self.associations += 1;
        (!self.no_browsers).then(|| Box::new(super::browsers::PlayedDtls::default()) as Box<dyn Dtls>)
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    fn encode(&mut self, prompt: &Prompt, coder: Coder) {
        self.encode.push((prompt.clone(), coder));
    }

    fn start_recorder(&mut self, _: Now, start: StartRecorder) {
        self.recorders.push(format!("start {}", start.recorder.0));
    }

    fn record_from(&mut self, _: Now, recorder: RecorderId, channels: Channels) {
        self.recorders.push(format!("from {} {:?}", recorder.0, channels.all().map(|id| id.0).collect::<Vec<_>>()));
    }

    fn pause_recorder(&mut self, _: Now, recorder: RecorderId, pause: Pause) {
        self.recorders.push(format!("pause {} {pause:?}", recorder.0));
    }

    fn stop_recorder(&mut self, _: Now, recorder: RecorderId) {
        self.recorders.push(format!("stop {}", recorder.0));
    }

    fn tap(&mut self, tap: Tap<'_>) {
        match tap.spoken {
            Spoken::ByParty => self.taps.push((tap.endpoint, tap.payload.to_vec())),
            Spoken::ToParty => self.told.push((tap.endpoint, tap.mono_us, tap.header, tap.payload.to_vec())),
        }
    }
}

/// A relay in its world, and the time there.
#[derive(Default)]
pub(super) struct Rig {
    pub(super) relay: Relay,
    pub(super) world: World,
    pub(super) now_us: u64,
}

/// A party with its own numbers.
pub(super) struct Party {
    pub(super) slot: Slot,
    pub(super) address: SocketAddr,
    pub(super) header: Header,
}

pub(super) fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4_000))
}

pub(super) fn format(codec: Codec, number: u8) -> Format {
    Format::new(codec, PayloadType::new(number).unwrap())
}

pub(super) fn session(host: u8, formats: &[(Codec, u8)]) -> Session {
    let formats = formats.iter().map(|(codec, number)| format(codec.clone(), *number)).collect();
    Session::new(Some(Remote::new(address(host))), formats)
}

impl Rig {
    pub(super) fn command(&mut self, command: Command) {
        let now = self.now();
        self.relay.handle(now, command, &mut self.world);
    }

    pub(super) fn now(&self) -> Now {
        Now { mono_us: self.now_us, unix_us: 1_700_000_000_000_000 + self.now_us }
    }

    pub(super) fn open(&mut self, id: EndpointId) -> Slot {
        let rtp = SocketAddr::from(([10, 0, 0, 1], 20_000 + id.0 as u16 * 2));
        let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
        self.command(Command::Open(OpenEndpoint { endpoint: id, rtp, rtcp, seed: 0x5EED << 32 | id.0 }));
        self.relay.slot(id).unwrap()
    }

    /// An endpoint with a party at `192.0.2.id`.
    pub(super) fn party(&mut self, id: EndpointId, formats: &[(Codec, u8)]) -> Party {
        let slot = self.open(id);
        let host = id.0 as u8;
        self.configure(id, session(host, formats));
        let header =
            Header { payload_type: formats[0].1, ssrc: 0xAA00 + id.0 as u32, sequence: 7, ..Header::default() };
        Party { slot, address: address(host), header }
    }

    pub(super) fn configure(&mut self, endpoint: EndpointId, session: Session) {
        self.command(Command::Configure { endpoint, session });
    }

    pub(super) fn hear(&mut self, sink: EndpointId, sources: &[Source]) {
        self.command(Command::Hear(Hear { sink, sources: sources.to_vec() }));
    }

    pub(super) fn play(&mut self, player: PlayerId, prompt: Prompt) {
        self.command(Command::StartPlayer { player, playlist: Playlist::forever(prompt) });
    }

    pub(super) fn play_once(&mut self, player: PlayerId, prompts: Vec<Prompt>) {
        self.command(Command::StartPlayer { player, playlist: Playlist::once(prompts) });
    }

    /// A party's next packet, 20 ms after the last.
    pub(super) fn speak(&mut self, party: &mut Party, payload: &[u8]) {
        self.wait(20_000);
        party.header.sequence = party.header.sequence.wrapping_add(1);
        party.header.timestamp = party.header.timestamp.wrapping_add(160);
        let header = party.header;
        self.inject(party.slot, party.address, &header, payload);
    }

    pub(super) fn inject(&mut self, slot: Slot, from: SocketAddr, header: &Header, payload: &[u8]) {
        let mut buffer = [0; 400];
        let len = header.build(payload, &mut buffer).len();
        let now = self.now();
        self.relay.receive(now, slot, Port::Rtp, from, &mut buffer[..len], &mut self.world);
    }

    /// Lets time pass, with everything that is due in it and every prompt encoded at once.
    pub(super) fn wait(&mut self, us: u64) {
        let end = self.now_us + us;
        self.encode();
        while let Some(due) = self.relay.poll_timeout().filter(|due| *due <= end) {
            self.now_us = self.now_us.max(due);
            let now = self.now();
            self.relay.handle_timeout(now, &mut self.world);
            self.encode();
        }
        self.now_us = end;
    }

    pub(super) fn encode(&mut self) {
        for (prompt, coder) in std::mem::take(&mut self.world.encode) {
            let mut encoding = Encoding::begin(&prompt, coder).unwrap();
            while let Some(portion) = encoding.next_portion(20) {
                let now = self.now();
                self.relay.prompt_encoded(now, prompt.key(), coder, &portion);
            }
        }
    }

    /// RTP sent from an endpoint since the last look, with its destination.
    pub(super) fn heard(&mut self, slot: Slot) -> Vec<(SocketAddr, Header, Vec<u8>)> {
        let (mine, others) = std::mem::take(&mut self.world.sent)
            .into_iter()
            .partition(|datagram: &Datagram| datagram.slot == slot && !is_rtcp(&datagram.bytes));
        self.world.sent = others;
        mine.into_iter()
            .map(|mut datagram: Datagram| {
                let packet = Packet::parse(&mut datagram.bytes).unwrap();
                (datagram.to, *packet.header(), packet.payload().to_vec())
            })
            .collect()
    }

    pub(super) fn stats(&self, party: &Party) -> crate::EndpointStats {
        self.relay.endpoint(party.slot).unwrap().stats()
    }

    pub(super) fn talk(&mut self) {
        self.hear(A, &[Source::Endpoint(B)]);
        self.hear(B, &[Source::Endpoint(A)]);
    }
}

pub(super) const PCMU: (Codec, u8) = (Codec::Pcmu, 0);

pub(super) struct NoSink;

impl RecordSink for NoSink {
    fn frames(&mut self, _: &[i16]) {}
}

pub(super) fn start_recorder(id: u64) -> Command {
    let (recorder, rate) = (RecorderId(id), RecordRate::Narrow);
    Command::StartRecorder(StartRecorder {
        recorder,
        channels: Channels { left: [A].into(), right: [B].into(), ..Channels::default() },
        rate,
        sink: Box::new(NoSink),
    })
}
