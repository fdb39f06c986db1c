//! Calls in flows: what callers hear and press there, whom flows ring for them, and how they go on after that.

use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::plan::{Destination, DidPattern, InboundRoute};
use serde_json::{Value, json};
use switch::config::{TenantConfig, Version};
use switch::input::{Command, Input};

use crate::ladder::{World, node, tenant};

/// A tenant whose number 01012340000 leads into the first of these flows. What is said takes until the test says that it is over.
fn world(flows: &[Value]) -> World {
    with(walked(flows))
}

fn walked(flows: &[Value]) -> TenantConfig {
    let mut settings = tenant();
    for flow in flows {
        let flow = Flow::read(flow.clone()).unwrap();
        settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
    }
    let to = Destination::Flow("main".parse().unwrap());
    settings.plan.inbound.push(InboundRoute {
        trunk: None,
        did: DidPattern::Exact("01012340000".into()),
        to,
        hours: None,
    });
    settings
}

fn with(settings: TenantConfig) -> World {
    let mut world = World::new(node(), settings);
    world.clips_last = true;
    world.register(&["alice", "bob", "carol"]);
    world
}

fn main_flow() -> Value {
    json!({
        "name": "main",
        "start": "menu",
        "nodes": {
            "menu": {
                "step": "menu", "prompt": ["ivr_welcome"], "silent": ["ivr_no_input"],
                "wrong": ["ivr_invalid"], "tries": 2, "timeout_s": 5, "no_choice": "bye",
                "keys": {"1": "bob", "2": "collect", "3": "line", "4": "room", "5": "nobody", "6": "sub", "7": "meet", "8": "help", "9": "wait"},
            },
            "bob": {
                "step": "extension", "number": "1002", "ring_s": 10, "answered": "after", "busy": "busy",
                "no_answer": "menu", "failed": "bye",
            },
            "after": {"step": "play", "prompts": ["survey_thanks"], "next": "end"},
            "end": {"step": "hang_up"},
            "busy": {"step": "hang_up", "cause": "busy", "parts": ["call_busy"]},
            "collect": {
                "step": "collect", "prompt": ["ivr_enter_extension"], "into": "number", "max": 4,
                "next": "typed", "failed": "bye",
            },
            "typed": {"step": "extension", "number": "{number}", "failed": "bye"},
            "line": {"step": "outside", "number": "13800138000", "ring_s": 30, "failed": "bye"},
            "room": {"step": "conference", "room": "8000", "next": "after"},
            "help": {"step": "outside", "number": "110", "failed": "bye"},
            "wait": {"step": "voicemail", "mailbox": "extension:4444", "next": "after"},
            "meet": {"step": "conference", "room": "8000", "next": "bob"},
            "nobody": {"step": "extension", "number": "4444", "failed": "nobody"},
            "sub": {"step": "subflow", "flow": "other", "next": "after"},
            "bye": {"step": "hang_up", "parts": ["ivr_goodbye"]},
        },
    })
}

/// A caller from outside hears the menu.
fn menu() -> World {
    let mut world = world(&[main_flow()]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears ivr_welcome");
    world
}

/// Proves IVR-03 (play and menu).
#[test]
fn who_says_nothing_is_asked_again_and_led_on() {
    let mut world = menu();
    world.played("lines");
    world.play("4s lines hears nothing\n6s lines hears ivr_no_input ivr_welcome");
    world.played("lines");
    world.play("6s lines hears ivr_goodbye");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    assert_eq!(
        world.facts,
        [
            "created Inbound 13800000000 -> 01012340000",
            "leg_started lines#1",
            "leg_answered lines#1 PCMU",
            "leg_started main#1",
            "answered main#1",
            "walked menu > no_choice, bye > .",
            "leg_ended main#1 Normal 0",
            "leg_ended lines#1 Normal 200",
            "ended Normal by System 200",
        ]
    );
}

/// What is told of ways through flows.
fn walked_in(world: &World) -> Vec<&str> {
    world.facts.iter().filter_map(|fact| fact.strip_prefix("walked ")).collect()
}

/// Proves IVR-03 as far as a record tells the way.
#[test]
fn the_way_through_a_flow_is_told_once_the_caller_is_with_somebody_else() {
    let mut world = menu();
    world.play("1s lines > press 0\n1s lines hears ivr_invalid ivr_welcome");
    assert!(walked_in(&world).is_empty(), "what has just begun is told with what follows: {:?}", world.facts);
    world.play("2s lines > press 1\n2s bob < INVITE");
    assert_eq!(walked_in(&world), ["menu 01 > 1, bob > ."]);
    world.play("3s bob > 200\n3s bob < ACK\n4s bob > BYE\n4s lines hears survey_thanks");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    assert_eq!(walked_in(&world)[1..], ["bob > answered, after > next, end > ."]);
}

/// The fact is in the journal while he walks: a killed process cannot take it along.
#[test]
fn the_way_of_who_walks_for_long_is_told_meanwhile() {
    let mut world = menu();
    world.play("4s lines > press 0\n4s lines hears ivr_invalid ivr_welcome\n11s lines > press 2\n11s lines hears ivr_enter_extension");
    assert_eq!(walked_in(&world), ["menu 02 > 2, collect > ."]);
    world.play("12s lines > press 40#\n12s lines > BYE");
    world.finish();
    assert_eq!(walked_in(&world)[1..], ["collect typed 3 > next, typed > failed, bye > ."]);
}

/// Digits that are collected may be a PIN.
#[test]
fn no_fact_tells_which_digits_were_collected() {
    let mut main = main_flow();
    main["nodes"]["collect"]["next"] = json!("after");
    let mut world = world(&[main]);
    world.play(
        "0ms lines > INVITE 01012340000\n0ms lines < 200\n1s lines > press 2\n2s lines > press 8642\n3s lines > BYE",
    );
    world.finish();
    assert_eq!(walked_in(&world), ["menu 2 > 2, collect typed 4 > next, after > ."]);
    assert!(!world.facts.iter().any(|fact| fact.contains("8642")), "{:?}", world.facts);
}

/// Many menus are few facts.
#[test]
fn who_goes_from_menu_to_menu_is_told_by_the_dozen() {
    let round = json!({
        "name": "main", "start": "round",
        "nodes": {
            "round": {"step": "menu", "prompt": [], "keys": {"1": "round"}, "no_choice": "bye"},
            "bye": {"step": "hang_up"},
        },
    });
    let mut world = world(&[round]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200");
    let presses: String = (1..40).map(|at| format!("{}ms lines > press 1\n", at * 100)).collect();
    world.play(&presses);
    world.play("4s lines > BYE");
    world.finish();
    let walked = walked_in(&world);
    let nodes: Vec<usize> = walked.iter().map(|told| told.split(", ").count()).collect();
    assert_eq!(nodes, [16, 16, 10], "each begins with the node in which the one before ended: {walked:?}");
}

#[test]
fn a_key_ends_what_is_said_and_rings_somebody_with_whom_the_caller_talks_and_the_flow_goes_on() {
    let mut world = menu();
    world.play(
        r#"
        1s  lines > press 1
        1s  bob   < INVITE
        1s  bob   > 180
        1s  lines hears RingbackCn
        2s  bob   > 200
        2s  bob   < ACK
        2s  lines hears bob
        2s  bob   hears lines
        3s  bob   > BYE
        3s  lines hears survey_thanks
        "#,
    );
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    let answered = world.facts.iter().filter(|fact| fact.starts_with("answered")).count();
    assert_eq!(answered, 1, "the call was answered when the flow took it: {:?}", world.facts);
    assert!(world.facts.iter().any(|fact| fact == "leg_ended 1002#1 Normal 200"), "{:?}", world.facts);
}

#[test]
fn who_does_not_answer_or_is_busy_leads_elsewhere() {
    let mut world = menu();
    world.play(
        r#"
        1s   lines > press 1
        1s   bob   < INVITE
        1s   bob   > 180
        10s  lines hears RingbackCn
        11s  bob   < CANCEL
        11s  bob   < ACK
        11s  lines hears ivr_welcome
        12s  lines > press 1
        12s  bob   < INVITE
        12s  bob   > 486
        12s  bob   < ACK
        12s  lines hears call_busy
        "#,
    );
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    assert!(world.facts.contains(&"ended Busy by System 200".to_owned()), "{:?}", world.facts);
}

/// Proves IVR-03 (collect, extension).
#[test]
fn an_extension_is_typed_and_its_caller_hangs_up() {
    let mut world = menu();
    world.play(
        r#"
        1s  lines > press 2
        1s  lines hears ivr_enter_extension
        2s  lines > press 1003
        2s  carol < INVITE
        2s  carol > 200
        2s  carol < ACK
        3s  lines hears carol
        4s  lines > BYE
        4s  carol < BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"ended Normal by Caller 200".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_caller_who_goes_while_somebody_is_rung_takes_the_flow_along() {
    let mut world = menu();
    world.play("1s lines > press 1\n1s bob < INVITE\n1s bob > 180\n2s lines > BYE\n2s bob < CANCEL\n2s bob < ACK");
    world.finish();
}

#[test]
fn a_caller_who_goes_in_the_middle_of_a_word_leaves_nothing_behind() {
    let mut world = menu();
    world.play("1s lines > BYE");
    world.finish();
}

/// Proves IVR-03 (outside number).
#[test]
fn a_flow_rings_outside() {
    let mut world = menu();
    world.play(
        r#"
        1s  lines > press 3
        1s  lines < INVITE
        1s  lines > 503
        1s  lines < ACK
        1s  spare < INVITE
        1s  spare > 200
        1s  spare < ACK
        2s  lines hears spare
        3s  spare > BYE
        3s  lines < BYE
        "#,
    );
    world.finish();
}

/// GEN-18 holds for it as for a number that a phone dials: no limit of a trunk counts.
#[test]
fn a_flow_reaches_an_emergency_number_by_a_full_trunk() {
    let mut settings = walked(&[main_flow()]);
    settings.trunks.get_mut(&"lines".parse().unwrap()).unwrap().policy.limits.outbound.calls = Some(0);
    let mut world = with(settings);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n1s lines > press 8\n1s lines < INVITE");
    world.play("0ms lines > 486\n0ms lines < ACK\n1s lines > BYE");
    world.finish();
}

#[test]
fn a_mailbox_that_is_there_no_more_is_passed_over() {
    let mut world = menu();
    world.play("1s lines > press 9\n1s lines hears survey_thanks\n2s lines > BYE");
    world.finish();
    assert_eq!(world.switch.metrics().flow_faults, 0);
}

#[test]
fn a_conference_that_its_moderator_ends_leads_on() {
    let mut world = menu();
    world.play("1s lines > press 4\n1s lines hears HoldMusic");
    world.command(Command::Conference("8000".parse().unwrap(), switch::input::ConferenceOrder::End)).unwrap();
    world.play("1s lines hears survey_thanks");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
}

#[test]
fn somebody_is_rung_right_after_a_conference() {
    let mut world = menu();
    world.play("1s lines > press 7\n1s lines hears HoldMusic");
    world.command(Command::Conference("8000".parse().unwrap(), switch::input::ConferenceOrder::End)).unwrap();
    world.play("0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n1s lines hears bob\n2s lines > BYE\n2s bob < BYE");
    world.finish();
    let services: Vec<&String> =
        world.facts.iter().filter(|fact| fact.contains("main#") || fact.contains("8000#")).collect();
    assert_eq!(
        services,
        [
            "leg_started main#1",
            "answered main#1",
            "leg_started 8000#1",
            "leg_ended main#1 Transferred 0",
            "leg_ended 8000#1 Command 0",
            "leg_started main#2",
            "leg_ended main#2 Transferred 0",
        ]
    );
}

#[test]
fn a_flow_that_turns_in_circles_without_anybody_ends_with_a_fault() {
    let mut world = menu();
    world.play("1s lines > press 5\n1s lines < BYE");
    world.finish();
    assert_eq!(world.switch.metrics().flow_faults, 1);
    assert!(world.facts.contains(&"ended Failed by System 200".to_owned()), "{:?}", world.facts);
}

/// Proves IVR-03 (other flow).
#[test]
fn flows_lead_through_others_and_a_missing_one_is_a_fault() {
    let other = json!({
        "name": "other", "start": "say",
        "nodes": {
            "say": {"step": "say", "parts": ["ivr_closed"], "next": "back"},
            "back": {"step": "return"},
        },
    });
    let mut world = world(&[main_flow(), other]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n1s lines > press 6\n1s lines hears ivr_closed");
    world.played("lines");
    world.play("1s lines hears survey_thanks\n2s lines > BYE");
    world.finish();
    assert_eq!(walked_in(&world), ["menu 6 > 6, sub > flow, say > next, back > return, after > ."]);
    let mut world = menu();
    world.play("1s lines > press 6\n1s lines < BYE");
    world.finish();
    assert_eq!(world.switch.metrics().flow_faults, 1);
    assert_eq!(walked_in(&world), ["menu 6 > 6, sub > .missing"]);
}

#[test]
fn a_call_into_a_flow_that_is_not_there_is_refused() {
    let mut world = world(&[]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 404");
    world.finish();
}

#[test]
fn an_agent_hands_the_caller_of_a_flow_on_as_any_other() {
    let mut world = menu();
    world.play(
        r#"
        1s  lines > press 1
        1s  bob   < INVITE
        1s  bob   > 200
        1s  bob   < ACK
        2s  bob   > REFER 1003
        2s  bob   < 202
        2s  bob   < NOTIFY
        2s  carol < INVITE
        2s  carol > 200
        2s  carol < ACK
        2s  bob   < NOTIFY
        2s  bob   < BYE
        3s  lines hears carol
        4s  lines > BYE
        4s  carol < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_node_that_stops_ends_calls_in_flows() {
    let mut world = menu();
    world.input(Input::Stop);
    world.play("1s lines < BYE");
    world.finish();
    assert!(world.facts.iter().any(|fact| fact.starts_with("ended Stopped")), "{:?}", world.facts);
}

/// A flow that asks for the hours. Ladders begin on Sunday the 22nd of November 2026 at 16:00 in Shanghai (see `ladder::now`).
fn asks_for_hours(times: Value) -> World {
    let flow = json!({
        "name": "main", "start": "hours",
        "nodes": {
            "hours": {
                "step": "condition", "otherwise": "closed",
                "cases": [
                    {"when": [{"hours": {"name": "office", "is": "open"}}], "go": "bob"},
                    {"when": [{"hours": {"name": "office", "is": "holiday"}}], "go": "holiday"},
                ],
            },
            "bob": {"step": "extension", "number": "1002", "failed": "closed"},
            "holiday": {"step": "hang_up", "parts": ["ivr_holiday"]},
            "closed": {"step": "hang_up", "parts": ["ivr_closed"]},
        },
    });
    let mut settings = walked(&[flow]);
    settings.hours.insert("office".parse().unwrap(), Arc::new(serde_json::from_value(times).unwrap()));
    with(settings)
}

#[test]
fn a_flow_branches_by_the_wall_clock_open_closed_or_holiday() {
    let cases = [
        (json!({"zone": "Asia/Shanghai", "weekly": {"sun": ["15:00-16:01"]}}), None),
        (
            json!({"zone": "Asia/Shanghai", "weekly": {"sun": ["09:00-16:00"], "mon": ["00:00-24:00"]}}),
            Some("ivr_closed"),
        ),
        // There it is eight in the morning.
        (json!({"zone": "Europe/London", "weekly": {"sun": ["15:00-16:01"]}}), Some("ivr_closed")),
        (
            json!({"zone": "Asia/Shanghai", "weekly": {"sun": ["00:00-24:00"]}, "holidays": ["11-22"]}),
            Some("ivr_holiday"),
        ),
        (
            json!({
                "zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}, "holidays": ["11-22"],
                "make_up": [{"date": "2026-11-22", "like": "mon"}],
            }),
            None,
        ),
    ];
    for (times, said) in cases {
        let mut world = asks_for_hours(times.clone());
        world.play("0ms lines > INVITE 01012340000");
        match said {
            None => world.play(
                "0ms bob < INVITE\n0ms lines < 200\n0ms bob > 180\n1s lines > BYE\n1s bob < CANCEL\n1s bob < ACK",
            ),
            Some(said) => {
                world.play(&format!("0ms lines < 200\n0ms lines hears {said}"));
                world.played("lines");
                world.play("1s lines < BYE");
            }
        }
        world.finish();
    }
}

#[test]
fn hours_end_by_the_second() {
    let mut world = asks_for_hours(json!({"zone": "Asia/Shanghai", "weekly": {"sun": ["09:00-16:01"]}}));
    world.play(
        r#"
        59s  lines > INVITE 01012340000
        59s  bob   < INVITE
        59s  lines < 200
        59s  bob   > 486
        59s  bob   < ACK
        59s  lines hears ivr_closed
        61s  lines > BYE
        61s  lines > INVITE 01012340000
        61s  lines < 200
        61s  lines hears ivr_closed
        62s  lines > BYE
        "#,
    );
    assert!(world.phone("bob").inbox.is_empty());
    world.finish();
}
