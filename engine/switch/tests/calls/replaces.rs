//! INVITE with Replaces (RFC 3891): a phone takes the place of another one, or picks up what rings there.

use std::sync::Arc;

use switch::config::TenantConfig;
use switch::input::Input;

use crate::ladder::{World, check, node, tenant};

const SENT_BY_BOB: &str = "Referred-By:~<sip:1002@pbx.example>";

/// Alice talks with Bob. Bob's second phone does not ring, but may call.
fn talking() -> World {
    let mut world = World::new(node(), TenantConfig { record_internal: true, ..tenant() });
    world.register(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `Supported: timer, 100rel, replaces`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `Supported: timer, 100rel, replaces`
        "#,
    );
    world
}

#[test]
fn a_phone_takes_the_call_over_from_another_one_of_its_extension() {
    let mut world = talking();
    world.play(
        r#"
        2s  bob2  > INVITE 1001 replacing=bob
        2s  bob2  < 200 `m=audio` `Contact: <sip:1001@192.0.2.1:5060>`
        2s  bob   < BYE
        2s  alice hears bob2
        2s  bob2  hears alice
        9s  bob2  > BYE
        9s  alice < BYE
        "#,
    );
    world.finish();
    world.expect_facts(
        r#"
        created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_answered 1002#1 PCMU
        leg_answered 1001#1 PCMU
        answered 1002#1
        recording_started 1001#1 | 1002#1
        leg_started 1002#2
        leg_answered 1002#2 PCMU
        transfer_started 1002#1 Pickup 1002
        transferred 1002#1 -> 1002#2 Pickup
        recording_started 1001#1 | 1002#2 part 2
        recording_ready
        leg_ended 1002#1 Transferred 200
        recording_ready
        leg_ended 1002#2 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Callee 200
        "#,
    );
}

#[test]
fn whom_a_party_sent_takes_its_place_on_either_side_and_is_recorded() {
    for (place, survivor, sent) in
        [("bob", "alice", SENT_BY_BOB), ("alice", "bob", "Referred-By:~<sip:1001@pbx.example>")]
    {
        let mut world = talking();
        world.play(&format!(
            r#"
            2s  carol > INVITE 1001 replacing={place} extra={sent}|Require:~replaces
            2s  carol < 200
            2s  {place} < BYE
            3s  {survivor} hears carol
            3s  carol hears {survivor}
            9s  {survivor} > BYE
            9s  carol < BYE
            "#
        ));
        world.finish();
        let recorded = if place == "bob" { "1001#1 | 1003#1 part 2" } else { "1003#1 | 1002#1 part 2" };
        assert!(world.facts.contains(&format!("recording_started {recorded}")), "{:?}", world.facts);
        assert!(world.facts.contains(&"recording_ready".to_owned()), "{:?}", world.facts);
    }
}

#[test]
fn nobody_else_takes_a_place() {
    for (who, extra) in [
        ("carol", ""),
        // Not by whom it talks with, nor from another house.
        ("carol", " extra=Referred-By:~<sip:1001@pbx.example>"),
        ("carol", " extra=Referred-By:~<sip:1002@elsewhere.example>"),
    ] {
        let mut world = talking();
        world.play(&format!("2s {who} > INVITE 1001 replacing=bob{extra}\n2s {who} < 403 `Warning: 399`"));
        world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
        world.finish();
    }
    let mut world = talking();
    // A stranger is asked who it is, and a carrier may not at all.
    world.play("2s eve > INVITE 1001 replacing=bob\n2s eve < 401");
    world.play("1s lines > INVITE 01012345678 replacing=bob\n1s lines < 403 `Warning: 399`");
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn a_place_at_a_trunk_cannot_be_taken() {
    check(
        &["alice", "carol"],
        r#"
        0ms  alice > INVITE 113800000000
        0ms  lines < INVITE
        1s   lines > 200
        1s   lines < ACK
        1s   alice < 200
        2s   carol > INVITE 1001 replacing=lines extra=Referred-By:~<sip:1001@pbx.example>
        2s   carol < 403
        3s   alice > BYE
        3s   lines < BYE
        "#,
        "",
    );
}

#[test]
fn another_house_does_not_know_the_dialog() {
    let mut world = talking();
    let mut other = tenant();
    (other.tenant, other.domains) = ("other".parse().unwrap(), vec!["other.example".into()]);
    other.trunks.clear();
    world.input(Input::Tenant(Arc::new(other)));
    let replaces = world.phone("bob").named();
    let invite = world.phone("carol").invite("sip:1001@other.example", "", &format!("Replaces: {replaces}"));
    let invite = invite.replace("pbx.example", "other.example");
    world.phone("carol").resend_as(&invite);
    world.send("carol", &invite);
    world.play("0ms carol < 481");
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    world.finish();
}

#[test]
fn what_is_named_must_be_there_once_and_be_over_or_not() {
    let mut world = talking();
    world.play(
        r#"
        2s  bob2 > INVITE 1001 extra=Replaces:~nobody;to-tag=a;from-tag=b
        2s  bob2 < 481
        2s  bob2 > INVITE 1001 extra=Replaces:~nobody
        2s  bob2 < 400
        2s  bob2 > INVITE 1001 extra=Replaces:~a;to-tag=a;from-tag=b|Replaces:~c;to-tag=a;from-tag=b
        2s  bob2 < 400
        2s  bob2 > INVITE 1001 replacing=bob;early-only
        2s  bob2 < 486
        2s  bob2 > INVITE 1001 replacing=bob sdp=G729
        2s  bob2 < 488
        3s  alice hears bob
        3s  bob  hears alice
        "#,
    );
    // The media side has not closed yet, so the call is still known.
    world.media_is_mute = true;
    world.play("1s alice > BYE\n1s bob < BYE\n1s bob2 > INVITE 1001 replacing=bob\n1s bob2 < 603");
    world.play("9s bob2 > INVITE 1001 replacing=bob\n9s bob2 < 481");
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Caller 200");
}

#[test]
fn a_phone_picks_up_what_rings_at_another_one() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        2s     carol > INVITE 1002 replacing=bob;early-only sdp=PCMA
        2s     carol < 200
        2s     bob   < CANCEL
        2s     bob   < ACK
        2s     alice < 200
        2s     alice hears carol
        2s     carol hears alice
        9s     carol > BYE
        9s     alice < BYE
        "#,
    );
    world.finish();
    world.expect_facts(
        r#"
        created Internal 1001 -> 1002
        leg_started 1001#1
        leg_started 1002#1
        leg_ringing 1002#1
        leg_started 1003#1
        leg_answered 1003#1 PCMA
        leg_answered 1001#1 PCMA
        answered 1003#1
        leg_ended 1002#1 AnsweredElsewhere 0
        leg_ended 1003#1 Normal 200
        leg_ended 1001#1 Normal 200
        ended Normal by Callee 200
        "#,
    );
}

#[test]
fn the_early_dialog_of_a_caller_cannot_be_taken() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        100ms  bob   > 180
        100ms  alice < 180
        2s     carol > INVITE 1002 replacing=alice extra=Referred-By:~<sip:1001@pbx.example>
        2s     carol < 481
        3s     bob   > 486
        3s     bob   < ACK
        3s     alice < 486
        "#,
        "",
    );
}

#[test]
fn who_takes_a_place_without_an_offer_answers_ours() {
    let mut world = talking();
    world.play("2s bob2 > silent\n2s bob2 > INVITE 1001 replacing=bob sdp=none");
    let challenge = world.phone("bob2").inbox.pop_front().unwrap();
    let signed = world.phone("bob2").sign_in(&challenge).unwrap();
    world.send("bob2", &signed);
    world.play(
        r#"
        0ms  bob2  < 200 `m=audio`
        0ms  bob   < BYE
        0ms  bob2  > ACK sdp=PCMU
        0ms  alice hears bob2
        0ms  bob2  > polite
        1s   alice > BYE
        1s   bob2  < BYE
        "#,
    );
    world.finish();
}
