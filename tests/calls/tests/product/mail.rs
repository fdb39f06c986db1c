//! A message is left with the real binary, and a mail server is told of it.

use std::f64::consts::TAU;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::g711::Law;
use calls::party::Party;
use calls::switchboard::{Setup, Switchboard};
use calls::{sdp, wait};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);

/// A mail server (RFC 5321); the mails that it took.
fn mail_server() -> Result<(SocketAddr, Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (taken, told) = channel();
    thread::spawn(move || -> Result<()> {
        for stream in listener.incoming() {
            let mut stream = stream?;
            let mut lines = BufReader::new(stream.try_clone()?).lines();
            let mut mail = String::new();
            stream.write_all(b"220 mail.test\r\n")?;
            while let Some(line) = lines.next().transpose()? {
                let said = match line.get(..4).unwrap_or_default() {
                    "EHLO" => "250-mail.test\r\n250 8BITMIME",
                    "QUIT" => break,
                    "DATA" => {
                        stream.write_all(b"354 go on\r\n")?;
                        while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                            mail += &(line + "\n");
                        }
                        taken.send(std::mem::take(&mut mail))?;
                        "250 taken"
                    }
                    _ => {
                        mail += &(line + "\n");
                        "250 fine"
                    }
                };
                stream.write_all(format!("{said}\r\n").as_bytes())?;
            }
        }
        Ok(())
    });
    Ok((address, told))
}

#[test]
fn a_mail_tells_of_a_message_that_a_phone_leaves() -> Result<()> {
    let (mail, told) = mail_server()?;
    let sections = format!(
        "[smtp]\nserver = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"PBX <pbx@example.com>\"\nattach = true\n",
        mail.port()
    );
    let server = Switchboard::start_with(Setup { sections, ..Setup::default() })?;
    let api = server.api()?;
    let handling = json!({"handling": {"voicemail": true, "voicemail_email": "carol@example.com"}});
    api.patch("extensions/1003", &handling)?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut dialog = alice.phone.dialog_to("1003");
    alice.call(&mut dialog)?;
    let ok = alice.phone.expect_within("200 INVITE", PATIENCE)?;
    alice.phone.ack(&mut dialog, &ok, "")?;
    wait::until("the tone to be over", PATIENCE, || {
        let page = api.get("events?limit=200")?;
        let began = page["items"].as_array().is_some_and(|all| all.iter().any(|it| it["type"] == "recording.started"));
        Ok(began.then_some(()))
    })?;
    let said: Vec<f64> = (0..24_000).map(|n| 0.25 * (f64::from(n) * 1_000.0 * TAU / 8_000.0).sin()).collect();
    alice.media.speak(sdp::audio_address(&ok.body)?, Law::Mu, &said)?;
    let began = alice.media.now_s();
    wait::until("what is said to be over", PATIENCE, || Ok((alice.media.now_s() > began + 3.5).then_some(())))?;
    alice.phone.hang_up(&mut dialog)?;
    wait::until("the message", PATIENCE, || {
        Ok(api.list("voicemails")?.into_iter().find(|message| message["state"] == "ready"))
    })?;
    let got = told.recv_timeout(PATIENCE).context("no mail came")?;
    ensure!(got.contains("RCPT TO:<carol@example.com>") && got.contains("audio/wav"), "{got}");
    Ok(())
}
