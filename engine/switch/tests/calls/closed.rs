//! Routes outside their opening hours, and numbers on block lists. Ladders begin on Sunday the 22nd of November 2026 at 16:00 in
//! Shanghai (see `ladder::now`).

use std::sync::Arc;

use dialplan::block::{Block, BlockLists, Treatment};
use dialplan::flow::Flow;
use dialplan::number_map::{NumberPattern, normal};
use dialplan::plan::{Closed, Destination, DidPattern, InboundRoute, RouteHours};
use dialplan::say::defaults;
use serde_json::{Value, json};
use switch::config::{TenantConfig, Version};
use switch::input::Command;
use switch::output::Refused;

use crate::ladder::{World, node};
use crate::queues::centre;

const NOON_MS: i64 = 1_795_334_400_000;

fn with(settings: TenantConfig) -> World {
    let mut world = World::new(node(), settings);
    world.clips_last = true;
    world.register(&["alice", "bob"]);
    world
}

/// The number 01012340001 leads to Alice within these times.
fn routed(times: &Value, closed: Closed) -> World {
    let mut settings = centre();
    settings.hours.insert("office".parse().unwrap(), Arc::new(serde_json::from_value(times.clone()).unwrap()));
    let hours = Some(RouteHours { name: "office".parse().unwrap(), closed });
    let to = Destination::Extension("1001".parse().unwrap());
    settings.plan.inbound.push(InboundRoute { trunk: None, did: DidPattern::Exact("01012340001".into()), to, hours });
    with(settings)
}

fn said() -> Closed {
    Closed { prompt: Some(defaults::IVR_CLOSED), holiday_prompt: Some(defaults::IVR_HOLIDAY), to: None }
}

fn mondays() -> Value {
    json!({"zone": "Asia/Shanghai", "weekly": {"mon": ["09:00-18:00"]}})
}

fn holiday() -> Value {
    json!({"zone": "Asia/Shanghai", "weekly": {"sun": ["09:00-18:00"]}, "holidays": ["2026-11-22"]})
}

/// Proves IVR-02.
#[test]
fn outside_the_hours_a_prompt_is_said_and_the_caller_goes_where_it_is_set() {
    let voicemail = Some(Destination::Voicemail("queue:support".parse().unwrap()));
    let message = "voicemail_leave_message Tone(Beep)";
    let cases = [
        // Closed on this day of the week, on a holiday, and a make-up day that is open.
        (mondays(), said(), "ivr_closed", ""),
        (holiday(), said(), "ivr_holiday", ""),
        (holiday(), Closed { holiday_prompt: None, ..said() }, "ivr_closed", ""),
        (mondays(), Closed { to: voicemail.clone(), ..said() }, "ivr_closed", message),
        (mondays(), Closed { to: voicemail, ..Closed::default() }, message, ""),
    ];
    for (times, closed, first, then) in cases {
        let mut world = routed(&times, closed.clone());
        world.play(&format!("0ms lines > INVITE 01012340001\n0ms lines < 200\n0ms lines hears {first}"));
        if first != message {
            world.played("lines");
            world.play(if then.is_empty() {
                "1s lines < BYE"
            } else {
                "0ms lines hears voicemail_leave_message Tone(Beep)"
            });
        }
        if !then.is_empty() || first == message {
            world.play("1s lines > BYE");
        }
        world.finish();
        assert!(!world.facts.iter().any(|fact| fact.contains("1001")), "{closed:?}: {:?}", world.facts);
    }
    let open = json!({"zone": "Asia/Shanghai", "make_up": [{"date": "2026-11-22", "times": ["09:00-18:00"]}]});
    let mut world = routed(&open, said());
    world.play("0ms lines > INVITE 01012340001\n0ms alice < INVITE\n1s alice > 486\n1s alice < ACK\n1s lines < 486");
    world.finish();
}

#[test]
fn without_a_word_and_a_place_a_closed_route_refuses_and_the_call_is_recorded_as_refused() {
    let mut world = routed(&mondays(), Closed::default());
    world.play("0ms lines > INVITE 01012340001\n0ms lines < 480");
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Refused by System 480");
}

#[test]
fn hours_that_are_not_there_count_as_open_and_those_that_change_count_for_new_calls() {
    let mut world = routed(&mondays(), said());
    let mut settings = world.tenant.clone();
    settings.hours.clear();
    world.input(switch::input::Input::Tenant(Arc::new(settings)));
    world.play("0ms lines > INVITE 01012340001\n0ms alice < INVITE\n1s alice > 486\n1s alice < ACK\n1s lines < 486");
    world.finish();
}

#[test]
fn a_closed_route_leads_into_a_queue_and_to_an_extension_that_does_not_answer() {
    let to = |to| Closed { to: Some(to), ..said() };
    let mut world = routed(&mondays(), to(Destination::Queue("support".parse().unwrap())));
    world.play("0ms lines > INVITE 01012340001\n0ms lines < 200\n0ms lines hears ivr_closed");
    world.played("lines");
    // Nobody is signed in there.
    world.play("0ms lines hears queue_closed");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    let mut world = routed(&mondays(), to(Destination::Extension("1002".parse().unwrap())));
    world.play("0ms lines > INVITE 01012340001\n0ms lines < 200\n0ms lines hears ivr_closed");
    world.played("lines");
    world.play(
        "
        0ms  bob   < INVITE
        0ms  bob   > 180
        0ms  lines hears RingbackCn
        5s   bob   > 486
        5s   bob   < ACK
        5s   lines hears call_unavailable
        ",
    );
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
}

fn blocked(callers: &[(&str, Block)], callees: &[(&str, Block)]) -> World {
    let mut lists = BlockLists::default();
    for (list, entries) in [(&mut lists.callers, callers), (&mut lists.callees, callees)] {
        for (number, block) in entries {
            let pattern = match number.strip_suffix('*') {
                Some(prefix) => NumberPattern::Prefix(prefix.parse().unwrap()),
                None => NumberPattern::Exact(normal(&number.parse().unwrap())),
            };
            list.insert(pattern, block.clone()).unwrap();
        }
    }
    let mut settings = centre();
    settings.blocks = Arc::new(lists);
    with(settings)
}

fn block(treatment: Treatment) -> Block {
    Block { treatment, expires_ms: None }
}

/// Proves GEN-19.
#[test]
fn a_blocked_caller_gets_what_is_set_until_that_expires_and_his_call_is_written_down() {
    for (number, treatment, answer, end) in [
        ("13800000000", Treatment::Busy, "486", "ended Busy by System 486"),
        ("+86138*", Treatment::HangUp, "603", "ended Refused by System 603"),
        ("138*", Treatment::Busy, "486", "ended Busy by System 486"),
        ("+8613800000000", Treatment::Prompt, "200", "ended Refused by System 200"),
    ] {
        let mut world = blocked(&[(number, block(treatment))], &[]);
        world.play(&format!("0ms lines > INVITE 01012345678\n0ms lines < {answer}"));
        if answer == "200" {
            world.play("0ms lines hears call_blocked");
            world.played("lines");
            world.play("1s lines < BYE");
        }
        world.finish();
        let fact = format!("blocked Caller 13800000000 {treatment:?}");
        assert!(world.facts.contains(&fact) && world.facts.last().unwrap() == end, "{number}: {:?}", world.facts);
    }
    let expiring = Block { treatment: Treatment::Busy, expires_ms: Some(NOON_MS + 5_000) };
    let mut world = blocked(&[("138*", expiring), ("139*", block(Treatment::Busy))], &[]);
    world.play(
        "
        0ms  lines > INVITE 01012345678
        0ms  lines < 486
        6s   lines > INVITE 01012345678
        6s   alice < INVITE
        7s   alice > 486
        7s   alice < ACK
        7s   lines < 486
        ",
    );
    world.finish();
}

#[test]
fn a_blocked_number_is_not_called_by_whatever_way_but_in_an_emergency() {
    let mut world = blocked(&[], &[("1380*", block(Treatment::HangUp)), ("1*", block(Treatment::Busy))]);
    world.play(
        "
        0ms  alice > INVITE 13800000000
        0ms  alice < 603
        1s   alice > INVITE 13900000000
        1s   alice < 486
        2s   alice > INVITE 110
        2s   lines < INVITE `INVITE sip:110@`
        3s   lines > 486
        3s   lines < ACK
        3s   alice < 486
        4s   alice > INVITE 1002
        4s   bob   < INVITE
        5s   bob   > 200
        5s   bob   < ACK
        5s   alice < 200
        6s   bob   > REFER 13800000000
        6s   bob   < 403
        7s   alice > BYE
        7s   bob   < BYE
        ",
    );
    let originate = Command::Originate { from: "1001".parse().unwrap(), to: "13800000000".parse().unwrap() };
    assert_eq!(world.command(originate), Err(Refused::Blocked));
    world.finish();
    assert!(world.facts.contains(&"blocked Callee 13800000000 HangUp".to_owned()), "{:?}", world.facts);
}

/// Proves IVR-01: within the hours each kind of place, outside of them what is set for that; a number outside only as dialled by a trunk.
#[test]
fn a_number_leads_within_its_hours_to_each_kind_of_place() {
    let open = json!({"zone": "Asia/Shanghai", "make_up": [{"date": "2026-11-22", "times": ["09:00-18:00"]}]});
    let flow =
        json!({"name": "hello", "start": "bye", "nodes": {"bye": {"step": "hang_up", "parts": ["ivr_goodbye"]}}});
    let flow = Flow::read(flow).unwrap();
    let outside = |number: &str| Destination::Outside(number.parse().unwrap());
    let rung = "0ms lines < INVITE `sip:913900000001@`\n1s lines > 503\n1s lines < ACK\n1s spare < INVITE\n2s spare > 200\n2s spare < ACK\n\
                2s lines < 200\n2s spare hears lines\n3s lines > BYE\n3s spare < BYE";
    for (to, play) in [
        (Destination::Flow("hello".parse().unwrap()), "0ms lines < 200\n0ms lines hears ivr_goodbye\n1s lines > BYE"),
        (
            Destination::Queue("support".parse().unwrap()),
            "0ms lines < 200\n0ms lines hears queue_closed\n1s lines > BYE",
        ),
        (
            Destination::Extension("1001".parse().unwrap()),
            "0ms alice < INVITE\n1s alice > 486\n1s alice < ACK\n1s lines < 486",
        ),
        (
            Destination::Voicemail("extension:1002".parse().unwrap()),
            "0ms lines < 200\n0ms lines hears voicemail_greeting voicemail_leave_message Tone(Beep)\n1s lines > BYE",
        ),
        (outside("13900000001"), rung),
        (outside("110"), "0ms lines < 404"),
        (outside("1001"), "0ms lines < 404"),
    ] {
        for times in [&open, &mondays()] {
            let mut settings = centre();
            settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow.clone()) });
            settings.hours.insert("office".parse().unwrap(), Arc::new(serde_json::from_value(times.clone()).unwrap()));
            let hours = Some(RouteHours { name: "office".parse().unwrap(), closed: said() });
            let did = DidPattern::Exact("01012340001".into());
            settings.plan.inbound.push(InboundRoute { trunk: None, did, to: to.clone(), hours });
            let mut world = with(settings);
            world.play("0ms lines > INVITE 01012340001");
            if times == &open {
                world.play(play);
            } else {
                world.play("0ms lines < 200\n0ms lines hears ivr_closed");
                world.played("lines");
                world.play("1s lines < BYE");
            }
            world.finish();
        }
    }
}
