//! Calls by trunks, in and out.

use switch::input::{Admission, Input};
use switch::view::View;

use crate::ladder::{World, check, node, tenant};

#[test]
fn a_number_from_outside_rings_its_extension() {
    check(
        &["alice"],
        r#"
        0ms    lines > INVITE 01012345678
        0ms    alice < INVITE `From: <sip:13800000000@pbx.example>`
        100ms  alice > 180
        100ms  lines < 180
        1s     alice > 200
        1s     alice < ACK
        1s     lines < 200
        5s     lines > BYE
        5s     alice < BYE
        "#,
        "created Inbound 13800000000 -> 01012345678
        leg_started lines#1
        leg_started 1001#1
        leg_ringing 1001#1
        leg_answered 1001#1 PCMU
        leg_answered lines#1 PCMU
        answered 1001#1
        leg_ended lines#1 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn a_number_from_outside_without_a_route_is_not_found() {
    check(&[], "0ms lines > INVITE 5550000\n0ms lines < 404", "");
}

#[test]
fn nobody_but_a_trunk_calls_in_without_signing_in() {
    check(&["alice"], "0ms eve > silent\n0ms eve > INVITE 01012345678\n0ms eve < 401", "");
}

/// Proves CALL-32.
#[test]
fn the_callers_number_is_the_asserted_one_on_trusted_trunks_alone() {
    for (who, extra, created) in [
        ("lines", "P-Asserted-Identity:~<sip:010555@c.example>", "created Inbound 010555 -> 01012345678"),
        ("spare", "P-Asserted-Identity:~<sip:010555@c.example>", "created Inbound 13900000000 -> 01012345678"),
        (
            "lines",
            "Privacy:~id|P-Asserted-Identity:~<sip:010555@c.example>",
            "created Inbound anonymous -> 01012345678",
        ),
        ("lines", "P-Asserted-Identity:~<tel:+8610555>", "created Inbound +8610555 -> 01012345678"),
    ] {
        let world = check(&[], &format!("0ms {who} > INVITE 01012345678 extra={extra}\n0ms {who} < 480"), "");
        assert_eq!(world.facts[0], created);
    }
}

/// Proves CALL-32 (a withheld number shows as anonymous).
#[test]
fn a_withheld_number_is_shown_as_anonymous() {
    check(
        &["alice"],
        r#"
        0ms    lines > INVITE 01012345678 extra=Privacy:~id
        0ms    alice < INVITE `From: "Anonymous" <sip:anonymous@anonymous.invalid>`
        1s     lines > CANCEL
        1s     lines < 487
        2s     alice > 180
        2s     alice < CANCEL
        2s     alice < ACK
        "#,
        "",
    );
}

/// Of CALL-08 the extension's own and the line's.
#[test]
fn the_number_shown_outside_is_the_extensions_else_the_trunks() {
    for (who, shown) in [("alice", "01012345678"), ("bob", "01066668888")] {
        check(
            &["alice", "bob"],
            &format!(
                r#"
                0ms    {who} > INVITE 13800000000
                0ms    lines < INVITE `INVITE sip:913800000000@lines.example` `From: <sip:{shown}@pbx.example>`
                1s     lines > 486
                1s     lines < ACK
                1s     {who} < 486
                "#
            ),
            "",
        );
    }
}

#[test]
fn a_full_trunk_gives_way_to_the_next_which_is_signed_in_at() {
    let mut world = World::with(&["alice"]);
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        10ms   lines > 503
        10ms   lines < ACK
        10ms   spare < INVITE `!Authorization`
        "#,
    );
    challenge(
        &mut world,
        "401",
        "WWW-Authenticate: Digest realm=\"spare\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256",
    );
    world.play(
        r#"
        0ms    spare < ACK
        0ms    spare < INVITE `CSeq: 2 INVITE` `Authorization: Digest username="switch"` `SHA-256` `realm="spare"`
        1s     spare > 200
        1s     spare < ACK `Authorization`
        1s     alice < 200
        2s     alice > BYE
        2s     spare < BYE `Authorization` `nc=00000002`
        "#,
    );
    world.finish();
    world.expect_facts(
        "created Outbound 1001 -> 13800000000
        leg_started 1001#1
        leg_started lines#1
        leg_started spare#1
        leg_ended lines#1 Congestion 503
        leg_answered spare#1 PCMU
        leg_answered 1001#1 PCMU
        answered spare#1
        leg_ended 1001#1 Normal 200
        leg_ended spare#1 Normal 200
        ended Normal by Caller 200",
    );
}

/// The trunk's challenge to the last INVITE.
fn challenge(world: &mut World, status: &str, field: &str) {
    let invite = world.phone("spare").invite_in.clone().unwrap();
    let answer = world.phone("spare").response(&invite, status, "");
    world.send("spare", &answer.replace("Content-Length:", &format!("{field}\r\nContent-Length:")));
}

#[test]
fn a_trunk_that_refuses_our_password_is_not_asked_again() {
    let mut world = World::with(&["alice"]);
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        10ms   lines > 500
        10ms   lines < ACK
        10ms   spare < INVITE
        "#,
    );
    let field = "Proxy-Authenticate: Digest realm=\"spare\", nonce=\"n1\"";
    challenge(&mut world, "407", field);
    world.play("0ms spare < ACK\n0ms spare < INVITE `Proxy-Authorization`");
    challenge(&mut world, "407", &field.replace("n1", "n2"));
    world.play("0ms spare < ACK\n0ms alice < 500");
    world.finish();
}

#[test]
fn a_trunk_that_says_nothing_gives_way_after_six_seconds() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        6s     spare < INVITE
        7s     spare > 180
        7s     alice < 180
        8s     spare > 200
        8s     spare < ACK
        8s     alice < 200
        9s     alice > BYE
        9s     spare < BYE
        "#,
        "",
    );
}

#[test]
fn a_trunk_that_redirects_gives_way_to_the_next() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 302
        1s     lines < ACK
        1s     spare < INVITE
        2s     spare > 486
        2s     spare < ACK
        2s     alice < 486
        "#,
        "",
    );
}

#[test]
fn a_busy_number_is_busy_by_every_trunk() {
    check(
        &["alice"],
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 486
        1s     lines < ACK
        1s     alice < 486
        "#,
        "",
    );
}

/// Proves CALL-10.
#[test]
fn an_outbound_call_rings_at_most_sixty_seconds() {
    let mut node = node();
    node.ring_timeout = std::time::Duration::from_secs(120);
    let mut world = World::new(node, tenant());
    world.register(&["alice"]);
    world.play(
        r#"
        0ms    alice > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 183 sdp=PCMA
        1s     alice < 183 `m=audio`
        1s     alice hears lines
        60s    lines < CANCEL
        60s    lines < ACK
        60s    alice < 480
        "#,
    );
    world.finish();
    assert_eq!(world.facts[3], "leg_ringing lines#1 early");
    assert_eq!(world.facts.last().unwrap(), "ended NoAnswer by System 480");
}

/// Proves GEN-18.
#[test]
fn an_emergency_call_is_past_admission_limits_and_bans() {
    let mut node = node();
    node.limits.calls = 0;
    let mut world = World::new(node, tenant());
    world.register(&["alice"]);
    world.input(Input::Admission(Admission::DiskLow));
    world.play("0ms alice > INVITE 1002\n0ms alice < 503 `Retry-After: 5`");
    for _ in 0..8 {
        let bad = world.phone("alice").request("REGISTER", "sip:pbx.example", BAD_LOGIN);
        world.send("alice", &bad);
    }
    let later = world.now() + std::time::Duration::from_secs(5);
    world.run_until(later);
    world.phone("alice").inbox.clear();
    world.play("0ms alice > INVITE 1002\n0ms alice < 403");
    world.play("0ms alice > INVITE 110\n0ms lines < INVITE `INVITE sip:110@lines.example`");
    let told = |view: &View| matches!(view, View::Call(call) if call.emergency && call.callee == "110");
    assert!(world.views.iter().any(told), "supervisors see it before anybody has answered");
    world.play(
        r#"
        1s     lines > 200
        1s     lines < ACK
        1s     alice < 200
        2s     alice > BYE
        2s     lines < BYE
        "#,
    );
    assert!(world.facts.contains(&"created Outbound 1001 -> 110 emergency".to_owned()), "{:?}", world.facts);
}

const BAD_LOGIN: &str = "Authorization: Digest username=\"1001\", realm=\"pbx.example\", nonce=\"x\", uri=\"sip:pbx.example\", \
    response=\"00000000000000000000000000000000\", algorithm=MD5, cnonce=\"abc\", qop=auth, nc=00000001";

/// Proves REC-09.
#[test]
fn a_recorded_call_has_the_outside_on_the_left() {
    check(
        &["carol"],
        r#"
        0ms    lines > INVITE 01012345679
        0ms    carol < INVITE
        1s     carol > 200
        1s     carol < ACK
        1s     lines < 200
        5s     carol > BYE
        5s     lines < BYE
        "#,
        "created Inbound 13800000000 -> 01012345679
        leg_started lines#1
        leg_started 1003#1
        leg_answered 1003#1 PCMU
        leg_answered lines#1 PCMU
        answered 1003#1
        recording_started lines#1 | 1003#1
        recording_ready
        leg_ended 1003#1 Normal 200
        leg_ended lines#1 Normal 200
        ended Normal by Callee 200",
    );
    let world = check(
        &["carol"],
        r#"
        0ms    carol > INVITE 13800000000
        0ms    lines < INVITE
        1s     lines > 200
        1s     lines < ACK
        1s     carol < 200
        5s     carol > BYE
        5s     lines < BYE
        "#,
        "",
    );
    assert!(world.facts.contains(&"recording_started lines#1 | 1003#1".to_owned()), "{:?}", world.facts);
    let path = world.media.iter().find_map(|command| match command {
        switch::media::MediaCommand::Record { path, .. } => Some(path.clone()),
        _ => None,
    });
    assert!(path.unwrap().starts_with("default/2026/11/22/"));
}

/// Proves CALL-07 (an extension's number is an internal call, anything else goes to a trunk).
#[test]
fn who_dials_an_extension_stays_in_the_house() {
    for (dialled, created, leg) in [
        ("1002", "created Internal 1001 -> 1002", "leg_started 1002#1"),
        ("13800000000", "created Outbound 1001 -> 13800000000", "leg_started lines#1"),
        ("10022", "created Outbound 1001 -> 10022", "leg_started lines#1"),
    ] {
        let mut world = World::with(&["alice", "bob"]);
        let phone = if dialled == "1002" { "bob" } else { "lines" };
        world.play(&format!(
            "0ms alice > INVITE {dialled}\n0ms {phone} < INVITE\n0ms {phone} > 486\n0ms {phone} < ACK\n0ms alice < 486"
        ));
        world.finish();
        assert_eq!((world.facts[0].as_str(), world.facts[2].as_str()), (created, leg), "{:?}", world.facts);
    }
}
