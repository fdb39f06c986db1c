//! Missed calls (MISS).

use hooks::fact::OfferOutcome;
use hooks::operation::{Fault, Keys};
use serde_json::{Value, json};

use crate::host::{Centre, NOW, agent, chief, each, sales, support};
use crate::story::{call, facts};

const LIST: &str = "list_crm_missed_calls";
const PROCESS: &str = "process_crm_missed_call";

fn centre() -> Centre {
    Centre::over(facts(|it| {
        it.comes_in(0, call(1), "13800000001").queues(1, call(1), "support");
        for (second, outcome) in [(2, OfferOutcome::TimedOut), (30, OfferOutcome::Rejected), (60, OfferOutcome::Failed)]
        {
            it.is_offered(second, call(1), "10001").offer_ends(second + 20, call(1), ("10001", 20), outcome);
        }
        it.is_offered(90, call(1), "10002").offer_ends(95, call(1), ("10002", 5), OfferOutcome::Taken);
        it.is_offered(100, call(1), "10002").offer_ends(107, call(1), ("10002", 7), OfferOutcome::CallerHungUp);
        it.ends(107, call(1));
        it.is_served(200, call(2), ("13800000002", "10001"));
        it.is_lost(300, call(3), "", &["10003"]);
    }))
}

/// Proves MISS-01, MISS-02.
#[test]
fn each_offer_that_was_not_taken_is_a_row() {
    let rows = centre().list(&chief("10001"), LIST, &[]);
    assert_eq!(each(&rows, "hangup_status"), ["timed_out", "caller_hung_up", "failed", "rejected", "timed_out"]);
    assert_eq!(each(&rows, "agent"), ["10003", "10002", "10001", "10001", "10001"]);
    let first = json!({
        "id": format!("{}-0001", call(1)), "call_id": call(1).to_string(), "agent": "10001", "agent_name": "Ann",
        "department": {"id": sales().to_string(), "name": "Sales"}, "queue": "support", "caller": "13800000001",
        "callee": "4008", "location": "北京市", "ring_started_at": "2026-11-22T08:30:02.000Z",
        "ring_ended_at": "2026-11-22T08:30:22.000Z", "ring_ms": 20_000, "hangup_status": "timed_out", "processed": false,
        "processed_at": null, "clickable": true,
    });
    assert_eq!(rows[4], first);
}

/// Proves MISS-02 (while the call runs, too).
#[test]
fn an_agent_sees_what_he_missed_while_the_caller_still_waits() {
    let centre = Centre::over(facts(|it| {
        it.comes_in(0, call(1), "13800000001").is_offered(2, call(1), "10001");
        it.offer_ends(22, call(1), ("10001", 20), OfferOutcome::TimedOut);
    }));
    assert_eq!(centre.list(&chief("10001"), LIST, &[]).len(), 1);
}

/// Proves MISS-03, MISS-04, MISS-07 and GEN-08 (of missed calls).
#[test]
fn views_and_filters_choose_among_them() {
    let centre = centre();
    let count = |who, query: &[(&str, Value)]| centre.list(&who, LIST, query).len();
    assert_eq!(count(chief("10001"), &[("view", "mine".into())]), 3);
    assert_eq!(count(agent("10001", &[]), &[]), 3);
    assert_eq!(count(agent("10001", &[support()]), &[]), 5);
    assert_eq!(count(chief("1"), &[("agent", "10002".into())]), 1);
    assert_eq!(count(chief("1"), &[("number", "+8613800000001".into())]), 4);
    assert_eq!(count(chief("1"), &[("processed", true.into())]), 0);
    assert_eq!(count(chief("1"), &[("processed", false.into()), ("to", (NOW + 100_000).into())]), 3);
    let wrong = centre.ask(&chief("10001"), LIST, "", &[("view", "mine".into()), ("agent", "10002".into())]);
    assert_eq!(wrong.unwrap_err().field.as_deref(), Some("agent"));
}

/// Proves MISS-05.
#[test]
fn a_click_processes_ones_own_for_good_and_dials() {
    let centre = centre();
    let id = format!("{}-0002", call(1));
    let (fault, _) = centre.one(&chief("10002"), PROCESS, &id).unwrap_err();
    assert_eq!(fault, Fault::Refused, "not for others' rows");
    let (fault, _) = centre.one(&agent("10002", &[]), PROCESS, &id).unwrap_err();
    assert_eq!(fault, Fault::NotFound, "nor for rows that he cannot see");

    let shown = centre.one(&agent("10001", &[]), PROCESS, &id).unwrap();
    assert_eq!((&shown["processed"], &shown["dial"]["refused"]), (&json!(true), &Value::Null));
    assert_eq!(*centre.host.dialled.lock().unwrap(), [("10001".to_owned(), "13800000001".to_owned())]);
    let at = shown["processed_at"].clone();
    *centre.host.now_ms.lock().unwrap() += 5_000;
    assert_eq!(centre.one(&agent("10001", &[]), PROCESS, &id).unwrap()["processed_at"], at, "the first click counts");
    // Facts that come later change nothing of it.
    centre.goes_on(facts(|it| _ = it.rates(900, call(1), "10001", None)));
    assert_eq!(centre.list(&chief("1"), LIST, &[("processed", true.into())]).len(), 1);
}

/// Proves MISS-05 (processed even if the call fails), MISS-06.
#[test]
fn it_is_processed_even_where_nobody_can_be_called() {
    let centre = centre();
    let shown = centre.one(&agent("10003", &[]), PROCESS, &format!("{}-0001", call(3))).unwrap();
    assert_eq!(shown["processed"], true);
    assert!(shown["dial"]["refused"].as_str().unwrap().contains("withheld"), "{shown}");
    let mut who = agent("10001", &[]);
    who.keys = Keys::Only(["crm.missed_calls.read".to_owned()].into());
    let shown = centre.one(&who, PROCESS, &format!("{}-0001", call(1))).unwrap();
    assert_eq!(shown["processed"], true);
    assert!(shown["dial"]["refused"].as_str().unwrap().contains("call.dial"), "{shown}");
    assert!(centre.host.dialled.lock().unwrap().is_empty());
    let exports = hooks::plugin::Plugin::operations(&centre.crm);
    assert!(exports.iter().all(|it| !it.path.contains("export")));
}
