//! Lost calls (LOST).

use std::collections::BTreeMap;

use hooks::fact::{DirectoryChanged, DirectoryPart, Event, OfferOutcome};
use hooks::operation::{Fault, Request};
use hooks::plugin::Plugin as _;
use serde_json::{Map, Value, json};

use crate::host::{Centre, NOW, agent, chief, each};
use crate::story::{call, facts};

const LIST: &str = "list_crm_lost_calls";
const READ: &str = "read_crm_lost_call";
const OCCUPY: &str = "occupy_crm_lost_call";
const RELEASE: &str = "release_crm_lost_call";
const COMPLETE: &str = "complete_crm_lost_call";
const DIAL: &str = "dial_crm_lost_call";

/// Calls 1 and 3 are of one number, 2 of another, 4 of a withheld one.
fn centre() -> Centre {
    Centre::over(facts(|it| {
        it.is_lost(0, call(1), "13800000001", &["10001"]);
        it.is_lost(100, call(2), "02012345678", &[]);
        it.is_lost(200, call(3), "+8613800000001", &[]);
        it.is_lost(300, call(4), "", &[]);
    }))
}

fn id(n: u64) -> String {
    call(n).to_string()
}

fn calls(centre: &Centre, who: &str, query: &[(&str, Value)]) -> Vec<Value> {
    each(&centre.list(&agent(who, &[]), LIST, query), "id")
}

fn ids(numbers: &[u64]) -> Vec<Value> {
    numbers.iter().map(|n| id(*n).into()).collect()
}

/// Proves LOST-01.
#[test]
fn what_no_person_answered_is_lost_once() {
    let centre = Centre::over(facts(|it| {
        // Rang several agents: one row.
        it.is_lost(0, call(1), "13800000001", &["10001", "10002", "10001"]);
        // Rang an agent directly.
        it.comes_in(100, call(2), "13800000002").is_offered(101, call(2), "10001");
        it.offer_ends(110, call(2), ("10001", 9), OfferOutcome::CallerHungUp).ends(110, call(2));
        // Left a message, without any queue.
        it.comes_in(200, call(3), "13800000003").leaves_message(210, call(3)).ends(211, call(3));
        // A menu alone, an agent's talk, and an extension's call: none of them is lost.
        it.comes_in(300, call(4), "13800000004").ends(310, call(4));
        it.is_served(400, call(5), ("13800000005", "10001"));
        it.inside(500, call(6)).is_offered(501, call(6), "10001").ends(510, call(6));
        // Still waits.
        it.comes_in(600, call(7), "13800000007").queues(601, call(7), "support");
    }));
    let rows = centre.list(&chief("10001"), LIST, &[]);
    assert_eq!(each(&rows, "id"), ids(&[3, 2, 1]));
    assert_eq!(each(&rows, "voicemail"), [true, false, false]);
    assert_eq!(rows[2]["queue"], "support");
}

/// Proves LOST-02, LOST-09 (masked until occupied), GEN-07.
#[test]
fn numbers_are_masked_until_they_are_occupied() {
    let centre = centre();
    let rows = centre.list(&chief("10001"), LIST, &[]);
    assert_eq!(each(&rows, "caller"), ["", "+86****0001", "020****5678", "138****0001"]);
    assert_eq!(each(&rows, "location"), ["", "北京市", "", "北京市"]);
    assert_eq!(calls(&centre, "10001", &[("number", "013800000001".into())]), ids(&[3, 1]));
    assert_eq!(
        calls(&centre, "10001", &[("from", (NOW + 100_000).into()), ("to", (NOW + 300_000).into())]),
        ids(&[3, 2])
    );
    let occupied = centre.one(&agent("10001", &[]), OCCUPY, &id(1)).unwrap();
    assert_eq!((&occupied["caller"], &occupied["masked"]), (&json!("13800000001"), &json!(false)));
    let completed = centre.one(&agent("10001", &[]), COMPLETE, &id(1)).unwrap();
    assert_eq!(completed["caller"], "138****0001");
}

/// Proves LOST-05, LOST-06, LOST-07, LOST-09 (all open rows of the number), LOST-10 (managers, too), LOST-11.
#[test]
fn who_occupies_a_number_has_it_alone_until_he_gives_it_back() {
    let centre = centre();
    let (ann, ben) = (agent("10001", &[]), agent("10002", &[]));
    assert_eq!(each(&centre.list(&ann, LIST, &[]), "actions"), vec![json!(["occupy"]); 4]);
    centre.one(&ann, OCCUPY, &id(1)).unwrap();
    assert_eq!(calls(&centre, "10001", &[("state", "occupied".into())]), ids(&[3, 1]), "both of the number");
    assert_eq!(calls(&centre, "10002", &[]), ids(&[4, 2]), "others see them no more");
    assert_eq!(each(&centre.list(&chief("90000"), LIST, &[]), "id"), ids(&[4, 2]), "nor do managers");
    assert_eq!(centre.one(&ben, READ, &id(3)).unwrap_err().0, Fault::NotFound);
    let (fault, detail) = centre.one(&ben, OCCUPY, &id(3)).unwrap_err();
    assert!(fault == Fault::Refused && detail.contains("already occupied"), "{detail}");
    for act in [RELEASE, COMPLETE] {
        assert_eq!(centre.one(&ben, act, &id(1)).unwrap_err().0, Fault::Refused, "only the occupier");
    }
    let shown = centre.one(&ann, READ, &id(3)).unwrap();
    assert_eq!(shown["actions"], json!(["dial", "release", "complete"]));

    let released = centre.one(&ann, RELEASE, &id(3)).unwrap();
    assert_eq!((&released["state"], &released["actions"]), (&json!("open"), &json!(["occupy"])));
    assert_eq!(calls(&centre, "10002", &[]), ids(&[4, 3, 2, 1]), "as before, both of them");
    assert_eq!(centre.one(&ann, RELEASE, &id(3)).unwrap_err().0, Fault::Refused, "what is open cannot be released");
    assert_eq!(centre.one(&ann, OCCUPY, "nonsense").unwrap_err().0, Fault::NotFound);
    let mut program = chief("x");
    program.employee = None;
    assert_eq!(centre.one(&program, OCCUPY, &id(1)).unwrap_err().0, Fault::Refused);
}

/// Proves LOST-05 (dialled only when occupied), LOST-08.
#[test]
fn it_is_dialled_while_occupied_and_completed_for_all_to_see() {
    let centre = centre();
    let (ann, ben) = (agent("10001", &[]), agent("10002", &[]));
    assert_eq!(centre.one(&ann, DIAL, &id(1)).unwrap_err().0, Fault::Refused);
    centre.one(&ann, OCCUPY, &id(1)).unwrap();
    assert!(centre.one(&ann, DIAL, &id(1)).unwrap()["call"].is_string());
    assert_eq!(*centre.host.dialled.lock().unwrap(), [("10001".to_owned(), "13800000001".to_owned())]);
    assert_eq!(centre.one(&ben, DIAL, &id(1)).unwrap_err().0, Fault::NotFound);
    *centre.host.now_ms.lock().unwrap() = NOW + 400_000;
    centre.one(&ann, COMPLETE, &id(1)).unwrap();
    let seen = centre.one(&ben, READ, &id(3)).unwrap();
    assert_eq!((&seen["state"], &seen["owner"]), (&json!("completed"), &json!("10001")));
    assert_eq!((&seen["owned_at"], &seen["actions"]), (&json!("2026-11-22T08:36:40.000Z"), &json!([])));
    for act in [OCCUPY, RELEASE, COMPLETE, DIAL] {
        assert_eq!(centre.one(&ann, act, &id(1)).unwrap_err().0, Fault::Refused, "{act}");
    }
    assert_eq!(calls(&centre, "10001", &[("view", "mine".into())]), ids(&[3, 1]));
}

/// Proves LOST-09 (a new lost call of an occupied number is born occupied), and that a completed number begins anew.
#[test]
fn a_new_call_of_an_occupied_number_is_occupied_by_the_same() {
    let centre = centre();
    let ann = agent("10001", &[]);
    centre.one(&ann, OCCUPY, &id(1)).unwrap();
    centre.goes_on(facts(|it| {
        it.is_lost(400, call(5), "013800000001", &[]);
        it.is_lost(500, call(6), "02012345678", &[]);
    }));
    assert_eq!(centre.one(&ann, READ, &id(5)).unwrap()["owner"], "10001");
    assert_eq!(calls(&centre, "10002", &[]), ids(&[6, 4, 2]));
    centre.one(&ann, COMPLETE, &id(5)).unwrap();
    assert_eq!(centre.one(&agent("10002", &[]), READ, &id(1)).unwrap()["state"], "completed");
    centre.goes_on(facts(|it| _ = it.is_lost(600, call(7), "13800000001", &[])));
    assert_eq!(centre.one(&ann, READ, &id(7)).unwrap()["state"], "open");
}

/// Proves LOST-10 (anonymous numbers: completed but not dialled) and LOST-09 (they have no number in common).
#[test]
fn withheld_numbers_stand_alone_and_cannot_be_dialled() {
    let centre = centre();
    centre.goes_on(facts(|it| _ = it.is_lost(400, call(5), "", &[])));
    let ann = agent("10001", &[]);
    let shown = centre.one(&ann, OCCUPY, &id(4)).unwrap();
    assert_eq!(shown["actions"], json!(["release", "complete"]));
    assert_eq!(calls(&centre, "10002", &[]), ids(&[5, 3, 2, 1]), "the other withheld one is still there");
    assert!(centre.one(&ann, DIAL, &id(4)).unwrap_err().1.contains("withheld"));
    assert_eq!(centre.one(&ann, COMPLETE, &id(4)).unwrap()["state"], "completed");
}

/// Proves LOST-10 (rows of an employee who left, `lost_auto_release_h`).
#[test]
fn what_an_employee_who_left_occupies_is_released_and_after_the_set_time_everything() {
    let centre = centre();
    centre.one(&agent("10001", &[]), OCCUPY, &id(1)).unwrap();
    centre.one(&agent("10002", &[]), OCCUPY, &id(2)).unwrap();
    centre.host.employees.lock().unwrap().get_mut("10001").unwrap().active = false;
    let later = |hours: u64| {
        *centre.host.now_ms.lock().unwrap() = NOW + hours * 3_600_000;
        centre.goes_on(facts(|it| _ = it.comes_in(400 + hours, call(40 + hours), "13800000009")));
        centre.list(&chief("10003"), LIST, &[("state", "open".into())]).len()
    };
    assert_eq!(later(1), 3, "1 and 3 are open again, 2 is not");
    assert_eq!(later(5_000), 3, "never, unless it is set");
    let set = Request {
        operation: "change_crm_settings",
        caller: chief("10001"),
        path: BTreeMap::new(),
        query: Map::new(),
        body: json!({"lost_auto_release_h": 24}),
        if_match: Some(vec![0]),
        at_ms: NOW,
    };
    assert_eq!(centre.crm.handle(&centre.host, &set).unwrap().version, Some(1));
    assert_eq!(centre.crm.handle(&centre.host, &set).unwrap_err().fault, Fault::Changed);
    assert_eq!(later(5_001), 4);
}

/// Proves of LOST-10 that it is counted in hours, from the occupying.
#[test]
fn what_is_occupied_is_released_when_the_hours_are_over_and_not_before() {
    let centre = centre();
    let body = json!({"lost_auto_release_h": 24});
    let set = Request {
        operation: "change_crm_settings",
        caller: chief("10001"),
        path: BTreeMap::new(),
        query: Map::new(),
        body,
        if_match: Some(vec![0]),
        at_ms: NOW,
    };
    centre.crm.handle(&centre.host, &set).unwrap();
    centre.one(&agent("10001", &[]), OCCUPY, &id(1)).unwrap();
    for (hours, is_open) in [(23, false), (25, true)] {
        *centre.host.now_ms.lock().unwrap() = NOW + hours * 3_600_000;
        centre.goes_on(facts(|it| _ = it.comes_in(400 + hours, call(40 + hours), "13800000009")));
        assert_eq!(calls(&centre, "10002", &[]).contains(&Value::from(id(1))), is_open, "after {hours} h");
    }
}

/// Proves of LOST-10 that rows of an employee who left are released as soon as that is told.
#[test]
fn what_an_employee_occupies_is_released_when_a_fact_tells_that_he_left() {
    let mut centre = centre();
    centre.one(&agent("10001", &[]), OCCUPY, &id(1)).unwrap();
    assert_eq!(calls(&centre, "10002", &[]), ids(&[4, 2]));
    // One fact at a time: he is looked for before his leaving is told, and no minute passes until the end.
    centre.host.batches = vec![1];
    centre.goes_on(facts(|it| {
        it.comes_in(400, call(40), "13800000009");
        let (part, id, action) = (DirectoryPart::Employee, "10001".to_owned(), "updated".to_owned());
        it.at(401, Event::DirectoryChanged(DirectoryChanged { part, id, action }));
    }));
    assert_eq!(calls(&centre, "10002", &[]), ids(&[4, 3, 2, 1]));
}

/// Proves LOST-05 (atomic, the first wins).
#[test]
fn of_many_who_occupy_at_once_one_wins() {
    let centre = centre();
    let won = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (centre, won) = (&centre, &won);
            scope.spawn(move || {
                let who = agent(&format!("2000{n}"), &[]);
                match centre.one(&who, OCCUPY, &id([1, 3][n % 2])) {
                    Ok(_) => won.lock().unwrap().push(who.by),
                    Err((fault, detail)) => assert!(fault == Fault::Refused && detail.contains("already"), "{detail}"),
                }
            });
        }
    });
    let won = won.into_inner().unwrap();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(calls(&centre, &won[0], &[("state", "occupied".into())]), ids(&[3, 1]));
}
