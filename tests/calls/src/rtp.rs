//! RTP as a phone sees it: an end that speaks and listens in real time, and a judge of what arrived.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::g711::{self, Law};
use crate::wav::Sound;

/// Packets carry 20 ms.
pub const PACKET_MS: u64 = 20;
/// Samples of G.711 in a packet.
const PACKET_SAMPLES: usize = 160;
/// How long a receive call blocks before it looks whether to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Mean power of a packet in which somebody speaks: -46 dB of full scale.
const SPEECH_POWER_MIN: f64 = 2.5e-5;
/// What a careful phone buffers: later than this is too late to be played.
pub const PLAYOUT_MS: f64 = 40.0;

/// A packet as received.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// When it arrived, in seconds on the receiver's clock.
    pub at_s: f64,
    /// Marker bit.
    pub marker: bool,
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// What follows the header, CSRCs and extension.
    pub payload: Vec<u8>,
}

impl Packet {
    /// Reads an RTP packet (RFC 3550 §5.1); `None` when it is none, or RTCP.
    #[must_use]
    pub fn read(at_s: f64, bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<12>()?;
        // RFC 5761 §4: payload types 64 to 95 are RTCP's.
        let is_rtcp = (64..96).contains(&(head[1] & 0x7f));
        if head[0] >> 6 != 2 || is_rtcp {
            return None;
        }
        let mut from = 12 + 4 * usize::from(head[0] & 0x0f);
        if head[0] & 0x10 != 0 {
            let words = bytes.get(from + 2..from + 4)?;
            from += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        let padding = if head[0] & 0x20 != 0 { usize::from(*bytes.last()?) } else { 0 };
        Some(Self {
            at_s,
            marker: head[1] & 0x80 != 0,
            payload_type: head[1] & 0x7f,
            sequence: u16::from_be_bytes([head[2], head[3]]),
            timestamp: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            ssrc: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            payload: bytes.get(from..bytes.len() - padding)?.to_vec(),
        })
    }

    /// The packet on the wire, without CSRCs, extension or padding.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, self.payload_type | if self.marker { 0x80 } else { 0 }];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// What was wrong with the order of a stream, as a receiver counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Continuity {
    /// Distinct SSRCs; one, if all is well.
    pub sources: usize,
    /// Packets whose sequence number is not their predecessor's plus one.
    pub sequence_breaks: usize,
    /// Packets in sequence whose timestamp does not follow from the time that passed, by more than 40 ms.
    pub timestamp_breaks: usize,
}

/// Judges the audio packets of a stream in order of arrival.
#[must_use]
pub fn continuity(packets: &[Packet]) -> Continuity {
    let mut sources: Vec<u32> = packets.iter().map(|p| p.ssrc).collect();
    sources.sort_unstable();
    sources.dedup();
    let in_row = |pair: &&[Packet]| pair[1].sequence == pair[0].sequence.wrapping_add(1);
    let off = |pair: &&[Packet]| {
        let media_ms = f64::from(pair[1].timestamp.wrapping_sub(pair[0].timestamp).cast_signed()) / 8.0;
        (media_ms - (pair[1].at_s - pair[0].at_s) * 1_000.0).abs() > 40.0
    };
    Continuity {
        sources: sources.len(),
        sequence_breaks: packets.windows(2).filter(|pair| !in_row(pair)).count(),
        timestamp_breaks: packets.windows(2).filter(|pair| in_row(pair) && off(pair)).count(),
    }
}

/// What a phone with a playout buffer of [`PLAYOUT_MS`] would have played of G.711 packets, from the first on: silence
/// where a packet is missing or came too late. A new source, or a timestamp that jumps by a second, starts the clock anew.
#[must_use]
pub fn played(packets: &[Packet]) -> Sound {
    let mut samples: Vec<f64> = Vec::new();
    let mut anchor: Option<(f64, u32, u32)> = None;
    let Some(start) = packets.first().map(|p| p.at_s) else { return Sound::mono(8_000, samples) };
    for packet in packets {
        let Some(law) = Law::of_payload_type(packet.payload_type) else { continue };
        let due = anchor.filter(|(_, _, ssrc)| *ssrc == packet.ssrc).map(|(at_s, timestamp, _)| {
            at_s + f64::from(packet.timestamp.wrapping_sub(timestamp).cast_signed()) / 8_000.0
        });
        let due = match due {
            Some(due) if (due - packet.at_s).abs() < 1.0 => due,
            _ => {
                anchor = Some((packet.at_s, packet.timestamp, packet.ssrc));
                packet.at_s
            }
        };
        if (packet.at_s - due) * 1_000.0 > PLAYOUT_MS {
            continue;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to positive, and short")]
        let at = ((due - start).max(0.0) * 8_000.0).round() as usize;
        samples.resize(samples.len().max(at + packet.payload.len()), 0.0);
        for (sample, byte) in samples[at..].iter_mut().zip(&packet.payload) {
            *sample = law.decode(*byte);
        }
    }
    Sound::mono(8_000, samples)
}

/// One end of a media stream, speaking and listening from the moment it is told where to send.
#[derive(Debug)]
pub struct RtpEnd {
    socket: UdpSocket,
    clock: Instant,
    stop: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<Packet>>>,
    listener: Option<JoinHandle<()>>,
    speaker: Option<Speaker>,
}

#[derive(Debug)]
struct Speaker {
    hush: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl RtpEnd {
    /// Opens a socket on loopback and listens; `clock` is the zero of all its times.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn open(port: u16, clock: Instant) -> Result<Self> {
        Self::open_at(SocketAddr::from(([127, 0, 0, 1], port)), clock)
    }

    /// [`Self::open`] at an address of its own.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn open_at(local: SocketAddr, clock: Instant) -> Result<Self> {
        let socket = UdpSocket::bind(local).with_context(|| format!("{local} is taken"))?;
        socket.set_read_timeout(Some(LOOK_EVERY)).context("a read timeout cannot be set")?;
        let stop = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let (socket, stop, heard) = (socket.try_clone()?, Arc::clone(&stop), Arc::clone(&heard));
            std::thread::spawn(move || listen(&socket, clock, &stop, &heard))
        };
        Ok(Self { socket, clock, stop, heard, listener: Some(listener), speaker: None })
    }

    /// Where it receives.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        self.socket.local_addr().context("a bound socket has an address")
    }

    /// Sends `samples` (8 kHz) to `to` in packets of 20 ms, in real time, until they end or it is stopped.
    ///
    /// # Errors
    /// When it speaks already.
    pub fn speak(&mut self, to: SocketAddr, law: Law, samples: &[f64]) -> Result<()> {
        ensure!(self.speaker.is_none(), "this end speaks already: hush it first");
        let payload = g711::encode(law, samples);
        let (socket, hush) = (self.socket.try_clone()?, Arc::new(AtomicBool::new(false)));
        let ssrc = 0x5142_0000 | u32::from(self.address()?.port());
        let hushed = Arc::clone(&hush);
        let thread = std::thread::spawn(move || speak(&socket, to, law, ssrc, &payload, &hushed));
        self.speaker = Some(Speaker { hush, thread });
        Ok(())
    }

    /// Says nothing more until it is told to speak again; it goes on listening.
    pub fn hush(&mut self) {
        if let Some(Speaker { hush, thread }) = self.speaker.take() {
            hush.store(true, Ordering::Relaxed);
            drop(thread.join());
        }
    }

    /// Sends `packets` packets of silence to `to` in real time, and returns when they are sent.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn say(&self, to: SocketAddr, law: Law, packets: u16) -> Result<()> {
        let silence = vec![law.encode(0.0); PACKET_SAMPLES];
        let ssrc = 0x7365_0000 | u32::from(self.address()?.port());
        for sequence in 0..packets {
            let timestamp = u32::from(sequence) * 160;
            let payload_type = law.payload_type();
            let packet = Packet {
                at_s: 0.0,
                marker: sequence == 0,
                payload_type,
                sequence,
                timestamp,
                ssrc,
                payload: silence.clone(),
            };
            self.send(to, &packet)?;
            std::thread::sleep(Duration::from_millis(PACKET_MS));
        }
        Ok(())
    }

    /// When it has heard something in PCMU that was louder than line noise since then, packet by packet.
    #[must_use]
    pub fn loud_since(&self, from_s: f64) -> Vec<f64> {
        let heard = self.heard();
        let of_audio = heard.iter().filter(|packet| packet.at_s >= from_s && packet.payload_type == 0);
        let loud = of_audio.filter(|packet| {
            let power: f64 = packet.payload.iter().map(|byte| Law::Mu.decode(*byte).powi(2)).sum();
            power / packet.payload.len() as f64 > SPEECH_POWER_MIN
        });
        loud.map(|packet| packet.at_s).collect()
    }

    /// Sends one packet as given.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn send(&self, to: SocketAddr, packet: &Packet) -> Result<()> {
        self.socket.send_to(&packet.write(), to).map(drop).context("a packet cannot be sent")
    }

    /// Seconds on its clock.
    #[must_use]
    pub fn now_s(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// What has arrived so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Packet> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Falls silent and returns what arrived.
    #[must_use]
    pub fn close(mut self) -> Vec<Packet> {
        self.end();
        self.heard()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.hush();
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

impl Drop for RtpEnd {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(socket: &UdpSocket, clock: Instant, stop: &AtomicBool, heard: &Mutex<Vec<Packet>>) {
    let mut bytes = [0; 2_048];
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, _)) = socket.recv_from(&mut bytes) else { continue };
        if let Some(packet) = Packet::read(clock.elapsed().as_secs_f64(), &bytes[..length]) {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
        }
    }
}

fn speak(socket: &UdpSocket, to: SocketAddr, law: Law, ssrc: u32, payload: &[u8], stop: &AtomicBool) {
    let start = Instant::now();
    for (number, part) in payload.chunks(PACKET_SAMPLES).enumerate() {
        let Ok(count) = u32::try_from(number) else { return };
        // Absolute deadlines: a late packet does not make the next one late.
        let due = start + Duration::from_millis(PACKET_MS) * count;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap")]
        let sequence = 1_000_u32.wrapping_add(count) as u16;
        let packet = Packet {
            at_s: 0.0,
            marker: number == 0,
            payload_type: law.payload_type(),
            sequence,
            timestamp: 48_000_u32.wrapping_add(count.wrapping_mul(160)),
            ssrc,
            payload: part.to_vec(),
        };
        // A peer that is gone answers with ICMP, which shows as an error here; the call's end is told by SIP.
        drop(socket.send_to(&packet.write(), to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chirp::Voice;
    use crate::ports::Ports;
    use crate::wait;

    fn packet(number: u16, at_s: f64) -> Packet {
        Packet {
            at_s,
            marker: false,
            payload_type: 0,
            sequence: number,
            timestamp: u32::from(number) * 160,
            ssrc: 7,
            payload: vec![0; 160],
        }
    }

    #[test]
    fn a_packet_survives_the_wire() {
        let sent = Packet { marker: true, ..packet(65_535, 1.5) };
        assert_eq!(Packet::read(1.5, &sent.write()), Some(sent));
        assert_eq!(Packet::read(0.0, &[0x80, 200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None, "RTCP is no RTP");
        assert_eq!(Packet::read(0.0, b"short"), None);
    }

    #[test]
    fn breaks_are_counted() {
        let good: Vec<Packet> = (0..5).map(|n| packet(n, f64::from(n) * 0.02)).collect();
        assert_eq!(continuity(&good), Continuity { sources: 1, ..Continuity::default() });
        let mut bad = good.clone();
        bad[3].sequence = 9;
        bad[2].timestamp += 4_000;
        let judged = continuity(&bad);
        assert_eq!((judged.sequence_breaks, judged.timestamp_breaks), (2, 1));
    }

    #[test]
    fn late_and_lost_packets_are_silence() {
        let mut packets: Vec<Packet> = (0..10).map(|n| packet(n, f64::from(n) * 0.02)).collect();
        packets[4].at_s += 0.05;
        packets.remove(7);
        let sound = played(&packets);
        let silent = |n: usize| sound.channels[0][n * 160..(n + 1) * 160].iter().all(|s| *s == 0.0);
        assert_eq!((0..10).filter(|n| silent(*n)).collect::<Vec<_>>(), [4, 7]);
    }

    #[test]
    fn two_ends_hear_each_other_whole() {
        let ports = Ports::take().unwrap();
        let clock = Instant::now();
        let first = ports.many(2).unwrap();
        let (mut a, mut b) = (RtpEnd::open(first, clock).unwrap(), RtpEnd::open(first + 1, clock).unwrap());
        a.speak(b.address().unwrap(), Law::Mu, &Voice::Low.speak(8_000, 1.0)).unwrap();
        b.speak(a.address().unwrap(), Law::A, &Voice::High.speak(8_000, 1.0)).unwrap();
        for end in [&a, &b] {
            let all = || Ok((end.heard().len() == 50).then_some(()));
            wait::until("50 packets", Duration::from_secs(5), all).unwrap();
        }
        let (at_a, at_b) = (a.close(), b.close());
        assert_eq!(continuity(&at_b).sequence_breaks, 0);
        let (at_a, at_b) = (played(&at_a), played(&at_b));
        assert!(Voice::High.listen(8_000, &at_a.channels[0]).chirps.len() >= 9);
        assert!(Voice::Low.listen(8_000, &at_b.channels[0]).chirps.len() >= 9);
        assert!(Voice::Low.listen(8_000, &at_a.channels[0]).is_nobody());
    }
}
