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

use crate::queue::order;

const PATIENCE: Duration = Duration::from_secs(20);

/// A CRM that names 1002 for everybody.
fn crm() -> Result<(SocketAddr, Receiver<String>)> {
    saying(r#"{"agents": ["1002"]}"#)
}

/// A server that says the same to everybody; what it was asked, a request line each.
fn saying(body: &'static str) -> Result<(SocketAddr, Receiver<String>)> {
    answering(move |_| body)
}

/// A server whose answer depends on the request line; what it was asked.
pub(crate) fn answering(
    answer: impl Fn(&str) -> &'static str + Send + 'static,
) -> Result<(SocketAddr, Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (asked, told) = channel();
    thread::spawn(move || -> Result<()> {
        for stream in listener.incoming() {
            let mut stream = stream?;
            let mut lines = BufReader::new(stream.try_clone()?).lines();
            let request = lines.next().context("no request")??;
            let body = answer(&request);
            asked.send(request)?;
            while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
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

/// Proves IVR-05 (by a hook, on the real binary): a CRM names the caller and his own agent, who is rung though another has been idle for
/// longer.
#[test]
fn a_crm_names_the_caller_and_whose_customer_he_is() -> Result<()> {
    let (crm, told) = saying(r#"{"name": "Li Lei", "owner": "10002", "priority": 3}"#)?;
    let ports = Ports::take()?;
    let carrier = SocketAddr::from(([127, 0, 0, 2], ports.one()?));
    let sections = format!(
        "[lookup]\ncaller_url = \"http://{crm}/who?n={{caller}}&to={{called}}\"\ntimeout_ms = 3000\n[[provision.trunk]]\n\
         name = \"carrier\"\nhost = \"127.0.0.2\"\nport = {}\nsources = [\"127.0.0.2\"]\n",
        carrier.port()
    );
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let api = server.api()?;
    let route = json!({"name": "centre", "direction": "inbound", "did": "8610", "to": "queue:support"});
    ensure!(api.post("routes", &route)?.status == 201, "no route");
    let members = json!([{"agent": "10001"}, {"agent": "10002"}]);
    let rules = json!({"number": "7000", "members": members, "sticky": "owner"});
    ensure!(api.put("queues/support", &rules)?.status == 200, "no queue");
    let clock = Instant::now();
    let mut phones = [Party::new(&server, "1001", clock)?, Party::new(&server, "1002", clock)?];
    for (agent, extension) in [("10001", "1001"), ("10002", "1002")] {
        order(&api, &format!("agents/{agent}/sign-in"), &json!({"way": "desk", "extension": extension}))?;
        order(&api, &format!("agents/{agent}/state"), &json!({"state": "ready"}))?;
    }
    let mut caller = Phone::udp_at(carrier, "13800138000", server.sip())?;
    let mut call = caller.dialog_to("8610");
    let media = SocketAddr::new(carrier.ip(), server.ports().many(2)?);
    caller.invite(&mut call, None, &sdp::audio(media, "0", &[]))?;
    let ok = caller.expect_within("200 INVITE", PATIENCE)?;
    caller.ack(&mut call, &ok, "")?;
    let invite = phones[1].phone.expect_within("INVITE", PATIENCE)?;
    let from = invite.header("From");
    ensure!(from.contains("13800138000") && from.contains("Li Lei"), "{from}");
    let asked = told.recv_timeout(PATIENCE)?;
    ensure!(asked.starts_with("GET /who?n=13800138000&to=8610 "), "{asked}");
    Ok(())
}
