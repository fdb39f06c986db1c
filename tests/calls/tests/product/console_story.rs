//! A call in the console with other people's phones at its ends: SIPp calls in, and baresip is who is asked.

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{self, Baresip};
use calls::browser::level_db;
use calls::chirp::Voice;
use calls::keys::Keypad;
use calls::rtp;
use calls::switchboard::PASSWORD;
use calls::wait;
use calls::wav::Sound;
use serde_json::json;

use crate::console::{AGENT_HZ, Centre, PATIENCE, click, is_heard, see};
use crate::console_together::{choose, one_agent, signed_in};
use crate::queue::order;
use crate::three_way::Line;

/// Whether this pitch is in what baresip heard.
fn holds(sound: &Sound, pitch_hz: f64) -> bool {
    sound.channels.first().is_some_and(|channel| level_db(sound.rate, pitch_hz, channel) > -40.0)
}

fn line_hears_agent(line: &Line, to_be_heard: bool) -> Result<()> {
    wait::until(&format!("the agent at the caller: {to_be_heard}"), PATIENCE, || {
        Ok((is_heard(&line.media, AGENT_HZ)? == to_be_heard).then_some(()))
    })
}

/// Proves CALL-12, CALL-17, CALL-21 and CALL-25 as far as the bar goes.
#[test]
fn sipp_calls_in_is_held_and_rates_while_baresip_is_asked_and_joins() -> Result<()> {
    let centre = Centre::open()?;
    one_agent(&centre)?;
    let server = &centre.server;
    let mut agent = signed_in(&centre, "10001", AGENT_HZ)?;
    let bob = baresip::Setup::registered("1002", PASSWORD, server.sip(), Voice::High);
    let mut bob = Baresip::start(server.ports(), server.folder(), &baresip::Setup { answers: true, ..bob })?;
    let api = server.api()?;
    order(&api, "agents/10002/sign-in", &json!({"way": "desk", "extension": "1002"}))?;
    order(&api, "agents/10002/state", &json!({"state": "ready"}))?;

    let line = Line::call(server, centre.carrier, "8610")?;
    click(&mut agent, "button", "接听")?;
    see(&mut agent, "phase", "通话中")?;
    line_hears_agent(&line, true)?;
    click(&mut agent, "button", "保持")?;
    see(&mut agent, "phase", "保持中")?;
    line_hears_agent(&line, false)?;

    click(&mut agent, "button", "询问")?;
    choose(&mut agent, "询问")?;
    see(&mut agent, "phase", "询问中")?;
    bob.wait_until_heard(2.0)?;
    ensure!(!is_heard(&line.media, AGENT_HZ)?, "the caller hears what is asked");
    click(&mut agent, "button", "三方")?;
    see(&mut agent, "phase", "三方通话")?;
    line_hears_agent(&line, true)?;
    wait::until("baresip at the caller", PATIENCE, || {
        let heard = line.media.heard();
        let sound = rtp::played(&heard[heard.len().saturating_sub(100)..]);
        let channel = sound.channels.first().context("no channel")?;
        Ok((!Voice::High.listen(sound.rate, channel).is_nobody()).then_some(()))
    })?;

    bob.hang_up()?;
    see(&mut agent, "phase", "通话中")?;
    ensure!(bob.heard()?.iter().any(|sound| holds(sound, AGENT_HZ)), "baresip did not hear the agent");
    click(&mut agent, "button", "评价")?;
    see(&mut agent, "state", "电话后处理")?;
    let messages = line.sipp.messages();
    let answer = messages.split("SIP/2.0 200 OK").nth(1).context("no answer")?;
    let mut keypad = Keypad::toward(&line.media, answer)?;
    wait::until("the end of the survey", PATIENCE, || {
        keypad.press("5")?;
        Ok(line.sipp.messages().contains("BYE sip:").then_some(()))
    })?;
    line.sipp.finish()?;
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["agent"] == "10001" && record["survey"].is_object(), "{record}");
    Ok(())
}
