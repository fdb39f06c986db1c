//! Events: pulled by position, streamed by WebSocket from a real server.

use std::time::{Duration, Instant};

use engine::http::server::{Security, serve};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::fixture::{Fixture, default_tenant, other_tenant};

fn failures(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|event| event["data"]["failures"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn events_are_pulled_in_order_from_where_one_stopped() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.append(&default_tenant(), &[1, 2, 3, 4, 5]);
    fixture.append(&other_tenant(), &[90]);
    let first = admin.get("/events?limit=2").await.json();
    assert_eq!(failures(&first), [1, 2]);
    let event = &first["items"][0];
    assert_eq!((event["specversion"].as_str(), event["type"].as_str()), (Some("1.0"), Some("source.banned")));
    assert_eq!(event["time"], "2026-11-22T08:30:00.007Z");
    let mut cursor = first["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(cursor, first["items"][1]["id"].as_str().unwrap());
    let mut seen = failures(&first);
    loop {
        let page = admin.get(&format!("/events?limit=2&after={cursor}")).await.json();
        let more = failures(&page);
        cursor = page["next_cursor"].as_str().unwrap().to_owned();
        if more.is_empty() {
            break;
        }
        seen.extend(more);
    }
    assert_eq!(seen, [1, 2, 3, 4, 5], "and nothing of the other tenant");
    // Asked again from an old position: the same events.
    assert_eq!(failures(&admin.get("/events?after=default.1.3").await.json()), [4, 5]);
    assert_eq!(failures(&admin.get("/events?after=default.1.3").await.json()), [4, 5]);
}

#[tokio::test]
async fn a_pull_waits_for_the_next_event_and_not_longer() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.append(&default_tenant(), &[1]);
    let began = Instant::now();
    let none = admin.get("/events?after=default.1.1&wait_ms=150").await.json();
    assert!(failures(&none).is_empty() && began.elapsed() >= Duration::from_millis(150));
    let waiting = admin.get("/events?after=default.1.1&wait_ms=20000");
    let append = async {
        tokio::task::yield_now().await;
        fixture.append(&default_tenant(), &[2]);
    };
    let (page, ()) = tokio::join!(waiting, append);
    assert_eq!(failures(&page.json()), [2]);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_position_of_elsewhere_is_refused() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.append(&default_tenant(), &[1]);
    fixture.append(&other_tenant(), &[1]);
    assert_eq!(admin.get("/events?after=other.1.1").await.problem(), "not-found");
    assert_eq!(admin.get("/events?after=default.7.1").await.problem(), "invalid");
    assert_eq!(admin.get("/events?after=nonsense").await.problem(), "invalid");
    assert_eq!(admin.get("/events?wait_ms=25001").await.problem(), "invalid");
    assert_eq!(admin.get("/events/stream").await.problem(), "upgrade-required");
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Server {
    address: std::net::SocketAddr,
    _stop: watch::Sender<bool>,
}

pub(crate) async fn start(fixture: &Fixture) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(serve(listener, Security::Plain, fixture.router.clone(), stopped));
    Server { address, _stop: stop }
}

async fn connect(server: &Server, query: &str, headers: &[(&'static str, String)]) -> Result<Socket, Error> {
    open(server, &format!("/events/stream{query}"), headers).await
}

/// A WebSocket of the API.
pub(crate) async fn open(server: &Server, path: &str, headers: &[(&'static str, String)]) -> Result<Socket, Error> {
    let url = format!("ws://{}/api/v1{path}", server.address);
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

async fn next(socket: &mut Socket) -> u64 {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.expect("an event in time");
        if let Message::Text(text) = message.expect("the stream goes on").unwrap() {
            let event: Value = serde_json::from_str(&text).unwrap();
            return event["data"]["failures"].as_u64().unwrap();
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_the_last_one_ended() {
    let fixture = Fixture::new().await;
    let token = fixture.token(&default_tenant(), &["events.read"]).await;
    let server = start(&fixture).await;
    let bearer = [("authorization", format!("Bearer {token}"))];
    fixture.append(&default_tenant(), &[1, 2]);
    let mut live = connect(&server, "", &bearer).await.unwrap();
    fixture.append(&default_tenant(), &[3]);
    assert_eq!(next(&mut live).await, 3, "without a position only what happens from now on");
    drop(live);
    fixture.append(&default_tenant(), &[4, 5]);
    let mut resumed = connect(&server, "?after=default.1.3", &bearer).await.unwrap();
    assert_eq!([next(&mut resumed).await, next(&mut resumed).await], [4, 5]);
    fixture.append(&default_tenant(), &[6]);
    assert_eq!(next(&mut resumed).await, 6);
}

#[tokio::test]
async fn a_stream_is_for_ones_own_pages_and_those_who_may() {
    let fixture = Fixture::new().await;
    let token = fixture.token(&default_tenant(), &["events.read"]).await;
    let none = fixture.token(&default_tenant(), &[]).await;
    let server = start(&fixture).await;
    let bearer = ("authorization", format!("Bearer {token}"));
    let status = |result: Result<Socket, Error>| match result {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    };
    let evil = ("origin", "https://evil.example".to_owned());
    let own = ("origin", format!("http://{}", server.address));
    assert_eq!(status(connect(&server, "", &[]).await), 401);
    assert_eq!(status(connect(&server, "", &[("authorization", format!("Bearer {none}"))]).await), 403);
    assert_eq!(status(connect(&server, "", &[bearer.clone(), evil]).await), 403);
    assert_eq!(status(connect(&server, "", &[bearer.clone(), own]).await), 101);
    assert_eq!(status(connect(&server, "?after=other.1.1", &[bearer]).await), 404);
}

/// A client that reads nothing is closed with 1013 once the buffers between are full and ten seconds are over; what it had not read is not lost: it
/// comes back with the position of the last event. Another client of the same tenant is not kept waiting by it.
#[tokio::test]
async fn a_stream_that_is_not_read_is_closed_and_goes_on_from_its_last_event() {
    let fixture = Fixture::new().await;
    let token = fixture.token(&default_tenant(), &["events.read", "metrics.read"]).await;
    let server = start(&fixture).await;
    let bearer = [("authorization", format!("Bearer {token}"))];
    for from in (1..=SLOW_EVENTS).step_by(1_000) {
        fixture.append(&default_tenant(), &(from..from + 1_000).collect::<Vec<_>>());
    }
    let mut slow = connect(&server, "?after=default.1.0", &bearer).await.unwrap();
    let mut other = connect(&server, "", &bearer).await.unwrap();
    fixture.append(&default_tenant(), &[SLOW_EVENTS + 1]);
    assert_eq!(next(&mut other).await, u64::from(SLOW_EVENTS) + 1);
    let client = fixture.client().with("authorization", &format!("Bearer {token}"));
    let slow_ends = r#"switchboard_http_streams_ended_total{reason="too_slow"} 1"#;
    let closed = async {
        while !String::from_utf8_lossy(&client.get("/metrics").await.bytes).contains(slow_ends) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(25), closed).await.expect("nobody closes who takes nothing");
    let mut last = 0;
    let code = loop {
        match slow.next().await {
            Some(Ok(Message::Text(text))) => {
                let event: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(event["data"]["failures"], last + 1, "in order, and none left out");
                last += 1;
            }
            Some(Ok(Message::Close(frame))) => break u16::from(frame.expect("a reason").code),
            Some(Ok(_)) => {}
            other => panic!("no close after {last}: {other:?}"),
        }
    };
    assert!((1..u64::from(SLOW_EVENTS)).contains(&last), "all {last} fit into the buffers: the test needs more");
    assert_eq!(code, 1013);
    let mut again = connect(&server, &format!("?after=default.1.{last}"), &bearer).await.unwrap();
    assert_eq!(next(&mut again).await, last + 1);
}

/// More than the buffers of both ends of a connection take, some megabytes each.
const SLOW_EVENTS: u32 = 40_000;
