//! The server stopped at fail points around every append, flush and write of a recording: what the callers lived through is
//! what the records say. The binary must be built with the feature `failpoints`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::g711::Law;
use calls::party::Party;
use calls::sdp;
use calls::switchboard::Switchboard;
use calls::wait;

/// What a caller knows of a call of its own.
#[derive(Debug)]
struct Lived {
    call_id: String,
    answered: bool,
}

/// Calls once; whatever happens, what the caller saw is in `lived`.
fn attempt(alice: &mut Party, bob: &mut Party, lived: &mut Vec<Lived>) -> Result<()> {
    for party in [&mut *alice, &mut *bob] {
        // What an earlier attempt left behind: a late ACK, a BYE for a call that is no more.
        while party.phone.receive(Duration::from_millis(20))?.is_some() {}
    }
    let mut calling = alice.phone.dialog_to("1002");
    lived.push(Lived { call_id: calling.call_id.clone(), answered: false });
    alice.call(&mut calling)?;
    let invite = bob.phone.expect_within("INVITE", Duration::from_secs(2))?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    let ok = alice.phone.expect_within("200 INVITE", Duration::from_secs(2))?;
    if let Some(last) = lived.last_mut() {
        last.answered = true;
    }
    alice.phone.ack(&mut calling, &ok, "")?;
    bob.phone.expect_within("ACK", Duration::from_secs(2))?;
    let before = bob.media.heard().len();
    let to = sdp::audio_address(&ok.body)?;
    alice.media.say(to, Law::Mu, 60)?;
    wait::until("audio", Duration::from_secs(3), || Ok((bob.media.heard().len() >= before + 40).then_some(())))?;
    alice.phone.request(&mut calling, "BYE", &[], "")?;
    alice.phone.expect_within("200 BYE", Duration::from_secs(2))?;
    let goodbye = bob.phone.expect_within("BYE", Duration::from_secs(2))?;
    bob.phone.reply(&goodbye, "200 OK", "")
}

/// A call that was up is asked for after a restart; these phones have given it up.
fn say_that_it_is_over(party: &mut Party) -> Result<()> {
    while let Some(text) = party.phone.receive(Duration::from_millis(20))? {
        let is_request = text.start.ends_with("SIP/2.0") && !text.start.starts_with("ACK");
        if is_request && text.parameter("To", "tag").is_some() {
            party.phone.reply(&text, "481 Call/Transaction Does Not Exist", "")?;
        }
    }
    Ok(())
}

/// Stops the server at `point` while calls run, starts it again, and compares.
fn check_stop(point: &str, pass: u64) -> Result<()> {
    let mut server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    server.stop()?;
    server.set_environment(&[("SWITCHBOARD_FAILPOINTS", &format!("{point}=abort:{pass}"))]);
    let mut lived = Vec::new();
    // Some places are passed on the way up already.
    if server.start_again().is_ok() {
        while lived.len() < 6 && server.is_alive()? {
            // What fails here fails because the server is gone; that it is gone is checked below.
            drop(attempt(&mut alice, &mut bob, &mut lived));
        }
        ensure!(server.ends_within(Duration::from_secs(5))?, "{point} was not passed {pass} times: {lived:?}");
    }
    server.set_environment(&[]);
    server.start_again()?;

    let api = server.api()?;
    let answered = lived.iter().filter(|call| call.answered).count();
    let documents = wait::until("all calls to have ended", Duration::from_secs(20), || {
        say_that_it_is_over(&mut alice)?;
        say_that_it_is_over(&mut bob)?;
        // The list holds calls that have ended.
        let records = api.list("call-records")?;
        let documents = records
            .iter()
            .map(|record| api.get(&format!("call-records/{}", record["id"].as_str().unwrap_or_default())));
        let documents = documents.collect::<Result<Vec<_>>>()?;
        let written = documents.iter().filter(|document| !document["answered_at"].is_null()).count();
        Ok((written >= answered).then_some(documents))
    })
    .with_context(|| format!("{point}: {lived:?}"))?;
    let mut found = Vec::new();
    for document in &documents {
        let leg =
            document["legs"].as_array().and_then(|legs| legs.iter().find(|leg| leg["caller_side"] == true).cloned());
        let Some(leg) = leg else {
            // Stopped between the two facts: the call is written down, its leg is not, and nobody was told a word of it.
            ensure!(document["answered_at"].is_null() && document["cause"] == "interrupted", "{point}: {document}");
            continue;
        };
        found.push((leg["sip_call_id"].as_str().unwrap_or_default().to_owned(), !document["answered_at"].is_null()));
    }
    for call in &lived {
        let records = found.iter().filter(|(call_id, _)| *call_id == call.call_id);
        let answered: Vec<bool> = records.map(|(_, answered)| *answered).collect();
        ensure!(answered.len() <= 1, "{point}: {call:?} has {} records", answered.len());
        ensure!(!call.answered || answered == [true], "{point}: the caller was answered, the record says {answered:?}");
    }
    ensure!(found.iter().all(|(call_id, _)| lived.iter().any(|call| call.call_id == *call_id)), "{point}: {found:?}");
    // And it is none the worse for it.
    attempt(&mut alice, &mut bob, &mut lived).with_context(|| format!("after {point}"))
}

#[test]
fn a_server_stopped_around_an_append_keeps_what_the_callers_lived_through() -> Result<()> {
    for point in ["journal.append.before_write", "journal.append.mid_write", "journal.append.after_write"] {
        for pass in [2, 5, 9] {
            check_stop(point, pass)?;
        }
    }
    Ok(())
}

#[test]
fn a_server_stopped_around_a_flush_keeps_what_the_callers_lived_through() -> Result<()> {
    for point in ["journal.flush.before", "journal.flush.after", "journal.open.created"] {
        check_stop(point, 1)?;
    }
    check_stop("journal.flush.before", 4)
}

#[test]
fn a_server_stopped_while_it_records_keeps_what_the_callers_lived_through() -> Result<()> {
    let around_writes = [("recording.marked", 1), ("recording.written", 1), ("recording.counted", 1)];
    let around_the_end =
        [("recording.finish.before", 1), ("recording.finish.hashed", 1), ("recording.finish.after", 1)];
    for (point, pass) in around_writes.into_iter().chain(around_the_end) {
        check_stop(point, pass)?;
    }
    Ok(())
}

#[test]
fn a_server_stopped_at_a_commit_writes_each_call_down_once() -> Result<()> {
    for point in ["consumer.call_records.before_commit", "consumer.call_records.after_commit"] {
        check_stop(point, 2)?;
    }
    Ok(())
}
