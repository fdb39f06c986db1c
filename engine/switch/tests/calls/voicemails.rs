//! Callers who leave messages: for an extension that does not take their call, for a queue, and where a flow or a route leads there.

use std::sync::Arc;

use dialplan::flow::Flow;
use dialplan::plan::{Destination, DidPattern, InboundRoute};
use dialplan::say::defaults;
use hooks::fact::{AgentState, Way};
use serde_json::json;
use switch::agent::AfterCall;
use switch::config::{Overflow, TenantConfig, Version};
use switch::input::{AgentOrder, Input, SignIn};
use switch::media::{Detect, MediaCommand, MediaEvent, RecordingOutcome};

use crate::ladder::{World, node, tenant};
use crate::queues::{centre, order};

/// Bob's and Carol's extensions take messages.
fn boxes() -> TenantConfig {
    let mut settings = tenant();
    for number in ["1002", "1003"] {
        settings.extensions.get_mut(&number.parse().unwrap()).unwrap().handling.voicemail = true;
    }
    settings
}

/// What is said takes until the test says that it is over.
fn with(settings: TenantConfig, registered: &[&'static str]) -> World {
    let mut world = World::new(node(), settings);
    world.clips_last = true;
    world.register(registered);
    world
}

/// Alice has called 1002 in vain and heard the tone.
fn after_the_tone() -> World {
    let mut world = with(boxes(), &["alice"]);
    world.play(
        "
        0ms  alice > INVITE 1002
        0ms  alice < 200
        0ms  alice hears voicemail_greeting voicemail_leave_message Tone(Beep)
        ",
    );
    world.played("alice");
    world
}

fn told(world: &World) -> Vec<&str> {
    let kinds = ["recording_started ", "recording_discarded", "voicemail ", "ended "];
    world.facts.iter().map(String::as_str).filter(|fact| kinds.iter().any(|kind| fact.starts_with(kind))).collect()
}

#[test]
fn a_call_that_nobody_takes_ends_with_a_message_and_silence_ends_that() {
    let mut world = with(boxes(), &["alice", "bob"]);
    world.play(
        "
        0ms   alice > INVITE 1002
        0ms   bob   < INVITE
        0ms   bob   > 180
        0ms   alice < 180
        30s   bob   < CANCEL
        30s   alice < 200
        30s   alice hears voicemail_greeting voicemail_leave_message Tone(Beep)
        31s   bob   > 487
        31s   bob   < ACK
        ",
    );
    world.played("alice");
    assert!(matches!(world.media.as_slice(), [.., MediaCommand::DetectVoice { detect: Detect::On, .. }, _]));
    world.play(
        "
        0ms   alice hears nothing
        1s    alice > speaks
        8s    alice > pauses
        12s   alice hears nothing
        13s   alice hears voicemail_saved
        ",
    );
    world.played("alice");
    world.play("1s alice < BYE");
    world.finish();
    world.expect_facts(
        "
        created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1
        leg_answered 1001#1 PCMU
        leg_started extension:1002#1
        answered extension:1002#1
        leg_ended 1002#1 NoAnswer 0
        recording_started 1001#1 | extension:1002#1 for extension:1002
        voicemail extension:1002 from 1001 to 1002 8000
        recording_ready
        leg_ended extension:1002#1 Normal 0
        leg_ended 1001#1 Normal 200
        ended Normal by System 200
        ",
    );
}

/// Proves VM-05, but for the lost call that belongs to the CRM.
#[test]
fn a_message_ends_by_hang_up_by_the_pound_key_by_silence_and_after_three_minutes() {
    let kept = "voicemail extension:1002 from 1001 to 1002";
    let ends = [
        ("1s alice > speaks\n3s alice > BYE", Some("3000"), ""),
        ("1s alice > speaks\n3s alice > press #", Some("3000"), "voicemail_saved"),
        ("1s alice > speaks\n4s alice > press 5\n5s alice > press #", Some("5000"), "voicemail_saved"),
        ("1s alice > speaks\n7s alice > pauses\n12s alice hears voicemail_saved", Some("7000"), "voicemail_saved"),
        ("1s alice > speaks\n180s alice hears voicemail_saved", Some("180000"), "voicemail_saved"),
        ("5s alice hears voicemail_too_short", None, "voicemail_too_short"),
        ("500ms alice > speaks\n1999ms alice > press #", None, "voicemail_too_short"),
        ("500ms alice > speaks\n1999ms alice > BYE", None, ""),
    ];
    for (script, length, said) in ends {
        let mut world = after_the_tone();
        world.play(script);
        if !said.is_empty() {
            assert_eq!(world.heard_by("alice"), said, "{script}");
            world.played("alice");
            world.play("1s alice < BYE");
        }
        world.finish();
        let end = length.map_or("recording_discarded".to_owned(), |length| format!("{kept} {length}"));
        let by = if said.is_empty() { "ended Normal by Caller 200" } else { "ended Normal by System 200" };
        let started = "recording_started 1001#1 | extension:1002#1 for extension:1002";
        assert_eq!(told(&world), [started, &end, by], "{script}");
    }
}

#[test]
fn who_hangs_up_before_the_tone_leaves_nothing_and_a_key_skips_the_greeting() {
    let mut world = with(boxes(), &["alice"]);
    world.play("0ms alice > INVITE 1002\n0ms alice < 200\n2s alice > BYE");
    world.finish();
    assert_eq!(told(&world), ["ended Normal by Caller 200"]);
    let mut world = with(boxes(), &["alice"]);
    world.play("0ms alice > INVITE 1002\n0ms alice < 200\n1s alice > press 1\n1s alice hears Tone(Beep)");
    world.played("alice");
    world.play("1s alice > speaks\n4s alice > BYE");
    world.finish();
    assert_eq!(told(&world)[1], "voicemail extension:1002 from 1001 to 1002 4000");
}

#[test]
fn a_busy_extension_takes_messages_but_a_forward_goes_before() {
    let mut settings = boxes();
    let own = settings.extensions.get_mut(&"1002".parse().unwrap()).unwrap();
    own.handling.do_not_disturb = true;
    own.handling.voicemail_greeting = Some(defaults::IVR_CLOSED);
    let mut world = with(settings.clone(), &["alice", "bob", "carol"]);
    world.play(
        "
        0ms  alice > INVITE 1002
        0ms  alice < 200
        0ms  alice hears ivr_closed voicemail_leave_message Tone(Beep)
        1s   alice > BYE
        ",
    );
    world.finish();
    settings.extensions.get_mut(&"1002".parse().unwrap()).unwrap().handling.forward_busy =
        Some("1003".parse().unwrap());
    let mut world = with(settings, &["alice", "bob", "carol"]);
    // Who it is sent on to has a box of its own.
    world.play(
        "
        0ms  alice > INVITE 1002
        0ms  carol < INVITE
        1s   carol > 486
        1s   carol < ACK
        1s   alice < 200
        2s   alice > BYE
        ",
    );
    world.finish();
    assert!(world.facts.contains(&"leg_started extension:1003#1".to_owned()), "{:?}", world.facts);
}

#[test]
fn what_rings_in_vain_where_the_call_is_sent_on_to_a_busy_box_had_no_answer() {
    let mut settings = boxes();
    settings.extensions.get_mut(&"1002".parse().unwrap()).unwrap().handling.forward_no_answer =
        Some("1003".parse().unwrap());
    settings.extensions.get_mut(&"1003".parse().unwrap()).unwrap().handling.do_not_disturb = true;
    let mut world = with(settings, &["alice", "bob", "carol"]);
    world.play(
        "
        0ms   alice > INVITE 1002
        0ms   bob   < INVITE
        0ms   bob   > 180
        0ms   alice < 180
        30s   bob   < CANCEL
        30s   alice < 200
        31s   bob   > 487
        31s   bob   < ACK
        32s   alice > BYE
        ",
    );
    world.finish();
    assert!(world.facts.contains(&"leg_ended 1002#1 NoAnswer 0".to_owned()), "{:?}", world.facts);
    assert!(world.facts.contains(&"leg_started extension:1003#1".to_owned()), "{:?}", world.facts);
}

#[test]
fn neither_a_signed_in_agents_extension_nor_one_without_a_box_takes_messages() {
    let mut settings = centre();
    settings.extensions.get_mut(&"1002".parse().unwrap()).unwrap().handling.voicemail = true;
    assert_eq!(settings.agents.values().next().unwrap().rules.after_call, AfterCall::WrapUp);
    let mut world = with(settings, &["alice", "bob"]);
    let desk = SignIn { way: Way::Desk, extension: None };
    order(&mut world, "10002", AgentOrder::SignIn(desk)).unwrap();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::NotReady)).unwrap_or(switch::output::Done::Ok);
    world.facts.clear();
    world.play("0ms alice > INVITE 1002\n0ms alice < 486\n1s alice > INVITE 1003\n1s alice < 480");
    order(&mut world, "10002", AgentOrder::SignOut).unwrap();
    world.finish();
    assert!(!world.facts.iter().any(|fact| fact.contains("recording_started")));
}

#[test]
fn who_is_handed_on_to_a_box_comes_back_instead() {
    let mut world = with(boxes(), &["alice", "bob"]);
    world.play(
        "
        0ms  lines > INVITE 01012345678
        0ms  alice < INVITE
        1s   alice > 200
        1s   alice < ACK
        1s   lines < 200
        2s   alice > REFER 1003
        2s   alice < 202
        2s   alice < NOTIFY
        2s   alice < NOTIFY
        2s   lines hears alice
        3s   lines > BYE
        3s   alice < BYE
        ",
    );
    world.finish();
}

fn queue_with(overflow: Vec<Overflow>) -> TenantConfig {
    let mut settings = centre();
    let name = "support".parse().unwrap();
    let mut queue = switch::config::Queue::clone(&settings.queues[&name]);
    (queue.overflow, queue.voicemail_greeting) = (overflow, Some(defaults::QUEUE_CLOSED));
    settings.queues.insert(name, Arc::new(queue));
    settings
}

/// Proves QUEUE-06 (voicemail).
#[test]
fn a_queue_that_nobody_serves_takes_a_message() {
    let mut world = with(queue_with(vec![Overflow::Voicemail, Overflow::Say(defaults::QUEUE_BUSY)]), &["alice"]);
    world.play(
        "
        0ms  lines > INVITE 01012340000
        0ms  lines < 200
        0ms  lines hears queue_closed voicemail_leave_message Tone(Beep)
        ",
    );
    world.played("lines");
    world.play("1s lines > speaks\n6s lines > BYE");
    world.finish();
    assert_eq!(
        told(&world),
        [
            "recording_started lines#1 | support#1 for queue:support",
            "voicemail queue:support from 13800000000 to 01012340000 6000",
            "ended Normal by Caller 200",
        ]
    );
}

/// Proves IVR-03 (voicemail).
#[test]
fn a_flow_takes_a_message_with_words_of_its_own_and_goes_on() {
    let flow = json!({
        "name": "main", "start": "leave",
        "nodes": {
            "leave": {"step": "voicemail", "mailbox": "extension:1003", "greeting": ["ivr_closed"], "next": "bye"},
            "bye": {"step": "hang_up", "parts": ["ivr_goodbye"]},
        },
    });
    let mut settings = boxes();
    let flow = Flow::read(flow).unwrap();
    settings.flows.insert(flow.name.clone(), Version { number: 1, flow: Arc::new(flow) });
    let to = |destination| InboundRoute {
        trunk: None,
        did: DidPattern::Exact("01012340000".into()),
        to: destination,
        hours: None,
    };
    settings.plan.inbound.push(to(Destination::Flow("main".parse().unwrap())));
    let mut world = with(settings.clone(), &["alice"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears ivr_closed Tone(Beep)");
    world.played("lines");
    world.play("1s lines > speaks\n6s lines > press #\n6s lines hears ivr_goodbye");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
    assert_eq!(told(&world)[1], "voicemail extension:1003 from 13800000000 to 01012340000 6000");
    // The extension went since the flow was published.
    settings.extensions.remove(&"1003".parse().unwrap());
    let mut world = with(settings, &["alice"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears ivr_goodbye");
    world.played("lines");
    world.play("1s lines < BYE");
    world.finish();
}

#[test]
fn a_route_leads_into_a_box_and_a_box_that_is_not_there_is_nowhere() {
    for (number, answer) in [("1002", "200"), ("4444", "404")] {
        let mut settings = tenant();
        let to = Destination::Voicemail(format!("extension:{number}").parse().unwrap());
        settings.plan.inbound.push(InboundRoute {
            trunk: None,
            did: DidPattern::Exact("01012340000".into()),
            to,
            hours: None,
        });
        let mut world = with(settings, &["alice"]);
        world.play(&format!("0ms lines > INVITE 01012340000\n0ms lines < {answer}"));
        if answer == "200" {
            world.play("0ms lines hears voicemail_greeting voicemail_leave_message Tone(Beep)\n1s lines > BYE");
        }
        world.finish();
    }
}

#[test]
fn a_message_whose_recording_breaks_off_is_kept_as_far_as_it_goes() {
    for (outcome, end) in [
        (
            RecordingOutcome::Ready { bytes: 44, duration_ms: 9, sha256: "0".repeat(64), partial: true },
            "voicemail extension:1002 from 1001 to 1002 4000",
        ),
        (RecordingOutcome::Failed { reason: "the disk is full".into() }, ""),
    ] {
        let mut world = after_the_tone();
        world.play("1s alice > speaks\n4s alice hears nothing");
        let recording = world.media.iter().find_map(|command| match command {
            MediaCommand::Record { recording, left, right, .. } => {
                assert_eq!(left, right, "he is heard in both ears");
                Some(*recording)
            }
            _ => None,
        });
        let recording = recording.expect("it is recorded");
        world.input(Input::Media(MediaEvent::Recorded { recording, outcome }));
        world.play("0ms alice < BYE");
        world.finish();
        let kept: Vec<&String> = world.facts.iter().filter(|fact| fact.starts_with("voicemail")).collect();
        assert_eq!(kept, Vec::from_iter((!end.is_empty()).then_some(end)), "{:?}", world.facts);
    }
}

#[test]
fn a_message_that_is_being_left_when_the_process_stops_is_kept() {
    let mut world = after_the_tone();
    world.play("1s alice > speaks\n5s alice hears nothing");
    world.input(Input::Stop);
    world.play("0ms alice < BYE");
    world.finish();
    assert_eq!(told(&world)[1], "voicemail extension:1002 from 1001 to 1002 5000");
}
