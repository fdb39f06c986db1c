//! What a queue had to do, and what so many agents would make of it.

use engine::consumers::call_records::CallRecords;
use engine::journal::JournalOptions;
use engine::journal::facts::FactJournal;
use hooks::fact::{
    AgentState, AgentStateChanged, CallCreated, CallEnded, CallLeftQueue, CallQueued, CallSource, CallStatus,
    ChangeReason, Direction, EndCause, EndedBy, Event, Fact, QueueExit, Sign, Talk, Way,
};
use hooks::id::CallId;
use serde_json::{Value, json};

use crate::fixture::{Fixture, default_tenant};

const DAY_MS: u64 = 86_400_000;

/// Ten o'clock in Shanghai, the day before yesterday.
fn ten_ms() -> u64 {
    (engine::clock::unix_ms() / DAY_MS - 2) * DAY_MS + 2 * 3_600_000
}

fn came(call: CallId) -> [Event; 2] {
    let created = CallCreated {
        call,
        direction: Direction::Inbound,
        source: CallSource::Dialled,
        caller: "13800000001".into(),
        caller_name: String::new(),
        callee: "7000".into(),
        trunk: Some("lines".into()),
        emergency: false,
        diverted_from: None,
    };
    let queued = CallQueued { call, queue: "support".into(), priority: 0, waited_ms: 0 };
    [Event::CallCreated(created), Event::CallQueued(queued)]
}

fn left(call: CallId, exit: QueueExit, waited_ms: u64) -> Event {
    let agent = (exit == QueueExit::Answered).then(|| "10001".to_owned());
    Event::CallLeftQueue(CallLeftQueue { call, queue: "support".into(), exit, waited_ms, agent, within_target: true })
}

fn agent(turn: [AgentState; 2], call_status: CallStatus, call: Option<CallId>, reason: ChangeReason) -> Event {
    let [from, to] = turn;
    Event::AgentStateChanged(AgentStateChanged {
        agent: "10001".into(),
        extension: Some("1001".into()),
        mobile: None,
        from,
        to,
        call_status,
        call,
        sign: Sign::Phone(Way::Desk),
        reason,
        by: None,
    })
}

/// One caller is answered after 10 s and takes the agent 200 s with his wrap-up; another one hangs up after 30 s.
async fn half_an_hour(fixture: &Fixture) {
    let (one, two) = (CallId::new(ten_ms(), 1), CallId::new(ten_ms(), 2));
    let ended =
        |call| Event::CallEnded(CallEnded { call, cause: EndCause::Normal, by: EndedBy::Caller, sip_status: 200 });
    let talking = CallStatus::Connected(Talk::Talking);
    let [created, queued] = came(one);
    let [created_too, queued_too] = came(two);
    let events = [
        (0, created),
        (0, queued),
        (10, left(one, QueueExit::Answered, 10_000)),
        (10, agent([AgentState::Ready; 2], talking, Some(one), ChangeReason::Answer)),
        (20, created_too),
        (20, queued_too),
        (50, left(two, QueueExit::Abandoned, 30_000)),
        (50, ended(two)),
        (190, agent([AgentState::Ready, AgentState::WrapUp], CallStatus::None, Some(one), ChangeReason::CallEnd)),
        (190, ended(one)),
        (210, agent([AgentState::WrapUp, AgentState::Ready], CallStatus::None, None, ChangeReason::Manual)),
    ];
    let facts: Vec<Fact> = events
        .into_iter()
        .map(|(second, event)| Fact { tenant: default_tenant(), at_ms: ten_ms() + second * 1_000, event })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut journal = FactJournal::open(&JournalOptions::new(folder.path(), default_tenant())).unwrap();
    journal.append(&facts).unwrap();
    let mut records = CallRecords::new(fixture.store.clone(), journal.handle());
    while records.step().await.unwrap() > 0 {}
}

fn near(value: &Value, wanted: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - wanted).abs() < wanted * 0.002, "{value}, not {wanted}");
}

#[tokio::test]
async fn a_queues_own_history_forecasts_the_waits_with_so_many_agents() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let made = admin.post("/queues", json!({"name": "support", "rules": {"number": "7000"}})).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.json());
    let nothing = admin.get("/queues/support/staffing").await.json();
    assert_eq!(nothing["slots"], json!([]));
    assert!(nothing["note"].as_str().unwrap().contains("no caller"), "{nothing}");
    half_an_hour(&fixture).await;
    let text = |ms| serde_json::to_value(engine::http::time_text::Instant(ms)).unwrap().as_str().unwrap().to_owned();
    let range = format!("from={}&to={}", text(ten_ms()), text(ten_ms() + 3_600_000));
    let told = admin.get(&format!("/queues/support/staffing?{range}&agents=1-2")).await;
    assert_eq!(told.status.as_u16(), 200, "{}", told.json());
    let told = told.json();
    assert_eq!((&told["note"], told["slots"].as_array().unwrap().len()), (&Value::Null, 1));
    let slot = &told["slots"][0];
    assert_eq!((&slot["begins"], &slot["hours"]), (&json!("10:00"), &json!(0.5)));
    let demand = json!({"calls_per_hour": 4.0, "handle_ms": 200_000, "patience_ms": 40_000});
    assert_eq!(slot["demand"], demand);
    assert_eq!((&slot["measured"]["calls"], &slot["measured"]["abandoned"]), (&json!(2), &json!(1)));
    // M/M/n+M of these rates, by its birth-death chain, reckoned elsewhere.
    for (at, waits, mean_ms, abandoned) in
        [(0, 0.187_402_3, 6_267.58, 0.156_689_6), (1, 0.020_429_3, 586.77, 0.014_669_15)]
    {
        let forecast = &slot["forecasts"][at];
        near(&forecast["wait_probability"], waits);
        near(&forecast["mean_wait_ms"], mean_ms);
        near(&forecast["abandoned"], abandoned);
    }
    let hour = admin.get(&format!("/queues/support/staffing?{range}&by=hour")).await.json();
    assert_eq!(hour["slots"][0]["demand"]["calls_per_hour"], 2.0);
}

#[tokio::test]
async fn what_is_wrong_with_a_question_about_staffing_is_told_by_field() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.get("/queues/support/staffing").await.status, 404);
    let bad = "from=2020-01-01T00:00:00Z&weekdays=someday&agents=9-6&service_level=2";
    let refused = admin.get(&format!("/queues/support/staffing?{bad}")).await;
    assert_eq!(refused.status.as_u16(), 422);
    let fields: Vec<Value> =
        refused.json()["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["from", "weekdays", "agents", "service_level"]);
    let none = fixture.token(&default_tenant(), &["calls.read"]).await;
    let other = fixture.client().with("authorization", &format!("Bearer {none}"));
    assert_eq!(other.get("/queues/support/staffing").await.status, 403);
}
