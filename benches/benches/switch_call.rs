//! CPU and memory of complete two-party calls (trunk to extension, INVITE to BYE) through the switch alone, with as many
//! finished transactions lingering as the given call rate leaves behind.
//!
//! The phones' side is played once and its messages kept; then the same switch, with the same seed, gets them again, parsed
//! beforehand as the reader threads do it: only the switch's own work is counted.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails where it is wrong")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialplan::plan::{Destination, DidPattern, InboundRoute, Plan};
use hooks::fact::MediaQuality;
use hooks::id::TenantId;
use sip::digest::ha1;
use sip::flow::{Flow, Transport};
use sip::parse::parse_datagram;
use sip::session_timer::Policy;
use sip::time::Now;
use switch::checkpoint::{CallCheckpoint, Checkpointed};
use switch::config::{
    CallHandling, ExpiryBounds, Extension, Limits, ListeningSocket, LookupTimes, Network, NodeConfig, Srtp,
    StaticContact, TenantConfig, TonePlan, Trunk, TrunkPolicy, Ways,
};
use switch::input::Input;
use switch::media::{MediaCommand, MediaEvent};
use switch::output::Output;
use switch::switch::Switch;

const CALLS_PER_SECOND: u32 = 300;
const WARM_UP_CALLS: u32 = 33 * CALLS_PER_SECOND;
const MEASURED_CALLS: u32 = 6_000;
const STANDING_CALLS: u32 = 1_000;

fn main() {
    memory();
    cpu_per_call();
    checkpoints();
}

/// What a call says that would let it outlive the process, and what it costs to make text of that.
fn checkpoints() {
    let mut stage = Stage::new();
    stage.keep = false;
    stage.keep_checkpoints = true;
    for _ in 0..MEASURED_CALLS {
        stage.whole_call();
    }
    let before = cpu();
    let bytes: usize = stage.kept.iter().map(|kept| serde_json::to_vec(kept.as_ref()).unwrap().len()).sum();
    let total = cpu() - before;
    let kept = stage.kept.len();
    println!(
        "switch_call: {:.1} checkpoints a call of {} bytes, {:.1} us CPU each as JSON",
        kept as f64 / f64::from(MEASURED_CALLS),
        bytes / kept.max(1),
        total.as_secs_f64() * 1e6 / kept as f64,
    );
}

fn cpu_per_call() {
    let mut stage = Stage::new();
    for _ in 0..WARM_UP_CALLS + MEASURED_CALLS {
        stage.whole_call();
    }
    let recorded = std::mem::take(&mut stage.inputs);
    drop(stage);
    let per_call = recorded.len() / (WARM_UP_CALLS + MEASURED_CALLS) as usize;

    let mut switch = new_switch();
    let mut outputs = 0;
    let warm_up = per_call * WARM_UP_CALLS as usize;
    outputs += replay(&mut switch, &recorded[..warm_up]);
    let parsed: Vec<Step> = recorded[warm_up..].iter().map(Step::parsed).collect();
    let before = cpu();
    for step in parsed {
        outputs += step.apply(&mut switch);
    }
    let total = cpu() - before;
    println!(
        "switch_call: {:.1} us CPU per call through the switch alone, {} lingering transactions ({outputs} outputs)",
        total.as_secs_f64() * 1e6 / f64::from(MEASURED_CALLS),
        switch.sizes().finished_transactions,
    );
}

/// Calls that stand, and what is left of them afterwards.
fn memory() {
    let mut stage = Stage::new();
    stage.keep = false;
    let idle = resident_kb();
    for _ in 0..STANDING_CALLS {
        stage.begin();
    }
    let standing = resident_kb();
    println!(
        "switch_call: {:.1} kB per standing call ({STANDING_CALLS} calls, transactions of their set-up included)",
        standing.saturating_sub(idle) as f64 / f64::from(STANDING_CALLS)
    );
    stage.end_all();
    for _ in 0..MEASURED_CALLS {
        stage.whole_call();
    }
    stage.pass(Duration::from_secs(60));
    assert!(stage.switch.is_quiescent(), "{:?}", stage.switch.sizes());
    println!(
        "switch_call: {} kB more than idle 60 s after {MEASURED_CALLS} finished calls",
        resident_kb().saturating_sub(idle)
    );
}

fn replay(switch: &mut Switch, steps: &[Recorded]) -> usize {
    steps.iter().map(|step| Step::parsed(step).apply(switch)).sum()
}

/// What the switch was given at some time.
#[derive(Clone, Debug)]
struct Recorded {
    mono: Duration,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Datagram(SocketAddr, Bytes),
    Media(MediaEvent),
}

struct Step {
    now: Now,
    input: Input,
}

impl Step {
    fn parsed(recorded: &Recorded) -> Self {
        let input = match &recorded.what {
            What::Datagram(peer, bytes) => Input::Sip { flow: flow(*peer), message: parse_datagram(bytes.clone()) },
            What::Media(event) => Input::Media(event.clone()),
        };
        Self { now: now(recorded.mono), input }
    }

    fn apply(self, switch: &mut Switch) -> usize {
        while switch.poll_timeout().is_some_and(|due| due <= self.now.mono) {
            switch.handle_timeout(self.now);
        }
        switch.handle(self.now, self.input);
        std::iter::from_fn(|| switch.poll_output()).count()
    }
}

/// The phones' side.
struct Stage {
    switch: Switch,
    mono: Duration,
    serial: u32,
    inputs: Vec<Recorded>,
    keep: bool,
    /// The last messages that each side got, by their first word or status.
    caller: BTreeMap<String, String>,
    callee: BTreeMap<String, String>,
    standing: Vec<(u32, String)>,
    keep_checkpoints: bool,
    kept: Vec<Arc<CallCheckpoint>>,
}

impl Stage {
    fn new() -> Self {
        Self {
            switch: new_switch(),
            mono: Duration::ZERO,
            serial: 0,
            inputs: Vec::new(),
            keep: true,
            caller: BTreeMap::new(),
            callee: BTreeMap::new(),
            standing: Vec::new(),
            keep_checkpoints: false,
            kept: Vec::new(),
        }
    }

    fn whole_call(&mut self) {
        self.begin();
        self.end_all();
        self.mono += Duration::from_secs(1) / CALLS_PER_SECOND;
    }

    fn begin(&mut self) {
        self.serial += 1;
        let id = self.serial;
        let sdp = sdp(30_000);
        self.say(caller(), format!(
            "INVITE sip:1000@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bKi{id};rport\r\n\
             From: <sip:bench@127.0.0.1:6060>;tag=f{id}\r\nTo: <sip:1000@127.0.0.1:5060>\r\nCall-ID: call-{id}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:bench@127.0.0.1:6060>\r\nMax-Forwards: 70\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        ));
        let invite = self.callee["INVITE"].clone();
        self.say(callee(), answer(&invite, "180 Ringing", id, ""));
        self.say(callee(), answer(&invite, "200 OK", id, &self::sdp(40_000)));
        let ok = self.caller["200"].clone();
        self.say(caller(), within(&ok, "ACK", 1, id));
        self.standing.push((id, ok));
    }

    fn end_all(&mut self) {
        for (id, ok) in std::mem::take(&mut self.standing) {
            self.say(caller(), within(&ok, "BYE", 2, id));
            let bye = self.callee["BYE"].clone();
            self.say(callee(), answer(&bye, "200 OK", id, ""));
        }
    }

    /// Lets time pass in small steps.
    fn pass(&mut self, time: Duration) {
        let until = self.mono + time;
        while let Some(due) = self.switch.poll_timeout().filter(|due| *due <= until) {
            self.switch.handle_timeout(now(due));
            self.drain(due);
        }
        self.mono = until;
    }

    fn say(&mut self, from: SocketAddr, text: String) {
        self.give(What::Datagram(from, text.into()));
    }

    fn give(&mut self, what: What) {
        let recorded = Recorded { mono: self.mono, what };
        let step = Step::parsed(&recorded);
        if self.keep {
            self.inputs.push(recorded);
        }
        while self.switch.poll_timeout().is_some_and(|due| due <= self.mono) {
            self.switch.handle_timeout(now(self.mono));
        }
        self.switch.handle(step.now, step.input);
        self.drain(self.mono);
    }

    fn drain(&mut self, at: Duration) {
        let mut closed = Vec::new();
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Send { flow, bytes } => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    let mut words = text.split(' ');
                    let first = words.next().unwrap();
                    let key = if first == "SIP/2.0" { words.next().unwrap() } else { first }.to_owned();
                    let side = if flow.peer == caller() { &mut self.caller } else { &mut self.callee };
                    side.insert(key, text);
                }
                Output::Checkpoint(Checkpointed::Kept(kept)) if self.keep_checkpoints => self.kept.push(kept),
                Output::Media(MediaCommand::Close(endpoint)) => closed.push(endpoint),
                Output::Fact(_)
                | Output::Checkpoint(_)
                | Output::CloseConnection(_)
                | Output::Ask(_)
                | Output::Box(_)
                | Output::Media(_)
                | Output::LookUp(_)
                | Output::Publish(_)
                | Output::Reply { .. } => {}
            }
        }
        for endpoint in closed {
            assert_eq!(at, self.mono);
            self.give(What::Media(MediaEvent::Closed { endpoint, quality: MediaQuality::default() }));
        }
    }
}

fn answer(request: &str, status: &str, id: u32, body: &str) -> String {
    let field = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap();
    let to = field("To:");
    let tag = if to.contains("tag=") { String::new() } else { format!(";tag=t{id}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status}\r\n{}\r\n{}\r\n{to}{tag}\r\n{}\r\n{}\r\nContact: <sip:1000@127.0.0.1:7070>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        field("Via:"),
        field("From:"),
        field("Call-ID:"),
        field("CSeq:"),
        body.len()
    )
}

fn within(ok: &str, method: &str, cseq: u32, id: u32) -> String {
    let field = |name: &str| ok.lines().find(|line| line.starts_with(name)).unwrap();
    let target = field("Contact:").split(['<', '>']).nth(1).unwrap();
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bK{method}{id}-{};rport\r\n{}\r\n{}\r\n{}\r\n\
         CSeq: {cseq} {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        field("Call-ID:").len() + target.len(),
        field("From:"),
        field("To:"),
        field("Call-ID:"),
    )
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

fn new_switch() -> Switch {
    let loopback = Network { address: caller().ip(), prefix: 32 };
    let own = SocketAddr::from(([127, 0, 0, 1], 5060));
    let seconds = Duration::from_secs;
    let node = NodeConfig {
        domain: "bench.example".into(),
        product: "Switchboard".into(),
        sockets: vec![ListeningSocket { transport: Transport::Udp, local: own }],
        advertise: Vec::new(),
        rtp_bind: vec![own.ip()],
        rtp_advertise: Vec::new(),
        local_nets: vec![loopback],
        rtp_ports: (20_000, 29_999),
        tones: TonePlan::Cn,
        ring_timeout: seconds(30),
        rtp_timeout: seconds(30),
        lookups: LookupTimes::default(),
        browsers: None,
        session_timer: Policy::new(1_800),
        expiry: ExpiryBounds { min: seconds(60), max: seconds(3_600), default: seconds(600) },
        limits: Limits {
            calls: 100_000,
            pending_transactions: 100_000,
            finished_transactions: 262_144,
            contacts_per_extension: 10,
            auth_failures: 10,
            ban_window: seconds(60),
            ban: seconds(600),
            watched_sources: 1_000,
        },
    };
    let mut switch = Switch::new(node, [1; 32], now(Duration::ZERO));
    switch.handle(now(Duration::ZERO), Input::Tenant(Arc::new(tenant(loopback))));
    switch
}

fn tenant(loopback: Network) -> TenantConfig {
    let secret = ha1("1000", "bench.example", "x");
    let number: dialplan::number::ExtensionNumber = "1000".parse().unwrap();
    let uri = "sip:1000@127.0.0.1:7070".into();
    let extension = Extension {
        number: number.clone(),
        display_name: String::new(),
        ha1_md5: secret.md5,
        ha1_sha256: secret.sha256,
        enabled: true,
        ring_timeout: None,
        record: false,
        caller_number: None,
        handling: CallHandling::default(),
        srtp: Srtp::default(),
        pickup_group: None,
        ways: Ways::default(),
        static_contact: Some(StaticContact { uri, transport: Transport::Udp, target: callee() }),
    };
    let trunk = Trunk {
        name: "bench".parse().unwrap(),
        targets: Vec::new(),
        transport: Transport::Udp,
        host: "127.0.0.1".into(),
        sources: vec![loopback],
        credentials: None,
        trusted: true,
        caller_number: None,
        record: false,
        enabled: true,
        policy: TrunkPolicy::default(),
    };
    let inbound = InboundRoute {
        trunk: None,
        did: DidPattern::Exact("1000".into()),
        to: Destination::Extension(number.clone()),
        hours: None,
    };
    TenantConfig {
        tenant: TenantId::first(),
        domains: Vec::new(),
        extensions: [(number.clone(), extension)].into(),
        trunks: [(trunk.name.clone(), trunk)].into(),
        rooms: [].into(),
        flows: [].into(),
        agents: [].into(),
        queues: [].into(),
        hours: [].into(),
        surveys: std::collections::BTreeMap::new(),
        blocks: std::sync::Arc::default(),
        callers: std::sync::Arc::default(),
        plan: Plan { extensions: [number].into(), inbound: vec![inbound], ..Plan::default() },
        language: dialplan::say::Language::En,
        caller_number: None,
        zone: "Asia/Shanghai".parse().expect("a zone"),
        record_internal: false,
    }
}

fn caller() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6060))
}

fn callee() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7070))
}

fn flow(peer: SocketAddr) -> Flow {
    Flow { transport: Transport::Udp, local: SocketAddr::from(([127, 0, 0, 1], 5060)), peer, connection: None }
}

fn now(mono: Duration) -> Now {
    Now { mono, unix_ms: 1_795_334_400_000 + u64::try_from(mono.as_millis()).unwrap() }
}

/// CPU of this thread.
fn cpu() -> Duration {
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(account.split_whitespace().next().unwrap().parse().unwrap())
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
