//! Short messages (SMS): templates and their review, orders, the rules about one number, and what the gateway says.

use hooks::operation::{Caller, Fault, Keys};
use hooks::sms::NotSent;
use serde_json::{Value, json};

use crate::host::{Centre, NOW, agent, chief, each, support};

const LIST: &str = "list_sms_messages";
const SEND: &str = "send_sms";
const TEMPLATES: &str = "list_sms_templates";
const CREATE: &str = "create_sms_template";
const REPLACE: &str = "replace_sms_template";
const DELETE: &str = "delete_sms_template";
const REVIEW: &str = "review_sms_template";
const SIGN: &str = "create_sms_signature";
const UNSIGN: &str = "delete_sms_signature";

const MOBILE: &str = "13800000001";

/// A template of agent 10001 that 10002 has approved: its id.
fn approved(centre: &Centre) -> String {
    let signature = centre.order(&chief("10001"), SIGN, "", json!({"name": "客服"})).unwrap();
    let text = json!({"name": "case", "content": "{name}，工单{id}已受理", "signature": signature["id"]});
    let made = centre.order(&chief("10001"), CREATE, "", text).unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    centre.order(&chief("10002"), REVIEW, &id, json!({"approve": true})).unwrap();
    id
}

fn order(id: &str, numbers: &[&str]) -> Value {
    json!({"numbers": numbers, "template": id, "parameters": {"name": "李", "id": "7"}})
}

fn advance(centre: &Centre, ms: u64) {
    *centre.host.now_ms.lock().unwrap() += ms;
}

fn results(centre: &Centre, who: &Caller) -> Vec<Value> {
    each(&centre.list(who, LIST, &[]), "result")
}

/// Proves SMS-01, SMS-02, SMS-03, and SMS-10 as far as the plugin goes.
#[test]
fn a_message_is_signed_sent_and_shown_with_what_came_of_it() {
    let centre = Centre::over(Vec::new());
    let id = approved(&centre);
    let sent = centre.order(&agent("10002", &[]), SEND, "", order(&id, &[MOBILE])).unwrap();
    assert_eq!(sent["items"][0]["result"], "not_sent", "it waits");
    centre.crm.send_waiting(&centre.host).unwrap();
    let message = centre.host.sent.lock().unwrap().remove(0);
    assert_eq!(
        (message.to.as_str(), message.signature.as_str(), message.text.as_str()),
        ("+8613800000001", "客服", "李，工单7已受理")
    );
    let row = centre.list(&chief("10001"), LIST, &[]).remove(0);
    for (member, value) in [
        ("number", json!(MOBILE)),
        ("content", json!("李，工单7已受理")),
        ("signature", json!("客服")),
        ("template", json!("case")),
        ("sender", json!("10002")),
        ("sender_name", json!("Ben")),
        ("result", json!("sent")),
        ("reason", json!("")),
    ] {
        assert_eq!(row[member], value, "{member}");
    }
    assert_eq!(row["department"]["name"], "Support");

    advance(&centre, 1);
    *centre.host.refuses.lock().unwrap() = Some(NotSent::Failed("the number is off".to_owned()));
    centre.order(&chief("10001"), SEND, "", order(&id, &["13800000002"])).unwrap();
    centre.crm.send_waiting(&centre.host).unwrap();
    let query = |name: &'static str, value: &str| centre.list(&chief("10001"), LIST, &[(name, value.into())]).len();
    assert_eq!(results(&centre, &chief("10001")), ["failed", "sent"]);
    assert_eq!(centre.list(&chief("10001"), LIST, &[])[0]["reason"], "the number is off");
    assert_eq!((query("result", "failed"), query("result", "sent"), query("result", "not_sent")), (1, 1, 0));
    assert_eq!((query("number", "+86 13800000001"), query("number", "13800000009")), (0, 0), "as the host reads it");
    assert_eq!((query("number", "013800000001"), query("number", "+8613800000002")), (1, 1));
    // GEN-09: one's own, and those of one's departments.
    assert_eq!(results(&centre, &agent("10003", &[])).len(), 0);
    assert_eq!(results(&centre, &agent("10003", &[support()])), ["sent"]);
}

/// Proves SMS-03: a text of one's own needs a permission, and has a signature, too.
#[test]
fn a_text_of_ones_own_needs_a_permission() {
    let centre = Centre::over(Vec::new());
    let text = json!({"numbers": [MOBILE], "text": " 您好 "});
    assert_eq!(
        centre.order(&chief("10001"), SEND, "", text.clone()).unwrap_err(),
        (Fault::Invalid, "signature".into())
    );
    centre.order(&chief("10001"), SIGN, "", json!({"name": "客服"})).unwrap();
    let poor = Caller { keys: Keys::Only(["sms.send".to_owned()].into()), ..chief("10001") };
    assert_eq!(centre.order(&poor, SEND, "", text.clone()).unwrap_err().0, Fault::Refused);
    centre.order(&chief("10001"), SEND, "", text).unwrap();
    centre.crm.send_waiting(&centre.host).unwrap();
    let message = centre.host.sent.lock().unwrap().remove(0);
    assert_eq!((message.signature.as_str(), message.text.as_str()), ("客服", "您好"));
    let both = json!({"numbers": [MOBILE], "text": "a", "template": "b"});
    for body in [both, json!({"numbers": [MOBILE]})] {
        assert_eq!(centre.order(&chief("10001"), SEND, "", body).unwrap_err(), (Fault::Invalid, "template".into()));
    }
}

/// Proves SMS-04: one in 60 s, ten in 24 h, counted by the number however it is written; what failed counts for nothing.
#[test]
fn a_number_is_not_sent_to_frequently() {
    let centre = Centre::over(Vec::new());
    let id = approved(&centre);
    let send = |number: &str| {
        let queued = centre.order(&chief("10001"), SEND, "", order(&id, &[number])).unwrap();
        centre.crm.send_waiting(&centre.host).unwrap();
        queued["items"][0]["reason"].as_str().unwrap().to_owned()
    };
    *centre.host.refuses.lock().unwrap() = Some(NotSent::Failed("off".to_owned()));
    assert_eq!(send(MOBILE), "");
    *centre.host.refuses.lock().unwrap() = None;
    assert_eq!(send(MOBILE), "", "the gateway took none before");
    advance(&centre, 59_000);
    assert!(send("+8613800000001").contains("again in 1 s"));
    for _ in 1..10 {
        advance(&centre, 60_000);
        assert_eq!(send(MOBILE), "");
    }
    advance(&centre, 60_000);
    assert!(send(MOBILE).contains("10 messages in 24 h"));
    assert_eq!(send("13800000002"), "", "another number");
    assert_eq!(centre.host.sent.lock().unwrap().len(), 11);
    advance(&centre, 24 * 3_600_000);
    assert_eq!(send(MOBILE), "");
    // Settings change both.
    let settings = json!({"sms_interval_s": 0, "sms_day_max": 2});
    centre.order(&chief("10001"), "change_crm_settings", "", settings).unwrap();
    assert_eq!((send(MOBILE), send(MOBILE).contains("2 messages")), (String::new(), true));
}

/// Proves SMS-05: up to 50 numbers with commas between; one too many or a bad one, and nothing is sent.
#[test]
fn many_numbers_are_sent_to_or_none() {
    let centre = Centre::over(Vec::new());
    let id = approved(&centre);
    let send = |numbers: &str| centre.order(&chief("10001"), SEND, "", order(&id, &[numbers]));
    let many = |n: u64| (0..n).map(|n| (13_900_000_000 + n).to_string()).collect::<Vec<_>>().join(",");
    for (numbers, why) in [(many(51), "51 of them"), (format!("{MOBILE}，12"), "a bad one"), (" ,， ,".into(), "none")]
    {
        assert_eq!(send(&numbers).unwrap_err(), (Fault::Invalid, "numbers".into()), "{why}");
    }
    assert_eq!(results(&centre, &chief("10001")).len(), 0);
    // 50 once the blanks and those that came twice are dropped, of which one got a message just now.
    send(MOBILE).unwrap();
    let queued = send(&format!("{},， 13900000000 ,{MOBILE}", many(49))).unwrap();
    let results = each(queued["items"].as_array().unwrap(), "reason");
    assert_eq!(results.len(), 50);
    assert_eq!(results.iter().filter(|reason| reason.as_str() == Some("")).count(), 49);
    centre.crm.send_waiting(&centre.host).unwrap();
    assert_eq!(centre.host.sent.lock().unwrap().len(), 50);
}

/// Proves SMS-06, SMS-07.
#[test]
fn a_template_is_sent_once_another_has_approved_it() {
    let centre = Centre::over(Vec::new());
    centre.host.reviewers.lock().unwrap().extend(["10001", "10002"].map(str::to_owned));
    let signature = centre.order(&chief("10001"), SIGN, "", json!({"name": "客服"})).unwrap()["id"].clone();
    let text = |name: &str, content: &str| json!({"name": name, "content": content, "signature": signature});
    let made = centre.order(&chief("10001"), CREATE, "", text("hello", "您好{name}")).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["state"], &made["places"]), (&json!("pending"), &json!(["name"])));
    let send = || {
        let body = json!({"numbers": [MOBILE], "template": id, "parameters": {"name": "李"}});
        centre.order(&chief("10001"), SEND, "", body)
    };
    assert_eq!(send().unwrap_err().0, Fault::Refused, "nobody has looked at it");
    let review = |who: &str, verdict: Value| centre.order(&chief(who), REVIEW, id, verdict);
    assert_eq!(review("10001", json!({"approve": true})).unwrap_err().0, Fault::Refused, "his own");
    assert_eq!(review("10002", json!({"approve": false})).unwrap_err(), (Fault::Invalid, "reason".into()));
    let rejected = review("10002", json!({"approve": false, "reason": "too short"})).unwrap();
    assert_eq!((&rejected["state"], &rejected["reason"]), (&json!("rejected"), &json!("too short")));
    assert_eq!(send().unwrap_err().0, Fault::Refused);
    let approved = review("10002", json!({"approve": true})).unwrap();
    assert_eq!(
        (&approved["state"], &approved["reason"], &approved["reviewer"]),
        (&json!("approved"), &json!(""), &json!("10002"))
    );
    send().unwrap();
    // An edit has to be looked at again.
    let edited = centre.order(&chief("10002"), REPLACE, id, text("hello", "{name}您好")).unwrap();
    assert_eq!((&edited["state"], &edited["author"]), (&json!("pending"), &json!("10002")));
    assert_eq!(send().unwrap_err().0, Fault::Refused);
    centre.host.reviewers.lock().unwrap().remove("10001");
    assert_eq!(review("10002", json!({"approve": true})).unwrap()["state"], "approved", "there is no other reviewer");
    // What is filled in has to fit.
    for (parameters, field) in [(json!({}), "parameters"), (json!({"name": "a", "id": "b"}), "parameters")] {
        let body = json!({"numbers": [MOBILE], "template": id, "parameters": parameters});
        assert_eq!(centre.order(&chief("10001"), SEND, "", body).unwrap_err(), (Fault::Invalid, field.into()));
    }
    for (body, field) in [
        (text("hello", "x"), "name"),
        (text("", "x"), "name"),
        (text("other", "{name"), "content"),
        (text("other", "{}"), "content"),
        (json!({"name": "other", "content": "x", "signature": "none"}), "signature"),
    ] {
        assert_eq!(centre.order(&chief("10001"), CREATE, "", body).unwrap_err(), (Fault::Invalid, field.into()));
    }
    centre.order(&chief("10001"), CREATE, "", text("bye", "再见")).unwrap();
    let names = |query: &[(&str, Value)]| each(&centre.list(&chief("10001"), TEMPLATES, query), "name");
    assert_eq!(names(&[("name", "ell".into())]), ["hello"]);
    assert_eq!(names(&[("state", "pending".into())]), ["bye"]);
    assert_eq!(names(&[("limit", 1.into())]).len(), 2, "page by page");
    centre.order(&chief("10001"), DELETE, id, Value::Null).unwrap();
    assert_eq!(names(&[]), ["bye"]);
    assert_eq!(results(&centre, &chief("10001")).len(), 1, "what was sent by it stays");
}

/// Proves SMS-08, SMS-09.
#[test]
fn a_signature_that_is_used_or_the_last_stays() {
    let centre = Centre::over(Vec::new());
    let sign = |name: &str| centre.order(&chief("10001"), SIGN, "", json!({"name": name, "remark": "for tests"}));
    let one = sign("客服").unwrap()["id"].as_str().unwrap().to_owned();
    let unsign = |id: &str| centre.order(&chief("10001"), UNSIGN, id, Value::Null);
    assert_eq!(unsign(&one).unwrap_err().0, Fault::Refused, "the last");
    assert_eq!(sign("客服").unwrap_err(), (Fault::Invalid, "name".into()), "it is there");
    assert_eq!(sign("【客服】").unwrap_err(), (Fault::Invalid, "name".into()));
    let two = sign("销售").unwrap()["id"].as_str().unwrap().to_owned();
    let text = json!({"name": "case", "content": "您好", "signature": one});
    let template = centre.order(&chief("10001"), CREATE, "", text).unwrap();
    assert_eq!(unsign(&one).unwrap_err().0, Fault::Refused, "a template uses it");
    centre.order(&chief("10001"), DELETE, template["id"].as_str().unwrap(), Value::Null).unwrap();
    unsign(&one).unwrap();
    assert_eq!(unsign(&one).unwrap_err().0, Fault::NotFound);
    assert_eq!(unsign(&two).unwrap_err().0, Fault::Refused, "the last now");
}

/// A message that a process had in hand when it was stopped is not sent again.
#[test]
fn what_was_in_hand_when_the_process_died_is_not_sent_twice() {
    let folder = crate::host::folder();
    let centre = Centre::reopened(folder.path(), Vec::new());
    let id = approved(&centre);
    centre.order(&chief("10001"), SEND, "", order(&id, &[MOBILE])).unwrap();
    // The gateway never answers: the process dies with the message in hand.
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        *centre.host.refuses.lock().unwrap() = None;
        let _poison = centre.host.sent.lock().unwrap();
        panic!("killed");
    }));
    assert!(died.is_err());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| centre.crm.send_waiting(&centre.host))).is_err());
    let after = Centre::reopened(folder.path(), Vec::new());
    hooks::plugin::Plugin::run(&after.crm, &after.host).unwrap();
    after.crm.send_waiting(&after.host).unwrap();
    assert_eq!(after.host.sent.lock().unwrap().len(), 0);
    let row = after.list(&chief("10001"), LIST, &[("from", (NOW - 1).into())]).remove(0);
    assert_eq!(row["result"], "failed");
    assert!(row["reason"].as_str().unwrap().contains("may have arrived"), "{row}");
}
