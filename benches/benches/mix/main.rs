//! What mixing costs, without sockets: the relay with everything in it (jitter buffers, rooms, encoders), driven by a
//! made-up clock as fast as it goes.
//!
//! `cargo bench -p benches --bench mix -- --seconds 20 --rounds 3` prints CPU per participant-second and how many
//! participants that makes for a core, medians of all rounds, beside the least there is to do: each payload decoded once
//! and encoded once. Packets are built outside the time that counts.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use media::codec::Coder;
use media::relay::{Bound, Output, Pause, Port, Relay, Slot, Tap};
use media::rtp::Header;
use media::{
    Channels, Codec, Command, EndpointId, Event, Format, Hear, Now, OpenEndpoint, OpusSettings, PayloadType, Prompt,
    RecordRate, RecorderId, Remote, Session, Source, StartRecorder,
};
use rustix::time::{ClockId, clock_gettime};

/// One row of the table: rooms in which each hears all others.
struct Row {
    name: &'static str,
    rooms: u64,
    /// Codecs of a room's members.
    codecs: &'static [Codec],
    members: usize,
    aim: Aim,
    /// How Opus is encoded and heard.
    opus: OpusSettings,
}

/// What it must come to.
enum Aim {
    /// At least so many on a core.
    PerCore(f64),
    /// At most so many ms for a second of one.
    MsPerSecond(f64),
    /// Nothing is asked.
    None,
}

const PCMU: &[Codec] = &[Codec::Pcmu];
const OPUS: &[Codec] = &[Codec::Opus];
const WIDE: OpusSettings = OpusSettings::DEFAULT;
const FULL: OpusSettings = OpusSettings { rate: RecordRate::Full, ..WIDE };
const ROWS: [Row; 8] = [
    Row { name: "PCMU, rooms of 3", rooms: 400, codecs: PCMU, members: 3, aim: Aim::PerCore(4_000.0), opus: WIDE },
    Row { name: "PCMU, rooms of 100", rooms: 12, codecs: PCMU, members: 100, aim: Aim::PerCore(4_000.0), opus: WIDE },
    Row { name: "conference 20 x 3", rooms: 20, codecs: PCMU, members: 3, aim: Aim::MsPerSecond(0.4), opus: WIDE },
    Row {
        name: "PCMU to G.722",
        rooms: 100,
        codecs: &[Codec::Pcmu, Codec::G722],
        members: 2,
        aim: Aim::None,
        opus: WIDE,
    },
    Row { name: "Opus, rooms of 3", rooms: 10, codecs: OPUS, members: 3, aim: Aim::PerCore(60.0), opus: WIDE },
    Row { name: "Opus 48k, rooms of 3", rooms: 10, codecs: OPUS, members: 3, aim: Aim::PerCore(60.0), opus: FULL },
    Row {
        name: "Opus to PCMU",
        rooms: 15,
        codecs: &[Codec::Opus, Codec::Pcmu],
        members: 2,
        aim: Aim::None,
        opus: WIDE,
    },
    Row {
        name: "Opus 48k to PCMU",
        rooms: 15,
        codecs: &[Codec::Opus, Codec::Pcmu],
        members: 2,
        aim: Aim::None,
        opus: FULL,
    },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (seconds, rounds) = (number("--seconds", 5), number("--rounds", 1).max(1));
    println!(
        "{:20} {:>12} {:>26} {:>14} {:>10} {:>7}",
        "work", "participants", "CPU ms/participant-second", "per core", "aim", "x bare"
    );
    for row in ROWS {
        let mut ours: Vec<f64> = (0..rounds).map(|_| measure(&row, seconds)).collect::<Result<_>>()?;
        let mut bare: Vec<f64> = (0..rounds).map(|_| bare(&row, seconds)).collect::<Result<_>>()?;
        ours.sort_by(f64::total_cmp);
        bare.sort_by(f64::total_cmp);
        let (ours, bare) = (ours[rounds / 2], bare[rounds / 2]);
        let aim = match row.aim {
            Aim::PerCore(many) => format!(">= {many}"),
            Aim::MsPerSecond(ms) => format!("<= {ms} ms"),
            Aim::None => String::new(),
        };
        let participants = row.rooms * row.members as u64;
        println!("{:20} {participants:>12} {ours:>26.4} {:>14.0} {aim:>10} {:>7.1}", row.name, 1e3 / ours, ours / bare);
    }
    Ok(())
}

/// Takes what the relay does and counts it.
#[derive(Default)]
struct Sink {
    sent: u64,
    opened: u64,
}

impl Output for Sink {
    fn bind(&mut self, _: Slot, open: &OpenEndpoint) -> Result<Bound, String> {
        Ok(Bound { rtp: open.rtp, rtcp: open.rtcp })
    }

    fn unbind(&mut self, _: Slot) {}

    fn send(&mut self, _: Slot, port: Port, _: SocketAddr, _: &[u8]) -> bool {
        self.sent += u64::from(port == Port::Rtp);
        true
    }

    fn event(&mut self, event: Event) {
        self.opened += u64::from(matches!(event, Event::Opened { .. }));
    }

    fn encode(&mut self, _: &Prompt, _: Coder) {}

    fn start_recorder(&mut self, _: Now, _: StartRecorder) {}

    fn record_from(&mut self, _: Now, _: RecorderId, _: Channels) {}

    fn pause_recorder(&mut self, _: Now, _: RecorderId, _: Pause) {}

    fn stop_recorder(&mut self, _: Now, _: RecorderId) {}

    fn tap(&mut self, _: Tap<'_>) {}
}

/// One who talks all the time.
struct Talker {
    slot: Slot,
    address: SocketAddr,
    header: Header,
    clock_hz: u32,
    /// Half a second, over and over.
    payloads: Vec<Vec<u8>>,
    datagram: Vec<u8>,
}

impl Talker {
    /// Writes the packet of a tick.
    fn prepare(&mut self, tick: usize) {
        let payload = &self.payloads[tick % self.payloads.len()];
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(self.clock_hz / 50);
        self.datagram.resize(12 + payload.len(), 0);
        self.header.build(payload, &mut self.datagram);
    }
}

/// Half a second of a tone that wanders, in frames of 20 ms.
fn payloads(coder: Coder, voice: u64) -> Result<Vec<Vec<u8>>> {
    let mut encoder = coder.encoder().context("no encoder")?;
    let hz = f64::from(coder.encoder_rate().hz());
    let samples = coder.encoder_rate().hz() as usize / 50;
    let mut frames = Vec::new();
    for frame in 0..25 {
        let sound: Vec<i16> = (0..samples)
            .map(|at| {
                let t = (frame * samples + at) as f64 / hz;
                let pitch = 150.0 + 20.0 * (voice % 17) as f64;
                let wave = |times: f64| (std::f64::consts::TAU * times * pitch * t * (1.0 + 0.2 * t)).sin();
                ((wave(1.0) + 0.5 * wave(2.0) + 0.3 * wave(5.0)) * 3_000.0) as i16
            })
            .collect();
        let mut payload = Vec::new();
        encoder.encode(&sound, &mut payload);
        frames.push(payload);
    }
    Ok(frames)
}

/// CPU ms of one participant-second in the relay.
fn measure(row: &Row, seconds: usize) -> Result<f64> {
    let (mut relay, mut sink, mut now) = (Relay::default(), Sink::default(), Now { mono_us: 1_000_000, unix_us: 0 });
    let mut talkers = Vec::new();
    for room in 0..row.rooms {
        let ids: Vec<EndpointId> = (0..row.members as u64).map(|nth| EndpointId(room * 1_000 + nth)).collect();
        for (nth, id) in ids.iter().enumerate() {
            let codec = row.codecs[nth % row.codecs.len()].clone();
            talkers.push(open(&mut relay, &mut sink, now, *id, (&codec, row.opus), talkers.len())?);
        }
        for id in &ids {
            let sources = ids.iter().filter(|other| *other != id).map(|other| Source::Endpoint(*other)).collect();
            relay.handle(now, Command::Hear(Hear { sink: *id, sources }), &mut sink);
        }
    }
    ensure!(sink.opened == talkers.len() as u64, "all endpoints open");
    let (mut used_ms, mut sent) = (0.0, 0);
    let warm_up = 50;
    for tick in 0..warm_up + seconds * 50 {
        talkers.iter_mut().for_each(|talker| talker.prepare(tick));
        let before = cpu_ms();
        let apart_us = 20_000 / talkers.len() as u64;
        let end_us = now.mono_us + 20_000;
        for talker in &mut talkers {
            relay.receive(now, talker.slot, Port::Rtp, talker.address, &mut talker.datagram, &mut sink);
            now.mono_us += apart_us;
            if relay.poll_timeout().is_some_and(|due| due <= now.mono_us) {
                relay.handle_timeout(now, &mut sink);
            }
        }
        now.mono_us = end_us;
        if tick >= warm_up {
            used_ms += cpu_ms() - before;
        } else {
            sent = sink.sent;
        }
    }
    let expected = (talkers.len() * seconds * 50) as u64;
    ensure!((sink.sent - sent).abs_diff(expected) * 50 < expected, "{} packets sent for {expected}", sink.sent - sent);
    Ok(used_ms / (talkers.len() * seconds) as f64)
}

fn open(
    relay: &mut Relay,
    sink: &mut Sink,
    now: Now,
    id: EndpointId,
    (codec, opus): (&Codec, OpusSettings),
    nth: usize,
) -> Result<Talker> {
    let coder = codec.coder().context("a codec with a coder")?.with_opus(opus);
    let port = u16::try_from(1_024 + nth)?;
    let (own, address) = (SocketAddr::from(([10, 0, 0, 1], port)), SocketAddr::from(([192, 0, 2, 1], port)));
    let number = PayloadType::new(if *codec == Codec::Pcmu { 0 } else { 96 }).context("a number")?;
    relay.handle(now, Command::Open(OpenEndpoint { endpoint: id, rtp: own, rtcp: own, seed: id.0 * 977 + 1 }), sink);
    let session =
        Session { opus, ..Session::new(Some(Remote::new(address)), vec![Format::new(codec.clone(), number)]) };
    relay.handle(now, Command::Configure { endpoint: id, session }, sink);
    let header = Header { payload_type: number.number(), ssrc: u32::try_from(nth)? + 1, ..Header::default() };
    let payloads = payloads(coder, id.0)?;
    // Slots are given in order.
    let slot = Slot(u32::try_from(nth)?);
    Ok(Talker { slot, address, header, clock_hz: coder.clock_hz(), payloads, datagram: Vec::new() })
}

/// CPU ms of a participant-second with nothing but its payload decoded and its output encoded.
fn bare(row: &Row, seconds: usize) -> Result<f64> {
    let mut used_ms = 0.0;
    for codec in row.codecs {
        let coder = codec.coder().context("a codec with a coder")?.with_opus(row.opus);
        let frames = payloads(coder, 1)?;
        let mut decoder = coder.decoder(coder.encoder_rate()).context("no decoder")?;
        let mut encoder = coder.encoder().context("no encoder")?;
        let (mut sound, mut payload) = (Vec::new(), Vec::new());
        let before = cpu_ms();
        for tick in 0..seconds * 50 {
            sound.clear();
            payload.clear();
            decoder.decode(&frames[tick % frames.len()], &mut sound);
            encoder.encode(std::hint::black_box(&sound), &mut payload);
            std::hint::black_box(&payload);
        }
        used_ms += (cpu_ms() - before) / row.codecs.len() as f64;
    }
    Ok(used_ms / seconds as f64)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
