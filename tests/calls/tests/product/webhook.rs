//! Events that the real binary pushes: killed in the middle of calls, it loses none, and keeps their order.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use calls::party::{talk, up, wait_for_packets};
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

pub(crate) type Book = Arc<Mutex<Vec<Sent>>>;

/// An endpoint that takes everything but each twentieth request of a connection, which it answers with 500.
pub(crate) fn endpoint() -> Result<(SocketAddr, Book)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, book) = (listener.local_addr()?, Book::default());
    let taken = Arc::clone(&book);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let taken = Arc::clone(&taken);
            // Whoever is killed while it writes is met by an error here.
            thread::spawn(move || serve(&stream, &taken));
        }
    });
    Ok((address, book))
}

fn serve(stream: &TcpStream, taken: &Book) -> Result<()> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut requests = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        ensure!(line == "POST /hooks HTTP/1.1\r\n", "{line}");
        let mut headers = Vec::new();
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut sent = Sent { headers, body: String::new() };
        let length: u64 = sent.header("content-length").parse()?;
        (&mut reader).take(length).read_to_string(&mut sent.body)?;
        requests += 1;
        let status = if requests % 20 == 0 { "500 Oops" } else { "204 No Content" };
        if requests % 20 != 0 {
            taken.lock().expect("no test panics while holding it").push(sent);
        }
        write!(writer, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// The function that docs/hooks.md gives to who receives, called with one message.
fn verified(folder: &std::path::Path, secret: &str, sent: &Sent) -> Result<bool> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/hooks.md"))?;
    let code = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).context("no Python there")?;
    let program = folder.join("verify.py");
    let call = "import json, sys\ngiven = json.load(sys.stdin)\nverify(given['secret'], given['headers'], given['body'].encode())\n";
    fs::write(&program, format!("{code}\n{call}"))?;
    let mut python = Command::new("python3").arg(&program).stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let headers: serde_json::Map<String, Value> =
        sent.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let given = json!({"secret": secret, "headers": headers, "body": sent.body});
    python.stdin.take().context("no stdin")?.write_all(given.to_string().as_bytes())?;
    Ok(python.wait()?.success())
}

#[test]
fn a_killed_server_sends_every_event_in_order_and_signed() -> Result<()> {
    const ROUNDS: usize = 4;
    let (address, book) = endpoint()?;
    let sections = "[webhooks]\nallowed_nets = \"127.0.0.1\"\nretry_first_s = 1\nretry_longest_s = 1\n".to_owned();
    let mut server = Switchboard::start_with(Setup { sections, ..Setup::default() })?;
    let url = format!("http://{address}/hooks");
    let made = server.api()?.post("webhooks", &json!({"url": url, "allow_private": true}))?;
    ensure!(made.status == 201, "{}", made.json());
    let (id, secret) = (made.json()["id"].clone(), made.json()["secret"].clone());
    let (id, secret) = (id.as_str().context("no id")?, secret.as_str().context("no secret")?);
    let replay = server.api()?.post(&format!("webhooks/{id}/replay"), &json!({"after": "default.0.0"}))?;
    ensure!(replay.status == 200, "{}", replay.json());
    for round in 0..ROUNDS {
        let mut call = up(&server)?;
        talk(&mut call, 3.0)?;
        wait_for_packets(&call.alice.media, 10 + 13 * round)?;
        server.kill()?;
        drop(call);
        server.start_again()?;
        server.ended_calls(round + 1)?;
    }
    let api = server.api()?;
    let arrived = || {
        let state = api.get(&format!("webhooks/{id}"))?["state"].clone();
        Ok((state["lag"] == 0).then_some(state))
    };
    let state = wait::until("all events delivered", PATIENCE, arrived)?;
    ensure!(state["failing"].is_null() && state["lost"].is_null(), "{state}");
    let all = api.events()?;
    let taken = book.lock().expect("no test panics while holding it").clone();
    let mut seen = BTreeSet::new();
    let once: Vec<&Sent> = taken.iter().filter(|sent| seen.insert(sent.header("webhook-id").to_owned())).collect();
    let pushed = once.iter().map(|sent| serde_json::from_str(&sent.body)).collect::<Result<Vec<Value>, _>>()?;
    // Facts of after the last look at the lag may be there by now.
    ensure!(pushed.len() > 10 * ROUNDS && all.len() >= pushed.len(), "{} of {} events", pushed.len(), all.len());
    for (pulled, pushed) in all.iter().zip(&pushed) {
        ensure!(pulled == pushed, "pulled {pulled}, pushed {pushed}");
    }
    let position = state["position"].as_str().context("no position")?;
    let last = all.iter().position(|event| event["id"] == position).context("an unknown position")?;
    ensure!(pushed.len() > last, "{} of {} events up to {position}", pushed.len(), last + 1);
    let dead = api.list(&format!("webhooks/{id}/dead-letters"))?;
    ensure!(dead.is_empty(), "{dead:?}");

    let sent = once.last().context("nothing was sent")?;
    ensure!(sent.header("content-type") == "application/cloudevents+json", "{sent:?}");
    ensure!(verified(server.folder(), secret, sent)?, "the guide's own check refuses {sent:?}");
    let forged = Sent { body: sent.body.replace("default", "another"), ..(*sent).clone() };
    ensure!(!verified(server.folder(), secret, &forged)?, "a forged message is taken");
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw";
    ensure!(!verified(server.folder(), other, sent)?, "another secret verifies it");
    Ok(())
}

#[test]
fn no_webhook_leads_to_this_machine_unless_that_is_allowed() -> Result<()> {
    let (address, book) = endpoint()?;
    let server = Switchboard::start()?;
    let api = server.api()?;
    let refused = api.post("webhooks", &json!({"url": format!("http://{address}/hooks")}))?;
    ensure!(refused.status == 422 && refused.json()["errors"][0]["field"] == "url", "{}", refused.json());
    let named = json!({"url": format!("http://localhost:{}/hooks", address.port())});
    let made = api.post("webhooks", &named)?;
    ensure!(made.status == 201, "{}", made.json());
    let id = made.json()["id"].as_str().context("no id")?.to_owned();
    let sent = api.post(&format!("webhooks/{id}/test"), &json!({}))?.json();
    let error = sent["error"].as_str().unwrap_or_default();
    ensure!(sent["delivered"] == false && error.contains("private network"), "{sent}");
    ensure!(book.lock().expect("no test panics while holding it").is_empty());
    Ok(())
}
