//! The CRM of somebody else that docs/examples/foreign_crm.py is: whoever is killed and when, it logs each call exactly once and pops each page.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::party::{self, Party};
use calls::ports::Ports;
use calls::process::{Process, tail};
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than the whole test.
const LONGEST: Duration = Duration::from_secs(600);
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/foreign_crm.py");

/// The script, which may be killed, and the page that it pops.
struct Crm {
    process: Option<Process>,
    folder: PathBuf,
    server: SocketAddr,
    listen: SocketAddr,
    token: String,
    popped: Arc<Mutex<Vec<Value>>>,
}

impl Crm {
    fn start(folder: &Path, server: SocketAddr, listen: SocketAddr, token: String) -> Result<Self> {
        let popped = Arc::default();
        let mut crm = Self { process: None, folder: folder.to_owned(), server, listen, token, popped };
        crm.start_again()?;
        let popped = Arc::clone(&crm.popped);
        thread::spawn(move || browse(listen, &popped));
        Ok(crm)
    }

    fn start_again(&mut self) -> Result<()> {
        let (server, listen) = (format!("http://{}", self.server), self.listen.to_string());
        let mut python = Command::new("python3");
        python.arg(SCRIPT).args([&server, &listen, "crm.db"]);
        python.current_dir(&self.folder).env("SWITCHBOARD_TOKEN", &self.token);
        self.process = Some(Process::start(&mut python, &self.folder.join("crm.log"))?);
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        self.process.take().context("it does not run")?.kill()
    }

    /// What it logged.
    fn log(&self) -> Result<Vec<Value>> {
        let log: Value = ureq::get(format!("http://{}/log", self.listen)).call()?.body_mut().read_json()?;
        log.as_array().cloned().context("no list")
    }

    fn said(&self) -> String {
        tail(&std::fs::read_to_string(self.folder.join("crm.log")).unwrap_or_default())
    }
}

/// Reads the page's events as a browser does: where the connection breaks it comes back and says which one it had last.
fn browse(crm: SocketAddr, popped: &Mutex<Vec<Value>>) {
    let mut last = "0".to_owned();
    let read = || {
        // The script is dead for now, or will be started.
        drop(listen(crm, &mut last, popped));
        Ok(None::<()>)
    };
    drop(wait::until("the end of the test", LONGEST, read));
}

fn listen(crm: SocketAddr, last: &mut String, popped: &Mutex<Vec<Value>>) -> Result<()> {
    let mut stream = TcpStream::connect(crm)?;
    write!(stream, "GET /pops HTTP/1.1\r\nHost: {crm}\r\nLast-Event-ID: {last}\r\n\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(id) = line.strip_prefix("id: ") {
            id.clone_into(last);
        }
        if let Some(event) = line.strip_prefix("data: ") {
            popped.lock().expect("no test panics while holding it").push(serde_json::from_str(event)?);
        }
    }
    Ok(())
}

/// Where a call is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Ringing,
    Talking,
    Over,
}

/// When the script is killed; it is started again after the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    Never,
    BeforeTheCalls,
    WithTheServer,
}

/// 10001 calls 10002; the phones are gone afterwards.
fn call(server: &Switchboard, until: Until) -> Result<String> {
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(server, "1001", clock)?, Party::new(server, "1002", clock)?);
    sign_in(&server.api()?)?;
    if until == Until::Ringing {
        let mut calling = alice.phone.dialog_to("1002");
        alice.call(&mut calling)?;
        let invite = bob.phone.expect("INVITE")?;
        bob.phone.reply(&invite, "180 Ringing", "")?;
        alice.phone.expect("180 INVITE")?;
        return Ok(calling.call_id);
    }
    let mut up = party::connect(alice, bob)?;
    if until == Until::Over {
        up.alice.phone.request(&mut up.calling, "BYE", &[], "")?;
        let bye = up.bob.phone.expect("BYE")?;
        up.bob.phone.reply(&bye, "200 OK", "")?;
        up.alice.phone.expect("200 BYE")?;
    }
    Ok(up.calling.call_id)
}

/// Both are agents, on the phones that they call with, and ready for the next call at once.
fn sign_in(api: &Api) -> Result<()> {
    for (agent, extension) in [("10001", "1001"), ("10002", "1002")] {
        let rules = api.put(&format!("agents/{agent}"), &json!({"extension": extension, "after_call": "ready"}))?;
        ensure!(rules.status == 200, "{}", rules.json());
        wait::until("the agent to be ready", PATIENCE, || {
            let now = api.get(&format!("agents/{agent}"))?["now"].clone();
            if now["state"] == "ready" && now["signed_in_on"] == extension && now["call_status"] == "none" {
                return Ok(Some(()));
            }
            // Refused where he is so already, since what he was outlives the server, or is asked about his last call.
            api.post(&format!("agents/{agent}/sign-in"), &json!({"way": "desk", "extension": extension}))?;
            api.post(&format!("agents/{agent}/state"), &json!({"state": "ready"}))?;
            Ok(None)
        })?;
    }
    Ok(())
}

fn token(api: &Api) -> Result<String> {
    let permissions = ["webhooks.read", "webhooks.write", "events.read", "call_records.read"];
    let made = api.post("tokens", &json!({"name": "crm", "permissions": permissions}))?;
    ensure!(made.status == 201, "{}", made.json());
    Ok(made.json()["token"].as_str().context("no token")?.to_owned())
}

/// The log has each of these calls once, and nothing else, with who talked.
fn check_log(log: &[Value], lived: &[(String, Until)]) -> Result<()> {
    for (call_id, until) in lived {
        let is_of = |entry: &&Value| {
            let legs = entry["record"]["legs"].as_array().map(Vec::as_slice).unwrap_or_default();
            legs.iter().any(|leg| leg["sip_call_id"] == call_id.as_str())
        };
        let entries: Vec<&Value> = log.iter().filter(is_of).collect();
        ensure!(entries.len() == 1, "{} entries of a call left {until:?}: {entries:?}", entries.len());
        let record = &entries[0]["record"];
        ensure!(record["caller"] == "1001" && record["callee"] == "1002", "{record}");
        ensure!(record["answered_at"].is_string() == (*until != Until::Ringing), "left {until:?}: {record}");
    }
    ensure!(log.len() == lived.len(), "{} entries of {} calls", log.len(), lived.len());
    Ok(())
}

/// Each call popped once for who dialled and once for who was rung.
fn check_pops(log: &[Value], popped: &[Value]) -> Result<()> {
    let mut count: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for pop in popped {
        ensure!(pop["caller"] == "1001" && pop["callee"] == "1002", "{pop}");
        let text = |name: &str| pop[name].as_str().unwrap_or_default().to_owned();
        *count.entry((text("call"), text("agent"), text("does"))).or_default() += 1;
    }
    for entry in log {
        for (agent, does) in [("10001", "dialling"), ("10002", "ringing")] {
            let call = entry["call"].as_str().unwrap_or_default().to_owned();
            let times = count.remove(&(call, agent.to_owned(), does.to_owned())).unwrap_or_default();
            ensure!(times == 1, "{times} pops of {agent}, {does}, for {entry}");
        }
    }
    ensure!(count.is_empty(), "pops of no call: {count:?}");
    Ok(())
}

#[test]
fn the_script_has_no_more_than_150_lines() -> Result<()> {
    let lines = std::fs::read_to_string(SCRIPT)?.lines().filter(|line| !line.trim().is_empty()).count();
    ensure!(lines <= 150, "{lines} lines that are not blank");
    Ok(())
}

/// Each round ends with the server killed and started again.
#[test]
fn a_foreign_crm_logs_each_call_once_and_pops_each_page_whoever_is_killed() -> Result<()> {
    let ports = Ports::take()?;
    let listen = SocketAddr::from(([127, 0, 0, 1], ports.one()?));
    let sections = "[webhooks]\nallowed_nets = \"127.0.0.1\"\nretry_first_s = 1\nretry_longest_s = 1\n".to_owned();
    let mut server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let api = server.api()?;
    let mut crm = Crm::start(server.folder(), server.http(), listen, token(&api)?)?;
    let rounds = [
        (Until::Over, Dies::Never),
        (Until::Talking, Dies::Never),
        (Until::Ringing, Dies::Never),
        (Until::Over, Dies::BeforeTheCalls),
        (Until::Talking, Dies::WithTheServer),
        (Until::Over, Dies::Never),
    ];
    let mut lived = Vec::new();
    for (until, script_dies) in rounds {
        if script_dies == Dies::BeforeTheCalls {
            crm.kill()?;
        }
        lived.push((call(&server, Until::Over)?, Until::Over));
        lived.push((call(&server, until)?, until));
        if script_dies == Dies::WithTheServer {
            crm.kill()?;
        }
        server.kill()?;
        server.start_again()?;
        if script_dies != Dies::Never {
            crm.start_again()?;
        }
        // An agent whose call is asked about still dials in vain.
        server.ended_calls(lived.len())?;
    }
    let engine = server.ended_calls(lived.len())?;
    ensure!(engine.len() == lived.len(), "{} records of {} calls", engine.len(), lived.len());
    let log = wait::until("the log to be complete", PATIENCE, || {
        let log = crm.log().unwrap_or_default();
        let is_whole = log.len() >= lived.len() && log.iter().all(|entry| entry["record"].is_object());
        Ok(is_whole.then_some(log))
    });
    let log = log.with_context(|| format!("the script said last: {}", crm.said()))?;
    check_log(&log, &lived)?;
    // Whatever comes twice has come by then.
    wait::until("all events delivered", PATIENCE, || {
        let hooks = api.list("webhooks")?;
        ensure!(hooks.len() == 1, "{hooks:?}");
        Ok((hooks[0]["state"]["lag"] == 0).then_some(()))
    })?;
    check_log(&crm.log()?, &lived)?;
    let is_popped = || crm.popped.lock().expect("no test panics while holding it").len() >= 2 * lived.len();
    wait::until("the pages to pop", PATIENCE, || Ok(is_popped().then_some(())))?;
    let popped = crm.popped.lock().expect("no test panics while holding it").clone();
    check_pops(&log, &popped)
}
