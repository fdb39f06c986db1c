//! Signing in and out, passwords, tokens, cookies.

use engine::http::sip_credential::revoke_ended;
use engine::secrets::hash_password;
use engine::store::employees::{LoginOutcome, NewPassword};
use engine::store::logins::LoginFilter;
use engine::store::scope::Sight;
use engine::store::sessions::SESSION_IDLE_MS;
use engine::store::setting::{Change, Origin, PageAsk};
use serde_json::json;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use switch::input::Command;
use switch::passes::Pass;

use crate::fixture::{Client, Fixture, PASSWORD, default_tenant};

fn sign_in(login: &str, password: &str) -> serde_json::Value {
    json!({"login": login, "password": password, "tenant": "default"})
}

#[tokio::test]
async fn signing_in_gives_a_token_and_a_cookie_that_are_the_same() {
    let fixture = Fixture::new().await;
    let answer = fixture.client().post("/session", sign_in("admin", PASSWORD)).await;
    assert_eq!(answer.status, 200);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with(&format!("switchboard_session={token};")), "{cookie}");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");

    let bearer = fixture.client().with("authorization", &format!("Bearer {token}"));
    assert_eq!(bearer.get("/session").await.json()["login"], "admin");
    let browser = fixture.client().with("cookie", &format!("switchboard_session={token}"));
    assert_eq!(browser.get("/extensions").await.status, 200);
    let own = browser.clone().with("sec-fetch-site", "same-origin");
    assert_eq!(own.delete("/session").await.status, 204);
    assert_eq!(bearer.get("/session").await.status, 401, "the session ended");
}

/// Proves LOGIN-07.
#[tokio::test]
async fn wrong_user_and_wrong_password_get_the_same_answer() {
    let fixture = Fixture::new().await;
    let password = fixture.client().post("/session", sign_in("admin", "wrong")).await;
    let user = fixture.client().post("/session", sign_in("nobody", PASSWORD)).await;
    let tenant = json!({"login": "admin", "password": PASSWORD, "tenant": "nowhere"});
    let tenant = fixture.client().post("/session", tenant).await;
    assert_eq!(password.status, 401);
    assert_eq!((password.status, &password.bytes), (user.status, &user.bytes));
    assert_eq!((password.status, &password.bytes), (tenant.status, &tenant.bytes));
}

/// Proves LOGIN-07.
#[tokio::test]
async fn the_21st_wrong_try_from_an_address_has_to_wait() {
    let fixture = Fixture::new().await;
    for _ in 0..20 {
        assert_eq!(fixture.client().post("/session", sign_in("nobody", "x")).await.status, 401);
    }
    let answer = fixture.client().post("/session", sign_in("admin", PASSWORD)).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (429, "too-many"));
    let wait: u32 = answer.header("retry-after").parse().unwrap();
    assert!((200..=300).contains(&wait), "{wait}");
}

/// Proves LOGIN-06.
#[tokio::test]
async fn five_wrong_passwords_lock_until_an_administrator_unlocks() {
    let fixture = Fixture::new().await;
    for _ in 0..4 {
        fixture.client().post("/session", sign_in("admin", "wrong")).await;
    }
    assert_eq!(fixture.client().post("/session", sign_in("admin", PASSWORD)).await.status, 200, "four are forgiven");
    for _ in 0..5 {
        fixture.client().post("/session", sign_in("admin", "wrong")).await;
    }
    let locked = fixture.client().post("/session", sign_in("admin", PASSWORD)).await;
    let unknown = fixture.client().post("/session", sign_in("nobody", PASSWORD)).await;
    assert_eq!((locked.status, &locked.bytes), (unknown.status, &unknown.bytes), "a lock is not told");
    let change = Change::system(default_tenant(), Origin::Cli);
    fixture.store.unlock(change, "10000").await.unwrap();
    assert_eq!(fixture.client().post("/session", sign_in("admin", PASSWORD)).await.status, 200);
}

/// The account 10000 was locked so much earlier.
async fn locked_earlier(fixture: &Fixture, ms: u64) {
    let file = SqliteConnectOptions::new().filename(fixture.folder.path().join("test.db"));
    let mut database = file.connect().await.unwrap();
    let sql = "UPDATE employees SET locked_at_ms = locked_at_ms - ? WHERE employee_no = '10000'";
    sqlx::query(sql).bind(i64::try_from(ms).unwrap()).execute(&mut database).await.unwrap();
}

/// Proves LOGIN-06 (`auto_unlock_min`).
#[tokio::test]
async fn a_lock_is_lifted_by_itself_after_as_long_as_is_set_and_never_where_nothing_is() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let right = async || fixture.client().post("/session", sign_in("admin", PASSWORD)).await.status.as_u16();
    for _ in 0..5 {
        fixture.client().post("/session", sign_in("admin", "wrong")).await;
    }
    locked_earlier(&fixture, 365 * 86_400_000).await;
    assert_eq!(right().await, 401, "0 is never");
    assert_eq!(admin.patch("/tenants/default", json!({"auto_unlock_min": 525_601})).await.status, 422);
    let set = admin.patch("/tenants/default", json!({"auto_unlock_min": 30})).await;
    assert_eq!((set.status.as_u16(), &set.json()["auto_unlock_min"]), (200, &json!(30)));
    assert_eq!(right().await, 200, "it has lasted for long enough");

    for _ in 0..5 {
        fixture.client().post("/session", sign_in("admin", "wrong")).await;
    }
    locked_earlier(&fixture, 29 * 60_000).await;
    assert_eq!(right().await, 401, "a minute is missing");
    locked_earlier(&fixture, 60_000).await;
    assert_eq!(fixture.client().post("/session", sign_in("admin", "wrong")).await.status, 401);
    assert_eq!(right().await, 200, "one wrong password after it does not lock again");
    let entries = admin.get("/audit?limit=200").await.json();
    let lifted = entries["items"].as_array().unwrap().iter().filter(|entry| entry["by"] == "auto_unlock").count();
    assert_eq!(lifted, 2, "{entries}");
}

/// Proves LOGIN-10: the older session ends and is told why; API tokens, and tabs with one session, do not count.
#[tokio::test]
async fn who_signs_in_elsewhere_ends_the_older_session_which_is_told_so() {
    let fixture = Fixture::new().await;
    let program = fixture.admin().await;
    let session = async || fixture.client().post("/session", sign_in("admin", PASSWORD)).await.json()["token"].clone();
    let first = session().await.as_str().unwrap().to_owned();
    let tab = |token: &str| fixture.client().with("cookie", &format!("switchboard_session={token}"));
    let (one, other) = (tab(&first), tab(&first));
    assert_eq!(other.get("/me").await.status, 200);
    assert_eq!(one.get("/session").await.status, 200, "a second tab ends nothing");
    assert_eq!(program.get("/tenants").await.status, 200);
    assert_eq!(one.get("/session").await.status, 200, "a program with a token ends nothing");

    let second = session().await.as_str().unwrap().to_owned();
    for old in [&one, &other] {
        for path in ["/session", "/extensions"] {
            let answer = old.get(path).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (401, "session-replaced"), "{path}");
            assert!(answer.json()["detail"].as_str().unwrap().contains("signed in elsewhere"), "{}", answer.json());
        }
    }
    assert_eq!(program.get("/tenants").await.status, 200, "tokens live on");
    let now = tab(&second).with("sec-fetch-site", "same-origin");
    assert_eq!(now.get("/session").await.status, 200);
    assert_eq!(now.delete("/session").await.status, 204);
    assert_eq!(now.get("/session").await.problem(), "unauthenticated", "he signed out himself");
    let later = engine::store::unix_ms() + SESSION_IDLE_MS + 60_000;
    fixture.store.sweep_sessions(later).await.unwrap();
    assert_eq!(one.get("/session").await.problem(), "unauthenticated", "it is not kept for ever");
}

/// Proves LOGIN-12.
#[tokio::test]
async fn each_sign_in_sign_out_and_failure_is_logged() {
    let fixture = Fixture::new().await;
    fixture.client().post("/session", sign_in("admin", "wrong")).await;
    let token = fixture.client().post("/session", sign_in("admin", PASSWORD)).await.json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    fixture.client().with("authorization", &bearer).delete("/session").await;
    fixture.client().post("/session", sign_in("ghost", "x")).await;
    let log = fixture
        .store
        .logins(Sight::whole(&default_tenant()), &LoginFilter::default(), &PageAsk::first(10))
        .await
        .unwrap()
        .items;
    let seen: Vec<_> = log.iter().rev().map(|entry| (entry.login.as_str(), entry.outcome)).collect();
    let expected = [
        ("admin", LoginOutcome::Failed),
        ("admin", LoginOutcome::Login),
        ("admin", LoginOutcome::Logout),
        ("ghost", LoginOutcome::Failed),
    ];
    assert_eq!(seen, expected);
    assert!(log.iter().all(|entry| entry.address == "192.0.2.77"));
}

/// Proves LOG-06, LOG-07 (time, agent and status), and of LOG-08 that nobody edits or deletes the login log.
#[tokio::test]
async fn the_login_log_is_asked_by_time_agent_and_status() {
    let fixture = Fixture::new().await;
    fixture.client().post("/session", sign_in("admin", "wrong")).await;
    let by_mobile = json!({"login": "admin", "password": PASSWORD, "sign_in": "mobile", "tenant": "default"});
    fixture.client().post("/session", by_mobile).await;
    fixture.client().post("/session", sign_in("admin", PASSWORD)).await;
    fixture.client().post("/session", sign_in("ghost", "x")).await;
    let later = engine::store::unix_ms() + SESSION_IDLE_MS + 1_000;
    assert_eq!(fixture.store.sweep_sessions(later).await.unwrap(), 1);
    let admin = fixture.admin().await;
    let statuses = async |query: &str| {
        let page = admin.get(&format!("/logins?{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(statuses("").await, "expired failed login replaced login failed");
    assert_eq!(statuses("agent=10000&status=login").await, "login login");
    assert_eq!(statuses("status=failed").await, "failed failed");
    assert_eq!(statuses("to=2020-01-01T00:00:00Z").await, "");
    assert_eq!(statuses("from=2999-01-01T00:00:00Z").await, "");
    let first = admin.get("/logins?agent=10000&status=login").await.json()["items"][1].clone();
    assert_eq!(
        (&first["way"], &first["sign_in"], &first["address"], &first["login"]),
        (&json!("password"), &json!("mobile"), &json!("192.0.2.77"), &json!("admin"))
    );
    assert_eq!(admin.delete("/logins").await.status, 405);
    let nobody = fixture.token(&default_tenant(), &["audit.read"]).await;
    let nobody = fixture.client().with("authorization", &format!("Bearer {nobody}"));
    assert_eq!(nobody.get("/logins").await.status, 403);
}

/// Proves LOGIN-05.
#[tokio::test]
async fn an_initial_password_allows_nothing_but_to_choose_another() {
    let fixture = Fixture::new().await;
    let initial = NewPassword::Initial(hash_password("initial 1"));
    let change = Change::system(default_tenant(), Origin::Cli);
    fixture.store.set_password(change, "10000", initial).await.unwrap();
    let answer = fixture.client().post("/session", sign_in("admin", "initial 1")).await.json();
    assert_eq!(answer["password_change_required"], true);
    let bearer = format!("Bearer {}", answer["token"].as_str().unwrap());
    let client = fixture.client().with("authorization", &bearer);
    assert_eq!(client.get("/extensions").await.status, 403);
    let choose = |old: &str, new: &str| json!({"old_password": old, "new_password": new});
    assert_eq!(client.post("/session/password", choose("initial 1", "short")).await.problem(), "invalid");
    assert_eq!(client.post("/session/password", choose("wrong 1", "chosen 1")).await.problem(), "invalid");
    assert_eq!(client.post("/session/password", choose("initial 1", "chosen 1")).await.status, 204);
    assert_eq!(client.get("/session").await.status, 401, "sessions end with the old password");
    let answer = fixture.client().post("/session", sign_in("admin", "chosen 1")).await.json();
    assert_eq!(answer["password_change_required"], false);
}

#[tokio::test]
async fn another_site_cannot_write_with_the_browsers_cookie() {
    let fixture = Fixture::new().await;
    let answer = fixture.client().post("/session", sign_in("admin", PASSWORD)).await.json();
    let cookie = format!("switchboard_session={}", answer["token"].as_str().unwrap());
    let browser = fixture.client().with("cookie", &cookie).with("host", "pbx.example");
    let new = json!({"number": "3001"});
    let evil = browser.clone().with("origin", "https://evil.example");
    assert_eq!(evil.post("/extensions", new.clone()).await.problem(), "cross-site");
    let cross = browser.clone().with("sec-fetch-site", "cross-site");
    assert_eq!(cross.post("/extensions", new.clone()).await.problem(), "cross-site");
    let own = browser.with("origin", "https://pbx.example");
    assert_eq!(own.post("/extensions", new).await.status, 201);
}

#[tokio::test]
async fn a_token_is_shown_once_and_gives_no_more_than_its_maker_has() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let new = json!({"name": "wallboard", "permissions": ["calls.read", "tokens.write"]});
    let made = admin.post("/tokens", new).await;
    assert_eq!(made.status, 201);
    let (id, secret) = (made.json()["id"].clone(), made.json()["token"].clone());
    let shown = admin.get(&format!("/tokens/{}", id.as_str().unwrap())).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains(secret.as_str().unwrap()));

    let client = fixture.client().with("authorization", &format!("Bearer {}", secret.as_str().unwrap()));
    assert_eq!(client.get("/calls").await.status, 200);
    assert_eq!(client.get("/extensions").await.status, 403);
    let more = json!({"name": "more", "permissions": ["extensions.read"]});
    assert_eq!(client.post("/tokens", more).await.status, 403);
    let all = json!({"name": "more", "permissions": ["*"]});
    assert_eq!(client.post("/tokens", all).await.status, 403);
    let unknown = json!({"name": "x", "permissions": ["no.such.key"]});
    assert_eq!(admin.post("/tokens", unknown).await.json()["errors"][0]["field"], "permissions.0");
    assert_eq!(admin.delete(&format!("/tokens/{}", id.as_str().unwrap())).await.status, 204);
    assert_eq!(client.get("/calls").await.status, 401, "revoked");
    let past = json!({"name": "x", "permissions": [], "expires_at": "2001-01-01T00:00:00Z"});
    assert_eq!(admin.post("/tokens", past).await.json()["errors"][0]["field"], "expires_at");
}

/// The passes that the switch was told of, and the sessions whose passes it was told are over.
fn passes(fixture: &Fixture) -> (Vec<Pass>, usize) {
    let commands = fixture.switch.commands.lock().unwrap();
    let admitted = commands.iter().filter_map(|(_, command)| match command {
        Command::Admit(pass) => Some((**pass).clone()),
        _ => None,
    });
    (admitted.collect(), commands.iter().filter(|(_, command)| matches!(command, Command::Revoke(_))).count())
}

async fn signed_in(fixture: &Fixture) -> Client<'_> {
    let answer = fixture.client().post("/session", sign_in("admin", PASSWORD)).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    fixture.client().with("authorization", &format!("Bearer {token}"))
}

#[tokio::test]
async fn a_browsers_sip_credential_is_what_the_switch_was_told_and_ends_with_its_session() {
    let fixture = Fixture::new().await;
    let client = signed_in(&fixture).await;
    let ask = json!({"extension": "1001"});
    let one = client.post("/session/sip-credential", ask.clone()).await;
    assert_eq!((one.status.as_u16(), one.header("cache-control")), (200, "no-store"));
    let one = one.json();
    let two = client.post("/session/sip-credential", ask.clone()).await.json();
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap().to_owned();
    assert_ne!((text(&one, "username"), text(&one, "password")), (text(&two, "username"), text(&two, "password")));
    assert!(text(&one, "password").len() >= 26, "{one}");
    assert_eq!(one["ice_servers"], json!([{"urls": ["stun:stun.example:3478"]}]));
    assert!(text(&one, "uri").starts_with("sip:1001@") && one["path"] == "/sip", "{one}");
    let (told, revoked) = passes(&fixture);
    let expected = sip::digest::ha1(&text(&one, "username"), &text(&one, "realm"), &text(&one, "password"));
    assert_eq!((told.len(), told[0].username.clone(), told[0].ha1, revoked), (2, text(&one, "username"), expected, 0));
    assert_eq!(client.delete("/session").await.status, 204);
    assert_eq!(passes(&fixture).1, 1, "a session is revoked once, with all its credentials");
    let commands = fixture.switch.commands.lock().unwrap();
    assert_eq!(commands.last().unwrap().1, Command::Revoke(told[0].session.clone()));
}

#[tokio::test]
async fn a_sip_credential_ends_however_its_session_does() {
    let fixture = Fixture::new().await;
    let ask = json!({"extension": "1001"});
    let client = signed_in(&fixture).await;
    assert_eq!(client.post("/session/sip-credential", ask.clone()).await.status, 200);
    let client = signed_in(&fixture).await;
    assert_eq!(passes(&fixture).1, 1, "the next sign-in ends the session before");
    assert_eq!(client.post("/session/sip-credential", ask.clone()).await.status, 200);
    let choice = json!({"old_password": PASSWORD, "new_password": "another 1"});
    assert_eq!(client.post("/session/password", choice).await.status, 204);
    assert_eq!(passes(&fixture).1, 2, "a new password ends all sessions");
    let answer = fixture.client().post("/session", sign_in("admin", "another 1")).await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let client = fixture.client().with("authorization", &format!("Bearer {token}"));
    assert_eq!(client.post("/session/sip-credential", ask).await.status, 200);
    let now = engine::store::unix_ms();
    revoke_ended(&fixture.api, now).await.unwrap();
    assert_eq!(passes(&fixture).1, 2);
    revoke_ended(&fixture.api, now + SESSION_IDLE_MS + 1).await.unwrap();
    assert_eq!(passes(&fixture).1, 3, "nobody used it for twelve hours");
}

#[tokio::test]
async fn a_sip_credential_needs_a_session_the_right_and_an_extension() {
    let fixture = Fixture::new().await;
    let ask = json!({"extension": "1001"});
    let path = "/session/sip-credential";
    assert_eq!(fixture.admin().await.post(path, ask).await.problem(), "refused", "a token has no session");
    let client = signed_in(&fixture).await;
    assert_eq!(client.post(path, json!({"extension": "alice"})).await.status, 422);
    assert_eq!(client.post(path, json!({"extension": "1999"})).await.status, 422);
    let desk_only = client.post(path, json!({"extension": "1002"})).await;
    assert_eq!((desk_only.status.as_u16(), desk_only.problem().as_str()), (409, "refused"), "PHONE-05");
}
