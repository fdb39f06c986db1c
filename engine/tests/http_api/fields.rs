//! Fields that roles have rights on (ORG-32): every operation of the document is asked by somebody from whom all numbers are hidden, and by
//! somebody who sees them masked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::time::Duration;

use calamine::Reader as _;
use engine::centre::{AgentRules, QueueMember, QueueRules};
use engine::store::agents::Agent;
use engine::store::employees::Employee;
use engine::store::queues::Queue;
use engine::store::records::{CallDocument, CallLeg, Derived, Segment, SegmentKind};
use engine::store::roles::{DataPermission, FieldRight, Role};
use engine::store::setting::{Change, Origin};
use engine::store::voicemails::Voicemail;
use engine::tasks;
use futures_util::StreamExt as _;
use hooks::fact::{CallCreated, CallSource, Direction, Event, Fact, MemberRole, PeerKind};
use hooks::id::{CallId, ConferenceId, LegId, RecordingId};
use hooks::position::Position;
use serde_json::{Value, json};
use switch::input::Command;
use switch::media::Decibels;
use switch::queue::Figures;
use switch::view::{CallbackView, ConferenceView, MemberView, QueueView, View};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

use crate::events::{open, start};
use crate::fixture::{Client, Fixture, call_view, default_tenant};
use crate::people::{department, employee, signed_in};
use crate::phonebook::Masking;
use crate::rights::{Operation, operations, record, standing, stay};

const ROOT: &str = "00000000000000000000000001";
const NOON: u64 = 1_795_336_200_000;
/// Of somebody outside: stands wherever a number may stand.
const NUMBER: &str = "13900007777";
const MASKED: &str = "139****7777";

fn incoming() -> CallId {
    CallId::new(NOON, 1)
}

fn outgoing() -> CallId {
    CallId::new(NOON, 2)
}

fn live() -> CallId {
    CallId::new(NOON, 3)
}

fn message() -> RecordingId {
    RecordingId::new(NOON, 4)
}

/// A call with the number wherever it has one.
fn document(call: CallId, direction: Direction) -> CallDocument {
    let mut document = record(call, NUMBER, "10060");
    document.record.direction = direction;
    document.record.survey = None;
    document.record.caller_name = NUMBER.to_owned();
    document.record.callee = NUMBER.to_owned();
    document.record.overflow_number = Some(NUMBER.to_owned());
    let dial = Segment { number: Some(NUMBER.to_owned()), ..Segment::of(SegmentKind::Dial, NOON) };
    document.segments.push(dial);
    document.legs.push(CallLeg {
        leg: LegId::new(NOON, 1),
        caller_side: true,
        peer: PeerKind::Trunk,
        peer_name: "carrier".to_owned(),
        number: NUMBER.to_owned(),
        sip_call_id: "x".to_owned(),
        started_at_ms: NOON,
        ringing_at_ms: None,
        early_media: false,
        answer: None,
        end: None,
    });
    document
}

/// Every kind of row and of what is live, each with the number.
async fn plant(fixture: &Fixture) {
    let admin = fixture.admin().await;
    let change = || Change::system(default_tenant(), Origin::Setup);
    employee(fixture, "10060", Role::AGENT, ROOT).await;
    let them = Employee {
        mobile: Some(NUMBER.parse().unwrap()),
        ..Employee::new("10061", engine::secrets::hash_password("first1"))
    };
    fixture.store.create(change(), them).await.unwrap();
    let rules = AgentRules { mobile: Some(NUMBER.to_owned()), ..AgentRules::default() };
    fixture.store.create(change(), Agent { agent: "10060".parse().unwrap(), rules }).await.unwrap();
    let members = vec![QueueMember { agent: "10060".to_owned(), level: 1, order: 0 }];
    let rules = QueueRules { members, overflow: vec![format!("number:{NUMBER}")], ..QueueRules::default() };
    fixture.store.create(change(), Queue { name: "support".parse().unwrap(), rules }).await.unwrap();
    for (path, body) in [
        ("/blocks", json!({"number": NUMBER, "side": "caller"})),
        ("/callers", json!({"number": NUMBER, "priority": 2})),
    ] {
        assert_eq!(admin.post(path, body).await.status, 201, "{path}");
    }
    let forwarded = admin.patch("/extensions/1001", json!({"handling": {"forward_busy": NUMBER}})).await;
    assert_eq!(forwarded.status, 200, "{}", forwarded.json());
    let mut first = document(incoming(), Direction::Inbound);
    first.voicemails = vec![Voicemail {
        voicemail: message(),
        call: incoming(),
        mailbox: "queue:support".to_owned(),
        caller: NUMBER.to_owned(),
        caller_name: NUMBER.to_owned(),
        callee: NUMBER.to_owned(),
        left_at_ms: NOON,
        length_ms: 61_000,
        listened: None,
        downloaded: None,
        deleted: None,
    }];
    first.recordings = vec![crate::rights::audio(message(), incoming(), Some("queue:support"))];
    let calls = vec![first, document(outgoing(), Direction::Outbound)];
    let derived = Derived { calls, stays: vec![stay(1, "10060", NUMBER)], ..Derived::default() };
    let from = Position::start(default_tenant());
    let to = Position { number: 9, epoch: 1, ..from.clone() };
    fixture.store.save_derived("records", &from, &to, &derived).await.unwrap();
    publish(fixture);
}

fn publish(fixture: &Fixture) {
    fixture.live.apply(View::Call(call_view(&default_tenant(), live(), NUMBER, NUMBER)));
    for agent in ["10060", "10062", "10063"] {
        fixture.live.apply(standing(agent, live(), NUMBER));
    }
    let callback = CallbackView { call: live(), number: NUMBER.into(), since_ms: NOON, attempts: 1, under_way: None };
    fixture.live.apply(View::Queue(Box::new(QueueView {
        tenant: default_tenant(),
        queue: "support".into(),
        waiting: 0,
        first: Vec::new(),
        callbacks: vec![callback],
        signed_in: 1,
        idle: 1,
        today: Figures::default(),
    })));
    let member = MemberView {
        call: live(),
        leg: LegId::new(NOON, 8),
        peer: PeerKind::Trunk,
        peer_name: "carrier".into(),
        number: NUMBER.into(),
        role: MemberRole::Moderator,
        muted: false,
        held: false,
        gain: Decibels::new(0),
        joined_ms: NOON,
    };
    fixture.live.apply(View::Conference(Box::new(ConferenceView {
        tenant: default_tenant(),
        conference: ConferenceId::new(NOON, 9),
        room: "8000".into(),
        started_ms: NOON,
        locked: false,
        recording: None,
        members: vec![member],
    })));
    let created = CallCreated {
        call: incoming(),
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: NUMBER.to_owned(),
        caller_name: NUMBER.to_owned(),
        callee: NUMBER.to_owned(),
        trunk: None,
        emergency: false,
        diverted_from: None,
    };
    let fact = Fact { tenant: default_tenant(), at_ms: NOON, event: Event::CallCreated(created) };
    fixture.journals.lock().unwrap().get_mut(&default_tenant()).unwrap().append(&[fact]).unwrap();
}

/// Somebody with every permission and the data of all, whose role has this right on every field that there is.
async fn with_right<'f>(fixture: &'f Fixture, number: &str, right: Option<FieldRight>) -> Client<'f> {
    let registry = fixture.admin().await.get("/permissions").await.json();
    let names = |list: &str, member: &str| -> Vec<String> {
        let items = registry[list].as_array().unwrap().iter();
        items.map(|it| it[member].as_str().unwrap().to_owned()).collect()
    };
    let phone = |name: &String| {
        registry["fields"].as_array().unwrap().iter().any(|it| it["name"] == **name && it["phone"] == true)
    };
    let fields: BTreeMap<String, FieldRight> = right.map_or_else(BTreeMap::new, |right| {
        let fields = names("fields", "name").into_iter().filter(|name| right != FieldRight::Masked || phone(name));
        fields.map(|name| (name, right)).collect()
    });
    let id = engine::secrets::new_ulid(engine::store::unix_ms());
    let permissions = names("permissions", "key").into_iter().collect();
    let name = format!("role of {number}");
    let role = Role { id: id.clone(), name, permissions, fields, data: DataPermission::All, ..Role::agent() };
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), role).await.unwrap();
    employee(fixture, number, &id, ROOT).await;
    signed_in(fixture, number).await
}

/// With each parameter of the path filled by what was planted.
async fn filled(admin: &Client<'_>, path: &str) -> String {
    let first =
        async |list: &str| admin.get(list).await.json()["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let id = match path {
        _ if path.contains("/employees/") => "10061".to_owned(),
        _ if path.contains("/agents/") => "10060".to_owned(),
        _ if path.contains("/call-records/") => incoming().to_string(),
        _ if path.contains("/recordings/") || path.contains("/voicemails/") => message().to_string(),
        _ if path.contains("/calls/") => live().to_string(),
        _ if path.contains("/blocks/") => first("/blocks").await,
        _ if path.contains("/callers/") => first("/callers").await,
        _ if path.contains("/phonebook/") => "7".to_owned(),
        _ => "01JD9Z4E6N8Q2R5T7V9X1B3D5F".to_owned(),
    };
    let number = if path.contains("/conferences/") { "8000" } else { "1001" };
    path.replace("{id}", &id).replace("{number}", number).replace("{name}", "support").replace("{room}", "8000")
}

fn is_read(operation: &Operation) -> bool {
    operation.method == "GET" && !operation.path.ends_with("/stream")
}

/// The paths of what tells the number to somebody, and of what is refused to him.
async fn telling(admin: &Client<'_>, who: &Client<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut telling, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations().iter().filter(|operation| is_read(operation)) {
        let answer = who.get(&filled(admin, &operation.path).await).await;
        if String::from_utf8_lossy(&answer.bytes).contains(NUMBER) {
            telling.insert(operation.path.clone());
        }
        if answer.status == 403 {
            refused.insert(operation.path.clone());
        }
    }
    (telling, refused)
}

/// Proves ORG-32 (hidden and masked) and GEN-07 (masking is done on the server, in lists and records), for what the engine shows and what
/// plugins do.
#[tokio::test]
async fn no_operation_tells_a_number_to_whom_it_is_hidden_or_masked() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let admin = fixture.admin().await;
    let whole = with_right(&fixture, "10064", None).await;
    let (told, refused) = telling(&admin, &whole).await;
    assert!(refused.is_empty(), "{refused:?}");
    let expected = [
        "/api/v1/agent-states",
        "/api/v1/agents",
        "/api/v1/agents/{id}",
        "/api/v1/audit",
        "/api/v1/blocks",
        "/api/v1/blocks/{id}",
        "/api/v1/call-records",
        "/api/v1/call-records/{id}",
        "/api/v1/callers",
        "/api/v1/callers/{id}",
        "/api/v1/calls",
        "/api/v1/calls/{id}",
        "/api/v1/conferences",
        "/api/v1/employees",
        "/api/v1/employees/{id}",
        "/api/v1/events",
        "/api/v1/extensions",
        "/api/v1/extensions/{number}",
        "/api/v1/missed-offers",
        "/api/v1/phonebook/entries/{id}",
        "/api/v1/queues",
        "/api/v1/queues/{name}",
        "/api/v1/voicemails",
        "/api/v1/voicemails/{id}",
        "/api/v1/wallboard",
    ];
    let missing: Vec<_> = expected.iter().filter(|path| !told.contains(**path)).collect();
    assert!(missing.is_empty(), "planted, but not told: {missing:?}; told: {told:?}");
    for (number, right) in [("10062", FieldRight::Masked), ("10063", FieldRight::Hidden)] {
        let who = with_right(&fixture, number, Some(right)).await;
        let (told, refused) = telling(&admin, &who).await;
        assert!(told.is_empty(), "{right:?}: {told:?}");
        // What has no schema is refused.
        let raw = ["/api/v1/audit", "/api/v1/call-records/{id}/ladder", "/api/v1/events"];
        assert_eq!(refused.iter().map(String::as_str).collect::<Vec<_>>(), raw, "{right:?}");
        let shown = who.get(&format!("/call-records/{}", incoming())).await.json();
        let seen = if right == FieldRight::Masked { MASKED } else { "" };
        let cells = [&shown["caller"], &shown["caller_name"], &shown["callee"], &shown["legs"][0]["number"]];
        assert_eq!(cells, [&json!(seen); 4]);
        assert_eq!(who.get("/desk").await.json()["call"]["caller"], seen, "his own desk");
        let webhook = json!({"url": "https://crm.example/x", "types": ["call.*"]});
        assert_eq!(who.post("/webhooks", webhook).await.problem(), "forbidden", "{right:?}");
        let token = json!({"name": "mine", "permissions": ["call_records.read"]});
        assert_eq!(who.post("/tokens", token).await.problem(), "forbidden", "a token sees everything");
        let role = json!({"name": format!("more than {number}"), "data": {"scope": "all"}});
        assert_eq!(who.post("/roles", role).await.problem(), "forbidden", "nobody gives away what he does not see");
    }
}

/// Proves GEN-07 (`number.mask`): a plugin keeps numbers from one person that his role shows him; each number of an answer is asked about once.
#[tokio::test]
async fn a_plugin_says_number_by_number_who_sees_it() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let admin = fixture.admin().await;
    fixture.live.apply(standing("10064", live(), NUMBER));
    let (shown, kept) = (with_right(&fixture, "10064", None).await, with_right(&fixture, "10062", None).await);
    let hidden = with_right(&fixture, "10063", Some(FieldRight::Hidden)).await;
    let asked = || std::mem::take(&mut *fixture.phonebook.asked.lock().unwrap());
    let everywhere = telling(&admin, &kept).await.0;
    assert!(asked().is_empty(), "who does not say that it answers is not asked");
    *fixture.phonebook.masking.lock().unwrap() = Masking::AllBut("10064");
    // What has no schema is for those who see the data of all, as before.
    let raw = ["/api/v1/audit", "/api/v1/events"].map(str::to_owned).into();
    assert_eq!(telling(&admin, &kept).await.0, raw);
    assert_eq!(telling(&admin, &shown).await.0, everywhere);
    asked();
    let record = format!("/call-records/{}", incoming());
    let told = kept.get(&record).await.json();
    assert_eq!([&told["caller"], &told["callee"], &told["legs"][0]["number"]], [&json!(MASKED); 3]);
    let questions = asked();
    let numbers: BTreeSet<&str> = questions.iter().map(|it| it.number.as_str()).collect();
    assert!(numbers.contains(NUMBER) && numbers.len() == questions.len(), "{questions:?}");
    assert!(questions.iter().all(|it| it.tenant == default_tenant() && it.viewer == "10062"), "{questions:?}");
    // What his role hides nobody is asked about, and a program sees everything.
    assert_eq!(hidden.get(&record).await.json()["caller"], "");
    assert_eq!(admin.get(&record).await.json()["caller"], NUMBER);
    assert!(asked().is_empty());
    let server = start(&fixture).await;
    let mut socket = open(&server, "/wallboard/stream", &[("authorization", kept.bearer())]).await.unwrap();
    let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap();
    let pushed: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
    assert_eq!(pushed.pointer("/agents/0/other_side"), Some(&json!(MASKED)));
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(tasks::run(fixture.api.tasks().clone(), stopping));
    for (who, number) in [(&kept, MASKED), (&shown, NUMBER)] {
        let rows = exported(who, "call_records", "").await;
        assert_eq!([rows[0][2].as_str(), rows[0][4].as_str()], [number; 2]);
    }
}

/// Proves GEN-07 (`number.mask`): where the plugin is late or fails, the role alone decides, and nobody waits for long.
#[tokio::test]
async fn where_the_plugin_does_not_answer_the_role_decides() {
    let fixture = Fixture::in_a_hurry().await;
    plant(&fixture).await;
    let open = with_right(&fixture, "10064", None).await;
    let masked = with_right(&fixture, "10062", Some(FieldRight::Masked)).await;
    for masking in [Masking::Panics, Masking::Hangs] {
        *fixture.phonebook.masking.lock().unwrap() = masking.clone();
        let began = std::time::Instant::now();
        for (who, number) in [(&open, NUMBER), (&masked, MASKED)] {
            let shown = who.get(&format!("/call-records/{}", incoming())).await.json();
            assert_eq!(shown["caller"], number, "{masking:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{masking:?}");
    }
    fixture.phonebook.release();
}

/// Proves GEN-07 (what is pushed to the browser).
#[tokio::test]
async fn what_is_pushed_is_masked_as_what_is_read() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let bearer = with_right(&fixture, "10062", Some(FieldRight::Masked)).await.bearer();
    let server = start(&fixture).await;
    for (path, member) in [("/desk/stream", "/call/caller"), ("/wallboard/stream", "/agents/0/other_side")] {
        let mut socket = open(&server, path, &[("authorization", bearer.clone())]).await.unwrap();
        let pushed = loop {
            let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
            if let Message::Text(text) = message.unwrap().unwrap() {
                break text.to_string();
            }
        };
        assert!(!pushed.contains(NUMBER), "{path}: {pushed}");
        let pushed: Value = serde_json::from_str(&pushed).unwrap();
        assert_eq!(pushed.pointer(member), Some(&json!(MASKED)), "{path}");
    }
    let refused = open(&server, "/events/stream", &[("authorization", bearer)]).await;
    assert!(refused.is_err(), "the log of facts has no schema");
}

/// Until a task of somebody's has come to its end.
pub(crate) async fn until_done(who: &Client<'_>, id: &str) {
    for _ in 0..600 {
        let task = who.get(&format!("/tasks/{id}")).await.json();
        match task["state"].as_str().unwrap() {
            "done" => return,
            "failed" => panic!("{task}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the task {id} goes on and on");
}

/// The cells of a file that somebody has made, without its heads.
async fn exported(who: &Client<'_>, module: &str, query: &str) -> Vec<Vec<String>> {
    let started = who.post("/tasks/exports", json!({"module": module, "query": query})).await;
    assert_eq!(started.status, 201, "{}", started.json());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    until_done(who, &id).await;
    let file = who.get(&format!("/tasks/{id}/file")).await;
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(Cursor::new(file.bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().skip(1).map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// Proves GEN-07 and ORG-32 for files, GEN-04 (HH:MM:SS, the tenant's zone), VM-04 and CDR-04 as far as the engine's lists go, and that what a
/// plugin gives is read by its own declaration and becomes a file (TASK-01).
#[tokio::test]
async fn a_file_holds_what_its_owner_may_see() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(tasks::run(fixture.api.tasks().clone(), stopping));
    let whole = with_right(&fixture, "10064", None).await;
    let masked = with_right(&fixture, "10062", Some(FieldRight::Masked)).await;
    let hidden = with_right(&fixture, "10063", Some(FieldRight::Hidden)).await;
    for (who, seen) in [(&whole, NUMBER), (&masked, MASKED), (&hidden, "")] {
        let rows = exported(who, "call_records", "from=2026-11-01T00:00:00Z").await;
        assert_eq!(rows.len(), 2);
        let calls = rows.iter().map(|row| (row[2].as_str(), row[3].as_str(), row[4].as_str(), row[20].as_str()));
        assert_eq!(calls.collect::<Vec<_>>(), [(seen, seen, seen, seen); 2]);
        assert_eq!((rows[0][10].as_str(), rows[0][18].as_str()), ("2026-11-22 16:30:00", "00:00:05"));
        let rows = exported(who, "voicemails", "").await;
        assert_eq!((rows[0][3].as_str(), rows[0][5].as_str(), rows[0][7].as_str()), (seen, seen, "00:01:01"));
        let rows = exported(who, "phonebook_entries", "word=up&time=2026-11-22T08:30:00Z").await;
        assert_eq!(rows, [["up", seen, "2026-11-22 16:30:00", "00:01:01"]]);
    }
    for (query, detail) in
        [("word=left", "word: write one of up, down"), ("colour=red", "colour: there is no such parameter")]
    {
        let refused = whole.post("/tasks/exports", json!({"module": "phonebook_entries", "query": query})).await;
        let told = refused.json();
        assert!(told["errors"][0]["detail"].as_str().unwrap().starts_with(detail), "{told}");
    }
    // Another's file was made for another's eyes.
    let tasks = masked.get("/tasks?operator=10064").await.json();
    let theirs = tasks["items"][0]["id"].as_str().unwrap();
    assert_eq!(masked.get(&format!("/tasks/{theirs}/file")).await.problem(), "forbidden");
}

/// Proves of ORG-32: what is only read is neither changed nor cleared.
#[tokio::test]
async fn what_is_only_read_is_not_changed() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let admin = fixture.admin().await;
    for (number, right) in [("10062", FieldRight::Read), ("10063", FieldRight::Masked)] {
        let who = with_right(&fixture, number, Some(right)).await;
        // Nobody has power over those who see more.
        let role = admin.get(&format!("/employees/{number}")).await.json()["role"].clone();
        assert_eq!(admin.patch("/employees/10061", json!({"role": role})).await.status, 200);
        let field = async |answer: crate::fixture::Answer| {
            assert_eq!(answer.problem(), "invalid", "{answer:?}");
            answer.json()["errors"][0]["field"].as_str().unwrap().to_owned()
        };
        assert_eq!(field(who.patch("/employees/10061", json!({"mobile": "13800000001"})).await).await, "mobile");
        let nickname = who.patch("/employees/10061", json!({"nickname": number})).await;
        assert_eq!((nickname.status.as_u16(), &nickname.json()["nickname"]), (200, &json!(number)));
        let handling = json!({"handling": {"forward_busy": null}});
        assert!(field(who.patch("/extensions/1001", handling).await).await.starts_with("handling.forward_"));
        let id = who.get("/callers").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
        let rule = json!({"number": MASKED, "priority": 1});
        assert_eq!(field(who.send("PUT", &format!("/callers/{id}"), Some(rule)).await).await, "number");
    }
    assert_eq!(admin.get("/employees/10061").await.json()["mobile"], NUMBER);
    assert_eq!(admin.get("/extensions/1001").await.json()["handling"]["forward_busy"], NUMBER);
}

/// Proves GEN-07 (dialling a masked number goes by record ID, the server fills in the number).
#[tokio::test]
async fn a_number_that_is_not_shown_is_dialled_by_its_record() {
    let fixture = Fixture::new().await;
    plant(&fixture).await;
    let masked = with_right(&fixture, "10062", Some(FieldRight::Masked)).await;
    let (incoming, outgoing, message) = (incoming(), outgoing(), message());
    for record in [
        format!("call-records/{incoming}"),
        format!("call-records/{outgoing}"),
        format!("missed-offers/{incoming}"),
        format!("voicemails/{message}"),
        "employees/10061".to_owned(),
    ] {
        let started = masked.post("/calls", json!({"from": "1001", "record": record})).await;
        assert_eq!(started.status, 201, "{record}: {}", started.json());
        let dialled = fixture.switch.commands.lock().unwrap().last().map(|(_, command)| command.clone());
        let Some(Command::Originate { to, .. }) = dialled else { panic!("{record}: {dialled:?}") };
        assert_eq!(to.as_str(), NUMBER, "{record}");
        assert!(!String::from_utf8_lossy(&started.bytes).contains(NUMBER));
    }
    // Who sees no row dials none.
    let other = department(&fixture.admin().await, "Elsewhere", ROOT).await;
    let keys = ["call.dial", "call_records.read", "voicemails.read", "employees.read"];
    let role = fixture.role("elsewhere", &keys, DataPermission::own()).await;
    employee(&fixture, "10065", &role, &other).await;
    let elsewhere = signed_in(&fixture, "10065").await;
    for record in [
        format!("call-records/{incoming}"),
        format!("missed-offers/{incoming}"),
        format!("voicemails/{message}"),
        "employees/10061".to_owned(),
        "call-records/none".to_owned(),
    ] {
        let refused = elsewhere.post("/calls", json!({"from": "1001", "record": record})).await;
        assert_eq!(refused.problem(), "invalid", "{record}");
        assert_eq!(refused.json()["errors"][0]["detail"], format!("nobody knows a number for `{record}`"));
    }
}

/// Every field of the document is one that roles may name, and every one that they may name is in the document.
#[tokio::test]
async fn fields_of_the_document_and_of_roles_are_the_same() {
    let fixture = Fixture::new().await;
    let registry = fixture.admin().await.get("/permissions").await.json();
    let known = registry["fields"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned());
    let known: BTreeSet<String> = known.collect();
    let plugin: std::sync::Arc<dyn hooks::plugin::Plugin> = std::sync::Arc::new(crate::phonebook::Phonebook::default());
    let document = serde_json::to_value(engine::http::openapi(&[plugin])).unwrap();
    let mut there = BTreeSet::new();
    gather(&document, &mut there);
    assert_eq!(there, known);
}

fn gather(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            fields.extend(members.get("x-field").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| gather(value, fields));
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, fields)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
