//! The SIP ladder of a call record, beside what the phones themselves wrote down.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use calls::api::Api;
use calls::party::up;
use calls::phone::Phone;
use calls::switchboard::Switchboard;
use calls::wait;
use serde_json::Value;

/// The start lines of a call that a phone sent (`->`) or received (`<-`), by its own log.
fn lived(phone: &Phone, arrow: &str) -> Vec<String> {
    let told = phone.told();
    let lines = told.lines().filter_map(|line| line.split_once(&format!("s {arrow} ")));
    let starts = lines.map(|(_, start)| start.to_owned()).filter(|start| !start.starts_with("REGISTER"));
    // The answers to the phone's two REGISTERs came first.
    starts.skip(if arrow == "<-" { 2 } else { 0 }).collect()
}

/// The same by the ladder, retransmissions left out.
fn shown(messages: &[Value], leg: &str, direction: &str) -> Vec<String> {
    let of_leg = messages.iter().filter(|message| message["leg_id"] == leg && message["direction"] == direction);
    let once = of_leg.filter(|message| message["retransmission"] == false);
    once.filter_map(|message| message["message"].as_str()?.lines().next().map(str::to_owned)).collect()
}

/// Waits until the last message of the call stands in its ladder.
fn whole_ladder(api: &Api, path: &str, messages: usize) -> Result<Vec<Value>> {
    wait::until("the whole ladder", Duration::from_secs(10), || {
        let answer = api.fetch(path, None)?;
        let found = answer.json()["messages"].as_array().cloned().unwrap_or_default();
        Ok((found.len() >= messages).then_some(found))
    })
}

/// How many SIP messages tshark finds in a file, and what it has to say against them.
fn dissect(file: &Path, port: u16) -> Result<(usize, String)> {
    let tshark = |filter: &str| -> Result<String> {
        let out = Command::new("tshark")
            .arg("-r")
            .arg(file)
            .args(["-n", "-d", &format!("udp.port=={port},sip"), "-Y", filter])
            .args(["-T", "fields", "-e", "sip.CSeq.method", "-e", "_ws.expert.message"])
            .output()
            .context("tshark cannot be started: is it installed?")?;
        ensure!(out.status.success(), "tshark failed: {}", String::from_utf8_lossy(&out.stderr));
        Ok(String::from_utf8(out.stdout)?)
    };
    Ok((tshark("sip")?.lines().count(), tshark("_ws.malformed || _ws.expert.severity >= \"Warning\"")?))
}

#[test]
fn the_ladder_is_what_the_phones_saw_without_their_proofs() -> Result<()> {
    let mut server = Switchboard::start()?;
    let mut call = up(&server)?;
    call.alice.phone.hang_up(&mut call.calling)?;
    let bye = call.bob.phone.expect("BYE")?;
    call.bob.phone.reply(&bye, "200 OK", "")?;
    let record = server.ended_calls(1)?.remove(0);
    let id = record["id"].as_str().context("no id")?;
    let api = server.api()?;
    let document = api.get(&format!("call-records/{id}"))?;
    let path = document["ladder"].as_str().and_then(|path| path.strip_prefix("/api/v1/")).context("no ladder")?;
    let ways = [("->", "received"), ("<-", "sent")];
    let phones = [("1001", &call.alice.phone), ("1002", &call.bob.phone)];
    let all: usize = phones.iter().flat_map(|(_, phone)| ways.map(|(arrow, _)| lived(phone, arrow).len())).sum();
    ensure!(all >= 15, "{all} messages are less than a signed call has");
    let messages = whole_ladder(&api, path, all)?;
    for (name, phone) in phones {
        let legs = document["legs"].as_array().context("no legs")?;
        let leg = legs.iter().find(|leg| leg["peer_name"] == name).and_then(|leg| leg["id"].as_str());
        for (arrow, direction) in ways {
            let (want, found) = (lived(phone, arrow), shown(&messages, leg.context("no leg")?, direction));
            ensure!(want == found, "{name} {direction}: {found:?} in place of {want:?}\n{}", phone.told());
        }
    }

    // RFC 3261 §22: the proof is there, and of no use to anybody.
    let signed =
        messages.iter().filter_map(|message| message["message"].as_str()).find(|m| m.contains("username=\"1001\""));
    ensure!(signed.context("nobody signed")?.contains("response=\"xxxxxxxx"), "{signed:?}");
    for file in std::fs::read_dir(server.data().join("ladders"))? {
        let bytes = std::fs::read(file?.path())?;
        let text = String::from_utf8_lossy(&bytes);
        let proofs = text.match_indices("response=\"").filter(|(at, name)| !text[at + name.len()..].starts_with("xx"));
        ensure!(proofs.count() == 0, "a proof is kept");
    }

    let text = String::from_utf8(api.fetch(&format!("{path}?format=text"), None)?.body)?;
    ensure!(text.contains("1001 (extension)") && text.contains(" INVITE 1002 (SDP) "), "{text}");
    let svg = api.fetch(&format!("{path}?format=svg"), None)?;
    ensure!(svg.content_type == "image/svg+xml" && svg.body.starts_with(b"<svg "), "{}", svg.content_type);
    let file = server.folder().join("call.pcap");
    std::fs::write(&file, api.fetch(&format!("{path}?format=pcap"), None)?.body)?;
    let (dissected, complaints) = dissect(&file, server.sip().port())?;
    ensure!(dissected == messages.len() && complaints.is_empty(), "{dissected} of {}: {complaints}", messages.len());
    ensure!(api.fetch(&format!("{path}?format=png"), None)?.status == 422);

    // What was kept outlives the process, and says so when it is gone.
    server.kill()?;
    server.start_again()?;
    let api = server.api()?;
    ensure!(whole_ladder(&api, path, all)? == messages, "the ladder changed by a crash");
    for file in std::fs::read_dir(server.data().join("ladders"))? {
        std::fs::remove_file(file?.path())?;
    }
    ensure!(api.fetch(path, None)?.status == 410, "{}", api.fetch(path, None)?.json());
    Ok(())
}

#[test]
fn messages_of_a_stream_stand_in_the_ladder_too() -> Result<()> {
    let server = Switchboard::start()?;
    let mut caller = Phone::tcp("1001", server.sip())?;
    caller.register(calls::switchboard::PASSWORD, calls::digest::Hash::Sha256)?;
    let mut dialog = caller.dialog_to("1002");
    let offer = calls::sdp::session(caller.local(), 1, "0", &["ptime:20"]);
    let via = caller.invite(&mut dialog, Some(calls::switchboard::PASSWORD), &offer)?;
    // Nobody has registered 1002.
    let failed = caller.expect("480 INVITE")?;
    caller.ack_failure(&dialog, &via, &failed)?;
    let record = server.ended_calls(1)?.remove(0);
    let path = format!("call-records/{}/ladder", record["id"].as_str().context("no id")?);
    // INVITE, challenge, ACK, signed INVITE, refusal, ACK.
    let messages = whole_ladder(&server.api()?, &path, 6)?;
    let told: Vec<_> = messages.iter().map(|message| &message["summary"]).collect();
    ensure!(messages.iter().all(|message| message["transport"] == "TCP"), "{messages:?}");
    ensure!(messages.last().is_some_and(|last| last["summary"] == "ACK 1002"), "{told:?}");
    ensure!(messages[0]["from"] == caller.local().to_string() && messages[0]["to"] == server.sip().to_string());
    Ok(())
}
