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
