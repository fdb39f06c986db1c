//! What queueing theory says of waits, reckoned from textbooks and not with the switch's own code: Erlang's B by its recursion, the line
//! behind it as a series (Palm: Erlang A; Erlang C where nobody hangs up), and the waits by the equation of who stands how far back.

/// What is to be expected.
#[derive(Clone, Copy, Debug)]
pub struct Theory {
    /// The share that waits at all.
    pub waits: f64,
    /// The mean wait of all, s.
    pub mean: f64,
    /// 95 of 100 wait no longer, s.
    pub p95: f64,
    /// The share that hangs up.
    pub abandoned: f64,
}

impl Theory {
    /// So many agents; rates a second of calls, of an agent's work, and of losing patience (0 = never).
    #[must_use]
    pub fn of(agents: u32, arrivals: f64, service: f64, impatience: f64) -> Self {
        let offered = arrivals / service;
        // B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)).
        let blocked = (1..=agents).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b));
        let leaving = |line: usize| f64::from(agents) * service + line as f64 * impatience;
        // How often so many wait, relative to nobody waiting while all are engaged.
        let mut line = vec![1.0];
        while line.len() < LINE_MAX && line[line.len() - 1] > NEGLIGIBLE {
            line.push(line[line.len() - 1] * arrivals / leaving(line.len()));
        }
        let all: f64 = line.iter().sum();
        let waits = blocked * all / (1.0 - blocked + blocked * all);
        let waiting: f64 = line.iter().enumerate().map(|(n, share)| n as f64 * share).sum::<f64>() / all * waits;
        let shares: Vec<f64> = line.iter().map(|share| share / all * waits).collect();
        let mean = waiting / arrivals;
        Self { waits, mean, p95: p95(&shares, &leaving, impatience), abandoned: impatience * mean }
    }
}

/// The time that all but five of a hundred have waited no longer than. `stays[k]`: the chance that who finds k ahead of him is not reached
/// yet; d stays[k] / dt = leaving(k) (stays[k-1] - stays[k]), by the midpoint rule.
fn p95(shares: &[f64], leaving: &impl Fn(usize) -> f64, impatience: f64) -> f64 {
    let step = 0.01 / leaving(shares.len());
    let slope = |stays: &[f64]| -> Vec<f64> {
        let before = |k: usize| if k == 0 { 0.0 } else { stays[k - 1] };
        (0..stays.len()).map(|k| leaving(k) * (before(k) - stays[k])).collect()
    };
    let (mut stays, mut time) = (vec![1.0; shares.len()], 0.0_f64);
    loop {
        let left: f64 = shares.iter().zip(&stays).map(|(share, stays)| share * stays).sum();
        if left * (-impatience * time).exp() <= 0.05 {
            return time;
        }
        let half: Vec<f64> = stays.iter().zip(slope(&stays)).map(|(at, rate)| at + rate * step / 2.0).collect();
        stays.iter_mut().zip(slope(&half)).for_each(|(at, rate)| *at += rate * step);
        time += step;
    }
}

/// Longer lines are as rare as nothing.
const LINE_MAX: usize = 2_000;
/// What is rarer than that is left out.
const NEGLIGIBLE: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's closed forms for who never hangs up.
    #[test]
    fn without_impatience_it_is_erlang_c() {
        for (agents, offered, c) in [(1_u32, 0.5, 0.5), (2, 1.0, 1.0 / 3.0), (5, 4.0, 0.554_1)] {
            let service = 1.0 / 100.0;
            let theory = Theory::of(agents, offered * service, service, 0.0);
            assert!((theory.waits - c).abs() < 1e-3, "{theory:?}");
            let spare = (f64::from(agents) - offered) * service;
            assert!((theory.mean / (c / spare) - 1.0).abs() < 2e-3, "{theory:?}");
            assert!((theory.p95 / ((c / 0.05).ln() / spare) - 1.0).abs() < 5e-3, "{theory:?}");
        }
    }
}
