//! A customer of the real binary is asked how it was: he hears the question, presses a key, says something and is thanked.

use std::f64::consts::TAU;

use anyhow::{Context as _, Result, ensure};
use calls::browser::level_db;
use calls::g711::Law;
use calls::keys::Keypad;
use calls::{wait, wav};
use serde_json::json;

use crate::queue::{PATIENCE, Ready, Scene, order, state};

/// What he says: a tone of this frequency, 12 dB below full scale.
const TONE_HZ: f64 = 1_000.0;
const TONE_PEAK: f64 = 0.25;
const TONE_S: f64 = 3.0;

impl Scene {
    fn wait_for_events(&self, kind: &str, times: usize) -> Result<()> {
        wait::until(kind, PATIENCE, || {
            let page = self.api.get("events?limit=200")?;
            let all = page["items"].as_array().into_iter().flatten();
            Ok((all.filter(|event| event["type"] == kind).count() >= times).then_some(()))
        })
    }

    fn hears_something(&self, what: &str) -> Result<()> {
        let since_s = self.heard.now_s();
        wait::until(what, PATIENCE, || Ok((self.heard.loud_since(since_s).len() > 50).then_some(())))
    }
}

/// Proves CALL-25, SURVEY-01 and SURVEY-05 with audio.
#[test]
fn a_customer_rates_and_comments_after_the_agent_has_gone() -> Result<()> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    scene.answer()?;
    scene.heard.hush();
    scene.alice.media.hush();
    let id = scene.call_id()?;
    scene.wait_for_events("recording.started", 1)?;
    order(&scene.api, &format!("calls/{id}/survey?agent=10001"), &json!({}))?;
    let bye = scene.alice.phone.expect("BYE")?;
    scene.alice.phone.reply(&bye, "200 OK", "")?;
    ensure!(state(&scene.api, "10001", "state")? == "wrap_up", "the agent is out of the call");
    scene.hears_something("the question")?;
    Keypad::toward(&scene.heard, &scene.answer)?.press("2")?;
    // The words that ask for a comment, the tone, and then it is recorded.
    scene.wait_for_events("recording.started", 2)?;
    let samples = (8_000.0 * TONE_S) as u32;
    let said: Vec<f64> = (0..samples).map(|n| TONE_PEAK * (f64::from(n) * TONE_HZ * TAU / 8_000.0).sin()).collect();
    scene.heard.speak(scene.to, Law::Mu, &said)?;
    // Five seconds of silence after it end it.
    scene.wait_for_events("survey.completed", 1)?;
    scene.hears_something("thanks")?;
    let bye = scene.caller.expect_within("BYE", PATIENCE)?;
    scene.caller.reply(&bye, "200 OK", "")?;

    let record = scene.server.ended_calls(1)?.remove(0);
    let survey = &record["survey"];
    ensure!(survey["answer"] == json!({"key": "2", "label": "一般"}) && survey["agent"] == "10001", "{record:#}");
    let comment = survey["comment"].as_str().context("no comment")?;
    let audio = wait::until("the comment", PATIENCE, || {
        let audio = scene.api.fetch(&format!("recordings/{comment}/audio"), None)?;
        Ok((audio.status == 200).then_some(audio))
    })?;
    let file = scene.server.folder().join("comment.wav");
    std::fs::write(&file, &audio.body)?;
    let sound = wav::read(&file)?;
    for channel in &sound.channels {
        let second = sound.rate as usize;
        let part = channel.get(second..2 * second).context("it is too short")?;
        let level = level_db(sound.rate, TONE_HZ, part);
        let other = level_db(sound.rate, 2_000.0, part);
        ensure!((level - 20.0 * TONE_PEAK.log10()).abs() < 1.0 && other < level - 30.0, "{level} dB, {other} dB");
    }
    for (result, times) in [("%E4%B8%80%E8%88%AC", 1), ("not_rated", 0), ("not_invited", 0)] {
        let found = scene.api.get(&format!("call-records?satisfaction={result}"))?;
        ensure!(found["items"].as_array().is_some_and(|items| items.len() == times), "{result}: {found:#}");
    }
    Ok(())
}
