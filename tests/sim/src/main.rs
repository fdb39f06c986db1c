//! `sim --seed N | --seeds N | --survey N | --seconds N`: lives through worlds and prints what became of them.
//! `sim --centre N`: lives through N worlds with a call centre, and says which went wrong.
//! `sim --day N`: lives through N days of a call centre with 50 agents and 5,000 calls.
//! `sim --whole-day SEED`: lives through one of them, and tells it where it goes wrong.
//! `sim --record SEED FILE`: writes down the facts of such a day; `sim --replay FILE [--agents N]`: lives through a recorded one again.
//! `sim --erlang`: waits of 80,000 calls through the whole switch against queueing theory, and against what the staffing view forecasts.
//! `sim --explore [N]`: explores the small worlds, for N seconds of CPU time or up to 300,000 states each.

#![allow(clippy::print_stdout, reason = "a command prints")]

use std::process::ExitCode;
use std::time::Duration;

use sim::centre::day::Size;
use sim::centre::erlang::{MODELS, Seen};
use sim::explore::{self, HOURS, Limits, SCENARIOS};
use sim::world::{CENTRE_EVERY, Story, Wrong, live, live_day};

/// Different states of a small world, beyond which it is not explored.
const STATES_MAX: usize = 300_000;

/// Worlds that the tests of every kind live through at least.
const SEEDS_MIN: u64 = 500;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    match (arguments.first().map(String::as_str), number(1)) {
        (Some("--seed"), Some(seed)) => run([seed], None),
        (Some("--seeds"), Some(count)) => run(1..=count, None),
        (Some("--survey"), Some(count)) => survey(1..=count, live),
        (Some("--centre"), Some(count)) => survey((1..=count).map(|nth| nth * CENTRE_EVERY), live),
        (Some("--day"), Some(count)) => survey(1..=count, |seed| live_day(seed, Size::WHOLE)),
        (Some("--whole-day"), Some(seed)) => whole_day(seed),
        (Some("--erlang"), None) => erlang(),
        (Some("--record"), Some(seed)) => record(seed, arguments.get(2)),
        (Some("--replay"), _) => replay(&arguments[1..]),
        (Some("--explore"), seconds) => explore(seconds.map(Duration::from_secs)),
        (Some("--seconds" | "--cpu-seconds"), Some(seconds)) => run(1.., Some(Duration::from_secs(seconds))),
        _ => {
            println!(
                "usage: sim --seed N | --seeds N | --survey N | --centre N | --day N | --whole-day SEED | --erlang | --record SEED FILE | --replay FILE [--agents N] | --seconds N (of CPU time; 500 worlds at least) | --explore [N]"
            );
            ExitCode::from(2)
        }
    }
}

/// One day, told if it goes wrong.
fn whole_day(seed: u64) -> ExitCode {
    match live_day(seed, Size::WHOLE) {
        Ok(story) => {
            println!("{story}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Writes down the facts of a simulated day, a line each.
fn record(seed: u64, file: Option<&String>) -> ExitCode {
    let Some(file) = file else {
        println!("usage: sim --record SEED FILE");
        return ExitCode::from(2);
    };
    let written = sim::world::record_day(seed, Size::WHOLE).and_then(|facts| {
        std::fs::write(file, sim::replay::written(&facts)).map_err(|error| format!("{file}: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            println!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Lives through the day of a file again: `FILE [--agents N]`.
fn replay(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (file, agents) = match words[..] {
        [file] => (file, Ok(None)),
        [file, "--agents", count] => (file, count.parse().map(Some)),
        _ => ("", Ok(None)),
    };
    let (false, Ok(agents)) = (file.is_empty(), agents) else {
        println!("usage: sim --replay FILE [--agents N]");
        return ExitCode::from(2);
    };
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"));
    match text.and_then(|text| sim::replay::compare(&text, agents)) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("{wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Compares the waits of the whole switch with those of a line and with queueing theory.
fn erlang() -> ExitCode {
    let mut failed = false;
    for model in MODELS {
        let began = cpu_time();
        let (theory, line) = (model.theory(), model.first_come());
        println!("{model:?}");
        match model.through_the_switch() {
            Ok(waits) => {
                let seen = Seen::of(&waits);
                let differ = waits.iter().zip(&line).filter(|(one, other)| one != other).count();
                println!(
                    "  {seen}, in {:.0?} of CPU; {differ} waits differ from first come, first served",
                    cpu_time() - began
                );
                let agreed = seen.agrees(&theory);
                println!("  {theory:?}: {agreed:?}");
                println!("  turned round: {:?}", Seen::of(&model.last_come()).agrees(&theory));
                let forecast = model.is_forecast(&waits);
                println!("  the staffing view's forecast: {forecast:?}");
                failed |= agreed.is_err() || forecast.is_err() || differ > 0;
            }
            Err(wrong) => {
                println!("  {wrong}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Explores every small world, all of it or for so much CPU time altogether.
fn explore(limit: Option<Duration>) -> ExitCode {
    let began = cpu_time();
    for hours in &HOURS {
        let share = limit.map(|limit| limit / 8);
        let limits = Limits { states: STATES_MAX, time: share.map(|share| (cpu_time as fn() -> Duration, share)) };
        match explore::explore_floor(hours, limits) {
            Ok(explored) => println!("small call centre, {}: {explored}", hours.name),
            Err(astray) => {
                println!("{astray}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut left = SCENARIOS.len();
    for scenario in &SCENARIOS {
        // What a small scenario does not use is for the others.
        let share = limit.map(|limit| (limit.saturating_sub(cpu_time() - began)) / u32::try_from(left).unwrap_or(1));
        left -= 1;
        let limits = Limits { states: STATES_MAX, time: share.map(|share| (cpu_time as fn() -> Duration, share)) };
        match explore::explore(scenario, limits) {
            Ok(explored) => println!("small world {}: {explored}", scenario.name),
            Err(astray) => {
                println!("{astray}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("explored in {:.0?} of CPU", cpu_time() - began);
    ExitCode::SUCCESS
}

/// Every failing seed with what went wrong, a line each.
fn survey(seeds: impl Iterator<Item = u64>, live: impl Fn(u64) -> Result<Story, Box<Wrong>>) -> ExitCode {
    let began = cpu_time();
    let (mut total, mut lived, mut failed) = (Story::default(), 0, 0);
    for seed in seeds {
        lived += 1;
        match live(seed) {
            Ok(story) => total = total.and(story),
            Err(wrong) => {
                failed += 1;
                println!("seed {}: {}", wrong.seed, wrong.what);
            }
        }
    }
    println!("{lived} worlds in {:.0?} of CPU: {total}", cpu_time() - began);
    println!("{failed} of {lived} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(seeds: impl IntoIterator<Item = u64>, limit: Option<Duration>) -> ExitCode {
    let began = cpu_time();
    let mut total = Story::default();
    let mut lived = 0;
    for seed in seeds {
        if limit.is_some_and(|limit| cpu_time() - began > limit && lived >= SEEDS_MIN) {
            break;
        }
        match live(seed) {
            Ok(story) => total = total.and(story),
            Err(wrong) => {
                println!("{wrong}");
                println!("1 failed after {lived} worlds");
                return ExitCode::FAILURE;
            }
        }
        lived += 1;
    }
    println!("{lived} worlds in {:.0?} of CPU: {total}", cpu_time() - began);
    println!("{lived} passed, 0 failed");
    ExitCode::SUCCESS
}

/// What this process has used of the CPU, so that a busy machine lives through no fewer worlds; zero where there is no /proc.
fn cpu_time() -> Duration {
    let used = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(used.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}
