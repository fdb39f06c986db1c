//! SIP over TCP: framing on the way in (RFC 3261 §18.3), one writer task a connection on the way out, connections reused.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::parse::{KeepAlive, StreamEvent, StreamFramer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::writer::Inbox;

/// Connections open at a time; beyond, a new one is closed at once and counted.
pub const STREAMS_MAX: usize = 16_384;

/// Messages queued for one slow connection; beyond, it is taken for dead and closed.
const QUEUE_MAX: usize = 256;

/// How long a connection to a peer may take to be made: below the 32 s in which a transaction gives up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a peer may leave us unable to write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to a message that spoils its stream has to be queued before the connection is closed.
const LAST_ANSWER: Duration = Duration::from_millis(500);

/// How much is read at a time.
const READ_BYTES: usize = 16 << 10;

struct Stream {
    peer: SocketAddr,
    queue: mpsc::Sender<Bytes>,
    /// Dropped with the stream: the reader stops.
    _open: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    by_id: BTreeMap<ConnectionId, Stream>,
    /// The newest connection to each peer.
    by_peer: BTreeMap<SocketAddr, ConnectionId>,
    listening: Vec<SocketAddr>,
}

/// All stream connections of the process.
pub(super) struct Streams {
    table: Mutex<Table>,
    next_id: AtomicU64,
    inbox: Inbox,
    runtime: Handle,
}

impl Streams {
    pub(super) fn new(inbox: Inbox, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { table: Mutex::default(), next_id: AtomicU64::new(1), inbox, runtime })
    }

    pub(super) async fn listen(self: Arc<Self>, address: SocketAddr) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        self.table().listening.push(listener.local_addr()?);
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        Arc::clone(&self).open(stream, peer);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "accepting SIP over TCP failed");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Ok(())
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.table().listening.clone()
    }

    /// Queues on the named connection, else on one to the same peer, else opens one. Never blocks.
    pub(super) fn send(self: Arc<Self>, flow: Flow, bytes: Bytes) {
        let queue = {
            let table = self.table();
            let id = flow.connection.or_else(|| table.by_peer.get(&flow.peer).copied());
            id.and_then(|id| table.by_id.get(&id)).map(|stream| stream.queue.clone())
        };
        match queue {
            Some(queue) => {
                if let Err(error) = queue.try_send(bytes) {
                    self.inbox.send_failed(flow, error.into_inner());
                }
            }
            // A message for a connection that is gone must not go to whoever has the address now.
            None if flow.connection.is_some() || flow.transport != Transport::Tcp => {
                self.inbox.send_failed(flow, bytes);
            }
            None => {
                let runtime = self.runtime.clone();
                runtime.spawn(self.connect_and_send(flow, bytes));
            }
        }
    }

    pub(super) fn close(&self, connection: ConnectionId) {
        self.forget(connection);
    }

    async fn connect_and_send(self: Arc<Self>, flow: Flow, bytes: Bytes) {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(flow.peer)).await;
        let queue = match connected {
            Ok(Ok(stream)) => Arc::clone(&self).open(stream, flow.peer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no TCP connection for SIP");
                None
            }
            Err(_elapsed) => None,
        };
        let unsent = match queue {
            Some(queue) => queue.try_send(bytes).err().map(mpsc::error::TrySendError::into_inner),
            None => Some(bytes),
        };
        if let Some(bytes) = unsent {
            self.inbox.send_failed(flow, bytes);
        }
    }

    /// Registers a connection and starts its two tasks; `None` when the table is full or the socket is gone already.
    fn open(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) -> Option<mpsc::Sender<Bytes>> {
        let local = stream.local_addr().ok()?;
        // Small messages shall not wait for more; a refusal only costs delay.
        let _ = stream.set_nodelay(true);
        let id = ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (queue, queued) = mpsc::channel(QUEUE_MAX);
        let (open, closed) = watch::channel(());
        {
            let mut table = self.table();
            if table.by_id.len() >= STREAMS_MAX {
                tracing::warn!(limit = STREAMS_MAX, "too many SIP connections, one more closed");
                return None;
            }
            table.by_id.insert(id, Stream { peer, queue: queue.clone(), _open: open });
            table.by_peer.insert(peer, id);
        }
        let flow = Flow { transport: Transport::Tcp, local, peer, connection: Some(id) };
        let (read_half, write_half) = stream.into_split();
        let runtime = self.runtime.clone();
        runtime.spawn(Arc::clone(&self).write(id, write_half, queued));
        runtime.spawn(self.read(flow, read_half, closed));
        Some(queue)
    }

    async fn write(self: Arc<Self>, id: ConnectionId, mut half: OwnedWriteHalf, mut queued: mpsc::Receiver<Bytes>) {
        while let Some(bytes) = queued.recv().await {
            match tokio::time::timeout(WRITE_TIMEOUT, half.write_all(&bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.forget(id);
    }

    async fn read(self: Arc<Self>, flow: Flow, mut half: OwnedReadHalf, mut closed: watch::Receiver<()>) {
        let mut framer = StreamFramer::new();
        let mut buffer = vec![0; READ_BYTES];
        'open: loop {
            let received = tokio::select! {
                received = half.read(&mut buffer) => received,
                _ = closed.changed() => break,
            };
            let length = match received {
                Ok(0) | Err(_) => break,
                Ok(length) => length,
            };
            framer.push(&buffer[..length]);
            while let Some(event) = framer.next_event() {
                match event {
                    StreamEvent::Message(message) => self.inbox.sip(flow, Ok(message)).await,
                    StreamEvent::Refused(error) => self.inbox.sip(flow, Err(error)).await,
                    // RFC 5626 §4.4.1: a ping is answered with a single CRLF.
                    StreamEvent::KeepAlive(KeepAlive::Ping) => {
                        Arc::clone(&self).send(flow, Bytes::from_static(b"\r\n"));
                    }
                    StreamEvent::KeepAlive(KeepAlive::Pong) => {}
                    StreamEvent::Close(error) => {
                        self.inbox.sip(flow, Err(error)).await;
                        tokio::time::sleep(LAST_ANSWER).await;
                        break 'open;
                    }
                }
            }
        }
        if let Some(id) = flow.connection {
            self.forget(id);
            self.inbox.connection_closed(id).await;
        }
    }

    /// Dropping the queue ends the writer task, which closes the socket and with it the reader.
    fn forget(&self, id: ConnectionId) {
        let mut table = self.table();
        if let Some(stream) = table.by_id.remove(&id)
            && table.by_peer.get(&stream.peer) == Some(&id)
        {
            table.by_peer.remove(&stream.peer);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is valid between any two statements, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
