//! sipsak, a SIP stack of another hand: OPTIONS, REGISTER and MESSAGE.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use calls::phone::Phone;
use calls::switchboard::{PASSWORD, Switchboard};

/// Runs it against the server; it must be content.
fn sipsak(server: &Switchboard, user: &str, arguments: &[&str]) -> Result<()> {
    let uri = format!("sip:{user}@{}", server.sip());
    let mut command = Command::new("sipsak");
    // Where a port has five digits, sipsak writes four of them into its Request-URI: it has to be told where to send.
    command.args(["-p", &server.sip().to_string(), "-s", &uri, "-v"]).args(arguments);
    let out = command.output().context("sipsak cannot be started: is it installed?")?;
    let (said, complained) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    ensure!(out.status.success(), "sipsak failed ({}): {said}\n{complained}\n{}", out.status, server.log());
    Ok(())
}

#[test]
fn sipsak_finds_the_server_alive() -> Result<()> {
    let server = Switchboard::start()?;
    sipsak(&server, "ping", &[])
}

#[test]
fn sipsak_registers_a_phone_and_writes_to_it() -> Result<()> {
    let server = Switchboard::start()?;
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], server.ports().one()?));
    let (contact, port) = (format!("sip:1002@{at}"), at.port().to_string());
    // From the phone's own port: a phone is called where its REGISTER came from.
    let from = ["-l", &port, "-S", "-C", &contact];
    sipsak(&server, "1002", &[&["-i", "-U", "-x", "300", "-u", "1002", "-a", PASSWORD], &from[..]].concat())?;
    let mut bob = Phone::udp_at(at, "1002", server.sip())?;
    let registered = server.api()?.list("registrations")?;
    ensure!(registered.len() == 1 && registered[0]["contact"].to_string().contains(&contact), "{registered:?}");

    // Its own way to write (-M) crashes where credentials are asked for (0.9.8.1 of Debian 12).
    let file = server.folder().join("message.sip");
    let at = server.sip();
    let text = format!(
        "MESSAGE sip:1002@{at} SIP/2.0\nMax-Forwards: 70\nFrom: <sip:1001@{at}>;tag=sipsak\nTo: <sip:1002@{at}>\nCall-ID: text\nCSeq: 1 MESSAGE\nUser-Agent: sipsak 0.9.8.1\nContent-Type: text/plain\nContent-Length: 5\n\nhello"
    );
    std::fs::write(&file, text).context("no message written")?;
    let file = file.to_str().context("a folder whose name is no text")?;
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| sipsak(&server, "1002", &["-f", file, "-u", "1001", "-a", PASSWORD]));
        let message = bob.expect("MESSAGE")?;
        ensure!(message.body == "hello" && message.header("From").contains("sip:1001@"), "{message:?}");
        bob.reply(&message, "200 OK", "")?;
        sender.join().expect("sipsak does not panic")
    })
}
