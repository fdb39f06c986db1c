//! What makes one caller go before another, and one agent before another.

use std::sync::Arc;
use std::time::Duration;

use dialplan::caller::{KnownCaller, KnownCallers};
use dialplan::number_map::NumberPattern;
use hooks::fact::AgentState;
use switch::config::{OwnAgentRule, TenantConfig};
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
