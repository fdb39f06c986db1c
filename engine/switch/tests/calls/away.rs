//! Browsers whose page is loaded again, or whose connection breaks, in the middle of a call.

use std::time::Duration;

use sip::flow::ConnectionId;

use crate::browsers::{on_websocket, world_of};
use crate::ladder::{World, tenant};
use crate::phone::header;
use crate::under_test::input::Input;
use crate::under_test::media::{BrowserLoss, MediaCommand, MediaEvent};

const INSTANCE: &str = r#"+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>";reg-id=1"#;

/// Alice's page registers, as `user`, over this connection.
fn page(world: &mut World, user: &str, connection: u64) {
    on_websocket(world, "alice", connection);
    world.play(&format!(
        "0ms alice > REGISTER contact=<sip:{user}@192.0.2.11:5060>;{INSTANCE} extra=Supported:~outbound\n\
         0ms alice < 200 `Require: outbound`"
    ));
}

/// Alice called Bob from her first page, and their call is recorded.
fn talking() -> World {
    let mut tenant = tenant();
    tenant.record_internal = true;
    let mut world = world_of(tenant);
    page(&mut world, "1001", 1);
    world.play(
        r#"
        0ms    alice > INVITE 1002 sdp=opus,PCMA,event more=browser1A
        0ms    bob   < INVITE
        1s     bob   > 200 sdp=PCMA,event
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    world
}

/// What a page gets that is to come back.
const ASKED: &str = "INVITE `Switchboard-Resumed-Call: ` `answer-after=0` `info=alert-autoanswer` `From: \"Bob\" <sip:1002@pbx.example>`";

fn close(world: &mut World, connection: u64) {
    world.input(Input::ConnectionClosed(ConnectionId(connection)));
}

fn hang_up(mut world: World) {
    world.play("1s bob > BYE\n1s alice < BYE `!Reason`");
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Callee 200");
}

#[test]
fn a_page_that_is_loaded_again_comes_back_to_its_call() {
    let mut world = talking();
    close(&mut world, 1);
    // What is heard is left as it is: the page may live.
    world.play("1s bob hears alice\n1s alice hears bob");
    let facts = world.facts.len();
    page(&mut world, "again", 2);
    let endpoint = world.endpoint("alice");
    let call = world.last_call.unwrap().to_string();
    let invite = world.phone("alice").inbox.front().unwrap().clone();
    assert_eq!(header(&invite, "Switchboard-Resumed-Call"), call);
    assert!(invite.starts_with("INVITE sip:again@192.0.2.11:5060 "), "{invite}");
    // Bob's codec comes first, so that packets pass as they are.
    assert!(invite.contains("SAVPF 8 "), "{invite}");
    world.play(&format!(
        r#"
        0ms    alice < {ASKED}
        100ms  alice > 200 sdp=PCMA,event more=browser1B
        100ms  alice < ACK
        "#
    ));
    // The old endpoint closed after the recording had turned to the new one.
    let at = |wanted: &dyn Fn(&MediaCommand) -> bool| world.media.iter().rposition(wanted).unwrap();
    let turned = at(&|command| matches!(command, MediaCommand::RecordFrom { left, .. } if *left != [endpoint]));
    assert!(turned < at(&|command| *command == MediaCommand::Close(endpoint)));
    assert!(!world.media.iter().any(|command| matches!(command, MediaCommand::StopRecording(_))));
    let known = [
        "bound 1001 WSS 192.0.2.11:5060",
        "leg_started 1001#2",
        "leg_answered 1001#2 PCMA",
        "leg_ended 1001#1 Reconnected 200",
    ];
    assert_eq!(world.facts[facts..], known);
    world.play("0ms bob hears alice\n0ms alice hears bob");
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    assert_eq!((world.switch.metrics().browsers_away, world.switch.metrics().browsers_back), (1, 1));
    hang_up(world);
}

#[test]
fn a_called_page_comes_back_to_its_call_and_to_the_echo_test() {
    let mut world = world_of(tenant());
    page(&mut world, "1001", 1);
    world.play(
        r#"
        0ms    bob   > INVITE 1001 sdp=PCMA,event
        0ms    alice < INVITE
        1s     alice > 200 sdp=PCMA,event more=browser1A
        1s     alice < ACK
        1s     bob   < 200
        "#,
    );
    close(&mut world, 1);
    // The ladder's phone is known by its Contact.
    page(&mut world, "again", 2);
    world.play(&format!(
        r#"
        0ms    alice < {ASKED}
        100ms  alice > 200 sdp=PCMA,event more=browser1B
        100ms  alice < ACK
        200ms  bob   hears alice
        200ms  alice hears bob
        1s     alice > BYE
        1s     bob   < BYE
        "#
    ));
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Callee 200");
    let mut world = world_of(tenant());
    page(&mut world, "1001", 1);
    world.play("0ms alice > INVITE *43 sdp=PCMA more=browser1A\n0ms alice < 200");
    close(&mut world, 1);
    page(&mut world, "again", 2);
    world.play(
        r#"
        0ms    alice < INVITE `Switchboard-Resumed-Call: ` `From: <sip:*43@pbx.example>`
        100ms  alice > 200 sdp=PCMA more=browser1B
        100ms  alice < ACK
        200ms  alice hears alice
        1s     alice > BYE
        "#,
    );
    world.finish();
}

#[test]
fn a_new_page_may_come_before_the_end_of_the_old_one_is_known() {
    let mut world = talking();
    page(&mut world, "again", 2);
    world.play(&format!("0ms alice < {ASKED}\n100ms alice > 200 sdp=PCMA more=browser1B\n100ms alice < ACK"));
    close(&mut world, 1);
    hang_up(world);
}

#[test]
fn a_page_that_lives_is_not_asked_back() {
    let mut world = talking();
    close(&mut world, 1);
    world.play("29s bob hears alice");
    page(&mut world, "1001", 2);
    world.play("0ms alice < INVITE `!Switchboard-Resumed-Call`\n0ms alice > 200 sdp=PCMA,event more=browser2A\n0ms alice < ACK");
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    hang_up(world);
}

#[test]
fn a_page_whose_network_changed_goes_on_though_nobody_saw_its_connection_end() {
    let mut world = talking();
    page(&mut world, "1001", 2);
    world.play("0ms alice < INVITE `!Switchboard-Resumed-Call`\n0ms alice > 200 sdp=PCMA,event more=browser2A\n0ms alice < ACK");
    // The server misses the old connection when nothing has come over it for a minute: that is no news by then.
    world.play("60s bob hears alice");
    close(&mut world, 1);
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    hang_up(world);
}

#[test]
fn another_phone_of_the_extension_is_not_asked() {
    let mut world = talking();
    close(&mut world, 1);
    on_websocket(&mut world, "alice", 2);
    world.play(
        r#"
        0ms alice > REGISTER contact=<sip:x@192.0.2.11:5060>;+sip.instance="<urn:uuid:11111111-0000-1000-8000-000A95A0E128>";reg-id=1
        0ms alice < 200
        1s  alice > REGISTER contact=<sip:y@192.0.2.11:5060>
        1s  alice < 200
        "#,
    );
    gone(world, 29);
}

/// Nobody comes back: the call ends so long after the connection closed.
fn gone(mut world: World, seconds: u64) {
    let almost = world.now() + Duration::from_secs(seconds) - Duration::from_millis(1);
    world.run_until(almost);
    assert!(world.phone("bob").inbox.is_empty());
    world.play("1ms bob < BYE\n1ms alice < BYE");
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended PeerLost by System 200");
}

#[test]
fn a_page_that_does_not_come_back_ends_the_call_after_half_a_minute() {
    let mut world = talking();
    close(&mut world, 1);
    // That its media is gone, too, is no news.
    let endpoint = world.endpoint("alice");
    world.play("20s bob hears alice");
    world.input(Input::Media(MediaEvent::BrowserGone { endpoint, reason: BrowserLoss::Silent }));
    world.input(Input::Media(MediaEvent::Silent(endpoint)));
    gone(world, 10);
}

#[test]
fn a_page_that_refuses_ends_the_call_and_one_that_goes_again_does_not() {
    let mut world = talking();
    close(&mut world, 1);
    page(&mut world, "again", 2);
    world.play(&format!("0ms alice < {ASKED}"));
    close(&mut world, 2);
    page(&mut world, "third", 3);
    // The INVITE by the connection that closed has failed.
    world.play(&format!("1s alice < {ASKED}"));
    // A refresh of its registration asks nothing anew.
    page(&mut world, "third", 3);
    world.play("1s alice > 603\n1s alice < ACK\n1s alice < BYE\n1s bob < BYE");
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended PeerLost by System 200");
}

#[test]
fn whoever_stays_may_hang_up_meanwhile_but_hand_nothing_on() {
    let mut world = talking();
    close(&mut world, 1);
    world.play("1s bob > REFER 1003\n1s bob < 491");
    page(&mut world, "again", 2);
    world.play(&format!(
        "0ms alice < {ASKED}\n0ms alice > 180\n1s bob > BYE\n1s alice < BYE\n1s alice < CANCEL\n1s alice < ACK"
    ));
    world.finish();
    assert_eq!(world.facts.last().unwrap(), "ended Normal by Callee 200");
}

#[test]
fn a_desk_phone_whose_connection_closes_is_not_away() {
    let mut world = World::with(&["alice", "bob"]);
    page(&mut world, "1001", 1);
    world.play(
        r#"
        0ms    alice > INVITE 1002
        0ms    bob   < INVITE
        1s     bob   > 200
        1s     bob   < ACK
        1s     alice < 200
        "#,
    );
    close(&mut world, 1);
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    hang_up(world);
}

#[test]
fn a_page_comes_back_into_its_room() {
    let mut world = world_of(tenant());
    page(&mut world, "1001", 1);
    world.play(
        r#"
        0ms    bob   > INVITE 8000
        0ms    bob   < 200
        0ms    alice > INVITE 8000 sdp=opus,PCMA,event more=browser1A
        0ms    alice < 200
        1s     alice > press *6
        1s     bob   hears nothing
        "#,
    );
    close(&mut world, 1);
    page(&mut world, "again", 2);
    world.play(
        r#"
        0ms    alice < INVITE
        100ms  alice > 200 sdp=opus,PCMA,event more=browser1B
        100ms  alice < ACK
        100ms  alice hears bob
        100ms  bob   hears nothing
        "#,
    );
    world.play("1s alice > press *6\n1s bob hears alice\n2s bob > BYE\n3s alice > BYE");
    world.finish();
    assert!(world.facts.contains(&"leg_ended 1001#1 Reconnected 200".to_owned()), "{:?}", world.facts);
    assert!(world.facts.contains(&"left 1001#2 HungUp 0".to_owned()), "{:?}", world.facts);
}
