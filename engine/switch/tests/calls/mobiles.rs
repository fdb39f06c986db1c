//! Agents who are signed in by their mobiles (手机签入, PHONE-07 to PHONE-15): a number outside is rung for them by a trunk.

use std::time::Duration;

use hooks::fact::{AgentState, Console, Sign, Supervision, Way};
use switch::agent;
use switch::config::TenantConfig;
use switch::input::{AgentOrder, CallOrder, Command, Party, SignIn, Supervise};
use switch::media::MediaCommand;
use switch::output::Refused;
use switch::view::View;

use crate::ladder::World;
use crate::queues::{centre, change, close, order, with};

const MOBILE: &str = "13900000009";

/// The centre, in which agent 10001 has a mobile.
fn mobile_centre(confirm: bool) -> TenantConfig {
    let mut settings = centre();
    let agent = settings.agents.get_mut(&"10001".parse().unwrap()).unwrap();
    (agent.mobile, agent.mobile_confirm_key) = (Some(MOBILE.parse().unwrap()), confirm);
    settings
}

/// 10001 is signed in by his mobile, with no console.
fn on_mobile(settings: TenantConfig) -> World {
    let mut world = with(settings);
    order(&mut world, "10001", AgentOrder::MobileSignIn(None)).unwrap();
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    world.facts.clear();
    world
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

fn sign(world: &World, agent: &str) -> (Sign, Option<String>, AgentState) {
    let view = world.views.iter().rev().find_map(|view| match view {
        View::Agent(view) if view.agent == agent => Some((view.sign, view.mobile.clone(), view.state)),
        _ => None,
    });
    view.expect("the agent was shown")
}

fn leave(mut world: World) -> World {
    let _ = order(&mut world, "10001", AgentOrder::MobileSignOut);
    close(world, &["10001", "10002"])
}

/// Proves PHONE-08, PHONE-12 and PHONE-14, and REC-04 (an agent's mobile).
#[test]
fn a_queued_call_goes_to_the_mobile_and_no_phone_is_rung() {
    let mut settings = mobile_centre(false);
    change(&mut settings, |queue| (queue.record, queue.wrap_up_max) = (true, None));
    let mut world = on_mobile(settings);
    assert_eq!(sign(&world, "10001"), (Sign::Mobile(Console::Closed), Some(MOBILE.to_owned()), AgentState::Ready));
    world.play(
        r#"
        0ms   carol > INVITE 7000
        0ms   carol < 200
        0ms   lines < INVITE `sip:913900000009@`
        0ms   carol hears HoldMusic
        1s    lines > 180
        3s    lines > 200
        3s    lines < ACK
        3s    carol hears lines
        3s    lines hears carol
        "#,
    );
    // The same control as for any phone.
    let call = world.first_call();
    let party = Some(Party::Agent("10001".parse().unwrap()));
    world.command(Command::Call { call, party, order: CallOrder::Hold }).unwrap();
    world.play("3s carol hears HoldMusic\n8s lines > BYE\n8s carol < BYE");
    let later = world.now() + Duration::from_secs(40);
    world.run_until(later);
    assert_eq!(
        of(&world, "10001"),
        [
            "offered 10001 by support LongestIdle",
            "agent 10001 Ready->Ready Ringing Ring",
            "left_queue support Answered 10001 3000 in time",
            "offer_ended 10001 Answered 3000",
            "agent 10001 Ready->Ready Connected(Talking) Answer",
            "agent 10001 Ready->WrapUp None CallEnd",
            "agent 10001 WrapUp->Ready None WrapUpTimeout",
        ],
        "{}",
        world.ladder()
    );
    // 30 s of wrap-up, since nobody is there to end it.
    assert_eq!(world.fact_times("WrapUpTimeout"), [41_000]);
    // REC-04, REC-09: the customer is on the left, be it that both came by trunks.
    assert_eq!(of(&world, "recording_started").len(), 1);
    leave(world);
}

/// Proves PHONE-13.
#[test]
fn a_mobile_takes_a_call_only_by_pressing_the_key() {
    let mut world = on_mobile(mobile_centre(true));
    world.play(
        r#"
        0ms   carol > INVITE 7000
        0ms   carol < 200
        0ms   lines < INVITE
        2s    lines > 200
        2s    lines < ACK
        2s    lines hears mobile_confirm
        2s    carol hears HoldMusic
        3s    lines > press 5
        3s    carol hears HoldMusic
        4s    lines > press 1
        4s    carol hears lines
        4s    lines hears carol
        5s    carol > BYE
        5s    lines < BYE
        "#,
    );
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 Answered 4000"]);
    let world = leave(world);
    // A mailbox that answers has missed the call, and the caller keeps his place.
    let mut settings = mobile_centre(true);
    change(&mut settings, |queue| queue.settings.ring_timeout = Duration::from_secs(10));
    drop(world);
    let mut world = on_mobile(settings);
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms lines < INVITE\n2s lines > 200\n2s lines < ACK\n2s lines hears mobile_confirm");
    world.played("lines");
    world.play("0s lines hears mobile_confirm\n8s lines < BYE\n8s carol hears HoldMusic\n8s lines < INVITE");
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 TimedOut 10000"]);
    // Who hangs up instead has rejected it.
    world.play("1s lines > 200\n1s lines < ACK\n2s lines > BYE\n2s carol hears HoldMusic");
    assert_eq!(of(&world, "offer_ended").last().unwrap(), "offer_ended 10001 Rejected 2000");
    // Nobody else is there: he is rung anew after a rest.
    world.play("3s lines < INVITE\n3s lines > 180\n4s carol > BYE\n4s lines < CANCEL\n4s lines < ACK");
    leave(world);
}

#[test]
fn two_mobiles_rung_at_once_and_the_key_decides() {
    let mut settings = mobile_centre(true);
    change(&mut settings, |queue| queue.settings.strategy = switch::queue::Strategy::RingAll);
    let mut world = on_mobile(settings);
    order(&mut world, "10002", AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None })).unwrap();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms lines < INVITE\n0ms bob < INVITE\n0ms bob > 180\n1s lines > 200\n1s lines < ACK");
    // Bob answers while the mobile is being asked.
    world.play("2s bob > 200\n2s bob < ACK\n2s lines < BYE\n2s carol hears bob\n3s carol > BYE\n3s bob < BYE");
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 Taken 3000", "offer_ended 10002 Answered 3000"]);
    leave(world);
}

#[test]
fn another_trunk_is_tried_where_one_cannot_reach_the_mobile() {
    let mut world = on_mobile(mobile_centre(false));
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms lines < INVITE\n1s lines > 503\n1s lines < ACK\n1s spare < INVITE");
    world.play("2s spare > 200\n2s spare < ACK\n2s carol hears spare\n3s carol > BYE\n3s spare < BYE");
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 Answered 3000"]);
    // A mobile that is busy is busy by whatever trunk.
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("4s carol > INVITE 7000\n4s carol < 200\n4s lines < INVITE\n5s lines > 486\n5s lines < ACK");
    assert_eq!(of(&world, "offer_ended").last().unwrap(), "offer_ended 10001 Rejected 1000");
    world.play("3s lines < INVITE\n3s lines > 180\n4s carol > BYE\n4s lines < CANCEL\n4s lines < ACK");
    leave(world);
}

/// No trunk takes the call: it is tried at intervals, not without end in the same instant.
#[test]
fn a_mobile_that_no_trunk_reaches_is_tried_at_intervals() {
    let mut settings = mobile_centre(false);
    settings.agents.get_mut(&"10001".parse().unwrap()).unwrap().rules.missed_limit = 0;
    for trunk in settings.trunks.values_mut() {
        trunk.policy.limits.outbound.calls = Some(0);
    }
    let mut world = on_mobile(settings);
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n10s carol hears HoldMusic\n10s carol > BYE");
    assert_eq!(of(&world, "offer_ended 10001 Failed 0").len(), 4, "{}", world.ladder());
    leave(world);
}

/// A colleague who calls his extension reaches him there.
#[test]
fn his_extension_leads_to_the_mobile() {
    let mut world = on_mobile(mobile_centre(true));
    world.play("0ms bob > INVITE 1001\n0ms lines < INVITE `sip:913900000009@`\n1s lines > 180\n1s bob < 180\n2s lines > 200\n2s lines < ACK\n2s lines hears mobile_confirm");
    world
        .play("3s lines > press 1\n3s bob < 200\n3s bob hears lines\n3s lines hears bob\n4s bob > BYE\n4s lines < BYE");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    // The caller gives up while the mobile is being asked.
    world.play("5s bob > INVITE 1001\n5s lines < INVITE\n6s lines > 200\n6s lines < ACK\n7s bob > CANCEL\n7s bob < 487\n7s lines < BYE");
    assert_eq!(of(&world, "offer_ended").last().unwrap(), "offer_ended 10001 CallerHungUp 2000");
    // Nobody presses the key.
    world.play(
        "8s bob > INVITE 1001\n8s lines < INVITE\n9s lines > 200\n9s lines < ACK\n24s lines < BYE\n24s bob < 480",
    );
    leave(world);
}

/// Proves PHONE-15.
#[test]
fn he_dials_in_two_steps_the_mobile_first() {
    let mut settings = mobile_centre(true);
    settings.record_internal = true;
    let mut world = on_mobile(settings);
    let from = "1001".parse().unwrap();
    world.command(Command::Originate { from, to: "1002".parse().unwrap() }).unwrap();
    world.play(
        r#"
        0ms   lines < INVITE `sip:913900000009@`
        1s    lines > 200
        1s    lines < ACK
        1s    lines hears mobile_confirm
        2s    lines > press 1
        2s    bob   < INVITE
        3s    bob   > 180
        3s    lines hears RingbackCn
        4s    bob   > 200
        4s    bob   < ACK
        4s    lines hears bob
        4s    bob   hears lines
        5s    bob   > BYE
        5s    lines < BYE
        "#,
    );
    assert_eq!(
        of(&world, "agent 10001"),
        [
            "agent 10001 Ready->Ready Dialling Dial",
            "agent 10001 Ready->Ready Connected(Talking) Answer",
            "agent 10001 Ready->WrapUp None CallEnd",
        ]
    );
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    // A mailbox never dials anybody.
    world.command(Command::Originate { from: "1001".parse().unwrap(), to: "1002".parse().unwrap() }).unwrap();
    world.play("0s lines < INVITE\n1s lines > 200\n1s lines < ACK\n16s lines < BYE");
    // Out of reach by one trunk, by the other.
    world.command(Command::Originate { from: "1001".parse().unwrap(), to: "1002".parse().unwrap() }).unwrap();
    world.play("0s lines < INVITE\n1s lines > 503\n1s lines < ACK\n1s spare < INVITE\n2s spare > 486\n2s spare < ACK");
    leave(world);
}

/// Proves PHONE-07 and CALL-28 as far as the server goes, PHONE-10 and PHONE-11.
#[test]
fn what_a_sign_in_by_mobile_needs_and_how_it_ends() {
    let mut world = with(mobile_centre(true));
    let refused = order(&mut world, "10002", AgentOrder::MobileSignIn(None));
    assert_eq!(refused, Err(Refused::NoMobile));
    let refused = order(&mut world, "10002", AgentOrder::MobileSignIn(Some("110".parse().unwrap())));
    assert_eq!(refused, Err(Refused::MobileUnreachable), "nobody is signed in by an emergency number");
    let refused = order(&mut world, "10002", AgentOrder::MobileSignIn(Some("1003".parse().unwrap())));
    assert_eq!(refused, Err(Refused::MobileUnreachable), "that is an extension");
    let desk = || AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None });
    // PHONE-10: calls go on to the mobile until the phone on the desk is chosen by hand.
    order(&mut world, "10001", desk()).unwrap();
    order(&mut world, "10001", AgentOrder::MobileSignIn(None)).unwrap();
    assert_eq!(sign(&world, "10001").0, Sign::Mobile(Console::Open(Way::Desk)));
    assert_eq!(
        order(&mut world, "10001", AgentOrder::MobileSignIn(None)),
        Err(Refused::Agent(agent::Refused::Already))
    );
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    order(&mut world, "10001", desk()).unwrap();
    assert_eq!(sign(&world, "10001").0, Sign::Mobile(Console::Returned(Way::Desk)));
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms lines < INVITE\n0ms lines > 180\n1s carol > BYE\n1s lines < CANCEL\n1s lines < ACK");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    assert_eq!(sign(&world, "10001"), (Sign::Phone(Way::Desk), None, AgentState::Ready));
    world.play("2s carol > INVITE 7000\n2s carol < 200\n2s alice < INVITE\n2s alice > 180\n3s carol > BYE\n3s alice < CANCEL\n3s alice < ACK");
    // PHONE-11: a web phone takes over by itself.
    order(&mut world, "10001", AgentOrder::MobileSignIn(None)).unwrap();
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    order(&mut world, "10001", AgentOrder::SignIn(SignIn { way: Way::Web, extension: None })).unwrap();
    assert_eq!(sign(&world, "10001").0, Sign::Phone(Way::Web));
    // Row 29: without a console he is offline then.
    order(&mut world, "10001", AgentOrder::MobileSignIn(None)).unwrap();
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    order(&mut world, "10001", AgentOrder::MobileSignOut).unwrap();
    assert_eq!(sign(&world, "10001"), (Sign::Out, None, AgentState::Offline));
    world.play("4s carol > INVITE 7000\n4s carol < 200\n4s carol hears queue_closed");
    world.played("carol");
    world.play("5s carol < BYE");
    close(world, &["10001"]);
}

#[test]
fn a_supervisor_listens_by_his_mobile_and_is_not_asked_for_a_key() {
    let mut world = on_mobile(mobile_centre(true));
    order(&mut world, "10002", AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None })).unwrap();
    order(&mut world, "10002", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play("0ms bob > INVITE 1003\n0ms carol < INVITE\n1s carol > 200\n1s carol < ACK\n1s bob < 200");
    let ask = Supervise {
        call: world.first_call(),
        agent: Some("10002".parse().unwrap()),
        supervisor: Some("10001".parse().unwrap()),
        how: Supervision::Monitor,
        by: "chief".into(),
    };
    world.command(Command::Supervise(Box::new(ask))).unwrap();
    world.play("0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s lines hears bob+carol\n2s bob > BYE\n2s carol < BYE\n2s lines < BYE");
    leave(world);
}

/// PHONE-10: while only his mobile is signed in nobody tells him of his phone, and it may have gone.
#[test]
fn a_desk_phone_that_has_gone_meanwhile_does_not_take_over() {
    let mut world = with(mobile_centre(false));
    let desk = AgentOrder::SignIn(SignIn { way: Way::Desk, extension: None });
    for before in [desk.clone(), AgentOrder::MobileSignIn(None), AgentOrder::SignOut] {
        order(&mut world, "10001", before).unwrap();
    }
    world.play("0ms alice > REGISTER expires=0\n0ms alice < 200");
    order(&mut world, "10001", desk).unwrap();
    let ready = AgentOrder::Pick(AgentState::Ready);
    let not_there = agent::Refused::PhoneNotRegistered.into();
    assert_eq!(order(&mut world, "10001", ready.clone()), Err(not_there));
    world.register(&["alice"]);
    order(&mut world, "10001", ready).unwrap();
    assert_eq!(sign(&world, "10001").0, Sign::Phone(Way::Desk));
    let _ = order(&mut world, "10001", AgentOrder::SignOut);
    close(world, &["10001", "10002"]);
}

#[test]
fn he_stands_after_a_restart_as_before() {
    let mut world = on_mobile(mobile_centre(false));
    world.crash(Duration::from_secs(2));
    let later = world.now() + Duration::from_secs(120);
    world.run_until(later);
    assert_eq!(sign(&world, "10001"), (Sign::Mobile(Console::Closed), Some(MOBILE.to_owned()), AgentState::Ready));
    world.register(&["carol"]);
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n0ms lines < INVITE\n1s lines > 200\n1s lines < ACK\n1s carol hears lines\n2s carol > BYE\n2s lines < BYE");
    leave(world);
}

#[test]
fn the_customer_is_on_the_left_channel_whoever_came_by_a_trunk() {
    let mut settings = mobile_centre(false);
    change(&mut settings, |queue| queue.record = true);
    let mut world = on_mobile(settings);
    // The mobile is rung by `spare`, the customer came by `lines`.
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines < INVITE\n0ms lines > 503\n0ms lines < ACK\n0ms spare < INVITE\n1s spare > 200\n1s spare < ACK\n1s lines hears spare");
    let started = of(&world, "recording_started");
    assert_eq!(started, ["recording_started lines#1 | spare#1"]);
    assert!(world.media.iter().any(|command| matches!(command, MediaCommand::Record { .. })));
    world.play("2s lines > BYE\n2s spare < BYE");
    leave(world);
}
