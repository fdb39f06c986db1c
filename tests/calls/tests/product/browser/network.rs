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
fn a_browser_whose_network_changes_in_a_call_goes_on_in_the_same_call() -> Result<()> {
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
    for change in [Network::replug, Network::hand_over] {
        change(&mut network)?;
        browser.expect("renewing")?;
        browser.expect("registered")?;
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
    Ok(())
}
