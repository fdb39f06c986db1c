//! Every operation of the document, asked by nobody, by somebody without rights, and by another tenant.

use std::sync::Arc;

use engine::http::operation::{PUBLIC, SIGNED_IN};
use serde_json::{Value, json};

use crate::fixture::{Fixture, default_tenant, other_tenant};
use crate::phonebook::Phonebook;

struct Operation {
    method: String,
    path: String,
    permission: String,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::to_value(engine::http::openapi(&[Arc::new(Phonebook::default())])).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let permission = operation["x-permission"].as_str();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                permission: permission.unwrap_or_else(|| panic!("{method} {path} declares no permission")).to_owned(),
            });
        }
    }
    assert!(operations.len() > 40, "only {} operations", operations.len());
    operations
}

/// With each parameter of the path filled by something that `default` has.
fn filled(path: &str) -> String {
    let id = if path.contains("/tenants/") { "default" } else { "01JD9Z4E6N8Q2R5T7V9X1B3D5F" };
    let name = if path.contains("/routes/") { "main" } else { "carrier" };
    path.replace("{number}", "1001").replace("{name}", name).replace("{address}", "192.0.2.1").replace("{id}", id)
}

fn body(method: &str) -> Option<Value> {
    (method != "GET" && method != "DELETE").then(|| json!({}))
}

/// Proves GEN-15.
#[tokio::test]
async fn nobody_gets_nothing_that_is_not_public() {
    let fixture = Fixture::new().await;
    for operation in operations() {
        let path = filled(&operation.path);
        let answer = fixture.client().send(&operation.method, &path, body(&operation.method)).await;
        let public = operation.permission == PUBLIC;
        let shown = format!("{} {} gave {}", operation.method, operation.path, answer.status);
        if public {
            assert!(answer.status != 401 || answer.status != 403, "{shown}");
            assert_ne!(answer.status, 401, "{shown}");
        } else {
            assert_eq!(answer.status, 401, "{shown}");
            assert_eq!(answer.problem(), "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

/// Proves GEN-15.
#[tokio::test]
async fn a_permission_opens_its_operations_and_no_others() {
    let fixture = Fixture::new().await;
    let none = fixture.token(&default_tenant(), &[]).await;
    let none = fixture.client().with("authorization", &format!("Bearer {none}"));
    for operation in operations().iter().filter(|o| o.permission != PUBLIC && o.permission != SIGNED_IN) {
        let path = filled(&operation.path);
        let shown = format!("{} {}", operation.method, operation.path);
        let refused = none.send(&operation.method, &path, body(&operation.method)).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (403, "forbidden"), "{shown}");
        assert!(fixture.api.registry().knows(&operation.permission), "{shown}: unknown key");
        let only = fixture.token(&default_tenant(), &[&operation.permission]).await;
        let only = fixture.client().with("authorization", &format!("Bearer {only}"));
        let allowed = only.send(&operation.method, &path, body(&operation.method)).await;
        assert!(allowed.status != 401 && allowed.status != 403, "{shown} gave {}", allowed.status);
        assert!(!allowed.status.is_server_error(), "{shown} gave {}", allowed.status);
    }
}

/// Proves QUEUE-08 as far as the server goes: one permission for skill groups, lines, flows, prompts and hours, and for nothing else.
#[tokio::test]
async fn telephony_admin_opens_the_settings_of_the_telephony_alone() {
    let fixture = Fixture::new().await;
    let admin = fixture.token(&default_tenant(), &["telephony.admin"]).await;
    let admin = fixture.client().with("authorization", &format!("Bearer {admin}"));
    let of_it = ["queues.", "trunks.", "routes.", "flows.", "prompts.", "hours."];
    let mut written = std::collections::BTreeSet::new();
    for operation in operations().iter().filter(|o| o.permission != PUBLIC && o.permission != SIGNED_IN) {
        let answer = admin.send(&operation.method, &filled(&operation.path), body(&operation.method)).await;
        let shown = format!("{} {} gave {}", operation.method, operation.path, answer.status);
        let key = of_it.iter().find(|key| operation.permission.starts_with(**key));
        match key {
            Some(key) => {
                assert!(answer.status != 401 && answer.status != 403, "{shown}");
                if operation.permission.ends_with(".write") {
                    written.insert(*key);
                }
            }
            None => {
                let own = operation.permission == "telephony.admin";
                assert!(own || answer.status == 403, "{shown}");
            }
        }
    }
    assert_eq!(written, of_it.into());
    // It may give away what it has, and no more.
    let tokens = fixture.token(&default_tenant(), &["telephony.admin", "tokens.write"]).await;
    let tokens = fixture.client().with("authorization", &format!("Bearer {tokens}"));
    for (permission, status) in [("queues.write", 201), ("extensions.write", 403)] {
        let made = tokens.post("/tokens", json!({"name": permission, "permissions": [permission]})).await;
        assert_eq!(made.status, status, "{permission}");
    }
}

/// Proves GEN-02.
#[tokio::test]
async fn another_tenant_sees_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/extensions", json!({"number": "2001"})).await.status, 201);
    let token = admin.post("/tokens", json!({"name": "mine", "permissions": []})).await.json();
    let call = admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.json();
    admin.post("/trunks", json!({"name": "ours", "host": "192.0.2.4"})).await;
    let route = json!({"name": "ours", "direction": "outbound", "trunks": ["ours"]});
    assert_eq!(admin.post("/routes", route).await.status, 201);

    let theirs = fixture.token(&other_tenant(), &["*"]).await;
    let theirs = fixture.client().with("authorization", &format!("Bearer {theirs}"));
    let token = token["id"].as_str().unwrap();
    let call = call["id"].as_str().unwrap();
    let paths = [
        "/extensions/2001".to_owned(),
        "/trunks/ours".to_owned(),
        "/routes/ours".to_owned(),
        "/tenants/default".to_owned(),
        format!("/tokens/{token}"),
        format!("/calls/{call}"),
    ];
    for path in &paths {
        assert_eq!(theirs.get(path).await.status, 404, "{path}");
        assert_eq!(admin.get(path).await.status, 200, "{path}");
        for method in ["PATCH", "DELETE"] {
            let answer = theirs.send(method, path, (method == "PATCH").then(|| json!({}))).await;
            assert!(answer.status == 404 || answer.status == 405, "{method} {path} gave {}", answer.status);
        }
        assert_eq!(admin.get(path).await.status, 200, "{path} is still there");
    }
    assert_eq!(theirs.post(&format!("/calls/{call}/hangup"), json!({})).await.status, 404);
    let record = format!("/calls/{call}/record");
    assert_eq!(theirs.post(&record, json!({ "action": "start" })).await.status, 404);
    assert_eq!(admin.post(&record, json!({ "action": "start" })).await.status, 204);
    assert_eq!(admin.post(&record, json!({ "action": "pause" })).await.status, 409, "the switch refuses that one");
    assert_eq!(admin.post(&record, json!({ "action": "rewind" })).await.status, 422);
    assert_eq!(theirs.post("/extensions/2001/password", json!({})).await.status, 404);
    for list in ["/extensions", "/trunks", "/routes", "/tokens", "/calls", "/registrations", "/call-records", "/audit"]
    {
        let text = String::from_utf8(theirs.get(list).await.bytes).unwrap();
        for ours in ["2001", "\"ours\"", token, call, "mine"] {
            assert!(!text.contains(ours), "{list} shows {ours}");
        }
    }
}

/// Proves GEN-02: a number of the installation is one tenant's.
#[tokio::test]
async fn no_tenant_takes_the_number_of_another() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let route = |name: &str, did: &str| json!({"name": name, "direction": "inbound", "did": did, "to": "echo"});
    assert_eq!(admin.post("/routes", route("hotline", "861012345678")).await.status, 201);
    let theirs = fixture.token(&other_tenant(), &["*"]).await;
    let theirs = fixture.client().with("authorization", &format!("Bearer {theirs}"));
    for (did, status) in [("861012345678", 422), ("+861012345678", 422), ("861012345679", 201), ("8610*", 201)] {
        let answer = theirs.post("/routes", route(&format!("r{}", did.trim_matches(['+', '*'])), did)).await;
        assert_eq!(answer.status, status, "{did}");
        if status == 422 {
            assert_eq!(answer.json()["errors"][0]["field"], "did");
        }
    }
    let same = json!({"direction": "inbound", "did": "861012345678", "to": "1001"});
    let answer = admin.send("PUT", "/routes/hotline", Some(same)).await;
    assert_eq!(answer.status, 200, "its own number stays its own");
}

/// Proves GEN-03 (a tenant says in which zone its days begin).
#[tokio::test]
async fn a_tenant_says_where_its_clocks_are() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let changed = admin.patch("/tenants/default", json!({"time_zone": "Europe/Berlin"})).await.json();
    assert_eq!(changed["time_zone"], "Europe/Berlin");
    let wrong = admin.patch("/tenants/default", json!({"time_zone": "Europe/Berlim"})).await;
    assert_eq!((wrong.problem().as_str(), &wrong.json()["errors"][0]["field"]), ("invalid", &"time_zone".into()));
    let detail = wrong.json()["errors"][0]["detail"].to_string();
    assert!(detail.contains("Europe/Berlin"), "{detail}");
}

#[tokio::test]
async fn each_id_of_an_unknown_thing_is_not_found() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for operation in operations().iter().filter(|o| o.path.contains('{') && o.method == "GET") {
        for unknown in ["01JD9Z4E6N8Q2R5T7V9X1B3D5F", "nonsense", "..%2f..%2fetc"] {
            let mut path = operation.path.clone();
            for parameter in ["{number}", "{name}", "{address}", "{id}"] {
                path = path.replace(parameter, unknown);
            }
            let answer = admin.get(&path).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "not-found"), "{path}");
        }
    }
}

#[tokio::test]
async fn an_unknown_path_or_method_is_a_problem() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.get("/api/v1/nothing").await.problem(), "not-found");
    assert_eq!(admin.send("PUT", "/api/v1/calls", None).await.problem(), "method-not-allowed");
}
