//! Call records (CDR) and calls that a mobile answered (LOSTANS).

use std::collections::BTreeSet;

use hooks::fact::{ConsultOutcome, EndCause, OfferOutcome, PeerKind, QueueExit};
use hooks::operation::{Caller, Fault, Keys};
use serde_json::{Value, json};

use crate::host::{Centre, DAY, NOW, agent, chief, each, sales, support};
use crate::story::{call, facts, leg, recording};

const LIST: &str = "list_crm_call_records";
const DIAL: &str = "dial_crm_call_record";
const OUTSIDE: &str = "list_crm_lost_answered";

fn records(centre: &Centre, query: &[(&str, Value)]) -> Vec<Value> {
    centre.list(&chief("10001"), LIST, query)
}

/// In the order of their parts.
fn parts(centre: &Centre) -> Vec<Value> {
    let mut records = records(centre, &[]);
    records.sort_by_key(|record| record["part"].as_u64());
    records
}

/// Proves CDR-06 (columns of a served call, but customer), CDR-07 (one part, one row), CDR-08 (inbound).
#[test]
fn a_served_caller_is_one_row_with_wait_ring_and_talk() {
    let facts = facts(|it| {
        it.is_served(0, call(1), ("13800000001", "10001")).rates(70, call(1), "10001", Some("满意"));
    });
    let records = records(&Centre::over(facts), &[]);
    assert_eq!(records.len(), 1);
    let expected = json!({
        "id": format!("{}-0001", call(1)), "call_id": call(1).to_string(), "part": 1, "type": "inbound", "source": "dialled",
        "caller": "13800000001", "callee": "4008", "location": "北京市", "line": "lines", "agent": "10001", "agent_name": "Ann",
        "department": {"id": sales().to_string(), "name": "Sales"}, "queue": "support",
        "started_at": "2026-11-22T08:30:00.000Z", "ring_at": "2026-11-22T08:30:04.000Z",
        "answered_at": "2026-11-22T08:30:09.000Z", "ended_at": "2026-11-22T08:31:09.000Z",
        "queue_wait_ms": 8_000, "ring_ms": 5_000, "talk_ms": 60_000, "total_ms": 69_000,
        "ended_by": "caller", "cause": "normal", "satisfaction": "满意", "recordings": [],
    });
    assert_eq!(records[0], expected);
}

/// Proves CDR-07 (a transfer makes a second row, joined by `call_id`), CDR-08 (to the end of this agent's part).
#[test]
fn a_transfer_makes_a_second_row() {
    let facts = facts(|it| {
        it.comes_in(0, call(1), "13800000001").queues(1, call(1), "support").is_offered(2, call(1), "10001");
        it.leg(2, call(1), leg(1), PeerKind::Extension, "1001");
        it.offer_ends(5, call(1), ("10001", 3), OfferOutcome::Answered);
        it.leaves_queue(5, call(1), ("support", 4), QueueExit::Answered).connects(5, call(1), "10001");
        it.is_recorded(5, call(1), (leg(9), leg(1)), 1);
        it.leg_ends(25, call(1), leg(1), EndCause::Transferred).is_free(25, call(1), "10001");
        it.leg(26, call(1), leg(2), PeerKind::Extension, "1002").is_offered(26, call(1), "10002");
        it.offer_ends(30, call(1), ("10002", 4), OfferOutcome::Answered).connects(30, call(1), "10002");
        it.is_recorded(30, call(1), (leg(9), leg(2)), 2);
        it.is_free(90, call(1), "10002").ends(90, call(1));
    });
    let records = parts(&Centre::over(facts));
    assert_eq!(each(&records, "agent"), ["10001", "10002"]);
    assert_eq!(each(&records, "call_id"), [call(1).to_string(), call(1).to_string()]);
    assert_eq!(each(&records, "talk_ms"), [20_000, 60_000]);
    assert_eq!(each(&records, "queue_wait_ms"), [4_000, 0]);
    assert_eq!(each(&records, "ring_ms"), [3_000, 4_000]);
    assert_eq!(each(&records, "cause"), ["transferred", "normal"]);
    assert_eq!(each(&records, "ended_by"), [Value::Null, "caller".into()]);
    let link = |n| json!([format!("/api/v1/recordings/{}", recording(n))]);
    assert_eq!(each(&records, "recordings"), [link(1), link(2)]);
    assert_eq!(each(&records, "department")[1]["name"], "Support");
}

/// Proves CDR-08 (outbound: the customer's answer) and CDR-07 (who dials in vain has a row).
#[test]
fn who_calls_out_talks_from_the_customers_answer() {
    let facts = facts(|it| {
        it.goes_out(0, call(1), "13900000009").dials(0, call(1), "10001");
        it.leg(1, call(1), leg(2), PeerKind::Trunk, "lines").rings(3, call(1), leg(2));
        it.picks_up(10, call(1), leg(2)).talks(10, call(1), leg(2)).connects(10, call(1), "10001");
        it.is_free(40, call(1), "10001").ends(40, call(1));
        it.goes_out(100, call(2), "13900000009").dials(100, call(2), "10001");
        it.leg(101, call(2), leg(3), PeerKind::Trunk, "lines").rings(102, call(2), leg(3));
        it.is_free(120, call(2), "10001").ends(120, call(2));
    });
    let centre = Centre::over(facts);
    let records = records(&centre, &[]);
    assert_eq!(each(&records, "agent"), ["10001", "10001"], "newest first");
    assert_eq!(each(&records, "type"), ["outbound", "outbound"]);
    assert_eq!(each(&records, "talk_ms"), [0, 30_000]);
    assert_eq!(each(&records, "ring_ms"), [18_000, 7_000]);
    assert_eq!(each(&records, "answered_at")[0], Value::Null);
}

/// Proves CDR-07 (no agent: one row; consult and internal are stored as such).
#[test]
fn calls_without_agent_and_consults_and_internal_calls_are_told_apart() {
    let facts = facts(|it| {
        it.is_lost(0, call(1), "13800000001", &[]);
        it.inside(200, call(2)).ends(230, call(2));
        it.is_served(300, call(3), ("13800000003", "10001"));
    });
    let kinds = |centre: &Centre| each(&records(centre, &[]), "type");
    let centre = Centre::over(facts);
    assert_eq!(kinds(&centre), ["inbound", "internal", "inbound"]);
    assert_eq!(each(&records(&centre, &[]), "agent"), [json!("10001"), Value::Null, Value::Null]);

    let asked = crate::story::facts(|it| {
        it.comes_in(0, call(1), "13800000001").connects(5, call(1), "10001");
        it.leg(5, call(1), leg(1), PeerKind::Extension, "1001");
        it.asks(20, call(1), leg(1), "1002").connects(25, call(1), "10002");
        it.asks_no_more(45, call(1), leg(1), ConsultOutcome::Completed).is_free(45, call(1), "10001");
        it.is_free(105, call(1), "10002").ends(105, call(1));
    });
    let rows = parts(&Centre::over(asked));
    assert_eq!(each(&rows, "type"), ["inbound", "inbound", "consult"]);
    assert_eq!(each(&rows, "agent"), ["10001", "10002", "10002"]);
    // He talks with the customer from where the other left.
    assert_eq!(each(&rows, "talk_ms"), [40_000, 60_000, 20_000]);
    assert_eq!((&rows[2]["caller"], &rows[2]["callee"]), (&json!("1001"), &json!("1002")));

    let cancelled = crate::story::facts(|it| {
        it.comes_in(0, call(1), "13800000001").connects(5, call(1), "10001");
        it.leg(5, call(1), leg(1), PeerKind::Extension, "1001");
        it.asks(20, call(1), leg(1), "1002").connects(25, call(1), "10002");
        it.asks_no_more(45, call(1), leg(1), ConsultOutcome::Cancelled).is_free(45, call(1), "10002");
        it.is_free(105, call(1), "10001").ends(105, call(1));
    });
    let rows = parts(&Centre::over(cancelled));
    assert_eq!(each(&rows, "agent"), ["10001", "10002"]);
    assert_eq!(each(&rows, "type"), ["inbound", "consult"]);
}

/// Proves CDR-02, CDR-03, GEN-08, GEN-10 (default time is today, newest first, pages).
#[test]
fn records_are_asked_for_by_number_agent_time_and_result() {
    let facts = facts(|it| {
        it.is_served(0, call(1), ("13800000001", "10001")).rates(70, call(1), "10001", Some("满意"));
        it.is_served(100, call(2), ("+8613800000001", "10002")).rates(170, call(2), "10002", None);
        it.goes_out(200, call(3), "013800000001").dials(200, call(3), "10001").is_free(220, call(3), "10001");
        it.ends(220, call(3));
        it.is_served(300, call(4), ("02011112222", "10001"));
    });
    let centre = Centre::over(facts);
    let calls = |query: &[(&str, Value)]| each(&records(&centre, query), "call_id");
    let ids = |calls: &[u64]| calls.iter().map(|n| call(*n).to_string().into()).collect::<Vec<Value>>();
    assert_eq!(calls(&[]), ids(&[4, 3, 2, 1]));
    assert_eq!(calls(&[("limit", 1.into())]), ids(&[4, 3, 2, 1]), "page by page");
    assert_eq!(calls(&[("number", "138 0000 0001".replace(' ', "").into())]), ids(&[3, 2, 1]), "by the normal form");
    assert_eq!(calls(&[("agent", "10002".into())]), ids(&[2]));
    assert_eq!(calls(&[("type", "outbound".into())]), ids(&[3]));
    assert_eq!(calls(&[("queue", "support".into())]), ids(&[4, 2, 1]));
    assert_eq!(calls(&[("satisfaction", "满意".into())]), ids(&[1]));
    assert_eq!(calls(&[("satisfaction", "not_rated".into())]), ids(&[2]));
    assert_eq!(calls(&[("satisfaction", "not_invited".into())]), ids(&[4, 3]));
    assert_eq!(calls(&[("talk_max_ms", 59_999.into())]), ids(&[3]));
    assert_eq!(calls(&[("talk_min_ms", 60_000.into())]), ids(&[4, 2, 1]));
    assert_eq!(calls(&[("from", (NOW + 100_000).into()), ("to", (NOW + 300_000).into())]), ids(&[3, 2]));
    // Tomorrow they are not of today.
    assert_eq!(calls(&[("from", (DAY + 86_400_000).into())]), ids(&[]));
    let mine = |query: &[(&str, Value)]| {
        let query = [query, &[("view", "mine".into())]].concat();
        centre.ask(&chief("10001"), LIST, "", &query)
    };
    assert_eq!(mine(&[("agent", "10002".into())]).unwrap_err().field.as_deref(), Some("agent"));
    assert_eq!(calls(&[("view", "mine".into())]), ids(&[4, 3, 1]));
}

/// Proves GEN-09 (for call records), GEN-08, CDR-10 (no operation changes them).
#[test]
fn who_sees_a_department_sees_its_rows_and_his_own() {
    let facts = facts(|it| {
        it.is_served(0, call(1), ("13800000001", "10001"));
        it.is_served(100, call(2), ("13800000002", "10002"));
        it.is_served(200, call(3), ("13800000003", "10003"));
        it.is_lost(300, call(4), "13800000004", &[]);
    });
    let centre = Centre::over(facts);
    let agents = |who, view: &str| each(&centre.list(&who, LIST, &[("view", view.into())]), "agent");
    assert_eq!(agents(agent("10001", &[]), "all"), ["10001"]);
    assert_eq!(agents(agent("10001", &[support()]), "all"), ["10003", "10002", "10001"]);
    assert_eq!(agents(agent("10002", &[support()]), "mine"), ["10002"]);
    assert_eq!(agents(agent("10002", &[sales(), support()]), "all").len(), 3, "a row of nobody is for who sees all");
    assert_eq!(agents(chief("10001"), "all").len(), 4);
    let operations = hooks::plugin::Plugin::operations(&centre.crm);
    let on_records = operations.iter().filter(|it| it.path.starts_with("call-records"));
    assert_eq!(on_records.map(|it| it.name).collect::<Vec<_>>(), [LIST, DIAL]);
}

/// Proves GEN-07 for the CRM's records: their other side is called by their id, of those alone that one sees.
#[test]
fn a_record_that_one_sees_is_dialled_by_its_id() {
    let facts = facts(|it| {
        it.is_served(0, call(1), ("13800000001", "10001"));
        it.goes_out(100, call(2), "13900000009").dials(100, call(2), "10001").is_free(120, call(2), "10001");
        it.ends(120, call(2));
    });
    let centre = Centre::over(facts);
    let id = |n: u64| format!("{}-0001", call(n));
    assert!(centre.one(&agent("10001", &[]), DIAL, &id(1)).unwrap()["call"].is_string());
    centre.one(&agent("10001", &[]), DIAL, &id(2)).unwrap();
    let dialled = centre.host.dialled.lock().unwrap().clone();
    assert_eq!(dialled.iter().map(|(_, number)| number.as_str()).collect::<Vec<_>>(), ["13800000001", "13900000009"]);
    assert_eq!(centre.one(&agent("10002", &[]), DIAL, &id(1)).unwrap_err().0, Fault::NotFound);
    let no_key = Caller { keys: Keys::Only(BTreeSet::new()), ..agent("10001", &[]) };
    assert_eq!(centre.one(&no_key, DIAL, &id(1)).unwrap_err().0, Fault::Refused);
}

/// Proves LOSTANS-01 (but download and export), LOSTANS-02, LOSTANS-04, LOST-01 (answered by a mobile: not lost).
#[test]
fn a_mobile_that_answers_in_place_of_an_agent_is_listed_and_is_no_lost_call() {
    let facts = facts(|it| {
        it.comes_in(0, call(1), "13800000001").queues(1, call(1), "support");
        it.leaves_queue(31, call(1), ("support", 30), QueueExit::MaxWait);
        it.leg(31, call(1), leg(5), PeerKind::Trunk, "13700000001").picks_up(40, call(1), leg(5));
        it.mobile_answers(40, call(1), "13700000001").is_recorded(40, call(1), (leg(4), leg(5)), 7);
        it.leg_ends(100, call(1), leg(5), EndCause::Normal).ends(101, call(1));
        it.is_served(200, call(2), ("13800000001", "10001"));
    });
    let centre = Centre::over(facts);
    let rows = centre.list(&chief("10001"), OUTSIDE, &[]);
    let expected = json!({
        "id": call(1).to_string(), "caller": "13800000001", "location": "北京市", "line": "lines", "queue": "support",
        "mobile": "13700000001", "began_at": "2026-11-22T08:30:00.000Z", "answered_at": "2026-11-22T08:30:40.000Z",
        "ended_at": "2026-11-22T08:31:40.000Z", "talk_ms": 60_000,
        "recordings": [format!("/api/v1/recordings/{}", recording(7))],
    });
    assert_eq!(rows, [expected]);
    assert!(centre.list(&chief("10001"), "list_crm_lost_calls", &[]).is_empty());
    let count = |query: &[(&str, Value)]| centre.list(&chief("10001"), OUTSIDE, query).len();
    assert_eq!(count(&[("number", "+8613700000001".into())]), 1);
    assert_eq!(count(&[("number", "13700000002".into())]), 0);
    assert_eq!(count(&[("talk_min_ms", 60_001.into())]), 0);
    assert_eq!(count(&[("to", NOW.into())]), 0);
    assert_eq!(centre.list(&agent("10001", &[sales()]), OUTSIDE, &[]).len(), 0, "they are of no department");
    let dial = |who| centre.one(&who, "dial_crm_lost_answered", &call(1).to_string());
    assert!(dial(chief("10001")).is_ok());
    assert_eq!(dial(agent("10001", &[sales()])).unwrap_err().0, Fault::NotFound);
    assert_eq!(*centre.host.dialled.lock().unwrap(), [("10001".to_owned(), "13800000001".to_owned())]);
}
