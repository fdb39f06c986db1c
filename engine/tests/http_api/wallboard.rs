//! The wallboard: a snapshot, and pushed at each change.

use std::time::{Duration, Instant};

use engine::store::employees::Employee;
use engine::store::roles::Role;
use engine::store::setting::{Change, Origin};
use futures_util::StreamExt as _;
use hooks::fact::{AgentState, CallStatus, ChoiceRule, PeerKind, Sign, Talk, Way, WhyAgent, WhyCandidate};
use hooks::id::{CallId, LegId};
use serde_json::{Value, json};
use switch::queue::Figures;
use switch::view::{AgentView, LegPhase, LegView, OfferView, QueueView, View, WaitingView};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::events::{Socket, open, start};
use crate::fixture::{Fixture, call_view, default_tenant, other_tenant};
use crate::people::department;

fn agent(number: &str, state: AgentState, call: Option<CallId>) -> View {
    View::Agent(Box::new(AgentView {
        tenant: default_tenant(),
        agent: number.into(),
        extension: Some("1001".into()),
        state,
        since_ms: 1_795_336_200_000,
        call_status: call.map_or(CallStatus::None, |_| CallStatus::Connected(Talk::Talking)),
        calls: call.into_iter().collect(),
        mobile: None,
        supervises: false,
        sign: Sign::Phone(Way::Desk),
        kept: None,
        rings: None,
    }))
}

fn queue(waiting: u32) -> View {
    let call = CallId::new(1_795_336_200_000, 1);
    View::Queue(Box::new(QueueView {
        callbacks: Vec::new(),
        tenant: default_tenant(),
        queue: "support".into(),
        waiting,
        first: vec![WaitingView { call, since_ms: 1_795_336_200_000 }],
        signed_in: 2,
        idle: 1,
        today: Figures::default(),
    }))
}

/// Proves MON-10.
#[tokio::test]
async fn the_wallboard_shows_who_does_what() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let call = CallId::new(1_795_336_200_000, 7);
    fixture.live.apply(View::Call(call_view(&default_tenant(), call, "13800000000", "7000")));
    fixture.live.apply(agent("10001", AgentState::Ready, Some(call)));
    fixture.live.apply(agent("10002", AgentState::Ready, None));
    fixture.live.apply(agent("10003", AgentState::OnBreak, None));
    fixture.live.apply(queue(3));
    let board = admin.get("/wallboard").await.json();
    assert_eq!(board["states"], json!({"connected": 1, "idle": 1, "on_break": 1}));
    assert_eq!((&board["waiting"], &board["queues"][0]["idle"]), (&json!(3), &json!(1)));
    assert_eq!(board["queues"][0]["longest_waiting_since"], "2026-11-22T08:30:00.000Z");
    assert_eq!(
        (&board["agents"][0]["word"], &board["agents"][0]["other_side"]),
        (&json!("connected"), &json!("13800000000"))
    );
    assert_eq!((&board["today"]["inbound"], &board["today"]["average_response_ms"]), (&json!(0), &Value::Null));
    let none = fixture.token(&default_tenant(), &["calls.read"]).await;
    let other = fixture.client().with("authorization", &format!("Bearer {none}"));
    assert_eq!(other.get("/wallboard").await.status, 403);
    let token = fixture.token(&other_tenant(), &["wallboard.read"]).await;
    let other = fixture.client().with("authorization", &format!("Bearer {token}"));
    assert_eq!(other.get("/wallboard").await.json()["agents"], json!([]), "another tenant sees its own");
}

/// Proves the data of MON-20: extension, state and time in it, name, department, groups, the other side's number.
#[tokio::test]
async fn an_agent_on_the_board_has_his_name_department_and_groups() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let root = "00000000000000000000000001";
    let sales = department(&admin, "Sales", root).await;
    let li = Employee {
        name: "Li Ming".into(),
        role: Role::AGENT.into(),
        department: sales.parse().unwrap(),
        ..Employee::new("10001", engine::secrets::hash_password("x"))
    };
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), li).await.unwrap();
    assert_eq!(admin.post("/agents", json!({"agent": "10001"})).await.status, 201);
    for (queue, members) in
        [("east", json!([])), ("support", json!([{"agent": "10001"}])), ("vip", json!([{"agent": "10001"}]))]
    {
        let made = admin.post("/queues", json!({"name": queue, "rules": {"members": members}})).await;
        assert_eq!(made.status, 201, "{}", made.json());
    }
    let call = CallId::new(1_795_336_200_000, 7);
    fixture.live.apply(View::Call(call_view(&default_tenant(), call, "13800000000", "7000")));
    fixture.live.apply(agent("10001", AgentState::Ready, Some(call)));
    let shown = admin.get("/wallboard").await.json()["agents"][0].clone();
    let of = |names: &[&str]| names.iter().map(|name| shown[name].clone()).collect::<Vec<_>>();
    assert_eq!(of(&["agent", "name", "department", "extension"]), ["10001", "Li Ming", "Sales", "1001"]);
    assert_eq!(of(&["state", "word", "since"]), ["ready", "connected", "2026-11-22T08:30:00.000Z"]);
    assert_eq!(shown["groups"], json!(["support", "vip"]));
    assert_eq!(shown["other_side"], "13800000000");
}

fn why() -> WhyAgent {
    let candidate = |agent: &str, rejected| WhyCandidate {
        agent: agent.into(),
        level: 1,
        idle_ms: 60_000,
        answered_today: 2,
        rejected,
    };
    let candidates = vec![candidate("10002", true), candidate("10001", false)];
    WhyAgent { rule: ChoiceRule::LongestIdle, level: 3, waited_ms: 5_000, idle: 2, candidates }
}

#[tokio::test]
async fn who_waits_is_shown_with_his_number_place_and_whom_the_queue_has_rung_for_him() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/queues", json!({"name": "support"})).await.status, 201);
    let (first, second) = (CallId::new(1_795_336_200_000, 1), CallId::new(1_795_336_205_000, 2));
    let offer = OfferView { agent: "10001".into(), since_ms: 1_795_336_204_000, why: why() };
    let mut waiting = call_view(&default_tenant(), first, "13800000001", "7000");
    waiting.offers.push(offer);
    fixture.live.apply(View::Call(waiting));
    fixture.live.apply(View::Call(call_view(&default_tenant(), second, "", "7000")));
    let View::Queue(mut line) = queue(2) else { unreachable!("a queue's view") };
    line.first = vec![
        WaitingView { call: first, since_ms: 1_795_336_200_000 },
        WaitingView { call: second, since_ms: 1_795_336_205_000 },
    ];
    fixture.live.apply(View::Queue(line));
    let candidate = |agent: &str, rejected: bool| json!({"agent": agent, "level": 1, "idle_ms": 60_000, "answered_today": 2, "rejected": rejected});
    let why = json!({"rule": "longest_idle", "level": 3, "waited_ms": 5_000, "idle": 2,
        "candidates": [candidate("10002", true), candidate("10001", false)]});
    let offers = json!([{"agent": "10001", "since": "2026-11-22T08:30:04.000Z", "why": why}]);
    let waits = |place: u8, call: CallId, number: &str, since: &str, offers: &Value| json!({"queue": "support", "place": place, "call": call.to_string(), "number": number, "since": since, "offers": offers});
    let told = json!([
        waits(1, first, "13800000001", "2026-11-22T08:30:00.000Z", &offers),
        waits(2, second, "", "2026-11-22T08:30:05.000Z", &json!([])),
    ]);
    assert_eq!(admin.get("/wallboard").await.json()["callers"], told);
    assert_eq!(admin.get("/queues/support").await.json()["now"]["callers"], told);
}

/// Proves GEN-18 (supervisors are told): an emergency call is on the wallboard and on the desk of who sees that, at once.
#[tokio::test]
async fn supervisors_are_told_of_an_emergency_call_at_once() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let token = fixture.token(&default_tenant(), &["wallboard.read"]).await;
    let server = start(&fixture).await;
    let bearer = [("authorization", format!("Bearer {token}"))];
    let mut socket = open(&server, "/wallboard/stream", &bearer).await.unwrap();
    assert_eq!(next(&mut socket).await["emergencies"], json!([]));
    let call = CallId::new(1_795_336_200_000, 7);
    let mut emergency = call_view(&default_tenant(), call, "1001", "110");
    emergency.emergency = true;
    emergency.created_ms = 1_795_336_200_000;
    emergency.legs.push(LegView {
        leg: LegId::new(1_795_336_200_000, 8),
        peer: PeerKind::Extension,
        peer_name: "1001".into(),
        phase: LegPhase::Up,
        codec: None,
    });
    fixture.live.apply(agent("10001", AgentState::OnBreak, Some(call)));
    fixture.live.apply(View::Call(call_view(&default_tenant(), CallId::new(1, 1), "1002", "1003")));
    fixture.live.apply(View::Call(emergency));
    let told = json!([{"call": call.to_string(), "number": "110", "extension": "1001", "agent": "10001",
        "since": "2026-11-22T08:30:00.000Z"}]);
    let begun = Instant::now();
    assert_eq!(next(&mut socket).await["emergencies"], told);
    assert!(
        begun.elapsed() < Duration::from_millis(1_500),
        "at the change, not at the next push: {:?}",
        begun.elapsed()
    );
    assert_eq!(admin.get("/desk").await.json()["emergencies"], told);
    assert_eq!(admin.get(&format!("/calls/{call}")).await.json()["emergency"], true);
    let agent = fixture.token(&default_tenant(), &["call.dial"]).await;
    let agent = fixture.client().with("authorization", &format!("Bearer {agent}"));
    assert_eq!(agent.get("/desk").await.json()["emergencies"], json!([]), "without `wallboard.read` nobody is told");
    fixture.live.apply(View::CallGone(default_tenant(), call));
    assert_eq!(next(&mut socket).await["emergencies"], json!([]));
}

#[tokio::test]
async fn the_limits_of_the_board_are_set_for_the_enterprise_and_pushed_with_it() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let limits = admin.get("/wallboard").await.json()["limits"].clone();
    assert_eq!(limits["longest_wait_s"], json!({"warn": 20, "alarm": 60}));
    let wrong = json!({"wallboard": {"waiting": {"warn": 9, "alarm": 3}}});
    let refused = admin.patch("/tenants/default", wrong).await.json();
    assert_eq!(refused["errors"][0]["field"], "wallboard.waiting", "{refused}");
    let change = json!({"wallboard": {"waiting": {"warn": 3, "alarm": 9}, "abandoned_percent": null}});
    let set = admin.patch("/tenants/default", change).await.json()["wallboard"].clone();
    let told = json!({"waiting": {"warn": 3, "alarm": 9}, "longest_wait_s": {"warn": 20, "alarm": 60},
        "abandoned_percent": null, "service_level_percent": {"warn": 90, "alarm": 80}});
    assert_eq!(set, told);
    assert_eq!(admin.get("/tenants/default").await.json()["wallboard"], told, "they are kept");
    // A board is counted once a second for all who look.
    let token = fixture.token(&default_tenant(), &["wallboard.read"]).await;
    let server = start(&fixture).await;
    let mut socket = open(&server, "/wallboard/stream", &[("authorization", format!("Bearer {token}"))]).await.unwrap();
    while next(&mut socket).await["limits"] != told {}
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("a board in time");
        if let Message::Text(text) = message.expect("the stream goes on").unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// Proves MON-01 as far as the server goes.
#[tokio::test]
async fn the_board_is_pushed_at_each_change_and_every_two_seconds() {
    let fixture = Fixture::new().await;
    let token = fixture.token(&default_tenant(), &["wallboard.read"]).await;
    let server = start(&fixture).await;
    let bearer = [("authorization", format!("Bearer {token}"))];
    assert!(
        matches!(open(&server, "/wallboard/stream", &[]).await, Err(Error::Http(refused)) if refused.status() == 401)
    );
    let mut socket = open(&server, "/wallboard/stream", &bearer).await.unwrap();
    assert_eq!(next(&mut socket).await["waiting"], 0);
    fixture.live.apply(queue(1));
    assert_eq!(next(&mut socket).await["waiting"], 1);
    // Nothing changes, and it is said all the same.
    let told = Instant::now();
    assert_eq!(next(&mut socket).await["waiting"], 1);
    let passed = told.elapsed();
    assert!(passed >= Duration::from_millis(1_500), "nothing had changed: {passed:?}");
    assert!(passed < Duration::from_millis(2_900), "two seconds, and a look that comes late: {passed:?}");
}
