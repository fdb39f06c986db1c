//! What is recorded by the settings of queues and lines, and what is not (REC-04).

use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::plan::Destination;
use serde_json::json;
use switch::config::{Overflow, TenantConfig, Version};
use switch::input::{CallOrder, Command, Party};
use switch::media::MediaCommand;

use crate::ladder::World;
use crate::queues::{centre, change, close, staffed};

/// The queue is recorded or not, and so are the lines.
fn settings(queue: bool, lines: bool) -> TenantConfig {
    let mut settings = centre();
    change(&mut settings, |own| own.record = queue);
    for trunk in settings.trunks.values_mut() {
        trunk.record = lines;
    }
    settings
}

fn started(world: &World) -> Vec<&str> {
    world.facts.iter().map(String::as_str).filter(|fact| fact.starts_with("recording_started")).collect()
}

/// Files that are written now.
fn running(world: &World) -> usize {
    let count = |is: fn(&MediaCommand) -> bool| world.media.iter().filter(|command| is(command)).count();
    count(|command| matches!(command, MediaCommand::Record { .. }))
        - count(|command| matches!(command, MediaCommand::StopRecording(_)))
}

/// Proves REC-04 (on or off for a group): a call by a queue is recorded as the queue says, from the answer to the end.
#[test]
fn a_queue_says_whether_its_calls_are_recorded() {
    for (queue, lines) in [(true, false), (false, true)] {
        let mut world = staffed(settings(queue, lines), &["10001"]);
        world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 180");
        assert_eq!(running(&world), 0, "nobody has answered");
        world.play("1s alice > 200\n1s alice < ACK\n1s lines hears alice");
        assert_eq!(running(&world), usize::from(queue));
        world.play("5s lines > BYE\n5s alice < BYE");
        assert_eq!(running(&world), 0);
        let world = close(world, &["10001"]);
        let wanted: &[&str] = if queue { &["recording_started lines#1 | 1001#1"] } else { &[] };
        assert_eq!(started(&world), wanted);
    }
}

/// Proves REC-04 (on or off for a line): in and out, where no queue has a say.
#[test]
fn a_line_says_whether_its_calls_are_recorded() {
    for lines in [true, false] {
        let mut world = staffed(settings(false, lines), &["10001"]);
        world.play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < 200\n1s lines hears alice");
        assert_eq!(running(&world), usize::from(lines), "in");
        world.play("5s lines > BYE\n5s alice < BYE");
        world.play("0ms alice > INVITE 13800000000\n0ms lines < INVITE\n1s lines > 180\n1s alice < 180");
        assert_eq!(running(&world), 0, "nobody has answered");
        world.play("1s lines > 200\n1s lines < ACK\n1s alice < 200");
        assert_eq!(running(&world), usize::from(lines), "out");
        world.play("5s alice > BYE\n5s lines < BYE");
        let world = close(world, &["10001"]);
        let wanted: &[&str] =
            if lines { &["recording_started lines#1 | 1001#1", "recording_started lines#2 | 1001#2"] } else { &[] };
        assert_eq!(started(&world), wanted);
    }
}

/// Proves REC-04 (an overflow mobile): who answers outside for the queue is recorded beside the customer, if the queue is.
#[test]
fn a_mobile_that_answers_for_the_queue_is_recorded() {
    for queue in [true, false] {
        let mut settings = settings(queue, false);
        change(&mut settings, |own| own.overflow = vec![Overflow::Number("13900000001".parse().unwrap())]);
        let mut world = staffed(settings, &[]);
        world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines < INVITE `sip:913900000001@`\n0ms lines > 503\n0ms lines < ACK\n0ms spare < INVITE\n0ms spare > 180");
        assert_eq!(running(&world), 0, "nobody has answered");
        world.play("1s spare > 200\n1s spare < ACK\n1s lines hears spare");
        assert_eq!(running(&world), usize::from(queue));
        world.play("5s lines > BYE\n5s spare < BYE");
        let world = close(world, &[]);
        let wanted: &[&str] = if queue { &["recording_started lines#1 | spare#1"] } else { &[] };
        assert_eq!(started(&world), wanted);
    }
}

/// Proves REC-04 (three-way): the third is beside the agent on his channel, in the same file.
#[test]
fn a_third_is_recorded_beside_the_agent() {
    let mut world = staffed(settings(true, false), &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK");
    let (call, party) = (world.first_call(), Some(Party::Agent("10001".parse().unwrap())));
    let order = CallOrder::ThreeWay(Some("1002".parse().unwrap()));
    world.command(Command::Call { call, party, order }).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice");
    let (lines, both) = (world.endpoint("lines"), ["alice", "bob"].map(|name| world.endpoint(name)));
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::RecordFrom { left, right, .. } => Some((left.clone(), right.clone())),
        _ => None,
    });
    assert_eq!(last, Some((vec![lines], both.to_vec())));
    world.play("1s lines > BYE\n1s alice < BYE\n1s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(started(&world), ["recording_started lines#1 | 1001#1"]);
}

/// Proves REC-04 (menus are not recorded), whatever the line and the queue say.
#[test]
fn what_a_caller_hears_and_presses_in_a_menu_is_not_recorded() {
    let flow = json!({
        "name": "main", "start": "menu",
        "nodes": {
            "menu": {
                "step": "menu", "prompt": ["ivr_welcome"], "silent": ["ivr_no_input"], "wrong": ["ivr_invalid"], "tries": 2,
                "timeout_s": 5, "no_choice": "end", "keys": {"1": "wait"},
            },
            "wait": {
                "step": "queue", "queue": "support", "answered": "end", "max_wait": "end", "full": "end",
                "nobody": "end",
            },
            "end": {"step": "hang_up"},
        },
    });
    let mut settings = settings(true, true);
    let flow = Flow::read(flow).unwrap();
    settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
    settings.plan.inbound.last_mut().unwrap().to = Destination::Flow("main".parse().unwrap());
    let mut world = staffed(settings, &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n2s lines hears ivr_welcome\n3s lines > press 1\n3s alice < INVITE\n4s lines hears HoldMusic");
    assert_eq!(running(&world), 0);
    world.play("1s alice > 200\n1s alice < ACK\n1s lines hears alice");
    assert_eq!(running(&world), 1);
    world.play("5s lines > BYE\n5s alice < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(started(&world), ["recording_started lines#1 | 1001#1"]);
}
