//! Transfers through the real binary: who hears whom after a REFER, and what is written down of it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::party::{Party, Up, hearing, up, wait_for_packets};
use calls::phone::{Dialog, Phone};
use calls::sdp;
use calls::sip_text::Text;
use calls::switchboard::{PASSWORD, Switchboard};

/// Takes the next NOTIFY about a transfer, which must carry this status line.
fn notified(phone: &mut Phone, status: &str) -> Result<()> {
    let notify = phone.expect("NOTIFY")?;
    phone.reply(&notify, "200 OK", "")?;
    ensure!(notify.header("Content-Type").starts_with("message/sipfrag"), "{}", phone.told());
    ensure!(notify.body.starts_with(&format!("SIP/2.0 {status}")), "{} in place of {status}", notify.body);
    Ok(())
}

/// Bob and Carol speak: each hears the other, and neither hears itself.
fn speak_and_listen(up: &mut Up, carol: &mut Party, invite: &Text) -> Result<()> {
    let before = up.bob.media.heard().len();
    up.bob.media.speak(sdp::audio_address(&up.invite.body)?, Law::Mu, &Voice::High.speak(8_000, 3.0))?;
    carol.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &Voice::Low.speak(8_000, 3.0))?;
    wait_for_packets(&up.bob.media, before + 140)?;
    wait_for_packets(&carol.media, 140)?;
    for (end, voice, own, from) in
        [(&up.bob.media, Voice::Low, Voice::High, before), (&carol.media, Voice::High, Voice::Low, 0)]
    {
        let heard = hearing(end, voice, from);
        ensure!(heard.seconds() > 2.3 && heard.is_in_order(), "{heard:?}");
        ensure!(heard.largest_gap_ms() <= 40.0, "{heard:?}");
        ensure!(hearing(end, own, from).is_nobody(), "somebody hears themselves");
    }
    Ok(())
}

/// Bob hangs up, and Carol is told.
fn hang_up(up: &mut Up, carol: &mut Party) -> Result<()> {
    up.bob.phone.hang_up(&mut up.called)?;
    let bye = carol.phone.expect("BYE")?;
    carol.phone.reply(&bye, "200 OK", "")
}

#[test]
fn a_party_handed_on_blindly_hears_the_new_one() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let mut carol = Party::new(&server, "1003", Instant::now())?;
    let refer_to = format!("Refer-To: <sip:1003@{}>", server.sip());
    up.alice.phone.request(&mut up.calling, "REFER", &[&refer_to], "")?;
    up.alice.phone.expect("202 REFER")?;
    notified(&mut up.alice.phone, "100")?;
    let invite = carol.phone.expect("INVITE")?;
    carol.phone.reply(&invite, "180 Ringing", "")?;
    notified(&mut up.alice.phone, "180")?;
    let answer = carol.sdp(1, "sendrecv");
    carol.phone.reply(&invite, "200 OK", &answer)?;
    carol.phone.expect("ACK")?;
    notified(&mut up.alice.phone, "200")?;
    let bye = up.alice.phone.expect("BYE")?;
    up.alice.phone.reply(&bye, "200 OK", "")?;
    speak_and_listen(&mut up, &mut carol, &invite)?;
    hang_up(&mut up, &mut carol)?;

    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal", "{record}");
    let document = server.api()?.get(&format!("call-records/{}", record["id"].as_str().context("no id")?))?;
    // Legs that began in one millisecond stand in no order.
    let legs = document["legs"].as_array().context("no legs")?;
    for (party, cause) in [("1001", "transferred"), ("1002", "normal"), ("1003", "normal")] {
        let ended = legs.iter().filter(|leg| leg["peer_name"] == party && leg["cause"] == cause).count();
        ensure!(legs.len() == 3 && ended == 1, "{party}: {document}");
    }
    Ok(())
}

/// Carol answers a call of Alice, who talks with Bob already.
fn ask_carol(alice: &mut Party, carol: &mut Party) -> Result<(Dialog, Text)> {
    let mut asking = alice.phone.dialog_to("1003");
    alice.call(&mut asking)?;
    let invite = carol.phone.expect("INVITE")?;
    let answer = carol.sdp(1, "sendrecv");
    carol.phone.reply(&invite, "200 OK", &answer)?;
    carol.phone.expect("ACK")?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut asking, &ok, "")?;
    Ok((asking, invite))
}

#[test]
fn an_attended_transfer_connects_the_two_others() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let mut carol = Party::new(&server, "1003", Instant::now())?;
    let (asking, invite) = ask_carol(&mut up.alice, &mut carol)?;
    let tag = |address: &str| address.rsplit("tag=").next().unwrap_or_default().to_owned();
    let refer_to = format!(
        "Refer-To: <sip:1003@{}?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>",
        server.sip(),
        asking.call_id.replace('@', "%40"),
        tag(&asking.remote),
        tag(&asking.local)
    );
    up.alice.phone.request(&mut up.calling, "REFER", &[&refer_to], "")?;
    up.alice.phone.expect("202 REFER")?;
    notified(&mut up.alice.phone, "100")?;
    notified(&mut up.alice.phone, "200")?;
    for _ in 0..2 {
        let bye = up.alice.phone.expect("BYE")?;
        up.alice.phone.reply(&bye, "200 OK", "")?;
    }
    speak_and_listen(&mut up, &mut carol, &invite)?;
    hang_up(&mut up, &mut carol)?;
    let causes: Vec<_> = server.ended_calls(2)?.iter().map(|record| record["cause"].clone()).collect();
    ensure!(causes.contains(&"transferred".into()) && causes.contains(&"normal".into()), "{causes:?}");
    Ok(())
}

#[test]
fn whom_a_party_sent_takes_its_place_by_an_invite_that_replaces_it() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let mut carol = Party::new(&server, "1003", Instant::now())?;
    let tag = |address: &str| address.rsplit("tag=").next().unwrap_or_default().to_owned();
    let (ours, theirs) = (tag(&up.calling.remote), tag(&up.calling.local));
    let replaces = format!("Replaces: {};to-tag={ours};from-tag={theirs}", up.calling.call_id);
    let mut taking = carol.phone.dialog_to("1002");
    let offer = carol.sdp(1, "sendrecv");
    // Without a word of who sent it, it is nobody's place to take.
    carol.phone.invite_with(&mut taking, Some(PASSWORD), &[&replaces], &offer)?;
    carol.phone.expect("403 INVITE")?;
    let referred_by = format!("Referred-By: <sip:1001@{}>", server.sip());
    let mut taking = carol.phone.dialog_to("1002");
    carol.phone.invite_with(&mut taking, Some(PASSWORD), &[&replaces, &referred_by], &offer)?;
    let ok = carol.phone.expect("200 INVITE")?;
    carol.phone.ack(&mut taking, &ok, "")?;
    let bye = up.alice.phone.expect("BYE")?;
    up.alice.phone.reply(&bye, "200 OK", "")?;
    speak_and_listen(&mut up, &mut carol, &ok)?;
    hang_up(&mut up, &mut carol)?;
    let record = server.ended_calls(1)?.remove(0);
    let document = server.api()?.get(&format!("call-records/{}", record["id"].as_str().context("no id")?))?;
    let legs = document["legs"].as_array().context("no legs")?;
    for (party, cause) in [("1001", "transferred"), ("1002", "normal"), ("1003", "normal")] {
        let ended = legs.iter().filter(|leg| leg["peer_name"] == party && leg["cause"] == cause).count();
        ensure!(legs.len() == 3 && ended == 1, "{party}: {document}");
    }
    Ok(())
}

#[test]
fn a_hold_before_the_transfer_is_not_offered_to_the_new_party() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let mut carol = Party::new(&server, "1003", Instant::now())?;
    let hold = up.alice.sdp(2, "sendonly");
    up.alice.phone.request(&mut up.calling, "INVITE", &[], &hold)?;
    let held = up.alice.phone.expect("200 INVITE")?;
    ensure!(held.body.contains("a=recvonly"), "{}", held.body);
    up.alice.phone.ack(&mut up.calling, &held, "")?;
    let refer_to = format!("Refer-To: <sip:1003@{}>", server.sip());
    up.alice.phone.request(&mut up.calling, "REFER", &[&refer_to], "")?;
    up.alice.phone.expect("202 REFER")?;
    notified(&mut up.alice.phone, "100")?;
    let invite = carol.phone.expect("INVITE")?;
    let stale = ["a=sendonly", "a=recvonly", "a=inactive"].iter().any(|stale| invite.body.contains(stale));
    ensure!(!stale, "{}", invite.body);
    let answer = carol.sdp(1, "sendrecv");
    carol.phone.reply(&invite, "200 OK", &answer)?;
    carol.phone.expect("ACK")?;
    notified(&mut up.alice.phone, "200")?;
    let bye = up.alice.phone.expect("BYE")?;
    up.alice.phone.reply(&bye, "200 OK", "")?;
    speak_and_listen(&mut up, &mut carol, &invite)?;
    hang_up(&mut up, &mut carol)
}

/// Two phones hand a third one to each other, and would for ever.
#[test]
fn a_ring_of_transfers_ends_with_483() -> Result<()> {
    let server = Switchboard::start()?;
    let mut up = up(&server)?;
    let mut carol = Party::new(&server, "1003", Instant::now())?;
    let mut dialog = up.calling.clone();
    let (mut by, mut to) = (&mut up.alice, &mut carol);
    let mut handed_on = 0;
    loop {
        let refer_to = format!("Refer-To: <sip:{}@{}>", to.phone.user(), server.sip());
        by.phone.request(&mut dialog, "REFER", &[&refer_to], "")?;
        if by.phone.expect_one_of(&["202 REFER", "483 REFER"])?.status() == Some(483) {
            break;
        }
        handed_on += 1;
        ensure!(handed_on < 100, "for ever");
        notified(&mut by.phone, "100")?;
        let invite = to.phone.expect("INVITE")?;
        let answer = to.sdp(1, "sendrecv");
        to.phone.reply(&invite, "200 OK", &answer)?;
        to.phone.expect("ACK")?;
        notified(&mut by.phone, "200")?;
        let bye = by.phone.expect("BYE")?;
        by.phone.reply(&bye, "200 OK", "")?;
        dialog = to.phone.dialog_of(&invite);
        std::mem::swap(&mut by, &mut to);
    }
    up.bob.phone.hang_up(&mut up.called)?;
    let bye = by.phone.expect("BYE")?;
    by.phone.reply(&bye, "200 OK", "")?;
    ensure!(handed_on == 16, "{handed_on}");
    Ok(())
}
