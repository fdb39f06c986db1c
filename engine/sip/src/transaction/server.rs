//! Server transactions: what the two server tables say, done.

use std::net::SocketAddr;

use bytes::Bytes;

use super::matching::{MatchKey, RequestIdentity};
use super::output::{Output, RespondError, ServerKey, TransactionKey};
use super::table::{server_invite, server_non_invite};
use super::timer::{Clocks, Timer};
use super::{Transactions, via};
use crate::flow::Flow;
use crate::headers::HeaderName;
use crate::message::{Method, Request, Response, StatusCode};
use crate::parse::parse_datagram;
use crate::time::Now;

/// A request that was received. Finished ones are many: nothing is kept that a retransmission does not need.
#[derive(Debug)]
pub(super) struct ServerTransaction {
    /// Where responses go.
    reply_to: Flow,
    /// Where they go once the connection is gone (RFC 3261 §18.2.2).
    fallback: Option<SocketAddr>,
    request_key: MatchKey,
    /// Its entry in the index of calls, if it has one.
    call_key: Option<MatchKey>,
    clocks: Clocks,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Invite { state: server_invite::State, last: LastResponse },
    NonInvite { state: server_non_invite::State, last: LastResponse },
}

/// The bytes that answer a retransmission.
#[derive(Debug)]
enum LastResponse {
    /// Nothing was sent, or nothing will be asked for again.
    None,
    /// The 100 that goes out if the TU says nothing in time.
    Unsent(Box<Response>),
    /// What was sent last.
    Sent(Bytes),
}

/// What an event brings with it.
enum Brought {
    Nothing,
    Response(Bytes),
    Ack { request: Box<Request>, flow: Flow },
}

impl ServerTransaction {
    pub(super) fn flow(&self) -> &Flow {
        &self.reply_to
    }

    fn is_pending(&self) -> bool {
        match &self.machine {
            Machine::Invite { state, .. } => match state {
                server_invite::State::Fresh | server_invite::State::Proceeding => true,
                server_invite::State::Completed
                | server_invite::State::Confirmed
                | server_invite::State::Accepted
                | server_invite::State::Acknowledged
                | server_invite::State::Terminated => false,
            },
            Machine::NonInvite { state, .. } => match state {
                server_non_invite::State::Trying | server_non_invite::State::Proceeding => true,
                server_non_invite::State::Completed | server_non_invite::State::Terminated => false,
            },
        }
    }

    /// The To tag of the last response, for the answer to a CANCEL (RFC 3261 §9.2).
    fn to_tag(&self) -> Option<String> {
        let (Machine::Invite { last, .. } | Machine::NonInvite { last, .. }) = &self.machine;
        match last {
            LastResponse::Sent(bytes) => {
                let sent = parse_datagram(bytes.clone()).ok()?;
                sent.headers().to().ok()?.tag().map(str::to_owned)
            }
            LastResponse::None | LastResponse::Unsent(_) => None,
        }
    }
}

impl Transactions {
    /// Answers a request: an INVITE with provisional responses, then one final one; others with a final one, where a 408 is
    /// not sent but ends the transaction silently (RFC 4320 §4.2). A 2xx to INVITE is retransmitted until its ACK.
    ///
    /// # Errors
    /// [`RespondError`] if the transaction is gone or has its final response, or the response is a provisional one to another
    /// request than INVITE (RFC 4320 §4.1: their 100 is sent here, in time); nothing is sent then.
    pub fn respond(&mut self, now: Now, key: ServerKey, response: Response) -> Result<(), RespondError> {
        let server = self.servers.get(key).ok_or(RespondError::Gone)?;
        if !server.is_pending() {
            return Err(RespondError::AlreadyAnswered);
        }
        let status = response.status;
        let brought = Brought::Response(response.to_bytes());
        if matches!(server.machine, Machine::Invite { .. }) {
            let event = match status {
                status if status.is_provisional() => server_invite::Event::Provisional,
                status if status.is_success() => server_invite::Event::Success,
                _ => server_invite::Event::Failure,
            };
            self.drive_invite(now, key, event, brought);
        } else if status.is_provisional() {
            return Err(RespondError::OnlyFinal);
        } else if status == StatusCode::REQUEST_TIMEOUT {
            self.drive_non_invite(now, key, server_non_invite::Event::Abandoned, Brought::Nothing);
        } else {
            self.drive_non_invite(now, key, server_non_invite::Event::Final, brought);
        }
        Ok(())
    }

    /// Tells that the 2xx to this INVITE was acknowledged, where the ACK could not be matched here (or the dialog ended
    /// otherwise): its retransmission stops. Nothing happens if that is known already.
    pub fn acknowledged(&mut self, now: Now, key: ServerKey) {
        self.drive_invite(now, key, server_invite::Event::Ack, Brought::Nothing);
    }

    pub(super) fn receive_request(&mut self, now: Now, flow: Flow, mut request: Request) {
        let Some(stamped) = via::stamped(&mut request.headers, &flow) else {
            self.counters.malformed += 1;
            return;
        };
        let identity = match self.matcher.identity(&request, stamped.via) {
            Ok(identity) => identity,
            Err(error) => {
                self.counters.malformed += 1;
                if request.method != Method::Ack {
                    let response = Response::to_request(&request, error.status(), None).with_reason(&error.to_string());
                    self.send_now(stamped.reply_to, response);
                }
                return;
            }
        };
        let request_key = self.matcher.server(&request, &identity);
        if let Some(key) = self.server_index.get(&request_key).copied() {
            self.receive_again(now, key, request, flow);
            return;
        }
        match &request.method {
            Method::Ack => self.receive_ack(now, flow, request, &identity),
            Method::Cancel => {
                let arrival = Arrival { request_key, reply_to: stamped.reply_to, fallback: stamped.fallback };
                self.receive_cancel(now, request, &identity, &arrival);
            }
            Method::Invite
            | Method::Bye
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Subscribe
            | Method::Notify
            | Method::Publish
            | Method::Info
            | Method::Refer
            | Method::Message
            | Method::Update
            | Method::Other(_) => {
                let arrival = Arrival { request_key, reply_to: stamped.reply_to, fallback: stamped.fallback };
                self.receive_new(now, flow, request, &identity, &arrival);
            }
        }
    }

    fn receive_again(&mut self, now: Now, key: ServerKey, request: Request, flow: Flow) {
        if request.method == Method::Ack {
            let brought = Brought::Ack { request: Box::new(request), flow };
            self.drive_invite(now, key, server_invite::Event::Ack, brought);
            return;
        }
        self.counters.retransmissions_in += 1;
        self.drive_invite(now, key, server_invite::Event::Invite, Brought::Nothing);
        self.drive_non_invite(now, key, server_non_invite::Event::Request, Brought::Nothing);
    }

    /// An ACK with a branch of its own: for a 2xx (RFC 3261 §13.2.2.4), found by From tag, Call-ID and CSeq.
    fn receive_ack(&mut self, now: Now, flow: Flow, request: Request, identity: &RequestIdentity) {
        let call_key = self.matcher.call(identity, &Method::Ack);
        if let Some(key) = self.call_index.get(&call_key).copied() {
            let brought = Brought::Ack { request: Box::new(request), flow };
            self.drive_invite(now, key, server_invite::Event::Ack, brought);
            return;
        }
        let stateless = self.matcher.stateless_tag(self.matcher.server(&request, identity));
        let to_stateless = request.headers.to().is_ok_and(|to| to.tag() == Some(&stateless));
        if !to_stateless {
            self.outputs.push_back(Output::Ack { key: None, request, flow });
        }
    }

    /// RFC 3261 §9.2.
    fn receive_cancel(&mut self, now: Now, cancel: Request, identity: &RequestIdentity, arrival: &Arrival) {
        let invite_key = self.matcher.server_as(&cancel, identity, &Method::Invite);
        let invite = self.server_index.get(&invite_key).copied();
        let known = invite.and_then(|key| self.servers.get(key));
        let (status, to_tag) = match known {
            Some(server) => (StatusCode::OK, server.to_tag()),
            None => (StatusCode::CALL_DOES_NOT_EXIST, None),
        };
        let cancelled = invite.filter(|_| known.is_some_and(|server| server.is_pending()));
        let to_tag = to_tag.unwrap_or_else(|| self.random.token());
        let response = Response::to_request(&cancel, status, Some(&to_tag));
        let key = self.insert_server(now, arrival, None, &cancel);
        self.answer(now, key, response);
        if let Some(key) = cancelled {
            self.outputs.push_back(Output::Cancelled { key, cancel });
        }
    }

    fn receive_new(&mut self, now: Now, flow: Flow, request: Request, identity: &RequestIdentity, arrival: &Arrival) {
        if self.is_full(identity.has_to_tag) {
            self.counters.refused += 1;
            let tag = self.matcher.stateless_tag(arrival.request_key);
            let response = Response::to_request(&request, StatusCode::SERVICE_UNAVAILABLE, Some(&tag))
                .with(HeaderName::RetryAfter, self.config.limits.retry_after_s);
            self.send_now(arrival.reply_to, response);
            return;
        }
        let wants_call_key = request.method == Method::Invite || !identity.has_to_tag;
        let call_key = wants_call_key.then(|| self.matcher.call(identity, &request.method));
        let merged = call_key.is_some_and(|call_key| self.call_index.contains_key(&call_key));
        let key = self.insert_server(now, arrival, call_key.filter(|_| !merged), &request);
        if is_out_of_hops(&request, identity.has_to_tag) {
            self.counters.too_many_hops += 1;
            let tag = self.random.token();
            self.answer(now, key, Response::to_request(&request, StatusCode::TOO_MANY_HOPS, Some(&tag)));
        } else if merged && !identity.has_to_tag {
            self.outputs.push_back(Output::MergedRequest { key, request, flow });
        } else {
            self.outputs.push_back(Output::Request { key, request, flow });
        }
    }

    fn is_full(&self, in_dialog: bool) -> bool {
        let limit = self.config.limits.pending_server;
        let limit = if in_dialog { limit.saturating_add(limit / 4) } else { limit };
        self.counts.pending_server >= limit
    }

    fn insert_server(
        &mut self,
        now: Now,
        arrival: &Arrival,
        call_key: Option<MatchKey>,
        request: &Request,
    ) -> ServerKey {
        let last = LastResponse::Unsent(Box::new(Response::to_request(request, StatusCode::TRYING, None)));
        let (machine, timer) = if request.method == Method::Invite {
            (Machine::Invite { state: server_invite::State::Fresh, last }, Timer::Trying)
        } else {
            (Machine::NonInvite { state: server_non_invite::State::Trying, last }, Timer::Late)
        };
        let key = self.servers.insert(Box::new(ServerTransaction {
            reply_to: arrival.reply_to,
            fallback: arrival.fallback,
            request_key: arrival.request_key,
            call_key,
            clocks: Clocks::default(),
            machine,
        }));
        self.server_index.insert(arrival.request_key, key);
        if let Some(call_key) = call_key {
            self.call_index.insert(call_key, key);
        }
        self.counts.pending_server += 1;
        self.start_server_timer(now, key, timer);
        key
    }

    /// Answers a request by ourselves.
    fn answer(&mut self, now: Now, key: ServerKey, response: Response) {
        self.respond(now, key, response).expect("a transaction that was just made has no final response");
    }

    pub(super) fn send_now(&mut self, flow: Flow, response: Response) {
        let bytes = response.to_bytes();
        self.outputs.push_back(Output::Send { flow, bytes });
    }

    pub(super) fn server_timer(&mut self, now: Now, key: ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let Some(timer) = self.timers.take_due(TransactionKey::Server(key), &mut server.clocks, now.mono) else {
            return;
        };
        self.fire_server_timer(now, key, timer);
    }

    fn fire_server_timer(&mut self, now: Now, key: ServerKey, timer: Timer) {
        use server_invite::Event as Invite;
        use server_non_invite::Event as NonInvite;
        let invite = match timer {
            Timer::Trying => Invite::TimerTrying,
            Timer::G => Invite::TimerG,
            Timer::H => Invite::TimerH,
            Timer::I => Invite::TimerI,
            Timer::L => Invite::TimerL,
            Timer::Resend => Invite::TimerResend,
            Timer::J => return self.drive_non_invite(now, key, NonInvite::TimerJ, Brought::Nothing),
            Timer::Late => return self.drive_non_invite(now, key, NonInvite::TimerLate, Brought::Nothing),
            Timer::Abandoned => return self.drive_non_invite(now, key, NonInvite::Abandoned, Brought::Nothing),
            Timer::A
            | Timer::B
            | Timer::C
            | Timer::D
            | Timer::E
            | Timer::F
            | Timer::K
            | Timer::M
            | Timer::Cancelled => return,
        };
        if matches!(timer, Timer::G | Timer::Resend) {
            self.counters.retransmissions_out += 1;
        }
        self.drive_invite(now, key, invite, Brought::Nothing);
    }

    pub(super) fn server_transport_failed(&mut self, now: Now, key: ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        // RFC 3261 §18.2.2: the connection is gone: open one to the source, at the port of the sent-by.
        if let Some(peer) = server.fallback.take() {
            server.reply_to = Flow { peer, connection: None, ..server.reply_to };
            return;
        }
        self.drive_invite(now, key, server_invite::Event::TransportError, Brought::Nothing);
        self.drive_non_invite(now, key, server_non_invite::Event::TransportError, Brought::Nothing);
    }

    /// Does what the table of INVITE says; nothing if `key` is no INVITE.
    fn drive_invite(&mut self, now: Now, key: ServerKey, event: server_invite::Event, brought: Brought) {
        use server_invite::{Action, State};
        let Some(server) = self.servers.get_mut(key) else { return };
        let was_pending = server.is_pending();
        let Machine::Invite { state, last } = &mut server.machine else { return };
        let (next, actions) = server_invite::next(*state, event);
        *state = next;
        let mut brought = brought;
        let mut told = false;
        let mut send = None;
        let mut timers = [None; 2];
        for action in actions {
            match action {
                Action::SendTrying => {
                    if let LastResponse::Unsent(trying) = last {
                        let bytes = trying.to_bytes();
                        *last = LastResponse::Sent(bytes.clone());
                        send = Some(bytes);
                    }
                }
                Action::Send => {
                    if let Brought::Response(bytes) = std::mem::replace(&mut brought, Brought::Nothing) {
                        send = Some(bytes.clone());
                        *last = LastResponse::Sent(bytes);
                    }
                }
                Action::Resend => {
                    if let LastResponse::Sent(bytes) = last {
                        send = Some(bytes.clone());
                    }
                }
                Action::Forget => *last = LastResponse::None,
                Action::PassAck => {
                    if let Brought::Ack { request, flow } = std::mem::replace(&mut brought, Brought::Nothing) {
                        self.outputs.push_back(Output::Ack { key: Some(key), request: *request, flow });
                    }
                }
                Action::AckMissing => {
                    told = true;
                    self.outputs.push_back(Output::AckMissing { key });
                }
                Action::TransportFailed => {
                    self.outputs.push_back(Output::TransportError { key: TransactionKey::Server(key) });
                }
                Action::Start(timer) => timers = [timers[1], Some(*timer)],
                Action::Stop(timer) => {
                    self.timers.stop(TransactionKey::Server(key), &mut server.clocks, *timer);
                }
            }
        }
        if let Some(bytes) = send {
            self.outputs.push_back(Output::Send { flow: server.reply_to, bytes });
        }
        let finished = was_pending && !server.is_pending();
        self.settle_server(now, key, Settle { finished, ended: next == State::Terminated, told, timers });
    }

    /// Does what the other table says; nothing if `key` is an INVITE.
    fn drive_non_invite(&mut self, now: Now, key: ServerKey, event: server_non_invite::Event, brought: Brought) {
        use server_non_invite::{Action, State};
        let Some(server) = self.servers.get_mut(key) else { return };
        let was_pending = server.is_pending();
        let Machine::NonInvite { state, last } = &mut server.machine else { return };
        let (next, actions) = server_non_invite::next(*state, event);
        *state = next;
        let mut brought = brought;
        let mut told = false;
        let mut timers = [None; 2];
        for action in actions {
            match action {
                Action::SendTrying => {
                    if let LastResponse::Unsent(trying) = last {
                        let bytes = trying.to_bytes();
                        self.outputs.push_back(Output::Send { flow: server.reply_to, bytes: bytes.clone() });
                        *last = LastResponse::Sent(bytes);
                    }
                }
                Action::Send => {
                    if let Brought::Response(bytes) = std::mem::replace(&mut brought, Brought::Nothing) {
                        self.outputs.push_back(Output::Send { flow: server.reply_to, bytes: bytes.clone() });
                        *last = LastResponse::Sent(bytes);
                    }
                }
                Action::Resend => {
                    if let LastResponse::Sent(bytes) = last {
                        self.outputs.push_back(Output::Send { flow: server.reply_to, bytes: bytes.clone() });
                    }
                }
                Action::TransportFailed => {
                    told = true;
                    self.outputs.push_back(Output::TransportError { key: TransactionKey::Server(key) });
                }
                Action::Start(timer) => timers = [timers[1], Some(*timer)],
            }
        }
        let finished = was_pending && !server.is_pending();
        self.settle_server(now, key, Settle { finished, ended: next == State::Terminated, told, timers });
    }

    /// After an event: counts, starts timers, and lets the transaction leave.
    fn settle_server(&mut self, now: Now, key: ServerKey, settle: Settle) {
        if settle.finished {
            self.counts.pending_server -= 1;
            self.counts.finished += 1;
        }
        if settle.ended {
            self.remove_server(key);
            if !settle.told {
                self.outputs.push_back(Output::Ended { key: TransactionKey::Server(key) });
            }
            return;
        }
        for timer in settle.timers.into_iter().flatten() {
            self.start_server_timer(now, key, timer);
        }
        if settle.finished {
            self.evict();
        }
    }

    fn start_server_timer(&mut self, now: Now, key: ServerKey, timer: Timer) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let reliable = server.reply_to.transport.is_reliable();
        let round = server.clocks.round;
        let Some(length) = self.config.timers.length(timer, round, reliable) else { return };
        if matches!(timer, Timer::G | Timer::Resend) {
            server.clocks.round = round.saturating_add(1);
        }
        if length.is_zero() {
            self.fire_server_timer(now, key, timer);
        } else {
            self.timers.start(TransactionKey::Server(key), &mut server.clocks, timer, now.after(length));
        }
    }

    /// Takes the transaction out of every table.
    pub(super) fn remove_server(&mut self, key: ServerKey) {
        let Some(mut server) = self.servers.remove(key) else { return };
        self.timers.stop_all(TransactionKey::Server(key), &mut server.clocks);
        self.server_index.remove(&server.request_key);
        if let Some(call_key) = server.call_key {
            self.call_index.remove(&call_key);
        }
        self.counts.finished -= 1;
    }
}

/// How a request came.
struct Arrival {
    request_key: MatchKey,
    reply_to: Flow,
    fallback: Option<SocketAddr>,
}

/// What is left to do after a table's actions.
struct Settle {
    /// It had its final response by this event.
    finished: bool,
    /// It reached the end.
    ended: bool,
    /// The TU was told of the end by another output than `Ended`.
    told: bool,
    /// In the order in which they are started.
    timers: [Option<Timer>; 2],
}

/// RFC 3261 §16.3 step 3, for what we would pass on. What is for ourselves (OPTIONS, REGISTER, anything inside a dialog) is
/// taken with 0 hops left (§8.2 has no such check).
fn is_out_of_hops(request: &Request, has_to_tag: bool) -> bool {
    let local = has_to_tag || matches!(request.method, Method::Options | Method::Register);
    !local && request.headers.max_forwards().is_ok_and(|hops| hops == Some(0))
}
