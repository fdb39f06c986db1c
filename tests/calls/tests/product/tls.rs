//! SIP over TLS, with OpenSSL and baresip at the other end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::baresip::{self, Baresip};
use calls::chirp::Voice;
use calls::digest::Hash;
use calls::openssl::{Certificate, Secured, shown_name};
use calls::party::Party;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::wait;

const SOON: Duration = Duration::from_secs(10);

fn secured(server: &Switchboard, user: &str) -> Result<Phone> {
    let line = Secured::connect(server.tls(), Some("localhost"), Some(&server.certificate()))?;
    Ok(Phone::tls(user, server.tls(), line))
}

#[test]
fn a_phone_registers_over_tls_and_is_called_on_the_same_connection() -> Result<()> {
    let server = Switchboard::start()?;
    let mut bob = secured(&server, "1002")?;
    bob.register(PASSWORD, Hash::Sha256)?;
    let registered = server.api()?.list("registrations")?;
    ensure!(registered[0]["source"].as_str().unwrap_or_default().starts_with("TLS "), "{registered:?}");
    ensure!(registered[0]["round_trip_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{registered:?}");
    // RFC 5626 §4.4.1: a ping between messages does no harm.
    bob.send_raw(b"\r\n\r\n")?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut calling = alice.phone.dialog_to("1002");
    alice.call(&mut calling)?;
    let invite = bob.expect("INVITE")?;
    ensure!(invite.header("Via").starts_with("SIP/2.0/TLS "), "{}", invite.header("Via"));
    ensure!(invite.header("Contact").contains(";transport=tls"), "{}", invite.header("Contact"));
    bob.reply(&invite, "486 Busy Here", "")?;
    bob.expect("ACK")?;
    alice.phone.expect("486 INVITE")?;
    Ok(())
}

#[test]
fn baresip_registers_over_tls_and_calls() -> Result<()> {
    let server = Switchboard::start()?;
    let at = |user: &str, voice| baresip::Setup::registered(user, PASSWORD, server.sip(), voice);
    let alice =
        baresip::Setup { server: Some(server.tls()), tls: Some(server.certificate()), ..at("1001", Voice::Low) };
    let mut alice = Baresip::start(server.ports(), server.folder(), &alice)?;
    let bob = baresip::Setup { answers: true, ..at("1002", Voice::High) };
    let bob = Baresip::start(server.ports(), server.folder(), &bob)?;
    alice.dial("1002")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    bob.wait_until_heard(1.0)?;
    alice.wait_until_heard(1.0)?;
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;
    let record = &server.ended_calls(1)?[0];
    ensure!(record["cause"] == "normal" && record["caller"] == "1001", "{record}");
    Ok(())
}

#[test]
fn what_is_no_handshake_is_closed_and_counted() -> Result<()> {
    let server = Switchboard::start()?;
    let mut stranger = TcpStream::connect(server.tls())?;
    stranger.write_all(b"OPTIONS sip:x SIP/2.0\r\n\r\n")?;
    stranger.set_read_timeout(Some(SOON))?;
    let mut rest = Vec::new();
    // An alert, or nothing; then the end.
    drop(stranger.read_to_end(&mut rest));
    ensure!(!rest.starts_with(b"SIP/2.0"));
    wait::until("the failed handshake in the metrics", SOON, || {
        let metrics = server.api()?.text("/metrics")?;
        Ok(metrics.contains(r#"switchboard_sip_tls_handshakes_total{result="failed"} 1"#).then_some(()))
    })
}

#[test]
fn names_have_certificates_of_their_own_and_new_files_are_used() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [default, branch] =
        [Certificate::make(folder.path(), "pbx.test")?, Certificate::make(folder.path(), "branch.test")?];
    let sections = format!(
        "[tls]\ncertificate = {:?}\nprivate_key = {:?}\n[[tls.host]]\nname = \"branch.test\"\ncertificate = {:?}\nprivate_key = {:?}\n",
        default.certificate, default.key, branch.certificate, branch.key
    );
    let server = Switchboard::start_with(Setup { sections, ..Setup::default() })?;
    for (asked, shown) in [("branch.test", "branch.test"), ("pbx.test", "pbx.test"), ("other.test", "pbx.test")] {
        let name = shown_name(server.tls(), asked)?;
        ensure!(name == shown, "{asked} got {name}");
    }
    let mut bob = Phone::tls("1002", server.tls(), Secured::connect(server.tls(), None, None)?);
    bob.register(PASSWORD, Hash::Sha256)?;
    let new = Certificate::make(folder.path(), "new.test")?;
    std::fs::copy(&new.certificate, &default.certificate)?;
    std::fs::copy(&new.key, &default.key)?;
    wait::until("the new certificate", SOON, || {
        Ok((shown_name(server.tls(), "pbx.test")? == "new.test").then_some(()))
    })?;
    // Whoever was there still is.
    bob.register(PASSWORD, Hash::Sha256)?;
    Ok(())
}

/// A carrier by TLS; who vouches for it stands in `ca`.
fn carrier_by_tls(ca: &Path, port: u16, trust: &str) -> String {
    format!(
        r#"
[tls]
ca = {ca:?}
{trust}

[[provision.trunk]]
name = "carrier"
host = "127.0.0.1"
port = {port}
transport = "tls"

[[provision.route]]
name = "out"
direction = "outbound"
prefix = "9"
strip = 1
trunks = ["carrier"]
"#
    )
}

/// A server with a carrier by TLS, which shows a certificate for `shown`; an extension calls out, and what it is answered
/// with comes back.
fn call_out(shown: &str, trust: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let certificate = Certificate::make(folder.path(), shown)?;
    let ports = Ports::take()?;
    let port = ports.one()?;
    let sections = carrier_by_tls(&certificate.certificate, port, trust);
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    call_carrier(&server, &mut alice, port, &certificate)
}

/// A call out by a carrier that shows this certificate, and is busy: what the caller is told.
fn call_carrier(server: &Switchboard, alice: &mut Party, port: u16, shown: &Certificate) -> Result<String> {
    let mut carrier = Phone::tls("carrier", server.tls(), Secured::listen(port, shown)?);
    let mut calling = alice.phone.dialog_to("913800000000");
    alice.call(&mut calling)?;
    if let Ok(invite) = carrier.expect_within("INVITE", Duration::from_secs(3)) {
        ensure!(invite.start.starts_with("INVITE sip:13800000000@127.0.0.1"), "{}", invite.start);
        carrier.reply(&invite, "486 Busy Here", "")?;
        carrier.expect("ACK")?;
    }
    let answer = alice.phone.expect_one_of(&["486 INVITE", "500 INVITE"])?;
    Ok(answer.name())
}

#[test]
fn authorities_that_are_added_are_believed_without_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let certificate = Certificate::make(folder.path(), "127.0.0.1")?;
    let ca = folder.path().join("authorities.pem");
    std::fs::write(&ca, "")?;
    let ports = Ports::take()?;
    let port = ports.one()?;
    let sections = carrier_by_tls(&ca, port, "");
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    ensure!(call_carrier(&server, &mut alice, port, &certificate)? == "500 INVITE");
    std::fs::copy(&certificate.certificate, &ca)?;
    wait::until("the authorities to be read again", SOON, || {
        Ok(server.log().contains("changed certificates are in use").then_some(()))
    })?;
    ensure!(call_carrier(&server, &mut alice, port, &certificate)? == "486 INVITE");
    Ok(())
}

#[test]
fn a_trunk_by_tls_must_show_its_name() -> Result<()> {
    let answer = call_out("127.0.0.1", "")?;
    ensure!(answer == "486 INVITE", "{answer}");
    let answer = call_out("somebody-else.test", "")?;
    ensure!(answer == "500 INVITE", "{answer}");
    let answer = call_out("somebody-else.test", "unverified_hosts = [\"127.0.0.1\"]")?;
    ensure!(answer == "486 INVITE", "{answer}");
    Ok(())
}
