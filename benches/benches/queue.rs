//! CPU of a decision of the call distribution with 5,000 agents and 10,000 waiting callers: limit 100 us.
//!
//! Two steady states. *Rush*: all agents engaged, 10,000 wait; each step one agent becomes idle, is offered the first in line and
//! answers, and another caller comes. *Calm*: nobody waits, thousands are idle; each step a caller comes and is offered.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails where it is wrong")]

use std::collections::BTreeMap;
use std::time::Duration;

use switch::queue::{
    AgentId, Availability, Decision, Distribution, EntryId, Join, Level, Member, OfferEnd, Presence, QueueId,
    QueueSettings, Strategy, Waits, Widening,
};

const AGENTS: u32 = 5_000;
const QUEUES: u32 = 20;
/// Queues of each agent.
const SKILLS: u32 = 4;
const CALLERS: u64 = 10_000;
const STEPS: u32 = 200_000;
/// CPU us a decision; more fails the bench.
const LIMIT_US: f64 = 100.0;

fn main() {
    for strategy in [Strategy::LongestIdle, Strategy::FewestToday, Strategy::LevelFirst] {
        let rush = measure(strategy, Mode::Rush);
        let calm = measure(strategy, Mode::Calm);
        println!(
            "queue: {strategy:?}: {rush:.1} us CPU a decision in a rush, {calm:.1} us when calm (limit {LIMIT_US})"
        );
        for (us, when) in [(rush, "in a rush"), (calm, "when calm")] {
            assert!(
                us < LIMIT_US,
                "queue: {strategy:?}: {us:.1} us CPU a decision {when}, and {LIMIT_US} is the limit"
            );
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Rush,
    Calm,
}

fn measure(strategy: Strategy, mode: Mode) -> f64 {
    let mut centre = Centre::new(strategy);
    if mode == Mode::Rush {
        (1..=AGENTS).for_each(|agent| centre.set(agent, Availability::Engaged));
        (0..CALLERS).for_each(|_| centre.caller());
    }
    let before = cpu();
    for step in 0..STEPS {
        match mode {
            Mode::Rush => centre.set(step % AGENTS + 1, Availability::Idle),
            Mode::Calm => {}
        }
        centre.caller();
        let agent = centre.answer();
        if mode == Mode::Calm {
            centre.set(agent.0, Availability::Idle);
        }
    }
    (cpu() - before).as_secs_f64() * 1e6 / f64::from(STEPS)
}

struct Centre {
    core: Distribution,
    now: Duration,
    callers: u64,
}

impl Centre {
    fn new(strategy: Strategy) -> Self {
        let mut core = Distribution::new();
        let widening = [(0, 3), (30, 6), (60, 9)]
            .map(|(after, level)| Widening { after: Duration::from_secs(after), level: Level::new(level).unwrap() });
        let settings = QueueSettings {
            strategy,
            max_wait: None,
            max_length: u32::MAX,
            widening: widening.to_vec(),
            ..QueueSettings::default()
        };
        (0..QUEUES).for_each(|queue| core.set_queue(QueueId(queue), settings.clone()));
        for agent in 1..=AGENTS {
            let member = |skill: u32| {
                let level = Level::new(u8::try_from((agent + skill) % 9 + 1).unwrap()).unwrap();
                (QueueId((agent + skill * 5) % QUEUES), Member { level, order: 0 })
            };
            let members: BTreeMap<QueueId, Member> = (0..SKILLS).map(member).collect();
            core.set_memberships(Duration::ZERO, AgentId(agent), &members);
            core.set_signed_in(Duration::ZERO, AgentId(agent), Presence::SignedIn);
            core.set_offerable(Duration::from_millis(u64::from(agent)), AgentId(agent), Availability::Idle);
        }
        Self { core, now: Duration::from_secs(100), callers: 0 }
    }

    fn set(&mut self, agent: u32, availability: Availability) {
        self.core.set_offerable(self.now, AgentId(agent), availability);
    }

    fn caller(&mut self) {
        self.callers += 1;
        let queue = QueueId(u32::try_from(self.callers % u64::from(QUEUES)).unwrap());
        let join = Join {
            entry: EntryId(self.callers),
            queue,
            priority: 0,
            waited: Duration::from_secs(70),
            stayed: Duration::ZERO,
            sticky: None,
            waits: Waits::OnTheLine,
        };
        self.core.enter(self.now, &join).unwrap();
        self.now += Duration::from_millis(1);
    }

    /// The agent who was offered answers.
    fn answer(&mut self) -> AgentId {
        loop {
            if let Decision::Offer(offer) = self.core.poll_decision().expect("somebody is offered") {
                assert!(self.core.offer_ended(self.now, offer.offer, OfferEnd::Answered));
                return offer.agent;
            }
        }
    }
}

/// CPU time of this thread, which other programs on the machine do not lengthen much.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}
