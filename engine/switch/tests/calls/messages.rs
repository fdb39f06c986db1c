//! Text between phones, and key presses by INFO.

use crate::ladder::{World, check};

#[test]
fn a_text_reaches_every_phone_of_the_extension_and_the_first_answer_counts() {
    check(
        &["alice", "bob", "bob2"],
        r#"
        0ms    alice > MESSAGE 1002 text=hello~bob
        0ms    bob   < MESSAGE `MESSAGE sip:1002@192.0.2.12:5060` `From: "Alice" <sip:1001@pbx.example>` `Content-Type: text/plain` `hello bob` `!Contact:` `Max-Forwards: 69`
        0ms    bob2  < MESSAGE `hello bob`
        100ms  bob   > reply 486
        200ms  bob2  > reply 200
        200ms  alice < 200
        "#,
        "",
    );
}

#[test]
fn the_sender_learns_why_nobody_got_the_text() {
    for (bob, bob2, told) in [
        ("486", "480", "486"),
        ("404", "415", "404"),
        ("503", "500", "500"),
        ("600", "486", "600"),
        ("401", "302", "480"),
        ("202", "486", "202"),
    ] {
        check(
            &["alice", "bob", "bob2"],
            &format!(
                r#"
                0ms    alice > MESSAGE 1002 text=hello
                0ms    bob   < MESSAGE
                0ms    bob2  < MESSAGE
                0ms    bob2  > reply {bob2}
                0ms    bob   > reply {bob}
                0ms    alice < {told}
                "#
            ),
            "",
        );
    }
}

#[test]
fn a_text_for_nobody_is_refused() {
    let long = "x".repeat(1_301);
    for (message, told) in [
        ("MESSAGE 1003 text=hello", "480"),
        ("MESSAGE 5555 text=hello", "404"),
        ("MESSAGE *43 text=hello", "404"),
        ("MESSAGE 13800000000 text=hello", "404"),
        ("MESSAGE 110 text=help", "404"),
        ("MESSAGE 1002 text=hello extra=Require:~teleport", "420"),
        (&format!("MESSAGE 1002 text={long}"), "413"),
    ] {
        check(&["alice", "bob"], &format!("0ms alice > {message}\n0ms alice < {told}"), "");
    }
}

#[test]
fn a_stranger_writes_to_nobody() {
    let mut world = World::with(&["bob"]);
    world.play("0ms eve > silent\n0ms eve > MESSAGE 1002 text=spam\n0ms eve < 401");
    world.play("0ms lines > MESSAGE 1002 text=spam\n0ms lines < 401");
    world.finish();
}

#[test]
fn a_phone_does_not_write_as_another() {
    let mut world = World::with(&["alice", "bob"]);
    let text = world.phone("alice").request_with("MESSAGE", "sip:1002@pbx.example", "", "");
    let forged = text.replace("<sip:1001@pbx.example>;tag", "<sip:1003@pbx.example>;tag");
    world.phone("alice").resend_as(&forged);
    world.send("alice", &forged);
    world.play("0ms alice < 403");
    world.finish();
}

#[test]
fn a_phone_that_says_nothing_leaves_the_sender_with_a_100_alone() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms alice > MESSAGE 1002 text=hello\n0ms bob < MESSAGE\n40s bob > reply 200");
    world.finish();
}

#[test]
fn a_sender_that_hides_is_anonymous() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > MESSAGE 1002 text=boo extra=Privacy:~id|Content-Type:~text/plain
        0ms    bob   < MESSAGE `sip:anonymous@anonymous.invalid` `!1001` `!Alice`
        0ms    bob   > reply 200
        0ms    alice < 200
        "#,
        "",
    );
}

/// alice and bob talk, and say this.
fn talking(script: &str) {
    check(
        &["alice", "bob"],
        &format!(
            r#"
            0ms    alice > INVITE 1002
            0ms    bob   < INVITE
            1s     bob   > 200
            1s     bob   < ACK
            1s     alice < 200
            {script}
            9s     alice > BYE
            9s     bob   < BYE
            "#
        ),
        "",
    );
}

#[test]
fn other_info_goes_nowhere_and_packages_are_refused() {
    talking(
        "2s alice > INFO
        2s alice < 200
        3s alice > INFO extra=Content-Type:~application/media_control+xml text=<x/>
        3s alice < 200
        4s alice > INFO extra=Info-Package:~conference|Content-Type:~application/dtmf text=5
        4s alice < 469 `Recv-Info: nil`",
    );
    let long = "5".repeat(1_301);
    talking(&format!("2s alice > INFO extra=Content-Type:~application/dtmf text={long}\n2s alice < 413"));
}

#[test]
fn a_text_in_a_call_reaches_the_other_party() {
    talking(
        "2s bob > WRITE now text=hi~alice
        2s alice < MESSAGE `Content-Type: text/plain` `hi alice`
        2s bob < 202
        2s alice > reply 200",
    );
}

#[test]
fn keys_pressed_in_the_echo_test_are_taken_and_a_text_is_not() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE *43
        0ms    alice < 200
        1s     alice > INFO extra=Content-Type:~application/dtmf text=5
        1s     alice < 200
        2s     alice > WRITE now text=anybody?
        2s     alice < 480
        3s     alice > BYE
        "#,
        "",
    );
}
