//! What is read of the switch: calls, registrations, bans, health, metrics; and commands.

use axum::body::to_bytes;
use axum::http::Request;
use engine::http::health::SipSockets;
use engine::http::peer::Peer;
use hooks::id::CallId;
use serde_json::json;
use switch::input::{Admission, Command};
use switch::view::View;
use tower::ServiceExt as _;

use crate::fixture::{Fixture, call_view, default_tenant, other_tenant};

/// Proves CALL-05 as far as the server goes: a number as it was typed or pasted is dialled, and who has no phone is told so (CALL-06).
#[tokio::test]
async fn a_call_is_started_seen_and_ended() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let started = admin.post("/calls", json!({"from": "1001", "to": "+86 138-0000-0000"})).await;
    assert_eq!(started.status, 201);
    let path = started.header("location").to_owned();
    let seen = admin.get(&path).await.json();
    assert_eq!((seen["phase"].as_str(), seen["callee"].as_str()), (Some("ringing"), Some("+8613800000000")));
    assert_eq!(admin.get("/calls").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.post(&format!("{path}/hangup"), json!({})).await.status, 204);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(admin.post(&format!("{path}/hangup"), json!({})).await.problem(), "not-found");
    let pasted = admin.post("/calls", json!({"from": "1001", "to": " (010) 6666.7777 "})).await;
    let seen = admin.get(pasted.header("location")).await.json();
    assert_eq!((seen["caller"].as_str(), seen["callee"].as_str()), (Some("1001"), Some("01066667777")));
    let refused = admin.post("/calls", json!({"from": "4444", "to": "1002"})).await.json();
    assert!(refused["detail"].as_str().unwrap().contains("no phone is registered"), "{refused}");
    assert_eq!(admin.post("/calls", json!({"from": "x", "to": "y"})).await.json()["errors"][1]["field"], "to");
}

#[tokio::test]
async fn live_calls_are_listed_page_by_page() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for n in 1..=5 {
        fixture.live.apply(View::Call(call_view(&default_tenant(), CallId::new(n, 1), "1", "2")));
        fixture.live.apply(View::Call(call_view(&other_tenant(), CallId::new(n, 2), "1", "2")));
    }
    let first = admin.get("/calls?limit=3").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = admin.get(&format!("/calls?limit=3&cursor={cursor}")).await.json();
    assert_eq!((first["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (3, 2));
    assert!(rest["next_cursor"].is_null());
}

#[tokio::test]
async fn registrations_say_who_where_until_when_and_how_far() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for (extension, contact) in [("1001", "sip:a@192.0.2.1"), ("1001", "sip:b@192.0.2.1"), ("1002", "sip:c@192.0.2.1")]
    {
        fixture.publish_phone(&default_tenant(), extension, contact);
    }
    fixture.publish_phone(&other_tenant(), "1001", "sip:d@192.0.2.1");
    let all = admin.get("/registrations").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
    assert_eq!(all["items"][0]["round_trip_ms"], 1.5);
    assert_eq!(all["items"][0]["expires_at"], "1970-01-01T00:00:02.000Z");
    let one = admin.get("/registrations?extension=1001&limit=1").await.json();
    let cursor = one["next_cursor"].as_str().unwrap();
    let two = admin.get(&format!("/registrations?extension=1001&limit=1&cursor={cursor}")).await.json();
    assert_eq!(two["items"][0]["contact"], "sip:b@192.0.2.1");
    assert!(two["next_cursor"].is_null());
}

#[tokio::test]
async fn a_ban_is_seen_and_lifted() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.publish_ban("192.0.2.66");
    fixture.publish_ban("2001:db8::1");
    assert_eq!(admin.get("/bans").await.json()["items"][0]["address"], "192.0.2.66");
    assert_eq!(admin.delete("/bans/2001:db8::1").await.status, 204);
    assert_eq!(admin.delete("/bans/2001:db8::1").await.problem(), "not-found");
    let last = fixture.switch.commands.lock().unwrap().last().unwrap().1.clone();
    assert_eq!(last, Command::LiftBan("2001:db8::1".parse().unwrap()));
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let fixture = Fixture::new().await;
    let client = fixture.client();
    assert_eq!(client.get("/healthz").await.bytes, b"ok\n");
    assert_eq!(client.get("/readyz").await.status, 200);
    fixture.health.set_sip(SipSockets::Down);
    fixture.health.set_admission(Admission::DiskLow);
    assert_eq!(client.bad_checks().await, ["sip", "admission"]);
    fixture.health.set_sip(SipSockets::Up);
    fixture.health.set_admission(Admission::JournalFailed);
    assert_eq!(client.bad_checks().await, ["journal", "admission"]);
    fixture.health.set_admission(Admission::Open);
    fixture.store.close().await;
    assert_eq!(client.bad_checks().await, ["database"]);
    assert_eq!(client.get("/healthz").await.status, 200, "alive is not ready");
}

#[tokio::test]
async fn a_database_that_is_away_is_no_wrong_password() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.store.close().await;
    let answer = admin.get("/extensions").await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "unavailable"));
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_by_permission() {
    let fixture = Fixture::new().await;
    fixture.admin().await.get("/extensions").await;
    assert_eq!(fixture.client().get("/metrics").await.status, 401);
    let local = |proxied: bool| {
        let mut request = Request::get("/metrics").extension(Peer {
            address: "127.0.0.1:9".parse().unwrap(),
            local: "127.0.0.1:8080".parse().unwrap(),
            secure: false,
        });
        if proxied {
            request = request.header("x-forwarded-for", "192.0.2.1");
        }
        fixture.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
    };
    assert_eq!(local(true).await.unwrap().status(), 401);
    let answer = local(false).await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(text.contains("switchboard_calls "), "{text}");
    assert!(text.contains(r#"path="/api/v1/extensions""#), "{text}");
}
