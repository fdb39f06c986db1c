//! Call control by order: hold, transfer, consult, three-way, for whatever phones there are (section 5 of the requirements).

use std::time::Duration;

use hooks::fact::{AgentState, Supervision};
use switch::agent::Phase;
use switch::input::{AgentOrder, CallOrder, Command, Party, Supervise};
use switch::media::{EndpointId, MediaCommand};
use switch::output::{Done, Refused};

use crate::ladder::World;
use crate::queues::{centre, change, close, order, staffed};

fn control(world: &mut World, extension: &str, order: CallOrder) -> Result<Done, Refused> {
    let call = world.last_call.unwrap();
    let party = Some(Party::Extension(extension.parse().unwrap()));
    world.command(Command::Call { call, party, order })
}

fn to(number: &str) -> dialplan::number::Dialled {
    number.parse().unwrap()
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// A customer on the line talks with agent 10001 on Alice's phone; Bob (10002) is idle, Carol is an extension with no agent.
fn talking() -> World {
    talking_among(&["10001", "10002"])
}

fn talking_among(agents: &[&str]) -> World {
    let mut settings = centre();
    settings.record_internal = true;
    let mut world = staffed(settings, agents);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines hears alice");
    world
}

/// Proves CALL-12.
#[test]
fn a_customer_on_hold_hears_music_and_may_hang_up() {
    let mut world = talking();
    assert!(matches!(
        control(&mut world, "1001", CallOrder::Retrieve),
        Err(Refused::OutOfPhase { phase: Phase::Talking, .. })
    ));
    control(&mut world, "1001", CallOrder::Hold).unwrap();
    world.play("0ms lines hears HoldMusic\n0ms alice hears nothing");
    assert!(matches!(
        control(&mut world, "1001", CallOrder::Hold),
        Err(Refused::OutOfPhase { phase: Phase::Held, .. })
    ));
    assert!(of(&world, "Held").is_empty(), "no row of the table is logged for it");
    control(&mut world, "1001", CallOrder::Retrieve).unwrap();
    world.play("1s lines hears alice\n1s alice hears lines");
    control(&mut world, "1001", CallOrder::Hold).unwrap();
    world.play("5s lines > BYE\n5s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "held "), ["held 1001#1", "held 1001#1"]);
    assert_eq!(of(&world, "retrieved "), ["retrieved 1001#1"]);
    assert_eq!(of(&world, "CallEnd"), ["agent 10001 Ready->WrapUp None CallEnd"]);
}

/// Proves CALL-14.
#[test]
fn a_customer_is_handed_on_and_the_agent_is_out_at_once() {
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Transfer(to("1002"))).unwrap();
    world.play(
        "0ms alice < BYE\n0ms bob < INVITE `From: <sip:13800000000@`\n0ms lines hears HoldMusic\n1s bob > 180\n1s lines hears RingbackCn\n\
         2s bob > 200\n2s bob < ACK\n2s lines hears bob\n3s bob > BYE\n3s lines < BYE",
    );
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
    assert_eq!(of(&world, "offer_ended 10002"), ["offer_ended 10002 Answered 2000"]);
    assert_eq!(of(&world, "transferred"), ["transferred 1001#1 -> 1002#1 Blind"]);
}

/// Proves CALL-16: in 20 s the customer stands at the front of the queue that he came from.
#[test]
fn a_transfer_to_nobody_leads_back_to_the_front_of_the_queue() {
    let mut world = talking();
    // Somebody else has waited since.
    world.play("0ms carol > INVITE 1002\n0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n0ms carol < 200");
    let customer = world.facts.iter().filter(|fact| fact.starts_with("created Inbound")).count();
    assert_eq!(customer, 1);
    world.play("1s carol > BYE\n1s bob < BYE");
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    let call = world.first_call();
    let party = Some(Party::Extension("1001".parse().unwrap()));
    world.command(Command::Call { call, party, order: CallOrder::Transfer(to("1002")) }).unwrap();
    world.play("0ms alice < BYE\n0ms bob < INVITE\n0ms bob > 180\n20s bob < CANCEL\n20s alice < INVITE\n20s bob < ACK");
    world.play("0ms lines hears HoldMusic\n1s alice > 200\n1s alice < ACK\n1s lines hears alice\n2s lines > BYE\n2s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "transfer_failed"), ["transfer_failed 1001#1 NoAnswer 480"]);
    assert_eq!(of(&world, "offer_ended 10002 TimedOut"), ["offer_ended 10002 TimedOut 20000"]);
}

/// Proves CALL-17, CALL-18.
#[test]
fn an_agent_asks_a_colleague_and_goes_back_to_the_customer() {
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play(
        "0ms bob < INVITE `From: \"Alice\" <sip:1001@`\n0ms lines hears HoldMusic\n0ms alice hears nothing\n1s bob > 180\n1s alice hears RingbackCn\n\
         2s bob > 200\n2s bob < ACK\n2s alice hears bob\n2s bob hears alice\n2s lines hears HoldMusic",
    );
    control(&mut world, "1001", CallOrder::CancelConsult).unwrap();
    world.play("0ms bob < BYE\n0ms lines hears alice\n0ms alice hears lines\n5s lines > BYE\n5s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "consult"), ["consult_started 1001#1 1002", "consult_ended 1001#1 Cancelled"]);
    assert_eq!(of(&world, "10002 Ready->WrapUp"), ["agent 10002 Ready->WrapUp None CallEnd"]);
}

/// Proves CALL-19.
#[test]
fn a_consult_is_completed_once_the_colleague_has_answered() {
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 180");
    let early = control(&mut world, "1001", CallOrder::CompleteConsult);
    assert!(matches!(early, Err(Refused::OutOfPhase { phase: Phase::ConsultRinging, .. })), "{early:?}");
    world.play("1s bob > 200\n1s bob < ACK");
    control(&mut world, "1001", CallOrder::CompleteConsult).unwrap();
    world.play("0ms alice < BYE\n0ms lines hears bob\n0ms bob hears lines\n1s lines > BYE\n1s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "consult_ended"), ["consult_ended 1001#1 Completed"]);
    assert_eq!(of(&world, "transferred"), ["transferred 1001#1 -> 1002#1 Attended"]);
}

#[test]
fn an_agent_who_hangs_up_while_he_asks_hands_the_customer_on() {
    // The colleague has answered.
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s alice > BYE\n2s lines hears bob\n3s bob > BYE\n3s lines < BYE");
    close(world, &["10001", "10002"]);
    // He still rings: the customer hears that, and whoever answers has him.
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 180\n2s alice > BYE\n2s lines hears RingbackCn\n3s bob > 200\n3s bob < ACK\n3s lines hears bob\n4s lines > BYE\n4s bob < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves CALL-20.
#[test]
fn whom_an_agent_asks_may_not_answer_be_busy_or_hang_up() {
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 180\n20s bob < CANCEL\n20s bob < ACK\n20s lines hears alice");
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 486\n1s bob < ACK\n1s lines hears alice");
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s bob > BYE\n2s lines hears alice");
    // The button of the agent ends only the consult.
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    control(&mut world, "1001", CallOrder::HangUp).unwrap();
    world.play("0ms bob < BYE\n0ms lines hears alice");
    // The customer hangs up: the two that consult go on.
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s lines > BYE\n2s alice hears bob\n2s bob hears alice\n9s alice > BYE\n9s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(
        of(&world, "consult_ended"),
        ["NoAnswer", "Busy", "HungUp", "Cancelled", "PartyLeft"].map(|how| format!("consult_ended 1001#1 {how}"))
    );
}

#[test]
fn an_agent_on_a_call_is_not_asked_and_a_number_outside_is() {
    let mut world = talking();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    assert_eq!(control(&mut world, "1001", CallOrder::Consult(to("1002"))), Err(Refused::NotAvailable));
    assert_eq!(control(&mut world, "1001", CallOrder::Transfer(to("1002"))), Err(Refused::NotAvailable));
    assert_eq!(control(&mut world, "1001", CallOrder::Consult(to("4444"))), Err(Refused::NoRoute));
    assert_eq!(
        control(&mut world, "1001", CallOrder::ThreeWay(Some(to("13900000001")))),
        Err(Refused::OutsideByConsult)
    );
    assert_eq!(control(&mut world, "1003", CallOrder::Hold), Err(Refused::WhichParty));
    world.play("0ms lines hears alice");
    control(&mut world, "1001", CallOrder::Consult(to("13900000001"))).unwrap();
    world.play("0ms lines < INVITE `sip:913900000001@`\n1s lines > 486\n1s lines < ACK\n1s spare < INVITE\n2s spare > 200\n2s spare < ACK\n2s spare hears alice");
    control(&mut world, "1001", CallOrder::CompleteConsult).unwrap();
    world.play("0ms alice < BYE\n0ms spare hears lines\n1s spare > BYE\n1s lines < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves CALL-21, CALL-22.
#[test]
fn three_talk_after_a_consult_and_the_third_leaves_the_two() {
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    control(&mut world, "1001", CallOrder::ThreeWay(None)).unwrap();
    world.play("0ms lines hears alice+bob\n0ms alice hears lines+bob\n0ms bob hears lines+alice");
    for order in [CallOrder::Hold, CallOrder::Transfer(to("1003")), CallOrder::Consult(to("1003"))] {
        let refused = control(&mut world, "1001", order);
        assert!(matches!(refused, Err(Refused::OutOfPhase { phase: Phase::ThreeWay, .. })), "CALL-24: {refused:?}");
    }
    control(&mut world, "1002", CallOrder::CancelThreeWay).unwrap();
    world.play("0ms bob < BYE\n0ms lines hears alice\n0ms alice hears lines");
    // Directly: the two go on talking while the extension rings.
    control(&mut world, "1001", CallOrder::ThreeWay(Some(to("1003")))).unwrap();
    world.play("0ms carol < INVITE\n1s carol > 180\n1s lines hears alice\n20s carol < CANCEL\n20s carol < ACK\n20s lines hears alice");
    control(&mut world, "1001", CallOrder::ThreeWay(Some(to("1003")))).unwrap();
    world.play("0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n1s carol hears lines+alice\n2s carol > BYE\n2s lines hears alice\n3s lines > BYE\n3s alice < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(
        of(&world, "three_way"),
        ["three_way_started 1002#1", "three_way_ended 1002#1", "three_way_started 1003#2", "three_way_ended 1003#2"]
    );
}

/// Proves CALL-23.
#[test]
fn a_three_way_call_ends_for_all_when_one_of_the_first_two_goes() {
    for who in ["lines", "alice", "order"] {
        let mut world = talking();
        control(&mut world, "1001", CallOrder::ThreeWay(Some(to("1002")))).unwrap();
        world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s bob hears lines+alice");
        match who {
            "lines" => world.play("1s lines > BYE\n1s alice < BYE\n1s bob < BYE"),
            "alice" => world.play("1s alice > BYE\n1s lines < BYE\n1s bob < BYE"),
            _ => {
                control(&mut world, "1001", CallOrder::CancelThreeWay).unwrap();
                world.play("0ms lines < BYE\n0ms alice < BYE\n0ms bob < BYE");
            }
        }
        let world = close(world, &["10001", "10002"]);
        assert_eq!(of(&world, "three_way_ended"), ["three_way_ended 1002#1"], "{who}");
        assert_eq!(of(&world, "WrapUp None CallEnd").len(), 2, "{who}: {}", world.ladder());
    }
}

#[test]
fn hanging_up_rejects_what_rings_and_cancels_what_is_dialled() {
    let mut world = staffed(centre(), &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 180");
    control(&mut world, "1001", CallOrder::HangUp).unwrap();
    world.play("0ms alice < CANCEL\n0ms alice < ACK\n3s alice < INVITE\n3s alice > 180\n4s lines > BYE\n4s alice < CANCEL\n4s alice < ACK");
    assert_eq!(of(&world, "offer_ended")[0], "offer_ended 10001 Rejected 1000");
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 180\n0ms alice < 180");
    control(&mut world, "1001", CallOrder::HangUp).unwrap();
    world.play("0ms bob < CANCEL\n0ms alice < 487\n0ms bob < ACK");
    close(world, &["10001"]);
}

/// Proves REC-04 (consults): what is recorded of one is in a file of its own.
#[test]
fn a_consult_is_recorded_apart() {
    let mut world = talking();
    let call = world.last_call.unwrap();
    let record = switch::input::RecordAction::Start;
    world.command(Command::Record { call, action: record, by: "boss".into() }).unwrap();
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK");
    control(&mut world, "1001", CallOrder::CancelConsult).unwrap();
    world.play("0ms bob < BYE\n5s lines > BYE\n5s alice < BYE");
    let later = world.now() + Duration::from_secs(1);
    world.run_until(later);
    let world = close(world, &["10001", "10002"]);
    assert_eq!(
        of(&world, "recording_started"),
        [
            "recording_started lines#1 | 1001#1",
            "recording_started 1001#1 | 1002#1 part 2",
            "recording_started lines#1 | 1001#1 part 3",
        ]
    );
}

/// Proves CALL-04 as far as the server goes: in a talk the other party hears the keys, in a consult who is asked, of three both others.
#[test]
fn keys_are_heard_by_whom_the_phase_says() {
    fn press(world: &mut World, by: &str) -> Vec<(EndpointId, String)> {
        world.media.clear();
        control(world, by, CallOrder::Press("5#".into())).unwrap();
        let sent = world.media.iter().filter_map(|command| match command {
            MediaCommand::SendDigits { endpoint, digits } => Some((*endpoint, digits.clone())),
            _ => None,
        });
        sent.collect()
    }
    fn both(endpoint: EndpointId) -> [(EndpointId, String); 2] {
        [(endpoint, "5".to_owned()), (endpoint, "#".to_owned())]
    }
    let mut world = talking();
    let (lines, alice) = (world.endpoint("lines"), world.endpoint("alice"));
    assert_eq!(press(&mut world, "1001"), both(lines), "not toward who was called, who is the agent");
    control(&mut world, "1001", CallOrder::Hold).unwrap();
    let held = control(&mut world, "1001", CallOrder::Press("5".into()));
    assert!(matches!(held, Err(Refused::OutOfPhase { phase: Phase::Held, .. })), "{held:?}");
    control(&mut world, "1001", CallOrder::Consult(to("1002"))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 180");
    let early = control(&mut world, "1001", CallOrder::Press("5".into()));
    assert!(matches!(early, Err(Refused::OutOfPhase { phase: Phase::ConsultRinging, .. })), "{early:?}");
    world.play("1s bob > 200\n1s bob < ACK");
    let bob = world.endpoint("bob");
    assert_eq!(press(&mut world, "1001"), both(bob), "and not the customer");
    control(&mut world, "1001", CallOrder::ThreeWay(None)).unwrap();
    for (by, others) in [("1001", [lines, bob]), ("1002", [lines, alice])] {
        let mut sent = press(&mut world, by);
        let mut wanted = others.map(both).concat();
        sent.sort();
        wanted.sort();
        assert_eq!(sent, wanted, "{by}");
    }
    world.play("1s lines > BYE\n1s alice < BYE\n1s bob < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves CALL-15: an idle agent, an extension, a queue, a number outside.
#[test]
fn a_customer_is_handed_on_to_each_kind_of_target() {
    for (target, phone) in [("1002", "bob"), ("1003", "carol"), ("7000", "bob")] {
        let mut world = talking();
        control(&mut world, "1001", CallOrder::Transfer(to(target))).unwrap();
        world.play(&format!(
            "0ms alice < BYE\n0ms {phone} < INVITE\n0ms lines hears HoldMusic\n1s {phone} > 200\n1s {phone} < ACK\n\
             1s lines hears {phone}\n1s {phone} hears lines\n2s {phone} > BYE\n2s lines < BYE"
        ));
        close(world, &["10001", "10002"]);
    }
    let mut world = talking();
    control(&mut world, "1001", CallOrder::Transfer(to("13900000001"))).unwrap();
    world.play(
        "0ms alice < BYE\n0ms lines < INVITE `sip:913900000001@`\n1s lines > 503\n1s lines < ACK\n1s spare < INVITE\n\
         2s spare > 200\n2s spare < ACK\n2s spare hears lines\n3s spare > BYE\n3s lines < BYE",
    );
    close(world, &["10001", "10002"]);
}

/// Proves CALL-16: a target that fails, and a call that no queue brought: it goes to the front of the agent's own.
#[test]
fn who_came_by_no_queue_goes_to_the_front_of_the_agents_own() {
    let mut world = staffed(centre(), &["10001"]);
    world.play("0ms carol > INVITE 1001\n0ms alice < INVITE\n0ms alice > 200\n0ms alice < ACK\n0ms carol < 200");
    let call = world.last_call.unwrap();
    // Somebody waits in the queue before.
    world.play("1s lines > INVITE 01012340000\n1s lines < 200\n2s lines hears HoldMusic");
    let party = Some(Party::Extension("1001".parse().unwrap()));
    world.command(Command::Call { call, party, order: CallOrder::Transfer(to("1002")) }).unwrap();
    world.play("0ms alice < BYE\n0ms bob < INVITE\n0ms carol hears HoldMusic\n1s bob > 486\n1s bob < ACK\n1s carol hears HoldMusic");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play(
        "0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s carol hears alice\n1s lines hears HoldMusic\n\
         2s lines > BYE\n3s carol > BYE\n3s alice < BYE",
    );
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "transfer_failed"), ["transfer_failed 1001#1 Busy 486"]);
    assert_eq!(
        of(&world, "left_queue"),
        ["left_queue support Answered 10001 1000 in time", "left_queue support Abandoned 4000"]
    );
}

/// Proves CALL-16: where there is no queue at all, a message for the agent if his extension takes any, else a prompt and the end.
#[test]
fn without_a_queue_a_message_is_taken_or_the_customer_is_told() {
    for takes_messages in [true, false] {
        let mut settings = centre();
        change(&mut settings, |queue| queue.members.clear());
        settings.extensions.get_mut(&"1001".parse().unwrap()).unwrap().handling.voicemail = takes_messages;
        let mut world = staffed(settings, &["10001"]);
        world.play("0ms carol > INVITE 1001\n0ms alice < INVITE\n0ms alice > 200\n0ms alice < ACK\n0ms carol < 200");
        control(&mut world, "1001", CallOrder::Transfer(to("1002"))).unwrap();
        world.play("0ms alice < BYE\n0ms bob < INVITE\n1s bob > 180\n1s carol hears RingbackCn\n20s bob < CANCEL\n20s bob < ACK");
        if takes_messages {
            world.play("0ms carol hears voicemail_greeting voicemail_leave_message Tone(Beep)");
            world.played("carol");
            world.play("1s carol > speaks\n6s carol > BYE");
        } else {
            world.play("0ms carol hears call_unavailable");
            world.played("carol");
            world.play("0ms carol < BYE");
        }
        let world = close(world, &["10001"]);
        let left = of(&world, "voicemail extension:1001 from 1003");
        assert_eq!(left.len(), usize::from(takes_messages), "{:?}", world.facts);
    }
}

/// Proves CALL-24; who monitors is not counted.
#[test]
fn three_are_the_most_and_nothing_else_is_done_meanwhile() {
    let mut world = talking_among(&["10001", "10002", "10003"]);
    let supervise = Supervise {
        call: world.first_call(),
        agent: Some("10001".parse().unwrap()),
        supervisor: Some("10003".parse().unwrap()),
        how: Supervision::Monitor,
        by: "chief".into(),
    };
    world.command(Command::Supervise(Box::new(supervise))).unwrap();
    world.play("0ms carol < INVITE\n0ms carol > 200\n0ms carol < ACK");
    let call = world.first_call();
    let ask = |world: &mut World, extension: &str, order: CallOrder| {
        let party = Some(Party::Extension(extension.parse().unwrap()));
        world.command(Command::Call { call, party, order })
    };
    ask(&mut world, "1001", CallOrder::ThreeWay(Some(to("1002")))).unwrap();
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s lines hears alice+bob\n1s bob hears lines+alice");
    let fourth = || to("13900000001");
    for party in ["1001", "1002"] {
        for order in [
            CallOrder::Hold,
            CallOrder::Transfer(fourth()),
            CallOrder::Consult(fourth()),
            CallOrder::ThreeWay(Some(fourth())),
            CallOrder::ThreeWay(None),
            CallOrder::Evaluate,
        ] {
            let refused = ask(&mut world, party, order.clone()).unwrap_err();
            assert!(matches!(refused, Refused::OutOfPhase { phase: Phase::ThreeWay, .. }), "{order:?}: {refused:?}");
            assert!(refused.to_string().contains("three are talking; end that first"), "{refused}");
        }
    }
    world.play("1s lines hears alice+bob\n1s alice hears lines+bob\n1s carol hears lines+alice+bob");
    world.play("1s lines > BYE\n1s alice < BYE\n1s bob < BYE\n1s carol < BYE");
    close(world, &["10001", "10002", "10003"]);
}

/// Proves CALL-26 as far as the server goes.
#[test]
fn wrap_up_follows_whoever_hangs_up_but_only_what_was_answered() {
    for who in ["order", "alice", "lines"] {
        let mut world = talking();
        match who {
            "order" => {
                control(&mut world, "1001", CallOrder::HangUp).unwrap();
                world.play("0ms alice < BYE\n0ms lines < BYE");
            }
            "alice" => world.play("0ms alice > BYE\n0ms lines < BYE"),
            _ => world.play("0ms lines > BYE\n0ms alice < BYE"),
        }
        let world = close(world, &["10001", "10002"]);
        assert_eq!(of(&world, "CallEnd"), ["agent 10001 Ready->WrapUp None CallEnd"], "{who}");
    }
    let mut world = staffed(centre(), &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n0ms alice > 180\n1s lines > BYE\n1s alice < CANCEL\n1s alice < ACK");
    // And one that he dials in vain, which he ends himself.
    world.play("2s alice > INVITE 1002\n2s bob < INVITE\n2s bob > 180\n2s alice < 180");
    control(&mut world, "1001", CallOrder::HangUp).unwrap();
    world.play("0ms bob < CANCEL\n0ms alice < 487\n0ms bob < ACK");
    let world = close(world, &["10001"]);
    assert!(of(&world, "WrapUp").is_empty(), "{:?}", world.facts);
}

/// Proves CALL-23 where a connection is lost: the third's ends its own part, anybody else's the call.
#[test]
fn a_three_way_call_outlives_a_phone_that_vanishes_only_if_it_is_the_thirds() {
    let refreshing = "extra=Supported:~timer|Session-Expires:~600;refresher=uas";
    for (gone, alice, bob) in [("bob", "", refreshing), ("alice", refreshing, "")] {
        let mut world = staffed(centre(), &["10001", "10002"]);
        world.play(&format!(
            "0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200 {alice}\n1s alice < ACK"
        ));
        control(&mut world, "1001", CallOrder::ThreeWay(Some(to("1002")))).unwrap();
        world.play(&format!("0ms bob < INVITE\n0ms bob > 200 {bob}\n0ms bob < ACK\n1s bob hears lines+alice"));
        // It should have refreshed its session; 600 s, less 32 s, after its answer.
        world.play(if gone == "bob" {
            "567s bob < BYE\n567s lines hears alice\n567s alice hears lines\n568s lines > BYE\n568s alice < BYE"
        } else {
            "567s alice < BYE\n567s lines < BYE\n567s bob < BYE"
        });
        let world = close(world, &["10001", "10002"]);
        assert_eq!(of(&world, "three_way_ended"), ["three_way_ended 1002#1"], "{gone}");
    }
}
