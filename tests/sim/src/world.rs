//! One world: a switch, its phones, the network between them, and everybody who watches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hooks::fact::{Event, Fact};
use hooks::id::{CallId, TenantId};
use sip::flow::{Flow, Transport};
use sip::time::Now;
use switch::checkpoint::CallCheckpoint;
use switch::config::{NodeConfig, Room, TenantConfig};
use switch::input::{Admission, Command, CommandId, Input};
use switch::media::{MediaCommand, MediaEvent};
use switch::output::Output;
use switch::switch::Switch;
use switch::view::CallView;

use crate::centre::{self, Centre};
use crate::dialogs::Dialogs;
use crate::ears::Ears;
use crate::happen::{self, Happening};
use crate::healthy::Healthy;
use crate::net::{Datagram, Net, To, Weather};
use crate::phone::{self, MARK, Phone};
use crate::records::Records;
use crate::rng::Rng;
use crate::rooms::Rooms;
use crate::settings;
use crate::stream::Streams;
use crate::text::Text;
use crate::wire::Wire;

/// Where the switch is.
pub const SWITCH: &str = "10.0.0.1:5060";

/// Wall time at the beginning of every world: 2026-11-22.
pub(crate) const BEGAN_MS: u64 = 1_795_305_600_000;

/// One world in so many is a call centre.
pub const CENTRE_EVERY: u64 = 5;

/// Steps after which a world that goes nowhere is given up.
const STEPS_MAX: u64 = 2_000_000;

/// Steps at one moment after which nothing goes on.
const STEPS_AT_ONCE_MAX: u64 = 10_000;

/// How often is listened who hears whom.
const LISTEN_EVERY: Duration = Duration::from_millis(500);

/// How long a world is lived in, and how long it then has to come to rest: longer than any timer of SIP.
pub(crate) const LIVED: Duration = Duration::from_secs(240);
const REST: Duration = Duration::from_secs(400);

/// How long a state must have stood still before it is judged: every message of its change has had time to be repeated.
pub(crate) const STABLE: Duration = Duration::from_secs(9);

/// What went wrong.
#[derive(Debug)]
pub struct Wrong {
    /// The seed.
    pub seed: u64,
    /// What.
    pub what: String,
    /// Who said what to whom, and when.
    pub ladder: Vec<String>,
}

/// What a world that went right was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Steps taken.
    pub steps: u64,
    /// Calls made.
    pub calls: usize,
    /// Calls in which two parties talked.
    pub answered: usize,
    /// Times a party was handed on to another one.
    pub transferred: usize,
    /// Times a phone took a place in a call.
    pub taken_over: usize,
    /// Calls that went on after the process was killed.
    pub resumed: usize,
    /// Those of them that had to, for nothing came between.
    pub healthy: usize,
    /// Times the process was killed.
    pub crashes: usize,
    /// Times the network parted a phone from the switch.
    pub parted: usize,
    /// Times a phone's connections broke while it had any.
    pub resets: usize,
    /// Times a phone lost its power.
    pub reboots: usize,
    /// Times a carrier died.
    pub trunks_lost: usize,
    /// Times the wall clock was set.
    pub clock_jumps: usize,
    /// Times somebody came into a conference room.
    pub joined: usize,
    /// Times somebody was in one again after the process was killed.
    pub rejoined: usize,
    /// Times somebody was sent away from one.
    pub sent_away: usize,
    /// Times a member was muted, or could be heard again.
    pub mutes: usize,
    /// Times a room was locked or unlocked.
    pub locks: usize,
    /// Worlds with a call centre.
    pub centres: usize,
    /// Times somebody came to wait in a queue.
    pub queued: usize,
    /// Of these, those whom an agent answered.
    pub by_agents: usize,
    /// And those who hung up.
    pub abandoned: usize,
    /// Times a queue had an agent rung.
    pub offered: usize,
    /// Times it was checked that it was the right one, by the queue's own rule.
    pub chosen: usize,
    /// Customers who were asked how it was, and those of them who said so.
    pub asked: usize,
    /// See there.
    pub rated: usize,
    /// Times a supervisor was in a call.
    pub supervised: usize,
    /// Messages left in the boxes of queues.
    pub messages: usize,
    /// Callers who were called back, and answered.
    pub called_back: usize,
    /// Times that a caller was given his own agent.
    pub given_own: usize,
    /// The rows of the agents' table that were seen, a bit each.
    pub agent_rows: u64,
    /// Moments at which it was checked who hears whom.
    pub listened: u64,
    /// Those of them in a room in which several were.
    pub listened_in_rooms: u64,
}

impl Story {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            calls: self.calls + other.calls,
            answered: self.answered + other.answered,
            transferred: self.transferred + other.transferred,
            taken_over: self.taken_over + other.taken_over,
            resumed: self.resumed + other.resumed,
            healthy: self.healthy + other.healthy,
            crashes: self.crashes + other.crashes,
            parted: self.parted + other.parted,
            resets: self.resets + other.resets,
            reboots: self.reboots + other.reboots,
            trunks_lost: self.trunks_lost + other.trunks_lost,
            clock_jumps: self.clock_jumps + other.clock_jumps,
            joined: self.joined + other.joined,
            rejoined: self.rejoined + other.rejoined,
            sent_away: self.sent_away + other.sent_away,
            mutes: self.mutes + other.mutes,
            locks: self.locks + other.locks,
            centres: self.centres + other.centres,
            queued: self.queued + other.queued,
            by_agents: self.by_agents + other.by_agents,
            abandoned: self.abandoned + other.abandoned,
            offered: self.offered + other.offered,
            chosen: self.chosen + other.chosen,
            asked: self.asked + other.asked,
            rated: self.rated + other.rated,
            supervised: self.supervised + other.supervised,
            messages: self.messages + other.messages,
            called_back: self.called_back + other.called_back,
            given_own: self.given_own + other.given_own,
            agent_rows: self.agent_rows | other.agent_rows,
            listened: self.listened + other.listened,
            listened_in_rooms: self.listened_in_rooms + other.listened_in_rooms,
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, calls, answered, transferred, taken_over, resumed, healthy, crashes, .. } = self;
        write!(
            f,
            "{steps} steps, {calls} calls ({answered} answered, {transferred} transferred, {taken_over} taken over), "
        )?;
        write!(f, "{resumed} resumed ({healthy} had to be), {crashes} crashes, ")?;
        write!(
            f,
            "{} times parted, {} connections reset, {} phones rebooted, ",
            self.parted, self.resets, self.reboots
        )?;
        write!(f, "{} carriers lost, {} clock jumps, ", self.trunks_lost, self.clock_jumps)?;
        write!(
            f,
            "{} came into rooms ({} again after a crash, {} sent away, {} mutes, {} locks), ",
            self.joined, self.rejoined, self.sent_away, self.mutes, self.locks
        )?;
        write!(
            f,
            "{} centres ({} queued, {} answered, {} abandoned; {} offers, {} by the queue's rule; {} surveys, {} rated; {} supervised; {} messages; {} called back; {} got their own agent; rows {}), ",
            self.centres,
            self.queued,
            self.by_agents,
            self.abandoned,
            self.offered,
            self.chosen,
            self.asked,
            self.rated,
            self.supervised,
            self.messages,
            self.called_back,
            self.given_own,
            (1..=32)
                .filter(|row| self.agent_rows & (1 << row) != 0)
                .map(|row| row.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        )?;
        write!(f, "{} times listened ({} in rooms)", self.listened, self.listened_in_rooms)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.ladder {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        write!(f, "again: cargo xtask sim --seed {}", self.seed)
    }
}

/// What a world is made of.
pub(crate) struct Parts {
    pub(crate) phones: Vec<Phone>,
    pub(crate) tenant: TenantConfig,
    pub(crate) node: NodeConfig,
    pub(crate) weather: Weather,
    pub(crate) happenings: Vec<(Duration, Happening)>,
    pub(crate) stranger: Option<usize>,
    pub(crate) bind_failures: u64,
    pub(crate) media_delay_ms: u64,
    pub(crate) stable: Duration,
    pub(crate) rng: Rng,
}

/// How long a world is lived in, how often is listened, and after how many steps it is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) lived: Duration,
    pub(crate) listen_every: Duration,
    pub(crate) steps: u64,
}

/// One world.
pub struct World {
    pub(crate) span: Span,
    pub(crate) now: Duration,
    pub(crate) rng: Rng,
    pub(crate) switch: Switch,
    pub(crate) booted: Duration,
    /// When the process was killed.
    pub(crate) crashed_at: Vec<Duration>,
    /// By how much the wall clock has jumped since the beginning, ms; back is negative.
    pub(crate) leapt_ms: i64,
    /// Calls that must go on after a crash.
    pub(crate) healthy: Vec<Healthy>,
    pub(crate) tenant: Arc<TenantConfig>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) net: Net,
    pub(crate) ears: Ears,
    pub(crate) wire: Wire,
    pub(crate) dialogs: Dialogs,
    /// Calls whose caller's ports could not be bound: they fail whatever else could be tried.
    pub(crate) unheard: BTreeSet<CallId>,
    pub(crate) journal: Vec<Fact>,
    /// What a process finds that takes the place of this one.
    pub(crate) checkpoints: BTreeMap<CallId, CallCheckpoint>,
    pub(crate) records: Records,
    pub(crate) rooms: Rooms,
    /// Agents and queues, where there are any.
    pub(crate) centre: Option<Box<Centre>>,
    /// Whether what is being asked of an agent is to be done, where that is clear.
    pub(crate) expects: Option<bool>,
    /// Keys on their way by media: when they arrive, the phone, the Call-ID of its dialog, the key.
    pub(crate) keys: Vec<(Duration, usize, String, char)>,
    pub(crate) reports: Vec<(Duration, MediaEvent)>,
    pub(crate) ladder: Vec<String>,
    /// Somebody will read the ladder.
    pub(crate) tells: bool,
    pub(crate) story: Story,
    pub(crate) node: NodeConfig,
    pub(crate) happenings: Vec<(Duration, Happening)>,
    pub(crate) admission: Admission,
    pub(crate) commands: u64,
    /// The command that is being done.
    pub(crate) asked: Option<(CommandId, Command)>,
    /// Calls that a command ended.
    pub(crate) commanded: BTreeSet<CallId>,
    /// Calls as others see them.
    pub(crate) shown: BTreeMap<CallId, CallView>,
    /// Bindings that others see: extension and contact.
    pub(crate) seen_bindings: BTreeSet<(String, String)>,
    /// The phone that nobody may let in.
    stranger: Option<usize>,
    /// How often ports cannot be bound, per mille.
    pub(crate) bind_failures: u64,
    /// How long a state must have stood still before it is judged.
    pub(crate) stable: Duration,
    /// How long the media side may take to report.
    media_delay_ms: u64,
    /// Endpoints that hear no RTP, and since when.
    pub(crate) silent: BTreeMap<u64, Duration>,
    pub(crate) streams: Streams,
    /// What could not be sent, and when the switch is told.
    pub(crate) failed: Vec<(Duration, Flow, Bytes)>,
    at_once: u64,
    listened_at: Duration,
}

/// Lives through the world of a seed.
///
/// # Errors
/// The first thing that must not be.
pub fn live(seed: u64) -> Result<Story, Box<Wrong>> {
    let is_centre = seed.is_multiple_of(CENTRE_EVERY);
    live_in(seed, || if is_centre { centre::centre_by_chance(seed) } else { World::new(seed) })
}

/// Lives through a day of a call centre.
///
/// # Errors
/// The first thing that must not be.
pub fn live_day(seed: u64, size: centre::day::Size) -> Result<Story, Box<Wrong>> {
    live_in(seed, || centre::day::day(seed, size))
}

/// What is written down of a day of a call centre.
///
/// # Errors
/// The first thing that must not be.
pub fn record_day(seed: u64, size: centre::day::Size) -> Result<Vec<Fact>, String> {
    let mut world = centre::day::day(seed, size);
    world.tells = false;
    world.run()?;
    Ok(world.journal)
}

/// Tells who said what only where somebody will read it: the world is lived through once more then.
fn live_in(seed: u64, make: impl Fn() -> World) -> Result<Story, Box<Wrong>> {
    let mut quiet = make();
    quiet.tells = false;
    if quiet.run().is_ok() {
        return Ok(quiet.told());
    }
    let mut world = make();
    match world.run() {
        Ok(()) => Ok(world.told()),
        Err(what) => Err(Box::new(Wrong { seed, what, ladder: world.ladder })),
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let weather = Weather::by_chance(&mut rng);
        let people = settings::People::by_chance(&mut rng);
        let tenant = settings::tenant(&people, &mut rng);
        let node = settings::node(&mut rng);
        let now = Duration::ZERO;
        let phones: Vec<Phone> = people.specs().into_iter().map(|spec| Phone::new(spec, now, rng.fork())).collect();
        let happenings = happen::plan(&mut rng, &people, phones.len());
        let bind_failures = if rng.chance(150) { rng.between(50, 400) } else { 0 };
        let media_delay_ms = if rng.chance(100) { 5_000 } else { 30 };
        let mut world = Self::of(Parts {
            phones,
            tenant,
            node,
            weather,
            happenings,
            stranger: people.stranger(),
            bind_failures,
            media_delay_ms,
            stable: STABLE,
            rng,
        });
        world.plan_day(&people);
        world
    }

    /// A world of these parts in which nothing has happened yet.
    pub(crate) fn of(parts: Parts) -> Self {
        let Parts {
            phones,
            tenant,
            node,
            weather,
            happenings,
            stranger,
            bind_failures,
            media_delay_ms,
            stable,
            mut rng,
        } = parts;
        let now = Duration::ZERO;
        let net = Net::new(weather, rng.fork());
        let rooms: Vec<Room> = tenant.rooms.values().map(|room| Room::clone(room)).collect();
        let switch = boot(&node, &mut rng, Now { mono: now, unix_ms: BEGAN_MS });
        Self {
            span: Span { lived: LIVED, listen_every: LISTEN_EVERY, steps: STEPS_MAX },
            now,
            rng,
            switch,
            booted: now,
            crashed_at: Vec::new(),
            leapt_ms: 0,
            healthy: Vec::new(),
            tenant: Arc::new(tenant),
            phones,
            net,
            ears: Ears::new(),
            wire: Wire::default(),
            dialogs: Dialogs::default(),
            unheard: BTreeSet::new(),
            journal: Vec::new(),
            checkpoints: BTreeMap::new(),
            records: Records::default(),
            rooms: Rooms::new(rooms),
            centre: None,
            expects: None,
            keys: Vec::new(),
            reports: Vec::new(),
            ladder: Vec::new(),
            tells: true,
            story: Story::default(),
            node,
            happenings,
            admission: Admission::Open,
            commands: 0,
            asked: None,
            commanded: BTreeSet::new(),
            shown: BTreeMap::new(),
            seen_bindings: BTreeSet::new(),
            stranger,
            bind_failures,
            media_delay_ms,
            stable,
            at_once: 0,
            listened_at: now,
            silent: BTreeMap::new(),
            streams: Streams::default(),
            failed: Vec::new(),
        }
    }

    /// The switch gets its settings.
    pub(crate) fn begin(&mut self) -> Result<(), String> {
        self.tell(Input::Tenant(Arc::clone(&self.tenant)))
    }

    /// Somebody dials somebody, now and then.
    fn plan_day(&mut self, people: &settings::People) {
        let numbers = people.numbers();
        // A carrier that is down from the beginning.
        if self.rng.chance(150)
            && let Some(carrier) = self.phones.iter_mut().rev().nth(1)
        {
            carrier.gone = true;
        }
        for index in 0..self.phones.len() {
            for _ in 0..2 {
                let at = Duration::from_millis(self.rng.between(100, 180_000));
                self.phones[index].may_babble(at);
            }
            for _ in 0..self.rng.below(6) {
                let at = Duration::from_millis(self.rng.between(2_000, 180_000));
                let number = self.rng.pick(&numbers).clone();
                if number != self.phones[index].user {
                    self.phones[index].will_dial(at, &number);
                }
            }
        }
        self.plan_meetings(&people.rooms());
    }

    /// Now and then several meet in a room.
    fn plan_meetings(&mut self, rooms: &[String]) {
        for _ in 0..if rooms.is_empty() { 0 } else { self.rng.between(1, 3) } {
            let room = self.rng.pick(rooms).clone();
            let begins = self.rng.between(2_000, 170_000);
            for index in 0..self.phones.len() {
                if self.rng.chance(700) {
                    let at = Duration::from_millis(begins + self.rng.below(15_000));
                    self.phones[index].will_dial(at, &room);
                }
            }
        }
    }

    fn run(&mut self) -> Result<(), String> {
        self.begin()?;
        let end = self.span.lived + REST;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.story.steps += 1;
            if self.story.steps > self.span.steps {
                return Err("too many steps: something goes round in circles".to_owned());
            }
            self.at_once = if next > self.now { 0 } else { self.at_once + 1 };
            if self.at_once > STEPS_AT_ONCE_MAX {
                return Err("time stands still: something goes round in circles".to_owned());
            }
            self.now = next.max(self.now);
            if self.now > self.span.lived {
                self.phones.iter_mut().for_each(|phone| phone.retired = true);
            }
            self.let_happen()?;
            self.step()?;
            if self.now >= self.listened_at + self.span.listen_every {
                self.listened_at = self.now;
                self.forget_old();
                self.count_silence();
                self.check_resumed()?;
                self.listen()?;
            }
        }
        self.at_rest()
    }

    /// In a long world phones forget what is over for long.
    fn forget_old(&mut self) {
        if self.span.lived > LIVED {
            let now = self.now;
            self.phones.iter_mut().for_each(|phone| phone.forget_old(now));
        }
    }

    pub(crate) fn next_event(&self) -> Option<Duration> {
        let phones = self.phones.iter().filter_map(Phone::due).min();
        let switch = self.switch.poll_timeout();
        let reports = self.reports.iter().map(|(at, _)| *at).min();
        let happenings = self.happenings.iter().map(|(at, _)| *at).min();
        let failed = self.failed.iter().map(|(at, ..)| *at).min();
        let keys = self.keys.iter().map(|(at, ..)| *at).min();
        // Silence goes on while nothing else does.
        let silent =
            (!self.silent.values().all(|since| *since == Duration::MAX)).then(|| self.now + self.span.listen_every);
        [self.net.due(), phones, switch, reports, happenings, failed, keys, silent].into_iter().flatten().min()
    }

    pub(crate) fn step(&mut self) -> Result<(), String> {
        while let Some(datagram) = self.net.arrived(self.now) {
            self.arrived(&datagram)?;
        }
        self.run_out()
    }

    /// A datagram, or a piece of a stream, is there.
    pub(crate) fn arrived(&mut self, datagram: &Datagram) -> Result<(), String> {
        match datagram.to {
            To::Switch(phone) => match datagram.connection {
                None => self.switch_gets(phone, &datagram.bytes),
                Some(id) => self.stream_arrived(id, &datagram.bytes),
            },
            To::Phone(phone) => {
                self.phones[phone].receive(self.now, &datagram.bytes)?;
                self.phone_speaks(phone);
                Ok(())
            }
        }
    }

    /// Every timer that is due runs out, those of the phones first.
    pub(crate) fn run_out(&mut self) -> Result<(), String> {
        for phone in 0..self.phones.len() {
            if self.phones[phone].due().is_some_and(|due| due <= self.now) {
                self.phones[phone].wake(self.now);
                self.phone_speaks(phone);
            }
        }
        self.tell_failed()?;
        self.report()?;
        self.hear_keys()?;
        if self.switch.poll_timeout().is_some_and(|due| due <= self.now) {
            self.switch.handle_timeout(self.time());
            self.obey_switch()?;
            self.rooms.step_over(self.now)?;
            self.centre_step_over()?;
            if self.switch.poll_timeout().is_some_and(|due| due < self.now) {
                return Err("a timer stays in the past after it was fired".to_owned());
            }
        }
        Ok(())
    }

    /// The media side reports what is due.
    pub(crate) fn report(&mut self) -> Result<(), String> {
        let now = self.now;
        let due: Vec<MediaEvent> = self.reports.extract_if(.., |(at, _)| *at <= now).map(|(_, event)| event).collect();
        for event in due {
            self.ears.told(&event);
            self.tell(Input::Media(event))?;
        }
        Ok(())
    }

    fn switch_gets(&mut self, phone: usize, bytes: &[u8]) -> Result<(), String> {
        self.overhear(phone, bytes);
        let flow = Flow {
            transport: Transport::Udp,
            local: address(SWITCH),
            peer: address(&self.phones[phone].address),
            connection: None,
        };
        let message = sip::parse::parse_datagram(Bytes::copy_from_slice(bytes));
        self.tell(Input::Sip { flow, message })?;
        self.dialogs.settled()
    }

    /// A message reaches the switch.
    pub(crate) fn overhear(&mut self, phone: usize, bytes: &[u8]) {
        let Ok(text) = Text::parse(bytes) else { return };
        if text.call_id().contains(MARK) {
            return;
        }
        self.wire.received(&text);
        self.dialogs.received(self.now, &text);
        self.overhear_key(&text);
        if let Some(centre) = &mut self.centre {
            centre.overhear(&text);
        }
        let may_be_full = self.node.rtp_ports.1 < 20_100;
        if self.phones[phone].password.is_some() && self.stranger != Some(phone) && !may_be_full {
            self.wire.emergency(&text);
        }
    }

    pub(crate) fn phone_speaks(&mut self, phone: usize) {
        for text in self.phones[phone].take_out() {
            self.note(&self.phones[phone].user.clone(), ">", text.as_bytes());
            match self.phones[phone].transport {
                phone::Transport::Udp => self.net.send(self.now, To::Switch(phone), text.as_bytes()),
                phone::Transport::Tcp => self.stream_up(phone, text.as_bytes()),
            }
        }
        self.phone_presses(phone);
    }

    pub(crate) fn tell(&mut self, input: Input) -> Result<(), String> {
        self.switch.handle(self.time(), input);
        self.obey_switch()?;
        self.rooms.step_over(self.now)?;
        self.centre_step_over()
    }

    fn centre_step_over(&mut self) -> Result<(), String> {
        let (now, now_ms) = (self.now, self.time().unix_ms);
        let Some(centre) = &mut self.centre else { return Ok(()) };
        centre.step_over(now, now_ms)?;
        self.check_phones()
    }

    /// What it was like.
    fn told(mut self) -> Story {
        if let Some(figures) = self.centre.as_ref().map(|centre| centre.figures()) {
            self.story.centres = 1;
            (self.story.queued, self.story.by_agents) = (figures.queued, figures.answered);
            (self.story.abandoned, self.story.offered) = (figures.abandoned, figures.offered);
            (self.story.chosen, self.story.agent_rows) = (figures.chosen, figures.rows);
            (self.story.asked, self.story.rated) = (figures.asked, figures.rated);
            (self.story.supervised, self.story.messages) = (figures.supervised, figures.messages);
            (self.story.called_back, self.story.given_own) = (figures.called_back, figures.given_own);
        }
        self.story
    }

    /// The outputs of a step: facts first, then the rest, as the shell does it (decision 4).
    pub(crate) fn obey_switch(&mut self) -> Result<(), String> {
        let mut outputs = Vec::new();
        let mut created = None;
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Fact(fact) => {
                    if let Event::CallCreated(event) = &fact.event {
                        created = Some(event.call);
                    }
                    self.write(fact)?;
                }
                output => outputs.push(output),
            }
        }
        for output in outputs {
            let opens = matches!(output, Output::Media(MediaCommand::Open { .. }));
            self.obey(output)?;
            // The first endpoint of a new call is the caller's.
            if let Some(call) = created.take_if(|_| opens)
                && self.reports.last().is_some_and(|(_, event)| matches!(event, MediaEvent::BindFailed(_)))
            {
                self.unheard.insert(call);
            }
        }
        Ok(())
    }

    pub(crate) fn write(&mut self, fact: Fact) -> Result<(), String> {
        self.tell_of(|| format!("fact {:?}", fact.event));
        self.may_begin(&fact.event)?;
        self.is_no_stranger(&fact.event)?;
        self.records.apply(self.now, &fact)?;
        self.rooms.apply(self.now, &fact)?;
        if let Some(centre) = &mut self.centre {
            centre.apply(self.now, &fact)?;
        }
        if let Event::RecordingStarted(started) = &fact.event
            && started.conference.is_some()
        {
            self.ears.will_record_room(started.recording);
        }
        self.journal.push(fact);
        Ok(())
    }

    fn obey(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Fact(_) => Ok(()),
            Output::Checkpoint(said) => self.keep(said),
            Output::CloseConnection(connection) => Err(format!("told to close {connection:?}, and there is none")),
            Output::LookUp(lookup) => {
                Err(format!("a server is to be asked by {}, and no flow here does that", lookup.call))
            }
            Output::Ask(asked) => {
                Err(format!("a hook is to be asked by {}, and nobody here answers one", asked.question.call()))
            }
            Output::Box(asked) => {
                Err(format!("a box is to be read by {}, and nobody here listens to messages", asked.call))
            }
            Output::Publish(view) => self.published(view),
            Output::Reply { id, result } => self.replied(id, &result),
            Output::Send { flow, bytes } => self.send(flow, &bytes),
            Output::Media(command) => {
                self.tell_of(|| format!("media {command:?}"));
                let events = match &command {
                    MediaCommand::Open { endpoint, port, .. } if self.rng.chance(self.bind_failures) => {
                        vec![self.ears.cannot_bind(*endpoint, *port)?]
                    }
                    MediaCommand::Open { .. }
                    | MediaCommand::OpenBrowser { .. }
                    | MediaCommand::RestartIce { .. }
                    | MediaCommand::Agree { .. }
                    | MediaCommand::Hear { .. }
                    | MediaCommand::SetGain { .. }
                    | MediaCommand::DetectKeys { .. }
                    | MediaCommand::DetectVoice { .. }
                    | MediaCommand::Play { .. }
                    | MediaCommand::PlayAudio { .. }
                    | MediaCommand::StopPlaying(_)
                    | MediaCommand::SendDigits { .. }
                    | MediaCommand::Record { .. }
                    | MediaCommand::RecordFrom { .. }
                    | MediaCommand::PauseRecording(_)
                    | MediaCommand::ResumeRecording(_)
                    | MediaCommand::StopRecording(_)
                    | MediaCommand::Close(_) => self.ears.obey(&command)?,
                };
                let at = self.now + Duration::from_millis(self.rng.below(self.media_delay_ms));
                self.reports.extend(events.into_iter().map(|event| (at, event)));
                Ok(())
            }
        }
    }

    fn send(&mut self, flow: Flow, bytes: &[u8]) -> Result<(), String> {
        if let Ok(text) = Text::parse(bytes)
            && !text.call_id().contains(MARK)
        {
            self.wire.sent(&text)?;
            self.dialogs.sent(self.now, &text)?;
            if let Some(centre) = self.centre.as_mut().filter(|_| text.method() == "INFO") {
                centre.info_answered(&text);
            }
            match (text.method(), text.status()) {
                ("INFO", 200) => self.rooms.info_taken(text.call_id(), text.cseq()),
                ("INVITE", 486) => self.rooms.refused(text.call_id(), text.user("To"))?,
                _ => {}
            }
        }
        if flow.transport.is_reliable() {
            return self.stream_down(flow, bytes);
        }
        let Some(phone) = self.phones.iter().position(|phone| address(&phone.address) == flow.peer) else {
            // A Via that was cut off in the middle of its port is believed (RFC 3261 §18.2.2).
            let half =
                is_bad_request(bytes) && self.phones.iter().any(|phone| address(&phone.address).ip() == flow.peer.ip());
            // Who has another address since it started again has nobody at the old one.
            let left = self.phones.iter().any(|phone| phone.was_at(flow.peer));
            return if half || left { Ok(()) } else { Err(format!("sent to {flow}, where nobody is")) };
        };
        self.deliver(phone, None, bytes)
    }

    /// What the switch says goes on its way to the phone, watched.
    pub(crate) fn deliver(&mut self, phone: usize, connection: Option<u64>, bytes: &[u8]) -> Result<(), String> {
        match Text::parse(bytes) {
            Ok(text) if text.call_id().contains(MARK) => return self.to_garbage(phone, &text),
            Ok(_) => {}
            // An answer to half a message is half an answer.
            Err(_) if is_bad_request(bytes) => return Ok(()),
            Err(wrong) => return Err(wrong),
        }
        self.note(&self.phones[phone].user.clone(), "<", bytes);
        match connection {
            None => self.net.send(self.now, To::Phone(phone), bytes),
            Some(id) => self.net.send_in_order(self.now, To::Phone(phone), id, bytes),
        }
        Ok(())
    }

    /// Garbage is answered as the RFC says, or as one who is banned.
    fn to_garbage(&self, phone: usize, text: &Text) -> Result<(), String> {
        let sent = self.phones[phone].babbled.iter().find(|garbage| garbage.call_id == text.call_id());
        let fits = sent
            .is_none_or(|sent| text.status() < 200 || text.status() == 403 || sent.statuses.contains(&text.status()));
        if fits { Ok(()) } else { Err(format!("{} to {sent:?}", text.start)) }
    }

    /// Whoever cannot prove who it is neither registers nor calls.
    fn is_no_stranger(&self, event: &Event) -> Result<(), String> {
        let Some(stranger) = self.stranger.map(|index| &self.phones[index]) else { return Ok(()) };
        let inside = match event {
            Event::RegistrationBound(bound) => bound.source.contains(&format!(" {}", stranger.address)),
            Event::LegStarted(leg) => stranger.dialogs.contains_key(&leg.sip_call_id),
            _ => false,
        };
        if inside { Err(format!("{} got in with a wrong password: {event:?}", stranger.user)) } else { Ok(()) }
    }

    /// A line of the ladder, if anybody will read it.
    pub(crate) fn tell_of(&mut self, line: impl FnOnce() -> String) {
        if self.tells {
            self.ladder.push(format!("{:>10.3} {}", self.now.as_secs_f64(), line()));
        }
    }

    fn note(&mut self, who: &str, way: &str, bytes: &[u8]) {
        if !self.tells {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().next().unwrap_or_default();
        let call = text.lines().find_map(|line| line.strip_prefix("Call-ID: ")).unwrap_or_default();
        // What matters beside the start line: which of several alike it is.
        let which: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("CSeq") || line.starts_with("RSeq") || line.starts_with("RAck"))
            .collect();
        let which = which.join(" ");
        self.ladder.push(format!("{:>10.3} {who:>8} {way} {line}   [{call}] {which}", self.now.as_secs_f64()));
    }

    pub(crate) fn time(&self) -> Now {
        let lived_ms = u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
        Now { mono: self.now, unix_ms: (BEGAN_MS + lived_ms).saturating_add_signed(self.leapt_ms) }
    }
}

fn is_bad_request(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP/2.0 400 ") || bytes.starts_with(b"SIP/2.0 505 ")
}

/// A new process: nothing but its settings.
pub(crate) fn boot(node: &NodeConfig, rng: &mut Rng, now: Now) -> Switch {
    let mut seed = [0; 32];
    for chunk in seed.chunks_mut(8) {
        chunk.copy_from_slice(&rng.next().to_be_bytes());
    }
    Switch::new(node.clone(), seed, now)
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("the world's addresses are well formed")
}

/// The switch's own IP address.
#[must_use]
pub fn switch_ip() -> IpAddr {
    address(SWITCH).ip()
}

/// The tenant of every world.
#[must_use]
pub fn tenant_id() -> TenantId {
    TenantId::first()
}
