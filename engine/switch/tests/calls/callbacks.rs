//! Callers who are called back: they keep their place in the line of a queue without a call.

use std::time::Duration;

use hooks::fact::{AgentState, CallbackRequested};
use hooks::id::CallId;
use switch::config::TenantConfig;
use switch::input::{AgentOrder, Command, Input};
use switch::output::{Done, Refused};
use switch::queue::Strategy;
use switch::view::View;

use crate::ladder::{World, now};
use crate::queues::{centre, change, close, order, staffed, with};

fn calling_back() -> TenantConfig {
    let mut settings = centre();
    change(&mut settings, |queue| queue.callback_key = Some('2'));
    settings
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// The caller waits while Alice is on a break, presses the key after three seconds and is told so.
fn asked(settings: TenantConfig) -> World {
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.facts.clear();
    world.play(
        "0ms lines > INVITE 01012340000\n0ms lines < 200\n3s lines > press 2\n3s lines hears queue_callback_accepted",
    );
    world.played("lines");
    world.play("0ms lines < BYE");
    world
}

fn ready(world: &mut World) {
    order(world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
}

/// Proves QUEUE-02 (he leaves the queue) and that an agent's phone rings first, then the caller's.
#[test]
fn who_asks_for_it_is_called_back_once_an_agent_has_answered() {
    let mut world = asked(calling_back());
    let later = world.now() + Duration::from_secs(60);
    world.run_until(later);
    ready(&mut world);
    world.play(
        r#"
        0ms   alice < INVITE `From: <sip:13800000000@` `!answer-after`
        1s    alice > 180
        2s    alice > 200
        2s    alice < ACK
        2s    lines < INVITE `sip:913800000000@`
        3s    lines > 180
        3s    alice hears RingbackCn
        5s    lines > 200
        5s    lines < ACK
        5s    alice hears lines
        5s    lines hears alice
        9s    lines > BYE
        9s    alice < BYE
        "#,
    );
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "left_queue"), ["left_queue support Callback 3000"], "{}", world.ladder());
    assert_eq!(
        of(&world, "callback_"),
        [
            "callback_requested support 13800000000 3000",
            "callback_started support 13800000000 by 10001 try 1 65000",
            "callback_ended support 13800000000 Answered after 1 68000",
        ]
    );
    assert_eq!(of(&world, "offer"), ["offered 10001 by support FirstInLine", "offer_ended 10001 Answered 2000"]);
    assert_eq!(
        of(&world, "agent 10001"),
        [
            "agent 10001 OnBreak->Ready None Manual",
            "agent 10001 Ready->Ready Ringing Ring",
            "agent 10001 Ready->Ready None RingEnd",
            "agent 10001 Ready->Ready Dialling Dial",
            "agent 10001 Ready->Ready Connected(Talking) Answer",
            "agent 10001 Ready->WrapUp None CallEnd",
            "agent 10001 WrapUp->Offline None Logout",
        ]
    );
}

/// Proves QUEUE-04 (first in, first out).
#[test]
fn who_is_to_be_called_back_keeps_his_place_in_line() {
    let mut world = staffed(calling_back(), &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    // Carol came later, but had waited on the line before he asked to be called back.
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        1s    carol > INVITE 7000
        1s    carol < 200
        3s    lines > press 2
        3s    lines hears queue_callback_accepted
        4s    lines > BYE
        "#,
    );
    ready(&mut world);
    world.play("0ms alice < INVITE `From: <sip:13800000000@`\n1s alice > 200\n1s alice < ACK\n1s lines < INVITE\n2s lines > 200\n2s lines < ACK\n3s lines > BYE\n3s alice < BYE");
    // After the wrap-up it is the other one's turn.
    world.play(
        "10s alice < INVITE `From: \"Carol\"`\n11s alice > 200\n11s alice < ACK\n12s carol > BYE\n12s alice < BYE",
    );
    close(world, &["10001"]);
}

#[test]
fn where_all_are_rung_at_once_one_agent_calls_back() {
    let mut settings = calling_back();
    change(&mut settings, |queue| queue.settings.strategy = Strategy::RingAll);
    let mut world = staffed(settings, &["10001", "10002"]);
    for agent in ["10001", "10002"] {
        order(&mut world, agent, AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    }
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n3s lines > press 2\n4s lines > BYE");
    for agent in ["10001", "10002"] {
        order(&mut world, agent, AgentOrder::Pick(AgentState::Ready)).unwrap();
    }
    world.play("0ms alice < INVITE\n1s alice > 180\n20s alice < CANCEL\n20s alice < ACK");
    // Of two who are idle now one is rung.
    world.play("0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n1s lines < INVITE\n2s lines > 200\n2s lines < ACK\n3s lines > BYE\n3s bob < BYE");
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "offered").len(), 2, "{}", world.ladder());
}

#[test]
fn without_the_setting_or_with_another_key_nothing_happens() {
    for (settings, key) in [(centre(), "2"), (calling_back(), "3")] {
        let mut world = staffed(settings, &["10001"]);
        order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
        world.play(&format!("0ms lines > INVITE 01012340000\n0ms lines < 200\n3s lines > press {key}\n3s lines hears HoldMusic\n4s lines > BYE"));
        let world = close(world, &["10001"]);
        assert_eq!(of(&world, "callback"), [""; 0]);
    }
}

#[test]
fn who_cannot_be_called_outside_is_told_so_and_waits_on() {
    let mut world = staffed(calling_back(), &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms carol > INVITE 7000\n0ms carol < 200\n1s carol > press 2\n1s carol hears queue_callback_refused");
    world.played("carol");
    world.play("0ms carol hears HoldMusic\n1s carol > BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback"), [""; 0]);
    assert_eq!(of(&world, "left_queue"), ["left_queue support Abandoned 2000"]);
}

#[test]
fn who_does_not_answer_is_called_three_times_with_a_rest_in_between() {
    let mut world = asked(calling_back());
    ready(&mut world);
    for attempt in 1..=3 {
        // Thirty seconds he is rung, and five minutes he is left in peace.
        let rest = if attempt == 1 { "0s" } else { "300s" };
        world.play(&format!(
            "{rest} alice < INVITE\n{rest} alice > 200\n{rest} alice < ACK\n{rest} lines < INVITE\n{rest} lines > 180"
        ));
        world.play("30s lines < CANCEL\n30s lines < ACK\n30s alice < BYE\n30s alice > REGISTER\n30s alice < 200");
    }
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback_started").len(), 3, "{}", world.ladder());
    assert_eq!(of(&world, "callback_ended"), ["callback_ended support 13800000000 Unanswered after 3 693000"]);
    // A call that was not answered needs no wrap-up.
    assert_eq!(of(&world, "WrapUp"), [""; 0]);
}

/// Proves QUEUE-07: an agent who does not answer a callback has missed it, and another one is rung.
#[test]
fn an_agent_who_does_not_take_a_callback_has_missed_it_and_the_next_one_is_rung() {
    for strategy in [Strategy::LongestIdle, Strategy::RingAll] {
        let mut settings = calling_back();
        change(&mut settings, |queue| queue.settings.strategy = strategy);
        let mut world = asked(settings);
        ready(&mut world);
        world.play("0ms alice < INVITE\n1s alice > 180\n20s alice < CANCEL\n20s alice < INVITE\n20s alice < ACK\n21s alice > 486\n21s alice < ACK");
        world.play("3s alice < INVITE\n4s alice > 200\n4s alice < ACK\n4s lines < INVITE\n5s lines > 200\n5s lines < ACK\n6s alice > BYE\n6s lines < BYE");
        let world = close(world, &["10001"]);
        assert_eq!(
            of(&world, "offer_ended"),
            ["offer_ended 10001 TimedOut 20000", "offer_ended 10001 Rejected 1000", "offer_ended 10001 Answered 1000"],
            "{}",
            world.ladder()
        );
        assert_eq!(of(&world, "callback_started").len(), 1);
    }
}

/// The id of the only callback, as the queue shows it, and the call under way for it.
fn shown(world: &World) -> Option<(CallId, Option<CallId>)> {
    let queue = world.views.iter().rev().find_map(|view| match view {
        View::Queue(queue) => Some(queue),
        _ => None,
    });
    let callback = queue?.callbacks.first()?;
    assert_eq!((callback.number.as_str(), queue?.waiting), ("13800000000", 0));
    Some((callback.call, callback.under_way))
}

fn cancel(world: &mut World, callback: CallId) -> Result<Done, Refused> {
    let queue = "support".parse().unwrap();
    world.command(Command::CancelCallback { queue, callback, by: "chief".into() })
}

#[test]
fn a_callback_is_shown_and_taken_back_by_order_before_and_while_it_is_made() {
    let mut world = asked(calling_back());
    let (callback, under_way) = shown(&world).unwrap();
    assert_eq!((callback, under_way), (world.first_call(), None));
    cancel(&mut world, callback).unwrap();
    assert_eq!((cancel(&mut world, callback), shown(&world)), (Err(Refused::NoSuchCallback), None));
    ready(&mut world);
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback_ended"), ["callback_ended support 13800000000 Cancelled after 0 3000 by chief"]);

    // The agent's phone rings for it.
    let mut world = asked(calling_back());
    ready(&mut world);
    world.play("0ms alice < INVITE\n1s alice > 180");
    let (callback, under_way) = shown(&world).unwrap();
    assert!(under_way.is_some());
    cancel(&mut world, callback).unwrap();
    world.play("0ms alice < CANCEL\n0ms alice < ACK");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "offer_ended"), ["offer_ended 10001 CallerHungUp 1000"]);

    // He is being dialled.
    let mut world = asked(calling_back());
    ready(&mut world);
    world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < INVITE\n1s lines > 180");
    let (callback, _) = shown(&world).unwrap();
    cancel(&mut world, callback).unwrap();
    world.play("0ms alice < BYE\n0ms lines < CANCEL\n0ms lines < ACK");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback_ended"), ["callback_ended support 13800000000 Cancelled after 1 4000 by chief"]);
}

fn restored(world: &mut World, attempts: u8, waited_s: u64) -> CallId {
    let asked_ms = now(world.now()).unix_ms - 60_000;
    let call = CallId::new(asked_ms, 7);
    let asked = CallbackRequested {
        call,
        queue: "support".into(),
        number: "13800000000".into(),
        priority: 0,
        waited_ms: waited_s * 1_000,
    };
    let tenant = world.tenant.tenant.clone();
    world.input(Input::RestoreCallback { tenant, asked: Box::new(asked), asked_ms, attempts });
    call
}

#[test]
fn a_callback_survives_a_restart_with_its_waiting_time_and_its_tries() {
    let mut world = with(calling_back());
    // Nobody is signed in yet: who waits on the line would be turned away.
    restored(&mut world, 2, 30);
    let desk = switch::input::SignIn { way: hooks::fact::Way::Desk, extension: None };
    order(&mut world, "10001", AgentOrder::SignIn(desk)).unwrap();
    ready(&mut world);
    world.play("0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n1s lines < INVITE\n2s lines > 486\n2s lines < ACK\n2s alice < BYE");
    // That was the last try; one who had been called for the third time when the process ended is not called again.
    restored(&mut world, 3, 30);
    let world = close(world, &["10001"]);
    assert_eq!(
        of(&world, "callback_"),
        [
            "callback_started support 13800000000 by 10001 try 3 91000",
            "callback_ended support 13800000000 Unanswered after 3 92000",
            "callback_ended support 13800000000 Unanswered after 3 90000",
        ],
        "{}",
        world.ladder()
    );
}

#[test]
fn after_a_day_or_without_its_queue_a_callback_is_over() {
    let mut world = asked(calling_back());
    let later = world.now() + Duration::from_secs(86_400);
    world.run_until(later);
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback_ended"), ["callback_ended support 13800000000 Expired after 0 86403000"]);

    let mut world = asked(calling_back());
    let mut without = world.tenant.clone();
    without.queues.clear();
    without.plan.queues.clear();
    without.plan.inbound.retain(|route| !matches!(route.to, dialplan::plan::Destination::Queue(_)));
    world.input(Input::Tenant(std::sync::Arc::new(without)));
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "callback_ended"), ["callback_ended support 13800000000 QueueGone after 0 3000"]);
}

#[test]
fn who_asks_twice_stands_in_line_once() {
    let mut world = asked(calling_back());
    world.play("10s lines > INVITE 01012340000\n10s lines < 200\n11s lines > press 2\n11s lines hears queue_callback_accepted\n12s lines > BYE");
    let (callback, _) = shown(&world).unwrap();
    assert_eq!(of(&world, "callback_requested").len(), 1);
    cancel(&mut world, callback).unwrap();
    close(world, &["10001"]);
}

#[test]
fn an_agent_alone_hears_for_which_queue_he_is_called_before_he_is_connected() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.agent_announcement = Some("support_name".parse().unwrap()));
    let mut world = staffed(settings, &["10001"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   alice < INVITE
        1s    alice > 200
        1s    alice < ACK
        1s    alice hears queue_call_for support_name
        1s    lines hears HoldMusic
        "#,
    );
    world.played("alice");
    world.play("1s lines hears alice\n1s alice hears lines\n2s lines > BYE\n2s alice < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "left_queue"), ["left_queue support Answered 10001 1000 in time"]);

    // Whatever happens meanwhile, nothing is left over; what is not said in time is not waited for.
    let mut settings = centre();
    change(&mut settings, |queue| queue.agent_announcement = Some("support_name".parse().unwrap()));
    let mut world = staffed(settings, &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    world.play("12s lines > INVITE 01012340000\n12s lines < 200\n12s alice < INVITE\n13s alice > 200\n13s alice < ACK\n22s lines hears HoldMusic\n23s lines hears alice\n24s alice > BYE\n24s lines < BYE");
    close(world, &["10001"]);
}
