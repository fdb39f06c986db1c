//! Opening hours by the API, and the flows that ask for them.

use serde_json::{Value, json};

use crate::fixture::Fixture;

fn office() -> Value {
    json!({
        "name": "office", "zone": "Asia/Shanghai",
        "weekly": {"mon": ["09:00-12:00", "13:30-18:00"], "fri": ["22:00-06:00"]},
        "holidays": ["2026-10-01..2026-10-07"],
        "make_up": [{"date": "2026-10-10", "like": "mon"}],
    })
}

#[tokio::test]
async fn hours_are_made_replaced_and_deleted_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let made = admin.post("/hours", office()).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/hours/office"));
    let shown = made.json();
    assert_eq!(
        (&shown["weekly"]["mon"], &shown["holidays"], &shown["make_up"], &shown["read_only"]),
        (&office()["weekly"]["mon"], &office()["holidays"], &office()["make_up"], &json!(false))
    );
    assert_eq!(admin.post("/hours", office()).await.problem(), "already-exists");
    let handed = || fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    assert_eq!(handed().hours[&"office".parse().unwrap()].holidays.len(), 1);

    let always = json!({"zone": "UTC", "weekly": {"sun": ["00:00-24:00"]}});
    let replaced = admin.send("PUT", "/hours/office", Some(always.clone())).await;
    assert_eq!((replaced.status.as_u16(), &replaced.json()["holidays"]), (200, &json!([])));
    assert_eq!(handed().hours[&"office".parse().unwrap()].zone.name(), "UTC");
    assert_eq!(admin.send("PUT", "/hours/other", Some(always)).await.status, 404);
    let listed = admin.get("/hours").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.delete("/hours/office").await.status, 204);
    assert!(handed().hours.is_empty());
    let audit = admin.get("/audit?limit=100").await.json();
    let told: Vec<&Value> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["resource"] == "hours")
        .map(|it| &it["action"])
        .collect();
    assert_eq!(told.len(), 3, "{audit}");
}

#[tokio::test]
async fn what_is_wrong_with_hours_is_told_by_field() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for (field, value, said) in [
        ("zone", json!("Asia/Shangai"), "did you mean `Asia/Shanghai`?"),
        ("weekly.monday", json!({"monday": []}), "write mon, tue"),
        ("weekly.mon[0]", json!({"mon": ["9-5"]}), "write it as 09:00-18:00"),
        ("holidays[0]", json!(["soon"]), "write it as 2026-10-01"),
        ("make_up[0]", json!([{"date": "2026-10-10"}]), "takes either `like`"),
        ("opens", json!(1), "unknown field"),
        ("name", json!("Büro"), "is no name"),
    ] {
        let key = field.split(['.', '[']).next().unwrap();
        let mut new = office();
        new[key] = value;
        let refused = admin.post("/hours", new).await;
        let error = refused.json()["errors"][0].clone();
        assert_eq!((refused.status.as_u16(), error["field"].as_str().unwrap()), (422, field), "{error}");
        assert!(error["detail"].as_str().unwrap().contains(said), "{error}");
    }
    let mut full = office();
    full["holidays"] = vec!["10-01"; 401].into();
    assert!(admin.post("/hours", full).await.json()["errors"][0]["detail"].as_str().unwrap().contains("at most 400"));
}

/// Moments of IVR-02 as they were written down by hand, in the hours of Shanghai above.
#[tokio::test]
async fn the_state_at_a_time_is_told_with_the_next_change() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/hours", office()).await.status, 201);
    for (at, state, changes_at, changes_to) in [
        ("2026-09-28T09:00:00%2B08:00", "open", "2026-09-28T04:00:00.000Z", "closed"),
        ("2026-09-28T12:00:00%2B08:00", "closed", "2026-09-28T05:30:00.000Z", "open"),
        ("2026-09-28T10:00:00Z", "closed", "2026-09-30T16:00:00.000Z", "holiday"),
        ("2026-10-05T10:00:00%2B08:00", "holiday", "2026-10-07T16:00:00.000Z", "closed"),
        ("2026-10-10T05:59:59%2B08:00", "open", "2026-10-09T22:00:00.000Z", "closed"),
        ("2026-10-10T08:59:59%2B08:00", "closed", "2026-10-10T01:00:00.000Z", "open"),
    ] {
        let shown = admin.get(&format!("/hours/office/state?at={at}")).await.json();
        assert_eq!(
            (&shown["state"], &shown["changes_at"], &shown["changes_to"]),
            (&json!(state), &json!(changes_at), &json!(changes_to)),
            "{at}"
        );
    }
    assert_eq!(admin.get("/hours/office/state").await.status, 200);
    assert_eq!(admin.get("/hours/office/state?at=noon").await.status, 422);
    assert_eq!(admin.get("/hours/other/state").await.status, 404);
    let never = json!({"name": "never", "zone": "UTC"});
    assert_eq!(admin.post("/hours", never).await.status, 201);
    let shown = admin.get("/hours/never/state").await.json();
    assert_eq!((&shown["state"], &shown["changes_at"]), (&json!("closed"), &Value::Null));
}

#[tokio::test]
async fn a_flow_names_hours_that_are_there_and_they_stay_while_it_does() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let flow = json!({
        "name": "main", "start": "hours",
        "nodes": {
            "hours": {
                "step": "condition", "otherwise": "end",
                "cases": [{"when": [{"hours": {"name": "office"}}], "go": "end"}],
            },
            "end": {"step": "hang_up"},
        },
    });
    let saved = admin.send("PUT", "/flows/main", Some(flow)).await.json();
    assert_eq!(saved["problems"][0]["node"], "hours");
    assert!(saved["problems"][0]["what"].as_str().unwrap().contains("no set of hours `office`"), "{saved}");
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.json()["errors"][0]["field"], "nodes.hours");
    assert_eq!(admin.post("/hours", office()).await.status, 201);
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.status, 200);
    let refused = admin.delete("/hours/office").await;
    assert_eq!(refused.problem(), "in-use");
    assert!(refused.json()["detail"].as_str().unwrap().contains("flow main asks for them at node hours"));
    assert_eq!(admin.delete("/flows/main").await.status, 204);
    assert_eq!(admin.delete("/hours/office").await.status, 204);
}
