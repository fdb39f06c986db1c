//! Keys pressed on a page, and toward it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::browser::Browser;
use calls::keys::{self, Keypad};
use calls::party::{Party, wait_for_packets};
use calls::switchboard::Switchboard;
use calls::wait;
use serde_json::json;

use super::{on_websocket, server};

const PATIENCE: Duration = Duration::from_secs(20);

/// The page calls 1002, who answers and says nothing; what 1002 was offered.
fn connected(server: &Switchboard) -> Result<(Browser, Party, String)> {
    let mut browser = on_websocket(server)?;
    let mut far = Party::new(server, "1002", Instant::now())?;
    browser.tell("call", json!({"to": "sip:1002@127.0.0.1"}))?;
    let invite = far.phone.expect("INVITE")?;
    far.phone.reply(&invite, "200 OK", &far.sdp(1, "sendrecv"))?;
    far.phone.expect("ACK")?;
    browser.expect("confirmed")?;
    wait_for_packets(&far.media, 25)?;
    Ok((browser, far, invite.body))
}

/// The keys that the far end has heard, once it hears speech again after the last of so many.
fn heard_by(far: &Party, count: usize) -> Result<String> {
    wait::until("the keys", PATIENCE, || {
        let heard = far.media.heard();
        let last = heard.iter().rposition(|packet| packet.payload_type == keys::EVENTS);
        let is_over = last.is_some_and(|last| heard.len() > last + 50);
        let events = keys::events(&heard);
        Ok((is_over && events.len() >= count).then_some(events))
    })
}

#[test]
fn keys_pressed_on_a_page_are_heard_once_each_whether_they_are_events_or_info() -> Result<()> {
    let server = server()?;
    let (mut browser, far, _) = connected(&server)?;
    browser.tell("dtmf", json!({"tones": "15#5", "by": "RFC2833"}))?;
    let by_event = heard_by(&far, 4)?;
    browser.tell("dtmf", json!({"tones": "92*2", "by": "INFO"}))?;
    let heard = heard_by(&far, 8)?;
    ensure!(by_event == "15#5" && heard == "15#592*2", "{by_event}, then {heard}");
    Ok(())
}

#[test]
fn keys_pressed_toward_a_page_sound_there_once_each_whether_by_a_phone_or_by_command() -> Result<()> {
    let server = server()?;
    let (mut browser, far, offer) = connected(&server)?;
    let mut keypad = Keypad::toward(&far.media, &offer)?;
    keypad.press("")?;
    browser.record()?;
    keypad.press("15#5")?;
    let sound = browser.recorded()?;
    let by_phone = keys::sounds(sound.rate, &sound.channels[0]);
    ensure!(by_phone == "15#5", "the page heard {by_phone:?}");
    let calls = server.api()?.list("calls")?;
    let call = calls.first().context("no call")?;
    let leg = call["legs"].as_array().and_then(|legs| legs.iter().find(|leg| leg["peer_name"] == "1001"));
    let leg = leg.with_context(|| format!("no leg of the page in {call}"))?;
    let path = format!("calls/{}/dtmf", call["id"].as_str().context("no id")?);
    let answer = server.api()?.post(&path, &json!({"digits": "92*2", "leg": leg["id"]}))?;
    ensure!(answer.status == 204, "{}: {}", answer.status, answer.json());
    let mut heard = String::new();
    wait::until("the keys", PATIENCE, || {
        keypad.press("")?;
        let sound = browser.recorded()?;
        heard = keys::sounds(sound.rate, &sound.channels[0]);
        Ok((heard.len() >= 8).then_some(()))
    })
    .with_context(|| format!("the page heard {heard:?}"))?;
    ensure!(heard == "15#592*2", "{heard}");
    Ok(())
}
