//! SIP over TCP and TLS: framing on the way in (RFC 3261 §18.3), one writer task a connection on the way out, connections
//! reused.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::message::Message;
use sip::parse::{KeepAlive, ParseError, StreamEvent, StreamFramer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::gauge;
use crate::ladder::Tap;
use crate::names::Names;
use crate::tls::TlsClient;
use crate::writer::Inbox;

/// Connections open at a time; beyond, a new one is closed at once and counted.
pub const STREAMS_MAX: usize = 16_384;

/// Messages queued for one slow connection; beyond, it is taken for dead and closed.
const QUEUE_MAX: usize = 256;

/// How long a connection to a peer may take to be made, its handshake included: below the 32 s in which a transaction gives up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a peer may leave us unable to write.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the answer to a message that spoils its stream has to be queued before the connection is closed.
const LAST_ANSWER: Duration = Duration::from_millis(500);

/// After the system refused a connection (no file descriptors), the next is tried after this time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;

/// How much is read at a time.
const READ_BYTES: usize = 16 << 10;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    ByUs,
    ByPeer,
}

/// A connection that stands in the table.
pub(super) struct Registered {
    pub(super) id: ConnectionId,
    pub(super) flow: Flow,
    /// What is to be sent on it; ends when it is to be closed.
    pub(super) queued: mpsc::Receiver<Bytes>,
    /// Tells that it is to be closed.
    pub(super) closed: watch::Receiver<()>,
}

/// What a connection that we open leads to.
type Way = (Transport, SocketAddr);

struct Stream {
    way: Way,
    queue: mpsc::Sender<Bytes>,
    /// Dropped with the stream: the reader stops.
    _open: watch::Sender<()>,
}

#[derive(Default)]
struct Table {
    by_id: BTreeMap<ConnectionId, Stream>,
    /// The newest connection to each peer.
    by_peer: BTreeMap<Way, ConnectionId>,
    /// What waits for a connection that is being made.
    connecting: BTreeMap<Way, Vec<(Flow, Bytes)>>,
    listening: Vec<SocketAddr>,
}

impl Table {
    fn show_size(&self) {
        gauge::set("switchboard_sip_connections", self.by_id.len());
    }
}

/// All stream connections of the process.
pub(super) struct Streams {
    table: Mutex<Table>,
    next_id: AtomicU64,
    inbox: Inbox,
    tap: Tap,
    runtime: Handle,
    client: Arc<TlsClient>,
    names: Arc<Names>,
}

impl Streams {
    pub(super) fn new(inbox: Inbox, tap: Tap, client: Arc<TlsClient>, names: Arc<Names>) -> Arc<Self> {
        let (table, next_id) = (Mutex::default(), AtomicU64::new(1));
        Arc::new(Self { table, next_id, inbox, tap, runtime: Handle::current(), client, names })
    }

    pub(super) fn listen(self: Arc<Self>, address: SocketAddr) -> io::Result<()> {
        let listener = bind(address)?;
        self.table().listening.push(listener.local_addr()?);
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            loop {
                let (stream, peer) = accept(&listener).await;
                let Ok(local) = stream.local_addr() else { continue };
                let (read, write) = stream.into_split();
                self.open(Ends { transport: Transport::Tcp, local, peer }, Opened::ByPeer, read, write);
            }
        });
        Ok(())
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.table().listening.clone()
    }

    /// Queues on the named connection, else on one to the same peer, else opens one. Never blocks.
    pub(super) fn send(self: Arc<Self>, flow: Flow, bytes: Bytes) {
        let way = (flow.transport, flow.peer);
        let unsent = {
            let mut table = self.table();
            let id = flow.connection.or_else(|| table.by_peer.get(&way).copied());
            let queue = id.and_then(|id| table.by_id.get(&id)).map(|stream| stream.queue.clone());
            let can_open = flow.connection.is_none() && opens(flow.transport);
            match (queue, table.connecting.get_mut(&way)) {
                (Some(queue), _) => queue.try_send(bytes).err().map(mpsc::error::TrySendError::into_inner),
                // A message for a connection that is gone must not go to whoever has the address now.
                (None, _) if !can_open => Some(bytes),
                (None, Some(waiting)) if waiting.len() < QUEUE_MAX => {
                    waiting.push((flow, bytes));
                    None
                }
                (None, Some(_)) => Some(bytes),
                (None, None) => {
                    table.connecting.insert(way, vec![(flow, bytes)]);
                    self.runtime.spawn(Arc::clone(&self).connect(way));
                    None
                }
            }
        };
        if let Some(bytes) = unsent {
            self.inbox.send_failed(flow, bytes);
        }
    }

    pub(super) fn close(&self, connection: ConnectionId) {
        self.forget(connection);
    }

    /// Makes a connection and sends what waits for it, or says that it cannot be sent.
    async fn connect(self: Arc<Self>, way: Way) {
        let made = tokio::time::timeout(CONNECT_TIMEOUT, Arc::clone(&self).make(way)).await;
        let reason = match made {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some("it took too long".to_owned()),
        };
        if let Some(reason) = reason {
            tracing::warn!(transport = way.0.via_name(), peer = %way.1, reason, "no connection for SIP");
        }
        // Empty where the connection was opened.
        let unsent = self.table().connecting.remove(&way).unwrap_or_default();
        for (flow, bytes) in unsent {
            self.inbox.send_failed(flow, bytes);
        }
    }

    async fn make(self: Arc<Self>, way: Way) -> io::Result<()> {
        let (transport, peer) = way;
        let stream = TcpStream::connect(peer).await?;
        let _ = stream.set_nodelay(true);
        let ends = Ends { transport, local: stream.local_addr()?, peer };
        if transport == Transport::Tls {
            // RFC 5922 §7.2: the name is the one that was resolved, not the one that DNS led to.
            let host = self.names.secured_name(peer).unwrap_or_else(|| peer.ip().to_string());
            let client = Arc::clone(&self.client);
            let (read, write) = tokio::io::split(client.connect(stream, &host).await?);
            self.open(ends, Opened::ByUs, read, write);
        } else {
            let (read, write) = stream.into_split();
            self.open(ends, Opened::ByUs, read, write);
        }
        Ok(())
    }

    /// Registers a connection and starts its two tasks. It is closed at once when the table is full.
    pub(super) fn open<R, W>(self: &Arc<Self>, ends: Ends, opened: Opened, read: R, write: W)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let Some(Registered { id, flow, queued, closed }) = self.register(ends, opened) else { return };
        self.runtime.spawn(Arc::clone(self).write(id, write, queued));
        self.runtime.spawn(Arc::clone(self).read(flow, read, closed));
    }

    /// Puts a connection into the table, unless that is full.
    pub(super) fn register(&self, ends: Ends, opened: Opened) -> Option<Registered> {
        let id = ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (queue, queued) = mpsc::channel(QUEUE_MAX);
        let (open, closed) = watch::channel(());
        let way = (ends.transport, ends.peer);
        let mut table = self.table();
        if table.by_id.len() >= STREAMS_MAX {
            tracing::warn!(limit = STREAMS_MAX, "too many SIP connections, one more closed");
            return None;
        }
        let waiting = match opened {
            Opened::ByUs => table.connecting.remove(&way).unwrap_or_default(),
            Opened::ByPeer => Vec::new(),
        };
        for (flow, bytes) in waiting {
            if let Err(error) = queue.try_send(bytes) {
                self.inbox.send_failed(flow, error.into_inner());
            }
        }
        table.by_id.insert(id, Stream { way, queue, _open: open });
        table.show_size();
        // RFC 5923 §4: a peer that has not proved its name gets nothing that is meant for the name at its address.
        if opened == Opened::ByUs || ends.transport == Transport::Tcp {
            table.by_peer.insert(way, id);
        }
        let flow = Flow { transport: ends.transport, local: ends.local, peer: ends.peer, connection: Some(id) };
        Some(Registered { id, flow, queued, closed })
    }

    /// Passes on what a connection brought, and to whom it concerns to see.
    pub(super) async fn received(&self, flow: Flow, bytes: &Bytes, message: Result<Message, ParseError>) {
        self.tap.received(flow, bytes);
        self.inbox.sip(flow, message).await;
    }

    /// A connection has ended.
    pub(super) async fn ended(&self, id: ConnectionId) {
        self.forget(id);
        self.inbox.connection_closed(id).await;
    }

    async fn write<W: AsyncWrite + Unpin>(
        self: Arc<Self>,
        id: ConnectionId,
        mut half: W,
        mut queued: mpsc::Receiver<Bytes>,
    ) {
        while let Some(bytes) = queued.recv().await {
            let written = async {
                half.write_all(&bytes).await?;
                half.flush().await
            };
            match tokio::time::timeout(WRITE_TIMEOUT, written).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.forget(id);
        // RFC 8446 §6.1: a close that was meant says so. A peer that does not take it is left alone.
        let _ = tokio::time::timeout(WRITE_TIMEOUT, half.shutdown()).await;
    }

    async fn read<R: AsyncRead + Unpin>(self: Arc<Self>, flow: Flow, mut half: R, mut closed: watch::Receiver<()>) {
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
                    StreamEvent::Message(message) => self.received(flow, framer.last_message(), Ok(message)).await,
                    StreamEvent::Refused(error) => self.received(flow, framer.last_message(), Err(error)).await,
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
            self.ended(id).await;
        }
    }

    /// Dropping the queue ends the writer task, which closes the socket and with it the reader.
    fn forget(&self, id: ConnectionId) {
        let mut table = self.table();
        if let Some(stream) = table.by_id.remove(&id)
            && table.by_peer.get(&stream.way) == Some(&id)
        {
            table.by_peer.remove(&stream.way);
        }
        table.show_size();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is valid between any two statements, so a panic elsewhere does not spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether we open connections of this kind; browsers open theirs.
fn opens(transport: Transport) -> bool {
    match transport {
        Transport::Tcp | Transport::Tls => true,
        Transport::Udp | Transport::Ws | Transport::Wss => false,
    }
}

/// A listener; one on an IPv6 address is for IPv6 alone, so that one for IPv4 has room beside it.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The next connection.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small messages shall not wait for more; a refusal only costs delay.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "accepting a SIP connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
