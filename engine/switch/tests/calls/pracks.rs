//! Provisional responses that surely arrive (RFC 3262): ours to the caller, and those of phones and trunks to us.

use std::time::Duration;

use switch::config::NodeConfig;

use crate::ladder::{World, check, node, tenant};

/// How often a phone got a response of this status.
fn times(world: &World, name: &str, status: &str) -> usize {
    let line = format!("{name} < SIP/2.0 {status} ");
    world.ladder().lines().filter(|found| found.contains(&line)).count()
}

#[test]
fn what_describes_the_session_is_sent_until_the_prack_comes() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE `Supported: timer, 100rel, replaces` `Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, PRACK`
        100ms   bob   > 180
        100ms   alice < 180 `!100rel` `!RSeq`
        1s      bob   > 183 sdp=PCMU
        1s      alice < 183 `Require: 100rel` `RSeq: ` `m=audio` `Contact: <sip:1002@192.0.2.1:5060>`
        4s      alice > PRACK
        4s      alice < 200 `!m=audio`
        10s     alice hears bob
        10s     bob   > 200
        10s     bob   < ACK
        10s     alice < 200 `!m=audio` `!Require: 100rel`
        10s     bob   hears alice
        11s     alice > BYE
        11s     bob   < BYE
        "#,
    );
    // At 1 s, then after 0.5 s, 1 s; the PRACK comes before the next.
    assert_eq!(times(&world, "alice", "183"), 3, "{}", world.ladder());
    world.finish();
}

#[test]
fn an_invite_whose_provisional_response_is_never_acknowledged_is_refused() {
    let patient = NodeConfig { ring_timeout: Duration::from_secs(60), ..node() };
    let mut world = World::new(patient, tenant());
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        0ms     bob   > 183 sdp=PCMU
        0ms     alice < 183
        31900ms alice hears bob
        32s     alice < 504
        32s     bob   < CANCEL
        32s     bob   < ACK
        "#,
    );
    world.finish();
    world.expect_facts(
        r#"
        created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1 early
        leg_ended 1001#1 PeerLost 504
        leg_ended 1002#1 PeerLost 0
        ended PeerLost by System 504
        "#,
    );
    // 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    assert_eq!(times(&world, "alice", "183"), 7, "{}", world.ladder());
}

#[test]
fn the_answer_waits_for_the_prack_and_the_other_phones_do_not() {
    let mut world = World::with(&["alice", "bob", "bob2"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        0ms     bob2  < INVITE
        0ms     bob2  > 100
        100ms   bob   > 183 sdp=PCMU
        100ms   alice < 183
        1s      bob   > 200
        1s      bob   < ACK
        1s      bob2  < CANCEL
        1s      bob2  < ACK
        2s      alice hears bob
        2s      alice > PRACK
        2s      alice < 200 `CSeq: 3 PRACK`
        2s      alice < 200 `CSeq: 2 INVITE` `!m=audio`
        2s      bob   hears alice
        3s      alice > BYE
        3s      bob   < BYE
        "#,
    );
    world.finish();
    let answered = world.facts.iter().position(|fact| fact == "answered 1002#1").unwrap();
    let caller = world.facts.iter().position(|fact| fact.starts_with("leg_answered 1001#1")).unwrap();
    assert!(caller < answered, "{:?}", world.facts);
}

#[test]
fn a_call_that_ends_before_the_prack_ends_both_ways() {
    for (line, cause) in [
        ("2s alice > CANCEL\n2s alice < 487\n2s bob < BYE", "Cancelled by Caller 487"),
        ("2s bob > BYE\n2s alice < 487", "Cancelled by Callee 487"),
        ("32100ms alice < 504\n32100ms bob < BYE", "PeerLost by System 504"),
    ] {
        let mut world = World::with(&["alice", "bob"]);
        world.play(&format!(
            r#"
            0ms     alice > INVITE 1002 extra=Supported:~100rel
            0ms     bob   < INVITE
            100ms   bob   > 183 sdp=PCMU
            100ms   alice < 183
            1s      bob   > 200
            1s      bob   < ACK
            {line}
            "#
        ));
        world.finish();
        assert_eq!(world.facts.last().unwrap(), &format!("ended {cause}"));
    }
}

#[test]
fn a_cancel_that_crosses_the_prack_wins_before_the_answer() {
    check(
        &["alice", "bob"],
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        100ms   bob   > 183 sdp=PCMU
        100ms   alice < 183
        200ms   alice > CANCEL
        200ms   alice < 487
        200ms   bob   < CANCEL
        200ms   bob   < ACK
        200ms   alice > PRACK
        200ms   alice < 481
        "#,
        "",
    );
}

#[test]
fn a_prack_that_nothing_waits_for_gets_481() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        0ms     bob   > 180
        0ms     alice < 180
        1s      alice > PRACK extra=RAck:~1~2~INVITE
        1s      alice < 481
        2s      bob   > 183 sdp=PCMU
        2s      alice < 183
        2s      alice > PRACK extra=RAck:~1~2~INVITE
        2s      alice < 481
        2s      alice > PRACK extra=RAck:~x
        2s      alice < 400
        2s      alice > PRACK extra=Subject:~none
        2s      alice < 400
        2s      alice > PRACK
        2s      alice < 200
        3s      alice > PRACK
        3s      alice < 481
        4s      bob   > 200
        4s      bob   < ACK
        4s      alice < 200
        5s      alice > PRACK
        5s      alice < 481
        6s      alice > BYE
        6s      bob   < BYE
        7s      alice > PRACK
        7s      alice < 481
        "#,
    );
    assert_eq!(times(&world, "alice", "183"), 1, "{}", world.ladder());
    world.finish();
}

#[test]
fn a_caller_that_insists_gets_every_response_surely_and_one_at_a_time() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Require:~100rel
        0ms     bob   < INVITE
        100ms   bob   > 180
        100ms   alice < 180 `Require: 100rel` `RSeq: ` `!m=audio`
        200ms   bob   > 183 sdp=PCMU
        300ms   alice > PRACK
        300ms   alice < 200
        300ms   alice < 183 `Require: 100rel` `RSeq: ` `m=audio`
        400ms   alice > PRACK
        400ms   alice < 200
        400ms   alice hears bob
        1s      bob   > 200
        1s      bob   < ACK
        1s      alice < 200
        2s      alice > BYE
        2s      bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn the_prack_of_a_response_without_a_session_may_come_after_the_answer() {
    check(
        &["alice", "bob"],
        r#"
        0ms     alice > INVITE 1002 extra=Require:~100rel
        0ms     bob   < INVITE
        100ms   bob   > 180
        100ms   alice < 180 `Require: 100rel`
        200ms   bob   > 200
        200ms   bob   < ACK
        200ms   alice < 200 `m=audio`
        300ms   alice > PRACK
        300ms   alice < 200 `CSeq: 3 PRACK`
        2s      alice hears bob
        2s      alice > BYE
        2s      bob   < BYE
        "#,
        "",
    );
}

#[test]
fn a_caller_that_offers_nothing_answers_our_offer_in_the_prack() {
    for (insists, first) in [("Require", "180"), ("Supported", "183 sdp=PCMA")] {
        let mut world = World::with(&["alice", "bob"]);
        let code = &first[..3];
        world.play(&format!(
            r#"
            0ms     alice > INVITE 1002 sdp=none extra={insists}:~100rel
            0ms     bob   < INVITE
            100ms   bob   > {first}
            100ms   alice < {code} `Require: 100rel` `m=audio 20000 RTP/AVP 8 0`
            200ms   alice > PRACK sdp=PCMU
            200ms   alice < 200 `!m=audio`
            1s      bob   > 200 sdp=PCMA
            1s      bob   < ACK
            1s      alice < 200 `!m=audio`
            1s      bob   hears alice
            1s      alice hears bob
            2s      alice > BYE
            2s      bob   < BYE
            "#
        ));
        world.finish();
        assert!(world.facts.contains(&"leg_answered 1001#1 PCMU".to_owned()), "{:?}", world.facts);
    }
}

#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    for answer in ["", " sdp=G729"] {
        let mut world = World::with(&["alice", "bob"]);
        world.play(&format!(
            r#"
            0ms     alice > INVITE 1002 sdp=none extra=Require:~100rel
            0ms     bob   < INVITE
            100ms   bob   > 180
            100ms   alice < 180
            200ms   alice > PRACK{answer}
            200ms   alice < 200
            200ms   alice < 488
            200ms   bob   < CANCEL
            200ms   bob   < ACK
            "#
        ));
        world.finish();
    }
}

#[test]
fn a_prack_and_an_update_before_the_answer_may_offer_anew() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        100ms   bob   > 183 sdp=PCMU,PCMA
        100ms   alice < 183 `RTP/AVP 0`
        200ms   alice > PRACK sdp=PCMA
        200ms   alice < 200 `m=audio 20000 RTP/AVP 8` ` 2 IN IP4`
        300ms   alice > UPDATE sdp=PCMU
        300ms   alice < 200 `m=audio 20000 RTP/AVP 0` ` 3 IN IP4`
        400ms   alice > UPDATE sdp=G729
        400ms   alice < 488
        500ms   alice hears bob
        1s      bob   > 200 sdp=PCMU,PCMA
        1s      bob   < ACK
        1s      alice < 200 `!m=audio`
        1s      bob   hears alice
        2s      alice > BYE
        2s      bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn an_offer_in_a_prack_that_we_cannot_take_leaves_what_was_agreed() {
    check(
        &["alice", "bob"],
        r#"
        0ms     alice > INVITE 1002 extra=Supported:~100rel
        0ms     bob   < INVITE
        100ms   bob   > 183 sdp=PCMU
        100ms   alice < 183
        200ms   alice > PRACK sdp=G729
        200ms   alice < 488
        300ms   alice hears bob
        1s      bob   > 200
        1s      bob   < ACK
        1s      alice < 200
        2s      alice > BYE
        2s      bob   < BYE
        "#,
        "",
    );
}

#[test]
fn reliable_responses_of_a_phone_are_acknowledged_once_and_in_order() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002
        0ms     bob   < INVITE
        0ms     bob   > 180 extra=Require:~100rel|RSeq:~7
        0ms     bob   < PRACK `RAck: 7 1 INVITE` `CSeq: 2 PRACK` `sip:1002@192.0.2.12:5060 SIP/2.0`
        0ms     bob   > answer 200
        0ms     alice < 180 `!100rel`
        500ms   bob   > 180 extra=Require:~100rel|RSeq:~7
        600ms   bob   > 183 sdp=PCMU extra=Require:~100rel|RSeq:~9
        700ms   bob   > 183 sdp=PCMU extra=Require:~100rel|RSeq:~8
        700ms   bob   < PRACK `RAck: 8 1 INVITE` `CSeq: 3 PRACK`
        700ms   bob   > answer 200
        700ms   alice < 183
        800ms   alice hears bob
        1s      bob   > 200 sdp=none
        1s      bob   < ACK
        1s      alice < 200
        1s      bob   hears alice
        2s      alice > BYE
        2s      bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn what_a_phone_answered_reliably_is_not_answered_again_by_its_2xx() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms     alice > INVITE 1002
        0ms     bob   < INVITE
        0ms     bob   > 183 sdp=PCMU extra=Require:~100rel|RSeq:~1
        0ms     bob   < PRACK
        0ms     bob   > answer 200
        0ms     alice < 183
        1s      bob   > UPDATE sdp=PCMA
        1s      bob   < 200 `RTP/AVP 8`
        2s      bob   > 200 sdp=PCMU
        2s      bob   < ACK
        2s      alice < 200
        2s      bob   hears alice
        2s      alice hears bob
        3s      bob   > UPDATE sdp=PCMU
        3s      bob   < 200
        4s      alice > BYE
        4s      bob   < BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"leg_answered 1002#1 PCMA".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_trunk_that_challenged_gets_a_signed_prack_and_cancels_cleanly() {
    let mut world = World::with(&["alice"]);
    world.play(
        r#"
        0ms    alice > INVITE 113800000000
        0ms    lines < INVITE
        0ms    lines > 503
        0ms    lines < ACK
        0ms    spare < INVITE
        0ms    spare > 407 extra=Proxy-Authenticate:~Digest~realm="c",nonce="n",qop="auth",algorithm=MD5
        0ms    spare < ACK
        0ms    spare < INVITE `Proxy-Authorization: Digest`
        1s     spare > 183 sdp=PCMU extra=Require:~100rel|RSeq:~4000000000
        1s     spare < PRACK `RAck: 4000000000 2 INVITE` `Proxy-Authorization: Digest` `nc=00000002`
        1s     spare > answer 200
        1s     alice < 183
        2s     alice > CANCEL
        2s     alice < 487
        2s     spare < CANCEL
        2s     spare < ACK
        "#,
    );
    world.finish();
}

#[test]
fn each_fork_of_a_phone_has_an_order_of_its_own_and_the_one_that_answers_is_heard() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE");
    let invite = world.phone("bob").invite_in.clone().unwrap();
    let progress = |world: &mut World, fork: &str, rseq: &str, codec: &str| {
        let body = world.phone("bob").sdp(codec, "");
        let text = world.phone("bob").response(&invite, "183", &body).replace("bob-in", fork);
        let fields = format!("Require: 100rel\r\nRSeq: {rseq}\r\nContent-Length:");
        world.send("bob", &text.replace("Content-Length:", &fields));
    };
    progress(&mut world, "one", "5", "PCMU");
    world.play("0ms bob < PRACK `RAck: 5 1 INVITE` `tag=one` `CSeq: 2 PRACK`\n0ms bob > answer 200\n0ms alice < 183");
    progress(&mut world, "two", "1", "PCMA");
    world.play("0ms bob < PRACK `RAck: 1 1 INVITE` `tag=two` `CSeq: 2 PRACK`\n0ms bob > answer 200");
    // The first fork answers, and need not say again what it said.
    let answer = world.phone("bob").response(&invite, "200", "").replace("bob-in", "one");
    world.send("bob", &answer);
    world.play("0ms bob < ACK `tag=one`\n0ms alice < 200\n0ms alice hears bob\n1s alice > BYE\n1s bob < BYE `tag=one`");
    world.finish();
    assert!(world.facts.contains(&"leg_answered 1002#1 PCMU".to_owned()), "{:?}", world.facts);
}
