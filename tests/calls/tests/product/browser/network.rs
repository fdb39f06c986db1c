//! A browser in a network of its own, which changes while it talks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::browser::{Browser, sine};
use calls::g711::Law;
use calls::network::Network;
use calls::party::Party;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::json;

use super::{BROWSER_HZ, FAR_HZ, credential, far_end_hears};

/// The page waits for ICE to notice, where it is told nothing, and for its next attempt to connect.
const PATIENCE: Duration = Duration::from_secs(30);

/// The network changes, which the page notices one way or the other.
fn change(network: &mut Network, how: fn(&mut Network) -> Result<()>, browser: &mut Browser) -> Result<()> {
    how(network)?;
    browser.expect("renewing")?;
    browser.expect("registered").map(drop)
}

/// Waits until the page reaches the server from the address that its network has now.
fn is_on_its_network(browser: &mut Browser, network: &Network) -> Result<()> {
    let address = network.inside().to_string();
    let mut way = json!(null);
    let found = wait::until("its way", PATIENCE, || {
        way = browser.tell("way", json!({}))?;
        Ok((way["address"] == address.as_str()).then_some(()))
    });
    found.with_context(|| format!("it is at {address} and goes {way}"))
}

#[test]
fn a_browser_whose_network_changes_goes_on_in_the_same_call_and_is_reached_afterwards() -> Result<()> {
    let ports = Ports::take()?;
    let mut network = Network::new(&ports)?;
    let rtp = format!("browsers = \"{}\"\n", SocketAddr::new(network.host(), ports.one()?));
    let server = Switchboard::start_on(ports, Setup { rtp, https: Some(network.host()), ..Setup::default() })?;
    let mut browser = Browser::inside(&network, &format!("https://{}", server.https()), BROWSER_HZ)?;
    browser.register(&format!("wss://{}/sip", server.https()), &credential(&server, "1001")?)?;
    let mut far = Party::new(&server, "1002", Instant::now())?;
    browser.tell("call", json!({"to": "sip:1002@127.0.0.1"}))?;
    let invite = far.phone.expect("INVITE")?;
    far.phone.reply(&invite, "200 OK", &far.sdp(1, "sendrecv"))?;
    far.phone.expect("ACK")?;
    browser.expect("confirmed")?;
    far.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &sine(8_000, FAR_HZ, 8_000 * 120))?;
    browser.hears(FAR_HZ, BROWSER_HZ)?;
    far_end_hears(&far)?;
    is_on_its_network(&mut browser, &network)?;
    for how in [Network::replug, Network::hand_over] {
        change(&mut network, how, &mut browser)?;
        browser.expect("reinvite")?;
        is_on_its_network(&mut browser, &network)?;
        wait::until("the browser", PATIENCE, || Ok(far_end_hears(&far).ok()))?;
        browser.hears(FAR_HZ, BROWSER_HZ)?;
    }
    browser.tell("hang_up", json!({}))?;
    let bye = far.phone.expect("BYE")?;
    far.phone.reply(&bye, "200 OK", "")?;
    browser.expect("ended")?;
    server.ended_calls(1)?;
    let records = server.api()?.list("call-records")?;
    ensure!(records.len() == 1 && records[0]["cause"] == "normal", "{records:?}");
    // No call says that the network is another one.
    change(&mut network, Network::hand_over, &mut browser)?;
    let mut calling = far.phone.dialog_to("1001");
    far.call(&mut calling)?;
    browser.expect("incoming")?;
    browser.tell("answer", json!({}))?;
    far.phone.expect("180 INVITE")?;
    let ok = far.phone.expect("200 INVITE")?;
    far.phone.ack(&mut calling, &ok, "")?;
    browser.expect("confirmed")?;
    is_on_its_network(&mut browser, &network)?;
    far.phone.hang_up(&mut calling)?;
    browser.expect("ended").map(drop)
}
