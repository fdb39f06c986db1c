//! `kill -9` under call load: what SIPp's own log says of each call is what records, events and the CRM's list say, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::sipp::{Running, Sipp};
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
/// Calls that begin in a second; each talks for half a second.
const RATE: u32 = 10;
/// More than begin before a server is killed.
const CALLS: u32 = 500;
/// Calls that were hung up when the server is killed, round by round: the moment differs, and so does what is under way.
const ROUNDS: [usize; 3] = [7, 12, 9];

/// How far a caller came, by what he received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lived {
    Nothing,
    Rang,
    Answered,
    HungUp,
}

/// By Call-ID, as SIPp wrote down its messages.
fn lived(messages: &str) -> BTreeMap<String, Lived> {
    let mut calls = BTreeMap::new();
    // Each begins with a line of dashes and the time.
    for message in messages.split("-----------------------------------------------") {
        let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let Some(call) = field("Call-ID:") else { continue };
        let method = field("CSeq:").and_then(|cseq| cseq.split(' ').nth(1));
        let is =
            |status: &str| message.contains("message received") && message.contains(&format!("\nSIP/2.0 {status}"));
        let came = match method {
            Some("BYE") if is("200") => Lived::HungUp,
            Some("INVITE") if is("200") => Lived::Answered,
            Some("INVITE") if is("18") => Lived::Rang,
            _ => Lived::Nothing,
        };
        let call = calls.entry(call.to_owned()).or_insert(came);
        *call = came.max(*call);
    }
    calls
}

/// The callers call, and the called answer, until so many calls were hung up.
fn until_killed(server: &mut Switchboard, called: &Sipp, hung_up: usize) -> Result<BTreeMap<String, Lived>> {
    let answering = called.start(server.folder())?;
    let caller = Sipp::scenario(server.ports(), "call")?.to(server.sip()).as_user("1001", PASSWORD).dialling("1002");
    let caller = caller.calls(CALLS, RATE).start(server.folder())?;
    let ended = |caller: &Running| lived(&caller.messages()).values().filter(|far| **far == Lived::HungUp).count();
    wait::until("calls that were hung up", PATIENCE, || Ok((ended(&caller) >= hung_up).then_some(())))?;
    server.kill()?;
    let lived = lived(&caller.messages());
    drop((caller, answering));
    Ok(lived)
}

/// The records by the Call-ID of who called, once no call is under way any more and the records have followed the journal.
fn records(api: &Api) -> Result<BTreeMap<String, Value>> {
    let ended = wait::until("the records of all calls", PATIENCE, || {
        let (events, records) = (api.events()?, api.list("call-records")?);
        let created = told(&events, "call.created")?;
        let is_over = told(&events, "call.ended")? == created && records.len() >= created.len();
        Ok((is_over && records.iter().all(|record| !record["ended_at"].is_null())).then_some(records))
    })?;
    let mut records = BTreeMap::new();
    for record in ended {
        let record = api.get(&format!("call-records/{}", record["id"].as_str().unwrap_or_default()))?;
        let legs = record["legs"].as_array().context("no legs")?;
        let caller = legs.iter().find(|leg| leg["caller_side"] == true).context("nobody called")?;
        let call = caller["sip_call_id"].as_str().unwrap_or_default().to_owned();
        ensure!(records.insert(call.clone(), record).is_none(), "two records of {call}");
    }
    Ok(records)
}

/// The calls that events of a type name.
fn told(events: &[Value], of: &str) -> Result<BTreeSet<String>> {
    let mut calls = BTreeSet::new();
    for event in events.iter().filter(|event| event["type"] == of) {
        let call = event["data"]["call"].as_str().context("an event of no call")?;
        ensure!(calls.insert(call.to_owned()), "{of} comes twice for {call}");
    }
    Ok(calls)
}

/// Each event has an ID of its own, and the calls of these records are those that began and ended in events and stand in the CRM's list.
pub(crate) fn told_once<'a>(api: &Api, records: impl IntoIterator<Item = &'a Value>) -> Result<()> {
    let id = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let written: BTreeSet<String> = records.into_iter().map(|record| id(record, "id")).collect();
    let events = api.events()?;
    let ids: BTreeSet<String> = events.iter().map(|event| id(event, "id")).collect();
    ensure!(ids.len() == events.len(), "{} events with {} IDs", events.len(), ids.len());
    ensure!(told(&events, "call.created")? == written, "created");
    ensure!(told(&events, "call.ended")? == written, "ended");
    let rows = wait::until("the CRM's rows", PATIENCE, || {
        let rows = api.list("crm/call-records")?;
        Ok((rows.len() >= written.len()).then_some(rows))
    })?;
    let listed: BTreeSet<String> = rows.iter().map(|row| id(row, "call_id")).collect();
    ensure!(rows.len() == written.len() && listed == written, "{rows:?}");
    Ok(())
}

/// Killed in the midst of calls three times, the server has one record of each call that rang, no second one of any, and the book's
/// events and the CRM's rows are of the same calls.
#[test]
fn a_server_killed_under_load_has_each_call_once() -> Result<()> {
    let mut server = Switchboard::start()?;
    let called = Sipp::scenario(server.ports(), "answer")?.as_user("1002", PASSWORD).calls(CALLS, RATE);
    let register = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD);
    register.at(called.local()).play(server.folder())?;
    let mut all = BTreeMap::new();
    for hung_up in ROUNDS {
        all.extend(until_killed(&mut server, &called, hung_up)?);
        server.start_again()?;
    }

    let api = server.api()?;
    let records = records(&api)?;
    let came = |far: Lived| all.iter().filter(move |(_, lived)| **lived >= far).map(|(call, _)| call);
    for call in came(Lived::Rang) {
        ensure!(records.contains_key(call), "no record of {call}, which was {:?}", all[call]);
    }
    for call in came(Lived::Answered) {
        ensure!(records[call]["answered_at"].is_string(), "answered: {}", records[call]);
    }
    for call in came(Lived::HungUp) {
        ensure!(records[call]["cause"] == "normal", "hung up: {}", records[call]);
    }
    ensure!(records.keys().all(|call| all.contains_key(call)), "records of calls nobody made: {:?}", records.keys());
    let cut = records.values().filter(|record| record["cause"] == "interrupted").count();
    ensure!(cut >= ROUNDS.len(), "only {cut} calls were under way when the server was killed: this proves nothing");

    told_once(&api, records.values())
}
