//! Phones behind an edge proxy: Kamailio stands on the path of their registrations (RFC 3327) and of their calls.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use calls::capture::Capture;
use calls::chirp::Voice;
use calls::kamailio::Kamailio;
use calls::party::{Account, Party, connect, hearing, talk, wait_for_packets};
use calls::phone::Phone;
use calls::switchboard::{PASSWORD, Switchboard};

#[test]
fn phones_behind_an_edge_register_and_call_through_it() -> Result<()> {
    let server = Switchboard::start()?;
    let edge = std::net::SocketAddr::from(([127, 0, 0, 1], server.ports().one()?));
    let kamailio = Kamailio::edge(server.folder(), edge, server.sip())?;
    let clock = Instant::now();
    let phone = |user| Party::register(server.ports(), edge, Account { user, password: PASSWORD }, clock);
    let (alice, bob) = (phone("1001")?, phone("1002")?);
    let capture = Capture::start(server.ports(), server.folder())?;
    let mut call = connect(alice, bob).with_context(|| format!("{}\n{}", kamailio.output(), server.log()))?;
    let edge_text = edge.to_string();
    ensure!(call.invite.all("Record-Route").iter().any(|route| route.contains(&edge_text)), "{:?}", call.invite);
    ensure!(call.invite.header("Via").contains(&edge_text), "{:?}", call.invite);
    // The edge has taken itself out of the Route that the path made.
    ensure!(call.invite.all("Route").is_empty(), "{:?}", call.invite);
    talk(&mut call, 3.0)?;
    wait_for_packets(&call.alice.media, 140)?;
    wait_for_packets(&call.bob.media, 140)?;
    for (end, voice) in [(&call.alice.media, Voice::High), (&call.bob.media, Voice::Low)] {
        let heard = hearing(end, voice, 0);
        ensure!(heard.seconds() > 2.3 && heard.is_in_order() && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    }
    call.bob.phone.hang_up(&mut call.called)?;
    let bye = call.alice.phone.expect("BYE")?;
    ensure!(bye.header("Via").contains(&edge_text), "{bye:?}");
    call.alice.phone.reply(&bye, "200 OK", "")?;
    let captured = capture.finish()?;
    let complaints = captured.complaints(&[server.sip().port(), edge.port()], &[server.sip().port()])?;
    ensure!(complaints.is_empty(), "{complaints:#?}");

    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "callee", "{record}");
    let registrations = server.api()?.list("registrations")?;
    let bob = registrations.iter().find(|it| it["extension"] == "1002").context("1002 is not registered")?;
    ensure!(bob["source"].as_str().is_some_and(|source| source.contains(&edge_text)), "{bob}");
    Ok(())
}

/// What names one phone, by whatever flow it comes.
const INSTANCE: &str = "urn:uuid:00000000-0000-1000-8000-000A95A0E128";

/// Alice calls Bob's phone, which is busy: it must be called on this line of its.
fn ring(alice: &mut Party, bob: &mut Phone) -> Result<()> {
    let mut calling = alice.phone.dialog_to("1002");
    let via = alice.call(&mut calling)?;
    let invite = bob.expect("INVITE")?;
    bob.reply(&invite, "486 Busy Here", "")?;
    bob.expect("ACK")?;
    let busy = alice.phone.expect("486 INVITE")?;
    alice.phone.ack_failure(&calling, &via, &busy)
}

/// How the legs of each call to 1002 ended, call by call.
fn legs(server: &Switchboard, calls: usize) -> Result<Vec<Vec<String>>> {
    let mut all = Vec::new();
    for record in server.ended_calls(calls)? {
        let document = server.api()?.get(&format!("call-records/{}", record["id"].as_str().context("no id")?))?;
        let legs = document["legs"].as_array().context("no legs")?.iter();
        let called = legs.filter(|leg| leg["peer_name"] == "1002");
        let mut causes: Vec<String> = called.map(|leg| leg["cause"].as_str().unwrap_or_default().to_owned()).collect();
        causes.sort();
        all.push(causes);
    }
    Ok(all)
}

#[test]
fn a_phone_with_two_flows_by_an_edge_is_called_by_the_one_that_lives() -> Result<()> {
    let mut server = Switchboard::start()?;
    let edge = std::net::SocketAddr::from(([127, 0, 0, 1], server.ports().one()?));
    let kamailio = Kamailio::flows(server.folder(), edge, server.sip())?;
    let flow = |reg_id| -> Result<Phone> {
        let mut phone = Phone::tcp("1002", edge)?;
        let ok = phone.register_flow(PASSWORD, INSTANCE, reg_id).with_context(|| kamailio.output())?;
        ensure!(ok.header("Require").contains("outbound"), "{ok:?}");
        let path = ok.header("Path");
        ensure!(path.contains(";ob") && path.contains('@'), "no flow token: {path}");
        Ok(phone)
    };
    let (mut first, mut second) = (flow(1)?, flow(2)?);
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    ring(&mut alice, &mut second).with_context(|| format!("{}\n{}", kamailio.output(), server.log()))?;
    // Its connection ends; the edge finds out, and we do when we use it.
    drop(second);
    ring(&mut alice, &mut first).with_context(|| format!("{}\n{}", kamailio.output(), server.log()))?;
    let legs = legs(&server, 2)?;
    ensure!(legs == [vec!["busy"], vec!["busy", "failed"]], "{legs:?}");
    // Its path outlives the process: without the flow token in it the edge would know no way.
    server.kill()?;
    server.start_again()?;
    ring(&mut alice, &mut first).with_context(|| format!("{}\n{}", kamailio.output(), server.log()))
}

#[test]
fn a_phone_with_two_flows_is_called_by_the_other_where_one_is_silent() -> Result<()> {
    let server = Switchboard::start()?;
    let flow = |reg_id| -> Result<Phone> {
        let mut phone = Phone::udp(server.ports(), "1002", server.sip())?;
        phone.register_flow(PASSWORD, INSTANCE, reg_id)?;
        Ok(phone)
    };
    let (mut first, second) = (flow(1)?, flow(2)?);
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    ring(&mut alice, &mut first)?;
    drop(second);
    let legs = legs(&server, 1)?;
    ensure!(legs == [vec!["busy", "unreachable"]], "{legs:?}");
    Ok(())
}
