//! A small world: Alice calls Bob, and Carol is there to be handed on to. Nothing happens that is not chosen.

use std::time::Duration;

use sip::flow::Transport;
use switch::config::StaticContact;

use super::choice::{Act, Choice};
use super::likeness;
use crate::net::{To, Weather};
use crate::phone::{self, Dialog, Habits, Hold, Phone, Role, Stage};
use crate::rng::Rng;
use crate::settings;
use crate::world::{Parts, World, address};

/// What may be chosen how often on one way through a world.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// It begins where two parties talk already, and not with the INVITE of the first.
    pub talks: bool,
    /// Whether somebody may hand the other party on to the third at once.
    pub refers: bool,
    /// Whether the third may be called first.
    pub consults: bool,
    /// How often somebody holds.
    pub holds: u8,
    /// How many messages are lost, repeated or overtaken.
    pub troubles: u8,
}

/// What is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Left {
    refers: bool,
    consults: bool,
    holds: u8,
    troubles: u8,
}

/// The world, and what may still be chosen.
pub(super) struct Small {
    pub(super) world: World,
    pub(super) left: Left,
    is_over: bool,
}

const USERS: [&str; 3] = ["1001", "1002", "1003"];
/// Who is handed on to.
const CAROL: usize = 2;

impl super::Explorable for Small {
    type Scenario = Scenario;
    type Choice = Choice;

    fn begin(scenario: &Scenario, tells: bool) -> Result<Self, String> {
        Self::new(scenario, tells)
    }

    fn name(scenario: &Scenario) -> &'static str {
        scenario.name
    }

    fn choices(&self) -> Vec<Choice> {
        self.choices()
    }

    fn choose(&mut self, choice: Choice) -> Result<(), String> {
        self.choose(choice)
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn likeness(&self) -> u128 {
        self.likeness()
    }

    fn tell_choice(&mut self, choice: Choice) {
        self.tell_choice(choice);
    }

    fn into_ladder(self) -> Vec<String> {
        self.into_ladder()
    }
}

impl Small {
    /// Alice has dialled Bob's number, and proved who she is.
    pub(super) fn new(scenario: &Scenario, tells: bool) -> Result<Self, String> {
        let mut rng = Rng::new(SEED);
        let phones: Vec<Phone> = USERS.iter().enumerate().map(|(at, user)| led(at, user, &mut rng)).collect();
        let mut world = World::of(Parts {
            tenant: settings::small_tenant(&USERS, static_contact),
            node: settings::roomy_node(),
            weather: Weather::fair(),
            phones,
            happenings: Vec::new(),
            stranger: None,
            bind_failures: 0,
            media_delay_ms: 0,
            stable: Duration::ZERO,
            rng,
        });
        world.tells = tells;
        let Scenario { talks, refers, consults, holds, troubles, .. } = *scenario;
        let mut small = Self { world, left: Left { refers, consults, holds, troubles }, is_over: false };
        small.world.begin()?;
        drop(small.world.phones[0].place(small.world.now, USERS[1]));
        small.prove(0)?;
        small.settle()?;
        if talks {
            small.hush()?;
            small.act(1, 0, Act::Answer)?;
            small.hush()?;
        }
        Ok(small)
    }

    /// Everything that is on its way arrives, in order.
    fn hush(&mut self) -> Result<(), String> {
        while let Some(to) = self.world.net.ways().first() {
            self.arrive(*to, 0)?;
            self.settle()?;
        }
        Ok(())
    }

    /// Everything that may happen now.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        if self.is_over {
            return choices;
        }
        let apart = self.apart();
        for to in self.world.net.ways().into_iter().filter(|to| apart.is_none_or(|at| *to == To::Phone(at))) {
            choices.push(Choice::Arrive(to));
            if self.left.troubles > 0 {
                choices.extend([Choice::Lose(to), Choice::Repeat(to)]);
                choices.extend((self.world.net.waiting(to) > 1).then_some(Choice::Overtake(to)));
            }
        }
        for (at, phone) in self.world.phones.iter().enumerate().filter(|(at, _)| apart.is_none_or(|apart| *at == apart))
        {
            for (nth, dialog) in phone.calls().enumerate() {
                let acts = self.acts(at, phone, dialog);
                choices.extend(acts.into_iter().map(|act| Choice::Do(at, nth, act)));
            }
        }
        // The network is faster than any timer.
        if self.world.net.ways().is_empty() && self.waits() {
            choices.push(Choice::Wait);
        }
        choices
    }

    /// Lets something happen; what must hold afterwards is checked.
    pub(super) fn choose(&mut self, choice: Choice) -> Result<(), String> {
        match choice {
            Choice::Do(phone, nth, act) => self.act(phone, nth, act)?,
            Choice::Arrive(to) => self.arrive(to, 0)?,
            Choice::Lose(to) => {
                self.left.troubles -= 1;
                drop(self.world.net.take(to, 0));
            }
            Choice::Repeat(to) => {
                self.left.troubles -= 1;
                self.world.net.repeat(to);
                self.arrive(to, 0)?;
            }
            Choice::Overtake(to) => {
                self.left.troubles -= 1;
                self.arrive(to, 1)?;
            }
            Choice::Wait => self.wait()?,
        }
        self.settle()?;
        self.judge()
    }

    /// Says in the ladder what is chosen.
    pub(super) fn tell_choice(&mut self, choice: Choice) {
        let line = format!("{:>10.3} ---- {choice:?} ----", self.world.now.as_secs_f64());
        self.world.ladder.push(line);
    }

    pub(super) fn into_ladder(self) -> Vec<String> {
        self.world.ladder
    }

    /// Everything is over, and nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What states that are explored once have in common.
    pub(super) fn likeness(&self) -> u128 {
        likeness::of(&self.world, &self.left)
    }

    pub(super) fn next_timer(&self) -> Option<Duration> {
        let phones = self.world.phones.iter().filter_map(Phone::due).min();
        [phones, self.world.switch.poll_timeout()].into_iter().flatten().min()
    }

    /// Time passes until something is said or written down, or as long as a timer runs out before long.
    fn wait(&mut self) -> Result<(), String> {
        let until = self.world.now + HORIZON;
        let written = self.world.journal.len();
        while let Some(at) = self.next_timer().filter(|at| *at <= until) {
            self.world.now = at.max(self.world.now);
            self.world.run_out()?;
            self.settle()?;
            if !self.world.net.ways().is_empty() || self.world.journal.len() > written {
                break;
            }
        }
        Ok(())
    }

    /// A phone to which something is on its way, and which can do nothing meanwhile that others could take note of. What arrives there
    /// touches nobody else: it need not be tried in every order with what happens elsewhere.
    fn apart(&self) -> Option<usize> {
        let free = |at: &usize| {
            let phone = &self.world.phones[*at];
            let acts = phone.calls().flat_map(|dialog| self.acts(*at, phone, dialog));
            self.world.net.waiting(To::Phone(*at)) > 0 && !acts.into_iter().any(Act::is_shared)
        };
        (self.left.troubles == 0).then(|| (0..self.world.phones.len()).find(free)).flatten()
    }

    /// Somebody waits for an answer, for an ACK, or for a person; or something is repeated. That old transactions are forgotten is
    /// nothing to wait for.
    fn waits(&self) -> bool {
        let repeats = self.next_timer().is_some_and(|at| at <= self.world.now + REPEATED_WITHIN);
        let soon = self.next_timer().is_some_and(|at| at <= self.world.now + HORIZON);
        repeats || soon && !self.is_idle()
    }

    /// No request has to be answered.
    fn is_idle(&self) -> bool {
        let phones = self.world.phones.iter().all(Phone::waits_for_nothing);
        phones && self.world.switch.sizes().pending_transactions == 0
    }

    fn acts(&self, at: usize, phone: &Phone, dialog: &Dialog) -> Vec<Act> {
        let asks = matches!(dialog.hold, Hold::Asked | Hold::Retrieving) || dialog.waits_for_answer();
        let mut acts = Vec::new();
        match dialog.stage {
            Stage::Ringing(_) => acts.extend([Act::Answer, Act::Reject]),
            Stage::Calling { giving_up: false, provisional: true } => {
                acts.push(Act::GiveUp);
                acts.extend((phone.is_asking(dialog) && dialog.has_early_tag()).then_some(Act::HandOver));
            }
            Stage::Calling { .. } => {}
            Stage::Up => {
                acts.push(Act::HangUp);
                if !asks && self.left.holds > 0 && dialog.hold == Hold::None {
                    acts.push(Act::Hold);
                }
                if !asks && dialog.hold == Hold::Holding {
                    acts.push(Act::Retrieve);
                }
                // A call that was made to ask is not handed on itself.
                let first = at != CAROL && !phone.is_asking(dialog);
                if first && !asks && self.left.refers {
                    acts.push(Act::Refer);
                }
                if first && self.left.consults {
                    acts.push(Act::Consult);
                }
                acts.extend(phone.is_asking(dialog).then_some(Act::HandOver));
            }
            Stage::Answering { .. } | Stage::Ending | Stage::Over => {}
        }
        acts
    }

    fn act(&mut self, at: usize, nth: usize, act: Act) -> Result<(), String> {
        let now = self.world.now;
        let phone = &mut self.world.phones[at];
        let call_id = phone.calls().nth(nth).ok_or("a choice of a call that is not there")?.call_id.clone();
        match act {
            Act::Answer => phone.answer(now, &call_id),
            Act::Reject => phone.end_ringing(now, &call_id, 486, "Busy Here"),
            Act::GiveUp => phone.give_up(now, &call_id),
            Act::HangUp => phone.hang_up(now, &call_id),
            Act::Hold => {
                self.left.holds -= 1;
                phone.hold(now, &call_id);
            }
            Act::Retrieve => phone.retrieve(now, &call_id),
            Act::Refer => {
                (self.left.refers, self.left.consults) = (false, false);
                phone.refer_to(now, &call_id, USERS[CAROL]);
            }
            Act::Consult => {
                (self.left.refers, self.left.consults) = (false, false);
                phone.ask_third(now, &call_id, USERS[CAROL]);
                return self.prove(at);
            }
            Act::HandOver => phone.hand_over(now, &call_id),
        }
        self.world.phone_speaks(at);
        Ok(())
    }

    /// A phone's INVITE is challenged, and comes again signed: one step, for nothing else can come of it.
    fn prove(&mut self, at: usize) -> Result<(), String> {
        self.world.phone_speaks(at);
        // What was on its way before stays there: INVITE and challenge are the last.
        self.arrive_last(To::Switch(at), 1)?;
        self.arrive_last(To::Phone(at), 1)?;
        // The ACK, and the INVITE with a signature.
        self.arrive_last(To::Switch(at), 2)?;
        self.arrive_last(To::Switch(at), 1)
    }

    fn arrive_last(&mut self, to: To, from_the_end: usize) -> Result<(), String> {
        let nth = self.world.net.waiting(to).checked_sub(from_the_end);
        self.arrive(to, nth.ok_or("an INVITE that was not challenged")?)
    }

    fn arrive(&mut self, to: To, nth: usize) -> Result<(), String> {
        let datagram = self.world.net.take(to, nth).ok_or("a choice of a message that is not there")?;
        self.world.arrived(&datagram)
    }

    /// The media side is faster than everything else.
    fn settle(&mut self) -> Result<(), String> {
        while !self.world.reports.is_empty() {
            self.world.report()?;
        }
        Ok(())
    }

    /// What must hold now: who hears whom where nothing is under way, and where all is over, that nothing is left.
    fn judge(&mut self) -> Result<(), String> {
        self.world.hear()?;
        if !self.world.net.ways().is_empty() || !self.is_idle() {
            return Ok(());
        }
        self.world.listen()?;
        // A BYE waits for the ACK of the answer before it, and repeats of that answer for a timer.
        if !self.waits() {
            self.agree()?;
        }
        if !self.world.phones.iter().all(Phone::is_quiet) {
            return Ok(());
        }
        for _ in 0..TIMERS_MAX {
            let Some(at) = self.next_timer() else { break };
            self.world.now = at.max(self.world.now);
            self.world.run_out()?;
            self.settle()?;
            // An answer whose ACK was lost comes again: in order, for it makes no difference any more.
            self.hush()?;
        }
        self.is_over = true;
        self.world.at_rest()
    }

    /// Where nothing is under way, phones and records agree on who is in a call.
    fn agree(&self) -> Result<(), String> {
        let records = &self.world.records.calls;
        let open = || records.values().flat_map(|record| record.legs.values()).filter(|leg| leg.ended.is_none());
        for phone in &self.world.phones {
            for dialog in phone.calls().filter(|dialog| !dialog.is_over()) {
                if !open().any(|leg| leg.sip_call_id == dialog.call_id) {
                    return Err(format!("{} is alone on {}", phone.user, dialog.call_id));
                }
            }
        }
        let has = |call_id: &str| {
            let mut dialogs = self.world.phones.iter().filter_map(|phone| phone.dialogs.get(call_id));
            dialogs.any(|dialog| !dialog.is_over())
        };
        match open().find(|leg| !leg.sip_call_id.is_empty() && !has(&leg.sip_call_id)) {
            Some(leg) => Err(format!("nobody is at the far end of {leg:?}")),
            None => Ok(()),
        }
    }
}

/// A phone that does what it is told, and nothing else.
fn led(at: usize, user: &str, rng: &mut Rng) -> Phone {
    let spec = phone::PhoneSpec {
        user: user.to_owned(),
        password: Some(settings::password(user)),
        address: place(at),
        switch: crate::world::SWITCH.to_owned(),
        habits: Habits::led(),
        login: None,
        transport: phone::Transport::Udp,
        friends: Vec::new(),
        rooms: Vec::new(),
    };
    let mut phone = Phone::new(spec, Duration::ZERO, rng.fork());
    phone.lead();
    phone
}

fn place(at: usize) -> String {
    format!("10.0.1.{}:5060", at + 1)
}

/// Nobody registers: where the phones are is in the settings.
fn static_contact(user: &str) -> Option<StaticContact> {
    let at = USERS.iter().position(|known| *known == user)?;
    Some(StaticContact {
        uri: format!("sip:{user}@{}", place(at)),
        transport: Transport::Udp,
        target: address(&place(at)),
    })
}

impl Dialog {
    /// What this phone sees of it, without names and times.
    pub(super) fn likeness(&self) -> String {
        let stage = match &self.stage {
            Stage::Calling { provisional, giving_up } => format!("calling {provisional} {giving_up}"),
            Stage::Ringing(_) => "ringing".to_owned(),
            Stage::Answering { .. } => "answering".to_owned(),
            Stage::Up => "up".to_owned(),
            Stage::Ending => "ending".to_owned(),
            Stage::Over => "over".to_owned(),
        };
        let role = if self.role == Role::Caller { "caller" } else { "callee" };
        let direction = self.remote.as_ref().map(|audio| audio.direction);
        format!("{role} {stage} {:?} {direction:?} {} {:?}", self.hold, self.has_early_tag(), self.referral_likeness())
    }
}

/// The scenarios that are explored.
pub const SCENARIOS: [Scenario; 8] = [
    Scenario { name: "call", talks: false, refers: false, consults: false, holds: 0, troubles: 0 },
    Scenario { name: "blind", talks: true, refers: true, consults: false, holds: 0, troubles: 0 },
    Scenario { name: "attended", talks: true, refers: false, consults: true, holds: 0, troubles: 0 },
    Scenario { name: "blind in trouble", talks: true, refers: true, consults: false, holds: 0, troubles: 1 },
    Scenario { name: "attended in trouble", talks: true, refers: false, consults: true, holds: 0, troubles: 1 },
    Scenario { name: "held", talks: true, refers: true, consults: true, holds: 1, troubles: 0 },
    Scenario { name: "call in trouble", talks: false, refers: false, consults: false, holds: 1, troubles: 1 },
    Scenario { name: "whole", talks: false, refers: true, consults: true, holds: 1, troubles: 1 },
];

/// The seed of every small world: nothing in it is left to chance.
const SEED: u64 = 1;
/// What comes later than this is not waited for: session timers, and RTP that does not come.
const HORIZON: Duration = Duration::from_secs(100);
/// RFC 3261 §17.1.2.2, T2: what is repeated is repeated at least so often.
const REPEATED_WITHIN: Duration = Duration::from_secs(4);
/// Timers that run out after everything is over, at the most.
const TIMERS_MAX: usize = 1_000;
