//! What relaying, translating, recording and encrypting cost, beside a loop that only receives and sends, or beside the plain relay.
//!
//! `cargo bench -p benches --bench relay -- --seconds 10 --rounds 3` prints CPU ms per call-second of each and its ratio
//! to what was measured just before, medians of all rounds, with the one-way latency of the last. Phones are a
//! process of their own, so that their CPU does not count. `--only Browser` runs one row.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod bare;
mod phones;
mod secure;
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
    /// Both phones encrypt, with keys out of the SDP.
    Srtp,
    /// Both are browsers.
    Browser,
    Idle,
}

struct Row {
    work: Work,
    /// What it is measured beside.
    beside: Work,
    calls: usize,
    /// CPU ms per call-second it must not pass.
    limit_ms: f64,
}

/// What one run gave.
struct Figures {
    cpu_ms_per_call_second: f64,
    phones: String,
}

const ROWS: [Row; 6] = [
    Row { work: Work::Relay, beside: Work::Bare, calls: 200, limit_ms: 0.5 },
    Row { work: Work::Record, beside: Work::Bare, calls: 50, limit_ms: 0.7 },
    Row { work: Work::Translate, beside: Work::Bare, calls: 100, limit_ms: 0.6 },
    Row { work: Work::Srtp, beside: Work::Relay, calls: 200, limit_ms: 1.0 },
    Row { work: Work::Browser, beside: Work::Relay, calls: 200, limit_ms: 1.0 },
    Row { work: Work::Idle, beside: Work::Bare, calls: 200, limit_ms: 0.0 },
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (calls, seconds) = (number("--calls", 0), number("--seconds", 5));
    if arguments.first().is_some_and(|first| first == "--phones") {
        let kind = [Work::Srtp, Work::Browser].into_iter().find(|kind| arguments.last() == Some(&format!("{kind:?}")));
        return phones::run(number("--phones", 0), seconds, kind.unwrap_or(Work::Relay));
    }
    let rounds = number("--rounds", 1).max(1);
    println!("{:10} {:>6} {:>22} {:>8} {:>8}  phones", "work", "calls", "CPU ms/call-second", "limit", "ratio");
    let only = arguments.iter().position(|argument| argument == "--only").and_then(|at| arguments.get(at + 1));
    for row in ROWS.iter().filter(|row| only.is_none_or(|only| *only == format!("{:?}", row.work))) {
        let calls = if calls == 0 { row.calls } else { calls };
        let (mut bare_ms, mut ours_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut heard = (String::new(), String::new());
        for _ in 0..rounds {
            let bare = measure(row.beside, calls, seconds)?;
            let ours = measure(row.work, calls, seconds)?;
            ratios.push(ours.cpu_ms_per_call_second / bare.cpu_ms_per_call_second);
            bare_ms.push(bare.cpu_ms_per_call_second);
            ours_ms.push(ours.cpu_ms_per_call_second);
            heard = (bare.phones, ours.phones);
        }
        let beside = format!("{:?}", row.beside);
        println!("{beside:10} {calls:6} {:22.3} {:>8} {:>8}  {}", median(bare_ms), "", "", heard.0);
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
    let mut phones = Phones::start(if work == Work::Idle { 0 } else { calls }, seconds, work)?;
    let mut agreed = String::new();
    let running: Box<dyn FnOnce()> = match work {
        Work::Bare => {
            let bare = bare::Bare::start(&phones.addresses)?;
            phones.begin(bare.addresses())?;
            Box::new(move || bare.stop())
        }
        Work::Relay | Work::Record | Work::Translate | Work::Srtp | Work::Browser | Work::Idle => {
            let memory = resident_kib();
            let switch = switch::Switch::start(work, &phones.addresses, phones.fingerprint)?;
            let before = cpu_ms();
            phones.begin(switch.addresses())?;
            if work == Work::Browser {
                let legs = (2 * calls) as f64;
                let (ms, kib) = ((cpu_ms() - before) / legs, (resident_kib() - memory) / legs);
                agreed = format!(", handshake {ms:.2} CPU ms a leg, {kib:.0} KiB a leg");
            }
            Box::new(move || switch.stop())
        }
    };
    let before = cpu_ms();
    let report = phones.finish(seconds)? + &agreed;
    let used = cpu_ms() - before;
    running();
    Ok(Figures { cpu_ms_per_call_second: used / (calls * seconds) as f64, phones: report })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// Memory of this process that is in use.
fn resident_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0.0)
}

/// The other process: two phones a call.
struct Phones {
    child: Option<Child>,
    lines: Option<BufReader<std::process::ChildStdout>>,
    addresses: Vec<SocketAddr>,
    /// Of the certificate that all browsers show.
    fingerprint: [u8; 32],
}

impl Phones {
    fn start(calls: usize, seconds: usize, work: Work) -> Result<Self> {
        if calls == 0 {
            return Ok(Self { child: None, lines: None, addresses: Vec::new(), fingerprint: [0; 32] });
        }
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--phones", &(2 * calls).to_string(), "--seconds", &seconds.to_string()])
            .arg(format!("{work:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("piped")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let addresses = line.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        ensure!(addresses.len() == 2 * calls, "the phones did not start");
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let bytes = line.split_whitespace().map(str::parse).collect::<Result<Vec<u8>, _>>()?;
        let fingerprint = bytes.try_into().map_err(|_| anyhow::anyhow!("no fingerprint"))?;
        Ok(Self { child: Some(child), lines: Some(lines), addresses, fingerprint })
    }

    /// Tells each phone where to send to, waits until they have keys, and lets them begin.
    fn begin(&mut self, switch: &[SocketAddr]) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let line: Vec<String> = switch.iter().map(ToString::to_string).collect();
        let mut stdin = child.stdin.take().context("begun already")?;
        writeln!(stdin, "{}", line.join(" "))?;
        let mut ready = String::new();
        self.lines.as_mut().context("started")?.read_line(&mut ready)?;
        ensure!(ready.trim() == "ready", "the phones got no keys");
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
