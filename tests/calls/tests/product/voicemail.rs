//! A message in the real binary: it is left by a phone, lights the lamp of another, and is heard, marked and deleted by the API.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::api::Api;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party::Party;
use calls::pjsua2::Pjsua2;
use calls::switchboard::Switchboard;
use calls::wav::{self, Sound};
use calls::{rtp, sdp, wait};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
/// What the caller says: a tone of this frequency, 12 dB below full scale.
const TONE_HZ: f64 = 1_000.0;
const TONE_PEAK: f64 = 0.25;
const TONE_S: f64 = 4.0;

/// What the message lamp of 1003 is told.
fn expect_messages(phone: &mut Pjsua2, server: &Switchboard, waiting: &str, counts: &str) -> Result<()> {
    let account = format!("sip:1003@{}", server.sip().ip());
    let text =
        format!("Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {counts} (0/0)\r\n");
    phone.expect(&json!({"event": "messages", "text": text}))
}

fn events(api: &Api, kind: &str) -> Result<Vec<Value>> {
    let page = api.get("events?limit=200")?;
    let all = page["items"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|event| event["type"] == kind).collect())
}

/// The peak of the sine of `hz`, by Goertzel's algorithm.
fn peak(samples: &[f64], rate: u32, hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / f64::from(rate)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        let next = sample + coefficient * one - two;
        (one, two) = (next, one);
    }
    2.0 * (one * one + two * two - coefficient * one * two).max(0.0).sqrt() / samples.len() as f64
}

/// The tone is there as it was said, on both channels, and nothing else is.
fn check_tone(sound: &Sound) -> Result<()> {
    ensure!(sound.channels.len() == 2, "{} channels", sound.channels.len());
    for channel in &sound.channels {
        let second = sound.rate as usize;
        let middle = channel.len() / 2;
        let part = channel.get(middle - second / 2..middle + second / 2).context("it is too short")?;
        let level_db = 20.0 * (peak(part, sound.rate, TONE_HZ) / TONE_PEAK).log10();
        ensure!(level_db.abs() < 0.5, "{level_db} dB beside what was said");
        for other in [500.0, 950.0, 1_050.0, 2_000.0] {
            let other_db = 20.0 * (peak(part, sound.rate, other) / TONE_PEAK).log10();
            ensure!(other_db < -30.0, "{other} Hz: {other_db} dB");
        }
        let block = second / 50;
        let is_loud = |block: &&[f64]| block.iter().any(|sample| sample.abs() > TONE_PEAK / 2.0);
        let loud = channel.chunks(block).filter(is_loud).count() as f64 / 50.0;
        ensure!((TONE_S * 0.9..TONE_S * 1.02).contains(&loud), "{loud} s of it are loud");
    }
    Ok(())
}

/// Alice calls 1003, which is busy, hears the tone, says hers and hangs up.
fn leave(server: &Switchboard, api: &Api, carol: &mut Pjsua2) -> Result<()> {
    let mut alice = Party::new(server, "1001", Instant::now())?;
    let mut dialog = alice.phone.dialog_to("1003");
    alice.call(&mut dialog)?;
    carol.expect(&json!({"event": "ringing", "call": 0}))?;
    carol.command(&json!({"do": "answer", "call": 0, "code": 486}))?;
    let ok = alice.phone.expect_within("200 INVITE", PATIENCE)?;
    alice.phone.ack(&mut dialog, &ok, "")?;
    wait::until("the tone to be over", PATIENCE, || {
        let began = events(api, "recording.started")?;
        Ok(began.iter().any(|event| event["data"]["mailbox"] == "extension:1003").then_some(()))
    })?;
    let greeted = alice.media.loud_since(0.0).len();
    ensure!(greeted > 100, "{greeted} packets of the greeting");
    let said: Vec<f64> =
        (0..(8_000.0 * TONE_S) as u32).map(|n| TONE_PEAK * (f64::from(n) * TONE_HZ * TAU / 8_000.0).sin()).collect();
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &said)?;
    let began = alice.media.now_s();
    wait::until(
        "what is said to be over",
        PATIENCE,
        || Ok((alice.media.now_s() > began + TONE_S + 0.5).then_some(())),
    )?;
    alice.phone.hang_up(&mut dialog)
}

fn only_message(api: &Api) -> Result<Value> {
    wait::until("the message", PATIENCE, || {
        Ok(api.list("voicemails")?.into_iter().find(|message| message["state"] == "ready"))
    })
}

/// A message is in the box of 1003, whose lamp says so.
fn with_message() -> Result<(Switchboard, Api, Pjsua2)> {
    let server = Switchboard::start()?;
    let api = server.api()?;
    api.patch("extensions/1003", &json!({"handling": {"voicemail": true}}))?;
    let mut carol = Pjsua2::start(&server, "1003", None)?;
    carol.command(&json!({"do": "watch_messages"}))?;
    expect_messages(&mut carol, &server, "no", "0/0")?;
    leave(&server, &api, &mut carol)?;
    expect_messages(&mut carol, &server, "yes", "1/0")?;
    Ok((server, api, carol))
}

#[test]
fn a_message_that_a_phone_leaves_lights_a_lamp_and_is_heard_as_it_was_said() -> Result<()> {
    let (server, api, mut carol) = with_message()?;

    let message = only_message(&api)?;
    ensure!(message["mailbox"] == "extension:1003" && message["caller"] == "1001", "{message:#}");
    ensure!(message["listened"] == false && message["callee"] == "1003", "{message:#}");
    let length_ms = message["length_ms"].as_u64().unwrap_or_default();
    ensure!((4_000..6_500).contains(&length_ms), "{length_ms} ms");
    let id = message["id"].as_str().context("a message without an id")?.to_owned();
    let audio = api.fetch(&format!("voicemails/{id}/audio"), None)?;
    ensure!(audio.status == 200 && audio.content_type == "audio/wav", "{} {}", audio.status, audio.content_type);
    let part = api.fetch(&format!("voicemails/{id}/audio"), Some("bytes=100-199"))?;
    ensure!(part.status == 206 && part.body == audio.body[100..200], "{}", part.status);
    let file = server.folder().join("message.wav");
    std::fs::write(&file, &audio.body)?;
    check_tone(&wav::read(&file)?)?;

    expect_messages(&mut carol, &server, "no", "0/1")?;
    let message = only_message(&api)?;
    ensure!(message["listened"] == true && message["first_listened"]["by"] == "admin", "{message:#}");
    let gone = api.delete(&format!("voicemails/{id}"))?;
    ensure!(gone.status == 204, "{}", gone.status);
    expect_messages(&mut carol, &server, "no", "0/0")?;
    ensure!(api.list("voicemails")?.is_empty(), "it is still listed");
    Ok(())
}

/// Proves VM-01 (by phone).
#[test]
fn a_message_is_heard_and_deleted_by_phone() -> Result<()> {
    let (server, api, mut carol) = with_message()?;
    only_message(&api)?;

    let mut desk = Party::new(&server, "1003", Instant::now())?;
    let mut call = desk.phone.dialog_to("*98");
    desk.call(&mut call)?;
    let ok = desk.phone.expect_within("200 INVITE", PATIENCE)?;
    desk.phone.ack(&mut call, &ok, "")?;
    wait::until("the message to be played", PATIENCE, || Ok((only_message(&api)?["listened"] == true).then_some(())))?;
    expect_messages(&mut carol, &server, "no", "0/1")?;
    let message = only_message(&api)?;
    ensure!(message["first_listened"]["by"] == "extension:1003", "{message:#}");
    let began = desk.media.now_s();
    wait::until("a part of it", PATIENCE, || Ok((desk.media.now_s() > began + TONE_S / 2.0 + 0.5).then_some(())))?;
    Keypad::toward(&desk.media, &ok.body)?.press("3")?;
    expect_messages(&mut carol, &server, "no", "0/0")?;
    ensure!(api.list("voicemails")?.is_empty(), "it is still listed");
    let bye = desk.phone.expect_within("BYE", PATIENCE)?;
    desk.phone.reply(&bye, "200 OK", "")?;

    // The tone of the caller, and nothing else, for two seconds of what 1003 heard.
    let sound = rtp::played(&desk.media.close());
    let channel = sound.channels.first().context("nothing was heard")?;
    let block = sound.rate as usize / 5;
    let is_tone = |part: &&[f64]| {
        let level_db = 20.0 * (peak(part, sound.rate, TONE_HZ) / TONE_PEAK).log10();
        let other_db = |hz: f64| 20.0 * (peak(part, sound.rate, hz) / TONE_PEAK).log10();
        level_db.abs() < 1.0 && [500.0, 2_000.0].into_iter().all(|hz| other_db(hz) < -30.0)
    };
    let heard = channel.chunks_exact(block).filter(is_tone).count();
    ensure!(heard >= 9, "the tone was heard for {heard} fifths of a second");
    Ok(())
}

/// The lamp is lit again by the next process, and a message that was being left when the first was killed is kept.
#[test]
fn messages_outlive_the_process() -> Result<()> {
    let mut server = Switchboard::start()?;
    let api = server.api()?;
    api.patch("extensions/1003", &json!({"handling": {"voicemail": true}}))?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut dialog = alice.phone.dialog_to("1003");
    // Nobody is registered there.
    alice.call(&mut dialog)?;
    let ok = alice.phone.expect_within("200 INVITE", PATIENCE)?;
    alice.phone.ack(&mut dialog, &ok, "")?;
    wait::until(
        "the tone to be over",
        PATIENCE,
        || Ok((!events(&api, "recording.started")?.is_empty()).then_some(())),
    )?;
    let tone: Vec<f64> = (0..32_000).map(|n| TONE_PEAK * (f64::from(n) * TONE_HZ * TAU / 8_000.0).sin()).collect();
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &tone)?;
    let began = alice.media.now_s();
    wait::until("what is said to be over", PATIENCE, || Ok((alice.media.now_s() > began + 4.2).then_some(())))?;
    server.kill()?;
    server.start_again()?;
    let api = server.api()?;
    let message = only_message(&api)?;
    ensure!(message["mailbox"] == "extension:1003" && message["caller"] == "1001", "{message:#}");
    ensure!(message["length_ms"].as_u64().is_some_and(|ms| ms > 2_000), "{message:#}");
    let mut carol = Pjsua2::start(&server, "1003", None)?;
    carol.command(&json!({"do": "watch_messages"}))?;
    expect_messages(&mut carol, &server, "yes", "1/0")
}
