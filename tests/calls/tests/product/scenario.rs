//! SIPp's scenarios: a caller and a called phone, each played by the book.

use anyhow::{Result, ensure};
use calls::sipp::{Played, Sipp};
use calls::switchboard::{PASSWORD, Setup, Switchboard};
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
