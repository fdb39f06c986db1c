//! Extensions, trunks, routes and the tenant: made, changed, locked, audited and handed to the switch.

use engine::store::extensions::Extension;
use engine::store::setting::{Change, Origin};
use serde_json::{Value, json};
use switch::config::Ways;

use crate::fixture::{Fixture, default_tenant, other_tenant};

#[tokio::test]
async fn an_extension_is_made_changed_and_deleted_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let made = admin.post("/extensions", json!({"number": "2001", "display_name": "Zoë", "record": true})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), "/api/v1/extensions/2001");
    let password = made.json()["password"].as_str().unwrap().to_owned();
    assert!(password.len() >= 12);
    let handed = |fixture: &Fixture| fixture.switch.settings.lock().unwrap().last().cloned().unwrap();
    let (config, changed) = handed(&fixture);
    let number = "2001".parse().unwrap();
    assert!(config.extensions[&number].record);
    assert_eq!((changed[0].resource.as_str(), changed[0].action.as_str()), ("extension", "created"));

    let read = admin.get("/extensions/2001").await;
    assert!(!String::from_utf8_lossy(&read.bytes).contains(&password), "a password is shown once");
    assert_eq!(read.json()["display_name"], "Zoë");
    let patched = admin.patch("/extensions/2001", json!({"ring_timeout_ms": 20_000, "enabled": false})).await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.json()["display_name"], "Zoë", "what is left out stays");
    let cleared = admin.patch("/extensions/2001", json!({"ring_timeout_ms": null})).await.json();
    assert_eq!(cleared["ring_timeout_ms"], Value::Null);

    let group = |fixture: &Fixture| handed(fixture).0.extensions[&number].pickup_group.clone();
    let grouped = admin.patch("/extensions/2001", json!({"pickup_group": "sales"})).await.json();
    assert_eq!(grouped["pickup_group"], "sales");
    assert_eq!(group(&fixture), Some("sales".parse().unwrap()));
    assert_eq!(admin.patch("/extensions/2001", json!({"record": true})).await.json()["pickup_group"], "sales");
    assert_eq!(
        admin.patch("/extensions/2001", json!({"pickup_group": null})).await.json()["pickup_group"],
        Value::Null
    );
    assert_eq!(group(&fixture), None);
    let misnamed = json!({"pickup_group": "Sales & Co"});
    assert_eq!(admin.patch("/extensions/2001", misnamed).await.json()["errors"][0]["field"], "pickup_group");

    // PHONE-05: both ways, until one is left.
    assert_eq!(cleared["ways"], "both");
    assert_eq!(handed(&fixture).0.extensions[&number].ways, Ways::Both);
    assert_eq!(admin.patch("/extensions/2001", json!({"ways": "desk"})).await.json()["ways"], "desk");
    assert_eq!(handed(&fixture).0.extensions[&number].ways, Ways::Desk);
    let fixed = json!({"ways": "web", "contact": "sip:2001@192.0.2.7"});
    assert_eq!(admin.patch("/extensions/2001", fixed).await.json()["errors"][0]["field"], "ways");
    assert_eq!(admin.patch("/extensions/2001", json!({"ways": "pigeon"})).await.status, 422);

    // AGT-18: takes effect with the next call; replaced as a whole.
    let handling = json!({"do_not_disturb": true, "forward_busy": "1002"});
    let changed = admin.patch("/extensions/2001", json!({"handling": handling})).await.json();
    assert_eq!(
        (&changed["handling"]["call_waiting"], &changed["handling"]["forward_busy"]),
        (&json!(true), &json!("1002"))
    );
    let told = handed(&fixture).0.extensions[&number].handling.clone();
    assert!(told.do_not_disturb && told.forward_busy == Some("1002".parse().unwrap()), "{told:?}");
    let itself = json!({"handling": {"forward_always": "2001"}});
    assert_eq!(admin.patch("/extensions/2001", itself).await.json()["errors"][0]["field"], "handling.forward_always");

    let renewed = admin.post("/extensions/2001/password", json!({})).await.json();
    assert_ne!(renewed["password"], password);
    assert_eq!(admin.delete("/extensions/2001").await.status, 204);
    assert!(!handed(&fixture).0.extensions.contains_key(&number));
    assert_eq!(admin.get("/extensions/2001").await.status, 404);
}

#[tokio::test]
async fn each_bad_field_is_named() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let bad = json!({"number": "x", "password": "short", "ring_timeout_ms": 1, "contact": "mailto:x", "caller_number": "y",
        "pickup_group": ""});
    let answer = admin.post("/extensions", bad).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"));
    let fields = answer.json();
    let mut fields: Vec<_> =
        fields["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["caller_number", "contact", "number", "password", "pickup_group", "ring_timeout_ms"]);
    let unknown = admin.post("/extensions", json!({"number": "2001", "colour": "red"})).await.json();
    assert_eq!(unknown["errors"][0]["field"], "colour");
    assert_eq!(admin.post("/extensions", json!({"number": "1001"})).await.problem(), "already-exists");
    assert!(fixture.switch.settings.lock().unwrap().is_empty(), "nothing was handed to the switch");
}

#[tokio::test]
async fn a_change_of_an_older_version_is_refused() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let tag = admin.get("/extensions/1001").await.header("etag").to_owned();
    let mine = admin.clone().with("if-match", &tag);
    let first = mine.patch("/extensions/1001", json!({"display_name": "first"})).await;
    assert_eq!(first.status, 200);
    assert_ne!(first.header("etag"), tag);
    let second = mine.patch("/extensions/1001", json!({"display_name": "second"})).await;
    assert_eq!((second.status.as_u16(), second.problem().as_str()), (412, "version-mismatch"));
    assert_eq!(mine.delete("/extensions/1001").await.status, 412);
    assert_eq!(admin.get("/extensions/1001").await.json()["display_name"], "first");
}

#[tokio::test]
async fn what_comes_from_the_file_is_read_only() {
    let fixture = Fixture::new().await;
    let extension = Extension::new("1500".parse().unwrap(), "switchboard.test", "secret-1");
    let change = Change::system(default_tenant(), Origin::Provision);
    fixture.store.create(change, extension).await.unwrap();
    let admin = fixture.admin().await;
    assert_eq!(admin.get("/extensions/1500").await.json()["read_only"], true);
    assert_eq!(admin.patch("/extensions/1500", json!({"record": true})).await.problem(), "provisioned");
    assert_eq!(admin.delete("/extensions/1500").await.problem(), "provisioned");
}

#[tokio::test]
async fn a_trunks_password_goes_in_and_never_comes_out() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let new = json!({"name": "lines", "host": "192.0.2.20", "transport": "tcp", "sources": ["192.0.2.0/24"],
        "username": "us", "password": "hunter2-secret", "emergency": true});
    let made = admin.post("/trunks", new).await;
    assert_eq!(made.status, 201, "{made:?}");
    let told = fixture.switch.settings.lock().unwrap().last().unwrap().0.clone();
    let credentials = told.trunks[&"lines".parse().unwrap()].credentials.clone().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.as_str()), ("us", "hunter2-secret"));
    for path in ["/trunks/lines", "/trunks", "/audit"] {
        let text = String::from_utf8(admin.get(path).await.bytes).unwrap();
        assert!(!text.contains("hunter2"), "{path}: {text}");
    }
    assert_eq!(admin.get("/trunks/lines").await.json()["username"], "us");
    let renamed = admin.patch("/trunks/lines", json!({"username": "them"})).await;
    assert_eq!(renamed.json()["errors"][0]["field"], "password");
    let without = admin.patch("/trunks/lines", json!({"username": null})).await.json();
    assert_eq!(without["username"], Value::Null);
    let bad = json!({"name": "x y", "host": "a b", "sources": ["10.0.0.0/99"], "username": "only"});
    let fields = admin.post("/trunks", bad).await.json()["errors"].as_array().unwrap().len();
    assert_eq!(fields, 4);
}

#[tokio::test]
async fn a_route_leads_to_what_is_there_and_keeps_it_there() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let nowhere = json!({"name": "a", "direction": "inbound", "trunk": "ghost", "did": "*", "to": "9999"});
    let fields = admin.post("/routes", nowhere).await.json();
    let fields: Vec<_> = fields["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["trunk", "to"]);
    let out = json!({"name": "out", "direction": "outbound", "prefix": "9", "strip": 1, "trunks": ["carrier"]});
    assert_eq!(admin.post("/routes", out).await.status, 201);
    assert_eq!(admin.delete("/trunks/carrier").await.problem(), "in-use");
    assert_eq!(admin.delete("/extensions/1001").await.problem(), "in-use");
    let other = json!({"direction": "inbound", "trunk": null, "did": "8610*", "to": "echo"});
    let replaced = admin.send("PUT", "/routes/main", Some(other)).await;
    assert_eq!((replaced.status.as_u16(), replaced.json()["to"].as_str()), (200, Some("echo")));
    // IVR-01: a number outside, which nothing here has to be there for.
    for (to, shown) in [("number:138-0013-8000", "number:13800138000"), ("number:x", "")] {
        let outside = json!({"direction": "inbound", "trunk": null, "did": "8610*", "to": to});
        let answer = admin.send("PUT", "/routes/main", Some(outside)).await;
        if shown.is_empty() {
            assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["field"]), (422, &json!("to")));
        } else {
            assert_eq!((answer.status.as_u16(), answer.json()["to"].as_str()), (200, Some(shown)));
        }
    }
    assert_eq!(admin.delete("/extensions/1001").await.status, 204);
    assert_eq!(admin.delete("/routes/out").await.status, 204);
    assert_eq!(admin.delete("/trunks/carrier").await.status, 204);
}

#[tokio::test]
async fn the_tenants_own_settings_reach_the_switch() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let changed =
        admin.patch("/tenants/default", json!({"emergency": ["112"], "record_internal": true, "language": "en"})).await;
    assert_eq!(changed.status, 200);
    let told = fixture.switch.settings.lock().unwrap().last().unwrap().0.clone();
    assert_eq!(told.plan.emergency, ["112"]);
    assert!(told.record_internal);
    assert_eq!(told.language.as_str(), "en");
    assert_eq!(changed.json()["language"], "en");
    assert_eq!(admin.patch("/tenants/default", json!({"language": "fr"})).await.problem(), "invalid");
    assert_eq!(admin.patch("/tenants/default", json!({"emergency": []})).await.problem(), "invalid");
    assert_eq!(admin.get("/tenants").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_change_is_in_the_audit_log_with_who_and_what() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    admin.patch("/extensions/1001", json!({"display_name": "Ada"})).await;
    admin.delete("/routes/main").await;
    let log = admin.get("/audit?limit=2").await.json();
    let shown = |n: usize, member: &str| log["items"][n][member].clone();
    assert_eq!((shown(0, "resource"), shown(0, "action")), (json!("route"), json!("deleted")));
    assert_eq!((shown(1, "resource_id"), shown(1, "action")), (json!("1001"), json!("updated")));
    assert_eq!(shown(1, "by"), "token:test");
    assert_eq!((&shown(1, "before")["display_name"], &shown(1, "after")["display_name"]), (&json!(""), &json!("Ada")));
    let cursor = log["next_cursor"].as_str().unwrap();
    let rest = admin.get(&format!("/audit?resource=extension&cursor={cursor}")).await.json();
    assert!(rest["items"].as_array().unwrap().iter().all(|entry| entry["resource"] == "extension"));
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_gap_or_double() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    for number in 3_001..3_008 {
        admin.post("/extensions", json!({"number": number.to_string()})).await;
    }
    let mut numbers = Vec::new();
    let mut path = "/extensions?limit=4".to_owned();
    loop {
        let page = admin.get(&path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 4);
        numbers.extend(items.iter().map(|item| item["number"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/extensions?limit=4&cursor={cursor}");
    }
    let mut expected: Vec<String> = vec!["1001".into(), "1002".into()];
    expected.extend((3_001..3_008).map(|n: u32| n.to_string()));
    assert_eq!(numbers, expected);
    for bad in ["limit=0", "limit=201", "limit=x", "cursor=%25", "colour=red"] {
        let answer = admin.get(&format!("/extensions?{bad}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"), "{bad}");
    }
}

/// Proves GEN-01 (the server's half).
#[tokio::test]
async fn about_us_is_what_the_enterprise_set_and_everybody_in_it_sees_it() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let nobody = fixture.token(&default_tenant(), &[]).await;
    let nobody = fixture.client().with("authorization", &format!("Bearer {nobody}"));
    let version = env!("CARGO_PKG_VERSION");
    let unset = json!({
        "product": "Switchboard", "version": version, "enterprise": "A tenant", "hotline": "", "website": "", "address": "",
    });
    assert_eq!(nobody.get("/about").await.json(), unset);
    assert_eq!(fixture.client().get("/about").await.status, 401);
    let about = json!({
        "product": "客服中心", "hotline": "400-800-1234", "website": "https://example.com/", "address": "北京市海淀区",
    });
    let set = admin.patch("/tenants/default", about.clone()).await;
    assert_eq!(set.status, 200, "{}", set.json());
    let mut shown = about;
    shown["version"] = json!(version);
    shown["enterprise"] = json!("A tenant");
    assert_eq!(nobody.get("/about").await.json(), shown);
    let other = fixture.token(&other_tenant(), &[]).await;
    let other = fixture.client().with("authorization", &format!("Bearer {other}"));
    assert_eq!(other.get("/about").await.json(), unset, "another enterprise has its own");
    for bad in [
        json!({"website": "javascript:alert(1)"}),
        json!({"website": "https://a b"}),
        json!({"hotline": "1".repeat(201)}),
    ] {
        assert_eq!(admin.patch("/tenants/default", bad.clone()).await.status, 422, "{bad}");
    }
}
