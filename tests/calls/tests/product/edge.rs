//! Phones behind an edge proxy: Kamailio stands on the path of their registrations (RFC 3327) and of their calls.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use calls::capture::Capture;
use calls::chirp::Voice;
use calls::kamailio::Kamailio;
use calls::party::{Account, Party, connect, hearing, talk, wait_for_packets};
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
