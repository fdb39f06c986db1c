//! How long packets are, and what a phone says of its Opus.

use crate::ladder::World;
use crate::under_test::media::{Agreement, MediaCommand};

/// What was agreed last for a party.
fn agreed(world: &World, who: &str) -> Agreement {
    let wanted = world.endpoint(who);
    let of = |command: &MediaCommand| match command {
        MediaCommand::Agree { endpoint, agreement } if *endpoint == wanted => Some(agreement.clone()),
        _ => None,
    };
    world.media.iter().rev().find_map(of).expect("something was agreed")
}

#[test]
fn what_each_phone_asks_for_is_asked_of_the_other() {
    let mut world = World::with(&["bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=packets
        0ms    bob   < INVITE `a=ptime:30` `a=maxptime:40`
        1s     bob   > 200 more=long
        1s     bob   < ACK
        1s     alice < 200 `a=ptime:60` `!a=maxptime`
        2s     alice hears bob
        "#,
    );
    let (alice, bob) = (agreed(&world, "alice"), agreed(&world, "bob"));
    assert_eq!((alice.ptime_ms, alice.ptime_ms_max), (30, Some(40)), "what is made for Alice");
    assert_eq!((bob.ptime_ms, bob.ptime_ms_max), (60, None), "what is made for Bob");
}

#[test]
fn who_asks_for_nothing_gets_20_ms() {
    let mut world = World::with(&["bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE `!a=ptime` `!a=maxptime`
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200 `!a=ptime`
        "#,
    );
    let alice = agreed(&world, "alice");
    assert_eq!((alice.ptime_ms, alice.ptime_ms_max), (20, None));
}

/// RFC 7587 §6.1.
#[test]
fn the_limits_of_a_phone_s_opus_are_passed_on() {
    let mut world = World::with(&["bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=opus,PCMU more=limited
        0ms    bob   < INVITE
        1s     bob   > 200 sdp=opus
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    let (alice, bob) = (agreed(&world, "alice").opus, agreed(&world, "bob").opus);
    assert_eq!((alice.bits_per_second_max, alice.playback_hz_max), (Some(20_000), Some(16_000)));
    assert_eq!((bob.bits_per_second_max, bob.playback_hz_max), (None, None));
}

/// RFC 3264 §8.3: the codec of one leg changes, the other party is not asked.
#[test]
fn a_codec_is_changed_in_the_middle_of_a_call() {
    let mut world = World::with(&["bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=PCMU
        0ms    bob   < INVITE
        1s     bob   > 200 sdp=PCMU
        1s     bob   < ACK
        1s     alice < 200 `RTP/AVP 0`
        2s     alice > REINVITE sdp=G722
        2s     alice < 200 `RTP/AVP 9`
        3s     alice hears bob
        3s     bob hears alice
        4s     alice > REINVITE sdp=G729
        4s     alice < 488
        5s     alice hears bob
        "#,
    );
    let first = |who: &str| agreed(&world, who).codecs[0].name.clone();
    assert_eq!((first("alice").as_str(), first("bob").as_str()), ("G722", "PCMU"), "a refused offer changes nothing");
}

/// What is asked of each phone is in what was described to it, so another process goes on asking it.
#[test]
fn what_is_asked_outlives_the_process() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms    alice > INVITE 1002 more=packets
        0ms    bob   < INVITE
        1s     bob   > 200 more=long
        1s     bob   < ACK
        1s     alice < 200 `a=ptime:60`
        "#,
    );
    world.crash(std::time::Duration::from_secs(2));
    world.play(
        r#"
        0ms    alice < INVITE `a=ptime:60` `!a=maxptime`
        0ms    bob   < INVITE `a=ptime:30` `a=maxptime:40`
        100ms  alice > 200
        100ms  alice < ACK
        300ms  bob   > 200
        300ms  bob   < ACK
        "#,
    );
}
