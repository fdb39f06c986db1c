//! What holds for all writes: idempotency keys, bodies, limits.

use serde_json::json;
use switch::input::Command;

use crate::fixture::{Fixture, default_tenant};

#[tokio::test]
async fn a_write_sent_again_with_its_key_is_done_once() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let keyed = admin.clone().with("idempotency-key", "k-1");
    let new = json!({"number": "2001"});
    let first = keyed.post("/extensions", new.clone()).await;
    let second = keyed.post("/extensions", new.clone()).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.json(), second.json(), "also the password that is shown once");
    assert_eq!((first.header("etag"), first.header("location")), (second.header("etag"), second.header("location")));
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    let other = keyed.post("/extensions", json!({"number": "2002"})).await;
    assert_eq!((other.status.as_u16(), other.problem().as_str()), (422, "idempotency-mismatch"));
    let elsewhere = admin.clone().with("idempotency-key", "k-2").post("/extensions", new).await;
    assert_eq!(elsewhere.problem(), "already-exists");
}

#[tokio::test]
async fn a_call_is_started_once_for_each_key() {
    let fixture = Fixture::new().await;
    let keyed = fixture.admin().await.with("idempotency-key", "dial-1");
    let call = json!({"from": "1001", "to": "138 0000-0000"});
    let first = keyed.post("/calls", call.clone()).await.json();
    assert_eq!(keyed.post("/calls", call).await.json(), first);
    assert_eq!(fixture.switch.commands.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_free_again_after_a_refusal() {
    let fixture = Fixture::new().await;
    let keyed = fixture.admin().await.with("idempotency-key", "k-1");
    assert_eq!(keyed.post("/calls", json!({"from": "1002", "to": "1001"})).await.problem(), "refused");
    assert_eq!(keyed.post("/extensions", json!({"number": "2001"})).await.status, 201);
    let long = "x".repeat(256);
    let bad = fixture.admin().await.with("idempotency-key", &long);
    assert_eq!(bad.post("/extensions", json!({"number": "2003"})).await.problem(), "invalid");
}

#[tokio::test]
async fn keys_of_two_principals_never_meet() {
    let fixture = Fixture::new().await;
    let one = fixture.admin().await.with("idempotency-key", "same");
    let two = fixture.token(&default_tenant(), &["*"]).await;
    let two = fixture.client().with("authorization", &format!("Bearer {two}")).with("idempotency-key", "same");
    assert_eq!(one.post("/extensions", json!({"number": "2001"})).await.status, 201);
    assert_eq!(two.post("/extensions", json!({"number": "2001"})).await.problem(), "already-exists");
}

#[tokio::test]
async fn a_body_that_is_no_small_json_is_refused() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.send("POST", "/calls", None).await.problem(), "unsupported-media-type");
    let large = json!({"number": "2001", "display_name": "x".repeat(70_000)});
    assert_eq!(admin.post("/extensions", large.clone()).await.problem(), "too-large");
    let keyed = admin.clone().with("idempotency-key", "k");
    assert_eq!(keyed.post("/extensions", large).await.problem(), "too-large");
    assert_eq!(admin.post("/calls", json!("text")).await.problem(), "invalid");
}

/// `dial.resolve`: who dials need not know the number, and an answer never tells it.
#[tokio::test]
async fn a_call_goes_to_the_number_of_a_record() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let call = |body: serde_json::Value| admin.post("/calls", body);
    let started = call(json!({"from": "1001", "record": "customer-7"})).await;
    assert_eq!(started.status, 201);
    let dialled = fixture.switch.commands.lock().unwrap().last().map(|(_, command)| command.clone());
    let Some(Command::Originate { to, .. }) = dialled else { panic!("{dialled:?}") };
    assert_eq!(to.as_str(), "13800000007");
    for (body, field, why) in [
        (json!({"from": "1001", "record": "customer-9"}), "record", "nobody knows a number for `customer-9`"),
        (json!({"from": "1001", "record": "customer-8"}), "record", "what is known for `customer-8` cannot be dialled"),
        (json!({"from": "1001", "record": ""}), "record", "a record has 1 to 128 characters"),
        (json!({"from": "1001", "record": "customer-7", "to": "1"}), "to", "name either `to` or `record`"),
        (json!({"from": "1001"}), "to", "name either `to` or `record`"),
    ] {
        let refused = call(body).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "invalid"));
        let told = refused.json();
        let error = &told["errors"][0];
        assert_eq!((error["field"].as_str(), error["detail"].as_str()), (Some(field), Some(why)));
        assert!(!told.to_string().contains("1380000"));
    }
}
