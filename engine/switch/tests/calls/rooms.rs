//! Conference rooms: who gets in, who hears whom, what keys and commands do, and how it ends.

use std::time::Duration;

use dialplan::number::RoomNumber;
use hooks::id::CallId;
use switch::input::{Command, ConferenceOrder};
use switch::media::{Decibels, MediaCommand, MediaEvent};
use switch::output::Refused;
use switch::view::{ConferenceView, View};

use crate::ladder::{World, check, room, tenant};

/// Alice, Bob and Carol are in room 8000.
fn three() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms  alice > INVITE 8000
        0ms  alice < 200
        0ms  alice hears HoldMusic
        1s   bob   > INVITE 8000
        1s   bob   < 200
        1s   alice hears bob
        1s   bob   hears alice
        2s   carol > INVITE 8000
        2s   carol < 200
        2s   alice hears bob+carol
        2s   bob   hears alice+carol
        2s   carol hears alice+bob
        "#,
    );
    world
}

fn number() -> RoomNumber {
    "8000".parse().unwrap()
}

fn view(world: &World) -> &ConferenceView {
    let last = world.views.iter().rev().find_map(|view| match view {
        View::Conference(view) => Some(view.as_ref()),
        _ => None,
    });
    last.expect("a conference was published")
}

fn order(world: &mut World, order: ConferenceOrder) {
    world.command(Command::Conference(number(), order)).unwrap();
}

/// The call of the member with that number.
fn call_of(world: &World, number: &str) -> CallId {
    view(world).members.iter().find(|member| member.number == number).expect("is a member").call
}

#[test]
fn each_member_hears_all_others_until_the_last_one_leaves() {
    let mut world = three();
    world.play(
        r#"
        3s  bob   > BYE
        3s  alice hears carol
        3s  carol hears alice
        4s  carol > BYE
        4s  alice hears HoldMusic
        5s  alice > BYE
        "#,
    );
    world.finish();
    let conference: Vec<&str> = world
        .facts
        .iter()
        .map(String::as_str)
        .filter(|fact| ["conf", "joined", "left"].iter().any(|word| fact.starts_with(word)))
        .collect();
    assert_eq!(
        conference,
        [
            "conference_started 8000",
            "joined 1001#1 Participant 1",
            "joined 1002#1 Participant 2",
            "joined 1003#1 Participant 3",
            "left 1002#1 HungUp 2",
            "left 1003#1 HungUp 1",
            "left 1001#1 HungUp 0",
            "conference_ended 8000 Empty 3",
        ]
    );
    assert!(world.views.iter().any(|view| matches!(view, View::ConferenceGone(..))));
}

#[test]
fn a_visit_is_a_call_whose_other_party_is_the_room() {
    check(
        &["alice"],
        r#"
        0ms  alice > INVITE 8000
        0ms  alice < 200
        1s   alice > BYE
        "#,
        r#"
        created Internal 1001 -> 8000
        leg_started 1001#1
        leg_answered 1001#1 PCMU
        leg_started 8000#1
        answered 8000#1
        conference_started 8000
        joined 1001#1 Participant 1
        left 1001#1 HungUp 0
        conference_ended 8000 Empty 1
        leg_ended 8000#1 Normal 0
        leg_ended 1001#1 Normal 200
        ended Normal by Caller 200
        "#,
    );
}

#[test]
fn a_call_from_outside_may_lead_into_a_room() {
    let mut world = World::with(&["alice"]);
    world.play(
        r#"
        0ms  lines > INVITE 01012348000
        0ms  lines < 200
        1s   alice > INVITE 8000
        1s   alice < 200
        1s   lines hears alice
        1s   alice hears lines
        2s   lines > BYE
        3s   alice > BYE
        "#,
    );
    world.finish();
}

#[test]
fn who_holds_neither_hears_nor_is_heard() {
    for direction in ["sendonly", "inactive", "zero"] {
        let mut world = three();
        world.play(&format!(
            r#"
            3s  bob   > REINVITE dir={direction}
            3s  bob   < 200
            3s  alice hears carol
            3s  carol hears alice
            3s  bob   hears nothing
            4s  bob   > REINVITE
            4s  bob   < 200
            4s  alice hears bob+carol
            4s  bob   hears alice+carol
            5s  alice > BYE
            5s  bob   > BYE
            5s  carol > BYE
            "#
        ));
        world.finish();
        assert!(world.facts.contains(&"held 1002#1".to_owned()), "{:?}", world.facts);
    }
}

#[test]
fn a_member_mutes_itself_by_key_in_each_way_that_keys_come() {
    let mut world = three();
    world.play(
        r#"
        3s  bob   > press *6
        3s  alice hears carol
        3s  carol hears alice
        3s  bob   hears alice+carol
        4s  bob   > INFO text=Signal=* extra=Content-Type:~application/dtmf-relay
        4s  bob   < 200
        4s  bob   > INFO text=6 extra=Content-Type:~application/dtmf
        4s  bob   < 200
        4s  alice hears bob+carol
        5s  alice > BYE
        5s  bob   > BYE
        5s  carol > BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"muted 1002#1 by Member".to_owned()), "{:?}", world.facts);
    assert!(world.facts.contains(&"unmuted 1002#1 by Member".to_owned()), "{:?}", world.facts);
}

#[test]
fn commands_mute_send_away_and_end() {
    let mut world = three();
    let (bob, carol) = (call_of(&world, "1002"), call_of(&world, "1003"));
    order(&mut world, ConferenceOrder::Mute(bob));
    assert!(view(&world).members[1].muted);
    world.play("0s alice hears carol\n0s bob hears alice+carol");
    order(&mut world, ConferenceOrder::Mute(bob));
    assert_eq!(world.facts.iter().filter(|fact| *fact == "muted 1002#1 by Command").count(), 1, "once is enough");
    order(&mut world, ConferenceOrder::Unmute(bob));
    world.play("0s alice hears bob+carol");
    order(&mut world, ConferenceOrder::Kick(carol));
    world.play("0s carol < BYE\n0s alice hears bob\n0s bob hears alice");
    let unknown = world.command(Command::Conference(number(), ConferenceOrder::Mute(carol)));
    assert_eq!(unknown, Err(Refused::NoSuchMember));
    order(&mut world, ConferenceOrder::End);
    world.play("0s alice < BYE\n0s bob < BYE");
    let over = world.command(Command::Conference(number(), ConferenceOrder::End));
    assert_eq!(over, Err(Refused::NoSuchConference));
    world.finish();
    for fact in ["left 1003#1 Kicked 2", "left 1002#1 Ended 0", "conference_ended 8000 Command 3"] {
        assert!(world.facts.contains(&fact.to_owned()), "{fact}: {:?}", world.facts);
    }
}

#[test]
fn a_gain_is_set_on_each_edge_from_the_member_and_on_those_that_come() {
    let mut world = three();
    let bob = call_of(&world, "1002");
    let before = world.media.len();
    order(&mut world, ConferenceOrder::SetGain(bob, Decibels::new(6)));
    let of = |world: &World, from: usize| -> Vec<String> {
        let name =
            |endpoint| ["alice", "bob", "carol"].into_iter().find(|name| world.endpoint_of(name) == Some(endpoint));
        let gains = world.media[from..].iter().filter_map(|command| match command {
            MediaCommand::SetGain { endpoint, gain, .. } => Some(format!("{} {}", name(*endpoint).unwrap(), gain.db())),
            _ => None,
        });
        gains.collect()
    };
    assert_eq!(of(&world, before), ["alice 6", "carol 6"]);
    let before = world.media.len();
    world.play("1s carol > BYE\n2s carol > INVITE 8000\n2s carol < 200");
    assert_eq!(of(&world, before), ["carol 6"]);
    world.play("3s alice > BYE\n3s bob > BYE\n3s carol > BYE");
    world.finish();
}

#[test]
fn a_full_room_is_busy() {
    let mut world = three();
    world.play(
        r#"
        3s  lines > INVITE 01012348000
        3s  lines < 486
        4s  bob   > BYE
        5s  lines > INVITE 01012348000
        5s  lines < 200
        6s  alice > BYE
        6s  carol > BYE
        6s  lines > BYE
        "#,
    );
    world.finish();
}

#[test]
fn the_pin_is_asked_for_three_times() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms   alice > INVITE 8001
        0ms   alice < 200
        0ms   alice hears nothing
        1s    alice > press 9999
        2s    alice > press 12#
        3s    alice > press 1234
        3s    alice hears HoldMusic
        4s    bob   > INVITE 8001
        4s    bob   < 200
        5s    bob   > press 0000
        6s    bob   > press 0000
        7s    bob   > press 0000
        7s    bob   < BYE
        8s    alice > BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"ended Rejected by System 200".to_owned()), "{:?}", world.facts);
    assert_eq!(world.facts.iter().filter(|fact| fact.starts_with("joined")).count(), 1);
}

#[test]
fn who_enters_no_pin_in_time_is_sent_away() {
    check(
        &["alice"],
        r#"
        0ms   alice > INVITE 8001
        0ms   alice < 200
        9s    alice > press 1
        14s   alice > press 1
        29s   alice < BYE
        "#,
        r#"
        created Internal 1001 -> 8001
        leg_started 1001#1
        leg_answered 1001#1 PCMU
        leg_started 8001#1
        answered 8001#1
        leg_ended 8001#1 Rejected 0
        leg_ended 1001#1 Rejected 200
        ended Rejected by System 200
        "#,
    );
}

#[test]
fn a_moderator_locks_mutes_sends_away_and_ends_by_key() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms  alice > INVITE 8001
        0ms  alice < 200
        0ms  alice > press 5678
        1s   bob   > INVITE 8001
        1s   bob   < 200
        1s   bob   > press 1234
        2s   bob   > press *2
        2s   bob   > press *9
        3s   alice > press *2
        4s   carol > INVITE 8001
        4s   carol < 200
        4s   carol > press 1234
        4s   carol < BYE
        5s   alice > press *2
        6s   carol > INVITE 8001
        6s   carol < 200
        6s   carol > press 1234
        6s   alice hears bob+carol
        7s   alice > press *5
        7s   alice hears nothing
        7s   carol hears alice
        8s   alice > press *5
        8s   alice hears bob+carol
        9s   alice > press *8
        9s   carol < BYE
        10s  alice > press *9
        10s  alice < BYE
        10s  bob   < BYE
        "#,
    );
    world.finish();
    for fact in [
        "joined 1001#1 Moderator 1",
        "muted 1003#2 by Moderator",
        "left 1003#2 Kicked 2",
        "conference_ended 8001 Moderator 3",
    ] {
        assert!(world.facts.contains(&fact.to_owned()), "{fact}: {:?}", world.facts);
    }
}

#[test]
fn a_room_that_begins_locked_waits_for_a_moderator() {
    let mut settings = tenant();
    let mut locked = room("8002", None);
    (locked.locked, locked.moderator_pin) = (true, Some("5678".parse().unwrap()));
    settings.plan.rooms.insert(locked.number.clone());
    settings.rooms.insert(locked.number.clone(), std::sync::Arc::new(locked));
    let mut world = World::new(crate::ladder::node(), settings);
    world.register(&["alice", "bob"]);
    world.play(
        r#"
        0ms  alice > INVITE 8002
        0ms  alice < 200
        0ms  alice > press #
        0ms  alice < BYE
        1s   bob   > INVITE 8002
        1s   bob   < 200
        1s   bob   > press 5678
        1s   bob   > press *2
        2s   alice > INVITE 8002
        2s   alice < 200
        2s   alice > press #
        2s   alice hears bob
        3s   alice > BYE
        3s   bob   > BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_member_whose_phone_is_gone_leaves() {
    let mut world = three();
    let endpoint = world.endpoint("bob");
    world.input(switch::input::Input::Media(MediaEvent::Silent(endpoint)));
    world.play(
        r#"
        0s  bob   < BYE
        0s  alice hears carol
        1s  alice > BYE
        1s  carol > BYE
        "#,
    );
    world.finish();
    assert!(world.facts.contains(&"left 1002#1 Lost 2".to_owned()), "{:?}", world.facts);
}

#[test]
fn a_party_may_be_handed_on_into_a_room() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play(
        r#"
        0ms  carol > INVITE 8000
        0ms  carol < 200
        1s   alice > INVITE 1002
        1s   bob   < INVITE
        1s   bob   > 200
        1s   bob   < ACK
        1s   alice < 200
        2s   alice > REFER 8000
        2s   alice < 202
        2s   alice < NOTIFY
        2s   alice < NOTIFY
        2s   alice < BYE
        2s   bob   hears carol
        2s   carol hears bob
        3s   bob   > BYE
        3s   carol > BYE
        "#,
    );
    world.finish();
}

#[test]
fn the_api_may_call_somebody_into_a_room() {
    let mut world = World::with(&["alice", "bob"]);
    world.play("0ms bob > INVITE 8000\n0ms bob < 200");
    let to = "8000".parse().unwrap();
    world.command(Command::Originate { from: "1001".parse().unwrap(), to }).unwrap();
    world.play(
        r#"
        0ms  alice < INVITE
        1s   alice > 200
        1s   alice < ACK
        1s   alice hears bob
        2s   alice > BYE
        2s   bob   > BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_stopping_node_ends_all_conferences() {
    let mut world = three();
    world.input(switch::input::Input::Stop);
    world.play("0s alice < BYE\n0s bob < BYE\n0s carol < BYE");
    world.finish();
    assert!(world.facts.contains(&"left 1002#1 CallEnded 1".to_owned()), "{:?}", world.facts);
}

/// Of which phones the recording that runs takes in whom, left | right.
fn recorded(world: &World) -> String {
    let names = |endpoints: &[switch::media::EndpointId]| {
        let name = |endpoint| {
            let all = ["alice", "bob", "carol", "lines"];
            all.into_iter().find(|name| world.endpoint_of(name) == Some(endpoint)).unwrap_or("somebody")
        };
        endpoints.iter().map(|endpoint| name(*endpoint)).collect::<Vec<_>>().join("+")
    };
    let last = world.media.iter().rev().find_map(|command| match command {
        MediaCommand::Record { left, right, .. } | MediaCommand::RecordFrom { left, right, .. } => {
            Some(format!("{} | {}", names(left), names(right)))
        }
        MediaCommand::StopRecording(_) => Some("stopped".to_owned()),
        _ => None,
    });
    last.unwrap_or_default()
}

#[test]
fn a_recording_has_outside_parties_on_the_left_and_takes_in_who_is_heard() {
    let mut world = World::with(&["alice", "bob"]);
    world.play(
        r#"
        0ms  alice > INVITE 8000
        0ms  alice < 200
        1s   bob   > INVITE 8000
        1s   bob   < 200
        "#,
    );
    assert_eq!(recorded(&world), "");
    order(&mut world, ConferenceOrder::Record);
    assert_eq!(recorded(&world), " | alice+bob");
    assert!(view(&world).recording.is_some());
    world.play("0ms lines > INVITE 01012348000\n0ms lines < 200");
    assert_eq!(recorded(&world), "lines | alice+bob");
    world.play("0ms bob > press *6");
    assert_eq!(recorded(&world), "lines | alice", "who is muted is not recorded");
    world.play("0ms bob > press *6\n0ms lines > REINVITE dir=sendonly\n0ms lines < 200");
    assert_eq!(recorded(&world), " | alice+bob", "nor is the music of who holds");
    order(&mut world, ConferenceOrder::Record);
    assert_eq!(world.media.iter().filter(|command| matches!(command, MediaCommand::Record { .. })).count(), 1);
    order(&mut world, ConferenceOrder::StopRecording);
    assert_eq!((recorded(&world).as_str(), view(&world).recording), ("stopped", None));
    order(&mut world, ConferenceOrder::Record);
    world.play("1s alice > BYE\n2s bob > BYE\n3s lines > BYE");
    assert_eq!(recorded(&world), "stopped");
    world.finish();
    let ready = world.facts.iter().filter(|fact| *fact == "recording_ready").count();
    assert_eq!(ready, 2, "{:?}", world.facts);
}

#[test]
fn a_room_may_be_recorded_from_its_first_member_on_and_by_a_moderators_key() {
    let mut settings = tenant();
    let mut always = room("8002", Some("1234"));
    always.record = true;
    settings.plan.rooms.insert(always.number.clone());
    settings.rooms.insert(always.number.clone(), std::sync::Arc::new(always));
    let mut world = World::new(crate::ladder::node(), settings);
    world.register(&["alice"]);
    world.play("0ms alice > INVITE 8002\n0ms alice < 200\n0ms alice > press 5678");
    assert_eq!(recorded(&world), " | alice");
    world.play("1s alice > press *1");
    assert_eq!(recorded(&world), "stopped");
    world.play("1s alice > press *1");
    assert_eq!(recorded(&world), " | alice");
    world.play("2s alice > BYE");
    world.finish();
}

/// The facts since the process was killed.
fn facts_since(world: &World, before: usize) -> Vec<&str> {
    world.facts[before..].iter().map(String::as_str).collect()
}

#[test]
fn a_conference_outlives_its_process() {
    let mut world = three();
    world.play("3s bob > press *6\n3s alice hears carol\n3s carol hears alice");
    order(&mut world, ConferenceOrder::Lock);
    order(&mut world, ConferenceOrder::Record);
    let conference = view(&world).conference;
    let before = world.facts.len();
    world.crash(Duration::from_secs(2));
    world.play(
        r#"
        0ms    alice hears carol
        0ms    bob   hears alice+carol
        0ms    carol hears alice
        0ms    alice < INVITE `a=sendrecv`
        0ms    bob   < INVITE
        0ms    carol < INVITE
        100ms  alice > 200
        100ms  alice < ACK
        200ms  bob   > 200
        200ms  bob   < ACK
        "#,
    );
    assert_eq!(view(&world).conference, conference, "it is the same");
    assert!(view(&world).locked, "and as it was");
    assert!(view(&world).members[1].muted && view(&world).recording.is_some(), "{:?}", view(&world));
    // Who does not answer is gone; who is there goes on as before.
    world.play(
        r#"
        5s     carol < BYE
        5s     alice hears nothing
        5s     bob   hears alice
        6s     bob   > press *6
        6s     alice hears bob
        7s     alice > BYE
        7s     bob   hears HoldMusic
        8s     bob   > BYE
        "#,
    );
    world.finish();
    assert_eq!(
        facts_since(&world, before),
        [
            "resumed after 2100 ms",
            "recording_started 1001#1 | 1001#1",
            "resumed after 2200 ms",
            "left 1003#1 Lost 2",
            "leg_ended 8000#3 Interrupted 0",
            "leg_ended 1003#1 Interrupted 200",
            "ended Interrupted by System 200",
            "unmuted 1002#1 by Member",
            "left 1001#1 HungUp 1",
            "leg_ended 8000#1 Normal 0",
            "leg_ended 1001#1 Normal 200",
            "ended Normal by Caller 200",
            "left 1002#1 HungUp 0",
            "conference_ended 8000 Empty 3",
            "leg_ended 8000#2 Normal 0",
            "leg_ended 1002#1 Normal 200",
            "ended Normal by Caller 200",
            "recording_ready",
        ]
    );
}

#[test]
fn a_member_whose_room_is_gone_after_a_crash_has_left_it() {
    let mut world = three();
    let before = world.facts.len();
    world.tenant.rooms.clear();
    world.crash(Duration::from_secs(2));
    world.play("1s alice > BYE\n1s alice < 481");
    assert_eq!(
        facts_since(&world, before),
        [
            "left 1003#1 Lost 2",
            "leg_ended 1003#1 Interrupted 200",
            "leg_ended 8000#3 Interrupted 0",
            "ended Interrupted by System 200",
            "left 1002#1 Lost 1",
            "leg_ended 1002#1 Interrupted 200",
            "leg_ended 8000#2 Interrupted 0",
            "ended Interrupted by System 200",
            "left 1001#1 Lost 0",
            "conference_ended 8000 Empty 3",
            "leg_ended 1001#1 Interrupted 200",
            "leg_ended 8000#1 Interrupted 0",
            "ended Interrupted by System 200",
        ]
    );
}
