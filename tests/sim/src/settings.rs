//! Who lives in a world, and what the switch is told of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialplan::number::TrunkName;
use dialplan::plan::{Destination, DidPattern, EMERGENCY_DEFAULT, InboundRoute, OutboundRoute, Plan};
use dialplan::say::Language;
use sip::digest::ha1;
use sip::flow::Transport;
use sip::session_timer::Policy;
use switch::config::{
    CallHandling, Credentials, ExpiryBounds, Extension, Limits, ListeningSocket, LookupTimes, Network, NodeConfig,
    Room, Srtp, StaticContact, TenantConfig, TonePlan, Trunk, TrunkPolicy, Ways,
};

use crate::phone::{self, Habits, Login, PhoneSpec, RoomKnown};
use crate::rng::Rng;
use crate::world::{SWITCH, address, switch_ip, tenant_id};

/// The realm of every world.
const DOMAIN: &str = "10.0.0.1";

/// The phones: some extensions have two; the last two are the carriers' ends of the trunks.
#[derive(Clone, Debug)]
pub struct People {
    phones: Vec<(String, phone::Transport, Habits)>,
    /// The first carrier wants a signature.
    login: Option<Login>,
    /// The first phone's password is wrong.
    stranger: bool,
    /// The conference rooms there are.
    rooms: Vec<Room>,
    /// What is dialled in a call centre.
    dialled: Option<Vec<String>>,
}

impl People {
    /// Two to five extensions, one or two phones each, and a carrier.
    #[must_use]
    pub fn by_chance(rng: &mut Rng) -> Self {
        let count = rng.between(2, 5);
        let mut phones = Vec::new();
        for n in 1..=count {
            for _ in 0..=usize::from(rng.chance(350)) {
                let transport = if rng.chance(250) { phone::Transport::Tcp } else { phone::Transport::Udp };
                phones.push((format!("{}", 1_000 + n), transport, habits(rng)));
            }
        }
        let login =
            rng.chance(400).then(|| Login { user: "line-1".to_owned(), password: format!("trunk-{:x}", rng.next()) });
        let stranger = rng.chance(150);
        Self { phones, login, stranger, rooms: rooms(&mut rng.fork()), dialled: None }
    }

    /// A phone on each of these extensions, from which these numbers are dialled.
    #[must_use]
    pub(crate) fn of_centre(extensions: &[String], dialled: &[String], rng: &mut Rng) -> Self {
        let phone = |user: &String| (user.clone(), phone::Transport::Udp, habits(rng));
        let phones = extensions.iter().map(phone).collect();
        Self { phones, login: None, stranger: false, rooms: Vec::new(), dialled: Some(dialled.to_vec()) }
    }

    /// The phone that nobody may let in.
    #[must_use]
    pub fn stranger(&self) -> Option<usize> {
        self.stranger.then_some(0)
    }

    /// The phones, and the carrier.
    #[must_use]
    pub fn specs(&self) -> Vec<PhoneSpec> {
        let mut specs: Vec<PhoneSpec> = self
            .phones
            .iter()
            .enumerate()
            .map(|(n, (user, transport, habits))| {
                let password = if self.stranger() == Some(n) { "guessed".to_owned() } else { password(user) };
                let spec = spec(user, Some(password), &format!("10.0.1.{}:5060", n + 1), habits.clone());
                PhoneSpec { transport: *transport, friends: self.numbers(), rooms: self.known_rooms(), ..spec }
            })
            .collect();
        for (name, ip) in CARRIERS {
            let habits = Habits { strange_codec: 0, garbage: 0, busy: 250, ..Habits::default() };
            let login = self.login.clone().filter(|_| name == CARRIERS[0].0);
            specs.push(PhoneSpec { login, ..spec(name, None, &format!("{ip}:5060"), habits) });
        }
        specs
    }

    /// What may be dialled: the extensions, the echo test, the outside, an emergency number, and a number that is nobody's.
    #[must_use]
    pub fn numbers(&self) -> Vec<String> {
        if let Some(dialled) = &self.dialled {
            return dialled.clone();
        }
        let mut numbers: Vec<String> =
            self.extensions().into_iter().flat_map(|number| [number.clone(), number]).collect();
        // Who meets in rooms does little else.
        for _ in 0..4 {
            numbers.extend(self.rooms());
        }
        numbers.extend(["*43", "913800000000", "110", "1999"].map(str::to_owned));
        numbers
    }

    /// The rooms' numbers.
    #[must_use]
    pub(crate) fn rooms(&self) -> Vec<String> {
        self.rooms.iter().map(|room| room.number.to_string()).collect()
    }

    /// What is pressed at each room's door: its PINs, whole or ended by hand, and wrong ones.
    fn known_rooms(&self) -> Vec<RoomKnown> {
        let known = |room: &Room| {
            let pins = [&room.pin, &room.moderator_pin].into_iter().flatten().map(|pin| pin.digits().to_owned());
            let right: Vec<String> =
                pins.flat_map(|pin| [pin.clone(), pin.clone(), pin.clone() + "#", pin + "#"]).collect();
            let wrong =
                if right.is_empty() { Vec::new() } else { ["12#", "000#", "#", "99"].map(String::from).to_vec() };
            RoomKnown { number: room.number.to_string(), entries: [right, wrong].concat() }
        };
        self.rooms.iter().map(known).collect()
    }

    /// The extensions' numbers.
    #[must_use]
    pub fn extensions(&self) -> Vec<String> {
        let mut numbers: Vec<String> = self.phones.iter().map(|(user, _, _)| user.clone()).collect();
        numbers.dedup();
        numbers
    }
}

/// In two worlds of five there are conference rooms: one that is open to all, one with PINs, one with a PIN for moderators alone.
fn rooms(rng: &mut Rng) -> Vec<Room> {
    if !rng.chance(400) {
        return Vec::new();
    }
    let pin = |pin: &str| Some(pin.parse().expect("a PIN"));
    let open = room("8000", rng);
    let mut guarded = Room { pin: pin("1234"), moderator_pin: pin("9876"), ..room("8001", rng) };
    guarded.locked = rng.chance(200);
    guarded.members_max = if rng.chance(500) { 2 } else { 100 };
    let moderated = Room { moderator_pin: pin("777"), ..room("8002", rng) };
    vec![open, guarded, moderated]
}

fn room(number: &str, rng: &mut Rng) -> Room {
    Room {
        number: number.parse().expect("a room"),
        pin: None,
        moderator_pin: None,
        members_max: if rng.chance(200) { 2 } else { 100 },
        announce: rng.chance(500),
        record: rng.chance(300),
        music_alone: rng.chance(500),
        locked: false,
    }
}

fn habits(rng: &mut Rng) -> Habits {
    Habits { answers: rng.between(300, 1_000), cancels: rng.below(400), holds: rng.below(700), ..Habits::default() }
}

pub(crate) fn password(user: &str) -> String {
    format!("secret-{user}")
}

/// A phone to be.
pub(crate) fn spec(user: &str, password: Option<String>, address: &str, habits: Habits) -> PhoneSpec {
    PhoneSpec {
        user: user.to_owned(),
        password,
        address: address.to_owned(),
        switch: SWITCH.to_owned(),
        habits,
        login: None,
        transport: phone::Transport::Udp,
        friends: Vec::new(),
        rooms: Vec::new(),
    }
}

/// Both carriers, the better one first: trunk, and address.
pub(crate) const CARRIERS: [(&str, &str); 2] = [("lines", "10.0.9.1"), ("spare", "10.0.9.2")];

/// The node of a world: with room enough, or with too little.
#[must_use]
pub fn node(rng: &mut Rng) -> NodeConfig {
    let calls = if rng.chance(200) { usize::try_from(rng.between(1, 4)).unwrap_or(1) } else { 100 };
    let last_port = if rng.chance(100) { 20_000 + u16::try_from(rng.between(3, 12)).unwrap_or(3) } else { 20_199 };
    node_of(calls, last_port)
}

/// A node with room enough.
#[must_use]
pub(crate) fn roomy_node() -> NodeConfig {
    node_of(100, 20_199)
}

pub(crate) fn node_of(calls: usize, last_port: u16) -> NodeConfig {
    NodeConfig {
        domain: DOMAIN.to_owned(),
        product: "Switchboard".to_owned(),
        sockets: [Transport::Udp, Transport::Tcp]
            .map(|transport| ListeningSocket { transport, local: address(SWITCH) })
            .to_vec(),
        advertise: Vec::new(),
        rtp_bind: vec![switch_ip()],
        rtp_advertise: Vec::new(),
        local_nets: vec![Network { address: [10, 0, 0, 0].into(), prefix: 8 }],
        rtp_ports: (20_000, last_port),
        tones: TonePlan::Cn,
        ring_timeout: Duration::from_secs(30),
        rtp_timeout: Duration::from_secs(30),
        lookups: LookupTimes::default(),
        browsers: None,
        session_timer: Policy::new(1_800),
        expiry: ExpiryBounds {
            min: Duration::from_secs(60),
            max: Duration::from_secs(3_600),
            default: Duration::from_secs(300),
        },
        limits: Limits {
            calls,
            pending_transactions: 4_096,
            finished_transactions: 65_536,
            contacts_per_extension: 10,
            auth_failures: 10,
            ban_window: Duration::from_secs(60),
            ban: Duration::from_secs(300),
            watched_sources: 1_024,
        },
    }
}

/// The tenant of a world.
#[must_use]
pub fn tenant(people: &People, rng: &mut Rng) -> TenantConfig {
    let record = rng.chance(500);
    let extensions: BTreeMap<_, _> = people
        .extensions()
        .into_iter()
        .map(|number| {
            let mut extension = extension(&number, record);
            extension.handling = handling(people, rng);
            (extension.number.clone(), extension)
        })
        .collect();
    let trunks: BTreeMap<_, _> = CARRIERS
        .iter()
        .map(|(name, ip)| {
            let login = people.login.as_ref().filter(|_| *name == CARRIERS[0].0);
            let trunk = trunk(name, ip, login);
            (trunk.name.clone(), trunk)
        })
        .collect();
    let lines: Vec<TrunkName> = CARRIERS.iter().map(|(name, _)| name.parse().expect("a trunk")).collect();
    let to_rooms = people.rooms.iter().map(|room| (room.number.to_string(), Destination::Room(room.number.clone())));
    let to_first = ("1".to_owned(), Destination::Extension("1001".parse().expect("an extension")));
    let inbound = to_rooms
        .chain([to_first])
        .map(|(prefix, to)| InboundRoute { trunk: None, did: DidPattern::Prefix(prefix), to, hours: None })
        .collect();
    let plan = Plan {
        emergency: EMERGENCY_DEFAULT.map(String::from).to_vec(),
        emergency_trunks: lines.clone(),
        extensions: extensions.keys().cloned().collect(),
        rooms: people.rooms.iter().map(|room| room.number.clone()).collect(),
        queues: BTreeMap::new(),
        park: None,
        inbound,
        outbound: vec![OutboundRoute { prefix: "9".to_owned(), strip: 1, prepend: String::new(), trunks: lines }],
    };
    TenantConfig {
        tenant: tenant_id(),
        domains: Vec::new(),
        extensions,
        trunks,
        rooms: people.rooms.iter().map(|room| (room.number.clone(), Arc::new(room.clone()))).collect(),
        flows: BTreeMap::new(),
        agents: BTreeMap::new(),
        queues: BTreeMap::new(),
        hours: BTreeMap::new(),
        surveys: std::collections::BTreeMap::new(),
        blocks: Arc::default(),
        callers: Arc::default(),
        plan,
        language: Language::ZhCn,
        caller_number: None,
        zone: zone(),
        record_internal: record,
    }
}

/// A tenant of these extensions and nothing else, recorded. Where their phones are is known.
pub(crate) fn small_tenant(users: &[&str], contact: fn(&str) -> Option<StaticContact>) -> TenantConfig {
    let extensions: BTreeMap<_, _> = users
        .iter()
        .map(|user| {
            let extension = Extension { static_contact: contact(user), ..extension(user, true) };
            (extension.number.clone(), extension)
        })
        .collect();
    let plan = Plan { extensions: extensions.keys().cloned().collect(), ..Plan::default() };
    TenantConfig {
        tenant: tenant_id(),
        domains: Vec::new(),
        extensions,
        trunks: BTreeMap::new(),
        rooms: BTreeMap::new(),
        flows: BTreeMap::new(),
        agents: BTreeMap::new(),
        queues: BTreeMap::new(),
        hours: BTreeMap::new(),
        surveys: std::collections::BTreeMap::new(),
        blocks: Arc::default(),
        callers: Arc::default(),
        plan,
        language: Language::ZhCn,
        caller_number: None,
        zone: zone(),
        record_internal: true,
    }
}

fn extension(number: &str, record: bool) -> Extension {
    let ha1 = ha1(number, DOMAIN, &password(number));
    Extension {
        number: number.parse().expect("an extension"),
        display_name: format!("Phone {number}"),
        ha1_md5: ha1.md5,
        ha1_sha256: ha1.sha256,
        enabled: true,
        ring_timeout: None,
        record,
        caller_number: None,
        static_contact: None,
        handling: CallHandling::default(),
        srtp: Srtp::default(),
        pickup_group: None,
        ways: Ways::default(),
    }
}

/// Most extensions ring as they are; some are not to be disturbed, or send their calls on.
fn handling(people: &People, rng: &mut Rng) -> CallHandling {
    let numbers = people.numbers();
    let forward = |rng: &mut Rng| rng.chance(60).then(|| rng.pick(&numbers).parse().expect("a number"));
    CallHandling {
        call_waiting: !rng.chance(200),
        do_not_disturb: rng.chance(40),
        forward_always: forward(rng),
        forward_busy: forward(rng),
        forward_no_answer: forward(rng),
        voicemail: rng.chance(100),
        voicemail_greeting: None,
    }
}

fn trunk(name: &str, ip: &str, login: Option<&Login>) -> Trunk {
    Trunk {
        name: name.parse().expect("a trunk"),
        targets: vec![address(&format!("{ip}:5060"))],
        transport: Transport::Udp,
        host: ip.to_owned(),
        sources: vec![Network { address: ip.parse().expect("an address"), prefix: 32 }],
        credentials: login.map(|login| Credentials { username: login.user.clone(), password: login.password.clone() }),
        trusted: true,
        caller_number: Some("01012345678".to_owned()),
        record: true,
        enabled: true,
        policy: TrunkPolicy::default(),
    }
}

fn zone() -> dialplan::hours::Zone {
    "Asia/Shanghai".parse().expect("a zone that there is")
}
