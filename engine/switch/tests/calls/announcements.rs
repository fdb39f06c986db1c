//! What is said aloud at the door of a conference room and in it: to whom, in which order, and what ends it.

use std::sync::Arc;

use switch::config::TenantConfig;
use switch::input::{Command, ConferenceOrder};
use switch::media::MediaCommand;
use switch::view::View;

use crate::ladder::{World, node, room, tenant};

const WELCOME_ALONE: &str = "conference_welcome conference_alone";

/// One in which all that is said takes until the test says that it is over. Rooms 8000 and 8001 announce.
fn world(change: impl Fn(&mut switch::config::Room)) -> World {
    let mut settings = tenant();
    for (number, pin) in [("8000", None), ("8001", Some("1234"))] {
        let mut room = room(number, pin);
        room.announce = true;
        change(&mut room);
        settings.rooms.insert(room.number.clone(), Arc::new(room));
    }
    let mut world = World::new(node(), TenantConfig { ..settings });
    world.clips_last = true;
    world.register(&["alice", "bob", "carol"]);
    world
}

/// Alice is in room 8000, and welcomed.
fn alice() -> World {
    let mut world = world(|_| {});
    world.play(&format!("0ms alice > INVITE 8000\n0ms alice < 200\n0ms alice hears {WELCOME_ALONE}"));
    world.played("alice");
    world
}

/// Alice and Bob are in room 8000, and all is said.
fn two() -> World {
    let mut world = alice();
    world.play("1s bob > INVITE 8000\n1s bob < 200");
    world.played("alice");
    world.played("bob");
    world.play("1s alice hears bob\n1s bob hears alice");
    world
}

fn order(world: &mut World, order: ConferenceOrder) {
    world.command(Command::Conference("8000".parse().unwrap(), order)).unwrap();
}

/// The call of the member with that number.
fn call_of(world: &World, number: &str) -> hooks::id::CallId {
    let last = world.views.iter().rev().find_map(|view| match view {
        View::Conference(view) => Some(view),
        _ => None,
    });
    last.expect("a conference").members.iter().find(|member| member.number == number).expect("is a member").call
}

#[test]
fn who_comes_in_is_welcomed_and_the_others_are_told() {
    let mut world = alice();
    world.play(
        r#"
        1s  alice hears HoldMusic
        1s  bob   > INVITE 8000
        1s  bob   < 200
        1s  alice hears bob+conference_joined
        1s  bob   hears alice+conference_welcome conference_there_are Number(2) conference_people
        "#,
    );
    // It is no news to Bob when his welcome is over.
    world.played("bob");
    world.play("2s bob hears alice\n2s alice hears bob+conference_joined");
    world.played("alice");
    world.play("3s alice hears bob\n3s bob > BYE\n3s alice hears conference_left");
    world.played("alice");
    world.play("4s alice hears HoldMusic\n4s alice > BYE");
    world.finish();
}

#[test]
fn many_who_come_at_once_are_announced_together() {
    let mut world = alice();
    world.play(
        r#"
        1s  bob   > INVITE 8000
        1s  bob   < 200
        1s  carol > INVITE 8000
        1s  carol < 200
        1s  bob   > BYE
        1s  carol > BYE
        1s  alice hears conference_joined
        "#,
    );
    world.played("alice");
    world.play("1s alice hears conference_joined");
    world.played("alice");
    world.play("1s alice hears conference_left");
    world.played("alice");
    world.play("2s alice hears HoldMusic\n3s alice > BYE");
    world.finish();
}

#[test]
fn a_pin_is_asked_for_until_a_key_is_pressed_and_has_its_time_from_then() {
    let mut world = world(|_| {});
    world.play("0ms alice > INVITE 8001\n0ms alice < 200\n8s alice hears conference_pin");
    world.played("alice");
    // Ten seconds from the end of the question.
    world.play("9s alice hears nothing\n9s alice > press 9\n9s alice > press 9#\n9s alice hears wrong_pin");
    world.play("1s alice > press 1\n1s alice hears nothing\n2s alice > press 234");
    world.play(&format!("1s alice hears {WELCOME_ALONE}\n2s alice > BYE"));
    world.finish();
}

#[test]
fn who_is_not_let_in_after_the_pin_is_told_why() {
    let mut world = world(|room| room.locked = true);
    world.play("0ms alice > INVITE 8001\n0ms alice < 200\n1s alice > press 1234\n1s alice hears conference_locked");
    world.played("alice");
    world.play("1s alice < BYE");
    // Before the answer it is refused without a word.
    world.play("2s bob > INVITE 8000\n2s bob < 403");
    world.finish();
    assert!(world.facts.contains(&"ended Rejected by System 200".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_member_that_is_muted_or_sent_away_is_told_so() {
    let mut world = two();
    let bob = call_of(&world, "1002");
    order(&mut world, ConferenceOrder::Mute(bob));
    world.play("1s bob hears alice+conference_muted\n1s alice hears nothing");
    world.played("bob");
    world.play("1s bob > press *6\n1s bob hears alice+conference_unmuted\n1s alice hears bob");
    world.played("bob");
    order(&mut world, ConferenceOrder::Kick(bob));
    // He is out before he is told, and so are the others.
    world.play("2s bob hears conference_kicked\n2s alice hears conference_left");
    world.played("bob");
    world.play("2s bob < BYE");
    world.played("alice");
    world.play("3s alice > BYE");
    world.finish();
    assert!(world.facts.contains(&"left 1002#1 Kicked 1".to_owned()), "{:?}", world.facts);
}

#[test]
fn who_is_sent_away_goes_though_it_never_hears_the_end_of_it() {
    let mut world = two();
    order(&mut world, ConferenceOrder::End);
    world.play(
        r#"
        2s   alice hears conference_closed
        2s   bob   hears conference_closed
        2s   bob   > REINVITE dir=sendonly
        2s   bob   < 200
        3s   alice > BYE
        9s   bob   hears conference_closed
        13s  bob   < BYE
        "#,
    );
    world.finish();
    let left: Vec<_> = world.facts.iter().filter(|fact| fact.starts_with("left")).collect();
    assert_eq!(left, ["left 1001#1 Ended 1", "left 1002#1 Ended 0"]);
}

#[test]
fn locks_and_recordings_are_announced_to_all() {
    let mut world = two();
    for (what, said) in [
        (ConferenceOrder::Lock, "conference_locked"),
        (ConferenceOrder::Unlock, "conference_unlocked"),
        (ConferenceOrder::Record, "conference_recording"),
        (ConferenceOrder::StopRecording, "conference_not_recording"),
    ] {
        order(&mut world, what);
        world.play(&format!("10ms alice hears bob+{said}\n10ms bob hears alice+{said}"));
        world.played("bob");
    }
    world.play("1s alice hears bob\n2s alice > BYE\n3s bob > BYE");
    world.finish();
}

#[test]
fn who_holds_is_told_nothing_and_news_that_nobody_hears_grows_not_old() {
    let mut world = two();
    world.play("2s alice > REINVITE dir=sendonly\n2s alice < 200\n2s bob > REINVITE dir=sendonly\n2s bob < 200");
    order(&mut world, ConferenceOrder::Lock);
    world.play(
        "3s alice hears nothing\n3s bob hears nothing\n4s alice > REINVITE\n4s alice < 200\n4s alice hears nothing",
    );
    let stopped = world.media.iter().filter(|command| matches!(command, MediaCommand::StopPlaying(_))).count();
    assert_eq!(stopped, 1, "what nobody hears is stopped");
    world.play("5s alice > BYE\n6s bob > BYE");
    world.finish();
}

#[test]
fn a_recorded_room_says_so_to_who_comes_in() {
    let mut world = world(|room| room.record = true);
    world.play(&format!(
        "0ms alice > INVITE 8000\n0ms alice < 200\n0ms alice hears {WELCOME_ALONE} conference_recording"
    ));
    world.played("alice");
    world.play("1s alice hears HoldMusic\n2s alice > BYE");
    world.finish();
}
