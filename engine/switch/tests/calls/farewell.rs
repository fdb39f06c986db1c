//! A caller who has not acknowledged our 2xx is not told goodbye before it has (RFC 3261 §15).

use crate::ladder::World;

/// Alice is answered and says nothing; Bob hangs up.
fn left_before_the_ack() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        100ms  alice > INVITE 1002
        100ms  bob   < INVITE
        500ms  alice > silent
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        1200ms bob   > BYE
        "#,
    );
    assert!(world.phone("alice").inbox.is_empty(), "no BYE before the ACK");
    assert!(world.facts.contains(&"ended Normal by Callee 200".to_owned()), "the call is over for everybody else");
    world
}

#[test]
fn bye_follows_the_ack() {
    let mut world = left_before_the_ack();
    world.play(
        r#"
        1800ms alice > ACK
        1800ms alice < BYE
        1800ms alice > polite
        "#,
    );
    world.finish();
}

#[test]
fn bye_follows_when_no_ack_ever_comes() {
    let mut world = left_before_the_ack();
    world.play(
        r#"
        40s alice < BYE
        40s alice > polite
        "#,
    );
}

#[test]
fn a_caller_who_hangs_up_first_is_answered_and_gets_no_bye() {
    let mut world = left_before_the_ack();
    world.play(
        r#"
        1300ms alice > polite
        1300ms alice > BYE
        1400ms alice > ACK
        "#,
    );
    world.finish();
}

#[test]
fn a_called_phone_that_hangs_up_with_its_answer_is_not_lost() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        0ms  alice > silent
        1s   bob   > 200
        1s   bob   > BYE
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > ACK
        2s   alice < BYE
        2s   alice > polite
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Callee 200");
}

/// A caller may hang up in the instant in which it is answered; its ACK and its BYE come in either order.
#[test]
fn a_caller_that_hangs_up_with_its_ack_is_not_lost() {
    for (first, second) in [("ACK", "BYE"), ("BYE", "ACK")] {
        let mut world = World::with(&["alice", "bob"]);
        world.play(&format!(
            r#"
            0ms  alice > INVITE 1002
            0ms  bob   < INVITE
            0ms  alice > silent
            1s   bob   > 200
            1s   bob   < ACK
            1s   alice < 200
            1s   alice > {first}
            1s   alice > {second}
            1s   bob   < BYE
            "#
        ));
        world.finish();
        assert_eq!(world.facts.last().unwrap(), "ended Normal by Caller 200");
    }
}

#[test]
fn a_reinvite_that_crosses_our_bye_is_for_a_call_that_is_over() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > silent
        2s   bob   > BYE
        2s   alice < BYE
        2s   alice > REINVITE dir=sendonly
        2s   alice < 481
        2s   alice > answer 200
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Callee 200");
}

/// The same the other way round: what we answered already does not keep the call.
#[test]
fn a_bye_right_after_a_reinvite_ends_the_call() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms  alice > INVITE 1002
        0ms  bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > silent
        2s   alice > REINVITE dir=sendonly
        2s   alice < 200
        2s   alice > BYE
        2s   bob   < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Caller 200");
}
