//! SIP over WebSocket (RFC 7118), plain and over TLS, with tungstenite and OpenSSL at the other end.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use calls::chirp::Voice;
use calls::digest::Hash;
use calls::openssl::Secured;
use calls::party::{Party, connect, hearing, talk, wait_for_packets};
use calls::phone::{PATIENCE, Phone};
use calls::sip_text::Text;
use calls::switchboard::{PASSWORD, Switchboard};
use calls::wait;
use calls::websocket::{Opening, Socket};

fn plain(server: &Switchboard, user: &str) -> Result<Phone> {
    Ok(Phone::websocket(user, server.http(), Socket::open(Opening::of(server.http()))?))
}

fn secured(server: &Switchboard, user: &str) -> Result<Phone> {
    let line = Secured::connect(server.https(), Some("localhost"), Some(&server.certificate()))?;
    let socket = Socket::open_secured(Opening::of(server.https()), line)?;
    Ok(Phone::websocket(user, server.https(), socket))
}

#[test]
fn two_phones_on_websockets_call_each_other_and_hear_each_other() -> Result<()> {
    let server = Switchboard::start()?;
    let clock = Instant::now();
    let alice = Party::on(plain(&server, "1001")?, server.ports(), PASSWORD, clock)?;
    let bob = Party::on(secured(&server, "1002")?, server.ports(), PASSWORD, clock)?;
    let sources = server.api()?.list("registrations")?;
    for transport in ["WS ", "WSS "] {
        let named = |one: &serde_json::Value| one["source"].as_str().unwrap_or_default().starts_with(transport);
        ensure!(sources.iter().any(named), "{transport}: {sources:?}");
    }
    let mut call = connect(alice, bob)?;
    ensure!(call.invite.header("Via").starts_with("SIP/2.0/WSS "), "{}", call.invite.header("Via"));
    ensure!(
        call.invite.start.starts_with("INVITE sip:1002@df7jal23ls0d.invalid;transport=ws "),
        "{}",
        call.invite.start
    );
    for message in [&call.invite, &call.ok] {
        // RFC 7118 §5.2.1: `ws` for both.
        ensure!(message.header("Contact").contains(";transport=ws"), "{}", message.header("Contact"));
    }
    talk(&mut call, 2.0)?;
    wait_for_packets(&call.alice.media, 90)?;
    wait_for_packets(&call.bob.media, 90)?;
    for (media, voice) in [(&call.alice.media, Voice::High), (&call.bob.media, Voice::Low)] {
        let heard = hearing(media, voice, 0);
        ensure!(heard.seconds() > 1.4 && heard.largest_gap_ms() <= 40.0, "{heard:?}");
    }
    call.bob.phone.hang_up(&mut call.called)?;
    let bye = call.alice.phone.expect("BYE")?;
    call.alice.phone.reply(&bye, "200 OK", "")?;
    let record = &server.ended_calls(1)?[0];
    ensure!(record["cause"] == "normal" && record["caller"] == "1001", "{record}");
    Ok(())
}

#[test]
fn only_our_own_pages_that_speak_sip_get_in() -> Result<()> {
    let server = Switchboard::start()?;
    let own = format!("http://{}", server.http());
    let here = Opening::of(server.http());
    Socket::open(Opening { origin: Some(&own), ..here })?;
    for (opening, refusal) in [
        (Opening { origin: Some("http://evil.example"), ..here }, "403"),
        (Opening { subprotocol: None, ..here }, "426"),
        (Opening { subprotocol: Some("mqtt"), ..here }, "426"),
    ] {
        let Err(refused) = Socket::open(opening) else { anyhow::bail!("{opening:?} was let in") };
        ensure!(refused.to_string().starts_with(refusal), "{opening:?}: {refused}");
    }
    Ok(())
}

#[test]
fn a_keep_alive_is_answered_and_what_is_not_sip_does_no_harm() -> Result<()> {
    let server = Switchboard::start()?;
    let mut socket = Socket::open(Opening::of(server.http()))?;
    // RFC 5626 §4.4.1.
    socket.send(b"\r\n\r\n")?;
    let pong = wait::until("a pong", PATIENCE, || socket.receive(PATIENCE))?;
    ensure!(pong == "\r\n", "{pong:?}");
    for nonsense in [&b"\xff\xfe\x00"[..], b"GET / HTTP/1.1\r\n\r\n", b"\r\n", b" "] {
        socket.send(nonsense)?;
    }
    // RFC 7118 §5.2: the frame ends the message, Content-Length or not.
    let options = "OPTIONS sip:ping@x SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKws1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:ping@x>\r\nCall-ID: ws-1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n";
    socket.send(options.as_bytes())?;
    let answer = wait::until("the answer to OPTIONS", PATIENCE, || {
        let text = socket.receive(PATIENCE)?;
        Ok(text.and_then(|text| Text::read(&text).ok()).filter(|text| text.header("Call-ID") == "ws-1"))
    })?;
    ensure!(answer.status() == Some(200), "{}", answer.start);
    Ok(())
}

/// RFC 5626 §5.3.1: a registration ends with its connection.
#[test]
fn a_closed_page_is_not_rung() -> Result<()> {
    let server = Switchboard::start()?;
    let mut bob = plain(&server, "1002")?;
    bob.register(PASSWORD, Hash::Sha256)?;
    drop(bob);
    wait::until("the registration to end", Duration::from_secs(10), || {
        Ok(server.api()?.list("registrations")?.is_empty().then_some(()))
    })?;
    let mut alice = Party::new(&server, "1001", Instant::now())?;
    let mut calling = alice.phone.dialog_to("1002");
    alice.call(&mut calling)?;
    alice.phone.expect("480 INVITE")?;
    Ok(())
}
