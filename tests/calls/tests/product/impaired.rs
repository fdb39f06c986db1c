//! Calls over a bad network, seeded: what the record says of it against the network's own log, and what is heard all the same.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::impair::{Done, Impairment, Network};
use calls::party::{Party, connect, wait_for_packets};
use calls::sdp;
use calls::switchboard::Switchboard;
use calls::wait;
use serde_json::Value;

const BAD: Impairment = Impairment { seed: 42, lost_per_mille: 50, jitter_ms: 60 };
const TALK_S: f64 = 14.0;

/// Alice behind a bad network.
fn alice(server: &Switchboard, clock: Instant) -> Result<(Party, Network)> {
    let mut alice = Party::new(server, "1001", clock)?;
    let network = Network::start(server.ports(), alice.media.address()?, BAD)?;
    alice.moves_to(network.server_side);
    Ok((alice, network))
}

/// Waits until the network has seen all of a speech toward the server.
fn wait_until_spoken(network: &Network) -> Result<()> {
    wait::until("the end of the speech", Duration::from_secs(30), || {
        let [to_server, _] = network.done();
        Ok(((to_server.passed + to_server.lost) as f64 >= TALK_S * 50.0 - 5.0).then_some(()))
    })
}

/// The quality of the leg of 1001 of the call that ended last.
fn quality_of_alice(server: &Switchboard, calls: usize) -> Result<Vec<Value>> {
    let records = server.ended_calls(calls)?;
    let is_hers = |record: &&Value| record["caller_extension"] == "1001";
    let id = records.iter().find(is_hers).and_then(|record| record["id"].as_str()).context("no call of 1001")?;
    let quality = server.api()?.get(&format!("call-records/{id}/quality"))?;
    let legs = quality["legs"].as_array().context("no legs")?;
    let leg = legs.iter().find(|leg| leg["peer_name"] == "1001").with_context(|| format!("{quality}"))?;
    Ok(leg["stretches"].as_array().context("no stretches")?.clone())
}

fn sum(stretches: &[Value], direction: &str, figure: &str) -> u64 {
    stretches.iter().map(|stretch| stretch[direction][figure].as_u64().unwrap_or(0)).sum()
}

/// What came from Alice, by the record and by the network's log; its score is to be `scored` or better.
fn check_received(stretches: &[Value], log: Done, scored: f64) -> Result<()> {
    ensure!(log.lost > 15 && log.overtaken > 100, "{log:?}");
    let (packets, lost) = (sum(stretches, "received", "packets"), sum(stretches, "received", "lost"));
    // One that is overtaken before anything else has come, and one that is under way at the end, are counted otherwise.
    ensure!(
        packets.abs_diff(log.passed) <= 3 && lost.abs_diff(log.lost) <= 3,
        "{packets} and {lost} lost, but {log:?}"
    );
    let whole = stretches.iter().filter(|stretch| stretch["received"]["packets"].as_u64() > Some(200));
    let (mut looked_at, mut rated) = (0, 0.0);
    for stretch in whole {
        let jitter_ms = stretch["received"]["jitter_ms"].as_f64().context("no jitter")?;
        ensure!((8.0..=32.0).contains(&jitter_ms), "delays of 0 to 60 ms differ by 20 on average: {stretch}");
        let level = stretch["level_dbov"].as_f64().context("no level")?;
        ensure!((-16.0..=-10.0).contains(&level), "a voice of -9 dBFS peak: {stretch}");
        rated += stretch["received"]["mos"].as_f64().context("no score")?;
        looked_at += 1;
    }
    let mean = rated / f64::from(looked_at);
    ensure!(looked_at >= 2 && (scored..4.3).contains(&mean), "{mean} on average in {looked_at} stretches");
    Ok(())
}

/// What the E-model says of so many percent that are missing of G.711 with concealment, without delay (G.107 §7.5, annex B; G.113).
fn mos(missed: f64) -> f64 {
    let r = 93.2 - 95.0 * missed / (missed + 25.1);
    1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6
}

/// The next sender report of the server to Alice.
fn sender_report(network: &Network) -> Result<Vec<u8>> {
    let mut bytes = [0; 1_500];
    network.rtcp.set_nonblocking(true)?;
    while network.rtcp.recv_from(&mut bytes).is_ok() {}
    network.rtcp.set_nonblocking(false)?;
    network.rtcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    loop {
        let (length, _) = network.rtcp.recv_from(&mut bytes).context("the server sends no reports")?;
        // RFC 3550 §6.4.1: a sender report.
        if length >= 28 && bytes[1] == 200 {
            return Ok(bytes[..length].to_vec());
        }
    }
}

/// Answers it at once: so many lost of those up to `highest`, and a jitter of 20 ms.
fn report(network: &Network, server: SocketAddr, sender: &[u8], lost: u64, highest: u32) -> Result<()> {
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
    report.extend(&sender[4..8]);
    report.extend(u32::try_from(lost)?.to_be_bytes());
    report.extend(highest.to_be_bytes());
    report.extend(160_u32.to_be_bytes());
    // The middle of the server's time stamp.
    report.extend(&sender[10..14]);
    report.extend([0; 4]);
    network.rtcp.send_to(&report, SocketAddr::new(server.ip(), server.port() + 1))?;
    Ok(())
}

#[test]
fn the_record_of_a_relayed_call_tells_what_a_bad_network_did_both_ways() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let (alice, network) = alice(&server, clock)?;
    let mut up = connect(alice, Party::new(&server, "1002", clock)?)?;
    let to_server = sdp::audio_address(&up.ok.body)?;
    network.aim(to_server);
    up.alice.media.speak(network.phone_side, Law::Mu, &Voice::Low.speak(8_000, TALK_S))?;
    up.bob.media.speak(sdp::audio_address(&up.invite.body)?, Law::Mu, &Voice::High.speak(8_000, TALK_S + 15.0))?;
    wait_until_spoken(&network)?;
    let sender = sender_report(&network)?;
    // What Alice says of what she got is counted by her, not by the network.
    let mut got: Vec<u16> = up.alice.media.heard().iter().map(|packet| packet.sequence).collect();
    let first = *got.first().context("Alice heard nothing")?;
    got.sort_by_key(|sequence| sequence.wrapping_sub(first).cast_signed());
    let (least, most) = (got[0], got[got.len() - 1]);
    let lost = u64::from(most.wrapping_sub(least)) + 1 - got.len() as u64;
    report(&network, to_server, &sender, lost, u32::from(most))?;
    // Later packets still come through: the report has been read by then.
    wait_for_packets(&up.alice.media, got.len() + 10)?;
    up.alice.phone.hang_up(&mut up.calling)?;

    let [log, toward_alice] = network.done();
    let stretches = quality_of_alice(&server, 1)?;
    // 3.92 at 5 % lost.
    check_received(&stretches, log, 3.5)?;
    ensure!(toward_alice.lost > 15 && lost.abs_diff(toward_alice.lost) <= 5, "{lost} lost, but {toward_alice:?}");
    let reported: Vec<&Value> = stretches.iter().map(|it| &it["sent"]["reported"]).filter(|it| !it.is_null()).collect();
    let [reported] = reported[..] else { anyhow::bail!("one report was sent: {stretches:?}") };
    ensure!(reported["lost"] == lost && reported["jitter_ms"] == 20.0, "{reported}");
    let mos = reported["mos"].as_f64().context("no score")?;
    ensure!((3.5..4.3).contains(&mos), "{reported}");
    let round_trips: Vec<f64> = stretches.iter().filter_map(|it| it["round_trip_ms"].as_f64()).collect();
    ensure!(round_trips.len() == 1 && round_trips[0] < 200.0, "{round_trips:?}");
    ensure!(sum(&stretches, "received", "concealed_ms") == 0, "nobody listened");
    let metrics = server.api()?.text("/metrics")?;
    for name in ["switchboard_media_mos_count{direction=\"received\"}", "switchboard_media_jitter_seconds_count"] {
        ensure!(metrics.lines().any(|line| line.starts_with(name)), "{name} is not in\n{metrics}");
    }
    Ok(())
}

/// Calls the room 8000 and is in it.
fn enter(party: &mut Party) -> Result<(calls::phone::Dialog, SocketAddr)> {
    let mut dialog = party.phone.dialog_to("8000");
    party.call(&mut dialog)?;
    let ok = party.phone.expect("200 INVITE")?;
    party.phone.ack(&mut dialog, &ok, "")?;
    Ok((dialog, sdp::audio_address(&ok.body)?))
}

#[test]
fn a_voice_over_a_bad_network_is_whole_and_in_order_in_a_mix() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    server.hush_room()?;
    let (mut alice, network) = alice(&server, clock)?;
    // Carol says nothing: with her in the room, each hears two, and that is a mix.
    let (mut bob, mut carol) = (Party::new(&server, "1002", clock)?, Party::new(&server, "1003", clock)?);
    let (mut bobs, _) = enter(&mut bob)?;
    let (mut carols, _) = enter(&mut carol)?;
    let (mut alices, to_server) = enter(&mut alice)?;
    network.aim(to_server);
    let before = bob.media.heard().len();
    alice.media.speak(network.phone_side, Law::Mu, &Voice::Low.speak(8_000, TALK_S))?;
    wait_until_spoken(&network)?;
    wait_for_packets(&bob.media, before + (TALK_S * 50.0) as usize)?;
    for (party, dialog) in [(&mut alice, &mut alices), (&mut bob, &mut bobs), (&mut carol, &mut carols)] {
        party.phone.hang_up(dialog)?;
    }

    let stretches = quality_of_alice(&server, 3)?;
    let [log, _] = network.done();
    let (late, concealed_ms) = (sum(&stretches, "received", "late"), sum(&stretches, "received", "concealed_ms"));
    // A late packet is a lost one to the ear; so long as the buffer waits at most, that takes 0.45 away.
    let missed = (log.lost + late) as f64 * 100.0 / (log.passed + log.lost) as f64;
    check_received(&stretches, log, (mos(missed) - 0.45).max(2.8))?;
    // A busy machine is a bad network of its own; how few it is without one, the buffer's own tests say.
    ensure!(late * 10 <= log.passed, "{late} of {} were too late", log.passed);
    ensure!(
        (log.lost * 18..=(log.lost + late) * 24 + 40).contains(&concealed_ms),
        "{concealed_ms} ms for {log:?}, {late}"
    );
    // What Bob's phone got is a clean stream, in which the voice is whole: a lost packet is a fifth of a chirp. In the first second the
    // buffer finds out how long it must wait.
    let heard = calls::party::hearing(&bob.media, Voice::Low, before + 50);
    ensure!(heard.is_in_order(), "{:?}", heard.chirps.iter().map(|chirp| chirp.index).collect::<Vec<_>>());
    let summary = (heard.seconds(), heard.chirps.len(), heard.silence_ms, heard.largest_jump_ms());
    ensure!(heard.seconds() > TALK_S - 2.0 && heard.chirps.len() as f64 > (TALK_S - 2.0) * 10.0 * 0.95, "{summary:?}");
    ensure!(heard.silence_ms <= 60.0 && heard.largest_jump_ms() <= 60.0, "{summary:?}");
    Ok(())
}
