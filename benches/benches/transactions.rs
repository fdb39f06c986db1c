//! CPU of a call's six messages (INVITE, 180, 200, ACK, BYE, 200) through the transactions of both ends, with as many
//! finished transactions lingering as the given call rate leaves behind.
//!
//! Prints the CPU of this thread, which a busy machine does not change much. Parsing and building are shown apart.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails where it is wrong")]

use std::time::Duration;

use bytes::Bytes;
use sip::dialog::Dialog;
use sip::flow::{Flow, Transport};
use sip::headers::HeaderName;
use sip::message::{Message, Method, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::random::Random;
use sip::time::Now;
use sip::transaction::{Config, Hop, Output, SentBy, Transactions};

const CALLS_PER_SECOND: u32 = 300;
const WARM_UP_CALLS: u32 = 33 * CALLS_PER_SECOND;
const MEASURED_CALLS: u32 = 10_000;
const MESSAGES_PER_CALL: u32 = 6;

fn main() {
    let resident = resident_kb();
    let mut world = World::new();
    for _ in 0..WARM_UP_CALLS {
        world.call();
    }
    let counts = world.caller.counts();
    let grown = resident_kb().saturating_sub(resident);
    let before = cpu();
    for _ in 0..MEASURED_CALLS {
        world.call();
    }
    let total = cpu() - before;
    let per_call = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(MEASURED_CALLS);
    let built = build_only();
    let parsed = parse_only(&world.heard);
    let layer = per_call(total) - per_call(parsed) - per_call(built);
    println!(
        "transactions: {} + {} finished lingering at {CALLS_PER_SECOND} calls/s, {grown} kB",
        counts.finished,
        world.callee.counts().finished
    );
    println!("transactions: {:.1} us per call, both ends, everything", per_call(total));
    println!(
        "transactions: {:.1} us per call parsing, {:.1} us building by dialogs and the TU",
        per_call(parsed),
        per_call(built)
    );
    println!(
        "transactions: {layer:.1} us per call in the transactions = {:.2} us per message and end (writing it included)",
        layer / f64::from(2 * MESSAGES_PER_CALL)
    );
    world.drain_all();
    let left = resident_kb().saturating_sub(resident);
    println!("transactions: {left} kB more than at the start once all of them have ended");
    assert!(world.caller.is_empty() && world.callee.is_empty(), "something is left");
}

struct World {
    caller: Transactions,
    callee: Transactions,
    hop: Hop,
    back: Hop,
    at: Duration,
    calls: u32,
    /// The messages of the first call.
    heard: Vec<Bytes>,
}

impl World {
    fn new() -> Self {
        let (caller, callee) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.9:5060".parse().unwrap());
        let flow = Flow { transport: Transport::Udp, local: caller, peer: callee, connection: None };
        let back = Flow { local: callee, peer: caller, ..flow };
        Self {
            caller: Transactions::new(Config::default(), Random::from_seed([1; 32])),
            callee: Transactions::new(Config::default(), Random::from_seed([2; 32])),
            hop: Hop { flow, sent_by: SentBy::from(caller) },
            back: Hop { flow: back, sent_by: SentBy::from(callee) },
            at: Duration::ZERO,
            calls: 0,
            heard: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.at, unix_ms: 0 }
    }

    fn call(&mut self) {
        self.at += Duration::from_secs(1) / CALLS_PER_SECOND;
        self.calls += 1;
        let now = self.now();
        self.caller.handle_timeout(now);
        self.callee.handle_timeout(now);
        let invite = invite(self.calls);
        let key = self.caller.send_request(now, invite.clone(), &self.hop).unwrap();
        let (server, received) = self.carry_to_callee();
        for status in [StatusCode::RINGING, StatusCode::OK] {
            self.callee.respond(now, server.unwrap(), response(received.as_ref().unwrap(), status)).unwrap();
        }
        let ok = self.carry_to_caller().unwrap();
        let mut dialog = Dialog::from_response(&invite, &ok).unwrap();
        let ack = dialog.ack(&invite, None);
        self.caller.send_ack(key, ack, &self.hop);
        self.carry_to_callee();
        let bye = dialog.request(Method::Bye);
        self.caller.send_request(now, bye, &self.hop).unwrap();
        let (server, received) = self.carry_to_callee();
        self.callee.respond(now, server.unwrap(), response(&received.unwrap(), StatusCode::OK)).unwrap();
        self.carry_to_caller();
    }

    fn parse(&mut self, bytes: Bytes) -> Message {
        if self.heard.len() < MESSAGES_PER_CALL as usize {
            self.heard.push(bytes.clone());
        }
        parse_datagram(bytes).unwrap()
    }

    /// Carries what the caller sends; the request the callee gets.
    fn carry_to_callee(&mut self) -> (Option<sip::transaction::ServerKey>, Option<Request>) {
        let now = self.now();
        while let Some(output) = self.caller.poll_output() {
            if let Output::Send { bytes, .. } = output {
                let message = self.parse(bytes);
                self.callee.receive(now, self.back.flow, message);
            }
        }
        while let Some(output) = self.callee.poll_output() {
            if let Output::Request { key, request, .. } = output {
                return (Some(key), Some(request));
            }
        }
        (None, None)
    }

    /// Carries what the callee sends; the last response the caller gets.
    fn carry_to_caller(&mut self) -> Option<Response> {
        let now = self.now();
        while let Some(output) = self.callee.poll_output() {
            if let Output::Send { bytes, .. } = output {
                let message = self.parse(bytes);
                self.caller.receive(now, self.hop.flow, message);
            }
        }
        let mut last = None;
        while let Some(output) = self.caller.poll_output() {
            if let Output::Response { response, .. } = output {
                last = Some(response);
            }
        }
        last
    }

    /// Lets the time pass in which all of them end.
    fn drain_all(&mut self) {
        for _ in 0..400 {
            self.at += Duration::from_millis(100);
            let now = self.now();
            for end in [&mut self.caller, &mut self.callee] {
                end.handle_timeout(now);
                while end.poll_output().is_some() {}
            }
        }
    }
}

/// The six messages of a call parsed.
fn parse_only(messages: &[Bytes]) -> Duration {
    assert_eq!(messages.len(), MESSAGES_PER_CALL as usize);
    let before = cpu();
    for _ in 0..MEASURED_CALLS {
        for message in messages {
            std::hint::black_box(parse_datagram(message.clone()).unwrap());
        }
    }
    cpu() - before
}

/// What dialogs and the TU do for a call, without the transactions.
fn build_only() -> Duration {
    let before = cpu();
    for call in 0..MEASURED_CALLS {
        let invite = invite(call);
        let ok = response(&invite, StatusCode::OK);
        std::hint::black_box(response(&invite, StatusCode::RINGING));
        let mut dialog = Dialog::from_response(&invite, &ok).unwrap();
        std::hint::black_box(dialog.ack(&invite, None));
        let bye = dialog.request(Method::Bye);
        std::hint::black_box(response(&bye, StatusCode::OK));
    }
    cpu() - before
}

fn invite(call: u32) -> Request {
    let mut invite = Request::new(Method::Invite, "sip:1002@192.0.2.9".parse().unwrap())
        .with(HeaderName::MaxForwards, 70)
        .with(HeaderName::From, format!("\"Alice\" <sip:1001@192.0.2.1>;tag=a{call}"))
        .with(HeaderName::To, "<sip:1002@192.0.2.9>")
        .with(HeaderName::CallId, format!("{call}-bench@192.0.2.1"))
        .with(HeaderName::CSeq, "1 INVITE")
        .with(HeaderName::Contact, "<sip:1001@192.0.2.1:5060>")
        .with(HeaderName::UserAgent, "bench")
        .with(HeaderName::Allow, "INVITE, ACK, BYE, CANCEL, OPTIONS");
    invite.set_body("application/sdp", SDP);
    invite
}

fn response(request: &Request, status: StatusCode) -> Response {
    let mut response =
        Response::to_request(request, status, Some("callee")).with(HeaderName::Contact, "<sip:1002@192.0.2.9:5060>");
    if status == StatusCode::OK && request.method == Method::Invite {
        response.set_body("application/sdp", SDP);
    }
    response
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                   m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
                   a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n";

/// CPU time of this thread, from the scheduler's own account.
fn cpu() -> Duration {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(account.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
