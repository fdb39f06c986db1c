//! The system page: how the process is and what it leans on.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::acme::{Failure, Renewal};
use engine::consumers::call_records::CallRecords;
use engine::http::health::SipSockets;
use engine::store::Store;
use engine::tls::{CertificateFiles, Certificates, Loaded, ensure};
use serde_json::{Value, json};

use crate::fixture::{Fixture, call_view, default_tenant, other_tenant};

#[tokio::test]
async fn the_system_tells_how_far_behind_the_reader_of_the_log_is() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let journal = async || {
        let shown = admin.get("/system").await.json()["journal"].clone();
        let consumers = shown["consumers"].as_array().unwrap();
        let records = consumers.iter().find(|it| it["name"] == "call-records").unwrap();
        (shown["head"].clone(), records["lag"].clone(), shown["ok"].clone())
    };
    fixture.append(&default_tenant(), &[1, 2, 3]);
    fixture.append(&other_tenant(), &[1; 9]);
    assert_eq!(journal().await, (json!("default.1.3"), json!(3), json!(true)), "of one's own tenant alone");
    let handle = fixture.journals.lock().unwrap()[&default_tenant()].handle();
    assert_eq!(CallRecords::new(fixture.store.clone(), handle).step().await.unwrap(), 3);
    assert_eq!(journal().await, (json!("default.1.3"), json!(0), json!(true)));
}

#[tokio::test]
async fn the_system_tells_its_version_its_room_its_certificates_and_what_is_not_well() {
    let fixture = Fixture::new().await;
    let files = CertificateFiles::own(fixture.folder.path());
    ensure(&files, &["localhost".to_owned()]).unwrap();
    let certificates = Certificates::new(Loaded::read(files.clone(), BTreeMap::new()).unwrap());
    fixture.health.set_certificates(Arc::new(certificates));
    let renewal = |name: &str, failure| Renewal { name: name.to_owned(), next_ms: 86_400_000, failure };
    let failure = Failure { at_ms: 1_000, reason: "the authority is away".to_owned() };
    fixture.health.renewals().set(vec![renewal("pbx.test", None), renewal("new.test", Some(failure))]);
    fixture.publish_phone(&default_tenant(), "1001", "sip:1001@192.0.2.1");
    fixture.publish_ban("192.0.2.9");
    let call = hooks::id::CallId::new(1, 1);
    fixture.live.apply(switch::view::View::Call(call_view(&default_tenant(), call, "1001", "1002")));
    let admin = fixture.admin().await;
    let shown = admin.get("/system").await.json();
    assert_eq!(shown["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&shown["calls"], &shown["registrations"], &shown["bans"]), (&json!(1), &json!(1), &json!(1)));
    let (step, database) = (Store::LAST_STEP, &shown["database"]);
    assert_eq!(*database, json!({"kind": "sqlite", "ok": true, "schema": step, "schema_known": step}));
    let names: Vec<Value> = items(&shown, "disks").iter().map(|disk| disk["name"].clone()).collect();
    assert_eq!(names, ["data", "recordings"]);
    for disk in items(&shown, "disks") {
        let (free, total) = (disk["free_bytes"].as_u64().unwrap(), disk["total_bytes"].as_u64().unwrap());
        assert!(0 < free && free <= total, "{disk}");
    }
    let certificate = &items(&shown, "certificates")[0];
    assert_eq!(certificate["path"], files.certificate.display().to_string());
    assert_eq!((&certificate["self_signed"], &certificate["issuer"]), (&json!(true), &json!("CN=Switchboard")));
    assert!(certificate["days_left"].as_i64().unwrap() > 0, "{certificate}");
    let next = "1970-01-02T00:00:00.000Z";
    let failed = json!({"name": "new.test", "next_at": next, "failed_at": "1970-01-01T00:00:01.000Z", "failure": "the authority is away"});
    let well = json!({"name": "pbx.test", "next_at": next, "failed_at": null, "failure": null});
    assert_eq!(shown["renewals"], json!([well, failed]));
    assert!(shown["started_at"].as_str().unwrap() <= shown["now"].as_str().unwrap(), "{shown}");
    assert_eq!(shown["readiness"]["ready"], true, "{shown}");

    fixture.health.set_sip(SipSockets::Down);
    let readiness = admin.get("/system").await.json()["readiness"].clone();
    assert_eq!(readiness["ready"], false);
    let bad: Vec<Value> = items(&readiness, "checks").into_iter().filter(|check| check["ok"] == false).collect();
    assert_eq!((bad.len(), &bad[0]["name"]), (1, &json!("sip")));
    let other = fixture.token(&default_tenant(), &["audit.read"]).await;
    let other = fixture.client().with("authorization", &format!("Bearer {other}"));
    assert_eq!(other.get("/system").await.status, 403);
}

fn items(of: &Value, name: &str) -> Vec<Value> {
    of[name].as_array().unwrap().clone()
}
