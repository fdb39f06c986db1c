//! The database goes away under running calls, and comes back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::party::{Party, connect};
use calls::ports::Ports;
use calls::postgres::Postgres;
use calls::sipp::Sipp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

use crate::killed::told_once;

/// Calls of SIPp: most of them begin while the database is away.
const CALLS: u32 = 40;

fn ready(server: &Switchboard) -> Result<(u16, Value)> {
    let answer = server.api()?.at_root("/readyz")?;
    Ok((answer.status, answer.json()))
}

fn database_is(server: &Switchboard, ok: bool) -> Result<()> {
    wait::until("what /readyz says of the database", Duration::from_secs(30), || {
        let (status, said) = ready(server)?;
        let checks = said["checks"].as_array().context("no checks")?;
        let database = checks.iter().find(|check| check["name"] == "database").context("no check of the database")?;
        Ok((database["ok"] == ok && status == if ok { 200 } else { 503 }).then_some(()))
    })
}

/// PostgreSQL is killed while one call is up and others begin. Calls, registrations and the sign-in of phones go on; the API says
/// that it cannot; afterwards the records are those of the callers' own log, each once,
/// and so are events and the CRM's rows.
#[test]
fn calls_go_on_without_the_database_and_are_written_down_when_it_is_back() -> Result<()> {
    let ports = Ports::take()?;
    let postgres = Postgres::start(&ports)?;
    let sections = format!("[storage]\nurl = \"{}\"", postgres.url());
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    // Nobody can sign in without a database; who has can be told so.
    server.api()?;
    let clock = Instant::now();
    let mut long = connect(Party::new(&server, "1001", clock)?, Party::new(&server, "1003", clock)?)?;
    let mut lived = vec![long.calling.call_id.clone()];

    let called = Sipp::scenario(server.ports(), "answer")?.as_user("1002", PASSWORD).calls(CALLS, 4);
    let register = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD);
    let register = register.at(called.local());
    register.play(server.folder())?;
    let called = called.start(server.folder())?;
    let caller = Sipp::scenario(server.ports(), "call")?.to(server.sip()).as_user("1001", PASSWORD).dialling("1002");
    let caller = caller.calls(CALLS, 4).start(server.folder())?;
    wait::until("the first calls", Duration::from_secs(20), || {
        Ok((caller.messages().matches("BYE sip:").count() >= 3).then_some(()))
    })?;
    postgres.kill()?;

    database_is(&server, false)?;
    let refused = server.api()?.post("blocks", &json!({"side": "caller", "number": "+8613900000001"}))?;
    ensure!(refused.status == 503 && refused.json()["type"] == "urn:switchboard:problem:unavailable", "{refused:?}");
    ensure!(refused.retry_after.is_some(), "no Retry-After: {refused:?}");
    // A phone that is known registers, also for the first time since the start, and calls.
    let mut fresh = Party::new(&server, "1003", clock)?;
    let mut calling = fresh.phone.dialog_to("*43");
    fresh.call(&mut calling)?;
    let ok = fresh.phone.expect("200 INVITE")?;
    fresh.phone.ack(&mut calling, &ok, "")?;
    fresh.phone.hang_up(&mut calling)?;
    lived.push(calling.call_id.clone());
    long.alice.phone.hang_up(&mut long.calling)?;
    // SIPp's own verdict: every call of it went by the book, those without a database, too.
    let played = caller.finish()?;
    called.finish()?;
    ensure!(server.api()?.at_root("/healthz")?.status == 200);

    postgres.start_again()?;
    database_is(&server, true)?;
    let of_sipp =
        played.messages.lines().filter_map(|line| line.strip_prefix("Call-ID: ")).map(|id| id.trim().to_owned());
    lived.extend(of_sipp);
    lived.sort();
    lived.dedup();
    ensure!(lived.len() == CALLS as usize + 2, "{} Call-IDs in the callers' log", lived.len());
    let records = server.ended_calls(lived.len())?;
    let mut written = Vec::new();
    for record in &records {
        let document = server.api()?.get(&format!("call-records/{}", record["id"].as_str().unwrap_or_default()))?;
        let legs = document["legs"].as_array().context("a record without legs")?;
        ensure!(record["cause"] == "normal", "{document}");
        let caller = legs.iter().find(|leg| leg["caller_side"] == true).context("nobody called")?;
        written.push(caller["sip_call_id"].as_str().unwrap_or_default().to_owned());
    }
    written.sort();
    ensure!(written == lived, "written {written:?}\nlived {lived:?}");
    told_once(&server.api()?, &records)?;
    let blocked = server.api()?.post("blocks", &json!({"side": "caller", "number": "+8613900000001"}))?;
    ensure!(blocked.status == 201, "{blocked:?}");
    Ok(())
}
