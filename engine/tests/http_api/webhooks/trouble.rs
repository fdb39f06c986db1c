//! Endpoints that fail, stall, are slow, die and come back.

use std::time::{Duration, Instant};

use engine::config::WebhookConfig;
use engine::webhooks::BODY_MAX;
use engine::webhooks::retry::RetryRules;
use hooks::fact::{Event, Fact, SourceBanned};
use serde_json::{Value, json};

use super::receiver::{Say, Sent};
use super::{Delivering, Receiver, hook, until};
use crate::fixture::{Fixture, default_tenant, webhook_config};

fn retrying(attempts: u32) -> WebhookConfig {
    let config = webhook_config();
    WebhookConfig { retry: RetryRules { attempts, ..config.retry }, ..config }
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_before_anything_else() {
    let fixture = Fixture::with_webhooks(WebhookConfig { timeout: Duration::from_secs(2), ..webhook_config() }).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let elsewhere = Say::With(302, "location", receiver.url());
    receiver.says([Say::Status(500), Say::Status(404), elsewhere, Say::Nothing, Say::Status(200), Say::Status(503)]);
    let (id, secret) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &[1, 2, 3]);
    receiver.wait_for_taken(3).await;
    let ns: Vec<u64> = receiver.got().iter().map(Sent::n).collect();
    assert_eq!(ns, [1, 1, 1, 1, 1, 2, 2, 3]);
    assert!(receiver.got().iter().all(|sent| sent.is_signed_by(&secret)));
    let log =
        until(&admin, &format!("/webhooks/{id}/deliveries"), |log| log["items"].as_array().unwrap().len() == 8).await;
    let mut tried: Vec<(Value, Value, Value)> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["attempt"].clone(), entry["status"].clone(), entry["outcome"].clone()))
        .collect();
    tried.reverse();
    let expected = [
        (1, json!(500), "failed"),
        (2, json!(404), "failed"),
        (3, json!(302), "failed"),
        (4, Value::Null, "failed"),
        (5, json!(200), "delivered"),
        (1, json!(503), "failed"),
        (2, json!(204), "delivered"),
        (1, json!(204), "delivered"),
    ];
    assert_eq!(tried, expected.map(|(attempt, status, outcome)| (json!(attempt), status, json!(outcome))));
    let errors: Vec<&str> =
        log["items"].as_array().unwrap().iter().filter_map(|entry| entry["error"].as_str()).collect();
    assert!(errors.contains(&"no answer within 2000 ms") && errors.contains(&"the server answered 302"), "{errors:?}");
    delivering.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_stalls_or_is_away_holds_no_other() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let (stalls, good, away) = (Receiver::new().await, Receiver::new().await, Receiver::new().await);
    stalls.says_always(Say::WhenTold);
    for receiver in [&stalls, &good, &away] {
        hook(&admin, receiver).await;
    }
    let away = away.die().await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &(1..=100).collect::<Vec<_>>());
    good.wait_for_taken(100).await;
    assert_eq!((stalls.got().len(), stalls.taken().len()), (1, 0), "one at a time");
    let away = away.revive();
    stalls.go();
    stalls.wait_for_taken(100).await;
    away.wait_for_taken(100).await;
    for receiver in [&stalls, &good, &away] {
        assert_eq!(receiver.taken_ns(), (1..=100).collect::<Vec<_>>());
    }
    delivering.stop().await;
}

#[tokio::test]
async fn one_that_dies_while_it_is_sent_events_gets_the_rest_when_it_is_back() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let mut receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    let path = format!("/webhooks/{id}");
    let mut appended = 0;
    for round in 1..=3 {
        fixture.append(&default_tenant(), &(appended..appended + 20).collect::<Vec<u32>>());
        appended += 20;
        receiver.wait_for(20 * round - 10).await;
        let dead = receiver.die().await;
        let shown =
            until(&admin, &path, |shown| !shown["state"]["failing"].is_null() || shown["state"]["lag"] == 0).await;
        assert!(shown["state"]["failing"].is_null() || shown["state"]["failing"]["status"].is_null(), "{shown}");
        receiver = dead.revive();
    }
    let last = u64::from(appended) - 1;
    receiver.wait_for_the(last).await;
    let mut seen = std::collections::BTreeSet::new();
    let taken = receiver.taken();
    let first: Vec<u64> = taken.iter().filter(|sent| seen.insert(sent.id().to_owned())).map(Sent::n).collect();
    assert_eq!(first, (0..=last).collect::<Vec<_>>());
    delivering.stop().await;
}

#[tokio::test]
async fn what_is_given_up_is_a_dead_letter_that_is_sent_again_by_hand() {
    let fixture = Fixture::with_webhooks(retrying(3)).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    receiver.says([Say::Status(500), Say::Status(500), Say::Status(400), Say::Status(200), Say::Status(500)]);
    receiver.says([Say::Status(502), Say::Status(500)]);
    let (id, secret) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &[1, 2, 3, 4]);
    receiver.wait_for_taken(2).await;
    assert_eq!(receiver.taken_ns(), [2, 4], "what follows one that was given up is delivered");
    let path = format!("/webhooks/{id}/dead-letters");
    let dead = until(&admin, &path, |dead| dead["items"].as_array().unwrap().len() == 2).await;
    let first = &dead["items"][0];
    assert_eq!(
        (&first["event"], &first["attempts"], &first["status"]),
        (&json!("default.1.1"), &json!(3), &json!(400))
    );
    assert_eq!((&first["type"], &first["error"]), (&json!("source.banned"), &json!("the server answered 400")));
    let page = admin.get(&format!("{path}?limit=1")).await.json();
    let rest = admin.get(&format!("{path}?cursor={}", page["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!((&rest["items"][0]["event"], &rest["next_cursor"]), (&json!("default.1.3"), &Value::Null));

    // The cause may last.
    receiver.says([Say::Status(418)]);
    let retry = format!("{path}/default.1.1/retry");
    let failed = admin.post(&retry, json!({})).await.json();
    assert_eq!((&failed["delivered"], &failed["status"]), (&json!(false), &json!(418)));
    let sent = admin.post(&retry, json!({})).await.json();
    assert_eq!((&sent["delivered"], &sent["status"]), (&json!(true), &json!(204)));
    let taken = receiver.taken().pop().unwrap();
    assert!(taken.is_signed_by(&secret) && taken.n() == 1 && taken.id() == "default.1.1");
    assert_eq!(admin.post(&retry, json!({})).await.problem(), "not-found");
    assert_eq!(admin.delete(&format!("{path}/default.1.3")).await.status, 204);
    assert_eq!(admin.delete(&format!("{path}/default.1.3")).await.problem(), "not-found");
    assert_eq!(admin.get(&path).await.json()["items"], json!([]));
    delivering.stop().await;
}

#[tokio::test]
async fn an_event_that_is_too_long_is_given_up_unsent() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    let banned = SourceBanned { source: "x".repeat(BODY_MAX), until_ms: 5, failures: 1 };
    let long = Fact { tenant: default_tenant(), at_ms: 5, event: Event::SourceBanned(banned) };
    fixture.journals.lock().unwrap().get_mut(&default_tenant()).unwrap().append(&[long]).unwrap();
    fixture.append(&default_tenant(), &[2]);
    receiver.wait_for_taken(1).await;
    assert_eq!(receiver.taken_ns(), [2]);
    let dead = admin.get(&format!("/webhooks/{id}/dead-letters")).await.json();
    assert!(dead["items"][0]["error"].as_str().unwrap().contains("more than the 262144"), "{dead}");
    delivering.stop().await;
}

#[tokio::test]
async fn one_that_answers_410_is_disabled_and_says_why() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    receiver.says([Say::Status(200), Say::Status(410)]);
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    fixture.append(&default_tenant(), &[1, 2]);
    let path = format!("/webhooks/{id}");
    let shown = until(&admin, &path, |shown| shown["enabled"] == false).await;
    assert!(shown["state"]["gone_at"].is_string(), "{shown}");
    let audit = admin.get("/audit").await.json();
    assert_eq!(audit["items"][0]["by"], format!("webhook:{id}"));
    let told = fixture.switch.settings.lock().unwrap().last().unwrap().1.clone();
    assert_eq!((told[0].resource.as_str(), told[0].id.as_str()), ("webhook", id.as_str()));
    // Enabled again it gets what it did not want.
    let again = admin.patch(&path, json!({"enabled": true})).await.json();
    assert_eq!(again["state"]["gone_at"], Value::Null);
    receiver.wait_for_taken(2).await;
    assert_eq!(receiver.taken_ns(), [1, 2]);
    delivering.stop().await;
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_and_a_change_is_tried_at_once() {
    let config = webhook_config();
    let (longest, span) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
    let retry = RetryRules { longest, span, ..config.retry };
    let fixture = Fixture::with_webhooks(WebhookConfig { retry, ..config }).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let busy = |code, after: &str| Say::With(code, "retry-after", after.to_owned());
    receiver.says([busy(503, "1"), busy(429, "1800")]);
    let (id, _) = hook(&admin, &receiver).await;
    let delivering = Delivering::start(&fixture);
    let began = Instant::now();
    fixture.append(&default_tenant(), &[1]);
    receiver.wait_for(2).await;
    assert!(began.elapsed() >= Duration::from_millis(999), "{:?}", began.elapsed());
    let path = format!("/webhooks/{id}");
    let shown = until(&admin, &path, |shown| shown["state"]["failing"]["attempts"] == 2).await;
    let failing = &shown["state"]["failing"];
    let at = |name: &str| failing[name].as_str().unwrap().parse::<engine::http::time_text::Instant>().unwrap().0;
    assert!((1_795_000..1_860_000).contains(&(at("next_attempt_at") - at("since"))), "{failing}");
    assert_eq!((&failing["status"], &failing["error"]), (&json!(429), &json!("the server answered 429")));
    assert_eq!(shown["state"]["lag"], 1);
    assert_eq!(admin.patch(&path, json!({"description": "mended"})).await.status, 200);
    receiver.wait_for_taken(1).await;
    delivering.stop().await;
}

#[tokio::test]
async fn tries_go_on_counting_over_a_restart() {
    let pause = Duration::from_millis(200);
    let config = retrying(4);
    let retry = RetryRules { first: pause, longest: pause, ..config.retry };
    let fixture = Fixture::with_webhooks(WebhookConfig { retry, ..config }).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    receiver.says_always(Say::Status(500));
    let (id, _) = hook(&admin, &receiver).await;
    fixture.append(&default_tenant(), &[1]);
    for count in 1..4 {
        let delivering = Delivering::start(&fixture);
        receiver.wait_for(count).await;
        let noted = |shown: &Value| {
            shown["state"]["failing"]["attempts"].as_u64() >= Some(count as u64) || shown["state"]["lag"] == 0
        };
        until(&admin, &format!("/webhooks/{id}"), noted).await;
        delivering.kill().await;
    }
    let delivering = Delivering::start(&fixture);
    let path = format!("/webhooks/{id}/dead-letters");
    let dead = until(&admin, &path, |dead| !dead["items"].as_array().unwrap().is_empty()).await;
    assert_eq!(dead["items"][0]["attempts"], 4);
    delivering.stop().await;
}
