//! What makes one caller go before another, and one agent before another.

use std::sync::Arc;
use std::time::Duration;

use dialplan::caller::{KnownCaller, KnownCallers};
use dialplan::number_map::NumberPattern;
use dialplan::say::defaults;
use hooks::fact::AgentState;
use switch::config::{Overflow, OwnAgentRule, Queue, TenantConfig};
use switch::input::{AgentOrder, Input, Recalled, Talk};
use switch::queue::Strategy;

use crate::ladder::{World, now};
use crate::queues::{centre, change, close, order, staffed};

fn know(settings: &mut TenantConfig, pattern: NumberPattern, priority: u8, owner: Option<&str>) {
    let mut callers = KnownCallers::clone(&settings.callers);
    let owner = owner.map(|owner| owner.parse().unwrap());
    callers.insert(pattern, KnownCaller { priority, owner }).unwrap();
    settings.callers = Arc::new(callers);
}

fn exact(number: &str) -> NumberPattern {
    NumberPattern::Exact(number.parse().unwrap())
}

fn remembering(days: u64) -> TenantConfig {
    let mut settings = centre();
    let within = Duration::from_secs(days * 86_400);
    change(&mut settings, |queue| queue.own_agent.who = OwnAgentRule::OwnerOrLast { within });
    settings
}

fn of(world: &World, word: &str) -> Vec<String> {
    world.facts.iter().filter(|fact| fact.contains(word)).cloned().collect()
}

/// Proves QUEUE-04 (who came first goes first, within equal priority) and IVR-05 (by the list).
#[test]
fn a_known_caller_goes_before_who_came_earlier() {
    let mut settings = centre();
    know(&mut settings, NumberPattern::Prefix("138".parse().unwrap()), 9, None);
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms bob > INVITE 7000\n0ms bob < 200\n1s carol > INVITE 7000\n1s carol < 200\n2s lines > INVITE 01012340000\n2s lines < 200");
    order(&mut world, "10001", AgentOrder::Pick(AgentState::Ready)).unwrap();
    world.play(
        "0ms alice < INVITE `From: <sip:13800000000@`\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE",
    );
    // After the wrap-up of 10 s, of equals who came first.
    world.play("10s alice < INVITE `From: \"Bob\" <sip:1002@`\n11s alice > 200\n11s alice < ACK\n12s bob > BYE\n12s alice < BYE\n13s carol > BYE");
    close(world, &["10001"]);
}

/// Proves IVR-05.
#[test]
fn the_owner_of_a_customer_is_rung_first_then_the_others() {
    let mut settings = centre();
    know(&mut settings, exact("+8613800000000"), 0, Some("10002"));
    change(&mut settings, |queue| queue.own_agent.who = OwnAgentRule::Owner);
    let mut world = staffed(settings, &["10001", "10002"]);
    world.play(
        r#"
        0ms   lines > INVITE 01012340000
        0ms   lines < 200
        0ms   bob   < INVITE
        1s    bob   > 180
        20s   bob   < CANCEL
        20s   bob   < ACK
        20s   alice < INVITE
        21s   alice > 200
        21s   alice < ACK
        22s   lines > BYE
        22s   alice < BYE
        "#,
    );
    let world = close(world, &["10001", "10002"]);
    assert_eq!(
        of(&world, "offered"),
        ["offered 10002 by support OwnAgent", "offered 10001 by support LongestIdle"],
        "{}",
        world.ladder()
    );
}

/// Proves IVR-05: only if he is online and idle.
#[test]
fn an_owner_who_is_on_a_break_is_not_waited_for() {
    let mut settings = centre();
    know(&mut settings, exact("+8613800000000"), 0, Some("10002"));
    change(&mut settings, |queue| queue.own_agent.who = OwnAgentRule::Owner);
    let mut world = staffed(settings, &["10001", "10002"]);
    order(&mut world, "10002", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves IVR-05: the agent who talked with the caller last, where the queue wants that.
#[test]
fn who_talked_with_a_caller_last_is_rung_first() {
    for (settings, second) in
        [(centre(), "10001 by support LongestIdle"), (remembering(7), "10002 by support OwnAgent")]
    {
        let mut world = staffed(settings, &["10002", "10001"]);
        world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s lines > BYE\n2s bob < BYE");
        // His wrap-up is over, and the other one has been idle for longer.
        let later = world.now() + Duration::from_secs(60);
        world.run_until(later);
        let rung = if second.starts_with("10002") { "bob" } else { "alice" };
        world.play(&format!("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms {rung} < INVITE\n1s {rung} > 200\n1s {rung} < ACK\n2s lines > BYE\n2s {rung} < BYE"));
        let world = close(world, &["10001", "10002"]);
        assert_eq!(of(&world, "offered")[1], format!("offered {second}"), "{}", world.ladder());
    }
}

/// Proves IVR-05 after a restart, from the records; and that what is too long ago does not count.
#[test]
fn a_last_agent_is_known_after_a_restart_until_that_is_too_long_ago() {
    for (days, rung) in [(6, "bob"), (8, "alice")] {
        let mut world = staffed(remembering(7), &["10001", "10002"]);
        let at_ms = now(world.now()).unix_ms - days * 86_400_000;
        let talk = Talk { caller: "13800000000".into(), agent: "10002".parse().unwrap(), at_ms };
        let recalled = Box::new(Recalled { talks: vec![talk], answered_today: Vec::new() });
        world.input(Input::Recall { tenant: world.tenant.tenant.clone(), recalled });
        world.play(&format!("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms {rung} < INVITE\n1s {rung} > 200\n1s {rung} < ACK\n2s lines > BYE\n2s {rung} < BYE"));
        close(world, &["10001", "10002"]);
    }
}

/// Proves IVR-05: it is off where nothing is set.
#[test]
fn the_owner_of_a_customer_is_rung_like_others_where_the_queue_does_not_want_that() {
    let mut settings = centre();
    know(&mut settings, exact("+8613800000000"), 0, Some("10002"));
    let mut world = staffed(settings, &["10001", "10002"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms alice < INVITE\n1s alice > 200\n1s alice < ACK\n2s lines > BYE\n2s alice < BYE");
    close(world, &["10001", "10002"]);
}

/// Proves QUEUE-03 (fewest answered calls today, also after a restart).
#[test]
fn who_answered_fewest_today_is_rung_also_after_a_restart() {
    for (before, rung) in [(0, "alice"), (3, "bob")] {
        let mut settings = centre();
        change(&mut settings, |queue| queue.settings.strategy = Strategy::FewestToday);
        let mut world = staffed(settings, &["10001", "10002"]);
        let answered_today = vec![("10001".parse().unwrap(), before)];
        let recalled = Box::new(Recalled { talks: Vec::new(), answered_today });
        world.input(Input::Recall { tenant: world.tenant.tenant.clone(), recalled });
        world.play(&format!("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms {rung} < INVITE\n1s {rung} > 200\n1s {rung} < ACK\n2s lines > BYE\n2s {rung} < BYE"));
        close(world, &["10001", "10002"]);
    }
}

/// Proves QUEUE-05 (music).
#[test]
fn who_waits_hears_the_music_of_the_queue_between_what_is_said() {
    let mut settings = centre();
    change(&mut settings, |queue| {
        queue.music = Some("our_music".parse().unwrap());
        queue.welcome = Some(defaults::QUEUE_WELCOME);
    });
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears queue_welcome");
    world.played("lines");
    world.play("0ms lines hears our_music");
    // A clip without a sound in it is over at once.
    world.played("lines");
    world.play("0ms lines hears HoldMusic\n1s lines > BYE");
    world.play("2s lines > INVITE 01012340000\n2s lines < 200");
    world.played("lines");
    world.play("0ms lines hears our_music\n1s lines > BYE");
    close(world, &["10001"]);
}

/// Of REC-08 what is said before the agent.
#[test]
fn who_has_not_heard_to_its_end_that_he_is_recorded_stands_in_no_line() {
    let mut settings = centre();
    change(&mut settings, |queue| {
        queue.recording_announcement = Some("call_recorded".parse().unwrap());
        queue.welcome = Some(defaults::QUEUE_WELCOME);
        queue.record = true;
    });
    let mut world = staffed(settings, &["10001"]);
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears call_recorded");
    // An agent is idle all the while.
    world.play("9s lines hears call_recorded");
    let queued = |world: &World| world.facts.iter().any(|fact| fact.starts_with("queued"));
    assert!(!queued(&world), "{:?}", world.facts);
    world.played("lines");
    assert!(queued(&world), "{:?}", world.facts);
    world.play(
        "0ms alice < INVITE\n0ms lines hears queue_welcome\n1s alice > 200\n1s alice < ACK\n1s lines hears alice",
    );
    world.play("1s lines > BYE\n1s alice < BYE");
    // Who hangs up before its end was in no line.
    world.play("20s lines > INVITE 01012340000\n20s lines < 200\n20s lines hears call_recorded\n21s lines > BYE");
    let world = close(world, &["10001"]);
    let left: Vec<&String> = world.facts.iter().filter(|fact| fact.starts_with("left_queue")).collect();
    assert_eq!(left, ["left_queue support Answered 10001 1000 in time"], "{}", world.ladder());
}

#[test]
fn that_he_is_recorded_is_told_once_though_he_goes_on_to_another_queue() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.recording_announcement = Some("call_recorded".parse().unwrap()));
    let mut sales = Queue::clone(&settings.queues[&"support".parse().unwrap()]);
    sales.name = "sales".parse().unwrap();
    settings.queues.insert(sales.name.clone(), Arc::new(sales));
    change(&mut settings, |queue| {
        queue.settings.max_wait = Some(Duration::from_secs(5));
        queue.overflow = vec![Overflow::Queue("sales".parse().unwrap())];
    });
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play("0ms lines > INVITE 01012340000\n0ms lines < 200\n0ms lines hears call_recorded");
    world.played("lines");
    world.play("6s lines hears HoldMusic\n7s lines > BYE");
    let world = close(world, &["10001"]);
    assert!(world.facts.iter().any(|fact| fact.starts_with("left_queue sales")), "{:?}", world.facts);
}

/// Proves QUEUE-05 (max wait): a queue with the limit of the one before it lets who overflows to it wait as long again.
#[test]
fn how_long_one_may_wait_is_counted_in_each_queue_anew() {
    let mut settings = centre();
    change(&mut settings, |queue| queue.settings.max_wait = Some(Duration::from_secs(30)));
    let mut sales = Queue::clone(&settings.queues[&"support".parse().unwrap()]);
    sales.name = "sales".parse().unwrap();
    settings.queues.insert(sales.name.clone(), Arc::new(sales));
    change(&mut settings, |queue| queue.overflow = vec![Overflow::Queue("sales".parse().unwrap())]);
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    world.play(
        "0ms lines > INVITE 01012340000\n0ms lines < 200\n59s lines hears HoldMusic\n61s lines hears queue_closed",
    );
    world.played("lines");
    world.play("0ms lines < BYE");
    let world = close(world, &["10001"]);
    assert_eq!(of(&world, "left_queue"), ["left_queue support MaxWait 30000", "left_queue sales MaxWait 30000"]);
}

/// Proves CALL-08.
#[test]
fn an_agent_shows_outside_the_number_of_his_queue_where_he_has_none() {
    let mut settings = centre();
    let mut sales = Queue::clone(&settings.queues[&"support".parse().unwrap()]);
    sales.name = "sales".parse().unwrap();
    sales.caller_number = Some("01055550001".into());
    settings.queues.insert(sales.name.clone(), Arc::new(sales));
    change(&mut settings, |queue| queue.caller_number = Some("01055550002".into()));
    let mut world = staffed(settings, &["10001", "10002"]);
    // Bob's extension has its own; Alice's queues have one each, and `sales` is the first by name.
    for (who, shown) in [("bob", "01066668888"), ("alice", "01055550001")] {
        world.play(&format!(
            "0ms {who} > INVITE 13800000000\n0ms lines < INVITE `From: <sip:{shown}@pbx.example>`\n1s lines > 486\n1s lines < ACK\n1s {who} < 486"
        ));
    }
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    // Nobody is signed in on it: the line's own.
    world.play("0ms alice > INVITE 13800000000\n0ms lines < INVITE `From: <sip:01012345678@pbx.example>`\n1s lines > 486\n1s lines < ACK\n1s alice < 486");
    close(world, &["10002"]);
}

/// Proves QUEUE-06: another group, mobiles one after another for 20 s each, a prompt and the end; for each of the three triggers.
#[test]
fn who_is_not_served_goes_on_in_the_order_that_is_set() {
    for trigger in ["MaxWait", "Full", "NobodySignedIn"] {
        let mut settings = centre();
        let mut sales = Queue::clone(&settings.queues[&"support".parse().unwrap()]);
        sales.name = "sales".parse().unwrap();
        sales.members.clear();
        settings.queues.insert(sales.name.clone(), Arc::new(sales));
        change(&mut settings, |queue| {
            queue.settings.max_wait = (trigger == "MaxWait").then_some(Duration::from_secs(30));
            queue.settings.max_length = if trigger == "Full" { 1 } else { 50 };
            queue.overflow = vec![
                Overflow::Queue("sales".parse().unwrap()),
                Overflow::Number("13900000001".parse().unwrap()),
                Overflow::Number("13900000002".parse().unwrap()),
                Overflow::Say(defaults::QUEUE_BUSY),
            ];
        });
        let agents: &[&str] = if trigger == "NobodySignedIn" { &[] } else { &["10003"] };
        let mut world = staffed(settings, agents);
        let _ = order(&mut world, "10003", AgentOrder::Pick(AgentState::OnBreak));
        if trigger == "Full" {
            world.play("0ms bob > INVITE 7000\n0ms bob < 200");
        }
        world.play("0ms alice > INVITE 7000\n0ms alice < 200");
        let waits = if trigger == "MaxWait" { 30 } else { 0 };
        world.play(&format!("{waits}s lines < INVITE `sip:913900000001@`\n{waits}s lines > 180"));
        world.play("20s lines < CANCEL\n20s lines < INVITE `sip:913900000002@`\n20s lines < ACK\n20s lines > 180");
        world.play("20s lines < CANCEL\n20s lines < ACK\n20s alice hears queue_busy");
        world.played("alice");
        world.play("0ms alice < BYE");
        if trigger == "Full" {
            world.play("0ms bob > BYE");
        }
        let world = close(world, &["10003"]);
        let left = of(&world, "left_queue");
        assert!(left[0].starts_with(&format!("left_queue support {trigger}")), "{left:?}");
        assert_eq!(left[1], "left_queue sales NobodySignedIn 0");
    }
}

/// Proves QUEUE-01: calls are led to agents through their groups, of which one has several and another none.
#[test]
fn callers_reach_the_agents_of_their_group_alone() {
    let mut settings = centre();
    let mut sales = Queue::clone(&settings.queues[&"support".parse().unwrap()]);
    sales.name = "sales".parse().unwrap();
    sales.members.retain(|agent, _| agent.as_str() != "10001");
    settings.plan.queues.insert("7001".parse().unwrap(), sales.name.clone());
    settings.queues.insert(sales.name.clone(), Arc::new(sales));
    change(&mut settings, |queue| queue.members.retain(|agent, _| agent.as_str() == "10002"));
    // Alice has been idle longest, and is of neither group.
    let mut world = staffed(settings, &["10001", "10002"]);
    for number in ["7000", "7001"] {
        world.play(&format!("0ms carol > INVITE {number}\n0ms carol < 200\n0ms bob < INVITE\n1s bob > 200\n1s bob < ACK\n2s carol > BYE\n2s bob < BYE"));
        let later = world.now() + Duration::from_secs(30);
        world.run_until(later);
    }
    let world = close(world, &["10001", "10002"]);
    assert_eq!(of(&world, "offered"), ["offered 10002 by support LongestIdle", "offered 10002 by sales LongestIdle"]);
}

/// Proves AGT-18.
#[test]
fn rules_of_agents_bind_an_extension_only_while_one_is_signed_in_on_it() {
    let mut settings = centre();
    let handling = &mut settings.extensions.get_mut(&"1001".parse().unwrap()).unwrap().handling;
    handling.call_waiting = true;
    handling.forward_no_answer = Some("1003".parse().unwrap());
    let mut world = staffed(settings, &["10001"]);
    order(&mut world, "10001", AgentOrder::Pick(AgentState::OnBreak)).unwrap();
    // An agent on a break neither dials nor is dialled.
    world.play("0ms alice > INVITE 1002\n0ms alice < 403\n1s bob > INVITE 1001\n1s bob < 486");
    order(&mut world, "10001", AgentOrder::SignOut).unwrap();
    // An ordinary phone does both; a second call waits, and goes on where nobody answers.
    world.play(
        r#"
        0ms   alice > INVITE 1002
        0ms   bob   < INVITE
        1s    bob   > 200
        1s    bob   < ACK
        1s    alice < 200
        2s    lines > INVITE 01012345678
        2s    alice < INVITE
        2s    alice > 180
        2s    lines < 180
        "#,
    );
    world.play("30s alice < CANCEL\n30s carol < INVITE\n31s carol > 200\n31s carol < ACK\n31s lines < 200\n31s lines > BYE\n31s carol < BYE");
    world.play("0ms alice < ACK\n0ms bob > BYE\n0ms alice < BYE");
    // Nothing of that was offered to an agent, and nobody has missed a call.
    let world = close(world, &[]);
    assert_eq!((of(&world, "offer"), of(&world, "WrapUp")), (Vec::new(), Vec::new()));
}
