//! Hosts of trunks by NAPTR and SRV (RFC 3263), with a DNS server of the test's own.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::dns::{self, Dns};
use calls::openssl::{Certificate, Secured};
use calls::party::Party;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;

/// Above the time to live of the answers, with room.
const MOVED: Duration = Duration::from_secs(20);

/// A trunk at the host `carrier.test`, without a port, and a route that leads to it.
fn sections(dns: &Dns, transport: &str, more: &str) -> String {
    format!(
        r#"
[dns]
servers = ["{}"]
{more}

[[provision.trunk]]
name = "carrier"
host = "carrier.test"
transport = "{transport}"
patience_s = 1

[[provision.route]]
name = "out"
direction = "outbound"
prefix = "9"
strip = 1
trunks = ["carrier"]
"#,
        dns.address()
    )
}

/// Phones of a carrier at addresses of their own, the last number of which is given.
fn carriers<const N: usize>(ports: &Ports, hosts: [u8; N]) -> Result<Vec<SocketAddr>> {
    hosts.into_iter().map(|host| Ok(SocketAddr::new(IpAddr::from([127, 0, 0, host]), ports.one()?))).collect()
}

fn srv(service: &str, priority: usize, at: SocketAddr) -> String {
    let host = format!("h{priority}.{service}");
    format!("{service} SRV {priority} 0 {} {host}\n{}\n", at.port(), dns::address(&host, at.ip()))
}

#[test]
fn a_call_takes_the_next_srv_target_after_silence_and_after_503() -> Result<()> {
    let ports = Ports::take()?;
    let at = carriers(&ports, [2, 3, 4])?;
    // The NAPTR record leads elsewhere than the name without one would.
    let mut zone = "carrier.test NAPTR 10 10 s SIP+D2U _sip._udp.pool.test\n".to_owned();
    zone.push_str("carrier.test NAPTR 5 10 s SIPS+D2T _sips._tcp.other.test\ncarrier.test A 127.0.0.9\n");
    zone.extend(at.iter().enumerate().map(|(priority, at)| srv("_sip._udp.pool.test", priority, *at)));
    let dns = Dns::start(&zone)?;
    let server = Switchboard::start_on(ports, Setup { sections: sections(&dns, "udp", ""), ..Setup::default() })?;
    let carrier = |of: usize| Phone::udp_at(at[of], "carrier", server.sip());
    let (mut silent, mut full, mut last) = (carrier(0)?, carrier(1)?, carrier(2)?);
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut calling = alice.phone.dialog_to("913800000000");
    alice.call(&mut calling)?;
    let invite = silent.expect("INVITE")?;
    ensure!(invite.start == "INVITE sip:13800000000@carrier.test SIP/2.0", "{}", invite.start);
    let invite = full.expect("INVITE")?;
    full.reply(&invite, "503 Service Unavailable", "")?;
    full.expect("ACK")?;
    let invite = last.expect("INVITE")?;
    let answer = alice.sdp(1, "sendrecv");
    last.reply(&invite, "200 OK", &answer)?;
    last.expect("ACK")?;
    let ok = alice.phone.expect("200 INVITE")?;
    alice.phone.ack(&mut calling, &ok, "")?;
    // What follows in the dialog goes where it lives.
    alice.phone.hang_up(&mut calling)?;
    let bye = last.expect("BYE")?;
    last.reply(&bye, "200 OK", "")?;
    for asked in ["carrier.test NAPTR", "_sip._udp.pool.test SRV", "h0._sip._udp.pool.test A"] {
        ensure!(dns.asked().lines().any(|line| line == asked), "{asked} is missing: {}", dns.asked());
    }
    let record = &server.ended_calls(1)?[0];
    ensure!(record["cause"] == "normal" && record["trunk"] == "carrier", "{record}");
    Ok(())
}

#[test]
fn a_refused_connection_leads_to_the_next_target_whose_certificate_is_of_the_name_set() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let certificate = Certificate::make(folder.path(), "carrier.test")?;
    let ports = Ports::take()?;
    let (closed, open) = (ports.one()?, ports.one()?);
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let zone = srv("_sips._tcp.carrier.test", 0, at(closed)) + &srv("_sips._tcp.carrier.test", 1, at(open));
    let dns = Dns::start(&zone)?;
    let ca = format!("[tls]\nca = {:?}", certificate.certificate);
    let sections = sections(&dns, "tls", &ca);
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let mut carrier = Phone::tls("carrier", server.tls(), Secured::listen(open, &certificate)?);
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut calling = alice.phone.dialog_to("913800000000");
    alice.call(&mut calling)?;
    let invite = carrier.expect("INVITE")?;
    carrier.reply(&invite, "486 Busy Here", "")?;
    carrier.expect("ACK")?;
    alice.phone.expect("486 INVITE")?;
    Ok(())
}

#[test]
fn a_trunk_moves_with_its_records_and_stays_while_there_are_none() -> Result<()> {
    let ports = Ports::take()?;
    let at = carriers(&ports, [2, 3])?;
    let dns = Dns::start(&srv("_sip._udp.carrier.test", 0, at[0]))?;
    let server = Switchboard::start_on(ports, Setup { sections: sections(&dns, "udp", ""), ..Setup::default() })?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut busy = |at: SocketAddr| -> Result<()> {
        let mut carrier = Phone::udp_at(at, "carrier", server.sip())?;
        let mut calling = alice.phone.dialog_to("913800000000");
        alice.call(&mut calling)?;
        let invite = carrier.expect("INVITE")?;
        carrier.reply(&invite, "486 Busy Here", "")?;
        carrier.expect("ACK")?;
        alice.phone.expect("486 INVITE")?;
        Ok(())
    };
    busy(at[0])?;
    dns.set(&srv("_sip._udp.carrier.test", 0, at[1]))?;
    wait::until("the move to be seen", MOVED, || {
        Ok(server.log().contains("hosts have other addresses now").then_some(()))
    })?;
    busy(at[1])?;
    dns.set("")?;
    let before = dns.asked().len();
    wait::until("another look", MOVED, || Ok(dns.asked()[before..].contains("carrier.test A").then_some(())))?;
    busy(at[1])
}
