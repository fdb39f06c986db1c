use hooks::id::TenantId;

use super::on_each_database;
use crate::secrets::SecretKey;
use crate::store::audit::AuditFilter;
use crate::store::extensions::Extension;
use crate::store::routes::{Route, RouteRule};
use crate::store::setting::{Action, Change, Expect, Origin, PageAsk, Setting};
use crate::store::tenants::Tenant;
use crate::store::trunks::{Trunk, TrunkAccount, TrunkTransport};
use crate::store::{Store, StoreError};
use crate::trunk_policy::{RegistrationPolicy, TrunkPolicy};
use crate::ways::WaysAllowed;

fn here() -> TenantId {
    TenantId::first()
}

fn elsewhere() -> TenantId {
    "other".parse().unwrap()
}

fn by_admin() -> Change {
    Change::by(here(), "admin")
}

fn extension(number: &str) -> Extension {
    Extension::new(number.parse().unwrap(), "realm", "pässword")
}

async fn with_extensions(store: &Store, numbers: &[&str]) {
    for number in numbers {
        store.create(by_admin(), extension(number)).await.unwrap();
    }
}

fn outbound(name: &str, place: u32) -> Route {
    let trunks = vec!["lines".parse().unwrap(), "spare".parse().unwrap()];
    let rule = RouteRule::Outbound { prefix: "9".into(), strip: 1, prepend: "0086".into(), trunks };
    Route { name: name.parse().unwrap(), place, rule }
}

#[test]
fn every_setting_is_read_as_it_was_written() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let key = SecretKey::from_bytes(&[1; 32]).unwrap();
        let tenant = Tenant {
            domains: vec!["pbx.example.com".into()],
            caller_number: Some("+861012345678".into()),
            record_internal: true,
            language: dialplan::say::Language::En,
            ..Tenant::new(here(), "测试")
        };
        let extension = Extension {
            display_name: "王 \"阿\" 明".into(),
            enabled: false,
            ring_timeout_ms: Some(20_000),
            record: true,
            caller_number: Some("4001".into()),
            contact: Some("sip:1001@192.0.2.7".into()),
            pickup_group: Some("sales".parse().unwrap()),
            ways: WaysAllowed::Web,
            ..extension("1001")
        };
        let account = TrunkAccount { username: "u".into(), secret: key.seal("o", "secret") };
        let trunk = Trunk {
            port: Some(65_535),
            transport: TrunkTransport::Tls,
            sources: vec![crate::config::network::parse("10.0.0.0/8").unwrap()],
            account: Some(account),
            trusted: true,
            emergency: true,
            policy: TrunkPolicy {
                registration: Some(RegistrationPolicy::default()),
                failover_codes: Some([404, 503].into()),
                weight: 7,
                called_in: vec![r"regex ^0(\d+)$ -> +86$1".into()],
                ..TrunkPolicy::default()
            },
            ..Trunk::new("lines".parse().unwrap(), "sip.example.com".into())
        };
        let inbound = Route {
            name: "in".parse().unwrap(),
            place: 7,
            rule: RouteRule::Inbound {
                trunk: None,
                did: "8610*".parse().unwrap(),
                to: "echo".parse().unwrap(),
                hours: None,
                closed: None,
            },
        };
        store.create(by_admin(), tenant.clone()).await.unwrap();
        store.create(by_admin(), extension.clone()).await.unwrap();
        store.create(by_admin(), trunk.clone()).await.unwrap();
        store.create(by_admin(), inbound.clone()).await.unwrap();
        store.create(by_admin(), outbound("out", 3)).await.unwrap();
        assert_eq!(store.get::<Tenant>(&here(), "default").await.unwrap().value, tenant);
        assert_eq!(store.get::<Extension>(&here(), "1001").await.unwrap().value, extension);
        assert_eq!(store.get::<Trunk>(&here(), "lines").await.unwrap().value, trunk);
        assert_eq!(store.get::<Route>(&here(), "in").await.unwrap().value, inbound);
        assert_eq!(store.get::<Route>(&here(), "out").await.unwrap().value, outbound("out", 3));
    });
}

#[test]
fn every_change_has_its_audit_entry_with_secrets_hidden() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut it = extension("1001");
        let first = store.create(by_admin(), it.clone()).await.unwrap();
        it.display_name = "Front desk".into();
        let second = store.update(by_admin(), it.clone(), Expect::Version(first.version)).await.unwrap();
        it.set_password("realm", "another");
        store.update(by_admin(), it.clone(), Expect::Version(second.version)).await.unwrap();
        store.delete::<Extension>(by_admin(), "1001", Expect::Any).await.unwrap();
        let log = store.audit(&here(), &AuditFilter::of("extension"), &PageAsk::first(10)).await.unwrap().items;
        let actions: Vec<Action> = log.iter().rev().map(|entry| entry.action).collect();
        assert_eq!(actions, [Action::Created, Action::Updated, Action::Updated, Action::Deleted]);
        assert!(log.iter().all(|entry| entry.by == "admin" && entry.resource_id == "1001"));
        let named = &log[2];
        assert_eq!(named.before.as_ref().unwrap()["display_name"], "");
        assert_eq!(named.after.as_ref().unwrap()["display_name"], "Front desk");
        assert_eq!(named.after.as_ref().unwrap().get("secrets"), None);
        assert_eq!(log[1].after.as_ref().unwrap()["secrets"], "changed");
        let whole = format!("{log:?}");
        assert!(!whole.contains(it.ha1_md5.expose()) && !whole.contains(it.ha1_sha256.expose()), "{whole}");
        assert_eq!(store.audit(&elsewhere(), &AuditFilter::default(), &PageAsk::first(10)).await.unwrap().items, []);
    });
}

#[test]
fn a_change_that_is_not_committed_leaves_neither_row_nor_audit_entry() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let mut tx = store.change(by_admin()).await.unwrap();
        tx.create(extension("1001")).await.unwrap();
        drop(tx);
        assert_eq!(store.find::<Extension>(&here(), "1001").await.unwrap(), None);
        assert_eq!(store.audit(&here(), &AuditFilter::default(), &PageAsk::first(10)).await.unwrap().items, []);
    });
}

#[test]
fn an_older_version_is_refused() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let it = extension("1001");
        let first = store.create(by_admin(), it.clone()).await.unwrap();
        let changed = Extension { record: true, ..it };
        let second = store.update(by_admin(), changed.clone(), Expect::Version(first.version)).await.unwrap();
        assert_eq!((first.version, second.version), (1, 2));
        let old = Extension { record: false, ..changed.clone() };
        let late = store.update(by_admin(), old, Expect::Version(first.version)).await;
        assert!(matches!(late, Err(StoreError::Changed { .. })), "{late:?}");
        let late = store.delete::<Extension>(by_admin(), "1001", Expect::Version(1)).await;
        assert!(matches!(late, Err(StoreError::Changed { .. })), "{late:?}");
        let same = store.update(by_admin(), changed, Expect::Any).await.unwrap();
        assert_eq!(same.version, 2, "nothing differs, nothing is written");
    });
}

#[test]
fn two_writers_of_one_version_do_not_both_win() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        store.create(by_admin(), extension("1001")).await.unwrap();
        let write = |name: &str| {
            let (store, name) = (store.clone(), name.to_owned());
            tokio::spawn(async move {
                let it = Extension { display_name: name, ..extension("1001") };
                store.update(by_admin(), it, Expect::Version(1)).await.is_ok()
            })
        };
        let (one, other) = (write("one"), write("other"));
        assert_eq!(u8::from(one.await.unwrap()) + u8::from(other.await.unwrap()), 1);
    });
}

#[test]
fn what_is_provisioned_is_changed_by_the_file_only() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        let from_file = || Change::system(here(), Origin::Provision);
        let made = store.create(from_file(), extension("1010")).await.unwrap();
        assert!(made.is_read_only());
        let changed = Extension { record: true, ..extension("1010") };
        let refused = store.update(by_admin(), changed.clone(), Expect::Any).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
        let refused = store.delete::<Extension>(by_admin(), "1010", Expect::Any).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
        assert_eq!(store.update(from_file(), changed, Expect::Any).await.unwrap().version, 2);
    });
}

#[test]
fn a_taken_key_is_refused_and_a_missing_one_not_found() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_extensions(store, &["1001"]).await;
        let twice = store.create(by_admin(), extension("1001")).await;
        assert!(matches!(twice, Err(StoreError::Exists { .. })), "{twice:?}");
        let missing = store.update(by_admin(), extension("1002"), Expect::Any).await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
        let missing = store.get::<Extension>(&here(), "1002").await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    });
}

/// Proves GEN-02 (for settings).
#[test]
fn a_tenant_never_sees_another_ones_rows() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_extensions(store, &["1001"]).await;
        store.create(Change::by(elsewhere(), "boss"), Extension { record: true, ..extension("1001") }).await.unwrap();
        assert_eq!(store.all::<Extension>(&here()).await.unwrap().len(), 1);
        assert!(!store.get::<Extension>(&here(), "1001").await.unwrap().value.record);
        store.delete::<Extension>(Change::by(elsewhere(), "boss"), "1001", Expect::Any).await.unwrap();
        assert!(store.find::<Extension>(&here(), "1001").await.unwrap().is_some());
        assert!(store.find::<Extension>(&elsewhere(), "1001").await.unwrap().is_none());
    });
}

#[test]
fn lists_come_in_pages_in_the_same_order_everywhere() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        with_extensions(store, &["1002", "*98", "1001", "99", "1003"]).await;
        let mut ask = PageAsk::first(2);
        let mut seen = Vec::new();
        loop {
            let page = store.list::<Extension>(&here(), &ask).await.unwrap();
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|stored| stored.value.key()));
            let Some(next) = page.next else { break };
            ask.after = Some(next);
        }
        assert_eq!(seen, ["*98", "1001", "1002", "1003", "99"]);
    });
}

#[test]
fn a_tenant_has_one_row_of_itself() {
    on_each_database(|scratch| async move {
        let store = &scratch.store;
        store.create(by_admin(), Tenant::new(here(), "a")).await.unwrap();
        let second = store.create(by_admin(), Tenant::new(elsewhere(), "b")).await;
        assert!(matches!(second, Err(StoreError::TooMany { max: 1, .. })), "{second:?}");
        store.create(Change::by(elsewhere(), "boss"), Tenant::new(elsewhere(), "b")).await.unwrap();
        let slugs: Vec<String> = store.tenants().await.unwrap().iter().map(|stored| stored.value.key()).collect();
        assert_eq!(slugs, ["default", "other"]);
    });
}
