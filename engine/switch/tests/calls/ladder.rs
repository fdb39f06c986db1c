//! Ladders as text: phones that say what the lines say, a switch between them, virtual time, and a media side that does as it
//! is told.
//!
//! `TIME WHO > WHAT` is sent, `TIME WHO < WHAT` with texts that are in it between backticks must have been received by then, `TIME WHO hears WHOM` must
//! hold. Every message that a phone received must be on a line; 100 and the answers to BYE and CANCEL are left out, and so
//! are the sign-ins of polite phones.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::under_test::checkpoint::{CallCheckpoint, Checkpointed};
use crate::under_test::config::{
    CallHandling, Credentials, ExpiryBounds, Extension, Limits, ListeningSocket, LookupTimes, Network, NodeConfig,
    Room, Srtp, TenantConfig, TonePlan, Trunk, TrunkPolicy, Ways,
};
use crate::under_test::input::{Command, CommandId, Input};
use crate::under_test::media::{Activity, EndpointId, MediaCommand, MediaEvent, PlayerId, RecordingOutcome, Source};
use crate::under_test::output::{Asked, BoxAsked, Done, LookUp, Output, Refused};
use crate::under_test::switch::Switch;
use crate::under_test::view::View;
use bytes::Bytes;
use dialplan::park::Park;
use dialplan::plan::{Destination, DidPattern, EMERGENCY_DEFAULT, InboundRoute, OutboundRoute, Plan};
use dialplan::say::{Language, Part};
use hooks::fact::{
    AgentStateChanged, CallCreated, Event, Fact, FlowStep, FlowWalked, LegStarted, MediaQuality, RecordingStarted,
    SurveyAnswer,
};
use hooks::id::{CallId, TenantId};
use sip::digest::ha1;
use sip::flow::{Flow, Transport};
use sip::parse::parse_datagram;
use sip::session_timer::Policy;
use sip::time::Now;

use crate::phone::{Manners, Phone, first_word, status};

/// The switch's own address.
const OWN: &str = "192.0.2.1:5060";

pub(crate) struct World {
    pub(crate) switch: Switch,
    pub(crate) phones: BTreeMap<&'static str, Phone>,
    pub(crate) facts: Vec<String>,
    /// What was written down of each agent last, and since when he is in his state.
    pub(crate) agents: BTreeMap<String, (AgentStateChanged, u64)>,
    pub(crate) replies: Vec<Result<Done, Refused>>,
    pub(crate) views: Vec<View>,
    pub(crate) media: Vec<MediaCommand>,
    /// What servers were asked.
    pub(crate) lookups: Vec<LookUp>,
    /// What hooks were asked.
    pub(crate) asked: Vec<Asked>,
    /// What was asked of boxes for messages.
    pub(crate) boxes: Vec<BoxAsked>,
    /// RTP ports that somebody else has.
    pub(crate) taken_ports: Vec<u16>,
    /// The media side says nothing about closing.
    pub(crate) media_is_mute: bool,
    now: Duration,
    events: VecDeque<MediaEvent>,
    outbox: VecDeque<(&'static str, String)>,
    peers: BTreeMap<EndpointId, IpAddr>,
    hears: BTreeMap<EndpointId, Vec<Source>>,
    /// What is being said, or was said to its end.
    players: BTreeMap<PlayerId, String>,
    /// What is said takes until [`World::played`], no longer no time at all.
    pub(crate) clips_last: bool,
    ladder: Vec<String>,
    pub(crate) last_call: Option<CallId>,
    first_call: Option<CallId>,
    legs: Vec<(hooks::id::LegId, String)>,
    fact_times: Vec<(String, u64)>,
    seed: u8,
    node: NodeConfig,
    pub(crate) tenant: TenantConfig,
    /// What a process would find that takes the place of this one.
    pub(crate) checkpoints: BTreeMap<CallId, CallCheckpoint>,
    pub(crate) checkpoints_said: usize,
    flows: BTreeMap<&'static str, Flow>,
    /// The flow that something was sent on last.
    pub(crate) last_flow: Option<Flow>,
    /// What phones said, to be repeated.
    sent: Vec<(&'static str, String)>,
}

pub(crate) fn node() -> NodeConfig {
    NodeConfig {
        domain: "pbx.example".into(),
        product: "Switchboard".into(),
        sockets: vec![ListeningSocket { transport: Transport::Udp, local: OWN.parse().unwrap() }],
        advertise: Vec::new(),
        rtp_bind: vec!["192.0.2.1".parse().unwrap()],
        rtp_advertise: Vec::new(),
        local_nets: vec![Network { address: "192.0.2.0".parse().unwrap(), prefix: 24 }],
        rtp_ports: (20_000, 20_199),
        tones: TonePlan::Cn,
        ring_timeout: Duration::from_secs(30),
        rtp_timeout: Duration::from_secs(30),
        lookups: LookupTimes::default(),
        browsers: None,
        session_timer: Policy::new(1_800),
        expiry: ExpiryBounds {
            min: Duration::from_secs(60),
            max: Duration::from_secs(3_600),
            default: Duration::from_secs(600),
        },
        limits: Limits {
            calls: 10,
            pending_transactions: 1_000,
            finished_transactions: 10_000,
            contacts_per_extension: 3,
            auth_failures: 8,
            ban_window: Duration::from_secs(60),
            ban: Duration::from_secs(600),
            watched_sources: 100,
        },
    }
}

fn extension(number: &str, name: &str) -> Extension {
    let secret = ha1(number, "pbx.example", "secret");
    Extension {
        number: number.parse().unwrap(),
        display_name: name.into(),
        ha1_md5: secret.md5,
        ha1_sha256: secret.sha256,
        enabled: true,
        ring_timeout: None,
        record: number == "1003",
        caller_number: (number == "1002").then(|| "01066668888".into()),
        static_contact: None,
        handling: CallHandling::default(),
        srtp: Srtp::default(),
        pickup_group: None,
        ways: Ways::default(),
    }
}

fn trunk(name: &str, address: &str, credentials: Option<Credentials>) -> Trunk {
    let target: SocketAddr = address.parse().unwrap();
    Trunk {
        name: name.parse().unwrap(),
        targets: vec![target],
        transport: Transport::Udp,
        host: format!("{name}.example"),
        sources: vec![Network { address: target.ip(), prefix: 32 }],
        credentials,
        trusted: name == "lines",
        caller_number: Some("01012345678".into()),
        record: false,
        enabled: true,
        policy: TrunkPolicy::default(),
    }
}

/// One with a PIN has 5678 for its moderators, too.
pub(crate) fn room(number: &str, pin: Option<&str>) -> Room {
    Room {
        number: number.parse().unwrap(),
        pin: pin.map(|pin| pin.parse().unwrap()),
        moderator_pin: pin.map(|_| "5678".parse().unwrap()),
        members_max: 3,
        announce: false,
        record: false,
        music_alone: true,
        locked: false,
    }
}

pub(crate) fn tenant() -> TenantConfig {
    let extensions = [extension("1001", "Alice"), extension("1002", "Bob"), extension("1003", "Carol")];
    let login = Credentials { username: "switch".into(), password: "line-secret".into() };
    let trunks = [trunk("lines", "198.51.100.1:5060", None), trunk("spare", "198.51.100.2:5060", Some(login))];
    let rooms = [room("8000", None), room("8001", Some("1234"))];
    let to = |number: &str| Destination::Extension(number.parse().unwrap());
    let route = |did: &str, to| InboundRoute { trunk: None, did: DidPattern::Exact(did.into()), to, hours: None };
    TenantConfig {
        tenant: TenantId::first(),
        domains: vec!["pbx.example".into()],
        plan: Plan {
            emergency: EMERGENCY_DEFAULT.map(String::from).to_vec(),
            emergency_trunks: vec!["lines".parse().unwrap()],
            extensions: extensions.iter().map(|extension| extension.number.clone()).collect(),
            rooms: rooms.iter().map(|room| room.number.clone()).collect(),
            queues: BTreeMap::new(),
            park: Some(Park {
                number: "700".parse().unwrap(),
                slots: "701-703".parse().unwrap(),
                timeout: Duration::from_secs(120),
            }),
            inbound: vec![
                route("01012345678", to("1001")),
                route("01012345679", to("1003")),
                route("01012348000", Destination::Room("8000".parse().unwrap())),
            ],
            outbound: vec![OutboundRoute {
                prefix: "1".into(),
                strip: 0,
                prepend: "9".into(),
                trunks: vec!["lines".parse().unwrap(), "spare".parse().unwrap()],
            }],
        },
        extensions: extensions.into_iter().map(|extension| (extension.number.clone(), extension)).collect(),
        trunks: trunks.into_iter().map(|trunk| (trunk.name.clone(), trunk)).collect(),
        rooms: rooms.into_iter().map(|room| (room.number.clone(), Arc::new(room))).collect(),
        flows: BTreeMap::new(),
        agents: BTreeMap::new(),
        queues: BTreeMap::new(),
        hours: BTreeMap::new(),
        surveys: std::collections::BTreeMap::new(),
        blocks: Arc::default(),
        callers: Arc::default(),
        language: Language::En,
        caller_number: None,
        zone: "Asia/Shanghai".parse().unwrap(),
        record_internal: false,
    }
}

fn cast() -> BTreeMap<&'static str, Phone> {
    let mut cast = [
        Phone::new("alice", "1001", "192.0.2.11:5060"),
        Phone::new("bob", "1002", "192.0.2.12:5060"),
        Phone::new("bob2", "1002", "192.0.2.13:5060"),
        Phone::new("carol", "1003", "203.0.113.5:5060"),
        Phone::new("lines", "13800000000", "198.51.100.1:5060"),
        Phone::new("spare", "13900000000", "198.51.100.2:5060"),
        Phone::new("eve", "6666", "203.0.113.66:5060"),
    ];
    cast[4].password = "";
    cast[5].password = "";
    cast.into_iter().map(|phone| (phone.name, phone)).collect()
}

impl World {
    pub(crate) fn new(node: NodeConfig, tenant: TenantConfig) -> Self {
        let mut world = Self {
            switch: Switch::new(node.clone(), [7; 32], now(Duration::ZERO)),
            phones: cast(),
            facts: Vec::new(),
            agents: BTreeMap::new(),
            replies: Vec::new(),
            views: Vec::new(),
            media: Vec::new(),
            lookups: Vec::new(),
            asked: Vec::new(),
            boxes: Vec::new(),
            taken_ports: Vec::new(),
            media_is_mute: false,
            now: Duration::ZERO,
            events: VecDeque::new(),
            outbox: VecDeque::new(),
            peers: BTreeMap::new(),
            hears: BTreeMap::new(),
            players: BTreeMap::new(),
            clips_last: false,
            ladder: Vec::new(),
            last_call: None,
            first_call: None,
            legs: Vec::new(),
            fact_times: Vec::new(),
            seed: 7,
            node,
            tenant: tenant.clone(),
            checkpoints: BTreeMap::new(),
            checkpoints_said: 0,
            flows: BTreeMap::new(),
            last_flow: None,
            sent: Vec::new(),
        };
        world.input(Input::Tenant(Arc::new(tenant)));
        world
    }

    /// A world in which these phones are registered.
    pub(crate) fn with(registered: &[&'static str]) -> Self {
        let mut world = Self::new(node(), tenant());
        world.register(registered);
        world
    }

    pub(crate) fn register(&mut self, registered: &[&'static str]) {
        for name in registered {
            self.act(name, "REGISTER");
            let answer = self.phone(name).inbox.pop_back().expect("the REGISTER was answered");
            assert_eq!(status(&answer), 200, "{answer}");
        }
        self.facts.clear();
        self.ladder.clear();
    }

    pub(crate) fn phone(&mut self, name: &str) -> &mut Phone {
        self.phones.get_mut(name).unwrap_or_else(|| panic!("no phone {name}"))
    }

    /// Gives the switch one input and does all that follows from it.
    pub(crate) fn input(&mut self, input: Input) {
        self.switch.handle(now(self.now), input);
        self.settle();
    }

    /// Lets virtual time pass.
    pub(crate) fn run_until(&mut self, until: Duration) {
        while let Some(due) = self.switch.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.switch.handle_timeout(now(self.now));
            self.settle();
        }
        self.now = self.now.max(until);
    }

    /// The call that began first.
    pub(crate) fn first_call(&self) -> CallId {
        self.first_call.expect("a call began")
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// Lets a phone come by this flow from now on.
    pub(crate) fn flow_of(&mut self, name: &'static str, flow: Flow) {
        self.flows.insert(name, flow);
    }

    /// Sends raw bytes from a phone.
    pub(crate) fn send(&mut self, name: &'static str, text: &str) {
        self.outbox.push_back((name, text.to_owned()));
        self.settle();
    }

    /// Lets everything happen that follows from what was done last.
    pub(crate) fn settle(&mut self) {
        loop {
            while let Some(output) = self.switch.poll_output() {
                self.output(output);
            }
            if let Some(event) = self.events.pop_front() {
                self.switch.handle(now(self.now), Input::Media(event));
            } else if let Some((name, text)) = self.outbox.pop_front() {
                let plain = Flow {
                    transport: Transport::Udp,
                    local: OWN.parse().unwrap(),
                    peer: self.phones[name].address,
                    connection: None,
                };
                let flow = self.flows.get(name).copied().unwrap_or(plain);
                self.sent.push((name, text.clone()));
                let line = text.lines().next().unwrap_or_default().to_owned();
                self.note(name, '>', &line);
                let message = parse_datagram(Bytes::from(text));
                self.switch.handle(now(self.now), Input::Sip { flow, message });
            } else {
                return;
            }
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Fact(fact) => {
                self.last_call = fact.event.call().or(self.last_call);
                self.first_call = self.first_call.or(self.last_call);
                self.note_agent(&fact);
                let text = self.fact_text(&fact.event);
                self.ladder.push(format!("{:>7}ms  {text}", self.now.as_millis()));
                self.fact_times.push((text.clone(), fact.at_ms.saturating_sub(now(Duration::ZERO).unix_ms)));
                self.facts.push(text);
            }
            Output::Checkpoint(said) => self.keep(said),
            Output::Send { flow, bytes } => self.deliver(&flow, &bytes),
            Output::CloseConnection(_) => {}
            Output::Media(command) => self.media_command(command),
            Output::LookUp(lookup) => self.lookups.push(*lookup),
            Output::Ask(asked) => self.asked.push(*asked),
            Output::Box(asked) => self.boxes.push(*asked),
            Output::Publish(view) => self.views.push(view),
            Output::Reply { result, .. } => self.replies.push(result),
        }
    }

    fn keep(&mut self, said: Checkpointed) {
        match said {
            Checkpointed::Kept(checkpoint) => {
                // As it comes back from a disk.
                let text = serde_json::to_string(checkpoint.as_ref()).unwrap();
                self.checkpoints.insert(checkpoint.call, serde_json::from_str(&text).unwrap());
                self.checkpoints_said += 1;
                assert_eq!(self.checkpoints.get(&checkpoint.call), Some(checkpoint.as_ref()), "{text}");
            }
            Checkpointed::Gone(_, call) => {
                assert!(self.checkpoints.remove(&call).is_some(), "nothing was kept of {call}");
            }
        }
    }

    fn deliver(&mut self, flow: &Flow, bytes: &Bytes) {
        self.last_flow = Some(*flow);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let parsed = parse_datagram(bytes.clone());
        assert!(parsed.is_ok(), "we sent what we cannot read: {parsed:?}\n{text}");
        let Some(name) = self.phones.values().find(|phone| phone.address == flow.peer).map(|phone| phone.name) else {
            panic!("nobody is at {flow}:\n{text}");
        };
        self.note(name, '<', text.lines().next().unwrap_or_default());
        for reaction in self.phone(name).receive(&text) {
            self.outbox.push_back((name, reaction));
        }
    }

    fn media_command(&mut self, command: MediaCommand) {
        match &command {
            MediaCommand::Open { endpoint, port, .. } => {
                if self.taken_ports.contains(port) {
                    self.events.push_back(MediaEvent::BindFailed(*endpoint));
                }
            }
            MediaCommand::Agree { endpoint, agreement } => {
                // A browser is known by its fragment, which begins with its name.
                let browser = agreement.browser.as_ref().and_then(|browser| {
                    let name = browser.ice.ufrag.trim_end_matches(|c: char| c.is_ascii_digit());
                    self.phones.get(name).map(|phone| phone.rtp.ip())
                });
                if let Some(remote) = agreement.remote_rtp.map(|remote| remote.ip()).or(browser) {
                    self.peers.insert(*endpoint, remote);
                }
            }
            MediaCommand::Hear { endpoint, sources, .. } => {
                self.hears.insert(*endpoint, sources.clone());
            }
            MediaCommand::Play { player, parts, .. } => {
                let said = parts.iter().map(|part| match part {
                    Part::Prompt(prompt) => prompt.to_string(),
                    other => format!("{other:?}"),
                });
                self.players.insert(*player, said.collect::<Vec<_>>().join(" "));
                if !self.clips_last {
                    self.events.push_back(MediaEvent::Played(*player));
                }
            }
            MediaCommand::PlayAudio { player, audio } => {
                self.players.insert(*player, format!("message {}", audio.0.len()));
                if !self.clips_last {
                    self.events.push_back(MediaEvent::Played(*player));
                }
            }
            MediaCommand::StopPlaying(player) => {
                self.players.remove(player);
            }
            MediaCommand::Record { .. }
            | MediaCommand::SetGain { .. }
            | MediaCommand::DetectKeys { .. }
            | MediaCommand::DetectVoice { .. }
            | MediaCommand::SendDigits { .. }
            | MediaCommand::RecordFrom { .. }
            | MediaCommand::PauseRecording(_)
            | MediaCommand::ResumeRecording(_)
            | MediaCommand::OpenBrowser { .. }
            | MediaCommand::RestartIce { .. } => {}
            MediaCommand::StopRecording(recording) => {
                let outcome =
                    RecordingOutcome::Ready { bytes: 44, duration_ms: 1_000, sha256: "0".repeat(64), partial: false };
                self.events.push_back(MediaEvent::Recorded { recording: *recording, outcome });
            }
            MediaCommand::Close(endpoint) => {
                self.peers.remove(endpoint);
                self.hears.remove(endpoint);
                if !self.media_is_mute {
                    let closed = MediaEvent::Closed { endpoint: *endpoint, quality: MediaQuality::default() };
                    self.events.push_back(closed);
                }
            }
        }
        self.media.push(command);
    }

    /// One of the endpoints whose far end is known.
    pub(crate) fn any_endpoint(&self, at: usize) -> Option<EndpointId> {
        self.peers.keys().nth(at % self.peers.len().max(1)).copied()
    }

    /// One of the messages that were sent.
    pub(crate) fn said(&self, at: usize) -> Option<(&'static str, String)> {
        self.sent.get(at % self.sent.len().max(1)).cloned()
    }

    /// The endpoint whose far end is this phone.
    pub(crate) fn endpoint(&self, name: &str) -> EndpointId {
        self.endpoint_of(name).unwrap_or_else(|| panic!("{name} has no media\n{}", self.ladder.join("\n")))
    }

    /// The same, if there is one.
    pub(crate) fn endpoint_of(&self, name: &str) -> Option<EndpointId> {
        let ip = self.phones[name].rtp.ip();
        self.peers.iter().find(|(_, peer)| **peer == ip).map(|(endpoint, _)| *endpoint)
    }

    pub(crate) fn heard_by(&self, name: &str) -> String {
        let sources = self.hears.get(&self.endpoint(name)).cloned().unwrap_or_default();
        let names: Vec<String> = sources
            .iter()
            .map(|source| match source {
                Source::Endpoint(endpoint) => {
                    let ip = self.peers.get(endpoint);
                    let phone = self.phones.values().find(|phone| Some(&phone.rtp.ip()) == ip);
                    phone.map_or("somebody".to_owned(), |phone| phone.name.to_owned())
                }
                Source::Sound(sound) => format!("{sound:?}"),
                Source::Player(player) => self.players.get(player).map_or("ended", String::as_str).to_owned(),
            })
            .collect();
        if names.is_empty() { "nothing".into() } else { names.join("+") }
    }

    /// What a phone hears said is over.
    pub(crate) fn played(&mut self, name: &str) {
        let heard = &self.hears[&self.endpoint(name)];
        let player = heard.iter().find_map(|source| match source {
            Source::Player(player) => Some(*player),
            Source::Endpoint(_) | Source::Sound(_) => None,
        });
        self.input(Input::Media(MediaEvent::Played(player.expect("something is said"))));
    }

    fn note_agent(&mut self, fact: &Fact) {
        let Event::AgentStateChanged(changed) = &fact.event else { return };
        let before = self.agents.get(&changed.agent).filter(|_| changed.from == changed.to);
        let since_ms = before.map_or(fact.at_ms, |(_, since_ms)| *since_ms);
        self.agents.insert(changed.agent.clone(), (changed.clone(), since_ms));
    }

    /// The nth leg to somebody.
    fn name_leg(&mut self, e: &LegStarted) -> String {
        let nth = self.legs.iter().filter(|(_, name)| name.starts_with(&e.peer_name)).count() + 1;
        let name = format!("{}#{nth}", e.peer_name);
        self.legs.push((e.leg, name.clone()));
        name
    }

    fn fact_text(&mut self, event: &Event) -> String {
        match event {
            Event::CallCreated(e) => created_text(e),
            Event::LegStarted(e) => format!("leg_started {}", self.name_leg(e)),
            Event::LegRinging(e) => {
                format!("leg_ringing {}{}", self.leg(e.leg), if e.early_media { " early" } else { "" })
            }
            Event::LegAnswered(e) => format!("leg_answered {} {}", self.leg(e.leg), e.codec),
            Event::LegEnded(e) => format!(
                "leg_ended {} {:?} {}{}",
                self.leg(e.leg),
                e.cause,
                e.sip_status,
                e.reason.iter().map(|reason| format!(" because {reason}")).collect::<String>()
            ),
            Event::CallAnswered(e) => format!("answered {}", self.leg(e.leg)),
            Event::CallHeld(e) => format!("held {}", self.leg(e.leg)),
            Event::CallRetrieved(e) => format!("retrieved {}", self.leg(e.leg)),
            Event::TransferStarted(e) => format!("transfer_started {} {:?} {}", self.leg(e.leg), e.kind, e.target),
            Event::Transferred(e) => format!("transferred {} -> {} {:?}", self.leg(e.leg), self.leg(e.to), e.kind),
            Event::TransferFailed(_)
            | Event::CallQueued(_)
            | Event::CallBlocked(_)
            | Event::SurveyInvited(_)
            | Event::SurveyCompleted(_)
            | Event::CallLeftQueue(_)
            | Event::CallOffered(_)
            | Event::CallOfferEnded(_)
            | Event::OverflowAnswered(_)
            | Event::CallbackRequested(_)
            | Event::CallbackStarted(_)
            | Event::CallbackEnded(_)
            | Event::AgentStateChanged(_)
            | Event::AgentSignedIn(_)
            | Event::RecordingFailed(_)
            | Event::RecordingPaused(_)
            | Event::RecordingResumed(_)
            | Event::RecordingDiscarded(_)
            | Event::VoicemailLeft(_)
            | Event::VoicemailListened(_)
            | Event::VoicemailDownloaded(_)
            | Event::VoicemailDeleted(_)
            | Event::CallParked(_)
            | Event::CallUnparked(_)
            | Event::FlowWalked(_)
            | Event::ConsultStarted(_)
            | Event::ConsultEnded(_)
            | Event::ThreeWayStarted(_)
            | Event::ThreeWayEnded(_)
            | Event::CallSupervised(_)
            | Event::CallSupervisionEnded(_) => self.floor_text(event),
            Event::CallResumed(e) => format!("resumed after {} ms", e.gap_ms),
            Event::CallEnded(e) => format!("ended {:?} by {:?} {}", e.cause, e.by, e.sip_status),
            Event::RecordingStarted(e) => self.recording_text(e),
            Event::RecordingReady(_) => "recording_ready".into(),
            Event::RecordingStored(_) | Event::RecordingPurged(_) => unreachable!("the switch keeps no files"),
            Event::ConferenceStarted(e) => format!("conference_started {}", e.room),
            Event::MemberJoined(e) => format!("joined {} {:?} {}", self.leg(e.leg), e.role, e.members),
            Event::MemberLeft(e) => format!("left {} {:?} {}", self.leg(e.leg), e.reason, e.members),
            Event::MemberMuted(e) => {
                format!("{} {} by {:?}", if e.muted { "muted" } else { "unmuted" }, self.leg(e.leg), e.by)
            }
            Event::ConferenceEnded(e) => format!("conference_ended {} {:?} {}", e.room, e.reason, e.most_members),
            Event::RegistrationBound(e) => format!("bound {} {}", e.extension, e.source),
            Event::RegistrationUnbound(e) => format!("unbound {} {:?}", e.extension, e.reason),
            Event::SourceBanned(e) => format!("banned {} after {}", e.source, e.failures),
            Event::SettingsChanged(_) => "settings_changed".into(),
            Event::DirectoryChanged(_) => "directory_changed".into(),
            Event::TrunkUp(e) => format!("trunk_up {}", e.trunk),
            Event::TrunkDown(e) => format!("trunk_down {} {:?}: {}", e.trunk, e.reason, e.detail),
        }
    }

    fn recording_text(&self, e: &RecordingStarted) -> String {
        let whose = e.mailbox.as_deref().map(|mailbox| format!(" for {mailbox}")).unwrap_or_default();
        let part = if e.part == 1 { String::new() } else { format!(" part {}", e.part) };
        format!("recording_started {} | {}{part}{whose}", self.leg(e.left), self.leg(e.right))
    }

    /// What is written down of agents and queues, of messages, and of what is done by order.
    fn floor_text(&self, event: &Event) -> String {
        match event {
            Event::SurveyInvited(e) => {
                format!("survey {} of {} by {:?}", e.subject.survey, e.subject.agent.as_deref().unwrap_or("-"), e.start)
            }
            Event::SurveyCompleted(e) => {
                let label = |answer: &Option<SurveyAnswer>| {
                    answer.as_ref().map_or("-".to_owned(), |answer| format!("{} {}", answer.key, answer.label))
                };
                let comment = if e.comment.is_some() { " with a comment" } else { "" };
                format!("survey_completed {} | {}{comment}", label(&e.answer), label(&e.second))
            }
            Event::TransferFailed(e) => {
                format!("transfer_failed {} {:?} {}", self.leg(e.leg), e.cause, e.sip_status)
            }
            Event::CallBlocked(e) => format!("blocked {:?} {} {:?}", e.side, e.number, e.treatment),
            Event::CallQueued(e) => format!("queued {} {}", e.queue, e.waited_ms),
            Event::CallLeftQueue(e) => {
                let agent = e.agent.as_deref().map(|agent| format!(" {agent}")).unwrap_or_default();
                let within = if e.within_target { " in time" } else { "" };
                format!("left_queue {} {:?}{agent} {}{within}", e.queue, e.exit, e.waited_ms)
            }
            Event::CallOffered(e) => {
                let queue = e.queue.as_deref().map(|queue| format!(" by {queue}")).unwrap_or_default();
                let why = e.why.as_ref().map(|why| format!(" {:?}", why.rule)).unwrap_or_default();
                format!("offered {}{queue}{why}", e.agent)
            }
            Event::CallOfferEnded(e) => format!("offer_ended {} {:?} {}", e.agent, e.outcome, e.ring_ms),
            Event::CallbackRequested(_) | Event::CallbackStarted(_) | Event::CallbackEnded(_) => callback_text(event),
            Event::OverflowAnswered(e) => format!("overflow_answered {} {}", e.queue, e.number),
            Event::AgentStateChanged(e) => {
                let by = e.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
                format!("agent {} {:?}->{:?} {:?} {:?}{by}", e.agent, e.from, e.to, e.call_status, e.reason)
            }
            Event::AgentSignedIn(e) => format!("signed_in {} {:?}", e.agent, e.sign),
            Event::CallParked(e) => format!("parked {} {} by {}", e.slot, self.leg(e.leg), self.leg(e.by)),
            Event::CallUnparked(e) => {
                let to = e.to.map(|to| format!(" -> {}", self.leg(to))).unwrap_or_default();
                format!("unparked {} {:?}{to} {}", e.slot, e.outcome, e.waited_ms)
            }
            Event::FlowWalked(e) => flow_text(e),
            Event::ConsultStarted(e) => format!("consult_started {} {}", self.leg(e.leg), e.target),
            Event::ConsultEnded(e) => format!("consult_ended {} {:?}", self.leg(e.leg), e.outcome),
            Event::RecordingPaused(e) => format!("recording_paused {} {}", e.offset_ms, e.by.as_deref().unwrap_or("-")),
            Event::RecordingResumed(e) => {
                format!("recording_resumed {} {}", e.offset_ms, e.by.as_deref().unwrap_or("-"))
            }
            Event::RecordingFailed(e) => format!("recording_failed {}", e.reason),
            Event::RecordingDiscarded(_) => "recording_discarded".into(),
            Event::VoicemailLeft(e) => {
                format!("voicemail {} from {} to {} {}", e.mailbox, e.caller, e.callee, e.length_ms)
            }
            Event::VoicemailListened(e) => format!("voicemail listened by {}", e.by),
            Event::VoicemailDownloaded(e) => format!("voicemail downloaded by {}", e.by),
            Event::VoicemailDeleted(e) => format!("voicemail deleted by {}", e.by),
            Event::ThreeWayStarted(e) => format!("three_way_started {}", self.leg(e.leg)),
            Event::ThreeWayEnded(e) => format!("three_way_ended {}", self.leg(e.leg)),
            Event::CallSupervised(e) => {
                let supervisor =
                    e.supervisor.as_deref().map(|supervisor| format!(" by {supervisor}")).unwrap_or_default();
                format!("supervised {} {:?}{supervisor}", e.agent, e.how)
            }
            Event::CallSupervisionEnded(e) => format!("supervision_ended {} {:?} by {}", e.agent, e.how, e.supervisor),
            other => unreachable!("{other:?}"),
        }
    }

    fn leg(&self, leg: hooks::id::LegId) -> String {
        self.legs.iter().find(|(id, _)| *id == leg).map(|(_, name)| name.clone()).unwrap_or_default()
    }

    fn note(&mut self, name: &str, arrow: char, line: &str) {
        self.ladder.push(format!("{:>7}ms  {name} {arrow} {line}", self.now.as_millis()));
    }

    /// What happened so far.
    pub(crate) fn ladder(&self) -> String {
        self.ladder.join("\n")
    }

    /// Lets a phone do what the right side of a line says.
    pub(crate) fn act(&mut self, name: &'static str, what: &str) {
        let mut words = what.split(' ');
        let verb = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let option = |key: &str| {
            rest.iter()
                .find_map(|word| word.strip_prefix(key).and_then(|word| word.strip_prefix('=')))
                .map(str::to_owned)
        };
        let extra = option("extra").unwrap_or_default().replace('~', " ");
        let sdp = option("sdp");
        let direction = option("dir").unwrap_or_default();
        let more = option("more");
        let extra = self.replacing(extra, option("replacing"));
        let phone = self.phone(name);
        let body = |phone: &mut Phone, default: &str| match (sdp.as_deref(), &more) {
            (Some("none"), _) => String::new(),
            (codecs, Some(more)) => phone.sdp_with(codecs.unwrap_or(default), more, &direction),
            (codecs, None) => phone.sdp(codecs.unwrap_or(default), &direction),
        };
        let text = match verb {
            "INVITE" => {
                let body = body(phone, "PCMU,PCMA,event");
                let target = rest.first().copied().unwrap_or_default();
                let uri = if target.contains(':') { target.to_owned() } else { format!("sip:{target}@pbx.example") };
                phone.invite(&uri, &body, &extra)
            }
            "REINVITE" | "UPDATE" => {
                let bare = verb == "UPDATE" && sdp.is_none() && direction.is_empty();
                let body = if bare { String::new() } else { body(phone, "PCMU,PCMA,event") };
                phone.within(if verb == "UPDATE" { verb } else { "INVITE" }, &body, &extra)
            }
            "ACK" | "PRACK" => {
                let body = if sdp.is_some() { body(phone, "PCMU") } else { String::new() };
                if verb == "ACK" { phone.ack(&body) } else { phone.prack(&body, &extra) }
            }
            "CANCEL" => with_lines(&phone.cancel(), &extra),
            "swap" => return phone.swap(),
            "press" => return self.press(name, rest[0]),
            "speaks" => return self.voice(name, Activity::Speech),
            "pauses" => return self.voice(name, Activity::Silence),
            "REFER" if !rest.is_empty() && extra.is_empty() => phone.refer(rest[0], rest.contains(&"attended")),
            "BYE" | "INFO" | "REFER" => phone.within(verb, &words_of(&option("text")), &extra),
            "MESSAGE" | "WRITE" | "reply" if !rest.is_empty() => written(phone, verb, rest[0], &extra, &option("text")),
            "REGISTER" => {
                let contact = option("contact").unwrap_or_else(|| format!("<sip:{}@{}>", phone.user, phone.address));
                let expires = option("expires").unwrap_or_else(|| "600".into());
                let extra = format!("Contact: {contact}|Expires: {expires}|{extra}");
                phone.request("REGISTER", "sip:pbx.example", &extra)
            }
            "SUBSCRIBE" | "RESUBSCRIBE" | "WITHIN" => watched(phone, verb, rest.first(), &extra),
            "OPTIONS" | "PUBLISH" | "FOO" | "NOTIFY" => phone.request(verb, "sip:pbx.example", &extra),
            "silent" | "polite" => {
                phone.manners = if verb == "silent" { Manners::Silent } else { Manners::Polite };
                return;
            }
            // Answers the last request that came, whatever it was.
            "answer" => {
                let body = if sdp.is_some() { body(phone, "PCMU") } else { String::new() };
                phone.answer(rest[0], &body, &extra)
            }
            code => {
                let invite = phone.invite_in.clone().expect("an INVITE came");
                let code_is_2xx = code.starts_with('2');
                let body = match (&sdp, code_is_2xx) {
                    (Some(_), _) | (None, true) => body(phone, "PCMU,PCMA,event"),
                    (None, false) => String::new(),
                };
                with_lines(&phone.response(&invite, code, &body), &extra)
            }
        };
        self.send(name, &text);
    }

    /// Presses keys one after the other, as the media side hears them.
    fn press(&mut self, name: &str, keys: &str) {
        for digit in keys.chars() {
            let endpoint = self.endpoint(name);
            self.input(Input::Media(MediaEvent::Digit { endpoint, digit }));
        }
    }

    /// Speaks or falls silent, as the media side hears it.
    fn voice(&mut self, name: &str, activity: Activity) {
        let endpoint = self.endpoint(name);
        self.input(Input::Media(MediaEvent::Voice { endpoint, activity }));
    }

    /// With `replacing=bob` a Replaces that names Bob's dialog, with `replacing=bob;early-only` one that says that, too.
    fn replacing(&self, fields: String, whom: Option<String>) -> String {
        let Some(whom) = whom else { return fields };
        let (whom, more) = whom.split_once(';').map_or((whom.as_str(), String::new()), |(w, m)| (w, format!(";{m}")));
        format!("{fields}|Replaces: {}{more}", self.phones[whom].named())
    }

    /// Plays a ladder.
    pub(crate) fn play(&mut self, script: &str) {
        let begin = self.now;
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (time, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no time: {line}"));
            self.run_until(begin + parse_time(time));
            let rest = rest.trim();
            let (who, rest) = rest.split_once(' ').unwrap_or_else(|| panic!("no action: {line}"));
            let rest = rest.trim();
            let name = self.phones.keys().copied().find(|name| *name == who);
            let name = name.unwrap_or_else(|| panic!("nobody is called {who}: {line}"));
            if let Some(what) = rest.strip_prefix('>') {
                self.act(name, what.trim());
            } else if let Some(what) = rest.strip_prefix('<') {
                self.expect(name, what.trim(), line);
            } else if let Some(whom) = rest.strip_prefix("hears ") {
                assert_eq!(self.heard_by(name), whom.trim(), "{line}\n{}", self.ladder());
            } else {
                panic!("unreadable: {line}");
            }
        }
    }

    fn expect(&mut self, name: &'static str, what: &str, line: &str) {
        let ladder = self.ladder();
        let Some(message) = self.phone(name).inbox.pop_front() else { panic!("{line}: nothing came\n{ladder}") };
        let mut parts = what.splitn(2, ' ');
        let wanted = parts.next().unwrap_or_default();
        let got =
            if message.starts_with("SIP/2.0") { status(&message).to_string() } else { first_word(&message).to_owned() };
        assert_eq!(got, wanted, "{line}\n{ladder}\n\n{message}");
        for text in parts.next().unwrap_or_default().split('`').skip(1).step_by(2) {
            let (absent, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
            assert_eq!(message.contains(text), !absent, "{line}: {text}\n{ladder}\n\n{message}");
        }
    }

    /// Everybody has said all: nothing was received that no line told of, and after the last timer nothing is left.
    pub(crate) fn finish(&mut self) {
        for phone in self.phones.values() {
            assert!(phone.inbox.is_empty(), "{} also got {:#?}\n{}", phone.name, phone.inbox, self.ladder());
        }
        let end = self.now + Duration::from_secs(200);
        self.run_until(end);
        let sizes = self.switch.sizes();
        assert!(self.switch.is_quiescent(), "left over: {sizes:?}\n{}", self.ladder());
        assert_eq!(sizes.free_ports, 100, "a port leaked\n{}", self.ladder());
        let ended = self.facts.iter().filter(|fact| fact.starts_with("ended")).count();
        let created = self.facts.iter().filter(|fact| fact.starts_with("created")).count();
        assert_eq!(created, ended, "one end for each call\n{}", self.ladder());
        assert!(self.checkpoints.is_empty(), "kept of calls that are over: {:?}", self.checkpoints);
        self.check_order();
    }

    /// `kill -9`: a process with the same settings takes the place of the switch, `away` later, and finds what it kept.
    pub(crate) fn crash(&mut self, away: Duration) {
        self.events.clear();
        self.peers.clear();
        self.hears.clear();
        let interrupted_at_ms = now(self.now).unix_ms;
        self.now += away;
        self.seed += 1;
        self.switch = Switch::new(self.node.clone(), [self.seed; 32], now(self.now));
        self.input(Input::Tenant(Arc::new(self.tenant.clone())));
        for (fact, since_ms) in self.agents.clone().into_values() {
            self.input(Input::RestoreAgent { tenant: TenantId::first(), fact: Box::new(fact), since_ms });
        }
        for (_, checkpoint) in std::mem::take(&mut self.checkpoints) {
            self.input(Input::Resume { checkpoint: Box::new(checkpoint), interrupted_at_ms });
        }
    }

    /// Nothing of a call is written down after its end but what became of its recording.
    fn check_order(&self) {
        if self.facts.iter().filter(|fact| fact.starts_with("created")).count() == 1 {
            let end = self.facts.iter().position(|fact| fact.starts_with("ended")).unwrap();
            for fact in &self.facts[end + 1..] {
                let own = ["recording_", "callback_", "banned", "agent ", "signed_in "]
                    .iter()
                    .any(|word| fact.starts_with(word))
                    || fact.contains("bound ");
                assert!(own, "{fact} after the end\n{}", self.ladder());
            }
        }
    }

    /// The facts written down so far, in order.
    pub(crate) fn expect_facts(&self, wanted: &str) {
        let wanted: Vec<&str> = wanted.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(self.facts, wanted, "\n{}", self.ladder());
    }

    /// When the facts that say so happened, ms since the beginning.
    pub(crate) fn fact_times(&self, text: &str) -> Vec<u64> {
        self.fact_times.iter().filter(|(fact, _)| fact.contains(text)).map(|(_, at_ms)| *at_ms).collect()
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<Done, Refused> {
        self.input(Input::Command { id: CommandId(1), tenant: TenantId::first(), command });
        self.replies.pop().expect("a command is answered at once")
    }
}
fn callback_text(event: &Event) -> String {
    match event {
        Event::CallbackRequested(e) => format!("callback_requested {} {} {}", e.queue, e.number, e.waited_ms),
        Event::CallbackStarted(e) => {
            format!("callback_started {} {} by {} try {} {}", e.queue, e.number, e.agent, e.attempt, e.waited_ms)
        }
        Event::CallbackEnded(e) => {
            let by = e.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
            format!("callback_ended {} {} {:?} after {} {}{by}", e.queue, e.number, e.outcome, e.attempts, e.waited_ms)
        }
        other => unreachable!("{other:?}"),
    }
}

fn flow_text(e: &FlowWalked) -> String {
    let text = |step: &FlowStep| {
        let typed = step.typed.map(|typed| format!(" typed {typed}")).unwrap_or_default();
        let (exit, fault) = (step.exit.as_deref().unwrap_or("."), step.fault.as_deref().unwrap_or_default());
        format!("{} {}{typed} > {exit}{fault}", step.node, step.keys)
    };
    format!("walked {}", e.steps.iter().map(text).collect::<Vec<_>>().join(", ").replace("  ", " "))
}

fn created_text(e: &CallCreated) -> String {
    format!(
        "created {:?} {} -> {}{}{}",
        e.direction,
        if e.caller.is_empty() { "anonymous" } else { &e.caller },
        e.callee,
        if e.emergency { " emergency" } else { "" },
        e.diverted_from.iter().map(|number| format!(" diverted_from {number}")).collect::<String>()
    )
}

/// Plays a ladder among registered phones, to the very end, and compares the facts.
pub(crate) fn check(registered: &[&'static str], script: &str, facts: &str) -> World {
    let mut world = World::with(registered);
    world.play(script);
    world.finish();
    if !facts.is_empty() {
        world.expect_facts(facts);
    }
    world
}

/// A text outside a dialog or (`WRITE`) within it, or (`reply`) the answer to a request that was no INVITE.
fn written(phone: &mut Phone, verb: &str, word: &str, extra: &str, text: &Option<String>) -> String {
    let kind = if extra.is_empty() { "Content-Type: text/plain" } else { extra };
    match verb {
        "MESSAGE" => phone.request_with(verb, &format!("sip:{word}@pbx.example"), kind, &words_of(text)),
        "WRITE" => phone.within("MESSAGE", &words_of(text), kind),
        _ => {
            let request = phone.request_in.clone().expect("a request came");
            phone.response(&request, word, "")
        }
    }
}

/// A SUBSCRIBE outside a dialog or (`RESUBSCRIBE`) in that of the last one, or (`WITHIN`) any request in the dialog of the call.
fn watched(phone: &mut Phone, verb: &str, word: Option<&&str>, extra: &str) -> String {
    let word = word.filter(|word| !word.contains('=')).copied();
    match (verb, word) {
        ("RESUBSCRIBE", _) => phone.resubscribe(extra),
        ("WITHIN", Some(method)) => phone.within(method, "", extra),
        (_, Some(number)) => phone.request("SUBSCRIBE", &format!("sip:{number}@pbx.example"), extra),
        (_, None) => phone.request("SUBSCRIBE", "sip:pbx.example", extra),
    }
}

/// The body that `~` and `|` stand for.
fn words_of(text: &Option<String>) -> String {
    text.as_deref().unwrap_or_default().replace('~', " ").replace('|', "\r\n")
}

/// The message with more header fields, which `|` separates.
fn with_lines(message: &str, lines: &str) -> String {
    let lines: String = lines.split('|').filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
    message.replace("Content-Length:", &format!("{lines}Content-Length:"))
}

pub(crate) fn now(mono: Duration) -> Now {
    Now { mono, unix_ms: 1_795_334_400_000 + u64::try_from(mono.as_millis()).unwrap() }
}

fn parse_time(text: &str) -> Duration {
    if let Some(ms) = text.strip_suffix("ms") {
        return Duration::from_millis(ms.parse().unwrap());
    }
    let seconds = text.strip_suffix('s').unwrap_or_else(|| panic!("no time: {text}"));
    Duration::from_secs_f64(seconds.parse().unwrap())
}
