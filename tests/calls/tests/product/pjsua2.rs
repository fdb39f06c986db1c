//! PJSUA2 at every end: hold, transfer blind and attended, as many desk phones and softphones do them.

use anyhow::{Result, ensure};
use calls::chirp::{Hearing, Voice};
use calls::pjsua2::Pjsua2;
use calls::switchboard::Switchboard;
use calls::wav::Sound;
use serde_json::json;

/// `caller` calls `called`, who answers at once.
fn talk(caller: &mut Pjsua2, call: usize, called: &mut Pjsua2, number: &str) -> Result<()> {
    caller.command(&json!({"do": "call", "to": number}))?;
    called.expect(&json!({"event": "ringing", "call": 0}))?;
    called.command(&json!({"do": "answer"}))?;
    called.expect(&json!({"event": "state", "state": "confirmed"}))?;
    caller.expect(&json!({"event": "state", "call": call, "state": "confirmed"}))
}

fn listen(sound: &Sound, voice: Voice) -> Hearing {
    voice.listen(sound.rate, &sound.channels[0])
}

/// Heard for so long at least, in order; PJSUA2's own jitter buffer may cut or stretch a little.
fn check_heard(sound: &Sound, voice: Voice, seconds: f64) -> Result<()> {
    let heard = listen(sound, voice);
    ensure!(heard.seconds() >= seconds && heard.is_in_order(), "{voice:?} for {seconds} s: {heard:?}");
    Ok(())
}

/// In order before the largest gap and after it. PJSUA2's jitter buffer makes up what it misses at the edges of a hold: two
/// chirps on each side are not asked for.
fn is_in_order_around_the_gap(heard: &Hearing) -> bool {
    const EDGE: usize = 2;
    let apart = |at: &usize| heard.chirps[*at].at_s - heard.chirps[*at - 1].at_s;
    let Some(back) = (1..heard.chirps.len()).max_by(|a, b| apart(a).total_cmp(&apart(b))) else { return false };
    let before = &heard.chirps[..back.saturating_sub(EDGE)];
    let after = heard.chirps.get(back + EDGE..).unwrap_or_default();
    let rises = |pair: &[calls::chirp::Heard]| pair[0].index < pair[1].index;
    !before.is_empty() && !after.is_empty() && before.windows(2).all(rises) && after.windows(2).all(rises)
}

#[test]
fn pjsua2_holds_and_takes_back() -> Result<()> {
    const AWAY_S: f64 = 3.0;
    let server = Switchboard::start()?;
    let mut alice = Pjsua2::start(&server, "1001", Some(Voice::Low))?;
    let mut bob = Pjsua2::start(&server, "1002", Some(Voice::High))?;
    talk(&mut alice, 0, &mut bob, "1002")?;
    bob.listen_for(2.0)?;
    alice.command(&json!({"do": "hold"}))?;
    bob.listen_for(AWAY_S)?;
    alice.command(&json!({"do": "retrieve"}))?;
    bob.listen_for(3.0)?;
    alice.command(&json!({"do": "hangup"}))?;
    bob.expect(&json!({"event": "state", "state": "disconnected"}))?;
    let (alice, bob) = (alice.finish()?, bob.finish()?);
    let back = listen(&alice, Voice::High);
    ensure!(back.seconds() >= 3.0 && is_in_order_around_the_gap(&back), "{back:?}");
    let heard = listen(&bob, Voice::Low);
    ensure!(heard.seconds() >= 3.5 && is_in_order_around_the_gap(&heard), "{heard:?}");
    let away = heard.chirps.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).fold(0.0, f64::max);
    ensure!((AWAY_S - 1.0..AWAY_S + 1.5).contains(&away), "away for {away} s: {heard:?}");
    // Music has pauses, silence would last as long as the hold.
    ensure!(heard.silence_ms < 1_000.0, "{} ms of silence on hold", heard.silence_ms);
    ensure!(server.ended_calls(1)?[0]["cause"] == "normal");
    Ok(())
}

#[test]
fn pjsua2_hands_a_party_on_blindly() -> Result<()> {
    let server = Switchboard::start()?;
    let mut alice = Pjsua2::start(&server, "1001", None)?;
    let mut bob = Pjsua2::start(&server, "1002", Some(Voice::High))?;
    let mut carol = Pjsua2::start(&server, "1003", Some(Voice::Low))?;
    talk(&mut alice, 0, &mut bob, "1002")?;
    alice.command(&json!({"do": "transfer", "to": "1003"}))?;
    carol.expect(&json!({"event": "ringing"}))?;
    carol.command(&json!({"do": "answer"}))?;
    alice.expect(&json!({"event": "transfer", "code": 200, "final": true}))?;
    alice.expect(&json!({"event": "state", "state": "disconnected"}))?;
    carol.expect(&json!({"event": "state", "state": "confirmed"}))?;
    survivors_talk(&server, bob, carol)
}

#[test]
fn pjsua2_connects_two_by_replaces() -> Result<()> {
    let server = Switchboard::start()?;
    let mut alice = Pjsua2::start(&server, "1001", None)?;
    let mut bob = Pjsua2::start(&server, "1002", Some(Voice::High))?;
    let mut carol = Pjsua2::start(&server, "1003", Some(Voice::Low))?;
    talk(&mut alice, 0, &mut bob, "1002")?;
    alice.command(&json!({"do": "hold", "call": 0}))?;
    talk(&mut alice, 1, &mut carol, "1003")?;
    alice.command(&json!({"do": "transfer_replacing", "call": 0, "other": 1}))?;
    alice.expect(&json!({"event": "transfer", "call": 0, "code": 200, "final": true}))?;
    survivors_talk(&server, bob, carol)
}

/// Bob and Carol hear each other, until Bob hangs up.
fn survivors_talk(server: &Switchboard, mut bob: Pjsua2, mut carol: Pjsua2) -> Result<()> {
    bob.listen_for(3.0)?;
    carol.listen_for(3.0)?;
    bob.command(&json!({"do": "hangup"}))?;
    carol.expect(&json!({"event": "state", "state": "disconnected"}))?;
    let (bob, carol) = (bob.finish()?, carol.finish()?);
    check_heard(&bob, Voice::Low, 2.0)?;
    check_heard(&carol, Voice::High, 2.0)?;
    ensure!(
        listen(&bob, Voice::High).is_nobody() && listen(&carol, Voice::Low).is_nobody(),
        "somebody hears themselves"
    );
    let records = server.ended_calls(1)?;
    let transferred = records.iter().any(|record| record["cause"] == "normal");
    ensure!(transferred, "{records:?}");
    Ok(())
}
