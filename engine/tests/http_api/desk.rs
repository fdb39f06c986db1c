//! An agent's desk: himself, his call and his colleagues, as a snapshot and pushed.

use std::time::Duration;

use futures_util::StreamExt as _;
use hooks::fact::{AgentState, CallStatus, Sign, Way};
use hooks::id::CallId;
use serde_json::{Value, json};
use switch::queue::Figures;
use switch::view::{AgentView, QueueView, RingView, View, WaitingView};
use tokio_tungstenite::tungstenite::Message;

use crate::events::{Socket, open, start};
use crate::fixture::{Client, Fixture, PASSWORD, call_view, default_tenant};
use crate::people::hired;

fn agent(number: &str, call_status: CallStatus, call: Option<CallId>) -> View {
    let rings = RingView { since_ms: 1_795_336_210_000, until_ms: 1_795_336_230_000 };
    View::Agent(Box::new(AgentView {
        tenant: default_tenant(),
        agent: number.into(),
        extension: Some("1001".into()),
        state: AgentState::Ready,
        since_ms: 1_795_336_200_000,
        call_status,
        calls: call.into_iter().collect(),
        mobile: None,
        supervises: false,
        sign: Sign::Phone(Way::Web),
        kept: None,
        rings: (call_status == CallStatus::Ringing).then_some(rings),
    }))
}

fn queue(call: CallId) -> View {
    View::Queue(Box::new(QueueView {
        callbacks: Vec::new(),
        tenant: default_tenant(),
        queue: "support".into(),
        waiting: 1,
        first: vec![WaitingView { call, since_ms: 1_795_336_200_000 }],
        signed_in: 2,
        idle: 1,
        today: Figures::default(),
    }))
}

async fn employee(fixture: &Fixture) -> (Client<'_>, String) {
    let signed_in = json!({"login": "admin", "password": PASSWORD, "tenant": "default"});
    let signed_in = fixture.client().post("/session", signed_in).await.json();
    assert_eq!((&signed_in["employee"], &signed_in["name"]), (&json!("10000"), &json!("Administrator")));
    let bearer = format!("Bearer {}", signed_in["token"].as_str().unwrap());
    (fixture.client().with("authorization", &bearer), bearer)
}

#[tokio::test]
async fn a_desk_shows_oneself_ones_call_and_who_could_help() {
    let fixture = Fixture::new().await;
    let (own, _) = employee(&fixture).await;
    assert_eq!(own.get("/session").await.json()["employee"], "10000");
    assert_eq!(own.get("/desk").await.json()["agent"], Value::Null, "who is no agent yet");
    let call = CallId::new(1_795_336_200_000, 7);
    fixture.live.apply(View::Call(call_view(&default_tenant(), call, "13800000000", "7000")));
    fixture.live.apply(agent("10000", CallStatus::Ringing, Some(call)));
    fixture.live.apply(agent("10001", CallStatus::None, None));
    fixture.live.apply(queue(call));
    let desk = own.get("/desk").await.json();
    assert_eq!((&desk["agent"]["state"], &desk["agent"]["call_status"]), (&json!("ready"), &json!("ringing")));
    assert_eq!((&desk["call"]["id"], &desk["call"]["caller"]), (&json!(call.to_string()), &json!("13800000000")));
    let offer = json!({"queue": "support", "waiting_since": "2026-11-22T08:30:00.000Z",
        "rings_since": "2026-11-22T08:30:10.000Z", "rings_until": "2026-11-22T08:30:30.000Z"});
    assert_eq!(desk["offered_by"], offer);
    let colleagues = desk["colleagues"].as_array().unwrap();
    assert_eq!(colleagues.len(), 1, "oneself is no colleague");
    assert_eq!((&colleagues[0]["agent"], &colleagues[0]["word"]), (&json!("10001"), &json!("idle")));
    assert_eq!(desk["queues"][0]["queue"], "support");
    // Others are seen by permission only.
    let token = fixture.token(&default_tenant(), &["call.dial"]).await;
    let dialler = fixture.client().with("authorization", &format!("Bearer {token}"));
    let desk = dialler.get("/desk").await.json();
    assert_eq!(dialler.get("/desk/colleagues").await.status, 403);
    assert_eq!((&desk["colleagues"], &desk["queues"], &desk["call"]), (&json!([]), &json!([]), &Value::Null));
    assert_eq!(dialler.get("/desk/today").await.problem(), "not-found");
    assert_eq!(dialler.get("/desk/missed-offers").await.problem(), "not-found");
    let token = fixture.token(&default_tenant(), &["calls.read"]).await;
    let reader = fixture.client().with("authorization", &format!("Bearer {token}"));
    assert_eq!(reader.get("/desk").await.status, 403);
}

#[tokio::test]
async fn what_colleagues_are_called_is_read_beside_the_desk() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for (number, name) in [("10002", "李明"), ("10001", "张伟")] {
        let mut new = hired(number, &format!("138000{number}"));
        (new["name"], new["agent"]) = (json!(name), json!({}));
        assert_eq!(admin.post("/employees", new).await.status, 201);
    }
    admin.post("/employees", hired("10003", "13800010003")).await;
    let names = admin.get("/desk/colleagues").await.json();
    assert_eq!(
        names["items"],
        json!([{"agent": "10001", "name": "张伟"}, {"agent": "10002", "name": "李明"}]),
        "agents alone"
    );
}

#[tokio::test]
async fn ones_own_day_and_missed_calls_need_no_more_than_to_be_an_agent() {
    let fixture = Fixture::new().await;
    let (own, _) = employee(&fixture).await;
    let today = own.get("/desk/today").await.json();
    assert_eq!((&today["offered"], &today["talk_ms"], &today["states_ms"]), (&json!(0), &json!(0), &json!({})));
    assert_eq!(own.get("/desk/missed-offers?limit=5").await.json()["items"], json!([]));
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("a desk in time");
        if let Message::Text(text) = message.expect("the stream goes on").unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test]
async fn a_desk_is_pushed_when_it_changes() {
    let fixture = Fixture::new().await;
    let (_own, bearer) = employee(&fixture).await;
    let server = start(&fixture).await;
    let mut socket = open(&server, "/desk/stream", &[("authorization", bearer)]).await.unwrap();
    assert_eq!(next(&mut socket).await["agent"], Value::Null);
    fixture.live.apply(agent("10000", CallStatus::None, None));
    assert_eq!(next(&mut socket).await["agent"]["state"], "ready");
    assert!(next(&mut socket).await["at"].as_str().unwrap().ends_with('Z'), "nothing changes, and the clock is told");
}
