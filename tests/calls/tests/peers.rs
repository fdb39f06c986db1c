//! The peers against each other, without the product: if these fail, no other call test means anything.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{Baresip, Codec, Setup};
use calls::capture::Capture;
use calls::chirp::Voice;
use calls::kamailio::{self, Kamailio};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::rtp;
use calls::sdp;
use calls::sipp::Sipp;

fn phone(voice: Voice, user: &str, answers: bool, codec: Codec) -> Setup {
    Setup {
        user: user.into(),
        password: None,
        server: None,
        tcp: false,
        tls: None,
        voice,
        codecs: vec![codec],
        answers,
        srtp: false,
    }
}

/// Seconds of speech that each phone shall have played to the other.
const TALK_S: f64 = 4.0;

#[test]
fn two_baresip_phones_hear_each_other_whole_over_pcmu() -> Result<()> {
    check_pair(Codec::Pcmu)
}

#[test]
fn two_baresip_phones_hear_each_other_whole_over_pcma() -> Result<()> {
    check_pair(Codec::Pcma)
}

#[test]
fn two_baresip_phones_hear_each_other_whole_over_g722() -> Result<()> {
    check_pair(Codec::G722)
}

#[test]
fn two_baresip_phones_hear_each_other_whole_over_opus() -> Result<()> {
    check_pair(Codec::Opus)
}

#[test]
fn kamailio_challenges_with_either_hash_and_passes_calls_on() -> Result<()> {
    for algorithm in ["MD5", "SHA-256"] {
        let ports = Ports::take()?;
        let folder = tempfile::tempdir()?;
        let called = Sipp::scenario(&ports, "answer")?.as_user("1002", "x");
        let listen = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
        let setup = kamailio::Setup { listen, algorithm, realm: "carrier", password: "secret", onward: called.local() };
        let _carrier = Kamailio::start(folder.path(), setup)?;
        let running = called.start(folder.path())?;
        let mut phone = Phone::udp(&ports, "switch", listen)?;
        let mut call = phone.dialog_to("1002");
        phone.invite_with(&mut call, Some("secret"), &["Supported: replaces"], &sdp::audio(phone.local(), "0", &[]))?;
        phone.expect("180 INVITE")?;
        let ok = phone.expect("200 INVITE")?;
        ensure!(ok.header("Record-Route").contains("127.0.0.3"), "{ok:?}");
        phone.ack(&mut call, &ok, "")?;
        phone.hang_up(&mut call)?;
        running.finish()?;
    }
    Ok(())
}

/// A call between two phones without a switch: each must hear all the other said, and nothing of itself.
fn check_pair(codec: Codec) -> Result<()> {
    let ports = Ports::take()?;
    let folder = tempfile::tempdir()?;
    let bob = Baresip::start(&ports, folder.path(), &phone(Voice::High, "1002", true, codec))?;
    let mut alice = Baresip::start(&ports, folder.path(), &phone(Voice::Low, "1001", false, codec))?;
    let capture = Capture::start(&ports, folder.path())?;

    alice.dial(&format!("sip:1002@{}", bob.address()))?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    alice.wait_until_heard(TALK_S)?;
    bob.wait_until_heard(TALK_S)?;
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;
    let captured = capture.finish()?;

    for (ear, voice, other) in [(&alice, Voice::High, Voice::Low), (&bob, Voice::Low, Voice::High)] {
        let sounds = ear.heard()?;
        let sound = sounds.first().context("nothing decoded")?;
        let hearing = voice.listen(sound.rate, &sound.channels[0]);
        assert!(hearing.seconds() > TALK_S - 0.5 && hearing.is_in_order(), "{codec:?} {hearing:?}");
        assert!(hearing.largest_gap_ms() <= 40.0 && hearing.largest_jump_ms() <= 40.0, "{codec:?} {hearing:?}");
        assert!(other.listen(sound.rate, &sound.channels[0]).is_nobody(), "{codec:?}");
    }
    let streams = captured.streams();
    assert_eq!(streams.len(), 2, "one stream each way");
    for packets in streams.values() {
        assert_eq!(rtp::continuity(packets).sequence_breaks, 0);
    }
    let complaints = captured.complaints(&[alice.address().port()], &[alice.address().port()])?;
    assert!(complaints.is_empty(), "{complaints:?}");
    Ok(())
}
