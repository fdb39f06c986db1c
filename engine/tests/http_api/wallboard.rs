//! The wallboard: a snapshot, and pushed at each change.

use std::time::Duration;

use futures_util::StreamExt as _;
use hooks::fact::{AgentState, CallStatus, Sign, Talk, Way};
use hooks::id::CallId;
use serde_json::{Value, json};
use switch::queue::Figures;
use switch::view::{AgentView, QueueView, View, WaitingView};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::events::{Socket, open, start};
use crate::fixture::{Fixture, call_view, default_tenant, other_tenant};

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

/// Proves MON-10 and the data of MON-20.
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
    assert_eq!(next(&mut socket).await["waiting"], 1);
}
