//! One party: what it sends us, what we send it, and what was agreed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::browsers::Browser;
use super::digits::Pressing;
use super::ear::Ear;
use super::players::Feed;
use super::reports::Reports;
use super::rooms::Seat;
use super::sound_keys::SoundKeys;
use super::spoken::Spoken;
use super::{Deadline, Output, Port, Slot};
use crate::codec::{Coder, Law};
use crate::command::FORMATS_MAX;
use crate::jitter::JitterStats;
use crate::out_stream::{OutStream, PlayedFrame};
use crate::packetizer::{self, Cut, Packetizer};
use crate::quality::{Observer, Totals};
use crate::reception::Reception;
use crate::rtp::is_rtcp;
use crate::source_lock::{Expected, SourceLock};
use crate::srtp::{Guard, Kind, Opened};
use crate::telephone_event::KeyDetector;
use crate::{Codec, EndpointId, EndpointStats, Format, Now, OpusSettings, PacketTime, Session, SourceRule, SrtpKeys};

/// One party. Field order: what each packet touches comes first.
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    /// What the peer may send.
    pub(super) formats: Vec<ReceiveFormat>,
    pub(super) lock: SourceLock,
    pub(super) reception: Reception,
    /// Who hears this one.
    pub(super) listeners: Vec<Slot>,
    /// Those who hear this one in a mix.
    pub(super) ear: Option<Box<Ear>>,
    /// Recorders of this one.
    pub(super) taps: u32,
    /// Recorders of what players say to it.
    pub(super) told_taps: u32,
    /// When the peer was last heard, or configured.
    pub(super) heard_us: u64,
    pub(super) keys: KeyDetector,
    /// There while keys are pressed toward it.
    pub(super) pressing: Option<Box<Pressing>>,
    /// There while keys are listened for in its sound.
    pub(super) sound_keys: Option<Box<SoundKeys>>,
    /// There while it is listened whether it speaks.
    pub(super) spoken: Option<Box<Spoken>>,
    /// What this one hears.
    pub(super) heard: Heard,
    /// How packets of its source are sent on.
    pub(super) routes: Vec<Route>,
    /// Its source has been heard in a codec that can't be sent on as it is.
    pub(super) transcodes: bool,
    /// What ears of this one that have been closed had counted.
    pub(super) buffered: JitterStats,
    pub(super) out: OutStream,
    /// There unless the peer wants packets of 20 ms.
    packetizer: Option<Box<Packetizer>>,
    pub(super) counts: Counts,
    pub(super) reports: Reports,
    pub(super) observer: Box<Observer>,
    session: Option<Session>,
    watch: Watch,
    guard: Option<Box<Guard>>,
    /// There if its party is a browser.
    pub(super) browser: Option<Box<Browser>>,
}

/// What is counted here; the rest is counted by `reception` and `reports`.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) received_packets: u64,
    pub(super) received_bytes: u64,
    pub(super) sent_packets: u64,
    pub(super) sent_bytes: u64,
    pub(super) rejected: u64,
    pub(super) malformed: u64,
    pub(super) unsent: u64,
}

/// What an endpoint hears.
#[derive(Clone)]
pub(super) enum Heard {
    Nothing,
    /// As it comes, packet by packet.
    Endpoint(Slot),
    Player(Feed),
    /// In a room; no seat while nothing has been agreed that can be encoded.
    Mix(Option<Seat>),
}

/// One agreed format, as received.
#[derive(Clone)]
pub(super) struct ReceiveFormat {
    pub(super) number: u8,
    pub(super) clock_hz: u32,
    /// Audio; false for telephone events.
    pub(super) audio: bool,
    pub(super) coder: Option<Coder>,
}

/// How packets with one payload type go on to a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    /// Number as it comes in.
    pub(super) from: u8,
    /// Number as it goes out.
    pub(super) send_as: u8,
    pub(super) how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As it is.
    Forward,
    /// From this law to the other.
    Translate(Law),
}

/// 20 ms that are made here for a peer.
pub(super) struct Made<'a> {
    pub(super) coder: Coder,
    pub(super) send_as: u8,
    /// When they begin, in milliseconds of the feed.
    pub(super) at_ms: u64,
    pub(super) payload: &'a [u8],
}

/// What is to be read of a datagram.
pub(super) enum Unsealed {
    /// The datagram: nothing was agreed to be encrypted.
    AsItCame,
    /// What was in it.
    Opened(Opened),
    /// Nothing.
    Refused,
}

/// Whether silence is being watched.
enum Watch {
    Off,
    /// To be looked at when `due`.
    Armed {
        due: u64,
        limit_us: u64,
    },
    /// Told; armed again by the next packet.
    Told {
        limit_us: u64,
    },
}

/// What a look at the silence found.
pub(super) enum Silence {
    TooLong,
    LookAgain(u64),
    NotWatched,
}

impl Endpoint {
    pub(super) fn new(now: Now, id: EndpointId, seed: u64) -> Self {
        Self {
            id,
            formats: Vec::new(),
            lock: SourceLock::new(now.mono_us),
            reception: Reception::default(),
            listeners: Vec::new(),
            ear: None,
            taps: 0,
            told_taps: 0,
            heard_us: now.mono_us,
            keys: KeyDetector::default(),
            pressing: None,
            sound_keys: None,
            spoken: None,
            heard: Heard::Nothing,
            routes: Vec::new(),
            transcodes: false,
            buffered: JitterStats::default(),
            out: OutStream::new(seed),
            packetizer: None,
            counts: Counts::default(),
            reports: Reports::new(seed),
            observer: Box::new(Observer::new(now)),
            session: None,
            watch: Watch::Off,
            guard: None,
            browser: None,
        }
    }

    /// Takes what was agreed; gives when to look at silence from now on.
    pub(super) fn configure(&mut self, now: Now, mut session: Session) -> Option<u64> {
        session.formats.truncate(FORMATS_MAX);
        let moved = session.remote.is_some() && session.remote != self.session.as_ref().and_then(|old| old.remote);
        if moved {
            self.lock = SourceLock::new(now.mono_us);
            self.reports.forget_source();
        } else {
            self.lock.reopen(now.mono_us);
        }
        match session.srtp.take() {
            // A browser's keys are not in its SDP.
            _ if self.browser.is_some() => {}
            Some(keys) => self.guard_with(keys),
            None => self.guard = None,
        }
        self.formats = session.formats.iter().map(|format| ReceiveFormat::new(format, session.opus)).collect();
        if self.session.as_ref().map_or(PacketTime::default(), |old| old.packet_time) != session.packet_time {
            self.packetizer =
                (session.packet_time != PacketTime::default()).then(|| Box::new(Packetizer::new(session.packet_time)));
        }
        self.heard_us = now.mono_us;
        let limit_us = session
            .rtp_timeout
            .filter(|_| session.direction.expects())
            .map(|limit| u64::try_from(limit.as_micros()).unwrap_or(u64::MAX / 2));
        self.session = Some(session);
        self.watch = match limit_us {
            None => Watch::Off,
            Some(limit_us) => Watch::Armed { due: now.mono_us.saturating_add(limit_us), limit_us },
        };
        self.silence_due()
    }

    /// Packets are encrypted with these from now on.
    pub(super) fn guard_with(&mut self, keys: SrtpKeys) {
        match &mut self.guard {
            Some(guard) => guard.renew(keys),
            none => *none = Some(Box::new(Guard::new(keys))),
        }
    }

    /// A browser's page has been loaded again: nothing is known of who it is now, until it has agreed keys.
    pub(super) fn unguard(&mut self, now: Now) {
        self.guard = None;
        self.lock = SourceLock::new(now.mono_us);
        self.reports.forget_source();
    }

    /// Where a browser's packets go to and come from, once keys are agreed with it.
    pub(super) fn browser_address(&self) -> Option<SocketAddr> {
        self.guard.as_ref()?;
        Some(self.browser.as_ref()?.path()?.address)
    }

    /// When silence is to be looked at.
    pub(super) fn silence_due(&self) -> Option<u64> {
        match self.watch {
            Watch::Armed { due, .. } => Some(due),
            Watch::Off | Watch::Told { .. } => None,
        }
    }

    /// Where our RTP goes: the real source once known, else where the SDP says; `None` while we must not send.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let session = self.session.as_ref().filter(|session| session.direction.sends())?;
        if self.browser.is_some() {
            return self.browser_address();
        }
        let sdp = session.remote?.rtp;
        match session.source_rule {
            SourceRule::Sdp => Some(sdp),
            SourceRule::Learn { .. } => Some(self.lock.source().unwrap_or(sdp)),
        }
    }

    /// What the SDP and the rule say of the peer.
    pub(super) fn expected(&self) -> Expected {
        match &self.session {
            _ if self.browser.is_some() => Expected { sdp: Some(BROWSER), rule: SourceRule::Sdp },
            Some(session) => Expected { sdp: session.remote.map(|remote| remote.rtp), rule: session.source_rule },
            None => Expected { sdp: None, rule: SourceRule::Sdp },
        }
    }

    /// The number under which key presses are sent to the peer, with their clock: one beside the audio if there is.
    pub(super) fn events(&self, audio_clock_hz: u32) -> Option<(u8, u32)> {
        let formats = self.session.iter().flat_map(|session| &session.formats);
        let events = formats.filter_map(|format| match format.codec {
            Codec::TelephoneEvent { clock_hz } => Some((format.send.number(), clock_hz)),
            Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opus | Codec::L16 { .. } | Codec::Other { .. } => None,
        });
        events.min_by_key(|(_, clock_hz)| *clock_hz != audio_clock_hz)
    }

    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The first format of the peer that can be encoded here, with its number.
    pub(super) fn encodable(&self) -> Option<(Coder, u8)> {
        let session = self.session.as_ref()?;
        // Frames of 20 ms are cheaper: only who takes no more gets shorter ones.
        let short_frames = session.packet_time < PacketTime::default();
        let opus = OpusSettings { short_frames, ..session.opus };
        let coder = |format: &Format| Some(format.codec.coder()?.with_opus(opus));
        session.formats.iter().find_map(|format| Some((coder(format)?, format.send.number())))
    }

    /// Whether the peer takes no packet that is as long as this one.
    pub(super) fn is_too_long(&self, coder: Option<Coder>, payload: &[u8]) -> bool {
        let Some(most) = self.session.as_ref().and_then(|session| session.packet_ms_max) else { return false };
        coder.and_then(|coder| packetizer::duration_ms(coder, payload)).is_some_and(|ms| ms > most)
    }

    /// What is sent next does not go on from what was sent.
    pub(super) fn break_feed(&mut self) {
        self.out.break_feed();
        if let Some(packetizer) = &mut self.packetizer {
            packetizer.clear();
        }
    }

    /// Sends 20 ms that are made here, in packets as long as the peer wants them.
    pub(super) fn send_made(
        &mut self,
        now: Now,
        slot: Slot,
        to: SocketAddr,
        made: &Made<'_>,
        room: &mut [u8],
        out: &mut impl Output,
    ) {
        let Made { coder, send_as, at_ms, payload } = *made;
        let mut send = |this: &mut Self, cut: Cut<'_>| {
            let frame = PlayedFrame { at_ms: cut.at_ms, ms: cut.ms, clock_hz: coder.clock_hz(), send_as };
            let header = this.out.play(now.mono_us, frame);
            let datagram = header.build(cut.payload, room);
            let sent = this.transmit(slot, Port::Rtp, to, datagram, out);
            this.count_sent(sent, cut.payload.len());
        };
        match self.packetizer.take() {
            None => send(self, Cut { at_ms, ms: 20, payload }),
            Some(mut packetizer) => {
                packetizer.push(coder, at_ms, payload, |cut| send(self, cut));
                self.packetizer = Some(packetizer);
            }
        }
    }

    /// Hears something else from now on; gives what it heard before.
    pub(super) fn hear(&mut self, heard: Heard) -> Heard {
        self.break_feed();
        self.routes.clear();
        self.transcodes = false;
        std::mem::replace(&mut self.heard, heard)
    }

    /// What was agreed to be encrypted is opened before anything else is made of it; what does not open is counted.
    pub(super) fn open(&mut self, kind: Kind, datagram: &[u8]) -> Unsealed {
        let opened = match &mut self.guard {
            Some(guard) => guard.open(kind, datagram),
            None if self.browser.is_some() => None,
            None => return Unsealed::AsItCame,
        };
        match opened {
            Some(opened) => Unsealed::Opened(opened),
            None => {
                self.counts.rejected += 1;
                Unsealed::Refused
            }
        }
    }

    /// Sends a datagram, encrypted where that was agreed; false if it could not be sent.
    pub(super) fn transmit(
        &mut self,
        slot: Slot,
        port: Port,
        to: SocketAddr,
        datagram: &[u8],
        out: &mut impl Output,
    ) -> bool {
        let Some(guard) = &mut self.guard else {
            return self.browser.is_none() && out.send(slot, port, to, datagram);
        };
        let kind = if is_rtcp(datagram) { Kind::Rtcp } else { Kind::Rtp };
        let Some(sealed) = guard.seal(kind, datagram) else { return false };
        match self.browser.as_ref().map(|browser| browser.path()) {
            None => out.send(slot, port, to, sealed.as_ref()),
            Some(path) => path.is_some_and(|path| out.send_shared(path.socket, path.address, sealed.as_ref())),
        }
    }

    /// Counts a packet of ours.
    pub(super) fn count_sent(&mut self, sent: bool, payload_bytes: usize) {
        if sent {
            self.counts.sent_packets += 1;
            self.counts.sent_bytes += payload_bytes as u64;
        } else {
            self.counts.unsent += 1;
        }
    }

    /// The peer has been heard; gives when to look at silence again, if it had been told of.
    pub(super) fn count_heard(&mut self, now: Now, payload_bytes: usize) -> Option<u64> {
        self.counts.received_packets += 1;
        self.counts.received_bytes += payload_bytes as u64;
        self.heard_us = now.mono_us;
        if let Watch::Told { limit_us } = self.watch {
            let due = now.mono_us.saturating_add(limit_us);
            self.watch = Watch::Armed { due, limit_us };
            return Some(due);
        }
        None
    }

    /// The time for a look has come.
    pub(super) fn check_silence(&mut self, now: Now) -> Silence {
        let Watch::Armed { limit_us, .. } = self.watch else { return Silence::NotWatched };
        let due = self.heard_us.saturating_add(limit_us);
        if due <= now.mono_us {
            self.watch = Watch::Told { limit_us };
            return Silence::TooLong;
        }
        self.watch = Watch::Armed { due, limit_us };
        Silence::LookAgain(due)
    }

    /// All deadlines that stand for this endpoint.
    pub(super) fn deadlines(&self, slot: Slot) -> impl Iterator<Item = (u64, Deadline)> {
        let silence = self.silence_due().map(|due| (due, Deadline::Silence(slot)));
        let key = self.pressing.as_ref().and_then(|pressing| pressing.due()).map(|due| (due, Deadline::Key(slot)));
        let spoken = self.spoken.as_ref().and_then(|spoken| spoken.due_us());
        let pause = spoken.map(|due| (due, Deadline::Pause(slot)));
        let always = [(self.reports.due(), Deadline::Report(slot)), (self.observer.due_us(), Deadline::Stretch(slot))];
        silence.into_iter().chain(key).chain(pause).chain(always)
    }

    /// The figures that the quality of a stretch is told from.
    pub(super) fn totals(&self) -> Totals {
        let stats = self.stats();
        Totals {
            received: stats.received_packets,
            lost: stats.lost_packets,
            late: stats.buffered.late + stats.buffered.dropped,
            concealed_ms: stats.buffered.concealed_ms,
            sent: stats.sent_packets,
            jitter_ms: stats.jitter_ms,
            buffer_ms: self.ear.as_ref().map(|ear| ear.stats().target_ms),
            remote: self.reports.remote(),
        }
    }

    pub(super) fn stats(&self) -> EndpointStats {
        EndpointStats {
            received_packets: self.counts.received_packets,
            received_bytes: self.counts.received_bytes,
            sent_packets: self.counts.sent_packets,
            sent_bytes: self.counts.sent_bytes,
            lost_packets: self.reception.lost(),
            out_of_order_packets: self.reception.out_of_order(),
            duplicate_packets: self.reception.duplicates(),
            jitter_ms: self.reception.jitter_ms(),
            rejected_packets: self.counts.rejected,
            malformed_packets: self.counts.malformed,
            unsent_packets: self.counts.unsent,
            remote_lost_packets: self.reports.remote_lost(),
            remote_jitter_ms: self.reports.remote().jitter_ms,
            round_trip_ms: self.reports.remote().round_trip_ms,
            buffered: self.ear.as_ref().map_or(self.buffered, |ear| self.buffered.and(ear.stats())),
        }
    }
}

/// Stands for wherever a browser sends from: its packets are known by their key, not by their address.
pub(super) const BROWSER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl ReceiveFormat {
    fn new(format: &Format, opus: OpusSettings) -> Self {
        Self {
            number: format.receive.number(),
            clock_hz: format.codec.clock_hz(),
            audio: format.codec.is_audio(),
            coder: format.codec.coder().map(|coder| coder.with_opus(opus.heard())),
        }
    }
}

/// Whether nothing that `source` may say can be sent on to `sink` as it comes, but it could be decoded and encoded.
pub(super) fn must_transcode(source: &Endpoint, sink: &Endpoint, routes: &[Route]) -> bool {
    let mut audio = source.formats.iter().filter(|format| format.audio).peekable();
    audio.peek().is_some_and(|format| format.coder.is_some())
        && sink.encodable().is_some()
        && audio.all(|format| routes.iter().all(|route| route.from != format.number))
}

/// How each format of `source` goes on to `sink`; formats the sink can take in no way are left out.
pub(super) fn routes(source: &Endpoint, sink: &Endpoint) -> Vec<Route> {
    let (Some(source), Some(sink)) = (source.session(), sink.session()) else { return Vec::new() };
    let send_as = |codec: &Codec| sink.formats.iter().find(|format| format.codec == *codec).map(|f| f.send.number());
    let route = |format: &Format| {
        let from = format.receive.number();
        if let Some(send_as) = send_as(&format.codec) {
            return Some(Route { from, send_as, how: How::Forward });
        }
        let (other, law) = match &format.codec {
            Codec::Pcmu => (Codec::Pcma, Law::Mu),
            Codec::Pcma => (Codec::Pcmu, Law::A),
            Codec::G722 | Codec::Opus | Codec::L16 { .. } | Codec::TelephoneEvent { .. } | Codec::Other { .. } => {
                return None;
            }
        };
        Some(Route { from, send_as: send_as(&other)?, how: How::Translate(law) })
    };
    source.formats.iter().filter_map(route).collect()
}
