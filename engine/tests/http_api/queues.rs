//! Agents and queues as they are set, as they stand, and what is ordered of agents.

use engine::store::employees::{Employee, Employment};
use engine::store::setting::{Change, Expect, Origin};
use hooks::fact::{AgentState, CallStatus, Sign, Talk, Way};
use hooks::id::CallId;
use serde_json::{Value, json};
use switch::agent::Force;
use switch::input::{AgentOrder, Command, SignIn};
use switch::queue::Figures;
use switch::view::{AgentView, QueueView, View, WaitingView};

use crate::fixture::{Client, Fixture, PASSWORD, default_tenant};

async fn employ(fixture: &Fixture, numbers: &[&str]) {
    let store = &fixture.store;
    let admin = store.account(&default_tenant(), "admin").await.unwrap().unwrap().employee.value;
    for number in numbers {
        let employee = Employee {
            employee_no: (*number).to_owned(),
            login: (*number).to_owned(),
            name: format!("Agent {number}"),
            permissions: vec!["agent.work".to_owned()],
            ..admin.clone()
        };
        store.create(Change::system(default_tenant(), Origin::Setup), employee).await.unwrap();
    }
}

fn view(state: AgentState) -> View {
    View::Agent(Box::new(AgentView {
        tenant: default_tenant(),
        agent: "10001".to_owned(),
        extension: Some("1001".to_owned()),
        state,
        since_ms: 1_000,
        call_status: CallStatus::Connected(Talk::Held),
        calls: vec![CallId::new(1, 1)],
        sign: Sign::Phone(Way::Desk),
        kept: Some(AgentState::OnBreak),
    }))
}

fn errors(answer: &Value) -> Vec<String> {
    answer["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
}

fn handed(fixture: &Fixture) -> std::sync::Arc<switch::config::TenantConfig> {
    fixture.switch.settings.lock().unwrap().last().unwrap().0.clone()
}

#[tokio::test]
async fn an_agent_is_made_of_an_employee_and_shown_as_the_agent_stands() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    employ(&fixture, &["10001"]).await;
    let nobody = admin.post("/agents", json!({"employee_no": "4711", "extension": "1009", "missed_limit": 11})).await;
    assert_eq!(nobody.status, 422);
    assert_eq!(errors(&nobody.json()), ["missed_limit", "employee_no", "extension"]);
    let made = admin.post("/agents", json!({"employee_no": "10001", "extension": "1001"})).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/agents/10001"));
    let shown = made.json();
    assert_eq!(
        (&shown["name"], &shown["after_call"], &shown["missed_limit"]),
        (&json!("Agent 10001"), &json!("wrap_up"), &json!(3))
    );
    assert_eq!(shown["live"], Value::Null);
    let told = handed(&fixture).agents[&"10001".parse().unwrap()].clone();
    assert_eq!((told.name.as_str(), told.extension), ("Agent 10001", Some("1001".parse().unwrap())));

    fixture.live.apply(view(AgentState::Ready));
    let live = json!({
        "state": "ready", "since": "1970-01-01T00:00:01.000Z", "call_status": "connected", "talk": "held",
        "calls": [CallId::new(1, 1).to_string()], "extension": "1001", "sign": "phone", "way": "desk", "kept": "on_break",
    });
    assert_eq!(admin.get("/agents/10001").await.json()["live"], live);
    let list = admin.get("/agents").await.json();
    assert_eq!((&list["items"][0]["live"], &list["items"][0]["name"]), (&live, &json!("Agent 10001")));

    let other = json!({"employee_no": "10002"});
    assert_eq!(errors(&admin.send("PUT", "/agents/10001", Some(other)).await.json()), ["employee_no"]);
    let changed = json!({"employee_no": "10001", "after_call": "ready", "mobile": "13800000000", "missed_limit": 0});
    assert_eq!(admin.send("PUT", "/agents/10001", Some(changed)).await.status, 200);
    assert_eq!(handed(&fixture).agents[&"10001".parse().unwrap()].rules.missed_limit, 0);

    // Who has left is no agent any more, whatever is set.
    let gone = fixture.store.account(&default_tenant(), "10001").await.unwrap().unwrap().employee.value;
    let change = Change::system(default_tenant(), Origin::Setup);
    fixture.store.update(change, Employee { employment: Employment::Left, ..gone }, Expect::Any).await.unwrap();
    assert_eq!(admin.get("/agents/10001").await.json()["name"], Value::Null);
    admin.post("/extensions", json!({"number": "1003"})).await;
    assert!(handed(&fixture).agents.is_empty());
    assert_eq!(admin.delete("/agents/10001").await.status, 204);
    assert_eq!(admin.get("/agents/10001").await.status, 404);
}

#[tokio::test]
async fn a_queue_is_made_shown_changed_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    employ(&fixture, &["10001", "10002"]).await;
    for number in ["10001", "10002"] {
        assert_eq!(admin.post("/agents", json!({"employee_no": number})).await.status, 201);
    }
    let support = json!({
        "name": "support", "title": "Support", "number": "7000", "strategy": "level_first", "ring_timeout_s": 15,
        "max_wait_s": 0, "max_length": 5, "widening": [{"after_s": 30, "level": 2}], "target_s": 10,
        "announcements": {"first_s": 30, "every_s": 60}, "wrap_up_max_s": 20, "record": false,
        "overflow": [{"to": "number:13800000000"}],
        "members": [{"agent": "10001", "level": 1, "order": 2}, {"agent": "10002", "level": 2, "order": 1}],
    });
    let made = admin.post("/queues", support.clone()).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/queues/support"), "{:?}", made.json());
    let name = "support".parse().unwrap();
    let told = handed(&fixture);
    assert_eq!(told.plan.queues[&"7000".parse().unwrap()], name);
    let queue = &told.queues[&name];
    assert_eq!((queue.settings.max_wait, queue.settings.max_length, queue.members.len()), (None, 5, 2));
    assert_eq!((queue.wrap_up_max.unwrap().as_secs(), queue.record, queue.overflow.len()), (20, false, 1));

    let today =
        Figures { entered: 3, answered: 1, within_target: 1, abandoned: 1, overflowed: 0, answered_wait_ms: 900 };
    let first = vec![WaitingView { call: CallId::new(1, 1), since_ms: 2_000 }];
    let standing = QueueView {
        tenant: default_tenant(),
        queue: "support".into(),
        waiting: 1,
        first,
        signed_in: 2,
        idle: 0,
        today,
    };
    fixture.live.apply(View::Queue(Box::new(standing)));
    let shown = admin.get("/queues/support").await.json();
    for (field, value) in support.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    let live = json!({
        "waiting": 1, "callers": [{"call": CallId::new(1, 1).to_string(), "since": "1970-01-01T00:00:02.000Z"}],
        "signed_in": 2, "idle": 0,
        "today": {"entered": 3, "answered": 1, "within_target": 1, "abandoned": 1, "overflowed": 0, "answered_wait_ms": 900},
    });
    assert_eq!(shown["live"], live);
    assert_eq!(admin.get("/queues").await.json()["items"][0]["live"], live);

    let stale = admin.clone().with("if-match", "\"7\"");
    assert_eq!(stale.send("PUT", "/queues/support", Some(support.clone())).await.status, 412);
    let changed = json!({"name": "support", "members": [{"agent": "10002"}]});
    assert_eq!(admin.send("PUT", "/queues/support", Some(changed)).await.status, 200);
    let told = handed(&fixture);
    assert!(told.plan.queues.is_empty(), "it has no number any more");
    assert_eq!(told.queues[&name].members.len(), 1);
    assert_eq!(admin.delete("/queues/support").await.status, 204);
    assert!(handed(&fixture).queues.is_empty());
}

#[tokio::test]
async fn a_queue_names_only_what_is_there_and_has_a_number_of_its_own() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let bad = json!({
        "name": "support", "number": "1001", "ring_timeout_s": 4, "welcome": "no_such",
        "overflow": [{"to": "queue:sales"}, {"to": "flow:night"}, {"to": "prompt:no_such"}],
        "members": [{"agent": "10001"}],
    });
    let refused = admin.post("/queues", bad).await;
    let expected =
        ["ring_timeout_s", "number", "welcome", "overflow.0.to", "overflow.1.to", "overflow.2.to", "members.0.agent"];
    assert_eq!((refused.status.as_u16(), errors(&refused.json())), (422, expected.map(str::to_owned).to_vec()));
    let unread = admin.post("/queues", json!({"name": "support", "overflow": [{"to": "sales"}]})).await;
    assert_eq!((unread.status.as_u16(), errors(&unread.json())), (422, vec!["overflow[0].to".to_owned()]));

    assert_eq!(admin.post("/queues", json!({"name": "support", "number": "7000"})).await.status, 201);
    assert_eq!(errors(&admin.post("/queues", json!({"name": "sales", "number": "7000"})).await.json()), ["number"]);
    assert_eq!(errors(&admin.post("/extensions", json!({"number": "7000"})).await.json()), ["number"]);
    assert_eq!(errors(&admin.post("/rooms", json!({"number": "7000"})).await.json()), ["number"]);
    let again = json!({"name": "support", "number": "7000"});
    assert_eq!(admin.send("PUT", "/queues/support", Some(again)).await.status, 200, "its own number");
}

#[tokio::test]
async fn what_something_leads_to_is_not_deleted() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    employ(&fixture, &["10001"]).await;
    let route = json!({"name": "in", "direction": "inbound", "did": "8612", "to": "queue:support"});
    assert_eq!(errors(&admin.post("/routes", route.clone()).await.json()), ["to"], "there is no queue yet");
    assert_eq!(admin.post("/agents", json!({"employee_no": "10001", "extension": "1002"})).await.status, 201);
    let flow = |node: Value| json!({"name": "main", "start": "a", "nodes": {"a": node, "end": {"step": "hang_up"}}});
    let waits = flow(json!({"step": "queue", "queue": "support"}));
    let draft = admin.send("PUT", "/flows/main", Some(waits.clone())).await.json();
    assert_eq!(draft["problems"][0]["node"], "a", "{draft}");
    let support = json!({"name": "support", "members": [{"agent": "10001"}]});
    assert_eq!(admin.post("/queues", support).await.status, 201);

    let refused = async |path: &str| {
        let answer = admin.delete(path).await;
        (answer.status.as_u16(), answer.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    assert!(refused("/agents/10001").await.1.contains("queue support has the agent"));
    assert!(refused("/extensions/1002").await.1.contains("agent 10001 signs in on it"));
    assert_eq!(admin.post("/routes", route).await.status, 201);
    assert!(refused("/queues/support").await.1.contains("route in leads to it"));
    assert_eq!(admin.delete("/routes/in").await.status, 204);
    let sales = json!({"name": "sales", "overflow": [{"to": "queue:support"}]});
    assert_eq!(admin.post("/queues", sales).await.status, 201);
    assert!(refused("/queues/support").await.1.contains("queue sales leads to it"));
    assert_eq!(admin.delete("/queues/sales").await.status, 204);
    let waits = flow(json!({"step": "queue", "queue": "support", "nobody": "end"}));
    let draft = admin.send("PUT", "/flows/main", Some(waits)).await.json();
    assert_eq!(draft["problems"], json!([]));
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.status, 200);
    assert!(refused("/queues/support").await.1.contains("flow main leads to it"));
    let sales = json!({"name": "sales", "overflow": [{"to": "flow:main"}]});
    assert_eq!(admin.post("/queues", sales).await.status, 201);
    assert!(refused("/flows/main").await.1.contains("queue sales overflows into it"));
    assert_eq!(admin.delete("/queues/sales").await.status, 204);
    assert_eq!(admin.delete("/flows/main").await.status, 204);
    assert_eq!(admin.delete("/queues/support").await.status, 204);
    assert_eq!(admin.delete("/agents/10001").await.status, 204);
    assert_eq!(admin.delete("/extensions/1002").await.status, 204);
}

async fn signed_in<'f>(fixture: &'f Fixture, login: &str) -> Client<'f> {
    let session = fixture.client().post("/session", json!({"tenant": "default", "login": login, "password": PASSWORD})).await.json();
    fixture.client().with("authorization", &format!("Bearer {}", session["token"].as_str().unwrap()))
}

fn last_order(fixture: &Fixture) -> (String, AgentOrder, Option<String>) {
    match fixture.switch.commands.lock().unwrap().last() {
        Some((_, Command::Agent { agent, order, by })) => (agent.to_string(), order.clone(), by.clone()),
        other => panic!("{other:?} is no order"),
    }
}

#[tokio::test]
async fn an_employee_orders_for_himself_and_a_supervisor_for_others() {
    let fixture = Fixture::new().await;
    employ(&fixture, &["10001", "10002"]).await;
    fixture.live.apply(view(AgentState::Ready));
    let own = signed_in(&fixture, "10001").await;
    let desk = json!({"way": "desk", "extension": "1002"});
    assert_eq!(own.post("/agents/10001/sign-in", desk.clone()).await.status, 204);
    let how = SignIn { way: Way::Desk, extension: Some("1002".parse().unwrap()) };
    assert_eq!(last_order(&fixture), ("10001".to_owned(), AgentOrder::SignIn(how), None));
    assert_eq!(own.post("/agents/10001/state", json!({"state": "on_break"})).await.status, 204);
    assert_eq!(last_order(&fixture).1, AgentOrder::Pick(AgentState::OnBreak));
    assert_eq!(own.post("/agents/10001/sign-out", json!({})).await.status, 204);
    assert_eq!(last_order(&fixture).1, AgentOrder::SignOut);
    assert_eq!(own.post("/agents/10001/mobile-sign-in", json!({"mobile": "138 0000 0000"})).await.status, 204);
    assert_eq!(last_order(&fixture).1, AgentOrder::MobileSignIn(Some("13800000000".parse().unwrap())));
    assert_eq!(own.post("/agents/10001/mobile-sign-out", json!({})).await.status, 204);
    assert_eq!(last_order(&fixture).1, AgentOrder::MobileSignOut);

    let before = fixture.switch.commands.lock().unwrap().len();
    assert_eq!(own.post("/agents/10001/state/force", json!({"force": "ready"})).await.status, 403);
    let colleague = signed_in(&fixture, "10002").await;
    for (path, body) in [("sign-in", desk), ("sign-out", json!({})), ("state", json!({"state": "ready"}))] {
        let answer = colleague.post(&format!("/agents/10001/{path}"), body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "not-found"), "{path}");
    }
    assert_eq!(fixture.switch.commands.lock().unwrap().len(), before, "the switch was not asked");

    let supervisor = signed_in(&fixture, "admin").await;
    for (word, force) in [("ready", Force::Ready), ("not_ready", Force::Busy), ("sign_out", Force::SignOut)] {
        assert_eq!(supervisor.post("/agents/10001/state/force", json!({ "force": word })).await.status, 204);
        assert_eq!(last_order(&fixture), ("10001".to_owned(), AgentOrder::Force(force), Some("admin".to_owned())));
    }
    assert_eq!(supervisor.post("/agents/10001/state", json!({"state": "not_ready"})).await.status, 204);
    assert_eq!(last_order(&fixture).2, Some("admin".to_owned()));
    assert_eq!(
        supervisor.post("/agents/10002/sign-out", json!({})).await.problem(),
        "not-found",
        "the switch knows none"
    );
    assert_eq!(errors(&supervisor.post("/agents/10001/state", json!({"state": "asleep"})).await.json()), ["state"]);
}
