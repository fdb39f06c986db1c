//! Trunks: their policy, how they stand, and a test of one.

use engine::store::trunks::Trunk;
use serde_json::json;
use switch::config::{CallerShown, Health, Registration};
use switch::view::{
    TrunkAnswer, TrunkLaneView, TrunkRegistrationView, TrunkStanding, TrunkTargetView, TrunkView, View,
};

use crate::fixture::{Fixture, default_tenant, other_tenant};

#[tokio::test]
async fn a_policy_is_set_whole_shown_and_handed_to_the_switch() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let policy = json!({
        "registration": {"user": "02012345678", "expires_ms": 300_000},
        "health": {"interval_ms": 30_000, "threshold": 2},
        "priority": 1, "weight": 10, "failover_codes": [503, 404], "patience_ms": 3_000,
        "outbound": {"calls": 30, "per_second": 10}, "inbound": {"calls": 20}, "when_full": "busy",
        "called_out": ["e164 cn", "prefix + -> 00"], "caller": "fixed", "caller_fixed": "4008001234",
        "headers": [{"header": "X-Account", "value": "acme-{caller}"}], "recording_announcement": "queue_welcome"
    });
    let made = admin.post("/trunks", json!({"name": "second", "host": "192.0.2.20", "policy": policy})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = made.json()["policy"].clone();
    assert_eq!(shown["failover_codes"], json!([404, 503]));
    assert_eq!((&shown["registration"]["user"], &shown["when_full"]), (&json!("02012345678"), &json!("busy")));
    let handed = fixture.switch.settings.lock().unwrap().last().unwrap().0.trunks[&"second".parse().unwrap()].clone();
    let registration =
        Registration { user: Some("02012345678".into()), domain: None, expires: std::time::Duration::from_secs(300) };
    assert_eq!(handed.policy.registration, Some(registration));
    let number = dialplan::rule::rewrite(&handed.policy.numbers.called_out, "13800000000");
    assert_eq!((number.as_str(), handed.policy.headers[0].name()), ("008613800000000", "X-Account"));
    assert_eq!(handed.policy.numbers.caller, CallerShown::Fixed("4008001234".into()));
    assert_eq!(handed.policy.recording_announcement, Some("queue_welcome".parse().unwrap()));
    let health = Health { interval: std::time::Duration::from_secs(30), threshold: 2 };
    assert_eq!((handed.policy.health, handed.policy.limits.outbound.calls), (Some(health), Some(30)));

    let untouched = admin.patch("/trunks/second", json!({"record": true})).await.json();
    assert_eq!(untouched["policy"], shown);
    let replaced = admin.patch("/trunks/second", json!({"policy": {"priority": 2}})).await.json();
    assert_eq!((&replaced["policy"]["priority"], &replaced["policy"]["health"]), (&json!(2), &json!(null)));
    let stored = fixture.store.get::<Trunk>(&default_tenant(), "second").await.unwrap();
    assert_eq!(stored.value.policy.priority, 2);
}

#[tokio::test]
async fn a_policy_that_cannot_be_is_refused_field_by_field() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let policy = json!({"registration": {}, "health": {"interval_ms": 1}, "failover_codes": [200],
        "called_in": ["e164 cn", "nonsense"], "headers": [{"header": "Via", "value": "x"}]});
    for answer in [
        admin.post("/trunks", json!({"name": "second", "host": "192.0.2.20", "policy": policy})).await,
        admin.patch("/trunks/carrier", json!({"policy": policy})).await,
    ] {
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"));
        let body = answer.json();
        let fields: Vec<_> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(
            fields,
            [
                "policy.registration.user",
                "policy.health.interval_ms",
                "policy.failover_codes",
                "policy.called_in.1",
                "policy.headers.0"
            ]
        );
    }
    for prompt in ["no_such_prompt", "No Prompt"] {
        let refused = admin.patch("/trunks/carrier", json!({"policy": {"recording_announcement": prompt}})).await;
        let field = json!("policy.recording_announcement");
        assert_eq!((refused.status.as_u16(), &refused.json()["errors"][0]["field"]), (422, &field), "{prompt}");
    }
    let unknown = admin.patch("/trunks/carrier", json!({"policy": {"prioritee": 1}})).await;
    assert_eq!(unknown.status, 422);
}

pub(crate) fn view(tenant: hooks::id::TenantId) -> View {
    let failed = TrunkAnswer { at_ms: 1_000, status: 0, text: "no answer".into(), round_trip_us: None };
    View::Trunk(Box::new(TrunkView {
        tenant,
        trunk: "carrier".into(),
        standing: TrunkStanding::Down,
        since_ms: 2_000,
        reason: "no answer".into(),
        registration: Some(TrunkRegistrationView {
            address_of_record: "sip:1@c.example".into(),
            until_ms: Some(61_000),
            next_ms: None,
            failures: 1,
        }),
        targets: vec![TrunkTargetView {
            address: "192.0.2.10:5060".parse().unwrap(),
            is_out: true,
            misses: 3,
            last: Some(TrunkAnswer { status: 200, round_trip_us: Some(2_500), ..failed.clone() }),
        }],
        troubles: vec![failed],
        inbound: TrunkLaneView { live: 1, total: 2, refused: 3 },
        outbound: TrunkLaneView::default(),
    }))
}

#[tokio::test]
async fn the_status_of_a_trunk_says_how_it_stands_and_why() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let early = admin.get("/trunks/carrier/status").await;
    assert_eq!((early.status.as_u16(), early.header("retry-after")), (503, "1"), "the switch has not said a word yet");
    fixture.live.apply(view(other_tenant()));
    assert_eq!(admin.get("/trunks/carrier/status").await.status, 503, "a trunk of another tenant is none of ours");
    fixture.live.apply(view(default_tenant()));
    let status = admin.get("/trunks/carrier/status").await.json();
    assert_eq!((&status["state"], &status["reason"]), (&json!("down"), &json!("no answer")));
    assert_eq!(status["registration"]["registered_until"], "1970-01-01T00:01:01.000Z");
    assert_eq!(status["targets"][0]["last"]["round_trip_ms"], 2.5);
    assert_eq!(status["errors"][0]["status"], json!(null));
    assert_eq!(status["inbound"], json!({"live": 1, "total": 2, "refused": 3}));
    assert_eq!(admin.get("/trunks/nowhere/status").await.problem(), "not-found");
}

#[tokio::test]
async fn a_test_of_a_trunk_tells_what_came_back() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let tested = admin.post("/trunks/carrier/test", json!({})).await;
    assert_eq!(tested.status, 200);
    let tested = tested.json();
    assert_eq!(tested["targets"][0]["address"], "192.0.2.10:5060");
    assert_eq!(tested["targets"][0]["answer"]["round_trip_ms"], 1.5);
    assert_eq!(tested["targets"][1]["answer"]["status"], json!(null));
    assert_eq!(tested["registration"]["text"], "403 Forbidden");
    assert_eq!(admin.post("/trunks/nowhere/test", json!({})).await.problem(), "not-found");
    assert_eq!(admin.post("/trunks/UPPER/test", json!({})).await.problem(), "not-found");
}
