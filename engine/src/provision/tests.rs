use std::os::unix::fs::PermissionsExt as _;

use dialplan::park::Park;
use switch::config::Network;

use super::first_start::{self, ADMIN, Passwords};
use super::*;
use crate::names::Names;
use crate::secrets::verify_password;
use crate::store::audit::AuditFilter;
use crate::store::departments::Department;
use crate::store::employees::Employee;
use crate::store::roles::Role;
use crate::store::setting::PageAsk;
use crate::store::tests::on_each_database;
use crate::tenant_config::{Build, build};

fn config(text: &str, data_dir: &std::path::Path) -> Config {
    let env = [("SWITCHBOARD__DATA_DIR".to_owned(), data_dir.display().to_string())];
    Config::parse(text, env).unwrap()
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&[3; 32]).unwrap()
}

const FILE: &str = r#"
[[provision.extension]]
number = "1010"
password = "first"
record = true

[[provision.extension]]
number = "1011"
contact = "sip:1011@127.0.0.1:7070"

[[provision.trunk]]
name = "carrier"
host = "127.0.0.1"
port = 5099
sources = ["127.0.0.1"]
username = "u"
password = "p"
emergency = true

[[provision.trunk]]
name = "another"
host = "192.0.2.1"

[[provision.route]]
name = "in"
direction = "inbound"
did = "1010"
to = "1010"

[[provision.block]]
side = "caller"
kind = "prefix"
number = "400"

[[provision.caller]]
number = "01012345678"
priority = 9
owner = "10001"

[[provision.route]]
name = "out"
direction = "outbound"
prefix = "9"
strip = 1
trunks = ["carrier"]
"#;

#[test]
fn the_first_start_makes_an_installation_that_can_be_used() {
    on_each_database(|scratch| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config("", folder.path());
        let store = &scratch.store;
        let first = first_start::run(store, &config, &Passwords::Random).await.unwrap().unwrap();
        assert_eq!(first_start::run(store, &config, &Passwords::Random).await.unwrap(), None, "only once");
        let kept = std::fs::read_to_string(&first.file).unwrap();
        assert_eq!(kept, first.text());
        assert!(kept.contains(&first.admin_password) && first.phones.iter().all(|(_, it)| kept.contains(it)));
        assert_eq!(std::fs::metadata(&first.file).unwrap().permissions().mode() & 0o777, 0o600);
        let here = TenantId::first();
        let admin = store.account(&here, ADMIN).await.unwrap().unwrap().employee.value;
        assert!(admin.must_change && verify_password(&admin.password_hash, &first.admin_password).unwrap());
        assert_eq!((admin.employee_no.as_str(), admin.department), ("10000", Department::root_id()));
        assert_eq!(store.get::<Role>(&here, &admin.role).await.unwrap().value, Role::administrator());
        assert_eq!(store.get::<Department>(&here, &admin.department.to_string()).await.unwrap().value.parent, None);
        let with = Build {
            key: &key(),
            domain: &config.sip.domain,
            record_internal: false,
            park: &Park::default(),
            names: &Names::default(),
        };
        let built = build(store, &here, &with).await.unwrap();
        assert_eq!(built.warnings, [""; 0]);
        assert_eq!(built.config.extensions.len(), 3);
        for (number, password) in &first.phones {
            let ha1 = sip::digest::ha1(number, &config.sip.domain, password);
            assert!(built.config.extensions[&number.parse().unwrap()].ha1_sha256 == ha1.sha256);
        }
        let by: BTreeSet<String> = store
            .audit(&here, &AuditFilter::default(), &PageAsk::first(100))
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|it| it.by)
            .collect();
        assert_eq!(by, BTreeSet::from(["setup".to_owned()]));
    });
}

#[test]
fn with_a_demo_password_everything_has_it_and_nothing_asks_for_another() {
    on_each_database(|scratch| async move {
        let folder = tempfile::tempdir().unwrap();
        let config = config("", folder.path());
        let demo = Passwords::Demo("demo-pw".into());
        let first = first_start::run(&scratch.store, &config, &demo).await.unwrap().unwrap();
        assert!(first.phones.iter().all(|(_, password)| password == "demo-pw"));
        let admin = scratch.store.account(&TenantId::first(), ADMIN).await.unwrap().unwrap().employee.value;
        assert!(!admin.must_change && verify_password(&admin.password_hash, "demo-pw").unwrap());
    });
}

#[test]
fn what_the_file_provisions_is_applied_again_without_duplicates() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(FILE, folder.path());
        first_start::run(store, &config, &Passwords::Random).await.unwrap();
        let facts = apply(store, &key(), &config).await.unwrap();
        assert_eq!(facts[&here].len(), 8);
        assert_eq!(apply(store, &key(), &config).await.unwrap(), BTreeMap::new(), "nothing differs");
        assert!(store.get::<Extension>(&here, "1010").await.unwrap().is_read_only());
        config.provision.extensions.remove(0);
        config.provision.trunks[1].record = true;
        let facts = &apply(store, &key(), &config).await.unwrap()[&here];
        let told: Vec<String> = facts.iter().map(|it| format!("{} {} {}", it.action, it.resource, it.id)).collect();
        assert_eq!(told, ["deleted extension 1010", "updated trunk another"]);
        assert!(store.find::<Extension>(&here, "1001").await.unwrap().is_some(), "what people made stays");
    });
}

const WALKED: &str = r#"
[[provision.hours]]
name = "office"
zone = "Asia/Shanghai"
weekly.mon = ["09:00-18:00"]

[[provision.flow]]
name = "main"
title = "Front desk"
start = "hours"
nodes.hours = { step = "condition", cases = [{ when = [{ hours = { name = "office" } }], go = "ring" }], otherwise = "sub" }
nodes.ring = { step = "extension", number = "1001", failed = "sub" }
nodes.sub = { step = "subflow", flow = "bye" }

[[provision.flow]]
name = "bye"
start = "end"
nodes.end = { step = "hang_up" }
"#;

fn told(facts: &[SettingsChanged]) -> Vec<String> {
    facts.iter().map(|it| format!("{} {} {}", it.action, it.resource, it.id)).collect()
}

#[test]
fn hours_and_flows_of_the_file_are_published_once_and_go_with_it() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        let folder = tempfile::tempdir().unwrap();
        let with = |text: &str| config(text, folder.path());
        first_start::run(store, &with(""), &Passwords::Random).await.unwrap();
        let facts = apply(store, &key(), &with(WALKED)).await.unwrap();
        assert_eq!(
            told(&facts[&here]),
            [
                "created hours office",
                "created flow_version main.1",
                "created flow main",
                "created flow_version bye.1",
                "created flow bye"
            ]
        );
        assert_eq!(apply(store, &key(), &with(WALKED)).await.unwrap(), BTreeMap::new(), "nothing differs");
        assert!(store.get::<StoredFlow>(&here, "main").await.unwrap().is_read_only());
        assert!(store.get::<StoredHours>(&here, "office").await.unwrap().is_read_only());
        let built = Build {
            key: &key(),
            domain: "x",
            record_internal: false,
            park: &Park::default(),
            names: &Names::default(),
        };
        let built = build(store, &here, &built).await.unwrap().config;
        assert_eq!((built.hours.len(), built.flows[&"main".parse().unwrap()].number), (1, 1));

        // What was published is not checked again; what is new is.
        store.delete::<Extension>(Change::by(here.clone(), "admin"), "1001", Expect::Any).await.unwrap();
        assert_eq!(apply(store, &key(), &with(WALKED)).await.unwrap(), BTreeMap::new());
        let changed = WALKED.replace("Front desk", "Desk").replace("{ name = \"office\" }", "{ name = \"offise\" }");
        let refused = apply(store, &key(), &with(&changed)).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "[[provision.flow]] main: line 11: hours: there is no set of hours `offise`, did you mean `office`?; make it, or name another\n\
             line 12: ring: there is no extension `1001`, did you mean `1003`?; make it, or name another"
        );
        let changed = WALKED.replace("Front desk", "Desk").replace("\"1001\"", "\"1002\"");
        let facts = apply(store, &key(), &with(&changed)).await.unwrap();
        assert_eq!(told(&facts[&here]), ["created flow_version main.2", "updated flow main"]);
        let facts = apply(store, &key(), &with("")).await.unwrap();
        let all = store.all::<FlowVersion>(&here).await.unwrap();
        assert!(all.is_empty() && store.all::<StoredFlow>(&here).await.unwrap().is_empty(), "{all:?}");
        assert!(told(&facts[&here]).contains(&"deleted hours office".to_owned()));
    });
}

#[test]
fn the_file_wins_over_what_was_made_by_hand() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        let folder = tempfile::tempdir().unwrap();
        let config = config(FILE, folder.path());
        first_start::run(store, &config, &Passwords::Random).await.unwrap();
        let by_hand = Extension::new("1010".parse().unwrap(), "switchboard.local", "mine");
        store.create(Change::by(here.clone(), "admin"), by_hand).await.unwrap();
        apply(store, &key(), &config).await.unwrap();
        let stored = store.get::<Extension>(&here, "1010").await.unwrap();
        assert!(stored.is_read_only() && stored.value.record);
        let ha1 = sip::digest::ha1("1010", "switchboard.local", "first");
        assert!(stored.value.ha1().unwrap().0 == ha1.md5);
    });
}

#[test]
fn a_tenant_that_does_not_exist_is_named() {
    on_each_database(|scratch| async move {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[provision.extension]]\ntenant = \"other\"\nnumber = \"1010\"\npassword = \"x\"\n";
        let refused = apply(&scratch.store, &key(), &config(text, folder.path())).await;
        assert!(matches!(refused, Err(ProvisionError::NoTenant(_))), "{refused:?}");
    });
}

/// Proves GEN-18 (its trunks).
#[test]
fn the_switch_is_told_what_the_rows_say() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        let folder = tempfile::tempdir().unwrap();
        let config = config(FILE, folder.path());
        first_start::run(store, &config, &Passwords::Random).await.unwrap();
        apply(store, &key(), &config).await.unwrap();
        let with = Build {
            key: &key(),
            domain: &config.sip.domain,
            record_internal: false,
            park: &Park::default(),
            names: &Names::default(),
        };
        let built = build(store, &here, &with).await.unwrap().config;
        let carrier = &built.trunks[&"carrier".parse().unwrap()];
        assert_eq!(carrier.targets, ["127.0.0.1:5099".parse().unwrap()]);
        assert_eq!(carrier.credentials.as_ref().unwrap().password, "p");
        assert_eq!(carrier.sources, [Network { address: [127, 0, 0, 1].into(), prefix: 32 }]);
        let contact = built.extensions[&"1011".parse().unwrap()].static_contact.clone().unwrap();
        assert_eq!(
            (contact.uri.as_str(), contact.target),
            ("sip:1011@127.0.0.1:7070", "127.0.0.1:7070".parse().unwrap())
        );
        let emergency: Vec<&str> = built.plan.emergency_trunks.iter().map(|name| name.as_str()).collect();
        assert_eq!(emergency, ["carrier", "another"], "the marked one first");
        assert_eq!(built.plan.inbound.len(), 2);
        assert_eq!(built.plan.inbound[0].to, dialplan::plan::Destination::Extension("1010".parse().unwrap()));
        assert_eq!((built.plan.outbound[0].strip, built.plan.outbound[0].prefix.as_str()), (1, "9"));
        assert_eq!(built.plan.emergency, dialplan::plan::EMERGENCY_DEFAULT);
    });
}

#[test]
fn a_wrong_key_file_and_another_realm_are_warnings() {
    on_each_database(|scratch| async move {
        let (store, here) = (&scratch.store, TenantId::first());
        let folder = tempfile::tempdir().unwrap();
        let config = config(FILE, folder.path());
        first_start::run(store, &config, &Passwords::Random).await.unwrap();
        apply(store, &key(), &config).await.unwrap();
        let other_key = SecretKey::from_bytes(&[4; 32]).unwrap();
        let with = Build {
            key: &other_key,
            domain: "elsewhere.example",
            record_internal: true,
            park: &Park::default(),
            names: &Names::default(),
        };
        let built = build(store, &here, &with).await.unwrap();
        assert_eq!(built.config.trunks[&"carrier".parse().unwrap()].credentials, None);
        assert!(built.config.record_internal);
        let told = built.warnings.join("\n");
        assert!(told.contains("extension 1001 has a password for realm switchboard.local"), "{told}");
        assert!(told.contains("trunk carrier: a stored secret cannot be decrypted"), "{told}");
    });
}

#[test]
fn a_provisioned_agent_is_made_an_employee_once_who_is_then_left_alone() {
    on_each_database(|scratch| async move {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[provision.agent]]\nnumber = \"20001\"\nname = \"Li Ming\"\npassword = \"first-one-1\"\n\n[[provision.agent]]\nnumber = \"20002\"\n";
        let config = config(text, folder.path());
        let (store, here) = (&scratch.store, TenantId::first());
        first_start::run(store, &config, &Passwords::Random).await.unwrap().unwrap();
        apply(store, &key(), &config).await.unwrap();
        let with = Build {
            key: &key(),
            domain: &config.sip.domain,
            record_internal: false,
            park: &Park::default(),
            names: &Names::default(),
        };
        let built = build(store, &here, &with).await.unwrap();
        let names = ["20001", "20002"].map(|number| built.config.agents[&number.parse().unwrap()].name.clone());
        assert_eq!(names, ["Li Ming", "Agent 20002"]);
        let ming = store.account(&here, "20001").await.unwrap().unwrap().employee.value;
        assert!(ming.must_change && verify_password(&ming.password_hash, "first-one-1").unwrap());
        let role = store.get::<Role>(&here, &ming.role).await.unwrap().value;
        assert!(role.permissions.contains("call.dial"), "{role:?}");

        let mut tx = store.change(Change::system(here.clone(), Origin::Api)).await.unwrap();
        let changed = Employee { name: "Li Ming 2".to_owned(), must_change: false, ..ming };
        tx.update(changed.clone(), Expect::Any).await.unwrap();
        tx.commit().await.unwrap();
        assert!(apply(store, &key(), &config).await.unwrap().is_empty(), "nothing is done twice");
        assert_eq!(store.account(&here, "20001").await.unwrap().unwrap().employee.value, changed);
    });
}
