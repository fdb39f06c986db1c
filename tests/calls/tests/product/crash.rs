//! `kill -9` at random moments of calls: what the callers lived through is what the records say.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::party::{talk, up, wait_for_packets};
use calls::switchboard::Switchboard;
use calls::{wait, wav};

/// Pseudo-random, so that moments differ from round to round and a failure can be told.
fn moment_ms(round: u64) -> u64 {
    (round.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33) % 1_900
}

#[test]
fn a_killed_server_loses_no_call_and_no_recorded_second() -> Result<()> {
    const ROUNDS: u64 = 6;
    let mut server = Switchboard::start()?;
    let mut lived: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let mut call = up(&server)?;
        lived.push(call.calling.call_id.clone());
        talk(&mut call, 8.0)?;
        // 1.5 s of speech in both directions, and then up to 1.9 s more.
        let packets = 75 + usize::try_from(moment_ms(round) / 20)?;
        wait_for_packets(&call.alice.media, packets)?;
        wait_for_packets(&call.bob.media, packets.saturating_sub(10))?;
        server.kill()?;
        drop(call);
        server.start_again()?;
    }
    let records = server.ended_calls(lived.len())?;
    ensure!(records.len() == lived.len(), "{} records of {} calls", records.len(), lived.len());
    let api = server.api()?;
    for (record, call_id) in records.iter().zip(&lived) {
        ensure!(record["cause"] == "interrupted" && record["answered_at"].is_string(), "{record}");
        let id = record["id"].as_str().context("a record without an id")?;
        let document = server.recorded_call(id)?;
        let legs = document["legs"].as_array().context("a record without legs")?;
        ensure!(legs.iter().any(|leg| leg["sip_call_id"] == call_id.as_str()), "no leg of {call_id}: {document}");
        let recording = &document["recordings"][0];
        let audio = api.fetch(&format!("recordings/{}/audio", recording["id"].as_str().unwrap_or_default()), None)?;
        ensure!(audio.body.starts_with(b"RIFF"), "{recording}: {}", String::from_utf8_lossy(&audio.body));
        let path = server.folder().join("recovered.wav");
        std::fs::write(&path, &audio.body)?;
        let sound = wav::read(&path)?;
        // Flushed each second: of at least 1.5 s of talk, half a second may be lost with the process.
        ensure!(sound.channels.len() == 2 && sound.seconds() >= 0.5, "{} s recovered", sound.seconds());
        let (left, right) = (
            calls::chirp::Voice::Low.listen(sound.rate, &sound.channels[0]),
            calls::chirp::Voice::High.listen(sound.rate, &sound.channels[1]),
        );
        ensure!(!left.is_nobody() && !right.is_nobody(), "a voice is missing in what was recovered");
        let duration = recording["duration_ms"].as_f64().unwrap_or_default() / 1_000.0;
        ensure!((duration - sound.seconds()).abs() < 0.03, "{recording} of {} s", sound.seconds());
    }
    Ok(())
}

#[test]
fn settings_registrations_and_records_outlive_a_stop() -> Result<()> {
    let mut server = Switchboard::start()?;
    let mut call = up(&server)?;
    call.alice.phone.hang_up(&mut call.calling)?;
    server.ended_calls(1)?;
    server.stop()?;
    server.start_again()?;
    ensure!(server.ended_calls(1)?.len() == 1);
    let api = server.api()?;
    let registered = || Ok((api.list("registrations")?.len() == 2).then_some(()));
    wait::until("both registrations", Duration::from_secs(10), registered)
}
