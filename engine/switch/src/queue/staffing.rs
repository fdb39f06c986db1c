//! How long callers would wait with so many agents: Erlang A, the birth-death chain M/M/n+M (and Erlang C, M/M/n, where
//! callers wait for ever).

use std::time::Duration;

/// What a queue has to do, as its own history says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Calls an hour.
    pub calls_per_hour: f64,
    /// What an agent has to do with one, wrap-up included.
    pub handle_time: Duration,
    /// How long a caller waits on average before he hangs up; `None` = for ever.
    pub patience: Option<Duration>,
}

/// What to expect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// How many agents.
    pub agents: u32,
    /// The share of callers who wait at all.
    pub wait_probability: f64,
    /// The mean wait of all callers, of those who hang up, too.
    pub mean_wait: Duration,
    /// 95 of 100 callers wait no longer.
    pub p95_wait: Duration,
    /// The share of callers who hang up.
    pub abandoned: f64,
    /// The share of all callers who are answered within the target.
    pub service_level: f64,
    /// The share of their time for which agents have a call.
    pub occupancy: f64,
}

/// What to expect of so many agents. `None` where the line would grow for ever, or there is nothing to reckon with.
#[must_use]
pub fn forecast(demand: &Demand, agents: u32, target: Duration) -> Option<Forecast> {
    let chain = Chain::new(demand, agents)?;
    let waiting = chain.waiting();
    // Who arrives sees what there is on average, and the line is as long as those who arrive wait (Little).
    let wait_probability: f64 = waiting.iter().sum();
    let line: f64 = waiting.iter().enumerate().map(|(waiting, share)| count(waiting) * share).sum();
    let mean_wait = line / chain.arrivals;
    let abandoned = chain.impatience * mean_wait;
    let times = Times::of(&chain, waiting, wait_probability, target);
    Some(Forecast {
        agents,
        wait_probability,
        mean_wait: seconds(mean_wait),
        p95_wait: seconds(times.p95),
        abandoned,
        service_level: 1.0 - wait_probability + times.answered_in_target,
        occupancy: chain.arrivals * (1.0 - abandoned) / (f64::from(agents) * chain.service),
    })
}

/// The least number of agents with which so many of a hundred callers are answered within the target.
#[must_use]
pub fn agents_needed(demand: &Demand, target: Duration, service_level: f64) -> Option<Forecast> {
    (1..=AGENTS_MAX)
        .filter_map(|agents| forecast(demand, agents, target))
        .find(|forecast| forecast.service_level >= service_level)
}

/// Rates a second.
struct Chain {
    arrivals: f64,
    service: f64,
    impatience: f64,
    agents: u32,
}

impl Chain {
    fn new(demand: &Demand, agents: u32) -> Option<Self> {
        let arrivals = demand.calls_per_hour / 3_600.0;
        let rate = |time: Duration| Some(1.0 / time.as_secs_f64()).filter(|rate| rate.is_finite());
        let (service, impatience) = (rate(demand.handle_time)?, demand.patience.map_or(Some(0.0), rate)?);
        let possible = agents > 0 && agents <= AGENTS_MAX && arrivals > 0.0 && arrivals.is_finite();
        let stable = impatience > 0.0 || arrivals < f64::from(agents) * service;
        (possible && stable).then_some(Self { arrivals, service, impatience, agents })
    }

    /// How often all agents are engaged and so many wait: 0, 1, 2, ...
    fn waiting(&self) -> Vec<f64> {
        // Relative to the state in which all are engaged and nobody waits, so that nothing overflows.
        let mut below = 0.0;
        let mut share = 1.0;
        for engaged in (1..=self.agents).rev() {
            share *= f64::from(engaged) * self.service / self.arrivals;
            below += share;
        }
        let mut waiting = vec![1.0];
        let mut all = below + 1.0;
        while waiting.len() < WAITING_MAX {
            let leaving = self.leaving(waiting.len());
            let next = waiting[waiting.len() - 1] * self.arrivals / leaving;
            if next < all * NEGLIGIBLE {
                break;
            }
            waiting.push(next);
            all += next;
        }
        waiting.iter().map(|share| share / all).collect()
    }

    /// The rate at which somebody leaves while so many wait.
    fn leaving(&self, waiting: usize) -> f64 {
        f64::from(self.agents) * self.service + count(waiting) * self.impatience
    }
}

/// How the waits are distributed, by following the line in time.
struct Times {
    p95: f64,
    answered_in_target: f64,
}

impl Times {
    /// `ahead[k]`: the share of callers who find all engaged and k waiting. Each who is ahead leaves for an agent or hangs up; the
    /// caller himself may have hung up meanwhile.
    fn of(chain: &Chain, mut ahead: Vec<f64>, wait_probability: f64, target: Duration) -> Self {
        let target = target.as_secs_f64();
        let step = STEP / chain.leaving(ahead.len());
        let (mut time, mut p95, mut answered) = (0.0, None, 0.0);
        let mut left = wait_probability;
        while p95.is_none() || time < target {
            let patient = (-chain.impatience * time).exp();
            if p95.is_none() && left * patient <= 0.05 {
                p95 = Some(time);
            }
            let reached = advance(chain, &mut ahead, step);
            if time < target {
                answered += reached * (-chain.impatience * (time + step / 2.0)).exp();
            }
            left -= reached;
            time += step;
        }
        Self { p95: p95.unwrap_or(0.0), answered_in_target: answered }
    }
}

/// One step of time for the lines that callers stand in; what share of them reached an agent in it.
fn advance(chain: &Chain, ahead: &mut [f64], step: f64) -> f64 {
    let leaves = |line: usize, share: f64| share * -(-chain.leaving(line) * step).exp_m1();
    let mut reached = 0.0;
    for line in 0..ahead.len() {
        let gone = leaves(line, ahead[line]);
        ahead[line] -= gone;
        match line {
            0 => reached = gone,
            _ => ahead[line - 1] += gone,
        }
    }
    reached
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// More agents than this are no call centre's.
pub const AGENTS_MAX: u32 = 10_000;
/// Longer lines are cut; they are as rare as nothing where callers hang up.
const WAITING_MAX: usize = 20_000;
/// States rarer than this are left out.
const NEGLIGIBLE: f64 = 1e-13;
/// The part of the shortest mean time that a step of time is.
const STEP: f64 = 0.02;

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(calls_per_hour: f64, handle: u64, patience: Option<u64>) -> Demand {
        Demand { calls_per_hour, handle_time: Duration::from_secs(handle), patience: patience.map(Duration::from_secs) }
    }

    /// Erlang's C formula as textbooks print it.
    fn erlang_c(load: f64, agents: u32) -> f64 {
        let term = |n: u32| (1..=n).fold(1.0, |term, k| term * load / f64::from(k));
        let all: f64 = (0..agents).map(term).sum();
        let last = term(agents) * f64::from(agents) / (f64::from(agents) - load);
        last / (all + last)
    }

    #[test]
    fn without_hanging_up_it_is_erlang_c() {
        for (calls, handle, agents) in [(100.0, 180u32, 6), (360.0, 240, 27), (20.0, 300, 2), (1_200.0, 180, 65)] {
            let load = calls * f64::from(handle) / 3_600.0;
            let c = erlang_c(load, agents);
            let spare = f64::from(agents) - load;
            let target = 20.0;
            let forecast = forecast(&demand(calls, u64::from(handle), None), agents, Duration::from_secs(20)).unwrap();
            let near = |ours: f64, theirs: f64, what: &str| {
                assert!(
                    (ours - theirs).abs() <= 0.005 * theirs.max(0.02),
                    "{agents} agents, {what}: {ours}, not {theirs}"
                );
            };
            near(forecast.wait_probability, c, "P(wait)");
            near(forecast.mean_wait.as_secs_f64(), c * f64::from(handle) / spare, "mean");
            near(forecast.service_level, 1.0 - c * (-spare * target / f64::from(handle)).exp(), "service level");
            let p95 = if c <= 0.05 { 0.0 } else { (c / 0.05).ln() * f64::from(handle) / spare };
            assert!((forecast.p95_wait.as_secs_f64() - p95).abs() <= 0.01 * p95 + 0.1, "{p95} {forecast:?}");
            near(forecast.occupancy, load / f64::from(agents), "occupancy");
            assert!(forecast.abandoned.abs() < 1e-12);
        }
    }

    #[test]
    fn who_hangs_up_makes_room_for_others() {
        let patient = forecast(&demand(380.0, 240, None), 27, Duration::from_secs(20)).unwrap();
        let usual = forecast(&demand(380.0, 240, Some(120)), 27, Duration::from_secs(20)).unwrap();
        assert!(usual.mean_wait < patient.mean_wait && usual.service_level > patient.service_level);
        // More callers than agents can serve: a line that hang-ups keep short, and none where nobody does.
        assert_eq!(forecast(&demand(500.0, 240, None), 27, Duration::from_secs(20)), None);
        let flood = forecast(&demand(500.0, 240, Some(900)), 27, Duration::from_secs(20)).unwrap();
        let lost = 1.0 - 27.0 / (500.0 * 240.0 / 3_600.0);
        assert!((flood.abandoned - lost).abs() < 0.02, "as many as cannot be served: {} {lost}", flood.abandoned);
        assert!(flood.occupancy > 0.98 && flood.occupancy <= 1.0);
    }

    #[test]
    fn the_least_number_of_agents_is_that() {
        let demand = demand(360.0, 240, Some(180));
        let needed = agents_needed(&demand, Duration::from_secs(20), 0.8).unwrap();
        assert!(needed.service_level >= 0.8);
        let fewer = forecast(&demand, needed.agents - 1, Duration::from_secs(20)).unwrap();
        assert!(fewer.service_level < 0.8, "{fewer:?}");
    }

    #[test]
    fn nonsense_has_no_forecast() {
        for (calls, handle, agents) in [(0.0, 180, 3), (f64::NAN, 180, 3), (10.0, 0, 3), (10.0, 180, 0), (1e9, 180, 3)]
        {
            assert_eq!(forecast(&demand(calls, handle, None), agents, Duration::from_secs(20)), None);
        }
    }
}
