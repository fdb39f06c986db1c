//! The audit log as it is asked: by time, by whom, by what.

use engine::store::audit::Entry;
use engine::store::records::Derived;
use engine::store::setting::Action;
use hooks::position::Position;
use serde_json::{Value, json};

use crate::fixture::{Fixture, default_tenant, other_tenant};

const NOON: u64 = 1_795_336_200_000;

fn entry(n: u64, by: &str, agent: &str) -> Entry {
    Entry {
        id: hooks::id::CallId::new(NOON + n, u128::from(n)).to_string(),
        at_ms: NOON + n,
        by: by.to_owned(),
        resource: "agent_state".to_owned(),
        resource_id: agent.to_owned(),
        action: Action::Forced,
        before: Some(json!({"state": "ready"})),
        after: Some(json!({"state": "not_ready"})),
    }
}

/// Proves of LOG-08: who, when, from what to what; asked by each of these; there is nothing but reading.
#[tokio::test]
async fn the_audit_log_is_asked_by_time_by_whom_and_by_what() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for tenant in [default_tenant(), other_tenant()] {
        let audit = vec![entry(1, "chief", "10001"), entry(2, "deputy", "10001"), entry(3, "chief", "10002")];
        let from = Position::start(tenant);
        let to = Position { number: 1, epoch: 1, ..from.clone() };
        fixture.store.save_derived("test", &from, &to, &Derived { audit, ..Derived::default() }).await.unwrap();
    }
    let told = async |query: &str| {
        let page = admin.get(&format!("/audit?resource=agent_state{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|it| format!("{} {}", it["by"], it["resource_id"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(told("").await, ["chief 10002", "deputy 10001", "chief 10001"]);
    assert_eq!(told("&by=chief").await, ["chief 10002", "chief 10001"]);
    assert_eq!(told("&resource_id=10001").await, ["deputy 10001", "chief 10001"]);
    assert_eq!(told("&resource_id=10001&by=chief").await, ["chief 10001"]);
    assert_eq!(told("&from=2026-11-22T08:30:00.002Z").await, ["chief 10002", "deputy 10001"]);
    assert_eq!(told("&to=2026-11-22T08:30:00.002Z").await, ["chief 10001"]);
    assert_eq!(told("&by=nobody").await, [""; 0]);
    let newest = admin.get("/audit?resource=agent_state&limit=1").await.json();
    let shown = &newest["items"][0];
    assert_eq!(
        (&shown["action"], &shown["at"], &shown["before"], &shown["after"]),
        (
            &json!("forced"),
            &json!("2026-11-22T08:30:00.003Z"),
            &json!({"state": "ready"}),
            &json!({"state": "not_ready"})
        )
    );
    let rest = format!("&by=chief&limit=1&cursor={}", newest["next_cursor"].as_str().unwrap());
    assert_eq!(told(&rest).await, ["chief 10001"], "the page after it, narrowed alike");
    // What people change stands beside it, with who changed it.
    assert_eq!(admin.patch("/tenants/default", json!({"name": "Acme"})).await.status, 200);
    let changed = admin.get("/audit?resource=tenant&resource_id=default&by=token:test").await.json();
    let changed: &Value = &changed["items"][0];
    assert_eq!((&changed["action"], &changed["before"]["name"]), (&json!("updated"), &json!("A tenant")));
    assert_eq!(changed["after"]["name"], "Acme");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        assert_eq!(admin.send(method, "/audit", None).await.status, 405, "{method}");
    }
}
