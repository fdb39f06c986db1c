//! Whatever comes, in whatever order: no panic, no second final response, and nothing left in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use sip::flow::{ConnectionId, Flow, Transport};
use sip::headers::HeaderName;
use sip::message::{Message, Response, StatusCode};
use sip::parse::parse_datagram;
use sip::random::Random;
use sip::transaction::{ClientKey, Config, Hop, Limits, Output, SentBy, ServerKey, TransactionKey, Transactions};

use crate::ladder::now;

/// One thing that happens. Small numbers choose among few branches, tags and methods, so that events meet.
#[derive(Clone, Debug)]
enum Step {
    Request { method: usize, branch: u8, cseq: u8, to_tag: bool, transport: usize },
    Response { status: u16, method: usize, sent: usize, fork: u8 },
    Respond { server: usize, status: u16 },
    Send { method: usize, transport: usize },
    Cancel { client: usize },
    Ack { client: usize, fork: u8 },
    Acknowledged { server: usize },
    Broken { transport: usize },
    Wait { ms: u64 },
    Garbage { bytes: Vec<u8> },
}

const METHODS: [&str; 6] = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "FROBNICATE"];
const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Wss];

fn step() -> impl Strategy<Value = Step> {
    let method = 0..METHODS.len();
    let transport = 0..TRANSPORTS.len();
    prop_oneof![
        6 => (method.clone(), 0_u8..4, 0_u8..3, any::<bool>(), transport.clone()).prop_map(
            |(method, branch, cseq, to_tag, transport)| Step::Request { method, branch, cseq, to_tag, transport }
        ),
        6 => (100_u16..700, method.clone(), any::<usize>(), 0_u8..3)
            .prop_map(|(status, method, sent, fork)| Step::Response { status, method, sent, fork }),
        5 => (any::<usize>(), 100_u16..700).prop_map(|(server, status)| Step::Respond { server, status }),
        3 => (method, transport.clone()).prop_map(|(method, transport)| Step::Send { method, transport }),
        2 => any::<usize>().prop_map(|client| Step::Cancel { client }),
        2 => (any::<usize>(), 0_u8..3).prop_map(|(client, fork)| Step::Ack { client, fork }),
        1 => any::<usize>().prop_map(|server| Step::Acknowledged { server }),
        1 => transport.prop_map(|transport| Step::Broken { transport }),
        4 => (0_u64..9_000).prop_map(|ms| Step::Wait { ms }),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Step::Garbage { bytes }),
    ]
}

struct Run {
    transactions: Transactions,
    at: Duration,
    servers: Vec<(ServerKey, sip::message::Request)>,
    clients: Vec<(ClientKey, sip::message::Request)>,
    sent: Vec<sip::message::Request>,
    ended: Vec<TransactionKey>,
    /// The final response seen on the wire for each INVITE's transaction.
    finals: BTreeMap<String, Bytes>,
}

fn flow(transport: usize) -> Flow {
    let transport = TRANSPORTS[transport];
    Flow {
        transport,
        local: "192.0.2.9:5060".parse().unwrap(),
        peer: "192.0.2.1:5060".parse().unwrap(),
        connection: transport.is_reliable().then_some(ConnectionId(transport as u64)),
    }
}

fn hop(transport: usize) -> Hop {
    let flow = flow(transport);
    Hop { flow, sent_by: SentBy::from(flow.local) }
}

impl Run {
    fn new() -> Self {
        let limits = Limits { pending_server: 12, pending_client: 12, finished: 8, ..Limits::default() };
        Self {
            transactions: Transactions::new(Config { limits, ..Config::default() }, Random::from_seed([1; 32])),
            at: Duration::ZERO,
            servers: Vec::new(),
            clients: Vec::new(),
            sent: Vec::new(),
            ended: Vec::new(),
            finals: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: Step) {
        let now = now(self.at);
        match step {
            Step::Request { method, branch, cseq, to_tag, transport } => {
                let text = request(METHODS[method], branch, cseq, to_tag, TRANSPORTS[transport]);
                let message = parse_datagram(text.into()).unwrap();
                self.transactions.receive(now, flow(transport), message);
            }
            Step::Response { status, method, sent, fork } => {
                let Some(text) = self.response(status, METHODS[method], sent, fork) else { return };
                let message = parse_datagram(text.into()).unwrap();
                self.transactions.receive(now, flow(0), message);
            }
            Step::Respond { server, status } => {
                let Some((key, request)) = pick(&self.servers, server) else { return };
                let response = Response::to_request(&request, StatusCode::new(status).unwrap(), Some("ours"))
                    .with(mark(), format!("{key:?}"));
                let gone = self.ended.contains(&TransactionKey::Server(key));
                let result = self.transactions.respond(now, key, response);
                assert!(!(gone && result.is_ok()), "an ended transaction took a response");
            }
            Step::Send { method, transport } => {
                let text = request(METHODS[method], 9, 1, false, TRANSPORTS[transport]);
                let Message::Request(mut request) = parse_datagram(text.into()).unwrap() else { return };
                request.headers.remove(&HeaderName::Via);
                if let Ok(key) = self.transactions.send_request(now, request.clone(), &hop(transport)) {
                    self.clients.push((key, request));
                }
            }
            Step::Cancel { client } => {
                let Some((key, _)) = pick(&self.clients, client) else { return };
                self.transactions.cancel(now, key, None);
            }
            Step::Ack { client, fork } => {
                let Some((key, mut ack)) = pick(&self.clients, client) else { return };
                ack.headers.add_to_tag(&format!("f{fork}"));
                self.transactions.send_ack(key, ack, &hop(0));
            }
            Step::Acknowledged { server } => {
                let Some((key, _)) = pick(&self.servers, server) else { return };
                self.transactions.acknowledged(now, key);
            }
            Step::Broken { transport } => self.transactions.transport_failed(now, flow(transport)),
            Step::Wait { ms } => self.wait(Duration::from_millis(ms)),
            Step::Garbage { bytes } => {
                if let Ok(message) = parse_datagram(bytes.into()) {
                    self.transactions.receive(now, flow(0), message);
                }
            }
        }
        self.drain();
    }

    fn response(&self, status: u16, method: &str, sent: usize, fork: u8) -> Option<String> {
        let answered: Vec<_> = self.sent.iter().filter(|request| request.method.as_str() == method).collect();
        let sent = answered.get(sent % answered.len().max(1))?;
        let via = String::from_utf8(sent.headers.top_via().unwrap().to_bytes()).unwrap();
        Some(format!(
            "SIP/2.0 {status} x\r\nVia: {via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=f{fork}\r\nCall-ID: x\r\n\
             CSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        ))
    }

    fn wait(&mut self, time: Duration) {
        let until = self.at + time;
        while let Some(at) = self.transactions.poll_timeout().filter(|at| *at <= until) {
            assert!(at >= self.at, "a timer lies in the past");
            self.at = at;
            self.transactions.handle_timeout(now(at));
            self.drain();
        }
        self.at = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.transactions.poll_output() {
            match output {
                Output::Send { bytes, .. } => self.sent(bytes),
                Output::Request { key, request, .. } | Output::MergedRequest { key, request, .. } => {
                    assert!(!matches!(request.method.as_str(), "ACK" | "CANCEL"));
                    self.servers.push((key, request));
                }
                Output::Response { key, .. } => self.still_there(TransactionKey::Client(key)),
                Output::Cancelled { key, .. } => self.still_there(TransactionKey::Server(key)),
                Output::Ack { key, .. } => {
                    if let Some(key) = key {
                        self.still_there(TransactionKey::Server(key));
                    }
                }
                Output::StrayResponse { response, .. } => assert!(response.status.is_success()),
                Output::TimedOut { key } => self.over(TransactionKey::Client(key)),
                Output::AckMissing { key } => self.over(TransactionKey::Server(key)),
                Output::Ended { key } => self.over(key),
                Output::TransportError { key } => self.still_there(key),
            }
        }
    }

    fn still_there(&self, key: TransactionKey) {
        assert!(!self.ended.contains(&key), "an output after the end of {key:?}");
    }

    fn over(&mut self, key: TransactionKey) {
        self.still_there(key);
        self.ended.push(key);
    }

    fn sent(&mut self, bytes: Bytes) {
        match parse_datagram(bytes.clone()).unwrap() {
            Message::Request(request) => self.sent.push(request),
            Message::Response(response) => {
                let cseq = response.headers.cseq().unwrap();
                let Some(key) = response.headers.get_text(&mark()) else { return };
                if cseq.method.as_str() != "INVITE" || response.status.is_provisional() {
                    return;
                }
                let first = self.finals.entry(key.into_owned()).or_insert_with(|| bytes.clone());
                assert_eq!(*first, bytes, "a second final response");
            }
        }
    }
}

/// Marks a response with its transaction, so that the wire can be watched.
fn mark() -> HeaderName {
    HeaderName::from_bytes(b"X-Transaction").unwrap()
}

fn pick<T: Clone>(list: &[T], at: usize) -> Option<T> {
    list.get(at % list.len().max(1)).cloned()
}

fn request(method: &str, branch: u8, cseq: u8, to_tag: bool, transport: Transport) -> String {
    let to = if to_tag { ";tag=ours" } else { "" };
    let cookie = if branch == 0 { "" } else { "z9hG4bK" };
    format!(
        "{method} sip:bob@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/{} 192.0.2.1:5060;branch={cookie}{branch}\r\n\
         Max-Forwards: 7\r\nFrom: <sip:alice@192.0.2.1>;tag=peer\r\nTo: <sip:bob@192.0.2.9>{to}\r\n\
         Call-ID: c\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        transport.via_name()
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_keeps_the_invariants_and_leaves_nothing(steps in proptest::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
            let counts = run.transactions.counts();
            prop_assert!(counts.pending_server <= 15 && counts.finished <= 8, "{:?}", counts);
        }
        // The TU answers what it owes; then time does the rest.
        for (key, request) in run.servers.clone() {
            let response = Response::to_request(&request, StatusCode::BUSY_HERE, Some("last"))
                .with(mark(), format!("{key:?}"));
            let _ = run.transactions.respond(now(run.at), key, response);
        }
        run.drain();
        run.wait(Duration::from_secs(400));
        prop_assert!(run.transactions.is_empty(), "{:?}", run.transactions.counts());
    }
}
