//! Queue waits of the production distribution against queueing theory, when the model's assumptions are set: Poisson arrivals,
//! exponential handle times and patience, agents that answer at once and are idle at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use switch::queue::staffing::{Demand, Forecast, forecast};
use switch::queue::{
    AgentId, Availability, Decision, Distribution, EntryId, Exit, Join, Level, Member, OfferEnd, Presence, QueueId,
    QueueSettings, Strategy, Waits,
};

const QUEUE: QueueId = QueueId(1);
const AGENTS: u32 = 20;
const HANDLE: u64 = 180;
const CALLS: usize = 400_000;

/// A clock of events in ms.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives,
    HangsUp(u64),
    Finished(u32),
}

struct Draws(u64);

impl Draws {
    /// SplitMix64; not the generator of the product.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn exponential_us(&mut self, mean_us: f64) -> u64 {
        (-(1.0 - self.uniform()).ln() * mean_us) as u64
    }
}

/// Who is served next: the product, or a line that a fault turned round.
enum Line {
    Product(Box<Distribution>),
    LastInFirstOut { waiting: Vec<u64>, idle: Vec<u32> },
}

impl Line {
    fn product() -> Self {
        let mut core = Distribution::new();
        let settings = QueueSettings {
            strategy: Strategy::LongestIdle,
            max_wait: None,
            max_length: u32::MAX,
            ..QueueSettings::default()
        };
        core.set_queue(QUEUE, settings);
        for agent in (1..=AGENTS).map(AgentId) {
            core.set_memberships(
                Duration::ZERO,
                agent,
                &BTreeMap::from([(QUEUE, Member { level: Level::FIRST, order: 0 })]),
            );
            core.set_signed_in(Duration::ZERO, agent, Presence::SignedIn);
            core.set_offerable(Duration::ZERO, agent, Availability::Idle);
        }
        Self::Product(Box::new(core))
    }

    fn arrives(&mut self, now: Duration, caller: u64) {
        match self {
            Self::Product(core) => {
                let join = Join {
                    entry: EntryId(caller),
                    queue: QUEUE,
                    priority: 0,
                    waited: Duration::ZERO,
                    stayed: Duration::ZERO,
                    sticky: None,
                    waits: Waits::OnTheLine,
                };
                core.enter(now, &join).expect("the line has no end");
            }
            Self::LastInFirstOut { waiting, .. } => waiting.push(caller),
        }
    }

    fn hangs_up(&mut self, caller: u64) {
        match self {
            Self::Product(core) => core.leave(EntryId(caller), Exit::HungUp),
            Self::LastInFirstOut { waiting, .. } => waiting.retain(|other| *other != caller),
        }
    }

    fn finished(&mut self, now: Duration, agent: u32) {
        match self {
            Self::Product(core) => core.set_offerable(now, AgentId(agent), Availability::Idle),
            Self::LastInFirstOut { idle, .. } => idle.push(agent),
        }
    }

    /// The next caller who is served, and by whom.
    fn served(&mut self, now: Duration) -> Option<(u64, u32)> {
        match self {
            Self::Product(core) => {
                let Decision::Offer(offer) = core.poll_decision()? else { panic!("nobody is sent away") };
                assert!(core.offer_ended(now, offer.offer, OfferEnd::Answered));
                Some((offer.entry.0, offer.agent.0))
            }
            Self::LastInFirstOut { waiting, idle } => {
                if waiting.is_empty() || idle.is_empty() {
                    return None;
                }
                waiting.pop().zip(idle.pop())
            }
        }
    }
}

/// What was seen: waits of all callers in seconds, and the share that hung up.
struct Seen {
    waits: Vec<f64>,
    abandoned: f64,
}

fn day(mut line: Line, demand: &Demand) -> Seen {
    let mut draws = Draws(7);
    let (arrival, handle) = (3_600e6 / demand.calls_per_hour, demand.handle_time.as_secs_f64() * 1e6);
    let mut events: BTreeSet<(u64, u64, Event)> = BTreeSet::from([(0, 0, Event::Arrives)]);
    let mut arrived: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut waits, mut abandoned, mut number, mut order) = (Vec::new(), 0, 0u64, 0u64);
    while waits.len() < CALLS {
        let (at, _, event) = events.pop_first().expect("somebody always arrives");
        let now = Duration::from_micros(at);
        let mut plan = |delay: u64, event: Event| {
            order += 1;
            events.insert((at + delay, order, event));
        };
        match event {
            Event::Arrives => {
                number += 1;
                arrived.insert(number, at);
                line.arrives(now, number);
                plan(draws.exponential_us(arrival), Event::Arrives);
                if let Some(patience) = demand.patience {
                    plan(draws.exponential_us(patience.as_secs_f64() * 1e6), Event::HangsUp(number));
                }
            }
            Event::HangsUp(caller) => {
                if let Some(since) = arrived.remove(&caller) {
                    line.hangs_up(caller);
                    waits.push((at - since) as f64 / 1e6);
                    abandoned += 1;
                }
            }
            Event::Finished(agent) => line.finished(now, agent),
        }
        while let Some((caller, agent)) = line.served(now) {
            let since = arrived.remove(&caller).expect("each is served once");
            waits.push((at - since) as f64 / 1e6);
            plan(draws.exponential_us(handle), Event::Finished(agent));
        }
    }
    waits.sort_by(f64::total_cmp);
    let abandoned = f64::from(abandoned) / waits.len() as f64;
    Seen { waits, abandoned }
}

/// Whether what was seen is what theory says, within 5 %.
fn agrees(seen: &Seen, theory: &Forecast) -> Result<(), String> {
    let calls = seen.waits.len() as f64;
    let mean = seen.waits.iter().sum::<f64>() / calls;
    let waited = seen.waits.iter().filter(|wait| **wait > 0.0).count() as f64 / calls;
    let p95 = seen.waits[(calls * 0.95) as usize];
    for (what, seen, theory) in [
        ("mean wait", mean, theory.mean_wait.as_secs_f64()),
        ("P(wait)", waited, theory.wait_probability),
        ("p95 of the wait", p95, theory.p95_wait.as_secs_f64()),
        ("share that hung up", seen.abandoned + 1.0, theory.abandoned + 1.0),
    ] {
        if (seen / theory - 1.0).abs() > 0.05 {
            return Err(format!("{what}: {seen:.3}, theory says {theory:.3}"));
        }
    }
    Ok(())
}

fn demand(patience: Option<u64>, calls_per_hour: f64) -> Demand {
    let patience = patience.map(Duration::from_secs);
    Demand { calls_per_hour, handle_time: Duration::from_secs(HANDLE), patience }
}

#[test]
fn waits_agree_with_erlang_c_and_a() {
    for demand in [demand(None, 360.0), demand(Some(120), 400.0), demand(Some(60), 480.0)] {
        let theory = forecast(&demand, AGENTS, Duration::from_secs(20)).unwrap();
        agrees(&day(Line::product(), &demand), &theory).unwrap_or_else(|error| panic!("{demand:?}: {error}"));
    }
}

#[test]
fn a_line_that_serves_the_last_first_does_not() {
    let demand = demand(None, 360.0);
    let theory = forecast(&demand, AGENTS, Duration::from_secs(20)).unwrap();
    let turned = Line::LastInFirstOut { waiting: Vec::new(), idle: (1..=AGENTS).collect() };
    let error = agrees(&day(turned, &demand), &theory).unwrap_err();
    assert!(error.starts_with("p95"), "the mean is the same, the long waits are not: {error}");
}
