//! What the parties agree on, and whom they hear.

use hooks::id::TenantId;
use switch::config::TenantConfig;
use switch::media::{Flows, MediaCommand, Sound, Source};

use crate::ladder::{World, check, node, tenant};

/// A call that is up, for what comes after.
fn talking() -> World {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 ` 1 IN IP4 192.0.2.1`
        "#,
    );
    world
}

/// Proves CALL-12.
#[test]
fn hold_is_music_for_the_other_party_until_retrieved() {
    for (who, other, direction, answer) in [
        ("alice", "bob", "sendonly", "recvonly"),
        ("alice", "bob", "inactive", "inactive"),
        ("alice", "bob", "zero", "recvonly"),
        ("bob", "alice", "sendonly", "recvonly"),
    ] {
        let mut world = talking();
        world.play(&format!(
            r#"
            2s  {who} > REINVITE dir={direction}
            2s  {who} < 200 `a={answer}` ` 2 IN IP4 192.0.2.1`
            2s  {other} hears HoldMusic
            4s  {who} > REINVITE
            4s  {who} < 200 `a=sendrecv` ` 3 IN IP4 192.0.2.1`
            4s  {other} hears {who}
            4s  {who} hears {other}
            5s  {who} > BYE
            5s  {other} < BYE
            "#
        ));
        world.finish();
        let leg = if who == "alice" { "1001#1" } else { "1002#1" };
        assert!(world.facts.contains(&format!("held {leg}")), "{:?}", world.facts);
        assert!(world.facts.contains(&format!("retrieved {leg}")), "{:?}", world.facts);
    }
}

#[test]
fn music_on_hold_is_that_of_the_tenant_whose_call_it_is() {
    let other: TenantId = "other".parse().unwrap();
    let mut world = World::new(node(), TenantConfig { tenant: other.clone(), ..tenant() });
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        2s     alice > REINVITE dir=sendonly
        2s     alice < 200
        2s     bob   hears HoldMusic
        "#,
    );
    let of = |command: &MediaCommand| match command {
        MediaCommand::Hear { tenant, sources, .. } if sources.contains(&Source::Sound(Sound::HoldMusic)) => {
            Some(tenant.clone())
        }
        _ => None,
    };
    assert_eq!(world.media.iter().filter_map(of).collect::<Vec<_>>(), [other]);
}

#[test]
fn both_parties_may_hold_each_other() {
    let mut world = talking();
    world.play(
        r#"
        2s  alice > REINVITE dir=sendonly
        2s  alice < 200
        3s  bob   > REINVITE dir=sendonly
        3s  bob   < 200
        3s  alice hears HoldMusic
        3s  bob   hears HoldMusic
        4s  alice > REINVITE
        4s  alice < 200
        4s  alice hears HoldMusic
        4s  bob   hears alice
        5s  bob   > BYE
        5s  alice < BYE
        "#,
    );
    world.finish();
}

#[test]
fn nothing_flows_to_a_party_that_holds_by_inactive() {
    let mut world = talking();
    world.play("2s alice > REINVITE dir=inactive\n2s alice < 200");
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Agree { agreement, .. } => Some(agreement.flows),
        _ => None,
    });
    assert_eq!(last, Some(Flows { send: false, receive: false }));
    world.play("1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn a_refused_reinvite_leaves_the_session_as_it_was() {
    let mut world = talking();
    let before = world.media.len();
    world.play(
        r#"
        2s  alice > REINVITE sdp=G729
        2s  alice < 488 `Warning: 305`
        2s  alice hears bob
        2s  bob   hears alice
        3s  alice > REINVITE
        3s  alice < 200 ` 1 IN IP4`
        4s  alice > BYE
        4s  bob   < BYE
        "#,
    );
    world.finish();
    let agreed = world.media[before..].iter().filter(|c| matches!(c, MediaCommand::Agree { .. })).count();
    assert_eq!(agreed, 0, "nothing new was agreed");
}

#[test]
fn a_reinvite_without_an_offer_gets_ours_and_answers_in_its_ack() {
    let mut world = talking();
    world.play(
        r#"
        2s  alice > silent
        2s  alice > REINVITE sdp=none
        2s  alice < 200 `m=audio 20000 RTP/AVP 0 8 101`
        2s  alice > ACK sdp=PCMA dir=sendonly
        2s  bob   hears HoldMusic
        3s  alice > polite
        3s  bob   > BYE
        3s  alice < BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"held 1001#1".to_owned()));
}

#[test]
fn a_reinvite_that_meets_an_outstanding_offer_is_told_to_wait() {
    let mut world = talking();
    world.play(
        r#"
        2s  alice > silent
        2s  alice > REINVITE sdp=none
        2s  alice < 200
        2s  alice > REINVITE
        2s  alice < 491
        3s  bob   > BYE
        3s  alice < BYE
        4s  alice > polite
        "#,
    );
}

#[test]
fn a_party_may_move_its_media() {
    let mut world = talking();
    world.phone("alice").rtp = "192.0.2.77:50000".parse().unwrap();
    world.play("2s alice > REINVITE\n2s alice < 200\n2s bob hears alice\n3s alice > BYE\n3s bob < BYE");
    world.finish();
    let moved = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Agree { agreement, .. } => agreement.remote_rtp,
        _ => None,
    });
    assert_eq!(moved, Some("192.0.2.77:50000".parse().unwrap()));
}

#[test]
fn different_g711_is_agreed_on_each_side() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=PCMU
        0ms    bob   < INVITE `RTP/AVP 0 8`
        1s     bob   > 200 sdp=PCMA
        1s     bob   < ACK
        1s     alice < 200 `m=audio 20000 RTP/AVP 0`
        1s     alice hears bob
        2s     alice > BYE
        2s     bob   < BYE
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_answered 1002#1 PCMA
        leg_answered 1001#1 PCMU
        answered 1002#1
        leg_ended 1001#1 Normal 200
        leg_ended 1002#1 Normal 200
        ended Normal by Caller 200",
    );
}

#[test]
fn the_codec_of_the_called_party_is_preferred() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=opus,G722,PCMU,event
        0ms    bob   < INVITE `RTP/AVP 111 9 0 8 101` `a=rtpmap:111 opus/48000/2`
        1s     bob   > 200 sdp=G722,PCMU
        1s     bob   < ACK
        1s     alice < 200 `RTP/AVP 9 0`
        2s     alice > BYE
        2s     bob   < BYE
        "#,
        "",
    );
}

#[test]
fn video_and_fax_are_refused_beside_the_audio() {
    for (more, refused) in [("video", "m=video 0 RTP/AVP 96"), ("fax", "m=image 0 udptl t38")] {
        check(
            &["alice", "bob"],
            &format!(
                r#"
                0ms    alice > INVITE 1002 sdp=PCMU more={more}
                0ms    bob   < INVITE `m=audio` `!m=video` `!m=image`
                1s     bob   > 200 sdp=PCMU
                1s     bob   < ACK
                1s     alice < 200 `m=audio 20000 RTP/AVP 0` `{refused}`
                2s     alice > BYE
                2s     bob   < BYE
                "#
            ),
            "",
        );
    }
}

#[test]
fn phones_without_a_codec_in_common_are_transcoded_for() {
    for (caller, offered, called, answered) in [
        ("opus", "RTP/AVP 111 8 0", "PCMA", "RTP/AVP 111"),
        ("G722", "RTP/AVP 9 8 0", "PCMU", "RTP/AVP 9"),
        // What passes as it is goes before what is made of it.
        ("opus,PCMA", "RTP/AVP 111 8 0", "PCMA", "RTP/AVP 8"),
    ] {
        check(
            &["alice", "bob"],
            &format!(
                r#"
                0ms    alice > INVITE 1002 sdp={caller}
                0ms    bob   < INVITE `{offered}`
                1s     bob   > 200 sdp={called}
                1s     bob   < ACK
                1s     alice < 200 `{answered}`
                1s     alice hears bob
                2s     alice > BYE
                2s     bob   < BYE
                "#
            ),
            "",
        );
    }
}

#[test]
fn without_a_codec_in_common_there_is_no_call() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=event
        0ms    alice < 488 `Warning: 305 pbx.example`
        "#,
        "",
    );
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=G729
        0ms    bob   < INVITE
        1s     bob   > 200 sdp=PCMA
        1s     bob   < ACK
        1s     bob   < BYE
        1s     alice < 488
        "#,
        "created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ended 1002#1 NotAcceptable 200
        leg_ended 1001#1 NotAcceptable 488
        ended NotAcceptable by System 488",
    );
}

#[test]
fn a_caller_without_an_offer_gets_ours_in_the_answer() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=none
        0ms    bob   < INVITE `RTP/AVP 8 0 101`
        500ms  bob   > 183 sdp=PCMA
        500ms  alice < 180 `!m=audio`
        500ms  alice > silent
        1s     bob   > 200 sdp=PCMA
        1s     bob   < ACK
        1s     alice < 200 `m=audio 20000 RTP/AVP 8 0`
        1s     alice > ACK sdp=PCMU
        1s     alice hears bob
        1s     alice > polite
        2s     alice > BYE
        2s     bob   < BYE
        "#,
        "",
    );
}

#[test]
fn an_offer_that_is_never_answered_ends_the_call() {
    check(
        &["alice", "bob"],
        r#"
        0ms    alice > INVITE 1002 sdp=none
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        1s     alice < BYE
        1s     bob   < BYE
        "#,
        "",
    );
}

#[test]
fn a_port_that_is_taken_is_replaced() {
    let mut world = World::with(&["alice", "bob"]);
    world.taken_ports = vec![20_000];
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `m=audio 20002`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `m=audio 20004`
        1s     alice hears bob
        2s     alice > BYE
        2s     bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_called_phone_that_knows_a_taken_port_is_called_anew() {
    let mut world = World::with(&["alice", "bob"]);
    world.taken_ports = vec![20_002];
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `m=audio 20002`
        0ms    bob   < INVITE `m=audio 20004`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        2s     alice > BYE
        2s     bob   < BYE
        "#,
    );
}

#[test]
fn a_phone_behind_nat_is_answered_where_it_is() {
    let mut world = World::with(&["alice", "carol"]);
    world.play(
        r#"
        0ms    alice > INVITE 1003
        0ms    carol < INVITE
        1s     carol > 200
        1s     carol < ACK
        1s     alice < 200
        2s     alice > BYE
        2s     carol < BYE
        "#,
    );
    world.finish();
    let rules: Vec<_> = world
        .media
        .iter()
        .filter_map(|command| match command {
            MediaCommand::Agree { agreement, .. } => Some(agreement.source),
            _ => None,
        })
        .collect();
    let carol = switch::media::SourceRule::Learn { signalling: "203.0.113.5".parse().unwrap() };
    assert_eq!(rules, [carol, switch::media::SourceRule::AsAgreed]);
}

#[test]
fn media_that_must_be_encrypted_is_not_taken_in_the_clear() {
    check(
        &["alice", "bob"],
        r#"
        0ms  alice > INVITE 1002 more=secured
        0ms  alice < 488
        "#,
        "",
    );
}
