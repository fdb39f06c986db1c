//! A customer of the real binary is parked: he hears music until a phone dials his place, and they talk.

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::g711::Law;
use calls::{party, sdp, wait};
use serde_json::json;

use crate::queue::{PATIENCE, Ready, Scene, state};

/// A customer whom alice has parked at 701, and the call.
fn parked() -> Result<(Scene, String)> {
    let mut scene = Scene::begin(&Ready::OnDesk)?;
    scene.answer()?;
    scene.heard.hush();
    scene.alice.media.hush();
    let id = scene.call_id()?;
    let parked = scene.api.post(&format!("calls/{id}/park?agent=10001"), &json!({}))?;
    ensure!(parked.status == 200 && parked.json() == json!({"slot": "701"}), "{} {}", parked.status, parked.json());
    let bye = scene.alice.phone.expect("BYE")?;
    scene.alice.phone.reply(&bye, "200 OK", "")?;
    ensure!(state(&scene.api, "10001", "state")? == "wrap_up", "who parked him is out of the call");
    scene.hears_music(scene.heard.now_s() + 0.2)?;
    Ok((scene, id))
}

#[test]
fn a_parked_customer_hears_music_and_talks_with_who_dials_the_place() -> Result<()> {
    let (mut scene, id) = parked()?;
    let shown = scene.api.get(&format!("calls/{id}"))?;
    ensure!(shown["parked"]["slot"] == "701", "{shown}");

    take(&mut scene)
}

/// A process that is killed and started again finds him at his place, by the music that he hears.
#[test]
fn a_parked_customer_outlives_the_process() -> Result<()> {
    let (mut scene, _) = parked()?;
    scene.outlives_a_crash()?;
    take(&mut scene)
}

/// Bob dials the place, they talk, and the record has one stay.
fn take(scene: &mut Scene) -> Result<()> {
    let mut taking = scene.bob.phone.dialog_to("701");
    scene.bob.call(&mut taking)?;
    let ok = scene.bob.phone.expect("200 INVITE")?;
    scene.bob.phone.ack(&mut taking, &ok, "")?;
    let before = (scene.heard.heard().len(), scene.bob.media.heard().len());
    scene.bob.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &Voice::High.speak(8_000, 4.0))?;
    scene.heard.speak(scene.to, Law::Mu, &Voice::Low.speak(8_000, 4.0))?;
    wait::until("the voices", PATIENCE, || {
        let by_customer = party::hearing(&scene.heard, Voice::High, before.0).seconds();
        let by_bob = party::hearing(&scene.bob.media, Voice::Low, before.1).seconds();
        Ok((by_customer > 2.5 && by_bob > 2.5).then_some(()))
    })?;
    scene.hang_up()?;
    let bye = scene.bob.phone.expect("BYE")?;
    scene.bob.phone.reply(&bye, "200 OK", "")?;
    let record = scene.server.ended_calls(1)?.remove(0);
    let record = scene.api.get(&format!("call-records/{}", record["id"].as_str().unwrap_or_default()))?;
    let stays = record["segments"].as_array().into_iter().flatten().filter(|part| part["kind"] == "park");
    let stays: Vec<_> = stays.map(|part| (part["number"].clone(), part["outcome"].clone())).collect();
    ensure!(stays == [(json!("701"), json!("retrieved"))], "{record:#}");
    Ok(())
}
