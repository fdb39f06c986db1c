//! Messages by the API: who sees and hears which, and what is noted of it.

use engine::centre::{AgentRules, QueueMember, QueueRules};
use engine::secrets::hash_password;
use engine::store::agents::Agent;
use engine::store::employees::Employee;
use engine::store::queues::Queue;
use engine::store::recordings::{Recording, RecordingFile, RecordingState};
use engine::store::records::{CallDocument, CallRecord, Derived};
use engine::store::roles::DataPermission;
use engine::store::setting::{Change, Origin};
use engine::store::voicemails::{FirstUse, Voicemail};
use hooks::fact::{AudioFormat, CallSource, Direction};
use hooks::id::{CallId, RecordingId};
use hooks::position::Position;
use serde_json::json;
use switch::input::{Command, VoicemailUse};

use crate::fixture::{Client, Fixture, PASSWORD, default_tenant, other_tenant};

const NOON: u64 = 1_795_336_200_000;

fn id(n: u64) -> RecordingId {
    RecordingId::new(NOON + n * 1_000, u128::from(n))
}

fn document(n: u64, mailbox: &str, listened: Option<FirstUse>) -> CallDocument {
    let call = CallId::new(NOON + n * 1_000, u128::from(n));
    let record = CallRecord {
        call,
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: "13800000000".to_owned(),
        caller_name: String::new(),
        callee: "8610".to_owned(),
        trunk: None,
        emergency: false,
        caller_extension: None,
        callee_extension: None,
        created_at_ms: NOON,
        ringing_at_ms: None,
        answered_at_ms: None,
        interruptions: Vec::new(),
        queue: None,
        queue_wait_ms: None,
        connected_at_ms: None,
        agent: None,
        overflow_number: None,
        lost: false,
        survey: None,
        end: None,
    };
    let file = RecordingFile {
        path: "default/a.wav".to_owned(),
        bytes: 1_000,
        duration_ms: 20,
        sha256: "ab".repeat(32),
        partial: false,
        format: AudioFormat::Wav,
        stored: None,
    };
    let recording = Recording {
        recording: id(n),
        call,
        left: None,
        right: None,
        part: 1,
        started_at_ms: NOON,
        marks: Vec::new(),
        mailbox: Some(mailbox.to_owned()),
        discarded: false,
        state: RecordingState::Ready(file),
    };
    let message = Voicemail {
        voicemail: id(n),
        call,
        mailbox: mailbox.to_owned(),
        caller: "13800000000".to_owned(),
        caller_name: String::new(),
        callee: "8610".to_owned(),
        left_at_ms: NOON + n * 1_000,
        length_ms: n * 1_000,
        listened,
        downloaded: None,
        deleted: None,
    };
    CallDocument { recordings: vec![recording], voicemails: vec![message], ..CallDocument::of(record) }
}

/// Messages 1 for extension 1001, 2 for the queue `support` and 3 for the queue `sales`. 10001 signs in on 1001 and serves `support`.
async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    let folder = fixture.folder.path().join("recordings/default");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.wav"), (0..1_000_u32).map(|n| (n % 251) as u8).collect::<Vec<u8>>()).unwrap();
    let change = || Change::system(default_tenant(), Origin::Setup);
    for (number, keys) in [("10001", &[][..]), ("10002", &["voicemails.read"])] {
        let role = fixture.role(number, keys, DataPermission::All).await;
        let login = format!("agent-{number}");
        let employee = Employee { login, must_change: false, role, ..Employee::new(number, hash_password(PASSWORD)) };
        fixture.store.create(change(), employee).await.unwrap();
    }
    let rules = AgentRules { extension: Some("1001".to_owned()), ..AgentRules::default() };
    fixture.store.create(change(), Agent { agent: "10001".parse().unwrap(), rules }).await.unwrap();
    for (name, members) in [("support", vec!["10001"]), ("sales", vec![])] {
        let member = |agent: &str| QueueMember { agent: agent.to_owned(), level: 1, order: 0 };
        let rules = QueueRules { members: members.into_iter().map(member).collect(), ..QueueRules::default() };
        fixture.store.create(change(), Queue { name: name.parse().unwrap(), rules }).await.unwrap();
    }
    let heard = FirstUse { at_ms: NOON + 9_000, by: "admin".to_owned() };
    let calls = vec![
        document(1, "extension:1001", None),
        document(2, "queue:support", Some(heard)),
        document(3, "queue:sales", None),
    ];
    let from = Position::start(default_tenant());
    let to = Position { number: 9, epoch: 1, ..from.clone() };
    fixture.store.save_derived("records", &from, &to, &Derived { calls, ..Derived::default() }).await.unwrap();
    fixture
}

async fn signed_in<'f>(fixture: &'f Fixture, login: &str) -> Client<'f> {
    let session = fixture
        .client()
        .post("/session", json!({"login": login, "password": PASSWORD, "tenant": "default"}))
        .await
        .json();
    fixture.client().with("authorization", &format!("Bearer {}", session["token"].as_str().unwrap()))
}

async fn listed(client: &Client<'_>, query: &str) -> Vec<u64> {
    let page = client.get(&format!("/voicemails{query}")).await.json();
    page["items"].as_array().unwrap().iter().map(|item| item["length_ms"].as_u64().unwrap() / 1_000).collect()
}

/// Proves VM-06.
#[tokio::test]
async fn who_belongs_to_a_box_sees_what_is_in_it_and_who_may_see_all_sees_all() {
    let fixture = fixture().await;
    let (agent, reader) = (signed_in(&fixture, "agent-10001").await, signed_in(&fixture, "agent-10002").await);
    assert_eq!(listed(&agent, "").await, [2, 1]);
    assert_eq!(listed(&agent, "?mailbox=queue:support").await, [2]);
    assert_eq!(listed(&agent, "?mailbox=queue:sales").await, Vec::<u64>::new());
    assert_eq!(listed(&reader, "").await, [3, 2, 1]);
    for (client, n, status) in [(&agent, 1, 200), (&agent, 2, 200), (&agent, 3, 404), (&reader, 3, 200)] {
        assert_eq!(client.get(&format!("/voicemails/{}", id(n))).await.status, status, "{n}");
    }
    for (path, key) in [("/audio", "voicemails.play"), ("/file", "voicemails.download")] {
        assert_eq!(agent.get(&format!("/voicemails/{}{path}", id(2))).await.status, 200);
        assert_eq!(agent.get(&format!("/voicemails/{}{path}", id(3))).await.status, 404);
        let refused = reader.get(&format!("/voicemails/{}{path}", id(3))).await;
        assert!(refused.status == 403 && refused.json()["detail"].as_str().unwrap().contains(key), "{key}");
    }
    assert_eq!(reader.delete(&format!("/voicemails/{}", id(3))).await.status, 403);
    assert_eq!(agent.delete(&format!("/voicemails/{}", id(3))).await.status, 404);
    let theirs = fixture.token(&other_tenant(), &["*"]).await;
    let theirs = fixture.client().with("authorization", &format!("Bearer {theirs}"));
    assert_eq!(listed(&theirs, "").await, Vec::<u64>::new());
    assert_eq!(theirs.get(&format!("/voicemails/{}", id(1))).await.status, 404);
    assert_eq!(fixture.client().get("/voicemails").await.status, 401);
}

/// Proves VM-02 as far as the server goes.
#[tokio::test]
async fn a_message_is_shown_filtered_and_is_no_recording_of_a_talk() {
    let fixture = fixture().await;
    let admin = fixture.admin().await;
    let shown = admin.get(&format!("/voicemails/{}", id(2))).await.json();
    let expected = json!({
        "id": id(2).to_string(), "call_id": CallId::new(NOON + 2_000, 2).to_string(), "mailbox": "queue:support",
        "caller": "13800000000", "caller_name": "", "callee": "8610", "left_at": "2026-11-22T08:30:02.000Z", "length_ms": 2_000,
        "listened": true, "first_listened": {"at": "2026-11-22T08:30:09.000Z", "by": "admin"},
        "downloaded": false, "first_downloaded": null, "state": "ready",
        "audio": format!("/api/v1/voicemails/{}/audio", id(2)),
    });
    assert_eq!(shown, expected);
    let filters = [
        ("?listened=false", vec![3, 1]),
        ("?downloaded=true", vec![]),
        ("?caller=13800000000&length_min_ms=2000&length_max_ms=2500", vec![2]),
        ("?callee=8611", vec![]),
        ("?from=2026-11-22T08:30:02Z&to=2026-11-22T08:30:03Z", vec![2]),
    ];
    for (query, expected) in filters {
        assert_eq!(listed(&admin, query).await, expected, "{query}");
    }
    for bad in ["?mailbox=sales", "?listened=maybe", "?colour=red"] {
        assert_eq!(admin.get(&format!("/voicemails{bad}")).await.problem(), "invalid", "{bad}");
    }
    let page = admin.get("/voicemails?limit=2").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(listed(&admin, &format!("?cursor={cursor}")).await, [1]);
    assert_eq!(admin.get(&format!("/recordings/{}", id(2))).await.status, 404);
    let record = admin.get(&format!("/call-records/{}", CallId::new(NOON + 2_000, 2))).await.json();
    assert_eq!(record["recordings"], json!([]));
    assert_eq!(record["voicemails"], json!([format!("/api/v1/voicemails/{}", id(2))]));
}

/// Proves VM-01 as far as the server goes, and of REC-07 what concerns messages: they are sought in and saved as recordings are.
#[tokio::test]
async fn the_first_who_listens_or_takes_a_copy_is_noted_and_ranges_are_served() {
    let fixture = fixture().await;
    let admin = fixture.admin().await;
    let (audio, file) = (format!("/voicemails/{}/audio", id(1)), format!("/voicemails/{}/file", id(1)));
    let part = admin.clone().with("range", "bytes=100-199").get(&audio).await;
    assert_eq!((part.status.as_u16(), part.bytes.len(), part.bytes[0]), (206, 100, 100));
    let whole: Vec<u8> = (0..1_000_u32).map(|n| (n % 251) as u8).collect();
    assert!(part.bytes[..] == whole[100..200]);
    let heard = admin.get(&audio).await;
    assert_eq!(
        (heard.status.as_u16(), heard.header("content-type"), heard.header("accept-ranges")),
        (200, "audio/wav", "bytes")
    );
    assert!(heard.bytes == whole);
    let copied = admin.get(&file).await;
    assert!(copied.header("content-disposition").starts_with("attachment; filename="));
    assert_eq!((copied.header("content-type"), copied.bytes == whole), ("audio/wav", true));
    // Somebody has listened to this one before.
    assert_eq!(admin.get(&format!("/voicemails/{}/audio", id(2))).await.status, 200);
    assert_eq!(admin.delete(&format!("/voicemails/{}", id(1))).await.status, 204);
    let told: Vec<(RecordingId, VoicemailUse, String)> = fixture
        .switch
        .commands
        .lock()
        .unwrap()
        .iter()
        .map(|(_, command)| match command {
            Command::Voicemail { voicemail, what, by, .. } => (*voicemail, *what, by.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let by = "token:test".to_owned();
    let expected = [VoicemailUse::Listen, VoicemailUse::Download, VoicemailUse::Delete];
    assert_eq!(told, expected.map(|what| (id(1), what, by.clone())));
}

#[tokio::test]
async fn boxes_are_set_for_extensions_queues_and_routes() {
    let fixture = fixture().await;
    let admin = fixture.admin().await;
    let set = |greeting: &str| json!({"handling": {"voicemail": true, "voicemail_greeting": greeting}});
    let wrong = admin.patch("/extensions/1001", set("no_such")).await;
    assert_eq!(
        (wrong.problem().as_str(), &wrong.json()["errors"][0]["field"]),
        ("invalid", &json!("handling.voicemail_greeting"))
    );
    let fine = admin.patch("/extensions/1001", set("ivr_closed")).await.json();
    assert_eq!(
        (&fine["handling"]["voicemail"], &fine["handling"]["voicemail_greeting"]),
        (&json!(true), &json!("ivr_closed"))
    );
    let rules = |greeting: &str| json!({"voicemail_greeting": greeting, "overflow": ["voicemail"]});
    assert_eq!(admin.send("PUT", "/queues/sales", Some(rules("No"))).await.problem(), "invalid");
    assert_eq!(admin.send("PUT", "/queues/sales", Some(rules("nothing"))).await.problem(), "invalid");
    assert_eq!(admin.send("PUT", "/queues/sales", Some(rules("queue_closed"))).await.status, 200);
    let route = |name: &str, to: &str| json!({"name": name, "direction": "inbound", "did": "8611", "to": to});
    for wrong in ["voicemail:queue:none", "voicemail:extension:4444", "voicemail:sales"] {
        assert_eq!(admin.post("/routes", route("x", wrong)).await.problem(), "invalid", "{wrong}");
    }
    for (name, to) in [("q", "voicemail:queue:sales"), ("e", "voicemail:extension:1002")] {
        let made = admin.post("/routes", route(name, to)).await;
        assert_eq!((made.status.as_u16(), &made.json()["to"]), (201, &json!(to)));
    }
    for path in ["/queues/sales", "/extensions/1002"] {
        assert_eq!(admin.delete(path).await.problem(), "in-use", "{path}");
    }
    let settings = fixture.switch.settings.lock().unwrap();
    let last = &settings.last().unwrap().0;
    assert!(last.extensions[&"1001".parse().unwrap()].handling.voicemail);
    let queue = &last.queues[&"sales".parse().unwrap()];
    assert_eq!(queue.overflow, [switch::config::Overflow::Voicemail]);
}

/// Proves of GEN-12 what the server does: what is deleted is hidden, not erased, and a call's record keeps the names of its day.
#[tokio::test]
async fn what_is_deleted_is_hidden_and_records_keep_the_names_they_had() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/queues", json!({"name": "vip", "rules": {}})).await.status, 201);
    let mut call = document(1, "queue:vip", None);
    call.record.queue = Some("vip".to_owned());
    call.record.caller_extension = Some("1001".to_owned());
    call.record.caller_name = "Anna".to_owned();
    call.voicemails[0].deleted = Some(FirstUse { at_ms: NOON + 9_000, by: "admin".to_owned() });
    let record = format!("/call-records/{}", call.record.call);
    let from = Position::start(default_tenant());
    let to = Position { number: 1, epoch: 1, ..from.clone() };
    let derived = Derived { calls: vec![call, document(2, "queue:vip", None)], ..Derived::default() };
    fixture.store.save_derived("records", &from, &to, &derived).await.unwrap();
    assert_eq!(listed(&admin, "").await, [2]);
    assert_eq!(admin.get(&format!("/voicemails/{}", id(1))).await.status, 404);
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(fixture.folder.path().join("test.db"));
    let mut database = sqlx::ConnectOptions::connect(&file).await.unwrap();
    let kept: (i64,) = sqlx::query_as("SELECT COUNT(*) FROM voicemails").fetch_one(&mut database).await.unwrap();
    assert_eq!(kept, (2,));

    assert_eq!(admin.patch("/extensions/1001", json!({"display_name": "Berta"})).await.status, 200);
    assert_eq!(admin.delete("/queues/vip").await.status, 204);
    let shown = admin.get(&record).await.json();
    assert_eq!((&shown["queue"], &shown["caller_name"]), (&json!("vip"), &json!("Anna")));
}
