//! Signing in by a code to the mobile, and who may sign out when.

use dialplan::number::Dialled;
use engine::store::employees::{Employee, Employment, LoginOutcome};
use engine::store::setting::{Change, Origin};
use engine::store::{sms_codes, unix_ms};
use hooks::fact::{AgentState, CallStatus, Sign, Way};
use hooks::id::{CallId, TenantId};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use switch::input::{AgentOrder, Command};
use switch::view::{AgentView, View};

use crate::fixture::{Answer, Fixture, PASSWORD, default_tenant, other_tenant};
use crate::people::{as_bearer, sign_in};

const MOBILE: &str = "139 0013 9000";

/// An employee whom an administrator made, with an initial password.
async fn invite(fixture: &Fixture, tenant: TenantId, number: &str, mobile: &str) {
    let hash = engine::secrets::hash_password(PASSWORD);
    let employee = Employee { mobile: Some(Dialled::clean(mobile).unwrap()), ..Employee::new(number, hash) };
    fixture.store.create(Change::system(tenant, Origin::Setup), employee).await.unwrap();
}

async fn ask(fixture: &Fixture, mobile: &str) -> Answer {
    fixture.client().post("/session/sms-code", json!({"mobile": mobile})).await
}

/// The code of the last message, as a person reads it.
fn code(fixture: &Fixture) -> String {
    let message = fixture.messages().pop().unwrap();
    let text = message["text"].as_str().unwrap().to_owned();
    let code = text.split(' ').next().unwrap().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    assert_eq!(message["parameters"], json!({"code": code}));
    assert_eq!(text, format!("{code} for 5 minutes"));
    code
}

async fn try_code(fixture: &Fixture, mobile: &str, code: &str) -> Answer {
    fixture.client().post("/session/sms", json!({"mobile": mobile, "code": code})).await
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

/// Everything was sent so much earlier.
async fn later(fixture: &Fixture, ms: u64) {
    let file = SqliteConnectOptions::new().filename(fixture.folder.path().join("test.db"));
    let mut database = file.connect().await.unwrap();
    let sql = "UPDATE sms_codes SET sent_at_ms = sent_at_ms - ?, day_began_at_ms = day_began_at_ms - ?";
    let ms = i64::try_from(ms).unwrap();
    sqlx::query(sql).bind(ms).bind(ms).execute(&mut database).await.unwrap();
}

/// Proves LOGIN-01, LOGIN-03, LOGIN-04 (no password before one has joined), LOGIN-05 (a code is no password), LOGIN-12 (who has not joined
/// fails).
#[tokio::test]
async fn the_first_sign_in_is_by_a_code_and_joins_the_enterprise_that_invites() {
    let fixture = Fixture::with_sms().await;
    invite(&fixture, default_tenant(), "10031", MOBILE).await;
    let by_password = || sign_in(&fixture, "10031", PASSWORD);
    let early = by_password().await;
    assert_eq!(early.status, 403, "{}", early.json());
    assert!(early.json()["detail"].as_str().unwrap().contains("code to your mobile"), "{}", early.json());
    assert_eq!(fixture.newest_login("10031").await, LoginOutcome::Failed, "LOGIN-12");

    assert_eq!(ask(&fixture, "0086 13900139000").await.status, 204);
    assert_eq!(fixture.messages()[0]["to"], "+8613900139000");
    let accepted = try_code(&fixture, MOBILE, &code(&fixture)).await;
    assert_eq!(accepted.status, 200, "{}", accepted.json());
    let accepted = accepted.json();
    assert_eq!(accepted["session"], Value::Null);
    assert_eq!(accepted["enterprises"], json!([{"tenant": "default", "name": "A tenant", "joined": false}]));
    let client = fixture.client();
    let join = |tenant: &str| client.post("/session/join", json!({"ticket": accepted["ticket"], "tenant": tenant}));
    assert_eq!(join("other").await.status, 403, "nobody joins where he is not invited");
    let joined = join("default").await;
    assert_eq!(joined.status, 200, "{}", joined.json());
    let me = as_bearer(&fixture, &joined.json()).get("/me").await;
    assert_eq!(me.status, 200, "{}", me.json());
    assert_eq!(me.json()["number"], "10031");
    let forged =
        json!({"ticket": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "tenant": "default"});
    assert_eq!(fixture.client().post("/session/join", forged).await.status, 401);

    // From now on the password lets in, and forces another one; a code signs in at once.
    let later_on = by_password().await;
    assert_eq!(later_on.status, 200);
    assert_eq!(later_on.json()["password_change_required"], true);
    later(&fixture, sms_codes::RESEND_MS).await;
    assert_eq!(ask(&fixture, MOBILE).await.status, 204);
    let again = try_code(&fixture, MOBILE, &code(&fixture)).await.json();
    assert_eq!(again["session"]["login"], "10031", "{again}");
}

/// Proves LOGIN-03 (none invites; several do).
#[tokio::test]
async fn a_mobile_that_nobody_invited_is_told_so_and_one_of_two_enterprises_is_chosen() {
    let fixture = Fixture::with_sms().await;
    assert_eq!(ask(&fixture, MOBILE).await.status, 204, "who may get one is told to nobody");
    let nobody = try_code(&fixture, MOBILE, &code(&fixture)).await;
    assert_eq!(nobody.status, 403);
    assert!(nobody.json()["detail"].as_str().unwrap().contains("ask your administrator"));

    invite(&fixture, default_tenant(), "10031", MOBILE).await;
    invite(&fixture, other_tenant(), "10041", MOBILE).await;
    later(&fixture, sms_codes::RESEND_MS).await;
    ask(&fixture, MOBILE).await;
    let both = try_code(&fixture, MOBILE, &code(&fixture)).await.json();
    let names: Vec<&str> =
        both["enterprises"].as_array().unwrap().iter().map(|e| e["tenant"].as_str().unwrap()).collect();
    assert_eq!(names, ["default", "other"]);
    let ticket = json!({"ticket": both["ticket"], "tenant": "other"});
    let session = fixture.client().post("/session/join", ticket).await.json();
    assert_eq!((&session["tenant"], &session["login"]), (&json!("other"), &json!("10041")), "{session}");

    // Who left is invited by nobody.
    let stored = fixture.store.find::<Employee>(&default_tenant(), "10031").await.unwrap().unwrap();
    let left = Employee { employment: Employment::Left, ..stored.value };
    let change = Change::system(default_tenant(), Origin::Setup);
    fixture.store.update(change, left, engine::store::setting::Expect::Version(stored.version)).await.unwrap();
    later(&fixture, sms_codes::RESEND_MS).await;
    ask(&fixture, MOBILE).await;
    let one = try_code(&fixture, MOBILE, &code(&fixture)).await.json();
    assert_eq!(one["session"]["tenant"], "other", "{one}");
}

/// Proves LOGIN-02.
#[tokio::test]
async fn a_code_holds_for_five_minutes_once_and_for_five_tries_and_ten_are_sent_a_day() {
    let fixture = Fixture::with_sms().await;
    invite(&fixture, default_tenant(), "10031", MOBILE).await;
    let fresh = async || {
        later(&fixture, sms_codes::RESEND_MS).await;
        let sent = ask(&fixture, MOBILE).await;
        assert_eq!(sent.status, 204, "{}", sent.json());
        code(&fixture)
    };
    let first = fresh().await;
    let soon = ask(&fixture, MOBILE).await;
    let wait_s: u64 = soon.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(soon.status == 429 && (1..=60).contains(&wait_s), "{} {wait_s}", soon.status);
    assert_eq!(fixture.messages().len(), 1);

    // Once, and only the last one.
    assert_eq!(try_code(&fixture, MOBILE, &first).await.status, 200);
    assert_eq!(try_code(&fixture, MOBILE, &first).await.status, 401, "it is used");
    let (old, new) = (fresh().await, fresh().await);
    if old != new {
        assert_eq!(try_code(&fixture, MOBILE, &old).await.status, 401, "a new one voids the old one");
    }
    assert_eq!(try_code(&fixture, "139 0013 9001", &new).await.status, 401, "it is another mobile's");
    assert_eq!(try_code(&fixture, MOBILE, &new).await.status, 200);

    // Five minutes.
    let aged = fresh().await;
    later(&fixture, sms_codes::CODE_MS).await;
    assert_eq!(try_code(&fixture, MOBILE, &aged).await.status, 401, "it is too old");

    // Five tries.
    let tried = fresh().await;
    for _ in 0..5 {
        assert_eq!(try_code(&fixture, MOBILE, &wrong(&tried)).await.status, 401);
    }
    assert_eq!(try_code(&fixture, MOBILE, &tried).await.status, 401, "five wrong tries void it");

    // Ten a day.
    let day = Fixture::with_sms().await;
    for nth in 1..=10 {
        assert_eq!(ask(&day, MOBILE).await.status, 204, "{nth}");
        later(&day, sms_codes::RESEND_MS).await;
    }
    let eleventh = ask(&day, MOBILE).await;
    let wait_s: u64 = eleventh.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(eleventh.status == 429 && wait_s > 80_000, "{} {wait_s}", eleventh.status);
    later(&day, sms_codes::DAY_MS).await;
    assert_eq!(ask(&day, MOBILE).await.status, 204, "the next day");
}

/// Proves LOGIN-07 (who comes to work is no guesser): more people than wrong tries are allowed sign in from one address.
#[tokio::test]
async fn an_office_that_comes_to_work_behind_one_address_signs_in() {
    let fixture = Fixture::with_sms().await;
    for nth in 0..25 {
        let mobile = format!("139001390{nth:02}");
        invite(&fixture, default_tenant(), &(10_100 + nth).to_string(), &mobile).await;
        let sent = ask(&fixture, &mobile).await;
        assert_eq!(sent.status, 204, "{nth}: {}", sent.json());
        assert_eq!(try_code(&fixture, &mobile, &code(&fixture)).await.status, 200, "{nth}");
    }
}

#[tokio::test]
async fn no_code_is_sent_where_there_is_no_gateway_or_abroad() {
    let fixture = Fixture::new().await;
    let none = ask(&fixture, MOBILE).await;
    assert_eq!(none.status, 409, "{}", none.json());
    let fixture = Fixture::with_sms().await;
    for abroad in ["00 1 202 555 0123", "nonsense", ""] {
        assert_eq!(ask(&fixture, abroad).await.status, 422, "{abroad}");
    }
    assert_eq!(fixture.messages().len(), 0);
    std::fs::create_dir(fixture.folder.path().join("sms")).unwrap();
    let away = ask(&fixture, MOBILE).await;
    assert_eq!(away.status, 503, "{}", away.json());
    std::fs::remove_dir(fixture.folder.path().join("sms")).unwrap();
    assert_eq!(ask(&fixture, MOBILE).await.status, 204, "what was not sent does not count");
}

/// Proves LOGIN-06 (locked for both ways), LOGIN-12 and LOG-06 (by a code).
#[tokio::test]
async fn a_locked_account_is_locked_for_codes_too_and_the_log_says_by_what_one_came() {
    let fixture = Fixture::with_sms().await;
    invite(&fixture, default_tenant(), "10031", MOBILE).await;
    fixture.store.join(&default_tenant(), "10031", 1).await.unwrap();
    ask(&fixture, MOBILE).await;
    let right = code(&fixture);
    assert_eq!(try_code(&fixture, MOBILE, &wrong(&right)).await.status, 401);
    let session = try_code(&fixture, MOBILE, &right).await.json()["session"].clone();
    assert_eq!(as_bearer(&fixture, &session).delete("/session").await.status, 204);
    for _ in 0..5 {
        let asked = json!({"login": "10031", "password": "wrong", "tenant": "default"});
        assert_eq!(fixture.client().post("/session", asked).await.status, 401);
    }
    later(&fixture, sms_codes::RESEND_MS).await;
    ask(&fixture, MOBILE).await;
    assert_eq!(try_code(&fixture, MOBILE, &code(&fixture)).await.status, 401);
    let log = fixture.admin().await.get("/logins?agent=10031").await.json();
    let seen: Vec<(&str, &str)> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| (entry["status"].as_str().unwrap(), entry["way"].as_str().unwrap()))
        .collect();
    let password = [("failed", "password"); 4];
    let wanted = [
        &[("failed", "sms"), ("login", "sms"), ("logout", "sms")][..],
        &password,
        &[("locked", "password"), ("locked", "sms")],
    ]
    .concat();
    assert_eq!(seen, wanted);
    assert!(!log.to_string().contains(&right), "a code stands in no log");
}

/// Proves ORG-45 (a new mobile asks for a code to the new number).
#[tokio::test]
async fn a_new_mobile_of_ones_own_is_proved_by_a_code() {
    let fixture = Fixture::with_sms().await;
    invite(&fixture, default_tenant(), "10031", MOBILE).await;
    ask(&fixture, MOBILE).await;
    let accepted = try_code(&fixture, MOBILE, &code(&fixture)).await.json();
    let ticket = json!({"ticket": accepted["ticket"], "tenant": "default"});
    let session = fixture.client().post("/session/join", ticket).await.json();
    let me = as_bearer(&fixture, &session);
    let new = "138 0013 8000";
    let alone = me.patch("/me", json!({"mobile": new})).await;
    assert_eq!(alone.status, 422, "{}", alone.json());
    assert_eq!(me.post("/me/mobile-code", json!({"mobile": new})).await.status, 204);
    assert_eq!(fixture.messages().last().unwrap()["to"], "+8613800138000");
    let right = code(&fixture);
    assert_eq!(try_code(&fixture, new, &right).await.status, 401, "it is not for signing in");
    let with = |code: String| me.patch("/me", json!({"mobile": new, "mobile_code": code}));
    assert_eq!(with(wrong(&right)).await.status, 422);
    let changed = with(right).await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(changed.json()["mobile"], "13800138000");
}

fn shows(fixture: &Fixture, sign: Sign, calls: Vec<CallId>) {
    fixture.live.apply(View::Agent(Box::new(AgentView {
        tenant: default_tenant(),
        agent: "10031".to_owned(),
        extension: Some("1001".to_owned()),
        state: AgentState::Ready,
        since_ms: unix_ms(),
        call_status: CallStatus::None,
        calls,
        mobile: None,
        supervises: false,
        sign,
        kept: None,
        rings: None,
    })));
}

/// Proves LOGIN-08, LOGIN-10 (the old one is connected and on a call), LOGIN-12 (that was a failure).
#[tokio::test]
async fn nobody_signs_out_or_is_replaced_in_the_middle_of_a_call() {
    let fixture = Fixture::new().await;
    let hash = engine::secrets::hash_password(PASSWORD);
    let employee = Employee { must_change: false, ..Employee::new("10031", hash) };
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), employee).await.unwrap();
    let sign_in = || sign_in(&fixture, "10031", PASSWORD);
    let session = sign_in().await.json();
    let me = as_bearer(&fixture, &session);
    shows(&fixture, Sign::Phone(Way::Web), vec![CallId::new(1, 1)]);
    let busy = me.delete("/session").await;
    assert_eq!(busy.status, 409);
    assert!(busy.json()["detail"].as_str().unwrap().contains("end it first"), "{}", busy.json());
    let second = sign_in().await;
    assert_eq!(second.status, 409, "{}", second.json());
    assert_eq!(fixture.newest_login("10031").await, LoginOutcome::Failed, "LOGIN-12");
    assert_eq!(me.get("/session").await.status, 200, "the first one goes on");

    shows(&fixture, Sign::Phone(Way::Web), Vec::new());
    assert_eq!(me.delete("/session").await.status, 204);
    let told = fixture.switch.commands.lock().unwrap().pop().unwrap().1;
    assert!(
        matches!(&told, Command::Agent { agent, order: AgentOrder::SignOut, by: None } if agent.as_str() == "10031"),
        "{told:?}"
    );
    assert_eq!(sign_in().await.status, 200);
}
