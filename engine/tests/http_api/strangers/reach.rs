//! What is another tenant's, named in queries and bodies; what is pushed, and files.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::time::Duration;

use calamine::Reader as _;
use engine::tasks;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

use super::bodies::{Sent, body, query};
use super::plant::{append, clients, deliver};
use super::{Two, is_asked, items};
use crate::events::{open, start};
use crate::fixture::{Answer, Client};
use crate::rights::operations;

/// The parameters of queries that name what a tenant has, by its kind.
const REFERENCES: [(&str, &str); 16] = [
    ("agent", "agents"),
    ("agent", "employees"),
    ("after", "positions"),
    ("department", "departments"),
    ("extension", "extensions"),
    ("leg", "legs"),
    ("mailbox", "mailboxes"),
    ("number", "employees"),
    ("operator", "employees"),
    ("owner", "agents"),
    ("queue", "queues"),
    ("resource_id", "employees"),
    ("resource_id", "roles"),
    ("role", "roles"),
    ("supervisor", "agents"),
    ("trunk", "trunks"),
];

/// Those that name nothing: times, words, measures, texts.
const PLAIN: &[&str] = &[
    "agents",
    "answered",
    "at",
    "by",
    "callee",
    "caller",
    "cause",
    "cursor",
    "description",
    "direction",
    "downloaded",
    "flag",
    "format",
    "from",
    "kind",
    "language",
    "length_max_ms",
    "length_min_ms",
    "limit",
    "listened",
    "lost",
    "module",
    "name",
    "nickname",
    "outcome",
    "overflow_answered",
    "phone",
    "reason",
    "resource",
    "satisfaction",
    "service_level",
    "state",
    "status",
    "talk_max_ms",
    "talk_min_ms",
    "text",
    "time",
    "to",
    "version",
    "wait_ms",
    "weekdays",
    "whole",
    "word",
];

/// Proves GEN-02: every parameter of a query that names something, with what is another tenant's.
#[tokio::test]
async fn a_query_for_what_is_another_tenants_finds_nothing() {
    let two = Two::new().await;
    let before = two.dump().await;
    let [client, _] = clients(&two.fixture, &two.own.tenant).await;
    let mut n = 100;
    for operation in operations().iter().filter(|it| is_asked(it)) {
        for name in &operation.query {
            let kinds = REFERENCES.iter().filter(|(parameter, _)| parameter == name).collect::<Vec<_>>();
            let is_known = kinds.is_empty() == PLAIN.contains(&name.as_str());
            two.require(is_known, || format!("{name} of {}: say what it names", operation.id));
            for (_, kind) in kinds {
                let writer = two.writer(&mut n);
                let path = format!("{}?{name}={}", two.own.path(&operation.path), two.theirs.id(kind));
                let sent = if operation.takes_body { body(&operation.id, &writer, &two.own) } else { Sent::Nothing };
                let answer = deliver(&client, &operation.method, &path, sent).await;
                two.check(operation, &answer);
                let found = items(&answer).unwrap_or_default();
                two.require(found.is_empty(), || format!("{path} found {found:?}"));
            }
        }
    }
    two.is_untouched(&before).await;
}

/// Where another tenant's ID in a body is not refused, since it names nothing of his.
const HARMLESS: [(&str, &str); 9] = [
    // Numbers, which mean what one's own plan says.
    ("join_three_way", "/to"),
    ("consult", "/to"),
    ("transfer_call", "/to"),
    ("create_extension", "/handling/forward_busy"),
    ("change_extension", "/handling/forward_busy"),
    // Orders within one's own tenant, which the switch refuses; that of the tests notes them.
    ("send_digits", "/leg"),
    ("sign_in_agent", "/extension"),
    ("pick_up_call", "/agent"),
    // It finds nothing: see below.
    ("start_export", "/query"),
];

/// Proves GEN-02: every reference in a body, one at a time, to what is another tenant's.
#[tokio::test]
async fn a_body_that_names_what_is_another_tenants_is_refused() {
    let two = Two::new().await;
    let before = two.dump().await;
    let [token, administrator] = clients(&two.fixture, &two.own.tenant).await;
    let (mut n, mut tried) = (100, BTreeSet::new());
    for operation in operations().iter().filter(|it| is_asked(it) && it.takes_body) {
        let client = if operation.id == "make_sip_credential" { &administrator } else { &token };
        let writer = two.writer(&mut n);
        let Sent::Json(own) = body(&operation.id, &writer, &two.own) else { continue };
        let Sent::Json(theirs) = body(&operation.id, &writer, &two.theirs) else { continue };
        let mut references = Vec::new();
        differing("", &own, &theirs, &mut references);
        if references.is_empty() {
            continue;
        }
        let path = two.own.path(&operation.path) + &query(&operation.id, &writer);
        for (pointer, foreign) in references {
            let writer = two.writer(&mut n);
            let Sent::Json(mut changed) = body(&operation.id, &writer, &two.own) else { continue };
            *changed.pointer_mut(&pointer).unwrap() = foreign;
            let answer = deliver(client, &operation.method, &path, Sent::Json(changed)).await;
            two.check(operation, &answer);
            let harmless = HARMLESS.contains(&(operation.id.as_str(), pointer.as_str()));
            let text = String::from_utf8_lossy(&answer.bytes);
            let refused = [403, 404, 409, 422].contains(&answer.status.as_u16());
            let well = refused || harmless || is_faulted(&answer);
            two.require(well, || format!("{} took {pointer}: {text}", operation.id));
            tried.insert(format!("{} {pointer}", operation.id));
        }
        // All of its own, so that it was the other's that was refused.
        let answer = deliver(client, &operation.method, &path, Sent::Json(own)).await;
        two.check(operation, &answer);
        let text = String::from_utf8_lossy(&answer.bytes);
        let taken = answer.status.is_success() && !is_faulted(&answer);
        two.require(taken, || format!("{} did not take its own: {} {text}", operation.id, answer.status));
    }
    assert!(tried.len() > 45, "{}: {tried:?}", tried.len());
    two.is_untouched(&before).await;
}

/// Whether it was saved, as a draft is, with what is wrong with it.
fn is_faulted(answer: &Answer) -> bool {
    let body = serde_json::from_slice::<Value>(&answer.bytes).unwrap_or_default();
    body["problems"].as_array().is_some_and(|problems| !problems.is_empty())
}

/// Where two bodies are not the same, and what stands there in the second one.
fn differing(at: &str, one: &Value, other: &Value, found: &mut Vec<(String, Value)>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (name, value) in one {
                differing(&format!("{at}/{name}"), value, &other[name], found);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for (n, (value, other)) in one.iter().zip(other).enumerate() {
                differing(&format!("{at}/{n}"), value, other, found);
            }
        }
        (one, other) if one != other => found.push((at.to_owned(), other.clone())),
        _ => {}
    }
}

/// Proves GEN-02 for what is pushed: a desk, a wallboard, the events.
#[tokio::test]
async fn nothing_of_another_tenant_is_pushed() {
    let two = Two::new().await;
    let server = start(&two.fixture).await;
    for client in clients(&two.fixture, &two.own.tenant).await {
        let bearer = [("authorization", client.bearer())];
        for path in ["/desk/stream", "/wallboard/stream", "/events/stream"] {
            let mut socket = open(&server, path, &bearer).await.unwrap();
            append(&two.fixture, &two.theirs);
            append(&two.fixture, &two.own);
            let pushed = loop {
                let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
                if let Message::Text(text) = message.unwrap().unwrap() {
                    break text.to_string();
                }
            };
            assert!(!pushed.contains(&two.theirs.canary), "{path}: {pushed}");
            assert!(path == "/desk/stream" || pushed.contains(&two.own.canary), "{path}: {pushed}");
        }
    }
}

/// Proves GEN-02 for files: every list that can be one, narrowed to another tenant's and not.
#[tokio::test]
async fn nothing_of_another_tenant_is_in_a_file() {
    let two = Two::new().await;
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(tasks::run(two.fixture.api.tasks().clone(), stopping));
    let [_, administrator] = clients(&two.fixture, &two.own.tenant).await;
    let modules = administrator.get("/tasks/modules").await.json();
    let modules = modules["items"].as_array().or_else(|| modules["modules"].as_array()).unwrap().clone();
    let exports = modules.iter().filter(|it| it["kind"] == "export").map(|it| it["module"].as_str().unwrap());
    let mut told = BTreeSet::new();
    for module in exports.filter(|module| *module != "phonebook_entries") {
        let cells = exported(&administrator, module, "").await;
        assert!(!cells.contains(&two.theirs.canary), "{module}: {cells}");
        if cells.contains(&two.own.canary) {
            told.insert(module.to_owned());
        }
    }
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), ["call_records", "voicemails"]);
    let theirs = exported(&administrator, "call_records", &format!("agent={}", two.theirs.id("agents"))).await;
    assert_eq!(theirs, "", "and nothing where it is asked for");
}

/// The cells of a file that somebody has made, below its head.
async fn exported(who: &Client<'_>, module: &str, query: &str) -> String {
    let started = who.post("/tasks/exports", json!({"module": module, "query": query})).await;
    assert_eq!(started.status, 201, "{module}: {}", started.json());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    crate::fields::until_done(who, &id).await;
    let file = who.get(&format!("/tasks/{id}/file")).await;
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(Cursor::new(file.bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let cells = range.rows().skip(1).flatten().map(ToString::to_string).collect::<Vec<_>>();
    cells.join(" ")
}
