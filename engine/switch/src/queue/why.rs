//! Why an agent was chosen, for people who ask.

use std::time::Duration;

use super::{AgentId, Level, Strategy};

/// Why this agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The rule that chose.
    pub rule: Rule,
    /// How long the caller had waited.
    pub waited: Duration,
    /// How many idle agents there were to choose from.
    pub idle: u32,
    /// The first of them in the order of the rule, the chosen one among them; five at most.
    pub candidates: Vec<Candidate>,
}

/// The rule that chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A caller came, or could be offered to more: the queue's strategy chose an agent, of those up to a level.
    Agent(Strategy, Level),
    /// The agent became idle: he got the first in line of those he may have.
    FirstInLine,
    /// The caller's own agent.
    Own,
}

/// One who could have been rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub agent: AgentId,
    /// At which level.
    pub level: Level,
    /// Idle for so long.
    pub idle_for: Duration,
    /// So many calls answered today.
    pub answered_today: u32,
    /// Not rung, because he rejected this caller a moment ago.
    pub rejected: bool,
}

/// Candidates that are kept with an offer.
pub(super) const CANDIDATES_SHOWN: usize = 5;
