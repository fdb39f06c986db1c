//! The way of a packet from one party to those who hear it.

use std::net::SocketAddr;

use super::endpoint::{Endpoint, How};
use super::{Deadline, Output, Port, Relay, Slot, Tap};
use crate::codec::g711;
use crate::out_stream::Incoming;
use crate::reception::Arrival;
use crate::rtp::{HEADER_BYTES, Packet, is_rtcp};
use crate::source_lock::Verdict;
use crate::{DigitPressed, Event, Now};

/// A packet that has been believed, on its way to the sinks.
#[derive(Clone, Copy)]
struct Passing {
    clock_hz: u32,
    audio: bool,
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
        if port == Port::Rtcp || is_rtcp(datagram) {
            self.receive_report(now, slot, port, from, datagram);
            return;
        }
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let Some(mut packet) = Packet::parse(datagram) else {
            endpoint.counts.malformed += 1;
            return;
        };
        let Some(passing) = endpoint.believe(now, from, &packet, out) else { return };
        if let Some(due) = endpoint.count_heard(now, packet.payload().len()) {
            self.deadlines.insert((due, Deadline::Silence(slot)));
        }
        let mut nth = 0;
        while let Some(sink) = self.endpoint(slot).and_then(|endpoint| endpoint.listeners.get(nth).copied()) {
            self.forward(now, sink, passing, &mut packet, out);
            nth += 1;
        }
    }

    fn forward(&mut self, now: Now, slot: Slot, passing: Passing, packet: &mut Packet<'_>, out: &mut impl Output) {
        let Some(sink) = self.slots.get_mut(slot.0 as usize).and_then(|slot| slot.as_deref_mut()) else { return };
        let Some(to) = sink.destination() else { return };
        let number = packet.header().payload_type;
        let Some(route) = sink.routes.iter().find(|route| route.from == number) else {
            sink.counts.unsent += 1;
            return;
        };
        let header = packet.header();
        let incoming = Incoming { header, clock_hz: passing.clock_hz, steady: passing.audio, send_as: route.send_as };
        let Some(header) = sink.out.relay(now.mono_us, incoming) else { return };
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
        let sent = out.send(slot, Port::Rtp, to, datagram);
        sink.count_sent(sent, payload_bytes);
    }
}

impl Endpoint {
    /// Checks that a packet is the party's, is agreed and is new; counts it, hears keys in it, gives it to recorders.
    fn believe(&mut self, now: Now, from: SocketAddr, packet: &Packet<'_>, out: &mut impl Output) -> Option<Passing> {
        let header = packet.header();
        let Some(format) = self.formats.iter().find(|format| format.number == header.payload_type) else {
            self.counts.malformed += 1;
            return None;
        };
        let passing = Passing { clock_hz: format.clock_hz, audio: format.audio };
        let coder = format.coder;
        match self.lock.judge(now.mono_us, from, header, self.expected()) {
            Verdict::Accept => {}
            Verdict::AcceptAndLock => {
                self.reports.forget_source();
                out.event(Event::SourceLocked { endpoint: self.id, source: from });
            }
            Verdict::Reject => {
                self.counts.rejected += 1;
                return None;
            }
        }
        match self.reception.receive(now.mono_us, header, passing.clock_hz, passing.audio) {
            Arrival::Duplicate => return None,
            Arrival::InOrder | Arrival::Late => {}
        }
        if !passing.audio {
            if let Some(digit) = self.keys.receive(header, packet.payload(), passing.clock_hz) {
                out.event(Event::Digit(DigitPressed { endpoint: self.id, digit }));
            }
        } else if self.taps > 0 {
            let header = *header;
            out.tap(Tap { endpoint: self.id, mono_us: now.mono_us, coder, header, payload: packet.payload() });
        }
        Some(passing)
    }
}
