//! Flows by the API: drafts with their problems, versions that calls walk, routes that lead to them.

use serde_json::{Value, json};

use crate::fixture::Fixture;

fn flow(start: &str, number: &str) -> Value {
    json!({
        "name": "main", "title": "总机", "start": start,
        "nodes": {
            "hello": {"step": "play", "prompts": ["ivr_welcome"], "next": "ring"},
            "ring": {"step": "extension", "number": number, "failed": "end"},
            "end": {"step": "hang_up"},
        },
    })
}

#[tokio::test]
async fn a_draft_is_saved_with_its_problems_and_published_without() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let made = admin.send("PUT", "/flows/main", Some(flow("hello", "4444"))).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/flows/main"));
    let shown = made.json();
    assert_eq!(
        (&shown["title"], &shown["published"], &shown["has_draft"]),
        (&json!("总机"), &Value::Null, &json!(true))
    );
    assert_eq!(shown["problems"][0]["node"], "ring", "{shown}");
    let refused = admin.post("/flows/main/publish", json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["errors"][0]["field"]), (422, &json!("nodes.ring")));
    let route = json!({"name": "greeting", "direction": "inbound", "did": "8610", "to": "flow:main"});
    assert_eq!(admin.post("/routes", route.clone()).await.json()["errors"][0]["field"], "to");

    assert_eq!(admin.send("PUT", "/flows/main", Some(flow("hello", "1001"))).await.json()["problems"], json!([]));
    let published = admin.post("/flows/main/publish", json!({})).await.json();
    assert_eq!((&published["published"], &published["has_draft"]), (&json!(1), &json!(false)));
    assert_eq!(published["flow"]["start"], "hello");
    assert_eq!(admin.post("/routes", route).await.status, 201);
    let told = fixture.switch.settings.lock().unwrap().last().unwrap().0.clone();
    let version = &told.flows[&"main".parse().unwrap()];
    assert_eq!((version.number, version.flow.nodes.len()), (1, 3));
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.problem(), "refused");

    // A second version; the first one stays as it was.
    let second = json!({"name": "main", "start": "end", "nodes": {"end": {"step": "hang_up"}}});
    assert_eq!(admin.send("PUT", "/flows/main", Some(second)).await.status, 200);
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.json()["published"], 2);
    assert_eq!(admin.get("/flows/main/versions/1").await.json()["flow"]["start"], "hello");
    assert_eq!(admin.get("/flows/main/versions/2").await.json()["flow"]["start"], "end");
    assert_eq!(admin.get("/flows/main/versions/3").await.status, 404);
    let told = fixture.switch.settings.lock().unwrap().last().unwrap().0.clone();
    assert_eq!(told.flows[&"main".parse().unwrap()].number, 2);
    let drawn = admin.get("/flows/main/picture?version=1").await;
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    assert!(String::from_utf8_lossy(&drawn.bytes).contains("hello"));

    assert_eq!(admin.delete("/flows/main").await.problem(), "in-use");
    assert_eq!(admin.delete("/routes/greeting").await.status, 204);
    assert_eq!(admin.delete("/flows/main").await.status, 204);
    assert_eq!(admin.get("/flows/main/versions/1").await.status, 404);
    assert!(fixture.switch.settings.lock().unwrap().last().unwrap().0.flows.is_empty());
}

#[tokio::test]
async fn what_is_no_flow_or_names_what_is_not_there_is_told_by_node() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let bad =
        json!({"name": "main", "start": "a", "nodes": {"a": {"step": "sing"}, "b": {"step": "play", "next": "a"}}});
    let bad = admin.send("PUT", "/flows/main", Some(bad)).await;
    assert_eq!(bad.status, 422);
    let fields: Vec<String> =
        bad.json()["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fields, ["nodes.a", "nodes.b"]);
    let other = admin.send("PUT", "/flows/other", Some(flow("hello", "1001"))).await;
    assert_eq!(other.json()["errors"][0]["field"], "name");
    // What it names has to be there before it is published.
    let waits = json!({
        "name": "wait", "start": "hello",
        "nodes": {
            "hello": {"step": "play", "prompts": ["our_own_words"], "next": "look"},
            "look": {"step": "lookup", "url": "https://crm.example/{caller}", "fields": {"vip": {"pointer": "/vip"}}, "next": "wait"},
            "wait": {"step": "queue", "queue": "gold", "max_wait": "ask"},
            "ask": {"step": "survey", "survey": "service"},
        },
    });
    let waits = admin.send("PUT", "/flows/wait", Some(waits)).await.json();
    let told: Vec<(&str, &str)> = waits["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["node"].as_str().unwrap(), problem["what"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("ask", "there is no survey `service`; make it, or name another"),
            ("hello", "there is no prompt `our_own_words`; upload it, or name another"),
            ("wait", "there is no queue `gold`; make it, or name another"),
        ]
    );
    let refused = admin.post("/flows/wait/publish", json!({})).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["errors"][2]["field"], "nodes.wait", "{}", refused.json());
    // A flow that another one goes through stays.
    let inner = json!({"name": "inner", "start": "end", "nodes": {"end": {"step": "hang_up"}}});
    let outer = json!({"name": "outer", "start": "in", "nodes": {"in": {"step": "subflow", "flow": "inner"}}});
    let unknown = admin.send("PUT", "/flows/outer", Some(outer.clone())).await.json();
    assert_eq!(unknown["problems"][0]["node"], "in", "{unknown}");
    assert_eq!(admin.send("PUT", "/flows/inner", Some(inner)).await.status, 201);
    assert_eq!(admin.post("/flows/inner/publish", json!({})).await.status, 200);
    assert_eq!(admin.post("/flows/outer/publish", json!({})).await.json()["published"], 1);
    assert_eq!(admin.delete("/flows/inner").await.problem(), "in-use");
    let names: Vec<Value> =
        admin.get("/flows").await.json()["items"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["inner", "outer", "wait"]);
}
