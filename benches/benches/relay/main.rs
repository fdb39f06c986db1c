//! What relaying, translating and recording cost, beside a loop that only receives and sends.
//!
//! `cargo bench -p benches --bench relay -- --seconds 10 --rounds 3` prints CPU ms per call-second of each and its ratio
//! to the bare loop measured just before, medians of all rounds, with the one-way latency of the last. Phones are a
//! process of their own, so that their CPU does not count.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod bare;
mod phones;
mod switch;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::time::{ClockId, clock_gettime};

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Bare,
    Relay,
    Record,
    Translate,
    Idle,
}

struct Row {
    work: Work,
    calls: usize,
    /// CPU ms per call-second it must not pass.
    limit_ms: f64,
}

/// What one run gave.
struct Figures {
    cpu_ms_per_call_second: f64,
    phones: String,
}

const ROWS: [Row; 4] = [
    Row { work: Work::Relay, calls: 200, limit_ms: 0.5 },
    Row { work: Work::Record, calls: 50, limit_ms: 0.7 },
    Row { work: Work::Translate, calls: 100, limit_ms: 0.6 },
    Row { work: Work::Idle, calls: 200, limit_ms: 0.0 },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (calls, seconds) = (number("--calls", 0), number("--seconds", 5));
    if arguments.first().is_some_and(|first| first == "--phones") {
        return phones::run(number("--phones", 0), seconds);
    }
    let rounds = number("--rounds", 1).max(1);
    println!("{:10} {:>6} {:>22} {:>8} {:>8}  phones", "work", "calls", "CPU ms/call-second", "limit", "x bare");
    for row in ROWS {
        let calls = if calls == 0 { row.calls } else { calls };
        let (mut bare_ms, mut ours_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut heard = (String::new(), String::new());
        for _ in 0..rounds {
            let bare = measure(Work::Bare, calls, seconds)?;
            let ours = measure(row.work, calls, seconds)?;
            ratios.push(ours.cpu_ms_per_call_second / bare.cpu_ms_per_call_second);
            bare_ms.push(bare.cpu_ms_per_call_second);
            ours_ms.push(ours.cpu_ms_per_call_second);
            heard = (bare.phones, ours.phones);
        }
        println!("{:10} {calls:6} {:22.3} {:>8} {:>8}  {}", "Bare", median(bare_ms), "", "", heard.0);
        let (name, ours, ratio) = (format!("{:?}", row.work), median(ours_ms), median(ratios));
        println!("{name:10} {calls:6} {ours:22.3} {:8.1} {ratio:8.2}  {}", row.limit_ms, heard.1);
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs one kind of work against phones; CPU is this process's own, from the first packet to the last.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn measure(work: Work, calls: usize, seconds: usize) -> Result<Figures> {
    let mut phones = Phones::start(if work == Work::Idle { 0 } else { calls }, seconds)?;
    let running: Box<dyn FnOnce()> = match work {
        Work::Bare => {
            let bare = bare::Bare::start(&phones.addresses)?;
            phones.begin(bare.addresses())?;
            Box::new(move || bare.stop())
        }
        Work::Relay | Work::Record | Work::Translate | Work::Idle => {
            let switch = switch::Switch::start(work, &phones.addresses)?;
            phones.begin(switch.addresses())?;
            Box::new(move || switch.stop())
        }
    };
    let before = cpu_ms();
    let report = phones.finish(seconds)?;
    let used = cpu_ms() - before;
    running();
    Ok(Figures { cpu_ms_per_call_second: used / (calls * seconds) as f64, phones: report })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// The other process: two phones a call.
struct Phones {
    child: Option<Child>,
    lines: Option<BufReader<std::process::ChildStdout>>,
    addresses: Vec<SocketAddr>,
}

impl Phones {
    fn start(calls: usize, seconds: usize) -> Result<Self> {
        if calls == 0 {
            return Ok(Self { child: None, lines: None, addresses: Vec::new() });
        }
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--phones", &(2 * calls).to_string(), "--seconds", &seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let addresses = line.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        ensure!(addresses.len() == 2 * calls, "the phones did not start");
        Ok(Self { child: Some(child), lines: Some(lines), addresses })
    }

    /// Tells each phone where to send to; they begin at once.
    fn begin(&mut self, switch: &[SocketAddr]) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let line: Vec<String> = switch.iter().map(ToString::to_string).collect();
        let mut stdin = child.stdin.take().context("begun already")?;
        writeln!(stdin, "{}", line.join(" "))?;
        Ok(())
    }

    /// Waits for the phones' report.
    fn finish(self, seconds: usize) -> Result<String> {
        let (Some(mut child), Some(mut lines)) = (self.child, self.lines) else {
            std::thread::sleep(std::time::Duration::from_secs(seconds as u64));
            return Ok("none".into());
        };
        let mut report = String::new();
        lines.read_line(&mut report)?;
        if !child.wait()?.success() {
            bail!("the phones failed");
        }
        Ok(report.trim().to_owned())
    }
}
