//! Keys pressed by one party in every way that phones have, and heard by the other in its own way, once each: by telephone events
//! (whole, torn and repeated), by INFO with both bodies, and as sounds.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::g711::Law;
use calls::keys::{self, Keypad, Way};
use calls::party::{Party, wait_for_packets};
use calls::phone::{Dialog, Phone};
use calls::switchboard::Switchboard;
use calls::{rtp, sdp, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// A body with a key, and its type.
fn relay(key: char) -> (String, String) {
    ("Content-Type: application/dtmf-relay".to_owned(), format!("Signal={key}\nDuration=160\n"))
}

fn plain(key: char) -> (String, String) {
    ("Content-Type: application/dtmf".to_owned(), key.to_string())
}

/// Presses keys by INFO, the next one when the one before was answered.
fn press(phone: &mut Phone, dialog: &mut Dialog, keys: &str, body: fn(char) -> (String, String)) -> Result<()> {
    for key in keys.chars() {
        let (kind, body) = body(key);
        phone.request(dialog, "INFO", &[&kind], &body)?;
        phone.expect("200 INFO")?;
    }
    Ok(())
}

#[test]
fn a_pin_opens_a_room_in_each_way_that_it_is_pressed() -> Result<()> {
    let server = Switchboard::start()?;
    let made = server.api()?.post("rooms", &json!({"number": "8001", "pin": "2558", "announce": false}))?;
    ensure!(made.status == 201, "{}", made.json());
    let by_events = [Way::Whole, Way::WithoutEnd, Way::OnlyTheEnd, Way::EndAgain].map(Some);
    for (nth, way) in by_events.into_iter().chain([None, None]).enumerate() {
        let mut party = Party::new(&server, "1001", Instant::now())?;
        let mut call = party.phone.dialog_to("8001");
        party.call(&mut call)?;
        let ok = party.phone.expect("200 INVITE")?;
        party.phone.ack(&mut call, &ok, "")?;
        match way {
            // A wrong one first: what is counted twice, or not at all, shifts the right one.
            Some(way) => Keypad::toward(&party.media, &ok.body)?.by(way).press("99#2558")?,
            None if nth % 2 == 0 => press(&mut party.phone, &mut call, "99#2558", relay)?,
            None => press(&mut party.phone, &mut call, "99#2558", plain)?,
        }
        wait::until(&format!("a member who pressed its PIN by {way:?}, {nth}"), PATIENCE, || {
            let answer = server.api()?.fetch("conferences/8001", None)?;
            Ok((answer.json()["members"].as_array().map(Vec::len) == Some(1)).then_some(()))
        })?;
        party.phone.hang_up(&mut call)?;
        server.ended_calls(nth + 1)?;
    }
    Ok(())
}

/// Alice, who has telephone events, and Bob, who has none any more, in a call.
struct Connected {
    alice: Party,
    bob: Party,
    calling: Dialog,
    called: Dialog,
    /// What Alice was answered, and what Bob was offered.
    ok: String,
    offer: String,
}

/// Bob answers with these header lines. He has events then, or Alice would have none either, and gives them up.
fn connected(server: &Switchboard, more: &[&str]) -> Result<Connected> {
    let clock = Instant::now();
    let (mut alice, mut bob) = (Party::new(server, "1001", clock)?, Party::new(server, "1002", clock)?);
    let mut calling = alice.phone.dialog_to("1002");
    alice.call(&mut calling)?;
    let invite = bob.phone.expect("INVITE")?;
    let answer = bob.sdp(1, "sendrecv");
    bob.phone.reply_with(&invite, "200 OK", more, &answer)?;
    bob.phone.expect("ACK")?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    let mut called = bob.phone.dialog_of(&invite);
    let without = sdp::session(bob.media.address()?, 2, "0", &["ptime:20"]);
    bob.phone.request(&mut called, "INVITE", &[], &without)?;
    let again = bob.phone.expect("200 INVITE")?;
    bob.phone.ack(&mut called, &again, "")?;
    ensure!(sdp::events(&again.body).is_none(), "events nobody asked for: {}", again.body);
    Ok(Connected { alice, bob, calling, called, ok: ok.body, offer: invite.body })
}

#[test]
fn events_reach_a_phone_that_takes_info_as_info_once_each() -> Result<()> {
    let server = Switchboard::start()?;
    let Connected { mut alice, mut bob, mut calling, ok, .. } =
        connected(&server, &["Accept: application/sdp, application/dtmf-relay"])?;
    let mut keypad = Keypad::toward(&alice.media, &ok)?;
    for way in [Way::Whole, Way::WithoutEnd, Way::OnlyTheEnd, Way::EndAgain] {
        keypad = keypad.by(way);
        keypad.press("155#")?;
        let mut heard = String::new();
        for _ in 0..4 {
            let info = bob.phone.expect("INFO")?;
            let signal = info.body.lines().find_map(|line| line.strip_prefix("Signal=")).context("no key")?;
            heard.push_str(signal.trim());
            bob.phone.reply(&info, "200 OK", "")?;
        }
        ensure!(heard == "155#", "{heard} of keys that came by {way:?}");
        bob.phone.expect_nothing(Duration::from_millis(500))?;
    }
    alice.phone.hang_up(&mut calling)?;
    Ok(())
}

#[test]
fn info_reaches_a_phone_that_takes_events_as_events_once_each() -> Result<()> {
    let server = Switchboard::start()?;
    let Connected { alice, mut bob, mut called, offer, .. } = connected(&server, &[])?;
    bob.media.speak(sdp::audio_address(&offer)?, Law::Mu, &vec![0.0; 8_000 * 20])?;
    wait_for_packets(&alice.media, 25)?;
    press(&mut bob.phone, &mut called, "15", relay)?;
    press(&mut bob.phone, &mut called, "5#", plain)?;
    let found = wait::until("the keys, and speech after them", PATIENCE, || {
        let heard = alice.media.heard();
        let last = heard.iter().rposition(|packet| packet.payload_type == keys::EVENTS);
        let is_over = last.is_some_and(|last| heard.len() > last + 50);
        Ok((is_over && keys::events(&heard).len() >= 4).then_some(()))
    });
    let heard = keys::events(&alice.media.heard());
    found.with_context(|| format!("heard {heard:?} in {} packets", alice.media.heard().len()))?;
    ensure!(heard == "155#", "{heard}");
    Ok(())
}

#[test]
fn keys_reach_a_phone_that_has_neither_as_sounds_once_each() -> Result<()> {
    let server = Switchboard::start()?;
    let Connected { mut alice, bob, mut calling, ok, .. } = connected(&server, &[])?;
    Keypad::toward(&alice.media, &ok)?.press("155#")?;
    let after = |keys: usize| {
        let mut sounds = String::new();
        let found = wait::until("the sounds", PATIENCE, || {
            let heard = bob.media.heard();
            sounds = keys::sounds(8_000, &rtp::played(&heard).channels[0]);
            Ok((sounds.len() >= keys).then_some(()))
        });
        found.with_context(|| format!("heard {sounds}")).map(|()| sounds.clone())
    };
    let by_events = after(4)?;
    press(&mut alice.phone, &mut calling, "92", plain)?;
    let heard = after(6)?;
    ensure!(by_events == "155#" && heard == "155#92", "{by_events}, then {heard}");
    Ok(())
}
