//! TCP between some phones and the switch: ordered and whole while a connection lasts, which may be any moment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::parse::{ParseError, StreamEvent, StreamFramer};
use switch::input::Input;

use crate::net::To;
use crate::world::{SWITCH, World, address};

/// A connection that is open.
#[derive(Debug)]
struct Connection {
    phone: usize,
    peer: SocketAddr,
    framer: StreamFramer,
}

/// All connections of a world.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: BTreeMap<u64, Connection>,
    /// What each phone speaks on.
    current: BTreeMap<usize, u64>,
    count: u64,
}

impl Streams {
    /// The connection that the phone speaks on; a new one where it has none.
    fn of_phone(&mut self, phone: usize, host: &str) -> u64 {
        if let Some(id) = self.current.get(&phone) {
            return *id;
        }
        // The port that a phone calls from is no port it listens on.
        let port = 40_000 + (self.count + 1) % 20_000;
        self.open(phone, address(&format!("{host}:{port}")))
    }

    /// The connection to a peer, as the shell finds it; `None` where one is to be made.
    fn to_peer(&self, flow: &Flow) -> Option<u64> {
        match flow.connection {
            Some(ConnectionId(id)) => Some(id),
            None => self.open.iter().find(|(_, open)| open.peer == flow.peer).map(|(id, _)| *id),
        }
    }

    fn open(&mut self, phone: usize, peer: SocketAddr) -> u64 {
        self.count += 1;
        self.open.insert(self.count, Connection { phone, peer, framer: StreamFramer::new() });
        self.current.insert(phone, self.count);
        self.count
    }

    fn close(&mut self, id: u64) {
        self.open.remove(&id);
        self.current.retain(|_, current| *current != id);
    }
}

impl World {
    /// A phone speaks on its connection.
    pub(crate) fn stream_up(&mut self, phone: usize, bytes: &[u8]) {
        let host = self.phones[phone].host().to_owned();
        let id = self.streams.of_phone(phone, &host);
        // A message may come in pieces.
        let cut = usize::try_from(self.rng.below(bytes.len() as u64 + 1)).unwrap_or(0);
        for piece in [&bytes[..cut], &bytes[cut..]] {
            self.net.send_in_order(self.now, To::Switch(phone), id, piece);
        }
    }

    /// Bytes of a connection reach the switch.
    pub(crate) fn stream_arrived(&mut self, id: u64, bytes: &[u8]) -> Result<(), String> {
        let Some(connection) = self.streams.open.get_mut(&id) else { return Ok(()) };
        connection.framer.push(bytes);
        loop {
            let Some(connection) = self.streams.open.get_mut(&id) else { return Ok(()) };
            let phone = connection.phone;
            let flow = flow(connection.peer, id);
            match connection.framer.next_event() {
                None => return Ok(()),
                Some(StreamEvent::Message(message)) => {
                    self.overhear(phone, &message.to_bytes());
                    self.tell(Input::Sip { flow, message: Ok(message) })?;
                    self.dialogs.settled()?;
                }
                Some(StreamEvent::KeepAlive(_)) => {}
                Some(StreamEvent::Refused(error)) => self.tell(Input::Sip { flow, message: Err(error) })?,
                Some(StreamEvent::Close(error)) => return self.unframed(phone, id, flow, error),
            }
        }
    }

    /// Where the next message begins is lost: the answer goes out, then the connection is closed.
    fn unframed(&mut self, phone: usize, id: u64, flow: Flow, error: ParseError) -> Result<(), String> {
        self.tell(Input::Sip { flow, message: Err(error) })?;
        self.close(id)?;
        self.phones[phone].cut_off(self.now);
        Ok(())
    }

    /// The switch sends on a connection, or wants one.
    pub(crate) fn stream_down(&mut self, flow: Flow, bytes: &[u8]) -> Result<(), String> {
        let id = match self.streams.to_peer(&flow) {
            Some(id) if self.streams.open.contains_key(&id) => id,
            Some(_) => {
                self.failed.push((self.now, flow, Bytes::copy_from_slice(bytes)));
                return Ok(());
            }
            None => match self.phones.iter().position(|phone| address(&phone.address) == flow.peer) {
                Some(phone) if !self.phones[phone].gone => self.streams.open(phone, flow.peer),
                Some(_) | None => {
                    self.failed.push((self.now + Duration::from_secs(1), flow, Bytes::copy_from_slice(bytes)));
                    return Ok(());
                }
            },
        };
        let phone = self.streams.open[&id].phone;
        self.deliver(phone, Some(id), bytes)
    }

    /// What could not be sent is told to the switch.
    pub(crate) fn tell_failed(&mut self) -> Result<(), String> {
        let now = self.now;
        let due: Vec<_> = self.failed.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, flow, bytes) in due {
            self.tell(Input::SendFailed { flow, bytes })?;
        }
        Ok(())
    }

    /// Every connection of a phone breaks: what is on its way on them is lost, and both ends notice.
    pub(crate) fn reset(&mut self, phone: usize) -> Result<(), String> {
        let broken: Vec<u64> =
            self.streams.open.iter().filter(|(_, open)| open.phone == phone).map(|(id, _)| *id).collect();
        self.story.resets += broken.len();
        for id in broken {
            self.close(id)?;
        }
        self.phones[phone].cut_off(self.now);
        Ok(())
    }

    /// The switch's process died, and its connections with it.
    pub(crate) fn reset_all(&mut self) {
        for id in std::mem::take(&mut self.streams.open).into_keys() {
            self.net.drop_connection(id);
        }
        self.streams.current.clear();
        self.failed.clear();
        for phone in &mut self.phones {
            phone.cut_off(self.now);
        }
    }

    fn close(&mut self, id: u64) -> Result<(), String> {
        self.net.drop_connection(id);
        self.streams.close(id);
        self.tell(Input::ConnectionClosed(ConnectionId(id)))
    }
}

fn flow(peer: SocketAddr, id: u64) -> Flow {
    Flow { transport: Transport::Tcp, local: address(SWITCH), peer, connection: Some(ConnectionId(id)) }
}
