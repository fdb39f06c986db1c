//! Transfers by phone: REFER with and without Replaces (RFC 3515, 3891, 5589).

use std::time::Duration;

use hooks::fact::EndCause;

use crate::ladder::{World, check};
use crate::under_test::input::Input;
use crate::under_test::media::MediaEvent;

/// Alice talks with Bob.
fn talking(registered: &[&'static str]) -> World {
    let mut world = World::with(registered);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    world
}

/// Proves CALL-14.
#[test]
fn a_party_handed_on_talks_with_the_new_one() {
    for (by, stays, number, leaving) in [("alice", "bob", "1002", "1001#1"), ("bob", "alice", "1001", "1002#1")] {
        let mut world = talking(&["alice", "bob", "carol"]);
        world.play(&format!(
            r#"
            1s    {by} > REFER 1003
            1s    {by} < 202
            1s    {by} < NOTIFY `Event: refer;id=` `Subscription-State: active;expires=` `SIP/2.0 100 Trying`
            1s    carol < INVITE `sip:{number}@pbx.example` `!Replaces`
            1s    {stays} hears HoldMusic
            1s    {by} hears nothing
            2s    carol > 180
            2s    {by} < NOTIFY `SIP/2.0 180 Ringing`
            2s    {stays} hears RingbackCn
            3s    carol > 200
            3s    carol < ACK
            3s    {by} < NOTIFY `Subscription-State: terminated;reason=noresource` `SIP/2.0 200 OK`
            3s    {by} < BYE
            3s    {stays} hears carol
            3s    carol hears {stays}
            5s    {stays} > BYE
            5s    carol < BYE
            "#
        ));
        world.finish();
        let facts = world.facts.join("\n");
        assert!(facts.contains(&format!("transfer_started {leaving} Blind 1003")), "{facts}");
        assert!(facts.contains(&format!("transferred {leaving} -> 1003#1 Blind")), "{facts}");
        assert!(facts.contains(&format!("leg_ended {leaving} {:?} 200", EndCause::Transferred)), "{facts}");
        assert_eq!(facts.matches("\nended Normal by").count(), 1, "{facts}");
    }
}

#[test]
fn who_hands_on_may_hang_up_at_once() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        1s    alice > BYE
        2s    carol > 200
        2s    carol < ACK
        2s    bob hears carol
        5s    carol > BYE
        5s    bob < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_transfer_that_fails_returns_the_call() {
    for (answer, status, cause) in [("486", 486, "Busy"), ("603", 603, "Rejected"), ("404", 404, "Unreachable")] {
        let mut world = talking(&["alice", "bob", "carol"]);
        world.play(&format!(
            r#"
            1s    alice > REFER 1003
            1s    alice < 202
            1s    alice < NOTIFY
            1s    carol < INVITE
            2s    carol > {answer}
            2s    carol < ACK
            2s    alice < NOTIFY `Subscription-State: terminated` `SIP/2.0 {answer} `
            2s    alice hears bob
            2s    bob   hears alice
            5s    alice > BYE
            5s    bob   < BYE
            "#
        ));
        world.finish();
        let failed = format!("transfer_failed 1001#1 {cause} {status}");
        assert!(world.facts.contains(&failed), "{:#?}", world.facts);
    }
}

#[test]
fn a_new_party_that_does_not_answer_is_given_up() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        2s    carol > 180
        2s    alice < NOTIFY
        22s   carol < CANCEL
        22s   carol < ACK
        22s   alice < NOTIFY `SIP/2.0 480`
        22s   alice hears bob
        25s   bob   > BYE
        25s   alice < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_call_whose_transfer_failed_rings_again_at_who_hung_up() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        1s    alice > BYE
        2s    carol > 486
        2s    carol < ACK
        2s    alice < INVITE `From: "Bob" <sip:1002@pbx.example>`
        3s    alice > 180
        3s    bob   hears RingbackCn
        4s    alice > 200
        4s    alice < ACK
        4s    alice hears bob
        4s    bob   hears alice
        5s    alice > BYE
        5s    bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn the_party_that_waits_may_hang_up() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        1500ms carol > 180
        1500ms alice < NOTIFY
        2s    bob   > BYE
        2s    alice < BYE
        2s    carol < CANCEL
        2s    carol < ACK
        "#,
    );
    world.finish();
}

#[test]
fn early_media_of_the_new_party_is_heard_by_who_waits() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE `a=sendrecv`
        2s    carol > 183 sdp=PCMU
        2s    alice < NOTIFY
        2s    bob   hears carol
        3s    carol > 200 sdp=PCMU
        3s    carol < ACK
        3s    alice < NOTIFY
        3s    alice < BYE
        3s    bob   hears carol
        5s    bob   > BYE
        5s    carol < BYE
        "#,
    );
    world.finish();
}

/// The transferor held before it referred, as most phones do: what the new party is offered has nothing of that.
#[test]
fn a_hold_before_the_transfer_is_not_offered_to_the_new_party() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REINVITE dir=sendonly
        1s    alice < 200 `a=recvonly`
        1s    bob   hears HoldMusic
        2s    alice > REFER 1003
        2s    alice < 202
        2s    alice < NOTIFY
        2s    carol < INVITE `a=sendrecv` `!a=recvonly` `!a=sendonly` `!a=inactive`
        3s    carol > 200
        3s    carol < ACK
        3s    alice < NOTIFY
        3s    alice < BYE
        3s    bob   hears carol
        3s    carol hears bob
        5s    bob   > BYE
        5s    carol < BYE
        "#,
    );
    world.finish();
}

/// Who stays is offered what its own session is: RTP with feedback where it began so, whatever the new party speaks.
#[test]
fn a_party_that_stays_is_offered_its_own_profile_again() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=feedback
        0ms    bob   < INVITE `RTP/AVP `
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `RTP/AVPF `
        2s     bob   > REFER 1003
        2s     bob   < 202
        2s     bob   < NOTIFY
        2s     carol < INVITE `RTP/AVP `
        3s     carol > 200
        3s     carol < ACK
        3s     bob   < NOTIFY
        3s     bob   < BYE
        3s     alice hears carol
        "#,
    );
    // Both are offered anew what they have.
    world.crash(Duration::from_secs(2));
    world.play(
        r#"
        0ms    alice < INVITE `RTP/AVPF ` `a=sendrecv`
        0ms    carol < INVITE `RTP/AVP ` `a=sendrecv`
        100ms  alice > 200 more=feedback
        100ms  alice < ACK
        100ms  carol > 200
        100ms  carol < ACK
        1s     alice hears carol
        1s     carol hears alice
        2s     alice > BYE
        2s     carol < BYE
        "#,
    );
    world.finish();
}

/// Alice talks with Bob, holds, and talks with Carol.
fn asking() -> World {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REINVITE dir=sendonly
        1s    alice < 200
        1s    alice > swap
        1s    alice > INVITE 1003
        1s    carol < INVITE
        2s    carol > 200
        2s    carol < ACK
        2s    alice < 200
        2s    carol hears alice
        2s    alice > swap
        "#,
    );
    world
}

#[test]
fn an_attended_transfer_connects_the_two_others() {
    let mut world = asking();
    world.play(
        r#"
        1s    alice > REFER 1003 attended
        1s    alice < 202
        1s    alice < NOTIFY `SIP/2.0 100 Trying`
        1s    alice < NOTIFY `SIP/2.0 200 OK`
        1s    alice < BYE
        1s    alice < BYE
        1s    bob   hears carol
        1s    carol hears bob
        4s    bob   > BYE
        4s    carol < BYE
        "#,
    );
    world.finish();
    let facts = world.facts.join("\n");
    assert!(facts.contains("transfer_started 1001#1 Attended 1003"), "{facts}");
    assert!(facts.contains("transferred 1001#1 -> 1003#2 Attended"), "{facts}");
    assert!(facts.contains("ended Transferred by System"), "{facts}");
}

/// The phone pressed "transfer" while the new party still rang.
#[test]
fn two_parties_without_a_codec_in_common_are_connected_where_it_can_be_transcoded() {
    for (first, second, joined) in [("opus", "PCMU", true), ("G722", "PCMA", true), ("G729", "PCMA", false)] {
        let mut world = World::with(&["alice", "bob", "carol"]);
        world.play(&format!(
            r#"
            0ms   alice > INVITE 1002 sdp={first}
            0ms   bob   < INVITE
            0ms   bob   > 200 sdp={first}
            0ms   bob   < ACK
            0ms   alice < 200
            1s    alice > swap
            1s    alice > INVITE 1003 sdp={second}
            1s    carol < INVITE
            1s    carol > 200 sdp={second}
            1s    carol < ACK
            1s    alice < 200
            2s    alice > swap
            3s    alice > REFER 1003 attended
            "#
        ));
        if joined {
            world.play(
                r#"
                0ms   alice < 202
                0ms   alice < NOTIFY
                0ms   alice < NOTIFY `SIP/2.0 200 OK`
                0ms   alice < BYE
                0ms   alice < BYE
                0ms   bob   hears carol
                0ms   carol hears bob
                1s    bob   > BYE
                1s    carol < BYE
                "#,
            );
        } else {
            world.play(
                r#"
                0ms   alice < 488 `no codec in common`
                1s    bob   > BYE
                1s    alice < BYE
                1s    carol > BYE
                1s    alice < BYE
                "#,
            );
        }
        world.finish();
    }
}

#[test]
fn an_attended_transfer_to_a_phone_that_rings_waits_for_it() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > swap
        1s    alice > INVITE 1003
        1s    carol < INVITE
        2s    carol > 180
        2s    alice < 180
        2s    alice > swap
        3s    alice > REFER 1003 attended
        3s    alice < 202
        3s    alice < NOTIFY `SIP/2.0 100 Trying`
        3s    alice < 487
        3s    bob   hears RingbackCn
        4s    carol > 200
        4s    carol < ACK
        4s    alice < NOTIFY `SIP/2.0 200 OK`
        4s    alice < BYE
        4s    bob   hears carol
        4s    carol hears bob
        6s    carol > BYE
        6s    bob   < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_replaces_that_names_no_call_changes_nothing() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER extra=Refer-To:~<sip:1003@pbx.example?Replaces=nobody%3Bto-tag%3Da%3Bfrom-tag%3Db>
        1s    alice < 481
        1s    alice hears bob
        2s    alice > BYE
        2s    bob   < BYE
        "#,
    );
    world.finish();
}

/// What is refused at once, and leaves the call as it is.
#[test]
fn a_refer_that_cannot_be_done_is_refused() {
    for (extra, status) in [
        ("", "400"),
        ("Refer-To:~<sip:1003@pbx.example>|Refer-To:~<sip:1002@pbx.example>", "400"),
        ("Refer-To:~<sip:1003@pbx.example;method=BYE>", "403"),
        ("Refer-To:~<sip:7777@pbx.example>", "404"),
        ("Refer-To:~<mailto:carol@pbx.example>", "416"),
        ("Refer-To:~<sip:1003@pbx.example?Replaces=x>", "400"),
    ] {
        let mut world = talking(&["alice", "bob", "carol"]);
        let extra = if extra.is_empty() { "Subject:~x" } else { extra };
        world.play(&format!(
            r#"
            1s    alice > REFER extra={extra}
            1s    alice < {status}
            1s    alice hears bob
            2s    alice > BYE
            2s    bob   < BYE
            "#
        ));
        world.finish();
    }
}

/// A carrier may not make calls at our cost.
#[test]
fn a_trunk_cannot_transfer() {
    check(
        &["alice"],
        r#"
        0ms    lines > INVITE 01012345678
        0ms    alice < INVITE
        1s     alice > 200
        1s     alice < ACK
        1s     lines < 200
        2s     lines > REFER 1003
        2s     lines < 403 `Warning: 399 switchboard "only an extension may transfer"`
        3s     lines > BYE
        3s     alice < BYE
        "#,
        "",
    );
}

#[test]
fn nobody_is_handed_on_before_the_answer() {
    check(
        &["alice", "bob", "carol"],
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 180
        1s     alice < 180
        2s     alice > REFER 1003
        2s     alice < 403 `Warning: 399 switchboard "a call can be transferred once both parties talk"`
        3s     bob   > 200
        3s     bob   < ACK
        3s     alice < 200
        4s     alice > BYE
        4s     bob   < BYE
        "#,
        "",
    );
}

/// Who handed the call on vanishes: the other two are connected all the same.
#[test]
fn who_hands_on_may_vanish() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        "#,
    );
    let endpoint = world.endpoint("alice");
    world.input(Input::Media(MediaEvent::Silent(endpoint)));
    world.play(
        r#"
        0ms   alice < BYE
        1s    carol > 200
        1s    carol < ACK
        1s    bob   hears carol
        2s    bob   > BYE
        2s    carol < BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_transfer_that_nobody_takes_back_fails_once() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        1s    alice > BYE
        2s    carol > 486
        2s    carol < ACK
        2s    alice < INVITE
        3s    alice > 486
        3s    alice < ACK
        3s    bob   < BYE
        "#,
    );
    world.finish();
    assert_eq!(world.facts.iter().filter(|fact| fact.starts_with("transfer_failed")).count(), 1);
}

#[test]
fn nobody_is_handed_on_twice_at_once() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER 1003
        1s    alice < 202
        1s    alice < NOTIFY
        1s    carol < INVITE
        2s    alice > REFER 1003
        2s    alice < 491
        2s    bob   > REFER 1003
        2s    bob   < 491
        3s    carol > 200
        3s    carol < ACK
        3s    alice < NOTIFY
        3s    alice < BYE
        4s    bob   > BYE
        4s    carol < BYE
        "#,
    );
    world.finish();
}

/// Two phones hand a third one to each other for ever: it ends with 483.
#[test]
fn a_ring_of_transfers_ends() {
    let mut world = talking(&["alice", "bob", "carol"]);
    let (mut by, mut to, mut number) = ("alice", "carol", "1003");
    for _ in 0..16 {
        world.play(&format!(
            r#"
            1s    {by} > REFER {number}
            1s    {by} < 202
            1s    {by} < NOTIFY
            1s    {to} < INVITE
            2s    {to} > 200
            2s    {to} < ACK
            2s    {by} < NOTIFY
            2s    {by} < BYE
            "#
        ));
        (by, to) = (to, by);
        number = if to == "carol" { "1003" } else { "1001" };
    }
    world.play(&format!("1s {by} > REFER {number}\n1s {by} < 483\n2s bob > BYE\n2s {by} < BYE"));
    world.finish();
}

#[test]
fn a_phone_may_do_without_the_subscription() {
    let mut world = talking(&["alice", "bob", "carol"]);
    world.play(
        r#"
        1s    alice > REFER extra=Refer-To:~<sip:1003@pbx.example>|Refer-Sub:~false
        1s    alice < 202 `Refer-Sub: false`
        1s    carol < INVITE
        2s    carol > 200
        2s    carol < ACK
        2s    alice < BYE
        4s    bob   > BYE
        4s    carol < BYE
        "#,
    );
    world.finish();
}
