//! What endpoints are sent: all of it, in order, signed, and again on demand.

use serde_json::{Value, json};

use super::receiver::{Say, Sent};
use super::{Delivering, Receiver, hook, made, until};
use crate::fixture::{Fixture, default_tenant, other_tenant};

fn ns(sent: &[Sent]) -> Vec<u64> {
    sent.iter().map(Sent::n).collect()
}

#[tokio::test]
async fn events_are_sent_in_order_as_signed_cloud_events_that_a_pull_shows_too() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    fixture.append(&default_tenant(), &[1]);
    let (id, secret) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&other_tenant(), &[90]);
    fixture.append(&default_tenant(), &(2..=200).collect::<Vec<_>>());
    receiver.wait_for_taken(199).await;
    let taken = receiver.taken();
    assert_eq!(ns(&taken), (2..=200).collect::<Vec<_>>(), "what was before it was made is not sent");
    for sent in &taken {
        assert!(sent.is_signed_by(&secret));
        assert_eq!(sent.header("content-type"), "application/cloudevents+json");
    }
    let pulled = admin.get("/events?after=default.1.1&limit=200").await.json();
    let pushed: Vec<Value> = taken.iter().map(Sent::json).collect();
    assert_eq!(pulled["items"], json!(pushed));
    assert_eq!(taken[0].id(), pushed[0]["id"].as_str().unwrap());
    let now_s = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now_s.abs_diff(taken[0].header("webhook-timestamp").parse().unwrap()) < 60);
    let state = until(&admin, &format!("/webhooks/{id}"), |shown| shown["state"]["lag"] == 0).await;
    assert_eq!(state["state"]["position"], "default.1.200");
    let log = admin.get(&format!("/webhooks/{id}/deliveries?limit=2")).await.json();
    let newest = &log["items"][0];
    assert_eq!(
        (&newest["event"], &newest["attempt"], &newest["status"]),
        (&json!("default.1.200"), &json!(1), &json!(204))
    );
    let rest = format!("/webhooks/{id}/deliveries?limit=200&cursor={}", log["next_cursor"].as_str().unwrap());
    assert_eq!(admin.get(&rest).await.json()["items"].as_array().unwrap().len(), 197);
    delivering.stop().await;
}

#[tokio::test]
async fn only_types_that_are_wanted_are_sent() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let delivering = Delivering::start(&fixture);
    let body = json!({"url": receiver.url(), "allow_private": true, "types": ["call.*", "agent.state_changed"]});
    let (id, _) = made(&admin, body).await;
    fixture.append(&default_tenant(), &[1, 2]);
    let path = format!("/webhooks/{id}");
    until(&admin, &path, |shown| shown["state"]["position"] == "default.1.2").await;
    assert_eq!(receiver.got().len(), 0);
    assert_eq!(admin.patch(&path, json!({"types": ["call.*", "source.banned"]})).await.status, 200);
    fixture.append(&default_tenant(), &[3]);
    receiver.wait_for_taken(1).await;
    assert_eq!(receiver.taken_ns(), [3]);
    // All of them.
    assert_eq!(admin.patch(&path, json!({"types": []})).await.status, 200);
    fixture.append(&default_tenant(), &[4]);
    receiver.wait_for_taken(2).await;
    assert_eq!(receiver.taken_ns(), [3, 4]);
    delivering.stop().await;
}

#[tokio::test]
async fn both_secrets_sign_while_one_replaces_the_other() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let delivering = Delivering::start(&fixture);
    let (id, old) = hook(&admin, &receiver).await;
    let rotate = format!("/webhooks/{id}/rotate-secret");
    fixture.append(&default_tenant(), &[1]);
    receiver.wait_for_taken(1).await;
    let new = admin.post(&rotate, json!({"overlap_s": 600})).await.json()["secret"].as_str().unwrap().to_owned();
    fixture.append(&default_tenant(), &[2]);
    receiver.wait_for_taken(2).await;
    let last = admin.post(&rotate, json!({"overlap_s": 0})).await.json()["secret"].as_str().unwrap().to_owned();
    fixture.append(&default_tenant(), &[3]);
    receiver.wait_for_taken(3).await;
    let by = |sent: &Sent| [&old, &new, &last].map(|secret| sent.is_signed_by(secret));
    let signed: Vec<_> = receiver.taken().iter().map(|sent| (sent.signatures(), by(sent))).collect();
    let expected = [(1, [true, false, false]), (2, [true, true, false]), (1, [false, false, true])];
    assert_eq!(signed, expected);
    delivering.stop().await;
}

#[tokio::test]
async fn a_replay_sends_again_from_a_position_with_the_same_ids() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    fixture.append(&default_tenant(), &[1, 2, 3]);
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &[4, 5]);
    receiver.wait_for_taken(2).await;
    let replay = format!("/webhooks/{id}/replay");
    assert_eq!(admin.post(&replay, json!({"after": "default.1.3"})).await.status, 200);
    receiver.wait_for_taken(4).await;
    assert_eq!(admin.post(&replay, json!({"after": "default.0.0"})).await.status, 200);
    receiver.wait_for_taken(9).await;
    let taken = receiver.taken();
    assert_eq!(ns(&taken), [4, 5, 4, 5, 1, 2, 3, 4, 5]);
    assert_eq!((taken[0].id(), taken[1].id()), (taken[2].id(), taken[3].id()));
    delivering.stop().await;
}

#[tokio::test]
async fn a_replay_during_a_request_holds() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &[1, 2, 3]);
    receiver.wait_for_taken(3).await;
    receiver.says([Say::WhenTold]);
    fixture.append(&default_tenant(), &[4]);
    receiver.wait_for(4).await;
    assert_eq!(admin.post(&format!("/webhooks/{id}/replay"), json!({"after": "default.1.1"})).await.status, 200);
    receiver.go();
    receiver.wait_for_taken(7).await;
    assert_eq!(receiver.taken_ns(), [1, 2, 3, 4, 2, 3, 4]);
    delivering.stop().await;
}

#[tokio::test]
async fn what_a_stop_cuts_off_is_sent_after_the_start_and_nothing_twice_that_was_noted() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    hook(&admin, &receiver).await;
    for round in 0..5_u32 {
        let delivering = Delivering::start(&fixture);
        fixture.append(&default_tenant(), &[2 * round, 2 * round + 1]);
        receiver.wait_for_taken(2 * round as usize + 1).await;
        delivering.stop().await;
    }
    let delivering = Delivering::start(&fixture);
    receiver.wait_for_taken(10).await;
    assert_eq!(receiver.taken_ns(), (0..10).collect::<Vec<_>>());
    delivering.stop().await;
}

/// Dropped between two arbitrary instructions of its own, twenty times, under a stream of events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_killed_anywhere_loses_nothing_and_keeps_the_order() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver).await;
    let mut appended = 0;
    for round in 0..20_usize {
        let delivering = Delivering::start(&fixture);
        fixture.append(&default_tenant(), &(appended..appended + 15).collect::<Vec<u32>>());
        appended += 15;
        // At another place each time: while it reads, sends, waits, or notes.
        receiver.wait_for(receiver.got().len() + 1 + round % 9).await;
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
        }
        if round % 3 == 2 {
            until(&admin, &format!("/webhooks/{id}"), |shown| shown["state"]["lag"] == 0).await;
        }
        delivering.kill().await;
    }
    let delivering = Delivering::start(&fixture);
    let last = u64::from(appended) - 1;
    receiver.wait_for_the(last).await;
    delivering.stop().await;
    // Each is processed once by its id: the first times are in order, and none is missing.
    let mut seen = std::collections::BTreeSet::new();
    let first: Vec<u64> =
        receiver.taken().iter().filter(|sent| seen.insert(sent.id().to_owned())).map(Sent::n).collect();
    assert_eq!(first, (0..=last).collect::<Vec<_>>());
}
