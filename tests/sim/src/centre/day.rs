//! A day of a call centre: agents come, have breaks, are ordered about and go; people outside call all day; phones lose their power and
//! the process is killed.

use std::time::Duration;

use hooks::fact::AgentState;
use switch::agent::{AfterCall, AgentRules, Force};
use switch::config::Queue;
use switch::input::AgentOrder;
use switch::queue::QueueSettings;

use super::Centre;
use super::happen::Act;
use super::people::{sign_in, supervision};
use super::settings::{self, Site};
use crate::happen::Happening;
use crate::net::Weather;
use crate::phone::{Habits, Phone};
use crate::rng::Rng;
use crate::settings::{People, node_of, tenant};
use crate::world::{BEGAN_MS, Parts, STABLE, Span, World};

/// How big a day is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Agents.
    pub agents: usize,
    /// Calls from outside.
    pub calls: usize,
    /// How long people call.
    pub hours: u64,
}

impl Size {
    /// 50 agents and 5,000 calls in eight hours.
    pub const WHOLE: Self = Self { agents: 50, calls: 5_000, hours: 8 };
    /// One that is over in a moment.
    pub const SMALL: Self = Self { agents: 8, calls: 300, hours: 3 };

    fn open(self) -> Duration {
        Duration::from_secs(self.hours * 3_600)
    }
}

/// A world in which a day passes.
pub(crate) fn day(seed: u64, size: Size) -> World {
    let mut rng = Rng::new(seed);
    let weather = Weather::calm(&mut rng);
    let site = Site::new(size.agents, QUEUES, LINES).with_boss();
    let people = People::of_centre(&site.extensions, &site.numbers(), &mut rng);
    let mut tenant = tenant(&people, &mut rng);
    let queues = (0..QUEUES).map(|n| queue(n, &site, &mut rng)).collect();
    let mut of_rules = rng.fork();
    settings::staff(&mut tenant, &site, queues, || rules(&mut of_rules));
    settings::add_vip(&mut tenant, &site);
    settings::know_callers(&mut tenant, &site, &mut rng);
    let outside = Habits {
        strange_codec: 0,
        busy: 250,
        garbage: 0,
        vanishes: 0,
        presses: 600,
        talk_ms: CALLERS_MS,
        ..Habits::default()
    };
    let mut specs = site.specs(&people, || outside.clone());
    for spec in specs.iter_mut().take(size.agents) {
        let habits = Habits {
            answers: 930,
            busy: 20,
            rejects: 20,
            vanishes: 0,
            transfers: 60,
            talk_ms: AGENTS_MS,
            ..spec.habits.clone()
        };
        spec.habits = habits;
    }
    let phones: Vec<Phone> = specs.into_iter().map(|spec| Phone::new(spec, Duration::ZERO, rng.fork())).collect();
    let happenings = plan(&site, size, &mut rng);
    let centre = Centre::new(site, &tenant, BEGAN_MS);
    let mut world = World::of(Parts {
        phones,
        tenant,
        node: node_of(400, 21_999),
        weather,
        happenings,
        stranger: None,
        bind_failures: 0,
        media_delay_ms: 30,
        stable: STABLE,
        rng,
    });
    for nth in 0..size.calls {
        let at = Duration::from_millis(world.rng.below(u64::try_from(size.open().as_millis()).unwrap_or(u64::MAX)));
        let did = world.rng.pick(&centre.site.dids).clone();
        world.phones[centre.site.caller(nth % LINES)].will_dial(OPENS + at, &did);
    }
    world.span = Span { lived: OPENS + size.open() + CLOSES, listen_every: Duration::from_secs(15), steps: 20_000_000 };
    world.centre = Some(Box::new(centre));
    world
}

fn plan(site: &Site, size: Size, rng: &mut Rng) -> Vec<(Duration, Happening)> {
    let mut plan = Vec::new();
    for agent in 0..site.agents.len() {
        let act = |order: AgentOrder| Happening::Centre(Act::Agent { agent, order, by: None });
        let comes = Duration::from_millis(rng.between(1_000, 110_000));
        plan.push((comes, act(sign_in())));
        plan.push((comes + Duration::from_secs(1), act(AgentOrder::Pick(AgentState::Ready))));
        let routine = Duration::from_secs(rng.between(300, 1_800));
        plan.push((OPENS + routine, Happening::Centre(Act::Routine(agent))));
        plan.push((OPENS + size.open() + CLOSES / 2, act(AgentOrder::SignOut)));
    }
    plan.push((OPENS, Happening::Centre(Act::Meddle)));
    plan.push((OPENS + size.open() + CLOSES, Happening::Centre(Act::CancelCallbacks)));
    for _ in 0..size.hours.div_ceil(2) {
        plan.push((OPENS + Duration::from_millis(rng.below(size.hours * 3_600_000)), Happening::Crash));
    }
    plan
}

/// What an agent does beside his calls, and for how long.
pub(super) fn routine(rng: &mut Rng) -> (AgentOrder, Duration) {
    if rng.chance(80) {
        return (AgentOrder::MobileSignIn(None), Duration::from_secs(rng.between(300, 3_600)));
    }
    let (state, from, to) = match rng.below(10) {
        0..=3 => (AgentState::OnBreak, 120, 900),
        4 | 5 => (AgentState::NotReady, 60, 600),
        6 => (AgentState::WrapUp, 20, 200),
        7 => (AgentState::Offline, 60, 600),
        _ => (AgentState::Ready, 10, 60),
    };
    (AgentOrder::Pick(state), Duration::from_secs(rng.between(from, to)))
}

/// What somebody does about one of the agents: orders him about, orders something in his call, or takes his phone's power.
pub(super) fn meddling(site: &Site, rng: &mut Rng) -> Act {
    let agent = usize::try_from(rng.below(site.agents.len() as u64)).unwrap_or(0);
    match rng.below(14) {
        13 => Act::CancelCallback,
        10..=12 => Act::Supervise(supervision(rng)),
        0..=2 => {
            let force = *rng.pick(&[Force::Busy, Force::Ready, Force::Ready, Force::SignOut]);
            Act::Agent { agent, order: AgentOrder::Force(force), by: Some("boss".to_owned()) }
        }
        3 => Act::Replug(agent, Duration::from_secs(rng.between(1, 400))),
        _ => Act::Call(super::people::ordered(site, rng)),
    }
}

fn queue(n: usize, site: &Site, rng: &mut Rng) -> Queue {
    let by_chance = settings::queue_by_chance(n, site, rng);
    let settings = QueueSettings {
        ring_timeout: Duration::from_secs(rng.between(15, 25)),
        max_wait: Some(Duration::from_secs(rng.between(60, 180))),
        max_length: 50,
        ..by_chance.settings.clone()
    };
    let wrap_up_max = Some(Duration::from_secs(rng.between(5, 40)));
    Queue { settings, wrap_up_max, ..by_chance }
}

fn rules(rng: &mut Rng) -> AgentRules {
    AgentRules { after_call: if rng.chance(700) { AfterCall::WrapUp } else { AfterCall::Ready }, missed_limit: 3 }
}

/// Queues of a day.
const QUEUES: usize = 4;
/// Lines that people outside call by, each many times a day, also at the same time.
const LINES: usize = 20;
/// How long people outside stay, those who wait included.
const CALLERS_MS: (u64, u64) = (15_000, 500_000);
/// How long an agent talks at the most.
const AGENTS_MS: (u64, u64) = (5_000, 300_000);
/// Agents come before the first call, and stay after the last.
const OPENS: Duration = Duration::from_secs(120);
const CLOSES: Duration = Duration::from_secs(1_200);
