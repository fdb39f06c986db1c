//! A caller from outside in a flow: it hears the menu, presses a key, talks with an extension, and is thanked.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party::{self, Party};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

fn server() -> Result<(Switchboard, SocketAddr)> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let sections = format!(
        "[[provision.trunk]]\nname = \"carrier\"\nhost = \"127.0.0.2\"\nport = {}\nsources = [\"127.0.0.2\"]\n",
        carrier.port()
    );
    Ok((Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?, carrier))
}

#[test]
fn a_caller_from_outside_hears_a_menu_presses_a_key_talks_and_is_thanked() -> Result<()> {
    let (server, carrier) = server()?;
    let api = server.api()?;
    let flow = json!({
        "name": "main", "start": "menu",
        "nodes": {
            "menu": {"step": "menu", "prompt": ["survey_invite"], "keys": {"2": "bob"}, "no_choice": "bye"},
            "bob": {"step": "extension", "number": "1002", "answered": "bye", "failed": "bye"},
            "bye": {"step": "hang_up", "parts": ["survey_thanks"]},
        },
    });
    let saved = api.put("flows/main", &flow)?;
    ensure!(saved.status == 201 && saved.json()["problems"] == json!([]), "{}", saved.json());
    let published = api.post("flows/main/publish", &json!({}))?;
    ensure!(published.status == 200, "{}", published.json());
    let route = json!({"name": "greeting", "direction": "inbound", "did": "8610", "to": "flow:main"});
    ensure!(api.post("routes", &route)?.status == 201, "no route");

    let clock = Instant::now();
    let mut bob = Party::new(&server, "1002", clock)?;
    let mut caller = Phone::udp_at(carrier, "13800138000", server.sip())?;
    let media = SocketAddr::new(carrier.ip(), server.ports().many(2)?);
    let mut heard = RtpEnd::open_at(media, clock)?;
    let mut call = caller.dialog_to("8610");
    caller.invite(&mut call, None, &sdp::audio(media, "0 101", &["rtpmap:101 telephone-event/8000"]))?;
    let ok = caller.expect("200 INVITE")?;
    caller.ack(&mut call, &ok, "")?;
    let to = sdp::audio_address(&ok.body)?;
    // It lasts for eleven seconds; a second of it is enough to know what to press.
    wait::until("the menu", PATIENCE, || Ok((heard.loud_since(0.0).len() > 50).then_some(())))?;
    ensure!(bob.phone.expect_nothing(Duration::from_millis(1)).is_ok(), "nobody pressed anything");
    Keypad::toward(&heard, &ok.body)?.press("2")?;
    let invite = bob.phone.expect("INVITE")?;
    ensure!(invite.header("From").contains("13800138000"), "{}", invite.header("From"));
    let rings_s = heard.now_s();
    bob.phone.reply(&invite, "180 Ringing", "")?;
    // The menu is cut off by the key: what is heard then is the ringing of the tone plan, 450 Hz.
    wait::until("ringing", PATIENCE, || Ok((heard.loud_since(rings_s).len() > 20).then_some(())))?;
    bob.phone.reply(&invite, "200 OK", &bob.sdp(1, "sendrecv"))?;
    bob.phone.expect("ACK")?;
    bob.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &Voice::High.speak(8_000, 4.0))?;
    heard.speak(to, Law::Mu, &Voice::Low.speak(8_000, 4.0))?;
    party::wait_for_packets(&bob.media, 180)?;
    let (by_bob, by_caller) = (party::hearing(&bob.media, Voice::Low, 0), {
        let before = heard.heard().iter().filter(|packet| packet.at_s < rings_s).count();
        party::hearing(&heard, Voice::High, before)
    });
    ensure!(by_bob.is_in_order() && by_bob.seconds() > 2.5, "{by_bob:?}");
    ensure!(by_caller.is_in_order() && by_caller.seconds() > 2.5, "{by_caller:?}");
    heard.hush();
    bob.media.hush();
    let mut called = bob.phone.dialog_of(&invite);
    let over_s = heard.now_s();
    bob.phone.hang_up(&mut called)?;
    // The flow goes on, and ends the call when that is said.
    let bye = caller.expect("BYE")?;
    caller.reply(&bye, "200 OK", "")?;
    let thanked = heard.loud_since(over_s);
    let (first, last) = (thanked.first().context("nobody is thanked")?, thanked.last().context("nobody")?);
    ensure!(
        first - over_s < 1.0 && (1.0..6.0).contains(&(last - first)),
        "{} s to {} s",
        first - over_s,
        last - over_s
    );
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["callee"] == "8610", "{record}");
    Ok(())
}
