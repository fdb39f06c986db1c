//! What the switch must refuse, and how.

use std::time::Duration;

use anyhow::{Result, ensure};
use calls::digest::Hash;
use calls::phone::{Phone, unique};
use calls::sdp;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;

fn request(phone: &Phone, method: &str, more: &str) -> String {
    let (user, via, id) = (phone.user(), phone.via(), unique());
    format!(
        "{method} sip:1002@h SIP/2.0\nVia: {via}\nMax-Forwards: 70\nFrom: <sip:{user}@h>;tag=1\nTo: <sip:1002@h>\nCall-ID: {id}\nCSeq: 1 {method}\n{more}\n"
    )
}

#[test]
fn an_unknown_method_gets_501() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let text = request(&phone, "FROBNICATE", "");
    phone.send(&text)?;
    phone.expect("501 FROBNICATE")?;
    Ok(())
}

#[test]
fn options_say_what_is_understood() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let text = request(&phone, "OPTIONS", "");
    phone.send(&text)?;
    let answer = phone.expect("200 OPTIONS")?;
    let allowed = answer.header("Allow");
    ensure!(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"].iter().all(|method| allowed.contains(method)), "{allowed}");
    Ok(())
}

#[test]
fn a_message_that_makes_no_sense_gets_400() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let text = request(&phone, "OPTIONS", "").replace("CSeq: 1 OPTIONS", "CSeq: many OPTIONS");
    phone.send(&text)?;
    let answer = phone.receive(calls::phone::PATIENCE)?;
    ensure!(answer.as_ref().and_then(calls::sip_text::Text::status) == Some(400), "{answer:?}");
    Ok(())
}

#[test]
fn garbage_and_keep_alives_leave_the_server_alive() -> Result<()> {
    let mut server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    for bytes in [&b"\r\n\r\n"[..], b"", b"\0\0\0\0", b"INVITE", &[0xff; 1_400], b"SIP/2.0 200 OK\r\n\r\n"] {
        phone.send_raw(bytes)?;
    }
    let mut stream = Phone::tcp("1001", server.sip())?;
    stream.send_raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    phone.register(PASSWORD, Hash::Md5)?;
    ensure!(server.is_alive()?);
    Ok(())
}

#[test]
fn a_call_without_a_codec_in_common_gets_488() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let mut other = Phone::udp(server.ports(), "1002", server.sip())?;
    other.register(PASSWORD, Hash::Md5)?;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.ports().many(2)?));
    // The phones have none in common: G.723 passes through, and the called phone does not know it.
    let mut call = phone.dialog_to("1002");
    let via = phone.invite(&mut call, Some(PASSWORD), &sdp::audio(address, "4", &["rtpmap:4 G723/8000"]))?;
    let invite = other.expect("INVITE")?;
    ensure!(sdp::payload_types(&invite.body).contains(&4), "{}", invite.body);
    other.reply(&invite, "488 Not Acceptable Here", "")?;
    other.expect("ACK")?;
    let refused = phone.expect("488 INVITE")?;
    phone.ack_failure(&call, &via, &refused)?;
    // The switch itself has none: no audio is offered at all.
    let mut call = phone.dialog_to("1002");
    let only_video = sdp::audio(address, "96", &["rtpmap:96 H264/90000"]).replace("m=audio", "m=video");
    let via = phone.invite(&mut call, Some(PASSWORD), &only_video)?;
    let refused = phone.expect("488 INVITE")?;
    phone.ack_failure(&call, &via, &refused)?;
    let records = server.ended_calls(1)?;
    ensure!(records.iter().all(|record| record["cause"] == "not_acceptable"), "{records:?}");
    Ok(())
}

#[test]
fn an_unregistered_phone_and_an_unknown_number_are_told_apart() -> Result<()> {
    let server = Switchboard::start()?;
    for (number, status) in [("1002", "480 INVITE"), ("1999", "404 INVITE")] {
        let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
        let mut call = phone.dialog_to(number);
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.ports().many(2)?));
        let via = phone.invite(&mut call, Some(PASSWORD), &sdp::audio(address, "0", &[]))?;
        let refused = phone.expect(status)?;
        phone.ack_failure(&call, &via, &refused)?;
    }
    Ok(())
}

#[test]
fn a_call_as_somebody_else_is_refused() -> Result<()> {
    let server = Switchboard::start()?;
    let mut phone = Phone::udp(server.ports(), "1001", server.sip())?;
    let mut call = phone.dialog_to("1003");
    call.local = call.local.replace("sip:1001@", "sip:1002@");
    let via = phone.request(&mut call, "INVITE", &[], "")?;
    let challenge = phone.expect("401 INVITE")?;
    phone.ack_failure(&call, &via, &challenge)?;
    let target = call.target.clone();
    let answer = calls::digest::Answer { user: "1001", password: PASSWORD, method: "INVITE", uri: &target, count: 1 };
    let value = answer.to(&challenge.all("WWW-Authenticate"), Hash::Sha256)?;
    phone.request(&mut call, "INVITE", &[&format!("Authorization: {value}")], "")?;
    let status = wait::until("a refusal", Duration::from_secs(8), || {
        let answer = phone.receive(Duration::from_secs(8))?;
        Ok(answer.and_then(|answer| answer.status()).filter(|status| *status >= 200))
    })?;
    ensure!(status == 403 || status == 401, "{status}");
    Ok(())
}
