//! Chromium as a phone: JsSIP over WebSocket, audio over ICE and DTLS-SRTP.

mod called;
mod keys;
mod many;
mod network;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::browser::{Browser, level_db, sine};
use calls::g711::Law;
use calls::party::{Party, wait_for_packets};
use calls::ports::Ports;
use calls::rtp;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

/// The pitches of the browser and of the far end.
const BROWSER_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1_200.0;

fn server() -> Result<Switchboard> {
    let ports = Ports::take()?;
    let rtp = format!("browsers = \"127.0.0.1:{}\"\n", ports.one()?);
    Switchboard::start_on(ports, Setup { rtp, ..Setup::default() })
}

fn credential(server: &Switchboard, extension: &str) -> Result<Value> {
    let answer = server.api()?.post("session/sip-credential", &json!({"extension": extension}))?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.json());
    Ok(answer.json())
}

fn on_websocket(server: &Switchboard) -> Result<Browser> {
    let mut browser = Browser::start(&format!("http://{}", server.http()), BROWSER_HZ)?;
    browser.register(&format!("ws://{}/sip", server.http()), &credential(server, "1001")?)?;
    Ok(browser)
}

/// The far end hears the browser, and not itself: the last second of it.
fn far_end_hears(far: &Party) -> Result<()> {
    let before = far.media.heard().len();
    wait_for_packets(&far.media, before + 60)?;
    let heard = far.media.heard();
    let sound = rtp::played(&heard[heard.len() - 50..]);
    let (wanted, other) =
        (level_db(8_000, BROWSER_HZ, &sound.channels[0]), level_db(8_000, FAR_HZ, &sound.channels[0]));
    ensure!(wanted > -25.0 && wanted > other + 20.0, "{wanted} dB of the browser, {other} dB of itself");
    Ok(())
}

#[test]
fn a_browser_registers_over_websockets_plain_and_secured_and_hears_itself() -> Result<()> {
    let server = server()?;
    let mut browser = on_websocket(&server)?;
    browser.tell("call", json!({"to": "sip:*43@127.0.0.1"}))?;
    browser.expect("confirmed")?;
    browser.hears(BROWSER_HZ, FAR_HZ)?;
    browser.tell("hang_up", json!({}))?;
    browser.expect("ended")?;
    drop(browser);
    let mut browser = Browser::start(&format!("https://{}", server.https()), BROWSER_HZ)?;
    browser.register(&format!("wss://{}/sip", server.https()), &credential(&server, "1001")?)?;
    let sources = server.api()?.list("registrations")?;
    ensure!(sources.iter().any(|one| one["source"].as_str().unwrap_or_default().starts_with("WSS ")), "{sources:?}");
    Ok(())
}

#[test]
fn a_browser_calls_and_is_called_and_keeps_its_call_when_its_page_is_loaded_again() -> Result<()> {
    let server = server()?;
    let mut browser = on_websocket(&server)?;
    let mut bob = Party::new(&server, "1002", Instant::now())?;
    browser.tell("call", json!({"to": "sip:1002@127.0.0.1"}))?;
    let invite = bob.phone.expect("INVITE")?;
    bob.phone.reply(&invite, "200 OK", &bob.sdp(1, "sendrecv"))?;
    bob.phone.expect("ACK")?;
    browser.expect("confirmed")?;
    bob.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &sine(8_000, FAR_HZ, 8_000 * 60))?;
    let heard = browser.hears(FAR_HZ, BROWSER_HZ)?;
    ensure!(heard["codec"] == "audio/PCMU", "{heard}");
    far_end_hears(&bob)?;
    // Muted, packets still flow.
    browser.tell("mute", json!({}))?;
    wait::until("silence", Duration::from_secs(10), || Ok(far_end_hears(&bob).err().map(drop)))?;
    browser.tell("unmute", json!({}))?;
    wait::until("the browser again", Duration::from_secs(10), || Ok(far_end_hears(&bob).ok()))?;
    for by_update in [false, true] {
        browser.tell("hold", json!({"by_update": by_update}))?;
        wait::until("music", Duration::from_secs(10), || Ok(far_end_hears(&bob).err().map(drop)))?;
        browser.tell("unhold", json!({"by_update": by_update}))?;
        wait::until("the browser again", Duration::from_secs(10), || Ok(far_end_hears(&bob).ok()))?;
    }
    browser.tell("restart_ice", json!({}))?;
    wait::until("the browser again", Duration::from_secs(10), || Ok(far_end_hears(&bob).ok()))?;
    browser.tell("reload", json!({}))?;
    let incoming = browser.expect("incoming")?;
    ensure!(incoming["from"] == "1002" && incoming["resumed"].as_str().is_some(), "{incoming}");
    browser.expect("confirmed")?;
    browser.hears(FAR_HZ, BROWSER_HZ)?;
    wait::until("the browser again", Duration::from_secs(10), || Ok(far_end_hears(&bob).ok()))?;
    let mut called = bob.phone.dialog_of(&invite);
    bob.phone.hang_up(&mut called)?;
    browser.expect("ended")?;
    let record = server.ended_calls(1)?.into_iter().next().context("no record")?;
    ensure!(record["cause"] == "normal", "{record}");
    Ok(())
}
