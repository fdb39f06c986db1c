//! Small worlds, explored: three phones, one call and a transfer, in every order of events that the alphabet has.
//!
//! The switch is the one of production, driven as the simulator drives it and judged by the same oracles. It cannot be copied, so a
//! state is reached by repeating the choices that led to it. States that look alike (`likeness`) are explored once; ADR 0102
//! says what that leaves out.

mod choice;
mod floor;
mod likeness;
mod small;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::rng::Rng;

pub use floor::{HOURS, Hours};
pub use small::{SCENARIOS, Scenario};

use floor::Floor;
use small::Small;

/// How far an exploration goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Different states.
    pub states: usize,
    /// CPU time, by the clock that is asked.
    pub time: Option<(fn() -> Duration, Duration)>,
}

/// What an exploration came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// Steps from one to another, those to a state known before too.
    pub steps: usize,
    /// States in which everything was over.
    pub ends: usize,
    /// States that are known and were not gone on from.
    pub frontier: usize,
    /// The most choices that led to a state.
    pub depth: usize,
    /// Known states that were reached again and compared with the first time, and those that went on differently.
    pub compared: (usize, usize),
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, ends, frontier, depth, compared } = self;
        match frontier {
            0 => write!(f, "closed: {states} states")?,
            frontier => write!(f, "not closed at {states} states, frontier {frontier}")?,
        }
        write!(f, " ({steps} steps, {ends} ends, {depth} deep; {} alike of {})", compared.0 - compared.1, compared.0)
    }
}

/// What went wrong, and the way there.
#[derive(Debug)]
pub struct Astray {
    scenario: &'static str,
    what: String,
    ladder: Vec<String>,
}

impl fmt::Display for Astray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.ladder {
            writeln!(f, "{line}")?;
        }
        write!(f, "small world {}: {}", self.scenario, self.what)
    }
}

/// A world that can be explored.
trait Explorable: Sized {
    /// What it begins with.
    type Scenario;
    /// What may happen next.
    type Choice: Copy + PartialEq + fmt::Debug;

    fn begin(scenario: &Self::Scenario, tells: bool) -> Result<Self, String>;
    fn name(scenario: &Self::Scenario) -> &'static str;
    /// Everything that may happen now.
    fn choices(&self) -> Vec<Self::Choice>;
    /// Lets it happen, and checks what must hold then.
    fn choose(&mut self, choice: Self::Choice) -> Result<(), String>;
    /// Everything is over, and nothing is left.
    fn is_over(&self) -> bool;
    /// What states that are explored once have in common.
    fn likeness(&self) -> u128;
    /// Says in the ladder what is chosen.
    fn tell_choice(&mut self, choice: Self::Choice);
    fn into_ladder(self) -> Vec<String>;
}

/// A state as it was reached first.
struct Node<C> {
    parent: usize,
    choice: Option<C>,
    depth: usize,
}

/// Explores a small call centre.
///
/// # Errors
/// The first thing that must not be, with the way to it.
pub fn explore_floor(hours: &Hours, limits: Limits) -> Result<Explored, Box<Astray>> {
    explore_world::<Floor>(hours, limits)
}

/// Explores a scenario.
///
/// # Errors
/// The first thing that must not be, with the way to it.
pub fn explore(scenario: &Scenario, limits: Limits) -> Result<Explored, Box<Astray>> {
    explore_world::<Small>(scenario, limits)
}

fn explore_world<W: Explorable>(scenario: &W::Scenario, limits: Limits) -> Result<Explored, Box<Astray>> {
    let began = limits.time.map(|(clock, _)| clock());
    let mut nodes = vec![Node { parent: 0, choice: None, depth: 0 }];
    let mut known = BTreeMap::from([(replay::<W>(scenario, &[])?.likeness(), 0)]);
    let mut explored = Explored { states: 1, ..Explored::default() };
    let (mut frontier, mut rng) = (VecDeque::from([0]), Rng::new(1));
    while nodes.len() < limits.states
        && let Some(next) = pick(&mut frontier, &mut rng)
    {
        if let (Some((clock, most)), Some(began)) = (limits.time, began)
            && clock() - began > most
        {
            frontier.push_back(next);
            break;
        }
        let path = path(&nodes, next);
        let mut here = Some(replay::<W>(scenario, &path)?);
        let choices = here.as_ref().map(W::choices).unwrap_or_default();
        if choices.is_empty() {
            if !here.as_ref().is_some_and(W::is_over) {
                return Err(wrong::<W>(scenario, &path, "nothing can happen any more, and not all is over".to_owned()));
            }
            explored.ends += 1;
        }
        for choice in choices {
            let mut world = match here.take() {
                Some(world) => world,
                None => replay::<W>(scenario, &path)?,
            };
            step(&mut world, scenario, &path, choice)?;
            explored.steps += 1;
            let likeness = world.likeness();
            match known.get(&likeness) {
                None => {
                    known.insert(likeness, nodes.len());
                    frontier.push_back(nodes.len());
                    let depth = nodes[next].depth + 1;
                    explored.depth = explored.depth.max(depth);
                    nodes.push(Node { parent: next, choice: Some(choice), depth });
                }
                Some(first) if explored.steps.is_multiple_of(COMPARE_EVERY) => {
                    let again = [path.as_slice(), &[choice]].concat();
                    explored.compared.0 += 1;
                    explored.compared.1 +=
                        usize::from(!goes_on_alike::<W>(scenario, &self::path(&nodes, *first), &again)?);
                }
                Some(_) => {}
            }
        }
    }
    explored.states = nodes.len();
    explored.frontier = frontier.len();
    Ok(explored)
}

/// Where to go on: by turns at the oldest state, so that short ways are found, at the newest, so that ends are reached early, and
/// anywhere.
fn pick(frontier: &mut VecDeque<usize>, rng: &mut Rng) -> Option<usize> {
    match rng.below(3) {
        0 => frontier.pop_front(),
        1 => frontier.pop_back(),
        _ => {
            let at = usize::try_from(rng.below(frontier.len() as u64)).unwrap_or(0);
            frontier.swap_remove_back(at)
        }
    }
}

/// The choices that lead to a state.
fn path<C: Copy>(nodes: &[Node<C>], mut at: usize) -> Vec<C> {
    let mut path = Vec::with_capacity(nodes[at].depth);
    while let Some(choice) = nodes[at].choice {
        path.push(choice);
        at = nodes[at].parent;
    }
    path.reverse();
    path
}

fn replay<W: Explorable>(scenario: &W::Scenario, path: &[W::Choice]) -> Result<W, Box<Astray>> {
    let mut world = W::begin(scenario, false).map_err(|what| wrong::<W>(scenario, &[], what))?;
    for choice in path {
        world.choose(*choice).map_err(|what| wrong::<W>(scenario, path, what))?;
    }
    Ok(world)
}

/// One more choice. Where it goes wrong the way there is told.
fn step<W: Explorable>(
    world: &mut W,
    scenario: &W::Scenario,
    path: &[W::Choice],
    choice: W::Choice,
) -> Result<(), Box<Astray>> {
    world.choose(choice).map_err(|what| {
        let way = [path, &[choice]].concat();
        wrong::<W>(scenario, &way, what)
    })
}

/// Whether two states that look alike have the same choices, and look alike after each.
fn goes_on_alike<W: Explorable>(
    scenario: &W::Scenario,
    one: &[W::Choice],
    other: &[W::Choice],
) -> Result<bool, Box<Astray>> {
    let choices = replay::<W>(scenario, one)?.choices();
    if choices != replay::<W>(scenario, other)?.choices() {
        return Ok(false);
    }
    for choice in choices {
        let [mut here, mut there] = [replay::<W>(scenario, one)?, replay::<W>(scenario, other)?];
        step(&mut here, scenario, one, choice)?;
        step(&mut there, scenario, other, choice)?;
        if here.likeness() != there.likeness() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What went wrong, with the choices between the lines of the ladder.
fn wrong<W: Explorable>(scenario: &W::Scenario, way: &[W::Choice], what: String) -> Box<Astray> {
    let mut ladder = Vec::new();
    if let Ok(mut world) = W::begin(scenario, true) {
        for choice in way {
            world.tell_choice(*choice);
            if world.choose(*choice).is_err() {
                break;
            }
        }
        ladder = world.into_ladder();
    }
    Box::new(Astray { scenario: W::name(scenario), what, ladder })
}

/// Every so many steps to a known state are compared with the first way there.
const COMPARE_EVERY: usize = 61;

#[cfg(test)]
mod tests {
    use super::choice::Choice;
    use super::*;

    #[test]
    fn a_call_is_explored_to_its_end() {
        let limits = Limits { states: 100_000, time: None };
        let explored = explore(&SCENARIOS[0], limits).unwrap_or_else(|astray| panic!("{astray}"));
        assert_eq!(explored.frontier, 0, "{explored}");
        assert!(explored.ends > 3, "{explored}");
        assert_eq!(explored.compared.1, 0, "{explored}");
    }

    #[test]
    fn a_small_call_centre_is_explored_to_its_end() {
        let limits = Limits { states: 100_000, time: None };
        let hours = Hours { callers: 1, picks: 1, ..HOURS[0] };
        let explored = explore_floor(&hours, limits).unwrap_or_else(|astray| panic!("{astray}"));
        assert_eq!(explored.frontier, 0, "{explored}");
        assert!(explored.ends > 3, "{explored}");
    }

    #[test]
    fn what_is_wrong_is_told_with_the_way_there() {
        let way = [Choice::Arrive(crate::net::To::Phone(1)), Choice::Wait];
        let astray = wrong::<Small>(&SCENARIOS[0], &way, "nothing".to_owned()).to_string();
        assert!(astray.contains("---- Arrive(Phone(1)) ----"), "{astray}");
        assert!(astray.contains("180 Ringing"), "{astray}");
        assert!(astray.ends_with("small world call: nothing"), "{astray}");
    }
}
