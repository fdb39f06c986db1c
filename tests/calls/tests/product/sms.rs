//! Short messages by the real binary: ordered at the API, handed to the gateway, and never twice.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use calls::api::Api;
use calls::switchboard::{Setup, Switchboard};
use calls::wait;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(15);

/// A server whose gateway is a file.
fn server() -> Result<(Switchboard, PathBuf)> {
    let sections = "[sms]\ndriver = \"file\"\noutbox = \"sms.jsonl\"\n".to_owned();
    let server = Switchboard::start_with(Setup { sections, ..Setup::default() })?;
    let outbox = server.folder().join("sms.jsonl");
    Ok((server, outbox))
}

fn made(api: &Api, path: &str, body: &Value) -> Result<Value> {
    let answer = api.post(path, body)?;
    ensure!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.json());
    Ok(answer.json())
}

fn messages(outbox: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(outbox).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Proves SMS-03 and SMS-10 in the whole product: what is ordered reaches the gateway, also after `kill -9`, once.
#[test]
fn what_is_ordered_reaches_the_gateway_once() -> Result<()> {
    let (mut server, outbox) = server()?;
    let api = server.api()?;
    let signature = made(&api, "sms/signatures", &json!({"name": "客服"}))?["id"].clone();
    let text = json!({"name": "case", "content": "{name}，您好", "signature": signature});
    let template = made(&api, "sms/templates", &text)?["id"].as_str().unwrap_or_default().to_owned();
    made(&api, &format!("sms/templates/{template}/review"), &json!({"approve": true}))?;
    let order = |numbers: Vec<String>| json!({"numbers": numbers, "template": template, "parameters": {"name": "李"}});
    made(&api, "sms/messages", &order(vec!["13800138000".to_owned()]))?;
    wait::until("a message at the gateway", SOON, || Ok((messages(&outbox).len() == 1).then_some(())))?;
    let message = messages(&outbox).remove(0);
    ensure!(message["to"] == "+8613800138000" && message["text"] == "李，您好", "{message}");
    ensure!(message["signature"] == "客服", "{message}");

    // Killed right after an order for many: some were handed over, the rest waits, and none comes twice.
    let many: Vec<String> = (0..50).map(|n| (13_900_000_000_u64 + n).to_string()).collect();
    made(&api, "sms/messages", &order(many))?;
    server.kill()?;
    server.start_again()?;
    let api = server.api()?;
    let settled = wait::until("all to be settled", SOON, || {
        let rows = api.get("sms/messages?limit=100")?["items"].as_array().cloned().unwrap_or_default();
        Ok(rows.iter().all(|row| row["result"] != "not_sent").then_some(rows))
    })?;
    ensure!(settled.len() == 51, "{}", settled.len());
    let sent = settled.iter().filter(|row| row["result"] == "sent").count();
    let mut to: Vec<String> = messages(&outbox).iter().map(|message| message["to"].to_string()).collect();
    let handed = to.len();
    to.sort();
    to.dedup();
    ensure!(to.len() == handed, "a number got a message twice");
    ensure!(sent <= handed && handed <= sent + 1, "{sent} sent, {handed} at the gateway");
    Ok(())
}
