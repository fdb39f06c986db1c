//! Client transactions: what the two client tables say, done.

use bytes::Bytes;

use super::Transactions;
use super::matching::{MatchKey, tag_of};
use super::output::{ClientKey, Output, SendError, TransactionKey};
use super::table::{client_invite, client_non_invite};
use super::timer::{Clocks, Timer};
use super::via::Hop;
use crate::flow::Flow;
use crate::headers::{BRANCH_COOKIE, CSeq, HeaderName, HeaderValue, Headers};
use crate::message::{Method, Request, Response};
use crate::time::Now;

/// A request that was sent.
#[derive(Debug)]
pub(super) struct ClientTransaction {
    flow: Flow,
    response_key: MatchKey,
    clocks: Clocks,
    machine: Machine,
}

#[derive(Debug)]
enum Machine {
    Invite { state: client_invite::State, kept: Kept },
    NonInvite { state: client_non_invite::State, bytes: Bytes, owner: Owner },
}

/// What an INVITE needs of what was sent and received.
#[derive(Debug)]
enum Kept {
    /// Without a final response: the request, for a CANCEL and for the ACK of a failure.
    Pending { request: Box<Request>, bytes: Bytes, cancel_reason: Option<HeaderValue> },
    /// After a failure: the ACK.
    Failed { ack: Bytes },
    /// After a 2xx: the forks that accepted, in order.
    Accepted { forks: Vec<Fork> },
}

/// A user agent that answered 2xx.
#[derive(Debug)]
struct Fork {
    /// Empty for one that follows RFC 2543.
    to_tag: Box<[u8]>,
    ack: Option<(Flow, Bytes)>,
}

/// Who hears of the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The TU.
    User,
    /// Nobody: a CANCEL, which says nothing about its INVITE (RFC 3261 §9.1).
    Cancel,
}

/// Forks of one INVITE that may accept. A 2xx of a further one is dropped: it retries, and gives up without an ACK.
const FORKS_MAX: usize = 32;

impl ClientTransaction {
    pub(super) fn flow(&self) -> &Flow {
        &self.flow
    }

    fn is_pending(&self) -> bool {
        match &self.machine {
            Machine::Invite { state, .. } => match state {
                client_invite::State::Calling
                | client_invite::State::CancelWanted
                | client_invite::State::Proceeding
                | client_invite::State::Cancelling => true,
                client_invite::State::Completed | client_invite::State::Accepted | client_invite::State::Terminated => {
                    false
                }
            },
            Machine::NonInvite { state, .. } => match state {
                client_non_invite::State::Trying | client_non_invite::State::Proceeding => true,
                client_non_invite::State::Completed | client_non_invite::State::Terminated => false,
            },
        }
    }
}

impl Transactions {
    /// Sends a request as a new transaction, with a Via of ours on top (a new branch, `rport`). The TU has set everything else:
    /// From with a tag, To, Call-ID, CSeq, Max-Forwards, Route, Contact.
    ///
    /// # Errors
    /// [`SendError`] if it was not sent.
    pub fn send_request(&mut self, now: Now, request: Request, hop: &Hop) -> Result<ClientKey, SendError> {
        if matches!(request.method, Method::Ack | Method::Cancel) {
            return Err(SendError::NotARequest);
        }
        if self.counts.pending_client >= self.config.limits.pending_client {
            return Err(SendError::TableFull);
        }
        let mut request = request;
        let branch = self.branch();
        request.headers.prepend(HeaderName::Via, hop.via(&branch));
        let response_key = self.matcher.client(&branch, &request.method);
        let is_invite = request.method == Method::Invite;
        let bytes = request.to_bytes();
        let machine = if is_invite {
            let kept = Kept::Pending { request: Box::new(request), bytes: bytes.clone(), cancel_reason: None };
            Machine::Invite { state: client_invite::State::Calling, kept }
        } else {
            let state = client_non_invite::State::Trying;
            Machine::NonInvite { state, bytes: bytes.clone(), owner: Owner::User }
        };
        self.outputs.push_back(Output::Send { flow: hop.flow, bytes });
        let timers = if is_invite { [Timer::A, Timer::B] } else { [Timer::E, Timer::F] };
        Ok(self.insert_client(now, NewClient { flow: hop.flow, response_key, machine, timers }))
    }

    /// Cancels an INVITE (RFC 3261 §9.1): at once if a provisional response came, else when one comes. Its final response
    /// still comes as a `Response`, usually 487, but perhaps a 2xx that crossed: then the TU sends ACK and BYE.
    /// `reason` is the value of a Reason field for the CANCEL (RFC 3326). Nothing happens if it is answered finally, or gone.
    pub fn cancel(&mut self, now: Now, key: ClientKey, reason: Option<HeaderValue>) {
        let Some(client) = self.clients.get_mut(key) else { return };
        if let Machine::Invite { kept: Kept::Pending { cancel_reason, .. }, .. } = &mut client.machine {
            *cancel_reason = reason;
        }
        self.drive_client_invite(now, key, client_invite::Event::Cancel, None);
    }

    /// Sends the ACK for a 2xx, with a Via of ours on top. While the INVITE `key` lingers, each retransmission of that 2xx (by
    /// its To tag) is answered with the same ACK here.
    pub fn send_ack(&mut self, key: ClientKey, ack: Request, hop: &Hop) {
        let to_tag: Box<[u8]> = to_tag(&ack.headers).into();
        let bytes = self.send_outside(ack, hop);
        let Some(client) = self.clients.get_mut(key) else { return };
        let Machine::Invite { kept: Kept::Accepted { forks }, .. } = &mut client.machine else { return };
        if let Some(fork) = forks.iter_mut().find(|fork| fork.to_tag == to_tag) {
            fork.ack = Some((hop.flow, bytes));
        }
    }

    /// Sends an ACK (of a stray 2xx) outside any transaction, with a Via of ours on top, and gives its bytes.
    pub fn send_outside(&mut self, mut request: Request, hop: &Hop) -> Bytes {
        let branch = self.branch();
        request.headers.prepend(HeaderName::Via, hop.via(&branch));
        let bytes = request.to_bytes();
        self.outputs.push_back(Output::Send { flow: hop.flow, bytes: bytes.clone() });
        bytes
    }

    fn branch(&mut self) -> String {
        let mut branch = String::with_capacity(BRANCH_COOKIE.len() + crate::random::TOKEN_LEN);
        branch.push_str(BRANCH_COOKIE);
        branch.push_str(&self.random.token());
        branch
    }

    fn insert_client(&mut self, now: Now, new: NewClient) -> ClientKey {
        let key = self.clients.insert(Box::new(ClientTransaction {
            flow: new.flow,
            response_key: new.response_key,
            clocks: Clocks::default(),
            machine: new.machine,
        }));
        self.client_index.insert(new.response_key, key);
        self.counts.pending_client += 1;
        for timer in new.timers {
            self.start_client_timer(now, key, timer);
        }
        key
    }

    pub(super) fn receive_response(&mut self, now: Now, flow: Flow, response: Response) {
        let (Ok(via), Ok(cseq)) = (response.headers.top_via(), response.headers.cseq()) else {
            self.counters.malformed += 1;
            return;
        };
        let response_key = via.branch().map(|branch| self.matcher.client(branch, &cseq.method));
        let known = response_key.and_then(|key| self.client_index.get(&key).copied());
        let Some(key) = known else {
            if response.status.is_success() && cseq.method == Method::Invite {
                self.outputs.push_back(Output::StrayResponse { response, flow });
            } else {
                self.counters.stray_responses += 1;
            }
            return;
        };
        let status = response.status;
        if cseq.method == Method::Invite {
            let event = match status {
                status if status.is_provisional() => client_invite::Event::Provisional,
                status if status.is_success() => client_invite::Event::Success,
                _ => client_invite::Event::Failure,
            };
            self.drive_client_invite(now, key, event, Some(response));
        } else if status.is_provisional() {
            self.drive_client_non_invite(now, key, client_non_invite::Event::Provisional, Some(response));
        } else {
            self.drive_client_non_invite(now, key, client_non_invite::Event::Final, Some(response));
        }
    }

    pub(super) fn client_timer(&mut self, now: Now, key: ClientKey) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let Some(timer) = self.timers.take_due(TransactionKey::Client(key), &mut client.clocks, now.mono) else {
            return;
        };
        self.fire_client_timer(now, key, timer);
    }

    fn fire_client_timer(&mut self, now: Now, key: ClientKey, timer: Timer) {
        use client_invite::Event as Invite;
        use client_non_invite::Event as NonInvite;
        if matches!(timer, Timer::A | Timer::E) {
            self.counters.retransmissions_out += 1;
        }
        match timer {
            Timer::A => self.drive_client_invite(now, key, Invite::TimerA, None),
            Timer::B => self.drive_client_invite(now, key, Invite::TimerB, None),
            Timer::C => self.drive_client_invite(now, key, Invite::TimerC, None),
            Timer::D => self.drive_client_invite(now, key, Invite::TimerD, None),
            Timer::M => self.drive_client_invite(now, key, Invite::TimerM, None),
            Timer::Cancelled => self.drive_client_invite(now, key, Invite::TimerCancelled, None),
            Timer::E => self.drive_client_non_invite(now, key, NonInvite::TimerE, None),
            Timer::F => self.drive_client_non_invite(now, key, NonInvite::TimerF, None),
            Timer::K => self.drive_client_non_invite(now, key, NonInvite::TimerK, None),
            Timer::G
            | Timer::H
            | Timer::I
            | Timer::J
            | Timer::L
            | Timer::Trying
            | Timer::Resend
            | Timer::Late
            | Timer::Abandoned => {}
        }
    }

    pub(super) fn client_transport_failed(&mut self, now: Now, key: ClientKey) {
        self.drive_client_invite(now, key, client_invite::Event::TransportError, None);
        self.drive_client_non_invite(now, key, client_non_invite::Event::TransportError, None);
    }

    /// Does what the table of INVITE says; nothing if `key` is no INVITE.
    fn drive_client_invite(
        &mut self,
        now: Now,
        key: ClientKey,
        event: client_invite::Event,
        response: Option<Response>,
    ) {
        use client_invite::{Action, State};
        let Some(client) = self.clients.get_mut(key) else { return };
        let was_pending = client.is_pending();
        let flow = client.flow;
        let Machine::Invite { state, kept } = &mut client.machine else { return };
        let (next, actions) = client_invite::next(*state, event);
        *state = next;
        if next == State::Accepted && was_pending {
            // Nearly always one, and thousands linger.
            *kept = Kept::Accepted { forks: Vec::with_capacity(1) };
        }
        let mut response = response;
        let mut after = Settle::default();
        for action in actions {
            match action {
                Action::Retransmit => {
                    if let Kept::Pending { bytes, .. } = kept {
                        self.outputs.push_back(Output::Send { flow, bytes: bytes.clone() });
                    }
                }
                Action::Ack => {
                    if let (Kept::Pending { request, .. }, Some(response)) = (&*kept, &response) {
                        let ack = ack_of_failure(request, &response.headers).to_bytes();
                        *kept = Kept::Failed { ack };
                    }
                    if let Kept::Failed { ack } = kept {
                        self.outputs.push_back(Output::Send { flow, bytes: ack.clone() });
                    }
                }
                Action::PassUp => match (&mut *kept, response.take()) {
                    (Kept::Accepted { forks }, Some(response)) => match heard_before(forks, &response) {
                        Heard::New => self.outputs.push_back(Output::Response { key, response }),
                        Heard::Acknowledged(flow, bytes) => self.outputs.push_back(Output::Send { flow, bytes }),
                        Heard::Waiting => {}
                    },
                    (Kept::Pending { .. } | Kept::Failed { .. }, Some(response)) => {
                        self.outputs.push_back(Output::Response { key, response });
                    }
                    (_, None) => {}
                },
                Action::SendCancel => after.cancel = true,
                Action::TimedOut => {
                    after.told = true;
                    self.outputs.push_back(Output::TimedOut { key });
                }
                Action::TransportFailed => {
                    after.told = true;
                    self.outputs.push_back(Output::TransportError { key: TransactionKey::Client(key) });
                }
                Action::Start(timer) => after.timer = Some(*timer),
                Action::Stop(timer) => {
                    self.timers.stop(TransactionKey::Client(key), &mut client.clocks, *timer);
                }
            }
        }
        after.finished = was_pending && !client.is_pending();
        after.ended = next == State::Terminated;
        self.settle_client(now, key, after);
    }

    /// Does what the other table says; nothing if `key` is an INVITE.
    fn drive_client_non_invite(
        &mut self,
        now: Now,
        key: ClientKey,
        event: client_non_invite::Event,
        response: Option<Response>,
    ) {
        use client_non_invite::{Action, State};
        let Some(client) = self.clients.get_mut(key) else { return };
        let was_pending = client.is_pending();
        let flow = client.flow;
        let Machine::NonInvite { state, bytes, owner } = &mut client.machine else { return };
        let (next, actions) = client_non_invite::next(*state, event);
        *state = next;
        let silent = *owner == Owner::Cancel;
        let mut after = Settle { told: silent, ..Settle::default() };
        let mut response = response.filter(|_| !silent);
        for action in actions {
            match action {
                Action::Retransmit => self.outputs.push_back(Output::Send { flow, bytes: bytes.clone() }),
                Action::PassUp => {
                    if let Some(response) = response.take() {
                        self.outputs.push_back(Output::Response { key, response });
                    }
                }
                Action::TimedOut if silent => {}
                Action::TransportFailed if silent => {}
                Action::TimedOut => {
                    after.told = true;
                    self.outputs.push_back(Output::TimedOut { key });
                }
                Action::TransportFailed => {
                    after.told = true;
                    self.outputs.push_back(Output::TransportError { key: TransactionKey::Client(key) });
                }
                Action::Start(timer) => after.timer = Some(*timer),
                Action::StartEAtT2 => {
                    let at = now.after(self.config.timers.t2);
                    self.timers.start(TransactionKey::Client(key), &mut client.clocks, Timer::E, at);
                }
                Action::Stop(timer) => {
                    self.timers.stop(TransactionKey::Client(key), &mut client.clocks, *timer);
                }
            }
        }
        if next == State::Completed {
            *bytes = Bytes::new();
        }
        after.finished = was_pending && !client.is_pending();
        after.ended = next == State::Terminated;
        self.settle_client(now, key, after);
    }

    /// After an event: counts, starts the timer, cancels, and lets the transaction leave.
    fn settle_client(&mut self, now: Now, key: ClientKey, after: Settle) {
        if after.finished {
            self.counts.pending_client -= 1;
            self.counts.finished += 1;
        }
        if after.ended {
            self.remove_client(key);
            if !after.told {
                self.outputs.push_back(Output::Ended { key: TransactionKey::Client(key) });
            }
            return;
        }
        if let Some(timer) = after.timer {
            self.start_client_timer(now, key, timer);
        }
        if after.cancel {
            self.send_cancel(now, key);
        }
        if after.finished {
            self.evict();
        }
    }

    fn start_client_timer(&mut self, now: Now, key: ClientKey, timer: Timer) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let reliable = client.flow.transport.is_reliable();
        let round = client.clocks.round;
        let Some(length) = self.config.timers.length(timer, round, reliable) else { return };
        if matches!(timer, Timer::A | Timer::E) {
            client.clocks.round = round.saturating_add(1);
        }
        if length.is_zero() {
            self.fire_client_timer(now, key, timer);
        } else {
            self.timers.start(TransactionKey::Client(key), &mut client.clocks, timer, now.after(length));
        }
    }

    /// RFC 3261 §9.1: the CANCEL is a transaction of its own with the branch of its INVITE.
    fn send_cancel(&mut self, now: Now, key: ClientKey) {
        let Some(client) = self.clients.get(key) else { return };
        let Machine::Invite { kept: Kept::Pending { request, cancel_reason, .. }, .. } = &client.machine else {
            return;
        };
        let Ok(via) = request.headers.top_via() else { return };
        let Some(branch) = via.branch() else { return };
        let response_key = self.matcher.client(branch, &Method::Cancel);
        let mut cancel = derived(request, Method::Cancel);
        cancel.headers.append_copies(&request.headers, &HeaderName::To);
        if let Some(reason) = cancel_reason {
            cancel.headers.push(HeaderName::Reason, reason.clone());
        }
        let bytes = cancel.to_bytes();
        let flow = client.flow;
        self.outputs.push_back(Output::Send { flow, bytes: bytes.clone() });
        let machine = Machine::NonInvite { state: client_non_invite::State::Trying, bytes, owner: Owner::Cancel };
        self.insert_client(now, NewClient { flow, response_key, machine, timers: [Timer::E, Timer::F] });
    }

    /// Takes the transaction out of every table.
    pub(super) fn remove_client(&mut self, key: ClientKey) {
        let Some(mut client) = self.clients.remove(key) else { return };
        self.timers.stop_all(TransactionKey::Client(key), &mut client.clocks);
        self.client_index.remove(&client.response_key);
        self.counts.finished -= 1;
    }
}

struct NewClient {
    flow: Flow,
    response_key: MatchKey,
    machine: Machine,
    timers: [Timer; 2],
}

/// What is left to do after a table's actions.
#[derive(Default)]
struct Settle {
    /// It had its final response by this event.
    finished: bool,
    /// It reached the end.
    ended: bool,
    /// The TU was told of the end by another output than `Ended`, or is not to be told.
    told: bool,
    /// A CANCEL is to be sent.
    cancel: bool,
    timer: Option<Timer>,
}

/// What is known of the fork that sent a 2xx.
enum Heard {
    /// Its first.
    New,
    /// It was acknowledged: the same ACK again.
    Acknowledged(Flow, Bytes),
    /// The TU has it and has not acknowledged yet; or there are too many forks.
    Waiting,
}

fn heard_before(forks: &mut Vec<Fork>, response: &Response) -> Heard {
    let to_tag = to_tag(&response.headers);
    if let Some(fork) = forks.iter().find(|fork| &*fork.to_tag == to_tag) {
        return fork.ack.clone().map_or(Heard::Waiting, |(flow, bytes)| Heard::Acknowledged(flow, bytes));
    }
    if forks.len() >= FORKS_MAX {
        return Heard::Waiting;
    }
    forks.push(Fork { to_tag: to_tag.into(), ack: None });
    Heard::New
}

fn to_tag(headers: &Headers) -> &[u8] {
    headers.get(&HeaderName::To).and_then(tag_of).unwrap_or_default()
}

/// RFC 3261 §17.1.1.3: Request-URI, top Via, From, Call-ID and Route are the INVITE's, To is the response's.
fn ack_of_failure(invite: &Request, response: &Headers) -> Request {
    let mut ack = derived(invite, Method::Ack);
    ack.headers.append_copies(response, &HeaderName::To);
    ack
}

/// The parts that ACK and CANCEL share with their INVITE, To excepted.
fn derived(invite: &Request, method: Method) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    if let Ok(via) = invite.headers.top_via() {
        request.headers.push(HeaderName::Via, via);
    }
    request.headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
    request.headers.append_copies(&invite.headers, &HeaderName::Route);
    request.headers.append_copies(&invite.headers, &HeaderName::From);
    request.headers.append_copies(&invite.headers, &HeaderName::CallId);
    if let Ok(cseq) = invite.headers.cseq() {
        request.headers.push(HeaderName::CSeq, CSeq { seq: cseq.seq, method });
    }
    request
}

/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u32 = 70;
