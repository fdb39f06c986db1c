//! Supervisors in an agent's call, and an agent by his mobile, with the real binary: who hears whom is told by the voices in their ears.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::party;
use calls::rtp::RtpEnd;
use calls::sdp;
use calls::wait;
use serde_json::{Value, json};

use crate::queue::{PATIENCE, Ready, Scene, order, state};

/// Seconds that each speaks while it is listened who hears whom.
const SPEECH_S: f64 = 3.0;
/// That much of it has to be heard.
const HEARD_S: f64 = 2.0;

/// Who hears a voice, of those for whom it may be meant.
struct Ears {
    caller: bool,
    agent: bool,
}

/// The supervisor goes into the call so; whoever should hears him, he hears both, and leaves.
fn supervise(scene: &mut Scene, id: &str, how: &str, heard_by: &Ears) -> Result<()> {
    order(&scene.api, &format!("calls/{id}/{how}?agent=10001&supervisor=10002"), &json!({}))?;
    let invite = scene.bob.phone.expect("INVITE")?;
    ensure!(invite.header("Call-Info").contains("answer-after=0"), "the phone is not asked to answer by itself");
    let answer = scene.bob.sdp(1, "sendrecv");
    scene.bob.phone.reply(&invite, "200 OK", &answer)?;
    scene.bob.phone.expect("ACK")?;
    let before = (scene.heard.heard().len(), scene.alice.media.heard().len(), scene.bob.media.heard().len());
    let to = sdp::audio_address(&invite.body)?;
    let speech = |voice: Voice| voice.speak(8_000, SPEECH_S);
    for end in [&mut scene.bob.media, &mut scene.alice.media, &mut scene.heard] {
        end.hush();
    }
    scene.bob.media.speak(to, Law::Mu, &speech(Voice::Third))?;
    scene.alice.media.speak(scene.agent, Law::Mu, &speech(Voice::High))?;
    scene.heard.speak(scene.to, Law::Mu, &speech(Voice::Low))?;
    let hears = |end: &RtpEnd, voice, from| party::hearing(end, voice, from).seconds() > HEARD_S;
    wait::until(&format!("the voices of {how}"), PATIENCE, || {
        let both = hears(&scene.bob.media, Voice::Low, before.2) && hears(&scene.bob.media, Voice::High, before.2);
        let each = hears(&scene.heard, Voice::High, before.0) && hears(&scene.alice.media, Voice::Low, before.1);
        let caller = !heard_by.caller || hears(&scene.heard, Voice::Third, before.0);
        let agent = !heard_by.agent || hears(&scene.alice.media, Voice::Third, before.1);
        Ok((both && each && caller && agent).then_some(()))
    })?;
    let at_caller = party::hearing(&scene.heard, Voice::Third, before.0).seconds();
    let at_agent = party::hearing(&scene.alice.media, Voice::Third, before.1).seconds();
    ensure!(heard_by.caller || at_caller == 0.0, "the caller hears {at_caller} s of who may only {how}");
    ensure!(heard_by.agent || at_agent == 0.0, "the agent hears {at_agent} s of who may only {how}");
    let mut dialog = scene.bob.phone.dialog_of(&invite);
    scene.bob.phone.hang_up(&mut dialog)?;
    wait::until("the supervisor to be free", PATIENCE, || {
        Ok((state(&scene.api, "10002", "supervises")? == json!(false)).then_some(()))
    })
}

/// Proves LOG-08, and of MON-29 that each action is a log entry: who did what to whom.
#[test]
fn supervisors_hear_and_are_heard_as_they_should_be() -> Result<()> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    scene.answer()?;
    order(&scene.api, "agents/10002/state", &json!({"state": "ready"}))?;
    let id = scene.call_id()?;
    supervise(&mut scene, &id, "monitor", &Ears { caller: false, agent: false })?;
    supervise(&mut scene, &id, "whisper", &Ears { caller: false, agent: true })?;
    supervise(&mut scene, &id, "barge", &Ears { caller: true, agent: true })?;
    // He takes over, and the agent is out.
    order(&scene.api, &format!("calls/{id}/takeover?supervisor=10002"), &json!({}))?;
    let invite = scene.bob.phone.expect("INVITE")?;
    let answer = scene.bob.sdp(1, "sendrecv");
    scene.bob.phone.reply(&invite, "200 OK", &answer)?;
    scene.bob.phone.expect("ACK")?;
    let bye = scene.alice.phone.expect("BYE")?;
    scene.alice.phone.reply(&bye, "200 OK", "")?;
    let before = (scene.heard.heard().len(), scene.bob.media.heard().len());
    scene.bob.media.hush();
    scene.heard.hush();
    scene.bob.media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &Voice::Third.speak(8_000, SPEECH_S))?;
    scene.heard.speak(scene.to, Law::Mu, &Voice::Low.speak(8_000, SPEECH_S))?;
    wait::until("the voices of the two", PATIENCE, || {
        let by_caller = party::hearing(&scene.heard, Voice::Third, before.0).seconds() > HEARD_S;
        let by_supervisor = party::hearing(&scene.bob.media, Voice::Low, before.1).seconds() > HEARD_S;
        Ok((by_caller && by_supervisor).then_some(()))
    })?;
    order(&scene.api, &format!("calls/{id}/hangup/force"), &json!({}))?;
    for phone in [&mut scene.caller, &mut scene.bob.phone] {
        let bye = phone.expect("BYE")?;
        phone.reply(&bye, "200 OK", "")?;
    }
    let events = scene.api.get("events?limit=200")?;
    let all = events["items"].as_array().into_iter().flatten();
    let how: Vec<&str> = all
        .filter(|event| event["type"] == "call.supervised")
        .filter_map(|event| event["data"]["how"].as_str())
        .collect();
    ensure!(how == ["monitor", "whisper", "barge", "takeover", "hang_up"], "{how:?}");
    order(&scene.api, "agents/10001/force", &json!({"force": "not_ready"}))?;
    wait::until("the audit log", PATIENCE, || Ok((audited(&scene, "agent_state")?.len() == 1).then_some(())))?;
    ensure!(audited(&scene, "agent_state")? == ["forced 10001 by admin"], "{:?}", audited(&scene, "agent_state")?);
    let calls = audited(&scene, &format!("call&resource_id={id}"))?;
    let expected =
        ["monitor 10001 10002", "whisper 10001 10002", "barge 10001 10002", "takeover 10001 10002", "hang_up 10002 "];
    ensure!(calls == expected.map(|told| format!("{told} by admin")), "{calls:?}");
    Ok(())
}

/// What the audit log says of supervisors, the first first: what, to whom and with whose phone, and who asked for it.
fn audited(scene: &Scene, resource: &str) -> Result<Vec<String>> {
    let page = scene.api.get(&format!("audit?resource={resource}"))?;
    let entries = page["items"].as_array().into_iter().flatten().rev();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(entries
        .map(|entry| {
            let after = &entry["after"];
            let what = match after["how"].as_str() {
                Some(how) => format!("{how} {} {}", text(&after["agent"]), text(&after["supervisor"])),
                None => format!("{} {}", text(&entry["action"]), text(&entry["resource_id"])),
            };
            format!("{what} by {}", text(&entry["by"]))
        })
        .collect())
}

#[test]
fn an_agents_mobile_takes_the_call_by_pressing_one() -> Result<()> {
    let mut scene = Scene::begin(&Ready::ByMobile)?;
    let invite = scene.mobile.expect("INVITE")?;
    ensure!(invite.header("To").contains("13900139000"), "{}", invite.header("To"));
    let address = SocketAddr::new(scene.mobile.local().ip(), scene.server.ports().many(2)?);
    let mut media = RtpEnd::open_at(address, scene.clock)?;
    let answer = sdp::audio(media.address()?, "0 101", &["rtpmap:101 telephone-event/8000"]);
    scene.mobile.reply(&invite, "200 OK", &answer)?;
    scene.mobile.expect("ACK")?;
    wait::until("what to press", PATIENCE, || Ok((media.loud_since(0.0).len() > 30).then_some(())))?;
    ensure!(state(&scene.api, "10002", "call_status")? == "ringing", "it is his only when he has pressed the key");
    Keypad::toward(&media, &invite.body)?.press("1")?;
    wait::until("the call to be his", PATIENCE, || {
        Ok((state(&scene.api, "10002", "call_status")? == json!({"connected": "talking"})).then_some(()))
    })?;
    let before = scene.heard.heard().len();
    media.speak(sdp::audio_address(&invite.body)?, Law::Mu, &Voice::High.speak(8_000, SPEECH_S))?;
    wait::until("the voice at the mobile", PATIENCE, || {
        Ok((party::hearing(&scene.heard, Voice::High, before).seconds() > HEARD_S).then_some(()))
    })?;
    scene.hang_up()?;
    let bye = scene.mobile.expect("BYE")?;
    scene.mobile.reply(&bye, "200 OK", "")
}
