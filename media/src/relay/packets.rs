//! The way of a packet from one party to those who hear it.

use std::net::SocketAddr;

use super::endpoint::{BROWSER, Endpoint, Heard, How, Unsealed};
use super::{Deadline, Output, Port, Relay, Slot, Tap};
use crate::codec::{Coder, g711};
use crate::out_stream::Incoming;
use crate::reception::Arrival;
use crate::rtp::{HEADER_BYTES, Packet, is_rtcp};
use crate::source_lock::Verdict;
use crate::srtp::Kind;
use crate::{Activity, DigitPressed, EndpointId, Event, Now, Spoken};

/// A packet that has been believed, on its way to the sinks.
#[derive(Clone, Copy)]
struct Passing {
    clock_hz: u32,
    audio: bool,
    /// What decodes it.
    coder: Option<Coder>,
}

/// What became of a packet on its way to one sink.
enum Forwarded {
    Done,
    /// It can't go there but by decoding and encoding: its codec is none of the sink's, or it is too long.
    NoRoute(EndpointId),
}

impl Relay {
    /// Takes a datagram from one of an endpoint's sockets; forwards it before returning. The buffer is used up.
    pub fn receive(
        &mut self,
        now: Now,
        slot: Slot,
        port: Port,
        from: SocketAddr,
        datagram: &mut [u8],
        out: &mut impl Output,
    ) {
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let kind = if port == Port::Rtcp || is_rtcp(datagram) { Kind::Rtcp } else { Kind::Rtp };
        let from = if endpoint.browser.is_some() { BROWSER } else { from };
        match endpoint.open(kind, datagram) {
            Unsealed::AsItCame => self.take(now, slot, (port, kind), from, datagram, out),
            Unsealed::Opened(mut opened) => self.take(now, slot, (port, kind), from, opened.as_mut(), out),
            Unsealed::Refused => {}
        }
    }

    /// Takes a datagram that is not protected, or not any more.
    fn take(
        &mut self,
        now: Now,
        slot: Slot,
        (port, kind): (Port, Kind),
        from: SocketAddr,
        datagram: &mut [u8],
        out: &mut impl Output,
    ) {
        if kind == Kind::Rtcp {
            self.receive_report(now, slot, port, from, datagram);
            return;
        }
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let Some(mut packet) = Packet::parse(datagram) else {
            endpoint.counts.malformed += 1;
            return;
        };
        let Some(passing) = endpoint.believe(now, from, &packet, out) else { return };
        let silence = endpoint.count_heard(now, packet.payload().len()).map(|due| (due, Deadline::Silence(slot)));
        let look = endpoint.spoken.as_mut().and_then(|spoken| spoken.take_look());
        self.deadlines.extend(silence.into_iter().chain(look.map(|due| (due, Deadline::Pause(slot)))));
        let mut nth = 0;
        while let Some(sink) = self.endpoint(slot).and_then(|endpoint| endpoint.listeners.get(nth).copied()) {
            match self.forward(now, sink, passing, &mut packet, out) {
                Forwarded::Done => nth += 1,
                // Mixed from here on, and so out of the list.
                Forwarded::NoRoute(sink) => self.transcode(now, sink, out),
            }
        }
        if !passing.audio {
            self.pass_event(slot, passing, &packet, out);
        }
    }

    /// What came can't be sent on to a sink as it is: it is decoded and encoded from now on.
    fn transcode(&mut self, now: Now, sink: EndpointId, out: &mut impl Output) {
        if let Some(endpoint) = self.slot(sink).ok().and_then(|slot| self.endpoint_mut(slot)) {
            endpoint.transcodes = true;
        }
        self.rehear(now, sink, out);
    }

    /// Sends a telephone event to those who hear its sender alone, in a mix.
    fn pass_event(&mut self, slot: Slot, passing: Passing, packet: &Packet<'_>, out: &mut impl Output) {
        let Some(id) = self.endpoint(slot).filter(|endpoint| endpoint.ear.is_some()).map(|endpoint| endpoint.id) else {
            return;
        };
        for sink in self.mixed_hearers(id) {
            let Ok(slot) = self.slot(sink) else { continue };
            let Some(sink) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else { continue };
            let (Heard::Mix(Some(seat)), Some(to)) = (&sink.heard, sink.destination()) else { continue };
            let events = sink.events(seat.coder.clock_hz()).filter(|_| seat.only == Some(id));
            let Some((send_as, clock_hz)) = events else { continue };
            let Some(payload) = rescaled(packet.payload(), passing.clock_hz, clock_hz) else { continue };
            let header = sink.out.event(packet.header(), send_as);
            let datagram = header.build(&payload, &mut self.scratch.0);
            let sent = sink.transmit(slot, Port::Rtp, to, datagram, out);
            sink.count_sent(sent, 4);
        }
    }

    fn forward(
        &mut self,
        now: Now,
        slot: Slot,
        passing: Passing,
        packet: &mut Packet<'_>,
        out: &mut impl Output,
    ) -> Forwarded {
        let Some(sink) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else {
            return Forwarded::Done;
        };
        let Some(to) = sink.destination() else { return Forwarded::Done };
        let number = packet.header().payload_type;
        let Some(route) = sink.routes.iter().find(|route| route.from == number) else {
            if let Some((send_as, clock_hz)) = sink.events(0).filter(|_| !passing.audio) {
                let header = packet.header();
                let incoming = Incoming { header, clock_hz: passing.clock_hz, steady: false, send_as };
                if let Some(payload) = rescaled(packet.payload(), passing.clock_hz, clock_hz)
                    && let Some(header) = sink.out.relay_event(now.mono_us, incoming)
                {
                    let datagram = header.build(&payload, &mut self.scratch.0);
                    let sent = sink.transmit(slot, Port::Rtp, to, datagram, out);
                    sink.count_sent(sent, payload.len());
                }
                return Forwarded::Done;
            }
            sink.counts.unsent += 1;
            return match passing.audio && passing.coder.is_some() && sink.encodable().is_some() {
                true => Forwarded::NoRoute(sink.id),
                false => Forwarded::Done,
            };
        };
        if sink.is_too_long(passing.coder, packet.payload()) && sink.encodable().is_some() {
            sink.counts.unsent += 1;
            return Forwarded::NoRoute(sink.id);
        }
        let header = packet.header();
        let incoming = Incoming { header, clock_hz: passing.clock_hz, steady: passing.audio, send_as: route.send_as };
        let Some(header) = sink.out.relay(now.mono_us, incoming) else {
            return Forwarded::Done;
        };
        let payload_bytes = packet.payload().len();
        let datagram = match route.how {
            How::Forward => packet.readdress(&header),
            How::Translate(law) => {
                let room = &mut self.scratch.0;
                let written = g711::transcode(law, packet.payload(), &mut room[HEADER_BYTES..]);
                header.write(room);
                &room[..HEADER_BYTES + written]
            }
        };
        let sent = sink.transmit(slot, Port::Rtp, to, datagram, out);
        sink.count_sent(sent, payload_bytes);
        Forwarded::Done
    }
}

/// A telephone event with its duration in units of another clock.
fn rescaled(payload: &[u8], from_hz: u32, to_hz: u32) -> Option<[u8; 4]> {
    let &[code, flags, high, low, ..] = payload else { return None };
    let duration = u64::from(u16::from_be_bytes([high, low]));
    let scaled = duration * u64::from(to_hz) / u64::from(from_hz.max(1));
    let [high, low] = u16::try_from(scaled).unwrap_or(u16::MAX).to_be_bytes();
    Some([code, flags, high, low])
}

impl Endpoint {
    /// Listens for keys in the sound of a party that can't press them otherwise.
    fn hear_keys(&mut self, coder: Option<Coder>, payload: &[u8], out: &mut impl Output) {
        let (Some(keys), Some(coder)) = (&mut self.sound_keys, coder) else { return };
        if self.formats.iter().all(|format| format.audio) {
            let endpoint = self.id;
            keys.receive(coder, payload, |digit| out.event(Event::Digit(DigitPressed { endpoint, digit })));
        }
    }

    /// Listens whether the party speaks.
    fn hear_voice(&mut self, now: Now, coder: Option<Coder>, payload: &[u8], out: &mut impl Output) {
        let (Some(spoken), Some(coder)) = (&mut self.spoken, coder) else { return };
        if spoken.receive(now.mono_us, coder, payload) {
            out.event(Event::Voice { endpoint: self.id, activity: Activity::Speech });
        }
    }

    /// Checks that a packet is the party's, is agreed and is new; counts it, hears keys in it, gives it to recorders.
    fn believe(&mut self, now: Now, from: SocketAddr, packet: &Packet<'_>, out: &mut impl Output) -> Option<Passing> {
        let header = packet.header();
        let Some(format) = self.formats.iter().find(|format| format.number == header.payload_type) else {
            self.counts.malformed += 1;
            return None;
        };
        let coder = format.coder;
        let passing = Passing { clock_hz: format.clock_hz, audio: format.audio, coder };
        match self.lock.judge(now.mono_us, from, header, self.expected()) {
            Verdict::Accept => {}
            Verdict::AcceptAndLock => {
                self.reports.forget_source();
                // A browser's path is told of when it moves.
                if self.browser.is_none() {
                    out.event(Event::SourceLocked { endpoint: self.id, source: from });
                }
            }
            Verdict::Reject => {
                self.counts.rejected += 1;
                return None;
            }
        }
        match self.reception.receive(now.mono_us, header, passing.clock_hz, passing.audio) {
            Arrival::Duplicate => return None,
            Arrival::InOrder => {
                self.observer.hear(coder, packet.payload());
                self.hear_keys(coder, packet.payload(), out);
                self.hear_voice(now, coder, packet.payload(), out);
            }
            Arrival::Late => {}
        }
        if let Some(ear) = &mut self.ear {
            ear.receive(now.mono_us, header, coder, packet.payload());
        }
        if !passing.audio {
            if let Some(digit) = self.keys.receive(header, packet.payload(), passing.clock_hz) {
                out.event(Event::Digit(DigitPressed { endpoint: self.id, digit }));
            }
        } else if self.taps > 0 {
            let header = *header;
            let (endpoint, spoken) = (self.id, Spoken::ByParty);
            out.tap(Tap { endpoint, spoken, mono_us: now.mono_us, coder, header, payload: packet.payload() });
        }
        Some(passing)
    }
}
