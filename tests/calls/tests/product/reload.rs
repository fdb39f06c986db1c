//! SIGHUP: new settings, and calls that notice nothing.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::digest::Hash;
use calls::openssl::{Certificate, shown_name};
use calls::party::{hearing, talk, up, wait_for_packets};
use calls::phone::Phone;
use calls::rtp;
use calls::switchboard::Switchboard;
use calls::wait;

const PHONE: &str = "[[provision.extension]]\nnumber = \"1010\"\npassword = \"a-new-phone\"\n";

#[test]
fn a_call_keeps_its_audio_while_settings_change() -> Result<()> {
    let server = Switchboard::start()?;
    let mut call = up(&server)?;
    talk(&mut call, 6.0)?;
    wait_for_packets(&call.alice.media, 75)?;
    let new = Certificate::make(server.folder(), "new.test")?;
    let tls = format!("[tls]\ncertificate = {:?}\nprivate_key = {:?}\n", new.certificate, new.key);
    let before = server.configuration()?;
    let text = before.replace("level = \"debug\"", "level = \"info\"");
    ensure!(text != before);
    let said = server.reconfigure(&format!("{text}{tls}{PHONE}"))?;
    ensure!(said.contains("is in force"), "{said}");
    let mut phone = Phone::udp(server.ports(), "1010", server.sip())?;
    phone.register("a-new-phone", Hash::Sha256)?;
    ensure!(shown_name(server.tls(), "new.test")? == "new.test");
    // What the API changes is in force at once, too.
    let made = server.api()?.post("extensions", &serde_json::json!({"number": "1011", "display_name": "New"}))?;
    ensure!(made.status == 201, "{} {}", made.status, made.json());
    let password = made.json()["password"].as_str().unwrap_or_default().to_owned();
    Phone::udp(server.ports(), "1011", server.sip())?.register(&password, Hash::Sha256)?;
    wait_for_packets(&call.alice.media, 250)?;
    wait_for_packets(&call.bob.media, 250)?;
    for (media, voice) in [(&call.alice.media, Voice::High), (&call.bob.media, Voice::Low)] {
        let continuity = rtp::continuity(&media.heard());
        ensure!(continuity.sources == 1 && continuity.sequence_breaks == 0, "{continuity:?}");
        let heard = hearing(media, voice, 0);
        ensure!(heard.seconds() > 4.5 && heard.is_in_order() && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    }
    call.alice.phone.hang_up(&mut call.calling)?;
    let bye = call.bob.phone.expect("BYE")?;
    call.bob.phone.reply(&bye, "200 OK", "")?;
    ensure!(server.ended_calls(1)?[0]["cause"] == "normal");
    // What the file no longer has goes; and the log is as quiet as it was told to be.
    let said = server.reconfigure(&text)?;
    ensure!(said.contains("is in force"), "{said}");
    let log = server.log();
    let quiet = log.split("is in force").nth(1).unwrap_or_default();
    ensure!(!quiet.contains(" DEBUG "), "{quiet}");
    let extensions = server.api()?.list("extensions")?;
    ensure!(extensions.iter().all(|extension| extension["number"] != "1010"), "{extensions:?}");
    Ok(())
}

#[test]
fn a_wrong_file_changes_nothing_and_says_why() -> Result<()> {
    let server = Switchboard::start()?;
    let right = server.configuration()?;
    let missing = "[tls]\ncertificate = \"/nowhere/chain.pem\"\nprivate_key = \"/nowhere/key.pem\"\n";
    for (wrong, why) in [
        (format!("{right}{PHONE}[sipp]\n"), "sipp"),
        (format!("{right}{PHONE}{missing}"), "/nowhere/chain.pem"),
        (format!("{right}{PHONE}tenant = \"nobody\"\n"), "nobody"),
        (right.replace("level = \"debug\"", "level = \"=,=\"") + PHONE, "log.level"),
    ] {
        let said = server.reconfigure(&wrong)?;
        ensure!(said.contains("nothing was changed"), "{said}");
        let log = server.log();
        let after = &log[log.find(&said).unwrap_or_default()..];
        ensure!(after.contains(why), "{why} is not named in: {after}");
        let extensions = server.api()?.list("extensions")?;
        ensure!(extensions.iter().all(|extension| extension["number"] != "1010"), "{why}: {extensions:?}");
    }
    // What needs a restart is named, the rest is in force.
    let slow = right.replace("[sip]\n", "[sip]\nring_timeout_s = 20\n");
    let said = server.reconfigure(&format!("{slow}{PHONE}"))?;
    ensure!(said.contains("is in force"), "{said}");
    ensure!(server.log().contains("[sip]: the change is in force after a restart"), "{}", server.log());
    wait::until("the new extension", Duration::from_secs(5), || {
        let extensions = server.api()?.list("extensions")?;
        Ok(extensions.iter().any(|extension| extension["number"] == "1010").then_some(()))
    })?;
    // And the process takes calls as before.
    let clock = Instant::now();
    let call = up(&server)?;
    ensure!(clock.elapsed() < Duration::from_secs(10));
    drop(call);
    Ok(())
}
