//! Operations of a plugin, mounted as all others.

use std::sync::Arc;

use engine::plugins::REQUESTS_MAX;
use hooks::plugin::Plugin;
use hooks::position::Position;
use serde_json::{Value, json};

use crate::fixture::{Fixture, default_tenant, other_tenant};
use crate::phonebook::Phonebook;

/// Proves GEN-15 for what plugins bring: key, tenant and caller are the engine's word.
#[tokio::test]
async fn a_plugin_is_told_who_asks_and_what() {
    let fixture = Fixture::new().await;
    let none = fixture.token(&default_tenant(), &["calls.read"]).await;
    let none = fixture.client().with("authorization", &format!("Bearer {none}"));
    assert_eq!(none.get("/phonebook/entries/7").await.status, 403);
    assert_eq!(fixture.client().get("/phonebook/entries/7").await.status, 401);

    let token = fixture.token(&other_tenant(), &["phonebook.read"]).await;
    let reader = fixture.client().with("authorization", &format!("Bearer {token}")).with("if-match", "\"2\", \"3\"");
    let query = "text=a%20b&whole=7&flag=true&time=2026-11-22T16:30:00%2B08:00&word=up";
    let answer = reader.get(&format!("/phonebook/entries/7?{query}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"3\""));
    let expected = json!({
        "id": "7", "tenant": "other", "employee": null, "by": "token:test", "may_write": false, "if_match": [2, 3],
        "query": {"text": "a b", "whole": 7, "flag": true, "time": 1_795_336_200_000_u64, "word": "up"},
        "name": "Administrator", "number": "13900007777",
    });
    assert_eq!(answer.json(), expected);
    let signed_in = fixture
        .client()
        .post("/session", json!({"login": "admin", "password": crate::fixture::PASSWORD, "tenant": "default"}))
        .await;
    let admin =
        fixture.client().with("authorization", &format!("Bearer {}", signed_in.json()["token"].as_str().unwrap()));
    let shown = admin.get("/phonebook/entries/7").await.json();
    assert_eq!(
        (&shown["employee"], &shown["by"], &shown["may_write"]),
        (&json!("10000"), &json!("admin"), &json!(true))
    );
}

#[tokio::test]
async fn what_does_not_fit_the_declaration_never_reaches_the_plugin() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let wrong = [
        ("other=1", "other"),
        ("whole=10", "whole"),
        ("whole=x", "whole"),
        ("flag=yes", "flag"),
        ("time=today", "time"),
        ("word=left", "word"),
        ("text=a&text=b", "text"),
    ];
    for (query, field) in wrong {
        let answer = admin.get(&format!("/phonebook/entries/7?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"), "{query}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
    assert_eq!(admin.upload("POST", "/phonebook/entries", b"x").await.status, 415);
    assert_eq!(admin.delete("/phonebook/entries").await.status, 405);
    let faults = [
        ("missing", 404, "not-found"),
        ("refused", 409, "refused"),
        ("changed", 412, "version-mismatch"),
        ("away", 503, "unavailable"),
        ("invalid", 422, "invalid"),
    ];
    for (id, status, kind) in faults {
        let answer = admin.get(&format!("/phonebook/entries/{id}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (status, kind));
    }
    let page = admin.get("/phonebook/entries").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = admin.get(&format!("/phonebook/entries?cursor={cursor}")).await.json();
    assert_eq!(page, json!({"items": [{"after": "the first"}], "next_cursor": null}));
    assert_eq!(admin.get("/phonebook/entries?cursor=%25").await.status, 422);
}

#[tokio::test]
async fn a_write_that_is_sent_again_is_done_once() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await.with("idempotency-key", "one");
    for replayed in ["", "true"] {
        let answer = admin.post("/phonebook/entries", json!({"name": "Ann"})).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replayed")), (201, replayed));
    }
    assert_eq!(*fixture.phonebook.written.lock().unwrap(), [json!({"name": "Ann"})]);
}

/// Proves POP-08 as far as requests to the plugin go: it fails alone.
#[tokio::test]
async fn a_plugin_that_panics_or_hangs_is_answered_for_and_everything_else_goes_on() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let panicked = admin.get("/phonebook/entries/panics").await;
    assert_eq!((panicked.status.as_u16(), panicked.problem().as_str()), (503, "unavailable"));
    assert_eq!(admin.get("/phonebook/entries/7").await.status, 200, "the next request is answered");

    let hanging = admin.get("/phonebook/entries/hangs");
    let hanging = (0..REQUESTS_MAX).map(|_| admin.get("/phonebook/entries/hangs")).chain([hanging]);
    let others = async {
        // As many as may be hang, and one more is refused at once; the engine's own operations do not notice.
        assert_eq!(admin.get("/calls").await.status, 200);
        assert_eq!(admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.status, 201);
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(hanging), others);
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![503], vec![504; REQUESTS_MAX]].concat());
    assert!(answers.iter().all(|answer| ["timed-out", "unavailable"].contains(&answer.problem().as_str())));
    let full = admin.get("/phonebook/entries/7").await;
    assert_eq!((full.status.as_u16(), full.header("retry-after")), (503, "1"), "who hangs keeps his place");
    fixture.phonebook.release();
    loop {
        match admin.get("/phonebook/entries/7").await.status.as_u16() {
            200 => break,
            status => assert_eq!(status, 503),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_document_has_the_operations_of_plugins_with_their_keys() {
    let plugins: [Arc<dyn Plugin>; 1] = [Arc::new(Phonebook::default())];
    let document: Value = serde_json::to_value(engine::http::openapi(&plugins)).unwrap();
    let read = &document["paths"]["/api/v1/phonebook/entries/{id}"]["get"];
    assert_eq!(
        (&read["x-permission"], &read["operationId"]),
        (&json!("phonebook.read"), &json!("read_phonebook_entry"))
    );
    assert_eq!(
        read["parameters"][0],
        json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}})
    );
    assert_eq!(read["parameters"][2]["schema"], json!({"type": "integer", "minimum": 1, "maximum": 9}));
    assert_eq!(
        read["responses"]["200"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/PhonebookEntry"
    );
    assert!(read["responses"]["403"].is_object(), "{read}");
    let entry = &document["components"]["schemas"]["PhonebookEntry"];
    assert_eq!(entry["properties"]["name"]["type"], json!(["string", "null"]));
    let fixture = Fixture::new().await;
    let served = fixture.client().get("/api/v1/openapi.json").await.json();
    assert_eq!(served["paths"]["/api/v1/phonebook/entries"]["post"]["x-permission"], "phonebook.write");
    // A token may have a plugin's key, and none that nobody knows.
    let admin = fixture.admin().await;
    for (key, status) in [("phonebook.write", 201), ("phonebook.burn", 422)] {
        let made = admin.post("/tokens", json!({"name": key, "permissions": [key]})).await;
        assert_eq!(made.status, status, "{key}");
    }
}

/// Proves GEN-06 and CDR-09 as far as plugins are told them, and what the host says of people.
#[tokio::test]
async fn a_plugin_asks_its_host_on_its_own_thread() {
    let fixture = Fixture::new().await;
    let host = fixture.host.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let here = default_tenant();
        for number in ["13800000000", "013800000000", "+86 138-0000-0000", "008613800000000", "8613800000000"] {
            assert_eq!(host.normal(number), "+8613800000000", "{number}");
            assert_eq!(host.location(number), "北京市", "{number}");
        }
        for number in ["4008001234", "95588", "10086", "1001", ""] {
            assert_eq!((host.normal(number).as_str(), host.location(number).as_str()), (number, ""));
        }
        let admin = host.employee(&here, "10000").unwrap().unwrap();
        assert_eq!((admin.name.as_str(), admin.active), ("Administrator", true));
        assert_eq!(host.employee(&here, "nobody").unwrap(), None);
        // Midnight of Shanghai, which is 16:00 UTC of the day before.
        assert_eq!(host.day_began_ms(&here, 1_795_336_200_000).unwrap(), 1_795_276_800_000);
        assert!(host.day_began_ms(&"none".parse().unwrap(), 0).is_err());
        assert!(host.dial(&here, "10000", "13800000000").unwrap_err().0.contains("sign in on a phone"));
        assert_eq!(host.facts_after(&Position::start(here), 10).unwrap(), []);
    });
    asked.await.unwrap();
}
