//! SIPp's scenarios: a caller and a called phone, each played by the book.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::sipp::{Played, Running, Sipp};
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::Value;

/// What a scenario pair is made of.
struct Pair<'a> {
    caller: &'a str,
    called: &'a str,
    /// Words replaced in both.
    words: &'a [(&'a str, &'a str)],
    tcp: bool,
}

fn pair<'a>(caller: &'a str, called: &'a str) -> Pair<'a> {
    Pair { caller, called, words: &[], tcp: false }
}

/// Registers 1002, has it play `called`, calls it from 1001, and returns what the caller saw and the call's record.
fn check(server: &Switchboard, pair: &Pair<'_>) -> Result<(Played, Value)> {
    let transport = |phone: Sipp| if pair.tcp { phone.over_tcp() } else { phone };
    let worded = |phone: Sipp| pair.words.iter().fold(phone, |phone, (word, by)| phone.replacing(word, by));
    let called = Sipp::scenario(server.ports(), pair.called)?.as_user("1002", PASSWORD).with(&["-rtp_echo"]);
    // A called phone listens where it registered: over UDP always, so that one SIPp can end and the next begin.
    let binding =
        Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD).at(called.local());
    binding.play(server.folder())?;
    let running = worded(called).start(server.folder())?;
    let caller =
        Sipp::scenario(server.ports(), pair.caller)?.to(server.sip()).as_user("1001", PASSWORD).dialling("1002");
    let played = worded(transport(caller)).play(server.folder())?;
    running.finish()?;
    let record = server.ended_calls(1)?.remove(0);
    Ok((played, record))
}

fn ended(record: &Value, cause: &str, by: &str) -> Result<()> {
    ensure!(record["cause"] == cause && record["ended_by"] == by, "wanted {cause} by {by}: {record}");
    ensure!(record["caller_extension"] == "1001" && record["callee"] == "1002", "{record}");
    Ok(())
}

#[test]
fn the_caller_hangs_up() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call", "answer"))?;
    ensure!(!record["answered_at"].is_null() && record["direction"] == "internal", "{record}");
    ended(&record, "normal", "caller")
}

#[test]
fn the_called_party_hangs_up() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_hung_up_on", "answer_and_hang_up"))?;
    ended(&record, "normal", "callee")
}

#[test]
fn a_caller_on_tcp_talks_to_a_phone_on_udp() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &Pair { tcp: true, ..pair("call", "answer") })?;
    ended(&record, "normal", "caller")
}

#[test]
fn busy_is_busy() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &Pair { words: &[("STATUS", "486")], ..pair("call_refused", "refuse") })?;
    ended(&record, "busy", "callee")
}

#[test]
fn declined_is_declined() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &Pair { words: &[("STATUS", "603")], ..pair("call_refused", "refuse") })?;
    ended(&record, "rejected", "callee")
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_cancelled", "answer_cancelled"))?;
    ensure!(record["answered_at"].is_null(), "{record}");
    ended(&record, "cancelled", "caller")
}

#[test]
fn a_phone_that_nobody_answers_stops_ringing() -> Result<()> {
    let server = Switchboard::start_with(Setup { sip: "ring_timeout_s = 5".into(), ..Setup::default() })?;
    let (_, record) =
        check(&server, &Pair { words: &[("STATUS", "480")], ..pair("call_refused", "answer_cancelled") })?;
    ensure!(record["cause"] == "no_answer", "{record}");
    Ok(())
}

/// Proves CALL-31.
#[test]
fn early_media_reaches_the_caller_before_the_answer() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_early_media", "answer_early_media"))?;
    ended(&record, "normal", "caller")
}

#[test]
fn early_media_is_acknowledged_on_both_sides_and_offered_anew_before_the_answer() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_prack", "answer_prack"))?;
    ended(&record, "normal", "caller")
}

#[test]
fn a_caller_that_acknowledges_talks_to_a_phone_that_does_not() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_prack", "answer_early_media"))?;
    ended(&record, "normal", "caller")
}

#[test]
fn hold_and_retrieve_by_reinvite_are_answered() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_hold", "answer"))?;
    ended(&record, "normal", "caller")
}

#[test]
fn an_offer_may_come_with_the_ack() -> Result<()> {
    let server = Switchboard::start()?;
    let (_, record) = check(&server, &pair("call_delayed_offer", "answer"))?;
    ended(&record, "normal", "caller")
}

/// The dialog of a call that SIPp takes, as who takes its place names it (RFC 3891 §6.1): the switch sent its INVITE from the
/// tag that is ours to it.
fn replaces(called: &Running, until: &str) -> Result<String> {
    wait::until("SIPp to have the call", Duration::from_secs(10), || {
        Ok(called.messages().contains(until).then_some(()))
    })?;
    let messages = called.messages();
    let field = |from: &str, name: &str| {
        let message = messages.split(from).nth(1)?;
        let value = message.lines().map(str::trim).find_map(|line| line.strip_prefix(name))?;
        Some(value.trim().to_owned())
    };
    let tag = |address: String| address.split("tag=").nth(1).map(str::to_owned);
    let call_id = field("INVITE sip:", "Call-ID:").context("no Call-ID")?;
    let ours = field("INVITE sip:", "From:").and_then(tag).context("no tag in From")?;
    let theirs = field("SIP/2.0 180", "To:").and_then(tag).context("no tag in To")?;
    Ok(format!("{call_id};to-tag={ours};from-tag={theirs}"))
}

/// SIPp as a phone that is registered and waits for a call.
fn waiting(server: &Switchboard, user: &str, scenario: &str) -> Result<Running> {
    let phone = Sipp::scenario(server.ports(), scenario)?.as_user(user, PASSWORD);
    let binding = Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user(user, PASSWORD);
    binding.at(phone.local()).play(server.folder())?;
    phone.start(server.folder())
}

fn caller(server: &Switchboard, user: &str, scenario: &str, number: &str) -> Result<Sipp> {
    Ok(Sipp::scenario(server.ports(), scenario)?.to(server.sip()).as_user(user, PASSWORD).dialling(number))
}

/// How each leg of the one call there was ended.
fn legs(server: &Switchboard) -> Result<Vec<(String, String)>> {
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal", "{record}");
    let document = server.api()?.get(&format!("call-records/{}", record["id"].as_str().context("no id")?))?;
    let legs = document["legs"].as_array().context("no legs")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut legs: Vec<_> = legs.iter().map(|leg| (text(&leg["peer_name"]), text(&leg["cause"]))).collect();
    legs.sort();
    Ok(legs)
}

fn wanted(legs: &[(&str, &str)]) -> Vec<(String, String)> {
    legs.iter().map(|(party, cause)| ((*party).to_owned(), (*cause).to_owned())).collect()
}

#[test]
fn a_phone_takes_a_call_over_by_an_invite_that_replaces_another() -> Result<()> {
    let server = Switchboard::start()?;
    let bob = waiting(&server, "1002", "answer")?;
    let alice = caller(&server, "1001", "call_hung_up_on", "1002")?.start(server.folder())?;
    let place = replaces(&bob, "ACK sip:")?;
    let taker = caller(&server, "1002", "call", "1001")?.saying(&format!("Replaces: {place}\nRequire: replaces"));
    taker.play(server.folder())?;
    bob.finish()?;
    alice.finish()?;
    let legs = legs(&server)?;
    ensure!(legs == wanted(&[("1001", "normal"), ("1002", "normal"), ("1002", "transferred")]), "{legs:?}");
    Ok(())
}

#[test]
fn a_phone_picks_up_what_rings_at_another() -> Result<()> {
    let server = Switchboard::start()?;
    let bob = waiting(&server, "1002", "answer_cancelled")?;
    let alice = caller(&server, "1001", "call_hung_up_on", "1002")?.start(server.folder())?;
    let place = replaces(&bob, "SIP/2.0 180")?;
    let taker = caller(&server, "1003", "call", "1002")?.saying(&format!("Replaces: {place};early-only"));
    taker.play(server.folder())?;
    bob.finish()?;
    alice.finish()?;
    let legs = legs(&server)?;
    ensure!(legs == wanted(&[("1001", "normal"), ("1002", "answered_elsewhere"), ("1003", "normal")]), "{legs:?}");
    Ok(())
}

#[test]
fn a_phone_hands_the_other_party_on() -> Result<()> {
    let server = Switchboard::start()?;
    let bob = waiting(&server, "1002", "answer")?;
    let carol = waiting(&server, "1003", "answer_and_hang_up")?;
    caller(&server, "1001", "call_refer", "1002")?.replacing("REFER_TO", "1003").play(server.folder())?;
    carol.finish()?;
    bob.finish()?;
    let legs = legs(&server)?;
    ensure!(legs == wanted(&[("1001", "transferred"), ("1002", "normal"), ("1003", "normal")]), "{legs:?}");
    Ok(())
}

#[test]
fn twenty_calls_one_after_another_leave_twenty_records() -> Result<()> {
    let server = Switchboard::start()?;
    let called = Sipp::scenario(server.ports(), "answer")?.as_user("1002", PASSWORD).calls(20, 10);
    let binding =
        Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD).at(called.local());
    binding.play(server.folder())?;
    let running = called.start(server.folder())?;
    let caller = Sipp::scenario(server.ports(), "call")?.to(server.sip()).as_user("1001", PASSWORD).dialling("1002");
    caller.calls(20, 5).play(server.folder())?;
    running.finish()?;
    let records = server.ended_calls(20)?;
    ensure!(records.len() == 20 && records.iter().all(|record| record["cause"] == "normal"), "{records:?}");
    Ok(())
}
