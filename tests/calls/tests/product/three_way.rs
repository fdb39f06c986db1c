//! A browser, a desk phone and an outside line, each with a codec of its own, in one call of three.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{self, Baresip, Codec};
use calls::browser::Browser;
use calls::chirp::{Hearing, Voice};
use calls::g711::Law;
use calls::party;
use calls::ports::Ports;
use calls::rtp::{self, RtpEnd};
use calls::sdp;
use calls::sipp::{Running, Sipp};
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::{wait, wav};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
/// For how long all three talk.
const TALK_S: f64 = 10.0;
/// Longer than the test.
const SPEECH_S: f64 = 51.0;
/// Chirps that a party may miss of each other one: those that the beginning and the end cut, and one slip of Chromium's clock.
const CUT_CHIRPS: usize = 8;
/// By how much two chirps in a row may be nearer or further than as spoken.
const JUMP_MAX_MS: f64 = 45.0;

const BROWSER: Voice = Voice::High;
const DESK: Voice = Voice::Low;
const LINE: Voice = Voice::Third;

fn server() -> Result<(Switchboard, SocketAddr)> {
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let rtp = format!("browsers = \"127.0.0.1:{}\"\n", ports.one()?);
    let sections = format!(
        r#"
[[provision.trunk]]
name = "carrier"
host = "127.0.0.2"
port = {}
sources = ["127.0.0.2"]

[[provision.route]]
name = "conference"
direction = "inbound"
did = "+861012345678"
to = "room:8000"
"#,
        carrier.port()
    );
    Ok((Switchboard::start_on(ports, Setup { rtp, sections, ..Setup::default() })?, carrier))
}

/// An outside line: SIPp signals, and what it says and hears is this end's.
pub(crate) struct Line {
    pub(crate) sipp: Running,
    pub(crate) media: RtpEnd,
}

impl Line {
    pub(crate) fn call(server: &Switchboard, from: SocketAddr, number: &str) -> Result<Self> {
        let at = SocketAddr::new(from.ip(), server.ports().many(2)?);
        let mut media = RtpEnd::open_at(at, Instant::now())?;
        let caller = Sipp::scenario(server.ports(), "call_from_outside")?.to(server.sip()).at(from);
        let caller = caller.dialling(number).key("user", "+8613800000000").with(&["-timeout", "90s"]);
        let caller = caller.key("audio_ip", &at.ip().to_string()).key("audio_port", &at.port().to_string());
        let sipp = caller.start(server.folder())?;
        let answer = wait::until("the answer to the outside line", PATIENCE, || Ok(answer(&sipp.messages(), at.ip())))?;
        media.speak(answer, Law::A, &LINE.speak(8_000, SPEECH_S))?;
        Ok(Self { sipp, media })
    }
}

/// Where the server wants a caller's audio, who has said its own address before.
fn answer(messages: &str, own: IpAddr) -> Option<SocketAddr> {
    let body = messages.split("SIP/2.0 200 OK").nth(1)?;
    sdp::audio_address(body).ok().filter(|address| address.ip() != own)
}

fn members(server: &Switchboard, wanted: usize) -> Result<Vec<Value>> {
    let api = server.api()?;
    wait::until(&format!("{wanted} members"), PATIENCE, || {
        let room = api.fetch("conferences/8000", None)?.json();
        let members = room["members"].as_array().cloned().unwrap_or_default();
        Ok((members.len() == wanted).then_some(members))
    })
}

fn order(server: &Switchboard, path: &str) -> Result<()> {
    let answer = server.api()?.post(&format!("conferences/8000/{path}"), &json!({}))?;
    ensure!(answer.status == 204, "{path}: {} {}", answer.status, answer.json());
    Ok(())
}

/// Nearly all that was said was heard, whole and in its order.
fn check_heard(who: &str, voice: Voice, hearing: &Hearing) -> Result<()> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a hundred")]
    let said = (TALK_S * 10.0) as usize;
    let (chirps, jump) = (hearing.chirps.len(), hearing.largest_jump_ms());
    ensure!(chirps + CUT_CHIRPS >= said, "{who} heard {chirps} chirps of {voice:?}: {hearing:?}");
    ensure!(hearing.is_in_order(), "{who} heard {voice:?} out of order: {hearing:?}");
    ensure!(jump <= JUMP_MAX_MS && hearing.silence_ms <= JUMP_MAX_MS, "{who}, {voice:?}: {jump} ms, {hearing:?}");
    Ok(())
}

/// A sound holds these voices and not the others.
fn check_voices(who: &str, rate: u32, sound: &[f64], wanted: &[Voice]) -> Result<()> {
    for voice in [BROWSER, DESK, LINE] {
        let hearing = voice.listen(rate, sound);
        if wanted.contains(&voice) {
            check_heard(who, voice, &hearing)?;
        } else {
            ensure!(hearing.is_nobody(), "{who} heard {voice:?}: {hearing:?}");
        }
    }
    Ok(())
}

/// Proves PHONE-18: a web page on WSS with Opus (Chromium sends media by DTLS-SRTP alone), and G.711 toward the trunk.
#[test]
fn a_browser_a_desk_phone_and_an_outside_line_hear_exactly_the_two_others_and_are_recorded_by_role() -> Result<()> {
    let (server, carrier) = server()?;
    server.hush_room()?;
    let mut browser = Browser::speaking(&format!("https://{}", server.https()), BROWSER)?;
    let credential = server.api()?.post("session/sip-credential", &json!({"extension": "1001"}))?.json();
    browser.register(&format!("wss://{}/sip", server.https()), &credential)?;
    let desk = baresip::Setup {
        codecs: vec![Codec::G722],
        ..baresip::Setup::registered("1002", PASSWORD, server.sip(), DESK)
    };
    let mut desk = Baresip::start(server.ports(), server.folder(), &desk)?;
    desk.dial("8000")?;
    desk.wait_for("CALL_ESTABLISHED", 1)?;
    browser.tell("call", json!({"to": "sip:8000@127.0.0.1"}))?;
    browser.expect("confirmed")?;
    let line = Line::call(&server, carrier, "+861012345678")?;
    members(&server, 3)?;
    // All of them talk: each starts to listen when the other two are there.
    party::wait_for_packets(&line.media, 50)?;
    browser.record()?;
    order(&server, "record")?;
    let (desk_from, line_from) = (desk.heard_s()?, line.media.heard().len());
    desk.wait_until_heard(desk_from + TALK_S)?;
    let line_heard = line.media.heard().split_off(line_from);
    let in_browser = browser.recorded()?;
    let codec = browser.tell("hear", json!({"pitches": []}))?["codec"].clone();
    let desk_until = desk.heard_s()?;
    let there = members(&server, 3)?;
    order(&server, "record/stop")?;
    for member in &there {
        let call = member["call"].as_str().context("a member without a call")?;
        order(&server, &format!("members/{call}/kick"))?;
    }
    desk.wait_for("CALL_CLOSED", 1)?;
    browser.expect("ended")?;
    line.sipp.finish()?;

    ensure!(codec == "audio/opus", "the browser's codec is {codec}");
    ensure!(line_heard.iter().all(|packet| packet.payload_type == Law::A.payload_type()), "the line got another codec");
    check_voices("the browser", in_browser.rate, &in_browser.channels[0], &[DESK, LINE])?;
    check_voices("the line", 8_000, &rtp::played(&line_heard).channels[0], &[BROWSER, DESK])?;
    let sounds = desk.heard()?;
    let sound = sounds.first().context("the desk phone decoded nothing")?;
    ensure!(sound.rate == 16_000, "G.722 at {}", sound.rate);
    check_voices("the desk phone", sound.rate, stretch(sound, desk_from, desk_until), &[BROWSER, LINE])?;
    check_recording(&server)
}

/// What was heard between two moments, in seconds.
fn stretch(sound: &wav::Sound, from_s: f64, until_s: f64) -> &[f64] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are positive and short")]
    let at = |seconds: f64| ((seconds * f64::from(sound.rate)) as usize).min(sound.channels[0].len());
    &sound.channels[0][at(from_s)..at(until_s)]
}

/// The outside line is on the left, those of the house on the right.
fn check_recording(server: &Switchboard) -> Result<()> {
    let api = server.api()?;
    // It belongs to the call of who came first.
    let records = server.ended_calls(3)?;
    let desk = records.iter().find(|record| record["caller"] == "1002").context("no record of the desk phone")?;
    let id = desk["id"].as_str().context("no id")?;
    let recording = server.recorded_call(id)?["recordings"][0]["id"].clone();
    let path = server.folder().join("three-way.wav");
    let audio = format!("recordings/{}/audio", recording.as_str().context("a recording without an id")?);
    std::fs::write(&path, api.fetch(&audio, None)?.body)?;
    let sound = wav::read(&path)?;
    ensure!(sound.channels.len() == 2, "{} channels", sound.channels.len());
    check_voices("the left channel", sound.rate, &sound.channels[0], &[LINE])?;
    check_voices("the right channel", sound.rate, &sound.channels[1], &[BROWSER, DESK])
}
