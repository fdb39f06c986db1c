//! How long callers would wait with so many agents: Erlang A, the queue M/M/n+M (and Erlang C, M/M/n, where callers wait for ever).
//!
//! Reckoned with the time that a caller who never hangs up would have to wait: while all agents are engaged its density is proportional
//! to `exp(arrivals * lost(x) - agents * service * x)`, where `lost(x)` is the time that callers of the last x seconds have not lost
//! patience (Baccelli and Hebuterne 1981; Zeltyn and Mandelbaum 2005). One integral of a bounded number of steps, whatever the load.

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
    let rates = Rates::new(demand, agents)?;
    let wait = Wait::of(&rates);
    let mean_wait = wait.mean(&rates);
    let abandoned = rates.impatience * mean_wait;
    Some(Forecast {
        agents,
        wait_probability: wait.probability,
        mean_wait: seconds(mean_wait),
        p95_wait: seconds(wait.longest_of(&rates, 0.05)),
        abandoned,
        service_level: 1.0 - wait.probability + wait.answered_within(&rates, target.as_secs_f64()),
        occupancy: rates.arrivals * (1.0 - abandoned) / rates.served(),
    })
}

/// The least number of agents with which so many of a hundred callers are answered within the target.
#[must_use]
pub fn agents_needed(demand: &Demand, target: Duration, service_level: f64) -> Option<Forecast> {
    let enough = |agents| forecast(demand, agents, target).filter(|forecast| forecast.service_level >= service_level);
    // More agents never make it worse.
    let (mut low, mut high) = (1, AGENTS_MAX);
    while low < high {
        let middle = low.midpoint(high);
        match enough(middle) {
            Some(_) => high = middle,
            None => low = middle + 1,
        }
    }
    enough(low)
}

/// Rates a second.
struct Rates {
    arrivals: f64,
    service: f64,
    impatience: f64,
    agents: u32,
}

impl Rates {
    fn new(demand: &Demand, agents: u32) -> Option<Self> {
        let arrivals = demand.calls_per_hour / 3_600.0;
        let rate = |time: Duration| Some(1.0 / time.as_secs_f64()).filter(|rate| rate.is_finite());
        let (service, impatience) = (rate(demand.handle_time)?, demand.patience.map_or(Some(0.0), rate)?);
        let possible = agents > 0 && agents <= AGENTS_MAX && arrivals > 0.0 && arrivals.is_finite();
        let stable = impatience > 0.0 || arrivals < f64::from(agents) * service;
        (possible && stable).then_some(Self { arrivals, service, impatience, agents })
    }

    /// What all agents together end in a second.
    fn served(&self) -> f64 {
        f64::from(self.agents) * self.service
    }

    /// The share of callers who have not hung up after a time.
    fn patient(&self, time: f64) -> f64 {
        (-self.impatience * time).exp()
    }

    /// How long somebody waits on average who would have to wait so long, and may hang up before.
    fn waited(&self, time: f64) -> f64 {
        if self.impatience > 0.0 { -(-self.impatience * time).exp_m1() / self.impatience } else { time }
    }

    /// The logarithm of the density of the time that one would have to wait, but for a constant. It bends down everywhere.
    fn weight(&self, time: f64) -> f64 {
        self.arrivals * self.waited(time) - self.served() * time
    }

    /// Where that is highest.
    fn peak(&self) -> f64 {
        let load = self.arrivals / self.served();
        if load > 1.0 && self.impatience > 0.0 { load.ln() / self.impatience } else { 0.0 }
    }

    /// Erlang's B for one agent less, by its recursion: B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)).
    fn blocked_with_one_less(&self) -> f64 {
        let offered = self.arrivals / self.service;
        (1..self.agents).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b))
    }
}

/// How long callers would have to wait.
struct Wait {
    /// The share that has to wait at all.
    probability: f64,
    /// The shares of those who have to wait for so long, in equal steps of time; they add up to 1.
    times: Vec<(f64, f64)>,
    step: f64,
}

impl Wait {
    fn of(rates: &Rates) -> Self {
        let peak = rates.peak();
        let top = rates.weight(peak);
        let (low, high) = (left_edge(rates, peak, top), right_edge(rates, peak, top));
        let step = (high - low) / f64::from(STEPS);
        // The middle of each step.
        let times = (0..STEPS).map(|at| low + (f64::from(at) + 0.5) * step);
        let mut times: Vec<(f64, f64)> = times.map(|time| (time, (rates.weight(time) - top).exp())).collect();
        let sum: f64 = times.iter().map(|(_, weight)| weight).sum();
        times.iter_mut().for_each(|(_, weight)| *weight /= sum);
        // An agent is free as often as one of n-1 is in Erlang's B, relative to the state before the first has to wait.
        let free = (-top).exp() / (rates.blocked_with_one_less() * rates.arrivals * sum * step);
        Self { probability: 1.0 / (1.0 + free), times, step }
    }

    /// The mean wait of all, of those who hang up, too.
    fn mean(&self, rates: &Rates) -> f64 {
        self.probability * self.times.iter().map(|(time, share)| share * rates.waited(*time)).sum::<f64>()
    }

    /// The share of all who have to wait, and are answered within a time.
    fn answered_within(&self, rates: &Rates, target: f64) -> f64 {
        let within = self.times.iter().map(|(time, share)| {
            // The part of the step that lies before the target.
            let part = ((target - time) / self.step + 0.5).clamp(0.0, 1.0);
            part * share * rates.patient(*time)
        });
        self.probability * within.sum::<f64>()
    }

    /// The time that all but this share wait no longer than: until they are answered, or hang up.
    fn longest_of(&self, rates: &Rates, but: f64) -> f64 {
        if self.probability <= but {
            return 0.0;
        }
        let low = self.times[0].0 - self.step / 2.0;
        // Where nobody is answered for a while, patience alone decides.
        if rates.impatience > 0.0 && self.probability * rates.patient(low) <= but {
            return (self.probability / but).ln() / rates.impatience;
        }
        let (mut left, mut before) = (1.0, self.probability * rates.patient(low));
        for (time, share) in &self.times {
            left -= share;
            let end = time + self.step / 2.0;
            let waits = self.probability * rates.patient(end) * f64::max(left, 0.0);
            if waits <= but {
                return end - self.step * (but - waits) / (before - waits);
            }
            before = waits;
        }
        low + self.step * f64::from(STEPS)
    }
}

/// The time before which the weight is negligible.
fn left_edge(rates: &Rates, peak: f64, top: f64) -> f64 {
    let floor = top - NEGLIGIBLE;
    if rates.weight(0.0) >= floor {
        return 0.0;
    }
    halved(0.0, peak, |time| rates.weight(time) < floor)
}

/// The time after which it is.
fn right_edge(rates: &Rates, peak: f64, top: f64) -> f64 {
    let floor = top - NEGLIGIBLE;
    let mut reach = 1.0 / rates.served();
    while rates.weight(peak + reach) > floor {
        reach *= 2.0;
    }
    halved(peak, peak + reach, |time| rates.weight(time) > floor)
}

/// The point between two at which something is no longer so that is so at the first.
fn halved(mut low: f64, mut high: f64, is_so: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if is_so(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// More agents than this are no call centre's.
pub const AGENTS_MAX: u32 = 10_000;
/// Steps of time that are looked at: the error of all of them together is some millionths.
const STEPS: u32 = 4_000;
/// Times that are rarer by so many powers of e are left out.
const NEGLIGIBLE: f64 = 36.0;
/// A place is found to a part of a million of a million.
const HALVINGS: u32 = 40;

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

    /// Thousands of callers who are patient for hours, and a hair below what agents can serve: each is reckoned in a bounded time, and no
    /// number overflows.
    #[test]
    fn no_load_is_too_much_to_reckon_with() {
        let flood = forecast(&demand(36_000.0, 300, Some(36_000)), 2, Duration::from_secs(20)).unwrap();
        assert!(flood.wait_probability > 0.999_999 && flood.service_level < 1e-6, "{flood:?}");
        assert!((flood.abandoned - (1.0 - 2.0 / 3_000.0)).abs() < 1e-6, "{flood:?}");
        assert!((flood.p95_wait.as_secs_f64() / (36_000.0 * 20.0_f64.ln()) - 1.0).abs() < 1e-6, "{flood:?}");
        let edge = forecast(&demand(359.999_9, 100, None), 10, Duration::from_secs(20)).unwrap();
        assert!((edge.mean_wait.as_secs_f64() / (erlang_c(9.999_997_222, 10) * 100.0 / 2.777_8e-6) - 1.0).abs() < 1e-3);
        let idle = forecast(&demand(0.01, 60, Some(60)), 5_000, Duration::from_secs(20)).unwrap();
        assert!(idle.wait_probability.abs() < 1e-12 && (idle.service_level - 1.0).abs() < 1e-12, "{idle:?}");
        assert_eq!(idle.p95_wait, Duration::ZERO);
        assert!(
            agents_needed(&demand(36_000.0, 300, Some(36_000)), Duration::from_secs(20), 0.8).unwrap().agents > 2_900
        );
    }

    #[test]
    fn nonsense_has_no_forecast() {
        for (calls, handle, agents) in [(0.0, 180, 3), (f64::NAN, 180, 3), (10.0, 0, 3), (10.0, 180, 0), (1e9, 180, 3)]
        {
            assert_eq!(forecast(&demand(calls, handle, None), agents, Duration::from_secs(20)), None);
        }
    }
}
