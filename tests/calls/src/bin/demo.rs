//! `make demo`: two scripted phones call each other with audio through a server that runs, and what it wrote down of
//! the call is shown.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use calls::api::Api;
use calls::chirp::Voice;
use calls::party::{Account, Party, connect, hearing, talk, wait_for_packets};
use calls::ports::Ports;
use calls::wait;
use serde_json::Value;

const TALK_S: f64 = 5.0;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<()> {
    let password = std::env::var("SWITCHBOARD_DEMO_PASSWORD").context(
        "SWITCHBOARD_DEMO_PASSWORD is not set: start the server for the first time with it, and the demo with the same",
    )?;
    let address = |key: &str, default: &str| -> Result<SocketAddr> {
        let text = std::env::var(key).unwrap_or_else(|_| default.to_owned());
        text.parse().with_context(|| format!("{key} is no address: {text}"))
    };
    let sip = address("SWITCHBOARD__SIP__UDP", "127.0.0.1:5060")?;
    let http = address("SWITCHBOARD__HTTP__LISTEN", "127.0.0.1:8080")?;
    let mut out = std::io::stdout();

    let api = Api::new(http).sign_in("admin", &password).context("the administrator cannot sign in")?;
    let (ports, clock) = (Ports::take()?, Instant::now());
    let phone = |user| Party::register(&ports, sip, Account { user, password: &password }, clock);
    let (alice, bob) = (phone("1001")?, phone("1002")?);
    writeln!(out, "1001 and 1002 are registered; 1001 calls 1002")?;
    let mut call = connect(alice, bob)?;
    writeln!(out, "answered; both speak for {TALK_S} s")?;
    talk(&mut call, TALK_S)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred packets of 20 ms")]
    let packets = (TALK_S * 1_000.0 / 20.0) as usize - 10;
    wait_for_packets(&call.alice.media, packets)?;
    wait_for_packets(&call.bob.media, packets)?;
    for (name, end, voice) in [("1001", &call.alice.media, Voice::High), ("1002", &call.bob.media, Voice::Low)] {
        let heard = hearing(end, voice, 0);
        let (seconds, gap) = (heard.seconds(), heard.largest_gap_ms());
        writeln!(out, "{name} heard {seconds:.1} s of the other, the largest gap {gap:.0} ms")?;
    }
    call.alice.phone.hang_up(&mut call.calling)?;
    let goodbye = call.bob.phone.expect("BYE")?;
    call.bob.phone.reply(&goodbye, "200 OK", "")?;

    let record = record_of(&api, &call.calling.call_id)?;
    writeln!(out, "\ncall record:\n{}", serde_json::to_string_pretty(&record)?)?;
    let recording = &record["recordings"][0];
    let Some(id) = recording["id"].as_str() else {
        writeln!(out, "\nno recording: see `recording.internal` in the configuration")?;
        return Ok(());
    };
    let data = std::env::var("SWITCHBOARD__DATA_DIR").unwrap_or_else(|_| "data".to_owned());
    let file = find(&Path::new(&data).join("recordings"), &format!("{id}.wav"));
    let shown = file.map_or_else(
        || format!("http://{http}{}", recording["audio"].as_str().unwrap_or("?")),
        |path| path.display().to_string(),
    );
    writeln!(out, "\nrecording (1001 left, 1002 right): {shown}")?;
    Ok(())
}

/// The record with a leg of this Call-ID, once the call and its recording are finished.
fn record_of(api: &Api, call_id: &str) -> Result<Value> {
    wait::until("the call record", PATIENCE, || {
        let page = api.get("call-records?limit=20")?;
        for summary in page["items"].as_array().into_iter().flatten() {
            let id = summary["id"].as_str().context("a record without an id")?;
            let record = api.get(&format!("call-records/{id}"))?;
            let is_ours =
                record["legs"].as_array().is_some_and(|legs| legs.iter().any(|leg| leg["sip_call_id"] == call_id));
            let recorded =
                record["recordings"].as_array().is_none_or(|all| all.iter().all(|r| r["state"] != "running"));
            if is_ours && !record["ended_at"].is_null() && recorded {
                return Ok(Some(record));
            }
        }
        Ok(None)
    })
}

/// The file of this name somewhere below `folder`: tenant, year, month and day lie between.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    entries.into_iter().find_map(|path| match path.is_dir() {
        true => find(&path, name),
        false => path.ends_with(name).then_some(path),
    })
}
