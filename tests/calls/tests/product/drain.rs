//! SIGTERM: no new calls, and time for those that run.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::chirp::Voice;
use calls::party::{Party, Up, hearing, talk, up, wait_for_packets};
use calls::switchboard::{Setup, Switchboard};
use calls::{wait, wav};

const SOON: Duration = Duration::from_secs(10);

fn start(drain_s: u32) -> Result<Switchboard> {
    Switchboard::start_with(Setup { drain_s, ..Setup::default() })
}

/// A call that is up and heard, and a third phone; then SIGTERM, after which nobody is let in.
fn draining(server: &Switchboard, seconds: f64) -> Result<Up> {
    let mut carol = Party::new(server, "1003", Instant::now())?;
    let mut call = up(server)?;
    talk(&mut call, seconds)?;
    wait_for_packets(&call.alice.media, 25)?;
    let api = server.api()?;
    server.signal("TERM")?;
    let readiness = wait::until("/readyz to say that it drains", SOON, || {
        let answer = api.at_root("/readyz")?;
        Ok((answer.status == 503).then(|| answer.json()))
    })?;
    let checks = readiness["checks"].as_array().context("no checks")?;
    let failing: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    ensure!(failing.len() == 1 && failing[0]["name"] == "admission", "{readiness}");
    ensure!(failing[0]["detail"].as_str().is_some_and(|detail| detail.contains("stop")), "{readiness}");
    let mut calling = carol.phone.dialog_to("1002");
    let via = carol.call(&mut calling)?;
    let refused = carol.phone.expect("503 INVITE")?;
    carol.phone.ack_failure(&calling, &via, &refused)?;
    ensure!(refused.header("Retry-After").parse::<u32>().is_ok(), "{refused:?}");
    Ok(call)
}

/// What the record says once the process runs again.
fn recorded(server: &Switchboard, cause: &str) -> Result<()> {
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == cause && record["answered_at"].is_string(), "{record}");
    let document = server.recorded_call(record["id"].as_str().context("no id")?)?;
    let recording = document["recordings"][0]["id"].as_str().context("no recording")?;
    let audio = server.api()?.fetch(&format!("recordings/{recording}/audio"), None)?;
    let path = server.folder().join("recording.wav");
    std::fs::write(&path, &audio.body)?;
    let sound = wav::read(&path)?;
    for (channel, voice) in [(0, Voice::Low), (1, Voice::High)] {
        ensure!(!voice.listen(sound.rate, &sound.channels[channel]).is_nobody(), "{voice:?} is missing");
    }
    Ok(())
}

#[test]
fn a_call_goes_on_to_its_own_end_and_the_process_with_it() -> Result<()> {
    let mut server = start(60)?;
    let mut call = draining(&server, 4.0)?;
    // The disk is looked at each second: what it says does not open the switch again.
    wait_for_packets(&call.alice.media, 150)?;
    wait_for_packets(&call.bob.media, 150)?;
    ensure!(server.api()?.at_root("/readyz")?.status == 503);
    let heard = hearing(&call.bob.media, Voice::Low, 0);
    ensure!(heard.seconds() > 2.5 && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    call.alice.phone.hang_up(&mut call.calling)?;
    let bye = call.bob.phone.expect("BYE")?;
    call.bob.phone.reply(&bye, "200 OK", "")?;
    server.ends_well()?;
    server.start_again()?;
    recorded(&server, "normal")
}

/// Both phones are hung up, and told why.
fn ended_by_us(call: &mut Up) -> Result<()> {
    for phone in [&mut call.alice.phone, &mut call.bob.phone] {
        let bye = phone.expect("BYE")?;
        ensure!(bye.header("Reason") == "SIP;cause=503;text=\"Service stopped\"", "{}", bye.header("Reason"));
        phone.reply(&bye, "200 OK", "")?;
    }
    Ok(())
}

#[test]
fn what_still_runs_at_the_end_of_the_time_is_ended() -> Result<()> {
    let mut server = start(2)?;
    let clock = Instant::now();
    let mut call = draining(&server, 10.0)?;
    ended_by_us(&mut call)?;
    ensure!(clock.elapsed() >= Duration::from_secs(2), "after {:?}", clock.elapsed());
    server.ends_well()?;
    server.start_again()?;
    recorded(&server, "stopped")
}

#[test]
fn a_second_sigterm_ends_at_once() -> Result<()> {
    let mut server = start(600)?;
    let mut call = draining(&server, 10.0)?;
    server.signal("TERM")?;
    ended_by_us(&mut call)?;
    server.ends_well()?;
    server.start_again()?;
    recorded(&server, "stopped")
}
