//! A phone: registers, calls, rings, answers, holds and hangs up, in text, with the timers of RFC 3261 of its own.
//!
//! It shares no code with the switch. It keeps a log of what it lived through; the records are judged by it.

mod auth;
mod dialog;
mod garbage;
mod keys;
mod register;
mod reliable;
mod requests;
mod responses;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::rng::Rng;
use crate::text::{SdpText, Text, sdp};

pub use dialog::{Dialog, Hold, Role, Stage};
pub use garbage::{Garbage, MARK};
pub use keys::RoomKnown;
pub use transfer::Place;

/// RFC 3261 §17.1.1.1.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261 §17.1.2.2.
pub const T2: Duration = Duration::from_secs(4);

/// How a phone tends to behave; every number is per mille.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Answers a call (else: busy, rejects, or lets it ring).
    pub answers: u64,
    /// Busy at once.
    pub busy: u64,
    /// Rejects after ringing.
    pub rejects: u64,
    /// Sends 183 with SDP instead of 180.
    pub early_media: u64,
    /// Calls without SDP in its INVITE.
    pub delayed_offer: u64,
    /// Hangs up before the answer.
    pub cancels: u64,
    /// Puts the other on hold, and takes it back, during a call.
    pub holds: u64,
    /// Vanishes in the middle of a call and says nothing more.
    pub vanishes: u64,
    /// Offers a video line, too.
    pub video: u64,
    /// Offers no codec that others have.
    pub strange_codec: u64,
    /// Knows 100rel, as caller and as called phone.
    pub reliable: u64,
    /// Holds by UPDATE, and offers anew before the answer.
    pub updates: u64,
    /// Hands the other party on, at once or after it asked a third one.
    pub transfers: u64,
    /// Sends what belongs to no call, now and then.
    pub garbage: u64,
    /// Presses keys: one that is called the key 1 soon, one that calls some during the call.
    pub presses: u64,
    /// How long it talks: from, to, ms.
    pub talk_ms: (u64, u64),
}

impl Habits {
    /// None: what it does it is told.
    #[must_use]
    pub fn led() -> Self {
        Self {
            answers: 0,
            busy: 0,
            rejects: 0,
            early_media: 0,
            delayed_offer: 0,
            cancels: 0,
            holds: 0,
            vanishes: 0,
            video: 0,
            strange_codec: 0,
            reliable: 0,
            updates: 0,
            transfers: 0,
            garbage: 0,
            presses: 0,
            talk_ms: TALK_MS,
        }
    }
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            answers: 800,
            busy: 80,
            rejects: 60,
            early_media: 150,
            delayed_offer: 100,
            cancels: 150,
            holds: 300,
            vanishes: 20,
            video: 60,
            strange_codec: 30,
            reliable: 400,
            updates: 300,
            transfers: 150,
            garbage: 300,
            presses: 0,
            talk_ms: TALK_MS,
        }
    }
}

/// How long phones talk if nothing else is said, ms.
const TALK_MS: (u64, u64) = (200, 40_000);

/// What a phone lived through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lived {
    /// It sent an INVITE to this number.
    Dialled(String),
    /// It sent an INVITE that takes a place of a phone of this extension.
    TookOver(String),
    /// An INVITE reached it.
    Rang,
    /// It was answered, or it answered and got the ACK.
    Talked,
    /// Its INVITE got this final status.
    Failed(u16),
    /// It hung up after the answer.
    HungUp,
    /// The other side's BYE came.
    WasHungUp,
    /// It gave up before the answer, or the caller did.
    Cancelled,
    /// Nothing came for longer than RFC 3261 allows.
    TimedOut,
}

/// One line of a phone's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, in virtual time.
    pub at: Duration,
    /// The Call-ID of its dialog.
    pub call_id: String,
    /// What.
    pub lived: Lived,
}

/// A request whose final response is awaited.
#[derive(Clone, Debug)]
struct Awaited {
    method: String,
    call_id: String,
    text: String,
    again_at: Option<Duration>,
    interval: Duration,
    gives_up_at: Duration,
}

/// The phone.
#[derive(Debug)]
pub struct Phone {
    /// Its user name: the extension's number, or the trunk's.
    pub user: String,
    /// Its SIP password; a trunk has none and never registers.
    pub password: Option<String>,
    /// `10.0.0.7:5060`.
    pub address: String,
    /// The switch, `10.0.0.1:5060`.
    pub switch: String,
    /// How it tends to behave.
    pub habits: Habits,
    /// What it lived through.
    pub log: Vec<Note>,
    /// Its dialogs by Call-ID.
    pub dialogs: BTreeMap<String, Dialog>,
    /// It has vanished: hears and says nothing.
    pub gone: bool,
    /// It registers no more, so that the world can come to rest.
    pub retired: bool,
    /// What it sent that belongs to no call.
    pub babbled: Vec<Garbage>,
    /// How it speaks.
    pub transport: Transport,
    /// A connection of its broke, or the network or the phone was down, so that something said may never have come.
    pub was_cut_off: bool,
    /// When the network last parted it from the switch; never is the end of time.
    pub parted_at: Duration,
    /// When that was over, or will be.
    pub reachable_at: Duration,
    /// When a connection of its broke: what was on its way is lost.
    pub cuts: Vec<Duration>,
    /// Addresses that it had before it started again.
    former: Vec<SocketAddr>,
    /// A carrier that wants a signature.
    login: Option<Login>,
    /// Dialogs that it knew before it lost its power, and its ports in them.
    forgotten: BTreeMap<String, u16>,
    registration: register::Registration,
    awaited: BTreeMap<String, Awaited>,
    answered: BTreeMap<(String, String), String>,
    /// It does nothing of its own accord.
    led: bool,
    /// The numbers that it hands others on to.
    friends: Vec<String>,
    /// Calls that it made to ask somebody, and those whose party it wants to hand on.
    consulting: BTreeMap<String, String>,
    /// The conference rooms, as the person knows them.
    rooms: Vec<RoomKnown>,
    /// How keys are pressed in each call.
    ways: BTreeMap<String, keys::Way>,
    /// Calls in which an INFO waits for its answer, and the keys to be pressed then.
    pressing: BTreeMap<String, String>,
    /// Keys that its media presses now.
    keys_out: Vec<(String, char)>,
    plans: BTreeMap<(Duration, u64), Plan>,
    out: Vec<String>,
    rng: Rng,
    count: u64,
}

/// What a person, or the phone itself, is going to do.
#[derive(Clone, Debug)]
enum Plan {
    Register,
    Place(String),
    GiveUp(String),
    Decide(String),
    Hold(String),
    Retrieve(String),
    HangUp(String),
    /// A call, and the number that its other party is handed on to.
    Refer(String, String),
    /// A call, and the number that is asked first.
    Consult(String, String),
    HandOver(String),
    /// A call, and the keys that are pressed in it.
    Press(String, String),
    Babble,
}

/// What a carrier wants to be signed in with.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A phone to be.
#[derive(Clone, Debug)]
pub struct PhoneSpec {
    /// Its user name.
    pub user: String,
    /// Its SIP password; none for a trunk.
    pub password: Option<String>,
    /// Where it is.
    pub address: String,
    /// Where the switch is.
    pub switch: String,
    /// How it tends to behave.
    pub habits: Habits,
    /// What a carrier wants to be signed in with.
    pub login: Option<Login>,
    /// How it is reached.
    pub transport: Transport,
    /// The numbers that it hands others on to.
    pub friends: Vec<String>,
    /// The conference rooms, as the person knows them.
    pub rooms: Vec<RoomKnown>,
}

/// How a phone speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

impl Transport {
    /// The name in a Via.
    fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

impl Phone {
    /// A phone that is switched on at `now`; one with a password registers at once.
    #[must_use]
    pub fn new(spec: PhoneSpec, now: Duration, mut rng: Rng) -> Self {
        let boot = rng.next();
        let mut phone = Self {
            registration: register::Registration {
                call_id: format!("reg-{}-{boot:x}", spec.user),
                ..Default::default()
            },
            user: spec.user,
            password: spec.password,
            address: spec.address,
            switch: spec.switch,
            habits: spec.habits,
            log: Vec::new(),
            dialogs: BTreeMap::new(),
            gone: false,
            retired: false,
            babbled: Vec::new(),
            transport: spec.transport,
            was_cut_off: false,
            parted_at: Duration::MAX,
            reachable_at: Duration::ZERO,
            cuts: Vec::new(),
            former: Vec::new(),
            login: spec.login,
            forgotten: BTreeMap::new(),
            awaited: BTreeMap::new(),
            answered: BTreeMap::new(),
            led: false,
            friends: spec.friends,
            consulting: BTreeMap::new(),
            rooms: spec.rooms,
            ways: BTreeMap::new(),
            pressing: BTreeMap::new(),
            keys_out: Vec::new(),
            plans: BTreeMap::new(),
            out: Vec::new(),
            rng,
            count: 0,
        };
        if phone.password.is_some() {
            phone.plan(now, Plan::Register);
        }
        phone
    }

    /// From now on it does what it is told, and nothing else.
    pub fn lead(&mut self) {
        self.led = true;
        self.plans.clear();
    }

    /// Its calls, the first it had first.
    pub fn calls(&self) -> impl Iterator<Item = &Dialog> {
        let mut seen = BTreeSet::new();
        let first = self.log.iter().filter(move |note| seen.insert(&note.call_id));
        first.filter_map(|note| self.dialogs.get(&note.call_id))
    }

    /// What it waits for, and how long it does so still.
    #[must_use]
    pub fn awaits(&self, now: Duration) -> Vec<String> {
        let left = |at: Duration| at.saturating_sub(now).as_millis();
        let asked = self.awaited.values().map(|awaited| {
            format!("{} {:?} {}", awaited.method, awaited.again_at.map(left), left(awaited.gives_up_at))
        });
        let answers = self.dialogs.values().filter_map(|dialog| match &dialog.stage {
            Stage::Answering { again_at, gives_up_at, .. } => {
                Some(format!("ACK {} {}", left(*again_at), left(*gives_up_at)))
            }
            Stage::Calling { .. } | Stage::Ringing(_) | Stage::Up | Stage::Ending | Stage::Over => None,
        });
        let mut awaits: Vec<String> = asked.chain(answers).collect();
        awaits.sort_unstable();
        awaits
    }

    /// It waits for no answer and no ACK.
    #[must_use]
    pub fn waits_for_nothing(&self) -> bool {
        let answering = |dialog: &Dialog| matches!(dialog.stage, Stage::Answering { .. });
        self.awaited.is_empty() && !self.dialogs.values().any(answering)
    }

    /// What is over for longer than anything of it can be repeated is forgotten, but for the log.
    pub fn forget_old(&mut self, now: Duration) {
        self.dialogs.retain(|_, dialog| !dialog.is_over() || now.saturating_sub(dialog.since) < 4 * 64 * T1);
    }

    /// Somebody will dial `number` at `at`.
    pub fn will_dial(&mut self, at: Duration, number: &str) {
        self.plan(at, Plan::Place(number.to_owned()));
    }

    /// It will send something that belongs to no call at `at`, if it is one that does.
    pub fn may_babble(&mut self, at: Duration) {
        if self.rng.chance(self.habits.garbage) {
            self.plan(at, Plan::Babble);
        }
    }

    /// It loses its power, comes back, and knows nothing of what was under way.
    pub fn reboot(&mut self, now: Duration) {
        let open = self.dialogs.iter().filter(|(_, dialog)| !dialog.is_over());
        self.forgotten.extend(open.map(|(call_id, dialog)| (call_id.clone(), dialog.port)));
        self.dialogs.clear();
        self.consulting.clear();
        self.pressing.clear();
        self.awaited.clear();
        self.answered.clear();
        self.out.clear();
        self.plans.retain(|_, plan| matches!(plan, Plan::Place(_) | Plan::Babble));
        let token = self.token();
        let call_id = format!("reg-{}-{token}", self.user);
        self.registration = register::Registration { call_id, ..Default::default() };
        if self.password.is_some() {
            self.plan(now, Plan::Register);
        }
    }

    /// It comes back with another address, as one without a fixed one does.
    pub fn move_house(&mut self) {
        let Some((host, port)) = self.address.split_once(':') else { return };
        let port: u16 = port.parse().expect("the world's addresses are well formed");
        let address = format!("{host}:{}", port + 2);
        self.former.push(self.address.parse().expect("the world's addresses are well formed"));
        self.address = address;
    }

    /// Whether that was its address once.
    #[must_use]
    pub fn was_at(&self, address: SocketAddr) -> bool {
        self.former.contains(&address)
    }

    /// The network parts it from the switch for a while: what it says, or is told, may never come.
    pub fn part(&mut self, now: Duration, until: Duration) {
        self.was_cut_off = true;
        (self.parted_at, self.reachable_at) = (now, until);
    }

    /// Its connection broke; a phone that speaks over one registers anew.
    pub fn cut_off(&mut self, now: Duration) {
        if self.transport == Transport::Tcp && !self.gone {
            self.was_cut_off = true;
            self.cuts.push(now);
            if self.password.is_some() && !self.retired {
                let wait = Duration::from_millis(self.rng.between(10, 3_000));
                self.plan(now + wait, Plan::Register);
            }
        }
    }

    /// Its address as it stands in a Contact.
    fn contact(&self) -> String {
        let parameter = if self.transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("{}{parameter}", self.address)
    }

    /// Whether it lost its power during that dialog.
    #[must_use]
    pub fn forgot(&self, call_id: &str) -> bool {
        self.forgotten.contains_key(call_id)
    }

    /// Where its media is or was in that dialog, if it ever had it.
    #[must_use]
    pub fn media_of(&self, call_id: &str) -> Option<SocketAddr> {
        let port = self.dialogs.get(call_id).map(|dialog| dialog.port).or(self.forgotten.get(call_id).copied())?;
        format!("{}:{port}", self.host()).parse().ok()
    }

    /// What it lived through in a dialog.
    #[must_use]
    pub fn lived(&self, call_id: &str) -> Vec<Lived> {
        self.log.iter().filter(|note| note.call_id == call_id).map(|note| note.lived.clone()).collect()
    }

    /// What it sends now, in order.
    pub fn take_out(&mut self) -> Vec<String> {
        let out = std::mem::take(&mut self.out);
        if self.gone { Vec::new() } else { out }
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        if self.gone {
            return None;
        }
        let plan = self.plans.keys().next().map(|(at, _)| *at);
        let resend =
            self.awaited.values().flat_map(|awaited| awaited.again_at.into_iter().chain([awaited.gives_up_at]));
        let repeat = self.dialogs.values().filter_map(|dialog| match &dialog.stage {
            Stage::Answering { again_at, gives_up_at, .. } => Some((*again_at).min(*gives_up_at)),
            Stage::Calling { .. } | Stage::Ringing(_) | Stage::Up | Stage::Ending | Stage::Over => None,
        });
        let progress = self.dialogs.values().filter_map(Dialog::progress_due);
        plan.into_iter().chain(resend).chain(repeat).chain(progress).min()
    }

    /// Time has come to [`Self::due`].
    pub fn wake(&mut self, now: Duration) {
        if self.gone {
            return;
        }
        self.resend(now);
        self.repeat_answers(now);
        self.repeat_progress(now);
        while let Some((key, plan)) = self.plans.first_key_value().map(|(key, plan)| (*key, plan.clone())) {
            if key.0 > now {
                break;
            }
            self.plans.remove(&key);
            self.carry_out(now, plan);
        }
    }

    /// Bytes from the switch.
    ///
    /// # Errors
    /// The switch sent something that is not SIP as it must be written.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) -> Result<(), String> {
        if self.gone {
            return Ok(());
        }
        let text = Text::parse(bytes)?;
        if text.status() == 0 { self.take_request(now, &text) } else { self.take_response(now, &text) }
    }

    /// Its IP address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.address.split(':').next().unwrap_or_default()
    }

    /// Nothing is under way: no call, no transaction.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.gone || (self.awaited.is_empty() && self.dialogs.values().all(Dialog::is_over))
    }

    fn carry_out(&mut self, now: Duration, plan: Plan) {
        match plan {
            Plan::Register if self.retired => {}
            Plan::Register => self.register(now),
            Plan::Place(number) => drop(self.place(now, &number)),
            Plan::GiveUp(call_id) => self.give_up(now, &call_id),
            Plan::Decide(call_id) => self.decide(now, &call_id),
            Plan::Hold(call_id) => self.hold(now, &call_id),
            Plan::Retrieve(call_id) => self.retrieve(now, &call_id),
            Plan::HangUp(call_id) => self.hang_up(now, &call_id),
            Plan::Refer(call_id, number) => self.refer_to(now, &call_id, &number),
            Plan::Consult(call_id, number) => self.consult(now, &call_id, &number),
            Plan::HandOver(call_id) => self.hand_over(now, &call_id),
            Plan::Press(call_id, keys) => self.press(now, &call_id, &keys),
            Plan::Babble => self.babble(),
        }
    }

    fn plan(&mut self, at: Duration, plan: Plan) {
        if self.led {
            return;
        }
        self.count += 1;
        self.plans.insert((at, self.count), plan);
    }

    fn note(&mut self, at: Duration, call_id: &str, lived: Lived) {
        self.log.push(Note { at, call_id: call_id.to_owned(), lived });
    }

    fn token(&mut self) -> String {
        self.count += 1;
        format!("{:x}{:x}", self.count, self.rng.next())
    }

    /// RFC 3261 §17.1.1.2 and §17.1.2.2: timers A, B, E and F.
    fn resend(&mut self, now: Duration) {
        let mut dead = Vec::new();
        for (branch, awaited) in &mut self.awaited {
            if awaited.gives_up_at <= now {
                dead.push((branch.clone(), awaited.method.clone(), awaited.call_id.clone()));
            } else if awaited.again_at.is_some_and(|at| at <= now) {
                self.out.push(awaited.text.clone());
                let longest = if awaited.method == "INVITE" { Duration::MAX } else { T2 };
                awaited.interval = (awaited.interval * 2).min(longest);
                awaited.again_at = Some(now + awaited.interval);
            }
        }
        for (branch, method, call_id) in dead {
            self.awaited.remove(&branch);
            self.timed_out(now, &method, &call_id);
        }
    }

    /// RFC 3261 §13.3.1.4: the 200 is repeated until the ACK comes.
    fn repeat_answers(&mut self, now: Duration) {
        let mut unheard = Vec::new();
        for dialog in self.dialogs.values_mut() {
            let Stage::Answering { ok, again_at, interval, gives_up_at } = &mut dialog.stage else { continue };
            if *gives_up_at <= now {
                unheard.push(dialog.call_id.clone());
            } else if *again_at <= now {
                self.out.push(ok.clone());
                *interval = (*interval * 2).min(T2);
                *again_at = now + *interval;
            }
        }
        for call_id in unheard {
            self.note(now, &call_id, Lived::TimedOut);
            self.set_stage(now, &call_id, Stage::Up);
            self.hang_up(now, &call_id);
        }
    }

    fn timed_out(&mut self, now: Duration, method: &str, call_id: &str) {
        match method {
            "INVITE" | "BYE" => {
                self.note(now, call_id, Lived::TimedOut);
                self.set_stage(now, call_id, Stage::Over);
            }
            "INFO" => drop(self.pressing.remove(call_id)),
            "REGISTER" => {
                self.registration.tried_password = false;
                self.plan(now + Duration::from_secs(5), Plan::Register);
            }
            _ => {}
        }
    }

    fn set_stage(&mut self, now: Duration, call_id: &str, stage: Stage) {
        if let Some(dialog) = self.dialogs.get_mut(call_id) {
            dialog.stage = stage;
            dialog.since = now;
        }
    }

    fn session(&self, call_id: &str, direction: &str, payload_types: &[u8], video: bool) -> String {
        let dialog = &self.dialogs[call_id];
        let address = self.address.split(':').next().unwrap_or_default();
        sdp(&SdpText { address, port: dialog.port, payload_types, direction, version: dialog.sdp_version, video })
    }
}
