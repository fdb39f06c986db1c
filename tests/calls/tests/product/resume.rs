//! `kill -9` during a call, and a new process within seconds: the two go on hearing each other.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{Baresip, Setup};
use calls::chirp::Voice;
use calls::digest::Hash;
use calls::party::{Party, connect, hearing, talk, up, wait_for_packets};
use calls::phone::Phone;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;
use serde_json::{Value, json};

/// How long the two may not hear each other: the time to be killed, to start, and to be asked.
const GAP_S_MAX: f64 = 5.0;

/// What the record says of a call that outlived one process: its gap, and a recording in two parts.
fn check_record(server: &Switchboard) -> Result<Value> {
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "caller", "{record}");
    ensure!(record["interruptions"].as_array().is_some_and(|gaps| gaps.len() == 1), "{record}");
    let id = record["id"].as_str().context("a record without an id")?;
    let api = server.api()?;
    let mut document = Value::Null;
    let both = wait::until("both parts of the recording", Duration::from_secs(30), || {
        document = api.get(&format!("call-records/{id}"))?;
        let parts = document["recordings"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok((parts.len() == 2 && parts.iter().all(|part| part["state"] == "ready")).then_some(()))
    });
    both.with_context(|| format!("the record says: {document}"))?;
    let part = |at: usize, field: &str| document["recordings"][at][field].clone();
    ensure!(part(0, "part") == 1 && part(1, "part") == 2, "{document}");
    ensure!(part(0, "partial") == true && part(1, "partial") == false, "{document}");
    for at in [0, 1] {
        let heard_ms = part(at, "duration_ms").as_u64().unwrap_or_default();
        ensure!(heard_ms >= 1_000, "part {at} of {heard_ms} ms");
    }
    Ok(document)
}

#[test]
fn phones_that_are_asked_go_on_and_hear_each_other() -> Result<()> {
    let mut server = Switchboard::start()?;
    let mut call = up(&server)?;
    talk(&mut call, 20.0)?;
    wait_for_packets(&call.alice.media, 100)?;
    wait_for_packets(&call.bob.media, 100)?;
    server.kill()?;
    let (at_alice, at_bob) = (call.alice.media.heard().len(), call.bob.media.heard().len());
    let killed_s = call.alice.media.now_s();
    server.start_again()?;
    for party in [&mut call.alice, &mut call.bob] {
        let asked = party.phone.expect("INVITE")?;
        let answer = party.sdp(2, "sendrecv");
        party.phone.reply(&asked, "200 OK", &answer)?;
        party.phone.expect("ACK")?;
    }
    wait_for_packets(&call.alice.media, at_alice + 150)?;
    wait_for_packets(&call.bob.media, at_bob + 150)?;
    let first = call.alice.media.heard()[at_alice].at_s;
    ensure!(first - killed_s < GAP_S_MAX, "nothing was heard for {} s", first - killed_s);
    for (party, voice, from) in [(&call.alice, Voice::High, at_alice), (&call.bob, Voice::Low, at_bob)] {
        let heard = hearing(&party.media, voice, from);
        ensure!(!heard.is_nobody() && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    }
    call.alice.phone.hang_up(&mut call.calling)?;
    call.bob.phone.expect("BYE")?;
    check_record(&server).map(drop)
}

#[test]
fn a_phone_on_tcp_is_asked_over_the_connection_that_it_opens_anew() -> Result<()> {
    let mut server = Switchboard::start()?;
    let clock = Instant::now();
    let alice = Party::on(Phone::tcp("1001", server.sip())?, server.ports(), PASSWORD, clock)?;
    let mut call = connect(alice, Party::new(&server, "1002", clock)?)?;
    talk(&mut call, 20.0)?;
    wait_for_packets(&call.alice.media, 50)?;
    server.kill()?;
    let at_alice = call.alice.media.heard().len();
    server.start_again()?;
    call.alice.phone.reconnect()?;
    call.alice.phone.register(PASSWORD, Hash::Sha256)?;
    for party in [&mut call.alice, &mut call.bob] {
        let asked = party.phone.expect("INVITE")?;
        let answer = party.sdp(2, "sendrecv");
        party.phone.reply(&asked, "200 OK", &answer)?;
        party.phone.expect("ACK")?;
    }
    wait_for_packets(&call.alice.media, at_alice + 150)?;
    let heard = hearing(&call.alice.media, Voice::High, at_alice);
    ensure!(!heard.is_nobody() && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    call.bob.phone.hang_up(&mut call.called)?;
    call.alice.phone.expect("BYE")?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "callee", "{record}");
    ensure!(record["interruptions"].as_array().is_some_and(|gaps| gaps.len() == 1), "{record}");
    Ok(())
}

#[test]
fn softphones_go_on_talking_through_a_crash() -> Result<()> {
    talk_through_a_crash(false)
}

#[test]
fn encrypted_softphones_go_on_talking_through_a_crash() -> Result<()> {
    talk_through_a_crash(true)
}

fn talk_through_a_crash(srtp: bool) -> Result<()> {
    let mut server = Switchboard::start()?;
    let of = |user: &str, voice| Setup { srtp, ..Setup::registered(user, PASSWORD, server.sip(), voice) };
    if srtp {
        server.api()?.patch("extensions/1002", &json!({"srtp": "required"}))?;
    }
    let alice = of("1001", Voice::Low);
    let bob = Setup { answers: true, ..of("1002", Voice::High) };
    let bob = Baresip::start(server.ports(), server.folder(), &bob)?;
    let mut alice = Baresip::start(server.ports(), server.folder(), &alice)?;
    alice.dial("1002")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    alice.wait_until_heard(2.0)?;
    bob.wait_until_heard(2.0)?;
    server.kill()?;
    server.start_again()?;
    let (at_alice, at_bob) = (alice.heard_s()?, bob.heard_s()?);
    alice.wait_until_heard(at_alice + 3.0)?;
    bob.wait_until_heard(at_bob + 3.0)?;
    ensure!(alice.events("CALL_CLOSED").is_empty() && bob.events("CALL_CLOSED").is_empty(), "a phone hung up");
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;
    check_record(&server).map(drop)
}

#[test]
fn a_call_whose_phones_are_gone_is_closed_when_the_process_died() -> Result<()> {
    let mut server = Switchboard::start()?;
    let mut call = up(&server)?;
    talk(&mut call, 5.0)?;
    wait_for_packets(&call.bob.media, 75)?;
    server.kill()?;
    drop(call);
    server.start_again()?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "interrupted" && record["interruptions"] == serde_json::json!([]), "{record}");
    // 1.5 s of speech, and what else the phones did; not the five seconds for which they were asked afterwards.
    let talked_ms = record["talk_duration_ms"].as_u64().unwrap_or_default();
    ensure!((1_000..=4_000).contains(&talked_ms), "{record}");
    Ok(())
}
