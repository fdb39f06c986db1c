//! Ordinary extensions that do not take a call: do-not-disturb, no call waiting, forwarding (AGT-18).

use crate::ladder::{World, node, tenant};
use crate::under_test::config::CallHandling;

fn handling(number: &str, set: impl FnOnce(&mut CallHandling)) -> (String, CallHandling) {
    let mut handling = CallHandling::default();
    set(&mut handling);
    (number.to_owned(), handling)
}

fn to(number: &str) -> Option<dialplan::number::Dialled> {
    Some(number.parse().unwrap())
}

/// Plays a ladder in which some extensions are set so.
fn check(set: &[(String, CallHandling)], registered: &[&'static str], script: &str, facts: &str) {
    let mut tenant = tenant();
    for (number, handling) in set {
        let extension = tenant.extensions.get_mut(&number.parse().unwrap()).unwrap();
        extension.handling = handling.clone();
    }
    let mut world = World::new(node(), tenant);
    world.register(registered);
    world.play(script);
    world.finish();
    if !facts.is_empty() {
        world.expect_facts(facts);
    }
}

/// Proves AGT-18 (do not disturb).
#[test]
fn who_shall_not_be_disturbed_is_busy() {
    check(
        &[handling("1002", |it| it.do_not_disturb = true)],
        &["alice", "bob"],
        "
        0ms    alice > INVITE 1002
        0ms    alice < 486
        1s     bob   > INVITE 1001
        1s     alice < INVITE
        2s     alice > 200
        2s     alice < ACK
        2s     bob   < 200
        3s     bob   > BYE
        3s     alice < BYE
        ",
        "",
    );
}

/// Proves AGT-18 (call waiting).
#[test]
fn with_call_waiting_a_second_call_rings_and_without_it_the_phone_is_busy() {
    let talk = "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 200
        0ms    bob   < ACK
        0ms    alice < 200
    ";
    check(
        &[],
        &["alice", "bob", "carol"],
        &format!(
            "{talk}
            1s     carol > INVITE 1002
            1s     bob   < INVITE
            2s     bob   > 486
            2s     bob   < ACK
            2s     carol < 486
            3s     alice > BYE
            3s     bob   < BYE
            "
        ),
        "",
    );
    check(
        &[handling("1002", |it| it.call_waiting = false)],
        &["alice", "bob", "carol"],
        &format!(
            "{talk}
            1s     carol > INVITE 1002
            1s     carol < 486
            2s     alice > BYE
            2s     bob   < BYE
            3s     carol > INVITE 1002
            3s     bob   < INVITE
            4s     bob   > 486
            4s     bob   < ACK
            4s     carol < 486
            "
        ),
        "",
    );
}

#[test]
fn a_phone_that_is_dialling_is_busy_without_call_waiting() {
    check(
        &[handling("1001", |it| it.call_waiting = false)],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     carol > INVITE 1001
        1s     carol < 486
        2s     bob   > 486
        2s     bob   < ACK
        2s     alice < 486
        ",
        "",
    );
}

/// Proves AGT-18 (forward always).
#[test]
fn an_extension_that_is_forwarded_always_never_rings() {
    check(
        &[handling("1002", |it| it.forward_always = to("1003"))],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    carol < INVITE
        1s     carol > 200
        1s     carol < ACK
        1s     alice < 200
        1s     alice hears carol
        2s     alice > BYE
        2s     carol < BYE
        ",
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1003#1
        leg_answered 1003#1 PCMU
        leg_answered 1001#1 PCMU
        answered 1003#1
        leg_ended 1001#1 Normal 200
        leg_ended 1003#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_forward_outside_tells_the_trunk_who_forwarded_and_why() {
    for (set, status, reason) in [
        (handling("1002", |it| it.forward_always = to("13800000000")), "", "unconditional"),
        (
            handling("1002", |it| {
                it.do_not_disturb = true;
                it.forward_busy = to("13800000000");
            }),
            "",
            "do-not-disturb",
        ),
        (handling("1002", |it| it.forward_busy = to("13800000000")), "486", "user-busy"),
        (handling("1002", |it| it.forward_busy = to("13800000000")), "603", "user-busy"),
        (handling("1002", |it| it.forward_no_answer = to("13800000000")), "480", "no-answer"),
    ] {
        let rings = format!(
            "
            0ms    bob   < INVITE
            0ms    bob   > {status}
            0ms    bob   < ACK
            "
        );
        check(
            &[set],
            &["alice", "bob"],
            &format!(
                "
                0ms    alice > INVITE 1002
                {}
                0ms    lines < INVITE `INVITE sip:913800000000@lines.example` `Diversion: <sip:01066668888@pbx.example>;reason={reason}`
                1s     lines > 200
                1s     lines < ACK
                1s     alice < 200
                2s     lines > BYE
                2s     alice < BYE
                ",
                if status.is_empty() { "" } else { &rings }
            ),
            "",
        );
    }
}

#[test]
fn a_call_that_nobody_answers_goes_on_and_the_phones_stop_ringing() {
    check(
        &[handling("1002", |it| it.forward_no_answer = to("1003"))],
        &["alice", "bob", "bob2", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob2  < INVITE
        1s     bob   > 180
        1s     bob2  > 180
        1s     alice < 180
        30s    carol < INVITE
        30s    bob   < CANCEL
        30s    bob2  < CANCEL
        30s    bob   > 487
        30s    bob   < ACK
        30s    bob2  > 487
        30s    bob2  < ACK
        40s    carol > 200
        40s    carol < ACK
        40s    alice < 200
        40s    alice hears carol
        41s    carol > BYE
        41s    alice < BYE
        ",
        "",
    );
}

/// Found by the simulator, seed 2112: the phone that rang was written down as busy.
#[test]
fn a_phone_that_rang_did_not_answer_whoever_else_is_busy() {
    check(
        &[
            handling("1002", |it| it.forward_no_answer = to("1003")),
            handling("1003", |it| {
                it.do_not_disturb = true;
                it.forward_busy = to("13800000000");
            }),
        ],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 180
        1s     alice < 180
        30s    lines < INVITE
        30s    bob   < CANCEL
        30s    bob   > 487
        30s    bob   < ACK
        31s    lines > 486
        31s    lines < ACK
        31s    alice < 486
        ",
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1
        leg_started lines#1
        leg_ended 1002#1 NoAnswer 0
        leg_ended lines#1 Busy 486
        leg_ended 1001#1 Busy 486
        ended Busy by Callee 486",
    );
}

#[test]
fn an_extension_without_a_phone_counts_as_one_that_does_not_answer() {
    check(
        &[handling("1002", |it| it.forward_no_answer = to("1003"))],
        &["alice", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    carol < INVITE
        1s     carol > 486
        1s     carol < ACK
        1s     alice < 486
        ",
        "",
    );
}

#[test]
fn forwards_are_followed_one_after_the_other_and_never_in_a_ring() {
    check(
        &[
            handling("1002", |it| it.forward_busy = to("1003")),
            handling("1003", |it| {
                it.do_not_disturb = true;
                it.forward_busy = to("13800000000");
            }),
        ],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 486
        0ms    bob   < ACK
        0ms    lines < INVITE `Diversion: <sip:01012345678@pbx.example>;reason=do-not-disturb`
        1s     lines > 486
        1s     lines < ACK
        1s     alice < 486
        ",
        "",
    );
    let around = |number: &'static str| {
        handling(number, move |it| it.forward_always = to(if number == "1002" { "1003" } else { "1002" }))
    };
    check(
        &[around("1002"), around("1003")],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    alice < 480
        ",
        "",
    );
}

/// What became of the call at the first extension says nothing of what it meets at the second.
/// Proves AGT-18 (forward on busy, on no answer).
#[test]
fn each_extension_forwards_for_its_own_reason() {
    check(
        &[
            handling("1002", |it| it.forward_busy = to("1003")),
            handling("1003", |it| it.forward_no_answer = to("13800000000")),
        ],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 486
        0ms    bob   < ACK
        0ms    carol < INVITE
        1s     carol > 480
        1s     carol < ACK
        1s     lines < INVITE `Diversion: <sip:01012345678@pbx.example>;reason=no-answer`
        2s     lines > 486
        2s     lines < ACK
        2s     alice < 486
        ",
        "",
    );
}

/// Neither the emergency services nor a service of our own, nor a number that leads nowhere.
#[test]
fn a_forward_that_may_not_be_followed_fails_as_the_phone_did() {
    for number in ["120", "*43", "00123456", "1002"] {
        check(
            &[handling("1002", |it| it.forward_busy = to(number))],
            &["alice", "bob"],
            "
            0ms    alice > INVITE 1002
            0ms    bob   < INVITE
            0ms    bob   > 486
            0ms    bob   < ACK
            0ms    alice < 486
            ",
            "",
        );
    }
}

#[test]
fn a_call_that_is_handed_on_follows_forwards_too() {
    check(
        &[handling("1003", |it| it.forward_always = to("13800000000"))],
        &["alice", "bob", "carol"],
        "
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        0ms    bob   > 200
        0ms    bob   < ACK
        0ms    alice < 200
        1s     bob   > REFER 1003
        1s     bob   < 202
        1s     bob   < NOTIFY `SIP/2.0 100 Trying`
        1s     lines < INVITE `reason=unconditional`
        2s     lines > 200
        2s     lines < ACK
        2s     bob   < NOTIFY `SIP/2.0 200 OK`
        2s     bob   < BYE
        2s     alice hears lines
        3s     alice > BYE
        3s     lines < BYE
        ",
        "",
    );
}
