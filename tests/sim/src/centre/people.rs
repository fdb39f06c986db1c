//! What people do in a small call centre: when they sign in, have a break, call, and what goes wrong.

use std::time::Duration;

use hooks::fact::{AgentState, Supervision, Way};
use switch::agent::Force;
use switch::input::{AgentOrder, SignIn};

use super::Centre;
use super::happen::{Act, Ordered};
use super::settings::{self, Site};
use crate::happen::Happening;
use crate::net::Weather;
use crate::phone::{Habits, Phone};
use crate::rng::Rng;
use crate::settings::{People, roomy_node, tenant};
use crate::world::{BEGAN_MS, LIVED, Parts, STABLE, World};

/// A world with a call centre.
pub(crate) fn centre_by_chance(seed: u64) -> World {
    let mut rng = Rng::new(seed);
    let weather = if rng.chance(400) { Weather::calm(&mut rng) } else { Weather::by_chance(&mut rng) };
    let count = |rng: &mut Rng, from, to| usize::try_from(rng.between(from, to)).unwrap_or(1);
    let site = Site::new(count(&mut rng, 2, 5), count(&mut rng, 1, 3), count(&mut rng, 3, 9));
    let site = if rng.chance(400) { site.with_boss() } else { site };
    let people = People::of_centre(&site.extensions, &site.numbers(), &mut rng);
    let mut tenant = tenant(&people, &mut rng);
    let queues = (0..site.queues.len()).map(|n| settings::queue_by_chance(n, &site, &mut rng)).collect();
    let mut of_rules = rng.fork();
    settings::staff(&mut tenant, &site, queues, || settings::rules_by_chance(&mut of_rules));
    settings::add_vip(&mut tenant, &site);
    settings::know_callers(&mut tenant, &site, &mut rng);
    let outside = || Habits { strange_codec: 0, busy: 250, garbage: 0, presses: 600, ..Habits::default() };
    let specs = site.specs(&people, outside);
    let phones: Vec<Phone> = specs.into_iter().map(|spec| Phone::new(spec, Duration::ZERO, rng.fork())).collect();
    let happenings = plan(&site, &mut rng);
    let centre = Centre::new(site, &tenant, BEGAN_MS);
    let mut world = World::of(Parts {
        phones,
        tenant,
        node: roomy_node(),
        weather,
        happenings,
        stranger: None,
        bind_failures: if rng.chance(80) { rng.between(20, 200) } else { 0 },
        media_delay_ms: if rng.chance(100) { 5_000 } else { 30 },
        stable: STABLE,
        rng,
    });
    plan_calls(&mut world, &centre.site);
    world.centre = Some(Box::new(centre));
    world
}

/// Somebody calls, outside and inside.
fn plan_calls(world: &mut World, site: &Site) {
    let end = u64::try_from(LIVED.as_millis()).unwrap_or(u64::MAX) - 30_000;
    for nth in 0..site.callers {
        for _ in 0..world.rng.between(1, 5) {
            let at = Duration::from_millis(world.rng.between(3_000, end));
            let did = world.rng.pick(&site.dids).clone();
            world.phones[site.caller(nth)].will_dial(at, &did);
        }
    }
    let numbers = [site.numbers(), vec!["110".to_owned()]].concat();
    for phone in 0..site.extensions.len() {
        for _ in 0..world.rng.below(4) {
            let at = Duration::from_millis(world.rng.between(3_000, end));
            let number = world.rng.pick(&numbers).clone();
            if number != world.phones[phone].user {
                world.phones[phone].will_dial(at, &number);
            }
        }
    }
}

fn plan(site: &Site, rng: &mut Rng) -> Vec<(Duration, Happening)> {
    let mut plan = Vec::new();
    let end = u64::try_from(LIVED.as_millis()).unwrap_or(u64::MAX) - 20_000;
    let at = |rng: &mut Rng| Duration::from_millis(rng.between(2_000, end));
    for agent in 0..site.agents.len() {
        let act = |order: AgentOrder| Happening::Centre(Act::Agent { agent, order, by: None });
        let comes = rng.between(200, 12_000);
        plan.push((Duration::from_millis(comes), act(sign_in())));
        plan.push((Duration::from_millis(comes + rng.between(1, 2_000)), act(AgentOrder::Pick(AgentState::Ready))));
        for _ in 0..rng.between(2, 14) {
            plan.push((at(rng), act(order(rng))));
        }
        for _ in 0..rng.below(3) {
            let force = *rng.pick(&[Force::Busy, Force::Ready, Force::Ready, Force::SignOut]);
            let (order, by) = (AgentOrder::Force(force), Some("boss".to_owned()));
            plan.push((at(rng), Happening::Centre(Act::Agent { agent, order, by })));
        }
        if rng.chance(300) {
            let away = rng.between(1_000, 200_000);
            let gone = at(rng);
            plan.push((gone, Happening::Centre(Act::Unplug(agent))));
            plan.push((gone + Duration::from_millis(away), Happening::Centre(Act::Plug(agent))));
        }
        if rng.chance(250) {
            plan.push((at(rng), Happening::Reboot(agent)));
        }
        if rng.chance(150) {
            plan.push((at(rng), Happening::Part(agent, Duration::from_millis(rng.between(200, 60_000)))));
        }
    }
    for _ in 0..rng.below(3) {
        plan.push((at(rng), Happening::Centre(Act::CancelCallback)));
    }
    plan.push((LIVED, Happening::Centre(Act::CancelCallbacks)));
    for _ in 0..rng.below(30) {
        plan.push((at(rng), Happening::Centre(Act::Call(ordered(site, rng)))));
    }
    for _ in 0..if site.has_boss { rng.between(4, 30) } else { 0 } {
        plan.push((at(rng), Happening::Centre(Act::Supervise(supervision(rng)))));
    }
    for _ in 0..rng.below(4) {
        plan.push((at(rng), Happening::Hangup));
    }
    for _ in 0..rng.below(3) {
        let from = rng.pick(&site.extensions).clone();
        plan.push((at(rng), Happening::Originate { from, to: rng.pick(&site.numbers()).clone() }));
    }
    for _ in 0..if rng.chance(400) { rng.between(1, 3) } else { 0 } {
        plan.push((at(rng), Happening::Crash));
    }
    plan.push((Duration::from_secs(400), Happening::TidyUp));
    plan
}

/// With the phone on his desk, on his own extension.
pub(super) fn sign_in() -> AgentOrder {
    AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None })
}

/// What an agent asks for now and then: mostly to be online.
fn order(rng: &mut Rng) -> AgentOrder {
    match rng.below(24) {
        20 | 21 => AgentOrder::MobileSignIn(None),
        22 => AgentOrder::MobileSignOut,
        0 => AgentOrder::SignOut,
        1..=2 => sign_in(),
        3 => AgentOrder::Pick(AgentState::Offline),
        4..=5 => AgentOrder::Pick(AgentState::NotReady),
        6..=7 => AgentOrder::Pick(AgentState::OnBreak),
        8 => AgentOrder::Pick(AgentState::WrapUp),
        _ => AgentOrder::Pick(AgentState::Ready),
    }
}

/// How a supervisor goes into a call.
pub(super) fn supervision(rng: &mut Rng) -> Supervision {
    *rng.pick(&[
        Supervision::Monitor,
        Supervision::Monitor,
        Supervision::Whisper,
        Supervision::Barge,
        Supervision::Takeover,
        Supervision::HangUp,
    ])
}

/// What may be ordered in a call.
pub(super) fn ordered(site: &Site, rng: &mut Rng) -> Ordered {
    let number = rng.pick(&site.numbers()).clone();
    match rng.below(11) {
        9 | 10 => Ordered::Evaluate,
        0 => Ordered::HangUp,
        1 => Ordered::Transfer(number),
        2 | 3 => Ordered::Hold,
        4 => Ordered::Join(rng.pick(&site.extensions).clone()),
        _ => Ordered::Consult(number),
    }
}
