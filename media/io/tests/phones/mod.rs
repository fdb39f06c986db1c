//! Phones with sockets of their own around a started media-io.
#![expect(clippy::unwrap_used, reason = "a test that cannot begin should say where")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use media::rtp::{Header, Packet};
use media::{Codec, Command, EndpointId, Event, Format, Hear, OpenEndpoint, PayloadType, Remote, Session, Source};
use media_io::MediaHandle;

/// How long a condition is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Switch {
    pub(crate) handle: MediaHandle,
    pub(crate) events: Receiver<Event>,
}

pub(crate) struct Phone {
    pub(crate) endpoint: EndpointId,
    pub(crate) switch_at: (SocketAddr, SocketAddr),
    pub(crate) header: Header,
    socket: UdpSocket,
    formats: Vec<Format>,
}

impl Switch {
    pub(crate) fn start() -> Self {
        let (sender, events) = channel();
        let handle = media_io::start(Arc::new(move |event| drop(sender.send(event))), None).unwrap();
        Self { handle, events }
    }

    pub(crate) fn phone(&self, endpoint: EndpointId, codecs: &[Codec]) -> Phone {
        self.phone_at("127.0.0.1:0", endpoint, codecs)
    }

    /// Opens an endpoint and a phone that talks to it; both on ports the kernel chooses.
    pub(crate) fn phone_at(&self, at: &str, endpoint: EndpointId, codecs: &[Codec]) -> Phone {
        let any: SocketAddr = at.parse().unwrap();
        let open = OpenEndpoint { endpoint, rtp: any, rtcp: any, seed: 0x1234_5678_9ABC_DEF0 ^ endpoint.0 };
        self.handle.send(Command::Open(open)).unwrap();
        let switch_at = self.wait_for(|event| match event {
            Event::Opened { endpoint: opened, rtp, rtcp } if *opened == endpoint => Some((*rtp, *rtcp)),
            _ => None,
        });
        let socket = UdpSocket::bind(any).unwrap();
        let formats: Vec<_> = codecs.iter().map(|codec| Format::new(codec.clone(), number(codec))).collect();
        let payload_type = formats[0].send.number();
        let header = Header { payload_type, sequence: 65_000, timestamp: 77, ssrc: 0x0A0A_0000, marker: false };
        let phone = Phone { endpoint, switch_at, header, socket, formats };
        self.configure(&phone);
        phone
    }

    pub(crate) fn session(phone: &Phone) -> Session {
        Session::new(Some(Remote::new(phone.socket.local_addr().unwrap())), phone.formats.clone())
    }

    pub(crate) fn configure(&self, phone: &Phone) {
        let session = Self::session(phone);
        self.handle.send(Command::Configure { endpoint: phone.endpoint, session }).unwrap();
    }

    pub(crate) fn hear(&self, sink: EndpointId, sources: &[Source]) {
        self.handle.send(Command::Hear(Hear { sink, sources: sources.to_vec() })).unwrap();
    }

    /// Reads events until one fits.
    pub(crate) fn wait_for<T>(&self, fits: impl Fn(&Event) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).expect("the event in time");
            if let Some(found) = fits(&event) {
                return found;
            }
        }
    }

    /// Reads events until the last one; counts some on the way.
    pub(crate) fn until(&self, last: impl Fn(&Event) -> bool, count: impl Fn(&Event) -> bool) -> usize {
        let mut counted = 0;
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the event in time");
            if last(&event) {
                return counted;
            }
            counted += usize::from(count(&event));
        }
    }
}

impl Phone {
    /// Sends the next packet of its stream.
    pub(crate) fn send(&mut self, payload: &[u8]) {
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        self.send_as(self.header, payload);
    }

    fn send_as(&self, header: Header, payload: &[u8]) {
        let mut buffer = [0; 400];
        let packet = header.build(payload, &mut buffer);
        self.socket.send_to(packet, self.switch_at.0).unwrap();
    }

    /// A key as phones send it, without the pauses.
    pub(crate) fn press(&mut self, code: u8) {
        self.header.timestamp = self.header.timestamp.wrapping_add(160);
        for i in 1..=6u8 {
            self.header.sequence = self.header.sequence.wrapping_add(1);
            let header = Header { payload_type: 101, marker: i == 1, ..self.header };
            self.send_as(header, &[code, if i > 3 { 0x8A } else { 0x0A }, 0, 160]);
        }
    }

    /// The next packet, if one comes in time.
    pub(crate) fn receive(&self) -> Option<(Header, Vec<u8>)> {
        self.read(PATIENCE)
    }

    /// A packet that is there or comes within two frames.
    pub(crate) fn receive_now(&self) -> Option<(Header, Vec<u8>)> {
        self.read(Duration::from_millis(40))
    }

    fn read(&self, patience: Duration) -> Option<(Header, Vec<u8>)> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 2_048];
        let len = self.socket.recv(&mut buffer).ok()?;
        let packet = Packet::parse(&mut buffer[..len])?;
        Some((*packet.header(), packet.payload().to_vec()))
    }

    /// Throws away what has come.
    pub(crate) fn drain(&self) {
        while self.read(Duration::from_millis(60)).is_some() {}
    }

    /// Waits for the time of one frame, as a phone does.
    pub(crate) fn pace(&self) {
        self.socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let end = Instant::now() + Duration::from_millis(20);
        while Instant::now() < end {
            let _ = self.socket.recv(&mut [0; 2_048]);
        }
    }

    /// Speaks until a condition holds.
    pub(crate) fn send_until(&mut self, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            self.send(&[0xD5; 160]);
            if holds(self) {
                return;
            }
        }
        panic!("never");
    }

    /// Speaks until another hears it: edges are made by commands that take their time.
    pub(crate) fn send_until_heard(&mut self, other: &mut Phone) {
        self.send_until(|_| other.receive_now().is_some());
    }
}

fn number(codec: &Codec) -> PayloadType {
    let number = match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::L16 { .. } => 112,
        Codec::Opus => 111,
        Codec::TelephoneEvent { .. } => 101,
        Codec::Other { .. } => 18,
    };
    PayloadType::new(number).unwrap()
}
