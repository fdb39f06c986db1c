//! The call centre in which a recorded day is lived through again: queues as they seem to have been set, agents with phones that do what
//! they are told, and lines for all who call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dialplan::flow::Flow;
use dialplan::plan::{Destination, DidPattern, InboundRoute};
use hooks::fact::{AgentState, CallStatus};
use switch::agent::{AfterCall, AgentRules};
use switch::config::{Queue, TenantConfig, Version};
use switch::queue::{Level, Member, QueueSettings, Strategy, Widening};

use super::settings::{self, Site};
use super::{Centre, erlang};
use crate::replay::{Arrival, Day, Known};
use crate::world::World;

/// Who is where in it.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    site: Site,
    /// The numbers that lead to a queue with a priority.
    numbers: BTreeMap<(String, u8), String>,
    /// The agents as they are called in the recording.
    pub(crate) recorded: Vec<String>,
}

impl Office {
    /// The phone of an agent.
    pub(crate) fn phone(&self, agent: usize) -> usize {
        debug_assert!(agent < self.site.agents.len(), "there are no more agents");
        agent
    }

    /// The line by which somebody calls.
    pub(crate) fn line(&self, nth: usize) -> usize {
        self.site.caller(nth % LINES)
    }

    /// What he dials.
    pub(crate) fn number(&self, arrival: &Arrival) -> &str {
        &self.numbers[&(arrival.queue.clone(), arrival.priority)]
    }
}

impl World {
    /// The state of an agent and of his call, by what is written down.
    pub(crate) fn agent_now(&self, agent: usize) -> Result<(AgentState, CallStatus), String> {
        let centre = self.centre.as_ref().ok_or("there are no agents")?;
        let told = centre.agents.get(&centre.site.agents[agent])?;
        Ok((told.state, told.call))
    }
}

/// A world with so many agents: those of the day, or some of them, or each several times.
pub(crate) fn office(day: &Day, agents: usize) -> Result<(World, Office), String> {
    let site = Site::new(agents, 0, LINES);
    let recorded: Vec<String> = day.agents.keys().cloned().collect();
    let rules = AgentRules { after_call: AfterCall::WrapUp, missed_limit: 0 };
    let mut numbers = BTreeMap::new();
    let world = erlang::led_world(&site, |tenant| {
        settings::staff(tenant, &site, Vec::new(), || rules);
        for (name, known) in &day.queues {
            let queue =
                queue(name, known, &site, &recorded).ok_or_else(|| format!("no queue can be called {name:?}"))?;
            tenant.queues.insert(queue.name.clone(), Arc::new(queue));
        }
        for arrival in &day.arrivals {
            let key = (arrival.queue.clone(), arrival.priority);
            if !numbers.contains_key(&key) {
                let number = format!("0106{:07}", numbers.len());
                lead(tenant, &number, &arrival.queue, arrival.priority);
                numbers.insert(key, number);
            }
        }
        Ok(Centre::new(site.clone(), tenant, crate::world::BEGAN_MS))
    })?;
    Ok((world, Office { site: site.clone(), numbers, recorded }))
}

fn queue(name: &str, known: &Known, site: &Site, recorded: &[String]) -> Option<Queue> {
    let ms = |ms: Option<u64>| ms.map(Duration::from_millis);
    let settings = QueueSettings {
        strategy: known.strategy.unwrap_or(Strategy::LongestIdle),
        ring_timeout: ms(known.ring).unwrap_or(RING),
        max_wait: ms(known.max_wait),
        max_length: known.max_length.unwrap_or(u32::MAX),
        target: Duration::from_millis(known.target.unwrap_or(TARGET)),
        announcements: None,
        widening: widening(known),
    };
    let mut members = BTreeMap::new();
    for (nth, agent) in site.agents.iter().enumerate() {
        if let Some(level) = known.members.get(&recorded[nth % recorded.len()]) {
            let member = Member { level: Level::new(*level).unwrap_or(Level::FIRST), order: 0 };
            members.insert(agent.parse().ok()?, member);
        }
    }
    Some(Queue { name: name.parse().ok()?, ..settings::plain(0, settings, members, None) })
}

/// Levels that were not asked at once.
fn widening(known: &Known) -> Vec<Widening> {
    if known.levels.keys().all(|level| *level == Level::LAST.get()) {
        return Vec::new();
    }
    // Where a later level was asked, those before it were, too.
    let mut widening: Vec<Widening> = Vec::new();
    for (level, after) in known.levels.iter().rev() {
        let after = Duration::from_millis(*after);
        if widening.last().is_none_or(|later| after < later.after) {
            widening.extend(Level::new(*level).map(|level| Widening { after, level }));
        }
    }
    widening.reverse();
    widening
}

/// A number that leads to a queue; with a priority by a flow.
fn lead(tenant: &mut TenantConfig, number: &str, queue: &str, priority: u8) {
    let did = DidPattern::Exact(number.to_owned());
    let to = match priority {
        0 => Destination::Queue(queue.parse().expect("it was made before")),
        priority => {
            let flow = serde_json::json!({
                "name": format!("f{number}"), "start": "wait",
                "nodes": {
                    "wait": {"step": "queue", "queue": queue, "priority": priority, "max_wait": "bye"},
                    "bye": {"step": "hang_up", "parts": ["ivr_goodbye"]},
                },
            });
            let flow = Flow::read(flow).expect("a flow");
            let name = flow.name.clone();
            tenant.flows.insert(name.clone(), Version { number: 1, flow: Arc::new(flow) });
            Destination::Flow(name)
        }
    };
    tenant.plan.inbound.insert(0, InboundRoute { trunk: None, did, to, hours: None });
}

/// Lines that people outside call by.
const LINES: usize = 20;
/// How long an agent is rung where nobody let it ring to the end.
const RING: Duration = Duration::from_secs(20);
/// The target where nobody was answered within one, ms.
pub(crate) const TARGET: u64 = 20_000;
