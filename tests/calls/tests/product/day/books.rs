//! What callers and phones lived through, kept by the test alone, and what the centre says of the same day.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::baresip::Baresip;
use calls::chirp::Voice;
use calls::sip_text::Text;
use calls::wait;
use serde_json::Value;

use super::people::{MOBILE, Outside, Taken};
use super::{AGENTS, Centre, HASTY, PATIENT};
use crate::queue::PATIENCE;

/// By how much two clocks may tell the length of a call or of a day differently.
const SLACK: Duration = Duration::from_millis(700);
/// Shorter talks of a mobile may be a race between its key and the caller's hanging up.
const SURE_TALK_S: f64 = 0.5;

/// The test's own notes.
#[derive(Default)]
pub(crate) struct Books {
    /// How long each call of the crowd lasted, by the caller's number, as SIPp saw it.
    crowd: BTreeMap<String, Duration>,
    /// When each agent signed in and out.
    online: BTreeMap<&'static str, (Instant, Option<Instant>)>,
    /// How many calls each phone had taken when the rush was over.
    rush: [usize; 3],
}

impl Books {
    pub(crate) fn signs_in(&mut self, agent: &'static str, at: Instant) {
        self.online.insert(agent, (at, None));
    }

    pub(crate) fn signs_out(&mut self, agent: &'static str, at: Instant) {
        if let Some((_, out)) = self.online.get_mut(agent) {
            *out = Some(at);
        }
    }

    pub(crate) fn rush_is_over(&mut self, one: &Baresip, two: &Baresip, outside: &Outside) {
        self.rush = [callers(one).len(), callers(two).len(), outside.taken().len()];
    }

    /// Notes from the first INVITE to the BYE of each call, of SIPp's own log of messages.
    pub(crate) fn read_sipp(&mut self, log: &str) -> Result<()> {
        let mut began = BTreeMap::new();
        for part in
            log.split("\n-----------------------------------------------").filter(|part| part.contains(" sent ("))
        {
            let at = part.split_whitespace().find_map(seconds_of_day).context("a message without its time")?;
            let Some((_, message)) = part.split_once("\n\n") else { continue };
            let Ok(message) = Text::read(&message.trim_start().replace("\r\n", "\n").replace('\n', "\r\n")) else {
                continue;
            };
            let user = message.uri("From").trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
            if message.start.starts_with("INVITE ") {
                began.entry(user).or_insert(at);
            } else if message.start.starts_with("BYE ") {
                let began = began.get(&user).context("a BYE without its INVITE")?;
                self.crowd.entry(user).or_insert(Duration::from_secs_f64(at - began));
            }
        }
        Ok(())
    }

    /// The centre's records, facts, states and counters say the same as the notes.
    pub(crate) fn check(&self, centre: &Centre, desks: &[(&str, &Baresip)], taken: &[Taken]) -> Result<()> {
        let inbound = self.crowd.len() + centre.callers;
        let crowd = (PATIENT.0 + HASTY.0) as usize;
        ensure!(self.crowd.len() == crowd, "SIPp told of {} calls, not {crowd}", self.crowd.len());
        // And the agent's own call outside; who dials the place of a parked caller comes into that one's call.
        let records = all_records(centre, inbound + 1)?;
        self.check_records(centre, &records, inbound)?;
        check_agents(&records, desks, taken)?;
        check_parts(&records)?;
        check_facts(&events(&centre.api)?)?;
        self.check_states(&centre.api)?;
        check_wallboard(&centre.api, inbound, &records)?;
        self.check_sound(desks, taken)?;
        let log = centre.server.log();
        let complaints: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        ensure!(complaints.is_empty(), "{complaints:#?}");
        Ok(())
    }

    /// One record for each caller, with the length that he knows.
    fn check_records(&self, centre: &Centre, records: &[Value], inbound: usize) -> Result<()> {
        let of_outside: Vec<&Value> = records.iter().filter(|record| record["direction"] == "inbound").collect();
        ensure!(of_outside.len() == inbound, "{} records of {inbound} callers", of_outside.len());
        let numbers: BTreeSet<&str> = of_outside.iter().filter_map(|record| record["caller"].as_str()).collect();
        ensure!(numbers.len() == inbound, "two records of one caller: {numbers:?}");
        for (caller, lasted) in &self.crowd {
            let record = of(&of_outside, caller)?;
            let said = Duration::from_millis(record["total_duration_ms"].as_u64().context("no length")?);
            // Records tell whole seconds.
            let fits = said < *lasted + SLACK && said + Duration::from_secs(1) + SLACK > *lasted;
            ensure!(fits, "{caller} was there for {lasted:?}: {record:#}");
            ensure!(record["ended_by"] == "caller", "{caller} hung up: {record:#}");
            ensure!(record["lost"].as_bool() == Some(record["agent"].is_null()), "{record:#}");
        }
        let lost = |(calls, user, _): (u32, &str, &str)| {
            let own =
                of_outside.iter().filter(|one| one["caller"].as_str().is_some_and(|caller| caller.contains(user)));
            own.filter(|record| record["lost"] == true).count() as u32 * 100 / calls
        };
        ensure!(lost(HASTY) == 100 && lost(PATIENT) < 70, "{} and {} %", lost(HASTY), lost(PATIENT));
        ensure!(centre.callers == 5, "{} scripted callers", centre.callers);
        Ok(())
    }

    /// The stays of an agent follow each other without a gap and add up to the time that he was there.
    fn check_states(&self, api: &Api) -> Result<()> {
        let stays = api.list("agent-states")?;
        for agent in AGENTS {
            let mut own: Vec<&Value> =
                stays.iter().filter(|stay| stay["agent"] == agent && !stay["ended_at"].is_null()).collect();
            own.sort_by_key(|stay| stay["began_at"].to_string());
            for pair in own.windows(2) {
                ensure!(pair[0]["ended_at"] == pair[1]["began_at"], "{agent} was nowhere: {pair:#?}");
                ensure!(pair[0]["state"] != pair[1]["state"], "{agent} went where he was: {pair:#?}");
            }
            let online = own.iter().filter(|stay| stay["state"] != "offline");
            let told: u64 = online.filter_map(|stay| stay["duration_ms"].as_u64()).sum();
            let (came, left) = self.online.get(agent).context("an agent who never came")?;
            let there = left.context("an agent who never left")?.duration_since(*came);
            ensure!(Duration::from_millis(told).abs_diff(there) < SLACK, "{agent}: {told} ms of {there:?}: {own:#?}");
            ensure!(own.iter().any(|stay| stay["state"] == "wrap_up"), "{agent} never wrapped up: {own:#?}");
        }
        ensure!(stays.iter().any(|stay| stay["agent"] == "10002" && stay["state"] == "on_break"), "no break");
        Ok(())
    }

    /// What the crowd said back came to the agent whose voice it was, and to no other; the mobile was heard, too.
    fn check_sound(&self, desks: &[(&str, &Baresip)], taken: &[Taken]) -> Result<()> {
        for (nth, (agent, desk)) in desks.iter().enumerate() {
            let own = [Voice::Low, Voice::High];
            let (voice, other) = (own[nth], own[1 - nth]);
            let sounds = desk.heard()?;
            let rush = sounds.get(..self.rush[nth]).context("fewer sounds than calls")?;
            let hear = |voice: Voice| -> f64 {
                rush.iter().map(|sound| voice.listen(sound.rate, &sound.channels[0]).seconds()).sum()
            };
            ensure!(hear(voice) > 3.0, "{agent} heard {} s of what was said back", hear(voice));
            ensure!(hear(other) == 0.0, "{agent} heard {} s of a colleague's caller", hear(other));
        }
        let echo: f64 = taken.iter().filter(|call| call.called.ends_with(MOBILE)).map(|call| call.echo_s).sum();
        ensure!(echo > 3.0, "the mobile heard {echo} s");
        let customer = taken.iter().find(|call| !call.called.ends_with(MOBILE)).context("nobody was called")?;
        ensure!(customer.agent_s > 1.5, "{customer:?}");
        Ok(())
    }
}

/// `11:50:41.123456` as seconds of the day.
fn seconds_of_day(text: &str) -> Option<f64> {
    let mut parts = text.split(':').map(|part| part.parse::<f64>().ok());
    Some(parts.next()?? * 3_600.0 + parts.next()?? * 60.0 + parts.next()??)
}

/// All events there are.
pub(crate) fn events(api: &Api) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("events?limit=200{after}"))?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        if items.is_empty() {
            return Ok(all);
        }
        all.extend(items);
        after = format!("&after={}", page["next_cursor"].as_str().context("no position")?);
    }
}

/// All records with their parts, once so many calls have ended.
fn all_records(centre: &Centre, calls: usize) -> Result<Vec<Value>> {
    let ended = centre.server.ended_calls(calls)?;
    ensure!(ended.len() == calls, "{} records of {calls} calls: {ended:#?}", ended.len());
    let whole = |record: Value| centre.api.get(&format!("call-records/{}", record["id"].as_str().unwrap_or_default()));
    ended.into_iter().map(whole).collect()
}

/// The record of this caller.
fn of<'a>(records: &[&'a Value], caller: &str) -> Result<&'a Value> {
    let is_his = |record: &&&Value| record["caller"].as_str().is_some_and(|number| number.ends_with(caller));
    records.iter().find(is_his).copied().with_context(|| format!("no record of {caller}"))
}

/// Numbers of those whose calls this phone took, as it says itself.
fn callers(desk: &Baresip) -> Vec<String> {
    let user = |event: &Value| event["peeruri"].as_str()?.split([':', '@']).nth(1).map(str::to_owned);
    let incoming = desk.events("CALL_ESTABLISHED").into_iter().filter(|event| event["direction"] == "incoming");
    incoming.filter_map(|event| user(&event)).collect()
}

fn parts<'a>(record: &'a Value, kind: &str) -> Vec<&'a Value> {
    record["segments"].as_array().into_iter().flatten().filter(|part| part["kind"] == kind).collect()
}

/// Who talked with whom, as the phones of the agents say and as the records say.
fn check_agents(records: &[Value], desks: &[(&str, &Baresip)], taken: &[Taken]) -> Result<()> {
    let inbound: Vec<&Value> = records.iter().filter(|record| record["direction"] == "inbound").collect();
    let has_part = |record: &Value, agent: &str| parts(record, "agent").iter().any(|part| part["agent"] == agent);
    for (agent, desk) in desks {
        let took: BTreeSet<String> = callers(desk).into_iter().filter(|caller| caller.len() > 4).collect();
        ensure!(!took.is_empty(), "{agent} took nobody");
        for caller in &took {
            let record = of(&inbound, caller.trim_start_matches("+86"))?;
            let hung_up = |offer: &&Value| offer["agent"] == *agent && offer["outcome"] == "caller_hung_up";
            let is_race = parts(record, "offer").iter().any(hung_up);
            ensure!(has_part(record, agent) || is_race || has_supervision(record, agent), "{agent} took {record:#}");
        }
        for record in inbound.iter().filter(|record| record["agent"] == *agent) {
            let caller = record["caller"].as_str().unwrap_or_default().trim_start_matches("+86");
            ensure!(took.iter().any(|number| number.ends_with(caller)), "{agent} never took {record:#}");
        }
    }
    let by_mobile = |call: &&Taken| call.called.ends_with(MOBILE);
    for call in taken.iter().filter(by_mobile).filter(|call| call.echo_s > SURE_TALK_S) {
        let caller = call.from.trim_start_matches("sip:").split('@').next().unwrap_or_default();
        let record = of(&inbound, caller.trim_start_matches("+86"))?;
        ensure!(record["agent"] == "10003", "{call:?}: {record:#}");
    }
    let told = inbound.iter().filter(|record| record["agent"] == "10003").count();
    ensure!((1..=taken.iter().filter(by_mobile).count()).contains(&told), "{told} records of the mobile: {taken:?}");
    Ok(())
}

fn has_supervision(record: &Value, agent: &str) -> bool {
    parts(record, "supervision").iter().any(|part| part["done_by"] == agent || part["agent"] == agent)
}

/// No agent talks in two calls at once.
fn check_parts(records: &[Value]) -> Result<()> {
    for agent in AGENTS {
        let all = records.iter().flat_map(|record| parts(record, "agent"));
        let mut own: Vec<&Value> = all.filter(|part| part["agent"] == agent).collect();
        own.sort_by_key(|part| part["started_at"].to_string());
        ensure!(!own.is_empty(), "{agent} has no part in any call");
        for pair in own.windows(2) {
            ensure!(
                pair[0]["ended_at"].as_str() <= pair[1]["started_at"].as_str(),
                "{agent} is in two calls: {pair:#?}"
            );
        }
    }
    Ok(())
}

/// Who came into the queue left it by one exit, and each offer ended once.
fn check_facts(events: &[Value]) -> Result<()> {
    let calls = |kind: &str| -> Vec<String> {
        let all = events.iter().filter(|event| event["type"] == kind);
        let mut calls: Vec<String> = all.map(|event| event["subject"].to_string()).collect();
        calls.sort();
        calls
    };
    let (came, left) = (calls("call.queued"), calls("call.left_queue"));
    ensure!(came == left && !came.is_empty(), "{} came into the queue, {} left it", came.len(), left.len());
    let once: BTreeSet<&String> = came.iter().collect();
    ensure!(once.len() == came.len(), "somebody was in the queue twice");
    let (offered, ended) = (calls("call.offered"), calls("call.offer_ended"));
    ensure!(offered == ended && !offered.is_empty(), "{} offers, {} ends", offered.len(), ended.len());
    for kind in [
        "call.held",
        "call.consult_started",
        "call.conference_started",
        "call.parked",
        "call.supervised",
        "survey.completed",
        "voicemail.left",
    ] {
        let times = calls(kind).len();
        ensure!(times == 1, "{kind} {times} times");
    }
    Ok(())
}

/// The counters of the day are those that the callers would have counted.
fn check_wallboard(api: &Api, inbound: usize, records: &[Value]) -> Result<()> {
    let talked = records.iter().filter(|record| record["direction"] == "inbound" && !record["agent"].is_null()).count();
    let mut last = Value::Null;
    wait::until("the counters of the day", PATIENCE, || {
        last = api.get("wallboard")?;
        let today = &last["today"];
        let is_it = today["inbound"] == inbound && today["inbound_connected"] == talked;
        let is_out = today["outbound"] == 1 && today["outbound_connected"] == 1;
        let all_gone = last["states"]["offline"] == AGENTS.len() && last["waiting"] == 0;
        Ok((is_it && is_out && all_gone).then_some(()))
    })
    .with_context(|| format!("{inbound} callers, {talked} talked: {last:#}"))
}
