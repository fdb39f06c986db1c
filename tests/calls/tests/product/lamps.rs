//! PJSUA2 watches: busy lamps by the dialog event, the message lamp, and a call picked up by what the lamp was told or by `*8`.

use std::time::Duration;

use anyhow::{Result, ensure};
use calls::capture::Capture;
use calls::chirp::Voice;
use calls::pjsua2::Pjsua2;
use calls::switchboard::Switchboard;
use calls::wait;
use serde_json::json;

/// Metrics are shown once a second.
const SOON: Duration = Duration::from_secs(5);
/// What the server calls itself.
const DOMAIN: &str = "switchboard.local";

/// The lamp of 1002 at this phone.
fn expect_lamp(phone: &mut Pjsua2, state: &str) -> Result<()> {
    phone.expect(&json!({"event": "lamp", "number": "1002", "state": state, "subscription": "ACTIVE"}))
}

fn ring(alice: &mut Pjsua2, bob: &mut Pjsua2, line: usize) -> Result<()> {
    alice.command(&json!({"do": "call", "to": "1002"}))?;
    bob.expect(&json!({"event": "ringing", "call": line}))?;
    bob.command(&json!({"do": "answer", "call": line, "code": 180}))
}

#[test]
fn a_lamp_of_pjsua2_follows_a_call() -> Result<()> {
    let server = Switchboard::start()?;
    let mut alice = Pjsua2::start(&server, "1001", None)?;
    let mut bob = Pjsua2::start(&server, "1002", None)?;
    let mut carol = Pjsua2::start(&server, "1003", None)?;
    let capture = Capture::start(server.ports(), server.folder())?;
    carol.command(&json!({"do": "watch", "number": "1002"}))?;
    carol.command(&json!({"do": "watch_messages"}))?;
    expect_lamp(&mut carol, "")?;
    ring(&mut alice, &mut bob, 0)?;
    expect_lamp(&mut carol, "early")?;
    bob.command(&json!({"do": "answer"}))?;
    carol.expect(&json!({
        "event": "lamp", "state": "confirmed", "direction": "recipient", "subscription": "ACTIVE",
        "entity": format!("sip:1002@{}", server.sip().ip()), "local": format!("sip:1002@{DOMAIN}"),
        "remote": format!("sip:1001@{DOMAIN}"), "display": "Phone 1001",
    }))?;
    alice.command(&json!({"do": "hangup"}))?;
    expect_lamp(&mut carol, "terminated")?;
    carol.command(&json!({"do": "unwatch", "number": "1002"}))?;
    carol.expect(&json!({"event": "lamp", "number": "1002", "subscription": "NULL"}))?;
    // The messages are still watched.
    wait::until("one subscription to be left", SOON, || {
        let metrics = server.api()?.text("/metrics")?;
        Ok(metrics.lines().any(|line| line == "switchboard_sip_subscriptions 1").then_some(()))
    })?;
    ensure!(server.api()?.metric("switchboard_sip_notifies_failed_total")? == 0.0);
    let captured = capture.finish()?;
    let complaints = captured.complaints(&[server.sip().port()], &[server.sip().port()])?;
    ensure!(complaints.is_empty(), "{complaints:#?}");
    let documents = captured.datagrams.iter().filter(|sent| sent.payload.starts_with(b"NOTIFY"));
    let ended = |text: &[u8]| String::from_utf8_lossy(text).contains("Subscription-State: terminated;reason=timeout");
    ensure!(documents.clone().any(|sent| ended(&sent.payload)), "it was not told that it watches no more");
    ensure!(documents.count() >= 6, "a NOTIFY at each change");
    Ok(())
}

#[test]
fn pjsua2_is_told_of_its_messages() -> Result<()> {
    let server = Switchboard::start()?;
    let mut carol = Pjsua2::start(&server, "1003", None)?;
    carol.command(&json!({"do": "watch_messages"}))?;
    let account = format!("sip:1003@{}", server.sip().ip());
    let text = format!("Messages-Waiting: no\r\nMessage-Account: {account}\r\nVoice-Message: 0/0 (0/0)\r\n");
    carol.expect(&json!({"event": "messages", "text": text}))
}

#[test]
fn pjsua2_picks_up_by_its_lamp_and_by_a_code() -> Result<()> {
    for by_lamp in [true, false] {
        let server = Switchboard::start()?;
        let mut alice = Pjsua2::start(&server, "1001", Some(Voice::Low))?;
        let mut bob = Pjsua2::start(&server, "1002", None)?;
        let mut carol = Pjsua2::start(&server, "1003", Some(Voice::High))?;
        carol.command(&json!({"do": "watch", "number": "1002"}))?;
        expect_lamp(&mut carol, "")?;
        ring(&mut alice, &mut bob, 0)?;
        expect_lamp(&mut carol, "early")?;
        let pick_up =
            if by_lamp { json!({"do": "pick_up", "number": "1002"}) } else { json!({"do": "call", "to": "*81002"}) };
        carol.command(&pick_up)?;
        carol.expect(&json!({"event": "state", "call": 0, "state": "confirmed"}))?;
        alice.expect(&json!({"event": "state", "call": 0, "state": "confirmed"}))?;
        bob.expect(&json!({"event": "state", "call": 0, "state": "disconnected"}))?;
        alice.listen_for(3.0)?;
        carol.listen_for(3.0)?;
        carol.command(&json!({"do": "hangup"}))?;
        alice.expect(&json!({"event": "state", "state": "disconnected"}))?;
        let record = server.ended_calls(1)?.remove(0);
        // Who picked up is who answered.
        ensure!(record["callee"] == "1002" && record["callee_extension"] == "1003", "{record:#}");
        ensure!(record["cause"] == "normal", "{record:#}");
        for (phone, voice) in [(alice, Voice::High), (carol, Voice::Low)] {
            let sound = phone.finish()?;
            let heard = voice.listen(sound.rate, &sound.channels[0]);
            ensure!(heard.seconds() >= 2.0 && heard.is_in_order(), "{voice:?}: {heard:?}");
        }
    }
    Ok(())
}
