//! What becomes of a recording after its call.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::baresip;
use calls::chirp::Voice;
use calls::moto::Moto;
use calls::ports::Ports;
use calls::switchboard::{PASSWORD, Setup, Switchboard};
use calls::{wait, wav};

use crate::audio::{check_sound, talk};

/// Files of recordings that lie on the server's disk.
fn on_disk(server: &Switchboard) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![server.data().join("recordings")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// The service is away at first, then the server is killed between the upload and the fact that tells of it. The binary must be built
/// with the feature `failpoints`.
#[test]
fn a_recording_is_moved_to_s3_as_sealed_opus_whatever_fails_and_heard_all_the_while() -> Result<()> {
    let ports = Ports::take()?;
    let port = ports.one()?;
    let setup = Setup {
        recording: format!("format = \"opus\"\nencryption_keys = [\"k1 {}\"]", "5f".repeat(32)),
        sections: format!(
            "[recording.s3]\nendpoint = \"http://127.0.0.1:{port}\"\nbucket = \"calls\"\nprefix = \"node1\"\n\
             access_key_id = \"id\"\nsecret_access_key = \"secret\""
        ),
        environment: vec![("SWITCHBOARD_FAILPOINTS".to_owned(), "recording.stored.before_fact=abort:1".to_owned())],
        ..Setup::default()
    };
    let mut server = Switchboard::start_on(ports, setup)?;
    let phone = |user, voice| baresip::Setup::registered(user, PASSWORD, server.sip(), voice);
    let alice = phone("1001", Voice::Low);
    let bob = baresip::Setup { answers: true, ..phone("1002", Voice::High) };
    talk(&server, &alice, &bob)?;
    let record = server.ended_calls(1)?.remove(0);
    let document = server.recorded_call(record["id"].as_str().context("a record without an id")?)?;
    let id = document["recordings"][0]["id"].as_str().context("a recording without an id")?.to_owned();
    let (shown, audio) = (format!("recordings/{id}"), format!("recordings/{id}/audio"));

    let waits = |server: &Switchboard| Ok(server.log().contains("recordings wait to be stored").then_some(()));
    wait::until("an upload to fail", Duration::from_secs(60), || waits(&server))?;
    ensure!(server.api()?.fetch(&audio, None)?.content_type == "audio/wav", "it is heard from the disk meanwhile");

    let moto = Moto::start(port, "calls")?;
    ensure!(server.ends_within(Duration::from_secs(90))?, "the fail point was not reached: {}", server.log());
    ensure!(moto.list("calls")?.contains(&format!("{id}.ogg.sealed</Key>")), "{}", moto.list("calls")?);
    let left = on_disk(&server)?;
    ensure!(left.iter().any(|file| file.ends_with(format!("{id}.wav"))), "deleted before it was told: {left:?}");

    server.set_environment(&[]);
    server.start_again()?;
    wait::until("the recording to be moved", Duration::from_secs(60), || {
        let now = server.api()?.get(&shown)?;
        Ok((now["format"] == "opus" && now["encrypted"] == true).then_some(()))
    })?;
    wait::until("the disk to be free", Duration::from_secs(30), || Ok(on_disk(&server)?.is_empty().then_some(())))?;

    let whole = server.api()?.fetch(&audio, None)?;
    ensure!(whole.status == 200 && whole.content_type == "audio/ogg", "{} {}", whole.status, whole.content_type);
    let part = server.api()?.fetch(&audio, Some("bytes=5000-9999"))?;
    ensure!(part.status == 206 && part.body == whole.body[5_000..10_000], "{} {:?}", part.status, part.content_range);
    let [ogg, decoded] = ["kept.ogg", "kept.wav"].map(|name| server.folder().join(name));
    std::fs::write(&ogg, &whole.body)?;
    let run = Command::new("ffmpeg").args(["-v", "error", "-y", "-i"]).arg(&ogg).arg(&decoded).output()?;
    ensure!(run.status.success() && run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    check_sound(&wav::read(&decoded)?)
}
