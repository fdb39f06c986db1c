//! Departments, roles, employees and personal settings.

use engine::store::audit::AuditFilter;
use engine::store::departments::Department;
use engine::store::employees::Employee;
use engine::store::roles::{DataPermission, Role};
use engine::store::setting::{Change, Origin, PageAsk};
use hooks::fact::{DirectoryPart, Event};
use hooks::id::DepartmentId;
use serde_json::{Value, json};
use switch::input::Command;

use crate::fixture::{Answer, Client, Fixture, PASSWORD, default_tenant, other_tenant};

const ROOT: &str = "00000000000000000000000001";

pub(crate) fn as_bearer<'f>(fixture: &'f Fixture, session: &Value) -> Client<'f> {
    fixture.client().with("authorization", &format!("Bearer {}", session["token"].as_str().unwrap()))
}

pub(crate) async fn sign_in(fixture: &Fixture, login: &str, password: &str) -> Answer {
    fixture.client().post("/session", json!({"login": login, "password": password, "tenant": "default"})).await
}

pub(crate) async fn signed_in<'f>(fixture: &'f Fixture, login: &str) -> Client<'f> {
    let answer = sign_in(fixture, login, PASSWORD).await;
    assert_eq!(answer.status, 200, "{login}");
    as_bearer(fixture, &answer.json())
}

/// A department below another; its ID.
pub(crate) async fn department(admin: &Client<'_>, name: &str, parent: &str) -> String {
    let made = admin.post("/departments", json!({"name": name, "parent": parent})).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

/// An employee who has chosen his password.
pub(crate) async fn employee(fixture: &Fixture, number: &str, role: &str, department: &str) {
    let employee = Employee {
        must_change: false,
        role: role.to_owned(),
        department: department.parse().unwrap(),
        ..Employee::new(number, engine::secrets::hash_password(PASSWORD))
    };
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), employee).await.unwrap();
}

fn fields(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

/// A whole new employee.
pub(crate) fn hired(number: &str, mobile: &str) -> Value {
    json!({"number": number, "name": "Li Ming", "password": "first1", "mobile": mobile, "role": Role::AGENT,
        "department": ROOT})
}

/// Proves ORG-01, ORG-02, ORG-03 (who manages), ORG-04.
#[tokio::test]
async fn departments_are_a_tree_with_names_and_managers() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let sales = department(&admin, "Sales", ROOT).await;
    let east = department(&admin, "East", &sales).await;
    // ORG-02: unique among siblings, without case; elsewhere the name is free.
    assert_eq!(
        admin.post("/departments", json!({"name": " sALES ", "parent": ROOT})).await.problem(),
        "already-exists"
    );
    department(&admin, "Sales", &sales).await;
    let renamed = admin.patch(&format!("/departments/{east}"), json!({"name": "West"})).await.json();
    assert_eq!((&renamed["name"], &renamed["parent"]), (&json!("West"), &json!(sales)));
    let clash = admin.patch(&format!("/departments/{east}"), json!({"name": "SALES"})).await;
    assert_eq!(clash.problem(), "already-exists");
    for bad in [json!({"name": "", "parent": ROOT}), json!({"name": "x", "parent": "00000000000000000000000009"})] {
        assert_eq!(admin.post("/departments", bad).await.problem(), "invalid");
    }
    // ORG-03: several.
    employee(&fixture, "10001", Role::AGENT, &east).await;
    let named = admin.patch(&format!("/departments/{sales}"), json!({"managers": ["10000", "10001"]})).await.json();
    assert_eq!(named["managers"], json!(["10000", "10001"]));
    let nobody = admin.patch(&format!("/departments/{sales}"), json!({"managers": ["77777"]})).await;
    assert_eq!(fields(&nobody), ["managers"]);
    // ORG-04: who left counts, and the root stays.
    for path in [format!("/departments/{sales}"), format!("/departments/{east}"), format!("/departments/{ROOT}")] {
        assert_eq!(admin.delete(&path).await.problem(), "in-use", "{path}");
    }
    assert_eq!(admin.send("PUT", "/employees/10001/status", Some(json!({"status": "left"}))).await.status, 204);
    assert_eq!(admin.delete(&format!("/departments/{east}")).await.problem(), "in-use");
    let to_root = Some(json!({"department": ROOT}));
    assert_eq!(admin.send("PUT", "/employees/10001/department", to_root).await.status, 204);
    assert_eq!(admin.delete(&format!("/departments/{east}")).await.status, 204);
    assert_eq!(admin.get(&format!("/departments/{east}")).await.status, 404);
    let names: Vec<Value> = admin.get("/departments").await.json()["items"].as_array().unwrap().clone();
    assert_eq!(names.len(), 3);
    let audit = admin.get("/audit?resource=department").await.json();
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["before"]["name"]),
        (&json!("deleted"), &json!("West"))
    );
}

/// Proves ORG-31 to ORG-36, ORG-38 and ORG-39.
#[tokio::test]
async fn roles_are_made_of_what_the_registry_knows_and_stay_while_somebody_has_them() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let registry = admin.get("/permissions").await.json();
    let keys: Vec<&Value> = registry["permissions"].as_array().unwrap().iter().map(|it| &it["key"]).collect();
    assert!(keys.contains(&&json!("calls.read")) && keys.contains(&&json!("phonebook.read")), "{keys:?}");
    assert!(registry["permissions"].as_array().unwrap().iter().all(|it| !it["words"].as_str().unwrap().is_empty()));
    assert!(registry["fields"].as_array().unwrap().contains(&json!({"name": "entries.note", "phone": false})));

    let sales = department(&admin, "Sales", ROOT).await;
    let rules = json!({"name": "Leader", "description": "Leads.", "permissions": ["calls.read", "phonebook.read"],
        "fields": {"call_records.caller": "masked", "entries.note": "hidden"},
        "data": {"scope": "departments", "own": true, "departments": [sales]}});
    let made = admin.post("/roles", rules.clone()).await;
    assert_eq!(made.status, 201);
    let leader = made.json()["id"].as_str().unwrap().to_owned();
    for (key, value) in rules.as_object().unwrap() {
        assert_eq!(made.json()[key], *value, "{key}");
    }
    assert_eq!(admin.post("/roles", json!({"name": "LEADER"})).await.problem(), "already-exists");
    for (wrong, field) in [
        (json!({"name": "x", "permissions": ["calls.fly"]}), "permissions"),
        (json!({"name": "x", "fields": {"entries.none": "read"}}), "fields.entries.none"),
        (json!({"name": "x", "fields": {"entries.note": "masked"}}), "fields.entries.note"),
        (
            json!({"name": "x", "data": {"scope": "departments", "departments": ["00000000000000000000000009"]}}),
            "data.departments",
        ),
        (json!({"name": " "}), "name"),
    ] {
        assert_eq!(fields(&admin.post("/roles", wrong.clone()).await), [field], "{wrong}");
    }
    // ORG-33: left out, the own department.
    let plain = admin.post("/roles", json!({"name": "Plain"})).await.json();
    assert_eq!(plain["data"], json!({"scope": "departments", "own": true, "departments": []}));
    let found = admin.get("/roles?name=LEAD").await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    // A department that a role names stays, and a role that somebody has, too.
    assert_eq!(admin.delete(&format!("/departments/{sales}")).await.problem(), "in-use");
    employee(&fixture, "10001", &leader, ROOT).await;
    assert_eq!(admin.delete(&format!("/roles/{leader}")).await.problem(), "in-use");
    assert_eq!(admin.patch("/employees/10001", json!({"role": Role::AGENT})).await.status, 200);
    assert_eq!(admin.delete(&format!("/roles/{leader}")).await.status, 204);
    // ORG-38.
    let administrator = format!("/roles/{}", Role::ADMINISTRATOR);
    assert_eq!(admin.delete(&administrator).await.problem(), "in-use");
    let stripped = json!({"name": "Administrator", "permissions": ["calls.read"], "data": {"scope": "all"}});
    assert_eq!(admin.send("PUT", &administrator, Some(stripped)).await.problem(), "in-use");
    let narrowed = json!({"name": "Administrator", "permissions": ["*"]});
    assert_eq!(admin.send("PUT", &administrator, Some(narrowed)).await.problem(), "in-use");
    let renamed = json!({"name": "Boss", "permissions": ["*"], "data": {"scope": "all"}});
    assert_eq!(admin.send("PUT", &administrator, Some(renamed)).await.json()["administrator"], json!(true));
    for (path, body) in
        [("/employees/10000", json!({"role": Role::AGENT})), ("/employees/10000/status", json!({"status": "left"}))]
    {
        let method = if path.ends_with("status") { "PUT" } else { "PATCH" };
        assert_eq!(admin.send(method, path, Some(body)).await.problem(), "in-use", "the last administrator stays");
    }
}

/// Proves ORG-24 and ORG-37: one role, which holds at once.
#[tokio::test]
async fn a_role_that_is_changed_holds_in_the_sessions_that_run() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let role = fixture.role("reader", &["calls.read"], DataPermission::All).await;
    employee(&fixture, "10001", &role, ROOT).await;
    let reader = signed_in(&fixture, "10001").await;
    let may = async || [reader.get("/calls").await.status.as_u16(), reader.get("/queues").await.status.as_u16()];
    assert_eq!(may().await, [200, 403]);
    let rules = json!({"name": "reader", "permissions": ["queues.read"], "data": {"scope": "all"}, "fields": {"call_records.caller": "masked"}});
    assert_eq!(admin.send("PUT", &format!("/roles/{role}"), Some(rules)).await.status, 200);
    assert_eq!(may().await, [403, 200]);
    let session = reader.get("/session").await.json();
    assert_eq!(session["fields"], json!({"call_records.caller": "masked"}));
    assert_eq!(session["data"], json!({"scope": "all"}));
}

/// Proves ORG-20, ORG-22, ORG-23 and of GEN-16 that names compare without case.
#[tokio::test]
async fn an_employee_is_made_with_all_that_is_required_and_nothing_twice() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let mut whole = hired("10001", "138 0000 0001");
    whole["nickname"] = json!("Ming");
    whole["email"] = json!("li@example.com");
    whole["agent"] = json!({"after_call": "ready", "extension": "1001"});
    let made = admin.post("/employees", whole).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/employees/10001"));
    let shown = made.json();
    for (key, value) in [
        ("number", "10001"),
        ("login", "10001"),
        ("nickname", "Ming"),
        ("status", "in_service"),
        ("mobile", "13800000001"),
    ] {
        assert_eq!(shown[key], json!(value), "{key}");
    }
    assert_eq!((&shown["agent"]["after_call"], &shown["agent"]["extension"]), (&json!("ready"), &json!("1001")));
    assert_eq!(shown["password_change_required"], json!(true));
    assert!(!made.json().to_string().contains("argon2"), "the hash stays here");
    let settings = fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    assert_eq!(settings.agents[&"10001".parse().unwrap()].mobile.as_ref().unwrap().as_str(), "13800000001");
    // Each of them is required.
    for key in ["number", "name", "password", "mobile", "role", "department"] {
        let mut without = hired("10002", "13800000002");
        without.as_object_mut().unwrap().remove(key);
        assert_eq!(admin.post("/employees", without).await.problem(), "invalid", "{key}");
    }
    for (key, value) in [
        ("number", "9999"),
        ("number", "123456789"),
        ("number", "010002"),
        ("number", "1000x"),
        ("name", ""),
        ("password", "abcdef"),
        ("password", "123456"),
        ("password", "ab1"),
        ("mobile", "12"),
        ("mobile", "+8613800000001"),
        ("mobile", "013800000001"),
        ("login", "x"),
        ("login", "10000"),
        ("login", "ADMIN"),
        ("email", "nobody"),
        ("role", "00000000000000000000000009"),
        ("department", "00000000000000000000000009"),
    ] {
        let mut wrong = hired("10002", "13800000002");
        wrong[key] = json!(value);
        let answer = admin.post("/employees", wrong).await;
        assert_eq!(fields(&answer), [key], "{key} {value}");
    }
    assert_eq!(admin.post("/employees", hired("99999999", "+14155550100")).await.status, 201);
    // ORG-22: not reused, also when he left.
    admin.send("PUT", "/employees/10001/status", Some(json!({"status": "left"}))).await;
    assert_eq!(admin.post("/employees", hired("10001", "13800000009")).await.problem(), "already-exists");
    assert_eq!(admin.delete("/employees/10001").await.problem(), "method-not-allowed");
    // In another enterprise the same number and mobile are free (GEN-02).
    let theirs = fixture.token(&other_tenant(), &["*"]).await;
    let theirs = fixture.client().with("authorization", &format!("Bearer {theirs}"));
    assert_eq!(theirs.post("/employees", hired("10001", "13800000001")).await.status, 201);
}

/// Proves ORG-26 and GEN-16 (names without case).
#[tokio::test]
async fn employees_are_found_by_what_they_are() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let sales = department(&admin, "Sales", ROOT).await;
    let east = department(&admin, "East", &sales).await;
    for (number, name, nickname, mobile, department) in [
        ("10001", "Anna 100%", "Ann", "13800000001", ROOT),
        ("10002", "ANDREAS", "", "13800000002", sales.as_str()),
        ("10003", "王小明", "Ming_x", "13800000003", east.as_str()),
    ] {
        let mut new = hired(number, mobile);
        (new["name"], new["nickname"], new["department"]) = (json!(name), json!(nickname), json!(department));
        assert_eq!(admin.post("/employees", new).await.status, 201);
    }
    admin.send("PUT", "/employees/10002/status", Some(json!({"status": "left"}))).await;
    for (query, expected) in [
        ("name=an".to_owned(), &["10001", "10002"][..]),
        ("name=100%25".to_owned(), &["10001"]),
        ("name=%25".to_owned(), &["10001"]),
        ("name=%E5%B0%8F".to_owned(), &["10003"]),
        ("nickname=g_X".to_owned(), &["10003"]),
        ("number=10002".to_owned(), &["10002"]),
        ("phone=%2B86%20138-0000-0003".to_owned(), &["10003"]),
        (format!("role={}", Role::ADMINISTRATOR), &["10000"]),
        ("status=left".to_owned(), &["10002"]),
        (format!("department={sales}"), &["10002", "10003"]),
        (format!("department={sales}&status=in_service"), &["10003"]),
        ("name=nobody".to_owned(), &[]),
    ] {
        let page = admin.get(&format!("/employees?{query}")).await.json();
        let numbers: Vec<&str> =
            page["items"].as_array().unwrap().iter().map(|it| it["number"].as_str().unwrap()).collect();
        assert_eq!(numbers, expected, "{query}");
    }
    let first = admin.get("/employees?limit=3").await.json();
    let rest = admin.get(&format!("/employees?cursor={}", first["next_cursor"].as_str().unwrap())).await.json();
    assert_eq!(rest["items"][0]["number"], "10003");
}

/// Proves ORG-25, ORG-27, ORG-28, ORG-30, LOGIN-05 and LOGIN-09; of LOGIN-04 that mobile and number let in as well.
#[tokio::test]
async fn who_left_is_out_at_once_and_may_come_back() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let mut new = hired("10001", "13800000001");
    new["agent"] = json!({"extension": "1001", "mobile": "13900000000"});
    assert_eq!(admin.post("/employees", new).await.status, 201);
    let session = sign_in(&fixture, "13800000001", "first1").await.json();
    assert_eq!(session["password_change_required"], json!(true), "LOGIN-05");
    let him = as_bearer(&fixture, &session);
    assert_eq!(him.get("/me").await.status, 403, "not before he has chosen a password");
    let choice = json!({"old_password": "first1", "new_password": "second2"});
    assert_eq!(him.post("/session/password", choice).await.status, 204);
    let him = as_bearer(&fixture, &sign_in(&fixture, "10001", "second2").await.json());
    assert_eq!(him.post("/session/sip-credential", json!({"extension": "1001"})).await.status, 200);
    // ORG-28.
    for field in ["number", "department"] {
        let mut change = json!({});
        change[field] = json!("10009");
        assert_eq!(fields(&admin.patch("/employees/10001", change).await), [field]);
    }
    let in_config = |fixture: &Fixture| {
        let settings = fixture.switch.settings.lock().unwrap();
        settings.last().unwrap().0.agents.contains_key(&"10001".parse().unwrap())
    };
    assert!(in_config(&fixture));
    assert_eq!(admin.send("PUT", "/employees/10001/status", Some(json!({"status": "left"}))).await.status, 204);
    assert_eq!(him.get("/session").await.status, 401);
    assert_eq!(sign_in(&fixture, "10001", "second2").await.status, 401);
    assert!(!in_config(&fixture), "the switch signs him out, his mobile, too");
    let revoked = |(_, command): &(hooks::id::TenantId, Command)| matches!(command, Command::Revoke(_));
    assert!(fixture.switch.commands.lock().unwrap().iter().any(revoked), "his browser is no phone any more");
    let unbound = |(_, command): &(hooks::id::TenantId, Command)| *command == Command::Unbind("1001".parse().unwrap());
    assert!(fixture.switch.commands.lock().unwrap().iter().any(unbound), "nor is the one on his desk");
    assert_eq!(admin.send("PUT", "/employees/10001/status", Some(json!({"status": "in_service"}))).await.status, 204);
    assert!(in_config(&fixture));
    // ORG-30.
    for _ in 0..5 {
        sign_in(&fixture, "10001", "wrong").await;
    }
    assert_eq!(sign_in(&fixture, "10001", "second2").await.status, 401);
    assert!(admin.get("/employees/10001").await.json()["locked_at"].is_string());
    assert_eq!(admin.post("/employees/10001/unlock", json!({})).await.status, 204);
    assert_eq!(sign_in(&fixture, "10001", "second2").await.status, 200);
    let weak = admin.post("/employees/10001/password", json!({"password": "weak"})).await;
    assert_eq!(fields(&weak), ["password"]);
    assert_eq!(admin.post("/employees/10001/password", json!({"password": "third3"})).await.status, 204);
    assert_eq!(sign_in(&fixture, "10001", "third3").await.json()["password_change_required"], json!(true));
    let log =
        fixture.store.audit(&default_tenant(), &AuditFilter::of("employee"), &PageAsk::first(50)).await.unwrap().items;
    let told = serde_json::to_string(&log.iter().map(|it| &it.after).collect::<Vec<_>>()).unwrap();
    assert!(told.contains("\"left\"") && told.contains("\"secrets\":\"changed\"") && !told.contains("argon2"));
}

/// Proves ORG-45 but for the code by SMS, and ORG-46; of LOGIN-04 the user name, which one changes oneself.
#[tokio::test]
async fn one_changes_ones_own_settings() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let mut new = hired("10001", "13800000001");
    new["agent"] = json!({"extension": "1001"});
    admin.post("/employees", new).await;
    let first = as_bearer(&fixture, &sign_in(&fixture, "10001", "first1").await.json());
    first.post("/session/password", json!({"old_password": "first1", "new_password": PASSWORD})).await;
    let him = signed_in(&fixture, "10001").await;
    let change = json!({"name": "Li", "nickname": "Mimi", "login": "Li.Ming", "after_call": "ready"});
    let shown = him.patch("/me", change).await.json();
    assert_eq!(
        (&shown["name"], &shown["nickname"], &shown["login"]),
        (&json!("Li"), &json!("Mimi"), &json!("Li.Ming"))
    );
    assert_eq!(
        (&shown["after_call"], &shown["extension"], &shown["role"], &shown["department"]),
        (&json!("ready"), &json!("1001"), &json!("Agent"), &json!("Default"))
    );
    assert_eq!(sign_in(&fixture, "li.MING", PASSWORD).await.status, 200, "LOGIN-04, without case");
    let him = signed_in(&fixture, "li.ming").await;
    assert_eq!(fields(&him.patch("/me", json!({"login": "Admin"})).await), ["login"]);
    assert_eq!(fields(&him.patch("/me", json!({"number": "10002"})).await), ["number"]);
    assert_eq!(him.patch("/me", json!({"mobile": "13800000002"})).await.problem(), "forbidden");
    assert_eq!(him.patch("/me", json!({"mobile": "13800000001"})).await.status, 200, "it is his already");
    assert_eq!(admin.patch("/employees/10001", json!({"mobile": "13800000002"})).await.status, 200);
    let wrong = json!({"old_password": "nothing", "new_password": "another1"});
    assert_eq!(fields(&him.post("/session/password", wrong).await), ["old_password"]);
    assert_eq!(admin.get("/me").await.problem(), "refused", "a token is no employee");

    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0crc!".to_vec();
    png.extend(b"\0\0\0\0IEND\xaeB`\x82");
    assert_eq!(him.get("/me/avatar").await.status, 404);
    for bad in [&b"<html>"[..], b"GIF89a"] {
        assert_eq!(him.upload("PUT", "/me/avatar", bad).await.problem(), "invalid");
    }
    let mut large = png.clone();
    large.resize(1_048_577, 0);
    assert_eq!(him.upload("PUT", "/me/avatar", &large).await.problem(), "too-large");
    // Exactly 1 MB is taken: text that nobody looks at fills it up.
    let mut full = png[..png.len() - 12].to_vec();
    let text = 1_048_576 - png.len() - 12;
    full.extend(u32::try_from(text).unwrap().to_be_bytes());
    full.extend(b"tEXt");
    full.resize(full.len() + text + 4, b'x');
    full.extend(&png[png.len() - 12..]);
    assert_eq!(full.len(), 1_048_576);
    assert_eq!(him.upload("PUT", "/me/avatar", &full).await.status, 204);
    assert_eq!(him.upload("PUT", "/me/avatar", &png).await.status, 204);
    for (client, path) in [(&him, "/me/avatar"), (&admin, "/employees/10001/avatar")] {
        let answer = client.get(path).await;
        assert!(answer.bytes == png);
        assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), ("image/png", "nosniff"));
        assert!(answer.header("content-security-policy").contains("sandbox"));
        let again = client.clone().with("if-none-match", answer.header("etag")).get(path).await;
        assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
    }
    assert_eq!(admin.get("/employees/10001").await.json()["avatar"], "/api/v1/employees/10001/avatar");
    assert_eq!(him.delete("/me/avatar").await.status, 204);
    assert_eq!(him.get("/me/avatar").await.status, 404);
}

/// Proves GEN-15: nobody gives away, or takes over, what he does not have.
#[tokio::test]
async fn nobody_gets_more_by_administering_others() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let sales = department(&admin, "Sales", ROOT).await;
    let keys = ["employees.read", "employees.write", "roles.read", "roles.write", "departments.write", "tokens.write"];
    let clerk = fixture.role("clerk", &keys, DataPermission::own()).await;
    let rich = fixture.role("rich", &["trunks.write"], DataPermission::own()).await;
    let poor = fixture.role("poor", &[], DataPermission::own()).await;
    employee(&fixture, "10001", &clerk, &sales).await;
    employee(&fixture, "10002", &poor, &sales).await;
    employee(&fixture, "10003", &rich, &sales).await;
    employee(&fixture, "10004", &poor, ROOT).await;
    let clerk = signed_in(&fixture, "10001").await;
    // Roles with more than he has: of permissions, or of rows.
    for rules in [
        json!({"name": "a", "permissions": ["trunks.write"]}),
        json!({"name": "a", "permissions": ["*"]}),
        json!({"name": "a", "data": {"scope": "all"}}),
        json!({"name": "a", "data": {"scope": "departments", "departments": [ROOT]}}),
    ] {
        assert_eq!(clerk.post("/roles", rules.clone()).await.problem(), "forbidden", "{rules}");
        let mut token = rules.clone();
        if token.get("permissions").is_none() {
            token["permissions"] = json!([]);
        }
        assert_eq!(clerk.post("/tokens", token).await.problem(), "forbidden", "{rules}");
    }
    let rules = json!({"name": "rich", "permissions": []});
    assert_eq!(clerk.send("PUT", &format!("/roles/{rich}"), Some(rules)).await.problem(), "forbidden");
    assert_eq!(clerk.delete(&format!("/roles/{rich}")).await.problem(), "forbidden");
    // Whoever may more is out of his reach; whoever is elsewhere is out of sight.
    for (number, problem) in [("10003", "forbidden"), ("10004", "not-found"), ("10000", "not-found")] {
        for (method, path, body) in [
            ("PATCH", "", json!({"name": "x"})),
            ("POST", "/password", json!({"password": "taken1"})),
            ("PUT", "/status", json!({"status": "left"})),
            ("POST", "/unlock", json!({})),
            ("PUT", "/department", json!({"department": sales})),
            ("DELETE", "/avatar", json!({})),
        ] {
            let answer = clerk.send(method, &format!("/employees/{number}{path}"), Some(body)).await;
            assert_eq!(answer.problem(), problem, "{method} {number}{path}");
        }
    }
    assert_eq!(clerk.patch("/employees/10002", json!({"role": rich})).await.problem(), "forbidden");
    assert_eq!(clerk.patch("/employees/10001", json!({"role": Role::ADMINISTRATOR})).await.problem(), "forbidden");
    let away = Some(json!({"department": ROOT}));
    assert_eq!(clerk.send("PUT", "/employees/10002/department", away).await.problem(), "forbidden");
    assert_eq!(
        clerk.patch(&format!("/departments/{ROOT}"), json!({"managers": ["10001"]})).await.problem(),
        "forbidden"
    );
    assert_eq!(clerk.post("/departments", json!({"name": "x", "parent": ROOT})).await.problem(), "forbidden");
    // An agent's settings are for those who administer agents.
    assert_eq!(clerk.patch("/employees/10002", json!({"agent": {}})).await.problem(), "forbidden");
    // What he has he gives.
    assert_eq!(clerk.patch("/employees/10002", json!({"name": "Renamed"})).await.status, 200);
    let token = clerk.post("/tokens", json!({"name": "mine", "permissions": ["employees.read"]})).await.json();
    assert_eq!(token["data"], json!({"scope": "departments", "own": false, "departments": [sales]}));
    let token = as_bearer(&fixture, &token);
    let seen = token.get("/employees").await.json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 3, "a token sees what its maker lets it see");
}

/// Proves ORG-03 and ORG-29 (they take effect with the next sign-in) and the scope of GEN-09.
#[tokio::test]
async fn managers_and_movers_see_more_from_the_next_sign_in_on() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let sales = department(&admin, "Sales", ROOT).await;
    let east = department(&admin, "East", &sales).await;
    let support = department(&admin, "Support", ROOT).await;
    let own = fixture.role("own", &["employees.read"], DataPermission::own()).await;
    let none = fixture
        .role("none", &["employees.read"], DataPermission::Departments { own: false, departments: [].into() })
        .await;
    employee(&fixture, "10001", &own, &sales).await;
    employee(&fixture, "10002", &own, &east).await;
    employee(&fixture, "10003", &none, &support).await;
    let seen = async |client: &Client<'_>| {
        let page = client.get("/employees").await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|it| it["number"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (one, two, three) =
        (signed_in(&fixture, "10001").await, signed_in(&fixture, "10002").await, signed_in(&fixture, "10003").await);
    assert_eq!(seen(&one).await, ["10001", "10002"], "with the lower ones");
    assert_eq!(seen(&two).await, ["10002"]);
    assert_eq!(seen(&three).await, ["10003"], "himself alone");
    // A manager sees the whole subtree, but not yet.
    assert_eq!(admin.patch(&format!("/departments/{sales}"), json!({"managers": ["10003"]})).await.status, 200);
    let moved = Some(json!({"department": support}));
    assert_eq!(admin.send("PUT", "/employees/10002/department", moved).await.status, 204);
    assert_eq!((seen(&two).await, seen(&three).await), (vec!["10002".to_owned()], vec!["10003".to_owned()]));
    let (two, three) = (signed_in(&fixture, "10002").await, signed_in(&fixture, "10003").await);
    assert_eq!(seen(&two).await, ["10002", "10003"]);
    assert_eq!(seen(&three).await, ["10001", "10003"], "10002 is in Support now, which he does not manage");
    // The role holds at once: the listed department with its lower ones.
    let rules = json!({"name": "none", "permissions": ["employees.read"],
        "data": {"scope": "departments", "departments": [support]}});
    assert_eq!(admin.send("PUT", &format!("/roles/{none}"), Some(rules)).await.status, 200);
    assert_eq!(seen(&three).await, ["10001", "10002", "10003"]);
    let departments = three.get("/session").await.json()["data"]["departments"].as_array().unwrap().len();
    assert_eq!(departments, 3);
    assert_eq!(Department::root_id(), ROOT.parse::<DepartmentId>().unwrap());
}

/// Proves that `tenant.directory_changed` (section 36) comes of each change of departments, roles, employees and extensions.
#[tokio::test]
async fn every_change_of_the_directory_is_told() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let sales = department(&admin, "Sales", ROOT).await;
    let role = admin.post("/roles", json!({"name": "Clerk"})).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(admin.post("/employees", hired("10001", "13800000001")).await.status, 201);
    assert_eq!(admin.patch("/extensions/1001", json!({"display_name": "Ann"})).await.status, 200);
    let left = Some(json!({"status": "left"}));
    assert_eq!(admin.send("PUT", "/employees/10001/status", left).await.status, 204);
    assert_eq!(admin.delete(&format!("/departments/{sales}")).await.status, 204);
    assert_eq!(admin.delete(&format!("/roles/{role}")).await.status, 204);
    let told = fixture.switch.settings.lock().unwrap().clone();
    let events = told.into_iter().flat_map(|(_, changed)| changed).flat_map(Event::of_settings);
    let told: Vec<(DirectoryPart, String, String)> = events
        .filter_map(|event| match event {
            Event::DirectoryChanged(changed) => Some((changed.part, changed.id, changed.action)),
            _ => None,
        })
        .collect();
    let expected = [
        (DirectoryPart::Department, sales.as_str(), "created"),
        (DirectoryPart::Role, &role, "created"),
        (DirectoryPart::Employee, "10001", "created"),
        (DirectoryPart::Extension, "1001", "updated"),
        (DirectoryPart::Employee, "10001", "updated"),
        (DirectoryPart::Department, &sales, "deleted"),
        (DirectoryPart::Role, &role, "deleted"),
    ];
    let expected: Vec<_> =
        expected.iter().map(|(part, id, action)| (*part, (*id).to_owned(), (*action).to_owned())).collect();
    assert_eq!(told, expected);
}
