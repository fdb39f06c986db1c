//! Two phones: the plain call, and every way in which it does not come about.

use std::time::Duration;

use sip::flow::{ConnectionId, Flow, Transport};

use crate::ladder::{World, check};

#[test]
fn two_phones_talk_and_either_may_hang_up() {
    for (who, other, by) in [("alice", "bob", "Caller"), ("bob", "alice", "Callee")] {
        let (first, second) = if who == "alice" { ("1001#1", "1002#1") } else { ("1002#1", "1001#1") };
        check(
            &["alice", "bob"],
            &format!(
                r#"
                0ms    alice > INVITE 1002
                0ms    bob   < INVITE `From: "Alice" <sip:1001@pbx.example>` `m=audio 20002 RTP/AVP 0 8 101`
                100ms  bob   > 180
                100ms  alice < 180 `!m=audio`
                2s     bob   > 200
                2s     bob   < ACK
                2s     alice < 200 `m=audio 20000 RTP/AVP 0 8 101` `a=sendrecv`
                2s     alice hears bob
                2s     bob   hears alice
                9s     {who} > BYE
                9s     {other} < BYE
                "#
            ),
            &format!(
                "created Internal 1001 -> 1002
                leg_started 1001#1
                leg_started 1002#1
                leg_ringing 1002#1
                leg_answered 1002#1 PCMU
                leg_answered 1001#1 PCMU
                answered 1002#1
                leg_ended {first} Normal 200
                leg_ended {second} Normal 200
                ended Normal by {by} 200"
            ),
        );
    }
}

#[test]
fn every_phone_rings_and_the_first_to_answer_wins() {
    check(
        &["alice", "bob", "bob2"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        200ms  bob2  > 180
        2s     bob2  > 200
        2s     bob2  < ACK
        2s     bob   < CANCEL `Reason: SIP;cause=200;text="Call completed elsewhere"`
        2s     bob   < ACK
        2s     alice < 200
        2s     alice hears bob2
        5s     alice > BYE
        5s     bob2  < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_started 1002#2
        leg_ringing 1002#1
        leg_ringing 1002#2
        leg_answered 1002#2 PCMU
        leg_answered 1001#1 PCMU
        answered 1002#2
        leg_ended 1002#1 AnsweredElsewhere 0
        leg_ended 1001#1 Normal 200
        leg_ended 1002#2 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_phone_that_answers_too_late_is_hung_up() {
    let world = check(
        &["alice", "bob", "bob2"],
        r#"
        0ms    bob   > silent
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        2s     bob2  > 200
        2s     bob2  < ACK
        2s     bob   < CANCEL
        2s     alice < 200
        2s     bob   > polite
        2100ms bob   > 200
        2100ms bob   < ACK
        2100ms bob   < BYE
        2600ms bob   > 200
        5s     alice > BYE
        5s     bob2  < BYE
        "#,
        "",
    );
    // RFC 3261 §13.2.2.4: each repetition of the 2xx is acknowledged.
    assert!(world.ladder().contains(" 2600ms  bob < ACK"), "{}", world.ladder());
}

/// A failure of the called phone, as the caller sees it, and what is written down.
fn fails(said: &str, told: &str, fact: &str) {
    check(
        &["alice", "bob"],
        &format!(
            r#"
            0ms    alice > INVITE 1002
            0ms    bob   < INVITE
            100ms  bob   > 180
            100ms  alice < 180
            1s     bob   > {said}
            1s     bob   < ACK
            1s     alice < {told}
            "#
        ),
        &format!(
            "created Internal 1001 -> 1002
            leg_started 1001#1
            leg_started 1002#1
            leg_ringing 1002#1
            leg_ended 1002#1 {fact} {said}
            leg_ended 1001#1 {fact} {told}
            ended {fact} by {} {told}",
            if matches!(fact, "Busy" | "Rejected") { "Callee" } else { "System" }
        ),
    );
}

#[test]
fn a_failure_of_the_called_phone_reaches_the_caller_with_its_cause() {
    fails("486", "486", "Busy");
    fails("600", "600", "Busy");
    fails("603", "603", "Rejected");
    fails("403", "403", "Rejected");
    fails("480", "480", "NoAnswer");
    fails("408", "480", "NoAnswer");
    fails("404", "404", "Unreachable");
    fails("488", "488", "NotAcceptable");
    fails("302", "480", "Failed");
    fails("503", "500", "Congestion");
    fails("407", "500", "Failed");
    fails("500", "500", "Failed");
}

#[test]
fn the_best_of_several_failures_is_told() {
    for (first, second, told) in [
        ("480", "486", "486"),
        ("486", "480", "486"),
        ("500", "486", "486"),
        ("404", "503", "404"),
        ("480", "404", "404"),
    ] {
        check(
            &["alice", "bob", "bob2"],
            &format!(
                r#"
                0ms    alice > INVITE 1002
                0ms    bob   < INVITE
                0ms    bob2  < INVITE
                1s     bob   > {first}
                1s     bob   < ACK
                2s     bob2  > {second}
                2s     bob2  < ACK
                2s     alice < {told}
                "#
            ),
            "",
        );
    }
}

#[test]
fn a_global_failure_ends_the_search() {
    check(
        &["alice", "bob", "bob2"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        1s     bob2  > 180
        1s     alice < 180
        2s     bob   > 603
        2s     bob   < ACK
        2s     bob2  < CANCEL
        2s     bob2  < ACK
        2s     alice < 603
        "#,
        "",
    );
}

#[test]
fn nobody_answers_in_time() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        31s    bob   < CANCEL
        31s    bob   < ACK
        31s    alice < 480
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1
        leg_ended 1001#1 NoAnswer 480
        leg_ended 1002#1 NoAnswer 0
        ended NoAnswer by System 480",
    );
}

#[test]
fn a_phone_that_is_gone_does_not_answer() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        33s    alice < 480
        "#,
    );
    world.finish();
}

#[test]
fn an_extension_without_a_phone_cannot_be_reached() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 1002
        0ms    alice < 480
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_ended 1001#1 Unreachable 480
        ended Unreachable by System 480",
    );
}

#[test]
fn a_number_that_leads_nowhere_is_not_found() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 7777
        0ms    alice < 404
        "#,
        "created Internal 1001 -> 7777
        leg_started 1001#1
        leg_ended 1001#1 Unreachable 404
        ended Unreachable by System 404",
    );
}

#[test]
fn the_caller_gives_up_before_anything_rings() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        50ms   alice > CANCEL
        50ms   alice < 487
        200ms  bob   > 180
        200ms  bob   < CANCEL
        200ms  bob   < ACK
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ended 1001#1 Cancelled 487
        leg_ended 1002#1 Cancelled 0
        ended Cancelled by Caller 487",
    );
}

#[test]
fn the_caller_gives_up_while_it_rings() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        3s     alice > CANCEL
        3s     alice < 487
        3s     bob   < CANCEL
        3s     bob   < ACK
        "#,
        "",
    );
}

#[test]
fn a_cancel_that_crosses_the_answer_ends_the_called_leg() {
    check(
        &["alice", "bob"],
        r#"
        0ms    bob   > silent
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        3s     alice > CANCEL
        3s     alice < 487
        3s     bob   < CANCEL
        3s     bob   > polite
        3010ms bob   > 200
        3010ms bob   < ACK
        3010ms bob   < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1
        leg_ended 1001#1 Cancelled 487
        leg_ended 1002#1 Cancelled 0
        ended Cancelled by Caller 487",
    );
}

#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        1s     alice > CANCEL
        2s     bob   hears alice
        3s     bob   > BYE
        3s     alice < BYE
        "#,
        "",
    );
}

#[test]
fn a_caller_may_end_its_early_dialog_by_bye() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        1s     alice > BYE
        1s     alice < 487
        1s     bob   < CANCEL
        1s     bob   < ACK
        "#,
        "",
    );
}

#[test]
fn both_hang_up_at_once() {
    check(
        &["alice", "bob"],
        r#"
        0ms    bob   > silent
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        3s     alice > BYE
        3s     bob   < BYE
        3s     bob   > BYE
        3s     bob   < 481
        4s     bob   > polite
        "#,
        "",
    );
}

#[test]
fn a_caller_that_never_acknowledges_is_hung_up() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    alice > silent
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        32s    alice > polite
        34s    alice < BYE
        34s    bob   < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended PeerLost by System 200");
}

#[test]
fn early_media_of_another_phone_is_heard_when_the_first_fails() {
    check(
        &["alice", "bob", "bob2"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        100ms  bob   > 183 sdp=PCMU
        100ms  alice < 183
        100ms  alice hears bob
        200ms  bob2  > 183 sdp=PCMU
        1s     bob   > 486
        1s     bob   < ACK
        1s     alice hears bob2
        2s     bob2  > 200 sdp=PCMU
        2s     bob2  < ACK
        2s     alice < 200
        3s     alice > BYE
        3s     bob2  < BYE
        "#,
        "",
    );
}

#[test]
fn early_media_is_heard_by_the_caller() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 183 sdp=PCMU
        100ms  alice < 183 `m=audio 20000 RTP/AVP 0`
        100ms  alice hears bob
        2s     bob   > 200 sdp=PCMU
        2s     bob   < ACK
        2s     alice < 200 `m=audio 20000 RTP/AVP 0`
        2s     alice hears bob
        3s     alice > BYE
        3s     bob   < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1 early
        leg_answered 1002#1 PCMU
        leg_answered 1001#1 PCMU
        answered 1002#1
        leg_ended 1001#1 Normal 200
        leg_ended 1002#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn silence_of_a_leg_ends_the_call() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    let bob = world.endpoint("bob");
    world.input(switch::input::Input::Media(switch::media::MediaEvent::Silent(bob)));
    world.play(
        r#"
        0ms    alice < BYE
        0ms    bob   < BYE `Reason: SIP;cause=408;text="No media"`
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended MediaTimeout by System 200");
}

#[test]
fn a_media_side_that_says_nothing_delays_the_end_by_two_seconds_and_no_more() {
    let mut world = World::with(&["alice", "bob"]);
    world.media_is_mute = true;
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 486
        1s     bob   < ACK
        1s     alice < 486
        "#,
    );
    assert!(!world.facts.iter().any(|fact| fact.starts_with("ended")));
    let later = world.now() + Duration::from_secs(2);
    world.run_until(later);
    assert_eq!(world.facts.last().unwrap(), "ended Busy by Callee 486");
    assert_eq!(world.switch.sizes().endpoints, 2, "ports stay taken until they are closed");
}

#[test]
fn a_call_outlives_the_connection_that_it_came_by() {
    let mut world = World::with(&["bob"]);
    let flow = by_tcp(&mut world);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `Contact: <sip:1002@192.0.2.1:5060;transport=tcp>`
        "#,
    );
    world.input(switch::input::Input::ConnectionClosed(ConnectionId(7)));
    world.play("1s bob hears alice\n2s bob > BYE\n2s alice < BYE");
    assert_eq!(world.last_flow, Some(Flow { connection: None, ..flow }));
    world.finish();
}

/// What is sent in the dialog must not go to a connection that closed before there was one.
#[test]
fn a_call_outlives_a_connection_that_closes_while_it_rings() {
    let mut world = World::with(&["bob"]);
    let flow = by_tcp(&mut world);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 180
        0ms    alice < 180
        "#,
    );
    world.input(switch::input::Input::ConnectionClosed(ConnectionId(7)));
    world.play("1s bob > 200\n1s bob < ACK\n1s alice < 200\n2s bob > BYE\n2s alice < BYE");
    assert_eq!(world.last_flow, Some(Flow { connection: None, ..flow }));
    world.finish();
}

/// Alice calls on a connection.
fn by_tcp(world: &mut World) -> Flow {
    let flow = Flow {
        transport: Transport::Tcp,
        local: "192.0.2.1:5060".parse().unwrap(),
        peer: world.phone("alice").address,
        connection: Some(ConnectionId(7)),
    };
    world.flow_of("alice", flow);
    flow
}
