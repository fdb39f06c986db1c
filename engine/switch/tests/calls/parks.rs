//! Parties who are parked and taken again, and calls that are picked up by order.

use std::time::Duration;

use hooks::fact::AgentState;
use switch::agent::Phase;
use switch::input::{AgentOrder, CallOrder, Command, Party, Picker};
use switch::output::{Done, Refused};
use switch::view::{CallPhase, View};

use crate::ladder::{World, node, tenant};
use crate::queues::{centre, change, close, order, staffed};

fn order_for(world: &mut World, extension: &str, order: CallOrder) -> Result<Done, Refused> {
    let call = world.last_call.unwrap();
    let party = Some(Party::Extension(extension.parse().unwrap()));
    world.command(Command::Call { call, party, order })
}

fn pick_up(world: &mut World, by: Picker) -> Result<Done, Refused> {
    let call = world.last_call.unwrap();
    world.command(Command::PickUp { call, by })
}

fn extension(number: &str) -> Picker {
    Picker::Extension(number.parse().unwrap())
}

fn agent(number: &str) -> Picker {
    Picker::Agent(number.parse().unwrap())
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// A customer of queue support talks with agent 10001 on Alice's phone; Bob (10002) is idle, Carol is an extension with no agent.
fn talking() -> World {
    let mut settings = centre();
    change(&mut settings, |queue| queue.record = true);
    let mut world = staffed(settings, &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines hears alice");
    world
}

/// The customer of [`talking`] is parked at 701 by Alice.
fn parked() -> World {
    let mut world = talking();
    let done = order_for(&mut world, "1001", CallOrder::Park).unwrap();
    assert_eq!(done, Done::Parked("701".parse().unwrap()));
    world.play("0ms alice < BYE\n0ms lines hears HoldMusic");
    world
}

/// A carrier's call, which Alice has answered as an extension with no agent.
fn plain() -> World {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < 200");
    world
}

#[test]
fn a_customer_is_parked_and_taken_by_a_phone_that_dials_the_place() {
    let mut world = parked();
    let shown = world.views.iter().rev().find_map(|view| match view {
        View::Call(call) => Some(call.clone()),
        _ => None,
    });
    let shown = shown.unwrap();
    let place = shown.parked.unwrap();
    assert_eq!((shown.phase, place.slot.as_str(), place.by.as_str()), (CallPhase::Parked, "701", "1001"));
    assert_eq!(of(&world, "10001 Ready->WrapUp"), ["agent 10001 Ready->WrapUp None CallEnd"]);
    world.play(
        "5s carol > INVITE 701\n5s carol < 200\n5s lines hears carol\n5s carol hears lines\n9s lines > BYE\n9s carol < BYE",
    );
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "transferred"), ["transferred 1001#1 -> 701#1 Blind"]);
    assert_eq!(of(&world, "parked "), ["parked 701 lines#1 by 1001#1", "unparked 701 Retrieved -> 1003#1 5000"]);
    assert_eq!(
        of(&world, "recording_started").last().unwrap(),
        "recording_started lines#1 | 1003#1 part 2",
        "carol is recorded"
    );
}

#[test]
fn an_agent_takes_back_himself_whom_he_has_parked_also_in_wrap_up() {
    let mut world = parked();
    world.play("5s alice > INVITE 701\n5s alice < 200\n5s lines hears alice\n9s alice > BYE\n9s lines < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "agent 10001 WrapUp")[0], "agent 10001 WrapUp->WrapUp Dialling Dial");
}

#[test]
fn parked_parties_are_at_places_of_their_own_until_there_is_none() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    // Three places; the fourth party stays with whom it talks.
    for (at, place) in ["701", "702", "703"].into_iter().enumerate() {
        world.play("0ms carol > INVITE 1002\n0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n0ms carol < 200");
        let done = order_for(&mut world, "1002", CallOrder::Park).unwrap();
        assert_eq!(done, Done::Parked(place.parse().unwrap()), "{at}");
        world.play("0ms bob < BYE");
    }
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 200\n0ms bob < ACK\n0ms alice < 200");
    assert_eq!(order_for(&mut world, "1002", CallOrder::Park), Err(Refused::ParkFull));
    let to = CallOrder::Transfer("702".parse().unwrap());
    assert_eq!(order_for(&mut world, "1002", to), Err(Refused::SlotTaken));
    world.play("0ms bob > REFER 700\n0ms bob < 486 `every place for parked callers is taken`");
    world.play("0ms bob > REFER 702\n0ms bob < 486 `somebody is parked there already`");
    world.play("1s alice hears bob\n1s alice > BYE\n1s bob < BYE");
    let calls = world.switch.sizes().parked;
    assert_eq!(calls, 3);
}

#[test]
fn a_phone_parks_by_handing_on_to_the_number_or_to_a_place() {
    for (to, place) in [("700", "701"), ("702", "702")] {
        let mut world = plain();
        world.play(&format!(
            "1s alice > REFER {to}\n1s alice < 202\n1s alice < NOTIFY\n1s alice < NOTIFY `200 OK`\n1s alice < BYE\n\
             1s lines hears HoldMusic\n\
             2s bob > INVITE 703\n2s bob < 480 `Nobody Is Parked There`\n\
             2s bob > INVITE 700\n2s bob < 480 `Transfer a Call Here`\n\
             3s bob > INVITE {place}\n3s bob < 200\n3s lines hears bob\n4s bob > BYE\n4s lines < BYE"
        ));
        world.finish();
        assert_eq!(of(&world, "parked ")[0], format!("parked {place} lines#1 by 1001#1"));
    }
}

#[test]
fn a_parked_caller_may_hang_up() {
    let mut world = parked();
    world.play("7s lines > BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "unparked"), ["unparked 701 Left 7000"]);
    assert_eq!(of(&world, "ended ").last().unwrap(), "ended Normal by Caller 200");
}

#[test]
fn who_parked_is_rung_when_nobody_has_come_in_time() {
    let mut world = parked();
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("120s alice < INVITE `From: <sip:13800000000@`\n120s lines hears HoldMusic\n121s alice > 200\n121s alice < ACK\n121s lines hears alice");
    world.play("1s alice > BYE\n1s lines < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "unparked"), ["unparked 701 Returned -> 1001#2 121000"]);
    assert_eq!(of(&world, "offer_ended 10001").last().unwrap(), "offer_ended 10001 Answered 1000");
}

/// CALL-16, after a time-out: 20 s more, then to the front of the queue.
#[test]
fn a_parked_customer_whom_nobody_takes_goes_back_to_his_queue() {
    let mut world = parked();
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("120s alice < INVITE\n120s alice > 180\n140s alice < CANCEL\n140s alice < ACK\n140s bob < INVITE\n141s bob > 200\n141s bob < ACK\n141s lines hears bob");
    world.play("1s lines > BYE\n1s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "unparked"), ["unparked 701 TimedOut 140000"]);
    assert_eq!(of(&world, "queued").len(), 2, "{}", world.ladder());
}

/// An agent is offered a call in Online-idle alone, also one that he has parked.
#[test]
fn who_parked_and_is_not_idle_is_not_rung() {
    let mut world = parked();
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("120s bob < INVITE\n121s bob > 200\n121s bob < ACK\n122s lines > BYE\n122s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "unparked"), ["unparked 701 TimedOut 120000"]);
}

#[test]
fn a_place_can_be_dialled_while_who_parked_is_rung() {
    let mut world = plain();
    order_for(&mut world, "1001", CallOrder::Park).unwrap();
    world.play(
        "0ms alice < BYE\n120s alice < INVITE\n120s alice > 180\n125s bob > INVITE 701\n125s bob < 200\n125s alice < CANCEL\n\
         125s alice < ACK\n125s lines hears bob\n126s lines > BYE\n126s bob < BYE",
    );
    world.finish();
    assert_eq!(of(&world, "unparked"), ["unparked 701 Retrieved -> 1002#1 125000"]);
}

#[test]
fn a_caller_parked_by_an_extension_leaves_a_message_there_or_is_told() {
    for open in [true, false] {
        let mut settings = tenant();
        settings.extensions.get_mut(&"1001".parse().unwrap()).unwrap().handling.voicemail = open;
        let mut world = World::new(node(), settings);
        world.register(&["alice", "bob"]);
        world
            .play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < 200");
        order_for(&mut world, "1001", CallOrder::Park).unwrap();
        world.clips_last = true;
        world.play("0ms alice < BYE\n120s alice < INVITE\n121s alice > 486\n121s alice < ACK");
        let said = if open { "voicemail_greeting voicemail_leave_message Tone(Beep)" } else { "call_unavailable" };
        world.play(&format!("0ms lines hears {said}\n1s lines > BYE"));
        world.finish();
    }
}

#[test]
fn a_parked_call_is_taken_by_whom_the_api_names() {
    let mut world = parked();
    assert_eq!(pick_up(&mut world, agent("10001")), Err(Refused::NotAvailable), "he is in wrap-up");
    assert_eq!(pick_up(&mut world, extension("4711")), Err(Refused::NoSuchExtension));
    assert_eq!(pick_up(&mut world, agent("10002")), Ok(Done::Ok));
    assert_eq!(pick_up(&mut world, extension("1003")), Err(Refused::NotNow), "one is rung at a time");
    world.play("0ms bob < INVITE `From: <sip:13800000000@`\n0ms lines hears HoldMusic\n1s bob > 486\n1s bob < ACK\n1s lines hears HoldMusic");
    assert_eq!(pick_up(&mut world, extension("1003")), Ok(Done::Ok));
    world.play(
        "0ms carol < INVITE\n2s carol > 200\n2s carol < ACK\n2s lines hears carol\n3s lines > BYE\n3s carol < BYE",
    );
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "unparked"), ["unparked 701 Retrieved -> 1003#1 3000"]);
    assert_eq!(of(&world, "offer_ended 10002"), ["offer_ended 10002 Rejected 1000"]);
}

#[test]
fn a_pickup_that_nobody_answers_leaves_the_party_where_it_was() {
    let mut world = plain();
    order_for(&mut world, "1001", CallOrder::Park).unwrap();
    world.play("0ms alice < BYE\n110s lines hears HoldMusic");
    pick_up(&mut world, extension("1002")).unwrap();
    // The time of who parked is over meanwhile: he is rung as soon as nobody else is.
    world.play(
        "0ms bob < INVITE\n0ms bob > 180\n20s bob < CANCEL\n20s bob < ACK\n20s alice < INVITE\n21s alice > 200\n21s alice < ACK\n\
         21s lines hears alice\n22s alice > BYE\n22s lines < BYE",
    );
    world.finish();
    assert_eq!(of(&world, "unparked"), ["unparked 701 Returned -> 1001#2 131000"]);
}

#[test]
fn a_ringing_call_is_picked_up_for_another_phone() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play("0ms lines > INVITE 01012345678\n0ms alice < INVITE\n0ms alice > 180\n0ms lines < 180");
    assert_eq!(pick_up(&mut world, extension("1001")), Err(Refused::TakesPart));
    pick_up(&mut world, extension("1002")).unwrap();
    world.play(
        "0ms bob < INVITE `From: <sip:13800000000@`\n1s bob > 200\n1s bob < ACK\n1s alice < CANCEL\n1s alice < ACK\n1s lines < 200\n\
         1s lines hears bob",
    );
    assert_eq!(pick_up(&mut world, extension("1003")), Err(Refused::NothingToPickUp), "they talk");
    world.play("2s lines > BYE\n2s bob < BYE");
    world.finish();
    assert_eq!(of(&world, "answered 1002"), ["leg_answered 1002#1 PCMU", "answered 1002#1"]);
}

#[test]
fn parking_is_refused_with_the_reason_where_the_phase_forbids_it() {
    let mut world = World::with(&["alice", "bob", "carol"]);
    world.play("0ms alice > INVITE 1002\n0ms bob < INVITE\n0ms bob > 180\n0ms alice < 180");
    for (who, phase) in [("1001", Phase::Dialling), ("1002", Phase::Ringing)] {
        let refused = order_for(&mut world, who, CallOrder::Park).unwrap_err();
        assert!(matches!(refused, Refused::OutOfPhase { phase: is, .. } if is == phase), "{refused:?}");
        assert!(refused.to_string().starts_with("cannot park the other party now: "), "{refused}");
    }
    world.play("1s bob > 200\n1s bob < ACK\n1s alice < 200");
    order_for(&mut world, "1001", CallOrder::Hold).unwrap();
    // Who is held is parked, too.
    assert_eq!(order_for(&mut world, "1001", CallOrder::Park), Ok(Done::Parked("701".parse().unwrap())));
    world.play("0ms alice < BYE\n1s bob hears HoldMusic\n2s bob > BYE");
    world.finish();
}

#[test]
fn a_lamp_shows_that_a_place_is_taken() {
    let mut world = plain();
    world.play("0ms bob > SUBSCRIBE 701 extra=Event:~dialog\n0ms bob < 200\n0ms bob < NOTIFY `!<dialog id`");
    world.play("0ms carol > SUBSCRIBE 704 extra=Event:~dialog\n0ms carol < 404");
    order_for(&mut world, "1001", CallOrder::Park).unwrap();
    world.play("0ms alice < BYE\n0ms bob < NOTIFY `<state>confirmed</state>` `entity=\"sip:701@`");
    world.play("1s carol > INVITE 701\n1s carol < 200\n1s bob < NOTIFY `<state>terminated</state>`\n2s lines > BYE\n2s carol < BYE");
    world.play("0ms bob > RESUBSCRIBE extra=Event:~dialog|Expires:~0\n0ms bob < 200\n0ms bob < NOTIFY");
    world.finish();
}

#[test]
fn another_house_takes_nobody_here() {
    let mut world = plain();
    order_for(&mut world, "1001", CallOrder::Park).unwrap();
    world.play("0ms alice < BYE\n0ms eve > INVITE 701\n0ms eve < 401\n0ms lines > INVITE 701\n0ms lines < 404\n1s lines hears HoldMusic");
    // A call by the API leads to no place: who is there is picked up.
    let to = "701".parse().unwrap();
    let refused = world.command(Command::Originate { from: "1002".parse().unwrap(), to });
    assert_eq!(refused, Err(Refused::NoRoute));
    let later = world.now() + Duration::from_secs(1);
    world.run_until(later);
}

/// Who is parked outlives the process: his place, his music and his time stay.
#[test]
fn who_is_parked_stays_at_his_place_when_the_process_is_killed() {
    let mut world = parked();
    world.play("50s lines hears HoldMusic");
    world.crash(Duration::from_secs(2));
    world.play("0ms lines hears HoldMusic\n0ms lines < INVITE");
    let before = world.facts.clone();
    world.register(&["alice", "bob", "carol"]);
    world.facts = before;
    // Nobody takes him before it is known that he is still there; his place is his.
    world.play("0ms carol > INVITE 701\n0ms carol < 491");
    world.play("1s lines > 200\n1s lines < ACK\n1s lines hears HoldMusic");
    world.play("1s carol > INVITE 701\n1s carol < 200\n1s lines hears carol\n1s carol hears lines\n2s lines > BYE\n2s carol < BYE");
    assert_eq!(of(&world, "parked "), ["parked 701 lines#1 by 1001#1", "unparked 701 Retrieved -> 1003#1 54000"]);
    close(world, &["10001", "10002"]);
}

#[test]
fn who_parked_him_is_rung_after_the_rest_of_the_time_though_the_process_was_killed() {
    let mut world = parked();
    world.play("50s lines hears HoldMusic");
    world.crash(Duration::from_secs(10));
    world.play("0ms lines < INVITE\n0ms lines > 200\n0ms lines < ACK");
    let before = world.facts.clone();
    world.register(&["alice", "bob"]);
    world.facts = before;
    // 120 s in all, 60 of them were over.
    world.play("59s lines hears HoldMusic");
    assert!(world.phone("alice").inbox.is_empty());
    world.play(
        "1s alice < INVITE\n2s alice > 200\n2s alice < ACK\n2s lines hears alice\n3s lines > BYE\n3s alice < BYE",
    );
    assert_eq!(of(&world, "unparked"), ["unparked 701 Returned -> 1001#2 121000"]);
    close(world, &["10001", "10002"]);
}

/// In each case one end for one beginning: he says that he has gone, he says nothing, and parking has been taken out of the settings.
#[test]
fn who_is_gone_after_a_restart_left_his_place() {
    for answer in ["0ms lines > 481\n0ms lines < ACK\n0ms lines < BYE", "5s lines < BYE"] {
        let mut world = parked();
        world.play("5s lines hears HoldMusic");
        world.crash(Duration::from_secs(2));
        world.play("0ms lines < INVITE");
        world.play(answer);
        assert_eq!(of(&world, "unparked").len(), 1, "{}", world.ladder());
        assert!(of(&world, "unparked")[0].starts_with("unparked 701 Left"), "{}", world.ladder());
        close(world, &["10001", "10002"]);
    }
    let mut world = parked();
    world.tenant.plan.park = None;
    world.crash(Duration::from_secs(2));
    assert_eq!(of(&world, "unparked"), ["unparked 701 Left 0"], "{}", world.ladder());
    assert_eq!(of(&world, "ended Interrupted").len(), 1, "{}", world.ladder());
}
