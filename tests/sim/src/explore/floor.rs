//! A small call centre: two agents, one queue, three callers. Messages arrive at once and in order; in which order people do what, and what
//! runs out meanwhile, is explored.

use std::time::Duration;

use hooks::fact::AgentState;
use switch::input::AgentOrder;

use super::{Explorable, likeness};
use crate::centre::{Act, small_floor};
use crate::phone::{Phone, Stage};
use crate::world::World;

/// What may happen how often.
#[derive(Clone, Copy, Debug)]
pub struct Hours {
    /// Its name.
    pub name: &'static str,
    /// Callers, one after the other; three at the most.
    pub callers: usize,
    /// How often an agent picks a state.
    pub picks: u8,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The next caller calls.
    Calls,
    /// A caller hangs up.
    HangsUp(usize),
    /// An agent answers.
    Answers(usize),
    /// An agent rejects.
    Rejects(usize),
    /// An agent hangs up.
    Ends(usize),
    /// An agent picks a state.
    Picks(usize, AgentState),
    /// Nothing happens until something runs out.
    Wait,
}

/// The world, and what may still happen.
pub(super) struct Floor {
    world: World,
    left: (usize, u8),
    is_over: bool,
}

impl Explorable for Floor {
    type Scenario = Hours;
    type Choice = Turn;

    fn begin(hours: &Hours, tells: bool) -> Result<Self, String> {
        let mut world = small_floor(tells)?;
        settle(&mut world)?;
        Ok(Self { world, left: (hours.callers, hours.picks), is_over: false })
    }

    fn name(hours: &Hours) -> &'static str {
        hours.name
    }

    fn choices(&self) -> Vec<Turn> {
        let mut choices = Vec::new();
        if self.is_over {
            return choices;
        }
        choices.extend((self.left.0 > 0).then_some(Turn::Calls));
        for caller in 0..CALLERS {
            choices
                .extend(self.live(CALLER + caller, |stage| matches!(stage, Stage::Up)).map(|_| Turn::HangsUp(caller)));
        }
        for agent in 0..AGENTS {
            if self.live(agent, |stage| matches!(stage, Stage::Ringing(_))).is_some() {
                choices.extend([Turn::Answers(agent), Turn::Rejects(agent)]);
            }
            choices.extend(self.live(agent, |stage| matches!(stage, Stage::Up)).map(|_| Turn::Ends(agent)));
            if self.left.1 > 0 {
                choices.extend([AgentState::Ready, AgentState::OnBreak].map(|state| Turn::Picks(agent, state)));
            }
        }
        choices.extend(self.soon().map(|_| Turn::Wait));
        choices
    }

    fn choose(&mut self, choice: Turn) -> Result<(), String> {
        let now = self.world.now;
        match choice {
            Turn::Calls => {
                let line = CALLER + CALLERS - self.left.0;
                self.left.0 -= 1;
                drop(self.world.phones[line].place(now, DID));
                self.world.phone_speaks(line);
            }
            Turn::HangsUp(caller) => self.hang_up(CALLER + caller),
            Turn::Ends(agent) => self.hang_up(agent),
            Turn::Answers(agent) | Turn::Rejects(agent) => {
                if let Some(call_id) = self.live(agent, |stage| matches!(stage, Stage::Ringing(_))) {
                    match choice {
                        Turn::Answers(_) => self.world.phones[agent].answer(now, &call_id),
                        _ => self.world.phones[agent].end_ringing(now, &call_id, 486, "Busy Here"),
                    }
                    self.world.phone_speaks(agent);
                }
            }
            Turn::Picks(agent, state) => {
                self.left.1 -= 1;
                self.world.act(Act::Agent { agent, order: AgentOrder::Pick(state), by: None })?;
            }
            Turn::Wait => self.wait()?,
        }
        settle(&mut self.world)?;
        self.world.listen_in_queues()?;
        self.end_if_over()
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn likeness(&self) -> u128 {
        let centre = self.world.centre.as_ref().map(|centre| centre.likeness(self.world.now));
        likeness::of(&self.world, &(self.left, centre))
    }

    fn tell_choice(&mut self, choice: Turn) {
        let line = format!("{:>10.3} ---- {choice:?} ----", self.world.now.as_secs_f64());
        self.world.ladder.push(line);
    }

    fn into_ladder(self) -> Vec<String> {
        self.world.ladder
    }
}

impl Floor {
    fn live(&self, phone: usize, stage: impl Fn(&Stage) -> bool) -> Option<String> {
        let mut dialogs = self.world.phones[phone].calls();
        dialogs.find(|dialog| stage(&dialog.stage)).map(|dialog| dialog.call_id.clone())
    }

    fn hang_up(&mut self, phone: usize) {
        if let Some(call_id) = self.live(phone, |stage| matches!(stage, Stage::Up)) {
            let now = self.world.now;
            self.world.phones[phone].hang_up(now, &call_id);
            self.world.phone_speaks(phone);
        }
    }

    /// When something runs out before long.
    fn soon(&self) -> Option<Duration> {
        self.world.next_event().filter(|at| *at <= self.world.now + HORIZON)
    }

    /// Time passes until something is written down.
    fn wait(&mut self) -> Result<(), String> {
        let written = self.world.journal.len();
        while let Some(at) = self.soon() {
            self.world.now = at.max(self.world.now);
            settle(&mut self.world)?;
            if self.world.journal.len() > written {
                break;
            }
        }
        Ok(())
    }

    /// Everybody has called, and nobody has a call: what is left runs out, and nothing may be left then.
    fn end_if_over(&mut self) -> Result<(), String> {
        if self.left.0 > 0 || !self.world.phones.iter().all(Phone::is_quiet) || self.world.switch.sizes().calls > 0 {
            return Ok(());
        }
        while let Some(at) = self.world.next_event() {
            self.world.now = at.max(self.world.now);
            settle(&mut self.world)?;
        }
        self.is_over = true;
        self.world.at_rest()
    }
}

/// Whatever happens at this moment has happened.
fn settle(world: &mut World) -> Result<(), String> {
    while world.next_event().is_some_and(|at| at <= world.now) {
        world.step()?;
    }
    Ok(())
}

/// The small call centres that are explored.
pub const HOURS: [Hours; 2] = [
    Hours { name: "two callers, two agents", callers: 2, picks: 1 },
    Hours { name: "three callers, two agents", callers: 3, picks: 2 },
];

const AGENTS: usize = 2;
const CALLERS: usize = 3;
/// The first caller's phone, after those of agents and carriers.
const CALLER: usize = 4;
/// The number that they call.
const DID: &str = "01012340001";
/// What comes later is not waited for: session timers.
const HORIZON: Duration = Duration::from_secs(60);
