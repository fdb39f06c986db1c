//! Calls to and from the outside.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use calls::digest::{Account, Hash, Sent, parameter};
use calls::kamailio::{self, Kamailio};
use calls::phone::{Phone, unique};
use calls::ports::Ports;
use calls::sdp;
use calls::sipp::Sipp;
use calls::switchboard::{PASSWORD, Setup, Switchboard};

/// A server with a carrier at 127.0.0.2, which needs no password, and one at 127.0.0.3, which does.
struct World {
    server: Switchboard,
    carrier: SocketAddr,
    strict: SocketAddr,
}

fn world() -> Result<World> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let strict = SocketAddr::from(([127, 0, 0, 3], ports.one()?));
    let sections = format!(
        r#"
[[provision.trunk]]
name = "carrier"
host = "127.0.0.2"
port = {}
sources = ["127.0.0.2"]
trusted = true
emergency = true
caller_number = "+861088880000"
record = true

[[provision.trunk]]
name = "strict"
host = "127.0.0.3"
port = {}
username = "switch"
password = "trunk-secret"
sources = ["127.0.0.3"]

[[provision.route]]
name = "hotline"
direction = "inbound"
did = "+861012345678"
to = "1002"

[[provision.route]]
name = "abroad"
direction = "outbound"
prefix = "00"
trunks = ["strict"]

[[provision.route]]
name = "everywhere"
direction = "outbound"
prefix = "9"
strip = 1
trunks = ["carrier"]
"#,
        carrier.port(),
        strict.port()
    );
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    Ok(World { server, carrier, strict })
}

#[test]
fn sipps_own_caller_and_callee_meet_through_a_trunk() -> Result<()> {
    let world = world()?;
    let server = &world.server;
    let called = Sipp::built_in(server.ports(), "uas")?;
    let binding =
        Sipp::scenario(server.ports(), "register")?.to(server.sip()).as_user("1002", PASSWORD).at(called.local());
    binding.play(server.folder())?;
    let running = called.start(server.folder())?;
    let caller = Sipp::built_in(server.ports(), "uac")?.to(server.sip()).at(world.carrier).dialling("+861012345678");
    caller.with(&["-d", "500"]).play(server.folder())?;
    running.finish()?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["direction"] == "inbound" && record["trunk"] == "carrier", "{record}");
    ensure!(record["callee"] == "+861012345678" && record["callee_extension"] == "1002", "{record}");
    Ok(())
}

/// Proves CALL-32.
#[test]
fn a_trusted_trunk_asserts_the_caller_and_anonymous_matches_nothing() -> Result<()> {
    let world = world()?;
    let mut bob = Phone::udp(world.server.ports(), "1002", world.server.sip())?;
    bob.register(PASSWORD, Hash::Sha256)?;
    let mut shown = Vec::new();
    for more in [&["P-Asserted-Identity: <sip:+8613800000000@carrier>"][..], &[][..]] {
        let mut carrier =
            Phone::udp_at((world.carrier.ip(), world.server.ports().one()?).into(), "anonymous", world.server.sip())?;
        let mut call = carrier.dialog_to("+861012345678");
        call.local = format!("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={}", unique());
        let address = SocketAddr::new(world.carrier.ip(), world.server.ports().many(2)?);
        let via = carrier.request(&mut call, "INVITE", more, &sdp::audio(address, "0", &[]))?;
        let invite = bob.expect("INVITE")?;
        shown.push(invite.uri("From"));
        bob.reply(&invite, "486 Busy Here", "")?;
        bob.expect("ACK")?;
        let busy = carrier.expect("486 INVITE")?;
        carrier.ack_failure(&call, &via, &busy)?;
    }
    ensure!(shown[0].contains("13800000000"), "{shown:?}");
    ensure!(shown[1].contains("anonymous"), "{shown:?}");
    let records = world.server.ended_calls(2)?;
    let callers: Vec<&str> = records.iter().filter_map(|record| record["caller"].as_str()).collect();
    ensure!(callers.iter().any(|caller| caller.contains("13800000000")) && callers.contains(&""), "{callers:?}");
    Ok(())
}

#[test]
fn a_number_with_a_prefix_goes_out_by_its_trunk_cut_as_the_rule_says() -> Result<()> {
    let world = world()?;
    let server = &world.server;
    let mut carrier = Phone::udp_at(world.carrier, "carrier", server.sip())?;
    let mut alice = Phone::udp(server.ports(), "1001", server.sip())?;
    let mut call = alice.dialog_to("913800000000");
    let address = SocketAddr::from(([127, 0, 0, 1], server.ports().many(2)?));
    alice.invite(&mut call, Some(PASSWORD), &sdp::audio(address, "0", &[]))?;
    let invite = carrier.expect("INVITE")?;
    ensure!(invite.start.starts_with("INVITE sip:13800000000@127.0.0.2"), "{}", invite.start);
    ensure!(invite.header("From").contains("861088880000"), "CALL-08: {}", invite.header("From"));
    let media = SocketAddr::new(world.carrier.ip(), server.ports().many(2)?);
    carrier.reply(&invite, "200 OK", &sdp::audio(media, "0", &[]))?;
    carrier.expect("ACK")?;
    let ok = alice.expect("200 INVITE")?;
    alice.ack(&mut call, &ok, "")?;
    alice.hang_up(&mut call)?;
    let bye = carrier.expect("BYE")?;
    carrier.reply(&bye, "200 OK", "")?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["direction"] == "outbound" && record["trunk"] == "carrier", "{record}");
    Ok(())
}

#[test]
fn a_trunk_that_challenges_is_answered_with_the_strongest_hash_it_knows() -> Result<()> {
    let world = world()?;
    for (offered, hash) in [(&["SHA-256", "MD5"][..], "SHA-256"), (&["MD5"][..], "MD5")] {
        let server = &world.server;
        let mut carrier = Phone::udp_at(world.strict, "strict", server.sip())?;
        let mut alice = Phone::udp(server.ports(), "1001", server.sip())?;
        let mut call = alice.dialog_to("0044207");
        let address = SocketAddr::from(([127, 0, 0, 1], server.ports().many(2)?));
        let via = alice.invite(&mut call, Some(PASSWORD), &sdp::audio(address, "0", &[]))?;
        let invite = carrier.expect("INVITE")?;
        let challenges: Vec<String> = offered
            .iter()
            .map(|name| {
                format!(
                    "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"{}\", algorithm={name}, qop=\"auth\"",
                    unique()
                )
            })
            .collect();
        let lines: Vec<&str> = challenges.iter().map(String::as_str).collect();
        carrier.reply_with(&invite, "407 Proxy Authentication Required", &lines, "")?;
        carrier.expect("ACK")?;
        let signed = carrier.expect("INVITE")?;
        let credentials = signed.header("Proxy-Authorization");
        ensure!(credentials.contains("username=\"switch\"") && credentials.contains(hash), "{credentials}");
        check_response(credentials, &challenges, hash)?;
        carrier.reply(&signed, "404 Not Found", "")?;
        carrier.expect("ACK")?;
        let refused = alice.expect("404 INVITE")?;
        alice.ack_failure(&call, &via, &refused)?;
    }
    Ok(())
}

/// The response must be what the trunk computes from its own nonce, and the count and client nonce that were sent.
fn check_response(credentials: &str, challenges: &[String], hash: &str) -> Result<()> {
    let part = |name: &str| parameter(credentials, name).unwrap_or_default();
    let (uri, nonce, count, client) = (part("uri"), part("nonce"), part("nc"), part("cnonce"));
    ensure!(challenges.iter().any(|challenge| challenge.contains(&nonce)), "another nonce: {credentials}");
    let kind = if hash == "MD5" { Hash::Md5 } else { Hash::Sha256 };
    let account = Account { user: "switch", realm: "carrier", password: "trunk-secret" };
    let sent = Sent { uri: &uri, nonce: &nonce, count: &count, client: &client };
    ensure!(part("response") == kind.response(&account, "INVITE", &sent), "{credentials}");
    Ok(())
}

#[test]
fn a_call_goes_out_through_kamailio_which_challenges_and_records_its_route() -> Result<()> {
    for algorithm in ["MD5", "SHA-256"] {
        let world = world()?;
        let server = &world.server;
        let called = Sipp::scenario(server.ports(), "answer")?.as_user("0044207", "x");
        let (password, onward) = ("trunk-secret", called.local());
        let setup = kamailio::Setup { listen: world.strict, algorithm, realm: "carrier", password, onward };
        let _carrier = Kamailio::start(server.folder(), setup)?;
        let running = called.start(server.folder())?;
        let caller = Sipp::scenario(server.ports(), "call")?.to(server.sip()).as_user("1001", PASSWORD);
        caller.dialling("0044207").play(server.folder())?;
        running.finish()?;
        let record = server.ended_calls(1)?.remove(0);
        ensure!(record["trunk"] == "strict" && record["cause"] == "normal", "{record}");
    }
    Ok(())
}

/// Proves GEN-18.
#[test]
fn an_emergency_number_goes_out_whatever_rules_there_are() -> Result<()> {
    let world = world()?;
    let server = &world.server;
    let mut carrier = Phone::udp_at(world.carrier, "carrier", server.sip())?;
    let mut alice = Phone::udp(server.ports(), "1001", server.sip())?;
    let mut call = alice.dialog_to("110");
    let address = SocketAddr::from(([127, 0, 0, 1], server.ports().many(2)?));
    alice.invite(&mut call, Some(PASSWORD), &sdp::audio(address, "0", &[]))?;
    let invite = carrier.expect("INVITE")?;
    ensure!(invite.start.starts_with("INVITE sip:110@"), "{}", invite.start);
    carrier.reply(&invite, "486 Busy Here", "")?;
    carrier.expect("ACK")?;
    alice.expect("486 INVITE")?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["emergency"] == true, "{record}");
    Ok(())
}

#[test]
fn a_stranger_cannot_call_in() -> Result<()> {
    let world = world()?;
    let from = SocketAddr::from(([127, 0, 0, 99], world.server.ports().one()?));
    let mut stranger = Phone::udp_at(from, "x", world.server.sip())?;
    let mut call = stranger.dialog_to("+861012345678");
    stranger.request(&mut call, "INVITE", &[], "")?;
    stranger.expect("401 INVITE")?;
    Ok(())
}
