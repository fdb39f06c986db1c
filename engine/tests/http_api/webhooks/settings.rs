//! The resource: what is taken, shown and refused.

use std::net::IpAddr;

use engine::config::{WebhookConfig, network};
use engine::web_client::Reach;
use serde_json::{Value, json};

use super::{Delivering, Receiver, hook, made};
use crate::fixture::{Fixture, default_tenant, other_tenant, webhook_config};

#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted_and_its_secret_is_shown_once() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.append(&default_tenant(), &[1, 2]);
    let answer = admin
        .post("/webhooks", json!({"url": "https://crm.example/hooks", "types": ["call.*", "recording.ready"]}))
        .await;
    let new = answer.json();
    let id = new["id"].as_str().unwrap().to_owned();
    assert_eq!((answer.status.as_u16(), answer.header("location")), (201, format!("/api/v1/webhooks/{id}").as_str()));
    assert!(new["secret"].as_str().unwrap().starts_with("whsec_"), "{new}");
    let path = format!("/webhooks/{id}");
    let shown = admin.get(&path).await;
    let expected = json!({
        "id": id, "url": "https://crm.example/hooks", "description": "", "enabled": true,
        "types": ["call.*", "recording.ready"], "allow_private": false, "previous_secret_until": null,
        "state": {"position": "default.1.2", "lag": 0, "failing": null, "lost": null, "gone_at": null},
        "created_at": new["created_at"], "updated_at": new["updated_at"],
    });
    assert_eq!((shown.json(), shown.header("etag")), (expected, "\"1\""));
    assert_eq!(admin.get("/webhooks").await.json()["items"], json!([shown.json()]));

    let change = json!({"description": "for the CRM", "enabled": false});
    let old = admin.clone().with("if-match", "\"7\"").patch(&path, change.clone()).await;
    assert_eq!(old.problem(), "version-mismatch");
    let changed = admin.clone().with("if-match", "\"1\"").patch(&path, change).await;
    assert_eq!((changed.json()["enabled"].clone(), changed.header("etag")), (json!(false), "\"2\""));
    let rotated = admin.post(&format!("{path}/rotate-secret"), json!({})).await.json();
    assert_ne!(rotated["secret"], new["secret"]);
    assert!(rotated["previous_secret_until"].is_string());
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw";
    let at_once = json!({"secret": own, "overlap_s": 0});
    let rotated = admin.post(&format!("{path}/rotate-secret"), at_once).await.json();
    assert_eq!((&rotated["secret"], &rotated["previous_secret_until"]), (&json!(own), &Value::Null));

    // Nowhere does a secret come out again.
    let audit = String::from_utf8(admin.get("/audit").await.bytes).unwrap();
    let database = std::fs::read(fixture.folder.path().join("test.db")).unwrap();
    let wal = std::fs::read(fixture.folder.path().join("test.db-wal")).unwrap_or_default();
    for secret in [own, new["secret"].as_str().unwrap()] {
        let bare = secret.strip_prefix("whsec_").unwrap().as_bytes();
        assert!(!audit.contains(secret));
        assert!(![&database, &wal].into_iter().any(|file| file.windows(bare.len()).any(|part| part == bare)));
    }
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(admin.get(&path).await.status, 404);
    assert_eq!(admin.post(&format!("{path}/test"), json!({})).await.status, 404);
}

#[tokio::test]
async fn what_is_no_webhook_is_refused_with_its_field() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let url = "https://crm.example/hooks";
    for (body, field) in [
        (json!({"url": "ftp://crm.example/"}), "url"),
        (json!({"url": "crm.example"}), "url"),
        (json!({"url": "https://anna:secret@crm.example/"}), "url"),
        (json!({"url": "https://crm.example/#part"}), "url"),
        (json!({"url": format!("https://crm.example/{}", "x".repeat(2_000))}), "url"),
        (json!({"url": "http://127.0.0.1/"}), "url"),
        (json!({"url": url, "types": ["call.*", "Call"]}), "types.1"),
        (json!({"url": url, "types": vec!["call.ended"; 65]}), "types"),
        (json!({"url": url, "secret": "whsec_c2hvcnQ="}), "secret"),
        (json!({"url": url, "description": "x".repeat(201)}), "description"),
        (json!({"url": url, "colour": "red"}), "colour"),
    ] {
        let refused = admin.post("/webhooks", body.clone()).await;
        assert_eq!(
            (refused.problem().as_str(), &refused.json()["errors"][0]["field"]),
            ("invalid", &json!(field)),
            "{body}"
        );
    }
    let (id, _) = made(&admin, json!({"url": url})).await;
    let overlap = admin.post(&format!("/webhooks/{id}/rotate-secret"), json!({"overlap_s": 604_801})).await;
    assert_eq!(overlap.json()["errors"][0]["field"], "overlap_s");
    for (after, problem) in [("nowhere", "invalid"), ("default.1.99", "invalid"), ("other.1.1", "not-found")] {
        let refused = admin.post(&format!("/webhooks/{id}/replay"), json!({"after": after})).await;
        assert_eq!(refused.problem(), problem, "{after}");
    }
    // As many as there may be.
    for _ in 1..32 {
        made(&admin, json!({"url": url})).await;
    }
    assert_eq!(admin.post("/webhooks", json!({"url": url})).await.problem(), "limit-reached");
}

#[tokio::test]
async fn who_makes_webhooks_must_be_allowed_to_read_events_and_sees_no_other_tenant() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let (id, _) = made(&admin, json!({"url": "https://crm.example/"})).await;
    let client = |token: String| fixture.client().with("authorization", &format!("Bearer {token}"));
    let reader = client(fixture.token(&default_tenant(), &["webhooks.read"]).await);
    assert_eq!(reader.get(&format!("/webhooks/{id}")).await.status, 200);
    assert_eq!(reader.post("/webhooks", json!({"url": "https://crm.example/"})).await.status, 403);
    let writer = client(fixture.token(&default_tenant(), &["webhooks.write"]).await);
    let refused = writer.post("/webhooks", json!({"url": "https://crm.example/"})).await;
    assert!(refused.status == 403 && refused.json()["detail"].as_str().unwrap().contains("events.read"));
    assert_eq!(writer.post(&format!("/webhooks/{id}/replay"), json!({"after": "default.0.0"})).await.status, 403);
    let both = client(fixture.token(&default_tenant(), &["webhooks.write", "events.read"]).await);
    made(&both, json!({"url": "https://crm.example/"})).await;
    let other = client(fixture.token(&other_tenant(), &["*"]).await);
    assert_eq!(other.get("/webhooks").await.json()["items"], json!([]));
    for path in ["", "/deliveries", "/dead-letters"] {
        assert_eq!(other.get(&format!("/webhooks/{id}{path}")).await.status, 404, "{path}");
    }
    for path in ["/test", "/rotate-secret", "/dead-letters/other.1.1/retry"] {
        assert_eq!(other.post(&format!("/webhooks/{id}{path}"), json!({})).await.status, 404, "{path}");
    }
    assert_eq!(other.post(&format!("/webhooks/{id}/replay"), json!({"after": "other.0.0"})).await.status, 404);
}

/// Every way to write an address of this machine or of a private network.
const PRIVATE: [&str; 22] = [
    "127.0.0.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "0.0.0.0",
    "localhost",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[ff02::1]",
];

#[tokio::test]
async fn no_request_goes_to_a_private_address_however_it_is_written() {
    let config = WebhookConfig { reach: Reach::Public, ..webhook_config() };
    let fixture = Fixture::with_webhooks(config).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let port = receiver.at.port();
    for host in PRIVATE {
        let url = format!("http://{host}:{port}/");
        let answer = admin.post("/webhooks", json!({"url": url})).await;
        let bare = host.trim_matches(['[', ']']);
        if bare.parse::<IpAddr>().is_ok() || host != "localhost" {
            assert_eq!(answer.json()["errors"][0]["field"], "url", "{host}");
            continue;
        }
        // A name is looked at each time it is connected to.
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let sent = admin.post(&format!("/webhooks/{id}/test"), json!({})).await.json();
        assert_eq!((&sent["delivered"], &sent["status"]), (&json!(false), &Value::Null));
        assert!(sent["error"].as_str().unwrap().contains("private network"), "{sent}");
    }
    let refused = admin.post("/webhooks", json!({"url": receiver.url(), "allow_private": true})).await;
    assert_eq!(refused.json()["errors"][0]["field"], "allow_private", "the configuration does not allow it");
    assert_eq!(receiver.got().len(), 0);
}

#[tokio::test]
async fn private_networks_that_are_named_are_reached_by_webhooks_that_may() {
    let nets = vec![network::parse("127.0.0.1/32").unwrap()];
    let fixture = Fixture::with_webhooks(WebhookConfig { reach: Reach::Nets(nets), ..webhook_config() }).await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let refused = admin.post("/webhooks", json!({"url": receiver.url()})).await;
    assert_eq!(refused.json()["errors"][0]["field"], "url", "this webhook is not allowed to");
    let elsewhere = json!({"url": "http://127.0.0.2/", "allow_private": true});
    assert_eq!(admin.post("/webhooks", elsewhere).await.json()["errors"][0]["field"], "url");
    let (id, secret) = hook(&admin, &receiver).await;
    let sent = admin.post(&format!("/webhooks/{id}/test"), json!({})).await.json();
    assert_eq!((&sent["delivered"], &sent["status"], &sent["error"]), (&json!(true), &json!(204), &Value::Null));
    let got = receiver.got().remove(0);
    assert!(got.is_signed_by(&secret));
    assert_eq!((&got.json()["type"], got.id()), (&json!("webhook.test"), sent["event"].as_str().unwrap()));
    assert_eq!(got.json()["data"]["webhook"], id);
    // The place does not move by it, and the log has it.
    let log = admin.get(&format!("/webhooks/{id}/deliveries")).await.json();
    assert_eq!((&log["items"][0]["type"], &log["items"][0]["outcome"]), (&json!("webhook.test"), &json!("delivered")));
}

#[tokio::test]
async fn a_disabled_webhook_is_sent_nothing_and_goes_on_where_it_stood() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let receiver = Receiver::new().await;
    let delivering = Delivering::start(&fixture);
    let (id, _) = hook(&admin, &receiver).await;
    fixture.append(&default_tenant(), &[1]);
    receiver.wait_for_taken(1).await;
    assert_eq!(admin.patch(&format!("/webhooks/{id}"), json!({"enabled": false})).await.status, 200);
    fixture.append(&default_tenant(), &[2, 3]);
    // Another one shows that time has passed.
    let witness = Receiver::new().await;
    hook(&admin, &witness).await;
    fixture.append(&default_tenant(), &[4]);
    witness.wait_for_taken(1).await;
    assert_eq!(receiver.taken_ns(), [1]);
    assert_eq!(admin.patch(&format!("/webhooks/{id}"), json!({"enabled": true})).await.status, 200);
    receiver.wait_for_taken(4).await;
    assert_eq!((receiver.taken_ns(), witness.taken_ns()), (vec![1, 2, 3, 4], vec![4]));
    delivering.stop().await;
}
