//! Every operation of the document asked by somebody who may do everything, but sees the data of another department: nothing of what he
//! does not see is in any answer, and nothing of it changes.

use std::sync::Arc;

use engine::centre::{AgentRules, QueueMember, QueueRules};
use engine::http::operation::PUBLIC;
use engine::store::agent_states::{AgentStay, StayFilter};
use engine::store::agents::Agent;
use engine::store::employees::Employee;
use engine::store::queues::Queue;
use engine::store::recordings::{Recording, RecordingFile, RecordingState};
use engine::store::records::{CallDocument, CallEnd, CallRecord, Derived, Segment, SegmentKind, SurveyResult};
use engine::store::roles::{DataPermission, Role};
use engine::store::scope::Sight;
use engine::store::setting::{Change, Expect, Origin, PageAsk};
use engine::store::voicemails::Voicemail;
use hooks::fact::{
    AgentState, AudioFormat, CallSource, CallStatus, ChangeReason, Direction, EndCause, EndedBy, Sign, SurveyStart,
    SurveySubject, Talk, Way,
};
use hooks::id::{CallId, RecordingId};
use hooks::position::Position;
use serde_json::{Value, json};
use switch::input::Command;
use switch::view::{AgentView, View};

use crate::fixture::{Answer, Client, Fixture, call_view, default_tenant};
use crate::people::{department, employee, signed_in};
use crate::phonebook::Phonebook;

const ROOT: &str = "00000000000000000000000001";
const NOON: u64 = 1_795_336_200_000;
/// Stand in nothing but what belongs to the other department.
const CANARIES: [&str; 2] = ["CANARY", "13900007777"];
const OTHER: &str = "10077";

fn call() -> CallId {
    CallId::new(NOON, 77)
}

fn live() -> CallId {
    CallId::new(NOON, 78)
}

fn message() -> RecordingId {
    RecordingId::new(NOON, 79)
}

fn recording() -> RecordingId {
    RecordingId::new(NOON, 80)
}

pub(crate) fn record(call: CallId, caller: &str, agent: &str) -> CallDocument {
    let (survey, agent_no) = (format!("{caller}-survey"), Some(agent.to_owned()));
    let subject = SurveySubject { call, survey, agent: agent_no, queue: None };
    let record = CallRecord {
        call,
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: caller.to_owned(),
        caller_name: format!("{caller}-name"),
        callee: "8610".to_owned(),
        trunk: None,
        emergency: false,
        caller_extension: None,
        callee_extension: None,
        created_at_ms: NOON,
        ringing_at_ms: None,
        answered_at_ms: Some(NOON),
        interruptions: Vec::new(),
        queue: None,
        queue_wait_ms: None,
        connected_at_ms: Some(NOON),
        agent: Some(agent.to_owned()),
        overflow_number: None,
        lost: false,
        survey: Some(SurveyResult { subject, start: SurveyStart::Agent, answer: None, second: None, comment: None }),
        end: Some(CallEnd {
            at_ms: NOON + 5_000,
            cause: EndCause::Normal,
            by: EndedBy::Callee,
            sip_status: 200,
            ring_duration_ms: 0,
            talk_duration_ms: 5_000,
            total_duration_ms: 5_000,
        }),
    };
    let part = |kind, outcome: Option<&str>| Segment {
        agent: Some(agent.to_owned()),
        outcome: outcome.map(str::to_owned),
        ended_at_ms: Some(NOON + 1_000),
        ..Segment::of(kind, NOON)
    };
    let segments = vec![part(SegmentKind::Offer, Some("timed_out")), part(SegmentKind::Agent, None)];
    CallDocument { segments, ..CallDocument::of(record) }
}

pub(crate) fn audio(recording: RecordingId, call: CallId, mailbox: Option<&str>) -> Recording {
    let file = RecordingFile {
        path: "default/a.wav".to_owned(),
        bytes: 6,
        duration_ms: 20,
        sha256: "ab".repeat(32),
        partial: false,
        format: AudioFormat::Wav,
        stored: None,
    };
    Recording {
        recording,
        call,
        left: None,
        right: None,
        part: 1,
        started_at_ms: NOON,
        marks: Vec::new(),
        mailbox: mailbox.map(str::to_owned),
        discarded: false,
        state: RecordingState::Ready(file),
    }
}

pub(crate) fn stay(number: u64, agent: &str, mobile: &str) -> AgentStay {
    AgentStay {
        number,
        agent: agent.to_owned(),
        state: AgentState::Ready,
        began_at_ms: NOON,
        ended_at_ms: None,
        reason: ChangeReason::MobileSignIn,
        done_by: None,
        extension: None,
        mobile: Some(mobile.to_owned()),
    }
}

pub(crate) fn standing(agent: &str, call: CallId, mobile: &str) -> View {
    View::Agent(Box::new(AgentView {
        tenant: default_tenant(),
        agent: agent.to_owned(),
        extension: Some("1002".to_owned()),
        state: AgentState::Ready,
        since_ms: NOON,
        call_status: CallStatus::Connected(Talk::Talking),
        calls: vec![call],
        mobile: Some(mobile.to_owned()),
        supervises: false,
        sign: Sign::Phone(Way::Desk),
        kept: None,
        rings: None,
    }))
}

/// Two departments: 10050 (every permission that there is, the data of Sales), 10051 (none) and 10052 in Sales, and 10077 in Support,
/// with a call, its recording, a message, a log and a call that runs.
async fn two_departments(fixture: &Fixture) {
    let admin = fixture.admin().await;
    let (sales, support) = (department(&admin, "Sales", ROOT).await, department(&admin, "Support", ROOT).await);
    let registry = admin.get("/permissions").await.json();
    let keys: Vec<&str> =
        registry["permissions"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    let all = fixture.role("everything", &keys, DataPermission::own()).await;
    let nothing = fixture.role("nothing", &[], DataPermission::own()).await;
    employee(fixture, "10050", &all, &sales).await;
    employee(fixture, "10051", &nothing, &sales).await;
    employee(fixture, "10052", Role::AGENT, &sales).await;
    let change = || Change::system(default_tenant(), Origin::Setup);
    let other = Employee {
        name: "CANARY-name".to_owned(),
        nickname: "CANARY-nick".to_owned(),
        email: "CANARY@example.com".to_owned(),
        mobile: Some("13900007777".parse().unwrap()),
        department: support.parse().unwrap(),
        ..Employee::new(OTHER, engine::secrets::hash_password("first1"))
    };
    fixture.store.create(change(), other).await.unwrap();
    for (number, extension) in [("10052", "1001"), (OTHER, "1002")] {
        let rules = AgentRules { extension: Some(extension.to_owned()), ..AgentRules::default() };
        fixture.store.create(change(), Agent { agent: number.parse().unwrap(), rules }).await.unwrap();
    }
    let members = vec![QueueMember { agent: OTHER.to_owned(), level: 1, order: 0 }];
    let rules = QueueRules { members, ..QueueRules::default() };
    fixture.store.create(change(), Queue { name: "support".parse().unwrap(), rules }).await.unwrap();
    derive(fixture).await;
    fixture.live.apply(View::Call(call_view(&default_tenant(), live(), "13900007777", "8610")));
    fixture.live.apply(standing(OTHER, live(), "13900007777"));
    fixture.live.apply(View::Call(call_view(&default_tenant(), CallId::new(NOON, 1), "13800000001", "8610")));
    fixture.live.apply(standing("10052", CallId::new(NOON, 1), "13800000001"));
}

async fn derive(fixture: &Fixture) {
    let mut theirs = record(call(), "CANARY-13900007777", OTHER);
    theirs.recordings = vec![audio(recording(), call(), None), audio(message(), call(), Some("extension:1002"))];
    theirs.voicemails = vec![Voicemail {
        voicemail: message(),
        call: call(),
        mailbox: "extension:1002".to_owned(),
        caller: "13900007777".to_owned(),
        caller_name: "CANARY-caller".to_owned(),
        callee: "8610".to_owned(),
        left_at_ms: NOON,
        length_ms: 1_000,
        listened: None,
        downloaded: None,
        deleted: None,
    }];
    let derived = Derived {
        calls: vec![theirs, record(CallId::new(NOON, 1), "13800000001", "10052")],
        stays: vec![stay(1, OTHER, "13900007777"), stay(2, "10052", "13800000001")],
        ..Derived::default()
    };
    let from = Position::start(default_tenant());
    let to = Position { number: 9, epoch: 1, ..from.clone() };
    fixture.store.save_derived("records", &from, &to, &derived).await.unwrap();
    let folder = fixture.folder.path().join("recordings/default");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("a.wav"), b"CANARY").unwrap();
}

pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) permission: String,
    /// Documented ones.
    pub(crate) statuses: Vec<String>,
    /// The names of what its query may say.
    pub(crate) query: Vec<String>,
    pub(crate) takes_body: bool,
}

pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::to_value(engine::http::openapi(&[Arc::new(Phonebook::default())])).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_query = parameters.filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                query: in_query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                takes_body: operation["requestBody"].is_object(),
                method: method.to_uppercase(),
                path: path.clone(),
                permission: operation["x-permission"].as_str().unwrap().to_owned(),
                statuses: operation["responses"].as_object().unwrap().keys().cloned().collect(),
            });
        }
    }
    operations
}

/// With each parameter of the path filled by what is the other department's, where there is such.
fn filled(path: &str) -> String {
    let id = [
        ("/employees/", OTHER.to_owned()),
        ("/agents/", OTHER.to_owned()),
        ("/call-records/", call().to_string()),
        ("/recordings/", recording().to_string()),
        ("/voicemails/", message().to_string()),
        ("/calls/", live().to_string()),
    ];
    let found = id.into_iter().find(|(part, _)| path.contains(part)).map(|(_, id)| id);
    path.replace("{id}", &found.unwrap_or_else(|| "01JD9Z4E6N8Q2R5T7V9X1B3D5F".to_owned()))
        .replace("{number}", "1001")
        .replace("{name}", "support")
        .replace("{call}", &live().to_string())
        .replace("{address}", "192.0.2.1")
}

/// One's own session ends by these.
pub(crate) fn is_of_the_session(operation: &Operation) -> bool {
    operation.path.starts_with("/api/v1/session") && operation.method != "GET"
}

/// Only what is documented, and nothing of the other department.
fn check(operation: &Operation, who: &str, answer: &Answer) {
    let told = format!("{} {} by {who} gave {}", operation.method, operation.path, answer.status);
    let documented = operation.statuses.iter().any(|it| it == answer.status.as_str());
    assert!(documented, "{told}: {}", String::from_utf8_lossy(&answer.bytes));
    let body = String::from_utf8_lossy(&answer.bytes);
    let headers = format!("{:?}", answer.headers);
    for canary in CANARIES {
        assert!(!body.contains(canary) && !headers.contains(canary), "{told}: {body}");
    }
}

fn body(operation: &Operation) -> Option<Value> {
    (operation.method != "GET" && operation.method != "DELETE").then(|| json!({}))
}

/// Proves GEN-09 and GEN-15.
#[tokio::test]
async fn no_operation_shows_or_changes_what_lies_outside_ones_data() {
    let fixture = Fixture::new().await;
    two_departments(&fixture).await;
    let before = fixture.store.get::<Employee>(&default_tenant(), OTHER).await.unwrap();
    let insider = signed_in(&fixture, "10050").await;
    let nobody = signed_in(&fixture, "10051").await;
    let out_of_sight = [
        "/employees/{id}",
        "/agents/{id}",
        "/call-records/{id}",
        "/recordings/{id}",
        "/voicemails/{id}",
        "/calls/{id}",
    ];
    for operation in operations().iter().filter(|operation| !is_of_the_session(operation)) {
        let path = filled(&operation.path);
        let refused = nobody.send(&operation.method, &path, body(operation)).await;
        check(operation, "nobody", &refused);
        let needs_a_key = operation.permission.contains('.');
        if needs_a_key {
            assert_eq!(refused.status, 403, "{} {}", operation.method, operation.path);
        }
        let answer = insider.send(&operation.method, &path, body(operation)).await;
        check(operation, "insider", &answer);
        // Who dials may ring himself for what rings elsewhere.
        let picks_up = operation.path.ends_with("/pickup");
        if needs_a_key && !picks_up && out_of_sight.iter().any(|part| operation.path.contains(part)) {
            // A body that cannot be read is told first.
            assert!(
                [404, 422].contains(&answer.status.as_u16()),
                "{} {} gave {}",
                operation.method,
                operation.path,
                answer.status
            );
        }
        if operation.permission == PUBLIC {
            continue;
        }
        let stranger = fixture.client().send(&operation.method, &path, body(operation)).await;
        check(operation, "a stranger", &stranger);
        assert_eq!(stranger.status, 401, "{} {}", operation.method, operation.path);
    }
    nothing_changed(&fixture, &insider, &before).await;
}

/// What is outside is as it was, and the switch was told nothing of it; what is inside is seen.
async fn nothing_changed(fixture: &Fixture, insider: &Client<'_>, before: &engine::store::setting::Stored<Employee>) {
    let tenant = default_tenant();
    assert_eq!(fixture.store.get::<Employee>(&tenant, OTHER).await.unwrap(), *before);
    assert!(fixture.store.voicemail(Sight::whole(&tenant), message()).await.unwrap().is_some());
    for (_, command) in fixture.switch.commands.lock().unwrap().iter() {
        let told = format!("{command:?}");
        // Who dials may pick up what rings elsewhere, by his own phone.
        let allowed = matches!(command, Command::PickUp { .. } | Command::CancelCallback { .. });
        assert!(allowed || (!told.contains(OTHER) && !told.contains(&live().to_string())), "{told}");
    }
    for (path, count) in [
        ("/call-records", 1),
        ("/missed-offers", 1),
        ("/agent-states", 1),
        ("/agents", 1),
        ("/calls", 1),
        ("/employees", 3),
        ("/voicemails", 0),
    ] {
        let page = insider.get(path).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{path}: {page}");
    }
    let mine = CallId::new(NOON, 1);
    for path in [format!("/call-records/{mine}"), format!("/calls/{mine}"), "/agents/10052".to_owned()] {
        assert_eq!(insider.get(&path).await.status, 200, "{path}");
    }
    let board = insider.get("/wallboard").await.json();
    assert_eq!((&board["agents"][0]["agent"], board["agents"].as_array().unwrap().len()), (&json!("10052"), 1));
    assert_eq!(insider.post(&format!("/calls/{mine}/monitor?supervisor=10050"), json!({})).await.status, 204);
    assert_eq!(insider.post(&format!("/calls/{mine}/monitor?agent={OTHER}"), json!({})).await.status, 404);
    assert_eq!(insider.post("/agents/10052/force", json!({"force": "ready"})).await.status, 204);
    assert_eq!(insider.post(&format!("/agents/{OTHER}/force"), json!({"force": "ready"})).await.status, 404);
    for whole in ["/events", "/audit"] {
        assert_eq!(insider.get(whole).await.problem(), "forbidden", "{whole} tells of everybody");
    }
}

/// Proves GEN-08 (one's own data) and GEN-09: one's own rows are seen whatever the role says of others'.
#[tokio::test]
async fn an_agent_without_any_department_sees_his_own() {
    let fixture = Fixture::new().await;
    two_departments(&fixture).await;
    let keys = ["call_records.read", "recordings.read", "recordings.play", "missed_offers.read", "agent_states.read"];
    let own = fixture.role("own", &keys, DataPermission::Departments { own: false, departments: [].into() }).await;
    let other = fixture.store.get::<Employee>(&default_tenant(), OTHER).await.unwrap().value;
    let other = Employee {
        role: own,
        must_change: false,
        password_hash: engine::secrets::hash_password(crate::fixture::PASSWORD),
        ..other
    };
    fixture.store.update(Change::system(default_tenant(), Origin::Setup), other, Expect::Any).await.unwrap();
    let other = signed_in(&fixture, OTHER).await;
    for path in ["/call-records", "/missed-offers", "/agent-states", "/voicemails"] {
        let page = other.get(path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() == 1 && items[0].to_string().contains("13900007777"), "{path}: {page}");
    }
    assert_eq!(other.get(&format!("/recordings/{}/audio", recording())).await.bytes, b"CANARY");
    assert_eq!(other.get(&format!("/call-records/{}", CallId::new(NOON, 1))).await.status, 404);
}

/// Proves LOG-02: the log by department, or by agent, not both; by time, state and reason.
#[tokio::test]
async fn the_state_log_is_asked_by_department_or_agent() {
    let fixture = Fixture::new().await;
    two_departments(&fixture).await;
    let admin = fixture.admin().await;
    let departments = admin.get("/departments").await.json();
    let id = |name: &str| {
        let items = departments["items"].as_array().unwrap();
        items.iter().find(|it| it["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let agents = async |query: &str| {
        let page = admin.get(&format!("/agent-states?{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["agent"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(agents(&format!("department={}", id("Sales"))).await, ["10052"]);
    assert_eq!(agents(&format!("department={}", id("Default"))).await, ["10052", OTHER], "with the lower ones");
    assert_eq!(agents("agent=10052").await, ["10052"]);
    let both = admin.get(&format!("/agent-states?agent=10052&department={}", id("Sales"))).await;
    assert_eq!((both.problem().as_str(), &both.json()["errors"][0]["field"]), ("invalid", &json!("department")));
    assert_eq!(admin.get("/agent-states?department=x").await.problem(), "invalid");
    assert_eq!(agents("state=ready&reason=mobile_sign_in").await, ["10052", OTHER]);
    assert_eq!(agents("state=offline").await, [""; 0]);
    assert_eq!(agents("reason=manual").await, [""; 0]);
    assert_eq!(agents("from=2026-11-22T08:30:00Z&to=2026-11-22T08:30:01Z").await, ["10052", OTHER]);
    assert_eq!(agents("from=2026-11-22T08:30:00.001Z").await, [""; 0]);
    assert_eq!(agents("to=2026-11-22T08:30:00Z").await, [""; 0]);
    // Who moves takes nothing of his past along.
    let moved = Some(json!({"department": id("Support")}));
    assert_eq!(admin.send("PUT", "/employees/10052/department", moved).await.status, 204);
    assert_eq!(agents(&format!("department={}", id("Sales"))).await, ["10052"]);
    let filter = StayFilter { departments: Some([id("Support").parse().unwrap()].into()), ..StayFilter::default() };
    let tenant = default_tenant();
    let page = fixture.store.agent_stays(Sight::whole(&tenant), &filter, &PageAsk::first(9)).await.unwrap();
    assert_eq!(page.items.len(), 1);
}

/// Proves of LOG-07: the login log by department, or by agent, not both.
#[tokio::test]
async fn the_login_log_is_asked_by_department_or_agent() {
    let fixture = Fixture::new().await;
    two_departments(&fixture).await;
    signed_in(&fixture, "10052").await;
    assert_eq!(crate::people::sign_in(&fixture, OTHER, "wrong").await.status, 401);
    let admin = fixture.admin().await;
    let departments = admin.get("/departments").await.json();
    let id = |name: &str| {
        let items = departments["items"].as_array().unwrap();
        items.iter().find(|it| it["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let told = async |query: &str| {
        let page = admin.get(&format!("/logins?{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["employee_no"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(&format!("department={}", id("Sales"))).await, ["10052"]);
    assert_eq!(told(&format!("department={}", id("Support"))).await, [OTHER]);
    assert_eq!(told(&format!("department={}", id("Default"))).await, [OTHER, "10052"], "with the lower ones");
    assert_eq!(told(&format!("department={}&status=login", id("Support"))).await, [""; 0]);
    let both = admin.get(&format!("/logins?agent=10052&department={}", id("Sales"))).await;
    assert_eq!((both.problem().as_str(), &both.json()["errors"][0]["field"]), ("invalid", &json!("department")));
    // Who moves takes nothing of his past along.
    let moved = Some(json!({"department": id("Support")}));
    assert_eq!(admin.send("PUT", "/employees/10052/department", moved).await.status, 204);
    assert_eq!(told(&format!("department={}", id("Sales"))).await, ["10052"]);
}
