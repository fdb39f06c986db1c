//! Codes that the real binary hands to gateways: one of HTTP, and a short message centre by an SMPP stack that is not ours.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use calls::api::{Answer, Api};
use calls::ports::Ports;
use calls::process::Process;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "a-secret-of-the-gateway-5";

/// A request as it came.
struct Sent {
    line: String,
    headers: String,
    body: String,
}

/// A gateway that answers each request with the next of these.
fn http_gateway(answers: Vec<&'static str>) -> Result<(SocketAddr, mpsc::Receiver<Sent>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, (sent, came)) = (listener.local_addr()?, mpsc::channel());
    thread::spawn(move || -> Result<()> {
        for answer in answers {
            let (stream, _) = listener.accept()?;
            let mut reader = BufReader::new(&stream);
            let (mut line, mut headers) = (String::new(), String::new());
            reader.read_line(&mut line)?;
            while !headers.ends_with("\r\n\r\n") {
                reader.read_line(&mut headers)?;
            }
            let length = headers.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = String::new();
            (&mut reader).take(length.context("no length")?.trim().parse()?).read_to_string(&mut body)?;
            let length = answer.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            write!(&stream, "{head}\r\nContent-Length: {length}\r\n\r\n{answer}")?;
            sent.send(Sent { line: line.trim_end().to_owned(), headers, body })?;
        }
        Ok(())
    });
    Ok((address, came))
}

fn ask(api: &Api, mobile: &str) -> Result<Answer> {
    api.post("session/sms-code", &json!({"mobile": mobile}))
}

/// Proves SMS-10 as far as codes go.
#[test]
fn a_gateway_of_http_is_sent_codes_as_the_configuration_writes_them() -> Result<()> {
    let (address, came) = http_gateway(vec![r#"{"code": 0}"#, r#"{"code": 7, "echo": "CODE"}"#])?;
    let sections = format!(
        "[sms]\ndriver = \"http\"\nallow_private = true\nsignature = \"云\\\"呼\"\ncode_text = \"say {{code}}\"\n[sms.http]\n\
         url = \"http://{address}/send?to={{to}}\"\nuser = \"pbx\"\nsecret = \"{SECRET}\"\nheaders = [\"X-Key: {{secret}}\"]\n\
         body = '{{\"mobile\": \"{{to_national}}\", \"text\": \"【{{signature}}】{{text}}\", \"code\": \"{{code}}\"}}'\n\
         success_pointer = \"/code\"\nsuccess_values = [\"0\"]\n"
    );
    let server = Switchboard::start_with(Setup { sections, ..Setup::default() })?;
    let api = Api::new(server.http());
    let asked = ask(&api, "139 0013 9000")?;
    ensure!(asked.status == 204, "{}", asked.json());
    let sent = came.recv_timeout(PATIENCE)?;
    ensure!(sent.line == "POST /send?to=%2B8613900139000 HTTP/1.1", "{}", sent.line);
    ensure!(sent.headers.to_ascii_lowercase().contains(&format!("x-key: {SECRET}\r\n")), "{}", sent.headers);
    let body: Value = serde_json::from_str(&sent.body)?;
    let code = body["code"].as_str().context("no code")?;
    ensure!(code.len() == 6 && body["mobile"] == "13900139000", "{body}");
    ensure!(body["text"] == format!("【云\"呼】say {code}"), "{body}");

    let refused = ask(&api, "139 0013 9001")?;
    ensure!(refused.status == 503, "{}", refused.json());
    let second: Value = serde_json::from_str(&came.recv_timeout(PATIENCE)?.body)?;
    let log = server.log();
    ensure!(log.contains("the gateway refused the message: 200 7"), "it is told why");
    for secret in [SECRET, code, second["code"].as_str().context("no code")?] {
        ensure!(!log.contains(secret), "{secret} stands in the log");
    }
    Ok(())
}

/// A short message centre.
struct Centre {
    process: Process,
}

impl Centre {
    fn start(server: &Switchboard, port: u16) -> Result<Self> {
        let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../setup/smpp.sh");
        let found = Command::new(setup).output()?;
        ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/smpp_centre.py");
        let mut python = Command::new(String::from_utf8(found.stdout)?.trim());
        python.arg(program).arg(port.to_string());
        let log = server.folder().join("centre.log");
        // Each centre begins a log of its own.
        std::fs::write(&log, "")?;
        let centre = Self { process: Process::start(&mut python, &log)? };
        centre.told("listening", 1)?;
        Ok(centre)
    }

    /// Waits for so many events of this kind.
    fn told(&self, event: &str, count: usize) -> Result<Vec<Value>> {
        wait::until(&format!("{count} of {event}"), PATIENCE, || {
            let output = self.process.output();
            let told: Vec<Value> = output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let told: Vec<Value> = told.into_iter().filter(|told| told["event"] == event).collect();
            Ok((told.len() >= count).then_some(told))
        })
    }
}

fn octets(message: &Value, member: &str) -> Result<Vec<u8>> {
    let hex = message[member].as_str().context("no text")?;
    let pairs = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16));
    Ok(pairs.collect::<Result<_, _>>()?)
}

fn utf16(octets: &[u8]) -> Result<String> {
    let units: Vec<u16> = octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    Ok(String::from_utf16(&units)?)
}

/// A server that sends by a centre, which is started after it: it connects when there is something to send.
fn by_smpp(sms: &str, smpp: &str) -> Result<(Switchboard, Centre, u16)> {
    let ports = Ports::take()?;
    let port = ports.one()?;
    let sections = format!(
        "[sms]\ndriver = \"smpp\"\nallow_private = true\n{sms}[sms.smpp]\nhost = \"127.0.0.1\"\nport = {port}\nsystem_id = \"pbx\"\n\
         password = \"{}\"\nsource = \"Shop\"\n{smpp}",
        &SECRET[..8]
    );
    let server = Switchboard::start_on(ports, Setup { sections, ..Setup::default() })?;
    let centre = Centre::start(&server, port)?;
    Ok((server, centre, port))
}

/// Proves SMS-10 as far as codes go, and of LOGIN-02 that a code is never written to the log.
#[test]
fn a_short_message_centre_is_bound_to_again_after_it_died() -> Result<()> {
    let (server, mut centre, port) = by_smpp("signature = \"云呼\"\ncode_text = \"验证码 {code}\"\n", "")?;
    let api = Api::new(server.http());
    ensure!(ask(&api, "13900139000")?.status == 204);
    let message = centre.told("message", 1)?.remove(0);
    ensure!(message["to"] == json!([1, 1, "8613900139000"]) && message["source"] == json!([5, 0, "Shop"]), "{message}");
    ensure!(message["data_coding"] == 8 && message["esm_class"] == 0, "{message}");
    let text = utf16(&octets(&message, "short")?)?;
    ensure!(text.starts_with("【云呼】验证码 ") && text.chars().count() == 14, "{text}");
    // One connection carries them all.
    ensure!(ask(&api, "13900139001")?.status == 204);
    centre.told("message", 2)?;
    let bound = centre.told("bound", 1)?;
    ensure!(bound.len() == 1 && bound[0]["system_id"] == "pbx" && bound[0]["receives"] == false, "{bound:?}");
    for (mobile, said) in [("13900139009", "refused this number"), ("13900139008", "does not answer")] {
        let refused = ask(&api, mobile)?;
        let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
        ensure!(refused.status == 503 && detail.contains(said), "{} {detail}", refused.status);
    }

    centre.process.kill()?;
    let away = ask(&api, "13900139002")?;
    ensure!(away.status == 503, "{}", away.json());
    let centre = Centre::start(&server, port)?;
    ensure!(ask(&api, "13900139002")?.status == 204, "{}", server.log());
    centre.told("message", 1)?;
    let code: String = text.chars().skip(8).collect();
    ensure!(!server.log().contains(&code) && !server.log().contains(&SECRET[..8]));
    Ok(())
}

#[test]
fn a_long_message_goes_in_parts_or_whole() -> Result<()> {
    // 190 letters of the alphabet that every phone has, and the code.
    let words = format!("code_text = \"{} {{code}}\"\n", "a]".repeat(95));
    for long in ["udh", "payload"] {
        let (server, centre, _) = by_smpp(&words, &format!("long = \"{long}\"\n"))?;
        ensure!(ask(&Api::new(server.http()), "13900139000")?.status == 204, "{}", server.log());
        let is_whole = long == "payload";
        let messages = centre.told("message", if is_whole { 1 } else { 2 })?;
        ensure!(messages.iter().all(|message| message["data_coding"] == 0), "{messages:?}");
        let mut text = Vec::new();
        for (n, message) in (1_u8..).zip(&messages) {
            if is_whole {
                text = octets(message, "payload")?;
                ensure!(message["short"] == "" && message["esm_class"] == 0, "{message}");
                continue;
            }
            ensure!(message["esm_class"] == 0x40, "{message}");
            let short = octets(message, "short")?;
            // 3GPP TS 23.040 §9.2.3.24.1: 5 octets follow, of which 3 say: of message 0 two parts, this is the n-th.
            ensure!(short[..6] == [5, 0, 3, 0, 2, n] && short.len() <= 159, "{short:?}");
            text.extend_from_slice(&short[6..]);
        }
        // `]` is two septets: the escape and 0x3e (3GPP TS 23.038 §6.2.1.1).
        let wanted = [0x61, 0x1b, 0x3e].repeat(95);
        ensure!(text.starts_with(&wanted), "{text:?}");
        match &text[wanted.len()..] {
            [b' ', code @ ..] if code.len() == 6 && code.iter().all(u8::is_ascii_digit) => {}
            other => bail!("{other:?}"),
        }
    }
    Ok(())
}
