//! IPv6 beside IPv4: one switch on both, calls between them.

use std::io::Write as _;
use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::dns::{self, Dns};
use calls::openssl::Secured;
use calls::party::{Account, Party, connect, hearing, talk, wait_for_packets};
use calls::phone::Phone;
use calls::ports::Ports;
use calls::rtp;
use calls::sdp;
use calls::switchboard::{Families, PASSWORD, Setup, Switchboard};

/// Whether the machine has ::1; says so where not, and the test is left out.
fn is_there() -> bool {
    let there = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !there {
        // A test's own output: nobody reads it where this fails.
        drop(writeln!(std::io::stderr(), "left out: this machine has no IPv6 loopback (::1)"));
    }
    there
}

fn party(server: &Switchboard, user: &str, at: SocketAddr) -> Result<Party> {
    Party::register(server.ports(), at, Account { user, password: PASSWORD }, Instant::now())
}

/// Whoever calls from `caller` to `called` is heard and hears, and is shown addresses of the own family alone.
fn call_between(alice: Party, bob: Party) -> Result<()> {
    let shown = |at: SocketAddr| if at.is_ipv4() { "IP4 127.0.0.1" } else { "IP6 ::1" };
    let (caller, called) = (alice.phone.server(), bob.phone.server());
    let mut call = connect(alice, bob)?;
    for (body, at) in [(&call.ok.body, caller), (&call.invite.body, called)] {
        ensure!(sdp::connection(body) == Some(shown(at)), "{body}");
        let origin = body.lines().find(|line| line.starts_with("o=")).unwrap_or_default();
        ensure!(origin.trim_end().ends_with(&format!("IN {}", shown(at))), "{origin}");
    }
    for (message, header, at) in
        [(&call.invite, "Via", called), (&call.invite, "Contact", called), (&call.ok, "Contact", caller)]
    {
        ensure!(message.header(header).contains(&at.to_string()), "{header}: {}", message.header(header));
    }
    talk(&mut call, 2.0)?;
    wait_for_packets(&call.alice.media, 90)?;
    wait_for_packets(&call.bob.media, 90)?;
    for (media, voice) in [(&call.alice.media, Voice::High), (&call.bob.media, Voice::Low)] {
        let continuity = rtp::continuity(&media.heard());
        ensure!(continuity.sources == 1 && continuity.sequence_breaks == 0, "{continuity:?}");
        let heard = hearing(media, voice, 0);
        ensure!(heard.seconds() > 1.4 && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    }
    // A request within the dialog finds its way, in both directions.
    call.bob.phone.hang_up(&mut call.called)?;
    let bye = call.alice.phone.expect("BYE")?;
    call.alice.phone.reply(&bye, "200 OK", "")?;
    Ok(())
}

#[test]
fn a_phone_on_ipv6_and_one_on_ipv4_talk_whoever_calls() -> Result<()> {
    if !is_there() {
        return Ok(());
    }
    let server = Switchboard::start_with(Setup { families: Families::Both, ..Setup::default() })?;
    for (caller, called) in
        [(server.sip6(), server.sip()), (server.sip(), server.sip6()), (server.sip6(), server.sip6())]
    {
        call_between(party(&server, "1001", caller)?, party(&server, "1002", called)?)?;
    }
    check_records(&server, 3)
}

/// So many calls ended as they should, each with its recording.
fn check_records(server: &Switchboard, calls: usize) -> Result<()> {
    let records = server.ended_calls(calls)?;
    ensure!(records.iter().all(|record| record["cause"] == "normal"), "{records:?}");
    for record in &records {
        server.recorded_call(record["id"].as_str().unwrap_or_default())?;
    }
    Ok(())
}

/// A phone on a connection, whose bindings go with it.
fn connected(server: &Switchboard, phone: Phone) -> Result<Party> {
    Party::on(phone, server.ports(), PASSWORD, Instant::now())
}

fn secured(server: &Switchboard, user: &str, at: SocketAddr) -> Result<Party> {
    let line = Secured::connect(at, Some("localhost"), Some(&server.certificate()))?;
    connected(server, Phone::tls(user, at, line))
}

#[test]
fn connections_on_ipv6_carry_calls_in_the_clear_and_secured() -> Result<()> {
    if !is_there() {
        return Ok(());
    }
    let server = Switchboard::start_with(Setup { families: Families::Both, ..Setup::default() })?;
    let tcp = |user| connected(&server, Phone::tcp(user, server.sip6())?);
    call_between(tcp("1001")?, tcp("1002")?)?;
    call_between(secured(&server, "1001", server.tls6())?, secured(&server, "1002", server.tls6())?)?;
    call_between(secured(&server, "1001", server.tls())?, tcp("1002")?)?;
    call_between(tcp("1001")?, secured(&server, "1002", server.tls6())?)?;
    check_records(&server, 4)
}

#[test]
fn a_trunk_whose_host_has_an_ipv6_address_alone_is_called() -> Result<()> {
    if !is_there() {
        return Ok(());
    }
    let ports = Ports::take()?;
    let at = SocketAddr::from((Ipv6Addr::LOCALHOST, ports.one()?));
    let host = dns::address("six.test", at.ip());
    let dns = Dns::start(&format!("_sip._udp.carrier.test SRV 0 0 {} six.test\n{host}\n", at.port()))?;
    let sections = format!(
        r#"
[dns]
servers = ["{}"]

[[provision.trunk]]
name = "carrier"
host = "carrier.test"

[[provision.route]]
name = "out"
direction = "outbound"
prefix = "9"
strip = 1
trunks = ["carrier"]
"#,
        dns.address()
    );
    let server = Switchboard::start_on(ports, Setup { families: Families::Both, sections, ..Setup::default() })?;
    let mut carrier = Phone::udp_at(at, "carrier", server.sip6())?;
    let mut alice = party(&server, "1001", server.sip())?;
    let mut calling = alice.phone.dialog_to("913800000000");
    alice.call(&mut calling)?;
    let invite = carrier.expect("INVITE")?;
    ensure!(sdp::connection(&invite.body) == Some("IP6 ::1"), "{}", invite.body);
    ensure!(invite.header("Via").contains(&format!("[::1]:{}", server.sip().port())), "{}", invite.header("Via"));
    carrier.reply(&invite, "486 Busy Here", "")?;
    carrier.expect("ACK")?;
    alice.phone.expect("486 INVITE")?;
    Ok(())
}
