//! Exports and imports by the API, from the request to the file.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calamine::Reader as _;
use engine::store::tasks::{Task, TaskKind, TaskState};
use engine::store::unix_ms;
use engine::tasks::{self, Tasks};
use hooks::plugin::PermissionKey;
use hooks::task::{Cell, Export, Rows, TaskAsk, TaskError};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fixture::{Client, Fixture, default_tenant, other_tenant};

/// Runs tasks until it is dropped.
struct Runner {
    _stop: watch::Sender<bool>,
}

fn runner(fixture: &Fixture) -> Runner {
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(tasks::run(fixture.api.tasks().clone(), stopping));
    Runner { _stop: stop }
}

async fn ends(client: &Client<'_>, id: &str) -> Value {
    for _ in 0..600 {
        let task = client.get(&format!("/tasks/{id}")).await.json();
        if task["state"] != "waiting" && task["state"] != "running" {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("task {id} does not end")
}

/// Every cell as text, by an .xlsx reader that is not ours.
fn sheet(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

const FILE: &str = "number,side,kind,treatment,note\n\
    +8613800138000,caller,,,=cmd\n\
    ,caller,,,no number\n\
    13900139000,callee,exact,hang_up,fine\n\
    13900139000,callee,exact,busy,twice\n\
    13700137000,both,,,\n\
    010,caller,prefix,prompt,\n";

/// Proves TASK-04.
#[tokio::test]
async fn good_rows_of_an_import_are_saved_and_the_others_listed() {
    let fixture = Fixture::new().await;
    let _runner = runner(&fixture);
    let admin = fixture.admin().await;
    let started = admin.upload("POST", "/tasks/imports?module=blocks&name=list.csv", FILE.as_bytes()).await;
    assert_eq!(started.status, 201, "{:?}", started.json());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let task = ends(&admin, &id).await;
    let counts = (&task["state"], &task["rows"], &task["rows_failed"], &task["rows_total"]);
    assert_eq!(counts, (&json!("done"), &json!(3), &json!(3), &json!(6)), "{task}");
    assert_eq!((&task["kind"], &task["name"]), (&json!("import"), &json!("list.csv")));
    let blocks = admin.get("/blocks").await.json();
    let mut numbers: Vec<&str> =
        blocks["items"].as_array().unwrap().iter().map(|b| b["number"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["+8613800138000", "+8613900139000", "010"]);
    assert!(fixture.switch.settings.lock().unwrap().last().unwrap().0.blocks.callees.len() == 1, "the switch knows");
    let failed = admin.get(&format!("/tasks/{id}/failed-rows?limit=2")).await.json();
    let first = &failed["items"][0];
    assert_eq!((&first["row"], &first["values"][5]), (&json!(3), &json!("no number")));
    assert!(first["reason"].as_str().unwrap().starts_with("number: "), "{first}");
    assert_eq!(
        failed["items"][1],
        json!({"row": 5, "reason": "number: it is blocked already",
        "values": ["13900139000", "callee", "exact", "busy", "", "twice"]})
    );
    let rest =
        admin.get(&format!("/tasks/{id}/failed-rows?cursor={}", failed["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!(rest["items"][0]["reason"], "side: `both` is none of caller or callee");
    let file = admin.get(&format!("/tasks/{id}/file")).await;
    assert_eq!(file.status, 200);
    let sheet = sheet(&file.bytes);
    assert_eq!(sheet[0][..3], ["row", "reason", "number"]);
    assert_eq!((sheet.len(), sheet[2][0].as_str(), sheet[2][2].as_str()), (4, "5", "13900139000"));
    let wrong = admin.upload("POST", "/tasks/imports?module=blocks", b"a,b\n1,2\n").await.json();
    let task = ends(&admin, wrong["id"].as_str().unwrap()).await;
    assert_eq!(task["state"], "failed");
    assert!(task["reason"].as_str().unwrap().starts_with("the first row has no number"), "{task}");
}

/// Proves TASK-02 (own tasks, or all by permission), GEN-11 (the query of the list).
#[tokio::test]
async fn an_export_is_made_of_the_query_and_seen_by_its_owner_and_by_who_may_see_all() {
    let fixture = Fixture::new().await;
    let _runner = runner(&fixture);
    let token = fixture.token(&default_tenant(), &["call_records.export"]).await;
    let owner = fixture.client().with("authorization", &format!("Bearer {token}"));
    let export = json!({"module": "call_records", "query": "answered=true&from=2026-11-01T00:00:00Z"});
    let started = owner.post("/tasks/exports", export.clone()).await;
    assert_eq!(started.status, 201, "{:?}", started.json());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let task = ends(&owner, &id).await;
    assert_eq!((&task["state"], &task["rows"]), (&json!("done"), &json!(0)), "{task}");
    let file = owner.get(&format!("/tasks/{id}/file")).await;
    assert_eq!(file.header("content-type"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    assert!(file.header("content-disposition").contains("call_records-"), "{:?}", file.headers);
    assert_eq!(sheet(&file.bytes)[0][..3], ["id", "direction", "caller"]);

    let stranger_token = fixture.token(&default_tenant(), &["calls.read"]).await;
    let stranger = fixture.client().with("authorization", &format!("Bearer {stranger_token}"));
    assert_eq!(stranger.get(&format!("/tasks/{id}")).await.status, 404);
    assert_eq!(stranger.get("/tasks").await.json()["items"], json!([]));
    assert_eq!(stranger.post("/tasks/exports", export.clone()).await.status, 403);
    let elsewhere_token = fixture.token(&other_tenant(), &["*"]).await;
    let elsewhere = fixture.client().with("authorization", &format!("Bearer {elsewhere_token}"));
    assert_eq!(elsewhere.get(&format!("/tasks/{id}/file")).await.status, 404);
    let admin = fixture.admin().await;
    let listed = async |query: &str| {
        let page = admin.get(&format!("/tasks?{query}")).await.json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(listed("module=call_records&operator=token:test&state=done&kind=export").await, 1);
    assert_eq!(listed("module=voicemails").await, 0);
    assert_eq!(listed("to=2020-01-01T00:00:00Z").await, 0);
    for (wrong, field) in [
        (json!({"module": "agent_states"}), "module"),
        (json!({"module": "call_records", "query": "no_such_key=1"}), "query"),
        (json!({"module": "call_records", "query": "a b"}), "query"),
    ] {
        let refused = admin.post("/tasks/exports", wrong).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
    let modules = stranger.get("/tasks/modules").await.json();
    let names: Vec<&str> = modules["items"].as_array().unwrap().iter().map(|m| m["module"].as_str().unwrap()).collect();
    assert_eq!(names, ["call_records", "phonebook_entries", "voicemails", "blocks"], "logs have no export (LOG-08)");
    assert_eq!(modules["items"][3]["required"], json!(["number"]));
}

fn waiting(id: &str, state: TaskState) -> Task {
    Task {
        id: id.to_owned(),
        kind: TaskKind::Export,
        module: "call_records".to_owned(),
        name: "x.xlsx".to_owned(),
        operator: "token:test".to_owned(),
        owner: "employee:10000".to_owned(),
        query: String::new(),
        scope: hooks::scope::Scope::Tenant,
        fields: std::collections::BTreeMap::new(),
        state,
        created_at_ms: unix_ms(),
        started_at_ms: None,
        ended_at_ms: None,
        rows_done: 0,
        rows_failed: 0,
        rows_total: None,
        file_bytes: None,
        expires_at_ms: None,
        reason: None,
    }
}

/// Proves TASK-05 (survive a restart; a running one is failed and its partial file removed), TASK-03 (deleted when its time is over).
#[tokio::test]
async fn a_restart_fails_what_ran_and_does_what_waited_and_old_files_go() {
    let fixture = Fixture::new().await;
    let (store, tenant) = (&fixture.store, default_tenant());
    store.create_task(&tenant, &waiting("01A", TaskState::Running), 10).await.unwrap();
    store.create_task(&tenant, &waiting("01B", TaskState::Waiting), 10).await.unwrap();
    let partial = fixture.api.tasks().file(&tenant, "01A").with_extension("part");
    std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
    std::fs::write(&partial, b"half").unwrap();
    let admin = fixture.admin().await;
    let _runner = runner(&fixture);
    let done = ends(&admin, "01B").await;
    assert_eq!(done["state"], "done");
    let cut = ends(&admin, "01A").await;
    assert_eq!((&cut["state"], &cut["file"]), (&json!("failed"), &Value::Null));
    assert!(cut["reason"].as_str().unwrap().contains("the server was stopped"), "{cut}");
    assert!(!partial.exists());
    assert_eq!(admin.get("/tasks/01A/file").await.problem(), "not-ready");
    let left = done["expires_at"].as_str().unwrap() > done["ended_at"].as_str().unwrap();
    assert!(left, "{done}");

    // A process whose files are kept for no day finds that one's time over.
    let file = fixture.api.tasks().file(&tenant, "01C");
    let short = Tasks::new(store.clone(), fixture.folder.path(), 0);
    engine::http::export::register(&fixture.api);
    fixture.api.tasks().exports().into_iter().for_each(|export| short.register_export(export));
    store.create_task(&tenant, &waiting("01C", TaskState::Waiting), 10).await.unwrap();
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(tasks::run(short.clone(), stopping));
    for _ in 0..600 {
        if admin.get("/tasks/01C").await.json()["state"] == "expired" {
            break;
        }
        short.wake();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(admin.get("/tasks/01C").await.json()["state"], "expired");
    assert!(!file.exists());
    assert_eq!(admin.get("/tasks/01C/file").await.problem(), "gone");
}

/// A task that nobody has begun is cancelled at once; one that is over is not.
#[tokio::test]
async fn a_task_is_cancelled_while_it_waits() {
    let fixture = Fixture::new().await;
    fixture.store.create_task(&default_tenant(), &waiting("01A", TaskState::Waiting), 1).await.unwrap();
    let full = fixture.store.create_task(&default_tenant(), &waiting("01B", TaskState::Waiting), 1).await.unwrap_err();
    assert!(full.to_string().contains("at most 1"), "{full}");
    let admin = fixture.admin().await;
    let cancelled = admin.post("/tasks/01A/cancel", json!({})).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["reason"]), (202, &json!("cancelled by token:test")));
    assert_eq!(admin.post("/tasks/01A/cancel", json!({})).await.problem(), "refused");
}

/// An export whose rows come as long as the gate is shut: one a moment.
struct Endless {
    gate: Arc<AtomicBool>,
}

impl Export for Endless {
    fn module(&self) -> &'static str {
        "endless"
    }

    fn permission(&self) -> PermissionKey {
        PermissionKey("calls.read")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["n"]
    }

    fn open(&self, _: &TaskAsk) -> Result<Box<dyn Rows>, TaskError> {
        Ok(Box::new(Drip { gate: Arc::clone(&self.gate) }))
    }
}

struct Drip {
    gate: Arc<AtomicBool>,
}

impl Rows for Drip {
    fn next_rows(&mut self) -> Result<Vec<Vec<Cell>>, TaskError> {
        std::thread::sleep(Duration::from_millis(5));
        if self.gate.load(Ordering::SeqCst) { Ok(Vec::new()) } else { Ok(vec![vec![Cell::Number(1.0)]]) }
    }
}

async fn state_is(client: &Client<'_>, id: &str, state: &str) -> bool {
    for _ in 0..600 {
        if client.get(&format!("/tasks/{id}")).await.json()["state"] == state {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Proves TASK-05 (at most two of an enterprise at a time).
#[tokio::test]
async fn two_of_a_tenant_run_at_a_time_and_one_that_runs_is_cancelled() {
    let fixture = Fixture::new().await;
    let gate = Arc::new(AtomicBool::new(false));
    fixture.api.tasks().register_export(Arc::new(Endless { gate: Arc::clone(&gate) }));
    let _runner = runner(&fixture);
    let admin = fixture.admin().await;
    let elsewhere_token = fixture.token(&other_tenant(), &["*"]).await;
    let elsewhere = fixture.client().with("authorization", &format!("Bearer {elsewhere_token}"));
    let begin = async |client: &Client<'_>| {
        let started = client.post("/tasks/exports", json!({"module": "endless"})).await.json();
        started["id"].as_str().unwrap().to_owned()
    };
    let ids = [begin(&admin).await, begin(&admin).await, begin(&admin).await];
    assert!(state_is(&admin, &ids[0], "running").await && state_is(&admin, &ids[1], "running").await);
    // Another tenant's begins after the third was looked at, and that one still waits.
    let theirs = begin(&elsewhere).await;
    assert!(state_is(&elsewhere, &theirs, "running").await);
    assert_eq!(admin.get(&format!("/tasks/{}", ids[2])).await.json()["state"], "waiting");
    assert_eq!(admin.get(&format!("/tasks/{}/file", ids[0])).await.problem(), "not-ready");
    assert_eq!(admin.post(&format!("/tasks/{}/cancel", ids[0]), json!({})).await.status, 202);
    let cancelled = ends(&admin, &ids[0]).await;
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&json!("failed"), &json!("cancelled by token:test")));
    assert!(state_is(&admin, &ids[2], "running").await, "its place is taken");
    gate.store(true, Ordering::SeqCst);
    for (client, id) in [(&admin, &ids[1]), (&admin, &ids[2]), (&elsewhere, &theirs)] {
        let done = ends(client, id).await;
        assert_eq!(done["state"], "done", "{done}");
    }
}
