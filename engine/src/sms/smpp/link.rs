//! A bound connection: it sends what is ordered, gives answers to who asked, and is asked itself whether it is still there.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::pdu::{self, Header, OK, UNKNOWN_COMMAND, id};

/// After so long without a word the centre is asked whether it is there; after twice as long the connection is given up.
const ENQUIRE_EVERY: Duration = Duration::from_secs(30);

/// What a connection is made of: TCP, or TLS on it.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Line for S {}

/// A `submit_sm`.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) body: Vec<u8>,
    /// Told the status of the answer; dropped where none comes.
    pub(super) answer: oneshot::Sender<u32>,
}

/// A connection.
pub(super) struct Link<S> {
    stream: S,
    unread: BytesMut,
    /// Of the last request.
    sequence: u32,
    enquire_every: Duration,
}

impl<S: Line> Link<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, unread: BytesMut::new(), sequence: 0, enquire_every: ENQUIRE_EVERY }
    }

    /// Asks to be a transmitter; the status of the answer.
    pub(super) async fn bind(&mut self, body: &[u8]) -> io::Result<u32> {
        let sequence = self.request(id::BIND_TRANSMITTER, body).await?;
        loop {
            let header = self.next().await?;
            let is_answer = [id::BIND_TRANSMITTER | id::RESPONSE, id::GENERIC_NACK].contains(&header.id);
            if is_answer && header.sequence == sequence {
                return Ok(header.status);
            }
        }
    }

    /// Runs until the connection breaks, or nobody is left who could order. Who waits for an answer then is told by the drop of his sender.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        if let Err(error) = self.serve(&mut orders).await {
            tracing::info!(%error, "the connection to the short message centre ended");
        }
    }

    async fn serve(&mut self, orders: &mut mpsc::Receiver<Order>) -> io::Result<()> {
        let mut waiting: BTreeMap<u32, oneshot::Sender<u32>> = BTreeMap::new();
        let mut enquire = interval(self.enquire_every);
        enquire.set_missed_tick_behavior(MissedTickBehavior::Delay);
        enquire.reset();
        let mut is_asked = false;
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(Order { body, answer }) = order else { return self.request(id::UNBIND, &[]).await.map(drop) };
                    let sequence = self.request(id::SUBMIT_SM, &body).await?;
                    // Who gave up takes no answer, which must not be kept for him.
                    waiting.retain(|_, answer| !answer.is_closed());
                    waiting.insert(sequence, answer);
                }
                header = self.next() => {
                    let header = header?;
                    is_asked = false;
                    enquire.reset();
                    if header.id & id::RESPONSE == 0 {
                        self.answer(header).await?;
                        if header.id == id::UNBIND {
                            return Ok(());
                        }
                    } else if let Some(answer) = waiting.remove(&header.sequence) {
                        let _ = answer.send(header.status);
                    }
                }
                _ = enquire.tick() => {
                    if is_asked {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to enquire_link"));
                    }
                    is_asked = true;
                    self.request(id::ENQUIRE_LINK, &[]).await?;
                }
            }
        }
    }

    /// SMPP 3.4 §4.1, §4.2: what a centre asks of a transmitter.
    async fn answer(&mut self, asked: Header) -> io::Result<()> {
        let answer = match asked.id {
            id::ENQUIRE_LINK | id::UNBIND => Header { id: asked.id | id::RESPONSE, status: OK, ..asked },
            _ => Header { id: id::GENERIC_NACK, status: UNKNOWN_COMMAND, ..asked },
        };
        self.stream.write_all(&pdu::write(answer, &[])).await?;
        self.stream.flush().await
    }

    async fn request(&mut self, id: u32, body: &[u8]) -> io::Result<u32> {
        // SMPP 3.4 §3.2.1: 1 to 0x7FFFFFFF.
        self.sequence = self.sequence % 0x7fff_ffff + 1;
        let header = Header { id, status: OK, sequence: self.sequence };
        self.stream.write_all(&pdu::write(header, body)).await?;
        self.stream.flush().await?;
        Ok(self.sequence)
    }

    /// The next PDU. What was read is kept where this is dropped meanwhile.
    async fn next(&mut self) -> io::Result<Header> {
        loop {
            if let Some(header) = pdu::take(&mut self.unread)? {
                return Ok(header);
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the centre closed the connection"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn came(peer: &mut tokio::io::DuplexStream) -> (u32, u32) {
        let mut head = [0; 16];
        peer.read_exact(&mut head).await.unwrap();
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let mut body = vec![0; usize::try_from(word(0)).unwrap() - 16];
        peer.read_exact(&mut body).await.unwrap();
        (word(4), word(12))
    }

    fn answer(id: u32, status: u32, sequence: u32) -> Vec<u8> {
        pdu::write(Header { id, status, sequence }, &[])
    }

    async fn ask(orders: &mpsc::Sender<Order>) -> oneshot::Receiver<u32> {
        let (answer, answered) = oneshot::channel();
        orders.send(Order { body: b"message".to_vec(), answer }).await.unwrap();
        answered
    }

    #[tokio::test]
    async fn answers_find_who_asked() {
        let (ours, mut peer) = tokio::io::duplex(4_096);
        let (orders, ordered) = mpsc::channel(4);
        tokio::spawn(Link::new(ours).run(ordered));
        let (first, second) = (ask(&orders).await, ask(&orders).await);
        let (one, two) = (came(&mut peer).await, came(&mut peer).await);
        assert_eq!((one.0, two.0), (id::SUBMIT_SM, id::SUBMIT_SM));
        // In another order, with a question of its own between.
        peer.write_all(&answer(id::SUBMIT_SM | id::RESPONSE, 0x58, two.1)).await.unwrap();
        peer.write_all(&answer(id::ENQUIRE_LINK, 0, 99)).await.unwrap();
        peer.write_all(&answer(id::SUBMIT_SM | id::RESPONSE, 0, one.1)).await.unwrap();
        assert_eq!((first.await, second.await), (Ok(0), Ok(0x58)));
        assert_eq!(came(&mut peer).await, (id::ENQUIRE_LINK | id::RESPONSE, 99));
        drop(orders);
        assert_eq!(came(&mut peer).await.0, id::UNBIND);
    }

    #[tokio::test]
    async fn a_centre_that_says_nothing_is_asked_once_and_given_up() {
        let (ours, mut peer) = tokio::io::duplex(4_096);
        let (orders, ordered) = mpsc::channel(4);
        let link = Link { enquire_every: Duration::from_millis(20), ..Link::new(ours) };
        let running = tokio::spawn(link.run(ordered));
        assert_eq!(came(&mut peer).await.0, id::ENQUIRE_LINK);
        running.await.unwrap();
        assert!(orders.is_closed());
    }

    #[tokio::test]
    async fn who_is_told_to_go_goes_and_says_so() {
        let (ours, mut peer) = tokio::io::duplex(4_096);
        let (_orders, ordered) = mpsc::channel(4);
        let running = tokio::spawn(Link::new(ours).run(ordered));
        peer.write_all(&answer(id::UNBIND, 0, 5)).await.unwrap();
        assert_eq!(came(&mut peer).await, (id::UNBIND | id::RESPONSE, 5));
        running.await.unwrap();
    }
}
