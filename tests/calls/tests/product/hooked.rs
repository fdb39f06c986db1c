//! Hooks of the real binary at the dialling of a number outside: a real server says whether it may be called, and knows the numbers of records.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::party::Party;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use serde_json::json;

use crate::lookup::answering;

const PATIENCE: Duration = Duration::from_secs(20);

/// 1001, and a carrier that its numbers outside go to.
struct World {
    alice: Party,
    carrier: Phone,
    /// What the server of the hooks was asked, a request line each.
    told: Receiver<String>,
    server: Switchboard,
}

fn world() -> Result<World> {
    let (crm, told) = answering(|asked| match asked {
        it if it.starts_with("GET /may?n=13800000001&") => r#"{"allowed": false, "reason": "he wants no calls"}"#,
        it if it.starts_with("GET /may?") => r#"{"allowed": true}"#,
        it if it.starts_with("GET /number?r=customer-7&") => r#"{"number": "138-0000-0009"}"#,
        _ => "{}",
    })?;
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let sections = format!(
        r#"
[lookup]
authorize_url = "http://{crm}/may?n={{number}}&x={{extension}}&a={{agent}}"
resolve_url = "http://{crm}/number?r={{record}}&by={{by}}"
timeout_ms = 3000

[[provision.trunk]]
name = "carrier"
host = "127.0.0.2"
port = {}
sources = ["127.0.0.2"]
emergency = true

[[provision.route]]
name = "outside"
direction = "outbound"
prefix = "138"
trunks = ["carrier"]
"#,
        carrier.port()
    );
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let alice = Party::new(&server, "1001", Instant::now())?;
    let carrier = Phone::udp_at(carrier, "carrier", server.sip())?;
    Ok(World { alice, carrier, told, server })
}

impl World {
    /// 1001 dials what the carrier refuses, so that nothing more comes of it; what the carrier was sent.
    fn reaches_the_carrier(&mut self, number: &str) -> Result<String> {
        let mut call = self.alice.phone.dialog_to(number);
        let via = self.alice.call(&mut call)?;
        let invite = self.carrier.expect_within("INVITE", PATIENCE)?;
        self.carrier.reply(&invite, "486 Busy Here", "")?;
        self.carrier.expect("ACK")?;
        let busy = self.alice.phone.expect("486 INVITE")?;
        self.alice.phone.ack_failure(&call, &via, &busy)?;
        Ok(invite.start)
    }
}

#[test]
fn a_server_forbids_a_number_with_its_reason_and_is_not_asked_about_emergency_calls() -> Result<()> {
    let mut world = world()?;
    let mut call = world.alice.phone.dialog_to("13800000001");
    let via = world.alice.call(&mut call)?;
    let refused = world.alice.phone.expect_within("403 INVITE", PATIENCE)?;
    world.alice.phone.ack_failure(&call, &via, &refused)?;
    let why = refused.header("Warning");
    ensure!(why.contains("he wants no calls"), "{why}");
    world.carrier.expect_nothing(Duration::from_millis(500))?;
    let asked = world.told.recv_timeout(PATIENCE)?;
    ensure!(asked.starts_with("GET /may?n=13800000001&x=1001&a= "), "{asked}");

    let sent = world.reaches_the_carrier("13800000002")?;
    ensure!(sent.contains("13800000002"), "{sent}");
    let asked = world.told.recv_timeout(PATIENCE)?;
    ensure!(asked.starts_with("GET /may?n=13800000002&"), "{asked}");

    let sent = world.reaches_the_carrier("110")?;
    ensure!(sent.contains("110"), "{sent}");
    ensure!(world.told.try_recv().is_err(), "an emergency call asks nobody (GEN-18)");
    let records = world.server.ended_calls(3)?;
    let causes: Vec<_> = records.iter().map(|record| record["cause"].as_str().unwrap_or_default()).collect();
    ensure!(causes == ["rejected", "busy", "busy"], "{records:?}");
    Ok(())
}

#[test]
fn a_record_is_called_whose_number_only_the_server_knows() -> Result<()> {
    let mut world = world()?;
    let api = world.server.api()?;
    let unknown = api.post("calls", &json!({"from": "1001", "record": "customer-8"}))?;
    let field = unknown.json()["errors"][0]["field"].clone();
    ensure!(unknown.status == 422 && field == "record", "{}: {}", unknown.status, unknown.json());
    let asked = world.told.recv_timeout(PATIENCE)?;
    ensure!(asked.starts_with("GET /number?r=customer-8&by=admin "), "{asked}");

    let made = api.post("calls", &json!({"from": "1001", "record": "customer-7"}))?;
    ensure!(made.status == 201, "{}: {}", made.status, made.json());
    let rung = world.alice.phone.expect_within("INVITE", PATIENCE)?;
    world.alice.phone.reply(&rung, "200 OK", &world.alice.sdp(1, "sendrecv"))?;
    world.alice.phone.expect("ACK")?;
    let invite = world.carrier.expect_within("INVITE", PATIENCE)?;
    ensure!(invite.start.starts_with("INVITE sip:13800000009@"), "{}", invite.start);
    let media = SocketAddr::new(world.carrier.local().ip(), world.server.ports().many(2)?);
    world.carrier.reply(&invite, "200 OK", &sdp::audio(media, "0", &[]))?;
    world.carrier.expect("ACK")?;
    let mut dialog = world.carrier.dialog_of(&invite);
    world.carrier.hang_up(&mut dialog)?;
    let bye = world.alice.phone.expect("BYE")?;
    world.alice.phone.reply(&bye, "200 OK", "")?;
    let asked: Vec<String> = world.told.try_iter().collect();
    ensure!(asked.first().is_some_and(|it| it.starts_with("GET /number?r=customer-7&by=admin ")), "{asked:?}");
    let record = world.server.ended_calls(1)?.remove(0);
    ensure!(record["callee"] == "13800000009" && record["cause"] == "normal", "{record}");
    Ok(())
}
