//! Known callers by the API.

use serde_json::json;

use crate::fixture::Fixture;

/// Proves IVR-05 (the list) by the API.
#[tokio::test]
async fn callers_are_made_known_changed_and_forgotten_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let handed = || fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0.callers.clone();
    let made = admin.post("/callers", json!({"number": "010-1234 5678", "priority": 7, "note": "a friend"})).await;
    let shown = made.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!((made.status.as_u16(), made.header("location")), (201, format!("/api/v1/callers/{id}").as_str()));
    let expected = json!({
        "id": id, "kind": "exact", "number": "+861012345678", "priority": 7, "owner": null, "note": "a friend",
        "read_only": false, "created_at": shown["created_at"], "updated_at": shown["updated_at"],
    });
    assert_eq!(shown, expected);
    let priority = |number: &str| handed().find(number).map(|caller| caller.priority);
    assert_eq!((priority("01012345678"), priority("01012345679")), (Some(7), None));
    let twice = admin.post("/callers", json!({"number": "861012345678"})).await;
    assert_eq!(twice.problem(), "already-exists");
    for (wrong, field) in [
        (json!({"number": "bob"}), "number"),
        (json!({"number": "1", "priority": 10}), "priority"),
        (json!({"number": "1", "owner": "99999"}), "owner"),
        (json!({"number": "1", "note": "x".repeat(201)}), "note"),
    ] {
        let refused = admin.post("/callers", wrong).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
    let prefix = json!({"kind": "prefix", "number": "139", "priority": 1});
    let changed = admin.send("PUT", &format!("/callers/{id}"), Some(prefix)).await.json();
    assert_eq!((&changed["number"], priority("01012345678"), priority("13900000000")), (&json!("139"), None, Some(1)));
    assert_eq!(admin.get("/callers").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get(&format!("/callers/{id}")).await.json()["kind"], "prefix");
    assert_eq!(admin.delete(&format!("/callers/{id}")).await.status, 204);
    assert_eq!((priority("13900000000"), admin.get(&format!("/callers/{id}")).await.status.as_u16()), (None, 404));
}
