//! The process is killed and another takes its place: which calls go on, and how the others are closed.

use std::time::Duration;

use sip::flow::{ConnectionId, Flow, Transport};

use crate::ladder::World;
use crate::under_test::config::ListeningSocket;
use crate::under_test::input::Input;

/// How long nobody was there.
const AWAY: Duration = Duration::from_secs(2);

const CALL: &str = r#"
0ms    alice > INVITE 1002
0ms    bob   < INVITE
1s     bob   > 200
1s     bob   < ACK
1s     alice < 200
"#;

const BEGUN: &str = "created Internal 1001 -> 1002
leg_started 1001#1
leg_started 1002#1
leg_answered 1002#1 PCMU
leg_answered 1001#1 PCMU
answered 1002#1
";

/// Two parties that talk, whose switch is killed at 1 s and comes back at 3 s.
fn killed_while_talking() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.play(CALL);
    world.crash(AWAY);
    world
}

fn check(mut world: World, script: &str, facts: &str) -> World {
    world.play(script);
    world.finish();
    world.expect_facts(&[BEGUN, facts].concat());
    world
}

#[test]
fn both_say_that_they_are_there_and_the_call_goes_on() {
    check(
        killed_while_talking(),
        r#"
        0ms    alice hears bob
        0ms    bob   hears alice
        0ms    alice < INVITE `CSeq: 1 INVITE` `m=audio 20000 RTP/AVP 0 8 101` ` 2 IN IP4` `a=sendrecv`
        0ms    bob   < INVITE `CSeq: 2 INVITE` `m=audio 20002 RTP/AVP 0 8 101` `a=sendrecv`
        100ms  alice > 200
        100ms  alice < ACK
        300ms  bob   > 200
        300ms  bob   < ACK
        300ms  alice hears bob
        300ms  bob   hears alice
        9s     alice > BYE
        9s     bob   < BYE
        "#,
        "resumed after 2300 ms
        leg_ended 1001#1 Normal 200
        leg_ended 1002#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_phone_that_forgot_the_call_ends_it_for_both() {
    for (forgot, other, first, second) in [("alice", "bob", "1001#1", "1002#1"), ("bob", "alice", "1001#1", "1002#1")] {
        check(
            killed_while_talking(),
            &format!(
                r#"
                0ms    alice < INVITE
                0ms    bob   < INVITE
                100ms  {other} > 200
                100ms  {other} < ACK
                200ms  {forgot} > 481
                200ms  {forgot} < ACK
                200ms  {other} < BYE
                200ms  {forgot} < BYE
                "#
            ),
            &format!(
                "leg_ended {first} Interrupted 200
                leg_ended {second} Interrupted 200
                ended Interrupted by System 200"
            ),
        );
    }
}

#[test]
fn who_refuses_the_offer_is_there() {
    for status in ["488", "606", "500"] {
        check(
            killed_while_talking(),
            &format!(
                r#"
                0ms    alice < INVITE
                0ms    bob   < INVITE
                100ms  alice > 200
                100ms  alice < ACK
                200ms  bob   > {status}
                200ms  bob   < ACK
                200ms  bob   hears alice
                200ms  alice hears bob
                9s     bob   > BYE
                9s     alice < BYE
                "#
            ),
            "resumed after 2200 ms
            leg_ended 1002#1 Normal 200
            leg_ended 1001#1 Normal 200
            ended Normal by Callee 200",
        );
    }
}

#[test]
fn nobody_is_handed_on_before_it_is_known_who_is_there() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(CALL);
    world.crash(AWAY);
    world.play(
        r#"
        0ms    alice < INVITE
        0ms    bob   < INVITE
        100ms  alice > 200
        100ms  alice < ACK
        200ms  alice > REFER 1003
        200ms  alice < 491
        300ms  bob   > 200
        300ms  bob   < ACK
        "#,
    );
    // The ladder's shell does not bring registrations back.
    let facts = std::mem::take(&mut world.facts);
    world.register(&["carol"]);
    world.facts = facts;
    world.play(
        r#"
        1s     alice > REFER 1003
        1s     alice < 202
        1s     alice < NOTIFY
        1s     carol < INVITE
        2s     carol > 200
        2s     carol < ACK
        2s     alice < NOTIFY
        2s     alice < BYE
        2s     bob hears carol
        "#,
    );
    // What is kept follows the transfer: the two that talk now are asked, and nobody else.
    world.crash(AWAY);
    world.play(
        r#"
        0ms    carol < INVITE
        0ms    bob   < INVITE
        100ms  carol > 200
        100ms  carol < ACK
        100ms  bob   > 200
        100ms  bob   < ACK
        100ms  bob hears carol
        100ms  carol hears bob
        3s     bob > BYE
        3s     carol < BYE
        "#,
    );
    world.finish();
    let facts = world.facts.join("\n");
    assert_eq!(facts.matches("resumed after").count(), 2, "{facts}");
    assert_eq!(facts.matches("\nended Normal by").count(), 1, "{facts}");
}

#[test]
fn a_transfer_under_way_when_the_process_dies_leaves_nothing_to_go_on_with() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(CALL);
    world.play(
        r#"
        1s     alice > REFER 1003
        1s     alice < 202
        1s     alice < NOTIFY
        1s     carol < INVITE
        "#,
    );
    assert!(world.checkpoints.is_empty(), "nobody talks");
}

#[test]
fn what_was_agreed_on_the_session_timer_holds() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 extra=Supported:~timer|Session-Expires:~600;refresher=uac|Min-SE:~300
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `Session-Expires: 600;refresher=uac`
        "#,
    );
    world.crash(AWAY);
    world.play(
        r#"
        0ms    alice < INVITE `Session-Expires: 600;refresher=uas` `Min-SE: 300`
        0ms    bob   < INVITE `Session-Expires: 1800;refresher=uac` `Min-SE: 90`
        100ms  alice > 200 extra=Require:~timer|Session-Expires:~600;refresher=uas
        100ms  alice < ACK
        100ms  bob   > 200
        100ms  bob   < ACK
        568100ms alice < BYE
        568100ms bob   < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended PeerLost by System 200", "Alice had to refresh in time");
}

#[test]
fn who_says_nothing_for_five_seconds_is_gone() {
    let world = check(
        killed_while_talking(),
        r#"
        0ms    alice > silent
        0ms    bob   > silent
        0ms    alice < INVITE
        0ms    bob   < INVITE
        4999ms alice hears bob
        5s     alice < BYE
        5s     bob   < BYE
        "#,
        "leg_ended 1001#1 Interrupted 200
        leg_ended 1002#1 Interrupted 200
        ended Interrupted by System 200",
    );
    let ended: Vec<u64> = world.fact_times("Interrupted");
    assert_eq!(ended, [1_000; 3], "the call ended when its process did");
}

#[test]
fn one_answer_is_not_enough() {
    check(
        killed_while_talking(),
        r#"
        0ms    bob   > silent
        0ms    alice < INVITE
        0ms    bob   < INVITE
        100ms  alice > 200
        100ms  alice < ACK
        5s     alice < BYE
        5s     bob   < BYE
        "#,
        "leg_ended 1001#1 Interrupted 200
        leg_ended 1002#1 Interrupted 200
        ended Interrupted by System 200",
    );
}

#[test]
fn a_bye_that_nobody_took_is_taken_when_it_is_repeated() {
    check(
        killed_while_talking(),
        r#"
        0ms    alice < INVITE
        0ms    bob   < INVITE
        100ms  alice > 200
        100ms  alice < ACK
        200ms  bob   > BYE
        200ms  alice < BYE
        "#,
        "leg_ended 1002#1 Interrupted 200
        leg_ended 1001#1 Interrupted 200
        ended Interrupted by System 200",
    );
}

#[test]
fn a_party_on_hold_stays_there() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(CALL);
    world.play(
        r#"
        1s     bob   > REINVITE dir=sendonly
        1s     bob   < 200 `a=recvonly`
        1s     alice hears HoldMusic
        "#,
    );
    world.crash(AWAY);
    check(
        world,
        r#"
        0ms    alice hears HoldMusic
        0ms    bob   hears alice
        0ms    alice < INVITE `a=sendrecv`
        0ms    bob   < INVITE `a=sendrecv`
        100ms  alice > 200
        100ms  alice < ACK
        100ms  bob   > 200 dir=sendonly
        100ms  bob   < ACK
        200ms  alice hears HoldMusic
        2s     bob   > REINVITE
        2s     bob   < 200 `a=sendrecv`
        2s     alice hears bob
        3s     bob   > BYE
        3s     alice < BYE
        "#,
        "held 1002#1
        resumed after 2100 ms
        retrieved 1002#1
        leg_ended 1002#1 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Callee 200",
    );
}

#[test]
fn a_second_crash_before_both_are_back_closes_the_call() {
    let mut world = killed_while_talking();
    world.play(
        r#"
        0ms    alice < INVITE
        0ms    bob   < INVITE
        "#,
    );
    assert!(world.checkpoints.is_empty(), "a call that makes the process die is tried once");
}

#[test]
fn a_call_goes_on_again_and_again() {
    let mut world = killed_while_talking();
    for gap in ["resumed after 2100 ms", "resumed after 2100 ms"] {
        world.play(
            r#"
            0ms    alice < INVITE
            0ms    bob   < INVITE
            100ms  alice > 200
            100ms  alice < ACK
            100ms  bob   > 200
            100ms  bob   < ACK
            "#,
        );
        assert_eq!(world.facts.last().unwrap(), gap);
        world.crash(AWAY);
    }
    world.play(
        r#"
        0ms    alice < INVITE `CSeq: 3 INVITE`
        0ms    bob   < INVITE `CSeq: 4 INVITE`
        100ms  alice > BYE
        100ms  bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_recording_goes_on_in_a_new_part() {
    let mut world = World::with(&["alice", "carol"]);
    world.play(
        r#"
        0ms    carol > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 200
        1s     lines < ACK
        1s     carol < 200
        "#,
    );
    assert_eq!(world.facts.last().unwrap(), "recording_started lines#1 | 1003#1");
    world.facts.clear();
    world.crash(AWAY);
    world.play(
        r#"
        0ms    carol < INVITE
        0ms    lines < INVITE
        100ms  carol > 200
        100ms  carol < ACK
        100ms  lines > 200
        100ms  lines < ACK
        2s     carol > BYE
        2s     lines < BYE
        "#,
    );
    world.expect_facts(
        "resumed after 2100 ms
        recording_started lines#1 | 1003#1 part 2
        recording_ready
        leg_ended 1003#1 Normal 200
        leg_ended lines#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn what_is_kept_changes_when_the_call_does_and_at_no_other_time() {
    let mut world = World::with(&["alice", "bob"]);
    let mut said = Vec::new();
    for script in [
        "0ms alice > INVITE 1002",
        "0ms bob < INVITE",
        "1s bob > 180",
        "0ms alice < 180",
        "1s bob > 200",
        "0ms bob < ACK",
        "0ms alice < 200",
        "1s bob > INFO",
        "0ms bob < 200",
        "1s bob > REINVITE dir=sendonly",
        "0ms bob < 200",
        "1s alice > BYE",
        "0ms bob < BYE",
    ] {
        world.play(script);
        if script.contains('>') {
            said.push(world.checkpoints_said);
        }
    }
    // After the answer, INFO (its CSeq), and the hold.
    assert_eq!(said, [0, 0, 1, 2, 3, 3]);
    world.finish();
}

#[test]
fn a_call_that_cannot_go_on_here_is_closed() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(CALL);
    let (_, checkpoint) = world.checkpoints.pop_first().unwrap();
    let text = serde_json::to_string(&checkpoint).unwrap();
    let damaged = [("\"remote_target\":\"sip:", "\"remote_target\":\"<"), ("\"default\"", "\"other\""), ("v=0", "x=0")];
    for (from, to) in damaged {
        let mut world = World::with(&["alice", "bob"]);
        assert!(text.contains(from), "{from} in {text}");
        let checkpoint = Box::new(serde_json::from_str(&text.replace(from, to)).unwrap());
        world.input(Input::Resume { checkpoint, interrupted_at_ms: 7 });
        let facts = world.facts.join("\n");
        assert_eq!(
            facts, "leg_ended  Interrupted 200\nleg_ended  Interrupted 200\nended Interrupted by System 200",
            "{from}"
        );
        world.run_until(Duration::from_secs(100));
        assert!(world.switch.is_quiescent(), "{from}: {:?}", world.switch.sizes());
    }
}

/// The phone's connection of that number.
fn over_tcp(world: &mut World, name: &'static str, connection: u64) -> Flow {
    let flow = Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: world.phone(name).address,
        connection: Some(ConnectionId(connection)),
    };
    world.flow_of(name, flow);
    flow
}

/// Carol, behind NAT, is registered over a connection, and Bob over UDP.
fn carol_on_tcp() -> World {
    let mut node = crate::ladder::node();
    node.sockets.push(ListeningSocket { transport: Transport::Tcp, local: "192.0.2.1:5060".parse().unwrap() });
    let mut world = World::new(node, crate::ladder::tenant());
    over_tcp(&mut world, "carol", 7);
    world.register(&["bob", "carol"]);
    world
}

#[test]
fn a_phone_behind_nat_whose_connection_broke_is_asked_over_its_next_one() {
    let mut world = carol_on_tcp();
    world.play(
        r#"
        0ms    bob   > INVITE 1003
        0ms    carol < INVITE
        1s     carol > 200
        1s     carol < ACK
        1s     bob   < 200
        "#,
    );
    world.crash(AWAY);
    world.play("0ms bob < INVITE\n100ms bob > 200\n100ms bob < ACK");
    let flow = over_tcp(&mut world, "carol", 1);
    world.play(
        r#"
        3s     carol > REGISTER
        3s     carol < 200 `REGISTER`
        3s     carol < INVITE
        3100ms carol > 200
        3100ms carol < ACK
        "#,
    );
    assert_eq!(world.last_flow, Some(flow));
    world.play("4s bob > BYE\n4s carol < BYE");
    world.finish();
    let facts = world.facts.join("\n");
    assert!(facts.contains("resumed after 5") && facts.contains("ended Normal by Caller"), "{facts}");
}

#[test]
fn a_phone_behind_nat_that_does_not_come_back_is_gone() {
    let mut world = carol_on_tcp();
    world.play(
        r#"
        0ms    bob   > INVITE 1003
        0ms    carol < INVITE
        1s     carol > 200
        1s     carol < ACK
        1s     bob   < 200
        "#,
    );
    world.crash(AWAY);
    world.play(
        r#"
        0ms    bob   < INVITE
        100ms  bob   > 200
        100ms  bob   < ACK
        5s     bob   < BYE
        5s     carol < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Interrupted by System 200");
}
