//! A flow of the real binary asks a real server whom to ring; the same server is refused where private addresses are.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use calls::party::Party;
use calls::phone::Phone;
use calls::ports::Ports;
use calls::sdp;
use calls::switchboard::{Setup, Switchboard};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// A CRM that names 1002 for everybody; what it was asked, a request line each.
fn crm() -> Result<(SocketAddr, Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (asked, told) = channel();
    thread::spawn(move || -> Result<()> {
        for stream in listener.incoming() {
            let mut stream = stream?;
            let mut lines = BufReader::new(stream.try_clone()?).lines();
            asked.send(lines.next().context("no request")??)?;
            while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
            let body = r#"{"agents": ["1002"]}"#;
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )?;
        }
        Ok(())
    });
    Ok((address, told))
}

/// A caller from outside comes into a flow that looks up whom to ring, 1001 where there is no answer. The phone that rings.
fn rings(allow_private: bool) -> Result<(String, Receiver<String>)> {
    let (crm, told) = crm()?;
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let sections = format!(
        "[lookup]\nallow_private = {allow_private}\n[[provision.trunk]]\nname = \"carrier\"\nhost = \"127.0.0.2\"\nport = {}\n\
         sources = [\"127.0.0.2\"]\n",
        carrier.port()
    );
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let api = server.api()?;
    let flow = json!({
        "name": "main", "start": "ask",
        "nodes": {
            "ask": {
                "step": "lookup", "url": format!("http://{crm}/of?caller={{caller}}"), "timeout_ms": 3000,
                "fields": {"to": {"pointer": "/agents/0", "default": "1001"}}, "next": "ring", "failed": "alone",
            },
            "ring": {"step": "extension", "number": "{to}", "failed": "bye"},
            "alone": {"step": "extension", "number": "1001", "failed": "bye"},
            "bye": {"step": "hang_up"},
        },
    });
    let saved = api.put("flows/main", &flow)?;
    ensure!(saved.status == 201 && saved.json()["problems"] == json!([]), "{}", saved.json());
    ensure!(api.post("flows/main/publish", &json!({}))?.status == 200, "not published");
    let route = json!({"name": "asked", "direction": "inbound", "did": "8610", "to": "flow:main"});
    ensure!(api.post("routes", &route)?.status == 201, "no route");
    let clock = Instant::now();
    let mut phones = [Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?];
    let mut caller = Phone::udp_at(carrier, "13800138000", server.sip())?;
    let mut call = caller.dialog_to("8610");
    let media = SocketAddr::new(carrier.ip(), server.ports().many(2)?);
    caller.invite(&mut call, None, &sdp::audio(media, "0", &[]))?;
    let ok = caller.expect_within("200 INVITE", PATIENCE)?;
    caller.ack(&mut call, &ok, "")?;
    let rung = usize::from(allow_private);
    let invite = phones[rung].phone.expect_within("INVITE", PATIENCE)?;
    ensure!(invite.header("From").contains("13800138000"), "{}", invite.header("From"));
    Ok((phones[rung].phone.user().to_owned(), told))
}

#[test]
fn a_server_names_the_phone_that_rings() -> Result<()> {
    let (rung, told) = rings(true)?;
    let asked = told.recv_timeout(PATIENCE)?;
    ensure!(rung == "1002" && asked.starts_with("GET /of?caller=13800138000 "), "{rung}: {asked}");
    Ok(())
}

#[test]
fn a_server_of_this_machine_is_not_asked_unless_that_is_allowed() -> Result<()> {
    let (rung, told) = rings(false)?;
    ensure!(rung == "1001" && told.try_recv().is_err(), "{rung} rang, and the server was asked");
    Ok(())
}
