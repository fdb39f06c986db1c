//! SIPp's scenarios against a phone that plays the switch: a scenario with a fault of its own would blame the product.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use calls::phone::{Dialog, Phone};
use calls::ports::Ports;
use calls::sdp;
use calls::sip_text::Text;
use calls::sipp::{Running, Sipp};
use calls::wait;

struct Stage {
    phone: Phone,
    running: Running,
    _ports: Ports,
    _folder: tempfile::TempDir,
}

/// A text phone as the switch, and SIPp playing `name` against it.
fn stage(name: &str, words: &[(&str, &str)]) -> Result<Stage> {
    let (ports, folder) = (Ports::take()?, tempfile::tempdir()?);
    let local = SocketAddr::from(([127, 0, 0, 1], ports.one()?));
    let sipp = Sipp::scenario(&ports, name)?.to(local).as_user("1001", "secret").dialling("1002");
    let sipp = words.iter().fold(sipp, |sipp, (word, by)| sipp.replacing(word, by));
    let phone = Phone::udp_at(local, "switch", sipp.local())?;
    let running = sipp.start(folder.path())?;
    Ok(Stage { phone, running, _ports: ports, _folder: folder })
}

fn body() -> String {
    sdp::audio(SocketAddr::from(([127, 0, 0, 1], 4_000)), "0", &["recvonly"])
}

/// Challenges the INVITE of SIPp and returns the signed one.
fn signed_invite(switch: &mut Phone) -> Result<Text> {
    let invite = switch.expect("INVITE")?;
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
    switch.reply_with(&invite, "401 Unauthorized", &[challenge], "")?;
    switch.expect("ACK")?;
    let signed = switch.expect("INVITE")?;
    let credentials = signed.header("Authorization");
    ensure!(credentials.contains("username=\"1001\"") && credentials.contains("uri=\"sip:1002@"), "{credentials}");
    Ok(signed)
}

fn answer(switch: &mut Phone, invite: &Text) -> Result<()> {
    switch.reply(invite, "180 Ringing", "")?;
    switch.reply(invite, "200 OK", &body())?;
    switch.expect("ACK").map(drop)
}

fn end(mut stage: Stage) -> Result<()> {
    let bye = stage.phone.expect("BYE")?;
    stage.phone.reply(&bye, "200 OK", "")?;
    stage.running.finish().map(drop)
}

#[test]
fn callers_call_and_hang_up() -> Result<()> {
    for name in ["call", "call_delayed_offer"] {
        let mut stage = stage(name, &[])?;
        let invite = signed_invite(&mut stage.phone)?;
        answer(&mut stage.phone, &invite)?;
        end(stage)?;
    }
    Ok(())
}

#[test]
fn a_caller_wants_early_media() -> Result<()> {
    let mut stage = stage("call_early_media", &[])?;
    let invite = signed_invite(&mut stage.phone)?;
    stage.phone.reply(&invite, "183 Session Progress", &body())?;
    stage.phone.reply(&invite, "200 OK", &body())?;
    stage.phone.expect("ACK")?;
    end(stage)
}

#[test]
fn a_caller_holds_and_takes_back() -> Result<()> {
    let mut stage = stage("call_hold", &[])?;
    let invite = signed_invite(&mut stage.phone)?;
    answer(&mut stage.phone, &invite)?;
    for direction in ["sendonly", "sendrecv"] {
        let again = stage.phone.expect("INVITE")?;
        ensure!(sdp::direction(&again.body) == direction, "{}", again.body);
        stage.phone.reply(&again, "200 OK", &body())?;
        stage.phone.expect("ACK")?;
    }
    end(stage)
}

#[test]
fn a_caller_hands_the_other_party_on() -> Result<()> {
    let mut stage = stage("call_refer", &[("REFER_TO", "1003")])?;
    let signed = signed_invite(&mut stage.phone)?;
    stage.phone.reply_with(&signed, "200 OK", &["Supported: replaces"], &body())?;
    stage.phone.expect("ACK")?;
    let refer = stage.phone.expect("REFER")?;
    ensure!(refer.header("Refer-To").starts_with("<sip:1003@"), "{refer:?}");
    stage.phone.reply(&refer, "202 Accepted", "")?;
    let mut dialog = stage.phone.dialog_of(&signed);
    for status in ["100 Trying", "180 Ringing", "200 OK"] {
        stage.phone.request(&mut dialog, "NOTIFY", &["Event: refer"], &format!("SIP/2.0 {status}\r\n"))?;
        stage.phone.expect("200 NOTIFY")?;
    }
    stage.phone.hang_up(&mut dialog)?;
    stage.running.finish().map(drop)
}

#[test]
fn a_caller_is_refused() -> Result<()> {
    let mut stage = stage("call_refused", &[("STATUS", "486")])?;
    let invite = signed_invite(&mut stage.phone)?;
    stage.phone.reply(&invite, "486 Busy Here", "")?;
    stage.phone.expect("ACK")?;
    stage.running.finish().map(drop)
}

#[test]
fn a_caller_acknowledges_early_media_and_offers_anew() -> Result<()> {
    let mut stage = stage("call_prack", &[])?;
    let invite = signed_invite(&mut stage.phone)?;
    ensure!(invite.header("Supported") == "100rel", "{invite:?}");
    let progress = "183 Session Progress";
    stage.phone.reply_with(&invite, progress, &["Require: 100rel", "RSeq: 41"], &body())?;
    let prack = stage.phone.expect("PRACK")?;
    ensure!(prack.header("RAck") == "41 2 INVITE", "{prack:?}");
    stage.phone.reply(&prack, "200 OK", "")?;
    let update = stage.phone.expect("UPDATE")?;
    stage.phone.reply(&update, "200 OK", &body())?;
    stage.phone.reply(&invite, "200 OK", "")?;
    let ack = stage.phone.expect("ACK")?;
    ensure!(ack.cseq() == invite.cseq(), "{ack:?}");
    end(stage)
}

#[test]
fn a_caller_gives_up() -> Result<()> {
    let mut stage = stage("call_cancelled", &[])?;
    let invite = signed_invite(&mut stage.phone)?;
    stage.phone.reply(&invite, "180 Ringing", "")?;
    let cancel = stage.phone.expect("CANCEL")?;
    ensure!(cancel.header("Via") == invite.header("Via"), "{cancel:?}");
    stage.phone.reply(&cancel, "200 OK", "")?;
    stage.phone.reply(&invite, "487 Request Terminated", "")?;
    let ack = stage.phone.expect("ACK")?;
    ensure!(ack.header("Via") == invite.header("Via"), "{ack:?}");
    stage.running.finish().map(drop)
}

#[test]
fn a_caller_is_hung_up_on() -> Result<()> {
    let mut stage = stage("call_hung_up_on", &[])?;
    let invite = signed_invite(&mut stage.phone)?;
    answer(&mut stage.phone, &invite)?;
    let mut dialog = stage.phone.dialog_of(&invite);
    stage.phone.hang_up(&mut dialog)?;
    stage.running.finish().map(drop)
}

/// Calls the SIPp that plays a called phone.
fn call(stage: &mut Stage) -> Result<(Dialog, String)> {
    let mut dialog = stage.phone.dialog_to("1002");
    let via = stage.phone.invite_with(&mut dialog, None, &["Supported: replaces"], &body())?;
    // SIPp drops what comes while it starts; a real phone would retransmit (timer A), so this one does, at each 50th look.
    let mut looks = 0;
    wait::until("SIPp to take the call", calls::phone::PATIENCE, || {
        looks += 1;
        if looks % 50 == 0 {
            stage.phone.send_again()?;
        }
        Ok(stage.running.messages().contains("INVITE").then_some(()))
    })?;
    Ok((dialog, via))
}

#[test]
fn called_phones_answer() -> Result<()> {
    for (name, ringing) in [("answer", "180 INVITE"), ("answer_early_media", "183 INVITE")] {
        let mut stage = stage(name, &[])?;
        let (mut dialog, _) = call(&mut stage)?;
        stage.phone.expect(ringing)?;
        let ok = stage.phone.expect("200 INVITE")?;
        stage.phone.ack(&mut dialog, &ok, "")?;
        stage.phone.hang_up(&mut dialog)?;
        stage.running.finish()?;
    }
    Ok(())
}

#[test]
fn a_called_phone_waits_for_the_prack() -> Result<()> {
    let mut stage = stage("answer_prack", &[])?;
    let (mut dialog, _) = call(&mut stage)?;
    let progress = stage.phone.expect("183 INVITE")?;
    ensure!(progress.header("Require") == "100rel", "{progress:?}");
    dialog.remote = progress.header("To").to_owned();
    let rack = format!("RAck: {} 1 INVITE", progress.header("RSeq"));
    stage.phone.request(&mut dialog, "PRACK", &[&rack], "")?;
    stage.phone.expect("200 PRACK")?;
    let ok = stage.phone.expect("200 INVITE")?;
    ensure!(ok.cseq() == 1 && ok.header("To") == progress.header("To"), "{ok:?}");
    stage.phone.ack(&mut dialog, &ok, "")?;
    stage.phone.hang_up(&mut dialog)?;
    stage.running.finish().map(drop)
}

#[test]
fn a_called_phone_hangs_up() -> Result<()> {
    let mut stage = stage("answer_and_hang_up", &[])?;
    let (mut dialog, _) = call(&mut stage)?;
    stage.phone.expect("180 INVITE")?;
    let ok = stage.phone.expect("200 INVITE")?;
    stage.phone.ack(&mut dialog, &ok, "")?;
    let bye = stage.phone.expect("BYE")?;
    ensure!(bye.header("From") == ok.header("To") && bye.header("To") == ok.header("From"), "{bye:?}");
    stage.phone.reply(&bye, "200 OK", "")?;
    stage.running.finish().map(drop)
}

#[test]
fn a_called_phone_refuses() -> Result<()> {
    let mut stage = stage("refuse", &[("STATUS", "603")])?;
    let (dialog, via) = call(&mut stage)?;
    stage.phone.expect("180 INVITE")?;
    let refused = stage.phone.expect("603 INVITE")?;
    stage.phone.ack_failure(&dialog, &via, &refused)?;
    stage.running.finish().map(drop)
}

#[test]
fn a_called_phone_answers_while_it_is_cancelled() -> Result<()> {
    let mut stage = stage("answer_crossing_cancel", &[])?;
    let (mut dialog, via) = call(&mut stage)?;
    stage.phone.expect("180 INVITE")?;
    stage.phone.cancel(&dialog, &via)?;
    stage.phone.expect("200 CANCEL")?;
    let ok = stage.phone.expect("200 INVITE")?;
    stage.phone.ack(&mut dialog, &ok, "")?;
    stage.phone.hang_up(&mut dialog)?;
    stage.running.finish().map(drop)
}

#[test]
fn a_called_phone_is_cancelled() -> Result<()> {
    let mut stage = stage("answer_cancelled", &[])?;
    let (dialog, via) = call(&mut stage)?;
    stage.phone.expect("180 INVITE")?;
    stage.phone.cancel(&dialog, &via)?;
    stage.phone.expect("200 CANCEL")?;
    let cancelled = stage.phone.expect("487 INVITE")?;
    ensure!(cancelled.cseq() == 1, "{cancelled:?}");
    stage.phone.ack_failure(&dialog, &via, &cancelled)?;
    stage.running.finish().map(drop)
}
