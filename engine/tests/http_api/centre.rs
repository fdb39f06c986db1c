//! Agents and queues as they are set, and what is ordered of agents.

use engine::store::employees::Employee;
use engine::store::roles::DataPermission;
use engine::store::setting::{Change, Origin};
use hooks::fact::{AgentState, CallStatus, Sign, Supervision, Way};
use hooks::id::CallId;
use serde_json::{Value, json};
use switch::config::NumberSight;
use switch::input::{AgentOrder, CallOrder, Command, Party, Picker, Supervise};
use switch::queue::Figures;
use switch::view::{AgentView, CallbackView, QueueView, SupervisorView, View};

use crate::fixture::{Fixture, PASSWORD, default_tenant};
use crate::people::{as_bearer, hired, sign_in};

fn view(agent: &str) -> AgentView {
    AgentView {
        tenant: default_tenant(),
        agent: agent.into(),
        extension: Some("1001".into()),
        state: AgentState::Ready,
        since_ms: 1_795_336_200_000,
        call_status: CallStatus::None,
        calls: Vec::new(),
        supervises: false,
        mobile: None,
        sign: Sign::Phone(Way::Desk),
        kept: None,
        rings: None,
    }
}

#[tokio::test]
async fn an_employee_becomes_an_agent_of_a_queue_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let nobody = admin.post("/agents", json!({"agent": "77777"})).await;
    assert_eq!((nobody.status.as_u16(), &nobody.json()["errors"][0]["field"]), (422, &json!("agent")));
    let rules = json!({"extension": "1001", "after_call": "ready", "missed_limit": 5});
    let made = admin.post("/agents", json!({"agent": "10000", "rules": rules})).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/agents/10000"));
    assert_eq!(made.json()["now"]["state"], "offline");
    assert_eq!(made.json()["auto_answer"], false, "CALL-11: off unless it is set");

    let rules = json!({
        "number": "7000", "strategy": "ring_all", "max_wait_s": 60, "wrap_up_max_s": 30, "welcome": "queue_welcome",
        "recording_announcement": "queue_welcome", "caller_number": "+861012345678",
        "overflow": ["number:13800000000", "prompt:queue_busy"], "members": [{"agent": "10000", "level": 2}],
    });
    let made = admin.post("/queues", json!({"name": "support", "rules": rules})).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.json());
    let settings = fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    let queue = &settings.queues[&"support".parse().unwrap()];
    assert_eq!(queue.members[&"10000".parse().unwrap()].level.get(), 2);
    assert_eq!(queue.recording_announcement, queue.welcome);
    assert_eq!((queue.caller_number.as_deref(), queue.welcome.is_some()), (Some("+861012345678"), true));
    assert_eq!((queue.overflow.len(), settings.plan.queues.len()), (2, 1));
    assert_eq!(settings.agents[&"10000".parse().unwrap()].rules.missed_limit, 5);

    let route = json!({"name": "centre", "direction": "inbound", "did": "8611", "to": "queue:support"});
    assert_eq!(admin.post("/routes", route).await.status, 201);
    let nowhere = json!({"name": "none", "direction": "inbound", "did": "8612", "to": "queue:sales"});
    assert_eq!(admin.post("/routes", nowhere).await.json()["errors"][0]["field"], "to");
    assert_eq!(admin.delete("/queues/support").await.problem(), "in-use");
    let taken = admin.post("/extensions", json!({"number": "7000"})).await.json();
    assert_eq!(taken["errors"][0]["field"], "number");
    assert_eq!(admin.post("/rooms", json!({"number": "7000"})).await.json()["errors"][0]["field"], "number");
    assert_eq!(admin.delete("/extensions/1001").await.problem(), "in-use");
    assert_eq!(admin.delete("/agents/10000").await.problem(), "in-use");

    let tag = admin.get("/queues/support").await.header("etag").to_owned();
    let changed =
        admin.clone().with("if-match", &tag).send("PUT", "/queues/support", Some(json!({"number": "7001"}))).await;
    assert_eq!(changed.status.as_u16(), 200, "{}", changed.json());
    assert_eq!(changed.json()["members"], json!([]), "what is left out has its default");
    assert_eq!(admin.delete("/agents/10000").await.status, 204);
    assert_eq!(admin.delete("/routes/centre").await.status, 204);
    assert_eq!(admin.delete("/queues/support").await.status, 204);
}

#[tokio::test]
async fn what_is_wrong_with_a_queue_is_told_by_field() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let rules = json!({
        "number": "1001", "welcome": "no_such_prompt", "recording_announcement": "no_such_prompt",
        "overflow": ["queue:sales"], "members": [{"agent": "10000"}],
    });
    let bad = admin.post("/queues", json!({"name": "support", "rules": rules})).await.json();
    let fields: Vec<&str> = bad["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["number", "members", "overflow", "recording_announcement", "welcome"]);
    let bad =
        admin.post("/queues", json!({"name": "A", "rules": {"ring_timeout_s": 1, "caller_number": "x"}})).await.json();
    let fields: Vec<&str> = bad["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "ring_timeout_s", "caller_number"]);
}

#[tokio::test]
async fn how_agents_and_queues_stand_is_shown() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/agents", json!({"agent": "10000"})).await.status, 201);
    assert_eq!(admin.post("/queues", json!({"name": "support"})).await.status, 201);
    fixture.live.apply(View::Agent(Box::new(view("10000"))));
    let today = Figures {
        entered: 4,
        answered: 2,
        within_target: 1,
        abandoned: 1,
        overflowed: 1,
        called_back: 2,
        answered_wait_ms: 9_000,
    };
    fixture.live.apply(View::Queue(Box::new(QueueView {
        tenant: default_tenant(),
        queue: "support".into(),
        waiting: 0,
        first: Vec::new(),
        callbacks: vec![CallbackView {
            call: CallId::new(1_795_336_200_000, 5),
            number: "13800000000".into(),
            since_ms: 1_795_336_140_000,
            attempts: 1,
            under_way: None,
        }],
        signed_in: 1,
        idle: 1,
        today,
    })));
    let now = &admin.get("/agents/10000").await.json()["now"];
    assert_eq!((&now["state"], &now["signed_in_on"]), (&json!("ready"), &json!("1001")));
    let now = &admin.get("/queues").await.json()["items"][0]["now"];
    assert_eq!((&now["idle"], &now["mean_wait_ms"], &now["called_back"]), (&json!(1), &json!(4_500), &json!(2)));
    let callback = &now["callbacks"][0];
    assert_eq!((&callback["number"], &callback["attempts"]), (&json!("13800000000"), &json!(1)));
    let path = format!("/queues/support/callbacks/{}", callback["call"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.status, 204);
    let orders = fixture.switch.commands.lock().unwrap().clone();
    let Some((_, Command::CancelCallback { by, .. })) = orders.last() else { panic!("{orders:?}") };
    assert_eq!(by, "token:test");
    let other = CallId::new(1_795_336_200_000, 6);
    assert_eq!(admin.delete(&format!("/queues/support/callbacks/{other}")).await.problem(), "not-found");
    assert_eq!(admin.delete("/queues/support/callbacks/x").await.status, 404);
}

#[tokio::test]
async fn an_agent_orders_himself_and_others_only_by_permission() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    fixture.live.apply(View::Agent(Box::new(view("10000"))));
    fixture.live.apply(View::Agent(Box::new(view("10001"))));
    let signed_in = fixture
        .client()
        .post("/session", json!({"login": "admin", "password": PASSWORD, "tenant": "default"}))
        .await
        .json();
    let employee = fixture.client().with("authorization", &format!("Bearer {}", signed_in["token"].as_str().unwrap()));
    let own = employee.post("/agents/10000/sign-in", json!({"way": "desk", "extension": "1001"})).await;
    assert_eq!(own.status, 204);
    // PHONE-05: a person is told what is the matter.
    let refused = employee.post("/agents/10000/sign-in", json!({"way": "web", "extension": "1001"})).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (409, "refused"));
    assert!(refused.json()["detail"].as_str().unwrap().starts_with("the extension takes no web phone; "));
    assert_eq!(employee.post("/agents/10001/force", json!({"force": "not_ready"})).await.status, 204);
    let orders = fixture.switch.commands.lock().unwrap().clone();
    let by: Vec<Option<String>> = orders
        .into_iter()
        .filter_map(|(_, command)| match command {
            Command::Agent { by, .. } => Some(by),
            _ => None,
        })
        .collect();
    assert_eq!(by, [None, None, Some("admin".to_owned())]);
    let token = admin.post("/tokens", json!({"name": "dialler", "permissions": ["call.dial"]})).await.json();
    let dialler = fixture.client().with("authorization", &format!("Bearer {}", token["token"].as_str().unwrap()));
    let others = dialler.post("/agents/10001/state", json!({"state": "on_break"})).await;
    assert_eq!(others.status, 404, "others are out of its sight");
    assert_eq!(admin.post("/agents/10001/state", json!({"state": "on_break"})).await.status, 204);
    let last = fixture.switch.commands.lock().unwrap().last().cloned().unwrap().1;
    let order = AgentOrder::Pick(AgentState::OnBreak);
    assert_eq!(last, Command::Agent { agent: "10001".parse().unwrap(), order, by: Some("token:test".into()) });
}

#[tokio::test]
async fn a_call_is_controlled_for_a_party() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let started = admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.json();
    let call = started["id"].as_str().unwrap();
    let held = admin.post(&format!("/calls/{call}/hold?extension=1001"), json!({})).await;
    assert_eq!(held.status, 204);
    let asked = admin.post(&format!("/calls/{call}/consult?agent=10001"), json!({"to": "10 02"})).await;
    assert_eq!(asked.status, 204);
    let last = fixture.switch.commands.lock().unwrap().last().cloned().unwrap().1;
    let Command::Call { party, order, .. } = last else { panic!("{last:?}") };
    assert_eq!(
        (party, order),
        (Some(Party::Agent("10001".parse().unwrap())), CallOrder::Consult("1002".parse().unwrap()))
    );
    let two = admin.post(&format!("/calls/{call}/hold?extension=1001&agent=1"), json!({})).await;
    assert_eq!((two.status.as_u16(), &two.json()["errors"][0]["field"]), (422, &json!("agent")));
}

/// Proves CALL-04 as far as the server goes: who may dial presses keys in his own call, and in those of others only by permission.
#[tokio::test]
async fn keys_are_pressed_for_a_party() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let started = admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.json();
    let path = format!("/calls/{}/dtmf", started["id"].as_str().unwrap());
    let last = || fixture.switch.commands.lock().unwrap().last().cloned().unwrap().1;
    assert_eq!(admin.post(&format!("{path}?agent=10001"), json!({"digits": "12#"})).await.status, 204);
    let Command::Call { party, order, .. } = last() else { panic!("{:?}", last()) };
    assert_eq!((party, order), (Some(Party::Agent("10001".parse().unwrap())), CallOrder::Press("12#".into())));
    assert_eq!(admin.post(&path, json!({"digits": "1"})).await.status, 204);
    assert!(matches!(last(), Command::SendDigits { leg: None, .. }), "toward the called one");
    let leg = hooks::id::LegId::new(1, 1);
    assert_eq!(admin.post(&path, json!({"digits": "1", "leg": leg.to_string()})).await.status, 204);
    assert!(matches!(last(), Command::SendDigits { leg: Some(at), .. } if at == leg));
    for wrong in ["", "5x", &"1".repeat(33)] {
        let told = admin.post(&path, json!({"digits": wrong})).await;
        assert_eq!((told.status.as_u16(), &told.json()["errors"][0]["field"]), (422, &json!("digits")), "{wrong}");
    }
    let dialler = fixture.token(&default_tenant(), &["call.dial"]).await;
    let dialler = fixture.client().with("authorization", &format!("Bearer {dialler}"));
    for (query, body) in [
        ("", json!({"digits": "1"})),
        ("?agent=10001", json!({"digits": "1"})),
        ("", json!({"digits": "1", "leg": leg.to_string()})),
    ] {
        assert_eq!(dialler.post(&format!("{path}{query}"), body).await.status, 404, "{query}");
    }
    // In his own he needs no more.
    let role = fixture.role("dialler", &["call.dial"], DataPermission::All).await;
    let employee = Employee {
        login: "agent".to_owned(),
        must_change: false,
        role,
        ..Employee::new("10001", engine::secrets::hash_password(PASSWORD))
    };
    fixture.store.create(Change::system(default_tenant(), Origin::Setup), employee).await.unwrap();
    let session = json!({"login": "agent", "password": PASSWORD, "tenant": "default"});
    let session = fixture.client().post("/session", session).await.json();
    let agent = fixture.client().with("authorization", &format!("Bearer {}", session["token"].as_str().unwrap()));
    assert_eq!(agent.post(&path, json!({"digits": "7"})).await.status, 204);
    let Command::Call { party, order, .. } = last() else { panic!("{:?}", last()) };
    assert_eq!((party, order), (Some(Party::Agent("10001".parse().unwrap())), CallOrder::Press("7".into())));
}

#[tokio::test]
async fn a_call_is_parked_and_picked_up() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let started = admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.json();
    let call = started["id"].as_str().unwrap();
    let parked = admin.post(&format!("/calls/{call}/park?extension=1001"), json!({})).await;
    assert_eq!((parked.status.as_u16(), parked.json()), (200, json!({"slot": "701"})));
    let taken = admin.post(&format!("/calls/{call}/pickup"), json!({"extension": "1003"})).await;
    assert_eq!(taken.status, 204);
    let last = fixture.switch.commands.lock().unwrap().last().cloned().unwrap().1;
    let Command::PickUp { by, .. } = last else { panic!("{last:?}") };
    assert_eq!(by, Picker::Extension("1003".parse().unwrap()));
    for body in [json!({}), json!({"extension": "+"}), json!({"extension": "1003", "agent": "10001"})] {
        let refused = admin.post(&format!("/calls/{call}/pickup"), body.clone()).await;
        assert_eq!(refused.status, 422, "{body}");
    }
    let gone = CallId::new(1, 1);
    assert_eq!(admin.post(&format!("/calls/{gone}/pickup"), json!({"extension": "1003"})).await.status, 404);
    let token = admin.post("/tokens", json!({"name": "dialler", "permissions": ["call.dial"]})).await.json();
    let dialler = fixture.client().with("authorization", &format!("Bearer {}", token["token"].as_str().unwrap()));
    let others = dialler.post(&format!("/calls/{call}/pickup"), json!({"extension": "1003"})).await;
    assert!([403, 404].contains(&others.status.as_u16()), "{}", others.status);
}

/// Proves PHONE-07 (the number that he names is kept where he has none, and that of the personal settings is the one).
#[tokio::test]
async fn a_mobile_that_is_named_at_the_sign_in_is_kept() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    assert_eq!(admin.post("/agents", json!({"agent": "10000"})).await.status, 201);
    fixture.live.apply(View::Agent(Box::new(view("10000"))));
    let bad = admin.post("/agents/10000/mobile-sign-in", json!({"mobile": "call me"})).await;
    assert_eq!((bad.status.as_u16(), &bad.json()["errors"][0]["field"]), (422, &json!("mobile")));
    for mobile in ["138 0000 0001", "13800000002"] {
        assert_eq!(admin.post("/agents/10000/mobile-sign-in", json!({"mobile": mobile})).await.status, 204);
    }
    assert_eq!(admin.post("/agents/10000/mobile-sign-in", json!({})).await.status, 204);
    let shown = admin.get("/agents/10000").await.json();
    assert_eq!((&shown["mobile"], &shown["mobile_confirm_key"]), (&json!("13800000001"), &json!(true)));
    let settings = fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    assert!(settings.agents[&"10000".parse().unwrap()].mobile.is_some(), "the switch knows");
    // What he sets in his personal settings goes before what he once named.
    let me = as_bearer(&fixture, &sign_in(&fixture, "admin", PASSWORD).await.json());
    let changed = me.patch("/me", json!({"mobile": "13800000009"})).await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    let settings = fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    let mobile = settings.agents[&"10000".parse().unwrap()].mobile.clone().unwrap();
    assert_eq!(mobile.as_str(), "13800000009");
    // Another one that he names now is for this time.
    assert_eq!(admin.post("/agents/10000/mobile-sign-in", json!({"mobile": "13800000007"})).await.status, 204);
    assert_eq!(admin.get("/agents/10000").await.json()["mobile"], Value::Null);
}

/// Proves of GEN-07 and ORG-32 that what a role says of numbers holds for what his phones are told: the switch knows, and hears of a change.
#[tokio::test]
async fn the_switch_knows_how_an_agent_may_see_numbers() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let rules = |fields: Value| json!({"name": "Calls", "permissions": ["call.dial"], "fields": fields});
    let made = admin.post("/roles", rules(json!({}))).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let role = made.json()["id"].as_str().unwrap().to_owned();
    let mut him = hired("10077", "13800000077");
    (him["role"], him["agent"]) = (made.json()["id"].clone(), json!({}));
    let hired = admin.post("/employees", him).await;
    assert_eq!(hired.status, 201, "{}", hired.json());
    let sight = || {
        let settings = fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
        settings.agents[&"10077".parse().unwrap()].numbers
    };
    assert_eq!(sight(), NumberSight::Whole);
    for (fields, expected) in [
        (json!({"calls.caller": "masked"}), NumberSight::Masked),
        (json!({"calls.caller": "masked", "calls.callee": "hidden"}), NumberSight::Hidden),
        (json!({"calls.caller": "read"}), NumberSight::Whole),
    ] {
        let changed = admin.send("PUT", &format!("/roles/{role}"), Some(rules(fields))).await;
        assert_eq!(changed.status, 200, "{}", changed.json());
        assert_eq!(sight(), expected);
    }
}

/// Each action of a supervisor has a permission of its own (MON-29).
#[tokio::test]
async fn a_supervisor_uses_his_own_phone_and_needs_a_permission_for_each_action() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let id = CallId::new(1_795_336_200_000, 1);
    let mut call = crate::fixture::call_view(&default_tenant(), id, "13800000000", "7000");
    call.supervisors = vec![SupervisorView { supervisor: "10009".into(), how: Supervision::Whisper }];
    fixture.live.apply(View::Call(call));
    let signed_in = fixture
        .client()
        .post("/session", json!({"login": "admin", "password": PASSWORD, "tenant": "default"}))
        .await
        .json();
    let employee = fixture.client().with("authorization", &format!("Bearer {}", signed_in["token"].as_str().unwrap()));
    assert_eq!(employee.post(&format!("/calls/{id}/barge?agent=10001"), json!({})).await.status, 204);
    let last = fixture.switch.commands.lock().unwrap().last().cloned().unwrap().1;
    let order = Supervise {
        call: id,
        agent: Some("10001".parse().unwrap()),
        supervisor: Some("10000".parse().unwrap()),
        how: Supervision::Barge,
        by: "admin".into(),
    };
    assert_eq!(last, Command::Supervise(Box::new(order)));
    let bad = admin.post(&format!("/calls/{id}/monitor?supervisor=x%20y"), json!({})).await;
    assert_eq!(bad.json()["errors"][0]["field"], "supervisor");

    let permissions = ["calls.read", "calls.monitor"];
    let token = admin.post("/tokens", json!({"name": "board", "permissions": permissions})).await.json();
    let board = fixture.client().with("authorization", &format!("Bearer {}", token["token"].as_str().unwrap()));
    for action in ["whisper", "barge", "takeover", "hangup/force"] {
        assert_eq!(board.post(&format!("/calls/{id}/{action}"), json!({})).await.status, 403, "{action}");
    }
    let others = board.post(&format!("/calls/{id}/monitor?supervisor=10009"), json!({})).await;
    assert_eq!(others.status, 403, "it rings nobody's phone but its own");
    assert_eq!(board.get(&format!("/calls/{id}")).await.json()["supervisors"][0]["how"], "whisper");
    let token = admin.post("/tokens", json!({"name": "plain", "permissions": ["calls.read"]})).await.json();
    let plain = fixture.client().with("authorization", &format!("Bearer {}", token["token"].as_str().unwrap()));
    assert!(plain.get(&format!("/calls/{id}")).await.json().get("supervisors").is_none(), "who listens is not told");
}
