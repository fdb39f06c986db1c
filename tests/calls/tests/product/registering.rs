//! A trunk that is registered with: Kamailio is the registrar.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::digest::Hash;
use calls::kamailio::{self, Kamailio};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;
use serde_json::json;

const SECTIONS: &str = r#"
[[provision.trunk]]
name = "carrier"
host = "127.0.0.3"
port = PORT
username = "switch"
password = "trunk-secret"
register = true
options_interval_s = 5

[[provision.route]]
name = "hotline"
direction = "inbound"
did = "+861012345678"
to = "1002"
"#;

/// Calls the switch's account at the carrier, for a number of ours; gives how the INVITE was answered.
fn call_account(ports: &Ports, carrier: SocketAddr, answer: &str) -> Result<()> {
    let mut caller = Phone::udp(ports, "13800000000", carrier)?;
    let mut call = caller.dialog_to("switch");
    call.remote = "<sip:+861012345678@carrier>".to_owned();
    let address = SocketAddr::from(([127, 0, 0, 1], ports.many(2)?));
    let via = caller.request(&mut call, "INVITE", &[], &sdp::audio(address, "0", &[]))?;
    let answered = caller.expect(answer)?;
    caller.ack_failure(&call, &via, &answered)
}

#[test]
fn kamailio_registers_the_switch_sends_it_calls_and_forgets_it_when_it_stops() -> Result<()> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let onward = SocketAddr::from(([127, 0, 0, 1], ports.one()?));
    let setup =
        kamailio::Setup { listen: carrier, algorithm: "SHA-256", realm: "carrier", password: "trunk-secret", onward };
    let _carrier = Kamailio::start(folder.path(), setup)?;
    let sections = SECTIONS.replace("PORT", &carrier.port().to_string());
    let mut server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let api = server.api()?;
    let status = wait::until("the trunk to be up", Duration::from_secs(10), || {
        let status = api.get("trunks/carrier/status")?;
        Ok((status["state"] == "up" && !status["targets"][0]["last"].is_null()).then_some(status))
    })?;
    ensure!(status["registration"]["address_of_record"] == "sip:switch@127.0.0.3", "{status}");
    ensure!(!status["registration"]["registered_until"].is_null(), "{status}");
    ensure!(status["targets"][0]["last"]["status"] == 200, "{status}");
    let tested = api.post("trunks/carrier/test", &json!({}))?.json();
    ensure!(tested["registration"]["status"] == 200 && tested["targets"][0]["answer"]["status"] == 200, "{tested}");

    let mut bob = Phone::udp(server.ports(), "1002", server.sip())?;
    bob.register(PASSWORD, Hash::Sha256)?;
    let answered = std::thread::scope(|scope| {
        let caller = scope.spawn(|| call_account(server.ports(), carrier, "486 INVITE"));
        let invite = bob.expect("INVITE")?;
        bob.reply(&invite, "486 Busy Here", "")?;
        bob.expect("ACK")?;
        caller.join().expect("the caller does not panic")
    });
    answered?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["trunk"] == "carrier" && record["callee"] == "+861012345678", "{record}");

    server.stop()?;
    // Nobody is registered there any more: the carrier takes it for a call out, and wants it signed.
    call_account(server.ports(), carrier, "407 INVITE")
}
