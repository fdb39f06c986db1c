//! Two-party calls, ladder by ladder, by phones that write their messages themselves.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::party::{Party, hearing, talk, up, wait_for_packets};
use calls::rtp;
use calls::sdp;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;

#[test]
fn each_hears_the_other_and_nobody_else() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    talk(&mut up, 3.0)?;
    wait_for_packets(&up.alice.media, 140)?;
    wait_for_packets(&up.bob.media, 140)?;
    for (end, voice, own) in [(&up.alice.media, Voice::High, Voice::Low), (&up.bob.media, Voice::Low, Voice::High)] {
        let heard = hearing(end, voice, 0);
        ensure!(heard.seconds() > 2.5 && heard.is_in_order(), "{heard:?}");
        ensure!(heard.largest_gap_ms() <= 40.0 && heard.largest_jump_ms() <= 40.0, "{heard:?}");
        ensure!(hearing(end, own, 0).is_nobody(), "somebody hears themselves");
        let continuity = rtp::continuity(&end.heard());
        ensure!(continuity.sources == 1 && continuity.sequence_breaks == 0, "{continuity:?}");
    }
    up.bob.phone.hang_up(&mut up.called)?;
    up.alice.phone.expect("BYE")?;
    Ok(())
}

#[test]
fn a_held_party_hears_music_and_then_the_other_again() -> Result<()> {
    for (direction, answered) in [("sendonly", "recvonly"), ("inactive", "inactive")] {
        let server = Switchboard::start()?;
        let mut up = up(&server)?;
        talk(&mut up, 12.0)?;
        wait_for_packets(&up.bob.media, 50)?;
        let offer = up.alice.sdp(2, direction);
        up.alice.phone.request(&mut up.calling, "INVITE", &[], &offer)?;
        let held = up.alice.phone.expect("200 INVITE")?;
        up.alice.phone.ack(&mut up.calling, &held, "")?;
        ensure!(sdp::direction(&held.body) == answered, "{direction}: {}", held.body);
        let (before, after) = (sdp::origin(&up.ok.body), sdp::origin(&held.body));
        ensure!(before.zip(after).is_some_and(|(b, a)| a.0 == b.0 && a.1 == b.1 + 1), "the version of the answer");

        let from = up.bob.media.heard().len() + 10;
        wait_for_packets(&up.bob.media, from + 75)?;
        ensure!(hearing(&up.bob.media, Voice::Low, from).is_nobody(), "bob hears the holder");
        let music = rtp::played(&up.bob.media.heard()[from..]);
        let energy: f64 = music.channels[0].iter().map(|s| s * s).sum::<f64>() / music.channels[0].len() as f64;
        ensure!(energy > 1e-5, "bob hears silence: {energy}");

        let offer = up.alice.sdp(3, "sendrecv");
        up.alice.phone.request(&mut up.calling, "INVITE", &[], &offer)?;
        let back = up.alice.phone.expect("200 INVITE")?;
        up.alice.phone.ack(&mut up.calling, &back, "")?;
        let from = up.bob.media.heard().len() + 10;
        wait_for_packets(&up.bob.media, from + 75)?;
        ensure!(hearing(&up.bob.media, Voice::Low, from).seconds() > 1.0, "bob does not hear alice again");
        let continuity = rtp::continuity(&up.bob.media.heard());
        ensure!(continuity.sources == 1 && continuity.sequence_breaks == 0, "{continuity:?}");
        up.alice.phone.hang_up(&mut up.calling)?;
    }
    Ok(())
}

#[test]
fn hold_by_the_null_address_of_old_phones_is_hold() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    talk(&mut up, 6.0)?;
    let offer = up.alice.sdp(2, "sendrecv").replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    up.alice.phone.request(&mut up.calling, "INVITE", &[], &offer)?;
    let held = up.alice.phone.expect("200 INVITE")?;
    up.alice.phone.ack(&mut up.calling, &held, "")?;
    let from = up.bob.media.heard().len() + 10;
    wait_for_packets(&up.bob.media, from + 50)?;
    ensure!(hearing(&up.bob.media, Voice::Low, from).is_nobody(), "bob hears the holder");
    up.alice.phone.hang_up(&mut up.calling)
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_the_call_once() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    let offer = alice.sdp(1, "sendrecv");
    let via = alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let invite = bob.phone.expect("INVITE")?;
    bob.phone.reply(&invite, "180 Ringing", "")?;
    alice.phone.expect("180 INVITE")?;
    // Both at once: whichever the switch takes first, each side must come to an end.
    alice.phone.cancel(&calling, &via)?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    let mut final_response = None;
    wait::until("the caller's end", Duration::from_secs(8), || {
        while let Some(text) = alice.phone.receive(Duration::from_millis(50))? {
            match text.name().as_str() {
                "487 INVITE" => final_response = Some(text),
                "200 INVITE" => {
                    alice.phone.ack(&mut calling, &text, "")?;
                    alice.phone.request(&mut calling, "BYE", &[], "")?;
                    final_response = Some(text);
                }
                _ => {}
            }
        }
        Ok(final_response.clone())
    })?;
    // Bob answered: he is acknowledged and then let go, or he was cancelled in time and his 200 is cleaned up after.
    let mut told = Vec::new();
    wait::until("the called party's end", Duration::from_secs(8), || {
        while let Some(text) = bob.phone.receive(Duration::from_millis(50))? {
            if text.name() == "BYE" || text.name() == "CANCEL" {
                bob.phone.reply(&text, "200 OK", "")?;
            }
            told.push(text.name());
        }
        Ok(told.iter().any(|name| name == "BYE").then_some(()))
    })?;
    ensure!(told.iter().any(|name| name == "ACK"), "{told:?}");
    let records = server.ended_calls(1)?;
    ensure!(records.len() == 1, "{records:?}");
    Ok(())
}

#[test]
fn a_retransmitted_invite_is_one_call() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    let offer = alice.sdp(1, "sendrecv");
    alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let invite = bob.phone.expect("INVITE")?;
    // Bob does not answer yet: the switch must retransmit its INVITE (timer A, 500 ms), byte by byte the same.
    let again = bob.phone.receive(Duration::from_secs(3))?;
    ensure!(again.as_ref() == Some(&invite), "{again:?}");
    bob.phone.reply(&invite, "486 Busy Here", "")?;
    bob.phone.expect("ACK")?;
    alice.phone.expect("486 INVITE")?;
    ensure!(server.ended_calls(1)?.len() == 1);
    Ok(())
}

#[test]
fn video_is_declined_and_audio_goes_on() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    let offer = format!("{}m=video 4004 RTP/AVP 96\na=rtpmap:96 H264/90000\n", alice.sdp(1, "sendrecv"));
    alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let invite = bob.phone.expect("INVITE")?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply(&invite, "200 OK", &answer)?;
    let ok = alice.phone.expect("200 INVITE")?;
    ensure!(ok.body.contains("m=video 0 "), "{}", ok.body);
    ensure!(sdp::audio_address(&ok.body)?.port() != 0, "{}", ok.body);
    alice.phone.ack(&mut calling, &ok, "")?;
    alice.phone.hang_up(&mut calling)
}

#[test]
fn the_echo_test_gives_back_what_it_hears() -> Result<()> {
    let server = Switchboard::start()?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut calling = alice.phone.dialog_to("*43");
    let offer = alice.sdp(1, "sendrecv");
    alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &Voice::Low.speak(8_000, 3.0))?;
    wait_for_packets(&alice.media, 130)?;
    let heard = hearing(&alice.media, Voice::Low, 0);
    ensure!(heard.seconds() > 2.0 && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    alice.phone.hang_up(&mut calling)
}

#[test]
fn digits_pass_through_as_telephone_events() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let to = sdp::audio_address(&up.ok.body)?;
    let packet = |payload_type: u8, sequence: u16, timestamp: u32, payload: Vec<u8>| rtp::Packet {
        at_s: 0.0,
        marker: payload_type == 101 && sequence == 101,
        payload_type,
        sequence,
        timestamp,
        ssrc: 77,
        payload,
    };
    // The 200 and the media threads' edge are no one step: speech first, until it comes through.
    let mut spoken: u16 = 0;
    wait::until("speech", Duration::from_secs(20), || {
        spoken += 1;
        up.alice.media.send(to, &packet(0, spoken, u32::from(spoken) * 160, vec![0xff; 160]))?;
        Ok((!up.bob.media.heard().is_empty()).then_some(()))
    })?;
    for (sequence, duration, end) in
        [(101, 160, false), (102, 320, false), (103, 480, true), (104, 480, true), (105, 480, true)]
    {
        let duration = u16::to_be_bytes(duration);
        let payload = vec![5, if end { 0x8a } else { 0x0a }, duration[0], duration[1]];
        up.alice.media.send(to, &packet(101, sequence, 16_000, payload))?;
    }
    let events = || up.bob.media.heard().into_iter().filter(|p| p.payload_type == 101).collect::<Vec<_>>();
    wait::until("the digit", Duration::from_secs(20), || Ok((events().len() >= 5).then_some(())))?;
    let heard = events();
    ensure!(heard.len() == 5 && heard.iter().all(|packet| packet.payload[0] == 5), "{heard:?}");
    ensure!(
        heard.iter().map(|p| p.timestamp).all(|timestamp| timestamp == heard[0].timestamp),
        "one event, one timestamp"
    );
    up.alice.phone.hang_up(&mut up.calling)
}

#[test]
fn pcmu_and_pcma_phones_understand_each_other() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    let offer = sdp::audio(alice.media.address()?, "0", &[]);
    alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let invite = bob.phone.expect("INVITE")?;
    ensure!(sdp::payload_types(&invite.body).contains(&8), "PCMA is not offered: {}", invite.body);
    let answer = sdp::audio(bob.media.address()?, "8", &[]);
    bob.phone.reply(&invite, "200 OK", &answer)?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &Voice::Low.speak(8_000, 3.0))?;
    bob.media.speak(sdp::audio_address(&invite.body)?, Law::A, &Voice::High.speak(8_000, 3.0))?;
    wait_for_packets(&alice.media, 140)?;
    wait_for_packets(&bob.media, 140)?;
    ensure!(alice.media.heard().iter().all(|p| p.payload_type == 0), "alice gets what she did not offer");
    ensure!(bob.media.heard().iter().all(|p| p.payload_type == 8), "bob gets what he did not answer");
    ensure!(hearing(&alice.media, Voice::High, 0).seconds() > 2.0);
    ensure!(hearing(&bob.media, Voice::Low, 0).seconds() > 2.0);
    alice.phone.hang_up(&mut calling)
}

#[test]
fn a_second_phone_of_the_same_extension_stops_ringing_when_the_first_answers() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let mut alice = Party::new(&server, "1001", clock)?;
    let (mut desk, mut soft) = (Party::new(&server, "1002", clock)?, Party::new(&server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    let offer = alice.sdp(1, "sendrecv");
    alice.phone.invite(&mut calling, Some(PASSWORD), &offer)?;
    let (at_desk, at_soft) = (desk.phone.expect("INVITE")?, soft.phone.expect("INVITE")?);
    desk.phone.reply(&at_desk, "180 Ringing", "")?;
    soft.phone.reply(&at_soft, "180 Ringing", "")?;
    let answer = desk.sdp(1, "sendrecv");
    desk.phone.reply(&at_desk, "200 OK", &answer)?;
    let cancel = soft.phone.expect("CANCEL")?;
    soft.phone.reply(&cancel, "200 OK", "")?;
    soft.phone.reply(&at_soft, "487 Request Terminated", "")?;
    soft.phone.expect("ACK")?;
    alice.phone.expect("180 INVITE")?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    alice.phone.hang_up(&mut calling)
}
