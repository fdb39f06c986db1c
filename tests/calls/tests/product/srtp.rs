//! Encrypted audio with keys in the session description (SRTP by RFC 4568), with baresip's libre at the other end.

use std::time::Instant;

use anyhow::{Result, ensure};
use calls::baresip::Setup;
use calls::chirp::Voice;
use calls::party::Party;
use calls::rtp;
use calls::switchboard::{PASSWORD, Switchboard};
use serde_json::json;

use crate::audio::{self, check_record};

/// Alice (1001, over TLS and encrypted) calls Bob, and both talk. Gives in how many of the streams on the wire a voice can be
/// heard by who reads along.
fn talk(server: &Switchboard, bob_encrypts: bool) -> Result<[usize; 2]> {
    let of = |user: &str, voice| Setup::registered(user, PASSWORD, server.sip(), voice);
    let alice =
        Setup { server: Some(server.tls()), tls: Some(server.certificate()), srtp: true, ..of("1001", Voice::Low) };
    let bob = Setup { answers: true, srtp: bob_encrypts, ..of("1002", Voice::High) };
    let captured = audio::talk(server, &alice, &bob)?;
    let streams = captured.streams();
    ensure!(streams.len() == 4, "{} streams in place of two in and two out", streams.len());
    Ok([Voice::Low, Voice::High].map(|voice| {
        let heard = |packets: &&Vec<_>| {
            let sound = rtp::played(packets);
            !voice.listen(sound.rate, &sound.channels[0]).is_nobody()
        };
        streams.values().filter(heard).count()
    }))
}

#[test]
fn an_encrypted_phone_and_a_plain_one_hear_each_other_and_are_recorded() -> Result<()> {
    let server = Switchboard::start()?;
    let audible = talk(&server, false)?;
    ensure!(audible == [1, 1], "each voice is to be heard on the plain side alone: {audible:?}");
    check_record(&server)
}

#[test]
fn two_encrypted_phones_hear_each_other_and_nobody_else_hears_them() -> Result<()> {
    let server = Switchboard::start()?;
    server.api()?.patch("extensions/1002", &json!({"srtp": "required"}))?;
    let audible = talk(&server, true)?;
    ensure!(audible == [0, 0], "{audible:?}");
    check_record(&server)
}

#[test]
fn an_extension_that_must_be_encrypted_is_never_called_or_heard_in_the_clear() -> Result<()> {
    let server = Switchboard::start()?;
    server.api()?.patch("extensions/1002", &json!({"srtp": "required"}))?;
    let clock = Instant::now();
    let mut bob = Party::new(&server, "1002", clock)?;
    let mut alice = Party::new(&server, "1001", clock)?;
    // It calls without.
    let mut calling = bob.phone.dialog_to("1001");
    bob.call(&mut calling)?;
    let refused = bob.phone.expect("488 INVITE")?;
    ensure!(refused.header("Warning").contains("304"), "{}", refused.header("Warning"));
    // It is called, and answers without.
    let mut calling = alice.phone.dialog_to("1002");
    alice.call(&mut calling)?;
    let invite = bob.phone.expect("INVITE")?;
    ensure!(invite.body.contains(" RTP/SAVP "), "{}", invite.body);
    let keys: Vec<&str> = invite.body.lines().filter(|line| line.starts_with("a=crypto:")).collect();
    ensure!(keys.len() == 4 && keys.iter().all(|line| line.contains(" inline:")), "{}", invite.body);
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    bob.phone.expect("ACK")?;
    bob.phone.expect("BYE")?;
    alice.phone.expect("488 INVITE")?;
    // The keys stand in no ladder.
    let record = &server.ended_calls(1)?[0];
    let id = record["id"].as_str().unwrap_or_default();
    let ladder = server.api()?.fetch(&format!("call-records/{id}/ladder?format=text"), None)?;
    let ladder = String::from_utf8_lossy(&ladder.body);
    ensure!(ladder.contains("RTP/SAVP") && !keys.iter().any(|key| ladder.contains(&key[key.len() - 20..])), "{ladder}");
    Ok(())
}
