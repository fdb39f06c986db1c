//! A recorded day, lived through again: the switch of production gets the same callers at the same times, who have the same patience,
//! agents who are there when they were, answer as they did and need as long, in virtual time. What its queues come to is compared with
//! what they came to then; with other agents it tells what would have been.

mod day;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use hooks::fact::{AgentState, CallStatus, Fact, OfferOutcome, QueueExit};
use switch::input::AgentOrder;

pub use day::{Arrival, Day, Known, Left, Stance};
pub use read::facts;

use crate::centre::Act;
use crate::centre::replay::{Office, TARGET, office};
use crate::phone::Stage;
use crate::world::World;

/// What the queues of a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(pub BTreeMap<String, Waits>);

/// What one queue did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// How long those waited whom an agent answered, ms, in the order in which they came.
    pub answered: Vec<u64>,
    /// How long those waited who hung up, ms.
    pub lost: Vec<u64>,
    /// How many left in another way: sent on, turned away, cut off.
    pub others: usize,
    /// The target, ms.
    pub target: u64,
}

impl Waits {
    fn mean_s(&self) -> f64 {
        let all = || self.answered.iter().chain(&self.lost);
        all().sum::<u64>() as f64 / 1_000.0 / (all().count().max(1) as f64)
    }

    fn p95_s(&self) -> f64 {
        let mut all: Vec<u64> = self.answered.iter().chain(&self.lost).copied().collect();
        all.sort_unstable();
        all.get(all.len() * 95 / 100).map_or(0.0, |ms| *ms as f64 / 1_000.0)
    }

    /// Of all who came, those whom an agent answered within the target.
    fn service_level(&self) -> f64 {
        let all = self.answered.len() + self.lost.len() + self.others;
        let in_time = self.answered.iter().filter(|ms| **ms <= self.target).count();
        in_time as f64 / (all.max(1) as f64)
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, lost, others) = (self.answered.len(), self.lost.len(), self.others);
        write!(f, "{answered:>6} answered {lost:>6} lost {others:>5} else; ")?;
        write!(f, "mean wait {:>6.1} s, p95 {:>6.1} s, ", self.mean_s(), self.p95_s())?;
        write!(f, "{:>5.1} % within {} s", self.service_level() * 100.0, self.target / 1_000)
    }
}

impl Figures {
    fn of<'a>(day: &Day, lefts: impl Iterator<Item = (&'a Arrival, Left)>) -> Self {
        let mut queues: BTreeMap<String, Waits> = BTreeMap::new();
        for (arrival, left) in lefts {
            let waits = queues.entry(arrival.queue.clone()).or_default();
            waits.target = day.queues.get(&arrival.queue).and_then(|known| known.target).unwrap_or(TARGET);
            match left.exit {
                Some(QueueExit::Answered) => waits.answered.push(left.waited),
                Some(QueueExit::Abandoned) => waits.lost.push(left.waited),
                Some(
                    QueueExit::MaxWait
                    | QueueExit::Full
                    | QueueExit::NobodySignedIn
                    | QueueExit::Led
                    | QueueExit::Closed
                    | QueueExit::Callback,
                )
                | None => waits.others += 1,
            }
        }
        Self(queues)
    }

    /// As they are written down.
    #[must_use]
    pub fn recorded(day: &Day) -> Self {
        Self::of(day, day.arrivals.iter().map(|arrival| (arrival, arrival.left)))
    }
}

/// Lives through a day again, with so many agents where that is said.
///
/// # Errors
/// The day has no callers or no agents, or something that must not be.
pub fn replay(day: &Day, agents: Option<usize>) -> Result<Figures, String> {
    if day.arrivals.is_empty() || day.agents.is_empty() {
        return Err("nobody called a queue that day, or nobody was rung by one: there is nothing to replay".to_owned());
    }
    if agents == Some(0) {
        return Err("with no agents at all nobody is answered: name at least one".to_owned());
    }
    let mut floor = Floor::open(day, agents)?;
    while floor.left.len() < day.arrivals.len() {
        floor.step()?;
    }
    Ok(Figures::of(day, day.arrivals.iter().zip(floor.left.values().copied())))
}

/// What happens when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// An agent is there for the queues, or not.
    Stands(usize, u8),
    /// His phone may ring no more.
    Again(usize),
    /// He has talked long enough with that caller.
    Finishes(usize, usize),
    /// He has wrapped up.
    Wrapped(usize, usize),
    /// He answers who rings, or does not want to.
    Decides(usize, String, bool),
    /// A caller loses patience.
    HangsUp(usize),
    /// A caller calls.
    Arrives(usize),
}

/// The world, and what is to happen in it.
struct Floor<'a> {
    day: &'a Day,
    world: World,
    office: Office,
    turns: BTreeSet<(Duration, Turn)>,
    /// The dialogs of callers.
    dialogs: BTreeMap<String, usize>,
    called: BTreeMap<usize, String>,
    /// How each left.
    left: BTreeMap<usize, Left>,
    /// What each agent does about his calls.
    agents: Vec<Doing>,
    /// Recorded offers that were lived through again.
    used: BTreeSet<(usize, usize)>,
    /// Facts that were looked at.
    looked: usize,
    calls: BTreeMap<hooks::id::CallId, usize>,
    means: (u64, u64, u64),
}

#[derive(Clone, Debug)]
struct Doing {
    stance: Stance,
    /// The dialogs of his that were decided about.
    decided: BTreeSet<String>,
    /// He talks with that caller, or wraps up after him.
    serves: Option<(usize, String)>,
}

impl<'a> Floor<'a> {
    fn open(day: &'a Day, agents: Option<usize>) -> Result<Self, String> {
        let recorded: Vec<&Vec<(u64, Stance)>> = day.agents.values().collect();
        let count = agents.unwrap_or(recorded.len());
        let (world, office) = office(day, count)?;
        let mut turns = BTreeSet::new();
        for agent in 0..count {
            for (at, stance) in recorded[agent % recorded.len()] {
                turns.insert((OPENS + ms(*at), Turn::Stands(agent, *stance as u8)));
            }
        }
        for (nth, arrival) in day.arrivals.iter().enumerate() {
            turns.insert((OPENS + ms(arrival.at), Turn::Arrives(nth)));
        }
        let doing = Doing { stance: Stance::Gone, decided: BTreeSet::new(), serves: None };
        Ok(Self {
            day,
            world,
            office,
            turns,
            dialogs: BTreeMap::new(),
            called: BTreeMap::new(),
            left: BTreeMap::new(),
            agents: vec![doing; count],
            used: BTreeSet::new(),
            looked: 0,
            calls: BTreeMap::new(),
            means: day.means(),
        })
    }

    /// Goes on to whatever comes next.
    fn step(&mut self) -> Result<(), String> {
        let turn = self.turns.first().map(|(at, _)| *at);
        let next = [turn, self.world.next_event()].into_iter().flatten().min().ok_or("nothing happens any more")?;
        self.world.now = next.max(self.world.now);
        // What is under way comes first: who hangs up at the instant of an answer is too late.
        self.world.step()?;
        self.look();
        self.decide()?;
        let quiet = self.world.next_event().is_none_or(|at| at > self.world.now);
        if quiet
            && self.turns.first().is_some_and(|(at, _)| *at <= self.world.now)
            && let Some((_, turn)) = self.turns.pop_first()
        {
            self.take(turn)?;
            self.look();
        }
        Ok(())
    }

    /// How callers left, by what was written down since.
    fn look(&mut self) {
        for fact in &self.world.journal[self.looked..] {
            match &fact.event {
                hooks::fact::Event::LegStarted(e) => {
                    if let Some(nth) = self.dialogs.get(&e.sip_call_id) {
                        self.calls.insert(e.call, *nth);
                    }
                }
                hooks::fact::Event::CallLeftQueue(e) => {
                    if let Some(nth) = self.calls.get(&e.call) {
                        self.left.entry(*nth).or_insert(Left { waited: e.waited_ms, exit: Some(e.exit) });
                    }
                }
                _ => {}
            }
        }
        self.looked = self.world.journal.len();
    }

    fn take(&mut self, turn: Turn) -> Result<(), String> {
        let now = self.world.now;
        match turn {
            Turn::Arrives(nth) => self.arrives(nth),
            Turn::HangsUp(nth) => {
                if !self.left.contains_key(&nth)
                    && let Some(call_id) = self.called.get(&nth)
                {
                    let line = self.office.line(nth);
                    self.world.phones[line].hang_up(now, call_id);
                    self.world.phone_speaks(line);
                }
            }
            Turn::Decides(agent, call_id, answers) => self.decided(agent, &call_id, answers),
            Turn::Finishes(agent, nth) => {
                if let Some((_, call_id)) = self.agents[agent].serves.clone().filter(|(serves, _)| *serves == nth) {
                    let phone = self.office.phone(agent);
                    self.world.phones[phone].hang_up(now, &call_id);
                    self.world.phone_speaks(phone);
                    let wrap = self.day.arrivals[nth].handled.map_or(self.means.2, |(_, wrap)| wrap);
                    self.turns.insert((now + ms(wrap), Turn::Wrapped(agent, nth)));
                }
            }
            Turn::Wrapped(agent, nth) => {
                self.agents[agent].serves.take_if(|(serves, _)| *serves == nth);
                self.stand(agent)?;
            }
            Turn::Again(agent) => self.stand(agent)?,
            Turn::Stands(agent, stance) => {
                self.agents[agent].stance = [Stance::Ready, Stance::Away, Stance::Gone][usize::from(stance)];
                self.stand(agent)?;
            }
        }
        Ok(())
    }

    fn arrives(&mut self, nth: usize) {
        let now = self.world.now;
        let (line, arrival) = (self.office.line(nth), &self.day.arrivals[nth]);
        let call_id = self.world.phones[line].place(now, self.office.number(arrival));
        self.world.phone_speaks(line);
        self.dialogs.insert(call_id.clone(), nth);
        self.called.insert(nth, call_id);
        // Who did not hang up then would have waited for longer: nobody knows how long.
        if matches!(arrival.left.exit, Some(QueueExit::Abandoned | QueueExit::Led | QueueExit::Closed) | None) {
            self.turns.insert((now + ms(arrival.left.waited), Turn::HangsUp(nth)));
        }
        if nth.is_multiple_of(FORGET_EVERY) {
            self.world.journal.clear();
            self.looked = 0;
            self.world.records.forget_ended();
            self.world.phones.iter_mut().for_each(|phone| phone.forget_old(now));
        }
    }

    /// Each agent whose phone rings will answer, refuse or let it ring, as he did then.
    fn decide(&mut self) -> Result<(), String> {
        for agent in 0..self.agents.len() {
            let dialogs = self.world.phones[self.office.phone(agent)].dialogs.values();
            let rings = dialogs.filter(|dialog| matches!(dialog.stage, Stage::Ringing(_)));
            let new: Vec<String> = rings
                .map(|dialog| dialog.call_id.clone())
                .filter(|call_id| !self.agents[agent].decided.contains(call_id))
                .collect();
            for call_id in new {
                self.agents[agent].decided.insert(call_id.clone());
                let nth = self.caller_of(&call_id).ok_or_else(|| format!("{call_id} rings, and nobody called"))?;
                if let Some((after, answers)) = self.behaves(agent, nth) {
                    self.turns.insert((self.world.now + ms(after), Turn::Decides(agent, call_id, answers)));
                }
            }
        }
        Ok(())
    }

    /// After how long he answers that caller (or refuses him): as the same agent did, else as the next one did, else as all do. `None`
    /// where he lets it ring.
    fn behaves(&mut self, agent: usize, nth: usize) -> Option<(u64, bool)> {
        let offers = &self.day.arrivals[nth].offers;
        let name = &self.office.recorded[agent % self.office.recorded.len()];
        let unused = |at: &usize| !self.used.contains(&(nth, *at));
        let own = (0..offers.len()).filter(unused).find(|at| offers[*at].0 == *name);
        // What another one did then, in the order in which they were rung; who was rung beside him is no case of that.
        let other = || (0..offers.len()).filter(unused).find(|at| offers[*at].2 != OfferOutcome::Taken);
        if let Some(at) = own.or_else(other) {
            self.used.insert((nth, at));
            return match offers[at] {
                (_, after, OfferOutcome::Answered) => Some((after, true)),
                (_, after, OfferOutcome::Rejected | OfferOutcome::Failed) => Some((after, false)),
                (_, _, OfferOutcome::TimedOut | OfferOutcome::CallerHungUp | OfferOutcome::Taken) => None,
            };
        }
        let answered = offers.iter().find(|(.., how)| *how == OfferOutcome::Answered);
        Some((answered.map_or(self.means.0, |(_, after, _)| *after), true))
    }

    fn decided(&mut self, agent: usize, call_id: &str, answers: bool) {
        let (now, phone) = (self.world.now, self.office.phone(agent));
        let rings = self.world.phones[phone]
            .dialogs
            .get(call_id)
            .is_some_and(|dialog| matches!(dialog.stage, Stage::Ringing(_)));
        let Some(nth) = self.caller_of(call_id).filter(|_| rings) else { return };
        if answers {
            self.world.phones[phone].answer(now, call_id);
            let talk = self.day.arrivals[nth].handled.map_or(self.means.1, |(talk, _)| talk);
            self.agents[agent].serves = Some((nth, call_id.to_owned()));
            self.turns.insert((now + ms(talk), Turn::Finishes(agent, nth)));
        } else {
            self.world.phones[phone].end_ringing(now, call_id, 486, "Busy Here");
        }
        self.world.phone_speaks(phone);
    }

    /// Lets an agent be where he was then, as soon as his call from a queue and what follows it is over.
    fn stand(&mut self, agent: usize) -> Result<(), String> {
        let doing = &self.agents[agent];
        let (state, call) = self.world.agent_now(agent)?;
        if doing.serves.is_some() {
            return Ok(());
        }
        if call != CallStatus::None {
            // It rings: he goes when that is over.
            self.turns.insert((self.world.now + AGAIN, Turn::Again(agent)));
            return Ok(());
        }
        let wanted = match doing.stance {
            Stance::Ready => AgentState::Ready,
            Stance::Away => AgentState::NotReady,
            Stance::Gone => AgentState::Offline,
        };
        // From offline only online can be picked (AGT-10).
        let steps = match (state, wanted) {
            (state, wanted) if state == wanted => Vec::new(),
            (AgentState::Offline, AgentState::NotReady) => vec![AgentState::Ready, AgentState::NotReady],
            (_, wanted) => vec![wanted],
        };
        for state in steps {
            self.world.act(Act::Agent { agent, order: AgentOrder::Pick(state), by: None })?;
        }
        Ok(())
    }

    /// Who called, by the dialog of the agent who is rung for him.
    fn caller_of(&self, call_id: &str) -> Option<usize> {
        let record = self.world.records.record_of(call_id)?;
        record.legs.values().find_map(|leg| self.dialogs.get(&leg.sip_call_id).copied())
    }
}

/// Reads a file, replays it, and says what came of both.
///
/// # Errors
/// The file is none of facts, there is nothing to replay in it, or something that must not be.
pub fn compare(text: &str, agents: Option<usize>) -> Result<String, String> {
    let day = Day::of(&facts(text)?);
    let (recorded, replayed) = (Figures::recorded(&day), replay(&day, agents)?);
    let mut lines = format!("{} callers, {} agents", day.arrivals.len(), day.agents.len());
    if let Some(agents) = agents {
        lines += &format!("; replayed with {agents}");
    }
    for (queue, waits) in &recorded.0 {
        let again = replayed.0.get(queue).cloned().unwrap_or_default();
        lines += &format!("\n{queue}\n  recorded {waits}\n  replayed {again}");
    }
    Ok(lines)
}

/// The facts as a file has them, a line each.
#[must_use]
pub fn written(facts: &[Fact]) -> String {
    let lines = facts.iter().filter_map(|fact| serde_json::to_string(fact).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// When the day begins.
const OPENS: Duration = Duration::from_secs(60);
/// How soon is asked again whether an agent's phone still rings.
const AGAIN: Duration = Duration::from_millis(200);
/// After so many calls what is over is forgotten.
const FORGET_EVERY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::centre::day::Size;
    use crate::centre::erlang::MODELS;
    use crate::world::record_day;

    /// Where nothing but queues happens, every single wait comes out the same, to the millisecond.
    #[test]
    fn a_recorded_day_replays_to_the_same_waits() {
        for model in MODELS {
            let (facts, waits) = crate::centre::erlang::Model { calls: 150, ..model }.recorded().unwrap();
            let day = Day::of(&read::facts(&written(&facts)).unwrap());
            let (recorded, replayed) = (Figures::recorded(&day), replay(&day, None).unwrap());
            assert_eq!(recorded, replayed, "{model:?}");
            let answered = waits.iter().filter(|wait| !wait.abandoned).count();
            assert_eq!(recorded.0["q0"].answered.len(), answered, "{model:?}");
            let fewer = replay(&day, Some(day.agents.len() - 2)).unwrap();
            assert!(fewer.0["q0"].mean_s() > recorded.0["q0"].mean_s(), "{model:?}: {fewer:?}");
        }
    }

    /// A day with everything in it (breaks, transfers, phones without power, a killed process) comes out much the same.
    #[test]
    fn a_whole_day_replays_to_much_the_same() {
        let facts = record_day(1, Size::SMALL).unwrap_or_else(|wrong| panic!("{wrong}"));
        let day = Day::of(&facts);
        let (recorded, replayed) = (Figures::recorded(&day), replay(&day, None).unwrap());
        let answered = |figures: &Figures| figures.0.values().map(|waits| waits.answered.len()).sum::<usize>() as f64;
        assert!((answered(&replayed) / answered(&recorded) - 1.0).abs() < 0.1, "{recorded:?}\n{replayed:?}");
    }

    #[test]
    fn a_file_without_callers_is_refused() {
        assert!(compare("", None).unwrap_err().starts_with("nobody called a queue"));
        assert!(compare("{}", None).unwrap_err().starts_with("value 1"));
    }
}
