//! Two real softphones talk through the switch, each in its own voice, and the recording keeps both apart.

use anyhow::{Context as _, Result, ensure};
use calls::baresip::{Baresip, Codec, Setup};
use calls::capture::{Capture, Captured};
use calls::chirp::{Voice, median};
use calls::rtp;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wav::{self, Sound};

const TALK_S: f64 = 6.0;

/// One-way, from leaving a phone to leaving the switch, on one clock; a phone's own buffers are not in it.
const DELAY_MS_MAX: f64 = 20.0;

fn listen(sound: &Sound, channel: usize, voice: Voice) -> calls::chirp::Hearing {
    voice.listen(sound.rate, &sound.channels[channel])
}

fn check(caller: Codec, called: Codec) -> Result<()> {
    let server = Switchboard::start()?;
    let alice = Setup { codecs: vec![caller], ..Setup::registered("1001", PASSWORD, server.sip(), Voice::Low) };
    let bob =
        Setup { codecs: vec![called], answers: true, ..Setup::registered("1002", PASSWORD, server.sip(), Voice::High) };
    let captured = talk(&server, &alice, &bob)?;
    if matches!((caller, called), (Codec::Pcmu | Codec::Pcma, Codec::Pcmu | Codec::Pcma)) {
        check_wire(&captured)?;
    }
    let complaints = captured.complaints(&[server.sip().port()], &[server.sip().port()])?;
    ensure!(complaints.is_empty(), "{complaints:#?}");
    check_record(&server)
}

/// The only call ended as its caller wanted and is recorded.
pub(crate) fn check_record(server: &Switchboard) -> Result<()> {
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal" && record["ended_by"] == "caller", "{record}");
    let call = record["id"].as_str().context("a record without an id")?;
    check_recording(server, call)
}

/// 1001 calls 1002 and both talk; each hears the other and nobody else. Gives what was on the wire.
pub(crate) fn talk(server: &Switchboard, alice: &Setup, bob: &Setup) -> Result<Captured> {
    let bob = Baresip::start(server.ports(), server.folder(), bob)?;
    let mut alice = Baresip::start(server.ports(), server.folder(), alice)?;
    let capture = Capture::start(server.ports(), server.folder())?;
    alice.dial("1002")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    alice.wait_until_heard(TALK_S)?;
    bob.wait_until_heard(TALK_S)?;
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;
    let captured = capture.finish()?;
    check_ears(&alice, &bob)?;
    Ok(captured)
}

/// Each heard the other and nobody else: Alice's voice is the low one.
fn check_ears(alice: &Baresip, bob: &Baresip) -> Result<()> {
    for (ear, voice, own) in [(alice, Voice::High, Voice::Low), (bob, Voice::Low, Voice::High)] {
        let sounds = ear.heard()?;
        let sound = sounds.first().context("nothing decoded")?;
        let heard = listen(sound, 0, voice);
        ensure!(heard.seconds() > TALK_S - 0.5 && heard.is_in_order(), "{heard:?}");
        ensure!(heard.largest_gap_ms() <= 40.0 && heard.largest_jump_ms() <= 40.0, "{heard:?}");
        ensure!(listen(sound, 0, own).is_nobody(), "a phone hears itself");
    }
    Ok(())
}

/// Each stream that left the switch is one source in sequence, heard whole, and hardly later than it came in.
fn check_wire(captured: &Captured) -> Result<()> {
    let streams = captured.streams();
    ensure!(streams.len() == 4, "{} streams in place of two in and two out", streams.len());
    for voice in [Voice::Low, Voice::High] {
        let mut hearings = Vec::new();
        for packets in streams.values() {
            let continuity = rtp::continuity(packets);
            ensure!(continuity.sources == 1 && continuity.sequence_breaks == 0, "{continuity:?}");
            let sound = rtp::played(packets);
            let mut heard = voice.listen(sound.rate, &sound.channels[0]);
            let start = packets[0].at_s;
            heard.chirps.iter_mut().for_each(|chirp| chirp.at_s += start);
            if !heard.is_nobody() {
                ensure!(heard.largest_gap_ms() <= 40.0, "{heard:?}");
                hearings.push(heard);
            }
        }
        ensure!(hearings.len() == 2, "{voice:?} stands in {} streams, not in one in and one out", hearings.len());
        let first = hearings[0].delays_ms(&hearings[1]);
        let delay = median(first).context("no chirp in common")?.abs();
        ensure!(delay <= DELAY_MS_MAX, "{voice:?} comes {delay} ms late");
    }
    Ok(())
}

/// Proves REC-09: the caller of an internal call stands on the left.
fn check_recording(server: &Switchboard, call: &str) -> Result<()> {
    let document = server.recorded_call(call)?;
    let recording = document["recordings"][0]["id"].as_str().context("a recording without an id")?;
    let api = server.api()?;
    let whole = api.fetch(&format!("recordings/{recording}/audio"), None)?;
    ensure!(whole.status == 200 && whole.content_type.starts_with("audio/"), "{} {}", whole.status, whole.content_type);
    let part = api.fetch(&format!("recordings/{recording}/audio"), Some("bytes=0-43"))?;
    ensure!(part.status == 206 && part.body == whole.body[..44], "{} {:?}", part.status, part.content_range);
    let path = server.folder().join("recording.wav");
    std::fs::write(&path, &whole.body)?;
    check_sound(&wav::read(&path)?)
}

/// Each party in its own channel, whole.
pub(crate) fn check_sound(sound: &Sound) -> Result<()> {
    ensure!(sound.channels.len() == 2, "{} channels", sound.channels.len());
    let (left, right) = (listen(sound, 0, Voice::Low), listen(sound, 1, Voice::High));
    for heard in [&left, &right] {
        ensure!(heard.seconds() > TALK_S - 0.5 && heard.is_in_order(), "{heard:?}");
        ensure!(heard.largest_gap_ms() <= 40.0 && heard.largest_jump_ms() <= 40.0, "{heard:?}");
    }
    ensure!(
        listen(sound, 0, Voice::High).is_nobody() && listen(sound, 1, Voice::Low).is_nobody(),
        "channels are mixed"
    );
    Ok(())
}

/// Proves REC-09, REC-04.
#[test]
fn two_softphones_hear_each_other_and_are_recorded_apart() -> Result<()> {
    check(Codec::Pcmu, Codec::Pcmu)
}

#[test]
fn softphones_of_different_laws_are_transcoded_and_recorded() -> Result<()> {
    check(Codec::Pcmu, Codec::Pcma)
}

#[test]
fn opus_passes_through_and_is_recorded() -> Result<()> {
    check(Codec::Opus, Codec::Opus)
}

#[test]
fn g722_passes_through_and_is_recorded() -> Result<()> {
    check(Codec::G722, Codec::G722)
}

#[test]
fn opus_and_g711_are_transcoded_and_recorded() -> Result<()> {
    check(Codec::Opus, Codec::Pcma)
}

#[test]
fn g722_and_g711_are_transcoded_and_recorded() -> Result<()> {
    check(Codec::G722, Codec::Pcmu)
}

/// What is uploaded is the high voice: the held phone hears it, whole and in order, in a call that was up before the upload.
#[test]
fn music_that_is_uploaded_during_a_call_is_heard_on_hold_without_a_restart() -> Result<()> {
    let server = Switchboard::start()?;
    let bob = Setup { answers: true, ..Setup::registered("1002", PASSWORD, server.sip(), Voice::Top) };
    let bob = Baresip::start(server.ports(), server.folder(), &bob)?;
    let alice = Setup::registered("1001", PASSWORD, server.sip(), Voice::Low);
    let mut alice = Baresip::start(server.ports(), server.folder(), &alice)?;
    alice.dial("1002")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    bob.wait_until_heard(1.0)?;
    let music = server.folder().join("music.wav");
    wav::write(&music, &Sound::mono(44_100, Voice::High.speak(44_100, 20.0)))?;
    let file = std::fs::read(&music)?;
    let made = server.api()?.upload("prompts?language=en&name=hold_music", "audio/wav", &file)?;
    ensure!(made["id"] == "en.hold_music", "{made}");
    let before_s = bob.heard_s()?;
    alice.command("hold", "")?;
    bob.wait_until_heard(before_s + 5.0)?;
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;
    let heard = listen(bob.heard()?.first().context("nothing decoded")?, 0, Voice::High);
    ensure!(heard.seconds() > 3.5 && heard.is_in_order() && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    Ok(())
}

#[test]
fn a_softphone_that_holds_leaves_its_peer_with_music_until_it_comes_back() -> Result<()> {
    const AWAY_S: f64 = 3.0;
    let server = Switchboard::start()?;
    let bob = Setup { answers: true, ..Setup::registered("1002", PASSWORD, server.sip(), Voice::High) };
    let bob = Baresip::start(server.ports(), server.folder(), &bob)?;
    let alice = Setup::registered("1001", PASSWORD, server.sip(), Voice::Low);
    let mut alice = Baresip::start(server.ports(), server.folder(), &alice)?;
    alice.dial("1002")?;
    alice.wait_for("CALL_ESTABLISHED", 1)?;
    bob.wait_until_heard(2.0)?;
    alice.command("hold", "")?;
    bob.wait_until_heard(2.0 + AWAY_S)?;
    alice.command("resume", "")?;
    bob.wait_until_heard(4.0 + AWAY_S)?;
    alice.hang_up()?;
    bob.wait_for("CALL_CLOSED", 1)?;

    let sounds = bob.heard()?;
    let heard = listen(sounds.first().context("nothing decoded")?, 0, Voice::Low);
    let away = heard.chirps.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).fold(0.0, f64::max);
    ensure!((AWAY_S - 1.0..AWAY_S + 1.0).contains(&away), "away for {away} s: {heard:?}");
    // Music has pauses, silence would last as long as the hold.
    ensure!(heard.silence_ms < 1_000.0, "{} ms of silence on hold", heard.silence_ms);
    let record = server.ended_calls(1)?.remove(0);
    ensure!(record["cause"] == "normal", "{record}");
    Ok(())
}
