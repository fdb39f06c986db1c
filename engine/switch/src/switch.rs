//! The switch itself: what comes in goes to whom it concerns; what is to be done comes out.

use std::collections::BTreeMap;
use std::time::Duration;

use hooks::id::CallId;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::message::{Method, Request, Response, StatusCode};
use sip::parse::ParseError;
use sip::random::Random;
use sip::time::Now;
use sip::transaction::{ClientKey, Output as FromSip, ServerKey, TransactionKey};

use crate::auth::Doorman;
use crate::call::{Call, Outcome, late_success, stray_success};
use crate::config::NodeConfig;
use crate::desk::{Desk, LegRef, TimerKey};
use crate::farewell;
use crate::input::{Admission, Input};
use crate::messages::Messages;
use crate::metrics::Metrics;
use crate::output::Output;
use crate::presence::Waiting;
use crate::tenants::Tenants;
use crate::trunk;
use crate::view::View;

/// One node's switch.
#[derive(Debug)]
pub struct Switch {
    pub(crate) desk: Desk,
    pub(crate) tenants: Tenants,
    pub(crate) doorman: Doorman,
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) admission: Admission,
    pub(crate) slowed: Slowed,
    pub(crate) messages: Messages,
}

/// Answers to failed sign-ins that are held back for a while.
#[derive(Debug, Default)]
pub(crate) struct Slowed {
    pub(crate) waiting: BTreeMap<u64, (ServerKey, Response)>,
    pub(crate) next: u64,
}

/// How much the switch holds; all zero, but for bindings, passes, subscriptions and watched sources, when it rests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Calls, those that end included.
    pub calls: usize,
    /// Entries that lead from a transaction or dialog to a leg.
    pub leg_entries: usize,
    /// SIP transactions without a final response.
    pub pending_transactions: usize,
    /// SIP transactions that linger for retransmissions.
    pub finished_transactions: usize,
    /// Endpoints that the media side has not closed.
    pub endpoints: usize,
    /// RTP ports that are free.
    pub free_ports: usize,
    /// Conferences, and what is noted about them.
    pub conferences: usize,
    /// Announcements that have not ended.
    pub players: usize,
    /// Recordings not reported yet.
    pub recordings: usize,
    /// Timers running, those of SIP transactions not counted.
    pub timers: usize,
    /// Bindings of phones.
    pub bindings: usize,
    /// Sources watched for failed sign-ins, or banned.
    pub watched_sources: usize,
    /// Answers held back.
    pub slowed: usize,
    /// Registrations with carriers that are being taken back.
    pub departing: usize,
    /// Passes of browsers.
    pub passes: usize,
    /// Text messages whose sender waits for an answer.
    pub messages: usize,
    /// Subscriptions of phones.
    pub subscriptions: usize,
    /// Callers who wait, offers, and agents who have a call.
    pub floor: usize,
    /// Parties who are parked.
    pub parked: usize,
}

impl Switch {
    /// A switch without tenants. The seed decides every id, tag, nonce and port order from here on: in production it comes from
    /// the operating system.
    #[must_use]
    pub fn new(node: NodeConfig, seed: [u8; 32], now: Now) -> Self {
        let mut random = Random::from_seed(seed);
        let doorman = Doorman::new(&node, &mut random);
        Self {
            desk: Desk::new(node, random, now),
            tenants: Tenants::default(),
            doorman,
            calls: BTreeMap::new(),
            admission: Admission::Open,
            slowed: Slowed::default(),
            messages: Messages::default(),
        }
    }

    /// Takes one input. [`Self::poll_output`] is to be emptied afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.desk.now = now;
        self.desk.turn_the_page();
        match input {
            Input::Sip { flow, message: Ok(message) } => self.desk.transactions.receive(now, flow, message),
            Input::Sip { flow, message: Err(error) } => self.malformed(flow, &error),
            Input::ConnectionClosed(connection) => self.connection_closed(connection),
            Input::SendFailed { flow, .. } => self.desk.transactions.transport_failed(now, flow),
            Input::Media(event) => self.media(event),
            Input::Tenant(config) => self.configure(config),
            Input::Restore { tenant, binding } => self.restore(&tenant, &binding),
            Input::RestoreAgent { tenant, fact, since_ms } => {
                if let Some(config) = self.tenants.by_id(&tenant).cloned() {
                    self.desk.restore_agent(&config, &fact, since_ms);
                }
            }
            Input::RestoreCallback { tenant, asked, asked_ms, attempts } => {
                self.desk.restore_callback(&tenant, &asked, asked_ms, attempts);
            }
            Input::Recall { tenant, recalled } => self.desk.recall(&tenant, *recalled),
            Input::Resume { checkpoint, interrupted_at_ms } => self.resume(&checkpoint, interrupted_at_ms),
            Input::Command { id, tenant, command } => self.command(id, &tenant, command),
            Input::LookedUp { call, id, answer } => {
                self.with_call(call, |call, desk| call.looked_up(desk, id, answer));
            }
            Input::Answered { call, id, answer } => {
                self.with_call(call, |call, desk| call.answered_by_hook(desk, id, answer));
            }
            Input::Box { call, id, answer } => {
                self.with_call(call, |call, desk| call.box_answered(desk, id, answer));
            }
            Input::Admission(admission) => self.admission = admission,
            Input::MessagesWaiting { tenant, mailbox, new, old } => {
                self.messages_waiting(&tenant, mailbox, Waiting { new, old });
            }
            Input::Stop => self.stop(),
        }
        self.pump();
        self.settle_rooms();
        self.settle_floor();
        self.tell_watchers();
    }

    /// The next thing to be done; `None` when all is said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.desk.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due, on the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [
            self.desk.transactions.poll_timeout(),
            self.desk.timers.next(),
            self.desk.registrar.next_expiry(),
            self.doorman.bans.next_end(),
            self.desk.trunks.next_timeout(),
            self.desk.presence.next_alarm(),
            self.desk.floor.distribution.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Lets everything happen that is due by `now`. [`Self::poll_output`] is to be emptied afterwards.
    pub fn handle_timeout(&mut self, now: Now) {
        self.desk.now = now;
        self.desk.turn_the_page();
        self.desk.transactions.handle_timeout(now);
        self.pump();
        while let Some(key) = self.desk.timers.pop_due(now.mono) {
            self.timer(key);
            self.pump();
        }
        while trunk::table::timer(&mut self.desk) {
            self.pump();
        }
        while let Some(change) = self.desk.registrar.expire_one(now) {
            self.registration_changed(change);
        }
        while let Some((source, banned)) = self.doorman.bans.expire_one(now) {
            if banned {
                self.desk.publish(View::BanGone(source));
            }
        }
        self.desk.presence.ring(now.mono);
        self.desk.floor.distribution.elapsed(now.mono);
        self.settle_rooms();
        self.settle_floor();
        self.tell_watchers();
    }

    /// What was done and refused since the start.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.desk.metrics
    }

    /// What the transactions counted since the start.
    #[must_use]
    pub fn sip_counters(&self) -> sip::transaction::Counters {
        self.desk.transactions.counters()
    }

    /// How much it holds now.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let counts = self.desk.transactions.counts();
        Sizes {
            calls: self.calls.len(),
            leg_entries: self.desk.servers.len()
                + self.desk.clients.len()
                + self.desk.dialogs.len()
                + self.desk.farewells.len()
                + self.desk.engaged.len(),
            pending_transactions: counts.pending_server + counts.pending_client,
            finished_transactions: counts.finished,
            endpoints: self.desk.ports.leased(),
            free_ports: self.desk.ports.free(),
            conferences: self.desk.conferences.len(),
            players: self.desk.players.len(),
            recordings: self.desk.recordings.len(),
            timers: self.desk.timers.len(),
            bindings: self.desk.registrar.len(),
            watched_sources: self.doorman.bans.len(),
            slowed: self.slowed.waiting.len(),
            departing: self.desk.trunks.departing(),
            passes: self.doorman.passes.len(),
            messages: self.messages.len(),
            subscriptions: self.desk.presence.len(),
            floor: self.desk.floor.busy(),
            parked: self.desk.parking.len(),
        }
    }

    /// True if no call, transaction, endpoint, recording or timer is left. Bindings, bans and trunks may be.
    #[must_use]
    pub fn is_quiescent(&self) -> bool {
        let sizes = self.sizes();
        let held = [
            sizes.calls,
            sizes.leg_entries,
            sizes.pending_transactions,
            sizes.finished_transactions,
            sizes.endpoints,
            sizes.conferences,
            sizes.players,
            sizes.recordings,
            sizes.timers,
            sizes.slowed,
            sizes.departing,
            sizes.messages,
            sizes.floor,
            sizes.parked,
        ];
        held.iter().all(|size| *size == 0) && self.desk.outputs.is_empty()
    }

    /// Hands on what the transactions say, until they are silent.
    pub(crate) fn pump(&mut self) {
        while let Some(output) = self.desk.transactions.poll_output() {
            match output {
                FromSip::Send { flow, bytes } => self.desk.outputs.push_back(Output::Send { flow, bytes }),
                FromSip::Request { key, request, flow } => self.request(key, request, flow),
                FromSip::MergedRequest { key, request, .. } => {
                    self.desk.refuse(key, &request, StatusCode::LOOP_DETECTED.into());
                }
                FromSip::Ack { key, request, .. } => self.ack(key, &request),
                FromSip::Cancelled { key, cancel } => self.cancelled(key, &cancel),
                FromSip::Response { key, response } => self.response(key, &response),
                FromSip::StrayResponse { response, flow } => stray_success(&mut self.desk, flow, None, &response),
                FromSip::TimedOut { key } => self.unanswered(key, StatusCode::REQUEST_TIMEOUT),
                FromSip::TransportError { key: TransactionKey::Client(key) } => {
                    self.unanswered(key, StatusCode::SERVICE_UNAVAILABLE);
                }
                // RFC 6026 §7.1: an INVITE stays and is answered by whoever is called; anything else is gone.
                FromSip::TransportError { key: TransactionKey::Server(_) } => {}
                FromSip::AckMissing { key } => self.ack_missing(key),
                FromSip::Ended { key: TransactionKey::Server(key) } => {
                    self.desk.servers.remove(&key);
                    self.part(key);
                }
                FromSip::Ended { key: TransactionKey::Client(key) } => {
                    self.desk.clients.remove(&key);
                    self.desk.trunks.forget(key);
                }
            }
        }
    }

    /// Lets a call handle something, then publishes it or forgets it.
    pub(crate) fn with_call(&mut self, call: CallId, what: impl FnOnce(&mut Call, &mut Desk)) {
        let Some(found) = self.calls.get_mut(&call) else { return };
        what(found, &mut self.desk);
        if found.settle(&mut self.desk) {
            self.calls.remove(&call);
        }
    }

    fn request(&mut self, key: ServerKey, request: Request, flow: Flow) {
        let tag = request.headers.to().ok().and_then(|to| to.tag().map(Box::<str>::from));
        if let Some(tag) = tag {
            return self.in_dialog(key, &tag, &request, flow);
        }
        if self.doorman.bans.is_banned(flow.peer.ip(), self.desk.now) && !self.is_emergency(&request) {
            self.desk.metrics.refused_banned += 1;
            return self.desk.refuse(key, &request, StatusCode::FORBIDDEN.into());
        }
        match &request.method {
            Method::Register => self.register(key, &request, flow),
            Method::Invite => self.invite(key, request, flow),
            Method::Options => self.options(key, &request),
            Method::Bye | Method::Info | Method::Prack | Method::Update | Method::Notify | Method::Refer => {
                self.outside_dialog(key, &request);
            }
            Method::Message => self.message(key, &request, flow),
            Method::Subscribe => self.subscribe(key, &request, flow),
            Method::Publish => self.not_allowed(key, &request),
            Method::Other(_) => self.desk.refuse(key, &request, crate::requests::not_implemented()),
            // The transactions keep these to themselves.
            Method::Ack | Method::Cancel => {}
        }
    }

    fn in_dialog(&mut self, key: ServerKey, tag: &str, request: &Request, flow: Flow) {
        let found = self.desk.dialogs.get(tag).copied();
        let mut outcome = Outcome::Unknown;
        if let Some(LegRef { call, leg }) = found {
            self.with_call(call, |call, desk| outcome = call.requested(desk, leg, key, request, flow));
        } else if self.in_subscription(key, tag, request, flow) {
            return;
        }
        match (outcome, found) {
            (Outcome::Refer, Some(asked)) => self.refer(asked, key, request),
            (Outcome::Taken, _) => {}
            (Outcome::Unknown, _) | (Outcome::Refer, None) => {
                let hung_up = request.method == Method::Bye && self.desk.farewells.hung_up(request);
                // RFC 3261 §12.2.2: a dialog that nobody knows.
                let status = if hung_up { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
                self.desk.respond(key, Response::to_request(request, status, None));
            }
        }
    }

    fn ack(&mut self, key: Option<ServerKey>, ack: &Request) {
        if let Some(up) = key.and_then(|key| self.desk.farewells.due(key)) {
            return farewell::bye(&mut self.desk, up, None);
        }
        let by_key = key.and_then(|key| self.desk.servers.remove(&key));
        let by_dialog = || {
            let to = ack.headers.to().ok()?;
            let found = self.desk.dialogs.get(to.tag()?).copied()?;
            self.calls.get(&found.call)?.is_ack_of(found.leg, ack).then_some(found)
        };
        if let Some(LegRef { call, leg }) = by_key.or_else(by_dialog) {
            self.with_call(call, |call, desk| call.acknowledged(desk, leg, ack));
        }
    }

    fn cancelled(&mut self, key: ServerKey, cancel: &Request) {
        if let Some(LegRef { call, leg }) = self.desk.servers.get(&key).copied() {
            return self.with_call(call, |call, desk| {
                call.heard_cancel(leg, &cancel.headers);
                call.cancelled(desk);
            });
        }
        // An INVITE whose refusal is held back: it is refused at once.
        let held = self.slowed.waiting.iter().find(|(_, (server, _))| *server == key).map(|(id, _)| *id);
        if let Some((server, response)) = held.and_then(|id| self.slowed.waiting.remove(&id)) {
            self.desk.respond(server, response);
        }
    }

    fn response(&mut self, key: ClientKey, response: &Response) {
        if trunk::table::responded(&mut self.desk, key, response) {
            return;
        }
        let Some(LegRef { call, leg }) = self.desk.clients.get(&key).map(|used| used.leg) else {
            if !self.notified(key, response) {
                self.message_responded(key, response);
            }
            return;
        };
        if self.calls.contains_key(&call) {
            return self.with_call(call, |call, desk| call.responded(desk, leg, key, response));
        }
        late_success(&mut self.desk, key, response);
    }

    /// A request of ours had no final response: it timed out, or could not be sent (RFC 3261 §8.1.3.1).
    fn unanswered(&mut self, key: ClientKey, status: StatusCode) {
        if trunk::table::unanswered(&mut self.desk, key, status) {
            return;
        }
        match self.desk.clients.remove(&key) {
            Some(used) => {
                self.with_call(used.leg.call, |call, desk| call.unreachable(desk, used.leg.leg, key, status));
            }
            None if self.notify_unanswered(key) => {}
            None => self.message_unanswered(key),
        }
    }

    /// No ACK will come for a 2xx whose leg is over: the wait of its BYE is over, too.
    fn part(&mut self, key: ServerKey) {
        if let Some(up) = self.desk.farewells.due(key) {
            farewell::bye(&mut self.desk, up, None);
        }
    }

    fn ack_missing(&mut self, key: ServerKey) {
        self.part(key);
        if let Some(LegRef { call, leg }) = self.desk.servers.remove(&key) {
            self.with_call(call, |call, desk| call.ack_missing(desk, leg));
        }
    }

    fn timer(&mut self, key: TimerKey) {
        match key {
            TimerKey::Ring(call) => self.with_call(call, Call::ring_elapsed),
            TimerKey::NoResponse(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.no_response(desk, leg));
            }
            TimerKey::Session(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.session_due(desk, leg));
            }
            TimerKey::AskAgain(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.ask_again(desk, leg));
            }
            TimerKey::Probation(call) => self.with_call(call, Call::not_present),
            TimerKey::Prack(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.prack_awaited(desk, leg));
            }
            TimerKey::Away(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.away_elapsed(desk, leg));
            }
            TimerKey::Unresumed => self.desk.close_unresumed(),
            TimerKey::Visit(call) => self.with_call(call, Call::visit_elapsed),
            TimerKey::Flow(call) => self.with_call(call, Call::flow_due),
            TimerKey::CallerLookup(call) => self.with_call(call, Call::caller_unknown),
            TimerKey::Authorize(call) => self.with_call(call, Call::not_authorized),
            TimerKey::Message(call) => self.with_call(call, Call::message_due),
            TimerKey::Survey(call) => self.with_call(call, Call::survey_due),
            TimerKey::Box(call) => self.with_call(call, Call::box_due),
            TimerKey::LastWords(call) => self.with_call(call, Call::last_words_elapsed),
            TimerKey::Parked(call) => self.with_call(call, Call::park_elapsed),
            TimerKey::ParkRing(call) => self.with_call(call, Call::park_ring_elapsed),
            TimerKey::Third(call) => self.with_call(call, Call::third_elapsed),
            TimerKey::Confirm(LegRef { call, leg }) => {
                self.with_call(call, |call, desk| call.confirm_elapsed(desk, leg));
            }
            TimerKey::Supervisor(call, supervisor) => {
                self.with_call(call, |call, desk| call.supervisor_elapsed(desk, supervisor));
            }
            TimerKey::Callback(callback) => self.desk.callback_due(callback),
            TimerKey::Announcement(call) => self.with_call(call, Call::announcement_elapsed),
            TimerKey::Agent(agent) => self.desk.agent_due(agent),
            TimerKey::Closing(call) => self.with_call(call, Call::closing_elapsed),
            TimerKey::Recording(recording) => self.recording_unreported(recording),
            TimerKey::Slowed(id) => {
                if let Some((server, response)) = self.slowed.waiting.remove(&id) {
                    self.desk.respond(server, response);
                }
            }
        }
    }

    fn malformed(&mut self, flow: Flow, error: &ParseError) {
        match error {
            ParseError::BadRequest(bad) => {
                self.desk.metrics.refused_malformed += 1;
                let tag = self.desk.random.token();
                if let Some(response) = bad.response(&tag) {
                    self.desk.transactions.respond_stateless(flow, response);
                }
            }
            ParseError::BadResponse(_) | ParseError::NotSip(_) => self.desk.metrics.dropped_malformed += 1,
            // Answered where the stream is framed; nothing is due on UDP.
            ParseError::KeepAlive(_) => {}
        }
    }

    fn connection_closed(&mut self, connection: ConnectionId) {
        // Transactions know a connection by its number alone.
        let nowhere = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
        let flow = Flow { transport: Transport::Tcp, local: nowhere, peer: nowhere, connection: Some(connection) };
        self.desk.transactions.transport_failed(self.desk.now, flow);
        let lost = self.desk.registrar.devices_on(connection);
        for change in self.desk.registrar.connection_closed(connection) {
            self.desk.presence.connection_closed(change.aor(), connection);
            self.registration_changed(change);
        }
        for call in self.calls.values_mut() {
            call.connection_closed(&mut self.desk, connection, &lost);
        }
    }
}
