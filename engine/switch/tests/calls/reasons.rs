//! Why peers say that they end a call, and why we say that we do (RFC 3326).

use crate::ladder::check;

fn ended(world: &crate::ladder::World, leg: &str) -> String {
    let start = format!("leg_ended {leg} ");
    world.facts.iter().find_map(|fact| fact.strip_prefix(&start)).unwrap_or_default().to_owned()
}

#[test]
fn the_cause_of_the_network_is_written_down_and_handed_on() {
    for (said, fact, told) in [
        (
            "Reason:~Q.850;cause=16;text=\"Normal~call~clearing\"",
            "Normal 200 because Q.850;cause=16;text=\"Normal call clearing\"",
            "`Reason: Q.850;cause=16`",
        ),
        ("Reason:~SIP;cause=200,~q.850;cause=31", "Normal 200 because SIP;cause=200", "`Reason: Q.850;cause=31`"),
        ("Reason:~Q.850;cause=128", "Normal 200 because Q.850;cause=128", "`!Reason`"),
        ("Reason:~;;", "Normal 200", "`!Reason`"),
        ("Subject:~x", "Normal 200", "`!Reason`"),
    ] {
        let world = check(
            &["alice"],
            &format!(
                r#"
                0ms    lines > INVITE 01012345678
                0ms    alice < INVITE
                1s     alice > 200
                1s     alice < ACK
                1s     lines < 200
                5s     lines > BYE extra={said}
                5s     alice < BYE {told}
                "#
            ),
            "",
        );
        assert_eq!(ended(&world, "lines#1"), fact, "{said}");
        assert_eq!(ended(&world, "1001#1"), "Normal 200", "{said}");
    }
}

#[test]
fn a_long_reason_is_cut() {
    let text = "x".repeat(300);
    let world = check(
        &["alice", "bob"],
        &format!(
            r#"
            0ms    alice > INVITE 1002
            0ms    bob   < INVITE
            0ms    bob   > 486 extra=Reason:~Q.850;cause=17;text={text}
            0ms    bob   < ACK
            0ms    alice < 486
            "#
        ),
        "",
    );
    let told = ended(&world, "1002#1");
    let reason = told.strip_prefix("Busy 486 because ").expect("a reason");
    assert!(reason.starts_with("Q.850;cause=17;text=\"xxx") && reason.chars().count() == 128, "{reason}");
}

/// A reason of a trunk that refused says nothing about the one that answered.
#[test]
fn the_cause_of_a_refusal_is_not_handed_on() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        0ms    lines > 503 extra=Reason:~Q.850;cause=34
        0ms    lines < ACK
        0ms    spare < INVITE
        1s     spare > 200
        1s     spare < ACK
        1s     alice < 200
        5s     alice > BYE
        5s     spare < BYE `!Reason`
        "#,
        "",
    );
}

#[test]
fn a_call_that_another_system_took_is_no_missed_call() {
    for (said, told) in [
        (
            " extra=Reason:~SIP;cause=200;text=\"Call~completed~elsewhere\"",
            "`Reason: SIP;cause=200;text=\"Call completed elsewhere\"`",
        ),
        (" extra=Reason:~SIP;cause=486", "`!Reason`"),
        ("", "`!Reason`"),
    ] {
        check(
            &["alice"],
            &format!(
                r#"
                0ms    lines > INVITE 01012345678
                0ms    alice < INVITE
                0ms    alice > 180
                0ms    lines < 180
                5s     lines > CANCEL{said}
                5s     alice < CANCEL {told}
                5s     alice < ACK
                5s     lines < 487
                "#
            ),
            "",
        );
    }
}
