//! Surveys as they are set, and what asks for them.

use serde_json::{Value, json};
use switch::input::{CallOrder, Command};

use crate::fixture::Fixture;

fn options(keys: &str) -> Value {
    keys.chars().map(|key| json!({"key": key.to_string(), "label": format!("label {key}")})).collect()
}

/// Proves SURVEY-02: two to nine options of one's own, the usual five where nothing is said.
#[tokio::test]
async fn a_survey_is_made_with_the_usual_answers_changed_and_deleted_and_the_switch_knows() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let made = admin.post("/surveys", json!({"name": "service"})).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/api/v1/surveys/service"));
    let labels = |body: &Value| {
        let options = body["question"]["options"].as_array().unwrap();
        options.iter().map(|option| option["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let shown = made.json();
    assert_eq!(labels(&shown), ["非常满意", "一般", "不满意", "对服务不满意", "对处理不满意"]);
    assert_eq!(
        (&shown["second"], &shown["comment"], &shown["thanks"]),
        (&Value::Null, &Value::Null, &json!(["survey_thanks"]))
    );
    assert_eq!(admin.post("/surveys", json!({"name": "service"})).await.problem(), "already-exists");
    let handed = || fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0;
    assert_eq!(handed().surveys[&"service".parse().unwrap()].question.options.len(), 5);

    let own = json!({
        "question": {"prompt": ["survey_invite"], "options": options("12")},
        "second": {"prompt": ["survey_invite"], "options": options("123456789")},
        "comment": ["voicemail_leave_message"], "thanks": [],
    });
    let changed = admin.send("PUT", "/surveys/service", Some(own.clone())).await;
    assert_eq!(changed.status.as_u16(), 200, "{}", changed.json());
    assert_eq!(labels(&changed.json()), ["label 1", "label 2"]);
    assert!(handed().surveys[&"service".parse().unwrap()].comment.is_some());
    assert_eq!(admin.get("/surveys").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.send("PUT", "/surveys/other", Some(own)).await.status, 404);
    assert_eq!(admin.delete("/surveys/service").await.status, 204);
    assert!(handed().surveys.is_empty());
    assert_eq!(admin.get("/surveys/service").await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_survey_is_told() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let asks = |question: Value| json!({"name": "service", "question": question});
    let prompt = json!(["survey_invite"]);
    for (body, said) in [
        (asks(json!({"prompt": prompt, "options": options("1")})), "2 to 9 options, this one has 1"),
        (asks(json!({"prompt": prompt, "options": options("1234567890")})), "2 to 9 options, this one has 10"),
        (asks(json!({"prompt": prompt, "options": options("11")})), "the key 1 stands for two options"),
        (
            asks(json!({"prompt": prompt, "options": [{"key": "1", "label": ""}, {"key": "2", "label": "b"}]})),
            "the label of key 1",
        ),
        (asks(json!({"prompt": [], "options": options("12")})), "a question without a prompt"),
        (asks(json!({"prompt": ["no_such"], "options": options("12")})), "a prompt is not there"),
        (json!({"name": "service", "comment": ["no_such"]}), "a prompt is not there"),
        (json!({"name": "Service"}), "name"),
    ] {
        let refused = admin.post("/surveys", body.clone()).await;
        let told = refused.json().to_string();
        assert!(refused.status == 422 && told.contains(said), "{body}: {told}");
    }
}

#[tokio::test]
async fn a_survey_that_a_queue_or_a_flow_asks_stays_and_an_unknown_one_is_refused() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let unknown = admin.post("/queues", json!({"name": "support", "rules": {"survey": "service"}})).await;
    assert_eq!(unknown.json()["errors"][0]["field"], "survey", "{}", unknown.json());
    let nothing = admin.post("/queues", json!({"name": "support", "rules": {"survey_after_hangup": true}})).await;
    assert_eq!(nothing.json()["errors"][0]["field"], "survey_after_hangup", "{}", nothing.json());
    for name in ["service", "flow"] {
        assert_eq!(admin.post("/surveys", json!({"name": name})).await.status, 201);
    }
    let rules = json!({"survey": "service", "survey_after_hangup": true});
    assert_eq!(admin.post("/queues", json!({"name": "support", "rules": rules})).await.status, 201);
    let queue =
        fixture.switch.settings.lock().unwrap().last().cloned().unwrap().0.queues[&"support".parse().unwrap()].clone();
    assert!(queue.survey.is_some() && queue.survey_after_hang_up);
    let flow = json!({"name": "main", "start": "ask", "nodes": {"ask": {"step": "survey", "survey": "flow"}}});
    assert_eq!(admin.send("PUT", "/flows/main", Some(flow)).await.json()["problems"], json!([]));
    assert_eq!(admin.post("/flows/main/publish", json!({})).await.status, 200);
    for (name, by) in [("service", "queue support"), ("flow", "flow main")] {
        let kept = admin.delete(&format!("/surveys/{name}")).await;
        assert!(kept.status == 409 && kept.json().to_string().contains(by), "{}", kept.json());
    }
}

/// CALL-25 by the API.
#[tokio::test]
async fn an_evaluation_is_ordered_for_a_party() {
    let fixture = Fixture::new().await;
    let admin = fixture.admin().await;
    let started = admin.post("/calls", json!({"from": "1001", "to": "1002"})).await.json();
    let call = started["id"].as_str().unwrap();
    assert_eq!(admin.post(&format!("/calls/{call}/survey?extension=1001"), json!({})).await.status, 204);
    let ordered = fixture.switch.commands.lock().unwrap().last().cloned().unwrap();
    assert!(matches!(ordered.1, Command::Call { order: CallOrder::Evaluate, .. }), "{ordered:?}");
}
