//! Block lists and routes with opening hours by the API.

use dialplan::block::Treatment;
use serde_json::{Value, json};

use crate::fixture::Fixture;

#[tokio::test]
async fn numbers_are_blocked_changed_and_let_in_again_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let handed = || fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0.blocks.clone();
    let made = admin.post("/blocks", json!({"side": "caller", "number": "010-1234 5678", "note": "rude"})).await;
    let shown = made.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!((made.status.as_u16(), made.header("location")), (201, format!("/api/v1/blocks/{id}").as_str()));
    let expected = json!({
        "id": id, "side": "caller", "kind": "exact", "number": "+861012345678", "treatment": "busy", "expires_at": null,
        "note": "rude", "expired": false, "read_only": false, "created_at": shown["created_at"], "updated_at": shown["updated_at"],
    });
    assert_eq!(shown, expected);
    let treatment = |number: &str| handed().callers.blocks_any_form(number, 0).map(|block| block.treatment);
    assert_eq!(treatment("01012345678"), Some(Treatment::Busy));
    let twice = admin.post("/blocks", json!({"side": "caller", "number": "861012345678"})).await;
    assert_eq!(twice.problem(), "already-exists");

    let prefix = json!({"side": "caller", "kind": "prefix", "number": "139", "treatment": "hang_up", "expires_at": "2020-01-01T00:00:00Z"});
    let changed = admin.send("PUT", &format!("/blocks/{id}"), Some(prefix)).await.json();
    assert_eq!((&changed["number"], &changed["expired"]), (&json!("139"), &json!(true)));
    assert_eq!((treatment("01012345678"), treatment("13900000000")), (None, Some(Treatment::HangUp)));
    assert_eq!(admin.post("/blocks", json!({"side": "callee", "number": "13800138000"})).await.status, 201);
    assert_eq!(handed().callees.len(), 1);
    assert_eq!(admin.get("/blocks").await.json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(admin.get(&format!("/blocks/{id}")).await.json()["treatment"], "hang_up");
    assert_eq!(admin.delete(&format!("/blocks/{id}")).await.status, 204);
    assert_eq!((handed().callers.len(), admin.get(&format!("/blocks/{id}")).await.status.as_u16()), (0, 404));
    for (wrong, field) in [
        (json!({"side": "caller", "number": "bob"}), "number"),
        (json!({"side": "both", "number": "1"}), "side"),
        (json!({"side": "caller", "number": "1", "note": "x".repeat(201)}), "note"),
        (json!({"side": "caller", "number": "1", "treatment": "shout"}), "treatment"),
    ] {
        let refused = admin.post("/blocks", wrong).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
}

fn route(more: Value) -> Value {
    let mut route = json!({"name": "main-line", "direction": "inbound", "did": "8611", "to": "1001"});
    let more = more.as_object().unwrap().clone();
    route.as_object_mut().unwrap().extend(more);
    route
}

#[tokio::test]
async fn a_route_obeys_hours_and_leads_elsewhere_when_it_is_closed() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let office = json!({"name": "office", "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}});
    for (wrong, field) in [(json!({"hours": "office"}), "hours"), (json!({"closed": {"to": "1002"}}), "closed")] {
        let refused = admin.post("/routes", route(wrong)).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
    assert_eq!(admin.post("/hours", office).await.status, 201);
    for (wrong, field) in [
        (json!({"hours": "office", "closed": {"prompt": "no_such"}}), "closed.prompt"),
        (json!({"hours": "office", "closed": {"to": "4444"}}), "closed.to"),
        (json!({"hours": "office", "closed": {"to": "nowhere"}}), "closed.to"),
    ] {
        let refused = admin.post("/routes", route(wrong)).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
    let closed = json!({"prompt": "ivr_closed", "holiday_prompt": "ivr_holiday", "to": "voicemail:extension:1002"});
    let made = admin.post("/routes", route(json!({"hours": "office", "closed": closed}))).await;
    assert_eq!((made.status.as_u16(), &made.json()["hours"], &made.json()["closed"]), (201, &json!("office"), &closed));
    let inbound = || fixture.switch.settings.lock().unwrap().last().unwrap().0.plan.inbound.clone();
    let hours = inbound().into_iter().find_map(|route| route.hours).unwrap();
    assert_eq!((hours.name.as_str(), hours.closed.prompt.unwrap().as_str()), ("office", "ivr_closed"));
    assert_eq!(admin.delete("/hours/office").await.problem(), "in-use");
    assert_eq!(admin.delete("/extensions/1002").await.problem(), "in-use", "its box is where the closed route leads");
    // Where nothing is set, the usual words are said.
    let plain = json!({"direction": "inbound", "did": "8611", "to": "1001", "hours": "office"});
    let plain = admin.send("PUT", "/routes/main-line", Some(plain)).await;
    assert_eq!((plain.status.as_u16(), &plain.json()["closed"]), (200, &Value::Null));
    let hours = inbound().into_iter().find_map(|route| route.hours).unwrap();
    assert_eq!((hours.closed.prompt.unwrap().as_str(), hours.closed.to), ("ivr_closed", None));
    assert_eq!(admin.delete("/extensions/1002").await.status, 204);
    assert_eq!(admin.delete("/routes/main-line").await.status, 204);
    assert_eq!(admin.delete("/hours/office").await.status, 204);
}

#[tokio::test]
async fn a_flow_is_tried_by_api_with_the_tenants_own_hours() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let flow = json!({
        "name": "main", "start": "hours",
        "nodes": {
            "hours": {"step": "condition", "cases": [{"when": [{"hours": {"name": "office"}}], "go": "menu"}], "otherwise": "closed"},
            "menu": {"step": "menu", "prompt": ["ivr_welcome"], "keys": {"1": "ring"}, "no_choice": "closed"},
            "ring": {"step": "extension", "number": "1001", "failed": "closed"},
            "closed": {"step": "hang_up", "parts": ["ivr_closed"]},
        },
    });
    let office = json!({"name": "office", "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}});
    assert_eq!(admin.post("/hours", office).await.status, 201);
    assert_eq!(admin.send("PUT", "/flows/main", Some(flow)).await.status, 201);
    let walked = async |asked: Value| {
        let lines = admin.post("/flows/main/simulate", asked).await.json();
        let lines = lines["lines"].as_array().unwrap().iter().map(|line| line["what"].as_str().unwrap().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    let (monday, sunday) = ("2026-11-23T10:00:00+08:00", "2026-11-22T10:00:00+08:00");
    let rings = walked(json!({"at": monday, "keys": "1"})).await;
    assert!(rings.contains("ivr_welcome") && rings.contains("ring extension 1001"), "{rings}");
    assert!(walked(json!({"at": sunday})).await.contains("ivr_closed"));
    assert!(walked(json!({"at": monday, "hours": ["office=holiday"]})).await.contains("ivr_closed"));
    for (wrong, field) in [
        (json!({"keys": "x"}), "keys"),
        (json!({"queue": "maybe"}), "queue"),
        (json!({"figures": ["sales"]}), "figures"),
        (json!({"hours": ["office"]}), "hours"),
        (json!({"language": "fr"}), "language"),
    ] {
        let refused = admin.post("/flows/main/simulate", wrong).await;
        assert_eq!((refused.problem().as_str(), &refused.json()["errors"][0]["field"]), ("invalid", &json!(field)));
    }
    assert_eq!(admin.post("/flows/none/simulate", json!({})).await.status, 404);
    assert_eq!(admin.post("/flows/main/simulate", json!({"version": 1})).await.status, 404);
}
