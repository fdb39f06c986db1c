//! Ladders as text: what goes in, at which instant, and everything that must come out of it, in virtual time.
//!
//! ```text
//! 0ms  > INVITE            the peer sends (a template filled from key=value words)
//! 0ms  = INVITE            the TU is told
//! 0ms  ! 180 to=a          the TU acts
//! 0ms  < 180 INVITE a      we send
//! ```
//!
//! Lines with `>` and `!` are inputs, those with `<` and `=` must be exactly what comes out, in order. The peer's messages
//! are written as text, not by our writer.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::headers::HeaderName;
use sip::message::{Message, Request, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::random::Random;
use sip::time::Now;
use sip::transaction::{ClientKey, Config, Hop, Output, SentBy, ServerKey, TransactionKey, Transactions};

/// Runs a ladder over UDP with default timers and limits; ends with every table empty.
#[track_caller]
pub(crate) fn check(ladder: &str) {
    let world = run(World::new(Transport::Udp, Config::default()), ladder);
    assert!(world.transactions.is_empty(), "tables are not empty: {:?}", world.transactions.counts());
}

/// As `check`, over TCP.
#[track_caller]
pub(crate) fn check_tcp(ladder: &str) {
    let world = run(World::new(Transport::Tcp, Config::default()), ladder);
    assert!(world.transactions.is_empty(), "tables are not empty: {:?}", world.transactions.counts());
}

/// Runs a ladder and compares; what is left is for the caller to look at.
#[track_caller]
pub(crate) fn run(mut world: World, ladder: &str) -> World {
    let expected: Vec<String> = ladder.lines().map(squeezed).filter(|line| !line.is_empty()).collect();
    for line in &expected {
        let mut words = line.split(' ');
        let at = duration(words.next().unwrap_or_default());
        match words.next() {
            Some(">") => world.wire_in(at, &words.collect::<Vec<_>>()),
            Some("!") => world.act(at, &words.collect::<Vec<_>>()),
            Some("<" | "=") => {}
            Some("end") => {
                world.advance(at);
                world.log(at, "end");
            }
            other => panic!("what is {other:?} in {line:?}?"),
        }
    }
    let actual: Vec<String> = world.lines.iter().map(|line| squeezed(line)).collect();
    assert!(actual == expected, "the ladder went\n\n{}\n\nand not\n\n{}\n", actual.join("\n"), expected.join("\n"));
    world
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn duration(text: &str) -> Duration {
    let (digits, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).expect("a time has a unit"));
    let number: f64 = digits.parse().expect("a time is a number");
    match unit {
        "ms" => Duration::from_secs_f64(number / 1000.0),
        "s" => Duration::from_secs_f64(number),
        other => panic!("what is a {other}?"),
    }
}

fn shown(at: Duration) -> String {
    if at < Duration::from_secs(1) {
        format!("{}ms", at.as_millis())
    } else {
        format!("{}s", (at.as_millis() as f64) / 1000.0)
    }
}

/// The transactions, a TU that does as it is told, and what happened.
pub(crate) struct World {
    pub(crate) transactions: Transactions,
    hop: Hop,
    lines: Vec<String>,
    server: Option<(ServerKey, Request)>,
    client: Option<(ClientKey, Request)>,
    /// What we sent last, by method.
    sent: Vec<Request>,
    answered: Option<Response>,
    cseq: u32,
}

impl World {
    pub(crate) fn new(transport: Transport, config: Config) -> Self {
        let local: SocketAddr = "192.0.2.9:5060".parse().unwrap();
        let connection = transport.is_reliable().then_some(ConnectionId(1));
        let flow = Flow { transport, local, peer: "192.0.2.1:5060".parse().unwrap(), connection };
        Self {
            transactions: Transactions::new(config, Random::from_seed([5; 32])),
            hop: Hop { flow, sent_by: SentBy::from(local) },
            lines: Vec::new(),
            server: None,
            client: None,
            sent: Vec::new(),
            answered: None,
            cseq: 0,
        }
    }

    /// The peer acknowledges the last response we sent, with the tag that is in it.
    pub(crate) fn acknowledge_last_response(&mut self) {
        let answered = self.answered.as_ref().expect("something was answered");
        let to = answered.headers.to().unwrap();
        let text = self.request_text("ACK", &[&format!("to={}", to.tag().unwrap())]);
        let message = parse_datagram(Bytes::from(text)).unwrap();
        self.transactions.receive(now(Duration::ZERO), self.hop.flow, message);
    }

    fn log(&mut self, at: Duration, what: &str) {
        self.lines.push(format!("{} {what}", shown(at)));
    }

    fn advance(&mut self, to: Duration) {
        while let Some(at) = self.transactions.poll_timeout().filter(|at| *at <= to) {
            self.transactions.handle_timeout(now(at));
            self.drain(at);
        }
    }

    fn wire_in(&mut self, at: Duration, words: &[&str]) {
        self.advance(at);
        self.log(at, &format!("> {}", words.join(" ")));
        let text = match words[0].parse::<u16>() {
            Ok(status) => self.response_text(status, words[1], &words[2..]),
            Err(_) => self.request_text(words[0], &words[1..]),
        };
        let message = parse_datagram(Bytes::from(text)).expect("the ladder's messages can be parsed");
        self.transactions.receive(now(at), self.hop.flow, message);
        self.drain(at);
    }

    fn request_text(&self, method: &str, words: &[&str]) -> String {
        let cseq = word(words, "cseq").unwrap_or("1");
        let branch = word(words, "branch").unwrap_or("1");
        let cookie = if word(words, "rfc").is_some_and(|rfc| rfc == "2543") { "" } else { "z9hG4bK" };
        let to = word(words, "to").map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let from = word(words, "from").unwrap_or("peer");
        let hops = word(words, "hops").unwrap_or("70");
        let transport = self.hop.flow.transport.via_name();
        format!(
            "{method} sip:bob@192.0.2.9 SIP/2.0\r\n\
             Via: SIP/2.0/{transport} 192.0.2.1:5060;branch={cookie}{branch}\r\n\
             Max-Forwards: {hops}\r\n\
             From: <sip:alice@192.0.2.1>;tag={from}\r\n\
             To: <sip:bob@192.0.2.9>{to}\r\n\
             Call-ID: call@192.0.2.1\r\n\
             CSeq: {cseq} {method}\r\n\
             Contact: <sip:alice@192.0.2.1>\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    fn response_text(&self, status: u16, method: &str, words: &[&str]) -> String {
        let sent = self
            .sent
            .iter()
            .rev()
            .find(|request| request.method.as_str() == method)
            .expect("a response answers something we sent");
        let text =
            |name: &HeaderName| String::from_utf8_lossy(sent.headers.get(name).expect("it is there")).into_owned();
        let mut to = text(&HeaderName::To);
        if let Some(tag) = word(words, "to") {
            write!(to, ";tag={tag}").expect("a string takes all");
        }
        format!(
            "SIP/2.0 {status} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:bob@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
            text(&HeaderName::Via),
            text(&HeaderName::From),
            text(&HeaderName::CallId),
            text(&HeaderName::CSeq),
        )
    }

    fn act(&mut self, at: Duration, words: &[&str]) {
        self.advance(at);
        self.log(at, &format!("! {}", words.join(" ")));
        match words[0] {
            "cancel" => {
                let key = self.client.as_ref().expect("something was sent").0;
                self.transactions.cancel(now(at), key, None);
            }
            "ack" => {
                let (key, invite) = self.client.as_ref().expect("something was sent");
                let ack = ack_of(invite, word(&words[1..], "to").unwrap_or_default());
                self.transactions.send_ack(*key, ack, &self.hop);
            }
            "acked" => {
                let key = self.server.as_ref().expect("something came").0;
                self.transactions.acknowledged(now(at), key);
            }
            "broken" => self.transactions.transport_failed(now(at), self.hop.flow),
            word_0 => match word_0.parse::<u16>() {
                Ok(status) => self.respond(at, status, &words[1..]),
                Err(_) => self.send(at, word_0),
            },
        }
        self.drain(at);
    }

    fn respond(&mut self, at: Duration, status: u16, words: &[&str]) {
        let (key, request) = self.server.as_ref().expect("something came");
        let status = StatusCode::new(status).expect("a status");
        let response = Response::to_request(request, status, word(words, "to"));
        if let Err(error) = self.transactions.respond(now(at), *key, response) {
            self.log(at, &format!("= {error}"));
        }
    }

    fn send(&mut self, at: Duration, method: &str) {
        self.cseq += 1;
        let text = format!(
            "{method} sip:alice@192.0.2.1 SIP/2.0\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:bob@192.0.2.9>;tag=us\r\n\
             To: <sip:alice@192.0.2.1>\r\n\
             Call-ID: ours@192.0.2.9\r\n\
             CSeq: {} {method}\r\n\
             Via: SIP/2.0/UDP discard;branch=z9hG4bKx\r\n\
             Content-Length: 0\r\n\r\n",
            self.cseq
        );
        let Ok(Message::Request(mut request)) = parse_datagram(Bytes::from(text)) else { panic!("a request") };
        request.headers.remove(&HeaderName::Via);
        match self.transactions.send_request(now(at), request.clone(), &self.hop) {
            Ok(key) => self.client = Some((key, request)),
            Err(error) => self.log(at, &format!("= {error}")),
        }
    }

    fn drain(&mut self, at: Duration) {
        while let Some(output) = self.transactions.poll_output() {
            let line = self.line(output);
            self.log(at, &line);
        }
    }

    fn line(&mut self, output: Output) -> String {
        match output {
            Output::Send { bytes, flow } => {
                let elsewhere = if flow == self.hop.flow { String::new() } else { format!(" at {flow}") };
                match parse_datagram(bytes).expect("what we send can be parsed") {
                    Message::Request(request) => {
                        let line = format!("< {}{elsewhere}", request.method);
                        self.sent.push(request);
                        line
                    }
                    Message::Response(response) => {
                        let line = format!("< {}{elsewhere}", status_line(&response));
                        self.answered = Some(response);
                        line
                    }
                }
            }
            Output::Request { key, request, .. } => {
                let line = format!("= {}", request.method);
                self.server = Some((key, request));
                line
            }
            Output::MergedRequest { key, request, .. } => {
                let line = format!("= merged {}", request.method);
                self.server = Some((key, request));
                line
            }
            Output::Ack { key, .. } => (if key.is_some() { "= ACK" } else { "= stray ACK" }).to_owned(),
            Output::Cancelled { .. } => "= cancelled".to_owned(),
            Output::Response { response, .. } => format!("= {}", status_line(&response)),
            Output::StrayResponse { response, .. } => format!("= stray {}", status_line(&response)),
            Output::TimedOut { .. } => "= timed out".to_owned(),
            Output::AckMissing { .. } => "= ack missing".to_owned(),
            Output::TransportError { key: TransactionKey::Server(_) } => "= server transport error".to_owned(),
            Output::TransportError { key: TransactionKey::Client(_) } => "= client transport error".to_owned(),
            Output::Ended { key: TransactionKey::Server(_) } => "= server ended".to_owned(),
            Output::Ended { key: TransactionKey::Client(_) } => "= client ended".to_owned(),
        }
    }
}

fn status_line(response: &Response) -> String {
    let cseq = response.headers.cseq().expect("a response has a CSeq");
    let to = response.headers.to().expect("a response has a To");
    // Tags made by ourselves are long.
    let tag = to.tag().filter(|tag| tag.len() < 8).map(|tag| format!(" {tag}")).unwrap_or_default();
    format!("{} {}{tag}", response.status, cseq.method)
}

fn ack_of(invite: &Request, to_tag: &str) -> Request {
    let mut ack = invite.clone();
    ack.method = sip::message::Method::Ack;
    ack.headers.add_to_tag(to_tag);
    ack.headers.replace(HeaderName::CSeq, format!("{} ACK", invite.headers.cseq().expect("it has one").seq));
    ack
}

fn word<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

pub(crate) fn now(at: Duration) -> Now {
    Now { mono: at, unix_ms: 1_700_000_000_000 + u64::try_from(at.as_millis()).unwrap_or(0) }
}
