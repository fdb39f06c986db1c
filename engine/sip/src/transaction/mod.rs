//! Transactions (RFC 3261 §17, RFC 6026): what makes a request and its responses one thing on a network that loses and
//! repeats them.
//!
//! One [`Transactions`] a node, without I/O: messages and the time go in, [`Output`]s are polled out. It answers
//! retransmissions, acknowledges failures, retransmits, times out, cancels, and refuses when full. It knows no dialogs and
//! decides nothing about calls.

mod client;
mod matching;
mod output;
mod server;
mod table;
mod timer;
pub mod via;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use slotmap::SlotMap;

pub use output::{ClientKey, Counters, Counts, Output, RespondError, SendError, ServerKey, TransactionKey};
pub use timer::TimerConfig;
pub use via::{Hop, SentBy};

use crate::flow::Flow;
use crate::message::{Message, Response};
use crate::random::Random;
use crate::time::Now;
use client::ClientTransaction;
use matching::{MatchKey, Matcher};
use server::ServerTransaction;
use timer::TimerQueue;

/// How the transactions behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Lengths of timers.
    pub timers: TimerConfig,
    /// Sizes of the tables.
    pub limits: Limits,
}

/// Sizes of the tables, and what a refused client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Received requests without a final response. Beyond it a new request gets 503; one inside a dialog only beyond
    /// five quarters of it, so that calls can still be ended.
    pub pending_server: usize,
    /// Sent requests without a final response; beyond it [`SendError::TableFull`].
    pub pending_client: usize,
    /// Transactions that wait for retransmissions. Beyond it the one nearest to its end leaves early.
    pub finished: usize,
    /// Seconds in the Retry-After of that 503.
    pub retry_after_s: u32,
}

impl Default for Limits {
    /// Four times what 800 calls/s with 5 s of ringing have pending, and twice what they leave behind in 32 s.
    fn default() -> Self {
        Self { pending_server: 16_384, pending_client: 16_384, finished: 262_144, retry_after_s: 5 }
    }
}

/// All transactions of a node.
#[derive(Debug)]
pub struct Transactions {
    config: Config,
    random: Random,
    matcher: Matcher,
    servers: SlotMap<ServerKey, Box<ServerTransaction>>,
    clients: SlotMap<ClientKey, Box<ClientTransaction>>,
    /// Requests by RFC 3261 §17.2.3.
    server_index: BTreeMap<MatchKey, ServerKey>,
    /// INVITEs, and requests outside dialogs, by From tag, Call-ID and CSeq: finds merged requests and the INVITE of an ACK.
    call_index: BTreeMap<MatchKey, ServerKey>,
    /// Responses by RFC 3261 §17.1.3.
    client_index: BTreeMap<MatchKey, ClientKey>,
    timers: TimerQueue,
    outputs: VecDeque<Output>,
    counters: Counters,
    counts: Counts,
}

impl Transactions {
    /// Empty tables. `random` gives branches and tags, and keys the indexes against chosen collisions.
    #[must_use]
    pub fn new(config: Config, mut random: Random) -> Self {
        Self {
            config,
            matcher: Matcher::new(&mut random),
            random,
            servers: SlotMap::with_key(),
            clients: SlotMap::with_key(),
            server_index: BTreeMap::new(),
            call_index: BTreeMap::new(),
            client_index: BTreeMap::new(),
            timers: TimerQueue::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            counts: Counts::default(),
        }
    }

    /// Takes a message that came on `flow`. A request without a usable Via, From, To, Call-ID or CSeq is answered 400 where its
    /// Via can be read (RFC 3261 §8.1.1: they are mandatory); such a response is dropped (§18.1.2).
    pub fn receive(&mut self, now: Now, flow: Flow, message: impl Into<Message>) {
        match message.into() {
            Message::Request(request) => self.receive_request(now, flow, request),
            Message::Response(response) => self.receive_response(now, flow, response),
        }
    }

    /// Answers a request for which there is no transaction (one that could not be parsed), by the Via in the response:
    /// RFC 3261 §18.2.2. `flow` is where the request came from. Dropped if there is no usable Via.
    pub fn respond_stateless(&mut self, flow: Flow, mut response: Response) {
        let Some(reply_to) = via::stamp(&mut response.headers, &flow) else {
            self.counters.malformed += 1;
            return;
        };
        let bytes = response.to_bytes();
        self.outputs.push_back(Output::Send { flow: reply_to, bytes });
    }

    /// Tells that nothing can be sent on this flow: its connection closed, could not be opened, or the peer's address is
    /// unreachable. Goes through both tables, so it is not for single lost datagrams.
    pub fn transport_failed(&mut self, now: Now, flow: Flow) {
        let hit = |of: &Flow| match of.connection {
            Some(_) => of.connection == flow.connection,
            // Sent on a connection that the shell chose by itself.
            None => of.transport == flow.transport && of.peer == flow.peer,
        };
        let clients: Vec<ClientKey> =
            self.clients.iter().filter(|(_, client)| hit(client.flow())).map(|(key, _)| key).collect();
        for key in clients {
            self.client_transport_failed(now, key);
        }
        let servers: Vec<ServerKey> =
            self.servers.iter().filter(|(_, server)| hit(server.flow())).map(|(key, _)| key).collect();
        for key in servers {
            self.server_transport_failed(now, key);
        }
    }

    /// Lets every timer that has ended by `now` do its work.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(key) = self.timers.due(now.mono) {
            match key {
                TransactionKey::Server(key) => self.server_timer(now, key),
                TransactionKey::Client(key) => self.client_timer(now, key),
            }
        }
    }

    /// The instant on the monotonic clock at which [`Self::handle_timeout`] is next due; `None` while no timer runs.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The next thing to be done; `None` when all is said. To be emptied after every call that takes `now`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many transactions there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// True if nothing is left: no transaction, no timer, no output.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
            && self.clients.is_empty()
            && self.server_index.is_empty()
            && self.call_index.is_empty()
            && self.client_index.is_empty()
            && self.timers.next().is_none()
            && self.outputs.is_empty()
            && self.counts == Counts::default()
    }

    /// Makes room among the finished ones after one was added: the one nearest to its end leaves early.
    fn evict(&mut self) {
        while self.counts.finished > self.config.limits.finished {
            let Some(key) = self.timers.first_lingering() else { return };
            self.counters.evicted += 1;
            match key {
                TransactionKey::Server(key) => self.remove_server(key),
                TransactionKey::Client(key) => self.remove_client(key),
            }
            self.outputs.push_back(Output::Ended { key });
        }
    }
}
