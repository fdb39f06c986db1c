//! Two tenants with calls of the same IDs from the same number, and with templates of the same words: nothing of one is seen or changed by the
//! other.

use std::collections::BTreeSet;

use crm_plugin::Crm;
use hooks::fact::{Fact, OfferOutcome};
use hooks::id::TenantId;
use hooks::operation::{Caller, Content, Fault, Response};
use hooks::plugin::Plugin as _;
use serde_json::{Value, json};

use crate::host::{Centre, chief};
use crate::story::{Story, call, facts};

/// Calls both of them.
const BOTH: &str = "13800000001";
/// Calls the first tenant alone.
const FIRST_ALONE: &str = "13877778888";

fn other() -> TenantId {
    "other".parse().unwrap()
}

fn of_other(number: &str) -> Caller {
    Caller { tenant: other(), ..chief(number) }
}

/// A row in each list.
fn story(it: &mut Story, n: u64, caller: &str) {
    let second = n * 1_000;
    it.is_lost(second, call(n), caller, &["10001"]);
    it.is_served(second + 100, call(n + 1), (caller, "10001"));
    it.comes_in(second + 200, call(n + 2), caller).queues(second + 201, call(n + 2), "support");
    it.is_offered(second + 202, call(n + 2), "10001");
    it.offer_ends(second + 210, call(n + 2), ("10001", 8), OfferOutcome::TimedOut);
    it.mobile_answers(second + 220, call(n + 2), "13900000009").ends(second + 300, call(n + 2));
}

/// Both have calls 11 to 13 of the same number, the first one 21 to 23, too.
fn centre() -> Centre {
    let first = facts(|it| {
        story(it, 11, BOTH);
        story(it, 21, FIRST_ALONE);
    });
    let second = facts(|it| story(it, 11, BOTH));
    let second = second.into_iter().map(|fact| Fact { tenant: other(), ..fact });
    let centre = Centre::over(first.into_iter().chain(second).collect());
    templates(&centre, &chief("10001"), "CANARY");
    templates(&centre, &of_other("10001"), "own");
    centre
}

/// A signature, a template that was approved, and a message.
fn templates(centre: &Centre, who: &Caller, words: &str) {
    let signature = centre.order(who, "create_sms_signature", "", json!({"name": words, "remark": words})).unwrap();
    let text = json!({"name": words, "content": words, "signature": signature["id"]});
    let made = centre.order(who, "create_sms_template", "", text).unwrap();
    let reviewer = Caller { tenant: who.tenant.clone(), ..chief("10002") };
    let id = made["id"].as_str().unwrap();
    centre.order(&reviewer, "review_sms_template", id, json!({"approve": true})).unwrap();
    let sent = centre.order(who, "send_sms", "", json!({"numbers": [BOTH], "template": id}));
    sent.expect("what another tenant sent to the number counts for nothing");
}

const LISTS: [&str; 7] = [
    "list_crm_call_records",
    "list_crm_missed_calls",
    "list_crm_lost_calls",
    "list_crm_lost_answered",
    "list_sms_messages",
    "list_sms_templates",
    "list_sms_signatures",
];

/// All that a tenant has.
fn everything(centre: &Centre, who: &Caller) -> Vec<(&'static str, Vec<Value>)> {
    let mut all: Vec<_> = LISTS.into_iter().map(|list| (list, centre.list(who, list, &[]))).collect();
    all.push(("settings", vec![centre.one(who, "read_crm_settings", "").unwrap()]));
    all
}

fn told(response: Response) -> String {
    match response.content {
        Content::One(value) => value.to_string(),
        Content::List { items, .. } => Value::from(items).to_string(),
        other => format!("{other:?}"),
    }
}

/// The list in which an operation's rows are.
fn list_of(operation: &str) -> &'static str {
    let named =
        ["call_record", "missed_call", "lost_call", "lost_answered", "sms_message", "sms_template", "sms_signature"];
    let at = named.iter().position(|name| operation.contains(name));
    LISTS[at.unwrap_or_else(|| panic!("{operation}: say in which list its rows are"))]
}

fn body(operation: &str, signature: &Value) -> Value {
    match operation {
        "create_sms_signature" | "replace_sms_signature" => json!({"name": "changed"}),
        "create_sms_template" | "replace_sms_template" => {
            json!({"name": "changed", "content": "changed", "signature": signature})
        }
        "review_sms_template" => json!({"approve": true}),
        "send_sms" => json!({"numbers": ["13800000002"], "text": "own", "signature": signature}),
        "change_crm_settings" => json!({"lost_auto_release_h": 7, "sms_day_max": 3, "sms_interval_s": 5}),
        other => panic!("{other} takes a body that nobody has written down here"),
    }
}

/// Proves GEN-02 for what the plugin adds: each of its operations, with what another tenant has.
#[test]
fn no_operation_reaches_what_is_another_tenants() {
    let centre = centre();
    let first = chief("10001");
    let before = everything(&centre, &first);
    let second = everything(&centre, &of_other("10001"));
    let signature = second[6].1[0]["id"].clone();
    let mut walked = BTreeSet::new();
    for operation in Crm::default().operations() {
        // Who reviews is another one than who made it.
        let who = of_other(if operation.name == "review_sms_template" { "10002" } else { "10001" });
        let sent = if operation.body.is_some() { body(operation.name, &signature) } else { Value::Null };
        if !operation.path.contains('{') {
            let answer = centre.order(&who, operation.name, "", sent).unwrap().to_string();
            let shown = centre.ask(&who, operation.name, "", &[]).map(told).unwrap_or_default();
            assert!(!answer.contains("CANARY") && !shown.contains("CANARY"), "{}: {answer} {shown}", operation.name);
            assert!(!shown.contains("8888"), "{}: {shown}", operation.name);
            continue;
        }
        let list = list_of(operation.name);
        let own: BTreeSet<String> = ids(&second, list);
        let theirs: Vec<String> = ids(&before, list).difference(&own).cloned().collect();
        assert!(!theirs.is_empty(), "nothing was planted for {}", operation.name);
        for id in theirs {
            let refused = centre.order(&who, operation.name, &id, sent.clone()).unwrap_err();
            assert_eq!(refused.0, Fault::NotFound, "{}: {}", operation.name, refused.1);
            walked.insert(operation.name);
        }
    }
    assert!(walked.len() > 11, "{walked:?}");
    assert_eq!(everything(&centre, &first), before);
}

fn ids(all: &[(&str, Vec<Value>)], list: &str) -> BTreeSet<String> {
    let rows = &all.iter().find(|(name, _)| *name == list).unwrap().1;
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Proves GEN-02 where IDs are the same: one tenant deals with a call, the other one's stays as it was.
#[test]
fn calls_of_the_same_id_are_each_tenants_own() {
    let centre = centre();
    let (first, second) = (chief("10001"), of_other("10002"));
    let before = everything(&centre, &first);
    let theirs = everything(&centre, &second);
    for list in ["list_crm_lost_calls", "list_crm_missed_calls", "list_crm_call_records", "list_crm_lost_answered"] {
        let shared = ids(&theirs, list);
        assert!(!shared.is_empty() && shared.is_subset(&ids(&before, list)), "{list}");
    }
    let id = call(11).to_string();
    for (operation, state) in [
        ("occupy_crm_lost_call", "occupied"),
        ("release_crm_lost_call", "open"),
        ("occupy_crm_lost_call", "occupied"),
        ("complete_crm_lost_call", "completed"),
    ] {
        let row = centre.one(&second, operation, &id).unwrap();
        assert_eq!(row["state"], state, "{operation}");
        assert_eq!(everything(&centre, &first), before, "{operation}");
    }
    let missed = ids(&theirs, "list_crm_missed_calls").first().unwrap().clone();
    centre.one(&of_other("10001"), "process_crm_missed_call", &missed).unwrap();
    centre.order(&second, "change_crm_settings", "", body("change_crm_settings", &Value::Null)).unwrap();
    assert_eq!(everything(&centre, &first), before);
    // And the first one may still have it.
    assert_eq!(centre.one(&first, "occupy_crm_lost_call", &id).unwrap()["state"], "occupied");
}
